//! What the program says of a capture.

use anyhow::{Context, Result, bail};
use sekisho_testkit::{Addr, Timestamp};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A finding of the page, as far as it is judged.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) code: String,
    pub(super) severity: String,
    pub(super) subject: String,
    pub(super) first: String,
    pub(super) measures: Vec<Measure>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Measure {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: serde_json::Value,
}

/// A story of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Incident {
    pub(super) hosts: Vec<String>,
    pub(super) risk: u64,
    /// Places in the list of findings, by time.
    pub(super) steps: Vec<usize>,
}

/// What was read.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Capture {
    first: Option<String>,
}

impl Capture {
    /// Time of the first packet.
    pub(super) fn first(&self) -> Option<Timestamp> {
        timestamp(self.first.as_ref()?)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) capture: Capture,
    pub(super) findings: Vec<Finding>,
    pub(super) incidents: Vec<Incident>,
}

impl Finding {
    pub(super) fn host(&self) -> Option<Addr> {
        self.subject.parse::<std::net::IpAddr>().ok().map(Addr::from)
    }

    /// Has somebody to look at it?
    pub(super) fn alarms(&self) -> bool {
        matches!(self.severity.as_str(), "medium" | "high" | "critical")
    }

    /// Packet time of the first sign; the page writes RFC 3339 with nanoseconds.
    pub(super) fn first(&self) -> Result<Timestamp> {
        timestamp(&self.first).with_context(|| format!("no time: {}", self.first))
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = day.split('-').map(str::parse::<i64>);
    let (y, m, d) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (time, nanos) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':').map(str::parse::<i64>);
    let secs = parts.next()?.ok()? * 3_600 + parts.next()?.ok()? * 60 + parts.next()?.ok()?;
    // Days since 1970 by Hinnant's days_from_civil.
    let y = if m <= 2 { y - 1 } else { y };
    let (era, of_year) = (y.div_euclid(400), (153 * ((m + 9) % 12) + 2) / 5 + d - 1);
    let of_era = y.rem_euclid(400) * 365 + y.rem_euclid(400) / 4 - y.rem_euclid(400) / 100 + of_year;
    let days = era * 146_097 + of_era - 719_468;
    let nanos = format!("{nanos:0<9}").parse::<i64>().ok()?;
    Some(Timestamp((days * 86_400 + secs) * 1_000_000_000 + nanos))
}

/// The program under test.
pub(super) struct Program {
    path: PathBuf,
    /// Reasons that it knows: `c2-beacon/regular`; judgements without reasons by their id.
    known: BTreeSet<String>,
}

impl Program {
    /// Asks it what it can say.
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        let explain = |id: Option<&str>| -> Result<String> {
            let mut command = Command::new(&path);
            let out = command.arg("explain").args(id).output().with_context(|| path.display().to_string())?;
            Ok(String::from_utf8_lossy(&out.stdout).into_owned())
        };
        let mut known = BTreeSet::new();
        for line in explain(None)?.lines() {
            let Some(id) = line.split_whitespace().next().filter(|w| w.contains('-')) else { continue };
            let text = explain(Some(id))?;
            let reasons = text.split('`').filter(|w| w.strip_prefix(id).is_some_and(|r| r.starts_with('/')));
            known.extend(reasons.map(str::to_owned));
            known.insert(id.to_owned());
        }
        Ok(Self { path, known })
    }

    /// Can it say this? A form behind the reason is not looked at.
    pub(super) fn knows(&self, code: &str) -> bool {
        let mut parts = code.split('/');
        let id = parts.next().unwrap_or_default();
        self.known.contains(&parts.next().map_or_else(|| id.to_owned(), |reason| format!("{id}/{reason}")))
    }

    /// Has it this judgement?
    pub(super) fn knows_any(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    /// Audits captures, with further flags.
    pub(super) fn audit(&self, captures: &[&Path], flags: &[String]) -> Result<(Page, Vec<u8>)> {
        let out = Command::new(&self.path)
            .args(["audit", "-q", "--json", "-"])
            .args(flags)
            .args(captures)
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.path.display().to_string())?;
        if !out.status.success() || out.stdout.is_empty() {
            bail!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim());
        }
        Ok((serde_json::from_slice(&out.stdout)?, out.stdout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(timestamp("1970-01-01T00:00:00.000000000Z"), Some(Timestamp(0)));
        assert_eq!(timestamp("2026-03-02T00:00:01.5Z"), Some(Timestamp(1_772_409_601_500_000_000)));
        assert_eq!(timestamp("2024-02-29T23:59:59Z"), Some(Timestamp(1_709_251_199_000_000_000)));
        assert_eq!(timestamp("yesterday"), None);
    }
}
