//! Mails that lie in files: one (RFC 5322), or many (mbox).

use super::{Envelope, Letter, MailRecord, With};
use crate::mime::{Mime, Observer, Origin};
use crate::{Cx, FileId, FileInfo, Files, Outbox, Transport};
use sekisho_record::{FileMeta, Head, Text};
use sekisho_types::{Arrival, FlowInfo, Timestamp, Uid};

/// Nobody keeps files.
struct Nowhere;

impl Files for Nowhere {
    fn open(&mut self, _: &FlowInfo, _: Timestamp, _: FileMeta) -> FileId {
        FileId(0)
    }
    fn data(&mut self, _: FileId, _: Arrival, _: &[u8]) {}
    fn data_at(&mut self, _: FileId, _: Arrival, _: (u64, bool), _: &[u8]) {}
    fn gap(&mut self, _: FileId, _: Timestamp, _: u64) {}
    fn set_name(&mut self, _: FileId, _: &[u8]) {}
    fn set_total(&mut self, _: FileId, _: u64) {}
    fn info(&self, _: FileId) -> FileInfo {
        FileInfo::default()
    }
    fn close(&mut self, _: FileId, _: Timestamp, _: bool) -> FileInfo {
        FileInfo::default()
    }
}

/// Nobody else listens.
struct Nobody;

impl Observer for Nobody {
    fn opened(&mut self, _: FileInfo, _: Option<&Text>) {}
    fn closed(&mut self, _: FileInfo) {}
}

/// The row of a mail that lies in a file called `name`. Its time is that of its Date field; it has no flow and no ends. `number` is told
/// as its packet; `complete`: all of it is there.
pub fn mail(bytes: &[u8], name: &[u8], number: u64, complete: bool) -> MailRecord {
    let (flow, mut out, mut files) = (FlowInfo::default(), Outbox::default(), Nowhere);
    let mut cx = Cx::new(Timestamp::default(), number, &flow, Transport::Tcp, &mut out, &mut files);
    let mut letter = Letter { packet: number, ..Letter::default() };
    let origin = Origin { source: "FILE", is_orig: true, range_key: None, suggested_name: None, numbered: false };
    let mut mime = Mime::message(origin, 0);
    let mut observer = With { inner: &mut Nobody, letter: Some(&mut letter) };
    mime.push(bytes, &mut cx, &mut observer);
    if !bytes.ends_with(b"\n") {
        // The last delimiter may stand without the end of its line.
        mime.push(b"\r\n", &mut cx, &mut observer);
    }
    let complete = complete && !mime.is_unfinished();
    mime.finish(complete, &mut cx, &mut observer);
    letter.end(complete);
    let ts = letter.fields.date.unwrap_or_default();
    let head = Head { ts, uid: Uid::default(), ..cx.head(ts) };
    let row = letter.row(head, &Envelope { protocol: "file", ..Envelope::default() });
    MailRecord { file: Some(name.into()), ..row }
}

/// The mails of an mbox (RFC 4155): each behind a line that begins with `From `, which an empty line or nothing precedes.
/// Lines that were escaped as `>From ` stay so.
pub fn split_mbox(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let line_len = memchr::memchr(b'\n', rest.strip_prefix(b"From ")?)? + b"From \n".len();
        let mail = rest.get(line_len..)?;
        let is_start =
            |at: &usize| *at == 0 || mail.get(..*at).is_some_and(|m| m.ends_with(b"\n") || m.ends_with(b"\n\r"));
        let end = memchr::memmem::find_iter(mail, b"\nFrom ").find(is_start).map_or(mail.len(), |at| at + 1);
        let (mail, after) = mail.split_at_checked(end)?;
        rest = after;
        Some(mail)
    })
}

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// `Mon, 02 Mar 2026 09:00:00 +0100` (RFC 5322 §3.3).
pub(super) fn date(value: &[u8]) -> Option<Timestamp> {
    let behind_day = memchr::memchr(b',', value).map_or(value, |at| value.get(at + 1..).unwrap_or(&[]));
    let mut words = behind_day.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let number = |w: &[u8]| std::str::from_utf8(w).ok()?.parse::<i64>().ok();
    let day = number(words.next()?)?;
    let month = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = i64::try_from(MONTHS.iter().position(|m| *m == month)?).ok()? + 1;
    let year = number(words.next()?)?;
    let mut time = words.next()?.split(|b| *b == b':').map(number);
    let (hour, minute) = (time.next()??, time.next()??);
    let second = time.next().flatten().unwrap_or(0);
    let zone = words.next().unwrap_or(b"+0000");
    let (sign, digits) = match zone.split_first() {
        Some((b'+', d)) => (1, number(d)?),
        Some((b'-', d)) => (-1, number(d)?),
        _ => (1, 0),
    };
    let fits = (1900..=9999).contains(&year) && (1..=31).contains(&day) && (0..24).contains(&hour);
    if !fits || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let zone_secs = sign * ((digits / 100 % 100) * 3600 + digits % 100 * 60);
    let secs = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone_secs;
    Some(Timestamp::from_parts(secs, 0))
}

/// Days from 1970 on, by the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day that is sometimes there comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
