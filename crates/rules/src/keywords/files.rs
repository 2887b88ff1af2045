//! Files: their names, sizes, types and digests.

use super::payload::compared;
use super::transforms::hex;
use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Arrow, Condition, Effect, FileCondition, FlowCondition};
use crate::refusal::{Code, Done};

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["filename"], takes: Takes::Quoted, read: |draft, _, arg| name(draft, arg, false) },
    Keyword { names: &["fileext"], takes: Takes::Quoted, read: |draft, _, arg| name(draft, arg, true) },
    Keyword { names: &["filemagic"], takes: Takes::Quoted, read: magic },
    Keyword { names: &["filesize"], takes: Takes::Value, read: size },
    Keyword { names: &["filestore"], takes: Takes::Maybe, read: store },
    Keyword {
        names: &["filemd5"],
        takes: Takes::Negatable,
        read: |draft, shared, arg| digests(draft, shared, arg, 16),
    },
    Keyword {
        names: &["filesha1"],
        takes: Takes::Negatable,
        read: |draft, shared, arg| digests(draft, shared, arg, 20),
    },
    Keyword {
        names: &["filesha256"],
        takes: Takes::Negatable,
        read: |draft, shared, arg| digests(draft, shared, arg, 32),
    },
];

fn name(draft: &mut Draft, arg: &Arg<'_>, ext: bool) -> Done {
    let text = super::content::bytes(arg.value)?;
    draft.condition(Condition::File(FileCondition::Name { text, ext, negated: arg.negated }));
    Ok(())
}

fn magic(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = super::content::bytes(arg.value)?;
    draft.condition(Condition::File(FileCondition::Magic { text, negated: arg.negated }));
    Ok(())
}

/// `filesize:[DIRECTION,]COMPARISON`
fn size(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = arg.value.text;
    let (side, rest) = text.split_once(',').map_or((None, text), |(side, rest)| (Some(side.trim()), rest));
    let to_server = match side {
        None | Some("both") => None,
        Some("to_server" | "toserver" | "request") => Some(true),
        Some("to_client" | "toclient" | "response") => Some(false),
        Some(other) => return arg.bad(format!("{other} is no direction")),
    };
    let compare = compared(arg, rest, u64::MAX)?;
    if draft.rule.header.arrow == Arrow::Exchange {
        draft.rule.file_request = to_server;
    } else if to_server.is_some() {
        draft.condition(Condition::Flow(FlowCondition { to_server, ..FlowCondition::default() }));
    }
    draft.condition(Condition::File(FileCondition::Size(compare)));
    Ok(())
}

/// `filestore[:DIRECTION[,SCOPE]]`
fn store(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts().map(|part| part.text).filter(|text| !text.is_empty());
    let dir = match parts.next() {
        None => None,
        Some("request" | "to_server" | "toserver") => Some("request".into()),
        Some("response" | "to_client" | "toclient") => Some("response".into()),
        Some("both") => Some("both".into()),
        Some(other) => return arg.bad(format!("{other} is none of request, response and both")),
    };
    let scope = match parts.next() {
        None | Some("file") => "file",
        Some("tx") => "tx",
        Some("flow" | "ssn") => "flow",
        Some(other) => return arg.bad(format!("{other} is none of file, tx and flow")),
    };
    draft.condition(Condition::File(FileCondition::Any));
    draft.rule.effects.push(Effect::FileStore { dir, scope: scope.into() });
    Ok(())
}

/// A list of digests from a file: the first word of each line, in hexadecimal digits.
fn digests(draft: &mut Draft, shared: &mut Shared<'_>, arg: &Arg<'_>, len: u8) -> Done {
    let path = arg.value.text;
    let key = format!("{len} {} {path}", shared.source.name);
    let list = match shared.hash_lists.find(&key) {
        Some(list) => list,
        None => {
            let digests = read_list(shared, arg, len)?;
            let Ok(list) = u16::try_from(shared.set.hash_lists.len()) else {
                return arg.fail(Code::Limit, "the rules use too many lists of digests");
            };
            shared.set.hash_lists.push(digests);
            shared.hash_lists.know(&key, list);
            list
        }
    };
    draft.condition(Condition::File(FileCondition::Hash { len, list, negated: arg.negated }));
    Ok(())
}

fn read_list(shared: &mut Shared<'_>, arg: &Arg<'_>, len: u8) -> Done<Vec<Box<[u8]>>> {
    let path = arg.value.text;
    let bytes = match shared.files.read(&shared.source.name, path) {
        Ok(bytes) => bytes,
        Err(e) => return arg.fail(Code::File, format!("{path}: {e}")),
    };
    let mut digests = Vec::new();
    for (n, line) in bytes.split(|&c| c == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let word = line.split(u8::is_ascii_whitespace).next().and_then(|word| std::str::from_utf8(word).ok());
        match word.and_then(hex).filter(|digest| digest.len() == usize::from(len)) {
            Some(digest) => {
                shared.spend(arg, digest.len())?;
                digests.push(digest.into());
            }
            None => return arg.fail(Code::File, format!("{path}:{}: no digest of {len} bytes", n + 1)),
        }
    }
    digests.sort_unstable();
    digests.dedup();
    Ok(digests)
}

impl Shared<'_> {
    /// Counts an entry of a list or data set.
    pub(super) fn spend(&mut self, arg: &Arg<'_>, len: usize) -> Done {
        self.entry_count += 1;
        self.entry_len += len;
        if self.entry_count > self.limits.entry_count || self.entry_len > self.limits.entry_len {
            return arg.fail(Code::Limit, "the lists and data sets of the rules are too large");
        }
        Ok(())
    }
}
