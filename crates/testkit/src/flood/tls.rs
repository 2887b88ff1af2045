//! Attacks on TLS.

use super::ordinary::payloads;
use super::storm::{Storm, Truth, scattered};
use crate::{Conversation, Dir};
use std::io;

const SERVER: &str = "192.0.2.96:443";

/// Length of the handshake message of [`open`], and how much of it comes.
const MESSAGE_LEN: usize = 220_000;
const SENT_LEN: usize = 200_000;

/// Records are at most so long.
const RECORD_LEN: usize = 16_000;

fn recorded() -> Vec<(Dir, Vec<u8>)> {
    payloads(include_bytes!("../../../../goldens/tls/tls12.pcap"))
}

/// Connections with a ClientHello whose random bytes differ.
pub(super) fn hellos(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let (_, hello) = recorded().swap_remove(0);
    for i in 0..n {
        let mut hello = hello.clone();
        // Record header, handshake header, version; then 32 random bytes.
        hello[11..43].copy_from_slice(&storm.random.bytes(32));
        storm.play(&Conversation::new((scattered(i), 40_000), SERVER).syn().send(Dir::Orig, &hello))?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

/// A server's certificate message that never comes to its end.
pub(super) fn open(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let all = recorded();
    let hello = &all.iter().find(|p| p.0 == Dir::Orig).expect("a ClientHello").1;
    let answer = &all.iter().find(|p| p.0 == Dir::Resp).expect("a ServerHello").1;
    let len = |n: usize| (n as u32).to_be_bytes();
    let first = usize::from(u16::from_be_bytes([answer[3], answer[4]])) + 5;
    let message = [&[11][..], &len(MESSAGE_LEN)[1..], &vec![0x30; SENT_LEN]].concat();
    let records: Vec<u8> = message
        .chunks(RECORD_LEN)
        .flat_map(|c| [&[22, 3, 3][..], &(c.len() as u16).to_be_bytes(), c].concat())
        .collect();
    for i in 0..n {
        let c = Conversation::new((scattered(i), 40_000), SERVER).syn().send(Dir::Orig, hello);
        storm.play(&c.send(Dir::Resp, &answer[..first.min(answer.len())]).send(Dir::Resp, &records))?;
    }
    Ok(Truth::default())
}

/// Whole handshakes, each with a certificate that was never seen before: some bytes near its end, which are the
/// signature's, are others.
pub(super) fn certificates(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let recorded = recorded();
    for i in 0..n {
        let mut c = Conversation::new((scattered(i), 40_000), SERVER).syn();
        for (dir, bytes) in &recorded {
            let mut bytes = bytes.clone();
            if *dir == Dir::Resp
                && let Some(end) = certificate_end(&bytes)
            {
                bytes[end - 12..end - 4].copy_from_slice(&storm.random.bytes(8));
            }
            c = c.send(*dir, &bytes);
        }
        storm.play(&c.fin())?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

/// Certificates in a chain of [`chains`].
const CHAIN_COUNT: usize = 16;

/// Handshakes with long chains behind the host's certificate, in which every certificate could have signed every
/// other: they have one name and one key, but each its own signature, which is wrong.
pub(super) fn chains(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let all = recorded();
    let (hello, flight) = (&all[0].1, &all.iter().find(|p| certificate_end(&p.1).is_some()).expect("a flight").1);
    let end = certificate_end(flight).expect("a certificate");
    let server_hello = usize::from(u16::from_be_bytes([flight[3], flight[4]])) + 5;
    let first = &flight[server_hello..];
    // Record header, handshake header, length of the list, length of the certificate.
    let host = &flight[server_hello + 5 + 4 + 3 + 3..end];
    let issuer_len = usize::from(u16::from_be_bytes([flight[end + 1], flight[end + 2]]));
    let issuer = &flight[end + 3..end + 3 + issuer_len];
    let len = |n: usize| (n as u32).to_be_bytes();
    for i in 0..n {
        let mut list = Vec::new();
        for k in 0..CHAIN_COUNT {
            let mut cert = if k == 0 { host } else { issuer }.to_vec();
            if k > 0 {
                let at = cert.len() - 12;
                cert[at..at + 8].copy_from_slice(&storm.random.bytes(8));
            }
            list.extend(&len(cert.len())[1..]);
            list.extend(cert);
        }
        let message = [&[11][..], &len(list.len() + 3)[1..], &len(list.len())[1..], &list].concat();
        let records: Vec<u8> = message
            .chunks(RECORD_LEN)
            .flat_map(|c| [&first[..3], &(c.len() as u16).to_be_bytes(), c].concat())
            .collect();
        let c = Conversation::new((scattered(i), 40_000), SERVER).syn().send(Dir::Orig, hello);
        storm.play(&c.send(Dir::Resp, &[&flight[..server_hello], &records].concat()).fin())?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

/// Where the first certificate ends in the bytes of a server's flight, if they have one: a Certificate message
/// (RFC 5246 §7.4.2) within whole records.
fn certificate_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some([22, _, _, a, b, kind, rest @ ..]) = bytes.get(at..) {
        let record = usize::from(u16::from_be_bytes([*a, *b]));
        if *kind == 11 {
            let [_, _, _, _, _, _, x, y, z, ..] = *rest else { return None };
            let len = usize::from(x) << 16 | usize::from(y) << 8 | usize::from(z);
            return Some(at + 5 + 1 + 9 + len).filter(|e| *e <= bytes.len());
        }
        at += 5 + record;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_certificate() {
        let found: Vec<_> = recorded().iter().filter_map(|p| certificate_end(&p.1)).collect();
        assert_eq!(found.len(), 1);
    }
}
