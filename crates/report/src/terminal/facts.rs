use super::pen::{number, text};
use super::{Pen, Style};
use crate::units::{bytes, clock, count, counted, rate, span};
use crate::{Page, clean};

/// What may be missing, before anything that rests on it.
pub(super) fn completeness(pen: &mut Pen, page: &Page) {
    let c = &page.completeness;
    let inputs: Vec<String> = c.inputs.iter().map(|i| clean(i.as_bytes())).collect();
    pen.heading("Completeness", &inputs.join(", "));
    if c.is_complete() {
        pen.paragraph(Style::Good, "", "Nothing is known to be missing.");
        return;
    }
    let mut warn = |style, words: &str| pen.paragraph(style, "! ", words);
    for sentence in &c.damage {
        warn(Style::Alarm, &clean(sentence.as_bytes()));
    }
    if let Some(n) = c.capture_drops.filter(|&n| n > 0) {
        warn(Style::Alarm, &format!("The capturing interface dropped {}.", counted(n, "packet")));
    }
    if c.cut_packets > 0 {
        let lost = c.wire_bytes.saturating_sub(c.bytes);
        let packets = counted(c.cut_packets, "packet");
        warn(Style::Warning, &format!("{packets} cut by the snapshot length: {} are not in the capture.", bytes(lost)));
    }
    if c.cut_mails > 0 {
        let of = counted(c.mails, "mail");
        warn(Style::Warning, &format!("{} of {of} not whole: the end is missing.", count(c.cut_mails)));
    }
    for (reason, n) in &c.undecoded {
        warn(Style::Warning, &format!("{} not decoded: {}.", counted(*n, "frame"), clean(reason.as_bytes())));
    }
    if c.gap_bytes > 0 {
        warn(Style::Warning, &format!("{} of streams are missing ({} bytes).", bytes(c.gap_bytes), count(c.gap_bytes)));
    }
    if c.one_sided_flows > 0 {
        let of = count(page.totals.flows.max(c.one_sided_flows));
        warn(Style::Warning, &format!("{} of {of} flows seen from one end only.", count(c.one_sided_flows)));
    }
    for (name, n) in &c.limits {
        warn(Style::Warning, &format!("Limit reached {}: {}.", counted(*n, "time"), clean(name.as_bytes())));
    }
}

/// When, and how much.
pub(super) fn totals(pen: &mut Pen, page: &Page) {
    let (c, t) = (&page.completeness, &page.totals);
    pen.heading("Period and totals", "");
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    let period = c.first.zip(c.last).map(|(first, last)| (first, last, last - first));
    if let Some((first, last, length)) = period {
        row("period", format!("{} to {} UTC ({})", clock(first), clock(last), span(length)));
    }
    if c.mails > 0 {
        row("mails in files", count(c.mails));
    }
    row("packets", count(c.packets));
    let speed = period.and_then(|p| rate(c.bytes, p.2)).map_or(String::new(), |r| format!(", {r} on average"));
    row("bytes", format!("{} ({}){speed}", count(c.bytes), bytes(c.bytes)));
    row("flows", count(t.flows));
    row("hosts", format!("{} internal, {} external", count(t.internal_hosts), count(t.external_hosts)));
    pen.table(&[text(""), super::pen::long("")], &rows);
    if t.transports.is_empty() {
        return;
    }
    let rows: Vec<_> =
        t.transports.iter().map(|t| vec![clean(&t.name.0), count(t.flows), count(t.packets), bytes(t.bytes)]).collect();
    pen.table(&[text("transport"), number("flows"), number("packets"), number("IP bytes")], &rows);
}

/// What nobody can learn from this capture.
pub(super) fn unseen(pen: &mut Pen, page: &Page) {
    let u = &page.unseen;
    let all: u64 = page.totals.transports.iter().map(|t| t.bytes).fold(0, u64::saturating_add);
    let mut words = Vec::new();
    if u.encrypted_flows > 0 {
        words.push(format!(
            "{} ({} of IP bytes) encrypted: who and how much is known, not what.",
            counted(u.encrypted_flows, "flow"),
            share(u.encrypted_bytes, all)
        ));
    }
    if u.unknown_flows > 0 {
        words.push(format!(
            "{} ({}) with data in no recognised protocol.",
            counted(u.unknown_flows, "flow"),
            share(u.unknown_bytes, all)
        ));
    }
    let of_mails = page.completeness.packets == 0 && page.completeness.mails > 0;
    if of_mails {
        words.push("Only mails were read: no traffic, so nobody's visits to their links.".to_owned());
    } else if page.completeness.capture_drops.is_none() {
        words.push("The capture doesn't say whether packets were dropped while it was made.".to_owned());
    }
    if words.is_empty() {
        words.push("All content that crossed was readable.".to_owned());
    }
    pen.heading("Not visible here", "");
    pen.paragraph(Style::Plain, "", &words.join(" "));
}

/// What the run used of its memory, and what it gave up for want of it.
pub(super) fn state(pen: &mut Pen, page: &Page) {
    let s = &page.state;
    if s.memory == 0 {
        return;
    }
    pen.heading("State and limits", &format!("{} of memory allowed", mib(s.memory)));
    let row = |p: &crate::Pool| vec![p.name.to_owned(), mib(p.peak), mib(p.cap), share(p.peak, p.cap)];
    let rows: Vec<_> = s.pools.iter().map(row).collect();
    pen.table(&[text("pool"), number("peak"), number("limit"), number("used")], &rows);
    if s.given_up.is_empty() {
        pen.paragraph(Style::Plain, "", "Nothing was given up for want of memory.");
    }
    for (name, n) in &s.given_up {
        pen.paragraph(Style::Warning, "! ", &format!("{} {}.", count(*n), clean(name.as_bytes())));
    }
}

/// Memory in the unit that `--memory` is given in.
fn mib(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / (1 << 20);
    if tenths < 10_000 { format!("{}.{} MiB", tenths / 10, tenths % 10) } else { format!("{} MiB", count(bytes >> 20)) }
}

/// `12 %`, `<1 %`.
fn share(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    if percent == 0 && part > 0 { "<1 %".to_owned() } else { format!("{percent} %") }
}
