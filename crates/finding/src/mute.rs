//! Findings that somebody has agreed to live with (`detections.md` §14.6). A mute hides nothing: what it matches is still
//! found, counted and shown as muted, with its reason. Time is the packets' time.

use crate::{About, Finding, Severity};
use sekisho_types::{Addr, Day, Subnet};
use std::fmt;

/// Most mutes of a file.
pub const MAX_MUTES: usize = 10_000;

/// Shortest reason that says something, in characters.
const MIN_REASON_LEN: usize = 10;

/// Longest time from `from` to `until`, days: a year and its leap day.
const MAX_DAYS: i64 = 366;

/// What a mute is for.
const KINDS: &[&str] = &["accepted-risk", "expected", "false-positive", "maintenance", "owned-elsewhere"];

/// One agreement.
#[derive(Clone, Debug)]
pub struct Mute {
    /// Line of the file.
    pub line: usize,
    /// Judgement, reason, and stronger form, each with `*` for any characters.
    pub judgement: String,
    hosts: Vec<Subnet>,
    any_host: bool,
    peers: Vec<Peer>,
    key: Option<String>,
    below: Option<Severity>,
    /// Most signs a day.
    most: Option<u64>,
    /// What it is for.
    pub kind: Option<&'static str>,
    from: Option<Day>,
    /// Its last day.
    pub until: Day,
    /// Why, in the words of whoever agreed.
    pub reason: String,
    /// Findings that it muted.
    pub matched: u64,
    /// It ended before the packets did.
    pub expired: bool,
}

#[derive(Clone, Debug)]
enum Peer {
    Net(Subnet),
    /// A name, or with a leading dot all names below.
    Name(String),
}

/// The first line that is no mute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for MuteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for MuteError {}

/// All mutes of a file, in its order.
#[derive(Clone, Debug, Default)]
pub struct Mutes(Vec<Mute>);

impl Mutes {
    /// Reads a file's text: a mute a line, `#` begins a comment. `abouts` are the judgements that exist.
    pub fn parse(text: &str, abouts: &[&About]) -> Result<Self, MuteError> {
        let mut all = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let failed = |what: String| MuteError { line: i + 1, what };
            if all.len() >= MAX_MUTES {
                return Err(failed(format!("more than {MAX_MUTES} mutes")));
            }
            all.push(parse_line(line, i + 1, abouts).map_err(failed)?);
        }
        Ok(Self(all))
    }

    /// Mutes what is agreed on in `findings`, of packets up to the day `last`. The first mute that matches says why.
    pub fn apply(&mut self, findings: &mut [Finding], last: Day) {
        for mute in &mut self.0 {
            mute.expired = mute.until < last;
        }
        for finding in findings {
            if let Some(mute) = self.0.iter_mut().find(|m| m.matches(finding)) {
                mute.matched += 1;
                finding.muted = Some(mute.words());
            }
        }
    }

    /// The mutes, with what became of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mute> {
        self.0.iter()
    }
}

impl Mute {
    /// Reason, kind and end, as they stand beside what is muted.
    fn words(&self) -> String {
        let kind = self.kind.map_or(String::new(), |k| format!("{k}, "));
        format!("{} ({kind}until {})", self.reason, self.until)
    }

    fn matches(&self, f: &Finding) -> bool {
        let in_time = Day::of(f.last) <= self.until && self.from.is_none_or(|from| Day::of(f.first) >= from);
        let host = self.hosts.is_empty() || self.hosts.iter().any(|net| net.contains(f.subject));
        // Who the others are beyond those named cannot be told.
        let all_named = !f.peers.more() && !f.peers.named().is_empty();
        let peers = self.peers.is_empty()
            || all_named && f.peers.named().iter().all(|p| self.peers.iter().any(|wanted| wanted.is(*p, f)));
        in_time
            && names(&self.judgement, f)
            && host
            && peers
            && self.key.as_deref().is_none_or(|pattern| fits(pattern, &f.key))
            && self.below.is_none_or(|limit| f.severity < limit)
            && self.most.is_none_or(|limit| a_day(f) <= limit)
    }
}

impl Peer {
    fn is(&self, addr: Addr, f: &Finding) -> bool {
        match self {
            Self::Net(net) => net.contains(addr),
            Self::Name(name) => f.names.iter().filter(|n| n.0 == addr).any(|(_, known)| {
                let known = known.trim_end_matches('.').to_ascii_lowercase();
                if name.starts_with('.') { known.ends_with(name.as_str()) } else { known == *name }
            }),
        }
    }
}

/// Signs of a finding a day, rounded up.
fn a_day(f: &Finding) -> u64 {
    let days = Day::of(f.last).0.saturating_sub(Day::of(f.first).0).saturating_add(1);
    f.count.div_ceil(u64::try_from(days).unwrap_or(1).max(1))
}

/// `id`, `id/reason` or `id/reason/form`. A stronger form (`used`, `won`, `accepted`) is muted only by name.
fn names(judgement: &str, f: &Finding) -> bool {
    let mut parts = judgement.split('/');
    let (id, reason, form) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let form_fits = match (f.confirmed, form) {
        (None, None) => true,
        (Some(reached), Some(form)) => fits(form, reached),
        _ => false,
    };
    fits(id, f.about.id) && reason.is_none_or(|r| fits(r, f.reason.code)) && form_fits
}

/// Does `text` fit `pattern`, in which `*` is any characters? Takes time linear in the product of their lengths at most.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

fn parse_line(line: &str, number: usize, abouts: &[&About]) -> Result<Mute, String> {
    let (judgement, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    known(judgement, abouts)?;
    let mut mute = Mute {
        line: number,
        judgement: judgement.to_owned(),
        hosts: Vec::new(),
        any_host: false,
        peers: Vec::new(),
        key: None,
        below: None,
        most: None,
        kind: None,
        from: None,
        until: Day::default(),
        reason: String::new(),
        matched: 0,
        expired: false,
    };
    let mut until = None;
    let mut rest = rest.trim_start();
    while !rest.is_empty() {
        let (name, behind) =
            rest.split_once('=').ok_or_else(|| format!("{rest:?}: expected NAME=VALUE, such as host=192.0.2.7"))?;
        if name == "reason" {
            mute.reason = behind.trim().trim_matches('"').to_owned();
            break;
        }
        let (value, behind) = value(behind)?;
        rest = behind.trim_start();
        let day = || value.parse::<Day>().map_err(|e| format!("{name}={value}: {e}"));
        match name {
            "host" if value == "any" => mute.any_host = true,
            "host" => mute.hosts.push(value.parse().map_err(|e| format!("host={value}: {e}; or any"))?),
            "peer" => mute.peers.push(peer(value)?),
            "key" => mute.key = Some(value.to_owned()),
            "below" => {
                let severity = Severity::named(value);
                mute.below = Some(severity.ok_or_else(|| format!("below={value}: no severity"))?);
            }
            "most" => mute.most = Some(value.parse().map_err(|_| format!("most={value}: expected a number"))?),
            "kind" => {
                let kind = KINDS.iter().find(|k| **k == value);
                mute.kind = Some(kind.ok_or_else(|| format!("kind={value}: expected one of {}", KINDS.join(", ")))?);
            }
            "from" => mute.from = Some(day()?),
            "until" => until = Some(day()?),
            _ => {
                return Err(format!(
                    "{name}=: no such field; there are host, peer, key, below, most, kind, from, until and, last, reason"
                ));
            }
        }
    }
    if mute.reason.chars().count() < MIN_REASON_LEN {
        return Err(format!("a mute ends with reason=WHY, in {MIN_REASON_LEN} characters or more"));
    }
    mute.until = until.ok_or("a mute needs its last day: until=YYYY-MM-DD")?;
    if mute.from.is_some_and(|from| from > mute.until || mute.until.0 - from.0 > MAX_DAYS) {
        return Err("from has to be before until, by a year at most".to_owned());
    }
    if !mute.any_host && mute.hosts.is_empty() && mute.peers.is_empty() && mute.key.is_none() {
        return Err("this would mute the judgement for all hosts: name host, peer or key, or say host=any".to_owned());
    }
    Ok(mute)
}

/// Is there a judgement that `judgement` may name? A slip of the pen would mute nothing, unnoticed.
fn known(judgement: &str, abouts: &[&About]) -> Result<(), String> {
    let parts: Vec<&str> = judgement.split('/').collect();
    let [id, ..] = parts[..] else { return Err("no judgement".to_owned()) };
    if parts.len() > 3 || parts.iter().any(|p| p.is_empty()) {
        return Err(format!("{judgement}: expected JUDGEMENT, JUDGEMENT/REASON or JUDGEMENT/REASON/FORM"));
    }
    let mut named = abouts.iter().filter(|a| fits(id, a.id)).peekable();
    if named.peek().is_none() {
        return Err(format!("{id}: no such judgement; `sekisho explain` lists them"));
    }
    match parts.get(1) {
        Some(reason) if !named.any(|a| a.reasons.iter().any(|r| fits(reason, r.code))) => {
            Err(format!("{id} has no reason {reason}; `sekisho explain {id}` lists them"))
        }
        _ => Ok(()),
    }
}

/// A field's value, in quotation marks if it has spaces, and what is behind it.
fn value(text: &str) -> Result<(&str, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').ok_or_else(|| "a quotation mark is not closed".to_owned());
    }
    Ok(text.split_once(char::is_whitespace).unwrap_or((text, "")))
}

fn peer(value: &str) -> Result<Peer, String> {
    if let Ok(net) = value.parse() {
        return Ok(Peer::Net(net));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let letters = value.bytes().any(|b| b.is_ascii_alphabetic());
    if letters && value.bytes().all(plain) {
        return Ok(Peer::Name(value.to_ascii_lowercase()));
    }
    Err(format!("peer={value}: expected an address, a network or a name"))
}

#[cfg(test)]
mod tests;
