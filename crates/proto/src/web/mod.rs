//! What the versions of HTTP have in common: the row, the header fields that matter, the content on its way to files.
//! A helper of HTTP/1 and HTTP/2, no protocol.

pub(crate) mod api;
mod body;
mod field;
mod record;

pub(crate) use body::{Body, Codings};
pub(crate) use field::{Name, name, request_field, target, uri_name};
pub use record::HttpRecord;
