//! Sekisho flow.
