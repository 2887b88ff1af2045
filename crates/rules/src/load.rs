//! Files of rules to a set.

use crate::config::{Classes, Config, Files, thresholds};
use crate::draft::{Draft, Names, Shared, Spare};
use crate::head::{self, Head, Heads};
use crate::ir::{Action, Arrow, Condition, Effect, Notes, Rule, RuleSet, Text};
use crate::keywords;
use crate::limits::{Limits, RULE_LEN_MAX};
use crate::refusal::{Code, Done, Refusal, refuse};
use crate::report::{Remark, Report, Verdict};
use crate::source::Source;
use crate::syntax::{Choice, Groups, Line, Word, choices, rules, tree};
use hashbrown::HashMap;
use sekisho_types::SeededState;
use std::borrow::Cow;
use std::sync::Arc;

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

/// Reads rules.
pub fn load(sources: &[Source], config: &Config, files: &mut dyn Files, limits: &Limits) -> Loaded {
    let mut report = Report { file_count: sources.len(), ..Report::default() };
    let classes = Classes::load(config, sources.first().map(|source| source.name.as_str()), files);
    let none = Source::new("", "");
    let mut shared = Shared {
        set: RuleSet::default(),
        config,
        files,
        limits,
        classes: &classes,
        groups: Groups::new(config),
        heads: Heads::default(),
        spare: Spare::default(),
        source: &none,
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
    for (source, file) in sources.iter().enumerate() {
        shared.source = file;
        let name = &file.name;
        for line in rules(&file.text) {
            report.given_count += 1;
            let rule = if read.len() >= limits.rule_count {
                refuse(Code::Limit, 0, 1, format!("there are more than {} rules", limits.rule_count))
            } else {
                rule(&line, &mut shared)
            };
            match rule {
                Ok(Made::Rule(rule)) => {
                    add(Read { rule, source, line }, &mut read, &mut known, &mut report, sources, limits);
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
    let mut places = Vec::with_capacity(read.len());
    shared.set.rules.reserve_exact(read.len());
    for at in order(&read, &action_order(config)) {
        if let Some(Read { rule, source, line }) = read.get_mut(at).and_then(Option::take) {
            places.push((source, line.place(0).0));
            shared.set.rules.push(rule);
        }
    }
    drop(read);
    report.loaded_count = shared.set.rules.len();
    thresholds::load(&mut shared);
    Loaded { set: shared.set, places, report }
}

fn sources_name(sources: &[Source], n: usize) -> &str {
    sources.get(n).map_or("", |source| &source.name)
}

#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
enum Made {
    Rule(Rule),
    /// With its number, if that was read.
    Unwanted(u32, String),
}

/// One rule.
fn rule(line: &Line<'_>, shared: &mut Shared<'_>) -> Done<Made> {
    if line.is_cut {
        return refuse(Code::Limit, 0, 1, format!("the rule is longer than {RULE_LEN_MAX} bytes"));
    }
    let text = &*line.text;
    let (head, choices) = if let Some((head, at)) = shared.heads.find(text) {
        let choices = choices(Word { text: text.get(at..).unwrap_or(""), at })?;
        if let Some(unwanted) = unwanted(head.action, &choices, shared)? {
            return Ok(unwanted);
        }
        (head, choices)
    } else {
        let tree = tree(text)?;
        let (action, scope) = head::action(tree.action)?;
        if let Some(unwanted) = unwanted(action, &tree.choices, shared)? {
            return Ok(unwanted);
        }
        let head = Head { action, scope, header: Arc::new(head::header(&tree, shared)?) };
        shared.heads.know(text, &tree, &head);
        (head, tree.choices)
    };
    let part = match &line.text {
        Cow::Borrowed(text) => Text::part(&shared.source.text, line.start, text.len()),
        Cow::Owned(text) => Text::from(text.as_str()),
    };
    let mut draft = Draft::new(head.action, head.header, part, std::mem::take(&mut shared.spare));
    draft.rule.scope = head.scope;
    draft.rule.meta.notes = Notes::new(Arc::clone(&shared.classes.systems));
    for choice in &choices {
        keywords::read(&mut draft, shared, choice)?;
    }
    let (rule, spare) = draft.finish()?;
    shared.spare = spare;
    Ok(Made::Rule(rule))
}

/// What becomes of a rule that requires what is not there: it may use words of another version, so this is looked at first.
fn unwanted(action: Action, choices: &[Choice<'_>], shared: &mut Shared<'_>) -> Done<Option<Made>> {
    if choices.iter().all(|choice| choice.name.text != "requires") {
        return Ok(None);
    }
    let mut probe = Draft::new(action, Arc::new(crate::ir::Header::any()), Text::from(""), Spare::default());
    for choice in choices.iter().filter(|choice| matches!(choice.name.text, "requires" | "sid")) {
        keywords::read(&mut probe, shared, choice)?;
    }
    Ok(probe.unwanted.map(|why| Made::Unwanted(probe.rule.sid, why)))
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
    sources: &[Source],
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
fn order(rules: &[Option<Read<'_>>], actions: &[Action]) -> impl Iterator<Item = usize> + use<> {
    let key = |(at, read): (usize, &Option<Read<'_>>)| {
        let rule = &read.as_ref()?.rule;
        let action = actions.iter().position(|action| *action == rule.action);
        Some(((action, flow_bits(rule), flow_ints(rule), x_bits(rule), rule.meta.priority), at))
    };
    let mut order: Vec<_> = rules.iter().enumerate().filter_map(key).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at)| at)
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
