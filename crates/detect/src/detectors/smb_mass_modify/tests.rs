use super::*;
use crate::testing::{Cell, Line, addr, between, judge, of};
use sekisho_finding::Finding;

const ENDS: (&str, &str) = ("10.0.0.5", "10.0.0.2");

/// What was done to a file.
#[derive(Clone, Default)]
struct Use {
    name: String,
    before: Option<String>,
    created: bool,
    deleted: bool,
    size: u64,
    read: Option<(u64, u64)>,
    written: Option<(u64, u64)>,
    text: Option<u64>,
}

impl Use {
    fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Bytes read of a file of `size`, with that entropy.
    fn read(self, size: u64, entropy: u64) -> Self {
        Self { size, read: Some((size, entropy)), ..self }
    }

    fn written(self, len: u64, entropy: u64) -> Self {
        Self { written: Some((len, entropy)), ..self }
    }

    fn line(&self, at: f64) -> Line {
        let mut columns = vec![
            ("until", Cell::Time(at)),
            ("path", Cell::Text(b"\\\\fs\\data".to_vec())),
            ("name", Cell::Text(self.name.clone().into())),
            ("created", Cell::Flag(self.created)),
            ("deleted", Cell::Flag(self.deleted)),
            ("size", Cell::Count(self.size)),
            ("packet", Cell::Count(7)),
        ];
        if let Some(before) = &self.before {
            columns.push(("prev_name", Cell::Text(before.clone().into())));
        }
        if let Some((len, entropy)) = self.read {
            columns.extend([("read_len", Cell::Count(len)), ("read_entropy", Cell::Count(entropy))]);
        }
        if let Some((len, entropy)) = self.written {
            columns.extend([("written_len", Cell::Count(len)), ("written_entropy", Cell::Count(entropy))]);
        }
        if let Some(digest) = self.text {
            columns.extend([
                ("written_len", Cell::Count(900)),
                ("written_digest", Cell::Count(digest)),
                ("written_text", Cell::Flag(true)),
            ]);
        }
        between("smb_use", at, ENDS, &columns)
    }
}

/// One after the other, so many seconds apart.
fn judged(uses: &[Use], apart: f64) -> Vec<Finding> {
    let lines: Vec<Line> = uses.iter().enumerate().map(|(n, u)| u.line(1_000.0 + n as f64 * apart)).collect();
    of(&judge(&lines), "smb-mass-modify")
}

fn name(n: u32) -> String {
    format!("dir{}\\file{n}.doc", n % 6)
}

fn encrypted(count: u32) -> Vec<Use> {
    (0..count).map(|n| Use::of(name(n)).read(50_000, 5_000).written(50_100, 7_900)).collect()
}

fn renamed(count: u32, ext: &str) -> Vec<Use> {
    (0..count).map(|n| Use { before: Some(name(n)), ..Use::of(format!("{}.{ext}", name(n))) }).collect()
}

fn notes(dirs: u32) -> Vec<Use> {
    let note = |n| Use { created: true, text: Some(77), ..Use::of(format!("dir{n}\\README.txt")) };
    (0..dirs).map(note).collect()
}

#[test]
fn an_extortioner() {
    // S-36: 40 files read and overwritten, renamed, a note in six directories.
    let all = judged(&[encrypted(40), renamed(40, "xyz1"), notes(6)].concat(), 0.2);
    let codes: Vec<String> = all.iter().map(Finding::code).collect();
    assert_eq!(codes.len(), 3, "{codes:?}");
    for code in ["encrypt", "rename-ext", "note"] {
        assert!(codes.contains(&format!("smb-mass-modify/{code}")), "{codes:?}");
    }
    assert!(all.iter().all(|f| (f.severity, f.confidence) == (Severity::Critical, Confidence::percent(90))));
    assert!(all.iter().all(|f| (f.subject, f.stage) == (addr(ENDS.0), Stage::Impact)));
    let encrypt = all.iter().find(|f| f.code().ends_with("/encrypt")).unwrap();
    // Known before more than ten files are lost, within twenty seconds.
    assert!(encrypt.measures[1].value() < 20.0 && encrypt.measures[0].value() == 40.0, "{:?}", encrypt.measures);
    assert!(encrypt.quotes[0].text.starts_with("dir0\\file0.doc: entropy 5.0 → 7.9, dir1"), "{:?}", encrypt.quotes);
}

/// As S-36 tells it: while files are rewritten under new names, the note comes into each directory with the first of them.
#[test]
fn a_note_among_rewritten_files() {
    let uses: Vec<Use> = (0..40)
        .flat_map(|n| {
            let file = Use { before: Some(name(n)), ..Use::of(format!("{}.xyz1", name(n))) };
            let file = file.read(50_000, 5_000).written(50_000, 7_900);
            let note = Use { created: true, text: Some(77), ..Use::of(format!("dir{n}\\README.txt")) };
            [Some(file), (n < 6).then_some(note)]
        })
        .flatten()
        .collect();
    let codes: Vec<String> = judged(&uses, 0.3).iter().map(Finding::code).collect();
    let all = ["encrypt", "rename-ext", "note"].map(|code| format!("smb-mass-modify/{code}"));
    assert!(codes.len() == 3 && all.iter().all(|code| codes.contains(code)), "{codes:?}");
    // Files that were there before are no notes: a server says which it made.
    let there: Vec<Use> = uses.into_iter().map(|u| Use { created: false, ..u }).collect();
    assert_eq!(judged(&there, 0.3).len(), 2);
}

#[test]
fn one_sign_alone() {
    for (uses, code, severity) in [
        (encrypted(10), "encrypt", Severity::Critical),
        (renamed(10, "locked"), "rename-ext", Severity::Critical),
        (notes(5), "note", Severity::Critical),
        ((0..200).map(|n| Use { deleted: true, ..Use::of(name(n)) }).collect(), "delete", Severity::Medium),
    ] {
        let all = judged(&uses, 0.2);
        assert_eq!(all.len(), 1, "{code}");
        assert_eq!((all[0].code(), all[0].severity), (format!("smb-mass-modify/{code}"), severity));
    }
    // Read in one go and written in another; written beside the old one, which is deleted.
    let twice: Vec<Use> = (0..10)
        .flat_map(|n| {
            [Use::of(name(n)).read(50_000, 5_000), Use { size: 50_000, ..Use::of(name(n)).written(50_000, 7_900) }]
        })
        .collect();
    assert_eq!(judged(&twice, 0.2).len(), 1);
    let beside: Vec<Use> = (0..10)
        .flat_map(|n| {
            let new = Use { created: true, ..Use::of(format!("{}.enc9", name(n))).written(50_100, 7_900) };
            [Use::of(name(n)).read(50_000, 5_000), new, Use { deleted: true, ..Use::of(name(n)) }]
        })
        .collect();
    assert_eq!(judged(&beside, 0.2).len(), 1);
}

#[test]
fn nearly() {
    let part = |u: Use| Use { written: Some((20_000, 7_900)), ..u };
    let deleted = |n| Use { deleted: true, ..Use::of(name(n)) };
    for (uses, apart) in [
        (encrypted(9), 0.2),
        (encrypted(40), 7.0),
        (encrypted(40).into_iter().map(part).collect(), 0.2),
        (renamed(9, "locked"), 0.2),
        (renamed(40, "locked"), 7.0),
        (renamed(40, "bak"), 0.2),
        (notes(4), 0.2),
        (notes(20), 20.0),
        ((0..190).map(deleted).collect(), 0.2),
    ] {
        let all = judged(&uses, apart);
        assert!(all.is_empty(), "{all:?}");
    }
}

#[test]
fn ordinary() {
    let photos: Vec<Use> = (0..60).map(|n| Use::of(name(n)).read(50_000, 7_950).written(45_000, 7_940)).collect();
    // A folder is packed: much is read, one file is written.
    let mut packed: Vec<Use> = (0..60).map(|n| Use::of(name(n)).read(50_000, 5_000)).collect();
    packed.push(Use { created: true, ..Use::of("all.zip").written(3_000_000, 7_990) });
    // Copies beside the originals, which stay.
    let copies: Vec<Use> = (0..30)
        .flat_map(|n| {
            let new = Use { created: true, ..Use::of(format!("{}.gpg", name(n))).written(50_100, 7_900) };
            [Use::of(name(n)).read(50_000, 5_000), new]
        })
        .collect();
    // Texts that are edited; a tree with equal files in it, and others.
    let texts: Vec<Use> = (0..60).map(|n| Use::of(name(n)).read(50_000, 5_000).written(50_000, 5_100)).collect();
    let tree: Vec<Use> = (0..20u64)
        .flat_map(|n| {
            let file = |name: String, digest| Use { created: true, text: Some(digest), ..Use::of(name) };
            [
                file(format!("d{n}\\LICENSE"), 5),
                file(format!("d{n}\\a.rs"), 100 + n),
                file(format!("d{n}\\b.rs"), 900 + n),
            ]
        })
        .collect();
    let ini: Vec<Use> =
        (0..20).map(|n| Use { created: true, text: Some(5), ..Use::of(format!("d{n}\\Desktop.ini")) }).collect();
    let moved: Vec<Use> =
        (0..60).map(|n| Use { before: Some(format!("old{n}.qqq")), ..Use::of(format!("new{n}.qqq")) }).collect();
    for uses in [photos, packed, copies, texts, tree, ini, moved] {
        let all = judged(&uses, 0.2);
        assert!(all.is_empty(), "{all:?}");
    }
}

#[test]
fn by_sizes_alone() {
    let hidden = |pairs, sizes| {
        let columns = [
            ("until", Cell::Time(1_050.0)),
            ("pairs", Cell::Count(pairs)),
            ("sizes", Cell::Count(sizes)),
            ("read_len", Cell::Count(1_000_000)),
        ];
        of(&judge(&[between("smb_hidden", 1_000.0, ENDS, &columns)]), "smb-mass-modify")
    };
    let all = hidden(20, 10);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("smb-mass-modify/encrypt", Severity::Medium));
    assert_eq!(all[0].confidence, Confidence::percent(40));
    assert!(hidden(19, 19).is_empty() && hidden(400, 2).is_empty(), "few; a file that is copied");
}

#[test]
fn limits_what_is_kept() {
    let mut uses = [encrypted(2_000), notes(500)].concat();
    uses.extend((0..2_000).flat_map(|n| renamed(1, &format!("e{n}"))));
    uses.extend((0..500).map(|n| Use { created: true, text: Some(n), ..Use::of(format!("n{n}\\x.txt")) }));
    let lines: Vec<Line> = uses.iter().map(|u| u.line(1_000.0)).collect();
    let spent = judge(&lines).spent;
    let own = spent.iter().find(|s| s.id == "smb-mass-modify").unwrap();
    assert!(own.held_len < 16 << 10, "{}", own.held_len);
    let mut detector = MassModify::new(&Scope::default());
    for n in 0..20_000u32 {
        detector.pairs.at((Addr::v4(n.to_be_bytes()), addr(ENDS.1)), Box::default);
    }
    assert!(detector.forgotten() > 14_000 && detector.held_len() < 8 << 20);
}
