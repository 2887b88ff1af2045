//! RDP over UDP (MS-RDPEUDP): recognised, not logged. Its content is encrypted by TLS or DTLS inside a transport of its
//! own; what there is to know is in conn.
//!
//! The client's SYN makes the guess, the server's answer to it is the proof; from then on the flow is opaque. Nothing
//! is kept, so there is nothing to limit. Known gap: a flow whose beginning was not captured is not recognised.

use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use sekisho_types::Dir;
use sekisho_wire::{ParseResult, Reader};

/// What a SYN acknowledges: nothing.
const NOTHING: u32 = u32::MAX;
/// Range of sizes that the ends may offer for datagrams (§2.2.2.5).
const MTU: std::ops::RangeInclusive<u16> = 1132..=1232;

/// Flags (§2.2.2.1).
mod flag {
    pub const SYN: u16 = 0x0001;
    pub const FIN: u16 = 0x0002;
    pub const ACK: u16 = 0x0004;
    pub const DATA: u16 = 0x0008;
}

/// The headers of a SYN (§2.2.2.1, §2.2.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Syn {
    acknowledged: u32,
    flags: u16,
    mtus: [u16; 2],
}

impl Syn {
    fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let acknowledged = r.u32(&"acknowledged")?;
        r.skip(&"window", 2)?;
        let flags = r.u16(&"flags")?;
        r.skip(&"sequence number", 4)?;
        Ok(Self { acknowledged, flags, mtus: [r.u16(&"MTU")?, r.u16(&"MTU")?] })
    }

    fn is_first(self) -> bool {
        let others = flag::FIN | flag::ACK | flag::DATA;
        self.acknowledged == NOTHING && self.flags & (flag::SYN | others) == flag::SYN && self.fits()
    }

    fn is_answer(self) -> bool {
        self.flags & (flag::SYN | flag::ACK) == flag::SYN | flag::ACK && self.fits()
    }

    fn fits(self) -> bool {
        self.mtus.iter().all(|mtu| MTU.contains(mtu))
    }
}

/// State of one flow.
pub struct Parser {
    asked: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "rdpeudp", tcp_ports: &[], udp_ports: &[3389], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { asked: false }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(syn) = Syn::parse(bytes) else { return };
        if dir.is_orig() {
            self.asked |= syn.is_first();
            cx.recognize("rdpeudp");
        } else if self.asked && syn.is_answer() {
            cx.confirm("rdpeudp");
            cx.opaque();
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        0
    }
}

/// The first datagram is a SYN.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Udp || !p.orig.starts_with(&[0xff; 4]) {
        return Guess::No;
    }
    match Syn::parse(p.orig) {
        // It is filled up to the size of a datagram, to see whether that passes.
        Ok(syn) if syn.is_first() && (p.port_match || p.orig.len() >= usize::from(*MTU.start())) => Guess::Yes,
        _ => Guess::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProtoId;
    use crate::testing::Bench;
    use sekisho_types::Dir::{Orig, Resp};

    fn syn(acknowledged: u32, flags: u16, mtu: u16) -> Vec<u8> {
        let mut out = acknowledged.to_be_bytes().to_vec();
        out.extend([0, 64]);
        out.extend(flags.to_be_bytes());
        out.extend([1, 2, 3, 4]);
        out.extend([mtu.to_be_bytes(), mtu.to_be_bytes()].concat());
        out.resize(1232, 0);
        out
    }

    fn guess(bytes: &[u8], port_match: bool) -> Guess {
        let flow = sekisho_types::FlowInfo::default();
        probe(&Probe { transport: Transport::Udp, orig: bytes, resp: &[], port_match, flow: &flow })
    }

    #[test]
    fn parses_a_handshake() {
        let mut b = Bench::new(ProtoId::Rdpeudp, Transport::Udp, 3389);
        b.data(Orig, &syn(NOTHING, 0x1001, 1232));
        assert!(b.out.confirmed.is_empty());
        b.data(Resp, &syn(0x0102_0304, 0x1005, 1232)).end();
        assert_eq!(b.out.confirmed, ["rdpeudp"]);
        assert!(b.out.opaque);
    }

    #[test]
    fn rejects_what_is_no_handshake() {
        assert_eq!(guess(&syn(NOTHING, 1, 1232), false), Guess::Yes);
        assert_eq!(guess(&syn(NOTHING, 1, 1232)[..20], false), Guess::No);
        assert_eq!(guess(&syn(NOTHING, 1, 1232)[..20], true), Guess::Yes);
        assert_eq!(guess(&syn(NOTHING, 5, 1232), true), Guess::No);
        assert_eq!(guess(&syn(NOTHING, 1, 1500), true), Guess::No);
        assert_eq!(guess(&[0xff; 9], true), Guess::No);
        let mut b = Bench::new(ProtoId::Rdpeudp, Transport::Udp, 3389);
        b.data(Resp, &syn(1, 5, 1232)).data(Orig, b"x").end();
        assert!(b.out.confirmed.is_empty());
    }
}
