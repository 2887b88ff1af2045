//! `cargo xtask scenes`: the scenes of the specification of judgements, played, audited and held against their truth.

mod audit;
mod judge;
mod options;

use crate::{parallel, shell};
use anyhow::{Context, Result, bail};
use audit::{Page, Program};
use judge::Verdict;
use options::{HELP, Options};
use sekisho_testkit::scenes::{Expected, Packet, Played, Scene, scenes as all_scenes};
use sekisho_testkit::{PcapWriter, Timestamp};
use serde_json::json;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Link type of Ethernet.
const ETHERNET: u32 = 1;

/// Percent of what is expected that has to be found.
const MIN_FOUND: usize = 95;

/// A week in nanoseconds.
const WEEK: i64 = 7 * 86_400_000_000_000;

/// Runs what `args` ask for; false if too little was found, or a host was wrongly flagged.
pub(crate) fn scenes(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(true);
    };
    let chosen = chosen(&options.names)?;
    if options.list {
        chosen.iter().for_each(|s| println!("{:14} {}", s.name, s.what));
        return Ok(true);
    }
    // A folder of its own for each run, so that two don't take each other's captures away.
    let scratch = shell::root().join("target/scenes").join(std::process::id().to_string());
    let folder = options.out.clone().unwrap_or_else(|| scratch.clone());
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    if options.write_only {
        for scene in chosen {
            let played = scene.play(options.seed);
            let path = write(scene, &played, &folder, options.seed)?;
            println!(
                "{}: {} packets, {} findings expected",
                path.display(),
                played.packets.len(),
                played.expected.len()
            );
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
    let result = run(&chosen, path, &options, &folder);
    if options.out.is_none() {
        fs::remove_dir_all(&scratch)?;
    }
    result
}

fn chosen(names: &[String]) -> Result<Vec<&'static Scene>> {
    let all = all_scenes();
    if let Some(name) = names.iter().find(|n| !all.iter().any(|s| s.name == n.as_str())) {
        bail!("no scene {name}; cargo xtask scenes --list");
    }
    Ok(all.into_iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name)).collect())
}

/// Writes capture and truth; the capture's path.
fn write(scene: &Scene, played: &Played, folder: &Path, seed: u64) -> Result<PathBuf> {
    let path = folder.join(format!("{}.pcap", scene.name));
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
        "scene": scene.name,
        "made_by": "cargo xtask scenes",
        "what": scene.what,
        "seed": seed,
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
    packets: usize,
    verdicts: Vec<(Expected, Verdict)>,
    wrong: Vec<String>,
    /// The same within the background, and what is different there.
    merged: Option<(Vec<Verdict>, Vec<String>)>,
}

fn run(chosen: &[&'static Scene], path: PathBuf, options: &Options, folder: &Path) -> Result<bool> {
    let program = Program::new(path)?;
    let background = options.merge.as_deref().map(|path| background(&program, path)).transpose()?;
    println!("{:14} {:>8}  {:44} {:16} found", "scene", "packets", "expected", "of");
    let mut sums = Sums::default();
    let work = |scene: &&'static Scene| trial(&program, scene, options, folder, background.as_ref());
    parallel::each(chosen, work, |scene, outcome| {
        print(scene, &outcome);
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
    scene: &Scene,
    options: &Options,
    folder: &Path,
    background: Option<&Background>,
) -> Result<Outcome> {
    let played = scene.play(options.seed);
    let path = write(scene, &played, folder, options.seed)?;
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
                Verdict::Found if e.by < last => in_time(program, &played, e, &path, &flags)?,
                verdict => verdict,
            },
        };
        verdicts.push((e.clone(), verdict));
    }
    let mut wrong: Vec<String> =
        judge::wrong(&played, &page).iter().map(|f| format!("{} {} of {}", f.severity, f.code, f.subject)).collect();
    wrong.extend(judge::story(&played, &page, |id| program.knows_any(id)));
    let merged = match background {
        Some(b) => Some(merged(program, &played, &page, b, &path, &flags)?),
        None => None,
    };
    if options.out.is_none() {
        fs::remove_file(&path)?;
    }
    Ok(Outcome { packets: played.packets.len(), verdicts, wrong, merged })
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

fn print(scene: &Scene, outcome: &Outcome) {
    let within = |i: usize| match outcome.merged.as_ref().and_then(|m| m.0.get(i)) {
        Some(Verdict::Missing(why)) => format!("; in the office: {why}"),
        _ => String::new(),
    };
    let said = |v: &Verdict| match v {
        Verdict::Found => "ok".to_owned(),
        Verdict::Missing(why) => format!("MISSING, {why}"),
        Verdict::NotBuilt => "not built".to_owned(),
    };
    let mut name = scene.name;
    let mut packets = outcome.packets.to_string();
    for (i, (e, v)) in outcome.verdicts.iter().enumerate() {
        println!("{name:14} {packets:>8}  {:44} {:16} {}{}", e.code, e.host.to_string(), said(v), within(i));
        (name, packets) = ("", String::new());
    }
    if outcome.verdicts.is_empty() {
        let word = if outcome.wrong.is_empty() { "ok" } else { "WRONG" };
        println!("{name:14} {packets:>8}  {:44} {:16} {word}", "nothing", "");
    }
    outcome.wrong.iter().for_each(|w| println!("{:25} wrongly: {w}", ""));
    for change in outcome.merged.iter().flat_map(|m| &m.1) {
        println!("{:25} in the office: {change}", "");
    }
}

/// Over all scenes.
#[derive(Default)]
struct Sums {
    expected: usize,
    found: usize,
    not_built: usize,
    wrong: usize,
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
        self.wrong += outcome.wrong.len();
        if let Some((verdicts, changes)) = &outcome.merged {
            self.merged_found += verdicts.iter().filter(|v| **v == Verdict::Found).count();
            self.changed += changes.len();
        }
    }

    fn tell(&self, merged: bool) -> bool {
        let percent = |found: usize| 100.0 * found as f64 / self.expected.max(1) as f64;
        let enough = |found: usize| found * 100 >= self.expected * MIN_FOUND;
        println!(
            "{} of {} found ({:.1} %), {} wrong things said, {} not built",
            self.found,
            self.expected,
            percent(self.found),
            self.wrong,
            self.not_built
        );
        let mut fine = enough(self.found) && self.wrong == 0;
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
