//! The forms in which lists are published.

use crate::date;
use crate::indicator::Indicator;
use crate::table::Adding;
use serde_json::Value;

/// Lines at the beginning that tell the format.
const LOOKED_AT: usize = 200;

/// Levels of a MISP file that are searched: event, object, attribute, and lists of them.
const MAX_DEPTH: usize = 12;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An indicator a line; what follows it is a remark. Rules of ad blockers (`||name^`), too.
    Plain,
    /// A hosts file: an address that leads nowhere, then names.
    Hosts,
    /// Fields between commas, semicolons or tabs, with or without a line of names.
    Csv,
    /// Zeek's intelligence framework: tab-separated with a `#fields` line.
    Zeek,
    /// MISP: events or attributes in JSON.
    Misp,
}

/// Names of columns that hold the indicator, and what is said of it, and until when.
const VALUE_COLUMNS: &[&str] = &[
    "indicator",
    "ioc",
    "ioc_value",
    "value",
    "ip",
    "ip_address",
    "dst_ip",
    "address",
    "domain",
    "host",
    "hostname",
    "url",
    "sha256",
    "sha256_hash",
    "sha1",
    "sha1_hash",
    "md5",
    "md5_hash",
    "ja3_md5",
    "ja4",
    "ja4_fingerprint",
    "hash",
    "network",
    "cidr",
];
const LABEL_COLUMNS: &[&str] = &[
    "label",
    "threat",
    "malware",
    "malware_printable",
    "description",
    "desc",
    "signature",
    "tags",
    "category",
    "comment",
];
const EXPIRY_COLUMNS: &[&str] = &["expires", "expiry", "expiration", "valid_until", "expire_date"];

impl Format {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Hosts => "hosts",
            Self::Csv => "CSV",
            Self::Zeek => "Zeek intel",
            Self::Misp => "MISP",
        }
    }

    /// What `text` looks like.
    pub(crate) fn of(text: &[u8]) -> Self {
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
            && !text.trim_ascii_start().starts_with(b"[Adbl")
        {
            return Self::Misp;
        }
        let (mut hosts, mut csv, mut all) = (0, 0, 0);
        for line in text.split(|b| *b == b'\n').take(LOOKED_AT) {
            let line = String::from_utf8_lossy(line);
            if line.starts_with("#fields") {
                return Self::Zeek;
            }
            let line = content(&line);
            if line.is_empty() {
                continue;
            }
            all += 1;
            hosts += usize::from(nowhere(line).is_some());
            csv += usize::from(line.contains([',', ';', '\t']));
        }
        match () {
            () if hosts * 2 > all => Self::Hosts,
            () if csv * 2 > all => Self::Csv,
            () => Self::Plain,
        }
    }
}

/// A line without its end and remarks.
fn content(line: &str) -> &str {
    let line = line.trim();
    let is_remark = line.starts_with(['#', '!', ';']) || line.starts_with("//") || line.starts_with("[Adblock");
    if is_remark { "" } else { line }
}

/// The names in a line of a hosts file.
fn nowhere(line: &str) -> Option<&str> {
    let (addr, names) = line.split_once([' ', '\t'])?;
    matches!(addr, "0.0.0.0" | "127.0.0.1" | "::" | "::1").then_some(names)
}

/// Reads the whole list.
pub(crate) fn read(format: Format, text: &[u8], out: &mut Adding<'_>) {
    if format == Format::Misp {
        return misp(text, out);
    }
    let mut columns: Option<Columns> = None;
    for (number, line) in (1u32..).zip(text.split(|b| *b == b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else {
            out.problem(number, "not UTF-8".to_owned());
            continue;
        };
        let line = line.trim_end_matches('\r');
        if format == Format::Zeek {
            zeek(number, line, &mut columns, out);
            continue;
        }
        if content(line).is_empty() {
            remark(line, out);
            continue;
        }
        match format {
            Format::Hosts => hosts(number, content(line), out),
            Format::Csv => csv(number, line.trim(), &mut columns, out),
            _ => plain(number, content(line), out),
        }
    }
}

/// `# Last updated: 2026-03-01`: the list says when it was made.
fn remark(line: &str, out: &mut Adding<'_>) {
    let lower = line.to_ascii_lowercase();
    if !["updated", "last modified", "generated", "date"].iter().any(|w| lower.contains(w)) {
        return;
    }
    let dates = line.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(i, _)| i);
    if let Some(date) = dates.filter_map(|i| date::parse(line.get(i..i + 19).or_else(|| line.get(i..))?)).next() {
        out.date(date);
    }
}

fn plain(number: u32, line: &str, out: &mut Adding<'_>) {
    let (first, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let first = first.strip_prefix("||").map_or(first, |rule| rule.split('^').next().unwrap_or(rule));
    let remark = rest.trim().trim_start_matches(['#', ';', '/', ' ']);
    out.entry(number, first, remark, None);
}

fn hosts(number: u32, line: &str, out: &mut Adding<'_>) {
    let Some(names) = nowhere(line) else { return plain(number, line, out) };
    let (names, remark) = names.split_once('#').unwrap_or((names, ""));
    for name in names.split_whitespace() {
        // The file's own lines for the machine that it stands on.
        if name.contains('.') && name != "localhost.localdomain" && name != "0.0.0.0" {
            out.entry(number, name, remark, None);
        }
    }
}

/// Where the fields stand.
#[derive(Clone, Copy, Default)]
struct Columns {
    value: Option<usize>,
    kind: Option<usize>,
    label: Option<usize>,
    expires: Option<usize>,
}

impl Columns {
    /// From a line of names.
    fn of(names: &[String]) -> Option<Self> {
        let place = |wanted: &[&str]| {
            let named = |w: &&str| names.iter().position(|n| n.trim().eq_ignore_ascii_case(w));
            wanted.iter().find_map(named)
        };
        let value = Some(place(VALUE_COLUMNS)?);
        Some(Self { value, kind: None, label: place(LABEL_COLUMNS), expires: place(EXPIRY_COLUMNS) })
    }
}

fn csv(number: u32, line: &str, columns: &mut Option<Columns>, out: &mut Adding<'_>) {
    let cells = cells(line);
    let Some(known) = columns else {
        if let Some(named) = Columns::of(&cells) {
            *columns = Some(named);
            return;
        }
        *columns = Some(Columns::default());
        return csv(number, line, columns, out);
    };
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", String::as_str);
    if known.value.is_some() {
        return out.entry(number, cell(known.value), cell(known.label), date::parse(cell(known.expires)));
    }
    // Without names: what can only be an indicator comes before what might be the name of a file.
    let mut found: Vec<Indicator> = cells.iter().filter_map(|c| Indicator::parse(c).ok()).collect();
    found.sort_by_key(|i| matches!(i, Indicator::Domain(_)));
    match found.into_iter().next() {
        Some(indicator) => {
            let label = cells.iter().rev().find(|c| Indicator::parse(c).is_err() && date::parse(c).is_none());
            out.indicator(number, indicator, label.map_or("", String::as_str), None);
        }
        None => out.problem(number, "no field is an address, network, name, URL or digest".to_owned()),
    }
}

/// The fields of a line; quotation marks may hold separators, and are doubled within (RFC 4180).
fn cells(line: &str) -> Vec<String> {
    let separator = [',', '\t', ';'].into_iter().find(|s| line.contains(*s)).unwrap_or(',');
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            c => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

fn zeek(number: u32, line: &str, columns: &mut Option<Columns>, out: &mut Adding<'_>) {
    if let Some(names) = line.strip_prefix("#fields") {
        let names: Vec<&str> = names.trim_start().split('\t').collect();
        let place = |name: &str| names.iter().position(|n| *n == name);
        *columns = Some(Columns {
            value: place("indicator"),
            kind: place("indicator_type"),
            label: place("meta.desc").or_else(|| place("meta.source")),
            expires: None,
        });
        return;
    }
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    let cells: Vec<&str> = line.split('\t').collect();
    let known = columns.unwrap_or_default();
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).copied().filter(|c| *c != "-").unwrap_or("");
    match cell(known.kind).strip_prefix("Intel::") {
        Some("ADDR" | "SUBNET" | "DOMAIN" | "FILE_HASH" | "CERT_HASH") => {
            out.entry(number, cell(known.value), cell(known.label), None);
        }
        // Zeek's URLs have no scheme.
        Some("URL") => match Indicator::url(cell(known.value).split("://").last().unwrap_or("")) {
            Some(url) => out.indicator(number, url, cell(known.label), None),
            None => out.problem(number, "not a URL with a host".to_owned()),
        },
        Some("EMAIL" | "USER_NAME" | "FILE_NAME" | "SOFTWARE" | "PUBKEY_HASH") => out.other(),
        _ => out.problem(number, "no indicator_type of Zeek's".to_owned()),
    }
}

fn misp(text: &[u8], out: &mut Adding<'_>) {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(e) => {
            let line = u32::try_from(e.line()).unwrap_or(u32::MAX);
            return out.problem(line, format!("no JSON: {e}"));
        }
    };
    if let Some(day) = value.pointer("/Event/date").and_then(Value::as_str).and_then(date::parse) {
        out.date(day);
    }
    let mut number = 0;
    attributes(&value, "", 0, &mut number, out);
    if number == 0 {
        out.problem(0, "no attributes: neither a MISP event nor a list of attributes".to_owned());
    }
}

/// Attributes anywhere in an event, its objects, or a list of them. `info`: what the event says of itself.
fn attributes(value: &Value, info: &str, depth: usize, number: &mut u32, out: &mut Adding<'_>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|i| attributes(i, info, depth + 1, number, out)),
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str);
            if let (Some(kind), Some(value)) = (text("type"), text("value")) {
                *number += 1;
                let wanted = map.get("to_ids").and_then(Value::as_bool).unwrap_or(true);
                return attribute(*number, kind, value, info, wanted, out);
            }
            let info = text("info").unwrap_or(info);
            // Only what holds attributes: related events and galleries are about something else.
            for name in ["Event", "Attribute", "Object", "response"] {
                if let Some(inner) = map.get(name) {
                    attributes(inner, info, depth + 1, number, out);
                }
            }
        }
        _ => {}
    }
}

fn attribute(number: u32, kind: &str, value: &str, info: &str, wanted: bool, out: &mut Adding<'_>) {
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    let looked_for = match kind {
        "ip-src"
        | "ip-dst"
        | "domain"
        | "hostname"
        | "url"
        | "md5"
        | "sha1"
        | "sha256"
        | "ja3-fingerprint-md5"
        | "x509-fingerprint-sha256"
        | "ip-src|port"
        | "ip-dst|port"
        | "hostname|port"
        | "domain|ip" => first,
        "filename|md5" | "filename|sha1" | "filename|sha256" => second,
        _ => "",
    };
    // `to_ids` is false for what is only told for the record.
    if looked_for.is_empty() || !wanted {
        return out.other();
    }
    out.entry(number, looked_for, info, None);
    if kind == "domain|ip" {
        out.entry(number, second, info, None);
    }
}
