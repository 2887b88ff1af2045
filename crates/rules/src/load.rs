//! Files of rules to a set.

use crate::config::{Classes, Config, Files, thresholds};
use crate::draft::{Draft, Names, Shared};
use crate::ir::{Action, Arrow, Condition, Effect, Rule, RuleSet};
use crate::limits::{Limits, RULE_LEN_MAX};
use crate::refusal::{Code, Done, Refusal, refuse};
use crate::report::{Remark, Report, Verdict};
use crate::syntax::{Choice, Groups, Line, rules, tree};
use crate::{head, keywords};
use hashbrown::HashMap;
use sekisho_types::SeededState;

/// Rules, and what became of those that are not among them.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules.
    pub set: RuleSet,
    /// Where each of them stands: the source's number, and the line.
    pub places: Vec<(usize, usize)>,
    /// What there is to say.
    pub report: Report,
}

/// A rule that was read, and where.
struct Read<'a> {
    rule: Rule,
    source: usize,
    line: Line<'a>,
}

/// Reads rules. `sources` are names (paths that other paths count from) and texts.
pub fn load(sources: &[(String, String)], config: &Config, files: &mut dyn Files, limits: &Limits) -> Loaded {
    let mut report = Report { file_count: sources.len(), ..Report::default() };
    let classes = Classes::load(config, sources.first().map(|(name, _)| name.as_str()), files);
    let mut shared = Shared {
        set: RuleSet::default(),
        config,
        files,
        limits,
        classes: &classes,
        groups: Groups::new(config),
        source: "",
        flow_bits: Names::default(),
        flow_ints: Names::default(),
        x_bits: Names::default(),
        datasets: Names::default(),
        hash_lists: Names::default(),
        entry_count: 0,
        entry_len: 0,
    };
    let mut read: Vec<Option<Read<'_>>> = Vec::new();
    let mut known: HashMap<(u32, u32), usize, SeededState> = HashMap::with_hasher(SeededState(0));
    for (source, (name, text)) in sources.iter().enumerate() {
        shared.source = name;
        for line in rules(text) {
            report.given_count += 1;
            let rule = if read.len() >= limits.rule_count {
                refuse(Code::Limit, 0, 1, format!("there are more than {} rules", limits.rule_count))
            } else {
                rule(&line, &mut shared)
            };
            match rule {
                Ok(Made::Rule(rule)) => {
                    add(Read { rule: *rule, source, line }, &mut read, &mut known, &mut report, sources, limits);
                }
                Ok(Made::Unwanted(sid, why)) => {
                    let help = "this is what the rule's author wants";
                    let sid = Some(sid).filter(|&sid| sid > 0);
                    let remark = Remark::about(Verdict::Unwanted, "N001", name, &line, sid, (0, 1), &why, help);
                    report.add(remark, limits.remark_count);
                }
                Err(refusal) => {
                    let sid = sid_of(&line);
                    report.add(Remark::refused(&refusal, name, &line, sid), limits.remark_count);
                }
            }
        }
    }
    crate::check::look(
        read.iter().flatten().map(|r| (&r.rule, sources_name(sources, r.source), &r.line)),
        &shared,
        &mut report,
    );
    let mut read: Vec<Read<'_>> = read.into_iter().flatten().collect();
    order(&mut read, &action_order(config));
    let place = |read: Read<'_>| ((read.source, read.line.place(0).0), read.rule);
    let (places, rules) = read.into_iter().map(place).unzip();
    shared.set.rules = rules;
    report.loaded_count = shared.set.rules.len();
    thresholds::load(&mut shared);
    Loaded { set: shared.set, places, report }
}

fn sources_name(sources: &[(String, String)], n: usize) -> &str {
    sources.get(n).map_or("", |(name, _)| name)
}

enum Made {
    Rule(Box<Rule>),
    /// With its number, if that was read.
    Unwanted(u32, String),
}

/// One rule.
fn rule(line: &Line<'_>, shared: &mut Shared<'_>) -> Done<Made> {
    if line.is_cut {
        return refuse(Code::Limit, 0, 1, format!("the rule is longer than {RULE_LEN_MAX} bytes"));
    }
    let tree = tree(&line.text)?;
    let (action, scope) = head::action(tree.action)?;
    // A rule that requires what is not there may use words of another version: look at that first.
    let is_required = |choice: &&Choice<'_>| matches!(choice.name.text, "requires" | "sid");
    if tree.choices.iter().any(|choice| choice.name.text == "requires") {
        let mut probe = Draft::new(action, crate::ir::Header::any(), "");
        for choice in tree.choices.iter().filter(is_required) {
            keywords::read(&mut probe, shared, choice)?;
        }
        if let Some(why) = probe.unwanted {
            return Ok(Made::Unwanted(probe.rule.sid, why));
        }
    }
    let header = head::header(&tree, shared)?;
    let mut draft = Draft::new(action, header, &line.text);
    draft.rule.scope = scope;
    for choice in &tree.choices {
        keywords::read(&mut draft, shared, choice)?;
    }
    draft.finish().map(|rule| Made::Rule(Box::new(rule)))
}

/// The number of a rule that is not used, for the report.
fn sid_of(line: &Line<'_>) -> Option<u32> {
    let tree = tree(&line.text).ok()?;
    let value = tree.choices.iter().find(|choice| choice.name.text == "sid")?.value?;
    value.text.parse().ok()
}

/// Adds a rule, unless one of the same number and no lower revision is there; one of a lower revision it replaces.
fn add<'a>(
    new: Read<'a>,
    read: &mut Vec<Option<Read<'a>>>,
    known: &mut HashMap<(u32, u32), usize, SeededState>,
    report: &mut Report,
    sources: &[(String, String)],
    limits: &Limits,
) {
    let key = (new.rule.gid, new.rule.sid);
    let place = known.get(&key).copied();
    let old = place.and_then(|at| read.get(at)).and_then(Option::as_ref);
    if let Some(old) = old {
        let file = sources_name(sources, old.source);
        let there = format!("{file}:{}", old.line.place(0).0);
        let sid = Some(new.rule.sid);
        let remark = if new.rule.rev > old.rule.rev {
            let text = format!(
                "revision {} of this rule in {}:{} takes its place",
                new.rule.rev,
                sources_name(sources, new.source),
                new.line.place(0).0
            );
            Remark::about(Verdict::Replaced, "N002", file, &old.line, sid, (0, 1), &text, "leave one of them out")
        } else {
            let text = format!("the rule's number {} is taken by revision {} in {there}", new.rule.sid, old.rule.rev);
            let len = new.rule.text.len();
            let at = new.rule.text.find("sid:").unwrap_or(0).min(len);
            let refusal = Refusal { code: Code::Duplicate, at, len: 4, text, help: Code::Duplicate.help().into() };
            Remark::refused(&refusal, sources_name(sources, new.source), &new.line, sid)
        };
        let replaced = remark.verdict == Verdict::Replaced;
        report.add(remark, limits.remark_count);
        if !replaced {
            return;
        }
        if let Some(slot) = place.and_then(|at| read.get_mut(at)) {
            *slot = None;
        }
    }
    known.insert(key, read.len());
    read.push(Some(new));
}

/// Actions in the order of evaluation: as the configuration says (`action-order`), those that it leaves out behind.
fn action_order(config: &Config) -> Vec<Action> {
    let named = config.get("action-order").items().iter().filter_map(|item| match item.text()? {
        "pass" => Some(Action::Pass),
        "drop" => Some(Action::Drop),
        "reject" => Some(Action::Reject),
        "alert" => Some(Action::Alert),
        _ => None,
    });
    let mut order = vec![Action::Config];
    for action in named.chain([Action::Pass, Action::Drop, Action::Reject, Action::Alert]) {
        if !order.contains(&action) {
            order.push(action);
        }
    }
    order
}

/// The order of evaluation: by action; those that set flow bits before those that ask for them, likewise for flow
/// integers, host and pair bits; the most urgent first; then as they stood.
fn order(rules: &mut [Read<'_>], actions: &[Action]) {
    rules.sort_by_cached_key(|Read { rule, .. }| {
        let action = actions.iter().position(|action| *action == rule.action);
        (action, flow_bits(rule), flow_ints(rule), x_bits(rule), rule.meta.priority)
    });
}

/// Set alone, set and asked, asked alone, neither.
const fn class(sets: bool, asks: bool) -> u8 {
    match (sets, asks) {
        (true, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

fn flow_bits(rule: &Rule) -> u8 {
    let sets = rule.effects.iter().any(|effect| matches!(effect, Effect::FlowBit(..)));
    class(sets, rule.conditions.iter().any(|condition| matches!(condition, Condition::FlowBits { .. })))
}

fn flow_ints(rule: &Rule) -> u8 {
    let sets = rule.effects.iter().any(|effect| matches!(effect, Effect::FlowInt { .. }));
    class(sets, rule.conditions.iter().any(|condition| matches!(condition, Condition::FlowInt { .. })))
}

fn x_bits(rule: &Rule) -> u8 {
    let sets = rule.effects.iter().any(|effect| matches!(effect, Effect::XBit { .. }));
    class(sets, rule.conditions.iter().any(|condition| matches!(condition, Condition::XBits { .. })))
}

impl crate::ir::Header {
    /// Of every packet.
    pub(crate) fn any() -> Self {
        Self {
            protocol: crate::ir::Protocol::Ip,
            hook: None,
            src: crate::ir::Addresses::default(),
            src_ports: crate::ir::Ports::default(),
            arrow: Arrow::To,
            dst: crate::ir::Addresses::default(),
            dst_ports: crate::ir::Ports::default(),
        }
    }
}
