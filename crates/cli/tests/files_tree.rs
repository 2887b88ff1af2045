//! `files --tree`, `--unpack`, `--password`: what is told, what is written, and that nothing is written elsewhere.

mod common;
mod served;

use common::{root, sekisho};
use sekisho_testkit::{Conversation, Dir, pcap};
use sekisho_types::Interval;
use serde_json::Value;
use served::{Bench, names, response, sha256, tar};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("")
}

/// Paths of what was extracted, without the file's own part, which depends on ids.
fn places(rows: &[Value]) -> Vec<String> {
    let paths = rows.iter().filter(|row| row["member"] != 0).map(|row| text(row, "extracted"));
    paths.map(|path| path.split_once(".d/").map_or("", |(_, rest)| rest).to_owned()).collect()
}

#[test]
fn a_flag_is_shown_with_its_whole_way() {
    let capture = root().join("examples/ctf-ftp.pcap");
    let dir = tempfile::tempdir().expect("tempdir");
    let run = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["files", "--tree"]).args(flags).arg(&capture);
        let out = command.env("TMPDIR", dir.path()).current_dir(dir.path()).output().expect("starts");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(names(dir.path()), [""; 0], "nothing stays behind");
        String::from_utf8(out.stdout).expect("UTF-8")
    };
    let plain = run(&[]);
    let line = |word: &str| plain.lines().find(|l| l.contains(word)).expect("a line").to_owned();
    assert!(plain.lines().next().is_some_and(|l| l.ends_with("ctf-ftp.pcap")), "{plain}");
    assert!(line("10.44.0.20:50011").contains("tcp ftp-data") && line("10.44.0.20:50011").contains(" UTC"), "{plain}");
    assert!(
        line("flag.tar").starts_with("   └─ flag.tar")
            && line("flag.tar").contains("tar archive, 20 kB, complete, packet")
    );
    assert!(line("tar:readme.txt").starts_with("      ├─ "), "{plain}");
    assert!(line("tar:inner.tar").starts_with("      └─ "), "{plain}");
    assert!(line("tar:secret.txt").starts_with("         └─ "), "{plain}");
    assert!(line("base64").starts_with("            └─ base64  text, 35 B  sha256 73858a9c8824ff11…"), "{plain}");
    assert!(plain.ends_with("2 files in 2 flows; 4 members; 3 levels deep\n"), "{plain}");
    let coloured = run(&["--color", "always"]);
    assert!(coloured.contains("\x1b[1m") && !plain.contains('\x1b'));
    let rows = run(&["--json"]);
    let rows: Vec<Value> = rows.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let kinds: Vec<_> = rows.iter().map(|row| text(row, "_path")).collect();
    assert_eq!(
        kinds,
        ["flows", "index", "flows", "index", "members", "members", "members", "members", "members", "unpacked"]
    );
    let leaf = &rows[8];
    assert_eq!(text(leaf, "path"), "tar:inner.tar → tar:secret.txt → base64");
    assert_eq!((&leaf["member"], &leaf["parent"], &leaf["offset"]), (&4.into(), &3.into(), &0.into()));
    assert_eq!(rows[9]["members"], 4);
}

#[test]
fn a_folder_is_needed_except_for_the_tree() {
    let capture = root().join("examples/ctf-ftp.pcap");
    for flags in [&["files"][..], &["files", "--unpack"], &["files", "--json", "-o", "x"]] {
        assert_eq!(sekisho(flags, &[&capture]).status.code(), Some(2), "{flags:?}");
    }
}

#[test]
fn members_lie_beside_their_parents() {
    let inner = tar(&[(b"secret.txt", b'0', "", b"ZmxhZ3tuZXN0ZWRfYW5kX2ZvdW5kfQ==\n")]);
    let outer =
        tar(&[(b"readme", b'0', "", b"words"), (b"sub/inner.tar", b'0', "", &inner), (b"empty", b'0', "", b"")]);
    let bench = Bench::new(&[("outer.tar", &outer), ("plain.txt", b"nothing in it")]);
    let (tree, rows) = bench.unpack(&[]);
    assert_eq!(
        places(&rows),
        ["readme", "sub/inner.tar", "sub/inner.tar.d/secret.txt", "sub/inner.tar.d/secret.txt.d/base64.text", "empty",]
    );
    let flag = &rows[4];
    assert_eq!(text(flag, "sha256"), sha256(b"flag{nested_and_found}"));
    assert_eq!((text(flag, "sha1").len(), text(flag, "md5").len()), (40, 32));
    assert!(tree.ends_with("2 files in 2 flows; 5 members; 3 levels deep; 5 written\n"), "{tree}");
    let files = bench.files();
    assert_eq!(files.len(), 2 + 2 + 5, "index, members, two files, five members");
    let again = bench.unpack(&[]);
    assert_eq!((again.0, bench.files()), (tree, files), "a second run changes nothing");
}

#[test]
fn hostile_names_stay_inside() {
    let long = [&b"d".repeat(120)[..], b"/", &b"n".repeat(100)].concat();
    let archive = tar(&[
        (b"../../../../tmp/up", b'0', "", b"1"),
        (b"/etc/cron.d/job", b'0', "", b"2"),
        (b"..\\..\\windows\\x", b'0', "", b"3"),
        (b"C:\\autoexec.bat", b'0', "", b"4"),
        (b"link", b'2', "/etc", b""),
        (b"link/passwd", b'0', "", b"5"),
        (b"hard", b'1', "../../in.pcap", b""),
        (b"hard", b'0', "", b"6"),
        (b"device", b'3', "", b""),
        (b"pipe", b'6', "", b""),
        (b"a", b'0', "", b"7"),
        (b"A", b'0', "", b"8"),
        (b"a", b'0', "", b"9"),
        (b"a/b", b'0', "", b"10"),
        (b"con", b'0', "", b"11"),
        (b"nul.txt", b'0', "", b"12"),
        (b"dots. . .", b'0', "", b"13"),
        (b".hidden", b'0', "", b"14"),
        ("\u{202e}gpj.exe".as_bytes(), b'0', "", b"15"),
        (b"\x1b]0;title\x07", b'0', "", b"16"),
        (b"index.ndjson", b'0', "", b"17"),
        (&long, b'0', "", b"18"),
        (b"..", b'0', "", b"19"),
    ]);
    let bench = Bench::new(&[("hostile.tar", &archive)]);
    let (tree, rows) = bench.unpack(&[]);
    let long = format!("{}/{}", "d".repeat(120), "n".repeat(100));
    let expected = [
        "tmp/up",
        "etc/cron.d/job",
        "windows/x",
        "autoexec.bat",
        "",
        "link/passwd",
        "",
        "hard",
        "",
        "",
        "a",
        "A (2)",
        "a (3)",
        "a (4)/b",
        "_con",
        "_nul.txt",
        "dots",
        "hidden",
        "gpj.exe",
        "0_title_",
        "index.ndjson",
        long.as_str(),
    ];
    let mut places = places(&rows);
    assert!(places.pop().is_some_and(|last| last.starts_with("tar-") && !last.contains('/')), "the one called ..");
    assert_eq!(places, expected);
    let forms: Vec<_> = rows.iter().map(|r| text(r, "form")).filter(|f| *f != "file").collect();
    assert_eq!(forms, ["symlink", "hardlink", "device", "device"]);
    assert_eq!(text(&rows[5], "target"), "/etc");
    assert!(tree.contains("tar:link → /etc  symbolic link, not made"), "{tree}");
    assert!(!tree.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{tree:?}");
    assert_eq!(bench.files().len(), 3 + 19);
}

#[test]
fn links_planted_between_runs_are_not_followed() {
    let archive = tar(&[(b"dir/file", b'0', "", b"content"), (b"top", b'0', "", b"more")]);
    let bench = Bench::new(&[("x.tar", &archive)]);
    bench.unpack(&[]);
    let files = bench.files();
    let outside = tempfile::tempdir().expect("tempdir");
    fs::write(outside.path().join("file"), "precious").expect("write");
    let plant = |at: &str, to: &std::path::Path| {
        let at = bench.out().join(at);
        let _ = fs::remove_file(&at);
        let _ = fs::remove_dir_all(&at);
        symlink(to, &at).expect("link");
    };
    let find = |end: &str| files.keys().find(|name| name.ends_with(end)).expect("a file").clone();
    let dir = find("dir/file");
    plant(dir.strip_suffix("/file").expect("a folder"), outside.path());
    plant(&find("/top"), &outside.path().join("file"));
    plant("members.ndjson", &outside.path().join("file"));
    plant("index.ndjson", &outside.path().join("file"));
    plant(&find("x.tar"), &outside.path().join("file"));
    plant(&format!(".{}.part", find("x.tar").replace("x.tar", "unnamed")), &outside.path().join("file"));
    bench.unpack(&[]);
    assert_eq!(bench.files(), files, "as before");
    assert_eq!(names(outside.path()), ["file"]);
    assert_eq!(fs::read_to_string(outside.path().join("file")).expect("there"), "precious");
    // And the whole folder of members.
    let folder = dir.strip_suffix("/dir/file").expect("a folder");
    plant(folder, outside.path());
    bench.unpack(&[]);
    assert_eq!((bench.files(), names(outside.path())), (files, vec!["file".to_owned()]));
}

/// ZIP's first cipher (APPNOTE §6.1).
fn zip_crypto(password: &[u8], clear: &[u8]) -> Vec<u8> {
    let step =
        |crc: u32, byte: u8| (0..8).fold(crc ^ u32::from(byte), |c, _| c >> 1 ^ (0xedb8_8320 & (c & 1).wrapping_neg()));
    let mut keys = [0x1234_5678_u32, 0x2345_6789, 0x3456_7890];
    let update = |keys: &mut [u32; 3], byte: u8| {
        keys[0] = step(keys[0], byte);
        keys[1] = keys[1].wrapping_add(keys[0] & 0xff).wrapping_mul(0x0808_8405).wrapping_add(1);
        keys[2] = step(keys[2], (keys[1] >> 24) as u8);
    };
    password.iter().for_each(|b| update(&mut keys, *b));
    let encrypt = |byte: &u8| {
        let t = (keys[2] | 2) as u16;
        let out = byte ^ (t.wrapping_mul(t ^ 1) >> 8) as u8;
        update(&mut keys, *byte);
        out
    };
    clear.iter().map(encrypt).collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| c >> 1 ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

/// A stored, encrypted member in an archive of its own.
fn locked(password: &str, content: &[u8]) -> Vec<u8> {
    let crc = crc32(content);
    let clear = [&[7u8; 11][..], &crc.to_le_bytes()[3..], content].concat();
    let packed = zip_crypto(password.as_bytes(), &clear);
    let fields = [
        &[20, 0, 1, 0, 0, 0, 0, 0, 0, 0][..],
        &crc.to_le_bytes(),
        &(packed.len() as u32).to_le_bytes(),
        &(content.len() as u32).to_le_bytes(),
        &[1, 0, 0, 0],
    ]
    .concat();
    let local = [b"PK\x03\x04", &fields[..], b"s", &packed].concat();
    let central = [b"PK\x01\x02\x14\0", &fields[..], &[0; 14], b"s"].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

#[test]
fn passwords_open_what_is_locked() {
    let content = b"the minutes of the meeting";
    let (usual, given) = (locked("infected", content), locked("correct horse", content));
    let bench = Bench::new(&[("usual.zip", &usual), ("given.zip", &given)]);
    let found = |flags: &[&str]| {
        let (tree, rows) = bench.unpack(flags);
        let member = |i: usize| {
            let row = rows.iter().filter(|row| row["member"] == 1).nth(i).expect("a member").clone();
            let hit = row["sha256"] == sha256(content);
            (
                hit,
                text(&row, "completeness").to_owned(),
                text(&row, "password_source").to_owned(),
                text(&row, "password").to_owned(),
            )
        };
        (tree, member(0), member(1))
    };
    let open = |source: &str, word: &str| (true, "complete".to_owned(), source.to_owned(), word.to_owned());
    let (tree, first, second) = found(&[]);
    assert_eq!(first, open("usual", "infected"));
    assert_eq!(second, (false, "encrypted".to_owned(), String::new(), String::new()));
    assert!(tree.contains("opened by a usual password \"infected\""), "{tree}");
    assert!(tree.contains("encrypted") && tree.contains("1 not opened: encrypted or unsupported"), "{tree}");
    let (tree, _, second) = found(&["--password", "wrong", "--password", "correct horse"]);
    assert_eq!(second, open("given", ""));
    assert!(!tree.contains("correct horse") && tree.contains("opened by a given password"), "{tree}");
    let lists = tempfile::tempdir().expect("tempdir");
    let list = lists.path().join("words");
    let many: String = (0..2000).map(|i| format!("word{i}\n")).collect();
    fs::write(&list, many + "correct horse\r\n").expect("write");
    let (_, _, second) = found(&["--passwords", list.to_str().expect("UTF-8")]);
    assert_eq!(second, open("given", ""));
    let rows = fs::read_to_string(bench.out().join("members.ndjson")).expect("rows");
    assert!(!rows.contains("correct horse"), "a given password is nobody else's business");
}

#[test]
fn passwords_heard_in_the_capture_are_tried() {
    let archive = locked("Tr0ub4dor", b"only for your eyes");
    let login = Conversation::new("10.0.0.1:9000", "10.0.0.3:21")
        .syn()
        .send(Dir::Resp, b"220 ready\r\n")
        .send(Dir::Orig, b"USER bob\r\n")
        .send(Dir::Resp, b"331 password\r\n")
        .send(Dir::Orig, b"PASS Tr0ub4dor\r\n")
        .send(Dir::Resp, b"230 welcome\r\n")
        .fin();
    // The login comes after the file: what is heard counts for the whole capture.
    let served = response(0, "x.zip", &archive).send(Dir::Resp, &archive).fin();
    let login = login.frames().into_iter().map(|(ts, frame)| (ts + Interval::from_secs(100), frame));
    let frames: Vec<_> = served.frames().into_iter().chain(login).collect();
    let bench = Bench::new(&[]);
    fs::write(bench.capture(), pcap(1, &frames)).expect("write");
    let (tree, rows) = bench.unpack(&[]);
    let row = rows.iter().find(|row| row["member"] == 1).expect("a member");
    assert_eq!((text(row, "password_source"), text(row, "password")), ("heard", ""));
    assert_eq!(row["sha256"], sha256(b"only for your eyes"));
    assert!(tree.contains("opened by a heard password") && !tree.contains("Tr0ub4dor"), "{tree}");
}

#[test]
fn what_precedes_damage_is_unpacked() {
    let whole = vec![b'w'; 40_000];
    let archive = tar(&[(b"before", b'0', "", b"first"), (b"hit", b'0', "", &whole), (b"after", b'0', "", b"last")]);
    // The hole is in the middle of `hit`; after it the capture goes on.
    let talk = response(0, "holes.tar", &archive).send(Dir::Resp, &archive[..20_000]).lose(Dir::Resp, 3000);
    let talk = talk.send(Dir::Resp, &archive[23_000..]).fin();
    let cut = response(1, "cut.tar", &archive).send(Dir::Resp, &archive[..30_000]);
    let frames: Vec<_> = talk.frames().into_iter().chain(cut.frames()).collect();
    let bench = Bench::new(&[]);
    fs::write(bench.capture(), pcap(1, &frames)).expect("write");
    let (tree, rows) = bench.unpack(&[]);
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row["member"] != 0)
        .map(|row| {
            (text(row, "name"), text(row, "completeness"), text(row, "reason"), row["size"].as_u64().unwrap_or(0))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("before", "complete", "", 5),
            ("hit", "damaged", "bytes are missing in the capture", 40_000),
            ("after", "complete", "", 4),
            ("before", "complete", "", 5),
            ("hit", "truncated", "", 30_000 - 1536),
        ],
        "{tree}"
    );
    assert!(tree.contains("3.0 kB missing") && tree.contains("2 incomplete"), "{tree}");
}

#[test]
fn limits_are_flags_and_are_told() {
    let inner = tar(&[(b"deep", b'0', "", b"content")]);
    let archive = tar(&[(b"a", b'0', "", b"1"), (b"b.tar", b'0', "", &inner), (b"c", b'0', "", b"3")]);
    let bench = Bench::new(&[("x.tar", &archive)]);
    let run = |flags: &[&str]| {
        let mut all = vec!["--unpack", "--tree"];
        all.extend(flags);
        let out = bench.run(&all);
        assert!(out.status.success());
        (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (tree, said) = run(&["--max-depth", "1"]);
    assert!(tree.contains("! too deep") && tree.contains("3 members") && said.contains("too deep (1)"), "{tree}{said}");
    let (tree, said) = run(&["--max-members", "2"]);
    assert!(tree.contains("! too many members") && said.contains("too many members"), "{tree}{said}");
    let (tree, said) = run(&["--max-size", "3000"]);
    assert!(tree.contains("cut at a limit") && said.contains("1 files were cut"), "{tree}{said}");
    let (_, said) = run(&["-q", "--max-depth", "1"]);
    assert_eq!(said, "");
    let (tree, said) = run(&[]);
    assert!(tree.contains("4 members") && !said.contains("limits"), "{tree}{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let archive = tar(&[(b"a", b'0', "", b"1")]);
    let bench = Bench::new(&[("x.tar", &archive)]);
    bench.unpack(&[]);
    let place = bench.files().keys().find(|n| n.ends_with("/a")).expect("a").clone();
    fs::remove_file(bench.out().join(&place)).expect("remove");
    fs::create_dir_all(bench.out().join(&place).join("somebodys")).expect("folder");
    let out = bench.run(&["--unpack"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("1 members were not written") && said.contains("/a cannot be written"), "{said}");
}
