use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::{Addr, Heap, Interval, block_len};

/// The RADIUS messages of a flow up to a result, taken for one login as Zeek does.
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
    /// Challenges before the result.
    #[record(ext)]
    pub challenges: u32,
    /// More than one user had a part: the columns may tell of different logins, see `radius_exchange`.
    #[record(ext)]
    pub mixed: bool,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl RadiusRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = [&self.username, &self.mac, &self.tunnel_client, &self.connect_info, &self.reply_msg];
        block_len(size_of::<Self>()) + texts.into_iter().map(Heap::heap_len).sum::<usize>()
    }
}

/// A RADIUS request and its answer, told from others by the identifier.
#[derive(Clone, Debug, Record)]
#[record(log = "radius_exchange")]
pub struct RadiusExchangeRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Identifier of the request.
    pub id: u8,
    /// What is asked, e.g. `Access-Request`.
    pub request: &'static str,
    /// What is answered, e.g. `Access-Accept`; unset without an answer.
    pub reply: Option<&'static str>,
    /// Time from the first request to the answer.
    pub rtt: Option<Interval>,
    /// How often the request was sent again.
    pub retries: u32,
    /// Whom it is about.
    pub username: Option<Text>,
    /// The station that calls: a number or a MAC address.
    pub calling_station: Option<Text>,
    /// What was called: a number, or a wireless network's name.
    pub called_station: Option<Text>,
    /// Address of the access server.
    pub nas_addr: Option<Addr>,
    /// Name of the access server.
    pub nas_identifier: Option<Text>,
    /// Address that the client is given.
    pub framed_addr: Option<Addr>,
    /// What the server wants the user to read.
    pub reply_msg: Option<Text>,
    /// What is reported to accounting: `Start`, `Stop`, `Interim-Update`, `Accounting-On`, `Accounting-Off`.
    pub acct_status: Option<&'static str>,
    /// The session that is reported.
    pub acct_session: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl RadiusExchangeRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = [&self.username, &self.calling_station, &self.called_station, &self.nas_identifier];
        let more = [&self.reply_msg, &self.acct_session];
        let sum = texts.into_iter().chain(more).map(Heap::heap_len).sum::<usize>();
        block_len(size_of::<Self>()) + sum
    }
}
