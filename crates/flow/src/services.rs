use crate::Flow;
use sekisho_record::{Kind, ToValue, Value};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Services kept per flow; further ones are ignored.
const SERVICE_MAX_COUNT: usize = 8;

/// Different names that flows can refer to, program-wide; more than there are protocols.
const NAME_MAX_COUNT: usize = 255;

/// Every name given so far: a flow keeps one byte for each of its services. The order depends on who came first and
/// is seen nowhere.
static NAMES: [OnceLock<&'static str>; NAME_MAX_COUNT] = [const { OnceLock::new() }; NAME_MAX_COUNT];

/// The number of `name`, from 1; 0 if there is no place for it.
fn number(name: &'static str) -> u8 {
    let known = (1u8..).zip(NAMES.iter().map_while(OnceLock::get));
    // Nearly always it is the very same text.
    let same = known.clone().find(|(_, k)| std::ptr::eq(**k, name));
    if let Some((n, _)) = same {
        return n;
    }
    for (n, place) in (1u8..).zip(&NAMES) {
        if *place.get_or_init(|| name) == name {
            return n;
        }
    }
    0
}

/// The name with a number.
fn named(number: u8) -> Option<&'static str> {
    NAMES.get(usize::from(number.checked_sub(1)?))?.get().copied()
}

/// A protocol that was taken back from a flow's services and doesn't come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Barred(u8);

impl Flow {
    /// The flow certainly speaks `service`, as far as Zeek is concerned.
    pub fn add_service(&mut self, service: &'static str) {
        if self.services.begins_with(service) {
            return;
        }
        let n = number(service);
        if n != self.barred.0 {
            self.services.add_number(n);
        }
    }

    /// The services that Zeek would name.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Takes `service` back for good: its protocol was violated.
    pub fn bar_service(&mut self, service: &'static str) {
        self.barred = Barred(number(service));
        self.services.remove(service);
    }
}

/// The application protocols confirmed in a flow, in the order of their confirmation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Services([u8; SERVICE_MAX_COUNT]);

impl Services {
    /// Adds `name` unless it is there already.
    pub fn add(&mut self, name: &'static str) {
        if !self.begins_with(name) {
            self.add_number(number(name));
        }
    }

    /// Is the first of them the very text `name`? Parsers confirm again and again what they are.
    fn begins_with(&self, name: &'static str) -> bool {
        let [first, ..] = self.0;
        named(first).is_some_and(|known| std::ptr::eq(known, name))
    }

    fn add_number(&mut self, n: u8) {
        for place in &mut self.0 {
            if *place == 0 {
                *place = n;
            }
            if *place == n {
                return;
            }
        }
    }

    /// Takes `name` away again, e.g. after a protocol violation.
    pub fn remove(&mut self, name: &str) {
        let kept = *self;
        *self = Self::default();
        for (place, n) in self.0.iter_mut().zip(kept.0.into_iter().filter(|n| named(*n).is_some_and(|k| k != name))) {
            *place = n;
        }
    }

    /// Is `name` confirmed?
    pub fn contains(&self, name: &'static str) -> bool {
        self.iter().any(|n| n == name)
    }

    /// How many are confirmed.
    pub fn len(&self) -> usize {
        self.0.iter().filter(|n| **n != 0).count()
    }

    /// Is none confirmed?
    pub fn is_empty(&self) -> bool {
        self.0[0] == 0
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map_while(|n| named(*n))
    }

    /// The comma-joined names for a record; `None` if there are none.
    pub fn names(&self) -> Option<ServiceNames> {
        let mut names = self.iter();
        let mut out = SmallVec::from_slice(names.next()?.as_bytes());
        for name in names {
            out.push(b',');
            out.extend_from_slice(name.as_bytes());
        }
        out.make_ascii_lowercase();
        Some(ServiceNames(out))
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
        assert_eq!((s.names().unwrap().as_str(), s.len()), ("smtp,ssl", 2));
        s.remove("smtp");
        assert!(s.contains("ssl") && !s.contains("smtp"));
        assert_eq!(s.names().unwrap().as_str(), "ssl");
        s.remove("ssl");
        assert!(s.is_empty());
    }

    #[test]
    fn what_was_taken_back_does_not_come_again() {
        let mut flow = Flow::default();
        flow.add_service("pop3");
        flow.bar_service("pop3");
        flow.add_service("pop3");
        flow.add_service("ssl");
        assert_eq!(flow.services.names().unwrap().as_str(), "ssl");
    }

    #[test]
    fn limits_count() {
        let mut s = Services::default();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            s.add(name);
        }
        assert_eq!((s.iter().count(), s.len()), (SERVICE_MAX_COUNT, SERVICE_MAX_COUNT));
        assert!(s.contains("h") && !s.contains("i"));
    }
}
