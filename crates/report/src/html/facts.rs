//! The top of the page: what may be missing, and everything at a glance.

use super::cx::{Cx, class, shape};
use super::markup::{Markup, attrs};
use super::words::W;
use super::{section, timeline};
use crate::units::{bytes, clock, count, rate};
use sekisho_finding::Severity;

/// Sentences about damaged captures shown.
const DAMAGE: usize = 50;
/// Captures named.
const INPUTS: usize = 100;

/// The shapes of severities, drawn once and used everywhere: an octagon, a triangle, a diamond, a disc, a ring.
pub(super) fn shapes(m: &mut Markup) {
    m.raw(
        "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\">\
         <symbol id=\"s-critical\" viewBox=\"0 0 16 16\"><path d=\"M5 1h6l4 4v6l-4 4H5l-4-4V5z\"/></symbol>\
         <symbol id=\"s-high\" viewBox=\"0 0 16 16\"><path d=\"M8 1.5 15.2 14H.8z\"/></symbol>\
         <symbol id=\"s-medium\" viewBox=\"0 0 16 16\"><path d=\"m8 1 7 7-7 7-7-7z\"/></symbol>\
         <symbol id=\"s-low\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.5\"/></symbol>\
         <symbol id=\"s-info\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></symbol>\
         <pattern id=\"p-unseen\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path d=\"M0 0v6\" class=\"hatch\"/></pattern>\
         </svg>",
    );
}

/// What may be missing, before anything that rests on it.
pub(super) fn completeness(m: &mut Markup, cx: &Cx<'_>) {
    let c = &cx.page.completeness;
    section(m, cx, "completeness", W::Completeness, |m| {
        if c.is_complete() {
            m.say("p", attrs![class: "good"], cx.w(W::NothingMissing));
        } else {
            m.el("ul", attrs![class: "warnings"], |m| missing(m, cx));
        }
        m.say("p", attrs![class: "label"], cx.w(W::NotVisible));
        m.el("ul", attrs![class: "unseen"], |m| unseen(m, cx));
    });
}

fn missing(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    let c = &page.completeness;
    for sentence in c.damage.iter().take(DAMAGE) {
        m.el("li", attrs![class: "bad"], |m| {
            cx.fixed(m, sentence);
        });
    }
    if c.damage.len() > DAMAGE {
        m.say("li", &[], &cx.fill(W::MoreDamage, &[&count((c.damage.len() - DAMAGE) as u64)]));
    }
    let mut say = |class: &'static str, text: &str| m.say("li", attrs![class: class], text);
    if let Some(n) = c.capture_drops.filter(|&n| n > 0) {
        say("bad", &cx.fill(W::Dropped, &[&count(n)]));
    }
    if c.cut_packets > 0 {
        let lost = c.wire_bytes.saturating_sub(c.bytes);
        say("", &cx.fill(W::CutPackets, &[&count(c.cut_packets), &bytes(lost)]));
    }
    if c.gap_bytes > 0 {
        say("", &cx.fill(W::GapBytes, &[&bytes(c.gap_bytes), &count(c.gap_bytes)]));
    }
    if c.one_sided_flows > 0 {
        let of = count(page.totals.flows.max(c.one_sided_flows));
        say("", &cx.fill(W::OneSided, &[&count(c.one_sided_flows), &of]));
    }
    for (reason, n) in &c.undecoded {
        m.el("li", &[], |m| {
            m.text(&cx.fill(W::Undecoded, &[&count(*n)]));
            cx.fixed(m, reason);
        });
    }
    for (name, n) in &c.limits {
        m.el("li", &[], |m| {
            m.text(&cx.fill(W::LimitReached, &[&count(*n)]));
            cx.fixed(m, name);
        });
    }
}

/// What nobody can learn from this capture.
fn unseen(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    let u = &page.unseen;
    let all: u64 = page.totals.transports.iter().map(|t| t.bytes).fold(0, u64::saturating_add);
    let none = u.encrypted_flows == 0
        && u.unknown_flows == 0
        && page.completeness.capture_drops.is_some()
        && page.judged.refused == 0
        && page.judged.forgotten.is_empty();
    let mut say = |text: &str| m.say("li", &[], text);
    if u.encrypted_flows > 0 {
        say(&cx.fill(W::Encrypted, &[&count(u.encrypted_flows), &share(u.encrypted_bytes, all)]));
    }
    if u.unknown_flows > 0 {
        say(&cx.fill(W::Unrecognised, &[&count(u.unknown_flows), &share(u.unknown_bytes, all)]));
    }
    if page.completeness.capture_drops.is_none() {
        say(cx.w(W::DropsUnknown));
    }
    if page.judged.refused > 0 {
        say(&cx.fill(W::FindingsRefused, &[&count(page.judged.refused)]));
    }
    if !page.judged.forgotten.is_empty() {
        say(&cx.fill(W::DetectorsForgot, &[&count(page.judged.forgotten_count())]));
    }
    if let Some(carried) = &page.judged.carried {
        let known = count(carried.known);
        match carried.since.zip(carried.until) {
            Some((since, until)) => {
                say(&cx.fill(W::StateOf, &[&known, &cx.time(since), &cx.time(until), &count(carried.kept)]));
            }
            None => say(&cx.fill(W::StateBegins, &[&count(carried.kept)])),
        }
        if carried.left_out > 0 {
            say(&cx.fill(W::StateFull, &[&count(carried.left_out)]));
        }
    }
    if none {
        say(cx.w(W::AllReadable));
    }
}

/// `12 %`, `<1 %`.
pub(super) fn share(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    if percent == 0 && part > 0 { "<1 %".to_owned() } else { format!("{percent} %") }
}

/// How many findings of each severity, when, how much, and the timeline.
pub(super) fn glance(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    let (c, t) = (&page.completeness, &page.totals);
    section(m, cx, "glance", W::Glance, |m| {
        m.el("ul", attrs![class: "tally"], |m| {
            for severity in Severity::ALL {
                let n = cx.open.iter().filter(|f| f.severity == severity).count() as u64;
                m.el("li", attrs![class: class(severity), "data-n": n], |m| {
                    m.el("span", attrs![class: "big"], |m| {
                        shape(m, severity);
                        m.text(&count(n));
                    });
                    m.say("span", attrs![class: "what"], cx.severity(severity));
                });
            }
        });
        m.el("dl", attrs![class: "facts"], |m| {
            let mut fact = |name: W, inner: &dyn Fn(&mut Markup)| {
                m.el("div", &[], |m| {
                    m.say("dt", &[], cx.w(name));
                    m.el("dd", &[], inner);
                });
            };
            let period = c.first.zip(c.last);
            if let Some((first, last)) = period {
                fact(W::Period, &|m| {
                    m.text(&cx.fill(W::PeriodIs, &[&clock(first), &clock(last), &cx.span(last - first)]));
                });
            }
            fact(W::Packets, &|m| m.text(&count(c.packets)));
            fact(W::Bytes, &|m| {
                m.text(&bytes(c.bytes));
                if let Some(rate) = period.and_then(|(first, last)| rate(c.bytes, last - first)) {
                    m.text(&cx.fill(W::OnAverage, &[&rate]));
                }
            });
            fact(W::Flows, &|m| m.text(&count(t.flows)));
            fact(W::HostsWord, &|m| {
                m.text(&cx.fill(W::HostsAre, &[&count(t.internal_hosts), &count(t.external_hosts)]));
            });
            for transport in t.transports.iter().take(4) {
                m.el("div", &[], |m| {
                    m.el("dt", &[], |m| m.word(&transport.name.0));
                    m.el("dd", &[], |m| {
                        m.text(&cx.fill(W::TransportIs, &[&count(transport.flows), &bytes(transport.bytes)]));
                    });
                });
            }
        });
        if c.inputs.len() > 1 {
            m.el("details", &[], |m| {
                m.say("summary", &[], &cx.fill(W::AllInputs, &[&count(c.inputs.len() as u64)]));
                m.el("ul", &[], |m| {
                    for input in c.inputs.iter().take(INPUTS) {
                        m.el("li", &[], |m| m.word(input.as_bytes()));
                    }
                    if c.inputs.len() > INPUTS {
                        m.say("li", &[], &cx.fill(W::MoreRows, &[&count((c.inputs.len() - INPUTS) as u64)]));
                    }
                });
            });
        }
        timeline::draw(m, cx);
    });
}
