//! What is odd about a TCP connection's packets, by the names that Suricata's rules use (`stream-event:est_syn_resend`).
//!
//! A second look, kept only for connections of runs whose rules ask for it: the flow table itself is content with Zeek's
//! view. State follows RFC 9293 §3.3.2 as an observer sees it who believes what was answered.

use sekisho_types::Dir;
use sekisho_wire::{Tcp, tcp_flags as flag};

/// Different SYNs, and answers to them, that wait for the handshake to be completed.
const MAX_QUEUED: usize = 10;

/// Names found at one packet; there are never more.
const MAX_NAMES: usize = 4;

/// An end goes on after its RST: the RST was another's, or the end is not what it seems.
const RST_INJECT: &str = "stream.suspected_rst_inject";

/// A connection whose end was silent for so long (24 days, RFC 7323 §5.5) may come with any timestamp.
const STALE_SECS: i64 = 24 * 86_400;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No packet of it makes sense yet.
    #[default]
    None,
    SynSent,
    SynReceived,
    Established,
    /// One end has sent its FIN.
    HalfClosed,
    /// Both have.
    Closing,
    /// By RST.
    Reset,
}

#[derive(Clone, Copy, Debug, Default)]
struct End {
    isn: u32,
    /// One past the last byte sent.
    next: u32,
    /// Up to where the other end has acknowledged.
    acked: u32,
    /// Window that the other end may fill, scaled.
    window: u32,
    scale: u8,
    /// Last timestamp, and when it came.
    stamp: Option<(u32, i64)>,
    fin: bool,
    seen: bool,
}

/// State of one connection.
#[derive(Clone, Debug, Default)]
pub struct TcpWatch {
    state: State,
    /// The responder of the flow's tuple is who began.
    swapped: bool,
    ends: [End; 2],
    /// First sequence numbers of other SYNs and of other answers to them.
    syns: Vec<u32>,
    answers: Vec<u32>,
    /// Both SYNs had timestamps.
    stamps: bool,
    stamp_offered: bool,
    names: Vec<&'static str>,
}

/// Is `a` behind `b`? Sequence numbers wrap (RFC 9293 §3.4).
const fn after(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

impl TcpWatch {
    /// The next packet of `dir` with that much payload at `secs` of packet time; the names of what is odd about it.
    pub fn packet(&mut self, dir: Dir, tcp: &Tcp, len: u32, secs: i64) -> &[&'static str] {
        self.names.clear();
        if tcp.flags & flag::ACK == 0 && tcp.ack != 0 {
            self.odd("stream.pkt_broken_ack");
        }
        if self.is_stale_stamp(dir, tcp, secs) {
            self.odd("stream.pkt_invalid_timestamp");
            return &self.names;
        }
        match self.state {
            State::None => self.first(dir, tcp),
            State::SynSent => self.syn_sent(dir, tcp),
            State::SynReceived => self.syn_received(dir, tcp),
            State::Established | State::HalfClosed | State::Closing => self.open(dir, tcp, len),
            State::Reset => {
                if len > 0 && tcp.flags & (flag::SYN | flag::RST) == 0 {
                    self.odd(RST_INJECT);
                    self.state = State::Established;
                } else if tcp.flags & (flag::SYN | flag::ACK) == flag::SYN {
                    *self = Self { names: std::mem::take(&mut self.names), ..Self::default() };
                    self.first(dir, tcp);
                }
            }
        }
        self.follow(dir, tcp, len, secs);
        &self.names
    }

    fn odd(&mut self, name: &'static str) {
        if self.names.len() < MAX_NAMES && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// RFC 7323 §5.3: a timestamp before the last one of its end.
    fn is_stale_stamp(&self, dir: Dir, tcp: &Tcp, secs: i64) -> bool {
        let (Some((stamp, _)), Some((last, at))) = (tcp.timestamps, dir.of(&self.ends).stamp) else { return false };
        let reset = tcp.flags & flag::RST != 0;
        self.stamps && !reset && stamp != 0 && after(last, stamp) && secs.saturating_sub(at) < STALE_SECS
    }

    fn first(&mut self, dir: Dir, tcp: &Tcp) {
        match tcp.flags & (flag::SYN | flag::ACK | flag::FIN | flag::RST) {
            flags if flags & flag::RST != 0 => self.odd("stream.rst_but_no_session"),
            flags if flags & flag::SYN == 0 && flags & flag::FIN != 0 => self.odd("stream.fin_but_no_session"),
            flag::SYN => {
                self.swapped = !dir.is_orig();
                let end = dir.of_mut(&mut self.ends);
                (end.isn, end.next, end.seen) = (tcp.seq, tcp.seq.wrapping_add(1), true);
                end.scale = tcp.window_scale.unwrap_or(0);
                self.stamp_offered = tcp.timestamps.is_some();
                self.state = State::SynSent;
            }
            flags if flags & flag::SYN == 0 => {
                // It began before the capture.
                let end = dir.of_mut(&mut self.ends);
                (end.isn, end.next, end.acked, end.seen) = (tcp.seq, tcp.seq, tcp.seq, true);
                self.state = State::Established;
            }
            _ => {}
        }
    }

    fn syn_sent(&mut self, dir: Dir, tcp: &Tcp) {
        let client = self.client();
        if let (true, Some((_, echo))) = (dir != client, tcp.timestamps)
            && echo != 0
            && client.of(&self.ends).stamp.is_none_or(|(stamp, _)| stamp != 0 && stamp != echo)
        {
            return self.odd("stream.pkt_invalid_timestamp");
        }
        match (tcp.flags & (flag::SYN | flag::ACK | flag::RST), dir == client) {
            (flag::SYN, true) => {
                let other = tcp.seq != client.of(&self.ends).isn;
                let flood = other && Self::queue(&mut self.syns, tcp.seq);
                if flood {
                    self.odd("stream.3whs_syn_flood");
                }
            }
            (flags, false) if flags == flag::SYN | flag::ACK => {
                let asked = tcp.ack.wrapping_sub(1);
                if asked != client.of(&self.ends).isn && !self.syns.contains(&asked) {
                    return self.odd("stream.3whs_synack_with_wrong_ack");
                }
                let asking = client.of_mut(&mut self.ends);
                (asking.isn, asking.next, asking.acked) = (asked, tcp.ack, tcp.ack);
                let end = dir.of_mut(&mut self.ends);
                (end.isn, end.next, end.seen) = (tcp.seq, tcp.seq.wrapping_add(1), true);
                end.scale = tcp.window_scale.unwrap_or(0);
                self.stamps = self.stamp_offered && tcp.timestamps.is_some();
                self.state = State::SynReceived;
            }
            (flags, true) if flags == flag::SYN | flag::ACK => self.odd("stream.3whs_synack_in_wrong_direction"),
            (flags, false) if flags & flag::RST != 0 => self.state = State::Reset,
            (flags, true) if flags & flag::RST != 0 => self.state = State::Reset,
            _ => {}
        }
    }

    /// Remembers a number that differs from those before; true if there were too many already.
    fn queue(list: &mut Vec<u32>, seq: u32) -> bool {
        if list.contains(&seq) {
            return false;
        }
        let full = list.len() >= MAX_QUEUED;
        if !full {
            list.push(seq);
        }
        full
    }

    /// Who began.
    const fn client(&self) -> Dir {
        if self.swapped { Dir::Resp } else { Dir::Orig }
    }

    fn syn_received(&mut self, dir: Dir, tcp: &Tcp) {
        let from_client = dir == self.client();
        let (client, server) = (*self.client().of(&self.ends), *self.client().flip().of(&self.ends));
        let flags = tcp.flags & (flag::SYN | flag::ACK | flag::RST);
        if flags & flag::RST != 0 {
            self.state = State::Reset;
        } else if flags == flag::SYN | flag::ACK {
            if from_client {
                self.odd("stream.3whs_synack_toserver_on_syn_recv");
            } else if tcp.ack != client.isn.wrapping_add(1) {
                self.odd("stream.3whs_synack_resend_with_diff_ack");
            } else if tcp.seq != server.isn && Self::queue(&mut self.answers, tcp.seq) {
                self.odd("stream.3whs_synack_flood");
            }
        } else if flags == flag::SYN {
            if !from_client {
                self.odd("stream.3whs_syn_toclient_on_syn_recv");
            } else if tcp.seq != client.isn {
                self.odd("stream.3whs_syn_resend_diff_seq_on_syn_recv");
            }
        } else if flags == flag::ACK && from_client {
            let right_seq = tcp.seq == client.next || !after(tcp.seq, client.next.wrapping_add(server.window.max(1)));
            let answered = tcp.ack.wrapping_sub(1);
            let right_ack =
                !after(tcp.ack, server.next) && !after(server.isn, tcp.ack) || self.answers.contains(&answered);
            match (right_seq, right_ack) {
                (true, true) => self.state = State::Established,
                (true, false) => self.odd("stream.3whs_right_seq_wrong_ack_evasion"),
                (false, _) => self.odd("stream.3whs_wrong_seq_wrong_ack"),
            }
        } else if flags == flag::ACK {
            // Data of the server before the client's last step: it was missed.
            self.state = State::Established;
        }
    }

    fn open(&mut self, dir: Dir, tcp: &Tcp, len: u32) {
        let (own, peer) = (*dir.of(&self.ends), *dir.flip().of(&self.ends));
        let flags = tcp.flags & (flag::SYN | flag::ACK | flag::RST);
        let client = self.client();
        if flags & flag::RST != 0 {
            if flags & flag::ACK != 0 && peer.seen && after(tcp.ack, peer.next) {
                self.odd("stream.rst_invalid_ack");
            }
            if self.state == State::Established {
                self.state = State::Reset;
            }
            return;
        }
        if flags == flag::SYN | flag::ACK {
            return self.odd(match (dir == client, tcp.seq == own.isn) {
                (true, _) => "stream.est_synack_toserver",
                _ if tcp.ack != peer.isn.wrapping_add(1) => "stream.est_synack_resend_with_diff_ack",
                (_, false) => "stream.est_synack_resend_with_diff_seq",
                (_, true) => "stream.est_synack_resend",
            });
        }
        if flags == flag::SYN {
            let closing = self.state != State::Established;
            return self.odd(match (dir == client, tcp.seq == own.isn) {
                _ if closing => "stream.shutdown_syn_resend",
                (false, _) => "stream.est_syn_toclient",
                (true, false) => "stream.est_syn_resend_diff_seq",
                (true, true) => "stream.est_syn_resend",
            });
        }
        let end = tcp.seq.wrapping_add(len);
        if own.seen && own.window > 0 && after(tcp.seq, own.acked.wrapping_add(own.window)) && after(tcp.seq, own.next)
        {
            self.odd(if tcp.flags & flag::FIN != 0 {
                "stream.fin_out_of_window"
            } else {
                "stream.est_packet_out_of_window"
            });
        } else if len > 1 && own.seen && own.acked != 0 && !after(end, own.acked) {
            self.odd("stream.pkt_spurious_retransmission");
            self.odd("stream.pkt_retransmission");
        } else if len > 1 && own.seen && !after(end, own.next) {
            self.odd("stream.pkt_retransmission");
        }
        if flags & flag::ACK != 0 && peer.seen && peer.acked != 0 && after(tcp.ack, peer.next) && peer.next != peer.isn
        {
            self.odd("stream.pkt_invalid_ack");
            self.odd(match self.state {
                State::Established => "stream.est_invalid_ack",
                State::HalfClosed => "stream.closewait_invalid_ack",
                _ => "stream.lastack_invalid_ack",
            });
        }
    }

    /// Takes over what the packet said, unless it was found odd.
    fn follow(&mut self, dir: Dir, tcp: &Tcp, len: u32, secs: i64) {
        let refused = |name: &&'static str| !name.ends_with("retransmission") && *name != RST_INJECT;
        if self.state == State::None || self.names.iter().any(refused) {
            return;
        }
        if let Some((stamp, _)) = tcp.timestamps {
            let last = &mut dir.of_mut(&mut self.ends).stamp;
            if last.is_none_or(|(known, _)| after(stamp, known) || stamp == known) {
                *last = Some((stamp, secs));
            }
            self.stamps |= self.state == State::Established && self.ends.iter().all(|end| end.stamp.is_some());
        }
        if tcp.flags & flag::SYN != 0 {
            // Not scaled (RFC 7323 §2.2).
            dir.flip().of_mut(&mut self.ends).window = u32::from(tcp.window);
            return;
        }
        let fin = tcp.flags & flag::FIN != 0;
        let end = tcp.seq.wrapping_add(len).wrapping_add(u32::from(fin));
        let own = dir.of_mut(&mut self.ends);
        if !own.seen || after(end, own.next) {
            own.next = end;
        }
        if !own.seen {
            (own.isn, own.acked, own.seen) = (tcp.seq, tcp.seq, true);
        }
        own.fin |= fin;
        let scale = own.scale.min(14);
        let peer = dir.flip().of_mut(&mut self.ends);
        if tcp.flags & flag::ACK != 0 {
            peer.window = u32::from(tcp.window) << scale;
            if peer.acked == 0 || after(tcp.ack, peer.acked) {
                peer.acked = tcp.ack;
            }
            if !peer.seen {
                (peer.isn, peer.next, peer.seen) = (tcp.ack.wrapping_sub(1), tcp.ack, true);
            }
        }
        if self.state == State::Established || self.state == State::HalfClosed {
            self.state = match self.ends.iter().filter(|end| end.fin).count() {
                0 => State::Established,
                1 => State::HalfClosed,
                _ => State::Closing,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: u8 = flag::SYN;
    const ACK: u8 = flag::ACK;
    const RST: u8 = flag::RST;
    const FIN: u8 = flag::FIN;

    fn tcp(flags: u8, seq: u32, ack: u32) -> Tcp {
        Tcp { flags, seq, ack, window: 1000, ..Tcp::default() }
    }

    fn opened() -> TcpWatch {
        let mut watch = TcpWatch::default();
        assert!(watch.packet(Dir::Orig, &tcp(SYN, 100, 0), 0, 0).is_empty());
        assert!(watch.packet(Dir::Resp, &tcp(SYN | ACK, 500, 101), 0, 0).is_empty());
        assert!(watch.packet(Dir::Orig, &tcp(ACK, 101, 501), 0, 0).is_empty());
        watch
    }

    #[test]
    fn an_ordinary_connection_has_none() {
        let mut watch = opened();
        assert!(watch.packet(Dir::Orig, &tcp(ACK, 101, 501), 50, 0).is_empty());
        assert!(watch.packet(Dir::Resp, &tcp(ACK, 501, 151), 70, 0).is_empty());
        assert!(watch.packet(Dir::Orig, &tcp(ACK | FIN, 151, 571), 0, 0).is_empty());
        assert!(watch.packet(Dir::Resp, &tcp(ACK | FIN, 571, 152), 0, 0).is_empty());
        assert!(watch.packet(Dir::Orig, &tcp(ACK, 152, 572), 0, 0).is_empty());
    }

    #[test]
    fn handshakes_that_went_wrong() {
        let mut watch = TcpWatch::default();
        assert_eq!(watch.packet(Dir::Orig, &tcp(RST, 1, 0), 0, 0), ["stream.rst_but_no_session"]);
        assert_eq!(watch.packet(Dir::Orig, &tcp(FIN | ACK, 1, 1), 0, 0), ["stream.fin_but_no_session"]);
        assert!(watch.packet(Dir::Orig, &tcp(SYN, 100, 0), 0, 0).is_empty());
        assert_eq!(watch.packet(Dir::Resp, &tcp(SYN | ACK, 7, 9), 0, 0), ["stream.3whs_synack_with_wrong_ack"]);
        let flood = (0..30).filter(|n| !watch.packet(Dir::Orig, &tcp(SYN, 1000 + n, 0), 0, 0).is_empty()).count();
        assert_eq!(flood, 20);
        assert!(watch.packet(Dir::Resp, &tcp(SYN | ACK, 7, 1004), 0, 0).is_empty());
        assert_eq!(watch.packet(Dir::Orig, &tcp(ACK, 1004, 99), 0, 0), ["stream.3whs_right_seq_wrong_ack_evasion"]);
        assert!(watch.packet(Dir::Orig, &tcp(ACK, 1004, 8), 0, 0).is_empty());
    }

    #[test]
    fn packets_of_open_connections() {
        let mut watch = opened();
        assert_eq!(watch.packet(Dir::Orig, &tcp(SYN, 100, 0), 0, 0), ["stream.est_syn_resend"]);
        assert_eq!(watch.packet(Dir::Orig, &tcp(SYN, 99, 0), 0, 0), ["stream.est_syn_resend_diff_seq"]);
        assert_eq!(watch.packet(Dir::Resp, &tcp(SYN | ACK, 500, 101), 0, 0), ["stream.est_synack_resend"]);
        assert_eq!(watch.packet(Dir::Orig, &tcp(ACK, 90_000, 501), 10, 0), ["stream.est_packet_out_of_window"]);
        assert_eq!(
            watch.packet(Dir::Orig, &tcp(ACK, 101, 90_000), 0, 0),
            ["stream.pkt_invalid_ack", "stream.est_invalid_ack"]
        );
        assert!(watch.packet(Dir::Orig, &tcp(ACK, 101, 501), 10, 0).is_empty());
        assert_eq!(watch.packet(Dir::Orig, &tcp(ACK, 101, 501), 10, 0), ["stream.pkt_retransmission"]);
        assert_eq!(watch.packet(Dir::Resp, &tcp(0, 501, 3), 0, 0), ["stream.pkt_broken_ack"]);
    }

    #[test]
    fn data_behind_a_reset() {
        let mut watch = opened();
        assert!(watch.packet(Dir::Orig, &tcp(RST | ACK, 101, 501), 0, 0).is_empty());
        assert_eq!(watch.packet(Dir::Orig, &tcp(ACK, 101, 501), 10, 0), ["stream.suspected_rst_inject"]);
        assert!(watch.packet(Dir::Resp, &tcp(ACK, 501, 111), 0, 0).is_empty());
    }

    #[test]
    fn timestamps_that_go_back() {
        let stamped = |flags, seq, ack, stamp| Tcp { timestamps: Some((stamp, 0)), ..tcp(flags, seq, ack) };
        let mut watch = TcpWatch::default();
        watch.packet(Dir::Orig, &stamped(SYN, 100, 0, 50), 0, 0);
        watch.packet(Dir::Resp, &stamped(SYN | ACK, 500, 101, 900), 0, 0);
        watch.packet(Dir::Orig, &stamped(ACK, 101, 501, 51), 0, 0);
        let old = stamped(ACK, 101, 501, 40);
        assert_eq!(watch.packet(Dir::Orig, &old, 5, 0), ["stream.pkt_invalid_timestamp"]);
        assert!(watch.packet(Dir::Orig, &old, 5, STALE_SECS + 1).is_empty());
    }

    #[test]
    fn answers_that_echo_another_timestamp() {
        let stamped = |flags, seq, ack, stamps| Tcp { timestamps: Some(stamps), ..tcp(flags, seq, ack) };
        let mut watch = TcpWatch::default();
        watch.packet(Dir::Orig, &stamped(SYN, 100, 0, (50, 0)), 0, 0);
        let forged = stamped(RST | ACK, 0, 101, (1, 51));
        assert_eq!(watch.packet(Dir::Resp, &forged, 0, 0), ["stream.pkt_invalid_timestamp"]);
        assert!(watch.packet(Dir::Resp, &stamped(SYN | ACK, 500, 101, (900, 50)), 0, 0).is_empty());
        assert_eq!(watch.state, State::SynReceived);
    }

    /// Hostile packets neither panic nor make it grow.
    #[test]
    fn limits_what_is_kept() {
        let mut watch = TcpWatch::default();
        let mut seed = 1u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let [flags, dir, scale, ..] = (seed >> 24).to_be_bytes();
            let packet = Tcp {
                flags,
                seq: (seed >> 32) as u32,
                ack: (seed >> 20) as u32,
                window: (seed >> 40) as u16,
                window_scale: Some(scale),
                timestamps: Some(((seed >> 11) as u32, 0)),
                ..Tcp::default()
            };
            let dir = if dir & 1 == 0 { Dir::Orig } else { Dir::Resp };
            assert!(watch.packet(dir, &packet, (seed >> 50) as u32, 0).len() <= MAX_NAMES);
        }
        assert!(watch.syns.len() <= MAX_QUEUED && watch.answers.len() <= MAX_QUEUED);
    }
}
