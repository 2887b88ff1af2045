//! One case, some rounds, and how many items they were: what `cargo xtask guard` counts instructions of.
//! `--list` prints the cases.

use sekisho_bench::CASES;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [flag] if flag == "--list" => CASES.iter().for_each(|c| println!("{} {}", c.name, c.item)),
        [name, rounds] => {
            let (Some(case), Ok(rounds)) = (CASES.iter().find(|c| c.name == name), rounds.parse::<u32>()) else {
                eprintln!("instructions: no case {name}, or {rounds} is no number");
                return ExitCode::FAILURE;
            };
            let mut round = (case.make)();
            println!("{}", (0..rounds).map(|_| round()).sum::<u64>());
        }
        _ => {
            eprintln!("usage: instructions CASE ROUNDS | --list");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
