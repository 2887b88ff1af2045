//! The exchange that was shown last, for alerts about packets and streams.
//!
//! Such an alert says what its packet's exchange says: of a datagram, where the rule names a protocol; of a stream, where
//! the configuration lets it be guessed and only one exchange can be meant.

use super::flow::Seen;
use super::rules::Waiting;
use super::{At, Eye, sender};
use sekisho_rules::PacketView;
use sekisho_rules::ir::Protocol;
use sekisho_transaction::{Look, Mark, Transaction};
use sekisho_types::{Dir, ip_proto};

/// An exchange as it was shown last in a direction.
pub(super) struct Latest {
    id: u64,
    /// The packet at hand then.
    packet: u64,
    /// What it says.
    members: Vec<u8>,
}

impl Eye {
    /// Remembers an exchange that was shown, if an alert may be told with it.
    pub(super) fn note_latest(&mut self, at: At<'_>, look: Look, tx: &dyn Transaction, mark: &Mark) {
        let Some(rules) = &self.rules else { return };
        let is_datagram = at.flow.info.tuple.proto == ip_proto::UDP;
        let wanted = if is_datagram { rules.names_apps } else { self.settings.guess_exchanges };
        if !wanted || !self.settings.alert.app_layer {
            return;
        }
        let info = &at.flow.info;
        if is_datagram && !self.may_alert(at, tx.app()) {
            return;
        }
        let known = self.flows.get_mut(info).and_then(|seen| look.dir.of_mut(&mut seen.rare_mut().latest).take());
        let mut latest = known.unwrap_or_else(|| Box::new(Latest { id: 0, packet: 0, members: Vec::new() }));
        (latest.id, latest.packet) = (mark.id, at.packet.map_or(0, |p| p.number));
        self.members(mark, look.dir, tx, &mut latest.members);
        if let Some(seen) = self.flows.get_mut(info) {
            *look.dir.of_mut(&mut seen.rare_mut().latest) = Some(latest);
        }
    }

    /// May a rule that names the protocol alert on the datagram at hand? The search for that serves the rules as well.
    fn may_alert(&mut self, at: At<'_>, app: &'static str) -> bool {
        if at.flow.is_opaque() {
            // Nothing is searched then.
            return true;
        }
        let (Some(rules), Some(packet)) = (&mut self.rules, at.packet) else { return false };
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return false };
        let (decoded, frame) = (packet.decoded, packet.frame);
        let view = PacketView { ts: packet.ts, number: packet.number, decoded, frame, events: &[] };
        rules.foresees(&view, seen.rules.get_or_insert_default(), sender(at.flow, packet), app)
    }

    /// Gives an alert about a packet or a stream its exchange.
    pub(super) fn give_latest(&self, at: At<'_>, dir: Dir, waiting: &mut Waiting) {
        let Some(rules) = &self.rules else { return };
        let Some(seen) = self.flows.get(&at.flow.info) else { return };
        let Some(latest) = dir.of(&seen.rare().latest) else { return };
        let meant = if at.flow.info.tuple.proto == ip_proto::UDP {
            let names_app = rules.rule(waiting).is_some_and(|rule| matches!(rule.header.protocol, Protocol::App(_)));
            names_app && at.packet.is_some_and(|p| p.number == latest.packet)
        } else {
            self.settings.guess_exchanges && latest.id + 1 == seen.tx_count
        };
        if meant {
            let guessed = at.flow.info.tuple.proto != ip_proto::UDP;
            waiting.belongs_to(latest.id, &latest.members, guessed);
        }
    }

    /// A packet's alerts were told: what datagrams showed is not needed any more.
    pub(super) fn forget_latest(&mut self, at: At<'_>) {
        if at.flow.info.tuple.proto == ip_proto::UDP
            && let Some(rare) = self.flows.get_mut(&at.flow.info).and_then(Seen::any_rare)
        {
            rare.latest = [None, None];
        }
    }
}
