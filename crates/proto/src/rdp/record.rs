use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, block_len, list_len};

/// A remote desktop session up to where it is encrypted.
#[derive(Clone, Debug, Record)]
#[record(log = "rdp")]
pub struct RdpRecord {
    /// Time of the connection request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The client's cookie: usually the beginning of the user's name.
    pub cookie: Option<Text>,
    /// Why the server refuses, how the conference was created, or `encrypted`.
    pub result: Option<String>,
    /// Security that the server chose.
    pub security_protocol: Option<String>,
    /// Virtual channels that the client asks for.
    pub client_channels: UnsetIfEmpty<Text>,
    /// Keyboard layout of the client.
    pub keyboard_layout: Option<String>,
    /// Version of the client.
    pub client_build: Option<String>,
    /// Name of the client's machine.
    pub client_name: Option<Text>,
    /// Product id of the client's machine.
    pub client_dig_product_id: Option<Text>,
    /// Width of the desktop in pixels.
    pub desktop_width: Option<u16>,
    /// Height of the desktop in pixels.
    pub desktop_height: Option<u16>,
    /// Colour depth that the client asks for.
    pub requested_color_depth: Option<String>,
    /// Kind of the server's certificate under RDP's own encryption.
    pub cert_type: Option<String>,
    /// Certificates seen.
    pub cert_count: u64,
    /// The certificate was issued for good.
    pub cert_permanent: Option<bool>,
    /// Level of RDP's own encryption.
    pub encryption_level: Option<String>,
    /// Method of RDP's own encryption.
    pub encryption_method: Option<String>,
    /// Security that the client offers.
    #[record(ext)]
    pub requested_protocols: UnsetIfEmpty<&'static str>,
    /// Where a load balancer shall send the client (MS-RDPBCGR §3.2.5.3.1).
    #[record(ext)]
    pub routing_token: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl RdpRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let names = [&self.result, &self.security_protocol, &self.keyboard_layout, &self.client_build];
        let more = [&self.requested_color_depth, &self.cert_type, &self.encryption_level, &self.encryption_method];
        let names = names.into_iter().chain(more).map(Heap::heap_len).sum::<usize>();
        let texts = [&self.cookie, &self.client_name, &self.client_dig_product_id, &self.routing_token];
        let texts = texts.into_iter().map(Heap::heap_len).sum::<usize>();
        let lists = self.client_channels.heap_len() + list_len(&self.requested_protocols.0);
        block_len(size_of::<Self>()) + names + texts + lists
    }
}
