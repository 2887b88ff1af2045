use super::*;
use crate::compile::CompileLimits;
use crate::ir::Content;
use crate::ir::*;
use crate::view::{Content as _, NoContent};
use sekisho_transaction::{Counter, Fact, Json, Look, Mark, Transaction, Value};
use sekisho_types::{Addr, Interval, Timestamp};
use sekisho_wire::Decoded;

fn any_addresses() -> Addresses {
    Addresses([AddrRange { first: 0, last: u128::MAX }][..].into())
}

fn any_ports() -> Ports {
    Ports([(0, u16::MAX)][..].into())
}

/// `alert PROTOCOL any any -> any any (sid:SID;)`
fn rule(protocol: Protocol, sid: u32) -> Rule {
    Rule {
        gid: 1,
        sid,
        rev: 1,
        action: Action::Alert,
        scope: None,
        header: Arc::new(Header {
            protocol,
            hook: None,
            src: any_addresses(),
            src_ports: any_ports(),
            arrow: Arrow::To,
            dst: any_addresses(),
            dst_ports: any_ports(),
        }),
        conditions: Vec::new(),
        matches: Vec::new(),
        effects: Vec::new(),
        thresholds: Vec::new(),
        silent: false,
        prefilter: false,
        file_request: None,
        var_count: 4,
        meta: Meta::default(),
        text: "".into(),
    }
}

fn content(bytes: &str) -> Content {
    Content { bytes: bytes.as_bytes().into(), negated: false, nocase: false, place: Place::default(), fast: Fast::Auto }
}

fn step(bytes: &str, change: impl FnOnce(&mut Content)) -> Step {
    let mut content = content(bytes);
    change(&mut content);
    Step::Content(content)
}

fn n(n: i64) -> Option<Int> {
    Some(Int::Number(n))
}

fn steps(buffer: Buffer, steps: Vec<Step>) -> BufferMatch {
    BufferMatch { buffer, transforms: Vec::new(), steps, request: None }
}

fn with(mut rule: Rule, matches: Vec<BufferMatch>) -> Rule {
    rule.matches = matches;
    rule
}

fn payload(sid: u32, list: Vec<Step>) -> Rule {
    with(rule(Protocol::Udp, sid), vec![steps(Buffer::Payload, list)])
}

struct World {
    inspector: Inspector,
    state: FlowState,
    view: FlowView,
    number: u64,
}

fn decoded(proto: u8, payload_len: usize) -> Decoded {
    Decoded {
        ip_version: 4,
        proto,
        src: Addr::v4([10, 0, 0, 1]),
        dst: Addr::v4([10, 0, 0, 2]),
        src_port: 1025,
        dst_port: 80,
        has_transport: true,
        payload_len: u32::try_from(payload_len).unwrap(),
        ..Decoded::default()
    }
}

impl World {
    fn new(rules: Vec<Rule>) -> Self {
        let set = RuleSet { rules, ..RuleSet::default() };
        let program = Program::compile(set, &CompileLimits::default());
        assert_eq!(program.refused(), []);
        let view = FlowView {
            dir: Dir::Orig,
            established: true,
            app: "http",
            pkts: [1, 0],
            bytes: [1, 0],
            stream_len: [0, 0],
            age: Interval(0),
            opaque: false,
        };
        Self { inspector: Inspector::new(Arc::new(program), 1), state: FlowState::default(), view, number: 0 }
    }

    fn sids(&self, hits: &[Hit]) -> Vec<u32> {
        hits.iter().map(|hit| self.inspector.program().rule(hit.rule).unwrap().sid).collect()
    }

    /// One packet of the flow, settled.
    fn packet(&mut self, proto: u8, bytes: &[u8]) -> Vec<u32> {
        let hits = self.packet_hits(proto, bytes);
        self.sids(&hits)
    }

    fn packet_hits(&mut self, proto: u8, bytes: &[u8]) -> Vec<Hit> {
        self.number += 1;
        let decoded = decoded(proto, bytes.len());
        let ts = Timestamp(i64::try_from(self.number).unwrap() * 1_000_000_000);
        let packet = PacketView { ts, number: self.number, decoded: &decoded, frame: bytes, events: &[] };
        let mut hits = Vec::new();
        self.inspector.packet(&packet, Some((&self.view, &mut self.state)), &mut hits);
        self.inspector.settle(&packet, Some((&self.view, &mut self.state)), &mut hits);
        hits
    }

    fn stream(&mut self, offset: u64, bytes: &[u8]) -> Vec<u32> {
        self.number += 1;
        let decoded = decoded(6, 0);
        let packet = PacketView { ts: Timestamp(0), number: self.number, decoded: &decoded, frame: &[], events: &[] };
        let mut hits = Vec::new();
        self.inspector.stream(&packet, &self.view, &mut self.state, Dir::Orig, offset, bytes, &mut hits);
        self.sids(&hits)
    }

    fn look(&mut self, stage: u8, over: bool, tx: &Tx, mark: &mut Mark) -> Vec<u32> {
        self.look_of(Dir::Orig, stage, over, tx, mark)
    }

    fn look_of(&mut self, dir: Dir, stage: u8, over: bool, tx: &Tx, mark: &mut Mark) -> Vec<u32> {
        let look = Look { dir, stage, over, event: false };
        self.look_with(look, tx, mark, &NoContent)
    }

    fn look_with(&mut self, look: Look, tx: &Tx, mark: &mut Mark, content: &dyn crate::view::Content) -> Vec<u32> {
        self.number += 1;
        let decoded = decoded(6, 0);
        let packet = PacketView { ts: Timestamp(0), number: self.number, decoded: &decoded, frame: &[], events: &[] };
        let mut hits = Vec::new();
        self.inspector.transaction(&packet, &self.view, &mut self.state, look, tx, mark, content, &mut hits);
        self.sids(&hits)
    }
}

/// Facts by name.
struct Tx(Vec<(Fact, &'static str)>);

impl Transaction for Tx {
    fn event_type(&self) -> &'static str {
        "http"
    }

    fn eve(&self, _out: &mut Json<'_>) {}

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let mut of = self.0.iter().filter(|(f, _)| *f == fact);
        of.nth(nth).map(|(_, text)| text.parse::<u64>().map_or_else(|_| Value::from(*text), Value::Number))
    }
}

/// Does a chain of steps match a payload?
#[track_caller]
fn check(list: Vec<Step>, bytes: &[u8], expected: bool) {
    let mut world = World::new(vec![payload(1, list)]);
    assert_eq!(!world.packet(17, bytes).is_empty(), expected);
}

#[test]
fn contents_stand_where_they_are_told() {
    check(vec![step("abc", |_| {})], b"xxabcxx", true);
    check(vec![step("abc", |c| c.place.depth = n(3))], b"xabc", false);
    check(vec![step("abc", |c| (c.place.offset, c.place.depth) = (n(1), n(3)))], b"xabc", true);
    check(vec![step("ABC", |c| c.nocase = true)], b"xaBc", true);
    check(vec![step("abc", |c| c.place.starts = true)], b"xabc", false);
    check(vec![step("abc", |c| c.place.ends = true)], b"abcabc", true);
    check(vec![step("abc", |c| c.place.ends = true)], b"abcx", false);
    check(vec![step("zz", |c| c.negated = true), step("a", |_| {})], b"a", true);
    check(vec![step("a", |_| {}), step("zz", |c| c.negated = true)], b"azz", false);
}

#[test]
fn contents_come_back_to_another_place() {
    // The first "ab" has no "cd" two bytes behind it; the second has.
    let list = || vec![step("ab", |_| {}), step("cd", |c| (c.place.distance, c.place.within) = (n(2), n(2)))];
    check(list(), b"abXcdabXXcd", true);
    check(list(), b"abXcdabXXXcd", false);
    let relative = |negated| Step::IsDataAt { offset: Int::Number(2), relative: true, negated };
    check(vec![step("ab", |_| {}), relative(false)], b"xxab12", true);
    check(vec![step("ab", |_| {}), relative(true)], b"ab12ab1", true);
}

fn read(len: i64, offset: i64, relative: bool, number: Number) -> Read {
    Read { len: Int::Number(len), offset: Int::Number(offset), relative, number, bitmask: None }
}

#[test]
fn numbers_in_payloads() {
    let test = |op, value| Step::ByteTest {
        read: read(2, 0, true, Number::Big),
        op,
        negated: false,
        value: Int::Number(value),
    };
    check(vec![step("a", |_| {}), test(ByteOp::Gt, 255)], b"a\x01\x00", true);
    check(vec![step("a", |_| {}), test(ByteOp::Gt, 256)], b"a\x01\x00", false);
    check(vec![step("a", |_| {}), test(ByteOp::Eq, 256)], b"a\x01", false);
    let jump = Step::ByteJump {
        read: read(1, 0, true, Number::Big),
        multiplier: 1,
        align: false,
        from_beginning: false,
        from_end: false,
        post_offset: Int::Number(0),
    };
    check(
        vec![step("a", |_| {}), jump, step("z", |c| (c.place.distance, c.place.within) = (n(0), n(1)))],
        b"a\x02--z",
        true,
    );
    let extract = Step::ByteExtract { read: read(2, 1, false, Number::Text(16)), var: 1, multiplier: 1, align: 0 };
    check(vec![extract, step("z", |c| c.place.offset = Some(Int::Var(1)))], b"x0a------z", false);
    let extract = Step::ByteExtract { read: read(2, 1, false, Number::Text(16)), var: 1, multiplier: 1, align: 0 };
    check(vec![extract, step("z", |c| c.place.offset = Some(Int::Var(1)))], b"x0a-------z", true);
}

#[test]
fn base64_and_expressions() {
    let mut decoded = payload(1, vec![step("x=", |_| {}), Step::Base64Decode { bytes: 0, offset: 0, relative: true }]);
    decoded.matches.push(steps(Buffer::Base64, vec![step("hello", |_| {})]));
    let mut world = World::new(vec![decoded]);
    assert_eq!(world.packet(17, b"x=aGVsbG8gd29ybGQ="), [1]);
    assert!(world.packet(17, b"x=Z29vZGJ5ZQ==").is_empty());
    let pcre = |pattern: &str, relative| {
        Step::Pcre(Pcre {
            pattern: pattern.into(),
            negated: false,
            nocase: false,
            dot_all: false,
            multi_line: false,
            extended: false,
            anchored: false,
            dollar_end: false,
            ungreedy: false,
            relative,
            captures: Vec::new(),
        })
    };
    check(vec![step("id=", |_| {}), pcre("^[0-9]{3}", true)], b"id=12 id=123", true);
    check(vec![step("id=", |_| {}), pcre(r"^(\d)\1", true)], b"id=12", false);
    check(vec![pcre("a+", false), step("z", |c| c.place.within = n(1))], b"aab aaz", true);
}

#[test]
fn streams_match_across_pieces_once() {
    let mut tcp = rule(Protocol::Tcp, 1);
    tcp.matches = vec![steps(Buffer::Payload, vec![step("needle", |_| {}), step("end", |c| c.place.distance = n(0))])];
    let mut placed = rule(Protocol::Tcp, 2);
    placed.matches = vec![steps(Buffer::Payload, vec![step("GET", |c| c.place.starts = true)])];
    let mut world = World::new(vec![tcp, placed]);
    assert_eq!(world.stream(0, b"GET nee"), [2]);
    assert!(world.stream(7, b"dle GET ").is_empty());
    assert!(world.stream(15, b"bla").is_empty(), "no new literal");
    // The literal of the prefilter is the longer one, seen before; the rule is found when it comes again.
    assert_eq!(world.stream(18, b"needle end"), [1]);
    assert!(world.stream(1000, b"GET end").is_empty());
    assert_eq!(world.packet(6, b"needle end"), [0u32; 0], "streams have it");
}

#[test]
fn exchanges_wait_for_their_stages_and_match_once() {
    let mut early = rule(Protocol::App("http"), 1);
    early.matches = vec![steps(Buffer::Fact(Fact::HttpUri), vec![step("/evil", |_| {})])];
    let mut late = rule(Protocol::App("http"), 2);
    late.matches = vec![
        steps(Buffer::Fact(Fact::HttpUri), vec![step("/evil", |_| {})]),
        steps(Buffer::Fact(Fact::HttpUserAgent), vec![step("bot", |_| {})]),
    ];
    let mut absent = rule(Protocol::App("http"), 3);
    absent.matches = vec![steps(Buffer::Fact(Fact::HttpReferer), vec![Step::Absent { or_else: false }])];
    let mut other = rule(Protocol::App("tls"), 4);
    other.matches = vec![steps(Buffer::Fact(Fact::TlsSni), vec![step("/evil", |_| {})])];
    let mut world = World::new(vec![early, late, absent, other]);
    let mut mark = Counter::default().begin();
    let tx = Tx(vec![(Fact::HttpUri, "/evil.php"), (Fact::HttpUserAgent, "robot")]);
    assert_eq!(world.look(0, false, &tx, &mut mark), [1]);
    assert_eq!(world.look(1, false, &tx, &mut mark), [2, 3]);
    assert!(world.look(3, true, &tx, &mut mark).is_empty());
    assert!(NoContent.file(Dir::Orig, 0).is_none());
}

/// Files that are known by their names alone.
struct Named(Vec<&'static str>);

impl crate::view::Content for Named {
    fn file(&self, _: Dir, nth: usize) -> Option<crate::view::FileView<'_>> {
        let name = self.0.get(nth)?.as_bytes();
        Some(crate::view::FileView {
            name: Some(name),
            data: b"",
            base: 0,
            seen: 0,
            len: 0,
            complete: false,
            magic: None,
            md5: None,
            sha1: None,
            sha256: None,
        })
    }
}

#[test]
fn a_rule_about_files_matches_on_each_further_file() {
    let named = |text: &[u8]| {
        let name = FileCondition::Name { text: text.into(), ext: false, negated: false };
        Condition::File(name)
    };
    let mut odd = rule(Protocol::App("http"), 1);
    odd.conditions = vec![named(b"odd")];
    let mut world = World::new(vec![odd]);
    let (mut mark, tx) = (Mark::default(), Tx(vec![]));
    let look = Look { dir: Dir::Orig, stage: 2, over: false, event: false };
    mark.file(1, Dir::Orig);
    assert_eq!(world.look_with(look, &tx, &mut mark, &Named(vec!["odd1"])), [1]);
    assert!(world.look_with(look, &tx, &mut mark, &Named(vec!["odd1"])).is_empty());
    mark.file(2, Dir::Orig);
    assert!(world.look_with(look, &tx, &mut mark, &Named(vec!["odd1", "even2"])).is_empty());
    mark.file(3, Dir::Orig);
    assert_eq!(world.look_with(look, &tx, &mut mark, &Named(vec!["odd1", "even2", "odd3"])), [1]);
    assert!(world.look_with(look, &tx, &mut mark, &Named(vec!["odd1", "even2", "odd3"])).is_empty());
}

#[test]
fn payload_beside_an_exchange_is_what_brought_it() {
    let mut both = rule(Protocol::App("http"), 1);
    both.matches = vec![
        steps(Buffer::Fact(Fact::HttpUri), vec![step("/evil", |_| {})]),
        steps(Buffer::Payload, vec![step("secret", |_| {})]),
    ];
    let mut world = World::new(vec![both]);
    let tx = Tx(vec![(Fact::HttpUri, "/evil")]);
    let look = |world: &mut World, bytes: &[u8]| {
        world.inspector.ahead(&mut world.state, Dir::Orig, "http", bytes);
        world.look(3, true, &tx, &mut Counter::default().begin())
    };
    assert_eq!(look(&mut world, b"a secret"), [1]);
    assert!(look(&mut world, b"none").is_empty(), "what brought another exchange counts no more");
    world.inspector.ahead(&mut world.state, Dir::Orig, "", b"a sec");
    assert_eq!(look(&mut world, b"ret in two pieces"), [1]);
    world.inspector.ahead(&mut world.state, Dir::Orig, "dns", b"a sec");
    assert!(look(&mut world, b"ret").is_empty(), "no rule of that protocol asks for it");
}

#[test]
fn anomalies_find_their_rules() {
    let mut odd = rule(Protocol::App("http"), 1);
    odd.conditions = vec![Condition::AppEvent("http".into(), "bad_line".into())];
    let mut world = World::new(vec![odd]);
    let mut mark = Mark::default();
    assert!(world.look(0, false, &Tx(vec![]), &mut mark).is_empty());
    mark.event(Dir::Orig, "bad_line");
    // Once for each direction, as neither the rule nor the protocol says which.
    assert_eq!(world.look(0, false, &Tx(vec![]), &mut mark), [1, 1]);
    assert!(world.look(1, false, &Tx(vec![]), &mut mark).is_empty());
}

#[test]
fn flow_bits_pass_and_limits() {
    let mut set = payload(1, vec![step("one", |_| {})]);
    set.effects = vec![Effect::FlowBit(BitChange::Set, 3)];
    set.silent = true;
    let mut ask = payload(2, vec![step("two", |_| {})]);
    ask.conditions = vec![Condition::FlowBits { bits: vec![3], negated: false }];
    let mut world = World::new(vec![set, ask]);
    assert!(world.packet(17, b"two").is_empty());
    assert_eq!(world.packet(17, b"one two"), [2]);
    assert_eq!(world.state.bits().collect::<Vec<_>>(), [3]);
    assert_eq!(world.inspector.counters().alerts_suppressed, 1, "the rule that tells nothing");

    let mut pass = payload(1, vec![step("ok", |_| {})]);
    pass.action = Action::Pass;
    let mut world = World::new(vec![pass, payload(2, vec![step("bad", |_| {})])]);
    assert!(world.packet(17, b"bad ok").is_empty());
    assert_eq!(world.packet(17, b"bad"), [2]);

    let many = (1..40).map(|sid| payload(sid, vec![step("x", |_| {})])).collect();
    let mut world = World::new(many);
    assert_eq!(world.packet(17, b"x"), (1..=15).collect::<Vec<_>>());
    assert_eq!(world.inspector.counters().alerts_cut, 24);
}

#[test]
fn addresses_once_for_each_direction_and_ports() {
    let mut by_address = rule(Protocol::Ip, 1);
    let one = u128::from_be_bytes(*Addr::v4([10, 0, 0, 1]).octets());
    Arc::make_mut(&mut by_address.header).src = Addresses([AddrRange { first: one, last: one }][..].into());
    let mut by_port = payload(2, vec![step("x", |_| {})]);
    Arc::make_mut(&mut by_port.header).dst_ports = Ports([(80, 81)][..].into());
    let mut other_port = payload(3, vec![step("x", |_| {})]);
    Arc::make_mut(&mut other_port.header).dst_ports = Ports([(81, 90)][..].into());
    let mut flags = rule(Protocol::Tcp, 4);
    flags.conditions = vec![Condition::TcpFlags(BitTest { bits: 2, ignore: 0, mode: BitMode::Any })];
    let mut world = World::new(vec![by_address, by_port, other_port, flags]);
    assert_eq!(world.packet(17, b"x"), [1, 2]);
    assert_eq!(world.packet(17, b"x"), [2]);
    assert!(world.packet(6, b"x").is_empty());
}

#[test]
fn thresholds_count() {
    let threshold = |kind, count| Threshold {
        kind,
        track: Track::BySrc,
        count,
        seconds: 60,
        multiplier: 1,
        new_action: None,
        timeout: 0,
        unique_on: None,
        addresses: None,
    };
    let told = |kind, count| {
        let mut rule = payload(1, vec![step("x", |_| {})]);
        rule.thresholds = vec![threshold(kind, count)];
        let mut world = World::new(vec![rule]);
        assert!(world.inspector.program().needs_whole_view());
        (0..6).map(|_| !world.packet(17, b"x").is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(told(ThresholdKind::Limit, 2), [true, true, false, false, false, false]);
    assert_eq!(told(ThresholdKind::Threshold, 2), [false, true, false, true, false, true]);
    assert_eq!(told(ThresholdKind::Both, 2), [false, true, false, false, false, false]);
    assert_eq!(told(ThresholdKind::DetectionFilter, 2), [false, false, true, true, true, true]);
}

#[test]
fn literals_seen_before_wait_for_the_rest() {
    let mut tcp = rule(Protocol::Tcp, 1);
    tcp.matches = vec![steps(Buffer::Payload, vec![step("needle", |_| {}), step("end", |c| c.place.distance = n(0))])];
    let mut world = World::new(vec![tcp]);
    assert!(world.stream(0, b"a needle ").is_empty());
    assert_eq!(world.stream(9, b"the end"), [1]);
    assert!(world.stream(16, b"nothing").is_empty());
    // What lies further back than the tail is forgotten.
    assert!(world.stream(23, b"needle").is_empty());
    assert!(world.stream(29, &[b'.'; 3000]).is_empty());
    assert!(world.stream(3029, b"end").is_empty());
}

#[test]
fn exchanges_of_both_sides_and_of_each() {
    let mut both = rule(Protocol::App("http"), 1);
    Arc::make_mut(&mut both.header).arrow = Arrow::Exchange;
    let of = |text: &str, request| BufferMatch {
        request: Some(request),
        ..steps(Buffer::Fact(Fact::HttpConnection), vec![step(text, |_| {})])
    };
    both.matches = vec![of("keep", true), of("close", false)];
    let mut each = rule(Protocol::App("http"), 2);
    each.matches = vec![steps(Buffer::Fact(Fact::HttpProtocol), vec![step("HTTP/1", |_| {})])];
    let mut world = World::new(vec![both, each]);
    let mut mark = Mark::default();
    let request = Tx(vec![(Fact::HttpConnection, "keep-alive"), (Fact::HttpProtocol, "HTTP/1.1")]);
    let response = Tx(vec![(Fact::HttpConnection, "close"), (Fact::HttpProtocol, "HTTP/1.1")]);
    assert_eq!(world.look_of(Dir::Orig, 1, false, &request, &mut mark), [2]);
    assert_eq!(world.look_of(Dir::Resp, 1, false, &response, &mut mark), [1, 2]);
    assert!(world.look_of(Dir::Resp, 3, true, &response, &mut mark).is_empty());
    let mut mark = Mark::default();
    assert_eq!(world.look_of(Dir::Orig, 1, false, &response, &mut mark), [2]);
    assert_eq!(world.look_of(Dir::Resp, 1, false, &response, &mut mark), [2], "the request did not match");
}

#[test]
fn a_pass_rule_behind_alerts_has_the_last_word() {
    let mut pass = payload(2, vec![step("x", |_| {})]);
    pass.action = Action::Pass;
    let mut world = World::new(vec![payload(1, vec![step("x", |_| {})]), pass, payload(3, vec![step("x", |_| {})])]);
    let hits = world.packet_hits(17, b"x");
    assert_eq!(hits.iter().map(|hit| (hit.rule, hit.passed)).collect::<Vec<_>>(), [(0, true)]);
    assert!(!world.state.is_passed(), "a packet decided");
    let mut pass = rule(Protocol::Udp, 1);
    pass.action = Action::Pass;
    let mut world = World::new(vec![pass]);
    assert!(world.packet(17, b"x").is_empty() && world.state.is_passed());
}

#[test]
fn captures_go_where_they_are_wanted() {
    let pcre = Pcre {
        pattern: "(a+)(b+)(c+)".into(),
        negated: false,
        nocase: false,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end: false,
        ungreedy: false,
        relative: false,
        captures: vec![
            (CaptureTo::Flow, "one".into()),
            (CaptureTo::Packet, "two".into()),
            (CaptureTo::Alert, "three".into()),
        ],
    };
    let mut world = World::new(vec![payload(1, vec![Step::Pcre(pcre)])]);
    let hits = world.packet_hits(17, b"xaabcc");
    assert_eq!(world.state.vars(), [("one".into(), b"aa"[..].into())]);
    assert_eq!(hits[0].vars, [("two".into(), b"b"[..].into())]);
    assert_eq!(&*hits[0].context, b"\"three\":\"cc\"");
    assert!(world.packet(17, b"xaaabc").len() == 1 && &*world.state.vars()[0].1 == b"aaa");
}

#[test]
fn the_furthest_that_a_rule_came_is_remembered() {
    let mut elsewhere = payload(4, vec![step("x", |_| {})]);
    Arc::make_mut(&mut elsewhere.header).dst_ports = Ports([(81, 81)][..].into());
    let mut late = payload(3, vec![step("x", |_| {})]);
    late.conditions = vec![Condition::Ttl(Compare::Eq(0)), Condition::Ttl(Compare::Gt(9))];
    let rules = vec![
        payload(
            1,
            vec![step("x", |_| {}), step("yy", |c| c.place.distance = n(0)), step("z", |c| c.place.distance = n(0))],
        ),
        payload(2, vec![step("never", |_| {})]),
        late,
        elsewhere,
        payload(5, vec![step("yy", |_| {})]),
    ];
    let mut world = World::new(rules);
    world.inspector.trace();
    for bytes in [&b"x"[..], b"xyy", b"x"] {
        world.packet(17, bytes);
    }
    let mut tally = Tally::default();
    tally.add(&world.inspector);
    let reached: Vec<_> = tally.traces.iter().map(|traced| (traced.reach, traced.packet)).collect();
    let never = (Reach::Never, 0);
    let step_2 = (Reach::Match { at: 0, steps: 2 }, 2);
    // Ports are looked at before anything else: the rule for another one is no candidate.
    assert_eq!(reached, [step_2, never, (Reach::Condition(1), 1), never, (Reach::Matched, 2)]);
    assert_eq!((tally.traces[4].matches.as_slice(), tally.costs[4].matches), (&[2][..], 1));
    tally.add(&world.inspector);
    assert_eq!((tally.costs[4].matches, tally.traces[0].packet), (2, 2));
    let said = crate::explain_reach(world.inspector.program(), 0, reached[0].0);
    assert!(said[0].contains("step 3 of 3") && said.len() == 3, "{said:?}");
    let said = crate::explain_reach(world.inspector.program(), 1, Reach::Never);
    assert!(said[0].contains("\"never\" was not seen in the payload"), "{said:?}");
}

/// Files that the other end sent, and how much of the first was shown before.
struct Sent(Vec<&'static [u8]>, usize);

impl crate::view::Content for Sent {
    fn file(&self, dir: Dir, nth: usize) -> Option<crate::view::FileView<'_>> {
        let data = *self.0.get(nth).filter(|_| dir == Dir::Resp)?;
        Some(crate::view::FileView {
            name: None,
            data,
            base: 0,
            seen: if nth == 0 { self.1 } else { 0 },
            len: data.len() as u64,
            complete: false,
            magic: None,
            md5: None,
            sha1: None,
            sha256: None,
        })
    }
}

#[test]
fn a_body_is_searched_for_what_is_asked_of_files_too() {
    let of = |sid, fact, text| with(rule(Protocol::App("http"), sid), vec![steps(Buffer::Fact(fact), vec![text])]);
    let mut world = World::new(vec![
        of(1, Fact::HttpResponseBody, step("of-the-body", |_| {})),
        of(2, Fact::FileData, step("of-the-file", |_| {})),
        of(3, Fact::FileData, step("%PDF", |c| c.place.starts = true)),
        of(4, Fact::HttpResponseBody, step("of-the-file", |_| {})),
    ]);
    let look = |world: &mut World, mark: &mut Mark, content: Sent| {
        world.look_with(Look { dir: Dir::Resp, stage: 2, over: false, event: false }, &Tx(vec![]), mark, &content)
    };
    let whole: &[u8] = b"%PDF of-the-body of-the-file";
    assert_eq!(look(&mut world, &mut Counter::default().begin(), Sent(vec![whole], 0)), [1, 2, 3, 4]);
    let mut mark = Counter::default().begin();
    assert_eq!(look(&mut world, &mut mark, Sent(vec![&whole[..10]], 0)), [3]);
    assert_eq!(look(&mut world, &mut mark, Sent(vec![&whole[..20]], 10)), [1]);
    assert_eq!(look(&mut world, &mut mark, Sent(vec![whole], 20)), [2, 4]);
    // What is no body is a file nevertheless.
    let two = Sent(vec![b"nothing", b"of-the-file, of-the-body"], 0);
    assert_eq!(look(&mut world, &mut Counter::default().begin(), two), [2]);
}

#[test]
fn what_lies_across_two_packets_is_found_with_the_stream_only() {
    let of = |protocol, sid, text| with(rule(protocol, sid), vec![steps(Buffer::Payload, vec![step(text, |_| {})])]);
    let mut world = World::new(vec![
        of(Protocol::Tcp, 1, "across-both"),
        of(Protocol::TcpPkt, 2, "across-both"),
        of(Protocol::TcpPkt, 3, "within-one"),
        of(Protocol::Tcp, 4, "within-one"),
    ]);
    let mut offset = 0;
    let mut told = |world: &mut World, bytes: &[u8]| {
        world.state.comes_next(world.number + 1, Dir::Orig, bytes, offset);
        let of_packet = world.packet(6, bytes);
        let of_stream = world.stream(offset, bytes);
        offset += bytes.len() as u64;
        (of_packet, of_stream)
    };
    // (The stream finds its first bytes for itself: what comes later is taken from the packets.)
    for _ in 0..20 {
        assert_eq!(told(&mut world, &[b'.'; 50]), (vec![], vec![]));
    }
    assert_eq!(told(&mut world, b"within-one, acr"), (vec![3], vec![4]));
    assert_eq!(told(&mut world, b"oss-"), (vec![], vec![]));
    assert_eq!(told(&mut world, b"both"), (vec![], vec![1]));
    assert_eq!(told(&mut world, b" across-both"), (vec![2], vec![1]));
}

#[test]
fn values_that_come_again_are_told_again() {
    let of = |sid, fact, text| {
        let mut about = rule(Protocol::App("http"), sid);
        about.matches = vec![steps(Buffer::Fact(fact), vec![step(text, |_| {})])];
        about
    };
    let mut world = World::new(vec![
        of(1, Fact::HttpConnection, "keep"),
        of(2, Fact::HttpProtocol, "HTTP"),
        of(3, Fact::HttpProtocol, "0.9"),
    ]);
    let mut look = |connection, protocol| {
        let tx = Tx(vec![(Fact::HttpConnection, connection), (Fact::HttpProtocol, protocol)]);
        world.look(1, true, &tx, &mut Counter::default().begin())
    };
    for _ in 0..3 {
        assert_eq!(look("close", "HTTP/1.1"), [2]);
        assert_eq!(look("keep-alive", "SPDY/3"), [1]);
        assert_eq!(look("close", "SPDY/3"), Vec::<u32>::new());
        // What is nothing of the one fact is something of the other.
        assert_eq!(look("HTTP 0.9", "keep"), Vec::<u32>::new());
        assert_eq!(look("close", "HTTP 0.9"), [2, 3]);
    }
}

#[test]
fn packets_with_nothing_to_search_are_done_with_once_they_were_seen() {
    let over_tcp = |sid, list| with(rule(Protocol::TcpPkt, sid), vec![steps(Buffer::Payload, list)]);
    let is_done = |world: &World, dir, app: &'static str| world.inspector.is_done_with(&world.state, dir, || app);
    let mut world = World::new(vec![over_tcp(1, vec![step("x", |_| {})])]);
    world.view.app = "";
    assert!(!is_done(&world, Dir::Orig, ""));
    assert!(world.packet(6, b"").is_empty());
    assert!(is_done(&world, Dir::Orig, "") && !is_done(&world, Dir::Resp, ""), "each direction by itself");
    assert!(!is_done(&world, Dir::Orig, "http"), "its protocol is new");
    world.view.app = "http";
    assert!(world.packet(6, b"").is_empty());
    assert!(is_done(&world, Dir::Orig, "http"));
    // A rule without a literal may match on any packet.
    let mut flags = rule(Protocol::Tcp, 2);
    flags.conditions = vec![Condition::TcpFlags(BitTest { bits: 0, ignore: 0, mode: BitMode::Exact })];
    let mut world = World::new(vec![over_tcp(1, vec![step("x", |_| {})]), flags]);
    assert_eq!(world.packet(6, b""), [2]);
    assert!(!is_done(&world, Dir::Orig, "http"));
    world.state.pass();
    assert!(is_done(&world, Dir::Orig, "http"), "nobody looks");
    let mut world = World::new(vec![payload(3, vec![step("x", |_| {})])]);
    assert!(!is_done(&world, Dir::Orig, "http") && world.packet(6, b"").is_empty());
    assert!(is_done(&world, Dir::Orig, "http"), "no rule is about packets of TCP");
}

#[test]
fn the_end_of_a_stream_is_kept_until_it_is_over() {
    let of = |sid, text| with(rule(Protocol::Tcp, sid), vec![steps(Buffer::Payload, vec![step(text, |_| {})])]);
    let mut world = World::new(vec![of(1, "across"), of(2, "TLS")]);
    assert!(world.stream(0, b"acr").is_empty());
    assert!(world.state.keeps_stream());
    assert_eq!(world.stream(3, b"oss"), [1]);
    // What follows is encrypted.
    world.view.opaque = true;
    assert!(world.packet(6, b"TLS").is_empty());
    assert!(!world.state.keeps_stream());
    world.view.opaque = false;
    assert!(world.stream(6, b"TL").is_empty());
    world.state.end_stream(Dir::Resp);
    assert!(world.state.keeps_stream(), "the other one");
    world.state.end_stream(Dir::Orig);
    assert!(!world.state.keeps_stream());
}
