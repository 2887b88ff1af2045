//! Who writes mails to whom: the domains at home, those of correspondents, the people here, and where a mail comes from.
//! Shared by the judgements about mail (`detections.md` §8).

use crate::detection::Scope;
use crate::domains::{Looked, of_address, registrable};
use crate::rows::{Mail, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Reason, Severity};
use sekisho_types::Addr;

/// Domains at home that are remembered.
const MAX_OWN: usize = 256;
/// Domains written to that are remembered.
const MAX_WRITTEN: usize = 4096;
/// Domains of senders that are counted.
const MAX_SENDERS: usize = 50_000;
/// Names of people here, and addresses written to.
const MAX_PEOPLE: usize = 20_000;
/// Mails from which on a sender's domain is known.
const KNOWN_MAILS: u64 = 5;
/// Mails to an address from which on it is an acquaintance.
const KNOWN_ANSWERS: u64 = 2;
/// Recipients named in a finding.
const MAX_NAMED: usize = 5;

/// Providers that give addresses to everybody, by the label below their top level.
const FREE_MAIL: &[&str] = &[
    "126",
    "163",
    "aol",
    "btinternet",
    "comcast",
    "fastmail",
    "free",
    "freemail",
    "freenet",
    "gmail",
    "gmx",
    "googlemail",
    "hey",
    "hotmail",
    "icloud",
    "inbox",
    "laposte",
    "libero",
    "live",
    "mail",
    "mailbox",
    "mailfence",
    "me",
    "msn",
    "naver",
    "orange",
    "outlook",
    "posteo",
    "proton",
    "protonmail",
    "qq",
    "rambler",
    "rediffmail",
    "t-online",
    "tuta",
    "tutanota",
    "web",
    "yahoo",
    "yandex",
    "ymail",
    "zoho",
];

/// Does everybody get an address there?
pub(crate) fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.contains(&registrable(domain).split('.').next().unwrap_or(""))
}

/// What is known of a sender's domain.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sender {
    pub mails: u64,
}

/// See the module.
pub(crate) struct Mails {
    /// Domains that the user names.
    known: Vec<Looked>,
    own: Recent<Box<str>, Looked>,
    written: Recent<Box<str>, Looked>,
    senders: Recent<Box<str>, Sender>,
    /// Folded names of people who send from here.
    people: Recent<Box<str>, ()>,
    answered: Recent<Box<str>, u64>,
}

/// What stands for a whole domain to compare.
fn key(domain: &str) -> Box<str> {
    registrable(domain).into()
}

/// Which way a mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From outside, or it is read here.
    In,
    /// From here.
    Out,
}

impl Mails {
    pub fn new(scope: &Scope) -> Self {
        Self {
            known: scope.known_domains.iter().map(|d| Looked::new(registrable(&d.to_lowercase()))).collect(),
            own: Recent::of(scope, MAX_OWN),
            written: Recent::of(scope, MAX_WRITTEN),
            senders: Recent::of(scope, MAX_SENDERS),
            people: Recent::of(scope, MAX_PEOPLE),
            answered: Recent::of(scope, MAX_PEOPLE),
        }
    }

    /// Is it one of ours?
    pub fn is_own(&self, domain: &str) -> bool {
        self.own.peek(registrable(domain)).is_some()
    }

    /// Is it ours, named by the user, written to, or of somebody who writes often?
    pub fn is_known(&self, domain: &str) -> bool {
        let domain = registrable(domain);
        self.is_own(domain)
            || self.known.iter().any(|k| k.is(domain))
            || self.written.peek(domain).is_some()
            || self.sender(domain).mails >= KNOWN_MAILS
    }

    /// What was seen of a sender's domain before.
    pub fn sender(&self, domain: &str) -> Sender {
        self.senders.peek(registrable(domain)).copied().unwrap_or_default()
    }

    /// Domains at home.
    pub fn own(&self) -> impl Iterator<Item = &Looked> {
        self.own.iter().map(|(_, looked)| looked)
    }

    /// Domains that the user names, and those written to.
    pub fn partners(&self) -> impl Iterator<Item = &Looked> {
        self.known.iter().chain(self.written.iter().map(|(_, looked)| looked))
    }

    /// Does somebody here send under that (folded) name?
    pub fn is_person(&self, name: &str) -> bool {
        self.people.peek(name).is_some()
    }

    /// Does somebody here write to that address?
    pub fn is_acquaintance(&self, address: &[u8]) -> bool {
        let address = String::from_utf8_lossy(address);
        self.answered.peek(&*address).is_some_and(|n| *n >= KNOWN_ANSWERS)
    }

    /// Which way it goes. Between hosts at home it is on its way in unless its sender is ours.
    pub fn way(&self, mail: &Mail<'_>, internal: &dyn Fn(Addr) -> bool) -> Way {
        let ours = || of_address(mail.from).is_some_and(|d| self.is_own(&d));
        match mail.protocol {
            "smtp" if internal(mail.orig) && !internal(mail.resp) => Way::Out,
            // What a gateway has looked at came in.
            "smtp" if internal(mail.orig) && mail.auth_results.is_empty() && ours() => Way::Out,
            _ => Way::In,
        }
    }

    /// The row that detectors see next.
    pub fn row(&mut self, row: &Row<'_>, internal: &dyn Fn(Addr) -> bool) {
        let Row::Mail(mail) = row else { return };
        let (from_inside, to_inside) = (internal(mail.orig), internal(mail.resp));
        if mail.protocol != "smtp" {
            return;
        }
        if from_inside && !to_inside {
            self.note_own(mail.from);
        } else if !from_inside && to_inside && mail.accepted != Some(false) {
            // Whom the server takes mail for.
            mail.rcptto.texts().for_each(|to| self.note_own(to));
        }
    }

    fn note_own(&mut self, address: &[u8]) {
        // What everybody may have is nobody's.
        if let Some(domain) = of_address(address).filter(|d| !is_free_mail(d)) {
            self.own.at(key(&domain), || Looked::new(registrable(&domain)));
        }
    }

    /// The detectors have seen the row.
    pub fn after(&mut self, row: &Row<'_>, internal: &dyn Fn(Addr) -> bool) {
        let Row::Mail(mail) = row else { return };
        if self.way(mail, internal) == Way::In {
            if let Some(domain) = of_address(mail.from) {
                let sender = self.senders.at(key(&domain), Sender::default);
                sender.mails += 1;
            }
            return;
        }
        let name = folded_name(mail.from_name);
        if name.contains(' ') {
            self.people.at(name.into(), || ());
        }
        for to in mail.rcptto.texts() {
            let Some(domain) = of_address(to) else { continue };
            if !self.is_own(&domain) && !is_free_mail(&domain) {
                self.written.at(key(&domain), || Looked::new(registrable(&domain)));
            }
            let address = String::from_utf8_lossy(to).to_lowercase();
            *self.answered.at(address.into(), || 0) += 1;
        }
    }

    pub fn forgotten(&self) -> u64 {
        self.own.forgotten()
            + self.written.forgotten()
            + self.senders.forgotten()
            + self.people.forgotten()
            + self.answered.forgotten()
    }
}

/// A person's name as it is compared: small letters without marks, words in one order.
pub(crate) fn folded_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name).to_lowercase();
    let plain: String = text.chars().map(without_mark).map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// A Latin letter without its mark.
fn without_mark(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'š' | 'ś' => 's',
        'ž' | 'ź' | 'ż' => 'z',
        'ł' => 'l',
        c => c,
    }
}

/// The host to be touched, and the one on the other side. Of a mail in a file neither is known.
pub(crate) fn ends(mail: &Mail<'_>, cx: &Cx<'_>) -> (Addr, Option<Addr>) {
    let at_home = |a| cx.hosts().is_internal(a);
    match mail.protocol {
        "file" => (Addr::UNSPECIFIED, None),
        _ if mail.to_client || at_home(mail.orig) && !at_home(mail.resp) => (mail.orig, Some(mail.resp)),
        _ => (mail.resp, Some(mail.orig)),
    }
}

/// A finding about a mail, to be told with [`tell`].
pub(crate) fn finding(
    about: &'static About,
    reason: &'static Reason,
    (severity, confidence): (Severity, Confidence),
    mail: &Mail<'_>,
    cx: &Cx<'_>,
) -> Raise {
    let (subject, peer) = ends(mail, cx);
    let mut raise =
        Raise::new(about, reason, subject, severity, confidence).at(mail.ts).flow(mail.uid).packet(packet_of(mail));
    if mail.protocol != "file" {
        raise = raise.packet(cx.packet);
    }
    // Where somebody else's mail came in is no part of what it does.
    let domain = of_address(mail.from).unwrap_or_default();
    if peer != Some(mail.resp) && !mail.to_client && !domain.is_empty() {
        raise = raise.sender(registrable(&domain));
    }
    if let Some(peer) = peer {
        raise = raise.peer(peer);
    }
    raise
}

/// Number of the packet with which a mail began; 0 of one in a file.
pub(crate) fn packet_of(mail: &Mail<'_>) -> u64 {
    if mail.protocol == "file" { 0 } else { mail.packet }
}

/// Raises a finding about a mail, with what stands in all of them behind its own words: header, recipients, the last hop.
pub(crate) fn tell(mut raise: Raise, mail: &Mail<'_>, cx: &mut Cx<'_>) {
    let packet = packet_of(mail);
    if mail.protocol == "file" {
        let place = [mail.file, b", mail ", mail.packet.to_string().as_bytes()].concat();
        raise = raise.quote("file", &place, 0);
    }
    let header = [
        (&b"From: "[..], mail.from_name),
        (b" <", mail.from),
        (b">; Subject: ", mail.subject),
        (b"; Message-ID: ", mail.message_id),
    ];
    let header: Vec<u8> = header.iter().flat_map(|(label, value)| [*label, *value].concat()).collect();
    raise = raise.quote("mail", &header, packet);
    let all = || mail.rcptto.texts().chain(mail.to.texts().filter(|_| mail.rcptto.is_empty()));
    let named: Vec<&[u8]> = all().take(MAX_NAMED).collect();
    let envelope = format!("recipients ({}): ", all().count()).into_bytes();
    raise = raise.quote("to", &[&envelope[..], &named.join(&b", "[..])].concat(), packet);
    if let Some(hop) = mail.received.texts().next() {
        raise = raise.quote("last hop", hop, packet);
    }
    cx.raise(raise);
}
