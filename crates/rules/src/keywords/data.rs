//! `dataset`, `datarep`: sets of strings, digests and addresses, from files and from traffic.

use super::payload::compared;
use super::transforms::hex;
use super::{Keyword, Takes};
use crate::config::Node;
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Dataset, DatasetKind, DatasetOp, Step};
use crate::refusal::{Code, Done};
use sekisho_types::Addr;
use serde_json::Value;
use std::net::IpAddr;

/// Entries that a set takes at most, unless its memory is said.
const ENTRY_COUNT_DEFAULT: u64 = 1 << 20;

/// Bytes that Suricata reckons with for one entry.
const ENTRY_LEN: u64 = 64;

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["dataset"], takes: Takes::Value, read: dataset },
    Keyword { names: &["datarep"], takes: Takes::Value, read: datarep },
];

/// What a rule or the configuration says of a set.
#[derive(Default)]
struct Said<'a> {
    kind: Option<DatasetKind>,
    load: Option<&'a str>,
    /// `state`: need not exist yet.
    state: Option<&'a str>,
    memcap: Option<u64>,
    format: Option<&'a str>,
    value_key: Option<&'a str>,
    array_key: Option<&'a str>,
    context_key: Option<&'a str>,
    remove_key: bool,
    subdomains: bool,
}

impl<'a> Said<'a> {
    /// Takes one option; false if it is none.
    fn take(&mut self, name: &'a str, value: &'a str) -> bool {
        match name {
            "type" => {
                self.kind = kind(value);
                return self.kind.is_some();
            }
            "load" => self.load = Some(value),
            "state" => self.state = Some(value),
            "save" | "hashsize" => {}
            "memcap" => self.memcap = Node::Scalar(value.into()).size(),
            "format" => self.format = Some(value),
            "value_key" => self.value_key = Some(value),
            "array_key" => self.array_key = Some(value),
            "context_key" | "enrichment_key" => self.context_key = Some(value),
            "remove_key" => self.remove_key = true,
            "match" if value == "subdomain" => self.subdomains = true,
            _ => return false,
        }
        true
    }

    fn options(&mut self, arg: &Arg<'a>, rest: &'a str) -> Done {
        for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((part, ""));
            if !self.take(name, value.trim()) {
                return arg.bad(format!("{part} is no option of {}", arg.name.text));
            }
        }
        Ok(())
    }
}

fn kind(text: &str) -> Option<DatasetKind> {
    match text {
        "string" => Some(DatasetKind::String),
        "md5" => Some(DatasetKind::Md5),
        "sha256" => Some(DatasetKind::Sha256),
        "ipv4" => Some(DatasetKind::Ipv4),
        "ip" => Some(DatasetKind::Ip),
        _ => None,
    }
}

/// `dataset:COMMAND,NAME[,OPTION VALUE…]`
fn dataset(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.value.text.splitn(3, ',').map(str::trim);
    let op = match parts.next() {
        Some("isset") => DatasetOp::IsSet,
        Some("isnotset") => DatasetOp::IsNotSet,
        Some("set") => DatasetOp::Set,
        Some("unset") => DatasetOp::Unset,
        _ => return arg.bad("dataset begins with isset, isnotset, set or unset"),
    };
    let Some(name) = parts.next().filter(|name| !name.is_empty()) else {
        return arg.bad("dataset lacks the set's name");
    };
    let mut said = Said::default();
    said.options(arg, parts.next().unwrap_or(""))?;
    put(draft, shared, arg, name, said, op)
}

/// `datarep:NAME,SIGN,NUMBER[,OPTION VALUE…]`
fn datarep(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.value.text.splitn(4, ',').map(str::trim);
    let name = parts.next().unwrap_or("");
    let (sign, number) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let sign = if sign == "==" { "=" } else { sign };
    let compare = compared(arg, &format!("{sign}{number}"), u16::MAX.into())?;
    let mut said = Said::default();
    said.options(arg, parts.next().unwrap_or(""))?;
    put(draft, shared, arg, name, said, DatasetOp::Reputation(compare))
}

fn put(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>, name: &str, said: Said<'_>, op: DatasetOp) -> Done {
    if draft.buffer().is_none() {
        return arg.misplaced(format!("{} stands behind a sticky buffer", arg.name.text));
    }
    let known = shared.datasets.find(name);
    let set = match known {
        Some(set) => {
            let same = |set: &Dataset| said.kind.is_none_or(|kind| set.kind == kind);
            if !shared.set.datasets.get(usize::from(set)).is_some_and(same) {
                return arg.misplaced(format!("the set {name} is of another type elsewhere"));
            }
            set
        }
        None => define(shared, arg, name, said)?,
    };
    draft.put(Step::Dataset { set, op });
    Ok(())
}

fn define(shared: &mut Shared<'_>, arg: &Arg<'_>, name: &str, said: Said<'_>) -> Done<u16> {
    let config = shared.config;
    let mut whole = said;
    let mut base = &*shared.source.name;
    for (key, value) in config.path("datasets").get(name).entries() {
        let value = value.text().unwrap_or("");
        let taken = match key {
            "type" if whole.kind.is_some() => true,
            "load" if whole.load.is_none() => {
                base = &config.name;
                whole.take(key, value)
            }
            _ => whole.take(key, value),
        };
        if !taken {
            return arg.bad(format!("datasets.{name}.{key}: {value} means nothing"));
        }
    }
    let Some(kind) = whole.kind else { return arg.bad(format!("nothing says what type the set {name} is of")) };
    let memcap = whole.memcap.map_or(ENTRY_COUNT_DEFAULT, |len| (len / ENTRY_LEN).max(1));
    let mut set = Dataset {
        name: name.into(),
        kind,
        entries: Vec::new(),
        memcap,
        context_key: whole.context_key.map(Into::into),
        subdomains: whole.subdomains,
    };
    if let Some(path) = whole.load.or(whole.state) {
        match shared.files.read(base, path) {
            Ok(bytes) => load(shared, arg, &whole, &mut set, path, &String::from_utf8_lossy(&bytes))?,
            Err(_) if whole.load.is_none() => {}
            Err(e) => return arg.fail(Code::File, format!("{path}: {e}")),
        }
    }
    let Ok(place) = u16::try_from(shared.set.datasets.len()) else {
        return arg.fail(Code::Limit, "the rules use too many data sets");
    };
    shared.set.datasets.push(set);
    shared.datasets.know(name, place);
    Ok(place)
}

fn load(shared: &mut Shared<'_>, arg: &Arg<'_>, said: &Said<'_>, set: &mut Dataset, path: &str, text: &str) -> Done {
    match said.format {
        None | Some("csv") => {
            for (n, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let (value, extra) = line.split_once(',').unwrap_or((line, ""));
                let Some(value) = decode(set.kind, value.trim(), true) else {
                    return arg.fail(Code::File, format!("{path}:{}: no entry of that type", n + 1));
                };
                let extra = Some(extra.trim()).filter(|e| !e.is_empty());
                shared.spend(arg, value.len())?;
                set.entries.push((value.into(), extra.map(Into::into)));
            }
            Ok(())
        }
        Some("ndjson" | "jsonline") => {
            for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                match serde_json::from_str(line) {
                    Ok(value) => object(shared, arg, said, set, value)?,
                    Err(_) => return arg.fail(Code::File, format!("{path}:{}: no JSON", n + 1)),
                }
            }
            Ok(())
        }
        Some("json") => {
            let Ok(mut value) = serde_json::from_str::<Value>(text) else {
                return arg.fail(Code::File, format!("{path}: no JSON"));
            };
            for key in said.array_key.unwrap_or("").split('.').filter(|key| !key.is_empty()) {
                value = value.get_mut(key).map(Value::take).unwrap_or_default();
            }
            match value {
                Value::Array(items) => items.into_iter().try_for_each(|item| object(shared, arg, said, set, item)),
                _ => arg.fail(Code::File, format!("{path}: no list in it")),
            }
        }
        Some(other) => arg.bad(format!("{other} is none of csv, json and ndjson")),
    }
}

/// An entry with its context.
fn object(shared: &mut Shared<'_>, arg: &Arg<'_>, said: &Said<'_>, set: &mut Dataset, mut item: Value) -> Done {
    let keys: Vec<&str> = said.value_key.unwrap_or("").split('.').filter(|key| !key.is_empty()).collect();
    let found = keys.iter().try_fold(&item, |value, key| value.get(key)).and_then(Value::as_str);
    let Some(value) = found.and_then(|text| decode(set.kind, text, false)) else { return Ok(()) };
    if said.remove_key
        && let (Some(map), [key]) = (item.as_object_mut(), &keys[..])
    {
        map.remove(*key);
    }
    let context = item.to_string();
    shared.spend(arg, value.len() + context.len())?;
    set.entries.push((value.into(), Some(context.into())));
    Ok(())
}

/// An entry as bytes. Strings are in base64 in plain lists, as they are in JSON. Addresses are 16 bytes, IPv4 mapped.
fn decode(kind: DatasetKind, text: &str, is_coded: bool) -> Option<Vec<u8>> {
    match kind {
        DatasetKind::String if is_coded => base64(text),
        DatasetKind::String => Some(text.as_bytes().to_vec()),
        DatasetKind::Md5 => hex(text).filter(|bytes| bytes.len() == 16),
        DatasetKind::Sha256 => hex(text).filter(|bytes| bytes.len() == 32),
        DatasetKind::Ipv4 | DatasetKind::Ip => {
            let addr: IpAddr = text.parse().ok()?;
            let addr = Addr::from(addr);
            (kind == DatasetKind::Ip || addr.is_v4()).then(|| addr.octets().to_vec())
        }
    }
}

/// Base64 of RFC 4648 §4; what is missing at the end is forgiven.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let sextet = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_entries() {
        assert_eq!(base64("Y3VybC83LjQzLjA=").unwrap(), b"curl/7.43.0");
        assert_eq!(base64("a*"), None);
        assert_eq!(decode(DatasetKind::Ip, "1.2.3.4", true).unwrap()[12..], [1, 2, 3, 4]);
        assert_eq!(decode(DatasetKind::Ipv4, "::1", true), None);
        assert_eq!(decode(DatasetKind::Md5, "00", true), None);
    }
}
