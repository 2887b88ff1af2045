//! TFTP (RFC 1350) with options (RFC 2347 to 2349), and the files it carries.
//!
//! A request goes to the usual port and is answered from another one: the flow of the request announces the flow of the
//! data. A row per transfer, from the data's flow, or from the request's flow if nobody answers or the answer comes from the
//! usual port. Limits: [`message`]'s, and [`MAX_BAD`]. Known gaps: netascii is kept as it was sent; windows of several
//! blocks (RFC 7440) are read as long as blocks come in order.

mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::TftpRecord;

use crate::{
    Cx, Descriptor, EXPECTATION_LIFETIME, Event, Expectation, FileId, FileMeta, Guess, Probe, ProtoId, Protocol, Start,
    Transfer, Transport,
};
use message::{Options, Packet, Request};
use sekisho_record::EnumName;
use sekisho_transaction::Counter;
use sekisho_types::Dir;
use std::sync::{Arc, Mutex};

/// Bytes of a block unless agreed otherwise.
const BLOCK_LEN: u16 = 512;
/// Packets that cannot be read before the flow is given up.
pub const MAX_BAD: u8 = 5;

/// State of one flow.
pub struct Parser {
    row: Option<Box<TftpRecord>>,
    /// Shared between the flows of the request and of the data.
    expectation: Option<Expectation>,
    /// This is the data's flow.
    is_data_flow: bool,
    file: Option<FileId>,
    /// The block that comes next.
    next_block: u16,
    bad: u8,
    txs: Counter,
}

const fn operation(is_write: bool) -> EnumName {
    EnumName(if is_write { "write" } else { "read" })
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport == Transport::Udp && message::is_request(p.orig) { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "tftp", tcp_ports: &[], udp_ports: &[69], probe };

    fn start(start: &Start<'_>) -> Self {
        Self {
            row: None,
            expectation: start.expected.cloned(),
            is_data_flow: start.expected.is_some(),
            file: None,
            next_block: 1,
            bad: 0,
            txs: Counter::default(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match Packet::parse(bytes) {
            Ok(Packet::Request(request)) => {
                cx.message(dir, &mut self.txs, &tx::View(&request), &[]);
                self.request(&request, dir, cx);
            }
            Ok(Packet::Data(block, content)) => self.block(dir, block, content, cx),
            Ok(Packet::Ack(_)) => drop(self.row(cx)),
            Ok(Packet::OptionAck(options)) => self.agree(options, cx),
            Ok(Packet::Error(code, text)) => {
                let row = self.row(cx);
                row.error_code = Some(code);
                row.error_message = Some(text.into());
            }
            Err(_) => {
                self.bad += 1;
                if self.bad >= MAX_BAD {
                    cx.reject("tftp_malformed");
                }
            }
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.file.take() {
            let complete = self.row.as_ref().is_some_and(|row| row.complete);
            let info = cx.file_close(id, complete);
            if let Some(row) = &mut self.row {
                row.mime_type = info.mime_type;
            }
        }
        let Some(mut row) = self.row.take() else { return };
        // The flow of the data tells what the request was about.
        let told = !self.is_data_flow
            && row.size == 0
            && self.expectation.as_ref().is_some_and(|e| e.with(|t| t.data_uid.is_some()));
        if !told {
            row.tail = cx.tail();
            cx.emit(Event::TftpRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.row.as_ref().map_or(0, |row| row.held_len())
    }
}

impl Parser {
    /// The transfer's row.
    fn row(&mut self, cx: &mut Cx<'_>) -> &mut TftpRecord {
        cx.confirm(Self::DESCRIPTOR.service);
        let (expectation, is_data_flow) = (&self.expectation, self.is_data_flow);
        self.row.get_or_insert_with(|| {
            let mut row = Box::new(TftpRecord {
                head: cx.head(cx.ts),
                request_uid: None,
                operation: None,
                filename: None,
                mode: None,
                block_size: BLOCK_LEN,
                announced_size: None,
                size: 0,
                complete: false,
                error_code: None,
                error_message: None,
                fuid: None,
                mime_type: None,
                tail: cx.tail(),
            });
            if let Some(e) = expectation.as_ref().filter(|_| is_data_flow) {
                e.with(|t| {
                    t.data_uid = Some(cx.flow.uid);
                    row.request_uid = Some(t.control_uid);
                    row.filename.clone_from(&t.filename);
                    row.announced_size = t.announced_len;
                    row.mode = t.mode.map(EnumName);
                    row.operation = t.is_upload.map(operation);
                });
            }
            row
        })
    }

    fn request(&mut self, request: &Request<'_>, dir: Dir, cx: &mut Cx<'_>) {
        // A client that asks again from the same port wants the next file; one that repeats itself had no answer.
        let repeats = self
            .row
            .as_ref()
            .is_some_and(|row| row.size == 0 && row.filename.as_ref().is_some_and(|name| name.0 == request.filename));
        if repeats {
            return;
        }
        self.end(cx);
        self.next_block = 1;
        let transfer = Transfer {
            filename: Some(request.filename.into()),
            announced_len: request.options.transfer_len.filter(|_| request.is_write),
            mode: Some(request.mode),
            is_upload: Some(request.is_write),
            control_uid: cx.flow.uid,
            ..Transfer::default()
        };
        let t = &cx.flow.tuple;
        let (client, server) =
            if dir.is_orig() { ((t.orig, t.orig_port), t.resp) } else { ((t.resp, t.resp_port), t.orig) };
        let expectation = Expectation {
            proto: ProtoId::Tftp,
            host: client.0,
            port: Some(client.1),
            peer: Some(server),
            expires: cx.ts + EXPECTATION_LIFETIME,
            transfer: Arc::new(Mutex::new(transfer)),
        };
        cx.expect(expectation.clone());
        let announced = request.options.transfer_len.filter(|_| request.is_write);
        self.expectation = Some(expectation);
        self.is_data_flow = false;
        let row = self.row(cx);
        row.operation = Some(operation(request.is_write));
        row.filename = Some(request.filename.into());
        row.mode = Some(EnumName(request.mode));
        row.announced_size = announced;
    }

    fn agree(&mut self, options: Options, cx: &mut Cx<'_>) {
        let row = self.row(cx);
        row.block_size = options.block_len.unwrap_or(row.block_size);
        row.announced_size = options.transfer_len.or(row.announced_size);
    }

    fn block(&mut self, dir: Dir, block: u16, content: &[u8], cx: &mut Cx<'_>) {
        let next_block = self.next_block;
        let row = self.row(cx);
        // Numbers begin anew after the last; one from the half behind is a repetition.
        let ahead = block.wrapping_sub(next_block);
        if row.complete || ahead >= 0x8000 {
            return;
        }
        let block_size = row.block_size;
        row.size += content.len() as u64;
        row.complete = content.len() < usize::from(block_size);
        let (filename, total_len, complete) = (row.filename.clone(), row.announced_size, row.complete);
        self.next_block = block.wrapping_add(1);
        let id = *self.file.get_or_insert_with(|| {
            cx.file_open(FileMeta {
                source: "TFTP",
                is_orig: dir.is_orig(),
                filename,
                total_len,
                ..FileMeta::default()
            })
        });
        if ahead > 0 {
            cx.file_gap(id, u64::from(ahead) * u64::from(block_size));
        }
        cx.file_data(id, content);
        let info = cx.file_info(id);
        if complete {
            cx.file_close(id, true);
            self.file = None;
        }
        if let Some(row) = &mut self.row {
            row.fuid = info.row();
            row.mime_type = info.mime_type;
        }
    }
}
