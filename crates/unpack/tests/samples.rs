//! Nested samples made by the real tools: every leaf must be found with its content.
//!
//! Each sample is a shell script that makes `out` from three leaves. Samples whose tools are missing are left out, unless
//! `SEKISHO_UNPACK_ALL` is set, as `cargo xtask unpack-samples` does after installing the tools.

use sekisho_unpack::{Budget, Content, Limits, Tree, Unpacker};
use std::fs;
use std::path::PathBuf;

#[path = "kit/samples.rs"]
mod kit;

use kit::{SAMPLES, Sample, leaves, make, sha256};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sekisho-unpack-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Leaves of `sample` that weren't found; `None` if a tool is missing.
fn missing(sample: &Sample) -> Option<Vec<String>> {
    let (name, _, _, wanted) = *sample;
    let folder = folder(name);
    let bytes = make(sample, &folder)?;
    let mut tree = Tree::default();
    let passwords = [b"wrong".to_vec(), b"secret".to_vec()];
    let mut budget = Budget::default();
    Unpacker::new(&mut budget).passwords(&passwords).run(Content::from_bytes(&bytes), name.as_bytes(), &mut tree);
    let lost: Vec<String> = leaves(wanted)
        .filter(|leaf| {
            let sum = sha256(&folder.join(leaf));
            !tree.nodes.iter().any(|n| n.sha256 == sum)
        })
        .map(|leaf| {
            let seen: Vec<_> = tree
                .nodes
                .iter()
                .map(|n| format!("{} {:?} {} {} {:?}", n.path, n.kind, n.len, n.completeness, n.anomalies))
                .collect();
            format!("{name}: {leaf} is missing among\n  {}", seen.join("\n  "))
        })
        .collect();
    shake(&bytes);
    fs::remove_dir_all(&folder).unwrap();
    Some(lost)
}

/// Damaged and cut variants of a sample: whatever comes of them, it stays within the budget and nothing panics.
fn shake(sample: &[u8]) {
    const VARIANT_COUNT: u64 = 24;
    let limits = Limits { members: 1000, total_len: 4 << 20, work: 64 << 20, ..Limits::default() };
    for variant in 1..=VARIANT_COUNT {
        let mut state = variant.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as usize % below.max(1)
        };
        let mut bytes = sample.to_vec();
        for _ in 0..1 + next(12) {
            // Headers are at the beginning or at the end.
            let (len, near) = (bytes.len(), 1 + next(600));
            let at = match next(3) {
                0 => next(len),
                1 => next(near.min(len)),
                _ => len - 1 - next(near.min(len)),
            };
            bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][next(6)] ^ if next(2) == 0 { bytes[at] } else { 0 };
        }
        if next(3) == 0 {
            bytes.truncate(1 + next(bytes.len()));
        }
        let (mut tree, mut budget) = (Tree::default(), Budget::new(limits));
        Unpacker::new(&mut budget).run(Content::from_bytes(&bytes), b"", &mut tree);
        assert!(budget.total_len() <= limits.total_len && budget.members() <= limits.members, "{budget:?}");
    }
}

#[test]
fn every_leaf_is_found() {
    let all = std::env::var_os("SEKISHO_UNPACK_ALL").is_some();
    let (mut lost, mut left_out) = (Vec::new(), Vec::new());
    for sample in SAMPLES {
        match missing(sample) {
            Some(more) => lost.extend(more),
            None => left_out.push(sample.0),
        }
    }
    println!("{} samples, {} left out for want of tools: {}", SAMPLES.len(), left_out.len(), left_out.join(" "));
    assert!(lost.is_empty(), "{} leaves lost\n{}", lost.len(), lost.join("\n"));
    assert!(!all || left_out.is_empty(), "tools are missing for: {}", left_out.join(" "));
}

#[test]
fn there_are_enough_samples() {
    assert!(SAMPLES.len() >= 40);
}
