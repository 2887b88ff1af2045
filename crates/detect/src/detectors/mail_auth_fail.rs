//! # mail-auth-fail
//! ## How
//! The sender of a mail from outside could not be verified. Authentication-Results fields (RFC 8601) are read where a server
//! at home wrote them: their authserv-id is of a domain at home, of the recipients', or of a host that a newest Received field names
//! behind `by`; what came along with a mail straight from outside is not believed. `dmarc`: dmarc=fail; `spf`: spf=fail and
//! DKIM did not pass; `dkim`: dkim=fail and SPF did not pass; `none`: none of the three is there to check. Without such a field the connecting
//! address is held against the SPF record of the envelope's domain as it was seen in DNS within the last hour (ip4, ip6,
//! include, redirect, all; anything else, or a record not seen, gives no verdict). `spf` also says that the address pretends to be
//! at home: From is of a domain at home, the client is outside and nothing proves it. `reply-to`: answers go to a free mailbox of
//! another domain. `helo`: a client outside calls itself by a domain at home, or by the server's own address.
//! `bulk-origin`: a host here that is no relay opens SMTP to many hosts outside, or is refused with words of a block list.
//! ## Thresholds
//! `bulk-origin` 20 hosts in an hour (Sekisho's own choice). SPF records count for an hour.
//! ## State
//! SPF records 4,096; hosts that send, 10,000 with 20 targets each, the least recent forgotten.
//! ## Severity
//! From of a domain at home and failed high 0.85, without a verdict medium 0.6; DMARC failed although the domain wants mail
//! rejected medium 0.8, else low 0.6; `spf`, `dkim` low 0.6; `reply-to` low 0.4; `helo` low 0.6; `none` info; `bulk-origin` high 0.8.
//! ## Benign
//! Forwarders and mailing lists: an ARC seal that passed, List-Id. Small senders whose records are broken: one finding a
//! domain of the sender.
//! ## Blind
//! Mail over TLS. DKIM signatures are not checked, records are not asked for. `a`, `mx`, `exists`, `ptr` and macros of SPF.
//! ## References
//! RFC 7208, 6376, 7489, 8601, 8617; Zeek Blocklist_Blocked_Host; GuardDuty Backdoor:EC2/Spambot.

mod spf;

use crate::detection::Scope;
use crate::domains::{of_address, registrable};
use crate::hosts::Role;
use crate::mails::{self, Way, finding, is_free_mail, packet_of};
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Mail, Row, Smtp};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp};
use spf::{Records, Verdict};

static ABOUT: About = About {
    id: "mail-auth-fail",
    title: "sender not verified",
    means: "The sender could not be verified.",
    techniques: &["T1566", "T1672", "T1071.003"],
    stage: Stage::Initial,
    reasons: &[
        Reason {
            code: "bulk-origin",
            means: "A host here that is no mail relay sends mail to many servers, or is refused as a spammer.",
        },
        Reason { code: "dkim", means: "The signature of the sender's domain does not verify." },
        Reason { code: "dmarc", means: "The domain in the From field disowns the mail." },
        Reason { code: "helo", means: "A client from outside introduces itself by a name or address of yours." },
        Reason { code: "none", means: "The sender's domain offers nothing to verify it by." },
        Reason { code: "reply-to", means: "Answers go to a free mailbox, not to the sender's domain." },
        Reason {
            code: "spf",
            means: "The sender's domain does not allow this host to send, or a domain of yours is claimed from outside.",
        },
    ],
    benign: "Forwarders, mailing lists, services that write for others, small senders with broken records.",
    clears: "The sending host is added to the domain's records, or turns out to be a known forwarder.",
    next: &[
        "Compare the connecting host with those that mail of this domain usually comes from.",
        "Let the mail server reject what the domain's policy disowns.",
    ],
    needs: &[
        vital(What::Some(Traffic::Mail)),
        vital(What::Bodies),
        vital(What::Clear(Traffic::Mail)),
        useful(What::Whole(Traffic::Mail)),
        vital(What::Uncut(Traffic::Mail)),
        useful(What::Answers(Traffic::Mail)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const BULK_ORIGIN: &Reason = ABOUT.at(0);
const DKIM: &Reason = ABOUT.at(1);
const DMARC: &Reason = ABOUT.at(2);
const HELO: &Reason = ABOUT.at(3);
const NONE: &Reason = ABOUT.at(4);
const REPLY_TO: &Reason = ABOUT.at(5);
const SPF: &Reason = ABOUT.at(6);

/// Hosts whose targets are counted, the targets that are many, and the time within which.
const MAX_ORIGINS: usize = 10_000;
const MANY_TARGETS: usize = 20;
const WINDOW_NS: i64 = 3_600_000_000_000;

/// Port between mail servers; to the others people log in.
const SMTP_PORT: u16 = 25;

/// Received fields among which the writer of results is looked for.
const NEWEST_HOPS: usize = 3;

/// Words of replies that name a list of spammers.
const BLOCK_LIST: &[&str] =
    &["blacklist", "block list", "blocked using", "blocklist", "dnsbl", "listed by", "spamcop", "spamhaus"];

/// Where a host has sent mail to within the window.
struct Sent {
    since: Timestamp,
    targets: Vec<Addr>,
}

/// See the module.
pub(crate) struct AuthFail {
    records: Records,
    origins: Recent<Addr, Sent>,
}

/// What the results say.
#[derive(Default, Debug, PartialEq, Eq)]
struct Results {
    dmarc: Option<String>,
    spf: Option<String>,
    dkim: Option<String>,
    /// The domain wants what fails to be rejected.
    rejects: bool,
}

impl Results {
    fn is(result: &Option<String>, want: &str) -> bool {
        result.as_deref() == Some(want)
    }

    /// `example.org; spf=pass smtp.mailfrom=…; dkim=fail; dmarc=fail (p=REJECT …)`
    fn read(&mut self, field: &str) {
        for part in field.split(';').skip(1) {
            let part = part.trim();
            let result = |method: &str| {
                let rest = part.strip_prefix(method)?.trim_start().strip_prefix('=')?.trim_start();
                Some(rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>())
            };
            if let Some(found) = result("dmarc") {
                self.rejects |= part.contains("p=reject");
                self.dmarc.get_or_insert(found);
            } else if let Some(found) = result("spf") {
                self.spf.get_or_insert(found);
            } else if let Some(found) = result("dkim") {
                // One signature that verifies is enough.
                if found == "pass" || self.dkim.is_none() {
                    self.dkim = Some(found);
                }
            }
        }
    }
}

/// The results that a server at home has written; `None` if there are none.
fn results(mail: &Mail<'_>, cx: &Cx<'_>) -> Option<Results> {
    let outside = |a| !cx.hosts().is_internal(a);
    // What comes straight from outside was written outside.
    if mail.protocol == "smtp" && outside(mail.orig) {
        return None;
    }
    let recipients: Vec<String> = mail.to.texts().chain(mail.rcptto.texts()).filter_map(of_address).collect();
    let hops: Vec<String> = mail.received.texts().take(NEWEST_HOPS).filter_map(by_host).collect();
    let mut results: Option<Results> = None;
    for field in mail.auth_results.texts() {
        let field = String::from_utf8_lossy(field).to_lowercase();
        let server = field.split([';', ' ']).next().unwrap_or("").trim();
        let site = registrable(server);
        let trusted = cx.mails().is_own(site)
            || recipients.iter().any(|r| registrable(r) == site)
            || hops.iter().any(|h| h == server || registrable(h) == site && server.contains('.'));
        if trusted {
            results.get_or_insert_default().read(&field);
        }
    }
    results
}

/// The host behind `by` in a Received field.
fn by_host(received: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(received).to_lowercase();
    let mut words = text.split_whitespace();
    words.find(|w| *w == "by")?;
    Some(words.next()?.trim_end_matches([';', '.']).to_owned())
}

type Judged = (&'static Reason, Severity, u8, String);

impl AuthFail {
    pub fn new(scope: &Scope) -> Self {
        Self { records: Records::new(scope), origins: Recent::of(scope, MAX_ORIGINS) }
    }

    /// What of the verification failed, and how that was told.
    fn verification(&self, mail: &Mail<'_>, from: &str, cx: &Cx<'_>) -> Option<Judged> {
        let own = cx.mails().is_own(from);
        let forwarded = mail.arc_pass || mail.is_list;
        let outside = |a| !cx.hosts().is_internal(a);
        let told = |reason, severity, percent, how: String| Some((reason, severity, percent, how));
        if let Some(results) = results(mail, cx) {
            let [dmarc, spf, dkim] =
                [&results.dmarc, &results.spf, &results.dkim].map(|r| r.clone().unwrap_or_default());
            let how = format!("dmarc={dmarc} spf={spf} dkim={dkim}");
            let failed = Results::is(&results.dmarc, "fail");
            if forwarded && !failed {
                return None;
            }
            if failed {
                return match (own, forwarded, results.rejects) {
                    (_, true, _) => told(DMARC, Severity::Info, 40, how),
                    (true, ..) => told(DMARC, Severity::High, 85, how),
                    (false, _, true) if mail.accepted != Some(false) => told(DMARC, Severity::Medium, 80, how),
                    _ => told(DMARC, Severity::Low, 60, how),
                };
            }
            if Results::is(&results.dmarc, "pass") {
                return None;
            }
            let severity = if own { Severity::High } else { Severity::Low };
            let percent = if own { 85 } else { 60 };
            if Results::is(&results.spf, "fail") && !Results::is(&results.dkim, "pass") {
                return told(SPF, severity, percent, how);
            }
            if Results::is(&results.dkim, "fail") && !Results::is(&results.spf, "pass") {
                return told(DKIM, severity, percent, how);
            }
            let nothing = |r: &Option<String>| r.as_deref().is_none_or(|r| r == "none");
            let checked = results.spf.is_some() || results.dkim.is_some();
            if checked && nothing(&results.spf) && nothing(&results.dkim) && nothing(&results.dmarc) {
                return told(NONE, Severity::Info, 50, how);
            }
            return None;
        }
        if mail.protocol != "smtp" || mail.resp_port != SMTP_PORT || !outside(mail.orig) || forwarded {
            return None;
        }
        // Bounces have no sender; then it is the name of HELO that counts (RFC 7208 §2.4).
        let claimed = of_address(mail.mailfrom);
        let claimed = claimed.or_else(|| Some(String::from_utf8_lossy(mail.helo).to_lowercase()))?;
        let verdict = self.records.check(&claimed, mail.orig, cx.now);
        match verdict {
            Verdict::Fail(record) if own => told(SPF, Severity::High, 85, format!("{claimed}: {record}")),
            Verdict::Fail(record) => told(SPF, Severity::Low, 60, format!("{claimed}: {record}")),
            Verdict::Pass if registrable(&claimed) == registrable(from) => None,
            _ if own => told(SPF, Severity::Medium, 60, format!("{from} is at home, {} is not", mail.orig)),
            _ => None,
        }
    }

    fn mail(&mut self, mail: &Mail<'_>, cx: &mut Cx<'_>) {
        if cx.mails().way(mail, &|a| cx.hosts().is_internal(a)) == Way::Out {
            return;
        }
        let from = of_address(mail.from).unwrap_or_default();
        let site = registrable(&from).to_owned();
        let mut all: Vec<Judged> = Vec::new();
        if !from.is_empty() {
            all.extend(self.verification(mail, &from, cx));
            all.extend(reply_to(mail, &site));
        }
        all.extend(helo(mail, cx));
        for (reason, severity, percent, how) in all {
            let raise = finding(&ABOUT, reason, (severity, Confidence::percent(percent)), mail, cx)
                .key(site.clone())
                .quote("verification", how.as_bytes(), packet_of(mail))
                .benign(
                    "a mailing list or forwarder",
                    if mail.arc_pass { "ARC says that it passed before" } else { "no ARC seal that passed" },
                );
            mails::tell(raise, mail, cx);
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &mut Cx<'_>) {
        let mail = conn.resp_port == SMTP_PORT || conn.app == b"smtp";
        if !mail || !cx.hosts().is_internal(conn.orig) || cx.hosts().is_internal(conn.resp) {
            return;
        }
        if cx.hosts().is(conn.orig, Role::MailRelay) {
            return;
        }
        let sent = self.origins.at(conn.orig, || Sent { since: conn.ts, targets: Vec::new() });
        if conn.ts - sent.since > sekisho_types::Interval(WINDOW_NS) {
            *sent = Sent { since: conn.ts, targets: Vec::new() };
        }
        if sent.targets.len() >= MANY_TARGETS || sent.targets.contains(&conn.resp) {
            return;
        }
        sent.targets.push(conn.resp);
        if sent.targets.len() < MANY_TARGETS {
            return;
        }
        let (many, count) = (MANY_TARGETS as u64, sent.targets.len() as u64);
        let mut raise = Raise::new(&ABOUT, BULK_ORIGIN, conn.orig, Severity::High, Confidence::percent(80))
            .key("smtp")
            .between(sent.since, conn.ts)
            .flow(conn.uid)
            .packet(cx.packet)
            .measure(Measure::count("servers within an hour", count, Some(many), "hosts", Origin::Own))
            .benign("a mail relay", "it takes mail from fewer than three hosts");
        for target in &sent.targets {
            raise = raise.peer(*target);
        }
        cx.raise(raise);
    }

    fn refused(smtp: &Smtp<'_>, cx: &mut Cx<'_>) {
        let reply = smtp.last_reply;
        if !reply.starts_with(b"5") || !cx.hosts().is_internal(smtp.orig) || cx.hosts().is_internal(smtp.resp) {
            return;
        }
        let text = String::from_utf8_lossy(reply).to_lowercase();
        if !BLOCK_LIST.iter().any(|w| text.contains(w)) || cx.hosts().is(smtp.orig, Role::MailRelay) {
            return;
        }
        let raise = Raise::new(&ABOUT, BULK_ORIGIN, smtp.orig, Severity::High, Confidence::percent(80))
            .key("smtp")
            .peer(smtp.resp)
            .at(smtp.ts)
            .flow(smtp.uid)
            .packet(cx.packet)
            .quote("reply", reply, cx.packet)
            .benign("a mail relay", "it takes mail from fewer than three hosts");
        cx.raise(raise);
    }
}

/// Answers go to a free mailbox.
fn reply_to(mail: &Mail<'_>, site: &str) -> Option<Judged> {
    let reply = of_address(mail.reply_to)?;
    let elsewhere = registrable(&reply) != site && is_free_mail(&reply) && !is_free_mail(site) && !mail.is_list;
    let how = format!("From {site}, Reply-To {}", String::from_utf8_lossy(mail.reply_to));
    elsewhere.then_some((REPLY_TO, Severity::Low, 40, how))
}

/// A client outside that says it is us.
fn helo(mail: &Mail<'_>, cx: &Cx<'_>) -> Option<Judged> {
    let outside = mail.protocol == "smtp"
        && mail.resp_port == SMTP_PORT
        && !cx.hosts().is_internal(mail.orig)
        && cx.hosts().is_internal(mail.resp);
    let name = String::from_utf8_lossy(mail.helo).to_lowercase();
    let name = name.split_whitespace().next().unwrap_or("").trim_matches(['[', ']']);
    let ours = name == mail.resp.to_string() || name.contains('.') && cx.mails().is_own(name);
    (outside && ours).then(|| (HELO, Severity::Low, 60, format!("HELO {name} from {}", mail.orig)))
}

impl Detector for AuthFail {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns, Kind::Mail, Kind::Smtp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn, cx),
            Row::Dns(dns) => self.records.dns(dns),
            Row::Mail(mail) => self.mail(mail, cx),
            Row::Smtp(smtp) => Self::refused(smtp, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let targets = self.origins.iter().map(|(_, s)| s.targets.capacity() * size_of::<Addr>()).sum::<usize>();
        self.records.held_len() + self.origins.held_len() + targets
    }

    fn forgotten(&self) -> u64 {
        self.records.forgotten() + self.origins.forgotten()
    }
}

#[cfg(test)]
mod tests;
