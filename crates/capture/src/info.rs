use crate::Packing;
use sekisho_types::{Addr, Timestamp};
use std::fmt;
use std::path::PathBuf;

/// What is known of one capture; complete once the timeline has passed it.
#[derive(Clone, Debug, Default)]
pub struct SourceInfo {
    /// Where it was read from; `-` for standard input.
    pub path: PathBuf,
    /// File format; `None` until the first bytes were read, or if they were not those of a capture.
    pub format: Option<Format>,
    /// Compression around it.
    pub packing: Packing,
    /// Bytes on disk, compressed as they are; `None` for streams.
    pub file_len: Option<u64>,
    /// Interfaces in file order, over all sections.
    pub interfaces: Vec<Interface>,
    /// Comments on sections, at most [`crate::MAX_COMMENTS`].
    pub comments: Vec<String>,
    /// Hardware, operating system and application that wrote it, as far as the first section says.
    pub written_by: WrittenBy,
    /// Name resolution records, at most [`crate::MAX_HOSTS`].
    pub hosts: Vec<Host>,
    /// Decryption secrets, at most [`crate::MAX_SECRETS_LEN`] bytes in all.
    pub secrets: Vec<Secrets>,
    /// Earliest packet time.
    pub first_ts: Option<Timestamp>,
    /// Latest packet time.
    pub last_ts: Option<Timestamp>,
    /// Packets delivered.
    pub packet_count: u64,
    /// Captured bytes delivered.
    pub captured_len: u64,
    /// What was passed over.
    pub passed_over: PassedOver,
    /// Why reading stopped before the end, if it did.
    pub damage: Option<Damage>,
    /// How many of `interfaces` have their id.
    pub(crate) numbered_count: usize,
}

/// Container format of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap and its relatives.
    Pcap(PcapVariant),
    /// pcapng (draft-ietf-opsawg-pcapng).
    Pcapng,
}

/// The relatives of classic pcap, told by magic number, version and the look of the first records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcapVariant {
    /// AIX: version 2.2, interface types of RFC 1573, nanoseconds.
    Aix,
    /// Ixia hardware "lcap": 28-byte file header, nanoseconds.
    IxiaHw,
    /// Ixia software "lcap": 28-byte file header, microseconds.
    IxiaSw,
    /// Kuznetzov's patch of 1999-09-15: 32-byte record headers.
    Kuznetzov0915,
    /// Kuznetzov's patch of 1999-10-29 (and, under the standard magic number, of 1999-04-17):
    /// 24-byte record headers.
    Kuznetzov1029,
    /// Standard, microseconds.
    Micros,
    /// Standard, nanoseconds.
    Nanos,
    /// Nokia IPSO: 20-byte record headers.
    Nokia,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap(PcapVariant::Aix) => "pcap (AIX)",
            Self::Pcap(PcapVariant::IxiaHw | PcapVariant::IxiaSw) => "pcap (Ixia lcap)",
            Self::Pcap(PcapVariant::Kuznetzov0915 | PcapVariant::Kuznetzov1029) => "pcap (modified)",
            Self::Pcap(PcapVariant::Micros) => "pcap",
            Self::Pcap(PcapVariant::Nanos) => "pcap (nanoseconds)",
            Self::Pcap(PcapVariant::Nokia) => "pcap (Nokia)",
            Self::Pcapng => "pcapng",
        })
    }
}

/// One capturing interface.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// Index among all interfaces of the timeline, as frames carry it.
    pub id: u32,
    /// Link type (LINKTYPE_ number).
    pub link_type: u32,
    /// Most bytes kept of each packet; 0 = no limit.
    pub snaplen: u32,
    /// Bytes of frame check sequence at the end of each packet, if told.
    pub fcs_len: Option<u8>,
    /// Name, empty if not told.
    pub name: String,
    /// Description, empty if not told.
    pub description: String,
    /// Capture filter, empty if not told.
    pub filter: String,
    /// Resolution of its time stamps.
    pub resolution: Resolution,
    /// Seconds added to each time stamp (if_tsoffset).
    pub ts_offset: i64,
    /// Packets the interface received, from the last statistics block.
    pub received: Option<u64>,
    /// Packets the interface dropped, from the last statistics block.
    pub dropped: Option<u64>,
    /// Packets the operating system dropped, from the last statistics block.
    pub os_dropped: Option<u64>,
    /// Sum of the drop counters on packets (epb_dropcount and the obsolete packet block).
    pub packet_drops: u64,
    /// Packets delivered.
    pub packet_count: u64,
}

/// Unit of an interface's time stamps: one second divided by a power of ten or of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// 10^-n seconds.
    Ten(u8),
    /// 2^-n seconds.
    Two(u8),
}

impl Default for Resolution {
    fn default() -> Self {
        Self::Ten(6)
    }
}

/// A name resolution record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Address.
    pub addr: Addr,
    /// Name.
    pub name: String,
}

/// A decryption secrets block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// Secrets type, e.g. [`Secrets::TLS_KEY_LOG`].
    pub kind: u32,
    /// The secrets, in the format of their type.
    pub data: Vec<u8>,
    /// Offset of the block in the unpacked stream.
    pub offset: u64,
}

impl Secrets {
    /// NSS key log text (`SSLKEYLOGFILE`).
    pub const TLS_KEY_LOG: u32 = 0x544c_534b;
    /// WireGuard key log text.
    pub const WIREGUARD_KEY_LOG: u32 = 0x5747_4b4c;
}

/// Who wrote a pcapng section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenBy {
    /// shb_hardware.
    pub hardware: String,
    /// shb_os.
    pub os: String,
    /// shb_userappl.
    pub application: String,
}

/// Counters of what a reader passed over without calling the file damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Blocks of unknown type, and blocks that hold no packets.
    pub block_count: u64,
    /// Packets of an interface that the file does not describe.
    pub orphan_count: u64,
    /// Interfaces beyond [`crate::MAX_INTERFACES`].
    pub interface_count: u64,
    /// Hosts, comments and secrets beyond their limits.
    pub note_count: u64,
}

/// Why and where the reading of a capture stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset in the unpacked stream of the record that could not be read.
    pub offset: u64,
    /// What was wrong.
    pub kind: DamageKind,
}

/// What was wrong with a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// A block length that is no multiple of four, too small for its type or above
    /// [`crate::MAX_BLOCK_LEN`].
    BlockLength(u32),
    /// The length before a block and the one after it differ.
    BlockLengthsDiffer(u32, u32),
    /// A captured length above the limit for the link type.
    CapturedLength(u32),
    /// The file ends inside a record.
    CutOff,
    /// No bytes at all.
    Empty,
    /// The operating system could not read on.
    Io(String),
    /// The first bytes are not those of a capture.
    NotACapture,
    /// The compressed stream around the capture is broken or cut off.
    Packing(Packing, String),
    /// A section that starts with no byte-order magic.
    Section,
    /// A version that no program is known to have written.
    Version(u16, u16),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DamageKind::BlockLength(n) => write!(f, "impossible block length {n}")?,
            DamageKind::BlockLengthsDiffer(a, b) => write!(f, "block lengths differ ({a} before, {b} after)")?,
            DamageKind::CapturedLength(n) => write!(f, "impossible packet length {n}")?,
            DamageKind::CutOff => f.write_str("cut off inside a record")?,
            DamageKind::Empty => return f.write_str("empty file"),
            DamageKind::Io(e) => write!(f, "cannot read on: {e}")?,
            DamageKind::NotACapture => return f.write_str("not a capture file"),
            DamageKind::Packing(packing, e) => write!(f, "broken {packing} stream: {e}")?,
            DamageKind::Section => f.write_str("section without byte-order magic")?,
            DamageKind::Version(major, minor) => write!(f, "unknown version {major}.{minor}")?,
        }
        write!(f, " at byte {}", self.offset)
    }
}
