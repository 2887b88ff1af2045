//! Domain names, held as what they are compared by.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;

/// Octets of a name at most, the root's empty label included (RFC 1035 §2.3.4).
pub const MAX_NAME_LEN: usize = 255;

/// Labels of a name at most, the root's not counted: 127 of one octet each.
pub(crate) const MAX_LABELS: usize = 127;

/// A name in the form of the wire, without compression, ASCII letters in lower case: the canonical form of RFC 4034
/// §6.2. Printed as in zone files, with a dot at the end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// From uncompressed octets up to the root's label and no further; none if they aren't a name.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let (name, len) = read_uncompressed(wire)?;
        (len == wire.len()).then_some(name)
    }

    /// From text as in zone files: labels between dots, `\.`, `\\` and `\DDD` understood; a missing last dot is added.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut wire = Vec::with_capacity(text.len() + 2);
        if text != "." {
            let mut bytes = text.strip_suffix('.').unwrap_or(text).bytes();
            let mut label = Vec::new();
            loop {
                let next = bytes.next();
                match next {
                    Some(b'\\') => label.push(escaped(&mut bytes)?),
                    Some(b'.') | None => {
                        wire.push(u8::try_from(label.len()).ok().filter(|l| (1..64).contains(l))?);
                        wire.append(&mut label);
                    }
                    Some(b) => label.push(b),
                }
                if next.is_none() {
                    break;
                }
            }
        }
        wire.push(0);
        Self::from_wire(&wire)
    }

    /// The octets.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// From the first label to the one below the root.
    pub fn labels(&self) -> Labels<'_> {
        Labels(&self.0)
    }

    /// Number of labels as in an RRSIG's Labels field (RFC 4034 §3.1.3): neither the root's nor a leading `*` count.
    pub fn signed_label_count(&self) -> usize {
        self.label_count() - usize::from(self.is_wildcard())
    }

    /// Number of labels, the root's not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Is this the root?
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Is the first label `*`?
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(&[1, b'*'])
    }

    /// The name without its first label; none for the root.
    pub fn parent(&self) -> Option<Self> {
        Some(Self(self.parent_wire()?.into()))
    }

    fn parent_wire(&self) -> Option<&[u8]> {
        parent_of(&self.0)
    }

    /// This name, its parent, … down to the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.ancestors_wire().map(|wire| Self(wire.into()))
    }

    /// The same as octets, which tables of names can be asked for.
    pub(crate) fn ancestors_wire(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::successors(Some(&*self.0), |wire| parent_of(wire))
    }

    /// Is this name `zone` or below it?
    pub fn is_within(&self, zone: &Self) -> bool {
        let mut rest: &[u8] = &self.0;
        while rest.len() > zone.0.len() {
            match parent_of(rest) {
                Some(parent) => rest = parent,
                None => return false,
            }
        }
        rest == &*zone.0
    }

    /// Is this name below `zone` and not `zone` itself?
    pub fn is_below(&self, zone: &Self) -> bool {
        self.0.len() > zone.0.len() && self.is_within(zone)
    }

    /// The last `count` labels of this name; the whole name if it has fewer.
    pub fn last_labels(&self, count: usize) -> Self {
        let skipped = self.label_count().saturating_sub(count);
        Self(self.ancestors_wire().nth(skipped).unwrap_or(&[0]).into())
    }

    /// `*` below this name; none if that would be too long.
    pub fn wildcard(&self) -> Option<Self> {
        self.child(b"*")
    }

    /// A label below this name; none if either is too long.
    pub fn child(&self, label: &[u8]) -> Option<Self> {
        let label_len = u8::try_from(label.len()).ok().filter(|l| (1..64).contains(l))?;
        let mut wire = Vec::with_capacity(self.0.len() + label.len() + 1);
        wire.push(label_len);
        wire.extend(label.iter().map(u8::to_ascii_lowercase));
        wire.extend_from_slice(&self.0);
        (wire.len() <= MAX_NAME_LEN).then(|| Self(wire.into()))
    }

    /// The longest name that both are within.
    pub fn common_ancestor(&self, other: &Self) -> Self {
        let other_count = other.label_count();
        let own_count = self.label_count();
        let own = self.ancestors_wire().skip(own_count.saturating_sub(other_count));
        let mut others = other.ancestors_wire().skip(other_count.saturating_sub(own_count));
        let common = own.zip(&mut others).find(|(a, b)| a == b);
        common.map_or_else(Self::root, |(wire, _)| Self(wire.into()))
    }

    /// `self` with the labels of `old` at its end replaced by `new`: what a DNAME makes (RFC 6672 §2.2).
    pub(crate) fn moved(&self, old: &Self, new: &Self) -> Option<Self> {
        if !self.is_below(old) {
            return None;
        }
        let kept = self.0.get(..self.0.len() - old.0.len())?;
        let wire = [kept, &new.0].concat();
        (wire.len() <= MAX_NAME_LEN).then(|| Self(wire.into()))
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.0.len()
    }
}

/// Canonical order of names (RFC 4034 §6.1): label by label from the root.
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = ([0u8; MAX_LABELS], [0u8; MAX_LABELS]);
        let (a, b) = (starts(&self.0, &mut a), starts(&other.0, &mut b));
        for (&at, &other_at) in a.iter().rev().zip(b.iter().rev()) {
            let order = label_at(&self.0, at).cmp(label_at(&other.0, other_at));
            if order != Ordering::Equal {
                return order;
            }
        }
        a.len().cmp(&b.len())
    }
}

/// Where each label starts.
fn starts<'b>(wire: &[u8], buf: &'b mut [u8; MAX_LABELS]) -> &'b [u8] {
    let (mut at, mut count) = (0u8, 0);
    while let (Some(&len @ 1..), Some(place)) = (wire.get(usize::from(at)), buf.get_mut(count)) {
        *place = at;
        count += 1;
        at = at.saturating_add(len + 1);
    }
    buf.get(..count).unwrap_or_default()
}

fn label_at(wire: &[u8], at: u8) -> &[u8] {
    Labels(wire.get(usize::from(at)..).unwrap_or_default()).next().unwrap_or_default()
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &b in label {
                match b {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(b))?,
                    0x21..=0x7e => write!(f, "{}", char::from(b))?,
                    _ => write!(f, "\\{b:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// See [`Name::labels`].
pub struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&len, rest) = self.0.split_first()?;
        if len == 0 {
            return None;
        }
        let (label, rest) = rest.split_at_checked(usize::from(len))?;
        self.0 = rest;
        Some(label)
    }
}

pub(crate) fn parent_of(wire: &[u8]) -> Option<&[u8]> {
    let (&len, rest) = wire.split_first()?;
    if len == 0 { None } else { rest.get(usize::from(len)..) }
}

/// Where the uncompressed name at the start of `wire` ends.
pub(crate) fn end_of(wire: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *wire.get(at)? {
            0 => return Some(at + 1),
            len => at += 1 + usize::from(len),
        }
    }
}

/// A name at the start of `bytes` without compression, and its length there.
pub(crate) fn read_uncompressed(bytes: &[u8]) -> Option<(Name, usize)> {
    let mut at = 0;
    loop {
        let len = usize::from(*bytes.get(at)?);
        at += 1 + len;
        if len > 63 || at > MAX_NAME_LEN {
            return None;
        }
        if len == 0 {
            return Some((Name(bytes.get(..at)?.to_ascii_lowercase().into()), at));
        }
    }
}

/// A name at `at` of a message, where it may be compressed (RFC 1035 §4.1.4), and where what follows it starts.
/// Pointers must lead backwards, each before the last, so there is an end.
pub(crate) fn read(message: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut wire = [0u8; MAX_NAME_LEN];
    let (mut filled, mut at, mut behind, mut before) = (0usize, at, None, at);
    loop {
        let len = *message.get(at)?;
        match len {
            0..64 => {
                let label = message.get(at..at + 1 + usize::from(len))?;
                wire.get_mut(filled..filled + label.len())?.copy_from_slice(label);
                filled += label.len();
                at += label.len();
                if len == 0 {
                    let name = wire.get(..filled)?.to_ascii_lowercase();
                    return Some((Name(name.into()), behind.unwrap_or(at)));
                }
            }
            192.. => {
                let target = usize::from(len & 63) << 8 | usize::from(*message.get(at + 1)?);
                behind = behind.or(Some(at + 2));
                if target >= before {
                    return None;
                }
                (at, before) = (target, target);
            }
            _ => return None,
        }
    }
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_text(text).unwrap()
    }

    #[test]
    fn text_and_wire() {
        for (text, printed) in [
            (".", "."),
            ("Example", "example."),
            ("a.B.", "a.b."),
            ("a\\.b.c", "a\\.b.c."),
            ("\\007\\\\.x", "\\007\\\\.x."),
        ] {
            assert_eq!(name(text).to_string(), printed);
            assert_eq!(name(printed), name(text));
        }
        for bad in ["", "a..b", ".a", "\\9.x", "\\999", &"a".repeat(64), &"a.".repeat(128)] {
            assert!(Name::from_text(bad).is_none(), "{bad}");
        }
        assert_eq!(name(&"a.".repeat(127)).label_count(), MAX_LABELS);
    }

    #[test]
    fn canonical_order_of_rfc_4034() {
        let sorted = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "Z.a.example",
            "zABC.a.EXAMPLE",
            "z.example",
            "\\001.z.example",
            "*.z.example",
            "\\200.z.example",
        ];
        for pair in sorted.windows(2) {
            assert!(name(pair[0]) < name(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn relations() {
        let (a, b) = (name("www.a.example"), name("a.example"));
        assert!(a.is_within(&b) && a.is_below(&b) && b.is_within(&b) && !b.is_below(&b) && a.is_within(&Name::root()));
        // Not by octets alone: the label of the longer name ends in those of the shorter.
        assert!(!Name::from_wire(b"\x04x\x01a\x00\x00").unwrap().is_within(&name("a")));
        assert_eq!(a.common_ancestor(&name("x.y.example")), name("example"));
        assert_eq!(b.common_ancestor(&a), b);
        assert_eq!(a.common_ancestor(&name("com")), Name::root());
        assert_eq!(a.last_labels(2), b);
        assert_eq!(a.moved(&b, &name("c.d")), Some(name("www.c.d")));
        assert_eq!(b.moved(&b, &a), None);
        assert_eq!(b.wildcard().unwrap().signed_label_count(), 2);
    }

    #[test]
    fn compression_ends() {
        let message = b"\x03www\xc0\x06\x07example\x00\xc0\x0e\xc0\x00\xc0\x11";
        assert_eq!(read(message, 0), None); // forward
        assert_eq!(read(message, 6).unwrap(), (name("example"), 15));
        let (found, behind) = read(b"\x07example\x00\x03WWW\xc0\x00", 9).unwrap();
        assert_eq!((found, behind), (name("www.example"), 15));
        assert_eq!(read(b"\xc0\x00", 0), None); // itself
        assert_eq!(read(b"\x01a\xc0\x00", 0), None); // a.a.a.…
        assert_eq!(read(b"\x01a\xc0", 0), None);
        assert_eq!(read(b"\x41a", 0), None);
    }
}
