use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const HELLO: &[u8] = b"<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client' \
xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
const HELLO_BACK: &[u8] = b"<stream:stream id='s1' from='example.org' xmlns='jabber:client'><stream:features>\
<mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>";

const SESSION: &[Step<'_>] = &[
    Step::Data(Orig, HELLO),
    Step::Data(Resp, HELLO_BACK),
    Step::Data(Orig, b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGJvYgB3cm9uZw==</auth>"),
    Step::Data(Resp, b"<failure xmlns='x'><not-authorized/></failure>"),
    Step::Data(Orig, b"<auth mechanism=\"PLAIN\">AGFsaWNlAHNlY3JldA==</auth>"),
    Step::Data(Resp, b"<success/>"),
    Step::Data(Orig, HELLO),
    Step::Data(Resp, HELLO_BACK),
    Step::Data(Orig, b"<iq type='set'><bind><resource>r</resource></bind></iq>"),
    Step::Data(Resp, b"<iq type='result'><bind><jid>alice@example.org/r</jid></bind></iq>"),
    Step::Data(Orig, b"<presence/><message to='bob@example.org'><body>secret &lt;message&gt;</body></message>"),
    Step::Data(Resp, b"<presence from='bob@example.org'/>\n<message><message/></message></stream:stream>"),
];

#[test]
fn parses_a_stream() {
    let out = check_splits(ProtoId::Xmpp, 5222, SESSION);
    assert_eq!(
        out.rows,
        [
            "xmpp: kind=Str(\"client\") to=Str(\"example.org\") version=Str(\"1.0\") stream_id=Str(\"s1\") user=Str(\"alice\") \
          auth_method=Str(\"PLAIN\") auth_success=Bool(true) auth_attempts=Count(2) jid=Str(\"alice@example.org/r\") \
          orig_messages=Count(1) resp_messages=Count(1) orig_presences=Count(1) resp_presences=Count(1) orig_iqs=Count(1) \
          resp_iqs=Count(1) tls=Bool(false) error=Str(\"not-authorized\")"
        ]
    );
    check_truncations(ProtoId::Xmpp, 5222, SESSION);
    check_damage(ProtoId::Xmpp, 5222, SESSION, 100);
}

#[test]
fn starttls_hands_over() {
    let mut b = Bench::new(ProtoId::Xmpp, Transport::Tcp, 5222);
    b.data(Orig, HELLO).data(Resp, HELLO_BACK).data(Orig, b"<starttls xmlns='x'/>");
    b.data(Resp, b"<proceed xmlns='x'/>\x16").end();
    assert_eq!(b.out.hand_over.as_ref().map(|h| (h.to, h.unconsumed)), Some((None, 1)));
    assert!(b.rows("xmpp")[0].contains("tls=Bool(true)"));
    assert_eq!(b.out.confirmed, ["xmpp"]);
}

#[test]
fn probes_by_content() {
    assert_eq!(side(HELLO), Guess::Yes);
    assert_eq!(side(b"<?xml version='1.0' ?>"), Guess::More);
    assert_eq!(side(b"<?xml version='1.0' ?><html>"), Guess::No);
    assert_eq!(side(b"<ht"), Guess::No);
    assert_eq!(side(b"GET / HTTP/1.1"), Guess::No);
}

#[test]
fn limits_tags() {
    let mut b = Bench::new(ProtoId::Xmpp, Transport::Tcp, 5222);
    b.data(Orig, HELLO).data(Orig, b"<auth mechanism='PLAIN'>").data(Orig, &[b'A'; 100_000]);
    b.data(Resp, b"<message x='").data(Resp, &[b'x'; 100_000]).data(Resp, &b"<a>".repeat(10_000));
    assert!(b.held_len() < 32 * 1024, "{}", b.held_len());
}
