//! Calls and replies (RFC 5531 §9).

use super::program::opaque;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// A call, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub xid: u32,
    pub program: u32,
    pub version: u32,
    pub procedure: u32,
    pub identity: Option<Identity<'a>>,
    /// Bytes of the credentials, without flavor and length.
    pub credentials_len: u64,
    pub args: &'a [u8],
}

/// Who the caller says to be (AUTH_SYS, RFC 5531 appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    pub machine: &'a [u8],
    pub user_id: u32,
    pub group_id: u32,
}

/// A reply, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    pub xid: u32,
    pub status: &'static str,
    pub results: &'a [u8],
}

/// Either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Call(Call<'a>),
    Reply(Reply<'a>),
}

impl<'a> Message<'a> {
    pub fn parse(bytes: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let xid = r.u32(&"xid")?;
        match r.u32(&"direction")? {
            0 => call(xid, &mut r).map(Self::Call),
            1 => reply(xid, &mut r).map(Self::Reply),
            _ => Err(ParseError::bad(&"direction")),
        }
    }
}

fn call<'a>(xid: u32, r: &mut Reader<'a>) -> ParseResult<Call<'a>> {
    const AUTH_SYS: u32 = 1;
    if r.u32(&"rpc version")? != 2 {
        return Err(ParseError::bad(&"rpc version"));
    }
    let program = r.u32(&"program")?;
    let version = r.u32(&"version")?;
    let procedure = r.u32(&"procedure")?;
    let flavor = r.u32(&"credential")?;
    let credential = opaque(r)?;
    r.skip(&"verifier", 4)?;
    opaque(r)?;
    let identity = if flavor == AUTH_SYS { identity(credential).ok() } else { None };
    let credentials_len = credential.len() as u64;
    Ok(Call { xid, program, version, procedure, identity, credentials_len, args: r.rest() })
}

fn identity(bytes: &[u8]) -> ParseResult<Identity<'_>> {
    let mut r = Reader::new(bytes);
    r.skip(&"stamp", 4)?;
    Ok(Identity { machine: opaque(&mut r)?, user_id: r.u32(&"uid")?, group_id: r.u32(&"gid")? })
}

fn reply<'a>(xid: u32, r: &mut Reader<'a>) -> ParseResult<Reply<'a>> {
    let status = match r.u32(&"reply")? {
        0 => {
            r.skip(&"verifier", 4)?;
            opaque(r)?;
            match r.u32(&"accepted")? {
                0 => "SUCCESS",
                1 => "PROG_UNAVAIL",
                2 => "PROG_MISMATCH",
                3 => "PROC_UNAVAIL",
                4 => "GARBAGE_ARGS",
                5 => "SYSTEM_ERR",
                _ => return Err(ParseError::bad(&"accepted")),
            }
        }
        1 => match r.u32(&"rejected")? {
            0 => "RPC_MISMATCH",
            1 => "AUTH_ERROR",
            _ => return Err(ParseError::bad(&"rejected")),
        },
        _ => return Err(ParseError::bad(&"reply")),
    };
    Ok(Reply { xid, status, results: r.rest() })
}

/// Do these bytes begin a call of a program that IANA knows? `None`: more of them are needed.
pub(super) fn begins_call(bytes: &[u8]) -> Option<bool> {
    let mut r = Reader::new(bytes);
    let (_xid, direction) = (r.u32(&"xid").ok()?, r.u32(&"direction").ok()?);
    if direction != 0 {
        return Some(false);
    }
    let (rpc, program) = (r.u32(&"rpc version").ok()?, r.u32(&"program").ok()?);
    let (version, procedure) = (r.u32(&"version").ok()?, r.u32(&"procedure").ok()?);
    let flavor = r.u32(&"credential").ok()?;
    Some(
        rpc == 2
            && (100_000..101_000).contains(&program)
            && version < 16
            && procedure < 256
            && (flavor < 8 || flavor == 390_003),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_calls_and_replies() {
        let sys = [&b"\0\0\0\0\0\0\0\x02me\0\0"[..], &[0, 0, 0, 5], &[0, 0, 0, 6], &[0; 4]].concat();
        let head = [7u32, 0, 2, 100_003, 3, 1, 1, 24].map(u32::to_be_bytes).concat();
        let bytes = [&head[..], &sys, &[0; 8], b"args"].concat();
        let Message::Call(c) = Message::parse(&bytes).unwrap() else { panic!() };
        assert_eq!(c.identity, Some(Identity { machine: b"me", user_id: 5, group_id: 6 }));
        assert_eq!((c.program, c.procedure, c.args), (100_003, 1, &b"args"[..]));
        let bytes = [7u32, 1, 0, 0, 0, 0, 13].map(u32::to_be_bytes).concat();
        let Message::Reply(r) = Message::parse(&bytes).unwrap() else { panic!() };
        assert_eq!((r.status, r.results.len()), ("SUCCESS", 4));
        assert_eq!(begins_call(&bytes), Some(false));
        assert_eq!(begins_call(&head), Some(true));
        assert_eq!(begins_call(b"GET / HTTP/1.1\r\n"), Some(false));
    }
}
