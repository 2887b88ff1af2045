use sekisho_types::{Addr, Subnet};

/// What is known of all addresses that begin with the same octet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Octet {
    /// Nobody asked yet.
    #[default]
    Unknown,
    /// None is local.
    Away,
    /// All are.
    Home,
    /// The list has to be asked.
    Mixed,
}

/// The home networks, asked for both ends of every new flow: for most addresses the first octet decides.
#[derive(Clone, Debug)]
pub(crate) struct HomeNets {
    v4: [Octet; 256],
    v6: [Octet; 256],
    nets: Vec<Subnet>,
}

impl HomeNets {
    pub(crate) fn new(nets: &[Subnet]) -> Self {
        Self { v4: [Octet::Unknown; 256], v6: [Octet::Unknown; 256], nets: nets.to_vec() }
    }

    pub(crate) fn contains(&mut self, addr: Addr) -> bool {
        let (table, octet) = match (addr.as_v4(), addr.octets()) {
            (Some([octet, ..]), _) => (&mut self.v4, octet),
            (None, &[octet, ..]) => (&mut self.v6, octet),
        };
        let Some(known) = table.get_mut(usize::from(octet)) else { return false };
        if *known == Octet::Unknown {
            *known = if addr.as_v4().is_some() {
                class(&self.nets, Addr::v4([octet, 0, 0, 0]), Addr::v4([octet, 255, 255, 255]))
            } else {
                let (mut first, mut last) = ([0; 16], [255; 16]);
                (first[0], last[0]) = (octet, octet);
                class(&self.nets, Addr::v6(first), Addr::v6(last))
            };
        }
        match *known {
            Octet::Away => false,
            Octet::Home => true,
            Octet::Mixed | Octet::Unknown => self.nets.iter().any(|n| n.contains(addr)),
        }
    }
}

/// What `nets` say of the addresses that agree in their first octet, from `first` to `last`. A prefix that contains
/// both contains all between.
fn class(nets: &[Subnet], first: Addr, last: Addr) -> Octet {
    if nets.iter().any(|n| n.contains(first) && n.contains(last)) {
        return Octet::Home;
    }
    let touches = |n: &Subnet| n.contains(first) || (first..=last).contains(&n.network());
    if nets.iter().any(touches) { Octet::Mixed } else { Octet::Away }
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
