//! Which program answers behind HTTP: stores, brokers and managers with an interface over HTTP. A header field that only
//! that program sends proves it; else a path that only it has, together with an answer that fits. What a client asks for
//! alone proves nothing: scanners ask every server for everything.

use super::field::Name;
use super::record::HttpRecord;
use crate::{Cx, software};
use sekisho_types::Dir;

/// Fields of responses that only one program sends, lower case, ordered.
const FIELDS: &[(&str, &str)] = &[
    ("docker-distribution-api-version", "docker-registry"),
    ("docker-experimental", "docker"),
    ("x-clickhouse-query-id", "clickhouse"),
    ("x-clickhouse-server-display-name", "clickhouse"),
    ("x-clickhouse-summary", "clickhouse"),
    ("x-consul-index", "consul"),
    ("x-consul-knownleader", "consul"),
    ("x-couch-request-id", "couchdb"),
    ("x-couchdb-body-time", "couchdb"),
    ("x-elastic-product", "elasticsearch"),
    ("x-etcd-cluster-id", "etcd"),
    ("x-etcd-index", "etcd"),
    ("x-influxdb-version", "influxdb"),
    ("x-jenkins", "jenkins"),
    ("x-kubernetes-pf-flowschema-uid", "kubernetes"),
    ("x-kubernetes-pf-prioritylevel-uid", "kubernetes"),
    ("x-nomad-index", "nomad"),
    ("x-opensearch-version", "opensearch"),
];

/// How such programs begin their Server field.
const SERVERS: &[(&str, &str)] = &[("CouchDB/", "couchdb"), ("Docker/", "docker"), ("MinIO", "minio")];

/// How paths begin that only one program has. The answer must be JSON.
const PATHS: &[(&str, &str)] = &[
    ("/_cat/", "elasticsearch"),
    ("/_cluster/", "elasticsearch"),
    ("/_nodes/", "elasticsearch"),
    ("/api/v1/label/", "prometheus"),
    ("/api/v1/namespaces/", "kubernetes"),
    ("/api/v1/nodes", "kubernetes"),
    ("/api/v1/pods", "kubernetes"),
    ("/api/v1/query?", "prometheus"),
    ("/api/v1/query_range?", "prometheus"),
    ("/v2/keys/", "etcd"),
    ("/v3/kv/", "etcd"),
    ("/v3/lease/", "etcd"),
    ("/v3beta/kv/", "etcd"),
];

/// Ends of paths of Elasticsearch's indices. The answer must be JSON.
const ACTIONS: &[&str] = &["/_bulk", "/_mapping", "/_msearch", "/_search"];

/// What stands behind the version in the paths of Docker's engine.
const DOCKER: &[&str] = &["/containers/", "/exec/", "/images/", "/info", "/networks", "/version", "/volumes"];

/// gRPC services, by which paths begin.
const SERVICES: &[(&str, &str)] = &[("/containerd.services.", "containerd"), ("/etcdserverpb.", "etcd")];

/// The program that sends a field of this name. Most names begin otherwise than all of the table.
pub(super) fn of_field(name: &[u8]) -> Option<&'static str> {
    FIELDS.iter().find(|(field, _)| name.eq_ignore_ascii_case(field.as_bytes())).map(|f| f.1)
}

/// Takes note of the software that a field tells of; the program that it proves.
pub(crate) fn told(dir: Dir, field: Name, value: &[u8], cx: &mut Cx<'_>) -> Option<&'static str> {
    match (dir, field) {
        (Dir::Orig, Name::UserAgent) => software::found(dir, "HTTP::BROWSER", value, cx),
        (Dir::Resp, Name::Server) => {
            software::found(dir, "HTTP::SERVER", value, cx);
            return SERVERS.iter().find(|(start, _)| value.starts_with(start.as_bytes())).map(|s| s.1);
        }
        (Dir::Resp, Name::PoweredBy) => software::found(dir, "HTTP::APPSERVER", value, cx),
        (Dir::Resp, Name::SharePoint) => {
            software::found(dir, "HTTP::APPSERVER", &[b"SharePoint/", value].concat(), cx);
        }
        (Dir::Resp, Name::Api(program)) => return Some(program),
        _ => {}
    }
    None
}

/// The row is complete: names the program, in the row and of the flow.
pub(crate) fn settle(row: &mut HttpRecord, cx: &mut Cx<'_>) {
    if row.api.is_none() {
        row.api = of_exchange(row);
    }
    if let Some(api) = row.api {
        cx.recognize(api);
    }
    let form = row.seen.as_ref().map_or(&[][..], |seen| seen.contents().1);
    super::client::settle(row, form, cx);
    if row.seen.is_some() {
        super::seen::settle(row, cx);
    }
}

/// The program whose path was asked for and which gave an answer that fits.
fn of_exchange(row: &HttpRecord) -> Option<&'static str> {
    let uri = row.uri.as_ref()?.0.as_slice();
    // Of most paths the first letter says that it is none.
    if !matches!(uri, [b'/', b'_' | b'a' | b'c' | b'e' | b'v', ..]) && !uri.contains(&b'_') {
        return None;
    }
    if !row.status_code.is_some_and(|code| (200..300).contains(&code)) {
        return None;
    }
    if row.grpc_status.is_some() {
        return SERVICES.iter().find(|(start, _)| uri.starts_with(start.as_bytes())).map(|s| s.1);
    }
    if !row.resp_mime_types.iter().flatten().any(|t| *t == "text/json") {
        return None;
    }
    let path = uri.split(|b| *b == b'?').next().unwrap_or(uri);
    if ACTIONS.iter().any(|end| path.ends_with(end.as_bytes())) {
        return Some("elasticsearch");
    }
    if is_docker(uri) {
        return Some("docker");
    }
    PATHS.iter().find(|(start, _)| uri.starts_with(start.as_bytes())).map(|p| p.1)
}

/// `/v1.41/containers/json`
fn is_docker(uri: &[u8]) -> bool {
    let Some(rest) = uri.strip_prefix(b"/v1.") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = rest.get(digits..).unwrap_or(&[]);
    digits > 0 && DOCKER.iter().any(|what| rest.starts_with(what.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_record::{Head, Tail, Text};
    use sekisho_types::{FlowInfo, Timestamp};

    fn row(uri: &str, code: u64, mime: &'static str) -> HttpRecord {
        let flow = FlowInfo::default();
        HttpRecord {
            uri: Some(Text::from(uri)),
            status_code: Some(code),
            resp_mime_types: Some(vec![mime]),
            ..HttpRecord::new(Head::new(Timestamp(0), &flow), Tail::new(&flow), 1)
        }
    }

    #[test]
    fn parses_fields() {
        assert!(FIELDS.is_sorted() && SERVERS.is_sorted() && PATHS.is_sorted() && SERVICES.is_sorted());
        assert_eq!(of_field(b"X-Elastic-Product"), Some("elasticsearch"));
        assert_eq!(of_field(b"X-Etcd-Index"), Some("etcd"));
        assert_eq!(of_field(b"X-Etcd"), None);
    }

    #[test]
    fn parses_paths_with_answers_that_fit() {
        for (uri, program) in [
            ("/_cat/indices?v", Some("elasticsearch")),
            ("/logs-2026/_search?q=a", Some("elasticsearch")),
            ("/v1.41/containers/json", Some("docker")),
            ("/v1.41/x", None),
            ("/v1./info", None),
            ("/v3/kv/range", Some("etcd")),
            ("/api/v1/query?query=up", Some("prometheus")),
            ("/api/v1/users", None),
            ("/search", None),
            ("/_search_me", None),
        ] {
            assert_eq!(of_exchange(&row(uri, 200, "text/json")), program, "{uri}");
        }
        let grpc = HttpRecord { grpc_status: Some(0), ..row("/etcdserverpb.KV/Range", 200, "x") };
        assert_eq!(of_exchange(&grpc), Some("etcd"));
    }

    #[test]
    fn rejects_questions_without_answer() {
        assert_eq!(of_exchange(&row("/_cat/indices", 404, "text/json")), None);
        assert_eq!(of_exchange(&row("/_cat/indices", 200, "text/html")), None);
        assert_eq!(of_exchange(&row("/etcdserverpb.KV/Range", 200, "text/json")), None);
    }
}
