//! The beginning of a syslog message (RFC 5424 §6.2.1, RFC 3164 §4.1) and its frame over TCP (RFC 6587).

/// Most digits of a priority.
const MAX_DIGITS: usize = 3;
/// Largest priority: facility 23, severity 7.
pub const MAX_PRIORITY: u16 = 191;
/// Most digits of a length before a message.
const MAX_LEN_DIGITS: usize = 6;

/// Priority, if the message has one, and the rest.
pub fn priority(message: &[u8]) -> (Option<u16>, &[u8]) {
    let Some(rest) = message.strip_prefix(b"<") else { return (None, message) };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    match (number(rest, digits, MAX_DIGITS), rest.get(digits), rest.get(digits + 1..)) {
        (Some(priority), Some(b'>'), Some(text)) => (u16::try_from(priority).ok(), text),
        _ => (None, message),
    }
}

fn number(bytes: &[u8], digits: usize, max: usize) -> Option<usize> {
    let digits = bytes.get(..digits).filter(|d| !d.is_empty() && d.len() <= max)?;
    Some(digits.iter().fold(0, |n, d| n * 10 + usize::from(d - b'0')))
}

/// A frame of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed<'a> {
    /// A message and how many bytes it took with its frame.
    Message(&'a [u8], usize),
    /// More bytes are needed.
    More,
    /// Neither a length nor a priority is there.
    Lost,
}

/// The next message of a stream: either behind its length, or up to a line's end (RFC 6587 §3.4).
pub fn framed(bytes: &[u8]) -> Framed<'_> {
    match bytes.first() {
        None => Framed::More,
        Some(b'<') => match memchr::memchr2(b'\n', 0, bytes) {
            Some(end) => Framed::Message(bytes.get(..end).unwrap_or(&[]).trim_ascii_end(), end + 1),
            None => Framed::More,
        },
        Some(b'1'..=b'9') => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            match (number(bytes, digits, MAX_LEN_DIGITS), bytes.get(digits)) {
                (Some(_), None) => Framed::More,
                (Some(len), Some(b' ')) => {
                    let end = digits + 1 + len;
                    bytes.get(digits + 1..end).map_or(Framed::More, |m| Framed::Message(m.trim_ascii_end(), end))
                }
                _ => Framed::Lost,
            }
        }
        Some(_) => Framed::Lost,
    }
}

/// A facility's name, as Zeek's.
pub fn facility(priority: Option<u16>) -> String {
    const NAMES: [&str; 24] = [
        "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP", "NTP",
        "AUDIT", "ALERT", "CLOCK", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
    ];
    match priority {
        None => "UNSPECIFIED".to_owned(),
        Some(n) => NAMES.get(usize::from(n >> 3)).map_or_else(|| format!("?-{}", n >> 3), |name| (*name).to_owned()),
    }
}

/// A severity's name, as Zeek's.
pub fn severity(priority: Option<u16>) -> &'static str {
    const NAMES: [&str; 8] = ["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];
    priority.and_then(|n| NAMES.get(usize::from(n & 7))).copied().unwrap_or("UNSPECIFIED")
}
