//! Session secrets in NSS's key log format, as `SSLKEYLOGFILE` and pcapng's decryption secrets blocks give them
//! (draft-ietf-tls-keylogfile). They are used, never shown: nothing here can be printed.

use hashbrown::HashMap;
use sekisho_types::SeededState;
use smallvec::SmallVec;
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// Sessions whose secrets are kept; those of further ones are counted and dropped.
pub const MAX_SECRET_SESSIONS: usize = 1 << 18;

/// Secrets kept of one session: TLS 1.3 has six.
const MAX_PER_SESSION: usize = 8;

/// Longest secret: of a SHA-512 schedule.
pub const MAX_SECRET_LEN: usize = 64;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// The master secret of TLS 1.2 and before.
    Master,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`.
    ClientHandshake,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`.
    ServerHandshake,
    /// `CLIENT_TRAFFIC_SECRET_0`.
    ClientTraffic,
    /// `SERVER_TRAFFIC_SECRET_0`.
    ServerTraffic,
    /// `CLIENT_EARLY_TRAFFIC_SECRET`.
    ClientEarly,
}

impl SecretKind {
    fn of(label: &[u8]) -> Option<Self> {
        Some(match label {
            b"CLIENT_RANDOM" => Self::Master,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Self::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Self::ServerHandshake,
            b"CLIENT_TRAFFIC_SECRET_0" => Self::ClientTraffic,
            b"SERVER_TRAFFIC_SECRET_0" => Self::ServerTraffic,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => Self::ClientEarly,
            _ => return None,
        })
    }
}

/// A secret's bytes.
pub type Secret = SmallVec<[u8; MAX_SECRET_LEN]>;

#[derive(Clone)]
struct Known {
    kind: SecretKind,
    secret: Secret,
    /// It was known from this packet on.
    from: u64,
}

/// The secrets of one session.
#[derive(Clone, Default)]
pub struct SessionSecrets(SmallVec<[Known; 4]>);

impl SessionSecrets {
    /// The secret of one kind.
    pub fn get(&self, kind: SecretKind) -> Option<&[u8]> {
        self.0.iter().find(|known| known.kind == kind).map(|known| &known.secret[..])
    }
}

/// What a key log gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Secrets taken.
    pub secret_count: u64,
    /// Lines that are no secret of a kind that is used, comments and empty lines aside.
    pub other_count: u64,
    /// Secrets beyond [`MAX_SECRET_SESSIONS`].
    pub dropped_count: u64,
}

/// All secrets of a run, by client random. Shared by all threads; a capture may add to them on the way.
pub struct Secrets {
    sessions: RwLock<HashMap<[u8; 32], SessionSecrets, SeededState>>,
}

impl Default for Secrets {
    fn default() -> Self {
        // The keys come from the user's log or a block of the capture, not from packets.
        Self { sessions: RwLock::new(HashMap::with_hasher(SeededState(0x5ec))) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Reads key log lines: label, client random and secret in hex. Packets before `from` don't know them: so what is
    /// found doesn't depend on how far ahead a capture was read.
    pub fn add(&self, text: &[u8], from: u64) -> Added {
        let mut added = Added::default();
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        for line in text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii) {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let Some((kind, random, secret)) = parse(line) else {
                added.other_count += 1;
                continue;
            };
            if sessions.len() >= MAX_SECRET_SESSIONS && !sessions.contains_key(&random) {
                added.dropped_count += 1;
                continue;
            }
            let session = &mut sessions.entry(random).or_default().0;
            if session.len() >= MAX_PER_SESSION || session.iter().any(|known| known.kind == kind) {
                continue;
            }
            session.push(Known { kind, secret, from });
            added.secret_count += 1;
        }
        added
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What packet `packet` may know of the session with this client random.
    pub fn find(&self, client_random: &[u8; 32], packet: u64) -> Option<SessionSecrets> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let known = sessions.get(client_random)?.0.iter().filter(|known| known.from <= packet);
        let found = SessionSecrets(known.cloned().collect());
        (!found.0.is_empty()).then_some(found)
    }
}

fn parse(line: &[u8]) -> Option<(SecretKind, [u8; 32], Secret)> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let kind = SecretKind::of(words.next()?)?;
    let random = hex(words.next()?)?;
    let secret = hex(words.next()?)?;
    if secret.is_empty() || words.next().is_some() {
        return None;
    }
    Some((kind, *random.first_chunk().filter(|_| random.len() == 32)?, secret))
}

fn hex(text: &[u8]) -> Option<Secret> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > MAX_SECRET_LEN {
        return None;
    }
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, random: u8, secret: &str) -> String {
        format!("{label} {} {secret}\n", format!("{random:02x}").repeat(32))
    }

    #[test]
    fn parses_key_logs() {
        let secrets = Secrets::default();
        let text = [
            "# a comment\r\n\r\n".to_owned(),
            line("CLIENT_RANDOM", 1, "00ff"),
            line("CLIENT_TRAFFIC_SECRET_0", 1, "ABcd"),
            line("CLIENT_RANDOM", 1, "1111"),
            line("SERVER_TRAFFIC_SECRET_0", 2, "01"),
        ];
        let added = secrets.add(text.concat().as_bytes(), 0);
        assert_eq!(added, Added { secret_count: 3, ..Added::default() });
        let found = secrets.find(&[1; 32], 1).unwrap();
        assert_eq!(found.get(SecretKind::Master), Some(&[0, 0xff][..]));
        assert_eq!(found.get(SecretKind::ClientTraffic), Some(&[0xab, 0xcd][..]));
        assert_eq!(found.get(SecretKind::ServerTraffic), None);
        assert!(secrets.find(&[3; 32], 1).is_none());
    }

    #[test]
    fn rejects_what_is_no_secret() {
        let secrets = Secrets::default();
        let short = format!("CLIENT_RANDOM {} 00\n", "01".repeat(31));
        let bad = [
            "RSA 01 02\n",
            "CLIENT_RANDOM\n",
            &short,
            &line("CLIENT_RANDOM", 1, "0x"),
            &line("CLIENT_RANDOM", 1, "001"),
        ];
        let added = secrets.add(bad.concat().as_bytes(), 0);
        assert_eq!(added, Added { other_count: 5, ..Added::default() });
        assert!(secrets.is_empty());
    }

    #[test]
    fn earlier_packets_do_not_know_later_secrets() {
        let secrets = Secrets::default();
        secrets.add(line("CLIENT_RANDOM", 1, "00").as_bytes(), 10);
        assert!(secrets.find(&[1; 32], 9).is_none());
        assert!(secrets.find(&[1; 32], 10).is_some());
    }
}
