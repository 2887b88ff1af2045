//! What tests of formats share.

use crate::{Anomaly, Budget, Content, Limits, Member, MemberId, Sink, Tree, Unpacker, Visit};

/// The tree of `bytes`.
pub(crate) fn listed(bytes: &[u8]) -> Tree {
    listed_with(bytes, &[])
}

/// The tree of `bytes`, passwords given.
pub(crate) fn listed_with(bytes: &[u8], passwords: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::default();
    let mut budget = Budget::new(Limits::default());
    Unpacker::new(&mut budget).passwords(passwords).run(Content::from_bytes(bytes), b"", &mut tree);
    tree
}

struct Leaves(Vec<(String, Vec<u8>)>);

impl Sink for Leaves {
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit {
        self.0.push((member.path_text(), content.read(0, 1 << 20).into_owned()));
        Visit::Open
    }

    fn anomaly(&mut self, _: MemberId, _: Anomaly) {}
}

/// Paths and contents of all members below the outermost.
pub(crate) fn leaves(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut sink = Leaves(Vec::new());
    Unpacker::new(&mut Budget::default()).run(Content::from_bytes(bytes), b"", &mut sink);
    sink.0.remove(0);
    sink.0
}
