//! Properties that come free for every protocol: whatever the goldens and examples hold is cut into other
//! segments, doubled, reordered, cut off and dealt to several workers; what is found must not change.

use sekisho_capture::{Batch, Captures, Frame};
use sekisho_engine::{Settings, Stats, Worker};
use sekisho_files::NoStore;
use sekisho_proto::Secrets;
use sekisho_record::{Kind, Record, for_each};
use sekisho_types::{Timestamp, ip_proto};
use sekisho_wire::{LinkType, decode, tcp_flags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// A frame that owns its bytes.
#[derive(Clone)]
struct Packet {
    ts: Timestamp,
    link_type: u32,
    orig_len: u32,
    data: Vec<u8>,
}

fn captures() -> Vec<(PathBuf, Vec<Packet>)> {
    let paths = sekisho_testkit::stored_captures(&["goldens", "examples"]);
    paths.into_iter().map(|p| (p.clone(), read(&p))).collect()
}

/// The secrets of all captures: each is found by its session's random.
static SECRETS: LazyLock<Arc<Secrets>> = LazyLock::new(Arc::default);

fn settings() -> Settings {
    Settings { secrets: Arc::clone(&SECRETS), ..Settings::default() }
}

fn read(path: &Path) -> Vec<Packet> {
    let mut captures = Captures::open(&[path]).expect("opens");
    let (mut batch, mut out) = (Batch::new(), Vec::new());
    while captures.fill(&mut batch) {
        for block in captures.take_secrets() {
            SECRETS.add(&block.data, 0);
        }
        out.extend(batch.frames().map(|f| Packet {
            ts: f.ts,
            link_type: f.link_type,
            orig_len: f.orig_len,
            data: f.data.to_vec(),
        }));
    }
    out
}

fn frames(packets: &[Packet]) -> impl Iterator<Item = Frame<'_>> {
    packets.iter().enumerate().map(|(i, p)| Frame {
        ts: p.ts,
        number: i as u64 + 1,
        link_type: p.link_type,
        interface: 0,
        orig_len: p.orig_len,
        source: 0,
        offset: 0,
        data: &p.data,
    })
}

/// What may be compared: everything, or what doesn't depend on how the bytes were packed.
#[derive(Clone, Copy, PartialEq)]
enum View {
    Everything,
    ProtocolsOnly,
}

/// A row as text, its log first; `None` if the view leaves it out.
fn text(row: &dyn Record, view: View) -> Option<String> {
    let log = row.schema().log;
    if view == View::ProtocolsOnly && matches!(log, "conn" | "weird") {
        return None;
    }
    let mut out = format!("{log}:");
    for_each(row, &mut |field, value| {
        let volatile = matches!(field.kind, Kind::Time | Kind::Interval) || field.name == "packet";
        // SSH hides its packets' lengths: whether a login succeeded is inferred from how the bytes were packed.
        let packed = log == "ssh" && field.name.starts_with("auth_");
        let volatile = volatile || packed;
        let shown = format!("{value:?}");
        if shown != "Unset" && !(view == View::ProtocolsOnly && volatile) {
            out += &format!(" {}={shown}", field.name);
        }
    });
    Some(out)
}

/// Rows before the end of the capture, rows at its end, and the counts.
fn run(packets: &[Packet], view: View) -> (Vec<String>, Vec<String>, Stats) {
    let mut worker = Worker::new(settings());
    let (mut during, mut after) = (Vec::new(), Vec::new());
    worker.batch(frames(packets), &mut |r: &dyn Record| during.extend(text(r, view)), &mut NoStore);
    worker.finish(&mut |r: &dyn Record| after.extend(text(r, view)), &mut NoStore);
    (during, after, worker.stats())
}

fn all_rows(packets: &[Packet], view: View) -> Vec<String> {
    let (mut rows, after, _) = run(packets, view);
    rows.extend(after);
    rows.sort();
    rows
}

fn assert_same(path: &Path, what: &str, want: &[String], got: &[String]) {
    let differs = want.iter().zip(got).find(|(a, b)| a != b);
    if let Some((a, b)) = differs {
        panic!("{} {what}:\n- {a}\n+ {b}", path.display());
    }
    assert_eq!(want.len(), got.len(), "{} {what}", path.display());
}

/// Cuts every TCP payload into pieces of at most `len` bytes.
fn split(packets: &[Packet], len: usize) -> Vec<Packet> {
    let mut out = Vec::new();
    for p in packets {
        let d = decode(LinkType(p.link_type), &p.data, p.orig_len);
        let plain = d.proto == ip_proto::TCP && d.fragment.is_none() && d.payload_len == d.payload_wire_len;
        let syn = d.tcp.flags & tcp_flags::SYN != 0;
        if !plain || d.payload_len as usize <= len || syn || d.ip_version == 0 {
            out.push(p.clone());
            continue;
        }
        let (ip, transport, start) = (d.ip_offset as usize, d.transport_offset as usize, d.payload_offset as usize);
        let payload = &p.data[start..start + d.payload_len as usize];
        let count = payload.len().div_ceil(len);
        for (i, piece) in payload.chunks(len).enumerate() {
            let mut data = p.data[..start].to_vec();
            data.extend_from_slice(piece);
            let seq = d.tcp.seq.wrapping_add((i * len) as u32);
            data[transport + 4..transport + 8].copy_from_slice(&seq.to_be_bytes());
            if i + 1 < count {
                data[transport + 13] &= !(tcp_flags::FIN | tcp_flags::PSH | tcp_flags::RST);
            }
            let ip_len = (data.len() - ip) as u16;
            if d.ip_version == 4 {
                data[ip + 2..ip + 4].copy_from_slice(&ip_len.to_be_bytes());
            } else {
                data[ip + 4..ip + 6].copy_from_slice(&(ip_len - 40).to_be_bytes());
            }
            out.push(Packet { orig_len: data.len() as u32, data, ..*p });
        }
    }
    out
}

/// What answers in HTTP to something that is none is known by its first segment, as late TLS is.
const KNOWN_BY_SEGMENTS: [&str; 1] = ["http/strangers.pcap"];

#[test]
fn any_split_of_the_stream_gives_the_same_records() {
    for (path, packets) in captures() {
        if KNOWN_BY_SEGMENTS.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let want = all_rows(&packets, View::ProtocolsOnly);
        for len in [1, 7, 100] {
            let pieces = split(&packets, len);
            assert!(pieces.len() >= packets.len());
            assert_same(&path, &format!("split to {len}"), &want, &all_rows(&pieces, View::ProtocolsOnly));
        }
    }
}

#[test]
fn doubled_segments_change_nothing() {
    for (path, packets) in captures() {
        let want = all_rows(&packets, View::ProtocolsOnly);
        let is_tcp_data = |p: &Packet| {
            let d = decode(LinkType(p.link_type), &p.data, p.orig_len);
            d.proto == ip_proto::TCP && d.payload_len > 0
        };
        let doubled: Vec<Packet> =
            packets.iter().flat_map(|p| std::iter::repeat_n(p.clone(), 1 + usize::from(is_tcp_data(p)))).collect();
        assert_same(&path, "doubled", &want, &all_rows(&doubled, View::ProtocolsOnly));
    }
}

#[test]
fn reordered_segments_change_nothing() {
    for (path, packets) in captures() {
        let want = all_rows(&packets, View::ProtocolsOnly);
        let mut swapped = packets.clone();
        let mut i = 0;
        let mut count = 0;
        while i + 1 < swapped.len() {
            let of = |p: &Packet| decode(LinkType(p.link_type), &p.data, p.orig_len);
            let (a, b) = (of(&swapped[i]), of(&swapped[i + 1]));
            let same_way = a.src == b.src && a.dst == b.dst && a.src_port == b.src_port && a.dst_port == b.dst_port;
            let data = |d: &sekisho_wire::Decoded| {
                let control = tcp_flags::SYN | tcp_flags::FIN | tcp_flags::RST;
                d.proto == ip_proto::TCP && d.payload_len > 0 && d.tcp.flags & control == 0
            };
            // The very first data of a direction decides where its stream starts when the SYN is unseen.
            if same_way && data(&a) && data(&b) && a.tcp.seq.wrapping_add(a.payload_len) == b.tcp.seq && i > 4 {
                let (first, second) = (swapped[i].ts, swapped[i + 1].ts);
                swapped.swap(i, i + 1);
                (swapped[i].ts, swapped[i + 1].ts) = (first, second);
                count += 1;
                i += 1;
            }
            i += 1;
        }
        if count > 0 {
            assert_same(&path, "reordered", &want, &all_rows(&swapped, View::ProtocolsOnly));
        }
    }
}

#[test]
fn any_truncation_gives_a_prefix() {
    for (path, packets) in captures() {
        let (whole, ..) = run(&packets, View::Everything);
        let step = packets.len().div_ceil(60).max(1);
        for n in (0..packets.len()).step_by(step) {
            let (part, ..) = run(&packets[..n], View::Everything);
            assert!(part.len() <= whole.len());
            assert_same(&path, &format!("first {n} packets"), &whole[..part.len()], &part);
        }
        // Frames cut by a snap length must not panic; what they hold is no longer comparable.
        for snap in [20, 60, 90, 200] {
            let cut: Vec<Packet> = packets
                .iter()
                .map(|p| Packet { data: p.data[..p.data.len().min(snap)].to_vec(), ..p.clone() })
                .collect();
            let (_, _, stats) = run(&cut, View::Everything);
            assert_eq!(stats.packets, packets.len() as u64);
        }
    }
}

/// Every row in the order in which it left, from a pass over `count` shards.
fn ordered_rows(packets: &[Packet], count: usize) -> Vec<String> {
    let mut worker = Worker::with_shards(settings(), count);
    let mut out = Vec::new();
    let mut rows = |r: &dyn Record| out.extend(text(r, View::Everything));
    worker.batch(frames(packets), &mut rows, &mut NoStore);
    worker.finish(&mut rows, &mut NoStore);
    out
}

#[test]
fn one_shard_equals_many() {
    for (path, packets) in captures() {
        let mut want = ordered_rows(&packets, 1);
        want.sort();
        for count in [2, 7, 64] {
            let mut rows = ordered_rows(&packets, count);
            rows.sort();
            assert_same(&path, &format!("{count} shards"), &want, &rows);
        }
    }
}

#[test]
fn memory_counters_return_to_zero() {
    for (path, packets) in captures() {
        let (_, _, s) = run(&packets, View::Everything);
        let flow = [s.flow.flows, s.flow.buffered_len, s.flow.allocated_len];
        assert_eq!(flow, [0; 3], "{}", path.display());
        assert_eq!([s.files.open_now, s.defrag.datagrams, s.parsers_len], [0; 3], "{}", path.display());
        assert_eq!(s.packets, packets.len() as u64);
    }
}
