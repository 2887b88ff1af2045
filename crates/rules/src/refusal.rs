//! Why a rule is not used.

use std::borrow::Cow;

/// Kinds of refusals. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// R001
    Head,
    /// R002
    Action,
    /// R003
    Firewall,
    /// R004
    Protocol,
    /// R005
    Arrow,
    /// R006
    Address,
    /// R007
    Port,
    /// R008
    Variable,
    /// R009
    Options,
    /// R010
    Keyword,
    /// R011
    NoValue,
    /// R012
    Value,
    /// R013
    Combination,
    /// R014
    OtherProtocol,
    /// R015
    EmptyBuffer,
    /// R016
    NotOffered,
    /// R017
    File,
    /// R018
    NoData,
    /// R019
    Limit,
    /// R020
    NoSid,
    /// R021
    Duplicate,
    /// R022
    Transform,
    /// R023
    Bytes,
    /// R024
    Expression,
}

impl Code {
    /// All of them, in order of their numbers.
    pub const ALL: &[Self] = &[
        Self::Head,
        Self::Action,
        Self::Firewall,
        Self::Protocol,
        Self::Arrow,
        Self::Address,
        Self::Port,
        Self::Variable,
        Self::Options,
        Self::Keyword,
        Self::NoValue,
        Self::Value,
        Self::Combination,
        Self::OtherProtocol,
        Self::EmptyBuffer,
        Self::NotOffered,
        Self::File,
        Self::NoData,
        Self::Limit,
        Self::NoSid,
        Self::Duplicate,
        Self::Transform,
        Self::Bytes,
        Self::Expression,
    ];

    /// `R001`…
    pub fn number(self) -> &'static str {
        self.row().0
    }

    /// What to do about it, where nothing better is known.
    pub fn help(self) -> &'static str {
        self.row().1
    }

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Head => ("R001", "a rule begins with: action protocol source port -> destination port (options)"),
            Self::Action => {
                ("R002", "actions are alert, pass, drop, reject, rejectsrc, rejectdst, rejectboth and config")
            }
            Self::Firewall => {
                ("R003", "Sekisho reads captures and lets nothing through or not; leave firewall rules out")
            }
            Self::Protocol => {
                ("R004", "protocols are ip, tcp, udp, icmp and others, or an application protocol such as http")
            }
            Self::Arrow => ("R005", "arrows are ->, <> and =>"),
            Self::Address => ("R006", "write any, 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9, [a,b,!c] or $NAME"),
            Self::Port => ("R007", "write any, 80, 1024:, :1023, 80:90, [a,b,!c] or $NAME"),
            Self::Variable => ("R008", "define it below vars: in the configuration given with --suricata-config"),
            Self::Options => ("R009", "options are NAME; or NAME:VALUE; and a ; within a value is written \\;"),
            Self::Keyword => ("R010", "see Suricata's documentation for the keywords of version 9"),
            Self::NoValue => ("R011", "write KEYWORD:VALUE;"),
            Self::Value => ("R012", "see the keyword in Suricata's documentation"),
            Self::Combination => ("R013", "see the keyword in Suricata's documentation"),
            Self::OtherProtocol => ("R014", "a rule asks one protocol only; make two rules with a flowbit"),
            Self::EmptyBuffer => ("R015", "put content, pcre or the like behind the buffer"),
            Self::NotOffered => ("R016", "write the rule without it"),
            Self::File => ("R017", "paths count from the folder of the rule file"),
            Self::NoData => ("R018", "give the data, or leave the rule out"),
            Self::Limit => ("R019", "cut the rule into several"),
            Self::NoSid => ("R020", "add sid:NUMBER;"),
            Self::Duplicate => ("R021", "give it a sid of its own, or a higher rev"),
            Self::Transform => ("R022", "transforms stand directly behind a buffer: http.uri; to_sha256; content:…"),
            Self::Bytes => ("R023", "write \\\" \\; \\: and \\\\ for these signs, and other bytes as |0d 0a|"),
            Self::Expression => ("R024", "write pcre:\"/EXPRESSION/FLAGS\""),
        }
    }
}

/// Why, and where in the rule's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: Code,
    /// Offset of the first byte.
    pub at: usize,
    pub len: usize,
    pub text: String,
    pub help: Cow<'static, str>,
}

/// What parsing steps give. Boxed: refusals are rare and the way of the others should be short.
pub(crate) type Done<T = ()> = Result<T, Box<Refusal>>;

/// A refusal about a piece of text.
pub(crate) fn refuse<T>(code: Code, at: usize, len: usize, text: impl Into<String>) -> Done<T> {
    Err(Box::new(Refusal { code, at, len, text: text.into(), help: Cow::Borrowed(code.help()) }))
}

/// The same, with better help.
pub(crate) fn refuse_help<T>(
    code: Code,
    at: usize,
    len: usize,
    text: impl Into<String>,
    help: impl Into<Cow<'static, str>>,
) -> Done<T> {
    Err(Box::new(Refusal { code, at, len, text: text.into(), help: help.into() }))
}
