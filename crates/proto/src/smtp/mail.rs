//! What a mail's header and parts add to its row.

use super::address::{each_entry, first_ip, hop_ip};
use super::record::SmtpRecord;
use crate::mime::{Observer, field};
use crate::{Cx, FileInfo};
use sekisho_record::{Set, Text};
use sekisho_types::{Addr, Heap, Uid, list_len};
use std::borrow::Cow;

/// Addresses kept of one To or Cc field (Zeek's `max_to_addresses`).
const MAX_ADDRESSES: usize = 1000;

/// Bytes kept of one address or entry.
pub(crate) const MAX_ADDRESS_LEN: usize = 1024;

/// Hops kept (Zeek's `max_path_length`).
const MAX_PATH: usize = 1000;

/// Files listed per mail; further ones are in `files` only.
const MAX_FUIDS: usize = 1000;

impl Observer for SmtpRecord {
    fn header(&mut self, level: usize, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        if level > 0 {
            return;
        }
        let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
        let column: fn(&mut Self) -> &mut Option<Text> = match name.len() {
            2 if is("to") => {
                self.held_len += add(&mut self.to, value, "smtp_too_many_to_addresses", cx);
                return;
            }
            2 if is("cc") => {
                self.held_len += add(&mut self.cc, value, "smtp_too_many_cc_addresses", cx);
                return;
            }
            4 if is("from") => |row: &mut Self| &mut row.from,
            4 if is("date") => |row: &mut Self| &mut row.date,
            7 if is("subject") => {
                let old = match field::decode_words(value) {
                    Cow::Owned(text) if text != value => self.subject_decoded.replace(text.into()),
                    _ => self.subject_decoded.take(),
                };
                self.held_len = (self.held_len + self.subject_decoded.heap_len()).saturating_sub(old.heap_len());
                |row: &mut Self| &mut row.subject
            }
            8 if is("received") => return self.received(value, cx),
            8 if is("reply-to") => |row: &mut Self| &mut row.reply_to,
            8 if is("x-mailer") => |row: &mut Self| &mut row.user_agent,
            10 if is("message-id") => |row: &mut Self| &mut row.msg_id,
            10 if is("user-agent") => |row: &mut Self| &mut row.user_agent,
            11 if is("in-reply-to") => |row: &mut Self| &mut row.in_reply_to,
            12 if is("x-user-agent") => |row: &mut Self| &mut row.user_agent,
            16 if is("x-originating-ip") => {
                if let Some(addr) = first_ip(value) {
                    self.x_originating_ip = Some(addr);
                }
                return;
            }
            _ => return,
        };
        self.set(column, value.into());
    }

    fn opened(&mut self, info: FileInfo, _filename: Option<&Text>) {
        if self.fuids.len() < MAX_FUIDS
            && let Some(fuid) = info.row()
        {
            self.fuids.push(fuid);
            self.held_len += size_of::<Uid>();
        }
    }

    fn closed(&mut self, _info: FileInfo) {}
}

impl SmtpRecord {
    fn received(&mut self, value: &[u8], cx: &mut Cx<'_>) {
        let last = self.first_received.replace(value.into());
        let gone = if last.is_some() { std::mem::replace(&mut self.second_received, last) } else { None };
        self.held_len = (self.held_len + self.first_received.heap_len()).saturating_sub(gone.heap_len());
        let Some(hop) = hop_ip(value).filter(|hop| self.path.last() != Some(hop)) else { return };
        if self.path.len() >= MAX_PATH {
            cx.weird("smtp_max_path_length_exceeded");
        } else {
            self.path.push(hop);
            self.held_len += size_of::<Addr>();
        }
    }
}

/// Adds `text` to a set and tells by how many bytes that grew.
pub(crate) fn insert(set: &mut Set<Text>, text: Text) -> usize {
    let (before, len) = (list_len(&set.0), text.heap_len());
    if set.insert(text) { len + list_len(&set.0) - before } else { 0 }
}

/// Adds a field's addresses and tells by how many bytes the set grew.
fn add(set: &mut Option<Set<Text>>, value: &[u8], over: &'static str, cx: &mut Cx<'_>) -> usize {
    let set = set.get_or_insert_default();
    let mut grown = 0;
    each_entry(value, &mut |entry| {
        let room = set.0.len() < MAX_ADDRESSES;
        if room {
            grown += insert(set, entry.get(..MAX_ADDRESS_LEN).unwrap_or(entry).into());
        } else {
            cx.weird(over);
        }
        room
    });
    grown
}
