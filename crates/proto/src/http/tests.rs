use crate::ProtoId;
use crate::testing::{Outcome, Step, check_splits, check_truncations, run_script};
use sekisho_types::Dir;
use std::io::Write;

const O: Dir = Dir::Orig;
const R: Dir = Dir::Resp;

fn req(text: &str) -> Step<'_> {
    Step::Data(O, text.as_bytes())
}

fn resp(text: &str) -> Step<'_> {
    Step::Data(R, text.as_bytes())
}

fn check(steps: &[Step<'_>]) -> Outcome {
    check_truncations(ProtoId::Http, 80, steps);
    check_splits(ProtoId::Http, 80, steps)
}

/// Has row `i` all of the columns `want`?
fn has(outcome: &Outcome, i: usize, want: &[&str]) {
    for column in want {
        assert!(outcome.rows[i].contains(column), "row {i} lacks {column}: {}", outcome.rows[i]);
    }
}

#[test]
fn parses_a_request_and_its_response() {
    let o = check(&[
        req("GET /a%20b HTTP/1.1\r\nHost: h.test:80\r\nUser-Agent: ua/1\r\nReferer: r\r\nOrigin: o\r\nVia: 1.1 p\r\n\
             Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n"),
        resp("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"),
    ]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["trans_depth=Count(1)", "method=Str(\"GET\")", "host=Str(\"h.test:80\")", "uri=Str(\"/a b\")"]);
    has(&o, 0, &["referrer=Str(\"r\")", "origin=Str(\"o\")", "version=Str(\"1.1\")", "user_agent=Str(\"ua/1\")"]);
    has(&o, 0, &["status_code=Count(200)", "status_msg=Str(\"OK\")", "response_body_len=Count(5)"]);
    has(&o, 0, &["request_body_len=Count(0)", "proxied=[Str(\"VIA -> 1.1 p\")]", "username=Str(\"user\")"]);
    assert!(!o.rows[0].contains("secret"));
    assert_eq!(
        o.files,
        ["None HTTP depth=0 orig=false total=Some(5) range=None missing=0 closed=Some(true) \"hello\""]
    );
}

#[test]
fn parses_pipelined_requests_and_bodiless_responses() {
    let o = check(&[
        req(
            "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nPOST /3 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /4 HTTP/1.1\n\n",
        ),
        resp(
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n\
              HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        ),
    ]);
    let depths: Vec<_> = o.rows.iter().map(|r| r.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        depths,
        ["trans_depth=Count(1)", "trans_depth=Count(2)", "trans_depth=Count(3)", "trans_depth=Count(4)"]
    );
    has(&o, 2, &["method=Str(\"POST\")", "request_body_len=Count(3)", "status_code=Count(204)", "orig_fuids"]);
    has(&o, 3, &["uri=Str(\"/4\")", "response_body_len=Count(1)"]);
    assert_eq!(o.files.len(), 2);
}

#[test]
fn parses_chunks_with_extensions_and_trailers() {
    let o = check(&[
        req("GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        resp(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n06\r\n world\r\n0\r\nX: y\r\n\r\n\
              HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ]);
    has(&o, 0, &["response_body_len=Count(11)"]);
    has(&o, 1, &["uri=Str(\"/2\")", "response_body_len=Count(0)"]);
    assert!(o.files[0].ends_with("\"hello world\""), "{:?}", o.files);
}

#[test]
fn parses_content_codings() {
    let mut gz = flate(b"first second");
    let mut head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", gz.len()).into_bytes();
    head.append(&mut gz);
    let o = check(&[req("GET / HTTP/1.1\r\n\r\n"), Step::Data(R, &head)]);
    has(&o, 0, &["response_body_len=Count(12)"]);
    assert!(o.files[0].contains("total=None") && o.files[0].ends_with("\"first second\""), "{:?}", o.files);
    let o = check(&[
        req("GET / HTTP/1.1\r\n\r\n"),
        resp("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplainHTTP/1.1 200 OK\r\n\r\n"),
    ]);
    // It is not what it says: browsers show it.
    has(&o, 0, &["response_body_len=Count(5)"]);
    assert!(o.files[0].ends_with("\"plain\""), "{:?}", o.files);
    assert_eq!(o.weirds, ["HTTP_bad_content_coding"]);
}

/// gzip of `text` in one stored block.
fn flate(text: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    let len = u16::try_from(text.len()).unwrap();
    out.write_all(&len.to_le_bytes()).unwrap();
    out.write_all(&(!len).to_le_bytes()).unwrap();
    out.write_all(text).unwrap();
    let mut crc = !0u32;
    for b in text {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    out.write_all(&(!crc).to_le_bytes()).unwrap();
    out.write_all(&u32::from(len).to_le_bytes()).unwrap();
    out
}

#[test]
fn parses_bodies_up_to_the_close() {
    let steps = [req("GET / HTTP/1.0\r\n\r\n"), resp("HTTP/1.0 200 OK\r\n\r\nall\nof it"), Step::Close(R)];
    let o = check(&steps);
    has(&o, 0, &["response_body_len=Count(9)", "version=Str(\"1.0\")"]);
    assert!(o.files[0].contains("closed=Some(true)"));
    let o = check(&steps[..2]);
    has(&o, 0, &["response_body_len=Count(9)"]);
    assert!(o.files[0].contains("closed=Some(false)"));
}

#[test]
fn parses_informational_responses() {
    let o = check(&[
        req("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
        resp("HTTP/1.1 100 Continue\r\n\r\n"),
        req("ok"),
        resp("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["info_code=Count(100)", "info_msg=Str(\"Continue\")", "status_code=Count(201)"]);
    has(&o, 0, &["request_body_len=Count(2)"]);
}

#[test]
fn parses_an_answer_that_comes_before_the_request_is_over() {
    let o = check(&[
        req("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab"),
        resp("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
        req("cdGET / HTTP/1.1\r\n\r\n"),
        resp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(o.rows.len(), 2);
    has(&o, 0, &["request_body_len=Count(4)", "status_code=Count(413)"]);
    has(&o, 1, &["status_code=Count(200)"]);
}

#[test]
fn parses_multipart_forms() {
    let body = "--B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nvalue\r\n--B\r\nContent-Disposition: form-data; \
                name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nline\r\n\r\n--B--\r\n";
    let text = format!(
        "POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{body}GET / HTTP/1.1\r\n\r\n",
        body.len()
    );
    let o = check(&[req(&text), resp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
    let len = format!("request_body_len=Count({})", body.len());
    has(&o, 0, &[&len, "orig_filenames=[Str(\"a.txt\")]"]);
    assert_eq!(o.files.len(), 2);
    assert!(o.files[0].ends_with("\"value\"") && o.files[1].ends_with("\"line\\r\\n\""), "{:?}", o.files);
    has(&o, 1, &["method=Str(\"GET\")"]);
}

#[test]
fn counts_multiparts_by_lines() {
    let head = "POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ";
    let part = "--B\r\n\r\nvalue\r\n--B--";
    let next = "GET /next HTTP/1.1\r\n\r\n";
    // The last delimiter's line has no end, has one, is long and followed by an epilogue that does not count.
    let filled = format!("{}\r\n", "\0".repeat(2000));
    for (tail, uncounted, len) in [("", "", 21), ("\r\n", "", 21), (&filled, "", 2021), ("\r\n", "epilogue\r\n", 21)] {
        let body = format!("{part}{tail}{uncounted}");
        let text = format!("{head}{}\r\n\r\n{body}{next}", body.len());
        let o = check_splits(ProtoId::Http, 80, &[req(&text)]);
        has(&o, 0, &[&format!("request_body_len=Count({len})")]);
        has(&o, 1, &["uri=Str(\"/next\")"]);
        assert!(o.files[0].ends_with("\"value\""), "{:?}", o.files);
    }
    // What is missing of a part does not count, either.
    let o =
        check(&[req(&format!("{head}31\r\n\r\n--B\r\n\r\nva")), Step::Gap(O, 10), req("lue\r\n--B--\r\n"), req(next)]);
    has(&o, 0, &["request_body_len=Count(21)"]);
    has(&o, 1, &["uri=Str(\"/next\")"]);
}

#[test]
fn parses_ranges() {
    let o = check(&[
        req("GET /f HTTP/1.1\r\nHost: h\r\nRange: bytes=2-4\r\n\r\n"),
        resp("HTTP/1.1 206 Partial Content\r\nETag: e\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\nabc"),
    ]);
    assert!(
        o.files[0].contains("total=Some(10) range=Some(Range { start: 2, total: Some(10), key: \"h /f e\" })"),
        "{:?}",
        o.files
    );
}

#[test]
fn parses_old_http() {
    let o = check(&[req("GET /old\r\n"), resp("<html>\nHTTP/1.1 200 no\r\n"), Step::Close(R)]);
    has(
        &o,
        0,
        &["uri=Str(\"/old\")", "version=Str(\"0.9\")", "response_body_len=Count(24)", "status_msg=Str(\"<empty>\")"],
    );
}

#[test]
fn hands_tunnels_and_upgrades_over() {
    let o = check(&[
        req("CONNECT h:443 HTTP/1.1\r\n\r\n"),
        resp("HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n"),
        req("\x16\x03\x01"),
    ]);
    assert!(o.handed_over);
    has(&o, 0, &["method=Str(\"CONNECT\")", "status_code=Count(200)"]);
    let o = check(&[
        req("CONNECT h:443 HTTP/1.1\r\n\r\n"),
        resp("HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n"),
        req("GET / HTTP/1.1\r\n\r\n"),
    ]);
    assert!(!o.handed_over);
    assert_eq!(o.rows.len(), 2);
    let o = check(&[
        req("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        resp("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01\x02"),
    ]);
    assert!(o.handed_over);
    has(&o, 0, &["status_code=Count(101)", "info_code=Count(101)"]);
}

#[test]
fn parses_half_conversations() {
    let o = check(&[req("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")]);
    assert_eq!(o.rows.len(), 2);
    let o = check(&[resp("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")]);
    assert_eq!(o.rows.len(), 2);
    has(&o, 1, &["trans_depth=Count(2)", "status_code=Count(404)"]);
    let o = check(&[resp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), req("GET / HTTP/1.1\r\n\r\n")]);
    assert_eq!((o.rows.len(), &o.weirds[..]), (2, &["HTTP_response_before_request"][..]));
}

#[test]
fn parses_flows_with_swapped_ends() {
    let o = check(&[resp("GET /x HTTP/1.1\r\n\r\n"), req("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]);
    assert_eq!(o.rows.len(), 1);
    has(&o, 0, &["uri=Str(\"/x\")", "status_code=Count(200)"]);
    assert!(o.files[0].contains("orig=true"));
}

#[test]
fn goes_on_after_holes() {
    let o = check(&[
        req("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"),
        resp("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"),
        Step::Gap(R, 3),
        resp("fHTTP/1.1 200 OK\r\nContent-Le"),
        Step::Gap(R, 100),
        resp("junk\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(o.rows.len(), 3);
    has(&o, 0, &["response_body_len=Count(6)"]);
    has(&o, 2, &["status_code=Count(201)"]);
    assert!(o.files[0].contains("missing=3"));
}

#[test]
fn parses_folded_and_odd_header_lines() {
    let o = check(&[
        req("GET / HTTP/1.1\r\nUser-Agent: a\r\n\tb\r\nno field\r\nHost : h\r\n: x\r\n\r\n"),
        resp("HTTP/1.1 200\r\nContent-Length: x\r\n\r\n"),
    ]);
    has(&o, 0, &["user_agent=Str(\"a\\tb\")", "host=Str(\"h\")", "status_msg=Str(\"<empty>\")"]);
    assert_eq!(o.weirds, ["HTTP_obsolete_line_folding", "HTTP_bad_content_length"]);
}

#[test]
fn rejects_what_is_no_http() {
    let o = check(&[req("hello world, this is no request\x01\r\n")]);
    assert_eq!(o.rejected, None);
    let o = check(&[req("\x16\x03\x01\x02\x00\n"), resp("\x16\x03\n")]);
    assert_eq!(o.rejected, Some("not_http"));
    assert!(o.rows.is_empty());
    let o = check(&[req("GET/ HTTP/1.1\r\n\r\n"), resp("HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]);
    assert_eq!((o.rejected, &o.weirds[..]), (None, &["bad_HTTP_request"][..]));
    has(&o, 0, &["status_code=Count(400)"]);
}

#[test]
fn rejects_what_was_taken_for_http() {
    let get = req("GET / HTTP/1.1\r\n\r\n");
    let o = check(&[get, resp("SSH-2.0-x\r\n")]);
    assert_eq!((o.rejected, o.rows.len()), (Some("not_http"), 1));
    let o = check(&[req("GET / HTTP/1.1\r\n\r\n\x01\x02 not a request\r\n")]);
    assert_eq!(o.rejected, Some("not_http"));
    // Nothing more was to be expected of this one.
    for (request, want) in [
        ("GET / HTTP/1.0\r\n\r\n\x01\r\n", None),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\x01\r\n", Some("not_http")),
    ] {
        assert_eq!(check(&[req(request)]).rejected, want, "{request}");
    }
    // Far into the flow the next message is looked for.
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 11000\r\n\r\n{}junk\r\n", "x".repeat(11_000));
    let o = check_splits(ProtoId::Http, 80, &[get, resp(&long), resp("HTTP/1.1 201 Created\r\n\r\n")]);
    assert_eq!((o.rejected, o.rows.len()), (None, 2));
}

#[test]
fn limits_bite() {
    let many = "GET / HTTP/1.1\r\n\r\n".repeat(300);
    let o = run_script(ProtoId::Http, 80, &[req(&many)], &mut || usize::MAX);
    assert_eq!(o.rows.len(), 300);
    assert!(o.weirds.contains(&"HTTP_excessive_pipelining"));
    let large = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(60_000)).repeat(40);
    let o = run_script(ProtoId::Http, 80, &[req(&large)], &mut || usize::MAX);
    assert_eq!((o.rows.len(), o.weirds.contains(&"HTTP_excessive_pipelining")), (40, true));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(300_000));
    let o = run_script(ProtoId::Http, 80, &[req(&long)], &mut || 1000);
    assert!(o.weirds.contains(&"contentline_size_exceeded"));
    let proxied = format!("GET / HTTP/1.1\r\n{}\r\n", (0..500).map(|i| format!("Via: {i}\r\n")).collect::<String>());
    let o = run_script(ProtoId::Http, 80, &[req(&proxied)], &mut || 1000);
    assert_eq!(o.rows[0].matches("VIA").count(), 64);
}

#[test]
fn damage_parses_the_same_in_any_split() {
    let steps = [
        req(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 62\r\n\r\n\
             --B\r\nContent-Disposition: form-data; filename=x\r\n\r\nv\r\n--B--\r\n\r\nGET /b HTTP/1.1\r\nUser-Agent: a\r\n b\r\n\r\n",
        ),
        resp(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        ),
        Step::Gap(O, 3),
        resp(
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\nwxyzHTTP/1.1 404 No\r\n\r\nrest",
        ),
        Step::Close(R),
        req("HEAD / HTTP/1.0\r\n\r\nCONNECT h:1 HTTP/1.1\r\n\r\n"),
    ];
    crate::testing::check_damage(ProtoId::Http, 80, &steps, 3000);
}

#[test]
fn logins_by_ntlm_are_told_to_judges_only() {
    let token = |bytes: &[u8]| String::from_utf8(crate::upgrade::base64(bytes)).unwrap();
    let negotiate = token(&crate::ntlm::tests::negotiate());
    let challenge = token(&crate::ntlm::tests::challenge("SRV", "srv.example.org", "example.org"));
    let answer = token(&crate::ntlm::tests::authenticate("EX", "eva", "PC", 200));
    let told = |scheme: &str, last: &str, judged: bool| {
        let mut b = crate::testing::Bench::new(ProtoId::Http, crate::Transport::Tcp, 80);
        b.out.judged = judged;
        let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n";
        b.data(O, format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {scheme} {negotiate}\r\n\r\n").as_bytes());
        b.data(R, format!("{refused}WWW-Authenticate: {scheme} {challenge}\r\n\r\n").as_bytes());
        b.data(O, format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {scheme} {answer}\r\n\r\n").as_bytes());
        b.data(R, format!("HTTP/1.1 {last}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        b.end();
        assert!(b.rows("ntlm").is_empty());
        b.rows("ntlm_login")
    };
    for scheme in ["NTLM", "Negotiate"] {
        let [row] = &told(scheme, "200 OK", true)[..] else { panic!("one login") };
        assert!(
            row.contains("over=") && row.contains("user=Str(\"eva\")") && row.contains("success=Bool(true)"),
            "{row}"
        );
        assert!(told(scheme, "401 Unauthorized", true)[0].contains("success=Bool(false)"));
    }
    assert_eq!(told("NTLM", "200 OK", false).len(), 0);
    assert_eq!(told("Basic", "200 OK", true).len(), 0);
}
