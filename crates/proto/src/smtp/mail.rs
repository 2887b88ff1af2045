//! What a mail's header and parts add to its row.

use super::address::{each_entry, first_ip, hop_ip};
use super::record::SmtpRecord;
use crate::mime::{Observer, field};
use crate::{Cx, FileInfo};
use sekisho_record::{Set, Text};
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
        let slot = match name.len() {
            2 if is("to") => return add(&mut self.to, value, "smtp_too_many_to_addresses", cx),
            2 if is("cc") => return add(&mut self.cc, value, "smtp_too_many_cc_addresses", cx),
            4 if is("from") => &mut self.from,
            4 if is("date") => &mut self.date,
            7 if is("subject") => {
                self.subject_decoded = match field::decode_words(value) {
                    Cow::Owned(text) if text != value => Some(text.into()),
                    _ => None,
                };
                &mut self.subject
            }
            8 if is("received") => return self.received(value, cx),
            8 if is("reply-to") => &mut self.reply_to,
            8 if is("x-mailer") => &mut self.user_agent,
            10 if is("message-id") => &mut self.msg_id,
            10 if is("user-agent") => &mut self.user_agent,
            11 if is("in-reply-to") => &mut self.in_reply_to,
            12 if is("x-user-agent") => &mut self.user_agent,
            16 if is("x-originating-ip") => {
                if let Some(addr) = first_ip(value) {
                    self.x_originating_ip = Some(addr);
                }
                return;
            }
            _ => return,
        };
        *slot = Some(value.into());
    }

    fn opened(&mut self, info: FileInfo, _filename: Option<&Text>) {
        if self.fuids.len() < MAX_FUIDS {
            self.fuids.push(info.fuid);
        }
    }

    fn closed(&mut self, _info: FileInfo) {}
}

impl SmtpRecord {
    fn received(&mut self, value: &[u8], cx: &mut Cx<'_>) {
        if let Some(last) = self.first_received.replace(value.into()) {
            self.second_received = Some(last);
        }
        let Some(hop) = hop_ip(value).filter(|hop| self.path.last() != Some(hop)) else { return };
        if self.path.len() >= MAX_PATH {
            cx.weird("smtp_max_path_length_exceeded");
        } else {
            self.path.push(hop);
        }
    }
}

fn add(set: &mut Option<Set<Text>>, value: &[u8], over: &'static str, cx: &mut Cx<'_>) {
    let set = set.get_or_insert_default();
    each_entry(value, &mut |entry| {
        let room = set.0.len() < MAX_ADDRESSES;
        if room {
            set.insert(entry.get(..MAX_ADDRESS_LEN).unwrap_or(entry).into());
        } else {
            cx.weird(over);
        }
        room
    });
}
