//! `cargo xtask mutate N`: damaged variants of the project's own captures through the binary.
//!
//! Every variant must end by itself within 30 s and 512 MiB, with exit code 0 or 1 and no panic.

use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wait4::Wait4;

/// Longest time one variant may take.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Most memory one variant may take.
const MAX_RSS: u64 = 512 << 20;

const USAGE: &str = "usage: cargo xtask mutate N [--seed S] [--program PATH]";

/// Runs `args[0]` variants; `--seed S` makes another series, `--program PATH` runs what was built before.
pub(crate) fn mutate(args: &[&str]) -> Result<bool> {
    let (&count, options) = args.split_first().context(USAGE)?;
    let count: usize = count.parse().context("N")?;
    let (mut seed, mut program) = (1, None);
    for option in options.chunks(2) {
        match *option {
            ["--seed", s] => seed = s.parse::<u64>().context("S")?,
            ["--program", path] => program = Some(PathBuf::from(path)),
            _ => bail!(USAGE),
        }
    }
    let binary = match program {
        Some(path) => path,
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            shell::root().join("target/release/sekisho")
        }
    };
    let captures = captures(&shell::root())?;
    if captures.is_empty() {
        bail!("no captures below goldens/ and examples/");
    }
    let captures: Vec<Vec<u8>> = captures.iter().map(fs::read).collect::<Result<_, _>>()?;
    let scratch = shell::root().join("target/mutate");
    fs::create_dir_all(&scratch)?;
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..workers)
            .map(|w| {
                let (next, failed, captures, binary, scratch) = (&next, &failed, &captures, &binary, &scratch);
                scope.spawn(move || -> Result<()> {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= count {
                            return Ok(());
                        }
                        let mut random = Random::new(seed, n as u64);
                        let variant = variant(&captures[n % captures.len()], &mut random);
                        if let Some(why) = trial(binary, scratch, w, &variant)? {
                            failed.fetch_add(1, Ordering::Relaxed);
                            let kept = scratch.join(format!("failed-{seed}-{n}.pcap"));
                            fs::write(&kept, &variant)?;
                            eprintln!("mutate: variant {n}: {why}; kept as {}", kept.display());
                        }
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().map_err(|_| anyhow::anyhow!("a mutate thread panicked"))??;
        }
        Ok(())
    })?;
    let failed = failed.into_inner();
    println!("mutate: {count} variants of {} captures, seed {seed}: {failed} failed", captures.len());
    Ok(failed == 0)
}

/// Every capture of the project.
fn captures(root: &Path) -> Result<Vec<PathBuf>> {
    let listed = shell::output("git", &["ls-files", "-co", "--exclude-standard", "goldens", "examples"])?;
    let is_capture = |l: &&str| l.ends_with(".pcap") || l.ends_with(".pcapng");
    Ok(listed.lines().filter(is_capture).map(|l| root.join(l)).collect())
}

/// What went wrong, if anything.
fn trial(binary: &Path, scratch: &Path, worker: usize, capture: &[u8]) -> Result<Option<String>> {
    let input = scratch.join(format!("in-{worker}"));
    let out = scratch.join(format!("out-{worker}"));
    fs::write(&input, capture)?;
    let _ = fs::remove_dir_all(&out);
    let mut child = Command::new(binary)
        .args(["logs", "--format", "zeek-json", "-q", "-o"])
        .args([&out, &input])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = child.id().to_string();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let alarm = std::thread::spawn(move || {
        let late = wait.recv_timeout(MAX_TIME).is_err();
        if late {
            let _ = Command::new("kill").args(["-9", &pid]).status();
        }
        late
    });
    let mut stderr = String::new();
    if let Some(pipe) = child.stderr.take() {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(pipe, 1 << 20), &mut bytes)?;
        stderr = String::from_utf8_lossy(&bytes).into_owned();
    }
    let used = child.wait4()?;
    let _ = done.send(());
    if alarm.join().unwrap_or(true) {
        return Ok(Some(format!("still running after {} s", MAX_TIME.as_secs())));
    }
    if !matches!(used.status.code(), Some(0 | 1)) || stderr.contains("panicked") {
        return Ok(Some(format!("{}: {}", used.status, stderr.trim())));
    }
    if used.rusage.maxrss > MAX_RSS {
        return Ok(Some(format!("{} MiB of memory", used.rusage.maxrss >> 20)));
    }
    Ok(None)
}

/// A small generator (xorshift64*), so that a series can be repeated from its seed.
struct Random(u64);

impl Random {
    fn new(seed: u64, n: u64) -> Self {
        let mut r = Self((seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd1b5_4a32_d192_ed03)) | 1);
        for _ in 0..4 {
            r.next();
        }
        r
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() >> 16) as usize % n }
    }
}

/// A damaged copy: one to four damages.
fn variant(capture: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = capture.to_vec();
    for _ in 0..=random.below(3) {
        damage(&mut bytes, random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let packets = records(bytes);
    match random.below(7) {
        0 => {
            for _ in 0..=random.below(40) {
                let i = random.below(bytes.len());
                bytes[i] ^= 1 << random.below(8);
            }
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => {
            // Set a run of bytes to one value: lengths become zero or huge.
            let (i, n, v) = (random.below(bytes.len()), 1 + random.below(8), [0, 0xff, 0x7f, 0x80][random.below(4)]);
            bytes.iter_mut().skip(i).take(n).for_each(|b| *b = v);
        }
        3 if packets.len() > 1 => {
            let (a, b) = (random.below(packets.len()), random.below(packets.len()));
            let (a, b) = (packets[a.min(b)].clone(), packets[a.max(b)].clone());
            if a.end <= b.start {
                let mut out = bytes[..a.start].to_vec();
                out.extend(&bytes[b.clone()]);
                out.extend(&bytes[a.end..b.start]);
                out.extend(&bytes[a.clone()]);
                out.extend(&bytes[b.end..]);
                *bytes = out;
            }
        }
        4 if !packets.is_empty() => {
            let r = packets[random.below(packets.len())].clone();
            let copy = bytes[r.clone()].to_vec();
            let at = packets[random.below(packets.len())].start;
            bytes.splice(at..at, copy);
        }
        5 if !packets.is_empty() => {
            let r = packets[random.below(packets.len())].clone();
            bytes.drain(r);
        }
        _ => {
            // Bits within one packet only, so that the file stays readable.
            if let Some(r) = packets.get(random.below(packets.len())) {
                for _ in 0..=random.below(12) {
                    let i = r.start + 16 + random.below(r.len().saturating_sub(16));
                    if let Some(b) = bytes.get_mut(i) {
                        *b ^= 1 << random.below(8);
                    }
                }
            }
        }
    }
}

/// Byte ranges of the packet records of a pcap or pcapng file (little endian).
fn records(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let mut out = Vec::new();
    if word(0) == Some(0x0a0d_0d0a) {
        let mut at = 0;
        while let (Some(kind), Some(len)) = (word(at), word(at + 4)) {
            let len = len as usize;
            if len < 12 || at + len > bytes.len() {
                break;
            }
            if kind == 6 {
                out.push(at..at + len);
            }
            at += len;
        }
    } else {
        let mut at = 24;
        while let Some(len) = word(at + 8) {
            let end = at + 16 + len as usize;
            if end > bytes.len() {
                break;
            }
            out.push(at..end);
            at = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_repeat_and_differ() {
        let mut pcap = vec![0u8; 24];
        for i in 0..10u8 {
            pcap.extend([0; 8]);
            pcap.extend(20u32.to_le_bytes());
            pcap.extend(20u32.to_le_bytes());
            pcap.extend([i; 20]);
        }
        assert_eq!(records(&pcap).len(), 10);
        let of = |n| variant(&pcap, &mut Random::new(1, n));
        assert_eq!(of(3), of(3));
        let changed = (0..100).filter(|&n| of(n) != pcap).count();
        assert!(changed > 90, "{changed}");
    }
}
