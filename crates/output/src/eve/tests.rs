use super::*;
use sekisho_types::{Addr, FiveTuple, Timestamp, Uid, VlanTags};

fn head() -> Head<'static> {
    let (src, dst) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
    let tuple = FiveTuple { orig: src, resp: dst, orig_port: 1, resp_port: 2, proto: 6 };
    Head {
        ts: Timestamp(1_561_984_496_123_456_789),
        flow: Some(flow_id(Uid::for_flow(&tuple, Timestamp(0), 0))),
        packet: 7,
        event_type: "dns",
        vlan: VlanTags::new(Some(5), Some(6)),
        ends: Some((src, dst)),
        ports: Ports::Ports(1, 2),
        proto: 6,
        pkt_src: "wire/pcap",
        macs: None,
        ether_type: None,
        tx_id: Some(3),
    }
}

fn written(settings: &Settings, head: &Head<'_>, members: impl FnOnce(&mut Json<'_>)) -> serde_json::Value {
    let mut out = Line::default();
    line(&mut out, settings, head, members);
    assert!(out.as_bytes().ends_with(b"}\n"));
    serde_json::from_slice(out.as_bytes()).unwrap()
}

#[test]
fn heads_are_as_suricata_writes_them() {
    let settings = Settings { community_id: Some(0), ..Settings::default() };
    let v = written(&settings, &head(), |json| json.number("more", 1));
    assert_eq!(v["timestamp"], "2019-07-01T12:34:56.123456+0000");
    assert!(v["flow_id"].as_u64().is_some_and(|id| id > 0 && id < 1 << 53));
    assert_eq!(v["pcap_cnt"], 7);
    assert_eq!(v["vlan"], serde_json::json!([5, 6]));
    assert_eq!((&v["src_ip"], &v["dest_port"]), (&"10.0.0.1".into(), &2.into()));
    assert_eq!((&v["proto"], &v["ip_v"], &v["pkt_src"]), (&"TCP".into(), &4.into(), &"wire/pcap".into()));
    assert!(v["community_id"].as_str().is_some_and(|id| id.starts_with("1:")));
    assert_eq!((&v["tx_id"], &v["more"]), (&3.into(), &1.into()));
    let bare = Head { packet: 0, flow: None, ends: None, tx_id: None, pkt_src: "", ..head() };
    let v = written(&settings, &bare, |_| ());
    assert_eq!(v.as_object().unwrap().keys().collect::<Vec<_>>(), ["event_type", "timestamp", "vlan"]);
}

#[test]
fn addresses_of_version_6_are_written_out() {
    let six = Addr::v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0xbc]);
    let icmp = Head { ends: Some((six, six)), ports: Ports::Icmp(128, 0), proto: 58, ..head() };
    let v = written(&Settings::default(), &icmp, |_| ());
    assert_eq!(v["src_ip"], "fe80:0000:0000:0000:0000:0000:0000:0abc");
    assert_eq!((&v["proto"], &v["icmp_type"], &v["ip_v"]), (&"IPv6-ICMP".into(), &128.into(), &6.into()));
    assert!(v.get("src_port").is_none());
}

#[test]
fn flows_tell_counts_age_and_flags() {
    let end = FlowEnd {
        flow: End {
            pkts: [3, 2],
            bytes: [300, 200],
            start: Timestamp(1_900_000_000),
            ends: (Addr::v4([1, 1, 1, 1]), Addr::v4([2, 2, 2, 2])),
            ports: Some((1, 2)),
        },
        end: Timestamp(3_100_000_000),
        state: "closed",
        reason: "shutdown",
        alerted: true,
        action: None,
        midstream: Some(Policy::PassFlow),
        tx_count: Some(1),
        tcp: Some(TcpEnd { flags: [0x1b, 0x12], state: Some("closed"), gap: [false, true] }),
    };
    let v = written(&Settings::default(), &head(), |json| end.write(json));
    assert_eq!((&v["flow"]["age"], &v["flow"]["pkts_toclient"]), (&2.into(), &2.into()));
    assert_eq!((&v["tcp"]["tcp_flags"], &v["tcp"]["tcp_flags_tc"]), (&"1b".into(), &"12".into()));
    assert_eq!((&v["tcp"]["fin"], &v["tcp"]["tc_gap"]), (&true.into(), &true.into()));
    assert!(v["tcp"].get("rst").is_none());
    let policy = serde_json::json!([{"target": "stream_midstream", "policy": "pass_flow"}]);
    assert_eq!(v["flow"]["exception_policy"], policy);
    let unfollowed = FlowEnd { state: "bypassed", tcp: Some(TcpEnd::default()), ..end };
    let v = written(&Settings::default(), &head(), |json| unfollowed.write(json));
    assert_eq!((&v["flow"]["bypass"], v["tcp"].get("state")), (&"local".into(), None));
    let v = written(&Settings::default(), &head(), |json| {
        end.write_netflow(NetflowSide { side: 1, ttl: (63, 64) }, json);
    });
    assert_eq!((&v["netflow"]["bytes"], &v["netflow"]["max_ttl"]), (&200.into(), &64.into()));
}
