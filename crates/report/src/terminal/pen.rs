use crate::clean::{fit, width_of};

/// How a piece of text stands out, where colour is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Alarm,
    Dim,
    Good,
    Heading,
    Plain,
    Warning,
}

impl Style {
    /// The SGR parameters (ECMA-48 §8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Alarm => "1;31",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Heading => "1",
            Self::Plain => "",
            Self::Warning => "33",
        }
    }
}

/// What gives way when a table is too wide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    End,
    Middle,
    Never,
    /// Goes on in further lines; for the last column.
    Wrap,
}

/// A column: heading, numbers to the right or not, and how it shrinks.
#[derive(Clone, Copy)]
pub(super) struct Column(pub &'static str, pub bool, pub Cut);

/// A left-aligned column that keeps its width.
pub(super) const fn text(head: &'static str) -> Column {
    Column(head, false, Cut::Never)
}

/// A right-aligned column that keeps its width.
pub(super) const fn number(head: &'static str) -> Column {
    Column(head, true, Cut::Never)
}

/// A left-aligned column that gives way at its end.
pub(super) const fn long(head: &'static str) -> Column {
    Column(head, false, Cut::End)
}

/// A left-aligned column, the last one, that takes as many lines as it needs.
pub(super) const fn wrapped(head: &'static str) -> Column {
    Column(head, false, Cut::Wrap)
}

/// A column for addresses: IPv6 gives way in the middle.
pub(super) const fn address(head: &'static str) -> Column {
    Column(head, false, Cut::Middle)
}

const INDENT: usize = 2;
/// Spaces between columns.
const GAP: usize = 2;
/// A column that gives way keeps at least this much.
const MIN_COLUMN: usize = 9;
/// Most lines that a wrapped cell takes.
const MAX_LINES: usize = 4;

/// Writes lines that are never wider than the page.
pub(super) struct Pen {
    out: String,
    width: usize,
    colour: bool,
}

impl Pen {
    pub fn new(width: usize, colour: bool) -> Self {
        Self { out: String::new(), width, colour }
    }

    pub fn finish(self) -> String {
        self.out
    }

    /// A section's title, with a note after it.
    pub fn heading(&mut self, title: &str, note: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let room = self.width.saturating_sub(width_of(title) + GAP);
        self.styled(Style::Heading, title);
        if !note.is_empty() {
            self.out.push_str("  ");
            self.styled(Style::Dim, &fit(note, room, false));
        }
        self.out.push('\n');
    }

    /// A paragraph, broken at spaces, after `mark` (at most a few characters).
    pub fn paragraph(&mut self, style: Style, mark: &str, words: &str) {
        let hang = INDENT + width_of(mark);
        let room = self.width.saturating_sub(hang).max(1);
        for (i, line) in wrap(words, room).into_iter().enumerate() {
            self.out.push_str(&" ".repeat(if i == 0 { INDENT } else { hang }));
            let line = if i == 0 { format!("{mark}{line}") } else { line };
            self.styled(style, &line);
            self.out.push('\n');
        }
    }

    /// Rows under their headings; none if all headings are empty.
    pub fn table(&mut self, columns: &[Column], rows: &[Vec<String>]) {
        let widths = self.widths(columns, rows);
        if columns.iter().any(|c| !c.0.is_empty()) {
            let heads: Vec<String> = columns.iter().map(|c| c.0.to_owned()).collect();
            self.row(Style::Dim, columns, &widths, &heads);
        }
        for row in rows {
            let last = columns.iter().zip(&widths).zip(row).next_back().filter(|((c, _), _)| c.2 == Cut::Wrap);
            let Some(((_, &width), cell)) = last else {
                self.row(Style::Plain, columns, &widths, row);
                continue;
            };
            let mut cells = row.clone();
            let mut lines = wrap(cell, width.max(1));
            if lines.len() > MAX_LINES {
                lines.truncate(MAX_LINES);
                lines.last_mut().into_iter().for_each(|l| l.push('…'));
            }
            for line in lines {
                cells.pop();
                cells.push(line);
                self.row(Style::Plain, columns, &widths, &cells);
                cells.iter_mut().for_each(String::clear);
            }
        }
    }

    fn row(&mut self, style: Style, columns: &[Column], widths: &[usize], cells: &[String]) {
        let mut line = " ".repeat(INDENT);
        for (i, ((column, &width), cell)) in columns.iter().zip(widths).zip(cells).enumerate() {
            if i > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = fit(cell, width, column.2 == Cut::Middle);
            let pad = " ".repeat(width - width_of(&cell));
            if column.1 {
                line.push_str(&pad);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&pad);
            }
        }
        let line = fit(line.trim_end(), self.width, false);
        self.styled(style, &line);
        self.out.push('\n');
    }

    /// Natural widths, less what is too much, taken from the widest of those that give way.
    fn widths(&self, columns: &[Column], rows: &[Vec<String>]) -> Vec<usize> {
        let mut widths: Vec<usize> = columns.iter().map(|c| width_of(c.0)).collect();
        for row in rows {
            for (w, cell) in widths.iter_mut().zip(row) {
                *w = (*w).max(width_of(cell));
            }
        }
        let room = self.width.saturating_sub(INDENT + GAP * columns.len().saturating_sub(1));
        let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
        while excess > 0 {
            let giving = widths.iter_mut().zip(columns).filter(|(w, c)| c.2 != Cut::Never && **w > MIN_COLUMN);
            let Some((widest, _)) = giving.max_by_key(|(w, _)| **w) else { break };
            *widest -= 1;
            excess -= 1;
        }
        widths
    }

    fn styled(&mut self, style: Style, words: &str) {
        let code = style.code();
        if self.colour && !code.is_empty() {
            self.out.push_str("\x1b[");
            self.out.push_str(code);
            self.out.push('m');
            self.out.push_str(words);
            self.out.push_str("\x1b[0m");
        } else {
            self.out.push_str(words);
        }
    }
}

/// `words` in lines of at most `room` columns; a longer word is cut into pieces.
fn wrap(words: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // Columns of the last line.
    let mut used = 0;
    for word in words.split(' ').filter(|w| !w.is_empty()) {
        let fits = used + usize::from(used > 0) + width_of(word) <= room;
        if !fits && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for c in fits.then_some(' ').filter(|_| used > 0).into_iter().chain(word.chars()) {
            let columns = width_of(c.encode_utf8(&mut [0; 4]));
            if used + columns > room {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
                used += columns;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn tables_never_exceed_the_width() {
        let rows: Vec<Vec<String>> =
            (0..4).map(|i| vec!["a".repeat(i * 20), "日".repeat(i * 9), i.to_string(), "x".repeat(30)]).collect();
        for width in [20, 40, 79, 200] {
            let mut pen = Pen::new(width, false);
            pen.table(&[long("first"), address("second"), number("n"), text("fixed")], &rows);
            for line in pen.finish().lines() {
                assert!(width_of(line) <= width, "{width}: {line}");
            }
        }
    }
}
