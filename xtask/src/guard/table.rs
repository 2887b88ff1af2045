//! The table of agreed counts as text: cases first, then the reasons, newest last.

use anyhow::{Context, Result, bail};
use std::fmt;

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) item: String,
    /// Instructions per item.
    pub(super) count: f64,
}

/// Why a table was written anew.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason {
    pub(super) date: String,
    /// The commit that it was made on.
    pub(super) commit: String,
    pub(super) text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) rustc: String,
    pub(super) rows: Vec<Row>,
    /// With what changed by each.
    pub(super) history: Vec<(Reason, Vec<String>)>,
}

const HEAD: &str = "\
# Instructions per item, counted by callgrind. Written by `cargo xtask guard --bless REASON`, compared by
# `cargo xtask guard`, which is a part of `cargo xtask check`.
";

impl Table {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut table = Self::default();
        for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(rustc) = line.strip_prefix("compiler ") {
                table.rustc = rustc.to_owned();
            } else if let Some(reason) = line.strip_prefix("on ") {
                let mut parts = reason.splitn(3, ' ').map(str::to_owned);
                let mut part = || parts.next().with_context(|| line.to_owned());
                let reason = Reason { date: part()?, commit: part()?, text: part()? };
                table.history.push((reason, Vec::new()));
            } else if let Some(change) = line.strip_prefix("   ") {
                let (_, changes) = table.history.last_mut().with_context(|| line.to_owned())?;
                changes.push(change.trim().to_owned());
            } else {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [name, item, count] = words[..] else { bail!("not a case: {line}") };
                let count = count.parse().with_context(|| line.to_owned())?;
                table.rows.push(Row { name: name.to_owned(), item: item.to_owned(), count });
            }
        }
        Ok(table)
    }

    /// This table with the counts of `counted`, for `reason`. Cases within `tolerance` are written down as well, but
    /// the history does not speak of them.
    pub(super) fn blessed(&self, counted: &[Row], rustc: &str, reason: Reason, tolerance: f64) -> Self {
        let mut changes = Vec::new();
        for row in counted {
            match self.rows.iter().find(|r| r.name == row.name) {
                None => changes.push(format!("{} {:.1} new", row.name, row.count)),
                Some(was) if (row.count / was.count - 1.0).abs() > tolerance => {
                    let percent = (row.count / was.count - 1.0) * 100.0;
                    changes.push(format!("{} {:.1} -> {:.1} ({percent:+.1} %)", row.name, was.count, row.count));
                }
                Some(_) => {}
            }
        }
        for gone in self.rows.iter().filter(|r| !counted.iter().any(|c| c.name == r.name)) {
            changes.push(format!("{} gone", gone.name));
        }
        let mut history = self.history.clone();
        history.push((reason, changes));
        Self { rustc: rustc.to_owned(), rows: counted.to_vec(), history }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\ncompiler {}\n", self.rustc)?;
        for r in &self.rows {
            writeln!(f, "{:14} {:8} {:10.1}", r.name, r.item, r.count)?;
        }
        for (reason, changes) in &self.history {
            writeln!(f, "\non {} {} {}", reason.date, reason.commit, reason.text)?;
            changes.iter().try_for_each(|c| writeln!(f, "    {c}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, count: f64) -> Row {
        Row { name: name.to_owned(), item: "packet".to_owned(), count }
    }

    fn reason(text: &str) -> Reason {
        Reason { date: "2026-11-21".to_owned(), commit: "0123456789".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn text_and_back() {
        let first = Table::default().blessed(&[row("a", 10.0), row("b", 20.5)], "rustc 1", reason("at first"), 0.03);
        let second = first.blessed(&[row("a", 10.2), row("c", 1.0)], "rustc 2", reason("b is gone"), 0.03);
        assert_eq!(second.history[1].1, ["c 1.0 new", "b gone"]);
        assert_eq!(Table::parse(&second.to_string()).unwrap(), second);
        let third = second.blessed(&[row("a", 5.1), row("c", 1.0)], "rustc 2", reason("a is faster"), 0.03);
        assert_eq!(third.history[2].1, ["a 10.2 -> 5.1 (-50.0 %)"]);
        assert!(Table::parse("a packet").is_err());
    }
}
