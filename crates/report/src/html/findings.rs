//! Findings, each opening to its evidence.

use super::cx::{Cx, Locale, class};
use super::markup::{Markup, attrs};
use super::tables::{Col, table};
use super::words::W;
use super::{command, section};
use crate::clean::clean;
use crate::units::{clock, count};
use sekisho_finding::{Finding, Measure, Severity};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Findings told with their evidence.
const TOLD: usize = 500;
/// Of them, most of one code: one noisy judgement must not hide the others.
pub(super) const OF_A_CODE: usize = 100;
/// Muted ones listed, and mutes that have ended.
const MUTED: usize = 200;
/// Codes counted of those not told.
const CODES: usize = 200;

/// What is not told one by one, worst first: of each severity and code an example, and how many.
type Rest<'a> = BTreeMap<(Reverse<Severity>, String), (&'a Finding, u64)>;

/// Those told, and what is left.
pub(super) fn choose<'a>(cx: &Cx<'a>) -> (Vec<&'a Finding>, Rest<'a>) {
    let mut told = Vec::new();
    let mut of_code: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut rest = Rest::new();
    for f in &cx.open {
        let seen = of_code.entry((f.about.id, f.reason.code)).or_default();
        if told.len() < TOLD && *seen < OF_A_CODE {
            *seen += 1;
            told.push(*f);
        } else {
            let entry = rest.entry((Reverse(f.severity), f.code())).or_insert((*f, 0u64));
            entry.1 += 1;
        }
    }
    (told, rest)
}

/// All findings, the worst first.
pub(super) fn findings(m: &mut Markup, cx: &Cx<'_>) {
    section(m, cx, "findings", W::Findings, |m| {
        if cx.open.is_empty() {
            m.say("p", attrs![class: "good"], cx.w(W::NoFindings));
        }
        let (told, rest) = choose(cx);
        if !told.is_empty() {
            m.el("div", attrs![class: "findings", "data-time": cx.w(W::Time), "data-severity": cx.w(W::Severity), "data-host": cx.w(W::Host)], |m| {
                for (i, f) in told.iter().enumerate() {
                    one(m, cx, i + 1, f);
                }
            });
        }
        if !rest.is_empty() {
            let more: u64 = rest.values().map(|r| r.1).sum();
            m.say("p", attrs![class: "warn"], &cx.fill(W::MoreFindings, &[&count(more)]));
            let columns = [Col::Words(W::Judgement), Col::Words(W::Severity), Col::Number(W::Times)];
            let rows: Vec<_> = rest.iter().take(CODES).collect();
            table(m, cx, cx.w(W::NotToldCaption), &columns, rows.into_iter(), |row, ((severity, code), (f, n))| {
                row.with("", |m| {
                    m.text(cx.told(f.about.id, f.about.title));
                    m.raw(" ");
                    m.el("code", &[], |m| m.wire(code.as_bytes()));
                });
                row.with("", |m| cx.badge(m, severity.0));
                row.count(*n);
            });
        }
        muted(m, cx);
    });
}

/// What somebody has agreed to live with, and mutes that have ended.
fn muted(m: &mut Markup, cx: &Cx<'_>) {
    let judged = &cx.page.judged;
    for mute in judged.mutes.iter().filter(|m| m.expired).take(MUTED) {
        let values = [mute.judgement.as_str(), &mute.line.to_string(), &mute.until.to_string(), mute.reason.as_str()];
        let values = values.map(|v| clean(v.as_bytes()));
        m.say("p", attrs![class: "warn"], &cx.fill(W::MuteEnded, &values.each_ref().map(String::as_str)));
    }
    let muted: Vec<_> = judged.findings.iter().filter_map(|f| Some((f, f.muted.as_ref()?))).collect();
    if muted.is_empty() {
        return;
    }
    m.el("details", attrs![class: "numbers"], |m| {
        m.say("summary", &[], &cx.fill(W::Muted, &[&count(muted.len() as u64)]));
        let columns = [W::Host, W::Severity, W::Judgement, W::Detail, W::Why].map(Col::Words);
        table(m, cx, cx.w(W::MutedCaption), &columns, muted.iter().take(MUTED), |row, (f, why)| {
            row.addr(f.subject);
            row.with("", |m| cx.badge(m, f.severity));
            row.with("", |m| m.text(reason(cx, f)));
            row.with("w", |m| m.word(f.key.as_bytes()));
            row.with("w", |m| m.word(why.as_bytes()));
        });
        let more = muted.len().saturating_sub(MUTED);
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more as u64)]));
        }
    });
}

/// `number` counts from 1 and is the finding's anchor.
fn one(m: &mut Markup, cx: &Cx<'_>, number: usize, f: &Finding) {
    let id = format!("f-{number}");
    let host = f.subject.to_string();
    let time = u64::try_from(f.first.0 / 1_000_000).unwrap_or(0);
    let severity = Severity::ALL.iter().position(|s| *s == f.severity).unwrap_or(0);
    let all = attrs![
        class: "finding", id: &id, "data-severity": severity, "data-time": time, "data-host": &host, "data-name": f.severity.name()
    ];
    m.el("details", all, |m| {
        m.el("summary", &[], |m| {
            m.el("span", attrs![class: class(f.severity)], |m| {
                super::cx::shape(m, f.severity);
                m.text(cx.severity(f.severity));
            });
            m.say("span", attrs![class: "title"], reason(cx, f));
            m.el("span", attrs![class: "who"], |m| {
                cx.host(m, f, f.subject);
                if !f.key.is_empty() {
                    m.raw(" <span class=\"key\">");
                    m.word(f.key.as_bytes());
                    m.raw("</span>");
                }
            });
            m.say("span", attrs![class: "when"], &cx.time(f.first));
        });
        m.el("div", attrs![class: "evidence"], |m| evidence(m, cx, number, f));
    });
}

/// How it showed, in a sentence.
pub(super) fn reason(cx: &Cx<'_>, f: &Finding) -> &'static str {
    cx.told(&format!("{}/{}", f.about.id, f.reason.code), f.reason.means)
}

fn evidence(m: &mut Markup, cx: &Cx<'_>, number: usize, f: &Finding) {
    let about = f.about;
    m.say("p", attrs![class: "reason"], cx.told(about.id, about.title));
    let means = cx.told(&format!("{}:means", about.id), about.means);
    m.say("p", &[], means);
    m.el("dl", &[], |m| {
        item(m, cx, W::Confidence, |m| m.text(&cx.confidence(f.confidence)));
        if !f.peers.named().is_empty() {
            item(m, cx, W::With, |m| {
                for (i, peer) in f.peers.named().iter().enumerate() {
                    if i > 0 {
                        m.raw(", ");
                    }
                    cx.host(m, f, *peer);
                }
                if f.peers.more() {
                    m.text(cx.w(W::AndOthers));
                }
            });
        }
        item(m, cx, W::When, |m| {
            m.text(&if f.first == f.last {
                cx.fill(W::Once, &[&clock(f.first), &count(f.count)])
            } else {
                cx.fill(W::FromTo, &[&clock(f.first), &clock(f.last), &count(f.count)])
            });
        });
        if !f.measures.is_empty() {
            item(m, cx, W::Measures, |m| measures(m, cx, f));
        }
        if !f.quotes.is_empty() {
            item(m, cx, W::Quotes, |m| quotes(m, cx, f));
        }
        item(m, cx, W::Harmless, |m| {
            m.el("ul", &[], |m| {
                for benign in &f.benign {
                    m.el("li", &[], |m| {
                        cx.fixed(m, benign.explanation);
                        m.text(cx.w(W::LookedAt));
                        cx.fixed(m, benign.result);
                    });
                }
                if !about.benign.is_empty() {
                    let benign = cx.told(&format!("{}:benign", about.id), about.benign);
                    m.el("li", &[], |m| {
                        m.text(cx.w(W::KnownHarmless));
                        m.text(benign);
                    });
                }
            });
        });
        item(m, cx, W::NotSeen, |m| {
            if f.quality.is_empty() {
                m.text(cx.w(W::NothingLowered));
            }
            for (i, quality) in f.quality.iter().enumerate() {
                if i > 0 {
                    m.raw("; ");
                }
                cx.fixed(m, quality.name());
            }
        });
        if !about.next.is_empty() {
            item(m, cx, W::Next, |m| {
                m.el("ol", &[], |m| {
                    for (i, step) in about.next.iter().enumerate() {
                        m.say("li", &[], cx.told(&format!("{}:next{}", about.id, i + 1), step));
                    }
                });
            });
        }
        if !about.clears.is_empty() {
            item(m, cx, W::Clears, |m| m.text(cx.told(&format!("{}:clears", about.id), about.clears)));
        }
        if !f.packets.is_empty() {
            item(m, cx, W::PacketNumbers, |m| {
                let named: Vec<String> = f.packets.iter().map(|p| p.to_string()).collect();
                m.el("code", &[], |m| m.text(&named.join(" ")));
                more(m, cx, f.packets.count(), named.len());
            });
        }
        if !f.flows.is_empty() {
            item(m, cx, W::FlowIds, |m| {
                let named: Vec<String> = f.flows.iter().map(|u| u.to_string()).collect();
                m.el("code", &[], |m| m.text(&named.join(" ")));
                more(m, cx, f.flows.count(), named.len());
            });
        }
        item(m, cx, W::Code, |m| {
            m.el("code", &[], |m| m.wire(f.code().as_bytes()));
            m.text(&format!(" · {}: {}", cx.w(W::Stage), cx.stage(f.stage)));
        });
        let techniques: Vec<&str> = f.all_techniques().take(16).collect();
        if !techniques.is_empty() {
            item(m, cx, W::Techniques, |m| m.wire(techniques.join(", ").as_bytes()));
        }
    });
    m.el("div", attrs![class: "commands"], |m| {
        let what = command::About {
            subject: f.subject,
            peers: f.peers.named().to_vec(),
            uids: f.flows.iter().map(|u| u.to_string()).collect(),
        };
        let c = &cx.page.completeness;
        match command::packets(&c.inputs, &c.reading, &format!("finding-{number}.pcapng"), &what) {
            Some(line) => cmd(m, cx.w(W::CutPacketsOut), &line),
            None => m.say("p", attrs![class: "note"], cx.w(W::Piped)),
        }
        cmd(m, cx.w(W::Explain), &format!("sekisho explain {}", command::quoted(about.id)));
    });
}

pub(super) fn item(m: &mut Markup, cx: &Locale, name: W, inner: impl FnOnce(&mut Markup)) {
    m.el("div", &[], |m| {
        m.say("dt", &[], cx.w(name));
        m.el("dd", &[], inner);
    });
}

/// How many more there were than are named.
pub(super) fn more(m: &mut Markup, cx: &Locale, all: u64, named: usize) {
    let more = all.saturating_sub(named as u64);
    if more > 0 {
        m.text(&cx.fill(W::AndMore, &[&count(more)]));
    }
}

/// A command to copy.
pub(super) fn cmd(m: &mut Markup, label: &str, line: &str) {
    m.el("div", attrs![class: "cmd"], |m| {
        m.say("span", attrs![class: "label"], label);
        m.el("pre", attrs![tabindex: "0"], |m| m.el("code", attrs![translate: "no"], |m| m.text(line)));
    });
}

fn measures(m: &mut Markup, cx: &Cx<'_>, f: &Finding) {
    let label = cx.w(W::Measures);
    m.el("div", attrs![class: "scroll", tabindex: "0", role: "group", "aria-label": label], |m| measured(m, cx, f));
}

fn measured(m: &mut Markup, cx: &Cx<'_>, f: &Finding) {
    m.el("table", attrs![class: "measures"], |m| {
        m.raw("<thead><tr>");
        for (word, class) in [(W::Measure, ""), (W::Value, "n"), (W::Threshold, "n"), (W::Source, "")] {
            m.say("th", attrs![scope: "col", class: class], cx.w(word));
        }
        m.raw("</tr></thead><tbody>");
        for measure in &f.measures {
            m.el("tr", &[], |m| {
                m.el("th", attrs![scope: "row"], |m| cx.fixed(m, measure.name));
                m.el("td", attrs![class: "n"], |m| value(m, cx, measure, measure.thousandths));
                m.el("td", attrs![class: "n"], |m| match measure.threshold {
                    Some(limit) => value(m, cx, measure, limit),
                    None => m.raw("–"),
                });
                m.el("td", &[], |m| match measure.threshold {
                    Some(_) => cx.fixed(m, measure.origin.name()),
                    None => m.raw("–"),
                });
            });
        }
        m.raw("</tbody>");
    });
}

fn value(m: &mut Markup, cx: &Cx<'_>, measure: &Measure, thousandths: i64) {
    amount(m, cx, thousandths, measure.unit);
}

/// Something measured, with its unit.
pub(super) fn amount(m: &mut Markup, cx: &Locale, thousandths: i64, unit: &str) {
    let sign = if thousandths < 0 { "−" } else { "" };
    let v = thousandths.unsigned_abs();
    let part = match v % 1000 {
        0 => String::new(),
        part => format!(".{part:03}").trim_end_matches('0').to_owned(),
    };
    m.text(&format!("{sign}{}{part}", count(v / 1000)));
    if !unit.is_empty() {
        m.raw(" ");
        m.text(&clean(cx.read(&format!("unit:{unit}"), unit).as_bytes()));
    }
}

fn quotes(m: &mut Markup, cx: &Cx<'_>, f: &Finding) {
    m.el("ul", attrs![class: "quotes"], |m| {
        for quote in &f.quotes {
            m.el("li", &[], |m| {
                cx.fixed(m, quote.label);
                m.raw(": <q translate=\"no\">");
                m.wire(quote.text.as_bytes());
                m.raw("</q>");
                if quote.packet > 0 {
                    m.text(&cx.fill(W::InPacket, &[&quote.packet.to_string()]));
                }
            });
        }
    });
}
