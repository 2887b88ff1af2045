//! Attacks on the protocols of lines: SMTP, MIME, FTP.

use super::storm::{Storm, Truth, scattered};
use crate::{Addr, Conversation, Dir};
use Dir::{Orig, Resp};
use std::io;

/// Commands of one flow of [`pipeline`].
const PER_FLOW: u64 = 5_000;

/// Multiparts in each other in a mail of [`nested`].
const DEPTH: usize = 95;

fn mail(i: u64) -> Conversation {
    Conversation::new((scattered(i), 40_000), "192.0.2.25:25").syn()
}

/// Commands, one a segment, that the server never answers.
pub(super) fn pipeline(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    const COMMANDS: [&[u8]; 4] =
        [b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.net>\r\n", b"RSET\r\n", b"NOOP\r\n"];
    let flows = n.div_ceil(PER_FLOW);
    for i in 0..flows {
        let mut c = mail(i).send(Resp, b"220 mail.example.org ESMTP\r\n").send(Orig, b"EHLO attacker\r\n");
        for k in 0..PER_FLOW.min(n - i * PER_FLOW) {
            c = c.send(Orig, COMMANDS[(k % 4) as usize]);
        }
        storm.play(&c)?;
    }
    Ok(Truth { flows: Some(flows), ..Truth::default() })
}

/// Mails to a thousand recipients with names of 900 bytes, never sent.
pub(super) fn recipients(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let flows = n.div_ceil(1_000);
    for i in 0..flows {
        let mut c = mail(i).send(Resp, b"220 mail.example.org ESMTP\r\n").send(Orig, b"EHLO attacker\r\n");
        c = c.send(Orig, b"MAIL FROM:<a@example.org>\r\n").send(Resp, b"250 hello\r\n250 Ok\r\n");
        for k in 0..1_000 {
            let command = format!("RCPT TO:<{k}{}@example.net>\r\n", "r".repeat(900));
            c = c.send(Orig, command.as_bytes()).send(Resp, b"250 Ok\r\n");
        }
        storm.play(&c)?;
    }
    Ok(Truth::default())
}

/// A mail of multiparts in multiparts, then lines that look like delimiters of none of them.
pub(super) fn nested(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let mut head = String::from("Subject: nested\r\nContent-Type: multipart/mixed; boundary=\"deep0\"\r\n\r\n");
    for k in 0..DEPTH {
        let inner = k + 1;
        head += &format!("--deep{k}\r\nContent-Type: multipart/mixed; boundary=\"deep{inner}\"\r\n\r\n");
    }
    let lines = b"--de\r\n".repeat(10_000);
    for i in 0..n {
        let c = mail(i)
            .send(Resp, b"220 mail.example.org ESMTP\r\n")
            .send(Orig, b"EHLO attacker\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
            .send(Resp, b"250 hello\r\n250 Ok\r\n250 Ok\r\n354 go on\r\n")
            .send(Orig, head.as_bytes())
            .send(Orig, &lines)
            .send(Orig, b".\r\nQUIT\r\n")
            .send(Resp, b"250 Ok\r\n221 Bye\r\n");
        storm.play(&c.fin())?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

/// Passive data connections announced by the thousand, each to a port of its own where nobody connects; a server a flow.
pub(super) fn ftp_promises(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let flows = n.div_ceil(1_000);
    for i in 0..flows {
        let [.., b, c] = i.to_be_bytes();
        let mut conversation = Conversation::new((scattered(i), 40_000), (Addr::v4([198, 51, b, c]), 21)).syn();
        conversation = conversation.send(Resp, b"220 FTP\r\n").send(Orig, b"USER a\r\n").send(Resp, b"230 come in\r\n");
        for k in 0..1_000 {
            let reply = format!("227 Entering Passive Mode (198,51,{b},{c},{},{})\r\n", 100 + k / 250, k % 250);
            conversation = conversation.send(Orig, b"PASV\r\n").send(Resp, reply.as_bytes());
        }
        storm.play(&conversation)?;
    }
    Ok(Truth { flows: Some(flows), ..Truth::default() })
}
