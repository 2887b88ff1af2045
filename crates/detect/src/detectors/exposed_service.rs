//! # exposed-service
//! ## How
//! A client outside the home networks gets from a server inside what a protected one would not give: data, or a command
//! that works, before any login. The parsers know the service by the content of both ends, never by the port. The
//! stronger form `data`: content left, not only a sign of life. One answer is enough. Where only the server's side was
//! captured, the answers of Redis, MongoDB and HTTP that bring content or name the program count by themselves.
//! Told by the parsers: Redis, MongoDB, Elasticsearch and OpenSearch, etcd, Docker, Kubernetes, kubelet, Prometheus and
//! exporters, Jenkins, Consul, CouchDB, InfluxDB, Hadoop, Jupyter, Spark, Grafana, model servers, version control and
//! settings in the web root, backups, directory listings, over HTTP/1, HTTP/2 and HTTP/3. From the logs: memcached, Kafka,
//! MQTT, VNC, RTSP, LDAP, SNMP, Modbus, DNP3, S7, BACnet, EtherNet/IP, IEC 104.
//! ## Thresholds
//! None: one answer.
//! ## State
//! LDAP connections on which a login succeeded: at most 10,000, the least recent forgotten. Findings of one server, port
//! and service are one.
//! ## Severity
//! What controls machines (Docker, kubelet, Kubernetes, etcd, Jenkins, Jupyter, Redis) and accepted writes to controllers
//! critical 0.9; stores from which data left, files that tell secrets, screens, cameras and controllers that answer high
//! 0.9; stores that only answered, listings, metrics and SNMP medium 0.9. Of public content in a listing nobody knows
//! whether it is meant to be. Where the client's side was not seen, 0.6: it may have logged in.
//! ## Benign
//! Requests with an Authorization field, a cookie or a token, and whatever follows a login, are no exposure. Honeypots and
//! content that is public on purpose look the same and are to be muted; that a server refused others is not told yet.
//! ## Blind
//! Clients inside: there is no list yet of who may use what, so only the border counts. Encrypted sessions without keys.
//! Not looked at: phpMyAdmin and Adminer, X11, ZooKeeper, SMB null sessions, NFS, rsync, anonymous FTP, ADB, JDWP, Telnet
//! without password, etcd over gRPC without the `etcd` row of HTTP. Services that only the answer to a HEAD shows. With the
//! client's side alone, nothing; with the server's alone, services other than Redis, MongoDB and HTTP, paths that tell what
//! an answer means, and Redis behind an `OK`, which may be a login's.
//! ## References
//! Amazon GuardDuty Recon:EC2/PortProbeUnprotectedPort; the manuals of each interface; CIS benchmarks.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Quality, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Timestamp, Uid};

/// The services, and how bad it is if they answer, and if data leaves.
macro_rules! services {
    ($($code:literal $open:ident $data:ident $means:literal;)*) => {
        static REASONS: &[Reason] = &[$(Reason { code: $code, means: $means }),*];

        /// Of an answer, of data.
        const SEVERITIES: &[(Severity, Severity)] = &[$((Severity::$open, Severity::$data)),*];
    };
}

services! {
    "redis" Critical Critical "Redis took commands without a login.";
    "mongodb" Medium High "MongoDB answered without a login.";
    "elasticsearch" Medium High "Elasticsearch or OpenSearch answered without a login.";
    "memcached" Medium High "memcached answered without a login.";
    "etcd" Critical Critical "etcd gave its keys without a login.";
    "docker" Critical Critical "Docker's interface answered without a login.";
    "kubernetes" Critical Critical "Kubernetes listed objects without a login.";
    "kubelet" Critical Critical "A kubelet listed its pods without a login.";
    "jenkins" Critical Critical "Jenkins showed its control pages without a login.";
    "jupyter" Critical Critical "Jupyter, which runs any code, answered without a login.";
    "consul" High High "Consul answered without a login.";
    "couchdb" Medium High "CouchDB answered without a login.";
    "influxdb" Medium High "InfluxDB answered a query without a login.";
    "hadoop" High High "Hadoop's resource manager answered without a login.";
    "kafka" Medium High "Kafka answered without a login.";
    "spark" Medium Medium "Spark showed its applications without a login.";
    "grafana" Medium Medium "Grafana gave its settings without a login.";
    "prometheus" Medium Medium "Prometheus answered a query without a login.";
    "metrics" Medium Medium "Metrics of a machine or program are there for all to read.";
    "model-server" Medium Medium "A model server lists its models without a login.";
    "git-repository" High High "The web server gives away its Git repository.";
    "svn-repository" High High "The web server gives away its Subversion repository.";
    "env-file" High High "The web server gives away a file of settings and secrets.";
    "backup-file" High High "The web server gives away a backup.";
    "directory-listing" Medium Medium "The web server lists the files of a folder.";
    "mqtt" Medium High "An MQTT broker took a client without a login.";
    "vnc" High High "A screen is shared without a password.";
    "rtsp" High High "A camera described its stream without a login.";
    "ldap" High High "A directory was searched without a login.";
    "snmp" Medium Medium "SNMP was answered to somebody outside who knows no more than a community.";
    "modbus" High Critical "A Modbus device answered somebody outside.";
    "dnp3" High Critical "A DNP3 device answered somebody outside.";
    "s7comm" High High "A Siemens controller answered somebody outside.";
    "bacnet" High High "A BACnet device answered somebody outside.";
    "enip" High High "An EtherNet/IP device answered somebody outside.";
    "iec104" High High "A device that speaks IEC 104 answered somebody outside.";
}

static ABOUT: About = About {
    id: "exposed-service",
    title: "answering strangers without asking who they are",
    means: "A service here answered someone outside with data although no login took place.",
    techniques: &["T1190", "T1133", "T1595.002"],
    stage: Stage::Initial,
    reasons: REASONS,
    benign: "Content that is public on purpose, honeypots, partners who come by another way than the captured one tells.",
    clears: "The service asks for a login, or is no longer reached from outside.",
    next: &[
        "See what the client took, and who else came.",
        "Close the port at the border, or let the service ask for a login.",
        "Change the secrets that could be read.",
    ],
    needs: &[
        vital(What::Some(Traffic::Offered)),
        vital(What::Answers(Traffic::Offered)),
        useful(What::Requests(Traffic::Offered)),
        useful(What::Whole(Traffic::Offered)),
        useful(What::Uncut(Traffic::Offered)),
        vital(What::Clear(Traffic::Offered)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Confidence where request and answer were seen, in percent.
const SEEN_PERCENT: u8 = 90;

/// Confidence where only answers were seen: a login may have come before, in percent.
const ANSWER_ONLY_PERCENT: u8 = 60;

/// LDAP connections of which a login is remembered.
const MAX_LOGINS: usize = 10_000;

/// What was seen of a service.
struct Seen<'a> {
    service: &'a str,
    data: bool,
    ts: Timestamp,
    uid: Uid,
    client: Addr,
    server: Addr,
    port: u16,
    packet: u64,
    request: &'a [u8],
    response: &'a [u8],
    /// The client's side was not seen.
    answer_only: bool,
}

/// See the module.
pub(crate) struct Exposed {
    logins: Recent<Uid, ()>,
}

impl Exposed {
    pub fn new(scope: &Scope) -> Self {
        Self { logins: Recent::of(scope, MAX_LOGINS) }
    }
}

/// Is the client outside and the server inside?
fn crosses(client: Addr, server: Addr, cx: &Cx<'_>) -> bool {
    !cx.hosts().is_internal(client) && cx.hosts().is_internal(server)
}

fn raise(seen: &Seen<'_>, cx: &mut Cx<'_>) {
    let Some(at) = REASONS.iter().position(|r| r.code == seen.service) else { return };
    let (Some(reason), Some((open, data))) = (REASONS.get(at), SEVERITIES.get(at)) else { return };
    let severity = if seen.data { *data } else { *open };
    let confidence = Confidence::percent(if seen.answer_only { ANSWER_ONLY_PERCENT } else { SEEN_PERCENT });
    let mut raise = Raise::new(&ABOUT, reason, seen.server, severity, confidence)
        .key(format!("port {}", seen.port))
        .peer(seen.client)
        .at(seen.ts)
        .flow(seen.uid)
        .packet(seen.packet);
    if seen.data {
        raise = raise.confirmed("data");
    }
    for (label, bytes) in [("request", seen.request), ("response", seen.response)] {
        if !bytes.is_empty() {
            raise = raise.quote(label, bytes, seen.packet);
        }
    }
    let login = if seen.answer_only {
        raise = raise.quality(Quality::OneSided);
        "cannot be told: nothing of the client was seen"
    } else {
        "none was seen on the connection"
    };
    cx.raise(raise.benign("a login came first", login));
}

/// What the row of a log shows, for rows that are one exchange or session: service, whether data left, request, response.
fn of_row<'a>(row: &Row<'a>) -> Option<(&'static str, bool, &'a [u8], &'a [u8])> {
    Some(match row {
        Row::Memcached(r) => {
            let answered = r.success.is_some() && r.user.is_empty() && !r.status.starts_with(b"Auth");
            (answered && !r.command.starts_with(b"sasl")).then_some(("memcached", r.items > 0, r.command, r.status))?
        }
        Row::Kafka(r) => {
            let fetched = r.api.eq_ignore_ascii_case(b"fetch");
            let told = fetched || r.api.eq_ignore_ascii_case(b"metadata");
            let open = told && r.response_len > 0 && [r.error, r.user, r.mechanism].iter().all(|t| t.is_empty());
            open.then_some(("kafka", fetched, r.api, &[][..]))?
        }
        Row::MqttConnect(r) => {
            let open = r.status == b"Connection Accepted" && r.user.is_empty() && !r.password && r.method.is_empty();
            open.then_some(("mqtt", false, &b"CONNECT without user"[..], r.status))?
        }
        Row::Rfb(r) => {
            (r.method == "None" && r.auth == Some(true)).then_some(("vnc", true, r.method.as_bytes(), r.desktop))?
        }
        Row::Rtsp(r) => {
            let open =
                r.method == b"DESCRIBE" && r.status == Some(200) && r.user.is_empty() && r.auth_method.is_empty();
            open.then_some(("rtsp", true, r.uri, r.content))?
        }
        Row::Snmp(r) => {
            let answered = r.version != "3" && r.responses > r.errors;
            // The community is a password.
            answered.then_some(("snmp", true, r.version.as_bytes(), &[][..]))?
        }
        Row::Modbus(r) => {
            let answered = r.pdu == "RESP" && r.exception.is_empty();
            answered.then_some(("modbus", r.func.starts_with("WRITE"), r.func.as_bytes(), &[][..]))?
        }
        Row::Dnp3(r) => {
            let acts = matches!(r.request, "WRITE" | "OPERATE" | "DIRECT_OPERATE" | "SELECT");
            (r.reply == "RESPONSE").then_some(("dnp3", acts, r.request.as_bytes(), r.reply.as_bytes()))?
        }
        Row::S7comm(r) => r.success.filter(|s| *s).map(|_| ("s7comm", true, r.func.as_bytes(), &[][..]))?,
        Row::Bacnet(r) => {
            let answered = !r.is_orig && r.error.is_empty() && !r.service.is_empty();
            answered.then_some(("bacnet", true, r.service.as_bytes(), &[][..]))?
        }
        Row::Enip(r) => (!r.is_orig).then_some(("enip", true, r.command.as_bytes(), r.product))?,
        Row::Iec104(r) => (!r.is_orig && r.type_id.is_some()).then_some((
            "iec104",
            true,
            r.cause.as_bytes(),
            r.type_name.as_bytes(),
        ))?,
        _ => return None,
    })
}

/// Flow, ends and port of a row of a log.
fn place(row: &Row<'_>) -> Option<(Uid, Addr, Addr, u16)> {
    macro_rules! place {
        ($($kind:ident)*) => {
            match row {
                $(Row::$kind(r) => Some((r.uid, r.orig, r.resp, r.resp_port)),)*
                _ => None,
            }
        };
    }
    place!(Memcached Kafka MqttConnect Rfb Rtsp Snmp Modbus Dnp3 S7comm Bacnet Enip Iec104 LdapSearch ServiceUse Ldap)
}

impl Detector for Exposed {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::Bacnet,
            Kind::Dnp3,
            Kind::Enip,
            Kind::Iec104,
            Kind::Kafka,
            Kind::Ldap,
            Kind::LdapSearch,
            Kind::Memcached,
            Kind::Modbus,
            Kind::MqttConnect,
            Kind::Rfb,
            Kind::Rtsp,
            Kind::S7comm,
            Kind::ServiceUse,
            Kind::Snmp,
        ]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let Some((uid, client, server, port)) = place(row) else { return };
        if !crosses(client, server, cx) {
            return;
        }
        let mut packet = cx.packet;
        let answer_only = matches!(row, Row::ServiceUse(r) if r.answer_only);
        let (service, data, request, response) = match row {
            Row::Ldap(r) => {
                if r.opcode.starts_with("bind") && r.result == "success" && !r.argument.is_empty() {
                    self.logins.at(uid, || ());
                }
                return;
            }
            // The root is there for all to read.
            Row::LdapSearch(r) if r.count > 0 && !r.base.is_empty() && self.logins.peek(&uid).is_none() => {
                ("ldap", true, r.filter, r.base)
            }
            Row::ServiceUse(r) if matches!(r.answer, "open" | "data") => {
                packet = r.packet;
                (r.service, r.answer == "data", r.request, r.response)
            }
            row => match of_row(row) {
                Some(found) => found,
                None => return,
            },
        };
        let ts = row.ts();
        raise(&Seen { service, data, ts, uid, client, server, port, packet, request, response, answer_only }, cx);
    }

    fn held_len(&self) -> usize {
        self.logins.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.logins.forgotten()
    }
}

#[cfg(test)]
mod tests;
