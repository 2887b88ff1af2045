//! Services that devices announce to their neighbours by multicast DNS (RFC 6762, RFC 6763), as detectors see them: a row
//! for each name, once a day. Made only if somebody judges. Limits: [`MAX_RECORDS`], [`MAX_TEXT_LEN`].

use super::message::{Header, Name, RrHead, Walk};
use super::names::rr;
use crate::{Cx, Transport};
use sekisho_record::{Head, Record, Text};
use sekisho_types::{Addr, Dir, Timestamp};
use sha2::{Digest as _, Sha256};

/// Records of a message that are looked at.
const MAX_RECORDS: u32 = 128;
/// Longest text told of a service.
const MAX_TEXT_LEN: usize = 512;
/// Multicast DNS; its answers leave from this port (RFC 6762 §6).
const PORT: u16 = 5353;

/// A service that a device announces.
#[derive(Clone, Debug, Record)]
#[record(log = "announcement")]
pub struct AnnouncementRecord {
    /// Time of the message, flow and its ends.
    #[record(flatten)]
    pub head: Head,
    /// Who announces it.
    pub host: Addr,
    /// `_ipp._tcp`.
    pub service: Text,
    /// What the device calls it.
    pub instance: Option<Text>,
    /// Its port.
    pub port: Option<u16>,
    /// What else is said of it: the texts of its TXT record, between them a space.
    pub text: Option<Text>,
    /// Number of the packet.
    pub packet: u64,
}

/// Tells what a message announces, if it is an answer of multicast DNS and somebody judges.
pub fn tell(dir: Dir, header: Header, msg: &[u8], cx: &mut Cx<'_>) {
    let tuple = &cx.flow.tuple;
    let (host, port) = if dir.is_orig() { (tuple.orig, tuple.orig_port) } else { (tuple.resp, tuple.resp_port) };
    if !cx.is_judged() || !header.qr || port != PORT || cx.transport != Transport::Udp {
        return;
    }
    let mut walk = Walk::new(msg, false);
    let mut owner = Name::default();
    if header.qdcount > super::MAX_QUESTIONS {
        return;
    }
    for _ in 0..header.qdcount {
        if walk.question(&mut owner).is_none() {
            return;
        }
    }
    let count = u32::from(header.ancount) + u32::from(header.nscount) + u32::from(header.arcount);
    for _ in 0..count.min(MAX_RECORDS) {
        let Some(head) = walk.rr_head(&mut owner) else { return };
        let end = walk.pos() + head.rdlength;
        // A record that may be kept for no time takes the announcement back (RFC 6762 §10.1).
        if head.ttl > 0 {
            record(&mut walk, &owner, head, host, cx);
        }
        walk.seek(end);
    }
}

fn record(walk: &mut Walk<'_>, owner: &Name, head: RrHead, host: Addr, cx: &mut Cx<'_>) {
    let mut target = Name::default();
    let (name, port, text) = match head.rtype {
        rr::PTR => {
            walk.name(&mut target, true);
            (target.as_bytes(), None, None)
        }
        rr::SRV => {
            walk.up_to(4);
            (owner.as_bytes(), Some(walk.u16()), None)
        }
        rr::TXT => (owner.as_bytes(), None, Some(texts(walk.up_to(head.rdlength)))),
        _ => return,
    };
    let Some((instance, service)) = parts(name) else { return };
    let text = text.filter(|t| !t.is_empty());
    let (ts, packet, ends) = (cx.ts, cx.source, cx.head(cx.ts));
    cx.emit_once("announcement", &digest(host, ts, name, port, text.as_deref()), 0, || AnnouncementRecord {
        head: ends,
        host,
        service: service.into(),
        instance: instance.map(Text::from),
        port,
        text: text.map(Text),
        packet,
    });
}

/// Of the fact, so that each is told once a day.
fn digest(host: Addr, ts: Timestamp, name: &[u8], port: Option<u16>, text: Option<&[u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(host.octets());
    hash.update(crate::cx::day(ts));
    hash.update(port.unwrap_or(0).to_be_bytes());
    hash.update([u8::from(text.is_some())]);
    hash.update(name);
    hash.update([0]);
    hash.update(text.unwrap_or(&[]));
    hash.finalize().into()
}

/// The character strings of a TXT record.
fn texts(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((&len, behind)) = rest.split_first() {
        let (text, behind) = behind.split_at_checked(usize::from(len)).unwrap_or((behind, &[]));
        if !text.is_empty() && out.len() < MAX_TEXT_LEN {
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(text);
        }
        rest = behind;
    }
    out.truncate(MAX_TEXT_LEN);
    out
}

/// `Printer` and `_ipp._tcp` of `Printer._ipp._tcp.local` (RFC 6763 §4.1); a name for a kind (§7.1, §9) has no instance.
fn parts(name: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let kinds = [&b"._tcp."[..], b"._udp."];
    let at = kinds.iter().filter_map(|kind| memchr::memmem::rfind(name, kind)).max()?;
    let before = name.get(..at)?;
    let start = memchr::memrchr(b'.', before).map_or(0, |dot| dot + 1);
    let service = name.get(start..at + 5).filter(|s| s.first() == Some(&b'_') && **s != *b"_dns-sd._udp")?;
    let instance = before.get(..start.saturating_sub(1)).filter(|i| !i.is_empty() && !i.ends_with(b"_sub"));
    Some((instance, service))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{header, name, record};
    use super::*;
    use crate::ProtoId;
    use crate::testing::Bench;

    /// What an answer with these records is told as.
    fn told(judged: bool, port: u16, records: &[Vec<u8>]) -> Vec<String> {
        let count = u16::try_from(records.len()).unwrap();
        let msg = [header(0, 0x8400, [0, count, 0, 0]), records.concat()].concat();
        let mut bench = Bench::new(ProtoId::Dns, Transport::Udp, 5353);
        bench.out.judged = judged;
        bench.flow.tuple.orig_port = port;
        bench.data(Dir::Orig, &msg).data(Dir::Orig, &msg).end();
        bench.rows("announcement")
    }

    fn printer() -> Vec<Vec<u8>> {
        let full = name("Printer._ipp._tcp.local");
        vec![
            record(&name("_ipp._tcp.local"), 12, 1, 120, &full),
            record(&full, 33, 1, 120, &[&[0, 0, 0, 0, 2, 119][..], &name("p.local")].concat()),
            record(&full, 16, 1, 120, b"\x08rp=ipp/a\x00\x06note=b"),
            record(&name("p.local"), 1, 1, 120, &[10, 0, 0, 9]),
        ]
    }

    #[test]
    fn announcements_are_told_once() {
        let rows = told(true, 5353, &printer());
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert!(rows.iter().all(|r| r.contains("service=Str(\"_ipp._tcp\")")));
        assert!(rows.iter().all(|r| r.to_lowercase().contains("instance=str(\"printer\")")), "{rows:?}");
        assert!(rows[1].contains("port=Count(631)") && rows[2].contains("text=Str(\"rp=ipp/a note=b\")"), "{rows:?}");
    }

    #[test]
    fn nothing_is_told_unless_somebody_judges_of_what_is_none_or_taken_back() {
        assert_eq!(told(false, 5353, &printer()).len(), 0);
        assert_eq!(told(true, 4000, &printer()).len(), 0, "an answer from another port");
        let goodbye = record(&name("_ipp._tcp.local"), 12, 1, 0, &name("Printer._ipp._tcp.local"));
        let reverse = record(&name("9.0.0.10.in-addr.arpa"), 12, 1, 120, &name("p.local"));
        let cut = record(&name("a._ipp._tcp.local"), 16, 1, 120, b"\x09abc");
        assert_eq!(told(true, 5353, &[goodbye, reverse]).len(), 0);
        assert!(told(true, 5353, &[cut])[0].contains("text=Str(\"abc\")"));
    }

    #[test]
    fn names_have_parts() {
        for (name, instance, service) in [
            (&b"My TV._googlecast._tcp.local"[..], Some(&b"My TV"[..]), &b"_googlecast._tcp"[..]),
            (b"_ipp._tcp.local", None, b"_ipp._tcp"),
            (b"_printer._sub._http._tcp.local", None, b"_http._tcp"),
            (b"a.b._sleep-proxy._udp.local.", Some(b"a.b"), b"_sleep-proxy._udp"),
        ] {
            assert_eq!(parts(name), Some((instance, service)));
        }
        for none in [&b"printer.local"[..], b"._tcp.", b"ipp._tcp.local", b"_services._dns-sd._udp.local", b""] {
            assert_eq!(parts(none), None, "{}", none.escape_ascii());
        }
    }
}
