//! What parsers tell to detectors.

use super::Cx;
use crate::told::{self, Login};

impl Cx<'_> {
    /// Were the bytes decrypted?
    pub(crate) fn is_decrypted(&self) -> bool {
        self.decrypted
    }

    /// Do detectors listen, and does the flow come from outside? An address that is private by definition and at home is
    /// not outside. The detectors know the home networks and look again.
    pub(crate) fn is_exposed(&self) -> bool {
        self.out.judged && !(self.flow.local_orig && self.flow.tuple.orig.is_private())
    }

    /// Does the flow leave the network? An address that is at home but not private by definition may be outside all the same.
    pub(crate) fn is_outbound(&self) -> bool {
        self.flow.local_orig && !(self.flow.local_resp && self.flow.tuple.resp.is_private())
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
