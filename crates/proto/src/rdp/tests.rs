use super::*;
use crate::ProtoId;
use crate::ber::build::{int, seq, tlv};
use crate::ber::tag;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use sekisho_types::Dir::{Orig, Resp};

fn tpkt(unit: &[u8]) -> Vec<u8> {
    [&[3, 0][..], &((unit.len() + 4) as u16).to_be_bytes(), unit].concat()
}

fn connect(code: u8, rest: &[u8]) -> Vec<u8> {
    tpkt(&[&[rest.len() as u8 + 6, code, 0, 0, 0, 0, 0][..], rest].concat())
}

fn request() -> Vec<u8> {
    connect(0xe0, &[b"Cookie: mstshash=alice\r\n".as_slice(), &[1, 0, 8, 0, 3, 0, 0, 0]].concat())
}

fn chosen(protocol: u8) -> Vec<u8> {
    connect(0xd0, &[2, 0, 8, 0, protocol, 0, 0, 0])
}

fn setting(kind: u16, content: &[u8]) -> Vec<u8> {
    let len = content.len() as u16 + 4;
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), content].concat()
}

fn wide(text: &str, len: usize) -> Vec<u8> {
    let mut out: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    out.resize(len, 0);
    out
}

fn core(keyboard: u32) -> Vec<u8> {
    let head = [4, 0, 8, 0, 0, 4, 0, 3, 0, 0xca, 3, 0xaa];
    let (numbers, name) = ([keyboard.to_le_bytes(), 2600u32.to_le_bytes()].concat(), wide("DESK", 32));
    let tail = [1, 0xca, 1, 0, 0, 0, 0, 0, 16, 0, 7, 0, 1, 0];
    setting(block::CLIENT_CORE, &[&head[..], &numbers, &name, &[0; 76], &tail, &wide("7-OEM", 64)].concat())
}

fn conference(key: &[u8; 4], blocks: &[u8]) -> Vec<u8> {
    let per = |len: usize| [0x80 | (len >> 8) as u8, len as u8];
    let choice: &[u8] = if key == b"Duca" { &[0, 8, 0, 0x10, 0] } else { &[0x14, 0x76, 0x0a, 1, 1, 0] };
    let inner = [choice, &[1, 0xc0, 0], key, &per(blocks.len()), blocks].concat();
    [&[0, 5, 0, 0x14, 0x7c, 0, 1][..], &per(inner.len()), &inner].concat()
}

fn mcs(kind: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let len = (body.len() as u16).to_be_bytes();
    tpkt(&[&[2, 0xf0, 0x80, 0x7f, kind, 0x82][..], &len, &body].concat())
}

fn initial(blocks: &[u8]) -> Vec<u8> {
    let text = |bytes: &[u8]| tlv(tag::OCTET_STRING, bytes);
    let parameters = seq(&[int(34), int(2)]);
    let [a, b, c] = [parameters.clone(), parameters.clone(), parameters];
    mcs(0x65, &[text(&[1]), text(&[1]), vec![1, 1, 0xff], a, b, c, text(&conference(b"Duca", blocks))])
}

fn response(blocks: &[u8]) -> Vec<u8> {
    let user_data = tlv(tag::OCTET_STRING, &conference(b"McDn", blocks));
    mcs(0x66, &[vec![0x0a, 1, 0], int(0), seq(&[int(34)]), user_data])
}

fn channels(names: &[&[u8; 8]]) -> Vec<u8> {
    let defs: Vec<u8> = names.iter().flat_map(|n| [&n[..], &[0; 4]].concat()).collect();
    setting(block::CLIENT_NETWORK, &[&(names.len() as u32).to_le_bytes()[..], &defs].concat())
}

fn secured(certificate: &[u8]) -> Vec<u8> {
    let numbers = [2u32, 2, 32, certificate.len() as u32].map(u32::to_le_bytes).concat();
    setting(block::SERVER_SECURITY, &[&numbers[..], &[9; 32], certificate].concat())
}

fn bench() -> Bench {
    Bench::new(ProtoId::Rdp, Transport::Tcp, 3389)
}

#[test]
fn tls_is_handed_over() {
    let mut b = bench();
    b.data(Orig, &request()).data(Resp, &[chosen(2), b"\x16\x03".to_vec()].concat());
    assert_eq!(b.out.hand_over.as_ref().unwrap().unconsumed, 2);
    b.end();
    assert!(b.out.confirmed.is_empty(), "as in Zeek");
    assert_eq!(
        b.rows("rdp"),
        ["cookie=Str(\"alice\") result=Str(\"encrypted\") security_protocol=Str(\"HYBRID\") cert_count=Count(0) \
          requested_protocols=[Str(\"SSL\"), Str(\"HYBRID\")]"]
    );
}

#[test]
fn parses_settings_and_own_encryption() {
    let mut b = bench();
    b.data(Orig, &request()).data(Resp, &chosen(0));
    b.data(Orig, &initial(&[core(1033), channels(&[b"rdpdr\0\0\0", b"cliprdr\0"])].concat()));
    let certificate = [&1u32.to_le_bytes()[..], &[0; 40]].concat();
    b.data(Resp, &response(&[setting(0x0c01, &[4, 0, 8, 0]), secured(&certificate)].concat())).end();
    assert_eq!((b.out.confirmed.as_slice(), b.out.opaque), (&["rdp"][..], true));
    let rows = b.rows("rdp");
    for part in [
        "result=Str(\"Success\") security_protocol=Str(\"RDP\") client_channels=[Str(\"rdpdr\"), Str(\"cliprdr\")]",
        "keyboard_layout=Str(\"English - United States\") client_build=Str(\"RDP 5.1\") client_name=Str(\"DESK\")",
        "client_dig_product_id=Str(\"7-OEM\") desktop_width=Count(1024) desktop_height=Count(768)",
        "requested_color_depth=Str(\"16bit\") cert_type=Str(\"RSA\") cert_count=Count(1) cert_permanent=Bool(true)",
        "encryption_level=Str(\"Client compatible\") encryption_method=Str(\"128bit\")",
    ] {
        assert!(rows[0].contains(part), "{part}: {rows:?}");
    }
}

#[test]
fn parses_refusals() {
    let mut b = bench();
    b.data(Orig, &request()).data(Resp, &connect(0xd0, &[3, 0, 8, 0, 5, 0, 0, 0])).end();
    assert!(b.rows("rdp")[0].contains("result=Str(\"HYBRID_REQUIRED_BY_SERVER\")"));
    let mut b = bench();
    b.data(Orig, &connect(0xe0, b"Cookie: msts=3640205228.15629.0000\r\n")).end();
    assert!(b.rows("rdp").is_empty(), "nothing of a session");
}

#[test]
fn parses_any_split() {
    let (asked, told) = ([request(), initial(&core(7))].concat(), [chosen(0), response(&secured(&[]))].concat());
    let steps = [Step::Data(Orig, &asked), Step::Data(Resp, &told)];
    let outcome = check_splits(ProtoId::Rdp, 3389, &steps);
    assert_eq!((outcome.rows.len(), outcome.weirds.len()), (1, 0), "{outcome:?}");
    check_truncations(ProtoId::Rdp, 3389, &steps);
    check_damage(ProtoId::Rdp, 3389, &steps, 300);
}

#[test]
fn limits_channels_and_holes() {
    let mut b = bench();
    b.data(Orig, &initial(&channels(&[b"channel\0"; 200])));
    assert_eq!(b.out.weirds[0].name, "RDP_channels_requested_exceeds_max");
    assert!(b.held_len() < 16 << 10, "{}", b.held_len());
    b.gap(Resp, 5).data(Resp, &chosen(0)).data(Orig, b"GET /").data(Orig, &request()).end();
    assert_eq!(b.out.weirds.iter().map(|w| w.name).collect::<Vec<_>>()[1..], ["rdp_gap", "rdp_broken_packet"]);
    assert!(b.rows("rdp").is_empty());
}

#[test]
fn rejects_broken_settings() {
    let mut b = bench();
    let mut bytes = initial(&core(1033));
    let at = bytes.windows(4).position(|w| w == b"Duca").unwrap();
    bytes[at] = b'd';
    b.data(Orig, &bytes).end();
    assert_eq!(b.out.weirds[0].name, "rdp_broken_settings");
}

#[test]
fn probes_by_content() {
    let flow = sekisho_types::FlowInfo::default();
    let guess =
        |orig: &[u8], port_match| probe(&Probe { transport: Transport::Tcp, orig, resp: &[], port_match, flow: &flow });
    assert_eq!(guess(&request(), false), Guess::Yes);
    assert_eq!(guess(&request()[..9], false), Guess::More);
    assert_eq!(guess(&connect(0xe0, &[]), true), Guess::Yes);
    assert_eq!(guess(&connect(0xe0, &[]), false), Guess::No);
    // S7comm has parameters there.
    assert_eq!(guess(&connect(0xe0, &[0xc0, 1, 0x0a, 0xc1, 2, 1, 0]), false), Guess::No);
    assert_eq!(guess(b"\x03\x00\x00\x02", false), Guess::No);
    assert_eq!(guess(b"GET /", true), Guess::No);
}

#[test]
fn rules_and_eve_see_every_step() {
    let run = |piece| {
        let mut b = Bench::watched(ProtoId::Rdp, Transport::Tcp, 3389);
        b.data_split(Orig, &request(), piece).data_split(Resp, &chosen(0), piece);
        b.data_split(Orig, &initial(&[core(1033), channels(&[b"rdpdr\0\0\0"])].concat()), piece);
        b.data_split(Resp, &response(&secured(&[])), piece).end();
        b
    };
    let whole = run(usize::MAX);
    let json: Vec<_> = whole.exchanges().iter().map(|x| &*x.json).collect();
    assert_eq!(json.len(), 4);
    assert_eq!(json[0], r#"{"rdp":{"event_type":"initial_request","cookie":"alice"}}"#);
    assert_eq!(json[1], r#"{"rdp":{"event_type":"initial_response"}}"#);
    for part in [
        r#""event_type":"connect_request","client":{"version":"v5","desktop_width":1024,"desktop_height":768"#,
        r#""build":"Windows XP","client_name":"DESK""#,
        r#""capabilities":["support_errinfo_pdf"]"#,
        r#""id":"7-OEM"},"channels":["rdpdr"]"#,
    ] {
        assert!(json[2].contains(part), "{part}: {}", json[2]);
    }
    assert_eq!(json[3], r#"{"rdp":{"event_type":"connect_response"}}"#);
    assert_eq!(run(1).files.1.lines(), whole.files.1.lines());
}
