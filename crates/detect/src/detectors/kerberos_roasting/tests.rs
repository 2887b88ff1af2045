use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.5";
const CENTRE: &str = "10.0.0.1";
const AES: &str = "aes256-cts-hmac-sha1-96";
const RC4: &str = "rc4-hmac";

fn row(at: f64, from: &str, request: &'static str, client: &str, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(at.to_bits() >> 8)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(CENTRE))),
        ("request_type", Cell::Word(request)),
        ("client", Cell::Text(client.into())),
    ];
    columns.extend(more.iter().cloned());
    line("kerberos", 17, &columns)
}

fn ticket(at: f64, service: &str, cipher: &'static str, offered: &[&str]) -> Line {
    let more = [
        ("service", Cell::Text(service.into())),
        ("success", Cell::Flag(true)),
        ("cipher", Cell::Word(cipher)),
        ("request_ciphers", Cell::Texts(offered.iter().map(|c| (*c).to_owned()).collect())),
    ];
    row(at, CLIENT, "TGS", "ada/TEST", &more)
}

fn login(at: f64, from: &str, account: &str, cipher: &'static str, proof: &[&str]) -> Line {
    let more = [
        ("success", Cell::Flag(true)),
        ("reply_cipher", Cell::Word(cipher)),
        ("preauth", Cell::Texts(proof.iter().map(|p| (*p).to_owned()).collect())),
    ];
    row(at, from, "AS", account, &more)
}

fn refused(at: f64, account: &str, code: u64) -> Line {
    row(at, CLIENT, "AS", account, &[("success", Cell::Flag(false)), ("error_code", Cell::Count(code))])
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "kerberos-roasting")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn weak_tickets_among_strong_ones() {
    let strong = |n: u32| (0..n).map(|_| ticket(1.0, "http/web.test", AES, &[AES, RC4]));
    let weak = |n: u32| (0..n).map(|i| ticket(2.0 + f64::from(i), &format!("mssql/db{i}.test"), RC4, &[AES, RC4]));
    let two = found(&strong(20).chain(weak(2)).collect::<Vec<_>>());
    assert_eq!((two[0].code().as_str(), two[0].severity), ("kerberos-roasting/tgs-rc4", Severity::Medium));
    let three = found(&strong(40).chain(weak(3)).collect::<Vec<_>>());
    assert_eq!((three[0].severity, three[0].confidence.thousandths()), (Severity::High, 800));
    assert!(three[0].quotes.iter().any(|q| q.text.contains("mssql/db0.test mssql/db1.test")));
    // A realm whose tickets are weak, and one of which little is known.
    assert_eq!(codes(&strong(20).chain(weak(9)).collect::<Vec<_>>()).len(), 0);
    assert_eq!(codes(&strong(10).chain(weak(1)).collect::<Vec<_>>()).len(), 0);
    // Tickets that everybody needs, and those of machines.
    let usual = ["krbtgt/TEST", "kadmin/changepw", "FS1$", "host/pc$"].map(|s| ticket(3.0, s, RC4, &[RC4]));
    assert_eq!(codes(&strong(20).chain(usual).collect::<Vec<_>>()).len(), 0);
}

#[test]
fn a_client_that_offers_nothing_better() {
    let found = found(&[ticket(1.0, "mssql/db.test", RC4, &[RC4])]);
    assert_eq!((found[0].code().as_str(), found[0].subject), ("kerberos-roasting/tgs-rc4", addr(CLIENT)));
}

#[test]
fn tickets_that_nobody_uses() {
    let classes = ["http", "mssql", "cifs"];
    let fetch = |n: usize| (0..n).map(|i| ticket(i as f64, &format!("{}/srv{i}.test", classes[i % 3]), AES, &[AES]));
    assert_eq!(codes(&fetch(12).collect::<Vec<_>>()), ["kerberos-roasting/tgs-burst"]);
    assert_eq!(codes(&fetch(9).collect::<Vec<_>>()).len(), 0);
    let one_class = (0..12).map(|i| ticket(f64::from(i), &format!("cifs/srv{i}.test"), AES, &[AES]));
    assert_eq!(codes(&one_class.collect::<Vec<_>>()).len(), 0);
    // Three of twelve are used.
    let used = |i: usize| {
        let server = format!("10.0.2.{i}");
        let name = [
            ("ts", Cell::Time(0.5)),
            ("id.orig_h", Cell::Addr(addr(CLIENT))),
            ("id.resp_h", Cell::Addr(addr(CENTRE))),
            ("id.resp_p", Cell::Port(53)),
            ("query", Cell::Text(format!("srv{i}.test").into_bytes())),
            ("qtype", Cell::Count(1)),
            ("rcode", Cell::Count(0)),
            ("answers", Cell::Texts(vec![server.clone()])),
        ];
        [line("dns", 1, &name), Flow::used(20.0, CLIENT, &server, 443).line(30)]
    };
    assert_eq!(codes(&fetch(12).chain((0..3).flat_map(used)).collect::<Vec<_>>()).len(), 0);
}

#[test]
fn replies_without_proof() {
    let found = found(&[login(1.0, CLIENT, "svc/TEST", RC4, &["req-enc-pa-rep"])]);
    assert_eq!((found[0].code().as_str(), found[0].key.as_str()), ("kerberos-roasting/asrep", "svc/TEST"));
    assert_eq!((found[0].severity, found[0].confidence.thousandths()), (Severity::High, 850));
    // With AES only if the centre asks all others; not in a realm that asks nobody.
    let proved =
        |n: u32| (0..n).map(|i| login(f64::from(i), "10.0.0.6", &format!("u{i}/TEST"), AES, &["enc-timestamp"]));
    let bare = |i: u32| login(50.0, CLIENT, &format!("svc{i}/TEST"), AES, &[]);
    assert_eq!(codes(&proved(20).chain([bare(0)]).collect::<Vec<_>>()), ["kerberos-roasting/asrep"]);
    assert_eq!(codes(&(0..20).map(bare).chain(proved(5)).collect::<Vec<_>>()).len(), 0);
    assert_eq!(codes(&[login(1.0, CLIENT, "ada/TEST", RC4, &["pk-as-req"])]).len(), 0);
}

#[test]
fn names_are_tried() {
    let tries = |n: u32, gap: f64, code| {
        (0..n).map(move |i| refused(f64::from(i) * gap, &format!("name{i}/TEST"), code)).collect::<Vec<_>>()
    };
    assert_eq!(codes(&tries(20, 1.0, 6)), ["kerberos-roasting/user-enum"]);
    assert_eq!(codes(&tries(20, 1.0, 25)), ["kerberos-roasting/user-enum"]);
    assert_eq!((codes(&tries(19, 1.0, 6)).len(), codes(&tries(20, 60.0, 6)).len()), (0, 0));
    // Asked for proof, and then logged in: as everybody does.
    let usual = (0..40).flat_map(|i| {
        let account = format!("u{i}/TEST");
        [refused(f64::from(i), &account, 25), login(f64::from(i) + 0.1, CLIENT, &account, AES, &["enc-timestamp"])]
    });
    assert_eq!(codes(&usual.collect::<Vec<_>>()).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| {
            row(
                f64::from(i),
                &format!("10.{}.{}.9", 50 + i / 256, i % 256),
                "TGS",
                "a/T",
                &[
                    ("success", Cell::Flag(true)),
                    ("service", Cell::Text(b"http/a".to_vec())),
                    ("cipher", Cell::Word(AES)),
                ],
            )
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "kerberos-roasting").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
