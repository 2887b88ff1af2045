//! Attacks on HTTP.

use super::storm::{Storm, Truth, scattered};
use crate::{Addr, Conversation, Dir, Frame, flag};
use Dir::{Orig, Resp};
use std::io;

/// Requests in one flow.
const PER_FLOW: u64 = 100_000;

/// Requests before the server says anything, and then as many answers.
const AHEAD: u64 = 50;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// One direction at a time of an established connection, without keeping what was sent.
struct Talk {
    frames: [Frame; 2],
}

impl Talk {
    fn begin(storm: &mut Storm<'_>, client: (Addr, u16), server: &str) -> io::Result<Self> {
        storm.play(&Conversation::new(client, server).syn())?;
        let orig = Frame::tcp(client, server, flag::ACK | flag::PSH).seq(1001, 5001);
        let resp = Frame::tcp(server, client, flag::ACK | flag::PSH).seq(5001, 1001);
        Ok(Self { frames: [orig, resp] })
    }

    fn send(&mut self, storm: &mut Storm<'_>, dir: Dir, data: &[u8]) -> io::Result<()> {
        let frame = &mut self.frames[dir.index()];
        frame.payload.clear();
        frame.payload.extend_from_slice(data);
        storm.send(&frame.frame())?;
        frame.seq = frame.seq.wrapping_add(data.len() as u32);
        let seq = frame.seq;
        self.frames[dir.flip().index()].ack = seq;
        Ok(())
    }
}

/// Requests one a segment, [`AHEAD`] before as many answers; every tenth flow gets answers only when it is over.
pub(super) fn pipeline(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let flows = n.div_ceil(PER_FLOW);
    for i in 0..flows {
        let mut talk = Talk::begin(storm, (scattered(i), 40_000), "192.0.2.80:80")?;
        let requests = PER_FLOW.min(n - i * PER_FLOW);
        let ahead = if i % 2 == 0 { requests } else { AHEAD };
        let mut done = 0;
        while done < requests {
            let now = ahead.min(requests - done);
            (0..now).try_for_each(|_| talk.send(storm, Orig, REQUEST))?;
            (0..now).try_for_each(|_| talk.send(storm, Resp, RESPONSE))?;
            done += now;
        }
    }
    Ok(Truth { flows: Some(flows), ..Truth::default() })
}

/// Requests in one flow of [`agents`].
const AGENTS_PER_FLOW: u64 = 100;

/// A client of the home networks and a server there that call themselves otherwise in each message: what is logged once is
/// always new.
pub(super) fn agents(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let flows = n.div_ceil(AGENTS_PER_FLOW);
    for i in 0..flows {
        let [.., b, c] = (i as u32).to_be_bytes();
        let mut talk = Talk::begin(storm, (Addr::v4([10, 66, b, c]), 40_000), "192.0.2.80:80")?;
        for j in 0..AGENTS_PER_FLOW.min(n - i * AGENTS_PER_FLOW) {
            let request = format!("GET /a HTTP/1.1\r\nHost: b\r\nUser-Agent: agent{i}x/{j}.{i}\r\n\r\n");
            talk.send(storm, Orig, request.as_bytes())?;
            let response = format!("HTTP/1.1 204 No Content\r\nServer: host{i}x/{j}.{i}\r\n\r\n");
            talk.send(storm, Resp, response.as_bytes())?;
        }
    }
    let says = [r#""_path":"software""#, r#""host":"10.66.0.0""#, r#""name":"agent0x""#];
    Ok(Truth { flows: Some(flows), says: vec![says.map(String::from).to_vec()] })
}

/// Requests in full segments, then the answers in full segments.
pub(super) fn pipeline_packed(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let flows = n.div_ceil(PER_FLOW);
    for i in 0..flows {
        let mut talk = Talk::begin(storm, (scattered(i), 40_000), "192.0.2.80:80")?;
        let requests = PER_FLOW.min(n - i * PER_FLOW) as usize;
        for (dir, message) in [(Orig, REQUEST), (Resp, RESPONSE)] {
            let all = message.repeat(requests);
            all.chunks(1460).try_for_each(|c| talk.send(storm, dir, c))?;
        }
    }
    Ok(Truth { flows: Some(flows), ..Truth::default() })
}

/// Requests whose header goes on and on and never ends.
fn open(storm: &mut Storm<'_>, n: u64, fields: &[u8]) -> io::Result<Truth> {
    let request = [b"POST /open HTTP/1.1\r\nHost: www.example.org\r\n", fields].concat();
    for i in 0..n {
        let mut talk = Talk::begin(storm, (scattered(i), 40_000), "192.0.2.80:80")?;
        request.chunks(1460).try_for_each(|c| talk.send(storm, Orig, c))?;
    }
    Ok(Truth::default())
}

/// 4 KiB of fields that the log keeps, and no end.
pub(super) fn headers(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let value = "x".repeat(1_300);
    let fields = format!("User-Agent: {value}\r\nReferer: {value}\r\nOrigin: {value}\r\nX-Open: ");
    open(storm, n, fields.as_bytes())
}

/// One field of 60 KB whose line never ends.
pub(super) fn lines(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    open(storm, n, &[b"X-Open: ", &[b'y'; 60_000][..]].concat())
}

/// One resource in single parts of 32 bytes, every other one, in no order, over many connections.
pub(super) fn ranges(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let total = 1_000_000_000u64;
    let mut talk = Talk::begin(storm, (scattered(0), 1), "192.0.2.80:80")?;
    for i in 0..n {
        if i % 1_000 == 999 {
            talk = Talk::begin(storm, (scattered(0), 2 + (i / 1_000) as u16), "192.0.2.80:80")?;
        }
        let from = storm.random.below(total / 64) * 64;
        let to = from + 31;
        let ask = format!("GET /file.bin HTTP/1.1\r\nHost: range.example\r\nRange: bytes={from}-{to}\r\n\r\n");
        talk.send(storm, Orig, ask.as_bytes())?;
        let part = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Range: bytes {from}-{to}/{total}\r\n\
             Content-Length: 32\r\n\r\n0123456789abcdef0123456789abcdef"
        );
        talk.send(storm, Resp, part.as_bytes())?;
    }
    Ok(Truth::default())
}
