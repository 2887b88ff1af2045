//! Hosts, services and software of the home networks, and programs behind HTTP.

use crate::{Capture, Timed, at, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    let mut hosts = frames_of(&hosts());
    hosts.extend(datagrams());
    vec![
        Capture::ethernet("known/hosts", hosts),
        Capture::ethernet("known/software", frames_of(&software())),
        Capture::ethernet("http/apis", frames_of(&apis())),
    ]
}

/// Seconds of a day.
const DAY: i64 = 86_400;

fn web(client: &str, server: &str, secs: i64) -> Conversation {
    Conversation::new(client, server)
        .at(at(secs))
        .syn()
        .send(Orig, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .send(Resp, b"HTTP/1.1 204 No Content\r\n\r\n")
        .fin()
}

/// Connections that came about or not, from many hosts to few, some of them strangers; all again the next day.
fn hosts() -> Vec<Conversation> {
    let mut all = Vec::new();
    for n in 0..12 {
        all.push(web(&format!("10.0.0.{}:40000", 100 + n), "10.0.0.1:80", n));
    }
    all.extend([
        web("8.0.0.9:40000", "10.0.0.2:8080", 20),
        web("10.0.0.3:40000", "8.0.0.80:80", 21),
        web("8.0.0.9:40001", "8.0.0.80:80", 22),
        // Refused, and never answered.
        Conversation::new("10.0.0.4:40000", "10.0.0.5:80").at(at(23)).segment(Orig, 2, b"").segment(Resp, 0x14, b""),
        Conversation::new("10.0.0.6:40000", "10.0.0.7:80").at(at(24)).segment(Orig, 2, b""),
        // A service that nobody knows makes a host, no service.
        Conversation::new("10.0.0.8:40000", "10.0.0.9:7777").at(at(25)).syn().send(Orig, b"\x01\x02??").fin(),
        // Another protocol on a port that is known.
        Conversation::new("10.0.0.100:40001", "10.0.0.1:80")
            .at(at(30))
            .syn()
            .send(Resp, b"SSH-2.0-golden_2.0\r\n")
            .send(Orig, b"SSH-2.0-golden_2.1\r\n")
            .fin(),
        web("[fd00::1]:40000", "[fd00::2]:80", 40),
        web("[2001:db9::1]:40000", "[fe80::2]:80", 41),
        web("10.0.0.100:40002", "10.0.0.1:80", DAY),
    ]);
    all
}

/// Questions to servers of names: answered, not answered, to all.
fn datagrams() -> Vec<Timed> {
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";
    let answer = b"\x12\x34\x81\x83\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";
    let ask = |n: i64, to: &str| (at_ms(60_000 + 100 * n), Frame::udp("10.0.0.100:5300", to, question).frame());
    vec![
        ask(0, "10.0.0.53:53"),
        (at_ms(60_010), Frame::udp("10.0.0.53:53", "10.0.0.100:5300", answer).frame()),
        ask(1, "10.0.0.54:53"),
        ask(2, "224.0.0.251:5353"),
    ]
}

/// What programs call themselves, in several protocols.
fn software() -> Vec<Conversation> {
    let visit = |n: i64, client: &str, agent: &str, server: &str, fields: &str| {
        let ask = format!("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n");
        let answer = format!("HTTP/1.1 204 No Content\r\n{fields}\r\n");
        Conversation::new(client, server)
            .at(at(10 * n))
            .syn()
            .send(Orig, ask.as_bytes())
            .send(Resp, answer.as_bytes())
            .fin()
    };
    let nginx = "Server: nginx/1.24.0 (Ubuntu)\r\nX-Powered-By: PHP/8.2.1\r\n";
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0";
    let same_firefox = "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0";
    let next_firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:116.0) Gecko/20100101 Firefox/116.0";
    let nth = |n: i64, server: &str| Conversation::new("10.0.0.1:50000", server).at(at(10 * n)).syn();
    vec![
        visit(0, "10.0.0.1:40000", firefox, "10.0.0.80:80", nginx),
        // Known: the same version on another system, and the same server from elsewhere.
        visit(1, "10.0.0.1:40001", same_firefox, "10.0.0.80:8080", nginx),
        visit(2, "8.0.0.1:40000", firefox, "10.0.0.80:80", nginx),
        // New: another version, another host, strangers' software never.
        visit(3, "10.0.0.1:40002", next_firefox, "8.0.0.80:80", "Server: Apache/2.4.58 (Unix)\r\n"),
        visit(4, "10.0.0.2:40000", "curl/8.5.0", "10.0.0.81:80", "MicrosoftSharePointTeamServices: 16.0.0.5\r\n"),
        nth(5, "10.0.0.22:22")
            .send(Resp, b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n")
            .send(Orig, b"SSH-2.0-PuTTY_0.80\r\n")
            .fin(),
        nth(6, "10.0.0.21:21")
            .send(Resp, b"220 ready\r\n")
            .send(Orig, b"CLNT Commander 3.1.2 (UTF-8)\r\n")
            .send(Resp, b"200 noted\r\n")
            .send(Orig, b"QUIT\r\n")
            .send(Resp, b"221 bye\r\n")
            .fin(),
        nth(7, "10.0.0.25:25")
            .send(Resp, b"220 mx ESMTP\r\n")
            .send(Orig, b"EHLO a\r\n")
            .send(Resp, b"250 mx\r\n")
            .send(Orig, b"MAIL FROM:<a@b>\r\n")
            .send(Resp, b"250 ok\r\n")
            .send(Orig, b"RCPT TO:<c@d>\r\n")
            .send(Resp, b"250 ok\r\n")
            .send(Orig, b"DATA\r\n")
            .send(Resp, b"354 go on\r\n")
            .send(Orig, b"From: a@b\r\nX-Mailer: Apple Mail (2.3774)\r\n\r\nhello\r\n.\r\n")
            .send(Resp, b"250 queued\r\n")
            .send(Orig, b"QUIT\r\n")
            .send(Resp, b"221 bye\r\n")
            .fin(),
        visit(DAY / 10, "10.0.0.1:40003", firefox, "10.0.0.80:80", nginx),
    ]
}

/// Programs that answer over HTTP; and a scanner who asks a web server for all of them.
fn apis() -> Vec<Conversation> {
    let nth = |n: u16, server: &str, ask: &str, fields: &str, body: &str| {
        let ask = format!("{ask} HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = format!("HTTP/1.1 {fields}Content-Length: {}\r\n\r\n{body}", body.len());
        Conversation::new(format!("10.0.0.1:{}", 50000 + n).as_str(), server)
            .at(at(i64::from(n)))
            .syn()
            .send(Orig, ask.as_bytes())
            .send(Resp, answer.as_bytes())
            .fin()
    };
    let json = "200 OK\r\nContent-Type: application/json\r\n";
    let elastic = "200 OK\r\nX-elastic-product: Elasticsearch\r\n";
    let docker = "200 OK\r\nServer: Docker/24.0.5 (linux)\r\nApi-Version: 1.43\r\n";
    let kubernetes = "403 Forbidden\r\nX-Kubernetes-Pf-Flowschema-Uid: 1\r\n";
    let missing = "404 Not Found\r\n";
    vec![
        nth(0, "192.0.2.80:9200", "GET /", elastic, "{\"cluster_name\": \"golden\"}"),
        nth(1, "192.0.2.81:9200", "GET /_cat/indices?format=json", json, "[{\"index\": \"a\"}]"),
        nth(2, "192.0.2.82:2375", "GET /_ping", docker, "OK"),
        nth(3, "192.0.2.83:2379", "GET /v2/keys/a", "200 OK\r\nX-Etcd-Index: 7\r\n", "{\"action\": \"get\"}"),
        nth(4, "192.0.2.84:2379", "POST /v3/kv/range", json, "{\"header\": {\"revision\": \"2\"}}"),
        nth(5, "192.0.2.85:6443", "GET /api/v1/secrets", kubernetes, "{\"kind\": \"Status\"}"),
        nth(6, "192.0.2.86:5984", "GET /_all_dbs", "200 OK\r\nServer: CouchDB/3.3.2 (Erlang OTP/24)\r\n", "[\"a\"]"),
        nth(7, "192.0.2.87:9090", "GET /api/v1/query?query=up", json, "{\"status\": \"success\"}"),
        nth(8, "192.0.2.88:80", "GET /_cat/indices", missing, "{\"error\": \"no\"}"),
        nth(9, "192.0.2.88:80", "GET /v1.41/containers/json", "200 OK\r\n", "<html><body>Welcome</body></html>"),
    ]
}
