use super::*;
use sekisho_record::Text;
use sekisho_types::{Addr, Arrival, FiveTuple, FlowInfo, Interval, Timestamp, Uid};
use std::collections::BTreeMap;

fn flow(n: u8) -> FlowInfo {
    let tuple = FiveTuple {
        orig: Addr::v4([10, 0, 0, 1]),
        resp: Addr::v4([192, 0, 2, 2]),
        orig_port: 1000 + u16::from(n),
        resp_port: 80,
        proto: 6,
    };
    let uid = Uid::for_flow(&tuple, Timestamp(0), 0);
    FlowInfo { uid, tuple, local_orig: true, ..FlowInfo::default() }
}

fn meta() -> FileMeta {
    FileMeta { source: "HTTP", ..FileMeta::default() }
}

fn part(start: u64, total: u64) -> FileMeta {
    let range = Range { start, total: Some(total), key: Text::from("example.org/big") };
    FileMeta { range: Some(range), ..meta() }
}

fn secs(s: i64) -> Timestamp {
    Timestamp::from_parts(s, 0)
}

/// In packet number `s`, for simplicity.
fn at(s: i64) -> Arrival {
    Arrival { ts: secs(s), packet: s as u64 }
}

fn hashing() -> Limits {
    Limits { hashes: HashSet::ALL, ..Limits::default() }
}

/// Keeps content in memory.
#[derive(Default)]
struct Memory {
    files: BTreeMap<StoreId, Vec<u8>>,
    finished: Vec<IndexEntry>,
    discarded: usize,
    fail: bool,
}

impl Store for Memory {
    fn create(&mut self, fuid: Uid, meta: &FileMeta) -> Option<StoreId> {
        assert!(!fuid.is_none() && !meta.source.is_empty());
        let id = StoreId(self.files.len() as u64);
        self.files.insert(id, Vec::new());
        Some(id)
    }

    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], _: u64) -> bool {
        let file = self.files.get_mut(&id).unwrap();
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        file.resize(file.len().max(end), 0);
        file[start..end].copy_from_slice(bytes);
        !self.fail
    }

    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        let rest = &self.files[&id][offset as usize..];
        let n = rest.len().min(buf.len()).min(777);
        buf[..n].copy_from_slice(&rest[..n]);
        n
    }

    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text> {
        assert_eq!(finished.stored_len, self.files[&id].len() as u64);
        let path = safe_name::for_file(finished.record.fuid, finished.record.name.as_ref().map(|n| n.0.as_slice()));
        self.finished.push(IndexEntry::new(finished, path.clone()));
        Some(path.into())
    }

    fn discard(&mut self, _: StoreId) {
        self.discarded += 1;
    }
}

fn one(manager: &mut FileManager) -> FileRecord {
    let mut rows: Vec<FileRecord> = manager.take_records().collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[test]
fn logs_a_whole_file() {
    let mut m = FileManager::new(hashing(), 0);
    let h = m.open(&flow(1), FileMeta { total_len: Some(3), filename: Some("a.txt".into()), ..meta() });
    m.data(h, at(5), b"ab", &mut NoStore);
    assert_eq!(m.info(h).seen_bytes, 2);
    m.data(h, at(7), b"c", &mut NoStore);
    let s = m.close(h, secs(3), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.ts, r.duration, r.seen_bytes, r.total_bytes), (secs(5), Interval::from_secs(2), 3, Some(3)));
    assert!(r.complete && s.complete && !r.timedout && r.mime_type.is_none());
    assert!(!r.local_orig, "the responder sent it");
    assert_eq!((r.fuid, r.uid, r.tail.one_sided), (s.fuid, flow(1).uid, None));
    let hex = |d: &[u8]| d.iter().map(|b| format!("{b:02x}")).collect::<String>();
    // RFC 1321 A.5 and FIPS 180-2 B.1.
    assert_eq!(hex(&r.md5.unwrap().0), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hex(&r.sha1.unwrap().0), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(hex(&r.sha256.unwrap().0), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(m.stats().open_now, 0);
    assert_eq!(m.close(h, secs(3), true, &mut NoStore), FileSummary::default(), "closed handles are void");
}

#[test]
fn columns_stand_as_in_zeek() {
    use sekisho_record::Record as _;
    let names: Vec<_> = FileRecord::static_schema().fields.iter().filter(|f| !f.ext).map(|f| f.name).collect();
    assert_eq!(
        names.join(" "),
        "ts fuid uid id.orig_h id.orig_p id.resp_h id.resp_p source depth analyzers mime_type filename duration \
         local_orig is_orig seen_bytes total_bytes missing_bytes overflow_bytes timedout parent_fuid md5 sha1 sha256 \
         extracted extracted_cutoff extracted_size"
    );
    let index: Vec<_> = IndexEntry::static_schema().fields.iter().map(|f| f.name).collect();
    assert_eq!(index[..11].join(" "), "path name sha256 sha1 md5 size mime_type protocol uid complete missing");
}

#[test]
fn ftp_names_stand_in_columns_of_their_own() {
    let mut m = FileManager::new(Limits::default(), 0);
    let meta = FileMeta { source: "FTP_DATA", filename: Some("flag.tar".into()), total_len: Some(4), ..meta() };
    let h = m.open(&flow(1), meta);
    m.data(h, at(1), b"abcd", &mut NoStore);
    m.close(h, secs(3), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.filename, r.total_bytes), (None, None));
    assert_eq!((r.name, r.announced_bytes, r.complete), (Some("flag.tar".into()), Some(4), true));
}

#[test]
fn nothing_seen_nothing_logged() {
    let mut m = FileManager::new(Limits::default(), 0);
    let h = m.open(&flow(1), meta());
    m.data(h, at(1), b"", &mut NoStore);
    assert_eq!(m.close(h, secs(3), true, &mut NoStore).seen_bytes, 0);
    assert!(!m.has_records());
}

#[test]
fn a_hole_ends_hashing_and_settles_the_type() {
    let mut m = FileManager::new(hashing(), 0);
    let h = m.open(&flow(1), FileMeta { total_len: Some(120), ..meta() });
    m.data(h, at(1), b"plain text, plain text", &mut NoStore);
    m.gap(h, secs(2), 58, &mut NoStore);
    assert_eq!(m.info(h).mime_type, Some("text/plain"));
    m.data(h, at(3), &[b'x'; 40], &mut NoStore);
    m.close(h, secs(3), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.seen_bytes, r.missing_bytes, r.complete, r.timedout), (62, 58, false, false));
    assert_eq!((r.md5, r.sha1, r.sha256), (None, None, None));

    let h = m.open(&flow(2), meta());
    m.gap(h, secs(2), 10, &mut NoStore);
    m.data(h, at(3), b"plain text, plain text", &mut NoStore);
    m.close(h, secs(3), false, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.mime_type, r.ts, r.timedout, r.complete), (None, secs(2), false, false));

    let h = m.open(&flow(3), meta());
    m.data(h, at(1), b"plain text, plain text", &mut NoStore);
    m.close(h, secs(500), false, &mut NoStore);
    let r = one(&mut m);
    assert!(r.timedout && !r.complete && r.duration == Interval::ZERO, "it stalled before its flow ended");
}

#[test]
fn reads_ocsp_responses_in_any_split() {
    let response = include_bytes!("../../x509/testdata/ocsp-revoked.der");
    for (known_mime, piece) in [(Some("application/ocsp-response"), 7), (None, 1), (None, 100), (None, 9999)] {
        let mut m = FileManager::new(Limits::default(), 0);
        let h = m.open(&flow(1), FileMeta { known_mime, ..meta() });
        for bytes in response.chunks(piece) {
            m.data(h, at(1), bytes, &mut NoStore);
        }
        m.close(h, secs(3), true, &mut NoStore);
        let rows: Vec<_> = m.take_ocsp().collect();
        assert_eq!(rows.len(), 1, "{piece}");
        assert_eq!((rows[0].cert_status, rows[0].serial_number.as_str()), ("revoked", "02"));
        assert_eq!(rows[0].revoketime, Some(Timestamp::from_parts(1_767_225_600, 0)));
    }
}

#[test]
fn headers_of_executables_are_read_in_pieces_and_not_across_holes() {
    let mut exe = vec![0; 0x80];
    exe[..2].copy_from_slice(b"MZ");
    exe[60] = 0x80;
    exe.extend_from_slice(b"PE\0\0\x4c\x01");
    exe.resize(10_000, 0);
    for hole in [None, Some(100)] {
        for piece in [1, 64, 5_000, 10_000] {
            let mut m = FileManager::new(Limits::default(), 0);
            let h = m.open(&flow(1), FileMeta { total_len: Some(10_000), ..meta() });
            let mut sent = 0;
            for (i, part) in exe.chunks(piece).enumerate() {
                if hole.is_some_and(|at| sent >= at && sent < 200) {
                    m.gap(h, secs(i as i64), part.len() as u64, &mut NoStore);
                } else {
                    m.data(h, at(i as i64), part, &mut NoStore);
                }
                sent += part.len();
            }
            m.close(h, secs(20_000), true, &mut NoStore);
            let rows: Vec<PeRecord> = m.take_pe().collect();
            if hole.is_some() && piece < 200 {
                assert!(rows.is_empty(), "{piece}");
            } else {
                assert_eq!(rows[0].machine.as_deref(), Some("I386"), "{piece}");
                // When the first 4096 bytes had passed.
                assert_eq!(rows[0].ts, secs(4_095 / piece as i64), "{piece}");
            }
        }
    }
}

#[test]
fn analyzers_follow_the_type() {
    let mut m = FileManager::new(Limits::default(), 0);
    let h = m.open(&flow(1), meta());
    m.data(h, at(1), b"MZ\x90\0\x03\0\0\0", &mut NoStore);
    m.close(h, secs(3), true, &mut NoStore);
    assert_eq!(one(&mut m).analyzers.0, ["PE"]);
    let known = FileMeta { known_mime: Some("application/ocsp-response"), source: "SSL", ..meta() };
    let h = m.open(&flow(1), known);
    m.data(h, at(1), b"plain text, plain text", &mut NoStore);
    m.close(h, secs(3), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.analyzers.0.as_slice(), r.mime_type), (["OCSP_REPLY"].as_slice(), Some("application/ocsp-response")));
    let h = m.open(&flow(1), FileMeta { unlogged: true, ..meta() });
    m.data(h, at(1), b"certificate", &mut NoStore);
    assert!(!m.close(h, secs(3), true, &mut NoStore).fuid.is_none());
    assert!(!m.has_records());
}

#[test]
fn stalled_files_restart() {
    let mut m = FileManager::new(Limits::default(), 0);
    let h = m.open(&flow(1), FileMeta { source: "FTP_DATA", ..meta() });
    m.data(h, at(0), b"one", &mut NoStore);
    m.data(h, at(1), b"two", &mut NoStore);
    // Looked at after 120 s (active 119 s ago) and after 240 s.
    m.data(h, at(239), b"three", &mut NoStore);
    assert!(!m.has_records());
    let first = m.info(h).fuid;
    m.data(h, at(600), b"four", &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.seen_bytes, r.timedout, r.duration), (11, true, Interval::from_secs(239)));
    assert_ne!(m.info(h).fuid, first);
    m.close(h, secs(601), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.seen_bytes, r.timedout, r.ts), (4, false, secs(600)));
    assert_eq!(m.stats().timed_out, 1);
}

#[test]
fn any_split_gives_the_same_row() {
    let content: Vec<u8> = b"<html>".iter().copied().chain((0..20_000u32).map(|i| (i * 7 % 251) as u8)).collect();
    let run = |size: usize| {
        let limits = Limits { extract: Extract::All, ..hashing() };
        let (mut m, mut store) = (FileManager::new(limits, 3), Memory::default());
        let h = m.open(&flow(1), meta());
        for piece in content.chunks(size) {
            m.data(h, at(1), piece, &mut store);
        }
        m.close(h, secs(3), true, &mut store);
        assert_eq!(store.files[&StoreId(0)], content);
        format!("{:?}", one(&mut m))
    };
    let whole = run(content.len());
    assert!(whole.contains("text/html"));
    for size in [1, 2, 13, 1000, 4095, 4096, 4097, 19_000] {
        assert_eq!(run(size), whole, "by {size}");
    }
}

/// A resource of 1 MiB whose parts come in `order` over different flows.
fn joined(order: &[usize], limits: Limits) -> (Vec<FileRecord>, Memory, Stats) {
    const PART: usize = 128 * 1024;
    let content: Vec<u8> = (0..PART as u32 * 8).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut m, mut store) = (FileManager::new(limits, 0), Memory::default());
    for (n, &i) in order.iter().enumerate() {
        let h = m.open(&flow(n as u8), part((i * PART) as u64, content.len() as u64));
        for piece in content[i * PART..(i + 1) * PART].chunks(1460) {
            m.data(h, at(n as i64), piece, &mut store);
        }
        let s = m.close(h, secs(3), true, &mut store);
        assert!(!s.fuid.is_none());
    }
    m.finish(&mut store);
    assert_eq!(m.stats().open_now, 0);
    for stored in store.files.values() {
        assert!(stored.iter().zip(&content).all(|(a, b)| a == b || *a == 0));
    }
    (m.take_records().collect(), store, m.stats())
}

#[test]
fn ranges_join_in_any_order() {
    let in_order = joined(&[0, 1, 2, 3, 4, 5, 6, 7], hashing()).0;
    assert_eq!(in_order.len(), 8, "one row per flow");
    let first = &in_order[0];
    assert!(first.complete && !first.timedout && first.sha256.is_some());
    assert!(in_order.iter().all(|r| r.fuid == first.fuid && r.seen_bytes == 1 << 20 && r.sha256 == first.sha256));
    // Little out of order: held in memory.
    let swapped = joined(&[1, 0, 3, 2, 5, 4, 7, 6], hashing());
    assert_eq!((swapped.0[0].sha256, swapped.2.held_refused), (first.sha256, 0));
    // Backwards: too much to hold; without a store there is no hash,
    let backwards = joined(&[7, 6, 5, 4, 3, 2, 1, 0], hashing());
    assert!(backwards.0[0].complete && backwards.0[0].sha256.is_none() && backwards.2.held_refused > 0);
    // with one it is read back.
    let limits = Limits { extract: Extract::All, ..hashing() };
    let (rows, store, _) = joined(&[7, 6, 5, 4, 3, 2, 1, 0], limits);
    assert_eq!((rows[0].sha256, rows[0].md5), (first.sha256, first.md5));
    assert_eq!(store.finished.len(), 1);
    assert!(store.finished[0].complete && store.finished[0].missing == 0 && store.finished[0].size == 1 << 20);
}

#[test]
fn ranges_with_holes_time_out() {
    let limits = Limits { extract: Extract::All, ..hashing() };
    let (rows, store, stats) = joined(&[1, 4], limits);
    let r = &rows[0];
    assert_eq!((rows.len(), r.seen_bytes, r.missing_bytes, r.timedout), (2, 256 << 10, 384 << 10, true));
    assert!(!r.complete && r.sha256.is_none() && r.mime_type.is_none());
    assert_eq!(stats.timed_out, 1);
    let entry = &store.finished[0];
    assert_eq!((entry.complete, entry.missing, entry.size), (false, 768 << 10, 640 << 10));
}

#[test]
fn overlapping_ranges_count_once() {
    let mut m = FileManager::new(hashing(), 0);
    let a = m.open(&flow(1), part(0, 10));
    let b = m.open(&flow(2), part(2, 10));
    m.data(a, at(1), b"01234", &mut NoStore);
    m.data(b, at(1), b"23456", &mut NoStore);
    m.data(b, at(2), b"789", &mut NoStore);
    assert_eq!(m.take_records().count(), 2, "whole: ends at once");
    // The server sends on: a new file, as in Zeek.
    m.data(b, at(2), b"more", &mut NoStore);
    m.close(a, secs(3), true, &mut NoStore);
    m.close(b, secs(3), true, &mut NoStore);
    m.finish(&mut NoStore);
    assert_eq!(one(&mut m).seen_bytes, 4);
    assert_eq!(m.stats().open_now, 0);
}

#[test]
fn sweeps_find_stalled_resources() {
    let mut m = FileManager::new(Limits::default(), 0);
    let h = m.open(&flow(1), part(100, 1000));
    m.data(h, at(1), b"abc", &mut NoStore);
    m.close(h, secs(3), true, &mut NoStore);
    m.advance_time(secs(100), &mut NoStore);
    assert!(!m.has_records());
    m.advance_time(secs(131), &mut NoStore);
    assert!(one(&mut m).timedout);
    assert_eq!(m.stats().open_now, 0);
}

#[test]
fn limits_open_files() {
    let mut m = FileManager::new(Limits { open_count: 3, ..Limits::default() }, 0);
    let handles: Vec<_> = (0..5).map(|n| m.open(&flow(n), meta())).collect();
    assert_eq!(handles[3..], [FileHandle::NONE; 2]);
    assert_eq!((m.stats().refused, m.stats().open_now), (2, 3));
    m.data(FileHandle::NONE, at(1), b"x", &mut NoStore);
    assert_eq!(m.close(handles[4], secs(3), true, &mut NoStore), FileSummary::default());
    m.close(handles[0], secs(3), true, &mut NoStore);
    assert_ne!(m.open(&flow(9), meta()), FileHandle::NONE);
    m.finish(&mut NoStore);
    assert_eq!(m.stats().open_now, 0);
}

#[test]
fn limits_extraction() {
    let limits = Limits { extract: Extract::All, extract_file_len: 5, extract_total_len: 8, ..hashing() };
    let (mut m, mut store) = (FileManager::new(limits, 0), Memory::default());
    for n in 0..3 {
        let h = m.open(&flow(n), FileMeta { filename: Some("../x".into()), ..meta() });
        m.data(h, at(1), b"abc", &mut store);
        m.data(h, at(1), b"defg", &mut store);
        m.close(h, secs(3), true, &mut store);
    }
    let rows: Vec<_> = m.take_records().collect();
    let sizes: Vec<_> = rows.iter().map(|r| (r.extracted_size, r.extracted_cutoff)).collect();
    assert_eq!(sizes, [(Some(5), Some(true)), (Some(3), Some(true)), (Some(0), Some(true))]);
    assert!(rows.iter().all(|r| r.sha256.is_some() && r.complete), "the file itself is whole");
    assert_eq!((m.stats().extract_cut_off, m.stats().extracted_len), (3, 8));
    assert!(store.finished.iter().all(|e| !e.complete && e.cut_off && e.path.ends_with("-x")));
}

#[test]
fn a_failing_store_is_given_up() {
    let limits = Limits { extract: Extract::All, ..hashing() };
    let (mut m, mut store) = (FileManager::new(limits, 0), Memory { fail: true, ..Memory::default() });
    let h = m.open(&flow(1), meta());
    m.data(h, at(1), b"abc", &mut store);
    m.data(h, at(1), b"def", &mut store);
    m.close(h, secs(3), true, &mut store);
    let r = one(&mut m);
    assert!(r.extracted.is_none() && r.sha256.is_some());
    assert_eq!((store.discarded, m.stats().store_failed), (1, 1));
}

#[test]
fn ids_are_stable_and_unique() {
    let ids = |seed| {
        let mut m = FileManager::new(Limits::default(), seed);
        let mut ids = Vec::new();
        for n in [1, 2, 1, 1] {
            let h = m.open(&flow(n), meta());
            ids.push(m.info(h).fuid);
        }
        ids
    };
    let a = ids(1);
    assert_eq!(a, ids(1));
    assert_ne!(a, ids(2));
    let mut unique = a.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), a.len());
}

#[test]
fn limits_memory_and_gives_it_all_back() {
    let mut m = FileManager::new(Limits { held_len: 64 << 10, ..hashing() }, 0);
    let plain = m.open(&flow(1), meta());
    m.data(plain, at(1), b"GIF89a", &mut NoStore);
    let mut far: Vec<_> = (2..12u8).map(|n| m.open(&flow(n), part(u64::from(n) << 20, 1 << 30))).collect();
    for _ in 0..20 {
        for h in &far {
            m.data(*h, at(1), &[1; 1000], &mut NoStore);
        }
    }
    far.extend((12..30u8).map(|n| m.open(&flow(n), meta())));
    let stats = m.stats();
    assert!(stats.refused > 0 && stats.held_refused > 0, "{stats:?}");
    assert!(stats.held_len < 80 << 10, "{stats:?}");
    assert!(m.take_peak() as u64 >= stats.held_len);
    m.data(plain, at(1), &[0; 10_000], &mut NoStore);
    let gif = m.close(plain, secs(2), true, &mut NoStore);
    assert_eq!((gif.mime_type, gif.seen_bytes), (Some("image/gif"), 10_006), "files at hand go on");
    for h in far {
        m.close(h, secs(2), true, &mut NoStore);
    }
    m.finish(&mut NoStore);
    for n in 1..200 {
        m.flow_ended(flow(n).uid);
    }
    assert_eq!((m.stats().held_len, m.held_len()), (0, 0));
}

#[test]
fn pieces_at_offsets_come_in_any_order() {
    let mut m = FileManager::new(Limits { extract: Extract::All, ..hashing() }, 0);
    let mut store = Memory::default();
    let h = m.open(&flow(1), FileMeta { random_access: true, ..meta() });
    for (offset, piece) in [(3, "def"), (0, "abc"), (2, "cd"), (6, "g")] {
        m.data_at(h, at(1), (offset, true), piece.as_bytes(), &mut store);
    }
    m.close(h, secs(1), true, &mut store);
    let r = one(&mut m);
    assert_eq!((r.seen_bytes, r.missing_bytes, r.overflow_bytes, r.complete), (7, 0, 0, true));
    assert_eq!(store.files[&StoreId(0)], b"abcdefg");
    assert!(r.sha256.is_some());

    let h = m.open(&flow(1), FileMeta { random_access: true, total_len: Some(100), ..meta() });
    m.data_at(h, at(2), (90, false), b"01234", &mut NoStore);
    m.data_at(h, at(3), (95, true), b"56789", &mut NoStore);
    m.data_at(h, at(4), (0, false), b"x", &mut NoStore);
    m.close(h, secs(5), true, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.seen_bytes, r.missing_bytes, r.complete, r.sha256), (11, 89, false, None));
    assert_eq!((r.ts, r.duration, r.timedout), (secs(3), Interval::ZERO, false));

    let h = m.open(&flow(1), FileMeta { random_access: true, ..meta() });
    m.data_at(h, at(4), (0, false), b"x", &mut NoStore);
    m.close(h, secs(5), false, &mut NoStore);
    let r = one(&mut m);
    assert_eq!((r.ts, r.complete, r.timedout), (secs(5), false, true));
}

/// What was told of the files of one run: their holes and packets.
fn kept(run: impl FnOnce(&mut FileManager, &mut Memory)) -> Vec<(Vec<u8>, Option<String>, u64, u64, u64)> {
    let (mut m, mut store) = (FileManager::new(Limits { extract: Extract::All, ..hashing() }, 0), Memory::default());
    run(&mut m, &mut store);
    m.finish(&mut store);
    let told = |(entry, bytes): (&IndexEntry, &Vec<u8>)| {
        (bytes.clone(), entry.holes.clone(), entry.missing, entry.first_packet, entry.last_packet)
    };
    store.finished.iter().zip(store.files.values()).map(told).collect()
}

#[test]
fn holes_stay_holes_in_what_is_kept() {
    let told = kept(|m, store| {
        let h = m.open(&flow(1), FileMeta { total_len: Some(20), ..meta() });
        m.gap(h, secs(1), 2, store);
        m.data(h, at(7), b"cd", store);
        m.gap(h, secs(2), 1, store);
        m.gap(h, secs(2), 2, store);
        // Out of order, as far as packets go.
        m.data(h, at(5), b"hi", store);
        m.data(h, at(9), b"jk", store);
        m.close(h, secs(9), false, store);
    });
    assert_eq!(told, [(b"\0\0cd\0\0\0hijk".to_vec(), Some("0-2,4-7,11-20".into()), 14, 5, 9)]);
    let whole = kept(|m, store| {
        let h = m.open(&flow(1), FileMeta { total_len: Some(4), ..meta() });
        m.data(h, at(3), b"ab", store);
        m.data(h, at(4), b"cd", store);
        m.close(h, secs(5), true, store);
    });
    assert_eq!(whole, [(b"abcd".to_vec(), None, 0, 3, 4)]);
    // Nothing came behind the last hole.
    let torn = kept(|m, store| {
        let h = m.open(&flow(1), meta());
        m.data(h, at(3), b"ab", store);
        m.gap(h, secs(4), 30, store);
        m.close(h, secs(5), true, store);
    });
    assert_eq!(torn, [(b"ab".to_vec(), Some("2-32".into()), 30, 3, 3)]);
}

#[test]
fn holes_between_parts_are_told() {
    let told = kept(|m, store| {
        let (a, b) = (m.open(&flow(1), part(10, 40)), m.open(&flow(2), part(30, 40)));
        m.data(b, at(2), b"12345", store);
        m.data(a, at(3), b"abc", store);
        m.gap(a, secs(4), 3, store);
        m.data(a, at(4), b"ghi", store);
        m.close(a, secs(5), true, store);
        m.close(b, secs(5), true, store);
    });
    let mut content = vec![0; 35];
    content[10..13].copy_from_slice(b"abc");
    content[16..19].copy_from_slice(b"ghi");
    content[30..].copy_from_slice(b"12345");
    assert_eq!(told, [(content, Some("0-10,13-16,19-30,35-40".into()), 29, 2, 4)]);
}

#[test]
fn limits_holes_and_says_how_many_there_are() {
    let (mut m, mut store) = (FileManager::new(Limits { extract: Extract::All, ..hashing() }, 0), Memory::default());
    let h = m.open(&flow(1), meta());
    for _ in 0..MAX_HOLES + 10 {
        m.data(h, at(1), b"x", &mut store);
        m.gap(h, secs(1), 1, &mut store);
    }
    assert!(m.stats().held_len >= (MAX_HOLES * 16) as u64, "they count as memory");
    m.close(h, secs(2), true, &mut store);
    let entry = &store.finished[0];
    assert_eq!(entry.holes.as_ref().map(|h| h.split(',').count()), Some(MAX_HOLES));
    assert_eq!((entry.holes_more, entry.missing), (10, MAX_HOLES as u64 + 10));
    // What is not kept needs no list.
    let mut m = FileManager::new(hashing(), 0);
    let h = m.open(&flow(1), meta());
    m.data(h, at(1), b"x", &mut NoStore);
    let before = m.stats().held_len;
    m.gap(h, secs(1), 1, &mut NoStore);
    assert!(m.stats().held_len <= before);
}
