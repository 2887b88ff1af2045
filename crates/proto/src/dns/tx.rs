//! Messages as rules and EVE see them: `dns`, `mdns` and `llmnr`, each message an exchange of its own, as in Suricata.

use super::names::rr;
use super::read::{Data, Message, NULL, Name, Record, rcode_name, type_name};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, FrameId, FrameKind, Json, Members, Transaction, Value};
use sekisho_types::{Addr, Dir, FlowInfo, Heap, list_len};

/// Port of multicast DNS (RFC 6762 §2).
const MDNS_PORT: u16 = 5353;
/// Port of link-local multicast name resolution (RFC 4795 §2).
const LLMNR_PORT: u16 = 5355;

/// Which of the protocols with DNS's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dns,
    Mdns,
    Llmnr,
}

/// A message and its number.
struct View<'a> {
    message: Message<'a>,
    kind: Kind,
    number: u64,
}

/// Room for what every message begins with.
const FIRST_LEN: usize = 256;

/// Queries that a rule wants nothing told of, whose replies are waited for.
const MAX_QUIET: usize = 64;

/// What was shown of a flow.
#[derive(Default)]
pub struct Shown {
    counter: Counter,
    /// Queries of which nothing is told: nothing is of their replies, either.
    quiet: Vec<u16>,
}

impl Heap for Shown {
    fn heap_len(&self) -> usize {
        list_len(&self.quiet)
    }
}

/// Shows `msg` to those who watch; tells whether it is a message of theirs.
pub fn show(dir: Dir, msg: &[u8], frame: FrameId, shown: &mut Shown, cx: &mut Cx<'_>) -> bool {
    let Some((kind, message)) = kind(cx.flow).zip(Message::parse(msg)) else { return false };
    cx.frame_tx(dir, frame, shown.counter.count());
    let view = View { message, kind, number: shown.counter.count() };
    let mut mark = shown.counter.begin();
    view.message.events.iter().for_each(|name| mark.event(dir, name));
    let header = &view.message.header;
    let waits = shown.quiet.iter().position(|id| *id == header.id).filter(|_| header.qr);
    if let Some(at) = waits {
        shown.quiet.swap_remove(at);
        mark.quiet = true;
    }
    cx.over(dir, &view, &mut mark);
    if mark.quiet && !header.qr && shown.quiet.len() < MAX_QUIET {
        shown.quiet.push(header.id);
    }
    true
}

/// What a flow's messages are by its ports; `None`: NetBIOS, which Suricata does not know.
fn kind(flow: &FlowInfo) -> Option<Kind> {
    let has_port = |port| flow.tuple.resp_port == port || flow.tuple.orig_port == port;
    match () {
        () if has_port(super::NETBIOS_PORT) => None,
        () if has_port(MDNS_PORT) => Some(Kind::Mdns),
        () if has_port(LLMNR_PORT) => Some(Kind::Llmnr),
        () => Some(Kind::Dns),
    }
}

/// The frame of a message, behind which `left` bytes of the chunk follow, begins.
pub fn begin_frame(dir: Dir, msg: &[u8], left: usize, cx: &mut Cx<'_>) -> FrameId {
    let frame = match kind(cx.flow) {
        Some(Kind::Dns) => FrameKind::DnsPdu,
        Some(Kind::Mdns) => FrameKind::MdnsPdu,
        Some(Kind::Llmnr) | None => return FrameId::default(),
    };
    cx.frame(dir, frame, (msg.len() + left) as u64, Some(msg.len() as u64))
}

/// Is `msg` a message of DNS?
pub fn is_message(msg: &[u8]) -> bool {
    Message::parse(msg).is_some()
}

fn view(msg: &[u8]) -> Option<View<'_>> {
    Some(View { message: Message::parse(msg)?, kind: Kind::Dns, number: 0 })
}

/// What rules ask of a message that comes within another protocol.
pub fn fact(msg: &[u8], fact: Fact, nth: usize) -> Option<Value<'static>> {
    let view = view(msg)?;
    Some(match view.fact(fact, nth)? {
        Value::Bytes(bytes) => Value::owned(bytes.into_owned()),
        Value::Number(n) => Value::Number(n),
    })
}

/// The members of EVE of such a message.
pub fn eve(msg: &[u8], out: &mut Json<'_>) {
    if let Some(view) = view(msg) {
        view.eve(out);
    }
}

impl View<'_> {
    fn sections(&self) -> impl Iterator<Item = &Record<'_>> {
        let m = &self.message;
        m.answers.iter().chain(&m.authorities).chain(&m.additionals)
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        match self.kind {
            Kind::Dns => "dns",
            Kind::Mdns => "mdns",
            Kind::Llmnr => "llmnr",
        }
    }

    fn eve(&self, out: &mut Json<'_>) {
        let old = out.options().dns_v2;
        let alert = out.is_alert();
        out.object(self.event_type(), |out| match self.kind {
            Kind::Dns if old && !alert => self.dns_2(out),
            Kind::Dns if old => {
                out.number("version", 2);
                if self.message.header.qr {
                    out.object("answer", |out| self.dns_2(out));
                } else {
                    out.list("query", |out| out.item(|out| self.query_2(out)));
                }
            }
            Kind::Dns => self.dns(out),
            Kind::Mdns | Kind::Llmnr => self.multicast(out),
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let m = &self.message;
        let owner = |records: &'_ [Record<'_>]| records.get(nth).map(|r| r.owner.text.to_vec()).map(Value::owned);
        let response = m.header.qr;
        match (fact, self.kind) {
            (Fact::DnsQuery, Kind::Dns) if response => None,
            (Fact::DnsQuery | Fact::DnsQueriesRrname, Kind::Dns)
            | (Fact::MdnsQueriesRrname, Kind::Mdns)
            | (Fact::LlmnrQueriesRrname, Kind::Llmnr) => m.queries.get(nth).map(|q| (&*q.0.text).into()),
            (Fact::DnsAnswerName | Fact::DnsAnswersRrname, Kind::Dns)
            | (Fact::MdnsAnswersRrname, Kind::Mdns)
            | (Fact::LlmnrAnswersRrname, Kind::Llmnr) => owner(&m.answers),
            (Fact::DnsAuthoritiesRrname, Kind::Dns)
            | (Fact::MdnsAuthoritiesRrname, Kind::Mdns)
            | (Fact::LlmnrAuthoritiesRrname, Kind::Llmnr) => owner(&m.authorities),
            (Fact::DnsAdditionalsRrname, Kind::Dns)
            | (Fact::MdnsAdditionalsRrname, Kind::Mdns)
            | (Fact::LlmnrAdditionalsRrname, Kind::Llmnr) => owner(&m.additionals),
            (Fact::DnsResponseRrname, Kind::Dns)
            | (Fact::MdnsResponseRrname, Kind::Mdns)
            | (Fact::LlmnrResponseRrname, Kind::Llmnr)
                if response =>
            {
                let names = m.queries.iter().map(|q| &q.0).chain(self.sections().flat_map(names));
                names.into_iter().nth(nth).map(|name| (&*name.text).into())
            }
            (Fact::DnsOpcode, Kind::Dns) if nth == 0 => Some(u64::from(m.header.opcode).into()),
            // A query has the field, too.
            (Fact::DnsRcode, Kind::Dns) if nth == 0 => Some(u64::from(m.header.rcode).into()),
            (Fact::DnsRrtype, Kind::Dns) => {
                let rtype = if response { m.answers.get(nth)?.rtype } else { m.queries.get(nth)?.1 };
                Some(u64::from(rtype).into())
            }
            _ => None,
        }
    }
}

/// The owner's name and those in the data.
fn names<'r>(record: &'r Record<'_>) -> impl Iterator<Item = &'r Name> {
    let in_data = match &record.data {
        Data::Name(name) | Data::Srv(_, name) => Some(name),
        Data::Soa(soa) => Some(&soa.0),
        _ => None,
    };
    std::iter::once(&record.owner).chain(in_data)
}

impl View<'_> {
    /// Suricata's version 3 of `dns`.
    fn dns(&self, out: &mut Json<'_>) {
        let m = &self.message;
        out.put::<FIRST_LEN>(|members| {
            members.text(b"\"version\":3,\"type\":").word(if m.header.qr { "response" } else { "request" });
            members.text(b",\"tx_id\":").number(self.number).text(b",\"id\":").number(u64::from(m.header.id));
            members.text(b",");
            self.flags(members);
        });
        if m.header.qr {
            out.word("rcode", &rcode_name(m.header.rcode));
        }
        self.queries(out, false);
        self.sections_of(out);
    }

    fn flags(&self, members: &mut Members<'_>) {
        const NAMES: [(u16, &[u8; 10]); 5] = [
            (0x8000, b",\"qr\":true"),
            (0x400, b",\"aa\":true"),
            (0x200, b",\"tc\":true"),
            (0x100, b",\"rd\":true"),
            (0x80, b",\"ra\":true"),
        ];
        let m = &self.message;
        members.text(b"\"flags\":").bits(m.flags);
        for (_, member) in NAMES.iter().filter(|(bit, _)| m.flags & bit != 0) {
            members.text(member);
        }
        if m.flags & 0x40 != 0 {
            members.text(b",\"z\":true");
        }
        members.text(b",\"opcode\":").number(u64::from(m.header.opcode));
    }

    /// Answers, authorities, additional records.
    fn sections_of(&self, out: &mut Json<'_>) {
        let m = &self.message;
        if !m.answers.is_empty() {
            out.list("answers", |out| m.answers.iter().for_each(|r| record(out, r, Section::Answers)));
            out.object("grouped", |out| grouped(out, &m.answers));
        }
        if !m.authorities.is_empty() {
            out.list("authorities", |out| m.authorities.iter().for_each(|r| record(out, r, Section::Authorities)));
        }
        let told = |r: &&Record<'_>| !matches!(&r.data, Data::Opt(options) if options.is_empty());
        if m.additionals.iter().any(|r| told(&r)) {
            let records = m.additionals.iter().filter(told);
            out.list("additionals", |out| records.for_each(|r| record(out, r, Section::Additionals)));
        }
    }

    /// Version 2: a question, or an answer.
    fn dns_2(&self, out: &mut Json<'_>) {
        let m = &self.message;
        out.number("version", 2);
        if !m.header.qr {
            return self.query_2(out);
        }
        out.text("type", "answer");
        out.number("id", u64::from(m.header.id));
        out.put::<FIRST_LEN>(|members| self.flags(members));
        if let Some((name, rtype)) = m.queries.first() {
            out.bytes("rrname", &name.text);
            out.word("rrtype", &type_name(*rtype));
        }
        out.word("rcode", &rcode_name(m.header.rcode));
        if !out.is_alert() {
            self.sections_of(out);
        }
    }

    fn query_2(&self, out: &mut Json<'_>) {
        let m = &self.message;
        out.text("type", "query");
        out.number("id", u64::from(m.header.id));
        if let Some((name, rtype)) = m.queries.first() {
            out.bytes("rrname", &name.text);
            out.word("rrtype", &type_name(*rtype));
        }
        out.number("tx_id", self.number);
        if m.flags & 0x40 != 0 {
            out.flag("z", true);
        }
        out.number("opcode", u64::from(m.header.opcode));
    }

    fn queries(&self, out: &mut Json<'_>, lower: bool) {
        let queries = &self.message.queries;
        if queries.is_empty() {
            return;
        }
        out.list("queries", |out| {
            for (name, rtype) in queries {
                out.item(|out| {
                    out.bytes("rrname", &name.text);
                    if name.truncated {
                        out.flag("rrname_truncated", true);
                    }
                    let rtype = type_name(*rtype);
                    if lower {
                        out.text("rrtype", &rtype.to_ascii_lowercase());
                    } else {
                        out.word("rrtype", &rtype);
                    }
                });
            }
        });
    }

    /// `mdns` and `llmnr`: flags as a list, types in lower case, data under the type's name.
    fn multicast(&self, out: &mut Json<'_>) {
        let m = &self.message;
        let names: &[(u16, &str)] = if self.kind == Kind::Mdns {
            &[(0x400, "aa"), (0x200, "tc"), (0x100, "rd"), (0x80, "ra"), (0x40, "z"), (0x20, "ad"), (0x10, "cd")]
        } else {
            &[(0x400, "c"), (0x200, "tc"), (0x100, "t")]
        };
        out.text("type", if m.header.qr { "response" } else { "request" });
        if self.kind == Kind::Llmnr {
            out.number("tx_id", self.number);
        }
        out.number("id", u64::from(m.header.id));
        if names.iter().any(|(bit, _)| m.flags & bit != 0) {
            out.list("flags", |out| {
                names
                    .iter()
                    .filter(|(bit, _)| m.flags & bit != 0)
                    .for_each(|(_, name)| out.item_bytes(name.as_bytes()));
            });
        }
        out.number("opcode", u64::from(m.header.opcode));
        if self.kind == Kind::Mdns {
            out.number("rcode", u64::from(m.header.rcode));
        }
        self.queries(out, true);
        for (name, records) in
            [("answers", &m.answers), ("authorities", &m.authorities), ("additionals", &m.additionals)]
        {
            let told = |r: &&Record<'_>| !matches!(&r.data, Data::Opt(options) if options.is_empty());
            if records.iter().any(|r| told(&r)) {
                let section = if name == "answers" { Section::Answers } else { Section::Authorities };
                out.list(name, |out| {
                    records.iter().filter(told).for_each(|r| lower_record(out, r, self.kind, section));
                });
            }
        }
    }
}

/// Which section a record is in: the schema of EVE has not the same members for all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Answers,
    Authorities,
    Additionals,
}

/// A record in `dns`; one with several strings is one object for each.
fn record(out: &mut Json<'_>, r: &Record<'_>, section: Section) {
    if let Data::Txt(strings) = &r.data {
        for string in strings {
            out.item(|out| {
                head(out, r, section);
                out.bytes("rdata", string);
            });
        }
        return;
    }
    out.item(|out| {
        head(out, r, section);
        match &r.data {
            Data::Addr(addr) => address(out, "rdata", addr),
            Data::Name(name) => {
                out.bytes("rdata", &name.text);
                if name.truncated && section == Section::Authorities {
                    out.flag("rdata_truncated", true);
                }
            }
            Data::Null(bytes) => out.bytes("rdata", bytes),
            Data::Soa(_) if section != Section::Additionals => soa(out, "soa", &r.data),
            Data::Sshfp(..) if section == Section::Answers => out.object("sshfp", |out| sshfp(out, &r.data)),
            Data::Srv(..) if section == Section::Answers => out.object("srv", |out| srv(out, &r.data)),
            Data::Opt(options) if section == Section::Additionals => opt(out, options),
            _ => {}
        }
    });
}

fn head(out: &mut Json<'_>, r: &Record<'_>, section: Section) {
    out.bytes("rrname", &r.owner.text);
    if r.owner.truncated && section == Section::Authorities {
        out.flag("rrname_truncated", true);
    }
    out.word("rrtype", &type_name(r.rtype));
    out.number("ttl", u64::from(r.ttl));
}

fn opt(out: &mut Json<'_>, options: &[(u16, &[u8])]) {
    out.list("opt", |out| {
        for (code, data) in options {
            out.item(|out| {
                out.number("code", u64::from(*code));
                out.hex("data", data);
            });
        }
    });
}

/// The address in a record, if it is one.
fn addr(bytes: &[u8]) -> Option<Addr> {
    match bytes {
        [a, b, c, d] => Some(Addr::v4([*a, *b, *c, *d])),
        _ => bytes.as_array().map(|octets| Addr::v6(*octets)),
    }
}

fn address(out: &mut Json<'_>, name: &str, bytes: &[u8]) {
    match addr(bytes) {
        Some(addr) => out.addr(name, addr),
        None => out.text(name, ""),
    }
}

fn soa(out: &mut Json<'_>, name: &str, data: &Data<'_>) {
    out.object(name, |out| soa_members(out, data));
}

fn soa_members(out: &mut Json<'_>, data: &Data<'_>) {
    let Data::Soa(soa) = data else { return };
    let (server, mailbox, numbers) = &**soa;
    out.bytes("mname", &server.text);
    if server.truncated {
        out.flag("mname_truncated", true);
    }
    out.bytes("rname", &mailbox.text);
    for (name, n) in ["serial", "refresh", "retry", "expire", "minimum"].iter().zip(numbers) {
        out.number(name, u64::from(*n));
    }
}

fn sshfp(out: &mut Json<'_>, data: &Data<'_>) {
    let Data::Sshfp(algo, kind, fingerprint) = data else { return };
    out.hex_colons("fingerprint", fingerprint);
    out.number("algo", u64::from(*algo));
    out.number("type", u64::from(*kind));
}

fn srv(out: &mut Json<'_>, data: &Data<'_>) {
    let Data::Srv([priority, weight, port], target) = data else { return };
    out.number("priority", u64::from(*priority));
    out.number("weight", u64::from(*weight));
    out.number("port", u64::from(*port));
    out.bytes("name", &target.text);
}

/// Types that answers are told by, too, in that order.
const GROUPED: &[(u16, &str)] = &[
    (rr::A, "A"),
    (rr::AAAA, "AAAA"),
    (rr::CNAME, "CNAME"),
    (rr::MX, "MX"),
    (rr::NS, "NS"),
    (NULL, "NULL"),
    (rr::PTR, "PTR"),
    (rr::SOA, "SOA"),
    (rr::SRV, "SRV"),
    (rr::SSHFP, "SSHFP"),
    (rr::TXT, "TXT"),
];

/// Answers by type: only those types that the schema has.
fn grouped(out: &mut Json<'_>, answers: &[Record<'_>]) {
    for (rtype, name) in GROUPED {
        let of_type = || answers.iter().filter(|r| r.rtype == *rtype);
        if of_type().next().is_none() {
            continue;
        }
        out.list(name, |out| {
            for r in of_type() {
                match &r.data {
                    Data::Addr(bytes) => match addr(bytes) {
                        Some(addr) => out.item_addr(addr),
                        None => out.item_bytes(b""),
                    },
                    Data::Name(name) => out.item_bytes(&name.text),
                    Data::Txt(strings) => strings.iter().for_each(|s| out.item_bytes(s)),
                    Data::Null(bytes) => out.item_bytes(bytes),
                    Data::Soa(_) => out.item(|out| soa_members(out, &r.data)),
                    Data::Srv(..) => out.item(|out| srv(out, &r.data)),
                    Data::Sshfp(..) => out.item(|out| sshfp(out, &r.data)),
                    Data::Opt(_) | Data::Other => {}
                }
            }
        });
    }
}

/// A record in `mdns` or `llmnr`; the schema of `mdns` has pointers and strings only.
fn lower_record(out: &mut Json<'_>, r: &Record<'_>, kind: Kind, section: Section) {
    out.item(|out| {
        out.bytes("rrname", &r.owner.text);
        if r.owner.truncated {
            out.flag("rrname_truncated", true);
        }
        let rtype = type_name(r.rtype).to_ascii_lowercase();
        let all = kind == Kind::Llmnr;
        match &r.data {
            Data::Addr(addr) if all => address(out, &rtype, addr),
            Data::Name(name) if all || rtype == "ptr" && section == Section::Answers => out.bytes(&rtype, &name.text),
            Data::Txt(strings) if all || section == Section::Answers => {
                out.list("txt", |out| strings.iter().for_each(|s| out.item_bytes(s)));
            }
            Data::Null(bytes) if all => out.bytes("null", bytes),
            Data::Soa(_) if all && section == Section::Answers => soa(out, "soa", &r.data),
            Data::Srv(..) if all && section == Section::Answers => out.object("srv", |out| srv(out, &r.data)),
            Data::Sshfp(..) if all && section == Section::Answers => out.object("sshfp", |out| sshfp(out, &r.data)),
            _ => {}
        }
    });
}
