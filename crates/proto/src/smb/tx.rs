//! Commands as rules and EVE see them: a request and its response are an exchange, and so is what passes of a file in one
//! direction, and a call over a pipe. Kept only while somebody watches.

use super::message2::FileKey;
use super::{MAX_PENDING, eve};
use crate::rpc::{Carrier, Shown};
use crate::{Cx, FileId};
use hashbrown::HashMap;
use sekisho_record::Text;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, SeededState, block_len};

/// Seed of the tables, whose sizes are bounded.
const SEED: u64 = 0x74_7873;
/// Files whose passing is followed at a time.
const MAX_FILES: usize = 256;

/// What is particular to a command.
#[derive(Debug, Default)]
pub(super) enum What {
    #[default]
    Nothing,
    Negotiate {
        dialects: Vec<Text>,
        server: Option<[u8; 16]>,
        read_len: u32,
        write_len: u32,
    },
    Setup(Box<Setup>),
    Tree {
        path: Text,
        service: Option<Text>,
        answer: Option<Text>,
        share: Option<u8>,
    },
    Create(Box<Create>),
    Ioctl(u32),
    /// A file is to be deleted when it is closed.
    Delete {
        key: FileKey,
        name: Text,
    },
    Rename {
        key: FileKey,
        from: Text,
        to: Text,
    },
    File {
        key: FileKey,
        name: Text,
        share: Option<Text>,
    },
}

/// A login.
#[derive(Debug, Default)]
pub(super) struct Setup {
    pub login: Option<crate::ntlm::Names>,
    /// Operating system and LAN manager of both ends.
    pub hosts: [Option<(Text, Text)>; 2],
}

/// A file that is opened.
#[derive(Debug, Default)]
pub(super) struct Create {
    pub name: Text,
    pub disposition: u32,
    pub delete: bool,
    pub directory: bool,
    /// Created, accessed, modified, changed; in 100 ns since 1601.
    pub times: [u64; 4],
    pub size: u64,
    pub key: FileKey,
}

/// An exchange.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    mark: Mark,
    pub carrier: Carrier,
    pub what: What,
    /// A file's: who sends it, and how far it came.
    dir: Option<Dir>,
    end: u64,
}

/// A connection's exchanges.
pub(super) struct Exchanges {
    counter: Counter,
    open: HashMap<u64, Box<Exchange>, SeededState>,
    files: HashMap<(FileKey, bool), Box<Exchange>, SeededState>,
    /// The message at hand.
    pub now: Carrier,
    /// SMB 1's, by what the server chose.
    pub dialect: Option<Text>,
    /// SMB 2's number.
    pub dialect2: u16,
}

impl Default for Exchanges {
    fn default() -> Self {
        let state = SeededState(SEED);
        Self {
            counter: Counter::default(),
            open: HashMap::with_hasher(state),
            files: HashMap::with_hasher(state),
            now: Carrier::default(),
            dialect: None,
            dialect2: 0,
        }
    }
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        /// Names of an exchange, by and large.
        const NAMES_LEN: usize = 256;
        let count = self.open.len() + self.files.len();
        count * (block_len(size_of::<Exchange>()) + NAMES_LEN) + block_len(self.open.capacity().saturating_mul(24))
    }
}

/// The protocol of an exchange with what the connection knows.
struct View<'a> {
    exchange: &'a Exchange,
    number: u64,
    all: &'a Shared<'a>,
}

/// What exchanges show of their connection.
pub(super) struct Shared<'a> {
    pub dialect: Option<&'a Text>,
    pub dialect2: u16,
}

impl Exchanges {
    /// A request: an exchange that waits for the response with the same number.
    pub fn request(&mut self, id: u64, what: What, cx: &mut Cx<'_>) {
        if self.open.len() >= MAX_PENDING.min(cx.limits().smb_exchanges.max(1)) {
            self.too_many(cx);
        }
        let x = Exchange {
            mark: self.counter.begin(),
            carrier: Carrier { status: None, ..self.now },
            what,
            ..Exchange::default()
        };
        if let Some(old) = self.open.insert(id, Box::new(x)) {
            self.over(*old, cx);
        }
    }

    /// The request that waits longest is over.
    fn too_many(&mut self, cx: &mut Cx<'_>) {
        let oldest = self.open.iter().min_by_key(|(_, x)| x.mark.id).map(|(id, _)| *id);
        let Some(mut x) = oldest.and_then(|id| self.open.remove(&id)) else { return };
        // Of a connection of which one side is seen none is ever answered.
        if cx.flow.seen.one_sided().is_none() {
            x.mark.event(Dir::Orig, "too_many_transactions");
        }
        self.over(*x, cx);
    }

    /// Is there a request that waits for this response? Its particulars can be completed.
    pub fn waiting(&mut self, id: u64) -> Option<&mut Exchange> {
        self.open.get_mut(&id).map(|x| &mut **x)
    }

    /// The response has come.
    pub fn response(&mut self, id: u64, cx: &mut Cx<'_>) {
        let status = self.now.status;
        if let Some(mut x) = self.open.remove(&id) {
            x.carrier.status = status;
            self.over(*x, cx);
        }
    }

    fn over(&self, mut x: Exchange, cx: &mut Cx<'_>) {
        let mut mark = std::mem::take(&mut x.mark);
        let all = Shared { dialect: self.dialect.as_ref(), dialect2: self.dialect2 };
        let view = View { exchange: &x, number: mark.id, all: &all };
        let last = x.dir.unwrap_or(Dir::Resp);
        cx.look(last.flip(), 0, &view, &mut mark);
        cx.over(last, &view, &mut mark);
    }

    /// Content of a file passes, which is followed as `id`: from an offset to another.
    pub fn file(
        &mut self,
        (key, id): (FileKey, FileId),
        dir: Dir,
        (from, to): (u64, u64),
        names: (&Text, Option<&Text>),
        cx: &mut Cx<'_>,
    ) {
        if self.files.len() >= MAX_FILES && !self.files.contains_key(&(key, dir.is_orig())) {
            return;
        }
        let (counter, now) = (&mut self.counter, self.now);
        let x = self.files.entry((key, dir.is_orig())).or_insert_with(|| {
            let what = What::File { key, name: names.0.clone(), share: names.1.cloned() };
            let carrier = Carrier { status: Some(super::status::SUCCESS), ..now };
            Box::new(Exchange { mark: counter.begin(), carrier, what, dir: Some(dir), end: 0 })
        });
        let mut mark = std::mem::take(&mut x.mark);
        if from < x.end {
            mark.event(dir, "file_overlap");
        }
        x.end = x.end.max(to);
        mark.file(id.0, dir);
        let all = Shared { dialect: self.dialect.as_ref(), dialect2: self.dialect2 };
        let view = View { exchange: x, number: mark.id, all: &all };
        cx.look(dir, 0, &view, &mut mark);
        x.mark = mark;
    }

    /// A file was closed.
    pub fn closed(&mut self, key: FileKey, cx: &mut Cx<'_>) {
        for is_orig in [true, false] {
            if let Some(x) = self.files.remove(&(key, is_orig)) {
                self.over(*x, cx);
            }
        }
    }

    /// A call over a pipe has come further.
    pub fn call(&mut self, shown: &mut Shown<'_>, dir: Dir, over: bool, cx: &mut Cx<'_>) {
        let mut mark = shown.call.mark.take().unwrap_or_else(|| self.counter.begin());
        let mut carrier = *shown.call.carrier.get_or_insert(self.now);
        carrier.status = self.now.status.or(carrier.status);
        let x = Exchange { carrier, ..Exchange::default() };
        let all = Shared { dialect: self.dialect.as_ref(), dialect2: self.dialect2 };
        let view = CallView { view: View { exchange: &x, number: mark.id, all: &all }, shown };
        if over {
            cx.over(dir, &view, &mut mark);
        } else {
            cx.look(dir, 0, &view, &mut mark);
        }
        shown.call.mark = Some(mark);
    }

    /// The connection is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        let open = self.open.drain().map(|(_, x)| x);
        let mut all: Vec<_> = open.chain(self.files.drain().map(|(_, x)| x)).collect();
        all.sort_unstable_by_key(|x| x.mark.id);
        all.into_iter().for_each(|x| self.over(*x, cx));
    }
}

/// A call over a pipe, with what carries it.
struct CallView<'a, 's, 'c> {
    view: View<'a>,
    shown: &'s Shown<'c>,
}

impl Transaction for CallView<'_, '_, '_> {
    fn event_type(&self) -> &'static str {
        "smb"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("smb", |out| {
            eve::common(out, &self.view.exchange.carrier, self.view.number, self.view.all);
            out.number("tree_id", u64::from(self.view.exchange.carrier.tree));
            out.object("dcerpc", |out| self.shown.members(out, true));
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        self.shown.fact(fact, nth).or_else(|| self.view.fact(fact, nth))
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "smb"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("smb", |out| eve::exchange(out, self.exchange, self.number, self.all));
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if nth > 0 {
            return None;
        }
        match (fact, &self.exchange.what) {
            (Fact::SmbVersion, _) => Some(u64::from(self.exchange.carrier.version).into()),
            (Fact::SmbNamedPipe, What::Tree { path, share: Some(2), .. }) => Some(path.0.as_slice().into()),
            (Fact::SmbShare, What::Tree { path, share, .. }) if *share != Some(2) => Some(path.0.as_slice().into()),
            (Fact::SmbNtlmsspUser, What::Setup(setup)) => setup.login.as_ref().map(|l| l.user.0.as_slice().into()),
            (Fact::SmbNtlmsspDomain, What::Setup(setup)) => setup.login.as_ref().map(|l| l.domain.0.as_slice().into()),
            (Fact::FileName, What::File { name, .. }) => Some(name.0.as_slice().into()),
            _ => None,
        }
    }
}
