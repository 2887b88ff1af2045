//! Sekisho engine.
