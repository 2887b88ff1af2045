//! A configuration as a tree. Suricata reads every value as text; what a text means is the asker's affair.

/// A value of suricata.yaml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Node {
    /// Nothing behind the colon, or no such key.
    #[default]
    Null,
    /// A text, as written.
    Scalar(Box<str>),
    /// Items in order.
    List(Vec<Self>),
    /// Keys in order, each once: the later one counts.
    Map(Vec<(Box<str>, Self)>),
}

/// Handed out where there is nothing.
pub(super) static NULL: Node = Node::Null;

impl Node {
    /// The value of a key; [`Node::Null`] if this is no mapping or has no such key. `_` and `-` in keys are the same, as in Suricata.
    pub fn get(&self, key: &str) -> &Self {
        match self {
            Self::Map(entries) => entries.iter().find(|(k, _)| same_key(k, key)).map_or(&NULL, |(_, v)| v),
            _ => &NULL,
        }
    }

    /// The value at a path whose parts are parted by dots: keys, numbers of a list's items, or names of a list's items (see [`Node::named`]).
    /// A key that has dots itself is found too.
    pub fn path(&self, path: &str) -> &Self {
        let mut node = self;
        let mut rest = path;
        while !rest.is_empty() {
            if let whole @ (Self::Scalar(_) | Self::List(_) | Self::Map(_)) = node.get(rest) {
                return whole;
            }
            let (part, behind) = rest.split_once('.').unwrap_or((rest, ""));
            node = match node {
                Self::List(items) => match part.parse::<usize>() {
                    Ok(n) => items.get(n).unwrap_or(&NULL),
                    Err(_) => node.named(part),
                },
                _ => node.get(part),
            };
            rest = behind;
        }
        node
    }

    /// Of a list such as `outputs` or `types`, whose items are names or mappings of one name: what belongs to that name.
    /// An item that is only a name gives itself.
    pub fn named(&self, name: &str) -> &Self {
        self.entries().find(|(n, _)| same_key(n, name)).map_or(&NULL, |(_, v)| v)
    }

    /// Names and values: of a mapping its entries; of a list those of its items (a name alone is its own value).
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let (map, list): (&[(Box<str>, Self)], &[Self]) = match self {
            Self::Map(map) => (map, &[]),
            Self::List(list) => (&[], list),
            _ => (&[], &[]),
        };
        let of_list = list.iter().flat_map(|item| {
            let name = item.text().map(|name| (name, item));
            let entries: &[(Box<str>, Self)] = if let Self::Map(map) = item { map } else { &[] };
            name.into_iter().chain(entries.iter().map(|(k, v)| (&**k, v)))
        });
        map.iter().map(|(k, v)| (&**k, v)).chain(of_list)
    }

    /// Items of a list; a single text is a list of one.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Scalar(_) => std::slice::from_ref(self),
            _ => &[],
        }
    }

    /// Is there nothing?
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// `yes`, `true`, `on`, `1`: true; `no`, `false`, `off`, `0`: false, in any case; else nothing.
    pub fn truth(&self) -> Option<bool> {
        let text = self.text()?;
        let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
        if is(&["yes", "true", "on", "1"]) {
            Some(true)
        } else if is(&["no", "false", "off", "0"]) {
            Some(false)
        } else {
            None
        }
    }

    /// A number, decimal or hexadecimal behind `0x`.
    pub fn number(&self) -> Option<u64> {
        let text = self.text()?;
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }

    /// A number of bytes: `4kb`, `1 mb`, `2gb`, `100`; kb are 1,024.
    pub fn size(&self) -> Option<u64> {
        let text = self.text()?.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits)?;
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "kb" | "kib" => 10,
            "mb" | "mib" => 20,
            "gb" | "gib" => 30,
            _ => return None,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let unit_len = 1u64 << shift;
        let whole: u64 = whole.parse().ok()?;
        let tenths = part.bytes().next().map_or(0, |c| u64::from(c.saturating_sub(b'0')));
        whole.checked_mul(unit_len)?.checked_add(tenths * unit_len / 10)
    }
}

fn same_key(a: &str, b: &str) -> bool {
    let plain = |c: u8| if c == b'_' { b'-' } else { c };
    a.len() == b.len() && a.bytes().map(plain).eq(b.bytes().map(plain))
}
