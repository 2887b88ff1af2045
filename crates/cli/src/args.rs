//! What was typed.

mod judging;
mod rules;

pub use judging::{Audit, Coverage, CoverageFormat, Diff, Explain, Given, Judging, Language};
pub use rules::{Rules, RulesCheck, RulesExplain, RulesProfile, RulesRun, RulesTest, RulesVerb, Shape};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use sekisho_types::Subnet;
use sekisho_unpack::{DEPTH_MAX, MEMBER_COUNT_MAX, RATIO_MAX};
use std::io::{self, IsTerminal};
use std::path::PathBuf;

const AFTER: &str = "\
A CAPTURE is a file (pcap or pcapng, also gzip, zstd, lz4 or xz), a folder, a quoted glob, or - for
standard input. Captures given together are read as one timeline.

Exit codes: 0 done, 1 a capture is damaged (what could be read was written), 2 wrong usage or no input;
of audit with --fail-on: 3 there are findings as bad as that; of diff with --exit-code: 4 something changed;
of hunt: 0 found, 1 not found, 2 wrong usage or no input, 3 not found but a capture is damaged.

Examples:
  sekisho audit examples/office.pcapng
  sekisho audit --html report.html office.pcapng
  sekisho diff before.pcap after.pcap
  sekisho logs -o logs --format zeek-json,parquet office.pcapng
  sekisho schema --format markdown http
  sekisho files -o out 'captures/*.pcap.gz'
  sekisho packets --filter 'host 10.0.0.5 and port 21' -o ftp.pcapng office.pcapng
  sekisho hunt --flag challenge.pcapng
  tcpdump -w - | sekisho audit -";

/// Tells what is really happening on the network, and proves it packet by packet.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, after_help = AFTER, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read captures and print the page: what could be seen, what was found, who talked to whom, what moved
    Audit(Audit),
    /// Compare two captures, or their audits: what disappeared, appeared, grew or shrank, device by device
    Diff(Diff),
    /// Write typed records in the formats people already use
    Logs(Logs),
    /// Write the files that crossed, with hashes, types and where they came from
    Files(Files),
    /// Cut the packets of flows out again, as pcapng with comments
    Packets(Packets),
    /// Look for a text, an expression, bytes or flags in everything that crossed, also packed and encoded
    Hunt(Hunt),
    /// Check rules in Suricata's language, and say in words what they look for
    Rules(Rules),
    /// Print the schema of the logs: fields, types and what they mean
    Schema(Schema),
    /// Say why a judgement of `audit` exists, how it decides, and what else it could be
    Explain(Explain),
    /// Say which techniques of MITRE ATT&CK `audit` can see, by which judgements, and which it cannot, and why
    Coverage(Coverage),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Flags of every verb that reads captures.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Captures: files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "CAPTURE")]
    pub captures: Vec<String>,

    /// Look only at packets that match, in tcpdump's words: 'host 10.0.0.5 and not port 22'
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Networks that count as local, instead of the private ranges
    #[arg(long, value_name = "CIDR", value_delimiter = ',', num_args = 1)]
    pub home_net: Vec<Subnet>,

    /// TLS secrets (NSS key log, SSLKEYLOGFILE): sessions they fit are decrypted; those in pcapng captures always are
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub keylog: Vec<PathBuf>,

    /// Memory for everything, at least 128M, e.g. 512M [default: a quarter of the machine's, at most 2G]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,

    /// Seed of flow ids and hash tables; equal seeds give equal output
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Threads; 0 is one for each core, at most 8. The output is the same for any number. `files`, `hunt` and `packets` use one
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    pub jobs: usize,

    /// Check the packets' checksums and leave bad packets out (captures on a sending host have bad ones)
    #[arg(long)]
    pub checksums: bool,

    /// Show progress on standard error: auto shows it on a terminal only
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub progress: When,

    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,

    /// Say more on standard error: captures, interfaces, limits that were reached
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// When to do something that suits terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl When {
    /// Colours on standard output?
    pub fn colours(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }
}

/// Output formats of `logs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Zeek's JSON: LOG.log, one object a line
    ZeekJson,
    /// Zeek's tab-separated text: LOG.log with its header
    Zeek,
    /// One stream of objects with all logs: all.ndjson
    Ndjson,
    /// Apache Parquet: LOG.parquet, zstd, sorted by time within row groups, with Bloom filters
    Parquet,
    /// Suricata's EVE: eve.json, one object an event
    Eve,
}

/// Ways to tell the logs' schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// JSON Schema of the rows of zeek-json
    JsonSchema,
    /// The header lines of Zeek's text logs
    Zeek,
    /// Parquet's message types
    Parquet,
    /// The reference page, with what each field means
    Markdown,
}

const SCHEMA_AFTER: &str = "\
Examples:
  sekisho schema > sekisho.schema.json
  sekisho schema --format zeek conn dns
  sekisho schema --format parquet http
  sekisho schema --format markdown | less";

/// `sekisho schema`.
#[derive(Args, Debug)]
#[command(after_help = SCHEMA_AFTER)]
pub struct Schema {
    /// Logs; all unless some are named
    #[arg(value_name = "LOG")]
    pub logs: Vec<String>,

    /// In whose words
    #[arg(long, value_enum, default_value_t = SchemaFormat::JsonSchema)]
    pub format: SchemaFormat,
}

const LOGS_AFTER: &str = "\
Formats:
  zeek-json  LOG.log, an object a line as Zeek writes it
  zeek       LOG.log, tab-separated with header lines
  ndjson     all.ndjson, all logs in one stream
  parquet    LOG.parquet, for DuckDB, pandas, Spark and the like. The rows of a row group are sorted by
             time; row groups may overlap in time. Rows wait for their group in an eighth of --memory,
             256M at most. A file gets its name when it is complete.
  eve        eve.json, the events of Suricata's EVE: exchanges, files, flows, alerts

Examples:
  sekisho logs -o logs office.pcapng
  sekisho logs -o logs --format parquet office.pcapng
  duckdb -c \"select host, count(*) from 'logs/http.parquet' group by host\"
  sekisho logs -o logs --format zeek-json,parquet --hash sha256 'captures/*.pcap.gz'
  sekisho logs -o logs --judge --intel bad-hosts.txt office.pcapng
  sekisho logs -o - --format ndjson office.pcapng | jq -c 'select(._path == \"dns\")'
  sekisho logs -o - --format ndjson --judge office.pcapng | jq -r 'select(._path == \"notice\") | .msg'";

/// `sekisho logs`.
#[derive(Args, Debug)]
#[command(after_help = LOGS_AFTER)]
pub struct Logs {
    /// Flags of every reading verb.
    #[command(flatten)]
    pub common: Common,

    /// Folder to write to; - writes ndjson or eve to standard output
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,

    /// Formats, several in one pass; each gets a folder of its own if there are several
    #[arg(long, value_enum, value_delimiter = ',', default_value = "zeek-json")]
    pub format: Vec<Format>,

    /// Zeek's formats too get the rows of protocols (HTTP, SSH and others) in connections that began before the
    /// capture; Zeek has none, so they are left out of its formats and counted. The other formats have them always
    #[arg(long)]
    pub midstream: bool,

    /// Also write stats.log: memory in use, peaks, and what was given up, every five minutes of packet time;
    /// with --format eve events of type stats
    #[arg(long)]
    pub stats: bool,

    /// Rules in Suricata's language; may be repeated. What they find goes to eve.json and fast.log
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub rules: Vec<PathBuf>,

    /// A suricata.yaml: which events EVE has and what they say, and variables for rules
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub suricata_config: Option<PathBuf>,

    /// Hashes in files.log
    #[arg(long, value_enum, value_delimiter = ',', value_name = "HASH")]
    pub hash: Vec<Hash>,

    /// Judge as `audit` does, in the same pass: what is found goes to notice.log, Zeek's, with columns of our own. files.log
    /// then has SHA-256
    #[arg(long)]
    pub judge: bool,

    /// What findings are made from.
    #[command(flatten, next_help_heading = "Judging, with --judge")]
    pub given: Given,
}

/// Hashes of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hash {
    /// MD5
    Md5,
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
}

const FILES_AFTER: &str = "\
What is written, and where:
  DIR/index.ndjson     a row for each file
  DIR/FUID-NAME        the files; the names are made safe, nothing is executable
  DIR/FUID-NAME.d/…    with --unpack, what was in them, at any depth
  DIR/members.ndjson   with --tree, --unpack or a scan, a row for each member: path, type, hashes, what is odd
  DIR/matches.ndjson   with --yara or --hashes, a row for each match: where, which rule or list, at which offsets
Nothing is written outside DIR, whatever an archive's names say. Links and devices in archives are told, never
made. A second run into the same folder writes the same.

Encrypted members are tried with the passwords given, with those heard in clear in the same capture, and with
the usual ones: infected, malware, virus, password, 1234, 12345, 123456.

Matches are printed, a line each: flow, protocol, file, the way to the content, then rule, tags, description and
places, or list and line. A rule that can't be used costs a line on standard error; the others are used.
Matches don't change the exit code.

Examples:
  sekisho files -o out office.pcapng
  sekisho files --tree office.pcapng
  sekisho files --yara rules/ --hashes bad.txt office.pcapng
  sekisho files --unpack --tree --password hunter2 -o out office.pcapng
  sekisho files --tree --json office.pcapng | jq -r 'select(.password_source) | .path'
  sekisho files --unpack -o out 'captures/*.pcap.gz' && jq -r .extracted out/members.ndjson
  sekisho files --yara rules/ --json office.pcapng | jq -r '[.rule, .path, .strings[]?] | @tsv'";

/// `sekisho files`.
#[derive(Args, Debug)]
#[command(after_help = FILES_AFTER)]
#[command(group = ArgGroup::new("printed").args(["tree", "yara", "hashes"]).multiple(true))]
pub struct Files {
    /// Flags of every reading verb.
    #[command(flatten)]
    pub common: Common,

    /// Folder to write the files and index.ndjson to; not needed for --tree, --yara and --hashes
    #[arg(short, long, value_name = "DIR", required_unless_present = "printed")]
    pub output: Option<PathBuf>,

    /// Largest file or member; longer ones are cut there [default: 1G for files, 512M for members]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,

    /// Most bytes in all: of files, and of what is in them
    #[arg(long, value_name = "SIZE", default_value = "64G", value_parser = parse_size)]
    pub max_total: u64,

    /// Print where everything came from: capture, flow, file, what was in it, what was in that
    #[arg(long, help_heading = "Unpacking")]
    pub tree: bool,

    /// Write what is in the files beside them, in folders called NAME.d
    #[arg(long, help_heading = "Unpacking", requires = "output")]
    pub unpack: bool,

    /// The tree and matches as one JSON object a line; `_path` says of what: flows, index, members, unpacked, matches
    #[arg(long, help_heading = "Unpacking", requires = "printed")]
    pub json: bool,

    /// Colours of the tree: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, help_heading = "Unpacking", value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,

    /// A password for encrypted members; may be repeated
    #[arg(long, help_heading = "Unpacking", value_name = "TEXT")]
    pub password: Vec<String>,

    /// A file of passwords, one a line
    #[arg(long, help_heading = "Unpacking", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub passwords: Vec<PathBuf>,

    /// Levels of unpacking
    #[arg(long, help_heading = "Unpacking", value_name = "N", default_value_t = DEPTH_MAX)]
    pub max_depth: u32,

    /// Members of one file, at all levels; sixteen times as many in all
    #[arg(long, help_heading = "Unpacking", value_name = "N", default_value_t = MEMBER_COUNT_MAX)]
    pub max_members: u32,

    /// Unpacked bytes for a packed one, beyond the first 16 MiB; what inflates more is a bomb
    #[arg(long, help_heading = "Unpacking", value_name = "N", default_value_t = RATIO_MAX)]
    pub max_ratio: u64,

    /// YARA rules, or folders of them (.yar, .yara), for the files and everything that is in them; may be repeated
    #[arg(long, help_heading = "Scanning", value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    pub yara: Vec<PathBuf>,

    /// A list of MD5, SHA-1 or SHA-256 hashes, one a line or in columns; may be repeated
    #[arg(long, help_heading = "Scanning", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub hashes: Vec<PathBuf>,

    /// Bytes of a content that rules are tried on
    #[arg(long, help_heading = "Scanning", value_name = "SIZE", default_value = "64M", value_parser = parse_size)]
    pub scan_size: u64,

    /// Seconds that rules may take for a content; what that cuts off depends on the machine. 0 for no limit
    #[arg(long, help_heading = "Scanning", value_name = "SECONDS", default_value_t = 60)]
    pub scan_time: u64,
}

/// `sekisho packets`.
#[derive(Args, Debug)]
pub struct Packets {
    /// Flags of every reading verb; `--filter` chooses packets.
    #[command(flatten)]
    pub common: Common,

    /// Uid of a flow, as the logs show it; may be repeated
    #[arg(long, value_name = "UID")]
    pub uid: Vec<String>,

    /// Where to write the pcapng; - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

const HUNT_AFTER: &str = "\
PATTERN comes after the captures. It is a plain text unless --regex or --hex says otherwise; -e gives it by
name, and several. --flag looks for flags, word{...}, and needs no PATTERN.

Searched are all streams and datagrams, files that protocols carried, everything that can be unpacked from
them (archives, mails, documents, images), fields of all logs, TLS sessions whose keys are known, and frames.
What looks encoded is decoded, within itself, too: base64, base32, hex, URL and other escapes, gzip and other
compression, ROT13, UTF-16, reversed; with --xor also what was XORed with one byte. A hit is told once, where
it is deepest: who sent it to whom, the packet and offset of its first byte, and every step to it.

Exit codes: 0 found, 1 not found, 2 wrong usage or no input, 3 not found but a capture is damaged.

Examples:
  sekisho hunt --flag challenge.pcapng
  sekisho hunt office.pcapng swordfish
  sekisho hunt -i --xor malware.pcap 'this program cannot'
  sekisho hunt --regex 'captures/*.pcap.gz' '[a-z.]+@example\\.org'
  sekisho hunt --hex dump.pcap 'de ad ?? ef'
  sekisho hunt --json --keylog keys.txt tls.pcap -e token -e secret | jq .path";

/// `sekisho hunt`.
#[derive(Args, Debug)]
#[command(after_help = HUNT_AFTER, override_usage = "sekisho hunt [OPTIONS] <CAPTURE>... <PATTERN>\n       sekisho hunt [OPTIONS] --flag <CAPTURE>...")]
pub struct Hunt {
    /// Flags of every reading verb.
    #[command(flatten)]
    pub common: Common,

    /// Look for this; may be repeated
    #[arg(short = 'e', long = "pattern", value_name = "PATTERN", allow_hyphen_values = true)]
    pub pattern: Vec<String>,

    /// Patterns are regular expressions over bytes (syntax of Rust's regex; . is any byte but a line end)
    #[arg(long, conflicts_with = "hex")]
    pub regex: bool,

    /// Patterns are bytes in hexadecimal; ? stands for any digit
    #[arg(long)]
    pub hex: bool,

    /// Look for flags: flag{...}, CTF{...}, and other word{...} whose content looks made up
    #[arg(long)]
    pub flag: bool,

    /// In upper or lower case
    #[arg(short, long)]
    pub ignore_case: bool,

    /// Also what was XORed with any single byte
    #[arg(long, conflicts_with = "no_decode")]
    pub xor: bool,

    /// Only what stands there as it is: nothing is decoded or unpacked
    #[arg(long)]
    pub no_decode: bool,

    /// Passwords to try on archives, besides those seen in the captures; may be repeated
    #[arg(long, value_name = "PASSWORD", allow_hyphen_values = true)]
    pub password: Vec<String>,

    /// One object for each hit
    #[arg(long, conflicts_with_all = ["count", "flows", "only_matching"])]
    pub json: bool,

    /// Only how many hits there are
    #[arg(short, long, conflicts_with_all = ["flows", "only_matching"])]
    pub count: bool,

    /// Only the flows that have hits
    #[arg(short = 'l', long = "flows-with-matches", conflicts_with = "only_matching")]
    pub flows: bool,

    /// Only what matched
    #[arg(short, long)]
    pub only_matching: bool,

    /// Print so many hits, the first by packets
    #[arg(short, long, value_name = "N")]
    pub max_count: Option<u64>,

    /// Bytes of context before and after a hit
    #[arg(short = 'C', long, value_name = "N", default_value_t = 40)]
    pub context: usize,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `512M`, `2GiB`, `1000`: bytes; K, M, G, T are powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        other => return Err(format!("unknown unit {other:?}; use K, M, G or T")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} is no size; try 512M or 2G"))?;
    number.checked_mul(1 << unit).ok_or_else(|| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn parses_sizes() {
        assert_eq!(parse_size("512M"), Ok(512 << 20));
        assert_eq!(parse_size("1000"), Ok(1000));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert!(parse_size("2X").is_err() && parse_size("G").is_err() && parse_size("99999999T").is_err());
    }
}
