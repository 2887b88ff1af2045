//! Names of the numbers in DNS messages (IANA "Domain Name System Parameters"), spelled as Zeek spells them.

use super::record::Label;

/// Name of a query or resource record type.
pub fn qtype(n: u16) -> Label {
    Label::known_or(qtype_name(n), "query-", n)
}

/// Name of a query class; the top bit that multicast DNS uses (RFC 6762 §5.4) is not taken off, as in Zeek.
pub fn qclass(n: u16) -> Label {
    let name = match n {
        1 => "C_INTERNET",
        2 => "C_CSNET",
        3 => "C_CHAOS",
        4 => "C_HESIOD",
        254 => "C_NONE",
        255 => "C_ANY",
        _ => "",
    };
    Label::known_or(name, "qclass-", n)
}

/// Name of a 4-bit response code.
pub const fn rcode(n: u8) -> &'static str {
    match n & 0xf {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSet",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "unassigned-11",
        12 => "unassigned-12",
        13 => "unassigned-13",
        14 => "unassigned-14",
        _ => "unassigned-15",
    }
}

/// Name of an operation; NetBIOS name service (RFC 1002 §4.2.1.1) has its own.
pub fn opcode(n: u8, netbios: bool) -> Label {
    let (name, prefix) = if netbios {
        let name = match n {
            0 => "netbios-query",
            5 => "netbios-registration",
            6 => "netbios-release",
            7 => "netbios-wack",
            8 => "netbios-refresh",
            _ => "",
        };
        (name, "netbios-opcode-")
    } else {
        let name = match n {
            0 => "query",
            1 => "iquery",
            2 => "server-status",
            4 => "notify",
            5 => "dynamic-update",
            6 => "dso",
            _ => "",
        };
        (name, "opcode-")
    };
    Label::known_or(name, prefix, u16::from(n))
}

/// Type names of 0..=65; gaps are empty.
const LOW_TYPES: [&str; 66] = [
    "",
    "A",
    "NS",
    "MD",
    "MF",
    "CNAME",
    "SOA",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "PTR",
    "HINFO",
    "MINFO",
    "MX",
    "TXT",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAP-PTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "NXT",
    "EID",
    "NIMLOC",
    "SRV",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "SINK",
    "OPT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "",
    "HIP",
    "NINFO",
    "RKEY",
    "TALINK",
    "CDS",
    "CDNSKEY",
    "OPENPGPKEY",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "HTTPS",
];

/// The type's name; empty if Zeek has none.
pub fn qtype_name(n: u16) -> &'static str {
    if let Some(name) = LOW_TYPES.get(usize::from(n)) {
        return name;
    }
    match n {
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "*",
        256 => "URI",
        257 => "CAA",
        32768 => "TA",
        32769 => "DLV",
        65281 => "WINS",
        65282 => "WINS-R",
        65422 => "XPF",
        65521 => "INTEGRITY",
        _ => "",
    }
}

/// Resource record types whose data is looked into.
pub mod rr {
    #![allow(missing_docs, reason = "the names are those of IANA's table")]
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const WKS: u16 = 11;
    pub const PTR: u16 = 12;
    pub const HINFO: u16 = 13;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const LOC: u16 = 29;
    /// NetBIOS general name service record (RFC 1002), NIMLOC in IANA's table.
    pub const NB: u16 = 32;
    pub const SRV: u16 = 33;
    pub const NAPTR: u16 = 35;
    pub const A6: u16 = 38;
    pub const OPT: u16 = 41;
    pub const DS: u16 = 43;
    pub const SSHFP: u16 = 44;
    pub const RRSIG: u16 = 46;
    pub const NSEC: u16 = 47;
    pub const DNSKEY: u16 = 48;
    pub const NSEC3: u16 = 50;
    pub const NSEC3PARAM: u16 = 51;
    pub const SVCB: u16 = 64;
    pub const HTTPS: u16 = 65;
    pub const SPF: u16 = 99;
    pub const TSIG: u16 = 250;
    pub const ANY: u16 = 255;
    pub const CAA: u16 = 257;
    /// BIND 9's private type that tells the progress of signing.
    pub const BINDS: u16 = 65534;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_known_and_unknown_numbers() {
        assert_eq!(qtype(1).as_str(), "A");
        assert_eq!(qtype(65).as_str(), "HTTPS");
        assert_eq!(qtype(54).as_str(), "query-54");
        assert_eq!(qtype(65535).as_str(), "query-65535");
        assert_eq!(qclass(0x8001).as_str(), "qclass-32769");
        assert_eq!(rcode(3), "NXDOMAIN");
        assert_eq!(opcode(5, false).as_str(), "dynamic-update");
        assert_eq!(opcode(5, true).as_str(), "netbios-registration");
        assert_eq!(opcode(3, true).as_str(), "netbios-opcode-3");
        assert_eq!(LOW_TYPES[usize::from(rr::NSEC3PARAM)], "NSEC3PARAM");
    }
}
