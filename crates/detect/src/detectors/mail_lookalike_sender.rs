//! # mail-lookalike-sender
//! ## How
//! The registered part of a domain of a mail from outside (From, Reply-To, envelope sender or Return-Path, Message-ID) is made to
//! look like one that the reader trusts: the domains at home (those of recipients at mail servers here, of senders from
//! here), those that the user names (`--known-domain`) or that people here write to, well-known brands, and the sites whose
//! addresses the mail itself shows as its links. `confusable`: the same to the eye after UTS #39's skeleton and the
//! pairs rn, vv, cl and digits for letters, or letters of several scripts in one label; `edit`: one letter differs (of 5 to 8), or two
//! (of 9 and more), by insertion, omission, change or swap, or a hyphen moved; `combo`: the name beside a word that lures
//! (`-login`, `secure-`) or whole in front of another domain; `tld`: the same label below another top level, for
//! domains at home and known ones.
//! ## Thresholds
//! Edits as above (`detections.md` §8, Szurdi et al. 2014). A domain that is known, or has written 5 mails, is not judged.
//! ## State
//! Domains at home 256, written to 4,096, counts of senders 50,000, the least recent forgotten.
//! ## Severity
//! Like a domain at home high 0.8, 0.9 in the sender's first mail; like others medium 0.6. `tld` one step lower.
//! ## Benign
//! Regional domains of one firm, long-standing correspondents, short names (below 5 letters only the same shape counts).
//! ## Blind
//! Mail over TLS. Which domains are trusted is known only as far as mail was seen going to them, or the user names them.
//! The registered part is told without the Public Suffix List.
//! ## References
//! UTS #39; RFC 3492; RFC 5322; Szurdi et al., The Long "Taile" of Typosquatting Domain Names, 2014.

use crate::Cx;
use crate::detection::Scope;
use crate::domains::{Likeness, Looked, is_name, of_address, registrable};
use crate::mails::{self, Mails, Way, finding, packet_of};
use crate::registry::Detector;
use crate::rows::{Kind, Mail, Row};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};

static ABOUT: About = About {
    id: "mail-lookalike-sender",
    title: "sender's domain made to look like a trusted one",
    means: "The sender's domain is built to look like yours or a known brand.",
    techniques: &["T1566.002", "T1583.001"],
    stage: Stage::Initial,
    reasons: &[
        Reason {
            code: "combo",
            means: "The trusted name stands beside a word that lures, or in front of another domain.",
        },
        Reason { code: "confusable", means: "The name looks the same to the eye, with other letters." },
        Reason { code: "edit", means: "The name differs from the trusted one in a letter or two." },
        Reason { code: "tld", means: "The trusted name stands below another top level." },
    ],
    benign: "Regional domains of the same firm, firms with names that are nearly alike, long-standing correspondents.",
    clears: "The domain turns out to be the partner's own; then name it with --known-domain.",
    next: &[
        "Ask the person who is imitated by another way than mail.",
        "See who else got mail from this domain, and who answered.",
        "Block the domain at the mail server.",
    ],
    needs: &[
        vital(What::Some(Traffic::Mail)),
        vital(What::Bodies),
        vital(What::Clear(Traffic::Mail)),
        useful(What::Whole(Traffic::Mail)),
        vital(What::Uncut(Traffic::Mail)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Domains that are imitated most; what is registered of them.
pub(super) const BRANDS: &[&str] = &[
    "adobe.com",
    "airbnb.com",
    "alibaba.com",
    "aliexpress.com",
    "allianz.com",
    "amazon.com",
    "americanexpress.com",
    "bankofamerica.com",
    "barclays.com",
    "binance.com",
    "booking.com",
    "caixabank.com",
    "citibank.com",
    "coinbase.com",
    "commerzbank.com",
    "correos.com",
    "credit-agricole.com",
    "deutsche-bank.com",
    "docusign.com",
    "dropbox.com",
    "facebook.com",
    "fedex.com",
    "github.com",
    "gmail.com",
    "google.com",
    "hermesworld.com",
    "icloud.com",
    "instagram.com",
    "intesasanpaolo.com",
    "linkedin.com",
    "mastercard.com",
    "microsoft.com",
    "microsoftonline.com",
    "netflix.com",
    "office365.com",
    "onedrive.com",
    "outlook.com",
    "paypal.com",
    "postbank.com",
    "rabobank.com",
    "revolut.com",
    "royalmail.com",
    "salesforce.com",
    "santander.com",
    "sharepoint.com",
    "shopify.com",
    "societegenerale.com",
    "sparkasse.com",
    "spotify.com",
    "steampowered.com",
    "stripe.com",
    "telegram.org",
    "unicredit.com",
    "volksbank.com",
    "wellsfargo.com",
    "wetransfer.com",
    "whatsapp.com",
    "wordpress.com",
];

/// Sites shown by a mail that its sender is held against.
const MAX_SHOWN: usize = 16;

/// See the module.
pub(crate) struct Lookalike {
    brands: Vec<Looked>,
}

/// What a domain is made to look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trusted {
    Own,
    Other,
}

/// Held against all that is trusted: how it looks like which. `more`: of the mail at hand, and whose these are.
pub(super) fn likeness(
    domain: &str,
    mails: &Mails,
    brands: &[Looked],
    (more, of_more): (&[Looked], Trusted),
) -> Option<(Likeness, String, Trusted)> {
    let looked = Looked::new(registrable(domain));
    // The whole name of another in front of its own.
    let in_front = |t: &Looked| domain.strip_prefix(t.name()).is_some_and(|rest| rest.starts_with('.'));
    let held = |targets: &mut dyn Iterator<Item = &Looked>, whose, tld| {
        targets
            .filter_map(|t| {
                let like = looked.like(t).or_else(|| in_front(t).then_some(Likeness::Combo))?;
                (tld || like != Likeness::Tld).then(|| (like, t.name().to_owned(), whose))
            })
            // Which one is told must not depend on a table's order.
            .min_by(|a, b| a.1.cmp(&b.1))
    };
    held(&mut mails.own(), Trusted::Own, true)
        .or_else(|| held(&mut mails.partners(), Trusted::Other, true))
        .or_else(|| held(&mut more.iter(), of_more, of_more == Trusted::Own))
        .or_else(|| held(&mut brands.iter(), Trusted::Other, false))
        .or_else(|| looked.is_mixed().then(|| (Likeness::Mixed, String::new(), Trusted::Other)))
}

pub(super) fn brands() -> Vec<Looked> {
    BRANDS.iter().map(|b| Looked::new(b)).collect()
}

/// Is it trusted itself: known, a brand's, or often seen?
pub(super) fn is_trusted(domain: &str, mails: &Mails, brands: &[Looked]) -> bool {
    mails.is_known(domain) || brands.iter().any(|b| b.is(registrable(domain)))
}

impl Lookalike {
    pub fn new(_scope: &Scope) -> Self {
        Self { brands: brands() }
    }

    fn mail(&self, mail: &Mail<'_>, cx: &mut Cx<'_>) {
        if cx.mails().way(mail, &|a| cx.hosts().is_internal(a)) == Way::Out {
            return;
        }
        let mut seen: Vec<String> = Vec::new();
        let recipients = mail.to.texts().filter(|_| mail.protocol != "smtp").filter_map(of_address);
        let recipients: Vec<Looked> = recipients.map(|d| Looked::new(registrable(&d))).collect();
        let shown = shown_sites(mail);
        let id = mail.message_id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">")).unwrap_or(mail.message_id);
        let fields = [
            ("From", mail.from),
            ("Reply-To", mail.reply_to),
            ("envelope", mail.mailfrom),
            ("Return-Path", mail.return_path),
            ("Message-ID", id),
        ];
        for (field, address) in fields {
            let Some(domain) = of_address(address).filter(|d| !seen.contains(d)) else { continue };
            seen.push(domain.clone());
            let own = |d: &str| recipients.iter().any(|r| r.is(registrable(d)));
            if is_trusted(&domain, cx.mails(), &self.brands) || own(&domain) {
                continue;
            }
            let of_recipient = likeness(&domain, cx.mails(), &[], (&recipients, Trusted::Own));
            let of_recipient = of_recipient.filter(|(_, _, whose)| *whose == Trusted::Own);
            let found = of_recipient.or_else(|| likeness(&domain, cx.mails(), &self.brands, (&shown, Trusted::Other)));
            if let Some((like, target, whose)) = found {
                tell(mail, field, &domain, (like, &target, whose), cx);
                return;
            }
        }
    }
}

/// The sites that a mail shows as text of its links.
fn shown_sites(mail: &Mail<'_>) -> Vec<Looked> {
    let mut sites: Vec<Looked> = Vec::new();
    for text in mail.link_texts.texts() {
        if sites.len() >= MAX_SHOWN {
            break;
        }
        if let Some(host) = super::mail_link_mismatch::shown_host(text).filter(|h| is_name(&h.name)) {
            let site = registrable(&host.name);
            if !sites.iter().any(|s| s.is(site)) {
                sites.push(Looked::new(site));
            }
        }
    }
    sites
}

fn tell(mail: &Mail<'_>, field: &str, domain: &str, found: (Likeness, &str, Trusted), cx: &mut Cx<'_>) {
    let (like, target, whose) = found;
    let Some(reason) = ABOUT.reason(like.code()) else { return };
    let known = cx.mails().sender(domain).mails;
    let (severity, confidence) = match whose {
        Trusted::Own => (Severity::High, Confidence::percent(if known == 0 { 90 } else { 80 })),
        Trusted::Other => (Severity::Medium, Confidence::percent(60)),
    };
    let severity = if like == Likeness::Tld { severity.lowered(1) } else { severity };
    let named = if target.is_empty() { String::new() } else { format!(" looks like {target}") };
    let words = format!("{field}: {domain}{named} ({})", like.words());
    let raise = finding(&ABOUT, reason, (severity, confidence), mail, cx)
        .key(registrable(domain))
        .quote("names", words.as_bytes(), packet_of(mail))
        .measure(Measure::count("mails of this domain before", known, Some(5), "", Origin::Own))
        .benign("a long-standing correspondent", "fewer than 5 mails of this domain were seen, and none written to it");
    mails::tell(raise, mail, cx);
}

impl Detector for Lookalike {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Mail]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Mail(mail) = row {
            self.mail(mail, cx);
        }
    }

    fn held_len(&self) -> usize {
        self.brands.capacity() * size_of::<Looked>()
    }
}

#[cfg(test)]
mod tests;
