//! Commands of the client: lists of counted strings, or lines of words.

use super::{MAX_ARG_LEN, MAX_ARGS, MAX_ELEMENTS, MAX_TEXT_LEN};
use crate::frames::cut;
use crate::pieces::{Piece, Pieces};
use sekisho_record::Text;
use sekisho_types::{Heap, list_len};

/// Words for which there is room at once.
const USUAL_WORDS: usize = 4;

/// A whole command: its name and first arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Vec<Text>,
    /// Words in all.
    pub count: u64,
}

impl Heap for Command {
    fn heap_len(&self) -> usize {
        list_len(&self.words) + self.words.as_slice().heap_len()
    }
}

/// A command's name in capital letters.
#[derive(Clone, Copy, Debug, Default)]
struct Verb {
    bytes: [u8; 16],
    len: usize,
}

impl Verb {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

/// What a command is to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Hello,
    Login,
    Reset,
    /// Its answers come apart from the replies.
    Subscription,
    /// What follows is no longer commands and replies.
    Replication,
    Other,
}

/// Which arguments are key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The second argument is the key that is written.
    BitOperation,
    /// Timeout, number of keys, key.
    BlockingPop,
    Key,
    KeyValue,
}

impl Command {
    /// The name in capital letters, without allocation; nothing if it is longer than any that matters.
    fn verb(&self) -> Verb {
        let mut verb = Verb::default();
        let name = self.words.first().map_or(&[][..], |w| &w.0);
        if let Some(room) = verb.bytes.get_mut(..name.len()) {
            room.copy_from_slice(name);
            room.make_ascii_uppercase();
            verb.len = name.len();
        }
        verb
    }

    fn word(&self, i: usize) -> Option<&Text> {
        self.words.get(i)
    }

    fn says(&self, i: usize, word: &[u8]) -> bool {
        self.word(i).is_some_and(|w| w.0.eq_ignore_ascii_case(word))
    }

    pub fn kind(&self) -> Kind {
        match self.verb().as_slice() {
            b"AUTH" => Kind::Login,
            b"CLIENT" => Kind::Client,
            b"HELLO" => Kind::Hello,
            b"PSUBSCRIBE" | b"PUNSUBSCRIBE" | b"SSUBSCRIBE" | b"SUBSCRIBE" | b"SUNSUBSCRIBE" | b"UNSUBSCRIBE" => {
                Kind::Subscription
            }
            b"PSYNC" | b"SYNC" => Kind::Replication,
            b"RESET" => Kind::Reset,
            _ => Kind::Other,
        }
    }

    /// CLIENT REPLY with its argument.
    pub fn replies(&self) -> Option<Replies> {
        if self.count != 3 || !self.says(1, b"REPLY") {
            return None;
        }
        Some(match self.word(2)?.0.to_ascii_uppercase().as_slice() {
            b"ON" => Replies::On,
            b"OFF" => Replies::Off,
            b"SKIP" => Replies::Skip,
            _ => return None,
        })
    }

    /// The user of AUTH and of HELLO with AUTH.
    pub fn user(&self) -> Option<Text> {
        match self.kind() {
            Kind::Login if self.count == 3 => self.word(1).cloned(),
            Kind::Hello if self.says(2, b"AUTH") => self.word(3).cloned(),
            _ => None,
        }
    }

    /// The password of AUTH and of HELLO with AUTH.
    pub fn password(&self) -> Option<&[u8]> {
        let word = match self.kind() {
            Kind::Login if self.count == 3 => self.word(2),
            Kind::Login => self.word(1),
            Kind::Hello if self.says(2, b"AUTH") => self.word(4),
            _ => None,
        };
        word.map(|word| word.0.as_slice())
    }

    /// The name, and the arguments to be shown.
    pub fn into_words(self) -> (Text, Vec<Text>) {
        let secret = matches!(self.kind(), Kind::Login | Kind::Hello);
        let mut args = self.words;
        if args.is_empty() {
            return Default::default();
        }
        let name = args.remove(0);
        if secret {
            return (name, Vec::new());
        }
        for arg in &mut args {
            arg.0.truncate(MAX_ARG_LEN);
        }
        (name, args)
    }

    /// Key and value.
    pub fn key_value(&self) -> (Option<Text>, Option<Text>) {
        let (key, value) = match shape(self.verb().as_slice()) {
            None => (None, None),
            Some(Shape::Key) => (self.word(1), None),
            Some(Shape::KeyValue) => (self.word(1), self.word(2)),
            Some(Shape::BitOperation) => (self.word(2), None),
            Some(Shape::BlockingPop) => (self.word(3), None),
        };
        (key.cloned(), value.cloned())
    }
}

/// As Zeek knows them.
fn shape(verb: &[u8]) -> Option<Shape> {
    Some(match verb {
        b"APPEND" | b"DECRBY" | b"EXPIRE" | b"EXPIREAT" | b"GETBIT" | b"GETSET" | b"HDEL" | b"HGET" | b"INCRBY"
        | b"MOVE" | b"MSET" | b"RENAME" | b"SET" => Shape::KeyValue,
        b"BITCOUNT" | b"BITFIELD" | b"BITFIELD_RO" | b"BITPOS" | b"BLPOP" | b"BRPOP" | b"COPY" | b"DECR" | b"DEL"
        | b"DUMP" | b"EXISTS" | b"EXPIRETIME" | b"GET" | b"GETDEL" | b"GETEX" | b"GETRANGE" | b"HSET" | b"INCR"
        | b"KEYS" | b"MGET" | b"PERSIST" | b"STRLEN" | b"TTL" | b"TYPE" => Shape::Key,
        b"BITOP" => Shape::BitOperation,
        b"BLMPOP" => Shape::BlockingPop,
        _ => return None,
    })
}

/// What CLIENT REPLY asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    On,
    Off,
    /// Not for this command and the next.
    Skip,
}

/// Reads the client's direction.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pieces: Pieces,
    command: Command,
    /// Strings of the list yet to come.
    left: u64,
}

impl Heap for Commands {
    fn heap_len(&self) -> usize {
        self.pieces.heap_len() + self.command.heap_len()
    }
}

impl Commands {
    /// The next command of `input`, which advances; `Err` if it is none.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Command>, &'static str> {
        loop {
            let Some(piece) = self.pieces.next(input) else { return Ok(None) };
            match piece {
                Piece::Bulk(word) => {
                    if self.command.words.len() <= MAX_ARGS {
                        self.command.words.push(cut(word, MAX_TEXT_LEN));
                    }
                    self.left -= 1;
                    if self.left == 0 {
                        return Ok(Some(std::mem::take(&mut self.command)));
                    }
                }
                Piece::Line(line) if self.left > 0 => {
                    let len = line.strip_prefix(b"$").and_then(number).ok_or("redis_broken_command")?;
                    self.pieces.expect_bulk(u64::try_from(len).map_err(|_| "redis_broken_command")?);
                }
                Piece::Line([b'*', count @ ..]) => {
                    let count = number(count).filter(|n| *n <= MAX_ELEMENTS).ok_or("redis_broken_command")?;
                    self.left = u64::try_from(count).unwrap_or(0);
                    let room = usize::try_from(self.left).unwrap_or(0).min(USUAL_WORDS);
                    self.command = Command { words: Vec::with_capacity(room), count: self.left };
                }
                Piece::Line(line) => {
                    let command = words(line);
                    if command.count > 0 {
                        return Ok(Some(command));
                    }
                }
            }
        }
    }

    /// See [`Pieces::gap`].
    pub fn gap(&mut self, len: u64) {
        if !self.pieces.gap(len) {
            self.left = 0;
            self.command = Command::default();
        }
    }

    /// See [`Pieces::rest`].
    pub fn rest(&mut self) {
        self.pieces.rest();
    }
}

/// A decimal number, possibly with a sign.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The words of a line; blanks within quotes belong to a word, which keeps its quotes as Zeek's do.
fn words(line: &[u8]) -> Command {
    let blank = |b: u8| matches!(b, 0 | b'\t' | b'\n' | b'\r' | b' ');
    let mut command = Command::default();
    let mut rest = line;
    loop {
        let start = rest.iter().position(|b| !blank(*b)).unwrap_or(rest.len());
        rest = rest.get(start..).unwrap_or(&[]);
        if rest.is_empty() {
            return command;
        }
        let mut quote = None;
        let mut escaped = false;
        let end = rest.iter().position(|b| {
            match quote {
                Some(q) if *b == q && !escaped => quote = None,
                Some(_) => {}
                None if matches!(b, b'"' | b'\'') => quote = Some(*b),
                None => return blank(*b),
            }
            escaped = quote.is_some() && *b == b'\\' && !escaped;
            false
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        if command.words.len() <= MAX_ARGS {
            command.words.push(cut(word, MAX_TEXT_LEN));
        }
        command.count += 1;
        rest = after;
    }
}
