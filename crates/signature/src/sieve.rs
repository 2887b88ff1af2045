//! Rules with expressions in which nothing is fixed, kept from making every scan slow.
//!
//! Where a string has no fixed bytes to look for, boreal goes through the whole content for this string alone. A few dozen such
//! expressions among thousands of strings take most of the time (figures: `docs/yara.md`). Here one automaton looks for all of them
//! at once. The rule that has them goes twice: into the common scanner with bytes that don't occur in their place, and, as it is, into
//! a *lane*, a scanner of its own. If the automaton finds none of a rule's expressions, both say the same and the lane needn't
//! run; else the lane has the word. Whatever can't be done in this way stays as it was: slow, and right.

use crate::source::Statement;
use boreal::{Compiler, Scanner};
use boreal_parser::file::YaraFileComponent;
use boreal_parser::regex::{
    AssertionKind, BracketedClassItem, ClassKind, Node, PerlClass, PerlClassKind, Regex, RepetitionKind,
    RepetitionRange,
};
use boreal_parser::rule::VariableDeclarationValue;
use memchr::memmem;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use std::fmt::Write;

/// Rules that get lanes; further ones stay slow.
pub(crate) const LANE_COUNT_MAX: usize = 256;

/// Size of one rule's automaton before it is made deterministic.
const RULE_NFA_LEN_MAX: usize = 1 << 20;

/// Size of all rules'.
const NFA_LEN_MAX: usize = 32 << 20;

/// Memory for states of the automaton, per scan under way.
const CACHE_LEN: usize = 8 << 20;

/// Times that states may be thrown away before the automaton gives up, unless it gets on well in between.
const CACHE_CLEAR_COUNT: usize = 8;

/// Bytes that it has to get on for each state that it makes, for that.
const BYTES_PER_STATE: usize = 32;

/// Stand-in for an expression: if a content has these bytes, every lane runs.
const STAND_IN: [u8; 20] = [
    0xf1, 0x0e, 0x9d, 0x62, 0xe8, 0x17, 0xb3, 0x4c, 0xd5, 0x2a, 0x8f, 0x70, 0xc6, 0x39, 0xa4, 0x5b, 0xfb, 0x04, 0x91,
    0x6e,
];

/// A slow rule by itself.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The rule's namespace and name.
    pub(crate) namespace: String,
    pub(crate) rule: String,
    pub(crate) scanner: Scanner,
    patterns: Vec<String>,
    /// The rule with stand-ins.
    pub(crate) rest: String,
    /// Names of its slow strings.
    pub(crate) slow: Vec<String>,
    /// Strings that it has.
    pub(crate) string_count: u64,
}

impl Lane {
    /// A lane for a rule that needs no other one, if it has slow strings and all of them can be looked for at once.
    pub(crate) fn new(
        mut compiler: Compiler,
        imports: &[String],
        space: &str,
        statement: &Statement<'_>,
    ) -> Option<Self> {
        let text = statement.utf8();
        let file = boreal_parser::parse(&text).ok()?;
        let [YaraFileComponent::Rule(rule)] = &file.components[..] else { return None };
        let is_expression = |value: &VariableDeclarationValue| matches!(value, VariableDeclarationValue::Regex(_));
        if rule.is_private || rule.is_global || !rule.variables.iter().any(|v| is_expression(&v.value)) {
            return None;
        }
        for import in imports {
            compiler.add_rules_str_in_namespace(import, space).ok()?;
        }
        let status = compiler.add_rules_str_in_namespace(&text, space).ok()?;
        let strings = &status.statistics().next()?.strings;
        let (mut patterns, mut slow, mut rest) = (Vec::new(), Vec::new(), text.to_string());
        // From the last to the first, so that spans stay right.
        for (string, declared) in strings.iter().zip(&rule.variables).rev().filter(|(s, _)| s.literals.is_empty()) {
            let VariableDeclarationValue::Regex(regex) = &declared.value else { return None };
            if declared.modifiers.wide || string.name != declared.name {
                return None;
            }
            let mut stand_in = format!("${} = {{", declared.name);
            for byte in STAND_IN {
                let _ = write!(stand_in, " {byte:02x}");
            }
            stand_in.push_str(if declared.modifiers.private { " } private\n" } else { " }\n" });
            rest.get(declared.span.clone())?;
            rest.replace_range(declared.span.clone(), &stand_in);
            patterns.push(pattern(regex, declared.modifiers.nocase));
            slow.push(format!("${}", declared.name));
        }
        slow.reverse();
        if patterns.is_empty() || automaton(&patterns, RULE_NFA_LEN_MAX).is_none() {
            return None;
        }
        let (namespace, rule, string_count) = (space.to_owned(), rule.name.clone(), strings.len() as u64);
        Some(Self { namespace, rule, scanner: compiler.finalize(), patterns, rest, slow, string_count })
    }
}

fn automaton(patterns: &[String], nfa_len: usize) -> Option<DFA> {
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .cache_capacity(CACHE_LEN)
        .skip_cache_capacity_check(true)
        .minimum_cache_clear_count(Some(CACHE_CLEAR_COUNT))
        .minimum_bytes_per_state(Some(BYTES_PER_STATE));
    DFA::builder()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(nfa_len)))
        .build_many(patterns)
        .ok()
}

type MakeCache = Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

/// All lanes, and what tells which of them have to run.
pub(crate) struct Sieve {
    pub(crate) lanes: Vec<Lane>,
    /// Number of the lane, by number of the pattern.
    owners: Vec<usize>,
    /// Without it every lane runs always.
    dfa: Option<(DFA, Pool<Cache, MakeCache>)>,
    stand_in: memmem::Finder<'static>,
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sieve").field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}

impl Sieve {
    pub(crate) fn new(mut lanes: Vec<Lane>) -> Self {
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (i, lane) in lanes.iter_mut().enumerate() {
            owners.extend(lane.patterns.iter().map(|_| i));
            patterns.append(&mut lane.patterns);
        }
        let dfa = automaton(&patterns, NFA_LEN_MAX).filter(|_| !lanes.is_empty()).map(|dfa| {
            let made = dfa.clone();
            let make: MakeCache = Box::new(move || made.create_cache());
            (dfa, Pool::new(make))
        });
        Self { lanes, owners, dfa, stand_in: memmem::Finder::new(&STAND_IN).into_owned() }
    }

    /// The lanes that may say something else than the common scanner.
    pub(crate) fn due(&self, content: &[u8]) -> Vec<&Lane> {
        if self.lanes.is_empty() {
            return Vec::new();
        }
        let mut found = PatternSet::new(self.owners.len());
        let known = match &self.dfa {
            Some((dfa, caches)) => {
                let mut cache = caches.get();
                dfa.try_which_overlapping_matches(&mut cache, &Input::new(content), &mut found).is_ok()
            }
            None => false,
        };
        if !known || self.stand_in.find(content).is_some() {
            return self.lanes.iter().collect();
        }
        let mut due: Vec<usize> = found.iter().filter_map(|p| self.owners.get(p.as_usize()).copied()).collect();
        due.dedup();
        due.iter().filter_map(|i| self.lanes.get(*i)).collect()
    }
}

/// The expression in the words of regex-automata. What it matches is at least what the string matches: `fullword` is left out.
fn pattern(regex: &Regex, nocase: bool) -> String {
    let mut out = String::from("(?");
    if nocase || regex.case_insensitive {
        out.push('i');
    }
    if regex.dot_all {
        out.push('s');
    }
    out.push(':');
    print(&regex.ast, &mut out);
    out.push(')');
    out
}

/// boreal's parser bounds the depth of the tree.
fn print(node: &Node, out: &mut String) {
    match node {
        Node::Alternation(nodes) => {
            out.push_str("(?:");
            for (i, node) in nodes.iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                print(node, out);
            }
            out.push(')');
        }
        Node::Assertion(AssertionKind::StartLine) => out.push('^'),
        Node::Assertion(AssertionKind::EndLine) => out.push('$'),
        Node::Assertion(AssertionKind::WordBoundary) => out.push_str(r"\b"),
        Node::Assertion(AssertionKind::NonWordBoundary) => out.push_str(r"\B"),
        Node::Class(ClassKind::Perl(class)) => perl(class, out),
        Node::Class(ClassKind::Bracketed(class)) => {
            out.push_str(if class.negated { "[^" } else { "[" });
            for item in &class.items {
                match item {
                    BracketedClassItem::Perl(class) => perl(class, out),
                    BracketedClassItem::Literal(literal) => byte(literal.byte, out),
                    BracketedClassItem::Range(from, to) => {
                        byte(from.byte, out);
                        out.push('-');
                        byte(to.byte, out);
                    }
                }
            }
            out.push(']');
        }
        Node::Concat(nodes) => nodes.iter().for_each(|node| print(node, out)),
        Node::Dot => out.push('.'),
        Node::Empty => out.push_str("(?:)"),
        Node::Literal(literal) => byte(literal.byte, out),
        Node::Char(char) => {
            out.push_str("(?:");
            char.c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| byte(b, out));
            out.push(')');
        }
        Node::Group(node) => group(node, out),
        Node::Repetition { node, kind, .. } => {
            group(node, out);
            let _ = match kind {
                RepetitionKind::ZeroOrOne => out.write_char('?'),
                RepetitionKind::ZeroOrMore => out.write_char('*'),
                RepetitionKind::OneOrMore => out.write_char('+'),
                RepetitionKind::Range(RepetitionRange::Exactly(n)) => write!(out, "{{{n}}}"),
                RepetitionKind::Range(RepetitionRange::AtLeast(n)) => write!(out, "{{{n},}}"),
                RepetitionKind::Range(RepetitionRange::Bounded(n, m)) => write!(out, "{{{n},{m}}}"),
            };
        }
    }
}

fn group(node: &Node, out: &mut String) {
    out.push_str("(?:");
    print(node, out);
    out.push(')');
}

fn byte(byte: u8, out: &mut String) {
    let _ = write!(out, "\\x{byte:02x}");
}

fn perl(class: &PerlClass, out: &mut String) {
    out.push_str(match (&class.kind, class.negated) {
        (PerlClassKind::Word, false) => r"\w",
        (PerlClassKind::Word, true) => r"\W",
        (PerlClassKind::Space, false) => r"\s",
        (PerlClassKind::Space, true) => r"\S",
        (PerlClassKind::Digit, false) => r"\d",
        (PerlClassKind::Digit, true) => r"\D",
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Externals, Limits, Loader, NoIncludes, Outcome};

    const RULES: &str = r#"
        import "math"
        rule ip { strings: $ip = /([0-9]{1,3}\.){3}[0-9]{1,3}/ $fixed = "fixed" condition: ($ip or $fixed) and math.entropy(0, filesize) > 0 }
        rule none { strings: $n = /\w{6}\s\W?\w{6}/i fullword condition: not $n and filesize < 1000 }
        rule both { strings: $ = /[\w\-]{3}\S{2}[^a-z]/ $ = /^.\w(a|é)?\S$/s private condition: 1 of them or filesize == 3 }
        rule used { strings: $u = /[x-z\d][0-9]{2}\w/ condition: $u }
        rule uses { condition: used }
        private rule hidden { strings: $h = /[p-z][0-9]{2}\w/ condition: $h }
        rule wide { strings: $w = /[r-z]\d\w{2}/ wide ascii condition: $w }
    "#;

    /// The same rules with and without lanes: a file with an include gets none.
    fn both(text: &str) -> (crate::Rules, crate::Rules) {
        struct Empty;
        impl crate::Includes for Empty {
            fn include(&mut self, _: &str, _: &str, _: bool) -> crate::Include {
                crate::Include::Text("empty".into(), Vec::new())
            }
        }
        let mut apart = Loader::new();
        apart.add("r", "r", text.as_bytes(), &mut NoIncludes);
        let mut plain = Loader::new();
        plain.add("r", "r", format!("include \"empty\"\n{text}").as_bytes(), &mut Empty);
        let (apart, plain) = (apart.finish(Limits::default()), plain.finish(Limits::default()));
        assert_eq!(apart.1.rule_count, plain.1.rule_count);
        (apart.0, plain.0)
    }

    fn sorted(mut outcome: Outcome) -> Outcome {
        outcome.matches.sort_by(|a, b| a.rule.cmp(&b.rule));
        outcome
    }

    #[test]
    fn lanes_say_what_one_scanner_would_say() {
        let (apart, plain) = both(RULES);
        assert!(apart.lane_count() >= 2, "{:?}", apart.sieve().lanes.iter().map(|l| &l.rule).collect::<Vec<_>>());
        assert_eq!(plain.lane_count(), 0);
        let mut contents: Vec<Vec<u8>> = [
            "",
            "abc",
            "1.2.3.4",
            "at 10.20.30.40:5 fixed",
            "1234ABC",
            "1234abcd",
            "ab\u{e9}",
            "xa5",
            "x\u{e9}5",
            "x1 p2 r3",
            "r\x003\x00",
        ]
        .iter()
        .map(|s| s.as_bytes().to_vec())
        .collect();
        contents.push(b"ab\xff and 1234ABC".to_vec());
        contents.push(STAND_IN.to_vec());
        contents.push([&STAND_IN[..], b"1.2.3.4"].concat());
        contents.push(vec![b'1'; 3000]);
        let mut matched = 0;
        for content in &contents {
            let (a, p) = (apart.scan(content, &Externals::default()), plain.scan(content, &Externals::default()));
            matched += a.matches.len();
            assert_eq!(sorted(a), sorted(p), "{:?}", content.escape_ascii().to_string());
        }
        assert!(matched > 15, "{matched}");
    }

    #[test]
    fn lanes_run_when_they_have_to() {
        let (apart, _) = both(RULES);
        let due = |content: &[u8]| apart.sieve().due(content).iter().map(|l| l.rule.clone()).collect::<Vec<_>>();
        assert_eq!(due(b"nothing"), [""; 0]);
        assert_eq!(due(b"1.2.3.4"), ["ip"]);
        assert_eq!(due(&STAND_IN).len(), apart.lane_count());
    }
}
