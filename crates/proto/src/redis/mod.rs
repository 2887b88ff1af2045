//! Redis: the RESP protocol, versions 2 and 3, and commands typed as lines ("Redis serialization protocol
//! specification").
//!
//! A row per command with its reply, in the order of the commands. Replies that were switched off (CLIENT REPLY) are not
//! waited for, messages of subscriptions are passed over. Half conversations give commands without replies. Limits:
//! [`MAX_TEXT_LEN`], [`MAX_ARGS`], [`MAX_ARG_LEN`], [`MAX_ELEMENTS`], [`MAX_DEPTH`], [`MAX_PENDING_COMMANDS`]. Known
//! gaps: replication (SYNC, PSYNC) and MONITOR are not followed; commands of a transaction are answered one by one.

mod command;
mod probe;
mod record;
mod reply;
#[cfg(test)]
mod tests;
mod told;

pub use record::RedisRecord;

use crate::told::Once;
use crate::{Cx, Descriptor, Protocol, Start};
use command::{Command, Commands, Kind, Replies as Wanted};
use reply::{Replies, Reply};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, Timestamp};
use std::collections::VecDeque;

/// Longest key, value and reply kept, in bytes.
pub const MAX_TEXT_LEN: usize = crate::pieces::MAX_PIECE_LEN;
/// Arguments of a command kept.
pub const MAX_ARGS: usize = 8;
/// Longest argument shown in `cmd.args`.
pub const MAX_ARG_LEN: usize = 128;
/// Elements that a list may announce.
pub const MAX_ELEMENTS: i64 = 1 << 20;
/// Lists within lists.
pub const MAX_DEPTH: usize = 32;
/// Commands that may wait for replies.
pub const MAX_PENDING_COMMANDS: usize = 10_000;
/// Bytes of commands in waiting, beyond which the oldest are logged without reply.
pub const MAX_PENDING_LEN: usize = 256 << 10;

/// A command that waits for its reply.
struct Pending {
    ts: Timestamp,
    command: Command,
    /// No reply will come.
    unanswered: bool,
}

/// State of one connection.
pub struct Parser {
    commands: Commands,
    replies: Replies,
    pending: VecDeque<Pending>,
    pending_len: usize,
    /// Replies are switched off.
    off: bool,
    /// The next command has no reply.
    skip: bool,
    /// Messages of subscriptions may come.
    subscribed: bool,
    /// Replication was asked for: the next reply ends the parsing.
    replication: bool,
    /// Replies cannot be told from one another any more.
    lost: bool,
    user: Option<Text>,
    /// A login succeeded.
    logged_in: bool,
    told: Once,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "redis", tcp_ports: &[6379], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            commands: Commands::default(),
            replies: Replies::default(),
            pending: VecDeque::new(),
            pending_len: 0,
            off: false,
            skip: false,
            subscribed: false,
            replication: false,
            lost: false,
            user: None,
            logged_in: false,
            told: Once::default(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut input = bytes;
        if dir.is_orig() {
            loop {
                match self.commands.next(&mut input) {
                    Ok(Some(command)) => self.command(command, cx),
                    Ok(None) => return self.commands.rest(),
                    Err(why) => return cx.reject(why),
                }
            }
        }
        while !self.lost {
            match self.replies.next(&mut input) {
                Ok(Some(reply)) => self.reply(reply, cx),
                Ok(None) => return self.replies.rest(),
                Err(why) => return cx.reject(why),
            }
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if dir.is_orig() {
            self.commands.gap(len);
        } else if !self.lost && !self.replies.gap(len) {
            // How many replies are missing is not to be known.
            self.lost = true;
            self.flush(cx);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.flush(cx);
    }

    fn held_len(&self) -> usize {
        let list = sekisho_types::block_len(self.pending.capacity().saturating_mul(size_of::<Pending>()));
        self.commands.heap_len() + self.replies.heap_len() + list + self.pending_len + self.user.heap_len()
    }
}

impl Parser {
    fn command(&mut self, command: Command, cx: &mut Cx<'_>) {
        cx.recognize("redis");
        let wanted = command.replies();
        let skip = std::mem::take(&mut self.skip);
        let kind = command.kind();
        match (kind, wanted) {
            (Kind::Client, Some(Wanted::On)) => self.off = false,
            (Kind::Client, Some(Wanted::Off)) => self.off = true,
            (Kind::Client, Some(Wanted::Skip)) => self.skip = !self.off,
            (Kind::Subscription, _) => self.subscribed = true,
            (Kind::Reset, _) => self.off = false,
            (Kind::Replication, _) => self.replication = true,
            _ => {}
        }
        if cx.is_listening() {
            told::login(&command, cx);
        }
        if let Some(user) = command.user() {
            self.user = Some(user);
        }
        let unanswered = self.off || self.skip || (skip && wanted.is_none()) || kind == Kind::Subscription;
        let ts = cx.ts;
        if self.lost {
            return self.log(Pending { ts, command, unanswered }, None, cx);
        }
        self.pending_len += command.heap_len();
        self.pending.push_back(Pending { ts, command, unanswered });
        if self.pending.len() > MAX_PENDING_COMMANDS {
            // Which reply belongs to which command is no longer to be known.
            cx.weird("Redis_excessive_pipelining");
            self.lost = true;
            self.flush(cx);
        } else if self.pending_len > MAX_PENDING_LEN {
            if cx.flow.seen.resp {
                cx.weird("redis_too_much_pending");
            }
            self.lost = true;
            self.flush(cx);
        }
    }

    fn reply(&mut self, reply: Reply, cx: &mut Cx<'_>) {
        cx.recognize("redis");
        if reply.push || (self.subscribed && is_message(&reply)) {
            return;
        }
        while self.pending.front().is_some_and(|p| p.unanswered) {
            self.log_front(None, cx);
        }
        let Some(front) = self.pending.front() else {
            if cx.is_judged() && !cx.flow.seen.orig {
                told::answered_alone(&reply, &mut self.logged_in, &mut self.told, cx);
            }
            return;
        };
        cx.confirm_midstream("redis");
        if front.command.kind() == Kind::Reset {
            self.subscribed = false;
        }
        self.log_front(Some(reply), cx);
        if self.replication {
            cx.opaque();
        }
    }

    fn log_front(&mut self, reply: Option<Reply>, cx: &mut Cx<'_>) {
        let Some(pending) = self.pending.pop_front() else { return };
        self.pending_len -= pending.command.heap_len();
        if self.pending.is_empty() && self.pending.capacity() > 64 {
            self.pending = VecDeque::new();
        }
        self.log(pending, reply, cx);
    }

    fn flush(&mut self, cx: &mut Cx<'_>) {
        while !self.pending.is_empty() {
            self.log_front(None, cx);
        }
    }

    fn log(&mut self, pending: Pending, reply: Option<Reply>, cx: &mut Cx<'_>) {
        let (key, value) = pending.command.key_value();
        let kind = pending.command.kind();
        let (name, args) = pending.command.into_words();
        let row = RedisRecord {
            head: cx.head(pending.ts),
            name,
            key,
            value,
            success: reply.as_ref().map(|r| !r.error),
            reply: reply.map(|r| Text(r.text)),
            args: UnsetIfEmpty(args),
            user: self.user.clone(),
            tail: cx.tail(),
        };
        if cx.is_judged() {
            told::answered(&row, kind, &mut self.logged_in, &mut self.told, cx);
        }
        cx.emit(row);
    }
}

/// Is it what subscriptions bring, rather than the answer to a command?
fn is_message(reply: &Reply) -> bool {
    matches!(
        reply.first.as_deref(),
        Some(
            b"message"
                | b"pmessage"
                | b"smessage"
                | b"subscribe"
                | b"psubscribe"
                | b"ssubscribe"
                | b"unsubscribe"
                | b"punsubscribe"
                | b"sunsubscribe"
        )
    )
}
