//! RPM packages: lead, signature, header, then the payload, a compressed cpio archive.

use crate::bytes::be32;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;

const LEAD_LEN: u64 = 96;
const HEADER_MAGIC: [u8; 3] = [0x8e, 0xad, 0xe8];

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let Some(signature_end) = header_end(l, LEAD_LEN) else {
        l.odd("rpm: no signature header");
        return;
    };
    let Some(data) = header_end(l, signature_end.next_multiple_of(8)) else {
        l.odd("rpm: no header");
        return;
    };
    l.add(Entry::new("rpm", b"payload", Recipe::slice(data, l.len().saturating_sub(data))));
}

/// A header: magic, version, reserved, number of entries of 16 bytes, size of the store.
fn header_end(l: &Lister<'_, '_>, at: u64) -> Option<u64> {
    let bytes = l.read(at, 16);
    let (count, store) = (be32(&bytes, 8)?, be32(&bytes, 12)?);
    let end = at + 16 + 16 * u64::from(count) + u64::from(store);
    (bytes.starts_with(&HEADER_MAGIC) && end <= l.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed};

    fn header(store: usize) -> Vec<u8> {
        let mut out = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, store as u8];
        out.extend(vec![0; 16 + store]);
        out
    }

    #[test]
    fn parses_the_payload() {
        let mut rpm = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
        rpm.resize(96, 0);
        rpm.extend(header(5));
        rpm.resize(rpm.len().next_multiple_of(8), 0);
        rpm.extend(header(7));
        rpm.extend(b"the payload\n");
        assert_eq!(leaves(&rpm), [("rpm:payload".to_owned(), b"the payload\n".to_vec())]);
        rpm.truncate(100);
        assert_eq!(listed(&rpm).nodes[0].anomalies.len(), 1);
    }
}
