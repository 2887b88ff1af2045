//! What gives Tor's links away (tor's `tortls.c`): names made up of chance. With TLS 1.2 a relay shows a certificate
//! that names `www.CHANCE.net` and its issuer `www.CHANCE.com`, and nothing else. With TLS 1.3 the certificate is
//! encrypted; then the name asked for has that form, no protocol is offered, and the relay's usual port has to do.

use sekisho_x509::Certificate;

/// The usual port of relays.
const RELAY_PORT: u16 = 9001;

/// Is this a relay's certificate?
pub(super) fn is_relay(cert: &Certificate) -> bool {
    let e = &cert.extensions;
    let bare = e.basic_constraints.is_none() && e.alt_names.is_none() && e.key_usage.is_none();
    bare && are_relays_names(&cert.subject, &cert.issuer)
}

fn are_relays_names(subject: &str, issuer: &str) -> bool {
    let names = (subject.strip_prefix("CN="), issuer.strip_prefix("CN="));
    let (Some(subject), Some(issuer)) = names else { return false };
    is_made_up(subject.as_bytes(), b".net", 8..=20) && is_made_up(issuer.as_bytes(), b".com", 8..=20)
}

/// Does a client that asks for `name` and offers no protocol ask a relay?
pub(super) fn asks_relay(name: &[u8], offers_nothing: bool, port: u16) -> bool {
    port == RELAY_PORT && offers_nothing && is_made_up(name, b".com", 4..=25)
}

/// `www.`, letters and digits of base 32, and `end`.
fn is_made_up(name: &[u8], end: &[u8], lens: std::ops::RangeInclusive<usize>) -> bool {
    let inner = name.strip_prefix(b"www.").and_then(|n| n.strip_suffix(end));
    inner.is_some_and(|n| lens.contains(&n.len()) && n.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_made_up_of_chance() {
        assert!(are_relays_names("CN=www.q3tz4xk2vq.net", "CN=www.lmb5ywzr7dxt.com"));
        for (subject, issuer) in [
            ("CN=www.q3tz4xk2vq.com", "CN=www.lmb5ywzr7dxt.com"),
            ("CN=www.q3tz4xk2vq.net", "CN=www.lmb5ywzr7dxt.com,O=x"),
            ("CN=www.q3tz-xk2vq.net", "CN=www.lmb5ywzr7dxt.com"),
            ("CN=www.q3t.net", "CN=www.lmb5ywzr7dxt.com"),
            ("CN=www.q3tz4xk2vq.net", "CN=www.q3tz4xk2vq.net"),
        ] {
            assert!(!are_relays_names(subject, issuer), "{subject} {issuer}");
        }
    }

    #[test]
    fn believes_a_name_asked_for_on_the_relays_port_only() {
        assert!(asks_relay(b"www.dzpikzg5.com", true, 9001));
        assert!(!asks_relay(b"www.google.com", true, 443));
        assert!(!asks_relay(b"www.dzpikzg5.com", false, 9001));
        assert!(!asks_relay(b"www.dzpikzg5.net", true, 9001));
    }
}
