//! Commands of SMB 2 and 3.

use super::message2::{self as message, Change, Header, RELATED_FILE, command};
use super::session::{Opening, Related, Session, Share, Times, Tree, What};
use super::{Content, Target, status, watch};
use crate::Cx;
use message::FileKey;
use sekisho_types::Timestamp;
use sekisho_wire::ParseResult;

/// Dialects (MS-SMB2 §2.2.4).
const DIALECTS: [(u16, &str); 5] =
    [(0x0202, "2.0.2"), (0x0210, "2.1"), (0x0300, "3.0"), (0x0302, "3.0.2"), (0x0311, "3.1.1")];

/// The file that a compound of one direction is about.
#[derive(Debug, Default)]
pub(super) struct Compound {
    /// Of requests: the file, [`RELATED_FILE`] for one that is being opened. Of responses: the file opened last.
    current: Option<FileKey>,
}

impl Compound {
    /// A message's bytes as far as wanted; tells what of it is passed on, and where it lies in the message.
    pub fn message(
        &mut self,
        bytes: &[u8],
        header: &Header,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> ParseResult<Option<(Target, Content)>> {
        if !cx.is_watched() {
            return self.both(bytes, header, session, cx);
        }
        watch::before2(bytes, header, session, cx);
        let found = self.both(bytes, header, session, cx);
        watch::after2(header, session, cx);
        found
    }

    fn both(
        &mut self,
        bytes: &[u8],
        header: &Header,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> ParseResult<Option<(Target, Content)>> {
        if header.is_response() {
            self.response(bytes, header, session, cx)
        } else {
            self.request(bytes, header, session, cx)
        }
    }

    /// The file that a request names; `None` if it names one of the compound that is not known.
    fn resolve(&mut self, key: FileKey) -> Option<FileKey> {
        if key != RELATED_FILE {
            self.current = Some(key);
        }
        self.current
    }

    fn request(
        &mut self,
        bytes: &[u8],
        header: &Header,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> ParseResult<Option<(Target, Content)>> {
        if !header.is_related() {
            self.current = None;
        }
        let judged = cx.is_judged();
        let mut ask = |what| session.ask(header.message_id, header.tree, what, cx);
        match header.command {
            command::SESSION_SETUP => session.gss.token(message::session_setup(bytes, false)?, cx),
            command::TREE_CONNECT => ask(What::TreeConnect(message::tree_connect_request(bytes)?, None)),
            command::TREE_DISCONNECT => header.tree.into_iter().for_each(|tree| session.unmapped(tree)),
            command::CREATE => {
                self.current = Some(RELATED_FILE);
                let deleted = message::create_options(bytes)?.0;
                ask(What::Create(message::create_request(bytes)?, deleted));
            }
            command::CLOSE => match self.resolve(message::file_request(bytes)?) {
                Some(RELATED_FILE) => ask(What::Related(Related::Close)),
                Some(key) => session.closed(key, true, cx),
                None => {}
            },
            command::QUERY_DIRECTORY if judged => match self.resolve(message::file_request(bytes)?) {
                Some(RELATED_FILE) => ask(What::Related(Related::List)),
                Some(key) => session.listed(key),
                None => {}
            },
            command::READ => {
                let (key, offset) = message::read_request(bytes)?;
                if let Some(key) = self.resolve(key) {
                    ask(What::Read(key, offset));
                }
            }
            command::WRITE => {
                let (key, offset, content) = message::write_request(bytes)?;
                let Some(key) = self.resolve(key) else { return Ok(None) };
                let pipe = session.is_pipe(key, header.tree);
                return Ok(Some((Target { key, offset, pipe }, content)));
            }
            command::IOCTL => {
                if let Some((key, content)) = message::pipe_transceive(bytes, false)?
                    && let Some(key) = self.resolve(key)
                {
                    ask(What::Transceive(key));
                    return Ok(Some((Target { key, offset: 0, pipe: true }, content)));
                }
            }
            command::SET_INFO => {
                let Some((key, change)) = message::set_info_request(bytes)? else { return Ok(None) };
                match (self.resolve(key), change) {
                    (Some(RELATED_FILE), Change::Delete) => ask(What::Related(Related::Delete)),
                    (Some(RELATED_FILE), Change::Rename(name)) => ask(What::Related(Related::Rename(name))),
                    (Some(key), Change::Delete) => session.deleted(key, cx),
                    (Some(key), Change::Rename(name)) => session.renamed(key, name, cx),
                    (None, _) => {}
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn response(
        &mut self,
        bytes: &[u8],
        header: &Header,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> ParseResult<Option<(Target, Content)>> {
        if header.status == status::PENDING {
            return Ok(None);
        }
        let pending = session.answered(header.message_id);
        if header.command == command::SESSION_SETUP {
            session_setup_response(bytes, header, session, cx)?;
        }
        if !has_usual_body(header) {
            if header.command == command::CREATE {
                self.current = None;
            }
            return Ok(None);
        }
        let tree = pending.as_ref().and_then(|p| p.tree).or(header.tree);
        match (header.command, pending.map(|p| (p.ts, p.what))) {
            (command::NEGOTIATE, _) => {
                let (dialect, blob) = message::negotiate_response(bytes)?;
                session.dialect = DIALECTS.iter().find(|d| d.0 == dialect).map(|d| d.1);
                session.gss.token(blob, cx);
            }
            (command::TREE_CONNECT, pending) => tree_connected(bytes, header, pending, session, cx)?,
            (command::CREATE, Some((ts, What::Create(name, deleted)))) => {
                let o = message::create_response(bytes)?;
                let times =
                    Times { modified: o.modified, accessed: o.accessed, created: o.created, changed: o.changed };
                self.current = Some(o.key);
                let (is_dir, created) = (o.is_dir, o.is_new);
                let opening = Opening { ts, name, tree, size: o.size, times, is_dir, created, deleted };
                session.opened(o.key, opening, cx);
            }
            (command::READ, Some((_, What::Read(key, offset)))) => {
                let key = if key == RELATED_FILE { self.current.unwrap_or(key) } else { key };
                let pipe = session.is_pipe(key, tree);
                return Ok(Some((Target { key, offset, pipe }, message::read_response(bytes)?)));
            }
            (command::IOCTL, Some((_, What::Transceive(key)))) => {
                let found = message::pipe_transceive(bytes, true)?;
                return Ok(found.map(|(_, content)| (Target { key, offset: 0, pipe: true }, content)));
            }
            (_, Some((_, What::Related(related)))) => {
                if let Some(key) = self.current {
                    apply(key, related, session, cx);
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

fn tree_connected(
    bytes: &[u8],
    header: &Header,
    pending: Option<(Timestamp, What)>,
    session: &mut Session,
    cx: &mut Cx<'_>,
) -> ParseResult<()> {
    let share = match message::tree_connect_response(bytes)? {
        1 => Share::Disk,
        2 => Share::Pipe,
        3 => Share::Print,
        other => Share::Other(other),
    };
    let (ts, path) = match pending {
        Some((ts, What::TreeConnect(path, _))) => (ts, Some(path)),
        _ => (cx.ts, None),
    };
    session.mapped(header.tree, Tree { path, share, ..Tree::default() }, ts, cx);
    Ok(())
}

fn session_setup_response(bytes: &[u8], header: &Header, session: &mut Session, cx: &mut Cx<'_>) -> ParseResult<()> {
    if header.status != status::MORE_PROCESSING_REQUIRED {
        session.gss.status(header.status == status::SUCCESS, || status::name(header.status));
    }
    if has_usual_body(header) {
        session.gss.token(message::session_setup(bytes, true)?, cx);
    }
    Ok(())
}

/// Is the body of a response that of its command, not an error's (MS-SMB2 §3.3.4.4)?
fn has_usual_body(header: &Header) -> bool {
    match header.status {
        status::SUCCESS => true,
        status::MORE_PROCESSING_REQUIRED => header.command == command::SESSION_SETUP,
        status::BUFFER_OVERFLOW => matches!(header.command, command::IOCTL | command::READ),
        _ => false,
    }
}

fn apply(key: FileKey, related: Related, session: &mut Session, cx: &mut Cx<'_>) {
    match related {
        Related::Close => session.closed(key, true, cx),
        Related::Delete => session.deleted(key, cx),
        Related::List => session.listed(key),
        Related::Rename(name) => session.renamed(key, name, cx),
    }
}
