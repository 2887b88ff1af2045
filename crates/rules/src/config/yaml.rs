//! YAML to [`Node`]s, within limits: aliases are copied on a budget, nesting is bounded, so that no text grows without bound.

use super::{ConfigError, Node};
use saphyr_parser::{Event, Parser, ScanError};
use std::collections::BTreeMap;

/// Levels of lists and mappings within each other.
pub const YAML_DEPTH_MAX: usize = 64;

/// Nodes of one configuration, those of aliases counted each time.
pub const YAML_NODE_COUNT_MAX: usize = 1 << 18;

/// Bytes of all texts of one configuration, those of aliases counted each time.
pub const YAML_TEXT_LEN_MAX: usize = 16 << 20;

/// Keys of one mapping.
pub const YAML_KEY_COUNT_MAX: usize = 2048;

struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<Box<str>>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    node_count: usize,
    text_len: usize,
    root: Option<Node>,
}

/// The first document of `text`.
pub(super) fn parse(name: &str, text: &str) -> Result<Node, ConfigError> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| broken(name, &e))?;
        let line = span.start.line();
        let fail = |what: &str| ConfigError { file: name.into(), line, text: what.into() };
        let taken = match event {
            Event::Scalar(text, _, anchor, _) => builder.scalar(&text, anchor),
            Event::SequenceStart(anchor, _) => builder.begin(Node::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => builder.begin(Node::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => builder.end(),
            Event::Alias(anchor) => {
                let copy = builder.anchors.get(&anchor).cloned().unwrap_or_default();
                builder.count(&copy).and_then(|()| builder.put(copy))
            }
            Event::DocumentEnd => break,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => Ok(()),
        };
        taken.map_err(fail)?;
    }
    Ok(builder.root.unwrap_or_default())
}

fn broken(name: &str, e: &ScanError) -> ConfigError {
    ConfigError { file: name.into(), line: e.marker().line(), text: e.info().into() }
}

type Taken = Result<(), &'static str>;

impl Builder {
    fn scalar(&mut self, text: &str, anchor: usize) -> Taken {
        // A key: waits for its value.
        if let Some(Open { node: Node::Map(_), key: key @ None, .. }) = self.open.last_mut() {
            *key = Some(text.into());
            return Ok(());
        }
        let node = if text.is_empty() || text == "~" { Node::Null } else { Node::Scalar(text.into()) };
        self.count(&node)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node)
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Taken {
        if self.open.len() >= YAML_DEPTH_MAX {
            return Err("lists and mappings are nested too deep");
        }
        if let Some(Open { node: Node::Map(_), key: None, .. }) = self.open.last() {
            return Err("a list or mapping stands where a key should");
        }
        self.count(&node)?;
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    fn end(&mut self) -> Taken {
        let Some(done) = self.open.pop() else { return Ok(()) };
        if done.anchor > 0 {
            self.count(&done.node)?;
            self.anchors.insert(done.anchor, done.node.clone());
        }
        self.put(done.node)
    }

    fn put(&mut self, node: Node) -> Taken {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node::List(items), .. }) => items.push(node),
            Some(Open { node: Node::Map(entries), key, .. }) => match key.take() {
                Some(key) if key.as_ref() == "<<" => {
                    if let Node::Map(merged) = node {
                        entries.extend(merged.into_iter().take(YAML_KEY_COUNT_MAX));
                    }
                }
                Some(key) => match entries.iter().position(|(k, _)| *k == key) {
                    Some(at) => {
                        if let Some((_, old)) = entries.get_mut(at) {
                            *old = node;
                        }
                    }
                    None if entries.len() >= YAML_KEY_COUNT_MAX => return Err("a mapping has too many keys"),
                    None => entries.push((key, node)),
                },
                None => return Err("a value has no key"),
            },
            Some(_) => {}
        }
        Ok(())
    }

    fn count(&mut self, node: &Node) -> Taken {
        self.node_count += 1;
        match node {
            Node::Null => {}
            Node::Scalar(text) => self.text_len += text.len(),
            Node::List(items) => items.iter().try_for_each(|item| self.count(item))?,
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.text_len += key.len();
                    self.count(value)?;
                }
            }
        }
        if self.node_count > YAML_NODE_COUNT_MAX || self.text_len > YAML_TEXT_LEN_MAX {
            return Err("the configuration is too large");
        }
        Ok(())
    }
}
