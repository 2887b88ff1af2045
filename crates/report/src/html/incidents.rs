//! Findings joined to stories, the most urgent first.

use super::cx::{Cx, fill};
use super::findings::{choose, reason};
use super::language::Lang;
use super::markup::{Markup, attrs};
use super::section;
use super::words::W;
use crate::clean;
use crate::story;
use crate::units::{clock, count};
use sekisho_finding::{Fetched, Finding, Incident, Risk, ShownBy, Step, Tale};
use sekisho_types::Addr;

/// Incidents told.
const TOLD: usize = 50;
/// Steps and hosts of one that are told.
const STEPS: usize = 200;
/// Proofs of a step that are told.
const PROOFS: usize = 20;
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
        m.el("dl", attrs![class: "parts"], |m| {
            for (part, of) in &incident.parts {
                m.el("div", &[], |m| {
                    m.say("dt", &[], cx.fixed_text(part.words()));
                    m.el("dd", &[], |m| hosts(m, cx, &steps, of, ", "));
                });
            }
        });
        m.say("h3", &[], cx.w(W::Story));
        m.el("ol", attrs![class: "story"], |m| {
            for s in incident.told.iter().take(STEPS) {
                m.el("li", &[], |m| step(m, cx, told, incident, s));
            }
        });
        let more = incident.told.len().saturating_sub(STEPS) as u64;
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more)]));
        }
        if incident.more_fetched > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreFetched, &[&count(incident.more_fetched)]));
        }
        let next = story::next(&incident.risk, &incident.steps, findings);
        if !next.is_empty() {
            m.say("h3", &[], cx.w(W::NextSteps));
            m.el("ul", attrs![class: "story"], |m| {
                for (key, english) in &next {
                    m.say("li", &[], cx.told(key, english));
                }
            });
        }
        let why = cx.fill(W::WhyRisk, &[&incident.risk.score.to_string(), &sum(cx, &incident.risk)]);
        m.say("p", attrs![class: "sum"], &why);
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

/// What happened, and below it what else shows it.
fn step(m: &mut Markup, cx: &Cx<'_>, told: &[&Finding], incident: &Incident, step: &Step) {
    m.el("span", attrs![class: "when"], |m| {
        m.text(&cx.time(step.ts));
        if let Some(after) = after(cx, incident, step) {
            m.raw(" <span class=\"after\">");
            m.text(&after);
            m.raw("</span>");
        }
    });
    m.raw(" ");
    m.say("span", attrs![class: "stage"], cx.fixed_text(step.stage.words()));
    m.raw(" ");
    let findings = &cx.page.judged.findings;
    match &step.shown_by {
        ShownBy::Fetched(at) => {
            if let Some(file) = incident.fetched.get(*at) {
                match story::knows(&incident.steps, findings, file.host) {
                    Some(f) => cx.host(m, f, file.host),
                    None => m.say("span", attrs![class: "addr"], &file.host.to_string()),
                }
                m.raw(": ");
                came(m, cx, file);
            }
        }
        ShownBy::Findings(of) => {
            let all: Vec<&Finding> = of.iter().filter_map(|i| findings.get(*i)).collect();
            let Some((lead, proofs)) = all.split_first() else { return };
            cx.host(m, lead, step.host);
            m.raw(": ");
            says(m, cx, told, lead);
            if lead.acts.is_empty() && proofs.is_empty() {
                return;
            }
            m.el("ul", attrs![class: "proofs"], |m| {
                for act in &lead.acts {
                    m.el("li", &[], |m| {
                        m.say("span", attrs![class: "when"], &cx.time(act.ts));
                        m.raw(" ");
                        m.text(&sentence(cx, &story::act(act), Some(lead)));
                    });
                }
                for f in proofs.iter().take(PROOFS) {
                    m.el("li", &[], |m| says(m, cx, told, f));
                }
                let more = proofs.len().saturating_sub(PROOFS) as u64;
                if more > 0 {
                    m.say("li", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more)]));
                }
            });
        }
    }
}

/// How long after the first step.
fn after(cx: &Cx<'_>, incident: &Incident, step: &Step) -> Option<String> {
    let english = story::after(incident.first, step.ts)?;
    let span = english.trim_start_matches('+');
    Some(match cx.lang {
        Lang::En => english,
        Lang::Ja => format!("+{}", super::language::span(span).unwrap_or_else(|| span.to_owned())),
    })
}

/// A sentence with its values, in the page's language.
fn sentence(cx: &Cx<'_>, tale: &Tale, f: Option<&Finding>) -> String {
    let values = story::values(tale, f);
    fill(cx.fixed_text(tale.words), &values.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What a finding says, with a way to it.
fn says(m: &mut Markup, cx: &Cx<'_>, told: &[&Finding], f: &Finding) {
    let words = f.tale.as_ref().map_or_else(|| reason(cx, f).to_owned(), |tale| sentence(cx, tale, Some(f)));
    match told.iter().position(|t| std::ptr::eq(*t, f)) {
        Some(at) => m.say("a", attrs![href: &format!("#f-{}", at + 1)], &words),
        None => m.text(&words),
    }
    if f.tale.is_none() && !f.key.is_empty() {
        m.raw(" <span class=\"key\">");
        m.word(f.key.as_bytes());
        m.raw("</span>");
    }
    if story::lasted(f) {
        m.raw(" ");
        m.text(&cx.fill(W::TimesUntil, &[&count(f.count), &clock(f.last)]));
    }
}

/// A program that came.
fn came(m: &mut Markup, cx: &Cx<'_>, file: &Fetched) {
    m.text(&sentence(cx, &file.tale(), None));
    m.raw(" <span class=\"key\">");
    if let Some(digest) = file.sha256.get(..16) {
        m.text(&format!("SHA-256 {}… ", clean(digest.as_bytes())));
    }
    if file.packet > 0 {
        m.text(&cx.fill(W::OfPacket, &[&count(file.packet)]));
    }
    m.raw("</span>");
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
