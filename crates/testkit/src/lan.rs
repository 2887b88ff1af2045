//! What hosts of one link say to each other: DHCP, ARP, neighbours and routers of IPv6.

use crate::{Addr, MacAddr, eth, icmp6, ipv6};

/// Type of ARP frames.
const ARP: u16 = 0x0806;

/// A message of RFC 2131 §2 for the client with hardware address 02:00:00:00:00:`client`.
pub fn dhcp_message(op: u8, xid: u32, yours: [u8; 4], client: u8, kind: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut m = vec![op, 1, 6, 0];
    m.extend(xid.to_be_bytes());
    m.extend([0; 8]);
    m.extend(yours);
    m.extend([0; 8]);
    m.extend([2, 0, 0, 0, 0, client]);
    m.extend([0; 10 + 192]);
    m.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind]);
    for (code, value) in options {
        m.extend([*code, u8::try_from(value.len()).expect("short")]);
        m.extend(*value);
    }
    m.push(255);
    m
}

/// An option of DHCPv6 (RFC 8415 §21.1).
pub fn option6(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &u16::try_from(value.len()).expect("short").to_be_bytes(), value].concat()
}

/// An ARP frame (RFC 826): operation 1 asks everybody, 2 answers one.
pub fn arp(operation: u8, from: (MacAddr, [u8; 4]), to: (MacAddr, [u8; 4])) -> Vec<u8> {
    let asks = operation == 1;
    let target = if asks { MacAddr([0; 6]) } else { to.0 };
    let parts: [&[u8]; 5] = [&[0, 1, 8, 0, 6, 4, 0, operation], &from.0.0, &from.1, &target.0, &to.1];
    eth(from.0, if asks { MacAddr([255; 6]) } else { to.0 }, ARP, &parts.concat())
}

/// A router advertisement (RFC 4861 §4.2) with a prefix and a name server (RFC 8106).
pub fn router_advertisement(from: (MacAddr, Addr), prefix: Addr, dns: Addr) -> Vec<u8> {
    let all = Addr::v6([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let link = [&[1, 1][..], &from.0.0].concat();
    let prefix = [&[3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0][..], prefix.octets()].concat();
    let server = [&[25, 3, 0, 0, 0, 0, 4, 0xb0][..], dns.octets()].concat();
    // The second header word: hop limit 64, no flags, lifetime 1800 s. Then two times that say nothing.
    let mut message = icmp6(from.1, all, 134, 0, &[&[0; 8][..], &link, &prefix, &server].concat());
    message[4..8].copy_from_slice(&[64, 0, 7, 8]);
    message[2..4].fill(0);
    let len = (message.len() as u32).to_be_bytes();
    let sum = crate::checksum(&[from.1.octets(), all.octets(), &len, &[0, 0, 0, 58], &message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut packet = ipv6(from.1, all, 58, &message);
    packet[7] = 255;
    eth(from.0, MacAddr([0x33, 0x33, 0, 0, 0, 1]), 0x86dd, &packet)
}
