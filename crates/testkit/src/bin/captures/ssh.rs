//! SSH up to its identification lines; whole sessions are cut from the recorded example.

use crate::{Capture, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![Capture::ethernet("ssh/banners", frames_of(&banners()))]
}

/// Identifications only (RFC 4253 §4.2): version 2, a server with lines before its own, version 1.
fn banners() -> Vec<Conversation> {
    let nth = |n: u16| {
        Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.22:22").at(at(10 * i64::from(n))).syn()
    };
    vec![
        nth(0).send(Resp, b"SSH-2.0-golden_1.0 server\r\n").send(Orig, b"SSH-2.0-golden_1.0 client\r\n").fin(),
        nth(1).send(Resp, b"Authorised use only.\r\nSSH-2.0-golden_1.1\r\n").send(Orig, b"SSH-2.0-golden_1.0\n").fin(),
        nth(2).send(Resp, b"SSH-1.5-old\n").send(Orig, b"SSH-1.5-older\n").fin(),
    ]
}
