//! Sessions that several scenes have: SSH, RDP, log-ins at a domain.

use super::stage::{Stage, addr, at};
use crate::Dir::{Orig, Resp};
use crate::tls::{self, BROWSER};
use crate::windows::kerberos::{self, AES, Request};
use crate::windows::{Login, ldap, spnego_init, spnego_resp};
use crate::{Conversation, Dir, Frame};
use sekisho_types::Interval;

/// The domain controller, its name and its realm.
pub(super) const DC: &str = "10.0.0.10";
/// See [`DC`].
pub(super) const REALM: &str = "OFFICE.EXAMPLE";

/// A binary packet of SSH before encryption (RFC 4253 §6).
fn ssh_packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8 + 4;
    let padding = if padding > 11 { padding - 8 } else { padding };
    let len = (1 + payload.len() + padding) as u32;
    [&len.to_be_bytes()[..], &[padding as u8], payload, &vec![0; padding]].concat()
}

/// KEXINIT (§7.1).
fn kexinit(cookie: &[u8]) -> Vec<u8> {
    let lists = [
        "curve25519-sha256",
        "ssh-ed25519",
        "aes128-ctr",
        "aes128-ctr",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    let lists: Vec<u8> =
        lists.iter().flat_map(|l| [&(l.len() as u32).to_be_bytes()[..], l.as_bytes()].concat()).collect();
    ssh_packet(&[&[20][..], &cookie[..16], &lists, &[0; 5]].concat())
}

/// Length of what a server says encrypted to: a service asked for; a wrong password; the right one.
const SERVICE_LEN: usize = 52;
const REFUSED_LEN: usize = 84;
const ACCEPTED_LEN: usize = 36;

impl Stage {
    /// A session of SSH in which so many log-ins fail, and the last works or not; then so many bytes come and go.
    pub(super) fn ssh(
        &mut self,
        ms: i64,
        from: &str,
        to: &str,
        failures: usize,
        works: bool,
        data: usize,
    ) -> Conversation {
        let mut c = self.open(ms, from, &format!("{to}:22"));
        c.say(Resp, b"SSH-2.0-OpenSSH_9.6\r\n");
        c.say(Orig, b"SSH-2.0-OpenSSH_9.2\r\n");
        let (ours, theirs) = (self.bytes32(), self.bytes32());
        c.say(Orig, &kexinit(&ours));
        c.say(Resp, &kexinit(&theirs));
        let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
        c.say(Orig, &ssh_packet(&[&[30][..], &string(&ours)].concat()));
        let host_key = [string(b"ssh-ed25519"), string(&theirs)].concat();
        c.say(Resp, &ssh_packet(&[&[31][..], &string(&host_key), &string(&theirs), &string(&[9; 83])].concat()));
        c.say(Resp, &ssh_packet(&[21]));
        c.say(Orig, &ssh_packet(&[21]));
        let mut sealed = |c: &mut Conversation, dir: Dir, len: usize| {
            let bytes = self.random.bytes(len);
            c.say(dir, &bytes);
        };
        sealed(&mut c, Orig, SERVICE_LEN);
        sealed(&mut c, Resp, SERVICE_LEN);
        // The method "none" tells which methods there are.
        for _ in 0..=failures {
            sealed(&mut c, Orig, 148);
            sealed(&mut c, Resp, REFUSED_LEN);
            c.pause(Interval::from_millis(400));
        }
        if works {
            sealed(&mut c, Orig, 148);
            sealed(&mut c, Resp, ACCEPTED_LEN);
            for _ in 0..data.div_ceil(1_000) {
                sealed(&mut c, Orig, 68);
                sealed(&mut c, Resp, 1_000);
                c.pause(Interval::from_millis(700));
            }
        }
        c
    }

    /// A session of RDP of so many seconds.
    pub(super) fn rdp(&mut self, ms: i64, from: &str, to: &str, seconds: i64) {
        let tpkt = |unit: &[u8]| [&[3, 0][..], &((unit.len() + 4) as u16).to_be_bytes(), unit].concat();
        let connect = |code: u8, rest: &[u8]| tpkt(&[&[rest.len() as u8 + 6, code, 0, 0, 0, 0, 0][..], rest].concat());
        let mut c = self.open(ms, from, &format!("{to}:3389"));
        c.say(Orig, &connect(0xe0, &[b"Cookie: mstshash=ada\r\n".as_slice(), &[1, 0, 8, 0, 3, 0, 0, 0]].concat()));
        c.say(Resp, &connect(0xd0, &[2, 0, 8, 0, 1, 0, 0, 0]));
        let (ours, theirs) = (self.bytes32(), self.bytes32());
        c.say(Orig, &tls::client_hello(&BROWSER, "", &ours));
        c.say(Resp, &tls::server_flight(&BROWSER, &theirs, &ours));
        c.say(Orig, &tls::finished());
        for _ in 0..seconds / 2 {
            c.pause(Interval::from_secs(2));
            let data = self.random.bytes(1_400);
            c.say(Orig, &tls::record(23, &data[..120]));
            c.say(Resp, &tls::record(23, &data));
        }
        self.add(&mut c.fin());
    }

    /// A question to the domain controller's Kerberos, and its answer.
    pub(super) fn krb(&mut self, ms: i64, from: &str, ask: &[u8], tell: &[u8]) {
        let (from, to) = ((addr(from), self.port()), (addr(DC), 88));
        self.packet(at(ms), &Frame::udp(from, to, ask));
        self.packet(at(ms + 3), &Frame::udp(to, from, tell));
    }

    /// A log-in at the domain: ticket-granting ticket with proof, a ticket for a service. The granting ticket.
    pub(super) fn kinit(&mut self, ms: i64, from: &str, client: &str, service: &str) -> Vec<u8> {
        let nonce = self.random.draw() as u32 >> 1;
        let granting = format!("krbtgt/{REALM}");
        let ask = Request { realm: REALM, client, service: &granting, ciphers: &[AES, 17, 23], nonce };
        self.krb(ms, from, &ask.first(false), &ask.error(kerberos::PROOF_NEEDED));
        let text = self.random.bytes(120);
        let ticket = kerberos::ticket(REALM, &granting, AES, &text);
        self.krb(ms + 20, from, &ask.first(true), &ask.reply(11, &ticket, AES));
        self.ticket(ms + 40, from, (client, service), &ticket, AES, &[AES, 17, 23]);
        ticket
    }

    /// A ticket for a service.
    pub(super) fn ticket(
        &mut self,
        ms: i64,
        from: &str,
        (client, service): (&str, &str),
        granting: &[u8],
        cipher: u8,
        offered: &[u8],
    ) {
        let nonce = self.random.draw() as u32 >> 1;
        let ask = Request { realm: REALM, client, service, ciphers: offered, nonce };
        let text = self.random.bytes(120);
        let ticket = kerberos::ticket(REALM, service, cipher, &text);
        self.krb(ms, from, &ask.next(granting), &ask.reply(13, &ticket, AES));
    }

    /// A bind at a directory by NTLM.
    pub(super) fn ldap_bind(&mut self, ms: i64, from: &str, to: &str, login: &Login<'_>) -> Conversation {
        let [negotiate, challenge, authenticate] = login.messages();
        let mut c = self.open(ms, from, &format!("{to}:389"));
        c.say(Orig, &ldap::sasl_bind(1, "GSS-SPNEGO", &spnego_init(&negotiate)));
        c.say(Resp, &ldap::bound(1, 14, &spnego_resp(Some(1), &challenge)));
        c.say(Orig, &ldap::sasl_bind(2, "GSS-SPNEGO", &spnego_resp(None, &authenticate)));
        c.say(Resp, &ldap::bound(2, 0, &spnego_resp(Some(0), b"")));
        c
    }

    /// Hosts log in at the domain in the morning: Kerberos, then a search in the directory. So the controller is known for one.
    pub(super) fn domain(&mut self, ms: i64) {
        for n in 0..24i64 {
            let (host, user) = (super::office::host(n), format!("user{n}"));
            let begin = ms + n * 20_000;
            self.kinit(begin, &host, &user, &format!("ldap/dc1.{}", REALM.to_lowercase()));
            let login = Login::new("OFFICE", &user, "PC", "DC1", self.random.draw());
            let mut c = self.ldap_bind(begin + 100, &host, DC, &login);
            c.say(Orig, &ldap::search(3, "DC=office,DC=example", &ldap::equal("sAMAccountName", &user), &["cn"]));
            c.say(Resp, &[ldap::entry(3, &format!("CN={user},DC=office,DC=example")), ldap::result(3, 5, 0)].concat());
            self.add(&mut c.fin());
        }
    }
}
