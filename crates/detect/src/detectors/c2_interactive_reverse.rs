//! # c2-interactive-reverse
//! ## How
//! `shell-banner`: a TCP connection out of the network in a protocol that nobody knows, in which the host at home says what a command
//! line says (Windows' greeting, a prompt), and the other end commands. A connection outwards whose far end types is a
//! shell that was sent out.
//! ## Thresholds
//! Within the first 32 chunks: Windows' greeting; or a prompt of cmd.exe, PowerShell or a Unix shell at the end of what the host says, and a line of text from
//! outside; or two commands from outside that shells have, one of them answered.
//! ## State
//! 4,096 flows, 32 bytes each and up to four lines; the least recent forgotten.
//! ## Severity
//! High 0.9.
//! ## Benign
//! Consoles of network devices and games outside are the other way round: there the far end shows the prompt. What is known as Telnet, SSH, IRC or another
//! protocol is not looked at.
//! ## Blind
//! Encrypted shells. Shells between hosts at home. What is typed without prompt and known commands.
//! ## References
//! Zhang and Paxson, Detecting Backdoors, USENIX Security 2000; Zeek `detect-windows-shells.sig`; ATT&CK T1059.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row, Stranger};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::Uid;

static ABOUT: About = About {
    id: "c2-interactive-reverse",
    title: "someone types into this host from outside",
    means: "An outgoing connection behaves like a remote shell: the outside end types, this host answers.",
    techniques: &["T1059", "T1572", "T1571"],
    stage: Stage::C2,
    reasons: &[Reason {
        code: "shell-banner",
        means: "The host shows its command line to the far end, which commands.",
    }],
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

const MAX_FLOWS: usize = 4_096;
/// Lines kept of a flow, and bytes of each.
const MAX_LINES: usize = 4;
const MAX_LINE_LEN: usize = 120;
/// Commands that are enough without a prompt.
const MIN_COMMANDS: u8 = 2;
/// Longest line that somebody types.
const MAX_TYPED_LEN: u64 = 240;

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
    lines: Vec<(bool, Box<[u8]>, u64)>,
}

/// See the module.
pub(crate) struct InteractiveReverse {
    flows: Recent<Uid, Talk>,
}

impl InteractiveReverse {
    pub fn new(scope: &Scope) -> Self {
        Self { flows: Recent::of(scope, MAX_FLOWS) }
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
        let greeting = row.is_orig && row.bytes.trim_ascii_start().starts_with(b"Microsoft Windows [Version ");
        if row.is_orig {
            talk.prompt |= is_prompt(row.bytes);
            talk.answered |= talk.commands > 0;
        } else if row.len <= MAX_TYPED_LEN && row.bytes.ends_with(b"\n") {
            talk.typed = talk.typed.saturating_add(1);
            talk.commands = talk.commands.saturating_add(u8::from(is_command(row.bytes)));
        }
        if talk.lines.len() < MAX_LINES {
            let line = row.bytes.get(..MAX_LINE_LEN).unwrap_or(row.bytes);
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
        &[Kind::Stranger]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Stranger(row) = row {
            self.stranger(row, cx);
        }
    }

    fn held_len(&self) -> usize {
        let owned = |t: &Talk| {
            t.lines.capacity() * size_of::<(bool, Box<[u8]>, u64)>() + t.lines.iter().map(|l| l.1.len()).sum::<usize>()
        };
        self.flows.held_len() + self.flows.iter().map(|(_, t)| owned(t)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.flows.forgotten()
    }
}

#[cfg(test)]
mod tests;
