use anyhow::{Context, Result, bail};
use std::path::PathBuf;

pub(super) const HELP: &str = "\
cargo xtask keys [CASE…]

  Records what nginx, Caddy, aiosmtpd, Dovecot and Mosquitto say to curl, openssl, Python and aioquic, in clear and in
  TLS 1.2, TLS 1.3, HTTP/2 and HTTP/3, and compares what the binary reads of each: rows and files must be those of
  the exchange in clear, and none without the session's keys. Needs root (network namespaces), installs the Debian
  packages and PyPI's aioquic, aiosmtpd and paho-mqtt (in target/) that are missing; sends nothing outside.

  CASE            only this one and what it is compared with; all cases \"like\" one, by that one's name
  --keep DIR      keep captures (CASE.pcap) and their secrets (CASE.keys) there
  --sekisho PATH  instead of target/release/sekisho
  --example       record examples/keys.pcapng anew, the example with its secrets inside
";

/// What was asked for.
#[derive(Default)]
pub(super) struct Options {
    pub(super) names: Vec<String>,
    pub(super) keep: Option<PathBuf>,
    pub(super) sekisho: Option<PathBuf>,
    pub(super) example: bool,
}

impl Options {
    /// `None` if help is wanted.
    pub(super) fn parse(args: &[&str]) -> Result<Option<Self>> {
        let mut o = Self::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--keep" => o.keep = Some(value()?.into()),
                "--sekisho" => o.sekisho = Some(value()?.into()),
                "--example" => o.example = true,
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
        let o = Options::parse(&["clear", "--keep", "a", "h2-tls13"]).unwrap().unwrap();
        assert_eq!((o.names.len(), o.keep), (2, Some("a".into())));
        assert!(o.sekisho.is_none() && !o.example);
        assert!(Options::parse(&["--help"]).unwrap().is_none());
        assert!(Options::parse(&["--keep"]).is_err() && Options::parse(&["--nonsense"]).is_err());
    }
}
