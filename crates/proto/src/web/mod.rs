//! What the versions of HTTP have in common: the row, the header fields that matter, the content on its way to files.
//! A helper of HTTP/1, HTTP/2 and QUIC, no protocol.

pub(crate) mod api;
mod auth;
mod body;
mod client;
mod field;
mod mapping;
pub(crate) mod page;
mod record;
pub(crate) mod seen;
mod streams;

pub(crate) use auth::ntlm_message;
pub(crate) use body::{Body, Codings};
pub use client::WebClientRecord;
pub(crate) use field::{Name, name, request_field, target, uri_name};
pub use mapping::PortMappingRecord;
pub use page::{WebPageRecord, WebRequestRecord};
pub use record::HttpRecord;
#[cfg(test)]
pub(crate) use streams::{MAX_STREAMS, MAX_UNANSWERED_RESETS};
pub(crate) use streams::{Streams, Version};
