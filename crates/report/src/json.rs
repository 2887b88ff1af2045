mod comparison;
mod devices;
mod findings;
mod shape;
mod writer;

use crate::Page;
use writer::Json;

pub use comparison::{COMPARISON_VERSION, comparison_to_json};

/// Version of the JSON's shape. A new member doesn't raise it; a removed or changed one does.
pub const SCHEMA_VERSION: u32 = 1;

/// The page as JSON, indented, as `docs/reference/audit-json.md` describes it, without a newline at the end.
///
/// Members, in this order: `schema_version`; `capture` {inputs[], reading[], first, last, duration}; `completeness` {complete,
/// damage[], capture_drops, cut_packets, gap_bytes, mails, cut_mails, one_sided_flows, undecoded[], limits[]}; `totals` {packets, bytes,
/// wire_bytes, flows, hosts, transports[]}; `hosts[]`; `devices[]` (see below); `activity` (see below); `services[]`; `talkers[]`; `protocols[]`; `tls_versions[]`;
/// `tunnels[]`; `logs` {log: rows}; `names` {dns_queries[], nxdomain[], tls_servers[], http_hosts[], software[]};
/// `certificates[]`; `files[]`; `file_types[]`; `mails[]`; `logins[]`; `anomalies[]` (each with a `kind`); `unseen`;
/// `more` {list: {rows, exact}} for every list of which rows were left off; `state` {memory, pools[] {name, peak,
/// limit}, given_up[]}: what the run itself used, in bytes.
///
/// Where DNSSEC passed there is `dnssec` {bogus, indeterminate, insecure, secure, work_refused, verdicts[] {name, type, subject,
/// status, reason, words, count, packet}, more_verdicts}.
///
/// `incidents[]`, the most urgent first: {risk (0 to 100), advice, hosts[] (in the order of their first sign), reached[] (by these, without a finding of their
/// own), first, last, stages[], in_order, stage_factor, asset_factor, terms[] {judgement, points}, steps[] (places in `findings`, by time),
/// told[] {time, host, stage, findings[] (places, the one that says most first), fetched (place in `fetched` or `null`)}: the steps, what shows the same thing as one;
/// fetched[] {time, host, from, place, name, mime_type, over, bytes, sha256, uid, packet}: programs that came and belong to it, more_fetched: how many others came;
/// parts[] {part (`outside`, `foothold`, `taken`, `reached`, `victim`, `server`, `drop`), hosts[]}, links[] {from, to,
/// bond (`step`, `place`, `file`, `account`, `mail`), finding}, conditions[] (places of what else is out of order there)}; `more_incidents`: how many were left off.
///
/// `forgotten[]` {whose, entries}: what detectors forgot for want of room.
///
/// With a state file there is `state_file` {since, until (of earlier runs; `null` in the first), known (facts before), kept (facts for the next run), left_out (for want of
/// room, by this run)}.
///
/// `coverage[]`: how well each judgement could be made: {judgement, sight (`working`; `idle`: there was nothing to judge; `weakened`; `blind`), traffic (what it
/// judges), seen (how much of that, mostly flows), causes[] {code, words, traffic, option, count, of, unit, missing_bytes}}. Causes too small to matter stand
/// also beside `working`; of the code `too-short`, `count` days were captured of the `of` that it takes.
///
/// `techniques[]`, those of ATT&CK that judgements look for or findings name: {id, name, matrix, tactics[], sight (by all judgements of it together: `weakened` if
/// some see and some don't), judgements[], findings[] (places in `findings`, without those that a mute hides)}.
///
/// `devices[]`, what `sekisho diff` compares: hosts of the home networks that sent anything (and those that open flows where
/// neither end is in them), with address, mac (unless it may be a router's), name; `opened`, `accepted` (flows that it opened, that others opened to it)
/// and `outside` (of both, those with hosts that are no devices), each {flows, failed, sent_bytes, received_bytes, sent_spread, received_spread (root of the
/// sum of squares over flows), dispersion (variance over mean of flows in equal parts of the capture), first, last};
/// one_sided_flows; tcp_packets, retransmitted_packets; speeds_bits_per_second[] with speeds_flows[];
/// connect_microseconds[] with connect_flows[] (SYN to SYN/ACK) and response_microseconds[] with response_flows[] (first data to first response) of flows that it
/// opened, answer_microseconds[] with answer_flows[] (the same, its own responses); flows_by_hour_of_week[] (168 from Monday 00:00 UTC on);
/// services_used[], services_offered[], destinations[], names[], certificates[], the last three with `more_…` for what was left off.
/// `device_entries_forgotten` counts entries of these lists that found no room while the capture was read.
///
/// `activity`, when flows came: `start` of the first step (`null` if there was no flow), `step_seconds` (from 0.01 on, so long that there are at most
/// 240), `flows[]` that began in each step, `bytes[]` (from the IP header on, those of a flow spread evenly over its length),
/// `flows_by_hour_of_week[]` (168 from Monday 00:00 UTC on; empty if there was no flow).
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
