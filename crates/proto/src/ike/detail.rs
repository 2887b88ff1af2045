//! Everything in a message that rules ask for or EVE shows: payloads, proposals with their attributes, keys, nonces.

use sekisho_wire::Reader;

/// Payloads, proposals, transforms or attributes looked at of one message.
const MAX_ITEMS: usize = 64;

/// An attribute of a transform (RFC 2408 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub kind: u16,
    /// Its number, if it is one of two or four bytes; else its bytes.
    pub value: Result<u32, Vec<u8>>,
}

/// A message, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    pub initiator: [u8; 8],
    pub responder: [u8; 8],
    /// Major and minor version.
    pub version: (u8, u8),
    pub exchange: u8,
    pub flags: u8,
    pub id: u32,
    /// Kinds of payloads, each once.
    pub payloads: Vec<u8>,
    pub key_exchange: Vec<u8>,
    pub nonce: Vec<u8>,
    pub vendors: Vec<Vec<u8>>,
    /// Version 1: domain of interpretation, and the transforms offered.
    pub domain: Option<u32>,
    pub transforms: Vec<Vec<Attribute>>,
    /// Version 2: what is notified.
    pub notified: Vec<u16>,
    /// Something behind the payloads, or a payload that is cut off.
    pub extra: bool,
    /// Version 2: what is odd about proposals.
    pub odd: Vec<&'static str>,
}

/// A generic header: what comes next, and the content behind it.
fn item<'a>(r: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let next = r.u8(&"payload").ok()?;
    r.skip(&"payload", 1).ok()?;
    let len = usize::from(r.u16(&"payload").ok()?).checked_sub(4)?;
    Some((next, r.sub(&"payload", len).ok()?))
}

impl Detail {
    /// Of a datagram that is a message, without the marker.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let (initiator, responder) = (r.array(&"spi").ok()?, r.array(&"spi").ok()?);
        let [next, version, exchange, flags] = r.array(&"header").ok()?;
        let id = r.u32(&"id").ok()?;
        r.skip(&"length", 4).ok()?;
        let version = (version >> 4, version & 15);
        let mut detail = Self { initiator, responder, version, exchange, flags, id, ..Self::default() };
        if detail.is_encrypted() {
            detail.note(next);
        } else {
            detail.walk(next, &mut r);
        }
        Some(detail)
    }

    /// Version 1: is what follows the header encrypted?
    pub const fn is_encrypted(&self) -> bool {
        self.version.0 == 1 && self.flags & 1 == 1
    }

    fn note(&mut self, kind: u8) {
        if kind != 0 && !self.payloads.contains(&kind) {
            self.payloads.push(kind);
        }
    }

    fn walk(&mut self, mut kind: u8, r: &mut Reader<'_>) {
        for _ in 0..MAX_ITEMS {
            if kind == 0 {
                break;
            }
            self.note(kind);
            let Some((next, mut body)) = item(r) else { break };
            match (self.version.0, kind) {
                (1, 1) => drop(self.association(body)),
                (1, 4) => self.key_exchange = body.rest().to_vec(),
                (1, 10) => self.nonce = body.rest().to_vec(),
                (1, 13) => self.vendors.push(body.rest().to_vec()),
                (2, 33) => self.odd.extend(super::weak::of(body)),
                (2, 41) => drop(self.notification(&mut body)),
                // What is encrypted has nothing behind it that is not.
                (2, 46) => return,
                _ => {}
            }
            kind = next;
        }
        self.extra = !r.is_empty();
    }

    /// Version 1: proposals with their transforms (RFC 2408 §3.4).
    fn association(&mut self, mut r: Reader<'_>) -> Option<()> {
        let domain = r.u32(&"domain").ok()?;
        self.domain = Some(domain);
        if domain != 1 {
            return None;
        }
        r.skip(&"situation", 4).ok()?;
        for _ in 0..MAX_ITEMS {
            self.note(2);
            let (_, mut proposal) = item(&mut r)?;
            let [_, _, spi_len, _] = proposal.array(&"proposal").ok()?;
            proposal.skip(&"spi", usize::from(spi_len)).ok()?;
            while self.transforms.len() < MAX_ITEMS
                && let Some((_, mut transform)) = item(&mut proposal)
            {
                self.note(3);
                transform.skip(&"transform", 4).ok()?;
                let attributes = std::iter::from_fn(|| attribute(&mut transform)).take(MAX_ITEMS);
                self.transforms.push(attributes.collect());
            }
        }
        Some(())
    }

    /// Version 2 (RFC 7296 §3.10).
    fn notification(&mut self, r: &mut Reader<'_>) -> Option<()> {
        r.skip(&"protocol", 2).ok()?;
        self.notified.push(r.u16(&"notification").ok()?);
        Some(())
    }
}

fn attribute(r: &mut Reader<'_>) -> Option<Attribute> {
    let head = r.u16(&"attribute").ok()?;
    let value = r.u16(&"attribute").ok()?;
    let kind = head & 0x7fff;
    if head & 0x8000 != 0 {
        return Some(Attribute { kind, value: Ok(value.into()) });
    }
    let bytes = r.take(&"attribute", value.into()).ok()?;
    let value = <[u8; 4]>::try_from(bytes).map(u32::from_be_bytes).map_err(|_| bytes.to_vec());
    Some(Attribute { kind, value })
}

/// Suricata's name of an attribute; `None`: it is not in the schema.
pub(super) const fn key(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "alg_enc",
        2 => "alg_hash",
        3 => "alg_auth",
        4 => "alg_dh",
        11 => "sa_life_type",
        12 => "sa_life_duration",
        14 => "sa_key_length",
        _ => return None,
    })
}

/// Suricata's name of an attribute's value (RFC 2409 appendix A).
pub(super) fn value_name(kind: u16, value: u32) -> &'static str {
    const ENCRYPTION: &[&str] = &[
        "EncDesCbc",
        "EncIdeaCbc",
        "EncBlowfishCbc",
        "EncRc5R16B64Cbc",
        "EncTripleDesCbc",
        "EncCastCbc",
        "EncAesCbc",
        "EncCamelliaCbc",
    ];
    const HASH: &[&str] = &["HashMd5", "HashSha", "HashTiger", "HashSha2_256", "HashSha2_384", "HashSha2_512"];
    const AUTHENTICATION: &[&str] = &[
        "AuthPreSharedKey",
        "AuthDssSignatures",
        "AuthRsaSignatures",
        "AuthEncryptionWithRsa",
        "AuthRevisedEncryptionWithRsa",
        "AuthReserved",
        "AuthReserved",
        "AuthReserved",
        "AuthEcdsaSha256",
        "AuthEcdsaSha384",
        "AuthEcdsaSha512",
    ];
    const GROUP: &[&str] = &[
        "GroupDefault768BitModp",
        "GroupAlternate1024BitModpGroup",
        "GroupEc2nOnGp2p155",
        "GroupEc2nOnGp2p185",
        "GroupModp1536Bit",
        "GroupEc2nOverGf2p163",
        "GroupEc2nOverGf2p163",
        "GroupEc2nOverGf2p283",
        "GroupEc2nOverGf2p283",
        "GroupEc2nOverGf2p409",
        "GroupEc2nOverGf2p409",
        "GroupEc2nOverGf2p571",
        "GroupEc2nOverGf2p571",
        "GroupModp2048Bit",
        "GroupModp3072Bit",
        "GroupModp4096Bit",
        "GroupModp6144Bit",
        "GroupModp8192Bit",
        "GroupRandomEcp256",
        "GroupRandomEcp384",
        "GroupRandomEcp521",
        "GroupModp1024With160BitPrime",
        "GroupModp2048With224BitPrime",
        "GroupModp2048With256BitPrime",
        "GroupRandomEcp192",
        "GroupRandomEcp224",
        "GroupBrainpoolEcp224",
        "GroupBrainpoolEcp256",
        "GroupBrainpoolEcp384",
        "GroupBrainpoolEcp512",
    ];
    let names: &[&str] = match kind {
        1 => ENCRYPTION,
        2 => HASH,
        3 => AUTHENTICATION,
        4 => GROUP,
        11 => &["LifeTypeSeconds", "LifeTypeKilobytes"],
        _ => &[],
    };
    names.get((value as usize).wrapping_sub(1)).unwrap_or(&"Unknown")
}

/// Suricata's name of a payload, by version.
pub(super) const fn payload_name(major: u8, kind: u8) -> Option<&'static str> {
    Some(match (major, kind) {
        (1, 1) | (2, 33) => "SecurityAssociation",
        (1, 2) => "Proposal",
        (1, 3) => "Transform",
        (1, 4) | (2, 34) => "KeyExchange",
        (1, 5) => "Identification",
        (1, 6) | (2, 37) => "Certificate",
        (1, 7) | (2, 38) => "CertificateRequest",
        (1, 8) => "Hash",
        (1, 9) => "Signature",
        (1, 10) | (2, 40) => "Nonce",
        (1, 11) => "Notification",
        (1, 12) | (2, 42) => "Delete",
        (1, 13) => "VendorId",
        (1, 15) => "SaKekPayload",
        (1, 16) => "SaTekPayload",
        (1, 17) => "KeyDownload",
        (1, 18) => "SequenceNumber",
        (1, 19) => "ProofOfPossession",
        (1, 20) => "NatDiscovery",
        (1, 21) => "NatOriginalAddress",
        (1, 22) => "GroupAssociatedPolicy",
        (2, 35) => "IdentInitiator",
        (2, 36) => "IdentResponder",
        (2, 39) => "Authentication",
        (2, 41) => "Notify",
        (2, 43) => "VendorID",
        (2, 44) => "TrafficSelectorInitiator",
        (2, 45) => "TrafficSelectorResponder",
        (2, 46) => "EncryptedAndAuthenticated",
        (2, 47) => "Configuration",
        (2, 48) => "ExtensibleAuthentication",
        (2, 49) => "GenericSecurePasswordMethod",
        (2, 50) => "GroupIdentification",
        (2, 51) => "GroupSecurityAssociation",
        (2, 52) => "KeyDownload",
        (2, 53) => "EncryptedAndAuthenticatedFragment",
        _ => return None,
    })
}
