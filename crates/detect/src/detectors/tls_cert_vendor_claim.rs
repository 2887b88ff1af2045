//! # tls-cert-vendor-claim
//! ## How
//! `brand-selfsigned`: subject or issuer (organisation or common name) of a server's certificate names a well-known company as whole words, and no trusted root
//! vouches for it: the certificate signed itself, or its authority is unknown and the name asked for is not of that company's domains.
//! `default-c2`: serial number or subject is one that a tool for controlling hosts puts into its certificates unless told otherwise.
//! ## Thresholds
//! A list of 20 companies with their domains, and of five tools' defaults.
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten.
//! ## Severity
//! `brand-selfsigned` high 0.75 if it signed itself, medium 0.5 with an unknown authority, where a session came about; `default-c2` critical 0.9 if
//! a session came about, else high 0.7. Servers of one's own with a company's name `info`. What clients refused with an alert is `info`.
//! ## Benign
//! A maker's own devices at home (hypervisors, printers) show such certificates; makers of network devices are not in the list. Apple, Microsoft and Amazon run authorities of their own
//! for their own services: with a name of their domains that is no finding. A capture from before 2025 is compared with
//! roots of today: only what signed itself counts.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given. Names that only look like a company's are not compared.
//! ## References
//! JA3 and certificate lists of abuse.ch (SSLBL); Fox-IT and others on the default certificate of Cobalt Strike.

use crate::Cx;
use crate::catalogue::{Fault, ROOTS_SINCE, Served, Service, raise};
use crate::certificate::Cert;
use crate::detection::Scope;
use crate::registry::Detector;
use sekisho_finding::{About, Reason, Severity, Stage, Traffic, What, useful, vital};

static ABOUT: About = About {
    id: "tls-cert-vendor-claim",
    title: "certificate that borrows a company's name",
    means: "The certificate says it is a well-known company's, but nobody vouches for it.",
    techniques: &["T1587.003", "T1036"],
    stage: Stage::C2,
    reasons: &[
        Reason {
            code: "brand-selfsigned",
            means: "A company's name stands in a certificate that no trusted root vouches for.",
        },
        Reason {
            code: "default-c2",
            means: "The certificate is the one that a tool for controlling hosts brings along.",
        },
    ],
    benign: "The company's own devices, TLS inspection, test servers.",
    clears: "The service shows a certificate that leads to a trusted root.",
    next: &[
        "See which program on the client opened the connection.",
        "See whether other hosts talk to the same server.",
        "Look the certificate's SHA-256 up.",
    ],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Answers(Traffic::Tls)),
        vital(What::Certificates),
        useful(What::Whole(Traffic::Tls)),
        vital(What::Uncut(Traffic::Tls)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const BRAND: &Reason = ABOUT.at(0);
const DEFAULT_C2: &Reason = ABOUT.at(1);

/// Companies that many trust, in lower case, and domains that are theirs.
const BRANDS: &[(&str, &[&str])] = &[
    ("akamai", &["akamai.net", "akamai.com", "akamaized.net"]),
    ("amazon", &["amazonaws.com", "amazon.com", "amazon.dev"]),
    ("apple", &["apple.com", "icloud.com", "mzstatic.com", "cdn-apple.com"]),
    ("cloudflare", &["cloudflare.com", "cloudflareclient.com", "cloudflare-dns.com"]),
    ("comodo", &["comodo.com"]),
    ("digicert", &["digicert.com"]),
    ("facebook", &["facebook.com", "fbcdn.net", "whatsapp.net"]),
    ("globalsign", &["globalsign.com"]),
    ("godaddy", &["godaddy.com"]),
    ("google", &["google.com", "googleapis.com", "gstatic.com", "android.com"]),
    ("let's encrypt", &["letsencrypt.org"]),
    (
        "microsoft",
        &[
            "microsoft.com",
            "windows.com",
            "windows.net",
            "live.com",
            "office.com",
            "office365.com",
            "azure.com",
            "msedge.net",
            "windowsupdate.com",
            "skype.com",
        ],
    ),
    ("mozilla", &["mozilla.org", "mozilla.com", "firefox.com"]),
    ("paypal", &["paypal.com"]),
    ("sectigo", &["sectigo.com"]),
    ("symantec", &["symantec.com", "norton.com"]),
    ("thawte", &["thawte.com"]),
    ("twitter", &["twitter.com", "twimg.com"]),
    ("verisign", &["verisign.com"]),
    ("yahoo", &["yahoo.com"]),
];

/// Serial numbers of certificates that tools bring along: Cobalt Strike's is 146473198.
const TOOL_SERIALS: &[(&str, &str)] = &[("8BB00EE", "Cobalt Strike")];

/// Subjects that tools write, in lower case.
const TOOL_SUBJECTS: &[(&str, &str)] = &[
    ("cn=major cobalt strike", "Cobalt Strike"),
    ("cn=asyncrat server", "AsyncRAT"),
    ("cn=dcrat server", "DcRat"),
    ("cn=quasar server ca", "Quasar"),
    ("o=pajfds", "PoshC2"),
];

/// See the module.
pub(crate) struct VendorClaim;

impl VendorClaim {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for VendorClaim {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for shown in cx.catalogue().served() {
            tool(shown, cx);
            brand(shown, cx);
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

fn tool(shown: (&Service, &Served, &Cert), cx: &mut Cx<'_>) {
    let (_, served, cert) = shown;
    let (serial, subject) = (cert.serial.trim_start_matches('0'), cert.subject.to_ascii_lowercase());
    let by_serial = TOOL_SERIALS.iter().find(|t| t.0 == serial);
    let by_subject = TOOL_SUBJECTS.iter().find(|t| subject.split(',').any(|part| part.starts_with(t.0)));
    let Some((_, tool)) = by_serial.or(by_subject) else { return };
    // Whoever got it from a trusted authority has taken the name only.
    if served.vouched {
        return;
    }
    let grade = if served.established > 0 { (Severity::Critical, 90) } else { (Severity::High, 70) };
    cx.raise(raise(&ABOUT, DEFAULT_C2, shown, grade).quote("tool", tool.as_bytes(), cert.packet));
}

fn brand(shown: (&Service, &Served, &Cert), cx: &mut Cx<'_>) {
    let (service, served, cert) = shown;
    let (Some(fault), true) = (served.fault, served.established > 0 || served.is_refused()) else { return };
    let named = [cert.of_subject("O"), cert.of_subject("CN"), cert.of_issuer("O"), cert.of_issuer("CN")];
    let named: Vec<String> = named.into_iter().flatten().map(str::to_ascii_lowercase).collect();
    let Some((name, domains)) = BRANDS.iter().find(|(name, _)| claims(&named, name)) else { return };
    let itself = matches!(fault, Fault::SelfSigned | Fault::SelfIssued);
    let below =
        |asked: &str| domains.iter().any(|d| asked.strip_suffix(d).is_some_and(|h| h.is_empty() || h.ends_with('.')));
    let at_home = !served.asked.is_empty() && served.asked.iter().all(|a| below(&a.name));
    if !itself && (at_home || served.last < ROOTS_SINCE) {
        return;
    }
    let own = service.is_own(served, cx.hosts());
    let grade = match (own, itself) {
        (true, _) => (Severity::Info, 50),
        (false, true) => (Severity::High, 75),
        (false, false) => (Severity::Medium, 50),
    };
    let raise = raise(&ABOUT, BRAND, shown, grade).quote("company", name.as_bytes(), cert.packet);
    cx.raise(if own {
        raise.benign("a device of that maker", "it is at home; its link-layer address was not compared")
    } else {
        raise.benign("a service of the company's own authority", "the name asked for is not of its domains")
    });
}

/// Is the company named, in small letters, as whole words of a subject's or issuer's organisation or common name?
fn claims(named: &[String], company: &str) -> bool {
    named.iter().any(|text| {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(company)) {
            let (start, end) = (from + at, from + at + company.len());
            let ends = |side: Option<char>| side.is_none_or(|c| !c.is_alphanumeric());
            let before = text.get(..start).and_then(|t| t.chars().next_back());
            let after = text.get(end..).and_then(|t| t.chars().next());
            if ends(before) && ends(after) {
                return true;
            }
            from = end;
        }
        false
    })
}

#[cfg(test)]
mod tests;
