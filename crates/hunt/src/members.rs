//! A content with all that is in it: the sink that searches each member while it is unpacked.

use crate::pattern::Hunt;
use crate::scan::{DEPTH_MAX, Found, Hit};
use crate::stream::Stream;
use hashbrown::HashMap;
use sekisho_types::SeededState;
use sekisho_unpack::{Anomaly, Completeness, Content, Member, MemberId, Sink, Visit};

/// Hits kept of one content.
pub const MEMBER_HIT_COUNT_MAX: usize = 20_000;

/// A hit in a content or in one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberHit {
    /// Steps from the content to the member, as [`sekisho_unpack::Step`] prints them; empty: the content itself.
    pub path: Vec<String>,
    /// The hit; its offset is the member's.
    pub hit: Hit,
    /// Offset in the outermost content: exact where members are stored as they are, else where the packed member begins.
    pub root_offset: u64,
}

/// What is remembered of a member: enough to tell which part of its parent it is.
struct Known {
    parent: Option<u32>,
    /// Where in the parent it begins, and how long it is there.
    place: Option<(u64, u64)>,
    /// Its bytes are the parent's.
    stored: bool,
    /// The last step in words.
    step: String,
}

/// A hit of a member.
struct Owned {
    id: u32,
    hit: Hit,
    /// In its name, not in its content.
    name: bool,
}

/// A part of a member that another one came out of.
#[derive(PartialEq, Eq)]
struct Part {
    child: u32,
    /// `None`: it can't be told which.
    range: Option<(u64, u64)>,
}

/// Searches everything that an [`sekisho_unpack::Unpacker`] tells it.
pub struct Members<'h> {
    hunt: &'h Hunt,
    known: Vec<Known>,
    hits: Vec<Owned>,
    counts: Found,
    depth: usize,
    /// Members that are encrypted and that no password opened.
    encrypted: u64,
    /// The root is searched by somebody else.
    skip_root: bool,
}

impl<'h> Members<'h> {
    /// For one content.
    pub fn new(hunt: &'h Hunt) -> Self {
        Self::within(hunt, 0)
    }

    /// For a content that lies `depth` levels deep already.
    pub(crate) fn within(hunt: &'h Hunt, depth: usize) -> Self {
        let (known, hits, counts) = (Vec::new(), Vec::new(), Found::default());
        Self { hunt, known, hits, counts, depth, encrypted: 0, skip_root: false }
    }

    /// Leaves the outermost content out: it has been searched.
    #[must_use]
    pub fn without_root(mut self) -> Self {
        self.skip_root = true;
        self
    }

    /// Members of the content, itself left out.
    pub fn member_count(&self) -> usize {
        self.known.len().saturating_sub(1)
    }

    /// Members that no password opened.
    pub fn encrypted(&self) -> u64 {
        self.encrypted
    }

    /// All hits, each where it is deepest, and what limits left out.
    pub fn finish(mut self) -> (Vec<MemberHit>, Found) {
        let counts = std::mem::take(&mut self.counts);
        let deeper = self.deeper();
        let is_deepest = |own: &&Owned| {
            let parts = deeper.get(&(own.id, own.hit.pattern, own.hit.bytes.as_slice()));
            let inside = |p: &Part| p.range.is_none_or(|(from, to)| (from..to).contains(&own.hit.offset));
            !parts.is_some_and(|parts| parts.iter().any(inside))
        };
        let hits = self.hits.iter().filter(is_deepest).map(|own| MemberHit {
            path: self.path(own.id),
            hit: own.hit.clone(),
            root_offset: self.root_offset(own.id, own.hit.offset),
        });
        (hits.collect(), counts)
    }

    /// For each member and each text: parts of the member in which the text was found deeper.
    fn deeper(&self) -> HashMap<(u32, usize, &[u8]), Vec<Part>, SeededState> {
        let mut deeper: HashMap<_, Vec<Part>, _> = HashMap::with_hasher(SeededState(0x6465_6570));
        for own in &self.hits {
            let mut child = own.id;
            while let Some(known) = self.known(child) {
                let Some(parent) = known.parent else { break };
                let place = known.place.map(|(at, len)| (at, at.saturating_add(len)));
                // A name stands anywhere in what it was in.
                let part = Part { child, range: if own.name { None } else { place } };
                let parts = deeper.entry((parent, own.hit.pattern, own.hit.bytes.as_slice())).or_default();
                if parts.last().is_none_or(|p| *p != part) {
                    parts.push(part);
                }
                child = parent;
            }
        }
        deeper
    }

    fn add(&mut self, id: u32, found: Found, name: bool) {
        self.counts.count(&found);
        let room = MEMBER_HIT_COUNT_MAX.saturating_sub(self.hits.len());
        self.counts.hits_cut += u64::from(found.hits.len() > room);
        self.hits.extend(found.hits.into_iter().take(room).map(|hit| Owned { id, hit, name }));
    }

    fn known(&self, id: u32) -> Option<&Known> {
        self.known.get(usize::try_from(id).ok()?)
    }

    fn path(&self, id: u32) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(id);
        while let Some(known) = at.and_then(|id| self.known(id)) {
            if known.parent.is_some() {
                path.push(known.step.clone());
            }
            at = known.parent;
        }
        path.reverse();
        path
    }

    fn root_offset(&self, id: u32, offset: u64) -> u64 {
        let (mut at, mut offset) = (id, offset);
        while let Some(known) = self.known(at) {
            let Some(parent) = known.parent else { break };
            let start = known.place.map_or(0, |p| p.0);
            offset = if known.stored { start.saturating_add(offset) } else { start };
            at = parent;
        }
        offset
    }
}

impl Sink for Members<'_> {
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit {
        let step = member.step();
        let offset = step.and_then(|s| s.offset);
        self.known.push(Known {
            parent: member.parent.map(|p| p.0),
            place: offset.zip(member.stored_len),
            stored: offset.is_some() && member.stored_len == Some(content.len()),
            step: step.map(ToString::to_string).unwrap_or_default(),
        });
        self.encrypted += u64::from(member.completeness == Completeness::Encrypted);
        if self.skip_root && member.parent.is_none() {
            return Visit::Open;
        }
        let depth = self.depth + usize::from(member.parent.is_some() && self.depth > 0);
        let (mut stream, mut found) = (Stream::within(depth), Found::default());
        // Names may be what is looked for.
        if let Some(step) = step.filter(|s| member.parent.is_some() && !s.name.is_empty()) {
            let mut named = Found::default();
            crate::scan::search(self.hunt, &step.name, &mut named);
            named.hits.iter_mut().for_each(|h| h.offset = 0);
            self.add(member.id.0, named, true);
        }
        content.pieces(&mut |piece| {
            stream.push(self.hunt, piece, &mut found);
            true
        });
        stream.cut(self.hunt, 0, &mut found);
        self.add(member.id.0, found, false);
        if self.depth < DEPTH_MAX { Visit::Open } else { Visit::Skip }
    }

    fn anomaly(&mut self, _: MemberId, _: Anomaly) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Pattern};
    use sekisho_unpack::{Budget, Unpacker};

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in members {
            let mut head = [0u8; 512];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[100..108].copy_from_slice(b"0000644\0");
            head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            head[136..148].copy_from_slice(b"00000000000\0");
            head[148..156].copy_from_slice(b"        ");
            head[156] = b'0';
            head[257..265].copy_from_slice(b"ustar\x0000");
            let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
            head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            out.extend_from_slice(&head);
            out.extend_from_slice(content);
            out.resize(out.len().next_multiple_of(512), 0);
        }
        out.resize(out.len() + 1024, 0);
        out
    }

    fn hits(content: &[u8]) -> Vec<(String, String, u64, u64)> {
        let hunt = Hunt::new(vec![Pattern::flag()], Options::default()).unwrap();
        let mut members = Members::new(&hunt);
        Unpacker::new(&mut Budget::default()).run(Content::from_bytes(content), b"", &mut members);
        let (hits, _) = members.finish();
        let row = |h: MemberHit| {
            let codings = h.hit.path.iter().map(ToString::to_string);
            let path = h.path.iter().cloned().chain(codings).collect::<Vec<_>>().join(" → ");
            (path, String::from_utf8_lossy(&h.hit.bytes).into_owned(), h.hit.offset, h.root_offset)
        };
        hits.into_iter().map(row).collect()
    }

    fn row(path: &str, text: &str, offset: u64, root_offset: u64) -> (String, String, u64, u64) {
        (path.to_owned(), text.to_owned(), offset, root_offset)
    }

    #[test]
    fn tells_each_hit_where_it_is_deepest() {
        let inner = tar(&[("readme.txt", b"nothing"), ("secret.txt", b"ZmxhZ3tuZXN0ZWR9\n")]);
        let outer = tar(&[("notes.txt", b"a plain flag{outer_one} here"), ("inner.tar", &inner)]);
        assert_eq!(
            hits(&outer),
            [
                row("tar:notes.txt", "flag{outer_one}", 8, 520),
                row("tar:inner.tar → tar:secret.txt → base64", "flag{nested}", 0, 3072),
            ]
        );
    }

    #[test]
    fn equal_hits_in_several_places_are_several() {
        let inner = tar(&[("b.txt", b"flag{the_same}")]);
        let outer = tar(&[("a.txt", b"flag{the_same}"), ("in.tar", &inner)]);
        assert_eq!(
            hits(&outer),
            [row("tar:a.txt", "flag{the_same}", 0, 512), row("tar:in.tar → tar:b.txt", "flag{the_same}", 0, 2048),]
        );
    }

    #[test]
    fn names_count() {
        let got = hits(&tar(&[("flag{in_the_name}.txt", b"nothing")]));
        assert_eq!(got, [row("tar:flag{in_the_name}.txt", "flag{in_the_name}", 0, 512)]);
    }
}
