//! Sets of records and what of them is signed.

use crate::name::Name;
use crate::record::Rrsig;
use crate::rtype::Rtype;
use domain::base::iana::Rtype as DomainRtype;
use domain::base::name::ParsedName;
use domain::base::rdata::{ComposeRecordData, ParseAnyRecordData};
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;

/// The records of one owner and type with the signatures over them. Class is always IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RrSet {
    pub(crate) name: Name,
    pub(crate) rtype: Rtype,
    /// The lowest that was seen.
    pub(crate) ttl: u32,
    /// Canonical data, sorted, each once (RFC 4034 §6.3).
    pub(crate) data: Vec<Box<[u8]>>,
    pub(crate) sigs: Vec<Rrsig>,
}

impl RrSet {
    /// What a signature is over (RFC 4034 §3.1.8.1, RFC 4035 §5.3.2): none if it counts more labels than the owner has.
    pub(crate) fn signed_data(&self, sig: &Rrsig) -> Option<Vec<u8>> {
        let labels = usize::from(sig.labels);
        let own = self.name.signed_label_count();
        let wildcard;
        let owner = if labels < own {
            wildcard = self.name.last_labels(labels).wildcard()?;
            &wildcard
        } else if labels == own {
            &self.name
        } else {
            return None;
        };
        let each = owner.as_wire().len() + 10;
        let data_len: usize = self.data.iter().map(|d| d.len() + each).sum();
        let mut out = Vec::with_capacity(18 + sig.signer.as_wire().len() + data_len);
        out.extend_from_slice(&sig.head);
        out.extend_from_slice(sig.signer.as_wire());
        for data in &self.data {
            out.extend_from_slice(owner.as_wire());
            out.extend_from_slice(&self.rtype.0.to_be_bytes());
            out.extend_from_slice(&1u16.to_be_bytes());
            out.extend_from_slice(&sig.original_ttl.to_be_bytes());
            out.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
            out.extend_from_slice(data);
        }
        Some(out)
    }

    /// Is it made from a wildcard by this signature?
    pub(crate) fn is_expanded(&self, sig: &Rrsig) -> bool {
        usize::from(sig.labels) < self.name.signed_label_count()
    }

    pub(crate) fn heap_len(&self) -> usize {
        let data_len: usize = self.data.iter().map(|d| d.len() + size_of::<Box<[u8]>>()).sum();
        self.name.heap_len() + data_len + self.sigs.iter().map(Rrsig::heap_len).sum::<usize>()
    }
}

/// Record data in canonical form (RFC 4034 §6.2 with RFC 6840 §5.1): names in it uncompressed, and in lower case for the
/// types of that list. None if it does not parse.
pub(crate) fn canonical(message: &[u8], rtype: Rtype, from: usize, to: usize) -> Option<Box<[u8]>> {
    let raw = message.get(from..to)?;
    match rtype {
        // Those with names. Others are taken as they are, whatever is in them.
        Rtype::NS
        | Rtype::MD
        | Rtype::MF
        | Rtype::CNAME
        | Rtype::SOA
        | Rtype::MB
        | Rtype::MG
        | Rtype::MR
        | Rtype::PTR
        | Rtype::MINFO
        | Rtype::MX
        | Rtype::RP
        | Rtype::NAPTR
        | Rtype::SRV
        | Rtype::DNAME
        | Rtype::RRSIG => {
            let mut parser = Parser::with_range(message, ..to);
            parser.seek(from).ok()?;
            let data: AllRecordData<&[u8], ParsedName<&[u8]>> =
                AllRecordData::parse_any_rdata(DomainRtype::from_int(rtype.0), &mut parser).ok()?;
            let mut out = Vec::with_capacity(raw.len() + 32);
            if parser.remaining() > 0 || data.compose_canonical_rdata(&mut out).is_err() {
                return None;
            }
            Some(out.into())
        }
        // The library doesn't know these; their names may not be compressed (RFC 3597 §4).
        Rtype::AFSDB | Rtype::RT | Rtype::KX => lowered(raw, 2),
        Rtype::PX => {
            let head = raw.get(..2)?;
            let (first, first_len) = crate::name::read_uncompressed(raw.get(2..)?)?;
            let rest = lowered(raw.get(2 + first_len..)?, 0)?;
            Some([head, first.as_wire(), &rest].concat().into())
        }
        _ => Some(raw.into()),
    }
}

/// `raw` with the name behind its first octets in lower case.
fn lowered(raw: &[u8], head_len: usize) -> Option<Box<[u8]>> {
    let (head, rest) = raw.split_at_checked(head_len)?;
    let name = Name::from_wire(rest)?;
    Some([head, name.as_wire()].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_data_are_canonical() {
        // A message of one name, then data that point to it.
        let name = b"\x03WwW\x07Example\x00";
        let with = |data: &[u8], rtype| {
            let message = [name, data].concat();
            canonical(&message, rtype, name.len(), message.len())
        };
        assert_eq!(with(b"\xc0\x00", Rtype::NS).unwrap()[..], b"\x03www\x07example\x00"[..]);
        assert_eq!(with(b"\x00\x0a\x01M\xc0\x04", Rtype::MX).unwrap()[..], b"\x00\x0a\x01m\x07example\x00"[..]);
        assert_eq!(with(b"\x00\x0a\x01M\x00", Rtype::KX).unwrap()[..], b"\x00\x0a\x01m\x00"[..]);
        assert_eq!(with(b"\x00\x01\x01M\x00\x01N\x00", Rtype::PX).unwrap()[..], b"\x00\x01\x01m\x00\x01n\x00"[..]);
        // Not in the list: stays as it is.
        assert_eq!(with(b"\x01M\x00\x00\x01\x40", Rtype::NSEC).unwrap()[..], b"\x01M\x00\x00\x01\x40"[..]);
        assert_eq!(with(b"\x00\x0a\x01M", Rtype::MX), None);
        assert_eq!(with(b"\xc0\x00\x00", Rtype::NS), None);
        assert_eq!(with(b"\x00\x0a\xc0\x04", Rtype::KX), None);
    }
}
