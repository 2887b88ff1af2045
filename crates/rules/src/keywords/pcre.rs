//! `pcre`.

use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{CaptureTo, Pcre, Step};
use crate::limits::PCRE_LEN_MAX;
use crate::refusal::{Code, Done};
use sekisho_transaction::Fact;

/// Captures of one expression that go somewhere.
const CAPTURE_COUNT_MAX: usize = 8;

pub(super) const TABLE: &[Keyword] = &[Keyword { names: &["pcre"], takes: Takes::Negatable, read: pcre }];

fn pcre(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = arg.value.text;
    let Some(inner) = text.strip_prefix('/') else {
        return arg.fail(Code::Expression, "the expression has no / before it");
    };
    let Some((pattern, flags)) = last_slash(inner) else {
        return arg.fail(Code::Expression, "the expression has no / behind it");
    };
    if pattern.len() > PCRE_LEN_MAX {
        return arg.fail(Code::Limit, format!("the expression is longer than {PCRE_LEN_MAX} bytes"));
    }
    let mut pcre = Pcre {
        pattern: pattern.into(),
        negated: arg.negated,
        nocase: false,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end: false,
        ungreedy: false,
        relative: false,
        captures: Vec::new(),
    };
    let (flags, captures) = flags.split_once(',').unwrap_or((flags, ""));
    let fact = read_flags(&mut pcre, flags, arg)?;
    for capture in captures.split(',').map(str::trim).filter(|c| !c.is_empty()) {
        let to = capture.split_once(':').and_then(|(to, name)| Some((capture_to(to.trim())?, name.trim())));
        match to {
            Some((to, name)) if pcre.captures.len() < CAPTURE_COUNT_MAX => pcre.captures.push((to, name.into())),
            Some(_) => return arg.fail(Code::Limit, "the expression has too many captures"),
            None => return arg.bad(format!("{capture} is no place for a capture: write flow:NAME or pkt:NAME")),
        }
    }
    if pcre.captures.is_empty() {
        named(&mut pcre);
    }
    // Behind a sticky buffer the old flags say nothing.
    match fact.filter(|_| draft.buffer().is_none()) {
        Some(fact) => draft.put_into(arg, fact, Step::Pcre(pcre)),
        None => {
            draft.put(Step::Pcre(pcre));
            Ok(())
        }
    }
}

/// At the last slash that no backslash stands before, or whose backslash is one itself.
fn last_slash(text: &str) -> Option<(&str, &str)> {
    let mut end = text.len();
    loop {
        let (head, _) = text.split_at_checked(end)?;
        let at = head.rfind('/')?;
        let before = head.get(..at)?;
        if !before.ends_with('\\') || before.ends_with("\\\\") {
            return Some((before, text.get(at + 1..)?));
        }
        end = at;
    }
}

/// Sets the flags; gives the buffer that one of the old ones names.
fn read_flags(pcre: &mut Pcre, flags: &str, arg: &Arg<'_>) -> Done<Option<Fact>> {
    let mut fact = None;
    for c in flags.trim().chars() {
        let named = match c {
            'i' => {
                pcre.nocase = true;
                None
            }
            's' => {
                pcre.dot_all = true;
                None
            }
            'm' => {
                pcre.multi_line = true;
                None
            }
            'x' => {
                pcre.extended = true;
                None
            }
            'A' => {
                pcre.anchored = true;
                None
            }
            'E' => {
                pcre.dollar_end = true;
                None
            }
            'G' => {
                pcre.ungreedy = true;
                None
            }
            'R' => {
                pcre.relative = true;
                None
            }
            // Limits of the search, and raw bytes: as it is here.
            'O' | 'B' => None,
            'U' => Some(Fact::HttpUri),
            'I' => Some(Fact::HttpUriRaw),
            'P' => Some(Fact::HttpRequestBody),
            'Q' => Some(Fact::HttpResponseBody),
            'H' => Some(Fact::HttpHeader),
            'D' => Some(Fact::HttpHeaderRaw),
            'M' => Some(Fact::HttpMethod),
            'C' | 'K' => Some(Fact::HttpCookie),
            'S' => Some(Fact::HttpStatCode),
            'Y' => Some(Fact::HttpStatMsg),
            'V' => Some(Fact::HttpUserAgent),
            'W' => Some(Fact::HttpHost),
            'Z' => Some(Fact::HttpHostRaw),
            _ => return arg.fail(Code::Expression, format!("{c} is no flag of an expression")),
        };
        match (fact, named) {
            (Some(a), Some(b)) if a != b => return arg.fail(Code::Expression, "the flags name two buffers"),
            (_, Some(b)) => fact = Some(b),
            _ => {}
        }
    }
    Ok(fact)
}

fn capture_to(text: &str) -> Option<CaptureTo> {
    match text {
        "flow" => Some(CaptureTo::Flow),
        "pkt" => Some(CaptureTo::Packet),
        "alert" => Some(CaptureTo::Alert),
        _ => None,
    }
}

/// Groups whose names say where they go: `(?P<flow_user>…)`.
fn named(pcre: &mut Pcre) {
    let mut rest: &str = &pcre.pattern;
    let mut captures = Vec::new();
    while let Some(at) = rest.find("(?") {
        rest = rest.get(at + 2..).unwrap_or("");
        let bare = rest.strip_prefix('P').unwrap_or(rest);
        let Some((name, _)) = bare.strip_prefix('<').and_then(|r| r.split_once('>')) else { continue };
        let Some((to, name)) = name.split_once('_') else { continue };
        if let Some(to) = capture_to(to)
            && captures.len() < CAPTURE_COUNT_MAX
        {
            captures.push((to, name.into()));
        }
    }
    pcre.captures = captures;
}
