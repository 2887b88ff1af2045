//! What values own on the heap, for whoever divides memory.

/// What an allocation of `len` bytes takes of the machine: 64-bit allocators keep a header of eight bytes and hand
/// out multiples of sixteen, at least 32. Nothing is taken for nothing.
pub const fn block_len(len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let whole = len.saturating_add(8 + 15) & !15;
    if whole < 32 { 32 } else { whole }
}

/// What the elements of `list` take, not what these own in turn.
pub fn list_len<T>(list: &Vec<T>) -> usize {
    block_len(list.capacity().saturating_mul(size_of::<T>()))
}

/// Tells how many bytes of heap a value owns, itself not included.
///
/// Meant to be cheap rather than perfect: capacities of a few buffers, counters where there are many.
pub trait Heap {
    /// Bytes owned, by what the allocations take ([`block_len`]).
    fn heap_len(&self) -> usize;
}

impl Heap for Vec<u8> {
    fn heap_len(&self) -> usize {
        block_len(self.capacity())
    }
}

impl Heap for String {
    fn heap_len(&self) -> usize {
        block_len(self.capacity())
    }
}

impl<T: Heap> Heap for Option<T> {
    fn heap_len(&self) -> usize {
        self.as_ref().map_or(0, Heap::heap_len)
    }
}

impl<T: Heap> Heap for Box<T> {
    fn heap_len(&self) -> usize {
        block_len(size_of::<T>()).saturating_add(T::heap_len(self))
    }
}

impl<T: Heap> Heap for [T] {
    fn heap_len(&self) -> usize {
        self.iter().map(Heap::heap_len).fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_blocks() {
        assert_eq!([0, 1, 24, 25, 40, 41].map(block_len), [0, 32, 32, 48, 48, 64]);
        let name = Some(Box::new(Vec::<u8>::with_capacity(100)));
        assert_eq!(name.heap_len(), 32 + 112);
        assert_eq!([String::new(), "a".to_owned()].heap_len(), 32);
    }
}
