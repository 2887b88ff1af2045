//! What detectors want to know of exchanges: services that answer whoever asks, and logins in clear.

use super::field::{Name, basic};
use super::page::{self, Kept, MAX_PAGE_LEN};
use super::record::HttpRecord;
use crate::Cx;
use crate::told::{Answer, Login, service_use};
use sekisho_record::Text;
use sekisho_types::{Heap, block_len};

/// Bytes of a response's content and of a form that are looked at.
pub(crate) const MAX_CONTENT_LEN: u16 = 1024;

/// Names of form fields that hold a password begin so, in small letters.
const PASSWORD_FIELDS: &[&[u8]] = &[b"otp", b"pass", b"pwd", b"secret"];

/// Names of form fields that hold an account begin so, in small letters.
const ACCOUNT_FIELDS: &[&[u8]] = &[b"account", b"email", b"login", b"name", b"user"];

/// What is kept of an exchange while detectors listen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The request came with credentials: an Authorization field, a cookie, a token.
    credentials: bool,
    /// The login of an Authorization field.
    login: Option<(&'static str, Text, Option<u64>)>,
    /// How the response's content begins.
    content: Vec<u8>,
    /// How the request's form or XML begins.
    form: Vec<u8>,
    /// What judgements about sites want.
    pub(super) kept: Kept,
}

impl Heap for Seen {
    fn heap_len(&self) -> usize {
        let login = self.login.as_ref().map_or(0, |l| l.1.heap_len());
        self.content.heap_len() + self.form.heap_len() + login + self.kept.heap_len()
    }
}

impl Seen {
    /// Bytes of the box, and what it owns.
    pub(crate) fn boxed_len(&self) -> usize {
        block_len(size_of::<Self>()) + self.heap_len()
    }

    /// How the response's content begins, and the request's.
    pub(super) fn contents(&self) -> (&[u8], &[u8]) {
        (&self.content, &self.form)
    }

    /// Content passes.
    pub(crate) fn content(&mut self, is_request: bool, bytes: &[u8]) {
        let kept = if is_request { &mut self.form } else { &mut self.content };
        let room = usize::from(MAX_PAGE_LEN).saturating_sub(kept.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// A request's field that logs somebody in.
pub(crate) fn field(row: &mut HttpRecord, name: Name, value: &[u8], cx: &mut Cx<'_>) {
    if name == Name::Token && cx.is_exposed() {
        row.seen.get_or_insert_default().credentials = true;
    }
    if name != Name::Authorization || !cx.is_listening() {
        return;
    }
    let basic = basic(value);
    let parts = basic.as_deref().and_then(|text| text.split_at_checked(memchr::memchr(b':', text)?));
    let password = parts.and_then(|(_, password)| password.get(1..));
    cx.heard(password);
    if !cx.is_judged() {
        return;
    }
    let seen = row.seen.get_or_insert_default();
    seen.credentials = true;
    if let (Some((user, _)), Some(password)) = (parts, password) {
        seen.login = Some(("basic", user.into(), Some(password.len() as u64)));
    } else if value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"digest ")) {
        let user = between(value, b"username=\"", b'"').unwrap_or(&[]);
        seen.login = Some(("digest", user.into(), None));
    }
}

fn between<'a>(text: &'a [u8], key: &[u8], end: u8) -> Option<&'a [u8]> {
    let rest = text.get(memchr::memmem::find(text, key)? + key.len()..)?;
    rest.get(..memchr::memchr(end, rest)?)
}

/// The row is complete.
pub(crate) fn settle(row: &mut HttpRecord, cx: &mut Cx<'_>) {
    let Some(mut seen) = row.seen.take() else {
        if cx.is_judged() {
            page::settle(row, &mut Seen::default(), cx);
        }
        return;
    };
    if !cx.is_judged() {
        return;
    }
    page::settle(row, &mut seen, cx);
    let status = row.status_code.unwrap_or(0);
    if let Some((method, user, len)) = &seen.login {
        // A challenge answered anew says no.
        let success = Some(status).filter(|s| *s > 0).map(|s| s < 400);
        login("http", method, &user.0, *len, success, cx);
    }
    match seen.form.trim_ascii_start().first() {
        None => {}
        Some(b'<') => super::mapping::tell(&seen.form, row.status_code, row.head, cx),
        Some(_) => form(&seen.form, cx),
    }
    if cx.is_exposed()
        && let Some((service, answer)) = service(row, &seen, status)
    {
        let method = row.method.as_ref().map_or(&[][..], |m| &m.0);
        let uri = row.uri.as_ref().map_or(&[][..], |u| &u.0);
        let request = if method.is_empty() { Vec::new() } else { [method, b" ", uri].concat() };
        let content = if service == "env-file" { names_only(&seen.content) } else { seen.content.clone() };
        let response = [format!("{status} ").as_bytes(), &content].concat();
        service_use((service, answer), row.head, &request, &response, cx);
    }
}

fn login(
    protocol: &'static str,
    method: &str,
    user: &[u8],
    password_len: Option<u64>,
    success: Option<bool>,
    cx: &mut Cx<'_>,
) {
    let login = Login { protocol, method: method.as_bytes(), user, password: None, success };
    crate::told::credential_of_len(&login, password_len, cx);
}

/// `user=ada&password=secret`
fn form(form: &[u8], cx: &mut Cx<'_>) {
    let mut user: &[u8] = &[];
    let mut password_len = None;
    for field in form.split(|b| *b == b'&') {
        let Some(at) = memchr::memchr(b'=', field) else { continue };
        let (name, value) = field.split_at_checked(at).unwrap_or((field, &[]));
        let value = value.get(1..).unwrap_or(&[]);
        let name = name.to_ascii_lowercase();
        // `login[password]`, `j_username`
        let is = |words: &[&[u8]]| {
            name.split(|b| !b.is_ascii_alphanumeric()).any(|part| words.iter().any(|w| part.starts_with(w)))
        };
        if value.is_empty() {
            continue;
        }
        if is(PASSWORD_FIELDS) {
            password_len = password_len.or(Some(unescaped_len(value)));
        } else if is(ACCOUNT_FIELDS) && user.is_empty() {
            user = value;
        }
    }
    if password_len.is_some() {
        login("http", "form", user, password_len, None, cx);
    }
}

/// Length of a value without its escapes.
fn unescaped_len(value: &[u8]) -> u64 {
    let escapes = value.iter().filter(|b| **b == b'%').count();
    value.len().saturating_sub(2 * escapes) as u64
}

/// Names of `NAME=value` lines, the values covered.
fn names_only(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|b| *b == b'\n').map(|line| match memchr::memchr(b'=', line) {
        Some(at) => [line.get(..at).unwrap_or(line), b"=***"].concat(),
        None => line.to_vec(),
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// What proves a service by a response of 2xx.
struct Rule {
    service: &'static str,
    /// What the path begins with, or holds where it begins with `*`; empty: any.
    paths: &'static [&'static str],
    /// One of these stands in the content's beginning, at its very beginning where it begins with `^`; empty: any.
    content: &'static [&'static str],
    /// The program that the header or path proved; empty: any.
    api: &'static str,
    answer: Answer,
}

const fn rule(
    service: &'static str,
    api: &'static str,
    paths: &'static [&'static str],
    content: &'static [&'static str],
    answer: Answer,
) -> Rule {
    Rule { service, paths, content, api, answer }
}

use Answer::{Data, Open};

/// The first that fits counts; a rule has a program or content, for a path alone proves nothing.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule("elasticsearch", "", &["*/_search", "/_search", "/_cat/", "*/_mget", "*/_doc/", "*/_mapping"], &["\"hits\"", "\"_source\"", "\"mappings\""], Data),
    rule("elasticsearch", "elasticsearch", &["*/_search", "/_cat/", "*/_doc/", "*/_mapping", "*/_mget", "/_nodes", "/_cluster"], &[], Data),
    rule("elasticsearch", "opensearch", &["*/_search", "/_cat/", "*/_doc/", "*/_mapping", "*/_mget", "/_nodes", "/_cluster"], &[], Data),
    rule("elasticsearch", "", &[], &["\"cluster_uuid\"", "\"cluster_name\""], Open),
    rule("elasticsearch", "elasticsearch", &[], &["^{", "^["], Open),
    rule("etcd", "etcd", &["/v2/keys", "/v3/kv/range", "/v3beta/kv/range", "/etcdserverpb.KV/"], &[], Data),
    rule("etcd", "", &["/v2/keys"], &["\"node\""], Data),
    rule("etcd", "", &["/v3/kv/range", "/v3beta/kv/range"], &["\"cluster_id\""], Data),
    rule("docker", "docker", &["*/containers/", "*/images/", "*/info", "*/volumes", "*/networks"], &[], Data),
    rule("docker", "", &["*/version", "*/info"], &["\"ApiVersion\"", "\"DockerRootDir\""], Open),
    rule("docker", "", &["*/containers/json", "*/images/json"], &["\"ImageID\"", "\"RepoTags\""], Data),
    rule("kubelet", "", &["/pods", "/runningpods"], &["\"kind\":\"PodList\"", "\"kind\": \"PodList\""], Data),
    rule("kubernetes", "", &["/api/", "/apis/"], &["List\",\"apiVersion\"", "List\",\n  \"apiVersion\"", "PodList\"", "SecretList\"", "NodeList\"", "NamespaceList\""], Data),
    rule("metrics", "", &[], &["^# HELP ", "^# TYPE "], Data),
    rule("prometheus", "", &["/api/v1/query", "/api/v1/label", "/api/v1/series", "/api/v1/targets"], &["\"status\":\"success\""], Data),
    rule("jenkins", "jenkins", &["/script", "/computer", "/asynchPeople", "/credentials"], &[], Data),
    rule("git-repository", "", &["*/.git/HEAD"], &["^ref: refs/"], Data),
    rule("git-repository", "", &["*/.git/config"], &["[core]"], Data),
    rule("svn-repository", "", &["*/.svn/wc.db"], &["^SQLite format 3"], Data),
    rule("backup-file", "", &["*.sql", "*.bak", "*dump"], &["CREATE TABLE", "INSERT INTO", "-- MySQL dump", "-- PostgreSQL database dump"], Data),
    rule("backup-file", "", &["*.bak", "*backup", "*dump"], &["^PK\u{3}\u{4}", "^SQLite format 3"], Data),
    rule("directory-listing", "", &[], &["<title>Index of /", "<TITLE>Index of /", "<title>Directory listing for ", "[To Parent Directory]"], Data),
    rule("consul", "", &["/v1/agent/self"], &["\"Config\""], Data),
    rule("consul", "consul", &["/v1/catalog/", "/v1/kv/", "/v1/agent/"], &[], Data),
    rule("couchdb", "", &[], &["^{\"couchdb\":\"Welcome\""], Open),
    rule("couchdb", "couchdb", &["/_all_dbs", "/_users", "*/_all_docs"], &[], Data),
    rule("influxdb", "influxdb", &["/query"], &["\"results\""], Data),
    rule("hadoop", "", &["/ws/v1/cluster"], &["\"clusterInfo\"", "\"apps\""], Data),
    rule("jupyter", "", &["/api/kernels", "/api/sessions"], &["\"execution_state\""], Data),
    rule("jupyter", "", &["/api/contents"], &["\"last_modified\""], Data),
    rule("spark", "", &["/api/v1/applications"], &["\"attempts\""], Data),
    rule("grafana", "", &["/api/datasources", "/api/org", "/api/users"], &["\"orgId\""], Data),
    rule("model-server", "", &["/api/tags"], &["^{\"models\":"], Data),
    rule("model-server", "", &["/v1/models"], &["\"object\":\"list\"", "\"object\": \"list\""], Data),
];

/// Programs whose 401 and 403 say that they ask for a login.
const GUARDED: &[(&str, &str)] = &[
    ("consul", "consul"),
    ("couchdb", "couchdb"),
    ("docker", "docker"),
    ("elasticsearch", "elasticsearch"),
    ("etcd", "etcd"),
    ("influxdb", "influxdb"),
    ("jenkins", "jenkins"),
    ("kubernetes", "kubernetes"),
    ("opensearch", "elasticsearch"),
];

/// The service that an exchange shows, and how it answered.
fn service(row: &HttpRecord, seen: &Seen, status: u64) -> Option<(&'static str, Answer)> {
    if matches!(status, 401 | 403) {
        return GUARDED.iter().find(|g| Some(g.0) == row.api).map(|g| (g.1, Answer::Refused));
    }
    if !(200..300).contains(&status) || row.grpc_status.is_some_and(|s| s != 0) {
        return None;
    }
    let Some(uri) = row.uri.as_ref() else {
        // The request was not seen: only what the answer proves by itself counts.
        let mut alone = RULES.iter().filter(|rule| row.method.is_none() && rule.paths.is_empty());
        return alone.find(|rule| rule.fits(b"", row.api, &seen.content)).map(|rule| (rule.service, rule.answer));
    };
    let uri = uri.0.as_slice();
    let path = uri.split(|b| *b == b'?').next().unwrap_or(uri);
    let found =
        RULES.iter().find(|rule| rule.fits(path, row.api, &seen.content)).map(|rule| (rule.service, rule.answer));
    let found = found.or_else(|| is_env_file(path, &seen.content).then_some(("env-file", Data)))?;
    // A token in the address logs in, too.
    let token = memchr::memmem::find(uri, b"token=").is_some();
    Some(if seen.credentials || token { (found.0, Answer::Login) } else { found })
}

impl Rule {
    fn fits(&self, path: &[u8], api: Option<&str>, content: &[u8]) -> bool {
        let path_fits = |want: &&str| match want.strip_prefix('*') {
            Some(part) => memchr::memmem::find(path, part.as_bytes()).is_some(),
            None => path.starts_with(want.as_bytes()),
        };
        let content_fits = |want: &&str| match want.strip_prefix('^') {
            Some(start) => content.trim_ascii_start().starts_with(start.as_bytes()),
            None => memchr::memmem::find(content, want.as_bytes()).is_some(),
        };
        (self.api.is_empty() || api == Some(self.api))
            && (self.paths.is_empty() || self.paths.iter().any(path_fits))
            && (self.content.is_empty() || self.content.iter().any(content_fits))
    }
}

/// `/.env`, `/app/.env.local` with lines of `NAME=value`: two at least, and nothing of a page.
fn is_env_file(path: &[u8], content: &[u8]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    let is_setting = |line: &[u8]| {
        let len = line.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_').count();
        len > 1 && line.get(len) == Some(&b'=')
    };
    name.starts_with(b".env")
        && !content.trim_ascii_start().starts_with(b"<")
        && content.split(|b| *b == b'\n').filter(|line| is_setting(line)).count() >= 2
}

#[cfg(test)]
mod tests;
