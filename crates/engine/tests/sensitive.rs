//! What should not pass in clear is told to detectors, and to nobody else; no value leaves.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};
use sekisho_testkit::{Conversation, pcap};
use sekisho_types::{Addr, Dir, Timestamp};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// Kinds and numbers of values told of a body that is posted, sent in pieces of that length.
fn told(judged: bool, body: &[u8], piece: usize) -> Vec<String> {
    let head = format!("POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut talk = Conversation::new("10.0.0.5:40000", "203.0.113.9:80").syn();
    for bytes in [head.as_bytes(), body].concat().chunks(piece) {
        talk = talk.send(Dir::Orig, bytes);
    }
    talk = talk.send(Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let mut captures = Captures::from_bytes("sensitive", pcap(ETHERNET, &talk.fin().frames()));
    let mut worker = Worker::new(Settings { judged, ..Settings::default() });
    let (mut batch, mut told) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| {
        if r.schema().log == "sensitive_data" {
            let mut text = Vec::new();
            for_each(r, &mut |field, value| match (field.name, value) {
                ("kind" | "source", Value::Str(v)) => text.push(String::from_utf8_lossy(v).into_owned()),
                ("digests", Value::List(list)) => text.push(list.len().to_string()),
                ("ends", Value::List(list)) => {
                    assert!((0..list.len()).all(|i| matches!(list.item(i), Value::Str(v) if v.len() == 2)))
                }
                ("misses" | "offset", Value::Count(n)) => text.push(format!("{}={n}", field.name)),
                ("near" | "is_orig", Value::Bool(true)) => text.push(field.name.to_owned()),
                _ => {}
            });
            told.push(text.join(" "));
        }
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    told
}

const CARDS: [&str; 6] = [
    "4539578763621486",
    "5425 2334 3010 9903",
    "2222405343248877",
    "4024007103939509",
    "4916338506082832",
    "4556737586899855",
];

#[test]
fn a_form_with_cards_and_a_file_with_a_key() {
    // S-37.
    let form = format!("name=Ada&note=exp+12/29&cards={}", CARDS.join(";"));
    let want = ["is_orig HTTP card 6 near misses=0 offset=30"];
    for piece in [1, 100, 1460] {
        assert_eq!(told(true, form.as_bytes(), piece), want, "{piece}");
    }
    assert_eq!(told(false, form.as_bytes(), 1460).len(), 0, "nobody judges");
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n";
    assert_eq!(told(true, key.as_bytes(), 1460), ["is_orig HTTP private-key 1 misses=0 offset=15"]);
}

#[test]
fn across_pieces_and_within_limits() {
    // Values at any place about the edge of what is collected.
    for gap in 1_900..2_200 {
        let mut body = vec![b'x'; gap];
        body.extend(b" 4539578763621486 ");
        body.extend(vec![b'y'; 5_000]);
        assert_eq!(told(true, &body, 1460), [format!("is_orig HTTP card 1 misses=0 offset={}", gap + 1)]);
    }
    let mut far = vec![b'x'; 300_000];
    far.extend(b" 4539578763621486 ");
    assert_eq!(told(true, &far, 1460).len(), 0, "too far behind");
    let mut binary = b"\0\x01\x02PNG".to_vec();
    binary.extend(b" 4539578763621486 ");
    assert_eq!(told(true, &binary, 1460).len(), 0, "no text");
}

#[test]
fn random_numbers_are_mostly_wrong() {
    let mut state = 7u64;
    let page: String = (0..100)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{:016}\n", state % 10_000_000_000_000_000)
        })
        .collect();
    let told = told(true, page.as_bytes(), 1460);
    assert!(told.is_empty() || told[0].contains("misses=2") || told[0].contains("misses=1"), "{told:?}");
}

#[test]
fn what_is_not_searched_is_counted() {
    // Forms of one pair of hosts that are never sent to their end; 128 are searched at a time.
    let refused = |count: u16| {
        let head = b"POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nname=Ada&";
        let frames: Vec<_> = (0..count)
            .flat_map(|n| {
                let talk = Conversation::new((Addr::v4([10, 0, 0, 5]), 40_000 + n), "203.0.113.9:80");
                talk.at(Timestamp::from_parts(1_000 + i64::from(n), 0)).syn().send(Dir::Orig, head).frames()
            })
            .collect();
        let mut captures = Captures::from_bytes("sensitive", pcap(ETHERNET, &frames));
        let mut worker = Worker::new(Settings { judged: true, ..Settings::default() });
        let mut batch = Batch::new();
        while captures.fill(&mut batch) {
            worker.batch(batch.frames(), &mut |_: &dyn Record| {}, &mut NoStore);
        }
        worker.stats().search_refused
    };
    assert_eq!((refused(128), refused(200)), (0, 72));
}
