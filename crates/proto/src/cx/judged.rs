//! What parsers tell to detectors.

use super::Cx;
use crate::told::{self, Login};
use sekisho_types::Addr;

impl Cx<'_> {
    /// Were the bytes decrypted?
    pub(crate) fn is_decrypted(&self) -> bool {
        self.decrypted
    }

    /// Do detectors listen, and does the flow come from outside? An address that is private by definition and at home is
    /// not outside. The detectors know the home networks and look again.
    pub(crate) fn is_exposed(&self) -> bool {
        self.out.judged && !(self.flow.local_orig && is_private(self.flow.tuple.orig))
    }

    /// Are passwords worth reading out of what passes?
    pub(crate) fn is_listening(&self) -> bool {
        self.out.passwords.is_some() || self.out.judged
    }

    /// Somebody logs in. The password goes into no row.
    pub(crate) fn login(&mut self, login: &Login<'_>) {
        self.heard(login.password);
        if self.out.judged {
            told::credential(login, self);
        }
    }

    /// The server has judged the last login.
    pub(crate) fn login_judged(&mut self, protocol: &'static str, success: bool) {
        if self.out.judged {
            told::verdict(protocol, success, self);
        }
    }
}

/// RFC 1918, RFC 4193, loopback, link-local.
fn is_private(addr: Addr) -> bool {
    match (addr.as_v4(), addr.octets()) {
        (Some(v4), _) => {
            matches!(v4, [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..])
        }
        (None, [0xfc | 0xfd, ..] | [0xfe, 0x80..=0xbf, ..]) => true,
        (None, octets) => matches!(octets, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    }
}
