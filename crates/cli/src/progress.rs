//! Progress of long work, on standard error.

use crate::args::When;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;

/// How many bytes apart the plain lines are that `--progress always` writes where no terminal draws a bar.
const LINE_EVERY: u64 = 256 << 20;

/// Progress over the captures' bytes; silent unless wanted.
pub enum Progress {
    /// Nothing is shown.
    Silent,
    /// A terminal draws a bar.
    Bar(ProgressBar),
    /// Plain lines; the next one is due at so many bytes.
    Lines(Cell<u64>),
}

impl Progress {
    /// `total` bytes are to be read, if that is known.
    pub fn new(when: When, quiet: bool, total: Option<u64>) -> Self {
        let wanted = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => !quiet && std::io::stderr().is_terminal(),
        };
        if !wanted {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Cell::new(0));
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
        let template = match total {
            Some(_) => "{bar:30} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {msg}  {eta} left",
            None => "{bytes} read  {binary_bytes_per_sec}  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// `bytes` are read, which held `packets`.
    pub fn at(&self, bytes: u64, packets: u64) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!("{packets} packets"));
            }
            Self::Lines(due) if bytes >= due.get() => {
                due.set(bytes.saturating_add(LINE_EVERY));
                eprintln!("sekisho: {bytes} bytes read, {packets} packets");
            }
            Self::Lines(_) => {}
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
