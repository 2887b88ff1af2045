//! What the corpora of those targets begin with that take no capture: mails, lists of bad hosts, and state files.

use anyhow::Result;
use std::fs;
use std::path::Path;

/// Target, and an input of it.
const TEXTS: &[(&str, &[u8])] = &[
    ("intel", b"# bad\n203.0.113.80\n198.51.100.0/24 ; why\nbad.test\nhttp://bad.test/a?b\nd41d8cd98f00b204e9800998ecf8427e\n\xffbad.test\n203.0.113.80"),
    ("intel", b"127.0.0.1 localhost\n0.0.0.0 bad.test # why\n\xffwww.bad.test"),
    ("intel", b"\"dst_ip\",\"first_seen\",\"malware\"\n\"203.0.113.80\",\"2026-01-01\",\"X\"\n\xff203.0.113.80"),
    ("intel", b"#fields\tindicator\tindicator_type\tmeta.source\nbad.test\tIntel::DOMAIN\tx\n203.0.113.80\tIntel::ADDR\tx\n\xffbad.test"),
    ("intel", b"{\"Event\":{\"info\":\"x\",\"Attribute\":[{\"type\":\"ip-dst\",\"value\":\"203.0.113.80\",\"to_ids\":true,\"timestamp\":\"1700000000\"}]}}\xff203.0.113.80"),
    ("letter", b"\0From: A <a@b.test>\r\nTo: c@d.test\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href=http://c.test>http://d.test</a>\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBAoAAAAAAAAAIQAAAAAAAAAAAAAAAAAFAAAAYS5leGU=\r\n--b--\r\n"),
    ("letter", b"\0From a@b Mon Mar  2 09:00:00 2026\nFrom: a@b.test\nDate: Mon, 02 Mar 2026 09:00:00 +0100\n\nx\n\nFrom c@d Tue Mar  3 09:00:00 2026\nFrom: c@d.test\n\n>From y\n"),
    ("letter", b"\x01DATA\r\nFrom: a@b.test\r\nContent-Type: multipart/mixed; boundary=\"=_part.1\"\r\n\r\n--=_part.1\r\n\r\nx\r\n\xff\r\n--=_part.1--\r\n.\r\nQUIT\r\n"),
    ("letter", b"\x01\xffFrom: a@b.test\r\nSubject: x\r\n\xff--=_part.1\r\nContent-Type: text/html\r\n\r\n<a href=\"http://c.test\">d.test</a>\xfe\r\n.\r\n"),
    ("state", b"{\"format\":\"sekisho-state\",\"left_out\":0,\"sections\":[[\"watched\",1,1],[\"roles\",1,1],[\"admin-paths\",1,1],[\"contact-places\",1,1],[\"dhcp-servers\",1,1]],\"seed\":0,\"since\":1,\"until\":2,\"version\":1}\n1\n[\"10.0.0.2\",[[16,1,2]]]\n[\"10.0.0.1\",\"10.0.0.2\",\"ssh\",1,2]\n[\"10.0.0.1\",7,\"a.test\",true,1,2]\n[\"10.0.0.2\",[\"10.0.0.3\"],[],1,2]\n"),
];

/// Writes them below `folder`.
pub(super) fn write(folder: &Path) -> Result<()> {
    for (number, (target, text)) in TEXTS.iter().enumerate() {
        let own = folder.join(target);
        fs::create_dir_all(&own)?;
        fs::write(own.join(format!("text-{number:03}")), text)?;
    }
    Ok(())
}
