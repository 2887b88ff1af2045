//! # l2-spoof
//! ## How
//! What ARP and neighbour advertisements say about which hardware address an address has is kept for each VLAN. `gateway-claim`: the address of a
//! router or name server (by DHCP, router advertisements, or because its hardware address carries the traffic of hosts elsewhere) is claimed by
//! another hardware address while the old one still sends. `mitm`: the same hardware address also claims the address of the host that it
//! told so. `flip-flop`: two hardware addresses claim one address, each twice or more, in the same ten minutes. `flood-unsolicited`: replies that
//! nobody asked for, to one host, again and again. `one-mac-many`: one hardware address takes over five addresses within ten minutes.
//! `sender-mismatch`: frames bear another source than the ARP message in them.
//! ## Thresholds
//! The old one within 60 seconds before or at any time after; two claims of each in 10 minutes; 10 replies in a row of five minutes, six a minute at least (spoofing
//! tools repeat every one or two seconds); 5 addresses in 10 minutes; one frame (Sekisho's own choice).
//! ## State
//! 20,000 bindings, 4,096 hardware addresses with the time of their last flow, 1,024 of routers, 256 addresses of gateways, 1,024 claims that wait for the
//! end; the least recent forgotten.
//! ## Severity
//! `gateway-claim` critical 0.9, `mitm` critical 0.95, `flip-flop` high 0.7, the others medium 0.5; `sender-mismatch` low 0.4, because bridges and
//! repeaters do it (Sekisho's own choice: without knowing the switches it tells little).
//! ## Benign
//! Virtual router addresses (VRRP, HSRP, GLBP, CARP: known by their prefixes), clusters that fail over (the old one falls silent), virtual machines that
//! move (same hardware address), addresses leased anew by DHCP, docking stations (two hardware addresses, each claims once).
//! ## Blind
//! Behind a router. ARP is summed up over five minutes, so a claim is told that much later. A capture at one port sees only what goes there.
//! ## References
//! arpwatch (flip flop); RFC 826, RFC 5227, RFC 4861; Snort arpspoof; ATT&CK T1557.002.

use crate::contacts::{Contacts, mark, secs};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Arp, Conn, Dhcp, Kind, Ndp, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, MacAddr, Timestamp};

static ABOUT: About = About {
    id: "l2-spoof",
    title: "someone else's address on the LAN",
    means: "A machine claims an address, often the gateway's, that belongs to another machine.",
    techniques: &["T1557.002"],
    stage: Stage::Credential,
    reasons: &[
        Reason {
            code: "gateway-claim",
            means: "The address of a router or name server was claimed while its owner still sends.",
        },
        Reason { code: "mitm", means: "A machine claims both the gateway's address and that of the host it tells so." },
        Reason { code: "flip-flop", means: "Two machines claim one address in turn." },
        Reason { code: "flood-unsolicited", means: "A host is told again and again, unasked, who has an address." },
        Reason { code: "one-mac-many", means: "One machine took over several addresses within minutes." },
        Reason { code: "sender-mismatch", means: "Frames bear another source than the message in them." },
    ],
    benign: "Virtual router addresses, clusters that fail over, docking stations, proxy ARP.",
    clears: "Only one machine claims the address for a day.",
    next: &[
        "Find the port of the switch with the claimant's hardware address.",
        "See which logins crossed the network meanwhile, and change those passwords.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::LinkLayer)],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MAX_BINDINGS: usize = 20_000;
const MAX_MACS: usize = 4_096;
const MAX_ROUTERS: usize = 1_024;
const MAX_GATEWAYS: usize = 256;
const MAX_CLAIMS: usize = 1_024;
/// How long before the claim the old one may have sent last.
const ALIVE_WITHIN: Interval = Interval::from_secs(60);
/// Claims of both in this time.
const FLIP_WITHIN: Interval = Interval::from_secs(600);
const FLIP_CLAIMS: u64 = 2;
/// All claims of both in this time: two rows of five minutes may lie apart.
const FLIP_SPAN: Interval = Interval::from_secs(1_200);
/// Replies that nobody asked for: how many, and how many a minute.
const FLOOD: u64 = 10;
const FLOOD_A_MINUTE: i64 = 6;
/// Addresses taken over, and the seconds.
const MANY: usize = 5;
const MANY_WITHIN: u32 = 600;
/// Beginnings of hardware addresses that several machines share on purpose.
const VIRTUAL: &[&[u8]] = &[
    &[0x00, 0x00, 0x5e, 0x00, 0x01],
    &[0x00, 0x00, 0x5e, 0x00, 0x02],
    &[0x00, 0x00, 0x0c, 0x07, 0xac],
    &[0x00, 0x00, 0x0c, 0x9f],
    &[0x00, 0x07, 0xb4, 0x00],
    &[0x00, 0x05, 0x73, 0xa0],
];

/// Who says to have an address, from when to when, how often.
#[derive(Clone, Copy)]
struct Claim {
    mac: MacAddr,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Asked for by nobody, or by an advertisement that overrides.
    forced: bool,
    packet: u64,
}

#[derive(Clone, Copy)]
struct Binding {
    now: Claim,
    before: Option<Claim>,
}

/// One address claimed by two.
#[derive(Clone, Copy)]
struct Dispute {
    vlan: u64,
    addr: Addr,
    old: Claim,
    new: Claim,
    /// Who was told.
    told: Option<Addr>,
}

/// See the module.
pub(crate) struct L2Spoof {
    seed: u64,
    bindings: Recent<(u64, Addr), Binding>,
    seen: Recent<MacAddr, Timestamp>,
    routers: Recent<MacAddr, ()>,
    gateways: Recent<Addr, ()>,
    leased: Recent<Addr, Timestamp>,
    taken: Recent<MacAddr, Contacts<16>>,
    disputes: Vec<Dispute>,
    dropped: u64,
}

fn is_virtual(mac: MacAddr) -> bool {
    VIRTUAL.iter().any(|prefix| mac.0.starts_with(prefix))
}

impl L2Spoof {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            bindings: Recent::of(scope, MAX_BINDINGS),
            seen: Recent::of(scope, MAX_MACS),
            routers: Recent::of(scope, MAX_ROUTERS),
            gateways: Recent::of(scope, MAX_GATEWAYS),
            leased: Recent::of(scope, MAX_MACS),
            taken: Recent::of(scope, MAX_MACS),
            disputes: Vec::new(),
            dropped: 0,
        }
    }

    fn arp(&mut self, arp: &Arp<'_>, cx: &mut Cx<'_>) {
        let Some(sender) = arp.orig else { return };
        if !matches!(arp.operation, "request" | "reply" | "gratuitous") {
            return;
        }
        let vlan = arp.vlan.unwrap_or(0);
        let claim = Claim {
            mac: arp.orig_mac,
            first: arp.ts,
            last: arp.ts + arp.duration,
            count: arp.count,
            forced: arp.operation != "request",
            packet: cx.packet,
        };
        let told = (arp.operation == "reply").then_some(arp.resp);
        self.claim((vlan, sender), claim, told, cx);
        // The one that was asked for answered.
        if arp.operation == "request"
            && let Some(mac) = arp.resp_mac
        {
            let answer = Claim { mac, count: arp.replies, forced: false, ..claim };
            self.claim((vlan, arp.resp), answer, None, cx);
        }
        if arp.operation == "reply" && arp.count >= FLOOD {
            let minutes = (arp.duration.whole_secs() + 59) / 60;
            let a_minute = i64::try_from(arp.count).unwrap_or(i64::MAX) / minutes.max(1);
            if a_minute >= FLOOD_A_MINUTE && !is_virtual(arp.orig_mac) {
                let raise = begin("flood-unsolicited", sender, arp.orig_mac, (Severity::Medium, 50));
                let raise = raise.peer(arp.resp).between(claim.first, claim.last).times(arp.count).packet(cx.packet);
                cx.raise(raise.measure(Measure::count(
                    "replies that nobody asked for",
                    arp.count,
                    Some(FLOOD),
                    "",
                    Origin::Own,
                )));
            }
        }
        if let Some(frame) = arp.frame_mac.filter(|m| !is_virtual(*m) && !is_virtual(arp.orig_mac)) {
            let raise =
                begin("sender-mismatch", sender, arp.orig_mac, (Severity::Low, 40)).at(arp.ts).packet(cx.packet);
            cx.raise(raise.times(arp.count).quote("source of the frame", frame.to_string().as_bytes(), cx.packet));
        }
    }

    fn ndp(&mut self, ndp: &Ndp<'_>, cx: &mut Cx<'_>) {
        let sender = if ndp.is_orig { ndp.orig } else { ndp.resp };
        if ndp.lifetime.is_some_and(|l| l > Interval::ZERO) {
            self.gateways.at(sender, || ());
        }
        let (Some(addr), Some(mac), "neighbour_advertisement") = (ndp.target, ndp.target_mac, ndp.operation) else {
            return;
        };
        let forced = ndp.overrides && ndp.solicited == Some(false);
        let claim = Claim { mac, first: ndp.ts, last: ndp.ts, count: ndp.count, forced, packet: cx.packet };
        let told = if ndp.is_orig { ndp.resp } else { ndp.orig };
        self.claim((0, addr), claim, Some(told).filter(|t| !t.is_multicast()), cx);
    }

    fn claim(&mut self, at: (u64, Addr), claim: Claim, told: Option<Addr>, cx: &mut Cx<'_>) {
        if is_virtual(claim.mac) || claim.mac == MacAddr::default() {
            return;
        }
        if self.routers.peek(&claim.mac).is_some() && self.bindings.peek(&at).is_none() {
            self.gateways.at(at.1, || ());
        }
        let mut known = true;
        let binding = self.bindings.at(at, || {
            known = false;
            Binding { now: claim, before: None }
        });
        if !known {
            return;
        }
        if binding.now.mac == claim.mac {
            let now = &mut binding.now;
            (now.first, now.last) = (now.first.min(claim.first), now.last.max(claim.last));
            (now.count, now.forced) = (now.count + claim.count, now.forced | claim.forced);
            return;
        }
        let old = binding.now;
        let back = binding.before.filter(|b| b.mac == claim.mac && claim.first - b.last <= FLIP_WITHIN);
        let new = match back {
            Some(b) => Claim { first: b.first, count: b.count + claim.count, forced: b.forced | claim.forced, ..claim },
            None => claim,
        };
        *binding = Binding { now: new, before: Some(old) };
        if self.disputes.len() < MAX_CLAIMS {
            self.disputes.push(Dispute { vlan: at.0, addr: at.1, old, new, told });
        } else {
            self.dropped += 1;
        }
        // The same two in turn are one taking over, not two.
        if back.is_none() && claim.forced {
            let now = secs(claim.first);
            let taken = self.taken.at(claim.mac, Contacts::default);
            taken.add(mark(self.seed, at.1), now);
            let count = taken.within(now, MANY_WITHIN);
            if count >= MANY && self.routers.peek(&claim.mac).is_none() {
                let raise =
                    begin("one-mac-many", at.1, claim.mac, (Severity::Medium, 50)).at(claim.first).packet(cx.packet);
                let (count, limit) = (u64::try_from(count).unwrap_or(0), Some(MANY as u64));
                cx.raise(raise.measure(Measure::count("addresses taken over", count, limit, "", Origin::Own)));
            }
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &Cx<'_>) {
        for (host, mac) in [(conn.orig, conn.orig_mac), (conn.resp, conn.resp_mac)] {
            let Some(mac) = mac.filter(|_| !host.is_multicast()) else { continue };
            let last = self.seen.at(mac, || conn.ts);
            *last = (*last).max(conn.ts + conn.duration);
            if !cx.hosts().is_internal(host) && self.routers.peek(&mac).is_none() {
                self.routers.at(mac, || ());
            }
        }
    }

    fn dhcp(&mut self, dhcp: &Dhcp<'_>) {
        for addr in dhcp.routers.addrs().chain(dhcp.resolvers.addrs()).take(8) {
            self.gateways.at(addr, || ());
        }
        if let Some(addr) = dhcp.assigned {
            *self.leased.at(addr, || dhcp.ts) = dhcp.ts;
        }
    }

    fn settle(&self, d: &Dispute, cx: &mut Cx<'_>) {
        let (old, new) = (d.old, d.new);
        // Leased anew shortly before the claim: the address moved.
        if self.leased.peek(&d.addr).is_some_and(|ts| Interval((new.first - *ts).0.abs()) <= FLIP_WITHIN) {
            return;
        }
        let sent = self.seen.peek(&old.mac).copied().unwrap_or(old.last).max(old.last);
        let alive = sent >= new.first - ALIVE_WITHIN;
        let gateway = self.gateways.peek(&d.addr).is_some();
        // By advertisements, a request alone shows only who asks.
        if gateway && alive && new.forced {
            let back = d.told.and_then(|victim| self.bindings.peek(&(d.vlan, victim)));
            let both = back.is_some_and(|b| b.now.mac == new.mac || b.before.is_some_and(|c| c.mac == new.mac));
            let (code, confidence) = if both { ("mitm", 95) } else { ("gateway-claim", 90) };
            raise_dispute(code, d, (Severity::Critical, confidence), cx);
        } else if old.count >= FLIP_CLAIMS
            && new.count >= FLIP_CLAIMS
            && old.last >= new.first - FLIP_WITHIN
            && old.last > new.first
            && new.last - old.first <= FLIP_SPAN
        {
            raise_dispute("flip-flop", d, (Severity::High, 70), cx);
        }
    }
}

fn begin(code: &'static str, addr: Addr, mac: MacAddr, (severity, confidence): (Severity, u8)) -> Raise {
    let reason = ABOUT.reason(code).unwrap_or(ABOUT.at(2));
    Raise::new(&ABOUT, reason, addr, severity, Confidence::percent(confidence)).key(mac.to_string())
}

fn raise_dispute(code: &'static str, d: &Dispute, grade: (Severity, u8), cx: &mut Cx<'_>) {
    let mut raise = begin(code, d.addr, d.new.mac, grade)
        .between(d.old.first.min(d.new.first), d.old.last.max(d.new.last))
        .times(d.new.count.max(1))
        .packet(d.old.packet)
        .packet(d.new.packet)
        .measure(Measure::count("claims of the old one", d.old.count, None, "", Origin::Own))
        .measure(Measure::count("claims of the new one", d.new.count, None, "", Origin::Own))
        .quote("hardware address before", d.old.mac.to_string().as_bytes(), d.old.packet)
        .quote("hardware address now", d.new.mac.to_string().as_bytes(), d.new.packet)
        .benign("a virtual router address", "neither hardware address is one of those")
        .benign("the address was leased anew", "no lease of it was seen at the time");
    if let Some(told) = d.told {
        raise = raise.peer(told);
    }
    cx.raise(raise);
}

impl Detector for L2Spoof {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Arp, Kind::Conn, Kind::Dhcp, Kind::Ndp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Arp(row) => self.arp(row, cx),
            Row::Conn(row) => self.conn(row, cx),
            Row::Dhcp(row) => self.dhcp(row),
            Row::Ndp(row) => self.ndp(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for dispute in &self.disputes {
            self.settle(dispute, cx);
        }
    }

    fn held_len(&self) -> usize {
        let taken: usize = self.taken.iter().map(|(_, t)| t.held_len()).sum();
        self.bindings.held_len()
            + self.seen.held_len()
            + self.routers.held_len()
            + self.gateways.held_len()
            + self.leased.held_len()
            + self.taken.held_len()
            + taken
            + self.disputes.capacity() * size_of::<Dispute>()
    }

    fn forgotten(&self) -> u64 {
        self.bindings.forgotten() + self.seen.forgotten() + self.gateways.forgotten() + self.dropped
    }
}

#[cfg(test)]
mod tests;
