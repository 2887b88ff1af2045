//! NTLM logins (MS-NLMP): a helper of the protocols that carry them, no protocol itself.
//!
//! [`Login`] takes the messages of one connection and logs a row per login: when SPNEGO tells its result, else when
//! another one begins or the connection ends. A login that repeats one told already has no further row, unless a named
//! user was refused (Zeek logs the first login of a connection only). Known gaps: connection-less use, whose first message is the
//! challenge's answer; signatures and sealing.

mod message;
mod record;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use message::{Names, SIGNATURE, names};
pub use record::{NtlmLoginRecord, NtlmRecord};

use crate::Cx;
use message::Message;
use sekisho_record::Text;
use sekisho_types::{Heap, SeededState, Timestamp, block_len, list_len};
use std::hash::{BuildHasher, Hash, Hasher};

/// Logins remembered per connection so that each is told once.
const MAX_TOLD: usize = 32;

/// The logins of one connection.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// The protocol that carries it, and whether it has no row of its own, but is only told.
    over: (&'static str, bool),
    open: Option<Box<Open>>,
    /// Digests of logins that have their row.
    told: Vec<u64>,
}

#[derive(Debug)]
struct Open {
    began: Timestamp,
    offered: Option<u32>,
    /// When the challenge came, and with which packet.
    challenged: Option<(Timestamp, u64)>,
    challenge: message::Challenge,
    authenticate: message::Authenticate,
    /// The client has answered the challenge.
    answered: bool,
    /// The packet that brought the answer.
    packet: u64,
    status: Option<Text>,
    failed: bool,
}

impl Heap for Login {
    fn heap_len(&self) -> usize {
        let told = list_len(&self.told);
        told + self.open.as_ref().map_or(0, |o| {
            let (c, a) = (&o.challenge, &o.authenticate);
            let server = c.nb_computer_name.heap_len() + c.dns_computer_name.heap_len() + c.dns_tree_name.heap_len();
            let client = a.domain.heap_len() + a.user.heap_len() + a.workstation.heap_len();
            block_len(size_of::<Open>()) + server + client + o.status.heap_len()
        })
    }
}

impl Login {
    /// Of a connection in that protocol.
    pub(crate) fn over(protocol: &'static str) -> Self {
        Self { over: (protocol, false), ..Self::default() }
    }

    /// The same, but nothing is logged.
    pub(crate) fn only_told(protocol: &'static str) -> Self {
        Self { over: (protocol, true), ..Self::default() }
    }

    /// A message of the exchange; what is none is passed over.
    pub(crate) fn message(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(message) = message::parse(bytes) else { return };
        cx.confirm_midstream("ntlm");
        let begins = match &message {
            Message::Negotiate(_) => true,
            Message::Challenge(_) => self.open.as_ref().is_some_and(|o| o.answered),
            Message::Authenticate(_) => false,
        };
        if begins && self.open.as_ref().is_some_and(|o| o.answered) {
            self.log(None, cx);
        }
        let open = self.open.get_or_insert_with(|| {
            Box::new(Open {
                began: cx.ts,
                offered: None,
                challenged: None,
                challenge: message::Challenge::default(),
                authenticate: message::Authenticate::default(),
                answered: false,
                packet: 0,
                status: None,
                failed: false,
            })
        });
        match message {
            Message::Negotiate(flags) => open.offered = Some(flags),
            Message::Challenge(challenge) => {
                open.challenge = challenge;
                open.challenged = Some((cx.ts, cx.source));
            }
            Message::Authenticate(authenticate) => {
                open.authenticate = authenticate;
                open.answered = true;
                open.packet = cx.source;
            }
        }
    }

    /// Has the client answered a challenge, and nobody said yet what came of it?
    pub(crate) fn is_answered(&self) -> bool {
        self.open.as_ref().is_some_and(|o| o.answered)
    }

    /// SPNEGO's result (RFC 4178 §4.2.2): the login is over.
    pub(crate) fn result(&mut self, success: bool, cx: &mut Cx<'_>) {
        if self.open.is_some() {
            self.log(Some(success), cx);
        }
    }

    /// The protocol around answered with a status; kept for the row of a login that was answered.
    pub(crate) fn status(&mut self, success: bool, status: impl FnOnce() -> Text) {
        if let Some(open) = self.open.as_mut().filter(|o| o.answered && o.status.is_none()) {
            open.status = Some(status());
            open.failed = !success;
        }
    }

    /// The connection is over.
    pub(crate) fn end(&mut self, cx: &mut Cx<'_>) {
        self.log(None, cx);
    }

    fn log(&mut self, success: Option<bool>, cx: &mut Cx<'_>) {
        let Some(open) = self.open.take() else { return };
        if cx.is_judged() && (open.challenged.is_some() || open.answered) {
            self.tell(&open, success, cx);
        }
        if self.over.1 {
            return;
        }
        let guess = authenticate_failed(&open, success);
        let Open { began, challenge, authenticate, status, .. } = *open;
        if !guess && self.is_repeated(&authenticate, success, status.as_ref()) {
            return;
        }
        let row = NtlmRecord {
            head: cx.head(began),
            username: authenticate.user,
            hostname: authenticate.workstation,
            domainname: authenticate.domain,
            server_nb_computer_name: challenge.nb_computer_name,
            server_dns_computer_name: challenge.dns_computer_name,
            server_tree_name: challenge.dns_tree_name,
            success,
            version: authenticate.version,
            status,
            tail: cx.tail(),
        };
        cx.emit(row);
    }

    /// What judges want of it; of the responses only what tells them apart.
    fn tell(&self, open: &Open, success: Option<bool>, cx: &mut Cx<'_>) {
        let (c, a) = (&open.challenge, &open.authenticate);
        let row = NtlmLoginRecord {
            head: cx.head(open.began),
            over: self.over.0,
            user: a.user.clone(),
            domain: a.domain.clone(),
            workstation: a.workstation.clone(),
            server_name: c.nb_computer_name.clone(),
            server_dns_name: c.dns_computer_name.clone(),
            offered: open.offered.map(u64::from),
            flags: open.challenged.map(|_| u64::from(c.flags)),
            challenge: open.challenged.map(|_| c.nonce),
            challenged: open.challenged.map(|(ts, _)| ts),
            challenge_packet: open.challenged.map_or(0, |(_, packet)| packet),
            answered: open.answered,
            lm_len: u64::from(a.lm_len),
            nt_len: u64::from(a.nt_len),
            lm_set: a.lm_set,
            proof: a.proof,
            success: success.or_else(|| open.status.as_ref().map(|_| !open.failed)),
            packet: open.packet,
        };
        cx.emit(row);
    }

    /// Has the same login had its row in this connection? Clients log in anew for every pipe they open.
    fn is_repeated(&mut self, client: &message::Authenticate, success: Option<bool>, status: Option<&Text>) -> bool {
        let mut hasher = SeededState(0x6e_746c6d).build_hasher();
        let text = |t: &Option<Text>| t.as_ref().map(|t| t.0.clone());
        (text(&client.user), text(&client.domain), text(&client.workstation)).hash(&mut hasher);
        let identity = hasher.finish();
        // A result is news, a login without one is not.
        if success.is_some() || status.is_some() {
            (success, status.map(|s| &s.0)).hash(&mut hasher);
        }
        let login = hasher.finish();
        let repeated = self.told.contains(&login);
        if self.told.len() + 2 > MAX_TOLD {
            self.told.clear();
        }
        for digest in [identity, login] {
            if !self.told.contains(&digest) {
                self.told.push(digest);
            }
        }
        repeated
    }
}

/// Was a named user refused? Every such attempt is told: it may be a guess of many.
fn authenticate_failed(open: &Open, success: Option<bool>) -> bool {
    open.authenticate.user.is_some() && (open.failed || success == Some(false))
}
