//! The one way to write markup: only what stands in the source goes out as it is, everything else is escaped.
//!
//! There are three kinds of text. Markup is `&'static str`. Words of our own pass [`Markup::text`], which escapes. What came
//! from the wire, from names of files or from a capture's comments passes [`Markup::wire`], which first takes away everything
//! that could act: controls, bidirectional and invisible characters, bytes that are no UTF-8.

use crate::clean::clean;
use std::fmt::Write;

/// Value of an attribute.
#[derive(Clone, Copy)]
pub(super) enum Attr<'a> {
    /// Escaped when written.
    Text(&'a str),
    /// A whole number.
    Count(u64),
    /// A length or place in a drawing, written with one decimal.
    Length(f64),
    /// No value: the attribute alone.
    Bare,
}

impl<'a> From<&'a str> for Attr<'a> {
    fn from(v: &'a str) -> Self {
        Self::Text(v)
    }
}

impl<'a> From<&'a String> for Attr<'a> {
    fn from(v: &'a String) -> Self {
        Self::Text(v)
    }
}

impl From<u64> for Attr<'_> {
    fn from(v: u64) -> Self {
        Self::Count(v)
    }
}

impl From<usize> for Attr<'_> {
    fn from(v: usize) -> Self {
        Self::Count(v as u64)
    }
}

impl From<f64> for Attr<'_> {
    fn from(v: f64) -> Self {
        Self::Length(v)
    }
}

/// Attributes of a tag: `attrs![class: "bar", x: 1.5]`; names with dashes are strings.
macro_rules! attrs {
    (@name $name:ident) => { stringify!($name) };
    (@name $name:literal) => { $name };
    ($($name:tt : $value:expr),* $(,)?) => {
        &[$(($crate::html::markup::attrs!(@name $name), $crate::html::markup::Attr::from($value))),*]
    };
}
pub(super) use attrs;

/// Attributes in order.
pub(super) type Attrs<'a> = &'a [(&'static str, Attr<'a>)];

/// Markup that grows.
#[derive(Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// Markup from the source.
    pub fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Words of our own, and numbers.
    pub fn text(&mut self, text: &str) {
        escape(&mut self.out, text);
    }

    /// Words of others.
    pub fn wire(&mut self, bytes: &[u8]) {
        escape(&mut self.out, &clean(bytes));
    }

    /// Words of others, marked as such: not to be translated, set apart from the direction of what is around.
    pub fn word(&mut self, bytes: &[u8]) {
        self.el("bdi", attrs![translate: "no"], |m| m.wire(bytes));
    }

    /// A tag without an end.
    pub fn tag(&mut self, name: &'static str, attrs: Attrs<'_>) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attrs {
            self.out.push(' ');
            self.out.push_str(key);
            // Writing to a String cannot fail.
            let _ = match value {
                Attr::Text(text) => {
                    self.out.push_str("=\"");
                    escape(&mut self.out, text);
                    self.out.push('"');
                    Ok(())
                }
                Attr::Count(v) => write!(self.out, "=\"{v}\""),
                Attr::Length(v) => self.length(*v),
                Attr::Bare => Ok(()),
            };
        }
        self.out.push('>');
    }

    /// One decimal, and none if it is 0.
    fn length(&mut self, v: f64) -> std::fmt::Result {
        let tenths = (if v.is_finite() { v * 10.0 } else { 0.0 }).round() as i64;
        let sign = if tenths < 0 { "-" } else { "" };
        let tenths = tenths.unsigned_abs();
        match tenths % 10 {
            0 => write!(self.out, "=\"{sign}{}\"", tenths / 10),
            d => write!(self.out, "=\"{sign}{}.{d}\"", tenths / 10),
        }
    }

    /// An element and what is in it.
    pub fn el(&mut self, name: &'static str, attrs: Attrs<'_>, inner: impl FnOnce(&mut Self)) {
        self.tag(name, attrs);
        inner(self);
        self.end(name);
    }

    /// The end of a tag.
    pub fn end(&mut self, name: &'static str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element with words of our own.
    pub fn say(&mut self, name: &'static str, attrs: Attrs<'_>, text: &str) {
        self.el(name, attrs, |m| m.text(text));
    }

    /// The content of a `style` or `script` element, which cannot be escaped: both are files of this crate.
    pub fn code(&mut self, code: &'static str) {
        self.out.push_str(code);
    }

    /// Markup that another of these made.
    pub fn append(&mut self, markup: Self) {
        self.out.push_str(&markup.out);
    }

    /// Is that in what was written so far?
    pub fn contains(&self, markup: &'static str) -> bool {
        self.out.contains(markup)
    }

    pub fn finish(self) -> String {
        self.out
    }
}

/// For text and quoted attributes alike.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_wire_is_markup() {
        let mut m = Markup::default();
        let hostile = "</title><script>alert(1)</script><!-- \" ' & \u{2028}\u{202e}\0 -->";
        m.el("b", attrs![title: hostile, "data-x": 1u64], |m| m.wire(hostile.as_bytes()));
        let out = m.finish();
        assert_eq!(out.matches('<').count(), 2, "{out}");
        assert_eq!(out.matches('"').count(), 4, "{out}");
        assert!(!out.contains('\''), "{out}");
        let body = out.split_once("1\">").unwrap().1;
        assert!(body.contains(r"\u{2028}\u{202e}\x00"), "{body}");
    }

    #[test]
    fn lengths_have_one_decimal() {
        for (v, want) in
            [(1.0, "<a x=\"1\">"), (-2.26, "<a x=\"-2.3\">"), (0.04, "<a x=\"0\">"), (f64::NAN, "<a x=\"0\">")]
        {
            let mut m = Markup::default();
            m.tag("a", attrs![x: v]);
            assert_eq!(m.finish(), want);
        }
    }
}
