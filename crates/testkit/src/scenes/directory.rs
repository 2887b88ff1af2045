//! Directory and tickets: S-23 to S-27, S-30.

use super::office::host;
use super::sessions::{DC, REALM};
use super::stage::Stage;
use super::{HOUR, MINUTE, SECOND, Scene, scene};
use crate::Conversation;
use crate::Dir::{Orig, Resp};
use crate::dns::{answer, kind, question, record};
use crate::windows::kerberos::{self, AES, RC4, Request};
use crate::windows::rpc::{LSARPC, SAMR, SRVSVC};
use crate::windows::{Login, Smb, ldap, ntlm, smb2};

pub(super) const ALL: &[Scene] = &[
    scene(
        "S-23",
        "SAMR and LSA calls at six machines, sessions of twelve, filters for roasting, a zone transfer",
        enumeration,
    ),
    scene("S-24", "15 RC4 tickets that nobody uses, a reply without proof, 25 unknown accounts", roasting),
    scene("S-25", "NTLM version 1; extended security stripped; SMB 1 chosen", downgrade),
    scene("S-26", "a login at one host is passed on to the directory, which is then changed", relay),
    scene("S-27", "a login mirrored twice; logins through a proxy", mirrored),
    scene(
        "S-30",
        "a ticket used from two addresses; RC4 for an account with AES; NTLM after 100 times Kerberos",
        stolen,
    ),
];

const MORNING: i64 = 9 * HOUR;

fn piped(s: &mut Stage, ms: i64, from: &str, to: &str, calls: &[(crate::windows::rpc::Interface, &[u16])]) {
    let login = Login::new("OFFICE", "user2", "PC2", "PC", s.random.draw());
    let c = s.open(ms, from, &format!("{to}:445"));
    let smb = Smb::new(c).login(&login).share(&format!(r"\\{to}\IPC$"));
    let smb = calls.iter().fold(smb, |smb, (interface, opnums)| smb.calls(*interface, opnums));
    s.add(&mut smb.done().fin());
}

fn enumeration(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    for k in 0..6 {
        let calls: [(_, &[u16]); 2] = [(SAMR, &[64, 6, 5, 7, 13, 11, 15, 34, 36, 57]), (LSARPC, &[44, 7, 46, 15])];
        piped(s, MORNING + k * 30 * SECOND, "10.0.1.12", &host(10 + k), &calls);
    }
    s.expect("ad-enumeration/rpc-burst", "10.0.1.12", MORNING, MORNING + 10 * MINUTE);
    for k in 0..12 {
        piped(s, MORNING + 20 * MINUTE + k * 20 * SECOND, "10.0.1.13", &host(5 + k), &[(SRVSVC, &[12])]);
    }
    s.expect("ad-enumeration/session-hunt", "10.0.1.13", MORNING, MORNING + 30 * MINUTE);
    let login = Login::new("OFFICE", "user4", "PC4", "DC1", s.random.draw());
    let mut c = s.ldap_bind(MORNING + 40 * MINUTE, "10.0.1.14", DC, &login);
    let spn = ldap::all(&[ldap::present("servicePrincipalName"), ldap::bits("userAccountControl", 4_194_304)]);
    let no_proof = ldap::bits("userAccountControl", 4_194_304);
    for (id, filter) in [(3, &spn), (4, &no_proof)] {
        c.say(Orig, &ldap::search(id, "DC=office,DC=example", filter, &["cn", "servicePrincipalName"]));
        for n in 0..20 {
            c.say(Resp, &ldap::entry(id, &format!("CN=service{n},DC=office,DC=example")));
        }
        c.say(Resp, &ldap::result(id, 5, 0));
    }
    s.add(&mut c.fin());
    s.expect("ad-enumeration/ldap-roast-filter", "10.0.1.14", MORNING, MORNING + 41 * MINUTE);
    zone_transfer(s, MORNING + 50 * MINUTE, "10.0.1.15");
    s.expect("ad-enumeration/zone-transfer", "10.0.1.15", MORNING, MORNING + 51 * MINUTE);
    s.involve(super::stage::RESOLVER);
}

/// AXFR (RFC 5936) over TCP.
fn zone_transfer(s: &mut Stage, ms: i64, from: &str) {
    const AXFR: u16 = 252;
    let framed = |m: &[u8]| [&(m.len() as u16).to_be_bytes()[..], m].concat();
    let soa_data =
        [&crate::dns::name("ns.office.example")[..], &crate::dns::name("admin.office.example"), &[0; 20]].concat();
    let zone = crate::dns::name("office.example");
    let soa = record(&zone, 6, 3600, &soa_data);
    let mut records = vec![soa.clone()];
    for n in 0..60u8 {
        records.push(record(&crate::dns::name(&format!("pc{n}.office.example")), kind::A, 3600, &[10, 0, 1, n]));
    }
    records.push(soa);
    let mut c = s.open(ms, from, &format!("{}:53", super::stage::RESOLVER));
    c.say(Orig, &framed(&question(7, "office.example", AXFR)));
    c.say(Resp, &framed(&answer(7, 0x8400, "office.example", AXFR, &records)));
    s.add(&mut c.fin());
}

fn roasting(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    let granting = s.kinit(MORNING, "10.0.1.12", "user2", "host/pc2.office.example");
    let classes = ["MSSQLSvc", "HTTP", "ftp", "svc"];
    for k in 0..15 {
        let service = format!("{}/app{k}.office.example", classes[k as usize % 4]);
        s.ticket(MORNING + 10 * SECOND + k * 2 * SECOND, "10.0.1.12", ("user2", &service), &granting, RC4, &[RC4]);
    }
    s.expect("kerberos-roasting/tgs-rc4", "10.0.1.12", MORNING, MORNING + 5 * MINUTE);
    s.expect("kerberos-roasting/tgs-burst", "10.0.1.12", MORNING, MORNING + 5 * MINUTE);
    let own = format!("krbtgt/{REALM}");
    let ask = Request { realm: REALM, client: "legacyapp", service: &own, ciphers: &[RC4], nonce: 4_711 };
    let ticket = kerberos::ticket(REALM, &own, AES, &[8; 90]);
    s.krb(MORNING + 20 * MINUTE, "10.0.1.13", &ask.first(false), &ask.reply(11, &ticket, RC4));
    s.expect("kerberos-roasting/asrep", "10.0.1.13", MORNING, MORNING + 21 * MINUTE);
    for k in 0..25u32 {
        let client = format!("guess{k}");
        let ask = Request { realm: REALM, client: &client, service: &own, ciphers: &[AES], nonce: 5_000 + k };
        s.krb(
            MORNING + 30 * MINUTE + i64::from(k) * 2_000,
            "10.0.1.14",
            &ask.first(false),
            &ask.error(kerberos::UNKNOWN),
        );
    }
    s.expect("kerberos-roasting/user-enum", "10.0.1.14", MORNING, MORNING + 35 * MINUTE);
}

fn downgrade(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let server = "10.0.0.21";
    let mut old = Login::new("OFFICE", "Administrator", "OLDBOX", "NAS1", 71);
    old.response.truncate(24);
    old.flags = [ntlm::FLAGS & !ntlm::EXTENDED; 2];
    let c = s.open(MORNING, "10.0.1.12", &format!("{server}:445"));
    s.add(&mut Smb::new(c).login(&old).share(r"\\NAS1\data").done().fin());
    s.involve(server);
    // §14.2 has weak protocols with the server; which response is sent is the client's choice, so it is what must be touched.
    s.expect("ntlm-downgrade/ntlmv1", "10.0.1.12", MORNING, MORNING + MINUTE);
    // A server that had extended security before, and then has not.
    let other = "10.0.0.22";
    for k in 0..4 {
        let mut login = Login::new("OFFICE", "user3", "PC3", "NAS2", s.random.draw());
        if k == 3 {
            login.flags[1] = ntlm::FLAGS & !ntlm::EXTENDED & !0x2000_0000;
        }
        let c = s.open(MORNING + (10 + k) * MINUTE, "10.0.1.13", &format!("{other}:445"));
        s.add(&mut Smb::new(c).login(&login).share(r"\\NAS2\data").done().fin());
    }
    s.involve("10.0.1.13");
    s.expect("ntlm-downgrade/flag-stripped", other, MORNING, MORNING + 15 * MINUTE);
    // SMB 1 chosen though SMB 2 was offered (MS-CIFS §2.2.4.52).
    let dialects = b"\x02NT LM 0.12\0\x02SMB 2.002\0\x02SMB 2.???\0";
    let head = |reply: u8| [&b"\xffSMB\x72\0\0\0\0"[..], &[reply, 0x53, 0xc8], &[0; 20]].concat();
    let ask = [head(0x18), vec![0, dialects.len() as u8, 0], dialects.to_vec()].concat();
    let tell = [head(0x98), vec![17, 0, 0, 3], vec![0; 32], vec![0, 0]].concat();
    let framed = |m: &[u8]| [&(m.len() as u32).to_be_bytes()[..], m].concat();
    s.talk(MORNING + 30 * MINUTE, "10.0.1.14", "10.0.0.23:445", &[(Orig, &framed(&ask)), (Resp, &framed(&tell))]);
    s.expect("ntlm-downgrade/smb1", "10.0.0.23", MORNING, MORNING + 31 * MINUTE);
}

fn relay(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    let (victim, middle) = ("10.0.1.20", "10.0.1.66");
    let login = Login::new("OFFICE", "user10", "PC10", "DC1", s.random.draw());
    relayed(s, MORNING, (victim, middle, DC), &login);
    s.involve(victim);
    s.involve(DC);
    // §3 has "reuse + success" as a severity and no name for it; `/used` is the suffix that §14.1 has for what came of an attempt.
    s.expect("ntlm-relay/challenge-reuse/used", middle, MORNING, MORNING + MINUTE);
}

/// The victim logs in at the middle by SMB; the middle passes it on to a directory, and changes something there.
pub(super) fn relayed(s: &mut Stage, ms: i64, (victim, middle, target): (&str, &str, &str), login: &Login<'_>) {
    let c = s.open(ms, victim, &format!("{middle}:445"));
    s.add(&mut Smb::new(c).login_with(login, smb2::LOGON_FAILURE).done().fin());
    let mut c = s.ldap_bind(ms + 15, middle, target, login);
    c.say(Orig, &ldap::modify(3, "CN=pc66,DC=office,DC=example", "msDS-AllowedToActOnBehalfOfOtherIdentity", "x"));
    c.say(Resp, &ldap::result(3, 7, 0));
    s.add(&mut c.fin());
}

fn mirrored(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let login = Login::new("OFFICE", "user10", "PC10", "FILES", s.random.draw());
    let c = s.open(MORNING, "10.0.1.20", "10.0.0.20:445");
    let mut talk: Conversation = Smb::new(c).login(&login).share(r"\\FILES\office").done().fin();
    let twice: Vec<_> = talk.segments().clone();
    s.add(&mut talk);
    for segment in twice {
        s.packet(segment.ts + sekisho_types::Interval(20_000), &segment.frame);
    }
    // A proxy passes on who its clients are, for many of them.
    for n in 0..12 {
        for k in 0..3 {
            let connect = b"CONNECT www.site1.example:443 HTTP/1.1\r\nHost: www.site1.example:443\r\n\r\n";
            s.talk(
                MORNING + n * MINUTE + k * 1_000,
                &host(n),
                "10.0.0.80:3128",
                &[(Orig, connect), (Resp, b"HTTP/1.1 200 OK\r\n\r\n")],
            );
        }
        let login = Login::new("OFFICE", "user", "PC", "INTRANET", s.random.draw());
        let [negotiate, challenge, authenticate] = login.messages();
        for (from, to) in [(host(n), "10.0.0.80:3128"), ("10.0.0.80".to_owned(), "10.0.0.90:80")] {
            let ms = MORNING + n * MINUTE + 20_000 + if n == 0 { 0 } else { 5 };
            ntlm_over_http(s, ms, &from, to, [&negotiate, &challenge, &authenticate]);
        }
    }
}

/// A login by NTLM over HTTP (MS-NTHT §3.1).
fn ntlm_over_http(s: &mut Stage, ms: i64, from: &str, to: &str, [negotiate, challenge, authenticate]: [&[u8]; 3]) {
    let ask = |token: &[u8]| {
        format!(
            "GET http://intranet.example/ HTTP/1.1\r\nHost: intranet.example\r\nUser-Agent: Mozilla/5.0\r\nAuthorization: NTLM {}\r\n\r\n",
            base64(token)
        )
    };
    let wants = format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM {}\r\nContent-Length: 0\r\n\r\n",
        base64(challenge)
    );
    let (first, last) = (ask(negotiate), ask(authenticate));
    let says = [
        (Orig, first.as_bytes()),
        (Resp, wants.as_bytes()),
        (Orig, last.as_bytes()),
        (Resp, &b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..]),
    ];
    s.talk(ms, from, to, &says);
}

/// Base64 (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let three = |part: &[u8]| {
        let n = part.iter().chain([&0, &0]).take(3).fold(0usize, |n, b| n << 8 | usize::from(*b));
        (0..4)
            .map(|i| if i <= part.len() { char::from(DIGITS[n >> (18 - 6 * i) & 63]) } else { '=' })
            .collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

fn stolen(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.domain(8 * HOUR);
    let granting = s.kinit(MORNING, "10.0.1.12", "user2", "host/pc2.office.example");
    s.ticket(MORNING + 20 * MINUTE, "10.0.1.25", ("user2", "cifs/files.office.example"), &granting, AES, &[AES]);
    s.involve("10.0.1.12");
    s.expect("pass-the-hash-hint/ticket-moved", "10.0.1.25", MORNING, MORNING + 21 * MINUTE);
    // An account that had AES all morning, with RC4 from elsewhere.
    for k in 0..12 {
        s.kinit(MORNING + k * 4 * MINUTE, "10.0.1.13", "user3", "host/pc3.office.example");
    }
    let own = format!("krbtgt/{REALM}");
    let ask = Request { realm: REALM, client: "user3", service: &own, ciphers: &[RC4], nonce: 4_712 };
    let ticket = kerberos::ticket(REALM, &own, AES, &[7; 90]);
    s.krb(MORNING + 55 * MINUTE, "10.0.1.26", &ask.first(true), &ask.reply(11, &ticket, RC4));
    s.expect("pass-the-hash-hint/overpass", "10.0.1.26", MORNING, MORNING + 56 * MINUTE);
    // An account that went to the file server by Kerberos a hundred times goes there by NTLM from elsewhere, and to the whole drive.
    let granting = s.kinit(8 * HOUR + 10 * MINUTE, "10.0.1.14", "user4", "host/pc4.office.example");
    for k in 0..100 {
        let ms = 8 * HOUR + 11 * MINUTE + k * 40 * SECOND;
        s.ticket(ms, "10.0.1.14", ("user4", "cifs/files.office.example"), &granting, AES, &[AES, 17, 23]);
    }
    let login = Login::new("OFFICE", "user4", "PC27", "FILES", s.random.draw());
    let c = s.open(MORNING + 40 * MINUTE, "10.0.1.27", "10.0.0.20:445");
    let smb = Smb::new(c).login(&login).share(r"\\FILES\C$").read("users\\ada\\plan.txt", b"Nothing that matters.\r\n");
    s.add(&mut smb.done().fin());
    s.expect("pass-the-hash-hint/ntlm-instead", "10.0.1.27", MORNING, MORNING + 41 * MINUTE);
}
