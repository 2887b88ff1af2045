//! Runs compiled rules over a content, within limits, and takes over what matched.

use crate::sieve::{Lane, Sieve};
use boreal::MetadataValue;
use boreal::Scanner;
use boreal::scanner::{CallbackEvents, EvaluatedRule, ScanCallbackResult, ScanError, ScanEvent, ScanParams};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// External variables that public rules expect, in the order of [`Externals`].
pub(crate) const EXTERNALS: [&str; 5] = ["filename", "filepath", "extension", "filetype", "owner"];

/// String matches that may be held at a time, over all strings: some 50 bytes each.
const HELD_MATCH_COUNT_MAX: u64 = 3_000_000;

/// Matches of one string that are counted at least, however many strings there are.
const STRING_MATCH_COUNT_MIN: u64 = 64;

/// What a scan may cost, and how much of what it finds is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a content that are scanned.
    pub content_len: u64,
    /// Time for one content; each slow rule that has to be tried by itself may take as much again. What it cuts off depends on the
    /// machine. `None` for no limit.
    pub time: Option<Duration>,
    /// Rules told for one content.
    pub match_count: usize,
    /// Matches counted for one string; fewer where there are so many strings that memory would be at risk.
    pub string_match_count: u32,
    /// Places told for one rule.
    pub place_count: usize,
    /// Bytes told at one place.
    pub excerpt_len: usize,
    /// Bytes taken over of a tag or a line of meta.
    pub meta_len: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            content_len: 256 << 20,
            time: Some(Duration::from_secs(60)),
            match_count: 1_000,
            string_match_count: 1_000,
            place_count: 32,
            excerpt_len: 48,
            meta_len: 500,
        }
    }
}

/// What rules may ask about a content besides its bytes. Unknown: empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Externals<'a> {
    /// Name without folders.
    pub filename: &'a [u8],
    /// Where it is: here, the way on which it was found.
    pub filepath: &'a [u8],
    /// Ending of the name with its dot.
    pub extension: &'a [u8],
    /// Type by content, a short word in capitals.
    pub filetype: &'a [u8],
    /// Who owns it.
    pub owner: &'a [u8],
}

/// A place where a string of a rule matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The string's name with its `$`.
    pub id: String,
    /// Where in the content.
    pub offset: u64,
    /// Bytes that matched.
    pub length: u64,
    /// The first of them.
    pub excerpt: Vec<u8>,
}

/// A rule that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Its name.
    pub rule: String,
    /// The namespace it was loaded in.
    pub namespace: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its `description`.
    pub description: Option<String>,
    /// Its `author`.
    pub author: Option<String>,
    /// Its `reference`.
    pub reference: Option<String>,
    /// Its `score`, as LOKI's rules have it.
    pub score: Option<i64>,
    /// Where its strings matched, by place; the first [`Limits::place_count`].
    pub places: Vec<Found>,
    /// Places in all, as far as they were counted.
    pub place_count: u64,
}

/// What a scan found, and what it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rules that matched, in the order in which they were loaded; global ones come first, slow ones may come last.
    pub matches: Vec<Match>,
    /// Rules that matched beyond [`Limits::match_count`].
    pub left_out_count: u64,
    /// The content is longer than [`Limits::content_len`]: its beginning was scanned.
    pub cut: bool,
    /// Time was up: other rules may match too.
    pub timed_out: bool,
    /// A string has more matches than are counted: a rule that counts them may be wrong about it.
    pub uncounted: bool,
    /// boreal panicked, which is a bug: other rules may match too.
    pub failed: bool,
}

impl Outcome {
    /// Is this all that there is to be found?
    pub fn is_complete(&self) -> bool {
        self.incomplete().is_none()
    }

    /// Why not all rules were tried on all bytes; the gravest reason.
    pub fn incomplete(&self) -> Option<&'static str> {
        match self {
            Self { failed: true, .. } => Some("the scanner failed"),
            Self { timed_out: true, .. } => Some("time was up"),
            Self { cut: true, .. } => Some("only the beginning was scanned"),
            Self { left_out_count: 1.., .. } => Some("too many rules match"),
            _ => None,
        }
    }
}

/// Compiled rules. Cheap to clone; scanning needs no exclusive access.
#[derive(Clone, Debug)]
pub struct Rules {
    scanner: Scanner,
    sieve: Arc<Sieve>,
    limits: Limits,
}

impl Rules {
    pub(crate) fn new(mut scanner: Scanner, mut lanes: Vec<Lane>, string_count: u64, limits: Limits) -> Self {
        let fits = HELD_MATCH_COUNT_MAX / string_count.max(1);
        let fits = u32::try_from(fits.max(STRING_MATCH_COUNT_MIN)).unwrap_or(u32::MAX);
        let params = || {
            ScanParams::default()
                // Otherwise places are told only as far as the condition needed them.
                .compute_full_matches(true)
                // Excerpts are taken from the content: a copy of each match would cost far more than the places.
                .match_max_length(0)
                .string_max_nb_matches(limits.string_match_count.min(fits))
                .timeout_duration(limits.time)
                .callback_events(CallbackEvents::RULE_MATCH | CallbackEvents::STRING_REACHED_MATCH_LIMIT)
        };
        scanner.set_scan_params(params());
        lanes.iter_mut().for_each(|lane| lane.scanner.set_scan_params(params()));
        Self { scanner, sieve: Arc::new(Sieve::new(lanes)), limits }
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.scanner.rules().next().is_none()
    }

    /// Slow rules that are tried by themselves, and only where they have to.
    pub fn lane_count(&self) -> usize {
        self.sieve.lanes.len()
    }

    #[cfg(test)]
    pub(crate) fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    /// The rules that match `content`.
    pub fn scan(&self, content: &[u8], externals: &Externals<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let len = usize::try_from(self.limits.content_len).unwrap_or(usize::MAX);
        let content = content.get(..len).inspect(|c| outcome.cut = c.len() < content.len()).unwrap_or(content);
        self.run(&self.scanner, content, externals, &mut outcome);
        for lane in self.sieve.due(content) {
            outcome.matches.retain(|m| m.rule != lane.rule || m.namespace != lane.namespace);
            self.run(&lane.scanner, content, externals, &mut outcome);
        }
        outcome
    }

    fn run(&self, scanner: &Scanner, content: &[u8], externals: &Externals<'_>, outcome: &mut Outcome) {
        let mut scanner = scanner.clone();
        let Externals { filename, filepath, extension, filetype, owner } = *externals;
        for (name, value) in EXTERNALS.into_iter().zip([filename, filepath, extension, filetype, owner]) {
            // It can't fail: each was defined as a string before the rules were compiled. If it did, it would stay empty.
            let _ = scanner.define_symbol(name, value);
        }
        // What the callback leaves behind when something panics is a list of whole matches.
        let scanned = catch_unwind(AssertUnwindSafe(|| {
            scanner.scan_mem_with_callback(content, |event| {
                match event {
                    ScanEvent::RuleMatch(rule) if outcome.matches.len() < self.limits.match_count => {
                        outcome.matches.push(self.taken_over(&scanner, &rule, content));
                    }
                    ScanEvent::RuleMatch(_) => outcome.left_out_count += 1,
                    ScanEvent::StringReachedMatchLimit(_) => outcome.uncounted = true,
                    _ => {}
                }
                ScanCallbackResult::Continue
            })
        }));
        match scanned {
            Ok(Ok(())) => {}
            Ok(Err(ScanError::Timeout)) => outcome.timed_out = true,
            Ok(Err(_)) | Err(_) => outcome.failed = true,
        }
    }

    fn taken_over(&self, scanner: &Scanner, rule: &EvaluatedRule<'_>, content: &[u8]) -> Match {
        let limits = &self.limits;
        let text = |bytes: &[u8]| {
            let capped = bytes.get(..limits.meta_len).unwrap_or(bytes);
            String::from_utf8_lossy(capped).into_owned()
        };
        let mut taken = Match { rule: rule.name.to_owned(), namespace: rule.namespace.to_owned(), ..Match::default() };
        taken.tags = rule.tags.iter().map(|t| text(scanner.get_string_symbol(*t).as_bytes())).collect();
        for meta in rule.metadatas {
            let name = scanner.get_string_symbol(meta.name).to_ascii_lowercase();
            match (name.as_str(), meta.value) {
                ("description" | "desc", MetadataValue::Bytes(v)) => {
                    taken.description = Some(text(scanner.get_bytes_symbol(v)))
                }
                ("author", MetadataValue::Bytes(v)) => taken.author = Some(text(scanner.get_bytes_symbol(v))),
                ("reference", MetadataValue::Bytes(v)) => taken.reference = Some(text(scanner.get_bytes_symbol(v))),
                ("score", MetadataValue::Integer(n)) => taken.score = Some(n),
                _ => {}
            }
        }
        let mut places: Vec<_> = rule
            .matches
            .iter()
            .flat_map(|s| s.matches.iter().map(move |m| (m.base + m.offset, m.length, s.name)))
            .collect();
        taken.place_count = places.len() as u64;
        places.sort_unstable();
        places.truncate(limits.place_count);
        let place = |(offset, length, name): (usize, usize, &str)| {
            let excerpt = content.get(offset..).unwrap_or_default();
            let excerpt = excerpt.get(..length.min(limits.excerpt_len)).unwrap_or(excerpt).to_vec();
            Found { id: format!("${name}"), offset: offset as u64, length: length as u64, excerpt }
        };
        taken.places = places.into_iter().map(place).collect();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Loader, NoIncludes};

    fn rules(text: &str, limits: Limits) -> Rules {
        let mut loader = Loader::new();
        loader.add("t.yar", "t", text.as_bytes(), &mut NoIncludes);
        let (rules, loaded) = loader.finish(limits);
        assert_eq!(loaded.problems, []);
        rules
    }

    fn scan(text: &str, limits: Limits, content: &[u8]) -> Outcome {
        rules(text, limits).scan(content, &Externals::default())
    }

    #[test]
    fn tells_rule_meta_and_places() {
        let text = "rule r : apt test { meta: author = \"me\" description = \"d\u{e9}j\u{e0}\" score = 70 reference = \"http://x\" other = 1
            strings: $a = \"needle\" nocase $b = { 00 ?? 02 } $c = \"absent\" condition: any of them }";
        let found = scan(text, Limits::default(), b"..NEEDLE..\x00\x01\x02needle");
        assert!(found.is_complete() && !found.uncounted);
        let [m] = &found.matches[..] else { panic!("{found:?}") };
        assert_eq!((m.rule.as_str(), m.namespace.as_str(), m.score), ("r", "t", Some(70)));
        assert_eq!(m.tags, ["apt", "test"]);
        assert_eq!(
            (m.author.as_deref(), m.description.as_deref(), m.reference.as_deref()),
            (Some("me"), Some("d\u{e9}j\u{e0}"), Some("http://x"))
        );
        let places: Vec<_> = m.places.iter().map(|p| (p.id.as_str(), p.offset, p.length, &p.excerpt[..])).collect();
        assert_eq!(places, [("$a", 2, 6, &b"NEEDLE"[..]), ("$b", 10, 3, b"\x00\x01\x02"), ("$a", 13, 6, b"needle")]);
    }

    #[test]
    fn rules_may_ask_for_externals() {
        let text = "rule r { condition: filename == \"a.exe\" and extension == \".exe\" and filepath contains \"tar\" and filetype == \"PE\" and owner == \"\" }";
        let rules = rules(text, Limits::default());
        let asked =
            Externals { filename: b"a.exe", filepath: b"x.tar/a.exe", extension: b".exe", filetype: b"PE", owner: b"" };
        assert_eq!(rules.scan(b"", &asked).matches.len(), 1);
        assert_eq!(rules.scan(b"", &Externals::default()).matches.len(), 0);
    }

    #[test]
    fn public_modules_are_there() {
        let text = "import \"pe\" import \"elf\" import \"math\" import \"hash\" import \"dotnet\" import \"macho\" import \"time\" import \"string\" import \"console\" import \"dex\"
            rule r { condition: not pe.is_pe and math.entropy(0, filesize) > 0.5 and hash.md5(0, 3) == \"900150983cd24fb0d6963f7d28e17f72\"
              and console.log(\"quiet\") and time.now() > 0 and string.length(\"ab\") == 2 and not defined elf.type and pe.number_of_signatures == 0 or true }";
        assert_eq!(scan(text, Limits::default(), b"abc").matches.len(), 1);
    }

    #[test]
    fn limits_content_rules_and_places() {
        let text =
            "rule a { strings: $a = \"xy\" condition: $a } rule b { condition: true } rule c { condition: true }";
        let limits = Limits { content_len: 6, match_count: 2, place_count: 2, excerpt_len: 1, ..Limits::default() };
        let found = scan(text, limits, b"xyxyxyxyxy");
        assert!(found.cut && !found.is_complete());
        assert_eq!((found.matches.len(), found.left_out_count), (2, 1));
        let a = &found.matches[0];
        assert_eq!((a.place_count, a.places.len(), &a.places[0].excerpt[..]), (3, 2, &b"x"[..]));
        assert_eq!(found.incomplete(), Some("only the beginning was scanned"));
    }

    #[test]
    fn limits_matches_of_a_string() {
        let limits = Limits { string_match_count: 5, ..Limits::default() };
        let found = scan("rule a { strings: $a = \"xy\" condition: #a > 3 }", limits, &b"xy".repeat(100));
        assert!(found.uncounted && found.is_complete());
        assert_eq!(found.matches[0].place_count, 5);
    }

    #[test]
    fn limits_time() {
        let text = "rule a { condition: for all i in (1..1000000000) : ( i > 0 ) }";
        let limits = Limits { time: Some(Duration::from_millis(20)), ..Limits::default() };
        let found = scan(text, limits, b"xy");
        assert!(found.timed_out);
        assert_eq!(found.incomplete(), Some("time was up"));
    }

    #[test]
    fn an_empty_set_matches_nothing() {
        let rules = rules("", Limits::default());
        assert!(rules.is_empty() && rules.scan(b"abc", &Externals::default()).matches.is_empty());
    }
}
