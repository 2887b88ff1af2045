//! EVE as suricata.yaml wants it.

use anyhow::{Context, Result};
use sekisho_output::eve::{AlertSettings, Settings};
use sekisho_rules::{Config, Files, Node};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest file that a configuration or a rule may name.
const MAX_FILE_LEN: u64 = 256 << 20;

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
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes)?;
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

/// `outputs.eve-log` of a configuration; Suricata's defaults where it has none.
pub fn settings(config: &Config) -> Settings {
    let defaults = Settings::default();
    let log = config.get("outputs").entries().find(|(name, log)| *name == "eve-log" && is_on(log)).map(|(_, log)| log);
    let midstream = config.truth("stream.midstream", false);
    let depth = config.path("stream.reassembly.depth").size().unwrap_or(sekisho_output::eve::DEFAULT_DEPTH);
    let defaults = Settings { midstream, depth: Some(depth).filter(|d| *d > 0), ..defaults };
    let Some(log) = log else { return defaults };
    let types = log.get("types");
    let truth = |path: &str, default| types.path(path).truth().unwrap_or(default);
    let hashes = |name: &str| {
        let of = |node: &Node| node.items().iter().any(|h| h.text() == Some(name));
        of(types.path("files.force-hash")) || of(config.path("outputs.file-store.force-hash"))
    };
    let stores = config.path("outputs.file-store.enabled").truth() == Some(true);
    Settings {
        types: types.entries().filter(|(_, node)| is_on(node)).flat_map(|(name, _)| event_types(name)).collect(),
        options: sekisho_transaction::Options {
            http_extended: truth("http.extended", true),
            tls_extended: truth("tls.extended", true),
            smtp_extended: truth("smtp.extended", false),
            dhcp_extended: truth("dhcp.extended", false),
            passwords: truth("mqtt.passwords", false) || truth("pgsql.passwords", false),
            ..defaults.options
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
        file_md5: hashes("md5"),
        file_sha1: hashes("sha1"),
        file_sha256: hashes("sha256") || stores,
        store_all: stores && config.truth("outputs.file-store.force-filestore", false),
        stores,
        ..defaults
    }
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
        http_body: truth("http-body", defaults.http_body),
        http_body_printable: truth("http-body-printable", defaults.http_body_printable),
        app_layer: metadata && truth("metadata.app-layer", true),
        flow: metadata && truth("metadata.flow", true),
        rule_metadata: metadata && truth("metadata.rule.metadata", true),
        rule_reference: metadata && (truth("metadata.rule.reference", false) || truth("reference", false)),
        rule_raw: metadata && truth("metadata.rule.raw", false),
        verdict: truth("verdict", defaults.verdict),
        websocket_payload: truth("websocket-payload", defaults.websocket_payload),
    }
}

/// Is an entry of a list switched on? It is unless it says that it isn't.
fn is_on(node: &Node) -> bool {
    node.get("enabled").truth().unwrap_or(true)
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
        assert!(!s.midstream && s.depth == Some(1 << 20));
        let s = settings(&Config::default());
        assert!(s.is_on("http") && s.is_on("flow") && !s.is_on("netflow"));
    }
}
