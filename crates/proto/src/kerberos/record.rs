use super::message::{KdcReply, KdcRequest, KrbError, Ticket};
use super::names;
use crate::Cx;
use md5::{Digest as _, Md5};
use sekisho_record::{Digest, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, Timestamp, Uid, block_len, list_len};

/// An exchange with a key distribution centre, or a ticket shown to a service.
#[derive(Clone, Debug, Record)]
#[record(log = "kerberos")]
pub struct KerberosRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `AS` for a client that logs in, `TGS` for one that asks for a service's ticket.
    pub request_type: Option<&'static str>,
    /// The client with its realm.
    pub client: Option<Text>,
    /// The service asked for.
    pub service: Option<Text>,
    /// Was a ticket given?
    pub success: Option<bool>,
    /// The error in the server's words, or its name.
    pub error_msg: Option<Text>,
    /// Start of the validity asked for.
    pub from: Option<Timestamp>,
    /// End of the validity asked for.
    pub till: Option<Timestamp>,
    /// Encryption of the ticket given.
    pub cipher: Option<String>,
    /// A forwardable ticket was asked for.
    pub forwardable: Option<bool>,
    /// A renewable ticket was asked for.
    pub renewable: Option<bool>,
    /// Subject of the client's certificate (PKINIT, RFC 4556).
    pub client_cert_subject: Option<Text>,
    /// File id of the client's certificate.
    pub client_cert_fuid: Option<Uid>,
    /// Subject of the server's certificate.
    pub server_cert_subject: Option<Text>,
    /// File id of the server's certificate.
    pub server_cert_fuid: Option<Uid>,
    /// MD5 of the encrypted part of the ticket that was shown, as Zeek's ticket-logging script has it.
    #[record(ext)]
    pub auth_ticket: Option<Digest<16>>,
    /// MD5 of the encrypted part of the ticket that was given.
    #[record(ext)]
    pub new_ticket: Option<Digest<16>>,
    /// The service that the ticket shown is for.
    #[record(ext)]
    pub auth_service: Option<Text>,
    /// Encryption of the ticket shown.
    #[record(ext)]
    pub auth_cipher: Option<String>,
    /// Number of the error.
    #[record(ext)]
    pub error_code: Option<i64>,
    /// Encryptions that the client accepts, best first.
    #[record(ext)]
    pub request_ciphers: UnsetIfEmpty<String>,
    /// How the client proves itself beforehand; empty if it does not.
    #[record(ext)]
    pub preauth: Option<Vec<String>>,
    /// Encryption of the reply, which shows what the client's key is of.
    #[record(ext)]
    pub reply_cipher: Option<String>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

fn ticket_hash(ticket: &Ticket<'_>) -> Digest<16> {
    Digest(Md5::digest(ticket.part.cipher_text).into())
}

/// `name/realm`, with the slash even if one of them is missing, as Zeek writes it.
fn principal(name: Option<Text>, realm: Option<&[u8]>) -> Text {
    [&name.unwrap_or_default().0[..], b"/", realm.unwrap_or_default()].concat().into()
}

impl KerberosRecord {
    /// An exchange that begins now.
    pub(crate) fn new(cx: &Cx<'_>) -> Self {
        Self {
            head: cx.head(cx.ts),
            request_type: None,
            client: None,
            service: None,
            success: None,
            error_msg: None,
            from: None,
            till: None,
            cipher: None,
            forwardable: None,
            renewable: None,
            client_cert_subject: None,
            client_cert_fuid: None,
            server_cert_subject: None,
            server_cert_fuid: None,
            auth_ticket: None,
            new_ticket: None,
            auth_service: None,
            auth_cipher: None,
            error_code: None,
            request_ciphers: UnsetIfEmpty::default(),
            preauth: None,
            reply_cipher: None,
            tail: cx.tail(),
        }
    }

    /// Bytes that the row owns, itself included, if it is in a box.
    pub(crate) fn held_len(&self) -> usize {
        let texts = [&self.client, &self.service, &self.error_msg, &self.auth_service, &self.client_cert_subject];
        let texts = texts.into_iter().map(Heap::heap_len).sum::<usize>() + self.server_cert_subject.heap_len();
        let names = self.cipher.heap_len() + self.auth_cipher.heap_len() + self.reply_cipher.heap_len();
        let preauth = self.preauth.as_ref().map_or(0, |p| list_len(p) + p.as_slice().heap_len());
        block_len(size_of::<Self>()) + texts + names + preauth + self.request_ciphers.heap_len()
    }

    /// What a request says.
    pub(crate) fn request(&mut self, m: &KdcRequest<'_>) {
        self.request_type = Some(if m.tgs { "TGS" } else { "AS" });
        if !m.tgs {
            self.client = Some(principal(m.client.as_ref().map(|n| n.text()), m.realm));
        }
        if let Some(service) = &m.service {
            self.service = Some(service.text());
        }
        self.from = m.from.or(self.from);
        self.till = m.till.or(self.till);
        if let Some(options) = m.options {
            self.forwardable = Some(options & 0x4000_0000 != 0);
            self.renewable = Some(options & 0x0080_0000 != 0);
        }
        self.request_ciphers.0 = m.ciphers.iter().map(|c| names::cipher(*c)).collect();
        self.preauth = Some(m.preauth.iter().map(|p| names::preauth(*p)).collect());
        if let Some(ticket) = &m.ticket {
            self.shown(ticket);
        }
    }

    /// What a ticket that the client shows says.
    pub(crate) fn shown(&mut self, ticket: &Ticket<'_>) {
        self.auth_ticket = Some(ticket_hash(ticket));
        self.auth_service = Some(ticket.service.text());
        self.auth_cipher = Some(names::cipher(ticket.part.cipher));
    }

    /// What a reply says.
    pub(crate) fn reply(&mut self, m: &KdcReply<'_>) {
        if self.client.is_none() {
            self.client = Some(principal(Some(m.client.text()), Some(m.realm)));
        }
        self.service = Some(m.ticket.service.text());
        self.cipher = Some(names::cipher(m.ticket.part.cipher));
        self.success = Some(true);
        self.new_ticket = Some(ticket_hash(&m.ticket));
        self.reply_cipher = Some(names::cipher(m.part.cipher));
    }

    /// What an error says.
    pub(crate) fn error(&mut self, m: &KrbError<'_>) {
        let name = m.client.as_ref().map(|n| n.text());
        if self.client.is_none() && (name.is_some() || m.client_realm.is_some()) {
            self.client = Some(match name {
                Some(name) => principal(Some(name), m.client_realm),
                None => m.client_realm.unwrap_or_default().into(),
            });
        }
        if let Some(service) = &m.service {
            self.service = Some(service.text());
        }
        self.success = Some(false);
        self.error_code = Some(m.code);
        self.error_msg =
            m.text.map(Text::from).or_else(|| names::error(m.code).map(Text::from)).or(self.error_msg.take());
    }
}
