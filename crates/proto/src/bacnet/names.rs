//! Names of BACnet's numbers (ASHRAE 135-2020: annex J, clauses 6.2, 20.1 and 21).

use crate::named::Named;

fn pick(table: &'static [(u32, &'static str)], prefix: &str, n: u32) -> Named {
    let found = table.binary_search_by_key(&n, |e| e.0).ok().and_then(|i| table.get(i));
    Named::or_number(found.map(|e| e.1), prefix, n)
}

/// Functions of the virtual link (annex J.2).
pub fn bvlc(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "BVLC-Result"),
        (1, "Write-Broadcast-Distribution-Table"),
        (2, "Read-Broadcast-Distribution-Table"),
        (3, "Read-Broadcast-Distribution-Table-Ack"),
        (4, "Forwarded-NPDU"),
        (5, "Register-Foreign-Device"),
        (6, "Read-Foreign-Device-Table"),
        (7, "Read-Foreign-Device-Table-Ack"),
        (8, "Delete-Foreign-Device-Table-Entry"),
        (9, "Distribute-Broadcast-To-Network"),
        (10, "Original-Unicast-NPDU"),
        (11, "Original-Broadcast-NPDU"),
        (12, "Secure-BVLL"),
    ];
    pick(TABLE, "function-", n.into())
}

/// Messages of the network layer (clause 6.2.4).
pub fn network_message(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "Who-Is-Router-To-Network"),
        (1, "I-Am-Router-To-Network"),
        (2, "I-Could-Be-Router-To-Network"),
        (3, "Reject-Message-To-Network"),
        (4, "Router-Busy-To-Network"),
        (5, "Router-Available-To-Network"),
        (6, "Initialize-Routing-Table"),
        (7, "Initialize-Routing-Table-Ack"),
        (8, "Establish-Connection-To-Network"),
        (9, "Disconnect-Connection-To-Network"),
        (18, "What-Is-Network-Number"),
        (19, "Network-Number-Is"),
    ];
    pick(TABLE, "message-", n.into())
}

/// Confirmed services (clause 21, BACnetConfirmedServiceChoice).
pub fn confirmed(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "acknowledge-alarm"),
        (1, "confirmed-cov-notification"),
        (2, "confirmed-event-notification"),
        (3, "get-alarm-summary"),
        (4, "get-enrollment-summary"),
        (5, "subscribe-cov"),
        (6, "atomic-read-file"),
        (7, "atomic-write-file"),
        (8, "add-list-element"),
        (9, "remove-list-element"),
        (10, "create-object"),
        (11, "delete-object"),
        (12, "read-property"),
        (13, "read-property-conditional"),
        (14, "read-property-multiple"),
        (15, "write-property"),
        (16, "write-property-multiple"),
        (17, "device-communication-control"),
        (18, "confirmed-private-transfer"),
        (19, "confirmed-text-message"),
        (20, "reinitialize-device"),
        (21, "vt-open"),
        (22, "vt-close"),
        (23, "vt-data"),
        (24, "authenticate"),
        (25, "request-key"),
        (26, "read-range"),
        (27, "life-safety-operation"),
        (28, "subscribe-cov-property"),
        (29, "get-event-information"),
        (30, "subscribe-cov-property-multiple"),
        (31, "confirmed-cov-notification-multiple"),
        (32, "confirmed-audit-notification"),
        (33, "audit-log-query"),
    ];
    pick(TABLE, "service-", n.into())
}

/// Unconfirmed services (clause 21, BACnetUnconfirmedServiceChoice).
pub fn unconfirmed(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "i-am"),
        (1, "i-have"),
        (2, "unconfirmed-cov-notification"),
        (3, "unconfirmed-event-notification"),
        (4, "unconfirmed-private-transfer"),
        (5, "unconfirmed-text-message"),
        (6, "time-synchronization"),
        (7, "who-has"),
        (8, "who-is"),
        (9, "utc-time-synchronization"),
        (10, "write-group"),
        (11, "unconfirmed-cov-notification-multiple"),
        (12, "unconfirmed-audit-notification"),
        (13, "who-am-i"),
        (14, "you-are"),
    ];
    pick(TABLE, "service-", n.into())
}

/// Types of objects (clause 21, BACnetObjectType).
pub fn object(n: u32) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "analog-input"),
        (1, "analog-output"),
        (2, "analog-value"),
        (3, "binary-input"),
        (4, "binary-output"),
        (5, "binary-value"),
        (6, "calendar"),
        (7, "command"),
        (8, "device"),
        (9, "event-enrollment"),
        (10, "file"),
        (11, "group"),
        (12, "loop"),
        (13, "multi-state-input"),
        (14, "multi-state-output"),
        (15, "notification-class"),
        (16, "program"),
        (17, "schedule"),
        (18, "averaging"),
        (19, "multi-state-value"),
        (20, "trend-log"),
        (21, "life-safety-point"),
        (22, "life-safety-zone"),
        (23, "accumulator"),
        (24, "pulse-converter"),
        (25, "event-log"),
        (26, "global-group"),
        (27, "trend-log-multiple"),
        (28, "load-control"),
        (29, "structured-view"),
        (30, "access-door"),
        (33, "access-credential"),
        (34, "access-point"),
        (36, "access-user"),
        (37, "access-zone"),
        (40, "characterstring-value"),
        (45, "integer-value"),
        (46, "large-analog-value"),
        (48, "positive-integer-value"),
        (51, "notification-forwarder"),
        (54, "lighting-output"),
        (56, "network-port"),
    ];
    pick(TABLE, "object-", n)
}

/// Properties (clause 21, BACnetPropertyIdentifier), the usual ones.
pub fn property(n: u32) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (4, "active-text"),
        (8, "all"),
        (10, "apdu-segment-timeout"),
        (11, "apdu-timeout"),
        (12, "application-software-version"),
        (22, "cov-increment"),
        (28, "description"),
        (30, "device-address-binding"),
        (36, "event-state"),
        (44, "firmware-revision"),
        (46, "inactive-text"),
        (56, "local-date"),
        (57, "local-time"),
        (58, "location"),
        (62, "max-apdu-length-accepted"),
        (70, "model-name"),
        (75, "object-identifier"),
        (76, "object-list"),
        (77, "object-name"),
        (79, "object-type"),
        (80, "optional"),
        (81, "out-of-service"),
        (84, "polarity"),
        (85, "present-value"),
        (87, "priority-array"),
        (96, "protocol-object-types-supported"),
        (97, "protocol-services-supported"),
        (98, "protocol-version"),
        (103, "reliability"),
        (104, "relinquish-default"),
        (105, "required"),
        (107, "segmentation-supported"),
        (108, "setpoint"),
        (111, "status-flags"),
        (112, "system-status"),
        (117, "units"),
        (120, "vendor-identifier"),
        (121, "vendor-name"),
        (123, "weekly-schedule"),
        (131, "log-buffer"),
        (139, "protocol-revision"),
        (155, "database-revision"),
        (371, "property-list"),
        (372, "serial-number"),
    ];
    pick(TABLE, "property-", n)
}

/// Classes of errors (clause 18).
pub fn error_class(n: u32) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "device"),
        (1, "object"),
        (2, "property"),
        (3, "resources"),
        (4, "security"),
        (5, "services"),
        (6, "vt"),
        (7, "communication"),
    ];
    pick(TABLE, "class-", n)
}

/// Codes of errors (clause 18), the usual ones.
pub fn error_code(n: u32) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "other"),
        (3, "configuration-in-progress"),
        (4, "device-busy"),
        (5, "dynamic-creation-not-supported"),
        (6, "file-access-denied"),
        (9, "invalid-data-type"),
        (25, "operational-problem"),
        (26, "password-failure"),
        (27, "read-access-denied"),
        (29, "service-request-denied"),
        (30, "timeout"),
        (31, "unknown-object"),
        (32, "unknown-property"),
        (35, "unknown-device"),
        (37, "value-out-of-range"),
        (40, "write-access-denied"),
        (42, "invalid-array-index"),
        (43, "cov-subscription-failed"),
        (44, "not-cov-property"),
        (45, "optional-functionality-not-supported"),
        (50, "property-is-not-an-array"),
    ];
    pick(TABLE, "code-", n)
}

/// Reasons of rejections (clause 18.9).
pub fn reject_reason(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "other"),
        (1, "buffer-overflow"),
        (2, "inconsistent-parameters"),
        (3, "invalid-parameter-data-type"),
        (4, "invalid-tag"),
        (5, "missing-required-parameter"),
        (6, "parameter-out-of-range"),
        (7, "too-many-arguments"),
        (8, "undefined-enumeration"),
        (9, "unrecognized-service"),
    ];
    pick(TABLE, "reason-", n.into())
}

/// Reasons of aborts (clause 18.10).
pub fn abort_reason(n: u8) -> Named {
    const TABLE: &[(u32, &str)] = &[
        (0, "other"),
        (1, "buffer-overflow"),
        (2, "invalid-apdu-in-this-state"),
        (3, "preempted-by-higher-priority-task"),
        (4, "segmentation-not-supported"),
        (5, "security-error"),
        (6, "insufficient-security"),
        (7, "window-size-out-of-range"),
        (8, "application-exceeded-reply-time"),
        (9, "out-of-resources"),
        (10, "tsm-timeout"),
        (11, "apdu-too-long"),
    ];
    pick(TABLE, "reason-", n.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        // A table out of order would not find its last entries.
        assert_eq!(bvlc(12).as_str(), "Secure-BVLL");
        assert_eq!(network_message(19).as_str(), "Network-Number-Is");
        assert_eq!(confirmed(33).as_str(), "audit-log-query");
        assert_eq!(unconfirmed(14).as_str(), "you-are");
        assert_eq!((object(56).as_str(), object(0).as_str()), ("network-port", "analog-input"));
        assert_eq!((property(372).as_str(), property(4).as_str()), ("serial-number", "active-text"));
        assert_eq!((error_class(7).as_str(), error_code(50).as_str()), ("communication", "property-is-not-an-array"));
        assert_eq!((reject_reason(9).as_str(), abort_reason(11).as_str()), ("unrecognized-service", "apdu-too-long"));
        assert_eq!(object(200).as_str(), "object-200");
    }
}
