//! Lines to rules: comments go, lines that end in a backslash go on in the next.

use crate::limits::RULE_LEN_MAX;
use memchr::memchr;
use std::borrow::Cow;

/// A rule's text, and where its pieces stood.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub text: Cow<'a, str>,
    /// It was longer than [`RULE_LEN_MAX`]; the rest is cut off.
    pub is_cut: bool,
    /// Where in the file it begins.
    pub start: usize,
    /// Its first line.
    first: Join,
    /// Its other lines.
    more: Vec<Join>,
}

/// One of the lines that a rule stands on.
#[derive(Clone, Copy, Debug)]
struct Join {
    /// Where it begins in the rule's text.
    at: usize,
    /// From 1.
    number: usize,
    /// The columns (in bytes) that were cut off before it.
    skipped: usize,
}

impl Line<'_> {
    fn joins(&self) -> impl DoubleEndedIterator<Item = Join> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    /// Line and column of an offset, both from 1; columns count characters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        // Behind a backslash at the end of everything is no line.
        let holds = |join: &Join| join.at <= at && join.at < self.text.len();
        let join = self.joins().rev().find(holds).unwrap_or(self.first);
        let before = self.text.get(join.at..at).map_or(0, |s| s.chars().count());
        (join.number, before + join.skipped + 1)
    }

    /// The line of the file that holds offset `at`, as a part of the text, and that part's offset.
    pub fn row(&self, at: usize) -> (&str, usize) {
        let n = self.more.iter().rposition(|join| join.at <= at).map_or(0, |n| n + 1);
        let start = n.checked_sub(1).and_then(|n| self.more.get(n)).map_or(0, |join| join.at);
        let end = self.more.get(n).map_or(self.text.len(), |join| join.at);
        (self.text.get(start..end).unwrap_or(""), start)
    }
}

/// The lines of a text, each with its number (from 1) and where it begins.
struct Rows<'a> {
    /// Nothing: the last line was given.
    rest: Option<&'a str>,
    at: usize,
    number: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = (usize, usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let (row, behind) = rest.split_at_checked(end)?;
        self.rest = behind.strip_prefix('\n');
        let at = self.at;
        self.at += end + 1;
        self.number += 1;
        Some((self.number, at, row.strip_suffix('\r').unwrap_or(row)))
    }
}

/// The rules of a file.
pub(crate) fn rules(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rows = Rows { rest: Some(text), at: 0, number: 0 };
    std::iter::from_fn(move || {
        loop {
            let (number, at, row) = rows.next()?;
            let trimmed = row.trim_start();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let skipped = row.len() - trimmed.len();
            let mut whole = Line {
                text: Cow::Borrowed(trimmed),
                is_cut: false,
                start: at + skipped,
                first: Join { at: 0, number, skipped },
                more: Vec::new(),
            };
            if trimmed.ends_with('\\') && !continued(&mut whole, &mut rows) {
                continue;
            }
            cut(&mut whole);
            return Some(whole);
        }
    })
}

/// Adds the lines that go on with a rule; is there anything but backslashes?
fn continued(whole: &mut Line<'_>, rows: &mut Rows<'_>) -> bool {
    while let Some(part) = whole.text.strip_suffix('\\') {
        let mut joined = part.to_owned();
        let Some((number, _, next)) = rows.next() else {
            whole.text = Cow::Owned(joined);
            break;
        };
        whole.more.push(Join { at: joined.len(), number, skipped: 0 });
        joined.push_str(next);
        whole.text = Cow::Owned(joined);
        if whole.text.len() > RULE_LEN_MAX {
            break;
        }
    }
    !whole.text.trim().is_empty()
}
fn cut(line: &mut Line<'_>) {
    if line.text.len() <= RULE_LEN_MAX {
        return;
    }
    let end = line.text.floor_char_boundary(RULE_LEN_MAX);
    line.is_cut = true;
    line.text = Cow::Owned(line.text.get(..end).unwrap_or("").to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_lines_and_remembers_places() {
        let text = "# no\r\n\n  alert a \\\r\n   b;\nnext\\";
        let all: Vec<_> = rules(text).collect();
        assert_eq!(all.iter().map(|l| l.text.to_string()).collect::<Vec<_>>(), ["alert a    b;", "next"]);
        assert_eq!(all[0].place(0), (3, 3));
        assert_eq!(all[0].place(6), (3, 9));
        assert_eq!(all[0].place(11), (4, 4));
        assert_eq!(all[0].row(11), ("   b;", 8));
        assert_eq!(all[1].place(2), (5, 3));
    }

    #[test]
    fn backslashes_alone_are_no_rule() {
        assert_eq!(rules("\\\n\\\n\\\n").count(), 0);
        let all: Vec<_> = rules("a\\\n\\\n").collect();
        assert_eq!((all.len(), all[0].place(1)), (1, (1, 2)));
    }

    #[test]
    fn limits_length() {
        let text = "é".repeat(RULE_LEN_MAX);
        let line = rules(&text).next().unwrap();
        assert!(line.is_cut && line.text.len() <= RULE_LEN_MAX);
        let text = "a\\\n".repeat(RULE_LEN_MAX * 3);
        assert!(rules(&text).all(|l| l.text.len() <= RULE_LEN_MAX));
    }
}
