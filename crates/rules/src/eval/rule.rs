//! One rule against what is at hand.

use super::chain::{Chain, Hay};
use super::condition::{Memory, Scene, holds};
use super::header;
use super::scratch::Scratch;
use super::source::{Exchange, LIST_COUNT_MAX, Source};
use crate::compile::{BufferPlan, Plan, Program, grows, is_app};
use crate::inspect::Reach;
use crate::ir::{Buffer, BufferMatch, Compare, Condition, FileCondition, Rule, Step, Which};
use crate::view::{FileView, Span};
use sekisho_transaction::{Fact, Kind, MAX_FILES};
use sekisho_types::Dir;

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Match,
    No,
    /// What is there matches; the rest is to come.
    Later,
    /// Of the side of the exchange at hand all matches; the other's is to come.
    Half,
}

impl Verdict {
    /// Of two things that a rule asks for, neither of which failed.
    const fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Later, _) | (_, Self::Later) => Self::Later,
            (Self::Half, _) | (_, Self::Half) => Self::Half,
            _ => Self::Match,
        }
    }
}

/// Everything that looking at a rule needs.
pub(crate) struct Bench<'p, 'a> {
    pub(crate) program: &'p Program,
    pub(crate) scene: Scene<'a>,
    pub(crate) memory: Memory<'a>,
}

/// Numbers of a fact that are kept at once.
const NUMBER_COUNT_MAX: usize = 1024;

impl Bench<'_, '_> {
    /// Conditions and buffers; the head has been looked at. What matched is put into `spans`.
    pub(crate) fn look(
        &self,
        rule: &Rule,
        plan: &Plan,
        source: &mut Source<'_, '_>,
        scratch: &mut Scratch,
        spans: &mut Vec<Span>,
    ) -> Verdict {
        scratch.begin(rule.var_count);
        spans.clear();
        let mut sum = Verdict::Match;
        for (n, condition) in (0u16..).zip(&rule.conditions) {
            let verdict = match holds(condition, &self.scene, &self.memory) {
                Some(true) => Verdict::Match,
                Some(false) => Verdict::No,
                None => self.about_exchange(condition, source),
            };
            match verdict {
                Verdict::No => {
                    scratch.reach = Reach::Condition(n);
                    return Verdict::No;
                }
                other => sum = sum.with(other),
            }
        }
        scratch.reach = Reach::Waits(0);
        if let Some(n) = (0u16..).zip(&rule.conditions).find(|(_, c)| matches!(c, Condition::File(_))).map(|(n, _)| n) {
            match self.about_files(rule, source) {
                Verdict::No => {
                    scratch.reach = Reach::Condition(n);
                    return Verdict::No;
                }
                other => sum = sum.with(other),
            }
        }
        for of_buffer in &plan.buffers {
            let Some(m) = rule.matches.get(usize::from(of_buffer.at)) else { continue };
            scratch.furthest = 0;
            let kept = scratch.excerpts.len();
            let verdict = self.buffer(m, of_buffer, source, scratch);
            for excerpt in scratch.excerpts.iter_mut().skip(kept) {
                excerpt.fact = if let Buffer::Fact(fact) = m.buffer { Some(fact) } else { None };
            }
            match verdict {
                Verdict::Match => {
                    let fact = if let Buffer::Fact(fact) = m.buffer { Some(fact) } else { None };
                    spans.extend(scratch.spans.drain(..).map(|(offset, len)| Span { fact, offset, len }));
                }
                // Of several frames that a rule names one is at hand.
                Verdict::No if matches!(source, Source::Frame(..)) => {}
                Verdict::No => {
                    let steps = u16::try_from(scratch.furthest).unwrap_or(u16::MAX);
                    scratch.reach = Reach::Match { at: of_buffer.at, steps };
                    return Verdict::No;
                }
                other => {
                    if sum == Verdict::Match {
                        scratch.reach = Reach::Waits(of_buffer.at);
                    }
                    sum = sum.with(other);
                }
            }
            if let (Source::Frame(..), Verdict::Match) = (&source, verdict) {
                return Verdict::Match;
            }
        }
        match source {
            Source::Frame(..) => Verdict::No,
            _ => sum,
        }
    }

    fn chain<'r>(&'r self, m: &'r BufferMatch, of: &'r BufferPlan) -> Chain<'r> {
        Chain { steps: &m.steps, regexes: &of.regexes, base64: of.base64.as_ref(), sets: &self.program.sets }
    }

    fn buffer(&self, m: &BufferMatch, of: &BufferPlan, source: &mut Source<'_, '_>, scratch: &mut Scratch) -> Verdict {
        let said = |yes| if yes { Verdict::Match } else { Verdict::No };
        let packet = self.scene.packet;
        let whole = |bytes: &[u8], scratch: &mut Scratch| self.in_bytes(m, of, Hay::whole(bytes), scratch);
        match m.buffer {
            Buffer::Fact(fact) => match source {
                Source::Exchange(exchange, _) => self.fact(fact, m, of, exchange, scratch),
                Source::Packet | Source::Stream(_) | Source::Frame(..) => Verdict::No,
            },
            Buffer::Payload => match source {
                Source::Stream(hay) => said(!hay.bytes.is_empty() && self.in_bytes(m, of, *hay, scratch)),
                // What was not sent yet may be with a later stage.
                Source::Exchange(exchange, ahead) if !ahead.is_empty() => match whole(ahead, scratch) {
                    true => Verdict::Match,
                    false if *exchange.dir.of(&exchange.past) == u8::MAX => Verdict::No,
                    false => Verdict::Later,
                },
                Source::Packet | Source::Exchange(..) | Source::Frame(..) => {
                    let payload = packet.decoded.payload(packet.frame);
                    said(!payload.is_empty() && whole(payload, scratch))
                }
            },
            Buffer::Packet => {
                let payload = packet.decoded.payload(packet.frame);
                said(!payload.is_empty() && whole(payload, scratch))
            }
            Buffer::Header(which) => said(header::bytes(packet, which).is_some_and(|bytes| whole(bytes, scratch))),
            Buffer::Address { src } => {
                let d = packet.decoded;
                let addr = if src == self.scene.swapped { &d.dst } else { &d.src };
                said(d.ip_version != 0 && whole(addr.wire_octets(), scratch))
            }
            Buffer::Frame(_, kind) => match source {
                Source::Frame(at_hand, hay) if *at_hand == kind => said(self.in_bytes(m, of, *hay, scratch)),
                _ => Verdict::No,
            },
            Buffer::Base64 => Verdict::No,
        }
    }

    fn in_bytes(&self, m: &BufferMatch, of: &BufferPlan, hay: Hay<'_>, scratch: &mut Scratch) -> bool {
        if of.transforms == 0 {
            return self.chain(m, of).matches(hay, scratch);
        }
        // What was looked at before is transformed no second time.
        let bytes = super::transform::apply(&m.transforms, hay.bytes.get(hay.reach..).unwrap_or_default());
        self.chain(m, of).matches(Hay { open: hay.open, ..Hay::whole(&bytes) }, scratch)
    }

    fn fact(
        &self,
        fact: Fact,
        m: &BufferMatch,
        of: &BufferPlan,
        exchange: &mut Exchange<'_>,
        scratch: &mut Scratch,
    ) -> Verdict {
        let others = exchange.dir_of(fact, m.request) != exchange.dir;
        if others && exchange.other_matched {
            return Verdict::Match;
        }
        let later = if others { Verdict::Half } else { Verdict::Later };
        // What both sides may have is asked of the one at hand.
        let is_others = m.request.is_some_and(|request| request != exchange.dir.is_orig());
        if is_others || !exchange.has_reached(fact, m.request) {
            return later;
        }
        let absent = m.steps.iter().any(|step| matches!(step, Step::Absent { .. }));
        let said = |yes| if yes { Verdict::Match } else { Verdict::No };
        if matches!(fact.info().kind, Kind::Number | Kind::Numbers) {
            return said(numbers_match(fact, &m.steps, exchange, absent));
        }
        let chain = self.chain(m, of);
        let mut count = 0;
        for nth in 0..LIST_COUNT_MAX {
            let matched =
                exchange.with_bytes(&self.program.sets, fact, of.transforms, nth, |hay| chain.matches(hay, scratch));
            match matched {
                None => break,
                Some(true) => return Verdict::Match,
                Some(false) => count += 1,
            }
            if matches!(fact.info().kind, Kind::Bytes) {
                break;
            }
        }
        if let Some(Step::Numbers { compare, which: Which::Count, .. }) = m.steps.first() {
            return said(compare.holds(count as u64));
        }
        if grows(fact) && *exchange.dir_of(fact, m.request).of(&exchange.past) != u8::MAX {
            // More of it, or another, may come.
            return later;
        }
        said(count == 0 && absent)
    }

    /// Conditions about exchanges, and about payload that is no search.
    fn about_exchange(&self, condition: &Condition, source: &mut Source<'_, '_>) -> Verdict {
        let said = |yes| if yes { Verdict::Match } else { Verdict::No };
        let app = self.scene.flow.map_or("", |flow| flow.app);
        let now = u64::try_from(self.scene.packet.ts.0 / 1_000_000_000).unwrap_or(0);
        let payload = self.scene.packet.decoded.payload(self.scene.packet.frame);
        match (condition, source) {
            (Condition::File(_), Source::Exchange(..)) => Verdict::Match,
            (Condition::Rpc(program, version, procedure), _) => {
                let stream = self.scene.packet.decoded.proto == sekisho_types::ip_proto::TCP;
                said(is_rpc(payload, stream, *program, *version, *procedure))
            }
            (Condition::FtpBounce, Source::Stream(hay)) => said(is_ftp_bounce(hay.bytes, &self.scene)),
            (Condition::FtpBounce, _) => said(is_ftp_bounce(payload, &self.scene)),
            (Condition::AppEvent(proto, name), Source::Exchange(exchange, _)) => {
                let known = is_app(proto, app) || *exchange.tx.event_type() == **proto;
                said(known && exchange.events.iter().any(|event| name.is_empty() || *event == &**name))
            }
            (Condition::TlsVersion { versions, negated }, Source::Exchange(exchange, _)) => {
                let version = exchange.number(Fact::TlsVersion, 0);
                said(version.is_some_and(|v| versions.iter().any(|w| u64::from(*w) == v) != *negated))
            }
            (Condition::CertExpired(expired), Source::Exchange(exchange, _)) => {
                if !exchange.has_reached(Fact::TlsCertNotafter, None) {
                    return Verdict::Later;
                }
                let (from, to) =
                    (exchange.number(Fact::TlsCertNotbefore, 0), exchange.number(Fact::TlsCertNotafter, 0));
                said(match expired {
                    true => to.is_some_and(|to| to < now),
                    false => from.is_some_and(|from| from <= now) && to.is_some_and(|to| to >= now),
                })
            }
            (Condition::DceIface { uuid, version, .. }, Source::Exchange(exchange, _)) => {
                said(has_iface(exchange, &self.program.sets, uuid, *version))
            }
            _ => Verdict::No,
        }
    }

    /// Is there a file of which all file conditions hold?
    fn about_files(&self, rule: &Rule, source: &mut Source<'_, '_>) -> Verdict {
        let Source::Exchange(exchange, _) = source else { return Verdict::No };
        if rule.file_request.is_some_and(|request| request != exchange.dir.is_orig()) {
            return if exchange.other_matched { Verdict::Match } else { Verdict::Half };
        }
        for nth in exchange.first_file..MAX_FILES {
            let Some(file) = exchange.content.file(exchange.dir, nth) else { break };
            let mut all = true;
            for condition in &rule.conditions {
                if let Condition::File(condition) = condition {
                    all &= self.about_file(condition, &file).unwrap_or(false);
                }
            }
            if all {
                exchange.matched_file = nth;
                return Verdict::Match;
            }
        }
        let over = exchange.dir.of(&exchange.past) == &u8::MAX;
        // Another file may come, or more of this one.
        if over { Verdict::No } else { Verdict::Later }
    }

    /// `None`: that is not known yet.
    fn about_file(&self, condition: &FileCondition, file: &FileView<'_>) -> Option<bool> {
        Some(match condition {
            FileCondition::Any => true,
            FileCondition::Name { text, ext, negated } => {
                let name = file.name.unwrap_or_default();
                let found = if *ext {
                    let dot = name.iter().rposition(|&b| b == b'.');
                    dot.and_then(|dot| name.get(dot + 1..)).is_some_and(|e| e.eq_ignore_ascii_case(text))
                } else {
                    contains_nocase(name, text)
                };
                !name.is_empty() && found != *negated
            }
            FileCondition::Magic { text, negated } => {
                let magic = file.magic?;
                contains_nocase(magic.as_bytes(), text) != *negated
            }
            FileCondition::Size(compare) => match compare {
                Compare::Gt(n) if file.len > *n => true,
                Compare::Ge(n) if file.len >= *n => true,
                _ if !file.complete => return None,
                _ => compare.holds(file.len),
            },
            FileCondition::Hash { len, list, negated } => {
                let list = self.program.sets.hash_lists.get(usize::from(*list))?;
                let found = match len {
                    16 => list.contains(&file.md5?[..]),
                    20 => list.contains(&file.sha1?[..]),
                    _ => list.contains(&file.sha256?[..]),
                };
                found != *negated
            }
        })
    }
}

fn contains_nocase(hay: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || hay.windows(wanted.len()).any(|w| w.eq_ignore_ascii_case(wanted))
}

/// Do the numbers of a fact satisfy all steps?
fn numbers_match(fact: Fact, steps: &[Step], exchange: &mut Exchange<'_>, absent: bool) -> bool {
    let limit = if fact.info().kind == Kind::Number { 1 } else { NUMBER_COUNT_MAX };
    let mut numbers = Vec::new();
    while let (Some(n), true) = (exchange.number(fact, numbers.len()), numbers.len() < limit) {
        numbers.push(n);
    }
    let or_else = steps.iter().any(|step| matches!(step, Step::Absent { or_else: true }));
    if absent && (numbers.is_empty() || !or_else) {
        return numbers.is_empty();
    }
    steps.iter().all(|step| match step {
        Step::Number(compare) => numbers.iter().any(|&n| compare.holds(n)),
        Step::NumberIn(ranges) => numbers.iter().any(|n| ranges.iter().any(|(a, b)| a <= n && n <= b)),
        Step::Numbers { compare, which, slice } => number_list_matches(&numbers, *compare, *which, *slice),
        _ => true,
    })
}

/// An index that counts from the end if negative.
fn index(at: i32, len: usize) -> Option<usize> {
    let at = if at < 0 { len.checked_sub(at.unsigned_abs() as usize)? } else { usize::try_from(at).ok()? };
    (at <= len).then_some(at)
}

fn number_list_matches(numbers: &[u64], compare: Compare, which: Which, slice: Option<(i32, i32)>) -> bool {
    let numbers = match slice {
        None => numbers,
        Some((from, to)) => match (index(from, numbers.len()), index(to, numbers.len())) {
            (Some(from), Some(to)) => numbers.get(from..to).unwrap_or_default(),
            _ => &[],
        },
    };
    let any = || numbers.iter().any(|&n| compare.holds(n));
    let all = || numbers.iter().all(|&n| compare.holds(n));
    let at = |at| index(at, numbers.len()).and_then(|at| numbers.get(at));
    match which {
        Which::Any => any(),
        Which::AnyOrAbsent => numbers.is_empty() || any(),
        Which::All => !numbers.is_empty() && all(),
        Which::AllOrAbsent => all(),
        Which::Index(n) => at(n).is_some_and(|&n| compare.holds(n)),
        Which::IndexOrBeyond(n) => at(n).is_none_or(|&n| compare.holds(n)),
        Which::Matching(count) => count.holds(numbers.iter().filter(|&&n| compare.holds(n)).count() as u64),
        Which::Count => compare.holds(numbers.len() as u64),
    }
}

/// Interfaces are 16 bytes of UUID and two of version, big endian.
fn has_iface(
    exchange: &mut Exchange<'_>,
    sets: &crate::compile::Sets,
    uuid: &[u8; 16],
    version: Option<Compare>,
) -> bool {
    for nth in 0..LIST_COUNT_MAX {
        let matched = exchange.with_bytes(sets, Fact::DcerpcIface, 0, nth, |hay| {
            let (there, rest) = hay.bytes.split_at_checked(16)?;
            let major = rest.get(..2).map_or(0, |v| v.iter().fold(0u64, |n, &b| n << 8 | u64::from(b)));
            Some(there == uuid && version.is_none_or(|compare| compare.holds(major)))
        });
        match matched {
            None => return false,
            Some(Some(true)) => return true,
            Some(_) => {}
        }
    }
    false
}

/// A call of ONC RPC (RFC 5531 §9), over TCP with a record mark before it.
fn is_rpc(payload: &[u8], stream: bool, program: u32, version: Option<u32>, procedure: Option<u32>) -> bool {
    let base = if stream { 4 } else { 0 };
    let word = |n: usize| {
        let at = base + 4 * n;
        payload.get(at..at + 4).map(|b| b.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)))
    };
    word(1) == Some(0)
        && word(2) == Some(2)
        && word(3) == Some(program)
        && version.is_none_or(|v| word(4) == Some(v))
        && procedure.is_none_or(|p| word(5) == Some(p))
}

/// FTP's `PORT` with another address than the sender's.
fn is_ftp_bounce(bytes: &[u8], scene: &Scene<'_>) -> bool {
    let at = bytes.windows(5).position(|w| w.eq_ignore_ascii_case(b"PORT "));
    let Some(rest) = at.and_then(|at| bytes.get(at + 5..)) else { return false };
    let mut fields =
        rest.split(|&b| b == b',').map(|f| std::str::from_utf8(f).ok().and_then(|f| f.trim().parse::<u8>().ok()));
    let mut next = || fields.next().flatten();
    let (Some(a), Some(b), Some(c), Some(d)) = (next(), next(), next(), next()) else { return false };
    let src =
        if scene.dir == Dir::Orig && !scene.swapped { scene.packet.decoded.src } else { scene.packet.decoded.dst };
    src.as_v4().is_some_and(|v4| v4 != [a, b, c, d])
}
