//! Findings as rows of Zeek's notice log.

use crate::FlowEnds;
use crate::clean::clean;
use sekisho_finding::Finding;
use sekisho_record::{EnumName, Kind, Port, Record, Set, ToValue, UnsetIfEmpty, Value};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

/// What stands before a judgement's id where Zeek has a module's name.
const MODULE: &str = "Sekisho::";
/// Zeek's word for a notice that is logged and nothing else.
const LOGGED: EnumName = EnumName("Notice::ACTION_LOG");

/// A name that is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(String);

impl ToValue for Word {
    const KIND: Kind = Kind::Enum;
    fn to_value(&self) -> Value<'_> {
        Value::Enum(&self.0)
    }
}

/// What a judgement found, told at the end of the run; `logs --judge` writes them, the earliest first.
#[derive(Clone, Debug, Record)]
#[record(log = "notice")]
pub struct NoticeRecord {
    /// Packet time of the first sign.
    pub ts: Timestamp,
    /// The first flow that shows it.
    pub uid: Option<Uid>,
    /// That flow's originator, unless it was forgotten for want of room.
    #[record(name = "id.orig_h")]
    pub orig_h: Option<Addr>,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    pub orig_p: Option<Port>,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Option<Addr>,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    pub resp_p: Option<Port>,
    /// Zeek's column; always unset here.
    pub fuid: Option<String>,
    /// Zeek's column; always unset here.
    pub file_mime_type: Option<String>,
    /// Zeek's column; always unset here.
    pub file_desc: Option<String>,
    /// Transport protocol of that flow.
    pub proto: Option<Word>,
    /// The judgement: `Sekisho::` and its id, as `sekisho explain` knows it.
    pub note: Word,
    /// What it says, in a sentence.
    pub msg: String,
    /// What was measured and read, separated by `; `.
    pub sub: Option<String>,
    /// The machine that somebody has to touch.
    pub src: Addr,
    /// The first of the others concerned.
    pub dst: Option<Addr>,
    /// The responder's port of the first flow.
    pub p: Option<Port>,
    /// How often it was seen.
    pub n: u64,
    /// Zeek's column: who says so; always unset here.
    pub peer_descr: Option<String>,
    /// Zeek's column; always `Notice::ACTION_LOG` here.
    pub actions: Set<EnumName>,
    /// Zeek's column; always unset here.
    pub email_dest: Option<Set<String>>,
    /// Zeek's column: always 0 here, as what repeats is one row.
    pub suppress_for: Interval,
    /// Packet time of the last sign.
    #[record(ext)]
    pub last: Timestamp,
    /// How soon somebody should look: `info`, `low`, `medium`, `high` or `critical`.
    #[record(ext)]
    pub severity: EnumName,
    /// How sure it is, from 0 to 1.
    #[record(ext)]
    pub confidence: f64,
    /// Stage of an intrusion.
    #[record(ext)]
    pub stage: EnumName,
    /// The judgement's id, its reason, and a stronger form that was reached: `JUDGEMENT/REASON[/FORM]`.
    #[record(ext)]
    pub code: String,
    /// What tells it apart from others about the same machine: a name, a port.
    #[record(ext)]
    pub key: Option<String>,
    /// ATT&CK techniques.
    #[record(ext)]
    pub techniques: UnsetIfEmpty<String>,
    /// Others concerned, as far as they were kept.
    #[record(ext)]
    pub peers: UnsetIfEmpty<Addr>,
    /// Flows that show it, the first and the last few.
    #[record(ext)]
    pub uids: UnsetIfEmpty<Uid>,
    /// Numbers of packets that show it, the first and the last few, from 1 on in the run.
    #[record(ext)]
    pub packets: UnsetIfEmpty<u64>,
    /// What could not be seen, and lowered the confidence.
    #[record(ext)]
    pub unseen: UnsetIfEmpty<&'static str>,
    /// Why it is muted.
    #[record(ext)]
    pub muted: Option<String>,
}

impl NoticeRecord {
    /// The row of a finding; `flows` are those that findings name, by uid ([`KeptFlows::named`](crate::KeptFlows::named)).
    pub fn new(f: &Finding, flows: &[FlowEnds]) -> Self {
        let uid = f.flows.iter().next();
        let flow =
            uid.and_then(|uid| flows.binary_search_by_key(&uid, |flow| flow.uid).ok()).and_then(|at| flows.get(at));
        let measures = f.measures.iter().map(ToString::to_string);
        let quotes = f.quotes.iter().map(|q| format!("{}: {}", q.label, clean(q.text.as_bytes())));
        let sub: Vec<String> = measures.chain(quotes).collect();
        let mut techniques: Vec<String> = f.all_techniques().map(str::to_owned).collect();
        techniques.sort_unstable();
        techniques.dedup();
        let resp_p = flow.map(|flow| Port(flow.resp_port));
        Self {
            ts: f.first,
            uid,
            orig_h: flow.map(|flow| flow.orig),
            orig_p: flow.map(|flow| Port(flow.orig_port)),
            resp_h: flow.map(|flow| flow.resp),
            resp_p,
            fuid: None,
            file_mime_type: None,
            file_desc: None,
            proto: flow.map(|flow| Word(String::from_utf8_lossy(&flow.proto.0).into_owned())),
            note: Word(format!("{MODULE}{}", f.about.id)),
            msg: format!("{}: {}", f.about.title, f.reason.means),
            sub: (!sub.is_empty()).then(|| sub.join("; ")),
            src: f.subject,
            dst: f.peers.named().first().copied(),
            p: resp_p,
            n: f.count,
            peer_descr: None,
            actions: Set(vec![LOGGED]),
            email_dest: None,
            suppress_for: Interval::from_secs(0),
            last: f.last,
            severity: EnumName(f.severity.name()),
            confidence: f.confidence.as_f64(),
            stage: EnumName(f.stage.name()),
            code: f.code(),
            key: (!f.key.is_empty()).then(|| clean(f.key.as_bytes())),
            techniques: UnsetIfEmpty(techniques),
            peers: UnsetIfEmpty(f.peers.named().to_vec()),
            uids: UnsetIfEmpty(f.flows.iter().collect()),
            packets: UnsetIfEmpty(f.packets.iter().collect()),
            unseen: UnsetIfEmpty(f.quality.iter().map(|q| q.name()).collect()),
            muted: f.muted.clone(),
        }
    }
}
