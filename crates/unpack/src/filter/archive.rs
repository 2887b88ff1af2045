//! Archives that can only be unpacked as a whole.

use super::{Filter, Outcome};
use crate::budget::Cut;
use crate::member::Completeness;
use sekisho_inflate::Limits;
use sekisho_inflate::rar::{Archive, Fault};

/// A RAR archive; what comes out are its files, one after the other.
pub(super) struct Rar {
    held: Vec<u8>,
    password: Option<Vec<u8>>,
    limits: Limits,
}

impl Rar {
    pub(super) fn new(password: Option<&[u8]>, limits: &crate::Limits, output_max: u64) -> Self {
        let limits = Limits {
            output_len: output_max,
            ratio: limits.ratio,
            ratio_from_len: limits.ratio_from_len,
            memory_len: limits.window_len,
        };
        Self { held: Vec::new(), password: password.map(<[u8]>::to_vec), limits }
    }
}

impl Filter for Rar {
    fn push(&mut self, input: &[u8], _: &mut dyn FnMut(&[u8])) -> Outcome {
        if self.held.len().saturating_add(input.len()) > self.limits.memory_len {
            return Outcome::Fail(Completeness::Budget(Cut::Memory));
        }
        self.held.extend_from_slice(input);
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        let password = self.password.as_deref();
        let archive = Archive::open(std::mem::take(&mut self.held), password);
        match archive.and_then(|archive| archive.unpack(password, &self.limits, out)) {
            Ok(()) => Completeness::Complete,
            Err(Fault::Corrupt) => Completeness::Damaged("compressed data"),
            Err(Fault::Encrypted) => Completeness::Encrypted,
            Err(Fault::OverMemory) => Completeness::Budget(Cut::Memory),
            Err(Fault::Unsupported) => Completeness::Unsupported("compression method"),
        }
    }
}
