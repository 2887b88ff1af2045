//! # c2-http-traits
//! ## How
//! Requests by HTTP that can be read, of a host at home to one server outside (by its Host) within a day, get points for what implants do and
//! browsers don't. 2: the agent is used by one host only; 2: the agent is empty, shorter than 4 or longer than 256
//! characters, has one of `{}$`, begins with `<?`, or is a single word with a fifth of capitals; 1: Host is an address, or missing; 2: a program, script or archive came as something
//! else, by its declared type or the path's ending; 1: nearly all requests have at most four fields, among them no Referer, Accept-Language or Cookie; 2: forms are posted to one path,
//! dense as if encrypted, and hardly answered; 2: a long encoded value in a cookie or parameter is another each time; 1: HTTP/1.0 of what calls
//! itself a browser, or an agent of another system than the host's; 2: the order of fields differs from that of all others with the same agent.
//! ## Thresholds
//! Six points from three lines, and five requests; with a program received as something else three from two, and one request (loaders ask once: measured on the corpus); eight points of a server. Agents of one host count where five hosts show any. Nearly all: 95 %. Forms: five of them, 80 % answered with 100 bytes or less, entropy 7.3
//! where 256 bytes are there to measure. Encoded: 64 characters, five of them, 80 % new. Order: three other hosts. All of Sekisho's own choice but for agents and entropy (nDPI) and the missing Host (RITA).
//! ## State
//! 4,096 hosts with servers, 500 bytes and up to 400 of text each; 8,192 agents with up to eight orders; 16,384 hosts. The least recent are forgotten.
//! ## Severity
//! Up to seven points medium 0.5, more high 0.65; 0.1 more with a program received (`payload`).
//! ## Benign
//! Package managers, firmware of devices, launchers of games, probes, scripts. A place that five hosts go to is left out.
//! ## Blind
//! HTTPS without keys. Implants that imitate the host's browser in every field. Of forms only those declared as such, or as XML, are measured.
//! ## References
//! nDPI HTTP_SUSPICIOUS_USER_AGENT, NUMERIC_IP_HOST; RITA rare signature, missing host; Zeek `software` and http logs.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Http, Kind, Row, WebClient};
use crate::statistics::distinct::Distinct;
use crate::table::Recent;
use crate::{Cx, Raise};
use agents::{Agents, System};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

mod agents;

static ABOUT: About = About {
    id: "c2-http-traits",
    title: "HTTP that is not a browser's",
    means: "This host's web requests to one server have several traits of implant traffic.",
    techniques: &["T1071.001", "T1001", "T1105"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "traits", means: "Several traits of its requests are those of implants." },
        Reason { code: "payload", means: "Besides, it received a program that was said to be something else." },
    ],
    benign: "Package managers, firmware of devices, launchers of games, monitoring, scripts.",
    clears: "The program that asks is known and wanted, or the requests stop.",
    next: &[
        "See which program on the host asks.",
        "Read the requests and what came back.",
        "Look for other hosts with the same agent or server.",
    ],
    needs: &[
        vital(What::Some(Traffic::Web)),
        vital(What::Requests(Traffic::Web)),
        useful(What::Clear(Traffic::Web)),
        useful(What::Answers(Traffic::Web)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const TRAITS: &Reason = ABOUT.at(0);
const PAYLOAD: &Reason = ABOUT.at(1);

const MAX_PAIRS: usize = 4_096;
const HOUR: Interval = Interval::from_secs(3_600);
const DAY: Interval = Interval::from_secs(86_400);
/// Points, lines and requests that are needed, points and lines where a program was received, points of a server, and those from which on it is high.
const MIN_POINTS: u64 = 6;
const PAYLOAD_POINTS: u64 = 3;
const PAYLOAD_LINES: u64 = 2;
const MIN_LINES: u64 = 3;
const MIN_REQUESTS: u64 = 5;
const SERVER_POINTS: u64 = 8;
const HIGH_POINTS: u64 = 8;
/// Lengths of an agent that are ordinary.
const AGENT_LEN: std::ops::RangeInclusive<usize> = 4..=256;
/// Fields of a bare request.
const FEW_FIELDS: u64 = 4;
/// Bytes of an answer that hardly says anything, and entropy of what is packed or encrypted, thousandths of a bit.
const SHORT_ANSWER: u64 = 100;
const DENSE: u64 = 7_300;
/// Hosts to which a place is no one host's own.
const SHARED: u64 = 5;
/// Bytes kept of a text.
const MAX_TEXT_LEN: usize = 120;

/// Requests of a host to a server.
struct Pair {
    host: Addr,
    peer: Addr,
    name: Box<str>,
    place: u64,
    since: Timestamp,
    last: Timestamp,
    requests: u64,
    bare: u64,
    agent: u64,
    agent_text: Box<[u8]>,
    /// The agent's own form is odd; it calls itself a browser and speaks HTTP/1.0; it names a system.
    odd: bool,
    old: bool,
    system: Option<System>,
    order: u64,
    /// Posts to one path: the path, how many, hardly answered, measured and dense.
    posts: (u64, u64),
    short: u64,
    dense: (u64, u64),
    /// Encoded values: the last one and the path with it, how many there were and how many were new.
    token: (u64, u64),
    tokens: (u64, u64),
    payload: Option<(Box<str>, Box<[u8]>, u64)>,
    line: Box<[u8]>,
    names: Box<[u8]>,
    flows: [Uid; 2],
    packets: [u64; 2],
    /// Points of what was said last.
    said: u64,
    fresh: bool,
}

/// See the module.
pub(crate) struct HttpTraits {
    state: SeededState,
    pairs: Recent<u64, Box<Pair>>,
    agents: Agents,
    hosts: Distinct,
    /// What was told of the exchange whose row comes next.
    told: Option<Told>,
    next_look: Timestamp,
}

/// The traits of an exchange.
struct Told {
    uid: Uid,
    fields: u64,
    order: u64,
    bare: bool,
    old: bool,
    token: Option<u64>,
    entropy: Option<u64>,
    names: Vec<u8>,
    payload: Option<String>,
}

impl HttpTraits {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            pairs: Recent::of(scope, MAX_PAIRS),
            agents: Agents::new(scope),
            hosts: Distinct::default(),
            told: None,
            next_look: Timestamp(i64::MIN),
        }
    }

    fn tell(&mut self, row: &WebClient<'_>) {
        let told = self.told.get_or_insert_with(|| Told {
            uid: row.uid,
            fields: 0,
            order: 0,
            bare: false,
            old: false,
            token: None,
            entropy: None,
            names: Vec::new(),
            payload: None,
        });
        (told.uid, told.fields, told.order, told.bare) = (row.uid, row.fields, row.order, row.bare);
        (told.old, told.token, told.entropy) = (row.old, row.token, row.entropy);
        told.names.clear();
        told.names.extend_from_slice(row.names);
        told.payload = row.payload.map(str::to_owned);
    }

    fn http(&mut self, row: &Http<'_>, cx: &Cx<'_>) {
        let Some(told) = self.told.as_ref().filter(|told| told.uid == row.uid) else { return };
        if !cx.hosts().is_internal(row.orig) {
            return;
        }
        let host = self.state.hash_one(row.orig.octets());
        self.hosts.add(host);
        let agent = self.state.hash_one(row.agent);
        let system = System::of(row.agent);
        self.agents.note(agent, host, told.order, system);
        let place = cx.outside().place(row.uid, row.resp);
        let name = if row.host.is_empty() { row.resp.to_string().into_bytes() } else { row.host.to_vec() };
        let key = self.state.hash_one((row.orig, &name));
        let (uri, packet) = (row.uri, cx.packet);
        let path = uri.split(|b| *b == b'?').next().unwrap_or(uri);
        let path = self.state.hash_one(path);
        if self.pairs.peek(&key).is_some_and(|p| row.ts - p.since >= DAY) {
            self.pairs.remove(&key);
        }
        let pair = self.pairs.at(key, || {
            let line = [row.method, b" ", uri].concat();
            Box::new(Pair {
                host: row.orig,
                peer: row.resp,
                name: String::from_utf8_lossy(name.get(..MAX_TEXT_LEN).unwrap_or(&name)).into(),
                place,
                since: row.ts,
                last: row.ts,
                requests: 0,
                bare: 0,
                agent,
                agent_text: cut(row.agent),
                odd: is_odd(row.agent),
                old: false,
                system,
                order: told.order,
                posts: (0, 0),
                short: 0,
                dense: (0, 0),
                token: (0, 0),
                tokens: (0, 0),
                payload: None,
                line: cut(&line),
                names: cut(&told.names),
                flows: [row.uid; 2],
                packets: [packet; 2],
                said: 0,
                fresh: true,
            })
        });
        pair.fresh = true;
        pair.last = pair.last.max(row.ts);
        pair.requests += 1;
        (pair.flows[1], pair.packets[1]) = (row.uid, packet);
        pair.bare += u64::from(told.bare && told.fields <= FEW_FIELDS);
        pair.old |= told.old && row.agent.starts_with(b"Mozilla/5.0");
        if row.method == b"POST" {
            if pair.posts.0 != path {
                (pair.posts, pair.short, pair.dense) = ((path, 0), 0, (0, 0));
            }
            pair.posts.1 += 1;
            pair.short += u64::from(row.response_len <= SHORT_ANSWER && row.status.is_some());
            if let Some(entropy) = told.entropy {
                pair.dense.0 += 1;
                pair.dense.1 += u64::from(entropy >= DENSE);
            }
        }
        if let Some(token) = told.token {
            let (last, of) = pair.token;
            pair.tokens.0 += 1;
            pair.tokens.1 += u64::from(last != token && (of == path || pair.tokens.0 == 1));
            pair.token = (token, path);
        }
        if let (None, Some(mime)) = (&pair.payload, &told.payload) {
            let line = [row.method, b" ", uri].concat();
            pair.payload = Some((mime.as_str().into(), cut(&line), packet));
        }
    }

    /// Judges every pair that has had requests since the last time.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let (agents, hosts) = (&self.agents, self.hosts.count());
        let mut found = Vec::new();
        for pair in self.pairs.values_mut() {
            if !std::mem::take(&mut pair.fresh) || (pair.requests < MIN_REQUESTS && pair.payload.is_none()) {
                continue;
            }
            let host = self.state.hash_one(pair.host.octets());
            if let Some((points, raise)) = pair.judge(agents, (host, hosts), cx)
                && points > pair.said
            {
                pair.said = points;
                found.push((pair.host, pair.name.clone(), raise));
            }
        }
        // The table has no order.
        found.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        found.into_iter().for_each(|f| cx.raise(f.2));
    }
}

impl Pair {
    /// Each line of the list that fits: its points, and what it says.
    fn lines(&self, agents: &Agents, (host, hosts): (u64, u64)) -> Vec<(u64, &'static str)> {
        let share = |part: u64, whole: u64, percent: u64| part * 100 >= whole * percent;
        let literal = match self.name.strip_prefix('[') {
            Some(v6) => v6.split(']').next(),
            None => self.name.split(':').next(),
        };
        let is_addr = |text: &str| text.parse::<Addr>().is_ok();
        let is_numeric = literal.is_some_and(is_addr) || is_addr(&self.name);
        let rare = !self.agent_text.is_empty() && agents.is_alone(self.agent, hosts);
        let encoded = self.tokens.0 >= MIN_REQUESTS && share(self.tokens.1, self.tokens.0, 80);
        let dense = self.dense.0 > 0 && share(self.dense.1, self.dense.0, 80);
        let posts = self.posts.1 >= MIN_REQUESTS && share(self.short, self.posts.1, 80) && dense;
        let foreign = self.system.is_some_and(|system| agents.is_foreign(host, system));
        [
            (rare, 2, "agent that no other host has"),
            (self.odd, 2, "odd agent"),
            (is_numeric, 1, "an address in place of a name"),
            (self.payload.is_some(), 2, "a program said to be something else"),
            (share(self.bare, self.requests, 95), 1, "few fields, and none that browsers send"),
            (posts, 2, "dense forms, hardly answered"),
            (encoded, 2, "a long encoded value, always another"),
            (self.old || (foreign && !rare), 1, "not as the agent's program does it"),
            (
                agents.is_out_of_order(self.agent, host, self.order),
                2,
                "another order of fields than the agent's others",
            ),
        ]
        .into_iter()
        .filter(|line| line.0)
        .map(|line| (line.1, line.2))
        .collect()
    }

    fn judge(&self, agents: &Agents, host: (u64, u64), cx: &Cx<'_>) -> Option<(u64, Raise)> {
        let lines = self.lines(agents, host);
        let points: u64 = lines.iter().map(|line| line.0).sum();
        let is_server = cx.hosts().is(self.host, Role::Server);
        let (needed, least) = match () {
            () if is_server => (SERVER_POINTS, MIN_LINES),
            () if self.payload.is_some() => (PAYLOAD_POINTS, PAYLOAD_LINES),
            () => (MIN_POINTS, MIN_LINES),
        };
        let usage = cx.outside().usage(self.place);
        if points < needed || (lines.len() as u64) < least || usage.hosts >= SHARED {
            return None;
        }
        let (severity, sure) = if points >= HIGH_POINTS { (Severity::High, 65) } else { (Severity::Medium, 50) };
        let (reason, sure) = if self.payload.is_some() { (PAYLOAD, sure + 10) } else { (TRAITS, sure) };
        let told: Vec<String> = lines.iter().map(|(points, what)| format!("{points} {what}")).collect();
        let [first, last] = self.packets;
        let mut raise = Raise::new(&ABOUT, reason, self.host, severity, Confidence::percent(sure))
            .key(&*self.name)
            .peer(self.peer)
            .between(self.since, self.last)
            // What was received is kept once.
            .times(if self.payload.is_some() { 1 } else { self.requests })
            .flow(self.flows[0])
            .flow(self.flows[1])
            .packet(first)
            .packet(last)
            .measure(Measure::count("points", points, Some(needed), "", Origin::Own))
            .measure(Measure::count("traits", lines.len() as u64, Some(least), "", Origin::Own))
            .measure(Measure::count("requests", self.requests, Some(MIN_REQUESTS), "", Origin::Own))
            .measure(Measure::count("hosts that go there", usage.hosts, Some(SHARED), "", Origin::Own))
            .quote("points for", told.join("; ").as_bytes(), 0)
            .quote("request", &self.line, first)
            .quote("agent", &self.agent_text, first)
            .benign("five hosts at home or more go there", "no")
            .benign(
                "it is a server that five hosts at home or more use",
                if is_server { "yes: more points" } else { "no" },
            );
        if !self.names.is_empty() {
            raise = raise.quote("fields", &self.names, first);
        }
        if let Some((mime, line, packet)) = &self.payload {
            raise = raise.quote("received", mime.as_bytes(), *packet).quote("as", line, *packet);
        }
        Some((points, raise))
    }
}

fn cut(text: &[u8]) -> Box<[u8]> {
    text.get(..MAX_TEXT_LEN).unwrap_or(text).into()
}

/// Is it an agent that no maker of browsers would choose (nDPI's list)?
fn is_odd(agent: &[u8]) -> bool {
    let word = !agent.contains(&b' ') && !agent.contains(&b'/');
    let capitals = agent.iter().filter(|b| b.is_ascii_uppercase()).count();
    !AGENT_LEN.contains(&agent.len())
        || agent.iter().any(|b| matches!(b, b'{' | b'}' | b'$'))
        || agent.starts_with(b"<?")
        || (word && capitals * 5 >= agent.len())
}

impl Detector for HttpTraits {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Http, Kind::WebClient]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Http(row) => self.http(row, cx),
            Row::WebClient(row) => self.tell(row),
            _ => {}
        }
        if cx.now >= self.next_look {
            if self.next_look > Timestamp(i64::MIN) {
                self.look(cx);
            }
            self.next_look = Timestamp(cx.now.0.saturating_add(HOUR.0));
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn held_len(&self) -> usize {
        let owned = |p: &Pair| {
            let texts = [&p.agent_text, &p.line, &p.names].into_iter().map(|t| t.len()).sum::<usize>();
            let payload = p.payload.as_ref().map_or(0, |(mime, line, _)| mime.len() + line.len());
            size_of::<Pair>() + p.name.len() + texts + payload
        };
        self.pairs.held_len()
            + self.agents.held_len()
            + self.hosts.held_len()
            + self.pairs.iter().map(|(_, p)| owned(p)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.agents.forgotten()
    }
}

#[cfg(test)]
mod tests;
