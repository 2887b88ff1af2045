use super::*;
use crate::testing::Bench;
use crate::{Guess, PROTOCOLS, Probe, ProtoId};
use sekisho_types::FlowInfo;

const QUERY: u16 = 0x0100;
const REPLY: u16 = 0x8180;

/// A header with the four counts.
pub fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let mut v = [id.to_be_bytes(), flags.to_be_bytes()].concat();
    counts.iter().for_each(|c| v.extend(c.to_be_bytes()));
    v
}

/// A name as labels; no compression.
pub fn name(text: &str) -> Vec<u8> {
    let mut v = Vec::new();
    for label in text.split('.').filter(|l| !l.is_empty()) {
        v.push(label.len() as u8);
        v.extend(label.as_bytes());
    }
    v.push(0);
    v
}

pub fn question(text: &str, qtype: u16) -> Vec<u8> {
    [name(text), qtype.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

pub fn record(owner: &[u8], rtype: u16, class: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut v = owner.to_vec();
    v.extend(rtype.to_be_bytes());
    v.extend(class.to_be_bytes());
    v.extend(ttl.to_be_bytes());
    v.extend((data.len() as u16).to_be_bytes());
    v.extend(data);
    v
}

pub fn query(id: u16, text: &str, qtype: u16) -> Vec<u8> {
    [header(id, QUERY, [1, 0, 0, 0]), question(text, qtype)].concat()
}

/// A reply to `query(id, text, qtype)` with records whose owner is the question's name.
pub fn reply(id: u16, text: &str, qtype: u16, answers: &[(u16, &[u8])]) -> Vec<u8> {
    let mut v = [header(id, REPLY, [1, answers.len() as u16, 0, 0]), question(text, qtype)].concat();
    for (rtype, data) in answers {
        v.extend(record(&[0xc0, 12], *rtype, 1, 60, data));
    }
    v
}

pub fn udp() -> Bench {
    Bench::new(ProtoId::Dns, Transport::Udp, 53)
}

fn column(row: &str, name: &str) -> Option<String> {
    const NEXT: [&str; 6] = ["=Enum(", "=Count(", "=Str(", "=Bool(", "=Interval(", "=["];
    let (_, rest) = row.split_once(&format!(" {name}="))?;
    let next = |at: &usize| {
        let word = rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
        NEXT.iter().any(|kind| word.starts_with(kind)) || word.starts_with("=Subnet(")
    };
    let end = rest.match_indices(' ').map(|(at, _)| at).find(next);
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// The `answers` column of a reply with one record of this type and data.
fn answer_of(rtype: u16, data: &[u8]) -> Option<String> {
    let mut b = udp();
    b.data(Dir::Orig, &query(1, "Example.ORG", rtype))
        .data(Dir::Resp, &reply(1, "example.org", rtype, &[(rtype, data)]));
    b.end();
    let rows = b.rows("dns");
    assert_eq!(rows.len(), 1);
    column(&rows[0], "answers").filter(|a| a != "[]")
}

#[test]
fn parses_a_question_and_its_answers() {
    let mut b = udp();
    let cname = [name("Host.example.net")].concat();
    b.data(Dir::Orig, &query(7, "WWW.Example.ORG", 1));
    b.data(Dir::Resp, &reply(7, "www.example.org", 1, &[(5, &cname), (1, &[192, 0, 2, 1])]));
    b.end();
    assert_eq!(
        b.rows("dns"),
        ["proto=Enum(udp) trans_id=Count(7) rtt=Interval(1000000) query=Str(\"www.example.org\") qclass=Count(1) \
          qclass_name=Str(\"C_INTERNET\") qtype=Count(1) qtype_name=Str(\"A\") rcode=Count(0) rcode_name=Str(\"NOERROR\") \
          AA=Bool(false) TC=Bool(false) RD=Bool(true) RA=Bool(true) Z=Count(0) \
          answers=[Str(\"host.example.net\"), Str(\"192.0.2.1\")] TTLs=[Interval(60000000000), Interval(60000000000)] \
          rejected=Bool(false) opcode=Count(0) opcode_name=Str(\"query\") answer_count=Count(2) authority_count=Count(0) \
          additional_count=Count(0) reply_truncated=Bool(false) reply_len=Count(79)"]
    );
    assert_eq!(b.out.confirmed, ["dns"]);
    assert!(b.out.weirds.is_empty());
}

#[test]
fn parses_every_kind_of_record_as_zeek_words_it() {
    let soa = [name("ns.example.org"), name("admin.example.org"), vec![0; 20]].concat();
    let rrsig = [vec![0, 1, 8, 2, 0, 0, 0, 1], vec![0; 10], name("Example.org"), vec![9; 32]].concat();
    let root_sig = [vec![0, 6, 8, 0, 0, 0, 0, 1], vec![0; 10], name(""), vec![9; 32]].concat();
    let naptr = [vec![0, 100, 0, 10], b"\x01s\x08SIPS+D2T\x00".to_vec(), name("_sips._tcp.example.org")].concat();
    let nsec = [name("b.example.org"), vec![0, 1, 0x40]].concat();
    let cases: &[(u16, &[u8], Option<&str>)] = &[
        (2, &name("NS.example.org"), Some("ns.example.org")),
        (6, &soa, Some("ns.example.org")),
        (1, &[0, 10, 100, 255], Some("0.10.100.255")),
        (11, &[192, 0, 2, 1, 6, 0], None),
        (13, b"\x03PDP\x04UNIX", None),
        (15, &[vec![0, 10], name("mx.example.org")].concat(), Some("mx.example.org")),
        (16, b"\x05v=one\x00\x03two", Some("TXT 5 v=one TXT 0  TXT 3 two")),
        (28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Some("2001:db8::1")),
        (29, &[0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some("LOC:  1 2 3")),
        (33, &[vec![0, 1, 0, 2, 0, 80], name("srv.example.org")].concat(), Some("srv.example.org")),
        (35, &naptr, Some("NAPTR 100 10 s SIPS+D2T _sips._tcp.example.org")),
        (43, &[0, 9, 8, 2, 1, 2, 3], Some("DS 8 2")),
        (44, &[1, 2, 0xab, 0xcd], Some("SSHFP: abcd")),
        (46, &rrsig, Some("RRSIG 1 example.org")),
        (46, &root_sig, Some("RRSIG 6 <Root>")),
        (47, &nsec, Some("NSEC example.org b.example.org")),
        (48, &[1, 1, 3, 15, 9, 9], Some("DNSKEY 15")),
        (50, &[1, 0, 0, 1, 0, 1, 0xff], Some("NSEC3")),
        (51, &[1, 0, 0, 1, 0], Some("NSEC3PARAM")),
        (65, &[0, 1, 0, 0, 3, 0, 2, 1, 0xbb], None),
        (99, b"\x03all", Some("SPF 3 all")),
        (257, b"\x00\x05issueca.example", None),
        (65534, &[8, 0, 1, 0, 1], Some("BIND9 signing signal")),
        (300, &[1], Some("<unknown type=300>")),
    ];
    for (rtype, data, want) in cases {
        assert_eq!(answer_of(*rtype, data), want.map(|w| format!("[Str({w:?})]")), "type {rtype}");
    }
}

#[test]
fn parses_a_dynamic_update() {
    let zone = question("example.org", 6);
    let host = name("pc.example.org");
    let body = [
        zone,
        record(&host, 5, 254, 0, &[]),
        record(&host, 28, 255, 0, &[]),
        record(&host, 1, 254, 0, &[192, 0, 2, 9]),
        record(&host, 1, 1, 1200, &[192, 0, 2, 1]),
    ]
    .concat();
    let mut b = udp();
    b.data(Dir::Orig, &[header(3, 0x2800, [1, 1, 3, 0]), body.clone()].concat());
    b.data(Dir::Resp, &[header(3, 0xa805, [1, 1, 3, 0]), body].concat());
    b.end();
    let rows = b.rows("dns");
    assert_eq!(
        column(&rows[0], "answers").unwrap(),
        "[Str(\"pre: NoRRSet CNAME pc.example.org\"), Str(\"del: RRSet AAAA\"), Str(\"del: RR A pc.example.org\"), \
         Str(\"add: A pc.example.org 192.0.2.1\")]"
    );
    assert_eq!(column(&rows[0], "query").unwrap(), "Str(\"pc.example.org\")");
    assert_eq!(column(&rows[0], "rcode_name").unwrap(), "Str(\"REFUSED\")");
    assert!(!rows[0].contains(" qtype="));
}

#[test]
fn parses_netbios_names() {
    let mut b = Bench::new(ProtoId::Dns, Transport::Udp, 137);
    let wild = format!("CK{}", "A".repeat(30));
    b.data(Dir::Orig, &query(1, "ENEBFCFEEJEOCACACACACACACACACAAD", 32));
    b.data(Dir::Orig, &query(2, &wild, 33)).data(Dir::Orig, &query(3, "plain", 32));
    b.end();
    let rows = b.rows("dns");
    let shown: Vec<_> = rows.iter().map(|r| (column(r, "query").unwrap(), column(r, "qtype_name").unwrap())).collect();
    assert_eq!(shown[0], ("Str(\"MARTIN\")".into(), "Str(\"NIMLOC\")".into()));
    assert_eq!(shown[1], ("Str(\"*\")".into(), "Str(\"NBSTAT\")".into()));
    assert_eq!(shown[2].0, "Str(\"plain\")");
    let mut refresh = Bench::new(ProtoId::Dns, Transport::Udp, 137);
    refresh.data(Dir::Orig, &[header(4, 8 << 11, [1, 0, 0, 0]), question(&wild, 32)].concat()).end();
    assert_eq!((refresh.rows("dns").len(), refresh.out.confirmed.len(), refresh.out.weirds.len()), (0, 1, 0));
    assert!(rows[0].contains("opcode_name=Str(\"netbios-query\")"));
}

#[test]
fn tells_who_says_to_have_a_netbios_name() {
    // FILESRVV; the last two letters are the type.
    let answer = |kind: &str, flags: u8, address: [u8; 4], rtype: u16| {
        let owner = format!("EGEJEMEFFDFCFGFGCACACACACACACA{kind}");
        let data = [&[flags, 0][..], &address].concat();
        [header(1, 0x8500, [0, 1, 0, 0]), record(&name(&owner), rtype, 1, 165, &data)].concat()
    };
    let told = |judged: bool, message: &[u8]| {
        let mut b = Bench::new(ProtoId::Dns, Transport::Udp, 137);
        b.out.judged = judged;
        b.data(Dir::Resp, message).end();
        b.rows("netbios_name")
    };
    let own = [10, 0, 0, 2];
    let rows = told(true, &answer("CA", 0, own, 32));
    assert_eq!((rows.len(), column(&rows[0], "name").unwrap()), (1, "Str(\"FILESRVV\")".into()));
    // Nobody judges; a group's name; a browser's; another's address; another type of record; a length that is none.
    assert_eq!(told(false, &answer("CA", 0, own, 32)).len(), 0);
    assert_eq!(told(true, &answer("CA", 0x80, own, 32)).len(), 0);
    assert_eq!(told(true, &answer("BN", 0, own, 32)).len(), 0);
    assert_eq!(told(true, &answer("CA", 0, [198, 51, 100, 7], 32)).len(), 0);
    assert_eq!(told(true, &answer("CA", 0, own, 1)).len(), 0);
    let whole = answer("CA", 0, own, 32);
    assert_eq!(told(true, &whole[..whole.len() - 3]).len(), 0);
}

#[test]
fn parses_edns_of_both_sides() {
    let ecs = [0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100];
    let ede = [0, 15, 0, 4, 0, 22, b'n', b'o'];
    let mut b = udp();
    let asked = [header(1, QUERY, [1, 0, 0, 1]), question("a.example", 1), record(&[0], 41, 4096, 0x8000, &ecs)];
    let told = [header(1, 0x8183, [1, 0, 0, 1]), question("a.example", 1), record(&[0], 41, 1232, 0x0100_0000, &ede)];
    b.data(Dir::Orig, &asked.concat()).data(Dir::Resp, &told.concat()).end();
    let row = &b.rows("dns")[0];
    for part in [
        "edns_udp_size=Count(4096)",
        "edns_do=Bool(true)",
        "198.51.100.0/24",
        "edns_ede=Count(22)",
        "extended_rcode=Count(19)",
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(row.contains("rcode_name=Str(\"NXDOMAIN\")") && row.contains("rejected=Bool(false)"));
}

#[test]
fn joins_replies_to_queries_of_one_id_in_order() {
    let mut b = Bench::new(ProtoId::Dns, Transport::Udp, 5353);
    for host in ["a.local", "b.local", "c.local"] {
        b.data(Dir::Orig, &query(0, host, 1));
    }
    for host in ["a.local", "b.local"] {
        b.data(Dir::Orig, &reply(0, host, 1, &[(1, &[10, 0, 0, 9])]));
    }
    b.end();
    let queries: Vec<_> =
        b.rows("dns").iter().map(|r| (column(r, "query").unwrap(), r.contains("answers=[Str"))).collect();
    assert_eq!(queries[0], ("Str(\"a.local\")".into(), true));
    assert_eq!(queries[1], ("Str(\"b.local\")".into(), true));
    assert_eq!(queries[2], ("Str(\"c.local\")".into(), false));
}

#[test]
fn a_second_reply_and_a_reply_alone_are_rows() {
    let mut b = udp();
    let answer = reply(5, "a.example", 1, &[(1, &[10, 0, 0, 9])]);
    b.data(Dir::Orig, &query(5, "a.example", 1)).data(Dir::Resp, &answer).data(Dir::Resp, &answer);
    b.end();
    let rows = b.rows("dns");
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("qtype=") && !rows[0].contains("reply_query"));
    assert!(!rows[1].contains(" qtype=") && rows[1].contains("reply_query=Str(\"a.example\")"));
    assert!(!rows[1].contains("rtt="));
}

#[test]
fn a_reply_first_turns_the_flow_round() {
    let mut b = Bench::new(ProtoId::Dns, Transport::Udp, 4000);
    b.data(Dir::Orig, &reply(5, "a.example", 1, &[(1, &[10, 0, 0, 9])])).end();
    assert!(b.out.flip);
    let mut ports = Vec::new();
    sekisho_record::for_each(b.out.events[0].record(), &mut |f, v| {
        if f.name.ends_with("_p") {
            ports.push(format!("{v:?}"));
        }
    });
    assert_eq!(ports, ["Port(4000)", "Port(40000)"]);
}

#[test]
fn any_split_of_a_stream_gives_the_same_rows() {
    let framed = |m: Vec<u8>| [(m.len() as u16).to_be_bytes().to_vec(), m].concat();
    let asked = [framed(query(1, "a.example", 1)), framed(query(2, "b.example", 28))].concat();
    let told =
        [framed(reply(1, "a.example", 1, &[(1, &[10, 0, 0, 9])])), framed(reply(2, "b.example", 28, &[]))].concat();
    let rows = |n: usize| {
        let mut b = Bench::new(ProtoId::Dns, Transport::Tcp, 53);
        b.data_split(Dir::Orig, &asked, n);
        b.ts = sekisho_types::Timestamp(5_000_000_000);
        b.data_split(Dir::Resp, &told, n).end();
        b.rows("dns").iter().map(|r| r.split("query=").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let whole = rows(1000);
    assert_eq!(whole.len(), 2);
    for n in 1..asked.len() {
        assert_eq!(rows(n), whole, "pieces of {n}");
    }
}

#[test]
fn a_hole_in_a_stream_costs_one_message() {
    let framed = |m: Vec<u8>| [(m.len() as u16).to_be_bytes().to_vec(), m].concat();
    let first = framed(query(1, "a.example", 1));
    let mut b = Bench::new(ProtoId::Dns, Transport::Tcp, 53);
    b.data(Dir::Orig, &first[..9]).gap(Dir::Orig, 4).data(Dir::Orig, &first[13..]);
    b.data(Dir::Orig, &framed(query(2, "b.example", 1))).gap(Dir::Orig, 1).data(Dir::Orig, &first).end();
    let rows = b.rows("dns");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains("b.example"));
}

#[test]
fn rejects_what_is_damaged_but_keeps_what_was_there() {
    let cases: &[(&[u8], &str)] = &[
        (&[0; 5], "DNS_truncated_len_lt_hdr_len"),
        (&[header(1, QUERY, [1, 0, 0, 0]), vec![9, b'a']].concat(), "DNS_label_len_gt_pkt"),
        (&[header(1, QUERY, [1, 0, 0, 0]), vec![0xc0, 12, 0, 1, 0, 1]].concat(), "DNS_label_forward_compress_offset"),
        (&[header(1, QUERY, [26, 0, 0, 0])].concat(), "DNS_Conn_count_too_large"),
        (&reply(1, "a", 1, &[(1, &[1, 2, 3])]), "DNS_RR_bad_length"),
        (&[reply(1, "a", 16, &[(16, &[9, b'x'])]), vec![0; 20]].concat(), "DNS_TXT_char_str_past_rdlen"),
        (&[reply(1, "a", 65, &[(65, &[0, 1, 0, 0, 3, 0, 3, 1, 2, 3])])].concat(), "DNS_SVCB_port_length_invalid"),
        (&header(1, 0x0800, [0; 4]), "DNS_unknown_opcode"),
    ];
    for (msg, weird) in cases {
        let mut b = udp();
        b.data(Dir::Orig, &query(9, "x", 1)).data(Dir::Resp, msg).end();
        assert!(b.out.weirds.iter().any(|w| w.name == *weird), "{weird}: {:?}", b.out.weirds);
        assert!(!b.rows("dns").is_empty());
    }
}

#[test]
fn limits_pending_rows_names_and_pointers() {
    let mut b = udp();
    for id in 0..1000 {
        b.data(Dir::Orig, &query(id, "a.example", 1));
    }
    let before = b.rows("dns").len();
    assert!(before >= 1000 - 2 * (MAX_PENDING_IDS + 2), "{before} logged early");
    for _ in 0..200 {
        b.data(Dir::Orig, &query(7, "a.example", 1));
    }
    b.end();
    assert_eq!(b.rows("dns").len(), 1200);

    let mut chain = header(1, QUERY, [1, 0, 0, 0]);
    chain.extend([0, 0]);
    for i in 0..600_usize {
        let target = if i == 0 { 12 } else { 14 + 2 * (i - 1) };
        chain.extend([0xc0 | (target >> 8) as u8, target as u8]);
    }
    let mut walk = Walk::new(&chain, false);
    walk.up_to(2 + 2 * 599);
    walk.name(&mut Name::default(), true);
    assert_eq!(walk.oddities, [("dns_pointer_limit", None)]);

    let mut b = udp();
    let many: Vec<(u16, &[u8])> = vec![(1, &[10, 0, 0, 1]); MAX_ANSWERS + 9];
    b.data(Dir::Orig, &query(1, "a", 1)).data(Dir::Resp, &reply(1, "a", 1, &many)).end();
    assert_eq!(column(&b.rows("dns")[0], "answers").unwrap().matches("10.0.0.1").count(), MAX_ANSWERS);
    assert_eq!(b.out.weirds[0].name, "dns_answer_limit");

    let long = vec!["a".repeat(63); 20].join(".");
    let mut b = udp();
    b.data(Dir::Orig, &query(1, &long, 1)).end();
    let weirds: Vec<_> = b.out.weirds.iter().map(|w| w.name).collect();
    assert!(weirds.contains(&"DNS_label_len_gt_name_len") && weirds.contains(&"DNS_NAME_too_long"), "{weirds:?}");
}

#[test]
fn random_and_cut_messages_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let whole = reply(1, "www.example.org", 1, &[(5, &name("a.b")), (16, b"\x03abc"), (46, &[1; 40]), (35, &[1; 30])]);
    for round in 0..20_000_usize {
        let mut msg = whole[..round % (whole.len() + 1)].to_vec();
        for _ in 0..next() % 6 {
            let at = next() as usize % msg.len().max(1);
            if let Some(b) = msg.get_mut(at) {
                *b = next() as u8;
            }
        }
        let transport = if round % 2 == 0 { Transport::Udp } else { Transport::Tcp };
        let mut b = Bench::new(ProtoId::Dns, transport, if round % 3 == 0 { 137 } else { 53 });
        b.data(Dir::Resp, &msg).gap(Dir::Resp, next() % 9).data(Dir::Orig, &msg).half_closed(Dir::Orig).end();
    }
}

fn guess(transport: Transport, orig: &[u8], port_match: bool) -> Guess {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Dns).unwrap().1.probe;
    probe(&Probe { transport, orig, resp: &[], port_match, flow: &FlowInfo::default() })
}

#[test]
fn recognised_by_content_but_strictly() {
    let asked = query(1, "www.example.org", 1);
    let told = reply(1, "www.example.org", 1, &[(1, &[10, 0, 0, 9])]);
    assert_eq!(guess(Transport::Udp, &asked, false), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &told, false), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &[asked.clone(), vec![0]].concat(), false), Guess::No);
    assert_eq!(guess(Transport::Udp, &asked[..20], false), Guess::No);
    assert_eq!(guess(Transport::Udp, &asked[..20], true), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &[0x16; 80], true), Guess::No);
    assert_eq!(guess(Transport::Udp, &header(1, 0x0800, [0, 1, 0, 0]), true), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &header(1, 0x0800, [0, 1, 0, 0]), false), Guess::No);
    let framed = [(asked.len() as u16).to_be_bytes().to_vec(), asked].concat();
    assert_eq!(guess(Transport::Tcp, &framed, false), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, &framed[..10], false), Guess::More);
    assert_eq!(guess(Transport::Tcp, b"GET / HTTP/1.1\r\n\r\n", true), Guess::No);
}

#[test]
fn rules_and_eve_see_every_message() {
    use sekisho_transaction::Fact;
    let mut bench = Bench::watched(ProtoId::Dns, Transport::Udp, 53);
    bench.data(Dir::Orig, &query(7, "Www.Example.com", 1));
    bench.data(Dir::Resp, &reply(7, "Www.Example.com", 1, &[(1, &[192, 0, 2, 1]), (16, b"\x02ab\x01c")]));
    let [asked, answered] = bench.exchanges() else { panic!("{:?}", bench.exchanges()) };
    assert_eq!(
        asked.json,
        "{\"dns\":{\"version\":3,\"type\":\"request\",\"tx_id\":0,\"id\":7,\"flags\":\"100\",\"rd\":true,\"opcode\":0,\
         \"queries\":[{\"rrname\":\"Www.Example.com\",\"rrtype\":\"A\"}]}}"
    );
    assert_eq!(asked.fact(Fact::DnsQuery), ["Www.Example.com"]);
    assert_eq!(asked.fact(Fact::DnsRrtype), ["1"]);
    assert!(asked.over && asked.fact(Fact::DnsRcode) == ["0"], "a query has the field, too");
    assert!(answered.json.contains(
        "\"rcode\":\"NOERROR\",\"queries\":[{\"rrname\":\"Www.Example.com\",\"rrtype\":\"A\"}],\"answers\":[\
         {\"rrname\":\"Www.Example.com\",\"rrtype\":\"A\",\"ttl\":60,\"rdata\":\"192.0.2.1\"},\
         {\"rrname\":\"Www.Example.com\",\"rrtype\":\"TXT\",\"ttl\":60,\"rdata\":\"ab\"},\
         {\"rrname\":\"Www.Example.com\",\"rrtype\":\"TXT\",\"ttl\":60,\"rdata\":\"c\"}],\
         \"grouped\":{\"A\":[\"192.0.2.1\"],\"TXT\":[\"ab\",\"c\"]}}"
    ));
    assert_eq!(answered.fact(Fact::DnsAnswerName).len(), 2);
    assert_eq!(answered.fact(Fact::DnsResponseRrname).len(), 3);
    assert!(answered.fact(Fact::DnsQuery).is_empty());
}

#[test]
fn multicast_names_have_events_of_their_own() {
    let mut bench = Bench::watched(ProtoId::Dns, Transport::Udp, 5353);
    bench.data(Dir::Orig, &query(0, "_a._tcp.local", 12));
    let [asked] = bench.exchanges() else { panic!("one") };
    assert_eq!(asked.event_type, "mdns");
    assert!(asked.json.contains("\"flags\":[\"rd\"]") && asked.json.contains("\"rrtype\":\"ptr\""));
}

#[test]
fn odd_messages_are_anomalies() {
    let mut bench = Bench::watched(ProtoId::Dns, Transport::Udp, 53);
    let looped = [header(1, 0x0140, [1, 0, 0, 0]), vec![0xc0, 12, 0, 1, 0, 1]].concat();
    let no_additionals = [header(2, QUERY, [1, 0, 0, 1]), question("a", 1)].concat();
    let broken = [header(3, QUERY, [2, 0, 0, 0]), question("a", 1)].concat();
    let long =
        [header(4, QUERY, [1, 0, 0, 0]), question(&[&"a".repeat(63); 20].map(|s| s.to_string()).join("."), 1)].concat();
    for msg in [&looped, &no_additionals, &broken, &long] {
        bench.data(Dir::Orig, msg);
    }
    let events: Vec<_> = bench.exchanges().iter().map(|e| e.events.clone()).collect();
    assert_eq!(events, [vec!["z_flag_set", "infinite_loop"], vec!["invalid_additionals"], vec!["name_too_long"]]);
    assert!(bench.exchanges()[2].json.contains("\"rrname_truncated\":true"));
}

#[test]
fn a_name_at_hand_is_what_reading_it_again_gives() {
    let mut state = 5u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut again, mut odd) = (0, 0);
    for _ in 0..4_000 {
        // Names, pointers to anywhere near, ends: whole ones and damaged ones.
        let mut msg = vec![0; message::HEADER_LEN];
        while msg.len() < 80 {
            match random(8) {
                0..=2 => msg.extend(name(["a.Test", "Www.a.test", "x"][random(3) as usize])),
                3 => msg.extend([3, b'A', b'b', b'c']),
                4 => msg.push(random(256) as u8),
                _ => msg.extend([0xc0, 12 + random(40) as u8]),
            }
        }
        let mut walk = Walk::new(&msg, false);
        let mut kept = Name::default();
        while walk.left() > 0 {
            let (pos, lower) = (walk.pos(), random(2) == 0);
            let mut fresh = Walk::new(&msg, false);
            fresh.seek(pos);
            let mut read = Name::default();
            fresh.name(&mut read, lower);
            walk.oddities.clear();
            walk.name(&mut kept, lower);
            assert_eq!((kept.as_bytes(), walk.pos()), (read.as_bytes(), fresh.pos()), "{pos} {msg:?}");
            assert_eq!(walk.oddities, fresh.oddities, "{pos} {msg:?}");
            again += u32::from(msg[pos] >= 0xc0 && !read.as_bytes().is_empty());
            odd += u32::from(!fresh.oddities.is_empty());
        }
    }
    assert!(again > 1_000 && odd > 1_000, "{again} {odd}");
}
