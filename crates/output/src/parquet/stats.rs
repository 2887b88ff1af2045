//! The least and the greatest value of a chunk, for readers that skip row groups.

use super::chunk::Spelled;
use super::column::Values;
use super::leaf::Form;
use super::thrift::Struct;
use std::cmp::Ordering;

/// Longer texts are not told.
const MAX_TEXT_LEN: usize = 64;

pub struct Stats {
    /// Values that are set.
    count: usize,
    /// Both as a dictionary would have them, without lengths.
    ends: Option<(Vec<u8>, Vec<u8>)>,
}

impl Stats {
    /// Of all `values`.
    pub fn new(form: Form, values: &Values) -> Self {
        match values {
            // Two values tell nothing.
            Values::Bits(bits) => Self { count: bits.len(), ends: None },
            Values::Numbers(numbers) => Self { count: numbers.len(), ends: of_numbers(form, numbers) },
            Values::Texts(texts) => Self { count: texts.len(), ends: of_texts(form, texts.distinct()) },
        }
    }

    /// The fields of a `Statistics`; the chunk has `entries`.
    pub fn describe(&self, entries: u64, s: &mut Struct<'_>) {
        s.i64(3, entries.saturating_sub(self.count as u64).cast_signed());
        if let Some((least, greatest)) = &self.ends {
            s.binary(5, greatest);
            s.binary(6, least);
        }
    }
}

fn of_numbers(form: Form, numbers: &[i64]) -> Option<(Vec<u8>, Vec<u8>)> {
    let order = |a: &i64, b: &i64| match form {
        Form::Count => a.cast_unsigned().cmp(&b.cast_unsigned()),
        Form::Double => double(*a).partial_cmp(&double(*b)).unwrap_or(Ordering::Equal),
        _ => a.cmp(b),
    };
    let counted = || numbers.iter().copied().filter(|&v| form != Form::Double || !double(v).is_nan());
    let (mut least, mut greatest) = (counted().min_by(order)?, counted().max_by(order)?);
    if form == Form::Double && double(least) == 0.0 {
        // Zeros of either sign count as equal: the specification wants the outer ones.
        least = (-0.0f64).to_bits().cast_signed();
    }
    if form == Form::Double && double(greatest) == 0.0 {
        greatest = 0;
    }
    let len = if form == Form::Port { size_of::<i32>() } else { size_of::<i64>() };
    Some((least.to_le_bytes()[..len].to_vec(), greatest.to_le_bytes()[..len].to_vec()))
}

fn double(bits: i64) -> f64 {
    f64::from_bits(bits.cast_unsigned())
}

fn of_texts<'a>(form: Form, texts: impl Iterator<Item = &'a [u8]>) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut room = Spelled::default();
    let mut ends: Option<(Vec<u8>, Vec<u8>)> = None;
    for text in texts {
        let text = room.of(form, text);
        match &mut ends {
            None => ends = Some((text.to_vec(), text.to_vec())),
            Some((least, _)) if text < &least[..] => replace(least, text),
            Some((_, greatest)) if text > &greatest[..] => replace(greatest, text),
            Some(_) => {}
        }
    }
    ends.filter(|(least, greatest)| least.len() <= MAX_TEXT_LEN && greatest.len() <= MAX_TEXT_LEN)
}

fn replace(old: &mut Vec<u8>, new: &[u8]) {
    old.clear();
    old.extend_from_slice(new);
}
