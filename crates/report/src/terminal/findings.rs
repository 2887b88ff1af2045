use super::{Pen, Style};
use crate::page::Judged;
use crate::units::{clock, count, counted, date};
use crate::{Page, clean};
use sekisho_finding::{Finding, Severity};
use sekisho_types::Addr;

/// Findings told with their evidence; of others only one line.
const TOLD: usize = 30;
/// Findings printed at all.
const PRINTED: usize = 200;
/// Muted findings printed, and mutes that have ended.
const MUTED: usize = 20;
/// Quotations of a finding printed.
const QUOTES: usize = 3;
/// Packet numbers of a finding printed.
const PACKETS: usize = 6;

/// What the detectors say, the worst first.
pub(super) fn findings(pen: &mut Pen, page: &Page) {
    let judged = &page.judged;
    let open: Vec<&Finding> = judged.findings.iter().filter(|f| f.is_open()).collect();
    let muted_count = judged.findings.len() - open.len();
    pen.heading("Findings", &tally(&open, muted_count));
    if open.is_empty() {
        pen.paragraph(Style::Good, "", "Nothing that the detectors look for was seen.");
    }
    for (i, finding) in open.iter().take(PRINTED).enumerate() {
        // Facts worth listing never alarm: they stay short.
        one(pen, finding, i < TOLD && finding.severity > Severity::Info);
    }
    if open.len() > PRINTED {
        let more = counted((open.len() - PRINTED) as u64, "finding");
        pen.paragraph(Style::Dim, "", &format!("… and {more} more, in --json"));
    }
    muted(pen, judged);
    if let Some(signed) = &judged.dnssec {
        let counts: Vec<String> = signed.by_status().map(|(status, n)| format!("{} {status}", count(n))).collect();
        let words = format!("DNSSEC: verdicts on answers: {}; each with its reason in --json.", counts.join(", "));
        pen.paragraph(Style::Plain, "", &words);
    }
    if let Some(carried) = &judged.carried {
        let before = match carried.since.zip(carried.until) {
            Some((since, until)) => {
                format!("{} of runs from {} to {}", counted(carried.known, "fact"), date(since), date(until))
            }
            None => "no earlier run".to_owned(),
        };
        let words = format!("State: {before}; {} kept for the next.", counted(carried.kept, "fact"));
        pen.paragraph(Style::Plain, "", &words);
        if carried.left_out > 0 {
            let words = format!("The state is full: {} left out, the oldest.", counted(carried.left_out, "fact"));
            pen.paragraph(Style::Warning, "! ", &words);
        }
    }
    if judged.refused > 0 {
        let kept = format!("{} of little weight not kept for want of room.", counted(judged.refused, "finding"));
        pen.paragraph(Style::Warning, "! ", &kept);
    }
    if !judged.forgotten.is_empty() {
        let forgot = counted(judged.forgotten_count(), "entry");
        let whose: Vec<String> = judged.forgotten.iter().map(|(whose, n)| format!("{whose} {}", count(*n))).collect();
        let words = format!("Judged on partial memory: detectors forgot {forgot}: {}.", whose.join(", "));
        pen.paragraph(Style::Warning, "! ", &words);
    }
}

/// What somebody has agreed to live with, and mutes that have ended.
fn muted(pen: &mut Pen, judged: &Judged) {
    let muted = judged.findings.iter().filter_map(|f| Some((f, f.muted.as_ref()?)));
    for (f, why) in muted.clone().take(MUTED) {
        let words = format!("muted: {}: {}", heading(f), clean(why.as_bytes()));
        pen.paragraph(Style::Dim, "", &words);
    }
    let more = muted.count().saturating_sub(MUTED);
    if more > 0 {
        pen.paragraph(Style::Dim, "", &format!("… and {} more muted, in --json", count(more as u64)));
    }
    for m in judged.mutes.iter().filter(|m| m.expired).take(MUTED) {
        let ended = format!(
            "The mute of {} in line {} ended on {}: {}",
            clean(m.judgement.as_bytes()),
            m.line,
            m.until,
            clean(m.reason.as_bytes())
        );
        pen.paragraph(Style::Warning, "! ", &ended);
    }
}

/// Severity, host, judgement and key.
fn heading(f: &Finding) -> String {
    let key = if f.key.is_empty() { String::new() } else { format!("  {}", clean(f.key.as_bytes())) };
    format!("{}  {}  {}{key}", f.severity, host(f, f.subject), f.code())
}

/// How many of each severity.
fn tally(open: &[&Finding], muted: usize) -> String {
    let of = |severity: Severity| open.iter().filter(|f| f.severity == severity).count() as u64;
    let mut parts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|s| (s, of(s)))
        .filter(|(_, n)| *n > 0)
        .map(|(s, n)| format!("{} {s}", count(n)))
        .collect();
    if muted > 0 {
        parts.push(format!("{} muted", count(muted as u64)));
    }
    parts.join(", ")
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical | Severity::High => Style::Alarm,
        Severity::Medium => Style::Warning,
        Severity::Low | Severity::Info => Style::Plain,
    }
}

/// A host with the name that it went by.
pub(super) fn host(f: &Finding, addr: Addr) -> String {
    // A mail in a file has no hosts.
    if addr == Addr::UNSPECIFIED {
        return "mail".to_owned();
    }
    match f.names.iter().find(|(a, _)| *a == addr) {
        Some((_, name)) => format!("{addr} ({})", clean(name.as_bytes())),
        None => addr.to_string(),
    }
}

fn one(pen: &mut Pen, f: &Finding, told: bool) {
    pen.paragraph(style(f.severity), "", &heading(f));
    if !told {
        return;
    }
    let mut line = |words: &str| pen.paragraph(Style::Plain, "    ", words);
    line(&format!("{} ({}, {})", f.reason.means, f.confidence, f.confidence.word()));
    if !f.peers.named().is_empty() {
        let named: Vec<String> = f.peers.named().iter().map(|p| host(f, *p)).collect();
        line(&format!("with {}{}", named.join(", "), if f.peers.more() { " and others" } else { "" }));
    }
    let times = if f.count > 1 { format!(", {} times until {}", count(f.count), clock(f.last)) } else { String::new() };
    line(&format!("{}{times}{}", clock(f.first), packets(f)));
    for measure in &f.measures {
        line(&measure.to_string());
    }
    for quote in f.quotes.iter().take(QUOTES) {
        line(&format!("{}: {}", quote.label, clean(quote.text.as_bytes())));
    }
    for benign in &f.benign {
        line(&format!("{}? {}", benign.explanation, benign.result));
    }
    for quality in &f.quality {
        line(&format!("not surer, as {}", quality.name()));
    }
    if let Some(uid) = f.flows.iter().next() {
        line(&format!("sekisho packets --uid {uid} -o evidence.pcapng CAPTURE; sekisho explain {}", f.about.id));
    }
}

/// `; packets 7, 12 and 30 more`.
fn packets(f: &Finding) -> String {
    let all = f.packets.count();
    if all == 0 {
        return String::new();
    }
    let named: Vec<String> = f.packets.iter().take(PACKETS).map(|p| p.to_string()).collect();
    let more = all.saturating_sub(named.len() as u64);
    let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
    format!("; {} {}{more}", if all == 1 { "packet" } else { "packets" }, named.join(", "))
}
