//! What detectors want to know: does the server work for whoever asks, and who logs in.

use super::RedisRecord;
use super::command::{Command, Kind};
use super::reply::Reply;
use crate::Cx;
use crate::told::{Answer, Login, Once, service_use};

/// Replies that bring no content.
const EMPTY: &[&[u8]] = &[b"", b"OK", b"PONG", b"QUEUED", b"T", b"F", b"[]", b"null", b"{}"];

/// How errors begin that ask for a login or turn one down.
const REFUSALS: &[&[u8]] = &[b"DENIED", b"NOAUTH", b"NOPERM", b"WRONGPASS"];

/// Somebody logs in, if the command does that.
pub(super) fn login(command: &Command, cx: &mut Cx<'_>) {
    let Some(password) = command.password() else { return };
    let user = command.user();
    let user = user.as_ref().map_or(&[][..], |u| &u.0);
    cx.login(&Login { protocol: "redis", method: b"AUTH", user, password: Some(password), success: None });
}

/// A command was answered: what that says about the service. `logged_in`: a login succeeded before, or now.
pub(super) fn answered(row: &RedisRecord, kind: Kind, logged_in: &mut bool, once: &mut Once, cx: &mut Cx<'_>) {
    let (Some(success), Some(reply)) = (row.success, &row.reply) else { return };
    let is_login = kind == Kind::Login || kind == Kind::Hello && row.user.is_some();
    if is_login {
        *logged_in |= success;
        cx.login_judged("redis", success);
    }
    if !cx.is_exposed() {
        return;
    }
    let name = row.name.0.as_slice();
    let answer = if success {
        match kind {
            _ if *logged_in => Answer::Login,
            // These are answered before a login, too.
            Kind::Login | Kind::Hello | Kind::Reset => return,
            _ if name.eq_ignore_ascii_case(b"QUIT") => return,
            _ if EMPTY.contains(&reply.0.as_slice()) || reply.0.iter().all(u8::is_ascii_digit) => Answer::Open,
            _ => Answer::Data,
        }
    } else if REFUSALS.iter().any(|r| reply.0.starts_with(r)) {
        Answer::Refused
    } else {
        return;
    };
    if once.is_first(answer) {
        let mut request = row.name.0.clone();
        for arg in &row.args.0 {
            request.push(b' ');
            request.extend_from_slice(&arg.0);
        }
        service_use(("redis", answer), row.head, &request, &reply.0, cx);
    }
}

/// A reply to a command that was not seen. Content, and the answer to a sign of life, come only if nobody has to log in or
/// after a login; that one is answered with `OK`, as much else is, so behind it nothing is known. `logged_in`: such an
/// answer came.
pub(super) fn answered_alone(reply: &Reply, logged_in: &mut bool, once: &mut Once, cx: &mut Cx<'_>) {
    if !cx.is_exposed() {
        return;
    }
    let text = reply.text.as_slice();
    let is_greeting = reply.first.as_deref() == Some(b"server");
    let answer = if reply.error {
        if !REFUSALS.iter().any(|r| text.starts_with(r)) {
            return;
        }
        Answer::Refused
    } else if *logged_in || is_greeting {
        return;
    } else if text == b"OK" {
        *logged_in = true;
        return;
    } else if text == b"PONG" {
        Answer::Open
    } else if EMPTY.contains(&text) || text.iter().all(u8::is_ascii_digit) {
        return;
    } else {
        Answer::Data
    };
    if once.is_first(answer) {
        service_use(("redis", answer), cx.head(cx.ts), b"", text, cx);
    }
}
