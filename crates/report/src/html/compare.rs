//! The comparison as one HTML file, in the frame of the audit page.

mod devices;
mod findings;
mod items;
mod schedule;
mod sides;
mod tiles;

#[cfg(test)]
mod tests;

use super::cx::Locale;
use super::markup::{Markup, attrs};
use super::words::W;
use super::{Lang, document, section};
use crate::clean::{clean, fit};
use crate::compare::{Change, Comparison, Side};
use crate::units::count;

/// Captures of a side named in the page's head.
const INPUTS: usize = 3;
/// Columns of a name from the wire, and of an input.
const LONGEST: usize = 160;

/// The comparison as HTML, a file of its own. Its size is bounded: some 10 MB at the very most.
pub fn render_comparison_html(c: &Comparison, lang: Lang) -> String {
    let cx = Locale::new(lang);
    let [before, after] = c.sides.each_ref().map(named);
    let mut m = Markup::default();
    document(&mut m, &cx, (cx.w(W::DiffTitle), &format!("{before} → {after}")), |m| {
        verdict(m, &cx, c);
        sides::section(m, &cx, c);
        devices::overview(m, &cx, c);
        findings::section(m, &cx, c);
        items::section(m, &cx, &c.network);
        items::certificates(m, &cx, &c.network);
        schedule::section(m, &cx, &c.network.schedule);
        devices::details(m, &cx, c);
        chance(m, &cx, c);
    });
    m.finish()
}

/// A side by its inputs.
fn named(side: &Side) -> String {
    let all: Vec<String> = side.inputs.iter().take(INPUTS).map(|i| fit(&clean(i.as_bytes()), LONGEST, true)).collect();
    match side.inputs.len() {
        0..=INPUTS => all.join(", "),
        n => format!("{}, … (+{})", all.join(", "), count((n - INPUTS) as u64)),
    }
}

/// Words of others, cut in the middle if they are very long; the JSON has them whole.
fn word(m: &mut Markup, text: &str) {
    m.el("bdi", attrs![translate: "no"], |m| m.text(&fit(&clean(text.as_bytes()), LONGEST, true)));
}

/// The result in a line, what makes the sides differ anyway, and the figures of all devices together.
fn verdict(m: &mut Markup, cx: &Locale, c: &Comparison) {
    section(m, cx, "verdict", W::Verdict, |m| {
        let class = if c.changed { "headline changed" } else { "headline same" };
        m.el("div", attrs![class: class], |m| sentence(m, cx, &c.verdict));
        if !c.caveats.is_empty() {
            m.el("ul", attrs![class: "warnings"], |m| {
                for caveat in &c.caveats {
                    m.el("li", &[], |m| cx.fixed(m, caveat));
                }
            });
        }
        tiles::all(m, cx, &c.network, Some(&c.findings));
        tiles::table(m, cx, &c.network);
    });
}

/// A verdict: its first part large, the others below it.
fn sentence(m: &mut Markup, cx: &Locale, verdict: &str) {
    let mut parts = verdict.split("; ");
    m.el("p", attrs![class: "lead"], |m| cx.fixed(m, &capital(cx, parts.next().unwrap_or_default())));
    let rest: Vec<&str> = parts.collect();
    if !rest.is_empty() {
        m.el("ul", attrs![class: "rest"], |m| {
            for part in rest {
                m.el("li", &[], |m| cx.fixed(m, part));
            }
        });
    }
}

/// With a capital letter, where the language has these.
fn capital(cx: &Locale, words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(first) if cx.lang == Lang::En => format!("{}{}", first.to_uppercase(), chars.as_str()),
        _ => words.to_owned(),
    }
}

/// The same on one line.
fn line(m: &mut Markup, cx: &Locale, verdict: &str) {
    for (i, part) in verdict.split("; ").enumerate() {
        if i > 0 {
            m.raw("; ");
        }
        cx.fixed(m, part);
    }
}

/// What became of something, as a sign and a word.
fn badge(m: &mut Markup, cx: &Locale, change: Change, sure: bool) {
    let (class, sign, word) = match change {
        Change::Appeared => ("sev chg new", "+", W::New),
        Change::Disappeared => ("sev chg gone", "−", W::Gone),
        Change::Grew => ("sev chg more", "▲", W::More),
        Change::Shrank => ("sev chg fewer", "▼", W::Fewer),
        _ => ("sev chg stayed", "=", W::Stayed),
    };
    m.el("span", attrs![class: class], |m| {
        m.say("span", attrs![class: "sign", "aria-hidden": "true"], sign);
        m.raw(" ");
        m.text(cx.w(word));
    });
    if !sure {
        m.el("span", attrs![class: "doubt"], |m| {
            m.raw("<span aria-hidden=\"true\">?</span>");
            m.say("span", attrs![class: "vh"], &format!(" ({})", cx.w(W::MayBeChance)));
        });
    }
}

fn chance(m: &mut Markup, cx: &Locale, c: &Comparison) {
    section(m, cx, "chance", W::Chance, |m| {
        let t = &c.tests;
        let values = [
            count(t.made),
            count(t.passed),
            t.least_z.to_string(),
            (t.false_discovery_rate * 100.0).to_string(),
            format!("{:.2e}", t.greatest_p),
        ];
        m.say("p", attrs![class: "prose"], &cx.fill(W::ChanceSays, &values.each_ref().map(String::as_str)));
    });
}
