//! Subject public key info (RFC 5280 §4.1.2.7).

use crate::der::{Der, Result, bit_len, small_uint, tag, trim_zeros};
use crate::oid;

/// A certificate's public key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKey {
    /// OpenSSL's long name of the algorithm, or its dotted OID: `rsaEncryption`, `id-ecPublicKey`, `ED25519`.
    pub algorithm: String,
    /// `rsa`, `dsa` or `ecdsa`; `None` for what Zeek does not classify.
    pub kind: Option<&'static str>,
    /// Bits: RSA modulus, DSA prime, order of the curve's group.
    pub length: Option<u32>,
    /// RSA exponent, decimal; hexadecimal with `0x` beyond 64 bits.
    pub exponent: Option<String>,
    /// OpenSSL's short name of the curve, e.g. `prime256v1`; the dotted OID of an unknown one.
    pub curve: Option<String>,
}

/// Reads the content of a SubjectPublicKeyInfo. What is inside an unknown or broken key is left unset.
pub(crate) fn parse(spki: &[u8]) -> Result<PublicKey> {
    let mut r = Der::new(spki);
    let mut algorithm = r.enter(tag::SEQUENCE)?;
    let oid = algorithm.content(tag::OID)?;
    let bits = r.bits()?;
    let mut key = PublicKey { algorithm: oid::algorithm_name(oid), ..PublicKey::default() };
    // Broken key material leaves the certificate readable, as OpenSSL does: only the columns stay empty.
    let _ = match oid {
        oid::RSA | oid::RSA_PSS => rsa(bits, oid, &mut key),
        oid::DSA => dsa(algorithm, &mut key),
        oid::EC => ec(algorithm, &mut key),
        _ => Ok(()),
    };
    Ok(key)
}

fn rsa(bits: &[u8], oid: &[u8], key: &mut PublicKey) -> Result<()> {
    let mut r = Der::new(bits).enter(tag::SEQUENCE)?;
    let modulus = r.content(tag::INTEGER)?;
    let exponent = r.content(tag::INTEGER)?;
    if oid == oid::RSA {
        key.kind = Some("rsa");
        key.length = Some(bit_len(modulus));
        key.exponent = Some(decimal(exponent));
    }
    Ok(())
}

fn dsa(mut algorithm: Der<'_>, key: &mut PublicKey) -> Result<()> {
    let mut params = algorithm.enter(tag::SEQUENCE)?;
    key.kind = Some("dsa");
    key.length = Some(bit_len(params.content(tag::INTEGER)?));
    Ok(())
}

fn ec(mut algorithm: Der<'_>, key: &mut PublicKey) -> Result<()> {
    let oid = algorithm.content(tag::OID)?;
    key.kind = Some("ecdsa");
    match oid::curve(oid) {
        Some((name, bits)) => {
            key.curve = Some(name.to_owned());
            key.length = Some(bits);
        }
        None => key.curve = Some(oid::dotted(oid)),
    }
    Ok(())
}

fn decimal(integer: &[u8]) -> String {
    small_uint(integer).map_or_else(
        || {
            let mut text = String::from("0x");
            // An exponent of more than 512 octets is no key; its head identifies it well enough.
            trim_zeros(integer).iter().take(512).for_each(|&b| crate::name::hex(b, &mut text));
            text
        },
        |n| n.to_string(),
    )
}
