//! The event about the run itself: `stats`.

use sekisho_transaction::Json;
use std::collections::BTreeMap;

/// Seconds of packet time between two events unless the configuration says otherwise, as in Suricata.
pub const STATS_SECS: u32 = 8;

/// Names of odd things that are counted; there are fewer.
const EVENT_COUNT_MAX: usize = 1 << 10;

/// What the events of the run itself tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsSettings {
    /// Seconds of packet time between two of them: `stats.interval`.
    pub secs: u32,
    /// What was odd about packets: `stats.decoder-events`.
    pub decoder_events: bool,
    /// What was odd about TCP: `stats.stream-events`.
    pub stream_events: bool,
    /// What became of the rules, if there are any.
    pub rules: Option<RuleCounts>,
}

impl Default for StatsSettings {
    fn default() -> Self {
        Self { secs: STATS_SECS, decoder_events: true, stream_events: false, rules: None }
    }
}

/// What became of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Are in use.
    pub loaded: u64,
    /// Cannot be used.
    pub failed: u64,
    /// Were left out because of what they require.
    pub skipped: u64,
}

macro_rules! layers {
    ($($variant:ident $name:literal,)*) => {
        /// What packets are counted by, by the names of the event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "named after the members of the event")]
        pub enum Layer { $($variant,)* }

        impl Layer {
            /// All, in alphabetical order.
            const ALL: &[(Self, &str)] = &[$((Self::$variant, $name),)*];
        }
    };
}

layers! {
    Arp "arp",
    Chdlc "chdlc",
    Esp "esp",
    Ethernet "ethernet",
    Geneve "geneve",
    Gre "gre",
    Icmpv4 "icmpv4",
    Icmpv6 "icmpv6",
    Igmp "igmp",
    Invalid "invalid",
    Ipv4 "ipv4",
    Ipv4InIpv4 "ipv4_in_ipv4",
    Ipv4InIpv6 "ipv4_in_ipv6",
    Ipv6 "ipv6",
    Ipv6InIpv4 "ipv6_in_ipv4",
    Ipv6InIpv6 "ipv6_in_ipv6",
    Null "null",
    Ppp "ppp",
    Raw "raw",
    Sctp "sctp",
    Sll "sll",
    Sll2 "sll2",
    Tcp "tcp",
    Teredo "teredo",
    Udp "udp",
    UnknownEthertype "unknown_ethertype",
    Vlan "vlan",
    VlanQinq "vlan_qinq",
    Vxlan "vxlan",
}

/// Transports that flows are counted by.
const TRANSPORTS: [&str; 4] = ["icmpv4", "icmpv6", "tcp", "udp"];

/// What a part of a run counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// By [`Layer`].
    layers: [u64; Layer::ALL.len()],
    /// Bytes of the longest frame.
    pub longest: u64,
    /// What was odd, by the names of rules.
    events: BTreeMap<&'static str, u64>,
    /// Flows and exchanges of protocols.
    apps: BTreeMap<&'static str, [u64; 2]>,
    /// Flows begun, by transport.
    flows: [u64; TRANSPORTS.len()],
    /// Flows begun, and those that ended.
    pub flows_begun: u64,
    /// See `flows_begun`.
    pub flows_ended: u64,
    /// Fragments and datagrams put together, of IPv4 and IPv6.
    pub fragments: [u64; 2],
    /// See `fragments`.
    pub datagrams: [u64; 2],
    /// TCP segments with SYN, with SYN and ACK, with RST.
    pub syns: u64,
    /// See `syns`.
    pub synacks: u64,
    /// See `syns`.
    pub rsts: u64,
    /// Connections that began before the capture.
    pub midstream: u64,
    /// Alerts told.
    pub alerts: u64,
    /// Alerts that thresholds and suppressions kept back.
    pub alerts_suppressed: u64,
    /// Alerts beyond those that one packet may have.
    pub alerts_cut: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            layers: [0; Layer::ALL.len()],
            longest: 0,
            events: BTreeMap::new(),
            apps: BTreeMap::new(),
            flows: [0; TRANSPORTS.len()],
            flows_begun: 0,
            flows_ended: 0,
            fragments: [0; 2],
            datagrams: [0; 2],
            syns: 0,
            synacks: 0,
            rsts: 0,
            midstream: 0,
            alerts: 0,
            alerts_suppressed: 0,
            alerts_cut: 0,
        }
    }
}

/// What the pass counts anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Seconds of packet time since the first packet.
    pub uptime: u64,
    /// Frames.
    pub packets: u64,
    /// Their bytes, as captured.
    pub bytes: u64,
}

fn sum<const N: usize>(to: &mut [u64; N], from: &[u64; N]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

impl Counts {
    /// A packet has that.
    pub fn layer(&mut self, layer: Layer) {
        if let Some(count) = self.layers.get_mut(layer as usize) {
            *count += 1;
        }
    }

    /// Something is odd, by the name that rules have for it.
    pub fn event(&mut self, name: &'static str) {
        if self.events.len() < EVENT_COUNT_MAX {
            *self.events.entry(name).or_default() += 1;
        }
    }

    /// A flow begins, over that transport by the event's name.
    pub fn flow(&mut self, transport: &str) {
        self.flows_begun += 1;
        let place = TRANSPORTS.iter().position(|name| *name == transport);
        if let Some(count) = place.and_then(|n| self.flows.get_mut(n)) {
            *count += 1;
        }
    }

    /// A flow of a protocol ends, which had so many exchanges.
    pub fn app(&mut self, app: &str, is_tcp: bool, tx_count: u64) {
        if let Some(name) = app_name(app, is_tcp) {
            let [flows, exchanges] = self.apps.entry(name).or_default();
            *flows += 1;
            *exchanges += tx_count;
        }
    }

    /// Adds what another part counted.
    pub fn add(&mut self, other: &Self) {
        let Self { layers, longest, events, apps, flows, flows_begun, flows_ended, fragments, datagrams, .. } = other;
        let Self { syns, synacks, rsts, midstream, alerts, alerts_suppressed, alerts_cut, .. } = other;
        sum(&mut self.layers, layers);
        self.longest = self.longest.max(*longest);
        events.iter().for_each(|(name, n)| *self.events.entry(name).or_default() += n);
        apps.iter().for_each(|(name, counts)| sum(self.apps.entry(name).or_default(), counts));
        sum(&mut self.flows, flows);
        self.flows_begun += flows_begun;
        self.flows_ended += flows_ended;
        sum(&mut self.fragments, fragments);
        sum(&mut self.datagrams, datagrams);
        self.syns += syns;
        self.synacks += synacks;
        self.rsts += rsts;
        self.midstream += midstream;
        self.alerts += alerts;
        self.alerts_suppressed += alerts_suppressed;
        self.alerts_cut += alerts_cut;
    }

    /// Writes the member `stats`.
    pub fn write(&self, settings: &StatsSettings, totals: &Totals, json: &mut Json<'_>) {
        json.object("stats", |json| {
            json.number("uptime", totals.uptime);
            json.object("decoder", |json| self.decoder(settings, totals, json));
            json.object("tcp", |json| {
                json.number("syn", self.syns);
                json.number("synack", self.synacks);
                json.number("rst", self.rsts);
                json.number("midstream_pickups", self.midstream);
            });
            if settings.stream_events {
                json.object("stream", |json| self.events_of("stream", json));
            }
            json.object("flow", |json| {
                json.number("total", self.flows_begun);
                json.number("active", self.flows_begun.saturating_sub(self.flows_ended));
                TRANSPORTS.iter().zip(self.flows).for_each(|(name, n)| json.number(name, n));
            });
            json.object("defrag", |json| {
                for ((name, fragments), datagrams) in ["ipv4", "ipv6"].iter().zip(self.fragments).zip(self.datagrams) {
                    json.object(name, |json| {
                        json.number("fragments", fragments);
                        json.number("reassembled", datagrams);
                    });
                }
            });
            if let Some(rules) = settings.rules {
                json.object("detect", |json| self.detect(rules, json));
            }
            json.object("app_layer", |json| {
                let apps = |json: &mut Json<'_>, of: fn(&[u64; 2]) -> u64| {
                    self.apps.iter().for_each(|(name, counts)| json.number(name, of(counts)));
                };
                json.object("flow", |json| apps(json, |[flows, _]| *flows));
                json.object("tx", |json| {
                    let known = self.apps.iter().filter(|(name, _)| !name.starts_with("failed"));
                    known.for_each(|(name, [_, exchanges])| json.number(name, *exchanges));
                });
            });
        });
    }

    fn decoder(&self, settings: &StatsSettings, totals: &Totals, json: &mut Json<'_>) {
        json.number("pkts", totals.packets);
        json.number("bytes", totals.bytes);
        json.number("avg_pkt_size", totals.bytes.checked_div(totals.packets).unwrap_or(0));
        json.number("max_pkt_size", self.longest);
        Layer::ALL.iter().zip(self.layers).for_each(|((_, name), n)| json.number(name, n));
        if settings.decoder_events {
            json.object("event", |json| {
                let mut last = "stream";
                // Names are sorted, so those of a header stand together.
                for name in self.events.keys() {
                    let group = name.split('.').next().unwrap_or("");
                    if group != last && group != "stream" {
                        json.object(group, |json| self.events_of(group, json));
                    }
                    last = group;
                }
            });
        }
    }

    /// What was odd about one kind of header.
    fn events_of(&self, group: &str, json: &mut Json<'_>) {
        for (name, n) in &self.events {
            if let Some(name) = name.strip_prefix(group).and_then(|rest| rest.strip_prefix('.')) {
                json.number(name, *n);
            }
        }
    }

    fn detect(&self, rules: RuleCounts, json: &mut Json<'_>) {
        json.list("engines", |json| {
            json.item(|json| {
                json.number("id", 0);
                json.number("rules_loaded", rules.loaded);
                json.number("rules_failed", rules.failed);
                json.number("rules_skipped", rules.skipped);
            });
        });
        json.number("alert", self.alerts);
        json.number("alert_queue_overflow", self.alerts_cut);
        json.number("alerts_suppressed", self.alerts_suppressed);
    }
}

/// Protocols that go over one transport, and those that go over TCP and UDP, with the names that the event has for each.
const APPS: &[(&str, [&str; 2])] = &[
    ("bittorrent-dht", ["bittorrent_dht"; 2]),
    ("dcerpc", ["dcerpc_tcp", "dcerpc_udp"]),
    ("dhcp", ["dhcp"; 2]),
    ("dnp3", ["dnp3"; 2]),
    ("dns", ["dns_tcp", "dns_udp"]),
    ("doh2", ["doh2"; 2]),
    ("enip", ["enip_tcp", "enip_udp"]),
    ("failed", ["failed_tcp", "failed_udp"]),
    ("ftp", ["ftp"; 2]),
    ("ftp-data", ["ftp_data"; 2]),
    ("http", ["http"; 2]),
    ("http2", ["http2"; 2]),
    ("ike", ["ike"; 2]),
    ("imap", ["imap"; 2]),
    ("krb5", ["krb5_tcp", "krb5_udp"]),
    ("ldap", ["ldap_tcp", "ldap_udp"]),
    ("llmnr", ["llmnr_tcp", "llmnr_udp"]),
    ("mdns", ["mdns"; 2]),
    ("modbus", ["modbus"; 2]),
    ("mqtt", ["mqtt"; 2]),
    ("nfs", ["nfs_tcp", "nfs_udp"]),
    ("ntp", ["ntp"; 2]),
    ("pgsql", ["pgsql"; 2]),
    ("pop3", ["pop3"; 2]),
    ("quic", ["quic"; 2]),
    ("rdp", ["rdp"; 2]),
    ("rfb", ["rfb"; 2]),
    ("sip", ["sip_tcp", "sip_udp"]),
    ("smb", ["smb"; 2]),
    ("smtp", ["smtp"; 2]),
    ("snmp", ["snmp"; 2]),
    ("ssh", ["ssh"; 2]),
    ("telnet", ["telnet"; 2]),
    ("tftp", ["tftp"; 2]),
    ("tls", ["tls"; 2]),
    ("websocket", ["websocket"; 2]),
];

/// What the event calls a protocol; the schema knows no others.
fn app_name(app: &str, is_tcp: bool) -> Option<&'static str> {
    let (_, [tcp, udp]) = APPS.iter().find(|(name, _)| *name == app)?;
    Some(if is_tcp { tcp } else { udp })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_transaction::Options;
    use sekisho_types::text::Line;

    fn written(counts: &Counts, settings: &StatsSettings) -> String {
        let mut line = Line::default();
        let totals = Totals { uptime: 7, packets: 4, bytes: 402 };
        counts.write(settings, &totals, &mut Json::within(&mut line, false, Options::default()));
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn layers_stand_at_their_places() {
        for (n, (layer, _)) in Layer::ALL.iter().enumerate() {
            assert_eq!(*layer as usize, n);
        }
        assert!(Layer::ALL.is_sorted_by_key(|(_, name)| *name) && APPS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn parts_of_a_run_are_added() {
        let mut counts = Counts { longest: 9, syns: 1, alerts: 2, fragments: [1, 0], ..Counts::default() };
        counts.layer(Layer::Ipv4);
        counts.event("ipv4.trunc_pkt");
        counts.event("stream.rst_invalid_ack");
        counts.event("udp.len_invalid");
        counts.flow("tcp");
        counts.app("dns", false, 3);
        counts.app("failed", true, 0);
        counts.app("irc", true, 5);
        let mut sum = counts.clone();
        sum.add(&Counts { longest: 200, flows_ended: 1, alerts_cut: 4, ..counts });
        let text = written(&sum, &StatsSettings::default());
        for part in [
            r#""stats":{"uptime":7,"decoder":{"pkts":4,"bytes":402,"avg_pkt_size":100,"max_pkt_size":200,"arp":0,"#,
            r#""ipv4":2,"ipv4_in_ipv4":0,"#,
            r#""vxlan":0,"event":{"ipv4":{"trunc_pkt":2},"udp":{"len_invalid":2}}}"#,
            r#""tcp":{"syn":2,"synack":0,"rst":0,"midstream_pickups":0},"flow":{"total":2,"active":1,"#,
            r#""icmpv6":0,"tcp":2,"udp":0},"defrag":{"ipv4":{"fragments":2,"reassembled":0},"#,
            r#""app_layer":{"flow":{"dns_udp":2,"failed_tcp":2},"tx":{"dns_udp":6}}"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("detect") && !text.contains("\"stream\""));
        let settings = StatsSettings {
            decoder_events: false,
            stream_events: true,
            rules: Some(RuleCounts { loaded: 3, failed: 2, skipped: 1 }),
            ..StatsSettings::default()
        };
        let text = written(&sum, &settings);
        for part in [
            r#""stream":{"rst_invalid_ack":2}"#,
            r#""detect":{"engines":[{"id":0,"rules_loaded":3,"rules_failed":2,"rules_skipped":1}],"alert":4,"#,
            r#""alert_queue_overflow":4,"alerts_suppressed":0}"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("\"event\""));
    }
}
