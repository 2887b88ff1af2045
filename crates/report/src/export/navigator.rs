//! Layers for the ATT&CK Navigator: layer format 4.5, as its repository describes it.

use super::{host, peers, printed};
use crate::Page;
use crate::clean::clean;
use crate::units::{clock, counted};
use sekisho_finding::{ATTACK_VERSION, Finding, Matrix, Severity, is_technique_id, technique_url};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The layer format, and the first Navigator that reads it.
const FORMAT: &str = "4.5";
const NAVIGATOR: &str = "4.9.0";
/// Findings told in a comment, and hosts named; of more, how many.
const TOLD: usize = 20;

/// From mild to bad; seen alike by those who do not tell red from green.
const FOUND: [&str; 3] = ["#fde7a9", "#f2994a", "#b3261e"];

/// A technique of a layer.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its id.
    pub id: String,
    /// What colours it.
    pub score: u32,
    /// What is said of it.
    pub comment: String,
    /// Names and values that are listed.
    pub metadata: Vec<(&'static str, String)>,
    /// Does it count: others are greyed out.
    pub enabled: bool,
}

/// A layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its matrix.
    pub matrix: Matrix,
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub description: String,
    /// Techniques by id.
    pub cells: Vec<Cell>,
    /// Colours from the least to the highest score.
    pub colors: [&'static str; 3],
    /// The highest score.
    pub most: u32,
    /// What colours mean.
    pub legend: Vec<(&'static str, &'static str)>,
}

/// One layer as an object, several as a list, as the Navigator saves them; without a newline at the end.
pub fn layers_to_json(layers: &[Layer]) -> String {
    let all: Vec<Value> = layers.iter().map(layer).collect();
    match &all[..] {
        [one] => printed(one),
        several => printed(&Value::Array(several.to_vec())),
    }
}

fn layer(l: &Layer) -> Value {
    let techniques: Vec<Value> = l.cells.iter().map(cell).collect();
    let legend: Vec<Value> = l.legend.iter().map(|(color, label)| json!({ "color": color, "label": label })).collect();
    json!({
        "name": l.name,
        "versions": { "attack": ATTACK_VERSION.split('.').next(), "navigator": NAVIGATOR, "layer": FORMAT },
        "domain": l.matrix.domain(),
        "description": l.description,
        "layout": { "layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated" },
        "sorting": 3,
        "hideDisabled": false,
        "techniques": techniques,
        "gradient": { "colors": l.colors, "minValue": 0, "maxValue": l.most },
        "legendItems": legend,
        "metadata": [{ "name": "program", "value": concat!("sekisho ", env!("CARGO_PKG_VERSION")) },
                     { "name": "ATT&CK", "value": ATTACK_VERSION }],
    })
}

fn cell(c: &Cell) -> Value {
    let metadata: Vec<Value> = c.metadata.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "techniqueID": c.id,
        "score": c.score,
        "comment": c.comment,
        "enabled": c.enabled,
        "metadata": metadata,
        "links": [{ "label": "ATT&CK", "url": technique_url(&c.id) }],
    })
}

/// What `page` found, as a layer of Enterprise; and a second one if something was found in industrial control.
///
/// A technique's score is the highest of its findings: severity (critical 100, high 75, medium 50, low 25, info 10) times
/// confidence. Only what was found is there, and nothing that is muted.
pub fn to_navigator(page: &Page) -> String {
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for f in page.judged.findings.iter().filter(|f| f.is_open()) {
        for id in f.all_techniques().filter(|id| is_technique_id(id)) {
            let of = found.entry(id).or_default();
            if !of.last().is_some_and(|last| std::ptr::eq(*last, f)) {
                of.push(f);
            }
        }
    }
    let c = &page.completeness;
    let inputs: Vec<String> = c.inputs.iter().take(TOLD).map(|i| clean(i.as_bytes())).collect();
    let when = c.first.zip(c.last).map_or_else(String::new, |(a, b)| format!(", {} to {} UTC", clock(a), clock(b)));
    let description = format!(
        "What sekisho audit found in {}{when}. Score: severity (critical 100, high 75, medium 50, low 25, info 10) times \
         confidence, of the strongest finding. What is not here was not found, or could not be seen.",
        inputs.join(", ")
    );
    let layer = |matrix: Matrix| Layer {
        matrix,
        name: "Sekisho audit",
        description: description.clone(),
        cells: found.iter().filter(|(id, _)| of_matrix(id) == matrix).map(|(id, of)| seen(id, of)).collect(),
        colors: FOUND,
        most: 100,
        legend: vec![(FOUND[0], "a hint"), (FOUND[1], "to be looked at"), (FOUND[2], "act now")],
    };
    let mut layers = vec![layer(Matrix::Enterprise)];
    layers.extend(Some(layer(Matrix::Ics)).filter(|l| !l.cells.is_empty()));
    layers_to_json(&layers)
}

/// Ids of industrial control begin with T0.
fn of_matrix(id: &str) -> Matrix {
    if id.starts_with("T0") { Matrix::Ics } else { Matrix::Enterprise }
}

fn score(f: &Finding) -> u32 {
    let weight = match f.severity {
        Severity::Critical => 100,
        Severity::High => 75,
        Severity::Medium => 50,
        Severity::Low => 25,
        Severity::Info => 10,
    };
    (weight * u32::from(f.confidence.thousandths()) + 500) / 1000
}

fn seen(id: &str, findings: &[&Finding]) -> Cell {
    let mut lines: Vec<String> = findings.iter().take(TOLD).map(|f| line(f)).collect();
    let more = findings.len().saturating_sub(TOLD);
    if more > 0 {
        lines.push(format!("... and {more} more"));
    }
    let mut hosts: Vec<_> = findings.iter().map(|f| f.subject).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let more = hosts.len().saturating_sub(TOLD);
    let mut named: Vec<String> = hosts.iter().take(TOLD).map(ToString::to_string).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    Cell {
        id: id.to_owned(),
        score: findings.iter().map(|f| score(f)).max().unwrap_or(0),
        comment: lines.join("\n"),
        metadata: vec![("findings", findings.len().to_string()), ("hosts", named.join(", "))],
        enabled: true,
    }
}

/// `high c2-beacon/regular: 10.0.0.5 (ws5.test), 198.51.100.7; 24 times from 2026-11-01 08:00:00 on`.
fn line(f: &Finding) -> String {
    let mut words = format!("{} {}: {}", f.severity, f.code(), host(f, f.subject));
    for more in [clean(f.key.as_bytes()), peers(f)].into_iter().filter(|m| !m.is_empty()) {
        words.push_str(", ");
        words.push_str(&more);
    }
    format!("{words}; {} from {} on, confidence {}", counted(f.count, "time"), clock(f.first), f.confidence)
}
