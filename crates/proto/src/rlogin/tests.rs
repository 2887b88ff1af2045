use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

#[test]
fn parses_rlogin() {
    let steps = [Step::Data(Orig, b"\0alice\0root\0xterm/38400\0"), Step::Data(Resp, b"\0"), Step::Data(Resp, b"$ ")];
    let out = check_splits(ProtoId::Rlogin, 513, &steps);
    assert_eq!(
        out.rows,
        ["rlogin: kind=Str(\"rlogin\") client_user=Str(\"alice\") server_user=Str(\"root\") \
          terminal=Str(\"xterm/38400\") accepted=Bool(true)"]
    );
    check_truncations(ProtoId::Rlogin, 513, &steps);
    check_damage(ProtoId::Rlogin, 513, &steps, 60);
}

#[test]
fn parses_rsh_and_rexec() {
    let steps =
        [Step::Data(Orig, b"1022\0alice\0bob\0cat /etc/passwd\0"), Step::Data(Resp, b"\x01Permission denied.\n")];
    let row = &check_splits(ProtoId::Rlogin, 514, &steps).rows[0];
    assert!(row.contains("command=Str(\"cat /etc/passwd\") stderr_port=Count(1022) accepted=Bool(false)"), "{row}");
    assert!(row.ends_with("error=Str(\"Permission denied.\")"), "{row}");
    let steps = [Step::Data(Orig, b"0\0bob\0secret\0id\0"), Step::Data(Resp, b"\0")];
    let row = &check_splits(ProtoId::Rlogin, 512, &steps).rows[0];
    assert!(row.contains("kind=Str(\"rexec\") server_user=Str(\"bob\") command=Str(\"id\")"), "{row}");
    assert!(!row.contains("secret"));
}

#[test]
fn rejects_others() {
    assert!(hello(b"GET / HTTP/1.1\r\n", 513).is_err());
    assert!(hello(b"<13>Oct 11 22:14:15 host app: text", 514).is_err());
    assert!(hello(b"\0alice\0root\0xterm\0", 513).is_err());
    assert_eq!(hello(b"\0alice\0ro", 513), Ok(None));
}

#[test]
fn limits_hello() {
    let mut b = Bench::new(ProtoId::Rlogin, Transport::Tcp, 513);
    b.data(Orig, b"\0").data(Orig, &[b'a'; 5000]);
    assert_eq!(b.out.rejected, Some("rlogin_hello_too_long"));
}
