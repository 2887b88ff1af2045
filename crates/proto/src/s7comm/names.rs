//! Names of S7comm's numbers.

use crate::named::Named;

/// Variables addressed by area and offset.
pub const SYNTAX_ANY: u8 = 0x10;
/// Return code of an item that was read or written.
pub const SUCCESS: u8 = 0xff;

/// Functions of jobs.
pub fn function(code: u8) -> Named {
    let name = match code {
        0x00 => "CPU Services",
        0x04 => "Read Variable",
        0x05 => "Write Variable",
        0x1a => "Request Download",
        0x1b => "Download Block",
        0x1c => "Download Ended",
        0x1d => "Start Upload",
        0x1e => "Upload",
        0x1f => "End Upload",
        0x28 => "PI-Service",
        0x29 => "PLC Stop",
        0xf0 => "Setup Communication",
        _ => return Named::or_hex(None, "function ", code),
    };
    name.into()
}

/// Groups of user data functions.
pub fn group(code: u8) -> Named {
    let name = match code {
        0 => "Mode Transition",
        1 => "Programmer Commands",
        2 => "Cyclic Services",
        3 => "Block Functions",
        4 => "CPU Functions",
        5 => "Security",
        6 => "PBC BSEND/BRECV",
        7 => "Time Functions",
        15 => "NC Programming",
        _ => return Named::or_hex(None, "group ", code),
    };
    name.into()
}

/// Services within a group of user data functions.
pub fn service(group: u8, code: u8) -> Named {
    let name = match (group, code) {
        (0, 0) => "STOP",
        (0, 1) => "Warm Restart",
        (0, 2) => "RUN",
        (1, 1) => "Request Diagnostic Data 1",
        (1, 2) => "Variable Table 1",
        (1, 0x0c) => "Erase",
        (1, 0x0e) => "Read Diagnostic Data",
        (1, 0x0f) => "Remove Diagnostic Data",
        (1, 0x10) => "Forces",
        (2, 1) => "Cyclic Memory",
        (2, 4) => "Unsubscribe",
        (3, 1) => "List Blocks",
        (3, 2) => "List Blocks of Type",
        (3, 3) => "Get Block Info",
        (4, 1) => "Read SZL",
        (4, 2) => "Message Service",
        (4, 3) => "Diagnostic Message",
        (4, 5) => "ALARM_8",
        (4, 6) => "NOTIFY",
        (5, 1) => "PLC Password",
        (5, 2) => "Clear PLC Password",
        (7, 1) => "Read Clock",
        (7, 2) => "Set Clock",
        (7, 3) => "Read Clock Following",
        (7, 4) => "Set Clock",
        _ => return Named::or_hex(None, "service ", code),
    };
    name.into()
}

/// Functions of S7comm-plus.
pub fn plus_function(code: u16) -> Named {
    let name = match code {
        0x04bb => "Explore",
        0x04ca => "CreateObject",
        0x04d4 => "DeleteObject",
        0x04f2 => "SetVariable",
        0x04fc => "GetVariable",
        0x0506 => "AddLink",
        0x051a => "RemoveLink",
        0x0524 => "GetLink",
        0x0542 => "SetMultiVariables",
        0x054c => "GetMultiVariables",
        0x0556 => "BeginSequence",
        0x0560 => "EndSequence",
        0x056b => "Invoke",
        0x057c => "SetVarSubStreamed",
        0x0586 => "GetVarSubStreamed",
        0x0590 => "GetVariablesAddress",
        0x059a => "Abort",
        0x05a9 => "Error",
        0x05b3 => "InitSsl",
        _ => return Named::or_hex(None, "function ", code),
    };
    name.into()
}

/// Memory areas.
pub const fn area(code: u8) -> Option<&'static str> {
    Some(match code {
        0x03 => "SI",
        0x05 => "SF",
        0x06 => "AI",
        0x07 => "AQ",
        0x1c => "C",
        0x1d => "T",
        0x1e => "IEC-C",
        0x1f => "IEC-T",
        0x80 => "P",
        0x81 => "I",
        0x82 => "Q",
        0x83 => "M",
        0x84 => "DB",
        0x85 => "DI",
        0x86 => "L",
        0x87 => "V",
        _ => return None,
    })
}

/// Types of variables.
pub const fn kind(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "BIT",
        2 => "BYTE",
        3 => "CHAR",
        4 => "WORD",
        5 => "INT",
        6 => "DWORD",
        7 => "DINT",
        8 => "REAL",
        9 => "DATE",
        10 => "TOD",
        11 => "TIME",
        12 => "S5TIME",
        15 => "DATE_AND_TIME",
        28 => "COUNTER",
        29 => "TIMER",
        _ => return None,
    })
}

/// Other ways to address variables.
pub const fn syntax(code: u8) -> Option<&'static str> {
    Some(match code {
        0x13 => "PBC",
        0x15 => "ALARM_LOCKFREE",
        0x16 => "ALARM_IND",
        0x19 => "ALARM_ACK",
        0x1a => "ALARM_QUERY",
        0x1c => "NOTIFY_IND",
        0x82 => "NCK",
        0xa2 => "DRIVE_ES_ANY",
        0xb0 => "DB_READ",
        0xb2 => "SYMBOLIC_1200",
        _ => return None,
    })
}

/// How an item was answered.
pub fn return_code(code: u8) -> Named {
    let name = match code {
        0x00 => "Reserved",
        0x01 => "Hardware error",
        0x03 => "Access denied",
        0x05 => "Invalid address",
        0x06 => "Type not supported",
        0x07 => "Type inconsistent",
        0x0a => "Object does not exist",
        SUCCESS => "Success",
        _ => return Named::or_hex(None, "return code ", code),
    };
    name.into()
}
