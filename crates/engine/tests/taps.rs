//! What a tap is told: every byte of every stream once, in order, with its offset and the packet that brought it, and
//! until the flow ends, whatever the parsers make of it.

use sekisho_capture::{Batch, Captures, Frame};
use sekisho_engine::{Settings, Tap, Watch, Worker};
use sekisho_files::{NoStore, Store};
use sekisho_flow::Moment;
use sekisho_proto::Secrets;
use sekisho_record::{Record, for_each};
use sekisho_testkit::{Conversation, Frame as Built, flag, icmp_echo, ip, ip_fragments, pcap, stored_captures};
use sekisho_types::{Addr, Dir, FlowInfo, Interval, Timestamp, Uid, ip_proto};
use sekisho_wire::Decoded;
use std::collections::BTreeMap;
use std::sync::Arc;

const ETHERNET: u32 = 1;

/// A piece of a stream: offset, bytes, packet at hand, packet that brought it.
type Piece = (u64, Vec<u8>, u64, u64);

/// What was told of one sender in one flow.
#[derive(Default, Debug, PartialEq)]
struct Heard {
    pieces: Vec<Piece>,
    gaps: Vec<(u64, u64)>,
    /// Offset of what has to come next.
    next: u64,
}

impl Heard {
    fn at(&mut self, offset: u64, len: u64) {
        if offset == 0 && len > 0 {
            // A new SYN may have begun the stream anew.
            self.next = 0;
        }
        assert_eq!(offset, self.next, "each byte once, in order");
        self.next += len;
    }

    fn bytes(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|p| p.1.clone()).collect()
    }
}

#[derive(Default)]
struct Recorder {
    streams: BTreeMap<(Uid, Addr, u16), Heard>,
    datagrams: Vec<(Uid, Vec<u8>, u64)>,
    clear: BTreeMap<(Uid, bool), Heard>,
    closed: Vec<(Uid, u64)>,
    frames: Vec<u64>,
    packets: Vec<(u64, Uid)>,
}

impl Recorder {
    fn stream(&self, n: usize) -> &Heard {
        self.streams.values().nth(n).expect("heard of it")
    }
}

fn sender(flow: &FlowInfo, dir: Dir) -> (Uid, Addr, u16) {
    let t = &flow.tuple;
    if dir.is_orig() { (flow.uid, t.orig, t.orig_port) } else { (flow.uid, t.resp, t.resp_port) }
}

impl Store for Recorder {}

impl Tap for Recorder {
    fn frame(&mut self, frame: &Frame<'_>, decoded: &Decoded) {
        assert!(decoded.ip_version != 0 || !frame.data.is_empty() || frame.orig_len == 0);
        self.frames.push(frame.number);
    }

    fn packet(&mut self, packet: u64, uid: Uid) {
        self.packets.push((packet, uid));
    }

    fn stream(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        assert!(!bytes.is_empty() && at.source > 0 && (at.number == 0 || at.source <= at.number));
        assert!(!self.closed.iter().any(|(uid, _)| *uid == flow.uid), "nothing follows the end");
        let heard = self.streams.entry(sender(flow, dir)).or_default();
        heard.at(offset, bytes.len() as u64);
        heard.pieces.push((offset, bytes.to_vec(), at.number, at.source));
    }

    fn gap(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, len: u64, _: Moment) {
        let heard = self.streams.entry(sender(flow, dir)).or_default();
        heard.at(offset, len);
        heard.gaps.push((offset, len));
    }

    fn datagram(&mut self, flow: &FlowInfo, _: Dir, bytes: &[u8], at: Moment) {
        self.datagrams.push((flow.uid, bytes.to_vec(), at.source));
    }

    fn clear(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        let heard = self.clear.entry((flow.uid, dir.is_orig())).or_default();
        heard.at(offset, bytes.len() as u64);
        heard.pieces.push((offset, bytes.to_vec(), at.number, at.source));
    }

    fn closed(&mut self, flow: &FlowInfo, at: Moment) {
        self.closed.push((flow.uid, at.number));
    }
}

fn run_with(settings: Settings, capture: Vec<u8>, tap: &mut dyn Tap) -> Vec<String> {
    let mut captures = Captures::from_bytes("tapped", capture);
    let secrets = Arc::clone(&settings.secrets);
    let mut worker = Worker::with_shards(settings, 1);
    let (mut batch, mut out) = (Batch::new(), Vec::new());
    let mut rows = |row: &dyn Record| {
        let mut text = row.schema().log.to_owned();
        for_each(row, &mut |field, value| text += &format!(" {}={value:?}", field.name));
        out.push(text);
    };
    while captures.fill(&mut batch) {
        for block in captures.take_secrets() {
            secrets.add(&block.data, 0);
        }
        worker.batch(batch.frames(), &mut rows, tap);
    }
    worker.finish(&mut rows, tap);
    out
}

fn watching() -> Settings {
    Settings { watch: Watch::Streams, secrets: Arc::new(Secrets::default()), ..Settings::default() }
}

fn tapped(frames: &[(Timestamp, Vec<u8>)]) -> Recorder {
    let mut tap = Recorder::default();
    run_with(watching(), pcap(ETHERNET, frames), &mut tap);
    tap
}

fn talk() -> Conversation {
    Conversation::new("10.0.0.1:40000", "10.0.0.2:7777").syn()
}

/// Bytes that look like no protocol, and not like each other.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut next = random(seed);
    (0..len).map(|_| 0x80 | next(128) as u8).collect()
}

fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move |n| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    }
}

#[test]
fn tells_both_directions_in_order() {
    let tap =
        tapped(&talk().send(Dir::Orig, b"question").send(Dir::Resp, b"ans").send(Dir::Resp, b"wer").fin().frames());
    assert_eq!(tap.stream(0).pieces, [(0, b"question".to_vec(), 4, 4)]);
    assert_eq!(tap.stream(1).pieces, [(0, b"ans".to_vec(), 5, 5), (3, b"wer".to_vec(), 6, 6)]);
    assert_eq!(tap.frames, (1..=9).collect::<Vec<_>>());
    assert_eq!((tap.packets.len(), tap.closed.len()), (9, 1));
}

#[test]
fn tells_which_packet_brought_what_had_to_wait() {
    let frames = talk()
        .send(Dir::Orig, b"aa")
        .send(Dir::Orig, b"bb")
        .send(Dir::Orig, b"cc")
        .send(Dir::Orig, b"dd")
        .swap(3, 6)
        .swap(4, 5)
        .frames();
    // They come as dd, cc, bb, aa.
    let tap = tapped(&frames);
    let want =
        [(0, b"aa".to_vec(), 7, 7), (2, b"bb".to_vec(), 7, 6), (4, b"cc".to_vec(), 7, 5), (6, b"dd".to_vec(), 7, 4)];
    assert_eq!(tap.stream(0).pieces, want);
}

#[test]
fn tells_what_overlaps_once() {
    let mut c = talk().send(Dir::Orig, b"abcd").send(Dir::Orig, b"efgh").send(Dir::Orig, b"ijkl");
    // The second segment comes late, with more of both its neighbours.
    let s = &mut c.segments()[4];
    s.frame.seq -= 2;
    s.frame.payload = b"cdefghij".to_vec();
    let tap = tapped(&c.swap(4, 5).frames());
    assert_eq!(tap.stream(0).bytes(), b"abcdefghijkl");
    assert_eq!(
        tap.stream(0).pieces,
        [(0, b"abcd".to_vec(), 4, 4), (4, b"efgh".to_vec(), 6, 6), (8, b"ijkl".to_vec(), 6, 5)]
    );
}

#[test]
fn tells_of_holes_that_acknowledgements_prove() {
    let frames =
        talk().send(Dir::Orig, b"abc").lose(Dir::Orig, 10).send(Dir::Orig, b"xyz").ack(Dir::Resp).fin().frames();
    let heard = tapped(&frames);
    let heard = heard.stream(0);
    assert_eq!(heard.gaps, [(3, 10)]);
    assert_eq!(heard.pieces, [(0, b"abc".to_vec(), 4, 4), (13, b"xyz".to_vec(), 6, 5)]);
}

#[test]
fn tells_what_waits_when_time_or_the_capture_ends() {
    let one_sided = talk().send(Dir::Orig, b"abc").lose(Dir::Orig, 10).send(Dir::Orig, b"xyz");
    let want = [(0, b"abc".to_vec(), 4, 4), (13, b"xyz".to_vec(), 0, 5)];
    let at_end = tapped(&one_sided.frames());
    assert_eq!((&at_end.stream(0).gaps[..], &at_end.stream(0).pieces[..]), (&[(3, 10)][..], &want[..]));
    assert_eq!(at_end.closed.len(), 1);
    // Another flow's packet long after makes the first one's timer due.
    let mut frames = one_sided.frames();
    let later = frames.last().expect("some").0 + Interval::from_secs(10_000);
    frames.push((later, Built::udp("10.9.9.9:5000", "10.9.9.8:5001", b"tick").frame()));
    let by_timer = tapped(&frames);
    assert_eq!(by_timer.stream(0).pieces, want);
    assert_eq!((by_timer.closed.len(), by_timer.datagrams.len()), (2, 1));
}

#[test]
fn follows_flows_that_parsers_gave_up() {
    // Nobody knows it: a flow that is opaque otherwise after a few chunks.
    let bulk = noise(1, 400_000);
    let tap = tapped(&talk().send(Dir::Resp, &bulk).fin().frames());
    assert!(tap.stream(0).bytes() == bulk);
    // So is UDP that no probe knows.
    let frames: Vec<_> = (0..40)
        .map(|i| {
            (Timestamp::from_parts(i, 0), Built::udp("10.0.0.1:5000", "10.0.0.2:5001", &noise(i as u64, 50)).frame())
        })
        .collect();
    let tap = tapped(&frames);
    assert_eq!(tap.datagrams.len(), 40);
    assert!(tap.datagrams.iter().enumerate().all(|(i, d)| d.1 == noise(i as u64, 50) && d.2 == i as u64 + 1));
}

#[test]
fn tells_datagrams_of_every_kind() {
    let (a, b) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
    let whole = Built::udp("10.0.0.1:5000", "10.0.0.2:5001", &noise(3, 3000));
    let mut packets =
        vec![ip(a, b, ip_proto::ICMP, &icmp_echo(8, 1, 1, b"in a ping")), Built::other(a, b, 132, b"sctp?").packet()];
    packets.extend(ip_fragments(&whole.packet(), 1000));
    packets.swap(2, 3);
    let frames: Vec<_> =
        packets.into_iter().enumerate().map(|(i, p)| (Timestamp::from_parts(i as i64, 0), p)).collect();
    let mut tap = Recorder::default();
    // Raw IP.
    run_with(watching(), pcap(101, &frames), &mut tap);
    let heard: Vec<_> = tap.datagrams.iter().map(|d| (d.1.clone(), d.2)).collect();
    assert_eq!(heard, [(b"in a ping".to_vec(), 1), (b"sctp?".to_vec(), 2), (noise(3, 3000), frames.len() as u64)]);
    assert_eq!(tap.frames.len(), frames.len());
}

#[test]
fn any_split_and_order_gives_the_same_bytes() {
    let (up, down) = (noise(7, 5000), noise(8, 9000));
    for seed in 0..60 {
        let mut next = random(seed);
        let mut c = Conversation::new("10.0.0.1:40000", "10.0.0.2:7777").seqs(u32::MAX - 3000, 5000).syn();
        let (mut from_up, mut from_down) = (0, 0);
        while from_up < up.len() || from_down < down.len() {
            let (dir, data, from) =
                if next(2) == 0 { (Dir::Orig, &up, &mut from_up) } else { (Dir::Resp, &down, &mut from_down) };
            let to = (*from + 1 + next(700) as usize).min(data.len());
            if *from < to {
                c = c.segment(dir, flag::PSH | flag::ACK, &data[*from..to]);
            }
            *from = to;
        }
        // No acknowledgement overtakes what it acknowledges: that would make a hole.
        c.segments().iter_mut().for_each(|s| s.frame.ack = if s.dir.is_orig() { 5001 } else { u32::MAX - 2999 });
        for _ in 0..40 {
            let n = c.segments().len() as u64 - 3;
            let (i, span) = (3 + next(n), next(8));
            let j = (i + span).min(n + 2);
            c = if next(4) == 0 { c.duplicate(i as usize) } else { c.swap(i as usize, j as usize) };
            if next(4) == 0 {
                // More of what comes before.
                let s = &mut c.segments()[i as usize];
                let data = if s.dir.is_orig() { &up } else { &down };
                let start = s.frame.seq.wrapping_sub(if s.dir.is_orig() { u32::MAX - 2999 } else { 5001 }) as usize;
                let back = (next(300) as usize).min(start);
                let end = start + s.frame.payload.len();
                s.frame.payload = data[start - back..end].to_vec();
                s.frame.seq = s.frame.seq.wrapping_sub(back as u32);
            }
        }
        let tap = tapped(&c.frames());
        assert!(tap.stream(0).bytes() == up && tap.stream(1).bytes() == down, "seed {seed}");
        assert!(tap.streams.values().all(|s| s.gaps.is_empty()));
        let segments = c.segments().clone();
        for (n, (heard, dir)) in tap.streams.values().zip([Dir::Orig, Dir::Resp]).enumerate() {
            let first = if dir.is_orig() { u32::MAX - 2999 } else { 5001 };
            for (offset, bytes, number, source) in &heard.pieces {
                let s = &segments[*source as usize - 1];
                let at = offset - u64::from(s.frame.seq.wrapping_sub(first));
                let there = s.frame.payload.get(at as usize..at as usize + bytes.len());
                assert!(s.dir == dir && source <= number && there == Some(&bytes[..]), "seed {seed}, stream {n}");
            }
        }
    }
}

/// Every example and golden: watching changes no row, and what is told has no seams.
#[test]
fn watching_changes_nothing_else() {
    let mut opened = 0;
    for path in stored_captures(&["goldens", "examples"]) {
        let capture = std::fs::read(&path).expect("reads");
        let unwatched = run_with(Settings { watch: Watch::Nothing, ..watching() }, capture.clone(), &mut NoStore);
        let mut tap = Recorder::default();
        let watched = run_with(watching(), capture, &mut tap);
        for (a, b) in unwatched.iter().zip(&watched) {
            assert_eq!(a, b, "{}", path.display());
        }
        assert_eq!(unwatched.len(), watched.len(), "{}", path.display());
        assert_eq!(tap.closed.len(), watched.iter().filter(|row| row.starts_with("conn ")).count());
        opened += tap.clear.len();
    }
    assert!(opened > 0, "the captures with keys: {opened}");
}

#[test]
fn tells_what_keys_open() {
    let path = stored_captures(&["examples"]).into_iter().find(|p| p.ends_with("keys.pcapng")).expect("is there");
    let mut tap = Recorder::default();
    run_with(watching(), std::fs::read(&path).expect("reads"), &mut tap);
    let texts: Vec<String> =
        tap.clear.iter().map(|(k, h)| format!("{} {:.300}", k.1, String::from_utf8_lossy(&h.bytes()))).collect();
    assert!(texts.iter().any(|t| t.starts_with("true GET /")), "{texts:#?}");
}
