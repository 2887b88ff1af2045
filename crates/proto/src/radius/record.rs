use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::{Addr, Heap, Interval, block_len};

/// A login by RADIUS with its outcome, or a report to accounting.
#[derive(Clone, Debug, Record)]
#[record(log = "radius")]
pub struct RadiusRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Who logs in.
    pub username: Option<Text>,
    /// Address of the calling station, if it is a MAC address.
    pub mac: Option<Text>,
    /// Address that the server suggests for the client.
    pub framed_addr: Option<Addr>,
    /// The tunnel's client end.
    pub tunnel_client: Option<Text>,
    /// How the client is connected.
    pub connect_info: Option<Text>,
    /// What the server wants the user to read, in a challenge.
    pub reply_msg: Option<Text>,
    /// `success`, `failed`, or `unknown` if no answer was seen; unset for accounting.
    pub result: Option<&'static str>,
    /// Time from the first request to the result.
    pub ttl: Option<Interval>,
    /// Address of the access server.
    #[record(ext)]
    pub nas_addr: Option<Addr>,
    /// Name of the access server.
    #[record(ext)]
    pub nas_identifier: Option<Text>,
    /// What was called: a number, or a wireless network's name.
    #[record(ext)]
    pub called_station: Option<Text>,
    /// Challenges before the result.
    #[record(ext)]
    pub challenges: u32,
    /// What is reported to accounting: `Start`, `Stop`, `Interim-Update`, `Accounting-On`, `Accounting-Off`.
    #[record(ext)]
    pub acct_status: Option<&'static str>,
    /// The session that is reported.
    #[record(ext)]
    pub acct_session: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl RadiusRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = [&self.username, &self.mac, &self.tunnel_client, &self.connect_info, &self.reply_msg];
        let more = [&self.nas_identifier, &self.called_station, &self.acct_session];
        let sum = texts.into_iter().chain(more).map(Heap::heap_len).sum::<usize>();
        block_len(size_of::<Self>()) + sum
    }
}
