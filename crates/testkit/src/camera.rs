//! A small network with a camera, for an hour before and an hour after the camera was repaired: what `sekisho diff` is tried on.

use crate::{Conversation, Dir, Endpoint, Frame, dns, eth};
use sekisho_types::{Addr, Interval, MacAddr, Timestamp};

/// A frame and when it was captured.
type Timed = (Timestamp, Vec<u8>);

/// Monday 2026-03-02 09:00 UTC, and a week later.
const BEFORE: i64 = 1_772_442_000;
const AFTER: i64 = BEFORE + 7 * 86_400;

/// An hour, less the last packets.
const LENGTH: i64 = 3_590;

const ROUTER: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0xfe]);
const RESOLVER: &str = "10.0.0.53";

/// Servers with a bad name to which the camera posts.
pub const BAD: [(&str, &str); 4] = [
    ("cdn1.hosting.test", "203.0.113.101"),
    ("cdn2.hosting.test", "203.0.113.102"),
    ("cdn3.hosting.test", "203.0.113.103"),
    ("cdn4.hosting.test", "203.0.113.104"),
];

/// Posts to each of them in the hour before.
pub const POSTS: usize = 15;

/// The camera's address before and after; its hardware address stays.
pub const CAMERA: [&str; 2] = ["10.0.0.50", "10.0.0.51"];
const CAMERA_MAC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x50]);

struct Scene {
    start: i64,
    frames: Vec<Timed>,
    port: u16,
}

impl Scene {
    fn new(start: i64) -> Self {
        Self { start, frames: Vec::new(), port: 40_000 }
    }

    fn at(&self, millis: i64) -> Timestamp {
        Timestamp::from_parts(self.start, 0) + Interval::from_millis(millis)
    }

    /// IP packets between `host` and the rest of the world.
    fn on_link(&mut self, host: &str, mac: MacAddr, packets: Vec<Timed>) {
        let host = addr(host).octets().to_owned();
        for (ts, packet) in packets {
            // Source address of IPv4 (RFC 791 §3.1).
            let sent = packet.get(12..16) == host.get(12..16);
            let (src, dst) = if sent { (mac, ROUTER) } else { (ROUTER, mac) };
            self.frames.push((ts, eth(src, dst, 0x0800, &packet)));
        }
    }

    /// A datagram and its answer.
    fn exchange(&mut self, millis: i64, host: (&str, MacAddr), server: (&str, u16), ask: &[u8], answer: &[u8]) {
        self.port += 1;
        let (client, server) = (Endpoint::from((addr(host.0), self.port)), Endpoint::from((addr(server.0), server.1)));
        let packets = vec![
            (self.at(millis), Frame::udp(client, server, ask).packet()),
            (self.at(millis + 8), Frame::udp(server, client, answer).packet()),
        ];
        self.on_link(host.0, host.1, packets);
    }

    /// A name is asked for, then its server for something.
    fn web(&mut self, millis: i64, host: (&str, MacAddr), server: (&str, &str), ask: &[u8], answer: &[u8]) {
        let (name, address) = server;
        let id = self.port;
        let octets = addr(address).octets().to_owned();
        let question = [dns::header(id, dns::QUERY, [1, 0, 0, 0]), dns::asked(name, dns::kind::A)].concat();
        let told = dns::record(&dns::name(name), dns::kind::A, 60, octets.get(12..).unwrap_or(&[]));
        let reply = [dns::header(id, dns::ANSWER, [1, 1, 0, 0]), dns::asked(name, dns::kind::A), told].concat();
        self.exchange(millis, host, (RESOLVER, 53), &question, &reply);
        let client = Endpoint::from((addr(host.0), self.port));
        let talk = Conversation::new(client, Endpoint::from((addr(address), 80)))
            .at(self.at(millis + 20))
            .every(Interval::from_millis(7))
            .syn()
            .send(Dir::Orig, ask)
            .send(Dir::Resp, answer)
            .fin();
        self.on_link(host.0, host.1, talk.packets());
    }

    fn post(&mut self, millis: i64, host: (&str, MacAddr), server: (&str, &str), len: usize) {
        let head = format!("POST /in HTTP/1.1\r\nHost: {}\r\nContent-Length: {len}\r\n\r\n", server.0);
        let ask = [head.as_bytes(), &vec![b'x'; len]].concat();
        self.web(millis, host, server, &ask, b"HTTP/1.1 204 No Content\r\n\r\n");
    }

    fn get(&mut self, millis: i64, host: (&str, MacAddr), server: (&str, &str)) {
        let ask = format!("GET /version HTTP/1.1\r\nHost: {}\r\n\r\n", server.0);
        self.web(millis, host, server, ask.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n2.4.1");
    }

    /// What the camera should do: the time, and whether there is something new.
    fn camera(&mut self, address: &str) {
        let camera = (address, CAMERA_MAC);
        for n in 0..12 {
            let mut ask = [0; 48];
            ask[0] = 0x23;
            let mut answer = [0; 48];
            (answer[0], answer[1]) = (0x24, 2);
            self.exchange(n * 299_000 + 3_000, camera, ("198.51.100.123", 123), &ask, &answer);
        }
        for n in 0..6 {
            self.get(n * 590_000 + 41_000, camera, ("update.camera.test", "198.51.100.20"));
        }
    }

    /// What nobody touched: a desk looks at a page every minute, to the end of the hour.
    fn desk(&mut self) {
        for n in 0..60 {
            self.get(
                n * (LENGTH * 1000 / 59),
                ("10.0.0.11", MacAddr([2, 0, 0, 0, 0, 0x11])),
                ("www.example.test", "198.51.100.80"),
            );
        }
    }

    /// A host with one habit.
    fn other(&mut self, host: &str, last: u8, server: (&str, &str)) {
        for n in 0..20 {
            self.get(n * 177_000 + 900, (host, MacAddr([2, 0, 0, 0, 0, last])), server);
        }
    }

    fn frames(mut self) -> Vec<Timed> {
        self.frames.sort_by_key(|f| f.0);
        self.frames
    }
}

/// The camera posts to servers with a bad name; a host that is going to leave is still there.
pub fn before() -> Vec<Timed> {
    let mut scene = Scene::new(BEFORE);
    scene.desk();
    scene.camera(CAMERA[0]);
    for n in 0..(BAD.len() * POSTS) {
        let step = i64::try_from(n).unwrap_or(0);
        // Unevenly, as chance would have it.
        let millis = step * 58_000 + step * step * 7_919 % 30_000;
        scene.post(millis, (CAMERA[0], CAMERA_MAC), BAD[n % BAD.len()], 300 + n * 97 % 400);
    }
    scene.other("10.0.0.99", 0x99, ("mail.example.test", "198.51.100.25"));
    scene.frames()
}

/// The camera is repaired, has another address and asks its maker often; another host has come.
pub fn after() -> Vec<Timed> {
    let mut scene = Scene::new(AFTER);
    scene.desk();
    scene.camera(CAMERA[1]);
    for n in 0..24 {
        scene.get(n * 147_000 + n * n * 3_571 % 40_000, (CAMERA[1], CAMERA_MAC), ("api.maker.test", "198.51.100.21"));
    }
    scene.other("10.0.0.98", 0x98, ("shop.example.test", "198.51.100.30"));
    scene.frames()
}

/// An address from its usual text.
fn addr(text: &str) -> Addr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
}
