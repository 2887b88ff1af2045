//! NTLM (MS-NLMP §2.2.1).

use super::utf16;

/// Flags of an ordinary login: Unicode, extended session security, 128 bits, target information.
pub const FLAGS: u32 = 0xe28a_8215;
/// Extended session security (§2.2.2.5).
pub const EXTENDED: u32 = 0x0008_0000;

/// A message: type, and fixed parts (`Ok`) among places of values (`Err`) that come behind them.
pub fn message(kind: u32, parts: &[Result<&[u8], Vec<u8>>]) -> Vec<u8> {
    let fixed: usize = parts.iter().map(|p| p.as_ref().map_or(8, |b| b.len())).sum();
    let mut head = [&b"NTLMSSP\0"[..], &kind.to_le_bytes()].concat();
    let mut payload = Vec::new();
    for part in parts {
        match part {
            Ok(bytes) => head.extend_from_slice(bytes),
            Err(value) => {
                let len = (value.len() as u16).to_le_bytes();
                let offset = ((12 + fixed + payload.len()) as u32).to_le_bytes();
                head.extend_from_slice(&[&len[..], &len, &offset].concat());
                payload.extend_from_slice(value);
            }
        }
    }
    [head, payload].concat()
}

/// Who logs in, and where.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Domain of the account.
    pub domain: &'a str,
    /// The account.
    pub user: &'a str,
    /// What the client calls itself.
    pub workstation: &'a str,
    /// What the server calls itself: NetBIOS name, and the names of DNS of host and forest.
    pub server: [&'a str; 3],
    /// The server's challenge.
    pub challenge: [u8; 8],
    /// The client's answer; of version 1 if it has 24 bytes.
    pub response: Vec<u8>,
    /// What the client offers; what the server chooses.
    pub flags: [u32; 2],
}

impl<'a> Login<'a> {
    /// A login of version 2, in which `salt` makes challenge and answer differ from those of others.
    pub fn new(domain: &'a str, user: &'a str, workstation: &'a str, server: &'a str, salt: u64) -> Self {
        let mix = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x0123_4567_89ab_cdef;
        let response = (0..120u64).map(|i| (mix.wrapping_mul(2 * i + 3) >> 29) as u8).collect();
        Self {
            domain,
            user,
            workstation,
            server: [server, server, domain],
            challenge: mix.to_be_bytes(),
            response,
            flags: [FLAGS; 2],
        }
    }

    /// The three messages.
    pub fn messages(&self) -> [Vec<u8>; 3] {
        let [offered, chosen] = self.flags.map(u32::to_le_bytes);
        let [netbios, dns, forest] = self.server;
        let info: Vec<u8> = [(1u16, netbios), (3, dns), (5, forest), (0, "")]
            .iter()
            .flat_map(|(id, name)| {
                let name = utf16(name);
                [&id.to_le_bytes()[..], &(name.len() as u16).to_le_bytes(), &name].concat()
            })
            .collect();
        [
            message(1, &[Ok(&offered), Ok(&[0; 16])]),
            message(2, &[Err(utf16(self.domain)), Ok(&chosen), Ok(&self.challenge), Ok(&[0; 8]), Err(info)]),
            message(
                3,
                &[
                    Err(vec![0; 24]),
                    Err(self.response.clone()),
                    Err(utf16(self.domain)),
                    Err(utf16(self.user)),
                    Err(utf16(self.workstation)),
                    Err(vec![0x22; 16]),
                    Ok(&chosen),
                ],
            ),
        ]
    }
}
