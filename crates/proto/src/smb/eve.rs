//! The members of EVE's `smb`.

use super::message2::FileKey;
use super::tx::{Create, Exchange, Setup, Shared, What};
use crate::rpc::Carrier;
use sekisho_transaction::Json;

/// Seconds from 1601 to 1970.
const UNIX_EPOCH_SECS: u64 = 11_644_473_600;

const COMMANDS2: [&str; 19] = [
    "SMB2_COMMAND_NEGOTIATE_PROTOCOL",
    "SMB2_COMMAND_SESSION_SETUP",
    "SMB2_COMMAND_SESSION_LOGOFF",
    "SMB2_COMMAND_TREE_CONNECT",
    "SMB2_COMMAND_TREE_DISCONNECT",
    "SMB2_COMMAND_CREATE",
    "SMB2_COMMAND_CLOSE",
    "SMB2_COMMAND_FLUSH",
    "SMB2_COMMAND_READ",
    "SMB2_COMMAND_WRITE",
    "SMB2_COMMAND_LOCK",
    "SMB2_COMMAND_IOCTL",
    "SMB2_COMMAND_CANCEL",
    "SMB2_COMMAND_KEEPALIVE",
    "SMB2_COMMAND_FIND",
    "SMB2_COMMAND_CHANGE_NOTIFY",
    "SMB2_COMMAND_GET_INFO",
    "SMB2_COMMAND_SET_INFO",
    "SMB2_COMMAND_OPLOCK_BREAK",
];

const COMMANDS1: [(u16, &str); 36] = [
    (0x00, "CREATE_DIRECTORY"),
    (0x01, "DELETE_DIRECTORY"),
    (0x02, "OPEN"),
    (0x03, "CREATE"),
    (0x04, "CLOSE"),
    (0x05, "FLUSH"),
    (0x06, "DELETE"),
    (0x07, "RENAME"),
    (0x08, "QUERY_INFORMATION"),
    (0x09, "SET_INFORMATION"),
    (0x0a, "READ"),
    (0x0b, "WRITE"),
    (0x0c, "LOCK_BYTE_RANGE"),
    (0x0d, "UNLOCK_BYTE_RANGE"),
    (0x0e, "CREATE_TEMPORARY"),
    (0x0f, "CREATE_NEW"),
    (0x10, "CHECK_DIRECTORY"),
    (0x11, "PROCESS_EXIT"),
    (0x12, "SEEK"),
    (0x24, "LOCKING_ANDX"),
    (0x25, "TRANS"),
    (0x2b, "ECHO"),
    (0x2d, "OPEN_ANDX"),
    (0x2e, "READ_ANDX"),
    (0x2f, "WRITE_ANDX"),
    (0x32, "TRANS2"),
    (0x34, "FIND_CLOSE2"),
    (0x70, "TREE_CONNECT"),
    (0x71, "TREE_DISCONNECT"),
    (0x72, "NEGOTIATE_PROTOCOL"),
    (0x73, "SESSION_SETUP_ANDX"),
    (0x74, "LOGOFF_ANDX"),
    (0x75, "TREE_CONNECT_ANDX"),
    (0x80, "QUERY_INFO_DISK"),
    (0xa0, "NT_TRANS"),
    (0xa2, "NT_CREATE_ANDX"),
];

/// Statuses (MS-ERREF §2.3.1) that are met.
const STATUSES: [(u32, &str); 50] = [
    (0, "STATUS_SUCCESS"),
    (0x103, "STATUS_PENDING"),
    (0x10b, "STATUS_NOTIFY_CLEANUP"),
    (0x10c, "STATUS_NOTIFY_ENUM_DIR"),
    (0x8000_0005, "STATUS_BUFFER_OVERFLOW"),
    (0x8000_0006, "STATUS_NO_MORE_FILES"),
    (0x8000_001a, "STATUS_NO_MORE_ENTRIES"),
    (0x8000_002d, "STATUS_STOPPED_ON_SYMLINK"),
    (0xc000_0001, "STATUS_UNSUCCESSFUL"),
    (0xc000_0002, "STATUS_NOT_IMPLEMENTED"),
    (0xc000_0003, "STATUS_INVALID_INFO_CLASS"),
    (0xc000_0004, "STATUS_INFO_LENGTH_MISMATCH"),
    (0xc000_0008, "STATUS_INVALID_HANDLE"),
    (0xc000_000d, "STATUS_INVALID_PARAMETER"),
    (0xc000_000f, "STATUS_NO_SUCH_FILE"),
    (0xc000_0010, "STATUS_INVALID_DEVICE_REQUEST"),
    (0xc000_0011, "STATUS_END_OF_FILE"),
    (0xc000_0016, "STATUS_MORE_PROCESSING_REQUIRED"),
    (0xc000_0022, "STATUS_ACCESS_DENIED"),
    (0xc000_0023, "STATUS_BUFFER_TOO_SMALL"),
    (0xc000_0033, "STATUS_OBJECT_NAME_INVALID"),
    (0xc000_0034, "STATUS_OBJECT_NAME_NOT_FOUND"),
    (0xc000_0035, "STATUS_OBJECT_NAME_COLLISION"),
    (0xc000_003a, "STATUS_OBJECT_PATH_NOT_FOUND"),
    (0xc000_003b, "STATUS_OBJECT_PATH_SYNTAX_BAD"),
    (0xc000_0043, "STATUS_SHARING_VIOLATION"),
    (0xc000_0054, "STATUS_FILE_LOCK_CONFLICT"),
    (0xc000_0055, "STATUS_LOCK_NOT_GRANTED"),
    (0xc000_0056, "STATUS_DELETE_PENDING"),
    (0xc000_005e, "STATUS_NO_LOGON_SERVERS"),
    (0xc000_0061, "STATUS_PRIVILEGE_NOT_HELD"),
    (0xc000_006a, "STATUS_WRONG_PASSWORD"),
    (0xc000_006d, "STATUS_LOGON_FAILURE"),
    (0xc000_006e, "STATUS_ACCOUNT_RESTRICTION"),
    (0xc000_0071, "STATUS_PASSWORD_EXPIRED"),
    (0xc000_0072, "STATUS_ACCOUNT_DISABLED"),
    (0xc000_007e, "STATUS_RANGE_NOT_LOCKED"),
    (0xc000_007f, "STATUS_DISK_FULL"),
    (0xc000_009a, "STATUS_INSUFFICIENT_RESOURCES"),
    (0xc000_00ac, "STATUS_PIPE_NOT_AVAILABLE"),
    (0xc000_00ba, "STATUS_FILE_IS_A_DIRECTORY"),
    (0xc000_00bb, "STATUS_NOT_SUPPORTED"),
    (0xc000_00c9, "STATUS_NETWORK_NAME_DELETED"),
    (0xc000_00cc, "STATUS_BAD_NETWORK_NAME"),
    (0xc000_0101, "STATUS_DIRECTORY_NOT_EMPTY"),
    (0xc000_0103, "STATUS_NOT_A_DIRECTORY"),
    (0xc000_0120, "STATUS_CANCELLED"),
    (0xc000_0128, "STATUS_FILE_CLOSED"),
    (0xc000_0203, "STATUS_USER_SESSION_DELETED"),
    (0xc000_0225, "STATUS_NOT_FOUND"),
];

/// Control codes (MS-FSCC §2.3) by name.
const FUNCTIONS: [(u32, &str); 16] = [
    (0x0006_0194, "FSCTL_DFS_GET_REFERRALS"),
    (0x0006_01b0, "FSCTL_DFS_GET_REFERRALS_EX"),
    (0x0009_0000, "FSCTL_REQUEST_OPLOCK_LEVEL_1"),
    (0x0009_00c0, "FSCTL_CREATE_OR_GET_OBJECT_ID"),
    (0x0009_00a4, "FSCTL_SET_REPARSE_POINT"),
    (0x0009_00a8, "FSCTL_GET_REPARSE_POINT"),
    (0x0009_80c8, "FSCTL_SET_ZERO_DATA"),
    (0x0011_0018, "FSCTL_PIPE_WAIT"),
    (0x0011_400c, "FSCTL_PIPE_PEEK"),
    (0x0011_c017, "FSCTL_PIPE_TRANSCEIVE"),
    (0x0014_0078, "FSCTL_SRV_REQUEST_RESUME_KEY"),
    (0x0014_01d4, "FSCTL_LMR_REQUEST_RESILIENCY"),
    (0x0014_01fc, "FSCTL_QUERY_NETWORK_INTERFACE_INFO"),
    (0x0014_0204, "FSCTL_VALIDATE_NEGOTIATE_INFO"),
    (0x0014_4064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"),
    (0x0014_40f2, "FSCTL_SRV_COPYCHUNK"),
];

fn dialect_text(number: u16) -> &'static str {
    match number {
        0x0202 => "2.02",
        0x0210 => "2.10",
        0x0222 => "2.22",
        0x0224 => "2.24",
        0x02ff => "2.??",
        0x0300 => "3.00",
        0x0302 => "3.02",
        0x0310 => "3.10",
        0x0311 => "3.11",
        _ => "unknown",
    }
}

/// What every event begins with, but for the tree.
pub(super) fn common(out: &mut Json<'_>, carrier: &Carrier, number: u64, all: &Shared<'_>) {
    out.number("id", number + 1);
    match all.dialect {
        _ if all.dialect2 != 0 => out.text("dialect", dialect_text(all.dialect2)),
        Some(dialect) => out.bytes("dialect", &dialect.0),
        None => out.text("dialect", "unknown"),
    }
    if carrier.version == 1 {
        match COMMANDS1.iter().find(|(code, _)| *code == carrier.command) {
            Some((_, name)) => out.display("command", format_args!("SMB1_COMMAND_{name}")),
            None => out.display("command", format_args!("UNKNOWN_{:02x}", carrier.command)),
        }
    } else {
        match COMMANDS2.get(usize::from(carrier.command)) {
            Some(name) => out.text("command", name),
            None => out.display("command", carrier.command),
        }
    }
    if let Some(status) = carrier.status {
        match STATUSES.iter().find(|(code, _)| *code == status) {
            Some((_, name)) => out.text("status", name),
            None => out.display("status", format_args!("UNKNOWN_{status:02x}")),
        }
        out.display("status_code", format_args!("0x{status:x}"));
    }
    out.number("session_id", carrier.session);
}

/// All members of an exchange.
pub(super) fn exchange(out: &mut Json<'_>, x: &Exchange, number: u64, all: &Shared<'_>) {
    common(out, &x.carrier, number, all);
    out.number("tree_id", u64::from(x.carrier.tree));
    match &x.what {
        What::Nothing => {}
        What::Negotiate { dialects, server, read_len, write_len } => {
            if !dialects.is_empty() {
                out.list("client_dialects", |out| dialects.iter().for_each(|d| out.item_bytes(&d.0)));
            }
            if let Some(server) = server {
                out.text("server_guid", &guid(server));
            }
            if *read_len > 0 {
                out.number("max_read_size", u64::from(*read_len));
            }
            if *write_len > 0 {
                out.number("max_write_size", u64::from(*write_len));
            }
        }
        What::Setup(setup) => login(out, setup),
        What::Tree { path, service, answer, share } => {
            out.bytes(if *share == Some(2) { "named_pipe" } else { "share" }, &path.0);
            if x.carrier.version == 1 {
                out.object("service", |out| {
                    for (name, service) in [("request", service), ("response", answer)] {
                        if let Some(service) = service {
                            out.bytes(name, &service.0);
                        }
                    }
                });
            } else if let Some(share) = share {
                out.text(
                    "share_type",
                    match share {
                        1 => "FILE",
                        2 => "PIPE",
                        3 => "PRINT",
                        _ => "UNKNOWN",
                    },
                );
            }
        }
        What::Create(create) => created(out, create, x.carrier.version),
        What::Ioctl(function) => match FUNCTIONS.iter().find(|(code, _)| code == function) {
            Some((_, name)) => out.text("function", name),
            None => out.display("function", format_args!("{function:x}")),
        },
        What::Delete { key, name } => {
            out.bytes("filename", &name.0);
            out.text("access", "delete on close");
            out.text("fuid", &file_guid(*key));
        }
        What::Rename { key, from, to } => {
            out.object("set_info", |out| {
                out.text("class", "FILE_INFO");
                out.text("info_level", "SMB2_FILE_RENAME_INFO");
            });
            out.object("rename", |out| {
                out.bytes("from", &from.0);
                out.bytes("to", &to.0);
            });
            out.text("fuid", &file_guid(*key));
        }
        What::File { key, name, share } => {
            out.bytes("filename", &name.0);
            if let Some(share) = share {
                out.bytes("share", &share.0);
            }
            out.text("fuid", &file_guid(*key));
        }
    }
}

fn login(out: &mut Json<'_>, setup: &Setup) {
    if let Some(login) = &setup.login {
        out.object("ntlmssp", |out| {
            out.bytes("domain", &login.domain.0);
            out.bytes("user", &login.user.0);
            out.bytes("host", &login.host.0);
            if let Some([major, minor, revision]) = login.version {
                out.display("version", format_args!("{major}.{minor} build {} rev {revision}", login.build));
            }
        });
    }
    for (name, host) in ["request", "response"].iter().zip(&setup.hosts) {
        if let Some((os, manager)) = host {
            out.object(name, |out| {
                out.bytes("native_os", &os.0);
                out.bytes("native_lm", &manager.0);
            });
        }
    }
}

fn created(out: &mut Json<'_>, create: &Create, version: u8) {
    let name = if create.directory { "directory" } else { "filename" };
    if create.name.0.is_empty() {
        out.text("filename", "<share_root>");
    } else {
        out.bytes(name, &create.name.0);
    }
    const DISPOSITIONS: [&str; 6] =
        ["FILE_SUPERSEDE", "FILE_OPEN", "FILE_CREATE", "FILE_OPEN_IF", "FILE_OVERWRITE", "FILE_OVERWRITE_IF"];
    let disposition = usize::try_from(create.disposition).ok().and_then(|n| DISPOSITIONS.get(n));
    out.text("disposition", disposition.unwrap_or(&"UNKNOWN"));
    out.text("access", if create.delete { "delete on close" } else { "normal" });
    for (name, time) in ["created", "accessed", "modified", "changed"].iter().zip(create.times) {
        out.number(name, (time / 10_000_000).saturating_sub(UNIX_EPOCH_SECS));
    }
    out.number("size", create.size);
    if version == 1 {
        out.text("fuid", &guid(&create.key.to_le_bytes()));
    } else {
        out.text("fuid", &file_guid(create.key));
    }
}

fn guid(b: &[u8; 16]) -> String {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e @ ..] = b;
    let tail: String = e.iter().rev().map(|b| format!("{b:02x}")).collect();
    format!("{a3:02x}{a2:02x}{a1:02x}{a0:02x}-{b1:02x}{b0:02x}-{c1:02x}{c0:02x}-{d1:02x}{d0:02x}-{tail}")
}

/// A file's identifier as Suricata writes it.
fn file_guid(key: FileKey) -> String {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1, f2, f3] = key.to_le_bytes();
    format!(
        "{a3:02x}{a2:02x}{a1:02x}{a0:02x}-{b1:02x}{b0:02x}-{c1:02x}{c0:02x}-{d1:02x}{d0:02x}-\
         {e1:02x}{e0:02x}{f3:02x}{f2:02x}{f1:02x}{f0:02x}"
    )
}
