use anyhow::{Context, Result, bail};
use std::path::PathBuf;

pub(super) const HELP: &str = "\
cargo xtask scenes [NAME…] [FLAG…]

Plays the scenes of the specification of judgements as captures with truth files, audits each, and judges: each finding that
is expected, of the right host and found in the capture up to the stated time; no other host with a finding of severity
medium or worse. Ends with `N expectations, M found, K wrongly flagged hosts`; fails below 95 % found, or if any host was wrongly flagged. What `sekisho explain` doesn't know is counted apart.

  --real             instead the scenes that real programs make in network namespaces (Nmap, OpenSSH, Samba, impacket, iodine and
                     others, installed from Debian and PyPI if they are missing; needs root): recorded, then judged the same way
  --list             the scenes of both kinds
  --merge CAPTURE    each scene again within this background, moved to its time: findings must be the same
  --out DIR          keep captures (NAME.pcap), truth (NAME.json) and what was found (NAME.found.json) there
  --write-only       only write captures and truth
  --seed N           other random numbers; default 1
  --program FILE     this binary (default: a release build)

Examples: cargo xtask scenes
          cargo xtask scenes S-16 S-17 --out /tmp/scenes
          cargo xtask scenes --merge office.pcap
          cargo xtask scenes --real R-16-ports R-31-ssh
";

/// What was asked for.
pub(super) struct Options {
    pub(super) names: Vec<String>,
    pub(super) list: bool,
    pub(super) real: bool,
    pub(super) write_only: bool,
    pub(super) merge: Option<PathBuf>,
    pub(super) out: Option<PathBuf>,
    pub(super) seed: u64,
    pub(super) program: Option<PathBuf>,
}

impl Options {
    /// `None` if help is wanted.
    pub(super) fn parse(args: &[&str]) -> Result<Option<Self>> {
        let mut o = Self {
            names: Vec::new(),
            list: false,
            real: false,
            write_only: false,
            merge: None,
            out: None,
            seed: 1,
            program: None,
        };
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--list" => o.list = true,
                "--real" => o.real = true,
                "--write-only" => o.write_only = true,
                "--merge" => o.merge = Some(value()?.into()),
                "--out" => o.out = Some(value()?.into()),
                "--seed" => o.seed = value()?.parse().context("--seed")?,
                "--program" => o.program = Some(value()?.into()),
                _ if arg.starts_with('-') => bail!("no such flag {arg}\n\n{HELP}"),
                _ => o.names.push(arg.to_owned()),
            }
        }
        if o.write_only && o.out.is_none() {
            bail!("--write-only wants --out DIR");
        }
        Ok(Some(o))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read() {
        let o = Options::parse(&["S-16", "--seed", "7", "--merge", "office.pcap"]).unwrap().unwrap();
        assert_eq!((o.names, o.seed), (vec!["S-16".to_owned()], 7));
        assert!(o.merge.is_some() && o.program.is_none());
        assert!(Options::parse(&["--real", "R-16-ports"]).unwrap().unwrap().real);
        assert!(Options::parse(&["-h"]).unwrap().is_none());
        for bad in [&["--nonsense"][..], &["--seed", "x"], &["--out"], &["--write-only"]] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
