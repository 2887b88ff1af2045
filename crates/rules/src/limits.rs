//! How much a set of rules may ask for.

/// Bytes of one rule, lines joined. Suricata's is 8,192.
pub const RULE_LEN_MAX: usize = 32 << 10;

/// Rules of a set.
pub const RULE_COUNT_MAX: usize = 1 << 20;

/// Keywords of one rule.
pub const KEYWORD_COUNT_MAX: usize = 1024;

/// Groups of addresses or ports within each other, variables counted.
pub const GROUP_DEPTH_MAX: usize = 32;

/// Ranges of one group.
pub const GROUP_RANGE_COUNT_MAX: usize = 1 << 16;

/// Ranges that are looked at to resolve all groups of a set.
pub const GROUP_WORK_MAX: u64 = 1 << 25;

/// Bytes of an expression of `pcre` and `pcrexform`.
pub const PCRE_LEN_MAX: usize = 4096;

/// Transforms of one buffer; Suricata's is 16.
pub const TRANSFORM_COUNT_MAX: usize = 16;

/// Variables of `byte_extract` and `byte_math` in one rule.
pub const VAR_COUNT_MAX: usize = 32;

/// Names of flow bits, and as many of each other kind, in a set.
pub const NAME_COUNT_MAX: usize = 1 << 16;

/// Limits that a caller may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rules of a set.
    pub rule_count: usize,
    /// Entries of all data sets and lists of digests together.
    pub entry_count: usize,
    /// Bytes of all data sets and lists of digests together.
    pub entry_len: usize,
    /// Refusals and remarks that are kept in the report; the rest is counted.
    pub remark_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rule_count: RULE_COUNT_MAX, entry_count: 4 << 20, entry_len: 256 << 20, remark_count: 10_000 }
    }
}
