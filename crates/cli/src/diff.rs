//! `sekisho diff`: two captures, or their audits, compared.

use crate::args::{Common, Diff};
use crate::audit::{lang, page, page_width, write};
use crate::{DAMAGED, USAGE};
use anyhow::{Context, Result, anyhow, bail};
use sekisho_report::compare::{Snapshot, compare};
use sekisho_report::{comparison_to_json, render_comparison, render_comparison_html};
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;

/// Exit code for a change, with `--exit-code`; 1 to 3 have their meanings with other verbs.
const CHANGED: u8 = 4;

/// Longest audit that is read. One of a thousand devices takes some 10 MB.
const MAX_AUDIT_LEN: u64 = 256 << 20;

/// The exit code.
pub fn run(args: &Diff) -> Result<u8> {
    let [before, after] = &args.common.captures[..] else {
        eprintln!(
            "sekisho: diff takes two: BEFORE and AFTER, each a capture, a folder, a quoted glob or an audit's JSON"
        );
        return Ok(USAGE);
    };
    if before == "-" && after == "-" {
        bail!("only one of BEFORE and AFTER can be standard input");
    }
    let to_stdout = |path: &Option<PathBuf>| path.as_ref().is_some_and(|p| p.as_os_str() == "-");
    if to_stdout(&args.json) && to_stdout(&args.html) {
        bail!("diff: --json - and --html - cannot both have standard output");
    }
    let mut damaged = false;
    let mut read = |side: &String| snapshot(args, side, &mut damaged);
    let (before, after) = (read(before)?, read(after)?);
    if let Some(who) = &args.host
        && !before.has(who)
        && !after.has(who)
    {
        bail!("--host {who}: neither side has a device of that address, hardware address or name");
    }
    let comparison = compare(&before, &after, args.host.as_deref());
    if let Some(path) = &args.json {
        write(path, &(comparison_to_json(&comparison) + "\n"))?;
    }
    if let Some(path) = &args.html {
        write(path, &render_comparison_html(&comparison, lang(args.lang)))?;
    }
    if !to_stdout(&args.json) && !to_stdout(&args.html) {
        io::stdout().write_all(render_comparison(&comparison, page_width(), args.color.colours()).as_bytes())?;
    }
    Ok(match (damaged, args.exit_code && comparison.changed) {
        (true, _) => DAMAGED,
        (false, true) => CHANGED,
        (false, false) => 0,
    })
}

/// One side, read.
fn snapshot(args: &Diff, side: &String, damaged: &mut bool) -> Result<Snapshot> {
    if let Some(text) = audit_of(side).with_context(|| side.clone())? {
        let snapshot = Snapshot::from_json(&text).map_err(|e| anyhow!("{side}: {e}"))?;
        if !args.common.quiet && args.judging.is_any() {
            eprintln!(
                "sekisho: {side}: an audit's JSON; its findings are those of that audit, whatever flags say here"
            );
        }
        return Ok(snapshot.named(side));
    }
    let common = Common { captures: vec![side.clone()], ..args.common.clone() };
    let (page, broken) = page(&common, &args.judging)?;
    *damaged |= broken;
    Snapshot::of(&page).with_context(|| side.clone())
}

/// The text of an audit's JSON; `None` for what is none by its first bytes: no capture begins as JSON does.
fn audit_of(side: &str) -> Result<Option<String>> {
    if side == "-" {
        // Looked at, not taken: a capture is read from the same buffer.
        let mut input = io::stdin().lock();
        return if is_json(input.fill_buf()?) { text_of(&mut input).map(Some) } else { Ok(None) };
    }
    // What cannot be opened is for the captures' reader to say; a folder, a pattern or a pipe is no audit.
    if !fs::metadata(side).is_ok_and(|m| m.is_file()) {
        return Ok(None);
    }
    let mut file = fs::File::open(side)?;
    let mut head = [0; 64];
    let len = file.read(&mut head)?;
    let head = head.get(..len).unwrap_or(&[]);
    if !is_json(head) {
        return Ok(None);
    }
    text_of(&mut head.chain(file)).map(Some)
}

/// Does it begin as an object does, perhaps after blanks and a byte order mark?
fn is_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

fn text_of(input: &mut impl Read) -> Result<String> {
    let mut text = String::new();
    input.take(MAX_AUDIT_LEN + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_AUDIT_LEN {
        bail!("longer than {} MiB: no audit", MAX_AUDIT_LEN >> 20);
    }
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
