//! One file per detector. Its comment has, for each of its judgements, a heading `# id` and below it the sections of
//! `manual::HEADINGS`: that is what `sekisho explain` prints.

pub(crate) mod audit_advertised_services;
pub(crate) mod audit_cleartext_post;
pub(crate) mod audit_private_trust;
pub(crate) mod audit_traceroute;
pub(crate) mod cleartext_credentials;
pub(crate) mod dns_amplification;
pub(crate) mod dns_answer_conflict;
pub(crate) mod dns_fast_flux;
pub(crate) mod dns_open_resolver;
pub(crate) mod dns_poison_birthday;
pub(crate) mod dns_poison_kaminsky;
pub(crate) mod dns_poison_kashpureff;
pub(crate) mod dns_rebinding;
pub(crate) mod dns_resolver_weak_entropy;
pub(crate) mod dns_unapproved_resolver;
pub(crate) mod dnssec_bogus;
pub(crate) mod dnssec_downgrade;
pub(crate) mod dnssec_hygiene;
pub(crate) mod exposed_service;
pub(crate) mod ics_control;
pub(crate) mod insecure_protocol;
pub(crate) mod intel_contact;
pub(crate) mod rule_alert;
pub(crate) mod tls_cert_changed;
pub(crate) mod tls_cert_dates;
pub(crate) mod tls_cert_name;
pub(crate) mod tls_cert_revoked;
pub(crate) mod tls_cert_trust;
pub(crate) mod tls_cert_vendor_claim;
pub(crate) mod tls_cert_weak_crypto;
pub(crate) mod tls_weak_protocol;
