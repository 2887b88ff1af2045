//! Runs of the binary, with what they used.

use super::rows::Rows;
use anyhow::{Result, bail};
use serde::Deserialize;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use wait4::Wait4;

/// Longest time a run may take; ten million flows take some seconds.
const MAX_TIME: Duration = Duration::from_secs(900);

/// What a run used.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) cpu_secs: f64,
    pub(super) max_rss: u64,
}

/// What is read of the audit page. The rest must not be kept: a program inherits the peak of the memory of the one that
/// starts it, so what this one takes would be counted there.
#[derive(Deserialize)]
struct Page {
    totals: Totals,
}

#[derive(Deserialize)]
struct Totals {
    packets: u64,
}

pub(super) struct Program {
    path: PathBuf,
    /// For `--jobs`.
    jobs: Option<String>,
}

impl Program {
    pub(super) fn new(path: PathBuf, jobs: Option<String>) -> Self {
        Self { path, jobs }
    }

    /// `logs` of `capture`, its rows picked over. Each of `says` is looked for.
    pub(super) fn logs(&self, capture: &Path, memory: Option<u64>, says: &[Vec<String>]) -> Result<(Used, Rows)> {
        let mut command = self.command("logs", memory);
        command.args(["--format", "ndjson", "--hash", "sha256", "-o", "-"]).arg(capture);
        run(command, |out| Rows::read(out, says))
    }

    /// `audit` of `capture`, with the number of packets that it tells.
    pub(super) fn audit(&self, capture: &Path, memory: Option<u64>) -> Result<(Used, u64)> {
        let mut command = self.command("audit", memory);
        command.args(["--json", "-"]).arg(capture);
        run(command, |out| {
            let page: Page = serde_json::from_reader(io::BufReader::new(out))?;
            Ok(page.totals.packets)
        })
    }

    /// The command for `logs` that writes nothing anywhere.
    pub(super) fn logs_command(&self, capture: &Path) -> Vec<String> {
        let words = ["logs", "-q", "--memory", "256M", "--format", "ndjson", "-o", "-"].map(String::from);
        let path = |p: &Path| p.to_string_lossy().into_owned();
        let jobs = self.jobs.iter().flat_map(|n| ["--jobs".to_owned(), n.clone()]).collect();
        [vec![path(&self.path)], words.to_vec(), jobs, vec![path(capture)]].concat()
    }

    fn command(&self, verb: &str, memory: Option<u64>) -> Command {
        let mut command = Command::new(&self.path);
        command.args([verb, "-q"]);
        if let Some(jobs) = &self.jobs {
            command.args(["--jobs", jobs]);
        }
        if let Some(bytes) = memory {
            command.arg("--memory").arg(format!("{}M", bytes >> 20));
        }
        command
    }
}

/// Runs `command`; `read` takes what it prints. An end by anything but exit code 0 is an error.
fn run<T>(mut command: Command, read: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<(Used, T)> {
    let mut child: Child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (done, alarm) = watch(&child);
    let Some(mut out) = child.stdout.take() else { bail!("no output") };
    let result = read(&mut out);
    // A reader that stopped early must not leave the program waiting.
    io::copy(&mut out, &mut io::sink())?;
    let mut complaint = String::new();
    if let Some(err) = child.stderr.take() {
        err.take(4096).read_to_string(&mut complaint)?;
    }
    let used = child.wait4()?;
    let _ = done.send(());
    if alarm.join().unwrap_or(true) {
        bail!("{command:?} was still running after {} s", MAX_TIME.as_secs());
    }
    if !used.status.success() {
        bail!("{command:?}: {}: {complaint}", used.status);
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok((Used { cpu_secs: cpu.as_secs_f64(), max_rss: used.rusage.maxrss }, result?))
}

/// Ends `child` when its time is over; the thread tells whether it had to.
fn watch(child: &Child) -> (mpsc::Sender<()>, std::thread::JoinHandle<bool>) {
    let pid = child.id().to_string();
    let (done, wait) = mpsc::channel::<()>();
    let alarm = std::thread::spawn(move || {
        let late = wait.recv_timeout(MAX_TIME) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = Command::new("kill").args(["-9", &pid]).status();
        }
        late
    });
    (done, alarm)
}
