//! From an expression's text to its tree.

use super::ast::{Assert, ByteSet, Greed, Node, Tree, Unsupported};
use crate::ir::Pcre;

/// Groups within groups.
const DEPTH_MAX: u32 = 100;
/// Largest count of a repetition, as PCRE.
const REPEAT_MAX: u32 = 65_535;
/// Groups that take what they match.
const GROUP_COUNT_MAX: u32 = 1000;

#[derive(Clone, Copy)]
struct Flags {
    nocase: bool,
    dot_all: bool,
    multi_line: bool,
    extended: bool,
    ungreedy: bool,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    flags: Flags,
    dollar_end: bool,
    group_count: u32,
    names: Vec<(Vec<u8>, u32)>,
    depth: u32,
}

/// Parses it.
pub(super) fn parse(pcre: &Pcre) -> Result<Tree, Unsupported> {
    let flags = Flags {
        nocase: pcre.nocase,
        dot_all: pcre.dot_all,
        multi_line: pcre.multi_line,
        extended: pcre.extended,
        ungreedy: pcre.ungreedy,
    };
    let mut parser = Parser {
        text: pcre.pattern.as_bytes(),
        at: 0,
        flags,
        dollar_end: pcre.dollar_end,
        group_count: 0,
        names: Vec::new(),
        depth: 0,
    };
    let node = parser.alternation()?;
    if parser.at < parser.text.len() {
        return Err(parser.wrong("unmatched )"));
    }
    Ok(Tree { node, group_count: parser.group_count })
}

impl Parser<'_> {
    fn wrong(&self, why: &'static str) -> Unsupported {
        Unsupported { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let there = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(what));
        if there {
            self.at += what.len();
        }
        there
    }

    fn alternation(&mut self) -> Result<Node, Unsupported> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong("too deeply nested"));
        }
        let flags = self.flags;
        let mut branches = vec![self.concat()?];
        while self.eat(b"|") {
            branches.push(self.concat()?);
        }
        self.flags = flags;
        self.depth -= 1;
        Ok(if branches.len() == 1 { branches.pop().unwrap_or(Node::Empty) } else { Node::Alternation(branches) })
    }

    fn concat(&mut self) -> Result<Node, Unsupported> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            if self.flags.extended && self.skip_extended() {
                continue;
            }
            let node = self.atom()?;
            let node = self.quantified(node)?;
            if node != Node::Empty {
                nodes.push(node);
            }
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.pop().unwrap_or(Node::Empty),
            _ => Node::Concat(nodes),
        })
    }

    fn skip_extended(&mut self) -> bool {
        match self.peek() {
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => self.at += 1,
            Some(b'#') => while self.next().is_some_and(|b| b != b'\n') {},
            _ => return false,
        }
        true
    }

    fn quantified(&mut self, mut node: Node) -> Result<Node, Unsupported> {
        loop {
            while self.flags.extended && self.skip_extended() {}
            let Some((min, max)) = self.quantifier()? else { return Ok(node) };
            let greed = if self.eat(b"+") {
                Greed::Possessive
            } else if self.eat(b"?") != self.flags.ungreedy {
                Greed::Lazy
            } else {
                Greed::Greedy
            };
            node = Node::Repeat { node: Box::new(node), min, max, greed };
        }
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Unsupported> {
        Ok(match self.peek() {
            Some(b'*') => {
                self.at += 1;
                Some((0, None))
            }
            Some(b'+') => {
                self.at += 1;
                Some((1, None))
            }
            Some(b'?') => {
                self.at += 1;
                Some((0, Some(1)))
            }
            Some(b'{') => {
                let start = self.at;
                let counted = self.counted();
                match counted {
                    None => self.at = start,
                    Some((min, max)) if min > REPEAT_MAX || max.is_some_and(|m| m > REPEAT_MAX || m < min) => {
                        return Err(self.wrong("repetition count"));
                    }
                    Some(_) => {}
                }
                counted
            }
            _ => None,
        })
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else is text.
    fn counted(&mut self) -> Option<(u32, Option<u32>)> {
        self.at += 1;
        let min = self.digits()?;
        let out = if self.eat(b",") {
            if self.peek() == Some(b'}') { (min, None) } else { (min, Some(self.digits()?)) }
        } else {
            (min, Some(min))
        };
        self.eat(b"}").then_some(out)
    }

    fn digits(&mut self) -> Option<u32> {
        let mut value = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let before: u32 = value.unwrap_or(0);
            value = Some(before.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
            self.at += 1;
        }
        value
    }

    fn byte(&self, byte: u8) -> Node {
        self.set(one(byte))
    }

    fn set(&self, set: ByteSet) -> Node {
        Node::Set(if self.flags.nocase { set.folded() } else { set })
    }

    fn atom(&mut self) -> Result<Node, Unsupported> {
        let Some(byte) = self.next() else { return Ok(Node::Empty) };
        Ok(match byte {
            b'.' if self.flags.dot_all => Node::Set(ByteSet::default().negated()),
            b'.' => Node::Set(NEWLINE.negated()),
            b'^' => Node::Assert(if self.flags.multi_line { Assert::LineStart } else { Assert::Start }),
            b'$' if self.flags.multi_line => Node::Assert(Assert::LineEnd),
            b'$' if self.dollar_end => Node::Assert(Assert::End),
            b'$' => Node::Assert(Assert::EndOrNewline),
            b'[' => {
                let set = self.class()?;
                Node::Set(set)
            }
            b'(' => self.group()?,
            b'\\' => self.escape()?,
            b'*' | b'+' | b'?' => return Err(self.wrong("nothing to repeat")),
            _ => self.byte(byte),
        })
    }

    fn group(&mut self) -> Result<Node, Unsupported> {
        if !self.eat(b"?") {
            if self.eat(b"*") {
                return Err(self.wrong("control verb"));
            }
            return self.capture(None);
        }
        let look = |ahead, negated| move |node| Node::Look { ahead, negated, node: Box::new(node) };
        if self.eat(b"#") {
            while self.next().is_some_and(|b| b != b')') {}
            return Ok(Node::Empty);
        }
        for (sign, ahead, negated) in
            [(&b"="[..], true, false), (b"!", true, true), (b"<=", false, false), (b"<!", false, true)]
        {
            if self.eat(sign) {
                return self.inner().map(look(ahead, negated));
            }
        }
        if self.eat(b">") {
            return Ok(Node::Atomic(Box::new(self.inner()?)));
        }
        if self.eat(b"|") {
            return Err(self.wrong("branch reset"));
        }
        if self.eat(b"(") {
            return self.conditional();
        }
        for (open, close) in [(&b"P<"[..], b'>'), (b"<", b'>'), (b"'", b'\'')] {
            if self.eat(open) {
                let name = self.name(close)?;
                return self.capture(Some(name));
            }
        }
        if self.eat(b"P=") {
            let name = self.name(b')')?;
            return self.named_reference(&name);
        }
        if self.eat(b"R") || self.eat(b"P>") || self.eat(b"&") {
            return Err(self.wrong("recursion"));
        }
        self.flag_group()
    }

    fn conditional(&mut self) -> Result<Node, Unsupported> {
        let Some(group) = self.digits() else { return Err(self.wrong("condition")) };
        if !self.eat(b")") {
            return Err(self.wrong("condition"));
        }
        let (yes, no) = match self.inner()? {
            Node::Alternation(mut both) if both.len() == 2 => {
                let no = both.pop().unwrap_or(Node::Empty);
                (both.pop().unwrap_or(Node::Empty), no)
            }
            Node::Alternation(_) => return Err(self.wrong("condition with more than two branches")),
            yes => (yes, Node::Empty),
        };
        Ok(Node::IfGroup { group, yes: Box::new(yes), no: Box::new(no) })
    }

    fn inner(&mut self) -> Result<Node, Unsupported> {
        let node = self.alternation()?;
        if self.eat(b")") { Ok(node) } else { Err(self.wrong("missing )")) }
    }

    fn capture(&mut self, name: Option<Vec<u8>>) -> Result<Node, Unsupported> {
        self.group_count += 1;
        let number = self.group_count;
        if number > GROUP_COUNT_MAX {
            return Err(self.wrong("too many groups"));
        }
        if let Some(name) = name {
            self.names.push((name, number));
        }
        Ok(Node::Group(number, Box::new(self.inner()?)))
    }

    fn name(&mut self, close: u8) -> Result<Vec<u8>, Unsupported> {
        let mut name = Vec::new();
        loop {
            match self.next() {
                Some(byte) if byte == close => return Ok(name),
                Some(byte) if byte == b'_' || byte.is_ascii_alphanumeric() => name.push(byte),
                _ => return Err(self.wrong("group name")),
            }
        }
    }

    fn named_reference(&self, name: &[u8]) -> Result<Node, Unsupported> {
        let group = self.names.iter().find(|(n, _)| n == name).map(|(_, number)| *number);
        let group = group.ok_or_else(|| self.wrong("no such group"))?;
        Ok(Node::BackReference { group, nocase: self.flags.nocase })
    }

    /// `(?i)`, `(?i:...)`, `(?-s:...)`, `(?:...)`.
    fn flag_group(&mut self) -> Result<Node, Unsupported> {
        let before = self.flags;
        let mut on = true;
        loop {
            match self.next() {
                Some(b'-') => on = false,
                Some(b'i') => self.flags.nocase = on,
                Some(b's') => self.flags.dot_all = on,
                Some(b'm') => self.flags.multi_line = on,
                Some(b'x') => self.flags.extended = on,
                Some(b'U') => self.flags.ungreedy = on,
                Some(b'J') => {}
                // Until the end of the enclosing group, whose alternation puts the flags back.
                Some(b')') => return Ok(Node::Empty),
                Some(b':') => {
                    let node = self.inner()?;
                    self.flags = before;
                    // Kept apart, so that a quantifier behind it concerns all of it.
                    return Ok(node);
                }
                _ => return Err(self.wrong("group type")),
            }
        }
    }

    fn escape(&mut self) -> Result<Node, Unsupported> {
        let Some(byte) = self.next() else { return Err(self.wrong("\\ at the end")) };
        if let Some(set) = shorthand(byte) {
            return Ok(Node::Set(set));
        }
        Ok(match byte {
            b'A' | b'G' => Node::Assert(Assert::Start),
            b'z' => Node::Assert(Assert::End),
            b'Z' => Node::Assert(Assert::EndOrNewline),
            b'b' => Node::Assert(Assert::Word),
            b'B' => Node::Assert(Assert::NotWord),
            b'K' => Node::Keep,
            b'R' => newline(),
            b'Q' => {
                let mut nodes = Vec::new();
                while self.at < self.text.len() && !self.eat(b"\\E") {
                    if let Some(byte) = self.next() {
                        nodes.push(self.byte(byte));
                    }
                }
                Node::Concat(nodes)
            }
            b'E' => Node::Empty,
            b'k' | b'g' => self.reference()?,
            b'1'..=b'9' => {
                self.at -= 1;
                let start = self.at;
                let number = self.digits().unwrap_or(0);
                if number < 10 || number <= self.group_count {
                    Node::BackReference { group: number, nocase: self.flags.nocase }
                } else {
                    self.at = start;
                    let byte = self.octal()?;
                    self.byte(byte)
                }
            }
            b'p' | b'P' | b'X' | b'C' => return Err(self.wrong("Unicode property")),
            _ => {
                self.at -= 1;
                let byte = self.escaped_byte()?;
                self.byte(byte)
            }
        })
    }

    fn reference(&mut self) -> Result<Node, Unsupported> {
        for (open, close) in [(b"{", b'}'), (b"<", b'>'), (b"'", b'\'')] {
            if self.eat(open) {
                let name = self.name(close)?;
                let number = std::str::from_utf8(&name).ok().and_then(|n| n.parse().ok());
                return match number {
                    Some(group) => Ok(Node::BackReference { group, nocase: self.flags.nocase }),
                    None => self.named_reference(&name),
                };
            }
        }
        let group = self.digits().ok_or_else(|| self.wrong("reference"))?;
        Ok(Node::BackReference { group, nocase: self.flags.nocase })
    }

    fn octal(&mut self) -> Result<u8, Unsupported> {
        let mut value = 0u32;
        let mut count = 0;
        while let (Some(digit @ b'0'..=b'7'), true) = (self.peek(), count < 3) {
            value = value * 8 + u32::from(digit - b'0');
            self.at += 1;
            count += 1;
        }
        if count == 0 {
            return self.next().ok_or_else(|| self.wrong("escape"));
        }
        u8::try_from(value).map_err(|_| self.wrong("octal value"))
    }

    /// What stands behind a backslash and is one byte.
    fn escaped_byte(&mut self) -> Result<u8, Unsupported> {
        let Some(byte) = self.next() else { return Err(self.wrong("\\ at the end")) };
        Ok(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'f' => 0x0c,
            b'a' => 0x07,
            b'e' => 0x1b,
            b'0' => {
                self.at -= 1;
                self.octal()?
            }
            b'x' => self.hexadecimal()?,
            b'c' => self.next().map(|b| b.to_ascii_uppercase() ^ 0x40).ok_or_else(|| self.wrong("\\c"))?,
            b'o' => return Err(self.wrong("\\o")),
            b'u' | b'U' | b'L' | b'l' => return Err(self.wrong("unsupported escape")),
            _ => byte,
        })
    }

    fn hexadecimal(&mut self) -> Result<u8, Unsupported> {
        let braces = self.eat(b"{");
        let mut value = 0u32;
        let mut count = 0;
        while count < if braces { 8 } else { 2 } {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(16)) else { break };
            value = value.saturating_mul(16).saturating_add(digit);
            self.at += 1;
            count += 1;
        }
        if braces && !self.eat(b"}") {
            return Err(self.wrong("\\x{"));
        }
        u8::try_from(value).map_err(|_| self.wrong("character beyond a byte"))
    }

    fn class(&mut self) -> Result<ByteSet, Unsupported> {
        let negated = self.eat(b"^");
        let mut set = ByteSet::default();
        let mut first = true;
        loop {
            let Some(byte) = self.next() else { return Err(self.wrong("missing ]")) };
            match byte {
                b']' if !first => break,
                b'[' if matches!(self.peek(), Some(b':')) && self.posix(&mut set) => {}
                _ => {
                    if let Some(low) = self.class_byte(byte, &mut set)? {
                        let high = self.range_end(&mut set)?;
                        match high {
                            Some(high) if high < low => return Err(self.wrong("range out of order")),
                            Some(high) => set.add_range(low, high),
                            None => set.add(low),
                        }
                    }
                }
            }
            first = false;
        }
        let set = if self.flags.nocase { set.folded() } else { set };
        Ok(if negated { set.negated() } else { set })
    }

    /// A byte of a class, or `None` if a whole set was put in.
    fn class_byte(&mut self, byte: u8, set: &mut ByteSet) -> Result<Option<u8>, Unsupported> {
        if byte != b'\\' {
            return Ok(Some(byte));
        }
        let Some(escaped) = self.peek() else { return Err(self.wrong("missing ]")) };
        if let Some(short) = shorthand(escaped) {
            self.at += 1;
            set.add_set(&short);
            return Ok(None);
        }
        match escaped {
            b'b' => {
                self.at += 1;
                Ok(Some(8))
            }
            b'0'..=b'7' => self.octal().map(Some),
            b'p' | b'P' => Err(self.wrong("Unicode property")),
            _ => self.escaped_byte().map(Some),
        }
    }

    fn range_end(&mut self, set: &mut ByteSet) -> Result<Option<u8>, Unsupported> {
        if self.peek() != Some(b'-') || matches!(self.text.get(self.at + 1), None | Some(b']')) {
            return Ok(None);
        }
        self.at += 1;
        let byte = self.next().ok_or_else(|| self.wrong("missing ]"))?;
        let end = self.class_byte(byte, set)?;
        if end.is_none() {
            // `[a-\d]`: the dash is text.
            set.add(b'-');
        }
        Ok(end)
    }

    /// `[:alpha:]` within a class.
    fn posix(&mut self, set: &mut ByteSet) -> bool {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let Some(len) = rest.windows(2).position(|w| w == b":]") else { return false };
        let (negated, name) = match rest.get(..len).unwrap_or_default() {
            [b'^', name @ ..] => (true, name),
            name => (false, name),
        };
        let test: fn(u8) -> bool = match name {
            b"alpha" => |b| b.is_ascii_alphabetic(),
            b"digit" => |b| b.is_ascii_digit(),
            b"alnum" => |b| b.is_ascii_alphanumeric(),
            b"upper" => |b| b.is_ascii_uppercase(),
            b"lower" => |b| b.is_ascii_lowercase(),
            b"space" => |b| matches!(b, b' ' | 9..=13),
            b"blank" => |b| matches!(b, b' ' | b'\t'),
            b"punct" => |b| b.is_ascii_punctuation(),
            b"print" => |b| matches!(b, 32..=126),
            b"graph" => |b| b.is_ascii_graphic(),
            b"cntrl" => |b| b.is_ascii_control(),
            b"xdigit" => |b| b.is_ascii_hexdigit(),
            b"word" => is_word,
            b"ascii" => |b| b < 128,
            _ => return false,
        };
        let named = ByteSet::of(test);
        set.add_set(&if negated { named.negated() } else { named });
        self.at += 1 + len + 2;
        true
    }
}

const DIGIT: ByteSet = ByteSet::range(b'0', b'9');
const WORD: ByteSet = DIGIT.with(one(b'_')).with(ByteSet::range(b'a', b'z')).folded();
const SPACE: ByteSet = ByteSet::range(9, 13).with(one(b' '));
const HORIZONTAL: ByteSet = one(b' ').with(one(b'\t')).with(one(0xa0));
const VERTICAL: ByteSet = ByteSet::range(10, 13).with(one(0x85));
const NEWLINE: ByteSet = one(b'\n');

const fn one(byte: u8) -> ByteSet {
    ByteSet::range(byte, byte)
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn shorthand(byte: u8) -> Option<ByteSet> {
    let set = match byte.to_ascii_lowercase() {
        b'd' => DIGIT,
        b'w' => WORD,
        b's' => SPACE,
        b'h' => HORIZONTAL,
        b'v' => VERTICAL,
        b'n' if byte == b'N' => NEWLINE,
        _ => return None,
    };
    Some(if byte.is_ascii_uppercase() { set.negated() } else { set })
}

/// `\R`.
fn newline() -> Node {
    let pair = Node::Concat(vec![Node::Set(one(b'\r')), Node::Set(NEWLINE)]);
    Node::Atomic(Box::new(Node::Alternation(vec![pair, Node::Set(VERTICAL)])))
}
