//! Attacks on what is joined across flows, and on what one flow announces to others.

use super::storm::{Storm, Truth, scattered};
use crate::Frame;
use std::io;

/// Longest text of an option.
const OPTION_LEN: u8 = 255;

/// A client that begins exchange after exchange, with as much to keep in each as there can be.
pub(super) fn dhcp_exchanges(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let mut m = vec![1, 1, 6, 0];
        m.extend(((i & 0xffff_ffff) as u32).to_be_bytes());
        m.extend([0; 20]);
        m.extend([2, 0, 0, 0, 0, 9]);
        m.extend([0; 10 + 192]);
        m.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1]);
        for code in [12, 60, 81] {
            m.extend([code, OPTION_LEN]);
            m.extend(storm.random.letters(usize::from(OPTION_LEN)).bytes());
        }
        m.push(255);
        storm.send(&Frame::udp("0.0.0.0:68", "255.255.255.255:67", &m).frame())?;
    }
    Ok(Truth::default())
}

/// Requests for files that nobody answers: each announces a flow.
pub(super) fn tftp_promises(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let request = format!("\0\x01{}\0octet\0", storm.random.letters(200));
        let client = (scattered(i), storm.random.port());
        storm.send(&Frame::udp(client, "192.0.2.69:69", request.as_bytes()).frame())?;
    }
    Ok(Truth::default())
}
