//! Names of statuses (MS-ERREF §2.3) that answer logins, and which statuses leave a response's body as it is.

use sekisho_record::Text;

pub(super) const SUCCESS: u32 = 0;
pub(super) const MORE_PROCESSING_REQUIRED: u32 = 0xc000_0016;
pub(super) const PENDING: u32 = 0x103;
/// More is to be read from the pipe: the body is a usual one.
pub(super) const BUFFER_OVERFLOW: u32 = 0x8000_0005;

const NAMES: [(u32, &str); 20] = [
    (SUCCESS, "SUCCESS"),
    (0xc000_000d, "INVALID_PARAMETER"),
    (0xc000_0022, "ACCESS_DENIED"),
    (0xc000_005e, "NO_LOGON_SERVERS"),
    (0xc000_0064, "NO_SUCH_USER"),
    (0xc000_006a, "WRONG_PASSWORD"),
    (0xc000_006d, "LOGON_FAILURE"),
    (0xc000_006e, "ACCOUNT_RESTRICTION"),
    (0xc000_006f, "INVALID_LOGON_HOURS"),
    (0xc000_0070, "INVALID_WORKSTATION"),
    (0xc000_0071, "PASSWORD_EXPIRED"),
    (0xc000_0072, "ACCOUNT_DISABLED"),
    (0xc000_00bb, "NOT_SUPPORTED"),
    (0xc000_015b, "LOGON_TYPE_NOT_GRANTED"),
    (0xc000_018b, "NO_TRUST_SAM_ACCOUNT"),
    (0xc000_018d, "TRUSTED_RELATIONSHIP_FAILURE"),
    (0xc000_0193, "ACCOUNT_EXPIRED"),
    (0xc000_0203, "USER_SESSION_DELETED"),
    (0xc000_0224, "PASSWORD_MUST_CHANGE"),
    (0xc000_0234, "ACCOUNT_LOCKED_OUT"),
];

/// The status' name without `STATUS_`, or its number in hex.
pub(super) fn name(status: u32) -> Text {
    match NAMES.iter().find(|(s, _)| *s == status) {
        Some((_, name)) => (*name).into(),
        None => format!("0x{status:08x}").into(),
    }
}
