//! Sekisho testkit.
