//! Which of a judgement's techniques a finding shows, by its reason.

/// Of judgements whose reasons show different techniques: judgement, reason, and what it shows. Judgements that are not here
/// show all of theirs.
const SHOWN: &[(&str, &str, &[&str])] = &[
    ("ad-enumeration", "ldap-roast-filter", &["T1087.002"]),
    ("ad-enumeration", "ldap-sweep", &["T1087.002", "T1069.002"]),
    ("ad-enumeration", "rpc-burst", &["T1087.002", "T1069.002"]),
    ("ad-enumeration", "session-hunt", &["T1033", "T1049"]),
    ("ad-enumeration", "zone-transfer", &["T1018"]),
    // Each way is a technique of its own, which the finding names.
    ("admin-path-first-seen", "ext-int", &[]),
    ("admin-path-first-seen", "server-ws", &[]),
    ("admin-path-first-seen", "to-dc", &[]),
    ("admin-path-first-seen", "ws-server", &[]),
    ("admin-path-first-seen", "ws-ws", &[]),
    ("dc-abuse", "backup-key", &["T1003.006"]),
    ("dc-abuse", "dcshadow", &["T1207"]),
    ("dc-abuse", "dcsync", &["T1003.006"]),
    ("dc-abuse", "netlogon-zero", &["T1210"]),
    ("exfil-new-destination", "direct-ip", &["T1567.002"]),
    ("exfil-new-destination", "new", &["T1567.002"]),
    ("exfil-new-destination", "paste", &["T1567.001"]),
    ("exfil-new-destination", "personal-cloud", &["T1567.002", "T1537"]),
    ("kerberos-roasting", "asrep", &["T1558.004"]),
    ("kerberos-roasting", "tgs-burst", &["T1558.003"]),
    ("kerberos-roasting", "tgs-rc4", &["T1558.003"]),
    ("kerberos-roasting", "user-enum", &["T1087.002"]),
    ("lateral-chain", "hop", &["T1021"]),
    ("lateral-chain", "same-file", &["T1570"]),
    ("lateral-chain", "worm", &["T1210"]),
    ("password-guessing", "distributed", &["T1110.003"]),
    ("password-guessing", "single", &["T1110.001"]),
    ("password-guessing", "spray", &["T1110.003"]),
    ("rpc-remote-exec", "admin-share", &["T1021.002", "T1570"]),
    ("rpc-remote-exec", "at", &["T1053.002"]),
    ("rpc-remote-exec", "psexec-like", &["T1569.002", "T1021.002", "T1570"]),
    ("rpc-remote-exec", "service-create", &["T1569.002"]),
    ("rpc-remote-exec", "service-start", &["T1569.002"]),
    ("rpc-remote-exec", "task", &["T1053.005"]),
    ("rpc-remote-exec", "wmi", &["T1047"]),
    ("smb-mass-read", "crawl", &["T1083"]),
    ("smb-mass-read", "files", &["T1039"]),
    ("smb-mass-read", "sensitive-names", &["T1039"]),
];

/// What findings of a judgement with a reason show; `None`: all techniques of the judgement.
pub fn shown(id: &str, code: &str) -> Option<&'static [&'static str]> {
    let found = SHOWN.binary_search_by(|(i, c, _)| (*i, *c).cmp(&(id, code))).ok();
    found.and_then(|at| SHOWN.get(at)).map(|(.., techniques)| *techniques)
}

/// Judgements and reasons of which it is known what they show.
pub fn all_shown() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    SHOWN.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found() {
        assert!(SHOWN.windows(2).all(|w| (w[0].0, w[0].1) < (w[1].0, w[1].1)));
        for (id, code, techniques) in SHOWN {
            assert_eq!(shown(id, code), Some(*techniques));
        }
        assert_eq!((shown("rpc-remote-exec", "registry"), shown("none", "hop")), (None, None));
    }
}
