//! Rule files in, compiled rules out; what can't be used is told, the rest is used.

use crate::scan::{EXTERNALS, Limits, Rules};
use crate::sieve::{LANE_COUNT_MAX, Lane};
use crate::source::{Statement, What, names_rule, statements};
use boreal::Compiler;
use boreal::compiler::{CompilerBuilder, CompilerParams};
use boreal::module::Console;
use std::fmt;

/// Rules at most; those beyond are refused.
pub const RULE_COUNT_MAX: u64 = 1_000_000;

/// Files included within one another at most.
pub const INCLUDE_DEPTH_MAX: u32 = 16;

/// Files included by one file at most, directly or not.
pub const INCLUDE_COUNT_MAX: u32 = 4_096;

/// Problems kept; those beyond are only counted.
pub const PROBLEM_COUNT_MAX: usize = 10_000;

/// Strings of one rule at most. boreal's own limit is 10,000; lists of domains made into rules have more.
const RULE_STRING_COUNT_MAX: usize = 100_000;

/// What came of an `include`.
pub enum Include {
    /// Its rules are given anyway: nothing to do.
    Given,
    /// The file's name, for messages, and its text.
    Text(String, Vec<u8>),
    /// Why it can't be had.
    Refused(String),
}

/// Resolves `include`, which only the caller can.
pub trait Includes {
    /// What `path`, as written in the file called `from`, stands for. `index`: that file has no rules of its own.
    fn include(&mut self, from: &str, path: &str, index: bool) -> Include;
}

/// Includes are refused.
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn include(&mut self, _from: &str, _path: &str, _index: bool) -> Include {
        Include::Refused("includes are not followed here".into())
    }
}

/// What a problem costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The rule or statement isn't used.
    Refused,
    /// The rule is used, and makes every scan slower.
    Slow,
}

/// Something the user should know about a rule file. Its display is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, by the name it was given under.
    pub file: String,
    /// Line from 1; 0 if it is about the whole file.
    pub line: u32,
    /// The rule, if it is about one.
    pub rule: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What it costs.
    pub severity: Severity,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// What became of the rules that were given.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Files given, included ones not counted.
    pub file_count: u64,
    /// Rules that are used.
    pub rule_count: u64,
    /// Rules that were given.
    pub given_count: u64,
    /// What was refused, and what is slow: the first [`PROBLEM_COUNT_MAX`].
    pub problems: Vec<Problem>,
    /// Problems in all.
    pub problem_count: u64,
}

/// Compiles rules, file by file.
pub struct Loader {
    compiler: Compiler,
    loaded: Loaded,
    string_count: u64,
    lanes: Vec<Lane>,
}

impl Default for Loader {
    fn default() -> Self {
        Self::new()
    }
}

impl Loader {
    /// No rules yet.
    pub fn new() -> Self {
        Self { compiler: compiler(), loaded: Loaded::default(), string_count: 0, lanes: Vec::new() }
    }

    /// The rules of a file. `name` is for messages; rules of different namespaces may have equal names.
    pub fn add(&mut self, name: &str, namespace: &str, text: &[u8], includes: &mut dyn Includes) {
        self.loaded.file_count += 1;
        let mut left = INCLUDE_COUNT_MAX;
        self.file(name, namespace, text, includes, 0, &mut left);
    }

    fn file(&mut self, name: &str, space: &str, text: &[u8], includes: &mut dyn Includes, depth: u32, left: &mut u32) {
        let all = statements(text);
        let index = !all.iter().any(|s| s.what == What::Rule);
        // What other rules of the namespace may depend on has to stay with them.
        let whole = depth == 0 && !all.iter().any(|s| s.what == What::Include || s.is_global());
        let mut imports = Vec::new();
        for statement in &all {
            match statement.what {
                What::Import => match self.compiler.add_rules_str_in_namespace(statement.utf8(), space) {
                    Ok(_) => imports.push(statement.utf8().into_owned()),
                    Err(e) => self.refuse(name, statement, &e.to_string()),
                },
                What::Include => self.include(name, space, statement, includes, (index, depth), left),
                What::Rule => {
                    let free = || {
                        !all.iter()
                            .any(|other| other.text != statement.text && names_rule(other.text, statement.name()))
                    };
                    let lane = if whole && self.lanes.len() < LANE_COUNT_MAX {
                        Lane::new(compiler(), &imports, space, statement).filter(|_| free())
                    } else {
                        None
                    };
                    self.rule(name, space, statement, lane);
                }
                What::Stray => self.refuse(name, statement, "no rule begins here"),
            }
        }
    }

    fn include(
        &mut self,
        name: &str,
        space: &str,
        statement: &Statement<'_>,
        includes: &mut dyn Includes,
        (index, depth): (bool, u32),
        left: &mut u32,
    ) {
        let path = String::from_utf8_lossy(statement.name()).into_owned();
        if depth >= INCLUDE_DEPTH_MAX || *left == 0 {
            return self.refuse(name, statement, "too many includes");
        }
        *left -= 1;
        match includes.include(name, &path, index) {
            Include::Given => {}
            Include::Text(inner, text) => self.file(&inner, space, &text, includes, depth + 1, left),
            Include::Refused(why) => self.refuse(name, statement, &format!("include {path:?}: {why}")),
        }
    }

    fn rule(&mut self, name: &str, space: &str, statement: &Statement<'_>, lane: Option<Lane>) {
        self.loaded.given_count += 1;
        if self.loaded.rule_count >= RULE_COUNT_MAX {
            return self.refuse(name, statement, "too many rules");
        }
        if let Some(lane) = lane
            && self.compiler.add_rules_str_in_namespace(&lane.rest, space).is_ok()
        {
            self.loaded.rule_count += 1;
            self.string_count += lane.string_count;
            self.slow(name, statement, &lane.slow);
            return self.lanes.push(lane);
        }
        match self.compiler.add_rules_str_in_namespace(statement.utf8(), space) {
            Err(e) => self.refuse(name, statement, &e.to_string()),
            Ok(status) => {
                self.loaded.rule_count += 1;
                let mut slow = Vec::new();
                for rule in status.statistics() {
                    self.string_count += rule.strings.len() as u64;
                    slow.extend(rule.strings.iter().filter(|s| s.literals.is_empty()).map(|s| format!("${}", s.name)));
                }
                if !slow.is_empty() {
                    self.slow(name, statement, &slow);
                }
            }
        }
    }

    fn slow(&mut self, name: &str, statement: &Statement<'_>, strings: &[String]) {
        let what = format!("slow: nothing fixed to look for in {}", strings.join(" "));
        self.problem(name, statement, statement.line, what, Severity::Slow);
    }

    /// `told` is what boreal says: `mem:LINE:COLUMN: error: WHAT`, counted from the statement's first line.
    fn refuse(&mut self, name: &str, statement: &Statement<'_>, told: &str) {
        let mut parts = told.splitn(4, ':');
        let (line, what) =
            match (parts.next(), parts.next().and_then(|n| n.parse::<u32>().ok()), parts.next(), parts.next()) {
                (Some("mem"), Some(line), Some(_), Some(what)) => (line.saturating_sub(1), what),
                _ => (0, told),
            };
        let what = what.lines().next().unwrap_or_default().trim();
        let what = what.strip_prefix("error: ").unwrap_or(what).to_owned();
        self.problem(name, statement, statement.line.saturating_add(line), what, Severity::Refused);
    }

    fn problem(&mut self, name: &str, statement: &Statement<'_>, line: u32, what: String, severity: Severity) {
        self.loaded.problem_count += 1;
        if self.loaded.problems.len() < PROBLEM_COUNT_MAX {
            let rule = (statement.what == What::Rule).then(|| statement.name().escape_ascii().to_string());
            self.loaded.problems.push(Problem { file: name.to_owned(), line, rule, what, severity });
        }
    }

    /// The rules, ready to scan within `limits`, and what became of those that were given.
    pub fn finish(self, limits: Limits) -> (Rules, Loaded) {
        (Rules::new(self.compiler.finalize(), self.lanes, self.string_count, limits), self.loaded)
    }
}

fn compiler() -> Compiler {
    // What a rule says to the console is nobody's business here.
    let mut compiler = CompilerBuilder::new().add_module(Console::with_callback(|_| {})).build();
    compiler.set_params(
        CompilerParams::default()
            .disable_includes(true)
            .disable_unknown_escape_warning(true)
            .max_strings_per_rule(RULE_STRING_COUNT_MAX)
            .compute_statistics(true),
    );
    for name in EXTERNALS {
        compiler.define_symbol(name, "");
    }
    compiler
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder;

    impl Includes for Folder {
        fn include(&mut self, from: &str, path: &str, index: bool) -> Include {
            match path {
                "common.yar" => {
                    Include::Text("common.yar".into(), b"\nprivate rule common { condition: filesize > 2 }".to_vec())
                }
                "loop.yar" => Include::Text("loop.yar".into(), b"include \"loop.yar\"".to_vec()),
                "given.yar" if index => Include::Given,
                _ => Include::Refused(format!("no such file (from {from})")),
            }
        }
    }

    fn load(text: &str) -> (Rules, Loaded) {
        let mut loader = Loader::new();
        loader.add("x.yar", "x", text.as_bytes(), &mut Folder);
        loader.finish(Limits::default())
    }

    fn problems(text: &str) -> Vec<String> {
        load(text).1.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_bad_rule_costs_itself() {
        let text = "rule a { condition: true }\nrule b {\n strings: $a = \"x\"\n condition: $b\n}\nrule c { condition: b }\nrule d { condition: a }\n";
        let (_, loaded) = load(text);
        assert_eq!((loaded.rule_count, loaded.given_count, loaded.file_count), (2, 4, 1));
        let told = problems(text);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("x.yar:4: rule b: ") && told[0].contains("$b"), "{told:?}");
        assert!(told[1].starts_with("x.yar:6: rule c: ") && told[1].contains("\"b\""), "{told:?}");
        assert!(told.iter().all(|t| !t.contains('\n')));
    }

    #[test]
    fn rejects_what_is_no_rule() {
        let told = problems("rule a { condition: true }\n<html>\nrule a { condition: false }\nimport \"nomodule\"\n");
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("x.yar:2: no rule begins here"));
        assert!(told[1].starts_with("x.yar:3: rule a: ") && told[1].contains("already"), "{told:?}");
        assert!(told[2].starts_with("x.yar:4: ") && told[2].contains("nomodule"));
    }

    #[test]
    fn includes_are_the_callers() {
        let (rules, loaded) = load("include \"common.yar\"\nrule a { condition: common }");
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        assert_eq!(rules.scan(b"abc", &crate::Externals::default()).matches.len(), 1);
        assert_eq!(problems("include \"given.yar\""), [""; 0]);
        assert_eq!(problems("include \"given.yar\" rule a { condition: true }").len(), 1);
        assert_eq!(problems("\ninclude \"nope.yar\""), ["x.yar:2: include \"nope.yar\": no such file (from x.yar)"]);
        assert_eq!(problems("include \"loop.yar\""), ["loop.yar:1: too many includes"]);
        let mut loader = Loader::new();
        loader.add("y", "y", b"include \"common.yar\"", &mut NoIncludes);
        assert_eq!(loader.finish(Limits::default()).1.problem_count, 1);
    }

    #[test]
    fn equal_names_live_in_different_namespaces() {
        let mut loader = Loader::new();
        for space in ["a", "b"] {
            loader.add(space, space, b"rule same { condition: true }", &mut NoIncludes);
        }
        let (rules, loaded) = loader.finish(Limits::default());
        assert_eq!((loaded.rule_count, loaded.problem_count), (2, 0));
        let found = rules.scan(b"", &crate::Externals::default());
        let spaces: Vec<_> = found.matches.iter().map(|m| m.namespace.as_str()).collect();
        assert_eq!(spaces, ["a", "b"]);
    }

    #[test]
    fn strings_without_anything_fixed_are_told() {
        let text = "rule ip { strings: $ip = /([0-9]{1,3}\\.){3}[0-9]{1,3}/ $ok = \"fixed\" condition: any of them }";
        let (_, loaded) = load(text);
        assert_eq!(loaded.rule_count, 1);
        assert_eq!(loaded.problems[0].severity, Severity::Slow);
        assert!(loaded.problems[0].what.ends_with(" $ip"), "{}", loaded.problems[0]);
    }
}
