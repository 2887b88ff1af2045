//! Who says by NetBIOS's name service (RFC 1002 §4.2.13) that it has a name, as detectors see it: the answer has no question in it,
//! and of its record nothing stands in `dns`. Made only if somebody judges. Limit: [`MAX_RECORDS`].

use super::message::{self, Header, Name, Walk};
use super::names::rr;
use super::{NETBIOS_PORT, op};
use crate::{Cx, Transport};
use sekisho_record::{Head, Record, Text};
use sekisho_types::{Addr, Dir};

/// Records of an answer that are looked at.
const MAX_RECORDS: u16 = 8;
/// Flags and address, for each address of the name.
const ADDRESS_LEN: usize = 6;
/// The name is one that a group shares.
const GROUP: u8 = 0x80;
/// Types of names that one machine has: workstation, file server. Browsers and domains answer for others' names.
const OF_ONE: [u8; 2] = [0x00, 0x20];

/// A machine answers that it has a name.
#[derive(Clone, Debug, Record)]
#[record(log = "netbios_name")]
pub struct NetbiosNameRecord {
    /// Time of the answer, flow and its ends.
    #[record(flatten)]
    pub head: Head,
    /// Who says so.
    pub host: Addr,
    /// Who is told.
    pub asker: Addr,
    /// The name, without its type.
    pub name: Text,
    /// Number of the packet.
    pub packet: u64,
}

/// Tells a name that the sender of an answer says to have itself, if somebody judges.
pub fn tell(dir: Dir, header: Header, msg: &[u8], cx: &mut Cx<'_>) {
    let tuple = &cx.flow.tuple;
    let (host, port, asker) = match dir {
        Dir::Orig => (tuple.orig, tuple.orig_port, tuple.resp),
        Dir::Resp => (tuple.resp, tuple.resp_port, tuple.orig),
    };
    let is_answer = header.qr && header.opcode == op::QUERY && header.rcode == 0 && header.qdcount == 0;
    if !cx.is_judged() || !is_answer || port != NETBIOS_PORT || cx.transport != Transport::Udp {
        return;
    }
    let Some(own) = host.as_v4() else { return };
    let mut walk = Walk::new(msg, true);
    let mut owner = Name::default();
    for _ in 0..header.ancount.min(MAX_RECORDS) {
        let Some(head) = walk.rr_head(&mut owner) else { return };
        let data = walk.up_to(head.rdlength);
        let is_own = |entry: &[u8]| entry.first().is_some_and(|f| f & GROUP == 0) && entry.get(2..) == Some(&own[..]);
        if head.rtype != rr::NB || !data.chunks_exact(ADDRESS_LEN).any(is_own) {
            continue;
        }
        if !message::netbios_type(owner.as_bytes()).is_some_and(|t| OF_ONE.contains(&t)) {
            continue;
        }
        if let Some(name) = message::netbios_name(owner.as_bytes()) {
            let head = cx.head(cx.ts);
            cx.emit(NetbiosNameRecord { head, host, asker, name: name.into(), packet: cx.source });
        }
    }
}
