//! Sekisho files.
