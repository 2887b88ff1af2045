//! From machine to machine: S-21, S-22, S-28, S-29, S-32.

use super::channels::program;
use super::office::host;
use super::sessions::DC;
use super::stage::Stage;
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::windows::rpc::{AT, DRSUAPI, EFS, Interface, NETLOGON, SPOOLSS, SVCCTL, TASKS, WMI};
use crate::windows::{Login, Rpc, Smb};

pub(super) const ALL: &[Scene] = &[
    scene("S-21", "psexec, wmiexec, schtasks, atexec, smbexec", remote_exec),
    scene("S-21-query", "monitoring reads WMI", monitoring),
    scene("S-22", "a workstation goes to three others by RDP within 20 minutes, after a month without", first_seen),
    scene("S-22-admin", "an administrator's machine goes to a new server, as others of its subnet do", administrator),
    scene("S-28", "EFS call to the controller, which logs in at the caller", coercion),
    scene("S-28-print", "clients of a print server ask to be notified", printing),
    scene(
        "S-29",
        "a workstation replicates, another registers itself as controller, a third guesses an empty key",
        controllers,
    ),
    scene("S-29-dc", "controllers replicate", replication),
    scene("S-32", "A to B to C to D by services within 25 minutes, the same program", chain),
    scene("S-32-worm", "four hosts scan, each after it was reached", worm),
    scene("S-32-jump", "a jump host used daily", jump),
];

const MORNING: i64 = 9 * HOUR;
const INTRUDER: &str = "10.0.1.12";

/// A program put on `ADMIN$` and started as a service, as psexec does.
pub(super) fn psexec(s: &mut Stage, ms: i64, from: &str, to: &str, name: &str, program: &[u8]) {
    let login = Login::new("OFFICE", "admin", "PC12", "PC", s.random.draw());
    let c = s.open(ms, from, &format!("{to}:445"));
    let smb = Smb::new(c).login(&login).share(&format!(r"\\{to}\ADMIN$")).write(name, program);
    let smb = smb.share(&format!(r"\\{to}\IPC$")).calls(SVCCTL, &[15, 12, 19]);
    s.add(&mut smb.done().fin());
}

/// Calls of an interface over its pipe.
fn piped(s: &mut Stage, ms: i64, from: &str, to: &str, interface: Interface, opnums: &[u16]) {
    let login = Login::new("OFFICE", "admin", "PC12", "PC", s.random.draw());
    let c = s.open(ms, from, &format!("{to}:445"));
    let smb = Smb::new(c).login(&login).share(&format!(r"\\{to}\IPC$")).calls(interface, opnums);
    s.add(&mut smb.done().fin());
}

/// Calls of an interface at a dynamic port.
fn direct(s: &mut Stage, ms: i64, from: &str, to: &str, interface: Interface, opnums: &[u16]) {
    let login = Login::new("OFFICE", "admin", "PC12", "PC", s.random.draw());
    let c = s.open(ms, from, &format!("{to}:49667"));
    let rpc = opnums.iter().fold(Rpc::new(c, interface, Some(&login)), |rpc, n| rpc.call(*n, 400, 60));
    s.add(&mut rpc.done().fin());
}

fn remote_exec(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let bytes = program(s, 30_000);
    psexec(s, MORNING, "10.0.1.10", "10.0.1.20", "PSEXESVC.exe", &bytes);
    s.expect("rpc-remote-exec/psexec-like", "10.0.1.10", MORNING, MORNING + MINUTE);
    direct(s, MORNING + 5 * MINUTE, "10.0.1.11", "10.0.1.21", WMI, &[6, 24]);
    s.expect("rpc-remote-exec/wmi", "10.0.1.11", MORNING, MORNING + 6 * MINUTE);
    piped(s, MORNING + 10 * MINUTE, "10.0.1.12", "10.0.1.22", TASKS, &[1, 12]);
    s.expect("rpc-remote-exec/task", "10.0.1.12", MORNING, MORNING + 11 * MINUTE);
    piped(s, MORNING + 15 * MINUTE, "10.0.1.13", "10.0.1.23", AT, &[0]);
    s.expect("rpc-remote-exec/at", "10.0.1.13", MORNING, MORNING + 16 * MINUTE);
    piped(s, MORNING + 20 * MINUTE, "10.0.1.14", "10.0.1.24", SVCCTL, &[15, 12, 19, 2]);
    s.expect("rpc-remote-exec/service-create", "10.0.1.14", MORNING, MORNING + 21 * MINUTE);
}

fn monitoring(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..40 {
        direct(s, MORNING + k * MINUTE, "10.0.0.77", &host(k), WMI, &[6, 20, 20]);
    }
}

fn first_seen(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 32 * DAY);
    let begin = 31 * DAY + 10 * HOUR;
    for k in 0..3 {
        s.rdp(begin + k * 8 * MINUTE, INTRUDER, &format!("10.0.1.{}", 20 + k), 120);
    }
    s.expect("admin-path-first-seen/ws-ws", INTRUDER, begin, begin + 20 * MINUTE);
}

fn administrator(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 32 * DAY);
    for day in 0..31 {
        for k in 0..4 {
            let from = format!("10.0.5.{}", 11 + k);
            let c = s.ssh(day * DAY + 9 * HOUR + k * 10 * MINUTE, &from, "10.0.0.31", 0, true, 4_000);
            s.add(&mut c.fin());
        }
    }
    for k in 0..4 {
        let from = format!("10.0.5.{}", 11 + k);
        let c = s.ssh(31 * DAY + 10 * HOUR + k * MINUTE, &from, "10.0.0.32", 0, true, 4_000);
        s.add(&mut c.fin());
    }
}

fn coercion(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    piped(s, MORNING, INTRUDER, DC, EFS, &[0]);
    let mut login = Login::new("OFFICE", "DC1$", "DC1", "PC12", s.random.draw());
    login.server = ["PC12", "pc12.office.example", "office.example"];
    let c = s.open(MORNING + 2 * SECOND, DC, &format!("{INTRUDER}:445"));
    s.add(&mut Smb::new(c).login(&login).share(&format!(r"\\{INTRUDER}\share")).done().fin());
    s.involve(DC);
    s.expect("auth-coercion/efs/confirmed", INTRUDER, MORNING, MORNING + MINUTE);
}

fn printing(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..20 {
        piped(s, MORNING + k * MINUTE, &host(k), "10.0.0.40", SPOOLSS, &[1, 65, 29]);
    }
}

fn controllers(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    direct(s, MORNING, "10.0.1.12", DC, DRSUAPI, &[0, 12, 3, 3, 3]);
    s.expect("dc-abuse/dcsync", "10.0.1.12", MORNING, MORNING + MINUTE);
    direct(s, MORNING + 10 * MINUTE, "10.0.1.13", DC, DRSUAPI, &[0, 5]);
    s.expect("dc-abuse/dcshadow", "10.0.1.13", MORNING, MORNING + 11 * MINUTE);
    let c = s.open(MORNING + 20 * MINUTE, "10.0.1.14", &format!("{DC}:49670"));
    let mut rpc = Rpc::new(c, NETLOGON, None);
    for _ in 0..300 {
        rpc = rpc.call(4, 80, 12).call(26, 120, 4);
    }
    s.add(&mut rpc.call(30, 600, 12).done().fin());
    s.expect("dc-abuse/netlogon-zero/confirmed", "10.0.1.14", MORNING, MORNING + 21 * MINUTE);
}

fn replication(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    // The second controller serves some of the hosts.
    for n in 0..4 {
        direct(s, 8 * HOUR + n * MINUTE, &host(n), "10.0.0.11", NETLOGON, &[4, 26, 2]);
        direct(s, 8 * HOUR + n * MINUTE, &host(n), DC, DRSUAPI, &[0, 12]);
    }
    for k in 0..8 {
        let (from, to) = if k % 2 == 0 { (DC, "10.0.0.11") } else { ("10.0.0.11", DC) };
        direct(s, MORNING + k * 10 * MINUTE, from, to, DRSUAPI, &[0, 3, 3]);
    }
}

fn chain(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let path = ["10.0.1.12", "10.0.1.20", "10.0.1.21", "10.0.1.22"];
    let bytes = program(s, 30_000);
    for (k, pair) in path.windows(2).enumerate() {
        psexec(s, MORNING + k as i64 * 11 * MINUTE, pair[0], pair[1], "svchelper.exe", &bytes);
        s.expect("rpc-remote-exec/psexec-like", pair[0], MORNING, MORNING + 24 * MINUTE);
    }
    s.expect("lateral-chain/hop", path[0], MORNING, MORNING + 25 * MINUTE);
    s.expect("lateral-chain/same-file", path[0], MORNING, MORNING + 25 * MINUTE);
}

fn worm(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let infected = ["10.0.1.12", "10.0.1.20", "10.0.1.21", "10.0.1.22"];
    for (k, from) in infected.iter().enumerate() {
        let begin = MORNING + k as i64 * 4 * MINUTE;
        // The scan, in which it reaches the next.
        for i in 0..60 {
            s.attempt(begin + i * 2 * SECOND, from, &format!("10.0.9.{}:445", i + 1), i % 2 == 0);
        }
        if let Some(next) = infected.get(k + 1) {
            s.talk(
                begin + 100 * SECOND,
                from,
                &format!("{next}:445"),
                &[(crate::Dir::Orig, b"\0"), (crate::Dir::Resp, b"\0")],
            );
        }
        s.expect("scan-horizontal/fast", from, MORNING, MORNING + 20 * MINUTE);
    }
    s.expect("lateral-chain/worm", infected[0], MORNING, MORNING + 20 * MINUTE);
}

fn jump(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 21 * DAY);
    for day in (0..21).filter(|d| d % 7 < 5) {
        for k in 0..3 {
            let (begin, from) = (day * DAY + 9 * HOUR + k * HOUR, format!("10.0.5.{}", 11 + k));
            let c = s.ssh(begin, &from, "10.0.0.30", 0, true, 20_000);
            s.add(&mut c.fin());
            let c = s.ssh(begin + MINUTE, "10.0.0.30", &format!("10.0.0.{}", 31 + k), 0, true, 20_000);
            s.add(&mut c.fin());
        }
    }
}
