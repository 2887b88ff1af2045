//! Names of services (OPC 10000-6 annex A: ids of the binary encodings) and status codes (OPC 10000-4 §7.39).

use crate::named::Named;

/// Request, response, name.
const SERVICES: &[(u16, u16, &str)] = &[
    (422, 425, "FindServers"),
    (428, 431, "GetEndpoints"),
    (437, 440, "RegisterServer"),
    (446, 449, "OpenSecureChannel"),
    (452, 455, "CloseSecureChannel"),
    (461, 464, "CreateSession"),
    (467, 470, "ActivateSession"),
    (473, 476, "CloseSession"),
    (479, 482, "Cancel"),
    (488, 491, "AddNodes"),
    (494, 497, "AddReferences"),
    (500, 503, "DeleteNodes"),
    (506, 509, "DeleteReferences"),
    (527, 530, "Browse"),
    (533, 536, "BrowseNext"),
    (554, 557, "TranslateBrowsePathsToNodeIds"),
    (560, 563, "RegisterNodes"),
    (566, 569, "UnregisterNodes"),
    (615, 618, "QueryFirst"),
    (621, 624, "QueryNext"),
    (631, 634, "Read"),
    (664, 667, "HistoryRead"),
    (673, 676, "Write"),
    (700, 703, "HistoryUpdate"),
    (712, 715, "Call"),
    (751, 754, "CreateMonitoredItems"),
    (763, 766, "ModifyMonitoredItems"),
    (769, 772, "SetMonitoringMode"),
    (775, 778, "SetTriggering"),
    (781, 784, "DeleteMonitoredItems"),
    (787, 790, "CreateSubscription"),
    (793, 796, "ModifySubscription"),
    (799, 802, "SetPublishingMode"),
    (826, 829, "Publish"),
    (832, 835, "Republish"),
    (841, 844, "TransferSubscriptions"),
    (847, 850, "DeleteSubscriptions"),
    (12208, 12209, "FindServersOnNetwork"),
    (12211, 12212, "RegisterServer2"),
];

/// Response that only refuses.
pub const SERVICE_FAULT: u16 = 397;
/// Requests and responses with a meaning here.
pub const OPEN_CHANNEL: u16 = 446;
pub const CREATE_SESSION: u16 = 461;
pub const ACTIVATE_SESSION: u16 = 467;
pub const GET_ENDPOINTS: u16 = 428;
pub const BROWSE: u16 = 527;
pub const READ: u16 = 631;
pub const WRITE: u16 = 673;
pub const CALL: u16 = 712;
pub const PUBLISH: u16 = 826;

/// What a message's type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request with this id.
    Request(u16),
    /// A response to the request with this id; `None` for faults, which fit every request.
    Response(Option<u16>),
}

/// What is the message of type `id`?
pub fn kind(id: u16) -> Option<Kind> {
    if id == SERVICE_FAULT {
        return Some(Kind::Response(None));
    }
    SERVICES.iter().find_map(|(request, response, _)| {
        if *request == id {
            Some(Kind::Request(id))
        } else {
            (*response == id).then_some(Kind::Response(Some(*request)))
        }
    })
}

/// Name of the service with this request.
pub fn service(request: u16) -> Named {
    let name = SERVICES.iter().find(|s| s.0 == request).map(|s| s.2);
    Named::or_number(name, "service ", request)
}

/// Name of a status, the usual ones; the lower half has flags.
pub fn status(code: u32) -> Named {
    let name = match code & 0xffff_0000 {
        0 => "Good",
        0x8002_0000 => "BadInternalError",
        0x8004_0000 => "BadResourceUnavailable",
        0x8005_0000 => "BadCommunicationError",
        0x8007_0000 => "BadDecodingError",
        0x8008_0000 => "BadEncodingLimitsExceeded",
        0x800a_0000 => "BadTimeout",
        0x800b_0000 => "BadServiceUnsupported",
        0x800c_0000 => "BadShutdown",
        0x800d_0000 => "BadServerNotConnected",
        0x800e_0000 => "BadServerHalted",
        0x800f_0000 => "BadNothingToDo",
        0x8010_0000 => "BadTooManyOperations",
        0x8012_0000 => "BadCertificateInvalid",
        0x8013_0000 => "BadSecurityChecksFailed",
        0x8014_0000 => "BadCertificateTimeInvalid",
        0x8016_0000 => "BadCertificateHostNameInvalid",
        0x8017_0000 => "BadCertificateUriInvalid",
        0x8018_0000 => "BadCertificateUseNotAllowed",
        0x801a_0000 => "BadCertificateUntrusted",
        0x801f_0000 => "BadUserAccessDenied",
        0x8020_0000 => "BadIdentityTokenInvalid",
        0x8021_0000 => "BadIdentityTokenRejected",
        0x8022_0000 => "BadSecureChannelIdInvalid",
        0x8025_0000 => "BadSessionIdInvalid",
        0x8026_0000 => "BadSessionClosed",
        0x8027_0000 => "BadSessionNotActivated",
        0x8028_0000 => "BadSubscriptionIdInvalid",
        0x8034_0000 => "BadNodeIdUnknown",
        0x8054_0000 => "BadSecurityModeRejected",
        0x8055_0000 => "BadSecurityPolicyRejected",
        0x8056_0000 => "BadTooManySessions",
        0x8079_0000 => "BadTooManyPublishRequests",
        0x807a_0000 => "BadNoSubscription",
        0x807d_0000 => "BadTcpServerTooBusy",
        0x807e_0000 => "BadTcpMessageTypeInvalid",
        0x807f_0000 => "BadTcpSecureChannelUnknown",
        0x8080_0000 => "BadTcpMessageTooLarge",
        0x8081_0000 => "BadTcpNotEnoughResources",
        0x8082_0000 => "BadTcpInternalError",
        0x8083_0000 => "BadTcpEndpointUrlInvalid",
        0x8084_0000 => "BadRequestInterrupted",
        0x8085_0000 => "BadRequestTimeout",
        0x8086_0000 => "BadSecureChannelClosed",
        0x80b6_0000 => "BadSyntaxError",
        _ => return Named::from(format!("0x{code:08x}")),
    };
    name.into()
}
