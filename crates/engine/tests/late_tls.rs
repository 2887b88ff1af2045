//! Protocols that are not read, but change to TLS on the way.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::Record;
use sekisho_testkit::{Conversation, pcap};
use sekisho_types::Dir;

const ETHERNET: u32 = 1;

/// A client hello of TLS 1.2 with one cipher suite and no extensions.
fn client_hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
    let len = body.len() as u8;
    [&[0x16, 3, 1, 0, len + 4, 1, 0, 0, len][..], &body].concat()
}

/// How many rows of `ssl` there are for what `script` says, which ends with a client hello.
fn sessions(port: u16, script: &[(Dir, &[u8])]) -> usize {
    let mut talk = Conversation::new("192.0.2.1:40000", format!("192.0.2.2:{port}").as_str()).syn();
    for (dir, bytes) in script {
        talk = talk.send(*dir, bytes);
    }
    let frames = talk.send(Dir::Orig, &client_hello()).fin().frames();
    let mut captures = Captures::from_bytes("late", pcap(ETHERNET, &frames));
    let mut worker = Worker::new(Settings::default());
    let (mut batch, mut count) = (Batch::new(), 0);
    let mut rows = |r: &dyn Record| count += usize::from(r.schema().log == "ssl");
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    count
}

#[test]
fn parses_tls_behind_another_protocol() {
    let (o, r) = (Dir::Orig, Dir::Resp);
    let imap: &[(Dir, &[u8])] = &[(r, b"* OK ready\r\n"), (o, b"a STARTTLS\r\n"), (r, b"a OK go\r\n")];
    assert_eq!(sessions(143, imap), 1);
    let postgres: &[(Dir, &[u8])] = &[(o, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]), (r, b"S")];
    assert_eq!(sessions(5432, postgres), 1);
    let socks: &[(Dir, &[u8])] = &[
        (o, &[5, 1, 0]),
        (r, &[5, 0]),
        (o, &[5, 1, 0, 1, 192, 0, 2, 3, 1, 0xbb]),
        (r, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(sessions(1080, socks), 1);
}

#[test]
fn limits_how_long_it_waits_for_tls() {
    let line: &[(Dir, &[u8])] = &[(Dir::Orig, b"\x01more"), (Dir::Resp, b"\x02less")];
    assert_eq!(sessions(9999, &line.repeat(8)), 1);
    assert_eq!(sessions(9999, &line.repeat(20)), 0);
}
