//! The page as one HTML file: nothing is loaded, nothing from the wire is markup.
//!
//! Plots are SVG made here, so that they print and need no script. The script sorts, filters and copies; it reads what it needs
//! from the document, so there is no data in it. The policy in the head allows this style and this script by their digests and
//! nothing else. Of the lists the heaviest rows are there, of the findings the worst; the rest is counted, and the page says so.

mod command;
mod compare;
mod coverage;
mod cx;
mod facts;
mod findings;
mod incidents;
mod language;
mod lists;
mod map;
mod markup;
mod plot;
mod tables;
mod timeline;
mod validity;
mod week;
mod words;

#[cfg(test)]
mod tests;

pub use compare::render_comparison_html;
pub use language::{Lang, untranslated};

use crate::Page;
pub(crate) use cx::fill;
use cx::{Cx, Locale};
use markup::{Markup, attrs};
use sha2::{Digest, Sha256};
use words::W;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page as HTML, a file of its own. Its size is bounded: some 10 MB at the very most.
pub fn render_html(page: &Page, lang: Lang) -> String {
    let cx = Cx::new(page, lang);
    let mut m = Markup::default();
    document(&mut m, &cx, (cx.w(W::Title), &cx.inputs()), |m| {
        facts::completeness(m, &cx);
        facts::glance(m, &cx);
        incidents::incidents(m, &cx);
        findings::findings(m, &cx);
        coverage::coverage(m, &cx);
        map::section(m, &cx);
        week::section(m, &cx);
        lists::hosts(m, &cx);
        lists::traffic(m, &cx);
        lists::names(m, &cx);
        lists::dnssec(m, &cx);
        lists::certificates(m, &cx);
        lists::files(m, &cx);
        lists::logins(m, &cx);
        lists::oddities(m, &cx);
        lists::state(m, &cx);
    });
    m.finish()
}

/// A section with its heading.
fn section(m: &mut Markup, cx: &Locale, id: &'static str, heading: W, inner: impl FnOnce(&mut Markup)) {
    let label = format!("h-{id}");
    m.el("section", attrs![id: id, "aria-labelledby": &label], |m| {
        m.say("h2", attrs![id: &label], cx.w(heading));
        inner(m);
    });
}

/// Everything around the sections: what the page is called, and what it is about.
fn document(m: &mut Markup, cx: &Locale, (title, inputs): (&str, &str), sections: impl FnOnce(&mut Markup)) {
    let mut main = Markup::default();
    sections(&mut main);
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    m.raw("<!DOCTYPE html>\n");
    m.el("html", attrs![lang: cx.lang.code()], |m| {
        m.raw("<head><meta charset=\"utf-8\">");
        m.tag("meta", attrs!["http-equiv": "Content-Security-Policy", content: &policy]);
        m.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        m.raw("<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">");
        m.raw("<meta name=\"robots\" content=\"noindex\">");
        m.el("title", &[], |m| {
            m.text(&format!("{title}: "));
            m.wire(inputs.as_bytes());
        });
        m.el("style", &[], |m| m.code(STYLE));
        m.raw("</head>\n");
        let words = [W::Copy, W::Copied, W::Filter, W::Shown, W::OpenAll, W::CloseAll, W::SortBy];
        let [copy, copied, filter, shown, open, close, sort] = words.map(|w| cx.w(w));
        let said = attrs![
            "data-copy": copy, "data-copied": copied, "data-filter": filter, "data-shown": shown,
            "data-open": open, "data-close": close, "data-sort": sort
        ];
        m.el("body", said, |m| {
            facts::shapes(m);
            m.say("a", attrs![class: "skip", href: "#main"], cx.w(W::SkipToContent));
            header(m, cx, title, inputs);
            m.raw("<div class=\"frame\">");
            contents(m, cx, &main);
            m.raw("<main id=\"main\">");
            m.append(main);
            m.raw("</main></div>\n");
            m.el("footer", &[], |m| {
                m.text(&cx.fill(W::MadeBy, &[env!("CARGO_PKG_VERSION")]));
            });
            m.el("script", &[], |m| m.code(SCRIPT));
        });
    });
    m.raw("\n");
}

fn header(m: &mut Markup, cx: &Locale, title: &str, inputs: &str) {
    m.el("header", &[], |m| {
        m.el("div", attrs![class: "brand"], |m| {
            m.raw("<svg class=\"gate\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M2 5h20M4 9.5h16M7 5v16M17 5v16\"/></svg>");
            m.el("div", &[], |m| {
                m.say("h1", &[], title);
                m.el("p", attrs![class: "inputs"], |m| m.word(inputs.as_bytes()));
            });
        });
        // Works without a script: the style looks at what is checked.
        m.el("fieldset", attrs![class: "theme"], |m| {
            m.say("legend", &[], cx.w(W::Theme));
            for (id, word) in [("theme-auto", W::Auto), ("theme-light", W::Light), ("theme-dark", W::Dark)] {
                m.el("label", &[], |m| {
                    let checked: markup::Attrs<'_> = if word == W::Auto {
                        &[("checked", markup::Attr::Bare)]
                    } else {
                        &[]
                    };
                    let all: Vec<_> =
                        attrs![type: "radio", name: "theme", id: id].iter().chain(checked).copied().collect();
                    m.tag("input", &all);
                    m.say("span", &[], cx.w(word));
                });
            }
        });
    });
}

/// Links to those sections that are there.
fn contents(m: &mut Markup, cx: &Locale, main: &Markup) {
    m.el("nav", attrs!["aria-label": cx.w(W::Contents)], |m| {
        m.raw("<ul>");
        for (id, link, word) in SECTIONS {
            // Only this module writes an id so: text from the wire has no quotation marks left.
            if main.contains(id) {
                m.el("li", &[], |m| m.say("a", attrs![href: *link], cx.w(*word)));
            }
        }
        m.raw("</ul>");
    });
}

const SECTIONS: &[(&str, &str, W)] = &[
    ("<section id=\"verdict\"", "#verdict", W::Verdict),
    ("<section id=\"sides\"", "#sides", W::Sides),
    ("<section id=\"devices\"", "#devices", W::Devices),
    ("<section id=\"changed-findings\"", "#changed-findings", W::ChangedFindings),
    ("<section id=\"items\"", "#items", W::Items),
    ("<section id=\"changed-certificates\"", "#changed-certificates", W::ChangedCertificates),
    ("<section id=\"schedule\"", "#schedule", W::Schedule),
    ("<section id=\"details\"", "#details", W::Details),
    ("<section id=\"chance\"", "#chance", W::Chance),
    ("<section id=\"completeness\"", "#completeness", W::Completeness),
    ("<section id=\"glance\"", "#glance", W::Glance),
    ("<section id=\"incidents\"", "#incidents", W::Incidents),
    ("<section id=\"findings\"", "#findings", W::Findings),
    ("<section id=\"coverage\"", "#coverage", W::Coverage),
    ("<section id=\"talkers\"", "#talkers", W::Talkers),
    ("<section id=\"week\"", "#week", W::Week),
    ("<section id=\"hosts\"", "#hosts", W::Hosts),
    ("<section id=\"services\"", "#services", W::Services),
    ("<section id=\"names\"", "#names", W::Names),
    ("<section id=\"dnssec\"", "#dnssec", W::Dnssec),
    ("<section id=\"certificates\"", "#certificates", W::Certificates),
    ("<section id=\"files\"", "#files", W::Files),
    ("<section id=\"logins\"", "#logins", W::Logins),
    ("<section id=\"oddities\"", "#oddities", W::Oddities),
    ("<section id=\"state\"", "#state", W::State),
];

/// A source of the policy: the digest of what stands between the tags.
fn digest(code: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = "sha256-".to_owned();
    for chunk in Sha256::digest(code).chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}
