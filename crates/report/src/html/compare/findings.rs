//! Findings that are new, gone, or stayed, each with its evidence of both sides.

use super::super::command;
use super::super::cx::{Locale, class};
use super::super::findings::{amount, cmd, item, more};
use super::super::markup::{Markup, attrs};
use super::super::tables::{Col, ROWS, table};
use super::super::words::W;
use super::{badge, word};
use crate::clean::{clean, fit};
use crate::compare::{Change, Comparison, Evidence, FindingPair, Measured, Side};
use crate::units::{clock, count};
use sekisho_finding::Severity;
use sekisho_types::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Findings told with their evidence.
const TOLD: usize = 400;
/// Of them, most of one change and code: one noisy judgement must not hide the others.
const OF_A_CODE: usize = 60;
/// Words from the wire shown of one, and columns of each.
const QUOTES: usize = 20;
const QUOTE: usize = 2_000;

pub(super) fn section(m: &mut Markup, cx: &Locale, c: &Comparison) {
    super::section(m, cx, "changed-findings", W::ChangedFindings, |m| {
        if c.findings.is_empty() {
            m.say("p", attrs![class: "good"], cx.w(W::NoFindingsEither));
            return;
        }
        let of = |change| count(c.findings.iter().filter(|f| f.change == change).count() as u64);
        let counts = [of(Change::Appeared), of(Change::Disappeared), of(Change::Unchanged)];
        m.say("p", attrs![class: "prose"], &cx.fill(W::FindingsAre, &counts.each_ref().map(String::as_str)));
        kinds(m, cx, &c.findings);
        let mut of_code: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut told: Vec<(usize, &FindingPair, &Evidence)> = Vec::new();
        for f in &c.findings {
            let Some(latest) = f.latest() else { continue };
            let seen = of_code.entry((f.change.name(), latest.code.as_str())).or_default();
            if told.len() < TOLD && *seen < OF_A_CODE {
                *seen += 1;
                told.push((told.len() + 1, f, latest));
            }
        }
        let words = attrs![class: "findings", "data-time": cx.w(W::Time), "data-severity": cx.w(W::ChangeWord), "data-host": cx.w(W::Host)];
        m.el("div", words, |m| {
            for (number, f, latest) in &told {
                one(m, cx, c, *number, f, latest);
            }
        });
        let rest = c.findings.len().saturating_sub(told.len());
        if rest > 0 {
            m.say("p", attrs![class: "warn"], &cx.fill(W::MoreFindingPairs, &[&count(rest as u64)]));
        }
    });
}

/// By severity and code an example, and how many are new, gone, stayed.
type Kinds<'a> = BTreeMap<(Reverse<Severity>, &'a str), (&'a Evidence, [u64; 3])>;

/// How many of each judgement came, went and stayed.
fn kinds(m: &mut Markup, cx: &Locale, findings: &[FindingPair]) {
    let mut all = Kinds::new();
    for f in findings {
        let Some(latest) = f.latest() else { continue };
        let (_, counts) = all.entry((Reverse(latest.severity), &latest.code)).or_insert((latest, [0; 3]));
        let [new, gone, stayed] = counts;
        *(match f.change {
            Change::Appeared => new,
            Change::Disappeared => gone,
            _ => stayed,
        }) += 1;
    }
    let columns = [
        Col::Words(W::Judgement),
        Col::Words(W::Severity),
        Col::Number(W::New),
        Col::Number(W::Gone),
        Col::Number(W::Stayed),
    ];
    let rows: Vec<_> = all.into_iter().take(ROWS).collect();
    table(m, cx, cx.w(W::KindsCaption), &columns, rows.into_iter(), |row, ((severity, code), (e, counts))| {
        row.with("w", |m| {
            m.text(&clean(cx.read(&e.id, &e.title).as_bytes()));
            m.raw(" ");
            m.el("code", &[], |m| m.wire(code.as_bytes()));
        });
        row.ranked("", severity.0 as u64, |m| cx.badge(m, severity.0));
        counts.into_iter().for_each(|n| row.count(n));
    });
}

fn one(m: &mut Markup, cx: &Locale, c: &Comparison, number: usize, f: &FindingPair, e: &Evidence) {
    let id = format!("f-{number}");
    let host = e.subject.to_string();
    let time = e.first.map_or(0, |t| u64::try_from(t.0 / 1_000_000).unwrap_or(0));
    // The order in which they stand: by change, then by severity.
    let all = attrs![
        class: "finding three", id: &id, "data-severity": number, "data-time": time, "data-host": &host, "data-name": f.change.name()
    ];
    m.el("details", all, |m| {
        m.el("summary", &[], |m| {
            m.el("span", &[], |m| badge(m, cx, f.change, f.sure));
            m.el("span", attrs![class: "title"], |m| {
                cx.badge(m, e.severity);
                m.raw(" ");
                m.text(&clean(cx.read(&format!("{}/{}", e.id, e.reason), &e.means).as_bytes()));
            });
            m.el("span", attrs![class: "who"], |m| {
                m.say("span", attrs![class: "addr"], &host);
                if !e.key.is_empty() {
                    m.raw(" <span class=\"key\">");
                    word(m, &e.key);
                    m.raw("</span>");
                }
            });
            m.say("span", attrs![class: "when"], &e.first.map(clock).unwrap_or_default());
        });
        m.el("div", attrs![class: "evidence"], |m| evidence(m, cx, c, number, f, e));
    });
}

fn period(cx: &Locale, e: &Evidence) -> String {
    let time = |t: Option<Timestamp>| t.map(clock).unwrap_or_default();
    if e.first == e.last {
        cx.fill(W::Once, &[&time(e.first), &count(e.count)])
    } else {
        cx.fill(W::FromTo, &[&time(e.first), &time(e.last), &count(e.count)])
    }
}

fn evidence(m: &mut Markup, cx: &Locale, c: &Comparison, number: usize, f: &FindingPair, e: &Evidence) {
    m.say("p", attrs![class: "reason"], &clean(cx.read(&e.id, &e.title).as_bytes()));
    m.el("dl", &[], |m| {
        if !f.note.is_empty() {
            item(m, cx, W::Doubt, |m| cx.fixed(m, &f.note));
        }
        item(m, cx, W::Severity, |m| {
            cx.badge(m, e.severity);
            if let [Some(before), Some(after)] = &f.sides
                && before.severity != after.severity
            {
                severities(m, cx, before.severity);
            }
        });
        item(m, cx, W::Confidence, |m| m.text(&cx.confidence(e.confidence)));
        if !e.peers.is_empty() {
            item(m, cx, W::With, |m| {
                let named: Vec<String> = e.peers.iter().map(ToString::to_string).collect();
                m.say("span", attrs![class: "addr"], &named.join(", "));
                if e.more_peers {
                    m.text(cx.w(W::AndOthers));
                }
            });
        }
        for (word, side) in [W::WhenBefore, W::WhenAfter].into_iter().zip(&f.sides) {
            if let Some(side) = side {
                item(m, cx, word, |m| m.text(&period(cx, side)));
            }
        }
        if !e.measures.is_empty() {
            item(m, cx, W::Measures, |m| measures(m, cx, &e.measures));
        }
        if !e.quotes.is_empty() {
            item(m, cx, W::Quotes, |m| quotes(m, cx, e));
        }
        if !e.benign.is_empty() {
            item(m, cx, W::Harmless, |m| {
                m.el("ul", &[], |m| {
                    for (explanation, result) in &e.benign {
                        m.el("li", &[], |m| {
                            cx.fixed(m, explanation);
                            m.text(cx.w(W::LookedAt));
                            cx.fixed(m, result);
                        });
                    }
                });
            });
        }
        if !e.quality.is_empty() {
            item(m, cx, W::NotSeen, |m| {
                for (i, quality) in e.quality.iter().enumerate() {
                    if i > 0 {
                        m.raw("; ");
                    }
                    cx.fixed(m, quality);
                }
            });
        }
        for (word, side) in [W::PacketsBefore, W::PacketsAfter].into_iter().zip(&f.sides) {
            if let Some(side) = side.as_ref().filter(|s| !s.packets.is_empty()) {
                item(m, cx, word, |m| {
                    let named: Vec<String> = side.packets.iter().map(ToString::to_string).collect();
                    m.el("code", &[], |m| m.text(&named.join(" ")));
                    more(m, cx, side.packet_count, named.len());
                });
            }
        }
        item(m, cx, W::Code, |m| m.el("code", &[], |m| m.wire(e.code.as_bytes())));
    });
    m.el("div", attrs![class: "commands"], |m| {
        let words = [(W::CutBefore, "before"), (W::CutAfter, "after")];
        for (((word, when), e), side) in words.into_iter().zip(&f.sides).zip(&c.sides) {
            if let Some(e) = e {
                cut(m, cx, word, side, e, &format!("{when}-{number}.pcapng"));
            }
        }
        cmd(m, cx.w(W::Explain), &format!("sekisho explain {}", command::quoted(&e.id)));
    });
}

/// The command that cuts a finding's packets out of its side's captures.
fn cut(m: &mut Markup, cx: &Locale, word: W, side: &Side, e: &Evidence, file: &str) {
    let about = command::About { subject: e.subject, peers: e.peers.clone(), uids: e.uids.clone() };
    match command::packets(&side.captures, &side.reading, file, &about) {
        Some(line) => cmd(m, cx.w(word), &line),
        None => m.say("p", attrs![class: "note"], cx.w(W::Piped)),
    }
}

/// What it was before.
fn severities(m: &mut Markup, cx: &Locale, before: Severity) {
    m.text(&format!(" ({}: ", cx.w(W::Before)));
    m.say("span", attrs![class: class(before)], cx.severity(before));
    m.text(")");
}

fn measures(m: &mut Markup, cx: &Locale, all: &[Measured]) {
    let label = cx.w(W::Measures);
    m.el("div", attrs![class: "scroll", tabindex: "0", role: "group", "aria-label": label], |m| {
        m.el("table", attrs![class: "measures"], |m| {
            m.raw("<thead><tr>");
            for (word, class) in [(W::Measure, ""), (W::Value, "n"), (W::Threshold, "n"), (W::Source, "")] {
                m.say("th", attrs![scope: "col", class: class], cx.w(word));
            }
            m.raw("</tr></thead><tbody>");
            for measure in all {
                m.el("tr", &[], |m| {
                    m.el("th", attrs![scope: "row"], |m| cx.fixed(m, &measure.name));
                    m.el("td", attrs![class: "n"], |m| amount(m, cx, measure.value, &measure.unit));
                    m.el("td", attrs![class: "n"], |m| match measure.threshold {
                        Some(limit) => amount(m, cx, limit, &measure.unit),
                        None => m.raw("–"),
                    });
                    m.el("td", &[], |m| match measure.threshold {
                        Some(_) => cx.fixed(m, &measure.origin),
                        None => m.raw("–"),
                    });
                });
            }
            m.raw("</tbody>");
        });
    });
}

fn quotes(m: &mut Markup, cx: &Locale, e: &Evidence) {
    m.el("ul", attrs![class: "quotes"], |m| {
        for (label, text, packet) in e.quotes.iter().take(QUOTES) {
            m.el("li", &[], |m| {
                cx.fixed(m, label);
                m.raw(": <q translate=\"no\">");
                m.text(&fit(&clean(text.as_bytes()), QUOTE, true));
                m.raw("</q>");
                if *packet > 0 {
                    m.text(&cx.fill(W::InPacket, &[&packet.to_string()]));
                }
            });
        }
    });
}
