use super::Json;
use crate::page::Judged;
use sekisho_finding::{Finding, Incident, Measure, Mute, Outlook, ShownBy, Signed, outlooks};
use sekisho_types::{Addr, Uid};

pub(super) fn findings(j: &mut Json, judged: &Judged) {
    j.objects("incidents", &judged.incidents, incident);
    j.number("more_incidents", judged.more_incidents);
    j.objects("findings", &judged.findings, finding);
    j.number("findings_refused", judged.refused);
    j.number("detectors_forgot", judged.forgotten_count());
    j.objects("forgotten", &judged.forgotten, |j, (whose, count)| {
        j.text("whose", whose.as_bytes());
        j.number("entries", *count);
    });
    if let Some(carried) = &judged.carried {
        j.member("state_file", |j| {
            j.time("since", carried.since);
            j.time("until", carried.until);
            j.number("known", carried.known);
            j.number("kept", carried.kept);
            j.number("left_out", carried.left_out);
        });
    }
    let mutes: Vec<&Mute> = judged.mutes.iter().collect();
    j.objects("mutes", &mutes, |j, m| {
        j.number("line", m.line as u64);
        j.text("judgement", m.judgement.as_bytes());
        j.text("kind", m.kind.map(str::as_bytes));
        j.text("until", m.until.to_string().as_bytes());
        j.text("reason", m.reason.as_bytes());
        j.number("findings", m.matched);
        j.flag("expired", m.expired);
    });
    if let Some(signed) = &judged.dnssec {
        j.member("dnssec", |j| dnssec(j, signed));
    }
    j.objects("coverage", &judged.coverage, |j, c| {
        j.text("judgement", c.about.id.as_bytes());
        j.text("sight", c.sight.name().as_bytes());
        j.text("traffic", c.about.looks_at().map(|t| t.name().as_bytes()));
        j.number("seen", c.seen);
        j.objects("causes", &c.causes, |j, cause| {
            j.text("code", cause.lack.code().as_bytes());
            j.text("words", cause.lack.words().as_bytes());
            j.text("traffic", cause.traffic.name().as_bytes());
            j.text("option", cause.option.map(str::as_bytes));
            let counted = cause.option.is_none();
            j.number("count", Some(cause.count).filter(|_| counted));
            j.number("of", Some(cause.of).filter(|_| counted));
            j.text("unit", Some(cause.lack.unit().as_bytes()).filter(|_| counted));
            j.number("missing_bytes", Some(cause.bytes).filter(|n| *n > 0));
        });
    });
    j.objects("techniques", outlooks(&judged.coverage, &judged.findings), |j, o| technique(j, &o));
}

/// How well each technique of ATT&CK could be seen.
fn technique(j: &mut Json, o: &Outlook<'_>) {
    j.text("id", o.technique.id.as_bytes());
    j.text("name", o.technique.name.as_bytes());
    j.text("matrix", o.technique.matrix().domain().as_bytes());
    j.strings("tactics", o.technique.tactics().map(|t| t.name.as_bytes()));
    j.text("sight", o.sight.name().as_bytes());
    j.strings("judgements", o.by.iter().map(|c| c.about.id.as_bytes()));
    j.numbers("findings", o.findings.iter().map(|n| *n as u64));
}

fn incident(j: &mut Json, i: &Incident) {
    let addrs = |hosts: &[Addr]| hosts.iter().map(ToString::to_string).collect::<Vec<String>>();
    let places = |of: &[usize]| of.iter().map(|n| *n as u64).collect::<Vec<u64>>();
    let (hosts, reached) = (addrs(&i.hosts), addrs(&i.reached));
    j.number("risk", u64::from(i.risk.score));
    j.text("advice", i.risk.word().as_bytes());
    j.strings("hosts", hosts.iter().map(String::as_bytes));
    j.strings("reached", reached.iter().map(String::as_bytes));
    j.time("first", Some(i.first));
    j.time("last", Some(i.last));
    j.strings("stages", i.risk.stages.iter().map(|s| s.name().as_bytes()));
    j.flag("in_order", i.risk.in_order);
    j.real("stage_factor", i64::from(i.risk.stage_factor) * 10);
    j.real("asset_factor", i64::from(i.risk.asset_factor) * 10);
    j.objects("terms", &i.risk.terms, |j, t| {
        j.text("judgement", t.id.as_bytes());
        j.real("points", i64::from(t.tenths) * 100);
    });
    j.numbers("steps", places(&i.steps));
    j.objects("told", &i.told, |j, s| {
        j.time("time", Some(s.ts));
        j.addr("host", s.host);
        j.text("stage", s.stage.name().as_bytes());
        let (findings, fetched) = match &s.shown_by {
            ShownBy::Findings(of) => (places(of), None),
            ShownBy::Fetched(at) => (Vec::new(), Some(*at as u64)),
        };
        j.numbers("findings", findings);
        j.number("fetched", fetched);
    });
    j.objects("fetched", &i.fetched, |j, f| {
        j.time("time", Some(f.ts));
        j.addr("host", f.host);
        j.addr("from", f.from);
        j.text("place", f.place.as_bytes());
        j.text("name", f.name.as_bytes());
        j.text("mime_type", f.mime.as_bytes());
        j.text("over", f.over.as_bytes());
        j.number("bytes", f.len);
        j.text("sha256", f.sha256.as_bytes());
        j.text("uid", f.uid.to_string().as_bytes());
        j.number("packet", Some(f.packet).filter(|p| *p > 0));
    });
    j.number("more_fetched", i.more_fetched);
    j.objects("parts", &i.parts, |j, (part, of)| {
        j.text("part", part.name().as_bytes());
        let of = addrs(of);
        j.strings("hosts", of.iter().map(String::as_bytes));
    });
    j.objects("links", &i.links, |j, l| {
        j.addr("from", l.from);
        j.addr("to", l.to);
        j.text("bond", l.bond.name().as_bytes());
        j.number("finding", l.finding as u64);
    });
    j.numbers("conditions", places(&i.conditions));
}

fn dnssec(j: &mut Json, signed: &Signed) {
    for (status, count) in signed.by_status() {
        j.number(status, count);
    }
    j.number("work_refused", signed.refused);
    j.objects("verdicts", &signed.outcomes, |j, o| {
        j.text("name", o.name.as_bytes());
        j.text("type", o.rtype.as_bytes());
        j.text("subject", o.subject.as_bytes());
        j.text("status", o.status.as_bytes());
        j.text("reason", o.reason.as_bytes());
        j.text("words", o.words.as_bytes());
        j.number("count", o.count);
        j.number("packet", Some(o.packet).filter(|p| *p > 0));
    });
    j.number("more_verdicts", signed.more);
}

fn finding(j: &mut Json, f: &Finding) {
    let text = |s: &str| s.as_bytes().to_vec();
    j.text("id", f.about.id.as_bytes());
    j.text("reason", f.reason.code.as_bytes());
    j.text("code", &*text(&f.code()));
    j.text("title", f.about.title.as_bytes());
    j.text("means", f.reason.means.as_bytes());
    j.text("severity", f.severity.name().as_bytes());
    j.real("confidence", i64::from(f.confidence.thousandths()));
    j.text("stage", f.stage.name().as_bytes());
    j.strings("techniques", f.all_techniques().map(str::as_bytes));
    j.addr("subject", f.subject);
    j.text("key", f.key.as_bytes());
    let peers: Vec<String> = f.peers.named().iter().map(ToString::to_string).collect();
    j.strings("peers", peers.iter().map(|p| p.as_bytes()));
    j.flag("more_peers", f.peers.more());
    j.objects("names", &f.names, |j, (addr, name)| {
        j.addr("address", *addr);
        j.text("name", name.as_bytes());
    });
    j.time("first", Some(f.first));
    j.time("last", Some(f.last));
    j.number("count", f.count);
    j.member("flows", |j| {
        j.number("count", f.flows.count());
        let uids: Vec<String> = f.flows.iter().map(|u| u.to_string()).collect();
        j.strings("samples", uids.iter().map(|u| u.as_bytes()));
    });
    j.member("packets", |j| {
        j.number("count", f.packets.count());
        j.numbers("samples", f.packets.iter());
    });
    j.objects("measures", &f.measures, measure);
    j.objects("quotes", &f.quotes, |j, q| {
        j.text("label", q.label.as_bytes());
        j.text("text", q.text.as_bytes());
        j.number("packet", Some(q.packet).filter(|p| *p > 0));
    });
    j.objects("benign", &f.benign, |j, b| {
        j.text("explanation", b.explanation.as_bytes());
        j.text("result", b.result.as_bytes());
    });
    j.strings("quality", f.quality.iter().map(|q| q.name().as_bytes()));
    j.objects("acts", &f.acts, |j, a| {
        j.time("time", Some(a.ts));
        j.addr("host", a.host);
        j.addr("to", a.to);
        j.text("what", a.what.as_bytes());
        let uid = a.uid.to_string();
        j.text("uid", Some(uid.as_bytes()).filter(|_| a.uid != Uid::default()));
        j.number("packet", Some(a.packet).filter(|p| *p > 0));
    });
    j.text("sender", f.sender.as_deref().map(str::as_bytes));
    let tale = f.tale.as_ref().map(|tale| {
        let values: Vec<&str> = tale.values.iter().map(String::as_str).collect();
        crate::html::fill(tale.words, &values)
    });
    j.text("told_as", tale.as_deref().map(str::as_bytes));
    j.text("clears", f.about.clears.as_bytes());
    j.text("muted", f.muted.as_deref().map(str::as_bytes));
}

fn measure(j: &mut Json, m: &Measure) {
    j.text("name", m.name.as_bytes());
    j.real("value", m.thousandths);
    j.real("threshold", m.threshold);
    j.text("unit", m.unit.as_bytes());
    j.text("origin", m.origin.name().as_bytes());
}
