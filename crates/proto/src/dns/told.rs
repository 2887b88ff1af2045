//! Every DNS message on port 53 as detectors see it: stray and forged answers too, which the rows of `dns` join away. Made
//! only if somebody judges.
//!
//! Names of records are in lower case, the question's as on the wire: resolvers mix its case to make answers harder to
//! forge (draft-vixie-dnsext-dns0x20). Limits: [`MAX_TOLD_RECORDS`], [`MAX_TOLD_LEN`].

use super::MAX_QUESTIONS;
use super::answer::{self, Data};
use super::message::{Edns, Header, Name, RrHead, Walk, edns};
use super::names::rr;
use crate::{Cx, Event, Transport};
use sekisho_record::{EnumName, Head, Record, Text, Texts, UnsetIfEmpty};
use sekisho_types::{Addr, Dir, seeded_hash};
use std::mem::take;

/// Records told of one message; of more only their number.
pub const MAX_TOLD_RECORDS: usize = 128;
/// Bytes of names and data told of one message; of the records behind only their number.
const MAX_TOLD_LEN: usize = 16 * 1024;
/// Longest data told of one record.
const MAX_DATA_LEN: usize = 512;
/// Port of DNS; multicast DNS and the LAN's other name services have ports of their own.
const PORT: u16 = 53;
/// EDNS cookie (RFC 7873 §4).
const OPTION_COOKIE: u16 = 10;
/// Extended errors of a resolver that could not validate (RFC 8914 §4.7 to §4.13).
const VALIDATION_FAILED: std::ops::RangeInclusive<u16> = 6..=12;
/// DNAME (RFC 6672 §2.1).
const DNAME: u16 = 39;
/// Any seed: equal messages have to have equal digests.
const DIGEST_SEED: u64 = 0xd25;

/// One DNS message over UDP or TCP port 53.
#[derive(Clone, Debug, Record)]
#[record(log = "dns_message")]
pub struct DnsMessageRecord {
    /// Time of the message, flow and its ends as they stand when it passes.
    #[record(flatten)]
    pub head: Head,
    /// Number of the packet that brought its last byte.
    pub packet: u64,
    /// Transport protocol.
    pub proto: EnumName,
    /// The flow's originator sent it.
    pub from_orig: bool,
    /// It is a query.
    pub is_query: bool,
    /// Time to live or hop limit of the packet; 0 if unknown.
    pub hop_limit: u8,
    /// Length in bytes.
    pub len: u32,
    /// The 16-bit id.
    pub trans_id: u16,
    /// Operation.
    pub opcode: u8,
    /// Authoritative answer.
    #[record(name = "AA")]
    pub aa: bool,
    /// Truncated.
    #[record(name = "TC")]
    pub tc: bool,
    /// Recursion desired.
    #[record(name = "RD")]
    pub rd: bool,
    /// Recursion available.
    #[record(name = "RA")]
    pub ra: bool,
    /// Authentic data (RFC 4035 §3.2.3).
    #[record(name = "AD")]
    pub ad: bool,
    /// Checking disabled (RFC 4035 §3.2.2).
    #[record(name = "CD")]
    pub cd: bool,
    /// Response code with EDNS's upper eight bits.
    pub rcode: u16,
    /// Name of the first question as on the wire, its case kept; unset if there is none.
    pub query: Option<Text>,
    /// Its type.
    pub qtype: Option<u16>,
    /// Its class.
    pub qclass: Option<u16>,
    /// UDP payload size that the sender offers (RFC 6891 §6.2.3); unset without EDNS.
    pub edns_size: Option<u16>,
    /// DNSSEC records are wanted, or the answer says so (RFC 3225).
    pub edns_do: bool,
    /// Extended error (RFC 8914).
    pub edns_ede: Option<u16>,
    /// There is a DNS cookie (RFC 7873).
    pub cookie: bool,
    /// Section of each record: 1 answer, 2 authority, 3 additional. The record of EDNS is none.
    pub sections: UnsetIfEmpty<u8>,
    /// Owner of each record, in lower case without the final dot; the root is empty.
    pub owners: Texts,
    /// Type of each record.
    pub types: UnsetIfEmpty<u16>,
    /// Time to live of each record, in seconds.
    pub ttls: UnsetIfEmpty<u32>,
    /// Data of each record: addresses as text; of NS, CNAME, DNAME, PTR, MX, SRV, SVCB, HTTPS and SOA the first name in
    /// lower case; of others as in `dns`, or nothing.
    pub data: Texts,
    /// Records that stand in the message but not here: beyond a limit, or unreadable.
    pub more: u32,
    /// Digest of what follows the id: equal for copies of one message.
    pub digest: u64,
    /// The raw message, where it carries RRSIG, DNSKEY, DS, NSEC or NSEC3, answers one who wanted them, or says that validation failed.
    pub wire: Option<Text>,
}

/// Tells a message, if it is of port 53 and somebody judges.
pub fn tell(dir: Dir, header: Header, msg: &[u8], cx: &mut Cx<'_>) {
    let tuple = &cx.flow.tuple;
    if !cx.is_judged() || (tuple.orig_port != PORT && tuple.resp_port != PORT) {
        return;
    }
    let mut row = match cx.spare().dns_message.take() {
        Some(mut row) => {
            let room = Room::of(&mut row);
            *row = blank(dir, header, msg, cx, room);
            row
        }
        None => Box::new(blank(dir, header, msg, cx, Room::default())),
    };
    let mut walk = Walk::new(msg, false);
    let mut name = Name::default();
    let left = if header.qdcount > MAX_QUESTIONS || !question(&mut walk, &mut name, header, &mut row) {
        counted(header)
    } else {
        records(&mut walk, &mut name, header, &mut row)
    };
    row.more = row.more.saturating_add(left);
    if row.qtype.is_none() {
        row.query = None;
    }
    let signed = row.types.0.iter().any(|t| matches!(*t, rr::RRSIG | rr::DNSKEY | rr::DS | rr::NSEC | rr::NSEC3));
    let refused = row.edns_ede.is_some_and(|code| VALIDATION_FAILED.contains(&code));
    if signed || (header.qr && (row.edns_do || refused)) {
        row.wire = Some(Text::from(msg));
    }
    cx.emit(Event::DnsMessageRecord(row));
}

/// Room for lists that a row left behind.
#[derive(Default)]
struct Room {
    query: Vec<u8>,
    sections: Vec<u8>,
    owners: Texts,
    types: Vec<u16>,
    ttls: Vec<u32>,
    data: Texts,
}

impl Room {
    /// More bytes of texts are not kept.
    const MAX_LEN: usize = 4096;

    fn of(row: &mut DnsMessageRecord) -> Self {
        let mut room = Self {
            query: take(&mut row.query).map_or_else(Vec::new, |query| query.0),
            sections: take(&mut row.sections.0),
            owners: take(&mut row.owners),
            types: take(&mut row.types.0),
            ttls: take(&mut row.ttls.0),
            data: take(&mut row.data),
        };
        if room.owners.room_len().max(room.data.room_len()) > Self::MAX_LEN {
            return Self::default();
        }
        room.query.clear();
        room.sections.clear();
        room.owners.clear();
        room.types.clear();
        room.ttls.clear();
        room.data.clear();
        room
    }
}

const fn counted(header: Header) -> u32 {
    header.ancount as u32 + header.nscount as u32 + header.arcount as u32
}

/// A row for this message without its records; the question's name is there and empty.
fn blank(dir: Dir, header: Header, msg: &[u8], cx: &Cx<'_>, room: Room) -> DnsMessageRecord {
    DnsMessageRecord {
        head: cx.head(cx.ts),
        packet: cx.source,
        proto: EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" }),
        from_orig: dir.is_orig(),
        is_query: !header.qr,
        hop_limit: cx.hop_limit,
        len: u32::try_from(msg.len()).unwrap_or(u32::MAX),
        trans_id: header.id,
        opcode: header.opcode,
        aa: header.aa,
        tc: header.tc,
        rd: header.rd,
        ra: header.ra,
        ad: header.z & 2 != 0,
        cd: header.z & 1 != 0,
        rcode: u16::from(header.rcode),
        query: Some(Text(room.query)),
        qtype: None,
        qclass: None,
        edns_size: None,
        edns_do: false,
        edns_ede: None,
        cookie: false,
        sections: UnsetIfEmpty(room.sections),
        owners: room.owners,
        types: UnsetIfEmpty(room.types),
        ttls: UnsetIfEmpty(room.ttls),
        data: room.data,
        more: 0,
        digest: seeded_hash(DIGEST_SEED, msg.get(2..).unwrap_or(&[])),
        wire: None,
    }
}

/// Reads the questions; false if they break off.
fn question(walk: &mut Walk<'_>, name: &mut Name, header: Header, row: &mut DnsMessageRecord) -> bool {
    for i in 0..header.qdcount {
        walk.name(name, false);
        if walk.left() < 4 {
            return false;
        }
        let (qtype, qclass) = (walk.u16(), walk.u16());
        if i == 0 {
            row.query.get_or_insert_default().0.extend_from_slice(name.as_bytes());
            (row.qtype, row.qclass) = (Some(qtype), Some(qclass));
        }
    }
    true
}

/// Reads the records; how many were not told.
fn records(walk: &mut Walk<'_>, owner: &mut Name, header: Header, row: &mut DnsMessageRecord) -> u32 {
    let mut left = counted(header);
    let mut told_len = 0;
    reserve(header, walk.left(), row);
    let mut target = Name::default();
    for (section, count) in [(1u8, header.ancount), (2, header.nscount), (3, header.arcount)] {
        for _ in 0..count {
            let Some(head) = walk.rr_head(owner) else { return left };
            let end = walk.pos() + head.rdlength;
            left -= 1;
            if head.rtype == rr::OPT {
                let data = walk.up_to(head.rdlength);
                extended(&edns(head, data), row);
                row.cookie |= has_cookie(data);
                continue;
            }
            if row.types.0.len() >= MAX_TOLD_RECORDS || told_len > MAX_TOLD_LEN {
                row.more += 1;
                walk.seek(end);
                continue;
            }
            row.sections.0.push(section);
            row.owners.push(owner.as_bytes());
            row.types.0.push(head.rtype);
            row.ttls.0.push(head.ttl);
            told_len += owner.as_bytes().len() + text(walk, owner, &mut target, head, &mut row.data);
            walk.seek(end);
        }
    }
    left
}

/// Room for the records of an ordinary message at once.
fn reserve(header: Header, len: usize, row: &mut DnsMessageRecord) {
    const MOST: usize = 16;
    // One of them is EDNS's, mostly.
    let count =
        usize::from(header.ancount) + usize::from(header.nscount) + usize::from(header.arcount.saturating_sub(1));
    // A record takes eleven bytes at least.
    let count = count.min(MOST).min(len / 11);
    if count > 0 {
        row.sections.0.reserve(count);
        row.types.0.reserve(count);
        row.ttls.0.reserve(count);
        row.owners.reserve(count, 2 * len.min(256));
        row.data.reserve(count, len.min(256));
    }
}

fn extended(edns: &Edns, row: &mut DnsMessageRecord) {
    row.edns_size = Some(edns.udp_size);
    row.edns_do = edns.dnssec_ok;
    row.edns_ede = edns.ede;
    row.rcode |= u16::from(edns.rcode_high) << 4;
}

fn has_cookie(mut data: &[u8]) -> bool {
    while let Some((&[c0, c1, l0, l1], rest)) = data.split_first_chunk::<4>() {
        if u16::from_be_bytes([c0, c1]) == OPTION_COOKIE {
            return true;
        }
        let Some(rest) = rest.get(usize::from(u16::from_be_bytes([l0, l1]))..) else { return false };
        data = rest;
    }
    false
}

/// Adds a record's data; returns its length. The cursor may end anywhere.
fn text(walk: &mut Walk<'_>, owner: &Name, target: &mut Name, head: RrHead, all: &mut Texts) -> usize {
    let mut push = |text: &[u8]| {
        let text = text.get(..MAX_DATA_LEN).unwrap_or(text);
        all.push(text);
        text.len()
    };
    let mut address = |addr: Addr| {
        let mut printed = [0; Addr::ROOM_LEN];
        let len = addr.write(&mut printed);
        push(printed.get(..len).unwrap_or(&[]))
    };
    let skip = match (head.rtype, head.rdlength) {
        (rr::A, 4) if walk.left() >= 4 => return address(Addr::v4(walk.u32().to_be_bytes())),
        (rr::AAAA, 16) if walk.left() >= 16 => {
            return address(Addr::v6(walk.up_to(16).first_chunk().copied().unwrap_or_default()));
        }
        (rr::NS | rr::CNAME | rr::PTR | rr::SOA | DNAME, _) => 0,
        (rr::MX | rr::SVCB | rr::HTTPS, _) => 2,
        (rr::SRV, _) => 6,
        (_, 0) => return push(&[]),
        _ => {
            return match answer::data(walk, owner, head, false) {
                Data::Text(text) | Data::Last(text) => push(&text),
                Data::Silent | Data::Broken => push(&[]),
            };
        }
    };
    walk.up_to(skip);
    walk.name(target, true);
    push(target.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{header, name, query, question, record, reply, udp};
    use crate::testing::Bench;
    use crate::{ProtoId, Transport};
    use sekisho_types::Dir;

    fn judged(mut bench: Bench) -> Bench {
        bench.out.judged = true;
        bench
    }

    fn told(mut bench: Bench) -> Vec<String> {
        bench.end();
        bench.rows("dns_message")
    }

    #[test]
    fn nothing_is_told_unless_somebody_judges_and_only_of_port_53() {
        for (judge, port, count) in [(false, 53, 0), (true, 5353, 0), (true, 137, 0), (true, 53, 1)] {
            let mut b = Bench::new(ProtoId::Dns, Transport::Udp, port);
            b.out.judged = judge;
            b.data(Dir::Orig, &query(7, "a.test", 1));
            assert_eq!(told(b).len(), count, "{judge} {port}");
        }
    }

    #[test]
    fn tells_both_messages_with_the_case_of_the_question_and_all_sections() {
        let mut b = judged(udp());
        b.data(Dir::Orig, &query(7, "WwW.a.Test", 1));
        let mut answer = [header(7, 0x8580, [1, 1, 1, 2]), question("WwW.a.Test", 1)].concat();
        answer.extend(record(&[0xc0, 12], 1, 1, 60, &[192, 0, 2, 1]));
        answer.extend(record(&name("A.test"), 2, 1, 300, &name("NS1.a.test")));
        answer.extend(record(
            &name("ns1.a.test"),
            28,
            1,
            300,
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ));
        // EDNS: size 1232, cookie, extended error 18.
        let options = [&[0, 10, 0, 8][..], &[9; 8], &[0, 15, 0, 2, 0, 18]].concat();
        answer.extend(record(&[0], 41, 1232, 0x0100_0000, &options));
        b.data(Dir::Resp, &answer);
        let rows = told(b);
        assert_eq!(rows.len(), 2);
        let has = |row: &str, parts: &[&str]| parts.iter().for_each(|p| assert!(row.contains(p), "{p} in {row}"));
        has(
            &rows[0],
            &[
                "from_orig=Bool(true)",
                "is_query=Bool(true)",
                "trans_id=Count(7)",
                "RD=Bool(true)",
                "query=Str(\"WwW.a.Test\")",
            ],
        );
        has(
            &rows[1],
            &[
                "from_orig=Bool(false) is_query=Bool(false)",
                "AA=Bool(true) TC=Bool(false) RD=Bool(true) RA=Bool(true) AD=Bool(false) CD=Bool(false) rcode=Count(16)",
                "qtype=Count(1) qclass=Count(1) edns_size=Count(1232) edns_do=Bool(false) edns_ede=Count(18) cookie=Bool(true)",
                "sections=[Count(1), Count(2), Count(3)]",
                "owners=[Str(\"www.a.test\"), Str(\"a.test\"), Str(\"ns1.a.test\")]",
                "types=[Count(1), Count(2), Count(28)] ttls=[Count(60), Count(300), Count(300)]",
                "data=[Str(\"192.0.2.1\"), Str(\"ns1.a.test\"), Str(\"2001:db8::1\")] more=Count(0)",
            ],
        );
        assert!(!rows[1].contains("wire="), "{}", rows[1]);
    }

    #[test]
    fn tells_answers_that_fit_no_question_and_knows_copies() {
        let digest = |row: &String| row.split("digest=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let mut b = judged(udp());
        b.data(Dir::Orig, &query(1, "a.test", 1));
        for id in [9, 8, 9] {
            b.data(Dir::Resp, &reply(id, "a.test", 1, &[(1, &[203, 0, 113, 66])]));
        }
        b.data(Dir::Resp, &reply(1, "a.test", 1, &[(1, &[192, 0, 2, 1])]));
        let rows = told(b);
        assert_eq!(rows.len(), 5);
        assert_eq!(digest(&rows[1]), digest(&rows[2]));
        assert_eq!(digest(&rows[1]), digest(&rows[3]));
        assert_ne!(digest(&rows[1]), digest(&rows[4]));
        // A forged answer to a port that nobody asked from makes a flow of its own: its sender began it.
        let mut b = judged(udp());
        b.flow.tuple.orig_port = 53;
        b.flow.tuple.resp_port = 33333;
        b.data(Dir::Orig, &reply(9, "a.test", 1, &[(1, &[203, 0, 113, 66])]));
        let rows = told(b);
        assert_eq!(rows.len(), 1);
        assert!(rows[0].contains("from_orig=Bool(true) is_query=Bool(false)"), "{}", rows[0]);
    }

    #[test]
    fn a_row_in_the_room_of_another_is_the_same() {
        let mut long = [header(7, 0x8580, [1, 2, 0, 1]), question("WwW.a.Test", 1)].concat();
        long.extend(record(&[0xc0, 12], 5, 1, 60, &name("cdn.example")));
        long.extend(record(&name("cdn.example"), 1, 1, 60, &[192, 0, 2, 1]));
        long.extend(record(&[0], 41, 512, 0x8000, &[]));
        let without_question = header(9, 0x8180, [0, 0, 0, 0]);
        for second in
            [reply(1, "b.test", 1, &[(1, &[192, 0, 2, 7])]), query(2, "c.test", 28), without_question, long.clone()]
        {
            let run = |spare: bool| {
                let mut b = judged(udp());
                b.data(Dir::Resp, &long);
                for event in std::mem::take(&mut b.out.events) {
                    if spare {
                        b.out.spare.keep(event);
                    }
                }
                assert_eq!(b.out.spare.dns_message.is_some(), spare);
                b.data(Dir::Resp, &second);
                assert!(b.out.spare.dns_message.is_none());
                told(b)
            };
            let rows = run(true);
            assert!(rows.len() == 1 && rows == run(false), "{rows:?}");
        }
    }

    #[test]
    fn keeps_the_raw_message_where_dnssec_is_concerned() {
        let mut b = judged(udp());
        b.data(Dir::Orig, &query(1, "a.test", 43));
        let ds = reply(1, "a.test", 43, &[(43, &[0, 1, 8, 2, 7, 7])]);
        b.data(Dir::Resp, &ds);
        let mut plain = [header(2, 0x8180, [1, 0, 0, 1]), question("b.test", 1)].concat();
        plain.extend(record(&[0], 41, 512, 0x8000, &[]));
        b.data(Dir::Resp, &plain);
        let rows = told(b);
        assert!(!rows[0].contains("wire="), "{}", rows[0]);
        assert!(rows[1].contains("wire=Str(") && rows[1].contains("data=[Str(\"DS 8 2\")]"), "{}", rows[1]);
        assert!(rows[2].contains("wire=Str(") && rows[2].contains("edns_do=Bool(true)"), "{}", rows[2]);
    }

    #[test]
    fn what_is_damaged_or_too_much_is_counted() {
        let many = super::MAX_TOLD_RECORDS as u16 + 5;
        let records: Vec<(u16, &[u8])> = (0..many).map(|_| (1, &[192, 0, 2, 1][..])).collect();
        let mut b = judged(udp());
        b.data(Dir::Resp, &reply(1, "a.test", 1, &records));
        let mut cut = reply(2, "a.test", 1, &[(1, &[192, 0, 2, 1]), (1, &[192, 0, 2, 2])]);
        cut.truncate(cut.len() - 3);
        b.data(Dir::Resp, &cut);
        b.data(Dir::Resp, &header(3, 0x8180, [u16::MAX, u16::MAX, u16::MAX, u16::MAX]));
        for n in 0..cut.len() {
            b.data(Dir::Resp, &cut[..n]);
        }
        let rows = told(b);
        assert!(rows[0].contains("more=Count(5)"), "{}", rows[0]);
        assert!(rows[1].contains("types=[Count(1)]") && rows[1].contains("more=Count(1)"), "{}", rows[1]);
        assert!(rows[2].contains("more=Count(196605)"), "{}", rows[2]);
    }

    #[test]
    fn tells_messages_over_tcp() {
        let mut b = judged(Bench::new(ProtoId::Dns, Transport::Tcp, 53));
        let msg = query(7, "a.test", 1);
        b.data(Dir::Orig, &[&(msg.len() as u16).to_be_bytes()[..], &msg].concat());
        let rows = told(b);
        assert!(rows[0].starts_with("packet=") && rows[0].contains("proto=Enum(tcp)"), "{rows:?}");
    }
}
