//! Windows file services: SMB 2 with a login, a share, a pipe; DCE/RPC at a dynamic port.

use crate::{Capture, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::windows::rpc::{SAMR, SVCCTL, bind, bind_ack, call, unit as rpc};
use sekisho_testkit::windows::smb2::{FIRST_LOGIN, close, create, created, data, message as smb2, placed};
use sekisho_testkit::windows::smb2::{new_name, read, set_info, transceive, write};
use sekisho_testkit::windows::{Login, ntlm, smb2::dialect, smb2::tree, spnego_init, spnego_resp, utf16};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("smb/share-and-pipe", frames_of(&[share_and_pipe()])),
        Capture::ethernet("dce_rpc/dynamic-port", frames_of(&[dynamic_port()])),
    ]
}

/// The three messages of a login.
fn login() -> [Vec<u8>; 3] {
    Login {
        domain: "EXAMPLE",
        user: "carol",
        workstation: "DESK-7",
        server: ["FILES", "files.example.org", "example.org"],
        challenge: *b"\x01\x23\x45\x67\x89\xab\xcd\xef",
        response: vec![0x11; 120],
        flags: [ntlm::FLAGS; 2],
    }
    .messages()
}

/// Login, a file read, renamed and deleted, users listed over a pipe.
fn share_and_pipe() -> Conversation {
    const MODIFIED: u64 = 133_444_000_000_000_000;
    let text = b"Quarterly figures, nothing that matters.\r\n".repeat(100);
    let [negotiate, challenge, authenticate] = login();
    let ask = |command, id, tree, body: &[u8]| smb2(command, false, 0, id, tree, body);
    let tell = |command, id, tree, body: &[u8]| smb2(command, true, 0, id, tree, body);
    Conversation::new("10.0.0.7:49200", "10.0.0.2:445")
        .at(at(0))
        .syn()
        .send(Orig, &ask(0, 0, 0, &[36, 0, 1, 0, 1, 0, 0, 0]))
        .send(Resp, &tell(0, 0, 0, &dialect()))
        .send(Orig, &ask(1, 1, 0, &placed(&FIRST_LOGIN, &spnego_init(&negotiate))))
        .send(Resp, &smb2(1, true, 0xc000_0016, 1, 0, &placed(&[9, 0, 0, 0], &spnego_resp(Some(1), &challenge))))
        .send(Orig, &ask(1, 2, 0, &placed(&FIRST_LOGIN, &spnego_resp(None, &authenticate))))
        .send(Resp, &tell(1, 2, 0, &placed(&[9, 0, 0, 0], &spnego_resp(Some(0), b""))))
        .send(Orig, &ask(3, 3, 0, &placed(&[9, 0, 0, 0], &utf16(r"\\files\office"))))
        .send(Resp, &tell(3, 3, 1, &tree(1)))
        .send(Orig, &ask(5, 4, 1, &create("figures.txt")))
        .send(Resp, &tell(5, 4, 1, &created(&[5; 16], text.len() as u64, MODIFIED, 0)))
        .send(Orig, &ask(8, 5, 1, &read(&[5; 16], 0, 4096)))
        .send(Resp, &tell(8, 5, 1, &data(&text)))
        .send(Orig, &ask(17, 6, 1, &set_info(&[5; 16], 10, &new_name("old\\figures.txt"))))
        .send(Resp, &tell(17, 6, 1, &[2, 0]))
        .send(Orig, &ask(17, 7, 1, &set_info(&[5; 16], 13, &[1])))
        .send(Resp, &tell(17, 7, 1, &[2, 0]))
        .send(Orig, &ask(6, 8, 1, &close(&[5; 16])))
        .send(Orig, &ask(3, 9, 0, &placed(&[9, 0, 0, 0], &utf16(r"\\files\IPC$"))))
        .send(Resp, &tell(3, 9, 2, &tree(2)))
        .send(Orig, &ask(5, 10, 2, &create("samr")))
        .send(Resp, &tell(5, 10, 2, &created(&[9; 16], 0, 0, 0)))
        .send(Orig, &ask(9, 11, 2, &write(&[9; 16], 0, &rpc(11, 1, &bind(SAMR), b""))))
        .send(Orig, &ask(8, 12, 2, &read(&[9; 16], 0, 4096)))
        .send(Resp, &tell(8, 12, 2, &data(&rpc(12, 1, &bind_ack(r"\PIPE\samr"), b""))))
        .send(Orig, &ask(11, 13, 2, &transceive(&[9; 16], false, &rpc(0, 2, &call(13, 40), b""))))
        .send(Resp, &tell(11, 13, 2, &transceive(&[9; 16], true, &rpc(2, 2, &call(0, 200), b""))))
        .send(Orig, &ask(6, 14, 2, &close(&[9; 16])))
        .fin()
}

/// A service created from afar, after an NTLM login in the binding.
fn dynamic_port() -> Conversation {
    let [negotiate, challenge, authenticate] = login();
    Conversation::new("10.0.0.7:49300", "10.0.0.2:49667")
        .at(at(100))
        .syn()
        .send(Orig, &rpc(11, 1, &bind(SVCCTL), &negotiate))
        .send(Resp, &rpc(12, 1, &bind_ack("49667"), &challenge))
        .send(Orig, &rpc(16, 1, &[0; 4], &authenticate))
        .send(Orig, &rpc(0, 2, &call(15, 64), b""))
        .send(Resp, &rpc(2, 2, &call(0, 24), b""))
        .send(Orig, &rpc(0, 3, &call(12, 2000), b""))
        .send(Resp, &rpc(2, 3, &call(0, 24), b""))
        .fin()
}
