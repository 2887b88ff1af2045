//! The flow, its hosts, and what is remembered of them.

use super::payload::compared;
use super::{Keyword, Read, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{
    BitChange, Compare, Condition, Effect, FlowCondition, FlowIntAsk, FlowIntSign, FlowIntValue, Side, TagMetric, Track,
};
use crate::refusal::{Code, Done};
use crate::syntax::{Word, compare, integer};
use std::borrow::Cow;

/// Seconds that a host or pair bit lasts, unless said.
const EXPIRE_DEFAULT: u32 = 30;

/// Flow bits of one question.
const BIT_COUNT_MAX: usize = 64;

/// Packets that `tag:session` is about, unless said.
const TAG_COUNT_DEFAULT: u32 = 256;

pub(super) const TABLE: &[Keyword] = &[
    value(&["flow"], flow),
    value(&["flowbits"], flowbits),
    value(&["flowint"], flowint),
    value(&["hostbits"], hostbits),
    value(&["xbits"], xbits),
    value(&["stream_size"], stream_size),
    value(&["flow.age"], |d, _, a| {
        compared(a, a.value.text, u32::MAX.into()).map(|c| d.condition(Condition::FlowAge(c)))
    }),
    value(&["flow.pkts"], |d, _, a| sided(a).map(|(side, c)| d.condition(Condition::FlowPkts(side, c)))),
    value(&["flow.bytes"], |d, _, a| sided(a).map(|(side, c)| d.condition(Condition::FlowBytes(side, c)))),
    value(&["flow.pkts_toserver"], |d, _, a| all(a).map(|c| d.condition(Condition::FlowPkts(Side::ToServer, c)))),
    value(&["flow.pkts_toclient"], |d, _, a| all(a).map(|c| d.condition(Condition::FlowPkts(Side::ToClient, c)))),
    value(&["flow.bytes_toserver"], |d, _, a| all(a).map(|c| d.condition(Condition::FlowBytes(Side::ToServer, c)))),
    value(&["flow.bytes_toclient"], |d, _, a| all(a).map(|c| d.condition(Condition::FlowBytes(Side::ToClient, c)))),
    value(&["flow.elephant"], elephant),
    value(&["tag"], tag),
    Keyword { names: &["bypass"], takes: Takes::Nothing, read: |draft, _, _| effect(draft, Effect::Bypass) },
];

const fn value(names: &'static [&'static str], read: Read) -> Keyword {
    Keyword { names, takes: Takes::Value, read }
}

fn effect(draft: &mut Draft, effect: Effect) -> Done {
    draft.rule.effects.push(effect);
    Ok(())
}

fn all(arg: &Arg<'_>) -> Done<Compare> {
    compared(arg, arg.value.text, u64::MAX)
}

fn side(text: &str) -> Option<Side> {
    match text {
        "toserver" | "to_server" | "client" => Some(Side::ToServer),
        "toclient" | "to_client" | "server" => Some(Side::ToClient),
        "either" => Some(Side::Either),
        "both" => Some(Side::Both),
        _ => None,
    }
}

/// `SIDE,COMPARISON`
fn sided(arg: &Arg<'_>) -> Done<(Side, Compare)> {
    let (first, rest) = arg.value.text.split_once(',').unwrap_or((arg.value.text, ""));
    match side(first.trim()) {
        Some(side) => Ok((side, compared(arg, rest, u64::MAX)?)),
        None => arg.bad(format!("{} is none of toserver, toclient, either and both", first.trim())),
    }
}

/// `stream_size:SIDE,SIGN,N`
fn stream_size(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (first, rest) = arg.value.text.split_once(',').unwrap_or((arg.value.text, ""));
    // What the client sends goes to the server.
    let side = side(first.trim());
    let condition: String = rest.chars().filter(|c| *c != ',' && !c.is_whitespace()).collect();
    match (side, compare(&condition, u32::MAX.into())) {
        (Some(side), Some(compare)) => {
            draft.condition(Condition::StreamSize(side, compare));
            Ok(())
        }
        _ => arg.bad("write stream_size:server|client|both|either,SIGN,NUMBER"),
    }
}

fn elephant(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    match side(arg.value.text) {
        Some(side) => {
            draft.condition(Condition::FlowElephant(side));
            Ok(())
        }
        None => arg.bad(format!("{} is none of toserver, toclient, either and both", arg.value.text)),
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|c| c.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

fn flow(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut condition = FlowCondition::default();
    let set = |field: &mut Option<bool>, value: bool, text: &str| match field.replace(value) {
        Some(old) if old != value => arg.misplaced(format!("{text} contradicts what stands before it")),
        _ => Ok(()),
    };
    for part in arg.parts() {
        let text = lower(part.text);
        match &*text {
            "to_server" | "from_client" => set(&mut condition.to_server, true, &text)?,
            "to_client" | "from_server" => set(&mut condition.to_server, false, &text)?,
            "established" => set(&mut condition.established, true, &text)?,
            "not_established" => set(&mut condition.established, false, &text)?,
            "stateless" => condition.stateless = true,
            "only_stream" => set(&mut condition.stream, true, &text)?,
            "no_stream" => set(&mut condition.stream, false, &text)?,
            "only_frag" => set(&mut condition.frag, true, &text)?,
            "no_frag" => set(&mut condition.frag, false, &text)?,
            _ => return arg.bad(format!("{} is no word of flow", part.text)),
        }
    }
    if condition.stateless && condition.established.is_some() {
        return arg.misplaced("stateless does not go with established or not_established");
    }
    draft.condition(Condition::Flow(condition));
    Ok(())
}

fn flowbits(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let command = parts.next().unwrap_or_default().text;
    if command == "noalert" {
        draft.rule.silent = true;
        return Ok(());
    }
    let Some(name) = parts.next().filter(|name| !name.text.is_empty()) else {
        return arg.bad("flowbits lacks the name of the bit");
    };
    let mut bits = Vec::new();
    for one in name.text.split('|').map(str::trim).filter(|one| !one.is_empty()) {
        if bits.len() >= BIT_COUNT_MAX {
            return arg.fail(Code::Limit, "too many flow bits at once");
        }
        bits.push(shared.flow_bits.place(&mut shared.set.flow_bits, Word { text: one, at: name.at })?);
    }
    let single = bits.first().copied().filter(|_| bits.len() == 1);
    let change = match command {
        "isset" | "isnotset" => {
            draft.condition(Condition::FlowBits { bits, negated: command == "isnotset" });
            return Ok(());
        }
        "set" => BitChange::Set,
        "unset" => BitChange::Unset,
        "toggle" => BitChange::Toggle,
        _ => return arg.bad(format!("{command} is none of set, unset, toggle, isset, isnotset and noalert")),
    };
    match single {
        Some(bit) => effect(draft, Effect::FlowBit(change, bit)),
        None => arg.bad(format!("flowbits:{command} is about one bit")),
    }
}

/// `flowint:NAME,SIGN,VALUE`, `flowint:NAME,isset|notset`
fn flowint(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let (name, sign) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().text);
    if name.text.is_empty() {
        return arg.bad("flowint lacks the name");
    }
    let var = shared.flow_ints.place(&mut shared.set.flow_ints, name)?;
    let set = match sign {
        "isset" => Some(true),
        "notset" | "isnotset" => Some(false),
        _ => None,
    };
    if let Some(set) = set {
        draft.condition(Condition::FlowInt { var, ask: FlowIntAsk::IsSet(set) });
        return Ok(());
    }
    let word = parts.next().unwrap_or_default();
    let value = match integer(word.text) {
        Some(n) => match u32::try_from(n) {
            Ok(n) => FlowIntValue::Number(n),
            Err(_) => return arg.bad(format!("{} does not fit in 32 bits", word.text)),
        },
        None if word.text.is_empty() => return arg.bad("flowint lacks the value"),
        None => FlowIntValue::Var(shared.flow_ints.place(&mut shared.set.flow_ints, word)?),
    };
    let (ask, compare): (FlowIntSign, fn(u64) -> Compare) = match sign {
        "=" | "+" | "-" => {
            let sign = sign.as_bytes().first().copied().unwrap_or(b'=');
            return effect(draft, Effect::FlowInt { var, sign, value });
        }
        "<" => (FlowIntSign::Lt, Compare::Lt),
        "<=" => (FlowIntSign::Le, Compare::Le),
        "==" => (FlowIntSign::Eq, Compare::Eq),
        "!=" => (FlowIntSign::Ne, Compare::Ne),
        ">=" => (FlowIntSign::Ge, Compare::Ge),
        ">" => (FlowIntSign::Gt, Compare::Gt),
        _ => return arg.bad(format!("{sign} is no sign of flowint")),
    };
    let ask = match value {
        FlowIntValue::Number(n) => FlowIntAsk::Compare(compare(n.into())),
        FlowIntValue::Var(other) => FlowIntAsk::Var(ask, other),
    };
    draft.condition(Condition::FlowInt { var, ask });
    Ok(())
}

/// A bit of a host or a pair of them: asked for or changed.
fn bit(draft: &mut Draft, arg: &Arg<'_>, command: &str, track: Track, bit: u16, expire: u32) -> Done {
    let change = match command {
        "isset" | "isnotset" => {
            draft.condition(Condition::XBits { track, bit, negated: command == "isnotset" });
            return Ok(());
        }
        "set" => BitChange::Set,
        "unset" => BitChange::Unset,
        "toggle" => BitChange::Toggle,
        _ => return arg.bad(format!("{command} is none of set, unset, toggle, isset and isnotset")),
    };
    effect(draft, Effect::XBit { track, change, bit, expire })
}

/// `xbits:COMMAND,NAME,track ip_src|ip_dst|ip_pair|tx[,expire N]`
fn xbits(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let command = parts.next().unwrap_or_default().text;
    if command == "noalert" {
        draft.rule.silent = true;
        return Ok(());
    }
    let name = parts.next().unwrap_or_default();
    if name.text.is_empty() {
        return arg.bad("xbits lacks the name of the bit");
    }
    let (mut track, mut expire) = (None, EXPIRE_DEFAULT);
    for part in parts {
        match part.text.split_once(char::is_whitespace).map(|(key, value)| (key, value.trim())) {
            Some(("track", "ip_src")) => track = Some(Track::BySrc),
            Some(("track", "ip_dst")) => track = Some(Track::ByDst),
            Some(("track", "ip_pair")) => track = Some(Track::ByBoth),
            Some(("track", "tx")) => track = Some(Track::ByTx),
            Some(("expire", n)) => match n.parse() {
                Ok(n) if n > 0 => expire = n,
                _ => return arg.bad(format!("{n} is no number of seconds")),
            },
            _ => return arg.bad(format!("{} is no option of xbits", part.text)),
        }
    }
    let Some(track) = track else { return arg.bad("xbits lacks track ip_src, ip_dst, ip_pair or tx") };
    let place = shared.x_bits.place(&mut shared.set.x_bits, name)?;
    bit(draft, arg, command, track, place, expire)
}

/// `hostbits:COMMAND,NAME[,src|dst|both[,SECONDS]]`
fn hostbits(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let (command, name) = (parts.next().unwrap_or_default().text, parts.next().unwrap_or_default());
    if command == "noalert" {
        draft.rule.silent = true;
        return Ok(());
    }
    if name.text.is_empty() {
        return arg.bad("hostbits lacks the name of the bit");
    }
    let track = match parts.next().map(|part| part.text) {
        None | Some("src" | "") => Track::BySrc,
        Some("dst") => Track::ByDst,
        Some("both") => Track::ByBoth,
        Some(other) => return arg.bad(format!("{other} is none of src, dst and both")),
    };
    let expire = match parts.next() {
        None => 300,
        Some(part) => match part.text.parse() {
            Ok(n) if n > 0 => n,
            _ => return arg.bad(format!("{} is no number of seconds", part.text)),
        },
    };
    let place = shared.x_bits.place(&mut shared.set.x_bits, name)?;
    bit(draft, arg, command, track, place, expire)
}

/// `tag:session|host[,N,packets|seconds|bytes[,src|dst]]`
fn tag(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts().map(|part| part.text);
    let session = match parts.next() {
        Some("session") => true,
        Some("host") => false,
        _ => return arg.bad("tag begins with session or host"),
    };
    let (mut count, mut metric) = (TAG_COUNT_DEFAULT, TagMetric::Packets);
    if let Some(number) = parts.next() {
        match number.parse() {
            Ok(n) => count = n,
            Err(_) => return arg.bad(format!("{number} is no number")),
        }
        metric = match parts.next() {
            Some("packets") => TagMetric::Packets,
            Some("seconds") => TagMetric::Seconds,
            Some("bytes") => TagMetric::Bytes,
            _ => return arg.bad("behind the number stands packets, seconds or bytes"),
        };
    }
    let src = match parts.next() {
        Some("src") => true,
        None | Some("dst") => false,
        Some(other) => return arg.bad(format!("{other} is neither src nor dst")),
    };
    effect(draft, Effect::Tag { session, src, count, metric })
}
