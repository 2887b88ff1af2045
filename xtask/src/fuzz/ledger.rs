//! What was spent on each target, and what it reached.

use super::Outcome;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const HEAD: &str = "target\tcpu_seconds\texecutions\tedges\tfeatures\tdate\tcommit\n";

/// One target.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    /// In all.
    secs: f64,
    /// In all.
    executions: u64,
    /// By libFuzzer's count, at the end of the last run: they depend on the build and on the corpus.
    edges: u64,
    features: u64,
    /// Of the last run.
    date: String,
    /// That the last run's program was built from.
    commit: String,
}

/// By target.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ledger(BTreeMap<String, Entry>);

impl Ledger {
    /// Empty if there is no file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        Self::parse(&fs::read_to_string(path)?).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let mut entries = BTreeMap::new();
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [target, secs, executions, edges, features, date, commit] = cells[..] else {
                bail!("not seven columns: {line}")
            };
            let number = |cell: &str| cell.parse::<u64>().with_context(|| line.to_owned());
            let entry = Entry {
                secs: secs.parse().with_context(|| line.to_owned())?,
                executions: number(executions)?,
                edges: number(edges)?,
                features: number(features)?,
                date: date.to_owned(),
                commit: commit.to_owned(),
            };
            entries.insert(target.to_owned(), entry);
        }
        Ok(Self(entries))
    }

    fn text(&self) -> String {
        let mut out = HEAD.to_owned();
        for (target, e) in &self.0 {
            let Entry { secs, executions, edges, features, date, commit } = e;
            let _ = writeln!(out, "{target}\t{secs:.1}\t{executions}\t{edges}\t{features}\t{date}\t{commit}");
        }
        out
    }

    /// Replaced at once, so that it is never half written.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, self.text())?;
        Ok(fs::rename(new, path)?)
    }

    /// CPU seconds in all.
    pub(super) fn secs(&self, target: &str) -> f64 {
        self.0.get(target).map_or(0.0, |e| e.secs)
    }

    pub(super) fn add(&mut self, target: &str, run: &Outcome, date: &str, commit: &str) {
        let e = self.0.entry(target.to_owned()).or_default();
        e.secs += run.secs;
        e.executions += run.executions;
        // A run that failed at once may not have come to counting.
        if run.features > 0 {
            (e.edges, e.features) = (run.edges, run.features);
        }
        (e.date, e.commit) = (date.to_owned(), commit.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_and_comes_back() {
        let run = |secs, executions, features| Outcome { secs, executions, edges: 5, features, failure: None };
        let mut ledger = Ledger::default();
        ledger.add("dns", &run(10.25, 1000, 7), "2026-11-21", "0123456789");
        ledger.add("amqp", &run(1.0, 10, 3), "2026-11-21", "0123456789");
        ledger.add("dns", &run(0.25, 5, 0), "2026-11-22", "abcdef0123-dirty");
        assert!((ledger.secs("dns") - 10.5).abs() < 1e-9 && ledger.secs("tls") == 0.0);
        let text = ledger.text();
        assert!(text.ends_with("\ndns\t10.5\t1005\t5\t7\t2026-11-22\tabcdef0123-dirty\n"), "{text}");
        assert_eq!(Ledger::parse(&text).unwrap(), ledger);
        assert!(Ledger::parse("target\ndns\t1\n").is_err());
    }
}
