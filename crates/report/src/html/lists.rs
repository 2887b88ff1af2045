//! Everything that is a list.

use super::cx::Cx;
use super::markup::{Markup, attrs};
use super::tables::{Col, listing, table};
use super::words::W;
use super::{section, validity};
use crate::units::{count, date};
use crate::{Listing, Name};
use Col::{Number, Words};
use sekisho_finding::Severity;
use sekisho_types::Addr;

pub(super) fn hosts(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.hosts.rows.is_empty() {
        return;
    }
    section(m, cx, "hosts", W::Hosts, |m| {
        let columns = [
            Words(W::Address),
            Words(W::Place),
            Words(W::NameWord),
            Words(W::Serves),
            Words(W::Uses),
            Number(W::FlowsOut),
            Number(W::FlowsIn),
            Number(W::Sent),
            Number(W::Received),
            Words(W::FirstSeen),
            Words(W::LastSeen),
        ];
        listing(m, cx, W::HostsCaption, &columns, &page.hosts, |row, h| {
            row.with("a", |m| {
                m.text(&h.addr.to_string());
                worst(m, cx, h.addr);
            });
            row.text(cx.w(match h.internal {
                _ if h.addr.is_multicast() => W::Group,
                true => W::Inside,
                false => W::Outside,
            }));
            row.wire(h.name.as_ref());
            row.wires(&h.serves);
            row.wires(&h.uses);
            row.count(h.flows_out);
            row.count(h.flows_in);
            row.bytes(h.sent);
            row.bytes(h.received);
            row.time(cx, h.first);
            row.time(cx, h.last);
        });
    });
}

/// The worst finding about a host, beside its address.
fn worst(m: &mut Markup, cx: &Cx<'_>, addr: Addr) {
    let of_host = cx.open.iter().filter(|f| f.subject == addr && f.severity > Severity::Info).map(|f| f.severity).max();
    if let Some(severity) = of_host {
        m.raw(" ");
        cx.badge(m, severity);
    }
}

pub(super) fn traffic(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.services.rows.is_empty() {
        return;
    }
    section(m, cx, "services", W::Services, |m| {
        let columns = [Words(W::Service), Words(W::Transport), Number(W::Port), Number(W::Flows), Number(W::Bytes)];
        listing(m, cx, W::ServicesCaption, &columns, &page.services, |row, s| {
            match (&s.service, s.answered) {
                (None, false) => row.text(cx.w(W::NeverAnswered)),
                (service, _) => row.wire(service.as_ref()),
            }
            row.wire(Some(&s.transport));
            row.port(s.port);
            row.count(s.flows);
            row.bytes(s.bytes);
        });
        let columns = [Words(W::Protocol), Number(W::Flows), Number(W::Bytes), Number(W::LogRows)];
        listing(m, cx, W::ProtocolsCaption, &columns, &page.protocols, |row, p| {
            let rows = page.logs.iter().find(|(log, _)| log.as_bytes() == p.name.0).map(|l| l.1);
            row.wire(Some(&p.name));
            row.count(p.flows);
            row.bytes(p.bytes);
            row.count(rows);
        });
        let columns = [Words(W::Tunnel), Words(W::From), Words(W::To), Number(W::Times)];
        listing(m, cx, W::TunnelsCaption, &columns, &page.tunnels, |row, t| {
            row.wire(Some(&t.kind));
            row.addr(t.orig);
            row.addr(t.resp);
            row.count(t.count);
        });
    });
}

/// Belongs below the map of pairs.
pub(super) fn talkers(m: &mut Markup, cx: &Cx<'_>) {
    let columns = [Words(W::Opened), Words(W::Answered), Number(W::Flows), Number(W::SentThere), Number(W::SentBack)];
    listing(m, cx, W::TalkersCaption, &columns, &cx.page.talkers, |row, t| {
        row.addr(t.a);
        row.addr(t.b);
        row.count(t.flows);
        row.bytes(t.a_to_b);
        row.bytes(t.b_to_a);
    });
}

pub(super) fn names(m: &mut Markup, cx: &Cx<'_>) {
    let names = &cx.page.names;
    let lists = [
        (W::DnsQueries, &names.dns_queries),
        (W::Nxdomain, &names.nxdomain),
        (W::TlsServers, &names.tls_servers),
        (W::HttpHosts, &names.http_hosts),
        (W::TlsVersions, &cx.page.tls_versions),
    ];
    if lists.iter().all(|(_, l)| l.rows.is_empty()) && names.software.rows.is_empty() {
        return;
    }
    section(m, cx, "names", W::Names, |m| {
        m.el("div", attrs![class: "columns"], |m| {
            for (caption, list) in lists {
                named(m, cx, caption, list);
            }
            let columns = [Words(W::NameWord), Words(W::Kind), Number(W::Times)];
            listing(m, cx, W::Programs, &columns, &names.software, |row, s| {
                row.wire(Some(&s.name));
                row.with("", |m| cx.fixed(m, s.kind));
                row.count(s.count);
            });
        });
    });
}

fn named(m: &mut Markup, cx: &Cx<'_>, caption: W, list: &Listing<Name>) {
    if list.rows.is_empty() {
        return;
    }
    m.el("div", &[], |m| {
        listing(m, cx, caption, &[Words(W::NameWord), Number(W::Times)], list, |row, n| {
            row.wire(Some(&n.name));
            row.count(n.count);
        });
    });
}

pub(super) fn certificates(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.certificates.rows.is_empty() {
        return;
    }
    section(m, cx, "certificates", W::Certificates, |m| {
        validity::draw(m, cx);
        let columns = [
            Words(W::Subject),
            Words(W::Problems),
            Words(W::Issuer),
            Words(W::ValidFrom),
            Words(W::ValidUntil),
            Words(W::Key),
            Words(W::Signature),
            Words(W::Server),
            Number(W::Times),
            Words(W::Fingerprint),
        ];
        listing(m, cx, W::CertificatesCaption, &columns, &page.certificates, |row, c| {
            row.wire(Some(&c.subject));
            row.with("w", |m| {
                for (i, problem) in c.problems.iter().enumerate() {
                    if i > 0 {
                        m.raw("; ");
                    }
                    m.text(&cx.problem(problem));
                }
                if c.problems.is_empty() {
                    m.raw("–");
                }
            });
            row.wire(Some(&c.issuer));
            row.with("t", |m| m.text(&c.not_before.map(date).unwrap_or_default()));
            row.with("t", |m| m.text(&c.not_after.map(date).unwrap_or_default()));
            row.wire(Some(&c.key));
            row.wire(Some(&c.signature));
            row.with("w", |m| {
                if let Some(server) = c.server {
                    m.say("span", attrs![class: "addr"], &server.to_string());
                }
                if let Some(name) = &c.server_name {
                    m.raw(" ");
                    m.word(&name.0);
                }
            });
            row.count(c.count);
            row.code(Some(&c.fingerprint));
        });
    });
}

pub(super) fn files(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.files.rows.is_empty() && page.mails.rows.is_empty() {
        return;
    }
    section(m, cx, "files", W::Files, |m| {
        let columns = [
            Words(W::NameWord),
            Number(W::Size),
            Words(W::Whole),
            Words(W::Type),
            Words(W::Over),
            Words(W::From),
            Words(W::To),
            Words(W::Time),
            Words(W::Sha256),
        ];
        listing(m, cx, W::FilesCaption, &columns, &page.files, |row, f| {
            row.wire(f.filename.as_ref().or(Some(&f.fuid)));
            row.bytes(f.seen_bytes);
            row.text(cx.w(if f.is_incomplete() { W::Partial } else { W::Yes }));
            row.wire(f.mime_type.as_ref());
            row.wire(Some(&f.source));
            row.addr(f.from);
            row.addr(f.to);
            row.time(cx, f.ts);
            row.code(f.sha256.as_ref());
        });
        let columns = [Words(W::Type), Number(W::Files), Number(W::Bytes)];
        listing(m, cx, W::FileTypesCaption, &columns, &page.file_types, |row, t| {
            row.wire(t.mime_type.as_ref());
            row.count(t.files);
            row.bytes(t.bytes);
        });
        let columns =
            [Words(W::Subject), Words(W::From), Words(W::To), Words(W::Client), Words(W::Server), Words(W::Time)];
        listing(m, cx, W::MailsCaption, &columns, &page.mails, |row, mail| {
            row.wire(mail.subject.as_ref());
            row.wire(mail.from.as_ref());
            row.wires(&mail.to);
            row.addr(mail.client);
            row.addr(mail.server);
            row.time(cx, mail.ts);
        });
    });
}

pub(super) fn logins(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.logins.rows.is_empty() {
        return;
    }
    section(m, cx, "logins", W::Logins, |m| {
        let columns = [
            Words(W::User),
            Words(W::Protocol),
            Words(W::Client),
            Words(W::Server),
            Words(W::Outcome),
            Number(W::Times),
        ];
        listing(m, cx, W::LoginsCaption, &columns, &page.logins, |row, l| {
            row.wire(Some(&l.user));
            row.text(l.protocol);
            row.addr(l.client);
            row.addr(l.server);
            row.text(cx.w(match l.accepted {
                Some(true) => W::Accepted,
                Some(false) => W::Refused,
                None => W::NotSaid,
            }));
            row.count(l.count);
        });
    });
}

pub(super) fn oddities(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    if page.weirds.rows.is_empty() && page.attempts.rows.is_empty() {
        return;
    }
    section(m, cx, "oddities", W::Oddities, |m| {
        m.say("p", attrs![class: "note"], cx.w(W::OdditiesNote));
        let columns = [
            Words(W::Address),
            Number(W::Unanswered),
            Number(W::RefusedCount),
            Number(W::HostsTried),
            Number(W::PortsTried),
        ];
        listing(m, cx, W::AttemptsCaption, &columns, &page.attempts, |row, a| {
            let at_least = |v: u64| if a.exact { count(v) } else { format!("≥ {}", count(v)) };
            row.addr(a.addr);
            row.count(a.unanswered);
            row.count(a.refused);
            row.with("n", |m| m.text(&at_least(a.hosts)));
            row.with("n", |m| m.text(&at_least(a.ports)));
        });
        let columns = [Words(W::Oddity), Number(W::Times), Words(W::Flow), Words(W::Detail)];
        listing(m, cx, W::WeirdsCaption, &columns, &page.weirds, |row, w| {
            row.wire(Some(&w.name));
            row.count(w.count);
            row.code(w.uid.as_ref());
            row.wire(w.detail.as_ref());
        });
    });
}

/// What the run used of its memory, and what it gave up for want of it; rows of each log.
pub(super) fn state(m: &mut Markup, cx: &Cx<'_>) {
    let s = &cx.page.state;
    if s.memory == 0 {
        return;
    }
    section(m, cx, "state", W::State, |m| {
        if s.given_up.is_empty() {
            m.say("p", &[], cx.w(W::NothingGivenUp));
        }
        for (name, n) in &s.given_up {
            m.el("p", attrs![class: "warn"], |m| {
                cx.fixed(m, name);
                m.text(&format!(": {}", count(*n)));
            });
        }
        let caption = cx.fill(W::MemoryCaption, &[&mib(s.memory)]);
        let columns = [Words(W::Pool), Number(W::Peak), Number(W::Limit)];
        table(m, cx, &caption, &columns, s.pools.iter(), |row, p| {
            row.with("", |m| cx.fixed(m, p.name));
            row.with("n", |m| m.text(&mib(p.peak)));
            row.with("n", |m| m.text(&mib(p.cap)));
        });
    });
}

fn mib(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / (1 << 20);
    format!("{}.{} MiB", count(u64::try_from(tenths / 10).unwrap_or(u64::MAX)), tenths % 10)
}
