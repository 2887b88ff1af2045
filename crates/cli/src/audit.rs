//! `sekisho audit`: the page.

use crate::args::{Audit, Common};
use crate::drive::{self, Outcome};
use crate::gather::Audited;
use crate::{DAMAGED, eve, input, intel};
use anyhow::{Context, Result};
use sekisho_detect::{Detection, Scope, Verdict};
use sekisho_engine::{Pool, Stats};
use sekisho_output::eve::Settings as EveSettings;
use sekisho_report::{Completeness, Judged, Page, Pool as PoolFact, State, Summary, render_text, to_json};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Exit code for findings at or above `--fail-on`.
const ALARM: u8 = 3;

/// Width of the page where no terminal says otherwise.
const DEFAULT_WIDTH: usize = 80;

/// What findings are made from, besides the captures.
pub struct Judging<'a> {
    /// Lists of what has a bad name.
    pub intel: &'a [PathBuf],
    /// Rules in Suricata's language.
    pub rules: &'a [PathBuf],
    /// Their configuration.
    pub suricata_config: Option<&'a PathBuf>,
}

/// The exit code.
pub fn run(args: &Audit) -> Result<u8> {
    let judging = Judging { intel: &args.intel, rules: &args.rules, suricata_config: args.suricata_config.as_ref() };
    let (page, damaged) = page(&args.common, &judging)?;
    let worst = page.judged.findings.iter().filter(|f| f.is_open()).map(|f| f.severity).max();
    let alarm = args.fail_on.is_some_and(|limit| worst.is_some_and(|w| w >= limit.severity()));
    let to_stdout = args.json.as_ref().is_some_and(|p| p.as_os_str() == "-");
    if let Some(path) = &args.json {
        let json = to_json(&page) + "\n";
        if to_stdout {
            io::stdout().write_all(json.as_bytes())?;
        } else {
            fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if !to_stdout {
        let colour = args.color.colours();
        io::stdout().write_all(render_text(&page, page_width(), colour).as_bytes())?;
    }
    Ok(match (alarm, damaged) {
        (true, _) => ALARM,
        (false, true) => DAMAGED,
        (false, false) => 0,
    })
}

/// The page of `common`'s captures; was any of them damaged?
pub fn page(common: &Common, judging: &Judging<'_>) -> Result<(Page, bool)> {
    let captures = input::open(common)?;
    let mut settings = input::settings(common)?;
    settings.files.hashes.sha256 = true;
    settings.judged = true;
    if !judging.rules.is_empty() {
        let config = judging.suricata_config.map(|path| eve::config(path)).transpose()?;
        let of_config = config.as_ref().map(eve::settings).unwrap_or_default();
        eve::watch(
            &mut settings,
            EveSettings { types: Vec::new(), alone: false, inline: true, stats: None, ..of_config },
        );
        let (program, _) = eve::rules(judging.rules, config.as_ref(), common.quiet)?;
        eve::apply(&mut settings, program);
    }
    let intel = intel::read(judging.intel, common.quiet)?;
    settings.files.hashes.md5 |= intel.has_hashes(32);
    settings.files.hashes.sha1 |= intel.has_hashes(40);
    let (budget, judges_len) = settings.budget.with_judges();
    settings.budget = budget;
    let scope =
        Scope { intel: Arc::new(intel), memory_len: Some(judges_len), ..Scope::new(&common.home_net, common.seed) };
    let summary = Summary::new(common.seed).with_home_nets(&common.home_net);
    let mut audited = Audited { summary, detection: Detection::new(&scope) };
    let outcome = drive::gather(common, captures, settings, &mut audited);
    let verdict = audited.detection.finish();
    let mut page = audited.summary.page(completeness(common, &outcome));
    // What only detectors are told is no log.
    page.logs.retain(|(log, _)| sekisho_engine::told_schemas().iter().all(|s| s.log != *log));
    page.judged = judged(verdict);
    page.state = state(&outcome);
    Ok((page, outcome.damaged))
}

/// What the detectors say, in the page's terms.
fn judged(verdict: Verdict) -> Judged {
    let forgotten: u64 = verdict.spent.iter().map(|s| s.forgotten).sum::<u64>() + verdict.forgotten;
    Judged { findings: verdict.findings, refused: verdict.refused, forgotten }
}

/// Columns of a page on standard output.
pub fn page_width() -> usize {
    if io::stdout().is_terminal() { terminal_width() } else { DEFAULT_WIDTH }
}

fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))).unwrap_or(DEFAULT_WIDTH)
}

/// What could not be seen, in the page's terms.
fn completeness(common: &Common, outcome: &Outcome) -> Completeness {
    let s = &outcome.stats;
    let infos = outcome.captures.infos();
    let damage = infos.iter().filter_map(|i| i.damage.as_ref().map(|d| format!("{}: {d}", i.path.display())));
    let drops = outcome.captures.interfaces().filter_map(|(_, i)| i.dropped);
    Completeness {
        inputs: common.captures.clone(),
        packets: s.packets,
        bytes: s.captured_bytes,
        wire_bytes: s.bytes,
        first: s.first_ts,
        last: s.last_ts,
        damage: damage.collect(),
        cut_packets: s.truncated,
        gap_bytes: s.flow.gap_bytes,
        one_sided_flows: s.one_sided_flows,
        undecoded: undecoded(s),
        limits: limits(s),
        capture_drops: drops.fold(None, |sum, d| Some(sum.unwrap_or(0) + d)),
    }
}

fn named(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().filter(|(_, n)| *n > 0).map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

fn undecoded(s: &Stats) -> Vec<(String, u64)> {
    named(&[
        ("link type or ethertype not decoded", s.unknown_link),
        ("malformed headers", s.malformed),
        ("wrong checksum", s.bad_checksums),
    ])
}

/// What the run used and gave up.
fn state(outcome: &Outcome) -> State {
    let s = &outcome.stats;
    let pools = Pool::ALL.iter().zip(outcome.pools);
    State {
        memory: outcome.memory_len,
        pools: pools.map(|(p, s)| PoolFact { name: p.name(), peak: s.peak_len, cap: s.cap_len }).collect(),
        given_up: named(&[
            ("flows ended early to make room; their rows are written", s.flow.flows_evicted),
            ("holes in streams given up before they might have been filled", s.flow.holes_forced),
            ("out-of-order bytes thrown away", s.flow.bytes_dropped),
            ("fragmented packets forgotten to make room", s.defrag.evicted),
            ("compressed contents not decoded to their end", s.decoding_refused),
            ("files not followed", s.files.refused),
            ("parts of files not hashed", s.files.held_refused),
            ("announced flows forgotten", s.expectations_dropped),
            ("facts forgotten that are logged once", s.facts_forgotten),
        ]),
    }
}

fn limits(s: &Stats) -> Vec<(String, u64)> {
    named(&[
        ("flows evicted because the table was full", s.flow.flows_evicted),
        ("holes in streams given up because buffers were full", s.flow.holes_forced),
        ("tunnels nested too deeply", s.tunnels_too_deep),
        ("files not followed because too many were open", s.files.refused),
        ("announced flows forgotten", s.expectations_dropped),
        ("facts forgotten that are logged once", s.facts_forgotten),
        ("file parts refused", s.files.spans_refused),
        ("compressed contents not decoded to their end", s.decoding_refused),
        ("out-of-order bytes thrown away", s.flow.bytes_dropped),
        ("fragmented packets forgotten because buffers were full", s.defrag.evicted),
    ])
}
