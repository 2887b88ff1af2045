//! What DNSSEC came to in a run, verdict by verdict.

/// What was judged of one name, type and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Owner, with the final dot.
    pub name: String,
    /// Type.
    pub rtype: String,
    /// What it is about: `answer`, `delegation`, `denial`, `reported`.
    pub subject: &'static str,
    /// `secure`, `insecure`, `bogus` or `indeterminate`.
    pub status: &'static str,
    /// Stable identifier of the reason.
    pub reason: &'static str,
    /// One sentence with the evidence, of the first.
    pub words: String,
    /// How often.
    pub count: u64,
    /// Packet of the first; 0 if none can be named.
    pub packet: u64,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Verdicts by status: bogus, indeterminate, insecure, secure.
    pub counts: [u64; 4],
    /// The worst first, then by reason and name.
    pub outcomes: Vec<Outcome>,
    /// Verdicts whose outcome found no room.
    pub more: u64,
    /// Signatures and hashes that were not computed because the work was too much.
    pub refused: u64,
}

impl Signed {
    /// Each status with its number of verdicts.
    pub fn by_status(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ["bogus", "indeterminate", "insecure", "secure"].into_iter().zip(self.counts)
    }
}
