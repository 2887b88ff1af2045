//! What the value types own on the heap.

use crate::{Set, Text, UnsetIfEmpty};
use sekisho_types::{Heap, list_len};

impl Heap for Text {
    fn heap_len(&self) -> usize {
        self.0.heap_len()
    }
}

impl<T: Heap> Heap for Set<T> {
    fn heap_len(&self) -> usize {
        list_len(&self.0).saturating_add(self.0.as_slice().heap_len())
    }
}

impl<T: Heap> Heap for UnsetIfEmpty<T> {
    fn heap_len(&self) -> usize {
        list_len(&self.0).saturating_add(self.0.as_slice().heap_len())
    }
}
