//! # web-attack-request
//! ## How
//! Requests are decoded (percent and plus up to three times, HTML entities, `\u00xx`), white space and SQL comments collapsed,
//! made small, and each path, parameter and striking header field is held against few rules. `sqli`: a tautology behind a quote or digit, union
//! select, a delay, or two weaker signs; `xss`: a script tag, an event handler in a tag, a javascript: address;
//! `traversal`: two steps up in a row (of addresses that were merely not tidied, steps up stand apart), or files that attacks ask for; `cmd`: a shell's separator before a command's name, `() {` in a
//! header; `log4shell`: a JNDI lookup in any field, its disguises folded; `template`: arithmetic in a template's brackets;
//! `webshell`: a script called with a command, whose answer is a command's output; `scanner`: many paths that are not
//! there, or a tool that names itself. Each finding tells the answer: refused, or with how many bytes. The stronger form
//! `worked`: 200 and a mark of success in the answer (`root:x:0:`, an error of SQL, `uid=0(`, the result of the
//! arithmetic), or the server calls the named host back within 60 seconds.
//! ## Thresholds
//! 5 and 50 requests of a kind within five minutes (50: Zeek detect-sql-injection); 30 paths not found in five minutes.
//! ## State
//! Pairs of client and site: 20,000; lookups that wait for a call back: 1,000; agents up to 256 bytes, whether they name a tool: 1,024; the
//! least recent forgotten.
//! ## Severity
//! One info 0.5, from 5 low 0.6, from 50 medium 0.7; a reflected script 0.3 surer. log4shell to a server at home high 0.8. `worked` critical
//! 0.85. The subject is the server at home, else the client.
//! ## Benign
//! Scanners of one's own, training, text about SQL (one weak sign is not enough), search boxes; bodies that are code, JSON or XML are
//! searched for lookups only, forms and parameters that are no text (control characters, or packed: 5.6 bits a character over 256) for lookups and steps up.
//! ## Blind
//! HTTPS without its keys; content beyond 4 KiB; delays that an injection asked for are not measured; files that were uploaded are not
//! known again when they are called.
//! ## References
//! Zeek SQL_Injection_Attacker; nDPI URL_POSSIBLE_*; OWASP CRS paranoia level 1; CVE-2021-44228; CVE-2014-6271.

mod decode;
mod shape;

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Http, Kind, Row, WebRequest};
use crate::table::Recent;
use crate::{Cx, Raise};
use decode::{decoded, is_packed, is_text};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid, seeded_hash};
use shape::{Hit, Place, shape};

static ABOUT: About = About {
    id: "web-attack-request",
    title: "attack pattern in a web request",
    means: "A request contains the shape of a known attack; the answer says whether it probably worked.",
    techniques: &["T1190", "T1059", "T1505.003"],
    stage: Stage::Initial,
    reasons: REASONS,
    benign: "Scanners of one's own, security training, search boxes, text about SQL or code.",
    clears: "The client is a scanner that was ordered, or the server turns such requests away.",
    next: &[
        "See what the server answered, and whether it then opened connections of its own.",
        "See what else this client asked for, and who else sent such requests.",
        "Update or shield the program behind the path.",
    ],
    needs: &[
        vital(What::Some(Traffic::Web)),
        vital(What::Requests(Traffic::Web)),
        vital(What::Clear(Traffic::Web)),
        useful(What::Answers(Traffic::Web)),
        useful(What::Whole(Traffic::Web)),
        useful(What::Uncut(Traffic::Web)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

static REASONS: &[Reason] = &[
    Reason { code: "cmd", means: "A parameter carries a shell's command." },
    Reason { code: "log4shell", means: "A field makes Log4j look up a name of the sender's choice." },
    Reason { code: "scanner", means: "A client asks for many things that are not there, or names itself a scanner." },
    Reason { code: "sqli", means: "A parameter carries a piece of SQL that changes the query." },
    Reason { code: "template", means: "A parameter carries arithmetic for a template to evaluate." },
    Reason { code: "traversal", means: "A path leads out of the site's folder, or to files that attacks ask for." },
    Reason { code: "webshell", means: "A script was called with a command and answered with its output." },
    Reason { code: "xss", means: "A parameter carries a script for other visitors' browsers." },
];

/// Pairs of clients and sites, the window in which requests are counted, and the steps.
const MAX_PAIRS: usize = 20_000;
const WINDOW: Interval = Interval(300_000_000_000);
const SOME: u32 = 5;
const MANY: u32 = 50;
/// Paths not found that make a scanner.
const LOST_PATHS: usize = 30;
/// Lookups that wait for a call back, and how long.
const MAX_LOOKUPS: usize = 1_000;
const CALL_BACK: Interval = Interval(60_000_000_000);
/// Agents of which it is remembered whether they name a tool.
const MAX_AGENTS: usize = 1_024;
const MAX_AGENT_LEN: usize = 256;
/// Longest host kept, parameters looked at of one request.
const MAX_HOST_LEN: usize = 253;
const MAX_VALUES: usize = 64;

/// Tools that name themselves.
const TOOLS: &[&str] = &[
    "acunetix",
    "arachni",
    "dirbuster",
    "feroxbuster",
    "ffuf",
    "fuzz faster",
    "gobuster",
    "havij",
    "masscan",
    "nessus",
    "netsparker",
    "nikto",
    "nmap scripting engine",
    "nuclei",
    "openvas",
    "sqlmap",
    "w3af",
    "wpscan",
    "zgrab",
];

#[derive(Default)]
struct Pair {
    since: Timestamp,
    /// Requests of each kind within the window.
    counts: [u32; REASONS.len()],
    /// Paths not found.
    lost: Vec<u64>,
}

/// A lookup that may be followed.
struct Lookup {
    at: Timestamp,
    server: Addr,
    client: Addr,
    target: String,
    port: u16,
    key: String,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct AttackRequest {
    pairs: Recent<(Addr, Box<[u8]>), Pair>,
    lookups: Recent<u64, Lookup>,
    next: u64,
    /// Agents, and the tools that they name, if they do.
    agents: Recent<Box<[u8]>, Option<&'static str>>,
}

/// What the server said.
fn answer(status: Option<u64>, len: u64) -> String {
    match status {
        None | Some(0) => "no answer seen".to_owned(),
        Some(s @ 200..=299) => format!("{s}, {len} bytes: it was answered"),
        Some(s @ (401 | 403 | 406 | 429)) => format!("{s}: turned away"),
        Some(s @ 400..=499) => format!("{s}: nothing there, or not taken"),
        Some(s @ 500..=599) => format!("{s}: the server failed at it"),
        Some(s) => format!("{s}"),
    }
}

/// Who is to be touched, and who is on the other side.
fn ends(client: Addr, server: Addr, cx: &Cx<'_>) -> (Addr, Addr) {
    if cx.hosts().is_internal(server) { (server, client) } else { (client, server) }
}

fn host_of<'a>(host: &'a [u8], server: &'a str) -> &'a [u8] {
    if host.is_empty() { server.as_bytes() } else { host.get(..MAX_HOST_LEN).unwrap_or(host) }
}

impl AttackRequest {
    pub fn new(scope: &Scope) -> Self {
        Self {
            pairs: Recent::of(scope, MAX_PAIRS),
            lookups: Recent::of(scope, MAX_LOOKUPS),
            next: 0,
            agents: Recent::of(scope, MAX_AGENTS),
        }
    }

    /// The tool that an agent names; programs come again and again with theirs.
    fn tool(&mut self, agent: &[u8]) -> Option<&'static str> {
        if agent.len() > MAX_AGENT_LEN {
            return tool(agent);
        }
        match self.agents.get(agent) {
            Some(known) => *known,
            None => *self.agents.at(agent.into(), || tool(agent)),
        }
    }

    fn pair(&mut self, client: Addr, host: &[u8], now: Timestamp) -> &mut Pair {
        let pair = self.pairs.at((client, host.into()), Pair::default);
        if now - pair.since > WINDOW {
            *pair = Pair { since: now, ..Pair::default() };
        }
        pair
    }

    fn request(&mut self, row: &WebRequest<'_>, cx: &mut Cx<'_>) {
        let response = String::from_utf8_lossy(row.response).to_lowercase();
        let mut told = [false; REASONS.len()];
        for (place, value) in values(row) {
            let text = decoded(value);
            let readable = place != Place::Parameter || is_text(&text) && !is_packed(value);
            let place = if readable { place } else { Place::Bytes };
            let Some(hit) = shape(&text, place, row.uri, &response, row.status == Some(200)) else { continue };
            let Some(kind) = REASONS.iter().position(|r| r.code == hit.code) else { continue };
            if told.get_mut(kind).is_none_or(|t| std::mem::replace(t, true)) {
                continue;
            }
            self.raise(row, kind, &hit, (value, &text), &response, cx);
        }
    }

    fn raise(
        &mut self,
        row: &WebRequest<'_>,
        kind: usize,
        hit: &Hit,
        (raw, text): (&[u8], &str),
        response: &str,
        cx: &mut Cx<'_>,
    ) {
        let server = row.resp.to_string();
        let host = host_of(row.host, &server);
        let pair = self.pair(row.orig, host, row.ts);
        let Some(count) = pair.counts.get_mut(kind) else { return };
        *count = count.saturating_add(1);
        let count = *count;
        let Some(reason) = REASONS.get(kind) else { return };
        let (subject, peer) = ends(row.orig, row.resp, cx);
        let at_home = subject == row.resp;
        let (mut severity, mut percent) = match count {
            ..SOME => (Severity::Info, 50),
            SOME..MANY => (Severity::Low, 60),
            _ => (Severity::Medium, 70),
        };
        if hit.code == "xss" && response.contains(text.trim()) && text.trim().len() > 8 {
            percent = (percent + 30).min(80);
        }
        if hit.code == "log4shell" && at_home {
            (severity, percent) = (Severity::High, 80);
        }
        if hit.worked.is_some() {
            (severity, percent) = (Severity::Critical, 85);
        }
        let key = format!("{} from {peer}", String::from_utf8_lossy(host));
        let path = row.uri.split(|b| *b == b'?').next().unwrap_or(&[]);
        let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(percent))
            .key(key.clone())
            .peer(peer)
            .at(row.ts)
            .flow(row.uid)
            .packet(row.packet)
            .quote("request", &[row.method, b" ", path].concat(), row.packet)
            .quote("decoded", text.as_bytes(), row.packet)
            .quote("answer", answer(row.status, row.response_len).as_bytes(), row.packet)
            .measure(Measure::count(
                "such requests within five minutes",
                u64::from(count),
                Some(u64::from(SOME)),
                "",
                Origin::Own,
            ))
            .benign("text about attacks, or a search box", "the rule needs more than one weak sign");
        if raw != text.as_bytes() {
            raise = raise.quote("as sent", raw, row.packet);
        }
        if let Some(mark) = &hit.worked {
            raise = raise.confirmed("worked").stage(Stage::Foothold).quote(
                "mark in the answer",
                mark.as_bytes(),
                row.packet,
            );
        }
        cx.raise(raise);
        if let Some((target, port)) = &hit.lookup {
            let (target, port) = (target.clone(), *port);
            self.next += 1;
            let lookup = Lookup {
                at: row.ts,
                server: row.resp,
                client: row.orig,
                target,
                port,
                key,
                uid: row.uid,
                packet: row.packet,
            };
            self.lookups.at(self.next, || lookup);
        }
    }

    /// Does the server call back?
    fn conn(&mut self, conn: &Conn<'_>, cx: &mut Cx<'_>) {
        if self.lookups.is_empty() || !cx.hosts().is_internal(conn.orig) {
            return;
        }
        let address = conn.resp.to_string();
        let fits = |l: &Lookup| {
            let gap = conn.ts - l.at;
            l.server == conn.orig
                && (l.port == 0 || l.port == conn.resp_port)
                && gap >= Interval(-1_000_000_000)
                && gap <= CALL_BACK
                && (l.target == address || cx.name_of(conn.resp).is_some_and(|n| n.eq_ignore_ascii_case(&l.target)))
        };
        let mut found: Vec<(u64, &Lookup)> =
            self.lookups.iter().filter(|(_, l)| fits(l)).map(|(n, l)| (*n, l)).collect();
        found.sort_by_key(|f| f.0);
        let Some((number, l)) = found.first() else { return };
        let Some(reason) = REASONS.iter().find(|r| r.code == "log4shell") else { return };
        let raise = Raise::new(&ABOUT, reason, l.server, Severity::Critical, Confidence::percent(85))
            .key(l.key.clone())
            .confirmed("worked")
            .stage(Stage::Foothold)
            .peer(l.client)
            .peer(conn.resp)
            .between(l.at, conn.ts)
            .flow(l.uid)
            .flow(conn.uid)
            .packet(l.packet)
            .packet(cx.packet)
            .quote("call back", format!("{} to {address} port {}", l.server, conn.resp_port).as_bytes(), cx.packet);
        cx.raise(raise);
        let number = *number;
        self.lookups.remove(&number);
    }

    /// Paths that are not there, and tools that name themselves.
    fn http(&mut self, http: &Http<'_>, cx: &mut Cx<'_>) {
        let is_lost = http.status == Some(404);
        let tool = if http.agent.len() < 4 { None } else { self.tool(http.agent) };
        if !is_lost && tool.is_none() {
            return;
        }
        let server = http.resp.to_string();
        let host = host_of(http.host, &server);
        let pair = self.pair(http.orig, host, http.ts);
        let path = http.uri.split(|b| *b == b'?').next().unwrap_or(&[]);
        let mark = seeded_hash(0, path);
        let is_new = is_lost && pair.lost.len() < LOST_PATHS && !pair.lost.contains(&mark);
        if is_new {
            pair.lost.push(mark);
        }
        let lost = pair.lost.len();
        let scans = is_new && lost >= LOST_PATHS;
        if !scans && tool.is_none() {
            return;
        }
        let Some(reason) = REASONS.iter().find(|r| r.code == "scanner") else { return };
        let (subject, peer) = ends(http.orig, http.resp, cx);
        let (severity, percent) = if scans { (Severity::Low, 60) } else { (Severity::Info, 50) };
        let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(percent))
            .key(format!("{} from {peer}", String::from_utf8_lossy(host)))
            .peer(peer)
            .at(http.ts)
            .flow(http.uid)
            .packet(cx.packet)
            .measure(Measure::count(
                "paths not found within five minutes",
                lost as u64,
                Some(LOST_PATHS as u64),
                "",
                Origin::Own,
            ))
            .quote("request", &[http.method, b" ", path].concat(), cx.packet);
        if tool.is_some() {
            raise = raise.quote("user agent", http.agent, cx.packet);
        }
        cx.raise(raise);
    }
}

/// The tool that an agent names.
fn tool(agent: &[u8]) -> Option<&'static str> {
    let agent = String::from_utf8_lossy(agent).to_lowercase();
    TOOLS.iter().find(|t| agent.contains(**t)).copied()
}

/// The values of a request that are looked at.
fn values<'a>(row: &WebRequest<'a>) -> Vec<(Place, &'a [u8])> {
    let mut all = Vec::new();
    let (path, query) = match row.uri.iter().position(|b| *b == b'?') {
        Some(at) => (row.uri.get(..at).unwrap_or(&[]), row.uri.get(at + 1..).unwrap_or(&[])),
        None => (row.uri, &[][..]),
    };
    all.push((Place::Path, path));
    let parameters = |text: &'a [u8]| {
        let value = |p: &'a [u8]| p.iter().position(|b| *b == b'=').and_then(|at| p.get(at + 1..)).unwrap_or(p);
        text.split(|b| *b == b'&').take(MAX_VALUES).map(value).filter(|v| !v.is_empty())
    };
    all.extend(parameters(query).map(|v| (Place::Parameter, v)));
    all.extend(row.fields.texts().map(|f| (Place::Field, f)));
    let start = row.body.trim_ascii_start();
    let is_form = start.contains(&b'=') && !matches!(start.first(), Some(b'{' | b'[' | b'<' | b'-'));
    if is_form {
        // Cut into parameters, the bytes of something encrypted would pass for text piece by piece.
        let place = if is_text(&decoded(row.body)) { Place::Parameter } else { Place::Bytes };
        all.extend(parameters(row.body).map(|v| (place, v)));
    } else if !start.is_empty() {
        all.push((Place::Code, row.body));
    }
    all.truncate(2 * MAX_VALUES);
    all
}

impl Detector for AttackRequest {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Http, Kind::WebRequest]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn, cx),
            Row::Http(http) => self.http(http, cx),
            Row::WebRequest(request) => self.request(request, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let pairs = self.pairs.iter().map(|(k, p)| k.1.len() + p.lost.capacity() * 8).sum::<usize>();
        let lookups = self.lookups.iter().map(|(_, l)| l.target.capacity() + l.key.capacity()).sum::<usize>();
        let agents = self.agents.iter().map(|(agent, _)| agent.len()).sum::<usize>();
        self.pairs.held_len() + pairs + self.lookups.held_len() + lookups + self.agents.held_len() + agents
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.lookups.forgotten()
    }
}

#[cfg(test)]
mod tests;
