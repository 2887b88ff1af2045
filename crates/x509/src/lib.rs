//! Sekisho x509.
