//! Names and versions of the requests, names of errors ("Kafka protocol guide").

use sekisho_record::Text;

/// Numbers of requests that are looked into.
pub(super) mod key {
    pub const PRODUCE: u16 = 0;
    pub const FETCH: u16 = 1;
    pub const LIST_OFFSETS: u16 = 2;
    pub const METADATA: u16 = 3;
    pub const OFFSET_COMMIT: u16 = 8;
    pub const OFFSET_FETCH: u16 = 9;
    pub const FIND_COORDINATOR: u16 = 10;
    pub const JOIN_GROUP: u16 = 11;
    pub const HEARTBEAT: u16 = 12;
    pub const LEAVE_GROUP: u16 = 13;
    pub const SYNC_GROUP: u16 = 14;
    pub const SASL_HANDSHAKE: u16 = 17;
    pub const API_VERSIONS: u16 = 18;
    pub const CREATE_TOPICS: u16 = 19;
    pub const DELETE_TOPICS: u16 = 20;
    pub const INIT_PRODUCER_ID: u16 = 22;
    pub const SASL_AUTHENTICATE: u16 = 36;
}

/// No version: the request never became flexible.
const NEVER: u16 = u16::MAX;

/// Name, and the version from which on the encoding is the flexible one, by number.
const APIS: [(&str, u16); 69] = [
    ("Produce", 9),
    ("Fetch", 12),
    ("ListOffsets", 6),
    ("Metadata", 9),
    ("LeaderAndIsr", 4),
    ("StopReplica", 2),
    ("UpdateMetadata", 6),
    ("ControlledShutdown", 3),
    ("OffsetCommit", 8),
    ("OffsetFetch", 6),
    ("FindCoordinator", 3),
    ("JoinGroup", 6),
    ("Heartbeat", 4),
    ("LeaveGroup", 4),
    ("SyncGroup", 4),
    ("DescribeGroups", 5),
    ("ListGroups", 3),
    ("SaslHandshake", NEVER),
    ("ApiVersions", 3),
    ("CreateTopics", 5),
    ("DeleteTopics", 4),
    ("DeleteRecords", 2),
    ("InitProducerId", 2),
    ("OffsetForLeaderEpoch", 4),
    ("AddPartitionsToTxn", 3),
    ("AddOffsetsToTxn", 3),
    ("EndTxn", 3),
    ("WriteTxnMarkers", 1),
    ("TxnOffsetCommit", 3),
    ("DescribeAcls", 2),
    ("CreateAcls", 2),
    ("DeleteAcls", 2),
    ("DescribeConfigs", 4),
    ("AlterConfigs", 2),
    ("AlterReplicaLogDirs", 2),
    ("DescribeLogDirs", 2),
    ("SaslAuthenticate", 2),
    ("CreatePartitions", 2),
    ("CreateDelegationToken", 2),
    ("RenewDelegationToken", 2),
    ("ExpireDelegationToken", 2),
    ("DescribeDelegationToken", 2),
    ("DeleteGroups", 2),
    ("ElectLeaders", 2),
    ("IncrementalAlterConfigs", 1),
    ("AlterPartitionReassignments", 0),
    ("ListPartitionReassignments", 0),
    ("OffsetDelete", NEVER),
    ("DescribeClientQuotas", 1),
    ("AlterClientQuotas", 1),
    ("DescribeUserScramCredentials", 0),
    ("AlterUserScramCredentials", 0),
    ("Vote", 0),
    ("BeginQuorumEpoch", 1),
    ("EndQuorumEpoch", 1),
    ("DescribeQuorum", 0),
    ("AlterPartition", 0),
    ("UpdateFeatures", 0),
    ("Envelope", 0),
    ("FetchSnapshot", 0),
    ("DescribeCluster", 0),
    ("DescribeProducers", 0),
    ("BrokerRegistration", 0),
    ("BrokerHeartbeat", 0),
    ("UnregisterBroker", 0),
    ("DescribeTransactions", 0),
    ("ListTransactions", 0),
    ("AllocateProducerIds", 0),
    ("ConsumerGroupHeartbeat", 0),
];

/// Greatest number believed; newer servers know more than the names above.
pub(super) const MAX_KEY: u16 = 100;
/// Greatest version believed.
pub(super) const MAX_VERSION: u16 = 24;

pub(super) fn name(key: u16) -> Text {
    match APIS.get(usize::from(key)) {
        Some((name, _)) => name.into(),
        None => format!("unknown-{key}").into(),
    }
}

/// Is version `version` of a request in the flexible encoding (KIP-482)?
pub(super) fn is_flexible(key: u16, version: u16) -> bool {
    APIS.get(usize::from(key)).is_some_and(|a| version >= a.1)
}

/// Names of the errors that tell most; others by number.
pub(super) fn error(code: i16) -> Text {
    let name = match code {
        -1 => "UNKNOWN_SERVER_ERROR",
        1 => "OFFSET_OUT_OF_RANGE",
        2 => "CORRUPT_MESSAGE",
        3 => "UNKNOWN_TOPIC_OR_PARTITION",
        5 => "LEADER_NOT_AVAILABLE",
        6 => "NOT_LEADER_OR_FOLLOWER",
        7 => "REQUEST_TIMED_OUT",
        10 => "MESSAGE_TOO_LARGE",
        15 => "COORDINATOR_NOT_AVAILABLE",
        16 => "NOT_COORDINATOR",
        17 => "INVALID_TOPIC_EXCEPTION",
        22 => "ILLEGAL_GENERATION",
        25 => "UNKNOWN_MEMBER_ID",
        27 => "REBALANCE_IN_PROGRESS",
        29 => "TOPIC_AUTHORIZATION_FAILED",
        30 => "GROUP_AUTHORIZATION_FAILED",
        31 => "CLUSTER_AUTHORIZATION_FAILED",
        33 => "UNSUPPORTED_SASL_MECHANISM",
        34 => "ILLEGAL_SASL_STATE",
        35 => "UNSUPPORTED_VERSION",
        36 => "TOPIC_ALREADY_EXISTS",
        58 => "SASL_AUTHENTICATION_FAILED",
        79 => "MEMBER_ID_REQUIRED",
        n => return n.to_string().into(),
    };
    name.into()
}
