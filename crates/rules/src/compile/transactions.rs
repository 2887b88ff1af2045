//! Rules about exchanges, by application protocol, direction and buffer.

use super::Map;
use super::fast::Chosen;
use super::groups::{Draft, Group, Owners};
use super::plan::{Plan, facts};
use crate::ir::{Buffer, Condition, Protocol, Rule};
use sekisho_scan::Union;
use sekisho_transaction::Fact;
use sekisho_types::Dir;
use std::collections::BTreeMap;

/// One buffer of one protocol's exchanges, with the rules that the prefilter finds by it.
#[derive(Debug)]
pub(crate) struct TxEngine {
    pub(crate) fact: Fact,
    pub(crate) transforms: u16,
    pub(crate) group: Group,
}

/// Rules about exchanges of one protocol in one direction.
#[derive(Debug, Default)]
pub(crate) struct TxGroup {
    /// By stage.
    pub(crate) engines: Vec<TxEngine>,
    /// A body and the file that it is, which are the same bytes.
    pub(crate) shared: Option<Shared>,
    /// Rules that no prefilter finds: the stage from which on they can be looked at.
    pub(crate) always: Vec<(u8, u32)>,
    /// Rules about anomalies; `""`: of any.
    pub(crate) events: Map<Box<str>, Vec<u32>>,
}

/// Two buffers that begin with the same bytes: their places in [`TxGroup::engines`], and what a walk asks for both.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) body: usize,
    pub(crate) file: usize,
    pub(crate) anywhere: Union,
}

impl Shared {
    fn of(engines: &[TxEngine]) -> Option<Self> {
        let find = |facts: &[Fact]| engines.iter().position(|e| e.transforms == 0 && facts.contains(&e.fact));
        let body = find(&[Fact::HttpRequestBody, Fact::HttpResponseBody])?;
        let file = find(&[Fact::FileData])?;
        let [a, b] = [engines.get(body)?, engines.get(file)?];
        let anywhere = Group::both([&a.group, &b.group]);
        (a.fact.info().stage == b.fact.info().stage).then_some(Self { body, file, anywhere })
    }
}

#[derive(Debug, Default)]
struct TxDraft {
    engines: BTreeMap<(u8, Fact, u16), Draft>,
    always: Vec<(u8, u32)>,
    events: Map<Box<str>, Vec<u32>>,
}

/// All groups, while they are put together.
#[derive(Debug, Default)]
pub(crate) struct TxDrafts(BTreeMap<&'static str, [TxDraft; 2]>);

/// The protocol of whose flows a rule's exchanges are.
pub(super) fn app_of(rule: &Rule) -> &'static str {
    match rule.header.protocol {
        Protocol::App(app) => app,
        _ => facts(rule).map(|fact| fact.info().app).find(|app| !app.is_empty()).unwrap_or(""),
    }
}

/// The anomaly that it asks for.
fn event_of(rule: &Rule) -> Option<&str> {
    rule.conditions.iter().find_map(|condition| match condition {
        Condition::AppEvent(proto, name) if !proto.is_empty() => Some(&**name),
        _ => None,
    })
}

impl TxDrafts {
    /// Adds a rule, with the literal that stands for it and the buffer (of its matches) that has it.
    pub(crate) fn add(&mut self, number: u32, rule: &Rule, plan: &Plan, chosen: Option<Chosen<'_>>) {
        let drafts = self.0.entry(app_of(rule)).or_default();
        for dir in [Dir::Orig, Dir::Resp] {
            if plan.dir.is_some_and(|only| only != dir) {
                continue;
            }
            let draft = dir.of_mut(drafts);
            if let Some(event) = event_of(rule) {
                draft.events.entry(event.into()).or_default().push(number);
                continue;
            }
            let of_buffer = chosen.and_then(|chosen| {
                let of = plan.buffers.get(chosen.buffer)?;
                match rule.matches.get(usize::from(of.at))?.buffer {
                    Buffer::Fact(fact) => Some((fact, of.transforms, chosen.wanted)),
                    _ => None,
                }
            });
            match of_buffer {
                Some((fact, transforms, wanted)) => {
                    let ends = fact.info().ends;
                    if if dir.is_orig() { ends.to_server() } else { ends.to_client() } {
                        let key = (fact.info().stage, fact, transforms);
                        draft.engines.entry(key).or_default().add(number, Some(wanted));
                    }
                }
                None => draft.always.push((*dir.of(&plan.stages), number)),
            }
        }
    }

    /// Makes the groups; `owners` are of all literals of the program.
    pub(crate) fn finish(self, owners: &mut Owners) -> Vec<(&'static str, [TxGroup; 2])> {
        let mut finish = |draft: TxDraft| {
            let engine =
                |((_, fact, transforms), draft): (_, Draft)| TxEngine { fact, transforms, group: draft.finish(owners) };
            let engines: Vec<TxEngine> = draft.engines.into_iter().map(engine).collect();
            TxGroup { shared: Shared::of(&engines), engines, always: draft.always, events: draft.events }
        };
        self.0.into_iter().map(|(app, drafts)| (app, drafts.map(&mut finish))).collect()
    }
}

/// The protocols whose rules concern flows of `app`.
pub(crate) fn family(app: &'static str) -> [&'static str; 4] {
    match app {
        "http" | "http1" => ["http", "http1", "", ""],
        "http2" => ["http2", "http", "", ""],
        // DCE/RPC goes over SMB's pipes.
        "smb" => ["smb", "dcerpc", "", ""],
        "doh2" => ["doh2", "http2", "http", "dns"],
        _ => [app, "", "", ""],
    }
}

/// Is a flow of `app` one that rules for `wanted` are about?
pub(crate) fn is_app(wanted: &str, app: &'static str) -> bool {
    !app.is_empty() && (wanted == app || family(app).contains(&wanted))
}
