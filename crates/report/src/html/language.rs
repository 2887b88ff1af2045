//! Languages, and the texts of detectors in them.

use sekisho_finding::About;

/// Language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Lang {
    /// As in HTML's `lang` (BCP 47).
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }
}

/// One translation a line, `KEY = TEXT`. Keys are a judgement's id (its title), the id with `:means`,
/// `:benign`, `:clears` or `:next1`, a reason's code with the id before it (`dns-rebinding/private-answer`), a unit after `unit:`, or any other
/// fixed English text as it is; in one with values `*` stands for each, and the text has `{0}`, `{1}`… for them. Lines that begin
/// with `#` are remarks.
const JAPANESE: &str = include_str!("ja.txt");

/// Fixed texts of other parts of the program in a language.
pub(super) struct Catalogue(Vec<(&'static str, &'static str)>);

impl Catalogue {
    pub fn of(lang: Lang) -> Self {
        let mut all: Vec<_> = match lang {
            Lang::En => Vec::new(),
            Lang::Ja => lines().collect(),
        };
        all.sort_unstable_by_key(|(key, _)| *key);
        Self(all)
    }

    pub fn get(&self, key: &str) -> Option<&'static str> {
        let at = self.0.binary_search_by_key(&key, |(k, _)| k).ok()?;
        self.0.get(at).map(|(_, text)| *text)
    }

    /// As [`Catalogue::get`], also of texts with values in them; the values are looked up, too.
    pub fn like(&self, english: &str) -> Option<String> {
        if let Some(text) = self.get(english) {
            return Some(text.to_owned());
        }
        self.0.iter().filter(|(key, _)| key.contains('*')).find_map(|(key, text)| {
            let values = values(key, english)?;
            let of = |v: &str| self.get(v).map(str::to_owned).or_else(|| span(v)).unwrap_or_else(|| v.to_owned());
            let values: Vec<String> = values.into_iter().map(of).collect();
            Some(super::cx::fill(text, &values.iter().map(String::as_str).collect::<Vec<_>>()))
        })
    }
}

/// `3 d 4 h` in Japanese; `None` for what is no span.
pub(super) fn span(english: &str) -> Option<String> {
    let mut out = String::new();
    for (i, part) in english.split(' ').enumerate() {
        out.push_str(match part {
            "d" => "日",
            "h" => "時間",
            "min" => "分",
            "s" => "秒",
            "ms" => "ミリ秒",
            number if i.is_multiple_of(2) && number.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => return None,
        });
    }
    (english.split(' ').count() > 1).then_some(out)
}

/// What stands in `text` where `pattern` has `*`; each as short as can be.
fn values<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split('*');
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let at = if parts.peek().is_some() { rest.find(part)? } else { rest.strip_suffix(part)?.len() };
        values.push(rest.get(..at)?);
        rest = rest.get(at + part.len()..)?;
    }
    Some(values)
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    JAPANESE.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(" = "))
}

/// Keys of a judgement in the catalogue, with the English text of each.
pub(super) fn keys(about: &'static About) -> Vec<(String, &'static str)> {
    let id = about.id;
    let mut keys = vec![
        (id.to_owned(), about.title),
        (format!("{id}:means"), about.means),
        (format!("{id}:benign"), about.benign),
        (format!("{id}:clears"), about.clears),
    ];
    keys.extend(about.next.iter().enumerate().map(|(i, step)| (format!("{id}:next{}", i + 1), *step)));
    keys.extend(about.reasons.iter().map(|r| (format!("{id}/{}", r.code), r.means)));
    keys.retain(|(_, text)| !text.is_empty());
    keys
}

/// What of a judgement's texts is missing in Japanese: keys for `ja.txt` with the English text. Empty if all is there.
pub fn untranslated(about: &'static About) -> Vec<(String, &'static str)> {
    let catalogue = Catalogue::of(Lang::Ja);
    keys(about).into_iter().filter(|(key, _)| catalogue.get(key).is_none_or(|text| text.trim().is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_values_are_found() {
        assert_eq!(values("a * b *", "a 1 b 2 b 3"), Some(vec!["1", "2 b 3"]));
        assert_eq!(values("* at byte *", "x at byte 7"), Some(vec!["x", "7"]));
        assert_eq!((values("a * b", "a b"), values("a*", "b"), values("*b", "a")), (None, None, None));
        let catalogue = Catalogue::of(Lang::Ja);
        let said = catalogue.like("<x>.pcap: cut off inside a record at byte 77").unwrap();
        assert_eq!(said, "<x>.pcap: レコードの途中で切れています（77 バイト目）");
        assert_eq!(Catalogue::of(Lang::En).like("cut off"), None);
        let said = catalogue.like("Observed 3 d 4 h before and 46 min after: compared by the hour.").unwrap();
        assert_eq!(said, "観測時間は前が 3日4時間、後が 46分です。1 時間あたりで比較しています。");
        assert_eq!((span("h 3"), span("3"), span("a b")), (None, None, None));
    }

    #[test]
    fn what_could_not_be_judged_is_told_in_japanese() {
        use sekisho_finding::{Lack, Traffic};
        let catalogue = Catalogue::of(Lang::Ja);
        let words = Traffic::ALL.iter().map(|t| t.name()).chain(Lack::ALL.iter().map(|l| l.words()));
        let units = Lack::ALL.iter().map(|l| format!("unit:{}", l.unit()));
        let tactics = sekisho_finding::TACTICS.iter().map(|t| t.name.to_owned());
        for key in words.map(str::to_owned).chain(units).chain(tactics) {
            assert!(catalogue.get(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn stories_are_told_in_japanese() {
        use sekisho_finding::{Part, Stage, tale};
        let catalogue = Catalogue::of(Lang::Ja);
        let words = Stage::ALL.iter().map(|s| s.words()).chain(Part::ALL.iter().map(|p| p.words()));
        for key in words.chain(tale::SENTENCES.iter().copied()) {
            let text = catalogue.get(key).unwrap_or_else(|| panic!("{key}"));
            let places = |text: &str| (0..tale::MAX_VALUES).filter(|n| text.contains(&format!("{{{n}}}"))).count();
            assert_eq!(places(text), places(key), "{key}");
        }
    }

    #[test]
    fn the_catalogue_has_each_key_once_and_in_japanese() {
        let mut seen = Vec::new();
        for line in JAPANESE.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let Some((key, text)) = line.split_once(" = ") else { panic!("no ` = `: {line}") };
            let kana = |c: char| ('\u{3040}'..'\u{a000}').contains(&c);
            assert!(text.chars().any(kana) || text.len() < 12, "not Japanese: {line}");
            assert_eq!((text.trim(), key.trim()), (text, key), "{line}");
            seen.push(key);
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "a key stands twice");
        assert!(count > 300, "{count}");
    }
}
