//! How well each judgement could be made on what was captured (`detections.md` §13): what it needs, and what of that was not
//! there to be seen.

use crate::About;

/// A kind of traffic that judgements look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// Every flow.
    Any,
    /// What devices announce to their neighbours.
    Announcements,
    /// Industrial control.
    Control,
    /// DNS to and from port 53.
    Dns,
    /// ICMP of both versions.
    Icmp,
    /// Protocols in which people and programs log in.
    Logins,
    /// SMTP, POP3 and IMAP, and mails in files.
    Mail,
    /// Services at home that hosts outside use.
    Offered,
    /// Answers of DNS that came with signatures.
    Signed,
    /// TLS, DTLS and QUIC.
    Tls,
    /// HTTP of every version.
    Web,
    /// What Windows machines use each other by: SMB, DCE/RPC, RDP.
    Windows,
}

impl Traffic {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Any,
        Self::Announcements,
        Self::Control,
        Self::Dns,
        Self::Icmp,
        Self::Logins,
        Self::Mail,
        Self::Offered,
        Self::Signed,
        Self::Tls,
        Self::Web,
        Self::Windows,
    ];

    /// Its place in [`Traffic::ALL`].
    pub const fn number(self) -> usize {
        self as usize
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "all traffic",
            Self::Announcements => "announcements",
            Self::Control => "control protocols",
            Self::Dns => "DNS",
            Self::Icmp => "ICMP",
            Self::Logins => "logins",
            Self::Mail => "mail",
            Self::Offered => "services used from outside",
            Self::Signed => "signed DNS answers",
            Self::Tls => "TLS and QUIC",
            Self::Web => "web",
            Self::Windows => "SMB, RPC and RDP",
        }
    }
}

/// What a judgement needs of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Traffic of that kind at all: without any there is nothing to judge.
    Some(Traffic),
    /// What the hosts send that ask.
    Requests(Traffic),
    /// What the hosts send that are asked.
    Answers(Traffic),
    /// What the hosts send that hand over mails: clients of SMTP, servers of POP3 and IMAP.
    Bodies,
    /// Streams without holes.
    Whole(Traffic),
    /// Packets as long as they were.
    Uncut(Traffic),
    /// Content in clear, or the keys to it.
    Clear(Traffic),
    /// Certificates that are not encrypted.
    Certificates,
    /// What resolvers ask other servers.
    ResolverSide,
    /// Addresses of the link layer.
    LinkLayer,
    /// A capture of so many days.
    Days(u16),
    /// Something that the user gives by an option.
    Given(&'static str),
}

impl What {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Some(traffic) => traffic.name().to_owned(),
            Self::Requests(traffic) => format!("what is asked ({})", traffic.name()),
            Self::Answers(traffic) => format!("what is answered ({})", traffic.name()),
            Self::Bodies => "the side that hands over mails".to_owned(),
            Self::Whole(traffic) => format!("streams without holes ({})", traffic.name()),
            Self::Uncut(traffic) => format!("packets that are not cut ({})", traffic.name()),
            Self::Clear(traffic) => format!("content in clear, or keys ({})", traffic.name()),
            Self::Certificates => "certificates in clear, or keys".to_owned(),
            Self::ResolverSide => "what resolvers ask other servers".to_owned(),
            Self::LinkLayer => "addresses of the link layer".to_owned(),
            Self::Days(1) => "a capture of a day".to_owned(),
            Self::Days(days) => format!("a capture of {days} days"),
            Self::Given(option) => option.to_owned(),
        }
    }
}

/// A thing that a judgement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The thing.
    pub what: What,
    /// Nothing can be judged without it; else less.
    pub vital: bool,
}

/// Without it nothing can be judged.
pub const fn vital(what: What) -> Need {
    Need { what, vital: true }
}

/// Without it less can be judged.
pub const fn useful(what: What) -> Need {
    Need { what, vital: false }
}

/// How well a judgement could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// What it needs could be seen.
    Working,
    /// There was nothing of what it judges.
    Idle,
    /// Some of what it needs could not be seen.
    Weakened,
    /// Nothing could be judged.
    Blind,
}

impl Sight {
    /// As JSON says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Idle => "idle",
            Self::Weakened => "weakened",
            Self::Blind => "blind",
        }
    }
}

/// What was not there to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Only the answers were seen.
    Requests,
    /// Only the requests were seen.
    Answers,
    /// The side that hands over mails was not seen.
    Bodies,
    /// Bytes of streams are missing.
    Holes,
    /// The snapshot length cut packets.
    Cut,
    /// Encrypted, and no keys.
    Encrypted,
    /// TLS 1.3 or QUIC encrypts certificates.
    Certificates,
    /// No resolver's own questions were seen.
    ResolverSide,
    /// No addresses of the link layer.
    LinkLayer,
    /// Too few days.
    Days,
    /// An option was not given.
    Option,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Requests,
        Self::Answers,
        Self::Bodies,
        Self::Holes,
        Self::Cut,
        Self::Encrypted,
        Self::Certificates,
        Self::ResolverSide,
        Self::LinkLayer,
        Self::Days,
        Self::Option,
    ];

    /// As JSON says it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requests => "requests-unseen",
            Self::Answers => "answers-unseen",
            Self::Bodies => "mails-unseen",
            Self::Holes => "holes",
            Self::Cut => "cut-packets",
            Self::Encrypted => "encrypted",
            Self::Certificates => "certificates-encrypted",
            Self::ResolverSide => "resolver-side-unseen",
            Self::LinkLayer => "no-link-layer",
            Self::Days => "too-short",
            Self::Option => "not-given",
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Requests => "only the answers were seen",
            Self::Answers => "only the requests were seen",
            Self::Bodies => "the side that hands over mails was not seen",
            Self::Holes => "bytes are missing",
            Self::Cut => "packets were cut by the snapshot length",
            Self::Encrypted => "encrypted, and the keys are not known",
            Self::Certificates => "TLS 1.3 and QUIC encrypt certificates, and the keys are not known",
            Self::ResolverSide => "what resolvers ask other servers was not seen",
            Self::LinkLayer => "there are no link-layer addresses",
            Self::Days => "the capture is too short",
            Self::Option => "needs an option that was not given",
        }
    }

    /// What [`Cause::count`] and [`Cause::of`] count.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Certificates => "sessions",
            Self::Days => "days",
            _ => "flows",
        }
    }
}

/// Why a judgement could not be made, or less well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// What was not there.
    pub lack: Lack,
    /// Of which traffic.
    pub traffic: Traffic,
    /// The option that was not given.
    pub option: Option<&'static str>,
    /// How often: flows and sessions that lack it; of [`Lack::Days`] those that there are.
    pub count: u64,
    /// Of how many; of [`Lack::Days`] those that it takes.
    pub of: u64,
    /// Bytes that are missing, of holes.
    pub bytes: u64,
}

/// How well a judgement could be made, and why no better.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The judgement.
    pub about: &'static About,
    /// How well.
    pub sight: Sight,
    /// Flows (or mails, answers) that it could look at.
    pub seen: u64,
    /// What was not there; also what is too little to matter.
    pub causes: Vec<Cause>,
}

/// Judgements that have the same sight for the same causes.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// How well.
    pub sight: Sight,
    /// Why no better.
    pub causes: &'a [Cause],
    /// The judgements.
    pub abouts: Vec<&'static About>,
}

/// Those of `all` that could not be made, or less well, by cause: the blind first, then by number.
pub fn affected(all: &[Coverage]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in all.iter().filter(|c| c.sight >= Sight::Weakened) {
        match groups.iter_mut().find(|g| g.sight == one.sight && g.causes == one.causes) {
            Some(group) => group.abouts.push(one.about),
            None => groups.push(Group { sight: one.sight, causes: &one.causes, abouts: vec![one.about] }),
        }
    }
    groups.sort_by_key(|g| (std::cmp::Reverse(g.sight), std::cmp::Reverse(g.abouts.len())));
    groups
}

/// The kinds of traffic of which there was none, though judgements look at them.
pub fn absent(all: &[Coverage]) -> Vec<Traffic> {
    let idle = all.iter().filter(|c| c.sight == Sight::Idle);
    let mut kinds: Vec<Traffic> = idle.filter_map(|c| c.about.looks_at()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    macro_rules! about {
        ($name:ident $id:literal $($need:expr),*) => {
            static $name: About = About {
                id: $id,
                title: "",
                means: "",
                techniques: &[],
                stage: Stage::Initial,
                reasons: &[],
                benign: "",
                clears: "",
                next: &[],
                needs: &[$($need),*],
            };
        };
    }

    about!(A "a" vital(What::Some(Traffic::Mail)));
    about!(B "b" vital(What::Some(Traffic::Mail)));
    about!(C "c" vital(What::Some(Traffic::Web)));

    #[test]
    fn judgements_are_told_by_cause() {
        let cause = |count| Cause { lack: Lack::Holes, traffic: Traffic::Mail, option: None, count, of: 9, bytes: 0 };
        let one = |about: &'static About, sight, causes: &[Cause]| Coverage {
            about,
            sight,
            seen: 9,
            causes: causes.to_vec(),
        };
        let all = [
            one(&A, Sight::Weakened, &[cause(1)]),
            one(&B, Sight::Weakened, &[cause(1)]),
            one(&C, Sight::Blind, &[cause(9)]),
            one(&C, Sight::Working, &[cause(1)]),
            one(&C, Sight::Idle, &[]),
            one(&C, Sight::Idle, &[]),
        ];
        let told: Vec<(Sight, Vec<&str>)> =
            affected(&all).iter().map(|g| (g.sight, g.abouts.iter().map(|a| a.id).collect())).collect();
        assert_eq!(told, [(Sight::Blind, vec!["c"]), (Sight::Weakened, vec!["a", "b"])]);
        assert_eq!(absent(&all), [Traffic::Web]);
    }

    #[test]
    fn kinds_stand_at_their_numbers() {
        assert!(Traffic::ALL.iter().enumerate().all(|(n, t)| t.number() == n));
    }
}
