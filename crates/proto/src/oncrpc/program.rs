//! Programs and their procedures: portmapper (RFC 1833), mount and NFS 2 and 3 (RFC 1094, RFC 1813), NFS 4 (RFC 7530,
//! RFC 5661).

use super::nfs::op;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Longest name or path that is read.
const MAX_NAME_LEN: u32 = 1024;
/// Operations of one compound that are named.
const MAX_OPERATIONS: u32 = 16;

/// Program numbers (the register of IANA).
pub(super) mod number {
    pub const PORTMAP: u32 = 100_000;
    pub const NFS: u32 = 100_003;
    pub const MOUNT: u32 = 100_005;
}

/// The name of a usual program.
pub(super) const fn name(program: u32) -> Option<&'static str> {
    Some(match program {
        number::PORTMAP => "portmap",
        100_001 => "rstat",
        100_002 => "rusers",
        number::NFS => "nfs",
        100_004 => "ypserv",
        number::MOUNT => "mount",
        100_007 => "ypbind",
        100_008 => "wall",
        100_009 => "yppasswd",
        100_011 => "rquota",
        100_021 => "nlockmgr",
        100_024 => "status",
        100_227 => "nfs_acl",
        _ => return None,
    })
}

const PORTMAP_2: [&str; 6] = ["NULL", "SET", "UNSET", "GETPORT", "DUMP", "CALLIT"];
const PORTMAP_3: [&str; 13] = [
    "NULL",
    "SET",
    "UNSET",
    "GETADDR",
    "DUMP",
    "BCAST",
    "GETTIME",
    "UADDR2TADDR",
    "TADDR2UADDR",
    "GETVERSADDR",
    "INDIRECT",
    "GETADDRLIST",
    "GETSTAT",
];
const MOUNT: [&str; 6] = ["NULL", "MNT", "DUMP", "UMNT", "UMNTALL", "EXPORT"];
const NFS_2: [&str; 18] = [
    "NULL",
    "GETATTR",
    "SETATTR",
    "ROOT",
    "LOOKUP",
    "READLINK",
    "READ",
    "WRITECACHE",
    "WRITE",
    "CREATE",
    "REMOVE",
    "RENAME",
    "LINK",
    "SYMLINK",
    "MKDIR",
    "RMDIR",
    "READDIR",
    "STATFS",
];
const NFS_3: [&str; 22] = [
    "NULL",
    "GETATTR",
    "SETATTR",
    "LOOKUP",
    "ACCESS",
    "READLINK",
    "READ",
    "WRITE",
    "CREATE",
    "MKDIR",
    "SYMLINK",
    "MKNOD",
    "REMOVE",
    "RMDIR",
    "RENAME",
    "LINK",
    "READDIR",
    "READDIRPLUS",
    "FSSTAT",
    "FSINFO",
    "PATHCONF",
    "COMMIT",
];
const NFS_4: [&str; 2] = ["NULL", "COMPOUND"];

/// The name of a procedure of a usual program.
pub(super) fn procedure(program: u32, version: u32, procedure: u32) -> Option<&'static str> {
    let names: &[&'static str] = match (program, version) {
        (number::PORTMAP, 2) => &PORTMAP_2,
        (number::PORTMAP, 3 | 4) => &PORTMAP_3,
        (number::MOUNT, _) => &MOUNT,
        (number::NFS, 2) => &NFS_2,
        (number::NFS, 3) => &NFS_3,
        (number::NFS, 4) => &NFS_4,
        _ => return (procedure == 0).then_some("NULL"),
    };
    names.get(usize::try_from(procedure).ok()?).copied()
}

/// Do calls of this procedure share a row?
pub(super) fn is_bulk(program: u32, procedure: Option<&str>) -> bool {
    program == number::NFS && matches!(procedure, Some("READ" | "WRITE" | "COMMIT" | "GETATTR" | "ACCESS" | "READLINK"))
}

/// An opaque of variable length, padded to a multiple of four (RFC 4506 §4.10).
pub(super) fn opaque<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = r.u32(&"length")?;
    if len > MAX_NAME_LEN {
        return Err(ParseError::over_limit(&"length"));
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let bytes = r.take(&"opaque", len)?;
    // The padding may be cut off at a message's end.
    let _ = r.skip(&"padding", len.wrapping_neg() & 3);
    Ok(bytes)
}

/// What a call names, if anything.
pub(super) fn argument(program: u32, procedure: Option<&str>, args: &[u8]) -> Option<Vec<u8>> {
    let mut r = Reader::new(args);
    match (program, procedure?) {
        (number::PORTMAP, "GETPORT" | "SET" | "UNSET") => {
            let (program, version) = (r.u32(&"program").ok()?, r.u32(&"version").ok()?);
            let protocol = match r.u32(&"protocol").ok()? {
                6 => "tcp".to_owned(),
                17 => "udp".to_owned(),
                other => other.to_string(),
            };
            Some(format!("{} {version} {protocol}", program_text(program)).into_bytes())
        }
        (number::PORTMAP, "GETADDR" | "GETVERSADDR") => {
            let (program, version) = (r.u32(&"program").ok()?, r.u32(&"version").ok()?);
            let net = opaque(&mut r).ok()?;
            Some([format!("{} {version} ", program_text(program)).as_bytes(), net].concat())
        }
        (number::MOUNT, "MNT" | "UMNT") => opaque(&mut r).ok().map(<[u8]>::to_vec),
        _ => None,
    }
}

fn program_text(program: u32) -> String {
    name(program).map_or_else(|| program.to_string(), ToOwned::to_owned)
}

/// Tells `f` every operation of a compound with its name, up to the first whose arguments cannot be passed over. `f`
/// reads those of operations that name files or move content.
pub(super) fn each_operation<'a>(
    r: &mut Reader<'a>,
    mut f: impl FnMut(u32, &'static str, &mut Reader<'a>) -> ParseResult<()>,
) -> ParseResult<()> {
    opaque(r)?;
    r.skip(&"minor version", 4)?;
    for _ in 0..r.u32(&"operations")?.min(MAX_OPERATIONS) {
        let operation = r.u32(&"operation")?;
        let Some((name, fixed_len)) = operation_4(operation) else { break };
        f(operation, name, r)?;
        r.skip(&"arguments", fixed_len)?;
        match name {
            "RENAME" => {
                opaque(r)?;
                opaque(r)?;
            }
            "GETATTR" | "READDIR" => super::nfs::bitmap(r)?,
            _ => {}
        }
    }
    Ok(())
}

/// Name of an operation of version 4, and the length of its arguments or of their beginning.
const fn operation_4(operation: u32) -> Option<(&'static str, usize)> {
    /// What is behind these cannot be told.
    const UNKNOWN: usize = usize::MAX;
    Some(match operation {
        3 => ("ACCESS", 4),
        4 => ("CLOSE", 20),
        5 => ("COMMIT", 12),
        op::CREATE => ("CREATE", UNKNOWN),
        9 => ("GETATTR", 0),
        op::GETFH => ("GETFH", 0),
        op::LOOKUP => ("LOOKUP", 0),
        16 => ("LOOKUPP", 0),
        op::OPEN => ("OPEN", 0),
        op::PUTFH => ("PUTFH", 0),
        op::PUTROOTFH => ("PUTROOTFH", 0),
        op::READ => ("READ", 0),
        26 => ("READDIR", 24),
        27 => ("READLINK", 0),
        op::REMOVE => ("REMOVE", 0),
        29 => ("RENAME", 0),
        30 => ("RENEW", 8),
        31 => ("RESTOREFH", 0),
        32 => ("SAVEFH", 0),
        34 => ("SETATTR", UNKNOWN),
        35 => ("SETCLIENTID", UNKNOWN),
        36 => ("SETCLIENTID_CONFIRM", 16),
        op::WRITE => ("WRITE", UNKNOWN),
        42 => ("EXCHANGE_ID", UNKNOWN),
        43 => ("CREATE_SESSION", UNKNOWN),
        44 => ("DESTROY_SESSION", 16),
        53 => ("SEQUENCE", 32),
        57 => ("DESTROY_CLIENTID", 8),
        58 => ("RECLAIM_COMPLETE", 4),
        _ => return None,
    })
}

/// Results from 10001 on (RFC 1813 §2.6, RFC 7530 §13); where versions differ, version 4's names.
const LATER_RESULTS: [&str; 48] = [
    "BADHANDLE",
    "NOT_SYNC",
    "BAD_COOKIE",
    "NOTSUPP",
    "TOOSMALL",
    "SERVERFAULT",
    "BADTYPE",
    "DELAY",
    "SAME",
    "DENIED",
    "EXPIRED",
    "LOCKED",
    "GRACE",
    "FHEXPIRED",
    "SHARE_DENIED",
    "WRONGSEC",
    "CLID_INUSE",
    "RESOURCE",
    "MOVED",
    "NOFILEHANDLE",
    "MINOR_VERS_MISMATCH",
    "STALE_CLIENTID",
    "STALE_STATEID",
    "OLD_STATEID",
    "BAD_STATEID",
    "BAD_SEQID",
    "NOT_SAME",
    "LOCK_RANGE",
    "SYMLINK",
    "RESTOREFH",
    "LEASE_MOVED",
    "ATTRNOTSUPP",
    "NO_GRACE",
    "RECLAIM_BAD",
    "RECLAIM_CONFLICT",
    "BADXDR",
    "LOCKS_HELD",
    "OPENMODE",
    "BADOWNER",
    "BADCHAR",
    "BADNAME",
    "BAD_RANGE",
    "LOCK_NOTSUPP",
    "OP_ILLEGAL",
    "DEADLOCK",
    "FILE_OPEN",
    "ADMIN_REVOKED",
    "CB_PATH_DOWN",
];

/// NFS's and mount's status in words.
pub(super) fn result(program: u32, results: &[u8]) -> Option<String> {
    if !matches!(program, number::NFS | number::MOUNT) {
        return None;
    }
    let code = Reader::new(results).u32(&"status").ok()?;
    let text = match code {
        0 => "OK",
        1 => "PERM",
        2 => "NOENT",
        5 => "IO",
        6 => "NXIO",
        13 => "ACCES",
        17 => "EXIST",
        18 => "XDEV",
        19 => "NODEV",
        20 => "NOTDIR",
        21 => "ISDIR",
        22 => "INVAL",
        27 => "FBIG",
        28 => "NOSPC",
        30 => "ROFS",
        63 => "NAMETOOLONG",
        66 => "NOTEMPTY",
        69 => "DQUOT",
        70 => "STALE",
        10_001.. => match usize::try_from(code - 10_001).ok().and_then(|n| LATER_RESULTS.get(n)) {
            Some(name) => name,
            None => return Some(format!("unknown-{code}")),
        },
        _ => return Some(format!("unknown-{code}")),
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::nfs::{Asked, asked, compound};
    use super::*;

    #[test]
    fn names_procedures_and_arguments() {
        assert_eq!(procedure(number::NFS, 3, 3), Some("LOOKUP"));
        assert_eq!(procedure(number::NFS, 3, 99), None);
        let getport = [100_003u32, 3, 6, 0].map(u32::to_be_bytes).concat();
        assert_eq!(argument(number::PORTMAP, Some("GETPORT"), &getport).unwrap(), b"nfs 3 tcp");
        assert_eq!(argument(number::MOUNT, Some("MNT"), b"\0\0\0\x05/home\0\0\0").unwrap(), b"/home");
        let lookup = b"\0\0\0\x02hh\0\0\0\0\0\x05a.txt\0\0\0";
        assert_eq!(asked(3, "LOOKUP", lookup).name, b"a.txt");
        assert_eq!(asked(3, "LOOKUP", b"\xff\xff\xff\xff"), Asked::default());
    }

    #[test]
    fn names_operations_of_a_compound() {
        let bytes =
            [&b"\0\0\0\0\0\0\0\0\0\0\0\x03"[..], b"\0\0\0\x18", b"\0\0\0\x0f\0\0\0\x04home", b"\0\0\0\x12"].concat();
        assert_eq!(compound(&bytes).operations, ["PUTROOTFH", "LOOKUP", "OPEN"]);
        assert_eq!(compound(b"\0").operations, [""; 0]);
        assert_eq!(result(number::NFS, &10_008u32.to_be_bytes()).unwrap(), "DELAY");
        assert_eq!(result(number::NFS, &10_999u32.to_be_bytes()).unwrap(), "unknown-10999");
    }
}
