//! Events about flows as such.

use super::Policy;
use super::head::write_time;
use sekisho_transaction::{Json, Members};
use sekisho_types::text::{hex_pair, word};
use sekisho_types::{Addr, Interval, Timestamp};

/// Room for what events tell of a flow in one go.
const ROOM_LEN: usize = 512;

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
        json.put::<ROOM_LEN>(|m| {
            self.counts(m);
            let (src, dst) = self.ends;
            m.text(b",\"src_ip\":").addr(src).text(b",\"dest_ip\":").addr(dst);
            if let Some((src, dst)) = self.ports {
                m.text(b",\"src_port\":").number(u64::from(src)).text(b",\"dest_port\":").number(u64::from(dst));
            }
        });
    }

    /// Packets, bytes and the begin.
    fn counts(&self, m: &mut Members<'_>) {
        m.text(b"\"pkts_toserver\":").number(self.pkts[0]).text(b",\"pkts_toclient\":").number(self.pkts[1]);
        m.text(b",\"bytes_toserver\":").number(self.bytes[0]).text(b",\"bytes_toclient\":").number(self.bytes[1]);
        m.text(b",\"start\":\"").fill(|place| write_time(place, self.start)).text(b"\"");
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
            json.put::<ROOM_LEN>(|m| {
                self.flow.counts(m);
                m.text(b",\"end\":\"").fill(|place| write_time(place, self.end));
                m.text(b"\",\"age\":").number(age(self.flow.start, self.end));
                m.text(b",\"state\":").word(self.state);
                if self.state == "bypassed" {
                    m.text(b",\"bypass\":\"local\"");
                }
                m.text(b",\"reason\":").word(self.reason);
                m.fill(|place: &mut [u8; 17]| match self.alerted {
                    true => word(place, b",\"alerted\":true"),
                    false => word(place, b",\"alerted\":false"),
                });
            });
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
            json.put::<ROOM_LEN>(|m| {
                m.text(b"\"pkts\":").number(self.flow.pkts[side.side]);
                m.text(b",\"bytes\":").number(self.flow.bytes[side.side]);
                m.text(b",\"start\":\"").fill(|place| write_time(place, self.flow.start));
                m.text(b"\",\"end\":\"").fill(|place| write_time(place, self.end));
                m.text(b"\",\"age\":").number(age(self.flow.start, self.end));
                m.text(b",\"min_ttl\":").number(u64::from(side.ttl.0));
                m.text(b",\"max_ttl\":").number(u64::from(side.ttl.1));
            });
            if let Some(count) = self.tx_count {
                json.number("tx_cnt", count);
            }
        });
        if let Some(tcp) = &self.tcp {
            json.object("tcp", |json| {
                let flags = tcp.flags[side.side];
                json.put::<ROOM_LEN>(|m| {
                    m.text(b"\"tcp_flags\":\"").text(&hex_pair(flags)).text(b"\"");
                    flag_names(flags, m);
                });
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
        json.put::<ROOM_LEN>(|m| {
            m.text(b"\"tcp_flags\":\"").text(&hex_pair(ts | tc));
            m.text(b"\",\"tcp_flags_ts\":\"").text(&hex_pair(ts));
            m.text(b"\",\"tcp_flags_tc\":\"").text(&hex_pair(tc)).text(b"\"");
            flag_names(ts | tc, m);
        });
        let Some(state) = self.state else { return };
        json.word("state", state);
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

/// A member for each flag that is set.
fn flag_names(flags: u8, m: &mut Members<'_>) {
    // Suricata's order: as the bits are named in its own header.
    const NAMES: [(u8, &[u8; 11]); 8] = [
        (2, b",\"syn\":true"),
        (1, b",\"fin\":true"),
        (4, b",\"rst\":true"),
        (8, b",\"psh\":true"),
        (16, b",\"ack\":true"),
        (32, b",\"urg\":true"),
        (64, b",\"ecn\":true"),
        (128, b",\"cwr\":true"),
    ];
    for (bit, member) in NAMES {
        if flags & bit != 0 {
            m.text(member);
        }
    }
}

/// Whole seconds between the times' seconds, as Suricata counts a flow's age.
fn age(start: Timestamp, end: Timestamp) -> u64 {
    let secs = |ts: Timestamp| ts.0.div_euclid(Interval::from_secs(1).0);
    u64::try_from(secs(end) - secs(start)).unwrap_or(0)
}
