//! Commands of SMB 1.

use super::message1::{Block, HEADER_LEN, Header, command};
use super::message2::FileKey;
use super::record::SmbDowngradeRecord;
use super::session::{Opening, Session, Share, Times, Tree, What};
use super::watch::MAX_DIALECTS;
use super::{status, watch};
use crate::Cx;
use sekisho_types::Dir;
use sekisho_wire::ParseResult;

/// Commands of one chain that are looked at.
const MAX_CHAIN: usize = 8;

/// A whole message: its commands in turn.
pub(super) fn message(bytes: &[u8], header: &Header, session: &mut Session, cx: &mut Cx<'_>) -> ParseResult<()> {
    if !cx.is_watched() {
        return chain(bytes, header, session, cx);
    }
    watch::before1(bytes, header, session, cx);
    let read = chain(bytes, header, session, cx);
    watch::after1(header, session, cx);
    read
}

fn chain(bytes: &[u8], header: &Header, session: &mut Session, cx: &mut Cx<'_>) -> ParseResult<()> {
    let (mut code, mut at) = (header.command, HEADER_LEN);
    for _ in 0..MAX_CHAIN {
        let block = Block::parse(bytes, header, at)?;
        if header.is_response() {
            response(code, &block, header, session, cx)?;
        } else {
            request(code, &block, header, session, cx)?;
        }
        match block.next().filter(|(_, next)| is_chained(code) && *next > at) {
            Some(next) => (code, at) = next,
            None => return Ok(()),
        }
    }
    cx.weird("smb_andx_depth_exceeded");
    cx.partial();
    Ok(())
}

const fn is_chained(code: u8) -> bool {
    matches!(
        code,
        command::READ_ANDX
            | command::WRITE_ANDX
            | command::SESSION_SETUP_ANDX
            | command::TREE_CONNECT_ANDX
            | command::NT_CREATE_ANDX
            | command::LOGOFF_ANDX
    )
}

fn request(code: u8, block: &Block<'_>, header: &Header, session: &mut Session, cx: &mut Cx<'_>) -> ParseResult<()> {
    let tree = Some(u32::from(header.tree));
    let judged = cx.is_judged();
    let mut ask = |what| session.ask(header.message_id, tree, what, cx);
    match code {
        command::NEGOTIATE if judged => {
            session.offers_2 = block.dialects(MAX_DIALECTS).iter().any(|d| d.0.starts_with(b"SMB 2."));
        }
        command::SESSION_SETUP_ANDX => {
            // Without extended security there is no blob.
            if let Ok(blob) = block.session_setup(false) {
                session.gss.token(blob, cx);
            }
        }
        command::TREE_CONNECT_ANDX => {
            let (path, service) = block.tree_connect_request()?;
            ask(What::TreeConnect(path, Some(service)));
        }
        command::TREE_DISCONNECT => session.unmapped(u32::from(header.tree)),
        command::NT_CREATE_ANDX => {
            let deleted = block.create_options().is_ok_and(|options| options.0);
            ask(What::Create(block.create_request()?, deleted));
        }
        command::CLOSE => session.closed(FileKey::from(block.close_request()?), true, cx),
        command::READ_ANDX => {
            let (file, offset) = block.read_request()?;
            ask(What::Read(FileKey::from(file), offset));
        }
        command::WRITE_ANDX => {
            let (file, offset, data) = block.write_request()?;
            content((FileKey::from(file), tree), Dir::Orig, offset, data, session, cx);
        }
        command::TRANSACTION => {
            if let Some((file, data)) = block.pipe_request()? {
                ask(What::Transceive(FileKey::from(file)));
                session.pipe(FileKey::from(file), Dir::Orig, data, cx);
            }
        }
        _ => {}
    }
    Ok(())
}

fn response(code: u8, block: &Block<'_>, header: &Header, session: &mut Session, cx: &mut Cx<'_>) -> ParseResult<()> {
    session.dialect.get_or_insert("1");
    let pending = session.answered(header.message_id);
    if code == command::SESSION_SETUP_ANDX {
        if header.status != status::MORE_PROCESSING_REQUIRED {
            session.gss.status(header.status == status::SUCCESS, || status::name(header.status));
        }
        if let Ok(blob) = block.session_setup(true) {
            session.gss.token(blob, cx);
        }
    }
    if !matches!(header.status, status::SUCCESS | status::BUFFER_OVERFLOW) {
        return Ok(());
    }
    match (code, pending.map(|p| (p.ts, p.tree, p.what))) {
        (command::NEGOTIATE, _) => {
            if std::mem::take(&mut session.offers_2) && block.chosen_dialect().is_some_and(|n| n < MAX_DIALECTS) {
                cx.emit(SmbDowngradeRecord { head: cx.head(cx.ts), packet: cx.source });
            }
            if let Ok(blob) = block.negotiate_response() {
                session.gss.token(blob, cx);
            }
        }
        (command::TREE_CONNECT_ANDX, pending) => {
            let (service, file_system) = block.tree_connect_response();
            let (ts, path) = match pending {
                Some((ts, _, What::TreeConnect(path, _))) => (ts, Some(path)),
                _ => (cx.ts, None),
            };
            let share = if service.0 == b"IPC" { Share::Pipe } else { Share::Disk };
            let native_file_system = Some(file_system).filter(|f| !f.0.is_empty());
            let tree = Tree { path, service: Some(service), native_file_system, share };
            session.mapped(Some(u32::from(header.tree)), tree, ts, cx);
        }
        (command::NT_CREATE_ANDX, Some((ts, tree, What::Create(name, deleted)))) => {
            let (file, size, [created, accessed, modified, changed]) = block.create_response()?;
            let (is_new, is_dir) = block.created()?;
            let times = Times { modified, accessed, created, changed };
            let opening = Opening { ts, name, tree, size, times, is_dir, created: is_new, deleted };
            session.opened(FileKey::from(file), opening, cx);
        }
        (command::READ_ANDX, Some((_, tree, What::Read(key, offset)))) => {
            content((key, tree), Dir::Resp, offset, block.read_response()?, session, cx);
        }
        (command::TRANSACTION, Some((_, _, What::Transceive(key)))) => {
            session.pipe(key, Dir::Resp, block.pipe_response()?, cx);
        }
        _ => {}
    }
    Ok(())
}

/// Data read from a file or written to it, whose share is known if the file itself is not.
fn content(
    (key, tree): (FileKey, Option<u32>),
    dir: Dir,
    offset: u64,
    data: &[u8],
    session: &mut Session,
    cx: &mut Cx<'_>,
) {
    if session.is_pipe(key, tree) {
        session.pipe(key, dir, data, cx);
    } else if !data.is_empty() {
        session.content(key, dir, (offset, true), data, cx);
    }
}
