use std::fmt;
use std::str::FromStr;

/// A format of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// One stream of JSON objects for all logs.
    Ndjson,
    /// Apache Parquet, one file per log.
    Parquet,
    /// Zeek's tab-separated text with a header, one file per log.
    Zeek,
    /// Zeek's JSON lines, one file per log.
    ZeekJson,
}

impl Format {
    /// All formats, alphabetical.
    pub const ALL: [Self; 4] = [Self::Ndjson, Self::Parquet, Self::Zeek, Self::ZeekJson];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Zeek => "zeek",
            Self::ZeekJson => "zeek-json",
        }
    }

    /// Does one file hold the rows of all logs?
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Ndjson)
    }

    /// Is a file of no use before its last byte? Such a file is told of when it is complete ([`crate::Sinks::on_complete`]).
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Parquet)
    }

    /// Ends the names of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Zeek | Self::ZeekJson => "log",
        }
    }

    /// The path of the file for `log`, relative to the output directory, when `formats` are written together.
    ///
    /// `ndjson` writes `all.ndjson`. `zeek` and `zeek-json` both want `<log>.log`: asked for alone each gets
    /// that name, asked for together they go to `zeek/<log>.log` and `zeek-json/<log>.log`; so does
    /// `parquet/<log>.parquet` beside either of them.
    pub fn file_name(self, log: &str, formats: &[Self]) -> String {
        match self {
            Self::Ndjson => "all.ndjson".to_owned(),
            _ if formats.iter().any(|&f| f != self && !f.is_stream()) => {
                format!("{}/{log}.{}", self.name(), self.ending())
            }
            _ => format!("{log}.{}", self.ending()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}` (there are: ndjson, parquet, zeek, zeek-json)")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(s: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|f| f.name() == s).ok_or_else(|| UnknownFormat(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for f in Format::ALL {
            assert_eq!(f.name().parse(), Ok(f));
        }
        assert!("eve2".parse::<Format>().unwrap_err().to_string().contains("zeek-json"));
    }

    #[test]
    fn directories_only_where_names_meet() {
        use Format::{Ndjson, Parquet, Zeek, ZeekJson};
        assert_eq!(Zeek.file_name("conn", &[Zeek]), "conn.log");
        assert_eq!(ZeekJson.file_name("conn", &[ZeekJson, Ndjson]), "conn.log");
        assert_eq!(ZeekJson.file_name("conn", &[ZeekJson, Zeek]), "zeek-json/conn.log");
        assert_eq!(Zeek.file_name("conn", &[ZeekJson, Zeek]), "zeek/conn.log");
        assert_eq!(Parquet.file_name("conn", &[Parquet, Ndjson]), "conn.parquet");
        assert_eq!(Parquet.file_name("conn", &[Parquet, Zeek]), "parquet/conn.parquet");
        assert_eq!(Zeek.file_name("conn", &[Parquet, Zeek]), "zeek/conn.log");
        assert_eq!(Ndjson.file_name("conn", &[ZeekJson, Zeek, Ndjson]), "all.ndjson");
    }
}
