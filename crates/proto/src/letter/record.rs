use sekisho_record::{Head, Record, Text, UnsetIfEmpty};

/// A mail as only detectors want it.
#[derive(Clone, Debug, Record)]
#[record(log = "mail")]
pub struct MailRecord {
    /// Time at which it began, flow and ends; of a mail in a file the time of its Date field, and no ends.
    #[record(flatten)]
    pub head: Head,
    /// How it came: `smtp`, `pop3`, `imap`, `file`.
    pub protocol: &'static str,
    /// The file that it lies in.
    pub file: Option<Text>,
    /// Number of the packet with which it began, or of the mail in its file.
    pub packet: u64,
    /// All of it was seen.
    pub complete: bool,
    /// The responder sent it: somebody fetches his mail.
    pub to_client: bool,
    /// Argument of HELO or EHLO.
    pub helo: Option<Text>,
    /// Sender in the envelope.
    pub mailfrom: Option<Text>,
    /// Recipients in the envelope.
    pub rcptto: UnsetIfEmpty<Text>,
    /// The server took it.
    pub accepted: Option<bool>,
    /// Name in the From field, decoded.
    pub from_name: Option<Text>,
    /// First address of the From field, in lower case.
    pub from: Option<Text>,
    /// Addresses in the From field.
    pub from_count: u64,
    /// First address of the Reply-To field.
    pub reply_to: Option<Text>,
    /// Address of the Return-Path field.
    pub return_path: Option<Text>,
    /// Message-ID field.
    pub message_id: Option<Text>,
    /// Subject field, decoded.
    pub subject: Option<Text>,
    /// Addresses of the To fields.
    pub to: UnsetIfEmpty<Text>,
    /// Received fields, the newest first.
    pub received: UnsetIfEmpty<Text>,
    /// Authentication-Results fields (RFC 8601), the newest first.
    pub auth_results: UnsetIfEmpty<Text>,
    /// An ARC seal says that the chain was valid, or ARC's results that DMARC passed (RFC 8617).
    pub arc_pass: bool,
    /// It says that it is of a list or one of many: List-Id, List-Unsubscribe, Precedence.
    pub is_list: bool,
    /// How its text begins, without tags.
    pub text: Option<Text>,
    /// What links show; empty where they stand in plain text.
    pub link_texts: UnsetIfEmpty<Text>,
    /// Where the same links lead.
    pub link_targets: UnsetIfEmpty<Text>,
    /// Number of the attachment, from 0, that each part is or is in.
    pub part_of: UnsetIfEmpty<u64>,
    /// Levels of archives that each is in; 0: it is the attachment.
    pub part_depths: UnsetIfEmpty<u64>,
    /// Bytes of each.
    pub part_lens: UnsetIfEmpty<u64>,
    /// Name of each.
    pub part_names: UnsetIfEmpty<Text>,
    /// Type of each by content: `pe`, `zip`, `html`.
    pub part_kinds: UnsetIfEmpty<Text>,
    /// Type that the mail declares, of attachments.
    pub part_declared: UnsetIfEmpty<Text>,
    /// What was met in each: `encrypted`, `external-template`, `form`, `macro-sheet`, `script-decode`, `data-large`, `cut`.
    pub part_notes: UnsetIfEmpty<Text>,
    /// SHA-256 of each attachment, in hexadecimal.
    pub part_sha256: UnsetIfEmpty<Text>,
}
