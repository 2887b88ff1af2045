//! NTLMSSP messages (MS-NLMP §2.2): pure parsing.

use crate::utf16;
use sekisho_record::Text;
use sekisho_types::seeded_hash;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// First bytes of every message.
pub(crate) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Entries of a challenge's target information that are looked at.
const MAX_AV_PAIRS: usize = 32;

/// NTLMSSP_NEGOTIATE_UNICODE (§2.2.2.5).
const UNICODE: u32 = 1;

/// NTLMSSP_NEGOTIATE_TARGET_INFO.
const TARGET_INFO: u32 = 0x0080_0000;

/// Bytes of a response by which it is known again, and the seed of their digest.
const PROOF_LEN: usize = 16;
const PROOF_SEED: u64 = 0x70_726f_6f66;

/// Longest response of version 1 (§2.2.2.6).
const V1_RESPONSE_LEN: usize = 24;

/// A message, as far as it is logged or told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// With its flags.
    Negotiate(u32),
    Challenge(Challenge),
    Authenticate(Authenticate),
}

/// What the server says of itself (§2.2.1.2, §2.2.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub flags: u32,
    /// The server's eight bytes, the first of them highest.
    pub nonce: u64,
    pub nb_computer_name: Option<Text>,
    pub dns_computer_name: Option<Text>,
    pub dns_tree_name: Option<Text>,
}

/// What the client says of itself (§2.2.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Authenticate {
    pub domain: Option<Text>,
    pub user: Option<Text>,
    pub workstation: Option<Text>,
    pub version: Option<u8>,
    pub lm_len: u16,
    pub nt_len: u16,
    /// A response of LAN Manager's own that is neither empty nor a copy of the other.
    pub lm_set: bool,
    /// Digest of the first 16 bytes of the NT response: of version 2 its proof.
    pub proof: Option<u64>,
}

/// Place of a value in the message.
#[derive(Clone, Copy)]
struct Place {
    len: usize,
    offset: usize,
}

impl Place {
    fn read(r: &mut Reader<'_>) -> ParseResult<Self> {
        let len = usize::from(r.u16_le(&"NTLM field length")?);
        r.skip(&"NTLM field allocation", 2)?;
        let offset = usize::try_from(r.u32_le(&"NTLM field offset")?).unwrap_or(usize::MAX);
        Ok(Self { len, offset })
    }

    fn of<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        let end = self.offset.checked_add(self.len)?;
        message.get(self.offset..end).filter(|v| !v.is_empty())
    }

    fn text(&self, message: &[u8], flags: u32) -> Option<Text> {
        let value = self.of(message)?;
        Some(if flags & UNICODE != 0 { utf16::text(value) } else { value.into() })
    }
}

/// Reads a message that is `message` as a whole.
pub(super) fn parse(message: &[u8]) -> ParseResult<Message> {
    let mut r = Reader::new(message);
    if r.array(&"NTLM signature")? != *SIGNATURE {
        return Err(ParseError::bad(&"NTLM signature"));
    }
    match r.u32_le(&"NTLM message type")? {
        1 => {
            let flags = r.u32_le(&"NTLM flags")?;
            Ok(Message::Negotiate(flags))
        }
        2 => challenge(r).map(Message::Challenge),
        3 => authenticate(r).map(Message::Authenticate),
        _ => Err(ParseError::bad(&"NTLM message type")),
    }
}

/// What the client says of itself, for rules and EVE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) domain: Text,
    pub(crate) user: Text,
    pub(crate) host: Text,
    /// Major, minor, revision of the operating system, if it is told (§2.2.2.10).
    pub(crate) version: Option<[u8; 3]>,
    pub(crate) build: u16,
}

/// NTLMSSP_NEGOTIATE_VERSION.
const VERSION: u32 = 0x0200_0000;

/// The names in an AUTHENTICATE message.
pub(crate) fn names(message: &[u8]) -> Option<Names> {
    let Ok(Message::Authenticate(found)) = parse(message) else { return None };
    let mut names = Names {
        domain: found.domain.unwrap_or_default(),
        user: found.user.unwrap_or_default(),
        host: found.workstation.unwrap_or_default(),
        ..Names::default()
    };
    /// Where the flags stand, and behind them the version.
    const FLAGS_AT: usize = 60;
    let flags = message.get(FLAGS_AT..).and_then(|m| m.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    if flags.is_some_and(|flags| flags & VERSION != 0)
        && let Some(&[major, minor, low, high, _, _, _, revision]) = message.get(FLAGS_AT + 4..)?.first_chunk::<8>()
    {
        names.version = Some([major, minor, revision]);
        names.build = u16::from_le_bytes([low, high]);
    }
    Some(names)
}

fn challenge(mut r: Reader<'_>) -> ParseResult<Challenge> {
    Place::read(&mut r)?;
    let flags = r.u32_le(&"NTLM flags")?;
    let nonce = u64::from_be_bytes(r.array(&"NTLM challenge")?);
    let mut challenge = Challenge { flags, nonce, ..Challenge::default() };
    if flags & TARGET_INFO == 0 {
        return Ok(challenge);
    }
    r.skip(&"NTLM reserved", 8)?;
    let place = Place::read(&mut r)?;
    let mut pairs = Reader::new(place.of(r.all()).unwrap_or(&[]));
    for _ in 0..MAX_AV_PAIRS {
        let (Ok(id), Ok(len)) = (pairs.u16_le(&"AV id"), pairs.u16_le(&"AV length")) else { break };
        let Ok(value) = pairs.take(&"AV value", usize::from(len)) else { break };
        match id {
            0 => break,
            1 => challenge.nb_computer_name = Some(utf16::text(value)),
            3 => challenge.dns_computer_name = Some(utf16::text(value)),
            5 => challenge.dns_tree_name = Some(utf16::text(value)),
            _ => {}
        }
    }
    Ok(challenge)
}

fn authenticate(mut r: Reader<'_>) -> ParseResult<Authenticate> {
    let (lm_response, nt_response) = (Place::read(&mut r)?, Place::read(&mut r)?);
    let (domain, user, workstation) = (Place::read(&mut r)?, Place::read(&mut r)?, Place::read(&mut r)?);
    // Old clients leave out session key and flags; their names are in the code page.
    let flags = Place::read(&mut r).and_then(|_| r.u32_le(&"NTLM flags")).unwrap_or(0);
    let all = r.all();
    let (lm, nt) = (lm_response.of(all).unwrap_or(&[]), nt_response.of(all).unwrap_or(&[]));
    let len = |response: &[u8]| u16::try_from(response.len()).unwrap_or(u16::MAX);
    Ok(Authenticate {
        domain: domain.text(all, flags),
        user: user.text(all, flags),
        workstation: workstation.text(all, flags),
        version: nt_response.of(all).map(|v| if v.len() <= V1_RESPONSE_LEN { 1 } else { 2 }),
        lm_len: len(lm),
        nt_len: len(nt),
        lm_set: lm.iter().any(|b| *b != 0) && lm != nt,
        proof: nt.first_chunk::<PROOF_LEN>().map(|proof| seeded_hash(PROOF_SEED, proof)),
    })
}
