//! Cost by instructions, which does not depend on what else the machine does.

use super::program::Program;
use super::{MAX_RATIO, make_ordinary, make_sized};
use crate::{callgrind, parallel};
use anyhow::Result;
use sekisho_testkit::flood::Attack;
use std::fs;
use std::path::Path;

/// Packets of the smaller of two captures, about.
const PACKETS: u64 = 8_000;

/// How many times larger the other is.
const GROWTH: u64 = 4;

/// Sets of ordinary conversations in the two captures for comparison.
const SETS: u64 = 60;

/// Instructions and packets of a capture.
type Point = (u64, u64);

fn per_packet(small: Point, large: Point) -> f64 {
    (large.0 as f64 - small.0 as f64) / (large.1 as f64 - small.1 as f64)
}

/// Prints instructions per packet of `logs`, their ratio to ordinary traffic, and how the cost of a packet grows
/// with the size of the attack. False if a ratio is above [`MAX_RATIO`].
pub(super) fn table(program: &Program, attacks: &[&Attack], folder: &Path) -> Result<bool> {
    let count = |path: &Path| callgrind::count(&program.logs_command(path)).map(|c| c.instructions);
    let ordinary = |sets| -> Result<Point> {
        let (path, packets) = make_ordinary(sets, folder)?;
        Ok((count(&path)?, packets))
    };
    let base = per_packet(ordinary(SETS)?, ordinary(GROWTH * SETS)?);
    println!("{:17} {:>9} {:>9} {:>9} {:>6} {:>7}", "", "packets", "instr/pkt", "×4 size", "ratio", "growth");
    println!("{:17} {:>9} {base:9.0}", "ordinary", "");
    let mut failed = Vec::new();
    let work = |attack: &&Attack| {
        let items = sized(attack, folder)?;
        let mut points = [(0, 0); 3];
        for (point, items) in points.iter_mut().zip([1.max(items / GROWTH), items, items * GROWTH]) {
            let (whole, alone, written) = make_sized(attack, items, folder)?;
            *point = (count(&whole)?, written.packets);
            fs::remove_file(&whole)?;
            fs::remove_file(&alone)?;
        }
        Ok(points)
    };
    parallel::each(attacks, work, |attack, [tiny, small, large]| {
        let (before, after) = (per_packet(tiny, small), per_packet(small, large));
        let ratio = after / base;
        let verdict = match (ratio > MAX_RATIO, attack.dense) {
            (false, _) => "",
            (true, true) => "  many messages in each packet: not judged",
            (true, false) => "  TOO DEAR",
        };
        let growth = after / before;
        println!("{:17} {:9} {before:9.0} {after:9.0} {ratio:6.2} {growth:7.2}{verdict}", attack.name, large.1);
        if ratio > MAX_RATIO && !attack.dense {
            failed.push(attack.name);
        }
        Ok(())
    })?;
    let list = failed.join(" ");
    println!(
        "flood: {} attacks, {} cost more than {MAX_RATIO} times ordinary traffic: {list}",
        attacks.len(),
        failed.len()
    );
    Ok(failed.is_empty())
}

/// Items that make about [`PACKETS`] packets.
fn sized(attack: &Attack, folder: &Path) -> Result<u64> {
    let probe = attack.full.min(64);
    let (whole, alone, written) = make_sized(attack, probe, folder)?;
    fs::remove_file(whole)?;
    fs::remove_file(alone)?;
    let each = written.attack_packets as f64 / probe as f64;
    Ok(((PACKETS as f64 / each.max(0.1)) as u64).max(4))
}
