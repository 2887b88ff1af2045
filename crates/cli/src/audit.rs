//! `sekisho audit`: the page.

use crate::args::{Audit, Common, Judging, Language};
use crate::drive::{self, Outcome};
use crate::gather::Audited;
use crate::history::{StateFile, left_alone};
use crate::judge::{self, Bench};
use crate::letters::{self, Count};
use crate::{DAMAGED, eve, input};
use anyhow::{Context, Result, bail};
use sekisho_detect::{Detection, History, Verdict};
use sekisho_engine::{Pool, Stats};
use sekisho_finding::{Asset, Basis, Mutes, incidents};
use sekisho_output::eve::Settings as EveSettings;
use sekisho_record::Text;
use sekisho_report::{
    Carried, Completeness, Judged, Lang, Page, Pool as PoolFact, State, Summary, render_html, render_text, to_csv,
    to_json, to_navigator, to_stix,
};
use sekisho_types::{Addr, Day, Subnets};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Exit code for findings at or above `--fail-on`.
const ALARM: u8 = 3;

/// Width of the page where no terminal says otherwise.
const DEFAULT_WIDTH: usize = 80;

/// A form that the page is also written in.
struct Form<'a> {
    flag: &'static str,
    path: Option<&'a Path>,
    text: fn(&Page, Lang) -> String,
}

/// The exit code.
pub fn run(args: &Audit) -> Result<u8> {
    let forms = [
        Form { flag: "--json", path: args.json.as_deref(), text: |page, _| to_json(page) + "\n" },
        Form { flag: "--html", path: args.html.as_deref(), text: render_html },
        Form { flag: "--csv", path: args.csv.as_deref(), text: |page, _| to_csv(page) },
        Form { flag: "--navigator", path: args.navigator.as_deref(), text: |page, _| to_navigator(page) + "\n" },
        Form { flag: "--stix", path: args.stix.as_deref(), text: |page, _| to_stix(page) + "\n" },
    ];
    let mut on_stdout = forms.iter().filter(|f| f.path.is_some_and(|p| p.as_os_str() == "-"));
    let instead = on_stdout.next();
    if let (Some(one), Some(other)) = (instead, on_stdout.next()) {
        bail!("audit: {} - and {} - cannot both have standard output", one.flag, other.flag);
    }
    let state = args.state.as_deref().map(|path| StateFile::open(path, args.common.seed)).transpose()?;
    let more = More { flows: args.stix.is_some(), devices: args.json.is_some(), state: state.as_ref() };
    let (page, damaged, history) = judge(&args.common, &args.judging, &more)?;
    // A pipe that closes early loses the page, not what was learnt; a state that cannot be written does not lose the page.
    let saved = state.zip(history).map_or(Ok(()), |(state, history)| state.write(&history));
    let worst = page.judged.findings.iter().filter(|f| f.is_open()).map(|f| f.severity).max();
    let alarm = args.fail_on.is_some_and(|limit| worst.is_some_and(|w| w >= limit.severity()));
    for form in &forms {
        if let Some(path) = form.path {
            write(path, &(form.text)(&page, lang(args.lang)))?;
        }
    }
    if instead.is_none() {
        io::stdout().write_all(render_text(&page, page_width(), args.color.colours()).as_bytes())?;
    }
    saved?;
    Ok(match (alarm, damaged) {
        (true, _) => ALARM,
        (false, true) => DAMAGED,
        (false, false) => 0,
    })
}

/// What a page is made with, or with more of.
#[derive(Default)]
struct More<'a> {
    /// The flows that findings name.
    flows: bool,
    /// What each device does, which only the JSON has.
    devices: bool,
    /// What earlier runs knew.
    state: Option<&'a StateFile>,
}

/// The page of `common`'s captures with all that the JSON has; was any of them damaged?
pub fn page(common: &Common, judging: &Judging) -> Result<(Page, bool)> {
    judge(common, judging, &More { devices: true, ..More::default() }).map(|(page, damaged, _)| (page, damaged))
}

/// The same with more; and what is known now, if there is a state to be.
fn judge(common: &Common, judging: &Judging, more: &More<'_>) -> Result<(Page, bool, Option<History>)> {
    let file = more.state;
    let (captures, letters) = letters::open(&common.captures)?;
    let mut settings = input::settings(common)?;
    if !judging.rules.is_empty() {
        let config = judging.suricata_config.as_deref().map(eve::config).transpose()?;
        let of_config = config.as_ref().map(eve::settings).unwrap_or_default();
        eve::watch(
            &mut settings,
            EveSettings { types: Vec::new(), alone: false, inline: true, stats: None, ..of_config },
        );
        let (program, _) = eve::rules(&judging.rules, config.as_ref(), common.quiet)?;
        eve::apply(&mut settings, program);
    }
    let bench = judge::prepare(common, &judging.given, !judging.rules.is_empty(), &mut settings)?;
    let flows_len = bench.flows_len();
    let Bench { scope, memory_len: judges_len, mut mutes } = bench;
    let mut summary = Summary::within(common.seed, judges_len).with_home_nets(&common.home_net);
    if !more.devices {
        summary = summary.without_devices();
    }
    if more.flows {
        summary = summary.keeping_flows(flows_len);
    }
    let mut detection = Detection::new(&scope);
    if let Some(file) = file {
        let what = || format!("--state {}", file.path().display());
        detection.carry(file.history()).map_err(left_alone).with_context(what)?;
    }
    let mut audited = Audited { summary, detection };
    let outcome = drive::gather(common, captures, settings, &mut audited);
    let mails = letters.read(&mut |number, row| audited.detection.add(number, row));
    let history = file.map(|_| audited.detection.history());
    let mut verdict = audited.detection.finish();
    mutes.apply(&mut verdict.findings, Day::of(outcome.stats.last_ts.or(mails.last).unwrap_or_default()));
    let mut page = audited.summary.page(completeness(common, &outcome, mails));
    // What only detectors are told is no log.
    page.logs.retain(|(log, _)| sekisho_engine::told_schemas().iter().all(|s| s.log != *log));
    (page.flows, page.flows_forgotten) = audited.summary.flows(&verdict.findings);
    for host in page.hosts.rows.iter_mut().filter(|host| host.internal) {
        if let Some(name) = verdict.names.get(&host.addr) {
            host.name = Some(Text::from(name.as_bytes()));
        }
    }
    page.judged = judged(verdict, mutes, &Subnets::new(scope.home_nets.iter().copied()));
    page.home_nets = scope.home_nets;
    page.judged.carried = file.zip(history.as_ref()).map(|(file, history)| carried(file.history(), history));
    page.state = state(&outcome);
    Ok((page, outcome.damaged, history))
}

/// What earlier runs had part in, in the page's terms.
fn carried(before: &History, after: &History) -> Carried {
    let count = |history: &History| u64::try_from(history.count()).unwrap_or(u64::MAX);
    Carried {
        since: before.span().map(|span| span.0),
        until: before.span().map(|span| span.1),
        known: count(before),
        kept: count(after),
        left_out: after.left_out().saturating_sub(before.left_out()),
    }
}

/// To a file, or to standard output if `path` is `-`.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if path.as_os_str() == "-" {
        return Ok(io::stdout().write_all(text.as_bytes())?);
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The page's language.
pub fn lang(language: Language) -> Lang {
    match language {
        Language::En => Lang::En,
        Language::Ja => Lang::Ja,
    }
}

/// Flags that decide how the captures are read: uids depend on the seed and on the first packet of a flow that was read.
fn reading(common: &Common) -> Vec<String> {
    let mut reading = Vec::new();
    if common.seed != 0 {
        reading.extend(["--seed".to_owned(), common.seed.to_string()]);
    }
    if let Some(filter) = &common.filter {
        reading.extend(["--filter".to_owned(), filter.clone()]);
    }
    if common.checksums {
        reading.push("--checksums".to_owned());
    }
    reading
}

/// What the detectors say, in the page's terms.
fn judged(verdict: Verdict, mutes: Mutes, home: &Subnets) -> Judged {
    let own = verdict.spent.iter().filter(|s| s.forgotten > 0).map(|s| (s.id, s.forgotten));
    let mut forgotten: Vec<_> = verdict.forgotten.iter().copied().chain(own).collect();
    forgotten.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
    let asset = |host: Addr| {
        let at = verdict.assets.binary_search_by_key(&host, |a| a.0).ok();
        at.and_then(|at| verdict.assets.get(at)).map_or_else(Asset::default, |a| a.1)
    };
    let (incidents, more_incidents) = incidents(&Basis {
        findings: &verdict.findings,
        fetched: &verdict.fetched,
        now: verdict.last,
        asset: &asset,
        is_home: &|host| home.contains(host),
    });
    Judged {
        findings: verdict.findings,
        refused: verdict.refused,
        forgotten,
        carried: None,
        mutes,
        dnssec: verdict.dnssec,
        coverage: verdict.coverage,
        incidents,
        more_incidents,
    }
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
fn completeness(common: &Common, outcome: &Outcome, mails: Count) -> Completeness {
    let s = &outcome.stats;
    let infos = outcome.captures.infos();
    let damage = infos.iter().filter_map(|i| i.damage.as_ref().map(|d| format!("{}: {d}", i.path.display())));
    let drops = outcome.captures.interfaces().filter_map(|(_, i)| i.dropped);
    Completeness {
        inputs: common.captures.clone(),
        reading: reading(common),
        packets: s.packets,
        mails: mails.mails,
        cut_mails: mails.cut,
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
            ("contents not searched for card numbers, keys and tokens", s.search_refused),
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
        ("contents not searched for card numbers, keys and tokens because too many were open", s.search_refused),
        ("out-of-order bytes thrown away", s.flow.bytes_dropped),
        ("fragmented packets forgotten because buffers were full", s.defrag.evicted),
    ])
}
