use sekisho_bench::protocols::{cases, replay_rounds};
use std::time::Instant;
fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let fillers: [&[u8]; 12] = [b"A", b"\0", b" ", b"<", b"{", b"(", b"\"", b"1", b"\r\n", b"\xff", b"a=b;", b"* A\r"];
    for case in cases().filter(|c| names.is_empty() || names.contains(&c.name)) {
        let mut worst: Vec<(f64, String)> = Vec::new();
        for n in 0..case.scripts.len().min(12) {
            for k in 0..case.steps(n).min(14) {
                for cut in [1usize, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 25, 32, 40, 60, 100, 10000] {
                    for f in fillers {
                        let Some(c) = case.stalled(n, k, cut, f, 1 << 12) else { continue };
                        let t = Instant::now();
                        replay_rounds(&c, 1);
                        let ns = t.elapsed().as_nanos() as f64 / 4096.0;
                        if ns > 400.0 {
                            let c = case.stalled(n, k, cut, f, 1 << 15).unwrap();
                            let t = Instant::now();
                            replay_rounds(&c, 1);
                            let ns2 = t.elapsed().as_nanos() as f64 / 32768.0;
                            worst.push((ns2, format!("script {n} step {k} cut {cut} filler {:?}: {ns:.0} -> {ns2:.0}", String::from_utf8_lossy(f))));
                        }
                    }
                }
            }
        }
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        println!("{} {} slow", case.name, worst.len());
        for w in worst.iter().take(3) { println!("    {}", w.1); }
    }
}
