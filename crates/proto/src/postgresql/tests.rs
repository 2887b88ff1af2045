use super::message::{Opening, auth_name, field_list};
use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe, ProtoId, Transport};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &u32::try_from(content.len() + 4).unwrap().to_be_bytes(), content].concat()
}

fn startup() -> Vec<u8> {
    let names = b"\0\x03\0\0user\0ada\0database\0shop\0application_name\0psql\0\0";
    [&u32::try_from(names.len() + 4).unwrap().to_be_bytes()[..], names].concat()
}

fn session() -> Vec<(Dir, Vec<u8>)> {
    let ready = |status: u8| message(b'Z', &[status]);
    vec![
        (Orig, SSL_REQUEST.to_vec()),
        (Resp, b"N".to_vec()),
        (Orig, startup()),
        (Resp, message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
        (Orig, message(b'p', b"SCRAM-SHA-256\0\0\0\0\x05n,,n=")),
        (Resp, message(b'R', b"\0\0\0\x0br=x")),
        (Orig, message(b'p', b"c=x")),
        (Resp, [message(b'R', b"\0\0\0\0"), message(b'S', b"server_version\x0016.1\0"), ready(b'I')].concat()),
        (Orig, message(b'Q', b"SELECT 1\0")),
        (Resp, [message(b'T', b"\0\x01"), message(b'D', b"\0\x01"), message(b'D', b"\0\x01")].concat()),
        (Resp, [message(b'C', b"SELECT 2\0"), ready(b'I')].concat()),
        (Orig, message(b'Q', b"SELEC 1\0")),
        (Resp, [message(b'E', b"SERROR\0VERROR\0C42601\0Msyntax error\0\0"), ready(b'I')].concat()),
        (
            Orig,
            [message(b'P', b"s1\0INSERT INTO t VALUES ($1)\0\0\0"), message(b'B', b"\0s1\0"), message(b'S', b"")]
                .concat(),
        ),
        (Resp, [message(b'1', b""), message(b'2', b""), message(b'C', b"INSERT 0 1\0"), ready(b'I')].concat()),
        (Orig, message(b'X', b"")),
    ]
}

#[test]
fn logs_a_session_however_it_is_split() {
    let session = session();
    let steps: Vec<Step<'_>> = session.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Postgresql, 5432, &steps);
    let who = "user=Str(\"ada\") database=Str(\"shop\") application_name=Str(\"psql\")";
    let version = "server_version=Str(\"16.1\")";
    let want = [
        "frontend=Str(\"ssl_request\") backend=Str(\"ssl_reply\") backend_arg=Str(\"N\") success=Bool(false)"
            .to_owned(),
        format!(
            "{who} frontend=Str(\"startup\") backend=Str(\"auth_ok\") backend_arg=Str(\"SASL,SASLContinue\") success=Bool(true) {version}"
        ),
        format!(
            "{who} frontend=Str(\"simple_query\") frontend_arg=Str(\"SELECT 1\") success=Bool(true) rows=Count(2) command_tag=Str(\"SELECT 2\") {version}"
        ),
        format!(
            "{who} frontend=Str(\"simple_query\") frontend_arg=Str(\"SELEC 1\") backend=Str(\"error\") backend_arg=Str(\"SeverityLocalized=ERROR,Severity=ERROR,Code=42601,Message=syntax error\") success=Bool(false) error_code=Str(\"42601\") {version}"
        ),
        format!(
            "{who} frontend=Str(\"extended_query\") frontend_arg=Str(\"INSERT INTO t VALUES ($1)\") success=Bool(true) rows=Count(0) command_tag=Str(\"INSERT 0 1\") {version}"
        ),
        format!("{who} frontend=Str(\"terminate\") {version}"),
    ];
    let got: Vec<&str> = outcome.rows.iter().map(|r| r.trim_start_matches("postgresql: ")).collect();
    assert_eq!(got, want);
    check_truncations(ProtoId::Postgresql, 5432, &steps);
    check_damage(ProtoId::Postgresql, 5432, &steps, 200);
}

#[test]
fn parses_openings_and_fields() {
    assert_eq!(Opening::parse(SSL_REQUEST), Ok(Opening::Ssl));
    assert_eq!(Opening::parse(b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\0"), Ok(Opening::Cancel { process: 7 }));
    assert_eq!(field_list(b"CX\0zY\0"), b"Code=X,UnknownErrorIdz=Y");
    assert_eq!(auth_name(99), "UnknownAuthId99");
}

#[test]
fn rejects_other_versions() {
    assert!(Opening::parse(b"\0\0\0\x10\0\x02\0\0user\0a\0\0").is_err());
    let mut b = Bench::new(ProtoId::Postgresql, Transport::Tcp, 5432);
    b.data(Orig, b"\0\0\0\x10\0\x02\0\0user\0a\0\0");
    assert_eq!(b.out.rejected, Some("postgresql_unsupported_version"));
}

#[test]
fn tls_is_handed_over() {
    let mut b = Bench::new(ProtoId::Postgresql, Transport::Tcp, 5432);
    b.data(Orig, SSL_REQUEST).data(Resp, b"S");
    assert_eq!(b.out.hand_over.as_ref().map(|h| h.unconsumed), Some(0));
    assert_eq!(b.rows("postgresql").len(), 1);
    let mut b = Bench::new(ProtoId::Postgresql, Transport::Tcp, 5432);
    b.data(Resp, b"S\x16\x03\x03");
    assert_eq!(b.out.hand_over.as_ref().map(|h| h.unconsumed), Some(3), "the server alone");
}

#[test]
fn half_conversations_give_what_they_can() {
    for only in [Orig, Resp] {
        let mut b = Bench::new(ProtoId::Postgresql, Transport::Tcp, 5432);
        for (dir, bytes) in session().iter().skip(2).filter(|s| s.0 == only) {
            b.data(*dir, bytes);
        }
        b.end();
        assert_eq!(b.out.rejected, None);
        assert_eq!(b.rows("postgresql").len(), if only == Orig { 5 } else { 3 }, "{:?}", b.rows("postgresql"));
    }
}

#[test]
fn limits_arguments() {
    let mut b = Bench::new(ProtoId::Postgresql, Transport::Tcp, 5432);
    b.data(Orig, &startup()).data(Orig, &message(b'Q', &[b'x'; 3 * MAX_ARG_LEN]));
    for _ in 0..100 {
        b.data(Resp, &message(b'N', &[&b"M"[..], &[b'y'; 3000], &[0, 0]].concat()));
    }
    assert!(b.held_len() < 5 * MAX_ARG_LEN, "{}", b.held_len());
    b.end();
    assert!(b.out.weirds.iter().any(|w| w.name == "postgresql_arg_too_long"));
}

#[test]
fn recognises_by_opening_or_answer() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(guess(SSL_REQUEST, b"", false), Guess::Yes);
    assert_eq!(guess(&startup(), b"", false), Guess::Yes);
    assert_eq!(guess(&startup()[..12], b"", false), Guess::More);
    assert_eq!(guess(b"\0\0\0\x20\0\x03\0\0\xff\xff\xff", b"", false), Guess::No);
    assert_eq!(guess(b"", b"R\0\0\0\x0c\0\0\0\x05salt", false), Guess::Yes);
    assert_eq!(guess(b"", b"ESAY what", false), Guess::No);
    assert_eq!(guess(b"Q\0\0\0\x0dSELECT 1\0", b"", true), Guess::Yes);
    assert_eq!(guess(b"Q\0\0\0\x0dSELECT 1\0", b"", false), Guess::No);
}

#[test]
fn shows_exchanges_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Postgresql, Transport::Tcp, 5432);
    for (dir, bytes) in session() {
        b.data(dir, &bytes);
    }
    b.end();
    let shown: Vec<&str> = b.exchanges().iter().map(|e| &*e.json).collect();
    assert_eq!(
        shown[..6],
        [
            "{\"pgsql\":{\"tx_id\":1,\"request\":{\"message\":\"SSL Request\"},\"response\":{\"ssl_accepted\":false}}}",
            "{\"pgsql\":{\"tx_id\":2,\"request\":{\"protocol_version\":\"3.0\",\"startup_parameters\":{\"user\":\"ada\",\
             \"optional_parameters\":[{\"database\":\"shop\"},{\"application_name\":\"psql\"}]}},\
             \"response\":{\"message\":\"authentication_sasl\"}}}",
            "{\"pgsql\":{\"tx_id\":3,\"request\":{\"sasl_authentication_mechanism\":\"scram_SHA256\",\"sasl_param\":\"n,,n=\"},\
             \"response\":{\"message\":\"authentication_sasl_continue\"}}}",
            "{\"pgsql\":{\"tx_id\":4,\"request\":{\"sasl_response\":\"c=x\"},\"response\":{\"message\":\"authentication_ok\",\
             \"parameter_status\":[{\"server_version\":\"16.1\"}]}}}",
            "{\"pgsql\":{\"tx_id\":5,\"request\":{\"simple_query\":\"SELECT 1\"},\"response\":{\
             \"command_completed\":\"SELECT 2\",\"field_count\":1,\"data_rows\":2,\"data_size\":0}}}",
            "{\"pgsql\":{\"tx_id\":6,\"request\":{\"simple_query\":\"SELEC 1\"},\"response\":{\
             \"severity_localizable\":\"ERROR\",\"severity_non_localizable\":\"ERROR\",\"code\":\"42601\",\
             \"message\":\"syntax error\"}}}",
        ]
    );
    assert_eq!(b.exchanges()[4].fact(Fact::PgsqlQuery), ["SELECT 1"]);
}
