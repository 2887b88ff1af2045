use super::*;
use crate::SchemaFormat;
use sekisho_record::{Digest, EnumName, List, Port, Set, Text, Value, Visitor, with_values};
use sekisho_types::{Addr, CommunityId, Interval, MacAddr, Subnet, Timestamp, Uid};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// A row with every kind of value.
#[derive(Record)]
#[record(log = "demo")]
struct Demo {
    /// When.
    ts: Timestamp,
    /// Flow.
    uid: Uid,
    /// Who.
    #[record(name = "id.orig_h")]
    host: Addr,
    /// Where.
    #[record(name = "id.orig_p")]
    port: Option<Port>,
    /// How long.
    span: Option<Interval>,
    /// What kind.
    kind: EnumName,
    /// Truth.
    truth: Option<bool>,
    /// Part | whole.
    part: f64,
    /// Balance.
    balance: i64,
    /// Prefix.
    net: Option<Subnet>,
    /// Card.
    mac: Option<MacAddr>,
    /// Words.
    words: Vec<Text>,
    /// Numbers.
    numbers: Option<Set<u64>>,
    /// Digest.
    sum: Option<Digest<2>>,
    /// Holes.
    holes: Vec<Option<u64>>,
    /// Community.
    #[record(ext)]
    community_id: Option<CommunityId>,
}

fn bare(ts: Timestamp) -> Demo {
    Demo {
        ts,
        uid: Uid::from_key(b'C', 1, b"k"),
        host: Addr::v4([10, 0, 0, 1]),
        port: None,
        span: None,
        kind: EnumName("tcp"),
        truth: None,
        part: 0.25,
        balance: -3,
        net: None,
        mac: None,
        words: Vec::new(),
        numbers: None,
        sum: None,
        holes: Vec::new(),
        community_id: None,
    }
}

fn full(ts: Timestamp) -> Demo {
    Demo {
        host: "2001:db8::5".parse().unwrap(),
        port: Some(Port(443)),
        span: Some(Interval(463_112_001)),
        truth: Some(true),
        part: f64::NAN,
        net: Some("10.0.0.0/8".parse().unwrap()),
        mac: Some(MacAddr([2, 0, 0x5e, 0, 0, 1])),
        words: vec![Text::from("a,b\t\"\\"), Text::from(""), Text::from("-"), Text::from(&[0xff, b'x'][..])],
        numbers: Some(Set(vec![u64::MAX, 0])),
        sum: Some(Digest([0xab, 1])),
        holes: vec![None, Some(2)],
        community_id: Some(CommunityId::default()),
        ..bare(ts)
    }
}

const T: Timestamp = Timestamp(1_427_304_960_695_733_001);

type Disk = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A writer into memory.
struct Mem(Disk, String);

impl Write for Mem {
    fn write(&mut self, b: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().entry(self.1.clone()).or_default().extend_from_slice(b);
        Ok(b.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn run(formats: &[Format], rows: &[Demo]) -> BTreeMap<String, String> {
    let disk = Disk::default();
    let d = disk.clone();
    let mut sinks = Sinks::new(formats, move |name| Ok(Box::new(Mem(d.clone(), name.to_owned()))));
    for row in rows {
        sinks.write(row).unwrap();
    }
    let written = sinks.finish().unwrap();
    let files: BTreeMap<_, _> = disk.lock().unwrap().clone();
    assert_eq!(written.files, files.len());
    assert_eq!(written.bytes, files.values().map(|f| f.len() as u64).sum::<u64>());
    files.into_iter().map(|(k, v)| (k, String::from_utf8(v).unwrap())).collect()
}

#[test]
fn zeek_json_bytes() {
    let uid = bare(T).uid;
    let files = run(&[Format::ZeekJson, Format::ZeekJson], &[bare(T), full(T)]);
    let want = format!(
        "{{\"ts\":1427304960.695733,\"uid\":\"{uid}\",\"id.orig_h\":\"10.0.0.1\",\"kind\":\"tcp\",\"part\":0.25,\
         \"balance\":-3,\"words\":[],\"holes\":[]}}\n\
         {{\"ts\":1427304960.695733,\"uid\":\"{uid}\",\"id.orig_h\":\"2001:db8::5\",\"id.orig_p\":443,\
         \"span\":0.463112001,\"kind\":\"tcp\",\"truth\":true,\"part\":null,\"balance\":-3,\"net\":\"10.0.0.0/8\",\
         \"mac\":\"02:00:5e:00:00:01\",\"words\":[\"a,b\\t\\\"\\\\\",\"\",\"-\",\"\\\\xffx\"],\
         \"numbers\":[18446744073709551615,0],\"sum\":\"ab01\",\"holes\":[null,2],\
         \"community_id\":\"1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}\n"
    );
    assert_eq!(files, BTreeMap::from([("demo.log".to_owned(), want)]));
}

#[test]
fn zeek_text_bytes() {
    let uid = bare(T).uid;
    let later = Timestamp(T.0 + 61_000_000_000);
    let files = run(&[Format::Zeek], &[full(later), bare(T)]);
    let want = format!(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdemo\n\
         #open\t2015-03-25-17-37-01\n\
         #fields\tts\tuid\tid.orig_h\tid.orig_p\tspan\tkind\ttruth\tpart\tbalance\tnet\tmac\twords\tnumbers\tsum\tholes\tcommunity_id\n\
         #types\ttime\tstring\taddr\tport\tinterval\tenum\tbool\tdouble\tint\tsubnet\tstring\tvector[string]\tset[count]\tstring\tvector[count]\tstring\n\
         1427305021.695733\t{uid}\t2001:db8::5\t443\t0.463112\ttcp\tT\tnan\t-3\t10.0.0.0/8\t02:00:5e:00:00:01\t\
         a\\x2cb\\x09\"\\\\,(empty),\\x2d,\\xffx\t18446744073709551615,0\tab01\t-,2\t1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
         1427304960.695733\t{uid}\t10.0.0.1\t-\t-\ttcp\t-\t0.25\t-3\t-\t-\t(empty)\t-\t-\t(empty)\t-\n\
         #close\t2015-03-25-17-37-01\n"
    );
    assert_eq!(files, BTreeMap::from([("demo.log".to_owned(), want)]));
}

#[test]
fn ndjson_begins_with_the_path_and_has_iso_times() {
    let files = run(&[Format::Ndjson], &[bare(T)]);
    let line = &files["all.ndjson"];
    assert!(line.starts_with("{\"_path\":\"demo\",\"ts\":\"2015-03-25T17:36:00.695733001Z\",\"uid\":\""), "{line}");
    assert!(line.ends_with("\"holes\":[]}\n"), "{line}");
}

#[test]
fn every_line_is_json_and_reads_back() {
    let files = run(&[Format::Ndjson, Format::ZeekJson], &[full(T), bare(T)]);
    for text in files.values() {
        let rows: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["words"], serde_json::json!(["a,b\t\"\\", "", "-", "\\xffx"]));
        assert_eq!(rows[0]["numbers"][0], u64::MAX);
        assert_eq!(rows[0]["span"], 0.463_112_001);
        assert!(rows[1].get("id.orig_p").is_none());
    }
}

/// What a reader of Zeek's text logs sees: column name to unescaped cell.
fn cut(text: &str) -> Vec<BTreeMap<String, String>> {
    let fields: Vec<_> = text.lines().find_map(|l| l.strip_prefix("#fields\t")).unwrap().split('\t').collect();
    let rows = text.lines().filter(|l| !l.starts_with('#'));
    rows.map(|l| {
        let cells: Vec<_> = l.split('\t').collect();
        assert_eq!(cells.len(), fields.len(), "{l}");
        fields.iter().zip(cells).map(|(f, c)| ((*f).to_owned(), c.to_owned())).collect()
    })
    .collect()
}

#[test]
fn text_rows_keep_their_columns_whatever_the_bytes() {
    let all: Vec<u8> = (0..=255).collect();
    let mut row = bare(T);
    row.words = vec![Text::from(&all), Text::from("#x\n")];
    let rows = cut(&run(&[Format::Zeek], &[row])["demo.log"]);
    let words: Vec<_> = rows[0]["words"].split(',').collect();
    assert_eq!(words.len(), 2);
    let mut back = Vec::new();
    let mut rest = words[0].as_bytes();
    while let [first, tail @ ..] = rest {
        if let [b'\\', b'\\', tail @ ..] = rest {
            back.push(b'\\');
            rest = tail;
        } else if let [b'\\', b'x', h, l, tail @ ..] = rest {
            back.push(u8::from_str_radix(std::str::from_utf8(&[*h, *l]).unwrap(), 16).unwrap());
            rest = tail;
        } else {
            back.push(*first);
            rest = tail;
        }
    }
    assert_eq!(back, all);
}

/// A row that begins with words.
#[derive(Record)]
#[record(log = "note")]
struct Note {
    /// Words.
    words: Text,
    /// Nothing, ever.
    none: Option<u64>,
}

#[test]
fn a_row_never_looks_like_a_header_and_may_be_empty() {
    let disk = Disk::default();
    let d = disk.clone();
    let mut sinks =
        Sinks::new(&[Format::Zeek, Format::ZeekJson], move |name| Ok(Box::new(Mem(d.clone(), name.to_owned()))));
    sinks.write(&Note { words: "#fields".into(), none: None }).unwrap();
    sinks.finish().unwrap();
    let files = disk.lock().unwrap();
    assert!(files["zeek/note.log"].ends_with(b"\n\\x23fields\t-\n#close\t1970-01-01-00-00-00\n"));
    assert_eq!(files["zeek-json/note.log"], b"{\"words\":\"#fields\"}\n");

    /// Nothing set.
    #[derive(Record)]
    #[record(log = "empty")]
    struct Empty {
        /// Nothing.
        none: Option<u64>,
    }
    for (style, want) in [(JsonStyle::Zeek, "{}\n"), (JsonStyle::Ndjson, "{\"_path\":\"empty\"}\n")] {
        let mut out = b"before".to_vec();
        JsonEncoder::new(Empty::static_schema(), style).encode(&Empty { none: None }, &mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), format!("before{want}"));
    }
}

#[test]
fn nothing_is_opened_before_its_first_bytes_are_due() {
    let opened = Arc::new(Mutex::new(Vec::new()));
    let o = opened.clone();
    let mut sinks = Sinks::new(&[Format::ZeekJson], move |name| {
        o.lock().unwrap().push(name.to_owned());
        Ok(Box::new(io::sink()))
    });
    sinks.write(&bare(T)).unwrap();
    assert!(opened.lock().unwrap().is_empty());
    while sinks.written().bytes == 0 {
        sinks.write(&bare(T)).unwrap();
    }
    assert!(sinks.written().bytes >= BUFFER_LEN as u64);
    sinks.finish().unwrap();
    assert_eq!(*opened.lock().unwrap(), ["demo.log"]);
}

#[test]
fn a_failing_file_says_so_once_and_others_go_on() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let disk = Disk::default();
    let d = disk.clone();
    let mut sinks = Sinks::new(&[Format::Zeek, Format::ZeekJson], move |name| match name {
        "zeek/demo.log" => Ok(Box::new(Full)),
        name => Ok(Box::new(Mem(d.clone(), name.to_owned()))),
    });
    sinks.write(&bare(T)).unwrap();
    assert_eq!(sinks.flush().unwrap_err().to_string(), "zeek/demo.log: disk full");
    sinks.write(&bare(T)).unwrap();
    let written = sinks.finish().unwrap();
    assert_eq!((written.rows, written.dropped_rows, written.files), (3, 1, 1));
    assert_eq!(disk.lock().unwrap()["zeek-json/demo.log"].iter().filter(|&&b| b == b'\n').count(), 2);

    let mut sinks = Sinks::new(&[Format::Ndjson], |_| Err(io::Error::other("no such directory")));
    sinks.write(&bare(T)).unwrap();
    assert!(sinks.finish().unwrap_err().to_string().contains("no such directory"));
    assert_eq!(sinks.finish().unwrap(), Written { rows: 1, ..Written::default() });
}

/// A row with a bug: its last list ends the program.
struct Broken(Demo);

impl Record for Broken {
    fn visit(&self, v: &mut dyn Visitor) {
        struct Trap;
        impl List for Trap {
            fn len(&self) -> usize {
                2
            }
            fn item(&self, i: usize) -> Value<'_> {
                assert_eq!(i, 0, "a bug, for the test");
                Value::Count(7)
            }
        }
        with_values(&self.0, |values| {
            let holes = Demo::static_schema().fields.iter().position(|f| f.name == "holes");
            let mut values = values.to_vec();
            values[holes.unwrap()] = Value::List(&Trap);
            v.values(&values);
        });
    }

    fn schema(&self) -> &'static Schema {
        Demo::static_schema()
    }

    fn static_schema() -> &'static Schema {
        Demo::static_schema()
    }
}

#[test]
fn a_bug_in_a_row_leaves_nothing_of_it_before_the_next() {
    let files = |formats: [Format; 2], has_bug: bool| {
        let disk = Disk::default();
        let d = disk.clone();
        let mut sinks = Sinks::new(&formats, move |name| Ok(Box::new(Mem(d.clone(), name.to_owned()))));
        let (mut packer, mut pile) = (sinks.detached(), Encoded::default());
        packer.write(&bare(T), &mut pile);
        if has_bug {
            let mut write = || packer.write(&Broken(full(T)), &mut pile);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut write)).is_err());
        }
        packer.write(&full(T), &mut pile);
        assert_eq!(pile.len(), 2);
        (0..2).for_each(|i| sinks.splice(&pile, i).unwrap());
        sinks.finish().unwrap();
        let files = disk.lock().unwrap().clone();
        assert_eq!(files.len(), 2);
        files
    };
    for formats in [[Format::Zeek, Format::Ndjson], [Format::Ndjson, Format::Parquet], [Format::Parquet, Format::Zeek]]
    {
        assert!(files(formats, true) == files(formats, false), "{formats:?}");
    }
}

/// The files of `rows` as Parquet, and in which order they were complete.
fn whole(
    rows: impl Iterator<Item = Demo>,
    columns_len: usize,
    detached: bool,
) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let (disk, told) = (Disk::default(), Arc::new(Mutex::new(Vec::new())));
    let (d, t) = (disk.clone(), told.clone());
    let mut sinks = Sinks::new(&[Format::Parquet], move |name| Ok(Box::new(Mem(d.clone(), name.to_owned()))))
        .with_columns_len(columns_len)
        .on_complete(move |name| {
            t.lock().unwrap().push(name.to_owned());
            Ok(())
        });
    let (mut packer, mut pile) = (sinks.detached(), Encoded::default());
    for row in rows {
        if detached {
            pile.clear();
            packer.write(&row, &mut pile);
            sinks.splice(&pile, 0).unwrap();
        } else {
            sinks.write(&row).unwrap();
        }
        assert!(sinks.columns.held_len() < columns_len, "{}", sinks.columns.held_len());
        sinks.flush().unwrap();
    }
    assert!(told.lock().unwrap().is_empty());
    let written = sinks.finish().unwrap();
    assert_eq!(sinks.finish().unwrap(), written, "nothing is written twice");
    let files = disk.lock().unwrap().clone();
    assert_eq!(written.bytes, files.values().map(|f| f.len() as u64).sum::<u64>());
    let told = told.lock().unwrap().clone();
    (files, told)
}

#[test]
fn limits_what_rows_take_that_wait_for_their_group() {
    let rows = || {
        (0..20_000u64).map(|i| {
            let mut row = full(Timestamp(T.0 + i as i64));
            row.uid = Uid::from_key(b'C', i, b"k");
            row.words = vec![Text::from(&vec![i as u8; (i % 300) as usize])];
            row
        })
    };
    let (files, told) = whole(rows(), 6 << 20, false);
    assert_eq!(told, ["demo.parquet"]);
    let bytes = &files["demo.parquet"];
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let groups = crate::parquet::group_count(bytes);
    assert!((3..20).contains(&groups), "{groups} row groups");
    assert!(whole(rows(), 6 << 20, true).0 == files, "workers make the same file");
    let (files, _) = whole(rows(), 256 << 20, false);
    assert_eq!(crate::parquet::group_count(&files["demo.parquet"]), 1);
}

#[test]
fn a_failing_file_is_never_complete() {
    let mut sinks = Sinks::new(&[Format::Parquet], |_| Err(io::Error::other("disk full")))
        .on_complete(|name| panic!("{name} is not complete"));
    sinks.write(&bare(T)).unwrap();
    assert_eq!(sinks.finish().unwrap_err().to_string(), "demo.parquet: disk full");
    sinks.write(&bare(T)).unwrap();
    assert_eq!(sinks.finish().unwrap(), Written { rows: 1, dropped_rows: 1, ..Written::default() });
}

#[test]
fn schema_in_every_format() {
    let tell = |format| crate::describe(&[Note::static_schema(), Demo::static_schema()], format);
    let page = tell(SchemaFormat::Markdown);
    assert!(page.find("## demo").unwrap() < page.find("## note").unwrap());
    assert!(page.contains("| `part` | double | Part \\| whole. |"), "{page}");
    assert!(page.contains("| `community_id` | string | Community. *ext* |"), "{page}");
    assert!(page.contains("| `words` | vector[string] | Words. |"), "{page}");

    let json: serde_json::Value = serde_json::from_str(&tell(SchemaFormat::JsonSchema)).unwrap();
    assert_eq!(json["anyOf"][1]["$ref"], "#/$defs/note");
    let demo = &json["$defs"]["demo"]["properties"];
    assert_eq!(demo["id.orig_p"]["maximum"], 65_535);
    assert_eq!(demo["community_id"]["x-ext"], true);
    assert_eq!(demo["numbers"]["items"]["anyOf"][0]["type"], "integer");
    assert_eq!(demo["numbers"]["x-zeek-type"], "set[count]");

    let message = tell(SchemaFormat::Parquet);
    for line in [
        "message demo {\n  optional int64 ts (TIMESTAMP(NANOS,true));\n",
        "  optional binary id.orig_h (STRING);\n  optional fixed_len_byte_array(16) id.orig_h_bin;\n",
        "  optional double span;\n",
        "  optional group numbers (LIST) {\n    repeated group list {\n      optional int64 element (INTEGER(64,false));\n",
    ] {
        assert!(message.contains(line), "{message}");
    }
    let zeek = tell(SchemaFormat::Zeek);
    assert!(zeek.contains("#path\tnote\n#fields\twords\tnone\n#types\tstring\tcount\n"), "{zeek}");
    for format in SchemaFormat::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
}
