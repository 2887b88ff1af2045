//! Sekisho inflate.
