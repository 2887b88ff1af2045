//! Sekisho capture.
