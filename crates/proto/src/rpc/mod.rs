//! Connection-oriented DCE/RPC (C706, MS-RPCE): a helper of `dce_rpc` over TCP and of `smb` over named pipes.
//!
//! [`Rpc`] takes one association's stream and logs a row per answered call, as Zeek does. Stub data is never kept,
//! only counted off. Limits: [`MAX_CONTEXTS`], [`MAX_CALLS`], [`MAX_PIPE_NAME_LEN`]; units have at most 65,535 bytes.
//! Known gaps: connection-less RPC (version 4), and what the endpoint mapper answers: dynamic ports need no
//! announcement, as bindings are recognised on any port.

mod interfaces;
mod names;
mod operations;
mod pdu;
mod record;
#[cfg(test)]
pub(crate) mod tests;
mod tx;

pub(crate) use interfaces::Uuid;
pub(crate) use pdu::{HEADER_LEN, Header};
pub use record::DceRpcRecord;
pub(crate) use tx::{Carrier, Shown, Watch, kind_name};

use crate::gssapi::Gssapi;
use crate::{Cx, Held};
use pdu::kind;
use sekisho_record::Text;
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap, Timestamp, list_len};

/// Presentation contexts kept per association; later ones replace the oldest.
pub const MAX_CONTEXTS: usize = 64;
/// Calls that may wait for their answer; beyond, the oldest are forgotten.
pub const MAX_CALLS: usize = 64;
/// Longest name of a pipe that is kept.
pub const MAX_PIPE_NAME_LEN: usize = 256;

/// Longest unit held until it is whole.
const MAX_UNIT_LEN: usize = u16::MAX as usize;

/// Credentials of binds (MS-RPCE §2.2.1.1.7).
mod auth {
    pub const SPNEGO: u8 = 9;
    pub const NTLM: u8 = 10;
    pub const KERBEROS: u8 = 16;
}

/// The stream cannot be followed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// One association: a TCP connection or an open pipe.
#[derive(Debug, Default)]
pub(crate) struct Rpc {
    sides: [Side; 2],
    contexts: Vec<(u16, Uuid)>,
    /// The interface bound last, for calls in a context that was not seen.
    last: Option<Uuid>,
    pipe: Option<Text>,
    calls: Vec<Call>,
    understood: bool,
    piped: bool,
    /// Calls for those who watch.
    watch: Option<Box<Watch>>,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    held: Held,
    /// Bytes to pass over, and what is to be done then.
    left: usize,
    unit: Option<Unit>,
}

/// A unit of a call that is passing.
#[derive(Clone, Copy, Debug)]
struct Unit {
    header: Header,
    context: u16,
    opnum: u16,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    id: u32,
    context: u16,
    opnum: u16,
    ts: Timestamp,
}

impl Heap for Rpc {
    fn heap_len(&self) -> usize {
        let [a, b] = &self.sides;
        let held = a.held.heap_len() + b.held.heap_len();
        held + list_len(&self.contexts) + list_len(&self.calls) + self.pipe.heap_len() + self.watch.heap_len()
    }
}

impl Rpc {
    /// An association over the pipe `name`, which may stand for the binding where that was not seen.
    pub(crate) fn over_pipe(name: &[u8]) -> Self {
        Self { last: interfaces::usual_of_pipe(name), piped: true, ..Self::default() }
    }

    /// Calls for those who watch, if there are any.
    pub(crate) fn watch(&mut self) -> Option<&mut Watch> {
        self.watch.as_deref_mut()
    }

    /// Was any unit understood?
    pub(crate) const fn is_understood(&self) -> bool {
        self.understood
    }

    /// The next bytes of a direction. `gss` hears of credentials.
    pub(crate) fn data(&mut self, dir: Dir, mut bytes: &[u8], gss: &mut Gssapi, cx: &mut Cx<'_>) -> Result<(), Lost> {
        while !bytes.is_empty() || self.side(dir).unit.is_some() {
            let side = self.side_mut(dir);
            let passed = side.left.min(bytes.len());
            side.left -= passed;
            if let (Some(unit), Some(watch)) = (side.unit.filter(|_| passed > 0), &mut self.watch) {
                watch.stub(&unit.header, bytes.get(..passed).unwrap_or(&[]), cx);
            }
            let side = self.side_mut(dir);
            bytes = bytes.get(passed..).unwrap_or(&[]);
            if side.left > 0 {
                break;
            }
            if let Some(unit) = side.unit.take() {
                self.passed(&unit, cx);
                continue;
            }
            if bytes.is_empty() {
                break;
            }
            let mut held = std::mem::take(&mut side.held);
            let joined = held.join(bytes);
            let Some(unit) = whole(&joined)? else {
                if !held.keep(joined, 0, MAX_UNIT_LEN) {
                    return Err(Lost);
                }
                self.side_mut(dir).held = held;
                break;
            };
            let (header, wanted) = unit;
            if !self.piped {
                tell_frames(dir, usize::from(header.len), joined.len(), cx);
            }
            self.unit(dir, joined.get(..wanted).unwrap_or(&[]), header, gss, cx);
            // All that was held belongs to the unit's beginning.
            let new = wanted.saturating_sub(joined.len() - bytes.len());
            bytes = bytes.get(new..).unwrap_or(&[]);
            self.side_mut(dir).left = usize::from(header.len) - wanted;
        }
        Ok(())
    }

    /// `len` bytes are missing. Fine as long as nothing is in them that is looked at.
    pub(crate) fn gap(&mut self, dir: Dir, len: u64) -> Result<(), Lost> {
        let side = self.side_mut(dir);
        let len = usize::try_from(len).map_err(|_| Lost)?;
        side.left = side.left.checked_sub(len).ok_or(Lost)?;
        Ok(())
    }

    const fn side(&self, dir: Dir) -> &Side {
        dir.of(&self.sides)
    }

    const fn side_mut(&mut self, dir: Dir) -> &mut Side {
        dir.of_mut(&mut self.sides)
    }

    /// A unit of which `wanted` bytes are there.
    fn unit(&mut self, dir: Dir, wanted: &[u8], header: Header, gss: &mut Gssapi, cx: &mut Cx<'_>) {
        if cx.is_watched() {
            let piped = self.piped;
            let watch = self.watch.get_or_insert_with(|| Box::new(Watch::new(piped)));
            match header.kind {
                kind::BIND | kind::ALTER_CONTEXT => watch.bind(wanted, &header),
                kind::BIND_ACK | kind::ALTER_CONTEXT_RESP => watch.bind_ack(wanted, &header),
                kind::REQUEST | kind::RESPONSE => {
                    watch.fragment(&header, pdu::call(wanted, &header).unwrap_or_default());
                    if header.kind == kind::RESPONSE && !piped {
                        watch.stub(&header, wanted.get(HEADER_LEN..).unwrap_or(&[]), cx);
                    }
                }
                _ => {}
            }
        }
        match header.kind {
            kind::REQUEST | kind::RESPONSE | kind::FAULT => {
                let (context, opnum) = pdu::call(wanted, &header).unwrap_or_default();
                self.side_mut(dir).unit = Some(Unit { header, context, opnum });
                return;
            }
            kind::BIND | kind::ALTER_CONTEXT => {
                for (id, uuid) in pdu::contexts(wanted, &header, MAX_CONTEXTS).unwrap_or_default() {
                    self.bind(id, uuid);
                }
            }
            kind::BIND_ACK => {
                let name = pdu::secondary_address(wanted, &header).unwrap_or_default();
                if !name.is_empty() {
                    self.pipe = Some(name.get(..MAX_PIPE_NAME_LEN).unwrap_or(name).into());
                }
            }
            _ => {}
        }
        self.confirm(cx);
        match pdu::credentials(wanted, &header) {
            Some((auth::SPNEGO | auth::KERBEROS, token)) => gss.token(token, cx),
            Some((auth::NTLM, message)) => gss.ntlm(message, cx),
            _ => {}
        }
    }

    fn confirm(&mut self, cx: &mut Cx<'_>) {
        self.understood = true;
        cx.confirm_midstream("dce_rpc");
    }

    fn bind(&mut self, id: u16, uuid: Uuid) {
        self.last = Some(uuid);
        if let Some(context) = self.contexts.iter_mut().find(|c| c.0 == id) {
            context.1 = uuid;
            return;
        }
        if self.contexts.len() >= MAX_CONTEXTS {
            self.contexts.remove(0);
        }
        self.contexts.push((id, uuid));
    }

    /// A unit of a call has passed as a whole.
    fn passed(&mut self, unit: &Unit, cx: &mut Cx<'_>) {
        self.confirm(cx);
        let Unit { header, context, opnum } = *unit;
        if let Some(watch) = &mut self.watch {
            watch.passed(&header);
        }
        let known = self.calls.iter().position(|c| c.id == header.call_id);
        match (header.kind, known) {
            (kind::REQUEST, None) if header.is_first() => {
                if self.calls.len() >= MAX_CALLS {
                    self.calls.remove(0);
                }
                self.calls.push(Call { id: header.call_id, context, opnum, ts: cx.ts });
            }
            (kind::REQUEST, Some(at)) => {
                if let Some(call) = self.calls.get_mut(at) {
                    if header.is_first() {
                        (call.context, call.opnum) = (context, opnum);
                    }
                    call.ts = cx.ts;
                }
            }
            (kind::RESPONSE, Some(at)) if header.is_last() => {
                let call = self.calls.remove(at);
                self.log(&call, cx);
            }
            (kind::FAULT, Some(at)) => drop(self.calls.remove(at)),
            _ => {}
        }
    }

    fn log(&self, call: &Call, cx: &mut Cx<'_>) {
        let bound = self.contexts.iter().find(|c| c.0 == call.context).map(|c| c.1);
        let Some(uuid) = bound.or(self.last) else { return };
        let (endpoint, operation) = interfaces::names(uuid, call.opnum);
        if interfaces::is_ignored(&endpoint.0, &operation.0) {
            return;
        }
        let row = DceRpcRecord {
            head: cx.head(call.ts),
            rtt: Some(cx.ts - call.ts),
            named_pipe: self.pipe.clone(),
            endpoint: Some(endpoint),
            operation: Some(operation),
            opnum: call.opnum,
            tail: cx.tail(),
        };
        cx.emit(row);
    }
}

/// Tells of the frames of a unit of `len` bytes, which begins `back` bytes before the end of the chunk.
fn tell_frames(dir: Dir, len: usize, back: usize, cx: &mut Cx<'_>) {
    let data_len = len.saturating_sub(HEADER_LEN);
    cx.frame(dir, FrameKind::DcerpcPdu, back as u64, Some(len as u64));
    cx.frame(dir, FrameKind::DcerpcHdr, back as u64, Some(HEADER_LEN as u64));
    if data_len > 0 {
        cx.frame(dir, FrameKind::DcerpcData, back.saturating_sub(HEADER_LEN) as u64, Some(data_len as u64));
    }
}

/// The header of the unit at the start of `bytes` and how many of its bytes are wanted, if these are there.
fn whole(bytes: &[u8]) -> Result<Option<(Header, usize)>, Lost> {
    if bytes.first().is_some_and(|major| *major != 5) {
        return Err(Lost);
    }
    if bytes.len() < HEADER_LEN {
        return Ok(None);
    }
    let header = Header::parse(bytes).map_err(|_| Lost)?;
    let wanted = header.wanted_len();
    Ok((bytes.len() >= wanted).then_some((header, wanted)))
}
