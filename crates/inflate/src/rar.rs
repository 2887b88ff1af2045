//! RAR archives, versions 1.5 to 7, by the `rars` crate: what is in them, and contents within [`Limits`].
//!
//! A RAR archive can't be taken in pieces: members lean on each other, and the crate wants to seek. So an [`Archive`] holds
//! the packed bytes, and one member at a time is held unpacked.
//!
//! **Not unpacked:** what versions 3 and 4 compress. Their streams carry programs (up to 8,192 of 25 million steps each)
//! that the crate runs without a way to count them, so a few kilobytes could take minutes. What they store, and all that
//! other versions compress, is unpacked.

use crate::{Limits, Stop};
use rars::{
    ArchiveMember, ArchiveMemberDetail, ArchiveReadOptions, ArchiveReader, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Headers of one archive.
const HEADER_COUNT_MAX: u64 = 100_000;
/// Bytes of all headers of one archive.
const HEADER_LEN_MAX: u64 = 32 << 20;
/// Rounds of key derivation in versions 3 and 4.
const ROUNDS_OF_OLD: u64 = 1 << 18;
/// Most rounds of key derivation as a power of two; RAR writes 15 and the format allows 24.
const ROUNDS_POWER_MAX: u32 = 18;
/// What a version 5 archive begins with.
const MARK_OF_5: &[u8] = b"Rar!\x1a\x07\x01\x00";
/// Type of the header that says how all others are encrypted.
const ENCRYPTION_HEADER: u64 = 4;
/// Zeros in place of what is lacking.
const ZEROS: [u8; 4096] = [0; 4096];

/// Why an archive can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It isn't what the format asks for.
    Corrupt,
    /// A password is needed, or another one.
    Encrypted,
    /// It needs more memory or other means than allowed.
    OverMemory,
    /// A part of the format that isn't read.
    Unsupported,
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::PasswordRequired | ErrorKind::BadPassword => Self::Encrypted,
            ErrorKind::ResourceLimit => Self::OverMemory,
            ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => Self::Unsupported,
            _ => Self::Corrupt,
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt | Fault::Encrypted => Self::Corrupt,
            Fault::OverMemory => Self::OverMemory,
            Fault::Unsupported => Self::Unsupported,
        }
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing but a name.
    Directory,
    /// Content.
    File,
    /// Another name for a file of the archive.
    HardLink(Vec<u8>),
    /// A symbolic link or a junction, and where to.
    SymLink(Vec<u8>),
}

/// One entry, in the archive's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// UTF-8 where the archive tells, otherwise as it is.
    pub name: Vec<u8>,
    /// What it is.
    pub form: Form,
    /// Unpacked length.
    pub len: u64,
    /// Packed length.
    pub packed_len: u64,
    /// CRC-32 of the content.
    pub crc32: Option<u32>,
    /// Its content is encrypted.
    pub is_encrypted: bool,
    /// It begins or ends in another volume; [`Archive::unpack`] passes it over.
    pub is_split: bool,
    /// It is compressed by version 3 or 4; [`Archive::unpack`] passes it over.
    pub has_programs: bool,
}

/// An archive whose headers were read.
pub struct Archive {
    inner: rars::Archive,
}

impl Archive {
    /// Reads the headers; `password` opens those that are encrypted.
    ///
    /// # Errors
    ///
    /// [`Fault::Encrypted`] if the headers are, and the password isn't theirs.
    pub fn open(bytes: Vec<u8>, password: Option<&[u8]>) -> Result<Self, Fault> {
        let options = ArchiveReadOptions::with_optional_password(password)
            .with_max_header_count(HEADER_COUNT_MAX)
            .with_max_header_bytes(HEADER_LEN_MAX);
        let inner = ArchiveReader::read_owned_with_options(bytes, options).map_err(|e| Fault::from(e.kind()))?;
        Ok(Self { inner })
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.inner.members().map(|m| entry(&m))
    }

    /// Rounds of key derivation that a password costs; `None` if they are beyond what is done.
    pub fn rounds(&self) -> Option<u64> {
        let Some(archive) = self.inner.as_rar50() else { return Some(ROUNDS_OF_OLD) };
        let powers = archive.files().filter_map(|f| f.encryption.as_ref()).map(|e| u32::from(e.kdf_count));
        let power = powers.max().unwrap_or(0);
        (power <= ROUNDS_POWER_MAX).then(|| 1 << power)
    }

    /// Hands out the contents of all entries that are files and not split, in order, each with as many bytes as it
    /// announces: zeros stand for what can't be unpacked of an entry by itself.
    ///
    /// # Errors
    ///
    /// Why not everything was handed out.
    pub fn unpack(&self, password: Option<&[u8]>, limits: &Limits, out: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        self.unpack_first(password, limits, u64::MAX, out)
    }

    /// Is this the password of the first encrypted entry? Entries before it may have to be unpacked to tell.
    pub fn fits(&self, password: &[u8], limits: &Limits) -> bool {
        let files = self.inner.members().filter(is_content);
        let before = files.take_while(|m| !m.meta.is_encrypted).count() as u64;
        self.unpack_first(Some(password), limits, before.saturating_add(1), &mut |_| {}).is_ok()
    }

    fn unpack_first(
        &self,
        password: Option<&[u8]>,
        limits: &Limits,
        count: u64,
        out: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        let memory_len = limits.memory_len as u64;
        let options = ArchiveReadOptions::with_optional_password(password)
            .with_rar50_dictionary_size_limit(memory_len)
            .with_rar50_buffered_decode_limit(memory_len)
            .with_max_reader_workspace_bytes(memory_len.saturating_mul(2));
        let held = Rc::new(RefCell::new(Held { bytes: Vec::new(), room: limits.memory_len, over: false }));
        let mut open: Option<u64> = None;
        let (mut done, mut total) = (0u64, 0u64);
        let mut fault = None;
        let decide = |member: &ArchiveMember| {
            total = total.saturating_add(settle(&held, open.take(), limits.output_len.saturating_sub(total), out));
            if !is_content(member) {
                return Ok(ExtractionDecision::Skip);
            }
            if done >= count || total >= limits.output_len {
                return Ok(ExtractionDecision::Stop);
            }
            done += 1;
            open = Some(member.meta.unpacked_size);
            Ok(ExtractionDecision::Extract(Box::new(Way(Rc::clone(&held)))))
        };
        let lose = |_: &ArchiveMember, error: &rars::Error| {
            let kind = Fault::from(error.kind());
            fault.get_or_insert(kind);
            // A wrong password is wrong for all that follows.
            Ok(if kind == Fault::Encrypted { ExtractionErrorAction::Abort } else { ExtractionErrorAction::Continue })
        };
        let result = self.inner.extract_with_control_and_errors(options, decide, lose);
        let over = held.borrow().over;
        // What there is of the last one; it is whole if nothing was wrong.
        let rest = std::mem::take(&mut held.borrow_mut().bytes);
        let room = usize::try_from(limits.output_len.saturating_sub(total)).unwrap_or(usize::MAX);
        out(rest.get(..room).unwrap_or(&rest));
        match (over, result) {
            (true, _) => Err(Fault::OverMemory),
            (false, Err(error)) => Err(Fault::from(error.kind())),
            (false, Ok(_)) => fault.map_or(Ok(()), Err),
        }
    }
}

/// Hands on what was unpacked of an entry of `len` bytes, filled up with zeros, up to `room` bytes; how many.
fn settle(held: &RefCell<Held>, len: Option<u64>, room: u64, out: &mut dyn FnMut(&[u8])) -> u64 {
    let Some(len) = len.map(|len| len.min(room)) else { return 0 };
    let mut held = held.borrow_mut();
    let most = usize::try_from(len).unwrap_or(usize::MAX);
    let there = held.bytes.get(..most).unwrap_or(&held.bytes);
    out(there);
    let mut lacking = len.saturating_sub(there.len() as u64);
    while lacking > 0 {
        let now = usize::try_from(lacking).unwrap_or(usize::MAX).min(ZEROS.len());
        out(ZEROS.get(..now).unwrap_or(&ZEROS));
        lacking = lacking.saturating_sub(now as u64);
    }
    held.bytes.clear();
    len
}

/// An entry being unpacked.
struct Held {
    bytes: Vec<u8>,
    room: usize,
    over: bool,
}

/// The crate's way to [`Held`].
struct Way(Rc<RefCell<Held>>);

impl Write for Way {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.borrow_mut();
        let room = held.room.saturating_sub(held.bytes.len());
        let now = bytes.get(..room).unwrap_or(bytes);
        held.bytes.extend_from_slice(now);
        if now.len() < bytes.len() {
            held.over = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_content(member: &ArchiveMember) -> bool {
    let m = &member.meta;
    !(m.is_directory || m.is_redirection || m.is_split_before || m.is_split_after || has_programs(member))
}

/// May its packed bytes have programs in them?
fn has_programs(member: &ArchiveMember) -> bool {
    /// The first version of the unpacker that runs programs.
    const PROGRAMS_FROM: u8 = 29;
    match &member.detail {
        ArchiveMemberDetail::Rar15To40 { unpack_version, .. } => {
            *unpack_version >= PROGRAMS_FROM && !member.meta.is_stored
        }
        _ => false,
    }
}

fn entry(member: &ArchiveMember) -> Entry {
    let m = &member.meta;
    let (crc32, redirection) = match &member.detail {
        ArchiveMemberDetail::Rar15To40 { crc32, .. } => (Some(*crc32), None),
        ArchiveMemberDetail::Rar50Plus { crc32, redirection, .. } => (*crc32, redirection.as_ref()),
        _ => (None, None),
    };
    let form = match redirection {
        // Types 4 and 5 are a hard link and a copy of another file, the others kinds of symbolic links.
        Some(r) if matches!(r.redirection_type, 4 | 5) => Form::HardLink(r.target_name.clone()),
        Some(r) => Form::SymLink(r.target_name.clone()),
        None if m.is_directory => Form::Directory,
        None => Form::File,
    };
    Entry {
        name: member.decoded_name(None).map_or_else(|_| m.name.clone(), |name| name.into_owned()),
        form,
        len: m.unpacked_size,
        packed_len: m.packed_size,
        // With a password it is mixed with the key.
        crc32: crc32.filter(|_| !m.is_encrypted),
        is_encrypted: m.is_encrypted,
        is_split: m.is_split_before || m.is_split_after,
        has_programs: has_programs(member),
    }
}

/// Rounds of key derivation that opening an archive with encrypted headers costs, told by its first bytes; `None` if they
/// are beyond what is done.
pub fn header_rounds(head: &[u8]) -> Option<u64> {
    let Some(rest) = head.strip_prefix(MARK_OF_5) else { return Some(ROUNDS_OF_OLD) };
    // CRC-32, size, type, flags, version and flags of the encryption; then the power.
    let mut at = rest.get(4..)?;
    let mut numbers = [0; 5];
    for number in &mut numbers {
        *number = vint(&mut at)?;
    }
    let [_, kind, ..] = numbers;
    let power = u32::from(*at.first()?);
    (kind != ENCRYPTION_HEADER || power <= ROUNDS_POWER_MAX).then(|| 1 << power.min(ROUNDS_POWER_MAX))
}

/// A number of version 5: seven bits a byte, the lowest first.
fn vint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rars::{ArchiveVersion, Builder};

    fn archive(builder: Builder) -> Vec<u8> {
        let mut builder = builder;
        let files: [(&str, Vec<u8>); 3] =
            [("a.txt", b"first".to_vec()), ("d/b.bin", vec![7; 50_000]), ("c", Vec::new())];
        for (name, bytes) in files {
            builder.add_bytes(name.as_bytes().to_vec(), bytes, None, None).unwrap();
        }
        builder.to_bytes().unwrap()
    }

    fn unpacked(bytes: &[u8], password: Option<&[u8]>, limits: &Limits) -> (Vec<u8>, Result<(), Fault>) {
        let mut made = Vec::new();
        let result = Archive::open(bytes.to_vec(), password)
            .and_then(|archive| archive.unpack(password, limits, &mut |b| made.extend_from_slice(b)));
        (made, result)
    }

    fn content() -> Vec<u8> {
        [&b"first"[..], &[7; 50_000]].concat()
    }

    #[test]
    fn unpacks_all_versions() {
        for version in [ArchiveVersion::Rar15, ArchiveVersion::Rar20, ArchiveVersion::Rar50, ArchiveVersion::Rar70] {
            for solid in [false, true] {
                let bytes = archive(Builder::new(version).solid(solid));
                let archive = Archive::open(bytes.clone(), None).unwrap();
                let told: Vec<_> = archive.entries().map(|e| (e.name, e.form, e.len)).collect();
                let want = |name: &str, len| (name.as_bytes().to_vec(), Form::File, len);
                assert_eq!(told, [want("a.txt", 5), want("d/b.bin", 50_000), want("c", 0)], "{version:?}");
                assert_eq!(unpacked(&bytes, None, &Limits::default()), (content(), Ok(())), "{version:?} {solid}");
            }
        }
    }

    #[test]
    fn passes_over_what_may_have_programs() {
        let stored = archive(Builder::new(ArchiveVersion::Rar29).store(true));
        assert_eq!(unpacked(&stored, None, &Limits::default()), (content(), Ok(())));
        let packed = archive(Builder::new(ArchiveVersion::Rar29));
        let archive = Archive::open(packed.clone(), None).unwrap();
        let passed: Vec<_> = archive.entries().filter(|e| e.has_programs).map(|e| e.name).collect();
        assert!(passed.contains(&b"d/b.bin".to_vec()), "{passed:?}");
        let left: u64 = archive.entries().filter(|e| !e.has_programs).map(|e| e.len).sum();
        assert_eq!(unpacked(&packed, None, &Limits::default()).0.len() as u64, left);
    }

    #[test]
    fn asks_for_passwords() {
        for version in [ArchiveVersion::Rar29, ArchiveVersion::Rar50] {
            let bytes =
                archive(Builder::new(version).store(version == ArchiveVersion::Rar29).password(Some(b"open".to_vec())));
            let archive = Archive::open(bytes.clone(), None).unwrap();
            assert!(archive.entries().next().unwrap().is_encrypted);
            assert!(archive.rounds().is_some_and(|r| r >= 1 << 15));
            let limits = Limits::default();
            assert!(archive.fits(b"open", &limits) && !archive.fits(b"shut", &limits), "{version:?}");
            assert_eq!(unpacked(&bytes, Some(b"open"), &limits), (content(), Ok(())));
            assert_eq!(unpacked(&bytes, None, &limits).1, Err(Fault::Encrypted));
        }
        let bytes =
            archive(Builder::new(ArchiveVersion::Rar50).password(Some(b"open".to_vec())).header_encryption(true));
        assert!(Archive::open(bytes.clone(), None).is_err_and(|f| f == Fault::Encrypted));
        assert!(Archive::open(bytes.clone(), Some(b"shut")).is_err_and(|f| f == Fault::Encrypted));
        assert_eq!(unpacked(&bytes, Some(b"open"), &Limits::default()), (content(), Ok(())));
        assert!(header_rounds(&bytes).is_some_and(|r| r >= 1 << 15));
    }

    #[test]
    fn refuses_endless_key_derivation() {
        let mut head = MARK_OF_5.to_vec();
        head.extend([0, 0, 0, 0, 0x21, 4, 0, 0, 0, 24]);
        assert_eq!(header_rounds(&head), None);
        head[17] = 15;
        assert_eq!(header_rounds(&head), Some(1 << 15));
    }

    #[test]
    fn limits_hold() {
        let bytes = archive(Builder::new(ArchiveVersion::Rar50));
        let (made, result) = unpacked(&bytes, None, &Limits { memory_len: 1 << 10, ..Limits::default() });
        assert!(result.is_err() && made.len() <= 5 + (1 << 10), "{result:?}, {} bytes", made.len());
        let (made, _) = unpacked(&bytes, None, &Limits { output_len: 100, ..Limits::default() });
        assert_eq!(made.len(), 100);
    }

    #[test]
    fn damage_costs_only_what_it_hits() {
        let text: Vec<u8> = (0..3000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let mut builder = Builder::new(ArchiveVersion::Rar50);
        for name in ["a", "b", "c"] {
            builder.add_bytes(name.as_bytes().to_vec(), text.clone(), None, None).unwrap();
        }
        let mut bytes = builder.to_bytes().unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        let (made, result) = unpacked(&bytes, None, &Limits::default());
        assert_eq!(result, Err(Fault::Corrupt));
        assert_eq!(made.len(), 3 * text.len());
        assert_eq!(made[..text.len()], text);
        assert_eq!(made[2 * text.len()..], text);
    }

    #[test]
    fn truncation_gives_what_precedes() {
        let bytes = archive(Builder::new(ArchiveVersion::Rar50));
        for len in 0..bytes.len() {
            let (made, _) = unpacked(&bytes[..len], None, &Limits::default());
            assert!(made.len() <= content().len());
        }
    }
}
