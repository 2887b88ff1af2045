//! JSON text of EVE's objects, written straight into a buffer.

use crate::{Fields, fields};

/// Bytes of one event from which on nothing more is added to it; what is open is closed properly.
pub const MAX_EVENT_LEN: usize = 256 * 1024;

/// Objects and lists within each other; deeper ones are left out.
const MAX_DEPTH: u32 = 31;

/// What events are to say beyond the usual, as Suricata's configuration has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `http: extended`.
    pub http_extended: bool,
    /// `http: dump-all-headers`.
    pub http_headers: bool,
    /// `tls: extended` and `custom`: see [`crate::fields::tls`].
    pub tls: Fields,
    /// `smtp: extended` and `custom`: see [`crate::fields::email`].
    pub email: Fields,
    /// `dhcp: extended`.
    pub dhcp_extended: bool,
    /// `dns: version: 2`.
    pub dns_v2: bool,
    /// Which URLs of mails are shown: bits 1 http, 2 https, 4 ftp, 8 mailto
    /// (`app-layer.protocols.smtp.mime.extract-urls-schemes`).
    pub url_schemes: u8,
    /// URLs of mails with their scheme (`smtp.mime.log-url-scheme`).
    pub url_with_scheme: bool,
    /// `pgsql: passwords`.
    pub passwords: bool,
    /// `mqtt: passwords`.
    pub mqtt_passwords: bool,
}

impl Default for Options {
    /// As Suricata without a configuration.
    fn default() -> Self {
        Self {
            http_extended: true,
            http_headers: false,
            tls: Fields::of(fields::tls::EXTENDED | fields::tls::RESUMED_SESSIONS),
            email: Fields::of(fields::email::EXTENDED),
            dhcp_extended: false,
            dns_v2: false,
            url_schemes: 1,
            url_with_scheme: false,
            passwords: false,
            mqtt_passwords: true,
        }
    }
}

/// Writes members of a JSON object, then of those within it. Names are the program's own and need no escape.
pub struct Json<'a> {
    out: &'a mut Vec<u8>,
    options: Options,
    /// Where the event began.
    start: usize,
    /// Whether something stands already at each depth: bit 0 is the innermost.
    begun: u32,
    depth: u32,
    /// Depth of what is left out; 0: nothing is.
    skipped: u32,
    alert: bool,
}

impl<'a> Json<'a> {
    /// Continues an object in `out` whose brace and first members, if `begun`, stand there.
    pub fn within(out: &'a mut Vec<u8>, begun: bool, options: Options) -> Self {
        let start = out.len();
        Self { out, options, start, begun: u32::from(begun), depth: 0, skipped: 0, alert: false }
    }

    /// What is written is part of an alert: some protocols say less there, or elsewhere.
    #[must_use]
    pub fn for_alert(self) -> Self {
        Self { alert: true, ..self }
    }

    /// Is what is written part of an alert?
    pub const fn is_alert(&self) -> bool {
        self.alert
    }

    /// What is to be said beyond the usual.
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Is there no more room? Whoever writes a list may stop.
    pub fn is_full(&self) -> bool {
        self.out.len().saturating_sub(self.start) >= MAX_EVENT_LEN
    }

    /// Comma if need be; false if it does not go in.
    fn next(&mut self) -> bool {
        if self.skipped > 0 || self.is_full() {
            return false;
        }
        if self.begun & 1 == 1 {
            self.out.push(b',');
        }
        self.begun |= 1;
        true
    }

    fn name(&mut self, name: &str) -> bool {
        if !self.next() {
            return false;
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        true
    }

    fn open(&mut self, fits: bool, brace: u8) {
        if !fits || self.depth >= MAX_DEPTH {
            if fits {
                self.out.extend_from_slice(b"null");
            }
            self.skipped += 1;
            return;
        }
        self.out.push(brace);
        self.begun <<= 1;
        self.depth += 1;
    }

    fn close(&mut self, brace: u8) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        self.out.push(brace);
        self.begun >>= 1;
        self.depth -= 1;
    }

    /// A member that is an object.
    pub fn object(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        let fits = self.name(name);
        self.open(fits, b'{');
        members(self);
        self.close(b'}');
    }

    /// A member that is a list.
    pub fn list(&mut self, name: &str, items: impl FnOnce(&mut Self)) {
        let fits = self.name(name);
        self.open(fits, b'[');
        items(self);
        self.close(b']');
    }

    /// An object in a list.
    pub fn item(&mut self, members: impl FnOnce(&mut Self)) {
        let fits = self.next();
        self.open(fits, b'{');
        members(self);
        self.close(b'}');
    }

    /// Text of the program's own, or from the wire once it is UTF-8.
    pub fn text(&mut self, name: &str, text: &str) {
        self.bytes(name, text.as_bytes());
    }

    /// Bytes from the wire as text: UTF-8 as it is; of anything else each byte that is not ASCII as `\xhh`.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) {
        if self.name(name) {
            self.string(bytes);
        }
    }

    /// As [`Json::bytes`], of a name from the wire.
    pub fn named(&mut self, name: &[u8], bytes: &[u8]) {
        if self.next() {
            self.string(name);
            self.out.push(b':');
            self.string(bytes);
        }
    }

    /// As [`Json::number`], of a name that is not the program's own.
    pub fn named_number(&mut self, name: &[u8], n: u64) {
        if self.next() {
            self.string(name);
            self.out.push(b':');
            self.digits(n);
        }
    }

    /// As [`Json::list`], of a name that is not the program's own.
    pub fn named_list(&mut self, name: &[u8], items: impl FnOnce(&mut Self)) {
        let fits = self.next();
        if fits {
            self.string(name);
            self.out.push(b':');
        }
        self.open(fits, b'[');
        items(self);
        self.close(b']');
    }

    /// As [`Json::bytes`], of a text of `len` bytes no more than `max`; then says how many more there were, as Suricata does.
    pub fn limited(&mut self, name: &str, bytes: &[u8], len: u64, max: usize) {
        let more = len.saturating_sub(max as u64);
        if more == 0 {
            return self.bytes(name, bytes);
        }
        let mut shown = bytes.get(..max).unwrap_or(bytes).to_vec();
        shown.extend_from_slice(format!("[truncated {more} additional bytes]").as_bytes());
        self.bytes(name, &shown);
    }

    /// Text in a list.
    pub fn item_bytes(&mut self, bytes: &[u8]) {
        if self.next() {
            self.string(bytes);
        }
    }

    /// Bytes in base64, in a list.
    pub fn item_base64(&mut self, bytes: &[u8]) {
        if self.next() {
            self.base64_digits(bytes);
        }
    }

    /// A number.
    pub fn number(&mut self, name: &str, n: u64) {
        if self.name(name) {
            self.digits(n);
        }
    }

    /// A number in a list.
    pub fn item_number(&mut self, n: u64) {
        if self.next() {
            self.digits(n);
        }
    }

    /// A number that may be negative.
    pub fn signed(&mut self, name: &str, n: i64) {
        if self.name(name) {
            if n < 0 {
                self.out.push(b'-');
            }
            self.digits(n.unsigned_abs());
        }
    }

    /// A fraction; what is none (infinite) is left out.
    pub fn float(&mut self, name: &str, n: f64) {
        if n.is_finite() && self.name(name) {
            self.out.extend_from_slice(ryu::Buffer::new().format_finite(n).as_bytes());
        }
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, on: bool) {
        if self.name(name) {
            self.out.extend_from_slice(if on { b"true" } else { b"false" });
        }
    }

    /// Bytes in hexadecimal, lower case.
    pub fn hex(&mut self, name: &str, bytes: &[u8]) {
        if self.name(name) {
            self.hex_digits(bytes, None);
        }
    }

    /// Bytes in hexadecimal with colons between: `00:1f`.
    pub fn hex_colons(&mut self, name: &str, bytes: &[u8]) {
        if self.name(name) {
            self.hex_digits(bytes, Some(b':'));
        }
    }

    /// Bytes in base64 (RFC 4648 §4).
    pub fn base64(&mut self, name: &str, bytes: &[u8]) {
        if self.name(name) {
            self.base64_digits(bytes);
        }
    }

    /// Anything that displays itself, as text.
    pub fn display(&mut self, name: &str, value: impl std::fmt::Display) {
        self.bytes(name, value.to_string().as_bytes());
    }

    /// Anything that displays itself, as text in a list.
    pub fn item_display(&mut self, value: impl std::fmt::Display) {
        self.item_bytes(value.to_string().as_bytes());
    }

    /// Members written before, without their braces, as they are.
    pub fn members(&mut self, json: &[u8]) {
        if !json.is_empty() && self.next() {
            self.out.extend_from_slice(json);
        }
    }

    fn room(&self) -> usize {
        MAX_EVENT_LEN.saturating_sub(self.out.len().saturating_sub(self.start))
    }

    fn string(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.get(..self.room()).unwrap_or(bytes);
        self.out.push(b'"');
        // A character cut by the cap is no reason to show the others as bytes.
        let text = match std::str::from_utf8(bytes) {
            Err(e) if e.error_len().is_none() && bytes.len() == self.room() => {
                bytes = bytes.get(..e.valid_up_to()).unwrap_or(&[]);
                true
            }
            other => other.is_ok(),
        };
        for &b in bytes {
            match b {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', b]),
                0x20..=0x7e => self.out.push(b),
                0x80.. if text => self.out.push(b),
                0x80.. => {
                    let [high, low] = pair(b);
                    self.out.extend_from_slice(&[b'\\', b'\\', b'x', high, low]);
                }
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0x08 => self.out.extend_from_slice(b"\\b"),
                0x0c => self.out.extend_from_slice(b"\\f"),
                _ => {
                    let [high, low] = pair(b);
                    self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
                }
            }
        }
        self.out.push(b'"');
    }

    fn digits(&mut self, mut n: u64) {
        let mut digits = [0; 20];
        let mut len = 0;
        for (digit, i) in digits.iter_mut().rev().zip(1..) {
            *digit = b'0' + (n % 10) as u8;
            n /= 10;
            len = i;
            if n == 0 {
                break;
            }
        }
        self.out.extend_from_slice(digits.get(20 - len..).unwrap_or(&[]));
    }

    fn hex_digits(&mut self, bytes: &[u8], between: Option<u8>) {
        self.out.push(b'"');
        let fit = bytes.len().min(self.room() / 3);
        for (i, &b) in bytes.iter().take(fit).enumerate() {
            if let (Some(between), 1..) = (between, i) {
                self.out.push(between);
            }
            self.out.extend_from_slice(&pair(b));
        }
        self.out.push(b'"');
    }

    fn base64_digits(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |n: u32| DIGITS.get((n & 63) as usize).copied().unwrap_or(b'=');
        self.out.push(b'"');
        let fit = bytes.len().min(self.room() / 4 * 3);
        for chunk in bytes.get(..fit).unwrap_or(bytes).chunks(3) {
            let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
            let n = at(0) << 16 | at(1) << 8 | at(2);
            let mut four = [digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)];
            four.iter_mut().skip(chunk.len() + 1).for_each(|d| *d = b'=');
            self.out.extend_from_slice(&four);
        }
        self.out.push(b'"');
    }
}

/// Two digits of a byte, lower case.
const fn pair(b: u8) -> [u8; 2] {
    const fn digit(n: u8) -> u8 {
        if n < 10 { b'0' + n } else { b'a' + n - 10 }
    }
    [digit(b >> 4), digit(b & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = b"{".to_vec();
        f(&mut Json::within(&mut out, false, Options::default()));
        out.push(b'}');
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_objects_lists_and_values() {
        let text = written(|j| {
            j.number("a", 0);
            j.object("b", |j| {
                j.text("c", "x\"\\\n\u{1}é");
                j.list("d", |j| {
                    j.item_number(u64::MAX);
                    j.item(|j| j.flag("e", true));
                    j.item(|_| ());
                    j.item_bytes(b"f");
                });
            });
            j.signed("g", i64::MIN);
            j.float("h", 1.5);
            j.float("nan", f64::NAN);
            j.hex("i", &[0, 255]);
            j.hex_colons("k", &[0, 31]);
            j.members(b"\"l\":1,\"m\":2");
            j.display("n", 7);
        });
        assert_eq!(
            text,
            "{\"a\":0,\"b\":{\"c\":\"x\\\"\\\\\\n\\u0001é\",\"d\":[18446744073709551615,{\"e\":true},{},\"f\"]},\
             \"g\":-9223372036854775808,\"h\":1.5,\"i\":\"00ff\",\"k\":\"00:1f\",\"l\":1,\"m\":2,\"n\":\"7\"}"
        );
    }

    #[test]
    fn limits_texts_and_escapes_names() {
        assert_eq!(written(|j| j.limited("a", b"xyz", 3, 3)), "{\"a\":\"xyz\"}");
        assert_eq!(written(|j| j.limited("a", b"xyz", 9, 2)), "{\"a\":\"xy[truncated 7 additional bytes]\"}");
        assert_eq!(written(|j| j.named(b"\"", b"1")), "{\"\\\"\":\"1\"}");
    }

    #[test]
    fn shows_what_is_no_text_as_bytes() {
        assert_eq!(written(|j| j.bytes("a", b"x\xff\n\"")), "{\"a\":\"x\\\\xff\\n\\\"\"}");
    }

    #[test]
    fn writes_base64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(written(|j| j.base64("a", bytes.as_bytes())), format!("{{\"a\":\"{text}\"}}"));
        }
    }

    #[test]
    fn limits_an_event_and_closes_what_is_open() {
        let text = written(|j| {
            j.object("a", |j| {
                j.list("b", |j| {
                    for _ in 0..10 {
                        j.item_bytes(&vec![0xc3; MAX_EVENT_LEN / 4]);
                    }
                    assert!(j.is_full());
                });
                j.object("never", |j| j.number("n", 1));
            });
        });
        assert!(text.ends_with("]}}") && text.len() < 6 * MAX_EVENT_LEN && !text.contains("never"));
    }

    #[test]
    fn limits_depth() {
        fn deeper(j: &mut Json<'_>, n: u32) {
            if n > 0 {
                j.object("o", |j| deeper(j, n - 1));
            }
        }
        let text = written(|j| deeper(j, 100));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert!(text.contains("null") && text.matches('{').count() == 32);
    }
}
