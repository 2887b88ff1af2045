mod columns;
mod detached;

pub use detached::{Detached, Encoded};

use crate::parquet::Table;
use crate::{Format, JsonEncoder, JsonStyle, TsvEncoder};
use columns::Columns;
use sekisho_record::{Record, Schema};
use std::io;

/// Where one file's bytes go.
pub type Writer = Box<dyn io::Write + Send>;

/// Opens the file of that relative path.
type Open = Box<dyn FnMut(&str) -> io::Result<Writer> + Send>;

/// Is told that the file of that relative path is complete.
type Complete = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// A file could not be opened or written. Each file says so once; its later rows are dropped and counted.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
pub struct Error {
    /// Path relative to the output directory.
    pub file: String,
    /// What the system said.
    pub source: io::Error,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows, each counted once for every format.
    pub rows: u64,
    /// Bytes handed to writers.
    pub bytes: u64,
    /// Files opened.
    pub files: usize,
    /// Rows dropped because their file had failed.
    pub dropped_rows: u64,
    /// Rows left out of Zeek's formats because Zeek would not have them ([`Sinks::with_midstream`]).
    pub omitted_rows: u64,
}

/// A file's buffer is handed on when it holds this many bytes.
const BUFFER_LEN: usize = 128 * 1024;

/// Room of a buffer: with that for a last row it never grows. Growing by doubling would touch twice the pages.
const BUFFER_ROOM_LEN: usize = BUFFER_LEN + 16 * 1024;

/// Writes rows in several formats at once, each log to its own file (see [`Format::file_name`]).
///
/// Two row types should not share a log name: in `zeek` format their rows would follow under a second header.
pub struct Sinks {
    formats: Vec<Format>,
    open: Open,
    complete: Complete,
    files: Vec<File>,
    routes: Vec<Route>,
    columns: Columns,
    midstream: bool,
    rows: u64,
    dropped_rows: u64,
    omitted_rows: u64,
}

/// How rows of one schema are written.
struct Route {
    schema: &'static Schema,
    targets: Vec<Target>,
}

struct Target {
    encoder: Encoder,
    file: usize,
}

enum Encoder {
    Columns(Box<Table>),
    Json(JsonEncoder),
    Tsv(TsvEncoder),
}

impl Encoder {
    /// `midstream`: Zeek's formats get the rows, too, that Zeek would not have.
    fn new(format: Format, schema: &'static Schema, midstream: bool) -> Self {
        match (format, midstream) {
            (Format::Ndjson, _) => Self::Json(JsonEncoder::new(schema, JsonStyle::Ndjson)),
            (Format::Parquet, _) => Self::Columns(Box::new(Table::new(schema))),
            (Format::Zeek, true) => Self::Tsv(TsvEncoder::new(schema)),
            (Format::Zeek, false) => Self::Tsv(TsvEncoder::new(schema).like_zeek()),
            (Format::ZeekJson, true) => Self::Json(JsonEncoder::new(schema, JsonStyle::Zeek)),
            (Format::ZeekJson, false) => Self::Json(JsonEncoder::new(schema, JsonStyle::Zeek).like_zeek()),
        }
    }
}

struct File {
    name: String,
    buf: Vec<u8>,
    state: State,
    bytes: u64,
    /// It is made even if nothing is written to it.
    wanted: bool,
}

enum State {
    New,
    Open(Writer),
    /// Written, closed and told of.
    Complete,
    Failed,
}

impl Sinks {
    /// For `formats` (repeated ones count once). `open` gets a path relative to the output directory, at most one
    /// directory deep, when the first bytes for it are due; it makes the directory if need be. With
    /// [`Format::Ndjson`] alone, `open` is called once and may return stdout.
    pub fn new(formats: &[Format], open: impl FnMut(&str) -> io::Result<Writer> + Send + 'static) -> Self {
        let mut formats = formats.to_vec();
        formats.sort_unstable();
        formats.dedup();
        Self {
            formats,
            open: Box::new(open),
            complete: Box::new(|_| Ok(())),
            files: Vec::new(),
            routes: Vec::new(),
            columns: Columns::default(),
            midstream: false,
            rows: 0,
            dropped_rows: 0,
            omitted_rows: 0,
        }
    }

    /// Zeek's formats get all rows. Otherwise they lack what Zeek's logs lack: rows of connections that began before the
    /// capture, in the logs of those protocols at which Zeek then does not look.
    #[must_use]
    pub fn with_midstream(mut self) -> Self {
        self.midstream = true;
        self
    }

    /// `told` gets the path of each file that is of no use before its last byte ([`Format::is_whole`]), after that was
    /// written and the writer dropped: the place to give the file its name.
    pub fn on_complete(mut self, told: impl FnMut(&str) -> io::Result<()> + Send + 'static) -> Self {
        self.complete = Box::new(told);
        self
    }

    /// What rows that wait for their row groups may take ([`Format::Parquet`]), of all logs together.
    pub fn with_columns_len(mut self, len: usize) -> Self {
        self.columns.allow(len);
        self
    }

    /// Encodes `row` in every format.
    ///
    /// # Errors
    /// The first failure of a file to open or be written. Other files go on.
    pub fn write(&mut self, row: &dyn Record) -> Result<(), Error> {
        let at = self.route(row.schema());
        let mut is_due = false;
        for target in &mut self.routes[at].targets {
            let file = &mut self.files[target.file];
            if matches!(file.state, State::Failed) {
                self.dropped_rows += 1;
                continue;
            }
            let written = match &mut target.encoder {
                Encoder::Columns(table) => {
                    self.columns.push(table, row);
                    true
                }
                Encoder::Json(e) => e.encode(row, &mut file.buf),
                Encoder::Tsv(e) => e.encode(row, &mut file.buf),
            };
            self.rows += u64::from(written);
            self.omitted_rows += u64::from(!written);
            is_due |= file.buf.len() >= BUFFER_LEN;
        }
        if is_due || self.columns.full { self.hand_on(at) } else { Ok(()) }
    }

    /// Hands on the full buffers of a route's files, and makes room. Apart, because most rows end with a plain `Ok`: a result
    /// that has to be moved would wait until the row's bytes are in the cache.
    #[cold]
    fn hand_on(&mut self, route: usize) -> Result<(), Error> {
        let mut result = Ok(());
        for target in &self.routes[route].targets {
            let file = &mut self.files[target.file];
            if file.buf.len() >= BUFFER_LEN {
                result = result.and(file.hand_on(&mut self.open));
            }
        }
        result.and(self.make_room())
    }

    /// Appends a line that was made elsewhere, with its line end, to `file`.
    ///
    /// # Errors
    /// The first failure of the file to open or be written.
    pub fn write_line(&mut self, file: &str, line: &[u8]) -> Result<(), Error> {
        let at = self.file(file);
        let Some(file) = self.files.get_mut(at) else { return Ok(()) };
        if matches!(file.state, State::Failed) {
            self.dropped_rows += 1;
            return Ok(());
        }
        self.rows += 1;
        file.buf.extend_from_slice(line);
        if file.buf.len() >= BUFFER_LEN { file.hand_on(&mut self.open) } else { Ok(()) }
    }

    /// Makes sure that `file` is there at the end, though it be empty.
    pub fn expect_file(&mut self, file: &str) {
        let at = self.file(file);
        if let Some(file) = self.files.get_mut(at) {
            file.wanted = true;
        }
    }

    /// The place of the file of that name.
    fn file(&mut self, name: &str) -> usize {
        if let Some(at) = self.files.iter().position(|f| f.name == name) {
            return at;
        }
        let buf = Vec::with_capacity(BUFFER_ROOM_LEN);
        self.files.push(File { name: name.to_owned(), buf, state: State::New, bytes: 0, wanted: false });
        self.files.len() - 1
    }

    /// Hands on what is buffered, for a reader that waits: a live source, or the end of a batch on stdout. Rows that wait
    /// for their row groups go on waiting.
    ///
    /// # Errors
    /// The first failure; all files are tried.
    pub fn flush(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        for file in &mut self.files {
            if !file.buf.is_empty() || file.wanted && matches!(file.state, State::New) {
                result = result.and(file.hand_on(&mut self.open));
            }
            result = result.and(file.flush());
        }
        result
    }

    /// Writes last lines and buffers. Call it once, after the last row.
    ///
    /// # Errors
    /// The first failure; all files are tried.
    pub fn finish(&mut self) -> Result<Written, Error> {
        for target in self.routes.iter().flat_map(|r| &r.targets) {
            if let Encoder::Tsv(e) = &target.encoder {
                e.finish(&mut self.files[target.file].buf);
            }
        }
        let completed = self.complete_tables();
        self.flush().and(completed)?;
        Ok(self.written())
    }

    /// What was written so far.
    pub fn written(&self) -> Written {
        Written {
            rows: self.rows,
            bytes: self.files.iter().map(|f| f.bytes).sum(),
            files: self.files.iter().filter(|f| matches!(f.state, State::Open(_) | State::Complete)).count(),
            dropped_rows: self.dropped_rows,
            omitted_rows: self.omitted_rows,
        }
    }

    fn route(&mut self, schema: &'static Schema) -> usize {
        match self.routes.iter().position(|r| std::ptr::eq(r.schema, schema)) {
            Some(at) => forward(&mut self.routes, at),
            None => self.add_route(schema),
        }
    }

    fn add_route(&mut self, schema: &'static Schema) -> usize {
        let mut targets = Vec::with_capacity(self.formats.len());
        for format in self.formats.clone() {
            let encoder = Encoder::new(format, schema, self.midstream);
            let name = format.file_name(schema.log, &self.formats);
            let file = self.file(&name);
            targets.push(Target { encoder, file });
        }
        self.routes.push(Route { schema, targets });
        self.routes.len() - 1
    }
}

/// How far in front of a list need not be gone on: what is there is found soon enough.
const FRONT: usize = 4;

/// Lets what was found at `at` change places with what is before it, so that what is found often is found soon. Gives
/// its new place.
fn forward<T>(list: &mut [T], at: usize) -> usize {
    if at < FRONT {
        return at;
    }
    list.swap(at - 1, at);
    at - 1
}

impl File {
    fn hand_on(&mut self, open: &mut dyn FnMut(&str) -> io::Result<Writer>) -> Result<(), Error> {
        if matches!(self.state, State::New) {
            match open(&self.name) {
                Ok(writer) => self.state = State::Open(writer),
                Err(e) => return Err(self.fail(e)),
            }
        }
        let State::Open(writer) = &mut self.state else {
            self.buf.clear();
            return Ok(());
        };
        if let Err(e) = writer.write_all(&self.buf) {
            return Err(self.fail(e));
        }
        self.bytes += self.buf.len() as u64;
        self.buf.clear();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Open(writer) => writer.flush().map_err(|e| self.fail(e)),
            _ => Ok(()),
        }
    }

    fn fail(&mut self, source: io::Error) -> Error {
        self.state = State::Failed;
        self.buf = Vec::new();
        Error { file: self.name.clone(), source }
    }
}

#[cfg(test)]
mod tests;
