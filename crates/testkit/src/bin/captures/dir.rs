//! Directories, logins and management: SNMP, Kerberos, LDAP, RADIUS, RDP.

use crate::{Capture, Timed, at, at_ms, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("snmp/session", snmp()),
        Capture::ethernet("krb/login", kerberos()),
        Capture::ethernet("ldap/session", ldap()),
        Capture::ethernet("radius/login", radius()),
        Capture::ethernet("rdp/session", frames_of(&rdp())),
        Capture::ethernet("rdpeudp/handshake", rdpeudp()),
    ]
}

/// Datagrams between a client's port and a server, 20 ms apart.
fn datagrams(secs: i64, client: &str, server: &str, sent: &[(Dir, Vec<u8>)]) -> Vec<Timed> {
    let frame = |(i, (dir, bytes)): (usize, &(Dir, Vec<u8>))| {
        let (from, to) = if dir.is_orig() { (client, server) } else { (server, client) };
        (at_ms(secs * 1000 + 20 * i as i64), Frame::udp(from, to, bytes).frame())
    };
    sent.iter().enumerate().map(frame).collect()
}

/// An ASN.1 element.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = if len < 0x80 { vec![tag, len as u8] } else { vec![tag, 0x82, (len >> 8) as u8, len as u8] };
    [head, content.to_vec()].concat()
}

fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn int(n: u8) -> Vec<u8> {
    vec![2, 1, n]
}

fn octets(text: &[u8]) -> Vec<u8> {
    tlv(4, text)
}

/// Element `n` of the surrounding type.
fn nth(n: u8, part: &[u8]) -> Vec<u8> {
    tlv(0xa0 | n, part)
}

/// A walk through the system group, a trap, version 3 with its discovery, and a message that breaks off.
fn snmp() -> Vec<Timed> {
    let oid = |n: u8| tlv(6, &[0x2b, 6, 1, 2, 1, 1, n, 0]);
    let pdu = |kind: u8, bindings: &[Vec<u8>]| tlv(kind, &[int(7), int(0), int(0), seq(bindings)].concat());
    let v2c = |pdu: Vec<u8>| seq(&[int(1), octets(b"public"), pdu]);
    let null = vec![5, 0];
    let asked = [seq(&[oid(1), null.clone()]), seq(&[oid(3), null.clone()])];
    let told = [seq(&[oid(1), octets(b"Golden switch 1.0")]), seq(&[oid(3), tlv(0x43, &[0x17, 0x70])])];
    let mut out = datagrams(
        0,
        "10.0.0.1:40001",
        "192.0.2.1:161",
        &[(Orig, v2c(pdu(0xa0, &asked))), (Resp, v2c(pdu(0xa2, &told))), (Orig, v2c(pdu(0xa5, &asked[..1])))],
    );
    let trap_oid = seq(&[tlv(6, &[0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0]), tlv(6, &[0x2b, 6, 1, 6, 3, 1, 1, 5, 3])]);
    out.extend(datagrams(1, "192.0.2.1:161", "10.0.0.9:162", &[(Orig, v2c(pdu(0xa7, &[trap_oid])))]));
    let v3 = |flags: u8, user: &[u8], body: Vec<u8>| {
        let data = seq(&[int(9), vec![2, 2, 5, 0xdc], octets(&[flags]), int(3)]);
        let usm = seq(&[octets(&[0x80, 0, 0x1f, 0x88]), int(1), int(5), octets(user), octets(b""), octets(b"")]);
        seq(&[int(3), data, octets(&usm), body])
    };
    let scoped = |pdu: Vec<u8>| seq(&[octets(b""), octets(b""), pdu]);
    let unknown_engine = seq(&[tlv(6, &[0x2b, 6, 1, 6, 3, 15, 1, 1, 4, 0]), tlv(0x41, &[1])]);
    out.extend(datagrams(
        2,
        "10.0.0.1:40002",
        "192.0.2.1:161",
        &[
            (Orig, v3(4, b"", scoped(pdu(0xa0, &[])))),
            (Resp, v3(0, b"", scoped(pdu(0xa8, &[unknown_engine])))),
            (Orig, v3(5, b"operator", scoped(pdu(0xa0, &asked)))),
            (Resp, v3(1, b"operator", scoped(pdu(0xa2, &told)))),
            (Orig, v3(7, b"operator", octets(&[0xee; 40]))),
        ],
    ));
    let mut cut = v2c(pdu(0xa0, &asked));
    cut.truncate(30);
    out.extend(datagrams(3, "10.0.0.1:40003", "192.0.2.1:161", &[(Orig, cut)]));
    out
}

/// Parts of Kerberos messages (RFC 4120 §5).
mod krb {
    use super::{int, nth, octets, seq, tlv};

    pub fn name(parts: &[&str]) -> Vec<u8> {
        let parts: Vec<Vec<u8>> = parts.iter().map(|p| tlv(0x1b, p.as_bytes())).collect();
        seq(&[nth(0, &int(1)), nth(1, &seq(&parts))])
    }

    fn realm() -> Vec<u8> {
        tlv(0x1b, b"EXAMPLE.ORG")
    }

    fn sealed(cipher: u8, text: &[u8]) -> Vec<u8> {
        seq(&[nth(0, &int(cipher)), nth(1, &int(2)), nth(2, &octets(text))])
    }

    pub fn ticket(service: &[&str], text: &[u8]) -> Vec<u8> {
        tlv(0x61, &seq(&[nth(0, &int(5)), nth(1, &realm()), nth(2, &name(service)), nth(3, &sealed(18, text))]))
    }

    pub fn ap_request(ticket: &[u8]) -> Vec<u8> {
        let options = tlv(3, &[0, 0, 0, 0, 0]);
        let parts = [int(5), int(14), options, ticket.to_vec(), sealed(18, b"authenticator")];
        let parts: Vec<Vec<u8>> = parts.iter().zip(0..).map(|(p, n)| nth(n, p)).collect();
        tlv(0x6e, &seq(&parts))
    }

    pub fn request(kind: u8, nonce: u8, service: &[&str], preauth: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let data: Vec<Vec<u8>> =
            preauth.iter().map(|(k, value)| seq(&[nth(1, &int(*k)), nth(2, &octets(value))])).collect();
        let body = [
            nth(0, &tlv(3, &[0, 0x40, 0x80, 0, 0x10])),
            nth(1, &name(&["alice"])),
            nth(2, &realm()),
            nth(3, &name(service)),
            nth(5, &tlv(0x18, b"20370913024805Z")),
            nth(7, &int(nonce)),
            nth(8, &seq(&[int(18), int(17), int(23)])),
        ];
        let parts = [nth(1, &int(5)), nth(2, &int(kind)), nth(3, &seq(&data)), nth(4, &seq(&body))];
        tlv(0x60 | kind, &seq(&parts))
    }

    pub fn reply(kind: u8, ticket: &[u8]) -> Vec<u8> {
        let parts = [nth(0, &int(5)), nth(1, &int(kind)), nth(3, &realm()), nth(4, &name(&["alice"]))];
        let parts = [parts.concat(), nth(5, ticket), nth(6, &sealed(18, b"reply"))];
        tlv(0x60 | kind, &seq(&parts))
    }

    pub fn error(code: u8, text: &[u8]) -> Vec<u8> {
        let mut parts = vec![nth(0, &int(5)), nth(1, &int(30)), nth(4, &tlv(0x18, b"20231114221320Z"))];
        parts.extend([
            nth(5, &int(9)),
            nth(6, &int(code)),
            nth(9, &realm()),
            nth(10, &name(&["krbtgt", "EXAMPLE.ORG"])),
        ]);
        if !text.is_empty() {
            parts.push(nth(11, &tlv(0x1b, text)));
        }
        tlv(0x7e, &seq(&parts))
    }
}

/// A login that is first asked to prove itself, a ticket for a service over TCP, and one for a service that is not there.
fn kerberos() -> Vec<Timed> {
    let (krbtgt, cifs) = (["krbtgt", "EXAMPLE.ORG"], ["cifs", "files.example.org"]);
    let proof = [(2, b"encrypted time".to_vec())];
    let tgt = krb::ticket(&krbtgt, b"ticket-granting ticket");
    let mut out = datagrams(
        0,
        "10.0.0.1:40001",
        "192.0.2.88:88",
        &[
            (Orig, krb::request(10, 1, &krbtgt, &[])),
            (Resp, krb::error(25, b"NEEDED_PREAUTH")),
            (Orig, krb::request(10, 2, &krbtgt, &proof)),
            (Resp, krb::reply(11, &tgt)),
        ],
    );
    let framed = |m: Vec<u8>| [&(m.len() as u32).to_be_bytes()[..], &m].concat();
    let shown = [(1, krb::ap_request(&tgt))];
    let granted = krb::reply(13, &krb::ticket(&cifs, b"service ticket"));
    let tcp = Conversation::new("10.0.0.1:40002", "192.0.2.88:88")
        .at(at(1))
        .syn()
        .send(Orig, &framed(krb::request(12, 3, &cifs, &shown)))
        .send(Resp, &framed(granted))
        .send(Orig, &framed(krb::request(12, 4, &["http", "nowhere"], &shown)))
        .send(Resp, &framed(krb::error(7, b"")))
        .fin();
    out.extend(tcp.frames());
    out
}

/// Parts of LDAP messages (RFC 4511 §4).
mod ld {
    use super::{int, octets, seq, tlv};

    pub fn message(id: u8, op: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        seq(&[int(id), tlv(0x60 | op, &parts.concat())])
    }

    pub fn result(id: u8, op: u8, code: u8, said: &[u8]) -> Vec<u8> {
        message(id, op, &[vec![10, 1, code], octets(b""), octets(said)])
    }

    pub fn search(id: u8, filter: Vec<u8>) -> Vec<u8> {
        let head = [octets(b"dc=example,dc=org"), vec![10, 1, 2], vec![10, 1, 0], int(0), int(0), vec![1, 1, 0]];
        message(id, 3, &[head.concat(), filter, seq(&[octets(b"mail")])])
    }

    pub fn equal(name: &[u8], value: &[u8]) -> Vec<u8> {
        tlv(0xa3, &[octets(name), octets(value)].concat())
    }
}

/// A bind with password and a search; changes; StartTLS; a SASL bind after which messages are signed or sealed; CLDAP.
fn ldap() -> Vec<Timed> {
    let nth_flow = |n: u16| {
        Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.89:389").at(at(10 * i64::from(n))).syn()
    };
    let bind = |auth: Vec<u8>| ld::message(1, 0, &[int(3), octets(b"cn=admin,dc=example,dc=org"), auth]);
    let filter = tlv(0xa0, &[tlv(0x87, b"objectClass"), ld::equal(b"uid", b"al*ce"), ld::equal(b"sn", b"A")].concat());
    let entry = |id: u8| ld::message(id, 4, &[octets(b"uid=alice,dc=example,dc=org"), seq(&[])]);
    let change = seq(&[vec![10, 1, 2], seq(&[octets(b"mail"), tlv(0x31, &octets(b"a@example.org"))])]);
    let search = nth_flow(1)
        .send(Orig, &bind(tlv(0x80, b"secret")))
        .send(Resp, &ld::result(1, 1, 0, b""))
        .send(Orig, &ld::search(2, filter))
        .send(Resp, &[entry(2), entry(2), ld::result(2, 5, 4, b"size limit")].concat())
        .send(Orig, &ld::message(3, 6, &[octets(b"uid=alice"), seq(&[change])]))
        .send(Resp, &ld::result(3, 7, 50, b"no write access"))
        .send(Orig, &ld::message(4, 8, &[octets(b"uid=bob"), seq(&[])]))
        .send(Orig, &seq(&[int(5), vec![0x42, 0]]))
        .fin();
    let tls = nth_flow(2)
        .send(Orig, &ld::message(1, 23, &[tlv(0x80, b"1.3.6.1.4.1.1466.20037")]))
        .send(Resp, &ld::result(1, 24, 0, b""))
        .send(Orig, b"\x16\x03\x01\x00\x05hello")
        .fin();
    let mechanism = tlv(6, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
    let ap = krb::ap_request(&krb::ticket(&["ldap", "dc.example.org"], b"service ticket"));
    let token = tlv(0x60, &[mechanism, vec![1, 0], ap].concat());
    let spnego = tlv(0x60, &[tlv(6, b"\x2b\x06\x01\x05\x05\x02"), nth(0, &seq(&[nth(2, &octets(&token))]))].concat());
    let sasl = tlv(0xa3, &[octets(b"GSS-SPNEGO"), octets(&spnego)].concat());
    let wrap = |flags: u8, inside: &[u8]| {
        let head = [5, 4, flags, 0xff, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let body = [&head[..], inside, &[9; 12]].concat();
        [&(body.len() as u32).to_be_bytes()[..], &body].concat()
    };
    let signed = nth_flow(3)
        .send(Orig, &bind(sasl))
        .send(Resp, &ld::result(1, 1, 0, b""))
        .send(Orig, &wrap(0, &ld::search(2, ld::equal(b"cn", b"x"))))
        .send(Resp, &wrap(0, &[entry(2), ld::result(2, 5, 0, b"")].concat()))
        .send(Orig, &wrap(2, &[0xee; 90]))
        .fin();
    let mut out = frames_of(&[search, tls, signed]);
    let ping = ld::search(
        1,
        tlv(0xa0, &[ld::equal(b"DnsDomain", b"example.org"), ld::equal(b"NtVer", &[6, 0, 0, 0])].concat()),
    );
    let pong = [entry(1), ld::result(1, 5, 0, b"")].concat();
    out.extend(datagrams(50, "10.0.0.1:40009", "192.0.2.89:389", &[(Orig, ping), (Resp, pong)]));
    out
}

/// A login with a challenge, two at a time from one port, accounting, and a packet that is broken.
fn radius() -> Vec<Timed> {
    let packet = |code: u8, id: u8, attributes: &[(u8, &[u8])]| {
        let body: Vec<u8> =
            attributes.iter().flat_map(|(kind, value)| [&[*kind, value.len() as u8 + 2][..], value].concat()).collect();
        [&[code, id][..], &(20 + body.len() as u16).to_be_bytes(), &[7; 16], &body].concat()
    };
    let server = "192.0.2.18:1812";
    let mut out = datagrams(
        0,
        "10.0.0.1:40001",
        server,
        &[
            (
                Orig,
                packet(
                    1,
                    1,
                    &[(1, b"alice"), (31, b"00-1B-63-84-45-E6"), (77, b"CONNECT 54Mbps"), (4, &[10, 0, 0, 1])],
                ),
            ),
            (Resp, packet(11, 1, &[(8, &[172, 16, 3, 33]), (18, b"code?"), (24, b"s1")])),
            (Orig, packet(1, 2, &[(1, b"alice"), (24, b"s1")])),
            (Resp, packet(2, 2, &[])),
        ],
    );
    out.extend(datagrams(
        1,
        "10.0.0.1:40002",
        server,
        &[
            (Orig, packet(1, 1, &[(1, b"bob")])),
            (Orig, packet(1, 2, &[(1, b"eve")])),
            (Resp, packet(3, 2, &[])),
            (Resp, packet(2, 1, &[])),
            (Orig, packet(1, 3, &[(1, b"nobody")])),
        ],
    ));
    let stop = packet(4, 9, &[(1, b"alice"), (40, &[0, 0, 0, 2]), (44, b"77")]);
    out.extend(datagrams(2, "10.0.0.1:40003", "192.0.2.18:1813", &[(Orig, stop), (Resp, packet(5, 9, &[]))]));
    out.extend(datagrams(3, "10.0.0.1:40004", server, &[(Orig, packet(1, 1, &[(1, b"mallory")])[..25].to_vec())]));
    out
}

/// RDP's own encryption, TLS, and a refusal.
fn rdp() -> Vec<Conversation> {
    let tpkt = |unit: &[u8]| [&[3, 0][..], &((unit.len() + 4) as u16).to_be_bytes(), unit].concat();
    let connect = |code: u8, rest: &[u8]| tpkt(&[&[rest.len() as u8 + 6, code, 0, 0, 0, 0, 0][..], rest].concat());
    let request = connect(0xe0, &[b"Cookie: mstshash=alice\r\n".as_slice(), &[1, 0, 8, 0, 3, 0, 0, 0]].concat());
    let answer = |kind: u8, value: u8| connect(0xd0, &[kind, 0, 8, 0, value, 0, 0, 0]);
    let setting = |kind: u16, content: &[u8]| {
        [&kind.to_le_bytes()[..], &(content.len() as u16 + 4).to_le_bytes(), content].concat()
    };
    let wide = |text: &str, len: usize| {
        let mut out: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        out.resize(len, 0);
        out
    };
    let conference = |choice: &[u8], key: &[u8], blocks: &[u8]| {
        let per = |len: usize| [0x80 | (len >> 8) as u8, len as u8];
        let inner = [choice, &[1, 0xc0, 0], key, &per(blocks.len()), blocks].concat();
        octets(&[&[0, 5, 0, 0x14, 0x7c, 0, 1][..], &per(inner.len()), &inner].concat())
    };
    let mcs = |kind: u8, parts: &[Vec<u8>]| {
        let body = parts.concat();
        tpkt(&[&[2, 0xf0, 0x80, 0x7f, kind, 0x82][..], &(body.len() as u16).to_be_bytes(), &body].concat())
    };
    let core = [
        &[4, 0, 8, 0, 0x80, 7, 0x38, 4, 0, 0xca, 3, 0xaa, 7, 4, 0, 0][..],
        &9600u32.to_le_bytes(),
        &wide("DESKTOP", 32),
        &[0; 76],
        &[1, 0xca, 1, 0, 0, 0, 0, 0, 24, 0, 7, 0, 3, 0],
        &wide("76487-OEM", 64),
    ]
    .concat();
    let channels = [&2u32.to_le_bytes()[..], b"rdpdr\0\0\0", &[0; 4], b"cliprdr\0", &[0; 4]].concat();
    let blocks = [setting(0xc001, &core), setting(0xc003, &channels)].concat();
    let parameters = seq(&[int(34), int(2)]);
    let [a, b, c] = [parameters.clone(), parameters.clone(), parameters.clone()];
    let user = conference(&[0, 8, 0, 0x10, 0], b"Duca", &blocks);
    let initial = mcs(0x65, &[octets(&[1]), octets(&[1]), vec![1, 1, 0xff], a, b, c, user]);
    let security =
        [[2u32, 2, 32, 44].map(u32::to_le_bytes).concat(), vec![9; 32], 1u32.to_le_bytes().to_vec(), vec![0; 40]];
    let secured = conference(&[0x14, 0x76, 0x0a, 1, 1, 0], b"McDn", &setting(0x0c02, &security.concat()));
    let response = mcs(0x66, &[vec![10, 1, 0], int(0), parameters, secured]);
    let nth_flow = |n: u16| {
        Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.90:3389").at(at(10 * i64::from(n))).syn()
    };
    vec![
        nth_flow(1)
            .send(Orig, &request)
            .send(Resp, &answer(2, 0))
            .send(Orig, &initial)
            .send(Resp, &response)
            .send(Orig, &[0xee; 500])
            .fin(),
        nth_flow(2).send(Orig, &request).send(Resp, &answer(2, 2)).send(Orig, b"\x16\x03\x01\x00\x05hello").fin(),
        nth_flow(3).send(Orig, &request).send(Resp, &answer(3, 5)).fin_from(Resp),
    ]
}

/// The two SYN of version 2, and data.
fn rdpeudp() -> Vec<Timed> {
    let syn = |acknowledged: u32, flags: u16| {
        let head = [&acknowledged.to_be_bytes()[..], &[0, 64], &flags.to_be_bytes(), &[1, 2, 3, 4, 4, 0xd0, 4, 0xd0]];
        let mut out = head.concat();
        out.resize(1232, 0);
        out
    };
    let sent = [(Orig, syn(u32::MAX, 0x1001)), (Resp, syn(0x0102_0304, 0x1005)), (Orig, vec![0xee; 200])];
    datagrams(0, "10.0.0.1:40001", "192.0.2.90:3389", &sent)
}
