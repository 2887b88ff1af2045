//! The recordings of `cargo xtask dnssec --bless`, for tests and the fuzz target.

use sekisho_dnssec::{Anchors, Findings, Limits, Name, Observer, Rtype, Seen};
use sekisho_types::Timestamp;

const ANCHORS: &str = include_str!("../data/anchors");
const CASES: &str = include_str!("../data/cases.txt");
const MESSAGES: &[u8] = include_bytes!("../data/messages.bin");

/// What passed while a validator asked a question, and what it has to be judged.
pub struct Case {
    pub name: String,
    pub question: Name,
    pub rtype: Rtype,
    pub status: String,
    pub reason: String,
    pub messages: Vec<(Seen, Vec<u8>)>,
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let messages = messages();
    let mut cases: Vec<Case> = Vec::new();
    for line in CASES.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.as_slice(), cases.last_mut()) {
            ([vantage, name, question, rtype, status, reason], _) => cases.push(Case {
                name: format!("{name}.{vantage}"),
                question: Name::from_text(question).expect("a name"),
                rtype: Rtype::from_text(rtype).expect("a type"),
                status: (*status).to_owned(),
                reason: (*reason).to_owned(),
                messages: Vec::new(),
            }),
            ([at, server, number], Some(case)) => {
                let (seconds, nanos) = at.split_once('.').expect("a time");
                let at = Timestamp::from_parts(seconds.parse().expect("seconds"), nanos.parse().expect("nanoseconds"));
                let token = case.messages.len() as u64;
                let seen = Seen { at, server: server.parse().expect("an address"), token };
                case.messages.push((seen, messages[number.parse::<usize>().expect("a number")].clone()));
            }
            _ => panic!("cases.txt: {line}"),
        }
    }
    cases
}

fn messages() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = MESSAGES;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let (message, next) = behind.split_at(usize::from(u16::from_be_bytes(*len)));
        out.push(message.to_vec());
        rest = next;
    }
    out
}

/// One that trusts the laboratory's root.
pub fn observer(limits: Limits) -> Observer {
    Observer::new(Anchors::from_text(ANCHORS).expect("anchors"), limits, 1)
}

/// What is found in messages.
pub fn found<'m>(messages: impl IntoIterator<Item = &'m (Seen, Vec<u8>)>) -> Findings {
    let mut observer = observer(Limits::default());
    let mut found = Findings::default();
    for (seen, message) in messages {
        observer.message(message, *seen, &mut found);
    }
    observer.finish(&mut found);
    assert_eq!(observer.held_count().1, 0, "all that waited was told");
    found
}

/// Owner, type and data.
pub type Records = (Name, Rtype, Vec<Box<[u8]>>);

/// Owner, type and data of everything that is found secure. An owner made from a wildcard counts as the wildcard: any
/// other would be as true.
pub fn secured(found: &Findings) -> Vec<Records> {
    let secure = found.verdicts.iter().filter(|v| v.status().word() == "secure" && !v.records().is_empty());
    secure
        .map(|v| {
            let labels = v.evidence.labels.map_or(0, usize::from);
            let is_made = labels < v.name.signed_label_count();
            let owner = if is_made { v.name.last_labels(labels) } else { v.name.clone() };
            (owner, v.rtype, v.records().to_vec())
        })
        .collect()
}
