//! Names of EtherNet/IP's and CIP's numbers (CIP volumes 1 and 2; of Logix tags, Rockwell's publication 1756-PM020).

use crate::named::Named;

/// Classes with a meaning here.
pub mod class {
    pub const IDENTITY: u32 = 1;
    pub const CONNECTION_MANAGER: u32 = 6;
}

/// Services with a meaning here.
pub mod service {
    pub const GET_ATTRIBUTES_ALL: u8 = 0x01;
    pub const MULTIPLE: u8 = 0x0a;
    pub const UNCONNECTED_SEND: u8 = 0x52;
}

/// Encapsulation commands (volume 2, table 2-3.2).
pub const fn command(code: u16) -> Option<&'static str> {
    Some(match code {
        0x00 => "NOP",
        0x04 => "LIST_SERVICES",
        0x63 => "LIST_IDENTITY",
        0x64 => "LIST_INTERFACES",
        0x65 => "REGISTER_SESSION",
        0x66 => "UNREGISTER_SESSION",
        0x6f => "SEND_RR_DATA",
        0x70 => "SEND_UNIT_DATA",
        0x72 => "INDICATE_STATUS",
        0x73 => "CANCEL",
        _ => return None,
    })
}

/// Encapsulation status (volume 2, table 2-3.3).
pub fn status(code: u32) -> Named {
    let name = match code {
        0x00 => "SUCCESS",
        0x01 => "INVALID_COMMAND",
        0x02 => "NO_MEMORY",
        0x03 => "INCORRECT_DATA",
        0x64 => "INVALID_SESSION",
        0x65 => "INVALID_LENGTH",
        0x69 => "UNSUPPORTED_VERSION",
        _ => return Named::or_hex(None, "status ", code),
    };
    name.into()
}

/// CIP services: common ones, then those of a class (volume 1, appendix A and 3-5.5).
pub fn cip_service(code: u8, class: Option<u32>) -> Named {
    let manager = class == Some(class::CONNECTION_MANAGER);
    let name = match code {
        0x01 => "Get_Attributes_All",
        0x02 => "Set_Attributes_All",
        0x03 => "Get_Attribute_List",
        0x04 => "Set_Attribute_List",
        0x05 => "Reset",
        0x06 => "Start",
        0x07 => "Stop",
        0x08 => "Create",
        0x09 => "Delete",
        0x0a => "Multiple_Service_Packet",
        0x0d => "Apply_Attributes",
        0x0e => "Get_Attribute_Single",
        0x10 => "Set_Attribute_Single",
        0x11 => "Find_Next_Object_Instance",
        0x15 => "Restore",
        0x16 => "Save",
        0x17 => "No_Operation",
        0x18 => "Get_Member",
        0x19 => "Set_Member",
        0x1a => "Insert_Member",
        0x1b => "Remove_Member",
        0x1c => "Group_Sync",
        0x4e if manager => "Forward_Close",
        0x52 if manager => "Unconnected_Send",
        0x54 if manager => "Forward_Open",
        0x56 if manager => "Get_Connection_Data",
        0x57 if manager => "Search_Connection_Data",
        0x5a if manager => "Get_Connection_Owner",
        0x5b if manager => "Large_Forward_Open",
        0x4b if class == Some(0x67) => "Execute_PCCC",
        0x4c => "Read_Tag",
        0x4d => "Write_Tag",
        0x4e => "Read_Modify_Write_Tag",
        0x52 => "Read_Tag_Fragmented",
        0x53 => "Write_Tag_Fragmented",
        0x55 => "Get_Instance_Attribute_List",
        _ => return Named::or_hex(None, "service ", code),
    };
    name.into()
}

/// Classes (volume 1, table 5-1.1, and Logix's).
pub const fn class(code: u32) -> Option<&'static str> {
    Some(match code {
        0x01 => "Identity",
        0x02 => "Message Router",
        0x03 => "DeviceNet",
        0x04 => "Assembly",
        0x05 => "Connection",
        0x06 => "Connection Manager",
        0x07 => "Register",
        0x08 => "Discrete Input Point",
        0x09 => "Discrete Output Point",
        0x0a => "Analog Input Point",
        0x0b => "Analog Output Point",
        0x0f => "Parameter",
        0x28 => "Motor Data",
        0x29 => "Control Supervisor",
        0x2a => "AC/DC Drive",
        0x2c => "Overload",
        0x37 => "File",
        0x42 => "Motion Device Axis",
        0x43 => "Time Sync",
        0x47 => "Device Level Ring",
        0x48 => "QoS",
        0x5d => "CIP Security",
        0x5e => "EtherNet/IP Security",
        0x67 => "PCCC",
        0x68 => "Program",
        0x69 => "Data Table",
        0x6b => "Symbol",
        0x6c => "Template",
        0x70 => "Task",
        0xac => "Controller Information",
        0xf4 => "Port",
        0xf5 => "TCP/IP Interface",
        0xf6 => "Ethernet Link",
        _ => return None,
    })
}

/// General status of a CIP answer (volume 1, appendix B).
pub fn general_status(code: u8) -> Named {
    let name = match code {
        0x00 => "Success",
        0x01 => "Connection failure",
        0x02 => "Resource unavailable",
        0x03 => "Invalid parameter value",
        0x04 => "Path segment error",
        0x05 => "Path destination unknown",
        0x06 => "Partial transfer",
        0x07 => "Connection lost",
        0x08 => "Service not supported",
        0x09 => "Invalid attribute value",
        0x0a => "Attribute list error",
        0x0b => "Already in requested mode",
        0x0c => "Object state conflict",
        0x0d => "Object already exists",
        0x0e => "Attribute not settable",
        0x0f => "Privilege violation",
        0x10 => "Device state conflict",
        0x11 => "Reply data too large",
        0x13 => "Not enough data",
        0x14 => "Attribute not supported",
        0x15 => "Too much data",
        0x16 => "Object does not exist",
        0x1a => "Routing failure, request too large",
        0x1b => "Routing failure, response too large",
        0x1e => "Embedded service error",
        0x20 => "Invalid parameter",
        0x25 => "Key failure in path",
        0x26 => "Path size invalid",
        0x28 => "Invalid member",
        0x29 => "Member not settable",
        _ => return Named::or_hex(None, "status ", code),
    };
    name.into()
}
