//! The exchanges of a session, as rules and EVE see them: a request with its answers.

use super::message::{fields, parameters};
use crate::Cx;
use crate::frames::nul_string;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// How much of a message is kept while somebody watches.
pub(super) const KEEP_WATCHED: usize = 64 << 10;
/// Texts of one exchange's answers that are kept: each is there once.
const MAX_TEXT_LEN: usize = 4096;
/// Parameters of a session that are kept.
const MAX_PARAMETERS: usize = 64;

/// What the client asked for.
#[derive(Debug)]
enum Request {
    Cancel {
        process: u32,
        key: u32,
    },
    /// COPY from the client: messages, their bytes, and how it ended.
    Copy {
        count: u64,
        len: u64,
        end: Option<&'static str>,
    },
    Password(Box<[u8]>),
    /// The statement.
    Query(Box<[u8]>),
    /// Mechanism and parameter.
    SaslInitial(Box<[u8]>),
    SaslResponse(Box<[u8]>),
    Ssl,
    Startup {
        version: (u16, u16),
        parameters: Box<[u8]>,
    },
    Terminate,
}

impl Request {
    fn heap_len(&self) -> usize {
        match self {
            Self::Password(b) | Self::Query(b) | Self::SaslInitial(b) | Self::SaslResponse(b) => block_len(b.len()),
            Self::Startup { parameters, .. } => block_len(parameters.len()),
            _ => 0,
        }
    }
}

/// A parameter: name and value.
type Parameter = (Box<[u8]>, Box<[u8]>);

/// What the server said.
#[derive(Debug, Default)]
struct Answers {
    any: bool,
    ssl: Option<bool>,
    texts: Vec<(&'static str, Box<[u8]>)>,
    parameters: Vec<Parameter>,
    /// Process and key for cancelling.
    key: Option<(u32, u32)>,
    field_count: Option<u16>,
    rows: Option<(u64, u64)>,
    copy_in: Option<u16>,
    copy_out: Option<u16>,
    copied: Option<(u64, u64)>,
}

impl Answers {
    /// A text; one that is there already is replaced.
    fn text(&mut self, name: &'static str, text: &[u8]) {
        let text: Box<[u8]> = text.get(..MAX_TEXT_LEN).unwrap_or(text).into();
        match self.texts.iter_mut().find(|t| t.0 == name) {
            Some(slot) => slot.1 = text,
            None => self.texts.push((name, text)),
        }
    }

    fn heap_len(&self) -> usize {
        let texts: usize = self.texts.iter().map(|t| block_len(t.1.len())).sum();
        let parameters: usize = self.parameters.iter().map(|p| block_len(p.0.len()) + block_len(p.1.len())).sum();
        list_len(&self.texts) + texts + list_len(&self.parameters) + parameters
    }

    fn show(&self, out: &mut Json<'_>) {
        if let Some(accepted) = self.ssl {
            out.flag("ssl_accepted", accepted);
        }
        for (name, text) in &self.texts {
            out.bytes(name, text);
        }
        if let Some((process, key)) = self.key {
            out.number("process_id", process.into());
            out.number("secret_key", key.into());
        }
        if let Some(count) = self.field_count {
            out.number("field_count", count.into());
        }
        if let Some((rows, len)) = self.rows {
            out.number("data_rows", rows);
            out.number("data_size", len);
        }
        for (name, columns) in [("copy_in_response", self.copy_in), ("copy_out_response", self.copy_out)] {
            if let Some(columns) = columns {
                out.object(name, |out| out.number("columns", columns.into()));
            }
        }
        if let Some((rows, len)) = self.copied {
            out.object("copy_data_out", |out| {
                out.number("row_count", rows);
                out.number("data_size", len);
            });
        }
        if !self.parameters.is_empty() {
            out.list("parameter_status", |out| {
                for (name, value) in &self.parameters {
                    out.item(|out| out.named(parameter_name(name), value));
                }
            });
        }
    }
}

/// A request with its answers.
struct Exchange {
    mark: Mark,
    request: Option<Request>,
    answers: Answers,
    over: bool,
}

/// What is shown of an exchange.
struct View<'a> {
    /// Counts from 1.
    number: u64,
    request: Option<&'a Request>,
    answers: &'a Answers,
}

/// What the server waits for, so that it is known what a password message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    Password,
    Sasl,
    SaslContinue,
}

/// The exchanges of a session; none unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: Option<Box<Exchange>>,
    login: Login,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        self.open.as_ref().map_or(0, |open| {
            let request = open.request.as_ref().map_or(0, Request::heap_len);
            block_len(size_of::<Exchange>()) + request + open.answers.heap_len() + open.mark.heap_len()
        })
    }
}

impl Exchange {
    fn show(&mut self, dir: Dir, over: bool, cx: &mut Cx<'_>) {
        let view = View { number: self.mark.id + 1, request: self.request.as_ref(), answers: &self.answers };
        if over {
            cx.over(dir, &view, &mut self.mark);
        } else {
            cx.look(dir, 0, &view, &mut self.mark);
        }
    }
}

impl Exchanges {
    /// The exchange that answers belong to.
    fn answered(&mut self) -> &mut Exchange {
        let counter = &mut self.counter;
        self.open.get_or_insert_with(|| {
            Box::new(Exchange { mark: counter.begin(), request: None, answers: Answers::default(), over: false })
        })
    }

    /// A request; one before it that was not answered to the end is over.
    fn asks(&mut self, request: Request, cx: &mut Cx<'_>) {
        self.finish(cx);
        let alone = matches!(request, Request::Cancel { .. } | Request::Terminate);
        let exchange = self.answered();
        exchange.request = Some(request);
        if alone {
            exchange.over = true;
            self.close(Dir::Orig, cx);
        } else {
            exchange.show(Dir::Orig, false, cx);
        }
    }

    /// A request without which a session does not begin. `bytes`: all of it.
    pub fn opening(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let number = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|n| u32::from_be_bytes(*n));
        let request = match (number(4), bytes.len()) {
            (Some(super::message::SSL), _) => Request::Ssl,
            (Some(super::message::CANCEL), _) => {
                Request::Cancel { process: number(8).unwrap_or(0), key: number(12).unwrap_or(0) }
            }
            (Some(version), 9..) if version >> 16 == 3 => {
                let parts = (3, u16::try_from(version & 0xffff).unwrap_or(0));
                Request::Startup { version: parts, parameters: bytes.get(8..).unwrap_or(&[]).into() }
            }
            _ => return,
        };
        self.asks(request, cx);
    }

    /// A typed message of the client; `len`: of its whole content.
    pub fn message(&mut self, kind: u8, content: &[u8], len: u64, cx: &mut Cx<'_>) {
        let text = || Box::from(nul_string(content).0);
        match kind {
            b'Q' => self.asks(Request::Query(text()), cx),
            b'X' => self.asks(Request::Terminate, cx),
            b'p' => {
                let request = match std::mem::take(&mut self.login) {
                    Login::Password => Request::Password(text()),
                    Login::Sasl => Request::SaslInitial(content.into()),
                    Login::SaslContinue => Request::SaslResponse(content.into()),
                };
                self.asks(request, cx);
            }
            b'd' | b'c' | b'f' => {
                let copies = self.open.as_ref().is_some_and(|o| matches!(o.request, Some(Request::Copy { .. })));
                if !copies {
                    self.finish(cx);
                    self.answered().request = Some(Request::Copy { count: 0, len: 0, end: None });
                }
                let Some(Request::Copy { count, len: sum, end }) = &mut self.answered().request else { return };
                match kind {
                    b'd' => (*count, *sum) = (*count + 1, sum.saturating_add(len)),
                    b'c' => *end = Some("copy_done"),
                    _ => *end = Some("copy_fail"),
                }
            }
            _ => {}
        }
    }

    /// The byte that answers a request for encryption.
    pub fn encryption(&mut self, accepted: bool, cx: &mut Cx<'_>) {
        let exchange = self.answered();
        exchange.answers.ssl = Some(accepted);
        exchange.answers.any = true;
        exchange.over = true;
        self.close(Dir::Resp, cx);
    }

    /// A message of the server; `len`: of its whole content.
    pub fn answer(&mut self, kind: u8, content: &[u8], len: u64, cx: &mut Cx<'_>) {
        let number = |at: usize| content.get(at..).and_then(<[u8]>::first_chunk).map(|n| u32::from_be_bytes(*n));
        let short = content.first_chunk().map_or(0, |n| u16::from_be_bytes(*n));
        let columns = || content.get(1..).and_then(<[u8]>::first_chunk).map(|n| u16::from_be_bytes(*n));
        // What nobody asked for, or in a way that Suricata does not follow, is no exchange.
        if self.open.is_none()
            || !matches!(kind, b'R' | b'S' | b'K' | b'Z' | b'T' | b'D' | b'C' | b'E' | b'N' | b'G' | b'H' | b'd')
        {
            return;
        }
        let exchange = self.answered();
        let answers = &mut exchange.answers;
        answers.any = true;
        match kind {
            b'R' => {
                let (login, over) = authentication(number(0).unwrap_or(0), content.get(4..).unwrap_or(&[]), answers);
                exchange.over = over;
                self.login = login;
            }
            b'S' if answers.parameters.len() < MAX_PARAMETERS => {
                let (name, value) = nul_string(content);
                answers.parameters.push((name.into(), nul_string(value).0.into()));
            }
            b'K' => answers.key = number(0).zip(number(4)),
            b'Z' => exchange.over = true,
            b'T' => answers.field_count = Some(short),
            b'D' => {
                let (rows, sum) = answers.rows.get_or_insert_default();
                *rows += 1;
                *sum = sum.saturating_add(len.saturating_sub(2 + 4 * u64::from(short)));
            }
            b'C' => answers.text("command_completed", nul_string(content).0),
            b'E' | b'N' => {
                for (code, value) in fields(content) {
                    if let Some(name) = field_name(code) {
                        answers.text(name, value);
                    }
                }
            }
            b'G' => {
                answers.copy_in = columns();
                exchange.over = true;
            }
            b'H' => answers.copy_out = columns(),
            b'd' => {
                let (rows, sum) = answers.copied.get_or_insert_default();
                *rows += 1;
                *sum = sum.saturating_add(len);
            }
            _ => {}
        }
        match &mut self.open {
            // What it came to stands in alerts that wait.
            Some(open) if !open.over && matches!(kind, b'C' | b'E') => open.show(Dir::Resp, false, cx),
            _ => self.close(Dir::Resp, cx),
        }
    }

    /// The bytes of `dir` make no sense.
    pub fn lost(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let name = if dir.is_orig() { "malformed_request" } else { "malformed_response" };
        self.answered().mark.event(dir, name);
        self.finish(cx);
    }

    /// Shows the exchange if it is over.
    fn close(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if self.open.as_ref().is_some_and(|open| open.over)
            && let Some(mut open) = self.open.take()
        {
            open.show(dir, true, cx);
        }
    }

    /// The end, or another request: what is open is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut open) = self.open.take() {
            let dir = if open.answers.any { Dir::Resp } else { Dir::Orig };
            open.show(dir, true, cx);
        }
    }
}

/// A step of authentication: what comes from the client next, and whether the exchange is over.
fn authentication(method: u32, content: &[u8], answers: &mut Answers) -> (Login, bool) {
    match method {
        0 => answers.text("message", b"authentication_ok"),
        3 => answers.text("message", b"authentication_cleartext_password"),
        5 => answers.text("authentication_md5_password", content),
        10 => answers.text("message", b"authentication_sasl"),
        11 => answers.text("message", b"authentication_sasl_continue"),
        12 => answers.text("authentication_sasl_final", content),
        _ => {}
    }
    let login = match method {
        10 => Login::Sasl,
        11 => Login::SaslContinue,
        _ => Login::Password,
    };
    (login, !matches!(method, 0 | 12))
}

/// Suricata's name of a field of an error or notice; `None`: it is not in the schema.
const fn field_name(code: u8) -> Option<&'static str> {
    Some(match code {
        b'S' => "severity_localizable",
        b'V' => "severity_non_localizable",
        b'C' => "code",
        b'M' => "message",
        b'F' => "file",
        b'L' => "line",
        b'R' => "routine",
        _ => return None,
    })
}

/// Suricata's name of a parameter.
fn parameter_name(name: &[u8]) -> &[u8] {
    match name {
        b"DateStyle" => b"date_style",
        b"IntervalStyle" => b"interval_style",
        b"TimeZone" => b"time_zone",
        other => other,
    }
}

impl View<'_> {
    fn show_request(&self, request: &Request, out: &mut Json<'_>) {
        match request {
            Request::Cancel { process, key } => {
                out.text("message", "cancel_request");
                out.number("process_id", (*process).into());
                out.number("secret_key", (*key).into());
            }
            Request::Copy { count, len, end } => {
                out.object("copy_data_in", |out| {
                    out.number("msg_count", *count);
                    out.number("data_size", *len);
                });
                if let Some(end) = end {
                    out.text("message", end);
                }
            }
            Request::Password(password) if out.options().passwords => out.bytes("password", password),
            Request::Password(_) => out.flag("password_redacted", true),
            Request::Query(statement) => out.bytes("simple_query", statement),
            Request::SaslInitial(content) => {
                let (mechanism, parameter) = nul_string(content);
                let mechanism = match mechanism {
                    b"SCRAM-SHA-256" => b"scram_SHA256",
                    b"SCRAM-SHA-256-PLUS" => &b"scram_SHA256_plus"[..],
                    other => other,
                };
                out.bytes("sasl_authentication_mechanism", mechanism);
                out.bytes("sasl_param", parameter.get(4..).unwrap_or(&[]));
            }
            Request::SaslResponse(response) => out.bytes("sasl_response", response),
            Request::Ssl => out.text("message", "SSL Request"),
            Request::Startup { version: (major, minor), parameters: list } => {
                out.display("protocol_version", format_args!("{major}.{minor}"));
                out.object("startup_parameters", |out| {
                    let is_user = |name: &[u8]| name == b"user";
                    if let Some((_, user)) = parameters(list).find(|p| is_user(p.0)) {
                        out.bytes("user", user);
                    }
                    let others = || parameters(list).filter(|p| !is_user(p.0)).take(MAX_PARAMETERS);
                    if others().next().is_some() {
                        out.list("optional_parameters", |out| {
                            others().for_each(|(name, value)| {
                                out.item(|out| out.named(parameter_name(name), value));
                            });
                        });
                    }
                });
            }
            Request::Terminate => out.text("message", "termination_message"),
        }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "pgsql"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("pgsql", |out| {
            out.number("tx_id", self.number);
            if let Some(request) = self.request {
                out.object("request", |out| self.show_request(request, out));
            }
            if self.answers.any {
                out.object("response", |out| self.answers.show(out));
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match (fact, self.request) {
            (Fact::PgsqlQuery, Some(Request::Query(statement))) if nth == 0 => Some(Value::from(&**statement)),
            _ => None,
        }
    }
}
