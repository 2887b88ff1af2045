//! Rule files and lists of hashes, as the command line names them.

use anyhow::{Context, Result, bail};
use sekisho_signature::{HashList, Include, Includes, Limits, ListLoader, Loaded, Loader, Rules, Severity, Wanted};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longest rule file.
const RULE_FILE_LEN_MAX: u64 = 64 << 20;

/// Rule files in folders, in all.
const RULE_FILE_COUNT_MAX: usize = 100_000;

/// Folders within folders.
const FOLDER_DEPTH_MAX: u32 = 32;

/// Rules named on standard error for being slow; the rest is counted.
const SLOW_TOLD_MAX: usize = 5;

/// Bytes of a list read at once.
const PIECE_LEN: usize = 1 << 20;

/// What contents are held against.
#[derive(Default)]
pub struct Signatures {
    /// Rules, if there are any.
    pub rules: Option<Rules>,
    /// Lists.
    pub lists: Vec<HashList>,
}

impl Signatures {
    /// Loads what `--yara` and `--hashes` name. Rules that can't be used are told on standard error, a line each; only if none can
    /// be used is that an error.
    pub fn load(yara: &[PathBuf], hashes: &[PathBuf], limits: Limits, quiet: bool) -> Result<Self> {
        let mut signatures = Self::default();
        if !yara.is_empty() {
            let (rules, loaded) = load_rules(yara, limits)?;
            tell(&loaded, quiet);
            if loaded.rule_count == 0 {
                bail!("--yara: none of {} rules in {} files can be used", loaded.given_count, loaded.file_count);
            }
            signatures.rules = Some(rules);
        }
        for path in hashes {
            let list = load_list(path).with_context(|| format!("--hashes {}", path.display()))?;
            if list.is_empty() {
                bail!("--hashes {}: no hashes in it; expected a MD5, SHA-1 or SHA-256 in each line", path.display());
            }
            if list.left_out_count() > 0 {
                eprintln!(
                    "sekisho: --hashes {}: {} hashes were left out: too many",
                    path.display(),
                    list.left_out_count()
                );
            }
            if list.odd_line_count() > 0 && !quiet {
                eprintln!("sekisho: --hashes {}: {} lines without a hash", path.display(), list.odd_line_count());
            }
            signatures.lists.push(list);
        }
        Ok(signatures)
    }

    /// Digests that the lists ask for.
    pub fn wanted(&self) -> Wanted {
        self.lists.iter().fold(Wanted::default(), |wanted, list| wanted.or(list.wanted()))
    }
}

fn tell(loaded: &Loaded, quiet: bool) {
    for problem in loaded.problems.iter().filter(|p| p.severity == Severity::Refused) {
        eprintln!("sekisho: {problem}");
    }
    if quiet {
        return;
    }
    let slow: Vec<_> = loaded.problems.iter().filter(|p| p.severity == Severity::Slow).collect();
    for problem in slow.iter().take(SLOW_TOLD_MAX) {
        eprintln!("sekisho: {problem}");
    }
    if slow.len() > SLOW_TOLD_MAX {
        eprintln!("sekisho: {} more rules are slow for the same reason", slow.len() - SLOW_TOLD_MAX);
    }
    let untold = loaded.problem_count - loaded.problems.len() as u64;
    if untold > 0 {
        eprintln!("sekisho: {untold} more problems with rules");
    }
    let files = if loaded.file_count == 1 { "file" } else { "files" };
    eprintln!(
        "sekisho: {} of {} rules in {} {files} are used",
        loaded.rule_count, loaded.given_count, loaded.file_count
    );
}

fn load_rules(paths: &[PathBuf], limits: Limits) -> Result<(Rules, Loaded)> {
    let mut files = Vec::new();
    for path in paths {
        let about = || format!("--yara {}", path.display());
        if fs::metadata(path).with_context(about)?.is_dir() {
            let before = files.len();
            collect(path, 0, &mut files).with_context(about)?;
            if files.len() == before {
                bail!("--yara {}: no .yar or .yara file in it", path.display());
            }
        } else {
            files.push(path.clone());
        }
    }
    let mut includes = Beside { given: files.iter().filter_map(|f| fs::canonicalize(f).ok()).collect() };
    includes.given.sort();
    let mut loader = Loader::new();
    for path in &files {
        let name = path.to_string_lossy();
        let text = read(path).with_context(|| format!("--yara {name}"))?;
        // The path is unique, which a file's name isn't: rules of two files may be called alike.
        loader.add(&name, &name, &text, &mut includes);
    }
    Ok(loader.finish(limits))
}

/// The rule files of a folder, in order of their names. Links to folders aren't followed.
fn collect(folder: &Path, depth: u32, to: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > FOLDER_DEPTH_MAX {
        return Err(io::Error::other("too many folders within one another"));
    }
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_rules =
            path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yar") || e.eq_ignore_ascii_case("yara"));
        if entry.file_type()?.is_dir() {
            collect(&path, depth + 1, to)?;
        } else if is_rules && path.is_file() {
            if to.len() >= RULE_FILE_COUNT_MAX {
                return Err(io::Error::other("too many rule files"));
            }
            to.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(RULE_FILE_LEN_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > RULE_FILE_LEN_MAX {
        return Err(io::Error::other(format!("longer than {} MiB", RULE_FILE_LEN_MAX >> 20)));
    }
    Ok(text)
}

/// Included files lie beside the one that includes them, as for yara itself.
struct Beside {
    /// Files that are loaded anyway, sorted.
    given: Vec<PathBuf>,
}

impl Includes for Beside {
    fn include(&mut self, from: &str, path: &str, index: bool) -> Include {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(path);
        let found = fs::canonicalize(&path);
        // A file of nothing but includes is an index of the others; what it names must not be loaded twice.
        if index && found.is_ok_and(|found| self.given.binary_search(&found).is_ok()) {
            return Include::Given;
        }
        if !path.is_file() {
            return Include::Refused("no such file".into());
        }
        match read(&path) {
            Ok(text) => Include::Text(path.to_string_lossy().into_owned(), text),
            Err(e) => Include::Refused(e.to_string()),
        }
    }
}

fn load_list(path: &Path) -> io::Result<HashList> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut loader = ListLoader::new(&name);
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE_LEN];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(loader.finish()),
            Ok(len) => loader.feed(&piece[..len]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_signature::Externals;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("within")).expect("made");
            fs::write(path, text).expect("written");
        }
        dir
    }

    fn load(dir: &Path) -> (Rules, Loaded) {
        load_rules(&[dir.to_owned()], Limits::default()).expect("loaded")
    }

    #[test]
    fn a_folder_gives_its_rule_files_in_order() {
        let dir = folder(&[
            ("b.yar", "rule same { condition: true }"),
            ("a/x.YARA", "rule same { condition: true }"),
            ("readme.txt", "no rule"),
        ]);
        let (rules, loaded) = load(dir.path());
        assert_eq!((loaded.file_count, loaded.rule_count, loaded.problem_count), (2, 2, 0));
        let spaces: Vec<_> = rules.scan(b"", &Externals::default()).matches.into_iter().map(|m| m.namespace).collect();
        assert!(spaces[0].ends_with("a/x.YARA") && spaces[1].ends_with("b.yar"), "{spaces:?}");
    }

    #[test]
    fn an_index_names_files_and_a_rule_file_takes_what_it_needs() {
        let dir = folder(&[
            ("index.yar", "include \"./a.yar\"\ninclude \"lib/common.yara\"\ninclude \"gone.yar\"\n"),
            ("a.yar", "include \"lib/common.yara\"\nrule a { condition: common }"),
            ("lib/common.yara", "private rule common { condition: true }"),
        ]);
        let (rules, loaded) = load(dir.path());
        let problems: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].ends_with("index.yar:3: include \"gone.yar\": no such file"), "{problems:?}");
        assert_eq!(rules.scan(b"", &Externals::default()).matches.len(), 1);
    }

    #[test]
    fn nothing_usable_is_an_error() {
        let dir =
            folder(&[("a.yar", "rule a { condition: nothing }"), ("list.txt", "# nothing\n"), ("empty/x.txt", "")]);
        let load = |yara: &str, hashes: &str| {
            let paths = |name: &str| if name.is_empty() { Vec::new() } else { vec![dir.path().join(name)] };
            Signatures::load(&paths(yara), &paths(hashes), Limits::default(), true).err().map(|e| format!("{e:#}"))
        };
        assert!(load("a.yar", "").is_some_and(|e| e.contains("none of 1 rules")));
        assert!(load("empty", "").is_some_and(|e| e.contains("no .yar")));
        assert!(load("gone", "").is_some() && load("", "gone").is_some());
        assert!(load("", "list.txt").is_some_and(|e| e.contains("no hashes")));
        assert!(load("", "").is_none());
    }
}
