use super::pen::{long, number, text, wrapped};
use super::{MAX_WIDTH, MIN_WIDTH, Pen, Style};
use crate::compare::shown;
use crate::compare::{Change, Comparison, Device, Grain, Identity, Item, ItemKind, MatchedBy, Measure, Quantity, Side};
use crate::units::{bytes, clock, count, counted, span};
use crate::{clean, fit};

/// Devices told with their figures; of others only one line.
const DETAILED: usize = 20;
/// Devices told at all.
const DEVICES: usize = 100;
/// Rows printed of each kind of item; the JSON has all.
const ITEMS: usize = 12;
/// Items named that may be chance.
const DOUBTFUL: usize = 4;
/// Columns of a device's name and address: the narrowest page has room for them.
const TITLE: usize = MIN_WIDTH - 4;
/// Unchanged devices named.
const UNCHANGED: usize = 16;

/// The comparison for a terminal of `width` columns; see [`crate::render_text`].
pub fn render_comparison(c: &Comparison, width: usize, colour: bool) -> String {
    let mut pen = Pen::new(width.clamp(MIN_WIDTH, MAX_WIDTH), colour);
    pen.heading("Difference", "");
    let style = if c.changed { Style::Heading } else { Style::Good };
    pen.paragraph(style, "", &sentence(&c.verdict));
    for caveat in &c.caveats {
        pen.paragraph(Style::Warning, "! ", &clean(caveat.as_bytes()));
    }
    sides(&mut pen, &c.sides);
    let told = c.devices.len() + c.unchanged.len();
    // Of a single device its own section says it all.
    if told != 1 || c.devices.is_empty() {
        pen.heading("All devices together", &counted(told as u64, "device"));
        details(&mut pen, &c.network, true);
    }
    for (i, d) in c.devices.iter().take(DEVICES).enumerate() {
        device(&mut pen, d, i < DETAILED);
    }
    if c.devices.len() > DEVICES {
        let more = counted((c.devices.len() - DEVICES) as u64, "device");
        pen.paragraph(Style::Dim, "", &format!("… and {more} more, in --json"));
    }
    unchanged(&mut pen, &c.unchanged);
    chance(&mut pen, c);
    pen.finish()
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let words = clean(words.as_bytes());
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

fn sides(pen: &mut Pen, sides: &[Side; 2]) {
    pen.heading("What was compared", "");
    let mut rows = Vec::new();
    let mut row = |name: &str, of: &dyn Fn(&Side) -> String| {
        let [a, b] = sides.each_ref().map(of);
        rows.push(vec![name.to_owned(), a, b]);
    };
    row("read from", &|s| clean(s.inputs.join(", ").as_bytes()));
    row("first packet", &|s| s.first.map_or_else(|| "-".to_owned(), |t| format!("{} UTC", clock(t))));
    row("observed", &|s| span(s.observed));
    row("packets", &|s| count(s.packets));
    row("bytes", &|s| bytes(s.bytes));
    row("flows", &|s| count(s.flows));
    row("devices", &|s| count(s.devices));
    row("findings", &|s| count(s.findings));
    pen.table(&[text(""), long("before"), long("after")], &rows);
}

fn device(pen: &mut Pen, d: &Device, detailed: bool) {
    let (name, note) = (title(&d.identity), matched(&d.identity));
    pen.heading(&name, &note);
    pen.paragraph(if d.changed { Style::Heading } else { Style::Plain }, "", &sentence(&d.verdict));
    for note in &d.notes {
        pen.paragraph(Style::Warning, "! ", &clean(note.as_bytes()));
    }
    if detailed && d.presence == Change::Unchanged {
        details(pen, d, false);
    } else if detailed {
        let named: Vec<_> = d
            .items
            .iter()
            .filter(|t| t.kind == ItemKind::Destination)
            .take(DOUBTFUL)
            .map(|t| clean(t.key.as_bytes()))
            .collect();
        let all = d.items.iter().filter(|t| t.kind == ItemKind::Destination).count() as u64;
        if !named.is_empty() {
            let more = if all > named.len() as u64 { ", …" } else { "" };
            pen.paragraph(Style::Plain, "", &format!("{}: {}{more}", counted(all, "destination"), named.join(", ")));
        }
    }
}

/// Address and name.
fn title(i: &Identity) -> String {
    let addresses = if i.addresses[1].is_empty() { &i.addresses[0] } else { &i.addresses[1] };
    let first = addresses.first().map_or_else(String::new, ToString::to_string);
    match &i.name {
        Some(name) => fit(&format!("{first} ({})", clean(name.as_bytes())), TITLE, false),
        None => first,
    }
}

fn matched(i: &Identity) -> String {
    match i.matched_by {
        MatchedBy::Nothing => String::new(),
        MatchedBy::Mac => format!("the same by its hardware address {}", i.mac.as_deref().unwrap_or("")),
        MatchedBy::Name => "the same by its name".to_owned(),
        MatchedBy::Address => "the same by its address".to_owned(),
    }
}

fn details(pen: &mut Pen, d: &Device, whole: bool) {
    let rows: Vec<_> = d
        .quantities
        .iter()
        .filter(|q| q.values.iter().any(|v| v.is_some_and(|v| v > 0)))
        .map(|q| figures(q, whole))
        .collect();
    if !rows.is_empty() {
        let columns =
            [text(""), number("before"), number("after"), number("before/h"), number("after/h"), text("change")];
        pen.table(&columns, &rows);
    }
    for kind in ItemKind::ALL {
        items(pen, d, kind);
    }
    let hours = |list: &[u16]| list.iter().map(|h| hour(*h, d.schedule.grain)).collect::<Vec<_>>().join(", ");
    for (what, list) in [("More active (UTC)", &d.schedule.more), ("Less active (UTC)", &d.schedule.less)] {
        if !list.is_empty() {
            pen.paragraph(Style::Plain, "", &format!("{what}: {}", hours(list)));
        }
    }
}

/// `Mon 08`, or `08`.
fn hour(hour: u16, grain: Grain) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    match (grain, DAYS.get(usize::from(hour / 24))) {
        (Grain::Week, Some(day)) => format!("{day} {:02}", hour % 24),
        _ => format!("{hour:02}"),
    }
}

fn figures(q: &Quantity, whole: bool) -> Vec<String> {
    let name = match q.measure {
        Measure::SentBytes if whole => "sent to others",
        Measure::ReceivedBytes if whole => "received from others",
        Measure::SentBytes => "sent",
        Measure::ReceivedBytes => "received",
        Measure::Opened => "connections opened",
        Measure::Accepted => "connections accepted",
        Measure::Failed => "connections failed",
        Measure::Retransmissions => "retransmitted packets",
        Measure::Throughput => "throughput, median",
        Measure::Connect => "time to connect, median",
        Measure::Response => "time to response, median",
        Measure::Answer => "time to own response, median",
    };
    let rates = q.per_hour.map_or_else(|| [String::new(), String::new()], |r| r.map(|v| shown::per_hour(q.measure, v)));
    let [a, b] = rates;
    let [before, after] = q.values.map(|v| shown::value(q.measure, v));
    vec![name.to_owned(), before, after, a, b, change(q)]
}

/// `-99.1 %`; what may be chance in parentheses.
fn change(q: &Quantity) -> String {
    let unit = if q.measure == Measure::Retransmissions { "points" } else { "%" };
    let digits = if q.measure == Measure::Retransmissions { 2 } else { 1 };
    match (q.change, q.percent) {
        (Change::NotComparable, _) => "not comparable".to_owned(),
        (_, None) => "-".to_owned(),
        (Change::Unchanged, Some(p)) if p.abs() < 0.05 => "none".to_owned(),
        (Change::Unchanged, Some(p)) => format!("({p:+.digits$} {unit})"),
        (_, Some(p)) => format!("{p:+.digits$} {unit}"),
    }
}

fn items(pen: &mut Pen, d: &Device, kind: ItemKind) {
    let (sure, doubtful): (Vec<&Item>, Vec<&Item>) = d.items.iter().filter(|t| t.kind == kind).partition(|t| t.sure);
    let what = match kind {
        ItemKind::Destination => "destination",
        ItemKind::Name => "name asked for",
        ItemKind::Used => "service used",
        ItemKind::Offered => "service offered",
        ItemKind::Certificate => "certificate",
        ItemKind::Finding => "finding",
    };
    let rows: Vec<_> = sure.iter().take(ITEMS).map(|t| row(t)).collect();
    if !rows.is_empty() {
        pen.table(&[text(""), long(what), number("before"), number("after"), wrapped("")], &rows);
    }
    if sure.len() > ITEMS {
        pen.paragraph(Style::Dim, "", &format!("… and {} more", count((sure.len() - ITEMS) as u64)));
    }
    if doubtful.is_empty() {
        return;
    }
    let named: Vec<_> = doubtful
        .iter()
        .take(DOUBTFUL)
        .map(|t| format!("{} {} ({})", mark(t.change), clean(t.key.as_bytes()), clean(t.note.as_bytes())))
        .collect();
    let more = doubtful.len().saturating_sub(DOUBTFUL);
    let more = if more > 0 { format!(", and {} more", count(more as u64)) } else { String::new() };
    pen.paragraph(Style::Dim, "", &format!("{what}, perhaps: {}{more}", named.join(", ")));
}

const fn mark(change: Change) -> &'static str {
    match change {
        Change::Appeared => "+",
        Change::Disappeared => "-",
        Change::Grew => ">",
        _ => "<",
    }
}

fn row(t: &Item) -> Vec<String> {
    let by_bytes = !t.note.is_empty() && matches!(t.change, Change::Grew | Change::Shrank);
    let value = |side: usize| match t.seen[side] {
        None => "-".to_owned(),
        Some(s) if by_bytes => bytes(if t.note == "bytes sent" { s.sent } else { s.received }),
        Some(s) => count(s.count),
    };
    let mut remark = clean(t.detail.as_bytes());
    if let (true, Some(percent)) = (matches!(t.change, Change::Grew | Change::Shrank), t.percent) {
        let of = if by_bytes { format!(" {}", t.note) } else { String::new() };
        remark = format!("{percent:+.0} %{of}{}{remark}", if remark.is_empty() { "" } else { "; " });
    }
    vec![mark(t.change).to_owned(), clean(t.key.as_bytes()), value(0), value(1), remark]
}

fn unchanged(pen: &mut Pen, devices: &[Identity]) {
    if devices.is_empty() {
        return;
    }
    pen.heading("Unchanged", &counted(devices.len() as u64, "device"));
    let named: Vec<_> = devices.iter().take(UNCHANGED).map(title).collect();
    let more = devices.len().saturating_sub(UNCHANGED);
    let more = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
    pen.paragraph(Style::Plain, "", &format!("{}{more}", named.join(", ")));
}

fn chance(pen: &mut Pen, c: &Comparison) {
    pen.heading("Change or chance", "");
    let t = &c.tests;
    pen.paragraph(
        Style::Plain,
        "",
        &format!(
            "{}, {} taken for real: {} standard deviations or more (flows come as a Poisson process, in bursts as measured), and of all \
             differences taken for real at most {} % by chance (Benjamini and Hochberg), p at most {:.2e}. Figures in parentheses and what is \
             there \"perhaps\" may be chance. Volumes and numbers are compared by the hour observed.",
            counted(t.made, "test"),
            counted(t.passed, "difference"),
            t.least_z,
            t.false_discovery_rate * 100.0,
            t.greatest_p
        ),
    );
}
