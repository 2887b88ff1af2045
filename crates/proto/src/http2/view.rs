//! What rules and EVE are shown of a stream.

use super::frame::kind;
use super::tx::{Exchange, Half};
use crate::doh;
use sekisho_transaction::{Fact, Json, Transaction, Value};
use sekisho_types::Dir;

/// A frame, as far as rules ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub kind: u8,
    /// The code of an error, or by how much a window grows.
    pub value: u32,
    pub priority: Option<u8>,
}

/// A stream, looked at for a message of `dir`.
pub(super) struct View<'a> {
    pub exchange: &'a Exchange,
    pub dir: Dir,
}

/// Names of errors from 0 on (RFC 9113 §7).
const ERRORS: [&str; 14] = [
    "NOERROR",
    "PROTOCOLERROR",
    "INTERNALERROR",
    "FLOWCONTROLERROR",
    "SETTINGSTIMEOUT",
    "STREAMCLOSED",
    "FRAMESIZEERROR",
    "REFUSEDSTREAM",
    "CANCEL",
    "COMPRESSIONERROR",
    "CONNECTERROR",
    "ENHANCEYOURCALM",
    "INADEQUATESECURITY",
    "HTTP11REQUIRED",
];

/// Names of settings from 1 on (RFC 9113 §6.5.2).
const SETTINGS: [&str; 6] = [
    "SETTINGSHEADERTABLESIZE",
    "SETTINGSENABLEPUSH",
    "SETTINGSMAXCONCURRENTSTREAMS",
    "SETTINGSINITIALWINDOWSIZE",
    "SETTINGSMAXFRAMESIZE",
    "SETTINGSMAXHEADERLISTSIZE",
];

impl Half {
    fn errors(&self) -> impl Iterator<Item = u32> {
        self.frames.iter().filter(|f| matches!(f.kind, kind::GOAWAY | kind::RST_STREAM)).map(|f| f.value)
    }

    fn priorities(&self) -> impl Iterator<Item = u8> {
        self.frames.iter().filter_map(|f| f.priority)
    }

    fn has_frames_to_show(&self) -> bool {
        !self.settings.is_empty() || self.errors().next().is_some() || self.priorities().next().is_some()
    }

    fn show_fields(&self, name: &str, out: &mut Json<'_>) {
        if self.fields.is_empty() && self.sizes.is_empty() {
            return;
        }
        out.list(name, |out| {
            for (name, value) in &self.fields {
                out.item(|out| {
                    out.bytes("name", name);
                    out.bytes("value", value);
                });
            }
            self.sizes.iter().for_each(|&size| out.item(|out| out.number("table_size_update", size)));
        });
    }

    fn show_frames(&self, is_request: bool, out: &mut Json<'_>) {
        if !self.settings.is_empty() {
            out.list("settings", |out| {
                for (id, value) in &self.settings {
                    out.item(|out| {
                        match SETTINGS.get(usize::from(*id).wrapping_sub(1)) {
                            Some(name) => out.text("settings_id", name),
                            None => out.display("settings_id", format_args!("SETTINGS{id}")),
                        }
                        out.number("settings_value", (*value).into());
                    });
                }
            });
        }
        if let Some(code) = self.errors().next() {
            match ERRORS.get(code as usize) {
                Some(name) => out.text("error_code", name),
                None => out.display("error_code", code),
            }
        }
        let priority = self.priorities().next().filter(|_| is_request);
        if let Some(weight) = priority {
            out.number("priority", weight.into());
        }
        if self.errors().nth(1).is_some() {
            out.text("has_multiple", "error_code");
        } else if priority.is_some() && self.priorities().nth(1).is_some() {
            out.text("has_multiple", "priority");
        }
    }

    /// Names and values, a line each.
    fn lines(&self, but: &[u8], trim: bool) -> Option<Value<'_>> {
        let mut out = Vec::new();
        for (name, value) in self.fields.iter().filter(|f| !f.0.eq_ignore_ascii_case(but)) {
            let value = if trim { value.trim_ascii() } else { value };
            out.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
        }
        (!out.is_empty()).then_some(Value::owned(out))
    }

    /// All values of a field, with commas between.
    fn values(&self, name: &[u8]) -> Option<Value<'_>> {
        let mut all = self.fields.iter().filter(|f| f.0.eq_ignore_ascii_case(name)).map(|f| &*f.1);
        let first = all.next()?;
        let rest: Vec<&[u8]> = all.collect();
        if rest.is_empty() {
            return Some(Value::from(first));
        }
        Some(Value::owned([&[first], rest.as_slice()].concat().join(&b", "[..])))
    }
}

impl View<'_> {
    /// Is there anything to write of it?
    pub fn has_anything(&self) -> bool {
        self.exchange.halves.iter().any(|h| h.has_frames_to_show() || !h.fields.is_empty() || !h.sizes.is_empty())
    }

    fn show(&self, out: &mut Json<'_>) {
        let [request, response] = &self.exchange.halves;
        out.text("version", "2");
        request.show_fields("request_headers", out);
        response.show_fields("response_headers", out);
        let of_both = |name: &[u8]| request.first(name).into_iter().chain(response.first(name)).last();
        let texts = [
            (&b":method"[..], "http_method"),
            (b":path", "url"),
            (b"host", "hostname"),
            (b"user-agent", "http_user_agent"),
        ];
        for (name, shown) in texts {
            if let Some(text) = of_both(name) {
                out.bytes(shown, text);
            }
        }
        for (name, shown) in [(&b"content-length"[..], "length"), (b":status", "status")] {
            let number = of_both(name).and_then(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok());
            if let Some(number) = number {
                out.number(shown, number);
            }
        }
        out.object("http2", |out| {
            out.number("stream_id", self.exchange.stream.into());
            for (half, name) in [(request, "request"), (response, "response")] {
                let is_request = name == "request";
                let shown = half.has_frames_to_show()
                    && (is_request || !half.settings.is_empty() || half.errors().next().is_some());
                if shown {
                    out.object(name, |out| half.show_frames(is_request, out));
                }
            }
        });
    }

    /// The message of DNS: the answer, or else the question.
    fn dns(&self) -> Option<&doh::Message> {
        let [request, response] = &self.exchange.halves;
        let whole = |half: &'_ Half| half.dns.as_ref().is_some_and(|dns| dns.is_whole());
        let half = if whole(response) { response } else { request };
        half.dns.as_deref().filter(|dns| dns.is_whole())
    }

    /// `http.host`: without user and port, in lower case.
    fn host(&self) -> Option<Value<'_>> {
        let [request, _] = &self.exchange.halves;
        let authority = request.first(b":authority")?;
        let host = authority.splitn(2, |b| *b == b'@').last().unwrap_or(authority);
        let host = host.split(|b| *b == b':').next().unwrap_or(host);
        Some(Value::owned(host.to_ascii_lowercase()))
    }

    fn of_request(&self, fact: Fact) -> Option<Value<'_>> {
        let [request, _] = &self.exchange.halves;
        let first = |name: &[u8]| request.first(name).map(Value::from);
        match fact {
            Fact::HttpAccept => request.values(b"accept"),
            Fact::HttpAcceptEnc => request.values(b"accept-encoding"),
            Fact::HttpAcceptLang => request.values(b"accept-language"),
            Fact::HttpHost => self.host(),
            Fact::HttpHostRaw => request.values(b":authority"),
            Fact::HttpMethod => first(b":method"),
            Fact::HttpReferer => request.values(b"referer"),
            Fact::HttpRequestLine => {
                let [method, path] = [&b":method"[..], b":path"].map(|name| request.first(name).unwrap_or(&[]));
                let line = || Value::owned([method, b" ", path, b" HTTP/2\r\n"].concat());
                (!request.fields.is_empty()).then(line)
            }
            Fact::HttpUri | Fact::HttpUriRaw => first(b":path"),
            Fact::HttpUserAgent => request.values(b"user-agent"),
            _ => None,
        }
    }

    fn of_response(&self, fact: Fact) -> Option<Value<'_>> {
        let [_, response] = &self.exchange.halves;
        match fact {
            Fact::HttpLocation => response.values(b"location"),
            Fact::HttpResponseLine => {
                let line = |status: &[u8]| Value::owned([&b"HTTP/2 "[..], status, b"\r\n"].concat());
                response.first(b":status").map(line)
            }
            Fact::HttpServer => response.values(b"server"),
            Fact::HttpStatCode => response.first(b":status").map(Value::from),
            _ => None,
        }
    }

    fn of_both(&self, fact: Fact) -> Option<Value<'_>> {
        let half = self.dir.of(&self.exchange.halves);
        let cookie: &[u8] = if self.dir.is_orig() { b"cookie" } else { b"set-cookie" };
        match fact {
            Fact::HttpConnection => half.values(b"connection"),
            Fact::HttpContentLen => half.values(b"content-length"),
            Fact::HttpContentType => half.values(b"content-type"),
            Fact::HttpCookie => half.values(cookie),
            Fact::HttpHeader => half.lines(cookie, true),
            Fact::HttpHeaderRaw => half.lines(b"", false),
            Fact::HttpHeaderNames if !half.fields.is_empty() => {
                let mut out = b"\r\n".to_vec();
                half.fields.iter().for_each(|f| out.extend_from_slice(&[&f.0, &b"\r\n"[..]].concat()));
                out.extend_from_slice(b"\r\n");
                Some(Value::owned(out))
            }
            Fact::HttpProtocol => Some(Value::from("HTTP/2")),
            _ => None,
        }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "http"
    }

    fn app(&self) -> &'static str {
        if self.exchange.is_doh { "doh2" } else { "http2" }
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("http", |out| self.show(out));
        if out.is_alert()
            && let Some(dns) = self.dns()
        {
            dns.eve(out);
        }
    }

    fn second_event(&self) -> Option<&'static str> {
        self.dns().map(|_| "dns")
    }

    fn eve_second(&self, out: &mut Json<'_>) {
        out.object("http", |out| self.show(out));
        if let Some(dns) = self.dns() {
            dns.eve(out);
        }
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let half = self.dir.of(&self.exchange.halves);
        let number = |n: Option<u32>| Some(Value::Number(n?.into()));
        let line = |half: &Half| {
            let (name, value) = half.fields.get(nth)?;
            Some(Value::owned([name, &b": "[..], value].concat()))
        };
        match fact {
            Fact::Http2Errorcode => number(half.errors().nth(nth)),
            Fact::Http2Frametype => Some(Value::Number(half.frames.get(nth)?.kind.into())),
            Fact::Http2Header => line(half),
            Fact::HttpRequestHeader if self.dir.is_orig() => line(half),
            Fact::HttpResponseHeader if !self.dir.is_orig() => line(half),
            Fact::Http2HeaderName => Some(Value::from(&*half.fields.get(nth)?.0)),
            Fact::Http2Priority => number(half.priorities().nth(nth).map(u32::from)),
            Fact::Http2Settings => {
                let (id, value) = half.settings.get(nth)?;
                Some(Value::Number(u64::from(*id) << 32 | u64::from(*value)))
            }
            Fact::Http2SizeUpdate => Some(Value::Number(*half.sizes.get(nth)?)),
            Fact::Http2Window => {
                number(half.frames.iter().filter(|f| f.kind == kind::WINDOW_UPDATE).nth(nth).map(|f| f.value))
            }
            _ if fact.info().app == "dns" => half.dns.as_ref()?.fact(fact, nth),
            _ if nth > 0 => None,
            _ => self.of_request(fact).or_else(|| self.of_response(fact)).or_else(|| self.of_both(fact)),
        }
    }
}
