use super::{Pen, Style};
use crate::units::{bytes, count};
use crate::{Page, clean};
use sekisho_finding::{Cause, Lack, Sight, Traffic, absent, affected, outlooks};

/// Which judgements could not be made on what was captured, or less well, and why.
pub(super) fn coverage(pen: &mut Pen, page: &Page) {
    let all = &page.judged.coverage;
    if all.is_empty() {
        return;
    }
    let affected = affected(all);
    let (options, seen): (Vec<_>, Vec<_>) =
        affected.iter().partition(|g| g.causes.iter().any(|c| c.lack == Lack::Option));
    let absent = absent(all);
    if seen.is_empty() && options.is_empty() && absent.is_empty() {
        return;
    }
    let numbers = |sight| all.iter().filter(|c| c.sight == sight).count();
    let working = numbers(Sight::Working);
    pen.heading("What could not be judged here", &format!("{working} of {} judgements had all they need", all.len()));
    for group in seen {
        let (style, sight) =
            if group.sight == Sight::Blind { (Style::Warning, "blind") } else { (Style::Plain, "weakened") };
        let ids: Vec<&str> = group.abouts.iter().map(|a| a.id).collect();
        let causes: Vec<String> = group.causes.iter().map(|c| clean(words(c).as_bytes())).collect();
        pen.paragraph(style, "! ", &format!("{sight}: {}: {}.", ids.join(", "), causes.join("; ")));
    }
    if !options.is_empty() {
        let needs = |g: &&sekisho_finding::Group<'_>| {
            let ids: Vec<&str> = g.abouts.iter().map(|a| a.id).collect();
            let options: Vec<&str> = g.causes.iter().filter_map(|c| c.option).collect();
            // The rest of it was judged.
            let part = if g.sight == Sight::Weakened { ", weakened" } else { "" };
            format!("{} ({}{part})", ids.join(", "), options.join(", "))
        };
        let needs: Vec<String> = options.iter().map(needs).collect();
        pen.paragraph(Style::Dim, "", &format!("Not asked for: {}.", needs.join(", ")));
    }
    if !absent.is_empty() {
        let kinds: Vec<&str> = absent.iter().map(|t| t.name()).collect();
        let idle = count(numbers(Sight::Idle) as u64);
        pen.paragraph(Style::Dim, "", &format!("Nothing to judge for {idle} more: no {}.", kinds.join(", no ")));
    }
    techniques(pen, page);
}

/// The same by technique of ATT&CK: how many, and those that could not be seen.
fn techniques(pen: &mut Pen, page: &Page) {
    let all = outlooks(&page.judged.coverage, &page.judged.findings);
    if all.is_empty() {
        return;
    }
    let of = |sight| all.iter().filter(move |o| o.sight == sight);
    let number = |sight| of(sight).count();
    let blind: Vec<&str> = of(Sight::Blind).map(|o| o.technique.id).collect();
    let blind = if blind.is_empty() { String::new() } else { format!(" ({})", blind.join(", ")) };
    let words = format!(
        "Of {} techniques of ATT&CK {} could be seen well, {} less well, {} not at all{blind}; for {} there was nothing to look at.",
        all.len(),
        number(Sight::Working),
        number(Sight::Weakened),
        number(Sight::Blind),
        number(Sight::Idle)
    );
    pen.paragraph(Style::Dim, "", &words);
}

/// A cause with its numbers: `mail: bytes are missing (3 of 12 flows, 4.1 kB)`.
fn words(c: &Cause) -> String {
    let numbers = format!("{} of {} {}", count(c.count), count(c.of), c.lack.unit());
    let lost = if c.bytes > 0 { format!(", {}", bytes(c.bytes)) } else { String::new() };
    match c.traffic {
        Traffic::Any => format!("{} ({numbers}{lost})", c.lack.words()),
        traffic => format!("{}: {} ({numbers}{lost})", traffic.name(), c.lack.words()),
    }
}
