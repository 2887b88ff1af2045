//! Tables: headers with scope, values to sort by, what is left off counted.

use super::cx::{Cx, Locale};
use super::markup::{Attr, Markup, attrs};
use super::words::W;
use crate::Listing;
use crate::units::{bytes, count};
use sekisho_record::Text;
use sekisho_types::{Addr, Timestamp};

/// Rows of a list that the page shows; the JSON has more.
pub(super) const ROWS: usize = 200;
/// Fewer rows need neither sorting nor a filter.
const FEW: usize = 4;
/// Texts of a cell shown; of more, how many.
const ITEMS: usize = 8;

/// How a column stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Col {
    /// Words.
    Words(W),
    /// Numbers, to the right.
    Number(W),
}

/// A row as it is written.
pub(super) struct Row<'m> {
    m: &'m mut Markup,
    first: bool,
}

impl Row<'_> {
    /// A cell that sorts by `value`, or by its text. The first one is the row's header.
    fn cell(&mut self, class: &'static str, value: Option<Attr<'_>>, inner: impl FnOnce(&mut Markup)) {
        let name = if self.first { "th" } else { "td" };
        let mut all = Vec::with_capacity(3);
        if self.first {
            all.push(("scope", "row".into()));
        }
        if !class.is_empty() {
            all.push(("class", class.into()));
        }
        if let Some(value) = value {
            all.push(("data-v", value));
        }
        self.first = false;
        self.m.el(name, &all, inner);
    }

    /// Words of our own.
    pub fn text(&mut self, text: &str) {
        self.cell("", None, |m| m.text(text));
    }

    /// Words from the wire.
    pub fn wire(&mut self, text: Option<&Text>) {
        self.cell("w", None, |m| match text {
            Some(text) => m.word(&text.0),
            None => m.raw("–"),
        });
    }

    /// Several of them.
    pub fn wires(&mut self, texts: &[Text]) {
        self.cell("w", None, |m| {
            for (i, text) in texts.iter().take(ITEMS).enumerate() {
                if i > 0 {
                    m.raw(", ");
                }
                m.word(&text.0);
            }
            match texts.len() {
                0 => m.raw("–"),
                n if n > ITEMS => m.text(&format!(", … +{}", n - ITEMS)),
                _ => {}
            }
        });
    }

    /// A digest or an id.
    pub fn code(&mut self, text: Option<&Text>) {
        self.cell("c", None, |m| match text {
            Some(text) if !text.0.is_empty() => m.el("code", &[], |m| m.wire(&text.0)),
            _ => m.raw("–"),
        });
    }

    pub fn addr(&mut self, addr: impl Into<Option<Addr>>) {
        let addr = addr.into();
        self.cell("a", None, |m| match addr {
            Some(addr) => m.text(&addr.to_string()),
            None => m.raw("–"),
        });
    }

    pub fn count(&mut self, v: impl Into<Option<u64>>) {
        let v = v.into();
        self.cell("n", Some(v.unwrap_or(0).into()), |m| match v {
            Some(v) => m.text(&count(v)),
            None => m.raw("–"),
        });
    }

    /// A number that is a name, without separators.
    pub fn port(&mut self, v: Option<u16>) {
        self.cell("n", v.map(|v| u64::from(v).into()), |m| match v {
            Some(v) => m.text(&v.to_string()),
            None => m.raw("–"),
        });
    }

    pub fn bytes(&mut self, v: impl Into<Option<u64>>) {
        let v = v.into();
        self.cell("n", Some(v.unwrap_or(0).into()), |m| match v {
            Some(v) => m.text(&bytes(v)),
            None => m.raw("–"),
        });
    }

    pub fn time(&mut self, cx: &Cx<'_>, ts: Option<Timestamp>) {
        let words = ts.map(|t| cx.time(t)).unwrap_or_default();
        let value = ts.map(|t| u64::try_from(t.0 / 1_000_000).unwrap_or(0).into());
        self.cell("t", value, |m| match ts {
            Some(_) => m.text(&words),
            None => m.raw("–"),
        });
    }

    /// A number that may be negative, in words of its own; it sorts by `v`.
    pub fn number(&mut self, v: Option<f64>, words: &str) {
        self.cell("n", Some(v.unwrap_or(0.0).into()), |m| m.text(words));
    }

    /// Anything that sorts by `v`.
    pub fn ranked(&mut self, class: &'static str, v: u64, inner: impl FnOnce(&mut Markup)) {
        self.cell(class, Some(v.into()), inner);
    }

    /// Anything else.
    pub fn with(&mut self, class: &'static str, inner: impl FnOnce(&mut Markup)) {
        self.cell(class, None, inner);
    }
}

/// A table of `rows` below its caption, in a frame that scrolls by itself.
pub(super) fn table<T>(
    m: &mut Markup,
    cx: &Locale,
    caption: &str,
    columns: &[Col],
    rows: impl ExactSizeIterator<Item = T>,
    mut each: impl FnMut(&mut Row<'_>, T),
) {
    let class = if rows.len() > FEW { "sort" } else { "" };
    m.el("div", attrs![class: "scroll", tabindex: "0", role: "group", "aria-label": caption], |m| {
        m.el("table", attrs![class: class], |m| {
            m.say("caption", &[], caption);
            m.raw("<thead><tr>");
            for column in columns {
                let (word, class) = match column {
                    Col::Words(w) => (w, ""),
                    Col::Number(w) => (w, "n"),
                };
                m.say("th", attrs![scope: "col", class: class], cx.w(*word));
            }
            m.raw("</tr></thead><tbody>");
            for row in rows {
                m.raw("<tr>");
                each(&mut Row { m, first: true }, row);
                m.raw("</tr>");
            }
            m.raw("</tbody>");
        });
    });
}

/// The table of a list of the page, and how many of its rows are left off.
pub(super) fn listing<T>(
    m: &mut Markup,
    cx: &Locale,
    caption: W,
    columns: &[Col],
    list: &Listing<T>,
    each: impl FnMut(&mut Row<'_>, &T),
) {
    if list.rows.is_empty() {
        return;
    }
    table(m, cx, cx.w(caption), columns, list.rows.iter().take(ROWS), each);
    let more = list.total().saturating_sub(list.rows.len().min(ROWS) as u64);
    if more > 0 {
        let word = if list.exact { W::MoreRows } else { W::MoreRowsUpTo };
        m.say("p", attrs![class: "more"], &cx.fill(word, &[&count(more)]));
    }
}
