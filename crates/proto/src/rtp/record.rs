use super::message::codec;
use sekisho_record::{Head, Record, Tail, Text};

/// What one end sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Media {
    pub ssrc: u32,
    pub payload_type: u8,
    pub packets: u64,
    pub bytes: u64,
    /// Numbers from the first to the highest, with turns.
    pub expected: u64,
    pub highest: u16,
}

/// Media between two ends.
#[derive(Clone, Debug, Record)]
#[record(log = "rtp")]
pub struct RtpRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The originator's source number.
    pub orig_ssrc: Option<u32>,
    /// Its payload type, the latest.
    pub orig_payload_type: Option<u8>,
    /// The payload type's name, if the number alone says it.
    pub orig_codec: Option<&'static str>,
    /// Its packets.
    pub orig_packets: u64,
    /// Bytes of media in them.
    pub orig_media_bytes: u64,
    /// Numbers left out.
    pub orig_lost: u64,
    /// The responder's source number.
    pub resp_ssrc: Option<u32>,
    /// Its payload type, the latest.
    pub resp_payload_type: Option<u8>,
    /// The payload type's name, if the number alone says it.
    pub resp_codec: Option<&'static str>,
    /// Its packets.
    pub resp_packets: u64,
    /// Bytes of media in them.
    pub resp_media_bytes: u64,
    /// Numbers left out.
    pub resp_lost: u64,
    /// Datagrams of RTCP.
    pub control_packets: u64,
    /// Worst loss that an end reported, as a share.
    pub reported_loss: Option<f64>,
    /// What a sender calls itself.
    pub canonical_name: Option<Text>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl RtpRecord {
    pub(super) fn new(head: Head, tail: Tail, media: [Media; 2]) -> Self {
        let [orig, resp] = media;
        let seen = |m: Media| (m.packets > 0).then_some(m);
        let lost = |m: Media| m.expected.saturating_sub(m.packets);
        Self {
            head,
            orig_ssrc: seen(orig).map(|m| m.ssrc),
            orig_payload_type: seen(orig).map(|m| m.payload_type),
            orig_codec: seen(orig).and_then(|m| codec(m.payload_type)),
            orig_packets: orig.packets,
            orig_media_bytes: orig.bytes,
            orig_lost: lost(orig),
            resp_ssrc: seen(resp).map(|m| m.ssrc),
            resp_payload_type: seen(resp).map(|m| m.payload_type),
            resp_codec: seen(resp).and_then(|m| codec(m.payload_type)),
            resp_packets: resp.packets,
            resp_media_bytes: resp.bytes,
            resp_lost: lost(resp),
            control_packets: 0,
            reported_loss: None,
            canonical_name: None,
            tail,
        }
    }
}
