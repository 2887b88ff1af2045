//! Calls as rules and EVE see them: a request and its response, fragments together; a bind and its answer. Kept only while
//! somebody watches. Whoever carries the association shows them: see [`Watch::settle`].

use super::interfaces::{self, Uuid};
use super::pdu::{self, Header, flag, kind};
use crate::Cx;
use sekisho_transaction::{Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, list_len};

/// Calls that are open at a time; beyond that the oldest is over.
const MAX_OPEN: usize = 64;
/// Interfaces kept of an association.
const MAX_INTERFACES: usize = 64;
/// Stub data kept of one direction of a call, where rules want to see it.
pub(crate) const MAX_STUB_LEN: usize = 256 * 1024;

/// An interface that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) context: u16,
    pub(super) uuid: Uuid,
    pub(super) version: (u16, u16),
    /// The server's answer: result and reason.
    pub(super) result: Option<(u16, u16)>,
}

/// What carries a call over a pipe of SMB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carrier {
    /// 1, or 2 for all later ones.
    pub(crate) version: u8,
    pub(crate) command: u16,
    pub(crate) session: u64,
    pub(crate) tree: u32,
    pub(crate) status: Option<u32>,
}

/// One direction of a call.
#[derive(Debug, Default)]
struct Half {
    kind: u8,
    done: bool,
    fragments: u32,
    stub_len: u64,
    stub: Vec<u8>,
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Of the exchange, once it was shown.
    pub(crate) mark: Option<Mark>,
    /// The SMB message that brought it.
    pub(crate) carrier: Option<Carrier>,
    id: u32,
    context: u16,
    opnum: u16,
    version: (u8, u8),
    request: Option<Half>,
    response: Option<Half>,
    /// What a bind asks for.
    interfaces: Vec<Interface>,
    /// A direction has come to its end and was not shown yet.
    fresh: Option<Dir>,
}

/// What is kept of an association.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    calls: Vec<Call>,
    /// All interfaces that were accepted, by context.
    accepted: Vec<Interface>,
    /// A pipe carries it.
    piped: bool,
}

impl Heap for Call {
    fn heap_len(&self) -> usize {
        let half = |half: &Option<Half>| half.as_ref().map_or(0, |h| h.stub.heap_len());
        let mark = self.mark.as_ref().map_or(0, Heap::heap_len);
        mark + half(&self.request) + half(&self.response) + list_len(&self.interfaces)
    }
}

impl Heap for Watch {
    fn heap_len(&self) -> usize {
        list_len(&self.calls) + self.calls.as_slice().heap_len() + list_len(&self.accepted)
    }
}

impl Watch {
    pub(super) fn new(piped: bool) -> Self {
        Self { piped, ..Self::default() }
    }

    fn find(&mut self, id: u32, f: impl Fn(&Call) -> bool) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id && f(call))
    }

    fn begin(&mut self, header: &Header) -> Option<&mut Call> {
        self.calls.push(Call {
            mark: None,
            carrier: None,
            id: header.call_id,
            context: 0,
            opnum: 0,
            version: header.version,
            request: None,
            response: None,
            interfaces: Vec::new(),
            fresh: None,
        });
        self.calls.last_mut()
    }

    /// A bind or alter_context.
    pub(super) fn bind(&mut self, unit: &[u8], header: &Header) {
        let asked = pdu::interfaces(unit, header, MAX_INTERFACES).unwrap_or_default();
        let Some(call) = self.begin(header) else { return };
        call.interfaces = asked;
        call.request = Some(Half { kind: header.kind, done: true, ..Half::default() });
        call.fresh = Some(Dir::Orig);
    }

    /// The answer to it.
    pub(super) fn bind_ack(&mut self, unit: &[u8], header: &Header) {
        let results = pdu::results(unit, header, MAX_INTERFACES).unwrap_or_default();
        let known = self.find(header.call_id, |call| call.response.is_none() && !call.interfaces.is_empty()).is_some();
        let call = if known {
            self.find(header.call_id, |call| call.response.is_none() && !call.interfaces.is_empty())
        } else {
            self.begin(header)
        };
        let Some(call) = call else { return };
        // Where the answer's list cannot be read, all are taken for accepted.
        let results = results.into_iter().map(Some).chain(std::iter::repeat(None));
        for (interface, result) in call.interfaces.iter_mut().zip(results) {
            interface.result = Some(result.unwrap_or_default());
        }
        call.response = Some(Half { kind: header.kind, done: true, ..Half::default() });
        call.fresh = Some(Dir::Resp);
        let now: Vec<Interface> =
            call.interfaces.iter().filter(|i| i.result.is_some_and(|(result, _)| result == 0)).copied().collect();
        for interface in now {
            self.accepted.retain(|old| old.context != interface.context || old.uuid != interface.uuid);
            if self.accepted.len() >= MAX_INTERFACES {
                self.accepted.remove(0);
            }
            self.accepted.push(interface);
        }
    }

    /// A unit of a call begins.
    pub(super) fn fragment(&mut self, header: &Header, (context, opnum): (u16, u16)) {
        let (is_request, piped) = (header.kind == kind::REQUEST, self.piped);
        let open = |call: &Call| {
            let half = if is_request { &call.request } else { &call.response };
            match half {
                Some(half) => !half.done && half.kind == header.kind,
                None => !is_request && call.request.as_ref().is_some_and(|r| r.kind == kind::REQUEST),
            }
        };
        let known = self.find(header.call_id, open).is_some();
        let call = if known { self.find(header.call_id, open) } else { self.begin(header) };
        let Some(call) = call else { return };
        if is_request && call.request.is_none() {
            (call.context, call.opnum) = (context, opnum);
        }
        let half = if is_request { &mut call.request } else { &mut call.response };
        let half = half.get_or_insert_with(|| Half { kind: header.kind, ..Half::default() });
        half.fragments += 1;
        // As Suricata counts, which knows of no object's identifier, nor, over TCP, of a response's fixed fields.
        let skipped = if is_request || piped { pdu::CALL_LEN } else { pdu::HEADER_LEN };
        let stub_len = usize::from(header.len).saturating_sub(skipped);
        half.stub_len += stub_len as u64;
    }

    /// Stub data of the unit that passes.
    pub(super) fn stub(&mut self, header: &Header, bytes: &[u8], cx: &Cx<'_>) {
        if !cx.wants(Fact::DcerpcStubData) {
            return;
        }
        let is_request = header.kind == kind::REQUEST;
        let open = |call: &Call| {
            let half = if is_request { &call.request } else { &call.response };
            half.as_ref().is_some_and(|half| !half.done)
        };
        let Some(call) = self.find(header.call_id, open) else { return };
        let half = if is_request { &mut call.request } else { &mut call.response };
        if let Some(half) = half {
            let room = MAX_STUB_LEN.saturating_sub(half.stub.len());
            half.stub.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// A unit of a call has passed as a whole.
    pub(super) fn passed(&mut self, header: &Header) {
        if header.flags & flag::LAST_FRAGMENT == 0 {
            return;
        }
        let is_request = header.kind == kind::REQUEST;
        let open = |call: &Call| {
            let half = if is_request { &call.request } else { &call.response };
            half.as_ref().is_some_and(|half| !half.done)
        };
        let Some(call) = self.find(header.call_id, open) else { return };
        let half = if is_request { &mut call.request } else { &mut call.response };
        if let Some(half) = half {
            half.done = true;
        }
        call.fresh = Some(if is_request { Dir::Orig } else { Dir::Resp });
    }

    /// Shows what has come to an end: gives each such call to `f`, with the direction, and whether it is over.
    pub(crate) fn settle(&mut self, f: &mut dyn FnMut(&mut Shown<'_>, Dir, bool)) {
        for call in &mut self.calls {
            if let Some(dir) = call.fresh {
                let over = call.response.as_ref().is_some_and(|half| half.done);
                f(&mut Shown { call, accepted: &self.accepted, dir }, dir, over);
                call.fresh = if over { Some(dir) } else { None };
            }
        }
        self.calls.retain(|call| call.fresh.is_none());
        while self.calls.len() > MAX_OPEN {
            let mut call = self.calls.remove(0);
            f(&mut Shown { call: &mut call, accepted: &self.accepted, dir: Dir::Orig }, Dir::Orig, true);
        }
    }

    /// The association is over: the rest.
    pub(crate) fn finish(&mut self, f: &mut dyn FnMut(&mut Shown<'_>, Dir, bool)) {
        for call in &mut self.calls {
            f(&mut Shown { call, accepted: &self.accepted, dir: Dir::Orig }, Dir::Orig, true);
        }
        self.calls = Vec::new();
    }
}

/// A call in a direction.
pub(crate) struct Shown<'a> {
    pub(crate) call: &'a mut Call,
    accepted: &'a [Interface],
    dir: Dir,
}

/// Names of types of units, as Suricata has them.
pub(crate) fn kind_name(kind: u8) -> &'static str {
    const NAMES: [&str; 21] = [
        "REQUEST",
        "PING",
        "RESPONSE",
        "FAULT",
        "WORKING",
        "NOCALL",
        "REJECT",
        "ACK",
        "CL_CANCEL",
        "FACK",
        "CANCEL_ACK",
        "BIND",
        "BINDACK",
        "BINDNAK",
        "ALTER_CONTEXT",
        "ALTER_CONTEXT_RESP",
        "AUTH3",
        "SHUTDOWN",
        "CO_CANCEL",
        "ORPHANED",
        "RTS",
    ];
    NAMES.get(usize::from(kind)).copied().unwrap_or("UNKNOWN")
}

impl Shown<'_> {
    /// The interface that the call is for.
    fn interface(&self) -> Option<&Interface> {
        self.accepted.iter().rev().find(|i| i.context == self.call.context)
    }

    fn is_call(&self) -> bool {
        self.call.request.as_ref().is_some_and(|half| half.kind == kind::REQUEST)
    }

    /// The members of `dcerpc`; over SMB these are a little different.
    pub(crate) fn members(&self, out: &mut Json<'_>, smb: bool) {
        let call = &*self.call;
        match call.request.as_ref().filter(|half| half.done) {
            Some(half) => {
                out.text("request", kind_name(half.kind));
                if half.kind == kind::REQUEST {
                    if smb {
                        out.number("opnum", u64::from(call.opnum));
                    }
                    out.object("req", |out| {
                        if !smb {
                            out.number("opnum", u64::from(call.opnum));
                        }
                        out.number("frag_cnt", u64::from(half.fragments));
                        out.number("stub_data_size", half.stub_len);
                    });
                }
            }
            None => out.text("request", "REQUEST_LOST"),
        }
        self.interfaces(out, smb);
        match call.response.as_ref().filter(|half| half.done) {
            Some(half) => {
                out.text("response", kind_name(half.kind));
                if half.kind == kind::RESPONSE {
                    out.object("res", |out| {
                        out.number("frag_cnt", u64::from(half.fragments));
                        out.number("stub_data_size", half.stub_len);
                    });
                }
            }
            None => out.text("response", "UNREPLIED"),
        }
        out.number("call_id", u64::from(call.id));
        if !smb {
            out.display("rpc_version", format_args!("{}.{}", call.version.0, call.version.1));
        }
    }

    fn interfaces(&self, out: &mut Json<'_>, smb: bool) {
        let call = &*self.call;
        if self.is_call() {
            let Some(interface) = self.interface() else { return };
            let (service, procedure) = interfaces::known_names(interface.uuid, call.opnum);
            out.list("interfaces", |out| {
                out.item(|out| {
                    out.display("uuid", interface.uuid);
                    out.display("version", format_args!("{}.{}", interface.version.0, interface.version.1));
                    if let (false, Some((result, _))) = (smb, interface.result) {
                        out.number("ack_result", u64::from(result));
                    }
                    if let Some(service) = service {
                        out.text("service", service);
                    }
                    if let Some(procedure) = &procedure {
                        out.text("procedure", procedure);
                    }
                });
            });
        } else if !call.interfaces.is_empty() {
            out.list("interfaces", |out| {
                for interface in &call.interfaces {
                    out.item(|out| {
                        out.display("uuid", interface.uuid);
                        out.display("version", format_args!("{}.{}", interface.version.0, interface.version.1));
                        out.number("ack_result", u64::from(interface.result.unwrap_or_default().0));
                        if smb {
                            // Suricata does not read it.
                            out.number("ack_reason", 0);
                        }
                        if let (Some(service), _) = interfaces::known_names(interface.uuid, 0) {
                            out.text("service", service);
                        }
                    });
                }
            });
        }
    }
}

impl Transaction for Shown<'_> {
    fn event_type(&self) -> &'static str {
        "dcerpc"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("dcerpc", |out| self.members(out, false));
    }

    /// `dcerpc.iface`: 16 bytes of identifier as its text reads, major version in two bytes (big endian).
    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if !self.is_call() || nth > 0 {
            return None;
        }
        let half = if self.dir.is_orig() { &self.call.request } else { &self.call.response };
        match fact {
            Fact::DcerpcIface => {
                let interface = self.interface()?;
                let mut bytes = interface.uuid.bytes().to_vec();
                bytes.extend_from_slice(&interface.version.0.to_be_bytes());
                Some(Value::owned(bytes))
            }
            Fact::DcerpcOpnum => Some(u64::from(self.call.opnum).into()),
            Fact::DcerpcStubData => {
                half.as_ref().filter(|h| h.done && !h.stub.is_empty()).map(|h| h.stub.as_slice().into())
            }
            _ => None,
        }
    }
}
