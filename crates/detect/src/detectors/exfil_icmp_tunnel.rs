//! # exfil-icmp-tunnel
//! ## How
//! What echo requests and replies between two hosts carry, five minutes at a time, gives points. Two: replies carry something else than their
//! requests, though RFC 792 has the data returned; two: payloads of at least four lengths that no usual tool sends. One each: bytes as
//! random as encrypted ones; many at a high rate; replies that nobody asked for, or several different ones to a request; a payload that begins as an IP
//! packet, SSH, HTTP or a known tool does; much payload.
//! ## Thresholds
//! Four points. Changed: a tenth of the replies held against their requests, and three at least. Lengths: each a twentieth of the messages and three at least, not 8, 32, 48, 56,
//! 64 or 1,400 to 1,472 bytes. Entropy 6.7 bits for each byte of payloads of 64 bytes and more, taken together (single pings are too short to
//! measure). More than 200 messages at more than five a second. More than 50,000 bytes. All Sekisho's own choice.
//! ## State
//! 4,096 pairs with the sums of both directions; the least recent forgotten.
//! ## Severity
//! Four points medium 0.6; six high 0.85.
//! ## Benign
//! Path-MTU probes send each length once or twice; monitoring sends one length, with a time in it that is returned; a flood of large pings has three points
//! at most.
//! ## Blind
//! Captures with a short snapshot length: what is cut is not compared. Data in identifiers, numbers, timing or other types than echo. Tunnels that return
//! each payload unchanged in one usual length.
//! ## References
//! RFC 792, RFC 4443 §4; ATT&CK T1095, T1048.003; nDPI NDPI_SUSPICIOUS_ENTROPY, NDPI_MALFORMED_PACKET.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{EchoContent, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp};

static ABOUT: About = About {
    id: "exfil-icmp-tunnel",
    title: "data in ping",
    means: "ICMP packets between these hosts carry data, not reachability tests.",
    techniques: &["T1095", "T1048.003"],
    stage: Stage::Exfil,
    reasons: &[Reason { code: "echo", means: "Echo requests and replies carry what no ping does." }],
    benign: "Path-MTU probes, monitoring with times in its pings, floods for measuring.",
    clears: "The program that sends the pings is known and needed, or no such ping for a day.",
    next: &[
        "Read the payloads at the packets named here.",
        "See which program on the host sends the pings.",
        "Stop echoes to this address at the border.",
    ],
    needs: &[vital(What::Some(Traffic::Icmp)), useful(What::Uncut(Traffic::Icmp))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MAX_PAIRS: usize = 4_096;
/// Windows of both directions that begin so near each other are looked at together.
const TOGETHER: Interval = Interval::from_secs(300);
const POINTS: u64 = 4;
const MANY_POINTS: u64 = 6;
/// Replies that carry something else, in percent of those compared, and at least.
const CHANGED_PERCENT: u64 = 10;
const MIN_CHANGED: u64 = 3;
/// Lengths, each of this share of the messages in percent, and at least so many messages.
const LENS: usize = 4;
const LEN_PERCENT: u64 = 5;
const MIN_OF_LEN: u64 = 3;
/// Thousandths of a bit for each byte.
const ENTROPY: u64 = 6_700;
const MANY: u64 = 200;
const RATE: f64 = 5.0;
const MUCH: u64 = 50_000;

/// Payloads that ping programs send.
const fn is_usual(len: u64) -> bool {
    matches!(len, 8 | 32 | 48 | 56 | 64 | 1_400..=1_472)
}

/// The sums of a window of one direction.
#[derive(Clone, Copy, Default)]
struct Sum {
    from: Timestamp,
    until: Timestamp,
    messages: u64,
    bytes: [u64; 2],
    compared: u64,
    changed: u64,
    extra: u64,
    entropy: Option<u64>,
    odd_lens: usize,
    inside: bool,
}

impl Sum {
    fn of(row: &EchoContent<'_>) -> Self {
        let messages = row.requests + row.replies;
        let often = |n: u64| n >= MIN_OF_LEN && n.saturating_mul(100) >= messages.saturating_mul(LEN_PERCENT);
        let lens = row.lens.counts().zip(row.len_counts.counts());
        Self {
            from: row.ts,
            until: row.until,
            messages,
            bytes: [row.request_len, row.reply_len],
            compared: row.compared,
            changed: row.changed,
            extra: row.extra,
            entropy: row.entropy,
            odd_lens: lens.filter(|(len, n)| often(*n) && !is_usual(*len)).count(),
            inside: !row.inside.is_empty(),
        }
    }

    /// Both directions.
    fn and(self, other: Self) -> Self {
        let [a, b] = self.bytes;
        let [c, d] = other.bytes;
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
            messages: self.messages + other.messages,
            // The other direction's replies go the way of these requests.
            bytes: [a + d, b + c],
            compared: self.compared + other.compared,
            changed: self.changed + other.changed,
            extra: self.extra + other.extra,
            entropy: self.entropy.max(other.entropy),
            odd_lens: self.odd_lens.max(other.odd_lens),
            inside: self.inside || other.inside,
        }
    }

    fn rate(&self) -> f64 {
        let span = (self.until - self.from).0.max(1_000_000_000) as f64 / 1e9;
        self.messages as f64 / span
    }

    fn points(&self) -> u64 {
        let changed = self.changed >= MIN_CHANGED
            && self.changed.saturating_mul(100) >= self.compared.saturating_mul(CHANGED_PERCENT);
        let [a, b] = self.bytes;
        2 * u64::from(changed)
            + 2 * u64::from(self.odd_lens >= LENS)
            + u64::from(self.entropy.is_some_and(|e| e >= ENTROPY))
            + u64::from(self.messages > MANY && self.rate() > RATE)
            + u64::from(self.extra > 0)
            + u64::from(self.inside)
            + u64::from(a.saturating_add(b) > MUCH)
    }
}

/// See the module.
pub(crate) struct IcmpTunnel {
    /// By who asks and who answers.
    pairs: Recent<(Addr, Addr), Sum>,
}

impl IcmpTunnel {
    pub fn new(scope: &Scope) -> Self {
        Self { pairs: Recent::of(scope, MAX_PAIRS) }
    }

    fn echoes(&mut self, row: &EchoContent<'_>, cx: &mut Cx<'_>) {
        let own = Sum::of(row);
        let other = self.pairs.peek(&(row.resp, row.orig)).copied();
        let other = other.filter(|o| (o.from - own.from).0.abs() <= TOGETHER.0);
        *self.pairs.at((row.orig, row.resp), Sum::default) = own;
        let sum = other.map_or(own, |o| own.and(o));
        let points = sum.points();
        if points < POINTS {
            return;
        }
        // The machine to be touched is the one at home; of two, the one that asks.
        let subject =
            if !cx.hosts().is_internal(row.orig) && cx.hosts().is_internal(row.resp) { row.resp } else { row.orig };
        let peer = if subject == row.orig { row.resp } else { row.orig };
        let (severity, confidence) = if points >= MANY_POINTS { (Severity::High, 85) } else { (Severity::Medium, 60) };
        let [sent, received] = sum.bytes;
        let mut raise = Raise::new(&ABOUT, ABOUT.at(0), subject, severity, Confidence::percent(confidence))
            .key(peer.to_string())
            .peer(peer)
            .between(sum.from, sum.until)
            .times(sum.messages)
            .flow(row.uid)
            .packet(row.packet)
            .measure(Measure::count("points", points, Some(POINTS), "", Origin::Own))
            .measure(Measure::count(
                "replies that carry something else",
                sum.changed,
                Some(MIN_CHANGED),
                "",
                Origin::Own,
            ))
            .measure(Measure::count("replies compared with their requests", sum.compared, None, "", Origin::Own))
            .measure(Measure::count("unusual lengths", sum.odd_lens as u64, Some(LENS as u64), "", Origin::Own))
            .measure(Measure::real("messages a second", sum.rate(), Some(RATE), "1/s", Origin::Own))
            .measure(Measure::count("payload of who asks", sent, None, "bytes", Origin::Own))
            .measure(Measure::count("payload of who answers", received, None, "bytes", Origin::Own));
        if let Some(entropy) = sum.entropy {
            let (bits, limit) = (entropy as f64 / 1000.0, ENTROPY as f64 / 1000.0);
            raise = raise.measure(Measure::real("entropy", bits, Some(limit), "bits", Origin::Own));
        }
        raise = raise.quote("lengths", lengths(row).as_bytes(), row.packet);
        if !row.inside.is_empty() {
            raise = raise.quote("a payload begins as", row.inside, row.packet);
        }
        let mut samples = row.samples.texts();
        while let (Some(request), Some(reply)) = (samples.next(), samples.next()) {
            raise = raise.quote("request", hex(request).as_bytes(), row.packet);
            raise = raise.quote("its reply", hex(reply).as_bytes(), row.packet);
        }
        let one_length = if row.lens.len() > 1 { "no: several lengths" } else { "one length" };
        cx.raise(raise.benign("monitoring with a fixed length", one_length));
    }
}

/// `32×120 84×17`: the histogram of lengths.
fn lengths(row: &EchoContent<'_>) -> String {
    let all = row.lens.counts().zip(row.len_counts.counts());
    all.map(|(len, count)| format!("{len}×{count}")).collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Detector for IcmpTunnel {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::EchoContent]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::EchoContent(row) = row {
            self.echoes(row, cx);
        }
    }

    fn held_len(&self) -> usize {
        self.pairs.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten()
    }
}

#[cfg(test)]
mod tests;
