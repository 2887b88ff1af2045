//! Which content of a rule the prefilter looks for.

use super::plan::Plan;
use crate::ir::{Buffer, Content, Fast, Int, Rule, Step};
use sekisho_transaction::Fact;

/// Bytes of a content that say more than further ones would.
const STRENGTH_LEN_MAX: usize = 16;

/// Bytes of a content that the prefilter looks for at most: more would not tell more.
pub(crate) const LITERAL_LEN_MAX: usize = 32;

/// Bytes from which on a literal is found at the best speed: see `sekisho_scan`.
const LONG_LEN: usize = 7;
/// Bytes of a literal that are found everywhere, unless they are more.
const SHORT_LEN: usize = 3;
/// Different bytes of a long literal that is worth more than a short one which the rule's writer chose.
const DISTINCT_COUNT_MIN: u32 = 5;

/// A literal that a rule cannot match without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) nocase: bool,
    /// It ends within so many bytes of the buffer.
    pub(crate) limit: Option<u32>,
}

/// What was chosen: which buffer of the plan, and the literal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    /// Place in [`Plan::buffers`].
    pub(crate) buffer: usize,
    pub(crate) wanted: Wanted<'a>,
}

/// Chooses; `None`: the rule has nothing to look for.
pub(crate) fn choose<'a>(rule: &'a Rule, plan: &Plan) -> Option<Chosen<'a>> {
    // Of a rule about both sides the request comes first.
    let of_request = if plan.exchange { choose_among(rule, plan, true) } else { None };
    of_request.or_else(|| choose_among(rule, plan, false))
}

fn choose_among<'a>(rule: &'a Rule, plan: &Plan, requests_only: bool) -> Option<Chosen<'a>> {
    let mut best: Option<(u32, Chosen<'a>)> = None;
    for (buffer, of_buffer) in plan.buffers.iter().enumerate() {
        let Some(m) = rule.matches.get(usize::from(of_buffer.at)) else { continue };
        // A buffer that may be absent cannot be waited for, and an exchange's rule is found by what the exchange says.
        let is_of_exchange = matches!(m.buffer, Buffer::Fact(_));
        if !may_wait(m.buffer)
            || plan.transaction && !is_of_exchange
            || m.steps.iter().any(|step| matches!(step, Step::Absent { .. }))
        {
            continue;
        }
        let of_response = match m.buffer {
            Buffer::Fact(fact) => m.request.map_or(!fact.info().ends.to_server(), |request| !request),
            _ => false,
        };
        if requests_only && of_response {
            continue;
        }
        for step in &m.steps {
            let Step::Content(content) = step else { continue };
            if content.negated || content.bytes.is_empty() {
                continue;
            }
            let wanted = Wanted { bytes: part(content), nocase: content.nocase, limit: limit(content) };
            let chosen = Chosen { buffer, wanted };
            let score = score(content, m.buffer, wanted.bytes);
            if best.as_ref().is_none_or(|(s, _)| score > *s) {
                best = Some((score, chosen));
            }
        }
    }
    best.map(|(_, chosen)| chosen)
}

/// Is the buffer one that the prefilter looks into?
const fn may_wait(buffer: Buffer) -> bool {
    matches!(buffer, Buffer::Payload | Buffer::Packet | Buffer::Fact(_) | Buffer::Frame(..))
}

fn part(content: &Content) -> &[u8] {
    let part = match content.fast {
        Fast::Chop(from, len) => {
            let from = usize::from(from);
            content.bytes.get(from..from + usize::from(len)).filter(|b| !b.is_empty()).unwrap_or(&content.bytes)
        }
        _ => &content.bytes,
    };
    part.get(..LITERAL_LEN_MAX).unwrap_or(part)
}

/// Bytes of the buffer within which the content ends, if that is said in numbers.
fn limit(content: &Content) -> Option<u32> {
    let place = &content.place;
    if place.is_relative() {
        return None;
    }
    let number = |int: Int| match int {
        Int::Number(n) => u32::try_from(n).ok(),
        Int::Var(_) => None,
    };
    if place.starts {
        return u32::try_from(content.bytes.len()).ok();
    }
    let offset = place.offset.map_or(Some(0), number)?;
    place.depth.and_then(number).map(|depth| depth.saturating_add(offset))
}

fn score(content: &Content, buffer: Buffer, bytes: &[u8]) -> u32 {
    // What the rule's writer chose, unless it is short: then a long one is better, if there is one.
    if content.fast != Fast::Auto {
        return if bytes.len() > SHORT_LEN { u32::MAX } else { 4 << 20 };
    }
    let mut seen = [false; 256];
    let mut distinct = 0;
    for &byte in bytes.iter().take(STRENGTH_LEN_MAX) {
        if let Some(flag) = seen.get_mut(usize::from(byte.to_ascii_lowercase())) {
            distinct += u32::from(!*flag);
            *flag = true;
        }
    }
    let len = u32::try_from(bytes.len().min(255)).unwrap_or(255);
    let strength = 8 * distinct + len;
    // Buffers that nearly always say the same, or much, come last.
    let weak = matches!(
        buffer,
        Buffer::Fact(
            Fact::HttpMethod
                | Fact::HttpStatCode
                | Fact::HttpStatMsg
                | Fact::HttpProtocol
                | Fact::HttpHeaderNames
                | Fact::HttpStart
        )
    );
    let rank = match buffer {
        _ if weak => 1,
        Buffer::Payload | Buffer::Packet => 0,
        _ => 2,
    };
    let is_long = bytes.len() >= LONG_LEN && distinct >= DISTINCT_COUNT_MIN;
    let long = if is_long && !weak { 8 << 20 } else { 0 };
    long + (rank << 20) + strength
}
