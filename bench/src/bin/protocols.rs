//! Every protocol's parser on the payload of its goldens. `count [NAME…]` is for `cargo xtask bench --protocols`, which
//! counts the instructions of `replay_rounds`: twice, the second time with streams byte by byte. `time [NAME…]` is for
//! the clock; `seeds FOLDER` writes what the fuzz targets begin with.

use sekisho_bench::protocols::{ProtocolCase, Script, cases, frames_seed, replay_rounds};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Payload that is gone through while instructions are counted, at least.
const COUNTED_LEN: u64 = 1 << 16;

/// How long each is timed.
const TIMED: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |names: &[String], case: &ProtocolCase| names.is_empty() || names.contains(&case.name);
    match args.split_first() {
        Some((word, names)) if word == "count" => cases().filter(|c| wanted(names, c)).for_each(count),
        Some((word, names)) if word == "time" => cases().filter(|c| wanted(names, c)).for_each(|c| time(&c)),
        Some((word, [folder])) if word == "seeds" => {
            if let Err(e) = seeds(Path::new(folder)) {
                eprintln!("protocols: {folder}: {e}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("usage: protocols count [NAME…] | time [NAME…] | seeds FOLDER");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Prints name, bytes and rows. A first round comes before those that count: it makes what is made once.
fn count(case: ProtocolCase) {
    let len = case.payload_len();
    if len == 0 {
        println!("{} 0 0", case.name);
        return;
    }
    std::hint::black_box(case.round());
    let rounds = COUNTED_LEN.div_ceil(len) as u32;
    let rows = replay_rounds(&case, rounds);
    println!("{} {} {rows}", case.name, len * u64::from(rounds));
    replay_rounds(&case.by_bytes(), rounds);
}

/// Prints name, bytes, rows and nanoseconds.
fn time(case: &ProtocolCase) {
    let (start, mut rounds, mut rows) = (Instant::now(), 0, 0);
    while case.payload_len() > 0 && start.elapsed() < TIMED {
        rows += replay_rounds(case, 8);
        rounds += 8;
    }
    println!("{} {} {rows} {}", case.name, case.payload_len() * rounds, start.elapsed().as_nanos());
}

/// A folder per protocol, a file per parser that its goldens start; and the certificates in them.
fn seeds(folder: &Path) -> std::io::Result<()> {
    let (x509, packets) = (folder.join("x509"), folder.join("packets"));
    std::fs::create_dir_all(&x509)?;
    std::fs::create_dir_all(&packets)?;
    for (i, path) in sekisho_testkit::stored_captures(&["goldens"]).iter().enumerate() {
        std::fs::write(packets.join(format!("golden-{i:03}")), frames_seed(path))?;
    }
    for case in cases() {
        for (i, certificate) in case.scripts.iter().flat_map(Script::certificates).enumerate() {
            std::fs::write(x509.join(format!("{}-{i:03}", case.name)), certificate)?;
        }
        let folder = folder.join(&case.name);
        std::fs::create_dir_all(&folder)?;
        for (i, script) in case.scripts.iter().enumerate() {
            std::fs::write(folder.join(format!("golden-{i:03}")), script.seed())?;
        }
    }
    Ok(())
}
