//! Messages that do not end: a sender who lets them grow byte by byte must not have them parsed anew each time.

use super::{Call, ProtocolCase, Script, Step, replay_rounds};
use std::time::Instant;

/// What is sent instead of the rest of a message.
const FILLERS: [&[u8]; 9] = [b"A", b"\0", b" ", b"1", b"a\n", b"a: b\r\n", b"<a>", b"\xff", b"\0\0\0\x01"];

/// Where messages are cut off.
const CUTS: [usize; 6] = [1, 4, 9, 20, 60, usize::MAX];

/// Scripts of a case, and calls of each, that are tried.
const MAX_SCRIPTS: usize = 6;
const MAX_STEPS: usize = 10;

/// Bytes that follow at first, and where these took long.
const LENS: [usize; 2] = [1 << 12, 1 << 15];

/// A byte's call takes some 100 ns; on a loaded machine some trials take longer, but not eight times as many bytes.
const SUSPECT_NANOS: f64 = 2_000.0;

impl ProtocolCase {
    /// The worst that a byte of such a message takes, in nanoseconds by the clock, and where; `None` if nothing stands
    /// out.
    pub fn slowest_stall(&self) -> Option<(f64, String)> {
        let mut worst = None;
        for (n, script) in self.scripts.iter().enumerate().take(MAX_SCRIPTS) {
            for k in 0..script.steps.len().min(MAX_STEPS) {
                for (cut, filler) in CUTS.iter().flat_map(|cut| FILLERS.iter().map(move |f| (*cut, *f))) {
                    let Some(nanos) = self.stall(script, k, cut, filler) else { continue };
                    if worst.as_ref().is_none_or(|(most, _)| nanos > *most) {
                        let filler = filler.escape_ascii();
                        worst =
                            Some((nanos, format!("flow {n}, call {k} cut at {cut}, then {filler} again and again")));
                    }
                }
            }
        }
        worst
    }

    fn stall(&self, script: &Script, k: usize, cut: usize, filler: &[u8]) -> Option<f64> {
        let mut worst = None;
        for len in LENS {
            let case = Self { name: self.name.clone(), scripts: vec![script.stalled(k, cut, filler, len)?] };
            let start = Instant::now();
            replay_rounds(&case, 1);
            let nanos = start.elapsed().as_nanos() as f64 / len as f64;
            if nanos < SUSPECT_NANOS {
                return None;
            }
            worst = Some(nanos);
        }
        worst
    }
}

impl Script {
    /// The calls before the `k`-th, that one cut off, and then `len` bytes of `filler` singly.
    fn stalled(&self, k: usize, cut: usize, filler: &[u8], len: usize) -> Option<Self> {
        let at = self.steps.get(k)?;
        let Call::Data(dir, bytes) = &at.call else { return None };
        let copy = |step: &Step| Step { call: step.call.clone(), ..*step };
        let data = |bytes: &[u8]| Step { call: Call::Data(*dir, bytes.to_vec()), ..*at };
        let mut steps: Vec<Step> = self.steps.get(..k)?.iter().map(copy).collect();
        steps.push(data(bytes.get(..cut).unwrap_or(bytes)));
        steps.extend(filler.iter().cycle().take(len).map(|b| data(&[*b])));
        Some(Self {
            id: self.id,
            transport: self.transport,
            flow: self.flow,
            handed_over_by: self.handed_over_by,
            // A row cannot be copied; those who finish one begin one if there is none.
            begun: None,
            expected: self.expected.clone(),
            steps,
            last: self.last,
        })
    }
}
