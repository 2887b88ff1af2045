use super::*;
use crate::testing::Bench;
use crate::{Guess, PROTOCOLS, Probe, ProtoId, Transport};
use sekisho_types::{Addr, FlowInfo};

fn ftp() -> Bench {
    Bench::new(ProtoId::Ftp, Transport::Tcp, 21)
}

/// Feeds lines: `>` from the client, `<` from the server.
fn talk<'b>(b: &'b mut Bench, lines: &str) -> &'b mut Bench {
    for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (dir, text) = line.split_at(1);
        let dir = if dir == ">" { Dir::Orig } else { Dir::Resp };
        b.data(dir, format!("{}\r\n", text.trim_start()).as_bytes());
    }
    b
}

/// Rows without the columns that are the same everywhere.
fn rows(b: &Bench) -> Vec<String> {
    b.rows("ftp")
}

const SESSION: &str = "
    < 220 (vsFTPd 3.0.3)
    > USER Anonymous
    < 331 Please specify the password.
    > PASS guest@example.org
    < 230-Welcome
    < 230-  to this place
    < 230 Login successful.
    > PWD
    < 257 \"/pub\" is the current directory
    > PASV
    < 227 Entering Passive Mode (10,0,0,2,195,80).
    > RETR sub/flag.tar
    < 150 Opening BINARY mode data connection for flag.tar (10240 bytes).
    < 226 Transfer complete.
    > QUIT
    < 221 Goodbye.";

#[test]
fn parses_a_session_as_zeek_logs_it() {
    let mut b = ftp();
    talk(&mut b, SESSION).end();
    assert_eq!(
        rows(&b),
        [
            "user=Str(\"Anonymous\") password=Str(\"guest@example.org\") command=Str(\"PASV\") reply_code=Count(227) \
             reply_msg=Str(\"Entering Passive Mode (10,0,0,2,195,80).\") data_channel.passive=Bool(true) \
             data_channel.orig_h=Addr(10.0.0.1) data_channel.resp_h=Addr(10.0.0.2) data_channel.resp_p=Port(50000) \
             login_success=Bool(true)",
            "user=Str(\"Anonymous\") password=Str(\"guest@example.org\") command=Str(\"RETR\") \
             arg=Str(\"ftp://10.0.0.2/pub/sub/flag.tar\") file_size=Count(10240) reply_code=Count(226) \
             reply_msg=Str(\"Transfer complete.\") login_success=Bool(true)"
        ]
    );
    assert_eq!(b.out.confirmed, ["ftp"]);
    assert_eq!(b.out.expectations.len(), 1);
    let e = &b.out.expectations[0];
    assert_eq!((e.host, e.port, e.peer), (Addr::v4([10, 0, 0, 2]), Some(50000), Some(Addr::v4([10, 0, 0, 1]))));
    e.with(|t| {
        assert_eq!(t.filename.as_ref().unwrap().0, b"flag.tar");
        assert_eq!((t.announced_len, t.is_file), (Some(10240), Some(true)));
    });
}

#[test]
fn any_split_gives_the_same_rows() {
    let mut whole = ftp();
    talk(&mut whole, SESSION).end();
    let want = rows(&whole);
    for n in 1..12 {
        let mut b = ftp();
        for line in SESSION.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let dir = if line.starts_with('>') { Dir::Orig } else { Dir::Resp };
            b.data_split(dir, format!("{}\r\n", line[1..].trim_start()).as_bytes(), n);
        }
        b.end();
        assert_eq!(rows(&b), want, "pieces of {n}");
    }
}

#[test]
fn a_transfer_is_joined_to_its_command() {
    let mut b = ftp();
    talk(
        &mut b,
        "< 220 hi\n> USER bob\n< 331 pw\n> PASS secret\n< 230 in\n> EPSV\n< 229 Extended (|||4242|)\n> RETR a.bin\n< 150 go",
    );
    let mut data = Bench::expected(&b.out.expectations[0]);
    data.data(Dir::Resp, b"MZabc").half_closed(Dir::Resp).end();
    assert_eq!(data.files.0[0].meta.filename.as_ref().unwrap().0, b"a.bin");
    assert_eq!((data.files.0[0].content.as_slice(), data.files.0[0].closed), (&b"MZabc"[..], Some(true)));
    talk(&mut b, "< 226 done\n> QUIT").end();
    let last = rows(&b).pop().unwrap();
    assert!(last.contains("command=Str(\"RETR\")") && last.contains("fuid=Uid("), "{last}");
    assert!(last.contains("password=Str(\"<hidden>\")") && !last.contains("secret"));
    assert!(last.contains("data_uid="));
}

#[test]
fn active_mode_and_its_kin_announce_the_client() {
    let mut b = ftp();
    talk(
        &mut b,
        "< 220 x\n> PORT 10,0,0,1,4,31\n< 200 ok\n> EPRT |2|2001:db8::1|1056|\n< 200 ok\n> LPRT 4,4,10,0,0,1,2,4,33\n< 200 ok",
    );
    let ends: Vec<_> = b.out.expectations.iter().map(|e| (e.host.to_string(), e.port)).collect();
    assert_eq!(
        ends,
        [("10.0.0.1".into(), Some(1055)), ("2001:db8::1".into(), Some(1056)), ("10.0.0.1".into(), Some(1057))]
    );
    b.end();
    assert!(
        rows(&b)[0].contains("arg=Str(\"10,0,0,1,4,31\")") && rows(&b)[0].contains("data_channel.passive=Bool(false)")
    );
    assert_eq!(rows(&b).len(), 2);
}

#[test]
fn a_server_behind_translation_is_expected_at_both_addresses() {
    let mut b = ftp();
    talk(&mut b, "< 220 x\n> PASV\n< 227 Entering (198,51,100,7,4,31)");
    let hosts: Vec<_> = b.out.expectations.iter().map(|e| e.host.to_string()).collect();
    assert_eq!(hosts, ["198.51.100.7", "10.0.0.2"]);
}

#[test]
fn replies_alone_give_a_session() {
    let mut b = ftp();
    b.flow.seen.orig = false;
    talk(
        &mut b,
        "< 220 Files
         < 331 Password required for alice.
         < 230 Login successful.
         < 257 \"/home\" is the current directory
         < 227 Entering Passive Mode (10,0,0,2,195,96).
         < 150 Here comes the directory listing.
         < 226 Directory send OK.
         < 227 Entering Passive Mode (10,0,0,2,195,80).
         < 150 Opening BINARY mode data connection for flag.tar (20480 bytes).
         < 226 Transfer complete.
         < 221 Goodbye.",
    )
    .end();
    let shown: Vec<_> = rows(&b)
        .iter()
        .map(|r| r.split("command=").nth(1).unwrap().split(" reply_msg").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        shown,
        [
            "Str(\"PASS\") reply_code=Count(230)",
            "Str(\"PASV\") reply_code=Count(227)",
            "Str(\"LIST\") reply_code=Count(226)",
            "Str(\"PASV\") reply_code=Count(227)",
            "Str(\"RETR\") arg=Str(\"ftp://10.0.0.2/home/flag.tar\") file_size=Count(20480) reply_code=Count(226)",
        ]
    );
    assert!(rows(&b).iter().all(|r| r.contains("user=Str(\"alice\")") && r.contains("login_success=Bool(true)")));
    assert_eq!(b.out.recognized, ["ftp"]);
    let told: Vec<_> = b
        .out
        .expectations
        .iter()
        .map(|e| (e.port, e.with(|t| (t.is_file, t.filename.clone(), t.announced_len))))
        .collect();
    assert_eq!(told[0], (Some(50016), (Some(false), None, None)));
    assert_eq!(told[1], (Some(50000), (Some(true), Some("flag.tar".into()), Some(20480))));
    for event in &b.out.events {
        let mut one_sided = String::new();
        sekisho_record::for_each(event.record(), &mut |f, v| {
            if f.name == "one_sided" {
                one_sided = format!("{v:?}");
            }
        });
        assert_eq!(one_sided, "Enum(resp)");
    }
}

#[test]
fn replies_alone_in_active_mode_announce_the_host_pair() {
    for replies in [
        "< 200 PORT command successful. Consider using PASV.\n< 150 Opening BINARY mode data connection for flag.tar (9 bytes).",
        "< 150 Opening BINARY mode data connection for flag.tar (9 bytes).",
    ] {
        let mut b = ftp();
        talk(&mut b, "< 220 FTP\n< 331 pw\n< 230 in");
        talk(&mut b, replies);
        assert_eq!(b.out.expectations.len(), 1, "{replies}");
        let e = &b.out.expectations[0];
        assert_eq!((e.host, e.port, e.peer), (Addr::v4([10, 0, 0, 1]), None, Some(Addr::v4([10, 0, 0, 2]))));
        assert_eq!(e.with(|t| (t.filename.clone(), t.announced_len)), (Some("flag.tar".into()), Some(9)));
    }
}

#[test]
fn a_refused_login_is_told() {
    let mut b = ftp();
    talk(&mut b, "< 220 FTP\n< 331 pw\n< 530 Login incorrect.\n< 331 pw\n< 230 in").end();
    let outcomes: Vec<_> = rows(&b).iter().map(|r| r.contains("login_success=Bool(true)")).collect();
    assert_eq!(outcomes, [false, true]);
    let mut b = ftp();
    talk(&mut b, "< 220 FTP\n> USER x\n< 331 pw\n> PASS y\n< 530 no\n> PASV\n< 530 no\n> QUIT").end();
    assert!(rows(&b)[0].contains("login_success=Bool(false)"));
}

#[test]
fn commands_alone_give_rows_and_expectations() {
    let mut b = ftp();
    b.flow.seen.resp = false;
    talk(&mut b, "> USER bob\n> PASS x\n> CWD /pub\n> PASV\n> RETR a.txt\n> PORT 10,0,0,1,4,31\n> STOR b.txt\n> QUIT");
    for _ in 0..50 {
        talk(&mut b, "> NOOP");
    }
    b.end();
    let commands: Vec<_> = rows(&b).iter().map(|r| r.split("command=Str(").nth(1).unwrap()[1..5].to_owned()).collect();
    assert_eq!(commands, ["PASV", "RETR", "PORT", "STOR"]);
    let told: Vec<_> = b.out.expectations.iter().map(|e| (e.port, e.with(|t| t.filename.clone().unwrap()))).collect();
    assert_eq!(told, [(None, "a.txt".into()), (Some(1055), "b.txt".into())]);
    assert!(b.out.weirds.is_empty());
}

#[test]
fn auth_tls_hands_over() {
    let mut b = ftp();
    talk(&mut b, "< 220 x\n> AUTH TLS");
    b.data(Dir::Resp, b"234 Proceed\r\n\x16\x03\x01");
    let over = b.out.hand_over.unwrap();
    assert_eq!((over.to, over.unconsumed), (None, 3));
    let mut b = ftp();
    talk(&mut b, "< 220 x\n< 234 AUTH TLS successful");
    assert!(b.out.hand_over.is_some());
}

#[test]
fn rejects_and_limits() {
    let mut b = ftp();
    talk(&mut b, "< 220 x\n> USER zeek\n< 331 ok\n> PASS p\n< 230 PASS OK\n> RETR\n< 230BAD").end();
    assert_eq!(b.out.rejected, Some("reply without a code"));
    assert!(rows(&b)[0].contains("arg=Str(\"ftp://10.0.0.2/.\")"));

    let mut b = ftp();
    talk(&mut b, "< 220 x\n> NOOP\n< 200 ok");
    talk(&mut b, &format!("> {}", "A".repeat(132)));
    talk(&mut b, "> \x01\x02\x03");
    for _ in 0..30 {
        talk(&mut b, "> PORT 1");
    }
    talk(&mut b, &format!("> USER {}", "u".repeat(1000)));
    b.data(Dir::Orig, &[b'x'; 100_000]).data(Dir::Orig, b"\r\n").end();
    let names: Vec<_> = b.out.weirds.iter().map(|w| w.name).collect();
    for name in [
        "FTP_max_command_length_exceeded",
        "FTP_invalid_command",
        "FTP_too_many_pending_commands",
        "FTP_user_too_long",
        "FTP_line_too_long",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(rows(&b).len() <= MAX_PENDING_COMMANDS);
}

#[test]
fn a_hole_costs_a_line() {
    let mut b = ftp();
    talk(&mut b, "< 220 x\n> PASV");
    b.data(Dir::Resp, b"227 Entering (10,0").gap(Dir::Resp, 20).data(Dir::Resp, b"80)\r\n200 later\r\n").end();
    assert!(rows(&b)[0].contains("reply_msg=Str(\"later\")"));
    let mut b = ftp();
    talk(&mut b, "< 220 x\n> CWD /a\n< 250 ok");
    b.gap(Dir::Orig, 20).gap(Dir::Resp, 30);
    talk(&mut b, "> CWD ..\n< 250 ok\n> RETR x\n< 226 ok").end();
    assert!(rows(&b)[0].contains("ftp://10.0.0.2/x"));
}

#[test]
fn telnet_commands_are_taken_out() {
    let mut b = ftp();
    b.data(Dir::Orig, b"\xff\xf4\xff\xf2ABOR\r\n\xff\xfd\x01DELE a\xff\xffb\r\n").end();
    assert!(rows(&b)[0].contains("DELE") && rows(&b)[0].contains("a\u{fffd}b"));
}

#[test]
fn random_bytes_and_cuts_never_panic() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let base: Vec<u8> = SESSION
        .lines()
        .flat_map(|l| [l.trim().trim_start_matches(['<', '>', ' ']), "\r\n"].concat().into_bytes())
        .collect();
    for _ in 0..3000 {
        let mut b = ftp();
        for _ in 0..4 {
            let from = next() as usize % base.len();
            let mut piece = base[from..].to_vec();
            piece.truncate(next() as usize % (piece.len() + 1));
            for _ in 0..next() % 8 {
                let at = next() as usize % piece.len().max(1);
                if let Some(x) = piece.get_mut(at) {
                    *x = next() as u8;
                }
            }
            let dir = if next() % 2 == 0 { Dir::Orig } else { Dir::Resp };
            b.data(dir, &piece);
            if next() % 5 == 0 {
                b.gap(dir, next() % 100);
            }
        }
        b.end();
    }
}

#[test]
fn recognised_by_content() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Ftp).unwrap().1.probe;
    let guess = |orig: &str, resp: &str, port_match| {
        let flow = FlowInfo::default();
        probe(&Probe {
            transport: Transport::Tcp,
            orig: orig.as_bytes(),
            resp: resp.as_bytes(),
            port_match,
            flow: &flow,
        })
    };
    assert_eq!(guess("", "220 Files\r\n", true), Guess::Yes);
    assert_eq!(guess("", "", true), Guess::More);
    assert_eq!(guess("", "SSH-2.0-x\r\n", true), Guess::No);
    assert_eq!(guess("USER a\r\n", "220 x\r\n", false), Guess::Yes);
    assert_eq!(guess("EHLO a\r\n", "220 x\r\n", false), Guess::No);
    assert_eq!(guess("", "220 x\r\n", false), Guess::More);
    assert_eq!(guess("", "220 x\r\n331 pw\r\n", false), Guess::Yes);
    assert_eq!(guess("USER a\r\nPASS b\r\n", "+OK\r\n", false), Guess::No);
    assert_eq!(guess("USER a\r\nPASS b\r\n", "", false), Guess::More);
    assert_eq!(guess("USER a\r\nPASS b\r\nTYPE I\r\n", "", false), Guess::Yes);
    assert_eq!(guess("GET / HTTP/1.1\r\n", "", false), Guess::No);
}

#[test]
fn rules_and_eve_see_commands_with_their_replies() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Ftp, Transport::Tcp, 21);
    talk(
        &mut b,
        "< 220-Hello
         < 220 there
         > USER me
         > PASV
         < 331 go on
         < 227 Entering Passive Mode (10,0,0,2,4,1)
         > RETR a.txt
         < 150 here it comes
         < 226 done
         > XYZZY
         > NOOP",
    );
    b.end();
    let all: Vec<&str> = b.exchanges().iter().map(|e| e.json.as_str()).collect();
    assert_eq!(
        all,
        [
            "{\"ftp\":{\"completion_code\":[\"220\",\"220\"],\"reply\":[\"Hello\",\"there\"],\"reply_received\":\"yes\",\
             \"reply_truncated\":false}}",
            "{\"ftp\":{\"command\":\"USER\",\"command_data\":\"me\",\"command_truncated\":false,\
             \"completion_code\":[\"331\"],\"reply\":[\"go on\"],\"reply_received\":\"yes\",\"reply_truncated\":false}}",
            "{\"ftp\":{\"command\":\"PASV\",\"completion_code\":[\"227\"],\
             \"reply\":[\"Entering Passive Mode (10,0,0,2,4,1)\"],\"dynamic_port\":1025,\"mode\":\"passive\",\
             \"reply_received\":\"yes\",\"reply_truncated\":false}}",
            "{\"ftp\":{\"command\":\"RETR\",\"command_data\":\"a.txt\",\"command_truncated\":false,\
             \"completion_code\":[\"150\",\"226\"],\"reply\":[\"here it comes\",\"done\"],\"reply_received\":\"yes\",\
             \"reply_truncated\":false}}",
            "{\"ftp\":{\"reply_received\":\"no\",\"reply_truncated\":false}}",
            "{\"ftp\":{\"command\":\"NOOP\",\"reply_received\":\"no\",\"reply_truncated\":false}}",
        ]
    );
    assert_eq!(b.exchanges()[2].fact(Fact::FtpDynamicPort), ["1025"]);
    let expectation = b.out.expectations[0].clone();
    let mut data = Bench::expected(&expectation);
    data.out.watched = Some(crate::testing::all_facts());
    data.data(Dir::Resp, b"content").end();
    let [moved] = data.exchanges() else { panic!("{:?}", data.exchanges()) };
    assert_eq!(moved.json, "{\"ftp_data\":{\"filename\":\"a.txt\",\"command\":\"RETR\"}}");
    assert_eq!(moved.files, [0]);
}

#[test]
fn long_commands_are_cut_for_rules_and_eve() {
    let mut b = Bench::watched(ProtoId::Ftp, Transport::Tcp, 21);
    let long = format!("> RETR {}", "x".repeat(5000));
    talk(&mut b, &long).end();
    let [cut] = b.exchanges() else { panic!("one") };
    assert_eq!(cut.events, ["request_command_too_long", "file_before_port"]);
    assert!(cut.json.contains("\"command_truncated\":true"));
    assert_eq!(cut.fact(sekisho_transaction::Fact::FtpCommandData)[0].len(), 4091);
}
