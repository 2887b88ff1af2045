//! Sekisho output.
