use crate::{Cx, software};
use sekisho_record::{Head, Record, Set, Tail, Text};
use sekisho_types::{Addr, Dir, Heap, Uid, block_len};

/// How web interfaces to mail begin the name of the program that sends it.
const WEBMAIL_STARTS: &[&str] =
    &["NeoMail", "SquirrelMail", "Sun Java(tm) System Messenger Express", "iPlanet Messenger"];

/// What others of them have in it.
const WEBMAIL_PARTS: &[&str] = &["(IMP)", "ZimbraWebClient"];

/// One mail, or what came of the attempt to send one.
#[derive(Record)]
#[record(log = "smtp")]
pub struct SmtpRecord {
    #[record(flatten)]
    pub(crate) head: Head,
    /// Number of the mail in the flow, from 1.
    pub(crate) trans_depth: u64,
    /// Argument of HELO or EHLO.
    pub(crate) helo: Option<Text>,
    /// Sender in the envelope.
    pub(crate) mailfrom: Option<Text>,
    /// Recipients in the envelope.
    pub(crate) rcptto: Option<Set<Text>>,
    /// Date field of the mail.
    pub(crate) date: Option<Text>,
    /// From field of the mail.
    pub(crate) from: Option<Text>,
    /// Addresses of the To field.
    pub(crate) to: Option<Set<Text>>,
    /// Addresses of the Cc field.
    pub(crate) cc: Option<Set<Text>>,
    /// Reply-To field of the mail.
    pub(crate) reply_to: Option<Text>,
    /// Message-ID field of the mail.
    pub(crate) msg_id: Option<Text>,
    /// In-Reply-To field of the mail.
    pub(crate) in_reply_to: Option<Text>,
    /// Subject field of the mail, encoded words as they are.
    pub(crate) subject: Option<Text>,
    /// Address in the X-Originating-IP field.
    pub(crate) x_originating_ip: Option<Addr>,
    /// Last of the Received fields: the hop nearest to the sender.
    pub(crate) first_received: Option<Text>,
    /// Last but one of the Received fields.
    pub(crate) second_received: Option<Text>,
    /// Last reply of the server.
    pub(crate) last_reply: Option<Text>,
    /// Way of the mail: responder, originator, then the hops that Received fields tell.
    pub(crate) path: Vec<Addr>,
    /// Mail program, from X-Mailer or User-Agent.
    pub(crate) user_agent: Option<Text>,
    /// The flow went over to TLS.
    pub(crate) tls: bool,
    /// Ids of the files in the mail.
    pub(crate) fuids: Vec<Uid>,
    /// Subject with its encoded words decoded (RFC 2047), where that makes a difference.
    #[record(ext)]
    pub(crate) subject_decoded: Option<Text>,
    /// Mechanism of the last login in the flow.
    #[record(ext)]
    pub(crate) auth_mechanism: Option<Text>,
    /// User name of the last login; the password is never kept.
    #[record(ext)]
    pub(crate) auth_user: Option<Text>,
    /// Logins tried in the flow so far.
    #[record(ext)]
    pub(crate) auth_attempts: Option<u64>,
    /// Did the last login succeed?
    #[record(ext)]
    pub(crate) auth_success: Option<bool>,
    #[record(flatten)]
    pub(crate) tail: Tail,
    /// Bytes of heap that the columns take which senders choose; see [`SmtpRecord::set`].
    #[record(skip)]
    pub(crate) held_len: usize,
}

impl SmtpRecord {
    /// Fills a column and counts what it takes.
    pub(crate) fn set(&mut self, column: impl FnOnce(&mut Self) -> &mut Option<Text>, text: Text) {
        let more = text.heap_len();
        let old = column(self).replace(text);
        self.held_len = (self.held_len + more).saturating_sub(old.heap_len());
    }

    /// What the client runs. Where a mail was handed on, its program is not the client's, and is not told of.
    pub(crate) fn tell_software(&self, cx: &mut Cx<'_>) {
        let Some(agent) = self.user_agent.as_ref().filter(|_| self.path.last() == Some(&self.head.orig_h)) else {
            return;
        };
        let is_webmail = WEBMAIL_STARTS.iter().any(|start| agent.0.starts_with(start.as_bytes()))
            || WEBMAIL_PARTS.iter().any(|part| memchr::memmem::find(&agent.0, part.as_bytes()).is_some());
        let kind = if is_webmail { "SMTP::WEBMAIL_SERVER" } else { "SMTP::MAIL_CLIENT" };
        software::found(Dir::Orig, kind, &agent.0, cx);
    }

    /// The row's first columns; the others follow as commands and mail are read.
    pub(crate) fn new(head: Head, tail: Tail, trans_depth: u64, helo: Option<Text>) -> Self {
        Self {
            path: vec![head.resp_h, head.orig_h],
            held_len: helo.heap_len() + block_len(2 * size_of::<Addr>()),
            head,
            trans_depth,
            helo,
            mailfrom: None,
            rcptto: None,
            date: None,
            from: None,
            to: None,
            cc: None,
            reply_to: None,
            msg_id: None,
            in_reply_to: None,
            subject: None,
            subject_decoded: None,
            x_originating_ip: None,
            first_received: None,
            second_received: None,
            last_reply: None,
            user_agent: None,
            tls: false,
            fuids: Vec::new(),
            auth_mechanism: None,
            auth_user: None,
            auth_attempts: None,
            auth_success: None,
            tail,
        }
    }
}
