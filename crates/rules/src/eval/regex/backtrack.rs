//! The backtracking machine: what no linear-time engine has.
//!
//! A program of small instructions over a position, a list of alternatives to come back to, and a budget of steps. What has
//! to be decided before going on (look-around, atomic groups) is run by the same machine on a list of its own.

use super::ast::{Assert, ByteSet, Greed, Node, Tree};
use super::parse::is_word;
use super::{GaveUp, Match};

/// Steps that one search may take, over all positions where a match may begin.
pub(crate) const STEP_COUNT_MAX: u32 = 400_000;
/// Instructions of a program at most; counted repetitions are written out.
const INSTRUCTION_COUNT_MAX: usize = 60_000;
/// Look-around and atomic groups within each other.
const NESTING_MAX: u32 = 64;

#[derive(Clone, Debug)]
enum Op {
    Set(ByteSet),
    /// So many bytes of a set, most first or fewest first.
    Run {
        set: ByteSet,
        min: u32,
        max: u32,
        lazy: bool,
    },
    /// Try the first, then the second.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Assert(Assert),
    /// The program behind it up to its `Done` has to match (not); then on at `next`. Behind: so many bytes back.
    Look {
        negated: bool,
        behind: Option<Vec<usize>>,
        next: usize,
    },
    Atomic {
        next: usize,
    },
    BackReference {
        group: usize,
        nocase: bool,
    },
    IfGroup {
        group: usize,
        no: usize,
    },
    /// Notes the position at which a round of a loop begins.
    Begin(usize),
    /// Leaves the loop if the round took nothing.
    Unless {
        register: usize,
        exit: usize,
    },
    Keep,
    Done,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Program {
    ops: Vec<Op>,
    slot_count: usize,
    /// Bytes with which a match may begin; `None`: any, or nothing.
    first: Option<ByteSet>,
    /// A match begins where the text does, or nowhere.
    at_start: bool,
}

struct Compiler {
    ops: Vec<Op>,
    group_count: usize,
    register_count: usize,
}

impl Program {
    pub(super) fn new(tree: &Tree) -> Option<Self> {
        let group_count = tree.group_count as usize;
        let mut compiler = Compiler { ops: Vec::new(), group_count, register_count: 0 };
        compiler.node(&tree.node)?;
        compiler.push(Op::Done)?;
        let slot_count = 2 * (group_count + 1) + compiler.register_count;
        let (first, at_start) = (first(&tree.node), is_at_start(&tree.node));
        Some(Self { ops: compiler.ops, slot_count, first, at_start })
    }

    /// Does a match begin where the text does, or nowhere?
    pub(super) const fn at_start(&self) -> bool {
        self.at_start
    }

    /// The first match from `from` on.
    pub(super) fn find(&self, hay: &[u8], from: usize, anchored: bool) -> Result<Option<Match>, GaveUp> {
        let mut machine = Machine {
            program: self,
            hay,
            slots: vec![usize::MAX; self.slot_count],
            steps: STEP_COUNT_MAX,
            nesting: 0,
            spare: Vec::new(),
        };
        if self.at_start && from > 0 {
            return Ok(None);
        }
        for start in from..=hay.len() {
            let may_begin = match &self.first {
                Some(set) => hay.get(start).is_some_and(|&b| set.has(b)),
                None => true,
            };
            if may_begin {
                machine.slots.fill(usize::MAX);
                if let Some(end) = machine.run(0, start)? {
                    let begun = machine.slots.first().copied().filter(|&s| s != usize::MAX).unwrap_or(start);
                    let pairs = machine.slots.as_chunks::<2>().0;
                    let groups = pairs.iter().skip(1).map(|&[a, b]| (b != usize::MAX).then_some((a, b))).collect();
                    return Ok(Some(Match { start: begun, end, groups }));
                }
            }
            if anchored || self.at_start {
                break;
            }
        }
        Ok(None)
    }
}

impl Compiler {
    fn push(&mut self, op: Op) -> Option<usize> {
        let at = self.ops.len();
        if at >= INSTRUCTION_COUNT_MAX {
            return None;
        }
        self.ops.push(op);
        Some(at)
    }

    fn set(&mut self, at: usize, op: Op) {
        if let Some(old) = self.ops.get_mut(at) {
            *old = op;
        }
    }

    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty => {}
            Node::Set(set) => drop(self.push(Op::Set(*set))?),
            Node::Concat(nodes) => nodes.iter().try_for_each(|n| self.node(n))?,
            Node::Alternation(nodes) => self.alternation(nodes)?,
            Node::Repeat { node, min, max, greed } => self.repeat(node, *min, *max, *greed)?,
            Node::Group(number, node) => {
                let slot = 2 * *number as usize;
                self.push(Op::Save(slot))?;
                self.node(node)?;
                self.push(Op::Save(slot + 1))?;
            }
            Node::Look { ahead, negated, node } => {
                let behind = if *ahead { None } else { Some(lengths(node)?) };
                let at = self.push(Op::Done)?;
                self.node(node)?;
                self.push(Op::Done)?;
                let next = self.ops.len();
                self.set(at, Op::Look { negated: *negated, behind, next });
            }
            Node::Atomic(node) => self.atomic(|c| c.node(node))?,
            Node::BackReference { group, nocase } => {
                let group = *group as usize;
                if group > self.group_count {
                    return None;
                }
                self.push(Op::BackReference { group, nocase: *nocase })?;
            }
            Node::Assert(assert) => drop(self.push(Op::Assert(*assert))?),
            Node::IfGroup { group, yes, no } => {
                let at = self.push(Op::Done)?;
                self.node(yes)?;
                let jump = self.push(Op::Done)?;
                let other = self.ops.len();
                self.set(at, Op::IfGroup { group: *group as usize, no: other });
                self.node(no)?;
                let end = self.ops.len();
                self.set(jump, Op::Jump(end));
            }
            Node::Keep => drop(self.push(Op::Keep)?),
        }
        Some(())
    }

    fn atomic(&mut self, inner: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let at = self.push(Op::Done)?;
        inner(self)?;
        self.push(Op::Done)?;
        let next = self.ops.len();
        self.set(at, Op::Atomic { next });
        Some(())
    }

    fn alternation(&mut self, nodes: &[Node]) -> Option<()> {
        let mut jumps = Vec::new();
        for (n, node) in nodes.iter().enumerate() {
            if n + 1 == nodes.len() {
                self.node(node)?;
                continue;
            }
            let split = self.push(Op::Done)?;
            self.node(node)?;
            jumps.push(self.push(Op::Done)?);
            let other = self.ops.len();
            self.set(split, Op::Split(split + 1, other));
        }
        let end = self.ops.len();
        jumps.into_iter().for_each(|at| self.set(at, Op::Jump(end)));
        Some(())
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, greed: Greed) -> Option<()> {
        if greed == Greed::Possessive {
            return self.atomic(|c| c.repeat(node, min, max, Greed::Greedy));
        }
        let lazy = greed == Greed::Lazy;
        if let Node::Set(set) = node {
            self.push(Op::Run { set: *set, min, max: max.unwrap_or(u32::MAX), lazy })?;
            return Some(());
        }
        for _ in 0..min {
            self.node(node)?;
        }
        let split = |at, exit| if lazy { Op::Split(exit, at + 1) } else { Op::Split(at + 1, exit) };
        let Some(max) = max else {
            let register = 2 * (self.group_count + 1) + self.register_count;
            self.register_count += 1;
            let head = self.push(Op::Done)?;
            self.push(Op::Begin(register))?;
            self.node(node)?;
            let check = self.push(Op::Done)?;
            self.push(Op::Jump(head))?;
            let exit = self.ops.len();
            self.set(check, Op::Unless { register, exit });
            self.set(head, split(head, exit));
            return Some(());
        };
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.push(Op::Done)?);
            self.node(node)?;
        }
        let exit = self.ops.len();
        splits.into_iter().for_each(|at| self.set(at, split(at, exit)));
        Some(())
    }
}

/// What the machine comes back to.
enum Later {
    At(usize, usize),
    /// Further ends of a run: on at the instruction, from that position to that, both included, downwards or upwards.
    Run {
        op: usize,
        next: usize,
        last: usize,
        lazy: bool,
    },
    Restore(usize, usize),
}

struct Machine<'a> {
    program: &'a Program,
    hay: &'a [u8],
    slots: Vec<usize>,
    steps: u32,
    nesting: u32,
    /// An empty list for the next run.
    spare: Vec<Later>,
}

impl Machine<'_> {
    /// Runs from an instruction to `Done`; returns the position there.
    fn run(&mut self, op: usize, at: usize) -> Result<Option<usize>, GaveUp> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(GaveUp);
        }
        let mut later = std::mem::take(&mut self.spare);
        later.push(Later::At(op, at));
        let mut out = None;
        while let Some(job) = later.pop() {
            let (op, at) = match job {
                Later::Restore(slot, value) => {
                    self.store(slot, value);
                    continue;
                }
                Later::At(op, at) => (op, at),
                Later::Run { op, next, last, lazy } => {
                    if next != last {
                        let further = if lazy { next + 1 } else { next - 1 };
                        later.push(Later::Run { op, next: further, last, lazy });
                    }
                    (op, next)
                }
            };
            if let Some(end) = self.go(op, at, &mut later)? {
                out = Some(end);
                break;
            }
        }
        self.nesting -= 1;
        later.clear();
        self.spare = later;
        Ok(out)
    }

    fn store(&mut self, slot: usize, value: usize) {
        if let Some(old) = self.slots.get_mut(slot) {
            *old = value;
        }
    }

    fn save(&mut self, slot: usize, value: usize, later: &mut Vec<Later>) {
        later.push(Later::Restore(slot, self.slots.get(slot).copied().unwrap_or(usize::MAX)));
        self.store(slot, value);
    }

    fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.slots.get(2 * group)?, *self.slots.get(2 * group + 1)?);
        (start != usize::MAX && end != usize::MAX && start <= end).then_some((start, end))
    }

    /// Goes on until there is no way on, or it is done.
    fn go(&mut self, mut op: usize, mut at: usize, later: &mut Vec<Later>) -> Result<Option<usize>, GaveUp> {
        let program = self.program;
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(GaveUp)?;
            let Some(instruction) = program.ops.get(op) else { return Ok(None) };
            op += 1;
            let goes_on = match instruction {
                Op::Set(set) => {
                    at += 1;
                    self.hay.get(at - 1).is_some_and(|&b| set.has(b))
                }
                Op::Run { set, min, max, lazy } => {
                    let (min, max) = (*min as usize, *max as usize);
                    let rest = self.hay.get(at..).unwrap_or_default();
                    let taken = rest.iter().take(max).take_while(|&&b| set.has(b)).count();
                    self.steps = self.steps.saturating_sub(u32::try_from(taken / 16).unwrap_or(u32::MAX));
                    if taken >= min {
                        let (low, high) = (at + min, at + taken);
                        let (next, last) = if *lazy { (low, high) } else { (high, low) };
                        if next != last {
                            let further = if *lazy { next + 1 } else { next - 1 };
                            later.push(Later::Run { op, next: further, last, lazy: *lazy });
                        }
                        at = next;
                    }
                    taken >= min
                }
                Op::Split(first, second) => {
                    later.push(Later::At(*second, at));
                    op = *first;
                    true
                }
                Op::Jump(to) => {
                    op = *to;
                    true
                }
                Op::Save(slot) | Op::Begin(slot) => {
                    self.save(*slot, at, later);
                    true
                }
                Op::Keep => {
                    self.save(0, at, later);
                    true
                }
                Op::Assert(assert) => holds(*assert, self.hay, at),
                Op::Unless { register, exit } => {
                    if self.slots.get(*register) == Some(&at) {
                        op = *exit;
                    }
                    true
                }
                Op::Look { negated, behind, next } => {
                    let there = self.look(op, at, behind.as_deref(), *negated, later)?;
                    op = *next;
                    there != *negated
                }
                Op::Atomic { next } => {
                    let before = self.slots.clone();
                    let end = self.run(op, at)?;
                    self.changed(&before, later);
                    op = *next;
                    at = end.unwrap_or(at);
                    end.is_some()
                }
                Op::BackReference { group, nocase } => {
                    let (Some((start, end)), hay) = (self.group(*group), self.hay) else { return Ok(None) };
                    let text = hay.get(start..end).unwrap_or_default();
                    let there = hay.get(at..at + text.len());
                    at += text.len();
                    there.is_some_and(|t| t == text || *nocase && t.eq_ignore_ascii_case(text))
                }
                Op::IfGroup { group, no } => {
                    if self.group(*group).is_none() {
                        op = *no;
                    }
                    true
                }
                Op::Done => return Ok(Some(at)),
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    fn look(
        &mut self,
        op: usize,
        at: usize,
        behind: Option<&[usize]>,
        negated: bool,
        later: &mut Vec<Later>,
    ) -> Result<bool, GaveUp> {
        let before = self.slots.clone();
        let mut there = false;
        match behind {
            None => there = self.run(op, at)?.is_some(),
            Some(lengths) => {
                for len in lengths {
                    let Some(start) = at.checked_sub(*len) else { continue };
                    if self.run(op, start)? == Some(at) {
                        there = true;
                        break;
                    }
                }
            }
        }
        if negated || !there {
            self.slots = before;
        } else {
            self.changed(&before, later);
        }
        Ok(there)
    }

    /// What an inner run has set is undone when the machine comes back behind it.
    fn changed(&self, before: &[usize], later: &mut Vec<Later>) {
        for (slot, (&old, &new)) in before.iter().zip(&self.slots).enumerate() {
            if old != new {
                later.push(Later::Restore(slot, old));
            }
        }
    }
}

fn holds(assert: Assert, hay: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|n| hay.get(n).copied());
    let behind = hay.get(at).copied();
    let is_boundary = || before.is_some_and(is_word) != behind.is_some_and(is_word);
    match assert {
        Assert::Start => at == 0,
        Assert::LineStart => before.is_none_or(|b| b == b'\n'),
        Assert::End => at == hay.len(),
        Assert::EndOrNewline => at == hay.len() || at + 1 == hay.len() && behind == Some(b'\n'),
        Assert::LineEnd => behind.is_none_or(|b| b == b'\n'),
        Assert::Word => is_boundary(),
        Assert::NotWord => !is_boundary(),
    }
}

/// Lengths that a look behind may have, each alternative one.
fn lengths(node: &Node) -> Option<Vec<usize>> {
    if let Node::Alternation(nodes) = node {
        return nodes.iter().map(fixed).collect();
    }
    Some(vec![fixed(node)?])
}

fn fixed(node: &Node) -> Option<usize> {
    match node {
        Node::Empty | Node::Assert(_) | Node::Look { .. } => Some(0),
        Node::Set(_) => Some(1),
        Node::Concat(nodes) => nodes.iter().try_fold(0usize, |sum, n| sum.checked_add(fixed(n)?)),
        Node::Alternation(nodes) => {
            let mut all = nodes.iter().map(fixed);
            let first = all.next()??;
            all.all(|len| len == Some(first)).then_some(first)
        }
        Node::Repeat { node, min, max, .. } if *max == Some(*min) => fixed(node)?.checked_mul(*min as usize),
        Node::Group(_, node) | Node::Atomic(node) => fixed(node),
        Node::Repeat { .. } | Node::BackReference { .. } | Node::IfGroup { .. } | Node::Keep => None,
    }
}

/// Bytes with which a match of it must begin; `None`: not known.
fn first(node: &Node) -> Option<ByteSet> {
    match node {
        Node::Set(set) => Some(*set),
        Node::Concat(nodes) => {
            let is_bare = |n: &&Node| !matches!(n, Node::Assert(_) | Node::Look { .. } | Node::Empty);
            nodes.iter().find(is_bare).and_then(first)
        }
        Node::Alternation(nodes) => {
            let mut out = ByteSet::default();
            for node in nodes {
                out.add_set(&first(node)?);
            }
            Some(out)
        }
        Node::Repeat { node, min, .. } if *min > 0 => first(node),
        Node::Group(_, node) | Node::Atomic(node) => first(node),
        _ => None,
    }
}

/// Does a match of it begin where the text does, or nowhere?
fn is_at_start(node: &Node) -> bool {
    match node {
        Node::Assert(assert) => *assert == Assert::Start,
        Node::Concat(nodes) => {
            let is_bare = |n: &&Node| matches!(n, Node::Assert(_) | Node::Look { .. } | Node::Empty | Node::Keep);
            let bare = nodes.iter().take_while(is_bare).count();
            nodes.iter().take(bare + 1).any(is_at_start)
        }
        Node::Alternation(nodes) => !nodes.is_empty() && nodes.iter().all(is_at_start),
        Node::Group(_, node) | Node::Atomic(node) => is_at_start(node),
        Node::Repeat { node, min, .. } => *min > 0 && is_at_start(node),
        Node::IfGroup { yes, no, .. } => is_at_start(yes) && is_at_start(no),
        Node::Look { .. } | Node::Empty | Node::Keep | Node::Set(_) | Node::BackReference { .. } => false,
    }
}
