//! Countries and network operators of addresses, from files in MaxMind's format that the user gives.

use maxminddb::{LookupResult, PathElement, Reader, geoip2};
use sekisho_types::{Addr, Day};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Longest name of an operator kept, characters.
const MAX_OPERATOR_LEN: usize = 64;

/// Longest file that is used: a city file of today is 150 MB.
pub const MAX_GEO_LEN: usize = 1 << 30;

/// A country by ISO 3166, two capital letters.
pub type Country = [u8; 2];

/// What somebody wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// All of a country.
    Country(Country),
    /// An operator by its number.
    Asn(u32),
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        if let Some(number) = upper.strip_prefix("AS").filter(|n| !n.is_empty()).and_then(|n| n.parse().ok()) {
            return Ok(Self::Asn(number));
        }
        match upper.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self::Country([*a, *b])),
            _ => Err("expected a country such as DE, or an operator such as AS64500".to_owned()),
        }
    }
}

/// Where an address is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Country.
    pub country: Option<Country>,
    /// Operator.
    pub asn: Option<u32>,
}

impl Place {
    /// Is that something watched?
    pub fn is(&self, watched: Watched) -> bool {
        match watched {
            Watched::Country(country) => self.country == Some(country),
            Watched::Asn(asn) => self.asn == Some(asn),
        }
    }
}

/// The files, and what is watched.
#[derive(Debug, Default)]
pub struct Geo {
    files: Vec<Reader<Vec<u8>>>,
    /// What the user wants to hear of.
    pub(crate) watched: Vec<Watched>,
}

impl Geo {
    /// No file yet; `watched` is what the user wants to hear of.
    pub fn watching(watched: &[Watched]) -> Self {
        Self { files: Vec::new(), watched: watched.to_vec() }
    }

    /// Takes a file's content.
    ///
    /// # Errors
    /// In words, if it is no such file, or has neither countries nor operators.
    pub fn add(&mut self, file: Vec<u8>) -> Result<(), String> {
        let reader = Reader::from_source(file).map_err(|e| format!("no file in MaxMind's format: {e}"))?;
        let kind = &reader.metadata().database_type;
        let known = ["Country", "City", "Enterprise", "ASN", "ISP"];
        if !known.iter().any(|k| kind.contains(k)) {
            return Err(format!("its type is {kind:?}; used are files of countries, cities and operators (ASN)"));
        }
        self.files.push(reader);
        Ok(())
    }

    /// Are there no files?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The day on which the oldest file was made.
    pub fn built(&self) -> Option<Day> {
        let seconds = self.files.iter().map(|f| f.metadata().build_epoch).min()?;
        i64::try_from(seconds / 86_400).ok().map(Day)
    }

    /// Where `addr` is, as far as the files say.
    pub fn place(&self, addr: Addr) -> Place {
        let mut place = Place::default();
        for file in &self.files {
            let Ok(found) = file.lookup(std_addr(addr)) else { continue };
            if place.country.is_none()
                && let Ok(Some(record)) = found.decode::<geoip2::Country<'_>>()
            {
                place.country = record.country.iso_code.and_then(|code| code.as_bytes().try_into().ok());
            }
            place.asn = place.asn.or_else(|| operator_number(&found));
        }
        place
    }

    /// Name of the operator of `addr`.
    pub fn operator(&self, addr: Addr) -> Option<String> {
        self.files.iter().find_map(|file| {
            let found = file.lookup(std_addr(addr)).ok()?;
            let name: &str = found.decode_path(&[PathElement::Key("autonomous_system_organization")]).ok()??;
            Some(name.chars().take(MAX_OPERATOR_LEN).collect())
        })
    }
}

/// The operator's number. MaxMind writes 32 bits; other makers of files take what is long enough.
fn operator_number(found: &LookupResult<'_, Vec<u8>>) -> Option<u32> {
    let path = [PathElement::Key("autonomous_system_number")];
    let wide = found.decode_path::<u32>(&path).ok().flatten();
    let narrow = || found.decode_path::<u16>(&path).ok().flatten().map(u32::from);
    let wider = || found.decode_path::<u64>(&path).ok().flatten().and_then(|n| u32::try_from(n).ok());
    let signed = || found.decode_path::<i32>(&path).ok().flatten().and_then(|n| u32::try_from(n).ok());
    wide.or_else(narrow).or_else(wider).or_else(signed)
}

fn std_addr(addr: Addr) -> IpAddr {
    match addr.as_v4() {
        Some(v4) => IpAddr::from(v4),
        None => IpAddr::from(Ipv6Addr::from(*addr.octets())),
    }
}
