//! HTTP/1.x over TCP.

use crate::{Capture, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("http/exchanges", frames_of(&exchanges())),
        Capture::ethernet("http/pipeline", frames_of(&[pipeline()])),
        Capture::ethernet("http/chunked", frames_of(&[chunked()])),
        Capture::ethernet("http/ranges", frames_of(&ranges())),
        Capture::ethernet("http/connect", frames_of(&[connect()])),
        Capture::ethernet("http/one-sided", frames_of(&[pipeline().only(Resp)])),
        Capture::ethernet("http/gap", frames_of(&[gap()])),
        Capture::ethernet("http/midstream", frames_of(&midstream())),
        Capture::ethernet("http/strangers", frames_of(&strangers())),
    ]
}

fn nth(n: u16) -> Conversation {
    Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.80:80").at(at(10 * i64::from(n))).syn()
}

/// A body behind its length.
fn ok(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><head><title>A page</title></head><body>Hello.</body></html>\n";

/// The same page twice: in a connection that began before the capture, and in a whole one.
fn midstream() -> Vec<Conversation> {
    let get = b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
    let begun = Conversation::new("10.0.0.1:40009", "192.0.2.80:80").at(at(90));
    [begun, nth(0)].map(|c| c.send(Orig, get).send(Resp, &ok("text/html", PAGE)).fin()).into()
}

/// A page, a form, a login in clear, a head, something missing, and a server on an odd port.
fn exchanges() -> Vec<Conversation> {
    let post = b"POST /form HTTP/1.1\r\nHost: www.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 16\r\nReferer: http://www.example.org/\r\n\r\nname=a&comment=b";
    let odd = Conversation::new("10.0.0.1:40005", "192.0.2.80:8099").at(at(50)).syn();
    vec![
        nth(0)
            .send(Orig, b"GET / HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: golden/1.0\r\n\r\n")
            .send(Resp, &ok("text/html", PAGE))
            .fin(),
        nth(1)
            .send(Orig, post)
            .send(Resp, b"HTTP/1.1 303 See Other\r\nLocation: /thanks\r\nContent-Length: 0\r\n\r\n")
            .fin(),
        // "user:pass" in base64.
        nth(2)
            .send(Orig, b"GET /private HTTP/1.1\r\nHost: www.example.org\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n")
            .send(
                Resp,
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            )
            .fin(),
        nth(3)
            .send(Orig, b"HEAD /big HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            .send(Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            .fin(),
        // HTTP/1.0 without a length: the body ends with the connection.
        nth(4)
            .send(Orig, b"GET /old HTTP/1.0\r\n\r\n")
            .send(Resp, b"HTTP/1.0 404 Not Found\r\n\r\nno such page\n")
            .fin_from(Resp),
        odd.send(Orig, b"GET /odd HTTP/1.1\r\nHost: odd.example:8099\r\n\r\n")
            .send(Resp, &ok("text/plain", b"odd port\n"))
            .fin(),
    ]
}

/// Three requests at once, then three answers at once.
fn pipeline() -> Conversation {
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: pipe.example\r\n\r\n");
    let asks = ["/1", "/2", "/3"].map(ask).concat();
    let answers = [ok("text/plain", b"one\n"), ok("text/plain", b"two\n"), ok("text/plain", b"three\n")].concat();
    nth(0).send(Orig, asks.as_bytes()).send_split(Resp, &answers, &[30, 100, 150]).fin()
}

/// A chunked body with a trailer, cut at awkward places.
fn chunked() -> Conversation {
    let body = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
        6;name=value\r\nhello \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n";
    nth(0)
        .send(Orig, b"GET /chunks HTTP/1.1\r\nHost: chunk.example\r\n\r\n")
        .send_split(Resp, body, &[90, 97, 108, 113, 116])
        .fin()
}

/// One file in two ranges over two connections.
fn ranges() -> Vec<Conversation> {
    let file: Vec<u8> = (0..4000u32).map(|i| b"0123456789abcdef\n"[(i % 17) as usize]).collect();
    let part = |n: u16, from: usize, to: usize| {
        let ask = format!("GET /file.txt HTTP/1.1\r\nHost: range.example\r\nRange: bytes={from}-{}\r\n\r\n", to - 1);
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Range: bytes {from}-{}/4000\r\n\
             Content-Length: {}\r\n\r\n",
            to - 1,
            to - from
        );
        nth(n).send(Orig, ask.as_bytes()).send(Resp, &[head.as_bytes(), &file[from..to]].concat()).fin()
    };
    vec![part(0, 0, 2500), part(1, 2500, 4000)]
}

/// A proxy asked for a connection, then HTTP through it.
fn connect() -> Conversation {
    nth(0)
        .send(Orig, b"CONNECT inner.example:80 HTTP/1.1\r\nHost: inner.example:80\r\n\r\n")
        .send(Resp, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .send(Orig, b"GET /through HTTP/1.1\r\nHost: inner.example\r\n\r\n")
        .send(Resp, &ok("text/plain", b"through the proxy\n"))
        .fin()
}

/// 200 bytes of a body were not captured; the next exchange is still understood.
fn gap() -> Conversation {
    let whole = ok("text/plain", &[b'x'; 1000]);
    let kept = whole.len() - 600;
    nth(0)
        .send(Orig, b"GET /hole HTTP/1.1\r\nHost: gap.example\r\n\r\n")
        .send(Resp, &whole[..kept])
        .lose(Resp, 200)
        .send(Resp, &whole[kept + 200..])
        .send(Orig, b"GET /after HTTP/1.1\r\nHost: gap.example\r\n\r\n")
        .send(Resp, &ok("text/plain", b"after\n"))
        .fin()
}

/// A server of HTTP that gets something else, others that are asked in HTTP, and a form whose last line has no end.
fn strangers() -> Vec<Conversation> {
    let hello =
        [&b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"[..], &[7; 32], b"\0\0\x04\x13\x01\0\x2f\x01\0"].concat();
    let bad = |version: &str| {
        format!("HTTP/{version} 400 Bad Request\r\nConnection: close\r\nContent-Length: 4\r\n\r\nBad\n")
    };
    let form = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\ntext\r\n--b--";
    let post = format!(
        "POST /up HTTP/1.1\r\nHost: www.example.org\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let ssh = Conversation::new("10.0.0.1:40024", "192.0.2.80:22").at(at(240)).syn();
    vec![
        nth(20).send(Orig, &hello).send(Resp, bad("1.1").as_bytes()).fin_from(Resp),
        nth(21).send(Orig, b"OPTIONS\n\n").send(Resp, bad("1.0").as_bytes()).fin_from(Resp),
        nth(22).send(Orig, b"\x01\x02\x03\x04").send(Resp, bad("1.1").as_bytes()).fin_from(Resp),
        nth(23).send(Orig, post.as_bytes()).send(Resp, &ok("text/plain", b"thanks\n")).fin(),
        ssh.send(Orig, b"GET / HTTP/1.1\r\nHost: 192.0.2.80:22\r\n\r\n")
            .send(Resp, b"SSH-2.0-OpenSSH_9.6\r\n")
            .fin_from(Resp),
    ]
}
