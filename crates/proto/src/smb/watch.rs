//! Which messages make which exchange.

use super::message1::{self, Block};
use super::message2::{self as m2, Change, Header, command};
use super::session::Session;
use super::tx::{Create, Setup, What};
use super::{message1::command as command1, status};
use crate::Cx;
use crate::gssapi::login_names;
use crate::rpc::Carrier;

/// Dialects of a SMB 1 negotiation that are kept.
pub(super) const MAX_DIALECTS: usize = 32;

/// GET_INFO (MS-SMB2 §2.2.37).
const GET_INFO: u16 = 16;

/// A message of SMB 2, before its effects.
pub(super) fn before2(bytes: &[u8], header: &Header, session: &mut Session, cx: &mut Cx<'_>) {
    session.tx.now = Carrier {
        version: 2,
        command: header.command,
        session: header.session,
        tree: header.tree.unwrap_or(0),
        status: header.is_response().then_some(header.status),
    };
    if header.is_response() {
        complete2(bytes, header, session);
    } else if let Some(what) = asked2(bytes, header, session) {
        session.tx.request(header.message_id, what, cx);
    }
}

/// The same after its effects.
pub(super) fn after2(header: &Header, session: &mut Session, cx: &mut Cx<'_>) {
    if header.is_response() && header.status != status::PENDING {
        session.tx.response(header.message_id, cx);
    }
}

/// What a request asks for; `None`: no exchange of its own.
fn asked2(bytes: &[u8], header: &Header, session: &Session) -> Option<What> {
    Some(match header.command {
        command::READ | command::WRITE | GET_INFO => return None,
        command::NEGOTIATE => What::Negotiate { dialects: Vec::new(), server: None, read_len: 0, write_len: 0 },
        command::SESSION_SETUP => {
            let login = m2::session_setup(bytes, false).ok().and_then(login_names);
            What::Setup(Box::new(Setup { login, ..Setup::default() }))
        }
        command::TREE_CONNECT => {
            let path = m2::tree_connect_request(bytes).ok()?;
            What::Tree { path, service: None, answer: None, share: None }
        }
        command::CREATE => {
            let (delete, directory, disposition) = m2::create_options(bytes).ok()?;
            let name = m2::create_request(bytes).ok()?;
            What::Create(Box::new(Create { name, delete, directory, disposition, ..Create::default() }))
        }
        command::IOCTL => {
            let function = m2::control_code(bytes).ok()?;
            // What passes over a service's pipe is a call, or nothing.
            if let (m2::PIPE_TRANSCEIVE, Ok(Some((key, _)))) = (function, m2::pipe_transceive(bytes, false))
                && session.is_service(key)
            {
                return None;
            }
            What::Ioctl(function)
        }
        command::SET_INFO => match m2::set_info_request(bytes).ok()?? {
            (key, Change::Rename(to)) => {
                let from = session.name_of(key).cloned().unwrap_or_default();
                What::Rename { key, from, to }
            }
            (key, Change::Delete) => What::Delete { key, name: session.name_of(key).cloned().unwrap_or_default() },
        },
        _ => What::Nothing,
    })
}

/// What a response adds to its exchange.
fn complete2(bytes: &[u8], header: &Header, session: &mut Session) {
    let ok = header.status == status::SUCCESS;
    if header.command == command::NEGOTIATE
        && ok
        && let Ok((dialect, _)) = m2::negotiate_response(bytes)
    {
        session.tx.dialect2 = dialect;
    }
    let Some(x) = session.tx.waiting(header.message_id) else { return };
    match &mut x.what {
        What::Negotiate { server, read_len, write_len, .. } if ok => {
            if let Ok((id, read, write)) = m2::negotiated(bytes) {
                (*server, *read_len, *write_len) = (Some(id), read, write);
            }
        }
        What::Tree { share, .. } if ok => {
            *share = m2::tree_connect_response(bytes).ok();
            x.carrier.tree = header.tree.unwrap_or(0);
        }
        What::Create(create) if ok => {
            if let Ok(o) = m2::create_response(bytes) {
                create.times = [o.created, o.accessed, o.modified, o.changed];
                (create.size, create.key) = (o.size, o.key);
            }
        }
        What::Setup(_) => x.carrier.session = header.session,
        _ => {}
    }
}

/// A message of SMB 1, before its effects.
pub(super) fn before1(bytes: &[u8], header: &message1::Header, session: &mut Session, cx: &mut Cx<'_>) {
    session.tx.now = Carrier {
        version: 1,
        command: u16::from(header.command),
        session: u64::from(header.user),
        tree: u32::from(header.tree),
        status: header.is_response().then_some(header.status),
    };
    let Ok(block) = Block::parse(bytes, header, message1::HEADER_LEN) else { return };
    if header.is_response() {
        complete1(&block, header, session);
    } else if let Some(what) = asked1(&block, header) {
        session.tx.request(header.message_id, what, cx);
    }
}

/// The same after its effects.
pub(super) fn after1(header: &message1::Header, session: &mut Session, cx: &mut Cx<'_>) {
    if header.is_response() {
        session.tx.response(header.message_id, cx);
    }
}

/// TRANSACTION2 (MS-CIFS §2.2.4.46).
const TRANSACTION2: u8 = 0x32;

fn asked1(block: &Block<'_>, header: &message1::Header) -> Option<What> {
    Some(match header.command {
        command1::READ_ANDX | command1::WRITE_ANDX | command1::TRANSACTION | TRANSACTION2 => return None,
        command1::NEGOTIATE => {
            let dialects = block.dialects(MAX_DIALECTS);
            What::Negotiate { dialects, server: None, read_len: 0, write_len: 0 }
        }
        command1::SESSION_SETUP_ANDX => {
            let login = block.session_setup(false).ok().and_then(login_names);
            What::Setup(Box::new(Setup { login, hosts: [block.host(false), None] }))
        }
        command1::TREE_CONNECT_ANDX => {
            let (path, service) = block.tree_connect_request().ok()?;
            What::Tree { path, service: Some(service), answer: None, share: None }
        }
        command1::NT_CREATE_ANDX => {
            let name = block.create_request().ok()?;
            let (delete, directory, disposition) = block.create_options().ok()?;
            What::Create(Box::new(Create { name, delete, directory, disposition, ..Create::default() }))
        }
        _ => What::Nothing,
    })
}

fn complete1(block: &Block<'_>, header: &message1::Header, session: &mut Session) {
    let ok = header.status == status::SUCCESS;
    let Some(x) = session.tx.waiting(header.message_id) else { return };
    let mut chosen = None;
    match &mut x.what {
        What::Negotiate { dialects, .. } if ok => {
            chosen = block.chosen_dialect().and_then(|n| dialects.get(n)).cloned();
        }
        What::Tree { answer, share, .. } if ok => {
            let service = block.tree_connect_response().0;
            *share = Some(if service.0 == b"IPC" { 2 } else { 1 });
            *answer = Some(service);
            x.carrier.tree = u32::from(header.tree);
        }
        What::Create(create) if ok => {
            if let Ok((file, size, times)) = block.create_response() {
                let [created, accessed, modified, changed] = times;
                create.times = [created, accessed, modified, changed];
                (create.size, create.key) = (size, file.into());
            }
        }
        What::Setup(setup) => {
            let [_, answer] = &mut setup.hosts;
            *answer = block.host(true);
            x.carrier.session = u64::from(header.user);
        }
        _ => {}
    }
    session.tx.dialect = chosen.or(session.tx.dialect.take());
}
