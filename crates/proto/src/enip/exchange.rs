//! Requests with their responses as rules and EVE see them. Kept only while somebody watches.

use super::message::command;
use super::tx::View;
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, list_len};

/// Requests that may wait for a response; of more the oldest is over. As the rest of a message they are at most
/// [`super::MAX_MESSAGE_LEN`] bytes long.
const MAX_OPEN: usize = 64;

/// A request that waits.
struct Open {
    mark: Mark,
    bytes: Box<[u8]>,
}

/// The exchanges of a flow.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: Vec<Open>,
}

/// An exchange, as rules ask for it in one direction.
struct Pair<'a> {
    dir: Dir,
    request: Option<&'a View<'a>>,
    response: Option<&'a View<'a>>,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        list_len(&self.open) + self.open.iter().map(|open| open.bytes.len() + open.mark.heap_len()).sum::<usize>()
    }
}

/// Is it the response to that request?
fn answers(request: &View<'_>, response: &View<'_>) -> bool {
    let (of, to) = (&response.header, &request.header);
    let session = of.session == to.session || of.command == command::REGISTER_SESSION;
    // Within a connection messages are numbered.
    let numbers = request.sequence.zip(response.sequence).is_none_or(|(a, b)| a == b);
    of.command == to.command && session && numbers
}

impl Exchanges {
    /// A message that begins with `bytes`, behind which `left` bytes of the chunk follow.
    pub fn message(&mut self, view: &View<'_>, bytes: &[u8], left: usize, cx: &mut Cx<'_>) {
        if !view.dir.is_orig() {
            return self.response(view, bytes, left, cx);
        }
        let mut mark = self.counter.begin();
        view.tell_frames(bytes, left, mark.id, cx);
        cx.look(Dir::Orig, 0, &Pair { dir: Dir::Orig, request: Some(view), response: None }, &mut mark);
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open.remove(0);
            oldest.over(cx);
        }
        self.open.push(Open { mark, bytes: bytes.into() });
    }

    /// A response, which may have a request. Those before it will have none.
    fn response(&mut self, view: &View<'_>, bytes: &[u8], left: usize, cx: &mut Cx<'_>) {
        let is_asked = |open: &Open| View::new(Dir::Orig, &open.bytes).is_some_and(|request| answers(&request, view));
        let found = self.open.iter().position(is_asked);
        let rest = self.open.split_off(found.map_or(self.open.len(), |at| at + 1));
        let asked = found.and_then(|_| self.open.pop());
        std::mem::replace(&mut self.open, rest).into_iter().for_each(|open| open.over(cx));
        let Some(Open { mut mark, bytes: asked }) = asked else {
            let mut mark = self.counter.begin();
            view.tell_frames(bytes, left, mark.id, cx);
            return cx.over(Dir::Resp, &Pair { dir: Dir::Resp, request: None, response: Some(view) }, &mut mark);
        };
        view.tell_frames(bytes, left, mark.id, cx);
        let request = View::new(Dir::Orig, &asked);
        cx.over(Dir::Resp, &Pair { dir: Dir::Resp, request: request.as_ref(), response: Some(view) }, &mut mark);
    }

    /// The flow is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        std::mem::take(&mut self.open).into_iter().for_each(|open| open.over(cx));
    }
}

impl Open {
    /// There will be no response.
    fn over(mut self, cx: &mut Cx<'_>) {
        if let Some(view) = View::new(Dir::Orig, &self.bytes) {
            cx.over(Dir::Orig, &Pair { dir: Dir::Orig, request: Some(&view), response: None }, &mut self.mark);
        }
    }
}

impl Transaction for Pair<'_> {
    fn event_type(&self) -> &'static str {
        "enip"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("enip", |out| {
            for (name, view) in [("request", self.request), ("response", self.response)] {
                if let Some(view) = view {
                    out.object(name, |out| view.show(out));
                }
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let view = if self.dir.is_orig() { self.request } else { self.response };
        view?.fact(fact, nth)
    }
}
