//! The operations under way, and what messages do to their rows.

use super::message::{self, Auth, Head, Outcome, op};
use super::names;
use super::record::{LdapRecord, LdapSearchRecord};
use crate::gssapi::Gssapi;
use crate::told::Login;
use crate::{Cx, Event, Transport};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::Heap;
use std::collections::BTreeMap;

/// Operations of one kind under way; when one more begins all are logged as they are.
pub const MAX_PENDING: usize = 256;
/// What a waiting row costs beside itself: its share of the map.
const PLACE_LEN: usize = 48;

/// What comes after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ldap,
    Tls,
}

/// What both directions share.
#[derive(Default)]
pub(super) struct Session {
    operations: BTreeMap<i64, Box<LdapRecord>>,
    searches: BTreeMap<i64, Box<LdapSearchRecord>>,
    /// What the waiting rows take.
    rows_len: usize,
    mechanism: Mechanism,
    /// A SASL bind has succeeded: what follows may be signed or encrypted.
    secured: bool,
    /// A simple bind with a password waits for its result.
    simple: bool,
    tls_asked: bool,
    gss: Gssapi,
}

/// What the client wants to prove itself with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mechanism {
    #[default]
    None,
    /// With tokens of GSS-API.
    Gss,
    Other,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        self.rows_len + self.gss.heap_len()
    }
}

/// The operation's name; a bind's is told by how it is made.
const fn opcode(operation: u8) -> &'static str {
    match operation {
        op::BIND | op::BIND_RESPONSE => "bind",
        op::UNBIND => "unbind",
        op::SEARCH..=op::SEARCH_DONE | op::SEARCH_REFERENCE => "search",
        op::MODIFY | op::MODIFY_RESPONSE | op::RENAME | op::RENAME_RESPONSE => "modify",
        op::ADD | op::ADD_RESPONSE => "add",
        op::DELETE | op::DELETE_RESPONSE => "delete",
        op::COMPARE | op::COMPARE_RESPONSE => "compare",
        op::ABANDON => "abandon",
        op::EXTENDED | op::EXTENDED_RESPONSE => "extended",
        op::INTERMEDIATE => "intermediate",
        _ => "unknown",
    }
}

/// Is the operation answered, or one that has no answer?
const fn finishes(operation: u8) -> bool {
    matches!(
        operation,
        op::BIND_RESPONSE
            | op::UNBIND
            | op::MODIFY_RESPONSE
            | op::ADD_RESPONSE
            | op::DELETE_RESPONSE
            | op::RENAME_RESPONSE
            | op::COMPARE_RESPONSE
            | op::ABANDON
            | op::EXTENDED_RESPONSE
    )
}

const fn service(cx: &Cx<'_>) -> &'static str {
    match cx.transport {
        Transport::Tcp => "ldap_tcp",
        Transport::Udp => "ldap_udp",
    }
}

impl Session {
    pub fn new() -> Self {
        Self { gss: Gssapi::over("ldap"), ..Self::default() }
    }

    /// May a SASL layer lie around messages?
    pub fn is_secured(&self) -> bool {
        self.secured
    }

    /// A message, or only its head where it is long.
    pub fn message(&mut self, head: &Head, bytes: Option<&[u8]>, cx: &mut Cx<'_>) -> Next {
        // Zeek's parser minds no missing beginning.
        cx.confirm_midstream(service(cx));
        let body = bytes.map(|b| head.body(b));
        match head.op {
            op::SEARCH | op::SEARCH_ENTRY | op::SEARCH_DONE => self.search(head, body, cx),
            op::SEARCH_REFERENCE => {}
            _ => return self.operation(head, body, cx),
        }
        Next::Ldap
    }

    fn search(&mut self, head: &Head, body: Option<&[u8]>, cx: &mut Cx<'_>) {
        let mut row = match self.searches.remove(&head.id) {
            Some(row) => {
                self.rows_len = self.rows_len.saturating_sub(PLACE_LEN + row.held_len());
                row
            }
            None => Box::new(blank_search(head.id, cx)),
        };
        match head.op {
            op::SEARCH_ENTRY => row.result_count = Some(row.result_count.unwrap_or(0) + 1),
            op::SEARCH => match body.map(message::search) {
                Some(Ok(m)) => requested(&mut row, m, cx),
                _ => cx.weird("ldap_broken_search"),
            },
            _ => {
                if let Some(Ok(m)) = body.map(message::outcome) {
                    row.result = Some(names::result(m.code));
                    row.diagnostic_message = said(&m).or(row.diagnostic_message.take());
                }
                return log_search(row, cx);
            }
        }
        if self.searches.len() >= MAX_PENDING {
            self.flush(cx);
        }
        self.rows_len += PLACE_LEN + row.held_len();
        self.searches.insert(head.id, row);
    }

    fn operation(&mut self, head: &Head, body: Option<&[u8]>, cx: &mut Cx<'_>) -> Next {
        let mut row = match self.operations.remove(&head.id) {
            Some(row) => {
                self.rows_len = self.rows_len.saturating_sub(PLACE_LEN + row.held_len());
                row
            }
            None => Box::new(blank(head.id, cx)),
        };
        if !matches!(head.op, op::BIND | op::BIND_RESPONSE) || row.opcode.is_none() {
            row.opcode = Some(opcode(head.op));
        }
        let next = body.map_or(Next::Ldap, |body| self.content(head.op, body, &mut row, cx));
        if finishes(head.op) {
            log(row, cx);
            return next;
        }
        if self.operations.len() >= MAX_PENDING {
            self.flush(cx);
        }
        self.rows_len += PLACE_LEN + row.held_len();
        self.operations.insert(head.id, row);
        next
    }

    /// What an operation's content says.
    fn content(&mut self, operation: u8, body: &[u8], row: &mut LdapRecord, cx: &mut Cx<'_>) -> Next {
        match operation {
            op::BIND => self.bind(body, row, cx),
            op::MODIFY => {
                row.object = message::entry(body).ok().map(Text::from);
                row.argument = message::changes(body).ok().filter(|c| !c.is_empty()).map(Text::from);
            }
            op::DELETE => row.object = Some(message::text(body).into()),
            op::ADD | op::RENAME | op::COMPARE => row.entry = message::entry(body).ok().map(Text::from),
            op::ABANDON => row.object = crate::ber::integer(body).map(|id| id.to_string().into()),
            op::EXTENDED => {
                if let Ok(oid) = message::extended(body) {
                    self.tls_asked = oid == names::START_TLS;
                    row.object = Some([oid, b" (", names::extended(oid).as_bytes(), b")"].concat().into());
                }
            }
            op::UNBIND | op::INTERMEDIATE => {}
            _ => {
                let Ok(outcome) = message::outcome(body) else { return Next::Ldap };
                row.result = Some(names::result(outcome.code));
                row.diagnostic_message = said(&outcome).or(row.diagnostic_message.take());
                return self.answered(operation, &outcome, cx);
            }
        }
        Next::Ldap
    }

    fn bind(&mut self, body: &[u8], row: &mut LdapRecord, cx: &mut Cx<'_>) {
        let Ok(m) = message::bind(body) else { return cx.weird("ldap_broken_bind") };
        row.version = row.version.or(Some(m.version));
        row.object = Some(m.name).filter(|n| !n.is_empty()).map(Text::from);
        self.mechanism = Mechanism::None;
        (row.opcode, row.argument) = match m.auth {
            Auth::Simple(password) => {
                let user = m.name;
                if !password.is_empty() {
                    let password = Some(password);
                    cx.login(&Login { protocol: "ldap", method: b"simple", user, password, success: None });
                }
                self.simple = !password.is_empty();
                row.clear_password = Some(!password.is_empty());
                (Some("bind simple"), (!password.is_empty()).then(|| "REDACTED".into()))
            }
            Auth::Sasl { mechanism, credentials } => {
                self.mechanism = if mechanism.starts_with(b"GSS") { Mechanism::Gss } else { Mechanism::Other };
                if let (Mechanism::Gss, Some(token)) = (self.mechanism, credentials) {
                    self.gss.token(token, cx);
                }
                (Some("bind SASL"), Some(mechanism.into()))
            }
            Auth::Sicily(kind, ntlm) => {
                self.gss.token(ntlm, cx);
                let opcode = match kind {
                    9 => "bind SICILY_PACKAGE_DISCOVERY",
                    10 => "bind SICILY_NEGOTIATE",
                    _ => "bind SICILY_RESPONSE",
                };
                (Some(opcode), ntlm.starts_with(b"NTLMSSP").then(|| "NTLMSSP".into()))
            }
            Auth::Other => (Some("bind"), None),
        };
    }

    /// What a result means for the conversation.
    fn answered(&mut self, operation: u8, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        match operation {
            op::BIND_RESPONSE => {
                if std::mem::take(&mut self.simple) {
                    cx.login_judged("ldap", outcome.code == 0);
                }
                if outcome.code != names::BIND_IN_PROGRESS {
                    self.gss.status(outcome.code == 0, || names::result(outcome.code).into());
                }
                if let (Mechanism::Gss, Some(token)) = (self.mechanism, outcome.credentials) {
                    self.gss.token(token, cx);
                }
                self.secured |= self.mechanism != Mechanism::None && outcome.code == 0;
                Next::Ldap
            }
            op::EXTENDED_RESPONSE if self.tls_asked && outcome.code == 0 && cx.transport == Transport::Tcp => Next::Tls,
            _ => Next::Ldap,
        }
    }

    /// The connection is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.flush(cx);
        self.gss.end(cx);
    }

    /// Logs what waits.
    fn flush(&mut self, cx: &mut Cx<'_>) {
        // Number 0 is the server's own (§4.4), and Zeek logs it only if it is answered.
        std::mem::take(&mut self.operations).into_values().filter(|r| r.message_id > Some(0)).for_each(|r| log(r, cx));
        let searches = std::mem::take(&mut self.searches).into_values();
        searches.filter(|r| r.message_id > Some(0)).for_each(|r| log_search(r, cx));
        self.rows_len = 0;
    }
}

/// What the server says about a result, if anything. Line ends and the like become `?`, as Zeek has it.
fn said(outcome: &Outcome<'_>) -> Option<Text> {
    let shown = |b: &u8| if b.is_ascii_control() { b'?' } else { *b };
    Some(outcome.diagnostic).filter(|d| !d.is_empty()).map(|d| d.iter().map(shown).collect::<Vec<u8>>().into())
}

/// What a search asks for.
fn requested(row: &mut LdapSearchRecord, m: message::Search<'_>, cx: &mut Cx<'_>) {
    if m.filter_cut {
        cx.weird("ldap_filter_over_limit");
    }
    row.scope = Some(names::scope(m.scope));
    row.deref_aliases = Some(names::deref(m.deref));
    row.base_object = Some(m.base).filter(|b| !b.is_empty()).map(Text::from);
    row.filter = Some(m.filter.into());
    row.requested_attributes.0 = m.attributes.into_iter().map(Text::from).collect();
    row.size_limit = Some(m.size_limit);
}

fn log(mut row: Box<LdapRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::LdapRecord(row));
}

fn log_search(mut row: Box<LdapSearchRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::LdapSearchRecord(row));
}

fn blank(id: i64, cx: &Cx<'_>) -> LdapRecord {
    LdapRecord {
        head: cx.head(cx.ts),
        message_id: Some(id),
        version: None,
        opcode: None,
        result: None,
        diagnostic_message: None,
        object: None,
        argument: None,
        entry: None,
        clear_password: None,
        tail: cx.tail(),
    }
}

fn blank_search(id: i64, cx: &Cx<'_>) -> LdapSearchRecord {
    LdapSearchRecord {
        head: cx.head(cx.ts),
        message_id: Some(id),
        scope: None,
        deref_aliases: None,
        base_object: None,
        result_count: Some(0),
        result: None,
        diagnostic_message: None,
        filter: None,
        attributes: UnsetIfEmpty::default(),
        requested_attributes: UnsetIfEmpty::default(),
        size_limit: None,
        tail: cx.tail(),
    }
}
