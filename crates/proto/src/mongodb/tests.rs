use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    [&u32::try_from(body.len() + 5).unwrap().to_le_bytes()[..], &body, &[0]].concat()
}

fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind][..], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let len = u32::try_from(value.len() + 1).unwrap().to_le_bytes();
    element(2, name, &[&len[..], value.as_bytes(), &[0]].concat())
}

fn int(name: &str, value: i32) -> Vec<u8> {
    element(0x10, name, &value.to_le_bytes())
}

fn message(op: u32, id: u32, to: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEAD_LEN + body.len()).unwrap();
    [len, id, to, op].iter().flat_map(|n| n.to_le_bytes()).chain(body.iter().copied()).collect()
}

fn msg(id: u32, to: u32, elements: &[Vec<u8>]) -> Vec<u8> {
    message(op::MSG, id, to, &[&[0; 5][..], &document(elements)].concat())
}

fn session() -> Vec<(Dir, Vec<u8>)> {
    let driver = document(&[element(3, "driver", &document(&[text("name", "demo-driver")]))]);
    let hello = document(&[int("isMaster", 1), element(3, "client", &driver)]);
    let query = [&[0; 4][..], b"admin.$cmd\0", &[0, 0, 0, 0, 1, 0, 0, 0], &hello].concat();
    let reply =
        [&[8, 0, 0, 0][..], &[0; 12], &[1, 0, 0, 0], &document(&[element(1, "ok", &1f64.to_le_bytes())])].concat();
    let payload = b"n,,n=ada,r=nonce";
    let sasl = element(5, "payload", &[&(payload.len() as u32).to_le_bytes()[..], &[0], payload].concat());
    let batch = document(&[element(3, "0", &document(&[int("a", 1)])), element(3, "1", &document(&[]))]);
    let cursor = document(&[element(4, "firstBatch", &batch), element(0x12, "id", &[0; 8])]);
    let ok = || element(1, "ok", &1f64.to_le_bytes());
    let failed = [element(1, "ok", &0f64.to_le_bytes()), text("errmsg", "not authorized"), int("code", 13)];
    let inserted = [&[0; 4][..], &[1, 19, 0, 0, 0], b"documents\0", &document(&[]), &[0]].concat();
    let insert = [inserted, document(&[text("insert", "stock"), text("$db", "shop")])].concat();
    vec![
        (Orig, message(op::QUERY, 1, 0, &query)),
        (Resp, message(op::REPLY, 9, 1, &reply)),
        (Orig, msg(2, 0, &[int("saslStart", 1), text("mechanism", "SCRAM-SHA-256"), sasl, text("$db", "admin")])),
        (Resp, msg(10, 2, &[ok()])),
        (Orig, [msg(3, 0, &[text("find", "stock"), text("$db", "shop")]), message(op::MSG, 4, 0, &insert)].concat()),
        (Resp, [msg(11, 4, &[int("n", 1), ok()]), msg(12, 3, &[element(3, "cursor", &cursor), ok()])].concat()),
        (Orig, msg(5, 0, &[int("dropDatabase", 1), text("$db", "shop")])),
        (Resp, msg(13, 5, &failed)),
        (Orig, message(op::COMPRESSED, 6, 0, &[&op::MSG.to_le_bytes()[..], &[9, 0, 0, 0, 2, 1, 2, 3]].concat())),
    ]
}

#[test]
fn logs_a_session_however_it_is_split() {
    let session = session();
    let steps: Vec<Step<'_>> = session.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let rows = check_splits(ProtoId::Mongodb, 27017, &steps).rows;
    let short = |row: &String| row.split(" request_len").next().unwrap().replace("mongodb: request_id=", "");
    let want = [
        "Count(1) operation=Str(\"query\") command=Str(\"isMaster\") database=Str(\"admin\") ok=Bool(true) client=Str(\"demo-driver\")",
        "Count(2) operation=Str(\"msg\") command=Str(\"saslStart\") database=Str(\"admin\") ok=Bool(true) user=Str(\"ada\") mechanism=Str(\"SCRAM-SHA-256\")",
        "Count(4) operation=Str(\"msg\") command=Str(\"insert\") database=Str(\"shop\") collection=Str(\"stock\") ok=Bool(true) documents=Count(1) user=Str(\"ada\")",
        "Count(3) operation=Str(\"msg\") command=Str(\"find\") database=Str(\"shop\") collection=Str(\"stock\") ok=Bool(true) documents=Count(2) user=Str(\"ada\")",
        "Count(5) operation=Str(\"msg\") command=Str(\"dropDatabase\") database=Str(\"shop\") ok=Bool(false) error_code=Int(13) error=Str(\"not authorized\") user=Str(\"ada\")",
        "Count(6) operation=Str(\"msg\") user=Str(\"ada\")",
    ];
    assert_eq!(rows.iter().map(short).collect::<Vec<_>>(), want);
    assert!(rows[5].contains("compression=Str(\"zlib\")"));
    check_truncations(ProtoId::Mongodb, 27017, &steps);
    check_damage(ProtoId::Mongodb, 27017, &steps, 200);
}

#[test]
fn half_conversations_give_what_they_can() {
    let mut b = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    session().iter().filter(|s| s.0 == Orig).for_each(|s| _ = b.data(Orig, &s.1));
    b.end();
    assert_eq!(b.rows("mongodb").len(), 6);
    let mut b = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    session().iter().filter(|s| s.0 == Resp).for_each(|s| _ = b.data(Resp, &s.1));
    b.end();
    let rows = b.rows("mongodb");
    assert!(rows.len() == 1 && rows[0].contains("not authorized"), "{rows:?}");
}

#[test]
fn rejects_what_is_no_message() {
    let mut b = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    b.data(Orig, &message(77, 1, 0, b"xxxxxxxx"));
    assert_eq!(b.out.rejected, Some("mongodb_broken_message"));
    assert_eq!(bson::find(b"\x09\0\0\0\x99a\0\0\0", &[b"a"]), None);
    assert_eq!(bson::find(b"\xff\xff\xff\xff\x02a\0\xff\xff\xff\x7f", &[b"a"]), None);
    assert_eq!(bson::elements(b"").count(), 0);
}

#[test]
fn limits_what_waits() {
    let mut b = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    let long = "x".repeat(3000);
    for id in 0..500 {
        b.data(Orig, &msg(id, 0, &[text("find", &long), text("$db", &long)]));
    }
    assert!(b.held_len() < 200 << 10, "{}", b.held_len());
    assert!(b.out.weirds.iter().any(|w| w.name == "mongodb_too_many_pending"));
}

#[test]
fn recognises_by_head_and_body() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8]| {
        let port_match = orig.is_empty();
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    let session = session();
    assert_eq!(guess(&session[0].1, b""), Guess::Yes);
    assert_eq!(guess(&session[2].1, b""), Guess::Yes);
    assert_eq!(guess(&session[2].1[..10], b""), Guess::More);
    assert_eq!(guess(b"", &session[3].1), Guess::Yes);
    assert_eq!(guess(b"GET / HTTP/1.1\r\n\r\n", b""), Guess::No);
    assert_eq!(guess(&message(op::QUERY, 1, 0, &[0xff; 20]), b""), Guess::No);
}

/// What detectors are told of commands from outside and their replies.
fn told(steps: &[(Dir, Vec<u8>)], log: &str) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    bench.out.judged = true;
    bench.flow.tuple.orig = sekisho_types::Addr::v4([203, 0, 113, 9]);
    for (dir, bytes) in steps {
        bench.data(*dir, bytes);
    }
    bench.end();
    bench.rows(log)
}

#[test]
fn tells_detectors_what_is_open_and_what_is_protected() {
    let ok = || element(1, "ok", &1f64.to_le_bytes());
    let failed = [element(1, "ok", &0f64.to_le_bytes()), text("errmsg", "not authorized"), int("code", 13)];
    let list = |id| msg(id, 0, &[int("listDatabases", 1), text("$db", "admin")]);
    let names = element(4, "databases", &document(&[element(3, "0", &document(&[text("name", "shop")]))]));
    let listed = |id| msg(100 + id, id, &[names.clone(), ok()]);
    let greeting = [(Orig, msg(1, 0, &[int("hello", 1), text("$db", "admin")])), (Resp, msg(101, 1, &[ok()]))];
    assert_eq!(told(&greeting, "service_use").len(), 0);
    let rows = told(&[(Orig, list(2)), (Resp, listed(2))], "service_use");
    assert!(
        rows.len() == 1 && rows[0].contains("answer=Str(\"data\") request=Str(\"listDatabases admin\")"),
        "{rows:?}"
    );
    assert!(rows[0].contains("databases={0={name=shop,},}"), "{rows:?}");
    let rows = told(&[(Orig, list(2)), (Resp, msg(102, 2, &failed))], "service_use");
    assert!(rows.len() == 1 && rows[0].contains("refused"), "{rows:?}");
    let login = [
        (Orig, msg(3, 0, &[int("saslContinue", 1), text("$db", "admin")])),
        (Resp, msg(103, 3, &[element(8, "done", &[1]), ok()])),
        (Orig, list(4)),
        (Resp, listed(4)),
    ];
    let rows = told(&login, "service_use");
    assert!(rows.len() == 1 && rows[0].contains("answer=Str(\"login\")"), "{rows:?}");
}

/// What detectors are told of a server of which only replies were captured.
fn told_of_replies(replies: &[Vec<u8>]) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Mongodb, Transport::Tcp, 27017);
    bench.out.judged = true;
    bench.flow.tuple.orig = sekisho_types::Addr::v4([203, 0, 113, 9]);
    bench.flow.seen.orig = false;
    for reply in replies {
        bench.data(Resp, reply);
    }
    bench.end();
    bench.rows("service_use")
}

#[test]
fn replies_alone_tell_of_an_open_server() {
    let listing = || msg(9, 1, &[element(4, "databases", &document(&[])), int("ok", 1)]);
    let rows = told_of_replies(&[msg(8, 1, &[int("maxWireVersion", 17), int("ok", 1)]), listing()]);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert!(row.contains("answer=Str(\"data\")") && row.contains("answer_only=Bool(true)"), "{row}");
    let login = msg(8, 1, &[int("conversationId", 1), element(8, "done", &[1]), int("ok", 1)]);
    assert_eq!(told_of_replies(&[login, listing()]).len(), 0, "behind a login");
    let refused = told_of_replies(&[msg(8, 1, &[int("ok", 0), text("errmsg", "no"), int("code", 13)])]);
    assert!(refused.len() == 1 && refused[0].contains("refused"), "{refused:?}");
}
