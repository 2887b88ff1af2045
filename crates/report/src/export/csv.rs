//! Findings as a table: RFC 4180, a line a finding, the worst first.

use super::{host, peers};
use crate::Page;
use crate::clean::clean;
use crate::units::push_iso;
use sekisho_finding::Finding;
use sekisho_types::Timestamp;

/// Between several values of a cell.
const AND: &str = "; ";

/// What each column is called, in order.
const COLUMNS: &[&str] = &[
    "incident",
    "incident_risk",
    "first",
    "last",
    "severity",
    "confidence",
    "stage",
    "techniques",
    "code",
    "title",
    "means",
    "subject",
    "key",
    "peers",
    "count",
    "flow_count",
    "flows",
    "packet_count",
    "packets",
    "measures",
    "quotes",
    "unseen",
    "muted",
];

/// The findings of `page` as comma-separated values (RFC 4180) with a line of headings; lines end in CR LF, cells are in
/// UTF-8 and without line breaks. A cell that a spreadsheet might take for a formula begins with an apostrophe (see [`cell`]).
///
/// `incident` is the place in the list of incidents, from 1 on, of that of which the finding is a step; empty if it is of none. So
/// one file has both: sort by `incident` and `first` to read the stories.
pub fn to_csv(page: &Page) -> String {
    let judged = &page.judged;
    let mut of_incident = vec![None; judged.findings.len()];
    for (number, incident) in judged.incidents.iter().enumerate() {
        for place in &incident.steps {
            if let Some(of) = of_incident.get_mut(*place) {
                *of = Some((number + 1, incident.risk.score));
            }
        }
    }
    let mut out = String::new();
    line(&mut out, COLUMNS.iter().map(|c| (*c).to_owned()));
    for (f, incident) in judged.findings.iter().zip(of_incident) {
        line(&mut out, row(f, incident).into_iter());
    }
    out
}

fn row(f: &Finding, incident: Option<(usize, u8)>) -> [String; COLUMNS.len()] {
    let mut techniques: Vec<&str> = f.all_techniques().collect();
    techniques.sort_unstable();
    techniques.dedup();
    let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(AND);
    let number = |n: Option<String>| n.unwrap_or_default();
    [
        number(incident.map(|i| i.0.to_string())),
        number(incident.map(|i| i.1.to_string())),
        iso(f.first),
        iso(f.last),
        f.severity.name().to_owned(),
        f.confidence.to_string(),
        f.stage.name().to_owned(),
        techniques.join(AND),
        f.code(),
        f.about.title.to_owned(),
        f.reason.means.to_owned(),
        host(f, f.subject),
        f.key.clone(),
        peers(f),
        f.count.to_string(),
        f.flows.count().to_string(),
        list(&mut f.flows.iter().map(|u| u.to_string())),
        f.packets.count().to_string(),
        list(&mut f.packets.iter().map(|p| p.to_string())),
        list(&mut f.measures.iter().map(ToString::to_string)),
        list(&mut f.quotes.iter().map(|q| format!("{}: {}", q.label, q.text))),
        list(&mut f.quality.iter().map(|q| q.name().to_owned())),
        f.muted.clone().unwrap_or_default(),
    ]
}

fn iso(ts: Timestamp) -> String {
    let mut text = String::new();
    push_iso(&mut text, ts);
    text
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (i, text) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&cell(&text));
    }
    out.push_str("\r\n");
}

/// A cell: quoted where RFC 4180 asks for it, without a character that acts on a terminal.
///
/// Spreadsheets take what begins with `=`, `+`, `-`, `@` (in full width, too), a tab or a carriage return for a formula,
/// some also behind spaces or quotation marks, and a formula may fetch and run (OWASP, "CSV Injection"). Such a cell begins with an
/// apostrophe, which they show as text.
pub(super) fn cell(text: &str) -> String {
    const FORMULA: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '|', '%'];
    let begins = text.trim_start_matches([' ', '"', '\'', '\u{3000}']);
    let guard = if begins.starts_with(FORMULA) { "'" } else { "" };
    let text = format!("{guard}{}", clean(text.as_bytes()));
    if text.contains(['"', ',', ';', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}
