//! # mail-display-spoof
//! ## How
//! The name that a mail from outside shows claims somebody whom its address is not. `own-person`: it equals, without case,
//! marks and order, the name of somebody who sends mail from here, and the address is of another domain; `address-in-name`: the name
//! is itself an address of another domain; `brand`: the name has the word of a well-known brand, and the address is of a
//! domain without it.
//! ## Thresholds
//! Names of two words at least. Somebody to whom two mails were sent from here is an acquaintance.
//! ## State
//! Names of people here and addresses written to: 20,000 each, the least recent forgotten.
//! ## Severity
//! Medium 0.65; high where answers go to another domain, or the mail speaks of payment.
//! ## Benign
//! Private addresses of staff (acquaintances are left out), ticket systems, mailing lists ("via", List-Id).
//! ## Blind
//! Mail over TLS. People are known only once they have sent a mail that was seen; there is no list of staff.
//! ## References
//! RFC 5322 §3.4; RFC 2047; MITRE ATT&CK T1656.

use crate::Cx;
use crate::detection::Scope;
use crate::domains::{of_address, registrable};
use crate::mails::{self, Way, finding, folded_name, packet_of};
use crate::registry::Detector;
use crate::rows::{Kind, Mail, Row};
use sekisho_finding::{About, Confidence, Reason, Severity, Stage, Traffic, What, useful, vital};

static ABOUT: About = About {
    id: "mail-display-spoof",
    title: "visible name claims somebody else",
    means: "The visible name claims someone the address is not.",
    techniques: &["T1656", "T1566", "T1534"],
    stage: Stage::Initial,
    reasons: &[
        Reason { code: "address-in-name", means: "The name shown is an address of another domain." },
        Reason { code: "brand", means: "The name shown is a well-known brand's, the address is not." },
        Reason { code: "own-person", means: "The name shown is that of somebody here, the address is from outside." },
    ],
    benign: "Private addresses of staff, ticket systems and mailing lists that write in somebody's name.",
    clears: "The sender is known by another way, or somebody here has written to the address.",
    next: &["Ask the person whose name it is by another way than mail.", "See who else got mail from this address."],
    needs: &[
        vital(What::Some(Traffic::Mail)),
        vital(What::Bodies),
        vital(What::Clear(Traffic::Mail)),
        useful(What::Whole(Traffic::Mail)),
        vital(What::Uncut(Traffic::Mail)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const ADDRESS_IN_NAME: &Reason = ABOUT.at(0);
const BRAND: &Reason = ABOUT.at(1);
const OWN_PERSON: &Reason = ABOUT.at(2);

/// Words that are names of brands and of hardly anything else; a domain of theirs has the word in it.
const BRANDS: &[&str] = &[
    "adobe",
    "americanexpress",
    "binance",
    "coinbase",
    "commerzbank",
    "docusign",
    "dropbox",
    "fedex",
    "icloud",
    "linkedin",
    "mastercard",
    "microsoft",
    "netflix",
    "paypal",
    "postbank",
    "sharepoint",
    "sparkasse",
    "wetransfer",
    "whatsapp",
];

/// Words of payment.
const PAYMENT: &[&str] = &[
    "bank transfer",
    "gift card",
    "iban",
    "invoice",
    "payment",
    "payroll",
    "rechnung",
    "überweisung",
    "wire transfer",
];

/// See the module.
pub(crate) struct DisplaySpoof;

impl DisplaySpoof {
    pub fn new(_scope: &Scope) -> Self {
        Self
    }
}

/// The address in a name, if there is one.
fn address_in(name: &str) -> Option<String> {
    let word = name.split([' ', '<', '>', '(', ')', ',', ';', '"', '\'']).find(|w| w.contains('@'))?;
    of_address(word.as_bytes())
}

fn judge(mail: &Mail<'_>, cx: &Cx<'_>) -> Option<&'static Reason> {
    let domain = of_address(mail.from)?;
    let site = registrable(&domain);
    if mail.from_name.is_empty() || cx.mails().is_own(site) || cx.mails().is_acquaintance(mail.from) {
        return None;
    }
    let name = String::from_utf8_lossy(mail.from_name).to_lowercase();
    if let Some(shown) = address_in(&name) {
        return (registrable(&shown) != site && !mail.is_list).then_some(ADDRESS_IN_NAME);
    }
    let on_behalf = mail.is_list || name.contains(" via ") || name.contains("(via");
    if on_behalf {
        return None;
    }
    if cx.mails().is_person(&folded_name(mail.from_name)) {
        return Some(OWN_PERSON);
    }
    let words = || name.split(|c: char| !c.is_alphanumeric());
    let brand = words().find_map(|w| BRANDS.iter().find(|b| **b == w))?;
    (!site.contains(brand) && !cx.mails().is_known(site)).then_some(BRAND)
}

impl Detector for DisplaySpoof {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Mail]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let Row::Mail(mail) = row else { return };
        if cx.mails().way(mail, &|a| cx.hosts().is_internal(a)) == Way::Out {
            return;
        }
        let Some(reason) = judge(mail, cx) else { return };
        let from = of_address(mail.from).unwrap_or_default();
        let answers_elsewhere = of_address(mail.reply_to).is_some_and(|r| registrable(&r) != registrable(&from));
        let said = [mail.subject, b" ", mail.text].concat();
        let said = String::from_utf8_lossy(&said).to_lowercase();
        let of_payment = PAYMENT.iter().any(|w| said.contains(w));
        let severity = if answers_elsewhere || of_payment { Severity::High } else { Severity::Medium };
        let address = String::from_utf8_lossy(mail.from).into_owned();
        let mut raise = finding(&ABOUT, reason, (severity, Confidence::percent(65)), mail, cx)
            .key(address)
            .benign("a mailing list or a system that writes for others", "nothing in the header says so")
            .benign("an acquaintance's private address", "fewer than two mails went to it from here");
        if answers_elsewhere {
            raise = raise.quote("answers go to", mail.reply_to, packet_of(mail));
        }
        mails::tell(raise, mail, cx);
    }

    fn held_len(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests;
