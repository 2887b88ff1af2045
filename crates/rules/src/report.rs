//! What became of the rules of a set.

use crate::refusal::{Code, Refusal};
use crate::syntax::Line;

/// Bytes of a rule that are shown around what a remark is about.
const EXCERPT_LEN: usize = 100;

/// What a remark says of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It cannot be used: `R…`.
    Refused,
    /// Its own `requires` leaves it out: `N001`.
    Unwanted,
    /// A rule with the same number and a higher revision took its place: `N002`.
    Replaced,
    /// It is used, but something about it is odd: `W…`.
    Odd,
}

/// Something to say about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it means for the rule.
    pub verdict: Verdict,
    /// Stable: `R012`.
    pub code: &'static str,
    /// The file.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The rule's number, as far as it is known.
    pub sid: Option<u32>,
    /// One sentence.
    pub text: Box<str>,
    /// What to do.
    pub help: Box<str>,
    /// A piece of the rule.
    pub excerpt: Box<str>,
    /// What the remark is about, as characters of the excerpt: the first and how many.
    pub mark: (usize, usize),
}

/// What became of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that were read.
    pub file_count: usize,
    /// Rules in them; comments are none.
    pub given_count: usize,
    /// Rules of the set.
    pub loaded_count: usize,
    /// Rules that cannot be used.
    pub refused_count: usize,
    /// Rules that their own `requires` leaves out.
    pub unwanted_count: usize,
    /// Rules that a higher revision took the place of.
    pub replaced_count: usize,
    /// Remarks, in the order of the rules; as many as the limits allow.
    pub remarks: Vec<Remark>,
    /// Remarks that found no room.
    pub untold_count: usize,
}

impl Report {
    /// Adds a remark if there is room.
    pub(crate) fn add(&mut self, remark: Remark, most: usize) {
        match remark.verdict {
            Verdict::Refused => self.refused_count += 1,
            Verdict::Unwanted => self.unwanted_count += 1,
            Verdict::Replaced => self.replaced_count += 1,
            Verdict::Odd => {}
        }
        if self.remarks.len() < most {
            self.remarks.push(remark);
        } else {
            self.untold_count += 1;
        }
    }
}

impl Remark {
    pub(crate) fn refused(refusal: &Refusal, file: &str, line: &Line<'_>, sid: Option<u32>) -> Self {
        let code = refusal.code.number();
        Self::about(Verdict::Refused, code, file, line, sid, (refusal.at, refusal.len), &refusal.text, &refusal.help)
    }

    /// A rule that was read but cannot be run: `R025`. `file` and `line` are where it stands.
    pub fn not_run(sid: u32, text: &str, file: &str, line: usize, why: &str) -> Self {
        let excerpt: String = one_line(text).chars().take(EXCERPT_LEN).collect();
        Self {
            verdict: Verdict::Refused,
            code: "R025",
            file: file.into(),
            line,
            column: 1,
            sid: Some(sid),
            text: why.into(),
            help: "write the rule without it".into(),
            excerpt: excerpt.into(),
            mark: (0, 1),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a remark has that many parts")]
    pub(crate) fn about(
        verdict: Verdict,
        code: &'static str,
        file: &str,
        line: &Line<'_>,
        sid: Option<u32>,
        (at, len): (usize, usize),
        text: &str,
        help: &str,
    ) -> Self {
        let at = line.text.floor_char_boundary(at);
        let (number, column) = line.place(at);
        let (excerpt, mark) = excerpt(line, at, len);
        Self {
            verdict,
            code,
            file: file.into(),
            line: number,
            column,
            sid,
            text: one_line(text).into(),
            help: help.into(),
            excerpt: one_line(&excerpt).into(),
            mark,
        }
    }
}

/// Signs that would break a line or steer a terminal become `?`; long texts are cut.
fn one_line(text: &str) -> String {
    text.chars()
        .take(400)
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect()
}

/// The surroundings of a place on its line.
fn excerpt(line: &Line<'_>, at: usize, len: usize) -> (String, (usize, usize)) {
    let (row, start) = line.row(at);
    let at = at.saturating_sub(start).min(row.len());
    let from = row.floor_char_boundary(at.saturating_sub(EXCERPT_LEN / 3));
    let to = row.ceil_char_boundary((from + EXCERPT_LEN).min(row.len()));
    let end = row.floor_char_boundary(at.saturating_add(len.max(1)).min(to)).max(at);
    let count = |a: usize, b: usize| row.get(a..b).map_or(0, |s| s.chars().count());
    let (before, marked) = (count(from, at), count(at, end).max(1));
    let mut text = String::new();
    let shift = if from > 0 {
        text.push('…');
        1
    } else {
        0
    };
    text.push_str(row.get(from..to).unwrap_or(""));
    if to < row.len() {
        text.push('…');
    }
    (text, (before + shift, marked))
}

impl Code {
    /// A code by its number: `R012`.
    pub fn by_number(number: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}
