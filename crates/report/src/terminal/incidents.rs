use super::findings::host;
use super::{Pen, Style};
use crate::html::fill;
use crate::units::{clock, count, counted};
use crate::{Page, clean, story};
use sekisho_finding::{Finding, Incident, Risk, ShownBy, Step, Tale};
use sekisho_types::Addr;

/// Incidents told step by step; of others only one line.
const TOLD: usize = 5;
/// Incidents printed at all.
const PRINTED: usize = 50;
/// Proofs of a step, and moments of a finding, printed.
const PROOFS: usize = 6;
/// Steps, hosts and terms of an incident printed.
const STEPS: usize = 30;
const HOSTS: usize = 12;
const TERMS: usize = 3;

/// Findings joined to stories, the most urgent first.
pub(super) fn incidents(pen: &mut Pen, page: &Page) {
    let judged = &page.judged;
    if judged.incidents.is_empty() {
        return;
    }
    let all = judged.incidents.len() as u64 + judged.more_incidents;
    pen.heading("Incidents", &counted(all, "story"));
    for (i, incident) in judged.incidents.iter().take(PRINTED).enumerate() {
        one(pen, incident, &judged.findings, i < TOLD);
    }
    let more = all.saturating_sub(PRINTED as u64);
    if more > 0 {
        pen.paragraph(Style::Dim, "", &format!("… and {} more, in --json", count(more)));
    }
}

fn one(pen: &mut Pen, incident: &Incident, findings: &[Finding], told: bool) {
    let steps: Vec<&Finding> = incident.steps.iter().filter_map(|i| findings.get(*i)).collect();
    let named = |addr: &Addr| {
        let of = steps.iter().find(|f| f.names.iter().any(|(a, _)| a == addr)).or(steps.first());
        of.map_or_else(|| addr.to_string(), |f| host(f, *addr))
    };
    let list = |hosts: &[Addr], between: &str| {
        let shown: Vec<String> = hosts.iter().take(HOSTS).map(named).collect();
        let more = hosts.len().saturating_sub(HOSTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(between))
    };
    let style = match incident.risk.score {
        70.. => Style::Alarm,
        45.. => Style::Warning,
        _ => Style::Plain,
    };
    let hosts = list(&incident.hosts, " → ");
    let when = format!("{} to {}", clock(incident.first), clock(incident.last));
    pen.paragraph(style, "", &format!("risk {}, {}: {hosts}; {when}", incident.risk.score, incident.risk.word()));
    if !told {
        return;
    }
    let mut line = |words: &str| pen.paragraph(Style::Plain, "    ", words);
    for (part, hosts) in &incident.parts {
        line(&format!("{}: {}", part.words(), list(hosts, ", ")));
    }
    for s in incident.told.iter().take(STEPS) {
        step(pen, incident, s, findings);
    }
    let mut line = |words: &str| pen.paragraph(Style::Plain, "    ", words);
    let more = incident.told.len().saturating_sub(STEPS);
    if more > 0 {
        line(&format!("… and {} more", counted(more as u64, "step")));
    }
    if incident.more_fetched > 0 {
        let more = counted(incident.more_fetched, "other program");
        line(&format!("{more} came to these hosts meanwhile, from elsewhere: the page's list of files has them"));
    }
    let next = story::next(&incident.risk, &incident.steps, findings);
    if !next.is_empty() {
        line(&format!("look next: {}", next.iter().map(|(_, step)| *step).collect::<Vec<_>>().join(" ")));
    }
    line(&format!("why {}", sum(&incident.risk)));
    if !incident.conditions.is_empty() {
        let mut ids: Vec<&str> =
            incident.conditions.iter().filter_map(|i| Some(findings.get(*i)?.about.title)).collect();
        ids.sort_unstable();
        ids.dedup();
        line(&format!("these hosts also have: {}", ids.join(", ")));
    }
}

/// What happened, and below it what else shows it.
fn step(pen: &mut Pen, incident: &Incident, step: &Step, findings: &[Finding]) {
    let after = story::after(incident.first, step.ts).map_or_else(String::new, |after| format!(" ({after})"));
    let head = format!("{}{after}  {}: ", clock(step.ts), step.stage.words());
    let says = |tale: &Tale, f: Option<&Finding>| {
        let values = story::values(tale, f);
        fill(tale.words, &values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let packet = |packet: u64| if packet > 0 { format!(" [packet {packet}]") } else { String::new() };
    match &step.shown_by {
        ShownBy::Fetched(at) => {
            let Some(file) = incident.fetched.get(*at) else { return };
            let digest =
                file.sha256.get(..16).map_or_else(String::new, |d| format!(" SHA-256 {}…", clean(d.as_bytes())));
            let who = story::knows(&incident.steps, findings, file.host)
                .map_or_else(|| file.host.to_string(), |f| host(f, file.host));
            let words = format!("{head}{who}: {}{digest}{}", says(&file.tale(), None), packet(file.packet));
            pen.paragraph(Style::Plain, "    ", &words);
        }
        ShownBy::Findings(of) => {
            let all: Vec<&Finding> = of.iter().filter_map(|i| findings.get(*i)).collect();
            let Some((lead, proofs)) = all.split_first() else { return };
            let told = |f: &Finding| match &f.tale {
                Some(tale) => says(tale, Some(f)),
                None if f.key.is_empty() => f.reason.means.to_owned(),
                None => format!("{} ({})", f.reason.means, clean(f.key.as_bytes())),
            };
            let until = |f: &Finding| {
                if story::lasted(f) {
                    format!(" {} times until {}.", count(f.count), clock(f.last))
                } else {
                    String::new()
                }
            };
            let first = lead.packets.iter().next().unwrap_or(0);
            let words = format!("{head}{}: {}{}{}", host(lead, step.host), told(lead), until(lead), packet(first));
            pen.paragraph(Style::Plain, "    ", &words);
            let mut line = |words: &str| pen.paragraph(Style::Dim, "      ", words);
            let acts = |f: &Finding, line: &mut dyn FnMut(&str)| {
                for act in f.acts.iter().take(PROOFS) {
                    line(&format!("{}  {}", clock(act.ts), says(&story::act(act), Some(f))));
                }
            };
            acts(lead, &mut line);
            // What only repeats the step by another sign is one line.
            let (tales, plain): (Vec<&Finding>, Vec<&Finding>) = proofs.iter().partition(|f| f.tale.is_some());
            for f in tales.iter().take(PROOFS) {
                line(&format!("{}{}", told(f), until(f)));
            }
            let mut signs: Vec<(&str, Vec<&str>)> = Vec::new();
            for f in plain.iter().take(PROOFS) {
                let means = f.reason.means.trim_end_matches('.');
                match signs.iter_mut().find(|s| s.0 == means) {
                    Some((_, keys)) => keys.push(&f.key),
                    None => signs.push((means, vec![&f.key])),
                }
            }
            // Of what, where the sentence alone would say nothing new.
            let sign = |(means, keys): &(&str, Vec<&str>)| {
                let keys = keys.iter().filter(|k| !k.is_empty()).map(|k| clean(k.as_bytes())).collect::<Vec<_>>();
                let repeats = keys.len() > 1 || lead.reason.means.trim_end_matches('.') == *means;
                if repeats && !keys.is_empty() { format!("{means} ({})", keys.join(", ")) } else { (*means).to_owned() }
            };
            let signs: Vec<String> = signs.iter().map(sign).collect();
            if !signs.is_empty() {
                line(&format!("Other signs of it: {}.", signs.join("; ")));
            }
            let more = tales.len().saturating_sub(PROOFS) + plain.len().saturating_sub(PROOFS);
            if more > 0 {
                line(&format!("… and {} more", counted(more as u64, "finding")));
            }
        }
    }
}

/// How the score comes about.
fn sum(risk: &Risk) -> String {
    let points = |tenths: u32| format!("{}.{}", tenths / 10, tenths % 10);
    let terms = risk.terms.iter().take(TERMS).map(|t| format!("{} ({} points)", t.title, points(t.tenths)));
    let more = risk.terms.len().saturating_sub(TERMS);
    let mut words: Vec<String> = terms.collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    let factor = |hundredths: u32| format!("×{}.{:02}", hundredths / 100, hundredths % 100);
    let mut factors = String::new();
    if risk.stage_factor > 100 {
        let order = if risk.in_order { " in the order of attacks" } else { "" };
        factors += &format!("; {} stages{order} {}", risk.stages.len(), factor(risk.stage_factor));
    }
    if risk.asset_factor > 100 {
        factors += &format!("; a host that others need {}", factor(risk.asset_factor));
    }
    format!("{}: {}{factors}", risk.score, words.join(", "))
}
