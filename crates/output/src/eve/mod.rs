//! Lines of EVE, Suricata's stream of JSON events: their head, and the events that are no protocol's own.
//!
//! What an application protocol has to say comes from a [`sekisho_transaction::Transaction`]; this module knows none.

mod alert;
mod flow;
mod frame;
mod head;
mod protocols;
mod settings;
mod stats;

pub use alert::{Alert, Evidence, MAX_PAYLOAD_LEN, Party, of_flow, printable};
pub use flow::{End, FlowEnd, NetflowSide, TcpEnd};
pub use frame::Frame;
pub use head::{Head, Ports, fast_time, flow_id, protocol};
pub use protocols::protocol_name;
pub use settings::{AlertSettings, Carrier, DEFAULT_DEPTH, DEFAULT_TYPES, Policy, Settings, Tunnels, Urgent, Xff};
pub use stats::{Counts, Layer, RuleCounts, STATS_SECS, StatsSettings, Totals};

use sekisho_transaction::Json;
use sekisho_types::text::Line;

/// The file that the lines go to.
pub const FILE: &str = "eve.json";

/// The file of alerts as short lines.
pub const FAST_FILE: &str = "fast.log";

/// Writes one line: head, then what `members` adds.
pub fn line(out: &mut Line, settings: &Settings, head: &Head<'_>, members: impl FnOnce(&mut Json<'_>)) {
    out.push(b'{');
    let mut json = Json::within(out, false, settings.options);
    head.write(settings, &mut json);
    members(&mut json);
    out.extend(b"}\n");
}

#[cfg(test)]
mod tests;
