//! Which members of an event are wanted, where Suricata's configuration lets one choose (`custom`).

/// A set of members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(u32);

impl Fields {
    /// The set of these bits.
    pub const fn of(bits: u32) -> Self {
        Self(bits)
    }

    /// Is one of these bits in it?
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// With these bits, or without.
    #[must_use]
    pub const fn with(self, bits: u32, wanted: bool) -> Self {
        Self(if wanted { self.0 | bits } else { self.0 & !bits })
    }

    /// Adds what is called so in `names`; another name is passed over.
    pub fn add(&mut self, names: &[(&str, u32)], name: &str) {
        if let Some((_, bit)) = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            self.0 |= bit;
        }
    }
}

/// Members of `tls`.
pub mod tls {
    /// Subject of the server's certificate.
    pub const SUBJECT: u32 = 1;
    /// Its issuer.
    pub const ISSUER: u32 = 1 << 1;
    /// The session goes on an earlier one.
    pub const RESUMED: u32 = 1 << 2;
    /// Serial number of the server's certificate.
    pub const SERIAL: u32 = 1 << 3;
    /// Its SHA-1.
    pub const FINGERPRINT: u32 = 1 << 4;
    /// The name that the client asked for.
    pub const SNI: u32 = 1 << 5;
    /// The version.
    pub const VERSION: u32 = 1 << 6;
    /// When the certificate begins to be valid.
    pub const NOT_BEFORE: u32 = 1 << 7;
    /// When it ends to be.
    pub const NOT_AFTER: u32 = 1 << 8;
    /// The certificate itself.
    pub const CERTIFICATE: u32 = 1 << 9;
    /// All certificates of the server.
    pub const CHAIN: u32 = 1 << 10;
    /// The client's JA3.
    pub const JA3: u32 = 1 << 11;
    /// The server's.
    pub const JA3S: u32 = 1 << 12;
    /// The client's JA4.
    pub const JA4: u32 = 1 << 13;
    /// Names in the server's certificate.
    pub const ALT_NAMES: u32 = 1 << 14;
    /// What the client's certificate says.
    pub const CLIENT: u32 = 1 << 15;
    /// The client's certificate itself.
    pub const CLIENT_CERTIFICATE: u32 = 1 << 16;
    /// All certificates of the client.
    pub const CLIENT_CHAIN: u32 = 1 << 17;
    /// Protocols that the client offers.
    pub const CLIENT_ALPNS: u32 = 1 << 18;
    /// The one that the server takes.
    pub const SERVER_ALPNS: u32 = 1 << 19;
    /// Numbers in the client's hello.
    pub const CLIENT_HANDSHAKE: u32 = 1 << 20;
    /// Numbers in the server's.
    pub const SERVER_HANDSHAKE: u32 = 1 << 21;

    /// No member: sessions that go on an earlier one make an event (`session-resumption`).
    pub const RESUMED_SESSIONS: u32 = 1 << 22;

    /// Without `extended`.
    pub const BASIC: u32 = SUBJECT | ISSUER | RESUMED | ALT_NAMES;
    /// With it.
    pub const EXTENDED: u32 = BASIC
        | SERIAL
        | FINGERPRINT
        | SNI
        | VERSION
        | NOT_BEFORE
        | NOT_AFTER
        | JA3
        | JA3S
        | JA4
        | CLIENT
        | CLIENT_ALPNS
        | SERVER_ALPNS;
    /// Those that are certificates as they are.
    pub const WHOLE: u32 = CERTIFICATE | CHAIN | CLIENT_CERTIFICATE | CLIENT_CHAIN;

    /// By their names in a configuration.
    pub const NAMES: &[(&str, u32)] = &[
        ("certificate", CERTIFICATE),
        ("chain", CHAIN),
        ("client", CLIENT),
        ("client_alpns", CLIENT_ALPNS),
        ("client_certificate", CLIENT_CERTIFICATE),
        ("client_chain", CLIENT_CHAIN),
        ("client_handshake", CLIENT_HANDSHAKE),
        ("fingerprint", FINGERPRINT),
        ("issuer", ISSUER),
        ("ja3", JA3),
        ("ja3s", JA3S),
        ("ja4", JA4),
        ("not_after", NOT_AFTER),
        ("not_before", NOT_BEFORE),
        ("serial", SERIAL),
        ("server_alpns", SERVER_ALPNS),
        ("server_handshake", SERVER_HANDSHAKE),
        ("session_resumed", RESUMED),
        ("sni", SNI),
        ("subject", SUBJECT),
        ("subjectaltname", ALT_NAMES),
        ("version", VERSION),
    ];
}

/// Members of `email` beyond those that it always has.
pub mod email {
    /// `Subject`.
    pub const SUBJECT: u32 = 1;
    /// `Message-ID`.
    pub const MESSAGE_ID: u32 = 1 << 1;
    /// `X-Mailer`.
    pub const X_MAILER: u32 = 1 << 2;
    /// `Date`.
    pub const DATE: u32 = 1 << 3;
    /// `Received`.
    pub const RECEIVED: u32 = 1 << 4;

    /// With `extended`.
    pub const EXTENDED: u32 = SUBJECT | MESSAGE_ID | X_MAILER;

    /// By their names in a configuration.
    pub const NAMES: &[(&str, u32)] = &[
        ("date", DATE),
        ("message-id", MESSAGE_ID),
        ("received", RECEIVED),
        ("subject", SUBJECT),
        ("x-mailer", X_MAILER),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_members() {
        let mut fields = Fields::default();
        for name in ["Subject", "chain", "nothing"] {
            fields.add(tls::NAMES, name);
        }
        assert_eq!(fields, Fields::of(tls::SUBJECT | tls::CHAIN));
        assert!(fields.has(tls::WHOLE) && !fields.has(tls::SNI));
        for names in [tls::NAMES, email::NAMES] {
            assert!(names.is_sorted());
        }
    }
}
