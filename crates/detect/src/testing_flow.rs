//! Rows of flows from nothing, for tests of judgements about contacts.

use crate::testing::{Cell, Line, addr, line};

/// A flow that ended, in the making.
#[derive(Clone)]
pub(crate) struct Flow {
    at: f64,
    from: String,
    to: String,
    port: u16,
    proto: &'static str,
    state: &'static str,
    history: &'static str,
    app: &'static str,
    bytes: (u64, u64),
    packets: (u64, u64),
    lasts: f64,
    one_sided: &'static str,
}

impl Flow {
    /// A SYN that a reset answers.
    pub fn refused(at: f64, from: &str, to: &str, port: u16) -> Self {
        Self {
            at,
            from: from.to_owned(),
            to: to.to_owned(),
            port,
            proto: "tcp",
            state: "REJ",
            history: "Sr",
            app: "",
            bytes: (0, 0),
            packets: (1, 1),
            lasts: 0.001,
            one_sided: "",
        }
    }

    /// A SYN that nobody answers.
    pub fn unanswered(at: f64, from: &str, to: &str, port: u16) -> Self {
        Self { state: "S0", history: "S", packets: (1, 0), ..Self::refused(at, from, to, port) }.one_sided("orig")
    }

    /// A connection with payload both ways.
    pub fn used(at: f64, from: &str, to: &str, port: u16) -> Self {
        let base = Self::refused(at, from, to, port);
        Self { state: "SF", history: "ShADadFf", bytes: (2_000, 3_000), packets: (10, 10), lasts: 1.0, ..base }
    }

    /// With another state and history.
    pub fn went(self, state: &'static str, history: &'static str) -> Self {
        Self { state, history, ..self }
    }

    pub fn udp(self, state: &'static str) -> Self {
        Self { proto: "udp", state, history: "D", ..self }
    }

    pub fn app(self, app: &'static str) -> Self {
        Self { app, ..self }
    }

    pub fn sized(self, lasts: f64, orig: u64, resp: u64) -> Self {
        Self { lasts, bytes: (orig, resp), ..self }
    }

    pub fn one_sided(self, one_sided: &'static str) -> Self {
        Self { one_sided, ..self }
    }

    /// The row, found with packet `packet`.
    pub fn line(&self, packet: u64) -> Line {
        let columns = [
            ("ts", Cell::Time(self.at)),
            ("uid", Cell::Uid(packet + 1_000)),
            ("id.orig_h", Cell::Addr(addr(&self.from))),
            ("id.orig_p", Cell::Port(40_000)),
            ("id.resp_h", Cell::Addr(addr(&self.to))),
            ("id.resp_p", Cell::Port(self.port)),
            ("proto", Cell::Word(self.proto)),
            ("app", Cell::Text(self.app.into())),
            ("history", Cell::Text(self.history.into())),
            ("duration", Cell::Span(self.lasts)),
            ("orig_bytes", Cell::Count(self.bytes.0)),
            ("resp_bytes", Cell::Count(self.bytes.1)),
            ("conn_state", Cell::Word(self.state)),
            ("orig_pkts", Cell::Count(self.packets.0)),
            ("resp_pkts", Cell::Count(self.packets.1)),
            ("one_sided", Cell::Word(self.one_sided)),
        ];
        line("conn", packet, &columns)
    }
}

/// A piece of a connection's rhythm, in the making.
#[derive(Clone)]
pub(crate) struct Rhythm {
    pub host: &'static str,
    pub peer: &'static str,
    pub app: &'static str,
    pub begun: f64,
    /// Second, bytes sent, bytes received.
    pub bursts: Vec<(u64, u64, u64)>,
    pub sent_len: u64,
    pub received_len: u64,
    /// Segments of the responder, short ones, those as SSH has them, typed, answered, stretches.
    pub typing: [u64; 6],
}

impl Rhythm {
    pub fn new(begun: f64, bursts: Vec<(u64, u64, u64)>) -> Self {
        let sum = |of: fn(&(u64, u64, u64)) -> u64| bursts.iter().map(of).sum();
        let (sent_len, received_len) = (sum(|b| b.1), sum(|b| b.2));
        let (host, peer) = ("10.0.0.5", "203.0.113.9");
        Self { host, peer, app: "", begun, bursts, sent_len, received_len, typing: [0; 6] }
    }

    /// Rows of flow `uid`, told at `at`: 32 bursts a row.
    pub fn lines(&self, at: f64, uid: u64) -> Vec<Line> {
        let pieces: Vec<&[(u64, u64, u64)]> =
            if self.bursts.is_empty() { vec![&[]] } else { self.bursts.chunks(32).collect() };
        let last = pieces.len() - 1;
        let told = |(n, piece): (usize, &[(u64, u64, u64)])| {
            let column = |of: fn(&(u64, u64, u64)) -> u64| Cell::Counts(piece.iter().map(of).collect());
            let behind = self.bursts.get((n + 1) * 32).map(|b| b.0 as f64);
            let mut columns = vec![
                ("ts", Cell::Time(if n == last { at } else { behind.unwrap_or(at) })),
                ("uid", Cell::Uid(uid)),
                ("id.orig_h", Cell::Addr(addr(self.host))),
                ("id.resp_h", Cell::Addr(addr(self.peer))),
                ("id.resp_p", Cell::Port(443)),
                ("app", Cell::Text(self.app.into())),
                ("begun", Cell::Time(self.begun)),
                ("sent_len", Cell::Count(self.sent_len)),
                ("received_len", Cell::Count(self.received_len)),
                ("seconds", column(|b| b.0)),
                ("sent", column(|b| b.1)),
                ("received", column(|b| b.2)),
            ];
            let names = ["segments", "short", "sealed", "typed", "answered", "stretches"];
            columns.extend(names.into_iter().zip(self.typing.map(Cell::Count)));
            line("bursts", uid, &columns)
        };
        pieces.into_iter().enumerate().map(told).collect()
    }
}

/// The rows, numbered from 1.
pub(crate) fn lines(flows: &[Flow]) -> Vec<Line> {
    flows.iter().zip(1..).map(|(flow, packet)| flow.line(packet)).collect()
}
