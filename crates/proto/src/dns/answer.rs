//! Resource record data as text, worded as Zeek's dns.log words it.
//!
//! The cursor ends where Zeek's would, which for damaged data is not always `rdlength` further on.

use super::message::{Name, RrHead, Walk};
use super::names::{qtype, rr};
use sekisho_types::Addr;
use std::io::Write;

/// Character strings printed of one record.
const MAX_STRINGS: usize = 256;

/// What a record's data comes to.
pub enum Data {
    /// A line for `answers`; may be empty, which counts as an answer seen but is not logged.
    Text(Vec<u8>),
    /// Known, but Zeek logs nothing of it.
    Silent,
    /// As `Text`, but the rest of the section cannot be read.
    Last(Vec<u8>),
    /// Damaged: the rest of the section cannot be read.
    Broken,
}

/// Class NONE (RFC 2136 §2.4): in updates "must not exist" or "delete".
const CLASS_NONE: u16 = 254;
/// Class ANY.
const CLASS_ANY: u16 = 255;

/// Text of a prerequisite of a dynamic update (RFC 2136 §2.4); skips the data.
pub fn prerequisite(walk: &mut Walk<'_>, owner: &Name, head: RrHead) -> Vec<u8> {
    walk.up_to(head.rdlength);
    let what = match (head.class, head.rtype) {
        (CLASS_NONE, rr::ANY) => "pre: NameNotInUse ".to_owned(),
        (CLASS_ANY, rr::ANY) => "pre: NameInUse ".to_owned(),
        (CLASS_NONE, t) => format!("pre: NoRRSet {} ", qtype(t).as_str()),
        (_, t) => format!("pre: RRSetExists {} ", qtype(t).as_str()),
    };
    join(what.into_bytes(), owner.as_bytes())
}

/// Text of a deletion in a dynamic update (RFC 2136 §2.5); `None` if the record is an addition.
pub fn deletion(walk: &mut Walk<'_>, owner: &Name, head: RrHead) -> Option<Vec<u8>> {
    if !matches!(head.class, CLASS_NONE | CLASS_ANY) {
        return None;
    }
    walk.up_to(head.rdlength);
    Some(match (head.class, head.rtype) {
        (CLASS_ANY, rr::ANY) => join(b"del: RRSet * ".to_vec(), owner.as_bytes()),
        (CLASS_NONE, t) => join(format!("del: RR {} ", qtype(t).as_str()).into_bytes(), owner.as_bytes()),
        (_, t) => format!("del: RRSet {}", qtype(t).as_str()).into_bytes(),
    })
}

/// Reads a record's data. `named` puts type and owner before an address, as in updates.
pub fn data(walk: &mut Walk<'_>, owner: &Name, head: RrHead, named: bool) -> Data {
    let len = head.rdlength;
    match head.rtype {
        rr::A | rr::AAAA | rr::A6 => address(walk, owner, head, named),
        rr::NS | rr::CNAME | rr::PTR => name_at(walk, 0, len),
        rr::MX => name_at(walk, 2, len),
        rr::SRV if walk.netbios => Data::Silent,
        rr::SRV => name_at(walk, 6, len),
        rr::SOA => start_of_authority(walk, len),
        rr::TXT => char_strings(walk, "TXT", len),
        rr::SPF => char_strings(walk, "SPF", len),
        rr::NAPTR => naming_authority(walk, len),
        rr::SVCB | rr::HTTPS => service_binding(walk, len),
        rr::WKS => {
            walk.up_to(len);
            Data::Text(Vec::new())
        }
        rr::HINFO | rr::NB | rr::CAA | rr::OPT | rr::TSIG => {
            walk.up_to(len);
            Data::Silent
        }
        rr::RRSIG | rr::DNSKEY | rr::DS | rr::NSEC | rr::NSEC3 | rr::NSEC3PARAM => dnssec(walk, owner, head),
        rr::SSHFP => fixed(walk, len, 2, |d| {
            let mut text = b"SSHFP: ".to_vec();
            for byte in d.get(2..).unwrap_or(&[]) {
                let _ = write!(text, "{byte:02x}");
            }
            text
        }),
        rr::LOC => fixed(walk, len, 15, |d| {
            let at = |i: usize| d.get(i).copied().unwrap_or(0);
            format!("LOC:  {} {} {}", at(1), at(2), at(3)).into_bytes()
        }),
        rr::BINDS => fixed(walk, len, 5, |_| b"BIND9 signing signal".to_vec()),
        unknown => {
            walk.up_to(len);
            walk.odd("DNS_RR_unknown_type", Some(u32::from(unknown)));
            Data::Text(format!("<unknown type={unknown}>").into_bytes())
        }
    }
}

fn join(mut text: Vec<u8>, more: &[u8]) -> Vec<u8> {
    text.extend_from_slice(more);
    text
}

fn address(walk: &mut Walk<'_>, owner: &Name, head: RrHead, named: bool) -> Data {
    let (addr, what) = if head.rtype == rr::A {
        if head.rdlength != 4 {
            walk.odd("DNS_RR_bad_length", None);
            return Data::Broken;
        }
        (dotted(walk.u32().to_be_bytes()), "A")
    } else {
        let mut octets = [0; 16];
        for part in octets.chunks_exact_mut(4) {
            part.copy_from_slice(&walk.u32().to_be_bytes());
        }
        // A mapped IPv4 address prints in its plain form, as in Zeek.
        (Addr::v6(octets).to_string().into_bytes(), if head.rtype == rr::AAAA { "AAAA" } else { "A6" })
    };
    if !named {
        return Data::Text(addr);
    }
    let mut text = join(format!("{what} ").into_bytes(), owner.as_bytes());
    text.push(b' ');
    Data::Text(join(text, &addr))
}

/// An IPv4 address as text, without the formatting machinery: it is the most frequent answer.
fn dotted(octets: [u8; 4]) -> Vec<u8> {
    let mut text = Vec::with_capacity("255.255.255.255".len());
    for (i, octet) in octets.into_iter().enumerate() {
        if i > 0 {
            text.push(b'.');
        }
        if octet >= 100 {
            text.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            text.push(b'0' + octet / 10 % 10);
        }
        text.push(b'0' + octet % 10);
    }
    text
}

/// A name behind `skip` bytes is the whole text (NS, CNAME, PTR, MX, SRV).
fn name_at(walk: &mut Walk<'_>, skip: usize, rdlength: usize) -> Data {
    let start = walk.pos();
    walk.up_to(skip);
    let mut name = Name::default();
    walk.name(&mut name, true);
    if walk.pos() - start != rdlength {
        walk.odd("DNS_RR_length_mismatch", None);
    }
    Data::Text(name.as_bytes().to_vec())
}

fn start_of_authority(walk: &mut Walk<'_>, rdlength: usize) -> Data {
    let start = walk.pos();
    let (mut mname, mut rname) = (Name::default(), Name::default());
    walk.name(&mut mname, true);
    walk.name(&mut rname, true);
    if walk.left() < 20 {
        return Data::Broken;
    }
    walk.up_to(20);
    if walk.pos() - start != rdlength {
        walk.odd("DNS_RR_length_mismatch", None);
    }
    Data::Text(mname.as_bytes().to_vec())
}

/// The next character string within `left` bytes of data.
fn char_string<'a>(walk: &mut Walk<'a>, left: &mut usize) -> Option<&'a [u8]> {
    *left = left.checked_sub(1)?;
    let len = usize::from(walk.u8());
    if len > *left {
        walk.odd("DNS_TXT_char_str_past_rdlen", None);
        return None;
    }
    *left -= len;
    Some(walk.up_to(len))
}

fn char_strings(walk: &mut Walk<'_>, what: &str, rdlength: usize) -> Data {
    let mut left = rdlength;
    let mut text = Vec::with_capacity(rdlength + 8);
    let mut count = 0;
    while let Some(s) = char_string(walk, &mut left) {
        count += 1;
        if count > MAX_STRINGS {
            continue;
        }
        if count > 1 {
            text.push(b' ');
        }
        let _ = write!(text, "{what} {} ", s.len());
        text.extend_from_slice(s);
    }
    if left == 0 { Data::Text(text) } else { Data::Last(text) }
}

fn naming_authority(walk: &mut Walk<'_>, rdlength: usize) -> Data {
    let start = walk.pos();
    let (order, preference) = (walk.u16(), walk.u16());
    let mut left = rdlength.saturating_sub(4);
    let mut strings: [&[u8]; 3] = [&[]; 3];
    for s in &mut strings {
        match char_string(walk, &mut left) {
            Some(found) => *s = found,
            None => return Data::Broken,
        }
    }
    let [flags, service, regexp] = strings;
    let mut replacement = Name::default();
    walk.name(&mut replacement, true);
    if walk.pos() - start != rdlength {
        walk.odd("DNS_RR_length_mismatch", None);
    }
    let mut text = format!("NAPTR {order} {preference} ").into_bytes();
    text.extend_from_slice(flags);
    text.push(b' ');
    text.extend_from_slice(service);
    text.push(b' ');
    text.extend_from_slice(regexp);
    if !regexp.is_empty() && !replacement.as_bytes().is_empty() {
        text.push(b' ');
    }
    Data::Text(join(text, replacement.as_bytes()))
}

/// SVCB and HTTPS (RFC 9460 §2.2): parameters are checked, nothing is logged.
fn service_binding(walk: &mut Walk<'_>, rdlength: usize) -> Data {
    let start = walk.pos();
    // Priority and root name, wherever the record says that it ends.
    if walk.left() < 3 {
        walk.odd("DNS_SVCB_wrong_length", None);
        return Data::Broken;
    }
    walk.up_to(2);
    let mut target = Name::default();
    walk.name(&mut target, false);
    let mut params = walk.up_to(rdlength.saturating_sub(walk.pos() - start));
    while let Some((&[k0, k1, l0, l1], rest)) = params.split_first_chunk::<4>() {
        let Some((value, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1]))) else { break };
        params = rest;
        match u16::from_be_bytes([k0, k1]) {
            1 if !alpn_fits(value) => walk.odd("DNS_SVCB_alpn_length_invalid", None),
            3 if value.len() != 2 => walk.odd("DNS_SVCB_port_length_invalid", None),
            _ => {}
        }
    }
    Data::Silent
}

fn alpn_fits(mut list: &[u8]) -> bool {
    while let Some((&len, rest)) = list.split_first() {
        match rest.get(usize::from(len)..) {
            Some(rest) => list = rest,
            None => return false,
        }
    }
    true
}

/// Data whose first `min` bytes must be there; the cursor ends behind it.
fn fixed(walk: &mut Walk<'_>, rdlength: usize, min: usize, text: impl FnOnce(&[u8]) -> Vec<u8>) -> Data {
    if walk.left() < min {
        return Data::Broken;
    }
    let data = walk.up_to(rdlength.max(min));
    Data::Text(text(data))
}

fn dnssec(walk: &mut Walk<'_>, owner: &Name, head: RrHead) -> Data {
    let len = head.rdlength;
    match head.rtype {
        rr::RRSIG => rrsig(walk, len),
        rr::NSEC => {
            let start = walk.pos();
            let mut next = Name::default();
            walk.name(&mut next, true);
            walk.up_to(len.saturating_sub(walk.pos() - start));
            let mut text = join(b"NSEC ".to_vec(), owner.as_bytes());
            text.push(b' ');
            Data::Text(join(text, next.as_bytes()))
        }
        rr::DNSKEY => fixed(walk, len, 4, |d| format!("DNSKEY {}", d.get(3).copied().unwrap_or(0)).into_bytes()),
        rr::DS => fixed(walk, len, 4, |d| {
            let at = |i: usize| d.get(i).copied().unwrap_or(0);
            format!("DS {} {}", at(2), at(3)).into_bytes()
        }),
        rr::NSEC3 => fixed(walk, len, 6, |_| b"NSEC3".to_vec()),
        _ => fixed(walk, len, 5, |_| b"NSEC3PARAM".to_vec()),
    }
}

fn rrsig(walk: &mut Walk<'_>, rdlength: usize) -> Data {
    const FIXED: usize = 18;
    if walk.left() < FIXED {
        return Data::Broken;
    }
    let start = walk.pos();
    let covered = walk.u16();
    walk.up_to(FIXED - 2);
    let mut signer = Name::default();
    walk.name(&mut signer, true);
    walk.up_to(rdlength.saturating_sub(walk.pos() - start));
    let text = format!("RRSIG {covered} ").into_bytes();
    let signer = signer.as_bytes();
    Data::Text(join(text, if signer.is_empty() { b"<Root>" } else { signer }))
}
