//! Whole files, read back by [`super::read`].

use super::read::{self, Plain, Thrift};
use super::{Cells, Press, Table, pack};
use sekisho_record::{Digest, EnumName, Port, Record, Set, Text};
use sekisho_types::{Addr, Interval, Subnet, Timestamp, Uid};
use std::collections::BTreeMap;

/// A row with every kind of column.
#[derive(Clone, Record)]
#[record(log = "demo")]
struct Demo {
    /// When "it" was.
    ts: Timestamp,
    /// Flow.
    uid: Uid,
    /// Who.
    #[record(name = "id.orig_h")]
    host: Addr,
    /// Where.
    port: Option<Port>,
    /// How long.
    span: Option<Interval>,
    /// What kind.
    kind: EnumName,
    /// Truth.
    truth: Option<bool>,
    /// Part.
    part: Option<f64>,
    /// Balance.
    balance: i64,
    /// Number.
    number: Option<u64>,
    /// Prefix.
    net: Option<Subnet>,
    /// Name.
    #[record(ext)]
    name: Option<Text>,
    /// Words.
    words: Option<Vec<Text>>,
    /// Numbers, some unknown.
    holes: Vec<Option<u64>>,
    /// Hosts.
    hosts: Set<Addr>,
    /// Digest.
    sum: Option<Digest<2>>,
    /// Never there.
    never: Option<u64>,
    /// Nor this.
    nothing: Option<Text>,
}

/// Rows in which everything occurs; `i` is told by `balance`.
fn demo(i: u64) -> Demo {
    let odd = |n: u64| !i.is_multiple_of(n);
    Demo {
        // Nearly in order.
        ts: Timestamp((i * 1_000 + i.wrapping_mul(0x9e37_79b9) % 50_000) as i64),
        uid: Uid::from_key(b'C', i, b"k"),
        host: if odd(5) { Addr::v4([10, 0, 0, i as u8]) } else { "2001:db8::5".parse().unwrap() },
        port: odd(3).then_some(Port(if odd(7) { 443 } else { 65_535 })),
        span: odd(2).then_some(Interval(i as i64 * 1_000_000)),
        kind: EnumName(if odd(4) { "tcp" } else { "udp" }),
        truth: odd(6).then_some(odd(2)),
        part: odd(9).then_some(i as f64 / 7.0),
        balance: i as i64,
        number: odd(10).then_some(u64::MAX - i * i),
        net: (!odd(11)).then(|| "10.0.0.0/8".parse().unwrap()),
        name: odd(3).then(|| Text::from(&format!("host-{i}.example"))),
        words: odd(4).then(|| (0..i % 5).map(|w| Text::from(&format!("w{}", (i + w) % 9))).collect()),
        holes: (0..i % 4).map(|h| (h != 1).then_some(i + h)).collect(),
        hosts: Set((0..i % 3).map(|h| Addr::v4([192, 168, h as u8, i as u8])).collect()),
        sum: odd(8).then_some(Digest([i as u8, 1])),
        never: None,
        nothing: None,
    }
}

/// What must stand in the file for each column.
fn expected(row: &Demo) -> BTreeMap<&'static str, Plain> {
    let text = |v: &dyn std::fmt::Display| Plain::Bytes(v.to_string().into_bytes());
    let opt = |v: Option<Plain>| v.unwrap_or(Plain::Null);
    let bin = |v: &Addr| Plain::Bytes(v.octets().to_vec());
    BTreeMap::from([
        ("ts", Plain::Number(row.ts.0)),
        ("uid", text(&row.uid)),
        ("id.orig_h", text(&row.host)),
        ("id.orig_h_bin", bin(&row.host)),
        ("port", opt(row.port.map(|p| Plain::Number(i64::from(p.0))))),
        ("span", opt(row.span.map(|s| Plain::Number((s.0 as f64 / 1e9).to_bits().cast_signed())))),
        ("kind", text(&row.kind.0)),
        ("truth", opt(row.truth.map(|t| Plain::Number(i64::from(t))))),
        ("part", opt(row.part.map(|p| Plain::Number(p.to_bits().cast_signed())))),
        ("balance", Plain::Number(row.balance)),
        ("number", opt(row.number.map(|n| Plain::Number(n.cast_signed())))),
        ("net", opt(row.net.map(|n| text(&n)))),
        ("name", opt(row.name.as_ref().map(|n| Plain::Bytes(n.0.clone())))),
        ("words", opt(row.words.as_ref().map(|w| Plain::List(w.iter().map(|t| Plain::Bytes(t.0.clone())).collect())))),
        ("holes", Plain::List(row.holes.iter().map(|h| opt(h.map(|n| Plain::Number(n.cast_signed())))).collect())),
        ("hosts", Plain::List(row.hosts.0.iter().map(|a| text(a)).collect())),
        ("hosts_bin", Plain::List(row.hosts.0.iter().map(bin).collect())),
        ("sum", opt(row.sum.map(|s| text(&format!("{:02x}01", s.0[0]))))),
        ("never", Plain::Null),
        ("nothing", Plain::Null),
    ])
}

/// The file of `count` rows in groups of `group`.
fn file(count: u64, group: u64, packed: bool) -> Vec<u8> {
    let (mut cells, mut press) = (Cells::default(), Press::default());
    let mut table = Table::new(Demo::static_schema());
    let mut file = Vec::new();
    let mut row = Vec::new();
    for i in 0..count {
        if packed {
            row.clear();
            pack(&demo(i), &mut cells, &mut row);
            table.push_packed(&row);
        } else {
            table.push(&demo(i), &mut cells);
        }
        if (i + 1).is_multiple_of(group) {
            table.close_group(&mut press, &mut |bytes| file.extend_from_slice(bytes));
        }
    }
    table.finish(&mut press, &mut |bytes| file.extend_from_slice(bytes));
    file
}

#[test]
fn every_value_reads_back_sorted_by_time() {
    // Of one row, of pages and dictionaries of all kinds, of several groups.
    for (count, group) in [(1, 10), (10, 100), (700, 1_000), (40_000, 100_000), (5_000, 1_300)] {
        let bytes = file(count, group, false);
        assert!(bytes == file(count, group, true), "packed rows make the same file");
        let read = read::file(&bytes);
        assert_eq!(read.columns.len(), 20);
        let groups = read.footer.list(4).len();
        assert_eq!(groups as u64, count.div_ceil(group));
        let mut seen = 0;
        for g in 0..groups {
            let mut last = (i64::MIN, 0);
            for (r, id) in read.columns["balance"][g].iter().enumerate() {
                let &Plain::Number(id) = id else { panic!("no id") };
                let row = demo(id.cast_unsigned());
                for (name, want) in expected(&row) {
                    assert_eq!(read.columns[name][g][r], want, "{name} of {id}");
                }
                assert!(last < (row.ts.0, id), "sorted, equal times as they came");
                last = (row.ts.0, id);
                seen += 1;
            }
        }
        assert_eq!(seen, count);
    }
}

/// The metadata of the chunk of `name` in the first group.
fn chunk<'a>(footer: &'a Thrift, name: &str) -> &'a Thrift {
    let chunks = footer.list(4)[0].list(1).iter().map(|c| c.get(3).unwrap());
    chunks.into_iter().find(|c| matches!(&c.list(3)[0], Thrift::Binary(n) if n == name.as_bytes())).unwrap()
}

#[test]
fn the_footer_says_what_there_is() {
    let bytes = file(5_000, 10_000, false);
    let footer = read::file(&bytes).footer;
    assert_eq!(footer.text(6), format!("sekisho version {}", env!("CARGO_PKG_VERSION")));
    let facts: BTreeMap<_, _> = footer.list(5).iter().map(|f| (f.text(1), f.text(2))).collect();
    assert_eq!(facts["sekisho.log"], "demo");
    let fields: serde_json::Value = serde_json::from_str(&facts["sekisho.fields"]).unwrap();
    assert_eq!(fields[0]["doc"], "When \"it\" was.");
    assert_eq!(fields[0]["unit"], "nanoseconds since 1970-01-01T00:00:00Z");
    assert_eq!(fields[3]["name"], "id.orig_h_bin");
    assert_eq!(fields[5]["unit"], "seconds");
    assert_eq!(fields[12]["ext"], true);
    assert_eq!(fields.as_array().unwrap().len(), 20);

    // Sorted by the first column, rows without time first.
    let sorting = &footer.list(4)[0].list(4)[0];
    assert_eq!(sorting.int(1), 0);
    // Least and greatest: of times, of unsigned numbers, of addresses.
    let stats = |name| chunk(&footer, name).get(12).unwrap();
    let number = |bytes: &[u8]| i64::from_le_bytes(*bytes.first_chunk().unwrap());
    let times: Vec<i64> = (0..5_000).map(|i| demo(i).ts.0).collect();
    assert_eq!(number(stats("ts").bin(6)), *times.iter().min().unwrap());
    assert_eq!(number(stats("ts").bin(5)), *times.iter().max().unwrap());
    assert_eq!(number(stats("number").bin(5)).cast_unsigned(), u64::MAX - 1);
    assert_eq!(stats("id.orig_h_bin").bin(6)[10..], [0xff, 0xff, 10, 0, 0, 0]);
    assert_eq!(stats("kind").bin(5), b"udp");
    assert!(stats("never").get(5).is_none());
    assert_eq!(stats("never").int(3), 5_000);
}

#[test]
fn bloom_filters_stand_where_the_footer_says() {
    let bytes = file(3_000, 10_000, false);
    let footer = read::file(&bytes).footer;
    for name in ["uid", "id.orig_h", "id.orig_h_bin", "name", "words", "hosts", "sum", "net"] {
        let meta = chunk(&footer, name);
        let (at, len) = (meta.int(14) as usize, meta.int(15) as usize);
        let mut rest = &bytes[at..at + len];
        let head = Thrift::read(&mut rest);
        assert_eq!(head.int(1) as usize, rest.len(), "{name}");
        assert!(rest.len().is_power_of_two() && rest.iter().any(|&b| b != 0), "{name}");
    }
    for name in ["ts", "port", "kind", "nothing"] {
        assert!(chunk(&footer, name).get(14).is_none(), "{name}");
    }
}

#[test]
fn few_values_and_steady_ones_take_little() {
    let bytes = file(20_000, 100_000, false);
    let footer = read::file(&bytes).footer;
    let len = |name| chunk(&footer, name).int(7);
    assert!(len("kind") < 1_000, "{}", len("kind"));
    assert!(len("never") < 200, "{}", len("never"));
    assert!(len("balance") < 60_000, "{}", len("balance"));
    assert!(len("ts") < 60_000, "{}", len("ts"));
    assert!(len("id.orig_h") < 30_000, "{}", len("id.orig_h"));
}

#[test]
fn no_rows_make_a_file_too() {
    let footer = read::file(&file(0, 1, false)).footer;
    assert_eq!(footer.int(3), 0);
    // The root, three elements for each list, one for everything else.
    assert_eq!(footer.list(2).len(), 1 + 16 + 3 * 4);
}
