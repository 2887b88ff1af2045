//! Mails in files and in damaged dialogues, as detectors want them.

use sekisho_proto::testing::Bench;
use sekisho_proto::{MailRecord, ProtoId, Transport, mail, split_mbox};
use sekisho_types::Dir;

/// Most parts, links and bytes of text that a mail tells of, and octets that its name, text and kind may take.
const MAX_PARTS: usize = 256;
const MAX_LINKS: usize = 128;
const MAX_TEXT_LEN: usize = 4096;

/// The first octet chooses: a file (a mail or a mailbox), or what the client of an SMTP dialogue sends behind RCPT, in
/// which 0xff begins a hole and 0xfe ends a segment.
pub fn letter(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    if first & 1 == 0 { file(rest, first & 2 == 0) } else { dialogue(rest) }
}

fn file(bytes: &[u8], whole: bool) {
    if !bytes.starts_with(b"From ") {
        return check(&mail(bytes, b"x.eml", 1, whole));
    }
    let mut len = 0;
    for (one, number) in split_mbox(bytes).zip(1..) {
        len += one.len();
        check(&mail(one, b"x.mbox", number, whole));
    }
    assert!(len <= bytes.len(), "no byte belongs to two mails");
}

fn check(row: &MailRecord) {
    let parts = row.part_of.0.len();
    let lists = [row.part_names.0.len(), row.part_kinds.0.len(), row.part_declared.0.len(), row.part_notes.0.len()];
    assert!(parts <= MAX_PARTS && lists.iter().all(|n| *n == parts), "{parts} parts, {lists:?}");
    assert_eq!((row.part_lens.0.len(), row.part_depths.0.len(), row.part_sha256.0.len()), (parts, parts, parts));
    assert!(row.link_texts.0.len() == row.link_targets.0.len() && row.link_texts.0.len() <= MAX_LINKS);
    assert!(row.text.as_ref().is_none_or(|t| t.0.len() <= MAX_TEXT_LEN));
}

fn dialogue(bytes: &[u8]) {
    let mut bench = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
    bench.out.judged = true;
    bench.data(Dir::Resp, b"220 x\r\n").data(Dir::Orig, b"EHLO a.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n");
    let holes = bytes.contains(&0xff);
    for (n, stretch) in bytes.split(|b| *b == 0xff).enumerate() {
        if n > 0 {
            bench.gap(Dir::Orig, 7);
        }
        for piece in stretch.split(|b| *b == 0xfe).filter(|p| !p.is_empty()) {
            bench.data(Dir::Orig, piece);
        }
        bench.data(Dir::Resp, b"250 x\r\n");
    }
    bench.end();
    let whole = "complete=Bool(true)";
    let told = bench.rows("mail");
    assert!(holes || told.len() <= bytes.len(), "mails from nothing");
    assert!(told.iter().all(|row| row.contains(whole) || row.contains("complete=Bool(false)")));
}
