//! `sekisho hunt`: a pattern looked for in everything that crossed, and in what was packed or encoded in it.

mod ledger;
mod print;
mod rows;
mod scratch;
mod seek;

use crate::args::Hunt as Args;
use crate::{drive, input, passwords};
use anyhow::{Result, bail};
use hashbrown::{HashMap, HashSet};
use ledger::{Entry, Ledger, Source};
use print::Paint;
use seek::{Core, FILE_LEN_MAX, Keys};
use sekisho_capture::Frame;
use sekisho_engine::{Tap, Watch, Worker};
use sekisho_files::{Extract, Finished, Store, StoreId};
use sekisho_flow::Moment;
use sekisho_hunt::{Hunt, Options, Pattern};
use sekisho_record::{FileMeta, Record, Text};
use sekisho_types::{Dir, FiveTuple, FlowInfo, SeededState, Uid, ip_proto};
use sekisho_wire::Decoded;
use std::cell::RefCell;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// Something was found.
const FOUND: u8 = 0;
/// Nothing was found, and everything was searched.
const NOTHING: u8 = 1;
/// Nothing was found, but a capture is damaged.
const DAMAGED: u8 = 3;

/// The exit code.
pub fn run(args: &Args) -> Result<u8> {
    let (common, texts) = split(args)?;
    let patterns = patterns(args, &texts)?;
    let options = Options {
        ignore_case: args.ignore_case,
        decode: !args.no_decode,
        xor: args.xor,
        context_len: args.context.min(2048),
    };
    let hunt = Hunt::new(patterns.clone(), options)?;
    let bare = Hunt::new(patterns, Options { decode: false, xor: false, ..options })?;
    let captures = input::open(&common)?;
    let mut settings = input::settings(&common)?;
    settings.watch = Watch::Streams;
    settings.files.extract = Extract::All;
    settings.files.extract_file_len = FILE_LEN_MAX;
    settings.files.extract_total_len = u64::MAX;
    let printer = Rc::new(RefCell::new(Printer::new(args, &hunt, common.seed)));
    let told = Rc::clone(&printer);
    let tell = Box::new(move |ledger: &Ledger, entries: Vec<Entry>| told.borrow_mut().take(ledger, entries));
    let heard = Arc::new(sekisho_proto::Passwords::default());
    settings.passwords = (!args.no_decode).then(|| Arc::clone(&heard));
    let keys = Keys::new(passwords::given(&args.password, &[])?, heard);
    let core = Rc::new(RefCell::new(Core::new(hunt, bare, common.seed, keys, tell)));
    let mut fields = rows::Rows::new(Rc::clone(&core), common.seed);
    let mut watcher = Watcher { core: Rc::clone(&core) };
    let mut each = |row: &dyn Record| fields.row(row);
    let outcome = drive::drive(&common, captures, Worker::with_shards(settings, 1), &mut each, &mut watcher, || {
        !printer.borrow().failed()
    });
    fields.finish();
    core.borrow_mut().settle(true);
    let names_cut = fields.names_cut;
    let core = core.borrow();
    let mut printer = printer.borrow_mut();
    printer.finish()?;
    if !common.quiet {
        limits(&core, names_cut, &printer);
    }
    Ok(match (printer.found, outcome.damaged) {
        (0, true) => DAMAGED,
        (0, false) => NOTHING,
        _ => FOUND,
    })
}

/// Tells the captures from the pattern: the last word, or the first if only the last one is a capture, as grep's users write.
fn split(args: &Args) -> Result<(crate::args::Common, Vec<String>)> {
    let mut common = args.common.clone();
    let mut texts = args.pattern.clone();
    if texts.is_empty() && !args.flag {
        if common.captures.len() < 2 {
            bail!("hunt: give a PATTERN after the captures, or -e PATTERN, or --flag");
        }
        let exists = |c: Option<&String>| c.is_some_and(|c| c == "-" || Path::new(c).exists());
        let swapped = exists(common.captures.last()) && !exists(common.captures.first());
        let at = if swapped { 0 } else { common.captures.len() - 1 };
        texts.push(common.captures.remove(at));
    }
    Ok((common, texts))
}

fn patterns(args: &Args, texts: &[String]) -> Result<Vec<Pattern>> {
    let mut all = Vec::new();
    for text in texts {
        all.push(if args.regex {
            Pattern::regex(text, args.ignore_case)?
        } else if args.hex {
            Pattern::hex(text)?
        } else {
            Pattern::fixed(text)?
        });
    }
    if args.flag {
        all.push(Pattern::flag());
    }
    Ok(all)
}

/// What limits left out: one line each.
fn limits(core: &Core, names_cut: u64, printer: &Printer) {
    let cuts = core.cuts;
    let all = [
        (cuts.hits, "windows of 16 KiB or contents with more hits than are told"),
        (cuts.decoding, "windows in which not all that looks encoded was decoded"),
        (cuts.seams, "streams searched in parts, because too many were open at a time"),
        (cuts.contents, "contents searched or kept only to a limit"),
        (cuts.unpacking, "contents not unpacked to the end"),
        (cuts.encrypted, "encrypted members that no password opened (--password)"),
        (core.ledger.early, "hits told before their flows ended; they may be told twice"),
        (names_cut, "names not joined with others of their domain"),
        (printer.left_out, "further hits beyond --max-count"),
    ];
    for (count, what) in all.iter().filter(|c| c.0 > 0) {
        eprintln!("sekisho: {count} {what}");
    }
}

/// What leaves the program.
struct Printer {
    out: BufWriter<io::Stdout>,
    hunt: Hunt,
    how: How,
    paint: Paint,
    max_count: u64,
    /// Hits so far.
    found: u64,
    /// Of them not printed.
    left_out: u64,
    flows: HashSet<Option<Uid>, SeededState>,
    failed: Option<io::Error>,
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Count,
    Flows,
    Json,
    Only,
    Text,
}

impl Printer {
    fn new(args: &Args, hunt: &Hunt, seed: u64) -> Self {
        let how = match () {
            () if args.count => How::Count,
            () if args.flows => How::Flows,
            () if args.json => How::Json,
            () if args.only_matching => How::Only,
            () => How::Text,
        };
        let colour = args.color.colours();
        Self {
            out: BufWriter::new(io::stdout()),
            hunt: hunt.clone(),
            how,
            paint: Paint::new(colour),
            max_count: args.max_count.unwrap_or(u64::MAX),
            found: 0,
            left_out: 0,
            flows: HashSet::with_hasher(SeededState(seed)),
            failed: None,
        }
    }

    /// Nobody takes what is printed.
    fn failed(&self) -> bool {
        self.failed.is_some()
    }

    fn take(&mut self, ledger: &Ledger, entries: Vec<Entry>) {
        let mut counts: HashMap<Option<Uid>, u64, SeededState> = HashMap::with_hasher(SeededState(0));
        if self.how == How::Flows {
            entries.iter().for_each(|e| *counts.entry(e.flow).or_default() += 1);
        }
        for entry in entries {
            self.found += 1;
            if self.how == How::Flows && !self.flows.insert(entry.flow) || self.failed() || self.how == How::Count {
                continue;
            }
            if self.found > self.max_count && self.how != How::Flows {
                self.left_out += 1;
                continue;
            }
            let line = match self.how {
                How::Count => continue,
                How::Flows => {
                    let count = counts.get(&entry.flow).copied().unwrap_or(1);
                    let hits = if count == 1 { "1 hit".to_owned() } else { format!("{count} hits") };
                    format!("{}  {hits}\n", print::flow_line(ledger, &entry, self.paint))
                }
                How::Json => print::json(ledger, &self.hunt, &entry),
                How::Only => print::only(&entry, self.paint),
                How::Text => print::text(ledger, &entry, self.paint),
            };
            self.failed = self.out.write_all(line.as_bytes()).err();
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.how == How::Count {
            let count = self.found.min(self.max_count);
            writeln!(self.out, "{count}")?;
        }
        match self.failed.take() {
            Some(e) => Err(e),
            None => self.out.flush(),
        }
    }
}

/// The engine's side of the search.
struct Watcher {
    core: Rc<RefCell<Core>>,
}

impl Store for Watcher {
    fn create(&mut self, _: Uid, _: &FileMeta) -> Option<StoreId> {
        Some(self.core.borrow_mut().create())
    }

    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], packet: u64) -> bool {
        self.core.borrow_mut().write_at(id, offset, bytes, packet)
    }

    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        self.core.borrow().read_at(id, offset, buf)
    }

    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text> {
        let r = finished.record;
        let tuple = FiveTuple {
            orig: r.orig_h,
            resp: r.resp_h,
            orig_port: r.orig_p.0,
            resp_port: r.resp_p.0,
            proto: ip_proto::TCP,
        };
        let community_id = sekisho_types::CommunityId::new(&tuple, 0);
        let info = FlowInfo { tuple, uid: r.uid, community_id, first_ts: r.ts, ..FlowInfo::default() };
        let name = r.filename.as_ref().or(r.name.as_ref()).map(|n| String::from_utf8_lossy(&n.0).into_owned());
        self.core.borrow_mut().finish_file(id, info, r.is_orig, name.as_deref());
        None
    }

    fn discard(&mut self, id: StoreId) {
        self.core.borrow_mut().discard(id);
    }
}

impl Tap for Watcher {
    fn frame(&mut self, frame: &Frame<'_>, decoded: &Decoded) {
        self.core.borrow_mut().frame(frame.number, frame.ts, frame.data, decoded.ip_version != 0);
    }

    fn packet(&mut self, packet: u64, uid: Uid) {
        self.core.borrow_mut().packet(packet, uid);
    }

    fn stream(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        self.core.borrow_mut().bytes(flow, dir, Source::Stream, Some(offset), bytes, at.source);
    }

    fn datagram(&mut self, flow: &FlowInfo, dir: Dir, bytes: &[u8], at: Moment) {
        self.core.borrow_mut().bytes(flow, dir, Source::Datagram, None, bytes, at.source);
    }

    fn clear(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        self.core.borrow_mut().bytes(flow, dir, Source::Decrypted, Some(offset), bytes, at.source);
    }

    fn closed(&mut self, flow: &FlowInfo, _: Moment) {
        self.core.borrow_mut().closed(flow);
    }
}
