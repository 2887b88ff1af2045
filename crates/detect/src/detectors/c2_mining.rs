//! # c2-mining
//! ## How
//! `stratum`: in a TCP connection that no other protocol claims a line of JSON names a method that only mining has, or a login with the
//! program's name or a password, as Monero's miners send it. `pool-name` and `tls-pool`: a connection to a mining pool that is known by its domain; or to a
//! name with a label such as `pool` or `stratum`, kept up with small messages both ways.
//! ## Thresholds
//! `stratum`: one line within the first 32 chunks. A listed domain: a connection in which both ends said something. A label: 30
//! minutes, packets below 600 bytes on average, one each 120 seconds at least and no more than one in five each way (Sekisho's own choice).
//! ## State
//! 4,096 flows that spoke Stratum, so that each is told once; the least recent forgotten.
//! ## Severity
//! `stratum` high 0.95; `pool-name` and `tls-pool` medium 0.6.
//! ## Benign
//! Research, and mining that the owner wants. Nodes of block chains speak other protocols and are not meant; nor are interfaces of wallets and nodes over HTTP.
//! ## Blind
//! Encrypted mining to pools that no list names. Stratum version 2, whose connections are encrypted. Pools reached through an own proxy.
//! ## References
//! Stratum mining protocol (SlushPool); nDPI NDPI_PROTOCOL_MINING; Amazon GuardDuty CryptoCurrency:EC2/BitcoinTool.B.

use crate::detection::Scope;
use crate::domains;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row, Stranger};
use crate::table::Recent;
use crate::{Cx, Raise};
use memchr::memmem;
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::Uid;

static ABOUT: About = About {
    id: "c2-mining",
    title: "cryptocurrency mining",
    means: "This host talks to a mining pool.",
    techniques: &["T1496.001"],
    stage: Stage::Impact,
    reasons: &[
        Reason { code: "stratum", means: "It speaks the protocol of mining." },
        Reason { code: "pool-name", means: "It keeps a connection to a place that is called as mining pools are." },
        Reason {
            code: "tls-pool",
            means: "It keeps an encrypted connection to a place that is called as mining pools are.",
        },
    ],
    benign: "Research, or mining that the owner wants.",
    clears: "The miner is known and wanted, or it is gone.",
    next: &[
        "See which program on the host has the connection, and since when.",
        "Find how it came there: a miner is seldom alone.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Requests(Traffic::Any)), useful(What::Uncut(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const STRATUM: &Reason = ABOUT.at(0);
const POOL: &Reason = ABOUT.at(1);
const TLS_POOL: &Reason = ABOUT.at(2);

const MAX_FLOWS: usize = 4_096;
/// How long a connection to a label has to last.
const MIN_SECONDS: f64 = 1800.0;
/// Bytes of a packet on average, and seconds between two of a direction.
const MAX_PACKET_LEN: u64 = 600;
const PACE: (f64, f64) = (2.5, 120.0);
/// Longest line quoted: what stands in front of a wallet.
const QUOTED_LEN: usize = 48;

/// Methods that only mining has.
const METHODS: &[&[u8]] = &[
    b"mining.authorize",
    b"mining.configure",
    b"mining.extranonce.subscribe",
    b"mining.notify",
    b"mining.set_difficulty",
    b"mining.set_target",
    b"mining.submit",
    b"mining.subscribe",
    b"eth_submitHashrate",
    b"eth_submitLogin",
    b"eth_submitWork",
];

/// Domains of mining pools.
const POOLS: &[&str] = &[
    "2miners.com",
    "antpool.com",
    "braiins.com",
    "c3pool.com",
    "c3pool.org",
    "dwarfpool.com",
    "ethermine.org",
    "f2pool.com",
    "flypool.org",
    "hashvault.pro",
    "herominers.com",
    "kryptex.network",
    "minergate.com",
    "minexmr.com",
    "miningpoolhub.com",
    "moneroocean.stream",
    "nanopool.org",
    "nicehash.com",
    "poolin.com",
    "slushpool.com",
    "supportxmr.com",
    "unmineable.com",
    "viabtc.com",
    "woolypooly.com",
    "xmrpool.eu",
];

/// See the module.
pub(crate) struct Mining {
    told: Recent<Uid, ()>,
}

impl Mining {
    pub fn new(scope: &Scope) -> Self {
        Self { told: Recent::of(scope, MAX_FLOWS) }
    }

    fn stranger(&mut self, row: &Stranger<'_>, cx: &mut Cx<'_>) {
        if row.bytes.first() != Some(&b'{') || !cx.hosts().is_internal(row.orig) {
            return;
        }
        let Some(method) = method(row.bytes) else { return };
        let said = self.told.peek(&row.uid).is_some();
        self.told.at(row.uid, || ());
        let key = cx.name_of(row.resp).map_or_else(|| row.resp.to_string(), str::to_owned);
        let line = row.bytes.get(..QUOTED_LEN).unwrap_or(row.bytes);
        cx.raise(
            Raise::new(&ABOUT, STRATUM, row.orig, Severity::High, Confidence::percent(95))
                .key(format!("{key}:{}", row.resp_port))
                .peer(row.resp)
                .at(row.ts)
                .times(u64::from(!said))
                .flow(row.uid)
                .packet(row.packet)
                .quote("method", method, row.packet)
                .quote("beginning of the line", line, row.packet),
        );
    }

    fn conn(row: &Conn<'_>, cx: &mut Cx<'_>) {
        let Some(call) = cx.outside().at_hand() else { return };
        if row.proto != "tcp" || row.orig_bytes == 0 || row.resp_bytes == 0 {
            return;
        }
        let Some(name) = cx.outside().name(call.place).or_else(|| cx.name_of(row.resp)) else { return };
        let listed = POOLS.binary_search(&domains::registrable(name)).is_ok() && !is_site(name);
        let like_one = is_pool(name) && is_kept_up(row);
        if !listed && !like_one {
            return;
        }
        let is = |app: &[u8]| row.app.split(|b| *b == b',').any(|a| a == app);
        let reason = if is(b"ssl") { TLS_POOL } else { POOL };
        // Its web site is looked at by people.
        if is(b"http") || (listed && !is_kept_up(row) && matches!(row.resp_port, 80 | 443)) {
            return;
        }
        let name = name.to_owned();
        let seconds = row.duration.0 as f64 / 1e9;
        cx.raise(
            Raise::new(&ABOUT, reason, row.orig, Severity::Medium, Confidence::percent(60))
                .key(format!("{name}:{}", row.resp_port))
                .peer(row.resp)
                .between(row.ts, row.ts + row.duration)
                .flow(row.uid)
                .packet(cx.packet)
                .measure(Measure::real(
                    "lasted",
                    seconds,
                    if listed { None } else { Some(MIN_SECONDS) },
                    "s",
                    Origin::Own,
                ))
                .measure(Measure::count("packets sent", row.orig_pkts, None, "", Origin::Own))
                .measure(Measure::count("packets received", row.resp_pkts, None, "", Origin::Own))
                .benign("the name is on the list of pools", if listed { "yes" } else { "no" }),
        );
    }
}

/// The method of mining that a line of JSON has.
fn method(line: &[u8]) -> Option<&[u8]> {
    let at = memmem::find(line, b"\"method\"")? + b"\"method\"".len();
    let rest = line.get(at..)?;
    let skip = rest.iter().position(|b| !matches!(b, b':' | b' ' | b'\t'))?;
    let value = rest.get(skip..)?.strip_prefix(b"\"")?;
    let value = value.get(..memchr::memchr(b'"', value)?)?;
    let has = |part: &[u8]| memmem::find(line, part).is_some();
    let login = value == b"login" && has(b"\"params\"") && (has(b"\"agent\"") || has(b"\"pass\""));
    let job = value == b"job" && has(b"\"blob\"") && has(b"\"target\"");
    (METHODS.contains(&value) || login || job).then_some(value)
}

/// Is it the web site of a pool, and not the pool?
fn is_site(name: &str) -> bool {
    name.starts_with("www.") || name.starts_with("api.") || name.matches('.').count() < 2
}

/// Is one of the words of a name's labels such as pools have?
fn is_pool(name: &str) -> bool {
    const WORDS: &[&str] = &["mine", "mining", "pool", "stratum", "xmr"];
    let domain = domains::registrable(name);
    let sub = name.strip_suffix(domain).unwrap_or("");
    // Of the registered name only what stands before a number or a hyphen, not `pool.ntp.org`.
    let word = |w: &str| WORDS.contains(&w.trim_end_matches(|c: char| c.is_ascii_digit()));
    domain != "ntp.org" && sub.split(['.', '-']).chain(domain.split('.').next().unwrap_or("").split('-')).any(word)
}

/// Small messages both ways for long.
fn is_kept_up(row: &Conn<'_>) -> bool {
    let seconds = row.duration.0 as f64 / 1e9;
    let paced = |packets: u64, bytes: u64| {
        let pace = seconds / packets.max(1) as f64;
        bytes / packets.max(1) < MAX_PACKET_LEN && pace >= PACE.0 && pace <= PACE.1
    };
    seconds >= MIN_SECONDS && paced(row.orig_pkts, row.orig_ip_bytes) && paced(row.resp_pkts, row.resp_ip_bytes)
}

impl Detector for Mining {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Stranger]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Stranger(row) => self.stranger(row, cx),
            Row::Conn(row) => Self::conn(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.told.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.told.forgotten()
    }
}

#[cfg(test)]
mod tests;
