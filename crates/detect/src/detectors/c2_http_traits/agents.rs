//! Programs by how they call themselves: which hosts have them, and in which order they send their fields.

use crate::detection::Scope;
use crate::table::Recent;

const MAX_AGENTS: usize = 16_384;
const MAX_HOSTS: usize = 16_384;
/// Orders told apart of an agent, and hosts of one.
const MAX_ORDERS: usize = 8;
const WITNESSES: usize = 4;
/// Hosts with agents without which one host's own says nothing.
const MIN_HOSTS: u64 = 5;
/// Other hosts with the same agent that order is compared with.
const MIN_OTHERS: usize = 3;
/// Requests of a host that tell its system, and which share of them does so.
const MIN_SYSTEM: u32 = 10;
const SYSTEM_PERCENT: u32 = 90;

/// An operating system as agents name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Android,
    Apple,
    Linux,
    Mac,
    Windows,
}

impl System {
    const ALL: [Self; 5] = [Self::Android, Self::Apple, Self::Linux, Self::Mac, Self::Windows];

    /// The system that a browser says it runs on.
    pub(super) fn of(agent: &[u8]) -> Option<Self> {
        let rest = agent.strip_prefix(b"Mozilla/")?;
        let has = |what: &str| memchr::memmem::find(rest, what.as_bytes()).is_some();
        if has("Windows") {
            Some(Self::Windows)
        } else if has("Android") {
            Some(Self::Android)
        } else if has("iPhone") || has("iPad") {
            Some(Self::Apple)
        } else if has("Macintosh") {
            Some(Self::Mac)
        } else {
            has("Linux").then_some(Self::Linux)
        }
    }
}

/// An order of fields, and the hosts that send it.
struct Order {
    order: u64,
    hosts: [u64; WITNESSES],
}

/// See the module.
pub(super) struct Agents {
    of: Recent<u64, Vec<Order>>,
    /// Requests of each host by system.
    systems: Recent<u64, [u32; System::ALL.len()]>,
}

impl Agents {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_AGENTS), systems: Recent::of(scope, MAX_HOSTS) }
    }

    /// `host` has sent a request of `agent`.
    pub fn note(&mut self, agent: u64, host: u64, order: u64, system: Option<System>) {
        let orders = self.of.at(agent, Vec::new);
        let at = orders.iter().position(|o| o.order == order);
        if at.is_none() && orders.len() < MAX_ORDERS {
            orders.push(Order { order, hosts: [0; WITNESSES] });
        }
        // What is beyond the orders that are told apart counts for the last of them.
        let at = at.unwrap_or(orders.len().saturating_sub(1));
        if let Some(known) = orders.get_mut(at)
            && !known.hosts.contains(&host)
            && let Some(free) = known.hosts.iter_mut().find(|h| **h == 0)
        {
            *free = host;
        }
        if let Some(system) = system
            && let Some(count) = self.systems.at(host, Default::default).get_mut(system as usize)
        {
            *count = count.saturating_add(1);
        }
    }

    /// Hosts with an agent, up to [`WITNESSES`] for each order.
    fn hosts(&self, agent: u64) -> Vec<u64> {
        let orders = self.of.peek(&agent).map_or(&[][..], Vec::as_slice);
        let mut all: Vec<u64> = orders.iter().flat_map(|o| o.hosts).filter(|h| *h != 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Has only one host that agent, of `hosts` that have any?
    pub fn is_alone(&self, agent: u64, hosts: u64) -> bool {
        hosts >= MIN_HOSTS && self.hosts(agent).len() <= 1
    }

    /// Does `host` alone send the fields of `agent` in this order, while several others agree on other ones?
    pub fn is_out_of_order(&self, agent: u64, host: u64, order: u64) -> bool {
        let orders = self.of.peek(&agent).map_or(&[][..], Vec::as_slice);
        let Some(own) = orders.iter().find(|o| o.order == order) else { return false };
        let alone = own.hosts.iter().all(|h| *h == 0 || *h == host);
        alone && self.hosts(agent).into_iter().filter(|h| *h != host).count() >= MIN_OTHERS
    }

    /// Does `host` usually show another system?
    pub fn is_foreign(&self, host: u64, system: System) -> bool {
        let Some(counts) = self.systems.peek(&host) else { return false };
        let all: u32 = counts.iter().fold(0, |a, b| a.saturating_add(*b));
        let own = counts.get(system as usize).copied().unwrap_or(0);
        let others = u64::from(all - own.min(all)) * 100;
        all >= MIN_SYSTEM && others >= u64::from(all) * u64::from(SYSTEM_PERCENT)
    }

    pub fn held_len(&self) -> usize {
        let orders = self.of.iter().map(|(_, all)| all.capacity() * size_of::<Order>()).sum::<usize>();
        self.of.held_len() + self.systems.held_len() + orders
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten() + self.systems.forgotten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems() {
        for (agent, system) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Some(System::Windows)),
            ("Mozilla/5.0 (Linux; Android 14)", Some(System::Android)),
            ("Mozilla/5.0 (X11; Linux x86_64)", Some(System::Linux)),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X)", Some(System::Apple)),
            ("Mozilla/5.0 (Macintosh; Intel)", Some(System::Mac)),
            ("curl/8", None),
        ] {
            assert_eq!(System::of(agent.as_bytes()), system, "{agent}");
        }
    }

    #[test]
    fn orders_and_systems_of_hosts() {
        let mut agents = Agents::new(&Scope::default());
        for host in 1..5 {
            agents.note(7, host, if host == 1 { 12 } else { 21 }, None);
        }
        assert!(agents.is_out_of_order(7, 1, 12) && !agents.is_out_of_order(7, 2, 21));
        assert!(!agents.is_out_of_order(7, 2, 12), "others do it, too");
        assert!(!agents.is_alone(7, 5));
        agents.note(8, 1, 12, None);
        assert!(agents.is_alone(8, 5) && !agents.is_alone(8, 4));
        for _ in 0..18 {
            agents.note(9, 1, 1, Some(System::Windows));
        }
        agents.note(9, 1, 1, Some(System::Linux));
        agents.note(9, 1, 1, Some(System::Linux));
        assert!(agents.is_foreign(1, System::Linux) && !agents.is_foreign(1, System::Windows));
        assert!(!agents.is_foreign(2, System::Linux));
    }
}
