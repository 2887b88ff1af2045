//! Which fragments share a group, so that as few places as possible look like one.

use crate::fragment::weight;
use crate::table::fold;

/// A fragment as it stands in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Its bytes, zeros behind them; letters in lower case if any case will do.
    pub(crate) bytes: [u8; 4],
    /// How many there are.
    pub(crate) width: usize,
    pub(crate) nocase: bool,
}

impl Fragment {
    /// As [`fold`].
    pub(crate) fn folded(&self) -> u32 {
        fold(&self.bytes)
    }

    /// The lower and upper halves that its byte at place `n` may have, a bit for each.
    pub(crate) fn halves(&self, n: usize) -> (u16, u16) {
        let byte = self.bytes.get(n).copied().unwrap_or(0);
        let (low, high) = (1u16 << (byte & 15), 1u16 << (byte >> 4));
        let other = if self.nocase && byte.is_ascii_alphabetic() { 1u16 << ((byte ^ 0x20) >> 4) } else { 0 };
        (low, high | other)
    }
}

/// By the last byte first: neighbours have it in common, or its upper half.
impl Ord for Fragment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |f: &Self| (f.width, u32::from_le_bytes(f.bytes), f.nocase);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Fragment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Fragments of one group at most, if they can be divided so.
const GROUP_LEN_MAX: usize = 32;

/// How common half bytes are in traffic: by value, of the lower and the upper half.
struct Common {
    low: [f32; 16],
    high: [f32; 16],
}

impl Common {
    fn new() -> Self {
        let mut common = Self { low: [0.0; 16], high: [0.0; 16] };
        let mut sum = 0.0;
        for byte in 0..=u8::MAX {
            let weight = weight(byte) as f32;
            sum += weight;
            for (half, at) in [(&mut common.low, byte & 15), (&mut common.high, byte >> 4)] {
                if let Some(place) = half.get_mut(usize::from(at)) {
                    *place += weight;
                }
            }
        }
        common.low.iter_mut().chain(&mut common.high).for_each(|share| *share /= sum);
        common
    }
}

/// Half bytes of the fragments of a group at one place.
#[derive(Clone, Copy, Default)]
struct Place {
    low: u16,
    high: u16,
    low_share: f32,
    high_share: f32,
}

impl Place {
    fn add(&mut self, (low, high): (u16, u16), common: &Common) {
        let halves = [
            (&mut self.low, &mut self.low_share, low, &common.low),
            (&mut self.high, &mut self.high_share, high, &common.high),
        ];
        for (known, share, of, shares) in halves {
            let mut new = of & !*known;
            *known |= of;
            while new != 0 {
                *share += shares.get(new.trailing_zeros() as usize).unwrap_or(&0.0);
                new &= new - 1;
            }
        }
    }
}

/// Divides sorted fragments into so many lists at most, none of them empty: those lists of neighbours that are hit least by
/// chance.
pub(crate) fn divide(list: &[Fragment], count: usize) -> Vec<&[Fragment]> {
    if list.len() <= count {
        return list.chunks(1).collect();
    }
    let group_len_max = GROUP_LEN_MAX.max(list.len().div_ceil(count));
    let common = Common::new();
    // By number of lists: what the first fragments cost, and where the last of their lists begins.
    let mut costs = vec![f32::INFINITY; list.len() + 1];
    if let Some(first) = costs.first_mut() {
        *first = 0.0;
    }
    let mut starts: Vec<Vec<usize>> = Vec::with_capacity(count);
    let shares = shares(list, group_len_max, &common);
    for _ in 0..count {
        let mut next = vec![f32::INFINITY; list.len() + 1];
        let mut from = vec![0; list.len() + 1];
        for ((start, cost), of_start) in costs.iter().enumerate().zip(&shares) {
            let ends = next.iter_mut().zip(&mut from).skip(start + 1);
            for (share, (best, begin)) in of_start.iter().zip(ends) {
                if cost + share < *best {
                    (*best, *begin) = (cost + share, start);
                }
            }
        }
        starts.push(from);
        costs = next;
    }
    let mut lists = Vec::with_capacity(count);
    let mut end = list.len();
    for from in starts.iter().rev() {
        let start = from.get(end).copied().unwrap_or(0);
        lists.extend(list.get(start..end));
        end = start;
    }
    lists
}

/// For each start, for each length from one on: the share of places at which such a group is hit.
fn shares(list: &[Fragment], group_len_max: usize, common: &Common) -> Vec<Vec<f32>> {
    let of_start = |start: usize| {
        let mut places = [Place::default(); 4];
        let rest = list.iter().skip(start).take(group_len_max);
        rest.map(|fragment| {
            for (n, place) in places.iter_mut().enumerate() {
                place.add(fragment.halves(n), common);
            }
            places.iter().map(|place| place.low_share * place.high_share).product()
        })
        .collect()
    };
    (0..list.len()).map(of_start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_are_alike_share_a_group() {
        let fragment = |bytes: &[u8; 4]| Fragment { bytes: *bytes, width: 4, nocase: true };
        let mut sorted = [b"aaaa", b"abaa", b"zzzx", b"zyzx", b"\0\x01\0\xff"].map(fragment);
        sorted.sort_unstable();
        let mut lists = divide(&sorted, 3);
        lists.reverse();
        assert_eq!(lists, [&sorted[..2], &sorted[2..4], &sorted[4..]]);
        assert_eq!(divide(&sorted, 8).len(), 5);
        assert!(divide(&[], 8).is_empty());
        let many: Vec<Fragment> = (0..1000u32).map(|n| fragment(&n.to_le_bytes())).collect();
        let lists = divide(&many, 7);
        assert!(lists.len() == 7 && lists.iter().map(|list| list.len()).sum::<usize>() == 1000);
    }

    #[test]
    fn halves_of_letters_in_any_case() {
        let mut fragment = Fragment { bytes: *b"a0-\0", width: 3, nocase: true };
        assert_eq!(fragment.halves(0), (1 << 1, 1 << 6 | 1 << 4));
        assert_eq!(fragment.halves(1), (1, 1 << 3));
        fragment.nocase = false;
        assert_eq!(fragment.halves(0), (1 << 1, 1 << 6));
    }
}
