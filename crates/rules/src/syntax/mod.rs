//! From text to a tree with places: lines to rules, rules to heads and options, groups of addresses and ports, numbers.

mod groups;
mod lines;
mod numbers;
mod tree;

pub(crate) use groups::Groups;
pub(crate) use lines::{Line, rules};
pub(crate) use numbers::{compare, integer};
pub(crate) use tree::{Choice, Tree, Word, choices, parts, tree};
