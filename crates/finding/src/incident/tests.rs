use super::*;
use crate::{About, Act, Reason};
use sekisho_types::Uid;

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
about!(MAIL, "mail-link-mismatch", Stage::Initial);
about!(FORGED, "mail-auth-fail", Stage::Initial);
about!(TAKEN, "ntlm-relay", Stage::Credential);
about!(READ, "smb-mass-read", Stage::Exfil);
about!(SENT, "exfil-new-destination", Stage::Exfil);
about!(PATH, "lateral-chain", Stage::Lateral);

fn host(n: u8) -> Addr {
    Addr::v4([10, 0, 0, n])
}

fn finding(about: &'static About, subject: u8, severity: Severity, percent: u8, hour: i64) -> Finding {
    let new = Finding::new(about, about.at(0), host(subject), severity, Confidence::percent(percent));
    Finding { first: Timestamp(hour * HOUR), last: Timestamp(hour * HOUR), ..new }
}

fn with(mut f: Finding, peers: &[u8]) -> Finding {
    peers.iter().for_each(|p| f.peers.add(host(*p)));
    f
}

fn told(findings: &[Finding]) -> Vec<Incident> {
    // No time has passed since the last sign.
    let now = findings.iter().map(|f| f.last).max().unwrap();
    incidents(&basis(findings, &[], now)).0
}

fn basis<'a>(findings: &'a [Finding], fetched: &'a [Fetched], now: Timestamp) -> Basis<'a> {
    let is_home = &|addr: Addr| addr.as_v4().is_some_and(|a| a[0] == 10);
    Basis { findings, fetched, now, asset: &|_| Asset::Ordinary, is_home }
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
    let (kept, more) = incidents(&basis(&many, &[], Timestamp(0)));
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

const SENDER: Addr = Addr::v4([203, 0, 113, 25]);
const PLACE: Addr = Addr::v4([203, 0, 113, 9]);

fn act(host: Addr, to: Option<Addr>, minutes: i64) -> Act {
    Act { ts: Timestamp(minutes * HOUR / 60), host, to, what: "x", uid: Uid::default(), packet: 0 }
}

/// A mail that came by host 25 at an hour, and who followed its link half an hour later.
fn mail(about: &'static About, sender: &str, hour: i64, clickers: &[u8]) -> Finding {
    let mut f = finding(about, 25, Severity::High, 75, hour);
    f.sender = Some(sender.into());
    f.key = format!("evil.test in mail of {sender}");
    f.peers.add(SENDER);
    for n in clickers {
        f.act(act(host(*n), None, hour * 60 + 30));
        f.last = Timestamp(hour * HOUR + HOUR / 2);
    }
    f
}

fn part(incident: &Incident, part: Part) -> Vec<Addr> {
    incident.parts.iter().find(|(p, _)| *p == part).map(|(_, hosts)| hosts.clone()).unwrap_or_default()
}

#[test]
fn a_link_that_was_followed_begins_the_story_of_who_did() {
    let all = [mail(&MAIL, "supplier.test", 10, &[17]), finding(&C2, 17, Severity::High, 80, 11)];
    let one = told(&all);
    assert_eq!(one.len(), 1);
    assert_eq!((one[0].hosts.as_slice(), one[0].steps.as_slice()), (&[host(17)][..], &[0, 1][..]));
    assert_eq!((one[0].first, one[0].risk.stages.as_slice()), (all[0].first, &[Stage::Initial, Stage::C2][..]));
    assert_eq!((one[0].told[0].ts, one[0].told[0].host), (all[0].first, host(17)));
    assert_eq!((part(&one[0], Part::Foothold), part(&one[0], Part::Server)), (vec![host(17)], vec![host(25)]));
    // Nobody followed it: the server is no part of what else happens, not even to itself.
    let all = [
        mail(&MAIL, "supplier.test", 10, &[]),
        finding(&C2, 17, Severity::High, 80, 11),
        finding(&DISCOVERY, 25, Severity::Medium, 70, 11),
    ];
    let three = told(&all);
    assert_eq!(three.iter().map(|i| i.steps.as_slice()).collect::<Vec<_>>(), [&[1][..], &[0], &[2]]);
    // The other mails of the sender belong to it, those of another do not.
    let all = [
        mail(&MAIL, "supplier.test", 10, &[17]),
        mail(&FORGED, "supplier.test", 9, &[]),
        mail(&FORGED, "other.test", 9, &[]),
    ];
    let two = told(&all);
    let mut steps: Vec<_> = two.iter().map(|i| (i.hosts.clone(), i.steps.clone())).collect();
    steps.sort_by_key(|s| s.1.len());
    assert_eq!(steps, [(vec![host(25)], vec![2]), (vec![host(17)], vec![1, 0])]);
    assert_eq!(part(&two[1], Part::Server), [host(25)], "{:?}", two[1].parts);
}

#[test]
fn unrelated_incidents_by_way_of_one_server_stay_apart() {
    // A host that watches others scans, the mail server among them; one user follows a link, another mail is only suspicious.
    let scan = with(finding(&DISCOVERY, 53, Severity::Medium, 70, 9), &[25, 17, 18]);
    let all = [
        scan,
        mail(&MAIL, "supplier.test", 10, &[17]),
        mail(&FORGED, "bank.test", 10, &[]),
        with(finding(&DISCOVERY, 25, Severity::Medium, 70, 10), &[17, 53]),
        finding(&C2, 18, Severity::High, 80, 10),
    ];
    let mut apart: Vec<_> = told(&all).iter().map(|i| (i.hosts.clone(), i.steps.clone())).collect();
    apart.sort_by(|a, b| a.1.cmp(&b.1));
    let one = |n: u8, step: usize| (vec![host(n)], vec![step]);
    assert_eq!(apart, [one(53, 0), one(17, 1), one(25, 2), one(25, 3), one(18, 4)]);
}

#[test]
fn two_who_follow_one_sender_are_one_story_and_many_are_not() {
    let both = told(&[mail(&MAIL, "supplier.test", 10, &[17, 18])]);
    assert_eq!(
        (both.len(), both[0].hosts.as_slice(), both[0].steps.as_slice()),
        (1, &[host(17), host(18)][..], &[0][..])
    );
    assert_eq!(both[0].links.iter().map(|l| l.bond).collect::<Vec<_>>(), [Bond::Mail]);
    assert_eq!(told(&[mail(&MAIL, "supplier.test", 10, &[17, 18, 19, 20])]).len(), 4);
    let late = told(&[mail(&MAIL, "supplier.test", 10, &[17]), mail(&FORGED, "supplier.test", 40, &[18])]);
    assert_eq!(late.len(), 2, "a day apart");
}

#[test]
fn what_was_over_before_a_step_is_not_joined_by_it() {
    let step = |hour| with(finding(&LATERAL, 1, Severity::High, 90, hour), &[2]);
    assert_eq!(told(&[finding(&C2, 2, Severity::High, 80, 10), step(12)]).len(), 2);
    assert_eq!(told(&[finding(&C2, 2, Severity::High, 80, 13), step(12)]).len(), 1);
    // Whose login was passed on has been reached by nobody.
    let mut relay = with(finding(&TAKEN, 1, Severity::Critical, 97, 12), &[2, 3]);
    relay.confirmed = Some("used");
    relay.part(host(2), Part::Victim);
    let all = [relay, finding(&C2, 2, Severity::High, 80, 13), finding(&DISCOVERY, 3, Severity::High, 80, 13)];
    let mut apart: Vec<_> = told(&all).iter().map(|i| i.steps.clone()).collect();
    apart.sort();
    assert_eq!(apart, [vec![0, 2], vec![1]]);
}

#[test]
fn a_place_that_many_call_joins_nobody() {
    use crate::{Measure, Origin};
    let call = |subject, callers| {
        let mut f = finding(&C2, subject, Severity::High, 70, 0);
        f.key = "cdn.test".to_owned();
        f.measures.push(Measure::count(CALLERS, callers, None, "", Origin::Own));
        f
    };
    assert_eq!(told(&[call(1, 3), call(2, 3)]).len(), 1);
    assert_eq!(told(&[call(1, 40), call(2, 40)]).len(), 2);
}

#[test]
fn findings_of_one_hop_are_one_step_with_its_own_time() {
    use Severity::{Critical, High, Medium};
    let hop = |from, to, hour| {
        let mut ran = with(finding(&LATERAL, from, Critical, 90, hour), &[to]);
        ran.tale = Some(crate::Tale::new(crate::tale::RAN, &[b"x", b"y", b"z"]));
        [
            with(finding(&LATERAL, from, Medium, 60, hour), &[to]),
            ran,
            with(finding(&LATERAL, from, High, 85, hour), &[to]),
        ]
    };
    let mut path = with(finding(&PATH, 1, High, 75, 10), &[2, 3]);
    path.last = Timestamp(12 * HOUR);
    path.act(act(host(2), Some(host(3)), 12 * 60));
    path.act(act(host(1), Some(host(2)), 10 * 60));
    let all: Vec<Finding> = hop(1, 2, 10).into_iter().chain(hop(2, 3, 12)).chain([path]).collect();
    let told = told(&all);
    let steps: Vec<_> = told[0].told.iter().map(|s| (s.ts, s.host, s.shown_by.clone())).collect();
    let shown = |of: &[usize]| ShownBy::Findings(of.to_vec());
    assert_eq!(
        steps,
        [(Timestamp(10 * HOUR), host(1), shown(&[1, 0, 2])), (Timestamp(12 * HOUR), host(2), shown(&[4, 3, 5, 6]))],
        "the path is told where its last hop is"
    );
    // Nothing is lost, and none stands twice.
    let mut shown: Vec<usize> = told[0]
        .told
        .iter()
        .flat_map(|s| if let ShownBy::Findings(of) = &s.shown_by { of.clone() } else { vec![] })
        .collect();
    shown.sort_unstable();
    let mut steps = told[0].steps.clone();
    steps.sort_unstable();
    assert_eq!(shown, steps);
    assert_eq!((part(&told[0], Part::Taken), part(&told[0], Part::Reached)), (vec![host(2)], vec![host(3)]));
    // An hour later it is another step, to another host as well.
    let apart = incidents(&basis(
        &[hop(1, 2, 10).to_vec(), hop(1, 2, 12).to_vec(), hop(1, 3, 10).to_vec()].concat(),
        &[],
        Timestamp(0),
    ))
    .0;
    assert_eq!(apart[0].told.len(), 3);
}

fn came(host: Addr, from: Addr, minutes: i64, place: &str, n: u8) -> Fetched {
    Fetched {
        ts: Timestamp(minutes * HOUR / 60),
        host,
        from,
        place: place.to_owned(),
        name: "x.exe".to_owned(),
        mime: "application/x-dosexec".to_owned(),
        over: "HTTP",
        len: 1,
        sha256: format!("{n:02x}").repeat(32),
        uid: Uid::default(),
        packet: 0,
    }
}

#[test]
fn programs_that_came_are_steps_of_the_story_they_belong_to() {
    let cdn = Addr::v4([198, 51, 100, 7]);
    let mut call = finding(&C2, 17, Severity::High, 80, 11);
    call.peers.add(PLACE);
    call.last = Timestamp(100 * HOUR);
    let all = [
        mail(&MAIL, "supplier.test", 10, &[17]),
        call,
        tied(finding(&DISCOVERY, 17, Severity::Medium, 70, 20), Tie::file("77".repeat(32).as_bytes())),
    ];
    let fetched = [
        came(host(17), PLACE, 60 * 60, "", 1),
        came(host(17), cdn, 60 * 60, "evil.test", 2),
        came(host(17), cdn, 10 * 60 + 31, "", 3),
        came(host(17), cdn, 10 * 60 + 59, "", 4),
        came(host(17), cdn, 60 * 60, "", 0x77),
        // An installer in between, one before, one after, one of another host, one from a neighbour.
        came(host(17), cdn, 50 * 60, "download.test", 5),
        came(host(17), PLACE, 8 * 60, "", 6),
        came(host(17), PLACE, 101 * 60, "", 6),
        came(host(18), PLACE, 11 * 60, "", 7),
        came(host(17), host(30), 10 * 60 + 59, "", 8),
    ];
    let told = incidents(&basis(&all, &fetched, Timestamp(100 * HOUR))).0;
    let numbers: Vec<&str> = told[0].fetched.iter().map(|f| &f.sha256[..2]).collect();
    assert_eq!((numbers, told[0].more_fetched), (vec!["03", "04", "01", "02", "77"], 2));
    let places: Vec<usize> = told[0]
        .told
        .iter()
        .filter_map(|s| if let ShownBy::Fetched(at) = s.shown_by { Some(at) } else { None })
        .collect();
    assert_eq!(places, [0, 1, 2, 3, 4]);
    assert!(told[0].told.windows(2).all(|w| w[0].ts <= w[1].ts));
    // By themselves they are no incident, and a host that only scans did not get them for that.
    assert!(incidents(&basis(&[], &fetched, Timestamp(0))).0.is_empty());
    let scan = incidents(&basis(&[finding(&DISCOVERY, 17, Severity::Medium, 70, 11)], &fetched, Timestamp(0))).0;
    assert_eq!((scan[0].fetched.len(), scan[0].more_fetched), (0, 3));
    let many: Vec<Fetched> = (0..40).map(|n| came(host(17), PLACE, 12 * 60 + n, "", 9)).collect();
    let told = incidents(&basis(&all, &many, Timestamp(0))).0;
    assert_eq!((told[0].fetched.len(), told[0].more_fetched), (16, 24));
}

#[test]
fn hosts_have_their_parts() {
    let mut call = finding(&C2, 17, Severity::High, 80, 1);
    call.peers.add(PLACE);
    let relay = {
        let mut f = with(finding(&TAKEN, 17, Severity::Critical, 97, 2), &[10, 22]);
        f.part(host(10), Part::Server);
        f.part(host(22), Part::Victim);
        f
    };
    let mut sent = finding(&SENT, 24, Severity::Medium, 60, 5);
    sent.peers.add(SENDER);
    let all = [
        call,
        relay,
        with(finding(&LATERAL, 17, Severity::High, 90, 3), &[24, 30]),
        with(finding(&READ, 24, Severity::High, 70, 4), &[20]),
        sent,
    ];
    let story = &told(&all)[0];
    let want = [
        (Part::Outside, vec![PLACE]),
        (Part::Foothold, vec![host(17)]),
        (Part::Taken, vec![host(24)]),
        (Part::Reached, vec![host(30)]),
        (Part::Victim, vec![host(22)]),
        (Part::Server, vec![host(10), host(20)]),
        (Part::Drop, vec![SENDER]),
    ];
    assert_eq!(story.parts, want);
}
