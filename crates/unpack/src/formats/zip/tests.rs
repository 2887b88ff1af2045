use crate::formats::tests::{leaves, listed, listed_with};
use crate::{Anomaly, Completeness, Kind};

/// A local header with its content, and the directory's entry for it at `at`.
fn member(name: &str, content: &[u8], flags: u16, crc: u32, at: usize) -> (Vec<u8>, Vec<u8>) {
    let mut common = vec![20, 0];
    common.extend(flags.to_le_bytes());
    common.extend([0; 6]);
    common.extend(crc.to_le_bytes());
    common.extend((content.len() as u32).to_le_bytes());
    common.extend((content.len() as u32).to_le_bytes());
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat();
    let mut central = [b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10]].concat();
    central.extend((at as u32).to_le_bytes());
    central.extend(name.as_bytes());
    (local, central)
}

fn end(count: u16, len: usize, at: usize, comment: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((len as u32).to_le_bytes());
    out.extend((at as u32).to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}

fn crc(content: &[u8]) -> u32 {
    crate::filter::crc32(content)
}

/// An archive of two stored members.
fn two() -> Vec<u8> {
    let (a, ca) = member("a.txt", b"first member\n", 0, crc(b"first member\n"), 0);
    let (b, cb) = member("b.txt", b"second member\n", 0, crc(b"second member\n"), a.len());
    let at = a.len() + b.len();
    let directory = [ca, cb].concat();
    [a, b, directory.clone(), end(2, directory.len(), at, b"")].concat()
}

#[test]
fn parses_members() {
    let got = leaves(&two());
    assert_eq!(got[0], ("zip:a.txt".to_owned(), b"first member\n".to_vec()));
    assert_eq!(got[1], ("zip:b.txt".to_owned(), b"second member\n".to_vec()));
}

#[test]
fn parses_without_a_directory() {
    let mut zip = two();
    zip.truncate(100);
    let tree = listed(&zip);
    assert_eq!(tree.nodes[0].anomalies, [Anomaly::Odd("zip: no central directory")]);
    assert_eq!(tree.nodes.len(), 3);
}

#[test]
fn parses_what_is_appended() {
    let polyglot = [b"some picture\0\x01\x02".to_vec(), two()].concat();
    let tree = listed(&polyglot);
    assert_eq!(tree.nodes[1].path, "appended@15");
    assert_eq!(tree.nodes[1].kind, Kind::Zip);
    assert_eq!(tree.nodes[2].path, "appended@15 → zip:a.txt");
}

#[test]
fn tells_of_wrong_checksums() {
    let mut zip = two();
    zip[40] ^= 1;
    assert_eq!(listed(&zip).nodes[1].completeness, Completeness::Damaged("checksum"));
}

#[test]
fn tells_of_overlaps_and_hidden_members() {
    let content = b"the same bytes\n";
    let (a, ca) = member("a", content, 0, crc(content), 0);
    let (_, cb) = member("a", content, 0, crc(content), 0);
    let directory = [ca.clone(), cb].concat();
    let zip = [a.clone(), directory.clone(), end(2, directory.len(), a.len(), b"")].concat();
    assert_eq!(listed(&zip).nodes[0].anomalies, [Anomaly::Odd("zip: overlapping members")]);

    let (hidden, _) = member("hidden", b"nobody shall see\n", 0, crc(b"nobody shall see\n"), 0);
    let zip = [a.clone(), hidden.clone(), ca.clone(), end(1, ca.len(), a.len() + hidden.len(), b"")].concat();
    let tree = listed(&zip);
    assert_eq!(tree.nodes[0].anomalies, [Anomaly::Odd("zip: members that the directory doesn't have")]);
    assert_eq!(tree.nodes[2].path, "zip:hidden");
}

#[test]
fn tells_of_encryption() {
    let (a, ca) = member("secret", &[7; 40], 1, 0, 0);
    let zip = [a.clone(), ca.clone(), end(1, ca.len(), a.len(), b"a comment")].concat();
    let tree = listed_with(&zip, &[b"wrong".to_vec()]);
    assert_eq!((tree.nodes[1].completeness, tree.nodes[1].len), (Completeness::Encrypted, 0));
    assert_eq!(tree.nodes[2].path, "zip-comment");
}
