//! Terminals and cameras at a distance.

use crate::{Capture, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("finger/ask", frames_of(&[finger()])),
        Capture::ethernet("rlogin/sessions", frames_of(&[rlogin(), rsh()])),
        Capture::ethernet("rtsp/play", frames_of(&[rtsp()])),
        Capture::ethernet("telnet/login", frames_of(&[telnet()])),
    ]
}

fn finger() -> Conversation {
    Conversation::new("10.0.0.1:40000", "192.0.2.79:79")
        .syn()
        .send(Orig, b"/W alice\r\n")
        .send(Resp, b"\r\nLogin: alice\t\tName: Alice Liddell\r\nNo Plan.\r\n")
        .fin_from(Resp)
}

fn rlogin() -> Conversation {
    Conversation::new("10.0.0.1:1023", "192.0.2.13:513")
        .syn()
        .send(Orig, b"\0")
        .send(Orig, b"alice\0root\0xterm/38400\0")
        .send(Resp, b"\0")
        .send(Resp, b"Last login: Tue Nov 14\r\n# ")
        .send(Orig, b"exit\r")
        .fin_from(Resp)
}

fn rsh() -> Conversation {
    Conversation::new("10.0.0.1:1022", "192.0.2.13:514")
        .at(at_ms(1000))
        .syn()
        .send(Orig, b"1021\0alice\0bob\0cat tarts\0")
        .send(Resp, b"\x01Permission denied.\n")
        .fin_from(Resp)
}

/// A stream that is described, set up within the connection, and played.
fn rtsp() -> Conversation {
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.54\r\ns=golden\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n";
    let described = format!(
        "RTSP/1.0 200 OK\r\nCSeq: 2\r\nServer: camera/1.0\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let media: Vec<u8> = [b"$\x00\x00\x20".as_slice(), &[0x80; 32]].concat();
    let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";
    Conversation::new("10.0.0.1:40000", "192.0.2.54:554")
        .syn()
        .send(Orig, b"OPTIONS rtsp://192.0.2.54/cam RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: golden/1.0\r\n\r\n")
        .send(Resp, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n")
        .send(
            Orig,
            b"DESCRIBE rtsp://192.0.2.54/cam RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic YWxpY2U6cXVlZW4=\r\n\r\n",
        )
        .send(Resp, described.as_bytes())
        .send(Orig, format!("SETUP rtsp://192.0.2.54/cam/1 RTSP/1.0\r\nCSeq: 3\r\n{transport}\r\n\r\n").as_bytes())
        .send(Resp, format!("RTSP/1.0 200 OK\r\nCSeq: 3\r\n{transport}\r\nSession: 7;timeout=60\r\n\r\n").as_bytes())
        .send(Orig, b"PLAY rtsp://192.0.2.54/cam RTSP/1.0\r\nCSeq: 4\r\nSession: 7\r\n\r\n")
        .send(Resp, &[b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 7\r\n\r\n".as_slice(), &media].concat())
        .send(Resp, &media)
        .send(Orig, b"TEARDOWN rtsp://192.0.2.54/cam RTSP/1.0\r\nCSeq: 5\r\nSession: 7\r\n\r\n")
        .fin_from(Resp)
}

/// Options, a wrong password, a right one.
fn telnet() -> Conversation {
    Conversation::new("10.0.0.1:40000", "192.0.2.23:23")
        .syn()
        .send(Resp, b"\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03")
        .send(Orig, b"\xff\xfb\x18\xff\xfb\x1f\xff\xfd\x01\xff\xfd\x03\xff\xfa\x1f\0\x50\0\x18\xff\xf0")
        .send(Resp, b"\xff\xfa\x18\x01\xff\xf0")
        .send(Orig, b"\xff\xfa\x18\0XTERM\xff\xf0")
        .send(Resp, b"\r\nGolden OS 1.0\r\n\r\nlogin: ")
        .send(Orig, b"alice\r\0")
        .send(Resp, b"alice\r\nPassword: ")
        .send(Orig, b"wonderland\r\0")
        .send(Resp, b"\r\nLogin incorrect\r\nlogin: ")
        .send(Orig, b"alice\r\0")
        .send(Resp, b"alice\r\nPassword: ")
        .send(Orig, b"queen\r\0")
        .send(Resp, b"\r\nLast login: Tue Nov 14 from 10.0.0.1\r\n$ ")
        .send(Orig, b"exit\r\0")
        .fin_from(Resp)
}
