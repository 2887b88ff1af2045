mod findings;
mod shape;
mod writer;

use crate::Page;
use writer::Json;

/// Version of the JSON's shape. A new member doesn't raise it; a removed or changed one does.
pub const SCHEMA_VERSION: u32 = 1;

/// The page as JSON, indented, without a newline at the end.
///
/// Members, in this order: `schema_version`; `capture` {inputs[], first, last, duration}; `completeness` {complete,
/// damage[], capture_drops, cut_packets, gap_bytes, mails, cut_mails, one_sided_flows, undecoded[], limits[]}; `totals` {packets, bytes,
/// wire_bytes, flows, hosts, transports[]}; `hosts[]`; `services[]`; `talkers[]`; `protocols[]`; `tls_versions[]`;
/// `tunnels[]`; `logs` {log: rows}; `names` {dns_queries[], nxdomain[], tls_servers[], http_hosts[], software[]};
/// `certificates[]`; `files[]`; `file_types[]`; `mails[]`; `logins[]`; `anomalies[]` (each with a `kind`); `unseen`;
/// `more` {list: {rows, exact}} for every list of which rows were left off; `state` {memory, pools[] {name, peak,
/// limit}, given_up[]}: what the run itself used, in bytes.
///
/// Where DNSSEC passed there is `dnssec` {bogus, indeterminate, insecure, secure, work_refused, verdicts[] {name, type, subject,
/// status, reason, words, count, packet}, more_verdicts}.
///
/// `totals.packets` and `totals.bytes` are those of the capture files: frames with their link-layer headers. Bytes of
/// hosts, services and talkers count from the IP header on. Times are ISO 8601 in UTC; an unknown value is `null`.
/// Text from the wire keeps valid UTF-8; other bytes are `\xHH`, and characters that could act on a terminal are
/// written as JSON escapes.
pub fn to_json(page: &Page) -> String {
    let mut json = Json::default();
    shape::page(&mut json, page);
    json.finish()
}
