//! Makes the captures below `goldens/` that are built, not recorded: `cargo xtask captures`.
//!
//! Every capture is a pure function of this program, so that a second run changes nothing.

mod chat;
mod control;
mod data;
mod dir;
mod dns;
mod flow;
mod ftp;
mod http;
mod ics;
mod known;
mod lan;
mod link;
mod pe;
mod quic;
mod remote;
mod smtp;
mod ssh;
mod tunnel;
mod vpn;
mod web;
mod windows;

use sekisho_testkit::{Addr, Conversation, Timestamp};
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

/// Link type of Ethernet frames in capture files.
const ETHERNET: u32 = 1;

/// Link type of IP packets without link layer.
const RAW: u32 = 101;

/// A frame and when it was captured.
type Timed = (Timestamp, Vec<u8>);

/// One capture to write.
struct Capture {
    /// Below `goldens/`, without ending: `flow/states`.
    name: &'static str,
    /// Link type of the file.
    link: u32,
    /// Brought into the order of their times before they are written.
    frames: Vec<Timed>,
    /// TLS secrets as a key log has them: with any it is a pcapng file.
    key_log: String,
}

impl Capture {
    fn ethernet(name: &'static str, frames: Vec<Timed>) -> Self {
        Self { name, link: ETHERNET, frames, key_log: String::new() }
    }
}

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "goldens".to_owned());
    match write_all(Path::new(&folder)) {
        Ok(count) => {
            println!("captures: {count} written below {folder}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("captures: {e}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(folder: &Path) -> io::Result<usize> {
    let all: Vec<Capture> = [
        flow::all(),
        tunnel::all(),
        link::all(),
        data::all(),
        dir::all(),
        dns::all(),
        http::all(),
        ftp::all(),
        smtp::all(),
        ssh::all(),
        web::all(),
        control::all(),
        dns::all(),
        http::all(),
        ics::all(),
        known::all(),
        ftp::all(),
        smtp::all(),
        ssh::all(),
        chat::all(),
        lan::all(),
        vpn::all(),
        remote::all(),
        windows::all(),
        dns::all(),
        http::all(),
        ftp::all(),
        pe::all(),
        quic::all(),
        smtp::all(),
        ssh::all(),
    ]
    .into_iter()
    .flatten()
    .collect();
    for capture in &all {
        let path = folder.join(capture.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut frames = capture.frames.clone();
        frames.sort_by_key(|f| f.0);
        if capture.key_log.is_empty() {
            fs::write(path.with_extension("pcap"), sekisho_testkit::pcap(capture.link, &frames))?;
        } else {
            fs::write(path.with_extension("pcapng"), sekisho_testkit::pcapng(capture.link, &frames, &capture.key_log))?;
        }
    }
    Ok(all.len())
}

/// `secs` after the beginning of every capture.
fn at(secs: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + secs, 0)
}

/// `millis` after the beginning of every capture.
fn at_ms(millis: i64) -> Timestamp {
    Timestamp(at(0).0 + millis * 1_000_000)
}

/// An address from its usual text.
fn addr(text: &str) -> Addr {
    let ip: std::net::IpAddr = text.parse().unwrap_or_else(|_| panic!("{text} is no address"));
    ip.into()
}

/// Frames of several conversations.
fn frames_of(conversations: &[Conversation]) -> Vec<Timed> {
    conversations.iter().flat_map(Conversation::frames).collect()
}
