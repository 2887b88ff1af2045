mod comparison;
mod coverage;
mod facts;
mod findings;
mod incidents;
mod lists;
mod pen;

use crate::Page;
use pen::{Pen, Style};

pub use comparison::render_comparison;

/// Narrower pages are laid out as if they were this wide.
const MIN_WIDTH: usize = 60;
/// Wider pages are no easier to read.
const MAX_WIDTH: usize = 160;

/// The page for a terminal of `width` columns; no line is wider (if `width` is at least 60). `colour` allows escape
/// sequences for bold and colour; without it the text is plain. Whatever came from the wire has passed [`crate::clean()`].
pub fn render_text(page: &Page, width: usize, colour: bool) -> String {
    let mut pen = Pen::new(width.clamp(MIN_WIDTH, MAX_WIDTH), colour);
    facts::completeness(&mut pen, page);
    incidents::incidents(&mut pen, page);
    findings::findings(&mut pen, page);
    facts::totals(&mut pen, page);
    lists::hosts(&mut pen, page);
    lists::services(&mut pen, page);
    lists::talkers(&mut pen, page);
    lists::protocols(&mut pen, page);
    lists::names(&mut pen, page);
    lists::certificates(&mut pen, page);
    lists::files(&mut pen, page);
    lists::logins(&mut pen, page);
    lists::anomalies(&mut pen, page);
    facts::unseen(&mut pen, page);
    coverage::coverage(&mut pen, page);
    facts::state(&mut pen, page);
    pen.finish()
}
