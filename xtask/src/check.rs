//! `cargo xtask check`: what CI runs, in the order in which failures are cheapest to find.

use crate::{callgrind, flood, guard, mutate, parquet, shell, tidy};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Damaged captures per check; `cargo xtask mutate` runs any number.
const MUTATIONS: &str = "400";

/// Seconds per fuzz target and check.
const FUZZ_SECS: &str = "5";

/// Attacks per check: small ones, with so little memory (MiB) that the caps bite all the same.
const FLOOD: &[&str] = &["--scale", "0.2", "--memory", "128"];

/// Instrumentation that libFuzzer needs; stable flags, so that no nightly toolchain is asked for.
const FUZZ_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Everything, or what concerns one protocol.
pub(crate) fn check(protocol: Option<&str>) -> Result<bool> {
    match protocol {
        Some(name) => check_protocol(name),
        None => check_all(),
    }
}

fn check_all() -> Result<bool> {
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    if !tidy::tidy()? {
        bail!("tidy found violations");
    }
    shell::run("cargo", &["clippy", "--locked", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    shell::run_with(
        "cargo",
        &["doc", "--locked", "--quiet", "--workspace", "--no-deps", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")],
    )?;
    shell::run("cargo", &["build", "--release", "--locked", "-p", "sekisho"])?;
    tests(&[])?;
    let bench =
        ["bench", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml", "--bench", "functions", "--", "--test"];
    shell::run("cargo", &bench)?;
    let fuzzing = has("c++", "g++")?;
    if !fuzzing {
        println!("check: no C++ compiler, which libFuzzer needs, and no right to install one: fuzzing left out");
    } else if !fuzz(&["all", FUZZ_SECS])? {
        bail!("a fuzz target failed");
    }
    if !mutate::mutate(&[MUTATIONS])? {
        bail!("a damaged capture was not handled");
    }
    if !flood::flood(FLOOD)? {
        bail!("an attack had an effect");
    }
    let guarded = has("valgrind", "valgrind")?;
    if !guarded {
        println!("check: {}, and no right to install it: guard left out", callgrind::INSTALL);
    } else if !guard::guard(&[])? {
        bail!("the cost of a stage is not what was agreed");
    }
    let read_back = parquet::check()?;
    match read_back {
        None => println!("check: no DuckDB and pyarrow to be had from PyPI: parquet-check left out"),
        Some(false) => bail!("Parquet files are not read back as they were written"),
        Some(true) => {}
    }
    // Every step that fails ends the check before this line.
    println!(
        "check: {} passed, 0 failed",
        9 + usize::from(fuzzing) + usize::from(guarded) + usize::from(read_back.is_some())
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

/// `fuzz [TARGET|all] [SECS]`.
pub(crate) fn fuzz(args: &[&str]) -> Result<bool> {
    let (wanted, secs) = match *args {
        [] => ("all", "10"),
        [t] => (t, "10"),
        [t, s] => (t, s),
        _ => bail!("usage: cargo xtask fuzz [TARGET] [SECS]"),
    };
    let _: u32 = secs.parse().context("SECS")?;
    let root = shell::root();
    let targets = fuzz_targets()?;
    if wanted != "all" && !targets.iter().any(|t| t == wanted) {
        bail!("no fuzz target {wanted}; there are: {}", targets.join(" "));
    }
    let manifest = root.join("fuzz/Cargo.toml");
    let host = host()?;
    // With a target named, the flags leave build scripts and macros alone, which have no libFuzzer to link to.
    shell::run_with(
        "cargo",
        &[
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--target",
            &host,
            "--manifest-path",
            &manifest.to_string_lossy(),
        ],
        &[("RUSTFLAGS", FUZZ_FLAGS)],
    )?;
    let programs = root.join("fuzz/target").join(host).join("release");
    let seeds = root.join("fuzz/target/seeds");
    seed_corpus(&seeds)?;
    let mut failed = Vec::new();
    for target in targets.iter().filter(|t| wanted == "all" || *t == wanted) {
        let corpus = root.join("fuzz/corpus").join(target);
        let artifacts = root.join("fuzz/artifacts").join(target);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&artifacts)?;
        let out = Command::new(programs.join(target))
            .args([&corpus, &seeds])
            .arg(format!("-max_total_time={secs}"))
            .args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .output()
            .with_context(|| target.clone())?;
        let log = String::from_utf8_lossy(&out.stderr).into_owned();
        let runs = log
            .lines()
            .find_map(|l| l.strip_prefix("stat::number_of_executed_units:"))
            .unwrap_or("?")
            .trim()
            .to_owned();
        println!("fuzz {target}: {runs} runs, {}", if out.status.success() { "ok" } else { "FAILED" });
        if !out.status.success() {
            eprintln!("{log}");
            failed.push(target.clone());
        }
    }
    let run = if wanted == "all" { targets.len() } else { 1 };
    println!("fuzz: {run} targets, {} failed", failed.len());
    Ok(failed.is_empty())
}

/// The machine's target triple.
fn host() -> Result<String> {
    let about = shell::output("rustc", &["-vV"])?;
    let host = about.lines().find_map(|l| l.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn fuzz_targets() -> Result<Vec<String>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(shell::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rs") {
            out.extend(path.file_stem().map(|s| s.to_string_lossy().into_owned()));
        }
    }
    out.sort();
    Ok(out)
}

/// Copies the project's captures up to 64 KiB, with which every corpus starts.
fn seed_corpus(folder: &PathBuf) -> Result<()> {
    fs::create_dir_all(folder)?;
    let listed = shell::output("git", &["ls-files", "-co", "--exclude-standard", "goldens", "examples"])?;
    for name in listed.lines().filter(|l| l.ends_with(".pcap") || l.ends_with(".pcapng")) {
        let bytes = fs::read(shell::root().join(name))?;
        if bytes.len() <= 65536 {
            fs::write(folder.join(name.replace('/', "_")), bytes)?;
        }
    }
    Ok(())
}
