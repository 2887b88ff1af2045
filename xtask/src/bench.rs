//! `cargo xtask bench CAPTURE`: Sekisho beside whichever of its peers are installed.

use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wait4::Wait4;

/// The program itself: everything logged, one worker; and two.
const OWN: &str = "sekisho logs (zeek-json)";
const TWO_JOBS: &str = "sekisho logs, two workers";

/// Peers with how many times less CPU time than theirs Sekisho shall take.
const GOALS: [(&str, f64); 3] = [("ndpiReader", 4.2), ("argus", 1.25), ("tshark (conversations)", 16.0)];

/// How much sooner two workers shall be done than one.
const JOBS_GOAL: f64 = 1.8;

/// One program with its arguments; `{in}` and `{out}` stand for the capture and a scratch folder.
struct Contestant {
    name: &'static str,
    program: String,
    args: &'static [&'static str],
}

/// The best figures of one contestant.
#[derive(Clone, Copy)]
struct Figures {
    cpu_secs: f64,
    wall_secs: f64,
    max_rss: u64,
}

/// Runs every contestant `-n` times (default 3), in turn, and prints the best figures.
pub(crate) fn bench(args: &[&str]) -> Result<bool> {
    let (capture, runs) = match *args {
        [c] => (c, 3),
        [c, "-n", n] => (c, n.parse().context("-n")?),
        _ => bail!("usage: cargo xtask bench CAPTURE [-n RUNS]"),
    };
    let capture = fs::canonicalize(capture).with_context(|| capture.to_owned())?;
    let size = fs::metadata(&capture)?.len();
    shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
    let sekisho = shell::root().join("target/release/sekisho");
    let packets = count_packets(&sekisho, &capture)?;
    let scratch = shell::root().join("target/bench-out");
    let field = contestants(&sekisho);
    let mut best: Vec<Option<Figures>> = vec![None; field.len()];
    // Into the page cache, without making this process large: a child's peak memory starts with its parent's.
    std::io::copy(&mut fs::File::open(&capture)?, &mut std::io::sink())?;
    for _ in 0..runs {
        for (slot, contestant) in best.iter_mut().zip(&field) {
            let _ = fs::remove_dir_all(&scratch);
            fs::create_dir_all(&scratch)?;
            let f = measure(contestant, &capture, &scratch)?;
            *slot = Some(slot.map_or(f, |b| b.best(f)));
        }
    }
    let _ = fs::remove_dir_all(&scratch);
    print_table(&field, &best, size, packets);
    Ok(true)
}

impl Figures {
    /// Each time at its best, memory at its worst.
    fn best(self, other: Self) -> Self {
        Self {
            cpu_secs: self.cpu_secs.min(other.cpu_secs),
            wall_secs: self.wall_secs.min(other.wall_secs),
            max_rss: self.max_rss.max(other.max_rss),
        }
    }
}

/// Does `logs` take `--jobs`?
fn has_jobs(sekisho: &Path) -> bool {
    let help = Command::new(sekisho).args(["logs", "--help"]).output();
    help.is_ok_and(|h| String::from_utf8_lossy(&h.stdout).contains("--jobs"))
}

fn contestants(sekisho: &Path) -> Vec<Contestant> {
    let own = sekisho.to_string_lossy().into_owned();
    let jobs = has_jobs(sekisho);
    let one: &[&str] = &["logs", "{in}", "-q", "-o", "{out}", "--format", "zeek-json", "--jobs", "1"];
    let mut field = vec![Contestant { name: OWN, program: own.clone(), args: if jobs { one } else { &one[..7] } }];
    if jobs {
        let args = &["logs", "{in}", "-q", "-o", "{out}", "--format", "zeek-json", "--jobs", "2"];
        field.push(Contestant { name: TWO_JOBS, program: own.clone(), args });
    }
    field.extend([
        Contestant { name: "sekisho audit, one worker", program: own, args: &["audit", "{in}", "-q", "--jobs", "1"] },
        Contestant { name: "cat (plain read)", program: "cat".into(), args: &["{in}"] },
    ]);
    let peers: &[(&str, &str, &[&str])] = &[
        ("ndpiReader", "ndpiReader", &["-i", "{in}", "-q"]),
        ("tcpflow", "tcpflow", &["-r", "{in}", "-o", "{out}"]),
        ("argus", "argus", &["-r", "{in}", "-w", "{out}/argus.out"]),
        ("tcpdump (write)", "tcpdump", &["-r", "{in}", "-w", "{out}/copy.pcap"]),
        ("tcpdump (print)", "tcpdump", &["-nr", "{in}"]),
        ("tshark (conversations)", "tshark", &["-nr", "{in}", "-q", "-z", "conv,tcp"]),
    ];
    for (name, program, args) in peers {
        match find(program) {
            Some(path) => field.push(Contestant { name, program: path.to_string_lossy().into_owned(), args }),
            None => eprintln!("bench: {program} is not installed, left out"),
        }
    }
    field
}

/// Where `program` is, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|d| d.join(program))
        .find(|p| p.is_file())
}

fn measure(c: &Contestant, capture: &Path, scratch: &Path) -> Result<Figures> {
    let fill = |a: &&str| a.replace("{in}", &capture.to_string_lossy()).replace("{out}", &scratch.to_string_lossy());
    let start = std::time::Instant::now();
    let mut child = Command::new(&c.program)
        .args(c.args.iter().map(fill))
        .stdin(Stdio::null())
        .stdout(fs::File::create(scratch.join("stdout"))?)
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| c.program.clone())?;
    let used = child.wait4()?;
    if !used.status.success() {
        bail!("{} failed: {}", c.name, used.status);
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok(Figures { cpu_secs: cpu.as_secs_f64(), wall_secs: start.elapsed().as_secs_f64(), max_rss: used.rusage.maxrss })
}

fn count_packets(sekisho: &Path, capture: &Path) -> Result<u64> {
    let json = shell::root().join("target/bench-audit.json");
    let status = Command::new(sekisho)
        .args(["audit", "-q", "--json"])
        .args([&json])
        .arg(capture)
        .stdout(Stdio::null())
        .status()?;
    if !matches!(status.code(), Some(0 | 3)) {
        bail!("sekisho audit failed: {status}");
    }
    let page: serde_json::Value = serde_json::from_slice(&fs::read(&json)?)?;
    page["totals"]["packets"].as_u64().context("audit's totals.packets")
}

fn print_table(field: &[Contestant], best: &[Option<Figures>], size: u64, packets: u64) {
    let own = best.first().copied().flatten().map_or(f64::NAN, |f| f.cpu_secs);
    println!("{size} bytes, {packets} packets; best times of all runs; CPU is user + system\n");
    println!("{:26} {:>8} {:>8} {:>9} {:>9} {:>8} {:>8}", "", "CPU s", "wall s", "Gbit/s", "Mpkt/s", "MiB", "× own");
    for (c, figures) in field.iter().zip(best) {
        let Some(f) = figures else { continue };
        let gbit = size as f64 * 8.0 / 1e9 / f.cpu_secs;
        let mpkt = packets as f64 / 1e6 / f.cpu_secs;
        println!(
            "{:26} {:8.3} {:8.3} {:9.2} {:9.3} {:8} {:8.2}",
            c.name,
            f.cpu_secs,
            f.wall_secs,
            gbit,
            mpkt,
            f.max_rss >> 20,
            f.cpu_secs / own
        );
    }
    println!("\nGbit/s and Mpkt/s are per CPU second; '× own' is CPU time relative to the first line.");
    print_ratios(field, best);
}

/// The ratios that were set as goals, beside them.
fn print_ratios(field: &[Contestant], best: &[Option<Figures>]) {
    let of = |name: &str| field.iter().zip(best).find(|(c, _)| c.name == name).and_then(|(_, f)| *f);
    let Some(own) = of(OWN) else { return };
    for (peer, goal) in GOALS {
        if let Some(f) = of(peer) {
            println!("{:6.2} × {peer} per CPU second (goal {goal})", f.cpu_secs / own.cpu_secs);
        }
    }
    if let Some(two) = of(TWO_JOBS) {
        let (wall, cpu) = (own.wall_secs / two.wall_secs, two.cpu_secs / own.cpu_secs);
        println!("{wall:6.2} × as soon with two workers (goal {JOBS_GOAL}), {cpu:.2} × the CPU time");
    }
}
