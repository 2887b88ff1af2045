//! Hits as lines: for people, with colours where wanted, and as JSON.

use super::ledger::{Entry, Ledger, Source};
use sekisho_hunt::{Hunt, Pattern};
use sekisho_report::clean;
use sekisho_types::{CommunityId, Dir, FlowInfo, ip_proto};
use std::fmt::Write;

/// SGR sequences, or nothing.
#[derive(Clone, Copy)]
pub struct Paint {
    head: &'static str,
    path: &'static str,
    dim: &'static str,
    hit: &'static str,
    off: &'static str,
}

impl Paint {
    /// As wanted.
    pub fn new(colour: bool) -> Self {
        if colour {
            Self { head: "\x1b[1m", path: "\x1b[36m", dim: "\x1b[2m", hit: "\x1b[1;31m", off: "\x1b[0m" }
        } else {
            Self { head: "", path: "", dim: "", hit: "", off: "" }
        }
    }
}

fn proto(info: &FlowInfo) -> String {
    match info.tuple.proto {
        ip_proto::TCP => "tcp".to_owned(),
        ip_proto::UDP => "udp".to_owned(),
        ip_proto::ICMP => "icmp".to_owned(),
        ip_proto::ICMPV6 => "icmp6".to_owned(),
        ip_proto::SCTP => "sctp".to_owned(),
        other => format!("ip-proto {other}"),
    }
}

fn end(addr: impl std::fmt::Display, port: u16) -> String {
    let addr = addr.to_string();
    if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
}

/// The flow in one line: uid, ends, what is spoken.
pub fn flow_line(ledger: &Ledger, entry: &Entry, paint: Paint) -> String {
    let Some(facts) = entry.flow.and_then(|uid| ledger.flows.get(&uid)) else {
        let flow = entry.flow.map_or("no flow".to_owned(), |uid| uid.to_string());
        return format!("{}{flow}{}", paint.head, paint.off);
    };
    let t = &facts.info.tuple;
    let mut line = format!(
        "{}{}{} {} → {} {}",
        paint.head,
        facts.info.uid,
        paint.off,
        end(t.orig, t.orig_port),
        end(t.resp, t.resp_port),
        proto(&facts.info)
    );
    if let Some(service) = &facts.service {
        let _ = write!(line, " {service}");
    }
    line
}

/// Where the bytes are from, and every step to what matched.
fn steps(ledger: &Ledger, entry: &Entry) -> String {
    let sender = entry.flow.and_then(|uid| ledger.flows.get(&uid)).zip(entry.dir).map(|(facts, dir)| match dir {
        Dir::Orig => facts.info.tuple.orig,
        Dir::Resp => facts.info.tuple.resp,
    });
    let mut out = match (entry.source, &entry.file) {
        (Source::Frame, _) => "frame".to_owned(),
        (Source::Field, Some(name)) => format!("{} of {}", entry.fields.join(", "), clean(name.as_bytes())),
        (Source::Field, None) => format!("field {}", entry.fields.join(", ")),
        (Source::Datagram, _) => "datagrams".to_owned(),
        (Source::Stream, _) => "stream".to_owned(),
        (Source::Decrypted, _) => "decrypted stream".to_owned(),
        (Source::File, Some(name)) => format!("file {}", clean(name.as_bytes())),
        (Source::File, None) => "content".to_owned(),
    };
    if let Some(sender) = sender {
        let _ = write!(out, " from {sender}");
    }
    if entry.source != Source::Field && !entry.fields.is_empty() {
        let _ = write!(out, " ({})", entry.fields.join(", "));
    }
    for step in entry.path.iter().cloned().chain(entry.hit.path.iter().map(ToString::to_string)) {
        let _ = write!(out, " → {}", clean(step.as_bytes()));
    }
    out
}

/// Bytes for a terminal; line ends and tabs as programmers write them.
fn shown(bytes: &[u8]) -> String {
    clean(bytes).replace("\\x0d", "\\r").replace("\\x0a", "\\n").replace("\\x09", "\\t")
}

/// A hit for people: three lines.
pub fn text(ledger: &Ledger, entry: &Entry, paint: Paint) -> String {
    let mut out = flow_line(ledger, entry, paint);
    if let Some(packet) = entry.packet {
        let _ = write!(out, "  packet {packet}");
    }
    let _ = writeln!(out, "  offset {}", entry.offset);
    let _ = writeln!(out, "  {}{}{}", paint.path, steps(ledger, entry), paint.off);
    let hit = &entry.hit;
    let more = hit.len.saturating_sub(hit.bytes.len() as u64);
    let rest = if more > 0 { format!("[{more} more bytes]") } else { String::new() };
    let _ = writeln!(
        out,
        "  {}{}{}{}{}{rest}{}{}{}",
        paint.dim,
        shown(&hit.before),
        paint.off,
        paint.hit,
        shown(&hit.bytes),
        paint.off,
        paint.dim,
        shown(&hit.after),
    );
    // The last colour ends before the line does.
    if !paint.off.is_empty() {
        out.truncate(out.trim_end_matches('\n').len());
        out.push_str(paint.off);
        out.push('\n');
    }
    out
}

/// Only what matched.
pub fn only(entry: &Entry, paint: Paint) -> String {
    format!("{}{}{}\n", paint.hit, shown(&entry.hit.bytes), paint.off)
}

struct Object(String);

impl Object {
    fn key(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&format!("\"{name}\":"));
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        self.key(name);
        quote(&mut self.0, value);
    }

    fn number(&mut self, name: &str, value: u64) {
        self.key(name);
        self.0.push_str(&value.to_string());
    }

    fn list<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        self.key(name);
        self.0.push('[');
        for (i, value) in values.enumerate() {
            if i > 0 {
                self.0.push(',');
            }
            quote(&mut self.0, value.as_bytes());
        }
        self.0.push(']');
    }
}

/// A JSON string (RFC 8259 §7). What isn't UTF-8 becomes U+FFFD; `match_hex` has the bytes.
fn quote(out: &mut String, value: &[u8]) {
    out.push('"');
    for c in String::from_utf8_lossy(value).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || (0x7f..0xa0).contains(&u32::from(c)) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A hit as a line of JSON.
pub fn json(ledger: &Ledger, hunt: &Hunt, entry: &Entry) -> String {
    let mut o = Object(String::new());
    if let Some(ts) = entry.ts {
        o.key("ts");
        let _ = write!(o.0, "{}.{:09}", ts.0.div_euclid(1_000_000_000), ts.0.rem_euclid(1_000_000_000));
    }
    if let Some(uid) = entry.flow {
        o.text("uid", uid.to_string().as_bytes());
    }
    if let Some(facts) = entry.flow.and_then(|uid| ledger.flows.get(&uid)) {
        let t = &facts.info.tuple;
        o.text("id.orig_h", t.orig.to_string().as_bytes());
        o.number("id.orig_p", t.orig_port.into());
        o.text("id.resp_h", t.resp.to_string().as_bytes());
        o.number("id.resp_p", t.resp_port.into());
        o.text("proto", proto(&facts.info).as_bytes());
        if let Some(service) = &facts.service {
            o.text("service", service.as_bytes());
        }
        let mut buf = [0; CommunityId::ROOM_LEN];
        let len = facts.info.community_id.write(&mut buf);
        o.text("community_id", &buf[..len]);
    }
    if let Some(dir) = entry.dir {
        o.text("dir", if dir.is_orig() { b"orig" } else { b"resp" });
    }
    if let Some(packet) = entry.packet {
        o.number("packet", packet);
    }
    o.number("offset", entry.offset);
    o.text("source", entry.source.name(&entry.path).as_bytes());
    if let Some(name) = &entry.file {
        o.text(if entry.source == Source::Field { "of" } else { "file" }, name.as_bytes());
    }
    if !entry.fields.is_empty() {
        o.list("fields", entry.fields.iter().map(|f| &**f));
    }
    let codings: Vec<String> = entry.hit.path.iter().map(ToString::to_string).collect();
    o.list("path", entry.path.iter().chain(&codings).map(String::as_str));
    if !entry.path.is_empty() {
        o.number("member_offset", entry.hit.offset);
    }
    let pattern = hunt.patterns().get(entry.hit.pattern).map_or("", Pattern::text);
    o.text("pattern", pattern.as_bytes());
    o.text("match", &entry.hit.bytes);
    o.text("match_hex", entry.hit.bytes.iter().fold(String::new(), |s, b| s + &format!("{b:02x}")).as_bytes());
    o.number("match_len", entry.hit.len);
    o.text("before", &entry.hit.before);
    o.text("after", &entry.hit.after);
    o.0.push_str("}\n");
    o.0
}
