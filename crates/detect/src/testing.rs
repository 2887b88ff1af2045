//! Rows from nothing, for tests: a log's name and the columns that matter.

use crate::rows::{Plan, Row};
use crate::{Detection, Scope, Verdict};
use sekisho_finding::Finding;
use sekisho_record::{Field, Kind as Type, List, Record, Schema, Value, Visitor, with_values};
use sekisho_types::{Addr, FiveTuple, Interval, MacAddr, Timestamp, Uid};
use std::sync::Mutex;

/// A cell of a row.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(Vec<u8>),
    Word(&'static str),
    Count(u64),
    Port(u16),
    Flag(bool),
    Time(f64),
    Span(f64),
    Addr(Addr),
    Mac(MacAddr),
    Uid(u64),
    Texts(Vec<String>),
    Spans(Vec<f64>),
    Counts(Vec<u64>),
    Addrs(Vec<Addr>),
}

/// An address from its text.
pub(crate) fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

/// A flow id for each number.
fn uid(n: u64) -> Uid {
    Uid::for_flow(&FiveTuple::default(), Timestamp(i64::try_from(n).unwrap()), 0)
}

fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// A row of a log.
pub(crate) struct Line {
    schema: &'static Schema,
    cells: Vec<Cell>,
    packet: u64,
}

impl Line {
    /// Packet time of the row, seconds; 0 if it has none.
    pub fn ts(&self) -> f64 {
        let time = |cell: &Cell| if let Cell::Time(ts) = cell { Some(*ts) } else { None };
        self.cells.iter().find_map(time).unwrap_or(0.0)
    }
}

/// A row of `log` found with packet `packet`; `id.orig_h` and the like are written as in the log.
pub(crate) fn line(log: &'static str, packet: u64, columns: &[(&'static str, Cell)]) -> Line {
    let names: Vec<&'static str> = columns.iter().map(|c| c.0).collect();
    Line { schema: schema(log, &names), cells: columns.iter().map(|c| c.1.clone()).collect(), packet }
}

/// A row of `log` at a time between two hosts, found with packet 9; the flow is another for each time.
pub(crate) fn between(log: &'static str, at: f64, (from, to): (&str, &str), more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(at.to_bits() >> 8)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
    ];
    columns.extend(more.iter().cloned());
    line(log, 9, &columns)
}

/// Row types are told apart by the schema's address: one for each set of columns.
fn schema(log: &'static str, names: &[&'static str]) -> &'static Schema {
    static ALL: Mutex<Vec<&'static Schema>> = Mutex::new(Vec::new());
    let mut all = ALL.lock().unwrap();
    let same = |s: &&&'static Schema| s.log == log && s.fields.iter().map(|f| f.name).eq(names.iter().copied());
    if let Some(known) = all.iter().find(same) {
        return known;
    }
    let field = |name: &&'static str| Field { name, kind: Type::String, doc: "", ext: false };
    let new = Box::leak(Box::new(Schema { log, doc: "", fields: names.iter().map(field).collect() }));
    all.push(new);
    new
}

fn value(cell: &Cell) -> Value<'_> {
    match cell {
        Cell::Text(v) => Value::Str(v),
        Cell::Word(v) => Value::Enum(v),
        Cell::Count(v) => Value::Count(*v),
        Cell::Port(v) => Value::Port(*v),
        Cell::Flag(v) => Value::Bool(*v),
        Cell::Time(v) => Value::Time(Timestamp(nanos(*v))),
        Cell::Span(v) => Value::Interval(Interval(nanos(*v))),
        Cell::Addr(v) => Value::Addr(*v),
        Cell::Mac(v) => Value::Mac(*v),
        Cell::Uid(v) => Value::Uid(uid(*v)),
        Cell::Texts(_) | Cell::Spans(_) | Cell::Counts(_) | Cell::Addrs(_) => Value::Unset,
    }
}

struct Texts<'a>(&'a [String]);

impl List for Texts<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.0.get(i).map_or(Value::Unset, |t| Value::Str(t.as_bytes()))
    }
}

struct Numbers(Vec<Value<'static>>);

impl List for Numbers {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.0.get(i).copied().unwrap_or(Value::Unset)
    }
}

impl Record for Line {
    fn visit(&self, v: &mut dyn Visitor) {
        let lists: Vec<Box<dyn List + '_>> = self
            .cells
            .iter()
            .map(|cell| -> Box<dyn List + '_> {
                match cell {
                    Cell::Texts(texts) => Box::new(Texts(texts)),
                    Cell::Spans(all) => {
                        Box::new(Numbers(all.iter().map(|s| Value::Interval(Interval(nanos(*s)))).collect()))
                    }
                    Cell::Counts(all) => Box::new(Numbers(all.iter().map(|n| Value::Count(*n)).collect())),
                    Cell::Addrs(all) => Box::new(Numbers(all.iter().map(|a| Value::Addr(*a)).collect())),
                    _ => Box::new(Texts(&[])),
                }
            })
            .collect();
        let mut values: Vec<Value<'_>> = Vec::new();
        for (cell, list) in self.cells.iter().zip(&lists) {
            values.push(match cell {
                Cell::Texts(_) | Cell::Spans(_) | Cell::Counts(_) | Cell::Addrs(_) => Value::List(&**list),
                plain => value(plain),
            });
        }
        v.values(&values);
    }

    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn static_schema() -> &'static Schema {
        schema("", &[])
    }
}

/// Shows `record` to `look` as a row.
pub(crate) fn show(plan: &Plan, record: &dyn Record, look: &mut dyn FnMut(&Row<'_>)) {
    with_values(record, |values| plan.show(values, look));
}

/// Shows a row from nothing to `look`.
pub(crate) fn row_of(line: &Line, look: &mut dyn FnMut(&Row<'_>)) {
    if let Some(plan) = Plan::new(line.schema) {
        show(&plan, line, look);
    }
}

/// What all detectors make of `lines`, home being the private networks.
pub(crate) fn judge(lines: &[Line]) -> Verdict {
    judge_in(&Scope::new(&[], 0), lines)
}

/// What all detectors make of `lines` in `scope`.
pub(crate) fn judge_in(scope: &Scope, lines: &[Line]) -> Verdict {
    let mut detection = Detection::new(scope);
    for line in lines {
        detection.add(line.packet, line);
    }
    detection.finish()
}

/// The findings of one judgement.
pub(crate) fn of(verdict: &Verdict, id: &str) -> Vec<Finding> {
    verdict.findings.iter().filter(|f| f.about.id == id).cloned().collect()
}

/// A row of `dns_message` in the making.
#[derive(Clone)]
pub(crate) struct Message {
    at: f64,
    from: (Addr, u16),
    to: (Addr, u16),
    is_query: bool,
    id: u16,
    name: String,
    qtype: u64,
    rcode: u64,
    hops: u64,
    authoritative: bool,
    recursion: (bool, bool),
    len: u64,
    salt: u64,
    wants_signatures: bool,
    unchecked: bool,
    extended_error: Option<u64>,
    records: Vec<(u64, String, u64, u64, String)>,
}

impl Message {
    /// `client` asks `server` for the address of `name`.
    pub fn query(at: f64, client: &str, port: u16, server: &str, id: u16, name: &str) -> Self {
        Self {
            at,
            from: (addr(client), port),
            to: (addr(server), 53),
            is_query: true,
            id,
            name: name.to_owned(),
            qtype: 1,
            rcode: 0,
            hops: 64,
            authoritative: false,
            recursion: (false, false),
            len: 60,
            salt: 0,
            wants_signatures: false,
            unchecked: false,
            extended_error: None,
            records: Vec::new(),
        }
    }

    /// `server` answers with authority.
    pub fn reply(at: f64, server: &str, client: &str, port: u16, id: u16, name: &str) -> Self {
        let query = Self::query(at, client, port, server, id, name);
        Self { from: query.to, to: query.from, is_query: false, authoritative: true, ..query }
    }

    pub fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// The client's port.
    pub fn port(mut self, port: u16) -> Self {
        if self.is_query {
            self.from.1 = port
        } else {
            self.to.1 = port
        };
        self
    }

    pub fn hops(self, hops: u64) -> Self {
        Self { hops, ..self }
    }

    pub fn rcode(self, rcode: u64) -> Self {
        Self { rcode, ..self }
    }

    pub fn qtype(self, qtype: u64) -> Self {
        Self { qtype, ..self }
    }

    pub fn len(self, len: u64) -> Self {
        Self { len, ..self }
    }

    /// Recursion desired, and available; the latter without authority.
    pub fn recursive(self) -> Self {
        Self { recursion: (true, !self.is_query), authoritative: false, ..self }
    }

    /// With the DO bit.
    pub fn wants_signatures(self, wants_signatures: bool) -> Self {
        Self { wants_signatures, ..self }
    }

    /// With the CD bit.
    pub fn unchecked(self, unchecked: bool) -> Self {
        Self { unchecked, ..self }
    }

    pub fn extended_error(self, code: u64) -> Self {
        Self { extended_error: Some(code), ..self }
    }

    /// A referral, or an error.
    pub fn not_authoritative(self) -> Self {
        Self { authoritative: false, ..self }
    }

    /// A record of `section`.
    pub fn record(mut self, section: u64, owner: &str, rtype: u64, ttl: u64, data: &str) -> Self {
        self.records.push((section, owner.to_owned(), rtype, ttl, data.to_owned()));
        self
    }

    /// A record of the answer section.
    pub fn answer(self, owner: &str, rtype: u64, data: &str) -> Self {
        self.record(1, owner, rtype, 300, data)
    }

    /// The row, found with packet `packet`.
    pub fn line(self, packet: u64) -> Line {
        let counts =
            |f: fn(&(u64, String, u64, u64, String)) -> u64| Cell::Counts(self.records.iter().map(f).collect());
        let texts = |f: fn(&(u64, String, u64, u64, String)) -> &String| {
            Cell::Texts(self.records.iter().map(|r| f(r).clone()).collect())
        };
        let digest = format!("{} {} {} {:?} {}", self.is_query, self.name, self.rcode, self.records, self.salt);
        // The side with port 53 is the responder's.
        let from_orig = self.is_query;
        let (orig, resp) = if from_orig { (self.from, self.to) } else { (self.to, self.from) };
        let flow = u64::from(orig.1) << 8 | u64::from(orig.0.octets()[15]);
        let mut columns = vec![
            ("ts", Cell::Time(self.at)),
            ("uid", Cell::Uid(flow)),
            ("id.orig_h", Cell::Addr(orig.0)),
            ("id.orig_p", Cell::Port(orig.1)),
            ("id.resp_h", Cell::Addr(resp.0)),
            ("id.resp_p", Cell::Port(resp.1)),
            ("packet", Cell::Count(packet)),
            ("proto", Cell::Word("udp")),
            ("from_orig", Cell::Flag(from_orig)),
            ("is_query", Cell::Flag(self.is_query)),
            ("hop_limit", Cell::Count(self.hops)),
            ("len", Cell::Count(self.len)),
            ("trans_id", Cell::Count(u64::from(self.id))),
            ("AA", Cell::Flag(self.authoritative)),
            ("RD", Cell::Flag(self.recursion.0)),
            ("RA", Cell::Flag(self.recursion.1)),
            ("CD", Cell::Flag(self.unchecked)),
            ("edns_do", Cell::Flag(self.wants_signatures)),
            ("rcode", Cell::Count(self.rcode)),
            ("query", Cell::Text(self.name.clone().into_bytes())),
            ("qtype", Cell::Count(self.qtype)),
            ("qclass", Cell::Count(1)),
            ("sections", counts(|r| r.0)),
            ("owners", texts(|r| &r.1)),
            ("types", counts(|r| r.2)),
            ("ttls", counts(|r| r.3)),
            ("data", texts(|r| &r.4)),
            ("digest", Cell::Count(sekisho_types::seeded_hash(0, digest.as_bytes()))),
        ];
        columns.extend(self.extended_error.map(|code| ("edns_ede", Cell::Count(code))));
        line("dns_message", packet, &columns)
    }
}

/// Attachment, depth, name, kind, declared type, notes.
type Part = (u64, u64, String, String, String, String);

/// A row of `mail` in the making: from outside to a server here, unless said otherwise.
#[derive(Clone)]
pub(crate) struct TestMail {
    columns: Vec<(&'static str, Cell)>,
    links: Vec<(String, String)>,
    parts: Vec<Part>,
}

impl TestMail {
    /// A mail that passes between two hosts.
    pub fn between(client: &str, server: &str, from: &str, to: &str) -> Self {
        let text = |t: &str| Cell::Text(t.as_bytes().to_vec());
        let columns = vec![
            ("ts", Cell::Time(1000.0)),
            ("uid", Cell::Uid(1)),
            ("id.orig_h", Cell::Addr(addr(client))),
            ("id.resp_h", Cell::Addr(addr(server))),
            ("id.resp_p", Cell::Port(25)),
            ("protocol", Cell::Word("smtp")),
            ("packet", Cell::Count(7)),
            ("complete", Cell::Flag(true)),
            ("mailfrom", text(from)),
            ("from", text(from)),
            ("rcptto", Cell::Texts(vec![to.to_owned()])),
            ("message_id", text("<1@mx.sender.test>")),
        ];
        Self { columns, links: Vec::new(), parts: Vec::new() }
    }

    /// From outside to the server of office.test.
    pub fn inbound(from: &str) -> Self {
        Self::between("203.0.113.25", "10.30.0.25", from, "dana@office.test")
    }

    pub fn set(mut self, column: &'static str, cell: Cell) -> Self {
        self.columns.retain(|c| c.0 != column);
        self.columns.push((column, cell));
        self
    }

    pub fn text(self, column: &'static str, text: &str) -> Self {
        self.set(column, Cell::Text(text.as_bytes().to_vec()))
    }

    pub fn link(mut self, text: &str, href: &str) -> Self {
        self.links.push((text.to_owned(), href.to_owned()));
        self
    }

    /// A part: attachment, depth, name, kind, declared type, notes.
    pub fn part(mut self, of: u64, depth: u64, name: &str, kind: &str, declared: &str, notes: &str) -> Self {
        let [name, kind, declared, notes] = [name, kind, declared, notes].map(str::to_owned);
        self.parts.push((of, depth, name, kind, declared, notes));
        self
    }

    /// The row, found with packet 9.
    pub fn line(self) -> Line {
        let parts = &self.parts;
        let count = |f: fn(&Part) -> u64| Cell::Counts(parts.iter().map(f).collect());
        let text = |f: fn(&Part) -> &String| Cell::Texts(parts.iter().map(|p| f(p).clone()).collect());
        let mut columns = self.columns.clone();
        columns.extend([
            ("link_texts", Cell::Texts(self.links.iter().map(|l| l.0.clone()).collect())),
            ("link_targets", Cell::Texts(self.links.iter().map(|l| l.1.clone()).collect())),
            ("part_of", count(|p| p.0)),
            ("part_depths", count(|p| p.1)),
            ("part_lens", count(|p| p.2.len() as u64)),
            ("part_names", text(|p| &p.2)),
            ("part_kinds", text(|p| &p.3)),
            ("part_declared", text(|p| &p.4)),
            ("part_notes", text(|p| &p.5)),
            ("part_sha256", text(|p| &p.2)),
        ]);
        line("mail", 9, &columns)
    }
}
