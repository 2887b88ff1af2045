use super::{Json, SCHEMA_VERSION};
use crate::{Activity, Completeness, Listing, Name, Names, Page};
use sekisho_record::Text;

fn texts(list: &[Text]) -> impl Iterator<Item = &[u8]> {
    list.iter().map(|t| &t.0[..])
}

pub(super) fn page(j: &mut Json, p: &Page) {
    j.object(|j| {
        j.number("schema_version", u64::from(SCHEMA_VERSION));
        facts(j, p);
        traffic(j, p);
        protocols(j, p);
        j.member("names", |j| names(j, &p.names));
        certificates(j, p);
        moved(j, p);
        anomalies(j, p);
        j.member("unseen", |j| {
            j.number("encrypted_flows", p.unseen.encrypted_flows);
            j.number("encrypted_bytes", p.unseen.encrypted_bytes);
            j.number("unknown_flows", p.unseen.unknown_flows);
            j.number("unknown_bytes", p.unseen.unknown_bytes);
        });
        super::findings::findings(j, &p.judged);
        j.member("more", |j| more(j, p));
        j.member("state", |j| {
            j.number("memory", p.state.memory);
            j.objects("pools", &p.state.pools, |j, pool| {
                j.text("name", pool.name.as_bytes());
                j.number("peak", pool.peak);
                j.number("limit", pool.cap);
            });
            j.objects("given_up", &p.state.given_up, |j, (name, n)| {
                j.text("name", name.as_bytes());
                j.number("count", *n);
            });
        });
    });
}

fn facts(j: &mut Json, p: &Page) {
    let (c, t) = (&p.completeness, &p.totals);
    j.member("capture", |j| {
        j.strings("inputs", c.inputs.iter().map(String::as_bytes));
        j.strings("reading", c.reading.iter().map(String::as_bytes));
        j.time("first", c.first);
        j.time("last", c.last);
        j.seconds("duration", c.first.zip(c.last).map(|(a, b)| (b - a).0));
    });
    j.member("completeness", |j| completeness(j, c));
    j.member("totals", |j| {
        j.number("packets", c.packets);
        j.number("bytes", c.bytes);
        j.number("wire_bytes", c.wire_bytes);
        j.number("flows", t.flows);
        j.member("hosts", |j| {
            j.number("internal", t.internal_hosts);
            j.number("external", t.external_hosts);
        });
        j.objects("transports", &t.transports, |j, t| {
            j.wire("name", Some(&t.name));
            j.number("flows", t.flows);
            j.number("packets", t.packets);
            j.number("ip_bytes", t.bytes);
        });
    });
}

/// When: the timeline, and the hours of the week.
fn activity(j: &mut Json, a: &Activity) {
    j.member("activity", |j| {
        j.time("start", a.start);
        j.real("step_seconds", a.width.0 / 1_000_000);
        j.numbers("flows", a.bins.iter().map(|b| b.flows));
        j.numbers("bytes", a.bins.iter().map(|b| b.bytes));
        j.numbers("flows_by_hour_of_week", a.week.iter().copied());
    });
}

fn completeness(j: &mut Json, c: &Completeness) {
    j.flag("complete", c.is_complete());
    j.strings("damage", c.damage.iter().map(String::as_bytes));
    j.number("capture_drops", c.capture_drops);
    j.number("cut_packets", c.cut_packets);
    j.number("gap_bytes", c.gap_bytes);
    j.number("mails", c.mails);
    j.number("cut_mails", c.cut_mails);
    j.number("one_sided_flows", c.one_sided_flows);
    j.objects("undecoded", &c.undecoded, |j, (reason, n)| {
        j.text("reason", reason.as_bytes());
        j.number("frames", *n);
    });
    j.objects("limits", &c.limits, |j, (name, n)| {
        j.text("name", name.as_bytes());
        j.number("count", *n);
    });
}

fn traffic(j: &mut Json, p: &Page) {
    j.objects("hosts", &p.hosts.rows, |j, h| {
        j.addr("address", h.addr);
        j.flag("internal", h.internal);
        j.wire("name", h.name.as_ref());
        j.strings("roles", h.roles.iter().map(|r| r.as_bytes()));
        j.strings("serves", texts(&h.serves));
        j.strings("uses", texts(&h.uses));
        j.number("flows_out", h.flows_out);
        j.number("flows_in", h.flows_in);
        j.number("sent_bytes", h.sent);
        j.number("received_bytes", h.received);
        j.time("first", h.first);
        j.time("last", h.last);
    });
    super::devices::devices(j, p);
    activity(j, &p.activity);
    j.objects("services", &p.services.rows, |j, s| {
        j.wire("transport", Some(&s.transport));
        j.number("port", s.port.map(u64::from));
        j.wire("service", s.service.as_ref());
        j.flag("answered", s.answered);
        j.number("flows", s.flows);
        j.number("bytes", s.bytes);
    });
    j.objects("talkers", &p.talkers.rows, |j, t| {
        j.addr("a", t.a);
        j.addr("b", t.b);
        j.number("flows", t.flows);
        j.number("a_to_b_bytes", t.a_to_b);
        j.number("b_to_a_bytes", t.b_to_a);
    });
}

fn protocols(j: &mut Json, p: &Page) {
    j.objects("protocols", &p.protocols.rows, |j, p| {
        j.wire("name", Some(&p.name));
        j.number("flows", p.flows);
        j.number("bytes", p.bytes);
    });
    named(j, "tls_versions", &p.tls_versions);
    j.objects("tunnels", &p.tunnels.rows, |j, t| {
        j.wire("type", Some(&t.kind));
        j.addr("orig", t.orig);
        j.addr("resp", t.resp);
        j.number("count", t.count);
    });
    j.member("logs", |j| p.logs.iter().for_each(|(log, rows)| j.number(log, *rows)));
}

fn names(j: &mut Json, n: &Names) {
    named(j, "dns_queries", &n.dns_queries);
    named(j, "nxdomain", &n.nxdomain);
    named(j, "tls_servers", &n.tls_servers);
    named(j, "http_hosts", &n.http_hosts);
    j.objects("software", &n.software.rows, |j, s| {
        j.text("kind", s.kind.as_bytes());
        j.wire("name", Some(&s.name));
        j.number("count", s.count);
    });
}

fn named(j: &mut Json, name: &str, list: &Listing<Name>) {
    j.objects(name, &list.rows, |j, n| {
        j.wire("name", Some(&n.name));
        j.number("count", n.count);
    });
}

fn certificates(j: &mut Json, p: &Page) {
    j.objects("certificates", &p.certificates.rows, |j, c| {
        j.wire("fingerprint", Some(&c.fingerprint));
        j.wire("subject", Some(&c.subject));
        j.wire("issuer", Some(&c.issuer));
        j.time("not_before", c.not_before);
        j.time("not_after", c.not_after);
        j.wire("key", Some(&c.key));
        j.wire("signature", Some(&c.signature));
        j.number("count", c.count);
        j.wire("server_name", c.server_name.as_ref());
        j.addr("server", c.server);
        j.strings("problems", c.problems.iter().map(String::as_bytes));
    });
}

fn moved(j: &mut Json, p: &Page) {
    j.objects("files", &p.files.rows, |j, f| {
        j.time("ts", f.ts);
        j.wire("fuid", Some(&f.fuid));
        j.wire("uid", Some(&f.uid));
        j.wire("source", Some(&f.source));
        j.wire("mime_type", f.mime_type.as_ref());
        j.wire("filename", f.filename.as_ref());
        j.addr("from", f.from);
        j.addr("to", f.to);
        j.number("seen_bytes", f.seen_bytes);
        j.number("total_bytes", f.total_bytes);
        j.number("missing_bytes", f.missing_bytes);
        j.flag("complete", !f.is_incomplete());
        j.wire("sha256", f.sha256.as_ref());
    });
    j.objects("file_types", &p.file_types.rows, |j, t| {
        j.wire("mime_type", t.mime_type.as_ref());
        j.number("files", t.files);
        j.number("bytes", t.bytes);
    });
    j.objects("mails", &p.mails.rows, |j, m| {
        j.time("ts", m.ts);
        j.addr("client", m.client);
        j.addr("server", m.server);
        j.wire("from", m.from.as_ref());
        j.strings("to", texts(&m.to));
        j.wire("subject", m.subject.as_ref());
    });
    j.objects("logins", &p.logins.rows, |j, l| {
        j.text("protocol", l.protocol.as_bytes());
        j.addr("client", l.client);
        j.addr("server", l.server);
        j.wire("user", Some(&l.user));
        j.flag("accepted", l.accepted);
        j.number("count", l.count);
    });
}

/// Two kinds in one list: `failed_attempts` and `weird`.
fn anomalies(j: &mut Json, p: &Page) {
    let attempts = p.attempts.rows.iter().map(Ok);
    j.objects("anomalies", attempts.chain(p.weirds.rows.iter().map(Err)), |j, row| match row {
        Ok(a) => {
            j.text("kind", &b"failed_attempts"[..]);
            j.addr("host", a.addr);
            j.number("unanswered", a.unanswered);
            j.number("refused", a.refused);
            j.number("hosts", a.hosts);
            j.number("ports", a.ports);
            j.flag("exact", a.exact);
        }
        Err(w) => {
            j.text("kind", &b"weird"[..]);
            j.wire("name", Some(&w.name));
            j.number("count", w.count);
            j.wire("uid", w.uid.as_ref());
            j.wire("detail", w.detail.as_ref());
        }
    });
}

fn more(j: &mut Json, p: &Page) {
    fn left_off<T>(j: &mut Json, name: &str, list: &Listing<T>) {
        if list.more > 0 {
            j.member(name, |j| {
                j.number("rows", list.more);
                j.flag("exact", list.exact);
            });
        }
    }
    left_off(j, "hosts", &p.hosts);
    left_off(j, "devices", &p.devices);
    left_off(j, "services", &p.services);
    left_off(j, "talkers", &p.talkers);
    left_off(j, "protocols", &p.protocols);
    left_off(j, "tls_versions", &p.tls_versions);
    left_off(j, "tunnels", &p.tunnels);
    left_off(j, "names.dns_queries", &p.names.dns_queries);
    left_off(j, "names.nxdomain", &p.names.nxdomain);
    left_off(j, "names.tls_servers", &p.names.tls_servers);
    left_off(j, "names.http_hosts", &p.names.http_hosts);
    left_off(j, "names.software", &p.names.software);
    left_off(j, "certificates", &p.certificates);
    left_off(j, "files", &p.files);
    left_off(j, "file_types", &p.file_types);
    left_off(j, "mails", &p.mails);
    left_off(j, "logins", &p.logins);
    left_off(j, "anomalies.failed_attempts", &p.attempts);
    left_off(j, "anomalies.weird", &p.weirds);
}
