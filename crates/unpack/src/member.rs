//! What unpacking tells: members, how complete they are, what was odd.

use crate::budget::Cut;
use crate::content::Content;
use crate::kind::Kind;
use std::fmt;
use std::rc::Rc;

/// Number of a member within one call of [`crate::Unpacker::run`]; 0 is the outermost content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(pub u32);

/// How much of a member's content there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// All of it.
    Complete,
    /// The parent ends first; what there is of it.
    Truncated,
    /// What precedes the damage, or all of it if only a checksum is wrong. The reason.
    Damaged(&'static str),
    /// Nothing: encrypted, and no password fits.
    Encrypted,
    /// Nothing, or what precedes the unknown part. The method.
    Unsupported(&'static str),
    /// What the budget allowed.
    Budget(Cut),
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Truncated => f.write_str("truncated"),
            Self::Damaged(why) => write!(f, "damaged: {why}"),
            Self::Encrypted => f.write_str("encrypted"),
            Self::Unsupported(what) => write!(f, "unsupported: {what}"),
            Self::Budget(cut) => f.write_str(cut.about()),
        }
    }
}

/// What an entry of an archive is besides a file. Never made: told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A block or character device, a pipe or a socket.
    Device,
    /// Content.
    #[default]
    File,
    /// Another name for a member of the same archive.
    HardLink(Rc<[u8]>),
    /// A symbolic link, and where to.
    SymLink(Rc<[u8]>),
}

/// Something odd about a member or within it. A member may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anomaly {
    /// A limit left out part of its content, or of its members.
    Cut(Cut),
    /// Structure that contradicts itself or its format; a few words.
    Odd(&'static str),
    /// Its content is that of one of its ancestors: a quine. It is not opened.
    Quine,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(cut) => f.write_str(cut.about()),
            Self::Odd(what) => f.write_str(what),
            Self::Quine => f.write_str("contains itself"),
        }
    }
}

/// One step of a path: how a member was got out of its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The format or encoding: `tar`, `gzip`, `base64`. Empty for the outermost content.
    pub how: &'static str,
    /// Name as in the archive, any bytes; may be empty. Never a path on a disk.
    pub name: Rc<[u8]>,
    /// Where in the parent its packed bytes begin; `None` if they are in several places or in a solid block.
    pub offset: Option<u64>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.how)?;
        if !self.name.is_empty() {
            write!(f, ":{}", self.name.escape_ascii())?;
        }
        match self.offset {
            Some(at) if at > 0 && self.name.is_empty() => write!(f, "@{at}"),
            _ => Ok(()),
        }
    }
}

/// A member, before it is opened in its turn.
#[derive(Debug)]
pub struct Member<'m> {
    /// Its number, counted in the order in which members are told.
    pub id: MemberId,
    /// What it was in; `None` for the outermost content.
    pub parent: Option<MemberId>,
    /// All steps from the outermost content (first) to it (last).
    pub path: &'m [Step],
    /// File, link or device.
    pub form: &'m Form,
    /// What its content is.
    pub kind: Kind,
    /// Bytes that it takes in its parent, where that can be told.
    pub stored_len: Option<u64>,
    /// Unpacked length that its parent announces.
    pub declared_len: Option<u64>,
    /// How much of it there is.
    pub completeness: Completeness,
    /// SHA-256 of the content that there is.
    pub sha256: [u8; 32],
    /// An earlier member with equal content: it was opened, this one is not.
    pub same_as: Option<MemberId>,
    /// Position of the password that opened it in the list that was given.
    pub password: Option<usize>,
}

impl Member<'_> {
    /// The last step.
    pub fn step(&self) -> Option<&Step> {
        self.path.last()
    }

    /// The path in one line, printable whatever the names: `tar:a.tgz → gzip → tar:b.txt → base64@12`.
    pub fn path_text(&self) -> String {
        let steps = self.path.iter().skip(1).map(Step::to_string);
        steps.collect::<Vec<_>>().join(" → ")
    }
}

/// What to do with a member that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Look inside.
    Open,
    /// Leave it closed and go on with the next one.
    Skip,
    /// Enough: unpacking ends.
    Stop,
}

/// Takes what is found, parents before their members.
pub trait Sink {
    /// A member. Its content may be kept, which keeps its memory.
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit;

    /// Something odd about a member that was told before.
    fn anomaly(&mut self, member: MemberId, anomaly: Anomaly);
}
