use crate::tsv::kind_name;
use sekisho_record::Schema;
use std::fmt::Write;

/// The reference page of all logs and columns, in Markdown. Logs are sorted by name; `ext` marks what Zeek's log of
/// the same name does not have.
pub fn reference(schemas: &[&Schema]) -> String {
    let mut sorted = schemas.to_vec();
    sorted.sort_by_key(|s| s.log);
    let mut page = String::from(
        "# Logs and their fields\n\n\
         Generated from the record types by `cargo xtask bless`; do not edit.\n\n\
         Types are Zeek's. Every field may be unset: absent in JSON, `-` in Zeek's text. Fields marked *ext* are \
         Sekisho's own.\n",
    );
    // Writing to a String cannot fail.
    for s in &sorted {
        let _ = writeln!(page, "- [`{0}`](#{0}): {1}", s.log, s.doc);
    }
    for s in &sorted {
        let _ = write!(page, "\n## {}\n\n{}\n\n| field | type | what |\n|---|---|---|\n", s.log, s.doc);
        for f in &s.fields {
            let mut kind = Vec::new();
            kind_name(&f.kind, &mut kind);
            let kind = String::from_utf8_lossy(&kind);
            let ext = if f.ext { " *ext*" } else { "" };
            let _ = writeln!(page, "| `{}` | {kind} | {}{ext} |", f.name, f.doc.replace('|', "\\|"));
        }
    }
    page
}
