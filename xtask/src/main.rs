//! Tasks of the house, one word each: `cargo xtask help` lists them.

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
mod bench;
mod callgrind;
mod check;
mod dnssec;
mod exports;
mod findings;
mod flood;
mod fuzz;
mod guard;
mod keys;
mod mutate;
mod namespaces;
mod new;
mod page;
mod parallel;
mod parquet;
mod protocols;
mod python;
mod samples;
mod scenes;
mod shell;
mod tidy;

use anyhow::Result;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  check [PROTOCOL]       what CI runs: fmt, clippy, tests, docs, tidy, fuzz smoke, mutated captures;
                         with a protocol's name only what concerns it
  tidy                   the laws of the house (docs/design: crates, levels, bans, file lengths)
  new protocol NAME      folder, golden folder, fuzz target and the two shared lines
  new detector ID        a detector of a judgement, its tests and the two shared lines
  findings [FLAG…] [PATH…] what the detectors say of many captures, beside what they said before; findings --help
  captures               make the built captures below goldens/ again (crates/testkit/src/bin/captures)
  bless                  rewrite the goldens from what the program says now; then read the diff
  mutate N [--seed S]    N damaged variants of the goldens and examples through the binary (--program PATH: this one)
  flood [NAME…] [FLAG…]  attack captures through the binary: memory, cost per packet, and whether ordinary
                         traffic around them is reported as it is without them; flood --help
  scenes [NAME…] [FLAG…] the scenes of the specification of judgements as captures: found, in time, of the right hosts, and
                         nobody wrongly flagged; --real: by real programs in network namespaces; scenes --help
  guard [CASE…]          instructions per item of every stage beside bench/instructions.txt, 3 % apart at most
  guard --bless REASON   the same, then write down what was counted, and why it may be so
  keys [CASE…] [FLAG…]   real servers and clients in clear and in TLS: with keys the binary says the same; keys --help
  dnssec [FLAG…]         zones signed and damaged by BIND's tools: verdicts beside those of unbound-host and delv on the
                         same messages; dnssec --help
  fuzz [TARGET…] [SECS]  fuzz these targets, or every target, for SECS seconds (default 10)
  fuzz all --until SECS  until each target has had so many CPU seconds by fuzz/ledger.tsv; fuzz --help
  page [CAPTURE…]        HTML pages of examples, of hostile and of very large data (and of these captures) in Chromium: nothing
                         is loaded or run, sorting, filters, keyboard, paper, accessibility
  parquet-check          DuckDB and pyarrow (from PyPI, in target/) read Parquet files back: types, values, filters
  exports [FLAG…]        stix2-validator, stix2 and ATT&CK's own data (from PyPI, in target/) read what audit --stix, --navigator
                         and --csv and coverage write, of goldens and examples (--program PATH: this one; CAPTURE…: of these)
  unpack-samples         nested archives made by the real tools (installed if we may), every leaf found,
                         also through a capture and the command; bombs
  bench CAPTURE [-n RUNS] Sekisho and whichever of tshark, ndpiReader, tcpflow, argus, tcpdump are
                         installed, in turn: CPU seconds, Gbit/s and packets per CPU second, memory
  bench --protocols [NAME…] what the payload of its goldens costs each protocol's parser: instructions, MB/s, rows/s;
                         --write: into bench/protocols.txt
";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<bool> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args.as_slice() {
        ["check"] => check::check(None),
        ["check", protocol] => check::check(Some(protocol)),
        ["tidy"] => tidy::tidy(),
        ["new", "protocol", name] => new::protocol(name),
        ["new", "detector", id] => new::detector(id),
        ["findings", ref rest @ ..] => findings::findings(rest),
        ["captures"] => check::captures(),
        ["bless"] => check::bless(),
        ["mutate", ref rest @ ..] => mutate::mutate(rest),
        ["flood", ref rest @ ..] => flood::flood(rest),
        ["guard", ref rest @ ..] => guard::guard(rest),
        ["keys", ref rest @ ..] => keys::keys(rest),
        ["dnssec", ref rest @ ..] => dnssec::dnssec(rest),
        ["fuzz", ref rest @ ..] => fuzz::fuzz(rest),
        ["page", ref rest @ ..] => page::task(rest),
        ["exports", ref rest @ ..] => exports::task(rest),
        ["parquet-check"] => parquet::task(),
        ["bench", "--protocols", ref rest @ ..] => protocols::bench(rest),
        ["scenes", ref rest @ ..] => scenes::scenes(rest),
        ["unpack-samples"] => samples::task(),
        ["bench", ref rest @ ..] => bench::bench(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        _ => {
            eprint!("xtask: no such task: {}\n\n{HELP}", args.join(" "));
            Ok(false)
        }
    }
}
