//! Rows that belong to no protocol.

use sekisho_record::{EnumName, Head, Port, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Addr, FlowInfo, Timestamp, Uid};

/// Something odd that a parser, the flow table or a decoder noticed.
#[derive(Clone, Debug, Record)]
#[record(log = "weird")]
pub struct WeirdRecord {
    /// Time of the packet.
    pub ts: Timestamp,
    /// Flow, if it belongs to one.
    pub uid: Option<Uid>,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    pub orig_h: Option<Addr>,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    pub orig_p: Option<Port>,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Option<Addr>,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    pub resp_p: Option<Port>,
    /// What was seen, in Zeek's vocabulary where it has a word.
    pub name: &'static str,
    /// Detail.
    pub addl: Option<Text>,
    /// Zeek's column; always false here.
    pub notice: bool,
    /// Zeek's column: who says so.
    pub peer: &'static str,
    /// Protocol that noticed it.
    pub source: Option<&'static str>,
    /// Number of the packet that showed it.
    #[record(ext)]
    pub packet: u64,
}

impl WeirdRecord {
    /// About a flow.
    pub fn of_flow(ts: Timestamp, packet: u64, flow: &FlowInfo, name: &'static str, addl: Option<Text>) -> Self {
        Self {
            ts,
            uid: Some(flow.uid),
            orig_h: Some(flow.tuple.orig),
            orig_p: Some(Port(flow.tuple.orig_port)),
            resp_h: Some(flow.tuple.resp),
            resp_p: Some(Port(flow.tuple.resp_port)),
            name,
            addl,
            notice: false,
            peer: "sekisho",
            source: None,
            packet,
        }
    }

    /// About a packet outside any flow.
    pub fn of_packet(ts: Timestamp, packet: u64, ends: Option<(Addr, Addr)>, name: &'static str) -> Self {
        Self {
            ts,
            uid: None,
            orig_h: ends.map(|e| e.0),
            orig_p: ends.map(|_| Port(0)),
            resp_h: ends.map(|e| e.1),
            resp_p: ends.map(|_| Port(0)),
            name,
            addl: None,
            notice: false,
            peer: "sekisho",
            source: None,
            packet,
        }
    }
}

/// A parser that lost track of its flow.
#[derive(Clone, Debug, Record)]
#[record(log = "analyzer")]
pub struct AnalyzerRecord {
    /// Time of the packet.
    pub ts: Timestamp,
    /// What made the row: `violation`.
    pub cause: &'static str,
    /// Kind of the parser: `protocol`.
    pub analyzer_kind: &'static str,
    /// The protocol, upper case.
    pub analyzer_name: Text,
    /// Flow.
    pub uid: Uid,
    /// Zeek's column; always unset here.
    pub fuid: Option<Uid>,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    pub orig_p: Port,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    pub resp_p: Port,
    /// Why.
    pub failure_reason: &'static str,
    /// Zeek's column; always unset here, as the bytes at hand depend on how the stream was cut into segments.
    pub failure_data: Option<Text>,
    /// Number of the packet that showed it.
    #[record(ext)]
    pub packet: u64,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl AnalyzerRecord {
    /// The parser of `service` gave up.
    pub fn violation(flow: &FlowInfo, service: &str, reason: &'static str, ts: Timestamp, packet: u64) -> Self {
        let head = Head::new(ts, flow);
        Self {
            ts,
            cause: "violation",
            analyzer_kind: "protocol",
            analyzer_name: Text::from(&service.to_ascii_uppercase()),
            uid: head.uid,
            fuid: None,
            orig_h: head.orig_h,
            orig_p: head.orig_p,
            resp_h: head.resp_h,
            resp_p: head.resp_p,
            failure_reason: reason,
            failure_data: None,
            packet,
            tail: Tail::new(flow),
        }
    }
}

/// An alert of a rule, as detectors see it. Stands in no log: EVE has it in its own shape.
#[derive(Clone, Debug, Record)]
#[record(log = "rule_alert")]
pub struct RuleAlertRecord {
    /// Time of the packet that the alert is told with.
    pub ts: Timestamp,
    /// Flow, if it belongs to one.
    pub uid: Option<Uid>,
    /// Source of what matched.
    #[record(name = "src")]
    pub src: Addr,
    /// Its port.
    pub src_port: Option<Port>,
    /// Destination of what matched.
    pub dst: Addr,
    /// Its port.
    pub dst_port: Option<Port>,
    /// Rule's generator.
    pub gid: u32,
    /// Rule's number.
    pub sid: u32,
    /// Rule's revision.
    pub rev: u32,
    /// Rule's message.
    pub msg: Text,
    /// Description of its class.
    pub category: Text,
    /// Its priority; 1 is the highest.
    pub priority: u8,
    /// The attack is aimed at the source (`target:src_ip`), or the destination; unset if the rule does not say.
    pub target_is_src: Option<bool>,
    /// ATT&CK techniques of its metadata.
    pub techniques: UnsetIfEmpty<Text>,
    /// The first ATT&CK tactic of its metadata.
    pub tactic: Option<Text>,
    /// `confidence` of its metadata.
    pub confidence: Option<Text>,
    /// Pieces of what matched, with « and » around the bytes that did, each behind the name of its buffer.
    pub matched: UnsetIfEmpty<Text>,
}

/// A tunnel between two hosts, once per tunnel.
#[derive(Clone, Debug, Record)]
#[record(log = "tunnel")]
pub struct TunnelRecord {
    /// First packet through the tunnel.
    pub ts: Timestamp,
    /// The flow that carries it, or an id of its own for tunnels without transport.
    pub uid: Uid,
    /// Outer source.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Outer source port.
    #[record(name = "id.orig_p")]
    pub orig_p: Port,
    /// Outer destination.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Outer destination port.
    #[record(name = "id.resp_p")]
    pub resp_p: Port,
    /// `Tunnel::GRE` and the like.
    pub tunnel_type: EnumName,
    /// `Tunnel::DISCOVER`.
    pub action: EnumName,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
