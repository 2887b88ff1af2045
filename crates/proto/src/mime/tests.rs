use super::*;
use crate::testing::{Bench, TestFiles};
use crate::{Outbox, Transport};
use sekisho_types::{FlowInfo, Timestamp};

#[derive(Default)]
struct Log(Vec<String>);

impl Observer for Log {
    fn header(&mut self, level: usize, name: &[u8], value: &[u8], _cx: &mut Cx<'_>) {
        self.0.push(format!("{level} {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
    }

    fn opened(&mut self, _info: FileInfo, filename: Option<&Text>) {
        self.0.push(format!("opened {filename:?}"));
    }

    fn closed(&mut self, info: FileInfo) {
        self.0.push(format!("closed {}", info.seen_bytes));
    }
}

/// Headers and files of a message fed in pieces; `@N` in a piece list is a gap.
fn run(pieces: &[&[u8]], complete: bool) -> (Vec<String>, Vec<(String, u64)>, usize) {
    let (mut out, mut files, flow) = (Outbox::default(), TestFiles::default(), FlowInfo::default());
    let mut cx = Cx::new(Timestamp(0), 1, &flow, Transport::Tcp, &mut out, &mut files);
    let origin = Origin { source: "SMTP", is_orig: true, range_key: None, suggested_name: None, numbered: true };
    let mut mime = Mime::message(origin, 0);
    let mut log = Log::default();
    let mut taken = 0;
    for piece in pieces {
        taken += mime.push(piece, &mut cx, &mut log);
    }
    mime.finish(complete, &mut cx, &mut log);
    let text = |f: &crate::testing::TestFile| (String::from_utf8_lossy(&f.content).into_owned(), f.meta.depth);
    (log.0, files.0.iter().map(text).collect(), taken)
}

/// The same in one piece, in single bytes and in every cut in two.
fn check(message: &[u8], complete: bool) -> (Vec<String>, Vec<(String, u64)>) {
    let want = run(&[message], complete);
    let single: Vec<&[u8]> = message.chunks(1).collect();
    assert_eq!(run(&single, complete), want);
    for cut in 0..message.len() {
        assert_eq!(run(&[&message[..cut], &message[cut..]], complete), want, "cut at {cut}");
    }
    (want.0, want.1)
}

const NESTED: &[u8] = b"Subject: a\r\n b\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\npreamble\r\n--X\r\n\
    Content-Type: multipart/alternative; boundary=\"XY\"\r\n\r\n--XY\r\n\r\nline one\r\n--line two\r\n\r\n--XY\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\n=41 b=\r\nc \r\nd\r\n--XY--\r\nepilogue\r\n--X\r\n\
    Content-Disposition: attachment; filename=a.bin\r\ncontent-transfer-encoding: base64\r\n\r\nSGVs\r\nbG8=\r\n\
    --X\r\nContent-Type: message/rfc822\r\n\r\nFrom: x\r\n\r\ninner\r\n--X--\r\nrest\r\n";

#[test]
fn parses_nested_multiparts() {
    let (log, files) = check(NESTED, true);
    assert_eq!(log[0], "0 Subject=a b");
    assert!(log.contains(&"opened Some(\"a.bin\")".to_owned()), "{log:?}");
    assert!(log.contains(&"3 From=x".to_owned()) || log.contains(&"2 From=x".to_owned()), "{log:?}");
    let want = [("line one\r\n--line two\r\n", 3), ("A bc\r\nd\r\n", 4), ("Hello", 5), ("inner", 7)];
    assert_eq!(files, want.map(|(t, d)| (t.to_owned(), d)));
}

#[test]
fn parses_single_part_to_its_last_byte() {
    let (_, files) = check(b"Subject: x\n\nbody\r\n-- \r\nme\r\n", true);
    assert_eq!(files, [("body\r\n-- \r\nme\r\n".to_owned(), 1)]);
    let (_, files) = check(b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\r\n", true);
    assert_eq!(files, [("a=\r\n".to_owned(), 1)]);
}

#[test]
fn parses_what_is_cut_off() {
    for cut in 0..NESTED.len() {
        let (log, files, _) = run(&[&NESTED[..cut]], false);
        let opened = log.iter().filter(|l| l.starts_with("opened")).count();
        assert_eq!(opened, log.iter().filter(|l| l.starts_with("closed")).count());
        assert_eq!(opened, files.len());
    }
    let (log, _) = check(b"Subject: only a header", false);
    assert_eq!(log, ["0 Subject=only a header"]);
    let (_, files) = check(b"Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--", false);
    assert_eq!(files, [("text".to_owned(), 2)]);
}

#[test]
fn closes_at_the_last_delimiter() {
    let message = b"Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\nGET / HTTP/1.1\r\n";
    let (_, _, taken) = run(&[message], true);
    assert_eq!(&message[taken..], b"GET / HTTP/1.1\r\n");
}

#[test]
fn limits_depth_and_lines() {
    let mut deep = Vec::new();
    for i in 0..150 {
        deep.extend_from_slice(format!("Content-Type: multipart/x; boundary=b{i}\r\n\r\n--b{i}\r\n").as_bytes());
    }
    deep.extend_from_slice(b"\r\ntext");
    let (log, _, _) = run(&[&deep], false);
    assert!(log.len() <= MAX_DEPTH);
    let long =
        [b"Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\n--", &vec![b'x'; 5000][..], b"\r\nz"].concat();
    let (_, files) = {
        let r = run(&[&long], false);
        (r.0, r.1)
    };
    assert_eq!(files[0].0.len(), 2 + 5000 + 3);
}

#[test]
fn goes_on_after_a_hole() {
    let (mut out, mut files, flow) = (Outbox::default(), TestFiles::default(), FlowInfo::default());
    let mut cx = Cx::new(Timestamp(0), 1, &flow, Transport::Tcp, &mut out, &mut files);
    let origin = Origin { source: "SMTP", is_orig: true, range_key: None, suggested_name: None, numbered: true };
    let mut mime = Mime::message(origin, 0);
    let mut log = Log::default();
    mime.push(b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\nREV", &mut cx, &mut log);
    mime.gap(8, &mut cx, &mut log);
    mime.push(b"xx\r\nR0hJ\r\n", &mut cx, &mut log);
    mime.finish(true, &mut cx, &mut log);
    assert_eq!(files.0[0].content, b"ABCGHI");
    assert_eq!(files.0[0].missing, 6);
    let _ = Bench::new;
}
