//! `sekisho packets`: flows cut out again, with comments that lead back to the logs.

use crate::args::{Common, Packets};
use crate::{drive, input};
use anyhow::{Context, Result, bail};
use hashbrown::{HashMap, HashSet};
use sekisho_capture::{Batch, Captures, PcapngWriter};
use sekisho_engine::{Settings, Tap, Watch, Worker};
use sekisho_files::Store;
use sekisho_record::{Record, Value, for_each};
use sekisho_types::{SeededState, Uid};
use sekisho_wire::filter::Filter;
use sekisho_wire::{LinkType, decode};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Flows whose first packet gets a comment; beyond, packets are written without.
const MAX_COMMENTED_FLOWS: usize = 1 << 20;

/// What the first pass finds out.
struct Chosen {
    /// Uids asked for; empty: every flow.
    wanted: HashSet<String, SeededState>,
    /// Frames of the wanted flows, if any were asked for; sorted before use.
    frames: Vec<u64>,
    /// First frame and first uid that it begins.
    firsts: HashMap<Uid, u64, SeededState>,
    uid: (Uid, bool),
}

impl Store for Chosen {}

impl Tap for Chosen {
    fn packet(&mut self, packet: u64, uid: Uid) {
        // Packets come in runs of one flow: the text is compared once per run.
        if self.uid.0 != uid {
            self.uid = (uid, self.wanted.is_empty() || self.wanted.contains(&uid.to_string()));
        }
        if !self.uid.1 {
            return;
        }
        if !self.wanted.is_empty() {
            self.frames.push(packet);
        }
        if self.firsts.len() < MAX_COMMENTED_FLOWS {
            let first = self.firsts.entry(uid).or_insert(packet);
            *first = packet.min(*first);
        }
    }
}

/// True if a capture was damaged.
pub fn run(args: &Packets) -> Result<bool> {
    let common = &args.common;
    if args.uid.is_empty() && common.filter.is_none() {
        bail!("packets: say which, with --uid or --filter");
    }
    let piped = common.captures.iter().any(|c| is_piped(c));
    if piped && !args.uid.is_empty() {
        bail!("packets: --uid reads the captures twice, which standard input and pipes can't give");
    }
    let state = SeededState(common.seed);
    let mut wanted = HashSet::with_hasher(state);
    wanted.extend(args.uid.iter().cloned());
    let mut chosen =
        Chosen { wanted, frames: Vec::new(), firsts: HashMap::with_hasher(state), uid: (Uid::default(), false) };
    let mut comments: HashMap<u64, String, SeededState> = HashMap::with_hasher(state);
    if !piped {
        comments = find(common, &mut chosen)?;
        let lost: Vec<&str> = missing(&chosen);
        if !lost.is_empty() {
            bail!("packets: no flow {} in the captures", lost.join(", "));
        }
    }
    let filter = common.filter.as_deref().map(Filter::parse).transpose()?;
    let captures = input::open(common)?;
    if let Some(input) = captures.infos().iter().find(|i| is_same_file(&i.path, &args.output)) {
        bail!("packets: {} is one of the captures; write to another file", input.path.display());
    }
    let to = || format!("cannot write {}", args.output.display());
    let out: Box<dyn Write> = match args.output.to_str() {
        Some("-") => Box::new(io::stdout()),
        _ => Box::new(File::create(&args.output).with_context(to)?),
    };
    let (written, captures) =
        write(captures, BufWriter::with_capacity(1 << 18, out), &chosen, &comments, filter.as_ref())
            .with_context(to)?;
    if !common.quiet {
        eprintln!("sekisho: {written} packets");
    }
    Ok(captures.infos().iter().any(|i| i.damage.is_some()))
}

/// Can it be read only once?
fn is_piped(capture: &str) -> bool {
    capture == "-" || fs::metadata(capture).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// Are both the same file on disk, whatever their names?
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Uids that no packet had.
fn missing(chosen: &Chosen) -> Vec<&str> {
    let seen: Vec<String> = chosen.firsts.keys().map(Uid::to_string).collect();
    chosen.wanted.iter().filter(|w| !seen.contains(w)).map(String::as_str).collect()
}

/// The first pass: which frames, and a comment for each flow's first.
fn find(common: &Common, chosen: &mut Chosen) -> Result<HashMap<u64, String, SeededState>> {
    let mut about: HashMap<Uid, String, SeededState> = HashMap::with_hasher(SeededState(common.seed));
    let wanted = chosen.wanted.clone();
    let mut rows = |row: &dyn Record| {
        if row.schema().log == "conn" && about.len() < MAX_COMMENTED_FLOWS {
            let (uid, text) = describe(row);
            if wanted.is_empty() || wanted.contains(&uid.to_string()) {
                about.insert(uid, text);
            }
        }
    };
    let settings = Settings { watch: Watch::Packets, ..input::settings(common)? };
    let worker = Worker::with_shards(settings, 1);
    drive::drive(common, input::open(common)?, worker, &mut rows, chosen, || true);
    chosen.frames.sort_unstable();
    chosen.frames.dedup();
    let mut comments: HashMap<u64, String, SeededState> = HashMap::with_hasher(SeededState(common.seed));
    let mut firsts: Vec<(u64, Uid)> = chosen.firsts.iter().map(|(uid, n)| (*n, *uid)).collect();
    firsts.sort_unstable();
    for (frame, uid) in firsts {
        let text = about.get(&uid).cloned().unwrap_or_else(|| format!("flow {uid}"));
        let comment = comments.entry(frame).or_default();
        if !comment.is_empty() {
            comment.push('\n');
        }
        comment.push_str(&text);
    }
    Ok(comments)
}

/// A flow in one line, from its conn row.
fn describe(row: &dyn Record) -> (Uid, String) {
    const COLUMNS: &[&str] = &["proto", "service", "conn_state", "history", "orig_bytes", "resp_bytes", "missed_bytes"];
    let (mut uid, mut ends, mut facts) = (Uid::default(), [const { String::new() }; 4], String::new());
    for_each(row, &mut |field, value| {
        let text = match value {
            Value::Uid(u) if field.name == "uid" => {
                uid = u;
                return;
            }
            Value::Unset | Value::List(_) => return,
            Value::Str(s) => String::from_utf8_lossy(s).into_owned(),
            Value::Enum(s) => s.to_owned(),
            Value::Addr(a) => a.to_string(),
            Value::Port(p) => p.to_string(),
            Value::Count(n) => n.to_string(),
            _ => return,
        };
        match field.name {
            "id.orig_h" => ends[0] = text,
            "id.orig_p" => ends[1] = text,
            "id.resp_h" => ends[2] = text,
            "id.resp_p" => ends[3] = text,
            name if COLUMNS.contains(&name) => facts.push_str(&format!(" {name}={text}")),
            _ => {}
        }
    });
    let [orig, orig_port, resp, resp_port] = ends;
    (uid, format!("flow {uid} {orig} {orig_port} > {resp} {resp_port}{facts}"))
}

/// The second pass: the chosen frames as they were captured. Decryption secrets are left behind.
fn write(
    mut captures: Captures,
    out: BufWriter<Box<dyn Write>>,
    chosen: &Chosen,
    comments: &HashMap<u64, String, SeededState>,
    filter: Option<&Filter>,
) -> io::Result<(u64, Captures)> {
    let mut writer = PcapngWriter::new(out, &["cut out by sekisho packets"])?;
    let mut batch = Batch::new();
    let mut written = 0;
    while captures.fill(&mut batch) {
        for (i, frame) in batch.frames().enumerate() {
            let fits = filter.is_none_or(|f| {
                f.matches(&decode(LinkType(frame.link_type), frame.data, frame.orig_len), frame.orig_len)
            });
            let asked = chosen.wanted.is_empty() || chosen.frames.binary_search(&frame.number).is_ok();
            if !fits || !asked {
                continue;
            }
            let interface = captures.interfaces().find(|(_, n)| n.id == frame.interface).map(|(_, n)| n);
            let own = comments.get(&frame.number).map(String::as_bytes);
            writer.frame(&frame, interface, batch.comments(i).chain(own))?;
            written += 1;
        }
    }
    writer.finish()?;
    Ok((written, captures))
}
