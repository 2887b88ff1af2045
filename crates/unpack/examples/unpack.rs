//! Prints the tree of a file: `unpack FILE [PASSWORD…]`. What is too large for memory goes to a nameless temporary file.

use sekisho_unpack::{Anomaly, Budget, Content, Member, MemberId, Sink, Spool, Spooled, Unpacker, Visit};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;

struct Disk(File);

impl Spooled for Disk {
    fn append(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, at + done as u64) {
                Ok(0) | Err(_) => break,
                Ok(n) => done += n,
            }
        }
        done
    }
}

/// Numbers of the files made so far.
struct Folder(u32);

impl Spool for Folder {
    fn create(&mut self) -> Option<Box<dyn Spooled>> {
        self.0 += 1;
        let path = std::env::temp_dir().join(format!("sekisho-spool-{}-{}", std::process::id(), self.0));
        let file = File::options().read(true).write(true).create_new(true).open(&path).ok()?;
        fs::remove_file(&path).ok()?;
        Some(Box::new(Disk(file)))
    }
}

struct Print;

impl Sink for Print {
    fn member(&mut self, m: &Member<'_>, content: &Content<'_>) -> Visit {
        let indent = "  ".repeat(m.path.len().saturating_sub(1));
        let step = m.step().map(ToString::to_string).unwrap_or_default();
        let same = m.same_as.map(|id| format!(", as {}", id.0)).unwrap_or_default();
        println!("{:>6} {indent}{step}: {}, {} bytes, {}{same}", m.id.0, m.kind.about(), content.len(), m.completeness);
        Visit::Open
    }

    fn anomaly(&mut self, member: MemberId, anomaly: Anomaly) {
        println!("{:>6} ! {anomaly}", member.0);
    }
}

fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(name) = args.next() else {
        eprintln!("unpack FILE [PASSWORD…]");
        return Ok(());
    };
    let passwords: Vec<Vec<u8>> = args.map(|p| p.into_encoded_bytes()).collect();
    let file = File::open(&name)?;
    let len = file.metadata()?.len();
    let mut budget = Budget::default();
    let mut folder = Folder(0);
    let content = Content::from_spooled(Box::new(Disk(file)), len);
    Unpacker::new(&mut budget).spool(&mut folder).passwords(&passwords).run(
        content,
        name.as_encoded_bytes(),
        &mut Print,
    );
    let cuts: Vec<_> = budget.cuts().filter(|c| c.1 > 0).map(|(cut, n)| format!("{} {n}", cut.about())).collect();
    eprintln!(
        "{} members, {} bytes unpacked, {} units of work, {} files spooled; cut: {}",
        budget.members(),
        budget.total_len(),
        budget.work_done(),
        folder.0,
        if cuts.is_empty() { "nothing".to_owned() } else { cuts.join(", ") }
    );
    Ok(())
}
