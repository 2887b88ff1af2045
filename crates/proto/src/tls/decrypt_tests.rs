//! Sessions sealed here and opened by the parser.

use super::tests::{client_hello, extension, handshake, record, server_hello};
use crate::handshake::keys::{Bulk, Suite, suite};
use crate::testing::Bench;
use crate::{ProtoId, Secrets, Transport};
use aes::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};
use ring::{aead, hmac};
use sekisho_types::Dir;
use std::sync::Arc;

const REQUEST: &[u8] = b"GET /secret HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello";

/// Seals one direction's records.
struct Sealer {
    suite: Suite,
    mac: Vec<u8>,
    key: Vec<u8>,
    iv: Vec<u8>,
    seq: u64,
    tls13: bool,
    mac_first: bool,
}

impl Sealer {
    fn tls13(cipher: u16, secret: &[u8]) -> Self {
        let suite = suite(cipher).unwrap();
        let keys = |k: crate::handshake::keys::Keys<'_>| Some((k.mac.to_vec(), k.key.to_vec(), k.iv.to_vec()));
        let (mac, key, iv) = suite.keys13(secret, keys).unwrap();
        Self { suite, mac, key, iv, seq: 0, tls13: true, mac_first: false }
    }

    fn tls12(cipher: u16, client: bool, mac_first: bool) -> Self {
        let suite = suite(cipher).unwrap();
        let keys = |k: crate::handshake::keys::Keys<'_>| Some((k.mac.to_vec(), k.key.to_vec(), k.iv.to_vec()));
        let (mac, key, iv) = suite.keys12(&[5; 48], (&[7; 32], &[8; 32]), client, keys).unwrap();
        Self { suite, mac, key, iv, seq: 0, tls13: false, mac_first }
    }

    fn seal(&mut self, content: u8, plain: &[u8]) -> Vec<u8> {
        let seq = self.seq.to_be_bytes();
        self.seq += 1;
        let xored = || {
            let mut nonce: [u8; 12] = self.iv.clone().try_into().unwrap();
            nonce[4..].iter_mut().zip(seq).for_each(|(n, s)| *n ^= s);
            nonce
        };
        let lss = |algorithm| aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &self.key).unwrap());
        let aad12 = |len: usize| [&seq[..], &[content, 3, 3], &(len as u16).to_be_bytes()].concat();
        let algorithm = match self.suite.bulk {
            Bulk::Gcm(algorithm) => algorithm,
            Bulk::ChaCha => &aead::CHACHA20_POLY1305,
            Bulk::Cbc { mac, .. } => {
                let mac = hmac::Key::new(mac, &self.mac);
                let iv = [0x3c; 16];
                let tag = |content: &[u8]| hmac::sign(&mac, &[aad12(content.len()), content.to_vec()].concat());
                let mut body = plain.to_vec();
                if !self.mac_first {
                    body.extend(tag(plain).as_ref());
                }
                let padding = 15 - body.len() % 16;
                body.resize(body.len() + padding + 1, padding as u8);
                let len = body.len();
                if self.key.len() == 16 {
                    let cbc = cbc::Encryptor::<aes::Aes128>::new_from_slices(&self.key, &iv).unwrap();
                    cbc.encrypt_padded_mut::<NoPadding>(&mut body, len).unwrap();
                } else {
                    let cbc = cbc::Encryptor::<aes::Aes256>::new_from_slices(&self.key, &iv).unwrap();
                    cbc.encrypt_padded_mut::<NoPadding>(&mut body, len).unwrap();
                }
                let mut body = [&iv[..], &body].concat();
                if self.mac_first {
                    body.extend(tag(&body).as_ref().to_vec());
                }
                return record(content, &body);
            }
        };
        if self.tls13 {
            let mut body = [plain, &[content, 0, 0]].concat();
            let head = [&[23, 3, 3][..], &((body.len() + 16) as u16).to_be_bytes()].concat();
            let nonce = aead::Nonce::assume_unique_for_key(xored());
            lss(algorithm).seal_in_place_append_tag(nonce, aead::Aad::from(head), &mut body).unwrap();
            return record(23, &body);
        }
        let mut body = plain.to_vec();
        let (nonce, sent) = match self.suite.bulk {
            Bulk::Gcm(_) => {
                ([&self.iv[..], &[9, 9, 9, 9], &seq[4..]].concat(), [&[9, 9, 9, 9][..], &seq[4..]].concat())
            }
            _ => (xored().to_vec(), Vec::new()),
        };
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).unwrap();
        lss(algorithm).seal_in_place_append_tag(nonce, aead::Aad::from(aad12(plain.len())), &mut body).unwrap();
        record(content, &[sent, body].concat())
    }
}

fn secrets(lines: &[(&str, u8, usize)]) -> Arc<Secrets> {
    let secrets = Secrets::default();
    for (label, byte, len) in lines {
        let line = format!("{label} {} {}", "07".repeat(32), format!("{byte:02x}").repeat(*len));
        assert_eq!(secrets.add(line.as_bytes(), 0).secret_count, 1);
    }
    Arc::new(secrets)
}

fn secrets13(len: usize) -> Arc<Secrets> {
    secrets(&[
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, len),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, len),
        ("CLIENT_TRAFFIC_SECRET_0", 3, len),
        ("SERVER_TRAFFIC_SECRET_0", 4, len),
    ])
}

/// The handshake of a TLS 1.3 session, and what seals what comes after it.
fn tls13(cipher: u16, len: usize) -> (Vec<(Dir, Vec<u8>)>, Sealer, Sealer) {
    let secret = |byte: u8| vec![byte; len];
    let hello = client_hello(&[], None, &[extension(43, &[2, 3, 4])]);
    let mut server = record(22, &server_hello(&[], cipher, &[extension(43, &[3, 4])]));
    server.extend(record(20, &[1]));
    let mut hidden = Sealer::tls13(cipher, &secret(2));
    let alpn = extension(16, &[0, 9, 8, b'h', b't', b't', b'p', b'/', b'1', b'.', b'1']);
    let extensions = [&(alpn.len() as u16).to_be_bytes()[..], &alpn].concat();
    server.extend(hidden.seal(22, &handshake(8, &extensions)));
    server.extend(hidden.seal(22, &handshake(20, &[0; 32])));
    let mut client = record(20, &[1]);
    client.extend(Sealer::tls13(cipher, &secret(1)).seal(22, &handshake(20, &[0; 32])));
    let session = vec![(Dir::Orig, record(22, &hello)), (Dir::Resp, server), (Dir::Orig, client)];
    (session, Sealer::tls13(cipher, &secret(3)), Sealer::tls13(cipher, &secret(4)))
}

fn tls12(cipher: u16, mac_first: bool) -> Vec<(Dir, Vec<u8>)> {
    let (mut client, mut server) = (Sealer::tls12(cipher, true, mac_first), Sealer::tls12(cipher, false, mac_first));
    let extensions = if mac_first { vec![extension(22, &[])] } else { Vec::new() };
    let hello = server_hello(&[], cipher, &extensions);
    let finished = |s: &mut Sealer| [record(20, &[1]), s.seal(22, &handshake(20, &[0; 12]))].concat();
    vec![
        (Dir::Orig, record(22, &client_hello(&[], None, &[]))),
        (Dir::Resp, record(22, &[hello, handshake(14, &[])].concat())),
        (Dir::Orig, [record(22, &handshake(16, &[1, 2, 3])), finished(&mut client)].concat()),
        (Dir::Resp, finished(&mut server)),
        (Dir::Orig, client.seal(23, REQUEST)),
        (Dir::Resp, server.seal(23, REPLY)),
    ]
}

fn run(secrets: &Arc<Secrets>, session: &[(Dir, Vec<u8>)], piece: usize) -> Bench {
    let mut b = Bench::new(ProtoId::Tls, Transport::Tcp, 4443);
    b.out.secrets = Some(Arc::clone(secrets));
    for (dir, bytes) in session {
        b.data_split(*dir, bytes, piece);
    }
    b.end();
    b
}

fn assert_opened(b: &Bench) {
    assert_eq!(b.out.weirds, []);
    let http = b.rows("http");
    assert_eq!(http.len(), 1, "{:?}", b.rows("ssl"));
    assert!(http[0].contains("/secret") && http[0].contains("decrypted=Bool(true)"), "{}", http[0]);
    assert!(b.files.0.iter().any(|f| f.content == b"hello" && f.meta.decrypted));
    assert_eq!(b.rows("ssl").len(), 1);
    assert!(b.rows("ssl")[0].contains("established=Bool(true)"));
    assert!(b.out.confirmed.contains(&"ssl") && b.out.confirmed.contains(&"http"));
}

#[test]
fn opens_tls13_in_any_split() {
    for (cipher, len) in [(0x1301, 32), (0x1302, 48), (0x1303, 32)] {
        let (mut session, mut client, mut server) = tls13(cipher, len);
        session.push((Dir::Orig, client.seal(23, REQUEST)));
        // A key update between two halves of the reply, and a new session ticket.
        session.push((Dir::Resp, server.seal(22, &handshake(4, &[0; 40]))));
        session.push((Dir::Resp, server.seal(23, &REPLY[..30])));
        session.push((Dir::Resp, server.seal(22, &handshake(24, &[0]))));
        let next = suite(cipher).unwrap().next_secret(&vec![4; len]).unwrap();
        session.push((Dir::Resp, Sealer::tls13(cipher, &next).seal(23, &REPLY[30..])));
        for piece in [1, 7, 100, usize::MAX] {
            let b = run(&secrets13(len), &session, piece);
            assert_opened(&b);
            assert!(b.rows("ssl")[0].contains("next_protocol=Str(\"http/1.1\")"), "{}", b.rows("ssl")[0]);
        }
    }
}

#[test]
fn opens_tls12_in_any_split() {
    let master = secrets(&[("CLIENT_RANDOM", 5, 48)]);
    for (cipher, mac_first) in [
        (0xc02f, false),
        (0xc030, false),
        (0xcca8, false),
        (0x002f, false),
        (0xc027, true),
        (0xc028, false),
        (0x0035, true),
    ] {
        for piece in [1, 9, usize::MAX] {
            assert_opened(&run(&master, &tls12(cipher, mac_first), piece));
        }
    }
}

#[test]
fn other_secrets_open_nothing() {
    let (mut session, mut client, _) = tls13(0x1301, 32);
    session.push((Dir::Orig, client.seal(23, REQUEST)));
    let wrong = secrets(&[("CLIENT_TRAFFIC_SECRET_0", 9, 32), ("SERVER_TRAFFIC_SECRET_0", 9, 32)]);
    let b = run(&wrong, &session, usize::MAX);
    assert!(b.rows("http").is_empty() && b.rows("ssl").len() == 1);
    let none = Arc::new(Secrets::default());
    let b = run(&none, &session, usize::MAX);
    assert!(b.rows("http").is_empty() && b.out.opaque);
    assert_eq!(b.out.weirds, []);
}

#[test]
fn a_forged_record_is_noted_and_ends_it() {
    let mut session = tls12(0xc02f, false);
    let forged = session[4].1.len() - 1;
    session[4].1[forged] ^= 1;
    let b = run(&secrets(&[("CLIENT_RANDOM", 5, 48)]), &session, usize::MAX);
    assert_eq!(b.out.weirds.iter().map(|w| w.name).collect::<Vec<_>>(), ["tls_record_not_opened"]);
    assert!(b.rows("http").iter().all(|row| !row.contains("/secret")));
}

#[test]
fn a_hole_inside_a_record_costs_that_record() {
    let (session, mut client, mut server) = tls13(0x1301, 32);
    let mut b = run(&secrets13(32), &session, usize::MAX);
    let mut b = {
        let mut again = Bench::new(ProtoId::Tls, Transport::Tcp, 4443);
        again.out.secrets = b.out.secrets.take();
        for (dir, bytes) in &session {
            again.data(*dir, bytes);
        }
        again
    };
    b.data(Dir::Orig, &client.seal(23, REQUEST));
    let mut reply = REPLY[..REPLY.len() - 5].to_vec();
    reply = String::from_utf8(reply).unwrap().replace("Length: 5", "Length: 300").into_bytes();
    b.data(Dir::Resp, &server.seal(23, &reply));
    let lost = server.seal(23, &[b'x'; 100]);
    b.data(Dir::Resp, &lost[..50]).gap(Dir::Resp, 20).data(Dir::Resp, &lost[70..]);
    b.data(Dir::Resp, &server.seal(23, &[b'y'; 200])).end();
    assert_eq!(b.rows("http").len(), 1);
    let file = b.files.0.iter().find(|f| f.meta.source == "HTTP").unwrap();
    assert!(file.content.ends_with(&[b'y'; 150]) && file.missing > 0);
}

#[test]
fn limits_records_that_never_open() {
    let (mut session, ..) = tls13(0x1301, 32);
    for _ in 0..200 {
        session.push((Dir::Orig, record(23, &[0x55; 60])));
    }
    let b = run(&secrets13(32), &session, usize::MAX);
    assert_eq!(b.out.weirds.len(), 1);
    assert!(b.held_len() < 100_000);
}

#[test]
fn limits_sessions_within_sessions() {
    let (mut session, ..) = tls13(0x1301, 32);
    for _ in 0..8 {
        let (outer, mut client, mut server) = tls13(0x1301, 32);
        let inner = session.iter().map(|(dir, bytes)| {
            let sealer = if dir.is_orig() { &mut client } else { &mut server };
            (*dir, sealer.seal(23, bytes))
        });
        session = outer.into_iter().chain(inner.collect::<Vec<_>>()).collect();
    }
    let b = run(&secrets13(32), &session, usize::MAX);
    assert_eq!(b.rows("ssl").len(), crate::MAX_NESTED_DEPTH + 1);
}

/// The session of [`tls13`] with `early` sealed behind the client's hello; the server `takes` it or not.
fn with_early(early: &[&[u8]], takes: bool) -> (Vec<(Dir, Vec<u8>)>, Sealer, Sealer) {
    let (mut session, client, server) = tls13(0x1301, 32);
    let mut sealer = Sealer::tls13(0x1301, &[9; 32]);
    let mut hidden = Sealer::tls13(0x1301, &[2; 32]);
    let taken = if takes { extension(42, &[]) } else { Vec::new() };
    let extensions = [&(taken.len() as u16).to_be_bytes()[..], &taken].concat();
    session[0].1.extend(record(20, &[1]));
    early.iter().for_each(|piece| session[0].1.extend(sealer.seal(23, piece)));
    session[1].1 = record(22, &server_hello(&[], 0x1301, &[extension(43, &[3, 4])]));
    session[1].1.extend(hidden.seal(22, &handshake(8, &extensions)));
    session[1].1.extend(hidden.seal(22, &handshake(20, &[0; 32])));
    session[2].1 = Sealer::tls13(0x1301, &[1; 32]).seal(22, &handshake(20, &[0; 32]));
    if takes {
        session[2].1 = [sealer.seal(22, &handshake(5, &[])), std::mem::take(&mut session[2].1)].concat();
    }
    (session, client, server)
}

fn early_secrets() -> Arc<Secrets> {
    secrets(&[
        ("CLIENT_EARLY_TRAFFIC_SECRET", 9, 32),
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 32),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, 32),
        ("CLIENT_TRAFFIC_SECRET_0", 3, 32),
        ("SERVER_TRAFFIC_SECRET_0", 4, 32),
    ])
}

#[test]
fn opens_early_data_that_the_server_takes() {
    let (mut session, _, mut server) = with_early(&[&REQUEST[..20], &REQUEST[20..]], true);
    session.push((Dir::Resp, server.seal(23, REPLY)));
    for piece in [1, 50, usize::MAX] {
        assert_opened(&run(&early_secrets(), &session, piece));
    }
    // Without their secret it is passed over, and the answer stands alone.
    let b = run(&secrets13(32), &session, usize::MAX);
    assert!(b.rows("http").iter().all(|row| !row.contains("/secret")), "{:?}", b.rows("http"));
    assert!(b.rows("ssl")[0].contains("established=Bool(true)"));
}

#[test]
fn passes_over_early_data_that_the_server_refuses() {
    let (mut session, mut client, mut server) = with_early(&[b"GET /early HTTP/1.1\r\n\r\n"], false);
    session.push((Dir::Orig, client.seal(23, REQUEST)));
    session.push((Dir::Resp, server.seal(23, REPLY)));
    assert_opened(&run(&early_secrets(), &session, usize::MAX));
}

#[test]
fn limits_early_data() {
    let piece = [b'x'; 1 << 14];
    let (mut session, mut client, mut server) = with_early(&[&piece[..]; 5], true);
    session.push((Dir::Orig, client.seal(23, REQUEST)));
    session.push((Dir::Resp, server.seal(23, REPLY)));
    let mut b = Bench::new(ProtoId::Tls, Transport::Tcp, 4443);
    b.out.secrets = Some(early_secrets());
    b.data(Dir::Orig, &session[0].1);
    assert!(b.held_len() < 2 * super::early::MAX_EARLY_LEN, "{}", b.held_len());
    for (dir, bytes) in &session[1..] {
        b.data(*dir, bytes);
    }
    b.end();
    assert_eq!(b.out.weirds[0].name, "tls_early_data_too_long");
}
