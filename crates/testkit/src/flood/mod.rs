//! Attacks on an analyser as captures, and ordinary traffic around them: `cargo xtask flood`.
//!
//! An attack is a pure function of its name and size. It is written packet by packet, so that ten million
//! connections cost no memory here. Before, during and after it stand a few ordinary conversations
//! ([`ordinary`]); the second file has nothing but them, at the same times, so that whoever reads both can tell
//! whether the attack hid or changed anything.

mod bombs;
mod dns;
mod flows;
mod fragments;
mod http;
mod lan;
mod mail;
pub mod ordinary;
mod storm;
mod streams;
mod tls;
mod tunnels;

pub use storm::{Out, Random, Storm, Truth};

use crate::PcapWriter;
use sekisho_types::{Interval, Timestamp};
use std::io::{self, Write};

/// Link type of Ethernet.
const ETHERNET: u32 = 1;

/// Sets of ordinary conversations before, during and after an attack.
const SETS: [u64; 3] = [2, 8, 2];

/// Time between the sets before and after an attack.
const SET_STEP: Interval = Interval::from_secs(4);

/// One way to attack.
pub struct Attack {
    /// On the command line and as name of the file.
    pub name: &'static str,
    /// What it aims at.
    pub aim: &'static str,
    /// Items (whatever the attack counts) of the full size.
    pub full: u64,
    /// Fewer items show nothing.
    pub least: u64,
    /// One packet carries many messages, so that cost per packet says little.
    pub dense: bool,
    make: fn(&mut Storm<'_>, u64) -> io::Result<Truth>,
}

impl Attack {
    /// Sends `items` items through `storm`, and says what is true of them.
    pub fn run(&self, storm: &mut Storm<'_>, items: u64) -> io::Result<Truth> {
        (self.make)(storm, items)
    }

    /// Items at `percent` of the full size.
    pub fn items(&self, percent: f64) -> u64 {
        ((self.full as f64 * percent / 100.0) as u64).max(self.least)
    }
}

const fn attack(
    name: &'static str,
    full: u64,
    least: u64,
    make: fn(&mut Storm<'_>, u64) -> io::Result<Truth>,
    aim: &'static str,
) -> Attack {
    Attack { name, aim, full, least, dense: false, make }
}

const fn dense(attack: Attack) -> Attack {
    Attack { dense: true, ..attack }
}

/// Every attack.
pub const ATTACKS: &[Attack] = &[
    attack("syn-flood", 10_000_000, 50_000, flows::syn_flood, "distinct flows of one SYN each: flow table"),
    attack("hash-collisions", 2_000_000, 60_000, flows::hash_collisions, "tuples that weak hashes confuse"),
    attack("hash-folds", 1_000_000, 60_000, flows::hash_folds, "address and port that cancel each other out"),
    attack("rst-fin", 5_000_000, 50_000, flows::rst_fin, "RST and FIN of connections nobody saw"),
    attack("udp-ports", 5_000_000, 50_000, flows::udp_ports, "one datagram to each of many ports"),
    attack("icmp-unreachable", 5_000_000, 50_000, flows::icmp_unreachable, "errors about packets never sent"),
    attack("clock-jumps", 2_000_000, 50_000, flows::clock_jumps, "times that leap forth and back: timers"),
    attack("fragments-v4", 3_000_000, 60_000, fragments::never_v4, "datagrams that never become whole"),
    attack("fragments-v6", 3_000_000, 60_000, fragments::never_v6, "the same over IPv6"),
    attack("fragments-tiny", 4_000, 60, fragments::tiny, "1,000 pieces of 8 bytes, overlapping, all but one"),
    attack("fragments-comb", 4_000, 60, fragments::comb, "every other 8 bytes, then one that covers all"),
    attack("gaps-many", 100_000, 3_000, streams::gaps_many, "holes that nothing fills, in many flows"),
    attack("gap-window", 4_000_000, 60_000, streams::gap_window, "one flow with pieces all over its window"),
    attack("gap-comb", 500, 10, streams::gap_comb, "4,000 single bytes out of order, then one that covers all"),
    attack("wrap", 400_000, 140_000, streams::wrap, "a stream beyond 2^32 bytes, cut by the snap length"),
    attack("bytes-http", 150, 4, streams::bytes_http, "a body in segments of one byte"),
    attack("bytes-tls", 1_000, 30, streams::bytes_tls, "a handshake in segments of one byte"),
    attack("bytes-smtp", 2_000, 60, streams::bytes_smtp, "a mail in segments of one byte"),
    attack("bytes-strange", 4_000, 120, streams::bytes_strange, "what no probe can decide, byte by byte"),
    attack("pipeline", 1_000_000, 100_000, http::pipeline, "requests pipelined in one flow, one a segment"),
    dense(attack("pipeline-packed", 2_000_000, 100_000, http::pipeline_packed, "the same in full segments")),
    attack("http-agents", 500_000, 20_000, http::agents, "software that is new in every message"),
    attack("http-headers", 250_000, 20_000, http::headers, "open request headers of 4 KiB"),
    attack("http-lines", 10_000, 2_000, http::lines, "open header lines of 60 KB"),
    attack("http-ranges", 500_000, 20_000, http::ranges, "one resource in parts that never meet"),
    attack("tunnels-nested", 1_000_000, 20_000, tunnels::nested, "8 tunnels in each other"),
    attack("tunnels-beyond", 500_000, 20_000, tunnels::beyond, "40 tunnels in each other"),
    attack("tunnels-spray", 300_000, 20_000, tunnels::spray, "new ends in every layer of every packet"),
    attack("dns-random", 2_000_000, 40_000, dns::random_names, "names that are not there, many clients"),
    attack("dns-unanswered", 2_000_000, 200_000, dns::unanswered, "thousands of open questions in each flow"),
    attack(
        "dhcp-exchanges",
        1_000_000,
        20_000,
        lan::dhcp_exchanges,
        "exchanges that nobody answers, with long options",
    ),
    attack("tftp-promises", 500_000, 20_000, lan::tftp_promises, "files asked for, never sent"),
    attack("tls-hellos", 500_000, 10_000, tls::hellos, "connections that end with the ClientHello"),
    attack("tls-open", 4_000, 600, tls::open, "handshake messages of 200 KB that never end"),
    attack("tls-certificates", 100_000, 4_000, tls::certificates, "a new certificate in each connection"),
    attack("tls-chains", 20_000, 1_000, tls::chains, "chains in which each could have signed each"),
    dense(attack("bombs-gzip", 2_000, 200, bombs::gzip, "kilobytes that unfold to megabytes")),
    dense(attack("bombs-zstd", 2_000, 200, bombs::zstd, "the same, 32,000 to one")),
    attack("smtp-pipeline", 1_000_000, 40_000, mail::pipeline, "commands without answers"),
    attack("smtp-recipients", 1_000_000, 100_000, mail::recipients, "a thousand long recipients in each mail"),
    dense(attack("mime-nested", 3_000, 100, mail::nested, "multiparts in multiparts, nothing but delimiters")),
    attack("ftp-promises", 500_000, 20_000, mail::ftp_promises, "data connections announced, never made"),
];

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Packets in all.
    pub packets: u64,
    /// Those of the attack.
    pub attack_packets: u64,
    /// What must be said of the attack.
    pub truth: Truth,
}

/// Writes `attack` with `items` items among ordinary conversations to `whole`, and these alone to `alone`.
pub fn write(attack: &Attack, items: u64, whole: &mut dyn Write, alone: &mut dyn Write) -> io::Result<Written> {
    // A first run tells how long the attack lasts, which decides where the ordinary conversations go.
    let mut end = storm::start();
    let mut measure = |ts: Timestamp, _: &[u8], _: u32| {
        end = end.max(ts);
        Ok(())
    };
    attack.run(&mut Storm::new(attack.name, &mut measure), items)?;
    let ordinary = around(storm::start(), end);
    let mut file = PcapWriter::new(alone, ETHERNET)?;
    for (ts, frame) in &ordinary {
        file.frame(*ts, frame, frame.len() as u32)?;
    }
    file.finish()?;
    let mut file = PcapWriter::new(whole, ETHERNET)?;
    let mut rest = ordinary.iter().peekable();
    let mut latest = Timestamp(i64::MIN);
    let mut merge = |ts: Timestamp, frame: &[u8], orig_len: u32| {
        latest = latest.max(ts);
        while let Some((ts, frame)) = rest.next_if(|o| o.0 <= latest) {
            file.frame(*ts, frame, frame.len() as u32)?;
        }
        file.frame(ts, frame, orig_len)
    };
    let truth = attack.run(&mut Storm::new(attack.name, &mut merge), items)?;
    for (ts, frame) in rest {
        file.frame(*ts, frame, frame.len() as u32)?;
    }
    let packets = file.frame_count;
    file.finish()?;
    Ok(Written { packets, attack_packets: packets - ordinary.len() as u64, truth })
}

/// Ordinary conversations around an attack from `start` to `end`, in order of time.
fn around(start: Timestamp, end: Timestamp) -> Vec<(Timestamp, Vec<u8>)> {
    let [before, during, after] = SETS;
    let mut out = Vec::new();
    let mut set = |n: u64, ts: Timestamp| out.extend(ordinary::set(n, ts));
    for n in 0..before {
        set(n, Timestamp(start.0 - (before - n) as i64 * SET_STEP.0));
    }
    for n in 0..during {
        set(before + n, Timestamp(start.0 + (end.0 - start.0) / during as i64 * n as i64));
    }
    for n in 0..after {
        set(before + during + n, Timestamp(end.0 + 1_000_000_000 + n as i64 * SET_STEP.0));
    }
    out.sort_by_key(|f| f.0);
    out
}

/// Writes `sets` sets of ordinary conversations one after the other: what an attack is compared with. Returns the
/// number of packets.
pub fn write_ordinary(sets: u64, out: &mut dyn Write) -> io::Result<u64> {
    let mut file = PcapWriter::new(out, ETHERNET)?;
    let mut waiting: Vec<(Timestamp, Vec<u8>)> = Vec::new();
    for n in 0..sets {
        // Sets overlap, as conversations do.
        let start = Timestamp(storm::start().0 + n as i64 * 100_000_000);
        waiting.extend(ordinary::set(n, start));
        waiting.sort_by_key(|f| f.0);
        let due = waiting.partition_point(|f| f.0 < start);
        for (ts, frame) in waiting.drain(..due) {
            file.frame(ts, &frame, frame.len() as u32)?;
        }
    }
    for (ts, frame) in &waiting {
        file.frame(*ts, frame, frame.len() as u32)?;
    }
    let packets = file.frame_count;
    file.finish()?;
    Ok(packets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_pcap;

    fn written(attack: &Attack) -> (Vec<u8>, Vec<u8>, Written) {
        let (mut whole, mut alone) = (Vec::new(), Vec::new());
        let items = attack.least.min(100);
        let w = write(attack, items, &mut whole, &mut alone).unwrap();
        (whole, alone, w)
    }

    #[test]
    fn every_attack_is_deterministic_and_keeps_the_ordinary_packets() {
        for attack in ATTACKS {
            let (whole, alone, w) = written(attack);
            assert_eq!(written(attack).0, whole, "{}", attack.name);
            let (whole, alone) = (read_pcap(&whole), read_pcap(&alone));
            assert_eq!(whole.len() as u64, w.packets, "{}", attack.name);
            assert!(w.attack_packets > 0, "{}", attack.name);
            let mut rest = whole.iter();
            assert!(alone.iter().all(|f| rest.any(|g| g == f)), "{}: ordinary packets in order", attack.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = ATTACKS.iter().map(|a| a.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ATTACKS.len());
    }

    #[test]
    fn ordinary_traffic_is_in_order() {
        let mut bytes = Vec::new();
        let packets = write_ordinary(20, &mut bytes).unwrap();
        let frames = read_pcap(&bytes);
        assert_eq!(frames.len() as u64, packets);
        assert!(frames.windows(2).all(|w| w[0].0 <= w[1].0));
    }
}
