use crate::testing::{Bench, Outcome, Step, check_splits, check_truncations, run_script};
use crate::{ProtoId, Transport};
use sekisho_types::Dir;

fn c(text: &str) -> Step<'_> {
    Step::Data(Dir::Orig, text.as_bytes())
}

fn s(text: &str) -> Step<'_> {
    Step::Data(Dir::Resp, text.as_bytes())
}

fn check(steps: &[Step<'_>]) -> Outcome {
    check_truncations(ProtoId::Smtp, 25, steps);
    check_splits(ProtoId::Smtp, 25, steps)
}

fn has(outcome: &Outcome, i: usize, want: &[&str]) {
    for column in want {
        assert!(outcome.rows[i].contains(column), "row {i} lacks {column}: {}", outcome.rows[i]);
    }
}

const MAIL: &str = "Received: from a (b [192.0.2.7]) by c\r\nReceived: from x ([192.0.2.8]) by a\r\nFrom: A <a@b>\r\n\
    To: c@d, \"E, F\" <e@f>\r\nCc: g@h\r\nSubject: hi\r\n there\r\nDate: today\r\nMessage-ID: <1@b>\r\nReply-To: r@b\r\n\
    In-Reply-To: <0@b>\r\nX-Mailer: mua\r\nX-Originating-IP: [192.0.2.9]\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n..dot\r\n--b\r\n\
    Content-Disposition: attachment; filename=\"x.bin\"\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    SGVsbG8=\r\n--b--\r\n.\r\n";

#[test]
fn parses_a_mail() {
    let o = check(&[
        s("220 mx ESMTP\r\n"),
        c("EHLO me\r\n"),
        s("250-mx\r\n250 PIPELINING\r\n"),
        c("MAIL FROM:<a@b> SIZE=1\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        c(MAIL),
        s("250 queued\r\n"),
        c("QUIT\r\n"),
        s("221 bye\r\n"),
    ]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["trans_depth=Count(1)", "helo=Str(\"me\")", "mailfrom=Str(\"a@b\")"]);
    has(&o, 0, &["rcptto=[Str(\"c@d\"), Str(\"e@f\")]", "from=Str(\"A <a@b>\")", "cc=[Str(\"g@h\")]"]);
    has(&o, 0, &["to=[Str(\"c@d\"), Str(\"\\\"E, F\\\" <e@f>\")]", "subject=Str(\"hi there\")", "date=Str(\"today\")"]);
    has(
        &o,
        0,
        &["msg_id=Str(\"<1@b>\")", "reply_to=Str(\"r@b\")", "in_reply_to=Str(\"<0@b>\")", "user_agent=Str(\"mua\")"],
    );
    has(&o, 0, &["x_originating_ip=Addr(192.0.2.9)", "first_received=Str(\"from x", "second_received=Str(\"from a"]);
    has(&o, 0, &["path=[Addr(10.0.0.2), Addr(10.0.0.1), Addr(192.0.2.7), Addr(192.0.2.8)]"]);
    has(&o, 0, &["last_reply=Str(\"250 queued\")", "tls=Bool(false)"]);
    assert_eq!(
        o.files,
        [
            "None SMTP depth=2 orig=true total=None range=None missing=0 closed=Some(true) \"text\\r\\n.dot\"",
            "Some(\"x.bin\") SMTP depth=3 orig=true total=None range=None missing=0 closed=Some(true) \"Hello\"",
        ]
    );
}

#[test]
fn parses_several_mails_and_chunks() {
    let o = check(&[
        s("220 mx\r\n"),
        c("HELO me\r\n"),
        s("250 mx\r\n"),
        c("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 16\r\nSubject: one\r\n\r\nBDAT 5 LAST\r\nbody\n"),
        s("250 ok\r\n250 ok\r\n250 16 got\r\n250 done\r\n"),
        c("MAIL FROM:<e@f>\r\n"),
        s("250 ok\r\n"),
        c("RSET\r\n"),
        s("250 ok\r\n"),
        c("BDAT x\r\nNOSUCH\r\n"),
        s("501 bad\r\n500 what\r\n"),
    ]);
    assert_eq!(o.rows.len(), 2);
    has(&o, 0, &["subject=Str(\"one\")", "last_reply=Str(\"250 16 got\")"]);
    has(&o, 1, &["trans_depth=Count(2)", "mailfrom=Str(\"e@f\")", "last_reply=Str(\"500 what\")"]);
    assert!(o.files[0].ends_with("closed=Some(true) \"body\\n\""), "{:?}", o.files);
    assert!(o.weirds.contains(&"smtp_invalid_bdat_command"));
}

#[test]
fn parses_refused_mail() {
    let o = check(&[
        s("220 mx\r\n"),
        c("HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        s("250 mx\r\n250 ok\r\n550 no\r\n554 no valid recipients\r\n"),
        c("QUIT\r\n"),
        s("221 bye\r\n"),
    ]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["rcptto=[Str(\"c@d\")]", "last_reply=Str(\"221 bye\")"]);
    assert!(o.files.is_empty());
}

#[test]
fn parses_logins_without_passwords() {
    let o = check(&[
        s("220 mx\r\n"),
        c("EHLO me\r\n"),
        s("250 AUTH LOGIN PLAIN\r\n"),
        c("AUTH LOGIN\r\n"),
        s("334 VXNlcm5hbWU6\r\n"),
        c("Ym9i\r\n"),
        s("334 UGFzc3dvcmQ6\r\n"),
        c("c2VjcmV0\r\n"),
        s("535 no\r\n"),
        c("AUTH PLAIN AGV2ZQBzZWNyZXQ=\r\n"),
        s("235 yes\r\n"),
    ]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["auth_mechanism=Str(\"PLAIN\")", "auth_user=Str(\"eve\")", "auth_attempts=Count(2)"]);
    has(&o, 0, &["auth_success=Bool(true)"]);
    assert!(!o.rows[0].contains("secret") && !o.rows[0].contains("c2VjcmV0"));
}

#[test]
fn hands_tls_over() {
    let o = check(&[
        s("220 mx\r\n"),
        c("EHLO me\r\n"),
        s("250 STARTTLS\r\n"),
        c("STARTTLS\r\n"),
        s("220 go\r\n"),
        c("\x16\x03\x01"),
    ]);
    assert!(o.handed_over);
    has(&o, 0, &["tls=Bool(true)", "last_reply=Str(\"220 go\")"]);
    let o = check(&[c("EHLO me\r\nSTARTTLS\r\n\x16\x03\x01")]);
    assert!(o.handed_over);
    let o = check(&[s("220 mx\r\n"), c("EHLO me\r\nSTARTTLS\r\n"), s("250 ok\r\n454 no\r\n"), c("QUIT\r\n")]);
    assert!(!o.handed_over && o.rows.is_empty());
}

/// As `check`, in a flow of which only one end is there.
#[test]
fn nobody_greets_behind_starttls() {
    let mut b = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
    b.depth = 1;
    for (dir, text) in [
        (Dir::Orig, "EHLO me\r\n"),
        (Dir::Resp, "250-mx\r\n250 AUTH PLAIN\r\n"),
        (Dir::Orig, "AUTH PLAIN AGV2ZQBzZWNyZXQ=\r\n"),
        (Dir::Resp, "235 yes\r\n"),
        (Dir::Orig, "MAIL FROM:<a@b>\r\n"),
        (Dir::Resp, "250 ok\r\n"),
        (Dir::Orig, "RCPT TO:<c@d>\r\n"),
        (Dir::Resp, "550 unknown\r\n"),
        (Dir::Orig, "QUIT\r\n"),
        (Dir::Resp, "221 bye\r\n"),
    ] {
        b.data(dir, text.as_bytes());
    }
    b.end();
    assert_eq!(b.rows("smtp").len(), 1);
    let row = &b.rows("smtp")[0];
    assert!(row.contains("auth_success=Bool(true)") && row.contains("mailfrom=Str(\"a@b\")"), "{row}");
    // In TLS from the start the server greets.
    let mut b = Bench::new(ProtoId::Smtp, Transport::Tcp, 465);
    b.depth = 1;
    b.data(Dir::Resp, b"220 mx\r\n").data(Dir::Orig, b"EHLO me\r\nAUTH PLAIN AGV2ZQBzZWNyZXQ=\r\n");
    b.data(Dir::Resp, b"250 AUTH PLAIN\r\n235 yes\r\n").end();
    assert!(b.rows("smtp")[0].contains("auth_success=Bool(true)"));
}

fn one_sided(dir: Dir, bytes: &str) -> Vec<String> {
    let run = |n: usize| {
        let mut bench = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
        bench.flow.seen = sekisho_types::Seen { orig: dir.is_orig(), resp: !dir.is_orig() };
        bench.data_split(dir, bytes.as_bytes(), n).end();
        bench.rows("smtp")
    };
    assert_eq!(run(1), run(usize::MAX));
    run(7)
}

#[test]
fn parses_half_conversations() {
    let rows = one_sided(
        Dir::Orig,
        "EHLO me\r\nAUTH LOGIN\r\nYm9i\r\nc2VjcmV0\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\n\
         body\r\n.\r\nMAIL FROM:<e@f>\r\nQUIT\r\n",
    );
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("subject=Str(\"x\")") && rows[0].contains("auth_user=Str(\"bob\")"), "{rows:?}");
    let rows = one_sided(
        Dir::Resp,
        "220 mx\r\n250-mx\r\n250 ok\r\n250 2.1.0 <a@b>... Sender ok\r\n250 2.1.5 <c@d>... Recipient ok\r\n354 go\r\n\
         250 2.0.0 queued\r\n221 bye\r\n",
    );
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains("mailfrom=Str(\"a@b\")") && rows[0].contains("rcptto=[Str(\"c@d\")]"), "{rows:?}");
    assert!(rows[0].contains("last_reply=Str(\"250 2.0.0 queued\")"), "{rows:?}");
}

#[test]
fn goes_on_after_holes() {
    let o = check(&[
        s("220 mx\r\n"),
        c("HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        c("Subject: x\r\n\r\nbegin"),
        Step::Gap(Dir::Orig, 10),
        c("end\r\n"),
        Step::Gap(Dir::Orig, 5),
        s("250 queued\r\n"),
        c("MAIL FROM:<e@f>\r\n"),
        s("250 ok\r\n"),
        Step::Gap(Dir::Orig, 20),
        c("base64looking\r\nQUIT\r\n"),
        Step::Gap(Dir::Resp, 20),
        s("221 bye\r\n"),
    ]);
    assert_eq!(o.rows.len(), 2);
    has(&o, 0, &["last_reply=Str(\"250 queued\")"]);
    has(&o, 1, &["mailfrom=Str(\"e@f\")", "last_reply=Str(\"221 bye\")"]);
    assert!(o.files[0].contains("missing=15 closed=Some(false)"), "{:?}", o.files);
}

#[test]
fn limits_bite() {
    let many: String = (0..1100).map(|i| format!("RCPT TO:<u{i}@x>\r\n")).collect();
    let o = run_script(ProtoId::Smtp, 25, &[c("MAIL FROM:<a@b>\r\n"), c(&many)], &mut || usize::MAX);
    assert!(o.weirds.contains(&"smtp_too_many_rcptto_addresses") && o.weirds.contains(&"smtp_excessive_pending_cmds"));
    assert_eq!(o.rows[0].matches("@x").count(), 1000);
    let o = run_script(ProtoId::Smtp, 25, &[s("hello\r\n")], &mut || 1);
    assert_eq!(o.rejected, Some("not_smtp"));
}

#[test]
fn damage_parses_the_same_in_any_split() {
    let steps = [
        s("220 mx ESMTP\r\n"),
        c("EHLO me\r\nAUTH LOGIN\r\n"),
        s("250-mx\r\n250 ok\r\n334 x\r\n"),
        c("Ym9i\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        s("235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        c(MAIL),
        Step::Gap(Dir::Resp, 4),
        s("250 queued\r\n"),
        c("MAIL FROM:<e@f>\r\nBDAT 12\r\nSubject: x\r\nBDAT 4 LAST\r\n\r\nz\nSTARTTLS\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n220 go\r\n"),
        Step::Close(Dir::Orig),
    ];
    crate::testing::check_damage(ProtoId::Smtp, 25, &steps, 3000);
}

#[test]
fn parses_encoded_subjects() {
    let o = check(&[
        s("220 x\r\n"),
        c("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        s("250 a\r\n250 b\r\n250 c\r\n354 d\r\n"),
        c("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nx\r\n.\r\n"),
        s("250 e\r\n"),
    ]);
    has(&o, 0, &["subject=Str(\"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\")", "subject_decoded=Str(\"Grüße\")"]);
}

#[test]
fn rules_and_eve_see_each_mail() {
    use sekisho_transaction::Fact;
    let text = MAIL.replace("text\r\n", "see http://x.example/a and\r\n");
    let steps = [
        s("220 mx ESMTP\r\n"),
        c("EHLO me\r\n"),
        s("250 mx\r\n"),
        c("MAIL FROM:<a@b> SIZE=1\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        c(&text),
        s("250 queued\r\n"),
        c("MAIL FROM:<x@y>\r\nRSET\r\nQUIT\r\n"),
        s("250 ok\r\n250 ok\r\n221 bye\r\n"),
    ]
    .map(|step| match step {
        Step::Data(dir, bytes) => (dir, bytes.to_vec()),
        _ => unreachable!(),
    });
    let mut b = Bench::watched(ProtoId::Smtp, Transport::Tcp, 25);
    for (dir, bytes) in &steps {
        b.data_split(*dir, bytes, 5);
    }
    b.end();
    let [mail, reset] = b.exchanges() else { panic!("{:?}", b.exchanges()) };
    for part in [
        "{\"smtp\":{\"helo\":\"me\",\"mail_from\":\"<a@b>\",\"rcpt_to\":[\"<c@d>\",\"<e@f>\"]},",
        "\"email\":{\"status\":\"PARSE_DONE\",\"from\":\"A <a@b>\",",
        "\"attachment\":[\"x.bin\"],\"url\":[\"x.example/a\"]",
        "\"subject\":\"hi there\",\"message_id\":\"<1@b>\",\"x_mailer\":\"mua\"",
    ] {
        assert!(mail.json.contains(part), "{part}: {}", mail.json);
    }
    assert_eq!(mail.fact(Fact::EmailUrl), ["x.example/a"]);
    assert_eq!(mail.fact(Fact::EmailReceived).len(), 2);
    assert_eq!(mail.files.len(), 1);
    assert!(mail.reached(Dir::Orig, 2) && mail.over);
    assert_eq!(reset.json, "{\"smtp\":{\"helo\":\"me\",\"mail_from\":\"<x@y>\"}}");
}
