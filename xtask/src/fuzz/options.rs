use anyhow::{Context, Result, bail};
use std::path::PathBuf;

pub(super) const HELP: &str = "\
cargo xtask fuzz [TARGET…|all] [SECS]

  SECS               seconds per target, 10 if nothing is said
  --ledger           add what was spent to fuzz/ledger.tsv
  --until SECS       with the ledger: go on until each target has had so many CPU seconds in all, least-run first
  --slice SECS       with --until: seconds at a time, 120 if nothing is said
  --jobs N           targets at a time, 1 if nothing is said
  --without A,B      not these
  --programs DIR     run the programs there, built before, instead of building them
";

/// Seconds of one run with `--until`, if nothing is said.
const SLICE_SECS: u64 = 120;

/// No run is shorter: it begins with reading the corpus.
pub(super) const MIN_SLICE_SECS: u64 = 5;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// Empty: all.
    pub(super) targets: Vec<String>,
    pub(super) without: Vec<String>,
    pub(super) secs: u64,
    pub(super) ledger: bool,
    pub(super) until: Option<u64>,
    pub(super) slice: u64,
    pub(super) jobs: usize,
    pub(super) programs: Option<PathBuf>,
}

impl Options {
    /// `None` if help is wanted.
    pub(super) fn parse(args: &[&str]) -> Result<Option<Self>> {
        let mut o = Self {
            targets: Vec::new(),
            without: Vec::new(),
            secs: 10,
            ledger: false,
            until: None,
            slice: SLICE_SECS,
            jobs: 1,
            programs: None,
        };
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--ledger" => o.ledger = true,
                "--until" => o.until = Some(value()?.parse().context("--until")?),
                "--slice" => o.slice = value()?.parse::<u64>().context("--slice")?.max(MIN_SLICE_SECS),
                "--jobs" => o.jobs = value()?.parse::<usize>().context("--jobs")?.max(1),
                "--without" => o.without.extend(value()?.split(',').map(str::to_owned)),
                "--programs" => o.programs = Some(std::path::absolute(value()?)?),
                "all" => {}
                flag if flag.starts_with('-') => bail!("no option {flag}\n\n{HELP}"),
                secs if secs.bytes().all(|b| b.is_ascii_digit()) => o.secs = secs.parse().context("SECS")?,
                target => o.targets.push(target.to_owned()),
            }
        }
        Ok(Some(o))
    }

    pub(super) fn keeps_ledger(&self) -> bool {
        self.ledger || self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_seconds_and_options() {
        let of = |args: &[&str]| Options::parse(args).unwrap().unwrap();
        assert_eq!(of(&[]), of(&["all", "10"]));
        let o = of(&["dns", "tls", "60", "--ledger"]);
        assert_eq!((o.targets.len(), o.secs, o.keeps_ledger()), (2, 60, true));
        let o = of(&["all", "--until", "600", "--without", "quic,http", "--jobs", "0"]);
        assert_eq!((o.targets.len(), o.without.len(), o.until, o.jobs), (0, 2, Some(600), 1));
        assert!(Options::parse(&["--until"]).is_err() && Options::parse(&["--often"]).is_err());
        assert!(Options::parse(&["--help"]).unwrap().is_none());
    }
}
