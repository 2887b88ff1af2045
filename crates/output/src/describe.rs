//! The logs' schema in the words of those who read it: everything here is derived from the record types.

use crate::escape::json_string;
use crate::line::Line;
use crate::parquet::{self, Leaf};
use crate::tsv::{self, kind_name};
use sekisho_record::{Field, Kind, Schema};
use std::fmt::{self, Write};
use std::str::FromStr;

/// Who writes Parquet files, in the form that its readers know.
pub(crate) const WRITER: &str = concat!("sekisho version ", env!("CARGO_PKG_VERSION"));

/// How a schema is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaFormat {
    /// JSON Schema (draft 2020-12) of the rows of [`crate::Format::ZeekJson`].
    JsonSchema,
    /// The reference page.
    Markdown,
    /// Parquet's message types.
    Parquet,
    /// The header lines of Zeek's text logs, without `#open`.
    Zeek,
}

impl SchemaFormat {
    /// All of them, alphabetical.
    pub const ALL: [Self; 4] = [Self::JsonSchema, Self::Markdown, Self::Parquet, Self::Zeek];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonSchema => "json-schema",
            Self::Markdown => "markdown",
            Self::Parquet => "parquet",
            Self::Zeek => "zeek",
        }
    }
}

impl fmt::Display for SchemaFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SchemaFormat {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|f| f.name() == s).ok_or_else(|| format!("unknown schema format `{s}`"))
    }
}

/// The schema of all of `schemas`, sorted by the logs' names.
pub fn describe(schemas: &[&Schema], format: SchemaFormat) -> String {
    let mut sorted = schemas.to_vec();
    sorted.sort_by_key(|s| s.log);
    match format {
        SchemaFormat::JsonSchema => json_schema(&sorted),
        SchemaFormat::Markdown => markdown(&sorted),
        SchemaFormat::Parquet => sorted.iter().map(|s| message(s)).collect(),
        SchemaFormat::Zeek => sorted.iter().map(|s| tsv::header(s, None)).collect(),
    }
}

/// The name of a type in Zeek.
fn zeek_type(kind: &Kind) -> String {
    let mut name = Vec::new();
    kind_name(kind, &mut name);
    String::from_utf8_lossy(&name).into_owned()
}

// Writing to a String cannot fail: results of `write!` are dropped below.

/// The reference page of all logs and columns. `ext` marks what Zeek's log of the same name does not have.
fn markdown(schemas: &[&Schema]) -> String {
    let mut page = String::from(
        "# Logs and their fields\n\n\
         Generated from the record types by `cargo xtask bless`; do not edit. `sekisho schema --format markdown` prints \
         it, other formats are `json-schema`, `parquet` and `zeek`.\n\n\
         Types are Zeek's. Every field may be unset: absent in JSON, `-` in Zeek's text, null in Parquet. Fields marked \
         *ext* are Sekisho's own.\n",
    );
    for s in schemas {
        let _ = writeln!(page, "- [`{0}`](#{0}): {1}", s.log, s.doc);
    }
    for s in schemas {
        let _ = write!(page, "\n## {}\n\n{}\n\n| field | type | what |\n|---|---|---|\n", s.log, s.doc);
        for f in &s.fields {
            let ext = if f.ext { " *ext*" } else { "" };
            let _ = writeln!(page, "| `{}` | {} | {}{ext} |", f.name, zeek_type(&f.kind), f.doc.replace('|', "\\|"));
        }
    }
    page
}

/// Parquet's schema of one log, as its tools print it.
fn message(schema: &Schema) -> String {
    let mut text = format!("message {} {{\n", schema.log);
    for leaf in parquet::leaves(schema) {
        let (physical, logical) = leaf.form.names();
        let _ = if leaf.list {
            write!(
                text,
                "  optional group {} (LIST) {{\n    repeated group list {{\n      \
                 optional {physical} element{logical};\n    }}\n  }}\n",
                leaf.name
            )
        } else {
            writeln!(text, "  optional {physical} {}{logical};", leaf.name)
        };
    }
    text += "}\n";
    text
}

/// `"text"`.
fn quoted(text: &str) -> String {
    let mut line = Line::default();
    json_string(&mut line, text.as_bytes());
    format!("\"{}\"", String::from_utf8_lossy(line.as_bytes()))
}

fn json_schema(schemas: &[&Schema]) -> String {
    let mut text = format!(
        "{{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \
         \"title\": \"Logs of Sekisho {}\",\n  \
         \"description\": \"Rows of --format zeek-json. In ndjson each begins with the member _path, the log's name, \
         and times are ISO 8601 texts.\",\n  \"anyOf\": [",
        env!("CARGO_PKG_VERSION")
    );
    for (i, s) in schemas.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n    {{ \"$ref\": \"#/$defs/{}\" }}", s.log);
    }
    text += "\n  ],\n  \"$defs\": {";
    for (i, s) in schemas.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}\n    {}: {{\n      \"description\": {},\n      \"type\": \"object\",\n      \"properties\": {{",
            quoted(s.log),
            quoted(s.doc)
        );
        for (i, f) in s.fields.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n        {}: {{ {} }}", quoted(f.name), property(f));
        }
        text += "\n      },\n      \"additionalProperties\": false\n    }";
    }
    text += "\n  }\n}\n";
    text
}

fn property(field: &Field) -> String {
    let list = |inner: &Kind| {
        // An unset item is null.
        format!(
            "\"type\": \"array\", \"items\": {{ \"anyOf\": [{{ {} }}, {{ \"type\": \"null\" }}] }}",
            json_type(inner)
        )
    };
    let kind = match field.kind {
        Kind::Set(inner) | Kind::Vector(inner) => list(inner),
        ref kind => json_type(kind).to_owned(),
    };
    let ext = if field.ext { ", \"x-ext\": true" } else { "" };
    let zeek = zeek_type(&field.kind);
    format!("{kind}, \"description\": {}, \"x-zeek-type\": \"{zeek}\"{ext}", quoted(field.doc))
}

fn json_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Addr => r#""type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }]"#,
        Kind::Bool => r#""type": "boolean""#,
        Kind::Count => r#""type": "integer", "minimum": 0"#,
        // What is no number has none in JSON.
        Kind::Double => r#""type": ["number", "null"]"#,
        Kind::Enum | Kind::String | Kind::Subnet => r#""type": "string""#,
        Kind::Int => r#""type": "integer""#,
        Kind::Interval | Kind::Time => r#""type": "number""#,
        Kind::Port => r#""type": "integer", "minimum": 0, "maximum": 65535"#,
        Kind::Set(_) | Kind::Vector(_) => r#""type": "array""#,
    }
}

/// What a Parquet file says about itself: key and value.
pub(crate) fn file_facts(schema: &Schema, leaves: &[Leaf]) -> Vec<(&'static str, String)> {
    let mut fields = String::from("[");
    for leaf in leaves {
        let Some(field) = schema.fields.get(leaf.field) else { continue };
        let comma = if fields.len() == 1 { "" } else { "," };
        let (name, zeek) = (quoted(&leaf.name), zeek_type(&field.kind));
        let _ = write!(fields, "{comma}{{\"name\":{name},\"zeek_type\":\"{zeek}\"");
        if let Some(unit) = leaf.unit(&field.kind) {
            let _ = write!(fields, ",\"unit\":\"{unit}\"");
        }
        let _ = write!(fields, ",\"doc\":{}{}}}", quoted(field.doc), if field.ext { ",\"ext\":true" } else { "" });
    }
    fields.push(']');
    vec![
        ("sekisho.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("sekisho.log", schema.log.to_owned()),
        ("sekisho.doc", schema.doc.to_owned()),
        ("sekisho.fields", fields),
    ]
}
