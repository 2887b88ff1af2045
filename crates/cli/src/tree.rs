//! The provenance tree: capture → flow → file → member → …, for a terminal or as rows.

use crate::flows::Flow;
use crate::kept::Kept;
use crate::passwords::Passwords;
use crate::unpack::{Node, Totals, Unpacked, is_macro};
use sekisho_files::{IndexEntry, MemberEntry};
use sekisho_output::{JsonEncoder, JsonStyle};
use sekisho_record::{Digest, Record, Text, UnsetIfEmpty};
use sekisho_report::{bytes, clean, clock, counted, fit};
use sekisho_types::{Addr, Timestamp, Uid};
use sekisho_unpack::{Anomaly, Completeness, Form, MemberId};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Columns of a name in the tree.
const NAME_COLUMNS: usize = 72;
/// Hexadecimal digits of a SHA-256 in the tree; rows have all.
const DIGEST_DIGITS: usize = 16;
/// Longest path in a row.
const PATH_LEN_MAX: usize = 2048;

/// A flow that carried files, in the tree's rows.
#[derive(Clone, Debug, Record)]
#[record(log = "flows")]
struct FlowEntry {
    /// Time of the first packet.
    ts: Option<Timestamp>,
    /// Unique id.
    uid: Uid,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    orig_p: sekisho_record::Port,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    resp_p: sekisho_record::Port,
    /// Transport protocol.
    proto: Option<String>,
    /// Application protocols.
    service: Option<String>,
    /// Files in it that were looked into.
    files: u64,
}

/// What all of it came to: the last of the tree's rows.
#[derive(Clone, Debug, Default, Record)]
#[record(log = "unpacked")]
struct TotalsEntry {
    /// Files looked into.
    files: u64,
    /// Members, at whatever depth.
    members: u64,
    /// Members whose content was written.
    written: u64,
    /// Most levels below a file.
    depth: u64,
    /// Members that a password opened.
    opened: u64,
    /// Members that nothing could open.
    closed: u64,
    /// Members with less content than they should have.
    incomplete: u64,
    /// Sources of macros.
    macros: u64,
    /// Things told as odd.
    odd: u64,
    /// Limits that bit, each with how often.
    cuts: UnsetIfEmpty<String>,
}

/// The row of a member; `None` for a file that there is nothing to be told of.
pub fn row(file: &Kept, unpacked: &Unpacked, id: MemberId, passwords: &Passwords) -> Option<MemberEntry> {
    let node = unpacked.node(id)?;
    if node.parent.is_none() && unpacked.nodes.len() == 1 && node.anomalies.is_empty() {
        return None;
    }
    let (completeness, reason) = completeness(&node.completeness);
    let source = node.password.and_then(|index| passwords.source(index));
    let is_file = node.form == Form::File;
    Some(MemberEntry {
        fuid: file.entry.fuid,
        uid: file.entry.uid,
        member: u64::from(id.0),
        parent: node.parent.map(|parent| u64::from(parent.0)),
        path: path(unpacked, node),
        name: (!node.name.is_empty()).then(|| Text(node.name.to_vec())),
        how: node.how,
        form: form(&node.form),
        target: match &node.form {
            Form::HardLink(target) | Form::SymLink(target) => Some(Text(target.to_vec())),
            Form::Device | Form::File => None,
        },
        kind: node.kind.name(),
        mime_type: node.kind.mime(),
        size: node.len,
        stored_size: node.stored_len,
        declared_size: node.declared_len,
        offset: node.offset,
        completeness,
        reason,
        sha256: is_file.then_some(Digest(node.sha256)),
        sha1: if node.parent.is_none() { file.entry.sha1 } else { node.hashes.sha1 },
        md5: if node.parent.is_none() { file.entry.md5 } else { node.hashes.md5 },
        same_as: node.same_as.map(|same| u64::from(same.0)),
        password_source: source.map(|source| source.name()),
        password: source.and_then(|source| source.shown()),
        anomalies: UnsetIfEmpty(node.anomalies.iter().map(|anomaly| about(*anomaly)).collect()),
        extracted: if node.parent.is_none() { Some(file.entry.path.clone()) } else { unpacked.path(node) }
            .filter(|path| !path.is_empty()),
    })
}

fn form(form: &Form) -> &'static str {
    match form {
        Form::Device => "device",
        Form::File => "file",
        Form::HardLink(_) => "hardlink",
        Form::SymLink(_) => "symlink",
    }
}

fn completeness(completeness: &Completeness) -> (&'static str, Option<&'static str>) {
    match completeness {
        Completeness::Complete => ("complete", None),
        Completeness::Truncated => ("truncated", None),
        Completeness::Damaged(why) => ("damaged", Some(why)),
        Completeness::Encrypted => ("encrypted", None),
        Completeness::Unsupported(what) => ("unsupported", Some(what)),
        Completeness::Budget(cut) => ("cut", Some(cut.about())),
    }
}

fn about(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::Cut(cut) => cut.about(),
        Anomaly::Odd(what) => what,
        Anomaly::Quine => "contains itself",
    }
}

/// One step as `tar:b.txt` or `base64@12`.
fn step(node: &Node, columns: usize) -> String {
    match (node.name.is_empty(), node.offset) {
        (false, _) => format!("{}:{}", node.how, fit(&clean(&node.name), columns, true)),
        (true, Some(at)) if at > 0 => format!("{}@{at}", node.how),
        _ => node.how.to_owned(),
    }
}

/// All steps from the file on.
fn path(unpacked: &Unpacked, node: &Node) -> String {
    let mut steps = Vec::new();
    let (mut at, mut len) = (Some(node), 0);
    while let Some(node) = at.filter(|node| node.parent.is_some()) {
        let step = step(node, NAME_LEN_MAX);
        len += step.len();
        if len > PATH_LEN_MAX {
            steps.push("…".to_owned());
            break;
        }
        steps.push(step);
        at = node.parent.and_then(|parent| unpacked.node(parent));
    }
    steps.reverse();
    steps.join(" → ")
}

/// Columns of a name in a path.
const NAME_LEN_MAX: usize = 512;

/// How a piece of text stands out.
#[derive(Clone, Copy)]
enum Style {
    Alarm,
    Dim,
    Heading,
    Plain,
    Warning,
}

/// Prints the tree.
pub struct Tree<'t> {
    out: Box<dyn Write + 't>,
    form: TreeForm,
    passwords: &'t Passwords,
    flow_count: u64,
}

/// How the tree is told.
enum TreeForm {
    /// For people.
    Text { colour: bool },
    /// An object a line.
    Json(Box<Encoders>),
}

struct Encoders {
    flows: JsonEncoder,
    files: JsonEncoder,
    members: JsonEncoder,
    totals: JsonEncoder,
}

impl<'t> Tree<'t> {
    /// For people.
    pub fn text(out: Box<dyn Write + 't>, colour: bool, passwords: &'t Passwords) -> Self {
        Self { out, form: TreeForm::Text { colour }, passwords, flow_count: 0 }
    }

    /// An object a line: `_path` tells whether it is of `flows`, `index`, `members` or, at last, `unpacked`.
    pub fn json(out: Box<dyn Write + 't>, passwords: &'t Passwords) -> Self {
        let encoder = |schema| JsonEncoder::new(schema, JsonStyle::Ndjson);
        let encoders = Encoders {
            flows: encoder(FlowEntry::static_schema()),
            files: encoder(IndexEntry::static_schema()),
            members: encoder(MemberEntry::static_schema()),
            totals: encoder(TotalsEntry::static_schema()),
        };
        Self { out, form: TreeForm::Json(Box::new(encoders)), passwords, flow_count: 0 }
    }

    /// The root.
    pub fn begin(&mut self, captures: &[String]) -> io::Result<()> {
        let TreeForm::Text { colour } = self.form else { return Ok(()) };
        let names: Vec<String> = captures.iter().map(|name| clean(name.as_bytes())).collect();
        writeln!(self.out, "{}", paint(&names.join(" "), Style::Heading, colour))
    }

    /// A flow whose files follow; `last` if no further flow does.
    pub fn flow(&mut self, flow: Option<&Flow>, files: &[Kept], last: bool) -> io::Result<()> {
        let Some(first) = files.first() else { return Ok(()) };
        self.flow_count += 1;
        let (entry, (orig_p, resp_p)) = (&first.entry, first.ports);
        match &mut self.form {
            TreeForm::Json(encoders) => {
                let row = FlowEntry {
                    ts: flow.map(|f| f.ts),
                    uid: entry.uid,
                    orig_h: entry.orig_h,
                    orig_p,
                    resp_h: entry.resp_h,
                    resp_p,
                    proto: flow.map(|f| f.proto.clone()),
                    service: flow.and_then(|f| f.service.clone()),
                    files: files.len() as u64,
                };
                write_row(&mut encoders.flows, &row, &mut self.out)
            }
            TreeForm::Text { colour } => {
                let branch = paint(if last { "└─" } else { "├─" }, Style::Dim, *colour);
                let ends = format!("{} → {}", end(entry.orig_h, orig_p.0), end(entry.resp_h, resp_p.0));
                let proto = flow.map_or("", |f| &f.proto);
                let service = flow.and_then(|f| f.service.as_deref()).unwrap_or(entry.protocol);
                let uid = paint(&entry.uid.to_string(), Style::Heading, *colour);
                let time = flow.map_or(String::new(), |f| format!("  {} UTC", clock(f.ts)));
                let words = [proto, service].join(" ");
                writeln!(self.out, "{branch} flow {uid}  {ends}  {}{time}", clean(words.trim().as_bytes()))
            }
        }
    }

    /// A file of the flow told last, with its members; `last` of the flow's, which is the last flow if `last_flow`.
    pub fn file(&mut self, file: &Kept, unpacked: Option<&Unpacked>, last: bool, last_flow: bool) -> io::Result<()> {
        match &mut self.form {
            TreeForm::Json(encoders) => {
                write_row(&mut encoders.files, &file.entry, &mut self.out)?;
                let Some(unpacked) = unpacked else { return Ok(()) };
                for id in (0..).map(MemberId).take(unpacked.nodes.len()) {
                    if let Some(row) = row(file, unpacked, id, self.passwords) {
                        write_row(&mut encoders.members, &row, &mut self.out)?;
                    }
                }
                Ok(())
            }
            TreeForm::Text { colour } => {
                let colour = *colour;
                let above = if last_flow { "   " } else { "│  " };
                let branch = format!("{above}{}", if last { "└─" } else { "├─" });
                let line = file_line(file, unpacked, colour);
                writeln!(self.out, "{} {line}", paint(&branch, Style::Dim, colour))?;
                let trunk = format!("{above}{}", if last { "   " } else { "│  " });
                match unpacked {
                    Some(unpacked) => self.members(unpacked, &trunk, colour),
                    None => Ok(()),
                }
            }
        }
    }

    /// Members come parents first, and all below one before its next sibling: so the lines' order is that of the numbers.
    fn members(&mut self, unpacked: &Unpacked, trunk: &str, colour: bool) -> io::Result<()> {
        let is_last = last_siblings(unpacked);
        // For each level whether more of it follows.
        let mut more: Vec<bool> = Vec::new();
        let mut depths: Vec<usize> = Vec::with_capacity(unpacked.nodes.len());
        for (node, is_last) in unpacked.nodes.iter().zip(is_last) {
            let depth = node.parent.and_then(|p| depths.get(usize::try_from(p.0).ok()?)).map_or(0, |d| d + 1);
            depths.push(depth);
            let Some(above) = depth.checked_sub(1) else { continue };
            more.truncate(above);
            let mut branch = trunk.to_owned();
            branch.extend(more.iter().map(|more| if *more { "│  " } else { "   " }));
            branch.push_str(if is_last { "└─" } else { "├─" });
            more.push(!is_last);
            let line = member_line(node, self.passwords, colour);
            writeln!(self.out, "{} {line}", paint(&branch, Style::Dim, colour))?;
        }
        Ok(())
    }

    /// Counts, and what was cut.
    pub fn finish(mut self, totals: &Totals) -> io::Result<()> {
        match &mut self.form {
            TreeForm::Json(encoders) => {
                let row = TotalsEntry {
                    files: totals.files,
                    members: totals.members,
                    written: totals.written,
                    depth: totals.depth,
                    opened: totals.opened,
                    closed: totals.closed,
                    incomplete: totals.incomplete,
                    macros: totals.macros,
                    odd: totals.odd,
                    cuts: UnsetIfEmpty(totals.cuts().map(|(cut, count)| format!("{}: {count}", cut.about())).collect()),
                };
                write_row(&mut encoders.totals, &row, &mut self.out)?;
            }
            TreeForm::Text { .. } => writeln!(self.out, "{}", summary(totals, self.flow_count))?,
        }
        self.out.flush()
    }
}

/// For each node whether no sibling comes after it.
fn last_siblings(unpacked: &Unpacked) -> Vec<bool> {
    let mut is_last = vec![false; unpacked.nodes.len()];
    let mut seen = vec![false; unpacked.nodes.len()];
    for (node, is_last) in unpacked.nodes.iter().zip(&mut is_last).rev() {
        let parent = node.parent.and_then(|p| seen.get_mut(usize::try_from(p.0).ok()?));
        *is_last = parent.is_some_and(|seen| !std::mem::replace(seen, true));
    }
    is_last
}

fn write_row(encoder: &mut JsonEncoder, row: &dyn Record, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    encoder.encode(row, &mut line);
    out.write_all(&line)
}

fn end(host: Addr, port: u16) -> String {
    let host = host.to_string();
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn paint(text: &str, style: Style, colour: bool) -> String {
    let code = match style {
        Style::Plain => return text.to_owned(),
        Style::Alarm => "1;31",
        Style::Dim => "2",
        Style::Heading => "1",
        Style::Warning => "33",
    };
    if colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

fn digest(sha256: &[u8]) -> String {
    let mut text = String::from("sha256 ");
    for byte in sha256.iter().take(DIGEST_DIGITS / 2) {
        let _ = write!(text, "{byte:02x}");
    }
    text + "…"
}

fn file_line(file: &Kept, unpacked: Option<&Unpacked>, colour: bool) -> String {
    let entry = &file.entry;
    let root = unpacked.and_then(|u| u.nodes.first());
    let name = entry.name.as_ref().map_or("unnamed".to_owned(), |name| fit(&clean(&name.0), NAME_COLUMNS, true));
    let mut line = format!("{}  {}", paint(&name, Style::Heading, colour), entry.fuid);
    let kind = root.map_or(entry.mime_type.unwrap_or("data"), |root| root.kind.about());
    let _ = write!(line, "  {kind}, {}", bytes(entry.size));
    let lacking = if entry.complete {
        None
    } else if entry.missing > 0 {
        Some(format!("{} missing", bytes(entry.missing)))
    } else if entry.cut_off {
        Some("cut at a limit".to_owned())
    } else {
        Some("incomplete".to_owned())
    };
    match lacking {
        None => line.push_str(", complete"),
        Some(lacking) => line.push_str(&format!(", {}", paint(&lacking, Style::Warning, colour))),
    }
    match (entry.first_packet, entry.last_packet) {
        (0, _) => {}
        (first, last) if first == last => line.push_str(&format!(", packet {first}")),
        (first, last) => line.push_str(&format!(", packets {first}–{last}")),
    }
    if let Some(sha256) = root.map(|root| root.sha256).or(entry.sha256.map(|d| d.0)) {
        let _ = write!(line, "  {}", paint(&digest(&sha256), Style::Dim, colour));
    }
    line.push_str(&remarks(root, colour));
    line
}

fn member_line(node: &Node, passwords: &Passwords, colour: bool) -> String {
    let style = if is_macro(node) { Style::Alarm } else { Style::Plain };
    let mut line = paint(&step(node, NAME_COLUMNS), style, colour);
    match &node.form {
        Form::SymLink(target) => {
            let _ = write!(line, " → {}  symbolic link, not made", fit(&clean(target), NAME_COLUMNS, true));
            return line + &remarks(Some(node), colour);
        }
        Form::HardLink(target) => {
            let _ = write!(line, " = {}  hard link, not made", fit(&clean(target), NAME_COLUMNS, true));
            return line + &remarks(Some(node), colour);
        }
        Form::Device => return line + "  device, not made" + &remarks(Some(node), colour),
        Form::File => {}
    }
    let _ = write!(line, "  {}, {}", node.kind.about(), bytes(node.len));
    if node.completeness != Completeness::Complete {
        let _ = write!(line, ", {}", paint(&node.completeness.to_string(), Style::Warning, colour));
    }
    if is_macro(node) {
        let _ = write!(line, ", {}", paint("macro", Style::Alarm, colour));
    }
    if let Some(source) = node.password.and_then(|index| passwords.source(index)) {
        let word = source.shown().map_or(String::new(), |word| format!(" \"{word}\""));
        let _ = write!(line, ", opened by a {} password{word}", source.name());
    }
    if let Some(same) = node.same_as {
        let _ = write!(line, ", same as member {}", same.0);
    }
    if node.len > 0 {
        let _ = write!(line, "  {}", paint(&digest(&node.sha256), Style::Dim, colour));
    }
    line + &remarks(Some(node), colour)
}

fn remarks(node: Option<&Node>, colour: bool) -> String {
    let mut out = String::new();
    for anomaly in node.iter().flat_map(|node| &node.anomalies) {
        let style = match anomaly {
            Anomaly::Odd(_) => Style::Warning,
            Anomaly::Cut(_) | Anomaly::Quine => Style::Alarm,
        };
        let _ = write!(out, "  {}", paint(&format!("! {}", about(*anomaly)), style, colour));
    }
    out
}

fn summary(totals: &Totals, flows: u64) -> String {
    let mut parts = vec![
        format!("{} in {}", counted(totals.files, "file"), counted(flows, "flow")),
        counted(totals.members, "member"),
    ];
    if totals.depth > 0 {
        parts.push(format!("{} deep", counted(totals.depth, "level")));
    }
    let mut some = |count: u64, text: &str| {
        if count > 0 {
            parts.push(format!("{} {text}", sekisho_report::count(count)));
        }
    };
    some(totals.written, "written");
    some(totals.opened, "opened by a password");
    some(totals.macros, "with macro source");
    some(totals.closed, "not opened: encrypted or unsupported");
    some(totals.incomplete, "incomplete");
    some(totals.odd, "anomalies");
    let cuts: Vec<String> = totals.cuts().map(|(cut, count)| format!("{} {count}", cut.about())).collect();
    if !cuts.is_empty() {
        parts.push(format!("limits: {}", cuts.join(", ")));
    }
    parts.join("; ")
}
