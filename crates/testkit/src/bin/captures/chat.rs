//! Mail, chat, voice and proxies.

use crate::{Capture, Timed, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};
use sekisho_types::Interval;

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("imap/fetch", frames_of(&[imap()])),
        Capture::ethernet("irc/session", irc_session().frames()),
        Capture::ethernet("irc_dcc/transfer", dcc()),
        Capture::ethernet("pop3/fetch", frames_of(&[pop3()])),
        Capture::ethernet("rfb/vnc", frames_of(&[vnc(), vnc_refused()])),
        Capture::ethernet("sip/call", call()),
        Capture::ethernet("socks/connect", frames_of(&[socks5(), socks4()])),
        Capture::ethernet("xmpp/chat", frames_of(&[xmpp(), xmpp_tls()])),
    ]
}

/// Lines of a conversation, 10 ms apart: `>` is the client.
fn lines(client: &str, server: &str, all: &[&str]) -> Conversation {
    let mut c = Conversation::new(client, server).every(Interval::from_millis(10)).syn();
    for line in all {
        let (who, text) = line.split_at(1);
        c = c.send(if who == ">" { Orig } else { Resp }, format!("{text}\r\n").as_bytes());
    }
    c
}

fn irc_session() -> Conversation {
    lines(
        "10.0.0.1:40000",
        "192.0.2.67:6667",
        &[
            "<:irc.example.org NOTICE * :*** Looking up your hostname",
            ">PASS sesame\r\nNICK alice",
            ">USER alice 0 * :Alice Liddell",
            "<:irc.example.org 433 * alice :Nickname is already in use",
            ">NICK alice_",
            "<:irc.example.org 001 alice_ :Welcome to the golden network",
            "<PING :irc.example.org",
            ">PONG :irc.example.org",
            ">JOIN #tea,#croquet flamingo",
            "<:alice_!alice@10.0.0.1 JOIN #tea",
            "<:irc.example.org 332 alice_ #tea :It is always six o'clock",
            ">PRIVMSG #tea :Is there any tea?",
            "<:hatter!hat@example.net PRIVMSG #tea :No room!",
            ">QUIT :Down the hole",
            "<ERROR :Closing Link",
        ],
    )
    .fin_from(Resp)
}

/// A file that one client offers another over the server, and the connection that carries it.
fn dcc() -> Vec<Timed> {
    let session = lines(
        "10.0.0.1:40000",
        "192.0.2.67:6667",
        &[
            ">NICK bob\r\nUSER bob 0 * :Bob",
            "<:irc.example.org 001 bob :Welcome",
            "<:carol!c@example.net PRIVMSG bob :\x01DCC SEND cards.txt 3405803876 5000 30\x01",
            ">PRIVMSG carol :thank you",
        ],
    )
    .wait(Interval::from_millis(100))
    .send(Orig, b"QUIT\r\n")
    .fin();
    let data = Conversation::new("10.0.0.1:40001", "203.0.113.100:5000")
        .at(at_ms(75))
        .syn()
        .send(Resp, b"The queen of hearts\nand more.\n")
        .send(Orig, &[0, 0, 0, 30])
        .fin_from(Resp);
    [session.frames(), data.frames()].concat()
}

/// A wrong password, a right one, one message with an attachment.
fn pop3() -> Conversation {
    lines(
        "10.0.0.1:40000",
        "192.0.2.110:110",
        &[
            "<+OK golden POP3 <1896.697170952@mail.example.org>",
            ">CAPA",
            "<+OK\r\nTOP\r\nUSER\r\nUIDL\r\nSASL PLAIN\r\n.",
            ">USER alice",
            "<+OK",
            ">PASS wonderland",
            "<-ERR [AUTH] wrong password",
            ">AUTH PLAIN",
            "<+ ",
            ">AGFsaWNlAHF1ZWVu",
            "<+OK logged in",
            ">STAT\r\nUIDL",
            "<+OK 1 420\r\n+OK\r\n1 abc\r\n.",
            ">RETR 1",
            "<+OK 420 octets\r\nFrom: Bob <bob@example.net>\r\nTo: alice@example.org\r\nSubject: Cards\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\n\
             Content-Type: text/plain\r\n\r\nHello Alice,\r\n..a dot\r\n\r\n--b1\r\n\
             Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"cards.bin\"\r\n\r\nAAECAwQFBgcICQ==\r\n--b1--\r\n.",
            ">DELE 1",
            "<+OK",
            ">QUIT",
            "<+OK bye",
        ],
    )
    .fin()
}

/// A login, one mailbox, one message fetched and one stored.
fn imap() -> Conversation {
    lines(
        "10.0.0.1:40000",
        "192.0.2.143:143",
        &[
            "<* OK [CAPABILITY IMAP4rev1 ID LITERAL+ AUTH=PLAIN] golden IMAP ready",
            ">1 ID (\"name\" \"golden\" \"version\" \"1.0\")",
            "<* ID NIL\r\n1 OK ID completed",
            ">2 LOGIN {5+}\r\nalice {5+}\r\nqueen",
            "<2 OK logged in",
            ">3 SELECT INBOX",
            "<* 3 EXISTS\r\n* 0 RECENT\r\n3 OK [READ-WRITE] done",
            ">4 UID FETCH 7 (UID BODY.PEEK[])",
            "<* 1 FETCH (UID 7 BODY[] {135}\r\nFrom: Bob <bob@example.net>\r\nSubject: Cards\r\n\
             Content-Type: text/plain; name=\"cards.txt\"\r\n\r\nThe queen of hearts,\r\nshe made some tarts.\r\n)\r\n\
             4 OK done",
            ">5 APPEND Sent (\\Seen) {34+}\r\nSubject: Tarts\r\n\r\nWho took them?\r\n",
            "<5 OK [APPENDUID 1 2] done",
            ">6 LOGOUT",
            "<* BYE\r\n6 OK bye",
        ],
    )
    .fin_from(Resp)
}

/// What a client's stream begins with.
const XMPP_HELLO: &str = "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' xmlns='jabber:client' \
                          xmlns:stream='http://etherx.jabber.org/streams'>";

/// What the server's begins with, before its features.
const XMPP_HELLO_BACK: &str = "<?xml version='1.0'?><stream:stream from='example.org' id='golden-1' version='1.0' \
                               xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

/// A login and two messages.
fn xmpp() -> Conversation {
    let features = format!(
        "{XMPP_HELLO_BACK}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
         <mechanism>PLAIN</mechanism></mechanisms></stream:features>"
    );
    let bind =
        format!("{XMPP_HELLO_BACK}<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
    Conversation::new("10.0.0.1:40000", "192.0.2.52:5222")
        .syn()
        .send(Orig, XMPP_HELLO.as_bytes())
        .send(Resp, features.as_bytes())
        .send(Orig, b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHF1ZWVu</auth>")
        .send(Resp, b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        .send(Orig, XMPP_HELLO.as_bytes())
        .send(Resp, bind.as_bytes())
        .send(Orig, b"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        .send(Resp, b"<iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.org/g</jid></bind></iq>")
        .send(Orig, b"<presence/>")
        .send(Orig, b"<message to='bob@example.org' type='chat'><body>Tea?</body></message>")
        .send(Resp, b"<message from='bob@example.org' type='chat'><body>No room!</body></message>")
        .send(Orig, b"</stream:stream>")
        .send(Resp, b"</stream:stream>")
        .fin()
}

/// A stream that goes on in TLS.
fn xmpp_tls() -> Conversation {
    Conversation::new("10.0.0.1:40001", "192.0.2.52:5222")
        .at(at_ms(1000))
        .syn()
        .send(Orig, XMPP_HELLO.as_bytes())
        .send(Resp, format!("{XMPP_HELLO_BACK}<stream:features><starttls/></stream:features>").as_bytes())
        .send(Orig, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        .send(Resp, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        .fin()
}

/// A login with VNC's own challenge.
fn vnc() -> Conversation {
    Conversation::new("10.0.0.1:40000", "192.0.2.59:5900")
        .syn()
        .send(Resp, b"RFB 003.008\n")
        .send(Orig, b"RFB 003.008\n")
        .send(Resp, &[2, 2, 16])
        .send(Orig, &[2])
        .send(Resp, &[0x5a; 16])
        .send(Orig, &[0xa5; 16])
        .send(Resp, &[0; 4])
        .send(Orig, &[1])
        .send(Resp, b"\x05\x00\x02\xd0\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\x06golden")
        .send(Orig, b"\x03\0\0\0\0\0\x05\0\x02\xd0")
        .fin()
}

/// Too many attempts.
fn vnc_refused() -> Conversation {
    Conversation::new("10.0.0.1:40001", "192.0.2.59:5900")
        .at(at_ms(1000))
        .syn()
        .send(Resp, b"RFB 003.008\n")
        .send(Orig, b"RFB 003.008\n")
        .send(Resp, b"\x00\x00\x00\x00\x11Too many attempts")
        .fin_from(Resp)
}

/// A login by password, then TLS's first bytes through the proxy.
fn socks5() -> Conversation {
    Conversation::new("10.0.0.1:40000", "192.0.2.80:1080")
        .syn()
        .send(Orig, &[5, 2, 0, 2])
        .send(Resp, &[5, 2])
        .send(Orig, b"\x01\x05alice\x06secret")
        .send(Resp, &[1, 0])
        .send(Orig, b"\x05\x01\x00\x03\x0bexample.org\x00\x50")
        .send(Resp, &[5, 0, 0, 1, 198, 51, 100, 7, 0x1f, 0x90])
        .send(Orig, b"GET /inside HTTP/1.1\r\nHost: example.org\r\n\r\n")
        .send(Resp, b"HTTP/1.1 204 No Content\r\n\r\n")
        .fin()
}

/// An older client, whom the proxy refuses.
fn socks4() -> Conversation {
    Conversation::new("10.0.0.1:40001", "192.0.2.80:9999")
        .at(at_ms(1000))
        .syn()
        .send(Orig, b"\x04\x01\x00\x16\x00\x00\x00\x01alice\x00ssh.example.org\x00")
        .send(Resp, &[0, 0x5b, 0, 0, 0, 0, 0, 0])
        .fin_from(Resp)
}

const ALICE: &str = "10.0.0.1:5060";
const PROXY: &str = "192.0.2.60:5060";

/// Header fields that a call's messages share.
fn sip(first: &str, cseq: &str, more: &str) -> Vec<u8> {
    format!(
        "{first}\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{}\r\nFrom: \"Alice\" <sip:alice@example.org>;tag=a1\r\n\
         To: <sip:bob@example.net>\r\nCall-ID: call-1@10.0.0.1\r\nCSeq: {cseq}\r\n{more}",
        cseq.replace(' ', "")
    )
    .into_bytes()
}

fn with_sdp(host: &str) -> String {
    let sdp = format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n");
    format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len())
}

/// A call that is answered and ended, and a request that stays unanswered.
fn call() -> Vec<Timed> {
    const END: &str = "Content-Length: 0\r\n\r\n";
    let messages: [(bool, Vec<u8>); 9] = [
        (true, b"\r\n\r\n".to_vec()),
        (true, sip("INVITE sip:bob@example.net SIP/2.0", "1 INVITE", &with_sdp("10.0.0.1"))),
        (false, sip("SIP/2.0 100 Trying", "1 INVITE", END)),
        (false, sip("SIP/2.0 180 Ringing", "1 INVITE", END)),
        (false, sip("SIP/2.0 200 OK", "1 INVITE", &with_sdp("192.0.2.61"))),
        (true, sip("ACK sip:bob@example.net SIP/2.0", "1 ACK", END)),
        (true, sip("BYE sip:bob@example.net SIP/2.0", "2 BYE", "User-Agent: golden/1.0\r\nContent-Length: 0\r\n\r\n")),
        (false, sip("SIP/2.0 200 OK", "2 BYE", "Server: proxy/1.0\r\nContent-Length: 0\r\n\r\n")),
        (true, sip("OPTIONS sip:example.net SIP/2.0", "3 OPTIONS", END)),
    ];
    let frame = |i: usize, (from_alice, text): &(bool, Vec<u8>)| {
        let (a, b) = if *from_alice { (ALICE, PROXY) } else { (PROXY, ALICE) };
        (at_ms(10 * i as i64), Frame::udp(a, b, text).frame())
    };
    messages.iter().enumerate().map(|(i, m)| frame(i, m)).collect()
}
