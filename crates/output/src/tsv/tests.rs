//! Zeek's rules for text logs, byte by byte: what its manual (logs/index, `base/frameworks/logging/writers/ascii.zeek`)
//! says, with its default settings, `LogAscii::enable_utf_8` among them.

use super::*;
use sekisho_record::{Digest, EnumName, Port, Set, Text};
use sekisho_types::{Addr, Interval, Subnet};

/// A log with every type that Zeek has.
#[derive(Clone, Record)]
#[record(log = "every_type")]
struct Every {
    /// A time.
    ts: Timestamp,
    /// An address.
    #[record(name = "id.orig_h")]
    host: Option<Addr>,
    /// A port.
    #[record(name = "id.orig_p")]
    port: Option<Port>,
    /// A truth.
    b: Option<bool>,
    /// A count.
    c: Option<u64>,
    /// An int.
    i: Option<i64>,
    /// A double.
    d: Option<f64>,
    /// A span.
    span: Option<Interval>,
    /// A name.
    e: Option<EnumName>,
    /// A prefix.
    net: Option<Subnet>,
    /// A text.
    s: Option<Text>,
    /// A digest.
    h: Option<Digest<2>>,
    /// A set of texts.
    ss: Option<Set<Text>>,
    /// A vector of spans.
    vi: Option<Vec<Interval>>,
    /// A vector of truths, some unknown.
    vb: Option<Vec<Option<bool>>>,
}

const NOTHING: Every = Every {
    ts: Timestamp(1_300_475_167_096_535_000),
    host: None,
    port: None,
    b: None,
    c: None,
    i: None,
    d: None,
    span: None,
    e: None,
    net: None,
    s: None,
    h: None,
    ss: None,
    vi: None,
    vb: None,
};

/// The whole file.
fn file(rows: &[Every]) -> String {
    let mut encoder = TsvEncoder::new(Every::static_schema());
    let mut out = Vec::new();
    for row in rows {
        encoder.encode(row, &mut out);
    }
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// The column of `field` of a file with that row alone.
fn column(row: Every, field: &str) -> String {
    let text = file(&[row]);
    let fields = text.lines().find_map(|l| l.strip_prefix("#fields\t")).unwrap();
    let at = fields.split('\t').position(|f| f == field).unwrap();
    text.lines().find(|l| !l.starts_with('#')).unwrap().split('\t').nth(at).unwrap().to_owned()
}

#[test]
fn header_rows_and_close() {
    let full = Every {
        host: Some("fe80::217:f2ff:fed7:cf65".parse().unwrap()),
        port: Some(Port(5353)),
        b: Some(false),
        c: Some(0),
        i: Some(-17),
        d: Some(2.5),
        span: Some(Interval(3_500_000_000)),
        e: Some(EnumName("udp")),
        net: Some("192.168.0.0/16".parse().unwrap()),
        s: Some("any text, with commas".into()),
        h: Some(Digest([0x0a, 0xff])),
        ss: Some(Set(vec!["b".into(), "a".into()])),
        vi: Some(vec![Interval(0), Interval(60_000_000_000)]),
        vb: Some(vec![Some(true), None, Some(false)]),
        ts: Timestamp(1_300_475_168_859_163_000),
    };
    let want = [
        r"#separator \x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        "#path\tevery_type",
        "#open\t2011-03-18-19-06-07",
        "#fields\tts\tid.orig_h\tid.orig_p\tb\tc\ti\td\tspan\te\tnet\ts\th\tss\tvi\tvb",
        "#types\ttime\taddr\tport\tbool\tcount\tint\tdouble\tinterval\tenum\tsubnet\tstring\tstring\tset[string]\t\
         vector[interval]\tvector[bool]",
        "1300475167.096535\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-",
        "1300475168.859163\tfe80::217:f2ff:fed7:cf65\t5353\tF\t0\t-17\t2.5\t3.500000\tudp\t192.168.0.0/16\t\
         any text, with commas\t0aff\tb,a\t0.000000,60.000000\tT,-,F",
        "#close\t2011-03-18-19-06-08",
        "",
    ];
    assert_eq!(file(&[NOTHING, full]), want.join("\n"));
}

#[test]
fn strings() {
    for (text, want) in [
        (&b"plain"[..], "plain"),
        // The separator and everything that is not printable.
        (b"a\tb", r"a\x09b"),
        (b"a\nb\r", r"a\x0ab\x0d"),
        (b"\0\x1b\x7f", r"\x00\x1b\x7f"),
        // The backslash itself.
        (br"C:\temp\x41", r"C:\\temp\\x41"),
        // UTF-8 as it is, what is none byte by byte; control characters beyond ASCII are control characters.
        ("größe €".as_bytes(), "größe €"),
        (b"\xff\xfe\x80x", r"\xff\xfe\x80x"),
        (b"\xe2\x82", r"\xe2\x82"),
        (b"\xc2\x9b1m", r"\xc2\x9b1m"),
        // Nothing, and what would read like nothing.
        (b"", "(empty)"),
        (b"-", r"\x2d"),
        (b"(empty)", r"\x28empty)"),
        (b"--", "--"),
        (b"-(empty)", "-(empty)"),
        // The set separator counts in sets only.
        (b"a,b", "a,b"),
    ] {
        assert_eq!(column(Every { s: Some(text.into()), ..NOTHING }, "s"), want, "{text:?}");
    }
}

#[test]
fn sets_and_vectors() {
    let set = |items: &[&[u8]]| {
        let items = items.iter().map(|&item| Text::from(item)).collect();
        column(Every { ss: Some(Set(items)), ..NOTHING }, "ss")
    };
    assert_eq!(set(&[]), "(empty)");
    assert_eq!(set(&[b"one"]), "one");
    assert_eq!(set(&[b"a,b", b"c"]), r"a\x2cb,c");
    assert_eq!(set(&[b"", b"-", b"(empty)"]), r"(empty),\x2d,\x28empty)");
    assert_eq!(set(&[b"\\", b"\t,\n", "ü".as_bytes()]), r"\\,\x09\x2c\x0a,ü");
    let vector = |items: &[Option<bool>]| column(Every { vb: Some(items.to_vec()), ..NOTHING }, "vb");
    assert_eq!(vector(&[]), "(empty)");
    assert_eq!(vector(&[None]), "-");
    assert_eq!(vector(&[None, Some(true)]), "-,T");
    let none = column(NOTHING, "ss");
    assert_eq!(none, "-");
}

#[test]
fn numbers() {
    for (d, want) in [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (-2.0, "-2.0"),
        (0.5, "0.5"),
        (2.718_181_818_181_82, "2.718182"),
        (0.000_001, "0.000001"),
        (1e15, "1000000000000000.0"),
        (f64::NAN, "nan"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(column(Every { d: Some(d), ..NOTHING }, "d"), want);
    }
    for (ns, want) in
        [(0, "0.000000"), (1_000, "0.000001"), (-1_500_000_000, "-1.500000"), (86_400_000_000_000, "86400.000000")]
    {
        assert_eq!(column(Every { span: Some(Interval(ns)), ..NOTHING }, "span"), want);
    }
    for (ns, want) in [(0, "0.000000"), (1_700_000_000_000_000_000, "1700000000.000000")] {
        assert_eq!(column(Every { ts: Timestamp(ns), ..NOTHING }, "ts"), want);
    }
    assert_eq!(column(Every { c: Some(u64::MAX), ..NOTHING }, "c"), "18446744073709551615");
    assert_eq!(column(Every { i: Some(i64::MIN), ..NOTHING }, "i"), "-9223372036854775808");
    assert_eq!(column(Every { host: Some("::ffff:1.2.3.4".parse().unwrap()), ..NOTHING }, "id.orig_h"), "1.2.3.4");
    assert_eq!(column(Every { host: Some(Addr::UNSPECIFIED), ..NOTHING }, "id.orig_h"), "::");
}

/// What a reader makes of a column, as zeek-cut's users do: the two escapes undone.
fn unescape(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    loop {
        match rest {
            [b'\\', b'\\', tail @ ..] => {
                out.push(b'\\');
                rest = tail;
            }
            [b'\\', b'x', h, l, tail @ ..] => {
                out.push(u8::from_str_radix(std::str::from_utf8(&[*h, *l]).unwrap(), 16).unwrap());
                rest = tail;
            }
            [b, tail @ ..] => {
                out.push(*b);
                rest = tail;
            }
            [] => return out,
        }
    }
}

#[test]
fn every_string_reads_back() {
    for a in 0..=255u8 {
        for b in *b"\0\t\n ,-(\\x0\x7f\x80\x85\xbf\xc2\xe2\xff" {
            let text = [b'x', a, b, b'\\', b];
            for text in [&text[..], &text[1..3], &text[3..]] {
                let row = Every { s: Some(text.into()), ss: Some(Set(vec![text.into(), "y".into()])), ..NOTHING };
                assert_eq!(unescape(&column(row.clone(), "s")), text);
                let list = column(row, "ss");
                let (first, second) = list.split_once(',').unwrap();
                assert_eq!((unescape(first), second), (text.to_vec(), "y"));
            }
        }
    }
}
