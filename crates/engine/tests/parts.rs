//! A pass in parts gives the rows of a pass in one go, in the same order, however the frames come and whichever
//! part is first.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Balance, Dealing, Found, Key, KeyedRows, Part, Settings, Slice, Worker, finish, parts};
use sekisho_files::NoStore;
use sekisho_proto::{Fact, Remembered};
use sekisho_record::{Record, for_each};
use sekisho_wire::filter::Filter;
use std::path::PathBuf;
use std::sync::Arc;

fn captures() -> Vec<PathBuf> {
    sekisho_testkit::stored_captures(&["goldens", "examples"])
}

fn text(row: &dyn Record) -> String {
    let mut out = row.schema().log.to_owned();
    for_each(row, &mut |field, value| out += &format!(" {}={value:?}", field.name));
    out
}

fn batches(path: &[&PathBuf]) -> Vec<Arc<Batch>> {
    let mut captures = Captures::open(path).expect("opens");
    let mut all = Vec::new();
    loop {
        let mut batch = Batch::new();
        if !captures.fill(&mut batch) {
            return all;
        }
        all.push(Arc::new(batch));
    }
}

fn in_one_go(batches: &[Arc<Batch>], settings: Settings) -> Vec<String> {
    let mut worker = Worker::new(settings);
    let mut out = Vec::new();
    let mut rows = |r: &dyn Record| out.push(text(r));
    for batch in batches {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    out
}

/// Rows of a slice, to be put in order.
#[derive(Default)]
struct Collected {
    rows: Vec<(Key, Vec<Fact>, String)>,
    remembered: Remembered,
    out: Vec<String>,
}

impl KeyedRows for Collected {
    fn row(&mut self, key: Key, facts: &[Fact], _: u64, record: &dyn Record) {
        self.rows.push((key, facts.to_vec(), text(record)));
    }
}

impl Collected {
    fn put(&mut self) {
        self.rows.sort_by_key(|r| r.0);
        for (_, facts, row) in self.rows.drain(..) {
            if facts.is_empty() || self.remembered.is_any_new(&facts) {
                self.out.push(row);
            }
        }
    }
}

/// Slices of at most `len` frames; parts in an order that `salt` decides.
fn in_parts(batches: &[Arc<Batch>], settings: Settings, len: usize, salt: usize) -> Vec<String> {
    let (mut dealing, mut balance, mut all) = parts(settings);
    let mut collected = Collected::default();
    let mut slice = Slice::default();
    for batch in batches {
        let mut from = 0;
        while from < batch.len() {
            from = dealing.deal(batch, from, &mut slice);
            if slice.is_closed() || slice.len() >= len {
                work(&mut dealing, &mut balance, &mut all, &slice, &mut collected, salt);
                slice.clear();
            }
        }
    }
    work(&mut dealing, &mut balance, &mut all, &slice, &mut collected, salt);
    let now = dealing.now();
    while let Some(oldest) = all.iter_mut().filter_map(|p| p.close(now, &mut collected)).min() {
        for part in &mut all {
            part.end_flows(oldest + 7, &mut collected);
        }
        collected.put();
    }
    finish(&mut all, now, &mut |r: &dyn Record| collected.out.push(text(r)));
    collected.out
}

fn work(
    dealing: &mut Dealing,
    balance: &mut Balance,
    parts: &mut [Part],
    slice: &Slice,
    collected: &mut Collected,
    salt: usize,
) {
    let order: Vec<usize> = (0..parts.len()).map(|i| (i * 7 + salt) % parts.len()).collect();
    let mut found: Vec<Found> = Vec::new();
    for &i in &order {
        parts[i].carriers(slice, collected, &mut found);
    }
    let mut leaves: Vec<Vec<Found>> = parts.iter().map(|_| Vec::new()).collect();
    for stage in 1.. {
        let mut next: Vec<Vec<Found>> = parts.iter().map(|_| Vec::new()).collect();
        for f in found.drain(..) {
            let to = if f.stage().is_some() { &mut next } else { &mut leaves };
            to[f.shard()].push(f);
        }
        if next.iter().all(Vec::is_empty) {
            break;
        }
        for &i in &order {
            parts[i].found(slice, stage, std::mem::take(&mut next[i]), collected, &mut found);
        }
    }
    for &i in &order {
        parts[i].leaves(slice, std::mem::take(&mut leaves[i]), collected);
    }
    if slice.ends_epoch() {
        balance.epoch(parts.iter_mut());
        for &i in &order {
            parts[i].obey(slice, collected);
        }
        if let Some(report) = balance.report(slice, parts.iter_mut()) {
            report.put(collected);
        }
    }
    if slice.meets() {
        dealing.meet(parts);
    }
    collected.put();
}

fn assert_same(what: &str, want: &[String], got: &[String]) {
    if let Some(i) = (0..want.len().max(got.len())).find(|&i| want.get(i) != got.get(i)) {
        panic!("{what}, row {i}:\n- {:?}\n+ {:?}", want.get(i), got.get(i));
    }
}

#[test]
fn parts_give_the_rows_of_one_go_in_order() {
    for path in captures() {
        let batches = batches(&[&path]);
        let want = in_one_go(&batches, Settings::default());
        for (len, salt) in [(usize::MAX, 0), (1, 3), (5, 11)] {
            let got = in_parts(&batches, Settings::default(), len, salt);
            assert_same(&format!("{} in slices of {len}", path.display()), &want, &got);
        }
    }
}

#[test]
fn all_captures_as_one_timeline_too() {
    let paths = captures();
    let batches = batches(&paths.iter().collect::<Vec<_>>());
    let want = in_one_go(&batches, Settings::default());
    assert!(want.len() > 300, "{} rows", want.len());
    for (len, salt) in [(usize::MAX, 5), (100, 0)] {
        assert_same(&format!("slices of {len}"), &want, &in_parts(&batches, Settings::default(), len, salt));
    }
}

#[test]
fn with_a_filter_and_checksums_too() {
    let paths = captures();
    let batches = batches(&paths.iter().collect::<Vec<_>>());
    let filter = Filter::parse("udp or tcp port 21 or greater 300").expect("a filter");
    let settings = Settings { filter: Some(filter), checksums: true, ..Settings::default() };
    let want = in_one_go(&batches, settings.clone());
    assert!(want.len() > 150, "{} rows", want.len());
    assert_same("filtered", &want, &in_parts(&batches, settings, 64, 9));
}
