//! Attacks on TCP reassembly.

use super::ordinary::{MAIL, dialogue, payloads};
use super::storm::{Storm, Truth, scattered};
use crate::{Addr, Conversation, Dir, Frame, flag};
use Dir::{Orig, Resp};
use std::io;

/// Single bytes of one round of [`gap_comb`], and the distance between them.
const TEETH: u64 = 4_000;
const TOOTH_STEP: u32 = 16;

/// Payload of a segment of [`wrap`], and how many bytes of its frame the capture has.
const JUMBO_LEN: usize = 64_960;
const SNAPLEN: usize = 80;

/// A connection from the `i`-th attacker with a request and the beginning of a long answer.
fn answering(i: u64, server: &str) -> Conversation {
    Conversation::new((scattered(i), 40_000), server)
        .syn()
        .send(Orig, b"GET /big HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        .send(Resp, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4000000000\r\n\r\n")
}

/// A segment of the answer at `offset` behind the last byte of `c`.
fn piece(base: &Frame, offset: u32, data: &[u8]) -> Vec<u8> {
    let mut f = base.clone();
    f.seq = f.seq.wrapping_add(f.payload.len() as u32).wrapping_add(offset);
    f.payload = data.to_vec();
    f.frame()
}

fn last_frame(c: &mut Conversation) -> Frame {
    c.segments().last().expect("a conversation with segments").frame.clone()
}

/// Flows with a lost segment and twelve behind it, never acknowledged, eight flows at a time.
pub(super) fn gaps_many(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let data = [b'x'; 256];
    for i in 0..n / 8 {
        let mut flows: Vec<_> = (0..8).map(|k| answering(8 * i + k, "192.0.2.80:80")).collect();
        for flow in &flows {
            storm.play(flow)?;
        }
        let bases: Vec<Frame> = flows.iter_mut().map(last_frame).collect();
        for k in 1..13 {
            for base in &bases {
                storm.send(&piece(base, 256 * k, &data))?;
            }
        }
    }
    Ok(Truth { flows: Some(n / 8 * 8), ..Truth::default() })
}

/// Small pieces at random places of a window of 2^29 bytes whose first byte never comes.
pub(super) fn gap_window(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let mut flow = answering(0, "192.0.2.80:80");
    storm.play(&flow)?;
    let base = last_frame(&mut flow);
    for _ in 0..n {
        let offset = 16 + (storm.random.below(1 << 29) as u32);
        storm.send(&piece(&base, offset, b"sixteen letters."))?;
    }
    Ok(Truth { flows: Some(1), ..Truth::default() })
}

/// Single bytes, every sixteenth, in no order; then one segment that covers them all.
pub(super) fn gap_comb(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let mut flow = answering(i, "192.0.2.80:80");
        storm.play(&flow)?;
        let base = last_frame(&mut flow);
        for k in 0..TEETH {
            // 1,237 and 4,000 have no common factor: every place once.
            let place = (k * 1_237 % TEETH) as u32;
            storm.send(&piece(&base, 16 + TOOTH_STEP * place, b"x"))?;
        }
        storm.send(&piece(&base, 8, &vec![b'x'; TEETH as usize * TOOTH_STEP as usize]))?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

/// A stream whose sequence numbers begin anew several times; its segments are cut by the snap length.
pub(super) fn wrap(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let client = Addr::v4([203, 0, 113, 99]);
    let mut flow = Conversation::new((client, 40_000), "192.0.2.80:80").seqs(u32::MAX - 20, u32::MAX - 1_000_000).syn();
    storm.play(&flow)?;
    let ends = last_frame(&mut flow);
    let (mut seq, ack) = (ends.ack, ends.seq);
    let payload = vec![b'w'; JUMBO_LEN];
    let (mut data, mut reply) = (Frame::tcp(ends.dst, ends.src, flag::ACK), Frame::tcp(ends.src, ends.dst, flag::ACK));
    let whole = data.clone().seq(seq, ack).payload(&payload).frame();
    for i in 0..n {
        // The same frame with another number: the checksum is not looked at, and most of it is cut off anyway.
        let mut frame = whole[..SNAPLEN].to_vec();
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        storm.send_cut(&frame, whole.len() as u32)?;
        seq = seq.wrapping_add(JUMBO_LEN as u32);
        if i % 4 == 3 {
            reply = reply.seq(ack, seq);
            storm.send(&reply.frame())?;
        }
    }
    data = data.seq(seq, ack);
    data.flags |= flag::FIN;
    storm.send(&data.frame())?;
    reply = reply.seq(ack, seq.wrapping_add(1));
    reply.flags |= flag::FIN;
    storm.send(&reply.frame())?;
    data.flags &= !flag::FIN;
    storm.send(&data.seq(seq.wrapping_add(1), ack.wrapping_add(1)).frame())?;
    let bytes = n * JUMBO_LEN as u64;
    let says = [r#""_path":"conn""#.to_owned(), r#""203.0.113.99""#.to_owned(), format!("\"resp_bytes\":{bytes},")];
    Ok(Truth { flows: Some(1), says: vec![says.to_vec()] })
}

/// Conversations of single bytes; of `n` flows, eight at a time.
fn dripping(storm: &mut Storm<'_>, n: u64, make: impl Fn(u64) -> Conversation) -> io::Result<()> {
    for i in (0..n).step_by(8) {
        let flows: Vec<_> = (i..n.min(i + 8)).map(|k| make(k).frames()).collect();
        let longest = flows.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            for flow in &flows {
                if let Some((_, frame)) = flow.get(at) {
                    storm.send(frame)?;
                }
            }
        }
    }
    Ok(())
}

pub(super) fn bytes_http(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let body = [&b"<html><body>"[..], &[b'.'; 19_988]].concat();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
    dripping(storm, n, |i| {
        Conversation::new((scattered(i), 40_000), "192.0.2.80:80")
            .syn()
            .mss(1)
            .send(Orig, b"GET /drip HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            .send(Resp, &[head.as_bytes(), &body].concat())
            .fin()
    })?;
    let says = [r#""_path":"http""#, r#""uri":"/drip""#, r#""response_body_len":20000"#, r#""text/html""#];
    Ok(Truth { flows: Some(n), says: vec![says.map(String::from).to_vec()] })
}

pub(super) fn bytes_tls(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let recorded = payloads(include_bytes!("../../../../goldens/tls/tls12.pcap"));
    dripping(storm, n, |i| {
        let c = Conversation::new((scattered(i), 40_000), "192.0.2.99:443").syn().mss(1);
        recorded.iter().fold(c, |c, (dir, bytes)| c.send(*dir, bytes)).fin()
    })?;
    let says = [r#""_path":"ssl""#, r#""192.0.2.99""#, r#""established":true"#];
    Ok(Truth { flows: Some(n), says: vec![says.map(String::from).to_vec()] })
}

pub(super) fn bytes_smtp(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    dripping(storm, n, |i| dialogue(Conversation::new((scattered(i), 40_000), "192.0.2.98:25").syn().mss(1), MAIL))?;
    let says = [r#""_path":"smtp""#, r#""192.0.2.98""#, r#""subject":"The notes""#];
    Ok(Truth { flows: Some(n), says: vec![says.map(String::from).to_vec()] })
}

/// Beginnings that could still become one protocol or another.
pub(super) fn bytes_strange(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    const HEADS: [(Dir, &[u8]); 8] = [
        (Resp, b"220 "),
        (Resp, b"220-"),
        (Orig, b"GET /"),
        (Orig, b"SSH"),
        (Orig, b"EHLO "),
        (Resp, b"HTTP/1.1 200 "),
        (Orig, b"USER "),
        (Orig, &[0x01, 0xff, 0, 1]),
    ];
    dripping(storm, n, |i| {
        let (dir, head) = HEADS[(i % 8) as usize];
        let c = Conversation::new((scattered(i), 40_000), "192.0.2.97:9999").syn().mss(1);
        c.send(dir, head).send(dir, &[b'a'; 600])
    })?;
    Ok(Truth { flows: Some(n), ..Truth::default() })
}
