//! Windows executables: what their headers say, as Zeek's `pe` log.
//!
//! Layout after Microsoft's "PE Format": a DOS header that points to the COFF header, an optional header in two sizes,
//! and the section table. Read once, from the beginning of the content; what is cut off there is unset.

use sekisho_record::{Record, Text};
use sekisho_types::{Timestamp, Uid};
use std::fmt;

/// The type whose headers are read.
pub(crate) const MIME: &str = "application/x-dosexec";

/// How its content begins.
pub(crate) const FIRST: u8 = b'M';

/// Bytes of the beginning in which the headers are looked for. The largest usual ones end before 8 KiB.
pub(crate) const MAX_LEN: usize = 16 << 10;

/// Sections that are listed, at most: loaders refuse more than 96.
const MAX_SECTIONS: usize = 256;

/// Headers of a Windows executable or object file.
#[derive(Clone, Debug, Record)]
#[record(log = "pe")]
pub struct PeRecord {
    /// Time at which enough of the content had passed to know its type.
    pub ts: Timestamp,
    /// Id of the file in `files`.
    pub id: Uid,
    /// Machine it was compiled for, e.g. `AMD64`.
    pub machine: Option<String>,
    /// When it was compiled, as it says itself.
    pub compile_ts: Option<Timestamp>,
    /// Operating system that it asks for.
    pub os: Option<String>,
    /// Subsystem that it asks for, e.g. `WINDOWS_GUI`.
    pub subsystem: Option<String>,
    /// Is it an executable rather than an object file?
    pub is_exe: bool,
    /// Is it for 64 bits?
    pub is_64bit: bool,
    /// May its addresses be randomised?
    pub uses_aslr: bool,
    /// Is its data never executed?
    pub uses_dep: bool,
    /// Is its signature enforced?
    pub uses_code_integrity: bool,
    /// Does it use structured exception handling?
    pub uses_seh: bool,
    /// Does it import functions?
    pub has_import_table: Option<bool>,
    /// Does it export functions?
    pub has_export_table: Option<bool>,
    /// Does it carry certificates?
    pub has_cert_table: Option<bool>,
    /// Does it carry data for debuggers?
    pub has_debug_data: Option<bool>,
    /// Names of its sections, in order.
    pub section_names: Option<Vec<Text>>,
}

/// DOS header and its field with the place of the COFF header.
const DOS_LEN: usize = 64;
const NEW_HEADER_AT: usize = 60;
/// Signature and COFF header.
const COFF_LEN: usize = 24;
const SECTION_LEN: usize = 40;
const SECTION_NAME_LEN: usize = 8;
/// An entry of the table of directories: address and size.
const DIRECTORY_LEN: usize = 8;

/// COFF characteristics: `IMAGE_FILE_32BIT_MACHINE`.
const MACHINE_32_BIT: u16 = 0x100;

/// DLL characteristics.
const DYNAMIC_BASE: u16 = 0x40;
const FORCE_INTEGRITY: u16 = 0x80;
const NX_COMPAT: u16 = 0x100;
const NO_SEH: u16 = 0x400;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

/// The row of file `id` whose content begins with `head`; none if that ends before the COFF header does.
pub(crate) fn row(ts: Timestamp, id: Uid, head: &[u8]) -> Option<PeRecord> {
    let place = usize::try_from(u32_at(head, NEW_HEADER_AT)?).ok()?.max(DOS_LEN);
    let coff = head.get(place..)?;
    let characteristics = u16_at(coff, 22)?;
    let optional_len = usize::from(u16_at(coff, 20)?);
    let mut record = PeRecord {
        ts,
        id,
        machine: Some(named(MACHINES, u16_at(coff, 4)?)),
        compile_ts: Some(Timestamp::from_parts(i64::from(u32_at(coff, 8)?), 0)),
        os: None,
        subsystem: None,
        is_exe: optional_len > 0,
        is_64bit: characteristics & MACHINE_32_BIT == 0,
        uses_aslr: false,
        uses_dep: false,
        uses_code_integrity: false,
        uses_seh: true,
        has_import_table: None,
        has_export_table: None,
        has_cert_table: None,
        has_debug_data: None,
        section_names: None,
    };
    if record.is_exe
        && let Some(optional) = coff.get(COFF_LEN..).and_then(|rest| rest.get(..optional_len))
        && record.optional(optional).is_some()
    {
        let count = usize::from(u16_at(coff, 6)?).min(MAX_SECTIONS);
        let table = coff.get(COFF_LEN + optional_len..).unwrap_or(&[]);
        let names: Vec<Text> = table.chunks_exact(SECTION_LEN).take(count).map(section_name).collect();
        record.section_names = (!names.is_empty()).then_some(names);
    }
    Some(record)
}

fn section_name(section: &[u8]) -> Text {
    let name = section.get(..SECTION_NAME_LEN).unwrap_or(section);
    Text::from(name.split(|&b| b == 0).next().unwrap_or(&[]))
}

impl PeRecord {
    /// Reads the optional header; `None` if it ends too early, what then follows it is not to be trusted.
    fn optional(&mut self, h: &[u8]) -> Option<()> {
        // Where the versions begin, and the number of directories behind sizes of stack and heap.
        let (versions, directories) = match u16_at(h, 0)? {
            0x10b => (40, 92),
            0x20b => (40, 108),
            // Of a ROM image.
            0x107 => (36, 72),
            _ => return Some(()),
        };
        let (os, subsystem) = ((u16_at(h, versions)?, u16_at(h, versions + 2)?), u16_at(h, versions + 28)?);
        let flags = u16_at(h, versions + 30)?;
        let count = usize::try_from(u32_at(h, directories)?).ok()?;
        let table = h.get(directories + 4..)?;
        if table.len() / DIRECTORY_LEN < count {
            return None;
        }
        self.os = Some(
            OS_VERSIONS
                .iter()
                .find(|v| v.0 == os)
                .map_or_else(|| format!("unknown-{}.{}", os.0, os.1), |v| v.1.to_owned()),
        );
        self.subsystem = Some(named(SUBSYSTEMS, subsystem));
        self.uses_aslr = flags & DYNAMIC_BASE != 0;
        self.uses_code_integrity = flags & FORCE_INTEGRITY != 0;
        self.uses_dep = flags & NX_COMPAT != 0;
        self.uses_seh = flags & NO_SEH == 0;
        let has = |i: usize| Some(i < count && u32_at(table, i * DIRECTORY_LEN + 4).is_some_and(|len| len > 0));
        self.has_export_table = has(0);
        self.has_import_table = has(1);
        self.has_cert_table = has(4);
        self.has_debug_data = has(6);
        Some(())
    }
}

/// The name of `number`, or `unknown-` and the number, as Zeek says it.
fn named<N: Copy + PartialEq + fmt::Display>(names: &[(N, &str)], number: N) -> String {
    names.iter().find(|n| n.0 == number).map_or_else(|| format!("unknown-{number}"), |n| n.1.to_owned())
}

/// `IMAGE_FILE_MACHINE_…`, those that Zeek names.
const MACHINES: &[(u16, &str)] = &[
    (0x0, "UNKNOWN"),
    (0x14c, "I386"),
    (0x166, "R4000"),
    (0x169, "WCEMIPSV2"),
    (0x1a2, "SH3"),
    (0x1a3, "SH3DSP"),
    (0x1a6, "SH4"),
    (0x1a8, "SH5"),
    (0x1c0, "ARM"),
    (0x1c2, "THUMB"),
    (0x1c4, "ARMNT"),
    (0x1d3, "AM33"),
    (0x1f0, "POWERPC"),
    (0x1f1, "POWERPCFP"),
    (0x200, "IA64"),
    (0x266, "MIPS16"),
    (0x366, "MIPSFPU"),
    (0x466, "MIPSFPU16"),
    (0xebc, "EBC"),
    (0x8664, "AMD64"),
    (0x9041, "M32R"),
    (0xaa64, "ARM64"),
];

/// `IMAGE_SUBSYSTEM_…`, those that Zeek names.
const SUBSYSTEMS: &[(u16, &str)] = &[
    (0, "UNKNOWN"),
    (1, "NATIVE"),
    (2, "WINDOWS_GUI"),
    (3, "WINDOWS_CUI"),
    (7, "POSIX_CUI"),
    (9, "WINDOWS_CE_GUI"),
    (10, "EFI_APPLICATION"),
    (11, "EFI_BOOT_SERVICE_DRIVER"),
    (12, "EFI_RUNTIME_DRIVER"),
    (13, "EFI_ROM"),
    (14, "XBOX"),
];

/// Versions of the operating system, newest first; Zeek's names.
const OS_VERSIONS: &[((u16, u16), &str)] = &[
    ((10, 0), "Windows 10"),
    ((6, 4), "Windows 10 Technical Preview"),
    ((6, 3), "Windows 8.1 or Server 2012 R2"),
    ((6, 2), "Windows 8 or Server 2012"),
    ((6, 1), "Windows 7 or Server 2008 R2"),
    ((6, 0), "Windows Vista or Server 2008"),
    ((5, 2), "Windows XP x64 or Server 2003"),
    ((5, 1), "Windows XP"),
    ((5, 0), "Windows 2000"),
    ((4, 90), "Windows Me"),
    ((4, 10), "Windows 98"),
    ((4, 0), "Windows 95 or NT 4.0"),
    ((3, 51), "Windows NT 3.51"),
    ((3, 50), "Windows NT 3.5"),
    ((3, 11), "Windows for Workgroups 3.11"),
    ((3, 10), "Windows 3.1 or NT 3.1"),
    ((3, 2), "Windows 3.2"),
    ((3, 0), "Windows 3.0"),
    ((2, 11), "Windows 2.11"),
    ((2, 10), "Windows 2.10"),
    ((2, 0), "Windows 2.0"),
    ((1, 4), "Windows 1.04"),
    ((1, 3), "Windows 1.03"),
    ((1, 1), "Windows 1.01"),
    ((1, 0), "Windows 1.0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// An executable's headers; `plus` for the 64-bit form.
    fn headers(plus: bool, directories: u32, sections: &[&[u8]]) -> Vec<u8> {
        let mut h = vec![0; 0x80];
        h[..2].copy_from_slice(b"MZ");
        h[NEW_HEADER_AT] = 0x80;
        h.extend_from_slice(b"PE\0\0");
        let versions = 40;
        let count_at = if plus { 108 } else { 92 };
        let optional_len = count_at + 4 + 16 * DIRECTORY_LEN;
        h.extend_from_slice(&(if plus { 0x8664u16 } else { 0x14c }).to_le_bytes());
        h.extend_from_slice(&(sections.len() as u16).to_le_bytes());
        h.extend_from_slice(&1_600_000_000u32.to_le_bytes());
        h.extend_from_slice(&[0; 8]);
        h.extend_from_slice(&(optional_len as u16).to_le_bytes());
        h.extend_from_slice(&(if plus { 0x22u16 } else { 0x102 }).to_le_bytes());
        let mut optional = vec![0; optional_len];
        optional[..2].copy_from_slice(&(if plus { 0x20bu16 } else { 0x10b }).to_le_bytes());
        optional[versions..versions + 4].copy_from_slice(&[6, 0, 1, 0]);
        optional[versions + 28] = 3;
        optional[versions + 30..versions + 32].copy_from_slice(&(DYNAMIC_BASE | NX_COMPAT).to_le_bytes());
        optional[count_at..count_at + 4].copy_from_slice(&directories.to_le_bytes());
        // The import table and data for debuggers.
        optional[count_at + 4 + DIRECTORY_LEN + 4] = 1;
        optional[count_at + 4 + 6 * DIRECTORY_LEN + 4] = 1;
        h.extend_from_slice(&optional);
        for name in sections {
            let mut section = vec![0; SECTION_LEN];
            section[..name.len()].copy_from_slice(name);
            h.extend_from_slice(&section);
        }
        h
    }

    fn read(head: &[u8]) -> Option<PeRecord> {
        row(Timestamp(5), Uid::default(), head)
    }

    #[test]
    fn parses_both_sizes() {
        for plus in [false, true] {
            let r = read(&headers(plus, 16, &[b".text", b"longname", b""])).unwrap();
            assert_eq!(r.machine.as_deref(), Some(if plus { "AMD64" } else { "I386" }));
            assert_eq!(r.compile_ts, Some(Timestamp::from_parts(1_600_000_000, 0)));
            assert_eq!(r.os.as_deref(), Some("Windows 7 or Server 2008 R2"));
            assert_eq!(r.subsystem.as_deref(), Some("WINDOWS_CUI"));
            assert_eq!((r.is_exe, r.is_64bit), (true, plus));
            assert_eq!((r.uses_aslr, r.uses_dep, r.uses_code_integrity, r.uses_seh), (true, true, false, true));
            assert_eq!((r.has_import_table, r.has_export_table), (Some(true), Some(false)));
            assert_eq!((r.has_cert_table, r.has_debug_data), (Some(false), Some(true)));
            let names = r.section_names.unwrap();
            assert_eq!(names, [Text::from(".text"), Text::from("longname"), Text::from("")]);
        }
    }

    #[test]
    fn few_directories_have_no_later_tables() {
        let r = read(&headers(false, 2, &[])).unwrap();
        assert_eq!((r.has_import_table, r.has_debug_data), (Some(true), Some(false)));
        assert_eq!(r.section_names, None);
    }

    #[test]
    fn rejects_what_is_cut_off() {
        let whole = headers(true, 16, &[&b".text"[..]; 4]);
        for len in 0..whole.len() {
            let r = read(&whole[..len]);
            assert_eq!(r.is_some(), len >= 0x80 + COFF_LEN, "{len}");
            let names = r.and_then(|r| r.section_names).map_or(0, |n| n.len());
            assert_eq!(names, len.saturating_sub(whole.len() - 4 * SECTION_LEN) / SECTION_LEN, "{len}");
        }
    }

    #[test]
    fn limits_directories_and_sections() {
        // More directories than there is room for: nothing behind the COFF header is believed.
        let r = read(&headers(true, u32::MAX, &[b".text"])).unwrap();
        assert_eq!((r.os, r.section_names, r.is_exe), (None, None, true));
        let many = vec![&b".x"[..]; 4_000];
        assert_eq!(read(&headers(false, 16, &many)).unwrap().section_names.unwrap().len(), MAX_SECTIONS);
        // The COFF header is said to be far away.
        let mut far = headers(false, 16, &[]);
        far[NEW_HEADER_AT..NEW_HEADER_AT + 4].fill(0xff);
        assert!(read(&far).is_none());
    }

    #[test]
    fn names_what_is_unknown_by_number() {
        let mut h = headers(false, 16, &[]);
        h[0x84..0x86].copy_from_slice(&475u16.to_le_bytes());
        h[0x80 + COFF_LEN + 40] = 77;
        h[0x80 + COFF_LEN + 68] = 99;
        let r = read(&h).unwrap();
        assert_eq!(r.machine.as_deref(), Some("unknown-475"));
        assert_eq!(r.os.as_deref(), Some("unknown-77.1"));
        assert_eq!(r.subsystem.as_deref(), Some("unknown-99"));
        // An object file has no optional header, and nothing that would follow it.
        h[0x80 + 20..0x80 + 22].fill(0);
        let r = read(&h).unwrap();
        assert_eq!((r.is_exe, r.os, r.has_import_table), (false, None, None));
    }
}
