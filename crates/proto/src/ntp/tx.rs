//! A message about time as rules and EVE see it: each is an exchange by itself.

use super::message::Time;
use sekisho_transaction::{Fact, Json, Transaction, Value};

/// A message.
pub(super) struct View<'a>(pub &'a Time);

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "ntp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("ntp", |out| {
            out.number("version", self.0.first.version.into());
            out.number("mode", self.0.first.mode.into());
            out.number("stratum", self.0.stratum.into());
            out.hex_colons("reference_id", &self.0.ref_id);
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let number = |n: u8| Some(Value::Number(n.into()));
        match fact {
            _ if nth > 0 => None,
            Fact::NtpMode => number(self.0.first.mode),
            Fact::NtpReferenceId => Some(Value::from(&self.0.ref_id[..])),
            Fact::NtpStratum => number(self.0.stratum),
            Fact::NtpVersion => number(self.0.first.version),
            _ => None,
        }
    }
}

/// Bytes that are no message.
pub(super) struct Nothing;

impl Transaction for Nothing {
    fn event_type(&self) -> &'static str {
        "ntp"
    }

    fn eve(&self, _: &mut Json<'_>) {}

    fn fact(&self, _: Fact, _: usize) -> Option<Value<'_>> {
        None
    }
}
