use crate::flow::Kind;
use crate::{Flow, History, ServiceNames, TcpState};
use sekisho_record::{EnumName, Head, Record, Set, Tail};
use sekisho_types::{Dir, Interval, MacAddr, Uid};

/// One flow: who talked to whom, for how long, how much, and how it ended.
#[derive(Clone, Debug, Record)]
#[record(log = "conn")]
pub struct ConnRecord {
    /// Time of the first packet, uid and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// Application protocols confirmed, joined by commas.
    pub service: Option<ServiceNames>,
    /// From the first to the last packet; trailing packets of a closed TCP connection don't count.
    pub duration: Option<Interval>,
    /// Payload bytes of the originator; for TCP from sequence numbers.
    pub orig_bytes: Option<u64>,
    /// Payload bytes of the responder; for TCP from sequence numbers.
    pub resp_bytes: Option<u64>,
    /// How the connection was opened and closed.
    pub conn_state: EnumName,
    /// Is the originator in the home networks?
    pub local_orig: bool,
    /// Is the responder in the home networks?
    pub local_resp: bool,
    /// Bytes missing in the streams of established TCP connections.
    pub missed_bytes: u64,
    /// What happened, one letter per kind of event.
    pub history: Option<History>,
    /// Packets from the originator.
    pub orig_pkts: u64,
    /// Bytes of the originator's IP packets.
    pub orig_ip_bytes: u64,
    /// Packets from the responder.
    pub resp_pkts: u64,
    /// Bytes of the responder's IP packets.
    pub resp_ip_bytes: u64,
    /// Uids of the enclosing tunnels.
    pub tunnel_parents: Option<Set<Uid>>,
    /// IP protocol number.
    pub ip_proto: u8,
    /// Application protocols recognised, also in flows that began before the capture or of which one end is unseen
    /// (where Zeek leaves `service` empty).
    #[record(ext)]
    pub app: Option<ServiceNames>,
    /// Outer VLAN id of the first packet.
    #[record(ext)]
    pub vlan: Option<u16>,
    /// Inner VLAN id of the first packet.
    #[record(ext)]
    pub inner_vlan: Option<u16>,
    /// Originator's link address in the first packet.
    #[record(ext)]
    pub orig_l2_addr: Option<MacAddr>,
    /// Responder's link address in the first packet.
    #[record(ext)]
    pub resp_l2_addr: Option<MacAddr>,
    /// All bytes missing in the originator's TCP stream, whatever the connection's state; unset if none.
    #[record(ext)]
    pub orig_gap_bytes: Option<u64>,
    /// All bytes missing in the responder's TCP stream, whatever the connection's state; unset if none.
    #[record(ext)]
    pub resp_gap_bytes: Option<u64>,
    /// Payload bytes of both that were on the wire but not captured (snaplen); unset if none.
    #[record(ext)]
    pub cut_bytes: Option<u64>,
    /// Packets of both with a wrong transport checksum, if checksums were looked at.
    #[record(ext)]
    pub checksum_errors: Option<u64>,
    /// TCP packets of the originator with data that it had sent before; unset if none.
    #[record(ext)]
    pub orig_retransmitted_pkts: Option<u64>,
    /// TCP packets of the responder with data that it had sent before; unset if none.
    #[record(ext)]
    pub resp_retransmitted_pkts: Option<u64>,
    /// From the originator's SYN to the responder's SYN/ACK, as seen where the capture was made; unset if a SYN was sent again
    /// before, or the beginning was not seen.
    #[record(ext)]
    pub connect_time: Option<Interval>,
    /// From the originator's first data to the responder's first data after it (of TCP and UDP); unset if the responder spoke first, or the beginning
    /// was not seen.
    #[record(ext)]
    pub response_time: Option<Interval>,
    /// Community ID and completeness.
    #[record(flatten)]
    pub tail: Tail,
}

impl ConnRecord {
    /// The record of `flow` as known now.
    pub fn new(flow: &Flow) -> Self {
        let span = flow.last_ts - flow.info.first_ts;
        let lasted = span > Interval::ZERO;
        let (o, r) = (flow.counters(Dir::Orig), flow.counters(Dir::Resp));
        let [orig_mac, resp_mac] = flow.macs();
        let history = flow.history();
        Self {
            head: Head::new(flow.info.first_ts, &flow.info),
            proto: EnumName(match flow.kind {
                Kind::Tcp => "tcp",
                Kind::Udp => "udp",
                Kind::Icmp => "icmp",
                Kind::Other => "unknown_transport",
            }),
            service: flow.services.names(),
            duration: lasted.then_some(span),
            orig_bytes: lasted.then_some(o.bytes),
            resp_bytes: lasted.then_some(r.bytes),
            conn_state: EnumName(conn_state(flow)),
            local_orig: flow.info.local_orig,
            local_resp: flow.info.local_resp,
            missed_bytes: o.missed_bytes.saturating_add(r.missed_bytes),
            history: (!history.is_empty()).then_some(history),
            orig_pkts: o.pkts,
            orig_ip_bytes: o.ip_bytes,
            resp_pkts: r.pkts,
            resp_ip_bytes: r.ip_bytes,
            tunnel_parents: (!flow.tunnels().is_empty()).then(|| {
                let mut all = Set(Vec::new());
                for uid in flow.tunnels() {
                    all.insert(*uid);
                }
                all
            }),
            ip_proto: flow.info.tuple.proto,
            app: flow.apps.names(),
            vlan: flow.info.vlan.outer(),
            inner_vlan: flow.info.vlan.inner(),
            orig_l2_addr: orig_mac,
            resp_l2_addr: resp_mac,
            orig_gap_bytes: some(o.gap_bytes),
            resp_gap_bytes: some(r.gap_bytes),
            cut_bytes: some(o.cut_bytes.saturating_add(r.cut_bytes)),
            checksum_errors: some(o.checksum_errors.saturating_add(r.checksum_errors)),
            orig_retransmitted_pkts: some(o.retransmitted_pkts),
            resp_retransmitted_pkts: some(r.retransmitted_pkts),
            connect_time: flow.connect_time(),
            response_time: flow.response_time(),
            tail: Tail::new(&flow.info),
        }
    }
}

/// Nothing to report is left unset: most rows have none of these.
fn some(n: u64) -> Option<u64> {
    (n > 0).then_some(n)
}

/// Zeek's summary of how a flow was opened and closed.
fn conn_state(flow: &Flow) -> &'static str {
    match flow.kind {
        Kind::Tcp => tcp_conn_state(flow),
        Kind::Udp => match (flow.payload_len(Dir::Orig).is_some(), flow.payload_len(Dir::Resp).is_some()) {
            (true, true) => "SF",
            (true, false) => "S0",
            (false, true) => "SHR",
            (false, false) => "OTH",
        },
        Kind::Icmp | Kind::Other => "OTH",
    }
}

fn tcp_conn_state(flow: &Flow) -> &'static str {
    use TcpState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
    let (o, r) = (flow.orig.state, flow.resp.state);
    let orig_idle = matches!(o, Inactive | Partial);
    let resp_idle = matches!(r, Inactive | Partial);
    match (o, r) {
        (SynSent | SynAckSent, Reset) => "REJ",
        (Reset, Reset) if flow.size(Dir::Orig) == 0 && flow.size(Dir::Resp) == 0 => "REJ",
        (_, Reset) if orig_idle => "RSTRH",
        (_, Reset) => "RSTR",
        (Reset, _) if resp_idle && flow.history().is_syn_then_reset() => "RSTOS0",
        (Reset, _) if resp_idle => "OTH",
        (Reset, _) => "RSTO",
        (Closed, Closed) => "SF",
        (Closed, _) if resp_idle => "SH",
        (Closed, _) => "S2",
        (_, Closed) if orig_idle => "SHR",
        (_, Closed) => "S3",
        (SynSent, Inactive) => "S0",
        (Established, Established) => "S1",
        _ => "OTH",
    }
}
