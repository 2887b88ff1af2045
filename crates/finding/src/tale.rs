//! Sentences of a story: what one finding says in one line, with names and numbers in it.

/// Most values of a sentence, and the longest, in bytes.
pub const MAX_VALUES: usize = 6;
const MAX_VALUE_LEN: usize = 120;

macro_rules! sentences {
    ($($(#[$doc:meta])* $name:ident: $words:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $words;)*

        /// All of them, for whoever translates.
        pub const SENTENCES: &[&str] = &[$($name),*];
    };
}

sentences! {
    /// Who passed on, to whom, by what.
    RELAYED: "The login of {0} at {1} was passed on to {2} by {3}, outcome not seen.";
    /// The same, and it worked.
    RELAYED_IN: "The login of {0} at {1} was passed on to {2} by {3}, and was let in there.";
    /// The same, and it did not.
    RELAYED_REFUSED: "The login of {0} at {1} was passed on to {2} by {3}, and was refused there.";
    /// Program, host, account.
    RAN: "{0} was put on {1} and started there, as {2}.";
    /// The same without an account.
    RAN_BY_NOBODY: "{0} was put on {1} and started there.";
    /// Hosts, one after the other.
    HOPPED: "One machine after the other was taken: {0}.";
    /// Number of hosts, program.
    COPIED: "The same program was written to {0} machines: {1}.";
    /// Port, number of hosts, number of those that answered.
    SCANNED: "{0} was tried at {1} machines, and failed there; {2} others answered.";
    /// Victim, its account, the name it had asked for.
    CAPTURED: "{0} asked for the name {2}, was given this address, and logged in here as {1}.";
    /// Names.
    LIED: "Names that are not its own were answered with its address: {0}.";
    /// What the link shows, where it leads.
    LINK: "A mail has a link that shows {0} and leads to {1}.";
    /// The same with the sender.
    LINK_OF: "A mail of {2} has a link that shows {0} and leads to {1}.";
    /// Link without a text that is an address.
    LINK_HIDDEN: "A mail of {1} has a link that hides where it leads: {0}.";
    /// A size, a place.
    SENT: "{0} were sent to {1}.";
    /// Number of files, server, account.
    READ: "{0} files were read from {1} within ten minutes, as {2}.";
    /// Number of directories, server, account.
    LISTED: "{0} directories of {1} were listed within ten minutes, as {2}.";
    /// Who acted on a mail.
    FOLLOWED: "{0} followed the link.";
    /// From, to, in what way.
    HOP: "{0} → {1}: {2}";
    /// System, place, name, size.
    PROGRAM_CAME: "A program for {0} was downloaded from {1}: {2} ({3}).";
    /// Place, name, size.
    SCRIPT_CAME: "A script was downloaded from {0}: {1} ({2}).";
}

/// A sentence and what stands in its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tale {
    /// One of [`SENTENCES`]; `{0}` stands for the first value.
    pub words: &'static str,
    /// Values: addresses, names, numbers; from the wire, so they have to be cleaned before they are shown.
    pub values: Vec<String>,
}

impl Tale {
    /// `words` with these values, cut where they are long.
    pub fn new(words: &'static str, values: &[&[u8]]) -> Self {
        let cut = |value: &&[u8]| {
            let whole = String::from_utf8_lossy(value);
            match whole.char_indices().find(|(at, c)| at + c.len_utf8() > MAX_VALUE_LEN) {
                Some((at, _)) => format!("{}…", whole.get(..at).unwrap_or("")),
                None => whole.into_owned(),
            }
        };
        Self { words, values: values.iter().take(MAX_VALUES).map(cut).collect() }
    }
}

/// A number of bytes with a unit, `60 MB`, as values are text.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_their_places_and_values_are_cut() {
        let mut seen = std::collections::BTreeSet::new();
        for words in SENTENCES {
            assert!(words.contains("{0}") && (words.ends_with('.') || *words == HOP) && seen.insert(words), "{words}");
            assert_eq!(
                words.matches('{').count(),
                (0..MAX_VALUES).filter(|n| words.contains(&format!("{{{n}}}"))).count()
            );
        }
        let long = Tale::new(LIED, &["é".repeat(100).as_bytes(), b"\xff"]);
        assert_eq!(long.values, [format!("{}…", "é".repeat(60)), "\u{fffd}".to_owned()]);
        assert_eq!(Tale::new(LIED, &[&b"x"[..]; 20]).values.len(), MAX_VALUES);
        let sizes = [0, 9_999, 10_000, 60_001_205, 12_000_000_000].map(size);
        assert_eq!(sizes, ["0 bytes", "9999 bytes", "10 kB", "60 MB", "12 GB"]);
    }
}
