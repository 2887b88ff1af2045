//! classification.config, reference.config.

use super::{Config, Files};
use hashbrown::HashMap;
use sekisho_types::SeededState;
use std::sync::Arc;

/// Classes and reference systems; more are left out.
const ENTRY_COUNT_MAX: usize = 1 << 16;

/// What `classtype` and `reference` name.
#[derive(Debug)]
pub(crate) struct Classes {
    classes: HashMap<Arc<str>, (Arc<str>, u8), SeededState>,
    pub systems: Arc<Systems>,
}

/// What stands before the ids of references, by the references' system.
#[derive(Debug)]
pub(crate) struct Systems(HashMap<Box<str>, Box<str>, SeededState>);

impl Default for Classes {
    fn default() -> Self {
        Self { classes: HashMap::with_hasher(SeededState(0)), systems: Arc::default() }
    }
}

impl Default for Systems {
    fn default() -> Self {
        Self(HashMap::with_hasher(SeededState(0)))
    }
}

impl Systems {
    /// What stands before a reference's id: `https://`.
    pub fn prefix(&self, name: &str) -> Option<&str> {
        self.0.get(name.to_ascii_lowercase().as_str()).map(|prefix| &**prefix)
    }

    /// Lines `config reference: NAME PREFIX`.
    pub fn add(&mut self, text: &str) {
        for line in text.lines() {
            let Some(rest) = directive(line, "reference") else { continue };
            let mut parts = rest.split_ascii_whitespace();
            let (Some(name), Some(prefix)) = (parts.next(), parts.next()) else { continue };
            if self.0.len() < ENTRY_COUNT_MAX {
                self.0.insert(name.to_ascii_lowercase().into(), prefix.into());
            }
        }
    }
}

impl Classes {
    /// From the files that the configuration names, else those beside the rules, if they are there.
    pub fn load(config: &Config, rules: Option<&str>, files: &mut dyn Files) -> Self {
        let mut classes = Self::default();
        let mut read = |key: &str, name: &str| {
            let bytes = match config.get(key).text() {
                Some(path) => files.read(&config.name, path),
                None => files.read(rules.unwrap_or(""), name),
            };
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        let text = read("classification-file", "classification.config");
        classes.add_classes(&text);
        let text = read("reference-config-file", "reference.config");
        let mut systems = Systems::default();
        systems.add(&text);
        classes.systems = Arc::new(systems);
        classes
    }

    /// A class by its short name: that name, description and priority.
    pub fn class(&self, name: &str) -> Option<(Arc<str>, Arc<str>, u8)> {
        let (name, (text, priority)) = self.classes.get_key_value(name)?;
        Some((Arc::clone(name), Arc::clone(text), *priority))
    }

    /// Are no classes known?
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Lines `config classification: NAME,DESCRIPTION,PRIORITY`.
    fn add_classes(&mut self, text: &str) {
        for line in text.lines() {
            let Some(rest) = directive(line, "classification") else { continue };
            let mut parts = rest.splitn(3, ',').map(str::trim);
            let (Some(name), Some(text), Some(priority)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let Ok(priority) = priority.parse() else { continue };
            if self.classes.len() < ENTRY_COUNT_MAX {
                self.classes.insert(name.into(), (text.into(), priority));
            }
        }
    }
}

fn directive<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let rest = line.trim().strip_prefix("config")?.trim_start().strip_prefix(what)?.trim_start();
    rest.strip_prefix(':').map(str::trim_start)
}
