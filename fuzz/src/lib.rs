//! What the fuzz targets share.

mod dnssec;
mod intel;
mod letter;
mod state;

pub use dnssec::dnssec;
pub use intel::intel;
pub use letter::letter;
pub use state::state;
use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Budget, MIN_LEN, Settings, Worker};
use sekisho_files::NoStore;
use sekisho_output::{Format, Sinks};
use sekisho_proto::testing::Bench;
use sekisho_proto::{ProtoId, Secrets, Transport};
use sekisho_record::Record;
use sekisho_testkit::quic::{self, Connection, Suite};
use sekisho_types::Dir;
pub use sekisho_unpack::Kind;
use std::sync::Arc;

/// Bytes as a sequence of calls to one parser: a header byte for the transport, then operations of one
/// byte (direction, kind) and one or two more (length).
pub fn protocol(id: ProtoId, data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let d = id.descriptor();
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let port = d.tcp_ports.first().or(d.udp_ports.first()).copied().unwrap_or(9);
    let mut bench = Bench::new(id, transport, port);
    // What is logged of the home networks' hosts alone is to be reached, too.
    (bench.flow.local_orig, bench.flow.local_resp) = (first & 2 != 0, first & 4 != 0);
    while let Some((&op, tail)) = rest.split_first() {
        rest = tail;
        let dir = if op & 1 == 0 { Dir::Orig } else { Dir::Resp };
        match op >> 1 & 7 {
            0..=5 => {
                let Some((&len, tail)) = rest.split_first() else { break };
                let want = usize::from(len) << (if op & 0x10 != 0 { 4 } else { 0 });
                let (bytes, tail) = tail.split_at(want.min(tail.len()));
                bench.data(dir, bytes);
                rest = tail;
            }
            6 => {
                bench.gap(dir, u64::from(op >> 4) * 37 + 1);
            }
            _ => {
                if transport == Transport::Tcp && bench.is_open() {
                    bench.half_closed(dir);
                }
            }
        }
    }
    bench.end();
}

/// A QUIC connection whose secrets are known, up to the server's hello; the first byte chooses version and suite.
fn keyed_connection(first: u8) -> (Connection, Bench) {
    let suite = [Suite::Aes128, Suite::Aes256, Suite::ChaCha20][usize::from(first >> 1) % 3];
    let version = if first & 1 == 0 { 1 } else { quic::V2 };
    let connection = Connection::new(version, suite, first, [b"cl", b"server"]);
    let mut bench = Bench::new(ProtoId::Quic, Transport::Udp, 443);
    let secrets = Secrets::default();
    secrets.add(connection.key_log().as_bytes(), 0);
    bench.out.secrets = Some(Arc::new(secrets));
    let hello = quic::client_hello_with(connection.random(), "h3.example.org", &["h3"]);
    let mut frames = quic::crypto(0, &hello);
    frames.resize(1200, 0);
    bench.data(Dir::Orig, &quic::initial(version, b"first-id", [b"first-id", b"cl"], true, 0, &frames));
    let frames = quic::crypto(0, &quic::server_hello_with(suite));
    bench.data(Dir::Resp, &quic::initial(version, b"first-id", [b"cl", b"server"], false, 0, &frames));
    (connection, bench)
}

/// What a connection may hold, whatever comes.
const MAX_KEYED_LEN: usize = 16 << 20;

/// Bytes as the frames that both ends of a QUIC connection seal: operations of one byte (direction, kind of packet),
/// another (length), and that many bytes of frames.
pub fn quic_keys(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let (mut connection, mut bench) = keyed_connection(first);
    let mut number = 0u16;
    while let Some((&[op, len], tail)) = rest.split_first_chunk::<2>() {
        let (frames, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let dir = if op & 1 == 0 { Dir::Orig } else { Dir::Resp };
        number = number.wrapping_add(1);
        // The sample of the header's protection needs so many bytes.
        let frames = [frames, &[0; 4]].concat();
        let packet = match op >> 1 & 7 {
            0 => connection.handshake(dir, number, &frames),
            1 => connection.early(&frames),
            2 => {
                connection.update_keys(dir);
                connection.short(dir, &frames)
            }
            _ => connection.short(dir, &frames),
        };
        bench.data(dir, &packet);
        assert!(bench.held_len() < MAX_KEYED_LEN);
    }
    bench.end();
}

/// Bytes as pieces of HTTP/3's streams: operations of one byte (direction, stream), another (a hole before the piece, or
/// an earlier offset), another (length, end of the stream), and that many bytes.
pub fn http3(data: &[u8]) {
    let (mut connection, mut bench) = keyed_connection(0);
    let mut offsets = [[0u16; 32]; 2];
    let settings = [(Dir::Orig, 2), (Dir::Resp, 3)];
    for (dir, id) in settings {
        let piece = b"\0\x04\x05\x01\x50\x00\x07\x10";
        bench.data(dir, &connection.short(dir, &quic::stream(id, 0, false, piece)));
        offsets[dir.index()][usize::from(id)] = piece.len() as u16;
    }
    let mut rest = data;
    while let Some((&[op, jump, len], tail)) = rest.split_first_chunk::<3>() {
        let (piece, tail) = tail.split_at(usize::from(len & 0x7f).min(tail.len()));
        rest = tail;
        let dir = if op & 1 == 0 { Dir::Orig } else { Dir::Resp };
        let id = op >> 1 & 31;
        let next = &mut offsets[dir.index()][usize::from(id)];
        let offset = match jump {
            0..0xe0 => *next,
            0xe0..0xf0 => next.saturating_add(u16::from(jump & 15)).min(0x3000),
            _ => next.saturating_sub(u16::from(jump & 15)),
        };
        *next = offset.saturating_add(piece.len() as u16).min(0x3000);
        bench.data(dir, &connection.short(dir, &quic::stream(id, offset, len & 0x80 != 0, piece)));
        assert!(bench.held_len() < MAX_KEYED_LEN);
    }
    bench.end();
}

/// Bytes as a capture file through the whole pass and the encoders.
pub fn capture_to_logs(data: &[u8]) {
    let mut captures = Captures::from_bytes("fuzz", data);
    let mut settings = Settings::default();
    settings.budget = Budget::new(MIN_LEN).unwrap_or_default();
    settings.files.hashes = sekisho_files::HashSet::ALL;
    settings.checksums = data.len() % 5 == 0;
    let mut worker = Worker::new(settings);
    let mut sinks = Sinks::new(&[Format::Zeek, Format::ZeekJson, Format::Ndjson], |_| Ok(Box::new(std::io::sink())));
    let mut batch = Batch::new();
    let mut rows = |r: &dyn Record| sinks.write(r).expect("a sink takes everything");
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    let s = worker.stats();
    assert_eq!([s.flow.flows, s.flow.buffered_len, s.flow.allocated_len, s.files.open_now], [0; 4]);
}

/// Bytes as frames of one link type (the first byte chooses) through the whole pass.
pub fn packets_to_logs(data: &[u8]) {
    const LINKS: &[u32] = &[1, 1, 1, 0, 9, 12, 50, 51, 101, 104, 105, 107, 108, 113, 119, 127, 163, 192, 204, 239, 276];
    let Some((&first, rest)) = data.split_first() else { return };
    let link = LINKS[usize::from(first) % LINKS.len()];
    let mut pcap = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
    pcap.extend(link.to_le_bytes());
    let mut rest = rest;
    let mut ts = 0u32;
    while let Some((&[len, gap], tail)) = rest.split_first_chunk::<2>() {
        let (frame, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        ts += u32::from(gap) * u32::from(gap);
        pcap.extend(ts.to_le_bytes());
        pcap.extend([0; 4]);
        pcap.extend((frame.len() as u32).to_le_bytes());
        pcap.extend((frame.len() as u32).to_le_bytes());
        pcap.extend(frame);
    }
    capture_to_logs(&pcap);
}

/// The first byte chooses the coding; the rest is pushed in pieces under small limits.
pub fn inflate(data: &[u8]) {
    use sekisho_inflate::{Coding, Inflater, Limits};
    const CODINGS: &[Coding] = &[
        Coding::Brotli,
        Coding::Bzip2,
        Coding::Compress,
        Coding::Deflate,
        Coding::Gzip,
        Coding::Lz4,
        Coding::Lzma,
        Coding::MsZip,
        Coding::RawDeflate,
        Coding::Xz,
        Coding::Zlib,
        Coding::Zstd,
    ];
    let Some((&[which, piece], rest)) = data.split_first_chunk::<2>() else { return };
    let mut inflater = Inflater::new(CODINGS[usize::from(which) % CODINGS.len()], Limits::default());
    let mut total = 0u64;
    for chunk in rest.chunks(usize::from(piece).max(1)) {
        inflater.push(chunk, &mut |out| total += out.len() as u64);
    }
    inflater.finish(&mut |out| total += out.len() as u64);
    assert_eq!(total, inflater.output_len());
}

/// Bytes as a certificate, alone and as its own chain.
pub fn certificate(data: &[u8]) {
    let roots = sekisho_x509::RootStore::mozilla();
    if let Ok(cert) = sekisho_x509::Certificate::parse(data) {
        sekisho_x509::matches_name(&cert, b"www.example.com");
    }
    sekisho_x509::validate(
        &[data, data],
        &roots,
        sekisho_types::Timestamp(1_700_000_000_000_000_000),
        Some("a.example"),
    );
}

/// Bytes as the head of a file, and as a name.
pub fn mime(data: &[u8]) {
    sekisho_files::mime_type(data);
    let name = sekisho_files::safe_name::sanitize(data);
    assert!(!name.contains('/') && !name.starts_with('.') && name.len() <= 255);
}

/// Bytes as a filter expression.
pub fn filter(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(filter) = sekisho_wire::filter::Filter::parse(text)
    {
        filter.matches(&sekisho_wire::Decoded::default(), 60);
    }
}

/// Bytes as a content of one type, or of whichever they look like, under a small budget.
pub fn unpack(kind: Option<sekisho_unpack::Kind>, data: &[u8]) {
    use sekisho_unpack::{Budget, Content, Limits, Tree, Unpacker};
    let limits =
        Limits { members: 2_000, total_len: 16 << 20, member_len: 4 << 20, work: 256 << 20, ..Limits::default() };
    let mut budget = Budget::new(limits);
    let passwords = [b"secret".to_vec()];
    let mut tree = Tree::default();
    let mut unpacker = Unpacker::new(&mut budget).passwords(&passwords);
    if let Some(kind) = kind {
        unpacker = unpacker.taken_as(kind);
    }
    unpacker.run(Content::from_bytes(data), b"fuzz", &mut tree);
    assert!(budget.total_len() <= limits.total_len && budget.members() <= limits.members);
    assert!(tree.nodes.iter().all(|n| n.len <= limits.member_len.max(data.len() as u64)));
}

/// A list of hashes, in pieces or whole, is the same list; a file of rules is cut into statements that lie in it in order, and
/// a rule that was cut out is one rule.
pub fn signature(data: &[u8]) {
    use sekisho_signature::ListLoader;
    use sekisho_signature::source::{What, statements};
    let cut = data.first().map_or(0, |b| usize::from(*b)).min(data.len());
    let list = |pieces: &[&[u8]]| {
        let mut loader = ListLoader::new("list");
        pieces.iter().for_each(|piece| loader.feed(piece));
        format!("{:?}", loader.finish())
    };
    assert_eq!(list(&[data]), list(&[&data[..cut], &data[cut..]]));
    let mut at = data.as_ptr() as usize;
    let mut line = 1;
    for statement in statements(data) {
        let start = statement.text.as_ptr() as usize;
        assert!(start >= at && statement.line >= line, "out of order");
        (at, line) = (start + statement.text.len(), statement.line);
        let _ = statement.utf8();
        if statement.what == What::Rule {
            let again = statements(statement.text);
            assert_eq!((again.len(), again[0].what, again[0].name()), (1, What::Rule, statement.name()));
        }
    }
    assert!(at <= data.as_ptr() as usize + data.len());
}

/// Bytes as cuts of a content and the content, searched for everything at once, in pieces and as a whole.
pub fn hunt(data: &[u8]) {
    use sekisho_hunt::{Found, Hunt, Members, Options, Pattern, Stream, carve};
    use sekisho_unpack::{Budget, Content, Limits, Unpacker};
    use std::cell::OnceCell;
    thread_local! {
        static HUNT: OnceCell<Hunt> = const { OnceCell::new() };
    }
    let make = || {
        let patterns = [
            Ok(Pattern::flag()),
            Pattern::fixed("needle"),
            Pattern::fixed("key"),
            Pattern::hex("ca ?e ?? be"),
            Pattern::regex(r"\bid=\d+[a-z]*$", true),
        ];
        let patterns = patterns.into_iter().map(|p| p.expect("a pattern")).collect();
        Hunt::new(patterns, Options { xor: true, ignore_case: true, ..Options::default() }).expect("patterns")
    };
    let Some((cuts, content)) = data.split_first_chunk::<4>() else { return };
    HUNT.with(|hunt| {
        let hunt = hunt.get_or_init(make);
        let all = |ends: &[usize]| {
            let (mut stream, mut found, mut from) = (Stream::new(0), Found::default(), 0);
            for end in ends.iter().copied().chain([content.len()]) {
                stream.push(hunt, &content[from..end], &mut found);
                from = end;
            }
            stream.cut(hunt, 0, &mut found);
            found.hits
        };
        let whole = all(&[]);
        let mut ends: Vec<usize> = cuts.iter().map(|c| usize::from(*c) * content.len() / 256).collect();
        ends.sort_unstable();
        assert_eq!(all(&ends), whole, "however it is cut");
        for hit in whole.iter().filter(|h| h.path.is_empty()) {
            let at = usize::try_from(hit.offset).expect("in memory");
            assert_eq!(&content[at..at + hit.bytes.len()], &hit.bytes[..]);
        }
        let limits =
            Limits { members: 500, total_len: 4 << 20, member_len: 1 << 20, work: 64 << 20, ..Limits::default() };
        let mut members = Members::new(hunt);
        Unpacker::new(&mut Budget::new(limits)).run(Content::from_bytes(content), b"fuzz", &mut members);
        let _ = members.finish();
        assert!(carve(&Content::from_bytes(content)).iter().all(|at| *at < content.len() as u64));
    });
}

/// A configuration up to a byte 0xff, then rules: each is read or refused with a place in the text, what is read can be told in
/// words, and reading it again alone gives the same.
pub fn rules_text(data: &[u8]) {
    use sekisho_rules::{Config, Limits, NoFiles, Source, Verdict, explain, load};
    let mut halves = data.splitn(2, |&byte| byte == 0xff);
    let text = |half: Option<&[u8]>| String::from_utf8_lossy(half.unwrap_or_default()).into_owned();
    let (first, second) = (text(halves.next()), text(halves.next()));
    let (yaml, rules) = if second.is_empty() { (String::new(), first) } else { (first, second) };
    let config = Config::parse("fuzz.yaml", &yaml, &mut NoFiles).unwrap_or_default();
    let limits = Limits { entry_count: 1000, ..Limits::default() };
    let source = |text: &str| [Source::new("fuzz.rules", text)];
    let loaded = load(&source(&rules), &config, &mut NoFiles, &limits);
    let report = &loaded.report;
    let gone = report.refused_count + report.unwanted_count + report.replaced_count;
    assert_eq!(report.given_count, report.loaded_count + gone, "{report:?}");
    let line_count = rules.lines().count();
    for remark in &report.remarks {
        assert!(remark.line >= 1 && remark.line <= line_count.max(1) && remark.column >= 1, "{remark:?}");
        assert!(!remark.text.is_empty() && !remark.help.is_empty() && remark.verdict <= Verdict::Odd);
    }
    for rule in &loaded.set.rules {
        assert!(!explain(rule, &loaded.set).is_empty());
        let again = load(&source(&rule.text), &config, &mut NoFiles, &limits);
        assert_eq!(again.report.loaded_count, 1, "{:?}", again.report);
    }
}

/// Rules up to the first byte 0xff, and what they are run over: as packets, as a stream in pieces and in one, as all facts of an
/// exchange. A second inspector says the same.
pub fn rules_match(data: &[u8]) {
    use sekisho_rules::{CompileLimits, Config, Limits, NoFiles, Program, Source, load};
    let at = data.iter().position(|&b| b == 0xff).unwrap_or(data.len());
    let (text, rest) = data.split_at(at);
    let Ok(config) = Config::parse("c", "", &mut NoFiles) else { return };
    let sources = [Source::new("r", String::from_utf8_lossy(text))];
    let loaded = load(&sources, &config, &mut NoFiles, &Limits::default());
    let program = std::sync::Arc::new(Program::compile(loaded.set, &CompileLimits::default()));
    assert_eq!(rules_run(&program, rest), rules_run(&program, rest));
}

fn rules_run(program: &std::sync::Arc<sekisho_rules::Program>, bytes: &[u8]) -> Vec<sekisho_rules::Hit> {
    use sekisho_rules::{FlowState, FlowView, Inspector, NoContent, PacketView};
    use sekisho_transaction::{Counter, Fact, Json, Look, Transaction, Value};
    use sekisho_types::{Addr, Dir, Interval, Timestamp};
    struct Tx<'a>(&'a [u8]);
    impl Transaction for Tx<'_> {
        fn event_type(&self) -> &'static str {
            "http"
        }
        fn eve(&self, _: &mut Json<'_>) {}
        fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
            use sekisho_transaction::Kind;
            let part = self.0.chunks(16).nth(nth)?;
            match fact.info().kind {
                Kind::Number | Kind::Numbers => Some(Value::Number(part.iter().fold(0, |n, &b| n << 8 | u64::from(b)))),
                Kind::Bytes => Some(self.0.into()),
                Kind::List | Kind::Stream => Some(part.into()),
            }
        }
    }
    let mut inspector = Inspector::new(std::sync::Arc::clone(program), 1);
    let mut hits = Vec::new();
    for app in ["", "http", "dns", "tls"] {
        let mut state = FlowState::default();
        let mut view = FlowView {
            dir: Dir::Orig,
            established: true,
            app,
            pkts: [1, 1],
            bytes: [1, 1],
            stream_len: [1, 1],
            age: Interval(0),
            opaque: false,
        };
        let mut offset = 0;
        for (number, piece) in (1..).zip(bytes.chunks(64)) {
            let proto = [6, 17, 1, 58][number as usize % 4];
            let decoded = sekisho_wire::Decoded {
                ip_version: 4,
                proto,
                src: Addr::v4([10, 0, 0, 1]),
                dst: Addr::v4([10, 0, 0, 2]),
                src_port: 1025,
                dst_port: 80,
                has_transport: true,
                payload_len: u32::try_from(piece.len()).unwrap_or(0),
                ..sekisho_wire::Decoded::default()
            };
            let packet = PacketView {
                ts: Timestamp(number as i64),
                number,
                decoded: &decoded,
                frame: piece,
                events: &["ipv4.opt_invalid"],
            };
            view.dir = if number % 2 == 0 { Dir::Orig } else { Dir::Resp };
            let mut of_packet = Vec::new();
            inspector.packet(&packet, Some((&view, &mut state)), &mut of_packet);
            inspector.stream(&packet, &view, &mut state, Dir::Orig, offset, piece, &mut of_packet);
            let mut mark = Counter::default().begin();
            mark.event(view.dir, "unknown");
            for (stage, over) in [(0, false), (2, false), (3, true)] {
                let look = Look { dir: view.dir, stage, over, event: false };
                inspector.transaction(
                    &packet,
                    &view,
                    &mut state,
                    look,
                    &Tx(piece),
                    &mut mark,
                    &NoContent,
                    &mut of_packet,
                );
            }
            inspector.settle(&packet, Some((&view, &mut state)), &mut of_packet);
            assert!(of_packet.len() <= sekisho_rules::ALERT_COUNT_MAX);
            hits.extend(of_packet);
            offset += piece.len() as u64;
        }
    }
    hits
}
