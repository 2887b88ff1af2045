//! A request as rules and EVE see it.

use super::message::Request;
use sekisho_transaction::{Fact, Json, Transaction, Value};

pub(super) struct View<'a>(pub(super) &'a Request<'a>);

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "tftp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("tftp", |out| {
            out.text("packet", if self.0.is_write { "write" } else { "read" });
            out.bytes("file", self.0.filename);
            out.text("mode", self.0.mode);
        });
    }

    fn fact(&self, _fact: Fact, _nth: usize) -> Option<Value<'_>> {
        None
    }
}
