use super::Json;
use crate::{Destination, Page, Profile, ServiceUse, Traffic};

/// `devices[]`: what comparisons are made from.
pub(super) fn devices(j: &mut Json, p: &Page) {
    j.objects("devices", &p.devices.rows, device);
    j.number("device_entries_forgotten", p.device_entries_forgotten);
}

fn device(j: &mut Json, d: &Profile) {
    j.addr("address", d.addr);
    let mac = d.mac.map(|m| m.to_string());
    j.text("mac", mac.as_deref().map(str::as_bytes));
    j.wire("name", d.name.as_ref());
    j.member("opened", |j| traffic(j, &d.opened));
    j.member("accepted", |j| traffic(j, &d.accepted));
    j.member("outside", |j| traffic(j, &d.outside));
    j.number("one_sided_flows", d.one_sided);
    j.number("tcp_packets", d.tcp_packets);
    j.number("retransmitted_packets", d.retransmitted);
    j.numbers("speeds_bits_per_second", d.speeds.iter().map(|s| s.0));
    j.numbers("speeds_flows", d.speeds.iter().map(|s| s.1));
    let names = [
        ("connect_microseconds", "connect_flows"),
        ("response_microseconds", "response_flows"),
        ("answer_microseconds", "answer_flows"),
    ];
    for ((micros, flows), times) in names.into_iter().zip(&d.times) {
        j.numbers(micros, times.iter().map(|t| t.0));
        j.numbers(flows, times.iter().map(|t| t.1));
    }
    j.numbers("flows_by_hour_of_week", d.hours.iter().copied());
    j.objects("services_used", &d.used, service);
    j.objects("services_offered", &d.offered, service);
    j.objects("destinations", &d.destinations, destination);
    j.number("more_destinations", d.more_destinations);
    j.objects("names", &d.names, |j, n| {
        j.wire("name", Some(&n.name));
        j.number("count", n.count);
        j.real("dispersion", i64::try_from(n.dispersion).unwrap_or(i64::MAX));
        j.time("first", n.first);
        j.time("last", n.last);
    });
    j.number("more_names", d.more_names);
    j.objects("certificates", &d.certificates, |j, c| {
        j.wire("fingerprint", Some(&c.fingerprint));
        j.flag("own", c.own);
        j.wire("server", Some(&c.server));
        j.wire("subject", Some(&c.subject));
        j.wire("issuer", Some(&c.issuer));
        j.time("not_after", c.not_after);
        j.number("count", c.count);
        j.real("dispersion", i64::try_from(c.dispersion).unwrap_or(i64::MAX));
        j.time("first", c.first);
        j.time("last", c.last);
    });
    j.number("more_certificates", d.more_certificates);
}

fn service(j: &mut Json, s: &ServiceUse) {
    j.wire("service", Some(&s.service));
    traffic(j, &s.traffic);
}

fn destination(j: &mut Json, d: &Destination) {
    j.wire("name", d.name.as_ref());
    let addresses: Vec<String> = d.addresses.iter().map(ToString::to_string).collect();
    j.strings("addresses", addresses.iter().map(|a| a.as_bytes()));
    j.strings("services", d.services.iter().map(|s| &s.0[..]));
    traffic(j, &d.traffic);
}

fn traffic(j: &mut Json, t: &Traffic) {
    j.number("flows", t.flows);
    j.number("failed", t.failed);
    j.number("sent_bytes", t.sent);
    j.number("received_bytes", t.received);
    j.number("sent_spread", t.sent_spread);
    j.number("received_spread", t.received_spread);
    j.real("dispersion", i64::try_from(t.dispersion).unwrap_or(i64::MAX));
    j.time("first", t.first);
    j.time("last", t.last);
}
