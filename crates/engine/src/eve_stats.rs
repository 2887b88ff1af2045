//! EVE's events about the run itself: when they are due, and what they say.

use crate::{Rows, Settings, Stats};
use sekisho_output::eve::{self, Counts, Head, Ports, StatsSettings, Totals};
use sekisho_types::text::Line;
use sekisho_types::{Interval, Timestamp, VlanTags};
use std::sync::Arc;

/// Makes the events when they are due, by packet time: nothing depends on the clock.
#[derive(Clone, Debug)]
pub(crate) struct EveStats {
    settings: Arc<eve::Settings>,
    stats: StatsSettings,
    every: Interval,
    next: Option<Timestamp>,
}

impl EveStats {
    /// Nothing: nobody wants them.
    pub fn of(settings: &Settings) -> Option<Self> {
        let settings = Arc::clone(settings.eve.as_ref()?);
        let stats = settings.stats?;
        Some(Self { settings, stats, every: Interval::from_secs(stats.secs.max(1).into()), next: None })
    }

    /// Is it time for an event at `now`? The first comes one interval after the first packet.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let next = *self.next.get_or_insert(now + self.every);
        now >= next
    }

    /// Writes the event of everything up to `now`.
    pub fn write(&mut self, now: Timestamp, stats: &Stats, counts: &Counts, rows: &mut dyn Rows) {
        self.next = Some(now + self.every);
        let uptime = stats.first_ts.map_or(0, |first| (now - first).whole_secs());
        let totals =
            Totals { uptime: u64::try_from(uptime).unwrap_or(0), packets: stats.packets, bytes: stats.captured_bytes };
        let head = Head {
            ts: now,
            flow: None,
            packet: 0,
            event_type: "stats",
            vlan: VlanTags::default(),
            ends: None,
            ports: Ports::None,
            proto: 0,
            pkt_src: "",
            macs: None,
            ether_type: None,
            tx_id: None,
        };
        let mut line = Line::default();
        eve::line(&mut line, &self.settings, &head, |json| counts.write(&self.stats, &totals, json));
        rows.line(eve::FILE, line.as_bytes());
    }
}
