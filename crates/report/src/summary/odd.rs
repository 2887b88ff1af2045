use super::columns::{conn, tunnel, weird};
use super::{Tally, keep_least, listing};
use crate::bounded::{Distinct, Top, Weight};
use crate::cells::Cells;
use crate::page::{Attempts, Page, Tunnel, Weird};
use sekisho_record::Text;
use sekisho_types::{Addr, Timestamp, seeded_hash};

/// Names of oddities told apart.
const MAX_WEIRDS: usize = 2_048;
/// Hosts whose failed attempts are counted.
const MAX_ATTEMPTERS: usize = 512;
/// Tunnels told apart.
const MAX_TUNNELS: usize = 4_096;
/// Fewer failed attempts of a host are not worth a line.
const MIN_ATTEMPTS: u64 = 10;

#[derive(Default)]
struct WeirdSum {
    count: u64,
    /// The earliest: time, flow, detail.
    example: Option<(Option<Timestamp>, Option<Text>, Option<Text>)>,
}

impl Weight for WeirdSum {
    fn weight(&self) -> u64 {
        self.count
    }
}

#[derive(Default)]
struct Failed {
    unanswered: u64,
    refused: u64,
    hosts: Distinct,
    ports: Distinct,
}

impl Weight for Failed {
    fn weight(&self) -> u64 {
        self.unanswered + self.refused
    }
}

/// Things that stand out, as facts without judgement.
pub(super) struct Odd {
    weirds: Top<Box<[u8]>, WeirdSum>,
    failed: Top<Addr, Failed>,
    tunnels: Top<(Box<[u8]>, Addr, Addr), Tally>,
    seed: u64,
}

impl Odd {
    pub fn new(seed: u64) -> Self {
        Self {
            weirds: Top::new(MAX_WEIRDS, seed),
            failed: Top::new(MAX_ATTEMPTERS, seed),
            tunnels: Top::new(MAX_TUNNELS, seed),
            seed,
        }
    }

    pub fn conn(&mut self, row: &Cells<'_>) {
        let unanswered = match row.text(conn::STATE) {
            Some(b"S0") => true,
            Some(b"REJ") => false,
            _ => return,
        };
        let (Some(orig), Some(resp)) = (row.addr(conn::ORIG), row.addr(conn::RESP)) else { return };
        if row.text(conn::PROTO) != Some(b"tcp") {
            return;
        }
        let failed = self.failed.at(orig);
        failed.unanswered += u64::from(unanswered);
        failed.refused += u64::from(!unanswered);
        failed.hosts.insert(seeded_hash(self.seed, resp.octets()));
        failed.ports.insert(row.count(conn::RESP_P).unwrap_or(0));
    }

    pub fn weird(&mut self, row: &Cells<'_>) {
        let Some(name) = row.text(weird::NAME) else { return };
        let sum = self.weirds.at_ref(name);
        sum.count += 1;
        let ts = row.time(weird::TS);
        if sum.example.as_ref().is_none_or(|e| ts <= e.0) {
            let text = |i| row.text(i).map(Text::from);
            keep_least(&mut sum.example, Some((ts, row.uid_text(weird::UID), text(weird::DETAIL))));
        }
    }

    pub fn tunnel(&mut self, row: &Cells<'_>) {
        let (Some(orig), Some(resp)) = (row.addr(tunnel::ORIG), row.addr(tunnel::RESP)) else { return };
        let kind = row.text(tunnel::KIND).unwrap_or(b"");
        self.tunnels.at((kind.into(), orig, resp)).0 += 1;
    }

    pub fn fill(&self, page: &mut Page) {
        page.weirds = listing(&self.weirds, |name, sum| Weird {
            name: Text::from(name),
            count: sum.count,
            uid: sum.example.as_ref().and_then(|e| e.1.clone()),
            detail: sum.example.as_ref().and_then(|e| e.2.clone()),
        });
        page.attempts = listing(&self.failed, |&addr, f| {
            let ((hosts, more_hosts), (ports, more_ports)) = (f.hosts.count(), f.ports.count());
            let exact = !more_hosts && !more_ports;
            Attempts { addr, unanswered: f.unanswered, refused: f.refused, hosts, ports, exact }
        });
        page.attempts.rows.retain(|a| a.unanswered + a.refused >= MIN_ATTEMPTS);
        page.tunnels = listing(&self.tunnels, |(kind, orig, resp), n| Tunnel {
            kind: Text::from(kind),
            orig: *orig,
            resp: *resp,
            count: n.0,
        });
    }
}
