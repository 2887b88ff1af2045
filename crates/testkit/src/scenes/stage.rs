use crate::dns::{ANSWER, TO_QUESTION, answer, kind, question, record};
use crate::flood::Random;
use crate::{Addr, Conversation, Dir, Endpoint, Frame, MacAddr, eth, flag, tls};
use sekisho_types::{Interval, Timestamp};
use std::collections::BTreeSet;

/// Times within a scene are milliseconds from its beginning.
pub(super) const SECOND: i64 = 1_000;
/// See [`SECOND`].
pub(super) const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub(super) const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub(super) const DAY: i64 = 24 * HOUR;

/// When scenes begin: Monday 2026-03-02, 00:00 UTC.
const START: i64 = 1_772_409_600;

/// Who resolves names at home.
pub(super) const RESOLVER: &str = "10.0.0.53";

/// The router out of the network: behind its hardware address are all hosts elsewhere.
pub(super) const GATEWAY: &str = "10.0.0.1";

/// What both say, in turn.
pub(super) type Says<'a> = &'a [(Dir, &'a [u8])];

/// A captured packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub ts: Timestamp,
    /// What of it was captured.
    pub bytes: Vec<u8>,
    /// How long it was on the wire.
    pub len: u32,
}

/// A finding that a scene must lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Judgement, reason and form: `c2-beacon/regular`.
    pub code: &'static str,
    /// The machine to be touched.
    pub host: Addr,
    /// When what it is about begins.
    pub from: Timestamp,
    /// The capture up to here is enough for it.
    pub by: Timestamp,
    /// What it measures, as far as the specification gives the value, and how much it may be off.
    pub measures: Vec<(&'static str, f64, f64)>,
}

/// What a scene gives.
#[derive(Clone, Debug)]
pub struct Played {
    /// By time.
    pub packets: Vec<Packet>,
    /// What must be said.
    pub expected: Vec<Expected>,
    /// Hosts of which more may be said: victims and servers.
    pub involved: BTreeSet<Addr>,
    /// Does it depend on hours and days of the week?
    pub by_calendar: bool,
    /// TLS secrets, as a key log has them.
    pub key_log: String,
    /// Days on which people are off.
    pub holidays: Vec<&'static str>,
    /// What has to be told as one incident, in this order: judgement, host. No other hosts belong to it.
    pub story: Vec<(&'static str, Addr)>,
}

/// Where a scene is told.
pub struct Stage {
    /// Random numbers that are always the same.
    pub random: Random,
    port: u16,
    played: Played,
}

pub(super) fn addr(text: &str) -> Addr {
    let ip: std::net::IpAddr = text.parse().unwrap_or_else(|_| panic!("{text} is no address"));
    ip.into()
}

/// A made-up hardware address, by the last octets of the IP address.
pub(super) fn mac(of: Addr) -> MacAddr {
    Endpoint::from((of, 0)).mac()
}

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp(START * 1_000_000_000 + ms * 1_000_000)
}

fn at_home(a: Addr) -> bool {
    match a.as_v4() {
        Some([10, ..] | [224..=255, ..] | [169, 254, ..]) => true,
        Some(_) => false,
        None => matches!(a.octets()[0], 0xfc..=0xff),
    }
}

impl Stage {
    pub(super) fn new(random: Random) -> Self {
        let played = Played {
            packets: Vec::new(),
            expected: Vec::new(),
            involved: BTreeSet::new(),
            by_calendar: false,
            key_log: String::new(),
            holidays: Vec::new(),
            story: Vec::new(),
        };
        Self { random, port: 0, played }
    }

    pub(super) fn played(self) -> Played {
        let mut played = self.played;
        played.packets.sort_by_key(|p| p.ts);
        played
    }

    /// This must be said of `host`, about what begins at `from`, when the capture has come to `by`.
    pub(super) fn expect(&mut self, code: &'static str, host: &str, from: i64, by: i64) -> &mut Expected {
        let host = addr(host);
        self.played.expected.push(Expected { code, host, from: at(from), by: at(by), measures: Vec::new() });
        self.played.expected.last_mut().expect("just added")
    }

    /// Of this host more may be said.
    pub(super) fn involve(&mut self, host: &str) {
        self.played.involved.insert(addr(host));
    }

    /// Hours and days of the week matter.
    pub(super) fn by_calendar(&mut self) {
        self.played.by_calendar = true;
    }

    /// Secrets of a TLS session, as a key log has them.
    pub(super) fn tell_secrets(&mut self, lines: &str) {
        self.played.key_log += lines;
    }

    /// A day on which people are off, as YYYY-MM-DD.
    pub(super) fn holiday(&mut self, day: &'static str) {
        self.played.holidays.push(day);
    }

    /// A further step of the story that must be told.
    pub(super) fn step(&mut self, judgement: &'static str, host: &str) {
        self.played.story.push((judgement, addr(host)));
    }

    /// A port of a client, each time another.
    pub(super) fn port(&mut self) -> u16 {
        self.port = (self.port + 1) % 28_000;
        32_768 + self.port
    }

    /// 32 random bytes.
    pub(super) fn bytes32(&mut self) -> [u8; 32] {
        let bytes = self.random.bytes(32);
        std::array::from_fn(|i| bytes[i])
    }

    /// A frame as it is.
    pub(super) fn frame(&mut self, ts: Timestamp, bytes: Vec<u8>) {
        let len = bytes.len() as u32;
        self.played.packets.push(Packet { ts, bytes, len });
    }

    /// A packet; hosts elsewhere have the gateway's hardware address.
    pub(super) fn packet(&mut self, ts: Timestamp, frame: &Frame) {
        let packet = frame.packet();
        let link = |a: Addr| mac(if at_home(a) { a } else { addr(GATEWAY) });
        let kind = if frame.src.addr.is_v4() { 0x0800 } else { 0x86dd };
        self.frame(ts, eth(link(frame.src.addr), link(frame.dst.addr), kind, &packet));
    }

    /// A conversation's packets.
    pub(super) fn add(&mut self, c: &mut Conversation) {
        let segments = std::mem::take(c.segments());
        segments.iter().for_each(|s| self.packet(s.ts, &s.frame));
    }

    /// A connection to `to` (`192.0.2.1:80`) that is just open; steps of 5 ms.
    pub(super) fn open(&mut self, ms: i64, from: &str, to: &str) -> Conversation {
        let port = self.port();
        Conversation::new((addr(from), port), to).at(at(ms)).every(Interval::from_millis(5)).syn()
    }

    /// A connection in which both say these things, and which ends.
    pub(super) fn talk(&mut self, ms: i64, from: &str, to: &str, says: Says<'_>) {
        let mut c = self.open(ms, from, to);
        says.iter().for_each(|(dir, bytes)| c.say(*dir, bytes));
        self.add(&mut c.fin());
    }

    /// An attempt to connect that a reset answers, or nothing.
    pub(super) fn attempt(&mut self, ms: i64, from: &str, to: &str, refused: bool) {
        let (from, to) = (Endpoint::from((addr(from), self.port())), Endpoint::from(to));
        self.packet(at(ms), &Frame::tcp(from, to, flag::SYN).seq(1, 0));
        if refused {
            self.packet(at(ms + 1), &Frame::tcp(to, from, flag::RST | flag::ACK).seq(0, 2));
        }
    }

    /// A datagram and its answer, if any.
    pub(super) fn ask(&mut self, ms: i64, from: &str, to: &str, ask: &[u8], tell: Option<&[u8]>) {
        let (from, to) = (Endpoint::from((addr(from), self.port())), Endpoint::from(to));
        self.packet(at(ms), &Frame::udp(from, to, ask));
        if let Some(tell) = tell {
            self.packet(at(ms + 8), &Frame::udp(to, from, tell));
        }
    }

    /// A question for a name to the resolver at home, and its answer: response code, records.
    pub(super) fn dns(&mut self, ms: i64, client: &str, name: &str, kind: u16, code: u16, records: &[Vec<u8>]) {
        let id = self.random.draw() as u16;
        let tell = answer(id, ANSWER | code, name, kind, records);
        self.ask(ms, client, &format!("{RESOLVER}:53"), &question(id, name, kind), Some(&tell));
    }

    /// A name that leads to an address.
    pub(super) fn resolve(&mut self, ms: i64, client: &str, name: &str, to: &str) {
        let octets = addr(to).as_v4().expect("IPv4");
        self.dns(ms, client, name, kind::A, 0, &[record(TO_QUESTION, kind::A, 300, &octets)]);
    }

    /// A session of TLS 1.3 up to the first data; `server` is an address with port.
    pub(super) fn tls_open(
        &mut self,
        ms: i64,
        from: &str,
        server: &str,
        sni: &str,
        client: &tls::Client,
    ) -> Conversation {
        let (ours, theirs) = (self.bytes32(), self.bytes32());
        let mut c = self.open(ms, from, server);
        c.say(Dir::Orig, &tls::client_hello(client, sni, &ours));
        c.say(Dir::Resp, &tls::server_flight(client, &theirs, &ours));
        c.say(Dir::Orig, &tls::finished());
        c
    }

    /// A session of TLS 1.3 in which so many bytes go up and down.
    pub(super) fn tls(
        &mut self,
        ms: i64,
        from: &str,
        server: &str,
        sni: &str,
        client: &tls::Client,
        [up, down]: [usize; 2],
    ) {
        let mut c = self.tls_open(ms, from, server, sni, client);
        for (dir, len) in [(Dir::Orig, up), (Dir::Resp, down)] {
            for part in self.random.bytes(len).chunks(16_000) {
                c.say(dir, &tls::record(23, part));
            }
        }
        self.add(&mut c.fin());
    }

    /// A look-up and a session with a site.
    pub(super) fn visit(
        &mut self,
        ms: i64,
        from: &str,
        (name, site): (&str, &str),
        client: &tls::Client,
        sizes: [usize; 2],
    ) {
        self.resolve(ms, from, name, site);
        self.tls(ms + 30, from, &format!("{site}:443"), name, client, sizes);
    }

    /// A request by HTTP with its answer; `head` are lines that end with CR LF.
    pub(super) fn http(&mut self, ms: i64, from: &str, server: &str, ask: &Ask<'_>) {
        let (request, response) = ask.messages();
        self.talk(ms, from, server, &[(Dir::Orig, &request), (Dir::Resp, &response)]);
    }

    /// So many bytes that one side sends at a rate (bytes a second), of which only the headers were captured; `c` goes on behind them.
    pub(super) fn bulk(&mut self, c: &mut Conversation, dir: Dir, len: u64, rate: u64) {
        /// Bytes of a packet: the sender's network card cuts it.
        const CHUNK: u64 = 60_000;
        let mut rest = len;
        while rest > 0 {
            let part = rest.min(CHUNK);
            self.cut(c.now(), &c.bare(dir), part as u16);
            c.skip(dir, part as u32);
            c.pause(Interval((part * 1_000_000_000 / rate) as i64));
            self.packet(c.now(), &c.bare(dir.flip()));
            rest -= part;
        }
    }

    /// A packet over IPv4 with so many bytes of data, of which none was captured.
    fn cut(&mut self, ts: Timestamp, frame: &Frame, data: u16) {
        self.packet(ts, frame);
        let Some(packet) = self.played.packets.last_mut() else { return };
        packet.len += u32::from(data);
        let header = &mut packet.bytes[14..34];
        header[2..4].copy_from_slice(&(40 + data).to_be_bytes());
        header[10..12].fill(0);
        let sum = crate::checksum(&[header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

/// A request by HTTP and its answer.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    /// Further lines of the request, each with its end.
    pub head: String,
    pub body: Vec<u8>,
    pub status: &'a str,
    /// Type of the answer.
    pub kind: &'a str,
    pub answer: Vec<u8>,
}

impl Ask<'_> {
    fn messages(&self) -> (Vec<u8>, Vec<u8>) {
        let len = if self.body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", self.body.len()) };
        let host = if self.host.is_empty() { String::new() } else { format!("Host: {}\r\n", self.host) };
        let ask = format!("{} {} HTTP/1.1\r\n{host}{}{len}\r\n", self.method, self.path, self.head);
        let tell = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            self.status,
            self.kind,
            self.answer.len()
        );
        ([ask.as_bytes(), &self.body].concat(), [tell.as_bytes(), &self.answer].concat())
    }
}

impl Expected {
    /// The finding measures this, as the specification says.
    pub(super) fn measures(&mut self, name: &'static str, value: f64, off: f64) -> &mut Self {
        self.measures.push((name, value, off));
        self
    }
}
