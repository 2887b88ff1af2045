//! Guessed passwords: S-31.

use super::office::host;
use super::stage::Stage;
use super::{HOUR, MINUTE, SECOND, Scene, scene};
use crate::windows::smb2::LOGON_FAILURE;
use crate::windows::{Login, Smb};

pub(super) const ALL: &[Scene] = &[
    scene("S-31", "40 accounts twice each from one host", spray),
    scene("S-31-many", "12 hosts try one account", distributed),
    scene("S-31-ssh", "35 failures by SSH, then a success", ssh),
    scene("S-31-stale", "a stored password that expired, each minute", stale),
    scene("S-31-typo", "people who mistype", typos),
];

const MORNING: i64 = 9 * HOUR;
const SERVER: &str = "10.0.0.20";

fn login(s: &mut Stage, ms: i64, from: &str, user: &str, works: bool) {
    let login = Login::new("OFFICE", user, "PC", "FILES", s.random.draw());
    let c = s.open(ms, from, &format!("{SERVER}:445"));
    s.add(&mut Smb::new(c).login_with(&login, if works { 0 } else { LOGON_FAILURE }).done().fin());
}

fn spray(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..80 {
        let more = s.random.below(15) as i64 * SECOND;
        login(s, MORNING + k * 25 * SECOND + more, "10.0.1.12", &format!("account{}", k % 40), false);
    }
    s.expect("password-guessing/spray", "10.0.1.12", MORNING, MORNING + 35 * MINUTE);
}

fn distributed(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..48 {
        login(s, MORNING + k * 40 * SECOND, &host(k % 12), "administrator", false);
    }
    // Every one of them is told of, or the server for all.
    s.expect("password-guessing/distributed", SERVER, MORNING, MORNING + 35 * MINUTE);
}

fn ssh(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..7 {
        let c = s.ssh(MORNING + k * MINUTE, "10.0.1.12", "10.0.0.31", 5, false, 0);
        s.add(&mut c.fin());
    }
    let c = s.ssh(MORNING + 10 * MINUTE, "10.0.1.12", "10.0.0.31", 0, true, 20_000);
    s.add(&mut c.fin());
    s.expect("password-guessing/single/success", "10.0.1.12", MORNING, MORNING + 15 * MINUTE);
}

fn stale(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for k in 0..120 {
        login(s, MORNING + k * MINUTE, "10.0.1.12", "backup", false);
    }
}

fn typos(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for n in 0..8 {
        for k in 0..4 {
            login(s, MORNING + n * 7 * MINUTE + k * 9 * SECOND, &host(n), &format!("user{n}"), k == 3);
        }
    }
}
