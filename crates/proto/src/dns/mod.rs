//! DNS (RFC 1034, 1035) over UDP and TCP, multicast DNS (RFC 6762), LLMNR (RFC 4795) and the NetBIOS name
//! service (RFC 1002 §4.2), with EDNS (RFC 6891) and dynamic update (RFC 2136).
//!
//! One row per question and its reply, joined by id as Zeek joins them: first asked, first answered. What is
//! not answered by the flow's end, or not asked, becomes a row of its own. Logged are queries, notifications and
//! updates. Limits: [`MAX_PENDING_IDS`], [`MAX_PENDING_PER_ID`], [`MAX_ANSWERS`], [`MAX_QUESTIONS`],
//! [`message::MAX_NAME_LEN`], [`message::MAX_POINTERS`]. Known gaps: authority and additional records are only
//! looked at for EDNS; NetBIOS node status replies are not taken apart.

mod announced;
mod answer;
mod message;
mod names;
mod netbios;
mod pending;
mod probe;
mod read;
mod record;
mod tcp;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod tx;

pub use announced::AnnouncementRecord;
pub use netbios::NetbiosNameRecord;
pub use pending::{MAX_PENDING_IDS, MAX_PENDING_PER_ID};
pub use record::{DnsRecord, Label};
pub use told::{DnsMessageRecord, MAX_TOLD_RECORDS};
pub(crate) use tx::{eve, fact, is_message};

use crate::{Cx, Descriptor, Event, Protocol, Start, Transport};
use answer::Data;
use message::{Header, Name, Walk};
use pending::Pending;
use sekisho_record::{EnumName, Head, Port, Text, UnsetIfEmpty};
use sekisho_types::{Addr, Dir, Heap, Interval, block_len};
use tcp::Stream;

/// More questions than this in one message, and it is not looked into.
pub const MAX_QUESTIONS: u16 = 25;
/// Answers logged of one exchange.
pub const MAX_ANSWERS: usize = 512;
/// Port of the NetBIOS name service.
const NETBIOS_PORT: u16 = 137;

/// Operations (RFC 1035 §4.1.1, RFC 1996, RFC 2136; RFC 1002 §4.2.1.1); logged are queries, notifications and updates.
mod op {
    pub const QUERY: u8 = 0;
    pub const STATUS: u8 = 2;
    pub const NOTIFY: u8 = 4;
    pub const UPDATE: u8 = 5;
    pub const NETBIOS_RELEASE: u8 = 6;
    pub const NETBIOS_REFRESH: u8 = 8;
}

/// State of one flow: for UDP usually one boxed row, later none.
pub struct Parser {
    pending: Pending,
    /// Buffers per direction; TCP only.
    streams: Option<Box<[Stream; 2]>>,
    started: bool,
    /// The first message was a reply from the originator: the ends of the flow are swapped in rows as long as
    /// the flow's originator is this end.
    swapped: Option<Box<(Addr, u16)>>,
    /// Messages shown to rules and EVE.
    txs: tx::Shown,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "dns", tcp_ports: &[53], udp_ports: &[53, 137, 5353, 5355], probe: probe::probe };

    fn start(start: &Start<'_>) -> Self {
        let streams = (start.transport == Transport::Tcp).then(Box::default);
        Self { pending: Pending::default(), streams, started: false, swapped: None, txs: tx::Shown::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(mut streams) = self.streams.take() else {
            self.message(dir, bytes, 0, cx);
            return;
        };
        let [orig, resp] = &mut *streams;
        let stream = if dir.is_orig() { orig } else { resp };
        stream.feed(bytes, cx.is_watched(), |msg, left, found_again| match found_again {
            // Zeek finds no more messages behind such a hole.
            true => {
                let frame = tx::begin_frame(dir, msg, left, cx);
                tx::show(dir, msg, frame, &mut self.txs, cx);
            }
            false => self.message(dir, msg, left, cx),
        });
        self.streams = Some(streams);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        if let Some(stream) = self.streams.as_deref_mut().and_then(|s| s.get_mut(dir.index())) {
            stream.gap(len);
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        // As Zeek does: what the sender left incomplete is read as far as it goes.
        let stream = self.streams.as_deref_mut().and_then(|s| s.get_mut(dir.index()));
        if let Some(rest) = stream.map(Stream::take_partial).filter(|rest| !rest.is_empty()) {
            self.message(dir, &rest, 0, cx);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.pending.drain(&mut |row| emit(row, cx));
    }

    fn held_len(&self) -> usize {
        let streams =
            self.streams.as_ref().map_or(0, |s| block_len(size_of::<[Stream; 2]>()) + s.as_slice().heap_len());
        let swapped = if self.swapped.is_some() { block_len(size_of::<(Addr, u16)>()) } else { 0 };
        self.pending.heap_len() + streams + swapped + self.txs.heap_len()
    }
}

/// Hands a row over; what is known of the flow by now goes with it.
fn emit(mut row: Box<DnsRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::DnsRecord(row));
}

/// One message on its way through the parser.
struct Parts<'a> {
    header: Header,
    netbios: bool,
    msg: &'a [u8],
}

impl Parser {
    /// A message, behind which `left` bytes follow.
    fn message(&mut self, dir: Dir, msg: &[u8], left: usize, cx: &mut Cx<'_>) {
        let frame = tx::begin_frame(dir, msg, left, cx);
        let Some(header) = Header::parse(msg) else {
            cx.weird("DNS_truncated_len_lt_hdr_len");
            return;
        };
        self.orient(dir, header, cx);
        told::tell(dir, header, msg, cx);
        announced::tell(dir, header, msg, cx);
        netbios::tell(dir, header, msg, cx);
        let is_shown = cx.is_watched() && tx::show(dir, msg, frame, &mut self.txs, cx);
        let netbios = cx.flow.tuple.resp_port == NETBIOS_PORT;
        if netbios && matches!(header.opcode, op::NETBIOS_RELEASE..=op::NETBIOS_REFRESH) {
            // Understood, but as in Zeek not logged.
            read(&Parts { header, netbios, msg }, &mut self.blank(header.id, cx), cx);
            return;
        }
        if !matches!(header.opcode, op::QUERY | op::NOTIFY | op::UPDATE) {
            let detail = Text::from(header.opcode.to_string());
            cx.weird_with("DNS_unknown_opcode", Some(detail));
            cx.partial();
            cx.recognize("dns");
            return;
        }
        if is_shown && cx.is_for_eve() {
            // Nobody wants a row.
            cx.confirm("dns");
            return;
        }
        let mut row =
            self.pending.matching(header.id, header.qr).unwrap_or_else(|| Box::new(self.blank(header.id, cx)));
        row.opcode = header.opcode;
        row.opcode_name = names::opcode(header.opcode, netbios);
        if header.qr {
            reply_header(&mut row, header, msg);
        }
        read(&Parts { header, netbios, msg }, &mut row, cx);
        if header.qr {
            row.saw_reply = true;
        } else {
            row.saw_query = true;
        }
        if row.saw_query && row.saw_reply {
            (row.reply_query, row.reply_qtype_name) = (None, None);
            emit(row, cx);
        } else {
            self.pending.keep(row, &mut |row| emit(row, cx));
        }
    }

    /// A flow whose first message is a reply from its originator is the wrong way round, except to a group.
    fn orient(&mut self, dir: Dir, header: Header, cx: &mut Cx<'_>) {
        let first = !std::mem::replace(&mut self.started, true);
        let tuple = &cx.flow.tuple;
        if first && header.qr && dir.is_orig() && self.streams.is_none() && !tuple.resp.is_multicast() {
            self.swapped = Some(Box::new((tuple.orig, tuple.orig_port)));
            cx.flip();
        }
    }

    fn blank(&self, id: u16, cx: &Cx<'_>) -> DnsRecord {
        let mut head = cx.head(cx.ts);
        let tuple = &cx.flow.tuple;
        if self.swapped.as_deref() == Some(&(tuple.orig, tuple.orig_port)) {
            head = Head {
                orig_h: tuple.resp,
                orig_p: Port(tuple.resp_port),
                resp_h: tuple.orig,
                resp_p: Port(tuple.orig_port),
                ..head
            };
        }
        DnsRecord {
            head,
            proto: EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" }),
            trans_id: id,
            rtt: None,
            query: None,
            qclass: None,
            qclass_name: None,
            qtype: None,
            qtype_name: None,
            rcode: None,
            rcode_name: None,
            aa: false,
            tc: false,
            rd: false,
            ra: false,
            z: 0,
            answers: UnsetIfEmpty::default(),
            ttls: UnsetIfEmpty::default(),
            rejected: false,
            opcode: 0,
            opcode_name: Label::from("query"),
            reply_query: None,
            reply_qtype_name: None,
            answer_count: None,
            authority_count: None,
            additional_count: None,
            reply_truncated: None,
            reply_len: None,
            edns_udp_size: None,
            edns_do: None,
            edns_ecs: None,
            edns_ede: None,
            extended_rcode: None,
            tail: cx.tail(),
            saw_query: false,
            saw_reply: false,
        }
    }
}

fn reply_header(row: &mut DnsRecord, header: Header, msg: &[u8]) {
    row.rcode = Some(header.rcode);
    row.rcode_name = Some(names::rcode(header.rcode));
    row.answer_count = Some(header.ancount);
    row.authority_count = Some(header.nscount);
    row.additional_count = Some(header.arcount);
    row.reply_truncated = Some(header.tc);
    row.reply_len = u32::try_from(msg.len()).ok();
    if header.rcode != 0 && header.qdcount == 0 {
        row.rejected = true;
    }
}

/// Reads the sections into `row`.
fn read(parts: &Parts<'_>, row: &mut DnsRecord, cx: &mut Cx<'_>) {
    let header = parts.header;
    if header.qdcount > MAX_QUESTIONS {
        cx.weird("DNS_Conn_count_too_large");
        return;
    }
    let mut walk = Walk::new(parts.msg, parts.netbios);
    let mut name = Name::default();
    let whole = questions(parts, &mut walk, &mut name, row) && answers(parts, &mut walk, &mut name, row, cx);
    for (name, detail) in walk.oddities.drain(..) {
        cx.weird_with(name, detail.map(|n| Text::from(n.to_string())));
    }
    if whole {
        cx.confirm("dns");
        let already = if is_update(parts) { header.nscount } else { 0 };
        edns(header, &mut walk, &mut name, u32::from(header.nscount - already) + u32::from(header.arcount), row);
    }
}

const fn is_update(parts: &Parts<'_>) -> bool {
    parts.header.opcode == op::UPDATE && !parts.netbios
}

/// The question section; false if it is damaged.
fn questions(parts: &Parts<'_>, walk: &mut Walk<'_>, name: &mut Name, row: &mut DnsRecord) -> bool {
    let header = parts.header;
    for _ in 0..header.qdcount {
        let Some(q) = walk.question(name) else { return false };
        if header.qr {
            if header.ancount == 0 && header.nscount == 0 && header.arcount == 0 {
                row.rejected = true;
            }
            if !row.saw_query {
                row.reply_query = Some(name.as_bytes().into());
                row.reply_qtype_name = Some(names::qtype(q.qtype));
            }
        } else if !is_update(parts) {
            row.rd = header.rd;
            row.tc = header.tc;
            row.z = header.z;
            row.qclass = Some(q.qclass);
            row.qclass_name = Some(names::qclass(q.qclass));
            row.qtype = Some(q.qtype);
            // The number of NetBIOS node status was given to SRV later on.
            let node_status = parts.netbios && q.qtype == names::rr::SRV;
            row.qtype_name = Some(if node_status { Label::from("NBSTAT") } else { names::qtype(q.qtype) });
            let decoded = if parts.netbios { message::netbios_name(name.as_bytes()) } else { None };
            row.query = Some(decoded.unwrap_or_else(|| name.as_bytes().to_vec()).into());
        }
    }
    true
}

/// The answer section, in updates prerequisites and changes; false if it is damaged.
fn answers(parts: &Parts<'_>, walk: &mut Walk<'_>, owner: &mut Name, row: &mut DnsRecord, cx: &Cx<'_>) -> bool {
    let (header, update) = (parts.header, is_update(parts));
    let changes = if update { header.nscount } else { 0 };
    for i in 0..u32::from(header.ancount) + u32::from(changes) {
        let Some(head) = walk.rr_head(owner) else { return false };
        let change = i >= u32::from(header.ancount);
        let data = if update && !change {
            Data::Text(answer::prerequisite(walk, owner, head))
        } else if let Some(text) = if update { answer::deletion(walk, owner, head) } else { None } {
            Data::Text(text)
        } else if head.rdlength == 0 && walk.left() > 0 {
            walk.odd("DNS_zero_rdlength", None);
            Data::Broken
        } else {
            match answer::data(walk, owner, head, update) {
                Data::Text(text) if change && !text.is_empty() => Data::Text([b"add: ".as_slice(), &text].concat()),
                data => data,
            }
        };
        let (text, last) = match data {
            Data::Text(text) => (text, false),
            Data::Last(text) => (text, true),
            Data::Silent => continue,
            Data::Broken => return false,
        };
        if header.qr {
            if row.answers.0.len() >= MAX_ANSWERS {
                walk.odd("dns_answer_limit", None);
            }
            answered(row, header, owner, text, head.ttl, cx);
        }
        if last {
            return false;
        }
    }
    true
}

fn answered(row: &mut DnsRecord, header: Header, owner: &Name, text: Vec<u8>, ttl: u32, cx: &Cx<'_>) {
    if row.query.is_none() {
        row.query = Some(owner.as_bytes().into());
    }
    row.aa = header.aa;
    row.ra = header.ra;
    if row.rtt.is_none() {
        // No time at all means that the reply itself began the row.
        row.rtt = Some(cx.ts - row.head.ts).filter(|t| *t != Interval::ZERO);
    }
    if !text.is_empty() && row.answers.0.len() < MAX_ANSWERS {
        row.answers.0.push(Text(text));
        row.ttls.0.push(Interval::from_secs(i64::from(ttl)));
    }
}

/// EDNS behind the answers, from `records` records.
fn edns(header: Header, walk: &mut Walk<'_>, name: &mut Name, records: u32, row: &mut DnsRecord) {
    if records == 0 {
        return;
    }
    let Some(edns) = message::find_edns(walk, name, records) else { return };
    if header.qr {
        row.edns_ede = edns.ede;
        row.extended_rcode = (edns.rcode_high != 0).then(|| u16::from(edns.rcode_high) << 4 | u16::from(header.rcode));
    } else {
        row.edns_udp_size = Some(edns.udp_size);
        row.edns_do = Some(edns.dnssec_ok);
    }
    row.edns_ecs = edns.ecs.or(row.edns_ecs);
}
