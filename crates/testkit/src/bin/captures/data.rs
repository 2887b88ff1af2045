//! Data stores and brokers.

use crate::{Capture, Timed, at, frames_of};
use Dir::{Orig, Resp};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("amqp/session", frames_of(&amqp())),
        Capture::ethernet("kafka/session", frames_of(&kafka())),
        Capture::ethernet("memcached/session", frames_of(&memcached())),
        Capture::ethernet("memcached/reflected", reflected()),
        Capture::ethernet("mongodb/session", frames_of(&mongodb())),
        Capture::ethernet("mqtt/session", frames_of(&mqtt())),
        Capture::ethernet("mysql/session", frames_of(&mysql())),
        Capture::ethernet("postgresql/session", frames_of(&postgresql())),
        Capture::ethernet("redis/session", frames_of(&redis())),
    ]
}

/// The `n`th conversation with a server.
fn nth(n: u16, server: &str) -> Conversation {
    Conversation::new(format!("10.0.0.1:{}", 40000 + n).as_str(), server).at(at(10 * i64::from(n))).syn()
}

/// A frame of AMQP 0-9-1.
fn old_frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, 0][..], &(payload.len() as u32).to_be_bytes(), payload, &[0xce]].concat()
}

/// A method of AMQP 0-9-1.
fn method(class: u8, number: u8, arguments: &[u8]) -> Vec<u8> {
    old_frame(1, &[&[0, class, 0, number][..], arguments].concat())
}

/// A frame of AMQP 1.0 with a performative: its number, the count and bytes of its fields, what follows them.
fn new_frame(kind: u8, number: u8, count: u8, fields: &[u8], payload: &[u8]) -> Vec<u8> {
    let list = [&[0, 0x53, number, 0xc0, fields.len() as u8 + 1, count][..], fields].concat();
    let body = [&list[..], payload].concat();
    [&(body.len() as u32 + 8).to_be_bytes()[..], &[2, kind, 0, 0], &body].concat()
}

/// 0-9-1 with a login, a message each way and an error; a refused login; 1.0 on another port.
fn amqp() -> Vec<Conversation> {
    let table = |fields: &[u8]| [&(fields.len() as u32).to_be_bytes()[..], fields].concat();
    let server = table(b"\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x043.12");
    let start = method(10, 10, &[b"\0\x09", &server[..], b"\0\0\0\x05PLAIN\0\0\0\x05en_US"].concat());
    let client = table(b"\x07productS\0\0\0\x04demo");
    let start_ok = method(10, 11, &[&client[..], b"\x05PLAIN\0\0\0\x07\0ada\0pw\x05en_US"].concat());
    let content = |text: &[u8]| {
        let head = [b"\0\x3c\0\0", &(text.len() as u64).to_be_bytes()[..], &[0, 0]].concat();
        [old_frame(2, &head), old_frame(3, text)].concat()
    };
    let (old, sasl, new) = (b"AMQP\0\0\x09\x01", b"AMQP\x03\x01\0\0", b"AMQP\0\x01\0\0");
    let target = b"\xa1\x04link\x43\x42\x40\x40\x40\0\x53\x29\xc0\x09\x01\xa1\x06orders";
    vec![
        nth(0, "192.0.2.56:5672")
            .send(Orig, old)
            .send(Resp, &start)
            .send(Orig, &start_ok)
            .send(Resp, &method(10, 30, &[0; 8]))
            .send(Orig, &[method(10, 31, &[0; 8]), method(10, 40, b"\x05/shop\0\0")].concat())
            .send(Resp, &method(10, 41, b"\0"))
            .send(Orig, &method(50, 10, b"\0\0\x06orders\0\0\0\0\0"))
            .send(Orig, &[method(60, 40, b"\0\0\x05sales\x01k\0"), content(b"a pear")].concat())
            .send(Resp, &[method(60, 60, b"\x01t\0\0\0\0\0\0\0\x01\0\x05sales\x01k"), content(b"two pears")].concat())
            .send(Resp, &method(10, 50, b"\x01\x40\x08shutdown\0\0\0\0"))
            .fin_from(Resp),
        nth(1, "192.0.2.56:15672")
            .send(Orig, old)
            .send(Resp, &start)
            .send(Orig, &start_ok)
            .send(Resp, &method(10, 50, b"\x01\x93\x0eACCESS_REFUSED\0\0\0\0"))
            .fin_from(Resp),
        nth(2, "192.0.2.56:5673")
            .send(Orig, sasl)
            .send(Resp, sasl)
            .send(Orig, &new_frame(1, 0x41, 2, b"\xa3\x05PLAIN\xa0\x07\0ada\0pw", b""))
            .send(Resp, &new_frame(1, 0x44, 1, b"\x50\0", b""))
            .send(Orig, &[&new[..], &new_frame(0, 0x10, 2, b"\xa1\x04demo\xa1\x04host", b"")].concat())
            .send(Resp, &[&new[..], &new_frame(0, 0x10, 1, b"\xa1\x06broker", b"")].concat())
            .send(Orig, &new_frame(0, 0x12, 7, target, b""))
            .send(Orig, &new_frame(0, 0x14, 2, b"\x43\x43", b"a pear"))
            .fin(),
    ]
}

/// A message of Kafka: length, content.
fn framed(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes()[..], content].concat()
}

/// A request of Kafka by the client `demo`.
fn request(key: u16, version: u16, id: u32, body: &[u8]) -> Vec<u8> {
    let head = [&key.to_be_bytes()[..], &version.to_be_bytes(), &id.to_be_bytes(), b"\0\x04demo"].concat();
    framed(&[&head[..], body].concat())
}

/// Versions, a login, topics that exist and one that does not; the client alone on another port.
fn kafka() -> Vec<Conversation> {
    let answer = |id: u32, body: &[u8]| framed(&[&id.to_be_bytes()[..], body].concat());
    let versions = request(18, 3, 1, b"\0\x05java\x043.0\0");
    vec![
        nth(0, "192.0.2.92:9092")
            .send(Orig, &versions)
            .send(Resp, &answer(1, b"\0\0\x02\0\x03\0\0\0\x0c\0\0\0\0\0\0"))
            .send(Orig, &request(17, 1, 2, b"\0\x05PLAIN"))
            .send(Resp, &answer(2, b"\0\0\0\0\0\x01\0\x05PLAIN"))
            .send(Orig, &request(36, 2, 3, b"\0\x08\0ada\0pw\0"))
            .send(Resp, &answer(3, b"\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0"))
            .send(Orig, &request(3, 9, 4, b"\0\x03\x06stock\0\x06sales\0\0\0\0\0"))
            .send(Resp, &answer(4, b"\0\0\0\0\0\x01\0"))
            .send(Orig, &request(0, 2, 5, b"\0\x01\0\0\x03\xe8\0\0\0\x01\0\x04none\0\0\0\x01\0\0\0\0\0\0\0\x03xyz"))
            .send(Resp, &answer(5, b"\0\0\0\x01\0\x04none\0\0\0\x01\0\0\0\0\0\x03\0\0\0\0\0\0\0\0"))
            .fin(),
        nth(1, "192.0.2.92:19092").send(Orig, &versions).fin().only(Orig),
    ]
}

/// Text, and binary after a login.
fn memcached() -> Vec<Conversation> {
    let binary = |magic: u8, op: u8, extras: usize, key: &[u8], value: &[u8], status: u8| {
        let body_len = ((extras + key.len() + value.len()) as u32).to_be_bytes();
        let head = [magic, op, 0, key.len() as u8, extras as u8, 0, 0, status];
        [&head[..], &body_len, &[0; 12], &vec![0; extras], key, value].concat()
    };
    vec![
        nth(0, "192.0.2.11:11211")
            .send(Orig, b"set item 0 60 4\r\npear\r\n")
            .send(Resp, b"STORED\r\n")
            .send(Orig, b"get item none\r\nget none\r\n")
            .send(Resp, b"VALUE item 0 4\r\npear\r\nEND\r\nEND\r\n")
            .send(Orig, b"incr n 1 noreply\r\ndelete none\r\nquit\r\n")
            .send(Resp, b"NOT_FOUND\r\n")
            .fin(),
        nth(1, "192.0.2.11:21211")
            .send(Orig, &binary(0x80, 0x21, 0, b"PLAIN", b"\0ada\0pw", 0))
            .send(Resp, &binary(0x81, 0x21, 0, b"", b"Auth failure", 0x20))
            .send(Orig, &binary(0x80, 0, 0, b"item", b"", 0))
            .send(Resp, &binary(0x81, 0, 4, b"", b"pear", 0))
            .fin(),
    ]
}

/// Statistics that somebody asked for in another's name: the request and its answer in datagrams.
fn reflected() -> Vec<Timed> {
    let (victim, server) = ("10.0.0.9:5000", "192.0.2.11:11211");
    let answer = b"\0\x01\0\0\0\x01\0\0STAT pid 7\r\nSTAT version 1.4.33\r\nEND\r\n";
    vec![
        (at(0), Frame::udp(victim, server, b"\0\x01\0\0\0\x01\0\0stats\r\n").frame()),
        (at(1), Frame::udp(server, victim, answer).frame()),
        (at(2), Frame::udp(server, "10.0.0.8:5000", answer).frame()),
    ]
}

/// An element of a BSON document: kind, name, value.
fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind][..], name.as_bytes(), &[0], value].concat()
}

/// A BSON element that is a text.
fn bson_text(name: &str, value: &str) -> Vec<u8> {
    element(2, name, &[&(value.len() as u32 + 1).to_le_bytes()[..], value.as_bytes(), &[0]].concat())
}

/// A BSON document.
fn bson(elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    [&(body.len() as u32 + 5).to_le_bytes()[..], &body, &[0]].concat()
}

/// A message of MongoDB: length, number, number of what it answers, operation, body.
fn mongo(op: u32, id: u32, to: u32, body: &[u8]) -> Vec<u8> {
    let head = [body.len() as u32 + 16, id, to, op];
    head.iter().flat_map(|n| n.to_le_bytes()).chain(body.iter().copied()).collect()
}

/// OP_MSG with one document.
fn op_msg(id: u32, to: u32, elements: &[Vec<u8>]) -> Vec<u8> {
    mongo(2013, id, to, &[&[0; 5][..], &bson(elements)].concat())
}

/// A login, a find, a refusal; an old client's question on another port, the client alone.
fn mongodb() -> Vec<Conversation> {
    let ok = |n: f64| element(1, "ok", &n.to_le_bytes());
    let payload = b"n,,n=ada,r=nonce";
    let payload = [&(payload.len() as u32).to_le_bytes()[..], &[0], payload].concat();
    let login = [
        element(0x10, "saslStart", &[1, 0, 0, 0]),
        bson_text("mechanism", "SCRAM-SHA-256"),
        element(5, "payload", &payload),
        bson_text("$db", "admin"),
    ];
    let pear = element(3, "0", &bson(&[bson_text("item", "pear")]));
    let cursor = bson(&[element(4, "firstBatch", &bson(&[pear])), element(0x12, "id", &[0; 8])]);
    let refused = [ok(0.0), bson_text("errmsg", "not authorized on admin"), element(0x10, "code", &[13, 0, 0, 0])];
    let hello = bson(&[element(0x10, "isMaster", &[1, 0, 0, 0])]);
    let query = [&[0; 4][..], b"admin.$cmd\0", &[0, 0, 0, 0, 1, 0, 0, 0], &hello].concat();
    vec![
        nth(0, "192.0.2.27:27017")
            .send(Orig, &op_msg(1, 0, &login))
            .send(Resp, &op_msg(100, 1, &[ok(1.0)]))
            .send(Orig, &op_msg(2, 0, &[bson_text("find", "stock"), bson_text("$db", "shop")]))
            .send(Resp, &op_msg(101, 2, &[element(3, "cursor", &cursor), ok(1.0)]))
            .send(Orig, &op_msg(3, 0, &[element(0x10, "listDatabases", &[1, 0, 0, 0]), bson_text("$db", "admin")]))
            .send(Resp, &op_msg(102, 3, &refused))
            .fin(),
        nth(1, "192.0.2.27:37017").send(Orig, &mongo(2004, 7, 0, &query)).fin().only(Orig),
    ]
}

/// One control packet of MQTT whose length has one byte.
fn control(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first, body.len() as u8], body].concat()
}

/// Version 3.1.1 with every quality of service; version 5 with properties; a login refused; the client alone.
fn mqtt() -> Vec<Conversation> {
    let server = "192.0.2.83:1883";
    let old = control(0x10, b"\0\x04MQTT\x04\xc6\0\x3c\0\x08sensor-1\0\x04will\0\x04gone\0\x03ada\0\x02pw");
    let new = control(0x10, b"\0\x04MQTT\x05\xc2\0\x3c\0\0\0\0\x03ada\0\x02pw");
    vec![
        nth(0, server)
            .send(Orig, &old)
            .send(Resp, &control(0x20, b"\0\0"))
            .send(Orig, &control(0x82, b"\0\x01\0\x03a/#\x01\0\x01b\0"))
            .send(Resp, &control(0x90, b"\0\x01\x01\0"))
            .send(Orig, &control(0x31, b"\0\x03a/1retained"))
            .send(Resp, &control(0x32, b"\0\x03a/1\0\x01retained"))
            .send(Orig, &control(0x40, b"\0\x01"))
            .send(Orig, &control(0x34, b"\0\x03a/2\0\x02once"))
            .send(Resp, &control(0x50, b"\0\x02"))
            .send(Orig, &control(0x62, b"\0\x02"))
            .send(Resp, &control(0x70, b"\0\x02"))
            .send(Orig, &control(0x32, b"\0\x03a/3\0\x03unanswered"))
            .send(Orig, &control(0xa2, b"\0\x04\0\x03a/#"))
            .send(Resp, &control(0xb0, b"\0\x04"))
            .send(Orig, &control(0xe0, b""))
            .fin(),
        nth(1, server)
            .send(Orig, &new)
            .send(Resp, &control(0x20, b"\0\0\x09\x12\0\x06auto-1"))
            .send(Orig, &control(0x30, b"\0\x03a/4\x0a\x23\0\x01\x03\0\x04textfirst"))
            .send(Orig, &control(0x30, b"\0\0\x03\x23\0\x01second"))
            .fin(),
        nth(2, server).send(Orig, &new).send(Resp, &control(0x20, b"\0\x86\0")).fin_from(Resp),
        nth(3, "192.0.2.83:8883").send(Orig, &old).send(Orig, &control(0x30, b"\0\x01thalf")).fin().only(Orig),
    ]
}

/// A message of MySQL: length, number, content.
fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_le_bytes();
    [&len[..3], &[number], content].concat()
}

/// Greeting of a server with these capabilities.
fn greeting(capabilities: u32) -> Vec<u8> {
    let flags = capabilities.to_le_bytes();
    let content: [&[u8]; 6] = [
        b"\x0a8.0.99-golden\0\x07\0\0\0saltsalt\0",
        &flags[..2],
        &[0x21, 2, 0],
        &flags[2..],
        &[21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        b"abcdefghijkl\0mysql_native_password\0",
    ];
    packet(0, &content.concat())
}

/// Queries with a result, a change, an error; a login refused and a change to TLS on another port.
fn mysql() -> Vec<Conversation> {
    let login = |name: &[u8]| {
        let content: [&[u8]; 4] = [
            &[0x08, 0xa2, 0x18, 0, 0, 0, 0, 1, 33],
            &[0; 23],
            name,
            b"\0\0shop\0mysql_native_password\0\x12\x0cprogram_name\x04demo",
        ];
        packet(1, &content.concat())
    };
    let ok = packet(2, &[0, 0, 0, 2, 0, 0, 0]);
    let denied = packet(2, b"\xff\x15\x04#28000Access denied for user 'eve'@'10.0.0.1' (using password: NO)");
    let column = packet(2, b"\x03def\x04shop\x05stock\x05stock\x04item\x04item\x0c\x3f\0\x14\0\0\0\xfd\0\0\0\0\0");
    let rows = [packet(1, &[1]), column, packet(3, b"\xfe\0\0\x22\0"), packet(4, b"\x04pear"), packet(5, b"\xfb")];
    let end = packet(6, b"\xfe\0\0\x22\0");
    vec![
        nth(0, "192.0.2.33:3306")
            .send(Resp, &greeting(0x001f_f7ff))
            .send(Orig, &login(b"ada"))
            .send(Resp, &ok)
            .send(Orig, &packet(0, b"\x03SELECT item FROM stock"))
            .send(Resp, &rows.concat())
            .send(Resp, &end)
            .send(Orig, &packet(0, b"\x03UPDATE stock SET item = NULL"))
            .send(Resp, &packet(1, &[0, 2, 0, 2, 0, 0, 0]))
            .send(Orig, &packet(0, b"\x03SELEC"))
            .send(Resp, &packet(1, b"\xff\x28\x04#42000You have an error in your SQL syntax"))
            .send(Orig, &packet(0, b"\x0e"))
            .send(Resp, &packet(1, &[0, 0, 0, 2, 0, 0, 0]))
            .send(Orig, &packet(0, b"\x01"))
            .fin(),
        nth(1, "192.0.2.33:13306")
            .send(Resp, &greeting(0x001f_f7ff))
            .send(Orig, &login(b"eve"))
            .send(Resp, &denied)
            .fin_from(Resp),
        nth(2, "192.0.2.33:13307")
            .send(Resp, &greeting(0x001f_ffff))
            .send(Orig, &packet(1, &[&[0x08, 0xaa, 0x18, 0, 0, 0, 0, 1, 33][..], &[0; 23]].concat()))
            .send(Orig, b"\x15\x03\x01\0\x02\x02\x28")
            .fin(),
        nth(3, "192.0.2.33:3306")
            .send(Resp, &greeting(0x001f_f7ff))
            .send(Orig, &login(b"ada"))
            .send(Resp, &ok)
            .fin()
            .only(Orig),
    ]
}

/// A message of PostgreSQL: kind, length, content.
fn typed(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &(content.len() as u32 + 4).to_be_bytes(), content].concat()
}

/// Simple and extended queries after a refusal of TLS; a login that fails; the server alone.
fn postgresql() -> Vec<Conversation> {
    let server = "192.0.2.54:5432";
    let names = b"\0\x03\0\0user\0ada\0database\0shop\0application_name\0psql\0\0";
    let startup = [&(names.len() as u32 + 4).to_be_bytes()[..], names].concat();
    let ready = typed(b'Z', b"I");
    let welcome = [typed(b'R', b"\0\0\0\0"), typed(b'S', b"server_version\x0016.1\0"), ready.clone()].concat();
    let syntax = typed(b'E', b"SERROR\0VERROR\0C42601\0Msyntax error at or near \"SELEC\"\0P1\0\0");
    let refused = typed(b'E', b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ada\"\0\0");
    vec![
        nth(0, server)
            .send(Orig, b"\0\0\0\x08\x04\xd2\x16\x2f")
            .send(Resp, b"N")
            .send(Orig, &startup)
            .send(Resp, &typed(b'R', b"\0\0\0\x05salt"))
            .send(Orig, &typed(b'p', b"md50123456789abcdef0123456789abcdef\0"))
            .send(Resp, &welcome)
            .send(Orig, &typed(b'Q', b"SELECT item FROM stock;\0"))
            .send(Resp, &[typed(b'T', b"\0\x01item\0"), typed(b'D', b"\0\x01"), typed(b'D', b"\0\x01")].concat())
            .send(Resp, &[typed(b'C', b"SELECT 2\0"), ready.clone()].concat())
            .send(Orig, &typed(b'Q', b"SELEC\0"))
            .send(Resp, &[syntax, ready.clone()].concat())
            .send(
                Orig,
                &[typed(b'P', b"\0INSERT INTO stock VALUES ($1)\0\0\0"), typed(b'B', b"\0\0"), typed(b'S', b"")]
                    .concat(),
            )
            .send(Resp, &[typed(b'1', b""), typed(b'2', b""), typed(b'C', b"INSERT 0 1\0"), ready].concat())
            .send(Orig, &typed(b'X', b""))
            .fin(),
        nth(1, "192.0.2.54:15432")
            .send(Orig, &startup)
            .send(Resp, &typed(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
            .send(Orig, &typed(b'p', b"SCRAM-SHA-256\0\0\0\0\x05n,,n="))
            .send(Resp, &refused)
            .fin_from(Resp),
        nth(2, server).send(Resp, &typed(b'R', b"\0\0\0\x05salt")).send(Resp, &welcome).fin().only(Resp),
    ]
}

/// Lists, lines, errors, a subscription; the client alone on another port.
fn redis() -> Vec<Conversation> {
    let subscribed = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
    let news = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    vec![
        nth(0, "192.0.2.63:6379")
            .send(Orig, b"*3\r\n$4\r\nAUTH\r\n$3\r\nada\r\n$2\r\npw\r\n")
            .send(Resp, b"+OK\r\n")
            .send(Orig, b"*3\r\n$3\r\nSET\r\n$4\r\nitem\r\n$4\r\npear\r\n*2\r\n$3\r\nGET\r\n$4\r\nitem\r\n")
            .send(Resp, b"+OK\r\n$4\r\npear\r\n")
            .send(Orig, b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$15\r\n/var/spool/cron\r\n")
            .send(Resp, b"-NOPERM this user has no permissions to run the 'config|set' command\r\n")
            .send(Orig, b"*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n")
            .send(Resp, b"*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:7\r\n")
            .send(Orig, b"PING\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n")
            .send(Resp, b"+PONG\r\n+PONG\r\n")
            .fin(),
        nth(1, "192.0.2.63:6379")
            .send(Orig, b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n")
            .send(Resp, subscribed)
            .send(Resp, news)
            .send(Orig, b"*1\r\n$5\r\nRESET\r\n")
            .send(Resp, b"+RESET\r\n")
            .fin(),
        nth(2, "192.0.2.63:16379").send(Orig, b"*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n").fin().only(Orig),
    ]
}
