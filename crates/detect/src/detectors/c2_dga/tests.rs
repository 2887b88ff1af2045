use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

/// Generated and real labels, from nDPI's lists for tests.
const GENERATED: &str = "ufmkdjyvfkl.com hwevqwlocbvmrjdor.net mqjjotwswxiy.com gabftyhxelowwfddg.in zhyldgzvjdi.com qyrktppmrrri.cc \
    pwlvqaiiueydifcjqdl.net sqalzmlltjxpeayvwg.com kuowsumscqsagwia.org ndudjipdngygiabt.com nlxxsmlkeskmup.net cdankacdknmfdnff.net \
    iqoykycioaaqmkaq.org wcttebdjdqwed.ru ditllvqdkvh.com aawaiowgewiwuiwy.org soyicaseqguwgsgc.org xupnbntoxj.com babcleedcacokdnc.eu \
    fyxxcgetkvlfnzvcnztpcyucwc.org kqaxpmdqn.com iqudksbgqqkgt.org onzdgulxsz.com wqktwxcirozxsrwqoaupeimnlrhy.ru bsxlfrbfj.sx fcnvrouukbqip.com \
    lhcaojwgvikprtk.com zvtkhlcgfgh.mooo.com wmriwkxgyiq.cc pdjsagkyrgmdxnub.eu eiwcggieamosmuaw.org ghufmhnnkghcdggtx.com qggooyckikikycea.org \
    levkvxpkuojnszm.biz rifvsyhipjcls.in ausbfiqqtswrnhjvbdmpn.tw fldrqrkrgooohmqpae.xxx xswturyqxptl.net ncyihrgfwrjy.me vjflbdafhuqfesxgw.cc";
const REAL: &str = "treadmillcat.tk mycarticker.de ogrenion.com threehosts.com bc-collection.eu insurancer.site lifesitenews.com \
    essentialsbycatalina.com fieltorcedor.net aboutface.in henrilemay.com falkenreifen.de donatedentalequipment.org tacirlermenkul.com \
    listapad.com aw-regalos.com interceptradio.com rexousedu.com maestripellettieri.it fithuman.net jazznblues.club osiktakan.ru pestfix.com \
    dankov-themes.com florafelt.com lonestarauctioneers.com agencychief.com soccertips.info nicoleantoinette.com theyworkforyou.com \
    swiatdzieckabochnia.pl manipalgroup.info informationcloud.online parkansky.com myselfdefensetraining.com realspeaker.me egtmhosting.com \
    velowire.com mobintouch.com hidenisochema.com";

fn asks_as(client: &str, at: f64, name: &str, answer: Option<&str>) -> Line {
    let columns = [
        ("ts", Cell::Time(1_772_409_600.0 + at)),
        ("uid", Cell::Uid(at as u64)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr("10.0.0.53"))),
        ("id.resp_p", Cell::Port(53)),
        ("query", Cell::Text(name.into())),
        ("qtype", Cell::Count(1)),
        ("rcode", Cell::Count(if answer.is_some() { 0 } else { 3 })),
        ("answers", Cell::Texts(answer.iter().map(|a| (*a).to_owned()).collect())),
    ];
    line("dns", at as u64 + 1, &columns)
}

fn asks(at: f64, name: &str, answer: Option<&str>) -> Line {
    asks_as("10.0.0.5", at, name, answer)
}

fn missing(names: &str, count: usize, gap: f64) -> Vec<Line> {
    let names = names.split_whitespace().take(count);
    names.zip(0u32..).map(|(name, k)| asks(f64::from(k) * gap, name, None)).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-dga")
}

#[test]
fn many_names_that_do_not_exist_and_one_that_does() {
    // S-11.
    let mut lines = missing(GENERATED, 39, 1.0);
    lines.push(asks(40.0, "nqcwrnclasqv.com", Some("203.0.113.9")));
    let columns = [
        ("ts", Cell::Time(1_772_409_600.0 + 41.0)),
        ("uid", Cell::Uid(77)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("id.resp_p", Cell::Port(443)),
        ("orig_pkts", Cell::Count(5)),
        ("resp_pkts", Cell::Count(5)),
    ];
    let burst = found(&lines);
    assert_eq!(burst.iter().map(|f| f.code()).collect::<Vec<_>>(), ["c2-dga/resolved", "c2-dga/nx-burst"]);
    lines.push(line("conn", 99, &columns));
    let all = found(&lines);
    let [used, burst] = &all[..] else { panic!("{all:?}") };
    assert_eq!((used.code().as_str(), used.key.as_str()), ("c2-dga/resolved/used", "nqcwrnclasqv.com"));
    assert_eq!((used.severity, used.peers.named()), (Severity::High, &[addr("203.0.113.9")][..]));
    assert_eq!((burst.severity, burst.subject, burst.count), (Severity::Medium, addr("10.0.0.5"), 39));
    assert_eq!(burst.quotes[0].text, "ufmkdjyvfkl.com");
}

#[test]
fn nearly() {
    assert_eq!(found(&missing(GENERATED, 10, 1.0)).len(), 1);
    assert_eq!(found(&missing(GENERATED, 9, 1.0)).len(), 0, "too few");
    assert_eq!(found(&missing(GENERATED, 40, 70.0)).len(), 0, "too slow");
    // One name again and again; names of one length below one top level.
    let one: Vec<Line> = (0..50u32).map(|k| asks(f64::from(k), "ufmkdjyvfkl.com", None)).collect();
    assert_eq!(found(&one).len(), 0);
    let alike: Vec<Line> =
        (0..20u32).map(|k| asks(f64::from(k), &format!("xqzjkvwq{:03}.com", k * 37), None)).collect();
    assert_eq!(found(&alike).len(), 0);
    // What is found is a name as people make them.
    let mut lines = missing(GENERATED, 39, 1.0);
    lines.push(asks(40.0, "theyworkforyou.com", Some("203.0.113.9")));
    lines.push(asks(41.0, "nqcwrnclasqv.com", Some("10.0.0.9")));
    lines.push(asks(3000.0, "nqcwrnclasqv.com", Some("203.0.113.9")));
    assert_eq!(found(&lines).len(), 1);
}

#[test]
fn ordinary() {
    // S-12: a crawl over expired domains; a browser's probes; a search suffix; what was answered before.
    let mut lines = missing(REAL, 40, 1.0);
    for (k, name) in ["xkqjzvwpq", "bvnrtzqxw", "qwpzkvjxt"].into_iter().enumerate() {
        lines.push(asks(50.0 + k as f64, name, None));
    }
    for (k, name) in GENERATED.split_whitespace().enumerate() {
        lines.push(asks(60.0 + k as f64, &format!("{name}.corp.example"), None));
    }
    assert_eq!(found(&lines).len(), 0);
    let known = GENERATED.split_whitespace().enumerate();
    let known = known.flat_map(|(k, n)| [asks(k as f64, n, Some("203.0.113.1")), asks(100.0 + k as f64, n, None)]);
    assert_eq!(found(&known.collect::<Vec<_>>()).len(), 0);
    // Half of the hosts ask for the same names.
    let mut fleet = Vec::new();
    for (k, name) in GENERATED.split_whitespace().enumerate() {
        for host in 1..9 {
            fleet.push(asks_as(&format!("10.0.1.{host}"), k as f64, name, None));
        }
    }
    let hosts = found(&fleet).len();
    assert_eq!(hosts, 0);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(8 << 20), ..Scope::new(&[], 0) };
    let letters = |n: u64| -> String {
        (0..12u8).map(|k| char::from(b'a' + (sekisho_types::seeded_hash(n, &[k]) % 26) as u8)).collect()
    };
    let lines: Vec<Line> = (0..60_000u32)
        .map(|k| {
            asks_as(
                &format!("10.{}.{}.{}", k % 7, (k / 3072) % 256, (k / 12) % 256),
                f64::from(k) / 100.0,
                &format!("{}.com", letters(k.into())),
                None,
            )
        })
        .collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-dga").unwrap();
    assert!(spent.held_len < 2 << 20 && spent.forgotten > 10_000, "{spent:?}");
    assert_eq!(found(&[asks(1.0, "", None), asks(2.0, "..", None), asks(3.0, "\u{1f600}.com", None)]).len(), 0);
}
