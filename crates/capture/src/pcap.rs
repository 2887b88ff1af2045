use crate::bytes::{Order, index};
use crate::info::{DamageKind, Format, Interface, PcapVariant, Resolution};
use crate::reader::{Raw, Step};
use sekisho_types::Timestamp;

/// Longest packet in a capture: the limit of libpcap and Wireshark.
pub const MAX_CAPTURED_LEN: u32 = 262_144;

/// Longest packet on the link types whose packets are messages: D-Bus, EBHSCR, USB.
pub const MAX_MESSAGE_LEN: u32 = 128 * 1024 * 1024;

/// Records looked at to tell variants that share a magic number.
const TRIAL_COUNT: usize = 3;

const HEADER_LEN: usize = 24;

/// Reader of classic pcap: file header, then records until the end.
#[derive(Debug)]
pub(crate) struct Pcap {
    order: Order,
    variant: PcapVariant,
    lengths: Lengths,
    link_type: u32,
    max_len: u32,
    record_header_len: usize,
    nanos_per_unit: i64,
}

/// Order of captured and original length in records; it changed in version 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 has both: the smaller is the captured length.
    Either,
}

/// The largest captured length that is believed for `link_type`.
pub(crate) fn max_captured_len(link_type: u32) -> u32 {
    match link_type {
        231 | 249 | 279 => MAX_MESSAGE_LEN,
        _ => MAX_CAPTURED_LEN,
    }
}

/// Byte order and kind told by the magic number; `Micros` stands for all that share it.
fn magic(first: [u8; 4]) -> Option<(Order, PcapVariant)> {
    let kind = |m: u32| match m {
        0xa1b2_c3d4 => Some(PcapVariant::Micros),
        0xa1b2_3c4d => Some(PcapVariant::Nanos),
        0xa1b2_cd34 => Some(PcapVariant::Kuznetzov1029),
        0x1c00_01ac => Some(PcapVariant::IxiaHw),
        0x1c00_01ab => Some(PcapVariant::IxiaSw),
        _ => None,
    };
    let big = kind(u32::from_be_bytes(first)).map(|k| (Order::Big, k));
    big.or_else(|| kind(u32::from_le_bytes(first)).map(|k| (Order::Little, k)))
}

/// Does `bytes` begin with a pcap magic number?
pub(crate) fn probe(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|m| magic(*m).is_some())
}

/// What the file header says: the reader, its one interface and the header's length.
pub(crate) struct Opened {
    pub(crate) pcap: Pcap,
    pub(crate) interface: Interface,
    pub(crate) header_len: usize,
}

impl Pcap {
    /// Reads the file header at the start of `window`, which should hold the first records too:
    /// several variants differ in nothing but those. `None` if the header is cut off.
    pub(crate) fn open(window: &[u8]) -> Option<Result<Opened, DamageKind>> {
        let (order, variant) = magic(*window.first_chunk()?)?;
        let [_, _, _, _, snaplen, network] = order.words::<6>(window)?;
        let (major, minor) = (order.u16(window, 4)?, order.u16(window, 6)?);
        if major < 2 {
            return Some(Err(DamageKind::Version(major, minor)));
        }
        let ixia = matches!(variant, PcapVariant::IxiaHw | PcapVariant::IxiaSw);
        let header_len = if ixia { HEADER_LEN + 4 } else { HEADER_LEN };
        let records = window.get(header_len..)?;
        let lengths = match (major, minor) {
            (2, ..3) | (543, _) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Either,
            _ => Lengths::CapturedFirst,
        };
        let aix =
            (variant == PcapVariant::Micros && (major, minor) == (2, 2)).then(|| aix_link_type(network)).flatten();
        // Upper bits: FCS length in 16-bit words (31..28), FCS length present (26), the rest zero.
        let (variant, link_type) = match aix {
            Some(link_type) => (PcapVariant::Aix, link_type),
            None => (variant, network & 0x03ff_ffff),
        };
        let fcs = u8::try_from(network >> 28).unwrap_or(0) * 2;
        let mut pcap = Self::new(order, variant, lengths, link_type);
        if (major, minor) == (2, 4) {
            pcap.settle_variant(records, snaplen);
        }
        let nanos = pcap.nanos_per_unit == 1;
        let interface = Interface {
            link_type,
            snaplen,
            fcs_len: (network & 0x0400_0000 != 0).then_some(fcs),
            resolution: Resolution::Ten(if nanos { 9 } else { 6 }),
            ..Interface::default()
        };
        Some(Ok(Opened { pcap, interface, header_len }))
    }

    fn new(order: Order, variant: PcapVariant, lengths: Lengths, link_type: u32) -> Self {
        let record_header_len = match variant {
            PcapVariant::Nokia => 20,
            PcapVariant::Kuznetzov1029 => 24,
            PcapVariant::Kuznetzov0915 => 28,
            _ => 16,
        };
        let nanos = matches!(variant, PcapVariant::Nanos | PcapVariant::IxiaHw | PcapVariant::Aix);
        Self {
            order,
            variant,
            lengths,
            link_type,
            max_len: max_captured_len(link_type),
            record_header_len,
            nanos_per_unit: if nanos { 1 } else { 1000 },
        }
    }

    /// Chooses among the variants that share the magic number: the first whose first records look
    /// faultless, else the usual one. (Taking the least bad, a standard file with a damaged third record
    /// passes for a Nokia one.)
    fn settle_variant(&mut self, records: &[u8], snaplen: u32) {
        let candidates: &[PcapVariant] = match self.variant {
            PcapVariant::Micros => &[PcapVariant::Micros, PcapVariant::Kuznetzov1029, PcapVariant::Nokia],
            PcapVariant::Kuznetzov1029 => &[PcapVariant::Kuznetzov1029, PcapVariant::Kuznetzov0915],
            _ => return,
        };
        let mut trials = candidates.iter().map(|&v| Self::new(self.order, v, self.lengths, self.link_type));
        if let Some(faultless) = trials.find(|p| p.oddities(records, snaplen) == 0) {
            *self = faultless;
        }
    }

    /// How many things look wrong in the first records, read as this variant.
    fn oddities(&self, mut records: &[u8], snaplen: u32) -> u32 {
        let mut odd = 0;
        for _ in 0..TRIAL_COUNT {
            if records.is_empty() {
                break;
            }
            let (Some([_, micros, captured, orig]), Some(header)) =
                (self.order.words::<4>(records), records.get(..self.record_header_len))
            else {
                return odd + 1;
            };
            odd += u32::from(micros >= 1_000_000);
            odd += u32::from(captured > self.max_len) + u32::from(captured > snaplen);
            odd += u32::from(orig > MAX_MESSAGE_LEN) + u32::from(captured > orig);
            odd += self.extra_oddities(header);
            match records.get(self.record_header_len.saturating_add(index(captured))..) {
                Some(rest) => records = rest,
                None => return odd + u32::from(captured > self.max_len),
            }
        }
        odd
    }

    /// Oddities of the fields that only the variants have.
    fn extra_oddities(&self, header: &[u8]) -> u32 {
        let word = |at| self.order.u32(header, at).unwrap_or(0);
        match self.variant {
            PcapVariant::Nokia => u32::from(word(16) != 0),
            PcapVariant::Kuznetzov0915 | PcapVariant::Kuznetzov1029 => {
                // An interface index of the nineties; packet types 0 to 4 (PACKET_HOST and on); a
                // pad byte of zero.
                let kind = header.get(22).copied().unwrap_or(0);
                let pad = header.get(23).copied().unwrap_or(0);
                let pad_odd = self.variant == PcapVariant::Kuznetzov1029 && pad != 0;
                u32::from(word(16) > 10_000) + u32::from(kind > 4) + u32::from(pad_odd)
            }
            _ => 0,
        }
    }

    pub(crate) fn format(&self) -> Format {
        Format::Pcap(self.variant)
    }

    /// The record at the start of `window`.
    #[inline]
    pub(crate) fn step(&self, window: &[u8]) -> Step {
        let head = self.record_header_len;
        let Some([secs, frac, first, second]) = self.order.words::<4>(window) else { return Step::Need(head) };
        let (captured, orig_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        };
        if captured > self.max_len {
            return Step::Bad(DamageKind::CapturedLength(captured));
        }
        let total = head + index(captured);
        if window.len() < total {
            return Step::Need(total);
        }
        let nanos = i64::from(secs) * 1_000_000_000 + i64::from(frac) * self.nanos_per_unit;
        Step::Frame(Raw {
            ts: Timestamp(nanos),
            total,
            data_at: head,
            data_len: captured,
            orig_len,
            interface: 0,
            link_type: self.link_type,
            options_at: total,
            options_len: 0,
        })
    }
}

/// AIX writes interface types of RFC 1573; only these four occur, and only there.
fn aix_link_type(network: u32) -> Option<u32> {
    match network {
        6 => Some(1),
        9 => Some(6),
        15 => Some(10),
        24 => Some(0),
        _ => None,
    }
}
