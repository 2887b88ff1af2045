use crate::testing::{Cell, Line, addr, between, judge, of};
use crate::testing_flow::{Flow, lines};
use sekisho_finding::{Finding, Severity};

const SOURCE: &str = "10.0.0.5";
const SERVER: &str = "10.0.1.7";

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "password-guessing")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

fn ssh(at: f64, from: &str, success: bool) -> Line {
    let more = [
        ("auth_success", Cell::Flag(success)),
        ("auth_attempts", Cell::Count(1)),
        ("client", Cell::Text(b"SSH-2.0-libssh".to_vec())),
    ];
    between("ssh", at, (from, SERVER), &more)
}

/// A log-in by Basic authentication, which the server judges in the same row.
fn http(at: f64, from: &str, user: &str, success: bool) -> Line {
    let more = [
        ("protocol", Cell::Word("http")),
        ("method", Cell::Text(b"basic".to_vec())),
        ("user", Cell::Text(user.into())),
        ("success", Cell::Flag(success)),
    ];
    between("credential", at, (from, SERVER), &more)
}

/// A log-in and then the server's word about it.
fn ftp(at: f64, user: &str, success: bool) -> [Line; 2] {
    let more =
        [("protocol", Cell::Word("ftp")), ("method", Cell::Text(b"PASS".to_vec())), ("user", Cell::Text(user.into()))];
    let verdict = [("protocol", Cell::Word("ftp")), ("success", Cell::Flag(success))];
    [between("credential", at, (SOURCE, SERVER), &more), between("credential", at, (SOURCE, SERVER), &verdict)]
}

/// Times that keep no pace.
fn time(i: u32) -> f64 {
    f64::from(i) * 7.0 + f64::from(i * i % 5)
}

#[test]
fn guessing_at_one_service() {
    let found = found(&(0..25).flat_map(|i| ftp(time(i), "alice", false)).collect::<Vec<_>>());
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("password-guessing/single", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(SOURCE), "ftp at 10.0.1.7", 25));
    assert!(finding.quotes.iter().any(|q| q.label == "accounts" && q.text == "alice"));
    assert_eq!(codes(&(0..19).flat_map(|i| ftp(time(i), "alice", false)).collect::<Vec<_>>()).len(), 0);
    // 20, but over more than 15 minutes.
    let slow = (0..20).flat_map(|i| ftp(f64::from(i * i % 7) + f64::from(i) * 50.0, "alice", false));
    assert_eq!(codes(&slow.collect::<Vec<_>>()).len(), 0);
}

#[test]
fn a_success_after_failures_in_any_order_of_rows() {
    let failures = || (0..20).map(|i| ssh(time(i), SOURCE, false));
    let won = || ssh(200.0, SOURCE, true);
    for lines in [failures().chain([won()]).collect::<Vec<_>>(), [won()].into_iter().chain(failures()).collect()] {
        let found = found(&lines);
        assert_eq!((found.len(), found[0].code().as_str()), (1, "password-guessing/single/success"));
        assert_eq!((found[0].severity, found[0].confidence.thousandths()), (Severity::Critical, 850));
        assert!(found[0].quotes.iter().any(|q| q.text == "SSH-2.0-libssh"));
    }
    // Someone who mistyped, and someone who got in before.
    let few = (0..14).map(|i| ssh(time(i), SOURCE, false)).chain([won()]);
    assert_eq!(codes(&few.collect::<Vec<_>>()).len(), 0);
    let before = [ssh(0.0, SOURCE, true)].into_iter().chain((0..20).map(|i| ssh(10.0 + time(i), SOURCE, false)));
    assert_eq!(codes(&before.collect::<Vec<_>>()).len(), 0);
}

#[test]
fn the_own_account_is_no_success() {
    let failures = || (0..20).map(|i| http(time(i), SOURCE, &format!("guess{}", i % 4), false));
    let lines =
        [http(0.0, SOURCE, "ada", true)].into_iter().chain(failures()).chain([http(200.0, SOURCE, "ada", true)]);
    assert_eq!(codes(&lines.collect::<Vec<_>>()).len(), 0);
    let other = failures().chain([http(200.0, SOURCE, "guess2", true)]);
    assert_eq!(codes(&other.collect::<Vec<_>>()), ["password-guessing/single/success"]);
}

#[test]
fn one_account_at_a_steady_pace_is_a_stored_password() {
    let found = found(&(0..40).map(|i| http(f64::from(i) * 25.0, SOURCE, "sync", false)).collect::<Vec<_>>());
    assert_eq!((found.len(), found[0].severity), (1, Severity::Low));
    assert!(found[0].benign[0].result.contains("steady pace: probably"));
}

#[test]
fn a_spray() {
    let spray = |accounts: u32, each: u32| -> Vec<Line> {
        let tries = (0..accounts * each).map(|i| http(time(i), SOURCE, &format!("user{}", i % accounts), false));
        tries.collect()
    };
    let found = found(&spray(12, 2));
    assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), ["password-guessing/spray"]);
    assert_eq!((found[0].severity, found[0].peers.named()), (Severity::High, &[addr(SERVER)][..]));
    assert_eq!(codes(&spray(9, 2)).len(), 0);
}

#[test]
fn many_sources_at_one_service() {
    let from = |n: u32, net: &str| -> Vec<Line> {
        (0..n)
            .flat_map(|i| (0..3).map(move |j| (i, j)))
            .map(|(i, j)| ssh(time(i * 3 + j), &format!("{net}.{}", 10 + i), false))
            .collect()
    };
    let found = found(&from(12, "10.0.3"));
    assert_eq!((found.len(), found[0].code().as_str()), (1, "password-guessing/distributed"));
    assert_eq!((found[0].subject, found[0].severity), (addr(SERVER), Severity::Medium));
    assert_eq!(self::found(&from(12, "203.0.113"))[0].severity, Severity::Low);
    assert_eq!(codes(&from(9, "10.0.3")).len(), 0);
}

#[test]
fn each_protocol_has_its_word_for_no() {
    let text = |t: &str| Cell::Text(t.into());
    let cases: [(&str, Vec<(&'static str, Cell)>); 7] = [
        ("ntlm", vec![("username", text("eve")), ("status", text("LOGON_FAILURE")), ("success", Cell::Flag(false))]),
        ("ldap", vec![("opcode", Cell::Word("bind simple")), ("result", Cell::Word("invalid credentials"))]),
        (
            "kerberos",
            vec![("request_type", Cell::Word("AS")), ("success", Cell::Flag(false)), ("error_code", Cell::Count(24))],
        ),
        ("mysql", vec![("cmd", text("login")), ("error_code", Cell::Count(1045))]),
        ("postgresql", vec![("backend", text("error")), ("error_code", text("28P01"))]),
        ("rfb", vec![("auth", Cell::Flag(false))]),
        (
            "mqtt_connect",
            vec![("connect_status", text("Refused: not authorized")), ("password_seen", Cell::Flag(true))],
        ),
    ];
    for (log, columns) in cases {
        let log: &'static str = Box::leak(log.to_owned().into_boxed_str());
        let lines = |n| (0..n).map(|i| between(log, time(i), (SOURCE, SERVER), &columns)).collect::<Vec<_>>();
        assert_eq!(codes(&lines(20)), ["password-guessing/single"], "{log}");
        assert_eq!(codes(&lines(19)).len(), 0, "{log}");
    }
    let rdp = |i: u32| {
        Flow::used(time(i), SOURCE, SERVER, 3389).app("rdp,ssl").went("SF", "ShADadfF").sized(2.0, 3_000, 4_000)
    };
    assert_eq!(codes(&lines(&(0..20).map(rdp).collect::<Vec<_>>())), ["password-guessing/single"]);
    let closed_by_client = |i: u32| rdp(i).went("SF", "ShADadFf");
    assert_eq!(codes(&lines(&(0..20).map(closed_by_client).collect::<Vec<_>>())).len(), 0);
}

#[test]
fn a_digest_that_was_out_of_date() {
    let digest = |at: f64, success| {
        let more = [
            ("protocol", Cell::Word("http")),
            ("method", Cell::Text(b"digest".to_vec())),
            ("user", Cell::Text(b"cam".to_vec())),
            ("success", Cell::Flag(success)),
        ];
        between("credential", at, (SOURCE, SERVER), &more)
    };
    let polls = (0..100).flat_map(|i| [digest(time(i), false), digest(time(i) + 0.1, true)]);
    assert_eq!(codes(&polls.collect::<Vec<_>>()).len(), 0);
    assert_eq!(codes(&(0..30).map(|i| digest(time(i), false)).collect::<Vec<_>>()), ["password-guessing/single"]);
}

#[test]
fn from_outside_and_state_is_bounded() {
    let outside = (0..40).map(|i| ssh(time(i), "2001:db8::9", false));
    assert_eq!(found(&outside.collect::<Vec<_>>())[0].severity, Severity::Low);
    let many = (0..30_000u32).map(|i| ssh(f64::from(i), &format!("10.{}.{}.9", 50 + i / 256, i % 256), false));
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &many.collect::<Vec<_>>());
    let spent = verdict.spent.iter().find(|s| s.id == "password-guessing").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}

#[test]
fn sessions_of_ssh_with_one_refusal_each() {
    // Paramiko and the like don't ask for the methods, so that nothing but the one refusal is to be seen.
    let once = |at: f64, refused: bool| {
        let mut columns = vec![("auth_attempts", Cell::Count(0))];
        if refused {
            columns.push(("auth_refused", Cell::Flag(true)));
        }
        between("ssh", at, (SOURCE, SERVER), &columns)
    };
    let all = |n, refused| -> Vec<Line> { (0..n).map(|i| once(time(i), refused)).collect() };
    assert_eq!(codes(&all(30, true)), ["password-guessing/single"]);
    assert_eq!(codes(&all(29, true)).len(), 0);
    // Monitoring that looks only whether a server is there.
    assert_eq!(codes(&all(60, false)).len(), 0);
    let won: Vec<Line> = all(30, true).into_iter().chain([ssh(time(30), SOURCE, true)]).collect();
    assert_eq!(codes(&won), ["password-guessing/single/success"]);
}

#[test]
fn a_success_that_is_heard_of_before_the_failures() {
    let smb = |at: f64, status: &str| {
        let success = status == "SUCCESS";
        let columns = [
            ("username", Cell::Text(b"alice".to_vec())),
            ("status", Cell::Text(status.into())),
            ("success", Cell::Flag(success)),
        ];
        between("ntlm", at, (SOURCE, SERVER), &columns)
    };
    // Rows of failed sessions come when these end.
    let early: Vec<Line> =
        [smb(200.0, "SUCCESS")].into_iter().chain((0..25).map(|i| smb(time(i), "LOGON_FAILURE"))).collect();
    assert_eq!(codes(&early), ["password-guessing/single/success"]);
    // Failures after the success are no guessing that led to it.
    let later: Vec<Line> =
        [smb(1.0, "SUCCESS")].into_iter().chain((1..26).map(|i| smb(time(i), "LOGON_FAILURE"))).collect();
    assert_eq!(codes(&later), ["password-guessing/single"]);
}
