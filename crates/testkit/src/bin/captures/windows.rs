//! Windows file services: SMB 2 with a login, a share, a pipe; DCE/RPC at a dynamic port.

use crate::{Capture, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("smb/share-and-pipe", frames_of(&[share_and_pipe()])),
        Capture::ethernet("dce_rpc/dynamic-port", frames_of(&[dynamic_port()])),
    ]
}

/// SAMR's interface (MS-SAMR §1.9), as on the wire.
const SAMR: &[u8; 16] = b"\x78\x57\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\x89\xac";

/// The service control manager's (MS-SCMR §1.9).
const SVCCTL: &[u8; 16] = b"\x81\xbb\x7a\x36\x44\x98\xf1\x35\xad\x32\x98\xf0\x38\x00\x10\x03";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A DER element of less than 65,536 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    if len < 0x80 {
        [&[tag, len as u8], content].concat()
    } else {
        [&[tag, 0x82, (len >> 8) as u8, len as u8], content].concat()
    }
}

/// An NTLM message: type, fixed part with places (`None`) for the values, and flags where `flags_at` says.
fn ntlm(kind: u32, parts: &[Result<&[u8], Vec<u8>>]) -> Vec<u8> {
    let fixed: usize = parts.iter().map(|p| p.as_ref().map_or(8, |b| b.len())).sum();
    let mut head = [&b"NTLMSSP\0"[..], &kind.to_le_bytes()].concat();
    let mut payload = Vec::new();
    for part in parts {
        match part {
            Ok(bytes) => head.extend_from_slice(bytes),
            Err(value) => {
                let len = (value.len() as u16).to_le_bytes();
                let offset = ((12 + fixed + payload.len()) as u32).to_le_bytes();
                head.extend_from_slice(&[&len[..], &len, &offset].concat());
                payload.extend_from_slice(value);
            }
        }
    }
    [head, payload].concat()
}

/// The three messages of a login (MS-NLMP §2.2.1).
fn login() -> [Vec<u8>; 3] {
    let flags = 0xe28a_8215u32.to_le_bytes();
    let info: Vec<u8> = [(1u16, "FILES"), (3, "files.example.org"), (5, "example.org"), (0, "")]
        .iter()
        .flat_map(|(id, name)| {
            let name = utf16(name);
            [&id.to_le_bytes()[..], &(name.len() as u16).to_le_bytes(), &name].concat()
        })
        .collect();
    [
        ntlm(1, &[Ok(&flags), Ok(&[0; 16])]),
        ntlm(2, &[Err(utf16("EXAMPLE")), Ok(&flags), Ok(b"\x01\x23\x45\x67\x89\xab\xcd\xef"), Ok(&[0; 8]), Err(info)]),
        ntlm(
            3,
            &[
                Err(vec![0; 24]),
                Err(vec![0x11; 120]),
                Err(utf16("EXAMPLE")),
                Err(utf16("carol")),
                Err(utf16("DESK-7")),
                Err(vec![0x22; 16]),
                Ok(&flags),
            ],
        ),
    ]
}

/// The client's first SPNEGO token (RFC 4178 §4.2.1).
fn spnego_init(token: &[u8]) -> Vec<u8> {
    let mechanisms = der(0xa0, &der(0x30, &der(0x06, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")));
    let fields = [mechanisms, der(0xa2, &der(0x04, token))].concat();
    der(0x60, &[der(0x06, b"\x2b\x06\x01\x05\x05\x02"), der(0xa0, &der(0x30, &fields))].concat())
}

/// A later one (§4.2.2).
fn spnego_resp(state: Option<u8>, token: &[u8]) -> Vec<u8> {
    let state = state.map(|s| der(0xa0, &der(0x0a, &[s]))).unwrap_or_default();
    let token = if token.is_empty() { Vec::new() } else { der(0xa2, &der(0x04, token)) };
    der(0xa1, &der(0x30, &[state, token].concat()))
}

/// A message of SMB 2 (MS-SMB2 §2.2.1) in its frame.
fn smb2(command: u16, reply: bool, status: u32, id: u64, tree: u32, body: &[u8]) -> Vec<u8> {
    let mut m = b"\xfeSMB\x40\0\0\0".to_vec();
    m.extend_from_slice(&status.to_le_bytes());
    m.extend_from_slice(&[command.to_le_bytes(), [1, 0]].concat());
    m.extend_from_slice(&[u32::from(reply).to_le_bytes(), [0; 4]].concat());
    m.extend_from_slice(&id.to_le_bytes());
    m.extend_from_slice(&[[0; 4], tree.to_le_bytes()].concat());
    m.extend_from_slice(&[0; 24]);
    m.extend_from_slice(body);
    [&(m.len() as u32).to_be_bytes()[..], &m].concat()
}

/// A fixed part, place of a value behind it, and the value.
fn placed(fixed: &[u8], value: &[u8]) -> Vec<u8> {
    let offset = (64 + fixed.len() + 4) as u16;
    [fixed, &offset.to_le_bytes(), &(value.len() as u16).to_le_bytes(), value].concat()
}

fn create(name: &str) -> Vec<u8> {
    let name = utf16(name);
    [&[57, 0][..], &[0; 42], &120u16.to_le_bytes(), &(name.len() as u16).to_le_bytes(), &[0; 8], &name].concat()
}

fn created(file: u8, size: u64, filetime: u64) -> Vec<u8> {
    let times = [filetime.to_le_bytes(); 4].concat();
    [&[89, 0, 0, 0, 1, 0, 0, 0][..], &times, &[0; 8], &size.to_le_bytes(), &[0; 8], &[file; 16], &[0; 8]].concat()
}

fn read(file: u8, offset: u64) -> Vec<u8> {
    [&[49, 0, 0, 0, 0, 16, 0, 0][..], &offset.to_le_bytes(), &[file; 16], &[0; 17]].concat()
}

fn data(content: &[u8]) -> Vec<u8> {
    [&[17, 0, 80, 0][..], &(content.len() as u32).to_le_bytes(), &[0; 8], content].concat()
}

fn write(file: u8, content: &[u8]) -> Vec<u8> {
    [&[49, 0, 112, 0][..], &(content.len() as u32).to_le_bytes(), &[0; 8], &[file; 16], &[0; 16], content].concat()
}

/// FSCTL_PIPE_TRANSCEIVE (§2.2.31, §2.2.32).
fn transceive(file: u8, reply: bool, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_le_bytes();
    let places: Vec<u8> = if reply {
        [&[112, 0, 0, 0, 0, 0, 0, 0, 112, 0, 0, 0][..], &len, &[0; 8]].concat()
    } else {
        [&[120, 0, 0, 0][..], &len, &[0; 24]].concat()
    };
    [&[57, 0, 0, 0, 0x17, 0xc0, 0x11, 0][..], &[file; 16], &places, content].concat()
}

/// A unit of DCE/RPC (C706 §12.6.4) with NTLM credentials, if any.
fn rpc(kind: u8, call: u32, body: &[u8], token: &[u8]) -> Vec<u8> {
    let auth = if token.is_empty() { Vec::new() } else { [&[10, 6, 0, 0, 0, 0, 0, 0], token].concat() };
    let len = ((16 + body.len() + auth.len()) as u16).to_le_bytes();
    let head = [5, 0, kind, 3, 0x10, 0, 0, 0];
    [&head[..], &len, &(token.len() as u16).to_le_bytes(), &call.to_le_bytes(), body, &auth].concat()
}

fn bind(interface: &[u8; 16]) -> Vec<u8> {
    let ndr = b"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60\x02\0\0\0";
    [&b"\xd0\x16\xd0\x16\0\0\0\0\x01\0\0\0\0\0\x01\0"[..], interface, &[1, 0, 0, 0], ndr].concat()
}

fn bind_ack(name: &str) -> Vec<u8> {
    let len = (name.len() as u16 + 1).to_le_bytes();
    [&b"\xd0\x16\xd0\x16\x01\0\0\0"[..], &len, name.as_bytes(), b"\0", &[0; 28]].concat()
}

fn call(opnum: u16, stub_len: usize) -> Vec<u8> {
    [&(stub_len as u32).to_le_bytes()[..], &[0, 0], &opnum.to_le_bytes(), &vec![0; stub_len]].concat()
}

/// Login, a file read, renamed and deleted, users listed over a pipe.
fn share_and_pipe() -> Conversation {
    const MODIFIED: u64 = 133_444_000_000_000_000;
    const FIRST_LOGIN: [u8; 12] = [25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let text = b"Quarterly figures, nothing that matters.\r\n".repeat(100);
    let [negotiate, challenge, authenticate] = login();
    let info = |class: u8, buffer: &[u8]| {
        [&[33, 0, 1, class][..], &(buffer.len() as u32).to_le_bytes(), &[96, 0, 0, 0, 0, 0, 0, 0], &[5; 16], buffer]
            .concat()
    };
    let new_name = utf16("old\\figures.txt");
    let rename = [&[0; 16][..], &(new_name.len() as u32).to_le_bytes(), &new_name].concat();
    let close = |file: u8| [&[24, 0, 0, 0, 0, 0, 0, 0][..], &[file; 16]].concat();
    let ask = |command, id, tree, body: &[u8]| smb2(command, false, 0, id, tree, body);
    let tell = |command, id, tree, body: &[u8]| smb2(command, true, 0, id, tree, body);
    let dialect = [&[65, 0, 1, 0, 0x11, 3, 0, 0][..], &[0; 48], &[128, 0, 0, 0], &[0; 4]].concat();
    Conversation::new("10.0.0.7:49200", "10.0.0.2:445")
        .at(at(0))
        .syn()
        .send(Orig, &ask(0, 0, 0, &[36, 0, 1, 0, 1, 0, 0, 0]))
        .send(Resp, &tell(0, 0, 0, &dialect))
        .send(Orig, &ask(1, 1, 0, &placed(&FIRST_LOGIN, &spnego_init(&negotiate))))
        .send(Resp, &smb2(1, true, 0xc000_0016, 1, 0, &placed(&[9, 0, 0, 0], &spnego_resp(Some(1), &challenge))))
        .send(Orig, &ask(1, 2, 0, &placed(&FIRST_LOGIN, &spnego_resp(None, &authenticate))))
        .send(Resp, &tell(1, 2, 0, &placed(&[9, 0, 0, 0], &spnego_resp(Some(0), b""))))
        .send(Orig, &ask(3, 3, 0, &placed(&[9, 0, 0, 0], &utf16(r"\\files\office"))))
        .send(Resp, &tell(3, 3, 1, &[&[16, 0, 1][..], &[0; 13]].concat()))
        .send(Orig, &ask(5, 4, 1, &create("figures.txt")))
        .send(Resp, &tell(5, 4, 1, &created(5, text.len() as u64, MODIFIED)))
        .send(Orig, &ask(8, 5, 1, &read(5, 0)))
        .send(Resp, &tell(8, 5, 1, &data(&text)))
        .send(Orig, &ask(17, 6, 1, &info(10, &rename)))
        .send(Resp, &tell(17, 6, 1, &[2, 0]))
        .send(Orig, &ask(17, 7, 1, &info(13, &[1])))
        .send(Resp, &tell(17, 7, 1, &[2, 0]))
        .send(Orig, &ask(6, 8, 1, &close(5)))
        .send(Orig, &ask(3, 9, 0, &placed(&[9, 0, 0, 0], &utf16(r"\\files\IPC$"))))
        .send(Resp, &tell(3, 9, 2, &[&[16, 0, 2][..], &[0; 13]].concat()))
        .send(Orig, &ask(5, 10, 2, &create("samr")))
        .send(Resp, &tell(5, 10, 2, &created(9, 0, 0)))
        .send(Orig, &ask(9, 11, 2, &write(9, &rpc(11, 1, &bind(SAMR), b""))))
        .send(Orig, &ask(8, 12, 2, &read(9, 0)))
        .send(Resp, &tell(8, 12, 2, &data(&rpc(12, 1, &bind_ack(r"\PIPE\samr"), b""))))
        .send(Orig, &ask(11, 13, 2, &transceive(9, false, &rpc(0, 2, &call(13, 40), b""))))
        .send(Resp, &tell(11, 13, 2, &transceive(9, true, &rpc(2, 2, &call(0, 200), b""))))
        .send(Orig, &ask(6, 14, 2, &close(9)))
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
