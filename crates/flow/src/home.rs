use sekisho_types::{Addr, Subnet};

/// What is known of all addresses that begin with the same octet: a code, as a run has many of these tables.
type Code = u8;

/// Nobody asked yet: most tables meet few networks.
const UNKNOWN: Code = 0;
/// All of them are local.
const HOME: Code = 1;
/// None is.
const AWAY: Code = 2;
/// All networks have to be asked.
const ALL: Code = 3;
/// From here on: the list of networks that have to be asked.
const LISTS: Code = 4;

/// The home networks, asked for both ends of every new flow: for most addresses the first octet decides.
#[derive(Clone, Debug)]
pub(crate) struct HomeNets {
    v4: [Code; 256],
    v6: [Code; 256],
    nets: Vec<Subnet>,
    lists: Vec<Vec<Subnet>>,
}

impl HomeNets {
    pub(crate) fn new(nets: &[Subnet]) -> Self {
        Self { v4: [UNKNOWN; 256], v6: [UNKNOWN; 256], nets: nets.to_vec(), lists: Vec::new() }
    }

    pub(crate) fn contains(&mut self, addr: Addr) -> bool {
        let (table, octet) = match (addr.as_v4(), addr.octets()) {
            (Some([octet, ..]), _) => (&self.v4, octet),
            (None, &[octet, ..]) => (&self.v6, octet),
        };
        let any = |nets: &[Subnet]| nets.iter().any(|n| n.contains(addr));
        match table.get(usize::from(octet)).copied().unwrap_or(ALL) {
            HOME => true,
            AWAY => false,
            UNKNOWN => self.learn(addr, octet),
            ALL => any(&self.nets),
            list => self.lists.get(usize::from(list - LISTS)).is_some_and(|nets| any(nets)),
        }
    }

    #[cold]
    fn learn(&mut self, addr: Addr, octet: u8) -> bool {
        let is_v4 = addr.as_v4().is_some();
        let code = if is_v4 {
            self.look(Addr::v4([octet, 0, 0, 0]), Addr::v4([octet, 255, 255, 255]))
        } else {
            let (mut first, mut last) = ([0; 16], [255; 16]);
            (first[0], last[0]) = (octet, octet);
            self.look(Addr::v6(first), Addr::v6(last))
        };
        let table = if is_v4 { &mut self.v4 } else { &mut self.v6 };
        if let Some(place) = table.get_mut(usize::from(octet)) {
            *place = code;
        }
        self.nets.iter().any(|n| n.contains(addr))
    }

    /// Looks for networks between `first` and `last`, the addresses that agree in their first octet. A prefix that
    /// contains both contains all between.
    fn look(&mut self, first: Addr, last: Addr) -> Code {
        if self.nets.iter().any(|n| n.contains(first) && n.contains(last)) {
            return HOME;
        }
        let touches = |n: &&Subnet| n.contains(first) || (first..=last).contains(&n.network());
        let list: Vec<Subnet> = self.nets.iter().filter(touches).copied().collect();
        let Some(code) = Code::try_from(self.lists.len()).ok().and_then(|n| n.checked_add(LISTS)) else { return ALL };
        if list.is_empty() {
            return AWAY;
        }
        self.lists.push(list);
        code
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
