//! `cargo xtask page`: the HTML pages in a real browser.
//!
//! Pages of audits and of comparisons, of examples, of hostile and of very large data, are opened in Chromium (Debian's, installed if we may), with Playwright
//! as the hand on it and axe-core as the eye, both from npm, in `target/page`. `browser.mjs` says what is asked of a page.

use crate::{check, shell};
use anyhow::{Context, Result, bail};
use sekisho_testkit as testkit;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Named by version, so that a new one fails nobody by surprise.
const PACKAGES: &[&str] = &["playwright-core@1.65.1", "axe-core@4.14.1"];

/// Captures whose pages are made, in both languages.
const CAPTURES: &[&str] = &["examples/office.pcapng", "examples/ctf-ftp.pcap"];

/// Whose pages are made in English only.
const GOLDENS: &[&str] = &["goldens/tls/selfsigned.pcap", "goldens/modbus", "goldens/smtp"];

/// Pairs that are compared: before, after.
const PAIRS: &[(&str, &str)] = &[("examples/ctf-ftp.pcap", "examples/office.pcapng"), ("goldens/smtp", "goldens/smtp")];

/// A capture's name that would act on a page that did not escape it, and on a shell that got it unquoted.
const HOSTILE_NAME: &str = "\"><script>ran=1<!img src=x onerror=ran=2>'$(id)`&amp;\u{202e}.pcapng";

/// As a task of its own: with captures, pages of those are judged besides.
pub(crate) fn task(args: &[&str]) -> Result<bool> {
    let (program, args) = match args {
        ["--program", file, rest @ ..] => (Some(PathBuf::from(file)), rest),
        _ => (None, args),
    };
    if let Some(flag) = args.iter().find(|a| a.starts_with('-')) {
        let usage =
            "cargo xtask page [--program FILE] [CAPTURE…]: pages of these captures, besides its own, in Chromium";
        if matches!(*flag, "-h" | "--help") {
            println!("{usage}");
            return Ok(true);
        }
        bail!("{flag}: no such flag; {usage}");
    }
    if let Some(why) = missing()? {
        bail!("page: {why}");
    }
    run(program, args)
}

/// As a step of `check`; the reason if it can't be taken here.
pub(crate) fn check() -> Result<Result<bool, String>> {
    if let Some(why) = missing()? {
        return Ok(Err(why));
    }
    run(None, &[]).map(Ok)
}

fn home() -> PathBuf {
    shell::root().join("target/page")
}

/// What is not to be had here; installs it if we may.
fn missing() -> Result<Option<String>> {
    for (program, package) in [("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")] {
        if !check::has(program, package)? {
            return Ok(Some(format!("no {program}, and no right to install it")));
        }
    }
    // Without its font Chromium shows Japanese as boxes; that spoils the pictures, not what is judged.
    let _ = check::has("fc-list", "fonts-noto-cjk")?;
    let home = home();
    fs::create_dir_all(&home).context("target/page")?;
    let stamp = home.join("node_modules/installed");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == PACKAGES.join(" ")) {
        return Ok(None);
    }
    let npm = ["install", "--silent", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", "."];
    let installed = Command::new("npm").args(npm).args(PACKAGES).current_dir(&home).status().context("npm")?;
    if !installed.success() {
        return Ok(Some(format!("{} not to be had from npm", PACKAGES.join(" and "))));
    }
    fs::write(stamp, PACKAGES.join(" ")).context("target/page")?;
    Ok(None)
}

/// With `program`, or the one of a release build.
fn run(program: Option<PathBuf>, captures: &[&str]) -> Result<bool> {
    let root = shell::root();
    let program = match program {
        Some(program) => fs::canonicalize(&program).with_context(|| program.display().to_string())?,
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "-p", "sekisho"])?;
            root.join("target/release/sekisho")
        }
    };
    let (pages, shots) = (home().join("pages"), home().join("shots"));
    for folder in [&pages, &shots] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).context("target/page")?;
    }
    let both = CAPTURES.iter().chain(captures).map(|c| (c, &["en", "ja"][..]));
    for (capture, langs) in both.chain(GOLDENS.iter().map(|c| (c, &["en"][..]))) {
        let path = root.join(capture);
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        for lang in langs {
            page(&program, &path, lang, &pages.join(format!("{stem}-{lang}.html")))?;
        }
    }
    for (before, after) in PAIRS {
        let stem =
            |path: &str| Path::new(path).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        for lang in ["en", "ja"] {
            let to = pages.join(format!("diff-{}-{}-{lang}.html", stem(before), stem(after)));
            difference(&program, [&root.join(before), &root.join(after)], lang, &to)?;
        }
    }
    // The camera of `sekisho diff`'s tests: a device repaired, a host gone, a host new.
    let camera = [("camera-before.pcap", testkit::camera::before()), ("camera-after.pcap", testkit::camera::after())];
    let camera = camera.map(|(name, frames)| (home().join(name), testkit::pcap(1, &frames)));
    for (path, bytes) in &camera {
        fs::write(path, bytes).context("target/page")?;
    }
    for lang in ["en", "ja"] {
        let to = pages.join(format!("diff-camera-{lang}.html"));
        difference(&program, [&camera[0].0, &camera[1].0], lang, &to)?;
    }
    let hostile = home().join(HOSTILE_NAME);
    fs::copy(root.join(CAPTURES.first().context("captures")?), &hostile).context("target/page")?;
    page(&program, &hostile, "en", &pages.join("hostile-name.html"))?;
    difference(&program, [&hostile, &camera[0].0], "en", &pages.join("diff-hostile-name.html"))?;
    let folder = pages.to_str().context("target is no UTF-8")?;
    shell::run("cargo", &["run", "--quiet", "--locked", "-p", "sekisho-report", "--example", "pages", "--", folder])?;
    let script = root.join("xtask/src/page/browser.mjs");
    // A browser for each processor: pages are independent, and the large ones take a minute each.
    let shares = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let begin = |share: usize| {
        let of = [share.to_string(), shares.to_string()];
        Command::new("node").arg(&script).args([&pages, &shots]).args(of).current_dir(home()).spawn().context("node")
    };
    let begun: Vec<_> = (0..shares).map(begin).collect::<Result<_>>()?;
    let mut good = true;
    for mut judge in begun {
        good &= judge.wait().context("node")?.success();
    }
    Ok(good)
}

/// The page of a comparison.
fn difference(program: &Path, [before, after]: [&Path; 2], lang: &str, to: &Path) -> Result<()> {
    let mut diff = Command::new(program);
    diff.args(["diff", "--quiet", "--lang", lang, "--html"]).arg(to).args([before, after]);
    let status = diff.stdout(std::process::Stdio::null()).status().context("sekisho")?;
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("page: sekisho diff {} {}: {status}", before.display(), after.display());
    }
    Ok(())
}

/// A page of a capture; damaged captures have one, too.
fn page(program: &Path, capture: &Path, lang: &str, to: &Path) -> Result<()> {
    let mut audit = Command::new(program);
    audit.args(["audit", "--quiet", "--lang", lang, "--html"]).arg(to).arg(capture);
    let status = audit.stdout(std::process::Stdio::null()).status().context("sekisho")?;
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("page: sekisho audit {}: {status}", capture.display());
    }
    Ok(())
}
