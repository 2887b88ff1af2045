//! What is regular goes to a linear-time engine.

use super::Match;
use super::ast::{Assert, Greed, Node, Tree};
use regex_automata::meta::{Builder, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, Look, Repetition};

/// Bytes of the automaton of one expression at most.
const NFA_LEN_MAX: usize = 2 << 20;
/// Bytes of the lazily made deterministic automaton of one expression.
const CACHE_LEN: usize = 256 << 10;

/// `None`: it has to go the other way.
pub(super) fn compile(tree: &Tree, captures: bool) -> Option<Regex> {
    let hir = hir(&tree.node, true)?;
    let which = if captures { WhichCaptures::All } else { WhichCaptures::Implicit };
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(NFA_LEN_MAX))
        .hybrid_cache_capacity(CACHE_LEN)
        .onepass_size_limit(Some(CACHE_LEN))
        .which_captures(which);
    Builder::new().configure(config).build_from_hir(&hir).ok()
}

pub(super) fn find(regex: &Regex, hay: &[u8], from: usize, anchored: bool, captures: bool) -> Option<Match> {
    if from > hay.len() {
        return None;
    }
    let input = Input::new(hay).range(from..).anchored(if anchored { Anchored::Yes } else { Anchored::No });
    if !captures {
        let found = regex.search(&input)?;
        return Some(Match { start: found.start(), end: found.end(), groups: Vec::new() });
    }
    let mut caps = regex.create_captures();
    regex.search_captures(&input, &mut caps);
    let whole = caps.get_match()?;
    let groups = (1..caps.group_len()).map(|n| caps.get_group(n).map(|s| (s.start, s.end))).collect();
    Some(Match { start: whole.start(), end: whole.end(), groups })
}

/// `last`: nothing is looked at behind it.
fn hir(node: &Node, last: bool) -> Option<Hir> {
    Some(match node {
        Node::Empty => Hir::empty(),
        Node::Set(set) => {
            let ranges = (0..=255u8).filter(|&b| set.has(b)).map(|b| ClassBytesRange::new(b, b));
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
        Node::Concat(nodes) => {
            let count = nodes.len();
            let list: Option<Vec<_>> =
                nodes.iter().enumerate().map(|(n, node)| hir(node, last && n + 1 == count)).collect();
            Hir::concat(list?)
        }
        Node::Alternation(nodes) => {
            let list: Option<Vec<_>> = nodes.iter().map(|node| hir(node, last)).collect();
            Hir::alternation(list?)
        }
        Node::Repeat { node, min, max, greed } => {
            if *greed == Greed::Possessive {
                return None;
            }
            let sub = Box::new(hir(node, false)?);
            Hir::repetition(Repetition { min: *min, max: *max, greedy: *greed == Greed::Greedy, sub })
        }
        Node::Group(number, node) => {
            Hir::capture(Capture { index: *number, name: None, sub: Box::new(hir(node, last)?) })
        }
        Node::Assert(assert) => match assert {
            Assert::Start => Hir::look(Look::Start),
            Assert::LineStart => Hir::look(Look::StartLF),
            Assert::End => Hir::look(Look::End),
            Assert::LineEnd => Hir::look(Look::EndLF),
            Assert::Word => Hir::look(Look::WordAscii),
            Assert::NotWord => Hir::look(Look::WordAsciiNegate),
            // The newline is taken instead of looked at, which nobody sees at the expression's end.
            Assert::EndOrNewline if last => {
                let newline = Hir::literal(*b"\n");
                Hir::alternation(vec![Hir::look(Look::End), Hir::concat(vec![newline, Hir::look(Look::End)])])
            }
            Assert::EndOrNewline => return None,
        },
        Node::Look { .. } | Node::Atomic(_) | Node::BackReference { .. } | Node::IfGroup { .. } | Node::Keep => {
            return None;
        }
    })
}
