use crate::bytes::{Order, index, pad4, text};
use crate::info::{DamageKind, Host, Interface, Secrets, SourceInfo, WrittenBy};
use crate::pcap::max_captured_len;
use crate::reader::{Raw, Step};
use crate::units::Units;
use sekisho_types::{Addr, Timestamp};

/// Longest block; libpcap and Wireshark draw the line here too (unless the link type is one of messages).
pub const MAX_BLOCK_LEN: u32 = 16 * 1024 * 1024;
/// Most interfaces of one capture.
pub const MAX_INTERFACES: usize = 16_384;
/// Most name resolution records kept of one capture.
pub const MAX_HOSTS: usize = 65_536;
/// Most section comments kept of one capture.
pub const MAX_COMMENTS: usize = 1024;
/// Longest name, comment or filter kept.
pub const MAX_TEXT_LEN: usize = 65_535;
/// Most bytes of decryption secrets kept of one capture.
pub const MAX_SECRETS_LEN: usize = 16 * 1024 * 1024;
/// Most bytes of a section's or interface's text kept in all.
const MAX_NOTES_LEN: usize = 16 * 1024 * 1024;
/// Most options of one block that are looked at.
const MAX_OPTIONS: usize = 4096;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// opt_comment, allowed in every block.
pub(crate) const OPT_COMMENT: u16 = 1;

/// Type and both lengths around every block.
const FRAMING_LEN: usize = 12;

/// Reader of pcapng: blocks until the end; sections renew byte order and interfaces.
#[derive(Debug)]
pub(crate) struct Pcapng {
    order: Order,
    /// Interfaces of the current section.
    interfaces: Vec<Local>,
    /// Time of the last packet: simple packets have none of their own.
    last_ts: Timestamp,
    secrets_len: usize,
    notes_len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Local {
    /// Index in [`SourceInfo::interfaces`].
    index: u32,
    link_type: u32,
    snaplen: u32,
    max_len: u32,
    units: Units,
}

/// Does `bytes` begin with a section header?
pub(crate) fn probe(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|b| u32::from_be_bytes(*b) == SECTION)
}

impl Pcapng {
    pub(crate) fn new() -> Self {
        Self { order: Order::Little, interfaces: Vec::new(), last_ts: Timestamp(0), secrets_len: 0, notes_len: 0 }
    }

    /// The byte order that new sections and blocks are in.
    pub(crate) fn order(&self) -> Order {
        self.order
    }

    /// The block at the start of `window`, whose stream offset is `offset`. Blocks without packets are
    /// noted in `info`.
    pub(crate) fn step(&mut self, window: &[u8], offset: u64, info: &mut SourceInfo) -> Step {
        let Some([kind, total]) = self.order.words::<2>(window) else { return Step::Need(FRAMING_LEN) };
        let total = if kind == SECTION {
            match self.section_order(window) {
                Ok(Some(total)) => total,
                Ok(None) => return Step::Need(FRAMING_LEN),
                Err(kind) => return Step::Bad(kind),
            }
        } else {
            total
        };
        if index(total) < FRAMING_LEN || !total.is_multiple_of(4) || total > self.max_block_len(kind) {
            return Step::Bad(DamageKind::BlockLength(total));
        }
        let len = index(total);
        let Some(block) = window.get(..len) else { return Step::Need(len) };
        let after = self.order.u32(block, len - 4).unwrap_or(0);
        if after != total {
            return Step::Bad(DamageKind::BlockLengthsDiffer(total, after));
        }
        let body = block.get(8..len - 4).unwrap_or(&[]);
        self.block(kind, body, len, offset, info)
    }

    /// The packet block at the start of `window`, if it is whole, without options and in order: nearly all are.
    /// What is not is left to [`Pcapng::step`].
    #[inline]
    pub(crate) fn plain(&mut self, window: &[u8]) -> Option<Raw> {
        /// Framing and fixed fields before the packet's bytes.
        const HEAD_LEN: usize = 28;
        let [kind, total, interface, high, low, captured, orig_len] = self.order.words::<7>(window)?;
        let len = pad4(index(captured)) + HEAD_LEN + 4;
        if kind != ENHANCED_PACKET || index(total) != len {
            return None;
        }
        let local = self.interfaces.get(index(interface)).filter(|local| captured <= local.max_len)?;
        let end = window.get(len - 4..len)?.first_chunk()?;
        if self.order.of_u32(*end) != total {
            return None;
        }
        let ts = local.units.ts(u64::from(high) << 32 | u64::from(low));
        self.last_ts = ts;
        Some(Raw {
            ts,
            total: len,
            data_at: HEAD_LEN,
            data_len: captured,
            orig_len,
            interface: local.index,
            link_type: local.link_type,
            options_at: len,
            options_len: 0,
        })
    }

    /// Takes over the byte order of the section that starts `window` and gives its header's length.
    fn section_order(&mut self, window: &[u8]) -> Result<Option<u32>, DamageKind> {
        let Some(magic) = window.get(8..).and_then(|b| b.first_chunk::<4>()) else { return Ok(None) };
        self.order = match u32::from_be_bytes(*magic) {
            0x1a2b_3c4d => Order::Big,
            0x4d3c_2b1a => Order::Little,
            _ => return Err(DamageKind::Section),
        };
        Ok(self.order.u32(window, 4))
    }

    fn max_block_len(&self, kind: u32) -> u32 {
        let packet = matches!(kind, ENHANCED_PACKET | PACKET | SIMPLE_PACKET);
        let longest = if packet { self.interfaces.iter().map(|i| i.max_len).max().unwrap_or(0) } else { 0 };
        MAX_BLOCK_LEN.max(longest.saturating_add(65_536))
    }

    fn block(&mut self, kind: u32, body: &[u8], len: usize, offset: u64, info: &mut SourceInfo) -> Step {
        let packet = match kind {
            ENHANCED_PACKET => self.enhanced(body, info),
            PACKET => self.obsolete(body, info),
            SIMPLE_PACKET => self.simple(body, info),
            _ => {
                let fits = self.note(kind, body, offset, info);
                return if fits.is_some() { Step::Skip(len) } else { Step::Bad(bad_len(len)) };
            }
        };
        match packet {
            None => Step::Bad(bad_len(len)),
            Some(Packet::Orphan) => {
                info.passed_over.orphan_count += 1;
                Step::Skip(len)
            }
            Some(Packet::TooLong(n)) => Step::Bad(DamageKind::CapturedLength(n)),
            Some(Packet::Good(mut raw)) => {
                raw.total = len;
                raw.data_at += 8;
                raw.options_at += 8;
                self.last_ts = raw.ts;
                Step::Frame(raw)
            }
        }
    }

    /// Blocks that hold no packet. `None` if the block is too short for its fixed fields.
    fn note(&mut self, kind: u32, body: &[u8], offset: u64, info: &mut SourceInfo) -> Option<()> {
        match kind {
            SECTION => self.section(body, info),
            INTERFACE => self.interface(body, info),
            NAME_RESOLUTION => self.names(body, info),
            STATISTICS => self.statistics(body, info),
            DECRYPTION_SECRETS => self.secrets(body, offset, info),
            _ => {
                info.passed_over.block_count += 1;
                Some(())
            }
        }
    }

    fn section(&mut self, body: &[u8], info: &mut SourceInfo) -> Option<()> {
        let (major, minor) = (self.order.u16(body, 4)?, self.order.u16(body, 6)?);
        // Only major version 1 exists; a later one would need a later reader, but nothing is lost by trying.
        let _ = (major, minor);
        let options = body.get(16..)?;
        self.interfaces.clear();
        let mut by = WrittenBy::default();
        for (code, value) in Options::new(self.order, options) {
            match code {
                OPT_COMMENT => self.comment(value, info),
                2 => by.hardware = self.kept_text(value, info),
                3 => by.os = self.kept_text(value, info),
                4 => by.application = self.kept_text(value, info),
                _ => {}
            }
        }
        if info.written_by == WrittenBy::default() {
            info.written_by = by;
        }
        Some(())
    }

    fn comment(&mut self, value: &[u8], info: &mut SourceInfo) {
        if info.comments.len() < MAX_COMMENTS {
            let comment = self.kept_text(value, info);
            info.comments.push(comment);
        } else {
            info.passed_over.note_count += 1;
        }
    }

    /// `value` as text, empty once the limit on kept text is reached.
    fn kept_text(&mut self, value: &[u8], info: &mut SourceInfo) -> String {
        let value = value.get(..MAX_TEXT_LEN).unwrap_or(value);
        self.notes_len = self.notes_len.saturating_add(value.len());
        if self.notes_len > MAX_NOTES_LEN {
            info.passed_over.note_count += 1;
            return String::new();
        }
        text(value)
    }

    fn interface(&mut self, body: &[u8], info: &mut SourceInfo) -> Option<()> {
        let mut new = Interface {
            link_type: u32::from(self.order.u16(body, 0)?),
            snaplen: self.order.u32(body, 4)?,
            ..Interface::default()
        };
        if info.interfaces.len() >= MAX_INTERFACES {
            info.passed_over.interface_count += 1;
            return Some(());
        }
        for (code, value) in Options::new(self.order, body.get(8..)?) {
            match (code, value) {
                (2, _) => new.name = self.kept_text(value, info),
                (3, _) => new.description = self.kept_text(value, info),
                (9, [r, ..]) => new.resolution = Units::resolution(*r),
                // The first byte tells the kind of filter; only text filters (0) are kept.
                (11, [0, filter @ ..]) => new.filter = self.kept_text(filter, info),
                (13, [n, ..]) => new.fcs_len = Some(*n),
                (14, _) => new.ts_offset = self.order.u64(value, 0).unwrap_or(0).cast_signed(),
                _ => {}
            }
        }
        self.interfaces.push(Local {
            index: u32::try_from(info.interfaces.len()).unwrap_or(u32::MAX),
            link_type: new.link_type,
            snaplen: new.snaplen,
            max_len: max_captured_len(new.link_type),
            units: Units::new(new.resolution, new.ts_offset),
        });
        info.interfaces.push(new);
        Some(())
    }

    fn enhanced(&mut self, body: &[u8], info: &mut SourceInfo) -> Option<Packet> {
        let [interface, high, low, captured, orig_len] = self.order.words::<5>(body)?;
        let Some(local) = self.interfaces.get(index(interface)) else { return Some(Packet::Orphan) };
        let ticks = u64::from(high) << 32 | u64::from(low);
        let packet = local.packet(body, 20, captured, orig_len, local.units.ts(ticks));
        if let Some(Packet::Good(raw)) = &packet
            && raw.options_len > 0
        {
            self.count_drops(raw, body, info);
        }
        packet
    }

    /// epb_dropcount: packets lost between this one and the one before on its interface.
    fn count_drops(&self, raw: &Raw, body: &[u8], info: &mut SourceInfo) {
        let options = body.get(raw.options_at..).unwrap_or(&[]);
        for (code, value) in Options::new(self.order, options) {
            if code == 4
                && let (Some(n), Some(i)) = (self.order.u64(value, 0), info.interfaces.get_mut(index(raw.interface)))
            {
                i.packet_drops = i.packet_drops.saturating_add(n);
            }
        }
    }

    fn obsolete(&mut self, body: &[u8], info: &mut SourceInfo) -> Option<Packet> {
        let interface = self.order.u16(body, 0)?;
        let drops = self.order.u16(body, 2)?;
        let [_, high, low, captured, orig_len] = self.order.words::<5>(body)?;
        let Some(local) = self.interfaces.get(usize::from(interface)) else { return Some(Packet::Orphan) };
        // 0xffff: number of drops not known.
        if drops != u16::MAX
            && let Some(i) = info.interfaces.get_mut(index(local.index))
        {
            i.packet_drops = i.packet_drops.saturating_add(u64::from(drops));
        }
        let ticks = u64::from(high) << 32 | u64::from(low);
        local.packet(body, 20, captured, orig_len, local.units.ts(ticks))
    }

    fn simple(&mut self, body: &[u8], _: &mut SourceInfo) -> Option<Packet> {
        let orig_len = self.order.u32(body, 0)?;
        let Some(local) = self.interfaces.first() else { return Some(Packet::Orphan) };
        let there = u32::try_from(body.len() - 4).unwrap_or(u32::MAX);
        let limit = if local.snaplen == 0 { u32::MAX } else { local.snaplen };
        let captured = orig_len.min(limit).min(there);
        local.packet(body, 4, captured, orig_len, self.last_ts)
    }

    fn statistics(&mut self, body: &[u8], info: &mut SourceInfo) -> Option<()> {
        let interface = self.order.u32(body, 0)?;
        let options = body.get(12..)?;
        let Some(local) = self.interfaces.get(index(interface)) else { return Some(()) };
        let Some(i) = info.interfaces.get_mut(index(local.index)) else { return Some(()) };
        for (code, value) in Options::new(self.order, options) {
            let counter = self.order.u64(value, 0);
            match code {
                4 => i.received = counter,
                5 => i.dropped = counter,
                7 => i.os_dropped = counter,
                _ => {}
            }
        }
        Some(())
    }

    fn names(&mut self, mut body: &[u8], info: &mut SourceInfo) -> Option<()> {
        while let (Some(kind), Some(len)) = (self.order.u16(body, 0), self.order.u16(body, 2)) {
            let len = usize::from(len);
            let Some(record) = body.get(4..4 + len) else { break };
            match kind {
                0 => break,
                1 => hosts(record.split_first_chunk().map(|(a, n)| (Addr::v4(*a), n)), info),
                2 => hosts(record.split_first_chunk().map(|(a, n)| (Addr::v6(*a), n)), info),
                // Hardware addresses (3, 4) and what is to come: nobody asks for them.
                _ => {}
            }
            body = body.get(4 + pad4(len)..).unwrap_or(&[]);
        }
        Some(())
    }

    fn secrets(&mut self, body: &[u8], offset: u64, info: &mut SourceInfo) -> Option<()> {
        let [kind, len] = self.order.words::<2>(body)?;
        let data = body.get(8..8usize.checked_add(index(len))?)?;
        if self.secrets_len + data.len() > MAX_SECRETS_LEN {
            info.passed_over.note_count += 1;
            return Some(());
        }
        self.secrets_len += data.len();
        info.secrets.push(Secrets { kind, data: data.to_vec(), offset });
        Some(())
    }
}

fn bad_len(len: usize) -> DamageKind {
    DamageKind::BlockLength(u32::try_from(len).unwrap_or(u32::MAX))
}

fn hosts(record: Option<(Addr, &[u8])>, info: &mut SourceInfo) {
    let Some((addr, names)) = record else { return };
    for name in names.split(|&b| b == 0).filter(|n| !n.is_empty()) {
        if info.hosts.len() < MAX_HOSTS {
            info.hosts.push(Host { addr, name: text(name.get(..255).unwrap_or(name)) });
        } else {
            info.passed_over.note_count += 1;
        }
    }
}

enum Packet {
    Good(Raw),
    Orphan,
    TooLong(u32),
}

impl Local {
    /// The packet whose bytes start at `at` of `body`; `None` if they are not all there.
    fn packet(&self, body: &[u8], at: usize, captured: u32, orig_len: u32, ts: Timestamp) -> Option<Packet> {
        if captured > self.max_len {
            return Some(Packet::TooLong(captured));
        }
        let end = at + index(captured);
        if end > body.len() {
            return None;
        }
        let options_at = pad4(end).min(body.len());
        Some(Packet::Good(Raw {
            ts,
            total: 0,
            data_at: at,
            data_len: captured,
            orig_len,
            interface: self.index,
            link_type: self.link_type,
            options_at,
            options_len: body.len() - options_at,
        }))
    }
}

/// The options at the end of a block: code, length, value padded to four. Ends at opt_endofopt, at
/// the first that does not fit and after [`MAX_OPTIONS`].
pub(crate) struct Options<'a> {
    order: Order,
    rest: &'a [u8],
    left: usize,
}

impl<'a> Options<'a> {
    pub(crate) fn new(order: Order, options: &'a [u8]) -> Self {
        Self { order, rest: options, left: MAX_OPTIONS }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let code = self.order.u16(self.rest, 0)?;
        let len = usize::from(self.order.u16(self.rest, 2)?);
        if code == 0 {
            return None;
        }
        let value = self.rest.get(4..4 + len)?;
        self.rest = self.rest.get(4 + pad4(len)..).unwrap_or(&[]);
        Some((code, value))
    }
}
