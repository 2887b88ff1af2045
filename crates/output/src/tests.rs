//! Both encoders over rows of every kind of value, against plain models.

use crate::{JsonEncoder, JsonStyle, TsvEncoder};
use sekisho_record::{Field, Kind, List, Record, Schema, Value, Visitor};
use sekisho_types::{Addr, CommunityId, FiveTuple, Interval, MacAddr, Timestamp, Uid};

/// A row of any values; its schema has one column for each name.
struct Row<'a> {
    schema: &'static Schema,
    values: Vec<Value<'a>>,
}

impl<'a> Row<'a> {
    fn new(names: &[&'static str], values: &[Value<'a>]) -> Self {
        let field = |&name: &&'static str| Field { name, kind: Kind::String, doc: "A column.", ext: false };
        let schema = Schema { log: "rows", doc: "A row.", fields: names.iter().map(field).collect() };
        Self { schema: Box::leak(Box::new(schema)), values: values.to_vec() }
    }

    fn json(&self, style: JsonStyle) -> String {
        let mut out = b"before".to_vec();
        JsonEncoder::new(self.schema, style).encode(self, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().strip_suffix('\n').unwrap().to_owned()
    }

    fn tsv(&self) -> String {
        let mut out = Vec::new();
        TsvEncoder::new(self.schema).encode(self, &mut out);
        String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
    }
}

impl Record for Row<'_> {
    fn visit(&self, v: &mut dyn Visitor) {
        v.values(&self.values);
    }

    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn static_schema() -> &'static Schema {
        unreachable!("no two rows have the same")
    }
}

struct Values<'a>(Vec<Value<'a>>);

impl List for Values<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.0.get(i).copied().unwrap_or(Value::Unset)
    }
}

/// The value as JSON in Zeek's style and as text.
fn both(value: Value<'_>) -> (String, String) {
    let row = Row::new(&["v"], &[value]);
    let json = row.json(JsonStyle::Zeek);
    (json.strip_prefix("{\"v\":").unwrap().strip_suffix('}').unwrap().to_owned(), row.tsv())
}

#[test]
fn every_kind_at_its_extremes() {
    let addr = |s: &str| Value::Addr(s.parse().unwrap());
    for (value, json, tsv) in [
        (Value::Bool(true), "true", "T"),
        (Value::Bool(false), "false", "F"),
        (Value::Count(0), "0", "0"),
        (Value::Count(u64::MAX), "18446744073709551615", "18446744073709551615"),
        (Value::Int(i64::MIN), "-9223372036854775808", "-9223372036854775808"),
        (Value::Int(-7), "-7", "-7"),
        (Value::Port(u16::MAX), "65535", "65535"),
        (Value::Double(f64::NAN), "null", "nan"),
        (Value::Double(-0.5), "-0.5", "-0.5"),
        (Value::Double(f64::MIN), &format!("{:e}", f64::MIN), &format!("{:.1}", f64::MIN)),
        (Value::Time(Timestamp(i64::MIN)), "-9223372036.854775", "-9223372036.854775"),
        (Value::Time(Timestamp(-1_000)), "-0.000001", "-0.000001"),
        (Value::Time(Timestamp(999_999_999_999_999_999)), "999999999.999999", "999999999.999999"),
        (Value::Time(Timestamp(1_000_000_000_000_000_000)), "1000000000.0", "1000000000.000000"),
        (Value::Interval(Interval(i64::MIN)), "-9223372036.854775808", "-9223372036.854775"),
        (Value::Interval(Interval(1)), "0.000000001", "0.000000"),
        (addr("0.0.0.0"), "\"0.0.0.0\"", "0.0.0.0"),
        (addr("255.255.255.255"), "\"255.255.255.255\"", "255.255.255.255"),
        (addr("::"), "\"::\"", "::"),
        (addr("1::"), "\"1::\"", "1::"),
        (addr("::1"), "\"::1\"", "::1"),
        (addr("fe80::1:0:0:1"), "\"fe80::1:0:0:1\"", "fe80::1:0:0:1"),
        (Value::Addr(Addr::v6([0xab; 16])), &format!("\"{}\"", ["abab"; 8].join(":")), &["abab"; 8].join(":")),
        (Value::Subnet("fd00::/8".parse().unwrap()), "\"fd00::/8\"", "fd00::/8"),
        (Value::Mac(MacAddr([0xff; 6])), "\"ff:ff:ff:ff:ff:ff\"", "ff:ff:ff:ff:ff:ff"),
        (Value::Hex(&[]), "\"\"", ""),
        (Value::Hex(&[0xa5; 70]), &format!("\"{}\"", "a5".repeat(70)), &"a5".repeat(70)),
        (Value::Str(b""), "\"\"", "(empty)"),
        (Value::Str(b"-"), "\"-\"", "\\x2d"),
        (Value::Str(b"(empty)"), "\"(empty)\"", "\\x28empty)"),
        (Value::Str(b"#x"), "\"#x\"", "\\x23x"),
    ] {
        assert_eq!(both(value), (json.to_owned(), tsv.to_owned()), "{value:?}");
    }
}

#[test]
fn ids_print_as_their_types_do() {
    for n in 0..500u32 {
        let key = n.to_be_bytes();
        let uid = Uid::from_key(b'C', u64::from(n), &key);
        assert_eq!(both(Value::Uid(uid)), (format!("\"{uid}\""), uid.to_string()));
        let tuple = FiveTuple { orig_port: n as u16, ..FiveTuple::default() };
        let id = CommunityId::new(&tuple, 0);
        let mut buf = [0; CommunityId::ROOM_LEN];
        let len = id.write(&mut buf);
        let text = std::str::from_utf8(&buf[..len]).unwrap();
        assert_eq!(both(Value::Community(id)), (format!("\"{text}\""), text.to_owned()));
    }
}

#[test]
fn lists_empty_and_nested() {
    let empty = Values(Vec::new());
    let inner = Values(vec![Value::Count(1), Value::Unset, Value::Str(b"a,b")]);
    let outer = Values(vec![Value::List(&inner), Value::List(&empty), Value::Bool(true), Value::Str(b"")]);
    assert_eq!(both(Value::List(&empty)), ("[]".to_owned(), "(empty)".to_owned()));
    assert_eq!(both(Value::List(&inner)), (r#"[1,null,"a,b"]"#.to_owned(), r"1,-,a\x2cb".to_owned()));
    let (json, tsv) = both(Value::List(&outer));
    assert_eq!(json, r#"[[1,null,"a,b"],[],true,""]"#);
    assert_eq!(tsv, r"1,-,a\x2cb,(empty),T,(empty)");
}

#[test]
fn every_byte_at_every_place_of_every_length() {
    let plain = *b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
    for len in 1..=plain.len() {
        for at in 0..len {
            for b in (0..=255u8).filter(|&b| b != b'#') {
                let mut text = plain;
                text[at] = b;
                let text = &text[..len];
                let (json, tsv) = both(Value::Str(text));
                let read: String = serde_json::from_str(&json).unwrap();
                let escaped = match b {
                    b' '..=b'~' | b'\x08' | b'\t' | b'\n' | b'\x0c' | b'\r' => char::from(b).to_string(),
                    _ => format!("\\x{b:02x}"),
                };
                let around = |middle: &str| {
                    let [before, after] = [&text[..at], &text[at + 1..]].map(|s| std::str::from_utf8(s).unwrap());
                    format!("{before}{middle}{after}")
                };
                assert_eq!(read, around(&escaped), "{text:?}");
                let escaped = match b {
                    b'-' if len == 1 => "\\x2d".to_owned(),
                    b'\\' => "\\\\".to_owned(),
                    b' '..=b'~' => char::from(b).to_string(),
                    _ => format!("\\x{b:02x}"),
                };
                assert_eq!(tsv, around(&escaped), "{text:?}");
            }
        }
    }
}

#[test]
fn names_of_any_length_and_columns_unset() {
    const NAMES: [&str; 6] = [
        "a",
        "a_name_of_twenty_seven_char",
        "a_name_of_twenty_eight_chars",
        "a.name.that.is.much.longer.than.what.is.copied.at.once.and.has.to.go.the.long.way",
        "quote\"d",
        "z",
    ];
    let long = vec![b'x'; 10_000];
    for short in [&NAMES[..2], &NAMES[..3], &NAMES[..]] {
        for unset in 0..1 << short.len() {
            let set = |i: usize| unset >> i & 1 == 0;
            let value =
                |i: usize| if i.is_multiple_of(2) { Value::Count(i as u64) } else { Value::Str(&long[..i * 2_000]) };
            let values: Vec<_> = (0..short.len()).map(|i| if set(i) { value(i) } else { Value::Unset }).collect();
            let row = Row::new(short, &values);
            let mut want = serde_json::Map::new();
            for i in (0..short.len()).filter(|&i| set(i)) {
                want.insert(
                    short[i].to_owned(),
                    match i % 2 {
                        0 => i.into(),
                        _ => "x".repeat(i * 2_000).into(),
                    },
                );
            }
            let read: serde_json::Value = serde_json::from_str(&row.json(JsonStyle::Zeek)).unwrap();
            assert_eq!(read, serde_json::Value::Object(want.clone()));
            want.insert("_path".to_owned(), "rows".into());
            let read: serde_json::Value = serde_json::from_str(&row.json(JsonStyle::Ndjson)).unwrap();
            assert_eq!(read, serde_json::Value::Object(want));
            assert_eq!(row.tsv().split('\t').count(), short.len());
        }
    }
}

#[test]
fn one_encoder_for_many_rows() {
    // What a long row leaves in the buffer must not show in a short one.
    let names = ["a", "b"];
    let long = Row::new(&names, &[Value::Str(&[b'l'; 300]), Value::Hex(&[0xff; 300])]);
    let short = Row { schema: long.schema, values: vec![Value::Unset, Value::Count(5)] };
    let mut encoder = JsonEncoder::new(long.schema, JsonStyle::Zeek);
    let mut out = Vec::new();
    for _ in 0..3 {
        encoder.encode(&long, &mut out);
        encoder.encode(&short, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let want = format!("{{\"a\":\"{}\",\"b\":\"{}\"}}\n{{\"b\":5}}\n", "l".repeat(300), "ff".repeat(300));
    assert_eq!(text, want.repeat(3));
}
