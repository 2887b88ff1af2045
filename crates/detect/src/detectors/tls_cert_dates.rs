//! # tls-cert-dates
//! ## How
//! The times of a server's own certificate are compared with packet time: `expired` at the last session, `not-yet` if it
//! begins later than the first session, `expiring` if the end is near and no other certificate of the same name lasts longer.
//! `too-long`: a chain that ends in a public root, and a validity beyond what public authorities allowed when it began.
//! `too-short`: made for hours. An expired certificate of an issuer in an otherwise good chain is `expired` too.
//! ## Thresholds
//! `not-yet`: 300 s. `expiring`: less left than 30 days (Zeek, nDPI), and less than a sixth of the validity, as 30 days
//! would always warn of short ones. It is urgent with less than 72 h, and less than a thirtieth of the validity: a
//! certificate of a week in its last day is not. `too-long` (CA/B Forum Baseline Requirements and SC-081v3) by begin of
//! validity: 60 months, from 2015-04-01 39 months, from 2018-03-01 825 days, from 2020-09-01 398, from 2026-03-15 200,
//! from 2027-03-15 100, from 2029-03-15 47; one day is tolerated. `too-short`: 24 h, or 7 days from an authority that
//! is not trusted.
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten.
//! ## Severity
//! Of one's own services `expired` high 0.98, `expiring` medium 0.95, high if urgent, `not-yet` medium 0.95, `too-long` and `too-short` low. One
//! step less for others' services, and for issuers. What clients refused with an alert is `info`.
//! ## Benign
//! A capture whose clock is wrong, or an old one replayed: if half of all services or more, at least five, seem expired, that is more likely,
//! and each is `info` 0.3. Private roots are exempt from `too-long`. A newer certificate of the same name is a renewal under way. Certificates of DTLS without a
//! server name belong to calls, which make new ones each time.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given; a missing chain is no finding.
//! ## References
//! RFC 5280 §4.1.2.5; CA/B Forum Baseline Requirements §6.3.2, ballot SC-081v3; Zeek policy expiring-certs; nDPI
//! TLS_CERTIFICATE_EXPIRED, TLS_CERT_VALIDITY_TOO_LONG, TLS_CERTIFICATE_ABOUT_TO_EXPIRE.

use crate::catalogue::{Served, Shown, graded, raise};
use crate::certificate::{Cert, date};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Interval, SeededState, Timestamp};

static ABOUT: About = About {
    id: "tls-cert-dates",
    title: "certificate out of its time",
    means: "A certificate's validity is over, not begun, ending soon, or of odd length.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "expired", means: "The certificate's validity is over." },
        Reason { code: "not-yet", means: "The certificate's validity has not begun." },
        Reason { code: "expiring", means: "The certificate's validity ends soon, and no newer one was seen." },
        Reason { code: "too-long", means: "The certificate is valid for longer than public authorities may issue." },
        Reason { code: "too-short", means: "The certificate is valid for hours or a few days only." },
    ],
    benign: "The clock of the capture, a renewal under way, private authorities, short-lived certificates by design.",
    clears: "The service shows a certificate that is valid now and for a while.",
    next: &[
        "See whether the clock of the capture is right.",
        "See when and by what the certificate is renewed.",
        "See which clients go on in spite of it.",
    ],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Answers(Traffic::Tls)),
        vital(What::Certificates),
        useful(What::Whole(Traffic::Tls)),
        vital(What::Uncut(Traffic::Tls)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const EXPIRED: &Reason = ABOUT.at(0);
const NOT_YET: &Reason = ABOUT.at(1);
const EXPIRING: &Reason = ABOUT.at(2);
const TOO_LONG: &Reason = ABOUT.at(3);
const TOO_SHORT: &Reason = ABOUT.at(4);

const DAY: i64 = 86_400;
/// Clocks that are so far apart are right.
const SKEW: Interval = Interval::from_secs(300);
/// What is left when a warning is due.
const WARN: Interval = Interval::from_secs(30 * DAY);
/// Part of the validity that must be left.
const WARN_PART: i64 = 6;
/// What is left when it is urgent.
const URGENT: Interval = Interval::from_secs(3 * DAY);
/// Part of the validity below which it is urgent.
const URGENT_PART: i64 = 30;
/// Validity that is odd for a service.
const SHORT: Interval = Interval::from_secs(DAY);
/// Validity that is odd for an authority nobody knows.
const SHORT_UNKNOWN: Interval = Interval::from_secs(7 * DAY);
/// Tolerance of the limits below, days.
const TOLERANCE: i64 = 1;
/// Begin of validity, seconds since 1970, from which on so many days are allowed; the latest first.
const LIMITS: &[(i64, i64)] = &[
    (1_868_227_200, 47),
    (1_805_068_800, 100),
    (1_773_532_800, 200),
    (1_598_918_400, 398),
    (1_519_862_400, 825),
    (1_427_846_400, 1_187),
    (i64::MIN, 1_827),
];
/// Services out of date from which on it may be the clock.
const CLOCK_SERVICES: usize = 5;

/// See the module.
pub(crate) struct Dates;

impl Dates {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for Dates {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let catalogue = cx.catalogue();
        let all = catalogue.served();
        let dated = all.iter().filter(|(_, served, _)| !is_call(served));
        let expired = dated.clone().filter(|(_, s, c)| c.not_after.is_some_and(|t| t < s.last)).count();
        let is_clock = expired >= CLOCK_SERVICES && expired * 2 >= all.len();
        let longest = longest(&all);
        for shown in dated {
            judge(*shown, is_clock, &longest, cx);
            issuers(*shown, is_clock, cx);
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

/// Calls over DTLS make certificates for themselves, which nobody asks for by name.
fn is_call(served: &Served) -> bool {
    served.dtls && served.asked.is_empty()
}

/// The latest end of validity of any certificate by name.
fn longest<'a>(all: &[Shown<'a>]) -> HashMap<&'a str, Timestamp, SeededState> {
    let mut longest = HashMap::with_hasher(SeededState(0));
    for (_, _, cert) in all {
        let Some(end) = cert.not_after else { continue };
        let latest: &mut Timestamp = longest.entry(cert.first_name()).or_insert(end);
        *latest = (*latest).max(end);
    }
    longest
}

fn judge(shown: Shown<'_>, is_clock: bool, longest: &HashMap<&str, Timestamp, SeededState>, cx: &mut Cx<'_>) {
    let (_, served, cert) = shown;
    let (Some(from), Some(to)) = (cert.not_before, cert.not_after) else { return };
    let validity = to - from;
    if to < served.last {
        let grade = if is_clock { (Severity::Info, 30) } else { (graded(shown, Severity::High, cx), 98) };
        let past =
            Measure::count("expired since", days(served.last - to), Some(0), "days", Origin::Standard("RFC 5280"));
        cx.raise(clocked(raise(&ABOUT, EXPIRED, shown, grade).measure(past), is_clock).quote(
            "valid until",
            date(to).as_bytes(),
            cert.packet,
        ));
    } else if from > served.first + SKEW {
        let ahead = u64::try_from((from - served.first).0 / 1_000_000_000).unwrap_or(0);
        let ahead = Measure::count("begins in", ahead, Some(300), "s", Origin::Own);
        let grade = (graded(shown, Severity::Medium, cx), 95);
        cx.raise(raise(&ABOUT, NOT_YET, shown, grade).measure(ahead));
    } else {
        let left = to - served.last;
        let limit = WARN.0.min(validity.0 / WARN_PART);
        let renewed = longest.get(cert.first_name()).is_some_and(|latest| *latest > to);
        if left.0 < limit && !renewed {
            let urgent = left < URGENT && left.0 < validity.0 / URGENT_PART;
            let own = if urgent { Severity::High } else { Severity::Medium };
            let measure = Measure::count("left", days(left), Some(days(Interval(limit))), "days", Origin::Own);
            let raise = raise(&ABOUT, EXPIRING, shown, (graded(shown, own, cx), 95)).measure(measure);
            cx.raise(raise.benign("a renewal under way", "no other certificate of the same name lasts longer"));
        }
    }
    length(shown, validity, cx);
}

fn length(shown: Shown<'_>, validity: Interval, cx: &mut Cx<'_>) {
    let (_, served, cert) = shown;
    let Some(from) = cert.not_before else { return };
    let secs = from.0.div_euclid(1_000_000_000);
    let limit = LIMITS.iter().find(|l| secs >= l.0).map_or(0, |l| l.1);
    let low = graded(shown, Severity::Low, cx);
    let forum = Origin::Standard("CA/B Forum");
    if served.vouched && !served.private && validity > Interval::from_secs((limit + TOLERANCE) * DAY) {
        let measure = Measure::count("validity", days(validity), u64::try_from(limit).ok(), "days", forum);
        cx.raise(raise(&ABOUT, TOO_LONG, shown, (low, 95)).measure(measure));
    }
    let least = if served.fault.is_some() { SHORT_UNKNOWN } else { SHORT };
    if validity < least {
        let hours = |span: Interval| days(Interval(span.0.saturating_mul(24)));
        let measure = Measure::count("validity", hours(validity), Some(hours(least)), "h", Origin::Own);
        cx.raise(raise(&ABOUT, TOO_SHORT, shown, (low, 50)).measure(measure));
    }
}

/// The chain would be good, and so is the server's own certificate: an issuer's is out of date.
fn issuers(shown: Shown<'_>, is_clock: bool, cx: &mut Cx<'_>) {
    let (_, served, own) = shown;
    if !served.outdated || own.not_after.is_none_or(|to| to < served.last) {
        return;
    }
    let path = cx.catalogue().path(served);
    let expired = |c: &Cert| c.not_after.is_some_and(|to| to < served.first);
    let Some((_, cert)) = path.iter().skip(1).find(|(_, cert)| expired(cert)) else { return };
    let Some(to) = cert.not_after else { return };
    let grade = if is_clock { (Severity::Info, 30) } else { (graded(shown, Severity::Medium, cx), 90) };
    let past = Measure::count("expired since", days(served.first - to), Some(0), "days", Origin::Standard("RFC 5280"));
    let raise = raise(&ABOUT, EXPIRED, shown, grade).measure(past);
    let raise = raise.quote("expired issuer", cert.words().as_bytes(), cert.packet);
    cx.raise(
        clocked(raise, is_clock).benign("clients find another way", "none was among the certificates that were sent"),
    );
}

fn clocked(raise: Raise, is_clock: bool) -> Raise {
    if is_clock {
        raise.benign("the capture's clock is wrong or the capture is old", "most services seem to be out of date")
    } else {
        raise.benign("the capture's clock is wrong or the capture is old", "most services are in date")
    }
}

/// Whole days.
fn days(span: Interval) -> u64 {
    u64::try_from(span.0 / 1_000_000_000 / DAY).unwrap_or(0)
}

#[cfg(test)]
mod tests;
