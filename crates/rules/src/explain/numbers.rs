//! Comparisons in words.

use crate::ir::{Compare, Int, Which};

/// `is 5`, `is above 5`.
pub(super) fn compare(compare: Compare) -> String {
    match compare {
        Compare::Eq(n) => format!("is {n}"),
        Compare::Ne(n) => format!("is not {n}"),
        Compare::Lt(n) => format!("is below {n}"),
        Compare::Le(n) => format!("is at most {n}"),
        Compare::Gt(n) => format!("is above {n}"),
        Compare::Ge(n) => format!("is at least {n}"),
        Compare::Between(a, b) => format!("is above {a} and below {b}"),
        Compare::NotBetween(a, b) => format!("is at most {a} or at least {b}"),
        Compare::Mask { mask, value, negated } => {
            format!("has the bits {value:#x} of {mask:#x}{}", if negated { " not" } else { "" })
        }
        Compare::AnyBit(mask) => format!("has one of the bits {mask:#x}"),
    }
}

/// The same of a number in thousandths.
pub(super) fn thousandths(value: Compare) -> String {
    let n = |n: u64| format!("{}.{:03}", n / 1000, n % 1000);
    match value {
        Compare::Eq(a) => format!("is {}", n(a)),
        Compare::Ne(a) => format!("is not {}", n(a)),
        Compare::Lt(a) => format!("is below {}", n(a)),
        Compare::Le(a) => format!("is at most {}", n(a)),
        Compare::Gt(a) => format!("is above {}", n(a)),
        Compare::Ge(a) => format!("is at least {}", n(a)),
        Compare::Between(a, b) => format!("is above {} and below {}", n(a), n(b)),
        other => compare(other),
    }
}

/// A number or a variable.
pub(super) fn int(int: Int) -> String {
    match int {
        Int::Number(n) => n.to_string(),
        Int::Var(n) => format!("variable {n}"),
    }
}

/// Which of several.
pub(super) fn which(which: Which) -> String {
    match which {
        Which::Any => "one of them".into(),
        Which::AnyOrAbsent => "one of them, if there are any,".into(),
        Which::All => "each of them".into(),
        Which::AllOrAbsent => "each of them, if there are any,".into(),
        Which::Index(n) if n < 0 => format!("number {} from the end", n.unsigned_abs()),
        Which::Index(n) => format!("number {n} (from 0)"),
        Which::IndexOrBeyond(n) => format!("number {n}, if there is one,"),
        Which::Matching(count) => format!("a number of them that {}", compare(count)),
        Which::Count => "their count".into(),
    }
}

/// Inclusive ranges.
pub(super) fn ranges(ranges: &[(u64, u64)]) -> String {
    let one = |&(a, b): &(u64, u64)| match (a, b) {
        (a, b) if a == b => a.to_string(),
        (a, u64::MAX) => format!("{a} and above"),
        (a, b) => format!("{a} to {b}"),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}
