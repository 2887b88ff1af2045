//! Rows that Zeek would not have: those of connections that began before the capture, in the logs of its analysers that
//! do not look at such connections (`IsPartial` in its sources).

use sekisho_record::{Schema, Value};

/// The column that says so.
const MIDSTREAM: &str = "midstream";

/// The logs. Others of Zeek's analysers (FTP, SMB, Modbus, MQTT …) begin wherever the capture does.
///
/// Not so `ssl`: a session is told by its own hellos, whose fingerprints (JA3, JA4) are asked of the log also where the
/// SYN was missed.
const LOGS: [&str; 10] = ["dns", "files", "http", "kerberos", "mysql", "ocsp", "rdp", "rfb", "ssh", "x509"];

/// Which protocol a file came with, and those of which Zeek reads files midstream.
const SOURCE: &str = "source";
const SOURCES: [&[u8]; 2] = [b"FTP_DATA", b"SMB"];

/// Which rows of one schema Zeek would not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Omission {
    midstream: usize,
    source: Option<usize>,
}

impl Omission {
    /// `None` if it has all of them.
    pub(crate) fn of(schema: &Schema) -> Option<Self> {
        let midstream = schema.index_of(MIDSTREAM).filter(|_| LOGS.contains(&schema.log))?;
        Some(Self { midstream, source: schema.index_of(SOURCE) })
    }

    /// Is the row of these values one of them?
    pub(crate) fn applies(self, values: &[Value<'_>]) -> bool {
        if !matches!(values.get(self.midstream), Some(Value::Bool(true))) {
            return false;
        }
        match self.source.and_then(|at| values.get(at)) {
            Some(Value::Str(source)) => !SOURCES.contains(source),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{JsonEncoder, JsonStyle, TsvEncoder};
    use sekisho_record::Record;

    /// A row as of `files`.
    #[derive(Record)]
    #[record(log = "files")]
    struct File {
        /// Where it came from.
        source: &'static str,
        /// The mark.
        #[record(ext)]
        midstream: Option<bool>,
    }

    /// A row as of `modbus`.
    #[derive(Record)]
    #[record(log = "modbus")]
    struct Other {
        /// The mark.
        #[record(ext)]
        midstream: Option<bool>,
    }

    fn lines(row: &dyn Record) -> [bool; 3] {
        let mut out = Vec::new();
        let zeek = JsonEncoder::new(row.schema(), JsonStyle::Zeek).like_zeek().encode(row, &mut out);
        let whole = JsonEncoder::new(row.schema(), JsonStyle::Zeek).encode(row, &mut out);
        let text = TsvEncoder::new(row.schema()).like_zeek().encode(row, &mut out);
        [zeek, whole, text]
    }

    #[test]
    fn rows_of_connections_without_a_beginning_are_left_out_on_request() {
        assert_eq!(lines(&File { source: "HTTP", midstream: Some(true) }), [false, true, false]);
        assert_eq!(lines(&File { source: "HTTP", midstream: None }), [true; 3]);
        assert_eq!(lines(&File { source: "SMB", midstream: Some(true) }), [true; 3]);
        assert_eq!(lines(&Other { midstream: Some(true) }), [true; 3]);
    }

    #[test]
    fn a_row_left_out_leaves_no_byte() {
        let row = File { source: "HTTP", midstream: Some(true) };
        let mut out = Vec::new();
        assert!(!TsvEncoder::new(row.schema()).like_zeek().encode(&row, &mut out));
        assert!(!JsonEncoder::new(row.schema(), JsonStyle::Zeek).like_zeek().encode(&row, &mut out));
        assert!(out.is_empty());
    }
}
