//! Events about flows as such.

use super::Policy;
use super::head::{TIME_LEN, addr, time};
use sekisho_transaction::Json;
use sekisho_types::{Addr, Interval, Timestamp};

/// TCP flags of a flow or of one end, by the bits of the header; with what else is told of its streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpEnd {
    /// Flags of client and server.
    pub flags: [u8; 2],
    /// Where the connection stands: `established`; `None`: it is not followed.
    pub state: Option<&'static str>,
    /// Bytes of client and server are missing.
    pub gap: [bool; 2],
}

/// What is told of a flow, at its end or with an alert.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Packets of client and server.
    pub pkts: [u64; 2],
    /// Their bytes on the wire.
    pub bytes: [u64; 2],
    /// Time of the first packet.
    pub start: Timestamp,
    /// Client and server with their ports, if it has any.
    pub ends: (Addr, Addr),
    /// Ports.
    pub ports: Option<(u16, u16)>,
}

impl End {
    /// The members of an alert's `flow`.
    pub fn write(&self, json: &mut Json<'_>) {
        self.counts(json);
        json.text("start", time(self.start, &mut [0; TIME_LEN]));
        addr("src_ip", self.ends.0, json);
        addr("dest_ip", self.ends.1, json);
        if let Some((src, dst)) = self.ports {
            json.number("src_port", u64::from(src));
            json.number("dest_port", u64::from(dst));
        }
    }

    fn counts(&self, json: &mut Json<'_>) {
        json.number("pkts_toserver", self.pkts[0]);
        json.number("pkts_toclient", self.pkts[1]);
        json.number("bytes_toserver", self.bytes[0]);
        json.number("bytes_toclient", self.bytes[1]);
    }
}

/// A flow that is over.
#[derive(Clone, Copy, Debug)]
pub struct FlowEnd {
    /// Counts and begin.
    pub flow: End,
    /// Time of the last packet.
    pub end: Timestamp,
    /// `new`, `established`, `closed`.
    pub state: &'static str,
    /// `timeout`, `forced`, `shutdown`, `tcp_reuse`.
    pub reason: &'static str,
    /// A rule's alert was about it.
    pub alerted: bool,
    /// `pass`, `drop` and the like, if a rule decided for the whole flow.
    pub action: Option<&'static str>,
    /// It began before the capture, and this was done about it.
    pub midstream: Option<Policy>,
    /// Exchanges, if its protocol has any.
    pub tx_count: Option<u64>,
    /// Of TCP.
    pub tcp: Option<TcpEnd>,
}

impl FlowEnd {
    /// The members of a `flow` event.
    pub fn write(&self, json: &mut Json<'_>) {
        json.object("flow", |json| {
            self.flow.counts(json);
            json.text("start", time(self.flow.start, &mut [0; TIME_LEN]));
            json.text("end", time(self.end, &mut [0; TIME_LEN]));
            json.number("age", age(self.flow.start, self.end));
            json.text("state", self.state);
            if self.state == "bypassed" {
                json.text("bypass", "local");
            }
            json.text("reason", self.reason);
            json.flag("alerted", self.alerted);
            if let Some(action) = self.action {
                json.text("action", action);
            }
            if let Some(policy) = self.midstream {
                json.list("exception_policy", |json| {
                    json.item(|json| {
                        json.text("target", "stream_midstream");
                        json.text("policy", policy.name());
                    });
                });
            }
            if let Some(count) = self.tx_count {
                json.number("tx_cnt", count);
            }
        });
        if let Some(tcp) = &self.tcp {
            json.object("tcp", |json| tcp.write(json));
        }
    }

    /// The members of the `netflow` event of one direction.
    pub fn write_netflow(&self, side: NetflowSide, json: &mut Json<'_>) {
        json.object("netflow", |json| {
            json.number("pkts", self.flow.pkts[side.side]);
            json.number("bytes", self.flow.bytes[side.side]);
            json.text("start", time(self.flow.start, &mut [0; TIME_LEN]));
            json.text("end", time(self.end, &mut [0; TIME_LEN]));
            json.number("age", age(self.flow.start, self.end));
            json.number("min_ttl", u64::from(side.ttl.0));
            json.number("max_ttl", u64::from(side.ttl.1));
            if let Some(count) = self.tx_count {
                json.number("tx_cnt", count);
            }
        });
        if let Some(tcp) = &self.tcp {
            json.object("tcp", |json| {
                let flags = tcp.flags[side.side];
                json.text("tcp_flags", &format!("{flags:02x}"));
                flag_names(flags, json);
            });
        }
    }
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug)]
pub struct NetflowSide {
    /// 0: of the client, 1: of the server.
    pub side: usize,
    /// Least and largest time to live.
    pub ttl: (u8, u8),
}

impl TcpEnd {
    fn write(&self, json: &mut Json<'_>) {
        let [ts, tc] = self.flags;
        json.text("tcp_flags", &format!("{:02x}", ts | tc));
        json.text("tcp_flags_ts", &format!("{ts:02x}"));
        json.text("tcp_flags_tc", &format!("{tc:02x}"));
        flag_names(ts | tc, json);
        let Some(state) = self.state else { return };
        json.text("state", state);
        for (gap, name) in self.gap.into_iter().zip(["ts_gap", "tc_gap"]) {
            if gap {
                json.flag(name, true);
            }
        }
        // Streams are kept in one piece each.
        json.number("ts_max_regions", 1);
        json.number("tc_max_regions", 1);
    }
}

fn flag_names(flags: u8, json: &mut Json<'_>) {
    let names = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
    // Suricata's order: as the bits are named in its own header.
    for bit in [1, 0, 2, 3, 4, 5, 6, 7] {
        if flags >> bit & 1 == 1 {
            json.flag(names[bit], true);
        }
    }
}

/// Whole seconds between the times' seconds, as Suricata counts a flow's age.
fn age(start: Timestamp, end: Timestamp) -> u64 {
    let secs = |ts: Timestamp| ts.0.div_euclid(Interval::from_secs(1).0);
    u64::try_from(secs(end) - secs(start)).unwrap_or(0)
}
