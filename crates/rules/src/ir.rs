//! A rule as data: what the language means, with names resolved and numbers checked. Made by the keyword table, read by
//! the compiler. Names of Suricata's documentation (chapter "Rules") are kept.

pub use crate::notes::Notes;
pub use crate::source::Text;
use sekisho_transaction::{Fact, FrameKind};
use sekisho_types::Addr;
use std::sync::Arc;

/// What a rule does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing more is looked for in the packet, or (with `flow` in its scope) in the flow.
    Pass,
    /// As an alert; the packet would be dropped by a gate.
    Drop,
    /// As drop, and both ends (or one) would be told.
    Reject,
    /// An alert.
    Alert,
    /// A directive of `config` rules: how the flow or the exchange is to be treated.
    Config,
}

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `ip`, `any`: every packet that carries IP.
    Ip,
    /// `ipv4` or `ip4`.
    Ipv4,
    /// `ipv6` or `ip6`.
    Ipv6,
    /// `tcp`: packets and the stream.
    Tcp,
    /// `tcp-pkt`: packets alone.
    TcpPkt,
    /// `tcp-stream`: the stream alone.
    TcpStream,
    /// `udp`.
    Udp,
    /// `icmp`: version 4 and 6.
    Icmp,
    /// `icmpv4`.
    Icmpv4,
    /// `icmpv6`.
    Icmpv6,
    /// `igmp`.
    Igmp,
    /// `sctp`.
    Sctp,
    /// `ether`: every frame.
    Ether,
    /// `arp`.
    Arp,
    /// `pkthdr`: every packet, also one whose headers are broken.
    Pkthdr,
    /// An application protocol by the name that rules use. `http` stands for HTTP/1 and HTTP/2, `http1` for the former.
    App(&'static str),
}

/// Inclusive range of addresses as 128-bit numbers; IPv4 is mapped (::ffff:0:0/96).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddrRange {
    /// First.
    pub first: u128,
    /// Last.
    pub last: u128,
}

/// Addresses of a rule's head, groups and negations resolved: sorted ranges that neither touch nor overlap. `any` is all.
/// Rules that say the same share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(pub Arc<[AddrRange]>);

impl Addresses {
    /// Does it name `addr`?
    pub fn has(&self, addr: Addr) -> bool {
        self.has_number(u128::from_be_bytes(*addr.octets()))
    }

    /// As [`Self::has`], of an address as a number.
    pub fn has_number(&self, n: u128) -> bool {
        let at = self.0.partition_point(|range| range.last < n);
        self.0.get(at).is_some_and(|range| range.first <= n)
    }

    /// Is it `any`?
    pub fn is_any(&self) -> bool {
        matches!(self.0[..], [AddrRange { first: 0, last: u128::MAX }])
    }
}

/// Ports of a rule's head, as [`Addresses`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(pub Arc<[(u16, u16)]>);

impl Ports {
    /// Does it name `port`?
    pub fn has(&self, port: u16) -> bool {
        let at = self.0.partition_point(|range| range.1 < port);
        self.0.get(at).is_some_and(|range| range.0 <= port)
    }

    /// Is it `any`?
    pub fn is_any(&self) -> bool {
        matches!(self.0[..], [(0, u16::MAX)])
    }
}

/// The arrow of a rule's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// `->`
    To,
    /// `<>`: either way.
    Both,
    /// `=>`: an exchange, requests one way and responses the other; buffers of both may stand in the rule.
    Exchange,
}

/// What stands before the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol.
    pub protocol: Protocol,
    /// The hook behind a protocol's colon: `flow_start` of `tcp:flow_start`, `request_line` of `http1:request_line`.
    pub hook: Option<Box<str>>,
    /// Sender.
    pub src: Addresses,
    /// Sender's ports.
    pub src_ports: Ports,
    /// Arrow.
    pub arrow: Arrow,
    /// Receiver.
    pub dst: Addresses,
    /// Receiver's ports.
    pub dst_ports: Ports,
}

/// A number written in a rule, or the name of a variable that `byte_extract` or `byte_math` fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Int {
    /// Written.
    Number(i64),
    /// The rule's variable of that index.
    Var(u8),
}

/// How a number is compared (`>5`, `1-3`, `!2`, `&0x10`): Suricata's unsigned integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Equal.
    Eq(u64),
    /// Not equal.
    Ne(u64),
    /// Less.
    Lt(u64),
    /// Less or equal.
    Le(u64),
    /// Greater.
    Gt(u64),
    /// Greater or equal.
    Ge(u64),
    /// Strictly between, as Suricata's `a-b` and `a<>b`.
    Between(u64, u64),
    /// Outside of that.
    NotBetween(u64, u64),
    /// `&mask`: `n & mask == value`, or (negated) not.
    Mask {
        /// Bits looked at.
        mask: u64,
        /// What they must be.
        value: u64,
        /// The opposite.
        negated: bool,
    },
    /// `&mask`: any of the bits is set.
    AnyBit(u64),
}

impl Compare {
    /// Does `n` satisfy it?
    pub const fn holds(self, n: u64) -> bool {
        match self {
            Self::Eq(a) => n == a,
            Self::Ne(a) => n != a,
            Self::Lt(a) => n < a,
            Self::Le(a) => n <= a,
            Self::Gt(a) => n > a,
            Self::Ge(a) => n >= a,
            Self::Between(a, b) => n > a && n < b,
            Self::NotBetween(a, b) => n <= a || n >= b,
            Self::Mask { mask, value, negated } => (n & mask == value) != negated,
            Self::AnyBit(mask) => n & mask != 0,
        }
    }
}

/// Bytes of which rules look for content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Buffer {
    /// No buffer named: the packet's payload and, of TCP, the stream.
    Payload,
    /// `pkt_data`, `rawbytes`: the packet's payload.
    Packet,
    /// A fact of an exchange.
    Fact(Fact),
    /// `base64_data`: what `base64_decode` of the same rule gave.
    Base64,
    /// Header bytes: `ipv4.hdr`, `ipv6.hdr`, `tcp.hdr`, `udp.hdr`, `icmpv4.hdr`, `icmpv6.hdr`, `ether.hdr`, `igmp.hdr`, `arp.hdr`.
    Header(HeaderBuffer),
    /// `ip.src`, `ip.dst` as 4 or 16 bytes.
    Address {
        /// `ip.src`.
        src: bool,
    },
    /// A frame: of which protocol's flows, and which.
    Frame(&'static str, FrameKind),
}

/// Headers of a packet as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named after the headers")]
pub enum HeaderBuffer {
    Ether,
    Arp,
    Ipv4,
    Ipv6,
    Tcp,
    Udp,
    Icmpv4,
    Icmpv6,
    Igmp,
}

/// What is done to a buffer before it is looked at, in the order written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named after the keywords")]
pub enum Transform {
    CasechangeLower,
    CasechangeUpper,
    CompressWhitespace,
    Domain,
    Dotprefix,
    FromBase64 {
        bytes: Option<u32>,
        offset: u32,
        rfc2045: bool,
        strict: bool,
    },
    Gunzip {
        max_len: u32,
    },
    HeaderLowercase,
    Md5,
    Pcrexform(Box<str>),
    Sha1,
    Sha256,
    StripPseudoHeaders,
    StripWhitespace,
    Subslice {
        from: i64,
        len: Option<i64>,
    },
    Tld,
    UrlDecode,
    Xor(Box<[u8]>),
    /// The key is taken from the buffer: so many bytes at a place; what is behind `offset` is XORed with it.
    XorOwn {
        offset: u32,
        key_len: u8,
        key_offset: u32,
    },
    ZlibDeflate {
        max_len: u32,
    },
}

/// Where a step looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Not before this offset (`offset`).
    pub offset: Option<Int>,
    /// Not beyond so many bytes from there (`depth`).
    pub depth: Option<Int>,
    /// Not before so many bytes behind the match before (`distance`); may be negative.
    pub distance: Option<Int>,
    /// Ends within so many bytes behind the match before, or behind `distance` (`within`).
    pub within: Option<Int>,
    /// `startswith`.
    pub starts: bool,
    /// `endswith`.
    pub ends: bool,
}

impl Place {
    /// Does it count from the match before?
    pub const fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }
}

/// `fast_pattern` of a content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fast {
    /// Not said: the compiler chooses.
    #[default]
    Auto,
    /// `fast_pattern`.
    Yes,
    /// `fast_pattern:only`: it need not be looked at again.
    Only,
    /// `fast_pattern:offset,length`: that part of it.
    Chop(u16, u16),
}

/// `content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What is looked for; not empty.
    pub bytes: Box<[u8]>,
    /// It must not be there.
    pub negated: bool,
    /// ASCII letters match in either case.
    pub nocase: bool,
    /// Where.
    pub place: Place,
    /// For the prefilter?
    pub fast: Fast,
}

/// `pcre`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcre {
    /// Between the slashes, as written.
    pub pattern: Box<str>,
    /// It must not match.
    pub negated: bool,
    /// `i`
    pub nocase: bool,
    /// `s`
    pub dot_all: bool,
    /// `m`
    pub multi_line: bool,
    /// `x`
    pub extended: bool,
    /// `A`
    pub anchored: bool,
    /// `E`
    pub dollar_end: bool,
    /// `G`
    pub ungreedy: bool,
    /// `R`: from the end of the match before.
    pub relative: bool,
    /// `flow:NAME`, `pkt:NAME`, `alert:NAME` behind it: captures go into these.
    pub captures: Vec<(CaptureTo, Box<str>)>,
}

/// Where a capture goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum CaptureTo {
    Flow,
    Packet,
    Alert,
}

/// How digits in a payload are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Bytes, big endian.
    Big,
    /// Bytes, little endian.
    Little,
    /// `dce`: as the PDU at hand says.
    Dce,
    /// Text in this base: 8, 10 or 16.
    Text(u8),
}

/// Comparison of `byte_test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the signs")]
pub enum ByteOp {
    Lt,
    Gt,
    Eq,
    Le,
    Ge,
    And,
    Xor,
}

/// Arithmetic of `byte_math`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the signs")]
pub enum MathOp {
    Add,
    Sub,
    Mul,
    Div,
    ShiftLeft,
    ShiftRight,
}

/// Where a `byte_` keyword reads, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Bytes (or digits) read.
    pub len: Int,
    /// From here on.
    pub offset: Int,
    /// `offset` counts from the end of the match before.
    pub relative: bool,
    /// How.
    pub number: Number,
    /// Taken with the result, which is shifted right by the mask's trailing zeros.
    pub bitmask: Option<u64>,
}

/// One thing that is looked for in a buffer; those of a buffer are looked at in order, with backtracking over where a
/// content may match, as Suricata does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `content`.
    Content(Content),
    /// `pcre`.
    Pcre(Pcre),
    /// `byte_test`.
    ByteTest {
        /// What is read.
        read: Read,
        /// The comparison.
        op: ByteOp,
        /// `!` before the sign.
        negated: bool,
        /// Against.
        value: Int,
    },
    /// `byte_jump`.
    ByteJump {
        /// What is read; 0 bytes: nothing.
        read: Read,
        /// Times.
        multiplier: u32,
        /// Rounded up to 4 bytes.
        align: bool,
        /// From the buffer's beginning.
        from_beginning: bool,
        /// From its end.
        from_end: bool,
        /// Added at last.
        post_offset: Int,
    },
    /// `byte_extract`.
    ByteExtract {
        /// What is read.
        read: Read,
        /// Into this variable.
        var: u8,
        /// Times.
        multiplier: u32,
        /// Rounded up to 2 or 4 bytes; 0: not.
        align: u8,
    },
    /// `byte_math`.
    ByteMath {
        /// What is read.
        read: Read,
        /// Sign.
        op: MathOp,
        /// Right-hand side.
        value: Int,
        /// Into this variable.
        var: u8,
    },
    /// `isdataat`.
    IsDataAt {
        /// So many bytes.
        offset: Int,
        /// Behind the match before.
        relative: bool,
        /// There must be none.
        negated: bool,
    },
    /// `bsize`, `urilen`: how long the buffer is.
    Size(Compare),
    /// `absent`: there is no such buffer; `or_else`: or it is as the other steps say.
    Absent {
        /// `absent:or_else`.
        or_else: bool,
    },
    /// `entropy`: bits per byte, in thousandths.
    Entropy(Compare),
    /// `base64_decode`: what it gives is [`Buffer::Base64`].
    Base64Decode {
        /// At most so many bytes of text; 0: all.
        bytes: u32,
        /// From here on.
        offset: u32,
        /// Behind the match before.
        relative: bool,
    },
    /// `dataset`, `datarep`: the buffer is (not) in a set, by its place in the rule set's list of sets.
    Dataset {
        /// Which.
        set: u16,
        /// What is asked or done.
        op: DatasetOp,
    },
    /// A number: `dns.opcode:>3`, `mqtt.type:CONNECT`. The buffer is a fact of kind number.
    Number(Compare),
    /// A number (or one of several) is in one of these ranges, ends included: `dcerpc.opnum:1,5-7`.
    NumberIn(Box<[(u64, u64)]>),
    /// Numbers, with which of them count.
    Numbers {
        /// Comparison.
        compare: Compare,
        /// Which.
        which: Which,
        /// Only the items from the first offset to before the second (counted from the end if negative) are looked at; if one
        /// of them is out of bounds, none.
        slice: Option<(i32, i32)>,
    },
}

/// Which of several numbers (or strings) have to satisfy a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One of them.
    Any,
    /// One of them, or there are none: `or_absent`.
    AnyOrAbsent,
    /// Each; with none of them it does not hold.
    All,
    /// Each, or there are none.
    AllOrAbsent,
    /// That one, from 0; from the end if negative.
    Index(i32),
    /// That one, or there is none at that place: `oob_or`.
    IndexOrBeyond(i32),
    /// So many of them: `nb>3`.
    Matching(Compare),
    /// So many of them: the number that is compared is their count.
    Count,
}

/// What is done with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetOp {
    /// Is it in?
    IsSet,
    /// Is it not?
    IsNotSet,
    /// Put it in; matches if it was not.
    Set,
    /// Take it out; matches if it was.
    Unset,
    /// `datarep`: its reputation is so.
    Reputation(Compare),
}

/// Everything that is looked for in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferMatch {
    /// Where.
    pub buffer: Buffer,
    /// What is done to it first.
    pub transforms: Vec<Transform>,
    /// What is looked for, in order.
    pub steps: Vec<Step>,
    /// In a rule with the arrow `=>`: of the exchange's request (true) or response; `None`: follows from the buffer.
    pub request: Option<bool>,
}

/// Conditions about the packet, its flow and its hosts, cheap ones: in no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `flow`.
    Flow(FlowCondition),
    /// `dsize`.
    PayloadLen(Compare),
    /// `ttl`.
    Ttl(Compare),
    /// `id`.
    IpId(u16),
    /// `ip_proto`.
    IpProto(Compare),
    /// `sameip`.
    SameIp,
    /// `ipopts`.
    IpOption(IpOption),
    /// `fragbits`.
    FragBits(BitTest),
    /// `fragoffset`.
    FragOffset(Compare),
    /// `tos`.
    Tos {
        /// The field.
        value: u8,
        /// Is not that.
        negated: bool,
    },
    /// `tcp.flags`.
    TcpFlags(BitTest),
    /// `seq`.
    TcpSeq(u32),
    /// `ack`.
    TcpAck(u32),
    /// `window`, `tcp.window`.
    TcpWindow(Compare),
    /// `tcp.mss`.
    TcpMss(Compare),
    /// `tcp.wscale`.
    TcpWindowScale(Compare),
    /// `itype`.
    IcmpType(Compare),
    /// `icode`.
    IcmpCode(Compare),
    /// `icmp_id`.
    IcmpId(u16),
    /// `icmp_seq`.
    IcmpSeq(u16),
    /// `icmpv6.mtu`.
    Icmpv6Mtu(Compare),
    /// `igmp.type`.
    IgmpType(Compare),
    /// `ipv4-csum` and the like: the checksum of that protocol is right (true) or wrong.
    Checksum(HeaderBuffer, bool),
    /// `tcpv6-csum`, `udpv6-csum`.
    ChecksumV6(HeaderBuffer, bool),
    /// `decode-event`, `stream-event`: the event's full name.
    PacketEvent(Box<str>),
    /// `app-layer-event`: protocol and name; without a name any, as `applayer_mismatch_protocol_both_directions`.
    AppEvent(Box<str>, Box<str>),
    /// `app-layer-protocol`.
    AppProtocol {
        /// Which, `failed` and `unknown` too.
        name: Box<str>,
        /// Is not that.
        negated: bool,
        /// Of which direction: `toserver`, `toclient`, `either`, `both`, `final`, `original`; `""`: as Suricata's default.
        mode: Box<str>,
    },
    /// `flow.age`, in seconds.
    FlowAge(Compare),
    /// `flow.pkts`: of client, of server, of either.
    FlowPkts(Side, Compare),
    /// `flow.bytes`.
    FlowBytes(Side, Compare),
    /// `stream_size`.
    StreamSize(Side, Compare),
    /// `flow.elephant`.
    FlowElephant(Side),
    /// `flowbits`: `isset` of any of them, or `isnotset` of all.
    FlowBits {
        /// Places in the rule set's list of names.
        bits: Vec<u16>,
        /// `isnotset`.
        negated: bool,
    },
    /// `flowint` as a question.
    FlowInt {
        /// Place in the rule set's list of names.
        var: u16,
        /// The question.
        ask: FlowIntAsk,
    },
    /// `hostbits`, `xbits`.
    XBits {
        /// Of what.
        track: Track,
        /// Place in the rule set's list of names.
        bit: u16,
        /// `isnotset`.
        negated: bool,
    },
    /// `iprep`.
    IpRep {
        /// Which end.
        side: RepSide,
        /// Category by its short name.
        category: Box<str>,
        /// Comparison.
        compare: Compare,
    },
    /// `geoip`.
    GeoIp {
        /// Which end.
        side: RepSide,
        /// Countries' two letters.
        countries: Vec<[u8; 2]>,
        /// None of them.
        negated: bool,
    },
    /// `vlan.id`, with which layer.
    VlanId(Option<i8>, Compare),
    /// `vlan.layers`.
    VlanLayers(Compare),
    /// `ssl_state`, `ssl_version`: bits of facts; see the keyword table.
    TlsVersion {
        /// Versions as on the wire.
        versions: Vec<u16>,
        /// None of them.
        negated: bool,
    },
    /// `tls_cert_expired` (true): the certificate's end is before the packet's time; `tls_cert_valid`: packet time is within both ends.
    CertExpired(bool),
    /// `file.*` about the file at hand.
    File(FileCondition),
    /// `ftpbounce`.
    FtpBounce,
    /// `asn1`.
    Asn1(Box<str>),
    /// `rpc`: program, version and procedure of ONC RPC, each may be any.
    Rpc(u32, Option<u32>, Option<u32>),
    /// `dcerpc.iface`: UUID with version.
    DceIface {
        /// UUID in network order.
        uuid: [u8; 16],
        /// Version.
        version: Option<Compare>,
        /// `any_frag`.
        any_frag: bool,
    },
}

/// About a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCondition {
    /// `filename`, `fileext`: the name contains (ends with) it.
    Name {
        /// What.
        text: Box<[u8]>,
        /// Is an extension: after the last dot, whole.
        ext: bool,
        /// Not that.
        negated: bool,
    },
    /// `filemagic`: the description contains it.
    Magic {
        /// What.
        text: Box<[u8]>,
        /// Not that.
        negated: bool,
    },
    /// `filesize`.
    Size(Compare),
    /// `filemd5`, `filesha1`, `filesha256`: the digest is in a list (by its place in the rule set's list of hash lists).
    Hash {
        /// 16, 20 or 32 bytes.
        len: u8,
        /// Which list.
        list: u16,
        /// Not in it.
        negated: bool,
    },
    /// There is a file at all (what `filestore` asks).
    Any,
}

/// Which end an address keyword is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum RepSide {
    Any,
    Src,
    Dst,
    Both,
}

/// Which end of a flow is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum Side {
    ToServer,
    ToClient,
    Either,
    Both,
}

/// Set bits of a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitTest {
    /// Bits named.
    pub bits: u8,
    /// Bits that do not matter.
    pub ignore: u8,
    /// How.
    pub mode: BitMode,
}

/// How bits are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitMode {
    /// These and no others.
    Exact,
    /// `+`: these and maybe others.
    All,
    /// `*`: any of them.
    Any,
    /// `!`: not these.
    Not,
}

/// `ipopts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum IpOption {
    Any,
    Rr,
    Eol,
    Nop,
    Ts,
    Sec,
    Esec,
    Lsrr,
    Ssrr,
    Satid,
    Qs,
    Cipso,
    Rtralt,
}

/// `flow`: every set field has to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCondition {
    /// `to_server`, `from_client`: true; `to_client`: false.
    pub to_server: Option<bool>,
    /// `established`: true; `not_established`: false.
    pub established: Option<bool>,
    /// `stateless`.
    pub stateless: bool,
    /// `only_stream`: true; `no_stream`: false.
    pub stream: Option<bool>,
    /// `only_frag`: true; `no_frag`: false.
    pub frag: Option<bool>,
}

/// A question to a `flowint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowIntAsk {
    /// Comparison with a number.
    Compare(Compare),
    /// With another variable.
    Var(FlowIntSign, u16),
    /// `isset`, or `notset`.
    IsSet(bool),
}

/// How two variables are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the signs")]
pub enum FlowIntSign {
    Lt,
    Le,
    Eq,
    Ne,
    Ge,
    Gt,
}

/// What something is counted or remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// Source address.
    BySrc,
    /// Destination address.
    ByDst,
    /// Both, either way.
    ByBoth,
    /// The rule.
    ByRule,
    /// The flow.
    ByFlow,
    /// The exchange.
    ByTx,
}

/// What a rule does besides its action when it has matched, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `flowbits:set`, `unset`, `toggle`.
    FlowBit(BitChange, u16),
    /// `flowint:NAME,=,N` and the like.
    FlowInt {
        /// Place in the rule set's list of names.
        var: u16,
        /// Sign: `=`, `+` or `-`.
        sign: u8,
        /// Right-hand side.
        value: FlowIntValue,
    },
    /// `xbits`, `hostbits`.
    XBit {
        /// Of what.
        track: Track,
        /// What.
        change: BitChange,
        /// Which.
        bit: u16,
        /// Seconds that it lasts.
        expire: u32,
    },
    /// `tag`.
    Tag {
        /// The flow, else a host.
        session: bool,
        /// Of the host: the source's.
        src: bool,
        /// How much.
        count: u32,
        /// Of what.
        metric: TagMetric,
    },
    /// `filestore`.
    FileStore {
        /// All files of the direction: `request`, `response`, `both` (`None`: that of the match).
        dir: Option<Box<str>>,
        /// `file`, `tx`, `flow`.
        scope: Box<str>,
    },
    /// `bypass`: the flow is not looked at any further.
    Bypass,
    /// `replace`: a gate would put other bytes; kept as written.
    Replace(Box<[u8]>),
    /// What a `config` rule sets: subsystem, type, scope: as written.
    Config(Box<str>),
}

/// A flowint's right-hand side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a number, or another variable's place")]
pub enum FlowIntValue {
    Number(u32),
    Var(u16),
}

/// A change of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum BitChange {
    Set,
    Unset,
    Toggle,
}

/// What a `tag` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum TagMetric {
    Packets,
    Seconds,
    Bytes,
}

/// `threshold`, `detection_filter`, and what a threshold file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What happens.
    pub kind: ThresholdKind,
    /// By what.
    pub track: Track,
    /// Matches.
    pub count: u32,
    /// Within so many seconds.
    pub seconds: u32,
    /// `backoff`'s multiplier.
    pub multiplier: u32,
    /// `rate_filter`: the action then.
    pub new_action: Option<Action>,
    /// `rate_filter`: seconds that it lasts.
    pub timeout: u32,
    /// `unique_on` of a detection filter: only different `src_port`s or `dst_port`s count.
    pub unique_on: Option<Box<str>>,
    /// `suppress`: for these addresses.
    pub addresses: Option<Addresses>,
}

/// Kinds of thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum ThresholdKind {
    Limit,
    Threshold,
    Both,
    Backoff,
    DetectionFilter,
    RateFilter,
    Suppress,
}

/// What a rule says about itself; [`Rule::msg`], [`Rule::references`] and [`Rule::metadata`] say the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// `classtype`'s short name; `""`: none.
    pub classtype: Arc<str>,
    /// Description of the class.
    pub category: Arc<str>,
    /// `priority`, or the class's; 3 if neither is known.
    pub priority: u8,
    /// `target`: true: the source is the target.
    pub target_is_src: Option<bool>,
    /// What it tells readers.
    pub notes: Notes,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Generator; 1 unless said.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// What it does.
    pub action: Action,
    /// The part of its action behind a colon (`accept:flow`, `drop:packet`), if any.
    pub scope: Option<Box<str>>,
    /// Who. Rules that say the same share it.
    pub header: Arc<Header>,
    /// About packet, flow, hosts.
    pub conditions: Vec<Condition>,
    /// What is looked for in buffers; several of one buffer are one entry unless a list's entries are meant one by one.
    pub matches: Vec<BufferMatch>,
    /// What it does besides.
    pub effects: Vec<Effect>,
    /// Its thresholds.
    pub thresholds: Vec<Threshold>,
    /// `noalert`.
    pub silent: bool,
    /// `prefilter` stands behind a condition: the prefilter may use that.
    pub prefilter: bool,
    /// Of a rule with the arrow `=>`: its files are those of the request (true) or of the response.
    pub file_request: Option<bool>,
    /// Variables that `byte_extract` and `byte_math` fill.
    pub var_count: u8,
    /// What it says about itself.
    pub meta: Meta,
    /// Text of the rule, for alerts that show it and for explanations.
    pub text: Text,
}

impl Rule {
    /// Whom a `reject` rule would tell, as events have it.
    pub fn rejects(&self) -> &'static str {
        let word = self.text.split(|c: char| c.is_ascii_whitespace() || c == ':').next().unwrap_or("");
        match word.to_ascii_lowercase().as_str() {
            "rejectdst" => "to_server",
            "rejectboth" => "both",
            _ => "to_client",
        }
    }

    /// Does it say that the exchange it matches is not logged (`config:logging disable, type tx, scope tx`)?
    pub fn unlogs(&self) -> bool {
        let says =
            |text: &str, what: &str| text.split(',').any(|part| part.split_ascii_whitespace().eq(what.split(' ')));
        let disables = |text: &str| says(text, "logging disable") && says(text, "type tx");
        self.effects.iter().any(|effect| matches!(effect, Effect::Config(text) if disables(text)))
    }
}

/// A set of rules with what they share.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// The rules, in the order of evaluation: action, then `flowbits` set before they are asked for, then priority.
    pub rules: Vec<Rule>,
    /// Names of flow bits.
    pub flow_bits: Vec<Box<str>>,
    /// Names of flow integers.
    pub flow_ints: Vec<Box<str>>,
    /// Names of host and pair bits.
    pub x_bits: Vec<Box<str>>,
    /// Data sets.
    pub datasets: Vec<Dataset>,
    /// Lists of file digests, decoded.
    pub hash_lists: Vec<Vec<Box<[u8]>>>,
    /// Thresholds of a threshold file: generator and signature (0: all), with what.
    pub global_thresholds: Vec<(u32, u32, Threshold)>,
}

/// An entry of a data set: decoded, with a reputation or a JSON text of context.
pub type Entry = (Box<[u8]>, Option<Box<str>>);

/// A data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name.
    pub name: Box<str>,
    /// Kind.
    pub kind: DatasetKind,
    /// What is in it at the beginning, decoded; with a reputation, or a JSON text of context.
    pub entries: Vec<Entry>,
    /// Entries at most.
    pub memcap: u64,
    /// Key under which an alert shows the context of a JSON set.
    pub context_key: Option<Box<str>>,
    /// `match subdomain`: a name is in the set if it, or a domain above it, is.
    pub subdomains: bool,
}

/// What a data set's entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the words in rules")]
pub enum DatasetKind {
    String,
    Md5,
    Sha256,
    Ipv4,
    Ip,
}
