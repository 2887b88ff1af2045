use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{ProtoId, Transport};
use Dir::{Orig, Resp};
use sekisho_types::Addr;

const CLIENT: &[u8] = b"PASS secret\r\nNICK bot\r\nUSER user host server :Real Name here\r\nJOIN #a,#b key\r\n";
const SERVER: &[u8] =
    b":irc.example 001 bot :Welcome\r\n:x!y@z PRIVMSG bot :\x01DCC SEND a.zip 3221226014 1026 5\x01\r\n";

fn irc() -> Bench {
    Bench::new(ProtoId::Irc, Transport::Tcp, 6667)
}

#[test]
fn parses_a_session_as_zeek_logs_it() {
    let mut b = irc();
    b.data(Orig, CLIENT).data(Resp, SERVER).end();
    assert_eq!(
        b.rows("irc"),
        [
            "command=Str(\"NICK\") value=Str(\"bot\")",
            "nick=Str(\"bot\") command=Str(\"USER\") value=Str(\"user\") addl=Str(\"host server RealName here \") \
             real_name=Str(\"Real Name here\")",
            "nick=Str(\"bot\") user=Str(\"user\") command=Str(\"JOIN\") value=Str(\"#a\") \
             addl=Str(\" with channel key: 'key'\")",
            "nick=Str(\"bot\") user=Str(\"user\") command=Str(\"JOIN\") value=Str(\"#b\") addl=Str(\"\")",
        ]
    );
    assert_eq!(b.out.confirmed, ["irc"]);
    assert!(!b.rows("irc").concat().contains("secret"));
}

#[test]
fn a_file_is_joined_to_its_offer() {
    let mut b = irc();
    b.data(Orig, CLIENT).data(Resp, SERVER);
    let e = b.out.expectations.pop().unwrap();
    assert_eq!((e.host, e.port, e.peer), (Addr::v4([192, 0, 2, 30]), Some(1026), Some(Addr::v4([10, 0, 0, 1]))));
    let mut data = Bench::expected(&e);
    data.data(Resp, b"PK\x03\x04x").data(Orig, &[0, 0, 0, 5]).half_closed(Resp).end();
    assert_eq!(data.files.0.len(), 1);
    assert_eq!((data.files.0[0].content.as_slice(), data.files.0[0].closed), (&b"PK\x03\x04x"[..], Some(true)));
    b.data(Orig, b"PRIVMSG #a :thanks\r\n");
    let rows = b.rows("irc");
    assert_eq!(rows.len(), 5);
    assert!(rows[4].contains("command=Str(\"DCC\") value=Str(\"#b\")"), "{}", rows[4]);
    assert!(rows[4].contains("dcc_file_name=Str(\"a.zip\") dcc_file_size=Count(5)") && rows[4].contains("fuid=Uid("));
    b.end();
    assert_eq!(b.rows("irc").len(), 5, "logged once");
}

#[test]
fn starttls_hands_over() {
    let mut b = irc();
    b.data(Orig, b"STARTTLS\r\n").data(Resp, b":x 670 * :go\r\n\x16\x03");
    assert_eq!(b.out.hand_over.as_ref().map(|h| (h.to, h.unconsumed)), Some((None, 2)));
}

#[test]
fn any_split_gives_the_same_rows() {
    let steps =
        [Step::Data(Orig, CLIENT), Step::Data(Resp, SERVER), Step::Gap(Orig, 3), Step::Data(Orig, b"k x\nNICK b\n")];
    assert_eq!(check_splits(ProtoId::Irc, 6667, &steps).rows.len(), 5);
    check_truncations(ProtoId::Irc, 6667, &steps);
    check_damage(ProtoId::Irc, 6667, &steps, 60);
}

#[test]
fn limits_lines_offers_and_channels() {
    let mut b = irc();
    b.data(Orig, &[b"JOIN ".as_slice(), &[b'x'; 600], b"\r\n"].concat());
    assert_eq!(b.rows("irc").len(), 0);
    for i in 0..100 {
        b.data(Resp, format!("PRIVMSG a :\x01DCC SEND f{i} 1 {} 1\x01\r\n", 1000 + i).as_bytes());
    }
    assert!(b.held_len() < 16 * 1024, "{}", b.held_len());
    b.data(Orig, &[b"JOIN ".as_slice(), &b"#,".repeat(200), b"\r\n"].concat());
    assert_eq!(b.rows("irc").len(), MAX_CHANNELS);
    let weirds: Vec<_> = b.out.weirds.iter().map(|w| w.name).collect();
    for name in ["irc_line_size_exceeded", "irc_too_many_dcc_offers"] {
        assert!(weirds.contains(&name), "{name}");
    }
}
