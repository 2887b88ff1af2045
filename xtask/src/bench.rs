//! `cargo xtask bench CAPTURE`: Sekisho beside whichever of its peers are installed.

use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wait4::Wait4;

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
            if slot.is_none_or(|b| f.cpu_secs < b.cpu_secs) {
                *slot = Some(f);
            }
        }
    }
    let _ = fs::remove_dir_all(&scratch);
    print_table(&field, &best, size, packets);
    Ok(true)
}

fn contestants(sekisho: &Path) -> Vec<Contestant> {
    let own = sekisho.to_string_lossy().into_owned();
    let mut field = vec![
        Contestant {
            name: "sekisho logs (zeek-json)",
            program: own.clone(),
            args: &["logs", "{in}", "-q", "-o", "{out}", "--format", "zeek-json"],
        },
        Contestant { name: "sekisho audit", program: own, args: &["audit", "{in}", "-q"] },
        Contestant { name: "cat (plain read)", program: "cat".into(), args: &["{in}"] },
    ];
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
    println!("{size} bytes, {packets} packets; best of the runs by CPU time (user + system)\n");
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
}
