//! `sekisho explain`: why a judgement exists, how it decides, its thresholds and harmless causes.

use crate::args::Explain;
use anyhow::{Result, bail};
use sekisho_detect::{Entry, manual};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The exit code.
pub fn run(args: &Explain) -> Result<u8> {
    let manual = manual();
    let mut out = String::new();
    if args.ids.is_empty() {
        let widest = manual.entries.iter().map(|e| e.about.id.len()).max().unwrap_or(0);
        for entry in &manual.entries {
            writeln!(out, "{:widest$}  {}", entry.about.id, entry.about.title)?;
        }
    }
    for id in &args.ids {
        let Some(entry) = manual.entry(id) else {
            bail!("{id}: no such judgement; `sekisho explain` lists them");
        };
        page(&mut out, entry)?;
    }
    io::stdout().write_all(out.as_bytes())?;
    Ok(0)
}

fn page(out: &mut String, entry: &Entry) -> Result<()> {
    let about = entry.about;
    if !out.is_empty() {
        out.push('\n');
    }
    writeln!(out, "# {} — {}\n\n{}\n", about.id, about.title, about.means)?;
    let techniques = if about.techniques.is_empty() { "none".to_owned() } else { about.techniques.join(", ") };
    writeln!(out, "ATT&CK: {techniques}; stage: {}\n\n## Reasons", about.stage.name())?;
    for reason in about.reasons {
        writeln!(out, "- `{}/{}`: {}", about.id, reason.code, reason.means)?;
    }
    writeln!(out, "\n{}\n\n## What to look at next", entry.text)?;
    for step in about.next {
        writeln!(out, "- {step}")?;
    }
    writeln!(out, "\n## What makes it go away\n{}", about.clears)?;
    Ok(())
}
