use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

const INITIATOR: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const RESPONDER: [u8; 8] = [8, 7, 6, 5, 4, 3, 2, 1];

/// A payload, proposal or transform.
fn item(next: u8, body: &[u8]) -> Vec<u8> {
    [&[next, 0][..], &u16::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

fn message(responder: [u8; 8], first: u8, version: u8, exchange: u8, flags: u8, payloads: &[u8]) -> Vec<u8> {
    let len = u32::try_from(28 + payloads.len()).unwrap();
    let head = [first, version, exchange, flags, 0, 0, 0, 0];
    [&INITIATOR[..], &responder, &head, &len.to_be_bytes(), payloads].concat()
}

fn v2_init(responder: [u8; 8], flags: u8) -> Vec<u8> {
    let transforms = [
        item(3, &[1, 0, 0, 12, 0x80, 14, 1, 0]),
        item(3, &[3, 0, 0, 12]),
        item(3, &[2, 0, 0, 5]),
        item(0, &[4, 0, 0, 14]),
    ]
    .concat();
    let proposal = item(0, &[&[1, 1, 0, 4][..], &transforms].concat());
    let sa = item(43, &proposal);
    let vendor = item(0, &[0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc, 1]);
    message(responder, 33, 0x20, 34, flags, &[sa, vendor].concat())
}

fn ike() -> Bench {
    Bench::new(ProtoId::Ike, Transport::Udp, 500)
}

#[test]
fn parses_version_2() {
    let mut b = ike();
    let marked = [&[0; 4][..], &message(RESPONDER, 46, 0x20, 35, 8, &item(0, &[9; 40]))].concat();
    b.data(Dir::Orig, &v2_init([0; 8], 8)).data(Dir::Resp, &v2_init(RESPONDER, 0x20)).data(Dir::Orig, &marked);
    b.data(Dir::Orig, &[0xff]).end();
    assert_eq!(
        b.rows("ike"),
        ["version=Count(2) initiator_spi=Hex([01, 02, 03, 04, 05, 06, 07, 08]) \
          responder_spi=Hex([08, 07, 06, 05, 04, 03, 02, 01]) exchanges=[Str(\"IKE_SA_INIT\"), Str(\"IKE_AUTH\")] \
          messages=Count(3) encryption=Str(\"AES-CBC-256\") integrity=Str(\"HMAC-SHA2-256-128\") \
          prf=Str(\"HMAC-SHA2-256\") dh_group=Str(\"MODP-2048\") vendors=[Str(\"strongSwan\")]"]
    );
}

#[test]
fn parses_version_1() {
    let attributes =
        [0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2, 0, 12, 0, 4, 0, 0, 1, 0];
    let transform = item(0, &[&[1, 1, 0, 0][..], &attributes].concat());
    let proposal = item(0, &[&[1, 1, 0, 1][..], &transform].concat());
    let sa = item(0, &[&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat());
    let mut b = ike();
    b.data(Dir::Orig, &message([0; 8], 1, 0x10, 4, 0, &sa)).end();
    let row = &b.rows("ike")[0];
    assert!(
        row.contains("exchanges=[Str(\"aggressive\")]")
            && row.contains("encryption=Str(\"AES-CBC-128\") integrity=Str(\"SHA1\")"),
        "{row}"
    );
    assert!(row.contains("dh_group=Str(\"MODP-1024\") authentication=Str(\"pre-shared-key\")"), "{row}");
}

#[test]
fn rejects_wrong_lengths_and_kinds() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Ike).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8]| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match: true, flow: &flow });
    let good = v2_init([0; 8], 8);
    assert_eq!(guess(&good), Guess::Yes);
    for cut in 0..good.len() {
        assert_eq!(guess(&good[..cut]), Guess::No);
    }
    assert_eq!(guess(&message([0; 8], 1, 0x30, 4, 0, &[])), Guess::No);
    // Every byte behind the header may be anything.
    for at in 28..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        ike().data(Dir::Orig, &bad).end();
    }
}

#[test]
fn limits_associations() {
    let mut b = ike();
    for n in 0..100 {
        let mut m = v2_init([0; 8], 8);
        m[0] = n + 1;
        b.data(Dir::Orig, &m);
    }
    assert_eq!(b.rows("ike").len(), 100 - MAX_ASSOCIATIONS);
    b.end();
    assert_eq!(b.rows("ike").len(), 100);
}

#[test]
fn shows_messages_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Ike, Transport::Udp, 500);
    let transform = item(0, &[1, 1, 0, 0, 0x80, 1, 0, 7, 0x80, 14, 0, 128, 0, 12, 0, 4, 0, 1, 0x51, 0x80]);
    let proposal = item(0, &[&[1, 1, 0, 1][..], &transform].concat());
    let offered = [item(13, &[&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat()), item(0, &[0xab, 0xcd])].concat();
    let keys = [item(10, &[1, 2, 3]), item(0, &[4, 5])].concat();
    b.data(Dir::Orig, &message([0; 8], 1, 0x10, 2, 0, &offered))
        .data(Dir::Resp, &message(RESPONDER, 1, 0x10, 2, 0, &offered));
    b.data(Dir::Orig, &message(RESPONDER, 4, 0x10, 2, 0, &keys)).data(Dir::Resp, &v2_init(RESPONDER, 0x20)).end();
    let [offer, chosen, keys, second] = [0, 1, 2, 3].map(|at| b.exchanges()[at].clone());
    assert!(
        offer.json.contains("\"proposals\":[{\"key\":\"alg_enc\",\"value\":\"EncAesCbc\",\"raw\":7},"),
        "{}",
        offer.json
    );
    assert_eq!((offer.fact(Fact::IkeVendor), offer.fact(Fact::IkeChosenSaAttribute).len()), (&["abcd".into()][..], 0));
    let numbers = [(1u64, 7u64), (14, 128), (12, 86400)].map(|(kind, n)| (kind << 32 | n).to_string());
    assert_eq!(chosen.fact(Fact::IkeChosenSaAttribute), numbers);
    assert!(chosen.json.contains("{\"key\":\"sa_life_duration\",\"value\":\"Unknown\",\"raw\":86400}"));
    assert!(keys.json.contains("\"client\":{\"key_exchange_payload\":\"010203\",\"key_exchange_payload_length\":3,"));
    assert_eq!(
        (keys.fact(Fact::IkeNoncePayloadLength), keys.fact(Fact::IkeInitSpi)),
        (&["2".into()][..], &["0102030405060708".into()][..])
    );
    assert!(
        second.json.contains("\"role\":\"responder\",\"payload\":[\"SecurityAssociation\",\"VendorID\"]"),
        "{}",
        second.json
    );
}
