//! One run of one target.

use crate::shell;
use anyhow::{Context, Result};
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wait4::Wait4;

/// Longest input.
const MAX_LEN: usize = 65_536;

/// An input may take so much CPU time...
const MAX_SECS: f64 = 1.0;

/// ...and is stopped after so long by the clock: a loaded machine is no fault of the program.
const TIMEOUT_SECS: u32 = 20;

/// Memory that a target may take, libFuzzer's own (some 40 MiB and the corpus) included.
const MAX_RSS_MIB: u32 = 512;

/// Lines of its output that are shown if it fails.
const SHOWN_LINES: usize = 60;

/// How often it is asked whether to stop.
const TICK: Duration = Duration::from_millis(200);

/// What a run came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// CPU seconds.
    pub(super) secs: f64,
    pub(super) executions: u64,
    /// Edges of the program and features by libFuzzer's count, at the end.
    pub(super) edges: u64,
    pub(super) features: u64,
    /// What went wrong, with the artifact's path.
    pub(super) failure: Option<String>,
}

/// A target's program and its folders.
pub(super) struct Program {
    path: PathBuf,
    seeds: PathBuf,
    corpus: PathBuf,
    artifacts: PathBuf,
}

impl Program {
    pub(super) fn of(programs: &Path, seeds: &Path, target: &str) -> Result<Self> {
        let own = seeds.join(target);
        let this = Self {
            path: programs.join(target),
            seeds: if own.is_dir() { own } else { seeds.join("captures") },
            corpus: shell::root().join("fuzz/corpus").join(target),
            artifacts: shell::root().join("fuzz/artifacts").join(target),
        };
        fs::create_dir_all(&this.corpus)?;
        fs::create_dir_all(&this.artifacts)?;
        Ok(this)
    }

    /// Runs it for `secs` seconds, or until `stop`.
    pub(super) fn run(&self, secs: u64, stop: &AtomicBool) -> Result<Outcome> {
        let before = self.slow_units()?;
        let mut child = Command::new(&self.path)
            .args([&self.corpus, &self.seeds])
            .arg(format!("-max_total_time={secs}"))
            .arg(format!("-max_len={MAX_LEN}"))
            .arg(format!("-timeout={TIMEOUT_SECS}"))
            .arg(format!("-report_slow_units={}", MAX_SECS.ceil()))
            .arg(format!("-rss_limit_mb={MAX_RSS_MIB}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", self.artifacts.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| self.path.display().to_string())?;
        let mut said = Said::default();
        let stopped = said.listen(&mut child, stop)?;
        let used = child.wait4()?;
        let mut outcome = said.outcome;
        outcome.secs = (used.rusage.utime + used.rusage.stime).as_secs_f64();
        if !used.status.success() && !stopped {
            let lines: Vec<String> = said.last.into();
            outcome.failure = Some(format!("{}\n{}: {}", lines.join("\n"), self.path.display(), used.status));
        }
        for path in self.slow_units()?.difference(&before) {
            if let Some(slow) = self.confirm_slow(path)? {
                outcome.failure.get_or_insert_default().push_str(&slow);
            }
        }
        Ok(outcome)
    }

    fn slow_units(&self) -> Result<BTreeSet<PathBuf>> {
        let paths: Result<Vec<PathBuf>, _> = fs::read_dir(&self.artifacts)?.map(|e| e.map(|e| e.path())).collect();
        let is_slow = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("slow-unit-"));
        Ok(paths?.into_iter().filter(is_slow).collect())
    }

    /// What was slow by the clock may only have waited: by CPU time it counts, else it goes.
    fn confirm_slow(&self, path: &Path) -> Result<Option<String>> {
        let mut child = Command::new(&self.path).arg(path).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let used = child.wait4()?;
        let secs = (used.rusage.utime + used.rusage.stime).as_secs_f64();
        if secs > MAX_SECS {
            return Ok(Some(format!("{}: {secs:.1} s of CPU time", path.display())));
        }
        fs::remove_file(path)?;
        Ok(None)
    }
}

/// What libFuzzer printed.
#[derive(Default)]
struct Said {
    outcome: Outcome,
    last: VecDeque<String>,
}

impl Said {
    /// Reads until the program ends; on `stop` it is asked to. Was it?
    fn listen(&mut self, child: &mut Child, stop: &AtomicBool) -> Result<bool> {
        let pipe = child.stderr.take().context("a pipe")?;
        let pid = child.id().to_string();
        let (send, lines) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if send.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let mut asked = false;
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => self.line(line),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if stop.load(Ordering::Relaxed) && !asked {
                asked = true;
                let _ = Command::new("kill").args(["-INT", &pid]).status();
            }
        }
        let _ = reader.join();
        Ok(asked || stop.load(Ordering::Relaxed))
    }

    fn line(&mut self, line: String) {
        let number = |text: &str| text.split_whitespace().next().and_then(|n| n.parse().ok());
        let after = |key: &str| line.split_once(key).and_then(|(_, rest)| number(rest));
        let out = &mut self.outcome;
        if let Some(n) = line.strip_prefix('#').and_then(number) {
            // Until the final figure comes, which a crash may prevent.
            out.executions = out.executions.max(n);
            out.edges = after(" cov: ").unwrap_or(out.edges);
            out.features = after(" ft: ").unwrap_or(out.features);
        } else if let Some(n) = after("stat::number_of_executed_units:") {
            out.executions = n;
        }
        if self.last.len() == SHOWN_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libfuzzer_says() {
        let mut said = Said::default();
        for line in [
            "INFO: Seed: 846802603",
            "#19\tINITED cov: 418 ft: 631 corp: 17/1365b exec/s: 0 rss: 31Mb",
            "#1048576\tpulse  cov: 500 ft: 901 corp: 99/9999b lim: 165 exec/s: 9 rss: 31Mb",
            "stat::number_of_executed_units: 1142532",
        ] {
            said.line(line.to_owned());
        }
        let Outcome { executions, edges, features, .. } = said.outcome;
        assert_eq!((executions, edges, features), (1_142_532, 500, 901));
        (0..100).for_each(|n| said.line(n.to_string()));
        assert_eq!(said.last.len(), SHOWN_LINES);
    }
}
