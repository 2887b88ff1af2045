//! # c2-remote-access
//! ## How
//! A connection to a place whose name is one of a remote support tool, remote desktop or service that publishes ports of private networks; or one that begins with
//! the words of such a tool. Names are those that the connection asked for, or else those that DNS gave for the address.
//! ## Thresholds
//! By name: 60 seconds or 20 kB both ways, a side of which said something (Sekisho's own choice). A tool's own words: one message.
//! ## State
//! 8,192 hosts with tools; the least recent forgotten.
//! ## Severity
//! Medium 0.7. High if nobody at home had used the tool in a week of the capture before. One step less is never given for roles: on a server
//! the tool is worse.
//! ## Benign
//! Tools that the help desk uses, and vendors who give support: mute them by host and tool. A look at the maker's home page (`www.`) is not meant.
//! ## Blind
//! Tools that no list names, own relays of RustDesk and MeshCentral, tools over a proxy whose names are not seen. Which of the two ends is steered.
//! ## References
//! ATT&CK T1219; LOLRMM, a catalogue of abused tools; nDPI NDPI_DESKTOP_OR_FILE_SHARING_SESSION.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row, Stranger};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "c2-remote-access",
    title: "remote-control or tunnelling tool",
    means: "A remote-support, remote-desktop or port-publishing tool that is not on the approved list runs on this host.",
    techniques: &["T1219", "T1572", "T1133"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "remote-control", means: "A tool connects by which somebody elsewhere can steer the host." },
        Reason {
            code: "tunnel",
            means: "A tool connects that makes services of private networks reachable from outside.",
        },
    ],
    benign: "The help desk's own tool, or a vendor who gives support.",
    clears: "The tool is approved for this host (mute it), or it is gone.",
    next: &[
        "Ask who installed the tool, and who has been on the host with it.",
        "See which program on the host has the connection, and when it came there.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), useful(What::Requests(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const REMOTE: &Reason = ABOUT.at(0);
const TUNNEL: &Reason = ABOUT.at(1);

const MAX_PAIRS: usize = 8_192;
const WEEK: Interval = Interval::from_secs(7 * 86_400);
const MIN_DURATION: Interval = Interval::from_secs(60);
const MIN_LEN: u64 = 20_000;

/// Suffixes of names, the tool, and whether it is for tunnels.
const NAMES: &[(&str, &str, bool)] = &[
    ("net.anydesk.com", "AnyDesk", false),
    ("teamviewer.com", "TeamViewer", false),
    ("screenconnect.com", "ConnectWise ScreenConnect", false),
    ("splashtop.com", "Splashtop", false),
    ("logmein.com", "LogMeIn", false),
    ("logmeinrescue.com", "LogMeIn Rescue", false),
    ("gotoassist.com", "GoTo Resolve", false),
    ("getgo.com", "GoTo", false),
    ("rustdesk.com", "RustDesk", false),
    ("remotedesktop-pa.googleapis.com", "Chrome Remote Desktop", false),
    ("dwservice.net", "DWService", false),
    ("meshcentral.com", "MeshCentral", false),
    ("atera.com", "Atera", false),
    ("ninjarmm.com", "NinjaOne", false),
    ("nxrm.net", "NoMachine", false),
    ("getscreen.me", "Getscreen", false),
    ("ultraviewer.net", "UltraViewer", false),
    ("ammyy.com", "Ammyy Admin", false),
    ("zohoassist.com", "Zoho Assist", false),
    ("simple-help.com", "SimpleHelp", false),
    ("ngrok.com", "ngrok", true),
    ("ngrok.io", "ngrok", true),
    ("ngrok.app", "ngrok", true),
    ("ngrok-agent.com", "ngrok", true),
    ("ngrok-free.app", "ngrok", true),
    ("trycloudflare.com", "Cloudflare Tunnel", true),
    ("argotunnel.com", "Cloudflare Tunnel", true),
    ("tailscale.com", "Tailscale", true),
    ("zerotier.com", "ZeroTier", true),
    ("devtunnels.ms", "Microsoft dev tunnels", true),
    ("tunnels.api.visualstudio.com", "Microsoft dev tunnels", true),
    ("serveo.net", "Serveo", true),
    ("localhost.run", "localhost.run", true),
    ("pinggy.io", "Pinggy", true),
    ("localtunnel.me", "localtunnel", true),
    ("playit.gg", "playit", true),
];

/// What tools say first, by which side, and on which ports.
const WORDS: &[(&[u8], &str, &[u16])] =
    &[(&[0x17, 0x24], "TeamViewer", &[5938]), (&[1, 0, 0, 0, 1, 0, 0, 0, 8, 8], "Radmin", &[])];

/// See the module.
pub(crate) struct RemoteAccess {
    /// Flows of a host with a tool, and the last one told by its words.
    used: Recent<(Addr, &'static str), Uid>,
    /// When each tool was first seen; as many as there are tools.
    first: Vec<(&'static str, Timestamp)>,
}

impl RemoteAccess {
    pub fn new(scope: &Scope) -> Self {
        Self { used: Recent::of(scope, MAX_PAIRS), first: Vec::new() }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &mut Cx<'_>) {
        let Some(call) = cx.outside().at_hand() else { return };
        let len = row.orig_bytes.saturating_add(row.resp_bytes);
        if (row.duration < MIN_DURATION && len < MIN_LEN) || row.orig_bytes.min(row.resp_bytes) == 0 {
            return;
        }
        let Some(name) = cx.outside().name(call.place).or_else(|| cx.name_of(row.resp)) else { return };
        let Some((tool, tunnel)) = tool(name) else { return };
        let name = name.to_owned();
        let raise = self.raise(tool, tunnel, row.orig, row.resp, row.ts, cx);
        cx.raise(
            raise
                .between(row.ts, row.ts + row.duration)
                .flow(row.uid)
                .packet(cx.packet)
                .quote("name", name.as_bytes(), cx.packet)
                .measure(Measure::real("lasted", row.duration.0 as f64 / 1e9, Some(60.0), "s", Origin::Own))
                .measure(Measure::count("bytes sent", row.orig_bytes, None, "bytes", Origin::Own))
                .measure(Measure::count("bytes received", row.resp_bytes, None, "bytes", Origin::Own)),
        );
    }

    fn stranger(&mut self, row: &Stranger<'_>, cx: &mut Cx<'_>) {
        let fits = |word: &&(&[u8], &str, &[u16])| {
            row.bytes.starts_with(word.0) && (word.2.is_empty() || word.2.contains(&row.resp_port))
        };
        let Some((_, tool, _)) = WORDS.iter().find(fits) else { return };
        let host = match (cx.hosts().is_internal(row.orig), cx.hosts().is_internal(row.resp)) {
            (true, _) => row.orig,
            (false, true) => row.resp,
            (false, false) => return,
        };
        if self.used.peek(&(host, *tool)) == Some(&row.uid) {
            return;
        }
        let peer = if host == row.orig { row.resp } else { row.orig };
        let raise = self.raise(tool, false, host, peer, row.ts, cx);
        *self.used.at((host, tool), Uid::default) = row.uid;
        let shown = row.bytes.get(..16).unwrap_or(row.bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
        cx.raise(raise.at(row.ts).flow(row.uid).packet(row.packet).quote("first bytes", shown.as_bytes(), row.packet));
    }

    fn raise(&mut self, tool: &'static str, tunnel: bool, host: Addr, peer: Addr, ts: Timestamp, cx: &Cx<'_>) -> Raise {
        let first = match self.first.iter().find(|(known, _)| *known == tool) {
            Some((_, first)) => *first,
            None => {
                self.first.push((tool, ts));
                ts
            }
        };
        // Of something new one can only speak if there was a time without it.
        let is_new = cx.outside().start().is_some_and(|start| first - start >= WEEK);
        let severity = if is_new { Severity::High } else { Severity::Medium };
        Raise::new(&ABOUT, if tunnel { TUNNEL } else { REMOTE }, host, severity, Confidence::percent(70))
            .key(tool)
            .peer(peer)
            .benign(
                "it was in use a week before",
                if is_new { "no" } else { "not known: the capture is too short, or it was" },
            )
    }
}

/// The tool whose places are called so, and whether it is for tunnels. A maker's home page is no sign.
fn tool(name: &str) -> Option<(&'static str, bool)> {
    if name.starts_with("www.") {
        return None;
    }
    let below = |suffix: &str| {
        let sub = name.strip_suffix(suffix)?;
        (sub.is_empty() && suffix.matches('.').count() > 1 || sub.ends_with('.')).then_some(())
    };
    NAMES.iter().find(|(suffix, ..)| below(suffix).is_some()).map(|(_, tool, tunnel)| (*tool, *tunnel))
}

impl Detector for RemoteAccess {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Stranger]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) => self.conn(row, cx),
            Row::Stranger(row) => self.stranger(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        self.used.held_len() + self.first.capacity() * size_of::<(&str, Timestamp)>()
    }

    fn forgotten(&self) -> u64 {
        self.used.forgotten()
    }
}

#[cfg(test)]
mod tests;
