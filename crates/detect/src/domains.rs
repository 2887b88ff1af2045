//! Domain names as people read them: which part somebody has registered, and whether one is made to look like another
//! (`detections.md` §1.4 P8, §8).

use crate::dns_zones::last_dot;
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::MixedScript;

/// Longest name that is looked at.
const MAX_NAME_LEN: usize = 253;

/// Words that are put beside a name to make it look like a part of it.
const LURES: &[&str] = &[
    "account", "accounts", "alert", "auth", "billing", "center", "customer", "help", "helpdesk", "hr", "id", "info",
    "invoice", "login", "mail", "my", "notice", "online", "pay", "payment", "payments", "portal", "secure", "security",
    "service", "services", "signin", "sso", "support", "team", "update", "verify", "web",
];

/// Names that anybody may register names below, where one label more is needed than for others of their kind. Without the
/// Public Suffix List this is a choice of those met most.
fn is_shared(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"appspot.com"
            | b"azurewebsites.net"
            | b"blogspot.com"
            | b"cloudfront.net"
            | b"github.io"
            | b"gitlab.io"
            | b"herokuapp.com"
            | b"netlify.app"
            | b"pages.dev"
            | b"vercel.app"
            | b"web.app"
            | b"workers.dev"
    )
}

/// The part of a name that somebody has registered: the last two labels, three where the second-last has at most three
/// letters and the last has two (`example.co.uk`) or where anybody may register names below.
pub(crate) fn registrable(name: &str) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    let dot = |end: usize| last_dot(name.as_bytes(), end);
    let Some(last) = dot(name.len()) else { return name };
    let Some(second) = dot(last) else { return name };
    let (tld, middle) = (name.len() - last - 1, last - second - 1);
    let two = name.get(second + 1..).unwrap_or(name);
    let deeper = tld == 2 && middle <= 3 || is_shared(two);
    let from = if deeper { dot(second).map_or(0, |at| at + 1) } else { second + 1 };
    name.get(from..).unwrap_or(name)
}

/// The domain of an address, in lower case.
pub(crate) fn of_address(address: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(address).ok()?;
    let domain = text.rsplit_once('@')?.1.trim_matches(['<', '>', '.', ' ']);
    (is_name(domain)).then(|| domain.to_lowercase())
}

/// Could it be a name: labels of letters, digits and hyphens with a dot between them, not all of digits?
pub(crate) fn is_name(text: &str) -> bool {
    let is_label =
        |l: &str| !l.is_empty() && l.len() <= 63 && l.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let tld = text.rsplit('.').next().unwrap_or("");
    if text.is_ascii() {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let is_label = |l: &[u8]| !l.is_empty() && l.len() <= 63 && l.iter().all(is_plain);
        return text.len() <= MAX_NAME_LEN
            && tld.len() < text.len()
            && tld.len() >= 2
            && tld.bytes().any(|b| b.is_ascii_alphabetic())
            && text.as_bytes().split(|b| *b == b'.').all(is_label);
    }
    text.len() <= MAX_NAME_LEN
        && text.contains('.')
        && text.split('.').all(is_label)
        && tld.chars().count() >= 2
        && tld.chars().any(char::is_alphabetic)
}

/// The labels before the part under which names are registered: `example` of `example.co.uk`.
fn own_label(registrable: &str) -> &str {
    registrable.split('.').next().unwrap_or(registrable)
}

/// How a name is made to look like another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// It looks the same: other letters of the same shape.
    Confusable,
    /// Letters of several scripts in one label.
    Mixed,
    /// A letter or two are added, left out, changed or swapped.
    Edit,
    /// The name with a word that lures.
    Combo,
    /// The name below another top level.
    Tld,
}

impl Likeness {
    /// The reason's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Confusable | Self::Mixed => "confusable",
            Self::Edit => "edit",
            Self::Combo => "combo",
            Self::Tld => "tld",
        }
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Confusable => "letters that look the same",
            Self::Mixed => "letters of several scripts",
            Self::Edit => "a letter or two differ",
            Self::Combo => "the name with a luring word",
            Self::Tld => "the name below another top level",
        }
    }
}

/// A registrable name made ready to be held against others.
pub(crate) struct Looked {
    name: String,
    label: String,
    /// As people see it.
    unicode: String,
    skeleton: String,
}

impl Looked {
    pub fn new(registrable: &str) -> Self {
        let name = registrable.to_lowercase();
        let label = own_label(&name).to_owned();
        let unicode = label.strip_prefix("xn--").and_then(punycode).unwrap_or_else(|| label.clone());
        let skeleton = folded(&unicode);
        Self { name, label, unicode, skeleton }
    }

    /// Is it that name?
    pub fn is(&self, registrable: &str) -> bool {
        self.name == registrable
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does a label have letters of several scripts?
    pub fn is_mixed(&self) -> bool {
        !self.unicode.is_ascii() && !self.unicode.as_str().is_single_script()
    }

    /// How it is made to look like `target`, if it is; a name does not look like itself.
    pub fn like(&self, target: &Looked) -> Option<Likeness> {
        if self.name == target.name || target.label.len() < 3 {
            return None;
        }
        let len = target.label.chars().count();
        if self.label == target.label {
            // The same label below another top level. Short words are many people's.
            return (len >= 5).then_some(Likeness::Tld);
        }
        if self.skeleton == target.skeleton && len >= 4 {
            return Some(Likeness::Confusable);
        }
        let plain = |l: &str| l.chars().filter(|c| !matches!(c, '-' | '.')).collect::<String>();
        if len >= 5 && plain(&self.label) == plain(&target.label) {
            return Some(Likeness::Edit);
        }
        let allowed = match len.min(self.label.chars().count()) {
            0..5 => 0,
            5..9 => 1,
            _ => 2,
        };
        if allowed > 0
            && self.label.chars().count().abs_diff(len) <= allowed
            && strsim::osa_distance(&self.label, &target.label) <= allowed
        {
            return Some(Likeness::Edit);
        }
        let lures = || {
            let mut words = self.label.split('-');
            let named = self.label.split('-').any(|w| w == target.label || folded(w) == target.skeleton);
            named && words.any(|w| LURES.contains(&w))
        };
        (len >= 4 && self.label.contains('-') && lures()).then_some(Likeness::Combo)
    }
}

/// What a label looks like: UTS #39's skeleton, with the pairs of letters that look like one and digits that look like
/// letters.
fn folded(label: &str) -> String {
    let pairs = |text: String| text.replace("rn", "m").replace("vv", "w").replace("cl", "d");
    let digit = |c: char| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        c => c,
    };
    // The skeleton makes "rn" of "m" itself; pairs are folded in one direction behind it.
    let shape: String = skeleton(&label.to_lowercase()).flat_map(char::to_lowercase).map(digit).collect();
    pairs(shape)
}

/// A label without its `xn--`, decoded (RFC 3492 §6.2).
fn punycode(text: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let (plain, digits) = text.rsplit_once('-').unwrap_or(("", text));
    let mut out: Vec<char> = plain.chars().collect();
    let (mut code, mut at, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = digits.bytes().peekable();
    let mut first = true;
    while digits.peek().is_some() && out.len() < 64 {
        let (before, mut weight, mut step) = (at, 1u32, BASE);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = step.saturating_sub(bias).clamp(T_MIN, T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            step += BASE;
        }
        let len = u32::try_from(out.len()).ok()? + 1;
        let mut delta = (at - before) / if first { 700 } else { 2 };
        first = false;
        delta += delta / len;
        let mut shift = 0;
        while delta > (BASE - T_MIN) * T_MAX / 2 {
            delta /= BASE - T_MIN;
            shift += BASE;
        }
        bias = shift + (BASE - T_MIN + 1) * delta / (delta + 38);
        code = code.checked_add(at / len)?;
        at %= len;
        out.insert(usize::try_from(at).ok()?, char::from_u32(code)?);
        at += 1;
    }
    Some(out.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_parts() {
        for (name, want) in [
            ("www.example.com", "example.com"),
            ("example.com.", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.de", "example.de"),
            ("www.sueddeutsche.de", "sueddeutsche.de"),
            ("x.github.io", "x.github.io"),
            ("localhost", "localhost"),
            ("co.uk", "co.uk"),
        ] {
            assert_eq!(registrable(name), want, "{name}");
        }
        assert_eq!(of_address(b"Ada@Mail.Example.COM"), Some("mail.example.com".to_owned()));
        assert_eq!(of_address(b"ada@[192.0.2.1]"), None);
        assert!(is_name("a-b.example") && !is_name("1.2.3.4") && !is_name("x") && !is_name("a b.de"));
    }

    #[test]
    fn labels_are_decoded() {
        assert_eq!(punycode("mnchen-3ya").as_deref(), Some("münchen"));
        assert_eq!(punycode("80ak6aa92e").as_deref(), Some("аррӏе"));
        assert_eq!(punycode("99999999"), None);
    }

    #[test]
    fn looks_like() {
        let like = |a: &str, b: &str| Looked::new(a).like(&Looked::new(b));
        use Likeness::*;
        for (name, target, want) in [
            ("partnner.test", "partner.test", Some(Edit)),
            ("patner.test", "partner.test", Some(Edit)),
            ("pratner.test", "partner.test", Some(Edit)),
            ("partner.example", "partner.test", Some(Tld)),
            ("partner-login.test", "partner.test", Some(Combo)),
            ("paypa1-secure.com", "paypal.com", Some(Combo)),
            ("secure-partner.test", "partner.test", Some(Combo)),
            ("rnicrosoft.com", "microsoft.com", Some(Confusable)),
            ("paypa1.com", "paypal.com", Some(Confusable)),
            ("xn--80ak6aa92e.com", "apple.com", Some(Confusable)),
            ("g00gle.com", "google.com", Some(Confusable)),
            ("part-ner.test", "partner.test", Some(Edit)),
            // Themselves, others, short ones.
            ("partner.test", "partner.test", None),
            ("garden.test", "partner.test", None),
            ("partnership-news.test", "partner.test", None),
            ("ab.test", "ac.test", None),
            ("dell.com", "bell.com", None),
            ("news-partner.test", "partner.test", None),
        ] {
            assert_eq!(like(name, target), want, "{name} {target}");
        }
        assert!(Looked::new("pаypal.com").is_mixed() && !Looked::new("münchen.de").is_mixed());
    }
}
