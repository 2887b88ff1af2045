//! temp
/// f
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> { /// x
pub ts: sekisho_types::Timestamp, /// x
pub number: u64, /// x
pub link_type: u32, /// x
pub interface: u32, /// x
pub orig_len: u32, /// x
pub data: &'a [u8], /// x
pub source: u32, /// x
pub offset: u64 }
