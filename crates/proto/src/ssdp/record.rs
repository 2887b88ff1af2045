use sekisho_record::{EnumName, Head, Record, Tail, Text};
use sekisho_types::Interval;

/// Longest value kept.
const MAX_VALUE_LEN: usize = 512;

/// A device or service looked for, found or announced.
#[derive(Clone, Debug, Record)]
#[record(log = "ssdp")]
pub struct SsdpRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `M-SEARCH`, `NOTIFY` or `response`.
    pub method: EnumName,
    /// What is looked for, or what this is.
    pub target: Option<Text>,
    /// Who this is: the unique name of device and service.
    pub usn: Option<Text>,
    /// `ssdp:alive`, `ssdp:byebye` or `ssdp:update`.
    pub notification: Option<Text>,
    /// Where the description is.
    pub location: Option<Text>,
    /// System and program of the device.
    pub server: Option<Text>,
    /// Program of who looks.
    pub user_agent: Option<Text>,
    /// How long the announcement holds.
    pub max_age: Option<Interval>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl SsdpRecord {
    pub(super) fn new(head: Head, tail: Tail, method: &'static str) -> Self {
        Self {
            head,
            method: EnumName(method),
            target: None,
            usn: None,
            notification: None,
            location: None,
            server: None,
            user_agent: None,
            max_age: None,
            tail,
        }
    }

    /// A header field.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let value = value.get(..MAX_VALUE_LEN).unwrap_or(value);
        let slot = if is("ST") || is("NT") {
            &mut self.target
        } else if is("USN") {
            &mut self.usn
        } else if is("NTS") {
            &mut self.notification
        } else if is("LOCATION") {
            &mut self.location
        } else if is("SERVER") {
            &mut self.server
        } else if is("USER-AGENT") {
            &mut self.user_agent
        } else {
            if is("CACHE-CONTROL") {
                self.max_age = max_age(value);
            }
            return;
        };
        *slot = Some(value.into());
    }
}

fn max_age(value: &[u8]) -> Option<Interval> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, secs) = text.split_once('=')?;
    secs.trim().parse::<u32>().ok().map(|secs| Interval::from_secs(i64::from(secs)))
}
