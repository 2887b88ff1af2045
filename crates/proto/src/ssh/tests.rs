use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn ssh() -> Bench {
    Bench::new(ProtoId::Ssh, Transport::Tcp, 22)
}

/// A packet with four bytes of padding.
fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let mut v = ((body.len() + 6) as u32).to_be_bytes().to_vec();
    v.extend([4, number]);
    v.extend(body);
    v.extend([0; 4]);
    v
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text].concat()
}

fn kexinit(lists: [&str; 5]) -> Vec<u8> {
    let [kex, key, cipher, mac, compression] = lists;
    let mut body = vec![7; 16];
    for list in [kex, key, cipher, cipher, mac, mac, compression, compression, "", ""] {
        body.extend(string(list.as_bytes()));
    }
    body.extend([0; 5]);
    packet(20, &body)
}

const CLIENT: [&str; 5] =
    ["curve25519-sha256,ecdh-sha2-nistp256", "ssh-ed25519,ssh-rsa", "aes128-ctr,aes256-ctr", "hmac-sha2-256", "none"];
const SERVER: [&str; 5] = ["ecdh-sha2-nistp256", "ssh-rsa", "aes256-ctr,aes128-ctr", "hmac-sha1,hmac-sha2-256", "none"];

fn client_side() -> Vec<u8> {
    [b"SSH-2.0-OpenSSH_9.7\r\n".to_vec(), kexinit(CLIENT), packet(30, &string(&[9; 65])), packet(21, &[])].concat()
}

fn key() -> Vec<u8> {
    [string(b"ssh-rsa"), string(&[1, 0, 1]), string(&[5; 257])].concat()
}

fn server_side() -> Vec<u8> {
    let reply = [string(&key()), string(&[8; 65]), string(&[3; 100])].concat();
    let banner = b"Welcome to this place\r\nSSH-1.99-OpenSSH_3.9p1 Debian\r\n";
    [banner.to_vec(), kexinit(SERVER), packet(31, &reply), packet(21, &[])].concat()
}

/// After the key exchange: the service request, a refusal of "none", one of a password, then success.
fn login(b: &mut Bench) {
    b.data(Dir::Orig, &[0; 52]).data(Dir::Resp, &[0; 52]).data(Dir::Orig, &[0; 68]).data(Dir::Resp, &[0; 84]);
    b.data(Dir::Orig, &[0; 148]).data(Dir::Resp, &[0; 84]).data(Dir::Orig, &[0; 148]).data(Dir::Resp, &[0; 36]);
}

#[test]
fn parses_a_whole_connection() {
    let mut b = ssh();
    b.flow.local_orig = true;
    b.data(Dir::Resp, &server_side()).data(Dir::Orig, &client_side());
    login(&mut b);
    assert!(b.out.opaque);
    b.end();
    let rows = b.rows("ssh");
    assert_eq!(rows.len(), 1);
    let print = String::from_utf8(fingerprint(&Sha256::digest(key()).into()).0).unwrap();
    assert_eq!(print.len(), 7 + 32);
    for part in [
        "version=Count(2) auth_success=Bool(true) auth_attempts=Count(2) direction=Enum(OUTBOUND)",
        "client=Str(\"SSH-2.0-OpenSSH_9.7\") server=Str(\"SSH-1.99-OpenSSH_3.9p1 Debian\")",
        "cipher_alg=Str(\"aes128-ctr\") mac_alg=Str(\"hmac-sha2-256\") compression_alg=Str(\"none\")",
        "kex_alg=Str(\"ecdh-sha2-nistp256\") host_key_alg=Str(\"ssh-rsa\")",
        &format!("host_key_fingerprint=Str({print:?})"),
        "hassh=Hex(",
        "hassh_server=Hex(",
    ] {
        assert!(rows[0].contains(part), "{part} in {}", rows[0]);
    }
    assert_eq!(b.out.confirmed, ["ssh"]);
}

#[test]
fn any_split_of_the_key_exchange_gives_the_same_row() {
    let row = |n: usize| {
        let mut b = ssh();
        b.data_split(Dir::Orig, &client_side(), n).data_split(Dir::Resp, &server_side(), n);
        login(&mut b);
        b.end();
        b.rows("ssh")
    };
    let whole = row(100_000);
    for n in [1, 2, 3, 5, 7, 16, 33, 100] {
        assert_eq!(row(n), whole, "pieces of {n}");
    }
}

#[test]
fn hassh_is_the_md5_of_the_lists() {
    let mut b = ssh();
    b.data(Dir::Orig, &client_side()).end();
    let text = format!("{};{};{};{}", CLIENT[0], CLIENT[2], CLIENT[3], CLIENT[4]);
    let md5: [u8; 16] = md5::Digest::finalize(<md5::Md5 as md5::Digest>::new_with_prefix(text)).into();
    assert!(b.rows("ssh")[0].contains(&format!("hassh=Hex({md5:02x?})")), "{}", b.rows("ssh")[0]);
}

#[test]
fn half_a_connection_gives_what_it_has() {
    let mut b = ssh();
    b.flow.seen.orig = false;
    b.data(Dir::Resp, &server_side()).end();
    let row = &b.rows("ssh")[0];
    assert!(row.contains("server=Str") && row.contains("host_key_sha256=") && row.contains("hassh_server="));
    assert!(!row.contains("version=") && !row.contains("client=") && !row.contains("host_key_fingerprint="));
    assert_eq!(b.out.recognized, ["ssh"]);
}

#[test]
fn a_server_that_connects_is_found_out() {
    let mut b = ssh();
    b.data(Dir::Orig, &server_side()).data(Dir::Resp, &client_side()).end();
    let row = &b.rows("ssh")[0];
    assert!(row.contains("reversed=Bool(true)") && row.contains("host_key_fingerprint=Str(\"SHA256:"));
}

#[test]
fn compression_hides_the_outcome() {
    let with = |mut lists: [&'static str; 5]| {
        lists[4] = "zlib@openssh.com";
        kexinit(lists)
    };
    let mut b = ssh();
    b.data(Dir::Orig, &[b"SSH-2.0-a\r\n".to_vec(), with(CLIENT), packet(21, &[])].concat());
    b.data(Dir::Resp, &[b"SSH-2.0-b\r\n".to_vec(), with(SERVER), packet(21, &[])].concat());
    login(&mut b);
    b.end();
    let rows = b.rows("ssh");
    assert!(rows.len() == 1 && rows[0].contains("auth_attempts=Count(0)") && !rows[0].contains("auth_success"));
}

#[test]
fn parses_version_one() {
    let number =
        |bits: u16, byte: u8| [bits.to_be_bytes().to_vec(), vec![byte; usize::from(bits).div_ceil(8)]].concat();
    let body = [
        vec![1; 8],
        vec![0, 0, 3, 0],
        number(6, 35),
        number(768, 9),
        vec![0, 0, 4, 0],
        number(6, 35),
        number(1024, 7),
        vec![0; 12],
    ]
    .concat();
    let inner = [vec![2], body, vec![0; 4]].concat();
    let wire = [(inner.len() as u32).to_be_bytes().to_vec(), vec![0; 8 - inner.len() % 8], inner].concat();
    let mut b = ssh();
    b.data(Dir::Orig, b"SSH-1.5-a\n").data(Dir::Resp, b"SSH-1.99-b\n").data(Dir::Resp, &wire);
    b.data(Dir::Resp, &[1; 20]).end();
    let row = &b.rows("ssh")[0];
    let key: [u8; 32] = Sha256::new().chain_update([7; 128]).chain_update([35; 1]).finalize().into();
    assert!(row.contains("version=Count(1)") && row.contains(&format!("host_key_sha256=Hex({key:02x?})")), "{row}");
}

#[test]
fn limits_lists_packets_and_preambles() {
    let long = vec!["x"; 101].join(",");
    let mut b = ssh();
    let lists = [long.as_str(), "ssh-rsa", "aes128-ctr", "hmac-sha1", "none"];
    b.data(Dir::Orig, &[b"SSH-2.0-a\r\n".to_vec(), kexinit(lists)].concat());
    b.data(Dir::Resp, &[b"SSH-2.0-b\r\n".to_vec(), kexinit(lists)].concat()).end();
    assert!(b.rows("ssh")[0].contains("kex_alg=Str(\"Algorithm negotiation failed\")"));
    assert_eq!(b.out.weirds[0].name, "SSH_max_kexinit_kex_algorithms_exceeded");
    assert_eq!(b.out.weirds[0].addl, Some("101 > 100".into()));

    let mut b = ssh();
    b.data(Dir::Orig, b"SSH-2.0-a\r\n\xff\xff\xff\xff").end();
    assert_eq!(b.out.weirds[0].name, "ssh_broken_packet");

    let mut b = ssh();
    b.data(Dir::Resp, "hello\n".repeat(2000).as_bytes()).data(Dir::Resp, b"SSH-2.0-late\n").end();
    assert!(b.rows("ssh").is_empty());
    assert_eq!(b.out.weirds[0].name, "ssh_no_identification");

    let mut b = ssh();
    b.data(Dir::Orig, b"SSH-1.5-a\r\n").data(Dir::Resp, b"SSH-2.0-b\r\n").end();
    assert_eq!(b.out.weirds[0].addl, Some("SSH-2.0-b vs SSH-1.5-a".into()));
}

#[test]
fn random_bytes_and_cuts_never_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let sides = [client_side(), server_side()];
    for _ in 0..4000 {
        let mut b = ssh();
        for (side, dir) in sides.iter().zip([Dir::Orig, Dir::Resp]) {
            let mut bytes = side.clone();
            bytes.truncate(next() as usize % (bytes.len() + 1));
            for _ in 0..next() % 6 {
                let at = next() as usize % bytes.len().max(1);
                if let Some(x) = bytes.get_mut(at) {
                    *x = next() as u8;
                }
            }
            b.data_split(dir, &bytes, 1 + next() as usize % 300);
            if next() % 4 == 0 {
                b.gap(dir, 5);
            }
        }
        b.end();
        assert!(b.rows("ssh").len() <= 1);
    }
}

#[test]
fn recognised_by_content() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Ssh).unwrap().1.probe;
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        let flow = FlowInfo::default();
        probe(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(guess(b"SSH-2.0-x", b"", false), Guess::Yes);
    assert_eq!(guess(b"", b"SSH-1.99-x", false), Guess::Yes);
    assert_eq!(guess(b"SS", b"", false), Guess::More);
    assert_eq!(guess(b"", b"Welcome\r\n", true), Guess::More);
    assert_eq!(guess(b"", b"Welcome\r\nSSH-2.0-x", true), Guess::Yes);
    assert_eq!(guess(b"GET /", b"HTTP", true), Guess::No);
    assert_eq!(guess(b"SSH-9.0", b"", false), Guess::No);
}

#[test]
fn rules_and_eve_see_one_exchange_in_any_split() {
    use sekisho_transaction::Fact;
    let run = |piece| {
        let mut b = Bench::watched(ProtoId::Ssh, Transport::Tcp, 22);
        b.data_split(Dir::Resp, &server_side(), piece).data_split(Dir::Orig, &client_side(), piece).end();
        b
    };
    let whole = run(usize::MAX);
    let [x] = whole.exchanges() else { panic!("{:?}", whole.exchanges()) };
    assert!(x.json.starts_with(
        "{\"ssh\":{\"client\":{\"proto_version\":\"2.0\",\"software_version\":\"OpenSSH_9.7\",\"hassh\":{\"hash\":\""
    ));
    assert!(x.json.contains("\"server\":{\"proto_version\":\"1.99\",\"software_version\":\"OpenSSH_3.9p1\""));
    let lists = format!("{};{};{};{}", CLIENT[0], CLIENT[2], CLIENT[3], CLIENT[4]);
    assert_eq!(x.fact(Fact::SshHasshString), [lists]);
    assert_eq!(run(1).files.1.lines(), whole.files.1.lines());
    let mut banners = Bench::new(ProtoId::Ssh, Transport::Tcp, 22);
    banners.out.watched = Some(Default::default());
    banners.data(Dir::Resp, b"SSH-2.0-a\r\n").data(Dir::Orig, b"SSH-2.0-b\r\n");
    assert!(banners.exchanges()[0].over);
}
