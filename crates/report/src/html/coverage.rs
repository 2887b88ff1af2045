//! Which judgements could not be made on what was captured, or less well, and why.

use super::cx::Cx;
use super::markup::{Markup, attrs};
use super::section;
use super::tables::{Col, table};
use super::words::W;
use crate::units::{bytes, count};
use sekisho_finding::{Cause, Group, Lack, Sight, absent, affected, outlooks};

pub(super) fn coverage(m: &mut Markup, cx: &Cx<'_>) {
    let all = &cx.page.judged.coverage;
    let affected = affected(all);
    let absent = absent(all);
    if affected.is_empty() && absent.is_empty() {
        return;
    }
    let number = |sight| count(all.iter().filter(|c| c.sight == sight).count() as u64);
    section(m, cx, "coverage", W::Coverage, |m| {
        m.say("p", &[], &cx.fill(W::CoverageSays, &[&number(Sight::Working), &count(all.len() as u64)]));
        let is_option = |g: &&Group<'_>| g.causes.iter().any(|c| c.lack == Lack::Option);
        if affected.iter().any(|g| !is_option(&g)) {
            m.el("table", attrs![class: "list"], |m| {
                m.say("caption", &[], cx.w(W::CoverageCaption));
                m.el("thead", &[], |m| {
                    m.el("tr", &[], |m| {
                        for head in [W::Sight, W::Judgement, W::Why] {
                            m.say("th", attrs![scope: "col"], cx.w(head));
                        }
                    });
                });
                m.el("tbody", &[], |m| affected.iter().filter(|g| !is_option(g)).for_each(|g| row(m, cx, g)));
            });
        }
        for group in affected.iter().filter(is_option) {
            m.el("p", &[], |m| {
                m.text(cx.w(W::NotAskedFor));
                judgements(m, cx, group);
                let options: Vec<&str> = group.causes.iter().filter_map(|c| c.option).collect();
                let part = if group.sight == Sight::Weakened {
                    [cx.w(W::Comma), cx.w(W::Weakened)].concat()
                } else {
                    String::new()
                };
                m.text(&format!(" ({}{part})", options.join(", ")));
            });
        }
        if !absent.is_empty() {
            let kinds: Vec<&str> = absent.iter().map(|t| cx.fixed_text(t.name())).collect();
            let kinds = kinds.join(cx.w(W::Comma));
            m.say("p", &[], &cx.fill(W::NothingToJudge, &[&number(Sight::Idle), &kinds]));
        }
        techniques(m, cx);
    });
}

/// The same by technique of ATT&CK.
fn techniques(m: &mut Markup, cx: &Cx<'_>) {
    let all = outlooks(&cx.page.judged.coverage, &cx.page.judged.findings);
    if all.is_empty() {
        return;
    }
    let number = |sight| count(all.iter().filter(|o| o.sight == sight).count() as u64);
    m.el("details", attrs![class: "numbers"], |m| {
        m.say("summary", &[], cx.w(W::ByTechnique));
        let values = [Sight::Working, Sight::Weakened, Sight::Blind, Sight::Idle].map(number);
        let values = [&[count(all.len() as u64)][..], &values[..]].concat();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        m.say("p", &[], &cx.fill(W::ByTechniqueSays, &values));
        let words = [W::Technique, W::Tactic, W::Sight, W::Judgements].map(Col::Words);
        let columns = [&words[..], &[Col::Number(W::FoundHere)]].concat();
        table(m, cx, cx.w(W::ByTechnique), &columns, all.iter(), |row, o| {
            row.with("", |m| {
                m.el("code", &[], |m| m.text(o.technique.id));
                m.text(&format!(" {}", o.technique.name));
            });
            let tactics: Vec<&str> = o.technique.tactics().map(|t| cx.fixed_text(t.name)).collect();
            row.text(&tactics.join(cx.w(W::Comma)));
            row.text(cx.w(match o.sight {
                Sight::Working => W::Working,
                Sight::Idle => W::Idle,
                Sight::Weakened => W::Weakened,
                Sight::Blind => W::Blind,
            }));
            let by: Vec<&str> = o.by.iter().map(|c| c.about.id).collect();
            row.text(&by.join(", "));
            row.count(o.findings.len() as u64);
        });
    });
}

fn row(m: &mut Markup, cx: &Cx<'_>, group: &Group<'_>) {
    m.el("tr", &[], |m| {
        m.say("td", &[], cx.w(if group.sight == Sight::Blind { W::Blind } else { W::Weakened }));
        m.el("td", &[], |m| judgements(m, cx, group));
        m.el("td", &[], |m| {
            m.el("ul", &[], |m| group.causes.iter().for_each(|c| m.say("li", &[], &cause(cx, c))));
        });
    });
}

/// The titles, with the ids for those who look them up.
fn judgements(m: &mut Markup, cx: &Cx<'_>, group: &Group<'_>) {
    for (i, about) in group.abouts.iter().enumerate() {
        if i > 0 {
            m.text(cx.w(W::Comma));
        }
        m.text(cx.told(about.id, about.title));
        m.raw(" <code>");
        m.text(about.id);
        m.raw("</code>");
    }
}

/// A cause with its numbers.
fn cause(cx: &Cx<'_>, c: &Cause) -> String {
    let (words, traffic) = (cx.fixed_text(c.lack.words()), cx.fixed_text(c.traffic.name()));
    let unit = cx.told(&format!("unit:{}", c.lack.unit()), c.lack.unit());
    let mut text = cx.fill(W::CauseIs, &[traffic, words, &count(c.count), &count(c.of), unit]);
    if c.bytes > 0 {
        text.push_str(&cx.fill(W::MissingAre, &[&bytes(c.bytes)]));
    }
    text
}
