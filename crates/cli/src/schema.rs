//! `sekisho schema`.

use crate::args::{Schema, SchemaFormat};
use anyhow::{Result, bail};
use sekisho_record::Record;
use sekisho_report::NoticeRecord;
use std::io::{self, Write};

/// Never damaged.
pub fn run(args: &Schema) -> Result<bool> {
    let mut schemas = sekisho_engine::schemas();
    schemas.push(NoticeRecord::static_schema());
    schemas.sort_by_key(|s| s.log);
    if !args.logs.is_empty() {
        if let Some(unknown) = args.logs.iter().find(|log| !schemas.iter().any(|s| s.log == **log)) {
            let names: Vec<_> = schemas.iter().map(|s| s.log).collect();
            bail!("there is no log {unknown:?}; there are: {}", names.join(" "));
        }
        schemas.retain(|s| args.logs.iter().any(|log| log == s.log));
    }
    let text = sekisho_output::describe(&schemas, output_format(args.format));
    io::stdout().write_all(text.as_bytes())?;
    Ok(false)
}

fn output_format(f: SchemaFormat) -> sekisho_output::SchemaFormat {
    match f {
        SchemaFormat::JsonSchema => sekisho_output::SchemaFormat::JsonSchema,
        SchemaFormat::Zeek => sekisho_output::SchemaFormat::Zeek,
        SchemaFormat::Parquet => sekisho_output::SchemaFormat::Parquet,
        SchemaFormat::Markdown => sekisho_output::SchemaFormat::Markdown,
    }
}
