//! # mail-dangerous-attachment
//! ## How
//! What is attached to a mail is recognised by its bytes and looked into, a few archives deep. `executable`: a program, a
//! script for Windows, a shortcut, compiled help, an installer, a notebook of OneNote, by content or, for scripts, by name;
//! `container`: such a thing within an archive, or an image of a disk (which hides where its files come from); `macro`: a
//! document of Office with VBA, sheets of Excel 4.0 macros, or a template fetched from outside; `double-ext`:
//! `name.pdf.exe`, or a name whose reading direction is turned over; `html-form`: a page that asks for a password or posts
//! to another host, or whose script unpacks much data; `encrypted-archive`: an archive that is encrypted while the mail tells a
//! password; `type-mismatch`: called a document or picture, and is a program, script, page or archive; `outbreak`: the same
//! such file to many. The stronger form `fetched`: somebody fetched the mail by POP3 or IMAP.
//! ## Thresholds
//! `outbreak` 10 recipients within an hour; archives 4 deep and 1,000 members; 2 MiB of an attachment (Sekisho's own choices).
//! ## State
//! Digests of attachments 10,000, pairs of correspondents 20,000, the least recent forgotten.
//! ## Severity
//! Executable high 0.9, in a container high 0.8, disk image alone medium 0.6; macro medium 0.7; html-form high 0.7, where only a
//! script unpacks data medium 0.6; double-ext high 0.9; encrypted-archive medium 0.7; type-mismatch medium 0.6; outbreak medium 0.6.
//! One step higher if fetched. One step lower from a sender whose domain is known here, for macros after 3 mails of the pair.
//! ## Benign
//! Developers' lists, installers from a known sender, documents with macros between those who exchange them.
//! ## Blind
//! Mail over TLS; what lies behind links; what is in encrypted archives beyond their names; documents that attack their
//! reader's errors; whether a macro does harm.
//! ## References
//! MS-CFB, MS-OVBA, MS-XLS; APPNOTE 6.3; MITRE ATT&CK T1566.001, T1027.006.

use crate::Cx;
use crate::detection::Scope;
use crate::domains::of_address;
use crate::mails::{self, Way, finding, packet_of};
use crate::registry::Detector;
use crate::rows::{Kind, Mail, Row};
use crate::table::Recent;
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Interval, Timestamp};

static ABOUT: About = About {
    id: "mail-dangerous-attachment",
    title: "attachment that can run code or steal a login",
    means: "The attachment can run code or steal a login.",
    techniques: &["T1566.001", "T1204.002", "T1027.006"],
    stage: Stage::Initial,
    reasons: &[
        Reason {
            code: "container",
            means: "An archive or disk image that is attached holds a program, or hides where its files come from.",
        },
        Reason { code: "double-ext", means: "The attachment's name pretends to be that of a document." },
        Reason { code: "encrypted-archive", means: "An encrypted archive is attached, and the mail tells a password." },
        Reason { code: "executable", means: "A program or script is attached." },
        Reason { code: "html-form", means: "A page is attached that asks for a login or unpacks itself." },
        Reason { code: "macro", means: "A document is attached that can run macros or fetches a template." },
        Reason { code: "outbreak", means: "The same attachment went to many within an hour." },
        Reason { code: "type-mismatch", means: "The attachment is something else than it is called." },
    ],
    benign: "Developers' lists, installers from known senders, documents with macros between those who exchange them.",
    clears: "The recipient expected it and the sender confirms it by another way.",
    next: &[
        "See who fetched or opened it, and what their hosts did then.",
        "Take the mail out of the mailboxes; look the digest up.",
        "Let the mail server hold such attachments back.",
    ],
    needs: &[
        vital(What::Some(Traffic::Mail)),
        vital(What::Bodies),
        vital(What::Clear(Traffic::Mail)),
        useful(What::Whole(Traffic::Mail)),
        vital(What::Uncut(Traffic::Mail)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const CONTAINER: &Reason = ABOUT.at(0);
const DOUBLE_EXT: &Reason = ABOUT.at(1);
const ENCRYPTED: &Reason = ABOUT.at(2);
const EXECUTABLE: &Reason = ABOUT.at(3);
const HTML_FORM: &Reason = ABOUT.at(4);
const MACRO: &Reason = ABOUT.at(5);
const OUTBREAK: &Reason = ABOUT.at(6);
const TYPE_MISMATCH: &Reason = ABOUT.at(7);

/// Digests of which recipients are counted, the recipients that are many, and the time within which.
const MAX_DIGESTS: usize = 10_000;
const MANY_RECIPIENTS: usize = 10;
const WINDOW: Interval = Interval(3_600_000_000_000);
/// Pairs of correspondents that exchange documents with macros, and the mails that make it a habit.
const MAX_PAIRS: usize = 20_000;
const HABIT: u32 = 3;

/// Types by content that run.
const PROGRAMS: &[&str] = &["bat", "chm", "dex", "elf", "lnk", "macho", "msi", "mz", "one", "pe", "ps1"];
/// Extensions that Windows or macOS runs on a double click.
const RUN_BY_NAME: &[&str] = &[
    "application",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "exe",
    "gadget",
    "hta",
    "jar",
    "js",
    "jse",
    "lnk",
    "msc",
    "msi",
    "pif",
    "ps1",
    "reg",
    "scf",
    "scr",
    "sct",
    "settingcontent-ms",
    "url",
    "vbe",
    "vbs",
    "wsf",
    "wsh",
    "xll",
];
/// Images of disks, by content and by extension.
const DISKS: &[&str] = &["dmg", "iso", "qcow", "vhd", "vmdk"];
const DISK_NAMES: &[&str] = &["img", "iso", "vhd", "vhdx"];
/// Archives by content.
const ARCHIVES: &[&str] = &["7z", "ace", "arj", "bzip2", "cab", "gzip", "lha", "rar", "tar", "xz", "zip", "zstd"];
/// Extensions of documents and pictures.
const DOCUMENTS: &[&str] = &[
    "doc", "docx", "gif", "jpeg", "jpg", "mp3", "mp4", "odt", "pdf", "png", "ppt", "pptx", "rtf", "txt", "xls", "xlsx",
];
/// Words for a password.
const PASSWORDS: &[&str] =
    &["contraseña", "kennwort", "mot de passe", "passcode", "passwort", "password", "wachtwoord"];

/// Where a file went.
struct Sent {
    since: Timestamp,
    recipients: Vec<Box<[u8]>>,
}

/// See the module.
pub(crate) struct Attachment {
    sent: Recent<Box<[u8]>, Sent>,
    habits: Recent<Box<str>, u32>,
}

/// A part of a mail, as told.
struct Part<'a> {
    of: u64,
    depth: u64,
    len: u64,
    name: String,
    kind: &'a str,
    declared: &'a [u8],
    notes: &'a str,
    sha256: &'a [u8],
}

fn parts<'a>(mail: &Mail<'a>) -> Vec<Part<'a>> {
    let numbers = mail.part_of.counts().zip(mail.part_depths.counts()).zip(mail.part_lens.counts());
    let texts = mail.part_names.texts().zip(mail.part_kinds.texts()).zip(mail.part_declared.texts());
    let more = mail.part_notes.texts().zip(mail.part_sha256.texts());
    let all = numbers.zip(texts).zip(more);
    all.map(|((((of, depth), len), ((name, kind), declared)), (notes, sha256))| Part {
        of,
        depth,
        len,
        name: String::from_utf8_lossy(name).into_owned(),
        kind: std::str::from_utf8(kind).unwrap_or(""),
        declared,
        notes: std::str::from_utf8(notes).unwrap_or(""),
        sha256,
    })
    .collect()
}

impl Part<'_> {
    fn has(&self, note: &str) -> bool {
        self.notes.split(' ').any(|n| n == note)
    }

    fn extension(&self) -> String {
        let last = self.name.rsplit(['/', '\\']).next().unwrap_or("");
        last.trim_end_matches([' ', '.']).rsplit_once('.').map_or_else(String::new, |(_, e)| e.to_lowercase())
    }

    /// Does it run: by its bytes, or as text by its name?
    fn runs(&self) -> bool {
        PROGRAMS.contains(&self.kind) || RUN_BY_NAME.contains(&&*self.extension())
    }

    fn is_disk(&self) -> bool {
        DISKS.contains(&self.kind) || DISK_NAMES.contains(&&*self.extension()) && matches!(self.kind, "data" | "ext")
    }

    /// A name that hides what it is of.
    fn is_disguised(&self) -> bool {
        // U+202E turns what follows over.
        if self.name.contains('\u{202e}') {
            return true;
        }
        let mut extensions = self.name.rsplit('.').map(|e| e.trim().to_lowercase());
        let (last, before) = (extensions.next().unwrap_or_default(), extensions.next().unwrap_or_default());
        RUN_BY_NAME.contains(&&*last) && DOCUMENTS.contains(&&*before)
    }

    /// A document that can run macros.
    fn has_macros(&self) -> bool {
        let last = self.name.to_lowercase();
        let project = last.ends_with("vbaproject.bin") || last.contains("_vba_project") || last.ends_with("vba/dir");
        project || self.has("macro-sheet") || self.has("external-template")
    }

    /// What it is called, and what it is, where these don't go together.
    fn is_mistyped(&self) -> bool {
        let documented = DOCUMENTS.contains(&&*self.extension())
            || self.declared.starts_with(b"image/")
            || self.declared == b"application/pdf";
        let other =
            PROGRAMS.contains(&self.kind) || matches!(self.kind, "html" | "7z" | "iso" | "rar" | "script" | "zip");
        // Documents of Word are saved as pages and sheets as well.
        let saved = self.kind == "html" && matches!(&*self.extension(), "doc" | "xls" | "txt");
        documented && other && !saved
    }
}

type Judged = (&'static Reason, Severity, u8);

/// What one attachment with its members is.
fn judge(root: &Part<'_>, members: &[&Part<'_>], mail: &Mail<'_>) -> Vec<Judged> {
    let mut all: Vec<Judged> = Vec::new();
    let document = !ARCHIVES.contains(&root.kind) && !root.is_disk();
    let macros = |part: &Part<'_>| part.has_macros();
    if root.runs() {
        all.push((EXECUTABLE, Severity::High, 90));
    } else if !document && members.iter().any(|m| m.runs()) {
        all.push((CONTAINER, Severity::High, 80));
    } else if root.is_disk() {
        all.push((CONTAINER, Severity::Medium, 60));
    }
    if macros(root) || members.iter().any(|m| macros(m)) {
        all.push((MACRO, Severity::Medium, 70));
    }
    if root.is_disguised() || members.iter().any(|m| m.is_disguised()) {
        all.push((DOUBLE_EXT, Severity::High, 90));
    }
    let page = |p: &Part<'_>| {
        let unpacks = p.has("script-decode") && p.has("data-large");
        if p.has("form") {
            Some((HTML_FORM, Severity::High, 70))
        } else {
            unpacks.then_some((HTML_FORM, Severity::Medium, 60))
        }
    };
    all.extend(page(root).or_else(|| members.iter().find_map(|m| page(m))));
    let text = String::from_utf8_lossy(mail.text).to_lowercase();
    if root.has("encrypted") && !document && PASSWORDS.iter().any(|w| text.contains(w)) {
        all.push((ENCRYPTED, Severity::Medium, 70));
    }
    if root.is_mistyped() {
        all.push((TYPE_MISMATCH, Severity::Medium, 60));
    }
    all
}

const fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

impl Attachment {
    pub fn new(scope: &Scope) -> Self {
        Self { sent: Recent::of(scope, MAX_DIGESTS), habits: Recent::of(scope, MAX_PAIRS) }
    }

    fn mail(&mut self, mail: &Mail<'_>, cx: &mut Cx<'_>) {
        if mail.part_of.is_empty() || cx.mails().way(mail, &|a| cx.hosts().is_internal(a)) == Way::Out {
            return;
        }
        let parts = parts(mail);
        for root in parts.iter().filter(|p| p.depth == 0) {
            let members: Vec<&Part<'_>> = parts.iter().filter(|p| p.of == root.of && p.depth > 0).collect();
            for (reason, severity, percent) in judge(root, &members, mail) {
                let severity = self.weighed(reason, severity, mail, cx);
                tell(root, &members, (reason, severity, percent), None, mail, cx);
            }
            let plain =
                matches!(root.kind, "text" | "data" | "pdf" | "ics" | "vcf" | "eml" | "pem" | "json" | "csv" | "xml");
            let many = if plain || is_media(root) { None } else { self.count(root, mail) };
            if let Some(count) = many {
                tell(root, &members, (OUTBREAK, Severity::Medium, 60), Some(count), mail, cx);
            }
        }
    }

    /// The severity by who sent it and whether somebody fetched it.
    fn weighed(&mut self, reason: &'static Reason, severity: Severity, mail: &Mail<'_>, cx: &Cx<'_>) -> Severity {
        let from = of_address(mail.from).unwrap_or_default();
        let mut severity = if cx.mails().is_known(&from) && cx.mails().sender(&from).mails > 0 {
            severity.lowered(1)
        } else {
            severity
        };
        if reason.code == MACRO.code {
            let pair = [mail.from, b" ", mail.rcptto.texts().next().unwrap_or(&[])].concat();
            let seen = self.habits.at(String::from_utf8_lossy(&pair).into(), || 0);
            *seen = seen.saturating_add(1);
            if *seen > HABIT {
                severity = severity.lowered(1);
            }
        }
        if mail.to_client { raised(severity) } else { severity }
    }

    /// Recipients of the same file within the window, once they are many.
    fn count(&mut self, root: &Part<'_>, mail: &Mail<'_>) -> Option<u64> {
        if root.sha256.is_empty() {
            return None;
        }
        let sent = self.sent.at(root.sha256.into(), || Sent { since: mail.ts, recipients: Vec::new() });
        if mail.ts - sent.since > WINDOW {
            *sent = Sent { since: mail.ts, recipients: Vec::new() };
        }
        let before = sent.recipients.len();
        for to in mail.rcptto.texts().chain(mail.to.texts().filter(|_| mail.rcptto.is_empty())) {
            if sent.recipients.len() < MANY_RECIPIENTS && !sent.recipients.iter().any(|r| **r == *to) {
                sent.recipients.push(to.into());
            }
        }
        let now = sent.recipients.len();
        (before < MANY_RECIPIENTS && now >= MANY_RECIPIENTS).then_some(now as u64)
    }
}

/// Pictures, sound, fonts: logos go to everybody.
fn is_media(part: &Part<'_>) -> bool {
    part.declared.starts_with(b"image/") || matches!(part.kind, "png" | "jpeg" | "gif" | "svg" | "webp" | "bmp")
}

fn tell(
    root: &Part<'_>,
    members: &[&Part<'_>],
    (reason, severity, percent): Judged,
    recipients: Option<u64>,
    mail: &Mail<'_>,
    cx: &mut Cx<'_>,
) {
    let packet = packet_of(mail);
    let file = format!(
        "{} ({}, {} bytes, declared {})",
        root.name.escape_default(),
        root.kind,
        root.len,
        String::from_utf8_lossy(root.declared)
    );
    let key = if root.name.is_empty() { String::from_utf8_lossy(root.sha256).into_owned() } else { root.name.clone() };
    let mut raise = finding(&ABOUT, reason, (severity, Confidence::percent(percent)), mail, cx)
        .key(key)
        .quote("attachment", file.as_bytes(), packet)
        .benign("a sender who is known here", "a known one would lower the severity by a step");
    if !root.sha256.is_empty() {
        raise = raise.quote("sha256", root.sha256, packet).file(root.sha256);
    }
    let telling = members.iter().find(|m| m.runs() || m.has_macros() || m.is_disguised() || m.has("form"));
    if let Some(member) = telling {
        let inner = format!("{} ({})", member.name.escape_default(), member.kind);
        raise = raise.quote("in it", inner.as_bytes(), packet);
    }
    if !root.notes.is_empty() {
        raise = raise.quote("met in it", root.notes.as_bytes(), packet);
    }
    if let Some(count) = recipients {
        raise = raise.measure(Measure::count(
            "recipients within an hour",
            count,
            Some(MANY_RECIPIENTS as u64),
            "",
            Origin::Own,
        ));
    }
    if mail.to_client {
        raise = raise.confirmed("fetched");
    }
    mails::tell(raise, mail, cx);
}

impl Detector for Attachment {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Mail]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Mail(mail) = row {
            self.mail(mail, cx);
        }
    }

    fn held_len(&self) -> usize {
        let sent = self.sent.iter().map(|(k, s)| k.len() + s.recipients.iter().map(|r| r.len() + 16).sum::<usize>());
        self.sent.held_len()
            + sent.sum::<usize>()
            + self.habits.held_len()
            + self.habits.iter().map(|(k, _)| k.len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.sent.forgotten() + self.habits.forgotten()
    }
}

#[cfg(test)]
mod tests;
