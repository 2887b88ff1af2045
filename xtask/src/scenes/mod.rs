//! `cargo xtask scenes`: the scenes of the specification of judgements, played or recorded, audited and held against their truth.

mod audit;
mod judge;
mod options;
mod real;

use crate::{parallel, shell};
use anyhow::{Context, Result, bail};
use audit::{Finding, Page, Program};
use judge::Verdict;
use options::{HELP, Options};
use sekisho_testkit::scenes::{Expected, Packet, Played, Scene, scenes as all_scenes};
use sekisho_testkit::{PcapWriter, Timestamp};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Link type of Ethernet.
const ETHERNET: u32 = 1;

/// Percent of what is expected that has to be found.
const MIN_FOUND: usize = 95;

/// A week in nanoseconds.
const WEEK: i64 = 7 * 86_400_000_000_000;

/// A scene as it was played, or recorded.
struct Take {
    name: &'static str,
    what: &'static str,
    /// Of random numbers; none if real programs made it.
    seed: Option<u64>,
    /// What the reader of the truth should know.
    notes: Vec<String>,
    played: Played,
}

impl Take {
    fn of(scene: &Scene, seed: u64) -> Self {
        Self { name: scene.name, what: scene.what, seed: Some(seed), notes: Vec::new(), played: scene.play(seed) }
    }
}

/// Runs what `args` ask for; false if too little was found, or a host was wrongly flagged.
pub(crate) fn scenes(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(true);
    };
    let built = all_scenes();
    if options.list {
        built.iter().for_each(|s| println!("{:16} {}", s.name, s.what));
        real::ALL.iter().for_each(|s| println!("{:16} {} (real)", s.name, s.what));
        return Ok(true);
    }
    // A folder of its own for each run, so that two don't take each other's captures away.
    let scratch = shell::root().join("target/scenes").join(std::process::id().to_string());
    let folder = options.out.clone().unwrap_or_else(|| scratch.clone());
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let result = if options.real {
        real_ones(&chosen(real::ALL.iter().collect(), |s| s.name, &options.names)?, &options, &folder)
    } else {
        let built = chosen(built, |s| s.name, &options.names)?;
        work_on(&built, |scene| Ok(Take::of(scene, options.seed)), &options, &folder)
    };
    if options.out.is_none() {
        fs::remove_dir_all(&scratch)?;
    }
    result
}

/// Records real programs and judges what came of it; a scene that could not be recorded is a failure.
fn real_ones(scenes: &[&'static real::Real], options: &Options, folder: &Path) -> Result<bool> {
    if let Some(why) = real::missing()? {
        println!("scenes --real: skipped: {why}");
        return Ok(true);
    }
    let (mut takes, mut failures) = (Vec::new(), Vec::new());
    for (scene, take) in scenes.iter().zip(real::record(scenes, folder)?) {
        match take {
            Ok(take) => takes.push(Mutex::new(Some(take))),
            Err(e) => failures.push(format!("{:16} not recorded: {e:#}", scene.name)),
        }
    }
    let taken = |take: &Mutex<Option<Take>>| take.lock().ok().and_then(|mut t| t.take()).context("taken twice");
    let fine = work_on(&takes, taken, options, folder)?;
    failures.iter().for_each(|f| println!("{f}"));
    Ok(fine && failures.is_empty())
}

/// Those named, or all.
fn chosen<T: Copy>(all: Vec<T>, name_of: impl Fn(&T) -> &'static str, names: &[String]) -> Result<Vec<T>> {
    if let Some(name) = names.iter().find(|n| !all.iter().any(|s| name_of(s) == n.as_str())) {
        bail!("no scene {name} of this kind; cargo xtask scenes --list");
    }
    Ok(all.into_iter().filter(|s| names.is_empty() || names.iter().any(|n| n == name_of(s))).collect())
}

/// Writes scenes, or judges them.
fn work_on<T: Sync>(
    scenes: &[T],
    take: impl Fn(&T) -> Result<Take> + Sync,
    options: &Options,
    folder: &Path,
) -> Result<bool> {
    if options.write_only {
        for scene in scenes {
            let take = take(scene)?;
            let path = write(&take, folder)?;
            let (packets, expected) = (take.played.packets.len(), take.played.expected.len());
            println!("{}: {packets} packets, {expected} findings expected", path.display());
        }
        return Ok(true);
    }
    let path = match &options.program {
        Some(path) => path.clone(),
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            shell::root().join("target/release/sekisho")
        }
    };
    run(scenes, take, path, options, folder)
}

/// Writes capture and truth; the capture's path.
fn write(take: &Take, folder: &Path) -> Result<PathBuf> {
    let played = &take.played;
    let path = folder.join(format!("{}.pcap", take.name));
    write_packets(&path, &played.packets, 0)?;
    if !played.key_log.is_empty() {
        fs::write(path.with_extension("keys"), &played.key_log)?;
    }
    if !played.holidays.is_empty() {
        fs::write(path.with_extension("holidays"), played.holidays.join("\n") + "\n")?;
    }
    let seconds = |t: Timestamp| t.as_secs_f64();
    let expected = |e: &Expected| {
        let measures: Vec<_> =
            e.measures.iter().map(|(n, v, off)| json!({"name": n, "value": v, "off": off})).collect();
        let (from, by) = (seconds(e.from), seconds(e.by));
        json!({"code": e.code, "host": e.host.to_string(), "from": from, "by": by, "measures": measures})
    };
    let step =
        |(judgement, host): &(&str, sekisho_testkit::Addr)| json!({"judgement": judgement, "host": host.to_string()});
    let truth = json!({
        "scene": take.name,
        "made_by": if take.seed.is_some() { "cargo xtask scenes" } else { "cargo xtask scenes --real" },
        "what": take.what,
        "seed": take.seed,
        "notes": take.notes,
        "packets": played.packets.len(),
        "first": played.packets.first().map(|p| seconds(p.ts)),
        "last": played.packets.last().map(|p| seconds(p.ts)),
        "expected": played.expected.iter().map(expected).collect::<Vec<_>>(),
        "story": played.story.iter().map(step).collect::<Vec<_>>(),
        "involved": played.involved.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    fs::write(path.with_extension("json"), serde_json::to_string_pretty(&truth)? + "\n")?;
    Ok(path)
}

fn write_packets(path: &Path, packets: &[Packet], moved: i64) -> Result<()> {
    let file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    let mut out = PcapWriter::new(file, ETHERNET)?;
    for p in packets {
        out.frame(Timestamp(p.ts.0 + moved), &p.bytes, p.len)?;
    }
    Ok(out.finish()?)
}

/// The background that scenes are merged into.
struct Background {
    path: PathBuf,
    first: Timestamp,
    page: Page,
}

/// What came of one scene.
struct Outcome {
    name: &'static str,
    packets: usize,
    verdicts: Vec<(Expected, Verdict)>,
    /// Findings about hosts that have nothing to do with it.
    wrong: Vec<Finding>,
    /// What is wrong with the story.
    story: Vec<String>,
    /// The same within the background, and what is different there.
    merged: Option<(Vec<Verdict>, Vec<String>)>,
}

fn run<T: Sync>(
    scenes: &[T],
    take: impl Fn(&T) -> Result<Take> + Sync,
    path: PathBuf,
    options: &Options,
    folder: &Path,
) -> Result<bool> {
    let program = Program::new(path)?;
    let background = options.merge.as_deref().map(|path| background(&program, path)).transpose()?;
    println!("{:16} {:>8}  {:44} {:16} found", "scene", "packets", "expected", "of");
    let mut sums = Sums::default();
    let work = |scene: &T| trial(&program, &take(scene)?, options, folder, background.as_ref());
    parallel::each(scenes, work, |_, outcome| {
        print(&outcome);
        sums.add(&outcome);
        Ok(())
    })?;
    Ok(sums.tell(background.is_some()))
}

fn background(program: &Program, path: &Path) -> Result<Background> {
    let (page, _) = program.audit(&[path], &[])?;
    let first = page.capture.first().with_context(|| format!("{}: no packets", path.display()))?;
    Ok(Background { path: path.to_owned(), first, page })
}

fn trial(
    program: &Program,
    take: &Take,
    options: &Options,
    folder: &Path,
    background: Option<&Background>,
) -> Result<Outcome> {
    let played = &take.played;
    let path = write(take, folder)?;
    let mut flags = Vec::new();
    for (there, flag, ending) in
        [(!played.key_log.is_empty(), "--keylog", "keys"), (!played.holidays.is_empty(), "--holidays", "holidays")]
    {
        if there {
            flags.extend([flag.to_owned(), path.with_extension(ending).display().to_string()]);
        }
    }
    let (page, bytes) = program.audit(&[&path], &flags)?;
    if options.out.is_some() {
        fs::write(path.with_extension("found.json"), bytes)?;
    }
    let last = played.packets.last().map_or(Timestamp(0), |p| p.ts);
    let mut verdicts = Vec::new();
    for e in &played.expected {
        let verdict = match program.knows(e.code) {
            false => Verdict::NotBuilt,
            true => match judge::search(e, &page.findings, 0) {
                Verdict::Found if e.by < last => in_time(program, played, e, &path, &flags)?,
                verdict => verdict,
            },
        };
        verdicts.push((e.clone(), verdict));
    }
    let wrong = judge::wrong(played, &page).into_iter().cloned().collect();
    let story = judge::story(played, &page, |id| program.knows_any(id));
    let merged = match background {
        Some(b) => Some(merged(program, played, &page, b, &path, &flags)?),
        None => None,
    };
    if options.out.is_none() {
        fs::remove_file(&path)?;
    }
    Ok(Outcome { name: take.name, packets: played.packets.len(), verdicts, wrong, story, merged })
}

/// Is it found in the capture up to the stated time?
fn in_time(program: &Program, played: &Played, e: &Expected, path: &Path, flags: &[String]) -> Result<Verdict> {
    let cut = path.with_extension(format!("{}.cut.pcap", e.code.replace('/', "-")));
    let end = played.packets.partition_point(|p| p.ts <= e.by);
    write_packets(&cut, &played.packets[..end], 0)?;
    let (page, _) = program.audit(&[&cut], flags)?;
    fs::remove_file(&cut)?;
    // Values are those of the whole.
    let early = Expected { measures: Vec::new(), ..e.clone() };
    Ok(match judge::search(&early, &page.findings, 0) {
        Verdict::Missing(why) => Verdict::Missing(format!("not by then: {why}")),
        verdict => verdict,
    })
}

/// The scene moved onto the background: what was found, and what is different.
fn merged(
    program: &Program,
    played: &Played,
    alone: &Page,
    background: &Background,
    path: &Path,
    flags: &[String],
) -> Result<(Vec<Verdict>, Vec<String>)> {
    let begin = played.packets.first().map_or(background.first, |p| p.ts);
    let moved = background.first.0 - begin.0;
    // Hours and days of the week stay what they are.
    let moved = if played.by_calendar { moved.div_euclid(WEEK) * WEEK } else { moved };
    let moved_path = path.with_extension("moved.pcap");
    write_packets(&moved_path, &played.packets, moved)?;
    let (page, _) = program.audit(&[&moved_path, &background.path], flags)?;
    fs::remove_file(&moved_path)?;
    let verdicts = played.expected.iter().map(|e| match program.knows(e.code) {
        true => judge::search(&Expected { measures: Vec::new(), ..e.clone() }, &page.findings, moved),
        false => Verdict::NotBuilt,
    });
    let mut changes = judge::changes(alone, &background.page, &page);
    changes.extend(judge::story(played, &page, |id| program.knows_any(id)));
    Ok((verdicts.collect(), changes))
}

fn print(outcome: &Outcome) {
    let within = |i: usize| match outcome.merged.as_ref().and_then(|m| m.0.get(i)) {
        Some(Verdict::Missing(why)) => format!("; in the office: {why}"),
        _ => String::new(),
    };
    let said = |v: &Verdict| match v {
        Verdict::Found => "ok".to_owned(),
        Verdict::Missing(why) => format!("MISSING, {why}"),
        Verdict::NotBuilt => "not built".to_owned(),
    };
    let mut name = outcome.name;
    let mut packets = outcome.packets.to_string();
    for (i, (e, v)) in outcome.verdicts.iter().enumerate() {
        println!("{name:16} {packets:>8}  {:44} {:16} {}{}", e.code, e.host.to_string(), said(v), within(i));
        (name, packets) = ("", String::new());
    }
    if outcome.verdicts.is_empty() {
        let word = if outcome.wrong.is_empty() && outcome.story.is_empty() { "ok" } else { "WRONG" };
        println!("{name:16} {packets:>8}  {:44} {:16} {word}", "nothing", "");
    }
    for f in &outcome.wrong {
        println!("{:27} wrongly: {} {} of {}", "", f.severity, f.code, f.subject);
    }
    outcome.story.iter().for_each(|w| println!("{:27} wrongly: {w}", ""));
    for change in outcome.merged.iter().flat_map(|m| &m.1) {
        println!("{:27} in the office: {change}", "");
    }
}

/// Over all scenes.
#[derive(Default)]
struct Sums {
    expected: usize,
    found: usize,
    not_built: usize,
    /// Hosts that something was wrongly said of, and faults of stories.
    wrong_hosts: usize,
    stories: usize,
    merged_found: usize,
    changed: usize,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        for (_, verdict) in &outcome.verdicts {
            match verdict {
                Verdict::NotBuilt => self.not_built += 1,
                Verdict::Found => (self.expected, self.found) = (self.expected + 1, self.found + 1),
                Verdict::Missing(_) => self.expected += 1,
            }
        }
        self.wrong_hosts += outcome.wrong.iter().map(|f| &f.subject).collect::<BTreeSet<_>>().len();
        self.stories += outcome.story.len();
        if let Some((verdicts, changes)) = &outcome.merged {
            self.merged_found += verdicts.iter().filter(|v| **v == Verdict::Found).count();
            self.changed += changes.len();
        }
    }

    fn tell(&self, merged: bool) -> bool {
        let percent = |found: usize| 100.0 * found as f64 / self.expected.max(1) as f64;
        let enough = |found: usize| found * 100 >= self.expected * MIN_FOUND;
        print!(
            "{} expectations, {} found ({:.1} %), {} wrongly flagged hosts",
            self.expected,
            self.found,
            percent(self.found),
            self.wrong_hosts
        );
        for (n, what) in [(self.stories, "faults of stories"), (self.not_built, "not built")] {
            if n > 0 {
                print!(", {n} {what}");
            }
        }
        println!();
        let mut fine = enough(self.found) && self.wrong_hosts + self.stories == 0;
        if merged {
            println!(
                "in the office: {} of {} found ({:.1} %), {} findings changed",
                self.merged_found,
                self.expected,
                percent(self.merged_found),
                self.changed
            );
            fine &= enough(self.merged_found) && self.changed == 0;
        }
        fine
    }
}
