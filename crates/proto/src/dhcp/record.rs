use sekisho_record::{Kind, Record, Set, Tail, Text, ToValue, UnsetIfEmpty, Value};
use sekisho_types::{Addr, Heap, Interval, Timestamp, Uid, block_len, list_len};
use std::borrow::Cow;

/// A message type's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName(pub(super) Cow<'static, str>);

impl ToValue for TypeName {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Str(self.0.as_bytes())
    }
}

/// One exchange between a client and the servers that answer it: all messages with one transaction id that come
/// close together, whatever flows they are in.
#[derive(Clone, Debug, Record)]
#[record(log = "dhcp")]
pub struct DhcpRecord {
    /// First message.
    pub ts: Timestamp,
    /// The flows that carried the messages.
    pub uids: Set<Uid>,
    /// The client's address: where it sent from, else what was assigned.
    pub client_addr: Option<Addr>,
    /// The server that assigned an address, as the sender of its packets.
    pub server_addr: Option<Addr>,
    /// The client's hardware address.
    pub mac: Option<String>,
    /// Name that the client gives itself.
    pub host_name: Option<Text>,
    /// Full name that the client gives itself (option 81).
    pub client_fqdn: Option<Text>,
    /// Domain that the server gives.
    pub domain: Option<Text>,
    /// Address that the client asks for.
    pub requested_addr: Option<Addr>,
    /// Address that the server assigns.
    pub assigned_addr: Option<Addr>,
    /// How long the client may keep it.
    pub lease_time: Option<Interval>,
    /// Why the client declines.
    pub client_message: Option<Text>,
    /// Why the server refuses.
    pub server_message: Option<Text>,
    /// The messages in their order.
    pub msg_types: Vec<TypeName>,
    /// From the first message to the last.
    pub duration: Interval,
    /// Transaction id.
    #[record(ext)]
    pub xid: u32,
    /// Every server that answered, as it names itself (option 54): more than one may mean a rogue.
    #[record(ext)]
    pub server_ids: UnsetIfEmpty<Addr>,
    /// Routers that the client is to use.
    #[record(ext)]
    pub routers: UnsetIfEmpty<Addr>,
    /// Name servers that the client is to use.
    #[record(ext)]
    pub dns_servers: UnsetIfEmpty<Addr>,
    /// Proxy configuration that the client is to use (option 252).
    #[record(ext)]
    pub proxy_config: Option<Text>,
    /// What the client calls its kind (option 60).
    #[record(ext)]
    pub vendor_class: Option<Text>,
    /// Options that the client asks for, in its order: tells systems apart.
    #[record(ext)]
    pub parameters: UnsetIfEmpty<u8>,
    /// Relay that passed the messages on.
    #[record(ext)]
    pub relay_addr: Option<Addr>,
    /// Where the client is attached, as the relay says (option 82).
    #[record(ext)]
    pub circuit_id: Option<Text>,
    /// Columns of Sekisho's own, about the first of the flows.
    #[record(flatten)]
    pub tail: Tail,
    /// Last message.
    #[record(skip)]
    pub(super) last: Timestamp,
    /// Hardware address in the fixed part of the client's messages, if nothing better comes.
    #[record(skip)]
    pub(super) client_hardware: Option<String>,
}

impl DhcpRecord {
    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        let texts = [
            &self.host_name,
            &self.client_fqdn,
            &self.domain,
            &self.client_message,
            &self.server_message,
            &self.proxy_config,
            &self.vendor_class,
            &self.circuit_id,
        ];
        let texts: usize = texts.into_iter().map(Heap::heap_len).sum();
        let addrs = list_len(&self.server_ids.0) + list_len(&self.routers.0) + list_len(&self.dns_servers.0);
        block_len(size_of::<Self>())
            + texts
            + addrs
            + list_len(&self.uids.0)
            + list_len(&self.msg_types)
            + self.parameters.0.heap_len()
            + self.mac.heap_len()
            + self.client_hardware.heap_len()
    }
}
