//! Which device of one side is which of the other.

use super::MatchedBy;
use super::facts::Facts;
use std::collections::BTreeMap;

/// Devices with one hardware address are one: an address of IPv4 and those of IPv6.
pub(super) fn grouped(devices: &[Facts]) -> Vec<Facts> {
    let mut all: Vec<Facts> = Vec::new();
    let mut by_mac: BTreeMap<&str, usize> = BTreeMap::new();
    for device in devices {
        let place = device.mac.as_deref().and_then(|m| by_mac.get(m).copied());
        match place.and_then(|p| all.get_mut(p)) {
            Some(group) => group.absorb(device),
            None => {
                if let Some(mac) = &device.mac {
                    by_mac.insert(mac, all.len());
                }
                all.push(device.clone());
            }
        }
    }
    all
}

/// What a device may be found by.
type Keys<'a> = &'a dyn Fn(&Facts) -> Vec<String>;

/// A device on both sides, or on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub sides: [Option<usize>; 2],
    pub by: MatchedBy,
}

/// Pairs by hardware address, then by name, then by address; what is alike more than once on a side does not count.
pub(super) fn pairs(before: &[Facts], after: &[Facts]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut free = [vec![true; before.len()], vec![true; after.len()]];
    let mac = |d: &Facts| d.mac.iter().map(|m| m.to_ascii_lowercase()).collect::<Vec<_>>();
    let name = |d: &Facts| d.name.iter().map(|n| n.to_ascii_lowercase()).collect::<Vec<_>>();
    let addrs = |d: &Facts| d.addrs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ways: [(MatchedBy, Keys<'_>); 3] =
        [(MatchedBy::Mac, &mac), (MatchedBy::Name, &name), (MatchedBy::Address, &addrs)];
    for (by, keys) in ways {
        let [b, a] = [(before, &free[0]), (after, &free[1])].map(|(devices, free)| index(devices, free, keys));
        for (key, place) in b {
            let (Some(x), Some(Some(y))) = (place, a.get(&key)) else { continue };
            let [left, right] = &mut free;
            if let (Some(left), Some(right)) = (left.get_mut(x), right.get_mut(*y))
                && *left
                && *right
            {
                (*left, *right) = (false, false);
                pairs.push(Pair { sides: [Some(x), Some(*y)], by });
            }
        }
    }
    let [left, right] = free;
    let alone = |free: Vec<bool>| free.into_iter().enumerate().filter(|f| f.1).map(|f| f.0);
    pairs.extend(alone(left).map(|x| Pair { sides: [Some(x), None], by: MatchedBy::Nothing }));
    pairs.extend(alone(right).map(|y| Pair { sides: [None, Some(y)], by: MatchedBy::Nothing }));
    pairs
}

/// Devices not yet paired by key; `None` for a key of several.
fn index(devices: &[Facts], free: &[bool], keys: Keys<'_>) -> BTreeMap<String, Option<usize>> {
    let mut index = BTreeMap::new();
    for (i, device) in devices.iter().enumerate().filter(|(i, _)| free.get(*i) == Some(&true)) {
        for key in keys(device) {
            index.entry(key).and_modify(|place| *place = None).or_insert(Some(i));
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(addr: &str, mac: Option<&str>, name: Option<&str>) -> Facts {
        Facts {
            addrs: vec![addr.parse().unwrap()],
            mac: mac.map(str::to_owned),
            name: name.map(str::to_owned),
            ..Facts::default()
        }
    }

    #[test]
    fn hardware_address_comes_before_name_and_address() {
        let before = [
            device("10.0.0.1", Some("02::1"), Some("a")),
            device("10.0.0.2", None, Some("printer")),
            device("10.0.0.3", None, None),
            device("10.0.0.4", None, Some("twin")),
            device("10.0.0.9", None, None),
        ];
        let after = [
            device("10.0.0.2", Some("02::1"), None),
            device("10.0.0.1", None, Some("Printer")),
            device("10.0.0.3", Some("02::3"), None),
            device("10.0.0.5", None, Some("twin")),
            device("10.0.0.6", None, Some("twin")),
        ];
        let got: Vec<_> = pairs(&before, &after).iter().map(|p| (p.sides, p.by)).collect();
        assert_eq!(
            got,
            [
                ([Some(0), Some(0)], MatchedBy::Mac),
                ([Some(1), Some(1)], MatchedBy::Name),
                ([Some(2), Some(2)], MatchedBy::Address),
                ([Some(3), None], MatchedBy::Nothing),
                ([Some(4), None], MatchedBy::Nothing),
                ([None, Some(3)], MatchedBy::Nothing),
                ([None, Some(4)], MatchedBy::Nothing),
            ]
        );
    }

    #[test]
    fn addresses_of_one_hardware_address_are_one_device() {
        let devices = [
            device("10.0.0.1", Some("02::1"), None),
            device("fe80::1", Some("02::1"), Some("a")),
            device("10.0.0.2", None, None),
        ];
        let groups = grouped(&devices);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].addrs.len(), groups[0].name.as_deref()), (2, Some("a")));
    }
}
