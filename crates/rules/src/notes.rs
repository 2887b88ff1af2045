//! What a rule tells readers: message, references, metadata. Of tens of thousands of rules few ever match, so it is read from
//! the rule's text when it is first asked for.

use crate::config::Systems;
use crate::ir::Rule;
use crate::keywords::unquoted;
use crate::syntax::{Choice, Word, parts, tree};
use std::sync::{Arc, OnceLock};

/// Two texts: key and value, or system and id.
type Pair = (Box<str>, Box<str>);

/// Read, or not yet. Says nothing that the rule's text does not: all are equal.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    read: OnceLock<Box<Read>>,
    systems: Option<Arc<Systems>>,
}

impl PartialEq for Notes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Notes {}

#[derive(Clone, Debug, Default)]
struct Read {
    msg: Box<str>,
    references: Vec<Pair>,
    metadata: Vec<Pair>,
}

impl Notes {
    /// Not yet read; `systems` say what stands before references.
    pub(crate) const fn new(systems: Arc<Systems>) -> Self {
        Self { read: OnceLock::new(), systems: Some(systems) }
    }
}

impl Rule {
    /// `msg`.
    pub fn msg(&self) -> &str {
        &self.notes().msg
    }

    /// `reference`s: system and id, with the system's address before it if there is a reference file.
    pub fn references(&self) -> &[(Box<str>, Box<str>)] {
        &self.notes().references
    }

    /// `metadata`: key and value, in order.
    pub fn metadata(&self) -> &[(Box<str>, Box<str>)] {
        &self.notes().metadata
    }

    fn notes(&self) -> &Read {
        let Notes { read, systems } = &self.meta.notes;
        read.get_or_init(|| Box::new(Read::of(&self.text, systems.as_deref())))
    }
}

impl Read {
    /// From the rule's text, which was read before.
    fn of(text: &str, systems: Option<&Systems>) -> Self {
        let mut read = Self::default();
        let choices = tree(text).map(|tree| tree.choices).unwrap_or_default();
        for choice in &choices {
            match choice.name.text {
                "msg" => read.msg = unescaped(value(choice).text),
                "reference" => read.references.extend(reference(value(choice).text, systems)),
                "metadata" => read.metadata.extend(metadata(value(choice))),
                _ => {}
            }
        }
        read
    }
}

fn value<'a>(choice: &Choice<'a>) -> Word<'a> {
    choice.value.and_then(unquoted).unwrap_or_default()
}

/// Without the `\` before signs that mean something in rules.
fn unescaped(text: &str) -> Box<str> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some('"' | ';' | '\\' | ':') if c == '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out.into()
}

/// `SYSTEM,ID`
fn reference(text: &str, systems: Option<&Systems>) -> Option<Pair> {
    let (system, id) = text.split_once(',')?;
    let (system, id) = (system.trim(), id.trim());
    // What names its own scheme needs no prefix.
    let prefix = if id.contains("://") { None } else { systems.and_then(|systems| systems.prefix(system)) };
    Some((system.into(), format!("{}{id}", prefix.unwrap_or("")).into()))
}

/// `KEY VALUE, KEY VALUE`
fn metadata(value: Word<'_>) -> impl Iterator<Item = Pair> {
    parts(value).map(|part| part.text).filter(|part| !part.is_empty()).map(|part| {
        let (key, value) = part.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((part, ""));
        (key.into(), value.trim().into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_rule_says() {
        let mut systems = Systems::default();
        systems.add("config reference: url http://\n");
        let text = "alert ip any any -> any any (msg:\"no\"; msg: \"a\\\"b\\; \\c\"; reference:URL, x.org ; reference:cve,1; \
                    reference:url,https://y; metadata: a b  c ,, d; metadata:\"e f\"; sid:1;)";
        let read = Read::of(text, Some(&systems));
        let pairs = |list: &[Pair]| list.iter().map(|(a, b)| format!("{a}={b}")).collect::<Vec<_>>();
        assert_eq!(&*read.msg, "a\"b; \\c");
        assert_eq!(pairs(&read.references), ["URL=http://x.org", "cve=1", "url=https://y"]);
        assert_eq!(pairs(&read.metadata), ["a=b  c", "d=", "e=f"]);
        assert!(Read::of("", None).msg.is_empty());
    }
}
