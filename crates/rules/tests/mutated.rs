//! Rules are hostile input: 10,000 damaged ones are read or refused, quickly, and nothing panics.

use sekisho_rules::{CompileLimits, Config, Files, Limits, Program, Source, explain, load};
use std::fmt::Write;

/// Rules of our own that between them use most of the language.
const SEEDS: &[&str] = &[
    "alert tcp $HOME_NET [80,!81,1024:2000] <> [10.0.0.0/8,!10.1.0.0/16,[2001:db8::/32]] any (msg:\"a \\\"b\\\"\\; c\"; flow:established,to_server; content:\"ab|00 ff|c\"; depth:9; offset:1; nocase; content:!\"x\"; distance:-2; within:9; isdataat:!4,relative; pcre:\"/^a[b-d]{2,3}(?P<flow_x>z)?$/iRs\"; classtype:misc; reference:url,example.org/a; metadata:k v, l w; sid:1; rev:2;)",
    "alert http any any -> any any (msg:\"h\"; http.method; content:\"GET\"; startswith; endswith; http.uri; to_lowercase; url_decode; content:\"/a\"; fast_pattern:0,1; bsize:>3; http_uri; urilen:5<>20,raw; http.header; pcre:\"/x\\/y/H\"; file_data; content:\"MZ\"; within:2; byte_jump:4,58,relative,little,post_offset -4; sid:2;)",
    "alert udp any any -> any 53 (byte_extract:2,0,n,relative,little,multiplier 2,align 4; byte_test:n,!&,0x80,2,relative,string,hex,bitmask 0x0f; byte_math:bytes 1,offset 0,oper <<,rvalue n,result m,endian little; content:\"q\"; offset:n; depth:m; dsize:10<>20; sid:3;)",
    "drop dns any any -> any any (dns.query; dotprefix; pcrexform:\"(.*)\\.com\"; to_sha256; dataset:isset,bad,type sha256,load list; dns.opcode:!0; dns.rrtype:AAAA,all; threshold:type both, track by_both, count 3, seconds 60; sid:4;)",
    "alert ip any any -> any any (ttl:<5; tos:!8; fragbits:*MD; fragoffset:>0; ipopts:lsrr; ip_proto:!TCP; id:7; sameip; itype:8; icode:>3; tcp.flags:SF+,CE; seq:1; ack:2; window:!3; tcp.mss:>1400; ipv4-csum:invalid; decode-event:ipv4.trunc_pkt; stream-event:est_packet_out_of_window; vlan.id:>10,1; sid:5;)",
    "alert tls any any -> any any (tls.sni; content:\"example\"; tls.cert_subject; tls_cert_notafter:2020-01-01<>2024-12-31 10:00:00; ssl_version:tls1.2,!sslv3; ssl_state:client_hello|!server_hello; tls.fingerprint:!\"aa:bb\"; content:\"x\"; sid:6;)",
    "alert mqtt any any -> any any (mqtt.type:CONNECT,nb>2,1:-1; mqtt.flags:dup,!retain; mqtt.reason_code:count >=3; mqtt.qos:&0x3=1; sid:7;)",
    "alert smb any any -> any any (dcerpc.iface:12345678-1234-abcd-ef00-0123456789ab,>2,any_frag; dcerpc.opnum:1,3-9,>40; dcerpc.stub_data; content:\"a\"; byte_test:2,>,5,0,dce; flowbits:isset,a|b; flowbits:set,c; xbits:set,d,track ip_pair,expire 10; flowint:e,+,1; hostbits:isset,f,dst; sid:8;)",
    "config dns any any => any any (dns.query; content:\"a\"; config:logging disable, type tx, scope tx; requires:version >= 8.0 < 10 | > 7, keyword dns.query; noalert; prefilter; target:src_ip; tag:host,5,seconds,src; sid:9;)",
    "alert http any any -> any any (http.request_body; base64_decode:bytes 10, offset 2, relative; base64_data; content:\"a\"; entropy:value >= 4.5; http.host; absent:or_else; content:\"b\"; xor:offset 1,extract 2 0; from_base64:bytes 4, offset 1, mode strict; gunzip:max-size 5kb; content:\"c\"; filestore:response,flow; filesize:>1mb; filename:\"a\"; filemd5:!list; frame:http1.request; content:\"z\"; sid:10;)",
    "alert modbus any any -> any any (modbus:access write holding, address 5<>9, value >3; stream_size:both,>,5; flow.pkts:either,>=3; flow.age:>1kb; detection_filter:track by_src, count 3, seconds 5; rpc:100000,*,3; asn1:oversize_length 10; sid:11;)",
];

/// Words that damaged rules get in their middle.
const WORDS: &[&str] = &[
    "!",
    "\"",
    ";",
    ":",
    ",",
    "|",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "$",
    "/",
    "<>",
    "-",
    "0",
    "18446744073709551616",
    "-1",
    "é",
    "\u{0}",
    "content:\"",
    "sid:",
    "any",
    "{65535}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "relative",
    " ",
    "(((((((((((((((((",
    "isdataat:1;",
    "http.uri;",
    "pkt_data;",
    "to_md5;",
];

/// As many damaged rules.
const COUNT: usize = 10_000;

struct Lists;

impl Files for Lists {
    fn read(&mut self, _base: &str, path: &str) -> Result<Vec<u8>, String> {
        if path == "list" { Ok(b"00\n0123\nfoo,3\n".to_vec()) } else { Err("not there".into()) }
    }
}

/// A small generator; the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

fn damaged(dice: &mut Dice) -> String {
    let mut rule: Vec<char> = SEEDS[dice.roll(SEEDS.len())].chars().collect();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(rule.len() + 1);
        match dice.roll(6) {
            0 => drop(rule.drain(at..(at + dice.roll(8)).min(rule.len()))),
            1 => rule.truncate(at),
            2 | 3 => drop(rule.splice(at..at, WORDS[dice.roll(WORDS.len())].chars())),
            4 => {
                // A piece of another rule.
                let other: Vec<char> = SEEDS[dice.roll(SEEDS.len())].chars().collect();
                let from = dice.roll(other.len());
                let to = (from + dice.roll(60)).min(other.len());
                drop(rule.splice(at..at, other[from..to].iter().copied()));
            }
            _ if at < rule.len() => rule[at] = char::from(u8::try_from(32 + dice.roll(95)).unwrap()),
            _ => {}
        }
    }
    rule.into_iter().collect()
}

#[test]
fn damaged_rules_are_read_or_refused() {
    let config = "vars: {address-groups: {HOME_NET: '[10.0.0.0/8,!10.9.0.0/16]', B: '$B'}}";
    let config = Config::parse("c.yaml", config, &mut Lists).unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    for _ in 0..COUNT {
        writeln!(text, "{}", damaged(&mut dice).replace('\n', " ")).unwrap();
    }
    let limits = Limits { remark_count: 3 * COUNT, ..Limits::default() };
    let loaded = load(&[Source::new("m.rules", text.clone())], &config, &mut Lists, &limits);
    let report = &loaded.report;
    let gone = report.refused_count + report.unwanted_count + report.replaced_count;
    assert_eq!(report.given_count, report.loaded_count + gone);
    assert!(report.refused_count > COUNT / 2, "{}", report.refused_count);
    let lines = text.lines().count();
    for remark in &report.remarks {
        assert!((1..=lines).contains(&remark.line) && remark.column >= 1, "{remark:?}");
        assert!(!remark.text.is_empty() && !remark.text.contains('\n'), "{remark:?}");
    }
    for rule in &loaded.set.rules {
        assert!(explain(rule, &loaded.set).starts_with("Rule "));
    }
    let count = loaded.set.rules.len();
    let program = Program::compile(loaded.set, &CompileLimits::default());
    assert!(program.refused().len() <= count);
}

/// The seeds themselves, but for what they name that is not there.
#[test]
fn most_seeds_are_read() {
    let mut refused = Vec::new();
    for (n, seed) in SEEDS.iter().enumerate() {
        let loaded = load(&[Source::new("s.rules", *seed)], &Config::default(), &mut Lists, &Limits::default());
        if loaded.report.refused_count > 0 {
            refused.push((n + 1, loaded.report.remarks[0].code));
        }
    }
    // A modifier behind a sticky buffer, and lists whose entries are of no such kind.
    assert_eq!(refused, [(2, "R013"), (4, "R017"), (10, "R017")]);
}
