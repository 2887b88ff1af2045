//! What is odd about rules that are used: no usable fast pattern, flow bits that nobody sets, classes that nobody knows.

use crate::draft::Shared;
use crate::ir::{Condition, Effect, Rule, Step};
use crate::report::{Remark, Report, Verdict};
use crate::syntax::Line;

/// Looks at every rule of a set.
pub(crate) fn look<'a>(
    rules: impl Iterator<Item = (&'a Rule, &'a str, &'a Line<'a>)> + Clone,
    shared: &Shared<'_>,
    report: &mut Report,
) {
    let mut set = vec![false; shared.set.flow_bits.len()];
    for (rule, ..) in rules.clone() {
        for effect in &rule.effects {
            if let Effect::FlowBit(_, bit) = effect
                && let Some(flag) = set.get_mut(usize::from(*bit))
            {
                *flag = true;
            }
        }
    }
    for (rule, file, line) in rules {
        let mut odd = |code, text: &str, help: &str| {
            let remark = Remark::about(Verdict::Odd, code, file, line, Some(rule.sid), (0, 1), text, help);
            report.add(remark, shared.limits.remark_count);
        };
        if !rule.matches.is_empty() && !has_fast_pattern(rule) {
            odd("W001", "no content can be searched for ahead of the rule", "add a content that is not negated");
        }
        for condition in &rule.conditions {
            if let Condition::FlowBits { bits, negated: false } = condition
                && !bits.iter().any(|bit| set.get(usize::from(*bit)).copied().unwrap_or(false))
            {
                let names: Vec<&str> =
                    bits.iter().filter_map(|bit| shared.set.flow_bits.get(usize::from(*bit))).map(|n| &**n).collect();
                let text = format!("no rule sets the flow bit {}, so it never matches", names.join(" or "));
                odd("W002", &text, "load the rule that sets it too");
            }
        }
        if !rule.meta.classtype.is_empty() && rule.meta.category.is_empty() && !shared.classes.is_empty() {
            let text = format!("the class {} is not known", rule.meta.classtype);
            odd("W003", &text, "add it to the classification file");
        }
    }
}

/// Is there a content that may be searched for?
pub(crate) fn has_fast_pattern(rule: &Rule) -> bool {
    let steps = rule.matches.iter().filter(|m| m.transforms.is_empty() || !m.steps.is_empty()).flat_map(|m| &m.steps);
    steps.into_iter().any(|step| matches!(step, Step::Content(content) if !content.negated))
}
