//! A message as rules and EVE see it: each is an exchange by itself, as in Suricata.

use super::message::{Message, StartLine};
use super::names_sdp;
use crate::header::fields;
use crate::sdp::Session;
use sekisho_transaction::{Fact, Json, Transaction, Value};

/// Fields of one name that are looked at.
const MAX_VALUES: usize = 256;

/// A message.
pub(super) struct View<'a> {
    pub message: &'a Message<'a>,
}

/// Bytes that are no message.
pub(super) struct Nothing;

impl<'a> View<'a> {
    /// Version of the protocol, as it stands in the first line.
    fn version(&self) -> &'a [u8] {
        let mut words = self.message.line.split(|b| *b == b' ');
        let word = match self.message.start {
            StartLine::Request { .. } => words.next_back(),
            StartLine::Response { .. } => words.next(),
        };
        word.unwrap_or(&[])
    }

    fn code(&self) -> Option<&'a [u8]> {
        let rest = self.message.line.strip_prefix(self.version())?.trim_ascii_start();
        rest.get(..3)
    }

    /// The description of media in the body, if it is one.
    fn session(&self) -> Option<Session<'a>> {
        let header = fields(self.message.header);
        let described =
            header.into_iter().any(|(name, value)| is_named(name, b"content-type", b"c") && names_sdp(&value));
        if described { Session::parse(self.message.body) } else { None }
    }

    /// The `nth` value of a field.
    fn field(&self, name: &[u8], short: &[u8], nth: usize) -> Option<Value<'a>> {
        let named = fields(self.message.header).filter(|f| is_named(f.0, name, short));
        named.take(MAX_VALUES).nth(nth).map(|f| Value::Bytes(f.1))
    }
}

/// Is it this field, or its compact form (RFC 3261 §7.3.3)?
fn is_named(name: &[u8], long: &[u8], short: &[u8]) -> bool {
    name.eq_ignore_ascii_case(long) || !short.is_empty() && name.eq_ignore_ascii_case(short)
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "sip"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("sip", |out| {
            match self.message.start {
                StartLine::Request { method, uri } => {
                    out.bytes("method", method);
                    out.bytes("uri", uri);
                    out.bytes("version", self.version());
                    out.bytes("request_line", self.message.line);
                }
                StartLine::Response { reason, .. } => {
                    out.bytes("version", self.version());
                    out.bytes("code", self.code().unwrap_or(&[]));
                    out.bytes("reason", reason);
                    out.bytes("response_line", self.message.line);
                }
            }
            if let Some(session) = self.session() {
                out.object("sdp", |out| session.show(out));
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::SipContentLength => return self.field(b"content-length", b"l", nth),
            Fact::SipContentType => return self.field(b"content-type", b"c", nth),
            Fact::SipFrom => return self.field(b"from", b"f", nth),
            Fact::SipTo => return self.field(b"to", b"t", nth),
            Fact::SipUserAgent => return self.field(b"user-agent", b"", nth),
            Fact::SipVia => return self.field(b"via", b"v", nth),
            _ => {}
        }
        match (fact, self.message.start) {
            (Fact::SipMethod, StartLine::Request { method, .. }) if nth == 0 => Some(Value::from(method)),
            (Fact::SipUri, StartLine::Request { uri, .. }) if nth == 0 => Some(Value::from(uri)),
            (Fact::SipRequestLine, StartLine::Request { .. }) | (Fact::SipResponseLine, StartLine::Response { .. })
                if nth == 0 =>
            {
                Some(Value::from(self.message.line))
            }
            (Fact::SipStatCode, StartLine::Response { .. }) if nth == 0 => self.code().map(Value::from),
            (Fact::SipStatMsg, StartLine::Response { reason, .. }) if nth == 0 => Some(Value::from(reason)),
            (Fact::SipProtocol, _) if nth == 0 => Some(Value::from(self.version())),
            _ => self.session()?.fact(fact, nth).map(Value::from),
        }
    }
}

impl Transaction for Nothing {
    fn event_type(&self) -> &'static str {
        "sip"
    }

    fn eve(&self, _: &mut Json<'_>) {}

    fn fact(&self, _: Fact, _: usize) -> Option<Value<'_>> {
        None
    }
}
