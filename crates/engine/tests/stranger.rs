//! What TCP connections in unknown protocols begin with is told to detectors, and to nobody else.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};
use sekisho_testkit::{Conversation, Endpoint, pcap};
use sekisho_types::{Addr, Dir};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// Who said what in the `stranger` rows of a conversation.
fn told(judged: bool, says: &[(Dir, &[u8])]) -> Vec<(bool, String)> {
    let end = |addr: &str, port: u16| Endpoint::from((addr.parse::<Addr>().unwrap(), port));
    let mut talk = Conversation::new(end("10.0.0.5", 40_000), end("203.0.113.9", 4444)).syn();
    for (dir, bytes) in says {
        talk = talk.send(*dir, bytes);
    }
    let mut captures = Captures::from_bytes("stranger", pcap(ETHERNET, &talk.fin().frames()));
    let mut worker = Worker::new(Settings { judged, ..Settings::default() });
    let (mut batch, mut told) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| {
        if r.schema().log == "stranger" {
            let (mut is_orig, mut text) = (false, String::new());
            for_each(r, &mut |field, value| match (field.name, value) {
                ("is_orig", Value::Bool(v)) => is_orig = v,
                ("bytes", Value::Str(v)) => text = String::from_utf8_lossy(v).into_owned(),
                _ => {}
            });
            told.push((is_orig, text));
        }
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    told
}

#[test]
fn the_first_chunks_of_an_unknown_stream() {
    let shell: &[(Dir, &[u8])] = &[(Dir::Orig, b"sh-5.2$ "), (Dir::Resp, b"id\n"), (Dir::Orig, b"uid=0(root)\n")];
    let want = shell.iter().map(|(dir, bytes)| (dir.is_orig(), String::from_utf8_lossy(bytes).into_owned()));
    assert_eq!(told(true, shell), want.collect::<Vec<_>>());
    assert_eq!(told(false, shell).len(), 0);
    // One chunk that leaves every probe in doubt until the flow ends.
    assert_eq!(told(true, &[(Dir::Orig, b"x")]).len(), 1);
}

#[test]
fn known_protocols_are_not_told_and_long_streams_no_more_than_their_beginning() {
    let http: &[(Dir, &[u8])] = &[
        (Dir::Orig, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    assert_eq!(told(true, http).len(), 0);
    let long: Vec<(Dir, &[u8])> =
        (0..300).map(|n| (if n % 2 == 0 { Dir::Orig } else { Dir::Resp }, &[0xee; 600][..])).collect();
    let all = told(true, &long);
    assert!((16..=64).contains(&all.len()), "{}", all.len());
    assert!(all.iter().all(|(_, text)| text.chars().count() == 256));
}
