//! What came, went, grew or shrank, one by one.

use super::super::cx::Locale;
use super::super::markup::{Markup, attrs};
use super::super::tables::{Col, ROWS, Row, table};
use super::super::words::W;
use super::{LONGEST, badge, word};
use crate::clean::{clean, fit};
use crate::compare::{Change, Device, Item, ItemKind};
use crate::units::count;

/// Rows of a device's own list.
const OF_DEVICE: usize = 60;
/// Items named that may be chance.
const DOUBTFUL: usize = 200;

/// Kinds with a table of their own here; findings and certificates have sections.
const KINDS: [(ItemKind, W); 4] = [
    (ItemKind::Destination, W::DestinationsCaption),
    (ItemKind::Name, W::NamesCaption),
    (ItemKind::Used, W::UsedCaption),
    (ItemKind::Offered, W::OfferedCaption),
];

fn caption(kind: ItemKind) -> W {
    match kind {
        ItemKind::Destination => W::DestinationsCaption,
        ItemKind::Name => W::NamesCaption,
        ItemKind::Used => W::UsedCaption,
        ItemKind::Offered => W::OfferedCaption,
        ItemKind::Certificate => W::ChangedCertificates,
        ItemKind::Finding => W::Findings,
    }
}

pub(super) fn section(m: &mut Markup, cx: &Locale, d: &Device) {
    super::section(m, cx, "items", W::Items, |m| {
        let of = |kind| d.items.iter().filter(move |t| t.kind == kind);
        if !KINDS.iter().any(|(kind, _)| of(*kind).next().is_some()) {
            m.say("p", attrs![class: "good"], cx.w(W::NoItems));
        }
        for (kind, caption) in KINDS {
            let (sure, doubtful): (Vec<&Item>, Vec<&Item>) = of(kind).partition(|t| t.sure);
            let caption = cx.w(caption);
            list(m, cx, caption, kind, &sure, ROWS);
            perhaps(m, cx, caption, kind, &doubtful);
        }
        for (kind, alike) in ItemKind::ALL.into_iter().zip(d.unchanged_items) {
            if alike > 0 && KINDS.iter().any(|(k, _)| *k == kind) {
                m.say("p", attrs![class: "note"], &cx.fill(W::Alike, &[cx.w(caption(kind)), &count(alike)]));
            }
        }
    });
}

pub(super) fn certificates(m: &mut Markup, cx: &Locale, d: &Device) {
    let kind = ItemKind::Certificate;
    let (sure, doubtful): (Vec<&Item>, Vec<&Item>) = d.items.iter().filter(|t| t.kind == kind).partition(|t| t.sure);
    if sure.is_empty() && doubtful.is_empty() {
        return;
    }
    super::section(m, cx, "changed-certificates", W::ChangedCertificates, |m| {
        let caption = cx.w(W::CertificatesChanged);
        list(m, cx, caption, kind, &sure, ROWS);
        perhaps(m, cx, caption, kind, &doubtful);
        let alike = d.unchanged_items.get(4).copied().unwrap_or(0);
        if alike > 0 {
            m.say("p", attrs![class: "note"], &cx.fill(W::Alike, &[cx.w(W::Certificates), &count(alike)]));
        }
    });
}

/// All kinds of a device, what is sure of each; how many are not.
pub(super) fn of_device(m: &mut Markup, cx: &Locale, d: &Device) {
    for kind in ItemKind::ALL {
        let (sure, doubtful): (Vec<&Item>, Vec<&Item>) =
            d.items.iter().filter(|t| t.kind == kind).partition(|t| t.sure);
        let name = cx.w(caption(kind));
        list(m, cx, name, kind, &sure, OF_DEVICE);
        perhaps(m, cx, name, kind, &doubtful);
    }
}

/// What may be chance, behind a click.
fn perhaps(m: &mut Markup, cx: &Locale, caption: &str, kind: ItemKind, items: &[&Item]) {
    if items.is_empty() {
        return;
    }
    m.el("details", attrs![class: "numbers"], |m| {
        let named = cx.fill(W::PerhapsCaption, &[caption]);
        m.say("summary", &[], &format!("{named} ({})", count(items.len() as u64)));
        list(m, cx, &named, kind, items, DOUBTFUL);
    });
}

/// Have such items bytes?
fn has_bytes(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Destination | ItemKind::Used | ItemKind::Offered)
}

fn list(m: &mut Markup, cx: &Locale, caption: &str, kind: ItemKind, items: &[&Item], most: usize) {
    if items.is_empty() {
        return;
    }
    let mut columns = vec![Col::Words(W::What), Col::Words(W::Change)];
    if kind == ItemKind::Certificate {
        columns.extend([Col::Words(W::Issuer), Col::Words(W::Role)]);
    }
    columns.extend([Col::Number(W::TimesBefore), Col::Number(W::TimesAfter)]);
    if has_bytes(kind) {
        columns.extend([Col::Number(W::BytesBefore), Col::Number(W::BytesAfter)]);
    }
    if kind == ItemKind::Certificate {
        columns.push(Col::Words(W::ValidUntil));
    }
    columns.push(Col::Words(W::Remark));
    let rows: Vec<&&Item> = items.iter().take(most).collect();
    table(m, cx, caption, &columns, rows.into_iter(), |row, t| one(row, cx, kind, t));
    let more = items.len().saturating_sub(most);
    if more > 0 {
        m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more as u64)]));
    }
}

fn one(row: &mut Row<'_>, cx: &Locale, kind: ItemKind, t: &Item) {
    row.with("w", |m| match (&t.certificate, t.key.split_once('/')) {
        (Some(c), _) => word(m, &c.server),
        (None, Some((id, _))) if kind == ItemKind::Finding => {
            let english = t.detail.split_once(": ").map_or("", |d| d.1);
            m.text(cx.read(id, english));
            m.raw(" ");
            m.el("code", &[], |m| m.text(&fit(&clean(t.key.as_bytes()), LONGEST, true)));
        }
        _ => word(m, &t.key),
    });
    let rank = match t.change {
        Change::Appeared => 0,
        Change::Disappeared => 1,
        Change::Grew => 2,
        _ => 3,
    };
    row.ranked("", rank, |m| badge(m, cx, t.change, t.sure));
    if kind == ItemKind::Certificate {
        let c = t.certificate.clone().unwrap_or_default();
        row.with("w", |m| word(m, &c.issuer));
        row.text(cx.w(if c.own { W::ShownBy } else { W::ShownTo }));
    }
    for seen in t.seen {
        row.count(seen.map(|s| s.count));
    }
    if has_bytes(kind) {
        for seen in t.seen {
            row.bytes(seen.map(|s| s.sent.saturating_add(s.received)));
        }
    }
    if kind == ItemKind::Certificate {
        row.with("t", |m| m.wire(parts(&t.detail).1.unwrap_or("–").as_bytes()));
    }
    row.with("w", |m| remark(m, cx, kind, t));
}

/// By how much, where, why it is in doubt.
fn remark(m: &mut Markup, cx: &Locale, kind: ItemKind, t: &Item) {
    let mut begun = false;
    let mut next = |m: &mut Markup| {
        if std::mem::replace(&mut begun, true) {
            m.raw("; ");
        }
    };
    if let (true, Some(percent)) = (matches!(t.change, Change::Grew | Change::Shrank), t.percent) {
        next(m);
        let of = if t.note.is_empty() { "times" } else { &t.note };
        m.text(&format!("{percent:+.0} % "));
        cx.fixed(m, of);
    } else if !t.note.is_empty() {
        next(m);
        cx.fixed(m, &t.note);
    }
    if !t.detail.is_empty() && kind != ItemKind::Finding {
        next(m);
        if kind == ItemKind::Certificate {
            match parts(&t.detail).0 {
                "self-signed" => m.text(cx.w(W::SelfSigned)),
                subject => word(m, subject),
            }
        } else {
            word(m, &t.detail);
        }
    }
    if !begun {
        m.raw("–");
    }
}

/// Of a certificate: `self-signed; until 2026-03-08`, or its subject in place of the first.
fn parts(detail: &str) -> (&str, Option<&str>) {
    detail.rsplit_once("; until ").map_or((detail, None), |(what, until)| (what, Some(until)))
}
