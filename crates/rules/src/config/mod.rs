//! suricata.yaml: variables and files for the rules, and everything else as a tree for those who ask.

mod classes;
mod node;
pub(crate) mod thresholds;
mod yaml;

pub(crate) use classes::{Classes, Systems};
pub use node::Node;
pub use yaml::{YAML_DEPTH_MAX, YAML_KEY_COUNT_MAX, YAML_NODE_COUNT_MAX, YAML_TEXT_LEN_MAX};

use std::fmt;

/// Files that include each other, in all.
pub const INCLUDE_COUNT_MAX: usize = 64;

/// How deep includes nest.
const INCLUDE_DEPTH_MAX: usize = 8;

/// Where files that a configuration or a rule names come from. This crate touches no disk.
pub trait Files {
    /// The file `path` as named in the file `base` (a configuration, or a file of rules); the error is a short sentence.
    fn read(&mut self, base: &str, path: &str) -> Result<Vec<u8>, String>;
}

/// No files: every one is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _base: &str, _path: &str) -> Result<Vec<u8>, String> {
        Err("there are no files here".into())
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// File.
    pub file: Box<str>,
    /// Line, from 1; 0: the file as a whole.
    pub line: usize,
    /// What.
    pub text: Box<str>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A configuration. `Config::default()` is that of an empty file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file's name, which paths in it count from.
    pub name: Box<str>,
    root: Node,
}

impl Config {
    /// From the text of a suricata.yaml. Includes are followed.
    pub fn parse(name: &str, text: &str, files: &mut dyn Files) -> Result<Self, ConfigError> {
        let mut count = 0;
        let root = read(name, text, files, 0, &mut count)?;
        Ok(Self { name: name.into(), root })
    }

    /// The whole tree.
    pub const fn root(&self) -> &Node {
        &self.root
    }

    /// A top-level section: `outputs`; [`Node::Null`] if there is none.
    pub fn get(&self, key: &str) -> &Node {
        self.root.get(key)
    }

    /// The value at a dotted path: `app-layer.protocols.http.enabled`, `outputs.eve-log.community-id`.
    pub fn path(&self, path: &str) -> &Node {
        self.root.path(path)
    }

    /// Is the value there and one of Suricata's words for true? Else `default`, if it is not there or no word for either.
    pub fn truth(&self, path: &str, default: bool) -> bool {
        self.path(path).truth().unwrap_or(default)
    }
}

fn read(name: &str, text: &str, files: &mut dyn Files, depth: usize, count: &mut usize) -> Result<Node, ConfigError> {
    let mut root = yaml::parse(name, text)?;
    include(name, &mut root, files, depth, count)?;
    Ok(root)
}

/// `include: FILE` (or a list of them) at the top lays the file's keys over those here; a value `!include FILE` is the whole file.
fn include(
    name: &str,
    root: &mut Node,
    files: &mut dyn Files,
    depth: usize,
    count: &mut usize,
) -> Result<(), ConfigError> {
    let wanted: Vec<Box<str>> = root.get("include").items().iter().filter_map(Node::text).map(Into::into).collect();
    for path in wanted {
        let fail = |text: String| ConfigError { file: name.into(), line: 0, text: text.into() };
        *count += 1;
        if *count > INCLUDE_COUNT_MAX || depth >= INCLUDE_DEPTH_MAX {
            return Err(fail(format!("include {path}: too many files include each other")));
        }
        let bytes = files.read(name, &path).map_err(|e| fail(format!("include {path}: {e}")))?;
        let text = String::from_utf8_lossy(&bytes);
        let included = read(&path, &text, files, depth + 1, count)?;
        if let (Node::Map(here), Node::Map(more)) = (&mut *root, included) {
            // What stands behind the `include` outweighs the file, the file what stands before it.
            let place = here.iter().position(|(k, _)| &**k == "include").unwrap_or(0);
            for (key, value) in more {
                match here.iter_mut().enumerate().find(|(_, (k, _))| *k == key) {
                    Some((at, (_, old))) if at < place => *old = value,
                    Some(_) => {}
                    None => here.push((key, value)),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "%YAML 1.1\n---\nvars:\n  address-groups:\n    HOME_NET: \"[10.0.0.0/8]\"\noutputs:\n  - fast:\n      enabled: yes\n  - eve-log:\n      enabled: no\n      \
        types:\n        - alert:\n            payload: YES\n        - http\napp_layer:\n  protocols:\n    http:\n      enabled: detection-only\n      limit: 100kb\n";

    #[test]
    fn finds_by_path() {
        let config = Config::parse("a.yaml", TEXT, &mut NoFiles).unwrap();
        assert_eq!(config.path("vars.address-groups.HOME_NET").text(), Some("[10.0.0.0/8]"));
        assert_eq!(config.path("outputs.eve-log.enabled").truth(), Some(false));
        assert_eq!(config.path("outputs.1.eve-log.types.alert.payload").truth(), Some(true));
        assert_eq!(config.path("app-layer.protocols.http.limit").size(), Some(102_400));
        assert_eq!(config.path("app-layer.protocols.http.enabled").truth(), None);
        assert!(config.truth("app-layer.protocols.http.enabled", true) && config.path("no.such").is_null());
        let types = config.path("outputs.eve-log.types");
        assert_eq!(types.entries().map(|(name, _)| name).collect::<Vec<_>>(), ["alert", "http"]);
    }

    struct One(&'static str);

    impl Files for One {
        fn read(&mut self, _base: &str, _path: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.as_bytes().to_vec())
        }
    }

    #[test]
    fn includes_lay_over() {
        let config = Config::parse("a", "a: 1\nb: 2\ninclude: x.yaml\n", &mut One("b: 3\nc: 4\n")).unwrap();
        assert_eq!(
            (config.get("a").number(), config.get("b").number(), config.get("c").number()),
            (Some(1), Some(3), Some(4))
        );
        assert!(Config::parse("a", "include: x", &mut One("include: x")).is_err());
    }

    #[test]
    fn limits_hold() {
        let deep = "[".repeat(YAML_DEPTH_MAX + 1);
        assert!(Config::parse("a", &deep, &mut NoFiles).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..9 {
            bomb += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
        }
        let e = Config::parse("a", &bomb, &mut NoFiles).unwrap_err();
        assert_eq!(&*e.text, "the configuration is too large");
        let e = Config::parse("a.yaml", "a: [1\nb: {", &mut NoFiles).unwrap_err();
        assert!(e.to_string().starts_with("a.yaml:"), "{e}");
    }
}
