//! One exchange of an application protocol, as rules and EVE see it.
//!
//! A parser that has an exchange in hand (a request and its response, a message, a mail) shows it as a [`Transaction`]:
//! rules ask it for facts by schema ([`Fact`]), the EVE encoder for its object. Nothing is computed unless somebody asks.
//! This crate is what `proto`, `rules` and `output` share, so that none of them knows another (laws 2 and 3).

mod fact;
mod facts;
pub mod fields;
mod frames;
mod json;
mod limits;
mod mark;
mod members;

pub use fact::{Ends, FactInfo, FactSet, Kind, Value};
pub use facts::Fact;
pub use fields::Fields;
pub use frames::{Frame, FrameId, FrameInfo, FrameKind, FrameSet};
pub use json::{Json, MAX_EVENT_LEN, Options, PLACE_LEN};
pub use limits::Limits;
pub use mark::{Anomaly, Counter, Look, MAX_EVENTS, MAX_FILES, Mark};
pub use members::Members;

/// One exchange, as far as it is known.
///
/// Implemented by what a parser has of it, mostly a small struct that borrows the message at hand. Both methods may be
/// called any number of times, also before the exchange is complete (for an alert).
pub trait Transaction {
    /// The `event_type` of its line in EVE: `dns`, `http`.
    fn event_type(&self) -> &'static str;

    /// The protocol by the name that rules use; mostly that of the event.
    fn app(&self) -> &'static str {
        self.event_type()
    }

    /// Writes the members that its event and an alert on it carry, as Suricata does: mostly one object of the protocol's
    /// name. A thing that is not known yet is left out.
    fn eve(&self, out: &mut Json<'_>);

    /// Is there an event of it, if these are wanted?
    fn is_told(&self, options: Options) -> bool {
        let _ = options;
        true
    }

    /// Another event that its end makes beside its own: DNS over HTTP/2 is told of as DNS, too.
    fn second_event(&self) -> Option<&'static str> {
        None
    }

    /// The members of that.
    fn eve_second(&self, out: &mut Json<'_>) {
        let _ = out;
    }

    /// What a rule asks for. `nth`: of a fact of kind [`Kind::List`] or [`Kind::Numbers`] which one; others have only 0.
    /// `None`: there is none, or not yet.
    ///
    /// The content of files and bodies is not asked for here: the engine keeps it from what goes to `Cx::file_data`.
    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>>;
}
