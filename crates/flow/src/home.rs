use sekisho_types::{Addr, Subnet};
use std::ops::Range;

/// What is known of all addresses that begin with the same octet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Octet {
    /// Nobody asked yet: a run has many tables, and most meet few networks.
    Unknown,
    /// All of them are local.
    Home,
    /// These networks have to be asked; often there are none.
    Ask(Range<usize>),
}

/// The home networks, asked for both ends of every new flow: for most addresses the first octet decides.
#[derive(Clone, Debug)]
pub(crate) struct HomeNets {
    v4: Vec<Octet>,
    v6: Vec<Octet>,
    nets: Vec<Subnet>,
    /// Those that an [`Octet`] refers to.
    asked: Vec<Subnet>,
}

impl HomeNets {
    pub(crate) fn new(nets: &[Subnet]) -> Self {
        let unknown = || vec![Octet::Unknown; 256];
        Self { v4: unknown(), v6: unknown(), nets: nets.to_vec(), asked: Vec::new() }
    }

    /// Looks for networks between `first` and `last`, the addresses that agree in their first octet. A prefix that
    /// contains both contains all between.
    fn look(&mut self, first: Addr, last: Addr) -> Octet {
        if self.nets.iter().any(|n| n.contains(first) && n.contains(last)) {
            return Octet::Home;
        }
        let begin = self.asked.len();
        let touches = |n: &&Subnet| n.contains(first) || (first..=last).contains(&n.network());
        self.asked.extend(self.nets.iter().filter(touches));
        Octet::Ask(begin..self.asked.len())
    }

    pub(crate) fn contains(&mut self, addr: Addr) -> bool {
        let (table, octet) = match (addr.as_v4(), addr.octets()) {
            (Some([octet, ..]), _) => (&self.v4, octet),
            (None, &[octet, ..]) => (&self.v6, octet),
        };
        match table.get(usize::from(octet)) {
            Some(Octet::Home) => true,
            Some(Octet::Ask(nets)) => self.asked.get(nets.clone()).is_some_and(|l| l.iter().any(|n| n.contains(addr))),
            Some(Octet::Unknown) => self.learn(addr, octet),
            None => false,
        }
    }

    #[cold]
    fn learn(&mut self, addr: Addr, octet: u8) -> bool {
        let is_v4 = addr.as_v4().is_some();
        let known = if is_v4 {
            self.look(Addr::v4([octet, 0, 0, 0]), Addr::v4([octet, 255, 255, 255]))
        } else {
            let (mut first, mut last) = ([0; 16], [255; 16]);
            (first[0], last[0]) = (octet, octet);
            self.look(Addr::v6(first), Addr::v6(last))
        };
        let table = if is_v4 { &mut self.v4 } else { &mut self.v6 };
        if let Some(place) = table.get_mut(usize::from(octet)) {
            *place = known;
        }
        self.nets.iter().any(|n| n.contains(addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home_nets_default;

    #[test]
    fn agrees_with_the_list() {
        let lists: [Vec<Subnet>; 4] = [
            home_nets_default(),
            ["::/0"].map(|s| s.parse().unwrap()).to_vec(),
            ["0.0.0.0/0", "fe80::/10"].map(|s| s.parse().unwrap()).to_vec(),
            ["::/64", "8.8.0.0/16", "64.0.0.0/4", "2000::/3"].map(|s| s.parse().unwrap()).to_vec(),
        ];
        for nets in lists {
            let mut home = HomeNets::new(&nets);
            for a in 0..=255u8 {
                for b in [0, 1, 8, 64, 127, 128, 168, 254, 255] {
                    let v4 = Addr::v4([a, b, 3, 4]);
                    let mut v6 = [0; 16];
                    (v6[0], v6[1], v6[15]) = (a, b, 1);
                    for addr in [v4, Addr::v6(v6)] {
                        assert_eq!(home.contains(addr), nets.iter().any(|n| n.contains(addr)), "{addr} {nets:?}");
                    }
                }
            }
            for addr in ["::", "::1", "::2", "::fffe:1.2.3.4"] {
                let addr: Addr = addr.parse().unwrap();
                assert_eq!(home.contains(addr), nets.iter().any(|n| n.contains(addr)), "{addr}");
            }
        }
    }
}
