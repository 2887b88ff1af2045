use sekisho_record::{Kind, ToValue, Value};
use smallvec::SmallVec;

/// Services kept per flow; further ones are ignored.
const SERVICE_MAX_COUNT: usize = 8;

/// The application protocols confirmed in a flow, in the order of their confirmation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(SmallVec<[&'static str; 1]>);

impl Services {
    /// Adds `name` unless it is there already.
    pub fn add(&mut self, name: &'static str) {
        if self.0.len() < SERVICE_MAX_COUNT && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// Takes `name` away again, e.g. after a protocol violation.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|n| *n != name);
    }

    /// Is `name` confirmed?
    pub fn contains(&self, name: &'static str) -> bool {
        self.0.contains(&name)
    }

    /// How many are confirmed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is none confirmed?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }

    /// The comma-joined names for a record; `None` if there are none.
    pub fn names(&self) -> Option<ServiceNames> {
        let mut out = SmallVec::new();
        for name in &self.0 {
            if !out.is_empty() {
                out.push(b',');
            }
            out.extend(name.bytes().map(|b| b.to_ascii_lowercase()));
        }
        (!out.is_empty()).then_some(ServiceNames(out))
    }
}

/// Names joined by commas, as conn.log prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceNames(SmallVec<[u8; 16]>);

impl ServiceNames {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl ToValue for ServiceNames {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_in_order_without_duplicates() {
        let mut s = Services::default();
        assert_eq!(s.names(), None);
        s.add("smtp");
        s.add("ssl");
        s.add("smtp");
        assert_eq!(s.names().unwrap().as_str(), "smtp,ssl");
        s.remove("smtp");
        assert!(s.contains("ssl") && !s.contains("smtp"));
        assert_eq!(s.names().unwrap().as_str(), "ssl");
    }

    #[test]
    fn limits_count() {
        let mut s = Services::default();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            s.add(name);
        }
        assert_eq!(s.iter().count(), SERVICE_MAX_COUNT);
    }
}
