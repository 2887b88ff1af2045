use sekisho_types::{Addr, Subnet};
use std::ops::Range;

/// What is known of all addresses that begin with the same octet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Octet {
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
    /// Those that an [`Octet`] refers to.
    nets: Vec<Subnet>,
}

impl HomeNets {
    pub(crate) fn new(nets: &[Subnet]) -> Self {
        let mut home = Self { v4: Vec::new(), v6: Vec::new(), nets: Vec::new() };
        for octet in 0..=255 {
            let (mut first, mut last) = ([0; 16], [255; 16]);
            (first[0], last[0]) = (octet, octet);
            let v4 = home.octet(nets, Addr::v4([octet, 0, 0, 0]), Addr::v4([octet, 255, 255, 255]));
            let v6 = home.octet(nets, Addr::v6(first), Addr::v6(last));
            home.v4.push(v4);
            home.v6.push(v6);
        }
        home
    }

    /// What `nets` say of the addresses that agree in their first octet, from `first` to `last`. A prefix that
    /// contains both contains all between.
    fn octet(&mut self, nets: &[Subnet], first: Addr, last: Addr) -> Octet {
        if nets.iter().any(|n| n.contains(first) && n.contains(last)) {
            return Octet::Home;
        }
        let begin = self.nets.len();
        let touches = |n: &&Subnet| n.contains(first) || (first..=last).contains(&n.network());
        self.nets.extend(nets.iter().filter(touches));
        Octet::Ask(begin..self.nets.len())
    }

    pub(crate) fn contains(&self, addr: Addr) -> bool {
        let (table, octet) = match (addr.as_v4(), addr.octets()) {
            (Some([octet, ..]), _) => (&self.v4, octet),
            (None, &[octet, ..]) => (&self.v6, octet),
        };
        match table.get(usize::from(octet)) {
            Some(Octet::Home) => true,
            Some(Octet::Ask(nets)) => self.nets.get(nets.clone()).is_some_and(|l| l.iter().any(|n| n.contains(addr))),
            None => false,
        }
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
            let home = HomeNets::new(&nets);
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
