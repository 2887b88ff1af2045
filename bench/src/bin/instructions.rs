//! Instructions per item of every case, counted by callgrind over two runs of different length.

use sekisho_bench::{CASES, Case, Traffic};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, rounds] = &args[..]
        && flag == "--inside"
    {
        return inside(name, rounds.parse().unwrap_or(1));
    }
    for case in CASES.iter().filter(|c| args.is_empty() || args.iter().any(|a| a == c.name)) {
        match count(case) {
            Ok(n) => println!("{:8} {n:10.1} instructions per {}", case.name, case.item),
            Err(e) => {
                eprintln!("instructions: {}: {e}", case.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn inside(name: &str, rounds: usize) -> ExitCode {
    let Some(case) = CASES.iter().find(|c| c.name == name) else { return ExitCode::FAILURE };
    println!("items {}", (case.run)(&Traffic::new(), rounds));
    ExitCode::SUCCESS
}

/// (instructions, items) of one run under callgrind.
fn run(case: &Case, rounds: usize) -> Result<(u64, u64), String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--inside", case.name, &rounds.to_string()])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let find = |text: &[u8], word: &str| {
        let text = String::from_utf8_lossy(text).into_owned();
        let line = text.lines().find(|l| l.contains(word))?.to_owned();
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let counted = find(&out.stderr, "Collected").ok_or("no count from callgrind")?;
    Ok((counted, find(&out.stdout, "items").ok_or("the case failed")?))
}

fn count(case: &Case) -> Result<f64, String> {
    let (short, few) = run(case, 1)?;
    let (long, many) = run(case, 4)?;
    Ok((long - short) as f64 / (many - few) as f64)
}
