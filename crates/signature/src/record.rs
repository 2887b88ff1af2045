//! What is logged about matches.

use crate::hash_list::{HashList, Hit};
use crate::scan::{Externals, Match, Outcome};
use sekisho_record::{Digest, Record, Text, UnsetIfEmpty};
use sekisho_types::{Timestamp, Uid};

/// A content that a YARA rule matches, or whose hash stands in a list.
#[derive(Clone, Debug, Default, Record)]
#[record(log = "matches")]
pub struct MatchRecord {
    /// Time of the first byte of the file that crossed the network.
    pub ts: Timestamp,
    /// Unique id of that file.
    pub fuid: Uid,
    /// Unique id of the flow that carried it.
    pub uid: Uid,
    /// The way from the file to the content, e.g. `gzip → tar:b.txt`; unset for the file itself.
    pub path: Option<String>,
    /// The member's number within the file: 0 is the file itself.
    pub member: u64,
    /// Name of the content: the member's, or the file's.
    pub name: Option<Text>,
    /// Bytes of content.
    pub size: u64,
    /// SHA-256 of the content, if it is known.
    pub sha256: Option<Digest<32>>,
    /// What found it: `yara` or `hash`.
    pub by: &'static str,
    /// The YARA rule that matches.
    pub rule: Option<String>,
    /// The rule's namespace: the file it was loaded from.
    pub namespace: Option<String>,
    /// The rule's tags.
    pub tags: UnsetIfEmpty<String>,
    /// The rule's description.
    pub description: Option<String>,
    /// The rule's author.
    pub author: Option<String>,
    /// The rule's reference.
    pub reference: Option<String>,
    /// The rule's score, as LOKI's rules have it.
    pub score: Option<i64>,
    /// Where the rule's strings match, e.g. `$a@0x1f+6:needle`: string, offset in the content, length, the bytes' beginning escaped.
    pub strings: UnsetIfEmpty<String>,
    /// Places where they match in all, as far as they were counted.
    pub string_count: u64,
    /// The list in which the content's hash stands.
    pub list: Option<String>,
    /// Line of the hash in the list.
    pub list_line: Option<u64>,
    /// Which hash stands there: `md5`, `sha1` or `sha256`.
    pub list_hash: Option<&'static str>,
    /// Is the content whole, and was every rule tried on all of it?
    pub complete: bool,
    /// Why not.
    pub incomplete: Option<String>,
}

impl MatchRecord {
    /// A rule's match, for a content that `self` describes.
    #[must_use]
    pub fn with_rule(mut self, found: &Match, outcome: &Outcome) -> Self {
        self.by = "yara";
        self.rule = Some(found.rule.clone());
        self.namespace = Some(found.namespace.clone());
        self.tags = UnsetIfEmpty(found.tags.clone());
        self.description.clone_from(&found.description);
        self.author.clone_from(&found.author);
        self.reference.clone_from(&found.reference);
        self.score = found.score;
        let place = |p: &crate::Found| format!("{}@{:#x}+{}:{}", p.id, p.offset, p.length, p.excerpt.escape_ascii());
        self.strings = UnsetIfEmpty(found.places.iter().map(place).collect());
        self.string_count = found.place_count;
        if let Some(why) = outcome.incomplete() {
            self.complete = false;
            self.incomplete.get_or_insert_with(|| why.to_owned());
        }
        self
    }

    /// A hit in a list, for a content that `self` describes.
    #[must_use]
    pub fn with_hash(mut self, list: &HashList, hit: Hit) -> Self {
        self.by = "hash";
        self.list = Some(list.name().to_owned());
        self.list_line = Some(hit.line.into());
        self.list_hash = Some(hit.algorithm);
        self
    }

    /// What rules may ask about the content. `filetype` is given, as records hold none.
    pub fn externals<'a>(&'a self, filetype: &'a str) -> Externals<'a> {
        let name = self.name.as_ref().map_or(&[][..], |n| &n.0);
        let after = |b: &u8| *b == b'/' || *b == b'\\';
        let filename = name.rsplit(after).next().unwrap_or_default();
        let extension = filename.iter().rposition(|b| *b == b'.').and_then(|at| filename.get(at..)).unwrap_or_default();
        let filepath = self.path.as_ref().map_or(name, |p| p.as_bytes());
        Externals { filename, filepath, extension, filetype: filetype.as_bytes(), owner: b"" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Loader, NoIncludes};

    #[test]
    fn a_row_tells_rule_and_places() {
        let mut loader = Loader::new();
        let text = b"rule r : t { meta: description = \"d\" strings: $a = { 41 00 42 } condition: $a }";
        loader.add("r.yar", "r", text, &mut NoIncludes);
        let (rules, _) = loader.finish(Limits { content_len: 10, ..Limits::default() });
        let about = MatchRecord { complete: true, name: Some("dir/x.tar.GZ".into()), ..MatchRecord::default() };
        let outcome = rules.scan(b"..A\0B......", &about.externals("GZIP"));
        let row = about.clone().with_rule(&outcome.matches[0], &outcome);
        assert_eq!(
            (row.by, row.rule.as_deref(), row.strings.0.as_slice()),
            ("yara", Some("r"), &["$a@0x2+3:A\\x00B".to_owned()][..])
        );
        assert_eq!((row.complete, row.incomplete.as_deref()), (false, Some("only the beginning was scanned")));
        let asked = about.externals("GZIP");
        assert_eq!((asked.filename, asked.extension, asked.filetype), (&b"x.tar.GZ"[..], &b".GZ"[..], &b"GZIP"[..]));
    }
}
