use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use crate::testing_flow::Rhythm;
use sekisho_finding::Finding;

fn says_to(uid: u64, ends: (&str, &str), is_orig: bool, text: &str, packet: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(1000.0 + packet as f64)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(ends.0))),
        ("id.resp_h", Cell::Addr(addr(ends.1))),
        ("id.resp_p", Cell::Port(4444)),
        ("is_orig", Cell::Flag(is_orig)),
        ("bytes", Cell::Text(text.into())),
        ("len", Cell::Count(text.len() as u64)),
        ("packet", Cell::Count(packet)),
    ];
    line("stranger", packet, &columns)
}

/// Who says what, the host at home first.
fn talk(ends: (&str, &str), says: &[(bool, &str)]) -> Vec<Finding> {
    let lines = says.iter().zip(1..).map(|((is_orig, text), n)| says_to(1, ends, *is_orig, text, n));
    of(&judge(&lines.collect::<Vec<_>>()), "c2-interactive-reverse")
}

const OUT: (&str, &str) = ("10.0.0.5", "203.0.113.9");
const HOST: bool = true;
const FAR: bool = false;

#[test]
fn a_shell_that_was_sent_out() {
    let windows = talk(
        OUT,
        &[
            (HOST, "Microsoft Windows [Version 10.0.19045.1]\r\n(c) Microsoft Corporation.\r\n\r\nC:\\Users\\ada>"),
            (FAR, "dir\n"),
        ],
    );
    let [finding] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-interactive-reverse/shell-banner", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "203.0.113.9:4444"));
    for says in [
        &[(HOST, "C:\\Temp>"), (FAR, "whatever\n")][..],
        &[(HOST, "PS C:\\Users\\ada> "), (FAR, "Get-Process\n")],
        &[(HOST, "sh-5.2$ "), (FAR, "x\n")],
        &[(HOST, "$ "), (FAR, "x\n")],
        &[(HOST, "\u{1b}]0;ada@h: ~\u{7}\u{1b}[01;32mada@h\u{1b}[00m:~$ "), (FAR, "x\n")],
        &[(HOST, "bash: no job control in this shell\n[root@web ~]# "), (FAR, "x\n")],
        &[(FAR, "id\n"), (HOST, "uid=33(www-data)\n"), (FAR, "uname -a\n"), (HOST, "Linux web 6.1\n")],
    ] {
        assert_eq!(talk(OUT, says).len(), 1, "{says:?}");
    }
    let v6 = ("fd00::5", "2001:db8::9");
    assert_eq!(talk(v6, &[(HOST, "# "), (FAR, "id\n")]).len(), 1);
}

#[test]
fn a_terminal_that_was_sent_out() {
    // Each key comes alone and is echoed; the key at the end of a line sends a carriage return.
    let keys = [(FAR, "i"), (HOST, "i"), (FAR, "d"), (HOST, "d"), (FAR, "\r")];
    let with_prompt = [&keys[..], &[(HOST, "\r\nuid=0(root)\r\n\u{1b}[?2004hroot@web:/tmp# ")]].concat();
    let found = talk(OUT, &with_prompt);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "c2-interactive-reverse/shell-banner");
    assert!(
        finding.quotes.iter().any(|q| q.label == "typed outside" && q.text.starts_with("id")),
        "{:?}",
        finding.quotes
    );
    let no_line = [&keys[..4], &[(HOST, "\r\nroot@web:/tmp# ")]].concat();
    assert_eq!((talk(OUT, &keys).len(), talk(OUT, &no_line).len()), (0, 0));
}

#[test]
fn nearly() {
    for says in [
        // Nobody types; a prompt in the middle; one command; two that nobody answers.
        &[(HOST, "C:\\Temp>")][..],
        &[(HOST, "price in $ and # more"), (FAR, "ok\n")],
        &[(FAR, "id\n"), (HOST, "what?\n")],
        &[(FAR, "id\n"), (FAR, "ls\n")],
        // The far end shows the prompt: it is a console outside.
        &[(FAR, "router# "), (HOST, "show version\n"), (FAR, "IOS\nrouter# ")],
        &[(FAR, "Microsoft Windows [Version 10.0]\r\nC:\\>"), (HOST, "dir\n")],
    ] {
        assert_eq!(talk(OUT, says).len(), 0, "{says:?}");
    }
}

#[test]
fn ordinary() {
    // A chat, a script that is fetched, binary data; inside; from outside.
    assert_eq!(talk(OUT, &[(HOST, "hello\n"), (FAR, "hi there\n"), (HOST, "how are you\n")]).len(), 0);
    assert_eq!(talk(OUT, &[(HOST, "get\n"), (FAR, "#!/bin/sh\nid\nuname -a\n")]).len(), 0);
    assert_eq!(talk(OUT, &[(HOST, "\u{1}\u{2}$ "), (FAR, "id\n")]).len(), 0);
    let shell = [(HOST, "sh-5.2$ "), (FAR, "id\n")];
    assert_eq!(talk(("10.0.0.5", "10.0.0.9"), &shell).len(), 0);
    assert_eq!(talk(("203.0.113.9", "10.0.0.5"), &shell).len(), 0);
    assert!(COMMANDS.is_sorted());
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let text = "x".repeat(256);
    let lines: Vec<Line> = (0..30_000).map(|n| says_to(n / 3, OUT, n % 2 == 0, &text, n + 1)).collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-interactive-reverse").unwrap();
    assert!(spent.held_len < 200 << 10 && spent.forgotten > 8_000, "{spent:?}");
    let lines: Vec<Line> = (0..20_000).flat_map(|n| typing().lines(1_100.0, n + 1)).collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-interactive-reverse").unwrap();
    assert!(spent.held_len < 100 << 10 && spent.forgotten > 19_000, "{spent:?}");
    // An endless sequence of colours.
    assert_eq!(talk(OUT, &[(HOST, &format!("\u{1b}[{}", "1;".repeat(100))), (FAR, "\n")]).len(), 0);
}

/// Somebody types 40 keys from outside, and the host answers each.
fn typing() -> Rhythm {
    let keys = Rhythm::new(1_000.0, Vec::new());
    Rhythm { sent_len: 6_000, received_len: 60, typing: [42, 42, 0, 40, 41, 4], ..keys }
}

fn typed(rhythm: &Rhythm) -> Vec<Finding> {
    of(&judge(&rhythm.lines(1_100.0, 7)), "c2-interactive-reverse")
}

#[test]
fn somebody_outside_types() {
    let all = typed(&typing());
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-interactive-reverse/keystrokes", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "203.0.113.9:443"));
    assert_eq!(typed(&Rhythm { app: "ssl", ..typing() }).len(), 1);
    assert_eq!(typed(&Rhythm { app: "ssh", typing: [42, 0, 40, 40, 40, 3], ..typing() }).len(), 1, "in SSH");
    assert_eq!(typed(&Rhythm { host: "fd00::5", peer: "2001:db8::9", ..typing() }).len(), 1);
    // Told once a flow, however often its sums come by.
    let lines = [typing().lines(1_100.0, 7), typing().lines(1_200.0, 7)].concat_lines();
    assert_eq!(of(&judge(&lines), "c2-interactive-reverse")[0].count, 1);
}

trait Concat {
    fn concat_lines(self) -> Vec<Line>;
}

impl<const N: usize> Concat for [Vec<Line>; N] {
    fn concat_lines(self) -> Vec<Line> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn nearly_typed() {
    for (what, rhythm) in [
        ("29 keys", Rhythm { typing: [42, 42, 0, 29, 41, 4], ..typing() }),
        ("two stretches", Rhythm { typing: [42, 42, 0, 40, 41, 2], ..typing() }),
        ("three quarters answered", Rhythm { typing: [42, 42, 0, 40, 30, 4], ..typing() }),
        ("long segments, too", Rhythm { typing: [60, 42, 0, 40, 41, 4], ..typing() }),
        ("in SSH they are longer", Rhythm { app: "ssh", ..typing() }),
        ("the far end says as much", Rhythm { received_len: 2_001, ..typing() }),
        ("an upload that is acknowledged", Rhythm { sent_len: 40_001, ..typing() }),
        ("begun a moment ago", Rhythm { begun: 1_081.0, ..typing() }),
    ] {
        assert_eq!(typed(&rhythm).len(), 0, "{what}");
    }
}

#[test]
fn ordinary_talk() {
    // Chat, brokers; between hosts at home; a session of SSH in which the host at home types.
    for app in ["irc", "mqtt", "xmpp", "http,websocket", "ssl,imap"] {
        assert_eq!(typed(&Rhythm { app, ..typing() }).len(), 0, "{app}");
    }
    assert_eq!(typed(&Rhythm { peer: "10.0.0.9", ..typing() }).len(), 0);
    let session =
        Rhythm { app: "ssh", sent_len: 4_000, received_len: 9_000, typing: [90, 0, 80, 60, 60, 9], ..typing() };
    assert_eq!(typed(&session).len(), 0);
}

#[test]
fn the_server_calls() {
    let ssh = |ends: (&str, &str), reversed: Option<bool>| {
        let mut columns = vec![("server", Cell::Text("SSH-2.0-OpenSSH_9.2".into()))];
        columns.extend(reversed.map(|r| ("reversed", Cell::Flag(r))));
        of(&judge(&[crate::testing::between("ssh", 1_000.0, ends, &columns)]), "c2-interactive-reverse")
    };
    let all = ssh(OUT, Some(true));
    assert_eq!(
        all.iter().map(|f| (f.reason.code, f.severity)).collect::<Vec<_>>(),
        [("reverse-ssh", Severity::Medium)]
    );
    assert_eq!(ssh(OUT, None).len() + ssh(OUT, Some(false)).len(), 0, "an ordinary session");
    assert_eq!(ssh(("10.0.0.5", "10.0.0.9"), Some(true)).len(), 0);
}
