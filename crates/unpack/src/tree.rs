//! The whole tree in memory, without contents: for listings and tests.

use crate::content::Content;
use crate::kind::Kind;
use crate::member::{Anomaly, Completeness, Member, MemberId, Sink, Visit};

/// One member of a [`Tree`].
#[derive(Clone, Debug)]
pub struct Node {
    /// Its number.
    pub id: MemberId,
    /// What it was in.
    pub parent: Option<MemberId>,
    /// The path in one line.
    pub path: String,
    /// Name as in the archive.
    pub name: Vec<u8>,
    /// Type by content.
    pub kind: Kind,
    /// Length of the content that there is.
    pub len: u64,
    /// How much of it there is.
    pub completeness: Completeness,
    /// Of the content that there is.
    pub sha256: [u8; 32],
    /// An earlier member with equal content.
    pub same_as: Option<MemberId>,
    /// What was odd.
    pub anomalies: Vec<Anomaly>,
}

/// A sink that keeps everything but contents.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// In the order in which members were told; the index is the member's number.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// All anomalies with the members that they are about.
    pub fn anomalies(&self) -> impl Iterator<Item = (&Node, Anomaly)> {
        self.nodes.iter().flat_map(|n| n.anomalies.iter().map(move |a| (n, *a)))
    }

    /// Members directly in `id`.
    pub fn children(&self, id: MemberId) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |n| n.parent == Some(id))
    }
}

impl Sink for Tree {
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit {
        self.nodes.push(Node {
            id: member.id,
            parent: member.parent,
            path: member.path_text(),
            name: member.step().map(|s| s.name.to_vec()).unwrap_or_default(),
            kind: member.kind,
            len: content.len(),
            completeness: member.completeness,
            sha256: member.sha256,
            same_as: member.same_as,
            anomalies: Vec::new(),
        });
        Visit::Open
    }

    fn anomaly(&mut self, member: MemberId, anomaly: Anomaly) {
        let node = usize::try_from(member.0).ok().and_then(|i| self.nodes.get_mut(i));
        if let Some(node) = node {
            node.anomalies.push(anomaly);
        }
    }
}
