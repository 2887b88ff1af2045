//! What every part of the page needs: the data, the language, the findings that no mute hides.

use super::language::{Catalogue, Lang};
use super::markup::{Markup, attrs};
use super::words::W;
use crate::Page;
use crate::clean::clean;
use crate::units::{clock, count, date};
use sekisho_finding::{Confidence, Finding, Severity, Stage};
use sekisho_types::{Addr, Interval, Timestamp};
use std::ops::Deref;

/// A language and its texts: what pages of every kind need.
pub(super) struct Locale {
    pub lang: Lang,
    catalogue: Catalogue,
}

/// The same with an audit's data.
pub(super) struct Cx<'a> {
    pub page: &'a Page,
    /// Findings that no mute hides, the worst first.
    pub open: Vec<&'a Finding>,
    locale: Locale,
}

impl Deref for Cx<'_> {
    type Target = Locale;

    fn deref(&self) -> &Locale {
        &self.locale
    }
}

impl Locale {
    pub fn new(lang: Lang) -> Self {
        Self { lang, catalogue: Catalogue::of(lang) }
    }

    /// A word of the page.
    pub fn w(&self, word: W) -> &'static str {
        word.of(self.lang)
    }

    /// A sentence with values in its places: `{0}` is the first, `{0|flow|flows}` the form that goes with the first.
    pub fn fill(&self, word: W, values: &[&str]) -> String {
        fill(self.w(word), values)
    }

    /// The text for a key of the catalogue, which is the English text where there is no other.
    pub fn told(&self, key: &str, english: &'static str) -> &'static str {
        self.catalogue.get(key).unwrap_or(english)
    }

    /// The same of an English text that was read.
    pub fn read<'t>(&self, key: &str, english: &'t str) -> &'t str {
        self.catalogue.get(key).unwrap_or(english)
    }

    /// A fixed English text of another part of the program, translated if the catalogue has it and marked if not.
    pub fn fixed(&self, m: &mut Markup, english: &str) {
        let english = clean(english.as_bytes());
        match self.catalogue.like(&english) {
            Some(text) => m.text(&text),
            None if self.lang == Lang::En => m.text(&english),
            None => m.say("span", attrs![lang: "en"], &english),
        }
    }

    /// As [`Locale::fixed`], as a text.
    pub fn fixed_text(&self, english: &'static str) -> &'static str {
        self.told(english, english)
    }

    pub fn severity(&self, severity: Severity) -> &'static str {
        self.w(match severity {
            Severity::Critical => W::Critical,
            Severity::High => W::High,
            Severity::Medium => W::Medium,
            Severity::Low => W::Low,
            Severity::Info => W::Info,
        })
    }

    /// Shape and word of a severity.
    pub fn badge(&self, m: &mut Markup, severity: Severity) {
        m.el("span", attrs![class: class(severity)], |m| {
            shape(m, severity);
            m.text(self.severity(severity));
        });
    }

    pub fn confidence(&self, confidence: Confidence) -> String {
        let word = self.fixed_text(confidence.word());
        format!("{word} ({confidence})")
    }

    pub fn stage(&self, stage: Stage) -> &'static str {
        self.fixed_text(stage.name())
    }

    /// `3 d 4 h`, in words of the language.
    pub fn span(&self, v: Interval) -> String {
        let english = crate::units::span(v);
        match self.lang {
            Lang::En => english,
            Lang::Ja => super::language::span(&english).unwrap_or(english),
        }
    }

    /// What is wrong with a certificate. The sentences are `summary::certificates`'.
    pub fn problem(&self, english: &str) -> String {
        if self.lang == Lang::En {
            return english.to_owned();
        }
        for (start, word) in [
            ("expired ", W::Expired),
            ("not valid before ", W::NotYet),
            ("not for ", W::NotFor),
            ("weak key ", W::WeakKey),
            ("weak signature ", W::WeakSignature),
            ("not trusted: ", W::NotTrusted),
        ] {
            if let Some(rest) = english.strip_prefix(start) {
                return self.fill(word, &[self.catalogue.get(rest).unwrap_or(rest)]);
            }
        }
        if english == "self-signed" { self.w(W::SelfSigned).to_owned() } else { english.to_owned() }
    }
}

impl<'a> Cx<'a> {
    pub fn new(page: &'a Page, lang: Lang) -> Self {
        let open = page.judged.findings.iter().filter(|f| f.is_open()).collect();
        Self { page, open, locale: Locale::new(lang) }
    }

    /// An address and the name that it went by, as far as the finding knows one.
    pub fn host(&self, m: &mut Markup, f: &Finding, addr: Addr) {
        m.say("span", attrs![class: "addr"], &addr.to_string());
        if let Some((_, name)) = f.names.iter().find(|(a, _)| *a == addr) {
            m.raw(" <span class=\"name\">");
            m.word(name.as_bytes());
            m.raw("</span>");
        }
    }

    /// A time; the day only where the capture lasts over midnight, and the part of a second where it is short.
    pub fn time(&self, ts: Timestamp) -> String {
        let c = &self.page.completeness;
        let clock = clock(ts);
        let (Some(first), Some(last)) = (c.first, c.last) else { return clock };
        if [first, last].map(date) != [date(ts), date(ts)] {
            return clock;
        }
        let time = clock.get(11..).unwrap_or(&clock);
        match (last - first).0 {
            0..10_000_000_000 => format!("{time}.{:03}", ts.0.rem_euclid(1_000_000_000) / 1_000_000),
            _ => time.to_owned(),
        }
    }

    /// The captures, as the user named them.
    pub fn inputs(&self) -> String {
        let inputs = &self.page.completeness.inputs;
        match inputs.len() {
            0..=5 => inputs.join(", "),
            n => format!("{}, … (+{})", inputs.get(..5).unwrap_or(inputs).join(", "), count(n as u64 - 5)),
        }
    }
}

/// Class of a severity.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "sev critical",
        Severity::High => "sev high",
        Severity::Medium => "sev medium",
        Severity::Low => "sev low",
        Severity::Info => "sev info",
    }
}

/// The shape of a severity; its word stands beside it.
pub(super) fn shape(m: &mut Markup, severity: Severity) {
    m.raw(match severity {
        Severity::Critical => "<svg class=\"shape\" aria-hidden=\"true\"><use href=\"#s-critical\"/></svg>",
        Severity::High => "<svg class=\"shape\" aria-hidden=\"true\"><use href=\"#s-high\"/></svg>",
        Severity::Medium => "<svg class=\"shape\" aria-hidden=\"true\"><use href=\"#s-medium\"/></svg>",
        Severity::Low => "<svg class=\"shape\" aria-hidden=\"true\"><use href=\"#s-low\"/></svg>",
        Severity::Info => "<svg class=\"shape\" aria-hidden=\"true\"><use href=\"#s-info\"/></svg>",
    });
}

/// See [`Locale::fill`].
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((place, after)) = after.split_once('}') else { break };
        let mut parts = place.split('|');
        let value = parts.next().and_then(|n| n.parse().ok()).and_then(|n: usize| values.get(n)).copied().unwrap_or("");
        out.push_str(match (parts.next(), parts.next()) {
            (Some(one), Some(_)) if value == "1" => one,
            (Some(_), Some(many)) => many,
            _ => value,
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_take_values_and_forms() {
        assert_eq!(fill("{0} {0|flow|flows} of {1}", &["1", "a{0}b"]), "1 flow of a{0}b");
        assert_eq!(fill("{1}の{0}件", &["2", "x"]), "xの2件");
        assert_eq!(fill("{0} {0|flow|flows}", &["1,200"]), "1,200 flows");
    }
}
