use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn media(seq: u16, ssrc: u32) -> Vec<u8> {
    [&[0x80, 8][..], &seq.to_be_bytes(), &[0, 0, 1, 0], &ssrc.to_be_bytes(), &[0x55; 160]].concat()
}

/// A receiver's report of one source, and its description.
fn control(fraction: u8) -> Vec<u8> {
    let report = [&[0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, fraction][..], &[0; 19]].concat();
    [&report[..], &[0x81, 202, 0, 3, 0, 0, 0, 1, 1, 4], b"me@x", &[0, 0]].concat()
}

#[test]
fn parses_media_and_reports() {
    let mut b = Bench::new(ProtoId::Rtp, Transport::Udp, 5004);
    for seq in [65534, 65535, 1, 2, 2, 5] {
        b.data(Dir::Orig, &media(seq, 9));
    }
    let bad = control(64)[..40].to_vec();
    b.data(Dir::Resp, &media(1, 10)).data(Dir::Orig, &control(64)).data(Dir::Resp, &bad).end();
    assert_eq!(
        b.rows("rtp"),
        ["orig_ssrc=Count(9) orig_payload_type=Count(8) orig_codec=Str(\"PCMA\") orig_packets=Count(6) \
          orig_media_bytes=Count(960) orig_lost=Count(2) resp_ssrc=Count(10) resp_payload_type=Count(8) \
          resp_codec=Str(\"PCMA\") resp_packets=Count(1) resp_media_bytes=Count(160) resp_lost=Count(0) \
          control_packets=Count(1) reported_loss=Double(0.25) canonical_name=Str(\"me@x\")"]
    );
    assert_eq!((b.out.confirmed.len(), &b.out.recognized[..]), (0, &["rtp"][..]));
}

#[test]
fn recognised_by_three_in_order() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Rtp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8]| {
        probe(&Probe { transport: Transport::Udp, orig, resp, port_match: true, flow: &flow })
    };
    let run = |seqs: [u16; 3]| seqs.map(|s| media(s, 0x0102_0304)).concat();
    assert_eq!(guess(&media(1, 9), b""), Guess::More);
    assert_eq!(guess(&run([1, 2, 3]), b""), Guess::Yes);
    assert_eq!(guess(&run([1, 2, 200]), b""), Guess::More);
    assert_eq!(guess(b"", &run([65535, 0, 2])), Guess::Yes);
    assert_eq!(guess(&control(0), b""), Guess::Yes);
    assert_eq!(guess(&control(0)[..40], b""), Guess::No);
    assert_eq!(guess(&[0x16; 100], b""), Guess::No);
}

#[test]
fn limits_cuts_and_damage() {
    let whole = control(1);
    for cut in 0..whole.len() {
        Bench::new(ProtoId::Rtp, Transport::Udp, 5004).data(Dir::Orig, &whole[..cut]).end();
    }
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 0xff;
        let mut b = Bench::new(ProtoId::Rtp, Transport::Udp, 5004);
        b.data(Dir::Orig, &bad).end();
        assert!(b.rows("rtp").len() <= 1 && b.held_len() <= 256);
    }
    let many = [0x80, 201, 0, 1, 0, 0, 0, 1].repeat(17);
    assert_eq!(Control::parse(&many).unwrap_err().item(), "rtcp packets");
}
