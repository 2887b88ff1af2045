//! `sekisho`: flags, wiring, exit codes. What it does is one sentence: packets become records, and every
//! answer can be walked back to the packets.

mod anchors;
mod arena;
mod args;
mod audit;
mod coverage;
mod diff;
mod drive;
mod eve;
mod explain;
mod files;
mod flows;
mod gather;
mod given;
mod ground;
mod history;
mod hunt;
mod input;
mod intel;
mod judge;
mod kept;
mod letters;
mod logs;
mod packets;
mod passwords;
mod pool;
mod progress;
mod rules;
mod scan;
mod schema;
mod signatures;
mod spool;
mod store;
mod tape;
mod tree;
mod trial;
mod unpack;

use anyhow::{Error, Result};
use args::{Cli, Verb};
use clap::{CommandFactory, Parser};
use mimalloc::MiMalloc;
use std::io;
use std::process::ExitCode;

/// States of flows, rows and texts are many small blocks that live for different times; under attack it takes less memory than the C
/// library's (ARCHITECTURE.md, "What a packet costs").
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Exit code for a damaged capture; what could be read was written.
const DAMAGED: u8 = 1;

/// Exit code for wrong usage, or input and output that cannot be opened.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        // Whoever closed the pipe (head, less) has what they wanted.
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("sekisho: {}", one_line(&e));
            ExitCode::from(USAGE)
        }
    }
}

/// The exit code.
fn run(cli: Cli) -> Result<u8> {
    let damaged = match cli.verb {
        Verb::Hunt(args) => return hunt::run(&args),
        Verb::Rules(args) => return rules::run(&args),
        Verb::Audit(args) => return audit::run(&args),
        Verb::Diff(args) => return diff::run(&args),
        Verb::Coverage(args) => return coverage::run(&args),
        Verb::Explain(args) => return explain::run(&args),
        Verb::Logs(args) => logs::run(&args),
        Verb::Files(args) => files::run(&args),
        Verb::Packets(args) => packets::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sekisho", &mut script);
            io::Write::write_all(&mut io::stdout(), &script)?;
            Ok(false)
        }
    }?;
    Ok(if damaged { DAMAGED } else { 0 })
}

/// The error and its causes, each said once: some errors quote their cause already.
fn one_line(e: &Error) -> String {
    let mut line = String::new();
    for cause in e.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', " ")
}

fn is_broken_pipe(e: &Error) -> bool {
    e.chain().any(|c| c.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}
