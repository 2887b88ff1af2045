use sekisho_types::{Interval, Subnet, ip_proto};

/// Which copy of a byte counts when two segments, or two fragments, carry it with different values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// The copy that came first, as Zeek does.
    #[default]
    First,
    /// The copy that came last. Bytes that were already delivered stay as they were.
    Last,
}

/// Whose reckoning of flows is followed where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Zeek's.
    #[default]
    Zeek,
    /// Suricata's: SCTP has ports, ESP is told apart by its SPI (whose halves stand for ports), and a SYN begins another
    /// flow only once the one at hand is closing. Nobody writes rows then, so flows have no community id: events that tell
    /// it reckon it themselves, with their own seed.
    Suricata,
}

/// After how much packet time without activity a flow ends, by protocol and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, established or seen midstream.
    pub tcp: Interval,
    /// UDP.
    pub udp: Interval,
    /// ICMP.
    pub icmp: Interval,
    /// Other IP protocols.
    pub other: Interval,
    /// TCP: an initial SYN without any answer.
    pub tcp_attempt: Interval,
    /// TCP: from a complete close to removal.
    pub tcp_close: Interval,
    /// TCP: when a half-closed connection counts as quiet.
    pub tcp_linger: Interval,
    /// TCP: first look at a connection whether it is dead.
    pub tcp_syn: Interval,
    /// TCP: between later looks.
    pub tcp_session: Interval,
    /// Question-and-answer flows over UDP: between looks whether they are quiet.
    pub exchange_look: Interval,
    /// Question-and-answer flows over UDP: when they count as quiet.
    pub exchange_idle: Interval,
    /// Of all but TCP: a packet that comes so long after the one before it, while the other end was not heard, begins
    /// another flow; `None`: only the timeouts of protocols count.
    pub unanswered: Option<Interval>,
    /// Fragments of a datagram that never becomes whole.
    pub fragment: Interval,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp: Interval::from_secs(300),
            udp: Interval::from_secs(60),
            icmp: Interval::from_secs(60),
            other: Interval::from_secs(60),
            tcp_attempt: Interval::from_secs(5),
            tcp_close: Interval::from_secs(5),
            tcp_linger: Interval::from_secs(5),
            tcp_syn: Interval::from_secs(5),
            tcp_session: Interval::from_secs(6),
            exchange_look: Interval::from_secs(10),
            exchange_idle: Interval::from_secs(9),
            unanswered: None,
            fragment: Interval::from_secs(60),
        }
    }
}

/// Bounds of every table and pool; each is counted in [`crate::Stats`] when it bites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live flows; beyond, the oldest idle ones are evicted.
    pub flow_count: usize,
    /// Out-of-order bytes kept by one direction of one flow, as allocated.
    pub flow_reassembly_len: usize,
    /// Out-of-order bytes kept by all flows, as allocated.
    pub reassembly_len: usize,
    /// Separate out-of-order pieces kept by one direction.
    pub segment_count: usize,
    /// Out-of-order bytes above a hole after which the hole is given up, if no acknowledgement of that
    /// direction was ever seen.
    pub unacked_hole_len: usize,
    /// How far beyond the next expected byte data may lie; further out it is ignored.
    pub window_len: u64,
    /// Datagrams under defragmentation.
    pub fragment_datagram_count: usize,
    /// Memory for the fragments of all datagrams: their bytes, headers and what keeps them.
    pub fragment_len: usize,
    /// Fragments of one datagram.
    pub fragment_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flow_count: 1 << 18,
            flow_reassembly_len: 4 << 20,
            reassembly_len: 128 << 20,
            segment_count: 4096,
            unacked_hole_len: 512 << 10,
            window_len: 1 << 30,
            fragment_datagram_count: 4096,
            fragment_len: 16 << 20,
            fragment_count: 1024,
        }
    }
}

/// How the flow table behaves; the default behaves as Zeek 8.2 does.
#[derive(Clone, Debug)]
pub struct Config {
    /// Seed of uids and hash tables.
    pub seed: u64,
    /// Networks whose hosts are local.
    pub home_nets: Vec<Subnet>,
    /// Ports (IP protocol, port) whose owner is likely the responder.
    pub likely_servers: Vec<(u8, u16)>,
    /// UDP ports of question-and-answer protocols, whose flows end soon after the last answer.
    pub exchanges: Vec<u16>,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Bounds.
    pub limits: Limits,
    /// What to do with overlapping TCP data.
    pub overlap: OverlapPolicy,
    /// What a flow is.
    pub manner: Manner,
    /// Tell of the bursts of connections ([`crate::Sink::bursts`]).
    pub bursts: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            home_nets: home_nets_default(),
            likely_servers: likely_servers_default(),
            exchanges: EXCHANGES.to_vec(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            overlap: OverlapPolicy::First,
            manner: Manner::Zeek,
            bursts: false,
        }
    }
}

/// Address space that no one owns on the public Internet (the IANA special-purpose registries), with
/// its 6to4 forms: what Zeek takes as local by default.
const PRIVATE_NETS: &[&str] = &[
    "0.0.0.0/8",
    "2002::/24",
    "10.0.0.0/8",
    "2002:a00::/24",
    "100.64.0.0/10",
    "2002:6440::/26",
    "127.0.0.0/8",
    "2002:7f00::/24",
    "169.254.0.0/16",
    "2002:a9fe::/32",
    "172.16.0.0/12",
    "2002:ac10::/28",
    "192.0.0.0/24",
    "2002:c000::/40",
    "192.0.2.0/24",
    "2002:c000:200::/40",
    "192.168.0.0/16",
    "2002:c0a8::/32",
    "224.0.0.0/24",
    "239.0.0.0/8",
    "198.18.0.0/15",
    "2002:c612::/31",
    "198.51.100.0/24",
    "2002:c633:6400::/40",
    "203.0.113.0/24",
    "2002:cb00:7100::/40",
    "240.0.0.0/4",
    "2002:f000::/20",
    "255.255.255.255/32",
    "2002:ffff:ffff::/48",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:2::/48",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
];

/// The default of [`Config::home_nets`].
pub fn home_nets_default() -> Vec<Subnet> {
    PRIVATE_NETS.iter().filter_map(|s| s.parse().ok()).collect()
}

/// TCP ports of the protocols that Zeek's default scripts register as likely servers.
const TCP_SERVERS: &[u16] = &[
    21, 22, 25, 53, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614, 631, 636, 989, 990, 992,
    993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 6666, 6667, 6668, 6669, 8000, 8080,
    8888, 20000,
];

/// The same for UDP.
const UDP_SERVERS: &[u16] = &[
    53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3544, 4789, 5060, 5072, 5353, 5355, 6081,
    20000,
];

/// The default of [`Config::exchanges`]: the ports of DNS and its relatives.
const EXCHANGES: &[u16] = &[53, 137, 5353, 5355];

/// The default of [`Config::likely_servers`].
pub fn likely_servers_default() -> Vec<(u8, u16)> {
    let tcp = TCP_SERVERS.iter().map(|&p| (ip_proto::TCP, p));
    tcp.chain(UDP_SERVERS.iter().map(|&p| (ip_proto::UDP, p))).collect()
}

/// One bit per port.
#[derive(Clone, Debug)]
pub(crate) struct PortSet(Box<[u64; 1024]>);

impl PortSet {
    /// The ports of `list` that belong to `proto`.
    pub(crate) fn new(list: &[(u8, u16)], proto: u8) -> Self {
        let mut bits = Box::new([0u64; 1024]);
        for &(p, port) in list {
            if p == proto
                && let Some(word) = bits.get_mut(usize::from(port >> 6))
            {
                *word |= 1 << (port & 63);
            }
        }
        Self(bits)
    }

    pub(crate) fn contains(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|w| w >> (port & 63) & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_private_net() {
        assert_eq!(home_nets_default().len(), PRIVATE_NETS.len());
        let local = |a: &str| home_nets_default().iter().any(|n| n.contains(a.parse().unwrap()));
        for a in [
            "10.1.2.3",
            "192.168.9.9",
            "100.64.0.1",
            "224.0.0.251",
            "239.255.255.250",
            "169.254.3.4",
            "fe80::1",
            "fd00::1",
            "::1",
            "240.0.0.1",
        ] {
            assert!(local(a), "{a}");
        }
        for a in ["8.8.8.8", "237.0.0.1", "2600::1", "ff02::1", "172.32.0.1"] {
            assert!(!local(a), "{a}");
        }
    }

    #[test]
    fn port_sets_keep_protocols_apart() {
        let list = likely_servers_default();
        let (tcp, udp) = (PortSet::new(&list, ip_proto::TCP), PortSet::new(&list, ip_proto::UDP));
        assert!(tcp.contains(443) && tcp.contains(22) && !tcp.contains(67) && !tcp.contains(0));
        assert!(udp.contains(67) && !udp.contains(68) && !udp.contains(22) && !udp.contains(65535));
    }
}
