//! The grade of one page: 100 and the sum of modifiers, each with its line.

use super::csp::Policy;
use std::fmt;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Content,
    Cors,
    Cookie,
    SessionCookie,
    Site,
}

/// A modifier with its cause and what to set.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub topic: Topic,
    pub modifier: i32,
    pub what: &'static str,
    /// The field or element, cut.
    pub found: String,
    pub advice: &'static str,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = if self.found.is_empty() { String::new() } else { format!(" ({})", self.found) };
        write!(f, "{:+} {}{found}: {}", self.modifier, self.what, self.advice)
    }
}

/// A graded page.
pub(super) struct Graded {
    pub score: i32,
    pub lines: Vec<Line>,
    pub nonce: Option<String>,
}

/// Characters kept of a field.
const MAX_FOUND_LEN: usize = 120;
/// Half a year and a year in seconds.
const HALF_YEAR: u64 = 15_768_000;
const YEAR: u64 = 31_536_000;
/// Words in the names of cookies of sessions.
const SESSION: &[&str] = &["asp.net", "auth", "jsessionid", "phpsessid", "sess", "sid", "token"];

struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, topic: Topic, modifier: i32, what: &'static str, found: &str, advice: &'static str) {
        let found = found.chars().take(MAX_FOUND_LEN).collect();
        self.0.push(Line { topic, modifier, what, found, advice });
    }
}

/// The grade of a page by its fields and elements.
pub(super) fn grade(fields: &[(&str, &str)], elements: &[&str], is_secure: bool) -> Graded {
    let mut lines = Lines(Vec::new());
    let value = |name: &str| fields.iter().find(|f| f.0 == name).map(|f| f.1);
    let policies: Vec<Policy> =
        fields.iter().filter(|f| f.0 == "content-security-policy").filter_map(|f| Policy::parse(f.1)).collect();
    let nonce = content(&policies, value("content-security-policy"), &mut lines);
    let max_age = transport(value("strict-transport-security"), is_secure, &mut lines);
    for (_, cookie) in fields.iter().filter(|f| f.0 == "set-cookie") {
        self::cookie(cookie, max_age.is_some(), &mut lines);
    }
    let ancestors = policies.iter().any(|p| p.get("frame-ancestors").is_some());
    let framed = value("x-frame-options").is_some_and(|v| matches!(&*v.trim().to_lowercase(), "deny" | "sameorigin"));
    if ancestors {
        lines.add(Topic::Content, 5, "frame-ancestors is set", "", "keep it");
    } else if !framed {
        lines.add(
            Topic::Content,
            -20,
            "other sites may frame the page",
            "",
            "send Content-Security-Policy: frame-ancestors 'self'",
        );
    }
    if value("x-content-type-options").is_none_or(|v| !v.trim().eq_ignore_ascii_case("nosniff")) {
        lines.add(Topic::Content, -5, "browsers guess types", "", "send X-Content-Type-Options: nosniff");
    }
    let credentials = value("access-control-allow-credentials").is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
    if let Some(origin) =
        value("access-control-allow-origin").filter(|o| credentials && matches!(o.trim(), "*" | "null"))
    {
        lines.add(
            Topic::Cors,
            -50,
            "any site may read with the visitor's login",
            origin,
            "name the sites that may in Access-Control-Allow-Origin",
        );
    }
    for element in elements {
        match element.split_once(' ') {
            Some(("script", url)) => {
                lines.add(Topic::Content, -50, "a script comes by HTTP", url, "load scripts by HTTPS");
            }
            Some(("unpinned", url)) if url.starts_with("http:") => {
                lines.add(
                    Topic::Content,
                    -50,
                    "a script of another host comes by HTTP",
                    url,
                    "load scripts by HTTPS, with integrity=",
                );
            }
            Some(("unpinned", url)) if !lines.0.iter().any(|l| l.what.starts_with("a script of another host is")) => {
                lines.add(
                    Topic::Content,
                    -5,
                    "a script of another host is not pinned",
                    url,
                    "add integrity= with its digest",
                );
            }
            _ => {}
        }
    }
    for name in ["server", "x-powered-by"] {
        if let Some(version) = value(name).filter(|v| v.contains('/') && v.bytes().any(|b| b.is_ascii_digit())) {
            lines.add(Topic::Content, 0, "the program's version is told", version, "send the name only");
        }
    }
    let score = 100 + lines.0.iter().map(|l| l.modifier).sum::<i32>();
    Graded { score, lines: lines.0, nonce }
}

fn content(policies: &[Policy], field: Option<&str>, lines: &mut Lines) -> Option<String> {
    let before = lines.0.len();
    if policies.is_empty() {
        let what = if field.is_some() { "the policy cannot be read" } else { "no Content-Security-Policy" };
        lines.add(
            Topic::Content,
            -25,
            what,
            field.unwrap_or(""),
            "send Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'",
        );
        return None;
    }
    let found = field.unwrap_or("");
    // All policies must allow what is to be allowed.
    let all = |test: fn(&Policy) -> bool| policies.iter().all(test);
    if all(Policy::allows_inline) {
        lines.add(
            Topic::Content,
            -20,
            "scripts may stand in the page",
            found,
            "use a nonce or digests in script-src in place of 'unsafe-inline'",
        );
    }
    if all(Policy::allows_everything) {
        lines.add(Topic::Content, -20, "scripts may come from everywhere", found, "name the hosts in script-src");
    }
    if all(Policy::allows_http) {
        lines.add(Topic::Content, -20, "resources may come by HTTP", found, "name https: sources only");
    }
    if all(Policy::allows_eval) {
        lines.add(Topic::Content, -10, "texts may become scripts", found, "leave out 'unsafe-eval'");
    }
    if all(Policy::leaves_open) {
        lines.add(
            Topic::Content,
            -5,
            "object-src or base-uri is open",
            found,
            "add object-src 'none'; base-uri 'none'",
        );
    }
    if lines.0.len() == before {
        let strict = policies.iter().any(Policy::denies_by_default);
        lines.add(Topic::Content, if strict { 10 } else { 5 }, "a strict policy", "", "keep it");
    }
    policies.iter().find_map(Policy::nonce).map(str::to_owned)
}

/// The time for which HTTPS is promised, if it is. What is sent by HTTP counts for nothing (RFC 6797 §8.1).
fn transport(field: Option<&str>, is_secure: bool, lines: &mut Lines) -> Option<u64> {
    if !is_secure {
        return None;
    }
    let lower = field.unwrap_or("").to_lowercase();
    let part = |p: &str| lower.split(';').map(str::trim).any(|d| d == p);
    let age = lower.split(';').find_map(|d| d.trim().strip_prefix("max-age=")?.trim_matches('"').parse::<u64>().ok());
    match age.filter(|a| *a > 0) {
        None => lines.add(
            Topic::Content,
            -20,
            "no Strict-Transport-Security",
            "",
            "send Strict-Transport-Security: max-age=31536000; includeSubDomains",
        ),
        Some(age) if age < HALF_YEAR => lines.add(
            Topic::Content,
            -10,
            "HTTPS is promised for less than half a year",
            &lower,
            "set max-age=31536000",
        ),
        Some(age) if age >= YEAR && part("includesubdomains") && part("preload") => {
            lines.add(Topic::Content, 5, "ready for preloading", "", "keep it");
        }
        Some(_) => {}
    }
    age.filter(|a| *a > 0)
}

fn cookie(field: &str, promised: bool, lines: &mut Lines) {
    let mut parts = field.split(';').map(str::trim);
    let name = parts.next().unwrap_or("").split('=').next().unwrap_or("").trim();
    let attributes: Vec<String> = parts.map(str::to_lowercase).collect();
    let has = |a: &str| attributes.iter().any(|x| x == a);
    let lower = name.to_lowercase();
    // One that is taken back holds nothing.
    if has("max-age=0") || attributes.iter().any(|a| a.starts_with("expires=") && a.contains("1970")) {
        return;
    }
    let session = SESSION.iter().any(|w| lower.contains(w)) && !lower.contains("csrf") && !lower.contains("xsrf");
    let topic = if session { Topic::SessionCookie } else { Topic::Cookie };
    if !has("secure") {
        let modifier = match (session, promised) {
            (true, false) => -40,
            (true, true) => -10,
            (false, false) => -20,
            (false, true) => -5,
        };
        lines.add(topic, modifier, "a cookie may travel unencrypted", name, "add Secure");
        if has("samesite=none") {
            lines.add(topic, -20, "SameSite=None without Secure", name, "add Secure, or SameSite=Lax");
        }
    }
    if session && !has("httponly") {
        lines.add(topic, -30, "scripts can read the session's cookie", name, "add HttpOnly");
    }
}
