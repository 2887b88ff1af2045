//! The rows of ordinary conversations, picked out of those of an attack.

use anyhow::Result;
use memchr::memmem::Finder;
use sekisho_testkit::flood::ordinary::CLIENTS;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// Bytes read at once.
const BUFFER_LEN: usize = 1 << 20;

/// Ids: derived from the flow and its files, and no part of what a row says.
const IDS: [&str; 7] = ["uid", "fuid", "parent_fuid", "data_uid", "fuids", "orig_fuids", "resp_fuids"];

/// What was found in an ndjson stream.
#[derive(Default)]
pub(super) struct Rows {
    /// Those of ordinary clients, without ids, sorted.
    pub(super) ordinary: Vec<String>,
    /// Rows of the conn log.
    pub(super) flow_count: u64,
    /// Whether some row had all texts of each list.
    pub(super) said: Vec<bool>,
}

impl Rows {
    pub(super) fn read(input: &mut dyn Read, says: &[Vec<String>]) -> Result<Self> {
        let clients = CLIENTS.map(|c| format!("\"{c}"));
        let clients: Vec<Finder<'_>> = clients.iter().map(Finder::new).collect();
        let says: Vec<Vec<Finder<'_>>> = says.iter().map(|s| s.iter().map(Finder::new).collect()).collect();
        let mut rows = Self { said: vec![false; says.len()], ..Self::default() };
        let mut input = BufReader::with_capacity(BUFFER_LEN, input);
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line)? > 0 {
            rows.flow_count += u64::from(line.starts_with(br#"{"_path":"conn","#));
            for (found, texts) in rows.said.iter_mut().zip(&says) {
                *found = *found || texts.iter().all(|t| t.find(&line).is_some());
            }
            if clients.iter().any(|c| c.find(&line).is_some()) {
                rows.ordinary.push(without_ids(&line));
            }
            line.clear();
        }
        rows.ordinary.sort_unstable();
        Ok(rows)
    }

    /// Ordinary rows that only `self` has, and those that only `other` has.
    pub(super) fn differences<'a>(&'a self, other: &'a Self) -> (Vec<&'a str>, Vec<&'a str>) {
        let (mut missing, mut extra) = (Vec::new(), Vec::new());
        let (mut a, mut b) = (self.ordinary.iter().peekable(), other.ordinary.iter().peekable());
        loop {
            match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x == y => {
                    a.next();
                    b.next();
                }
                (Some(x), Some(y)) if x < y => missing.extend(a.next().map(String::as_str)),
                (_, Some(_)) => extra.extend(b.next().map(String::as_str)),
                (Some(_), None) => missing.extend(a.next().map(String::as_str)),
                (None, None) => return (missing, extra),
            }
        }
    }
}

fn without_ids(line: &[u8]) -> String {
    let Ok(mut row) = serde_json::from_slice::<Value>(line) else {
        return format!("no JSON: {}", line.escape_ascii());
    };
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !IDS.contains(&name.as_str()));
        // A host is told of by the first of its flows that ends, and flows in a crowd end earlier than alone.
        if fields.get("_path").and_then(Value::as_str).is_some_and(|log| log.starts_with("known_")) {
            fields.remove("ts");
        }
    }
    row.to_string()
}

/// What of a row tells it from others, in one line.
pub(super) fn headline(row: &str) -> String {
    const TELLING: [&str; 14] = [
        "_path",
        "name",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "service",
        "conn_state",
        "history",
        "duration",
        "orig_bytes",
        "resp_bytes",
        "missed_bytes",
        "seen_bytes",
    ];
    let Ok(value) = serde_json::from_str::<Value>(row) else { return row.to_owned() };
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let of = |name: &&str| value.get(*name).map(|v| format!("{name}={}", text(v)));
    TELLING.iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"_path":"conn","uid":"Ca","id.orig_h":"10.77.0.1","x":1}"#;
    const THEIRS: &str = r#"{"_path":"conn","uid":"Cb","id.orig_h":"110.77.0.1","x":1}"#;

    #[test]
    fn which_flow_shows_a_host_does_not_matter() {
        let row =
            |ts: u32| without_ids(format!(r#"{{"_path":"known_hosts","ts":{ts},"host":"10.77.0.1"}}"#).as_bytes());
        assert_eq!(row(1), row(2));
        let conn = |ts: u32| without_ids(format!(r#"{{"_path":"conn","ts":{ts}}}"#).as_bytes());
        assert_ne!(conn(1), conn(2));
    }

    #[test]
    fn ordinary_rows_are_told_apart_and_compared() {
        let says = vec![vec!["\"110.77".to_owned(), "\"x\":1".to_owned()], vec!["nobody".to_owned()]];
        let read = |text: String| Rows::read(&mut text.as_bytes(), &says).unwrap();
        let all = read(format!("{OURS}\n{THEIRS}\n"));
        assert_eq!((all.flow_count, all.ordinary.len(), &all.said[..]), (2, 1, &[true, false][..]));
        let other_id = read(OURS.replace("Ca", "Cz"));
        assert_eq!(all.differences(&other_id), (vec![], vec![]));
        let changed = read(OURS.replace("\"x\":1", "\"x\":2"));
        let (missing, extra) = all.differences(&changed);
        assert_eq!((missing.len(), extra.len()), (1, 1));
        assert_eq!(all.differences(&read(String::new())).0.len(), 1);
    }
}
