//! Statistics that judgements share (`detections.md` §1.4): plain functions and small states, which know no row.

pub(crate) mod distinct;
pub(crate) mod hints;
pub(crate) mod randomness;
pub(crate) mod regularity;
pub(crate) mod robust;
pub(crate) mod seasonal;
pub(crate) mod window;
