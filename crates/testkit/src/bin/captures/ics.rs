//! Controllers and those who ask them.

use crate::{Capture, Timed, at, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("modbus/polling", frames_of(&modbus())),
        Capture::ethernet("dnp3/control", frames_of(&dnp3())),
        Capture::ethernet("dnp3/datagrams", dnp3_datagrams()),
        Capture::ethernet("bacnet/building", bacnet()),
        Capture::ethernet("enip/cell", enip()),
        Capture::ethernet("iec104/substation", frames_of(&iec104())),
        Capture::ethernet("opcua/sessions", frames_of(&opcua())),
        Capture::ethernet("s7comm/engineering", frames_of(&s7comm())),
    ]
}

fn talk(n: u16, resp: &str) -> Conversation {
    Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), resp).at(at(10 * i64::from(n))).syn()
}

/// A Modbus message (Messaging on TCP/IP §3.1.3).
fn mbap(tid: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let len = u16::try_from(pdu.len() + 1).expect("a PDU");
    [&tid.to_be_bytes()[..], &[0, 0], &len.to_be_bytes(), &[unit], pdu].concat()
}

/// Reads, writes, an exception, device identification; two messages in one segment, one in two; a server on another
/// port; a connection of which only the middle was captured, with a hole.
fn modbus() -> Vec<Conversation> {
    let identity = [&[43, 14, 1, 1, 0, 0, 3][..], b"\x00\x04Acme\x01\x05PLC-1\x02\x04V1.2"].concat();
    vec![
        talk(0, "192.0.2.2:502")
            .send(Orig, &mbap(1, 1, &[3, 0, 107, 0, 3]))
            .send(Resp, &mbap(1, 1, &[3, 6, 2, 43, 0, 0, 0, 100]))
            .send(Orig, &[mbap(2, 1, &[1, 0, 19, 0, 10]), mbap(3, 1, &[4, 0, 8, 0, 1])].concat())
            .send(Resp, &[mbap(2, 1, &[1, 2, 0xcd, 1]), mbap(3, 1, &[4, 2, 0, 10])].concat())
            .send_split(Orig, &mbap(4, 1, &[15, 0, 19, 0, 10, 2, 0xcd, 1]), &[5, 9])
            .send(Resp, &mbap(4, 1, &[15, 0, 19, 0, 10]))
            .send(Orig, &mbap(5, 1, &[5, 0, 172, 0xff, 0]))
            .send(Resp, &mbap(5, 1, &[5, 0, 172, 0xff, 0]))
            .send(Orig, &mbap(6, 9, &[6, 0, 1, 0, 3]))
            .send(Resp, &mbap(6, 9, &[0x86, 11]))
            .send(Orig, &mbap(7, 1, &[22, 0, 4, 0, 0xf2, 0, 0x25]))
            .send(Resp, &mbap(7, 1, &[22, 0, 4, 0, 0xf2, 0, 0x25]))
            .send(Orig, &mbap(8, 1, &[43, 14, 1, 0]))
            .send(Resp, &mbap(8, 1, &identity))
            .send(Orig, &mbap(9, 1, &[70, 1, 2]))
            .send(Resp, &mbap(9, 1, &[0xc6, 1]))
            .fin(),
        talk(1, "192.0.2.3:5020")
            .send(Orig, &mbap(1, 1, &[3, 0, 0, 0, 1]))
            .send(Resp, &mbap(1, 1, &[3, 2, 0, 7]))
            .send(Orig, &mbap(2, 1, &[6, 0, 0, 0, 8]))
            .send(Resp, &mbap(2, 1, &[6, 0, 0, 0, 8]))
            .fin(),
        Conversation::new("10.0.0.1:40002", "192.0.2.2:502")
            .at(at(20))
            .send(Resp, &mbap(80, 1, &[2, 1, 5]))
            .send(Orig, &mbap(81, 1, &[2, 0, 0, 0, 3]))
            .lose(Orig, 12)
            .send(Orig, &mbap(83, 1, &[2, 0, 0, 0, 4]))
            .send(Resp, &mbap(83, 1, &[2, 1, 9])),
    ]
}

/// Checksum of a DNP3 block (IEEE 1815-2012 clause 9.2.4.3).
fn dnp3_crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc = 0u16;
    for b in bytes {
        crc ^= u16::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    (!crc).to_le_bytes()
}

/// A DNP3 link frame between the master 1 and the outstation 4; `user` begins with the transport header.
fn dnp3_frame(from_master: bool, user: &[u8]) -> Vec<u8> {
    let len = u8::try_from(5 + user.len()).expect("at most 250 bytes of user data");
    let mut out = vec![5, 0x64, len];
    out.extend(if from_master { [0xc4, 4, 0, 1, 0] } else { [0x44, 1, 0, 4, 0] });
    out.extend(dnp3_crc(&out));
    for block in user.chunks(16) {
        out.extend(block);
        out.extend(dnp3_crc(block));
    }
    out
}

/// A whole DNP3 fragment in one frame.
fn dnp3_say(from_master: bool, fragment: &[u8]) -> Vec<u8> {
    dnp3_frame(from_master, &[&[0xc0], fragment].concat())
}

/// Closing a breaker: point 3, latched on for 100 ms; `status` is the outstation's answer.
fn crob(status: u8) -> Vec<u8> {
    vec![12, 1, 0x28, 1, 0, 3, 0, 3, 1, 100, 0, 0, 0, 0, 0, 0, 0, status]
}

/// Unsolicited report and its confirmation, a class poll answered in two frames, select before operate, an operation
/// that wants no reply, an operation refused, an analog output, a file asked for, a restart nobody answers.
fn dnp3() -> Vec<Conversation> {
    let command = [&[26u8, 0, 9, 0][..], &[0; 22], b"events.db"].concat();
    let open = [&[0xc6, 25, 70, 3, 0x5b, 1, 35, 0][..], &command].concat();
    let status = [70, 4, 0x5b, 1, 13, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 3];
    let long = [&[0xc1, 0x81, 0x10, 0, 1, 1, 1, 0, 0, 0xff, 7][..], &[0xaa; 256], &[30, 4, 0, 0, 0, 1, 0]].concat();
    let (first, rest) = long.split_at(240);
    vec![
        talk(0, "192.0.2.4:20000")
            .send(Resp, &dnp3_say(false, &[0xf0, 0x82, 0x90, 0]))
            .send(Orig, &dnp3_say(true, &[0xd0, 0]))
            .send(Orig, &dnp3_frame(true, &[]))
            .send(Orig, &dnp3_say(true, &[0xc1, 1, 60, 2, 6, 60, 3, 6, 60, 1, 6]))
            .send(
                Resp,
                &[dnp3_frame(false, &[&[0x40], first].concat()), dnp3_frame(false, &[&[0x81], rest].concat())].concat(),
            )
            .send(Orig, &dnp3_say(true, &[&[0xc2, 3][..], &crob(0)].concat()))
            .send(Resp, &dnp3_say(false, &[&[0xc2, 0x81, 0, 0][..], &crob(0)].concat()))
            .send(Orig, &dnp3_say(true, &[&[0xc3, 4][..], &crob(0)].concat()))
            .send(Resp, &dnp3_say(false, &[&[0xc3, 0x81, 0, 0][..], &crob(7)].concat()))
            .send(Orig, &dnp3_say(true, &[&[0xc4, 6][..], &crob(0)].concat()))
            .send(Orig, &dnp3_say(true, &[0xc5, 5, 41, 2, 0x17, 1, 9, 0xdc, 5, 0]))
            .send(Resp, &dnp3_say(false, &[0xc5, 0x81, 0, 0, 41, 2, 0x17, 1, 9, 0xdc, 5, 0]))
            .send(Orig, &dnp3_say(true, &open))
            .send(Resp, &dnp3_say(false, &[&[0xc6, 0x81, 0, 0][..], &status].concat()))
            .send(Orig, &dnp3_say(true, &[0xc7, 13]))
            .fin(),
        talk(1, "192.0.2.4:2404")
            .send(Orig, &dnp3_say(true, &[0xc0, 24]))
            .send(Resp, &dnp3_say(false, &[0xc0, 0x81, 0, 0]))
            .fin(),
    ]
}

/// The same over UDP: time written, and a datagram with a wrong checksum.
fn dnp3_datagrams() -> Vec<Timed> {
    let (master, outstation) = ("10.0.0.1:20000", "192.0.2.4:20000");
    let write = dnp3_say(true, &[0xc0, 2, 50, 1, 7, 1, 1, 2, 3, 4, 5, 6]);
    let mut damaged = write.clone();
    damaged[14] ^= 0xff;
    let frames = [
        (0, Frame::udp(master, outstation, &write)),
        (20, Frame::udp(outstation, master, &dnp3_say(false, &[0xc0, 0x81, 0, 0]))),
        (40, Frame::udp(master, outstation, &damaged)),
        (60, Frame::udp(master, outstation, &dnp3_say(true, &[0xc1, 23]))),
        (80, Frame::udp(outstation, master, &dnp3_say(false, &[0xc1, 0x81, 0, 0, 52, 2, 7, 1, 10, 0]))),
    ];
    frames.into_iter().map(|(ms, f)| (at_ms(ms), f.frame())).collect()
}

/// A packet (RFC 1006) with a transport message.
fn tpkt(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len() + 4).expect("a packet");
    [&[3, 0], &len.to_be_bytes()[..], message].concat()
}

/// A packet with user data.
fn cotp(payload: &[u8]) -> Vec<u8> {
    tpkt(&[&[2, 0xf0, 0x80], payload].concat())
}

/// A message of S7comm.
fn s7(kind: u8, reference: u16, error: &[u8], params: &[u8], data: &[u8]) -> Vec<u8> {
    let len = |b: &[u8]| u16::try_from(b.len()).expect("a message").to_be_bytes();
    let head = [&[0x32, kind, 0, 0], &reference.to_be_bytes()[..], &len(params), &len(data), error].concat();
    cotp(&[&head, params, data].concat())
}

/// Connection, setup, a list of the controller's modules, variables read and written, one refused, a block loaded up,
/// the program stopped and started; a newer controller; a server that answers nothing.
fn s7comm() -> Vec<Conversation> {
    let connect = |code: u8| tpkt(&[17, code, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2]);
    let setup = [0xf0, 0, 0, 1, 0, 1, 1, 0xe0];
    let db = [0x12, 10, 0x10, 2, 0, 4, 0, 1, 0x84, 0, 0, 0x50];
    let flag = [0x12, 10, 0x10, 1, 0, 1, 0, 0, 0x83, 0, 0, 0x1b];
    let szl = [0, 1, 0x12, 4, 0x11, 0x44, 1, 0];
    let szl_answer = [0, 1, 0x12, 8, 0x12, 0x84, 1, 1, 0, 0, 0, 0];
    let upload = [&[0x1d, 0, 0, 0, 0, 0, 0, 0, 9][..], b"_0800001A"].concat();
    let stop = [&[0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat();
    let start = [&[0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 9][..], b"P_PROGRAM"].concat();
    let newer = [17 + 16, 0xe0, 0, 0, 0, 2, 0, 0xc1, 2, 6, 0, 0xc2, 15];
    let newer =
        tpkt(&[&[newer.len() as u8 + 14], &newer[1..], b"SIMATIC-ROOT-HMI".get(..15).unwrap_or_default()].concat());
    let plus = |opcode: u8, function: [u8; 2]| {
        cotp(&[&[0x72, 1, 0, 14, opcode, 0, 0], &function[..], &[0, 0, 0, 1, 0, 0, 0, 0, 0x36, 0x72, 1, 0, 0]].concat())
    };
    vec![
        talk(0, "192.0.2.7:102")
            .send(Orig, &connect(0xe0))
            .send(Resp, &connect(0xd0))
            .send(Orig, &s7(1, 1, &[], &setup, &[]))
            .send(Resp, &s7(3, 1, &[0, 0], &[0xf0, 0, 0, 1, 0, 1, 0, 0xf0], &[]))
            .send(Orig, &s7(7, 2, &[], &szl, &[0xff, 9, 0, 4, 0, 0x1c, 0, 0]))
            .send(Resp, &s7(7, 2, &[], &szl_answer, &[0xff, 9, 0, 8, 0, 0x1c, 0, 0, 0, 34, 0, 0]))
            .send(Orig, &s7(1, 3, &[], &[&[4, 2], &db[..], &flag].concat(), &[]))
            .send(Resp, &s7(3, 3, &[0, 0], &[4, 2], &[0xff, 4, 0, 32, 1, 2, 3, 4, 10, 0, 0, 0]))
            .send(Orig, &s7(1, 4, &[], &[&[5, 1], &flag[..]].concat(), &[0, 3, 0, 1, 1]))
            .send(Resp, &s7(3, 4, &[0, 0], &[5, 1], &[0xff]))
            .send(Orig, &s7(1, 5, &[], &upload, &[]))
            .send(Resp, &s7(3, 5, &[0xd2, 9], &[0x1d], &[]))
            .send_split(Orig, &s7(1, 6, &[], &stop, &[]), &[3, 9])
            .send(Resp, &s7(3, 6, &[0, 0], &[0x29], &[]))
            .send(Orig, &s7(1, 7, &[], &start, &[]))
            .send(Resp, &s7(2, 7, &[0x81, 4], &[], &[]))
            .fin(),
        talk(1, "192.0.2.8:102")
            .send(Orig, &newer)
            .send(Orig, &plus(0x31, [0x04, 0xca]))
            .send(Resp, &plus(0x32, [0x04, 0xca]))
            .fin(),
        talk(2, "192.0.2.9:10102").send(Orig, &connect(0xe0)).send(Orig, &s7(1, 1, &[], &setup, &[])).rst(Resp),
    ]
}

/// Datagrams to and fro, 10 ms apart.
fn datagrams(secs: i64, orig: &str, resp: &str, messages: &[(Dir, Vec<u8>)]) -> Vec<Timed> {
    let frame = |(i, (dir, bytes)): (usize, &(Dir, Vec<u8>))| {
        let (from, to) = if dir.is_orig() { (orig, resp) } else { (resp, orig) };
        let millis = secs * 1000 + 10 * i64::try_from(i).expect("few messages");
        (at_ms(millis), Frame::udp(from, to, bytes).frame())
    };
    messages.iter().enumerate().map(frame).collect()
}

/// A BACnet datagram: function of the virtual link, network layer, message.
fn bvlc(function: u8, npdu: &[u8], apdu: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + npdu.len() + apdu.len()).expect("a datagram");
    [&[0x81, function][..], &len.to_be_bytes(), npdu, apdu].concat()
}

/// Devices looked for and found, a temperature read, a write refused, several properties, a restart, a device behind
/// a router, a foreign device registered, a router looked for.
fn bacnet() -> Vec<Timed> {
    let (station, device, all) = ("10.0.0.1:47808", "192.0.2.10:47808", "192.0.2.255:47808");
    let present = [0x0c, 0, 0, 0, 5, 0x19, 85];
    let read = [&[0, 5, 7, 12][..], &present].concat();
    let value = [&[0x30, 7, 12][..], &present, &[0x3e, 0x44, 0x41, 0xac, 0, 0, 0x3f]].concat();
    let write = [0, 5, 8, 15, 0x0c, 1, 0, 0, 1, 0x19, 85, 0x3e, 0x91, 1, 0x3f, 0x49, 8];
    let several = [0, 5, 9, 14, 0x0c, 2, 0, 0x04, 0xd2, 0x1e, 0x09, 77, 0x09, 70, 0x09, 121, 0x1f];
    let i_am = [0x10, 0, 0xc4, 2, 0, 0x04, 0xd2, 0x22, 5, 0xc4, 0x91, 3, 0x21, 15];
    let mut out = datagrams(0, station, all, &[(Orig, bvlc(11, &[1, 0x20, 0xff, 0xff, 0, 255], &[0x10, 8]))]);
    out.extend(datagrams(1, device, all, &[(Orig, bvlc(11, &[1, 0], &i_am))]));
    out.extend(datagrams(
        2,
        station,
        device,
        &[
            (Orig, bvlc(10, &[1, 4], &read)),
            (Resp, bvlc(10, &[1, 0], &value)),
            (Orig, bvlc(10, &[1, 4], &write)),
            (Resp, bvlc(10, &[1, 0], &[0x50, 8, 15, 0x91, 2, 0x91, 40])),
            (Orig, bvlc(10, &[1, 4], &several)),
            (Resp, bvlc(10, &[1, 0], &[0x71, 9, 4])),
            (Orig, bvlc(10, &[1, 0x24, 0, 5, 1, 0x2a, 255], &[&[0, 5, 10, 12][..], &present].concat())),
            (Resp, bvlc(10, &[1, 0x08, 0, 5, 1, 0x2a], &[0x60, 10, 9])),
            (Orig, bvlc(10, &[1, 4], &[0, 5, 11, 20, 0x09, 0])),
            (Resp, bvlc(10, &[1, 0], &[0x20, 11, 20])),
            (Orig, bvlc(5, &[0, 60], &[])),
            (Resp, bvlc(0, &[0, 0], &[])),
            (Orig, bvlc(11, &[1, 0x80], &[0, 0, 7])),
        ],
    ));
    out
}

/// An EtherNet/IP message.
fn encapsulated(command: u16, session: u32, status: u32, context: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("a message");
    let head = [command.to_le_bytes(), len.to_le_bytes()].concat();
    [&head[..], &session.to_le_bytes(), &status.to_le_bytes(), &[context; 8], &[0; 4], data].concat()
}

/// A session: identity, a tag written and refused, several services in one, a connection opened, a message in it, a
/// reset without answer; identities listed by a broadcast; cyclic data.
fn enip() -> Vec<Timed> {
    let identity = [&[1, 0, 14, 0, 55, 0, 20, 11, 0x60, 0, 1, 2, 3, 4, 6][..], b"PLC-20"].concat();
    let rr = |context: u8, cip: &[u8]| {
        let len = u8::try_from(cip.len()).expect("short");
        encapsulated(0x6f, 9, 0, context, &[&[0, 0, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0, len, 0][..], cip].concat())
    };
    let unit = |connection: u8, cip: &[u8]| {
        let len = u8::try_from(cip.len() + 2).expect("short");
        let head = [0, 0, 0, 0, 0, 0, 2, 0, 0xa1, 0, 4, 0, connection, 0, 0, 0, 0xb1, 0, len, 0, 77, 0];
        encapsulated(0x70, 9, 0, 0, &[&head[..], cip].concat())
    };
    let behalf = [&[0x52, 2, 0x20, 6, 0x24, 1, 5, 157, 6, 0][..], &[1, 2, 0x20, 1, 0x24, 1, 1, 0, 1, 0]].concat();
    let several =
        [&[10, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 12, 0, 14, 2, 0x20, 1, 0x24, 1][..], &[0x4c, 2, 0x91, 2, b'T', b'1']]
            .concat();
    let session = talk(0, "192.0.2.11:44818")
        .send(Orig, &encapsulated(0x65, 0, 0, 1, &[1, 0, 0, 0]))
        .send(Resp, &encapsulated(0x65, 9, 0, 1, &[1, 0, 0, 0]))
        .send(Orig, &rr(2, &behalf))
        .send(Resp, &rr(2, &[&[0x81, 0, 0, 0][..], &identity].concat()))
        .send(Orig, &rr(3, &[0x4d, 3, 0x91, 4, b'T', b'e', b'm', b'p', 0xc4, 0, 1, 0, 5, 0, 0, 0]))
        .send(Resp, &rr(3, &[0xcd, 0, 0x0f, 1, 7, 0]))
        .send_split(Orig, &rr(4, &several), &[10, 30])
        .send(Resp, &rr(4, &[0x8a, 0, 0x1e, 0]))
        .send(Orig, &rr(5, &[0x54, 2, 0x20, 6, 0x24, 1, 10, 14]))
        .send(Resp, &rr(5, &[0xd4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]))
        .send(Orig, &unit(1, &[0x0e, 3, 0x20, 4, 0x24, 100, 0x30, 3]))
        .send(Resp, &unit(2, &[0x8e, 0, 0, 0, 1, 2]))
        .send(Orig, &rr(6, &[5, 2, 0x20, 1, 0x24, 1]))
        .send(Orig, &encapsulated(0x66, 9, 0, 7, &[]))
        .fin();
    let item = [&[1, 0, 0x0c, 0, 39, 0, 1, 0, 0, 2, 0xaf, 0x12, 192, 0, 2, 11, 0, 0, 0, 0, 0, 0, 0, 0][..], &identity];
    let io = |n: u8| vec![2, 0, 2, 0x80, 8, 0, 7, 0, 0, 0, n, 0, 0, 0, 0xb1, 0, 4, 0, 1, 2, 3, 4];
    let mut out = session.frames();
    out.extend(datagrams(10, "10.0.0.1:50000", "192.0.2.255:44818", &[(Orig, encapsulated(0x63, 0, 0, 0, &[]))]));
    let listed = encapsulated(0x63, 0, 0, 0, &item.concat());
    out.extend(datagrams(11, "192.0.2.11:44818", "10.0.0.1:50000", &[(Orig, listed)]));
    out.extend(datagrams(12, "10.0.0.1:2222", "192.0.2.11:2222", &[(Orig, io(1)), (Resp, io(1)), (Orig, io(2))]));
    out
}

/// A telecontrol message in its frame, the sender's number being `n`.
fn i_frame(n: u8, asdu: &[u8]) -> Vec<u8> {
    let len = u8::try_from(asdu.len() + 4).expect("a frame");
    [&[0x68, len, n << 1, 0, 0, 0], asdu].concat()
}

/// Start, interrogation with its answers, a value that changed, a breaker selected and closed, a set point refused,
/// the clock set, stop; two frames in one segment, one in two, link tests between.
fn iec104() -> Vec<Conversation> {
    let u = |c0: u8| vec![0x68, 4, c0, 0, 0, 0];
    let ask = [100, 1, 6, 0, 1, 0, 0, 0, 0, 20];
    let asked = |cause: u8| [100, 1, cause, 0, 1, 0, 0, 0, 0, 20];
    let breaker = |cause: u8, command: u8| [46, 1, cause, 3, 1, 0, 0x10, 0x27, 0, command];
    let set_point = |cause: u8| [50, 1, cause, 3, 1, 0, 0x20, 0x27, 0, 0, 0, 0xac, 0x41, 0];
    vec![
        talk(0, "192.0.2.12:2404")
            .send(Orig, &u(0x07))
            .send(Resp, &u(0x0b))
            .send(Orig, &i_frame(0, &ask))
            .send(Resp, &[i_frame(0, &asked(7)), i_frame(1, &[1, 0x83, 20, 0, 1, 0, 10, 0, 0, 1, 0, 0x41])].concat())
            .send_split(Resp, &i_frame(2, &[9, 1, 20, 0, 1, 0, 99, 0, 0, 0, 0xc0, 0]), &[1, 8])
            .send(Resp, &i_frame(3, &asked(10)))
            .send(Orig, &[0x68, 4, 1, 0, 8, 0])
            .send(Resp, &i_frame(4, &[30, 1, 3, 0, 1, 0, 11, 0, 0, 0x81, 1, 2, 3, 4, 5, 6, 7]))
            .send(Orig, &i_frame(1, &breaker(6, 0x82)))
            .send(Resp, &i_frame(5, &breaker(7, 0x82)))
            .send(Orig, &i_frame(2, &breaker(6, 2)))
            .send(Resp, &i_frame(6, &breaker(7, 2)))
            .send(Orig, &u(0x43))
            .send(Resp, &u(0x83))
            .send(Orig, &i_frame(3, &set_point(6)))
            .send(Resp, &i_frame(7, &set_point(0x47)))
            .send(Orig, &i_frame(4, &[103, 1, 6, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]))
            .send(Orig, &u(0x13))
            .send(Resp, &u(0x23))
            .fin(),
    ]
}

/// A text behind its length, as in OPC UA.
fn ua_string(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).expect("a text");
    [&len.to_le_bytes(), text.as_bytes()].concat()
}

/// A chunk of OPC UA.
fn ua_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 8).expect("a chunk");
    [&kind[..], &len.to_le_bytes(), body].concat()
}

/// No text.
const UA_NONE: [u8; 4] = [0xff; 4];

/// A message that opens the channel 5.
fn ua_open(policy: &str, body: &[u8]) -> Vec<u8> {
    let uri = ua_string(&format!("http://opcfoundation.org/UA/SecurityPolicy#{policy}"));
    ua_chunk(b"OPNF", &[&[5, 0, 0, 0][..], &uri, &UA_NONE, &UA_NONE, &[1, 0, 0, 0, 1, 0, 0, 0], body].concat())
}

/// A message in the channel 5.
fn ua_message(request_id: u8, kind: u16, body: &[u8]) -> Vec<u8> {
    let head = [5, 0, 0, 0, 9, 0, 0, 0, request_id, 0, 0, 0, request_id, 0, 0, 0, 1, 0];
    ua_chunk(b"MSGF", &[&head[..], &kind.to_le_bytes(), body].concat())
}

/// A session in clear: endpoints, login, a value read, one written and refused, a method called, publishing; a channel
/// that is encrypted; a greeting refused.
fn opcua() -> Vec<Conversation> {
    let asking = [&[0, 0][..], &[0; 16], &UA_NONE, &[0; 4], &[0, 0, 0]].concat();
    let said = |status: u32| [&[0; 12][..], &status.to_le_bytes(), &[0; 8]].concat();
    let ask = |parts: &[&[u8]]| [&asking[..], &parts.concat()].concat();
    let hello = ua_chunk(b"HELF", &[&[0; 20][..], &ua_string("opc.tcp://plc.example:4840/")].concat());
    let acknowledge = ua_chunk(b"ACKF", &[0; 20]);
    let pump = [&[3, 4, 0][..], &ua_string("Pump.Speed")].concat();
    let token = [ua_string("user"), ua_string("operator"), ua_string("secret"), UA_NONE.to_vec()].concat();
    let token_len = u32::try_from(token.len()).expect("short").to_le_bytes();
    let session = ask(&[
        &ua_string("urn:client.example"),
        &UA_NONE,
        &[2],
        &ua_string("Client"),
        &[1, 0, 0, 0],
        &UA_NONE,
        &UA_NONE,
        &UA_NONE,
        &UA_NONE,
        &ua_string("opc.tcp://plc.example:4840/"),
        &ua_string("Shift 1"),
    ]);
    let login = ask(&[&[0xff; 16], &[1, 0, 0x44, 1, 1], &token_len, &token]);
    let read = ask(&[&[0; 12], &[1, 0, 0, 0], &pump, &[13, 0, 0, 0], &UA_NONE, &[0, 0], &UA_NONE]);
    let write = ask(&[&[1, 0, 0, 0], &pump, &[13, 0, 0, 0], &UA_NONE, &[1, 11, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let call = ask(&[&[1, 0, 0, 0], &pump, &[1, 4, 7, 0], &[0, 0, 0, 0]]);
    let url = ask(&[&ua_string("opc.tcp://plc.example:4840/")]);
    let opening = [&[1, 0, 0xbe, 1][..], &ask(&[&[0; 8], &[1, 0, 0, 0], &UA_NONE, &[0x80, 0xee, 0x36, 0]])].concat();
    let opened = [&[1, 0, 0xc1, 1][..], &said(0)].concat();
    let secret = |len: usize| ua_chunk(b"MSGF", &vec![0xa5; len]);
    vec![
        talk(0, "192.0.2.13:4840")
            .send(Orig, &hello)
            .send(Resp, &acknowledge)
            .send(Orig, &ua_open("None", &opening))
            .send(Resp, &ua_open("None", &opened))
            .send(Orig, &ua_message(2, 428, &url))
            .send(Resp, &ua_message(2, 431, &said(0)))
            .send_split(Orig, &ua_message(3, 461, &session), &[5, 40])
            .send(Resp, &ua_message(3, 464, &said(0)))
            .send(Orig, &ua_message(4, 467, &login))
            .send(Resp, &ua_message(4, 470, &said(0)))
            .send(Orig, &[ua_message(5, 631, &read), ua_message(6, 673, &write)].concat())
            .send(Resp, &[ua_message(6, 676, &said(0x801f_0000)), ua_message(5, 634, &said(0))].concat())
            .send(Orig, &ua_message(7, 712, &call))
            .send(Resp, &ua_message(7, 397, &said(0x8002_0000)))
            .send(Orig, &[ua_message(8, 826, &asking), ua_message(9, 826, &asking)].concat())
            .send(Resp, &[ua_message(8, 829, &said(0)), ua_message(9, 829, &said(0))].concat())
            .send(Orig, &ua_message(10, 473, &ask(&[&[1]])))
            .fin(),
        talk(1, "192.0.2.13:14840")
            .send(Orig, &hello)
            .send(Resp, &acknowledge)
            .send(Orig, &ua_open("Basic256Sha256", &[0xa5; 64]))
            .send(Resp, &ua_open("Basic256Sha256", &[0xa5; 64]))
            .send(Orig, &secret(100))
            .send(Resp, &secret(200))
            .fin(),
        talk(2, "192.0.2.14:4840")
            .send(Orig, &hello)
            .send(
                Resp,
                &ua_chunk(b"ERRF", &[&0x8083_0000u32.to_le_bytes()[..], &ua_string("no such endpoint")].concat()),
            )
            .fin(),
    ]
}
