//! A STIX 2.1 bundle (OASIS, `stix-v2.1-os`): what was observed, which techniques were sighted, which stories it makes.
//!
//! For each finding: `observed-data` of addresses, names, flows, files and certificates; a `note` with measures and words from the
//! wire; a `sighting` of each `attack-pattern` of ATT&CK; and where somebody outside is called by what seems to be an intruder's,
//! an `indicator` with its sighting. An incident is a `grouping`. Identifiers and times come from the packets, so that the same
//! capture gives the same bundle.

mod ids;
mod observed;

use super::{host, printed};
use crate::Page;
use crate::units::{clock, counted, push_iso};
use ids::own;
use observed::{address, digest, is_name, key_name, name, traffic};
use sekisho_finding::{Confidence, Finding, Incident, Severity, Stage, is_technique_id, technique, technique_url};
use sekisho_types::{Addr, Subnet, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Findings in a bundle, the worst; how many others there are is said in a note.
const MAX_TOLD: usize = 5_000;
/// Objects of an incident.
const MAX_GROUPED: usize = 2_000;
/// The most that a sighting may count (STIX 2.1 §5.2) and that observed data may (§4.14).
const MAX_COUNT: u64 = 999_999_999;
/// How sure a finding has to be to make an indicator.
const SURE: Confidence = Confidence::new(600);
/// When what does not depend on a capture was made: the release of ATT&CK's version.
const FIXED: &str = "2025-11-13T00:00:00.000Z";

/// The findings of `page` that no mute hides, the worst first, and its incidents.
pub fn to_stix(page: &Page) -> String {
    let mut bundle = Bundle { sensor: own("identity", &["sekisho"]), known: BTreeSet::new(), text: String::new() };
    let sensor = json!({
        "name": "Sekisho",
        "description": "Network analyser: judgements on captured packets.",
        "identity_class": "system",
    });
    let id = bundle.sensor.clone();
    bundle.fixed("identity", &id, sensor);
    let mut of_finding: Vec<Vec<String>> = vec![Vec::new(); page.judged.findings.len()];
    let open = || page.judged.findings.iter().enumerate().filter(|(_, f)| f.is_open());
    for (place, f) in open().take(MAX_TOLD) {
        let refs = finding(&mut bundle, page, f);
        if let Some(of) = of_finding.get_mut(place) {
            *of = refs;
        }
    }
    for (number, incident) in page.judged.incidents.iter().enumerate() {
        grouping(&mut bundle, page, (number + 1, incident), &of_finding);
    }
    let more = open().count().saturating_sub(MAX_TOLD);
    let mut left_off = Vec::new();
    if more > 0 {
        left_off.push(format!("{more} milder findings are not in this bundle; sekisho audit --json has them."));
    }
    if page.flows_forgotten > 0 {
        left_off.push(format!("{} flows were forgotten; findings may lack theirs.", page.flows_forgotten));
    }
    if !left_off.is_empty() {
        let last = page.completeness.last.unwrap_or_default();
        let content = left_off.join("\n");
        let refs = json!({ "abstract": "Left off", "content": content, "object_refs": [&id] });
        bundle.add("note", &own("note", &["left off", &time(last, 3), &content]), (last, last), refs);
    }
    bundle.finish()
}

/// A time as STIX writes it, to the microsecond, with at least `digits` behind the point.
fn time(ts: Timestamp, digits: usize) -> String {
    let mut text = String::new();
    push_iso(&mut text, ts);
    let Some((whole, rest)) = text.split_once('.') else { return text };
    let micros = rest.get(..6).unwrap_or("");
    let zeros = micros.len() - micros.trim_end_matches('0').len();
    let kept = micros.get(..(micros.len() - zeros).max(digits)).unwrap_or(micros);
    if kept.is_empty() { format!("{whole}Z") } else { format!("{whole}.{kept}Z") }
}

struct Bundle {
    /// The identity of this program.
    sensor: String,
    /// Identifiers of the objects that are there.
    known: BTreeSet<String>,
    text: String,
}

impl Bundle {
    /// An object, once.
    fn put(&mut self, id: &str, object: &Value) {
        if self.known.insert(id.to_owned()) {
            self.text.push_str(if self.text.is_empty() { "\n" } else { ",\n" });
            self.text.push_str(&printed(object));
        }
    }

    /// An observable; gives its identifier.
    fn observe(&mut self, (id, object): (String, Value)) -> String {
        self.put(&id, &object);
        id
    }

    /// An object of the domain or a relationship, made and changed at these times.
    fn add(&mut self, kind: &str, id: &str, (first, last): (Timestamp, Timestamp), members: Value) {
        self.common(kind, id, [time(first, 3), time(last.max(first), 3)], members);
    }

    /// The same for what does not depend on a capture.
    fn fixed(&mut self, kind: &str, id: &str, members: Value) {
        self.common(kind, id, [FIXED.to_owned(), FIXED.to_owned()], members);
    }

    fn common(&mut self, kind: &str, id: &str, [created, modified]: [String; 2], members: Value) {
        let mut object = Map::new();
        for (member, value) in
            [("type", kind), ("spec_version", "2.1"), ("id", id), ("created", &created), ("modified", &modified)]
        {
            object.insert(member.to_owned(), value.into());
        }
        if id != self.sensor {
            object.insert("created_by_ref".to_owned(), self.sensor.as_str().into());
        }
        if let Value::Object(members) = members {
            object.extend(members);
        }
        self.put(id, &Value::Object(object));
    }

    fn relate(&mut self, kind: &str, ends: [&str; 2], when: Timestamp, description: &str) -> String {
        let [from, to] = ends;
        let id = own("relationship", &[kind, from, to, &time(when, 3)]);
        let mut members = json!({ "relationship_type": kind, "source_ref": from, "target_ref": to });
        if let (Some(members), false) = (members.as_object_mut(), description.is_empty()) {
            members.insert("description".to_owned(), description.into());
        }
        self.add("relationship", &id, (when, when), members);
        id
    }

    fn finish(self) -> String {
        let all: Vec<&str> = self.known.iter().map(String::as_str).collect();
        format!("{{\"type\": \"bundle\", \"id\": \"{}\", \"objects\": [{}\n]}}", own("bundle", &all), self.text)
    }
}

/// Everything about a finding; gives the objects that an incident of it groups.
fn finding(bundle: &mut Bundle, page: &Page, f: &Finding) -> Vec<String> {
    let span = (f.first, f.last);
    let code = f.code();
    let subject = f.subject.to_string();
    let [first, last] = [time(f.first, 3), time(f.last.max(f.first), 3)];
    let key: &[&str] = &[f.about.id, f.reason.code, &subject, &f.key, &first];
    let seen = observables(bundle, page, f);
    let observed = own("observed-data", key);
    let number = f.count.clamp(1, MAX_COUNT);
    let members =
        json!({ "first_observed": first, "last_observed": last, "number_observed": number, "object_refs": seen });
    bundle.add("observed-data", &observed, span, members);
    let note = own("note", key);
    let confidence = f.confidence.thousandths() / 10;
    bundle.add(
        "note",
        &note,
        span,
        json!({
            "abstract": format!("{}: {}", f.about.title, host(f, f.subject)),
            "content": content(f),
            "labels": [code, f.severity.name(), f.stage.name()],
            "confidence": confidence,
            "object_refs": [&observed],
        }),
    );
    let mut refs = vec![observed.clone(), note];
    let mut sight = |bundle: &mut Bundle, of: &str| {
        let id = own("sighting", &[&[of][..], key].concat());
        let members = json!({
            "sighting_of_ref": of,
            "observed_data_refs": [&observed],
            "where_sighted_refs": [&bundle.sensor],
            "first_seen": first,
            "last_seen": last,
            "count": f.count.min(MAX_COUNT),
            "confidence": confidence,
            "description": f.reason.means,
        });
        bundle.add("sighting", &id, span, members);
        refs.push(id);
    };
    let mut techniques: Vec<&str> = f.all_techniques().filter(|id| is_technique_id(id)).collect();
    techniques.sort_unstable();
    techniques.dedup();
    let patterns: Vec<String> = techniques.iter().map(|id| attack_pattern(bundle, id)).collect();
    patterns.iter().for_each(|p| sight(bundle, p));
    if let Some(pattern) = pattern(page, f) {
        let indicator = own("indicator", &[&pattern, &first]);
        let kind = if f.about.id == "intel-contact" { "malicious-activity" } else { "anomalous-activity" };
        let members = json!({
            "name": f.about.title,
            "description": f.reason.means,
            "indicator_types": [kind],
            "pattern": pattern,
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": first,
            "confidence": confidence,
        });
        bundle.add("indicator", &indicator, span, members);
        sight(bundle, &indicator);
        refs.push(indicator.clone());
        for pattern in &patterns {
            refs.push(bundle.relate("indicates", [&indicator, pattern], f.first, ""));
        }
    }
    refs.extend(patterns);
    refs
}

/// A technique of ATT&CK.
fn attack_pattern(bundle: &mut Bundle, technique_id: &str) -> String {
    let id = own("attack-pattern", &[technique_id]);
    let known = technique(technique_id);
    let phases: Vec<Value> = known
        .iter()
        .flat_map(|t| t.tactics())
        .map(|t| json!({ "kill_chain_name": t.matrix.kill_chain(), "phase_name": t.phase }))
        .collect();
    let reference =
        json!({ "source_name": "mitre-attack", "external_id": technique_id, "url": technique_url(technique_id) });
    let mut members = json!({ "name": known.map_or(technique_id, |t| t.name), "external_references": [reference] });
    if let (Some(members), false) = (members.as_object_mut(), phases.is_empty()) {
        members.insert("kill_chain_phases".to_owned(), phases.into());
    }
    bundle.fixed("attack-pattern", &id, members);
    id
}

/// Addresses, names, digests and flows of a finding; gives their identifiers.
fn observables(bundle: &mut Bundle, page: &Page, f: &Finding) -> Vec<String> {
    let mut refs = Vec::new();
    let mut add = |id: String| {
        if !refs.contains(&id) {
            refs.push(id);
        }
    };
    let all = [f.subject].into_iter().chain(f.peers.named().iter().copied());
    for addr in all.filter(|a| *a != Addr::UNSPECIFIED) {
        add(bundle.observe(address(addr)));
    }
    if let Some(found) = digest(f) {
        add(bundle.observe(found));
    }
    if let Some(key) = key_name(f) {
        add(bundle.observe(name(key)));
    }
    for (addr, text) in &f.names {
        let text = text.trim_end_matches('.');
        if is_name(text) && *addr != Addr::UNSPECIFIED {
            let (named, to) = (bundle.observe(name(text)), bundle.observe(address(*addr)));
            add(bundle.relate("resolves-to", [&named, &to], f.first, ""));
            add(named);
            add(to);
        }
    }
    for uid in f.flows.iter() {
        if let Some(flow) = page.flow(uid) {
            let (orig, resp) = (bundle.observe(address(flow.orig)), bundle.observe(address(flow.resp)));
            add(bundle.observe(traffic(flow, &orig, &resp)));
            add(orig);
            add(resp);
        }
    }
    if refs.is_empty() {
        // About no host: observed data needs something.
        refs.push(bundle.observe(address(f.subject)));
    }
    refs
}

/// Why it is shown, in words.
fn content(f: &Finding) -> String {
    let mut lines = vec![f.about.means.to_owned(), f.reason.means.to_owned()];
    if !f.key.is_empty() {
        lines.push(format!("About: {}", f.key));
    }
    lines.push(format!("Seen {} from {} to {} UTC.", counted(f.count, "time"), clock(f.first), clock(f.last)));
    lines.extend(f.measures.iter().map(ToString::to_string));
    lines.extend(f.quotes.iter().map(|q| format!("{}: {}", q.label, q.text)));
    lines.extend(f.benign.iter().map(|b| format!("{}: {}", b.explanation, b.result)));
    lines.extend(f.quality.iter().map(|q| format!("Less sure, as {}.", q.name())));
    lines.join("\n")
}

/// What others can look for, if the finding is sure enough of an intruder's places or files.
fn pattern(page: &Page, f: &Finding) -> Option<String> {
    let command = matches!(f.stage, Stage::C2 | Stage::Exfil | Stage::Foothold) || f.about.id == "intel-contact";
    if f.severity < Severity::Medium || f.confidence < SURE {
        return None;
    }
    if f.about.id == "mail-dangerous-attachment" {
        let (_, file) = digest(f)?;
        return Some(format!("[file:hashes.'SHA-256' = '{}']", file.pointer("/hashes/SHA-256")?.as_str()?));
    }
    if !command {
        return None;
    }
    if let Some(key) = key_name(f) {
        return Some(format!("[domain-name:value = '{key}']"));
    }
    let outside = |a: &&Addr| !is_inside(&page.home_nets, **a) && !a.is_multicast() && **a != Addr::UNSPECIFIED;
    let places: Vec<String> = f
        .peers
        .named()
        .iter()
        .filter(outside)
        .map(|a| format!("[{}:value = '{a}']", if a.is_v4() { "ipv4-addr" } else { "ipv6-addr" }))
        .collect();
    (!places.is_empty()).then(|| places.join(" OR "))
}

fn is_inside(home: &[Subnet], addr: Addr) -> bool {
    home.iter().any(|net| net.contains(addr))
}

/// An incident: what belongs together, and why hosts were joined.
fn grouping(bundle: &mut Bundle, page: &Page, (number, incident): (usize, &Incident), of_finding: &[Vec<String>]) {
    let findings = &page.judged.findings;
    let mut refs: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    let mut add = |id: String| {
        if refs.len() < MAX_GROUPED && known.insert(id.clone()) {
            refs.push(id);
        }
    };
    for host in incident.hosts.iter().chain(&incident.reached) {
        add(bundle.observe(address(*host)));
    }
    for link in &incident.links {
        let (from, to) = (bundle.observe(address(link.from)), bundle.observe(address(link.to)));
        let Some(f) = findings.get(link.finding) else { continue };
        if from != to {
            let words = format!("{}: {}", link.bond.name(), f.code());
            add(bundle.relate("related-to", [&from, &to], f.first, &words));
        }
    }
    for place in &incident.steps {
        of_finding.get(*place).into_iter().flatten().for_each(|id| add(id.clone()));
    }
    let steps = incident.steps.iter().filter_map(|place| findings.get(*place));
    let story: Vec<String> = steps
        .take(MAX_GROUPED)
        .map(|f| format!("{} {} {}: {}", clock(f.first), f.stage.name(), host(f, f.subject), f.reason.means))
        .collect();
    let hosts: Vec<String> = incident.hosts.iter().map(ToString::to_string).collect();
    let times = [time(incident.first, 3), time(incident.last, 3)];
    let id = own("grouping", &[&hosts.join(" "), &times[0], &times[1]]);
    let risk = incident.risk.score;
    let members = json!({
        "name": format!("Incident {number}: risk {risk} of 100, {}", incident.risk.word()),
        "description": story.join("\n"),
        "context": "suspicious-activity",
        "labels": [format!("risk-{risk}")],
        "object_refs": refs,
    });
    bundle.add("grouping", &id, (incident.first, incident.last), members);
}
