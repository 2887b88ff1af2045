//! # mail-link-mismatch
//! ## How
//! Links of a mail from outside, each with what it shows and where it leads. `text-target`: the text is an address of one
//! site, the link leads to another, or runs a script (`javascript:`, `data:`); `userinfo`: a name before an `@` hides the
//! host; `ip-url`: the host is a literal address outside; `shortener`: a public shortener hides the target; `lookalike-url`:
//! the site is made to look like a trusted one, as in `mail-lookalike-sender`; `open-redirect`: an address of another site
//! stands in a parameter of the link. The stronger form `visited`: somebody here then asked for the name, opened TLS or HTTP to
//! it, or connected to the literal address.
//! ## Thresholds
//! None; registered parts of names are compared. Visits count for 7 days.
//! ## State
//! Targets that were reported: 10,000, the least recent forgotten.
//! ## Severity
//! Medium 0.6; high once visited. `shortener` low 0.4, unless visited no higher, as ordinary people use them; `open-redirect` low 0.4
//! but where a trusted site is made to send on, medium. A bare name as text (`Example.com`, without scheme, `www.` or path) low 0.4: firms
//! call themselves so. In mails of lists whose links mostly lead to one site, which counts the readers, low 0.4.
//! ## Benign
//! Newsletters that count clicks, gateways that rewrite links (those known are left out), links within the sender's domains,
//! addresses at home.
//! ## Blind
//! Mail over TLS; links in pictures, attachments and codes; what a shortener leads to. Texts longer than 256 KiB, links
//! beyond 128 of a mail.
//! ## References
//! RFC 3986; UTS #39; MITRE ATT&CK T1566.002.

use super::mail_lookalike_sender::{Trusted, brands, is_trusted, likeness};
use crate::Cx;
use crate::Raise;
use crate::detection::Scope;
use crate::domains::{Looked, is_name, of_address, registrable};
use crate::hosts::Role;
use crate::mails::{self, Way, ends, finding, packet_of};
use crate::registry::Detector;
use crate::rows::{Kind, Mail, Row};
use crate::table::Recent;
use sekisho_finding::{About, Act, Confidence, Reason, Severity, Stage, Traffic, What, tale, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "mail-link-mismatch",
    title: "link shows one site and leads to another",
    means: "A link shows one site but leads to another.",
    techniques: &["T1566.002", "T1204.001"],
    stage: Stage::Initial,
    reasons: &[
        Reason { code: "ip-url", means: "A link leads to a bare address." },
        Reason { code: "lookalike-url", means: "A link leads to a site that is made to look like a trusted one." },
        Reason { code: "open-redirect", means: "A link leads by one site to another that stands in a parameter." },
        Reason { code: "shortener", means: "A link hides its target behind a public shortener." },
        Reason {
            code: "text-target",
            means: "A link's text is the address of one site, and it leads to another or runs a script.",
        },
        Reason { code: "userinfo", means: "A link hides its host behind a name and an @." },
    ],
    benign: "Newsletters that count clicks by a tracking site, gateways that rewrite links.",
    clears: "The target turns out to be the sender's own tracking site.",
    next: &[
        "See whether somebody followed the link, and what was sent there.",
        "Block the target at resolver and proxy, and take the mail out of the mailboxes.",
        "Change passwords that were typed in there.",
    ],
    needs: &[
        vital(What::Some(Traffic::Mail)),
        vital(What::Bodies),
        vital(What::Clear(Traffic::Mail)),
        useful(What::Whole(Traffic::Mail)),
        vital(What::Uncut(Traffic::Mail)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const IP_URL: &Reason = ABOUT.at(0);
const LOOKALIKE: &Reason = ABOUT.at(1);
const OPEN_REDIRECT: &Reason = ABOUT.at(2);
const SHORTENER: &Reason = ABOUT.at(3);
const TEXT_TARGET: &Reason = ABOUT.at(4);
const USERINFO: &Reason = ABOUT.at(5);

/// Targets that are watched for visits, and how long.
const MAX_WATCHED: usize = 10_000;
const WATCH_SECS: i64 = 7 * 86_400;

/// Sites that rewrite links for whoever reads mail.
const REWRITERS: &[&str] = &[
    "barracudanetworks.com",
    "cudasvc.com",
    "fireeye.com",
    "mimecast.com",
    "mimecastprotect.com",
    "outlook.com",
    "proofpoint.com",
    "sophos.com",
    "trendmicro.com",
    "urldefense.com",
    "urlsand.com",
];

/// Public shorteners.
const SHORTENERS: &[&str] = &[
    "adf.ly",
    "bit.do",
    "bit.ly",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "s.id",
    "shorturl.at",
    "t.co",
    "t.ly",
    "tiny.cc",
    "tinyurl.com",
    "urlz.fr",
    "v.gd",
    "x.co",
];

/// A host of a link.
pub(super) struct Host {
    pub(super) name: String,
    /// Written as an address is: with scheme, `www.` or a path.
    strong: bool,
}

/// Where a link leads.
struct Target<'a> {
    host: String,
    userinfo: bool,
    /// Behind the host.
    rest: &'a str,
}

/// Reads `http://user@host:port/path`.
fn target(url: &str) -> Option<Target<'_>> {
    let (scheme, rest) = url.split_once("://").or_else(|| Some(("http", url.strip_prefix("//")?)))?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    };
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some(Target { host, userinfo: user.is_some(), rest })
}

/// The host that a link's text names, if it is nothing but an address.
pub(super) fn shown_host(text: &[u8]) -> Option<Host> {
    let text = std::str::from_utf8(text).ok()?.trim().trim_end_matches(['.', ',', '>', ')', '…']);
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains('@') && !text.contains("://") {
        return None;
    }
    if text.contains("://") {
        let host = target(text)?.host;
        return (is_name(&host) || literal(&host).is_some()).then_some(Host { name: host, strong: true });
    }
    let end = text.find(['/', '?', '#', ':']).unwrap_or(text.len());
    let name = text.get(..end)?.to_lowercase();
    let tld = name.rsplit('.').next().unwrap_or("");
    // `report.pdf` and the like are files, as long as nothing else says that they are sites.
    let strong = name.starts_with("www.") || text.len() > end && text.get(end..).is_some_and(|r| r.starts_with('/'));
    let is_file =
        matches!(tld, "pdf" | "doc" | "docx" | "xls" | "xlsx" | "zip" | "txt" | "html" | "png" | "jpg" | "csv" | "js");
    (is_name(&name) && name.is_ascii() && (strong || !is_file)).then_some(Host { name, strong })
}

/// A literal address, in the ways that browsers take.
fn literal(host: &str) -> Option<Addr> {
    if let Ok(addr) = host.parse() {
        return Some(addr);
    }
    let hex = host.strip_prefix("0x").map(|h| u32::from_str_radix(h, 16));
    let number = hex.unwrap_or_else(|| host.parse()).ok()?;
    Some(Addr::from(std::net::IpAddr::from(number.to_be_bytes())))
}

/// The site of an address that stands in a parameter.
fn nested(rest: &str) -> Option<String> {
    let query = rest.split_once('?')?.1;
    query.split(['&', ';']).find_map(|parameter| {
        let value = parameter.split_once('=')?.1;
        let value = value.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
        Some(target(&value)?.host).filter(|h| is_name(h))
    })
}

/// A link that was reported.
struct Watched {
    until: Timestamp,
    reason: &'static Reason,
    subject: Addr,
    /// The server that took the mail: it looks names up to judge them.
    server: Option<Addr>,
    key: String,
    href: String,
    packet: u64,
    sender: String,
    /// What the link shows, if that is an address.
    shown: String,
}

/// What a link says in a story.
fn tale(raise: Raise, shown: &str, href: &str, sender: &str) -> Raise {
    match (shown.is_empty(), sender.is_empty()) {
        (true, _) => raise.tale(tale::LINK_HIDDEN, &[href.as_bytes(), sender.as_bytes()]),
        (false, true) => raise.tale(tale::LINK, &[shown.as_bytes(), href.as_bytes()]),
        (false, false) => raise.tale(tale::LINK_OF, &[shown.as_bytes(), href.as_bytes(), sender.as_bytes()]),
    }
}

/// See the module.
pub(crate) struct LinkMismatch {
    brands: Vec<Looked>,
    watched: Recent<Box<str>, Watched>,
}

/// How a link misleads.
struct Verdict {
    reason: &'static Reason,
    severity: Severity,
    percent: u8,
    host: String,
}

impl LinkMismatch {
    pub fn new(scope: &Scope) -> Self {
        Self { brands: brands(), watched: Recent::of(scope, MAX_WATCHED) }
    }

    fn judge(&self, text: &[u8], href: &str, mail: &Mail<'_>, tracker: &str, cx: &Cx<'_>) -> Option<Verdict> {
        let verdict =
            |reason, severity, percent, host: &str| Some(Verdict { reason, severity, percent, host: host.to_owned() });
        let shown = shown_host(text);
        let script = href.get(..11).is_some_and(|s| s.eq_ignore_ascii_case("javascript:"))
            || href.get(..10).is_some_and(|s| s.eq_ignore_ascii_case("data:text/"));
        if script {
            return verdict(TEXT_TARGET, Severity::Medium, 60, "");
        }
        let target = target(href)?;
        let host = target.host.as_str();
        let site = registrable(host);
        if REWRITERS.contains(&site) {
            return None;
        }
        let from = of_address(mail.from).unwrap_or_default();
        let of_sender = registrable(&from) == site;
        let tracked = mail.is_list && tracker == site;
        if target.userinfo && !of_sender {
            return verdict(USERINFO, Severity::Medium, 60, host);
        }
        if let Some(shown) = shown.filter(|s| registrable(&s.name) != site) {
            let named = is_trusted(&shown.name, cx.mails(), &self.brands);
            let weak = tracked || of_sender || !shown.strong && !named;
            let (severity, percent) = if weak { (Severity::Low, 40) } else { (Severity::Medium, 60) };
            return verdict(TEXT_TARGET, severity, percent, host);
        }
        if let Some(addr) = literal(host) {
            return if cx.hosts().is_internal(addr) { None } else { verdict(IP_URL, Severity::Medium, 60, host) };
        }
        if !of_sender
            && !is_trusted(site, cx.mails(), &self.brands)
            && likeness(host, cx.mails(), &self.brands, (&[], Trusted::Other)).is_some()
        {
            return verdict(LOOKALIKE, Severity::Medium, 60, host);
        }
        if SHORTENERS.contains(&site) && !mail.is_list {
            return verdict(SHORTENER, Severity::Low, 40, host);
        }
        let nested = nested(target.rest).filter(|n| registrable(n) != site && registrable(n) != registrable(&from))?;
        if of_sender || tracked || mail.is_list {
            return None;
        }
        let severity = if is_trusted(site, cx.mails(), &self.brands) { Severity::Medium } else { Severity::Low };
        verdict(OPEN_REDIRECT, severity, 40, &nested)
    }

    fn mail(&mut self, mail: &Mail<'_>, cx: &mut Cx<'_>) {
        if cx.mails().way(mail, &|a| cx.hosts().is_internal(a)) == Way::Out || mail.link_targets.is_empty() {
            return;
        }
        let tracker = tracker(mail);
        let mut told: Vec<(&'static str, String)> = Vec::new();
        for (text, href) in mail.link_texts.texts().zip(mail.link_targets.texts()) {
            let Ok(href) = std::str::from_utf8(href) else { continue };
            let Some(Verdict { reason, severity, percent, host }) = self.judge(text, href, mail, &tracker, cx) else {
                continue;
            };
            if told.iter().any(|(code, of)| *code == reason.code && *of == host) {
                continue;
            }
            told.push((reason.code, host.clone()));
            let from = of_address(mail.from).unwrap_or_default();
            let key = format!("{host} in mail of {}", registrable(&from));
            let (subject, _) = ends(mail, cx);
            let mut raise =
                finding(&ABOUT, reason, (severity, Confidence::percent(percent)), mail, cx).key(key.clone());
            if !text.is_empty() {
                raise = raise.quote("link shows", text, packet_of(mail));
            }
            raise = raise
                .quote("link leads to", href.as_bytes(), packet_of(mail))
                .benign("a gateway that rewrites links", "the target is none that is known")
                .benign(
                    "a newsletter's tracking site",
                    if mail.is_list { "it is a list's mail" } else { "it is no list's mail" },
                );
            if let Some(addr) = literal(&host) {
                raise = raise.peer(addr);
            }
            let shown = shown_host(text).map_or_else(String::new, |_| String::from_utf8_lossy(text).trim().to_owned());
            let sender = registrable(&from).to_owned();
            mails::tell(tale(raise, &shown, href, &sender), mail, cx);
            if !host.is_empty() && severity >= Severity::Medium {
                let until = Timestamp(mail.ts.0.saturating_add(WATCH_SECS * 1_000_000_000));
                let (href, packet) = (href.to_owned(), packet_of(mail));
                let server = (!mail.to_client).then_some(subject);
                let watched = Watched { until, reason, subject, server, key, href, packet, sender, shown };
                self.watched.at(host.into(), || watched);
            }
        }
    }

    /// Somebody here goes to `name`.
    fn visit(&mut self, name: &str, (client, server): (Addr, Addr), uid: Uid, ts: Timestamp, cx: &mut Cx<'_>) {
        if !cx.hosts().is_internal(client) || cx.hosts().is(client, Role::Resolver) {
            return;
        }
        let Some(watched) = self.watched.get(name).filter(|w| ts <= w.until && w.server != Some(client)) else {
            return;
        };
        // The host of the mail's way in is the one that the first finding is about; the story is that of who followed the link.
        let act = Act { ts, host: client, to: None, what: "visited", uid, packet: cx.packet };
        let mut raise = Raise::new(&ABOUT, watched.reason, watched.subject, Severity::High, Confidence::percent(75))
            .key(watched.key.clone())
            .confirmed("visited")
            .peer(client)
            .act(act)
            .at(ts)
            .flow(uid)
            .packet(watched.packet)
            .packet(cx.packet)
            .quote("link leads to", watched.href.as_bytes(), watched.packet)
            .quote("visited by", format!("{client} at {server}").as_bytes(), cx.packet);
        if watched.server.is_some() && !watched.sender.is_empty() {
            raise = raise.sender(&watched.sender);
        }
        cx.raise(tale(raise, &watched.shown, &watched.href, &watched.sender));
    }
}

/// The site that most links of a mail lead to, if that is half of them and three at least.
fn tracker(mail: &Mail<'_>) -> String {
    let mut sites: Vec<(String, usize)> = Vec::new();
    let mut all = 0usize;
    for href in mail.link_targets.texts() {
        let Some(target) = std::str::from_utf8(href).ok().and_then(target) else { continue };
        all += 1;
        let site = registrable(&target.host);
        match sites.iter_mut().find(|s| s.0 == site) {
            Some(known) => known.1 += 1,
            None => sites.push((site.to_owned(), 1)),
        }
    }
    let most = sites.into_iter().max_by_key(|s| s.1);
    most.filter(|(_, n)| *n >= 3 && n * 2 >= all).map_or_else(String::new, |(site, _)| site)
}

impl Detector for LinkMismatch {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns, Kind::Http, Kind::Mail, Kind::Ssl]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Mail(mail) = row {
            return self.mail(mail, cx);
        }
        if self.watched.is_empty() {
            return;
        }
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
        match row {
            Row::Dns(r) => self.visit(&name(r.query), (r.orig, r.resp), r.uid, r.ts, cx),
            Row::Ssl(r) => self.visit(&name(r.server_name), (r.orig, r.resp), r.uid, r.ts, cx),
            Row::Http(r) => {
                let host = r.host.split(|b| *b == b':').next().unwrap_or(&[]);
                self.visit(&name(host), (r.orig, r.resp), r.uid, r.ts, cx);
            }
            Row::Conn(r) if r.resp_pkts > 0 => self.visit(&r.resp.to_string(), (r.orig, r.resp), r.uid, r.ts, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let texts = self
            .watched
            .iter()
            .map(|(k, w)| k.len() + w.key.capacity() + w.href.capacity() + w.sender.capacity() + w.shown.capacity())
            .sum::<usize>();
        self.watched.held_len() + texts
    }

    fn forgotten(&self) -> u64 {
        self.watched.forgotten()
    }
}

#[cfg(test)]
mod tests;
