use crate::Scope;
use crate::testing::{Cell, Line, Message, addr, judge, judge_in, line};
use crate::testing_tls::{DAY, NOW};
use sekisho_finding::{Cause, Coverage, Lack, Need, Sight, What};

/// A whole flow of ten packets in the middle of a service.
fn conn(app: &str, port: u16) -> Vec<(&'static str, Cell)> {
    vec![
        ("ts", Cell::Time(NOW)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("192.0.2.8"))),
        ("id.resp_p", Cell::Port(port)),
        ("proto", Cell::Word("tcp")),
        ("app", Cell::Text(app.into())),
        ("duration", Cell::Span(1.0)),
        ("orig_bytes", Cell::Count(1000)),
        ("resp_bytes", Cell::Count(1000)),
        ("conn_state", Cell::Word("SF")),
        ("orig_pkts", Cell::Count(5)),
        ("resp_pkts", Cell::Count(5)),
    ]
}

fn with(mut columns: Vec<(&'static str, Cell)>, column: &'static str, cell: Cell) -> Line {
    columns.retain(|c| c.0 != column);
    columns.push((column, cell));
    line("conn", 3, &columns)
}

fn whole(app: &str, port: u16) -> Line {
    line("conn", 3, &conn(app, port))
}

fn one_sided(app: &str, port: u16, side: &'static str) -> Line {
    let mut columns = conn(app, port);
    columns.retain(|c| c.0 != "conn_state");
    columns.push(("conn_state", Cell::Word(if side == "orig" { "SH" } else { "SHR" })));
    with(columns, "one_sided", Cell::Word(side))
}

fn coverage(lines: &[Line], id: &str) -> Coverage {
    judge(lines).coverage.into_iter().find(|c| c.about.id == id).unwrap()
}

fn sight(lines: &[Line], id: &str) -> (Sight, Vec<(Lack, u64, u64)>) {
    let c = coverage(lines, id);
    (c.sight, c.causes.iter().map(|c| (c.lack, c.count, c.of)).collect())
}

#[test]
fn every_judgement_says_what_it_needs() {
    let verdict = judge(&[]);
    assert_eq!(verdict.coverage.len(), crate::abouts().len());
    for c in &verdict.coverage {
        assert!(!c.about.needs.is_empty(), "{}", c.about.id);
        let vital = |n: &Need| n.vital && matches!(n.what, What::Given(_));
        let ungiven = c.about.needs.iter().any(vital);
        assert_eq!(ungiven, c.causes.iter().any(|c| c.lack == Lack::Option), "{}", c.about.id);
        // What is judged of packets below IP is no flow.
        let unseen = if c.about.looks_at().is_some() { Sight::Idle } else { Sight::Working };
        assert_eq!(c.sight, if ungiven { Sight::Blind } else { unseen }, "{}", c.about.id);
    }
}

#[test]
fn what_is_whole_is_working() {
    let lines = [whole("smtp", 25), whole("http", 80), whole("modbus", 502), whole("ftp", 21)];
    for id in
        ["mail-link-mismatch", "mail-auth-fail", "web-weak-headers", "web-attack-request", "cleartext-credentials"]
    {
        assert_eq!(sight(&lines, id), (Sight::Working, vec![]), "{id}");
    }
    assert_eq!(coverage(&lines, "mail-link-mismatch").seen, 1);
    assert_eq!(sight(&lines, "ics-unexpected-control"), (Sight::Working, vec![]));
    assert_eq!(sight(&lines, "tls-cert-dates"), (Sight::Idle, vec![]));
}

#[test]
fn one_direction() {
    // SMTP hands mails over from the client, POP3 and IMAP from the server.
    let mail = "mail-link-mismatch";
    for (app, port, side, expected) in [
        ("smtp", 25, "orig", Sight::Working),
        ("smtp", 25, "resp", Sight::Blind),
        ("", 25, "resp", Sight::Blind),
        ("pop3", 110, "resp", Sight::Working),
        ("imap", 143, "orig", Sight::Blind),
    ] {
        assert_eq!(sight(&[one_sided(app, port, side)], mail).0, expected, "{app} {side}");
    }
    let half = [whole("smtp", 25), one_sided("smtp", 25, "resp")];
    assert_eq!(sight(&half, mail), (Sight::Weakened, vec![(Lack::Bodies, 1, 2)]));
    let requests = [one_sided("http", 80, "orig")];
    assert_eq!(sight(&requests, "web-attack-request"), (Sight::Weakened, vec![(Lack::Answers, 1, 1)]));
    assert_eq!(sight(&requests, "web-weak-headers"), (Sight::Blind, vec![(Lack::Answers, 1, 1)]));
    // An attempt that nobody answered is no lack.
    let attempt = with(conn("", 80), "conn_state", Cell::Word("S0"));
    assert_eq!(sight(&[whole("http", 80), attempt], "web-weak-headers").0, Sight::Working);
}

#[test]
fn what_is_offered_is_asked_from_outside() {
    let from_outside = |side: &'static str| {
        let mut columns = conn("redis", 6379);
        columns.retain(|c| !matches!(c.0, "id.orig_h" | "id.resp_h"));
        columns.push(("id.orig_h", Cell::Addr(addr("203.0.113.9"))));
        columns.push(("id.resp_h", Cell::Addr(addr("10.0.0.8"))));
        with(columns, "one_sided", Cell::Word(side))
    };
    assert_eq!(sight(&[from_outside("")], "exposed-service"), (Sight::Working, vec![]));
    assert_eq!(sight(&[from_outside("resp")], "exposed-service"), (Sight::Weakened, vec![(Lack::Requests, 1, 1)]));
    assert_eq!(sight(&[from_outside("orig")], "exposed-service"), (Sight::Blind, vec![(Lack::Answers, 1, 1)]));
    assert_eq!(sight(&[whole("redis", 6379)], "exposed-service").0, Sight::Idle, "used by hosts at home");
}

#[test]
fn unanswered_datagrams_count_only_if_hardly_any_is_answered() {
    let datagram = |state: &'static str| {
        let mut columns = conn("dns", 53);
        columns.retain(|c| !matches!(c.0, "proto" | "orig_bytes" | "resp_bytes"));
        columns.push(("proto", Cell::Word("udp")));
        with(columns, "conn_state", Cell::Word(state))
    };
    let some: Vec<Line> = (0..10).map(|n| datagram(if n < 8 { "S0" } else { "SF" })).collect();
    assert_eq!(sight(&some, "dns-rebinding"), (Sight::Working, vec![]));
    let none: Vec<Line> = (0..10).map(|_| datagram("S0")).collect();
    assert_eq!(sight(&none, "dns-rebinding"), (Sight::Blind, vec![(Lack::Answers, 10, 10)]));
}

#[test]
fn holes_and_cut_packets() {
    let holed = with(conn("smtp", 25), "orig_gap_bytes", Cell::Count(300));
    let c = coverage(&[holed], "mail-link-mismatch");
    let cause = Cause { traffic: sekisho_finding::Traffic::Mail, ..c.causes[0] };
    assert_eq!((c.sight, c.causes[0], cause.lack, cause.bytes), (Sight::Weakened, cause, Lack::Holes, 300));
    let cut = |len: u64| with(conn("smtp", 25), "cut_bytes", Cell::Count(len));
    assert_eq!(sight(&[cut(1500)], "mail-link-mismatch"), (Sight::Blind, vec![(Lack::Cut, 1, 1)]), "most is gone");
    assert_eq!(sight(&[cut(100)], "mail-link-mismatch").0, Sight::Weakened);
    assert_eq!(sight(&[cut(1500)], "cleartext-credentials").0, Sight::Weakened, "logins are short");
    // One of two hundred is too little to matter, and told all the same.
    let mut many: Vec<Line> = (0..199).map(|_| whole("smtp", 25)).collect();
    many.push(cut(1500));
    assert_eq!(sight(&many, "mail-link-mismatch"), (Sight::Working, vec![(Lack::Cut, 1, 200)]));
}

#[test]
fn encryption() {
    let lines = [whole("ssl", 443), whole("ssl", 993), whole("quic", 443)];
    assert_eq!(sight(&lines, "web-weak-headers"), (Sight::Blind, vec![(Lack::Encrypted, 2, 2)]));
    assert_eq!(sight(&lines, "mail-link-mismatch"), (Sight::Blind, vec![(Lack::Encrypted, 1, 1)]));
    assert_eq!(sight(&[whole("smtp,ssl", 587)], "mail-link-mismatch").0, Sight::Blind, "STARTTLS");
    let decrypted = [whole("ssl,http", 443), whole("quic,http3", 443), whole("http", 80)];
    assert_eq!(sight(&decrypted, "web-weak-headers"), (Sight::Working, vec![]));
    let both = [whole("ssl", 443), whole("http", 80)];
    assert_eq!(sight(&both, "web-weak-headers"), (Sight::Weakened, vec![(Lack::Encrypted, 1, 2)]));
}

#[test]
fn certificates() {
    let session = |version: u64, chain: &[&str], resumed: bool| {
        let chain = chain.iter().map(|c| crate::testing_tls::fp(c)).collect();
        line(
            "tls_session",
            3,
            &[
                ("ts", Cell::Time(NOW)),
                ("version", Cell::Count(version)),
                ("established", Cell::Flag(true)),
                ("resumed", Cell::Flag(resumed)),
                ("chain", Cell::Texts(chain)),
            ],
        )
    };
    let flow = || whole("ssl", 443);
    let new = |n: u64| (0..n).map(|_| session(0x0304, &[], false));
    let id = "tls-cert-dates";
    let with_flow = |sessions: Vec<Line>| sessions.into_iter().chain([flow()]).collect::<Vec<_>>();
    assert_eq!(sight(&with_flow(new(2).collect()), id), (Sight::Blind, vec![(Lack::Certificates, 2, 2)]));
    let mixed = with_flow(vec![session(0x0304, &[], false), session(0x0303, &["a"], false)]);
    assert_eq!(sight(&mixed, id), (Sight::Weakened, vec![(Lack::Certificates, 1, 2)]));
    // Resumed sessions show none; with the keys the chain is there.
    let shown =
        with_flow(vec![session(0x0303, &["a"], false), session(0x0304, &[], true), session(0x0304, &["a"], false)]);
    assert_eq!(sight(&shown, id), (Sight::Working, vec![]));
}

#[test]
fn the_resolvers_side() {
    let dns = |recursive: bool| {
        let query = Message::query(NOW, "10.0.0.5", 4000, "192.0.2.53", 1, "a.test");
        [if recursive { query.recursive() } else { query }.line(1), whole("dns", 53)]
    };
    let id = "dns-resolver-weak-entropy";
    assert_eq!(sight(&dns(true), id), (Sight::Blind, vec![(Lack::ResolverSide, 1, 1)]));
    assert_eq!(sight(&dns(false), id), (Sight::Working, vec![]));
    assert_eq!(sight(&[whole("http", 80)], id), (Sight::Idle, vec![]));
}

#[test]
fn link_layer_days_and_options() {
    let announced = || {
        let mut columns = conn("dns", 5353);
        columns.retain(|c| c.0 != "proto");
        columns.push(("proto", Cell::Word("udp")));
        columns
    };
    let id = "audit-advertised-services";
    assert_eq!(sight(&[line("conn", 3, &announced())], id), (Sight::Blind, vec![(Lack::LinkLayer, 1, 1)]));
    let late = with(conn("http", 80), "ts", Cell::Time(NOW + 5.0 * DAY));
    let lines = [whole("http", 80), late];
    assert_eq!(sight(&lines, "audit-new-destination"), (Sight::Blind, vec![(Lack::Days, 5, 14)]));
    assert_eq!(sight(&lines, "audit-periodicity"), (Sight::Weakened, vec![(Lack::Days, 5, 21)]));
    let given = Scope { has_rules: true, ..Scope::new(&[], 0) };
    let verdict = judge_in(&given, &lines);
    let of = |id: &str| verdict.coverage.iter().find(|c| c.about.id == id).unwrap();
    assert_eq!(of("rule-alert").sight, Sight::Working);
    assert_eq!((of("intel-contact").sight, of("intel-contact").causes[0].option), (Sight::Blind, Some("--intel")));
}

#[test]
fn mails_in_files_count_as_mail() {
    let mail = |complete: bool| {
        line(
            "mail",
            1,
            &[
                ("protocol", Cell::Word("file")),
                ("file", Cell::Text(b"a.mbox".to_vec())),
                ("complete", Cell::Flag(complete)),
            ],
        )
    };
    assert_eq!(sight(&[mail(true)], "mail-link-mismatch"), (Sight::Working, vec![]));
    assert_eq!(sight(&[mail(true), mail(false)], "mail-link-mismatch"), (Sight::Weakened, vec![(Lack::Holes, 1, 2)]));
}

/// An answer of DNS that nobody is seen to ask for.
fn stray() -> Line {
    let mut columns = conn("dns", 53);
    columns.retain(|c| !matches!(c.0, "proto" | "orig_pkts" | "resp_pkts" | "conn_state"));
    columns.extend([
        ("proto", Cell::Word("udp")),
        ("orig_pkts", Cell::Count(0)),
        ("resp_pkts", Cell::Count(1)),
        ("conn_state", Cell::Word("SHR")),
    ]);
    with(columns, "one_sided", Cell::Word("resp"))
}

#[test]
fn a_few_stray_answers_are_no_missing_questions() {
    let asked = || with(conn("dns", 53), "proto", Cell::Word("udp"));
    let mixed =
        |strays: usize| -> Vec<Line> { (0..strays).map(|_| stray()).chain((strays..40).map(|_| asked())).collect() };
    let lacks = |strays| sight(&mixed(strays), "c2-dns-tunnel");
    assert_eq!(lacks(3), (Sight::Working, vec![]));
    assert_eq!(lacks(4), (Sight::Weakened, vec![(Lack::Requests, 4, 40)]));
    assert_eq!(lacks(40).0, Sight::Blind);
}

#[test]
fn an_option_that_is_of_use_only_weakens() {
    let lines = [whole("ssl", 443)];
    let [fingerprint, contact] = ["c2-tls-fingerprint", "intel-contact"].map(|id| sight(&lines, id));
    assert_eq!((fingerprint.0, contact.0), (Sight::Weakened, Sight::Blind));
    assert_eq!(fingerprint.1.len(), 1);
}
