//! Certificate extensions (RFC 5280 §4.2).

use crate::der::{Der, Error, Result, small_uint, tag};
use crate::oid;
use sekisho_types::Addr;

/// Most extensions of one certificate that are looked at.
const MAX_EXTENSIONS: usize = 64;

/// Most names of one kind kept from a subject alternative name; shared hosting has certificates with a few hundred.
const MAX_ALT_NAMES: usize = 4096;

/// Most purposes kept from an extended key usage.
const MAX_PURPOSES: usize = 32;

/// Most timestamps counted in one list.
const MAX_SCTS: u32 = 64;

/// Basic constraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The subject is a certificate authority.
    pub ca: bool,
    /// Most intermediate certificates below it.
    pub path_len: Option<u64>,
}

/// Subject alternative names by kind (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AltNames {
    /// dNSName values as on the wire.
    pub dns: Vec<Vec<u8>>,
    /// URIs as on the wire.
    pub uri: Vec<Vec<u8>>,
    /// Mail addresses as on the wire.
    pub email: Vec<Vec<u8>>,
    /// Addresses.
    pub ip: Vec<Addr>,
    /// There are names of other kinds, or of a form that is not understood.
    pub other: bool,
}

/// Bits of the key usage extension (RFC 5280 §4.2.1.3), bit 0 of the standard as the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// May sign certificates (bit 5).
    pub const KEY_CERT_SIGN: u16 = 1 << 5;

    /// May the key sign certificates?
    pub const fn may_sign_certs(self) -> bool {
        self.0 & Self::KEY_CERT_SIGN != 0
    }

    /// The standard's names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 9] = [
            "digitalSignature",
            "nonRepudiation",
            "keyEncipherment",
            "dataEncipherment",
            "keyAgreement",
            "keyCertSign",
            "cRLSign",
            "encipherOnly",
            "decipherOnly",
        ];
        NAMES.into_iter().enumerate().filter(move |(i, _)| self.0 >> i & 1 != 0).map(|(_, n)| n)
    }
}

/// What the extensions say. Absent ones are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Basic constraints.
    pub basic_constraints: Option<BasicConstraints>,
    /// Subject alternative names.
    pub alt_names: Option<AltNames>,
    /// Key usage.
    pub key_usage: Option<KeyUsage>,
    /// Extended key usage: `serverAuth`, `clientAuth`, …, or dotted OIDs.
    pub ext_key_usage: Option<Vec<String>>,
    /// Subject key identifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// Authority key identifier's key identifier.
    pub authority_key_id: Option<Vec<u8>>,
    /// Content of the name constraints.
    pub name_constraints: Option<Vec<u8>>,
    /// Number of embedded signed certificate timestamps (RFC 6962).
    pub sct_count: Option<u32>,
    /// An extension that is understood here was malformed.
    pub malformed: bool,
    /// Dotted OID of the first critical extension that is not understood here.
    pub unknown_critical: Option<String>,
}

/// Reads the content of the SEQUENCE OF Extension. A malformed extension is left out and marked.
pub(crate) fn parse(list: &[u8]) -> Result<Extensions> {
    let mut out = Extensions::default();
    let mut r = Der::new(list);
    let mut count = 0;
    while !r.is_empty() {
        count += 1;
        if count > MAX_EXTENSIONS {
            return Err(Error::OverLimit);
        }
        let mut one = r.enter(tag::SEQUENCE)?;
        let oid = one.content(tag::OID)?;
        let critical = one.flag()?;
        let value = one.content(tag::OCTET_STRING)?;
        out.malformed |= out.read(oid, critical, value).is_err();
    }
    Ok(out)
}

impl Extensions {
    fn read(&mut self, oid: &[u8], critical: bool, value: &[u8]) -> Result<()> {
        let mut r = Der::new(value);
        match oid {
            oid::ext::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(r)?),
            oid::ext::SUBJECT_ALT_NAME => self.alt_names = Some(alt_names(r)?),
            oid::ext::KEY_USAGE => self.key_usage = Some(key_usage(r.bits()?)),
            oid::ext::EXT_KEY_USAGE => self.ext_key_usage = Some(purposes(r)?),
            oid::ext::SUBJECT_KEY_ID => self.subject_key_id = Some(r.content(tag::OCTET_STRING)?.to_vec()),
            oid::ext::AUTHORITY_KEY_ID => {
                let id = r.enter(tag::SEQUENCE)?.optional(tag::implicit(0))?;
                self.authority_key_id = id.map(|e| e.content.to_vec());
            }
            oid::ext::NAME_CONSTRAINTS => self.name_constraints = Some(r.content(tag::SEQUENCE)?.to_vec()),
            oid::ext::SCT_LIST => self.sct_count = Some(scts(r.content(tag::OCTET_STRING)?)?),
            _ if critical && self.unknown_critical.is_none() => self.unknown_critical = Some(oid::dotted(oid)),
            _ => {}
        }
        Ok(())
    }
}

fn basic_constraints(mut r: Der<'_>) -> Result<BasicConstraints> {
    let mut seq = r.enter(tag::SEQUENCE)?;
    let ca = seq.flag()?;
    let path_len = seq.optional(tag::INTEGER)?.and_then(|e| small_uint(e.content));
    Ok(BasicConstraints { ca, path_len })
}

fn key_usage(bits: &[u8]) -> KeyUsage {
    let octet = |i: usize| u16::from(bits.get(i).copied().unwrap_or(0).reverse_bits());
    KeyUsage(octet(0) | octet(1) << 8)
}

fn purposes(mut r: Der<'_>) -> Result<Vec<String>> {
    let mut list = r.enter(tag::SEQUENCE)?;
    let mut out = Vec::new();
    while !list.is_empty() && out.len() < MAX_PURPOSES {
        let oid = list.content(tag::OID)?;
        let name = match oid {
            oid::eku::ANY => "any",
            oid::eku::SERVER_AUTH => "serverAuth",
            oid::eku::CLIENT_AUTH => "clientAuth",
            oid::eku::CODE_SIGNING => "codeSigning",
            oid::eku::EMAIL => "emailProtection",
            oid::eku::OCSP_SIGNING => "OCSPSigning",
            _ => "",
        };
        out.push(if name.is_empty() { oid::dotted(oid) } else { name.to_owned() });
    }
    Ok(out)
}

fn alt_names(mut r: Der<'_>) -> Result<AltNames> {
    let mut list = r.enter(tag::SEQUENCE)?;
    let mut out = AltNames::default();
    while !list.is_empty() {
        let name = list.any()?;
        let text = |to: &mut Vec<Vec<u8>>| {
            if to.len() < MAX_ALT_NAMES {
                to.push(name.content.to_vec());
            }
        };
        match name.tag {
            0x81 => text(&mut out.email),
            0x82 => text(&mut out.dns),
            0x86 => text(&mut out.uri),
            0x87 => match address(name.content) {
                Some(addr) if out.ip.len() < MAX_ALT_NAMES => out.ip.push(addr),
                _ => out.other = true,
            },
            _ => out.other = true,
        }
    }
    Ok(out)
}

fn address(octets: &[u8]) -> Option<Addr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Addr::v4(v4));
    }
    <[u8; 16]>::try_from(octets).ok().map(Addr::v6)
}

/// Counts the entries of a SignedCertificateTimestampList (RFC 6962 §3.3): 16-bit lengths throughout.
fn scts(list: &[u8]) -> Result<u32> {
    let (_, mut rest) = list.split_first_chunk::<2>().ok_or(Error::Missing)?;
    let mut count = 0;
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        rest = tail.get(usize::from(u16::from_be_bytes(*len))..).ok_or(Error::Missing)?;
        count += 1;
        if count >= MAX_SCTS {
            break;
        }
    }
    Ok(count)
}
