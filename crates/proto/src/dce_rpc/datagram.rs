//! Connection-less DCE/RPC over UDP (C706 §12.5) as rules and EVE see it; it has no rows.
//!
//! A call is known by its activity and number; whoever sends it, its kind tells what it is. Only counts are kept of what is in it.

use crate::rpc::{Uuid, kind_name};
use crate::{Cx, Guess};
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Calls that are open at a time; beyond that the oldest is over.
const MAX_OPEN: usize = 64;
/// Stub data kept of one direction of a call, where rules want to see it.
const MAX_STUB_LEN: usize = 64 * 1024;

const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
/// The largest kind that is used.
const LAST_KIND: u8 = 10;
/// Flags: more than one datagram, and the last of them.
const FRAGMENT: u8 = 4;
const LAST_FRAGMENT: u8 = 2;

/// What is looked at of a header.
struct Header {
    kind: u8,
    flags: u8,
    activity: Uuid,
    number: u32,
    operation: u16,
    stub_len: usize,
}

impl Header {
    fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let [version, kind, flags, flags2, drep, float, reserved, _] = r.array(&"RPC datagram")?;
        let little_endian = drep >> 4 == 1;
        if version != 4 || kind > LAST_KIND || flags2 & 0xfc != 0 || drep & 0xee != 0 || float > 3 || reserved != 0 {
            return Err(ParseError::bad(&"RPC datagram"));
        }
        r.skip(&"RPC object, interface", 32)?;
        // Suricata reads it so, whatever the order of bytes.
        let activity = Uuid::from_wire(r.array(&"RPC activity")?, true);
        r.skip(&"RPC boot time, version", 8)?;
        let number = if little_endian { r.u32_le(&"RPC number") } else { r.u32(&"RPC number") }?;
        let mut short = || if little_endian { r.u16_le(&"RPC number") } else { r.u16(&"RPC number") };
        let [operation, _, _, stub_len] = [short()?, short()?, short()?, short()?];
        r.skip(&"RPC fragment, security", 4)?;
        Ok(Self { kind, flags, activity, number, operation, stub_len: usize::from(stub_len) })
    }

    const fn ends(&self) -> bool {
        self.flags & FRAGMENT == 0 || self.flags & LAST_FRAGMENT != 0
    }
}

/// Does it begin such a datagram?
pub(super) fn probe(bytes: &[u8]) -> Guess {
    if bytes.is_empty() {
        return Guess::More;
    }
    let mut r = Reader::new(bytes);
    match Header::parse(&mut r) {
        Ok(header) if r.rest().len() >= header.stub_len => Guess::Yes,
        _ => Guess::No,
    }
}

/// One direction of a call.
#[derive(Default)]
struct Half {
    done: bool,
    fragments: u64,
    stub_len: u64,
    stub: Vec<u8>,
}

struct Call {
    mark: Mark,
    activity: Uuid,
    number: u32,
    operation: u16,
    /// Request and response.
    halves: [Half; 2],
}

/// The calls of a flow.
#[derive(Default)]
pub(super) struct Calls {
    counter: Counter,
    open: Vec<Box<Call>>,
}

impl Heap for Calls {
    fn heap_len(&self) -> usize {
        let stubs = |call: &Call| call.halves.iter().map(|half| half.stub.heap_len()).sum::<usize>();
        let each = |call: &Call| block_len(size_of::<Call>()) + call.mark.heap_len() + stubs(call);
        list_len(&self.open) + self.open.iter().map(|call| each(call)).sum::<usize>()
    }
}

impl Calls {
    /// A datagram; nothing is made of one that is none.
    pub(super) fn datagram(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut r = Reader::new(bytes);
        let Ok(header) = Header::parse(&mut r) else { return };
        let Some(stub) = r.rest().get(..header.stub_len) else { return };
        let dir = match header.kind {
            REQUEST => Dir::Orig,
            RESPONSE => Dir::Resp,
            _ => return,
        };
        let at = self.find_or_begin(&header, dir, cx);
        let Some(call) = self.open.get_mut(at) else { return };
        let half = dir.of_mut(&mut call.halves);
        half.fragments += 1;
        half.stub_len += stub.len() as u64;
        if cx.wants(Fact::DcerpcStubData) {
            let room = MAX_STUB_LEN.saturating_sub(half.stub.len());
            half.stub.extend_from_slice(stub.get(..room).unwrap_or(stub));
        }
        half.done = header.ends();
        if !half.done {
            return;
        }
        if call.halves.iter().all(|half| half.done) {
            let call = self.open.remove(at);
            show(*call, dir, cx);
        } else {
            let mut mark = std::mem::take(&mut call.mark);
            cx.look(dir, 0, &View { call, dir }, &mut mark);
            call.mark = mark;
        }
    }

    fn find_or_begin(&mut self, header: &Header, dir: Dir, cx: &mut Cx<'_>) -> usize {
        let open = |call: &Call| call.number == header.number && call.activity == header.activity;
        if let Some(at) = self.open.iter().position(|call| open(call) && !dir.of(&call.halves).done) {
            return at;
        }
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open.remove(0);
            show(*oldest, Dir::Orig, cx);
        }
        let Header { activity, number, operation, .. } = *header;
        self.open.push(Box::new(Call {
            mark: self.counter.begin(),
            activity,
            number,
            operation,
            halves: Default::default(),
        }));
        self.open.len() - 1
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        std::mem::take(&mut self.open).into_iter().for_each(|call| show(*call, Dir::Orig, cx));
    }
}

/// A call is over.
fn show(mut call: Call, dir: Dir, cx: &mut Cx<'_>) {
    let mut mark = std::mem::take(&mut call.mark);
    cx.over(dir, &View { call: &call, dir }, &mut mark);
}

struct View<'a> {
    call: &'a Call,
    dir: Dir,
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "dcerpc"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let [request, response] = &self.call.halves;
        out.object("dcerpc", |out| {
            out.text("request", if request.done { kind_name(REQUEST) } else { "REQUEST_LOST" });
            if request.done {
                out.object("req", |out| {
                    // Suricata does not read it from datagrams.
                    out.number("opnum", 0);
                    out.number("frag_cnt", request.fragments);
                    out.number("stub_data_size", request.stub_len);
                });
            }
            out.text("response", if response.done { kind_name(RESPONSE) } else { "UNREPLIED" });
            if response.done {
                out.object("res", |out| {
                    out.number("frag_cnt", response.fragments);
                    out.number("stub_data_size", response.stub_len);
                });
            }
            out.display("activityuuid", self.call.activity);
            out.number("seqnum", u64::from(self.call.number));
            out.text("rpc_version", "4.0");
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let half = self.dir.of(&self.call.halves);
        match fact {
            Fact::DcerpcOpnum if nth == 0 => Some(u64::from(self.call.operation).into()),
            Fact::DcerpcStubData if nth == 0 => {
                Some(half).filter(|h| h.done && !h.stub.is_empty()).map(|h| h.stub.as_slice().into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use crate::{ProtoId, Transport};
    use sekisho_transaction::Fact;
    use sekisho_types::Dir;

    /// A datagram, numbers little endian.
    fn datagram(kind: u8, flags: u8, number: u32, stub: &[u8]) -> Vec<u8> {
        let len = u16::try_from(stub.len()).unwrap().to_le_bytes();
        let mut out = vec![4, kind, flags, 0, 0x10, 0, 0, 0];
        out.extend([0xaa; 32]);
        out.extend([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 2, 3, 4, 5, 6, 7, 8]);
        out.extend([0; 8]);
        out.extend(number.to_le_bytes());
        out.extend([7, 0, 0xff, 0xff, 0xff, 0xff, len[0], len[1], 0, 0, 0, 0]);
        out.extend(stub);
        out
    }

    #[test]
    fn a_call_over_udp_is_an_exchange() {
        let mut bench = Bench::watched(ProtoId::DceRpc, Transport::Udp, 135);
        bench.data(Dir::Orig, &datagram(0, 4, 9, b"one")).data(Dir::Orig, &datagram(0, 6, 9, b"two"));
        assert_eq!(bench.exchanges()[0].fact(Fact::DcerpcStubData), ["onetwo"]);
        assert_eq!(bench.exchanges()[0].fact(Fact::DcerpcOpnum), ["7"]);
        bench.data(Dir::Resp, &datagram(2, 0, 9, b"answer")).data(Dir::Resp, &datagram(2, 0, 10, b"late"));
        bench.end();
        let lines: Vec<_> = bench.exchanges().iter().map(|x| x.json.clone()).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("\"req\":{\"opnum\":0,\"frag_cnt\":2,\"stub_data_size\":6}"), "{}", lines[0]);
        assert!(lines[0].contains("\"activityuuid\":\"44332211-6655-8877-0102-030405060708\",\"seqnum\":9"));
        assert!(lines[1].contains("REQUEST_LOST") && lines[1].contains("\"stub_data_size\":4"), "{}", lines[1]);
        assert!(!bench.is_open() || bench.held_len() < 1024);
    }

    #[test]
    fn what_is_no_datagram_or_too_much_is_passed_over() {
        let mut bench = Bench::watched(ProtoId::DceRpc, Transport::Udp, 135);
        bench.data(Dir::Orig, b"\x04\0").data(Dir::Orig, &datagram(0, 0, 1, b"cut")[..82]);
        assert!(bench.exchanges().is_empty());
        for number in 0..1000 {
            bench.data(Dir::Orig, &datagram(0, 0, number, b""));
        }
        assert!(bench.held_len() < 64 * 1024, "{}", bench.held_len());
    }
}
