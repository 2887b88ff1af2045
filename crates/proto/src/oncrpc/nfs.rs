//! What NFS's calls and replies name and move (RFC 1094 §2.2, RFC 1813 §3.3, RFC 7530 §16, RFC 8881 §18).

use super::program::{each_operation, opaque};
use hashbrown::HashMap;
use sekisho_record::Text;
use sekisho_types::{Heap, SeededState, block_len};
use sekisho_wire::{ParseError, ParseResult, Reader};
use std::hash::BuildHasher;

/// Files whose path is remembered by their handle; at this many all are forgotten.
pub(super) const MAX_PATHS: usize = 256;
/// Longest path put together.
const MAX_PATH_LEN: usize = 1024;
/// Operations of one compound that are looked at.
const MAX_OPERATIONS: u32 = 16;

/// Lengths of attributes and of what tells a change in version 3, and of version 2's handles and attributes.
const ATTRIBUTES_LEN: usize = 84;
const BEFORE_LEN: usize = 24;
const HANDLE_2_LEN: usize = 32;
const ATTRIBUTES_2_LEN: usize = 68;

/// Operations of version 4 (RFC 7530 §16, RFC 8881 §18).
pub(super) mod op {
    pub const CREATE: u32 = 6;
    pub const GETFH: u32 = 10;
    pub const LOOKUP: u32 = 15;
    pub const OPEN: u32 = 18;
    pub const PUTFH: u32 = 22;
    pub const PUTROOTFH: u32 = 24;
    pub const READ: u32 = 25;
    pub const REMOVE: u32 = 28;
    pub const WRITE: u32 = 38;
}

/// Whether content is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moves {
    Read,
    Written,
}

/// What a call says of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// The file or directory it is about.
    pub handle: Option<&'a [u8]>,
    /// A name within it, or a path.
    pub name: Vec<u8>,
    /// The name counts from the root.
    pub rooted: bool,
    pub moves: Option<Moves>,
    /// Bytes of content that the call carries.
    pub data_len: Option<u64>,
    /// Version 4: the operations, as far as they can be told.
    pub operations: Vec<&'static str>,
}

/// What a reply says of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered<'a> {
    /// Handle of what the call named.
    pub handle: Option<&'a [u8]>,
    /// Bytes of content read or written.
    pub data_len: Option<u64>,
}

/// A call of NFS 2 or 3 whose procedure has this name.
pub(super) fn asked<'a>(version: u32, procedure: &str, args: &'a [u8]) -> Asked<'a> {
    let mut out = Asked::default();
    let _ = read_call(version, procedure, &mut Reader::new(args), &mut out);
    out
}

fn read_call<'a>(version: u32, procedure: &str, r: &mut Reader<'a>, out: &mut Asked<'a>) -> ParseResult<()> {
    out.handle = Some(handle(version, r)?);
    match procedure {
        "LOOKUP" | "CREATE" | "MKDIR" | "SYMLINK" | "MKNOD" | "REMOVE" | "RMDIR" | "RENAME" => {
            out.name = opaque(r)?.to_vec();
        }
        "READ" => out.moves = Some(Moves::Read),
        "WRITE" => {
            out.moves = Some(Moves::Written);
            if version == 2 {
                r.skip(&"offsets", 12)?;
                out.data_len = Some(u64::from(r.u32(&"length")?));
            }
        }
        _ => {}
    }
    Ok(())
}

/// The new name in a RENAME of NFS 2 or 3.
pub(super) fn renamed(version: u32, args: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(args);
    handle(version, &mut r).ok()?;
    opaque(&mut r).ok()?;
    handle(version, &mut r).ok()?;
    opaque(&mut r).ok()
}

/// A successful reply of NFS 2 or 3, its status included.
pub(super) fn answered<'a>(version: u32, procedure: &str, results: &'a [u8]) -> Answered<'a> {
    read_reply(version, procedure, &mut Reader::new(results)).unwrap_or_default()
}

fn read_reply<'a>(version: u32, procedure: &str, r: &mut Reader<'a>) -> ParseResult<Answered<'a>> {
    let mut out = Answered::default();
    if r.u32(&"status")? != 0 {
        return Ok(out);
    }
    match (version, procedure) {
        (_, "LOOKUP") | (2, "CREATE" | "MKDIR") => out.handle = Some(handle(version, r)?),
        (_, "CREATE" | "MKDIR" | "SYMLINK" | "MKNOD") => {
            let follows = r.u32(&"handle follows")? == 1;
            out.handle = follows.then(|| opaque(r)).transpose()?;
        }
        (2, "READ") => {
            r.skip(&"attributes", ATTRIBUTES_2_LEN)?;
            out.data_len = Some(u64::from(r.u32(&"length")?));
        }
        (_, "READ") => {
            optional(r, ATTRIBUTES_LEN)?;
            out.data_len = Some(u64::from(r.u32(&"count")?));
        }
        (3, "WRITE") => {
            optional(r, BEFORE_LEN)?;
            optional(r, ATTRIBUTES_LEN)?;
            out.data_len = Some(u64::from(r.u32(&"count")?));
        }
        _ => {}
    }
    Ok(out)
}

pub(super) fn handle<'a>(version: u32, r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    if version < 3 { r.take(&"handle", HANDLE_2_LEN) } else { opaque(r) }
}

/// Something that is there if the word before it is 1.
fn optional(r: &mut Reader<'_>, len: usize) -> ParseResult<()> {
    if r.u32(&"follows")? == 1 { r.skip(&"attributes", len) } else { Ok(()) }
}

/// A compound of version 4.
pub(super) fn compound(args: &[u8]) -> Asked<'_> {
    let mut out = Asked::default();
    // Behind this the names are no longer those of the handle that is asked for.
    let mut named = false;
    let _ = each_operation(&mut Reader::new(args), |operation, name, r| {
        out.operations.push(name);
        match operation {
            op::PUTFH => {
                let handle = opaque(r)?;
                if out.handle.is_none() && !out.rooted {
                    out.handle = Some(handle);
                } else {
                    named = true;
                }
            }
            op::PUTROOTFH => out.rooted = out.handle.is_none(),
            op::GETFH => named = true,
            op::LOOKUP | op::REMOVE => add(&mut out.name, opaque(r)?, named),
            op::OPEN => {
                if let Some(name) = open(r)? {
                    add(&mut out.name, name, named);
                }
            }
            op::CREATE => {
                // A link's target, or a device's number, stands before the name.
                match r.u32(&"kind")? {
                    5 => drop(opaque(r)?),
                    3 | 4 => r.skip(&"device", 8)?,
                    _ => {}
                }
                add(&mut out.name, opaque(r)?, named);
                return Err(ParseError::bad(&"attributes"));
            }
            op::READ => {
                out.moves = Some(Moves::Read);
                r.skip(&"arguments", 28)?;
            }
            op::WRITE => {
                out.moves = Some(Moves::Written);
                r.skip(&"arguments", 28)?;
                out.data_len = Some(u64::from(r.u32(&"length")?));
                // The content may be cut off.
                return Err(ParseError::bad(&"content"));
            }
            _ => {}
        }
        Ok(())
    });
    out
}

/// OPEN's arguments; the name of the file, if it is opened by name.
fn open<'a>(r: &mut Reader<'a>) -> ParseResult<Option<&'a [u8]>> {
    r.skip(&"sequence, access, deny, client", 20)?;
    opaque(r)?;
    if r.u32(&"create")? == 1 {
        let how = r.u32(&"how")?;
        if how >= 2 {
            r.skip(&"verifier", 8)?;
        }
        if how != 2 {
            bitmap(r)?;
            opaque(r)?;
        }
    }
    if r.u32(&"claim")? == 0 { opaque(r).map(Some) } else { Err(ParseError::bad(&"claim")) }
}

pub(super) fn bitmap(r: &mut Reader<'_>) -> ParseResult<()> {
    let words = usize::try_from(r.u32(&"bitmap")?).unwrap_or(usize::MAX);
    r.skip(&"bitmap", words.saturating_mul(4))
}

fn add(path: &mut Vec<u8>, name: &[u8], named: bool) {
    if named || path.len() + name.len() >= MAX_PATH_LEN {
        return;
    }
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

/// A compound's results.
pub(super) fn compound_answered(results: &[u8]) -> Answered<'_> {
    let mut out = Answered::default();
    let _ = read_results(&mut Reader::new(results), &mut out);
    out
}

fn read_results<'a>(r: &mut Reader<'a>, out: &mut Answered<'a>) -> ParseResult<()> {
    r.skip(&"status", 4)?;
    opaque(r)?;
    for _ in 0..r.u32(&"results")?.min(MAX_OPERATIONS) {
        let operation = r.u32(&"operation")?;
        if r.u32(&"status")? != 0 {
            break;
        }
        match operation {
            op::PUTFH | op::PUTROOTFH | op::LOOKUP | 16 | 23 | 30..=32 => {}
            op::GETFH => out.handle = out.handle.or(Some(opaque(r)?)),
            op::READ => {
                r.skip(&"end of file", 4)?;
                out.data_len = Some(u64::from(r.u32(&"length")?));
                break;
            }
            op::WRITE => {
                out.data_len = Some(u64::from(r.u32(&"count")?));
                break;
            }
            op::OPEN => {
                r.skip(&"state id, change, flags", 40)?;
                bitmap(r)?;
                // Of a delegation only that there is none can be passed over.
                if r.u32(&"delegation")? != 0 {
                    break;
                }
            }
            op::CREATE => {
                r.skip(&"change", 20)?;
                bitmap(r)?;
            }
            9 => {
                bitmap(r)?;
                opaque(r)?;
            }
            3 | 5 => r.skip(&"access", 8)?,
            4 => r.skip(&"state id", 16)?,
            53 => r.skip(&"sequence", 36)?,
            _ => break,
        }
    }
    Ok(())
}

/// Paths by handle, as far as their names were seen to get one.
pub(super) struct Paths {
    known: HashMap<u64, Text, SeededState>,
    len: usize,
}

impl Default for Paths {
    fn default() -> Self {
        // Handles are the server's; the size is bounded, so that aiming at a bucket gains little.
        Self { known: HashMap::with_hasher(SeededState(0x6e_6673)), len: 0 }
    }
}

impl Heap for Paths {
    fn heap_len(&self) -> usize {
        block_len(self.known.allocation_size()) + self.len
    }
}

impl Paths {
    /// The path of what a call is about.
    pub fn of(&self, asked: &Asked<'_>) -> Option<Text> {
        let base = match asked.handle {
            _ if asked.rooted => Some(&b""[..]),
            Some(handle) => self.known.get(&digest(handle)).map(|t| t.0.as_slice()),
            None => None,
        };
        match (base, asked.name.is_empty()) {
            (None, true) => None,
            (None, false) => Some(asked.name.clone().into()),
            (Some(b""), true) => Some("/".into()),
            (Some(base), true) => Some(base.into()),
            (Some(base), false) if base.len() + asked.name.len() < MAX_PATH_LEN => {
                let slash: &[u8] = if base.ends_with(b"/") { b"" } else { b"/" };
                Some([base, slash, &asked.name].concat().into())
            }
            (Some(_), false) => None,
        }
    }

    /// A handle got to be known.
    pub fn learn(&mut self, handle: &[u8], path: Text) {
        if self.known.len() >= MAX_PATHS {
            self.known.clear();
            self.len = 0;
        }
        self.len += path.heap_len();
        if let Some(old) = self.known.insert(digest(handle), path) {
            self.len = self.len.saturating_sub(old.heap_len());
        }
    }
}

/// Stands for a handle.
pub(super) fn digest(handle: &[u8]) -> u64 {
    SeededState(0x6e_6673).hash_one(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[u32]) -> Vec<u8> {
        all.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    #[test]
    fn parses_what_version_3_moves() {
        let read = [words(&[0, 1]), vec![0; ATTRIBUTES_LEN], words(&[4096, 1, 4096])].concat();
        assert_eq!(answered(3, "READ", &read).data_len, Some(4096));
        let written = [words(&[0, 1]), vec![0; BEFORE_LEN], words(&[0, 512, 2])].concat();
        assert_eq!(answered(3, "WRITE", &written).data_len, Some(512));
        assert_eq!(answered(3, "READ", &words(&[70, 0])), Answered::default());
        let created = [words(&[0, 1, 4]), b"HAND".to_vec()].concat();
        assert_eq!(answered(3, "CREATE", &created).handle, Some(&b"HAND"[..]));
        let write2 = [vec![7; HANDLE_2_LEN], words(&[0, 0, 9, 9])].concat();
        assert_eq!(asked(2, "WRITE", &write2).data_len, Some(9));
    }

    #[test]
    fn parses_compounds() {
        let open = [words(&[18, 0, 1, 0, 0, 0, 0, 0, 0, 5]), b"a.txt\0\0\0".to_vec()].concat();
        let args = [words(&[0, 1, 5, 53]), vec![0; 32], words(&[22, 2]), b"dd\0\0".to_vec(), open, words(&[10, 9, 0])];
        let args = args.concat();
        let got = compound(&args);
        assert_eq!((got.handle, got.name.as_slice()), (Some(&b"dd"[..]), &b"a.txt"[..]));
        assert_eq!(got.operations, ["SEQUENCE", "PUTFH", "OPEN", "GETFH", "GETATTR"]);
        let opened = [vec![0; 40], words(&[1, 0, 0])].concat();
        let results = [words(&[0, 0, 3, 22, 0, 18, 0]), opened, words(&[10, 0, 2]), b"ff\0\0".to_vec()].concat();
        assert_eq!(compound_answered(&results).handle, Some(&b"ff"[..]));
        let write = [words(&[0, 1, 2, 22, 2]), b"ff\0\0".to_vec(), words(&[38]), vec![0; 28], words(&[9000])].concat();
        assert_eq!((compound(&write).data_len, compound(&write).moves), (Some(9000), Some(Moves::Written)));
        assert_eq!(compound_answered(&words(&[0, 0, 2, 22, 0, 25, 0, 1, 77])).data_len, Some(77));
    }

    #[test]
    fn puts_paths_together_and_limits_them() {
        let mut paths = Paths::default();
        let ask = |name: &str| Asked { handle: Some(b"d"), name: name.into(), ..Asked::default() };
        assert_eq!(paths.of(&ask("a")).unwrap().0, b"a");
        paths.learn(b"d", "/home".into());
        assert_eq!(paths.of(&ask("a")).unwrap().0, b"/home/a");
        assert_eq!(paths.of(&ask("")).unwrap().0, b"/home");
        assert_eq!(paths.of(&Asked { rooted: true, ..ask("a/b") }).unwrap().0, b"/a/b");
        for n in 0..3 * MAX_PATHS as u64 {
            paths.learn(&n.to_be_bytes(), "/x".into());
        }
        assert!(paths.known.len() <= MAX_PATHS && paths.heap_len() < 1 << 16);
    }
}
