//! ASN.1 in DER (X.690), as far as Kerberos, LDAP and SPNEGO need it.

/// An element of less than 65,536 bytes.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("short element");
    let head = if len < 0x80 { vec![tag, len as u8] } else { vec![tag, 0x82, (len >> 8) as u8, len as u8] };
    [head, content.to_vec()].concat()
}

/// A SEQUENCE of `parts`.
pub fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// An INTEGER that is not negative.
pub fn int(n: u32) -> Vec<u8> {
    let bytes = n.to_be_bytes();
    let from = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    // A first bit that is set would be the sign.
    let sign = if bytes[from] >= 0x80 { &[0][..] } else { &[] };
    tlv(2, &[sign, &bytes[from..]].concat())
}

/// An OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, bytes)
}

/// An ENUMERATED.
pub fn enumerated(n: u8) -> Vec<u8> {
    vec![10, 1, n]
}

/// `part` with the explicit tag `n`.
pub fn nth(n: u8, part: &[u8]) -> Vec<u8> {
    tlv(0xa0 | n, part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_their_lengths() {
        assert_eq!(seq(&[int(5), nth(1, &octets(b"x"))]), [0x30, 8, 2, 1, 5, 0xa1, 3, 4, 1, b'x']);
        assert_eq!(tlv(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!([int(0), int(128), int(70_000)].concat(), [2, 1, 0, 2, 2, 0, 128, 2, 3, 1, 17, 112]);
    }
}
