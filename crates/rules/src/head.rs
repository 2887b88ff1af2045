//! A rule's head: action, protocol, ends.

use crate::draft::Shared;
use crate::ir::{Action, Arrow, Header, Protocol};
use crate::keywords::app_name;
use crate::refusal::{Code, Done, refuse, refuse_help};
use crate::syntax::{Tree, Word};
use hashbrown::HashMap;
use memchr::memchr;
use sekisho_types::SeededState;
use std::sync::Arc;

/// Different heads that are remembered.
const HEAD_COUNT_MAX: usize = 1 << 16;

/// What stands before a rule's options.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub action: Action,
    /// The action's part behind a colon.
    pub scope: Option<Box<str>>,
    pub header: Arc<Header>,
}

/// Heads that were read already, by their text up to the options; rules repeat few of them.
pub(crate) struct Heads(HashMap<Box<str>, Head, SeededState>);

impl Default for Heads {
    fn default() -> Self {
        Self(HashMap::with_hasher(SeededState(0)))
    }
}

impl Heads {
    /// A rule's head, if another rule had it, and where the options begin.
    pub fn find(&self, text: &str) -> Option<(Head, usize)> {
        let at = memchr(b'(', text.as_bytes())?;
        self.0.get(text.get(..at)?).map(|head| (head.clone(), at))
    }

    /// Remembers a head. One that has a `(` within is rare, and not found again.
    pub fn know(&mut self, text: &str, tree: &Tree<'_>, head: &Head) {
        if self.0.len() < HEAD_COUNT_MAX
            && memchr(b'(', text.as_bytes()) == Some(tree.options_at)
            && let Some(text) = text.get(..tree.options_at)
        {
            self.0.insert(text.into(), head.clone());
        }
    }
}

/// Action and its part behind a colon.
pub(crate) fn action(word: Word<'_>) -> Done<(Action, Option<Box<str>>)> {
    let (name, scope) = word.text.split_once(':').map_or((word.text, None), |(name, scope)| (name, Some(scope)));
    let action = match name.to_ascii_lowercase().as_str() {
        "alert" => Action::Alert,
        "pass" => Action::Pass,
        "drop" => Action::Drop,
        "reject" | "rejectsrc" | "rejectdst" | "rejectboth" => Action::Reject,
        "config" => Action::Config,
        "accept" => return refuse(Code::Firewall, word.at, word.text.len(), "accept is an action of firewall rules"),
        _ => return refuse(Code::Action, word.at, word.text.len().max(1), format!("{name} is no action")),
    };
    match scope {
        None | Some("packet" | "flow" | "tx" | "hook") => Ok((action, scope.map(Into::into))),
        Some(other) => refuse(Code::Action, word.at, word.text.len(), format!("{other} is no scope of an action")),
    }
}

/// Everything else.
pub(crate) fn header(tree: &Tree<'_>, shared: &mut Shared<'_>) -> Done<Header> {
    let (protocol, hook) = protocol(tree.protocol)?;
    let arrow = match tree.arrow.text {
        "->" => Arrow::To,
        "<>" => Arrow::Both,
        "=>" => Arrow::Exchange,
        other => {
            let word = tree.arrow;
            return refuse(Code::Arrow, word.at, word.text.len().max(1), format!("{other} is no arrow"));
        }
    };
    if arrow == Arrow::Exchange && !matches!(protocol, Protocol::App(_) | Protocol::Tcp | Protocol::Udp) {
        return refuse(Code::Arrow, tree.arrow.at, 2, "=> is for rules of an application protocol");
    }
    Ok(Header {
        protocol,
        hook,
        src: shared.groups.addresses(tree.src)?,
        src_ports: shared.groups.ports(tree.src_ports)?,
        arrow,
        dst: shared.groups.addresses(tree.dst)?,
        dst_ports: shared.groups.ports(tree.dst_ports)?,
    })
}

fn protocol(word: Word<'_>) -> Done<(Protocol, Option<Box<str>>)> {
    let (name, hook) = word.text.split_once(':').map_or((word.text, None), |(name, hook)| (name, Some(hook)));
    let protocol = match name.to_ascii_lowercase().as_str() {
        "ip" | "any" => Protocol::Ip,
        "ipv4" | "ip4" => Protocol::Ipv4,
        "ipv6" | "ip6" => Protocol::Ipv6,
        "tcp" => Protocol::Tcp,
        "tcp-pkt" => Protocol::TcpPkt,
        "tcp-stream" => Protocol::TcpStream,
        "udp" => Protocol::Udp,
        "icmp" => Protocol::Icmp,
        "icmpv4" => Protocol::Icmpv4,
        "icmpv6" => Protocol::Icmpv6,
        "igmp" => Protocol::Igmp,
        "sctp" => Protocol::Sctp,
        "ether" => Protocol::Ether,
        "arp" => Protocol::Arp,
        "pkthdr" => Protocol::Pkthdr,
        lower => match app_name(lower) {
            Some(app) => Protocol::App(app),
            None => return refuse(Code::Protocol, word.at, word.text.len().max(1), format!("{name} is no protocol")),
        },
    };
    match hook {
        None => Ok((protocol, None)),
        Some(hook) if is_hook(protocol, hook) => Ok((protocol, Some(hook.into()))),
        Some(hook) => refuse_help(
            Code::Protocol,
            word.at,
            word.text.len(),
            format!("{hook} is no hook of {name}"),
            "hooks are flow_start of tcp and udp, all of pkthdr, and request_… and response_… of application protocols",
        ),
    }
}

fn is_hook(protocol: Protocol, hook: &str) -> bool {
    match protocol {
        Protocol::App(_) => {
            let stage = hook.strip_prefix("request_").or_else(|| hook.strip_prefix("response_"));
            stage.is_some_and(|stage| !stage.is_empty())
                || hook.starts_with("client_")
                || hook.starts_with("server_")
                || hook.ends_with("_done")
        }
        Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 | Protocol::Pkthdr | Protocol::Ether => {
            matches!(hook, "all" | "pre_flow" | "pre_stream" | "flow_start")
        }
        _ => matches!(hook, "all" | "flow_start" | "pre_flow" | "pre_stream"),
    }
}
