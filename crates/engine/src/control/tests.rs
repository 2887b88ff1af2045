use super::*;
use sekisho_record::{Record, for_each};
use sekisho_types::Interval;
use sekisho_wire::{LinkType, decode};

/// `name=value` of every set column, without those of the flow.
fn text(record: &dyn Record) -> String {
    let mut out = Vec::new();
    for_each(record, &mut |field, value| {
        let skipped =
            matches!(field.name, "ts" | "uid" | "community_id" | "one_sided") || field.name.starts_with("id.");
        let shown = format!("{value:?}");
        if !skipped && shown != "Unset" {
            out.push(format!("{}={shown}", field.name));
        }
    });
    out.join(" ")
}

/// The rows of a flow with these messages: direction, whole message.
fn sum(proto: u8, messages: &[(Dir, Vec<u8>)]) -> (Vec<String>, Vec<&'static str>) {
    let mut control = Control::new(proto, messages[0].1[0], false);
    let mut odd = Vec::new();
    for (i, (dir, bytes)) in messages.iter().enumerate() {
        let mut header = [0; 8];
        header.iter_mut().zip(bytes).for_each(|(h, b)| *h = *b);
        let payload = if proto == IGMP { &bytes[..] } else { bytes.get(8..).unwrap_or(&[]) };
        let ts = Timestamp(1_000_000_000) + Interval::from_millis(i as i64);
        odd.extend(
            control.add(proto, &Message { dir: *dir, ts, number: 0, header, payload, wire_len: payload.len() as u32 }),
        );
        assert!(control.held_len() < 64 << 10);
    }
    let mut rows = Vec::new();
    control.end(&FlowInfo::default(), &mut |r: &dyn Record| rows.push(text(r)));
    (rows, odd)
}

fn echo(kind: u8, seq: u8) -> Vec<u8> {
    [&[kind, 0, 0, 0, 0, 7, 0, seq][..], b"payload"].concat()
}

#[test]
fn echoes_are_counted_and_timed() {
    let (rows, _) = sum(
        ip_proto::ICMP,
        &[
            (Dir::Orig, echo(8, 1)),
            (Dir::Resp, echo(0, 1)),
            (Dir::Orig, echo(8, 2)),
            (Dir::Orig, echo(8, 3)),
            (Dir::Resp, echo(0, 2)),
        ],
    );
    assert_eq!(
        rows,
        [
            "icmp_type=Count(8) code=Count(0) meaning=Str(\"echo\") orig_count=Count(3) resp_count=Count(2) echo_id=Count(7) \
          first_seq=Count(1) last_seq=Count(3) rtt_min=Interval(1000000) rtt_mean=Interval(1500000) \
          rtt_max=Interval(2000000) payload_len_max=Count(7)"
        ]
    );
}

/// The beginning of a UDP packet from 10.0.0.1:1000 to 192.0.2.1:`port`.
fn inner(port: u8) -> Vec<u8> {
    let ip = [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1];
    [&ip[..], &[0x03, 0xe8, 0, port, 0, 40, 0, 0]].concat()
}

#[test]
fn errors_tell_what_they_are_about() {
    let error = |code: u8, mtu: u8, port: u8| [&[3, code, 0, 0, 0, 0, 2, mtu][..], &inner(port)].concat();
    let (rows, odd) = sum(ip_proto::ICMP, &[(Dir::Orig, error(4, 64, 53)), (Dir::Orig, error(4, 64, 54))]);
    assert_eq!(
        rows,
        [
            "icmp_type=Count(3) code=Count(4) meaning=Str(\"fragmentation needed\") orig_count=Count(2) resp_count=Count(0) \
          payload_len_max=Count(28) inner.proto=Count(17) inner.orig_h=Addr(10.0.0.1) inner.orig_p=Port(1000) \
          inner.resp_h=Addr(192.0.2.1) inner.resp_p=Port(53) inner_count=Count(2) mtu=Count(576)"
        ]
    );
    assert!(odd.is_empty());
    let many: Vec<_> = (0..40).map(|p| (Dir::Orig, error(3, 0, p))).collect();
    let (rows, odd) = sum(ip_proto::ICMP, &many);
    assert!(rows[0].contains("inner_count=Count(16)") && odd.contains(&"icmp_too_many_inner_flows"));
    let (rows, _) = sum(ip_proto::ICMP, &[(Dir::Orig, vec![3, 3, 0, 0])]);
    assert!(rows[0].contains("port unreachable"));
}

#[test]
fn neighbours_are_told_apart() {
    let target = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let ask = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &target, &[1, 1, 2, 0, 0, 0, 0, 1]].concat();
    let say = |mac: u8| [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &target, &[2, 1, 2, 0, 0, 0, 0, mac]].concat();
    let (rows, odd) =
        sum(ip_proto::ICMPV6, &[(Dir::Orig, ask.clone()), (Dir::Resp, say(2)), (Dir::Orig, ask), (Dir::Resp, say(3))]);
    assert_eq!(
        rows,
        [
            "operation=Enum(neighbour_solicitation) is_orig=Bool(true) count=Count(2) target=Addr(fe80::9) \
             source_mac=Mac(02:00:00:00:00:01) duplicate_detection=Bool(true)",
            "operation=Enum(neighbour_advertisement) is_orig=Bool(false) count=Count(1) target=Addr(fe80::9) \
             target_mac=Mac(02:00:00:00:00:02) router=Bool(false) solicited=Bool(true) override=Bool(true)",
            "operation=Enum(neighbour_advertisement) is_orig=Bool(false) count=Count(1) target=Addr(fe80::9) \
             target_mac=Mac(02:00:00:00:00:03) router=Bool(false) solicited=Bool(true) override=Bool(true)",
        ]
    );
    assert!(odd.is_empty());
}

#[test]
fn routers_tell_their_settings() {
    let prefix = [&[3, 4, 64, 0xc0][..], &[0; 12], &[0x20, 1, 0xd, 0xb8], &[0; 12]].concat();
    let dns = [&[25, 3, 0, 0, 0, 0, 0, 60, 0x20, 1, 0xd, 0xb8][..], &[0; 11], &[0x53]].concat();
    let search = [&[31, 2, 0, 0, 0, 0, 0, 60][..], b"\x03lan\x00\x00\x00\x00"].concat();
    let whole =
        [&[134, 0, 0, 0, 64, 0x40, 7, 8][..], &[0; 8], &[5, 1, 0, 0, 0, 0, 5, 0xdc], &prefix, &dns, &search].concat();
    let (rows, odd) = sum(ip_proto::ICMPV6, &[(Dir::Orig, whole.clone())]);
    assert_eq!(
        rows,
        [
            "operation=Enum(router_advertisement) is_orig=Bool(true) count=Count(1) router_lifetime=Interval(1800000000000) \
          hop_limit=Count(64) managed=Bool(false) other_config=Bool(true) prefixes=[Subnet(2001:db8::/64)] mtu=Count(1500) \
          dns_servers=[Addr(2001:db8::53)] search=[Str(\"lan\")]"
        ]
    );
    assert!(odd.is_empty());
    for len in 1..whole.len() {
        sum(ip_proto::ICMPV6, &[(Dir::Orig, whole[..len].to_vec())]);
    }
    let (_, odd) = sum(ip_proto::ICMPV6, &[(Dir::Orig, [&[133, 0, 0, 0, 0, 0, 0, 0, 1, 0][..], &[0; 20]].concat())]);
    assert_eq!(odd, ["ndp_malformed"], "an option of no length");
}

#[test]
fn facts_are_limited() {
    let ask = |n: u8| [&[135, 0, 0, 0, 0, 0, 0, 0][..], &[n; 16]].concat();
    let many: Vec<_> = (0..100).map(|n| (Dir::Orig, ask(n))).collect();
    let (rows, odd) = sum(ip_proto::ICMPV6, &many);
    assert_eq!((rows.len(), odd.len()), (MAX_FACTS, 100 - MAX_FACTS));
}

#[test]
fn groups_are_joined_and_left() {
    let v2 = |kind: u8| vec![kind, 0, 0, 0, 239, 1, 2, 3];
    let v3 = [&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1][..], &[239, 1, 2, 3, 10, 0, 0, 1]].concat();
    let query = vec![0x11, 0x8f, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0];
    let (rows, odd) = sum(
        IGMP,
        &[
            (Dir::Orig, v2(0x16)),
            (Dir::Orig, v2(0x16)),
            (Dir::Orig, v2(0x17)),
            (Dir::Orig, v3.clone()),
            (Dir::Orig, query),
        ],
    );
    assert_eq!(
        rows,
        [
            "version=Enum(IGMPv2) operation=Enum(report) message_type=Count(22) count=Count(2) groups=[Addr(239.1.2.3)]",
            "version=Enum(IGMPv2) operation=Enum(leave) message_type=Count(23) count=Count(1) groups=[Addr(239.1.2.3)]",
            "version=Enum(IGMPv3) operation=Enum(report) message_type=Count(34) count=Count(1) groups=[Addr(239.1.2.3)] \
             changes=[Str(\"to exclude\")] sources=[Addr(10.0.0.1)]",
            "version=Enum(IGMPv3) operation=Enum(query) message_type=Count(17) count=Count(1) max_response=Interval(24800000000)",
        ]
    );
    assert!(odd.is_empty());
    for len in 1..v3.len() {
        sum(IGMP, &[(Dir::Orig, v3[..len].to_vec())]);
    }
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb];
    let mld = [&[131, 0, 0, 0, 0, 0, 0, 0][..], &group].concat();
    let (rows, _) = sum(ip_proto::ICMPV6, &[(Dir::Orig, mld)]);
    assert!(rows[0].starts_with("version=Enum(MLDv1) operation=Enum(report)") && rows[0].contains("ff02::fb"));
}

/// An ARP frame.
fn frame(operation: u8, from: (u8, u8), to: (u8, u8)) -> Vec<u8> {
    let mac = |n: u8| [2, 0, 0, 0, 0, n];
    let ip = |n: u8| if n == 0 { [0; 4] } else { [10, 0, 0, n] };
    [
        &[0xff; 6][..],
        &mac(from.0),
        &[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, operation],
        &mac(from.0),
        &ip(from.1),
        &mac(to.0),
        &ip(to.1),
        &[0; 18],
    ]
    .concat()
}

/// The rows for frames and the second at which each comes.
fn resolve(frames: &[(i64, Vec<u8>)]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut neighbours = Neighbours::new(1);
    for (secs, bytes) in frames {
        let d = decode(LinkType::ETHERNET, bytes, bytes.len() as u32);
        neighbours.frame(&d, bytes, Timestamp::from_parts(*secs, 0), &mut |r: &dyn Record| rows.push(text(r)));
    }
    neighbours.finish(&mut |r: &dyn Record| rows.push(text(r)));
    rows
}

#[test]
fn questions_are_joined_to_answers() {
    let ask = frame(1, (1, 1), (0, 2));
    let rows = resolve(&[
        (0, ask.clone()),
        (1, ask),
        (2, frame(2, (2, 2), (1, 1))),
        (3, frame(2, (9, 2), (1, 1))),
        (4, frame(1, (3, 0), (0, 3))),
        (5, frame(1, (3, 3), (0, 3))),
        (6, frame(1, (4, 3), (0, 3))),
        (7, frame(2, (5, 5), (1, 1))),
    ]);
    let shared = "operation=Enum(gratuitous)";
    assert_eq!(
        rows,
        [
            "operation=Enum(request) orig_mac=Mac(02:00:00:00:00:01) orig_h=Addr(10.0.0.1) resp_h=Addr(10.0.0.2) \
             resp_mac=Mac(02:00:00:00:00:02) count=Count(2) reply_count=Count(2) rtt=Interval(2000000000) \
             duration=Interval(3000000000) conflicting_mac=Mac(02:00:00:00:00:09)"
                .to_owned(),
            "operation=Enum(probe) orig_mac=Mac(02:00:00:00:00:03) resp_h=Addr(10.0.0.3) count=Count(1) \
             reply_count=Count(0) duration=Interval(0)"
                .to_owned(),
            format!(
                "{shared} orig_mac=Mac(02:00:00:00:00:03) orig_h=Addr(10.0.0.3) resp_h=Addr(10.0.0.3) count=Count(1) \
                 reply_count=Count(0) duration=Interval(0)"
            ),
            format!(
                "{shared} orig_mac=Mac(02:00:00:00:00:04) orig_h=Addr(10.0.0.3) resp_h=Addr(10.0.0.3) count=Count(1) \
                 reply_count=Count(0) duration=Interval(0) previous_mac=Mac(02:00:00:00:00:03)"
            ),
            "operation=Enum(reply) orig_mac=Mac(02:00:00:00:00:05) orig_h=Addr(10.0.0.5) resp_h=Addr(10.0.0.1) \
             resp_mac=Mac(02:00:00:00:00:01) count=Count(1) reply_count=Count(0) duration=Interval(0)"
                .to_owned(),
        ]
    );
}

#[test]
fn a_late_answer_is_none() {
    // Who lies about an address says so again and again; the question of long ago is no excuse.
    let told = frame(2, (9, 2), (1, 1));
    let rows = resolve(&[
        (0, frame(1, (1, 1), (0, 2))),
        (0, frame(2, (2, 2), (1, 1))),
        (5, told.clone()),
        (6, told.clone()),
        (8, told),
    ]);
    let [asked, unasked] = &rows[..] else { panic!("{rows:?}") };
    assert!(
        asked.contains("reply_count=Count(2)") && asked.contains("conflicting_mac=Mac(02:00:00:00:00:09)"),
        "{asked}"
    );
    assert!(unasked.starts_with("operation=Enum(reply) orig_mac=Mac(02:00:00:00:00:09)"), "{unasked}");
    assert!(unasked.contains("count=Count(2)"), "{unasked}");
}

#[test]
fn sums_of_questions_end_in_time_and_are_limited() {
    let ask = frame(1, (1, 1), (0, 2));
    assert_eq!(resolve(&[(0, ask.clone()), (299, ask.clone()), (300, ask)]).len(), 2);
    let mut neighbours = Neighbours::new(1);
    let mut count = 0usize;
    for n in 0..3 * MAX_ARP {
        let mut bytes = frame(1, (1, 1), (0, 2));
        bytes[38..42].copy_from_slice(&(n as u32).to_be_bytes());
        let d = decode(LinkType::ETHERNET, &bytes, bytes.len() as u32);
        neighbours.frame(&d, &bytes, Timestamp(0), &mut |_: &dyn Record| count += 1);
    }
    assert_eq!(count, 2 * MAX_ARP);
    assert!((1 << 16..1 << 20).contains(&neighbours.held_len()), "{}", neighbours.held_len());
}

/// See [`arp::MAX_ENTRIES`].
const MAX_ARP: usize = arp::MAX_ENTRIES;

#[test]
fn other_links_and_short_messages_are_passed_over() {
    let whole = frame(1, (1, 1), (0, 2));
    for len in 0..42 {
        assert!(resolve(&[(0, whole[..len].to_vec())]).is_empty(), "{len}");
    }
    let mut odd = whole;
    odd[18] = 8;
    assert!(resolve(&[(0, odd)]).is_empty());
    assert!(concerns(1) && concerns(2) && concerns(58) && !concerns(6) && !concerns(17));
}
