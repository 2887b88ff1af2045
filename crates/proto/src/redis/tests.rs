use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe, ProtoId, Transport};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

/// A command as a list of counted strings.
fn list(words: &[&str]) -> Vec<u8> {
    let words: String = words.iter().map(|w| format!("${}\r\n{w}\r\n", w.len())).collect();
    format!("*{}\r\n{words}", words.matches('$').count()).into_bytes()
}

fn rows(steps: &[(Dir, &[u8])]) -> Vec<String> {
    let steps: Vec<Step<'_>> = steps.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Redis, 6379, &steps);
    check_truncations(ProtoId::Redis, 6379, &steps);
    check_damage(ProtoId::Redis, 6379, &steps, 100);
    outcome.rows.iter().map(|r| r.trim_start_matches("redis: ").to_owned()).collect()
}

#[test]
fn parses_lists_and_lines() {
    let got = rows(&[
        (Orig, &list(&["SET", "k", "v v", "EX", "5"])),
        (Resp, b"+OK\r\n"),
        (Orig, b"get 'a key'  \r\n\r\nPING\n"),
        (Resp, b"$3\r\na\r\n\r\n+PONG\r\n"),
        (Orig, &list(&["AUTH", "ada", "secret"])),
        (Resp, b"-WRONGPASS no\r\n"),
    ]);
    let want = [
        "cmd.name=Str(\"SET\") cmd.key=Str(\"k\") cmd.value=Str(\"v v\") success=Bool(true) reply.value=Str(\"OK\") cmd.args=[Str(\"k\"), Str(\"v v\"), Str(\"EX\"), Str(\"5\")]",
        "cmd.name=Str(\"get\") cmd.key=Str(\"'a key'\") success=Bool(true) reply.value=Str(\"a\\r\\n\") cmd.args=[Str(\"'a key'\")]",
        "cmd.name=Str(\"PING\") success=Bool(true) reply.value=Str(\"PONG\")",
        "cmd.name=Str(\"AUTH\") success=Bool(false) reply.value=Str(\"WRONGPASS no\") user=Str(\"ada\")",
    ];
    assert_eq!(got, want);
}

#[test]
fn parses_replies_of_every_kind() {
    let replies: [(&[u8], &str); 13] = [
        (b":42\r\n", "42"),
        (b"$-1\r\n", "null"),
        (b"$0\r\n\r\n", ""),
        (b"*-1\r\n", "null"),
        (b"*0\r\n", "[]"),
        (b"*2\r\n*1\r\n:1\r\n*0\r\n", "[[1], []]"),
        (b"_\r\n", "null"),
        (b"#t\r\n", "T"),
        (b",1.5\r\n", "1.5"),
        (b"=7\r\ntxt:abc\r\n", "abc"),
        (b"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", "{a: 1, b: [2]}"),
        (b"|1\r\n+ttl\r\n*1\r\n:9\r\n~2\r\n+x\r\n+y\r\n", "{x, y}"),
        (b"(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385"),
    ];
    for (bytes, text) in replies {
        let got = rows(&[(Orig, b"PING\r\n"), (Resp, bytes)]);
        assert_eq!(got, [format!("cmd.name=Str(\"PING\") success=Bool(true) reply.value=Str({text:?})")]);
    }
    let got = rows(&[(Orig, b"PING\r\n"), (Resp, b"!5\r\nERR x\r\n")]);
    assert_eq!(got, ["cmd.name=Str(\"PING\") success=Bool(false) reply.value=Str(\"ERR x\")"]);
}

#[test]
fn replies_switched_off_are_not_waited_for() {
    let client = b"PING\r\nCLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO x\r\n";
    let got = rows(&[(Orig, client), (Resp, b"+PONG\r\n+OK\r\n$1\r\nx\r\n")]);
    let answered: Vec<bool> = got.iter().map(|r| r.contains("reply.value")).collect();
    assert_eq!(answered, [true, false, false, true, false, false, true], "{got:?}");
}

#[test]
fn messages_of_subscriptions_are_no_replies() {
    let got = rows(&[
        (Orig, &list(&["SUBSCRIBE", "a"])),
        (Resp, b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),
        (Orig, &list(&["PING"])),
        (Resp, b"*2\r\n$4\r\npong\r\n$0\r\n\r\n>2\r\n+invalidate\r\n*0\r\n"),
    ]);
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(!got[0].contains("reply") && got[1].contains("reply.value=Str(\"[pong, ]\")"), "{got:?}");
}

#[test]
fn a_reply_before_every_command_belongs_to_none() {
    let got = rows(&[(Resp, b"+OK\r\n"), (Orig, b"GET a\r\n"), (Resp, b"$1\r\nb\r\n")]);
    assert_eq!(got.len(), 1);
    assert!(got[0].contains("reply.value=Str(\"b\")"), "{got:?}");
}

#[test]
fn rejects_what_is_no_reply() {
    for bad in [&b"nonsense\r\n"[..], b"*99999999\r\n", b"$x\r\n", b"\r\n"] {
        let mut b = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
        b.data(Orig, b"PING\r\n").data(Resp, bad);
        assert_eq!(b.out.rejected, Some("redis_broken_reply"), "{bad:?}");
    }
    let mut b = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
    b.data(Resp, &b"*1\r\n".repeat(MAX_DEPTH + 1));
    assert_eq!(b.out.rejected, Some("redis_reply_too_deep"));
}

#[test]
fn limits_what_waits() {
    let mut b = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
    for _ in 0..MAX_PENDING_COMMANDS + 2 {
        b.data(Orig, b"PING\r\n");
        assert!(b.held_len() < 2 << 20);
    }
    assert!(b.out.weirds.iter().any(|w| w.name == "redis_too_much_pending" || w.name == "Redis_excessive_pipelining"));
    let long = "x".repeat(3 * MAX_TEXT_LEN);
    let mut b = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
    b.data(Orig, &list(&["SET", &long, &long])).data(Resp, b"+OK\r\n");
    assert!(b.rows("redis")[0].len() < 3 * MAX_TEXT_LEN);
    assert!(b.held_len() < 1024, "{}", b.held_len());
}

#[test]
fn recognises_lists_anywhere_and_lines_with_replies() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(guess(&list(&["PING"]), b"", false), Guess::Yes);
    assert_eq!(guess(b"*1\r\n$", b"", false), Guess::More);
    assert_eq!(guess(b"*1\r\n+", b"", false), Guess::No);
    assert_eq!(guess(b"PI", b"", false), Guess::More);
    assert_eq!(guess(b"PING\r\n", b"+PONG\r\n", false), Guess::Yes);
    assert_eq!(guess(b"GET x\r\n", b"END\r\n", false), Guess::No);
    assert_eq!(guess(b"USER x\r\n", b"+OK\r\n", false), Guess::No);
    assert_eq!(guess(b"", b"+OK\r\n", false), Guess::No);
    assert_eq!(guess(b"", b"+OK\r\n", true), Guess::Yes);
}

/// What detectors are told of commands from outside and their replies.
fn told(steps: &[(Dir, &[u8])], log: &str) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
    bench.out.judged = true;
    bench.flow.tuple.orig = sekisho_types::Addr::v4([203, 0, 113, 9]);
    for (dir, bytes) in steps {
        bench.data(*dir, bytes);
    }
    bench.end();
    bench.rows(log)
}

#[test]
fn tells_detectors_what_is_open() {
    let config = list(&["CONFIG", "GET", "requirepass"]);
    let steps: &[(Dir, &[u8])] = &[
        (Orig, b"PING\r\n"),
        (Resp, b"+PONG\r\n"),
        (Orig, &config),
        (Resp, b"*2\r\n$11\r\nrequirepass\r\n$7\r\nhunter2\r\n"),
        (Orig, b"GET a\r\n"),
        (Resp, b"$1\r\nb\r\n"),
    ];
    let rows = told(steps, "service_use");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("answer=Str(\"open\") request=Str(\"PING\") response=Str(\"PONG\")"), "{rows:?}");
    assert!(rows[1].contains("answer=Str(\"data\")") && rows[1].contains("requirepass, *******"), "{rows:?}");
}

#[test]
fn tells_detectors_what_is_protected() {
    let steps: &[(Dir, &[u8])] = &[
        (Orig, b"PING\r\n"),
        (Resp, b"-NOAUTH Authentication required.\r\n"),
        (Orig, b"AUTH hunter2\r\nGET a\r\nQUIT\r\n"),
        (Resp, b"+OK\r\n$1\r\nb\r\n+OK\r\n"),
    ];
    let rows = told(steps, "service_use");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("refused") && rows[1].contains("answer=Str(\"login\")"), "{rows:?}");
    let rows = told(steps, "credential");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("protocol=Str(\"redis\") method=Str(\"AUTH\") password_len=Count(7) clear=Bool(true)"));
    assert!(rows[1].contains("success=Bool(true)") && !rows.concat().contains("hunter2"), "{rows:?}");
    assert_eq!(told(&[(Orig, b"QUIT\r\n"), (Resp, b"+OK\r\n")], "service_use").len(), 0);
}

/// What detectors are told of a server of which only the replies were captured.
fn told_of(replies: &[u8]) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Redis, Transport::Tcp, 6379);
    bench.out.judged = true;
    bench.flow.tuple.orig = sekisho_types::Addr::v4([203, 0, 113, 9]);
    bench.flow.seen.orig = false;
    bench.data(Resp, replies).end();
    bench.rows("service_use")
}

#[test]
fn replies_alone_tell_of_an_open_server() {
    let rows = told_of(b"+PONG\r\n$19\r\nredis_version:7.2.4\r\n");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("answer=Str(\"open\")") && rows[1].contains("answer=Str(\"data\")"), "{rows:?}");
    assert!(rows.iter().all(|r| r.contains("answer_only=Bool(true)")), "{rows:?}");
    let refused = told_of(b"-NOAUTH Authentication required.\r\n");
    assert!(refused.len() == 1 && refused[0].contains("refused"), "{refused:?}");
}

#[test]
fn replies_that_a_login_may_explain_tell_nothing() {
    for replies in [&b"+OK\r\n$3\r\nabc\r\n"[..], b":1\r\n$-1\r\n", b"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"] {
        assert_eq!(told_of(replies).len(), 0, "{}", replies.escape_ascii());
    }
}
