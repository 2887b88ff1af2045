//! `cargo xtask check`: what CI runs, in the order in which failures are cheapest to find.

use crate::fuzz::fuzz;
use crate::{callgrind, dnssec, exports, findings, flood, guard, keys, mutate, page, parquet, shell, tidy};
use anyhow::{Result, bail};
use std::process::Command;
use std::time::Instant;

/// Damaged captures per check; `cargo xtask mutate` runs any number.
const MUTATIONS: &str = "400";

/// Seconds per fuzz target and check.
const FUZZ_SECS: &str = "5";

/// Attacks per check: small ones, with so little memory (MiB) that the caps bite all the same.
const FLOOD: &[&str] = &["--scale", "0.2", "--memory", "128"];

/// Everything, or what concerns one protocol.
pub(crate) fn check(protocol: Option<&str>) -> Result<bool> {
    match protocol {
        Some(name) => check_protocol(name),
        None => check_all(),
    }
}

/// Tells how long each step took, so that whoever waits knows for what.
struct Laps(Instant);

#[expect(clippy::disallowed_methods, reason = "the check's own duration; nothing that is judged depends on it")]
impl Laps {
    fn begin() -> Self {
        Self(Instant::now())
    }

    fn lap(&mut self, step: &str) {
        println!("check: {step}: {} s", self.0.elapsed().as_secs());
        self.0 = Instant::now();
    }
}

fn check_all() -> Result<bool> {
    let mut laps = Laps::begin();
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    if !tidy::tidy()? {
        bail!("tidy found violations");
    }
    laps.lap("fmt, tidy");
    // For the most part one thread's work, in a folder of its own.
    let release = shell::start("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
    shell::run("cargo", &["clippy", "--locked", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    laps.lap("clippy");
    shell::run_with(
        "cargo",
        &["doc", "--locked", "--quiet", "--workspace", "--no-deps", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")],
    )?;
    laps.lap("doc");
    release.end()?;
    laps.lap("rest of the release build");
    tests(&[])?;
    laps.lap("tests");
    let bench =
        ["bench", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml", "--bench", "functions", "--", "--test"];
    shell::run("cargo", &bench)?;
    laps.lap("benches");
    let fuzzing = has("c++", "g++")?;
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    if !fuzzing {
        println!("check: no C++ compiler, which libFuzzer needs, and no right to install one: fuzzing left out");
    } else if !fuzz(&["all", FUZZ_SECS, "--jobs", &at_a_time])? {
        bail!("a fuzz target failed");
    }
    laps.lap("fuzz");
    if !mutate::mutate(&[MUTATIONS])? {
        bail!("a damaged capture was not handled");
    }
    laps.lap("mutate");
    if !flood::flood(FLOOD)? {
        bail!("an attack had an effect");
    }
    laps.lap("flood");
    if !findings::findings(&[])? {
        bail!("the detectors say otherwise than agreed: see above, and `cargo xtask findings --bless`");
    }
    laps.lap("findings");
    let guarded = has("valgrind", "valgrind")?;
    if !guarded {
        println!("check: {}, and no right to install it: guard left out", callgrind::INSTALL);
    } else if !guard::guard(&[])? {
        bail!("the cost of a stage is not what was agreed");
    }
    laps.lap("guard");
    let read_back = parquet::check()?;
    match read_back {
        None => println!("check: no DuckDB and pyarrow to be had from PyPI: parquet-check left out"),
        Some(false) => bail!("Parquet files are not read back as they were written"),
        Some(true) => {}
    }
    laps.lap("parquet");
    let exported = exports::check()?;
    match exported {
        None => println!("check: no readers of STIX and ATT&CK to be had from PyPI: exports left out"),
        Some(false) => bail!("what is written for other tools is not what these read"),
        Some(true) => {}
    }
    laps.lap("exports");
    let pages = page::check()?;
    match &pages {
        Err(why) => println!("check: {why}: page left out"),
        Ok(false) => bail!("an HTML page does in a browser what it must not"),
        Ok(true) => {}
    }
    laps.lap("page");
    let with_keys = keys::check()?;
    match &with_keys {
        Err(why) => println!("check: {why}: keys left out"),
        Ok(false) => bail!("what is read with keys is not what is read in clear"),
        Ok(true) => {}
    }
    laps.lap("keys");
    let with_zones = dnssec::check()?;
    match &with_zones {
        Err(why) => println!("check: {why}: dnssec left out"),
        Ok(false) => bail!("signed answers are not judged as validators judge them"),
        Ok(true) => {}
    }
    laps.lap("dnssec");
    // Every step that fails ends the check before this line.
    println!(
        "check: {} passed, 0 failed",
        10 + usize::from(fuzzing)
            + usize::from(guarded)
            + usize::from(read_back.is_some())
            + usize::from(exported.is_some())
            + usize::from(pages.is_ok())
            + usize::from(with_keys.is_ok())
            + usize::from(with_zones.is_ok())
    );
    Ok(true)
}

fn check_protocol(name: &str) -> Result<bool> {
    if !shell::root().join("crates/proto/src").join(name).is_dir() {
        bail!("no protocol {name} in crates/proto/src");
    }
    if !tidy::tidy()? {
        bail!("tidy found violations");
    }
    tests(&["-p", "sekisho-proto", &format!("{name}::")])?;
    tests(&["-p", "sekisho", "golden"])?;
    tests(&["-p", "sekisho-engine", "--test", "properties"])?;
    fuzz(&[name, "60"])
}

/// Is there a `program`? Installs Debian's `package` if there is none and we may.
pub(crate) fn has(program: &str, package: &str) -> Result<bool> {
    let works = || Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    let may = shell::output("id", &["-u"])?.trim() == "0" && Command::new("apt-get").arg("--version").output().is_ok();
    if !works() && may {
        shell::run("apt-get", &["-qq", "update"])?;
        shell::run_with(
            "apt-get",
            &["-qq", "install", "-y", "--no-install-recommends", package],
            &[("DEBIAN_FRONTEND", "noninteractive")],
        )?;
    }
    Ok(works())
}

/// nextest where it is installed (it runs the test programs side by side), else cargo's own runner.
fn tests(args: &[&str]) -> Result<()> {
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    let mut command = if nextest { vec!["nextest", "run", "--no-fail-fast"] } else { vec!["test", "--no-fail-fast"] };
    command.push("--locked");
    if args.is_empty() {
        command.push("--workspace");
    }
    command.extend(args);
    shell::run("cargo", &command)
}

/// Makes the built captures again.
pub(crate) fn captures() -> Result<bool> {
    shell::run(
        "cargo",
        &["run", "--quiet", "--locked", "-p", "sekisho-testkit", "--bin", "captures", "--", "goldens"],
    )?;
    Ok(true)
}

/// Rewrites the goldens.
pub(crate) fn bless() -> Result<bool> {
    shell::run_with(
        "cargo",
        &["test", "--quiet", "--locked", "-p", "sekisho", "--test", "goldens"],
        &[("SEKISHO_BLESS", "1")],
    )?;
    shell::run("git", &["--no-pager", "diff", "--stat", "--", "goldens", "docs/reference"])?;
    Ok(true)
}
