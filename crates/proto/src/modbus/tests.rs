use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations, run_script};
use crate::{Guess, Probe, ProtoId, Protocol, Transport};
use sekisho_types::{Dir, FlowInfo};

/// A message of unit 1.
fn adu(tid: u16, pdu: &[u8]) -> Vec<u8> {
    let mut out = tid.to_be_bytes().to_vec();
    out.extend([0, 0]);
    out.extend((pdu.len() as u16 + 1).to_be_bytes());
    out.push(1);
    out.extend(pdu);
    out
}

fn check(messages: &[(Dir, Vec<u8>)]) -> Outcome {
    let steps: Vec<Step<'_>> = messages.iter().map(|(d, b)| Step::Data(*d, b)).collect();
    check_truncations(ProtoId::Modbus, 502, &steps);
    check_damage(ProtoId::Modbus, 502, &steps, 200);
    check_splits(ProtoId::Modbus, 502, &steps)
}

#[test]
fn parses_reads_and_writes() {
    let o = check(&[
        (Dir::Orig, adu(1, &[3, 0, 107, 0, 2])),
        (Dir::Resp, adu(1, &[3, 4, 2, 43, 0, 100])),
        (Dir::Orig, adu(2, &[1, 0, 5, 0, 3])),
        (Dir::Resp, adu(2, &[1, 1, 0b101])),
        (Dir::Orig, adu(3, &[16, 0, 1, 0, 2, 4, 0, 10, 1, 2])),
        (Dir::Resp, adu(3, &[16, 0, 1, 0, 2])),
    ]);
    assert_eq!(
        o.rows,
        [
            "modbus: tid=Count(1) unit=Count(1) func=Str(\"READ_HOLDING_REGISTERS\") pdu_type=Enum(REQ) address=Count(107) \
             quantity=Count(2)",
            "modbus: tid=Count(1) unit=Count(1) func=Str(\"READ_HOLDING_REGISTERS\") pdu_type=Enum(RESP) rtt=Interval(1000000) \
             address=Count(107) quantity=Count(2) values=[Count(555), Count(100)]",
            "modbus: tid=Count(2) unit=Count(1) func=Str(\"READ_COILS\") pdu_type=Enum(REQ) address=Count(5) quantity=Count(3)",
            "modbus: tid=Count(2) unit=Count(1) func=Str(\"READ_COILS\") pdu_type=Enum(RESP) rtt=Interval(1000000) address=Count(5) \
             quantity=Count(3) values=[Count(1), Count(0), Count(1)]",
            "modbus: tid=Count(3) unit=Count(1) func=Str(\"WRITE_MULTIPLE_REGISTERS\") pdu_type=Enum(REQ) address=Count(1) \
             quantity=Count(2) values=[Count(10), Count(258)]",
            "modbus: tid=Count(3) unit=Count(1) func=Str(\"WRITE_MULTIPLE_REGISTERS\") pdu_type=Enum(RESP) rtt=Interval(1000000) \
             address=Count(1) quantity=Count(2)",
        ]
    );
    assert!(o.weirds.is_empty());
}

#[test]
fn parses_exceptions_and_unknown_functions() {
    let o = check(&[
        (Dir::Orig, adu(7, &[0x17, 0, 0])),
        (Dir::Resp, adu(7, &[0x97, 10])),
        (Dir::Orig, adu(8, &[70, 1])),
        (Dir::Resp, adu(8, &[0xc6, 77])),
    ]);
    let has = |i: usize, want: &str| assert!(o.rows[i].contains(want), "{}", o.rows[i]);
    has(1, "func=Str(\"READ_WRITE_MULTIPLE_REGISTERS_EXCEPTION\") pdu_type=Enum(RESP)");
    has(1, "exception=Str(\"GATEWAY_PATH_UNAVAILABLE\")");
    has(2, "func=Str(\"unknown-70\") pdu_type=Enum(REQ)");
    has(3, "func=Str(\"unknown-198\") pdu_type=Enum(RESP) exception=Str(\"unknown-77\")");
}

#[test]
fn a_hole_costs_its_message_only() {
    let (first, second, third) = (adu(1, &[3, 0, 0, 0, 1]), adu(2, &[4, 0, 0, 0, 1]), adu(3, &[2, 0, 0, 0, 9]));
    let steps = [
        Step::Data(Dir::Orig, &first),
        Step::Data(Dir::Orig, &second[..9]),
        Step::Gap(Dir::Orig, 2),
        Step::Data(Dir::Orig, &second[11..]),
        Step::Data(Dir::Orig, &third),
        Step::Gap(Dir::Orig, 500),
        Step::Data(Dir::Orig, &first),
    ];
    let o = run_script(ProtoId::Modbus, 502, &steps, &mut || usize::MAX);
    assert_eq!(o.rows.len(), 4, "{:?}", o.rows);
    assert!(o.rows[1].ends_with("func=Str(\"READ_INPUT_REGISTERS\") pdu_type=Enum(REQ)"), "{}", o.rows[1]);
    assert!(o.rows[2].contains("quantity=Count(9)"));
}

#[test]
fn rejects_other_bytes() {
    let o = run_script(ProtoId::Modbus, 502, &[Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")], &mut || usize::MAX);
    assert!(o.rows.is_empty() && o.rejected.is_some());
    let good = adu(1, &[3, 0, 0, 0, 1]);
    let steps = [Step::Data(Dir::Orig, &good), Step::Data(Dir::Orig, b"GET / HTTP/1.1\r\n")];
    let o = run_script(ProtoId::Modbus, 502, &steps, &mut || usize::MAX);
    assert_eq!((o.rows.len(), o.rejected, &o.weirds[..]), (1, None, &["modbus_lost_track"][..]));
}

#[test]
fn limits_pending_requests() {
    let mut bench = Bench::new(ProtoId::Modbus, Transport::Tcp, 502);
    for tid in 0..1000 {
        bench.data(Dir::Orig, &adu(tid, &[3, 0, 0, 0, 1]));
    }
    assert!(bench.held_len() < 4096, "{}", bench.held_len());
    bench.data(Dir::Resp, &adu(999, &[3, 2, 0, 1])).data(Dir::Resp, &adu(1, &[3, 2, 0, 1]));
    let rows = bench.rows("modbus");
    assert!(rows[1000].contains("rtt=") && !rows[1001].contains("rtt="));
}

#[test]
fn probes() {
    let flow = FlowInfo::default();
    let probe = |orig: &[u8], resp: &[u8], port_match| {
        let p = Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow };
        (super::Parser::DESCRIPTOR.probe)(&p)
    };
    let (ask, say) = (adu(1, &[3, 0, 0, 0, 1]), adu(1, &[3, 2, 0, 1]));
    assert_eq!(probe(&ask, b"", true), Guess::Yes);
    assert_eq!(probe(b"", &say, true), Guess::Yes);
    assert_eq!(probe(&ask, b"", false), Guess::More);
    assert_eq!(probe(&ask, &say, false), Guess::Yes);
    assert_eq!(probe(&ask, &adu(2, &[3, 2, 0, 1]), false), Guess::No);
    assert_eq!(probe(&adu(1, &[3, 0, 0, 0]), b"", false), Guess::No);
    assert_eq!(probe(b"GET / HTTP/1.1", b"", false), Guess::No);
    assert_eq!(probe(b"", b"SSH-2.0-x", false), Guess::No);
}

#[test]
fn shows_exchanges_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Modbus, Transport::Tcp, 502);
    b.data(Dir::Orig, &[0, 1, 0, 0, 0, 11, 7, 16, 0, 9, 0, 2, 4, 0, 5, 1, 0]);
    b.data(Dir::Resp, &[0, 1, 0, 0, 0, 3, 7, 0x90, 2]).data(Dir::Orig, &[0, 2, 0, 0, 0, 6, 7, 1, 0, 3, 0, 8]).end();
    let [write, read] = [0, 1].map(|at| b.exchanges()[at].clone());
    assert!(write.json.starts_with(
        "{\"modbus\":{\"id\":1,\"request\":{\"transaction_id\":1,\"protocol_id\":0,\"unit_id\":7,\"function_raw\":16,\
         \"function_code\":\"WrMultRegs\",\"access_type\":\"WRITE | HOLDING\",\"category\":\"PUBLIC_ASSIGNED\",\
         \"error_flags\":\"NONE\",\"write\":{\"address\":9}},\"response\":{\"transaction_id\":1,"
    ), "{}", write.json);
    assert!(write.json.contains("\"exception\":{\"raw\":2,"));
    assert_eq!(
        (write.fact(Fact::ModbusAddress), write.fact(Fact::ModbusValue)),
        (&["9".into(), "10".into()][..], &["5".into(), "256".into()][..])
    );
    assert_eq!(
        (write.fact(Fact::ModbusAccess), write.fact(Fact::ModbusCategory)),
        (&["34".into()][..], &["1".into()][..])
    );
    assert!(read.over && read.json.contains("\"read\":{\"address\":3,\"quantity\":8}"));
}
