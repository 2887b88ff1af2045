//! Terminals and cameras at a distance.

use crate::{Capture, Timed, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("finger/ask", frames_of(&[finger()])),
        Capture::ethernet("rlogin/sessions", frames_of(&[rlogin(), rsh()])),
        Capture::ethernet("oncrpc/nfs", rpc()),
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

/// Words of an RPC message.
fn words(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|w| w.to_be_bytes()).collect()
}

/// A call by user 1000 of the machine `rabbit`.
fn rpc_call(xid: u32, [program, version, procedure]: [u32; 3], args: &[u8]) -> Vec<u8> {
    let identity = [&words(&[0, 6]), b"rabbit\0\0".as_slice(), &words(&[1000, 100, 0])].concat();
    let head = words(&[xid, 0, 2, program, version, procedure, 1, identity.len() as u32]);
    [&head, &identity, &words(&[0, 0]), args].concat()
}

fn rpc_reply(xid: u32, results: &[u8]) -> Vec<u8> {
    [&words(&[xid, 1, 0, 0, 0, 0]), results].concat()
}

/// A message over TCP.
fn record(message: &[u8]) -> Vec<u8> {
    [&words(&[1 << 31 | message.len() as u32]), message].concat()
}

/// A compound of NFS 4: `count` operations.
fn compound(xid: u32, count: u32, operations: &[&[u8]]) -> Vec<u8> {
    record(&rpc_call(xid, [100_003, 4, 1], &[&words(&[0, 0, count]), operations.concat().as_slice()].concat()))
}

/// A successful compound's results.
fn results(xid: u32, count: u32, results: &[&[u8]]) -> Vec<u8> {
    record(&rpc_reply(xid, &[&words(&[0, 0, count]), results.concat().as_slice()].concat()))
}

/// With NFS 4 a file is looked up from the root, and read.
fn nfs4() -> Conversation {
    let name = [&words(&[24, 15, 7]), b"tea.txt\0".as_slice(), &words(&[10])].concat();
    let handle = [&words(&[8]), b"handle04".as_slice()].concat();
    let read = [&words(&[22]), handle.as_slice(), &words(&[25, 0, 0, 0, 0, 0, 0, 4096])].concat();
    Conversation::new("10.0.0.1:802", "192.0.2.49:2049")
        .at(at_ms(200))
        .syn()
        .send(Orig, &compound(6, 3, &[&name]))
        .send(Resp, &results(6, 3, &[&words(&[24, 0, 15, 0, 10, 0]), &handle]))
        .send(Orig, &compound(7, 2, &[&read]))
        .send(Resp, &results(7, 2, &[&words(&[22, 0, 25, 0, 1, 8]), b"two cups"]))
        .fin()
}

/// The port of NFS is asked for, then a file is looked up, read, and one is removed in vain; and NFS 4.
fn rpc() -> Vec<Timed> {
    const NFS: u32 = 100_003;
    let (client, server) = ("10.0.0.1:800", "192.0.2.49:111");
    let ask = rpc_call(1, [100_000, 2, 3], &words(&[NFS, 3, 6, 0]));
    let mut frames = vec![
        (at_ms(0), Frame::udp(client, server, &ask).frame()),
        (at_ms(1), Frame::udp(server, client, &rpc_reply(1, &words(&[2049]))).frame()),
    ];
    let handle = [&words(&[8]), b"handle01".as_slice()].concat();
    let named = |name: &[u8; 8]| [&handle, words(&[7]).as_slice(), name].concat();
    let read = |xid| record(&rpc_call(xid, [NFS, 3, 6], &[&handle, words(&[0, 0, 4096]).as_slice()].concat()));
    let content = |xid| record(&rpc_reply(xid, &[&words(&[0, 0, 4096, 0, 4096]), [7; 4096].as_slice()].concat()));
    let nfs = Conversation::new("10.0.0.1:801", "192.0.2.49:2049")
        .at(at_ms(100))
        .syn()
        .send(Orig, &record(&rpc_call(2, [NFS, 3, 3], &named(b"tea.txt\0"))))
        .send(Resp, &record(&rpc_reply(2, &[&words(&[0]), handle.as_slice()].concat())))
        .send(Orig, &[read(3), read(4)].concat())
        .send(Resp, &[content(3), content(4)].concat())
        .send(Orig, &record(&rpc_call(5, [NFS, 3, 12], &named(b"hat.txt\0"))))
        .send(Resp, &record(&rpc_reply(5, &words(&[13]))))
        .fin();
    frames.extend(nfs.frames());
    frames.extend(nfs4().frames());
    frames
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
