//! JSON text of EVE's objects, written straight into a buffer.

use crate::members::{Members, WORD_LEN, copy_short, quoted_word, write_addr, write_bits};
use crate::{Fields, fields};
use sekisho_types::Addr;
use sekisho_types::text::{Line, hex_pair, plain_len, short, unsigned, word};
use std::fmt::{self, Display, Write};

/// Bytes of one event from which on nothing more is added to it; what is open is closed properly.
pub const MAX_EVENT_LEN: usize = 256 * 1024;

/// Objects and lists within each other; deeper ones are left out.
const MAX_DEPTH: u32 = 31;

/// Room that [`Json::placed`] lends: enough for an address.
pub const PLACE_LEN: usize = Addr::ROOM_LEN;

/// Names of members up to there are put in place in one go, with what is around them.
const SHORT_NAME_LEN: usize = WORD_LEN;

/// Texts up to there are, too, if they need no escape.
const SHORT_TEXT_LEN: usize = WORD_LEN;

/// Printable characters that are escaped.
const SPECIAL: [u8; 2] = [b'"', b'\\'];

/// What a byte needs inside of a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nothing.
    Plain,
    /// A backslash and this character.
    Short(u8),
    /// `\u00hh`.
    Control,
    /// It is part of a character of UTF-8, or shown as a byte.
    High,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let mut b = 0;
    while b < classes.len() {
        classes[b] = match b as u8 {
            c @ (b'"' | b'\\') => Class::Short(c),
            b'\n' => Class::Short(b'n'),
            b'\r' => Class::Short(b'r'),
            b'\t' => Class::Short(b't'),
            0x08 => Class::Short(b'b'),
            0x0c => Class::Short(b'f'),
            0..0x20 | 0x7f => Class::Control,
            0x80.. => Class::High,
            _ => Class::Plain,
        };
        b += 1;
    }
    classes
};

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
    out: &'a mut Line,
    options: Options,
    /// Length from which on nothing more goes in …
    end: usize,
    /// … and from which on nothing does: 0 while something is left out.
    limit: usize,
    /// Whether something stands already at each depth: bit 0 is the innermost.
    begun: u32,
    depth: u32,
    /// Depth of what is left out; 0: nothing is.
    skipped: u32,
    alert: bool,
}

impl<'a> Json<'a> {
    /// Continues an object in `out` whose brace and first members, if `begun`, stand there.
    pub fn within(out: &'a mut Line, begun: bool, options: Options) -> Self {
        let end = out.len().saturating_add(MAX_EVENT_LEN);
        Self { out, options, end, limit: end, begun: u32::from(begun), depth: 0, skipped: 0, alert: false }
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
        self.out.len() >= self.end
    }

    /// Comma if need be; false if it does not go in.
    fn next(&mut self) -> bool {
        if self.out.len() >= self.limit {
            return false;
        }
        let comma = self.begun & 1;
        self.begun |= 1;
        self.out.fill(|place: &mut [u8; 1]| {
            *place = [b','];
            comma as usize
        });
        true
    }

    /// Comma if need be, and the name; false if it does not go in.
    fn name(&mut self, name: &str) -> bool {
        if self.out.len() >= self.limit {
            return false;
        }
        let comma = (self.begun & 1) as usize;
        self.begun |= 1;
        if name.len() > SHORT_NAME_LEN {
            self.long_name(comma, name);
            return true;
        }
        self.out.fill(|place: &mut [u8; SHORT_NAME_LEN + 8]| {
            place[0] = b',';
            let (_, place) = place.split_at_mut(comma);
            place[0] = b'"';
            copy_short(&mut place[1..], name.as_bytes());
            place[1 + name.len()..][..2].copy_from_slice(b"\":");
            comma + name.len() + 3
        });
        true
    }

    #[cold]
    fn long_name(&mut self, comma: usize, name: &str) {
        self.out.extend(if comma == 1 { b",\"" } else { b"\"" });
        self.out.extend(name.as_bytes());
        self.out.extend(b"\":");
    }

    fn open(&mut self, fits: bool, brace: u8) {
        if !fits || self.depth >= MAX_DEPTH {
            if fits {
                self.out.extend(b"null");
            }
            self.skipped += 1;
            self.limit = 0;
            return;
        }
        self.out.push(brace);
        self.begun <<= 1;
        self.depth += 1;
    }

    fn close(&mut self, brace: u8) {
        if self.skipped > 0 {
            self.skipped -= 1;
            self.limit = if self.skipped > 0 { 0 } else { self.end };
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

    /// A text of bounded size that needs no escape: `write` puts it into the room that it gets, and tells how long it is.
    pub fn placed(&mut self, name: &str, write: impl FnOnce(&mut [u8; PLACE_LEN]) -> usize) {
        if self.name(name) {
            self.quoted(write);
        }
    }

    /// A word of the program's own, which needs no escape.
    pub fn word(&mut self, name: &str, text: &str) {
        if text.len() > SHORT_TEXT_LEN {
            self.text(name, text);
        } else if self.name(name) {
            self.out.fill(|place: &mut [u8; SHORT_TEXT_LEN + 2]| quoted_word(place, text));
        }
    }

    /// Members put side by side in `N` bytes of room, at least one.
    pub fn put<const N: usize>(&mut self, write: impl FnOnce(&mut Members<'_>)) {
        if self.next() {
            self.out.fill(|place: &mut [u8; N]| {
                let mut members = Members::new(place);
                write(&mut members);
                members.len()
            });
        }
    }

    /// An address as Suricata prints it: IPv6 in eight groups, each with its leading zeros.
    pub fn addr(&mut self, name: &str, addr: Addr) {
        self.placed(name, |place| write_addr(place, addr));
    }

    /// An address in a list.
    pub fn item_addr(&mut self, addr: Addr) {
        if self.next() {
            self.quoted(|place| write_addr(place, addr));
        }
    }

    /// Bits in hexadecimal as text, lower case, without leading zeros: `8180`.
    pub fn bits(&mut self, name: &str, bits: u16) {
        self.placed(name, |place| write_bits(place, bits));
    }

    fn quoted(&mut self, write: impl FnOnce(&mut [u8; PLACE_LEN]) -> usize) {
        self.out.fill(|place: &mut [u8; PLACE_LEN + 2]| {
            place[0] = b'"';
            let len = place[1..].first_chunk_mut().map_or(0, write).min(PLACE_LEN);
            place[1 + len] = b'"';
            len + 2
        });
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
            self.out.extend(ryu::Buffer::new().format_finite(n).as_bytes());
        }
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, on: bool) {
        if self.name(name) {
            self.out.fill(|place: &mut [u8; 8]| {
                let text = if on { b"true\0" } else { b"false" };
                word(place, text) - usize::from(on)
            });
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
    pub fn display(&mut self, name: &str, value: impl Display) {
        if self.name(name) {
            self.shown(value);
        }
    }

    /// Anything that displays itself, as text in a list.
    pub fn item_display(&mut self, value: impl Display) {
        if self.next() {
            self.shown(value);
        }
    }

    /// Members written before, without their braces, as they are.
    pub fn members(&mut self, json: &[u8]) {
        if !json.is_empty() && self.next() {
            self.out.extend(json);
        }
    }

    /// Bytes that still go in.
    fn room(&self) -> usize {
        self.end.saturating_sub(self.out.len())
    }

    fn string(&mut self, bytes: &[u8]) {
        let mut done = false;
        if self.room() >= SHORT_TEXT_LEN {
            self.out.fill(|place: &mut [u8; SHORT_TEXT_LEN + 2]| {
                place[0] = b'"';
                let inner = place[1..].first_chunk_mut::<SHORT_TEXT_LEN>();
                let Some(len) = inner.and_then(|inner| short(inner, bytes, SPECIAL)) else { return 0 };
                done = true;
                place[1 + len] = b'"';
                len + 2
            });
        }
        if !done {
            self.long_string(bytes);
        }
    }

    /// A string that is long or needs escapes.
    #[inline(never)]
    fn long_string(&mut self, bytes: &[u8]) {
        let mut text = None;
        let mut shown = bytes;
        if let Some(cut) = bytes.get(..self.room()).filter(|cut| cut.len() < bytes.len()) {
            shown = cut;
            // A character cut by the cap is no reason to show the others as bytes.
            if let Err(e) = str::from_utf8(cut)
                && e.error_len().is_none()
            {
                shown = cut.get(..e.valid_up_to()).unwrap_or(&[]);
                text = Some(true);
            }
        }
        self.out.push(b'"');
        self.escaped(shown, text);
        self.out.push(b'"');
    }

    /// What stands between quotes. `text`: whether it is UTF-8, if that is known.
    fn escaped(&mut self, bytes: &[u8], mut text: Option<bool>) {
        let mut rest = bytes;
        loop {
            let (plain, behind) = rest.split_at(plain_len(rest, SPECIAL));
            self.out.extend(plain);
            let Some((&b, after)) = behind.split_first() else { return };
            rest = after;
            match CLASSES[usize::from(b)] {
                Class::Plain => self.out.push(b),
                Class::Short(c) => self.out.extend(&[b'\\', c]),
                Class::Control => {
                    let [high, low] = hex_pair(b);
                    self.out.extend(&[b'\\', b'u', b'0', b'0', high, low]);
                }
                Class::High => {
                    // Before it was ASCII only: what follows decides for all.
                    let text = *text.get_or_insert_with(|| str::from_utf8(behind).is_ok());
                    let count = behind.iter().take_while(|b| **b >= 0x80).count();
                    let (high, after) = behind.split_at(count);
                    rest = after;
                    if text {
                        self.out.extend(high);
                    } else {
                        high.iter().for_each(|&b| self.byte(b));
                    }
                }
            }
        }
    }

    /// A byte that is no text: `\xhh`.
    fn byte(&mut self, b: u8) {
        let [high, low] = hex_pair(b);
        self.out.extend(&[b'\\', b'\\', b'x', high, low]);
    }

    /// What displays itself, in quotes.
    fn shown(&mut self, value: impl Display) {
        self.out.push(b'"');
        // Writing to a line cannot fail.
        let _ = write!(Shown(self), "{value}");
        self.out.push(b'"');
    }

    fn digits(&mut self, n: u64) {
        self.out.fill(|place: &mut [u8; 24]| unsigned(place, n));
    }

    fn hex_digits(&mut self, bytes: &[u8], between: Option<u8>) {
        self.out.push(b'"');
        let fit = bytes.len().min(self.room() / 3);
        let bytes = bytes.get(..fit).unwrap_or(bytes);
        match between {
            None => self.out.fill_each(fit, pairs(bytes)),
            Some(between) => {
                for (i, &b) in bytes.iter().enumerate() {
                    let [high, low] = hex_pair(b);
                    let three = [between, high, low];
                    self.out.extend(if i > 0 { &three } else { &three[1..] });
                }
            }
        }
        self.out.push(b'"');
    }

    fn base64_digits(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |n: u32| DIGITS[(n & 63) as usize];
        self.out.push(b'"');
        let fit = bytes.len().min(self.room() / 4 * 3);
        let mut chunks = bytes.get(..fit).unwrap_or(bytes).chunks(3);
        self.out.fill_each(fit.div_ceil(3), |place: &mut [u8; 8]| {
            let chunk = chunks.next()?;
            let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
            let n = at(0) << 16 | at(1) << 8 | at(2);
            let mut four = [digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)];
            four.iter_mut().skip(chunk.len() + 1).for_each(|d| *d = b'=');
            Some(word(place, &four))
        });
        self.out.push(b'"');
    }
}

/// The digits of one byte after the other.
fn pairs(bytes: &[u8]) -> impl FnMut(&mut [u8; 4]) -> Option<usize> {
    let mut bytes = bytes.iter();
    move |place| Some(word(place, &hex_pair(*bytes.next()?)))
}

/// Writes what displays itself, each piece escaped.
struct Shown<'j, 'a>(&'j mut Json<'a>);

impl Write for Shown<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let most = text.floor_char_boundary(self.0.room());
        self.0.escaped(text.get(..most).unwrap_or("").as_bytes(), Some(true));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Line::default();
        out.push(b'{');
        f(&mut Json::within(&mut out, false, Options::default()));
        out.push(b'}');
        String::from_utf8(out.into_bytes()).unwrap()
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

    /// As the rule says it, byte by byte.
    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let text = str::from_utf8(bytes).is_ok();
        let mut out = Vec::new();
        for &b in bytes {
            match b {
                b'"' | b'\\' => out.extend([b'\\', b]),
                0x20..=0x7e => out.push(b),
                0x80.. if text => out.push(b),
                0x80.. => out.extend(format!("\\\\x{b:02x}").bytes()),
                b'\n' => out.extend(b"\\n"),
                b'\r' => out.extend(b"\\r"),
                b'\t' => out.extend(b"\\t"),
                0x08 => out.extend(b"\\b"),
                0x0c => out.extend(b"\\f"),
                _ => out.extend(format!("\\u{b:04x}").bytes()),
            }
        }
        out
    }

    /// Random numbers (SplitMix64).
    fn random() -> impl FnMut(usize) -> usize {
        let mut state = 7u64;
        move |below| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) as usize % below
        }
    }

    #[test]
    fn escapes_as_byte_by_byte() {
        let pieces: [&[u8]; 12] = [
            b"a",
            b"plain",
            b"\"",
            b"\\",
            b"\n",
            b"\x7f",
            b"\x01",
            "é".as_bytes(),
            "日本".as_bytes(),
            b"\xc3",
            b"\xff",
            b"\0",
        ];
        let mut random = random();
        for round in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..random(24) {
                match round % 4 {
                    0 => bytes.push(random(256) as u8),
                    1 => bytes.extend(pieces[random(9)]),
                    2 => bytes.extend(pieces[random(12)]),
                    _ => bytes.push(b' ' + random(95) as u8),
                }
            }
            let want = [b"{\"n\":\"", &escaped(&bytes)[..], b"\"}"].concat();
            let text = written(|j| j.bytes("n", &bytes));
            assert_eq!(text.as_bytes(), want, "{bytes:?}");
            if let Ok(shown) = str::from_utf8(&bytes) {
                assert_eq!(written(|j| j.display("n", shown)), text);
            }
        }
    }

    #[test]
    fn names_of_any_length() {
        let long = "abcdefghijklmnopqrstuvwxyz_0123456789_and_more";
        for len in 0..long.len() {
            let name = &long[..len];
            let text = written(|j| {
                j.flag(name, true);
                j.flag(name, false);
                j.number(name, 1);
            });
            assert_eq!(text, format!("{{\"{name}\":true,\"{name}\":false,\"{name}\":1}}"));
        }
    }

    #[test]
    fn hexadecimal_of_any_length() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in [0, 1, 5, 32, 256] {
            let digits =
                |between: &str| bytes[..len].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(between);
            let text = written(|j| {
                j.hex("a", &bytes[..len]);
                j.hex_colons("b", &bytes[..len]);
            });
            assert_eq!(text, format!("{{\"a\":\"{}\",\"b\":\"{}\"}}", digits(""), digits(":")));
        }
    }

    #[test]
    fn addresses_and_bits() {
        let six = Addr::v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0xbc]);
        let text = written(|j| {
            j.addr("a", Addr::v4([10, 0, 20, 255]));
            j.list("b", |j| j.item_addr(six));
        });
        assert_eq!(text, "{\"a\":\"10.0.20.255\",\"b\":[\"fe80:0000:0000:0000:0000:0000:0000:0abc\"]}");
        for bits in (0..=u16::MAX).step_by(7).chain([15, 16, 255, 256, 0xfff, 0x1000, u16::MAX]) {
            assert_eq!(written(|j| j.bits("c", bits)), format!("{{\"c\":\"{bits:x}\"}}"));
        }
    }

    #[test]
    fn puts_members_side_by_side() {
        let text = written(|j| {
            j.word("a", "b");
            j.word("c", "a word of the program's own that is longer than its room");
            j.put::<256>(|m| {
                m.text(b"\"d\":").number(u64::MAX).text(b",\"e\":").word("").text(b",\"f\":");
                m.word("thirty-two bytes are the longest").text(b",\"g\":").addr(Addr::v4([1, 2, 3, 4]));
                m.text(b",\"h\":").addr(Addr::v6([0x20; 16]));
            });
            j.object("i", |j| j.put::<64>(|m| _ = m.text(b"\"k\":").number(7)));
            j.flag("l", true);
        });
        assert_eq!(
            text,
            "{\"a\":\"b\",\"c\":\"a word of the program's own that is longer than its room\",\
             \"d\":18446744073709551615,\"e\":\"\",\"f\":\"thirty-two bytes are the longest\",\"g\":\"1.2.3.4\",\
             \"h\":\"2020:2020:2020:2020:2020:2020:2020:2020\",\"i\":{\"k\":7},\"l\":true}"
        );
    }

    #[test]
    fn places_texts_of_bounded_size() {
        let text = written(|j| {
            j.placed("a", |_| 0);
            j.placed("b", |place| {
                place.fill(b'x');
                PLACE_LEN
            });
        });
        assert_eq!(text, format!("{{\"a\":\"\",\"b\":\"{}\"}}", "x".repeat(PLACE_LEN)));
    }

    #[test]
    fn a_character_cut_by_the_cap_is_left_out() {
        for extra in 0..4 {
            let text = written(|j| j.text("a", &format!("{}{}", "x".repeat(extra), "é".repeat(MAX_EVENT_LEN))));
            assert!(text.len() <= MAX_EVENT_LEN + 8 && text.ends_with("é\"}"), "{extra}");
            let shown = written(|j| j.display("a", "é".repeat(MAX_EVENT_LEN)));
            assert!(shown.len() <= MAX_EVENT_LEN + 8 && shown.ends_with("é\"}"));
        }
    }
}
