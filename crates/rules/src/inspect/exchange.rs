//! Exchanges: which rules to look at when one has come further.

use super::desk::{Desk, JOINT_LEN};
use crate::compile::{Finds, Group, Program, TxGroup, family, grows};
use crate::eval::{Exchange, Source, Verdict};
use crate::state::{Ahead, FlowState};
use crate::view::{Anchor, Content, FlowView, Hit, PacketView};
use sekisho_transaction::{Anomaly, Kind, Look, Mark, Transaction};
use sekisho_types::Dir;

/// Rules of one exchange that wait for a later stage.
const PENDING_COUNT_MAX: usize = 512;
/// Rules of one exchange that have matched.
const MATCHED_COUNT_MAX: usize = 512;
/// Strings of one list that are searched.
const LIST_COUNT_MAX: usize = 4096;
/// Protocols whose exchanges are single messages, which rules look at once.
const ONE_WAY: &[&str] = &[
    "bittorrent-dht",
    "dhcp",
    "dnp3",
    "dns",
    "ike",
    "krb5",
    "llmnr",
    "mdns",
    "mqtt",
    "ntp",
    "quic",
    "sip",
    "snmp",
    "tftp",
    "websocket",
];
/// No group.
const NONE: u16 = u16::MAX;

impl Desk {
    /// See [`Inspector::transaction`](super::Inspector::transaction).
    #[expect(clippy::too_many_arguments, reason = "the engine's view, and what came")]
    pub(super) fn transaction(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        (view, state): (&FlowView, &mut FlowState),
        look: Look,
        tx: &dyn Transaction,
        mark: &mut Mark,
        content: &dyn Content,
        hits: &mut Vec<Hit>,
    ) {
        self.turn_to(packet);
        if state.is_out() || program.apps.is_empty() {
            return;
        }
        let dir = look.dir;
        let reached = if look.over { u8::MAX } else { look.stage.saturating_add(1) };
        // Of protocols with one stage more is known at the end than at the first look.
        let before = *dir.of(&mark.looked);
        let before = if look.over && before <= 1 { 0 } else { before };
        let mut past = mark.looked;
        *dir.of_mut(&mut past) = before.max(reached);
        let mut exchange = Exchange::new(tx, content, dir, past);
        exchange.events.extend(mark.events.iter().map(|event| event.name));
        let fresh = |event: &&Anomaly| !dir.of(&event.seen);
        self.candidates.begin();
        for group in groups(program, state, view.app).into_iter().filter(|&at| at != NONE) {
            let Some((_, dirs)) = program.apps.get(usize::from(group)) else { continue };
            self.collect_exchange(program, dir.of(dirs), &mut exchange, before);
            self.collect_events(dirs, mark.events.iter().filter(fresh).map(|event| event.name));
        }
        mark.events.iter_mut().for_each(|event| *dir.of_mut(&mut event.seen) = true);
        let mut halves = Vec::new();
        mark.pending.retain(|&key| {
            let (number, of) = named(key >> 1);
            let is_half =
                key & 1 == 1 && of != dir && program.plans.get(number as usize).is_some_and(|plan| plan.exchange);
            if of == dir || is_half {
                self.candidates.add(number);
            }
            if is_half {
                halves.push(number);
            }
            of != dir
        });
        let file_count = mark.files.iter().filter(|file| file.1 == dir).count();
        for &(key, from) in &mark.file_rules {
            if named(key).1 == dir && usize::from(from) < file_count {
                self.candidates.add(named(key).0);
            }
        }
        if !self.candidates.rules.is_empty() {
            self.run_exchange(program, packet, (view, state), &mut exchange, (mark, &halves), look.over, hits);
        }
        dir.of_mut(&mut state.ahead).looked = true;
        mark.looked = past;
    }

    /// A rule waits for a later stage, or, of one about both sides, for the other side: then its own has matched
    /// (`is_half`).
    fn wait(&mut self, number: u32, is_half: bool, dir: Dir, mark: &mut Mark) {
        let key = key(number, dir) << 1 | u32::from(is_half);
        if mark.pending.len() >= PENDING_COUNT_MAX {
            self.scratch.counters.pending_cut += 1;
        } else if !mark.pending.contains(&key) {
            mark.pending.push(key);
        }
    }

    /// Adds the rules of a group that the exchange may concern, by what has become final since `before`.
    fn collect_exchange(&mut self, program: &Program, group: &TxGroup, exchange: &mut Exchange<'_>, before: u8) {
        let past = *exchange.dir.of(&exchange.past);
        // The body was searched for what is asked of it as a file, too.
        let mut file_done = false;
        for (place, engine) in group.engines.iter().enumerate() {
            let info = engine.fact.info();
            if info.stage >= past || info.stage < before && !grows(engine.fact) {
                continue;
            }
            let count = if matches!(info.kind, Kind::List | Kind::Stream) { LIST_COUNT_MAX } else { 1 };
            // Of content that grows what was searched before is not searched again.
            let again = info.kind == Kind::Stream && info.stage < before && engine.transforms == 0;
            let shared = group.shared.as_ref();
            let file = shared.filter(|s| s.body == place).and_then(|s| Some((s, group.engines.get(s.file)?)));
            let is_done = file_done && shared.is_some_and(|s| s.file == place);
            for nth in usize::from(is_done)..count {
                let (candidates, vain) = (&mut self.candidates, &mut self.vain);
                let seen = if again { exchange.seen(engine.fact, nth) } else { 0 };
                let joint = seen.min(JOINT_LEN);
                let there = exchange.with_bytes(&program.sets, engine.fact, engine.transforms, nth, |hay| {
                    if let Some(hay_left) = hay.bytes.get(seen - joint..).filter(|_| seen < hay.bytes.len()) {
                        let base = hay.base.saturating_add((seen - joint) as u64);
                        match file.filter(|_| nth == 0) {
                            Some((shared, file)) => {
                                let mut finds = Finds::new(&program.owners, joint, candidates);
                                let groups = [&engine.group, &file.group];
                                Group::scan_both(groups, &shared.anywhere, hay_left, base, &mut finds);
                            }
                            None => {
                                let is_value = info.kind != Kind::Stream;
                                let asked = is_value.then(|| vain.ask(engine.group.number, hay_left)).flatten();
                                if asked.as_ref().is_none_or(|asked| !vain.has(asked)) {
                                    let found = engine.group.scan(hay_left, base, joint, &program.owners, candidates);
                                    if let (false, Some(asked)) = (found, asked) {
                                        vain.note(&asked);
                                    }
                                }
                            }
                        }
                    }
                });
                file_done |= file.is_some() && there.is_some();
                if there.is_none() {
                    break;
                }
            }
        }
        for &(stage, rule) in &group.always {
            if stage < past && stage >= before {
                self.candidates.add(rule);
            }
        }
    }

    /// Adds rules about the anomalies that are new, of both directions: an anomaly is shown once.
    fn collect_events(&mut self, dirs: &[TxGroup; 2], fresh: impl Iterator<Item = &'static str>) {
        for event in fresh {
            for (group, name) in dirs.iter().flat_map(|group| [(group, event), (group, "")]) {
                if let Some(rules) = group.events.get(name) {
                    self.candidates.add_all(rules);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is at hand")]
    fn run_exchange(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        (view, state): (&FlowView, &mut FlowState),
        exchange: &mut Exchange<'_>,
        (mark, halves): (&mut Mark, &[u32]),
        over: bool,
        hits: &mut Vec<Hit>,
    ) {
        let dir = exchange.dir;
        let one_way = ONE_WAY.contains(&view.app);
        let ahead = std::mem::take(&mut dir.of_mut(&mut state.ahead).bytes);
        self.candidates.sort();
        let rules = std::mem::take(&mut self.candidates.rules);
        for &number in &rules {
            let Some(plan) = program.plans.get(number as usize) else { continue };
            let dir = plan.dir.unwrap_or(dir);
            // Each direction is looked at by itself, but for rules about both.
            let key = key(number, if plan.exchange || one_way { Dir::Orig } else { dir });
            // Those about files have matched on some of them.
            let files = mark.file_rules.iter().find(|r| r.0 == key).map_or(0, |r| usize::from(r.1));
            let more_files = files > 0 && mark.files.iter().filter(|file| file.1 == dir).count() > files;
            if mark.matched.contains(&key) && !more_files {
                continue;
            }
            exchange.first_file = files;
            // Of a rule about both sides the other one has matched already.
            exchange.other_matched = halves.contains(&number);
            let mut source = Source::Exchange(&mut *exchange, Ahead::shown(&ahead));
            match self.look(program, number, packet, Some(&mut (view, &mut *state)), dir, &mut source) {
                Verdict::Match => {
                    if mark.matched.len() < MATCHED_COUNT_MAX && !more_files {
                        mark.matched.push(key);
                    }
                    if plan.file && !plan.exchange && !one_way {
                        note_file(mark, key, exchange.matched_file);
                    }
                    mark.quiet |= program.rule(number).is_some_and(crate::ir::Rule::unlogs);
                    let mut flow = Some((view, &mut *state));
                    let anchor = Anchor::Transaction(mark.id);
                    self.matched(program, number, packet, &mut flow, dir, anchor, hits);
                    // An anomaly concerns both directions, unless the rule or the protocol says which.
                    let both = plan.event && plan.dir.is_none() && !plan.exchange && !one_way;
                    if both && mark.matched.len() < MATCHED_COUNT_MAX {
                        mark.matched.push(self::key(number, dir.flip()));
                        self.matched(program, number, packet, &mut flow, dir.flip(), anchor, hits);
                    }
                }
                verdict @ (Verdict::Later | Verdict::Half) if !over || plan.exchange => {
                    self.wait(number, verdict == Verdict::Half, exchange.dir, mark);
                }
                Verdict::Later | Verdict::Half | Verdict::No => {}
            }
        }
        self.candidates.rules = rules;
        *dir.of_mut(&mut state.ahead) = Ahead { bytes: ahead, looked: false };
    }
}

/// A rule has matched on a file: a further one may match, too.
fn note_file(mark: &mut Mark, key: u32, at: usize) {
    let looked = u16::try_from(at + 1).unwrap_or(u16::MAX);
    if let Some(known) = mark.file_rules.iter_mut().find(|r| r.0 == key) {
        known.1 = looked;
    } else if mark.file_rules.len() < MATCHED_COUNT_MAX {
        mark.file_rules.push((key, looked));
    }
}

/// A rule and a direction, as they are noted with an exchange.
const fn key(number: u32, dir: Dir) -> u32 {
    number << 1 | dir.is_orig() as u32
}

/// The opposite of [`key`].
const fn named(key: u32) -> (u32, Dir) {
    (key >> 1, if key & 1 == 1 { Dir::Orig } else { Dir::Resp })
}

/// The groups whose rules concern flows of `app`: looked up once for a flow and protocol.
fn groups(program: &Program, state: &mut FlowState, app: &'static str) -> [u16; 5] {
    let known = state.app.len() == app.len() && std::ptr::eq(state.app.as_ptr(), app.as_ptr());
    if known && state.app_known {
        return state.app_groups;
    }
    let [a, b, c, d] = family(app);
    let find = |name: &str| {
        let at = program.apps.binary_search_by(|(n, _)| (*n).cmp(name)).ok();
        at.and_then(|at| u16::try_from(at).ok()).unwrap_or(NONE)
    };
    let named = |name: &str| if name.is_empty() { NONE } else { find(name) };
    state.app = app;
    state.app_known = true;
    state.app_groups = [named(a), named(b), named(c), named(d), find("")];
    state.app_groups
}
