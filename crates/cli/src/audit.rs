//! `sekisho audit`: the page.

use crate::args::Audit;
use crate::drive::{self, Outcome};
use crate::gather::Audited;
use crate::{DAMAGED, eve, input, intel};
use anyhow::{Context, Result};
use sekisho_detect::{Detection, Scope, Verdict};
use sekisho_engine::{Pool, Stats};
use sekisho_output::eve::Settings as EveSettings;
use sekisho_report::{Completeness, Judged, Pool as PoolFact, State, Summary, render_text, to_json};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

/// Exit code for findings at or above `--fail-on`.
const ALARM: u8 = 3;

/// Width of the page where no terminal says otherwise.
const DEFAULT_WIDTH: usize = 80;

/// The exit code.
pub fn run(args: &Audit) -> Result<u8> {
    let captures = input::open(&args.common)?;
    let mut settings = input::settings(&args.common)?;
    settings.files.hashes.sha256 = true;
    settings.judged = true;
    if !args.rules.is_empty() {
        let config = args.suricata_config.as_ref().map(|path| eve::config(path)).transpose()?;
        let of_config = config.as_ref().map(eve::settings).unwrap_or_default();
        eve::watch(
            &mut settings,
            EveSettings { types: Vec::new(), alone: false, inline: true, stats: None, ..of_config },
        );
        let (program, _) = eve::rules(&args.rules, config.as_ref(), args.common.quiet)?;
        eve::apply(&mut settings, program);
    }
    let intel = intel::read(&args.intel, args.common.quiet)?;
    settings.files.hashes.md5 |= intel.has_hashes(32);
    settings.files.hashes.sha1 |= intel.has_hashes(40);
    let (budget, judges_len) = settings.budget.with_judges();
    settings.budget = budget;
    let scope = Scope {
        intel: Arc::new(intel),
        memory_len: Some(judges_len),
        ..Scope::new(&args.common.home_net, args.common.seed)
    };
    let mut audited = Audited { summary: Summary::new(args.common.seed), detection: Detection::new(&scope) };
    let outcome = drive::gather(&args.common, captures, settings, &mut audited);
    let verdict = audited.detection.finish();
    let mut page = audited.summary.page(completeness(args, &outcome));
    // What only detectors are told is no log.
    page.logs.retain(|(log, _)| sekisho_engine::told_schemas().iter().all(|s| s.log != *log));
    let worst = verdict.findings.iter().filter(|f| f.is_open()).map(|f| f.severity).max();
    let alarm = args.fail_on.is_some_and(|limit| worst.is_some_and(|w| w >= limit.severity()));
    page.judged = judged(verdict);
    page.state = state(&outcome);
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
        let terminal = io::stdout().is_terminal();
        let width = if terminal { terminal_width() } else { DEFAULT_WIDTH };
        let colour = args.color.colours();
        io::stdout().write_all(render_text(&page, width, colour).as_bytes())?;
    }
    Ok(match (alarm, outcome.damaged) {
        (true, _) => ALARM,
        (false, true) => DAMAGED,
        (false, false) => 0,
    })
}

/// What the detectors say, in the page's terms.
fn judged(verdict: Verdict) -> Judged {
    let forgotten: u64 = verdict.spent.iter().map(|s| s.forgotten).sum::<u64>() + verdict.forgotten;
    Judged { findings: verdict.findings, refused: verdict.refused, forgotten }
}

fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))).unwrap_or(DEFAULT_WIDTH)
}

/// What could not be seen, in the page's terms.
fn completeness(args: &Audit, outcome: &Outcome) -> Completeness {
    let s = &outcome.stats;
    let infos = outcome.captures.infos();
    let damage = infos.iter().filter_map(|i| i.damage.as_ref().map(|d| format!("{}: {d}", i.path.display())));
    let drops = outcome.captures.interfaces().filter_map(|(_, i)| i.dropped);
    Completeness {
        inputs: args.common.captures.clone(),
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
