//! Judges DNS messages given as text: `judge ANCHORS MESSAGES…`, and prints the verdicts of each file.
//!
//! A line of MESSAGES is a time in seconds, a server and the message in hexadecimal, as `cargo xtask dnssec` writes them.

use sekisho_dnssec::{Anchors, Findings, Limits, Observer, Seen};
use sekisho_types::{Addr, Timestamp};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let anchors = args.next().ok_or("usage: judge ANCHORS MESSAGES…")?;
    let anchors = Anchors::from_text(&std::fs::read_to_string(anchors)?)?;
    for path in args {
        println!("# {path}");
        let mut observer = Observer::new(anchors.clone(), Limits::default(), 1);
        let mut found = Findings::default();
        for line in std::fs::read_to_string(&path)?.lines() {
            let (seen, message) = read(line).ok_or_else(|| format!("{path}: not time, server, message: {line}"))?;
            observer.message(&message, seen, &mut found);
        }
        observer.finish(&mut found);
        for v in &found.verdicts {
            let (subject, status, id) = (v.subject.word(), v.status(), v.reason.id());
            println!("{}\t{}\t{subject}\t{status}\t{id}\t{:?}\t{v}", v.name, v.rtype, v.own);
        }
        for h in &found.hygiene {
            println!("{}\t{}\thygiene\t{}\t{}\t{:?}", h.zone, h.rtype, h.status, h.concern.id(), h.concern);
        }
    }
    Ok(())
}

fn read(line: &str) -> Option<(Seen, Vec<u8>)> {
    let mut words = line.split_ascii_whitespace();
    let (seconds, nanos) = words.next()?.split_once('.')?;
    let at = Timestamp::from_parts(seconds.parse().ok()?, nanos.parse().ok()?);
    let server: Addr = words.next()?.parse().ok()?;
    let hex = words.next()?;
    let octets: Option<Vec<u8>> =
        (0..hex.len() / 2).map(|n| u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()).collect();
    Some((Seen { at, server, token: 0 }, octets?))
}
