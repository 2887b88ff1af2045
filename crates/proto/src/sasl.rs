//! Logins by SASL (RFC 4422) as mail and chat carry them: mechanism and user name, never a password. A helper, no
//! protocol.

use crate::Cx;
use crate::mime::Base64;
use crate::told::Login;
use sekisho_record::Text;
use sekisho_types::Heap;

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
    /// An AUTH command: mechanism and perhaps a first answer. Tells the password, if that has one in clear.
    pub(crate) fn begin(&mut self, argument: &[u8]) -> Option<Vec<u8>> {
        self.attempts += 1;
        self.user = None;
        self.success = None;
        self.answers = 0;
        let end = argument.iter().position(u8::is_ascii_whitespace).unwrap_or(argument.len());
        let (mechanism, initial) = argument.split_at_checked(end).unwrap_or((argument, &[]));
        self.mechanism = Some(mechanism.to_ascii_uppercase().into());
        let initial = initial.trim_ascii();
        if initial.is_empty() { None } else { self.answer(initial) }
    }

    /// A line of the exchange from the client. Tells the password, if it has one in clear; it is not kept here.
    pub(crate) fn answer(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let (first, second) = (self.answers == 0, self.answers == 1);
        self.answers = self.answers.saturating_add(1);
        let mechanism = self.mechanism.as_ref()?;
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
            b"XOAUTH2" | b"X-OAUTH2" if first && text.starts_with(b"user=") => {
                text.split(|b| *b == 1).find_map(|p| p.strip_prefix(b"user="))
            }
            b"OAUTHBEARER" if first => text.split(|b| *b == b',').find_map(|p| p.strip_prefix(b"a=")),
            b"DIGEST-MD5" => between(&text, b"username=\"", b'"'),
            // header, user, nonce
            scram if first && scram.starts_with(b"SCRAM-") => between(&text, b",n=", b','),
            _ => None,
        };
        if let Some(user) = user.filter(|u| !u.is_empty()) {
            self.user = Some(user.get(..MAX_USER_LEN).unwrap_or(user).into());
        }
        match self.mechanism.as_ref()?.0.as_slice() {
            b"LOGIN" if second => Some(text),
            b"PLAIN" if first => text.split(|b| *b == 0).nth(2).map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// As [`Auth::begin`], told to those who want to know.
    pub(crate) fn begin_told(&mut self, protocol: &'static str, argument: &[u8], cx: &mut Cx<'_>) {
        let told = self.begin(argument);
        self.tell(protocol, told, cx);
    }

    /// As [`Auth::answer`], told to those who want to know.
    pub(crate) fn answer_told(&mut self, protocol: &'static str, line: &[u8], cx: &mut Cx<'_>) {
        let told = self.answer(line);
        self.tell(protocol, told, cx);
    }

    /// A password crossed, or a proof of one from which it can be guessed.
    fn tell(&self, protocol: &'static str, password: Option<Vec<u8>>, cx: &mut Cx<'_>) {
        let Some(mechanism) = &self.mechanism else { return };
        let weak = self.answers == 1 && matches!(mechanism.0.as_slice(), b"CRAM-MD5" | b"DIGEST-MD5");
        if password.is_some() || weak && self.user.is_some() {
            let user = self.user.as_ref().map_or(&[][..], |u| &u.0);
            let password = password.as_deref();
            cx.login(&Login { protocol, method: &mechanism.0, user, password, success: None });
        }
    }

    /// The server's verdict.
    pub(crate) fn end(&mut self, success: bool) {
        self.success = Some(success);
    }
}

impl Heap for Auth {
    fn heap_len(&self) -> usize {
        self.mechanism.heap_len() + self.user.heap_len()
    }
}

fn between<'a>(text: &'a [u8], key: &[u8], end: u8) -> Option<&'a [u8]> {
    let rest = text.get(memchr::memmem::find(text, key)? + key.len()..)?;
    rest.get(..memchr::memchr(end, rest)?)
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
    fn tells_passwords_that_are_in_clear() {
        let told = |argument: &str, answers: &[&str]| {
            let mut auth = Auth::default();
            let first = auth.begin(argument.as_bytes());
            first
                .or_else(|| answers.iter().find_map(|a| auth.answer(a.as_bytes())))
                .map(|p| String::from_utf8(p).unwrap())
        };
        assert_eq!(told("PLAIN AGJvYgBzZWNyZXQ=", &[]).as_deref(), Some("secret"));
        assert_eq!(told("plain", &["AGJvYgBzZWNyZXQ="]).as_deref(), Some("secret"));
        assert_eq!(told("LOGIN", &["Ym9i", "c2VjcmV0"]).as_deref(), Some("secret"));
        assert_eq!(told("LOGIN Ym9i", &["c2VjcmV0"]).as_deref(), Some("secret"));
        assert_eq!(told("CRAM-MD5", &["Ym9iIDAxMjM="]), None);
        assert_eq!(told("XOAUTH2", &["dXNlcj1ib2I=", "c2VjcmV0"]), None);
    }

    #[test]
    fn parses_users_and_no_passwords() {
        assert_eq!(user("PLAIN AGJvYgBzZWNyZXQ=", &[]).as_deref(), Some("bob"));
        assert_eq!(user("plain", &["AGJvYgBzZWNyZXQ="]).as_deref(), Some("bob"));
        assert_eq!(user("LOGIN", &["Ym9i", "c2VjcmV0"]).as_deref(), Some("bob"));
        assert_eq!(user("LOGIN Ym9i", &["c2VjcmV0"]).as_deref(), Some("bob"));
        assert_eq!(user("CRAM-MD5", &["Ym9iIDAxMjM="]).as_deref(), Some("bob"));
        assert_eq!(user("SCRAM-SHA-1", &["biwsbj1ib2Iscj1hYmM=", "Yz1iaXdz"]).as_deref(), Some("bob"));
        assert_eq!(user("DIGEST-MD5", &["dXNlcm5hbWU9ImJvYiIscmVhbG09IngiLA=="]).as_deref(), Some("bob"));
        assert_eq!(user("NTLM", &["Ym9i"]), None);
        assert_eq!(user("", &["Ym9i"]), None);
    }
}
