use sekisho_bench::protocols::{cases, Variant, replay_rounds};
use std::time::Instant;
fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    for v in [Variant::Both, Variant::Orig, Variant::Resp] {
        for case in cases().filter(|c| names.is_empty() || names.contains(&c.name)) {
            let mut line = format!("{:12} {v:?} ", case.name);
            let mut costs = Vec::new();
            for total in [1u64 << 15, 1 << 18, 1 << 21] {
                let c = case.long(v, total);
                let len = c.payload_len();
                if len == 0 { break; }
                let t = Instant::now();
                replay_rounds(&c, 1);
                let first = t.elapsed().as_nanos() as f64 / len as f64;
                costs.push(first);
                line += &format!(" {:8.1}", first);
                if t.elapsed().as_secs() > 5 { break; }
            }
            if costs.len() >= 2 && costs[costs.len()-1] > 2.0 * costs[0] { line += "   GROWS"; }
            println!("{line}");
        }
    }
}
