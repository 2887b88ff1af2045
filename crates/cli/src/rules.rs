//! `sekisho rules`: what becomes of rules, and what they look for.

use crate::args::{Rules, RulesCheck, RulesExplain, RulesVerb, When};
use crate::eve::{Disk, config, read};
use crate::trial;
use anyhow::{Context, Result, bail};
use sekisho_rules::{CompileLimits, Config, Limits, Loaded, Program, Remark, Source, Verdict, explain, load};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Exit code if rules are refused, or not found.
const REFUSED: u8 = 1;

/// Longest rules from standard input.
const INPUT_LEN_MAX: u64 = 256 << 20;

/// Where rules lie that `explain` is not told about.
const DEFAULT_RULES: &str = "/var/lib/suricata/rules/suricata.rules";

/// The exit code.
pub fn run(args: &Rules) -> Result<u8> {
    match &args.verb {
        RulesVerb::Check(args) => check(args),
        RulesVerb::Explain(args) => tell(args),
        RulesVerb::Test(args) => trial::test(args),
        RulesVerb::Profile(args) => trial::profile(args),
    }
}

fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let (name, bytes) = if path == Path::new("-") {
            let mut bytes = Vec::new();
            io::stdin().lock().take(INPUT_LEN_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > INPUT_LEN_MAX {
                bail!("standard input is longer than {} MiB", INPUT_LEN_MAX >> 20);
            }
            ("standard input".to_owned(), bytes)
        } else {
            let name = path.to_string_lossy().into_owned();
            let bytes = read(path).with_context(|| name.clone())?;
            (name, bytes)
        };
        sources.push(Source::of_bytes(name, bytes));
    }
    Ok(sources)
}

/// The configuration, if one is given.
pub fn given(path: Option<&PathBuf>) -> Result<Config> {
    path.map_or_else(|| Ok(Config::default()), |path| config(path))
}

/// Rules made ready, and what became of those that are not among them.
pub fn compiled(files: &[PathBuf], config: &Config) -> Result<(Loaded, Program)> {
    let sources = sources(files)?;
    let mut loaded = load(&sources, config, &mut Disk, &Limits::default());
    let set = std::mem::take(&mut loaded.set);
    let program = Program::compile(set, &CompileLimits::default());
    not_run(&mut loaded, &program, &sources);
    Ok((loaded, program))
}

fn check(args: &RulesCheck) -> Result<u8> {
    let config = given(args.suricata_config.as_ref())?;
    let (loaded, _) = compiled(&args.files, &config)?;
    let text = if args.json { json(&loaded) } else { page(args, &loaded) };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if loaded.report.refused_count > 0 { REFUSED } else { 0 })
}

/// Rules that were read but that the program leaves out.
fn not_run(loaded: &mut Loaded, program: &Program, sources: &[Source]) {
    for refused in program.refused() {
        let (source, line) = loaded.places.get(refused.rule as usize).copied().unwrap_or_default();
        let file = sources.get(source).map_or("", |source| &source.name);
        let Some(rule) = program.rule(refused.rule) else { continue };
        loaded.report.remarks.push(Remark::not_run(rule.sid, &rule.text, file, line, refused.why));
        loaded.report.refused_count += 1;
        loaded.report.loaded_count -= 1;
    }
}

/// How a text stands out on a terminal.
struct Paint(bool);

impl Paint {
    fn new(when: When) -> Self {
        Self(when.colours())
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Remarks, then the counts.
fn page(args: &RulesCheck, loaded: &Loaded) -> String {
    let paint = Paint::new(args.color);
    let mut text = String::new();
    let shown = |remark: &&Remark| match remark.verdict {
        Verdict::Refused => true,
        _ => args.all,
    };
    for remark in loaded.report.remarks.iter().filter(shown) {
        one(&mut text, &paint, remark);
    }
    let report = &loaded.report;
    let rules = |n: usize| if n == 1 { "1 rule".to_owned() } else { format!("{n} rules") };
    let files = if report.file_count == 1 { "1 file".to_owned() } else { format!("{} files", report.file_count) };
    let _ = writeln!(text, "{} in {files}: {} can be used", rules(report.given_count), report.loaded_count);
    let mut line = |n: usize, what: &str| {
        if n > 0 {
            let _ = writeln!(text, "{n:8} {what}");
        }
    };
    line(report.refused_count, "refused");
    line(report.replaced_count, "replaced by a higher revision");
    line(report.unwanted_count, "left out because of what they require");
    for (code, n) in codes(loaded, Verdict::Odd) {
        line(n, meaning(code));
    }
    line(report.untold_count, "more remarks than there is room for");
    let refused = codes(loaded, Verdict::Refused);
    if !refused.is_empty() {
        let list: Vec<_> = refused.iter().map(|(code, n)| format!("{code} {n}")).collect();
        let _ = writeln!(text, "refused by code: {}", list.join(", "));
    }
    text
}

fn one(text: &mut String, paint: &Paint, remark: &Remark) {
    let (colour, word) = match remark.verdict {
        Verdict::Refused => ("1;31", "refused"),
        Verdict::Unwanted => ("1;36", "left out"),
        Verdict::Replaced => ("1;36", "replaced"),
        Verdict::Odd => ("1;33", "odd"),
    };
    let sid = remark.sid.map_or_else(String::new, |sid| format!(" (sid {sid})"));
    let head = paint.with(colour, &format!("{word} {}", remark.code));
    let _ = writeln!(text, "{}:{}:{}: {head}: {}{sid}", remark.file, remark.line, remark.column, remark.text);
    let (before, len) = remark.mark;
    let caret = paint.with(colour, &"^".repeat(len));
    let _ = writeln!(text, "    {}\n    {}{caret}", remark.excerpt, " ".repeat(before));
    let _ = writeln!(text, "    {} {}", paint.with("1", "help:"), remark.help);
}

/// How often each code of a verdict comes.
fn codes(loaded: &Loaded, verdict: Verdict) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for remark in loaded.report.remarks.iter().filter(|remark| remark.verdict == verdict) {
        *counts.entry(remark.code).or_insert(0) += 1;
    }
    counts
}

fn meaning(code: &str) -> &'static str {
    match code {
        "W001" => "without a content that can be searched for ahead (W001; --all shows them)",
        "W002" => "that ask for a flow bit which no rule sets (W002; --all shows them)",
        "W003" => "whose class is not known (W003; --all shows them)",
        _ => "with other remarks (--all shows them)",
    }
}

/// The same as one object.
fn json(loaded: &Loaded) -> String {
    let report = &loaded.report;
    let remarks: Vec<_> = report.remarks.iter().map(remark_json).collect();
    let value = serde_json::json!({
        "files": report.file_count,
        "rules": report.given_count,
        "usable": report.loaded_count,
        "refused": report.refused_count,
        "replaced": report.replaced_count,
        "left_out": report.unwanted_count,
        "untold": report.untold_count,
        "remarks": remarks,
    });
    format!("{value}\n")
}

fn remark_json(remark: &Remark) -> serde_json::Value {
    let verdict = match remark.verdict {
        Verdict::Refused => "refused",
        Verdict::Unwanted => "left_out",
        Verdict::Replaced => "replaced",
        Verdict::Odd => "odd",
    };
    serde_json::json!({
        "verdict": verdict,
        "code": remark.code,
        "file": remark.file,
        "line": remark.line,
        "column": remark.column,
        "sid": remark.sid,
        "text": remark.text,
        "help": remark.help,
        "excerpt": remark.excerpt,
        "mark": [remark.mark.0, remark.mark.1],
    })
}

fn tell(args: &RulesExplain) -> Result<u8> {
    let default = [PathBuf::from(DEFAULT_RULES)];
    let files = if args.files.is_empty() { &default[..] } else { &args.files };
    let sources = sources(files)?;
    let config = given(args.suricata_config.as_ref())?;
    let loaded = load(&sources, &config, &mut Disk, &Limits::default());
    let paint = Paint::new(args.color);
    let mut text = String::new();
    for rule in loaded.set.rules.iter().filter(|rule| rule.sid == args.sid) {
        if !text.is_empty() {
            text.push('\n');
        }
        for (n, line) in explain(rule, &loaded.set).lines().enumerate() {
            let line: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            let _ = writeln!(text, "{}", if n == 0 { paint.with("1", &line) } else { line });
        }
    }
    if text.is_empty() {
        for remark in loaded.report.remarks.iter().filter(|remark| remark.sid == Some(args.sid)) {
            one(&mut text, &paint, remark);
        }
        eprintln!("sekisho: there is no usable rule {}", args.sid);
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(REFUSED);
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(0)
}
