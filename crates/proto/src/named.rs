//! Names of numbers, with a text for those that have none.

use sekisho_record::{Kind, ToValue, Value};
use sekisho_types::Heap;
use std::borrow::Cow;

/// The name of a number, or a text that says which number it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named(Cow<'static, str>);

impl Named {
    /// `name` if there is one, else `prefix` and `n` in decimal.
    pub(crate) fn or_number(name: Option<&'static str>, prefix: &str, n: impl Into<u64>) -> Self {
        Self(name.map_or_else(|| Cow::Owned(format!("{prefix}{}", n.into())), Cow::Borrowed))
    }

    /// `name` if there is one, else `prefix` and `n` in hexadecimal.
    pub(crate) fn or_hex(name: Option<&'static str>, prefix: &str, n: impl Into<u64>) -> Self {
        Self(name.map_or_else(|| Cow::Owned(format!("{prefix}0x{:02x}", n.into())), Cow::Borrowed))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Named {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for Named {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl ToValue for Named {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Str(self.0.as_bytes())
    }
}

impl Heap for Named {
    fn heap_len(&self) -> usize {
        if let Cow::Owned(text) = &self.0 { text.heap_len() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_say_which() {
        assert_eq!(Named::or_number(Some("READ"), "unknown-", 1u8).as_str(), "READ");
        assert_eq!(Named::or_number(None, "unknown-", 200u8).as_str(), "unknown-200");
        assert_eq!(Named::or_hex(None, "service-", 5u8).as_str(), "service-0x05");
    }
}
