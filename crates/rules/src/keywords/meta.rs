//! What a rule says about itself.

use super::{Keyword, Read, Takes, is_known};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::Effect;
use crate::refusal::{Code, Done};
use crate::syntax::integer;

/// What `requires:version` is compared with: the version whose language this is.
const VERSION: [u32; 3] = [9, 0, 0];

/// What `requires:feature` finds.
const FEATURES: &[&str] = &["ja3", "ja4", "true-ip-only"];

pub(super) const TABLE: &[Keyword] = &[
    value(&["msg"], |_, _, _| Ok(())),
    value(&["sid"], |draft, _, arg| number(arg, 1).map(|n| draft.rule.sid = n)),
    value(&["gid"], |draft, _, arg| number(arg, 0).map(|n| draft.rule.gid = n)),
    value(&["rev"], |draft, _, arg| number(arg, 0).map(|n| draft.rule.rev = n)),
    value(&["classtype"], classtype),
    value(&["priority"], priority),
    value(&["reference"], |_, _, arg| reference(arg)),
    value(&["metadata"], |_, _, _| Ok(())),
    value(&["target"], target),
    value(&["requires"], requires),
    value(&["config"], config),
    Keyword { names: &["noalert"], takes: Takes::Nothing, read: |draft, _, _| silent(draft) },
    Keyword { names: &["alert"], takes: Takes::Nothing, read: |_, _, _| Ok(()) },
    Keyword { names: &["prefilter"], takes: Takes::Nothing, read: |draft, _, arg| prefilter(draft, arg) },
    value(&["nfq_set_mark"], |_, _, arg| arg.fail(Code::NotOffered, "packets of a capture can't be marked")),
];

const fn value(names: &'static [&'static str], read: Read) -> Keyword {
    Keyword { names, takes: Takes::Value, read }
}

fn silent(draft: &mut Draft) -> Done {
    draft.rule.silent = true;
    Ok(())
}

/// A number of 32 bits, at least `least`.
fn number(arg: &Arg<'_>, least: u32) -> Done<u32> {
    match integer(arg.value.text).and_then(|n| u32::try_from(n).ok()).filter(|&n| n >= least) {
        Some(n) => Ok(n),
        None => arg.bad(format!("{}: {} is no number from {least} to {}", arg.name.text, arg.value.text, u32::MAX)),
    }
}

fn classtype(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let meta = &mut draft.rule.meta;
    if let Some((name, text, priority)) = shared.classes.class(arg.value.text) {
        (meta.classtype, meta.category) = (name, text);
        // Of several classes the most urgent counts.
        draft.class_priority = Some(draft.class_priority.map_or(priority, |old| old.min(priority)));
    } else {
        meta.classtype = arg.value.text.into();
    }
    Ok(())
}

fn priority(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    match integer(arg.value.text).and_then(|n| u8::try_from(n).ok()).filter(|&n| n > 0) {
        Some(n) => {
            draft.priority = Some(n);
            Ok(())
        }
        None => arg.bad("the priority is from 1 to 255"),
    }
}

/// `reference:SYSTEM,ID`; see [`crate::notes`].
fn reference(arg: &Arg<'_>) -> Done {
    if arg.value.text.contains(',') { Ok(()) } else { arg.bad("write reference:SYSTEM,ID") }
}

fn target(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.rule.meta.target_is_src = Some(match arg.value.text {
        "src_ip" => true,
        "dest_ip" | "dst_ip" => false,
        other => return arg.bad(format!("{other} is neither src_ip nor dest_ip")),
    });
    Ok(())
}

fn prefilter(draft: &mut Draft, arg: &Arg<'_>) -> Done {
    if draft.rule.conditions.is_empty() && draft.rule.matches.is_empty() {
        return arg.misplaced("prefilter stands behind what it is about");
    }
    // Behind a content it means the same as fast_pattern.
    if let Ok(content) = draft.content(arg)
        && draft_is_last(content)
    {
        content.fast = crate::ir::Fast::Yes;
        return Ok(());
    }
    draft.rule.prefilter = true;
    Ok(())
}

const fn draft_is_last(content: &crate::ir::Content) -> bool {
    !content.negated && matches!(content.fast, crate::ir::Fast::Auto)
}

/// `requires:feature NAME, keyword NAME, version >= 8.0.0 [| …]`; what is not met leaves the rule out.
fn requires(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    for part in arg.parts() {
        let (what, value) = part.text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((part.text, ""));
        let value = value.trim();
        let met = match what {
            "feature" => FEATURES.contains(&value) && is_on(shared, value),
            "keyword" => is_known(value),
            "version" => match versions(value) {
                Some(met) => met,
                None => return arg.bad(format!("{value} is no comparison with a version")),
            },
            _ => return arg.bad(format!("{what} is none of feature, keyword and version")),
        };
        if !met && draft.unwanted.is_none() {
            draft.unwanted = Some(format!("it requires {what} {value}"));
        }
    }
    Ok(())
}

/// Fingerprints of TLS may be switched off.
fn is_on(shared: &Shared<'_>, feature: &str) -> bool {
    let key = match feature {
        "ja3" => "ja3-fingerprints",
        "ja4" => "ja4-fingerprints",
        _ => return true,
    };
    shared.config.path("app-layer.protocols.tls").get(key).truth() != Some(false)
}

/// `>= 7.0.3 < 8 | >= 8.0.1`
fn versions(text: &str) -> Option<bool> {
    let mut met = false;
    for alternative in text.split('|') {
        let mut all = true;
        let mut rest = alternative.trim();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let sign = [">=", "<=", ">", "<"].into_iter().find(|sign| rest.starts_with(sign))?;
            let behind = rest.get(sign.len()..)?.trim_start();
            let end = behind.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(behind.len());
            let (number, more) = behind.split_at_checked(end)?;
            let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
            let version = [parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?];
            all &= match sign {
                ">=" => VERSION >= version,
                "<=" => VERSION <= version,
                ">" => VERSION > version,
                _ => VERSION < version,
            };
            // `-dev` and the like.
            rest = more.trim_start_matches(|c: char| c == '-' || c.is_ascii_alphanumeric()).trim_start();
        }
        met |= all;
    }
    Some(met)
}

/// `config:logging disable, type tx, scope tx`
fn config(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let first = arg.parts().next().unwrap_or_default().text;
    let subsystem = first.split_ascii_whitespace().next().unwrap_or("");
    if !matches!(subsystem, "logging" | "file" | "dns" | "tracking") {
        return arg.bad(format!("{subsystem} is nothing that config is about"));
    }
    draft.rule.effects.push(Effect::Config(arg.value.text.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions() {
        for (text, met) in
            [(">= 8.0.5", true), (">= 9.0.0", true), ("> 9", false), (">= 7.0.3 < 8 | >= 8.0.1", true), ("< 8", false)]
        {
            assert_eq!(versions(text), Some(met), "{text}");
        }
        for bad in ["", "8", ">= x", "|"] {
            assert_eq!(versions(bad), None, "{bad}");
        }
    }
}
