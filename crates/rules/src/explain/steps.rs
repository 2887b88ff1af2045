//! Buffers, transforms and what is looked for in them, in words.

use super::numbers::{compare, int, ranges, thousandths, which};
use crate::ir::{
    Buffer, BufferMatch, ByteOp, Content, DatasetOp, Fast, HeaderBuffer, Int, MathOp, Number, Pcre, Read, RuleSet,
    Step, Transform,
};

/// A buffer.
pub(super) fn buffer(buffer: Buffer) -> String {
    match buffer {
        Buffer::Payload => "the payload".into(),
        Buffer::Packet => "the packet's payload".into(),
        Buffer::Fact(fact) => fact.info().keyword.into(),
        Buffer::Base64 => "what base64_decode gave".into(),
        Buffer::Header(header) => format!("the {} header", header_name(header)),
        Buffer::Address { src: true } => "the source address".into(),
        Buffer::Address { src: false } => "the destination address".into(),
        Buffer::Frame(app, kind) => format!("the frame {app}.{}", kind.info().name),
    }
}

/// A header's name.
pub(super) const fn header_name(header: HeaderBuffer) -> &'static str {
    match header {
        HeaderBuffer::Ether => "Ethernet",
        HeaderBuffer::Arp => "ARP",
        HeaderBuffer::Ipv4 => "IPv4",
        HeaderBuffer::Ipv6 => "IPv6",
        HeaderBuffer::Tcp => "TCP",
        HeaderBuffer::Udp => "UDP",
        HeaderBuffer::Icmpv4 => "ICMPv4",
        HeaderBuffer::Icmpv6 => "ICMPv6",
        HeaderBuffer::Igmp => "IGMP",
    }
}

/// What is done to a buffer first.
pub(super) fn transform(transform: &Transform) -> String {
    match transform {
        Transform::CasechangeLower => "in lower case".into(),
        Transform::CasechangeUpper => "in upper case".into(),
        Transform::CompressWhitespace => "with runs of white space as one".into(),
        Transform::Domain => "its registered domain".into(),
        Transform::Dotprefix => "with a dot before it".into(),
        Transform::FromBase64 { bytes, offset, rfc2045, strict } => {
            let bytes = bytes.map_or_else(String::new, |n| format!(" of {n} bytes"));
            let lenient = match (rfc2045, strict) {
                (true, _) => ", other signs skipped",
                (_, true) => ", nothing if there are other signs",
                _ => "",
            };
            format!("decoded from base64{bytes} from offset {offset}{lenient}")
        }
        Transform::Gunzip { max_len } => format!("unpacked by gzip, up to {max_len} bytes"),
        Transform::HeaderLowercase => "with header names in lower case".into(),
        Transform::Md5 => "its MD5".into(),
        Transform::Pcrexform(pattern) => format!("what the group of /{pattern}/ matches"),
        Transform::Sha1 => "its SHA-1".into(),
        Transform::Sha256 => "its SHA-256".into(),
        Transform::StripPseudoHeaders => "without pseudo headers".into(),
        Transform::StripWhitespace => "without white space".into(),
        Transform::Subslice { from, len: Some(len) } => format!("{len} bytes from {from} on"),
        Transform::Subslice { from, len: None } => format!("from byte {from} on"),
        Transform::Tld => "its top-level domain".into(),
        Transform::UrlDecode => "with %xx decoded".into(),
        Transform::Xor(key) => format!("XORed with {}", show(key)),
        Transform::XorOwn { offset, key_len, key_offset } => {
            format!("from {offset} on XORed with the {key_len} bytes at {key_offset}")
        }
        Transform::ZlibDeflate { max_len } => format!("unpacked by zlib, up to {max_len} bytes"),
    }
}

/// What is looked for in a buffer, a line each.
pub(super) fn say(entry: &BufferMatch, set: &RuleSet) -> Vec<String> {
    entry.steps.iter().map(|one| step(one, set)).collect()
}

fn step(step: &Step, set: &RuleSet) -> String {
    match step {
        Step::Content(content) => say_content(content),
        Step::Pcre(pcre) => say_pcre(pcre),
        Step::ByteTest { read, op, negated, value } => {
            let not = if *negated { "not " } else { "" };
            format!("{} is {not}{} {}", say_read(read), sign(*op), int(*value))
        }
        Step::ByteJump { read, multiplier, align, from_beginning, from_end, post_offset } => {
            let from = match (from_beginning, from_end) {
                (true, _) => "from the beginning",
                (_, true) => "from the end",
                _ => "from there",
            };
            let times = if *multiplier > 1 { format!(" times {multiplier}") } else { String::new() };
            let align = if *align { ", rounded up to 4" } else { "" };
            let more =
                if *post_offset == Int::Number(0) { String::new() } else { format!(", and {} on", int(*post_offset)) };
            format!("go on {from} by {}{times}{align}{more}", say_read(read))
        }
        Step::ByteExtract { read, var, multiplier, .. } => {
            let times = if *multiplier > 1 { format!(" times {multiplier}") } else { String::new() };
            format!("variable {var} becomes {}{times}", say_read(read))
        }
        Step::ByteMath { read, op, value, var } => {
            let op = match op {
                MathOp::Add => "+",
                MathOp::Sub => "-",
                MathOp::Mul => "*",
                MathOp::Div => "/",
                MathOp::ShiftLeft => "<<",
                MathOp::ShiftRight => ">>",
            };
            format!("variable {var} becomes {} {op} {}", say_read(read), int(*value))
        }
        Step::IsDataAt { offset, relative, negated } => {
            let behind = if *relative { " behind the match before" } else { "" };
            format!("there is {}data {} bytes on{behind}", if *negated { "no " } else { "" }, int(*offset))
        }
        Step::Size(value) => format!("its length in bytes {}", compare(*value)),
        Step::Absent { or_else: false } => "is not there".into(),
        Step::Absent { or_else: true } => "is not there, or else:".into(),
        Step::Entropy(value) => format!("its entropy in bits a byte {}", thousandths(*value)),
        Step::Base64Decode { bytes, offset, relative } => {
            let bytes = if *bytes == 0 { String::new() } else { format!("{bytes} bytes of ") };
            let behind = if *relative { " behind the match before" } else { "" };
            format!("{bytes}base64 from offset {offset}{behind} is decoded")
        }
        Step::Dataset { set: n, op } => {
            let name = set.datasets.get(usize::from(*n)).map_or("", |set| &*set.name);
            match op {
                DatasetOp::IsSet => format!("is in the set {name}"),
                DatasetOp::IsNotSet => format!("is not in the set {name}"),
                DatasetOp::Set => format!("is new to the set {name}, and put into it"),
                DatasetOp::Unset => format!("is in the set {name}, and taken out of it"),
                DatasetOp::Reputation(value) => format!("its reputation in the set {name} {}", compare(*value)),
            }
        }
        Step::Number(value) => compare(*value),
        Step::NumberIn(list) => format!("is one of {}", ranges(list)),
        Step::Numbers { compare: value, which: of, slice } => {
            let slice = slice.map_or_else(String::new, |(from, to)| format!(" (of {from} to {to})"));
            format!("{}{slice} {}", which(*of), compare(*value))
        }
    }
}

fn say_content(content: &Content) -> String {
    let place = &content.place;
    let mut text = String::from(match (content.negated, place.starts, place.ends) {
        (false, true, true) => "is exactly ",
        (false, true, false) => "begins with ",
        (false, false, true) => "ends with ",
        (false, false, false) => "contains ",
        (true, true, true) => "is not ",
        (true, true, false) => "does not begin with ",
        (true, false, true) => "does not end with ",
        (true, false, false) => "does not contain ",
    });
    text.push_str(&show(&content.bytes));
    if content.nocase {
        text.push_str(" in any case");
    }
    match (place.offset, place.depth) {
        (Some(offset), Some(depth)) => text += &format!(", within {} bytes from offset {}", int(depth), int(offset)),
        (Some(offset), None) => text += &format!(", from offset {} on", int(offset)),
        (None, Some(depth)) => text += &format!(", within the first {} bytes", int(depth)),
        (None, None) => {}
    }
    match (place.distance, place.within) {
        (Some(distance), Some(within)) => {
            text +=
                &format!(", behind the match before by {} and within {} bytes of there", int(distance), int(within));
        }
        (Some(Int::Number(0)), None) => text += ", behind the match before",
        (Some(distance), None) => text += &format!(", at least {} bytes behind the match before", int(distance)),
        (None, Some(within)) => text += &format!(", within {} bytes behind the match before", int(within)),
        (None, None) => {}
    }
    match content.fast {
        Fast::Auto => {}
        Fast::Yes => text += " (searched for first)",
        Fast::Only => text += " (searched for first, and no more)",
        Fast::Chop(offset, len) => text += &format!(" ({len} bytes of it, from {offset}, are searched for first)"),
    }
    text
}

fn say_pcre(pcre: &Pcre) -> String {
    let not = if pcre.negated { "does not match" } else { "matches" };
    let mut text = format!("{not} /{}/", pcre.pattern);
    let flags = [
        (pcre.nocase, "in any case"),
        (pcre.dot_all, ". matches line ends too"),
        (pcre.multi_line, "^ and $ at every line"),
        (pcre.extended, "blanks in it mean nothing"),
        (pcre.anchored, "at the beginning"),
        (pcre.ungreedy, "as little as possible"),
        (pcre.relative, "behind the match before"),
    ];
    for (_, words) in flags.iter().filter(|(is, _)| *is) {
        text += ", ";
        text += words;
    }
    for (_, name) in &pcre.captures {
        text += &format!(", a group goes into {name}");
    }
    text
}

fn say_read(read: &Read) -> String {
    let how = match read.number {
        Number::Big => "big-endian number",
        Number::Little => "little-endian number",
        Number::Dce => "number in the PDU's byte order",
        Number::Text(8) => "octal number in text",
        Number::Text(16) => "hexadecimal number in text",
        Number::Text(_) => "decimal number in text",
    };
    let behind = if read.relative { " behind the match before" } else { "" };
    let mask = read.bitmask.map_or_else(String::new, |mask| format!(" under the mask {mask:#x}"));
    format!("the {how} of {} bytes at offset {}{behind}{mask}", int(read.len), int(read.offset))
}

const fn sign(op: ByteOp) -> &'static str {
    match op {
        ByteOp::Lt => "below",
        ByteOp::Gt => "above",
        ByteOp::Eq => "equal to",
        ByteOp::Le => "at most",
        ByteOp::Ge => "at least",
        ByteOp::And => "sharing a bit with",
        ByteOp::Xor => "differing in a bit from",
    }
}

/// Bytes as text, others between `|` in hexadecimal digits, as in rules.
pub(super) fn show(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    let mut is_hex = false;
    for &byte in bytes {
        let plain = (byte == b' ' || byte.is_ascii_graphic()) && byte != b'|' && byte != b'"';
        if plain == is_hex {
            text.push('|');
            is_hex = !plain;
        } else if is_hex {
            text.push(' ');
        }
        if plain {
            text.push(char::from(byte));
        } else {
            text += &format!("{byte:02x}");
        }
    }
    text += if is_hex { "|\"" } else { "\"" };
    text
}
