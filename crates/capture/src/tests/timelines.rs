use super::all;
use super::build::*;
use crate::{Captures, Error};
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that goes when the test does.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sekisho-capture-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("sub")).unwrap();
        Self(path)
    }
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn order(captures: &mut Captures) -> Vec<(i64, u8, u32)> {
    all(captures).iter().map(|g| (g.ts / 1_000_000_000, g.data[0], g.source)).collect()
}

#[test]
fn merges_by_time() {
    let a = simple_pcap(&[(1, 10), (5, 11), (5, 12), (9, 13)]);
    let b = simple_pcap(&[(2, 20), (5, 21), (7, 22)]);
    let c = simple_pcap(&[(20, 30), (19, 31)]);
    let parts = [("c", Cursor::new(c)), ("a", Cursor::new(a)), ("b", Cursor::new(b))];
    let mut captures = Captures::from_readers(parts);
    let expected = [
        (1, 10, 1),
        (2, 20, 2),
        (5, 11, 1),
        (5, 12, 1),
        (5, 21, 2),
        (7, 22, 2),
        (9, 13, 1),
        (20, 30, 0),
        // Within one capture the order of the file stands, even where time goes back.
        (19, 31, 0),
    ];
    assert_eq!(order(&mut captures), expected);
    let ids: Vec<_> = captures.interfaces().map(|(s, i)| (s.path.to_str().unwrap().to_owned(), i.id)).collect();
    assert_eq!(ids.len(), 3);
    let mut numbers: Vec<_> = ids.iter().map(|(_, id)| *id).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
}

#[test]
fn files_and_memory_agree() {
    let dir = Dir::new();
    let file = |start: u32| simple_pcap(&(0..2000).map(|n| (start + n * 3, n as u8)).collect::<Vec<_>>());
    let files = [file(5000), file(1), file(2), file(20_000)];
    let paths: Vec<_> = files.iter().enumerate().map(|(n, f)| dir.put(&n.to_string(), f)).collect();
    let mut on_disk = Captures::open(&paths).unwrap();
    let mut in_memory = Captures::from_readers(files.into_iter().map(|f| ("m", Cursor::new(f))));
    let got = order(&mut on_disk);
    assert_eq!(got.len(), 8000);
    assert!(got.is_sorted_by_key(|g| g.0));
    assert_eq!(got, order(&mut in_memory));
    let progress = on_disk.progress();
    assert_eq!(progress.total_len(), Some(4 * (24 + 2000 * 76)));
    assert_eq!(Some(progress.read_len()), progress.total_len());
    assert_eq!(in_memory.progress().total_len(), None);
}

#[test]
fn limits_open_files() {
    let dir = Dir::new();
    let count = crate::MAX_OPEN_FILES as u32 + 40;
    for n in 0..count {
        // All overlap, and none fits into its read-ahead.
        let packets: Vec<_> = (0..1500).map(|p| (n + p * 1000, p as u8)).collect();
        dir.put(&format!("{n:04}.pcap"), &simple_pcap(&packets));
    }
    let mut captures = Captures::open(&[&dir.0]).unwrap();
    let got = order(&mut captures);
    assert_eq!(got.len(), count as usize * 1500);
    assert!(got.is_sorted_by_key(|g| g.0));
}

#[test]
fn finds_captures_in_directories_and_patterns() {
    let dir = Dir::new();
    dir.put("b.pcap", &simple_pcap(&[(2, 2)]));
    dir.put("a.pcapng", &rich_pcapng(End::Big));
    dir.put("notes.txt", b"no capture");
    dir.put("empty", b"");
    dir.put("sub/c.bin", &simple_pcap(&[(3, 3)]));
    let names = |c: &Captures| {
        let all = c.infos().iter();
        all.map(|i| i.path.strip_prefix(&dir.0).unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let captures = Captures::open(&[&dir.0]).unwrap();
    assert_eq!(names(&captures), ["a.pcapng", "b.pcap", "sub/c.bin"]);
    assert_eq!(captures.skipped_count(), 2);
    let captures = Captures::open(&[dir.0.join("*.pcap*")]).unwrap();
    assert_eq!(names(&captures), ["a.pcapng", "b.pcap"]);
    let captures = Captures::open(&[dir.0.join("**/[bc].*"), dir.0.join("b.pcap")]).unwrap();
    assert_eq!(names(&captures), ["b.pcap", "sub/c.bin"]);
    assert_eq!(captures.duplicate_count(), 1);
    assert!(matches!(Captures::open(&[dir.0.join("*.none")]), Err(Error::NoMatch(_))));
    assert!(matches!(Captures::open(&[dir.0.join("none.pcap")]), Err(Error::Io { .. })));
    assert!(matches!(Captures::open(&[dir.0.join("[")]), Err(Error::Pattern { .. })));
    fs::remove_file(dir.0.join("sub/c.bin")).unwrap();
    assert!(matches!(Captures::open(&[dir.0.join("sub")]), Err(Error::EmptyDirectory(_))));
}

#[test]
fn damaged_captures_do_not_stop_the_others() {
    let dir = Dir::new();
    let cut = simple_pcap(&[(1, 1), (3, 3)]);
    let paths = [
        dir.put("text", b"not a capture at all, but named"),
        dir.put("cut", &cut[..cut.len() - 1]),
        dir.put("good", &simple_pcap(&[(2, 2), (4, 4)])),
    ];
    let mut captures = Captures::open(&paths).unwrap();
    assert_eq!(order(&mut captures), [(1, 1, 1), (2, 2, 2), (4, 4, 2)]);
    let told: Vec<_> = captures.infos().iter().map(|i| i.damage.as_ref().map(ToString::to_string)).collect();
    let cut = "cut off inside a record at byte 100";
    assert_eq!(told, [Some("not a capture file".into()), Some(cut.into()), None]);
}

#[test]
fn a_growing_file_is_read_as_far_as_it_goes() {
    let dir = Dir::new();
    let whole = simple_pcap(&[(1, 1), (2, 2), (3, 3)]);
    let path = dir.put("growing", &whole[..110]);
    let mut captures = Captures::open(&[&path]).unwrap();
    // It grows between the opening and the reading.
    dir.put("growing", &whole[..180]);
    assert_eq!(order(&mut captures), [(1, 1, 0), (2, 2, 0)]);
    assert_eq!(captures.infos()[0].damage.as_ref().unwrap().offset, 176);
}
