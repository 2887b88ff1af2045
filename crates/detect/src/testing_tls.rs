//! Rows of TLS sessions and certificates from nothing, for tests.

use crate::testing::{Cell, Line, addr, line};

/// Seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;
/// When all tests' sessions happen unless they say otherwise: 2026-11-22.
pub(crate) const NOW: f64 = 1_795_305_600.0;

/// A fingerprint or key identifier for a name: 32 octets.
pub(crate) fn fp(name: &str) -> String {
    format!("{name:.<32}")
}

/// A row in the making: the usual columns, which a test changes.
#[derive(Clone)]
pub(crate) struct Told(&'static str, u64, Vec<(&'static str, Cell)>);

impl Told {
    /// With another value in a column.
    pub(crate) fn with(mut self, column: &'static str, cell: Cell) -> Self {
        self.2.retain(|c| c.0 != column);
        self.2.push((column, cell));
        self
    }

    pub(crate) fn line(&self) -> Line {
        line(self.0, self.1, &self.2)
    }
}

/// A certificate called `name` by authority `issuer`, valid from 30 days before to 60 days after [`NOW`].
pub(crate) fn cert(name: &str, issuer: &str) -> Told {
    let text = |text: String| Cell::Text(text.into_bytes());
    let columns = vec![
        ("ts", Cell::Time(NOW)),
        ("fingerprint", text(fp(name))),
        ("key", text(fp(&format!("key {name}")))),
        ("serial", text("01AB".to_owned())),
        ("subject", text(format!("CN={name}"))),
        ("issuer", text(format!("CN={issuer},O={issuer}"))),
        ("not_before", Cell::Time(NOW - 30.0 * DAY)),
        ("not_after", Cell::Time(NOW + 60.0 * DAY)),
        ("sig_alg", text("sha256WithRSAEncryption".to_owned())),
        ("key_type", Cell::Word("rsa")),
        ("key_len", Cell::Count(2048)),
        ("exponent", text("65537".to_owned())),
        ("names", Cell::Texts(vec![name.to_owned()])),
        ("name_count", Cell::Count(1)),
        ("issuer_key_id", text(format!("id {issuer}"))),
        ("key_id", text(format!("id {name}"))),
    ];
    Told("tls_cert", 3, columns)
}

/// An authority's certificate.
pub(crate) fn authority(name: &str, issuer: &str) -> Told {
    let subject = Cell::Text(format!("CN={name},O={name}").into_bytes());
    cert(name, issuer).with("subject", subject).with("ca", Cell::Flag(true)).with("names", Cell::Texts(Vec::new()))
}

/// A session established at [`NOW`] with a server that shows the certificates of these names, whose chain is trusted.
pub(crate) fn session(client: &str, server: &str, asked: &str, chain: &[&str]) -> Told {
    let columns = vec![
        ("ts", Cell::Time(NOW)),
        ("uid", Cell::Uid(7)),
        ("client", Cell::Addr(addr(client))),
        ("server", Cell::Addr(addr(server))),
        ("server_port", Cell::Port(443)),
        ("version", Cell::Count(0x0303)),
        ("offered", Cell::Count(0x0304)),
        ("cipher", Cell::Text("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into())),
        ("established", Cell::Flag(true)),
        ("server_name", Cell::Text(asked.into())),
        ("chain", Cell::Texts(chain.iter().map(|name| fp(name)).collect())),
        ("validation", Cell::Text("ok".into())),
        ("name_fits", Cell::Word("covered")),
    ];
    Told("tls_session", 9, columns)
}

/// The same session, whose chain is not trusted.
pub(crate) fn untrusted(session: Told, fault: &'static str) -> Told {
    session.with("validation", Cell::Text("unable to get issuer certificate".into())).with("fault", Cell::Word(fault))
}

/// The same session, which the client ends with an alert.
pub(crate) fn refused(session: Told, alert: u64) -> Told {
    session.with("established", Cell::Flag(false)).with("client_alert", Cell::Count(alert))
}
