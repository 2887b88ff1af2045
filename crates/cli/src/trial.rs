//! `sekisho rules test` and `profile`: rules at work on captures.

use crate::args::{RulesProfile, RulesRun, RulesTest, Shape, When};
use crate::gather::{Gather, Packer, Pile};
use crate::{drive, eve, input, rules};
use anyhow::Result;
use sekisho_output::eve::Settings as EveSettings;
use sekisho_record::Record;
use sekisho_rules::{Cost, Excerpt, Loaded, MATCH_COUNT_MAX, Program, Reach, Tally, Traced, explain_reach};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

/// Exit code if a rule asked for did not match.
const UNMATCHED: u8 = 1;

/// Exit code if it did not, and a capture was damaged.
const UNMATCHED_DAMAGED: u8 = 3;

/// Where rows go that nobody reads.
#[derive(Default)]
struct Nowhere;

impl Gather for Nowhere {
    type Packer = Self;

    fn packer(&self) -> Self {
        Self
    }

    fn row(&mut self, _: u64, _record: &dyn Record) {}

    fn unpack(&mut self, _pile: &Self, _index: usize) {}

    fn part_done(&mut self) -> bool {
        true
    }
}

impl Packer for Nowhere {
    type Pile = Self;

    fn pack(&mut self, _: u64, _record: &dyn Record, _pile: &mut Self) {}
}

impl Pile for Nowhere {
    fn held_len(&self) -> usize {
        0
    }

    fn clear(&mut self) {}
}

/// What a run came to.
struct Run {
    loaded: Loaded,
    program: Arc<Program>,
    tally: Tally,
    damaged: bool,
}

/// Runs the rules over the captures.
fn run(args: &RulesRun, trace: bool) -> Result<Run> {
    let captures = input::open(&args.common)?;
    let mut settings = input::settings(&args.common)?;
    let config = rules::given(args.suricata_config.as_ref())?;
    let (loaded, program) = rules::compiled(&args.rules, &config)?;
    let program = Arc::new(program);
    let given = args.suricata_config.is_some();
    let of_config = if given { eve::settings(&config) } else { EveSettings::default() };
    eve::watch(&mut settings, EveSettings { types: Vec::new(), alone: true, stats: None, ..of_config });
    eve::apply(&mut settings, Arc::clone(&program));
    settings.trace_rules = trace;
    let outcome = drive::gather(&args.common, captures, settings, &mut Nowhere);
    Ok(Run { loaded, program, tally: outcome.tally, damaged: outcome.damaged })
}

/// `sekisho rules test`.
pub fn test(args: &RulesTest) -> Result<u8> {
    let run = run(&args.run, true)?;
    let refused: BTreeSet<u32> = run.program.refused().iter().map(|refused| refused.rule).collect();
    let wanted = |sid: u32| args.sid.is_empty() || args.sid.contains(&sid);
    let all = (0u32..).zip(&run.program.set().rules);
    let asked: Vec<u32> = all.filter(|(n, rule)| wanted(rule.sid) && !refused.contains(n)).map(|(n, _)| n).collect();
    let known = |sid: u32| asked.iter().any(|&n| run.program.rule(n).is_some_and(|rule| rule.sid == sid));
    let missing: BTreeSet<u32> = args.sid.iter().copied().filter(|&sid| !known(sid)).collect();
    let unusable = args.sid.is_empty() && run.loaded.report.refused_count > 0;
    let text = match args.run.format {
        Shape::Text => page(&run, &asked, &missing, marks(args.color)),
        Shape::Json => list(&run, &asked, &missing),
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    let unmatched = asked.iter().any(|&n| cost(&run, n).matches == 0);
    Ok(match unmatched || unusable || !missing.is_empty() {
        true if run.damaged => UNMATCHED_DAMAGED,
        true => UNMATCHED,
        false => 0,
    })
}

/// What shows the bytes that matched: colour on a terminal, else marks.
fn marks(color: When) -> (&'static str, &'static str) {
    if color.colours() { ("\x1b[1;31m", "\x1b[0m") } else { ("«", "»") }
}

fn cost(run: &Run, number: u32) -> Cost {
    run.tally.costs.get(number as usize).copied().unwrap_or_default()
}

fn traced(run: &Run, number: u32) -> Traced {
    run.tally.traces.get(number as usize).cloned().unwrap_or_default()
}

/// A text of a rule's, without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn title(run: &Run, number: u32) -> (u32, String) {
    let Some(rule) = run.program.rule(number) else { return (0, String::new()) };
    (rule.sid, plain(if rule.msg().is_empty() { "(no message)" } else { rule.msg() }))
}

/// Why a rule that was asked for is not there.
fn why_missing(run: &Run, sid: u32) -> String {
    let remark = run.loaded.report.remarks.iter().find(|remark| remark.sid == Some(sid));
    remark
        .map_or_else(|| "there is no such rule".into(), |r| format!("cannot be used: {} ({})", plain(&r.text), r.code))
}

fn packets(numbers: &[u64]) -> String {
    let names: Vec<String> = numbers.iter().map(|n| if *n == 0 { "-".to_owned() } else { n.to_string() }).collect();
    names.join(", ")
}

/// What an excerpt is of.
fn buffer(excerpt: &Excerpt) -> &'static str {
    excerpt.fact.map_or("payload", |fact| fact.info().keyword)
}

/// `marks` stand around the bytes that matched.
fn page(run: &Run, asked: &[u32], missing: &BTreeSet<u32>, (open, close): (&str, &str)) -> String {
    let mut text = String::new();
    let mut matched_count = 0;
    for &number in asked {
        let (sid, title) = title(run, number);
        let (cost, traced) = (cost(run, number), traced(run, number));
        if cost.matches > 0 {
            matched_count += 1;
            let more = if traced.matches.len() >= MATCH_COUNT_MAX { ", ..." } else { "" };
            let times = if cost.matches == 1 { "once".to_owned() } else { format!("{} times", cost.matches) };
            let _ = writeln!(text, "{sid} {title}: matched {times}, packet {}{more}", packets(&traced.matches));
            for excerpt in traced.excerpts.iter().flat_map(|kept| &kept.1) {
                let _ = writeln!(text, "    {}: {}", buffer(excerpt), excerpt.line(open, close));
            }
            continue;
        }
        let _ = writeln!(text, "{sid} {title}: no match");
        if traced.reach != Reach::Never {
            let at = packets(&[traced.packet]);
            let _ = writeln!(
                text,
                "    candidate {} times, head fitted {}; furthest on packet {at}:",
                cost.checks, cost.looks
            );
        }
        for line in explain_reach(&run.program, number, traced.reach) {
            let _ = writeln!(text, "    {}", plain(&line));
        }
    }
    for &sid in missing {
        let _ = writeln!(text, "{sid} {}", why_missing(run, sid));
    }
    let refused = run.loaded.report.refused_count;
    let left_out = if refused > 0 { format!("; {refused} cannot be used (see rules check)") } else { String::new() };
    let _ = writeln!(text, "{matched_count} of {} rules matched{left_out}", asked.len() + missing.len());
    text
}

/// The same as a list.
fn list(run: &Run, asked: &[u32], missing: &BTreeSet<u32>) -> String {
    let mut all: Vec<Value> = asked.iter().map(|&number| one(run, number)).collect();
    all.extend(missing.iter().map(|&sid| json!({"sid": sid, "matches": 0, "missing": [why_missing(run, sid)]})));
    format!("{}\n", Value::Array(all))
}

fn one(run: &Run, number: u32) -> Value {
    let (sid, title) = title(run, number);
    let (cost, traced) = (cost(run, number), traced(run, number));
    let mut value = json!({
        "sid": sid,
        "msg": title,
        "matches": cost.matches,
        "packets": traced.matches,
        "checks": cost.checks,
        "looks": cost.looks,
    });
    if let Some((_, excerpts)) = &traced.excerpts {
        let of = |e: &Excerpt| json!({"buffer": buffer(e), "offset": e.offset, "bytes": e.line("", ""), "line": e.line("«", "»")});
        value["matched"] = excerpts.iter().map(of).collect();
    }
    if cost.matches == 0 {
        value["packet"] = traced.packet.into();
        value["missing"] = explain_reach(&run.program, number, traced.reach).into();
    }
    value
}

/// `sekisho rules profile`.
pub fn profile(args: &RulesProfile) -> Result<u8> {
    let run = run(&args.run, false)?;
    let total: u64 = run.tally.costs.iter().map(|cost| cost.steps).sum();
    let mut order: Vec<(u32, Cost)> = (0u32..).zip(run.tally.costs.iter().copied()).collect();
    order.retain(|(_, cost)| cost.checks > 0);
    let sid = |number: u32| run.program.rule(number).map_or(0, |rule| rule.sid);
    order.sort_by_key(|(number, cost)| (std::cmp::Reverse((cost.steps, cost.looks, cost.checks)), sid(*number)));
    let looked_at = order.len();
    order.truncate(args.limit);
    let share = |steps: u64| if total == 0 { 0.0 } else { steps as f64 * 100.0 / total as f64 };
    let mut text = String::new();
    match args.run.format {
        Shape::Text => {
            let _ = writeln!(
                text,
                "{:>6}  {:>12}  {:>10}  {:>10}  {:>8}  {:>10}  msg",
                "share", "steps", "looks", "checks", "matches", "sid"
            );
            for (number, cost) in &order {
                let (sid, title) = title(&run, *number);
                let Cost { checks, looks, matches, steps } = *cost;
                let share = share(steps);
                let _ =
                    writeln!(text, "{share:5.1}%  {steps:12}  {looks:10}  {checks:10}  {matches:8}  {sid:10}  {title}");
            }
            let all = run.program.set().rules.len();
            let _ = writeln!(
                text,
                "{total} steps in all; {looked_at} of {all} rules were looked at, {} shown",
                order.len()
            );
        }
        Shape::Json => {
            let of = |(number, cost): &(u32, Cost)| {
                let (sid, title) = title(&run, *number);
                let Cost { checks, looks, matches, steps } = *cost;
                let share = (share(steps) * 100.0).round() / 100.0;
                json!({"sid": sid, "msg": title, "checks": checks, "looks": looks, "steps": steps, "matches": matches, "share": share})
            };
            let _ = writeln!(text, "{}", Value::Array(order.iter().map(of).collect()));
        }
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(u8::from(run.damaged))
}
