use sekisho_capture::{Batch, Captures};
use sekisho_testkit::flood::ordinary::{MAIL, TLS12, dialogue, payloads, set};
use sekisho_testkit::flood::{Random, Storm};
use sekisho_testkit::{Addr, Conversation, Dir, Frame, dns as message, pcap};
use sekisho_types::Timestamp;

/// Frames in the order of their times, the same every time.
pub(crate) struct Traffic {
    pub(crate) frames: Vec<(Timestamp, Vec<u8>)>,
}

impl Traffic {
    fn of(mut frames: Vec<(Timestamp, Vec<u8>)>) -> Self {
        frames.sort_by_key(|f| f.0);
        Self { frames }
    }

    fn conversations(all: impl IntoIterator<Item = Conversation>) -> Self {
        Self::of(all.into_iter().flat_map(|c| c.frames()).collect())
    }

    /// As a capture file.
    pub(crate) fn capture(&self) -> Vec<u8> {
        pcap(1, &self.frames)
    }

    /// As the reader hands them on.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        let mut captures = Captures::from_bytes("bench", self.capture());
        let mut all = vec![Batch::new()];
        while captures.fill(all.last_mut().expect("never empty")) {
            all.push(Batch::new());
        }
        all.pop();
        all
    }
}

fn client(i: u16) -> (Addr, u16) {
    let [a, b] = i.to_be_bytes();
    (Addr::v4([10, 0, a, b]), 40_000 + i)
}

fn at(i: u16) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + i64::from(i) * 1_000_000)
}

/// Names, pages, mails, files, logins, handshakes: the conversations that `cargo xtask flood` calls ordinary.
pub(crate) fn office() -> Traffic {
    Traffic::of((0..30).flat_map(|n| set(n, Timestamp(at(0).0 + n as i64 * 100_000_000))).collect())
}

fn page(i: u16, len: usize) -> Conversation {
    let request = b"GET /index.html HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len}\r\n\r\n");
    let body = b"<html><body>0123456789".iter().copied().cycle().take(len);
    let response: Vec<u8> = head.bytes().chain(body).collect();
    let c = Conversation::new(client(i), "192.0.2.80:80").at(at(i)).syn().send(Dir::Orig, request);
    c.send(Dir::Resp, &response).ack(Dir::Orig)
}

/// Short pages: the messages, not the bodies.
pub(crate) fn http() -> Traffic {
    Traffic::conversations((0..400).map(|i| page(i, 400).fin()))
}

/// Long bodies, 250 segments each.
pub(crate) fn bulk() -> Traffic {
    Traffic::conversations((0..20).map(|i| page(i, 365_000).fin()))
}

/// Long bodies of which every other segment comes a place too late.
pub(crate) fn reordered() -> Traffic {
    Traffic::conversations((0..40).map(|i| (0..60).fold(page(i, 180_000).fin(), |c, k| c.swap(5 + 2 * k, 6 + 2 * k))))
}

pub(crate) fn dns() -> Traffic {
    let mut random = Random::new(7);
    let exchange = |i: u16| {
        let name = format!("{}.example.org", random.letters(12));
        let a = message::record(message::TO_QUESTION, message::kind::A, 60, &[192, 0, 2, 80]);
        let reply = message::answer(i, message::ANSWER, &name, message::kind::A, &[a]);
        let later = Timestamp(at(i).0 + 20_000_000);
        [
            (at(i), Frame::udp(client(i), "192.0.2.53:53", &message::question(i, &name, 1)).frame()),
            (later, Frame::udp("192.0.2.53:53", client(i), &reply).frame()),
        ]
    };
    Traffic::of((0..2_000).flat_map(exchange).collect())
}

/// Handshakes of TLS 1.2, which show the certificate.
pub(crate) fn tls() -> Traffic {
    let recorded = payloads(TLS12);
    Traffic::conversations((0..300).map(|i| {
        let c = Conversation::new(client(i), "192.0.2.43:443").at(at(i)).syn();
        recorded.iter().fold(c, |c, (dir, bytes)| c.send(*dir, bytes)).fin()
    }))
}

pub(crate) fn smtp() -> Traffic {
    Traffic::conversations(
        (0..200).map(|i| dialogue(Conversation::new(client(i), "192.0.2.25:25").at(at(i)).syn(), MAIL)),
    )
}

/// Datagrams in three pieces.
pub(crate) fn fragments() -> Traffic {
    let whole = |i: u16| Frame::udp(client(i), "192.0.2.80:9000", &[b'f'; 3_000]).id(i).fragments(1_200);
    Traffic::of((0..800).flat_map(|i| whole(i).into_iter().map(move |f| (at(i), f))).collect())
}

/// Twenty thousand flows of one SYN each.
pub(crate) fn syn_flood() -> Traffic {
    let mut frames = Vec::new();
    let mut out = |ts, frame: &[u8], _| {
        frames.push((ts, frame.to_vec()));
        Ok(())
    };
    let attack = sekisho_testkit::flood::ATTACKS.iter().find(|a| a.name == "syn-flood").expect("a SYN flood");
    attack.run(&mut Storm::new(attack.name, &mut out), 20_000).expect("room in memory");
    Traffic { frames }
}
