//! What rules and EVE are shown of an exchange.

use super::message;
use super::tx::Message;
use super::uri;
use sekisho_transaction::{Fact, Json, Transaction, Value};
use sekisho_types::Dir;

/// Fields of a message that an event lists, if it is to.
const MAX_LISTED: usize = 64;

/// An exchange, looked at for a message of `dir`.
pub(super) struct View<'a> {
    pub halves: &'a [Message; 2],
    pub dir: Dir,
}

impl Message {
    /// All values of a field, with commas between, as Suricata joins repeated ones.
    fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let all: Vec<&[u8]> = self.values(name).collect();
        (!all.is_empty()).then(|| all.join(&b", "[..]))
    }

    fn value(&self, name: &[u8]) -> Option<Value<'_>> {
        let mut all = self.fields.iter().filter(|f| f.0.eq_ignore_ascii_case(name));
        let first = &all.next()?.1;
        if all.next().is_none() {
            return Some(Value::from(&**first));
        }
        self.joined(name).map(Value::owned)
    }

    /// Names and values, a line each, without the fields named `but`.
    fn lines(&self, but: &[u8]) -> Option<Value<'_>> {
        let len = self.fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut out = Vec::with_capacity(len);
        for (name, value) in self.fields.iter().filter(|f| !f.0.eq_ignore_ascii_case(but)) {
            [name, &b": "[..], value.trim_ascii(), b"\r\n"].iter().for_each(|part| out.extend_from_slice(part));
        }
        (!out.is_empty()).then_some(Value::owned(out))
    }

    fn raw(&self) -> Option<Value<'_>> {
        self.headed.then(|| Value::owned([&self.raw, &b"\r\n"[..]].concat()))
    }

    fn names(&self) -> Option<Value<'_>> {
        let len = self.fields.iter().map(|(name, _)| name.len() + 2).sum::<usize>() + 4;
        let mut out = Vec::with_capacity(len);
        out.extend_from_slice(b"\r\n");
        for (i, (name, _)) in self.fields.iter().enumerate() {
            // A name that comes again stands at its first place.
            if !self.fields.iter().take(i).any(|f| f.0.eq_ignore_ascii_case(name)) {
                [name, &b"\r\n"[..]].iter().for_each(|part| out.extend_from_slice(part));
            }
        }
        out.extend_from_slice(b"\r\n");
        self.headed.then_some(Value::owned(out))
    }

    fn listed(&self, name: &str, out: &mut Json<'_>) {
        if self.fields.is_empty() {
            return;
        }
        out.list(name, |out| {
            for (name, value) in self.fields.iter().take(MAX_LISTED) {
                out.item(|out| {
                    out.bytes("name", name);
                    out.bytes("value", value);
                });
            }
        });
    }

    /// Start line and header.
    fn start(&self) -> Option<Value<'_>> {
        self.headed.then(|| Value::owned([&self.line, &b"\r\n"[..], &self.raw, b"\r\n"].concat()))
    }
}

impl View<'_> {
    fn request(&self) -> (&Message, Option<message::RequestLine<'_>>) {
        let [request, _] = self.halves;
        (request, message::request_line(&request.line).ok())
    }

    fn host(&self) -> Option<(Vec<u8>, Option<u16>)> {
        let (request, line) = self.request();
        let of_field = || request.values(b"host").next();
        line.and_then(|l| uri::authority(l.uri)).or_else(of_field).map(uri::host).filter(|h| !h.0.is_empty())
    }

    /// The protocol as the request's line says it.
    fn protocol(&self) -> Option<&[u8]> {
        let (request, line) = self.request();
        line.filter(|l| l.version != message::Version::V09)?;
        request.line.trim_ascii_end().rsplit(|b| b.is_ascii_whitespace()).next()
    }

    fn show(&self, out: &mut Json<'_>) {
        let [request, response] = self.halves;
        let (_, line) = self.request();
        if let Some((name, port)) = self.host() {
            out.bytes("hostname", &name);
            if let Some(port) = port {
                out.number("http_port", port.into());
            }
        }
        if let Some(line) = line {
            out.bytes("url", line.uri);
        }
        if let Some(agent) = request.joined(b"user-agent") {
            out.bytes("http_user_agent", &agent);
        }
        if let Some(kind) = response.values(b"content-type").next() {
            out.bytes("http_content_type", kind.split(|b| *b == b';').next().unwrap_or(kind));
        }
        if let Some(range) = response.values(b"content-range").next() {
            content_range(range, out);
        }
        if out.options().http_extended {
            self.extended(line.as_ref(), out);
        }
        let headers = out.options().http_headers;
        if headers {
            request.listed("request_headers", out);
            response.listed("response_headers", out);
        }
    }

    fn extended(&self, line: Option<&message::RequestLine<'_>>, out: &mut Json<'_>) {
        let [request, response] = self.halves;
        if let Some(referer) = request.joined(b"referer") {
            out.bytes("http_refer", &referer);
        }
        if let Some(line) = line {
            out.bytes("http_method", line.method);
        }
        if let Some(protocol) = self.protocol() {
            out.bytes("protocol", protocol);
        }
        if response.begun {
            let status = response.line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).nth(1);
            match status {
                _ if response.code > 0 => out.number("status", response.code.into()),
                Some(text) => out.bytes("status_string", text),
                None => {}
            }
            let location = response.values(b"location").next().filter(|_| (300..400).contains(&response.code));
            if let Some(location) = location {
                out.bytes("redirect", location);
            }
        }
        out.number("length", response.body_len);
    }

    fn of_request(&self, fact: Fact) -> Option<Value<'_>> {
        let [request, _] = self.halves;
        let line = || self.request().1;
        match fact {
            Fact::HttpMethod => line().map(|l| Value::from(l.method)),
            Fact::HttpUri => line().map(|l| Value::owned(uri::normalised(l.uri))),
            Fact::HttpUriRaw => line().map(|l| Value::from(l.uri)),
            Fact::HttpRequestLine if request.begun => Some(Value::from(&*request.line)),
            Fact::HttpHost => self.host().map(|(name, _)| Value::owned(name)),
            Fact::HttpHostRaw => request.value(b"host"),
            Fact::HttpUserAgent => request.value(b"user-agent"),
            Fact::HttpReferer => request.value(b"referer"),
            Fact::HttpAccept => request.value(b"accept"),
            Fact::HttpAcceptEnc => request.value(b"accept-encoding"),
            Fact::HttpAcceptLang => request.value(b"accept-language"),
            _ => None,
        }
    }

    fn of_response(&self, fact: Fact) -> Option<Value<'_>> {
        let [_, response] = self.halves;
        if !response.begun {
            return None;
        }
        let word = |n: usize| response.line.splitn(3, |b| b.is_ascii_whitespace()).nth(n);
        match fact {
            Fact::HttpResponseLine => Some(Value::from(&*response.line)),
            Fact::HttpStatCode => word(1).map(Value::from),
            Fact::HttpStatMsg => word(2).map(Value::from),
            Fact::HttpLocation => response.value(b"location"),
            Fact::HttpServer => response.value(b"server"),
            _ => None,
        }
    }

    fn of_both(&self, fact: Fact) -> Option<Value<'_>> {
        let half = self.dir.of(self.halves);
        let cookie: &[u8] = if self.dir.is_orig() { b"cookie" } else { b"set-cookie" };
        match fact {
            Fact::HttpHeader => half.lines(cookie),
            Fact::HttpHeaderRaw => half.raw(),
            Fact::HttpHeaderNames => half.names(),
            Fact::HttpCookie => half.value(cookie),
            Fact::HttpContentType => half.value(b"content-type"),
            Fact::HttpContentLen => half.value(b"content-length"),
            Fact::HttpConnection => half.value(b"connection"),
            Fact::HttpProtocol if self.dir.is_orig() => self.protocol().map(Value::from),
            Fact::HttpProtocol => half.line.split(|b| b.is_ascii_whitespace()).next().map(Value::from),
            Fact::HttpStart => half.start(),
            _ => None,
        }
    }
}

/// `bytes 0-99/200` (RFC 9110 §14.4), as far as it says something.
fn content_range(value: &[u8], out: &mut Json<'_>) {
    let text = String::from_utf8_lossy(value);
    let numbers = text.trim().strip_prefix("bytes").map_or("", str::trim_start);
    let (range, size) = numbers.split_once('/').unwrap_or((numbers, ""));
    let (start, end) = range.split_once('-').unwrap_or(("", ""));
    out.object("content_range", |out| {
        out.bytes("raw", value);
        for (name, text) in [("start", start), ("end", end), ("size", size)] {
            if let Ok(n) = text.trim().parse() {
                out.number(name, n);
            }
        }
    });
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "http"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("http", |out| self.show(out));
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let line = |half: &Message| {
            let (name, value) = half.fields.get(nth)?;
            Some(Value::owned([name, &b": "[..], value].concat()))
        };
        match fact {
            Fact::HttpRequestHeader if self.dir.is_orig() => line(&self.halves[0]),
            Fact::HttpResponseHeader if !self.dir.is_orig() => line(&self.halves[1]),
            _ if nth > 0 => None,
            _ => self.of_request(fact).or_else(|| self.of_response(fact)).or_else(|| self.of_both(fact)),
        }
    }
}
