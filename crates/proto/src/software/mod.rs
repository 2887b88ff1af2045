//! Software that hosts tell of themselves: a web server in its answers, a browser in its requests, a SSH client in its
//! greeting. A helper of many protocols, no protocol.
//!
//! Zeek's `Software` framework with the scripts that its `local.zeek` loads. As there, only hosts in the home networks are
//! looked at, and a name's text is taken apart by Zeek's rules. Different from Zeek's, a host that goes back to a version
//! known of it is not logged again that day: a host that runs two of a kind would fill the log.

mod mozilla;
mod record;
#[cfg(test)]
mod tests;
mod version;

pub use record::SoftwareRecord;

use crate::Cx;
use crate::cx::key_of_day;
use sekisho_record::{EnumName, Port, Text};
use sekisho_types::{Dir, Timestamp, seeded_hash};
use version::Product;

/// Longest text that is looked at; of a longer one the rest is cut off.
pub(crate) const MAX_TEXT_LEN: usize = 1024;

/// Takes note of the software at the end that sent `dir`, which called itself `text`. `kind` is Zeek's name for what it
/// is. Cheap where that was heard before.
pub(crate) fn found(dir: Dir, kind: &'static str, text: &[u8], cx: &mut Cx<'_>) {
    found_at(cx.ts, dir, kind, text, cx);
}

/// As [`found`], of what was seen at `ts`.
pub(crate) fn found_at(ts: Timestamp, dir: Dir, kind: &'static str, text: &[u8], cx: &mut Cx<'_>) {
    if !cx.is_local(dir) || text.is_empty() {
        return;
    }
    let text = text.get(..MAX_TEXT_LEN).unwrap_or(text);
    let tuple = &cx.flow.tuple;
    let (host, port) = match dir {
        Dir::Orig => (tuple.orig, None),
        Dir::Resp => (tuple.resp, Some(Port(tuple.resp_port))),
    };
    let key = |text: &[u8]| key_of_day(host, ts, &seeded_hash(0, text).to_be_bytes());
    // The hash is no secret: who forges texts of one hash hides no more than what his own software calls itself.
    if !cx.is_new(kind, key(text)) {
        return;
    }
    let Product { name, version } = version::parse(text);
    let mut known = [kind.as_bytes(), b"\0", &name, b"\0"].concat();
    version.numbers.iter().for_each(|n| known.extend(n.map_or([0xff; 8], u64::to_be_bytes)));
    known.extend(version.addl.as_deref().unwrap_or(b"\0"));
    let (uid, decrypted) = (cx.flow.uid, cx.tail().decrypted);
    let [major, minor, minor2, minor3] = version.numbers;
    let [digest @ .., role] = key(&known);
    cx.emit_once("software", &digest, role, || SoftwareRecord {
        ts,
        host,
        host_p: port,
        software_type: EnumName(kind),
        name: name.into(),
        major,
        minor,
        minor2,
        minor3,
        addl: version.addl.map(Text),
        unparsed_version: text.into(),
        uid,
        decrypted,
    });
}
