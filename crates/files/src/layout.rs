//! Where the members of an unpacked file lie: safe names made from an archive's, and no two alike.
//!
//! Beside `NAME` comes a folder `NAME.d`; a member of it that has members of its own gets one again. An archive's folders
//! are kept as far as they make sense. Every component is one that [`safe_name::sanitize`] made, so none is `..`, absolute,
//! a drive, a device, hidden, or too long, and none has a byte that means something to a file system or a terminal. What is called alike, also
//! where case is folded, is numbered: `a.txt`, `a (2).txt`. The same members in the same order give the same places.

use crate::safe_name::{self, MAX_LEN};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use sekisho_types::SeededState;

/// Longest path made, relative to where the file lies. Deeper members lie in the folder [`DEEP`].
pub const PATH_LEN_MAX: usize = 1000;
/// Folders of an archive's name that are kept; of more, the first ones.
const COMPONENT_COUNT_MAX: usize = 16;
/// Folders made for one file; beyond, names lose theirs.
const FOLDER_COUNT_MAX: usize = 20_000;
/// Bytes of an archive's name that are looked at.
const NAME_LEN_MAX: usize = 4096;
/// Room for ` (12345)` and `.d`.
const MARK_LEN_MAX: usize = 16;
/// Where members go whose path would be too long.
const DEEP: &str = "deep";

/// A folder of a [`Layout`]; the default value is the outermost one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FolderId(u32);

/// Where a member lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In this folder.
    pub folder: FolderId,
    /// Under this name.
    pub name: String,
}

struct Folder {
    parent: FolderId,
    name: String,
    path_len: usize,
}

/// The places of all members of one file.
pub struct Layout {
    folders: Vec<Folder>,
    /// Names taken in a folder, case folded, and the number that the next one alike will try.
    taken: HashMap<(FolderId, String), u32, SeededState>,
    /// An archive's folders, by where they are and what the archive calls them.
    known: HashMap<(FolderId, String), FolderId, SeededState>,
    deep: Option<FolderId>,
}

impl Layout {
    /// For the file called `name`, which is safe: its members go to `NAME.d`.
    pub fn new(name: &str, seed: u64) -> Self {
        let name = format!("{name}.d");
        let outermost = Folder { parent: FolderId(0), path_len: name.len(), name };
        Self {
            folders: vec![outermost],
            taken: HashMap::with_hasher(SeededState(seed)),
            known: HashMap::with_hasher(SeededState(seed)),
            deep: None,
        }
    }

    /// A place in `folder` for a member that the archive calls `name`, or `nameless` if that says nothing.
    pub fn place(&mut self, folder: FolderId, name: &[u8], nameless: &str) -> Place {
        let name = name.get(..NAME_LEN_MAX).unwrap_or(name);
        let parts: Vec<&[u8]> = name.split(|b| matches!(b, b'/' | b'\\')).filter(|part| says_something(part)).collect();
        let (last, folders) = parts.split_last().map_or((nameless.as_bytes(), &[][..]), |(l, f)| (*l, f));
        let mut at = folder;
        for part in folders.iter().take(COMPONENT_COUNT_MAX) {
            match self.enter(at, part) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        let name = safe_name::sanitize(last);
        if self.path_len(at) + 1 + name.len() + MARK_LEN_MAX > PATH_LEN_MAX {
            at = self.deep();
        }
        Place { folder: at, name: self.take(at, &name) }
    }

    /// The folder for the members of the member at `place`; asked for once.
    pub fn inside(&mut self, place: &Place) -> FolderId {
        let name = format!("{}.d", place.name);
        let fits = self.path_len(place.folder) + 1 + name.len() + 2 * MARK_LEN_MAX + MAX_LEN <= PATH_LEN_MAX;
        let parent = if fits { place.folder } else { self.deep() };
        let name = self.take(parent, &name);
        self.add(parent, name)
    }

    /// The components of a folder's path, outermost first.
    pub fn components(&self, folder: FolderId) -> Vec<&str> {
        let mut out = Vec::new();
        let mut at = folder;
        while let Some(found) = self.folder(at) {
            out.push(found.name.as_str());
            if at == FolderId(0) {
                break;
            }
            at = found.parent;
        }
        out.reverse();
        out
    }

    /// A path relative to where the file itself lies.
    pub fn path(&self, place: &Place) -> String {
        let mut path = self.components(place.folder).join("/");
        path.push('/');
        path.push_str(&place.name);
        path
    }

    fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.folders.get(usize::try_from(id.0).ok()?)
    }

    fn path_len(&self, id: FolderId) -> usize {
        self.folder(id).map_or(0, |f| f.path_len)
    }

    /// The folder that an archive calls `part`; `None` if it would be too deep or one too many.
    fn enter(&mut self, at: FolderId, part: &[u8]) -> Option<FolderId> {
        let name = safe_name::sanitize(part);
        let key = (at, name.to_ascii_lowercase());
        if let Some(found) = self.known.get(&key) {
            return Some(*found);
        }
        let path_len = self.path_len(at) + 1 + name.len() + MARK_LEN_MAX;
        if path_len + MAX_LEN > PATH_LEN_MAX || self.folders.len() >= FOLDER_COUNT_MAX {
            return None;
        }
        let own = self.take(at, &name);
        let folder = self.add(at, own);
        self.known.insert(key, folder);
        Some(folder)
    }

    fn deep(&mut self) -> FolderId {
        if let Some(deep) = self.deep {
            return deep;
        }
        let name = self.take(FolderId(0), DEEP);
        let folder = self.add(FolderId(0), name);
        self.deep = Some(folder);
        folder
    }

    fn add(&mut self, parent: FolderId, name: String) -> FolderId {
        let id = FolderId(u32::try_from(self.folders.len()).unwrap_or(u32::MAX));
        let path_len = self.path_len(parent) + 1 + name.len();
        self.folders.push(Folder { parent, name, path_len });
        id
    }

    /// `name`, or the first of `name (2)`, `name (3)` that nothing in `folder` has.
    fn take(&mut self, folder: FolderId, name: &str) -> String {
        let folded = name.to_ascii_lowercase();
        let mut number = match self.taken.entry((folder, folded.clone())) {
            Entry::Vacant(free) => {
                free.insert(2);
                return name.to_owned();
            }
            Entry::Occupied(next) => *next.get(),
        };
        // Names that are taken are passed over once: the next search begins behind them.
        let own = loop {
            let tried = numbered(name, number);
            number = number.saturating_add(1);
            if let Entry::Vacant(free) = self.taken.entry((folder, tried.to_ascii_lowercase())) {
                free.insert(2);
                break tried;
            }
        };
        self.taken.insert((folder, folded), number);
        own
    }
}

/// A component that is more than "here", "above", or a drive.
fn says_something(part: &[u8]) -> bool {
    !matches!(part, b"" | b"." | b"..") && !matches!(part, [letter, b':'] if letter.is_ascii_alphabetic())
}

/// `a (2).txt`: the number comes before the last ending.
fn numbered(name: &str, number: u32) -> String {
    let at = name.rfind('.').filter(|at| *at > 0 && name.len() - at <= 12).unwrap_or(name.len());
    let (stem, ending) = name.split_at_checked(at).unwrap_or((name, ""));
    format!("{stem} ({number}){ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hashbrown::HashSet;

    const TOP: FolderId = FolderId(0);

    /// Paths of members called so, in this order, below `F`.
    fn check(names: &[&[u8]], expected: &[&str]) {
        let mut layout = Layout::new("F", 0);
        let places: Vec<_> = names.iter().map(|name| layout.place(TOP, name, "tar-0")).collect();
        let paths: Vec<_> = places.iter().map(|place| layout.path(place)).collect();
        let expected: Vec<_> = expected.iter().map(|path| format!("F.d/{path}")).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn keeps_an_archives_folders() {
        check(
            &[b"a.txt", b"etc/passwd", b"etc/ssh/config", b"./etc/hosts"],
            &["a.txt", "etc/passwd", "etc/ssh/config", "etc/hosts"],
        );
    }

    #[test]
    fn rejects_ways_out() {
        check(
            &[b"../../x", b"/etc/shadow", b"a/../../../b", b"..", b"/", b"", b"..\\..\\y", b"\\\\host\\share\\z"],
            &["x", "etc/shadow", "a/b", "tar-0", "tar-0 (2)", "tar-0 (3)", "y", "host/share/z"],
        );
        check(
            &[b"C:\\Windows\\x.dll", b"c:/Windows/x.dll", b"C:x", b"D:"],
            &["Windows/x.dll", "Windows/x (2).dll", "C_x", "tar-0"],
        );
    }

    #[test]
    fn rejects_specials() {
        check(
            &[
                b"a\0b",
                b"a\nb",
                b"\x1b[2Jx",
                "x\u{202e}gpj.exe".as_bytes(),
                b"con",
                b"NUL.txt/aux",
                b"x. . ",
                b".x",
                b"-rf",
            ],
            &["a_b", "a_b (2)", "2Jx", "x_gpj.exe", "_con", "_NUL.txt/_aux", "x", "x (2)", "rf"],
        );
    }

    #[test]
    fn names_alike_are_numbered() {
        check(&[b"a", b"A", b"a", b"a (2)", b"a"], &["a", "A (2)", "a (3)", "a (2) (2)", "a (4)"]);
        check(&[b"Dir/x.tar.gz", b"dir/X.TAR.gz"], &["Dir/x.tar.gz", "Dir/X.TAR (2).gz"]);
    }

    #[test]
    fn files_and_folders_alike_are_kept_apart() {
        check(&[b"a", b"a/b", b"A/c", b"a/b/d"], &["a", "a (2)/b", "a (2)/c", "a (2)/b (2)/d"]);
        let mut layout = Layout::new("F", 0);
        layout.place(TOP, b"x.d/y", "");
        let x = layout.place(TOP, b"x", "");
        let inside = layout.inside(&x);
        let y = layout.place(inside, b"y", "");
        assert_eq!(layout.path(&y), "F.d/x (2).d/y");
        let z = layout.place(TOP, b"x (2).d", "");
        assert_eq!(layout.path(&z), "F.d/x (2) (2).d");
    }

    #[test]
    fn limits_length_and_depth() {
        let mut layout = Layout::new(&"f".repeat(MAX_LEN), 0);
        let long = [b"n".repeat(5000), b"/".to_vec(), b"n".repeat(300)].concat();
        let place = layout.place(TOP, &long, "");
        assert_eq!(place.name, "n".repeat(MAX_LEN));
        let deep = "d/".repeat(2000);
        let place = layout.place(TOP, deep.as_bytes(), "");
        assert_eq!(layout.components(place.folder).len(), 1 + COMPONENT_COUNT_MAX);
        // Members of members, each with a long name in a long folder.
        let name = [b"e".repeat(200), b"/".to_vec(), b"e".repeat(200)].concat();
        let mut at = TOP;
        let mut seen = HashSet::with_hasher(SeededState(0));
        for _ in 0..100 {
            let place = layout.place(at, &name, "");
            let path = layout.path(&place);
            assert!(path.len() <= PATH_LEN_MAX, "{}", path.len());
            assert!(seen.insert(path.to_lowercase()));
            at = layout.inside(&place);
            assert!(layout.path_len(at) + MAX_LEN < PATH_LEN_MAX);
        }
    }

    #[test]
    fn limits_folders() {
        let mut layout = Layout::new("F", 0);
        for i in 0..FOLDER_COUNT_MAX + 10 {
            layout.place(TOP, format!("{i}/x").as_bytes(), "");
        }
        assert_eq!(layout.folders.len(), FOLDER_COUNT_MAX);
        assert_eq!(layout.place(TOP, b"new/y", "").folder, TOP);
        let known = layout.place(TOP, b"1/y", "");
        assert_eq!(layout.components(known.folder), ["F.d", "1"]);
    }

    #[test]
    fn any_names_give_places_apart() {
        let mut x = 1u64;
        let mut next = move || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1);
            (x >> 40) as usize
        };
        let alphabet = [&b"a"[..], b"A", b"/", b"\\", b"..", b".", b" (2)", b".d", b"\0", b"\xff", b"C:", b" ", b"~"];
        let (mut layout, mut folders, mut seen) =
            (Layout::new("F", 7), vec![TOP], HashSet::with_hasher(SeededState(0)));
        for _ in 0..20_000 {
            let name: Vec<u8> = (0..next() % 6).flat_map(|_| alphabet[next() % alphabet.len()]).copied().collect();
            let place = layout.place(folders[next() % folders.len()], &name, "n");
            let path = layout.path(&place);
            assert!(path.starts_with("F.d/") && path.len() <= PATH_LEN_MAX, "{path}");
            assert!(path.split('/').all(|c| safe_name::sanitize(c.as_bytes()) == c), "{path}");
            for (at, _) in path.match_indices('/') {
                assert!(!seen.contains(&(path[..at].to_lowercase(), 'f')), "{path}: a file is where a folder is");
                seen.insert((path[..at].to_lowercase(), 'd'));
            }
            let folded = path.to_lowercase();
            assert!(!seen.contains(&(folded.clone(), 'd')) && seen.insert((folded, 'f')), "{path}");
            if next() % 4 == 0 {
                folders.push(layout.inside(&place));
            }
        }
    }
}
