//! Sekisho report.
