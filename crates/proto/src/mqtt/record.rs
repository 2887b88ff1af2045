use sekisho_record::{EnumName, Head, Record, Tail, Text};

/// One MQTT session's opening: what the client asked for and what the server said.
#[derive(Clone, Debug, Record)]
#[record(log = "mqtt_connect")]
pub struct MqttConnectRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Name of the protocol: `MQTT`, before 3.1.1 `MQIsdp`.
    pub proto_name: Option<Text>,
    /// Version: `3.1`, `3.1.1`, `5.0`.
    pub proto_version: Option<Text>,
    /// The client's name for itself.
    pub client_id: Option<Text>,
    /// What the server said.
    pub connect_status: Option<Text>,
    /// Topic of the message that is published if the client vanishes.
    pub will_topic: Option<Text>,
    /// That message.
    pub will_payload: Option<Text>,
    /// User name.
    #[record(ext)]
    pub user: Option<Text>,
    /// A password was sent.
    #[record(ext)]
    pub password_seen: Option<bool>,
    /// Seconds of silence that the client allows itself.
    #[record(ext)]
    pub keep_alive: Option<u16>,
    /// The session starts without what was kept of the one before.
    #[record(ext)]
    pub clean_session: Option<bool>,
    /// Name that the server gave to a client without one (version 5).
    #[record(ext)]
    pub assigned_client_id: Option<Text>,
    /// Method of authentication (version 5).
    #[record(ext)]
    pub auth_method: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// One MQTT message published, in either direction.
#[derive(Clone, Debug, Record)]
#[record(log = "mqtt_publish")]
pub struct MqttPublishRecord {
    /// Time of the message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// By the client, not to it.
    pub from_client: bool,
    /// The server shall keep the message for later subscribers.
    pub retain: bool,
    /// Quality of service: `at most once`, `at least once`, `exactly once`.
    pub qos: Text,
    /// `ok`, or `incomplete_qos` if not all acknowledgements were seen.
    pub status: &'static str,
    /// The topic.
    pub topic: Text,
    /// Start of the content.
    pub payload: Text,
    /// Size of the content.
    pub payload_len: u64,
    /// Sent again.
    #[record(ext)]
    pub dup: Option<bool>,
    /// The client's name, if its login was seen.
    #[record(ext)]
    pub client_id: Option<Text>,
    /// Media type of the content (version 5).
    #[record(ext)]
    pub content_type: Option<Text>,
    /// What the acknowledgement says beyond success (version 5), in numbers of the standard.
    #[record(ext)]
    pub reason_code: Option<u8>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// One MQTT subscription, or the end of one.
#[derive(Clone, Debug, Record)]
#[record(log = "mqtt_subscribe")]
pub struct MqttSubscribeRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `MQTT::SUBSCRIBE` or `MQTT::UNSUBSCRIBE`.
    pub action: EnumName,
    /// Topics, or patterns of topics.
    pub topics: Vec<Text>,
    /// Qualities of service asked for.
    pub qos_levels: Option<Vec<u8>>,
    /// The first quality of service granted; 128 and more are refusals.
    pub granted_qos_level: Option<u8>,
    /// The server answered.
    pub ack: bool,
    /// The client's name, if its login was seen.
    #[record(ext)]
    pub client_id: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
