//! When and how much connections out of the network speak is told to detectors, and to nobody else.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};
use sekisho_testkit::{Conversation, pcap};
use sekisho_types::{Dir, Interval};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// A row: bytes sent in each burst, bytes that came back, and how many segments of the responder looked typed.
#[derive(Debug, Default, PartialEq)]
struct Told {
    sent: Vec<u64>,
    received: Vec<u64>,
    typed: u64,
}

fn told(judged: bool, talk: &Conversation) -> Vec<Told> {
    let mut captures = Captures::from_bytes("bursts", pcap(ETHERNET, &talk.frames()));
    let mut worker = Worker::new(Settings { judged, ..Settings::default() });
    let (mut batch, mut told) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| {
        if r.schema().log == "bursts" {
            let mut row = Told::default();
            for_each(r, &mut |field, value| match (field.name, value) {
                ("sent", Value::List(list)) => row.sent = counts(list),
                ("received", Value::List(list)) => row.received = counts(list),
                ("typed", Value::Count(n)) => row.typed = n,
                _ => {}
            });
            told.push(row);
        }
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    told
}

fn counts(list: &dyn sekisho_record::List) -> Vec<u64> {
    (0..list.len()).map(|i| if let Value::Count(n) = list.item(i) { n } else { 0 }).collect()
}

/// A connection to `peer` that says 60 bytes and hears 80, again and again.
fn polling(peer: &str, times: usize, every: i64) -> Conversation {
    let orig = if peer.starts_with('[') { "[fd00::5]:40000" } else { "10.0.0.5:40000" };
    let mut talk = Conversation::new(orig, peer).syn();
    for _ in 0..times {
        talk = talk.wait(Interval::from_secs(every)).send(Dir::Orig, &[0xee; 60]).send(Dir::Resp, &[0xdd; 80]);
    }
    talk.fin()
}

const OUT: &str = "203.0.113.9:443";

#[test]
fn bursts_are_told_in_pieces() {
    let all = told(true, &polling(OUT, 40, 5));
    assert_eq!(all.iter().map(|t| t.sent.len()).collect::<Vec<_>>(), [32, 8]);
    assert!(all.iter().all(|t| t.sent.iter().all(|n| *n == 60) && t.received.iter().all(|n| *n == 80)), "{all:?}");
    assert_eq!(told(true, &polling("[2001:db8::9]:443", 4, 5)).len(), 1, "over version six");
}

#[test]
fn nothing_is_told_of_what_says_nothing() {
    assert_eq!(told(false, &polling(OUT, 40, 5)).len(), 0, "nobody judges");
    assert_eq!(told(true, &polling("10.0.0.9:443", 40, 5)).len(), 0, "at home");
    assert_eq!(told(true, &polling(OUT, 3, 5)).len(), 0, "three bursts");
    assert_eq!(told(true, &polling(OUT, 40, 0)).len(), 0, "over before it is looked at");
}

#[test]
fn what_is_sent_again_counts_once() {
    let mut talk = polling(OUT, 8, 5);
    let data: Vec<usize> =
        talk.segments().iter().enumerate().filter(|(_, s)| !s.frame.payload.is_empty()).map(|(i, _)| i).collect();
    for i in data.into_iter().rev() {
        talk = talk.duplicate(i);
    }
    let want = told(true, &polling(OUT, 8, 5));
    assert_eq!(told(true, &talk), want);
}

#[test]
fn bulk_is_left_alone() {
    let mut talk = Conversation::new("10.0.0.5:40000", OUT).syn();
    for _ in 0..10 {
        talk = talk.wait(Interval::from_secs(5)).send(Dir::Orig, &[0xee; 60]).send(Dir::Resp, &vec![0xdd; 250_000]);
    }
    assert_eq!(told(true, &talk.fin()).len(), 0);
}

#[test]
fn keys_are_counted() {
    let mut talk = Conversation::new("10.0.0.5:40000", OUT).every(Interval::from_secs(0)).syn();
    talk = talk.send(Dir::Orig, &[1]).wait(Interval::from_secs(3));
    for _ in 0..12 {
        talk = talk.wait(Interval(200_000_000)).send(Dir::Resp, &[0x80]).send(Dir::Orig, &[0x80, 0x81]);
    }
    let all = told(true, &talk.fin());
    assert_eq!(all.iter().map(|t| t.typed).collect::<Vec<_>>(), [11], "all but the first");
}
