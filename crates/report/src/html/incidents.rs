//! Findings joined to stories, the most urgent first.

use super::cx::Cx;
use super::findings::{choose, reason};
use super::markup::{Markup, attrs};
use super::section;
use super::words::W;
use crate::units::count;
use sekisho_finding::{Finding, Incident, Risk};
use sekisho_types::Addr;

/// Incidents told.
const TOLD: usize = 50;
/// Steps and hosts of one that are told.
const STEPS: usize = 200;
const HOSTS: usize = 50;

pub(super) fn incidents(m: &mut Markup, cx: &Cx<'_>) {
    let judged = &cx.page.judged;
    if judged.incidents.is_empty() {
        return;
    }
    // Steps lead to the findings that are told below.
    let told = choose(cx).0;
    section(m, cx, "incidents", W::Incidents, |m| {
        m.say("p", &[], cx.w(W::IncidentsSay));
        judged.incidents.iter().take(TOLD).enumerate().for_each(|(i, incident)| one(m, cx, &told, incident, i == 0));
        let more = judged.incidents.len().saturating_sub(TOLD) as u64 + judged.more_incidents;
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreIncidents, &[&count(more)]));
        }
    });
}

fn one(m: &mut Markup, cx: &Cx<'_>, told: &[&Finding], incident: &Incident, open: bool) {
    let findings = &cx.page.judged.findings;
    let steps: Vec<&Finding> = incident.steps.iter().filter_map(|i| findings.get(*i)).collect();
    let level = match incident.risk.score {
        70.. => "incident act",
        45.. => "incident today",
        _ => "incident",
    };
    let inner = |m: &mut Markup| {
        m.el("summary", &[], |m| {
            m.say("b", attrs![class: "risk"], &cx.fill(W::RiskOf, &[&incident.risk.score.to_string()]));
            m.raw(" ");
            m.text(cx.fixed_text(incident.risk.word()));
            m.raw(": ");
            hosts(m, cx, &steps, &incident.hosts, " → ");
            m.raw(" ");
            m.say("span", attrs![class: "when"], &format!("{} – {}", cx.time(incident.first), cx.time(incident.last)));
        });
        m.say("p", attrs![class: "sum"], &sum(cx, &incident.risk));
        m.say("h3", &[], cx.w(W::Story));
        m.el("ol", attrs![class: "story"], |m| {
            for f in steps.iter().take(STEPS) {
                m.el("li", &[], |m| step(m, cx, told, f));
            }
        });
        let more = steps.len().saturating_sub(STEPS) as u64;
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more)]));
        }
        if !incident.reached.is_empty() {
            m.el("p", &[], |m| {
                m.text(&format!("{}: ", cx.w(W::Reached)));
                hosts(m, cx, &steps, &incident.reached, ", ");
            });
        }
        let mut beside: Vec<&str> = incident
            .conditions
            .iter()
            .filter_map(|i| findings.get(*i))
            .map(|f| cx.told(f.about.id, f.about.title))
            .collect();
        beside.sort_unstable();
        beside.dedup();
        if !beside.is_empty() {
            m.say("p", &[], &format!("{}: {}", cx.w(W::AlsoThere), beside.join(cx.w(W::Comma))));
        }
    };
    if open {
        m.el("details", attrs![class: level, open: ""], inner);
    } else {
        m.el("details", attrs![class: level], inner);
    }
}

fn hosts(m: &mut Markup, cx: &Cx<'_>, steps: &[&Finding], all: &[Addr], between: &'static str) {
    for (i, host) in all.iter().take(HOSTS).enumerate() {
        if i > 0 {
            m.raw(between);
        }
        match steps.iter().find(|f| f.names.iter().any(|(a, _)| a == host)).or(steps.first()) {
            Some(f) => cx.host(m, f, *host),
            None => m.text(&host.to_string()),
        }
    }
    if all.len() > HOSTS {
        m.text(cx.w(W::AndOthers));
    }
}

fn step(m: &mut Markup, cx: &Cx<'_>, told: &[&Finding], f: &Finding) {
    m.say("span", attrs![class: "when"], &cx.time(f.first));
    m.raw(" ");
    m.say("span", attrs![class: "stage"], cx.stage(f.stage));
    m.raw(" ");
    cx.host(m, f, f.subject);
    m.raw(": ");
    match told.iter().position(|t| std::ptr::eq(*t, f)) {
        Some(at) => {
            let to = format!("#f-{}", at + 1);
            m.say("a", attrs![href: &to], reason(cx, f));
        }
        None => m.text(reason(cx, f)),
    }
    if !f.key.is_empty() {
        m.raw(" <span class=\"key\">");
        m.word(f.key.as_bytes());
        m.raw("</span>");
    }
}

/// How the score comes about.
fn sum(cx: &Cx<'_>, risk: &Risk) -> String {
    let points = |tenths: u32| format!("{}.{}", tenths / 10, tenths % 10);
    let factor = |hundredths: u32| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let term = |t: &sekisho_finding::Term| cx.fill(W::PointsOf, &[cx.told(t.id, t.title), &points(t.tenths)]);
    let mut parts: Vec<String> = risk.terms.iter().map(term).collect();
    let stages = count(risk.stages.len() as u64);
    if risk.stage_factor > 100 {
        let words = if risk.in_order { W::StageFactorInOrder } else { W::StageFactor };
        parts.push(cx.fill(words, &[&stages, &factor(risk.stage_factor)]));
    }
    if risk.asset_factor > 100 {
        parts.push(cx.fill(W::AssetFactor, &[&factor(risk.asset_factor)]));
    }
    parts.join(cx.w(W::Comma))
}
