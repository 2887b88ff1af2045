//! A rule while its options are read: which buffer is open, which content modifiers are about.

use crate::config::Classes;
use crate::config::{Config, Files};
use crate::head::Heads;
use crate::ir::{
    Action, Arrow, Buffer, BufferMatch, Condition, Content, FlowCondition, Header, Int, Meta, Protocol, Rule, RuleSet,
    Step, Text, Transform,
};
use crate::limits::{Limits, NAME_COUNT_MAX, TRANSFORM_COUNT_MAX, VAR_COUNT_MAX};
use crate::refusal::{Code, Done, refuse, refuse_help};
use crate::source::Source;
use crate::syntax::{Groups, Word, integer, parts};
use hashbrown::HashMap;
use sekisho_transaction::{Fact, Kind};
use sekisho_types::SeededState;
use std::sync::Arc;

/// Priority of a rule that says none and whose class is not known.
const PRIORITY_DEFAULT: u8 = 3;

/// Names of one kind, each with its place.
pub(crate) struct Names(HashMap<Box<str>, u16, SeededState>);

impl Default for Names {
    fn default() -> Self {
        Self(HashMap::with_hasher(SeededState(0)))
    }
}

impl Names {
    /// The name's place in `list`, where it is added if it is new.
    pub fn place(&mut self, list: &mut Vec<Box<str>>, name: Word<'_>) -> Done<u16> {
        if let Some(&place) = self.0.get(name.text) {
            return Ok(place);
        }
        let place = match u16::try_from(list.len()) {
            Ok(place) if list.len() < NAME_COUNT_MAX => place,
            _ => return refuse(Code::Limit, name.at, name.text.len(), "the rules use too many names"),
        };
        list.push(name.text.into());
        self.0.insert(name.text.into(), place);
        Ok(place)
    }

    /// Where a name is, if it is known.
    pub fn find(&self, name: &str) -> Option<u16> {
        self.0.get(name).copied()
    }

    /// Remembers a place.
    pub fn know(&mut self, name: &str, place: u16) {
        self.0.insert(name.into(), place);
    }
}

/// What the rules of a set share while they are read.
pub(crate) struct Shared<'a> {
    pub set: RuleSet,
    pub config: &'a Config,
    pub files: &'a mut dyn Files,
    pub limits: &'a Limits,
    pub classes: &'a Classes,
    pub groups: Groups<'a>,
    pub heads: Heads,
    pub spare: Spare,
    /// The file at hand.
    pub source: &'a Source,
    pub flow_bits: Names,
    pub flow_ints: Names,
    pub x_bits: Names,
    pub datasets: Names,
    pub hash_lists: Names,
    /// Entries and bytes of data sets and lists so far.
    pub entry_count: usize,
    pub entry_len: usize,
}

/// A keyword with its value, as it stands in the rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arg<'a> {
    pub name: Word<'a>,
    /// Without quotes and negation; empty if there is none.
    pub value: Word<'a>,
    /// `!` stood before it; only for keywords that have that.
    pub negated: bool,
}

impl Arg<'_> {
    /// The value, or some of it, is not understood.
    pub fn bad<T>(&self, text: impl Into<String>) -> Done<T> {
        self.fail(Code::Value, text)
    }

    /// The keyword does not go with what stands before it.
    pub fn misplaced<T>(&self, text: impl Into<String>) -> Done<T> {
        refuse(Code::Combination, self.name.at, self.name.text.len(), text)
    }

    pub fn fail<T>(&self, code: Code, text: impl Into<String>) -> Done<T> {
        let word = if self.value.text.is_empty() { self.name } else { self.value };
        refuse(code, word.at, word.text.len(), text)
    }

    pub fn fail_help<T>(&self, code: Code, text: impl Into<String>, help: impl Into<String>) -> Done<T> {
        let word = if self.value.text.is_empty() { self.name } else { self.value };
        refuse_help(code, word.at, word.text.len(), text, help.into())
    }

    /// Parts between commas, trimmed.
    pub fn parts(&self) -> impl Iterator<Item = Word<'_>> {
        parts(self.value)
    }
}

/// Where a content is.
#[derive(Clone, Copy, Debug)]
struct At {
    group: usize,
    step: usize,
}

/// A buffer that was named.
#[derive(Debug)]
struct Open {
    buffer: Buffer,
    transforms: Vec<Transform>,
    /// Where its steps go, once there is one.
    group: Option<usize>,
    /// Of the request, or of the response, if it is said.
    request: Option<bool>,
    /// Its keyword.
    at: usize,
    len: usize,
}

/// Room that one rule in the making leaves to the next: a finished rule takes no more than it needs.
#[derive(Default)]
pub(crate) struct Spare {
    conditions: Vec<Condition>,
    matches: Vec<BufferMatch>,
    steps: Vec<Vec<Step>>,
}

/// Lists of steps, and steps of each, that are kept for the next rule.
const SPARE_COUNT_MAX: usize = 64;

/// The elements of `list` in a list that is no longer than they are.
fn exact<T>(list: &mut Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(list.len());
    exact.append(list);
    exact
}

impl Spare {
    /// The same matches, with exactly the room that they need.
    fn matches(&mut self, matches: &mut Vec<BufferMatch>) -> Vec<BufferMatch> {
        let exact = |mut entry: BufferMatch| {
            let steps = exact(&mut entry.steps);
            let room = std::mem::replace(&mut entry.steps, steps);
            if self.steps.len() < SPARE_COUNT_MAX && room.capacity() <= SPARE_COUNT_MAX {
                self.steps.push(room);
            }
            entry
        };
        matches.drain(..).map(exact).collect()
    }
}

/// A rule in the making.
pub(crate) struct Draft {
    pub rule: Rule,
    spare: Spare,
    open: Option<Open>,
    last: Option<At>,
    /// Where the last step went.
    last_group: Option<usize>,
    vars: Vec<Box<str>>,
    /// `priority` was given.
    pub priority: Option<u8>,
    /// Priority of its class.
    pub class_priority: Option<u8>,
    /// Its protocol, as said in the head or by the first keyword of a protocol.
    app: Option<&'static str>,
    /// `requires` asks for what is not there: the rule is left out, which is no error.
    pub unwanted: Option<String>,
    /// `base64_decode` was seen.
    pub has_base64: bool,
}

impl Draft {
    pub fn new(action: Action, header: Arc<Header>, text: Text, mut spare: Spare) -> Self {
        let app = match header.protocol {
            Protocol::App(name) => Some(name),
            _ => None,
        };
        let rule = Rule {
            gid: 1,
            sid: 0,
            rev: 0,
            action,
            scope: None,
            header,
            conditions: std::mem::take(&mut spare.conditions),
            matches: std::mem::take(&mut spare.matches),
            effects: Vec::new(),
            thresholds: Vec::new(),
            silent: false,
            prefilter: false,
            file_request: None,
            var_count: 0,
            meta: Meta::default(),
            text,
        };
        Self {
            rule,
            spare,
            open: None,
            last: None,
            last_group: None,
            vars: Vec::new(),
            priority: None,
            class_priority: None,
            app,
            unwanted: None,
            has_base64: false,
        }
    }

    /// Adds a condition.
    pub fn condition(&mut self, condition: Condition) {
        self.rule.conditions.push(condition);
    }

    /// The rule's protocol, if it has one already.
    pub const fn app(&self) -> Option<&'static str> {
        self.app
    }

    /// The buffer that is open; nothing: the payload.
    pub fn buffer(&self) -> Option<Buffer> {
        self.open.as_ref().map(|open| open.buffer)
    }

    /// Adds a step to the open buffer. Without one, a step that counts from the match before goes where that is.
    pub fn put(&mut self, step: Step) {
        let is_content = matches!(step, Step::Content(_));
        let group = match (&self.open, self.last_group) {
            (None, Some(group)) if is_relative(&step) => group,
            _ => self.group(),
        };
        self.last_group = Some(group);
        let Some(entry) = self.rule.matches.get_mut(group) else { return };
        let at = At { group, step: entry.steps.len() };
        entry.steps.push(step);
        if is_content {
            self.last = Some(at);
        }
    }

    /// Where steps of the open buffer go. Of a list each naming is about an entry of its own, others go on where they were.
    fn group(&mut self) -> usize {
        let (buffer, transforms, request): (Buffer, &[Transform], Option<bool>) = match &self.open {
            Some(Open { group: Some(group), .. }) => return *group,
            Some(open) => (open.buffer, &open.transforms, open.request),
            None => (Buffer::Payload, &[], None),
        };
        let is_list = match buffer {
            Buffer::Fact(fact) => fact.info().kind == Kind::List,
            _ => false,
        };
        let same = |m: &BufferMatch| m.buffer == buffer && *m.transforms == *transforms && m.request == request;
        let known = if is_list { None } else { self.rule.matches.iter().position(same) };
        let group = known.unwrap_or_else(|| {
            let steps = self.spare.steps.pop().unwrap_or_default();
            let entry = BufferMatch { buffer, transforms: transforms.to_vec(), steps, request };
            self.rule.matches.push(entry);
            self.rule.matches.len() - 1
        });
        if let Some(open) = &mut self.open {
            open.group = Some(group);
        }
        group
    }

    /// Steps of the open buffer so far.
    pub fn steps(&self) -> &[Step] {
        let group = match &self.open {
            Some(open) => open.group,
            None => self.rule.matches.iter().position(|m| m.buffer == Buffer::Payload && m.transforms.is_empty()),
        };
        group.and_then(|n| self.rule.matches.get(n)).map_or(&[], |m| &m.steps)
    }

    /// Opens a buffer.
    pub fn open(&mut self, arg: &Arg<'_>, buffer: Buffer) -> Done {
        self.close()?;
        if let Buffer::Fact(fact) = buffer {
            self.claim(arg, fact)?;
        }
        let (at, len) = (arg.name.at, arg.name.text.len());
        self.open = Some(Open { buffer, transforms: Vec::new(), group: None, request: None, at, len });
        Ok(())
    }

    /// The open buffer is that of the request (true) or of the response.
    pub fn ask(&mut self, request: bool) {
        if let Some(open) = &mut self.open {
            open.request = Some(request);
        }
        // A rule that looks one way only looks that way.
        if self.rule.header.arrow != Arrow::Exchange {
            let flow = FlowCondition { to_server: Some(request), ..FlowCondition::default() };
            self.rule.conditions.push(Condition::Flow(flow));
        }
    }

    /// Back to the payload; a buffer that nothing was looked for in is an error.
    pub fn close(&mut self) -> Done {
        match self.open.take() {
            Some(Open { group: None, at, len, .. }) => {
                refuse(Code::EmptyBuffer, at, len, "nothing is looked for in this buffer")
            }
            _ => Ok(()),
        }
    }

    /// Adds a transform to the open buffer. Behind something that was looked for it begins anew: what follows is about the
    /// buffer as this transform makes it.
    pub fn transform(&mut self, arg: &Arg<'_>, transform: Transform) -> Done {
        let Some(open) = &mut self.open else {
            let text = format!("{} does not stand behind a buffer", arg.name.text);
            return refuse(Code::Transform, arg.name.at, arg.name.text.len(), text);
        };
        if open.group.take().is_some() {
            open.transforms.clear();
            (open.at, open.len) = (arg.name.at, arg.name.text.len());
        }
        if open.transforms.len() >= TRANSFORM_COUNT_MAX {
            return arg.fail(Code::Limit, "the buffer has too many transforms");
        }
        open.transforms.push(transform);
        Ok(())
    }

    /// The rule is about this fact's protocol from here on.
    pub fn claim(&mut self, arg: &Arg<'_>, fact: Fact) -> Done {
        self.claim_app(arg, fact.info().app)
    }

    /// The same, by the protocol's name.
    pub fn claim_app(&mut self, arg: &Arg<'_>, app: &'static str) -> Done {
        match self.app {
            _ if app.is_empty() => Ok(()),
            Some(own) if !goes_with(own, app) => refuse(
                Code::OtherProtocol,
                arg.name.at,
                arg.name.text.len(),
                format!("{} belongs to {app}, but the rule is about {own}", arg.name.text),
            ),
            Some(_) => Ok(()),
            None => {
                self.app = Some(app);
                Ok(())
            }
        }
    }

    /// Adds a condition about a number of an exchange; the open buffer stays open.
    pub fn number(&mut self, arg: &Arg<'_>, fact: Fact, step: Step) -> Done {
        self.claim(arg, fact)?;
        let entry =
            BufferMatch { buffer: Buffer::Fact(fact), transforms: Vec::new(), steps: vec![step], request: None };
        self.rule.matches.push(entry);
        Ok(())
    }

    /// The last content, which modifiers are about; within the open buffer if there is one.
    pub fn content(&mut self, arg: &Arg<'_>) -> Done<&mut Content> {
        let within = self.open.as_ref().map(|open| open.group);
        let last = self.last.filter(|at| within.is_none_or(|group| group == Some(at.group)));
        let found = last.and_then(|at| self.rule.matches.get_mut(at.group)?.steps.get_mut(at.step));
        match found {
            Some(Step::Content(content)) => Ok(content),
            _ => arg.misplaced(format!("{} has no content before it", arg.name.text)),
        }
    }

    /// Moves the last content of the payload to another buffer (`http_uri` and the like).
    pub fn move_content(&mut self, arg: &Arg<'_>, fact: Fact) -> Done {
        if self.open.is_some() {
            return arg.misplaced(format!("{} stands behind a content, not within a sticky buffer", arg.name.text));
        }
        self.claim(arg, fact)?;
        let from = self.rule.matches.iter().position(|m| m.buffer == Buffer::Payload);
        let found = from.and_then(|group| {
            let steps = &mut self.rule.matches.get_mut(group)?.steps;
            let step = steps.iter().rposition(|step| matches!(step, Step::Content(_)))?;
            Some((group, steps.remove(step)))
        });
        let Some((group, step)) = found else {
            return arg.misplaced(format!("{} has no content before it", arg.name.text));
        };
        let buffer = Buffer::Fact(fact);
        let to = self.rule.matches.iter().position(|m| m.buffer == buffer && m.transforms.is_empty());
        let to = to.unwrap_or_else(|| {
            self.rule.matches.push(BufferMatch { buffer, transforms: Vec::new(), steps: Vec::new(), request: None });
            self.rule.matches.len() - 1
        });
        if let Some(entry) = self.rule.matches.get_mut(to) {
            self.last = Some(At { group: to, step: entry.steps.len() });
            entry.steps.push(step);
            self.last_group = Some(to);
        }
        if self.rule.matches.get(group).is_some_and(|m| m.steps.is_empty()) {
            self.rule.matches.remove(group);
            if let Some(last) = self.last.as_mut().filter(|last| last.group > group) {
                last.group -= 1;
            }
            self.last_group = self.last.map(|last| last.group);
        }
        Ok(())
    }

    /// A step into a buffer other than the open one, which is the payload (`uricontent`, old flags of `pcre`).
    pub fn put_into(&mut self, arg: &Arg<'_>, fact: Fact, step: Step) -> Done {
        if self.open.is_some() {
            return arg.misplaced(format!("{} names a buffer, but a sticky buffer is open", arg.name.text));
        }
        self.open(arg, Buffer::Fact(fact))?;
        self.put(step);
        self.open = None;
        Ok(())
    }

    /// A number, or a variable that stands before.
    pub fn int(&self, arg: &Arg<'_>, word: Word<'_>) -> Done<Int> {
        if let Some(n) = integer(word.text) {
            return Ok(Int::Number(n));
        }
        match self.vars.iter().position(|name| &**name == word.text).and_then(|n| u8::try_from(n).ok()) {
            Some(n) => Ok(Int::Var(n)),
            None => refuse_help(
                Code::Value,
                word.at,
                word.text.len(),
                format!("{}: {} is neither a number nor a variable", arg.name.text, word.text),
                "byte_extract and byte_math make variables; they have to stand before",
            ),
        }
    }

    /// The place of a variable that a keyword fills.
    pub fn var(&mut self, arg: &Arg<'_>, word: Word<'_>) -> Done<u8> {
        let fine = word.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !fine || integer(word.text).is_some() {
            return arg.bad(format!("{} is no name for a variable", word.text));
        }
        let place = self.vars.iter().position(|name| &**name == word.text).unwrap_or(self.vars.len());
        if place == self.vars.len() {
            if place >= VAR_COUNT_MAX {
                return arg.fail(Code::Limit, "the rule has too many variables");
            }
            self.vars.push(word.text.into());
        }
        Ok(u8::try_from(place).unwrap_or(u8::MAX))
    }

    /// The rule, once its options are read, and the room that it leaves.
    pub fn finish(mut self) -> Done<(Rule, Spare)> {
        self.close()?;
        if self.rule.sid == 0 {
            return refuse(Code::NoSid, 0, self.rule.text.len().min(40), "the rule has no sid");
        }
        let frames = self.rule.matches.iter().filter(|m| matches!(m.buffer, Buffer::Frame(..))).count();
        if frames > 0 && self.rule.matches.iter().any(|m| !matches!(m.buffer, Buffer::Frame(..) | Buffer::Base64)) {
            let text = "a rule about frames cannot ask for payload, packets or exchanges, too";
            return refuse(Code::Combination, 0, self.rule.text.len().min(40), text);
        }
        self.rule.var_count = u8::try_from(self.vars.len()).unwrap_or(u8::MAX);
        self.rule.meta.priority = self.priority.or(self.class_priority).unwrap_or(PRIORITY_DEFAULT);
        if self.rule.header.arrow == Arrow::Exchange {
            for entry in &mut self.rule.matches {
                if let Buffer::Fact(fact) = entry.buffer {
                    let ends = fact.info().ends;
                    entry.request = entry.request.or(match (ends.to_server(), ends.to_client()) {
                        (true, false) => Some(true),
                        (false, true) => Some(false),
                        _ => None,
                    });
                }
            }
        }
        let Self { mut rule, mut spare, .. } = self;
        let conditions = exact(&mut rule.conditions);
        spare.conditions = std::mem::replace(&mut rule.conditions, conditions);
        let matches = spare.matches(&mut rule.matches);
        spare.matches = std::mem::replace(&mut rule.matches, matches);
        Ok((rule, spare))
    }
}

/// Does it count from the end of the match before? Of a content that is said only behind it.
const fn is_relative(step: &Step) -> bool {
    match step {
        Step::ByteTest { read, .. }
        | Step::ByteJump { read, .. }
        | Step::ByteExtract { read, .. }
        | Step::ByteMath { read, .. } => read.relative,
        Step::IsDataAt { relative, .. } | Step::Base64Decode { relative, .. } => *relative,
        Step::Pcre(pcre) => pcre.relative,
        _ => false,
    }
}

/// Can a rule about `own` ask for what belongs to `app`?
fn goes_with(own: &str, app: &str) -> bool {
    let family = |name: &str| match name {
        "http1" | "http2" | "doh2" | "http" => 1,
        "dcerpc" | "smb" => 2,
        "ftp" | "ftp-data" => 3,
        _ => 0,
    };
    own == app
        || (family(own) != 0 && family(own) == family(app))
        || (own == "doh2" && app == "dns")
        || (own == "dns" && app == "doh2")
        || (own == "websocket" && family(app) == 1)
}
