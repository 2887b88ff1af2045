use super::*;
use crate::{About, Peers, Reason, Samples};

const HOUR: i64 = 3_600_000_000_000;

macro_rules! about {
    ($name:ident, $id:literal, $stage:expr) => {
        static $name: About = About {
            id: $id,
            title: $id,
            means: "",
            techniques: &[],
            stage: $stage,
            reasons: &[Reason { code: "x", means: "" }],
            benign: "",
            clears: "",
            next: &[],
            needs: &[],
        };
    };
}

about!(C2, "c2-beacon", Stage::C2);
about!(DISCOVERY, "scan-horizontal", Stage::Discovery);
about!(LATERAL, "rpc-remote-exec", Stage::Lateral);
about!(SCAN_OUTSIDE, "dns-poison", Stage::Recon);
about!(HYGIENE, "tls-cert-dates", Stage::Hygiene);

fn host(n: u8) -> Addr {
    Addr::v4([10, 0, 0, n])
}

fn finding(about: &'static About, subject: u8, severity: Severity, percent: u8, hour: i64) -> Finding {
    Finding {
        about,
        techniques: Vec::new(),
        reason: about.at(0),
        confirmed: None,
        severity,
        confidence: Confidence::percent(percent),
        stage: about.stage,
        subject: host(subject),
        key: String::new(),
        peers: Peers::default(),
        names: Vec::new(),
        first: Timestamp(hour * HOUR),
        last: Timestamp(hour * HOUR),
        count: 1,
        flows: Samples::default(),
        packets: Samples::default(),
        measures: Vec::new(),
        quotes: Vec::new(),
        ties: Vec::new(),
        benign: Vec::new(),
        quality: Vec::new(),
        muted: None,
    }
}

fn with(mut f: Finding, peers: &[u8]) -> Finding {
    peers.iter().for_each(|p| f.peers.add(host(*p)));
    f
}

fn told(findings: &[Finding]) -> Vec<Incident> {
    // No time has passed since the last sign.
    let now = findings.iter().map(|f| f.last).max().unwrap();
    incidents(findings, now, &|_| Asset::Ordinary).0
}

fn scores(findings: &[Finding], asset: Asset) -> Vec<u8> {
    let told: Vec<&Finding> = findings.iter().collect();
    vec![Risk::of(&told, Timestamp(0), asset).score]
}

#[test]
fn scores_are_those_of_the_specification() {
    use Severity::{Critical, High, Medium};
    let medium = |about| finding(about, 1, Medium, 60, 0);
    assert_eq!(scores(&[medium(&C2)], Asset::Ordinary), [11]);
    assert_eq!(scores(&[finding(&C2, 1, High, 80, 0)], Asset::Ordinary), [33]);
    assert_eq!(scores(&[finding(&C2, 1, Critical, 90, 0)], Asset::Ordinary), [59]);
    let two = vec![finding(&C2, 1, High, 60, 0), finding(&DISCOVERY, 1, Medium, 70, 0)];
    assert_eq!(scores(&two, Asset::Ordinary), [42]);
    let three = [two, vec![finding(&LATERAL, 1, Critical, 90, 0)]].concat();
    assert_eq!(scores(&three, Asset::Ordinary), [90]);
    assert_eq!(scores(&three, Asset::Critical), [97]);
    assert_eq!(scores(&vec![finding(&C2, 1, Medium, 70, 0); 4], Asset::Ordinary), [18]);
}

#[test]
fn age_halves_points_and_order_counts() {
    let old = finding(&C2, 1, Severity::Critical, 90, 0);
    let risk = Risk::of(&[&old], Timestamp(72 * HOUR), Asset::Ordinary);
    assert_eq!((risk.terms[0].tenths, risk.score), (360, 36));
    let at = |hours: [i64; 3]| {
        let all = [(&C2, hours[0]), (&DISCOVERY, hours[1]), (&LATERAL, hours[2])];
        let all = all.map(|(about, hour)| finding(about, 1, Severity::High, 80, hour));
        let risk = Risk::of(&all.iter().collect::<Vec<_>>(), Timestamp(0), Asset::Ordinary);
        (risk.in_order, risk.stage_factor)
    };
    assert_eq!(at([0, 1, 2]), (true, 175));
    assert_eq!(at([2, 1, 0]), (false, 150));
    assert_eq!(at([0, 1, 14 * 24 + 1]), (false, 150), "too long after");
    let outside = finding(&SCAN_OUTSIDE, 1, Severity::High, 80, 0);
    let risk = Risk::of(&[&outside], Timestamp(0), Asset::Ordinary);
    assert_eq!((risk.stage_factor, risk.stages), (100, vec![Stage::Recon]), "what comes before does not multiply");
}

#[test]
fn one_hint_is_no_incident_and_hygiene_never_is() {
    use Severity::{Critical, Info, Low, Medium};
    assert!(told(&[finding(&C2, 1, Low, 90, 0)]).is_empty());
    assert!(told(&[finding(&C2, 1, Low, 90, 0), finding(&C2, 1, Low, 90, 1)]).is_empty(), "the same part twice");
    assert_eq!(told(&[finding(&C2, 1, Low, 90, 0), finding(&DISCOVERY, 1, Low, 90, 24)]).len(), 1);
    assert!(told(&[finding(&C2, 1, Low, 90, 0), finding(&DISCOVERY, 1, Low, 90, 25)]).is_empty());
    assert!(told(&[finding(&HYGIENE, 1, Critical, 90, 0)]).is_empty());
    let beside = told(&[finding(&HYGIENE, 1, Critical, 90, 0), finding(&C2, 1, Medium, 60, 500)]);
    assert_eq!(
        (beside[0].steps.as_slice(), beside[0].conditions.as_slice(), beside[0].risk.score),
        (&[1][..], &[0][..], 11)
    );
    let mut muted = finding(&C2, 1, Critical, 90, 0);
    muted.muted = Some("agreed".to_owned());
    assert!(told(&[muted]).is_empty());
    let joins = told(&[finding(&C2, 1, Info, 50, 0), finding(&DISCOVERY, 1, Medium, 60, 24)]);
    assert_eq!(joins[0].steps, [0, 1], "a fact opens none but belongs to it");
}

#[test]
fn a_long_silence_ends_an_incident() {
    let at = |hour| finding(&C2, 1, Severity::High, 80, hour);
    assert_eq!(told(&[at(0), at(7 * 24)]).len(), 1);
    let two = told(&[at(7 * 24 + 1), at(0)]);
    assert_eq!(two.iter().map(|i| i.steps.clone()).collect::<Vec<_>>(), [[0], [1]], "the later one is the more urgent");
}

#[test]
fn steps_join_hosts_in_the_order_of_the_path() {
    use Severity::{High, Medium};
    let all = [
        with(finding(&LATERAL, 2, High, 90, 30), &[3]),
        finding(&C2, 1, High, 70, 1),
        finding(&C2, 9, High, 70, 2),
        with(finding(&LATERAL, 1, High, 90, 20), &[2]),
        finding(&DISCOVERY, 1, Medium, 70, 10),
        finding(&HYGIENE, 3, High, 90, 0),
    ];
    let told = told(&all);
    assert_eq!(told.len(), 2);
    let path = &told[0];
    assert_eq!((path.hosts.as_slice(), path.reached.as_slice()), (&[host(1), host(2)][..], &[host(3)][..]));
    assert_eq!((path.steps.as_slice(), path.first, path.last), (&[1, 4, 3, 0][..], all[1].first, all[0].last));
    assert_eq!(path.links, [Link { from: host(1), to: host(2), bond: Bond::Step, finding: 3 }]);
    assert_eq!(path.risk.stages, [Stage::C2, Stage::Discovery, Stage::Lateral]);
    assert!(path.risk.in_order && path.conditions.is_empty());
    assert_eq!(told[1].hosts, [host(9)]);
}

#[test]
fn a_rare_place_joins_and_a_common_one_does_not() {
    let call = |subject, hour| Finding { key: "x.test".to_owned(), ..finding(&C2, subject, Severity::High, 70, hour) };
    assert_eq!(told(&[call(1, 0), call(2, 24), call(3, 30)]).len(), 1);
    assert_eq!(told(&[call(1, 0), call(2, 25)]).len(), 2, "a day apart");
    assert_eq!(told(&[call(1, 0), call(2, 1), call(3, 2), call(4, 3)]).len(), 4);
    let weak = Finding { confidence: Confidence::percent(50), ..call(2, 1) };
    assert_eq!(told(&[call(1, 0), weak]).len(), 2);
}

#[test]
fn what_is_joined_and_told_is_bounded() {
    // Each host steps on to the next.
    let chain: Vec<Finding> =
        (0..200u8).map(|n| with(finding(&LATERAL, n, Severity::High, 90, n.into()), &[n.wrapping_add(1)])).collect();
    let all = told(&chain);
    assert!(all.len() >= 4 && all.iter().all(|i| i.hosts.len() <= MAX_JOINED), "{}", all.len());
    let many: Vec<Finding> = (0..=u32::try_from(MAX_INCIDENTS).unwrap())
        .map(|n| Finding {
            subject: Addr::v4(n.to_be_bytes().map(|b| b | 1 << 7)),
            ..finding(&C2, 1, Severity::High, 80, 0)
        })
        .collect();
    let (kept, more) = incidents(&many, Timestamp(0), &|_| Asset::Ordinary);
    let hosts = many.iter().map(|f| f.subject).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(kept.len() as u64 + more, hosts as u64);
}

fn tied(mut f: Finding, tie: Option<Tie>) -> Finding {
    f.tie(tie.unwrap());
    f
}

type Story = (Vec<Addr>, Vec<(Addr, Addr, Bond)>);

/// Hosts of each incident, and the bonds within.
fn stories(findings: &[Finding]) -> Vec<Story> {
    let bonds = |i: &Incident| i.links.iter().map(|l| (l.from, l.to, l.bond)).collect();
    let mut all: Vec<_> = told(findings).iter().map(|i| (i.hosts.clone(), bonds(i))).collect();
    all.sort_by(|a: &Story, b| a.0.cmp(&b.0));
    all
}

#[test]
fn the_same_file_joins_hosts_in_the_order_of_time() {
    let file = |n: u8| Tie::file(format!("{n:02x}").repeat(32).as_bytes());
    let at = |subject, hour, n| tied(finding(&LATERAL, subject, Severity::High, 80, hour), file(n));
    let both = stories(&[at(2, 5, 1), at(1, 0, 1), at(3, 2, 2)]);
    assert_eq!(both, [(vec![host(1), host(2)], vec![(host(1), host(2), Bond::File)]), (vec![host(3)], vec![])]);
    // A week later it is another story; what is not sure joins nothing; certificates are no steps.
    assert_eq!(stories(&[at(1, 0, 1), at(2, 7 * 24 + 1, 1)]).len(), 2);
    let unsure = tied(finding(&LATERAL, 2, Severity::High, 59, 5), file(1));
    assert_eq!(stories(&[at(1, 0, 1), unsure]).len(), 2);
    let condition = tied(finding(&HYGIENE, 2, Severity::High, 80, 5), file(1));
    assert_eq!(stories(&[at(1, 0, 1), condition]).len(), 1);
    // Three hosts are joined one after the other.
    let chain = stories(&[at(1, 0, 1), at(2, 1, 1), at(3, 2, 1)]);
    assert_eq!(chain[0].1, [(host(1), host(2), Bond::File), (host(2), host(3), Bond::File)]);
}

#[test]
fn an_account_taken_here_and_used_there_joins() {
    let taken =
        |subject, hour, name: &str| tied(finding(&C2, subject, Severity::High, 80, hour), Tie::taken(name.as_bytes()));
    let used = |subject, hour, name: &str| {
        tied(finding(&LATERAL, subject, Severity::High, 80, hour), Tie::used(name.as_bytes()))
    };
    let joined = stories(&[used(2, 3, "CORP\\Alice"), taken(1, 1, "alice@corp.test")]);
    assert_eq!(joined, [(vec![host(1), host(2)], vec![(host(1), host(2), Bond::Account)])]);
    // Used before it was taken, another account, or used by two: nothing was taken there.
    assert_eq!(stories(&[used(2, 0, "alice"), taken(1, 1, "alice")]).len(), 2);
    assert_eq!(stories(&[used(2, 3, "bob"), taken(1, 1, "alice")]).len(), 2);
    assert_eq!(stories(&[used(1, 1, "alice"), used(2, 3, "alice")]).len(), 2);
    assert_eq!(stories(&[taken(1, 1, "alice"), taken(2, 3, "alice")]).len(), 2);
    assert_eq!(stories(&[taken(1, 1, "alice"), used(2, 8 * 24, "alice")]).len(), 2, "long after");
}

#[test]
fn ties_make_no_more_links_than_there_are_signs() {
    let file = Tie::file("ab".repeat(32).as_bytes());
    let many: Vec<Finding> =
        (0..200).map(|n| tied(finding(&LATERAL, n, Severity::High, 80, i64::from(n) / 10), file.clone())).collect();
    let stories = told(&many);
    assert!(stories.iter().map(|i| i.links.len()).sum::<usize>() < 200);
    assert!(stories.iter().all(|i| i.hosts.len() <= MAX_JOINED));
}
