//! Lines to rules: comments go, lines that end in a backslash go on in the next.

use crate::limits::RULE_LEN_MAX;
use std::borrow::Cow;

/// A rule's text, and where its pieces stood.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub text: Cow<'a, str>,
    /// It was longer than [`RULE_LEN_MAX`]; the rest is cut off.
    pub is_cut: bool,
    /// Where each of the lines begins in `text`, its number, and the columns (in bytes) that were cut off before it.
    joins: Vec<(usize, usize, usize)>,
}

impl Line<'_> {
    /// Line and column of an offset, both from 1; columns count characters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        // Behind a backslash at the end of everything is no line.
        let holds = |join: &&(usize, usize, usize)| join.0 <= at && join.0 < self.text.len();
        let join = self.joins.iter().rev().find(holds).or_else(|| self.joins.first());
        let &(start, line, skipped) = join.unwrap_or(&(0, 1, 0));
        let before = self.text.get(start..at).map_or(0, |s| s.chars().count());
        (line, before + skipped + 1)
    }

    /// The line of the file that holds offset `at`, as a part of the text, and that part's offset.
    pub fn row(&self, at: usize) -> (&str, usize) {
        let n = self.joins.iter().rposition(|join| join.0 <= at).unwrap_or(0);
        let start = self.joins.get(n).map_or(0, |j| j.0);
        let end = self.joins.get(n + 1).map_or(self.text.len(), |j| j.0);
        (self.text.get(start..end).unwrap_or(""), start)
    }
}

/// The rules of a file.
pub(crate) fn rules(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut lines = text.split('\n').enumerate();
    std::iter::from_fn(move || {
        loop {
            let (n, line) = lines.next()?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let skipped = line.len() - trimmed.len();
            let mut whole = Line { text: Cow::Borrowed(trimmed), is_cut: false, joins: vec![(0, n + 1, skipped)] };
            while let Some(part) = whole.text.strip_suffix('\\') {
                let mut joined = part.to_owned();
                let Some((n, next)) = lines.next() else {
                    whole.text = Cow::Owned(joined);
                    break;
                };
                whole.joins.push((joined.len(), n + 1, 0));
                joined.push_str(next.strip_suffix('\r').unwrap_or(next));
                whole.text = Cow::Owned(joined);
                if whole.text.len() > RULE_LEN_MAX {
                    break;
                }
            }
            // Backslashes alone continue nothing.
            if whole.text.trim().is_empty() {
                continue;
            }
            cut(&mut whole);
            return Some(whole);
        }
    })
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
