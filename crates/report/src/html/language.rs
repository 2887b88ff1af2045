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

/// One translation a line, `KEY = TEXT`, sorted by key. Keys are a judgement's id (its title), the id with `:means`,
/// `:benign`, `:clears` or `:next1`, a reason's code with the id before it (`dns-rebinding/private-answer`), or any other
/// fixed English text as it is. Lines that begin with `#` are remarks.
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

/// Keys of the Japanese catalogue that look like a judgement's, so that what no judgement has any more can be found.
pub fn translated_codes() -> Vec<&'static str> {
    let is_code = |key: &&str| key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/:".contains(&b));
    lines().map(|(key, _)| key).filter(|k| k.contains('-') && is_code(k)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
