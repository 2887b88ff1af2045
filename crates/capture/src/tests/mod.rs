//! Tests over whole captures, built here byte by byte.

mod build;
mod damage;
mod formats;
mod packed;
mod timelines;
mod writers;

use crate::{Batch, Captures, SourceInfo};

/// A frame as tests compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) ts: i64,
    pub(crate) data: Vec<u8>,
    pub(crate) orig_len: u32,
    pub(crate) link_type: u32,
    pub(crate) interface: u32,
    pub(crate) source: u32,
    pub(crate) offset: u64,
    pub(crate) comments: Vec<String>,
}

/// Reads everything; checks that numbers count up from 1.
pub(crate) fn all(captures: &mut Captures) -> Vec<Got> {
    let mut got = Vec::new();
    let mut batch = Batch::new();
    while captures.fill(&mut batch) {
        for (i, f) in batch.frames().enumerate() {
            assert_eq!(f.number, got.len() as u64 + 1);
            assert_eq!(batch.get(i), Some(f));
            got.push(Got {
                ts: f.ts.0,
                data: f.data.to_vec(),
                orig_len: f.orig_len,
                link_type: f.link_type,
                interface: f.interface,
                source: f.source,
                offset: f.offset,
                comments: batch.comments(i).map(|c| String::from_utf8_lossy(c).into_owned()).collect(),
            });
        }
    }
    assert!(!captures.fill(&mut batch), "the end is the end");
    got
}

pub(crate) fn read(bytes: &[u8]) -> (Vec<Got>, SourceInfo) {
    let mut captures = Captures::from_bytes("test", bytes);
    let got = all(&mut captures);
    (got, captures.infos()[0].clone())
}

/// Reads `bytes` and expects no damage.
pub(crate) fn read_whole(bytes: &[u8]) -> (Vec<Got>, SourceInfo) {
    let (got, info) = read(bytes);
    assert_eq!(info.damage, None);
    (got, info)
}
