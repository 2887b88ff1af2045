//! The laboratory: what it needs, and the recording in it.

use crate::namespaces::{self, works};
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Programs, with the Debian packages that have them.
const PROGRAMS: &[(&str, &str)] = &[
    ("caddy", "caddy"),
    ("curl", "curl"),
    ("dovecot", "dovecot-imapd dovecot-pop3d"),
    ("ethtool", "ethtool"),
    ("ip", "iproute2"),
    ("mosquitto", "mosquitto"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("tcpdump", "tcpdump"),
];

/// Clients and servers from PyPI. Named by version, so that a new one fails nobody by surprise.
const PYTHON: &[&str] = &["aioquic==1.7.2", "aiosmtpd==1.4.6", "paho-mqtt==2.2.0"];

/// Why nothing can be recorded here, in one line; installs what is missing if it may.
pub(super) fn missing() -> Result<Option<String>> {
    if let Some(why) = namespaces::missing(PROGRAMS)? {
        return Ok(Some(why));
    }
    Ok(python().is_none().then(|| format!("needs python3 with venv, and {} from PyPI", PYTHON.join(", "))))
}

/// Records the cases into `folder`.
pub(super) fn record(folder: &Path, names: &[String]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let Some(python) = python() else { bail!("keys: no python3 with {}", PYTHON.join(", ")) };
    let script = shell::root().join("xtask/src/keys/lab.py");
    let mut command = namespaces::command();
    command.arg(python).arg("-B").arg(script).arg(folder).args(names);
    let status = command.stdin(Stdio::null()).status().context("unshare")?;
    if !status.success() {
        bail!("keys: the recording failed");
    }
    Ok(())
}

/// A Python with what is needed from PyPI; makes one below `target`. `None` if that is not to be had.
fn python() -> Option<PathBuf> {
    let home = shell::root().join("target/keys-clients");
    let python = home.join("bin/python");
    let complete = || works(Command::new(&python).args(["-c", "import aioquic, aiosmtpd, paho.mqtt"]));
    if complete() {
        return Some(python);
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"];
    let made = works(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
        && works(Command::new(&python).args(pip).args(PYTHON))
        && complete();
    made.then_some(python)
}
