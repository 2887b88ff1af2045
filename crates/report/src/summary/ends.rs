use super::Log;
use super::columns::conn;
use crate::cells::{Cells, Plan, Printed};
use crate::page::FlowEnds;
use sekisho_finding::Finding;
use sekisho_record::{Schema, Text, Value};
use std::collections::VecDeque;

/// Most flows kept.
const MAX_FLOWS: usize = 131_072;
/// Fewest flows for which there is room, however little memory there is.
const MIN_FLOWS: usize = 1_024;
/// Bytes that a flow takes, its texts included.
const FLOW_LEN: u64 = 256;

/// The flows that ended last, for those who want to know the ends of flows that findings name.
pub(super) struct Ends {
    kept: VecDeque<FlowEnds>,
    most: usize,
    forgotten: u64,
}

impl Ends {
    /// Keeps none.
    pub fn none() -> Self {
        Self { kept: VecDeque::new(), most: 0, forgotten: 0 }
    }

    /// Keeps as many as fit into `memory_len` bytes.
    pub fn within(memory_len: u64) -> Self {
        let most = usize::try_from(memory_len / FLOW_LEN).unwrap_or(MAX_FLOWS);
        Self { most: most.clamp(MIN_FLOWS, MAX_FLOWS), ..Self::none() }
    }

    pub fn conn(&mut self, row: &Cells<'_>) {
        if self.most == 0 {
            return;
        }
        let (Some(uid), Some(first)) = (row.id(conn::UID), row.time(conn::TS)) else { return };
        let (Some(orig), Some(resp)) = (row.addr(conn::ORIG), row.addr(conn::RESP)) else { return };
        let port = |i| row.count(i).and_then(|p| u16::try_from(p).ok()).unwrap_or(0);
        let sum = |i| row.count(i).unwrap_or(0);
        if self.kept.len() >= self.most {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.kept.push_back(FlowEnds {
            uid,
            first,
            last: row.interval(conn::DURATION).map_or(first, |d| first + d),
            orig,
            orig_port: port(conn::ORIG_P),
            resp,
            resp_port: port(conn::RESP_P),
            proto: Text::from(row.text(conn::PROTO).unwrap_or(b"")),
            service: row.text(conn::SERVICE).map(Text::from),
            sent_bytes: sum(conn::ORIG_BYTES),
            received_bytes: sum(conn::RESP_BYTES),
            sent_packets: sum(conn::ORIG_PKTS),
            received_packets: sum(conn::RESP_PKTS),
        });
    }

    /// Those that `findings` name, by uid, and how many flows were forgotten for want of room.
    pub fn named(&self, findings: &[Finding]) -> (Vec<FlowEnds>, u64) {
        let mut wanted: Vec<_> = findings.iter().flat_map(|f| f.flows.iter()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let is_wanted = |f: &&FlowEnds| wanted.binary_search(&f.uid).is_ok();
        let mut flows: Vec<FlowEnds> = self.kept.iter().filter(is_wanted).cloned().collect();
        flows.sort_by_key(|f| f.uid);
        flows.dedup_by_key(|f| f.uid);
        (flows, self.forgotten)
    }
}

/// The ends of the flows that ended last, within fixed memory, for those who want no page.
pub struct KeptFlows {
    ends: Ends,
    /// Columns of conn rows, once one was seen.
    plan: Option<(&'static Schema, Plan)>,
    printed: Printed,
}

impl KeptFlows {
    /// Keeps as many as fit into `memory_len` bytes.
    pub fn within(memory_len: u64) -> Self {
        Self { ends: Ends::within(memory_len), plan: None, printed: Printed::default() }
    }

    /// Takes one row of any log by its values.
    pub fn add_values(&mut self, schema: &'static Schema, values: &[Value<'_>]) {
        if self.plan.is_none()
            && let Some((Log::Conn, names)) = Log::of(schema.log)
        {
            self.plan = Some((schema, Plan::new(schema, names)));
        }
        if let Some((_, plan)) = self.plan.as_ref().filter(|(known, _)| std::ptr::eq(*known, schema)) {
            self.ends.conn(&Cells::of(plan, values, &mut self.printed));
        }
    }

    /// Those that `findings` name, by uid, and how many flows were forgotten for want of room.
    pub fn named(&self, findings: &[Finding]) -> (Vec<FlowEnds>, u64) {
        self.ends.named(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded() {
        assert_eq!(Ends::within(0).most, MIN_FLOWS);
        assert_eq!(Ends::within(u64::MAX).most, MAX_FLOWS);
        assert_eq!(Ends::within(FLOW_LEN * 5_000).most, 5_000);
    }
}
