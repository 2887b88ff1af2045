//! Programs that clients write to shares: what of two rows, the opening of a file and its content, says together.

use crate::detection::Scope;
use crate::rows::{Files, SmbFiles};
use crate::table::Recent;
use sekisho_types::Addr;

/// Pairs of hosts of which opened files are kept.
const MAX_PAIRS: usize = 4_096;
/// Files kept of a pair; the oldest are forgotten.
const MAX_OPEN: usize = 8;
/// Longest share and name kept.
const MAX_NAME_LEN: usize = 256;

/// A program that was written to a share.
pub(crate) struct Program {
    pub share: Box<[u8]>,
    pub name: Box<[u8]>,
}

impl Program {
    /// `\\host\ADMIN$\tool.exe`
    pub fn path(&self) -> Vec<u8> {
        [&*self.share, b"\\", &*self.name].concat()
    }

    /// Is it a share that only administrators may use?
    pub fn is_admin(&self) -> bool {
        is_admin(&self.share)
    }
}

/// `ADMIN$` or the root of a drive, `C$`.
pub(crate) fn is_admin(share: &[u8]) -> bool {
    match share.rsplit(|b| *b == b'\\' || *b == b'/').next() {
        Some([drive, b'$']) => drive.is_ascii_alphabetic(),
        Some(name) => name.eq_ignore_ascii_case(b"ADMIN$"),
        None => false,
    }
}

/// Programs by content: Windows, Linux, macOS.
const PROGRAMS: &[&[u8]] =
    &[b"application/x-dosexec", b"application/x-executable", b"application/x-elf", b"application/x-mach-o-executable"];

/// See the module.
pub(crate) struct Shares {
    open: Recent<(Addr, Addr), Vec<Program>>,
}

impl Shares {
    pub fn new(scope: &Scope) -> Self {
        Self { open: Recent::of(scope, MAX_PAIRS) }
    }

    /// A client opens a file.
    pub fn opened(&mut self, row: &SmbFiles<'_>) {
        if !row.action.ends_with("FILE_OPEN") || row.name.starts_with(b"<") || row.name.is_empty() {
            return;
        }
        let known = |p: &Program| *p.name == *row.name && *p.share == *row.share;
        let open = self.open.at((row.orig, row.resp), Vec::new);
        if row.name.len() > MAX_NAME_LEN || row.share.len() > MAX_NAME_LEN || open.iter().any(known) {
            return;
        }
        if open.len() >= MAX_OPEN {
            open.remove(0);
        }
        open.push(Program { share: row.share.into(), name: row.name.into() });
    }

    /// Content passed; a program that was written, with where it went.
    pub fn written(&mut self, file: &Files<'_>) -> Option<Program> {
        if !file.is_orig || file.source != b"SMB" || !PROGRAMS.contains(&file.mime) {
            return None;
        }
        let last = |name: &[u8]| name.rsplit(|b| *b == b'\\').next().unwrap_or(&[]).to_vec();
        let open = self.open.get(&(file.orig, file.resp))?;
        let at = open.iter().rposition(|p| last(&p.name) == last(file.name))?;
        Some(open.remove(at))
    }

    /// Bytes of heap.
    pub fn held_len(&self) -> usize {
        let own = |open: &Vec<Program>| {
            open.iter().map(|p| p.share.len() + p.name.len() + size_of::<Program>()).sum::<usize>()
        };
        self.open.held_len() + self.open.iter().map(|(_, open)| own(open)).sum::<usize>()
    }

    /// Pairs forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.open.forgotten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_administrators() {
        for share in [&b"\\\\dc1\\ADMIN$"[..], b"\\\\10.0.0.1\\c$", b"admin$"] {
            assert!(is_admin(share), "{}", share.escape_ascii());
        }
        for share in [&b"\\\\dc1\\IPC$"[..], b"\\\\fs\\public", b"\\\\fs\\backup$", b"", b"\\\\fs\\1$"] {
            assert!(!is_admin(share), "{}", share.escape_ascii());
        }
    }
}
