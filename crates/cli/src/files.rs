//! `sekisho files`.

use crate::arena::Arena;
use crate::args::Files;
use crate::drive::Outcome;
use crate::flows::Flows;
use crate::ground::Ground;
use crate::kept::{Kept, KeptList};
use crate::passwords::{self, Passwords};
use crate::scan::{self, Scan};
use crate::signatures::Signatures;
use crate::spool::{DiskSpool, SPOOL_LEN_MAX};
use crate::store::Folder;
use crate::tree::{self, Tree};
use crate::unpack::{Totals, Unpacking};
use crate::{drive, input};
use anyhow::{Context, Result};
use sekisho_engine::{Settings, Tap, Worker};
use sekisho_files::{Extract, HashSet, MemberEntry};
use sekisho_output::{JsonEncoder, JsonStyle};
use sekisho_record::Record;
use sekisho_unpack::{Limits, MEMBER_LEN_MAX, MemberId, PASSWORD_COUNT_MAX, TOTAL_LEN_MAX};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

/// Buffer of standard output and of `members.ndjson`.
const OUT_LEN: usize = 64 << 10;

/// True if a capture was damaged.
pub fn run(args: &Files) -> Result<bool> {
    let mut settings = input::settings(&args.common)?;
    settings.files.hashes = HashSet::ALL;
    settings.files.extract = Extract::All;
    settings.files.extract_file_len = args.max_size.unwrap_or(settings.files.extract_file_len.min(DEFAULT_SIZE));
    settings.files.extract_total_len = args.max_total;
    let given = passwords::given(&args.password, &args.passwords)?;
    // Before anything is read: who mistyped a rule's name shouldn't have to wait for it.
    let signatures = signatures(args)?;
    let mut flows = Flows::new(args.common.seed);
    let wants_tree = args.tree || args.unpack || signatures.is_some();
    let Some(output) = &args.output else {
        let mut arena = Arena::new(args.common.seed).context("cannot make a temporary file")?;
        let (outcome, heard) = pass(args, settings, wants_tree.then_some(&mut flows), &mut arena)?;
        if let Some(e) = arena.failed.take() {
            return Err(e).context("cannot write to a temporary file");
        }
        let kept = std::mem::take(&mut arena.kept);
        unpack(args, &outcome, &flows, kept, None, (Passwords::new(given, heard), signatures))?;
        return Ok(outcome.damaged);
    };
    let to = || format!("cannot write to {}", output.display());
    let mut folder = Folder::new(output, args.common.seed).with_context(to)?;
    folder.list = wants_tree.then(KeptList::default);
    let (outcome, heard) = pass(args, settings, wants_tree.then_some(&mut flows), &mut folder)?;
    let kept = folder.finish().with_context(to)?;
    if !args.common.quiet {
        let files = outcome.stats.files;
        eprintln!("sekisho: {kept} files in {}", output.display());
        if files.extract_cut_off > 0 {
            eprintln!("sekisho: {} files were cut at --max-size or --max-total", files.extract_cut_off);
        }
    }
    if let Some(list) = folder.list.take() {
        unpack(args, &outcome, &flows, list, Some(folder.ground()), (Passwords::new(given, heard), signatures))?;
    }
    Ok(outcome.damaged)
}

/// Largest file that is extracted, unless the user says otherwise.
const DEFAULT_SIZE: u64 = 1 << 30;

/// Reads the captures; what it was like, and the passwords that were heard in clear.
fn pass(
    args: &Files,
    mut settings: Settings,
    mut flows: Option<&mut Flows>,
    store: &mut dyn Tap,
) -> Result<(Outcome, Vec<Vec<u8>>)> {
    let captures = input::open(&args.common)?;
    let heard = Arc::new(sekisho_proto::Passwords::default());
    settings.passwords = flows.is_some().then(|| Arc::clone(&heard));
    let mut rows = |row: &dyn Record| {
        if let Some(flows) = &mut flows {
            flows.row(row);
        }
    };
    // One folder and one index for all flows: one shard.
    let worker = Worker::with_shards(settings, 1);
    let outcome = drive::drive(&args.common, captures, worker, &mut rows, store, || true);
    Ok((outcome, heard.list()))
}

/// Looks into the files, tells their members, and writes them if that is wanted.
fn unpack(
    args: &Files,
    outcome: &Outcome,
    flows: &Flows,
    mut kept: KeptList,
    mut ground: Option<&mut Ground>,
    (passwords, signatures): (Passwords, Option<Signatures>),
) -> Result<()> {
    let extracted_len = outcome.stats.files.extracted_len;
    let left = args.max_total.saturating_sub(extracted_len);
    let limits = Limits {
        depth: args.max_depth,
        members: args.max_members,
        ratio: args.max_ratio,
        member_len: args.max_size.unwrap_or(MEMBER_LEN_MAX),
        total_len: args.max_size.unwrap_or(TOTAL_LEN_MAX).max(TOTAL_LEN_MAX).min(left),
        ..Limits::default()
    };
    let spool = match &args.output {
        Some(output) => DiskSpool::new(output, SPOOL_LEN_MAX),
        None => DiskSpool::temporary(SPOOL_LEN_MAX),
    };
    let mut rows = match &ground {
        Some(ground) => Some(MemberRows::new(ground)?),
        None => None,
    };
    let mut tree = args.tree.then(|| tree(args, &passwords));
    let mut unpacking = Unpacking::new(limits, left, &passwords, spool, rows.is_some() || args.json);
    unpacking.scan = match signatures {
        Some(signatures) => Some(scan(args, signatures, ground.as_deref())?),
        None => None,
    };
    sort(&mut kept.files, flows);
    if let Some(tree) = &mut tree {
        tree.begin(&args.common.captures)?;
    }
    let mut flow_files = kept.files.chunk_by(|a, b| a.entry.uid == b.entry.uid).peekable();
    while let Some(files) = flow_files.next() {
        let last_flow = flow_files.peek().is_none();
        let flow = files.first().and_then(|file| flows.get(file.entry.uid));
        if let Some(tree) = &mut tree {
            tree.flow(flow, files, last_flow)?;
        }
        for (i, file) in files.iter().enumerate() {
            let unpacked = unpacking.file(file, ground.as_deref_mut(), args.unpack);
            if let (Some(rows), Some(unpacked)) = (&mut rows, &unpacked) {
                for id in (0..).map(MemberId).take(unpacked.nodes.len()) {
                    if let Some(row) = tree::row(file, unpacked, id, &passwords) {
                        rows.write(&row).context("cannot write members.ndjson")?;
                    }
                }
            }
            if let Some(tree) = &mut tree {
                tree.file(file, unpacked.as_ref(), i + 1 == files.len(), last_flow)?;
            }
        }
    }
    if let Some(rows) = rows {
        rows.finish().context("cannot write members.ndjson")?;
    }
    let totals = unpacking.totals;
    if let Some(tree) = tree {
        tree.finish(&totals)?;
    }
    if let Some(scan) = unpacking.scan {
        scan.finish()?.say(args.common.quiet);
    }
    say(args, &totals, kept.left_out, passwords.words().len());
    match totals.failure {
        Some(why) if totals.unwritten > 0 => anyhow::bail!("{} members were not written; {why}", totals.unwritten),
        _ => Ok(()),
    }
}

/// What `--yara` and `--hashes` name.
fn signatures(args: &Files) -> Result<Option<Signatures>> {
    if args.yara.is_empty() && args.hashes.is_empty() {
        return Ok(None);
    }
    let limits = sekisho_signature::Limits {
        content_len: args.scan_size,
        time: (args.scan_time > 0).then(|| Duration::from_secs(args.scan_time)),
        ..sekisho_signature::Limits::default()
    };
    Signatures::load(&args.yara, &args.hashes, limits, args.common.quiet).map(Some)
}

fn scan(args: &Files, signatures: Signatures, ground: Option<&Ground>) -> Result<Scan> {
    let rows: Option<Box<dyn Write>> = match ground {
        Some(ground) => {
            let file = ground.create("matches.ndjson").context("cannot write matches.ndjson")?;
            Some(Box::new(BufWriter::with_capacity(OUT_LEN, file)))
        }
        None => None,
    };
    // The tree is written in one piece; what was found in it comes after it.
    let told = if args.tree { scan::Told::later() } else { scan::Told::now() };
    Ok(Scan::new(signatures, args.scan_size, told, args.json, rows, args.common.seed))
}

/// By flow, in the order in which flows and in them files began.
fn sort(files: &mut [Kept], flows: &Flows) {
    files.sort_by_cached_key(|file| {
        let entry = &file.entry;
        let flow_ts = flows.get(entry.uid).map_or(entry.ts, |flow| flow.ts);
        (flow_ts, entry.uid, entry.ts, entry.fuid)
    });
}

fn tree<'t>(args: &Files, passwords: &'t Passwords) -> Tree<'t> {
    let out = Box::new(BufWriter::with_capacity(OUT_LEN, io::stdout().lock()));
    if args.json {
        return Tree::json(out, passwords);
    }
    let colour = args.color.colours();
    Tree::text(out, colour, passwords)
}

/// What was cut, and what failed, on standard error.
fn say(args: &Files, totals: &Totals, left_out: u64, password_count: usize) {
    if !args.common.quiet {
        if !args.tree {
            eprintln!("sekisho: {} members in {} files, {} written", totals.members, totals.files, totals.written);
        }
        let cuts: Vec<String> = totals.cuts().map(|(cut, count)| format!("{} ({count})", cut.about())).collect();
        if !cuts.is_empty() {
            eprintln!("sekisho: limits of unpacking left something out: {}", cuts.join(", "));
        }
        if left_out > 0 {
            eprintln!("sekisho: {left_out} files were not unpacked: too many");
        }
        if password_count > PASSWORD_COUNT_MAX {
            eprintln!("sekisho: only the first {PASSWORD_COUNT_MAX} of {password_count} passwords were tried");
        }
        if totals.unspooled > 0 {
            eprintln!("sekisho: {} contents had no room among the temporary files", totals.unspooled);
        }
    }
    if totals.unread > 0 {
        eprintln!("sekisho: {} files could not be read back", totals.unread);
    }
    if let (Some(why), 0) = (&totals.failure, totals.unwritten) {
        eprintln!("sekisho: {why}");
    }
}

/// `members.ndjson`.
struct MemberRows {
    out: BufWriter<std::fs::File>,
    encoder: JsonEncoder,
    line: Vec<u8>,
}

impl MemberRows {
    fn new(ground: &Ground) -> Result<Self> {
        let file = ground.create("members.ndjson").context("cannot write members.ndjson")?;
        Ok(Self {
            out: BufWriter::with_capacity(OUT_LEN, file),
            encoder: JsonEncoder::new(MemberEntry::static_schema(), JsonStyle::Zeek),
            line: Vec::new(),
        })
    }

    fn write(&mut self, row: &MemberEntry) -> io::Result<()> {
        self.line.clear();
        self.encoder.encode(row, &mut self.line);
        self.out.write_all(&self.line)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
