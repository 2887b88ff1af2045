//! Sekisho proto.
