//! Nanoseconds per item of every case: best of several rounds. `--test` runs each once.

use sekisho_bench::protocols::cases;
use sekisho_bench::{CASES, Round};
use std::time::Instant;

/// What a byte of a message that does not end may take.
const MAX_STALL_NANOS: f64 = 10_000.0;

fn main() {
    let smoke = std::env::args().any(|a| a == "--test");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut count = 0;
    for case in CASES.iter().filter(|c| wanted.is_empty() || wanted.iter().any(|w| w == c.name)) {
        let mut round = (case.make)();
        if smoke {
            assert!(round() > 0, "{} handled nothing", case.name);
        } else {
            let best = (0..7).map(|_| time(&mut round)).fold(f64::INFINITY, f64::min);
            println!("{:14} {best:10.1} ns per {}", case.name, case.item);
        }
        count += 1;
    }
    for case in cases().filter(|_| smoke) {
        assert!(case.payload_len() > 0, "no parser of {0} is called by goldens/{0}", case.name);
        case.round();
        if let Some((nanos, place)) = case.slowest_stall() {
            assert!(nanos < MAX_STALL_NANOS, "{}: {nanos:.0} ns a byte: {place}", case.name);
        }
        count += 1;
    }
    println!("{count} passed, 0 failed");
}

fn time(round: &mut Round) -> f64 {
    let start = Instant::now();
    let mut items = 0;
    while start.elapsed().as_millis() < 100 {
        items += round();
    }
    start.elapsed().as_nanos() as f64 / items as f64
}
