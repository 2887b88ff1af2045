//! Attacks on DNS.

use super::storm::{Storm, Truth, scattered};
use crate::Frame;
use crate::dns::{ANSWER, NXDOMAIN, answer, question};
use std::io;

const RESOLVER: &str = "192.0.2.53:53";

/// Questions of one flow of [`unanswered`].
const PER_FLOW: u64 = 2_500;

/// Random names below one domain from many clients; two of three are answered, that they are not there.
pub(super) fn random_names(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let name = format!("{}.victim.example", storm.random.letters(16));
        let (id, client) = (storm.random.draw() as u16, (scattered(i % 50_000), storm.random.port()));
        storm.send(&Frame::udp(client, RESOLVER, &question(id, &name, 1)).frame())?;
        if i % 3 != 0 {
            let reply = answer(id, ANSWER | NXDOMAIN, &name, 1, &[]);
            storm.send(&Frame::udp(RESOLVER, client, &reply).frame())?;
        }
    }
    Ok(Truth::default())
}

/// As many open questions as a flow may have (50 of each of 50 ids), in flow after flow.
pub(super) fn unanswered(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let name = format!("{}.{}.example", "n".repeat(60), "m".repeat(60));
    for i in 0..n {
        let (flow, k) = (i / PER_FLOW, i % PER_FLOW);
        storm.send(&Frame::udp((scattered(flow), 40_000), RESOLVER, &question((k % 50) as u16, &name, 1)).frame())?;
    }
    Ok(Truth::default())
}
