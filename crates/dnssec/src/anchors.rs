//! Where chains of trust begin.

use crate::crypto;
use crate::name::Name;
use crate::record::{Algorithm, Digest, Dnskey, Ds};
use crate::rtype::Rtype;
use domain::utils::{base16, base64};

/// Anchors at most. The root had two in the rollover from 2017's key to 2024's.
pub const MAX_ANCHORS_COUNT: usize = 64;

/// The root's keys by their digests, as IANA publishes them (root-anchors.xml): KSK-2017 and KSK-2024.
const ROOT: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// Keys that are trusted without a parent's word.
#[derive(Clone, Debug)]
pub struct Anchors(Vec<(Name, Anchor)>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) enum Anchor {
    Ds(Ds),
    Key(Dnskey),
}

impl Anchor {
    pub(crate) fn tag(&self) -> u16 {
        match self {
            Self::Ds(ds) => ds.tag,
            Self::Key(key) => key.tag,
        }
    }

    /// Is it this key of `zone`?
    pub(crate) fn names(&self, zone: &Name, key: &Dnskey) -> bool {
        match self {
            Self::Ds(ds) => ds.tag == key.tag && ds.algorithm == key.algorithm && crypto::names_key(ds, zone, key),
            Self::Key(own) => own.rdata == key.rdata,
        }
    }
}

/// What is wrong with a line of anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorError {
    /// Line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// What was expected.
    pub what: &'static str,
}

impl std::fmt::Display for AnchorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line > 0 { write!(f, "line {}: {}", self.line, self.what) } else { f.write_str(self.what) }
    }
}

impl std::error::Error for AnchorError {}

impl Default for Anchors {
    fn default() -> Self {
        Self::root()
    }
}

impl Anchors {
    /// The root's keys KSK-2017 (20326) and KSK-2024 (38696).
    pub fn root() -> Self {
        Self::from_text(ROOT).unwrap_or(Self(Vec::new()))
    }

    /// From DS or DNSKEY records in presentation form, one a line, as in unbound's `root.key`, dns-root-data's
    /// `root.ds` or a `.key` file of BIND: owner, then TTL and class or neither, then the type and its data.
    /// `;` begins a comment.
    pub fn from_text(text: &str) -> Result<Self, AnchorError> {
        let mut anchors = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.split(';').next().unwrap_or_default();
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            if words.is_empty() {
                continue;
            }
            let anchor = parse(&words).map_err(|what| AnchorError { line: n + 1, what })?;
            if anchors.len() == MAX_ANCHORS_COUNT {
                return Err(AnchorError { line: n + 1, what: "more than 64 anchors" });
            }
            anchors.push(anchor);
        }
        if anchors.is_empty() {
            return Err(AnchorError { line: 0, what: "no DS or DNSKEY record" });
        }
        Ok(Self(anchors))
    }

    /// Those of a zone.
    pub(crate) fn of<'a>(&'a self, zone: &'a Name) -> impl Iterator<Item = &'a Anchor> {
        self.0.iter().filter(move |(name, _)| name == zone).map(|(_, anchor)| anchor)
    }

    /// Is the zone one of those with an anchor?
    pub(crate) fn has(&self, zone: &Name) -> bool {
        self.of(zone).next().is_some()
    }

    /// Is the name within a zone that has an anchor?
    /// Is the root among them, so that all names are below one?
    pub(crate) fn has_root(&self) -> bool {
        self.0.iter().any(|(zone, _)| zone.is_root())
    }

    pub(crate) fn covers(&self, name: &Name) -> bool {
        self.0.iter().any(|(zone, _)| name.is_within(zone))
    }
}

fn parse(words: &[&str]) -> Result<(Name, Anchor), &'static str> {
    let (owner, rest) = words.split_first().ok_or("an owner name")?;
    let owner = Name::from_text(owner).ok_or("the owner is not a domain name")?;
    let at = rest
        .iter()
        .take(3)
        .position(|w| w.eq_ignore_ascii_case("DS") || w.eq_ignore_ascii_case("DNSKEY"))
        .ok_or("neither a DS nor a DNSKEY record")?;
    let class_or_ttl = |w: &&str| w.eq_ignore_ascii_case("IN") || w.bytes().all(|b| b.is_ascii_digit());
    let (before, rest) = rest.split_at(at);
    if !before.iter().all(class_or_ttl) {
        return Err("between owner and type only a TTL and class IN may stand");
    }
    match rest {
        [rtype, tag, algorithm, digest_type, digest @ ..]
            if Rtype::from_text(&rtype.to_uppercase()) == Some(Rtype::DS) =>
        {
            let digest: Vec<u8> = base16::decode(&digest.concat()).map_err(|_| "the digest is not hexadecimal")?;
            let ds = Ds {
                tag: tag.parse().map_err(|_| "the key tag is not a number up to 65535")?,
                algorithm: Algorithm(algorithm.parse().map_err(|_| "the algorithm is not a number up to 255")?),
                digest_type: Digest(digest_type.parse().map_err(|_| "the digest type is not a number up to 255")?),
                digest: digest.into(),
            };
            if ds.digest_type.len() != Some(ds.digest.len()) {
                return Err("the digest has not the length of its type");
            }
            if !ds.algorithm.is_supported() {
                return Err("an algorithm that can't be verified here");
            }
            Ok((owner, Anchor::Ds(ds)))
        }
        [_, flags, protocol, algorithm, key @ ..] if !key.is_empty() => {
            let flags: u16 = flags.parse().map_err(|_| "the flags are not a number up to 65535")?;
            let protocol: u8 = protocol.parse().map_err(|_| "the protocol is not a number up to 255")?;
            let algorithm: u8 = algorithm.parse().map_err(|_| "the algorithm is not a number up to 255")?;
            let key: Vec<u8> = base64::decode(&key.concat()).map_err(|_| "the key is not base64")?;
            let [high, low] = flags.to_be_bytes();
            let rdata = [&[high, low, protocol, algorithm], key.as_slice()].concat();
            let key = Dnskey::parse(&rdata).ok_or("the key is too short")?;
            if !key.is_zone_key() || key.is_revoked() || !key.algorithm.is_supported() {
                return Err("not a zone key of an algorithm that can be verified here");
            }
            Ok((owner, Anchor::Key(key)))
        }
        _ => Err("fields are missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_two() {
        let tags: Vec<u16> = Anchors::root().of(&Name::root()).map(Anchor::tag).collect();
        assert_eq!(tags, [20326, 38696]);
        assert!(Anchors::root().covers(&Name::from_text("a.b").unwrap()));
    }

    #[test]
    fn keys_and_comments() {
        // The root's key as unbound-anchor writes it; its tag proves that it was read whole.
        let text = "; comment\n\n.\t172800\tIN\tDNSKEY\t257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3 \
            +/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBx\
            WezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmS\
            VIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU= ;{id = 20326 (ksk), size = 2048b}";
        let anchors = Anchors::from_text(text).unwrap();
        assert!(matches!(anchors.of(&Name::root()).next(), Some(Anchor::Key(key)) if key.tag == 20326));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, line, what) in [
            ("", 0, "no DS"),
            ("\nexample. IN A 1.2.3.4", 2, "neither"),
            (". DS 1 8 2", 1, "digest"),
            (". IN DS 1 8 2 XY", 1, "hexadecimal"),
            (". IN DS 70000 8 2 00", 1, "tag"),
            (". IN DS 1 8 9 00", 1, "length"),
            (". CH DS 1 8 2 00", 1, "class"),
            (". DNSKEY 257 3 8", 1, "missing"),
            (". DNSKEY 0 3 8 AAAA", 1, "zone key"),
        ] {
            let error = Anchors::from_text(text).unwrap_err();
            assert!(error.line == line && error.what.contains(what), "{text}: {error}");
        }
    }
}
