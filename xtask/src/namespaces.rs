//! Laboratories in namespaces of their own: what they need, and how it gets there.

use crate::shell;
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Keeps Debian's packages from starting their servers on this machine.
const NO_SERVICES: &str = "/usr/sbin/policy-rc.d";

/// Fresh namespaces: what is started there ends with its first process, and no network is left behind.
const NAMESPACES: &[&str] =
    &["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--net", "--uts", "--ipc", "--"];

/// `unshare` with the program still to be named.
pub(crate) fn command() -> Command {
    let mut command = Command::new("unshare");
    command.args(NAMESPACES);
    command
}

/// Why a laboratory with these programs (and Debian's packages of them) can't be here, in one line; installs what is
/// missing if it may.
pub(crate) fn missing(programs: &[(&str, &str)]) -> Result<Option<String>> {
    if shell::output("id", &["-u"])?.trim() != "0" {
        return Ok(Some("needs root, for network namespaces: sudo cargo xtask …".to_owned()));
    }
    if !works(command().arg("true")) {
        return Ok(Some("unshare(1) gets no network namespaces here (a container without CAP_SYS_ADMIN?)".to_owned()));
    }
    let absent = || programs.iter().filter(|p| !is_there(p.0)).map(|p| p.1).collect::<Vec<_>>();
    if !absent().is_empty() {
        install(&absent());
    }
    Ok((!absent().is_empty()).then(|| format!("apt-get install {}", absent().join(" "))))
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

/// Does it run and end well?
pub(crate) fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|o| o.status.success())
}
