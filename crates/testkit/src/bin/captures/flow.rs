//! Connection states, history, reassembly and fragments.

use crate::{Capture, Timed, addr, at, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Addr, Conversation, Dir, Endpoint, Frame, eth, flag, icmp_echo, ip, ip_proto};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("flow/states", frames_of(&states())),
        Capture::ethernet("flow/midstream", frames_of(&midstream())),
        Capture::ethernet("flow/one-sided", frames_of(&one_sided())),
        Capture::ethernet("flow/wrap-around", frames_of(&[wrap_around()])),
        Capture::ethernet("flow/gap", frames_of(&[gap()])),
        Capture::ethernet("flow/disorder", frames_of(&disorder())),
        Capture::ethernet("flow/udp", udp()),
        Capture::ethernet("flow/icmp", icmp()),
        Capture::ethernet("flow/fragments", fragments()),
    ]
}

/// The `n`th conversation of a capture, 10 s after the one before; port 9000 + n tells it in the log.
fn nth(n: u16) -> Conversation {
    Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), format!("192.0.2.1:{}", 9000 + n).as_str())
        .at(at(10 * i64::from(n)))
}

/// One connection per state of Zeek's table, in its order: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH.
fn states() -> Vec<Conversation> {
    let talk = |n| nth(n).syn().send(Orig, b"question").send(Resp, b"a longer answer");
    let syn = |n: u16| nth(n).segment(Orig, flag::SYN, b"");
    let syn_ack = |n: u16| nth(n).lose(Orig, 1).segment(Resp, flag::SYN | flag::ACK, b"");
    let fin = flag::FIN | flag::ACK;
    vec![
        syn(0),
        talk(1),
        talk(2).fin(),
        syn(3).rst(Resp),
        talk(4).segment(Orig, fin, b"").ack(Resp),
        talk(5).segment(Resp, fin, b"").ack(Orig),
        talk(6).rst(Orig),
        talk(7).rst(Resp),
        syn(8).rst(Orig),
        // Only a well-known port tells that the SYN-ACK came from a responder; without one it may be a scan.
        Conversation::new("10.0.0.1:40009", "192.0.2.1:443")
            .at(at(90))
            .lose(Orig, 1)
            .segment(Resp, flag::SYN | flag::ACK, b"")
            .rst(Resp),
        syn(10).segment(Orig, fin, b""),
        syn_ack(11).segment(Resp, fin, b""),
        nth(12).ack(Orig).ack(Resp),
    ]
}

/// Connections whose beginning was not captured: both sides, and a port that shows who is the server.
fn midstream() -> Vec<Conversation> {
    vec![
        nth(0).send(Orig, b"in the middle").send(Resp, b"of something").ack(Orig),
        // The first packet comes from port 443, so the sides change.
        Conversation::new("192.0.2.9:443", "10.0.0.1:50123").at(at(10)).send(Orig, b"\x01\x02\x03").ack(Resp),
        nth(2).send(Orig, b"and its end").fin(),
    ]
}

/// Only one direction was captured.
fn one_sided() -> Vec<Conversation> {
    let talk = |n| nth(n).syn().send(Orig, b"question").send(Resp, b"a longer answer").fin();
    vec![talk(0).only(Orig), talk(1).only(Resp)]
}

/// Sequence numbers that pass 2^32 in both directions.
fn wrap_around() -> Conversation {
    nth(0).seqs(u32::MAX - 99, u32::MAX - 49).syn().send(Orig, &[b'q'; 500]).send(Resp, &[b'a'; 5000]).fin()
}

/// 300 bytes of an answer were not captured, although acknowledged.
fn gap() -> Conversation {
    nth(0)
        .syn()
        .send(Orig, b"question")
        .send(Resp, &[b'a'; 700])
        .lose(Resp, 300)
        .send(Resp, &[b'b'; 500])
        .ack(Orig)
        .fin()
}

/// Segments doubled, exchanged, and sent again with other bytes.
fn disorder() -> Vec<Conversation> {
    let http = |n| {
        Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.1:80")
            .at(at(10 * i64::from(n)))
            .syn()
            .send_split(Orig, b"GET /a HTTP/1.1\r\nHost: order.example\r\n\r\n", &[4, 20])
            .send(Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .fin()
    };
    // Segment 3 is "GET ", 4 and 5 are the rest.
    let mut rewritten = http(3).duplicate(3);
    if let Some(second) = rewritten.segments().get_mut(4) {
        second.frame.payload = b"PUT ".to_vec();
    }
    vec![http(0), http(1).swap(3, 4), http(2).duplicate(4).duplicate(6), rewritten]
}

/// UDP: answered, unanswered, and answered only.
fn udp() -> Vec<Timed> {
    let (a, b) = ("10.0.0.1:40000", "192.0.2.1:9000");
    let (c, d) = ("[2001:db8::1]:40001", "[2001:db8::2]:9001");
    vec![
        (at(0), Frame::udp(a, b, b"ping").frame()),
        (at_ms(15), Frame::udp(b, a, b"pong pong").frame()),
        (at(1), Frame::udp(c, d, b"anybody there?").frame()),
        (at(2), Frame::udp("10.0.0.1:40002", "255.255.255.255:9002", b"to all").frame()),
    ]
}

/// Echo with its answer, an unanswered echo, an unreachable port, and neighbour discovery.
fn icmp() -> Vec<Timed> {
    let (a, b) = (addr("10.0.0.1"), addr("192.0.2.1"));
    let (c, d) = (addr("fe80::1"), addr("ff02::1:ff00:2"));
    let echo = |src: Addr, dst: Addr, kind, seq| {
        let packet = ip(src, dst, ip_proto::ICMP, &icmp_echo(kind, 77, seq, &[7; 32]));
        eth(Endpoint::from((src, 0)).mac(), Endpoint::from((dst, 0)).mac(), 0x0800, &packet)
    };
    let refused = Frame::udp("10.0.0.1:40000", "192.0.2.3:7", b"echo?");
    vec![
        (at(0), echo(a, b, 8, 1)),
        (at_ms(12), echo(b, a, 0, 1)),
        (at(1), echo(a, b, 8, 2)),
        (at_ms(1012), echo(b, a, 0, 2)),
        (at(2), echo(a, addr("192.0.2.2"), 8, 1)),
        (at(3), refused.frame()),
        (at_ms(3004), Frame::icmp(addr("192.0.2.3"), a, 3, 3, &refused.packet()[..28]).frame()),
        (at(4), Frame::icmp(c, d, 135, 0, addr("fe80::2").octets()).frame()),
    ]
}

/// A DNS answer in IPv4 fragments, the last one first; the same over IPv6; and one whose middle is missing.
fn fragments() -> Vec<Timed> {
    let question = |client: &str| {
        Frame::udp(client, "192.0.2.53:53", &sekisho_testkit::dns::question(9, "big.example", 16)).frame()
    };
    let answer = |client: &str| {
        let text = [b'x'; 200];
        Frame::udp("192.0.2.53:53", client, &sekisho_testkit::dns::texts(9, "big.example", &[&text, &text, &text]))
            .id(500)
    };
    let mut out = vec![(at(0), question("10.0.0.1:40000"))];
    let mut parts = answer("10.0.0.1:40000").fragments(304);
    parts.reverse();
    out.extend(parts.into_iter().zip(0i64..).map(|(f, i)| (at_ms(10 + i), f)));
    let v6 = Frame::udp("[2001:db8::1]:40001", "[2001:db8::53]:9053", &[6; 900]).fragments(400);
    out.extend(v6.into_iter().zip(0i64..).map(|(f, i)| (at_ms(1000 + i), f)));
    out.push((at(2), question("10.0.0.2:40002")));
    let mut hole = answer("10.0.0.2:40002").fragments(304);
    hole.remove(1);
    out.extend(hole.into_iter().zip(0i64..).map(|(f, i)| (at_ms(2010 + i), f)));
    out
}
