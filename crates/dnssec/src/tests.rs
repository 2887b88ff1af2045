//! A zone signed here with keys of its own, for what no server would serve on purpose.

use crate::record::key_tag;
use crate::{Anchors, Findings, Limits, Name, Observer, Own, Reason, Seen, Status, Verdict};
use domain::utils::base64;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sekisho_types::{Addr, Timestamp};

const NOW: u32 = 1_800_000_000;
const TTL: u32 = 3_600;

struct Key {
    pair: Ed25519KeyPair,
    flags: u16,
}

impl Key {
    fn new(seed: u8, flags: u16) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(), flags }
    }

    fn rdata(&self) -> Vec<u8> {
        [&self.flags.to_be_bytes(), &[3, 15][..], self.pair.public_key().as_ref()].concat()
    }

    /// RRSIG data over a set of the zone `zone.`, which is signed as it stands: lower case, sorted by the caller.
    fn sign(&self, owner: &[u8], rtype: u16, data: &[Vec<u8>]) -> Vec<u8> {
        let labels = Name::from_wire(owner).unwrap().signed_label_count() as u8;
        let mut out = [&rtype.to_be_bytes()[..], &[15, labels], &TTL.to_be_bytes()].concat();
        out.extend((NOW + 10 * 86_400).to_be_bytes());
        out.extend((NOW - 86_400).to_be_bytes());
        out.extend(key_tag(&self.rdata()).to_be_bytes());
        out.extend(ZONE);
        let mut signed = out.clone();
        for d in data {
            signed.extend(record(owner, rtype, d));
        }
        out.extend(self.pair.sign(&signed).as_ref());
        out
    }
}

const ZONE: &[u8] = b"\x04zone\x00";
const WWW: &[u8] = b"\x03www\x04zone\x00";

fn record(owner: &[u8], rtype: u16, data: &[u8]) -> Vec<u8> {
    let head = [owner, &rtype.to_be_bytes(), &[0, 1], &TTL.to_be_bytes()].concat();
    [&head, &(data.len() as u16).to_be_bytes()[..], data].concat()
}

/// A response with a set and its signatures.
fn response(owner: &[u8], rtype: u16, data: &[Vec<u8>], sigs: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0, 1, 0x84, 0, 0, 1, 0, (data.len() + sigs.len()) as u8, 0, 0, 0, 0];
    out.extend([owner, &rtype.to_be_bytes(), &[0, 1]].concat());
    out.extend(data.iter().flat_map(|d| record(owner, rtype, d)));
    out.extend(sigs.iter().flat_map(|s| record(owner, 46, s)));
    out
}

fn keys(signer: &Key, others: &[&Key]) -> Vec<u8> {
    let mut data: Vec<Vec<u8>> = others.iter().chain([&signer]).map(|k| k.rdata()).collect();
    data.sort();
    data.dedup();
    response(ZONE, 48, &data, &[signer.sign(ZONE, 48, &data)])
}

fn address(signer: &Key) -> Vec<u8> {
    let data = [vec![192, 0, 2, 1]];
    response(WWW, 1, &data, &[signer.sign(WWW, 1, &data)])
}

/// Trusts this key of `zone.`.
fn anchored(key: &Key) -> Observer {
    let text = format!("zone. DNSKEY {} 3 15 {}", key.flags, base64::encode_string(key.pair.public_key().as_ref()));
    Observer::new(Anchors::from_text(&text).unwrap(), Limits::default(), 1)
}

fn show(observer: &mut Observer, messages: &[Vec<u8>]) -> Findings {
    let mut found = Findings::default();
    for (n, message) in messages.iter().enumerate() {
        let at = Timestamp::from_parts(i64::from(NOW) + n as i64, 0);
        observer.message(message, Seen { at, server: Addr::UNSPECIFIED, token: n as u64 }, &mut found);
    }
    observer.finish(&mut found);
    found
}

fn of_address(found: &Findings) -> &Verdict {
    found.verdicts.iter().find(|v| v.name.as_wire() == WWW).unwrap()
}

fn concerns(found: &Findings) -> Vec<&str> {
    found.hygiene.iter().map(|h| h.concern.id()).collect()
}

#[test]
fn keys_of_a_rollover() {
    let (ksk, first, second) = (Key::new(1, 257), Key::new(2, 256), Key::new(3, 256));
    let (old, new) = (keys(&ksk, &[&first]), keys(&ksk, &[&second]));
    let (by_first, by_second) = (address(&first), address(&second));
    let judged = |messages: &[&Vec<u8>]| {
        let messages: Vec<Vec<u8>> = messages.iter().map(|m| (*m).clone()).collect();
        let found = show(&mut anchored(&ksk), &messages);
        (of_address(&found).reason, concerns(&found).join(" "))
    };
    assert_eq!(judged(&[&old, &by_first]), (Reason::Chain, String::new()));
    assert_eq!(judged(&[&by_first, &old]), (Reason::Chain, String::new()));
    assert_eq!(judged(&[&new, &by_first]), (Reason::KeyMissing, String::new()));
    // Caches may hold the older set still.
    assert_eq!(judged(&[&old, &new, &by_first]), (Reason::Chain, "key-withdrawn".to_owned()));
    // Signed before the key was published: told once the key is seen.
    assert_eq!(judged(&[&old, &by_second, &new]), (Reason::Chain, "key-not-published".to_owned()));
    assert_eq!(judged(&[&old, &by_second, &old]), (Reason::KeyMissing, String::new()));
    assert_eq!(judged(&[&by_first]), (Reason::NoDnskey, String::new()));
}

#[test]
fn keys_that_may_not_sign() {
    let ksk = Key::new(1, 257);
    for (flags, reason) in [(256 | 128, Reason::KeyRevoked), (0, Reason::KeyUnfit), (256, Reason::Chain)] {
        let zsk = Key::new(2, flags);
        let found = show(&mut anchored(&ksk), &[keys(&ksk, &[&zsk]), address(&zsk)]);
        assert_eq!(of_address(&found).reason, reason, "{flags}");
    }
}

#[test]
fn a_key_set_needs_the_key_that_is_trusted() {
    let (ksk, other) = (Key::new(1, 257), Key::new(2, 257));
    // Has the trusted key, but only another signs.
    let found = show(&mut anchored(&ksk), &[keys(&other, &[&ksk]), address(&other)]);
    let verdict = of_address(&found);
    assert_eq!((verdict.reason, verdict.status()), (Reason::KeySetUnsigned, Status::Bogus));
    let found = show(&mut anchored(&ksk), &[keys(&other, &[]), address(&other)]);
    assert_eq!(of_address(&found).reason, Reason::DsMismatch);
    // A forged set doesn't push out the true one, whichever comes first.
    let (forged, real) = (keys(&other, &[]), keys(&ksk, &[]));
    for messages in [[forged.clone(), real.clone(), address(&ksk)], [real, forged, address(&ksk)]] {
        assert_eq!(of_address(&show(&mut anchored(&ksk), &messages)).reason, Reason::Chain);
    }
}

#[test]
fn what_agrees_with_itself_is_told() {
    let ksk = Key::new(1, 257);
    let judged = |messages: &[Vec<u8>]| {
        let mut observer = Observer::new(Anchors::root(), Limits::default(), 1);
        let found = show(&mut observer, messages);
        let verdict = of_address(&found);
        (verdict.reason, verdict.own, verdict.is_consistent())
    };
    assert_eq!(judged(&[keys(&ksk, &[]), address(&ksk)]), (Reason::NoDs, Own::Holds, true));
    let mut tampered = address(&ksk);
    let len = tampered.len();
    tampered[len - 1] ^= 1;
    assert_eq!(judged(&[keys(&ksk, &[]), tampered]), (Reason::NoDs, Own::Fails, false));
    assert_eq!(judged(&[address(&ksk)]), (Reason::NoDs, Own::Unchecked, false));
    let mut elsewhere = anchored(&ksk);
    let data = [vec![192, 0, 2, 1]];
    let found = show(&mut elsewhere, &[response(b"\x05other\x00", 1, &data, &[ksk.sign(WWW, 1, &data)])]);
    assert_eq!(found.verdicts[0].reason, Reason::NoAnchor);
}

#[test]
fn work_is_refused_not_done() {
    let (ksk, zsk) = (Key::new(1, 257), Key::new(2, 256));
    let limits = Limits { verifications_per_second: 1, ..Limits::default() };
    let text = format!("zone. DNSKEY 257 3 15 {}", base64::encode_string(ksk.pair.public_key().as_ref()));
    let mut observer = Observer::new(Anchors::from_text(&text).unwrap(), limits, 1);
    let seen = Seen { at: Timestamp::from_parts(i64::from(NOW), 0), server: Addr::UNSPECIFIED, token: 0 };
    let mut found = Findings::default();
    for message in [keys(&ksk, &[&zsk]), address(&zsk)] {
        observer.message(&message, seen, &mut found);
    }
    let verdict = of_address(&found);
    assert_eq!((verdict.reason, verdict.status()), (Reason::WorkLimit, Status::Indeterminate));
    assert_eq!((observer.counters().verified, observer.counters().refused), (1, 1));
}
