//! EVE as suricata.yaml wants it.

use anyhow::{Context, Result};
use sekisho_files::HashSet;
use sekisho_flow::{Manner, Timeouts};
use sekisho_output::eve::{AlertSettings, Carrier, Policy, RuleCounts, Settings, StatsSettings, Tunnels, Urgent, Xff};
use sekisho_rules::ir::{Condition, Effect, FileCondition};
use sekisho_rules::{CompileLimits, Config, Files, Limits, Node, Program, Source, Verdict};
use sekisho_transaction::{Fields, fields};
use sekisho_types::Interval;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest file that a configuration or a rule may name.
const MAX_FILE_LEN: u64 = 256 << 20;

/// Rules that cannot be used of which it is said why.
const MAX_TOLD: usize = 10;

/// Files on disk, looked for beside the file that names them.
pub struct Disk;

impl Files for Disk {
    fn read(&mut self, base: &str, path: &str) -> Result<Vec<u8>, String> {
        let beside: PathBuf = Path::new(base).parent().unwrap_or(Path::new("")).join(path);
        read(&beside).map_err(|e| format!("{}: {e}", beside.display()))
    }
}

/// The whole of a file, if it is not too long.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let len = file.metadata()?.len().min(MAX_FILE_LEN);
    // One more, so that the end is seen without a larger buffer.
    let mut bytes = Vec::with_capacity(usize::try_from(len + 1)?);
    file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_LEN {
        anyhow::bail!("longer than {} MiB", MAX_FILE_LEN >> 20);
    }
    Ok(bytes)
}

/// Reads `--suricata-config`.
pub fn config(path: &Path) -> Result<Config> {
    let name = path.to_string_lossy();
    let bytes = read(path).with_context(|| format!("--suricata-config {name}"))?;
    let text = String::from_utf8_lossy(&bytes);
    Config::parse(&name, &text, &mut Disk).with_context(|| format!("--suricata-config {name}"))
}

/// Reads `--rules`, for variables and files with `config`. What cannot be used costs a line on standard error.
pub fn rules(paths: &[PathBuf], config: Option<&Config>, quiet: bool) -> Result<(Arc<Program>, RuleCounts)> {
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.to_string_lossy().into_owned();
        let bytes = read(path).with_context(|| format!("--rules {name}"))?;
        sources.push(Source::of_bytes(name, bytes));
    }
    let none = Config::default();
    let loaded = sekisho_rules::load(&sources, config.unwrap_or(&none), &mut Disk, &Limits::default());
    let mut limits = CompileLimits::default();
    let alert_count = config.and_then(|config| config.path("packet-alert-max").number());
    limits.alert_count =
        alert_count.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(limits.alert_count);
    let program = Program::compile(loaded.set, &limits);
    let left_out = loaded.report.refused_count + program.refused().len();
    if left_out > 0 && !quiet {
        eprintln!("sekisho: --rules: {left_out} of {} rules cannot be used", loaded.report.given_count);
        for remark in loaded.report.remarks.iter().filter(|r| r.verdict == Verdict::Refused).take(MAX_TOLD) {
            eprintln!("sekisho: {}:{}: {}", remark.file, remark.line, remark.text);
        }
    }
    let counts = RuleCounts {
        loaded: (loaded.report.loaded_count - program.refused().len()) as u64,
        failed: left_out as u64,
        skipped: loaded.report.unwanted_count as u64,
    };
    Ok((Arc::new(program), counts))
}

/// Lets a run see with Suricata's eyes; `of_config.alone`: nobody wants other rows, so flows are Suricata's, too.
pub fn watch(run: &mut sekisho_engine::Settings, of_config: Settings) {
    let hashes = &mut run.files.hashes;
    hashes.md5 |= of_config.file_md5;
    hashes.sha1 |= of_config.file_sha1;
    hashes.sha256 |= of_config.file_sha256;
    run.files.lossy_hashes = true;
    if of_config.alone {
        flows(&mut run.flow);
    }
    run.eve = Some(Arc::new(of_config));
}

/// Lets rules look at a run that is watched, with the digests that they ask for.
pub fn apply(run: &mut sekisho_engine::Settings, rules: Arc<Program>) {
    add_hashes(&rules, &mut run.files.hashes);
    run.rules = Some(rules);
}

/// Adds the digests that rules ask for.
fn add_hashes(rules: &Program, hashes: &mut HashSet) {
    for condition in rules.set().rules.iter().flat_map(|rule| &rule.conditions) {
        if let Condition::File(FileCondition::Hash { len, .. }) = condition {
            match len {
                16 => hashes.md5 = true,
                20 => hashes.sha1 = true,
                _ => hashes.sha256 = true,
            }
        }
    }
}

/// Does a rule want what a host sends after its alert?
pub fn tags_hosts(rules: &Program) -> bool {
    let effects = rules.set().rules.iter().flat_map(|rule| &rule.effects);
    effects.into_iter().any(|effect| matches!(effect, Effect::Tag { session: false, .. }))
}

/// `outputs.eve-log` of a configuration; Suricata's defaults where it has none.
pub fn settings(config: &Config) -> Settings {
    let defaults = Settings::default();
    let log = config.get("outputs").entries().find(|(name, log)| *name == "eve-log" && is_on(log)).map(|(_, log)| log);
    let midstream = config.truth("stream.midstream", false);
    let depth = config.path("stream.reassembly.depth").size().unwrap_or(sekisho_output::eve::DEFAULT_DEPTH);
    let file_depth = match config.path("outputs.file-store.stream-depth").size() {
        Some(0) => 0,
        Some(n) if config.path("outputs.file-store.enabled").truth() == Some(true) => n.max(depth),
        _ => depth,
    };
    let limit = config.path("app-layer.protocols.http.libhtp.default-config.response-body-limit").size();
    let body_len = match limit {
        Some(0) => usize::MAX,
        Some(n) => usize::try_from(n).unwrap_or(usize::MAX),
        None => defaults.body_len,
    };
    let urgent = match config.path("stream.reassembly.urgent.policy").text() {
        Some("inline") => Urgent::Inline,
        Some("gap" | "drop") => Urgent::Gap,
        _ => defaults.urgent,
    };
    let inline = config.path("stream.inline").truth() == Some(true);
    let disabled: Vec<(&str, &Node)> = config.path("app-layer.protocols").entries().collect();
    let disabled = disabled.into_iter();
    let quiet = disabled.clone().filter(|(_, app)| app.get("enabled").text() == Some("detection-only"));
    let only_recognized = quiet.map(|(name, _)| name.into()).collect();
    let passes = |app: &Node| app.get("encryption-handling").text() == Some("bypass");
    let bypasses = config.path("stream.bypass").truth() == Some(true);
    let bypassed = disabled.clone().filter(|(_, app)| bypasses && passes(app)).map(|(name, _)| name.into()).collect();
    let off = |app: &Node| ["tcp", "udp"].map(|over| app.get(over).get("enabled").truth().unwrap_or(!is_off(app)));
    let disabled = disabled.map(|(name, app)| (name.into(), off(app).map(|on| !on)));
    let disabled = disabled.filter(|(_, off)| off.contains(&true)).collect();
    let defaults = Settings {
        midstream,
        one_sided: config.truth("stream.async-oneside", false),
        tunnels: Tunnels {
            teredo: carrier(config, "teredo"),
            vxlan: carrier(config, "vxlan"),
            geneve: carrier(config, "geneve"),
        },
        midstream_policy: policy(config, "stream.midstream-policy"),
        body_len,
        urgent,
        inline,
        disabled,
        only_recognized,
        bypassed,
        limits: limits(config),
        guess_exchanges: config.truth("detect.guess-applayer-tx", false),
        depth: Some(depth).filter(|d| *d > 0),
        file_depth: Some(file_depth).filter(|d| *d > 0),
        ..defaults
    };
    let Some(log) = log else { return defaults };
    let types = log.get("types");
    let truth = |path: &str, default| types.path(path).truth().unwrap_or(default);
    let hashes = |name: &str| {
        let of = |node: &Node| node.items().iter().any(|h| h.text() == Some(name));
        of(types.path("files.force-hash")) || of(config.path("outputs.file-store.force-hash"))
    };
    let custom = |path: &str, names: &[(&str, u32)]| {
        let chosen = types.path(path).items();
        let mut fields = Fields::default();
        chosen.iter().filter_map(Node::text).for_each(|name| fields.add(names, name));
        (!chosen.is_empty()).then_some(fields)
    };
    let stores = config.path("outputs.file-store.enabled").truth() == Some(true);
    let types_on = |name: &str| types.entries().any(|(other, node)| other == name && is_on(node));
    Settings {
        stats: stats(config).filter(|_| types_on("stats")),
        types: types.entries().filter(|(_, node)| is_on(node)).flat_map(|(name, _)| event_types(name)).collect(),
        options: sekisho_transaction::Options {
            http_extended: truth("http.extended", true),
            http_headers: types.path("http.dump-all-headers").text().is_some_and(|which| which != "none"),
            tls: tls_fields(types.path("tls"), custom("tls.custom", fields::tls::NAMES)),
            email: match custom("smtp.custom", fields::email::NAMES) {
                Some(chosen) => chosen,
                None if truth("smtp.extended", false) => Fields::of(fields::email::EXTENDED),
                None => Fields::default(),
            },
            dhcp_extended: truth("dhcp.extended", false),
            dns_v2: types.path("dns.version").number() == Some(2),
            passwords: truth("pgsql.passwords", false),
            mqtt_passwords: truth("mqtt.passwords", true),
            url_with_scheme: config.truth("app-layer.protocols.smtp.mime.log-url-scheme", false),
            url_schemes: url_schemes(config.path("app-layer.protocols.smtp.mime.extract-urls-schemes")),
        },
        community_id: log
            .get("community-id")
            .truth()
            .unwrap_or(false)
            .then(|| u16::try_from(log.get("community-id-seed").number().unwrap_or(0)).unwrap_or(0)),
        ethernet: log.get("ethernet").truth().unwrap_or(false),
        version: log.get("suricata-version").truth().unwrap_or(false),
        metadata: log.get("metadata").truth().unwrap_or(true),
        anomaly_decode: truth("anomaly.types.decode", false),
        anomaly_stream: truth("anomaly.types.stream", false),
        anomaly_applayer: truth("anomaly.types.applayer", true),
        anomaly_header: truth("anomaly.packethdr", false),
        alert: alert(types.path("alert")),
        flow_policies: truth("flow.exception-policy", false),
        xff: xff(types.path("alert.xff")).or_else(|| xff(log.get("xff"))),
        file_md5: hashes("md5"),
        file_sha1: hashes("sha1"),
        file_sha256: hashes("sha256") || stores,
        store_all: stores && config.truth("outputs.file-store.force-filestore", false),
        stores,
        ..defaults
    }
}

/// What is too much for a parser.
fn limits(config: &Config) -> sekisho_transaction::Limits {
    let set = sekisho_transaction::Limits::default();
    let node = |path: &str| config.path("app-layer.protocols").path(path);
    let number =
        |path: &str, default: usize| node(path).size().and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    // 0 is no limit; and where nothing is said, neither is there one here. Files that are stored are stored whole.
    let stores = config.path("outputs.file-store.enabled").truth() == Some(true);
    let body = |name: &str| {
        let told = node("http.libhtp.default-config").get(name).size();
        told.filter(|n| *n > 0 && !stores).unwrap_or(u64::MAX)
    };
    sekisho_transaction::Limits {
        http_request_len: body("request-body-limit"),
        http_response_len: body("response-body-limit"),
        dnp3_objects: number("dnp3.max-objects", set.dnp3_objects),
        dnp3_points: node("dnp3.max-points").size().and_then(|n| u32::try_from(n).ok()).unwrap_or(set.dnp3_points),
        ftp_line_len: number("ftp.max-line-length", set.ftp_line_len),
        ftp_exchanges: number("ftp.max-tx", set.ftp_exchanges),
        ldap_exchanges: number("ldap.max-tx", set.ldap_exchanges),
        mqtt_message_len: node("mqtt.max-msg-length").size().unwrap_or(set.mqtt_message_len),
        mqtt_exchanges: number("mqtt.max-tx", set.mqtt_exchanges),
        smb_exchanges: number("smb.max-tx", set.smb_exchanges),
    }
}

/// Members of `tls`. Without any setting Suricata is brief, and does not tell of sessions that go on earlier ones.
fn tls_fields(node: &Node, custom: Option<Fields>) -> Fields {
    use fields::tls::{BASIC, EXTENDED, RESUMED_SESSIONS};
    let truth = |name: &str| node.get(name).truth();
    let is_set = node.entries().next().is_some();
    let chosen = match custom {
        Some(chosen) => chosen,
        None if truth("extended").unwrap_or(is_set) => Fields::of(EXTENDED),
        None => Fields::of(BASIC),
    };
    chosen.with(RESUMED_SESSIONS, truth("session-resumption").unwrap_or(is_set))
}

/// What proxies tell, if it is asked for.
fn xff(node: &Node) -> Option<Xff> {
    (node.get("enabled").truth() == Some(true)).then(|| Xff {
        overwrite: node.get("mode").text() == Some("overwrite"),
        reverse: node.get("deployment").text() != Some("forward"),
        header: node.get("header").text().unwrap_or("X-Forwarded-For").into(),
    })
}

/// Which URLs of mails are shown, as bits of [`sekisho_transaction::Options::url_schemes`].
fn url_schemes(node: &Node) -> u8 {
    let bit = |item: &Node| match item.text() {
        Some("http") => 1,
        Some("https") => 2,
        Some("ftp") => 4,
        Some("mailto") => 8,
        _ => 0,
    };
    if node.is_null() { 1 } else { node.items().iter().fold(0, |bits, item| bits | bit(item)) }
}

fn alert(node: &Node) -> AlertSettings {
    let truth = |path: &str, default| node.path(path).truth().unwrap_or(default);
    let metadata = node.get("metadata").truth().unwrap_or(true);
    let defaults = AlertSettings::default();
    AlertSettings {
        payload: truth("payload", defaults.payload),
        payload_printable: truth("payload-printable", defaults.payload_printable),
        payload_length: truth("payload-length", defaults.payload_length),
        packet: truth("packet", defaults.packet),
        app_layer: metadata && truth("metadata.app-layer", true),
        flow: metadata && truth("metadata.flow", true),
        rule_metadata: metadata && truth("metadata.rule.metadata", true),
        rule_reference: metadata && (truth("metadata.rule.reference", false) || truth("reference", false)),
        rule_raw: metadata && truth("metadata.rule.raw", false),
        verdict: truth("verdict", defaults.verdict),
        websocket_payload: truth("websocket-payload", defaults.websocket_payload),
    }
}

/// Flows as Suricata tells them apart, and when they are over by its defaults: where no other format asks for Zeek's.
fn flows(config: &mut sekisho_flow::Config) {
    config.manner = Manner::Suricata;
    config.timeouts = timeouts();
}

fn timeouts() -> Timeouts {
    let secs = Interval::from_secs;
    Timeouts {
        unanswered: Some(secs(30)),
        tcp: secs(600),
        udp: secs(300),
        icmp: secs(300),
        other: secs(300),
        tcp_attempt: secs(600),
        tcp_close: secs(600),
        tcp_linger: secs(600),
        tcp_syn: secs(600),
        tcp_session: secs(600),
        exchange_look: secs(300),
        exchange_idle: secs(300),
        fragment: secs(60),
    }
}

/// What is to be done where something cannot be followed: by its own setting, else by that for all of them.
fn policy(config: &Config, path: &str) -> Policy {
    let own = config.path(path).text().filter(|text| *text != "auto");
    own.or_else(|| config.path("exception-policy").text()).map_or(Policy::Ignore, Policy::of)
}

/// How events about the run are written, unless `stats` is switched off.
fn stats(config: &Config) -> Option<StatsSettings> {
    let stats = config.get("stats");
    let defaults = StatsSettings::default();
    (!is_off(stats)).then(|| StatsSettings {
        secs: stats.get("interval").number().and_then(|n| u32::try_from(n).ok()).unwrap_or(defaults.secs),
        decoder_events: stats.get("decoder-events").truth().unwrap_or(defaults.decoder_events),
        stream_events: stats.get("stream-events").truth().unwrap_or(defaults.stream_events),
        rules: None,
    })
}

/// Where one kind of packets in UDP is looked for: on the ports that are named, or of a variable.
fn carrier(config: &Config, name: &str) -> Carrier {
    let decoder = config.get("decoder").get(name);
    let text = |node: &Node| node.text().map(str::to_owned);
    let ports = decoder.get("ports");
    let list = match text(ports) {
        Some(name) if name.starts_with('$') => {
            text(config.path("vars.port-groups").named(name.trim_start_matches('$')))
        }
        Some(list) => Some(list),
        None => Some(ports.items().iter().filter_map(Node::text).collect::<Vec<_>>().join(",")),
    };
    let numbers: Vec<u16> =
        list.iter().flat_map(|list| list.split(|c: char| !c.is_ascii_digit())).filter_map(|n| n.parse().ok()).collect();
    Carrier { off: is_off(decoder), ports: Some(numbers).filter(|ports| !ports.is_empty()) }
}

/// Is an entry of a list switched on? It is unless it says that it isn't.
fn is_on(node: &Node) -> bool {
    node.get("enabled").truth().unwrap_or(true)
}

/// Is a protocol switched off?
fn is_off(node: &Node) -> bool {
    node.get("enabled").truth() == Some(false)
}

/// The types of events that a name among `types` switches on.
fn event_types(name: &str) -> Vec<Box<str>> {
    let names: &[&str] = match name {
        "files" => &["fileinfo"],
        "http" | "http2" | "doh2" => &["http"],
        "ftp" => &["ftp", "ftp_data"],
        "nfs" => &["nfs", "rpc"],
        name => return vec![name.replace('-', "_").into()],
    };
    names.iter().map(|&n| n.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_rules::NoFiles;

    #[test]
    fn a_configuration_says_which_events_are_written() {
        let text = "outputs:\n- fast:\n    enabled: yes\n- eve-log:\n    community-id: true\n    community-id-seed: 7\n    \
                    types:\n    - alert:\n        payload: yes\n        metadata: no\n    - files:\n        force-hash: [md5]\n    \
                    - bittorrent-dht\n    - pgsql:\n        enabled: no\n    - anomaly:\n        types:\n          decode: yes\n";
        let s = settings(&Config::parse("x", text, &mut NoFiles).unwrap());
        assert_eq!(
            s.types.iter().map(|t| &**t).collect::<Vec<_>>(),
            ["alert", "fileinfo", "bittorrent_dht", "anomaly"]
        );
        assert!(s.alert.payload && !s.alert.app_layer && s.file_md5 && !s.file_sha256 && s.anomaly_decode);
        assert_eq!((s.community_id, s.anomaly_applayer, s.ethernet), (Some(7), true, false));
        assert!(!s.midstream && s.depth == Some(1 << 20) && s.stats.is_none());
        let text = "stats: {interval: 30, stream-events: yes}\noutputs:\n- eve-log:\n    types: [stats, dns]\n";
        let stats = settings(&Config::parse("x", text, &mut NoFiles).unwrap()).stats.unwrap();
        assert_eq!((stats.secs, stats.decoder_events, stats.stream_events, stats.rules), (30, true, true, None));
        let text = "stats: {enabled: no}\noutputs:\n- eve-log:\n    types: [stats, dns]\n";
        assert_eq!(settings(&Config::parse("x", text, &mut NoFiles).unwrap()).stats, None);
        let s = settings(&Config::default());
        assert!(s.is_on("http") && s.is_on("flow") && !s.is_on("netflow"));
    }
}
