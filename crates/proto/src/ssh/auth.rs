//! The outcome of a login from the lengths of what the server sends encrypted, as Zeek reckons it.
//!
//! The server's first encrypted segment answers the service request: its length is S. A segment of S − 16 bytes
//! is "login accepted"; the first other one (bar a greeting more than 256 bytes longer than S) is "login refused",
//! of length F, which each later segment of F bytes repeats. The first refusal answers the method "none", which
//! clients try only to learn the methods: it counts as no attempt.

use sekisho_types::Dir;

/// "Accepted" is this much shorter than the answer to the service request.
const SHORTER: usize = 16;
/// A greeting is more than this longer.
const GREETING: usize = 256;

/// What a segment told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing final.
    Open,
    /// Login accepted.
    Success,
}

/// Lengths so far.
#[derive(Debug, Default)]
pub struct Auth {
    client_spoke: bool,
    service_len: Option<usize>,
    refused_len: Option<usize>,
    greeting_passed: bool,
    attempts: u64,
    success: Option<bool>,
    blind: bool,
}

impl Auth {
    /// An encrypted segment of `len` bytes.
    pub fn segment(&mut self, dir: Dir, len: usize) -> Outcome {
        if self.blind || self.success == Some(true) {
            return Outcome::Open;
        }
        if dir.is_orig() {
            self.client_spoke = true;
            return Outcome::Open;
        }
        if !self.client_spoke {
            return Outcome::Open;
        }
        let Some(service_len) = self.service_len else {
            self.service_len = Some(len);
            return Outcome::Open;
        };
        let accepted = len + SHORTER == service_len;
        match self.refused_len {
            None if accepted => return self.accept(),
            None if !self.greeting_passed && len > service_len + GREETING => self.greeting_passed = true,
            None => self.refused_len = Some(len),
            Some(refused) if len == refused => {
                self.success = Some(false);
                self.attempts += 1;
            }
            Some(_) if accepted => return self.accept(),
            Some(_) => {}
        }
        Outcome::Open
    }

    fn accept(&mut self) -> Outcome {
        self.success = Some(true);
        self.attempts += 1;
        Outcome::Success
    }

    /// Bytes are missing: lengths mean nothing any more.
    pub fn blind(&mut self) {
        self.blind = true;
    }

    /// The outcome, if there is one.
    pub const fn success(&self) -> Option<bool> {
        self.success
    }

    /// Did the server refuse anything, be it only the question for its methods?
    pub const fn is_refused(&self) -> bool {
        self.refused_len.is_some()
    }

    /// Attempts counted.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(server: &[usize]) -> (Option<bool>, u64) {
        let mut a = Auth::default();
        assert_eq!(a.segment(Dir::Resp, 1000), Outcome::Open);
        a.segment(Dir::Orig, 52);
        for len in server {
            a.segment(Dir::Resp, *len);
        }
        (a.success(), a.attempts())
    }

    #[test]
    fn judges_logins_by_length() {
        assert_eq!(run(&[52]), (None, 0));
        assert_eq!(run(&[52, 36]), (Some(true), 1));
        assert_eq!(run(&[52, 84, 36]), (Some(true), 1));
        assert_eq!(run(&[52, 84, 84, 84, 36, 84]), (Some(true), 3));
        assert_eq!(run(&[52, 84, 84, 84]), (Some(false), 2));
        assert_eq!(run(&[52, 800, 84, 36]), (Some(true), 1));
        assert_eq!(run(&[52, 84, 100, 200]), (None, 0));
    }

    #[test]
    fn the_first_refusal_is_known_though_no_attempt() {
        let mut a = Auth::default();
        a.segment(Dir::Orig, 52);
        a.segment(Dir::Resp, 52);
        assert!(!a.is_refused());
        a.segment(Dir::Resp, 84);
        assert!(a.is_refused());
        assert_eq!((a.success(), a.attempts()), (None, 0));
    }

    #[test]
    fn a_hole_ends_the_judgement() {
        let mut a = Auth::default();
        a.segment(Dir::Orig, 52);
        a.segment(Dir::Resp, 52);
        a.blind();
        assert_eq!(a.segment(Dir::Resp, 36), Outcome::Open);
        assert_eq!(a.success(), None);
    }
}
