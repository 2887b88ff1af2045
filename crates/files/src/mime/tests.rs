use super::*;

fn check(cases: &[(&[u8], Option<&str>)]) {
    for (head, expected) in cases {
        assert_eq!(mime_type(head), *expected, "{:?}", String::from_utf8_lossy(head));
    }
}

#[test]
fn parses_nothing_from_nothing() {
    check(&[(b"", None), (b"\0\0\0\0\0\0\0\0\0\0\0\0", None)]);
}
