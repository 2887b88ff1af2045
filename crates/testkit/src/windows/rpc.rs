//! DCE/RPC (C706 §12.6), and the interfaces that are called in attacks and in daily work.

/// An interface: its UUID as on the wire, and the name of its pipe.
pub type Interface = (&'static [u8; 16], &'static str);

/// Accounts of a domain (MS-SAMR §1.9).
pub const SAMR: Interface = (b"\x78\x57\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\x89\xac", "samr");
/// Service control manager (MS-SCMR §1.9).
pub const SVCCTL: Interface = (b"\x81\xbb\x7a\x36\x44\x98\xf1\x35\xad\x32\x98\xf0\x38\x00\x10\x03", "svcctl");
/// Policies and secrets (MS-LSAD §1.9).
pub const LSARPC: Interface = (b"\x78\x57\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\x89\xab", "lsarpc");
/// Shares and sessions (MS-SRVS §1.9).
pub const SRVSVC: Interface = (b"\xc8\x4f\x32\x4b\x70\x16\xd3\x01\x12\x78\x5a\x47\xbf\x6e\xe1\x88", "srvsvc");
/// Who is logged in where (MS-WKST §1.9).
pub const WKSSVC: Interface = (b"\x98\xd0\xff\x6b\x12\xa1\x10\x36\x98\x33\x46\xc3\xf8\x7e\x34\x5a", "wkssvc");
/// Scheduled tasks (MS-TSCH §1.9).
pub const TASKS: Interface = (b"\x49\x59\xd3\x86\xc9\x83\x44\x40\xb4\x24\xdb\x36\x32\x31\xfd\x0c", "atsvc");
/// Tasks by the older way.
pub const AT: Interface = (b"\x82\x06\xf7\x1f\x51\x0a\xe8\x30\x07\x6d\x74\x0b\xe8\xce\xe9\x8b", "atsvc");
/// Objects of WMI (MS-WMI §1.9).
pub const WMI: Interface = (b"\x99\xdc\x56\x95\x8c\x82\xcf\x11\xa3\x7e\x00\xaa\x00\x32\x40\xc7", "");
/// Encrypting file system (MS-EFSR §1.9), by way of lsarpc.
pub const EFS: Interface = (b"\x88\xd4\x81\xc6\x50\xd8\xd0\x11\x8c\x52\x00\xc0\x4f\xd9\x0f\x7e", "lsarpc");
/// Printers (MS-RPRN §1.9).
pub const SPOOLSS: Interface = (b"\x78\x56\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\x89\xab", "spoolss");
/// Replication of directories (MS-DRSR §1.9).
pub const DRSUAPI: Interface = (b"\x35\x42\x51\xe3\x06\x4b\xd1\x11\xab\x04\x00\xc0\x4f\xc2\xdc\xd2", "");
/// Secure channels to controllers (MS-NRPC §1.9).
pub const NETLOGON: Interface = (b"\x78\x56\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\xcf\xfb", "netlogon");

/// A unit (§12.6.4) with NTLM credentials, if any.
pub fn unit(kind: u8, call: u32, body: &[u8], token: &[u8]) -> Vec<u8> {
    let auth = if token.is_empty() { Vec::new() } else { [&[10, 6, 0, 0, 0, 0, 0, 0], token].concat() };
    let len = ((16 + body.len() + auth.len()) as u16).to_le_bytes();
    let head = [5, 0, kind, 3, 0x10, 0, 0, 0];
    [&head[..], &len, &(token.len() as u16).to_le_bytes(), &call.to_le_bytes(), body, &auth].concat()
}

/// What a bind says.
pub fn bind(interface: Interface) -> Vec<u8> {
    let ndr = b"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60\x02\0\0\0";
    [&b"\xd0\x16\xd0\x16\0\0\0\0\x01\0\0\0\0\0\x01\0"[..], interface.0, &[1, 0, 0, 0], ndr].concat()
}

/// What its answer says; `name` is the port or pipe.
pub fn bind_ack(name: &str) -> Vec<u8> {
    let len = (name.len() as u16 + 1).to_le_bytes();
    [&b"\xd0\x16\xd0\x16\x01\0\0\0"[..], &len, name.as_bytes(), b"\0", &[0; 28]].concat()
}

/// What a request or a response says, with so many bytes of sealed arguments.
pub fn call(opnum: u16, stub_len: usize) -> Vec<u8> {
    [&(stub_len as u32).to_le_bytes()[..], &[0, 0], &opnum.to_le_bytes(), &vec![0; stub_len]].concat()
}
