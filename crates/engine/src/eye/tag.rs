//! Packets that are told of because a rule's `tag` wants what follows its alert.

use super::flow::Seen;
use super::{At, Eye};
use crate::Rows;
use sekisho_flow::Packet;
use sekisho_output::eve::{self, AlertSettings, Evidence, Head};
use sekisho_rules::ir::{Effect, Rule, TagMetric};
use sekisho_types::{Addr, Interval, Timestamp};

/// Hosts of one lane that are tagged.
const MAX_HOSTS: usize = 4096;

/// What is left of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Packets(u32),
    Bytes(u64),
    Until(Timestamp),
}

impl Tag {
    fn new(metric: TagMetric, count: u32, now: Timestamp) -> Self {
        match metric {
            // The packet of the alert counts, too.
            TagMetric::Packets => Self::Packets(count.saturating_sub(1)),
            TagMetric::Bytes => Self::Bytes(u64::from(count)),
            TagMetric::Seconds => Self::Until(now + Interval::from_secs(i64::from(count))),
        }
    }

    /// Takes a packet; false if nothing was left.
    fn take(&mut self, packet: &Packet<'_>) -> bool {
        match self {
            Self::Packets(0) | Self::Bytes(0) => return false,
            Self::Packets(left) => *left -= 1,
            Self::Bytes(left) => *left = left.saturating_sub(packet.frame.len() as u64),
            Self::Until(end) => return packet.ts <= *end,
        }
        true
    }
}

impl Eye {
    /// A rule has matched: its tags begin.
    pub(super) fn tag(&mut self, at: Option<At<'_>>, packet: &Packet<'_>, rule: &Rule) {
        for effect in &rule.effects {
            let Effect::Tag { session, src, count, metric } = effect else { continue };
            let tag = Tag::new(*metric, *count, packet.ts);
            if *session {
                if let Some(seen) = at.and_then(|at| self.flows.get_mut(&at.flow.info)) {
                    seen.rare_mut().tag = Some(tag);
                }
            } else if self.tagged.len() < MAX_HOSTS {
                self.tagged.insert(if *src { packet.decoded.src } else { packet.decoded.dst }, tag);
            }
        }
    }

    /// Is the packet to be told of?
    fn is_tagged(&mut self, at: Option<At<'_>>, packet: &Packet<'_>) -> bool {
        let seen = at.and_then(|at| self.flows.get_mut(&at.flow.info));
        let of_flow =
            seen.and_then(Seen::any_rare).and_then(|rare| rare.tag.as_mut()).is_some_and(|tag| tag.take(packet));
        let mut of_host = |addr: Addr| {
            let Some(tag) = self.tagged.get_mut(&addr) else { return false };
            let told = tag.take(packet);
            if !told {
                self.tagged.remove(&addr);
            }
            told
        };
        let (src, dst) = (of_host(packet.decoded.src), of_host(packet.decoded.dst));
        of_flow || src || dst
    }

    /// Tells of a packet that a tag wants.
    pub(super) fn tell_tagged(&mut self, at: Option<At<'_>>, packet: &Packet<'_>, rows: &mut dyn Rows) {
        let none = self.tagged.is_empty()
            && at.and_then(|at| self.flows.get(&at.flow.info)).is_none_or(|seen| seen.rare().tag.is_none());
        if none || !self.is_tagged(at, packet) || !self.settings.is_on("alert") {
            return;
        }
        let head = Head { flow: at.map(|at| eve::flow_id(at.flow.info.uid)), ..self.packet_head(packet, "packet") };
        let shown = AlertSettings { packet: true, ..AlertSettings::default() };
        let evidence = Evidence { payload: &[], stream: false, packet: Some((packet.frame, self.link.0)) };
        self.write(rows, at, &head, |json| evidence.write(shown, json));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_wire::Decoded;

    #[test]
    fn tags_end_by_packets_bytes_or_time() {
        let decoded = Decoded::default();
        let at = |secs| Packet {
            ts: Timestamp::from_parts(secs, 0),
            number: 1,
            decoded: &decoded,
            frame: &[0; 100],
            tunnel: None,
        };
        let taken = |metric, count| {
            let mut tag = Tag::new(metric, count, Timestamp::from_parts(0, 0));
            (1..10).take_while(|secs| tag.take(&at(*secs))).count()
        };
        assert_eq!(taken(TagMetric::Packets, 4), 3);
        assert_eq!(taken(TagMetric::Bytes, 250), 3);
        assert_eq!(taken(TagMetric::Seconds, 5), 5);
    }
}
