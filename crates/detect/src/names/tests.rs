use super::*;
use crate::testing::{Cell, Line, addr, between, judge};
use crate::{Scope, testing};

const HOST: &str = "10.0.1.17";

fn names(lines: &[Line]) -> Names {
    let mut names = Names::new(&Scope::new(&[], 0));
    for line in lines {
        testing::row_of(line, &mut |row| names.row(row));
    }
    names
}

fn answer(port: u16, name: &str, from: &str) -> Line {
    let (query, answers) = (Cell::Text(name.into()), Cell::Texts(vec![from.to_owned()]));
    let more = [
        ("id.resp_p", Cell::Port(port)),
        ("id.orig_p", Cell::Port(50_000)),
        ("query", query),
        ("qtype", Cell::Count(1)),
        ("answers", answers),
    ];
    between("dns", 1.0, ("10.0.1.22", if port == 53 { "10.0.0.53" } else { from }), &more)
}

fn login(from: &str, workstation: &str) -> Line {
    between(
        "ntlm",
        2.0,
        (from, "10.0.0.10"),
        &[("hostname", Cell::Text(workstation.into())), ("server_nb_computer_name", Cell::Text(b"DC1".to_vec()))],
    )
}

fn leased(name: &str) -> Line {
    between(
        "dhcp",
        0.5,
        ("0.0.0.0", "255.255.255.255"),
        &[("assigned_addr", Cell::Addr(addr(HOST))), ("host_name", Cell::Text(name.into()))],
    )
}

fn best_of(lines: &[Line], host: &str) -> Option<String> {
    names(lines).settled(&|_| true).get(&addr(host)).cloned()
}

fn best(lines: &[Line]) -> Option<String> {
    best_of(lines, HOST)
}

#[test]
fn lies_name_nobody() {
    let lies = || ["filesrvv", "wpad", "printr1"].map(|name| answer(5355, name, HOST));
    assert_eq!(best(&lies()), None);
    let mut all: Vec<Line> = lies().into();
    all.extend((0..3).map(|_| login(HOST, "PC7")));
    assert_eq!(best(&all), Some("PC7".into()));
    assert_eq!(best(&[answer(137, "WPAD", HOST)]), None);
    // What judges ask is what a host is found by.
    assert_eq!(names(&lies()).of(addr(HOST)), Some("printr1"));
    let two = || vec![answer(5353, "pc7.local", HOST), answer(5353, "filesrv.local", HOST)];
    assert_eq!(best(&two()), None);
    assert_eq!(best(&[answer(5353, "pc7.local", HOST)]), Some("pc7.local".into()));
    assert_eq!(best(&[answer(5353, "pc7.local", "10.0.1.99")]), None, "about another");
}

#[test]
fn a_login_that_is_passed_on_does_not_rename() {
    let times = |n: usize, from: &str, workstation: &str| (0..n).map(|_| login(from, workstation)).collect::<Vec<_>>();
    let victim = "10.0.1.22";
    let both = || {
        [times(9, HOST, "PC7"), times(1, HOST, "PC12"), times(4, victim, "PC12")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    assert_eq!((best(&both()), best_of(&both(), victim)), (Some("PC7".into()), Some("PC12".into())));
    // Who only passes on has no name by that.
    let only = || [times(1, HOST, "PC12"), times(4, victim, "PC12")].into_iter().flatten().collect::<Vec<_>>();
    assert_eq!((best(&only()), best_of(&only(), victim)), (None, Some("PC12".into())));
    // Once is whatever a client likes.
    assert_eq!((best(&times(2, HOST, "PC7")), best(&times(3, HOST, "PC7"))), (None, Some("PC7".into())));
    // What many say is nobody's.
    let all: Vec<Line> = (1..9).flat_map(|n| times(5, &format!("10.0.1.{n}"), "PC")).collect();
    assert!(names(&all).settled(&|_| true).is_empty());
    let leases = [leased("pc7"), login(HOST, "PC12"), login(HOST, "PC12")];
    assert_eq!(best(&leases), Some("pc7".into()));
    assert_eq!(best_of(&times(1, HOST, "PC7"), "10.0.0.10"), None, "servers may show another's challenge");
    let renamed = [times(30, HOST, "PC7"), times(40, HOST, "PC8")].into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(best(&renamed), Some("PC8".into()));
}

#[test]
fn limits_names_of_a_host() {
    let many: Vec<Line> =
        (0..1_000).map(|n| login(HOST, &format!("N{n}"))).chain((0..400).map(|_| login(HOST, "PC7"))).collect();
    assert_eq!(best(&many), Some("PC7".into()));
    assert!(names(&many).of.peek(&addr(HOST)).unwrap().own.len() == MAX_OWN);
}

#[test]
fn a_machine_names_itself() {
    let machine =
        |client: &str| between("kerberos", 2.0, (HOST, "10.0.0.10"), &[("client", Cell::Text(client.into()))]);
    assert_eq!(best(&[machine("PC7$/OFFICE.EXAMPLE")]), Some("PC7".into()));
    assert_eq!(best(&[machine("ada/OFFICE.EXAMPLE")]), None);
    // The whole name, if DNS has it; its own one, if DNS says something else.
    assert_eq!(best(&[machine("PC7$"), answer(53, "pc7.office.example", HOST)]), Some("pc7.office.example".into()));
    assert_eq!(best(&[machine("PC7$"), answer(53, "old.office.example", HOST)]), Some("PC7".into()));
    assert_eq!(best(&[answer(53, "old.office.example", HOST)]), Some("old.office.example".into()));
}

#[test]
fn findings_are_not_called_by_lies() {
    let lines: Vec<Line> = ["filesrvv", "wpad", "printr1"].iter().map(|name| answer(5355, name, HOST)).collect();
    let verdict = judge(&lines);
    let of = testing::of(&verdict, "name-poisoning");
    assert!(!of.is_empty() && of.iter().all(|f| f.names.is_empty()), "{of:?}");
}
