use super::lex::{Kind, Token, error, lex};
use super::{Expr, FilterError, Join, MAX_DEPTH, MAX_TERMS, Side, Test, names};
use crate::link::ethertype;
use sekisho_types::{Addr, Subnet, ip_proto};

/// What a value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

/// The protocol word before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Ether,
    /// IPv4 or IPv6 by version.
    Ip(u8),
    /// A transport protocol.
    Upper(u8),
}

/// The words before a value. A value without any takes those of the one before it.
#[derive(Clone, Copy, Debug)]
struct Qualifiers {
    layer: Option<Layer>,
    side: Side,
    what: What,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Where the text ends, for errors there.
    end: usize,
    terms: usize,
    last: Option<Qualifiers>,
}

pub(super) fn parse(text: &str) -> Result<Option<Expr>, FilterError> {
    let mut p = Parser { tokens: lex(text)?, at: 0, end: text.trim_end().len(), terms: 0, last: None };
    if p.tokens.is_empty() {
        return Ok(None);
    }
    let root = p.chain(0)?;
    match p.next() {
        None => Ok(Some(root)),
        Some(Token { position, kind: Kind::Close }) => Err(error(position, "this parenthesis was not opened")),
        Some(Token { position, kind: Kind::Word(w) }) => {
            Err(error(position, format!("expected \"and\" or \"or\" before {w}")))
        }
        Some(t) => Err(error(t.position, "expected \"and\" or \"or\"")),
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Kind<'a>> {
        self.tokens.get(self.at).map(|t| t.kind)
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let t = self.tokens.get(self.at).copied();
        self.at += usize::from(t.is_some());
        t
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |t| t.position)
    }

    /// Consumes the next word if it is `word`.
    fn eat(&mut self, word: &str) -> bool {
        let hit = self.peek() == Some(Kind::Word(word));
        self.at += usize::from(hit);
        hit
    }

    /// The next word, which must be `what`.
    fn value(&mut self, what: &str) -> Result<(&'a str, usize), FilterError> {
        let position = self.position();
        match self.next().map(|t| t.kind) {
            Some(Kind::Word(w)) => Ok((w, position)),
            _ => Err(error(position, format!("expected {what}"))),
        }
    }

    fn chain(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let first = self.term(depth)?;
        let mut rest = Vec::new();
        loop {
            let join = match self.peek() {
                Some(Kind::And) => Join::And,
                Some(Kind::Or) => Join::Or,
                _ => break,
            };
            self.at += 1;
            rest.push((join, self.term(depth)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn term(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let position = self.position();
        if depth > MAX_DEPTH {
            return Err(error(position, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(error(position, format!("more than {MAX_TERMS} conditions")));
        }
        match self.next().map(|t| t.kind) {
            Some(Kind::Not) => Ok(Expr::Not(Box::new(self.term(depth + 1)?))),
            Some(Kind::Open) => {
                let inner = self.chain(depth + 1)?;
                match self.next() {
                    Some(Token { kind: Kind::Close, .. }) => Ok(inner),
                    _ => Err(error(position, "this parenthesis is not closed")),
                }
            }
            Some(Kind::Word(word)) => self.primitive(word, position),
            Some(Kind::And | Kind::Or) => Err(error(position, "a condition is missing before this word")),
            Some(Kind::Close) => Err(error(position, "a condition is missing before this parenthesis")),
            None => Err(error(position, "a condition is missing at the end")),
        }
    }

    fn primitive(&mut self, word: &'a str, position: usize) -> Result<Expr, FilterError> {
        match word {
            "vlan" => self.vlan(),
            "greater" => Ok(Expr::Test(Test::AtLeast(self.number("a length in bytes", u32::MAX)?))),
            "less" => Ok(Expr::Test(Test::AtMost(self.number("a length in bytes", u32::MAX)?))),
            "arp" => Ok(Expr::Test(Test::Ethertype(ethertype::ARP))),
            "rarp" => Ok(Expr::Test(Test::Ethertype(ethertype::RARP))),
            "multicast" => Ok(Expr::Test(Test::LinkMulticast)),
            "broadcast" => Ok(Expr::Test(Test::LinkBroadcast)),
            "ether" | "wlan" => self.ether(),
            "ip" => self.layered(Layer::Ip(4)),
            "ip6" => self.layered(Layer::Ip(6)),
            "src" | "dst" | "host" | "net" | "port" | "portrange" | "proto" => {
                self.at = self.at.saturating_sub(1);
                self.qualified(None)
            }
            _ => match (names::protocol(word), self.last) {
                (Some(proto), _) => self.layered(Layer::Upper(proto)),
                (None, Some(last)) => self.build(last, word, position),
                (None, None) if word.parse::<Addr>().is_ok() => {
                    let host = Qualifiers { layer: None, side: Side::Either, what: What::Host };
                    self.build(host, word, position)
                }
                (None, None) => Err(error(position, format!("unknown word {word}"))),
            },
        }
    }

    fn number(&mut self, what: &str, max: u32) -> Result<u32, FilterError> {
        let (word, position) = self.value(what)?;
        let n = names::number(word).filter(|n| *n <= max);
        n.ok_or_else(|| error(position, format!("{word} is not {what}")))
    }

    fn vlan(&mut self) -> Result<Expr, FilterError> {
        match self.peek() {
            Some(Kind::Word(w)) if w.starts_with(|c: char| c.is_ascii_digit()) => {
                let id = self.number("a VLAN id (0 to 4095)", 4095)?;
                Ok(Expr::Test(u16::try_from(id).map_or(Test::AnyVlan, Test::Vlan)))
            }
            _ => Ok(Expr::Test(Test::AnyVlan)),
        }
    }

    fn ether(&mut self) -> Result<Expr, FilterError> {
        if self.eat("multicast") {
            return Ok(Expr::Test(Test::LinkMulticast));
        }
        if self.eat("broadcast") {
            return Ok(Expr::Test(Test::LinkBroadcast));
        }
        self.qualified(Some(Layer::Ether))
    }

    /// A protocol word: alone a test, before other words a restriction.
    fn layered(&mut self, layer: Layer) -> Result<Expr, FilterError> {
        match self.peek() {
            Some(Kind::Word("src" | "dst" | "host" | "net" | "port" | "portrange" | "proto")) => {
                self.qualified(Some(layer))
            }
            Some(Kind::Word("multicast")) if matches!(layer, Layer::Ip(_)) => {
                self.at += 1;
                Ok(both(layer_test(layer), Expr::Test(Test::IpMulticast)))
            }
            _ => match layer_test(layer) {
                Some(alone) => Ok(alone),
                None => self.qualified(Some(layer)),
            },
        }
    }

    /// Side, kind and value.
    fn qualified(&mut self, layer: Option<Layer>) -> Result<Expr, FilterError> {
        let side = self.side();
        let what = self.what();
        let q = Qualifiers { layer, side: side.unwrap_or(Side::Either), what: what.unwrap_or(What::Host) };
        if side.is_none() && what.is_none() {
            return Err(error(self.position(), "expected host, src, dst or proto"));
        }
        let (word, position) = self.value(match (q.what, layer) {
            (What::Host, Some(Layer::Ether)) => "a link address",
            (What::Host, _) => "an address",
            (What::Net, _) => "a network",
            (What::Port, _) => "a port",
            (What::PortRange, _) => "a port range",
            (What::Proto, _) => "a protocol",
        })?;
        self.build(q, word, position)
    }

    /// `src`, `dst`, `src or dst`, `src and dst`, and the other way round.
    fn side(&mut self) -> Option<Side> {
        let (first, other, side) = match self.peek() {
            Some(Kind::Word("src")) => ("src", "dst", Side::Src),
            Some(Kind::Word("dst")) => ("dst", "src", Side::Dst),
            _ => return None,
        };
        self.eat(first);
        let joined = match (self.peek(), self.tokens.get(self.at + 1).map(|t| t.kind)) {
            (Some(Kind::Or), Some(Kind::Word(w))) if w == other => Side::Either,
            (Some(Kind::And), Some(Kind::Word(w))) if w == other => Side::Both,
            _ => return Some(side),
        };
        // `src or dst` is followed by a value or a kind; `src A or dst B` never comes here.
        self.at += 2;
        Some(joined)
    }

    fn what(&mut self) -> Option<What> {
        let what = match self.peek()? {
            Kind::Word("host") => What::Host,
            Kind::Word("net") => What::Net,
            Kind::Word("port") => What::Port,
            Kind::Word("portrange") => What::PortRange,
            Kind::Word("proto") => What::Proto,
            _ => return None,
        };
        self.at += 1;
        Some(what)
    }

    fn build(&mut self, q: Qualifiers, word: &str, position: usize) -> Result<Expr, FilterError> {
        let is_not = |what: &str| error(position, format!("{word} is no {what}"));
        let test = match (q.what, q.layer) {
            (What::Host, Some(Layer::Ether)) => {
                Test::Mac(q.side, names::mac(word).ok_or_else(|| is_not("link address"))?)
            }
            (What::Proto, Some(Layer::Ether)) => {
                let kind = names::number(word).and_then(|n| u16::try_from(n).ok());
                Test::Ethertype(kind.or_else(|| ether_type(word)).ok_or_else(|| is_not("ethertype"))?)
            }
            (_, Some(Layer::Ether)) => return Err(error(position, "ether takes host, src, dst or proto")),
            (What::Host, _) => {
                let addr = word.parse::<Addr>().map_err(|_| is_not("IP address (names are not looked up)"))?;
                let bits = if addr.is_v4() { 32 } else { 128 };
                Test::Net(q.side, Subnet::new(addr, bits).ok_or_else(|| is_not("IP address"))?)
            }
            (What::Net, _) => Test::Net(q.side, self.net(word).ok_or_else(|| is_not("network, e.g. 10.0.0.0/8"))?),
            (What::Port, _) => {
                let port = names::port(word).ok_or_else(|| is_not("port"))?;
                Test::Port(q.side, port, port)
            }
            (What::PortRange, _) => {
                let (low, high) = names::port_range(word).ok_or_else(|| is_not("port range, e.g. 6000-6010"))?;
                Test::Port(q.side, low, high)
            }
            (What::Proto, _) => {
                let proto = names::number(word).and_then(|n| u8::try_from(n).ok());
                Test::Proto(proto.or_else(|| names::protocol(word)).ok_or_else(|| is_not("IP protocol"))?)
            }
        };
        self.last = Some(q);
        Ok(both(q.layer.filter(|l| *l != Layer::Ether).and_then(layer_test), Expr::Test(test)))
    }

    fn net(&mut self, word: &str) -> Option<Subnet> {
        if self.eat("mask") {
            let (mask, _) = self.value("a mask").ok()?;
            return names::net_with_mask(word, mask);
        }
        names::net(word)
    }
}

fn ether_type(word: &str) -> Option<u16> {
    match word {
        "arp" => Some(ethertype::ARP),
        "ip" => Some(ethertype::IPV4),
        "ip6" => Some(ethertype::IPV6),
        "rarp" => Some(ethertype::RARP),
        _ => None,
    }
}

fn both(first: Option<Expr>, second: Expr) -> Expr {
    match first {
        Some(first) => Expr::Chain(Box::new(first), vec![(Join::And, second)]),
        None => second,
    }
}

/// What a protocol word means alone.
fn layer_test(layer: Layer) -> Option<Expr> {
    let version_of = |proto| match proto {
        ip_proto::ICMP => Some(4),
        ip_proto::ICMPV6 => Some(6),
        _ => None,
    };
    match layer {
        Layer::Ether => None,
        Layer::Ip(version) => Some(Expr::Test(Test::Version(version))),
        Layer::Upper(proto) => {
            let version = version_of(proto).map(|v| Expr::Test(Test::Version(v)));
            Some(both(version, Expr::Test(Test::Proto(proto))))
        }
    }
}
