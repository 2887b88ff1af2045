use super::*;
use crate::rows::{Kind, Plan};
use crate::testing::{Line, Message, addr};
use sekisho_record::Record;

fn fits(lines: &[Line]) -> Vec<Exchange> {
    let mut exchanges = Exchanges::new(&Scope { seed: 7, ..Scope::default() });
    let mut all = Vec::new();
    for line in lines {
        let plan = Plan::new(line.schema()).unwrap();
        assert_eq!(plan.kind(), Kind::DnsMessage);
        crate::testing::show(&plan, line, &mut |row| {
            exchanges.row(row);
            all.push(*exchanges.at_hand().unwrap());
        });
    }
    all
}

fn ask(at: f64) -> Message {
    Message::query(at, "10.0.0.53", 4000, "192.0.2.53", 77, "a.test")
}

#[test]
fn an_answer_fits_by_address_port_id_and_question() {
    let reply = |m: Message| m.answer("a.test", 1, "192.0.2.1");
    let base = |at| Message::reply(at, "192.0.2.53", "10.0.0.53", 4000, 77, "a.test");
    let all = fits(&[
        ask(1.0).line(1),
        reply(base(1.1).id(78)).line(2),
        reply(base(1.1).port(4001)).line(3),
        reply(Message::reply(1.1, "192.0.2.53", "10.0.0.53", 4000, 77, "b.test")).line(4),
        reply(Message::reply(1.1, "192.0.2.54", "10.0.0.53", 4000, 77, "a.test")).line(5),
        reply(base(1.2).hops(60)).line(6),
        reply(base(1.2).hops(60)).line(7),
        base(1.3).hops(50).line(8),
        reply(base(11.2)).line(9),
    ]);
    let seen: Vec<Fit> = all.iter().map(|e| e.fit).collect();
    use Fit::*;
    assert_eq!(seen, [Query, BadId, BadPort, BadQuestion, Unsolicited, Matching, Copy, Late, Unsolicited]);
    assert_eq!((all[0].client, all[0].server, all[0].in_flight), (addr("10.0.0.53"), addr("192.0.2.53"), 1));
    assert_eq!((all[1].asked.unwrap().packet, all[2].asked.unwrap().packet), (1, 1));
    let late = all[7];
    assert_eq!((late.usual.hop_limit, late.hop_difference(50), late.hop_difference(0)), (60, 10, 0));
    assert_eq!(late.asked.unwrap().answered.unwrap().packet, 6);
    assert_ne!(late.asked.unwrap().answered.unwrap().set, late.set);
    assert_eq!((late.usual.asked, late.usual.answers, late.usual.fastest), (1, 1, Interval::from_millis(200)));
    assert!(BadCase.is_bad() && !Late.is_bad() && !Unsolicited.is_bad());
}

#[test]
fn case_counts_only_where_the_client_mixed_it() {
    let mixed = Message::query(1.0, "10.0.0.53", 4000, "192.0.2.53", 1, "a.TeSt");
    let plain = Message::query(1.0, "10.0.0.53", 4000, "192.0.2.53", 2, "a.test");
    let reply = |id, name| Message::reply(1.1, "192.0.2.53", "10.0.0.53", 4000, id, name);
    let all = fits(&[
        mixed.line(1),
        plain.line(2),
        reply(1, "a.test").line(3),
        reply(2, "A.test").line(4),
        reply(1, "a.TeSt").line(5),
    ]);
    let seen: Vec<Fit> = all.iter().skip(2).map(|e| e.fit).collect();
    assert_eq!(seen, [Fit::BadCase, Fit::Matching, Fit::Matching]);
}

#[test]
fn counts_equal_questions_in_flight_but_not_copies() {
    let mut lines: Vec<Line> = (0..12).map(|n| ask(1.0).id(n).line(u64::from(n) + 1)).collect();
    lines.push(ask(1.0).id(3).line(20));
    lines.push(Message::reply(1.1, "192.0.2.53", "10.0.0.53", 4000, 3, "a.test").line(21));
    lines.push(ask(1.2).id(50).line(22));
    lines.push(ask(30.0).id(51).line(23));
    let all = fits(&lines);
    assert_eq!([11, 12, 13, 14, 15].map(|i: usize| all[i].in_flight), [12, 12, 12, 12, 1]);
}
