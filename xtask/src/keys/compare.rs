//! Whether what was read with keys is what was read in clear.

use super::run::Found;
use serde_json::{Map, Value};

/// Logs about what carries a conversation: there a session in TLS must differ.
const CARRIER: &[&str] =
    &["conn", "ssl", "x509", "quic", "ocsp", "known_certs", "known_hosts", "known_services", "stats"];

/// Columns that tell one exchange from another, and how long it took.
const OF_THE_EXCHANGE: &[&str] = &[
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "community_id",
    "host_p",
    "fuid",
    "fuids",
    "orig_fuids",
    "resp_fuids",
    "parent_fuid",
    "conn_uids",
    "path",
    "duration",
];

/// What came of a case.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// In words; none if all is well.
    pub(super) differences: Vec<String>,
}

impl Judgement {
    pub(super) fn is_good(&self) -> bool {
        self.differences.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.differences.extend(other.differences);
    }

    fn say(&mut self, what: String) {
        self.differences.push(what);
    }

    /// Notes what only one of two lists has. Both are sorted.
    fn only_in_one(&mut self, what: &str, clear: &[String], keys: &[String]) {
        let (mut a, mut b) = (clear.iter().peekable(), keys.iter().peekable());
        loop {
            match (a.peek(), b.peek()) {
                (None, None) => return,
                (Some(x), Some(y)) if x == y => {
                    a.next();
                    b.next();
                }
                (Some(x), Some(y)) if x > y => {
                    self.differences.extend(b.next().map(|r| format!("{what} only with keys: {r}")))
                }
                (None, Some(_)) => self.differences.extend(b.next().map(|r| format!("{what} only with keys: {r}"))),
                _ => self.differences.extend(a.next().map(|r| format!("{what} only in clear: {r}"))),
            }
        }
    }
}

/// A case in clear: it has rows, none of them decrypted, and each file that the laboratory names by its digest.
pub(super) fn in_clear(case: &Value, found: &Found) -> Judgement {
    let mut out = Judgement::default();
    if said(found, &[], |_| true).is_empty() {
        out.say("no rows".to_owned());
    }
    if found.rows.iter().any(is_decrypted) {
        out.say("rows that claim to be decrypted".to_owned());
    }
    for digest in texts(&case["files"]) {
        let is_it = |f: &&Map<String, Value>| f.get("sha256").and_then(Value::as_str) == Some(digest);
        if !found.files.iter().any(|f| is_it(&f) && f.get("complete") == Some(&Value::Bool(true))) {
            out.say(format!("no file with sha256 {digest}"));
        }
    }
    out
}

/// A case with its keys beside the one in clear.
pub(super) fn with_keys(case: &Value, clear: &Found, keys: &Found) -> Judgement {
    let mut out = Judgement::default();
    let differs = texts(&case["differs"]);
    out.only_in_one("row", &said(clear, &differs, |_| true), &said(keys, &differs, is_decrypted));
    out.only_in_one("file", &files(clear), &files(keys));
    // Before STARTTLS there is a session in clear, which says that it went on in TLS.
    let outside: Vec<_> = keys.rows.iter().filter(|r| !is_carrier(r) && !is_decrypted(r)).collect();
    let wanted = usize::from(case["starttls"] == Value::Bool(true));
    if outside.len() != wanted || outside.iter().any(|r| r.get("tls") != Some(&Value::Bool(true))) {
        out.say(format!("{} rows are not decrypted, expected {wanted}: {outside:?}", outside.len()));
    }
    sessions(&case["ssl"], keys, &mut out);
    out
}

/// The same capture without its keys: nothing of the inside may be known.
pub(super) fn without(found: &Found, clear: &Found) -> Judgement {
    let mut out = Judgement::default();
    if let Some(row) = found.rows.iter().find(|r| is_decrypted(r)) {
        out.say(format!("decrypted without the session's keys: {row:?}"));
    }
    if said(found, &[], |_| true) == said(clear, &[], |_| true) {
        out.say("the rows are those in clear without the session's keys".to_owned());
    }
    out
}

/// The columns of `ssl` that the laboratory meant; a list has the value of each row in turn.
fn sessions(wanted: &Value, found: &Found, out: &mut Judgement) {
    let Some(wanted) = wanted.as_object().filter(|w| !w.is_empty()) else { return };
    let mut rows: Vec<_> =
        found.rows.iter().filter(|r| r.get("_path").and_then(Value::as_str) == Some("ssl")).collect();
    rows.sort_by(|a, b| a.get("ts").map(Value::to_string).cmp(&b.get("ts").map(Value::to_string)));
    if rows.is_empty() {
        out.say("no ssl row".to_owned());
    }
    for (column, value) in wanted {
        if value.as_array().is_some_and(|list| list.len() != rows.len()) {
            out.say(format!("{} ssl rows, expected {value}", rows.len()));
        }
        for (i, row) in rows.iter().enumerate() {
            let value = value.as_array().and_then(|list| list.get(i)).unwrap_or(value);
            if row.get(column) != Some(value) {
                out.say(format!("ssl row {i}: {column} is {:?}, expected {value}", row.get(column)));
            }
        }
    }
}

/// The rows about what was said, without what tells one exchange from another and what `differs`, sorted.
fn said(found: &Found, differs: &[&str], wanted: impl Fn(&Map<String, Value>) -> bool) -> Vec<String> {
    let rows = found.rows.iter().filter(|r| !is_carrier(r) && wanted(r));
    let mut out: Vec<String> = rows.map(|row| without_columns(row, differs)).collect();
    out.sort_unstable();
    out
}

/// The files but for certificates, sorted.
fn files(found: &Found) -> Vec<String> {
    let columns = ["sha256", "size", "mime_type", "name", "complete", "is_orig", "missing"];
    let of = |file: &Map<String, Value>| {
        let pairs = columns.iter().filter_map(|c| Some((c.to_string(), file.get(*c)?.clone())));
        Value::Object(pairs.collect()).to_string()
    };
    let inside = found.files.iter().filter(|f| f.get("protocol").and_then(Value::as_str) != Some("SSL"));
    let mut out: Vec<String> = inside.map(of).collect();
    out.sort_unstable();
    out
}

fn without_columns(row: &Map<String, Value>, differs: &[&str]) -> String {
    let mut row = row.clone();
    // In `software` that is an end of the exchange; in `http` it is what was asked for.
    if row.get("_path").and_then(Value::as_str) == Some("software") {
        row.remove("host");
    }
    row.retain(|name, _| name != "decrypted" && !OF_THE_EXCHANGE.contains(&&**name) && !differs.contains(&&**name));
    Value::Object(row).to_string()
}

fn is_decrypted(row: &Map<String, Value>) -> bool {
    row.get("decrypted") == Some(&Value::Bool(true))
}

/// Is it about the carrier? So are certificates among the files.
fn is_carrier(row: &Map<String, Value>) -> bool {
    let log = row.get("_path").and_then(Value::as_str).unwrap_or("");
    CARRIER.contains(&log) || (log == "files" && row.get("source").and_then(Value::as_str) == Some("SSL"))
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(rows: &[Value], files: &[Value]) -> Found {
        let of = |list: &[Value]| list.iter().map(|v| v.as_object().unwrap().clone()).collect();
        Found { rows: of(rows), files: of(files) }
    }

    fn clear() -> Found {
        let rows = [
            json!({"_path": "conn", "uid": "Ca"}),
            json!({"_path": "http", "uid": "Ca", "uri": "/a", "status_msg": "OK"}),
        ];
        found(&rows, &[json!({"sha256": "aa", "size": 3, "complete": true, "fuid": "Fa"})])
    }

    fn decrypted() -> Vec<Value> {
        let http = json!({"_path": "http", "uid": "Cb", "uri": "/a", "status_msg": "OK", "decrypted": true});
        vec![json!({"_path": "ssl", "version": "TLSv13", "ts": 1}), http]
    }

    const FILE: &str = r#"{"sha256": "aa", "size": 3, "complete": true, "fuid": "Fb"}"#;

    #[test]
    fn equal_but_for_ids() {
        let file = serde_json::from_str(FILE).unwrap();
        let case = json!({"ssl": {"version": "TLSv13"}});
        let judgement = with_keys(&case, &clear(), &found(&decrypted(), &[file]));
        assert!(judgement.is_good(), "{judgement:?}");
        assert!(in_clear(&json!({"files": ["aa"]}), &clear()).is_good());
    }

    #[test]
    fn each_difference_is_found() {
        let file: Value = serde_json::from_str(FILE).unwrap();
        let count = |case: &Value, change: &dyn Fn(&mut Vec<Value>), files: &[Value]| {
            let mut rows = decrypted();
            change(&mut rows);
            with_keys(case, &clear(), &found(&rows, files)).differences.len()
        };
        let case = json!({"ssl": {"version": "TLSv13"}});
        let same = [file.clone()];
        assert_eq!(count(&case, &|rows| rows[1]["uri"] = json!("/b"), &same), 2);
        assert_eq!(count(&case, &|rows| drop(rows.pop()), &same), 1);
        // Neither decrypted, nor missing.
        assert_eq!(count(&case, &|rows| rows[1]["decrypted"] = json!(false), &same), 2);
        assert_eq!(count(&case, &|rows| rows[0]["version"] = json!("TLSv12"), &same), 1);
        assert_eq!(count(&case, &|rows| drop(rows.remove(0)), &same), 1);
        assert_eq!(count(&case, &|_| {}, &[]), 1);
        let mut longer = file;
        longer["size"] = json!(4);
        assert_eq!(count(&case, &|_| {}, &[longer]), 2);
        // A column that differs by nature.
        let other = |rows: &mut Vec<Value>| drop(rows[1].as_object_mut().unwrap().remove("status_msg"));
        assert_eq!(count(&case, &other, &same), 2);
        assert_eq!(count(&json!({"differs": ["status_msg"]}), &other, &same), 0);
        assert_eq!(in_clear(&json!({"files": ["bb"]}), &clear()).differences.len(), 1);
        assert_eq!(in_clear(&json!({}), &Found::default()).differences.len(), 1);
    }

    #[test]
    fn the_inside_must_stay_closed_without_keys() {
        assert!(without(&found(&decrypted()[..1], &[]), &clear()).is_good());
        assert!(!without(&found(&decrypted(), &[]), &clear()).is_good());
        assert!(!without(&clear(), &clear()).is_good());
    }

    #[test]
    fn after_starttls_one_row_is_in_clear() {
        let clear = found(&[json!({"_path": "smtp", "helo": "a", "tls": false})], &[]);
        let inner = json!({"_path": "smtp", "helo": "a", "tls": true, "decrypted": true});
        let outer = json!({"_path": "smtp", "helo": "a", "tls": true});
        let case = json!({"starttls": true, "differs": ["tls"]});
        assert!(with_keys(&case, &clear, &found(&[outer.clone(), inner.clone()], &[])).is_good());
        assert!(!with_keys(&case, &clear, &found(std::slice::from_ref(&inner), &[])).is_good());
        assert!(!with_keys(&json!({"differs": ["tls"]}), &clear, &found(&[outer, inner], &[])).is_good());
    }
}
