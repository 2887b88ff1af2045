//! What the parser does with packets of a connection whose secrets are known, or may be.

use super::decrypt::{Decrypt, Kept, Pending};
use super::packet::Packet;
use super::{Keyed, LONG_BIT, Parser, version};
use crate::{Cx, SessionSecrets};
use sekisho_record::Text;
use sekisho_types::Dir;

impl Parser {
    fn secrets(&self, cx: &Cx<'_>) -> Option<SessionSecrets> {
        cx.secrets()?.find(self.session.client_random()?, cx.packet)
    }

    /// The client's hello was read: what follows is kept if its secrets are known.
    pub(super) fn look_up(&mut self, cx: &Cx<'_>) {
        if matches!(self.keyed, Keyed::No) && self.secrets(cx).is_some() {
            self.keyed = Keyed::Waiting(Box::default());
        }
    }

    /// The server's hello was read, from `packet`: what was kept is opened.
    pub(super) fn agree(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let Some(agreed) = self.session.take_agreed().filter(|_| self.session.is_client(Dir::Orig)) else { return };
        if matches!(self.keyed, Keyed::Open(_)) {
            return;
        }
        let v2 = version::profile(packet.version).is_some_and(|p| p.v2);
        let ids = [packet.dcid.len(), packet.scid.len()];
        let decrypt = self.secrets(cx).and_then(|secrets| Decrypt::new(&agreed, &secrets, v2, ids, cx));
        let open = decrypt.map_or(Keyed::No, |d| Keyed::Open(Box::new(d)));
        if let Keyed::Waiting(pending) = std::mem::replace(&mut self.keyed, open) {
            self.replay(*pending, cx);
        }
    }

    fn replay(&mut self, pending: Pending, cx: &mut Cx<'_>) {
        let now = cx.ts;
        for Kept { ts, dir, bytes } in pending.into_packets() {
            cx.ts = ts;
            match bytes.first() {
                Some(first) if first & LONG_BIT != 0 => {
                    if let Ok(packet) = Packet::parse(&bytes) {
                        self.keyed_long(dir, &packet, cx);
                    }
                }
                _ => self.keyed_short(dir, &bytes, cx),
            }
        }
        cx.ts = now;
    }

    /// A Handshake or 0-RTT packet.
    pub(super) fn keyed_long(&mut self, dir: Dir, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        match &mut self.keyed {
            Keyed::No => {}
            Keyed::Waiting(pending) => keep(pending, dir, packet.bytes, cx),
            Keyed::Open(decrypt) => decrypt.long(dir, packet, &mut self.session, cx),
        }
        self.see_whether_over(cx);
    }

    /// A packet with a short header, to the datagram's end.
    pub(super) fn keyed_short(&mut self, dir: Dir, packet: &[u8], cx: &mut Cx<'_>) {
        match &mut self.keyed {
            Keyed::No => {}
            Keyed::Waiting(pending) => keep(pending, dir, packet, cx),
            Keyed::Open(decrypt) => decrypt.short(dir, packet, &mut self.session, cx),
        }
        self.see_whether_over(cx);
    }

    fn see_whether_over(&mut self, cx: &mut Cx<'_>) {
        if matches!(&self.keyed, Keyed::Open(decrypt) if decrypt.is_over()) {
            self.end_keyed(cx);
        }
    }

    /// Nothing more is opened.
    pub(super) fn end_keyed(&mut self, cx: &mut Cx<'_>) {
        let Keyed::Open(mut decrypt) = std::mem::take(&mut self.keyed) else { return };
        decrypt.end(&mut self.session, cx);
        self.opened |= decrypt.opened;
        if let (Some((code, reason)), Some(row)) = (decrypt.close.take(), &mut self.row) {
            row.close_code = row.close_code.or(Some(code));
            if !reason.is_empty() && row.close_reason.is_none() {
                row.close_reason = Some(Text::from(reason));
            }
        }
    }
}

fn keep(pending: &mut Pending, dir: Dir, packet: &[u8], cx: &mut Cx<'_>) {
    if !pending.keep(cx.ts, dir, packet) {
        cx.weird("QUIC_too_much_before_server_hello");
    }
}
