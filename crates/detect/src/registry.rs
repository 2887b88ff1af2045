//! The ordered list of detectors: one line each.

use crate::cx::Cx;
use crate::detection::Scope;
use crate::history::Carrier;
use crate::rows::{Kind, Row};
use sekisho_finding::About;

/// Judges rows.
pub trait Detector: Send {
    /// The judgements that it makes.
    fn abouts(&self) -> &'static [&'static About];

    /// The kinds of rows that it sees; none if it judges at the end what all detectors know.
    fn kinds(&self) -> &'static [Kind] {
        &[]
    }

    /// The next row of one of these kinds.
    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let _ = (row, cx);
    }

    /// The run is over.
    fn finish(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// What it carries from run to run goes through `carrier`, the same way to a state and back. After earlier runs' facts
    /// are in, and before the run is over.
    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let _ = carrier;
    }

    /// Bytes of heap held.
    fn held_len(&self) -> usize;

    /// Entries forgotten for want of room.
    fn forgotten(&self) -> u64 {
        0
    }
}

/// Makes the list: module, and the detector's type in it. `explain` and the manual print the module's comment.
macro_rules! registry {
    ($($module:ident :: $detector:ident),* $(,)?) => {
        /// All detectors, with nothing seen yet.
        pub(crate) fn detectors(scope: &Scope) -> Vec<Box<dyn Detector>> {
            vec![$(Box::new(crate::detectors::$module::$detector::new(scope))),*]
        }

        /// Source of each detector, whose comments are its manual.
        pub(crate) const SOURCES: &[(&str, &str)] =
            &[$((stringify!($module), include_str!(concat!("detectors/", stringify!($module), ".rs")))),*];
    };
}

registry! {
    ad_enumeration::Enumeration,
    admin_path_first_seen::FirstSeen,
    audit_advertised_services::Advertised,
    audit_cleartext_post::CleartextPost,
    audit_geo_asn::GeoAsn,
    audit_new_destination::NewDestination,
    audit_periodicity::Periodicity,
    audit_private_trust::PrivateTrust,
    audit_traceroute::Traceroute,
    auth_coercion::Coercion,
    c2_anonymizer::Anonymizer,
    c2_beacon::Beacons,
    c2_dga::Dga,
    c2_dns_tunnel::DnsTunnel,
    c2_http_traits::HttpTraits,
    c2_interactive_reverse::InteractiveReverse,
    c2_long_connection::LongConnection,
    c2_mining::Mining,
    c2_remote_access::RemoteAccess,
    cleartext_credentials::Cleartext,
    dc_abuse::DcAbuse,
    dns_amplification::Amplification,
    dns_answer_conflict::Conflict,
    dns_fast_flux::FastFlux,
    dns_open_resolver::OpenResolver,
    dns_poison_birthday::Birthday,
    dns_poison_kaminsky::Kaminsky,
    dns_poison_kashpureff::Kashpureff,
    dns_rebinding::Rebinding,
    dns_resolver_weak_entropy::WeakEntropy,
    dns_unapproved_resolver::Unapproved,
    dnssec_bogus::Bogus,
    dnssec_downgrade::Downgrade,
    dnssec_hygiene::Weaknesses,
    exfil_icmp_tunnel::IcmpTunnel,
    exposed_service::Exposed,
    ics_control::Control,
    insecure_protocol::Insecure,
    intel_contact::Contact,
    kerberos_roasting::Roasting,
    l2_spoof::L2Spoof,
    mail_auth_fail::AuthFail,
    mail_dangerous_attachment::Attachment,
    mail_display_spoof::DisplaySpoof,
    mail_link_mismatch::LinkMismatch,
    mail_lookalike_sender::Lookalike,
    name_poisoning::Poisoning,
    ntlm_downgrade::Downgrade,
    ntlm_relay::Relays,
    pass_the_hash_hint::Hints,
    password_guessing::Guessing,
    rogue_gateway::RogueGateway,
    rpc_remote_exec::RemoteExec,
    rule_alert::RuleAlerts,
    scan_horizontal::Horizontal,
    scan_vertical::Vertical,
    smb_mass_modify::MassModify,
    smb_mass_read::MassRead,
    tls_cert_changed::Changed,
    tls_cert_dates::Dates,
    tls_cert_name::Name,
    tls_cert_revoked::Revoked,
    tls_cert_trust::Trust,
    tls_cert_vendor_claim::VendorClaim,
    tls_cert_weak_crypto::WeakCrypto,
    tls_weak_protocol::WeakProtocol,
    web_attack_request::AttackRequest,
    web_mixed_content::MixedContent,
    web_weak_headers::WeakHeaders,
    // Last, as they join what the others found.
    exfil_new_destination::NewUploads,
    host_sweep::HostSweep,
    lateral_chain::Chain,
}

/// Every judgement that can be made, in the list's order.
pub fn abouts() -> Vec<&'static About> {
    detectors(&Scope::default()).iter().flat_map(|d| d.abouts()).copied().collect()
}
