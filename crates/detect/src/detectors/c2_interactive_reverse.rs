//! # c2-interactive-reverse
//! ## How
//! `shell-banner`: a TCP connection out of the network in a protocol that nobody knows, in which the host at home says what a command
//! line says (Windows' greeting, a prompt), and the other end commands. A connection outwards whose far end types is a
//! shell that was sent out. `keystrokes`: the same by sizes and times alone, in clear, in TLS or in SSH: the far end sends what may be keys pressed, one by one, in
//! stretches, each is answered at once, and the host at home says most. `reverse-ssh`: in an SSH connection out of the network the host that began it is the server.
//! ## Thresholds
//! Within the first 32 chunks: Windows' greeting; or a prompt of cmd.exe, PowerShell or a Unix shell at the end of what the host says, and a line of text from
//! outside, at once or key by key; or two commands from outside that shells have, one of them answered.
//! Keys: 30 segments of at most 48 bytes (in SSH 36 to 100) 0.05 to 2 seconds behind the one before, in three stretches, eight of ten
//! answered within a second; eight of ten segments of the far end are as short; the host sends three times as many bytes as it receives, and no more than 1,000 for each key (beyond it is an
//! upload that is acknowledged); 20 seconds; below 2 MB. All Sekisho's own choice.
//! ## State
//! 4,096 flows, 32 bytes each and up to four lines; 4,096 flows in which somebody was found to type; the least recent forgotten.
//! ## Severity
//! `shell-banner` high 0.9. `keystrokes` medium 0.5, of servers high. `reverse-ssh` medium 0.5.
//! ## Benign
//! Consoles of network devices and games outside are the other way round: there the far end shows the prompt. What is known as Telnet, SSH, IRC or another
//! protocol is not looked at for banners, and of known ones only TLS, Telnet and SSH for keys. Terminals of shops and markets that push much.
//! ## Blind
//! Shells whose lines are sent whole and encrypted. Shells between hosts at home. What is typed without prompt and known commands. Channels that are forwarded back through an
//! ordinary SSH connection.
//! ## References
//! Zhang and Paxson, Detecting Backdoors, USENIX Security 2000; Zeek `detect-windows-shells.sig` and its reverse SSH; ATT&CK T1059.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Bursts, Kind, Row, Ssh, Stranger};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Interval, Uid};

static ABOUT: About = About {
    id: "c2-interactive-reverse",
    title: "someone types into this host from outside",
    means: "An outgoing connection behaves like a remote shell: the outside end types, this host answers.",
    techniques: &["T1059", "T1572", "T1571"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "shell-banner", means: "The host shows its command line to the far end, which commands." },
        Reason { code: "keystrokes", means: "The far end sends single keys, and the host answers each." },
        Reason { code: "reverse-ssh", means: "The host began a connection of SSH and is the server in it." },
    ],
    benign: "Remote support with a home-made tool.",
    clears: "The person at the other end is known and allowed to be there.",
    next: &[
        "Take the host off the network, and see which program has the connection.",
        "Read what was typed and what came back.",
        "Look for other connections to the same address.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        vital(What::Requests(Traffic::Any)),
        vital(What::Answers(Traffic::Any)),
        useful(What::Whole(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SHELL: &Reason = ABOUT.at(0);
const KEYS: &Reason = ABOUT.at(1);
const REVERSE_SSH: &Reason = ABOUT.at(2);

const MAX_FLOWS: usize = 4_096;
/// Lines kept of a flow, and bytes of each.
const MAX_LINES: usize = 4;
const MAX_LINE_LEN: usize = 120;
/// Commands that are enough without a prompt.
const MIN_COMMANDS: u8 = 2;
/// Longest line that somebody types.
const MAX_TYPED_LEN: u64 = 240;

/// Keys pressed, stretches of them, how long it takes, and bytes that are answered to each at most.
const MIN_KEYS: u64 = 30;
const MIN_STRETCHES: u64 = 3;
const MIN_DURATION: Interval = Interval::from_secs(20);
const MAX_ANSWER: u64 = 1_000;

/// First words of what people type into a shell that they have come by.
const COMMANDS: &[&[u8]] = &[
    b"/bin/bash",
    b"/bin/sh",
    b"bash",
    b"cat",
    b"cd",
    b"cmd.exe",
    b"dir",
    b"echo",
    b"export",
    b"hostname",
    b"id",
    b"ifconfig",
    b"ip",
    b"ipconfig",
    b"ls",
    b"net",
    b"netstat",
    b"ps",
    b"pwd",
    b"python",
    b"python3",
    b"script",
    b"sudo",
    b"systeminfo",
    b"tasklist",
    b"type",
    b"uname",
    b"w",
    b"wget",
    b"whoami",
];

/// What was seen of a flow.
#[derive(Default)]
struct Talk {
    prompt: bool,
    typed: u8,
    commands: u8,
    answered: bool,
    said: bool,
    /// What was typed since the last end of a line.
    keys: Vec<u8>,
    lines: Vec<(bool, Box<[u8]>, u64)>,
}

/// See the module.
pub(crate) struct InteractiveReverse {
    flows: Recent<Uid, Talk>,
    /// Those in which somebody was found to type.
    typed: Recent<Uid, ()>,
}

impl InteractiveReverse {
    pub fn new(scope: &Scope) -> Self {
        Self { flows: Recent::of(scope, MAX_FLOWS), typed: Recent::of(scope, MAX_FLOWS) }
    }

    fn bursts(&mut self, row: &Bursts<'_>, cx: &mut Cx<'_>) {
        if row.typed < MIN_KEYS || row.stretches < MIN_STRETCHES || row.ts - row.begun < MIN_DURATION {
            return;
        }
        let is = |name: &[u8]| row.app.split(|b| *b == b',').any(|app| app == name);
        let short = if is(b"ssh") { row.sealed } else { row.short };
        let known = !(row.app.is_empty() || is(b"ssh") || row.app == b"ssl" || is(b"telnet"));
        let outward = cx.hosts().is_internal(row.orig) && !cx.hosts().is_internal(row.resp);
        if known
            || !outward
            || short * 10 < row.segments * 8
            || row.answered * 10 < row.typed * 8
            || row.sent_len < row.received_len.saturating_mul(3)
            || row.sent_len > row.typed.saturating_mul(MAX_ANSWER)
            || self.typed.peek(&row.uid).is_some()
        {
            return;
        }
        self.typed.at(row.uid, || ());
        let severity = if cx.hosts().is(row.orig, Role::Server) { Severity::High } else { Severity::Medium };
        let percent = |part: u64, whole: u64| part * 100 / whole.max(1);
        cx.raise(
            Raise::new(&ABOUT, KEYS, row.orig, severity, Confidence::percent(50))
                .key(format!("{}:{}", row.resp, row.resp_port))
                .peer(row.resp)
                .between(row.begun, row.ts)
                .flow(row.uid)
                .packet(cx.packet)
                .measure(Measure::count("keys pressed outside", row.typed, Some(MIN_KEYS), "", Origin::Own))
                .measure(Measure::count("stretches of them", row.stretches, Some(MIN_STRETCHES), "", Origin::Own))
                .measure(Measure::count(
                    "answered at once",
                    percent(row.answered, row.typed),
                    Some(80),
                    "%",
                    Origin::Own,
                ))
                .measure(Measure::count("short segments", percent(short, row.segments), Some(80), "%", Origin::Own))
                .measure(Measure::count("bytes sent", row.sent_len, None, "bytes", Origin::Own))
                .measure(Measure::count("bytes received", row.received_len, None, "bytes", Origin::Own))
                .quote("protocol", if row.app.is_empty() { b"not recognised" } else { row.app }, 0)
                .benign("the host at home types, and the far end answers most", "no"),
        );
    }

    fn ssh(&self, row: &Ssh<'_>, cx: &mut Cx<'_>) {
        let outward = cx.hosts().is_internal(row.orig) && !cx.hosts().is_internal(row.resp);
        if row.reversed != Some(true) || !outward {
            return;
        }
        cx.raise(
            Raise::new(&ABOUT, REVERSE_SSH, row.orig, Severity::Medium, Confidence::percent(50))
                .key(format!("{}:{}", row.resp, row.resp_port))
                .peer(row.resp)
                .at(row.ts)
                .flow(row.uid)
                .packet(cx.packet)
                .quote("the host calls itself", row.client, cx.packet)
                .quote("the far end calls itself", row.server, cx.packet)
                .benign("the host that began is the client", "no"),
        );
    }

    fn stranger(&mut self, row: &Stranger<'_>, cx: &mut Cx<'_>) {
        let outward = cx.hosts().is_internal(row.orig) && !cx.hosts().is_internal(row.resp);
        if !outward || !is_text(row.bytes) {
            return;
        }
        let talk = self.flows.at(row.uid, Talk::default);
        if talk.said {
            return;
        }
        let mut line = row.bytes.get(..MAX_LINE_LEN).unwrap_or(row.bytes);
        let typed;
        let greeting = row.is_orig && row.bytes.trim_ascii_start().starts_with(b"Microsoft Windows [Version ");
        if row.is_orig {
            talk.prompt |= is_prompt(row.bytes);
            talk.answered |= talk.commands > 0;
        } else if row.len <= MAX_TYPED_LEN {
            // A line at once, or key by key as on a terminal, where the key at the end of a line sends a carriage return.
            let room = MAX_LINE_LEN.saturating_sub(talk.keys.len());
            talk.keys.extend_from_slice(line.get(..room).unwrap_or(line));
            if row.bytes.ends_with(b"\n") || row.bytes.ends_with(b"\r") {
                typed = std::mem::take(&mut talk.keys);
                line = &typed;
                talk.typed = talk.typed.saturating_add(1);
                talk.commands = talk.commands.saturating_add(u8::from(is_command(line)));
            }
        }
        // Not the keys one by one, nor their echoes.
        if talk.keys.is_empty() && talk.lines.len() < MAX_LINES {
            talk.lines.push((row.is_orig, line.into(), row.packet));
        }
        let shell = greeting || (talk.prompt && talk.typed > 0) || (talk.commands >= MIN_COMMANDS && talk.answered);
        if !shell {
            return;
        }
        talk.said = true;
        let mut raise = Raise::new(&ABOUT, SHELL, row.orig, Severity::High, Confidence::percent(90))
            .key(format!("{}:{}", row.resp, row.resp_port))
            .peer(row.resp)
            .at(row.ts)
            .flow(row.uid)
            .packet(row.packet)
            .measure(Measure::count("lines typed outside", talk.typed.into(), None, "", Origin::Own))
            .measure(Measure::count("known commands", talk.commands.into(), Some(MIN_COMMANDS.into()), "", Origin::Own))
            .benign("a known protocol, or a prompt of the far end", "no");
        for (is_orig, line, packet) in &talk.lines {
            raise = raise.quote(if *is_orig { "the host said" } else { "typed outside" }, line, *packet);
        }
        cx.raise(raise);
    }
}

/// Text as a shell shows it: printable, with tabs, ends of lines and what colours them.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|b| matches!(b, b'\t' | b'\r' | b'\n' | 0x07 | 0x08 | 0x1b | 0x20..=0x7e | 0x80..))
        && bytes.iter().filter(|b| **b >= 0x80).count() * 4 <= bytes.len()
}

/// Does it end with a prompt?
fn is_prompt(bytes: &[u8]) -> bool {
    let line = bytes.rsplit(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or(bytes);
    let line = without_colours(line);
    let line = line.as_slice();
    // C:\Users\ada> and PS C:\>
    let path = line.strip_prefix(b"PS ").unwrap_or(line);
    if let [drive, b':', b'\\', ..] = path
        && drive.is_ascii_alphabetic()
    {
        return line.trim_ascii_end().ends_with(b">");
    }
    // sh-5.2$, ada@host:/tmp$, [root@host ~]#, and the bare ones of sh and root's.
    let end = line.ends_with(b"$ ") || line.ends_with(b"# ");
    let head = line.get(..line.len().saturating_sub(2)).unwrap_or(&[]);
    let named = head.is_empty()
        || head.starts_with(b"sh-")
        || head.starts_with(b"bash-")
        || (head.contains(&b'@') && head.len() < MAX_LINE_LEN)
        || head.starts_with(b"/");
    end && named
}

/// Without the sequences that colour text (ECMA-48 §5.4).
fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line.iter();
    while let Some(byte) = rest.next() {
        match byte {
            0x1b => {
                // What stands up to a final byte, or up to a bell.
                let mut first = true;
                for b in rest.by_ref() {
                    let begins = std::mem::take(&mut first) && matches!(b, b'[' | b']');
                    if !begins && matches!(b, 0x40..=0x7e | 0x07) {
                        break;
                    }
                }
            }
            0x07 | 0x08 => {}
            b => out.push(*b),
        }
    }
    out
}

/// Is it a line that begins with a command?
fn is_command(bytes: &[u8]) -> bool {
    let word = bytes.trim_ascii().split(|b| matches!(b, b' ' | b';' | b'|' | b'\n')).next().unwrap_or(&[]);
    COMMANDS.binary_search(&word).is_ok()
}

impl Detector for InteractiveReverse {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Bursts, Kind::Ssh, Kind::Stranger]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Bursts(row) => self.bursts(row, cx),
            Row::Ssh(row) => self.ssh(row, cx),
            Row::Stranger(row) => self.stranger(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let owned = |t: &Talk| {
            t.keys.capacity()
                + t.lines.capacity() * size_of::<(bool, Box<[u8]>, u64)>()
                + t.lines.iter().map(|l| l.1.len()).sum::<usize>()
        };
        self.flows.held_len() + self.typed.held_len() + self.flows.iter().map(|(_, t)| owned(t)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.flows.forgotten() + self.typed.forgotten()
    }
}

#[cfg(test)]
mod tests;
