//! Requests with their responses as rules and EVE see them. Rules are about requests.

use super::message::{Detail, Header, func};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Values of one message that rules may ask for.
const MAX_VALUES: u16 = 2048;

/// What a message says, in short.
#[derive(Clone, Debug)]
pub(super) struct Said {
    header: Header,
    sub_func: Option<u16>,
    address: Option<u16>,
    quantity: Option<u16>,
    values: Vec<u16>,
    exception: Option<u8>,
}

/// A request that waits for its response, as rules and EVE know it.
pub(super) struct Shown {
    mark: Mark,
    request: Said,
}

impl Heap for Shown {
    fn heap_len(&self) -> usize {
        block_len(size_of::<Self>()) + self.mark.heap_len() + list_len(&self.request.values)
    }
}

/// An exchange.
struct View<'a> {
    number: u64,
    request: Option<&'a Said>,
    response: Option<&'a Said>,
}

impl Said {
    pub fn new(header: Header, detail: &Detail, exception: Option<u8>) -> Self {
        let Detail { sub_func, address, quantity, ref values, .. } = *detail;
        Self { header, sub_func, address, quantity, values: values.clone(), exception }
    }
}

/// A request was made.
pub(super) fn asked(request: Said, counter: &mut Counter, cx: &mut Cx<'_>) -> Box<Shown> {
    let mut mark = counter.begin();
    let number = mark.id + 1;
    cx.look(Dir::Orig, 0, &View { number, request: Some(&request), response: None }, &mut mark);
    Box::new(Shown { mark, request })
}

/// A response came, to this request if it is known.
pub(super) fn answered(shown: Option<Box<Shown>>, response: &Said, counter: &mut Counter, cx: &mut Cx<'_>) {
    let Some(mut shown) = shown else {
        let view = View { number: counter.count() + 1, request: None, response: Some(response) };
        return cx.message(Dir::Resp, counter, &view, &["unsolicited_response"]);
    };
    let Shown { mark, request } = &mut *shown;
    let view = View { number: mark.id + 1, request: Some(request), response: Some(response) };
    cx.over(Dir::Resp, &view, mark);
}

/// A request that nothing answers.
pub(super) fn unanswered(shown: &mut Shown, cx: &mut Cx<'_>) {
    let Shown { mark, request } = shown;
    cx.over(Dir::Orig, &View { number: mark.id + 1, request: Some(request), response: None }, mark);
}

/// What a function does: reads 1, writes 2; with discrete inputs 4, coils 8, input registers 16, holding registers 32.
const fn access(function: u8) -> u8 {
    match function {
        func::READ_COILS => 1 | 8,
        func::READ_DISCRETE_INPUTS => 1 | 4,
        func::READ_HOLDING_REGISTERS | func::READ_FIFO_QUEUE => 1 | 32,
        func::READ_INPUT_REGISTERS => 1 | 16,
        func::WRITE_SINGLE_COIL | func::WRITE_MULTIPLE_COILS => 2 | 8,
        func::WRITE_SINGLE_REGISTER | func::WRITE_MULTIPLE_REGISTERS | func::MASK_WRITE_REGISTER => 2 | 32,
        func::READ_WRITE_MULTIPLE_REGISTERS => 1 | 2 | 32,
        _ => 0,
    }
}

/// Who defines a function (Application Protocol §5): assigned 1, not assigned 2, the user 4, reserved 8.
const fn category(function: u8) -> (u8, &'static str) {
    match function {
        1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 => (1, "PUBLIC_ASSIGNED"),
        65..=72 | 100..=110 => (4, "USER_DEFINED"),
        9 | 10 | 13 | 14 | 41 | 42 | 90 | 91 | 125..=127 => (8, "RESERVED"),
        _ => (2, "PUBLIC_UNASSIGNED"),
    }
}

/// Suricata's name of a function.
const fn name(function: u8) -> &'static str {
    match function {
        func::READ_COILS => "RdCoils",
        func::READ_DISCRETE_INPUTS => "RdDiscreteInputs",
        func::READ_HOLDING_REGISTERS => "RdHoldRegs",
        func::READ_INPUT_REGISTERS => "RdInputRegs",
        func::WRITE_SINGLE_COIL => "WrSingleCoil",
        func::WRITE_SINGLE_REGISTER => "WrSingleReg",
        7 => "RdExcStatus",
        func::DIAGNOSTICS => "Diagnostic",
        11 => "GetCommEventCtr",
        12 => "GetCommEventLog",
        func::WRITE_MULTIPLE_COILS => "WrMultCoils",
        func::WRITE_MULTIPLE_REGISTERS => "WrMultRegs",
        17 => "ReportServerID",
        20 => "RdFileRec",
        21 => "WrFileRec",
        func::MASK_WRITE_REGISTER => "MaskWrReg",
        func::READ_WRITE_MULTIPLE_REGISTERS => "RdWrMultRegs",
        func::READ_FIFO_QUEUE => "RdFIFOQueue",
        func::ENCAPSULATED_INTERFACE => "MEI",
        _ => "Unknown",
    }
}

impl Said {
    fn function(&self) -> u8 {
        self.header.func & !func::EXCEPTION
    }

    fn show(&self, is_request: bool, out: &mut Json<'_>) {
        const ACCESS: [(&str, u8); 6] =
            [("READ", 1), ("WRITE", 2), ("DISCRETES", 4), ("COILS", 8), ("INPUT", 16), ("HOLDING", 32)];
        let bits = access(self.function());
        out.number("transaction_id", self.header.tid.into());
        out.number("protocol_id", 0);
        out.number("unit_id", self.header.unit.into());
        out.number("function_raw", self.header.func.into());
        out.text("function_code", name(self.function()));
        let words: Vec<&str> = ACCESS.iter().filter(|(_, bit)| bits & bit != 0).map(|(word, _)| *word).collect();
        out.text("access_type", if words.is_empty() { "NONE".to_owned() } else { words.join(" | ") }.as_str());
        out.text("category", category(self.function()).1);
        out.text("error_flags", "NONE");
        if let Some(code) = self.exception {
            return out.object("exception", |out| {
                out.number("raw", code.into());
                out.text("code", super::message::exception(code).unwrap_or("Unknown"));
            });
        }
        match (bits & 3, self.address) {
            (1, Some(address)) if is_request => out.object("read", |out| {
                out.number("address", address.into());
                if let Some(quantity) = self.quantity {
                    out.number("quantity", quantity.into());
                }
            }),
            (2, Some(address)) => out.object("write", |out| {
                out.number("address", address.into());
                if let [value] = *self.values {
                    out.number("data", value.into());
                }
            }),
            _ => {}
        }
    }

    fn number(&self, fact: Fact, nth: usize) -> Option<u64> {
        let nth = u16::try_from(nth).ok()?;
        Some(match fact {
            Fact::ModbusAddress if nth < self.quantity.unwrap_or(1).clamp(1, MAX_VALUES) => {
                self.address?.checked_add(nth)?.into()
            }
            Fact::ModbusValue if access(self.function()) & 2 != 0 => (*self.values.get(usize::from(nth))?).into(),
            _ if nth > 0 => return None,
            Fact::ModbusAccess => access(self.function()).into(),
            Fact::ModbusCategory => category(self.function()).0.into(),
            Fact::ModbusFunction => self.function().into(),
            Fact::ModbusSubfunction => self.sub_func?.into(),
            Fact::ModbusUnit => self.header.unit.into(),
            _ => return None,
        })
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "modbus"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("modbus", |out| {
            out.number("id", self.number);
            if let Some(request) = self.request {
                out.object("request", |out| request.show(true, out));
            }
            if let Some(response) = self.response {
                out.object("response", |out| response.show(false, out));
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        self.request?.number(fact, nth).map(Value::Number)
    }
}
