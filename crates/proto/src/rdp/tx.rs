//! Messages as rules and EVE see them.

use super::block;
use super::message::{Request, Settings, channels, core};
use crate::Cx;
use sekisho_record::Text;
use sekisho_transaction::{Counter, Fact, Json, Transaction, Value};
use sekisho_types::Dir;
use sekisho_wire::Reader;

/// A message.
enum View<'a> {
    Request(&'a Request<'a>),
    Confirmed,
    /// The client's settings: its core data and channels.
    Connect(Option<Reader<'a>>, Vec<Text>),
    Connected,
}

/// Versions of the protocol (MS-RDPBCGR §2.2.1.3.2).
const fn version_name(version: u32) -> Option<&'static str> {
    Some(match version {
        0x0008_0001 => "v4",
        0x0008_0004 => "v5",
        0x0008_0005 => "v10.0",
        0x0008_0006 => "v10.1",
        0x0008_0007 => "v10.2",
        0x0008_0008 => "v10.3",
        0x0008_0009 => "v10.4",
        0x0008_000a => "v10.5",
        0x0008_000b => "v10.6",
        0x0008_000c => "v10.7",
        _ => return None,
    })
}

/// Windows by its build.
const fn build_name(build: u32) -> Option<&'static str> {
    Some(match build {
        2195 => "Windows 2000",
        2600 => "Windows XP",
        3790 => "Windows Server 2003",
        6000 => "Windows Vista",
        6001 => "Windows Vista SP1",
        6002 => "Windows Vista SP2",
        7600 => "Windows 7",
        7601 => "Windows 7 SP1",
        9200 => "Windows 8",
        9600 => "Windows 8.1",
        10240 => "Windows 10 RTM",
        10586 => "Windows 10 1511",
        14393 => "Windows 10 1607",
        15063 => "Windows 10 1703",
        16299 => "Windows 10 1709",
        17134 => "Windows 10 1803",
        17763 => "Windows 10 1809",
        _ => return None,
    })
}

/// Early capabilities, by their bits.
const CAPABILITIES: [(u16, &str); 10] = [
    (1, "support_errinfo_pdf"),
    (2, "want_32bpp_session"),
    (4, "support_statusinfo_pdu"),
    (8, "strong_asymmetric_keys"),
    (0x20, "valid_connection_type"),
    (0x40, "support_monitor_layout_pdu"),
    (0x80, "support_netchar_autodetect"),
    (0x100, "support_dynvc_gfx_protocol"),
    (0x200, "support_dynamic_time_zone"),
    (0x400, "support_heartbeat_pdu"),
];

/// Shows the client's first message.
pub(super) fn request(m: &Request<'_>, counter: &mut Counter, cx: &mut Cx<'_>) {
    cx.message(Dir::Orig, counter, &View::Request(m), &[]);
}

/// Shows the server's answer.
pub(super) fn confirmed(counter: &mut Counter, cx: &mut Cx<'_>) {
    cx.message(Dir::Resp, counter, &View::Confirmed, &[]);
}

/// Shows settings of either end.
pub(super) fn settings(settings: &Settings<'_>, counter: &mut Counter, cx: &mut Cx<'_>) {
    if settings.result.is_some() {
        return cx.message(Dir::Resp, counter, &View::Connected, &[]);
    }
    let (mut found, mut names) = (None, Vec::new());
    for (kind, content) in settings.blocks {
        match kind {
            block::CLIENT_CORE => found = Some(content),
            block::CLIENT_NETWORK => names = channels(content).map(|c| c.0).unwrap_or_default(),
            _ => {}
        }
    }
    cx.message(Dir::Orig, counter, &View::Connect(found, names), &[]);
}

/// A number of two bytes in the core data.
fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..).and_then(|b| b.first_chunk::<2>()).map(|b| u16::from_le_bytes(*b))
}

/// A number of four bytes in the core data.
fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b))
}

fn client(out: &mut Json<'_>, reader: Reader<'_>) {
    let bytes = reader.rest();
    let Ok(m) = core(reader) else { return };
    out.object("client", |out| {
        if let Some(version) = long(bytes, 0).and_then(version_name) {
            out.text("version", version);
        }
        out.number("desktop_width", u64::from(m.width));
        out.number("desktop_height", u64::from(m.height));
        if let Some(build) = build_name(m.build) {
            out.text("build", build);
        }
        if !m.name.0.is_empty() {
            out.bytes("client_name", &m.name.0);
        }
        // Behind name and keyboard: function keys, input method, then what newer clients add.
        if let Some(keys) = long(bytes, 60).filter(|keys| *keys > 0) {
            out.number("function_keys", u64::from(keys));
        }
        if let Some(product) = number(bytes, 130).filter(|n| *n > 0) {
            out.number("product_id", u64::from(product));
        }
        if let Some(flags) = number(bytes, 140).filter(|flags| *flags != 0) {
            out.list("capabilities", |out| {
                let set = CAPABILITIES.iter().filter(|(bit, _)| flags & bit != 0);
                set.for_each(|(_, name)| out.item_bytes(name.as_bytes()));
            });
        }
        if let Some(id) = m.product_id.as_ref().filter(|id| !id.0.is_empty()) {
            out.bytes("id", &id.0);
        }
    });
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "rdp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("rdp", |out| match self {
            Self::Request(m) => {
                out.text("event_type", "initial_request");
                if let Some(cookie) = m.cookie {
                    out.bytes("cookie", cookie);
                }
            }
            Self::Confirmed => out.text("event_type", "initial_response"),
            Self::Connect(found, names) => {
                out.text("event_type", "connect_request");
                if let Some(reader) = found {
                    client(out, *reader);
                }
                if !names.is_empty() {
                    out.list("channels", |out| names.iter().for_each(|name| out.item_bytes(&name.0)));
                }
            }
            Self::Connected => out.text("event_type", "connect_response"),
        });
    }

    fn fact(&self, _fact: Fact, _nth: usize) -> Option<Value<'_>> {
        None
    }
}
