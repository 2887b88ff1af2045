//! A case for every protocol of the registry: what its parser is called with while its goldens pass, recorded once
//! and replayed. A new protocol has its case as soon as it has a golden.

mod record;
mod replay;
#[expect(clippy::disallowed_methods, reason = "what a message takes is measured by the clock")]
mod stall;

pub use record::{Recorder, frames_seed};
pub use replay::{Host, Idle, replay_rounds};

use sekisho_proto::{Event, Expectation, PROTOCOLS, ProtoId, Transfer, Transport};
use sekisho_types::{Dir, FlowInfo, Timestamp};
use std::path::Path;

/// One call into a parser.
#[derive(Clone, Debug)]
pub enum Call {
    /// In-order bytes, or a datagram.
    Data(Dir, Vec<u8>),
    /// Bytes that are missing.
    Gap(Dir, u64),
    /// Nothing follows in this direction.
    HalfClosed(Dir),
}

/// A call, the flow as it was then, and when.
pub struct Step {
    call: Call,
    flow: FlowInfo,
    ts: Timestamp,
    packet: u64,
}

impl Step {
    fn by_bytes(self) -> Vec<Self> {
        let Call::Data(dir, bytes) = &self.call else { return vec![self] };
        let step = |byte: &u8| Self { call: Call::Data(*dir, vec![*byte]), ..self };
        bytes.iter().map(step).collect()
    }
}

/// What one parser is started with and called with.
pub struct Script {
    id: ProtoId,
    transport: Transport,
    flow: FlowInfo,
    handed_over_by: Option<ProtoId>,
    begun: Option<Event>,
    /// With the transfer as it was when the flow began: both ends change it.
    expected: Option<(Expectation, Transfer)>,
    steps: Vec<Step>,
    last: (Timestamp, u64),
}

impl Script {
    /// Bytes of payload.
    pub fn payload_len(&self) -> u64 {
        let len = |s: &Step| if let Call::Data(_, bytes) = &s.call { bytes.len() as u64 } else { 0 };
        self.steps.iter().map(len).sum()
    }

    /// Certificates in what the parser is called with, each once: two nested DER sequences of more than 255 bytes.
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let mut out: Vec<Vec<u8>> = Vec::new();
        for step in &self.steps {
            let Call::Data(_, bytes) = &step.call else { continue };
            for (at, head) in bytes.windows(6).enumerate() {
                let &[0x30, 0x82, a, b, 0x30, 0x82] = head else { continue };
                let len = 4 + usize::from(u16::from_be_bytes([a, b]));
                let found = bytes.get(at..at + len).filter(|c| !out.iter().any(|o| o == c));
                out.extend(found.map(<[u8]>::to_vec));
            }
        }
        out
    }

    /// In the form that the fuzz target of the protocol takes (`sekisho_fuzz::protocol`): a byte for the transport,
    /// then calls of one byte and the length of their data.
    pub fn seed(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.transport == Transport::Udp)];
        for step in &self.steps {
            match &step.call {
                Call::Data(dir, bytes) => {
                    // A datagram that is longer than a call can be is cut; a stream comes in pieces.
                    let most = if bytes.len() > 255 { 255 << 4 } else { 255 };
                    let pieces = bytes.chunks(most).take(if self.transport == Transport::Udp { 1 } else { usize::MAX });
                    pieces.for_each(|piece| push_data(&mut out, dir.index() as u8, piece));
                }
                Call::Gap(dir, _) => out.push(6 << 1 | dir.index() as u8),
                Call::HalfClosed(dir) => out.push(7 << 1 | dir.index() as u8),
            }
        }
        out
    }
}

/// Lengths from 256 on are in sixteens; what is over follows in a call of its own.
fn push_data(out: &mut Vec<u8>, dir: u8, bytes: &[u8]) {
    if let Ok(len) = u8::try_from(bytes.len()) {
        out.extend([dir, len]);
        out.extend(bytes);
        return;
    }
    let (head, tail) = bytes.split_at(bytes.len() & !15);
    out.extend([dir | 0x10, (head.len() >> 4) as u8]);
    out.extend(head);
    if !tail.is_empty() {
        push_data(out, dir, tail);
    }
}

/// A protocol's case.
pub struct ProtocolCase {
    /// The protocol's module, which is also its folder below `goldens/`.
    pub name: String,
    /// What its goldens call its parser with.
    pub scripts: Vec<Script>,
}

impl ProtocolCase {
    /// The same with streams byte by byte: what is looked at again and again until it is whole shows here.
    pub fn by_bytes(mut self) -> Self {
        for script in self.scripts.iter_mut().filter(|s| s.transport == Transport::Tcp) {
            script.steps = std::mem::take(&mut script.steps).into_iter().flat_map(Step::by_bytes).collect();
        }
        self
    }

    /// Bytes of payload of one round.
    pub fn payload_len(&self) -> u64 {
        self.scripts.iter().map(Script::payload_len).sum()
    }
}

/// Every protocol of the registry in its order, whether or not its goldens have anything for it.
pub fn cases() -> impl Iterator<Item = ProtocolCase> {
    PROTOCOLS.iter().map(|(id, _)| {
        let name = module(*id);
        let scripts = record::folder(&Path::new("goldens").join(&name), *id);
        ProtocolCase { name, scripts }
    })
}

/// The name of the protocol's module: `FtpData` is in `ftp_data`.
fn module(id: ProtoId) -> String {
    let mut out = String::new();
    for c in format!("{id:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
