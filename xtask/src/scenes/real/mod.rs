//! Scenes made by real programs: `lab.py` in namespaces of its own plays one, tcpdump records it, and it is judged as the others.
//!
//! Unlike those it is never the same twice: times, ports and hardware addresses are the programs' and the kernel's. What programs do
//! that one would not think of when making packets:
//!
//! - impacket encrypts SMB 3 wherever the server can, so that only sizes are to be seen; paramiko offers its password without asking for
//!   the methods first; rows of failed sessions come later than the one of the session that worked.
//! - Who is lied to about an address has asked for it a moment before. Questions by NetBIOS leave from any port, answers have no question in them.
//! - iodine uses all bytes in names where it can; its server knows no parts of names (RFC 9156), so that resolvers retry.
//! - Typed shells send single keys and a carriage return. Linux closes UDP ports by ICMP once a second, after the first six.
//! - OpenSSH's and Samba's servers, dnsmasq and nginx show what harmless traffic looks like around all this.

use super::Take;
use crate::{namespaces, parallel, python, shell};
use anyhow::{Context, Result, bail};
use sekisho_testkit::scenes::{Expected, Packet, Played};
use sekisho_testkit::{Addr, Timestamp, read_pcap};
use serde::Deserialize;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Scenes recorded at once: most of their time they wait.
const AT_ONCE: usize = 6;

/// Programs, with the Debian packages that have them.
const PROGRAMS: &[(&str, &str)] = &[
    ("arpspoof", "dsniff"),
    ("curl", "curl"),
    ("dnsmasq", "dnsmasq-base"),
    ("dovecot", "dovecot-imapd dovecot-pop3d"),
    ("ethtool", "ethtool"),
    ("iodine", "iodine"),
    ("ip", "iproute2"),
    ("ncat", "ncat"),
    ("nginx", "nginx-light"),
    ("nmap", "nmap"),
    ("nmbd", "samba"),
    ("openssl", "openssl"),
    ("ping", "iputils-ping"),
    ("ptunnel-ng", "ptunnel-ng"),
    ("smbclient", "smbclient"),
    ("smbd", "samba"),
    ("socat", "socat"),
    ("sshd", "openssh-server"),
    ("sshpass", "sshpass"),
    ("tcpdump", "tcpdump"),
    ("udhcpc", "udhcpc"),
    ("unbound", "unbound"),
    ("vsftpd", "vsftpd"),
];

/// Clients from PyPI.
const PYTHON: &[&str] = &["impacket==0.13.1", "paramiko==5.1.0"];

/// One scene.
pub(super) struct Real {
    /// `R`, the number of the scene of the specification that it is the real form of, and the function that plays it.
    pub(super) name: &'static str,
    /// The Python module with that function.
    group: &'static str,
    /// What happens.
    pub(super) what: &'static str,
}

const fn real(name: &'static str, group: &'static str, what: &'static str) -> Real {
    Real { name, group, what }
}

/// Every scene, by number.
pub(super) const ALL: &[Real] = &[
    real("R-01-beacon", "calls", "curl calls home 220 times; pauses made longer, so that it takes a day"),
    real("R-06-downloads", "calls", "scripts fetch packages in bursts, pages at odd times; pauses made longer"),
    real("R-09-iodine", "tunnels", "iodine through Unbound, with NULL records"),
    real("R-09-iodine-txt", "tunnels", "iodine through Unbound, with TXT records"),
    real("R-09-ordinary", "tunnels", "pings of all sizes, names looked up through Unbound"),
    real("R-09-ptunnel", "tunnels", "ptunnel-ng carries web pages in pings"),
    real("R-13-http", "calls", "curl posts random bytes with a rare agent and a changing cookie"),
    real("R-15-bash", "shells", "bash gives itself to somebody outside through /dev/tcp"),
    real("R-15-forwarded", "shells", "ssh -R, and a session typed by somebody outside through it"),
    real("R-15-ncat", "shells", "ncat gives a shell without a prompt to somebody outside"),
    real("R-15-sessions", "shells", "a session of SSH outwards, files copied by scp"),
    real("R-15-terminal", "shells", "socat gives a terminal to somebody outside, who types key by key"),
    real("R-15-tls", "shells", "the same in TLS"),
    real("R-16-admin", "recon", "ssh-keyscan of 65 hosts that all answer"),
    real("R-16-filtered", "recon", "Nmap's SYN scan of a port behind a router that drops it"),
    real("R-16-monitoring", "recon", "six services of five servers are looked at again and again"),
    real("R-16-ports", "recon", "Nmap's SYN, connect, version, flags and UDP scans of six servers"),
    real("R-16-sweep", "recon", "Nmap's SYN scan of port 445 of 245 hosts, of which ten have it open"),
    real("R-17-hosts", "recon", "Nmap looks for hosts by ARP and ICMP"),
    real("R-18-arp", "lan", "arpspoof between a host and the router"),
    real("R-19-dhcp", "lan", "a second dnsmasq hands out other settings"),
    real("R-20-browsing", "lan", "nmbd answers for its own names, and people go there"),
    real("R-20-names", "lan", "a machine answers NetBIOS questions for names that nobody has, and takes log-ins"),
    real("R-21-psexec", "windows", "impacket's psexec against Samba, which creates no service"),
    real("R-23-enumeration", "windows", "impacket's samrdump and lookupsid, rpcclient against six servers"),
    real("R-25-version1", "windows", "smbclient with NTLM version 1; a server that chooses SMB 1"),
    real("R-26-relay", "windows", "ntlmrelayx between a client and another Samba"),
    real("R-31-basic", "logins", "35 passwords by curl at nginx, then the right one"),
    real("R-31-ftp", "logins", "25 passwords at vsftpd, then the right one"),
    real("R-31-imap", "logins", "25 passwords at Dovecot, then the right one"),
    real("R-31-openssh", "logins", "35 passwords by OpenSSH's own client, then the right one"),
    real("R-31-pop3", "logins", "25 passwords at Dovecot, then the right one"),
    real("R-31-smb", "logins", "25 passwords at Samba by impacket, then the right one"),
    real("R-31-spray", "logins", "two passwords for each of forty accounts of Samba"),
    real("R-31-ssh", "logins", "35 passwords at OpenSSH by paramiko, then the right one"),
    real("R-31-typo", "logins", "people mistype twice at six services, then are in"),
    real("R-32-chain", "shells", "from host to host to host by guessed passwords of SSH"),
    real("R-32-jump", "shells", "an administrator goes through a jump host to a server"),
    real("R-35-read", "shares", "smbclient copies 600 documents in 250 folders"),
    real("R-36-deleted", "shares", "smbclient deletes 250 files"),
    real("R-36-modify", "shares", "40 documents of a share encrypted and renamed by impacket, notes in each folder"),
    real("R-36-sealed", "shares", "the same in encrypted SMB 3"),
    real("R-36-work", "shares", "documents copied, pictures made smaller, a folder packed"),
];

/// Why nothing can be recorded here, in one line; installs what is missing if it may.
pub(super) fn missing() -> Result<Option<String>> {
    if let Some(why) = namespaces::missing(PROGRAMS)? {
        return Ok(Some(why));
    }
    Ok(python()?.is_none().then(|| format!("needs python3 with venv, and {} from PyPI", PYTHON.join(", "))))
}

fn python() -> Result<Option<PathBuf>> {
    python::with("scenes-clients", PYTHON, "impacket, paramiko")
}

/// What a scene's script says of it.
#[derive(Deserialize)]
struct Truth {
    expected: Vec<Said>,
    involved: Vec<IpAddr>,
    notes: Vec<String>,
}

/// An expectation; times in seconds since 1970.
#[derive(Deserialize)]
struct Said {
    code: String,
    host: IpAddr,
    from: f64,
    by: f64,
}

/// Records scenes into `folder`, several at once; of each what became of it, in their order.
pub(super) fn record(scenes: &[&'static Real], folder: &Path) -> Result<Vec<Result<Take>>> {
    let folder = folder.canonicalize()?;
    let Some(python) = python()? else { bail!("no python3 with {}", PYTHON.join(", ")) };
    let mut takes = Vec::new();
    let work = |scene: &&'static Real| Ok(record_one(scene, &python, &folder));
    parallel::each_of(AT_ONCE, scenes, work, |scene, take| {
        eprintln!("{}: {}", scene.name, if take.is_ok() { "recorded" } else { "not recorded" });
        takes.push(take);
        Ok(())
    })?;
    Ok(takes)
}

fn record_one(scene: &'static Real, python: &Path, folder: &Path) -> Result<Take> {
    let script = shell::root().join("xtask/src/scenes/real/lab.py");
    let mut command = namespaces::command();
    command.arg(python).arg("-B").arg(script).arg(folder).args([scene.group, scene.name]);
    let done = command.stdin(Stdio::null()).output().context("unshare")?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    let truth = folder.join(format!("{}.truth.json", scene.name));
    let text = fs::read_to_string(&truth).with_context(|| truth.display().to_string())?;
    let truth_of: Truth = serde_json::from_str(&text).with_context(|| truth.display().to_string())?;
    fs::remove_file(truth)?;
    let capture = folder.join(format!("{}.pcap", scene.name));
    let frames = read_pcap(&fs::read(&capture).with_context(|| capture.display().to_string())?);
    Ok(take(scene, frames, truth_of))
}

fn take(scene: &'static Real, frames: Vec<(Timestamp, Vec<u8>)>, truth: Truth) -> Take {
    let whole = |bytes: Vec<u8>| (u32::try_from(bytes.len()).unwrap_or(u32::MAX), bytes);
    let mut packets: Vec<Packet> = frames
        .into_iter()
        .map(|(ts, bytes)| (ts, whole(bytes)))
        .map(|(ts, (len, bytes))| Packet { ts, bytes, len })
        .collect();
    packets.sort_by_key(|p| p.ts);
    let time = |seconds: f64| Timestamp((seconds * 1e9) as i64);
    let expected = truth.expected.into_iter().map(|e| Expected {
        // Kept until the end of the task.
        code: e.code.leak(),
        host: Addr::from(e.host),
        from: time(e.from),
        by: time(e.by),
        measures: Vec::new(),
    });
    let played = Played {
        packets,
        expected: expected.collect(),
        involved: truth.involved.into_iter().map(Addr::from).collect(),
        by_calendar: false,
        key_log: String::new(),
        holidays: Vec::new(),
        story: Vec::new(),
    };
    Take { name: scene.name, what: scene.what, seed: None, notes: truth.notes, played }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scene_has_its_function() {
        assert!(ALL.windows(2).all(|w| w[0].name < w[1].name));
        let folder = shell::root().join("xtask/src/scenes/real");
        for scene in ALL {
            let module = fs::read_to_string(folder.join(format!("{}.py", scene.group))).unwrap();
            let function = scene.name.splitn(3, '-').nth(2).unwrap().replace('-', "_");
            assert!(module.contains(&format!("\ndef {function}(lab):\n")), "{}", scene.name);
        }
    }

    #[test]
    fn truth_is_read() {
        let text = r#"{"expected": [{"code": "a/b", "host": "10.0.0.5", "from": 1.5, "by": 3}],
            "involved": ["10.0.0.6"], "notes": ["slow"]}"#;
        let frames = vec![(Timestamp(2_000_000_000), vec![1, 2]), (Timestamp(1_000_000_000), vec![3])];
        let take = take(&ALL[0], frames, serde_json::from_str(text).unwrap());
        let [expected] = &take.played.expected[..] else { panic!("{:?}", take.played.expected) };
        assert_eq!(
            (expected.code, expected.from, expected.by),
            ("a/b", Timestamp(1_500_000_000), Timestamp(3_000_000_000))
        );
        assert_eq!(take.played.involved.len(), 1);
        assert_eq!(
            take.played.packets.iter().map(|p| (p.ts.0, p.len)).collect::<Vec<_>>(),
            [(1_000_000_000, 1), (2_000_000_000, 2)]
        );
    }
}
