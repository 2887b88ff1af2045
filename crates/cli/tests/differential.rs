//! Sekisho's logs beside what tshark says about the same captures.
//!
//! Both are turned into sentences ("facts"); `examples/reference` wrote tshark's into `examples/reference.json`. A
//! fact that only one of them tells must be explained below, and an explanation that explains nothing fails too.

mod common;

use common::{json, logs_of, root};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Who alone tells a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    Sekisho,
    Tshark,
}

/// Content, not ports.
const STRANGERS: &str = "tshark goes by the port here: TLS on 80, HTTP on 22, SSH on 80";

/// Streams in messages.
const WITHIN: &str = "HTTP in a WebSocket's messages is read, as by Zeek; tshark shows data";

/// Keys.
const QUIC_KEYS: &str =
    "the reference holds tshark's layers of TCP; what QUIC carries is http3, quic and dns over quic there";

/// An accepted difference: capture, who, what the fact contains, why.
type Accepted = (&'static str, Only, &'static str, &'static str);

/// Zeek's payload counts are spans of sequence numbers (design: Zeek is the reference for counts).
const SPAN: &str = "Zeek counts spans of sequence numbers, tshark every segment's bytes: repeats once, holes too";
/// The reference holds a tunnel's innermost packet only.
const CARRIER: &str = "the flow that carries the tunnel is a flow too; the reference holds the innermost one only";

/// HTTP/2 is another layer of tshark's.
const HTTP2: &str =
    "the reference holds tshark's http layer; HTTP/2 is http2 there, and in Sekisho rows of http as well";
/// As in Zeek.
const TURNED: &str =
    "a flow that is turned round keeps its first packet counted for the end it was seen as coming from (Zeek)";

/// As in Zeek.
const DECODED: &str = "targets of requests are percent-decoded (Zeek)";

const ACCEPTED: &[Accepted] = &[
    ("goldens/websocket/tunnel.pcap", Only::Sekisho, "http 10.0.0.1 40002 192.0.2.80 80 ", WITHIN),
    ("goldens/known/hosts.pcap", Only::Sekisho, "ssh 10.0.0.1 80 10.0.0.100 40001 banner", STRANGERS),
    ("goldens/quic/keys.pcapng", Only::Sekisho, "dns 10.0.0.1 0 www.example.org", QUIC_KEYS),
    ("goldens/quic/keys.pcapng", Only::Sekisho, "http 10.0.0.1 ", QUIC_KEYS),
    ("goldens/quic/keys.pcapng", Only::Sekisho, "tls 10.0.0.1 ", QUIC_KEYS),
    ("examples/keys.pcapng", Only::Sekisho, "10.9.0.1 40001 10.9.0.2 443 request ", HTTP2),
    ("examples/keys.pcapng", Only::Sekisho, "10.9.0.1 40001 10.9.0.2 443 response ", HTTP2),
    ("examples/keys.pcapng", Only::Sekisho, "request GET www.keys.test /a file.txt", DECODED),
    ("examples/keys.pcapng", Only::Tshark, "request GET www.keys.test /a%20file.txt", DECODED),
    ("examples/keys.pcapng", Only::Sekisho, "request GET www.keys.test /missing.html?from=index&x=ü", DECODED),
    ("examples/keys.pcapng", Only::Tshark, "request GET www.keys.test /missing.html?from=index&x=%C3%BC", DECODED),
    ("goldens/flow/disorder.pcap", Only::Tshark, "payload tcp 10.0.0.1 40002", SPAN),
    ("goldens/flow/disorder.pcap", Only::Sekisho, "payload tcp 10.0.0.1 40002", SPAN),
    ("goldens/flow/disorder.pcap", Only::Tshark, "payload tcp 10.0.0.1 40003", SPAN),
    ("goldens/flow/disorder.pcap", Only::Sekisho, "payload tcp 10.0.0.1 40003", SPAN),
    (
        "goldens/flow/disorder.pcap",
        Only::Sekisho,
        "40001 192.0.2.1 80 request GET order.example /a",
        "tshark does not put exchanged segments back in order unless asked to",
    ),
    ("goldens/flow/gap.pcap", Only::Tshark, "payload", SPAN),
    ("goldens/flow/gap.pcap", Only::Sekisho, "payload", SPAN),
    (
        "goldens/http/connect.pcap",
        Only::Sekisho,
        "request GET inner.example /through",
        "tshark shows what a proxy carries as bytes, Sekisho reads on",
    ),
    (
        "goldens/http/connect.pcap",
        Only::Sekisho,
        "response 200 #2",
        "the answer to the request inside the proxy's connection",
    ),
    ("goldens/http/gap.pcap", Only::Tshark, "payload", SPAN),
    ("goldens/http/gap.pcap", Only::Sekisho, "payload", SPAN),
    (
        "goldens/http/gap.pcap",
        Only::Sekisho,
        "response 200 #2",
        "tshark loses step at a hole in a body, Sekisho counts on",
    ),
    (
        "goldens/dhcp/exchanges.pcap",
        Only::Tshark,
        "payload udp",
        "a flow without duration has no byte counts (Zeek); the tuples' other flows would be summed without it",
    ),
    ("goldens/http/strangers.pcap", Only::Tshark, "40021 192.0.2.80 80 request OPTIONS - ", STRANGERS),
    ("goldens/http/strangers.pcap", Only::Tshark, "40024 192.0.2.80 22 banner", STRANGERS),
    ("goldens/http/strangers.pcap", Only::Sekisho, "40024 192.0.2.80 22 request GET", STRANGERS),
    ("goldens/http/strangers.pcap", Only::Sekisho, "tls 10.0.0.1 40020 192.0.2.80 80 ", STRANGERS),
    ("goldens/http2/streams.pcap", Only::Sekisho, " request ", HTTP2),
    ("goldens/http2/streams.pcap", Only::Sekisho, " response ", HTTP2),
    ("goldens/l2tp/tunnel.pcap", Only::Sekisho, "udp 10.0.0.1 1701", CARRIER),
    ("goldens/l2tp/tunnel.pcap", Only::Tshark, "udp 10.0.0.1 1701", CARRIER),
    ("goldens/memcached/reflected.pcap", Only::Sekisho, "flow udp 10.0.0.8 5000", TURNED),
    ("goldens/memcached/reflected.pcap", Only::Tshark, "flow udp 10.0.0.8 5000", TURNED),
    ("goldens/modbus/polling.pcap", Only::Tshark, "payload tcp 10.0.0.1 40002", SPAN),
    ("goldens/modbus/polling.pcap", Only::Sekisho, "payload tcp 10.0.0.1 40002", SPAN),
    (
        "goldens/mysql/session.pcap",
        Only::Sekisho,
        "tls 10.0.0.1 40002",
        "a hello on another port than MySQL's own: Sekisho follows the change to TLS there, too",
    ),
    (
        "goldens/pe/headers.pcap",
        Only::Sekisho,
        "http 10.0.0.1 50001 192.0.2.80 80 response 200",
        "a hole in the body: tshark has no whole answer",
    ),
    (
        "goldens/quic/connections.pcap",
        Only::Sekisho,
        "tls 10.0.0.1",
        "the reference holds TLS over TCP; tshark has no fingerprints of hellos in QUIC's layer",
    ),
    (
        "goldens/ssh/banners.pcap",
        Only::Sekisho,
        "banner SSH-2.0-golden_1.1",
        "RFC 4253 §4.2: lines may come before the server's identification; tshark takes the first segment only",
    ),
    ("goldens/tls/dtls12.pcap", Only::Sekisho, " ja3", "tshark 4.0 has no JA3 for DTLS; Sekisho's is the same recipe"),
    ("goldens/tunnel/geneve.pcap", Only::Sekisho, "udp 192.0.2.1 33000 192.0.2.2 6081", CARRIER),
    ("goldens/tunnel/gtp-u.pcap", Only::Sekisho, "udp 192.0.2.1 33000 192.0.2.2 2152", CARRIER),
    ("goldens/tunnel/nested.pcap", Only::Sekisho, "udp 192.0.2.1 33000 192.0.2.2 4789", CARRIER),
    ("goldens/tunnel/teredo.pcap", Only::Sekisho, "udp 192.0.2.1 33000 192.0.2.2 3544", CARRIER),
    ("goldens/tunnel/vxlan.pcap", Only::Sekisho, "udp 192.0.2.1 33000 192.0.2.2 4789", CARRIER),
];

#[test]
fn tshark_tells_the_same() {
    let reference = json(&root().join("examples/reference.json"));
    let captures = reference["captures"].as_object().expect("captures");
    assert!(captures.len() > 40, "{} captures", captures.len());
    let (mut unexplained, mut used, mut count) = (String::new(), BTreeSet::new(), 0);
    for (name, entry) in captures {
        let path = root().join(name);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}; run examples/reference"));
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(Some(digest.as_str()), entry["sha256"].as_str(), "{name} has changed; run examples/reference");
        let theirs: BTreeSet<String> =
            entry["facts"].as_array().into_iter().flatten().filter_map(|f| f.as_str().map(str::to_owned)).collect();
        let ours = facts(&path);
        count += theirs.intersection(&ours).count();
        let mut judge = |only: Only, fact: &str| {
            let found = ACCEPTED.iter().position(|a| *name == a.0 && only == a.1 && fact.contains(a.2));
            match found {
                Some(i) => {
                    used.insert(i);
                }
                None => writeln!(unexplained, "{name}: only {only:?}: {fact}").expect("a String"),
            }
        };
        theirs.difference(&ours).for_each(|f| judge(Only::Tshark, f));
        ours.difference(&theirs).for_each(|f| judge(Only::Sekisho, f));
    }
    assert!(unexplained.is_empty(), "unexplained differences:\n{unexplained}");
    let idle: Vec<_> = (0..ACCEPTED.len()).filter(|i| !used.contains(i)).map(|i| ACCEPTED[i]).collect();
    assert!(idle.is_empty(), "these explain nothing any more: {idle:?}");
    assert!(count > 300, "only {count} facts agree");
}

#[test]
fn every_capture_has_a_reference() {
    let reference = json(&root().join("examples/reference.json"));
    let mut missing = Vec::new();
    let mut folders = vec![root().join("goldens"), root().join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if (name.ends_with(".pcap") || name.ends_with(".pcapng")) && reference["captures"][&name].is_null() {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "run examples/reference for {missing:?}");
}

/// What our logs tell, in the reference's sentences.
fn facts(capture: &Path) -> BTreeSet<String> {
    let mut out = Facts::default();
    let mut flows: BTreeMap<String, [u64; 6]> = BTreeMap::new();
    let mut timeless: BTreeSet<String> = BTreeSet::new();
    let text = logs_of(capture, &["--midstream"]);
    let mut log = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            log = name;
            continue;
        }
        let row: Value = serde_json::from_str(line).expect("JSON");
        match log {
            "conn" => conn(&row, &mut flows, &mut timeless),
            "dns" => out.dns(&row),
            "http" => out.http(&row),
            "ssl" => out.tls(&row),
            "ssh" => out.ssh(&row),
            _ => {}
        }
    }
    for (ends, n) in &flows {
        out.once(format!("flow {ends} packets {}/{} ip_bytes {}/{}", n[0], n[1], n[2], n[3]));
        if !timeless.contains(ends) {
            out.once(format!("payload {ends} bytes {}/{}", n[4], n[5]));
        }
    }
    out.facts
}

/// Adds a row's counts to those of its ends, the lower end first.
fn conn(row: &Value, flows: &mut BTreeMap<String, [u64; 6]>, timeless: &mut BTreeSet<String>) {
    let proto = text(row, "proto");
    if !matches!(proto, "tcp" | "udp") {
        return;
    }
    let (ends, flipped) = ends(row);
    let ends = format!("{proto} {ends}");
    let counts = flows.entry(ends.clone()).or_default();
    let names = ["orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "orig_bytes", "resp_bytes"];
    for (i, name) in names.iter().enumerate() {
        counts[i ^ usize::from(flipped)] += row[*name].as_u64().unwrap_or(0);
    }
    if row["orig_bytes"].is_null() {
        timeless.insert(ends);
    }
}

/// Both ends of a row, the lower first, and whether that is the responder.
fn ends(row: &Value) -> (String, bool) {
    let end = |a: &str, p: &str| {
        let addr: std::net::IpAddr = text(row, a).parse().expect("an address");
        (addr, row[p].as_u64().expect("a port"))
    };
    let (o, r) = (end("id.orig_h", "id.orig_p"), end("id.resp_h", "id.resp_p"));
    let ((a, b), flipped) = if o <= r { ((o, r), false) } else { ((r, o), true) };
    (format!("{} {} {} {}", a.0, a.1, b.0, b.1), flipped)
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("-")
}

#[derive(Default)]
struct Facts {
    facts: BTreeSet<String>,
    repeats: BTreeMap<String, usize>,
}

impl Facts {
    /// A fact of which repeats mean nothing.
    fn once(&mut self, fact: String) {
        self.facts.insert(fact);
    }

    /// A fact that counts each time.
    fn each(&mut self, fact: String) {
        let n = self.repeats.entry(fact.clone()).or_default();
        *n += 1;
        self.facts.insert(if *n == 1 { fact } else { format!("{fact} #{n}") });
    }

    fn dns(&mut self, row: &Value) {
        let (Some(rcode), Some(qtype)) = (row["rcode"].as_u64(), row["qtype"].as_u64()) else { return };
        const A: u64 = 1;
        const CNAME: u64 = 5;
        const PTR: u64 = 12;
        const AAAA: u64 = 28;
        let mut answers: Vec<&str> =
            row["answers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        answers.sort_unstable();
        if !matches!(qtype, A | CNAME | PTR | AAAA) {
            answers.clear();
        }
        self.each(format!(
            "dns {} {} {} type {qtype} rcode {rcode} answers {}",
            text(row, "id.orig_h"),
            row["trans_id"],
            text(row, "query"),
            answers.join(",")
        ));
    }

    fn http(&mut self, row: &Value) {
        let ends = ends(row).0;
        if row["method"].is_string() {
            let (method, host, uri) = (text(row, "method"), text(row, "host"), text(row, "uri"));
            self.each(format!("http {ends} request {method} {host} {uri}"));
        }
        if let Some(code) = row["status_code"].as_u64() {
            self.each(format!("http {ends} response {code}"));
        }
    }

    fn tls(&mut self, row: &Value) {
        let ends = ends(row).0;
        self.once(format!("tls {ends} server_name {}", text(row, "server_name")));
        for key in ["version", "ja3", "ja3s"] {
            if row[key].is_string() {
                self.once(format!("tls {ends} {key} {}", text(row, key)));
            }
        }
    }

    fn ssh(&mut self, row: &Value) {
        let ends = ends(row).0;
        let words = [("client", "banner"), ("server", "banner"), ("hassh", "hassh"), ("hassh_server", "hassh_server")];
        for (key, word) in words {
            if row[key].is_string() {
                self.once(format!("ssh {ends} {word} {}", text(row, key)));
            }
        }
    }
}
