//! # web-weak-headers
//! ## How
//! Pages (HTML, status 200) of a site at home, seen in clear or decrypted, are graded by the fields of their responses: 100 and the
//! sum of the modifiers of Mozilla's HTTP Observatory (2016 to 2024), not below 0. Content-Security-Policy: absent or
//! unparsable -25; scripts `'unsafe-inline'` without nonce, digest or `'strict-dynamic'` -20; `data:`, `*`, a bare scheme or nothing at
//! all as source of scripts -20; resources by http: -20; `'unsafe-eval'` -10; a nonce that comes again -20; no `object-src` or
//! `base-uri` -5; none of these +5, with `default-src 'none'` +10; a policy that only reports counts as absent.
//! Strict-Transport-Security: absent, or the site speaks only HTTP, -20; less than half a year -10; ready for preloading +5.
//! HTTP that does not lead to HTTPS -20; that leads first to other HTTP -10, to another host -5. Cookies: of a session without
//! Secure -40 (-10 with HSTS), without HttpOnly -30; others without Secure -20 (-5 with HSTS); SameSite=None without Secure
//! -20. Neither X-Frame-Options nor `frame-ancestors` -20, the latter +5. X-Content-Type-Options other than nosniff -5. CORS for all
//! with credentials -50. Scripts of other hosts by HTTP -50, without a digest -5. The worst page counts. Each line says what to set.
//! `score` gives the grade, `cookie` and `cors` are told by themselves.
//! ## Thresholds
//! 3 pages. Grades: A from 90, B 70, C 50, D 30. A session's cookie has sess, sid, auth, token, jsessionid, phpsessid or asp.net in
//! its name.
//! ## State
//! Sites 5,000, the least recent forgotten: the worst page, eight lines, the last nonce.
//! ## Severity
//! Below 30 medium 0.9, below 70 low 0.9, else info; cookie and cors medium 0.9. A site that was only asked from inside is
//! two steps lower (info or low): intranet tools stand behind other walls.
//! ## Benign
//! Interfaces without pages and error pages are not graded; networks that deliver static files.
//! ## Blind
//! HTTPS without its keys. Fields in `<meta>`. X-XSS-Protection is obsolete and left out.
//! ## References
//! Mozilla HTTP Observatory scoring; CSP Level 3; RFC 6797; RFC 6265bis; OWASP Secure Headers.

mod csp;
mod grade;

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row, WebPage};
use crate::table::Recent;
use crate::{Cx, Raise};
use grade::{Graded, Line, Topic, grade};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

static ABOUT: About = About {
    id: "web-weak-headers",
    title: "web site without browser protections",
    means: "Responses of your web site miss or weaken the headers that protect its visitors.",
    techniques: &["T1189"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "cookie", means: "A session's cookie can be read by scripts or travels unencrypted." },
        Reason { code: "cors", means: "Any site may read what logged-in visitors see." },
        Reason { code: "score", means: "Headers that protect visitors are missing or weak." },
    ],
    benign: "Intranet tools, networks that deliver static files, test sites.",
    clears: "The site sends the fields named here.",
    next: &["Set the fields that the lines name, on the server or the proxy before it.", "Grade the site again."],
    needs: &[
        vital(What::Some(Traffic::Web)),
        vital(What::Answers(Traffic::Web)),
        vital(What::Clear(Traffic::Web)),
        useful(What::Requests(Traffic::Web)),
        useful(What::Whole(Traffic::Web)),
        vital(What::Uncut(Traffic::Web)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const COOKIE: &Reason = ABOUT.at(0);
const CORS: &Reason = ABOUT.at(1);
const SCORE: &Reason = ABOUT.at(2);

/// Sites of which something is kept, and pages before one is graded.
const MAX_SITES: usize = 5_000;
const MIN_PAGES: u64 = 3;
/// Longest name of a site kept.
const MAX_HOST_LEN: usize = 253;
/// Lines kept of the worst page.
const MAX_LINES: usize = 7;

struct Site {
    server: Addr,
    pages: u64,
    /// Somebody outside asked.
    outside: bool,
    clients: Vec<Addr>,
    worst: Option<Worst>,
    /// Pages by HTTP, and where HTTP leads.
    plain: bool,
    secure: bool,
    redirect: Redirect,
    nonce: Box<str>,
    nonce_repeats: bool,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Redirect {
    #[default]
    None,
    /// To HTTPS of the same host.
    Good,
    OtherHost,
    OtherHttp,
}

struct Worst {
    score: i32,
    lines: Vec<Line>,
    uri: Box<[u8]>,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct WeakHeaders {
    sites: Recent<(Addr, Box<str>), Site>,
}

fn host_of(row: &WebPage<'_>) -> String {
    let host = row.host.split(|b| *b == b':').next().unwrap_or(&[]);
    String::from_utf8_lossy(host.get(..MAX_HOST_LEN).unwrap_or(host)).to_lowercase()
}

impl WeakHeaders {
    pub fn new(scope: &Scope) -> Self {
        Self { sites: Recent::of(scope, MAX_SITES) }
    }

    fn page(&mut self, row: &WebPage<'_>, cx: &Cx<'_>) {
        let host = host_of(row);
        let outside = !cx.hosts().is_internal(row.orig);
        let site = self.sites.at((row.resp, host.as_str().into()), || Site {
            server: row.resp,
            pages: 0,
            outside: false,
            clients: Vec::new(),
            worst: None,
            plain: false,
            secure: false,
            redirect: Redirect::None,
            nonce: Box::default(),
            nonce_repeats: false,
            first: row.ts,
            last: row.ts,
        });
        (site.first, site.last) = (site.first.min(row.ts), site.last.max(row.ts));
        site.outside |= outside;
        let fields: Vec<(&str, &str)> = row.fields.texts().filter_map(split).collect();
        if !row.is_page {
            if !row.tls {
                site.redirect = site.redirect.max(redirect(&fields, &host));
            }
            return;
        }
        site.pages += 1;
        (site.plain, site.secure) = (site.plain || !row.tls, site.secure || row.tls);
        if site.clients.len() < sekisho_finding::MAX_PEERS && !site.clients.contains(&row.orig) {
            site.clients.push(row.orig);
        }
        let elements: Vec<&str> = row.elements.texts().filter_map(|e| std::str::from_utf8(e).ok()).collect();
        let Graded { score, lines, nonce } = grade(&fields, &elements, row.tls);
        if let Some(nonce) = nonce {
            site.nonce_repeats |= *site.nonce == *nonce;
            site.nonce = nonce.into();
        }
        if site.worst.as_ref().is_none_or(|w| score < w.score) {
            let uri = row.uri.split(|b| *b == b'?').next().unwrap_or(&[]).into();
            site.worst = Some(Worst { score, lines, uri, uid: row.uid, packet: row.packet });
        }
    }
}

/// A field's name and value.
fn split(field: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(field).ok()?.split_once(": ")
}

/// Where a redirection by HTTP leads first.
fn redirect(fields: &[(&str, &str)], host: &str) -> Redirect {
    let Some((_, to)) = fields.iter().find(|f| f.0 == "location") else { return Redirect::None };
    let lower = to.to_lowercase();
    let host_of = |rest: &str| rest.split(['/', ':', '?']).next().unwrap_or("").to_owned();
    match (lower.strip_prefix("https://"), lower.strip_prefix("http://")) {
        (Some(rest), _) if host_of(rest) == host => Redirect::Good,
        (Some(_), _) => Redirect::OtherHost,
        (_, Some(rest)) if host_of(rest) != host => Redirect::OtherHttp,
        _ => Redirect::None,
    }
}

/// What only the whole site tells.
fn of_site(site: &Site) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add =
        |modifier, what, advice| lines.push(Line { topic: Topic::Site, modifier, what, found: String::new(), advice });
    if !site.secure {
        add(
            -20,
            "only HTTP, no HSTS",
            "serve the site by HTTPS and send Strict-Transport-Security: max-age=31536000; includeSubDomains",
        );
    }
    match site.redirect {
        _ if !site.plain => {}
        Redirect::None => {
            add(-20, "HTTP does not lead to HTTPS", "answer HTTP with a redirection to https:// of the same host")
        }
        Redirect::OtherHttp => add(-10, "HTTP leads first to other HTTP", "redirect to HTTPS of the same host first"),
        Redirect::OtherHost => {
            add(-5, "HTTP leads to another host", "redirect to HTTPS of the same host first, so that its HSTS counts")
        }
        Redirect::Good => {}
    }
    if site.nonce_repeats {
        add(-20, "the same nonce in several responses", "make a new nonce for each response");
    }
    lines
}

fn tell(host: &str, site: &Site, worst: &Worst, cx: &mut Cx<'_>) {
    let own = of_site(site);
    let sum = worst.score + own.iter().map(|l| l.modifier).sum::<i32>();
    let score = sum.max(0);
    let letter = match score {
        90.. => "A",
        70.. => "B",
        50.. => "C",
        30.. => "D",
        _ => "F",
    };
    let severity = match score {
        ..30 => Severity::Medium,
        30..70 => Severity::Low,
        _ => Severity::Info,
    };
    let name = if host.is_empty() { site.server.to_string() } else { host.to_owned() };
    let weighed = |s: Severity| if site.outside { s } else { s.lowered(2) };
    let start = |reason, severity| {
        let raise = Raise::new(&ABOUT, reason, site.server, severity, Confidence::percent(90))
            .key(name.clone())
            .between(site.first, site.last)
            .flow(worst.uid)
            .packet(worst.packet)
            .benign(
                "a tool for inside only",
                if site.outside { "hosts outside asked, too" } else { "only hosts inside asked: two steps lower" },
            );
        site.clients.iter().fold(raise, |raise, client| raise.peer(*client))
    };
    let mut raise = start(SCORE, weighed(severity))
        .times(site.pages)
        .measure(Measure::count(
            "score",
            u64::try_from(score).unwrap_or(0),
            Some(70),
            "",
            Origin::Field("HTTP Observatory"),
        ))
        .measure(Measure::count("pages", site.pages, Some(MIN_PAGES), "", Origin::Own))
        .quote(
            "grade and page",
            format!("{letter}, worst page {}", String::from_utf8_lossy(&worst.uri)).as_bytes(),
            worst.packet,
        );
    let mut lines: Vec<&Line> = own.iter().chain(&worst.lines).collect();
    lines.sort_by_key(|l| l.modifier);
    for line in lines.iter().take(MAX_LINES) {
        raise = raise.quote("line", line.to_string().as_bytes(), worst.packet);
    }
    cx.raise(raise);
    for (topic, reason) in [(Topic::SessionCookie, COOKIE), (Topic::Cors, CORS)] {
        let mut of_topic = worst.lines.iter().filter(|l| l.topic == topic).peekable();
        if of_topic.peek().is_some() {
            let raise = start(reason, weighed(Severity::Medium));
            cx.raise(of_topic.fold(raise, |raise, l| raise.quote("line", l.to_string().as_bytes(), worst.packet)));
        }
    }
}

impl Detector for WeakHeaders {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::WebPage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::WebPage(row) = row
            && cx.hosts().is_internal(row.resp)
        {
            self.page(row, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<_> = self.sites.iter().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(b.0));
        for ((_, host), site) in all {
            if let Some(worst) = site.worst.as_ref().filter(|_| site.pages >= MIN_PAGES) {
                tell(host, site, worst, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        let lines =
            |w: &Worst| w.uri.len() + w.lines.iter().map(|l| size_of::<Line>() + l.found.capacity()).sum::<usize>();
        let own =
            |s: &Site| s.nonce.len() + s.worst.as_ref().map_or(0, lines) + s.clients.capacity() * size_of::<Addr>();
        self.sites.held_len() + self.sites.iter().map(|(k, s)| k.1.len() + own(s)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.sites.forgotten()
    }
}

#[cfg(test)]
mod tests;
