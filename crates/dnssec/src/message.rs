//! One DNS response (RFC 1035 §4), read as far as DNSSEC concerns it.

use crate::limits::{MAX_MESSAGE_LEN, MAX_RECORDS, MAX_SETS, MAX_SIGNATURES};
use crate::name::{self, Name};
use crate::record::Rrsig;
use crate::rrset::{RrSet, canonical};
use crate::rtype::Rtype;

/// Where the question stands.
pub(crate) const QUESTION: usize = 12;

/// Class IN.
const IN: u16 = 1;

/// EDNS option of extended errors (RFC 8914 §2).
const EDE_OPTION: u16 = 15;

/// Options read of one OPT record.
const MAX_OPTIONS: usize = 32;

/// What was read.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) question: (Name, Rtype),
    /// With the upper bits from EDNS.
    pub(crate) rcode: u16,
    pub(crate) is_authoritative: bool,
    /// Signatures were asked for: the response repeats the query's DO bit (RFC 3225 §3).
    pub(crate) wants_signatures: bool,
    pub(crate) answer: Vec<RrSet>,
    pub(crate) authority: Vec<RrSet>,
    /// Extended error, if any names DNSSEC.
    pub(crate) ede: Option<u16>,
    /// It ends early, has records that don't parse, more than are read, or the TC bit.
    pub(crate) is_damaged: bool,
}

/// Where a record is.
struct Place {
    owner: usize,
    rtype: Rtype,
    class: u16,
    ttl: u32,
    data: usize,
    end: usize,
}

/// Records of the three sections after the question.
struct Layout {
    counts: [usize; 3],
    first: usize,
}

/// A response that has anything to do with DNSSEC; none for queries, other classes, transfers, and the mass of
/// answers to those who did not ask for signatures, which cost one walk over the records.
pub(crate) fn read(wire: &[u8]) -> Option<Message> {
    let flags = u16_at(wire, 2)?;
    let is_plain_response = flags & 0xf800 == 0x8000;
    if !is_plain_response || wire.len() > MAX_MESSAGE_LEN || u16_at(wire, 4)? != 1 {
        return None;
    }
    let at = skip_name(wire, QUESTION)?;
    let (rtype, class) = (Rtype(u16_at(wire, at)?), u16_at(wire, at + 2)?);
    // Transfers (251, 252) are whole zones.
    if class != IN || matches!(rtype.0, 251 | 252) {
        return None;
    }
    let counts = [6, 8, 10].map(|at| usize::from(u16_at(wire, at).unwrap_or(0)));
    let layout = Layout { counts, first: at + 4 };
    let edns = concerns(wire, &layout)?;
    let (asked, _) = name::read(wire, QUESTION)?;
    let (is_authoritative, is_cut) = (flags & 0x0400 != 0, flags & 0x0200 != 0);
    let mut message = Message {
        question: (asked, rtype),
        rcode: flags & 15 | edns.upper_rcode << 4,
        is_authoritative,
        wants_signatures: edns.wants_signatures,
        answer: Vec::new(),
        authority: Vec::new(),
        ede: edns.ede,
        is_damaged: is_cut,
    };
    let mut places = Places::new(wire, &layout);
    let mut answer = Sets::default();
    let mut authority = Sets::default();
    for (section, place) in &mut places {
        let sets = match section {
            0 => &mut answer,
            1 => &mut authority,
            _ => break,
        };
        message.is_damaged |= sets.add(wire, &place).is_none();
    }
    message.is_damaged |= places.is_damaged;
    message.answer = answer.finish();
    message.authority = authority.finish();
    Some(message)
}

/// The question's name as on the wire, of an answer with nothing of DNSSEC in it to one who asked for signatures: one of which
/// [`read`] would give but one unsigned set of that name, or its denial. None for all others. Costs a walk over the records.
pub(crate) fn bare(wire: &[u8]) -> Option<&[u8]> {
    let flags = u16_at(wire, 2)?;
    // A response without TC; no error, or no such name.
    if flags & 0xfa00 != 0x8000 || !matches!(flags & 15, 0 | 3) || wire.len() > MAX_MESSAGE_LEN || u16_at(wire, 4)? != 1
    {
        return None;
    }
    let at = skip_name(wire, QUESTION)?;
    let (rtype, class) = (Rtype(u16_at(wire, at)?), u16_at(wire, at + 2)?);
    let name = wire.get(QUESTION..at).filter(|n| n.last() == Some(&0) && n.len() <= name::MAX_NAME_LEN)?;
    let is_odd = matches!(rtype, Rtype::DS | Rtype::DNSKEY | Rtype::ANY) || matches!(rtype.0, 251 | 252);
    if class != IN || is_odd {
        return None;
    }
    let counts = [6, 8, 10].map(|at| usize::from(u16_at(wire, at).unwrap_or(0)));
    let layout = Layout { counts, first: at + 4 };
    let mut places = Places::new(wire, &layout);
    let mut wants_signatures = false;
    for (section, place) in &mut places {
        match place.rtype {
            Rtype::OPT if section == 2 => {
                let [upper, _, flags, _] = place.ttl.to_be_bytes();
                wants_signatures = flags & 0x80 != 0;
                if upper != 0 || extended_error(wire.get(place.data..place.end).unwrap_or_default()).is_some() {
                    return None;
                }
            }
            _ if section == 2 => {}
            Rtype::RRSIG | Rtype::DNSKEY | Rtype::DS | Rtype::NSEC | Rtype::NSEC3 => return None,
            // A compressed owner that leads to the question.
            other
                if section == 0 && (other != rtype || wire.get(place.owner..place.owner + 2) != Some(&[0xc0, 12])) =>
            {
                return None;
            }
            _ => {}
        }
    }
    (wants_signatures && !places.is_damaged).then_some(name)
}

#[derive(Default)]
struct Edns {
    wants_signatures: bool,
    upper_rcode: u16,
    ede: Option<u16>,
}

/// Is there a record of DNSSEC, the DO bit or an extended error about it?
fn concerns(wire: &[u8], layout: &Layout) -> Option<Edns> {
    let mut edns = Edns::default();
    let mut is_concerned = false;
    for (section, place) in Places::new(wire, layout) {
        match place.rtype {
            Rtype::OPT if section == 2 => {
                let [upper, _, flags, _] = place.ttl.to_be_bytes();
                edns.wants_signatures = flags & 0x80 != 0;
                edns.upper_rcode = u16::from(upper);
                edns.ede = extended_error(wire.get(place.data..place.end).unwrap_or_default());
                is_concerned |= edns.wants_signatures || edns.ede.is_some();
            }
            Rtype::RRSIG | Rtype::DNSKEY | Rtype::DS | Rtype::NSEC | Rtype::NSEC3 => is_concerned |= section < 2,
            _ => {}
        }
    }
    is_concerned.then_some(edns)
}

/// The first code between 6 and 12: those that say that validation failed.
fn extended_error(options: &[u8]) -> Option<u16> {
    let mut rest = options;
    for _ in 0..MAX_OPTIONS {
        let (&[c0, c1, l0, l1], data) = rest.split_first_chunk::<4>()?;
        let (value, next) = data.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        if u16::from_be_bytes([c0, c1]) == EDE_OPTION {
            let code = value.first_chunk::<2>().map(|c| u16::from_be_bytes(*c));
            if code.is_some_and(|c| (6..=12).contains(&c)) {
                return code;
            }
        }
        rest = next;
    }
    None
}

/// Walks over the records of all sections.
struct Places<'a> {
    wire: &'a [u8],
    left: [usize; 3],
    at: usize,
    count: usize,
    is_damaged: bool,
}

impl<'a> Places<'a> {
    fn new(wire: &'a [u8], layout: &Layout) -> Self {
        Self { wire, left: layout.counts, at: layout.first, count: 0, is_damaged: false }
    }

    fn place(&self) -> Option<Place> {
        let fixed = skip_name(self.wire, self.at)?;
        let data = fixed + 10;
        let end = data + usize::from(u16_at(self.wire, fixed + 8)?);
        if end > self.wire.len() {
            return None;
        }
        let ttl = self.wire.get(fixed + 4..fixed + 8)?.first_chunk::<4>()?;
        Some(Place {
            owner: self.at,
            rtype: Rtype(u16_at(self.wire, fixed)?),
            class: u16_at(self.wire, fixed + 2)?,
            ttl: u32::from_be_bytes(*ttl),
            data,
            end,
        })
    }
}

impl Iterator for Places<'_> {
    type Item = (usize, Place);

    fn next(&mut self) -> Option<(usize, Place)> {
        let section = self.left.iter().position(|&left| left > 0)?;
        if self.count == MAX_RECORDS {
            self.is_damaged = true;
            return None;
        }
        let Some(place) = self.place() else {
            self.is_damaged = true;
            self.left = [0; 3];
            return None;
        };
        self.at = place.end;
        self.count += 1;
        if let Some(left) = self.left.get_mut(section) {
            *left -= 1;
        }
        Some((section, place))
    }
}

/// Where what follows a name starts. The name itself is read where it is needed.
fn skip_name(wire: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..=name::MAX_LABELS {
        let len = *wire.get(at)?;
        match len {
            0 => return Some(at + 1),
            1..64 => at += 1 + usize::from(len),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
    None
}

fn u16_at(wire: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*wire.get(at..)?.first_chunk::<2>()?))
}

/// The records of one section put together to sets.
#[derive(Default)]
struct Sets {
    sets: Vec<RrSet>,
    sigs: Vec<(Name, u32, Rrsig)>,
}

impl Sets {
    /// None if the record does not parse or is one too many.
    fn add(&mut self, wire: &[u8], place: &Place) -> Option<()> {
        if place.class != IN || place.rtype == Rtype::OPT {
            return Some(());
        }
        let (owner, _) = name::read(wire, place.owner)?;
        let data = canonical(wire, place.rtype, place.data, place.end)?;
        if place.rtype == Rtype::RRSIG {
            let sig = Rrsig::parse(&data)?;
            if self.sigs.len() < MAX_SETS * MAX_SIGNATURES {
                self.sigs.push((owner, place.ttl, sig));
                return Some(());
            }
            return None;
        }
        // Records of a set mostly stand together: look from the end.
        if let Some(set) = self.sets.iter_mut().rev().find(|s| s.rtype == place.rtype && s.name == owner) {
            set.ttl = set.ttl.min(place.ttl);
            set.data.push(data);
            return Some(());
        }
        if self.sets.len() == MAX_SETS {
            return None;
        }
        self.sets.push(RrSet { name: owner, rtype: place.rtype, ttl: place.ttl, data: vec![data], sigs: Vec::new() });
        Some(())
    }

    fn finish(self) -> Vec<RrSet> {
        let mut sets = self.sets;
        for (owner, ttl, sig) in self.sigs {
            let set = sets.iter_mut().find(|s| s.rtype == sig.covered && s.name == owner);
            if let Some(set) = set.filter(|s| s.sigs.len() < MAX_SIGNATURES) {
                set.ttl = set.ttl.min(ttl);
                set.sigs.push(sig);
            }
        }
        for set in &mut sets {
            set.data.sort_unstable();
            set.data.dedup();
        }
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header with these flags and counts, question `a. A`.
    fn message(flags: u16, counts: [u16; 3], records: &[&[u8]]) -> Vec<u8> {
        let mut out = vec![0, 1];
        out.extend(flags.to_be_bytes());
        out.extend([0, 1]);
        out.extend(counts.iter().flat_map(|c| c.to_be_bytes()));
        out.extend(b"\x01a\x00\x00\x01\x00\x01");
        out.extend(records.concat());
        out
    }

    const A: &[u8] = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04";
    const OPT_DO: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
    const OPT_EDE: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x06\x00\x0f\x00\x02\x00\x07";

    #[test]
    fn most_answers_are_not_read() {
        assert!(read(&message(0x8180, [1, 0, 0], &[A])).is_none());
        assert!(read(&message(0x0100, [1, 0, 1], &[A, OPT_DO])).is_none(), "a query");
        assert!(read(&message(0xa800, [1, 0, 1], &[A, OPT_DO])).is_none(), "an update");
        let read = read(&message(0x8400, [2, 0, 1], &[A, A, OPT_DO])).unwrap();
        assert_eq!((read.answer.len(), read.answer[0].data.len(), read.answer[0].ttl), (1, 1, 60));
        assert!(read.wants_signatures && read.is_authoritative && !read.is_damaged);
    }

    #[test]
    fn what_is_bare_is_one_unsigned_set_of_the_question() {
        let is_bare = |flags, counts, records: &[&[u8]]| bare(&message(flags, counts, records)).is_some();
        assert!(is_bare(0x8180, [1, 0, 1], &[A, OPT_DO]));
        assert!(is_bare(0x8183, [0, 0, 1], &[OPT_DO]));
        let alias = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c";
        let other = b"\x01b\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04";
        let sig = b"\xc0\x0c\x00\x2e\x00\x01\x00\x00\x00\x3c\x00\x01\x00";
        for (flags, counts, records) in [
            (0x0180, [1, 0, 1], [A, OPT_DO]),
            (0x8380, [1, 0, 1], [A, OPT_DO]),
            (0x8182, [1, 0, 1], [A, OPT_DO]),
            (0x8180, [1, 0, 1], [A, OPT_EDE]),
            (0x8180, [2, 0, 1], [A, OPT_DO]),
            (0x8180, [2, 0, 0], [A, A]),
            (0x8180, [1, 0, 1], [alias, OPT_DO]),
            (0x8180, [1, 0, 1], [other, OPT_DO]),
            (0x8180, [0, 1, 1], [sig, OPT_DO]),
        ] {
            assert!(!is_bare(flags, counts, &records), "{flags:#x} {records:?}");
        }
    }

    #[test]
    fn parses_extended_errors() {
        let read = read(&message(0x8182, [0, 0, 1], &[OPT_EDE])).unwrap();
        assert_eq!((read.rcode, read.ede), (2, Some(7)));
        assert_eq!(extended_error(b"\x00\x0f\x00\x02\x00\x03\x00\x0f\x00\x02\x00\x09"), Some(9));
        assert_eq!(extended_error(b"\x00\x0f\x00\x09\x00\x09"), None);
    }

    #[test]
    fn limits_and_damage_are_said() {
        let cut = message(0x8180, [2, 0, 1], &[A, OPT_DO]);
        assert!(read(&cut).is_none(), "nothing of DNSSEC before the end");
        let key = b"\xc0\x0c\x00\x30\x00\x01\x00\x00\x00\x3c\x00\x05\x01\x01\x03\x0d\x01";
        assert!(read(&message(0x8180, [2, 0, 0], &[key])).unwrap().is_damaged);
        assert!(read(&message(0x8380, [1, 0, 0], &[key])).unwrap().is_damaged);
        let many: Vec<&[u8]> = vec![A; MAX_RECORDS];
        let many = read(&message(0x8180, [1_025, 0, 0], &[key, &many.concat()])).unwrap();
        assert!(many.is_damaged && many.answer.len() == 2);
    }

    #[test]
    fn no_panic_on_any_cut() {
        let whole = message(0x8180, [2, 1, 1], &[A, A, A, OPT_EDE]);
        for len in 0..whole.len() {
            let _ = read(&whole[..len]);
            let _ = bare(&whole[..len]);
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[len] ^= 1 << bit;
                let _ = read(&changed);
                let _ = bare(&changed);
            }
        }
    }
}
