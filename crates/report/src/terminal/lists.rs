use super::pen::{address, long, number, text, wrapped};
use super::{Pen, Style};
use crate::units::{bytes, count, counted, date};
use crate::{Certificate, Listing, Name, Page, clean};
use sekisho_record::Text;
use sekisho_types::Addr;

/// Rows printed of each list; the JSON has more.
const HOSTS: usize = 15;
const SERVICES: usize = 12;
const TALKERS: usize = 10;
const PROTOCOLS: usize = 12;
const NAMES: usize = 8;
const CERTIFICATES: usize = 10;
const FILES: usize = 15;
const MAILS: usize = 8;
const LOGINS: usize = 15;
const ODDITIES: usize = 12;
/// Services named in a host's line.
const ROLES: usize = 6;

fn cell(text: &Text) -> String {
    clean(&text.0)
}

fn optional(text: Option<&Text>) -> String {
    text.map_or_else(|| "-".to_owned(), cell)
}

fn host_or_dash(addr: Option<Addr>) -> String {
    addr.map_or_else(|| "-".to_owned(), |a| a.to_string())
}

/// Says how many rows of the list are not printed.
fn rest<T>(pen: &mut Pen, list: &Listing<T>, printed: usize) {
    let more = list.total().saturating_sub(printed.min(list.rows.len()) as u64);
    if more > 0 {
        let about = if list.exact { "" } else { "up to " };
        pen.paragraph(Style::Dim, "", &format!("… and {about}{} more", count(more)));
    }
}

pub(super) fn hosts(pen: &mut Pen, page: &Page) {
    if page.hosts.rows.is_empty() {
        return;
    }
    pen.heading("Hosts and roles", "by IP bytes");
    let rows: Vec<_> = page
        .hosts
        .rows
        .iter()
        .take(HOSTS)
        .map(|h| {
            let place = match h.internal {
                _ if h.addr.is_multicast() => "grp",
                true => "int",
                false => "ext",
            };
            vec![h.addr.to_string(), place.to_owned(), bytes(h.sent), bytes(h.received), roles(h)]
        })
        .collect();
    pen.table(&[address("address"), text(""), number("sent"), number("received"), wrapped("role")], &rows);
    rest(pen, &page.hosts, HOSTS);
}

/// `server of http, ssl; client of dns (www.example)`.
fn roles(h: &crate::Host) -> String {
    let named = |what: &str, services: &[Text]| {
        let names: Vec<_> = services.iter().take(ROLES).map(cell).collect();
        let more = if services.len() > ROLES { ", …" } else { "" };
        (!names.is_empty()).then(|| format!("{what} {}{more}", names.join(", ")))
    };
    let group = h.addr.is_multicast().then(|| "multicast group".to_owned());
    let parts: Vec<_> = [group, named("serves", &h.serves), named("uses", &h.uses)].into_iter().flatten().collect();
    let mut line = if parts.is_empty() { "-".to_owned() } else { parts.join("; ") };
    if let Some(name) = &h.name {
        line = format!("{} ({line})", cell(name));
    }
    line
}

pub(super) fn services(pen: &mut Pen, page: &Page) {
    if page.services.rows.is_empty() {
        return;
    }
    pen.heading("Services", "by IP bytes");
    let rows: Vec<_> = page
        .services
        .rows
        .iter()
        .take(SERVICES)
        .map(|s| {
            let port = s.port.map_or_else(String::new, |p| p.to_string());
            let service = if s.answered { optional(s.service.as_ref()) } else { "(never answered)".to_owned() };
            vec![cell(&s.transport), port, service, count(s.flows), bytes(s.bytes)]
        })
        .collect();
    pen.table(&[text("transport"), number("port"), long("protocol"), number("flows"), number("bytes")], &rows);
    rest(pen, &page.services, SERVICES);
}

pub(super) fn talkers(pen: &mut Pen, page: &Page) {
    if page.talkers.rows.is_empty() {
        return;
    }
    pen.heading("Top talkers", "pairs by IP bytes");
    let rows: Vec<_> = page
        .talkers
        .rows
        .iter()
        .take(TALKERS)
        .map(|t| vec![t.a.to_string(), t.b.to_string(), count(t.flows), bytes(t.a_to_b), bytes(t.b_to_a)])
        .collect();
    pen.table(&[address("A"), address("B"), number("flows"), number("A to B"), number("B to A")], &rows);
    rest(pen, &page.talkers, TALKERS);
}

pub(super) fn protocols(pen: &mut Pen, page: &Page) {
    if page.protocols.rows.is_empty() && page.tunnels.rows.is_empty() {
        return;
    }
    pen.heading("Protocols", "recognised by content");
    let rows: Vec<_> = page
        .protocols
        .rows
        .iter()
        .take(PROTOCOLS)
        .map(|p| {
            let records = page.logs.iter().filter(|(log, _)| p.name.0 == log.as_bytes()).map(|l| l.1).sum();
            let records = if records == 0 { "-".to_owned() } else { count(records) };
            vec![cell(&p.name), count(p.flows), bytes(p.bytes), records]
        })
        .collect();
    if !rows.is_empty() {
        pen.table(&[long("protocol"), number("flows"), number("bytes"), number("log rows")], &rows);
    }
    rest(pen, &page.protocols, PROTOCOLS);
    if !page.tls_versions.rows.is_empty() {
        let versions: Vec<_> = page
            .tls_versions
            .rows
            .iter()
            .take(NAMES)
            .map(|v| format!("{} {}", cell(&v.name), count(v.count)))
            .collect();
        pen.paragraph(Style::Plain, "TLS versions: ", &versions.join(", "));
    }
    for t in page.tunnels.rows.iter().take(NAMES) {
        pen.paragraph(Style::Plain, "", &format!("{} from {} to {}", cell(&t.kind), t.orig, t.resp));
    }
    rest(pen, &page.tunnels, NAMES);
}

pub(super) fn names(pen: &mut Pen, page: &Page) {
    let n = &page.names;
    let lists = [
        ("DNS queries", &n.dns_queries),
        ("DNS names that don't exist", &n.nxdomain),
        ("TLS server names", &n.tls_servers),
        ("HTTP hosts", &n.http_hosts),
    ];
    if lists.iter().all(|(_, l)| l.rows.is_empty()) && n.software.rows.is_empty() {
        return;
    }
    pen.heading("Names", "");
    for (title, list) in lists {
        name_list(pen, title, list);
    }
    if n.software.rows.is_empty() {
        return;
    }
    pen.paragraph(Style::Dim, "", "Programs as they call themselves");
    let rows: Vec<_> =
        n.software.rows.iter().take(NAMES).map(|s| vec![count(s.count), s.kind.to_owned(), cell(&s.name)]).collect();
    pen.table(&[number(""), text(""), long("")], &rows);
    rest(pen, &n.software, NAMES);
}

fn name_list(pen: &mut Pen, title: &str, list: &Listing<Name>) {
    if list.rows.is_empty() {
        return;
    }
    let total = if list.exact { count(list.total()) } else { format!("about {}", count(list.total())) };
    pen.paragraph(Style::Dim, "", &format!("{title} ({total} different)"));
    let rows: Vec<_> = list.rows.iter().take(NAMES).map(|n| vec![count(n.count), cell(&n.name)]).collect();
    pen.table(&[number(""), long("")], &rows);
}

pub(super) fn certificates(pen: &mut Pen, page: &Page) {
    let list = &page.certificates;
    if list.rows.is_empty() {
        return;
    }
    let bad = list.rows.iter().filter(|c| !c.problems.is_empty()).count() as u64;
    pen.heading("Certificates", &format!("{} seen, {} with problems", count(list.total()), count(bad)));
    for c in list.rows.iter().take(CERTIFICATES) {
        certificate(pen, c);
    }
    rest(pen, list, CERTIFICATES);
}

fn certificate(pen: &mut Pen, c: &Certificate) {
    let subject =
        if c.subject.0.is_empty() { format!("(not seen) {}", cell(&c.fingerprint)) } else { cell(&c.subject) };
    pen.paragraph(Style::Plain, "", &subject);
    let mut facts = Vec::new();
    if !c.issuer.0.is_empty() {
        facts.push(format!("by {}", cell(&c.issuer)));
    }
    if let (Some(a), Some(b)) = (c.not_before, c.not_after) {
        facts.push(format!("{} to {}", date(a), date(b)));
    }
    if !c.key.0.is_empty() {
        facts.push(cell(&c.key));
    }
    if let Some(server) = c.server {
        facts.push(format!("shown by {server}"));
    }
    pen.paragraph(Style::Dim, "  ", &facts.join("; "));
    for problem in &c.problems {
        pen.paragraph(Style::Warning, "  ! ", problem);
    }
}

pub(super) fn files(pen: &mut Pen, page: &Page) {
    if !page.files.rows.is_empty() {
        let sum: u64 = page.file_types.rows.iter().map(|t| t.files).sum();
        pen.heading("Files", &format!("{}, largest first", counted(sum, "file")));
        let (rows, printed) = file_rows(&page.files.rows);
        let columns = [
            number("size"),
            number("×"),
            long("name"),
            long("type"),
            text("over"),
            address("from"),
            address("to"),
            text("sha256"),
        ];
        pen.table(&columns, &rows);
        rest(pen, &page.files, printed);
        let rows: Vec<_> = page
            .file_types
            .rows
            .iter()
            .take(NAMES)
            .map(|t| vec![optional(t.mime_type.as_ref()), count(t.files), bytes(t.bytes)])
            .collect();
        pen.table(&[long("type"), number("files"), number("bytes")], &rows);
        rest(pen, &page.file_types, NAMES);
    }
    mails(pen, page);
}

/// Digits of a digest that tell files apart on a page; the JSON has all.
const DIGEST_DIGITS: usize = 8;

/// Lines for the first files, with equal ones on one line, and how many files they stand for.
fn file_rows(files: &[crate::File]) -> (Vec<Vec<String>>, usize) {
    let mut lines: Vec<(Vec<String>, u64)> = Vec::new();
    let mut printed = 0;
    for f in files {
        let row = file_row(f);
        let full = lines.len() == FILES;
        let known = lines.iter().position(|(r, _)| *r == row);
        match known.and_then(|at| lines.get_mut(at)) {
            Some((_, n)) => *n += 1,
            None if full => break,
            None => lines.push((row, 1)),
        }
        printed += 1;
    }
    let rows = lines.into_iter().map(|(mut row, n)| {
        row.insert(1, count(n));
        row
    });
    (rows.collect(), printed)
}

fn file_row(f: &crate::File) -> Vec<String> {
    let size = if f.is_incomplete() { format!("{}!", bytes(f.seen_bytes)) } else { bytes(f.seen_bytes) };
    let digest = match &f.sha256 {
        _ if f.is_incomplete() => "partial".to_owned(),
        Some(digest) => cell(digest).chars().take(DIGEST_DIGITS).collect(),
        None => "-".to_owned(),
    };
    vec![
        size,
        optional(f.filename.as_ref()),
        optional(f.mime_type.as_ref()),
        cell(&f.source),
        host_or_dash(f.from),
        host_or_dash(f.to),
        digest,
    ]
}

fn mails(pen: &mut Pen, page: &Page) {
    if page.mails.rows.is_empty() {
        return;
    }
    pen.heading("Mail", &counted(page.mails.total(), "message"));
    let rows: Vec<_> = page
        .mails
        .rows
        .iter()
        .take(MAILS)
        .map(|m| {
            let more = if m.to.len() > 1 { format!(" +{}", m.to.len() - 1) } else { String::new() };
            let to = m.to.first().map_or_else(|| "-".to_owned(), cell);
            vec![optional(m.from.as_ref()), format!("{to}{more}"), optional(m.subject.as_ref())]
        })
        .collect();
    pen.table(&[long("from"), long("to"), long("subject")], &rows);
    rest(pen, &page.mails, MAILS);
}

pub(super) fn logins(pen: &mut Pen, page: &Page) {
    if page.logins.rows.is_empty() {
        return;
    }
    pen.heading("Logins seen in clear", "passwords are not kept");
    let rows: Vec<_> = page
        .logins
        .rows
        .iter()
        .take(LOGINS)
        .map(|l| {
            let outcome = match l.accepted {
                Some(true) => "accepted",
                Some(false) => "refused",
                None => "-",
            };
            let (client, server) = (l.client.to_string(), l.server.to_string());
            vec![l.protocol.to_owned(), cell(&l.user), client, server, outcome.to_owned(), count(l.count)]
        })
        .collect();
    pen.table(
        &[text("over"), long("user"), address("client"), address("server"), text("outcome"), number("rows")],
        &rows,
    );
    rest(pen, &page.logins, LOGINS);
}

pub(super) fn anomalies(pen: &mut Pen, page: &Page) {
    pen.heading("Anomalies", "facts, not judgements");
    if page.weirds.rows.is_empty() && page.attempts.rows.is_empty() {
        pen.paragraph(Style::Good, "", "None.");
        return;
    }
    for a in page.attempts.rows.iter().take(ODDITIES) {
        let least = if a.exact { "" } else { "at least " };
        let words = format!(
            "{}: {} unanswered and {} refused TCP attempts, {least}{} and {}",
            a.addr,
            count(a.unanswered),
            count(a.refused),
            counted(a.hosts, "host"),
            counted(a.ports, "port")
        );
        pen.paragraph(Style::Warning, "! ", &words);
    }
    rest(pen, &page.attempts, ODDITIES);
    let rows: Vec<_> = page
        .weirds
        .rows
        .iter()
        .take(ODDITIES)
        .map(|w| vec![count(w.count), cell(&w.name), optional(w.uid.as_ref()), optional(w.detail.as_ref())])
        .collect();
    if !rows.is_empty() {
        pen.table(&[number("count"), long("oddity"), text("e.g. flow"), long("detail")], &rows);
    }
    rest(pen, &page.weirds, ODDITIES);
}
