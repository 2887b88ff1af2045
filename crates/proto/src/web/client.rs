//! What judgements about the programs that speak HTTP want of requests that leave the network: which fields they send in which
//! order, what they hide in values, and whether answers are what they are said to be. Kept only while somebody judges.

use super::record::HttpRecord;
use crate::Cx;
use sekisho_record::{Head, Record, Text};
use sekisho_types::{Dir, Heap, seeded_hash};

/// Bytes kept of the names of a request's fields.
const MAX_NAMES_LEN: usize = 64;
/// Fields of a request whose names are told.
const MAX_NAMED: u16 = 8;
/// Bytes kept of a Host field.
const MAX_HOST_LEN: usize = 255;
/// Fields that order is noted of: three bits each.
const MAX_ORDERED: u8 = 20;
/// Shortest value that may carry data of a program.
const MIN_TOKEN_LEN: usize = 64;
/// Shortest content whose entropy says something (`detections.md` §1.4 P14).
const MIN_ENTROPY_LEN: usize = 256;

/// How a program asked, as only detectors want it; its `http` row follows.
#[derive(Clone, Debug, Record)]
#[record(log = "web_client")]
pub struct WebClientRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Fields of the request.
    pub field_count: u64,
    /// In which order those came that most programs send; alike for requests of one program.
    pub order: u64,
    /// How the list of the fields' names begins, in order; empty if there are more than [`MAX_NAMED`], as browsers have.
    pub names: Text,
    /// No Referer, no Accept-Language, no Cookie.
    pub bare: bool,
    /// HTTP/1.0.
    pub old: bool,
    /// Digest of an encoded value of 64 characters or more in a cookie or the target.
    pub token: Option<u64>,
    /// Entropy of how the content of a form or of XML begins, thousandths of a bit a byte.
    pub entropy: Option<u64>,
    /// Type of a received program or archive that was said to be something else.
    pub payload: Option<&'static str>,
    /// HTTP/2 and HTTP/3: the authority, where a Host field says otherwise.
    pub authority: Option<Text>,
    /// What that says.
    pub other_host: Option<Text>,
}

/// What a response says that its content is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Declared {
    #[default]
    Other,
    /// Image, sound, film, font.
    Media,
    /// Text, page, style.
    Text,
}

/// What is kept of a request while it lasts.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    order: u64,
    names: [u8; MAX_NAMES_LEN],
    names_len: u8,
    ordered: u8,
    field_count: u16,
    /// Referer, Accept-Language or Cookie came.
    dressed: bool,
    pub(crate) old: bool,
    declared: Declared,
    token: Option<u64>,
    other_host: Option<Text>,
}

impl Heap for Traits {
    fn heap_len(&self) -> usize {
        self.other_host.heap_len()
    }
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            order: 0,
            names: [0; MAX_NAMES_LEN],
            names_len: 0,
            ordered: 0,
            field_count: 0,
            dressed: false,
            old: false,
            declared: Declared::Other,
            token: None,
            other_host: None,
        }
    }
}

/// The fields that most programs send, by number.
fn usual(name: &[u8]) -> u64 {
    let usual: &[(&str, u64)] = match name.len() {
        4 => &[("host", 1)],
        6 => &[("accept", 2), ("cookie", 0)],
        10 => &[("user-agent", 3), ("connection", 4)],
        15 => &[("accept-language", 5), ("accept-encoding", 6)],
        _ => &[],
    };
    usual.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map_or(0, |u| u.1)
}

impl Traits {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        self.field_count = self.field_count.saturating_add(1);
        let number = usual(name);
        if number > 0 && self.ordered < MAX_ORDERED {
            self.order = self.order << 3 | number;
            self.ordered += 1;
        }
        let is_cookie = name.len() == 6 && name.eq_ignore_ascii_case(b"cookie");
        let is_referer = name.len() == 7 && name.eq_ignore_ascii_case(b"referer");
        self.dressed |= number == 5 || is_cookie || is_referer;
        if is_cookie {
            let values = value.split(|b| *b == b';').filter_map(|pair| value_of(pair.trim_ascii()));
            self.token = self.token.or_else(|| token(values));
        }
        let mut at = usize::from(self.names_len);
        let comma: &[u8] = if at == 0 { b"" } else { b", " };
        if at + comma.len() + name.len() <= MAX_NAMES_LEN {
            for part in [comma, name] {
                if let Some(room) = self.names.get_mut(at..at + part.len()) {
                    room.copy_from_slice(part);
                    at += part.len();
                }
            }
            self.names_len = u8::try_from(at).unwrap_or(u8::MAX);
        }
    }

    /// A response says what its content is.
    pub(super) fn declare(&mut self, value: &[u8]) {
        let starts = |kind: &str| value.get(..kind.len()).is_some_and(|v| v.eq_ignore_ascii_case(kind.as_bytes()));
        self.declared = if ["image/", "audio/", "video/", "font/"].into_iter().any(starts) {
            Declared::Media
        } else if ["text/html", "text/css", "text/plain", "application/json"].into_iter().any(starts) {
            Declared::Text
        } else {
            Declared::Other
        };
    }
}

/// The value of `name=value`; all of a pair without a name, which may be padded as base64 is.
fn value_of(pair: &[u8]) -> Option<&[u8]> {
    let end = pair.iter().rposition(|b| *b != b'=')? + 1;
    match memchr::memchr(b'=', pair.get(..end)?) {
        Some(at) => pair.get(at + 1..),
        None => Some(pair),
    }
}

/// Digest of the first value that is long and only of what base64 and hexadecimal digits are written in.
fn token<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<u64> {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_' | b'%');
    let is_token = |v: &&[u8]| v.len() >= MIN_TOKEN_LEN && v.iter().all(is_digit);
    let found = { values }.find(is_token)?;
    Some(seeded_hash(0, found))
}

/// Does the request leave the network, itself or by a proxy?
fn leaves(row: &HttpRecord, cx: &Cx<'_>) -> bool {
    cx.is_outbound() || cx.is_local(Dir::Orig) && row.uri.as_ref().is_some_and(|u| u.0.starts_with(b"http://"))
}

/// May the flow's requests leave the network?
pub(super) fn concerns(cx: &Cx<'_>) -> bool {
    cx.is_local(Dir::Orig)
}

/// A field of a request passes.
pub(super) fn request_field(row: &mut HttpRecord, name: &[u8], value: &[u8], cx: &Cx<'_>) {
    if !leaves(row, cx) {
        return;
    }
    row.traits.field(name, value);
    let is_host = name.len() == 4 && name.eq_ignore_ascii_case(b"host");
    if is_host && row.host.as_ref().is_some_and(|known| !known.0.eq_ignore_ascii_case(value)) {
        row.traits.other_host = Some(value.get(..MAX_HOST_LEN).unwrap_or(value).into());
    }
}

/// Programs, by content.
fn is_program(mime: &str) -> bool {
    matches!(
        mime,
        "application/x-dosexec"
            | "application/x-executable"
            | "application/x-sharedlib"
            | "application/x-mach-o-executable"
    )
}

/// Scripts and archives, by content.
fn is_carrier(mime: &str) -> bool {
    matches!(
        mime,
        "text/x-shellscript"
            | "text/x-perl"
            | "text/x-python"
            | "application/zip"
            | "application/x-rar"
            | "application/x-7z-compressed"
            | "application/java-archive"
            | "application/vnd.ms-cab-compressed"
    )
}

/// What the end of a path claims.
fn claimed(uri: &[u8]) -> Option<Declared> {
    let path = uri.split(|b| matches!(*b, b'?' | b'#')).next().unwrap_or(uri);
    let file = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    let end = file.get(memchr::memrchr(b'.', file)? + 1..)?;
    let is = |all: &[&str]| all.iter().any(|e| end.eq_ignore_ascii_case(e.as_bytes()));
    if is(&["bmp", "gif", "ico", "jpeg", "jpg", "mp3", "mp4", "png", "svg", "webp", "woff"]) {
        Some(Declared::Media)
    } else if is(&["css", "htm", "html", "json", "txt", "xml"]) {
        Some(Declared::Text)
    } else {
        Some(Declared::Other)
    }
}

/// The type of what was received, if that is a program or archive and was said to be something else.
fn payload(row: &HttpRecord) -> Option<&'static str> {
    let mut types = row.resp_mime_types.iter().flatten().copied();
    let found = types.find(|mime| is_program(mime) || is_carrier(mime))?;
    let claimed = claimed(row.uri.as_ref().map_or(&[], |u| &u.0));
    let (media, text) = (Declared::Media, Declared::Text);
    let declared = row.traits.declared;
    // A server without a type for programs calls them text, if their names say what they are.
    let is_text = claimed == Some(text) || (declared == text && claimed.is_none());
    let hidden = declared == media || claimed == Some(media) || (is_program(found) && is_text);
    hidden.then_some(found)
}

/// Entropy of bytes, thousandths of a bit; `None` of few.
fn entropy(bytes: &[u8]) -> Option<u64> {
    if bytes.len() < MIN_ENTROPY_LEN {
        return None;
    }
    Some(sekisho_types::entropy(bytes))
}

/// The row of an exchange is complete; `form`: how the request's content begins, if it is a form or XML.
pub(super) fn settle(row: &HttpRecord, form: &[u8], cx: &mut Cx<'_>) {
    if !cx.is_judged() || row.method.as_ref().is_none_or(|m| m.0 == b"CONNECT") || !leaves(row, cx) {
        return;
    }
    let traits = &row.traits;
    let query = row.uri.as_ref().and_then(|u| {
        let at = memchr::memchr(b'?', &u.0)?;
        u.0.get(at + 1..).filter(|q| q.len() >= MIN_TOKEN_LEN)
    });
    let names = traits.names.get(..usize::from(traits.names_len)).unwrap_or(&[]);
    let in_query = |query: &[u8]| token(query.split(|b| *b == b'&').filter_map(value_of));
    cx.emit(WebClientRecord {
        head: row.head,
        field_count: traits.field_count.into(),
        order: traits.order,
        names: if traits.field_count <= MAX_NAMED { names.into() } else { Text(Vec::new()) },
        bare: !traits.dressed,
        old: traits.old,
        token: traits.token.or_else(|| query.and_then(in_query)),
        entropy: entropy(form),
        payload: payload(row),
        authority: traits.other_host.as_ref().and_then(|_| row.host.clone()),
        other_host: traits.other_host.clone(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_by_order_and_number() {
        let mut traits = Traits::default();
        for name in ["Host", "USER-AGENT", "X-Own", "Accept"] {
            traits.field(name.as_bytes(), b"x");
        }
        assert_eq!((traits.order, traits.field_count, traits.dressed), (0o132, 4, false));
        assert_eq!(traits.names.get(..usize::from(traits.names_len)), Some(&b"Host, USER-AGENT, X-Own, Accept"[..]));
        traits.field(b"accept-language", b"en");
        assert!(traits.dressed);
        for _ in 0..100_000 {
            traits.field(b"Host", b"");
        }
        assert_eq!((traits.field_count, traits.ordered), (u16::MAX, MAX_ORDERED));
    }

    #[test]
    fn encoded_values_are_found() {
        let long = "QUJD".repeat(16);
        let cookie = |text: &str| {
            let mut traits = Traits::default();
            traits.field(b"Cookie", text.as_bytes());
            traits.token
        };
        assert_eq!(cookie(&format!("a=1; b={long}")), Some(seeded_hash(0, long.as_bytes())));
        assert_eq!(cookie(&format!("a=1; b={}", &long[1..])), None, "shorter");
        assert_eq!(cookie(&format!("b={long} {long}")), None, "text");
        assert_eq!(cookie("b"), None);
        assert_eq!(cookie(&long), Some(seeded_hash(0, long.as_bytes())), "without a name");
        let padded = format!("{long}==");
        assert_eq!(cookie(&format!("a=1; {padded}")), Some(seeded_hash(0, padded.as_bytes())));
        assert_eq!(cookie("===="), None);
    }

    #[test]
    fn claims_of_paths() {
        for (uri, claim) in [
            ("/a/b.PNG?x=1.exe", Some(Declared::Media)),
            ("/a.txt", Some(Declared::Text)),
            ("/a.exe", Some(Declared::Other)),
            ("/a.b/c", None),
            ("", None),
        ] {
            assert_eq!(claimed(uri.as_bytes()), claim, "{uri}");
        }
    }

    #[test]
    fn entropy_needs_bytes() {
        assert_eq!(entropy(&[7; 255]), None);
        assert_eq!(entropy(&[7; 256]), Some(0));
        assert_eq!(entropy(&(0..=255).collect::<Vec<u8>>()), Some(8000));
    }
}
