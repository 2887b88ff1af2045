//! `cargo xtask bench --protocols`: what the payload of every protocol's goldens costs its parser.
//!
//! All are counted in one run, by callgrind, and beside a table: see `bench/README.md`.

use crate::{callgrind, shell};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::fs;

/// The table.
const TABLE: &str = "bench/protocols.txt";

/// The program, from the root folder.
const PROGRAM: &str = "bench/target/release/protocols";

/// Its function that is counted.
const COUNTED: &str = "replay_rounds";

/// Instructions per byte may differ from the table by this part. Two runs are the same to the last instruction, and a
/// golden moves the cases behind it by less than 0.5 %; but what the compiler inlines changes with code elsewhere, which
/// was seen to move a parser that nobody had touched by 11 %.
const TOLERANCE: f64 = 0.25;

/// The table has two decimals.
const ROUNDED: f64 = 0.005;

const HEAD: &str = "\
# What the payload of its goldens costs each protocol's parser, in instructions: per byte, per row, and per byte where
# streams come byte by byte. Written by `cargo xtask bench --protocols --write`, compared by `cargo xtask guard`.
";

/// One protocol.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    /// Bytes and rows that were counted: some rounds of the goldens.
    bytes: u64,
    rows: u64,
    /// Instructions.
    whole: u64,
    /// The same with streams byte by byte.
    by_bytes: u64,
}

impl Row {
    fn per_byte(&self) -> f64 {
        self.whole as f64 / self.bytes as f64
    }
}

/// `bench --protocols [--write] [NAME…]`
pub(crate) fn bench(args: &[&str]) -> Result<bool> {
    let write = args.contains(&"--write");
    let names: Vec<&str> = args.iter().copied().filter(|a| *a != "--write").collect();
    if write && !names.is_empty() {
        bail!("--write is for all protocols");
    }
    build()?;
    let mut rows = count(&names)?;
    rows.sort_by(|a, b| b.per_byte().total_cmp(&a.per_byte()));
    let speeds = speeds(&names)?;
    println!("{:12} {:>9} {:>9} {:>9} {:>9} {:>10}", "", "per byte", "per row", "by bytes", "MB/s", "rows/s");
    for row in &rows {
        let [mb, rows_s] = speeds.iter().find(|s| s.0 == row.name).map_or([0.0; 2], |s| s.1);
        println!("{} {mb:9.1} {rows_s:10.0}", line(row));
    }
    println!(
        "\nInstructions per byte of payload, per row, and per byte where streams come byte by byte; parsers alone."
    );
    if write {
        fs::write(shell::root().join(TABLE), text(&rows)?)?;
        println!("bench: {TABLE} is written anew");
    }
    Ok(true)
}

/// False if a protocol's count is further than [`TOLERANCE`] from the table, or it is not in it. `bless`: the table is
/// written anew.
pub(crate) fn guard(bless: bool) -> Result<bool> {
    build()?;
    let mut rows = count(&[])?;
    if bless {
        rows.sort_by(|a, b| b.per_byte().total_cmp(&a.per_byte()));
        fs::write(shell::root().join(TABLE), text(&rows)?)?;
        println!("guard: {TABLE} is written anew");
        return Ok(true);
    }
    let agreed = parse(&fs::read_to_string(shell::root().join(TABLE)).context(TABLE)?)?;
    let complaints = compare(&agreed, &rows);
    complaints.iter().for_each(|c| println!("guard: {c}"));
    println!("guard: {} protocols, {} not as agreed in {TABLE}", rows.len(), complaints.len());
    Ok(complaints.is_empty())
}

fn build() -> Result<()> {
    let build = ["build", "--release", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml"];
    shell::run("cargo", &[&build[..], &["--bin", "protocols"]].concat())
}

fn count(names: &[&str]) -> Result<Vec<Row>> {
    let command = [PROGRAM, "count"].iter().chain(names).map(|&s| s.to_owned()).collect::<Vec<_>>();
    let (stdout, counts) = callgrind::count_calls(&command, COUNTED)?;
    let mut counts = counts.into_iter();
    let mut rows = Vec::new();
    for line in stdout.lines() {
        let (name, [bytes, row_count]) = numbers(line)?;
        if bytes == 0 {
            bail!("no parser of {name} is called by goldens/{name}: it has no case");
        }
        let mut next = || counts.next().with_context(|| format!("no count of {line}"));
        rows.push(Row { name, bytes, rows: row_count, whole: next()?, by_bytes: next()? });
    }
    Ok(rows)
}

/// Megabytes and rows per second by the clock.
fn speeds(names: &[&str]) -> Result<Vec<(String, [f64; 2])>> {
    let printed = shell::output(PROGRAM, &[&["time"], names].concat())?;
    let of = |line: &str| -> Result<_> {
        let (name, [bytes, rows, nanos]) = numbers(line)?;
        let nanos = nanos as f64;
        Ok((name, [bytes as f64 * 1e3 / nanos, rows as f64 * 1e9 / nanos]))
    };
    printed.lines().map(of).collect()
}

/// A name and its numbers.
fn numbers<const N: usize>(line: &str) -> Result<(String, [u64; N])> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default().to_owned();
    let numbers: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().with_context(|| line.to_owned())?;
    let numbers = numbers.try_into().map_err(|_| anyhow::anyhow!("not {N} numbers: {line}"))?;
    Ok((name, numbers))
}

/// Where nothing is logged there is no cost per row.
fn line(row: &Row) -> String {
    let per_row = if row.rows == 0 { "-".to_owned() } else { format!("{:.0}", row.whole as f64 / row.rows as f64) };
    let by_bytes = row.by_bytes as f64 / row.bytes as f64;
    format!("{:12} {:9.2} {per_row:>9} {by_bytes:9.1}", row.name, row.per_byte())
}

fn text(rows: &[Row]) -> Result<String> {
    let mut out = format!("{HEAD}\ncompiler {}\n\n", shell::output("rustc", &["-V"])?.trim());
    rows.iter().for_each(|row| {
        let _ = writeln!(out, "{}", line(row));
    });
    Ok(out)
}

/// Names with instructions per byte.
fn parse(table: &str) -> Result<Vec<(String, f64)>> {
    let is_row = |l: &&str| !l.is_empty() && !l.starts_with('#') && !l.starts_with("compiler ");
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let per_byte = words.next().unwrap_or_default().parse().with_context(|| line.to_owned())?;
        Ok((name, per_byte))
    };
    table.lines().filter(is_row).map(row).collect()
}

fn compare(agreed: &[(String, f64)], rows: &[Row]) -> Vec<String> {
    let mut out = Vec::new();
    for row in rows {
        let (name, now) = (&row.name, row.per_byte());
        match agreed.iter().find(|a| a.0 == *name) {
            None => out.push(format!("{name} is new: {now:.1} instructions per byte")),
            Some((_, was)) if (now - was).abs() > TOLERANCE * was + ROUNDED => {
                let word = if now > *was { "dearer" } else { "cheaper" };
                out.push(format!("{name} is {word}: {now:.1} instructions per byte, {was:.1} agreed"));
            }
            Some(_) => {}
        }
    }
    let gone = agreed.iter().filter(|a| !rows.iter().any(|r| r.name == a.0));
    out.extend(gone.map(|(name, _)| format!("{name} is gone")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, whole: u64) -> Row {
        Row { name: name.to_owned(), bytes: 1000, rows: 0, whole, by_bytes: 400_000 }
    }

    #[test]
    fn text_and_back() {
        let agreed =
            parse(&format!("{HEAD}\ncompiler rustc 1\n\n{}\n{}\n", line(&row("dns", 50_000)), line(&row("tls", 600))))
                .unwrap();
        assert_eq!(agreed, [("dns".to_owned(), 50.0), ("tls".to_owned(), 0.6)]);
        assert!(compare(&agreed, &[row("dns", 60_000), row("tls", 500)]).is_empty());
        let complaints = compare(&agreed, &[row("dns", 30_000), row("amqp", 1000)]);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].contains("cheaper") && complaints[2].contains("tls is gone"));
    }

    #[test]
    fn reads_numbers() {
        assert_eq!(numbers("dns 66836 931").unwrap(), ("dns".to_owned(), [66_836, 931]));
        assert!(numbers::<3>("dns 66836 931").is_err() && numbers::<1>("dns x").is_err());
    }
}
