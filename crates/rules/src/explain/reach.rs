//! How far a rule came, in words.

use super::{conditions, place, steps};
use crate::compile::Program;
use crate::inspect::Reach;
use crate::ir::{BufferMatch, Rule, RuleSet};
use sekisho_types::Dir;

/// What kept rule `number` of `program` from matching: lines of plain text, the most telling first.
pub fn explain_reach(program: &Program, number: u32, reach: Reach) -> Vec<String> {
    let Some(rule) = program.rule(number) else { return Vec::new() };
    let set = program.set();
    match reach {
        Reach::Matched => Vec::new(),
        Reach::Never => vec![never(program, number, rule)],
        Reach::Head => {
            vec!["it was a candidate, but protocol, addresses, ports or direction were others'".to_owned()]
        }
        Reach::Condition(at) => condition(rule, set, usize::from(at)),
        Reach::Waits(at) => waits(rule, usize::from(at)),
        Reach::Match { at, steps } => buffer(rule, set, usize::from(at), usize::from(steps)),
    }
}

fn never(program: &Program, number: u32, rule: &Rule) -> String {
    match program.literal(number) {
        Some((m, bytes)) => {
            let name = m.map_or_else(|| "the payload".into(), |m| steps::buffer(m.buffer));
            let way = match program.direction(number) {
                Some(Dir::Orig) => " of what clients send",
                Some(Dir::Resp) => " of what servers send",
                None => "",
            };
            format!("it was never looked at: {} was not seen in {name}{way}", steps::show(bytes))
        }
        None if rule.matches.is_empty() => "it was never looked at: nothing of its protocol and ports came".into(),
        None => "it was never looked at: nothing of its kind came".into(),
    }
}

fn condition(rule: &Rule, set: &RuleSet, at: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(failed) = rule.conditions.get(at) {
        lines.push(format!("not so: {}", conditions::say(failed, set)));
    }
    let held = rule.conditions.iter().take(at).map(|one| format!("so: {}", conditions::say(one, set)));
    lines.extend(held);
    lines
}

/// What a buffer is called, without the colon.
fn name(m: &BufferMatch) -> String {
    place(m).trim_end_matches(':').to_owned()
}

fn waits(rule: &Rule, at: usize) -> Vec<String> {
    let missing = match rule.matches.get(at) {
        Some(m) => format!("all that came fits, but {} did not come, or not all of it", name(m)),
        None => "all that came fits, but not all came".to_owned(),
    };
    vec![missing]
}

fn buffer(rule: &Rule, set: &RuleSet, at: usize, count: usize) -> Vec<String> {
    let Some(m) = rule.matches.get(at) else { return Vec::new() };
    let said = steps::say(m, set);
    let mut lines = Vec::new();
    if let Some(failed) = said.get(count) {
        lines.push(format!("in {}, step {} of {}, not so: {failed}", name(m), count + 1, said.len()));
    } else {
        lines.push(format!("in {}: all of it together does not hold at any place", name(m)));
    }
    lines.extend(said.iter().take(count).map(|held| format!("so: {held}")));
    lines.extend(rule.matches.iter().take(at).map(|m| format!("so: all of {}", name(m))));
    lines
}
