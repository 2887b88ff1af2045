use super::*;
use crate::letter::attached::Part;
use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{Orig, Resp};

fn texts(list: &UnsetIfEmpty<Text>) -> Vec<String> {
    list.0.iter().map(|t| String::from_utf8_lossy(&t.0).into_owned()).collect()
}

const MAIL: &[u8] = b"Received: from a.test ([192.0.2.9]) by mx.office.test\r\n\
    Authentication-Results: mx.office.test; spf=pass\r\n\
    From: =?utf-8?q?J=C3=B6rg?= <Joerg@Partner.TEST>\r\n\
    To: Dana <dana@office.test>, \"x@y.test\" <eve@office.test>\r\n\
    Reply-To: other@freemail.test\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nDate: Mon, 02 Mar 2026 09:00:00 +0100\r\n\
    Message-ID: <1@partner.test>\r\nList-Id: <l.partner.test>\r\n\
    Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/html\r\n\r\n\
    <p>Hello &amp; welcome</p><a title='x' href=\"http://192.0.2.1/a?b=1&amp;c=2\">https://www.<b>partner</b>.test/</a>\r\n--B\r\n\
    Content-Type: application/pdf; name=\"r.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKJQ==\r\n--B--\r\n";

#[test]
fn parses_what_a_mail_says() {
    let row = mail(MAIL, b"a.eml", 1, true);
    let text = |t: &Option<Text>| t.as_ref().map(|t| String::from_utf8_lossy(&t.0).into_owned());
    assert_eq!(text(&row.from).as_deref(), Some("joerg@partner.test"));
    assert_eq!(text(&row.from_name).as_deref(), Some("Jörg"));
    assert_eq!(text(&row.reply_to).as_deref(), Some("other@freemail.test"));
    assert_eq!(text(&row.subject).as_deref(), Some("Café"));
    assert_eq!(texts(&row.to), ["dana@office.test", "eve@office.test"]);
    assert_eq!(texts(&row.auth_results), ["mx.office.test; spf=pass"]);
    assert_eq!((row.from_count, row.is_list, row.complete, row.protocol), (1, true, true, "file"));
    assert_eq!(row.head.ts, Timestamp::from_parts(1_772_438_400, 0));
    assert_eq!(texts(&row.link_texts), ["https://www.partner.test/"]);
    assert_eq!(texts(&row.link_targets), ["http://192.0.2.1/a?b=1&c=2"]);
    assert!(text(&row.text).unwrap().contains("Hello & welcome"));
    assert_eq!(
        (texts(&row.part_names), texts(&row.part_declared)),
        (vec!["r.pdf".into()], vec!["application/pdf".into()])
    );
    assert_eq!(texts(&row.part_kinds), ["pdf"]);
    assert_eq!(row.part_lens.0, [10]);
}

/// An SMTP dialogue with a mail.
fn dialogue(judged: bool) -> Bench {
    let mut bench = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
    bench.out.judged = judged;
    bench.data(Resp, b"220 ready\r\n").data(Orig, b"EHLO a.test\r\n").data(Resp, b"250 hi\r\n");
    bench.data(Orig, b"MAIL FROM:<b@partner.test>\r\nRCPT TO:<dana@office.test>\r\nDATA\r\n");
    bench.data(Resp, b"250 ok\r\n250 ok\r\n354 go\r\n");
    bench.data_split(Orig, MAIL, 7).data(Orig, b".\r\n").data(Resp, b"250 taken\r\n").end();
    bench
}

#[test]
fn smtp_tells_of_mails_if_somebody_judges() {
    let rows = dialogue(true).rows("mail");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    for part in ["b@partner.test", "dana@office.test", "a.test", "accepted=Bool(true)", "192.0.2.1/a", "pdf"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert_eq!(dialogue(false).rows("mail").len(), 0);
}

#[test]
fn pop3_and_imap_tell_of_fetched_mails() {
    let mut bench = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    bench.out.judged = true;
    bench
        .data(Resp, b"+OK\r\n")
        .data(Orig, b"RETR 1\r\n")
        .data(Resp, b"+OK\r\n")
        .data(Resp, MAIL)
        .data(Resp, b".\r\n")
        .end();
    let rows = bench.rows("mail");
    assert!(rows.len() == 1 && rows[0].contains("to_client=Bool(true)"), "{rows:?}");
    let mut bench = Bench::new(ProtoId::Imap, Transport::Tcp, 143);
    bench.out.judged = true;
    bench.data(Resp, b"* OK IMAP4rev1\r\n").data(Orig, b"a1 FETCH 1 BODY[]\r\n");
    bench.data(Resp, format!("* 1 FETCH (BODY[] {{{}}}\r\n", MAIL.len()).as_bytes()).data(Resp, MAIL);
    bench.data(Resp, b")\r\na1 OK\r\n").end();
    let rows = bench.rows("mail");
    assert!(rows.len() == 1 && rows[0].contains("complete=Bool(true)"), "{rows:?}");
}

#[test]
fn names_and_addresses() {
    let found =
        |t: &str| addresses(t.as_bytes()).into_iter().map(|a| String::from_utf8(a).unwrap()).collect::<Vec<_>>();
    assert_eq!(found("a@b.test"), ["a@b.test"]);
    assert_eq!(found("boss@office.test <x@evil.test>"), ["x@evil.test"]);
    assert_eq!(found("\"<boss@office.test>\" <x@evil.test> (c@d)"), ["x@evil.test"]);
    assert_eq!(found("a@b.test, c@d.test"), ["a@b.test", "c@d.test"]);
    assert_eq!(found("none @ @@ x@"), Vec::<String>::new());
    let name = |t: &str| String::from_utf8(display_name(t.as_bytes())).unwrap();
    assert_eq!(name("\"Boss, The\" <a@b>"), "Boss, The");
    assert_eq!(name("Ada Byron <a@b>"), "Ada Byron");
    assert_eq!(name("a@b"), "");
}

#[test]
fn links_of_odd_pages() {
    let links = |html: &[u8]| {
        let mut found = Found::default();
        found.html(html);
        let show =
            |l: &links::Link| format!("{} {}", String::from_utf8_lossy(&l.text), String::from_utf8_lossy(&l.href));
        found.links.iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(links(b"<A HREF=http://a.test>x</a>"), ["x http://a.test"]);
    assert_eq!(links(b"<a href='http://a.test'>x<a href='http://b.test'>y"), ["x http://a.test", "y http://b.test"]);
    assert_eq!(
        links(b"<!-- <a href='http://a.test'>x</a> --><script>'<a href=b>'</script><form action='http://c.test'>"),
        [" http://c.test"]
    );
    assert_eq!(links(b"<a href='#top'>x</a><a name=y>"), Vec::<String>::new());
    let mut found = Found::default();
    found.plain(b"see https://a.test/x. or (HTTP://b.test) ftp://c");
    assert_eq!(
        found.links.iter().map(|l| l.href.clone()).collect::<Vec<_>>(),
        [&b"https://a.test/x"[..], b"HTTP://b.test"]
    );
}

#[test]
fn limits_links_and_work() {
    let mut found = Found::default();
    let many: Vec<u8> = (0..10_000).flat_map(|n| format!("<a href=http://h{n}.test>x</a>").into_bytes()).collect();
    found.html(&many);
    assert_eq!(found.links.len(), 128);
    // Would take minutes if each were looked at to the end.
    found.html(&b"<".repeat(MAX_TEXT_LEN));
    found.html(&b"<a href=\"".repeat(MAX_TEXT_LEN / 9));
}

#[test]
fn what_is_attached() {
    let look = |name: &str, bytes: &[u8]| {
        let mut parts = Vec::new();
        let root = Part::root(0, Some(name.into()), None, bytes.len() as u64, None);
        attached::examine(root, bytes, (true, None), &mut parts);
        let show = |p: &Part| {
            let notes = String::from_utf8_lossy(&p.notes.join(&b' ')).into_owned();
            format!("{} {} {} {notes}", p.depth, String::from_utf8_lossy(&p.name.0), p.kind).trim().to_owned()
        };
        parts.iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(
        look(
            "a.html",
            b"<!doctype html><html><form action='https://evil.test/x'><input type=\"password\"></form></html>"
        ),
        ["0 a.html html form"]
    );
    assert_eq!(look("a.html", b"<!doctype html><html><body>minutes</body></html>"), ["0 a.html html"]);
    // A stored member, and no directory.
    let mut zip = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0\x09\0\0\0a.pdf.exeMZab".to_vec();
    zip[14..18].copy_from_slice(&0x1aaf_4b15u32.to_le_bytes());
    let found = look("a.zip", &zip);
    assert!(found[0].starts_with("0 a.zip zip") && found[1].starts_with("1 a.pdf.exe"), "{found:?}");
    // The flag of encryption.
    zip[6] = 1;
    let found = look("a.zip", &zip);
    assert!(found[0].contains("encrypted"), "{found:?}");
}

#[test]
fn mailboxes_are_split() {
    let mbox = b"From a@b Mon\nSubject: 1\n\nFrom here it is text\n\nFrom c@d Tue\r\nSubject: 2\r\n\r\nx\r\n";
    let mails: Vec<&[u8]> = split_mbox(mbox).collect();
    // A line behind an empty one that begins so is taken for the next mail; writers of mailboxes escape it.
    assert_eq!(mails.len(), 3);
    assert_eq!(mails[0], b"Subject: 1\n\n");
    assert!(mails[2].starts_with(b"Subject: 2"));
    assert_eq!(split_mbox(b"Subject: 1\n").count(), 0);
    assert_eq!(split_mbox(b"From a").count(), 0);
}

#[test]
fn survives_damage_and_cuts() {
    for at in 1..MAIL.len() {
        assert!(!mail(&MAIL[..at], b"x", 1, true).complete || at >= MAIL.len() - 2, "{at}");
        for bits in [1, 0x20, 0xff] {
            let mut damaged = MAIL.to_vec();
            damaged[at] ^= bits;
            assert_eq!(mail(&damaged, b"x", 1, true).protocol, "file");
        }
    }
}

#[test]
fn dates() {
    let secs = |t: &str| whole::date(t.as_bytes()).map(|d| d.0 / 1_000_000_000);
    assert_eq!(secs("Thu, 01 Jan 1970 00:00:00 +0000"), Some(0));
    assert_eq!(secs("29 Feb 2024 23:59:60 -0230"), Some(1_709_260_200));
    assert_eq!(secs("Tue, 32 Feb 2024 10:00:00"), None);
    assert_eq!(secs("nonsense"), None);
}

/// [`MAIL`] with a boundary as programs make them.
fn usual_mail() -> Vec<u8> {
    let text = String::from_utf8_lossy(MAIL).replace("boundary=B", "boundary=\"=_usual.1\"");
    text.replace("--B", "--=_usual.1").into_bytes()
}

/// The mails of a dialogue without DATA and its answer, in which `steps` stand in their place.
fn lossy(steps: impl FnOnce(&mut Bench)) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
    bench.out.judged = true;
    bench.data(Resp, b"220 ready\r\n").data(Orig, b"EHLO a.test\r\n").data(Resp, b"250 hi\r\n");
    bench.data(Orig, b"MAIL FROM:<b@partner.test>\r\nRCPT TO:<dana@office.test>\r\n");
    bench.data(Resp, b"250 ok\r\n250 ok\r\n");
    steps(&mut bench);
    bench.data(Orig, b".\r\n").data(Resp, b"250 taken\r\n").data(Orig, b"QUIT\r\n").data(Resp, b"221 bye\r\n").end();
    bench.rows("mail")
}

#[test]
fn what_is_left_of_a_mail_behind_a_hole_is_told() {
    let mail = usual_mail();
    let header_end = memchr::memmem::find(&mail, b"\r\n\r\n").unwrap();
    let whole =
        ["partner.test", "joerg@partner.test", "other@freemail.test", "192.0.2.1/a", "pdf", "accepted=Bool(true)"];
    let linked = &whole[3..];
    let lost_len = header_end as u64 + 4;
    type Case<'a> = (&'a str, Box<dyn FnOnce(&mut Bench) + 'a>, &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        ("DATA and its answer", Box::new(|b| _ = b.gap(Orig, 6).gap(Resp, 8).data_split(Orig, &mail, 50)), &whole),
        ("DATA", Box::new(|b| _ = b.data(Resp, b"354 go\r\n").gap(Orig, 6).data(Orig, &mail)), &whole),
        (
            "the header",
            Box::new(|b| {
                b.data(Orig, b"DATA\r\n").data(Resp, b"354 go\r\n").gap(Orig, lost_len - 20);
                b.data_split(Orig, &mail[header_end + 4 - 20..], 9);
            }),
            linked,
        ),
        (
            "DATA and the header",
            Box::new(|b| _ = b.gap(Orig, 6 + lost_len).data(Orig, &mail[header_end + 4..])),
            linked,
        ),
        (
            "a reply, pipelined",
            Box::new(|b| {
                b.data(Orig, b"RCPT TO:<eve@office.test>\r\nDATA\r\n").gap(Resp, 4).data(Resp, b" ok\r\n");
                b.data(Resp, b"354 go\r\n").data(Orig, &mail);
            }),
            &whole,
        ),
    ];
    for (lost, steps, wanted) in cases {
        let rows = lossy(steps);
        let [row] = &rows[..] else { panic!("{lost}: {rows:?}") };
        for part in wanted {
            assert!(row.contains(part), "{lost}: {part}: {row}");
        }
        let is_whole = lost == "a reply, pipelined";
        assert!(row.contains(if is_whole { "complete=Bool(true)" } else { "complete=Bool(false)" }), "{lost}: {row}");
    }
}

#[test]
fn a_dialogue_behind_a_hole_is_no_mail() {
    let rows = lossy(|b| {
        b.gap(Orig, 10).data(Orig, b"RSET\r\nNOOP some: thing\r\nfolgt nichts\r\n-- \r\n----------\r\n");
    });
    assert_eq!(rows.len(), 0, "{rows:?}");
}

#[test]
fn a_part_whose_header_is_torn_still_links() {
    let mail = usual_mail();
    let at = memchr::memmem::find(&mail, b"text/html").unwrap();
    let rows = lossy(|b| {
        b.data(Orig, b"DATA\r\n").data(Resp, b"354 go\r\n").data(Orig, &mail[..at - 5]);
        b.gap(Orig, 16).data(Orig, &mail[at + 11..]);
    });
    let [row] = &rows[..] else { panic!("{rows:?}") };
    for part in ["https://www.partner.test/", "192.0.2.1/a?b=1&c=2", "pdf", "complete=Bool(false)"] {
        assert!(row.contains(part), "{part}: {row}");
    }
}
