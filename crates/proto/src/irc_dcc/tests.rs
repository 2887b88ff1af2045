use crate::ProtoId;
use crate::testing::{Step, check_splits, check_truncations};
use sekisho_types::Dir::{Orig, Resp};

#[test]
fn any_split_gives_the_same_file() {
    let steps = [
        Step::Data(Resp, b"content of a file"),
        Step::Data(Orig, &[0, 0, 0, 17]),
        Step::Gap(Resp, 4),
        Step::Close(Resp),
    ];
    let out = check_splits(ProtoId::IrcDcc, 1026, &steps);
    assert_eq!(out.files.len(), 1);
    assert!(out.files[0].contains("IRC_DATA") && out.files[0].contains("missing=4"), "{}", out.files[0]);
    check_truncations(ProtoId::IrcDcc, 1026, &steps);
}
