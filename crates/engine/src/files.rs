//! The parsers' view of files, on top of the files crate.

use crate::eye::{At, Closed, Eye};
use crate::sensitive::Sensitive;
use crate::{Rows, Tap};
use sekisho_files::{FileHandle, FileManager, FileSummary};
use sekisho_flow::Moment;
use sekisho_proto::{FileId, FileInfo, FileMeta, Files, Sight};
use sekisho_transaction::{Frame, FrameId, Look, Mark, Transaction};
use sekisho_types::{Arrival, Dir, FlowInfo, Timestamp};

/// Lends the worker's file manager to one parser call.
pub(crate) struct FileHost<'a> {
    pub manager: &'a mut FileManager,
    pub tap: &'a mut dyn Tap,
    pub rows: &'a mut dyn Rows,
    /// Who watches exchanges, and what the call is about.
    pub eye: Option<(&'a mut Eye, At<'a>)>,
    /// Who looks for what should not pass in clear.
    pub sensitive: Option<&'a mut Sensitive>,
}

impl FileHost<'_> {
    /// Logs the files that ended.
    pub fn emit(&mut self) {
        if self.manager.has_records() {
            for record in self.manager.take_records() {
                self.rows.row(&record);
            }
            for record in self.manager.take_ocsp() {
                self.rows.row(&record);
            }
            for record in self.manager.take_pe() {
                self.rows.row(&record);
            }
        }
    }
}

fn handle(id: FileId) -> FileHandle {
    FileHandle(id.0)
}

fn info(s: FileSummary) -> FileInfo {
    FileInfo { fuid: s.fuid, mime_type: s.mime_type, seen_bytes: s.seen_bytes }
}

impl Files for FileHost<'_> {
    fn open(&mut self, flow: &FlowInfo, _ts: Timestamp, meta: FileMeta) -> FileId {
        if self.eye.is_none() && self.sensitive.is_none() {
            return FileId(self.manager.open(flow, meta).0);
        }
        let noted = (!meta.unlogged).then(|| meta.clone());
        let id = self.manager.open(flow, meta).0;
        if let (Some(sensitive), Some(meta)) = (&mut self.sensitive, &noted) {
            sensitive.opened(id, flow, meta);
        }
        let Some((eye, _)) = &mut self.eye else { return FileId(id) };
        if let Some(meta) = noted {
            eye.file_opened(id, flow, &meta);
        }
        FileId(id)
    }

    fn data(&mut self, id: FileId, at: Arrival, bytes: &[u8]) {
        if let Some((eye, _)) = &mut self.eye {
            eye.file_data(id.0, bytes);
        }
        if let Some(sensitive) = &mut self.sensitive {
            sensitive.data(id.0, at, None, bytes);
        }
        self.manager.data(handle(id), at, bytes, self.tap);
    }

    fn data_at(&mut self, id: FileId, at: Arrival, place: (u64, bool), bytes: &[u8]) {
        if let Some((eye, _)) = &mut self.eye {
            eye.file_data(id.0, bytes);
        }
        if let Some(sensitive) = &mut self.sensitive {
            sensitive.data(id.0, at, Some(place.0), bytes);
        }
        self.manager.data_at(handle(id), at, place, bytes, self.tap);
    }

    fn gap(&mut self, id: FileId, ts: Timestamp, len: u64) {
        if let Some((eye, _)) = &mut self.eye {
            eye.file_gap(id.0, len);
        }
        if let Some(sensitive) = &mut self.sensitive {
            sensitive.gap(id.0, len);
        }
        self.manager.gap(handle(id), ts, len, self.tap);
    }

    fn set_name(&mut self, id: FileId, name: &[u8]) {
        if let Some((eye, _)) = &mut self.eye {
            eye.file_named(id.0, name);
        }
        self.manager.set_name(handle(id), name);
    }

    fn set_total(&mut self, id: FileId, len: u64) {
        self.manager.set_total(handle(id), len);
    }

    fn info(&self, id: FileId) -> FileInfo {
        info(self.manager.info(handle(id)))
    }

    fn close(&mut self, id: FileId, ts: Timestamp, complete: bool) -> FileInfo {
        let summary = self.manager.close(handle(id), ts, complete, self.tap);
        self.emit();
        if let Some(sensitive) = &mut self.sensitive {
            sensitive.closed(id.0, ts, self.rows);
        }
        if let Some((eye, at)) = &mut self.eye {
            let closed = Closed { ts, complete, hashes: summary.hashes };
            eye.file_closed(*at, id.0, closed, self.rows);
        }
        info(summary)
    }

    fn encrypted(&mut self, flow: &FlowInfo) {
        if let Some((eye, _)) = &mut self.eye {
            eye.encrypted(flow);
        }
    }

    fn transaction(&mut self, sight: &Sight<'_>, look: Look, tx: &dyn Transaction, mark: &mut Mark) {
        if let Some((eye, at)) = &mut self.eye {
            eye.transaction(*at, sight, look, tx, mark, self.rows);
        }
    }

    fn frame(&mut self, _sight: &Sight<'_>, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        self.eye.as_mut().map_or_else(FrameId::default, |(eye, at)| eye.frame(*at, dir, frame, skip))
    }

    fn frame_exchange(&mut self, _sight: &Sight<'_>, tx: &dyn Transaction, mark: &Mark) {
        if let Some((eye, at)) = &mut self.eye {
            eye.frame_exchange(*at, tx, mark);
        }
    }

    fn frame_known(&mut self, flow: &FlowInfo, dir: Dir, id: FrameId, len: Option<u64>, tx: Option<u64>) {
        if let Some((eye, _)) = &mut self.eye {
            eye.frame_known(flow, dir, id, len, tx);
        }
    }

    fn clear(&mut self, flow: &FlowInfo, (number, at): (u64, Arrival), dir: Dir, offset: u64, bytes: &[u8]) {
        self.tap.clear(flow, dir, offset, bytes, Moment { ts: at.ts, number, source: at.packet });
    }
}
