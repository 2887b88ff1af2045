//! What the tree tells of the flows that carried files, picked from the rows as they pass.

use hashbrown::HashMap;
use sekisho_record::{Record, Value, for_each};
use sekisho_types::{SeededState, Timestamp, Uid};

/// Flows remembered; of files in further ones the tree tells no time and no transport.
const FLOW_COUNT_MAX: usize = 500_000;

/// A flow.
pub struct Flow {
    /// Time of the first packet.
    pub ts: Timestamp,
    /// Transport protocol.
    pub proto: String,
    /// Application protocols.
    pub service: Option<String>,
}

/// Flows of which a protocol was recognised: no other carries files.
pub struct Flows(HashMap<Uid, Flow, SeededState>);

impl Flows {
    /// None yet.
    pub fn new(seed: u64) -> Self {
        Self(HashMap::with_hasher(SeededState(seed)))
    }

    /// A row of any log.
    pub fn row(&mut self, record: &dyn Record) {
        if record.schema().log != "conn" || self.0.len() >= FLOW_COUNT_MAX {
            return;
        }
        let mut uid = None;
        let mut flow = Flow { ts: Timestamp(0), proto: String::new(), service: None };
        for_each(record, &mut |field, value| match (field.name, value) {
            ("ts", Value::Time(ts)) => flow.ts = ts,
            ("uid", Value::Uid(id)) => uid = Some(id),
            ("proto", value) => flow.proto = text(value).unwrap_or_default(),
            ("service", value) => flow.service = text(value),
            // Zeek's column is empty where a flow is seen in part only.
            ("app", value) if flow.service.is_none() => flow.service = text(value),
            _ => {}
        });
        if let (Some(uid), Some(_)) = (uid, &flow.service) {
            self.0.insert(uid, flow);
        }
    }

    /// The flow with an id.
    pub fn get(&self, uid: Uid) -> Option<&Flow> {
        self.0.get(&uid)
    }
}

fn text(value: Value<'_>) -> Option<String> {
    match value {
        Value::Str(text) => Some(String::from_utf8_lossy(text).into_owned()),
        Value::Enum(text) => Some(text.to_owned()),
        _ => None,
    }
}
