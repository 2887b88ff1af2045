//! Logins (RFC 4954): mechanism and user name, never a password.

use crate::mime::Base64;
use sekisho_record::Text;

/// Longest user name kept.
const MAX_USER_LEN: usize = 512;

/// What is known of the logins of a flow.
#[derive(Default)]
pub(crate) struct Auth {
    pub(crate) mechanism: Option<Text>,
    pub(crate) user: Option<Text>,
    pub(crate) attempts: u64,
    pub(crate) success: Option<bool>,
    /// Lines of the current exchange seen.
    answers: u32,
}

impl Auth {
    /// An AUTH command.
    pub(crate) fn begin(&mut self, argument: &[u8]) {
        self.attempts += 1;
        self.user = None;
        self.success = None;
        self.answers = 0;
        let end = argument.iter().position(u8::is_ascii_whitespace).unwrap_or(argument.len());
        let (mechanism, initial) = argument.split_at_checked(end).unwrap_or((argument, &[]));
        self.mechanism = Some(mechanism.to_ascii_uppercase().into());
        let initial = initial.trim_ascii();
        if !initial.is_empty() {
            self.answer(initial);
        }
    }

    /// A line of the exchange from the client.
    pub(crate) fn answer(&mut self, line: &[u8]) {
        let first = self.answers == 0;
        self.answers = self.answers.saturating_add(1);
        let Some(mechanism) = &self.mechanism else { return };
        let mut text = Vec::new();
        let mut decoder = Base64::default();
        decoder.push(line, &mut text);
        decoder.finish(&mut text);
        let user: Option<&[u8]> = match mechanism.0.as_slice() {
            b"LOGIN" if first => Some(&text),
            // authorization id, NUL, user, NUL, password
            b"PLAIN" if first => text.split(|b| *b == 0).nth(1),
            // user, space, digest
            b"CRAM-MD5" => text.split(|b| *b == b' ').next(),
            b"XOAUTH2" if first => text.split(|b| *b == 1).find_map(|p| p.strip_prefix(b"user=")),
            _ => None,
        };
        if let Some(user) = user.filter(|u| !u.is_empty()) {
            self.user = Some(user.get(..MAX_USER_LEN).unwrap_or(user).into());
        }
    }

    /// The server's verdict.
    pub(crate) fn end(&mut self, success: bool) {
        self.success = Some(success);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(argument: &str, answers: &[&str]) -> Option<String> {
        let mut auth = Auth::default();
        auth.begin(argument.as_bytes());
        for a in answers {
            auth.answer(a.as_bytes());
        }
        auth.user.map(|u| String::from_utf8(u.0).unwrap())
    }

    #[test]
    fn parses_users_and_no_passwords() {
        assert_eq!(user("PLAIN AGJvYgBzZWNyZXQ=", &[]).as_deref(), Some("bob"));
        assert_eq!(user("plain", &["AGJvYgBzZWNyZXQ="]).as_deref(), Some("bob"));
        assert_eq!(user("LOGIN", &["Ym9i", "c2VjcmV0"]).as_deref(), Some("bob"));
        assert_eq!(user("LOGIN Ym9i", &["c2VjcmV0"]).as_deref(), Some("bob"));
        assert_eq!(user("CRAM-MD5", &["Ym9iIDAxMjM="]).as_deref(), Some("bob"));
        assert_eq!(user("NTLM", &["Ym9i"]), None);
        assert_eq!(user("", &["Ym9i"]), None);
    }
}
