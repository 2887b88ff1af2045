//! Mail sessions.

use crate::{Capture, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("smtp/attachment", frames_of(&[attachment()])),
        Capture::ethernet("smtp/refused", frames_of(&[refused()])),
    ]
}

fn session(lines: &[&str]) -> Conversation {
    let mut c = Conversation::new("10.0.0.1:40000", "192.0.2.25:25").syn();
    for line in lines {
        let (who, text) = line.split_at(1);
        c = c.send(if who == ">" { Orig } else { Resp }, format!("{text}\r\n").as_bytes());
    }
    c.fin()
}

/// A mail with a text and a small attachment.
fn attachment() -> Conversation {
    session(&[
        "<220 mail.example.org ESMTP golden",
        ">EHLO client.example.org",
        "<250-mail.example.org\r\n250 PIPELINING",
        ">MAIL FROM:<alice@example.org>",
        "<250 2.1.0 Ok",
        ">RCPT TO:<bob@example.net>",
        "<250 2.1.5 Ok",
        ">RCPT TO:<carol@example.net>",
        "<250 2.1.5 Ok",
        ">DATA",
        "<354 End data with a dot",
        ">From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nCc: carol@example.net\r\nSubject: The notes\r\n\
         Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\r\nHello Bob,\r\n\
         ..a line that begins with a dot\r\n\r\n--b1\r\nContent-Type: application/octet-stream\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"notes.bin\"\r\n\r\n\
         AAECAwQFBgcICQoLDA0ODw==\r\n--b1--\r\n.",
        "<250 2.0.0 Ok: queued as 42",
        ">QUIT",
        "<221 2.0.0 Bye",
    ])
}

/// A recipient who does not exist.
fn refused() -> Conversation {
    session(&[
        "<220 mail.example.org ESMTP golden",
        ">HELO client.example.org",
        "<250 mail.example.org",
        ">MAIL FROM:<alice@example.org>",
        "<250 Ok",
        ">RCPT TO:<nobody@example.net>",
        "<550 5.1.1 No such user",
        ">RSET",
        "<250 Ok",
        ">QUIT",
        "<221 Bye",
    ])
}
