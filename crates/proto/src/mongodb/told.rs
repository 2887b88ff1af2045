//! What detectors want to know: does the server work for whoever asks, and who logs in.

use super::MongodbRecord;
use super::bson::{self, Value};
use crate::Cx;
use crate::told::{Answer, Login, MAX_SHOWN_LEN, Once, service_use};

/// Commands that are answered before a login, too (MongoDB's manual, "Authentication": what a driver opens with).
const GREETINGS: &[&[u8]] = &[
    b"authenticate",
    b"buildInfo",
    b"buildinfo",
    b"connectionStatus",
    b"endSessions",
    b"getnonce",
    b"hello",
    b"isMaster",
    b"ismaster",
    b"logout",
    b"ping",
    b"saslContinue",
    b"saslStart",
    b"whatsmyuri",
];

/// Numbers of errors that ask for a login or turn one down: Unauthorized, AuthenticationFailed.
const REFUSALS: &[i64] = &[13, 18];

/// A command was answered: what that says about the service. `document` is the reply's.
pub(super) fn answered(row: &MongodbRecord, document: &[u8], logged_in: &mut bool, once: &mut Once, cx: &mut Cx<'_>) {
    let command = row.command.as_ref().map_or(&[][..], |c| &c.0);
    login(row, command, document, logged_in, cx);
    if !cx.is_exposed() || row.compression.is_some() {
        return;
    }
    let answer = match row.ok {
        Some(false) if row.error_code.is_some_and(|code| REFUSALS.contains(&code)) => Answer::Refused,
        Some(true) if GREETINGS.contains(&command) || command.is_empty() && row.operation.0 != b"query" => return,
        Some(true) if *logged_in => Answer::Login,
        Some(true) if has_content(row, document) => Answer::Data,
        Some(true) => Answer::Open,
        _ => return,
    };
    if once.is_first(answer) {
        let names = [Some(command), text(&row.database), text(&row.collection)];
        let request = names.into_iter().flatten().filter(|n| !n.is_empty()).collect::<Vec<_>>().join(&b' ');
        service_use(("mongodb", answer), row.head, &request, &show(document), cx);
    }
}

fn text(text: &Option<sekisho_record::Text>) -> Option<&[u8]> {
    text.as_ref().map(|t| t.0.as_slice())
}

/// Steps of a login: SCRAM's are no passwords, PLAIN's is one.
fn login(row: &MongodbRecord, command: &[u8], document: &[u8], logged_in: &mut bool, cx: &mut Cx<'_>) {
    let steps = [&b"saslStart"[..], b"saslContinue", b"authenticate"];
    if !steps.contains(&command) {
        return;
    }
    let done = bson::find(document, &[b"done"]).and_then(Value::number) == Some(1);
    let success = row.ok == Some(true) && (done || command == b"authenticate");
    *logged_in |= success;
    if row.mechanism.as_ref().is_some_and(|m| m.0 == b"PLAIN") {
        let user = text(&row.user).unwrap_or(&[]);
        let login = Login { protocol: "mongodb", method: b"PLAIN", user, password: None, success: Some(success) };
        cx.login(&login);
    }
}

/// Members of replies that bring names or documents.
const CONTENT: &[&[u8]] = &[b"databases", b"cursor", b"values", b"users", b"value", b"log"];

/// Did names or documents come?
fn has_content(row: &MongodbRecord, document: &[u8]) -> bool {
    row.documents.is_some_and(|n| n > 0) || brings_content(document)
}

fn brings_content(document: &[u8]) -> bool {
    CONTENT.iter().any(|name| bson::find(document, &[name]).is_some())
}

/// A reply to a command that was not seen. `logged_in`: the last step of a login was answered before.
pub(super) fn answered_alone(document: &[u8], logged_in: &mut bool, once: &mut Once, cx: &mut Cx<'_>) {
    let number = |name: &[u8]| bson::find(document, &[name]).and_then(Value::number);
    *logged_in |= number(b"conversationId").is_some() && number(b"done") == Some(1);
    if !cx.is_exposed() {
        return;
    }
    let answer = match number(b"ok") {
        Some(0) if number(b"code").is_some_and(|code| REFUSALS.contains(&code)) => Answer::Refused,
        Some(ok) if ok != 0 && !*logged_in && brings_content(document) => Answer::Data,
        _ => return,
    };
    if once.is_first(answer) {
        service_use(("mongodb", answer), cx.head(cx.ts), b"", &show(document), cx);
    }
}

/// The names and texts of a document's beginning, as far as they are told.
fn show(document: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(document, &mut out, 0);
    out.truncate(MAX_SHOWN_LEN);
    out
}

/// Documents within documents that are shown.
const MAX_SHOWN_DEPTH: usize = 4;

fn put(document: &[u8], out: &mut Vec<u8>, depth: usize) {
    for (name, value) in bson::elements(document) {
        if out.len() >= MAX_SHOWN_LEN {
            return;
        }
        out.extend_from_slice(name.get(..MAX_SHOWN_LEN).unwrap_or(name));
        out.push(b'=');
        match value {
            Value::Text(text) => out.extend_from_slice(text.get(..MAX_SHOWN_LEN).unwrap_or(text)),
            Value::Document(inner) | Value::Array(inner) if depth < MAX_SHOWN_DEPTH => {
                out.push(b'{');
                put(inner, out, depth + 1);
                out.push(b'}');
            }
            value => match value.number() {
                Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
                None => out.push(b'?'),
            },
        }
        out.push(b',');
    }
}
