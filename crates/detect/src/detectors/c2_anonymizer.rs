//! # c2-anonymizer
//! ## How
//! `tor`: a flow to an address that a list given with `--intel` calls Tor's (the word in the entry's label or the list's name); or TLS sessions with two
//! places outside that ask for names like `www.` + 4 to 25 letters a to z and 2 to 7 + `.com` or `.net`, made by chance by their letters, that nobody resolved, and whose
//! certificates no authority vouches for. `vpn-protocol`: WireGuard, OpenVPN, IKE, L2TP or PPTP by their messages, SSTP and SoftEther by their requests, answered from
//! outside. `socks`: a handshake of SOCKS with a host outside. `obfuscated`: a TCP connection whose
//! protocol nobody knows and whose first payloads look like noise, as fully encrypted protocols do.
//! ## Thresholds
//! Names: two places, likelihood below −4.6 (the length of names, and that of generated ones: measured on Tor's). Noise: three of the first four payloads of 512 bytes or more have
//! an entropy of 7.312 bits a byte (nDPI; shorter ones can't reach it), and 100 kB passed, both ends speaking.
//! ## State
//! 8,192 hosts with names of that form; 16,384 such names that were resolved; 4,096 flows in unknown protocols. The least recent are forgotten.
//! ## Severity
//! `tor` medium, of servers and domain controllers high; 0.8 by a list, 0.6 by names. `vpn-protocol` medium 0.6 where one host of
//! ten or more does it, else low. `socks` medium 0.6. `obfuscated` low 0.4.
//! ## Benign
//! VPN of the company or a visitor: mute them by address. Research. Games, file sharing and video calls have protocols of their own, too.
//! ## Blind
//! Tor through bridges that look like other programs (obfs4 is `obfuscated`, meek and snowflake nothing). VPN over TLS or QUIC. Noise over UDP.
//! ## References
//! nDPI NDPI_FULLY_ENCRYPTED, ANONYMOUS_SUBSCRIBER, its dissector of Tor; Amazon GuardDuty UnauthorizedAccess:EC2/TorClient; Wu et al., How the
//! Great Firewall of China Detects and Blocks Fully Encrypted Traffic, USENIX Security 2023.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Dns, Http, Kind, Row, Ssl, Stranger};
use crate::statistics::randomness::{RANDOM_BELOW, likelihood};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_intel::Table;
use sekisho_types::{Addr, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;
use std::sync::Arc;

static ABOUT: About = About {
    id: "c2-anonymizer",
    title: "Tor, VPN or proxy out of the network",
    means: "This host sends traffic through an anonymising network or private tunnel that hides its real destination.",
    techniques: &["T1090.003", "T1572", "T1573"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "tor", means: "It uses Tor." },
        Reason { code: "vpn-protocol", means: "It keeps a private tunnel to a host outside." },
        Reason { code: "socks", means: "It asks a proxy outside to connect on." },
        Reason { code: "obfuscated", means: "It has a connection that looks like noise from its first byte on." },
    ],
    benign: "The company's VPN, a visitor's VPN, research; games and file sharing.",
    clears: "The tunnel is approved for this host (mute it), or it is gone.",
    next: &[
        "See which program on the host has the connection, and who installed it.",
        "Ask whether the other end is the company's own.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const TOR: &Reason = ABOUT.at(0);
const VPN: &Reason = ABOUT.at(1);
const SOCKS: &Reason = ABOUT.at(2);
const OBFUSCATED: &Reason = ABOUT.at(3);

const MAX_HOSTS: usize = 8_192;
const MAX_RESOLVED: usize = 16_384;
const MAX_FLOWS: usize = 4_096;
/// Places with names of Tor's form that are enough, and that are kept.
const MIN_PLACES: usize = 2;
const MAX_PLACES: usize = 16;
/// Payloads looked at, and how many of them have to look like noise.
const FIRST: u8 = 4;
const NOISY: u8 = 3;
/// Shortest payload that can, and from what entropy on it does (thousandths of a bit).
const MIN_PAYLOAD: u64 = 512;
const NOISE: u64 = 7_312;
const MIN_LEN: u64 = 100_000;
/// Bytes that an end has to have sent.
const MIN_SIDE: u64 = 1_000;
/// Labels of a flow's protocols that are private tunnels.
const TUNNELS: &[(&str, &str)] =
    &[("wireguard", "WireGuard"), ("openvpn", "OpenVPN"), ("ike", "IPsec (IKE)"), ("l2tp", "L2TP"), ("pptp", "PPTP")];

/// A session that asked for a name of Tor's form.
#[derive(Clone)]
struct Shaped {
    peer: Addr,
    name: Box<[u8]>,
    uid: Uid,
    packet: u64,
    ts: Timestamp,
}

/// First payloads of a flow.
#[derive(Default)]
struct Payloads {
    seen: u8,
    noisy: u8,
}

/// See the module.
pub(crate) struct Anonymizer {
    state: SeededState,
    lists: Arc<Table>,
    shaped: Recent<Addr, Vec<Shaped>>,
    resolved: Recent<u64, ()>,
    flows: Recent<Uid, Payloads>,
}

impl Anonymizer {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            lists: Arc::clone(&scope.intel),
            shaped: Recent::of(scope, MAX_HOSTS),
            resolved: Recent::of(scope, MAX_RESOLVED),
            flows: Recent::of(scope, MAX_FLOWS),
        }
    }

    fn dns(&mut self, row: &Dns<'_>) {
        if has_shape(row.query) && !row.answers.is_empty() {
            let key = self.state.hash_one(row.query.to_ascii_lowercase());
            self.resolved.at(key, || ());
        }
    }

    fn tls(&mut self, row: &Ssl<'_>, cx: &mut Cx<'_>) {
        if !has_shape(row.server_name)
            || row.validation == b"ok"
            || !leaves(row.orig, row.resp, cx)
            || self.resolved.peek(&self.state.hash_one(row.server_name.to_ascii_lowercase())).is_some()
        {
            return;
        }
        let all = self.shaped.at(row.orig, Vec::new);
        if all.len() >= MAX_PLACES || all.iter().any(|s| s.peer == row.resp) {
            return;
        }
        all.push(Shaped { peer: row.resp, name: row.server_name.into(), uid: row.uid, packet: cx.packet, ts: row.ts });
        // The first two are told together, those that follow one by one.
        let told = match all.len() {
            n if n < MIN_PLACES => return,
            MIN_PLACES => all.as_slice(),
            n => all.get(n - 1..).unwrap_or(&[]),
        };
        let raises: Vec<Raise> = told
            .iter()
            .map(|s| {
                tor(row.orig, s.peer, 60, cx)
                    .at(s.ts)
                    .flow(s.uid)
                    .packet(s.packet)
                    .quote("name that nobody resolved", &s.name, s.packet)
                    .measure(Measure::count("places with such names", all.len() as u64, Some(2), "", Origin::Own))
                    .measure(Measure::real(
                        "likelihood of the name",
                        likelihood(middle(&s.name)),
                        Some(RANDOM_BELOW),
                        "bits",
                        Origin::Measured,
                    ))
                    .benign("an authority vouches for the certificate, or the name was resolved", "no")
            })
            .collect();
        raises.into_iter().for_each(|raise| cx.raise(raise));
    }

    fn stranger(&mut self, row: &Stranger<'_>, cx: &Cx<'_>) {
        let Some(entropy) = row.entropy.filter(|_| row.len >= MIN_PAYLOAD) else { return };
        if !leaves(row.orig, row.resp, cx) {
            return;
        }
        let flow = self.flows.at(row.uid, Payloads::default);
        if flow.seen < FIRST {
            flow.seen += 1;
            flow.noisy += u8::from(entropy >= NOISE);
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &mut Cx<'_>) {
        let noisy = if row.app.is_empty() { self.flows.remove(&row.uid) } else { None };
        if !leaves(row.orig, row.resp, cx) || row.orig_bytes.min(row.resp_bytes) == 0 {
            return;
        }
        let len = row.orig_bytes.saturating_add(row.resp_bytes);
        if let Some(list) = self.of_tor(row.resp) {
            let raise = tor(row.orig, row.resp, 80, cx);
            cx.raise(shown(raise, row, cx.packet).quote("list", list.as_bytes(), 0));
        }
        if row.app.is_empty() {
            let noise = noisy.is_some_and(|n| n.noisy >= NOISY);
            if noise && len >= MIN_LEN && row.orig_bytes.min(row.resp_bytes) >= MIN_SIDE {
                let raise = Raise::new(&ABOUT, OBFUSCATED, row.orig, Severity::Low, Confidence::percent(40))
                    .key(format!("{}:{}", row.resp, row.resp_port))
                    .peer(row.resp);
                let least = Measure::real("entropy of first payloads, at least", 7.312, Some(7.312), "bits", NDPI);
                let raise = shown(raise, row, cx.packet).measure(least);
                cx.raise(raise.benign("a protocol that is known", "no"));
            }
            return;
        }
        for app in row.app.split(|b| *b == b',') {
            if app == b"socks" {
                let raise = Raise::new(&ABOUT, SOCKS, row.orig, Severity::Medium, Confidence::percent(60))
                    .key(format!("{}:{}", row.resp, row.resp_port))
                    .peer(row.resp);
                cx.raise(shown(raise, row, cx.packet));
            } else if let Some((_, tunnel)) = TUNNELS.iter().find(|t| t.0.as_bytes() == app) {
                let place = cx.outside().place(row.uid, row.resp);
                let raise = vpn(row.orig, row.resp, tunnel, place, cx);
                cx.raise(shown(raise, row, cx.packet));
            }
        }
    }

    /// VPN that goes by HTTP: SSTP ([MS-SSTP] §3.2.5.2.2), SoftEther.
    fn http(&self, row: &Http<'_>, cx: &mut Cx<'_>) {
        let tunnel = match row.method {
            b"SSTP_DUPLEX_POST" => "SSTP",
            b"POST" if matches!(row.uri, b"/vpnsvc/connect.cgi" | b"/vpnsvc/vpn.cgi") => "SoftEther VPN",
            _ => return,
        };
        if leaves(row.orig, row.resp, cx) {
            let place = cx.outside().place(row.uid, row.resp);
            let raise = vpn(row.orig, row.resp, tunnel, place, cx);
            let line = [row.method, b" ", row.uri].concat();
            cx.raise(raise.at(row.ts).flow(row.uid).packet(cx.packet).quote("request", &line, cx.packet));
        }
    }

    /// The list that calls an address Tor's.
    fn of_tor(&self, addr: Addr) -> Option<String> {
        if self.lists.is_empty() {
            return None;
        }
        let (_, entry) = self.lists.addr(addr)?;
        let name = self.lists.list(entry).map_or("", |list| list.name.as_str());
        let says = |text: &str| {
            text.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| ["tor", "torproject", "onion"].iter().any(|w| word.eq_ignore_ascii_case(w)))
        };
        (says(self.lists.label(entry)) || says(name)).then(|| format!("{name} line {}", entry.line))
    }
}

const NDPI: Origin = Origin::Field("nDPI");

fn leaves(orig: Addr, resp: Addr, cx: &Cx<'_>) -> bool {
    cx.hosts().is_internal(orig) && !cx.hosts().is_internal(resp) && !resp.is_multicast()
}

fn tor(host: Addr, peer: Addr, percent: u8, cx: &Cx<'_>) -> Raise {
    let serves = cx.hosts().is(host, Role::Server) || cx.hosts().is(host, Role::DomainController);
    let severity = if serves { Severity::High } else { Severity::Medium };
    Raise::new(&ABOUT, TOR, host, severity, Confidence::percent(percent)).key("Tor").peer(peer)
}

fn vpn(host: Addr, peer: Addr, tunnel: &str, place: u64, cx: &Cx<'_>) -> Raise {
    let usage = cx.outside().usage(place);
    let severity = if usage.is_rare() { Severity::Medium } else { Severity::Low };
    Raise::new(&ABOUT, VPN, host, severity, Confidence::percent(60))
        .key(format!("{tunnel} {peer}"))
        .peer(peer)
        .quote("protocol", tunnel.as_bytes(), 0)
        .measure(Measure::count("hosts that go there", usage.hosts, None, "", Origin::Own))
        .benign("several hosts at home use it", if usage.is_rare() { "no" } else { "it may be: no more than low" })
}

fn shown(raise: Raise, row: &Conn<'_>, packet: u64) -> Raise {
    raise
        .between(row.ts, row.ts + row.duration)
        .flow(row.uid)
        .packet(packet)
        .measure(Measure::count("bytes sent", row.orig_bytes, None, "bytes", Origin::Own))
        .measure(Measure::count("bytes received", row.resp_bytes, None, "bytes", Origin::Own))
}

/// What stands between `www.` and the last label.
fn middle(name: &[u8]) -> &[u8] {
    name.get(4..name.len().saturating_sub(4)).unwrap_or(&[])
}

/// Is it a name of the form that Tor's clients and relays make up, by chance (tor, `crypto_random_hostname`: base 32)?
fn has_shape(name: &[u8]) -> bool {
    let end = name.get(name.len().saturating_sub(4)..).unwrap_or(&[]);
    let framed = name.get(..4).is_some_and(|w| w.eq_ignore_ascii_case(b"www."));
    if !framed || !(end.eq_ignore_ascii_case(b".com") || end.eq_ignore_ascii_case(b".net")) {
        return false;
    }
    let label = middle(name);
    (4..=25).contains(&label.len())
        && label.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
        && likelihood(label) < RANDOM_BELOW
}

impl Detector for Anonymizer {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns, Kind::Http, Kind::Ssl, Kind::Stranger]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) => self.conn(row, cx),
            Row::Dns(row) => self.dns(row),
            Row::Http(row) => self.http(row, cx),
            Row::Ssl(row) => self.tls(row, cx),
            Row::Stranger(row) => self.stranger(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let owned =
            |all: &Vec<Shaped>| all.capacity() * size_of::<Shaped>() + all.iter().map(|s| s.name.len()).sum::<usize>();
        self.shaped.held_len()
            + self.resolved.held_len()
            + self.flows.held_len()
            + self.shaped.iter().map(|(_, all)| owned(all)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.shaped.forgotten() + self.resolved.forgotten() + self.flows.forgotten()
    }
}

#[cfg(test)]
mod tests;
