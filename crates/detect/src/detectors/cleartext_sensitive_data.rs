//! # cleartext-sensitive-data
//! ## How
//! Contents that pass in clear (bodies of HTTP, parts of mails, files of FTP, SMB, NFS, TFTP), 256 KiB of each, are looked through for card numbers (length, issuer, check digit), bank
//! accounts (length by country, check digits), private keys (a header and the key's first line) and access tokens (shapes of cloud services, signed web tokens). Values
//! are counted once for each flow and direction.
//! ## Thresholds
//! Five different card numbers, and as many as there are numbers of that shape with a wrong check digit, or one beside `cvv`, `cvc` or `exp` (64 bytes). Three different accounts. One
//! key, one token. Sekisho's own choice; of random numbers one in ten passes the check digit, so that lists of products have nine wrong ones for each right one.
//! ## State
//! 4,096 flows and directions with 32 digests of values for each kind; the least recent forgotten. Digests have the run's seed; of values only their last two
//! characters and their length are told.
//! ## Severity
//! Keys high 0.95, five cards high 0.8, tokens high 0.8, others medium 0.6; within the network and from outside one step less. What leaves the network is told as exfiltration,
//! all else as hygiene.
//! ## Benign
//! Numbers that payment services publish for tests are left out, keys without content in documentation, too. Accounts on invoices.
//! ## Blind
//! What is encrypted; what stands in archives, pictures and documents; results of databases, terminals, addresses and fields of requests (logins: `cleartext-credentials`). What lies behind the first
//! 256 KiB, and contents beyond 128 at a time. National numbers. Accounts with few digits.
//! ## References
//! ISO/IEC 7812-1, ISO 13616, RFC 7468, RFC 7519; PCI DSS 4.2.1; ATT&CK T1040, T1048.003.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row, SensitiveData};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::Uid;

static ABOUT: About = About {
    id: "cleartext-sensitive-data",
    title: "sensitive content without encryption",
    means: "Data that should never travel in clear (card numbers, keys, account numbers) was seen unencrypted.",
    techniques: &["T1040", "T1048.003"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "card", means: "Numbers of payment cards passed in clear." },
        Reason { code: "iban", means: "Numbers of bank accounts passed in clear." },
        Reason { code: "private-key", means: "A private key passed in clear." },
        Reason { code: "token", means: "An access token passed in clear." },
    ],
    benign: "Numbers for tests, numbers of products, documentation, account numbers on one's own invoices.",
    clears: "The same content is sent encrypted, or no longer.",
    next: &[
        "Read the content at the packet named here: what is it?",
        "Let sender and receiver use TLS.",
        "Withdraw keys and tokens, and give out new ones.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Whole(Traffic::Any)),
        useful(What::Uncut(Traffic::Any)),
        useful(What::Clear(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MAX_FLOWS: usize = 4_096;
const MAX_VALUES: usize = 32;
const CARDS: usize = 5;
const IBANS: usize = 3;

/// Values of a flow and direction.
#[derive(Default)]
struct Seen {
    digests: Vec<u64>,
    misses: u64,
    near: bool,
}

/// See the module.
pub(crate) struct SensitiveContent {
    /// By flow, direction and place of the kind.
    flows: Recent<(Uid, bool, usize), Seen>,
}

impl SensitiveContent {
    pub fn new(scope: &Scope) -> Self {
        Self { flows: Recent::of(scope, MAX_FLOWS) }
    }

    fn content(&mut self, row: &SensitiveData<'_>, cx: &mut Cx<'_>) {
        let Some(place) = ABOUT.reasons.iter().position(|r| r.code.as_bytes() == row.kind) else { return };
        let Some(reason) = ABOUT.reasons.get(place) else { return };
        let seen = self.flows.at((row.uid, row.is_orig, place), Seen::default);
        let mut new = 0u64;
        for digest in row.digests.counts() {
            if seen.digests.len() < MAX_VALUES && !seen.digests.contains(&digest) {
                seen.digests.push(digest);
                new += 1;
            }
        }
        seen.misses += row.misses;
        seen.near |= row.near;
        let count = seen.digests.len();
        let limit = match reason.code {
            "card" if seen.near => 1,
            "card" => CARDS,
            "iban" => IBANS,
            _ => 1,
        };
        let is_chance = reason.code == "card" && !seen.near && seen.misses > count as u64;
        if new == 0 || count < limit || is_chance {
            return;
        }
        let (mut severity, confidence) = match reason.code {
            "private-key" => (Severity::High, 95),
            "token" => (Severity::High, 80),
            "card" if count >= CARDS => (Severity::High, 80),
            _ => (Severity::Medium, 60),
        };
        let (sender, receiver) = if row.is_orig { (row.orig, row.resp) } else { (row.resp, row.orig) };
        let leaves = cx.hosts().is_internal(sender) && !cx.hosts().is_internal(receiver);
        if !leaves {
            severity = severity.lowered(1);
        }
        // The machine at home is the one that can be changed.
        let subject =
            if !cx.hosts().is_internal(sender) && cx.hosts().is_internal(receiver) { receiver } else { sender };
        let peer = if subject == sender { receiver } else { sender };
        let source = String::from_utf8_lossy(row.source);
        let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(confidence))
            .key(format!("{peer} {source}"))
            .peer(peer)
            .stage(if leaves { Stage::Exfil } else { Stage::Hygiene })
            .at(row.ts)
            .times(new)
            .flow(row.uid)
            .packet(row.packet)
            .measure(Measure::count("different values", count as u64, Some(limit as u64), "", Origin::Own))
            .measure(Measure::count("offset of the first in its content", row.offset, None, "bytes", Origin::Own))
            .measure(Measure::count("length of the first", row.len, None, "characters", Origin::Own));
        if reason.code == "card" {
            raise = raise.measure(Measure::count(
                "with a wrong check digit",
                seen.misses,
                Some(count as u64),
                "",
                Origin::Own,
            ));
        }
        let ends: Vec<String> = row.ends.texts().take(8).map(|e| format!("…{}", e.escape_ascii())).collect();
        raise = raise
            .quote("they end in", ends.join(" ").as_bytes(), row.packet)
            .benign("numbers published for tests, keys without content", "left out");
        cx.raise(raise);
    }
}

impl Detector for SensitiveContent {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::SensitiveData]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::SensitiveData(row) = row {
            self.content(row, cx);
        }
    }

    fn held_len(&self) -> usize {
        let digests: usize = self.flows.iter().map(|(_, seen)| seen.digests.capacity() * size_of::<u64>()).sum();
        self.flows.held_len() + digests
    }

    fn forgotten(&self) -> u64 {
        self.flows.forgotten()
    }
}

#[cfg(test)]
mod tests;
