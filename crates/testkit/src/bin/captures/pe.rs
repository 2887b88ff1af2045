//! Windows executables, whole, cut off and none.

use crate::{Capture, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir};

pub fn all() -> Vec<Capture> {
    vec![Capture::ethernet("pe/headers", frames_of(&downloads()))]
}

/// Where the COFF header stands.
const COFF_AT: usize = 0xe8;

/// A 64-bit program of six sections, followed by what might be code.
fn program() -> Vec<u8> {
    let mut exe = vec![0; COFF_AT];
    exe[..2].copy_from_slice(b"MZ");
    exe[60..62].copy_from_slice(&(COFF_AT as u16).to_le_bytes());
    // Signature, machine AMD64, six sections, compiled in 2020, an optional header of 240 bytes, for large addresses.
    exe.extend_from_slice(b"PE\0\0\x64\x86\x06\0");
    exe.extend_from_slice(&1_600_000_000u32.to_le_bytes());
    exe.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 240, 0, 0x22, 0]);
    let mut optional = [0; 240];
    optional[..2].copy_from_slice(&0x20bu16.to_le_bytes());
    // Windows 10, with a window; addresses may move, data is not executed.
    optional[40] = 10;
    optional[68] = 2;
    optional[70..72].copy_from_slice(&0x8160u16.to_le_bytes());
    optional[108] = 16;
    // Imports, certificates and data for debuggers.
    for directory in [1, 4, 6] {
        optional[112 + 8 * directory..][..8].copy_from_slice(&[0, 0x10, 0, 0, 0x40, 0, 0, 0]);
    }
    exe.extend_from_slice(&optional);
    for name in [".text", ".rdata", ".data", ".pdata", ".rsrc", ".reloc"] {
        let mut section = [0; 40];
        section[..name.len()].copy_from_slice(name.as_bytes());
        exe.extend_from_slice(&section);
    }
    exe.extend((exe.len()..9_000).map(|i| (i % 251) as u8));
    exe
}

/// Three answers of a web server: the program, only its beginning, and a text that begins as a program does.
fn downloads() -> Vec<Conversation> {
    let exe = program();
    let short = &exe[..COFF_AT + 100];
    let nth = |n: u16, sent: &[u8], len: usize| {
        let ask = format!("GET /tool-{n}.exe HTTP/1.1\r\nHost: files.example\r\n\r\n");
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").into_bytes();
        answer.extend_from_slice(sent);
        Conversation::new(format!("10.0.0.1:{}", 50000 + n).as_str(), "192.0.2.80:80")
            .at(at(10 * i64::from(n)))
            .syn()
            .send(Orig, ask.as_bytes())
            .send(Resp, &answer)
            .fin()
    };
    vec![nth(0, &exe, exe.len()), nth(1, short, exe.len()), nth(2, b"MZ is how programs begin", 24)]
}
