//! Conversations as they happen everywhere, whose rows an attack must not change.

use crate::dns::{ANSWER, TO_QUESTION, answer, kind, question, record, texts};
use crate::{Addr, Conversation, Dir, Frame, ip_proto, read_pcap};
use Dir::{Orig, Resp};
use sekisho_types::{Interval, Timestamp};

/// What every ordinary client's address begins with, as the logs print it behind a quotation mark.
pub const CLIENTS: [&str; 2] = ["10.77.", "fd77:"];

/// A recorded handshake of TLS 1.2, to be played again between other ends.
pub const TLS12: &[u8] = include_bytes!("../../../../goldens/tls/tls12.pcap");
/// The same of TLS 1.3.
pub const TLS13: &[u8] = include_bytes!("../../../../goldens/tls/tls13.pcap");

type Timed = (Timestamp, Vec<u8>);

/// The `n`-th set: one client that looks up names, fetches, sends a mail, moves a file, logs in. Takes some 4 seconds.
pub fn set(n: u64, start: Timestamp) -> Vec<Timed> {
    let client = Client { octets: [10, 77, (n >> 8) as u8, n as u8], start };
    let conversations = [
        client.page(40_001, 20, "page"),
        client.page(40_002, 60, "again").swap(7, 9).duplicate(11),
        client.posted(40_003, 100),
        client.slow(40_004, 150),
        client.mail(40_005, 200),
        client.shell(40_006, 250),
        client.recorded(40_007, 300, TLS12, "192.0.2.43:443"),
        client.recorded(40_008, 350, TLS13, "192.0.2.44:443"),
        client.ftp(40_009, 400),
        client.ftp_data(40_010, 481),
        client.v6(40_011, 600),
        client.refused(40_012, 700),
    ];
    let mut out: Vec<Timed> = conversations.iter().flat_map(Conversation::frames).collect();
    out.extend(client.names());
    out.extend(client.large_answer());
    out.extend(client.ping());
    out
}

struct Client {
    octets: [u8; 4],
    start: Timestamp,
}

impl Client {
    fn addr(&self) -> Addr {
        Addr::v4(self.octets)
    }

    fn ms(&self, millis: i64) -> Timestamp {
        self.start + Interval::from_millis(millis)
    }

    fn to(&self, port: u16, server: &str, millis: i64) -> Conversation {
        Conversation::new((self.addr(), port), server).at(self.ms(millis)).syn()
    }

    /// A request with a page of some segments as its answer.
    fn page(&self, port: u16, millis: i64, name: &str) -> Conversation {
        self.to(port, "192.0.2.80:80", millis)
            .send(Orig, &ask("GET", &format!("/{name}/{port}"), b""))
            .send(Resp, &ok("text/html", &text(b"<html><body>", 18_000)))
            .ack(Orig)
            .fin()
    }

    /// Two requests on one connection, the first with a body.
    fn posted(&self, port: u16, millis: i64) -> Conversation {
        self.to(port, "192.0.2.80:80", millis)
            .send(Orig, &ask("POST", "/form", &text(b"{\"a\":", 3_000)))
            .send(Resp, &ok("text/plain", b"thank you\n"))
            .send(Orig, &ask("GET", "/done", b""))
            .send(Resp, &ok("image/png", &text(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 4_000)))
            .fin()
    }

    /// A server that thinks, twice, before it goes on.
    fn slow(&self, port: u16, millis: i64) -> Conversation {
        let page = ok("text/html", &text(b"<html><body>", 9_000));
        let (first, second) = page.split_at(4_000);
        self.to(port, "192.0.2.81:80", millis)
            .send(Orig, &ask("GET", "/slow", b""))
            .ack(Resp)
            .wait(Interval::from_millis(1_500))
            .send(Resp, first)
            .ack(Orig)
            .wait(Interval::from_millis(1_500))
            .send(Resp, second)
            .fin()
    }

    fn mail(&self, port: u16, millis: i64) -> Conversation {
        dialogue(self.to(port, "192.0.2.25:25", millis), MAIL)
    }

    fn shell(&self, port: u16, millis: i64) -> Conversation {
        self.to(port, "192.0.2.22:22", millis)
            .send(Resp, b"SSH-2.0-ordinary_1.0 server\r\n")
            .send(Orig, b"SSH-2.0-ordinary_1.0 client\r\n")
            .fin()
    }

    /// What both ends of a recording's first connection sent.
    fn recorded(&self, port: u16, millis: i64, pcap: &[u8], server: &str) -> Conversation {
        let mut c = self.to(port, server, millis);
        for (dir, bytes) in payloads(pcap) {
            c = c.send(dir, &bytes);
        }
        c.fin()
    }

    fn ftp(&self, port: u16, millis: i64) -> Conversation {
        let c = Conversation::new((self.addr(), port), "192.0.2.21:21").at(self.ms(millis));
        let passive = format!("<227 Entering Passive Mode (192,0,2,21,195,{})", self.data_port() - 195 * 256);
        let lines: Vec<&str> = FTP.iter().map(|l| if l.starts_with("<227") { &passive } else { *l }).collect();
        dialogue(c.every(Interval::from_millis(10)).syn(), &lines)
    }

    /// Clients that are at work together get different ports from the server.
    fn data_port(&self) -> u16 {
        50_000 + u16::from(self.octets[3]) % 128
    }

    /// The connection that [`FTP`] announces.
    fn ftp_data(&self, port: u16, millis: i64) -> Conversation {
        Conversation::new((self.addr(), port), (Addr::v4([192, 0, 2, 21]), self.data_port()))
            .at(self.ms(millis))
            .every(Interval(100_000))
            .syn()
            .wait(Interval::from_millis(25))
            .send(Resp, &text(b"%PDF-1.7\n", 6_000))
            .fin_from(Resp)
    }

    fn v6(&self, port: u16, millis: i64) -> Conversation {
        let [_, _, c, d] = self.octets;
        let addr = Addr::v6([0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, c, d]);
        Conversation::new((addr, port), "[2001:db8:80::1]:8080")
            .at(self.ms(millis))
            .syn()
            .send(Orig, &ask("GET", "/six", b""))
            .send(Resp, &ok("application/json", b"{\"six\": [1, 2, 3]}"))
            .fin()
    }

    /// A port where nobody listens.
    fn refused(&self, port: u16, millis: i64) -> Conversation {
        let c = Conversation::new((self.addr(), port), "192.0.2.99:99").at(self.ms(millis));
        c.segment(Orig, crate::flag::SYN, b"").rst(Resp)
    }

    /// Three names: found, not there, never answered.
    fn names(&self) -> Vec<Timed> {
        let mut out = Vec::new();
        let mut exchange = |n: u16, query: &[u8], reply: Option<Vec<u8>>| {
            let ends = ((self.addr(), 41_000 + n), "192.0.2.53:53");
            let ms = i64::from(n) * 7;
            out.push((self.ms(ms), Frame::udp(ends.0, ends.1, query).frame()));
            out.extend(reply.map(|r| (self.ms(ms + 20), Frame::udp(ends.1, ends.0, &r).frame())));
        };
        let a = record(TO_QUESTION, kind::A, 60, &[192, 0, 2, 80]);
        exchange(1, &question(1, "www.example.org", 1), Some(answer(1, ANSWER, "www.example.org", 1, &[a])));
        let missing = answer(2, ANSWER | crate::dns::NXDOMAIN, "nothing.example.org", 28, &[]);
        exchange(2, &question(2, "nothing.example.org", 28), Some(missing));
        exchange(3, &question(3, "silence.example.org", 1), None);
        out
    }

    /// An answer that comes in three fragments.
    fn large_answer(&self) -> Vec<Timed> {
        let client = (self.addr(), 41_010);
        let query = Frame::udp(client, "192.0.2.53:53", &question(9, "large.example.org", kind::TXT)).frame();
        let line = [b'x'; 250];
        let reply = texts(9, "large.example.org", &[&line[..]; 12]);
        let reply = Frame::udp("192.0.2.53:53", client, &reply).id(u16::from(self.octets[3]) + 7);
        let mut out = vec![(self.ms(40), query)];
        out.extend(reply.fragments(1_200).into_iter().zip(0..).map(|(f, i)| (self.ms(60 + i), f)));
        out
    }

    fn ping(&self) -> Vec<Timed> {
        let server = Addr::v4([192, 0, 2, 1]);
        (0..3i64)
            .flat_map(|i| {
                let ms = 500 + 100 * i;
                let there = Frame::icmp(self.addr(), server, 8, 0, b"abcdefghijklmnop");
                let back = Frame::icmp(server, self.addr(), 0, 0, b"abcdefghijklmnop");
                [(self.ms(ms), there.frame()), (self.ms(ms + 9), back.frame())]
            })
            .collect()
    }
}

/// Payloads of a recording's first TCP connection in their order, with who sent them.
pub fn payloads(pcap: &[u8]) -> Vec<(Dir, Vec<u8>)> {
    let mut first = None;
    let mut out = Vec::new();
    for (_, frame) in read_pcap(pcap) {
        let Some(packet) = frame.get(14..).filter(|p| p.len() >= 40 && p[0] == 0x45 && p[9] == ip_proto::TCP) else {
            continue;
        };
        let end = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        let segment = &packet[20..end];
        let ports = [u16::from_be_bytes([segment[0], segment[1]]), u16::from_be_bytes([segment[2], segment[3]])];
        let [orig, resp] = *first.get_or_insert(ports);
        let dir = if ports == [orig, resp] { Orig } else { Resp };
        let payload = &segment[usize::from(segment[12] >> 4) * 4..];
        if (ports == [orig, resp] || ports == [resp, orig]) && !payload.is_empty() {
            out.push((dir, payload.to_vec()));
        }
    }
    out
}

fn ask(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: ordinary/1.0\r\n{length}\r\n");
    [head.as_bytes(), body].concat()
}

fn ok(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// `len` bytes that begin with `head`.
fn text(head: &[u8], len: usize) -> Vec<u8> {
    head.iter().copied().chain(b"0123456789abcdef\n".iter().copied().cycle()).take(len).collect()
}

/// Lines in turn, and the end: `>` is the client.
pub fn dialogue(mut c: Conversation, lines: &[&str]) -> Conversation {
    for line in lines {
        let (who, text) = line.split_at(1);
        c = c.send(if who == ">" { Orig } else { Resp }, format!("{text}\r\n").as_bytes());
    }
    c.fin()
}

/// A mail with an attachment.
pub const MAIL: &[&str] = &[
    "<220 mail.example.org ESMTP ordinary",
    ">EHLO client.example.org",
    "<250-mail.example.org\r\n250 PIPELINING",
    ">MAIL FROM:<alice@example.org>",
    "<250 Ok",
    ">RCPT TO:<bob@example.net>",
    "<250 Ok",
    ">DATA",
    "<354 End data with a dot",
    ">From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: The notes\r\n\
     Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n\
     --b1\r\nContent-Type: text/plain\r\n\r\nHello Bob,\r\n..with a dot\r\n\r\n--b1\r\n\
     Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
     Content-Disposition: attachment; filename=\"notes.bin\"\r\n\r\nAAECAwQFBgcICQoLDA0ODw==\r\n--b1--\r\n.",
    "<250 Ok: queued as 42",
    ">QUIT",
    "<221 Bye",
];

/// A file fetched over a passive data connection; the port is filled in.
const FTP: &[&str] = &[
    "<220 ordinary FTP",
    ">USER bob",
    "<331 Password please",
    ">PASS builder",
    "<230 Logged in",
    ">PASV",
    "<227 Entering Passive Mode",
    ">RETR data.pdf",
    "<150 Opening BINARY mode data connection for data.pdf (6000 bytes).",
    "<226 Transfer complete",
    ">QUIT",
    "<221 Goodbye",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_hold_both_ends() {
        for pcap in [TLS12, TLS13] {
            let all = payloads(pcap);
            assert!(all.iter().any(|p| p.0 == Orig) && all.iter().any(|p| p.0 == Resp));
            assert_eq!(all[0].0, Orig);
            assert_eq!(all[0].1[0], 22, "a handshake record");
        }
    }
}
