use super::columns::{files, ftp, http, smtp};
use super::listing;
use crate::bounded::{Top, Weight};
use crate::cells::Cells;
use crate::page::{File, FileType, Login, Mail, Page};
use sekisho_record::Text;
use sekisho_types::Addr;

/// Files listed; of more the largest stay.
const MAX_FILES: usize = 4_096;
/// Types of files told apart.
const MAX_TYPES: usize = 512;
/// Mails listed: the first ones.
const MAX_MAILS: usize = 1_000;
/// Combinations of protocol, hosts and user told apart.
const MAX_LOGINS: usize = 4_096;

/// Types that the page lists as certificates, not as files.
const CERTIFICATES: &[u8] = b"application/x-x509";

impl Weight for File {
    fn weight(&self) -> u64 {
        // A file of no byte is a file.
        self.seen_bytes.saturating_add(1)
    }
}

#[derive(Clone, Copy, Default)]
struct TypeSum {
    files: u64,
    bytes: u64,
}

impl Weight for TypeSum {
    fn weight(&self) -> u64 {
        self.bytes.saturating_add(self.files)
    }
}

/// Protocol, client, server, user.
type LoginKey = (&'static str, Addr, Addr, Box<[u8]>);

#[derive(Clone, Copy, Default)]
struct LoginSum {
    count: u64,
    accepted: Option<bool>,
}

impl Weight for LoginSum {
    fn weight(&self) -> u64 {
        self.count
    }
}

/// What was moved, and who logged in for it.
pub(super) struct Files {
    /// By order of arrival.
    files: Top<u64, File>,
    next: u64,
    types: Top<Box<[u8]>, TypeSum>,
    mails: Vec<Mail>,
    more_mails: u64,
    logins: Top<LoginKey, LoginSum>,
}

impl Files {
    pub fn new(seed: u64) -> Self {
        Self {
            files: Top::new(MAX_FILES, seed),
            next: 0,
            types: Top::new(MAX_TYPES, seed),
            mails: Vec::new(),
            more_mails: 0,
            logins: Top::new(MAX_LOGINS, seed),
        }
    }

    pub fn file(&mut self, row: &Cells<'_>) {
        let mime_type = row.text(files::MIME);
        if mime_type.is_some_and(|m| m.starts_with(CERTIFICATES)) {
            return;
        }
        let seen_bytes = row.count(files::SEEN).unwrap_or(0);
        let kind = self.types.at_ref(mime_type.unwrap_or(b""));
        kind.files += 1;
        kind.bytes = kind.bytes.saturating_add(seen_bytes);
        let (orig, resp) = (row.addr(files::ORIG), row.addr(files::RESP));
        let (from, to) = if row.flag(files::IS_ORIG) == Some(true) { (orig, resp) } else { (resp, orig) };
        let text = |i| row.text(i).map(Text::from);
        self.next += 1;
        *self.files.at(self.next) = File {
            ts: row.time(files::TS),
            fuid: row.uid_text(files::FUID).unwrap_or_default(),
            uid: row.uid_text(files::UID).unwrap_or_default(),
            source: text(files::SOURCE).unwrap_or_default(),
            mime_type: mime_type.map(Text::from),
            filename: text(files::NAME).or_else(|| text(files::FILENAME)),
            from,
            to,
            seen_bytes,
            total_bytes: row.count(files::TOTAL),
            missing_bytes: row.count(files::MISSING).unwrap_or(0),
            complete: row.flag(files::COMPLETE),
            sha256: text(files::SHA256),
        };
    }

    pub fn ftp(&mut self, row: &Cells<'_>) {
        // 230 logged in, 530 not logged in (RFC 959 §4.2); other commands succeed only after a login.
        let login = row.text(ftp::COMMAND).is_some_and(|c| c == b"USER" || c == b"PASS");
        let accepted = match row.count(ftp::CODE) {
            Some(230) => Some(true),
            Some(530) => Some(false),
            Some(200..=299) if !login => Some(true),
            _ => None,
        };
        self.login("ftp", row.addr(ftp::ORIG), row.addr(ftp::RESP), row.text(ftp::USER), accepted);
    }

    pub fn http(&mut self, row: &Cells<'_>) {
        let accepted = match row.count(http::STATUS) {
            Some(401 | 407) => Some(false),
            Some(100..=399) => Some(true),
            _ => None,
        };
        self.login("http", row.addr(http::ORIG), row.addr(http::RESP), row.text(http::USER), accepted);
    }

    pub fn smtp(&mut self, row: &Cells<'_>) {
        let (client, server) = (row.addr(smtp::ORIG), row.addr(smtp::RESP));
        self.login("smtp", client, server, row.text(smtp::USER), row.flag(smtp::ACCEPTED));
        let text = |i| row.text(i).map(Text::from);
        let mail = Mail {
            ts: row.time(smtp::TS),
            client,
            server,
            from: text(smtp::FROM),
            to: row.items(smtp::TO).map(Text::from).collect(),
            subject: text(smtp::DECODED).or_else(|| text(smtp::SUBJECT)),
        };
        if mail.from.is_none() && mail.to.is_empty() && mail.subject.is_none() {
            return;
        }
        if self.mails.len() < MAX_MAILS {
            self.mails.push(mail);
        } else {
            self.more_mails += 1;
        }
    }

    fn login(
        &mut self,
        protocol: &'static str,
        client: Option<Addr>,
        server: Option<Addr>,
        user: Option<&[u8]>,
        accepted: Option<bool>,
    ) {
        let (Some(client), Some(server), Some(user)) = (client, server, user) else { return };
        // Zeek's words for a login of which the name was not seen.
        if matches!(user, b"<unknown>" | b"-") {
            return;
        }
        let login = self.logins.at((protocol, client, server, user.into()));
        login.count += 1;
        login.accepted = match (login.accepted, accepted) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (old, new) => old.or(new),
        };
    }

    pub fn fill(&self, page: &mut Page) {
        page.files = listing(&self.files, |_, f| f.clone());
        page.files
            .rows
            .sort_by(|a, b| b.seen_bytes.cmp(&a.seen_bytes).then_with(|| (a.ts, &a.fuid).cmp(&(b.ts, &b.fuid))));
        page.file_types = listing(&self.types, |mime_type, sum| FileType {
            mime_type: (!mime_type.is_empty()).then(|| Text::from(mime_type)),
            files: sum.files,
            bytes: sum.bytes,
        });
        page.mails.rows = self.mails.clone();
        page.mails.rows.sort_by(|a, b| (a.ts, &a.client, &a.from).cmp(&(b.ts, &b.client, &b.from)));
        page.mails.more = self.more_mails;
        page.logins = listing(&self.logins, |&(protocol, client, server, ref user), sum| Login {
            protocol,
            client,
            server,
            user: Text::from(user),
            count: sum.count,
            accepted: sum.accepted,
        });
    }
}
