use sekisho_record::{EnumName, Head, Port, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Addr, Interval, MacAddr, Subnet, Timestamp};

/// Address resolution (RFC 826): who asked for an address and who answered, summed up over five minutes. Zeek has no
/// such log.
#[derive(Clone, Debug, Record)]
#[record(log = "arp")]
pub struct ArpRecord {
    /// The first of these frames.
    pub ts: Timestamp,
    /// `request`, `reply` (nobody asked within five seconds before), `gratuitous` (about oneself), `probe` (is the address free?), `reverse`.
    pub operation: EnumName,
    /// VLAN of the frames, the outer one.
    pub vlan: Option<u16>,
    /// Hardware address that the sender gives for itself.
    pub orig_mac: MacAddr,
    /// The sender's address; unset in probes.
    pub orig_h: Option<Addr>,
    /// The address in question.
    pub resp_h: Addr,
    /// Hardware address that was answered; of replies that nobody asked for, to whom they went.
    pub resp_mac: Option<MacAddr>,
    /// How often it was asked or said.
    pub count: u64,
    /// How often it was answered.
    pub reply_count: u64,
    /// Time from the first question to the first answer.
    pub rtt: Option<Interval>,
    /// Time from the first of these frames to the last.
    pub duration: Interval,
    /// Another hardware address that answered as well.
    pub conflicting_mac: Option<MacAddr>,
    /// Hardware address that the sender's address had before.
    pub previous_mac: Option<MacAddr>,
    /// Source of the frame, where it is not the hardware address that the sender gives.
    pub frame_mac: Option<MacAddr>,
}

/// ICMP and ICMPv6 messages of one flow. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "icmp")]
pub struct IcmpRecord {
    /// Time of the first message, flow and ends (ports are type and code, as in conn).
    #[record(flatten)]
    pub head: Head,
    /// Type of the first message.
    pub icmp_type: u8,
    /// Its code.
    pub code: u8,
    /// What that means.
    pub meaning: Option<&'static str>,
    /// Messages of the originator.
    pub orig_count: u64,
    /// Messages of the responder.
    pub resp_count: u64,
    /// Identifier of the first echo request.
    pub echo_id: Option<u16>,
    /// Number of the first echo request.
    pub first_seq: Option<u16>,
    /// Number of the last echo request.
    pub last_seq: Option<u16>,
    /// Shortest time from a request to its reply.
    pub rtt_min: Option<Interval>,
    /// Mean time from a request to its reply.
    pub rtt_mean: Option<Interval>,
    /// Longest time from a request to its reply.
    pub rtt_max: Option<Interval>,
    /// Longest content of a message in bytes, as far as captured.
    pub payload_len_max: u32,
    /// IP protocol of the packet that an error is about, the first one.
    #[record(name = "inner.proto")]
    pub inner_proto: Option<u8>,
    /// Its source.
    #[record(name = "inner.orig_h")]
    pub inner_orig_h: Option<Addr>,
    /// Its source port.
    #[record(name = "inner.orig_p")]
    pub inner_orig_p: Option<Port>,
    /// Its destination.
    #[record(name = "inner.resp_h")]
    pub inner_resp_h: Option<Addr>,
    /// Its destination port.
    #[record(name = "inner.resp_p")]
    pub inner_resp_p: Option<Port>,
    /// How many different flows errors were about, at most 16.
    pub inner_count: Option<u16>,
    /// Longest packet that fits, by the last error that says so.
    pub mtu: Option<u32>,
    /// Router that a redirect names.
    pub gateway: Option<Addr>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// Neighbour discovery (RFC 4861): solicitations and advertisements of neighbours and routers, redirects; equal ones of
/// a flow together. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "ndp")]
pub struct NdpRecord {
    /// Time of the first of these messages, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// What kind of message.
    pub operation: EnumName,
    /// The originator sent it.
    pub is_orig: bool,
    /// How often.
    pub count: u64,
    /// Address asked for or announced; of redirects the better next hop.
    pub target: Option<Addr>,
    /// Destination that a redirect is about.
    pub destination: Option<Addr>,
    /// Link-layer address of the sender.
    pub source_mac: Option<MacAddr>,
    /// Link-layer address of the target.
    pub target_mac: Option<MacAddr>,
    /// The sender looks whether the address is free (RFC 4862).
    pub duplicate_detection: Option<bool>,
    /// The announced neighbour is a router.
    pub router: Option<bool>,
    /// Advertisement in answer to a solicitation.
    pub solicited: Option<bool>,
    /// Advertisement that replaces what is known.
    #[record(name = "override")]
    pub overrides: Option<bool>,
    /// How long the router serves as default; 0 if not at all.
    pub router_lifetime: Option<Interval>,
    /// Hop limit that the router tells.
    pub hop_limit: Option<u8>,
    /// Addresses are to be had by DHCPv6.
    pub managed: Option<bool>,
    /// Other settings are to be had by DHCPv6.
    pub other_config: Option<bool>,
    /// Prefixes of the link.
    pub prefixes: UnsetIfEmpty<Subnet>,
    /// Largest packet on the link.
    pub mtu: Option<u32>,
    /// DNS servers (RFC 8106).
    pub dns_servers: UnsetIfEmpty<Addr>,
    /// Domains to search in.
    pub search: UnsetIfEmpty<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// Group membership: IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810); equal messages of a flow together. Zeek has
/// no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "igmp")]
pub struct IgmpRecord {
    /// Time of the first of these messages, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `IGMPv1` to `IGMPv3`, `MLDv1`, `MLDv2`.
    pub version: EnumName,
    /// `query`, `report`, `leave`; `other` for types of other protocols that share the number.
    pub operation: EnumName,
    /// Type of the message.
    pub message_type: u8,
    /// How often.
    pub count: u64,
    /// Groups asked for, joined or left; unset in queries about all.
    pub groups: UnsetIfEmpty<Addr>,
    /// What becomes of each of these groups (version 3 of IGMP, 2 of MLD).
    pub changes: UnsetIfEmpty<&'static str>,
    /// Sources named with them.
    pub sources: UnsetIfEmpty<Addr>,
    /// Number of groups in the message, if that is more than listed.
    pub group_count: Option<u16>,
    /// Time within which a query is to be answered.
    pub max_response: Option<Interval>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
