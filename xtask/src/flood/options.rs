use anyhow::{Context, Result, bail};
use std::path::PathBuf;

pub(super) const HELP: &str = "\
cargo xtask flood [NAME…]

  --list             the attacks
  --scale PERCENT    of the full size; default 2
  --memory A,B       budgets in MiB to run under; default 256,1024
  --instructions     count instructions (valgrind) instead of seconds, at two sizes, and judge the ratio
  --out DIR          keep the captures there
  --write-only       only write them
  --jobs N           workers; what the program takes itself if nothing is said
  --program PATH     instead of target/release/sekisho
";

/// The share of the full size that is run if nothing is said.
const PERCENT: f64 = 2.0;

/// What was asked for.
pub(super) struct Options {
    pub(super) names: Vec<String>,
    pub(super) out: Option<PathBuf>,
    pub(super) percent: f64,
    /// Budgets in bytes.
    pub(super) memory: Vec<u64>,
    pub(super) jobs: Option<String>,
    pub(super) list: bool,
    pub(super) write_only: bool,
    pub(super) instructions: bool,
    pub(super) program: Option<PathBuf>,
}

impl Options {
    /// `None` if help is wanted.
    pub(super) fn parse(args: &[&str]) -> Result<Option<Self>> {
        let mut o = Self {
            names: Vec::new(),
            out: None,
            percent: PERCENT,
            memory: vec![256 << 20, 1024 << 20],
            jobs: None,
            list: false,
            write_only: false,
            instructions: false,
            program: None,
        };
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--list" => o.list = true,
                "--write-only" => o.write_only = true,
                "--instructions" => o.instructions = true,
                "--out" => o.out = Some(value()?.into()),
                "--jobs" => o.jobs = Some(value()?.to_owned()),
                "--program" => o.program = Some(value()?.into()),
                "--scale" => o.percent = value()?.parse().context("--scale")?,
                "--memory" => {
                    let mib = |m: &str| m.parse::<u64>().map(|m| m << 20).context("--memory");
                    o.memory = value()?.split(',').map(mib).collect::<Result<_>>()?;
                }
                _ if arg.starts_with('-') => bail!("no such flag {arg}\n\n{HELP}"),
                _ => o.names.push(arg.to_owned()),
            }
        }
        Ok(Some(o))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read() {
        let o = Options::parse(&["wrap", "--memory", "64,128", "--scale", "0.5", "--list"]).unwrap().unwrap();
        assert_eq!((o.names, o.memory), (vec!["wrap".to_owned()], vec![64 << 20, 128 << 20]));
        assert!(o.list && !o.write_only && o.percent < 1.0);
        assert!(Options::parse(&["--nonsense"]).is_err());
        assert!(Options::parse(&["--out"]).is_err());
    }
}
