//! A certificate's fields as Suricata prints them: names in the order of the wire, serial and digest with colons.

use crate::cert::split;
use crate::ext;
use crate::name;
use crate::time::CertTime;

/// Longest serial number that is printed.
const MAX_SERIAL_LEN: usize = 64;

/// The fields that rules and EVE tell of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// `C=US, O=Example, CN=example.org`.
    pub subject: String,
    /// In the same form.
    pub issuer: String,
    /// Octets as they stand there, upper-case hex with colons: `00:8A:07`.
    pub serial: String,
    /// When it becomes valid.
    pub not_before: Option<CertTime>,
    /// When it ceases to be valid.
    pub not_after: Option<CertTime>,
    /// Alternative names: hosts, mail addresses, URIs, addresses.
    pub alt_names: Vec<String>,
}

impl Plain {
    /// Reads a certificate in DER; `None` where it cannot be read as a whole.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let raw = split(der).ok()?;
        let extensions = ext::parse(raw.extensions).unwrap_or_default();
        let mut alt_names = Vec::new();
        if let Some(names) = extensions.alt_names {
            let text = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
            alt_names.extend(names.dns.iter().chain(&names.email).chain(&names.uri).map(text));
            alt_names.extend(names.ip.iter().map(ToString::to_string));
        }
        Some(Self {
            subject: name::print_in_order(raw.subject).ok()?,
            issuer: name::print_in_order(raw.issuer).ok()?,
            serial: with_colons(raw.serial.get(..MAX_SERIAL_LEN).unwrap_or(raw.serial)),
            not_before: raw.not_before,
            not_after: raw.not_after,
            alt_names,
        })
    }
}

/// Upper-case hex with colons.
fn with_colons(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for &b in bytes {
        if !text.is_empty() {
            text.push(':');
        }
        name::hex(b, &mut text);
    }
    text
}

/// Seconds of a day.
const DAY: i64 = 86_400;

impl CertTime {
    /// `2015-02-12T18:07:27`; `None` from the year 3000 on and before 1000, which EVE's schema does not know.
    pub fn iso(self) -> Option<String> {
        let (days, secs) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        // Days since 0000-03-01: years begin in March, so that the odd day comes last.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        (1000..3000).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(CertTime(0).iso().unwrap(), "1970-01-01T00:00:00");
        assert_eq!(CertTime(-DAY).iso().unwrap(), "1969-12-31T00:00:00");
        assert_eq!(CertTime(951_782_400).iso().unwrap(), "2000-02-29T00:00:00");
        assert_eq!(CertTime(1_423_764_447).iso().unwrap(), "2015-02-12T18:07:27");
        assert_eq!(CertTime(i64::MAX / 4).iso(), None);
        assert_eq!(CertTime(i64::MIN / 4).iso(), None);
    }

    #[test]
    fn serials_have_colons() {
        assert_eq!(with_colons(&[0, 0x8a, 7]), "00:8A:07");
        assert_eq!(Plain::parse(b"\x30\x03abc"), None);
    }
}
