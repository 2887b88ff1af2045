//! Types of records.

use std::fmt;

/// Type of a record or question. Unknown ones print as `TYPE123` (RFC 3597 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtype(pub u16);

macro_rules! rtypes {
    ($($name:ident $number:literal)*) => {
        impl Rtype {
            $(#[doc = concat!("Type ", stringify!($name), ".")] pub const $name: Self = Self($number);)*

            /// The type's name, if it is one of those known here.
            pub fn known(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// By its name or as `TYPE123`.
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => text.strip_prefix("TYPE")?.parse().ok().map(Self),
                }
            }
        }
    };
}

rtypes! {
    A 1
    NS 2
    MD 3
    MF 4
    CNAME 5
    SOA 6
    MB 7
    MG 8
    MR 9
    PTR 12
    HINFO 13
    MINFO 14
    MX 15
    TXT 16
    RP 17
    AFSDB 18
    RT 21
    PX 26
    AAAA 28
    SRV 33
    NAPTR 35
    KX 36
    DNAME 39
    OPT 41
    DS 43
    SSHFP 44
    RRSIG 46
    NSEC 47
    DNSKEY 48
    NSEC3 50
    NSEC3PARAM 51
    TLSA 52
    CDS 59
    CDNSKEY 60
    SVCB 64
    HTTPS 65
    ANY 255
    CAA 257
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(name) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_both_ways() {
        for (number, text) in [(1, "A"), (46, "RRSIG"), (65534, "TYPE65534")] {
            assert_eq!(Rtype(number).to_string(), text);
            assert_eq!(Rtype::from_text(text), Some(Rtype(number)));
        }
        assert_eq!(Rtype::from_text("NOPE"), None);
    }
}
