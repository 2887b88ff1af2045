use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::{Addr, Dir};

/// An exchange of HTTP/1.1 with a client from outside: what detectors are told.
fn told(request: &str, status: &str, fields: &str, body: &str) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    bench.out.judged = true;
    bench.flow.tuple.orig = Addr::v4([203, 0, 113, 9]);
    bench.data(Dir::Orig, format!("{request}\r\n\r\n").as_bytes());
    let response = format!("HTTP/1.1 {status} x\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len());
    bench.data(Dir::Resp, response.as_bytes()).end();
    bench.rows("service_use")
}

/// Service and answer of the only row.
fn answer(request: &str, status: &str, fields: &str, body: &str) -> String {
    let rows = told(&format!("GET {request} HTTP/1.1\r\nHost: a"), status, fields, body);
    let [row] = &rows[..] else { return format!("{} rows", rows.len()) };
    let part = |name: &str| row.split(name).nth(1).and_then(|r| r.split('"').next()).unwrap_or("").to_owned();
    format!("{} {}", part("service=Str(\""), part("answer=Str(\""))
}

const NONE: &str = "0 rows";

#[test]
fn open_services() {
    for (request, fields, body, want) in [
        ("/", "", "{\"name\":\"n\",\"cluster_name\":\"c\",\"version\":{}}", "elasticsearch open"),
        ("/logs/_search", "", "{\"took\":1,\"hits\":{}}", "elasticsearch data"),
        ("/_cat/indices", "X-Elastic-Product: Elasticsearch\r\n", "green open a", "elasticsearch data"),
        ("/v2/keys/", "X-Etcd-Index: 4\r\n", "{}", "etcd data"),
        ("/v1.41/containers/json", "Docker-Experimental: false\r\n", "[]", "docker data"),
        ("/version", "", "{\"ApiVersion\":\"1.41\"}", "docker open"),
        ("/pods", "", "{\"kind\":\"PodList\",\"apiVersion\":\"v1\"}", "kubelet data"),
        ("/api/v1/secrets", "", "{\"kind\":\"SecretList\",\"apiVersion\":\"v1\"}", "kubernetes data"),
        ("/metrics", "", "# HELP up x\nup 1\n", "metrics data"),
        ("/api/v1/query?query=up", "", "{\"status\":\"success\",\"data\":{}}", "prometheus data"),
        ("/script", "X-Jenkins: 2.4\r\n", "<html>", "jenkins data"),
        ("/.git/HEAD", "", "ref: refs/heads/main\n", "git-repository data"),
        ("/.git/config", "", "[core]\n\tbare = false\n", "git-repository data"),
        ("/db.sql", "", "-- MySQL dump 10\nCREATE TABLE a", "backup-file data"),
        ("/files/", "", "<html><title>Index of /files</title>", "directory-listing data"),
        ("/v1/agent/self", "", "{\"Config\":{}}", "consul data"),
        ("/_all_dbs", "Server: CouchDB/3.1\r\n", "[\"a\"]", "couchdb data"),
        ("/query?q=SHOW", "X-Influxdb-Version: 1.8\r\n", "{\"results\":[]}", "influxdb data"),
        ("/ws/v1/cluster/info", "", "{\"clusterInfo\":{}}", "hadoop data"),
        ("/api/kernels", "", "[{\"execution_state\":\"idle\"}]", "jupyter data"),
        ("/api/datasources", "", "[{\"orgId\":1}]", "grafana data"),
        ("/api/tags", "", "{\"models\":[]}", "model-server data"),
    ] {
        assert_eq!(answer(request, "200", fields, body), want, "{request}");
        // The same words with another status are none.
        assert!(!answer(request, "404", fields, body).contains("data"), "{request}");
    }
}

#[test]
fn protected_services() {
    assert_eq!(answer("/", "401", "X-Elastic-Product: Elasticsearch\r\n", "{}"), "elasticsearch refused");
    assert_eq!(answer("/script", "403", "X-Jenkins: 2.4\r\n", "no"), "jenkins refused");
    assert_eq!(answer("/.env", "406", "", "A_B=1\nC_D=2\n"), NONE);
    assert_eq!(answer("/.env", "200", "", "<html>\nA_B=1\nC_D=2\n"), NONE);
    assert_eq!(answer("/.git/HEAD", "200", "", "<html>not found"), NONE);
    assert_eq!(answer("/index.html", "200", "", "<html>"), NONE);
    assert_eq!(answer("/version", "200", "", "{\"major\":\"1\"}"), NONE);
    assert_eq!(answer("/api/kernels?token=abc", "200", "", "[{\"execution_state\":\"idle\"}]"), "jupyter login");
    assert_eq!(
        answer("/_all_dbs HTTP/1.1\r\nCookie: AuthSession=x\r\nA: b", "200", "Server: CouchDB/3\r\n", "[]"),
        "couchdb login"
    );
}

#[test]
fn secrets_and_inside_clients_are_not_told() {
    let rows = told("GET /app/.env HTTP/1.1", "200", "", "APP_KEY=hunter2\nDB_PASSWORD=hunter2\n");
    assert!(rows.len() == 1 && rows[0].contains("env-file") && rows[0].contains("DB_PASSWORD=***"), "{rows:?}");
    assert!(!rows[0].contains("hunter2"));
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    bench.out.judged = true;
    bench.flow.local_orig = true;
    bench.data(Dir::Orig, b"GET /metrics HTTP/1.1\r\n\r\n");
    bench.data(Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n# HELP up").end();
    assert_eq!(bench.rows("service_use").len(), 0);
}

fn credentials(request: &str, status: &str) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    bench.out.judged = true;
    bench.data(Dir::Orig, request.as_bytes());
    bench.data(Dir::Resp, format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n").as_bytes()).end();
    bench.rows("credential")
}

#[test]
fn logins_in_clear() {
    let basic = credentials("GET / HTTP/1.1\r\nAuthorization: Basic YWRhOmh1bnRlcjI=\r\n\r\n", "200");
    let want = "protocol=Str(\"http\") method=Str(\"basic\") user=Str(\"ada\") password_len=Count(7) success=Bool(true) \
                clear=Bool(true) packet=Count(2)";
    assert_eq!(basic, [want]);
    let digest = credentials("GET / HTTP/1.1\r\nAuthorization: Digest username=\"ada\", realm=\"r\"\r\n\r\n", "401");
    assert!(digest.len() == 1 && digest[0].contains("digest") && digest[0].contains("success=Bool(false)"));
    assert!(!digest[0].contains("password_len"));
    let body = "go=0&login%5Bname%5D=ada&password=hunter%202&go=1";
    let form = "Content-Type: application/x-www-form-urlencoded";
    let posted = |body: &str| {
        credentials(&format!("POST / HTTP/1.1\r\n{form}\r\nContent-Length: {}\r\n\r\n{body}", body.len()), "302")
    };
    let rows = posted(body);
    assert!(rows.len() == 1 && rows[0].contains("user=Str(\"ada\") password_len=Count(8)"), "{rows:?}");
    assert_eq!(posted("q=passport&compass=north").len(), 0);
    assert_eq!(credentials("GET / HTTP/1.1\r\n\r\n", "401").len(), 0);
}

/// What detectors are told of a server of which only an answer was captured.
fn told_of_answer(fields: &str, body: &str) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 9200);
    bench.out.judged = true;
    bench.flow.tuple.orig = Addr::v4([203, 0, 113, 9]);
    bench.flow.seen.orig = false;
    let response = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len());
    bench.data(Dir::Resp, response.as_bytes()).end();
    bench.rows("service_use")
}

#[test]
fn answers_alone_prove_what_they_name() {
    for (fields, body, want) in [
        ("X-Elastic-Product: Elasticsearch\r\n", "{\"name\":\"n\"}", "elasticsearch"),
        ("", "{\"name\":\"n\",\"cluster_uuid\":\"c\"}", "elasticsearch"),
        ("", "<html><title>Index of /files</title>", "directory-listing"),
    ] {
        let rows = told_of_answer(fields, body);
        let [row] = &rows[..] else { panic!("{body}: {rows:?}") };
        assert!(
            row.contains(want) && row.contains("answer_only=Bool(true)") && row.contains("request=Str(\"\")"),
            "{row}"
        );
    }
    // Only the path that was asked for tells what these are.
    for body in ["[core]\n\tbare = false\n", "{\"models\":[]}", "A_KEY=1\nB_KEY=2\n", "<html>plain"] {
        assert_eq!(told_of_answer("", body).len(), 0, "{body}");
    }
}
