//! Lists captures with their packet counts and damage: `frames CAPTURE…`; with `--one-timeline` all
//! together, timed. For comparing with other readers and for measuring.
#![expect(clippy::disallowed_methods, reason = "a measurement needs real time")]

use sekisho_capture::{Batch, Captures};
use std::time::Instant;

fn main() -> Result<(), sekisho_capture::Error> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let together = arguments.first().is_some_and(|a| a == "--one-timeline");
    if together {
        arguments.remove(0);
        return list(&arguments, true);
    }
    arguments.iter().try_for_each(|a| list(std::slice::from_ref(a), false))
}

fn list(arguments: &[String], timed: bool) -> Result<(), sekisho_capture::Error> {
    let begin = Instant::now();
    let mut captures = Captures::open(arguments)?;
    let mut batch = Batch::new();
    let (mut batches, mut frames, mut touched) = (0u64, 0u64, 0u64);
    while captures.fill(&mut batch) {
        batches += 1;
        for frame in batch.frames() {
            frames += 1;
            for at in [12, 23, 30, 47] {
                touched = touched.wrapping_mul(31) + u64::from(frame.data.get(at).copied().unwrap_or(0));
            }
        }
    }
    for info in captures.infos() {
        let damage = info.damage.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("{}\t{}\t{}\t{damage}", info.path.display(), info.packet_count, info.captured_len);
    }
    if timed {
        let wall = begin.elapsed();
        println!("{frames} frames in {batches} batches, {touched:#x}, {wall:?}");
        println!("skipped {}, late {}", captures.skipped_count(), captures.late_count());
    }
    Ok(())
}
