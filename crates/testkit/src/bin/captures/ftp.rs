//! FTP control connections with their data connections.

use crate::{Capture, Timed, at_ms};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};
use sekisho_types::Interval;

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("ftp/passive", passive()),
        Capture::ethernet("ftp/active", active()),
        Capture::ethernet("ftp/login-refused", refused()),
        Capture::ethernet("ftp_data/retrieve", retrieve(false)),
        Capture::ethernet("ftp_data/responses-only", retrieve(true)),
    ]
}

/// Time between the opening of a data connection and its data, which come after the reply 150.
const BEFORE_DATA: Interval = Interval::from_millis(19);

/// Content of the file that is fetched: not text, so that its bytes matter.
fn content() -> Vec<u8> {
    (0..6000u32).map(|i| (i * 7 % 251) as u8).collect()
}

/// The lines of a control connection, 10 ms apart: `>` is the client. The first comes at 30 ms.
fn control(client: &str, lines: &[&str]) -> Conversation {
    let mut c = Conversation::new(client, "192.0.2.21:21").every(Interval::from_millis(10)).syn();
    for line in lines {
        let (who, text) = line.split_at(1);
        c = c.send(if who == ">" { Orig } else { Resp }, format!("{text}\r\n").as_bytes());
    }
    c.fin()
}

/// Login, listing and upload with PASV and EPSV.
fn passive() -> Vec<Timed> {
    let session = control(
        "10.0.0.1:40000",
        &[
            "<220 golden FTP",
            ">USER alice",
            "<331 Password please",
            ">PASS wonderland",
            "<230 Logged in",
            ">CWD /pub",
            "<250 Directory changed",
            ">PASV",
            "<227 Entering Passive Mode (192,0,2,21,195,80)",
            ">LIST",
            "<150 Here comes the listing",
            "<226 Done",
            ">EPSV",
            "<229 Entering Extended Passive Mode (|||50001|)",
            ">STOR notes.txt",
            "<150 Ok to send",
            "<226 Done",
            ">QUIT",
            "<221 Goodbye",
        ],
    );
    let listing = Conversation::new("10.0.0.1:40001", "192.0.2.21:50000")
        .at(at_ms(112))
        .every(Interval(100_000))
        .syn()
        .wait(BEFORE_DATA)
        .send(Resp, b"-rw-r--r-- 1 ftp ftp 6000 Jan 01 00:00 data.bin\r\n")
        .fin_from(Resp);
    let upload = Conversation::new("10.0.0.1:40002", "192.0.2.21:50001")
        .at(at_ms(162))
        .every(Interval(100_000))
        .syn()
        .wait(BEFORE_DATA)
        .send(Orig, b"remember the milk\n")
        .fin();
    [session.frames(), listing.frames(), upload.frames()].concat()
}

/// PORT and EPRT: the server connects back.
fn active() -> Vec<Timed> {
    let session = control(
        "10.0.0.1:40000",
        &[
            "<220 golden FTP",
            ">USER anonymous",
            "<331 Any password",
            ">PASS guest@example.org",
            "<230 Welcome",
            ">TYPE I",
            "<200 Binary",
            ">PORT 10,0,0,1,156,80",
            "<200 PORT ok",
            ">RETR a.txt",
            "<150 Opening BINARY mode data connection for a.txt (6 bytes)",
            "<226 Done",
            ">EPRT |1|10.0.0.1|40017|",
            "<200 EPRT ok",
            ">RETR missing.txt",
            "<550 No such file",
            ">QUIT",
            "<221 Goodbye",
        ],
    );
    let data = Conversation::new("192.0.2.21:20", "10.0.0.1:40016")
        .at(at_ms(121))
        .every(Interval(100_000))
        .syn()
        .wait(BEFORE_DATA)
        .send(Orig, b"first\n")
        .fin();
    [session.frames(), data.frames()].concat()
}

/// A wrong password.
fn refused() -> Vec<Timed> {
    control(
        "10.0.0.1:40000",
        &[
            "<220 golden FTP",
            ">USER root",
            "<331 Password please",
            ">PASS toor",
            "<530 Login incorrect",
            ">QUIT",
            "<221 Bye",
        ],
    )
    .frames()
}

/// A file fetched over PASV; with `responses_only` as a capture that missed what the client sent.
fn retrieve(responses_only: bool) -> Vec<Timed> {
    let mut session = control(
        "10.0.0.1:40000",
        &[
            "<220 golden FTP",
            ">USER bob",
            "<331 Password please",
            ">PASS builder",
            "<230 Logged in",
            ">PASV",
            "<227 Entering Passive Mode (192,0,2,21,195,90)",
            ">RETR data.bin",
            "<150 Opening BINARY mode data connection for data.bin (6000 bytes).",
            "<226 Transfer complete",
            ">QUIT",
            "<221 Goodbye",
        ],
    );
    let mut data = Conversation::new("10.0.0.1:40001", "192.0.2.21:50010")
        .at(at_ms(92))
        .every(Interval(100_000))
        .syn()
        .wait(BEFORE_DATA)
        .send(Resp, &content())
        .fin_from(Resp);
    if responses_only {
        (session, data) = (session.only(Resp), data.only(Resp));
    }
    [session.frames(), data.frames()].concat()
}
