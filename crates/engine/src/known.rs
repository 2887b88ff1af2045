//! Hosts and services of the home networks, once a day each: what Zeek's `known-hosts` and `known-services` log.
//!
//! A host is one at either end of a TCP connection that came about; a service is what a host was heard to speak as
//! responder. Both are told when a flow ends, with the time at which it began. Home networks are those of `--home-net`, by
//! default the private ones (RFC 1918, RFC 4193, link-local and the like).

use crate::Rows;
use sekisho_flow::{ConnRecord, Flow};
use sekisho_proto::{Fact, Remembered, key_of_day};
use sekisho_record::{EnumName, Port, Record, Set, Text};
use sekisho_types::{Addr, Dir, Timestamp, Uid, ip_proto, seeded_hash};

/// A host in the home networks that took part in a TCP connection, once a day.
#[derive(Clone, Debug, Record)]
#[record(log = "known_hosts")]
pub struct KnownHostsRecord {
    /// Time at which the connection began.
    pub ts: Timestamp,
    /// The host.
    pub host: Addr,
    /// Flow that shows it.
    #[record(ext)]
    pub uid: Uid,
}

/// A service that a host in the home networks offers, once a day.
#[derive(Clone, Debug, Record)]
#[record(log = "known_services")]
pub struct KnownServicesRecord {
    /// Time at which the flow began that shows it.
    pub ts: Timestamp,
    /// The host.
    pub host: Addr,
    /// Its port.
    pub port_num: Port,
    /// Transport protocol.
    pub port_proto: EnumName,
    /// Protocols that it speaks there.
    pub service: Set<Text>,
    /// Flow that shows it.
    #[record(ext)]
    pub uid: Uid,
}

/// Data connections are no service of their own.
const DATA: [&str; 2] = ["ftp-data", "irc-dcc-data"];

/// A flow is over: logs what it shows that was not known; how many rows.
pub(crate) fn closed(
    flow: &Flow,
    conn: &ConnRecord,
    packet: u64,
    remembered: &mut Remembered,
    rows: &mut dyn Rows,
) -> u64 {
    let info = &flow.info;
    if !info.local_orig && !info.local_resp {
        return 0;
    }
    let mut count = 0;
    // Connections that came about.
    let came_about = matches!(conn.conn_state.0, "RSTO" | "RSTR" | "S1" | "S2" | "S3" | "SF");
    let established = info.tuple.proto == ip_proto::TCP && came_about;
    if established {
        for (host, is_local) in [(info.tuple.orig, info.local_orig), (info.tuple.resp, info.local_resp)] {
            if !is_local {
                continue;
            }
            let fact = Fact { kind: "known_hosts", key: key_of_day(host, info.first_ts, &[]), ts: info.first_ts };
            if remembered.is_new(&fact) {
                count += 1;
                rows.once(&[fact], packet, &KnownHostsRecord { ts: info.first_ts, host, uid: info.uid });
            }
        }
    }
    let answered = info.tuple.proto == ip_proto::UDP && flow.counters(Dir::Resp).bytes > 0;
    if info.local_resp && (established || answered) && !flow.services().is_empty() {
        count += services(flow, conn, packet, remembered, rows);
    }
    count
}

fn services(flow: &Flow, conn: &ConnRecord, packet: u64, remembered: &mut Remembered, rows: &mut dyn Rows) -> u64 {
    let tuple = &flow.info.tuple;
    let ts = flow.info.first_ts;
    let [high, low] = tuple.resp_port.to_be_bytes();
    let fact = |service: &str| {
        let [a, b, c, d, e, f, g, h] = seeded_hash(0, service.as_bytes()).to_be_bytes();
        let key = key_of_day(tuple.resp, ts, &[high, low, tuple.proto, a, b, c, d, e, f, g, h]);
        Fact { kind: "known_services", key, ts }
    };
    let spoken = || flow.services().iter().filter(|s| !DATA.contains(s));
    // All are remembered, whichever is new.
    if spoken().filter(|s| remembered.is_new(&fact(s))).count() == 0 {
        return 0;
    }
    let facts: Vec<Fact> = spoken().map(fact).collect();
    let row = KnownServicesRecord {
        ts,
        host: tuple.resp,
        port_num: Port(tuple.resp_port),
        port_proto: conn.proto,
        // Zeek's names of its analyzers.
        service: Set(spoken().map(|s| Text::from(&s.to_ascii_uppercase())).collect()),
        uid: flow.info.uid,
    };
    rows.once(&facts, packet, &row);
    1
}
