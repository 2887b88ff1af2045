//! Captures of hosts from which data leaves, or on whose shares it is destroyed, judged by `sekisho audit`: the scenes S-34 to S-37 as packets.

mod common;

use common::{Frames, audited};
use sekisho_testkit::{Conversation, Endpoint, Timestamp, eth, icmp_echo, ipv4};
use sekisho_types::{Dir, Interval};
use serde_json::Value;

/// Monday 2026-03-02, 00:00 UTC.
const START: i64 = 1_772_409_600;

const HOST: &str = "10.0.0.5:40000";
const OUTSIDE: &str = "203.0.113.9:443";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(START + seconds, 0)
}

const IDS: [&str; 3] = ["exfil-", "smb-mass-", "cleartext-sensitive-data"];

/// The findings about data that leaves or is destroyed: code, severity, subject and key.
fn judged(page: &Value) -> Vec<[String; 4]> {
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let all = page["findings"].as_array().unwrap().iter();
    let own = all.filter(|f| IDS.iter().any(|id| text(f, "id").starts_with(id)));
    own.map(|f| ["code", "severity", "subject", "key"].map(|name| text(f, name))).collect()
}

fn finding(code: &str, severity: &str, key: &str) -> [String; 4] {
    [code, severity, "10.0.0.5", key].map(str::to_owned)
}

fn talk(orig: &str, resp: &str, start: i64) -> Conversation {
    Conversation::new(orig, resp).at(at(start)).every(Interval::from_millis(1)).syn()
}

/// An upload of so many bytes that nobody can read.
fn upload(start: i64, len: usize) -> Frames {
    let random: Vec<u8> = noise(len);
    talk("10.0.0.5:41000", OUTSIDE, start).send(Dir::Orig, &random).send(Dir::Resp, &[7; 900]).fin().frames()
}

/// Bytes as random as encrypted ones.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A client of a share; each message at once answered.
struct Share {
    /// There between calls.
    talk: Option<Conversation>,
    id: u64,
    key: u64,
}

mod command {
    pub const TREE_CONNECT: u16 = 3;
    pub const CREATE: u16 = 5;
    pub const CLOSE: u16 = 6;
    pub const READ: u16 = 8;
    pub const WRITE: u16 = 9;
    pub const QUERY_DIRECTORY: u16 = 14;
    pub const SET_INFO: u16 = 17;
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

impl Share {
    fn new(start: i64) -> Self {
        let talk = talk(HOST, "10.0.0.2:445", start);
        let mut share = Self { talk: Some(talk), id: 0, key: 0 };
        let path = utf16(r"\\fs\data");
        let fixed = [&[9, 0, 0, 0, 72, 0][..], &(path.len() as u16).to_le_bytes(), &path].concat();
        share.ask(command::TREE_CONNECT, &fixed, &[&[16, 0, 1][..], &[0; 13]].concat());
        share
    }

    /// A request and its response (MS-SMB2 §2.2.1).
    fn ask(&mut self, command: u16, request: &[u8], response: &[u8]) {
        self.id += 1;
        let message = |flags: u32, body: &[u8]| {
            let mut m = b"\xfeSMB\x40\0\0\0\0\0\0\0".to_vec();
            m.extend([command.to_le_bytes(), [1, 0]].concat());
            m.extend([flags.to_le_bytes(), [0; 4]].concat());
            m.extend(self.id.to_le_bytes());
            m.extend([[0; 4], 7u32.to_le_bytes()].concat());
            m.extend([0; 24]);
            m.extend(body);
            [&(m.len() as u32).to_be_bytes()[..], &m].concat()
        };
        let (request, response) = (message(0, request), message(1, response));
        self.talk = self.talk.take().map(|talk| talk.send(Dir::Orig, &request).send(Dir::Resp, &response));
    }

    fn file(&self) -> Vec<u8> {
        [self.key.to_le_bytes(), self.key.to_le_bytes()].concat()
    }

    fn open(&mut self, name: &str, size: usize, is_new: bool, is_dir: bool) {
        self.key += 1;
        let name = utf16(name);
        let place = [120u16.to_le_bytes(), (name.len() as u16).to_le_bytes()].concat();
        let request = [&[57, 0][..], &[0; 42], &place, &[0; 8], &name].concat();
        let action = if is_new { 2u32 } else { 1 };
        let attributes = if is_dir { 0x10u32 } else { 0x20 };
        let response = [
            &[89, 0, 0, 0][..],
            &action.to_le_bytes(),
            &[0; 40],
            &(size as u64).to_le_bytes(),
            &attributes.to_le_bytes(),
            &[0; 4],
            &self.file(),
            &[0; 8],
        ]
        .concat();
        self.ask(command::CREATE, &request, &response);
    }

    fn close(&mut self) {
        let request = [&[24, 0, 0, 0, 0, 0, 0, 0][..], &self.file()].concat();
        self.ask(command::CLOSE, &request, &[0; 60]);
    }

    fn list(&mut self, name: &str) {
        self.open(name, 0, false, true);
        let request = [&[33, 0, 37, 0, 0, 0, 0, 0][..], &self.file(), &[0; 8]].concat();
        self.ask(command::QUERY_DIRECTORY, &request, &[9, 0, 72, 0, 0, 0, 0, 0]);
        self.close();
    }

    fn read(&mut self, data: &[u8]) {
        let request = [&[49, 0, 0, 0, 0, 16, 0, 0][..], &[0; 8], &self.file(), &[0; 17]].concat();
        let response = [&[17, 0, 80, 0][..], &(data.len() as u32).to_le_bytes(), &[0; 8], data].concat();
        self.ask(command::READ, &request, &response);
    }

    fn write(&mut self, data: &[u8]) {
        let len = (data.len() as u32).to_le_bytes();
        let request = [&[49, 0, 112, 0][..], &len, &[0; 8], &self.file(), &[0; 16], data].concat();
        self.ask(command::WRITE, &request, &[&[17, 0, 0, 0][..], &len, &[0; 8]].concat());
    }

    fn rename(&mut self, to: &str) {
        let to = utf16(to);
        let buffer = [&[0; 16][..], &(to.len() as u32).to_le_bytes(), &to].concat();
        let len = (buffer.len() as u32).to_le_bytes();
        let request = [&[33, 0, 1, 10][..], &len, &[96, 0, 0, 0, 0, 0, 0, 0], &self.file(), &buffer].concat();
        self.ask(command::SET_INFO, &request, &[2, 0]);
    }

    fn wait(&mut self, span: Interval) {
        self.talk = self.talk.take().map(|talk| talk.wait(span));
    }

    fn frames(self) -> Frames {
        self.talk.map(|talk| talk.fin().frames()).unwrap_or_default()
    }
}

#[test]
fn collect_then_send() {
    // S-35: 250 directories and 600 files in eight minutes, then four fifths of it go out.
    const SIZE: usize = 45_000;
    let mut share = Share::new(100);
    let text: Vec<u8> = b"quarterly report of the office ".iter().copied().cycle().take(SIZE).collect();
    for n in 0..600 {
        if n < 250 {
            share.list(&if n % 10 == 0 { format!("d{n}") } else { format!(r"d{}\e{n}", n / 10 * 10) });
        }
        share.open(&format!(r"d{}\report{n}.txt", n / 10), SIZE, false, false);
        share.read(&text);
        share.close();
        share.wait(Interval::from_millis(700));
    }
    let page = audited(&[share.frames(), upload(1_000, 600 * SIZE * 4 / 5)]);
    assert_eq!(
        judged(&page),
        [
            finding("smb-mass-read/crawl", "high", "10.0.0.2"),
            finding("smb-mass-read/files", "high", "10.0.0.2"),
            finding("exfil-new-destination/new", "medium", "203.0.113.9"),
        ]
    );
    let incidents = page["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "one story");
    assert_eq!(incidents[0]["hosts"].as_array().unwrap().len(), 1);
    assert_eq!(incidents[0]["steps"].as_array().unwrap().len(), 3);
    // Ten files, and a small upload: nothing.
    let mut share = Share::new(100);
    for n in 0..10 {
        share.open(&format!("report{n}.txt"), SIZE, false, false);
        share.read(&text);
        share.close();
    }
    assert_eq!(judged(&audited(&[share.frames(), upload(1_000, 400_000)])).len(), 0);
}

#[test]
fn files_are_encrypted_on_a_share() {
    // S-36: forty files read and overwritten, renamed, and a note in six directories.
    let text: Vec<u8> = b"minutes of the meeting ".iter().copied().cycle().take(20_000).collect();
    let random = noise(20_100);
    let mut share = Share::new(100);
    for n in 0..40 {
        share.open(&format!(r"d{}\minutes{n}.doc", n % 6), text.len(), false, false);
        share.read(&text);
        share.write(&random);
        share.rename(&format!(r"d{}\minutes{n}.doc.xyz1", n % 6));
        share.close();
        share.wait(Interval::from_millis(300));
    }
    for n in 0..6 {
        share.open(&format!(r"d{n}\READ_ME.txt"), 0, true, false);
        share.write(b"All your files are encrypted. Pay.");
        share.close();
    }
    let all = judged(&audited(&[share.frames()]));
    for code in ["encrypt", "rename-ext", "note"] {
        let want = finding(&format!("smb-mass-modify/{code}"), "critical", "10.0.0.2");
        assert!(all.contains(&want), "{code}: {all:?}");
    }
    // Pictures that are made smaller stay pictures: random before and after.
    let mut share = Share::new(100);
    for n in 0..40 {
        share.open(&format!("photo{n}.jpg"), 20_100, false, false);
        share.read(&random);
        share.write(&noise(18_000));
        share.close();
    }
    assert_eq!(judged(&audited(&[share.frames()])).len(), 0);
}

#[test]
fn data_in_pings() {
    let echo = |n: u16, kind: u8, payload: &[u8]| {
        let (host, far) = (Endpoint::from(HOST), Endpoint::from(OUTSIDE));
        let (src, dst) = if kind == 8 { ([10, 0, 0, 5], [203, 0, 113, 9]) } else { ([203, 0, 113, 9], [10, 0, 0, 5]) };
        let (from, to) = if kind == 8 { (host.mac(), far.mac()) } else { (far.mac(), host.mac()) };
        let frame = eth(from, to, 0x0800, &ipv4(src, dst, 1, &icmp_echo(kind, 7, n, payload)));
        (at(100) + Interval::from_millis(i64::from(n) * 100 + i64::from(kind == 0)), frame)
    };
    let random = noise(2_000);
    let tunnel: Frames = (0..120u16)
        .flat_map(|n| {
            let lens = [36, 84, 121, 124, 900];
            let len = lens[usize::from(n) % lens.len()];
            [echo(n, 8, &random[..len]), echo(n, 0, &random[1000 - len..1000])]
        })
        .collect();
    let all = judged(&audited(&[tunnel]));
    assert_eq!(all, [finding("exfil-icmp-tunnel/echo", "high", "203.0.113.9")]);
    let ping: Frames = (0..600u16).flat_map(|n| [echo(n, 8, &random[..56]), echo(n, 0, &random[..56])]).collect();
    assert_eq!(judged(&audited(&[ping])).len(), 0);
}

#[test]
fn cards_in_a_form() {
    // S-37.
    let form = "name=Ada&cards=4539578763621486;5425+2334+3010+9903;2222405343248877;4024007103939509;4916338506082832;4556737586899855";
    let post = |body: &str| {
        let head = format!("POST /pay HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {}\r\n\r\n", body.len());
        talk(HOST, "203.0.113.9:80", 100)
            .send(Dir::Orig, &[head.as_bytes(), body.as_bytes()].concat())
            .send(Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .fin()
            .frames()
    };
    let page = audited(&[post(form)]);
    assert_eq!(judged(&page), [finding("cleartext-sensitive-data/card", "high", "203.0.113.9 HTTP")]);
    // No number stands anywhere on the page.
    let text = page.to_string();
    assert!(["4539578763621486", "5425233430109903", "5425 2334"].iter().all(|card| !text.contains(card)));
    let products: String = (0..100u64).map(|n| format!("{:016};", n * 98_765_432_123_457 + 1)).collect();
    assert_eq!(judged(&audited(&[post(&products)])).len(), 0);
}
