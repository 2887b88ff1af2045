//! # web-mixed-content
//! ## How
//! A page that came by HTTPS (decrypted) loads or posts by plain HTTP: `active`: scripts, styles, frames, objects; `passive`:
//! pictures, sound, film; `insecure-form`: a form. `downgraded-link`: a page that came by plain HTTP has a form that posts to
//! HTTPS: who changes the page on the way gets what is typed. Without the keys of HTTPS: the same client opens TLS to a site and within
//! two seconds gets a script, style or picture of the same registered domain by HTTP, answered with content: `passive`.
//! ## Thresholds
//! Two seconds (Sekisho's own choice). The first 16 KiB of a page.
//! ## State
//! Clients with the site of their last sessions: 20,000, the least recent forgotten.
//! ## Severity
//! Of sites at home `active` and `insecure-form` medium 0.9; else low 0.9; by timing alone info 0.3: by
//! their names and types, the eight such in a capture of an office did not look like parts of pages.
//! ## Benign
//! Browsers load many of these by HTTPS by themselves; certificate checks and updates on port 80; portals of public networks.
//! ## Blind
//! HTTPS without its keys but for timing. What scripts load. Browsers send no Referer from HTTPS to HTTP, so its absence proves nothing.
//! ## References
//! W3C Mixed Content; CSP Level 3 §6.1.

use crate::Cx;
use crate::Raise;
use crate::detection::Scope;
use crate::domains::{is_name, registrable};
use crate::registry::Detector;
use crate::rows::{Http, Kind, Row, Ssl, WebPage};
use crate::table::Recent;
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "web-mixed-content",
    title: "secure page, insecure parts",
    means: "A page served (or meant to be served) by HTTPS loads or posts parts over plain HTTP.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason {
            code: "active",
            means: "A secure page loads scripts, styles or frames that anybody on the way can change.",
        },
        Reason { code: "downgraded-link", means: "An insecure page asks for what it then posts securely." },
        Reason { code: "insecure-form", means: "A secure page posts a form that anybody on the way can read." },
        Reason { code: "passive", means: "A secure page loads pictures or the like by plain HTTP." },
    ],
    benign: "Browsers that upgrade such requests, certificate checks and updates on port 80, portals of public networks.",
    clears: "The page names its parts by https://.",
    next: &[
        "Change the addresses in the page to https://.",
        "Send Content-Security-Policy: upgrade-insecure-requests.",
    ],
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

const ACTIVE: &Reason = ABOUT.at(0);
const DOWNGRADED: &Reason = ABOUT.at(1);
const INSECURE_FORM: &Reason = ABOUT.at(2);
const PASSIVE: &Reason = ABOUT.at(3);

/// Clients and sites of which the last session is kept, and how long it counts.
const MAX_SESSIONS: usize = 20_000;
const SOON: Interval = Interval(2_000_000_000);

/// See the module.
pub(crate) struct MixedContent {
    sessions: Recent<(Addr, Box<str>), (Timestamp, Uid)>,
}

/// Is it a part of pages, by the end of its path?
fn is_part(uri: &[u8]) -> bool {
    let path = uri.split(|b| *b == b'?').next().unwrap_or(uri);
    let extension = path.rsplit(|b| *b == b'.').next().unwrap_or(&[]).to_ascii_lowercase();
    path.contains(&b'.')
        && matches!(&*extension, b"css" | b"gif" | b"jpeg" | b"jpg" | b"js" | b"png" | b"svg" | b"webp")
}

fn site(name: &[u8]) -> Option<Box<str>> {
    let name = name.split(|b| *b == b':').next().unwrap_or(name);
    let name = std::str::from_utf8(name).ok()?.to_lowercase();
    is_name(&name).then(|| registrable(&name).into())
}

impl MixedContent {
    pub fn new(scope: &Scope) -> Self {
        Self { sessions: Recent::of(scope, MAX_SESSIONS) }
    }

    fn page(row: &WebPage<'_>, cx: &mut Cx<'_>) {
        let at_home = cx.hosts().is_internal(row.resp);
        for element in row.elements.texts() {
            let Some(at) = element.iter().position(|b| *b == b' ') else { continue };
            let (what, url) = element.split_at_checked(at).unwrap_or((element, &[]));
            let url = url.get(1..).unwrap_or(&[]);
            let reason = match (what, row.tls) {
                (b"script" | b"style" | b"iframe" | b"object" | b"embed", true) => ACTIVE,
                (b"img" | b"audio" | b"video" | b"source", true) => PASSIVE,
                (b"form", true) => INSECURE_FORM,
                (b"form", false) => DOWNGRADED,
                _ => continue,
            };
            let grave = at_home && matches!(reason.code, "active" | "insecure-form");
            let severity = if grave { Severity::Medium } else { Severity::Low };
            let (subject, peer) = if at_home { (row.resp, row.orig) } else { (row.orig, row.resp) };
            let host = String::from_utf8_lossy(row.host).into_owned();
            let path = row.uri.split(|b| *b == b'?').next().unwrap_or(&[]);
            let raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(90))
                .key(if host.is_empty() { row.resp.to_string() } else { host })
                .peer(peer)
                .at(row.ts)
                .flow(row.uid)
                .packet(row.packet)
                .quote("page", path, row.packet)
                .quote("element", &[what, b" ", url].concat(), row.packet)
                .benign("browsers that upgrade such requests", "the page itself names http://");
            cx.raise(raise);
        }
    }

    fn session(&mut self, ssl: &Ssl<'_>) {
        if let Some(site) = site(ssl.server_name) {
            *self.sessions.at((ssl.orig, site), || (ssl.ts, ssl.uid)) = (ssl.ts, ssl.uid);
        }
    }

    fn request(&mut self, http: &Http<'_>, cx: &mut Cx<'_>) {
        if http.decrypted || http.method != b"GET" || http.status != Some(200) || !is_part(http.uri) {
            return;
        }
        let Some(site) = site(http.host) else { return };
        let Some((at, session)) = self.sessions.peek(&(http.orig, site.clone())).copied() else { return };
        let gap = http.ts - at;
        if gap < Interval(0) || gap > SOON {
            return;
        }
        let subject = if cx.hosts().is_internal(http.resp) { http.resp } else { http.orig };
        let peer = if subject == http.resp { http.orig } else { http.resp };
        let raise = Raise::new(&ABOUT, PASSIVE, subject, Severity::Info, Confidence::percent(30))
            .key(site)
            .peer(peer)
            .at(http.ts)
            .flow(session)
            .flow(http.uid)
            .packet(cx.packet)
            .quote("request", &[http.host, http.uri.split(|b| *b == b'?').next().unwrap_or(&[])].concat(), cx.packet)
            .measure(Measure::real("time since TLS to the same site", gap.0 as f64 / 1e9, Some(2.0), "s", Origin::Own))
            .benign("certificate checks and updates on port 80", "the path is that of a part of pages");
        cx.raise(raise);
    }
}

impl Detector for MixedContent {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Http, Kind::Ssl, Kind::WebPage]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Http(http) => self.request(http, cx),
            Row::Ssl(ssl) => self.session(ssl),
            Row::WebPage(page) => Self::page(page, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.sessions.held_len() + self.sessions.iter().map(|(k, _)| k.1.len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.sessions.forgotten()
    }
}

#[cfg(test)]
mod tests;
