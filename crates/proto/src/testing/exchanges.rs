//! What parsers show to rules and EVE, written down so that it can be compared.

use crate::Sight;
use sekisho_transaction::{Fact, FactSet, Json, Kind, Look, Mark, Options, Transaction, Value};
use sekisho_types::Dir;
use sekisho_types::text::Line;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Values asked for of one fact.
const MAX_VALUES: usize = 256;

/// One exchange as it was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestExchange {
    /// Number within the flow.
    pub id: u64,
    /// Its event's type.
    pub event_type: &'static str,
    /// Its members in EVE as last shown: with braces, everything beyond the usual on.
    pub json: String,
    /// Facts as last shown, by name.
    pub facts: BTreeMap<String, Vec<String>>,
    /// Each stage that was shown, once, in order.
    pub looks: Vec<(bool, u8)>,
    /// Anomalies.
    pub events: Vec<&'static str>,
    /// Files that belong to it.
    pub files: Vec<u64>,
    /// It is over.
    pub over: bool,
}

/// Every exchange of a flow, in the order first shown.
#[derive(Clone, Debug, Default)]
pub struct TestExchanges(pub Vec<TestExchange>);

/// Everything that can be asked for.
pub fn all_facts() -> Arc<FactSet> {
    let mut set = FactSet::default();
    Fact::ALL.iter().for_each(|&fact| set.add(fact));
    Arc::new(set)
}

/// A fact's values as text: bytes escaped, numbers in decimal.
fn values(tx: &dyn Transaction, fact: Fact) -> Vec<String> {
    let several = matches!(fact.info().kind, Kind::List | Kind::Numbers);
    let values = (0..if several { MAX_VALUES } else { 1 }).map_while(|nth| tx.fact(fact, nth));
    let shown = values.map(|value| match value {
        Value::Bytes(bytes) => bytes.escape_ascii().to_string(),
        Value::Number(n) => n.to_string(),
    });
    shown.collect()
}

impl TestExchanges {
    /// Writes down what is shown.
    ///
    /// # Panics
    /// If an exchange is shown again after its end.
    pub fn show(&mut self, at: &Sight<'_>, look: Look, tx: &dyn Transaction, mark: &Mark) {
        let _ = at;
        let known = self.0.iter().position(|e| e.id == mark.id);
        let place = known.unwrap_or_else(|| {
            self.0.push(TestExchange { id: mark.id, ..TestExchange::default() });
            self.0.len() - 1
        });
        let exchange = &mut self.0[place];
        assert!(!exchange.over, "exchange {} shown after its end: {}", mark.id, exchange.json);
        let mut text = Line::default();
        text.push(b'{');
        let options = Options { dhcp_extended: true, passwords: true, ..Options::default() };
        tx.eve(&mut Json::within(&mut text, false, options));
        text.push(b'}');
        exchange.json = String::from_utf8_lossy(text.as_bytes()).into_owned();
        exchange.event_type = tx.event_type();
        exchange.facts = Fact::ALL
            .iter()
            .map(|&fact| (format!("{fact:?}"), values(tx, fact)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let seen = (look.dir.is_orig(), look.stage);
        if !exchange.looks.contains(&seen) {
            exchange.looks.push(seen);
        }
        exchange.events = mark.events.iter().map(|e| e.name).collect();
        exchange.files = mark.files.iter().map(|f| f.0).collect();
        exchange.over = look.over;
    }

    /// Each as one line, in the order of their numbers.
    pub fn lines(&self) -> Vec<String> {
        let mut sorted: Vec<&TestExchange> = self.0.iter().collect();
        sorted.sort_by_key(|e| e.id);
        sorted.iter().map(|e| e.line()).collect()
    }
}

impl TestExchange {
    /// All of it but how far it went in which order.
    fn line(&self) -> String {
        let Self { id, event_type, json, facts, events, files, over, .. } = self;
        format!("{id} {event_type} over={over} {json} {facts:?} {events:?} {files:?}")
    }

    /// The values of a fact.
    pub fn fact(&self, fact: Fact) -> &[String] {
        self.facts.get(&format!("{fact:?}")).map_or(&[], Vec::as_slice)
    }

    /// Did it reach `stage` in `dir`?
    pub fn reached(&self, dir: Dir, stage: u8) -> bool {
        self.looks.iter().any(|&(orig, s)| orig == dir.is_orig() && s >= stage)
    }
}
