//! The laboratory: what it needs, and the recording in it.

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

/// Keeps Debian's packages from starting their servers on this machine.
const NO_SERVICES: &str = "/usr/sbin/policy-rc.d";

/// Fresh namespaces: what is started there ends with its first process, and no network is left behind.
const NAMESPACES: &[&str] =
    &["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--net", "--uts", "--ipc", "--"];

/// Why nothing can be recorded here, in one line; installs what is missing if it may.
pub(super) fn missing() -> Result<Option<String>> {
    if shell::output("id", &["-u"])?.trim() != "0" {
        return Ok(Some("needs root, for network namespaces: sudo cargo xtask keys".to_owned()));
    }
    if !works(Command::new("unshare").args(NAMESPACES).arg("true")) {
        return Ok(Some("unshare(1) gets no network namespaces here (a container without CAP_SYS_ADMIN?)".to_owned()));
    }
    let absent = || PROGRAMS.iter().filter(|p| !is_there(p.0)).map(|p| p.1).collect::<Vec<_>>();
    if !absent().is_empty() {
        install(&absent());
    }
    if !absent().is_empty() {
        return Ok(Some(format!("apt-get install {}", absent().join(" "))));
    }
    Ok(python().is_none().then(|| format!("needs python3 with venv, and {} from PyPI", PYTHON.join(", "))))
}

/// Records the cases into `folder`.
pub(super) fn record(folder: &Path, names: &[String]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let Some(python) = python() else { bail!("keys: no python3 with {}", PYTHON.join(", ")) };
    let script = shell::root().join("xtask/src/keys/lab.py");
    let mut command = Command::new("unshare");
    command.args(NAMESPACES).arg(python).arg("-B").arg(script).arg(folder).args(names);
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

fn install(packages: &[&str]) {
    let guard = Path::new(NO_SERVICES);
    let ours = !guard.exists() && fs::write(guard, "#!/bin/sh\nexit 101\n").is_ok();
    if ours {
        works(Command::new("chmod").args(["755", NO_SERVICES]));
    }
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        works(command.arg("-qq").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
    };
    apt(&["update"]);
    let names = packages.iter().flat_map(|p| p.split(' '));
    apt(&["install", "-y", "--no-install-recommends"].into_iter().chain(names).collect::<Vec<_>>());
    if ours {
        let _ = fs::remove_file(guard);
    }
}

fn is_there(program: &str) -> bool {
    works(Command::new("sh").args(["-c", "command -v \"$0\"", program]).env("PATH", path()))
}

/// Servers lie where ordinary users don't look.
fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|o| o.status.success())
}
