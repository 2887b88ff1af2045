//! Programs and scripts that hosts at home received: facts for the story of an incident, no findings.

use crate::certificate::{Fingerprint, hex};
use crate::detection::Scope;
use crate::hosts::Hosts;
use crate::names::Names;
use crate::rows::{Files, Http, Row};
use crate::table::Recent;
use sekisho_finding::Fetched;
use sekisho_types::{Addr, SeededState, Uid};
use std::hash::BuildHasher;

/// Programs kept: of one host each file from each place once.
const MAX_FETCHED: usize = 4_096;
/// Flows whose last request is kept for the name of what came.
const MAX_ASKED: usize = 4_096;
/// Longest name kept.
const MAX_NAME_LEN: usize = 120;

/// Ways in which programs come, as files name them.
const WAYS: &[&str] = &["FTP_DATA", "HTTP", "TFTP"];

/// What a computer runs, by content.
const PROGRAMS: &[&[u8]] = &[
    b"application/java-archive",
    b"application/x-dosexec",
    b"application/x-elf",
    b"application/x-executable",
    b"application/x-java-applet",
    b"application/x-mach-o-executable",
    b"application/x-ms-shortcut",
    b"application/x-sharedlib",
    b"text/x-msdos-batch",
    b"text/x-perl",
    b"text/x-python",
    b"text/x-shellscript",
];

/// See the module.
pub(crate) struct Fetches {
    seed: u64,
    of: Recent<(Addr, Addr, u64), Fetched>,
    /// Files that came before the row of their exchange did: which of them it is about.
    unnamed: Recent<Uid, (Addr, Addr, u64)>,
}

impl Fetches {
    pub fn new(scope: &Scope) -> Self {
        let (of, unnamed) = (Recent::of(scope, MAX_FETCHED), Recent::of(scope, MAX_ASKED));
        Self { seed: scope.seed, of, unnamed }
    }

    pub fn row(&mut self, row: &Row<'_>, hosts: &Hosts, names: &Names, packet: u64) {
        match row {
            Row::Files(file) if PROGRAMS.contains(&file.mime) => self.file(file, hosts, names, packet),
            Row::Http(http) if !self.unnamed.is_empty() => self.http(http),
            _ => {}
        }
    }

    fn file(&mut self, file: &Files<'_>, hosts: &Hosts, names: &Names, packet: u64) {
        let Some(over) = WAYS.iter().find(|way| way.as_bytes() == file.source) else { return };
        let (from, host) = if file.is_orig { (file.orig, file.resp) } else { (file.resp, file.orig) };
        // What a server at home is sent by HTTP was uploaded to it.
        if !hosts.is_internal(host) || file.is_orig && *over == "HTTP" {
            return;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..MAX_NAME_LEN).unwrap_or(bytes)).into_owned();
        let content = if file.sha256.is_empty() { file.uid.to_string().into_bytes() } else { file.sha256.to_vec() };
        let key = (host, from, SeededState(self.seed).hash_one(&content));
        self.of.at(key, || Fetched {
            ts: file.ts,
            host,
            from,
            place: names.given(from).unwrap_or("").to_owned(),
            name: text(file.name),
            mime: text(file.mime),
            over,
            len: file.seen,
            // Rows have the digest itself.
            sha256: Fingerprint::try_from(file.sha256).map_or_else(|_| text(file.sha256), |digest| hex(&digest)),
            uid: file.uid,
            packet,
        });
        if *over == "HTTP" {
            self.unnamed.at(file.uid, || key);
        }
    }

    /// The exchange that brought it names the place and the file.
    fn http(&mut self, http: &Http<'_>) {
        let Some(key) = self.unnamed.remove(&http.uid) else { return };
        let Some(fetched) = self.of.get(&key).filter(|f| f.uid == http.uid) else { return };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..MAX_NAME_LEN).unwrap_or(bytes)).into_owned();
        let host = http.host.split(|b| *b == b':').next().unwrap_or(&[]);
        if !host.is_empty() {
            fetched.place = text(host);
        }
        if fetched.name.is_empty() {
            let path = http.uri.split(|b| *b == b'?').next().unwrap_or(&[]);
            fetched.name = text(path.rsplit(|b| *b == b'/').next().unwrap_or(&[]));
        }
    }

    /// All of them, by time.
    pub fn all(&self) -> Vec<Fetched> {
        let mut all: Vec<Fetched> = self.of.iter().map(|(_, f)| f.clone()).collect();
        all.sort_by(|a, b| (a.ts, a.host, a.from, &a.sha256, a.uid).cmp(&(b.ts, b.host, b.from, &b.sha256, b.uid)));
        all
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten() + self.unnamed.forgotten()
    }
}

#[cfg(test)]
mod tests;
