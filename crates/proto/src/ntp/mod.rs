//! NTP versions 1 to 4 (RFC 5905, 1305, 7822) with its control messages (RFC 9327) and ntpd's private ones.
//!
//! A row per message about time, as in Zeek; one row per flow for control and private messages, which Zeek reads and does
//! not log. Limits: [`MAX_OPERATIONS`], [`MAX_BAD`]. Known gaps: what extension fields say (Autokey, NTS) is not read; era
//! 1 (from 2036 on) is taken for era 0.

mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::{NtpControlRecord, NtpRecord};

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::{Control, Message, TIME_LEN};
use sekisho_record::Set;
use sekisho_transaction::Counter;
use sekisho_types::Dir;
use tx::{Nothing, View};

/// Different operations kept of one flow.
pub const MAX_OPERATIONS: usize = 16;
/// Messages that cannot be read before the flow is given up.
pub const MAX_BAD: u8 = 5;

/// State of one flow.
pub struct Parser {
    control: Option<Box<NtpControlRecord>>,
    bad: u8,
    exchanges: Counter,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Udp {
        return Guess::No;
    }
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if !p.port_match && bytes.len() != TIME_LEN {
        return Guess::No;
    }
    match Message::parse(bytes) {
        Ok(Message::Time(time)) if p.port_match || time.is_typical() => Guess::Yes,
        Ok(Message::Control(_)) if p.port_match => Guess::Yes,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "ntp", tcp_ports: &[], udp_ports: &[123], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { control: None, bad: 0, exchanges: Counter::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match Message::parse(bytes) {
            Ok(Message::Time(time)) => {
                cx.confirm(Self::DESCRIPTOR.service);
                // Suricata knows no others.
                if matches!(time.first.version, 3 | 4) {
                    cx.message(dir, &mut self.exchanges, &View(&time), &[]);
                }
                cx.emit(NtpRecord::new(&time, cx.head(cx.ts), cx.tail()));
            }
            Ok(Message::Control(control)) => {
                cx.confirm(Self::DESCRIPTOR.service);
                self.count(control, bytes.len(), cx);
            }
            Err(_) => {
                cx.message(dir, &mut self.exchanges, &Nothing, &["malformed_data"]);
                self.bad += 1;
                if self.bad >= MAX_BAD {
                    cx.reject("ntp_malformed");
                }
            }
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.control.take() {
            row.tail = cx.tail();
            cx.emit(Event::NtpControlRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.control.as_ref().map_or(0, |row| row.held_len())
    }
}

impl Parser {
    fn count(&mut self, control: Control, len: usize, cx: &Cx<'_>) {
        let row = self.control.get_or_insert_with(|| {
            Box::new(NtpControlRecord {
                head: cx.head(cx.ts),
                version: control.first.version,
                mode: control.first.mode,
                operations: Set::default(),
                requests: 0,
                replies: 0,
                errors: 0,
                request_bytes: 0,
                reply_bytes: 0,
                tail: cx.tail(),
            })
        });
        if row.operations.0.len() < MAX_OPERATIONS {
            row.operations.insert(control.name());
        }
        let (count, bytes) = if control.is_reply {
            (&mut row.replies, &mut row.reply_bytes)
        } else {
            (&mut row.requests, &mut row.request_bytes)
        };
        *count += 1;
        *bytes += len as u64;
        row.errors += u64::from(control.is_reply && control.is_error);
    }
}
