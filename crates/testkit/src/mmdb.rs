//! Small files in MaxMind's format (MaxMind DB File Format 2.0), for tests of countries and operators.

/// Where a network of 8, 16 or 24 bits is: a country, and an operator with its name.
pub type Row = ([u8; 3], u8, &'static str, u32, &'static str);

/// A file of IPv4 networks, made on second `built` since 1970. `kind`: `Test-Country` has the countries, `Test-ASN` the
/// operators.
pub fn mmdb(kind: &str, built: u64, rows: &[Row]) -> Vec<u8> {
    // A node is two records; what is not told yet is `None`.
    let mut nodes: Vec<[Next; 2]> = vec![[Next::Nothing; 2]];
    let mut data = Vec::new();
    for (net, bits, country, asn, operator) in rows {
        let at = data.len();
        if kind.contains("ASN") {
            map(&mut data, 2);
            text(&mut data, "autonomous_system_number");
            number(&mut data, 6, u64::from(*asn));
            text(&mut data, "autonomous_system_organization");
            text(&mut data, operator);
        } else {
            map(&mut data, 1);
            text(&mut data, "country");
            map(&mut data, 1);
            text(&mut data, "iso_code");
            text(&mut data, country);
        }
        let mut node = 0;
        for depth in 0..*bits {
            let bit = usize::from(net[usize::from(depth / 8)] >> (7 - depth % 8) & 1);
            if depth + 1 == *bits {
                nodes[node][bit] = Next::Data(at);
            } else if let Next::Node(next) = nodes[node][bit] {
                node = next;
            } else {
                nodes.push([Next::Nothing; 2]);
                nodes[node][bit] = Next::Node(nodes.len() - 1);
                node = nodes.len() - 1;
            }
        }
    }
    let count = nodes.len();
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            Next::Nothing => count,
            Next::Node(node) => *node,
            // Pointers count from the separator of 16 bytes on.
            Next::Data(at) => count + 16 + at,
        };
        out.extend_from_slice(&u32::try_from(value).unwrap_or(0).to_be_bytes()[1..]);
    }
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    map(&mut out, 9);
    for (name, size, value) in [
        ("binary_format_major_version", 5, 2),
        ("binary_format_minor_version", 5, 0),
        ("ip_version", 5, 4),
        ("record_size", 5, 24),
        ("node_count", 6, count as u64),
        ("build_epoch", 9, built),
    ] {
        text(&mut out, name);
        number(&mut out, size, value);
    }
    text(&mut out, "database_type");
    text(&mut out, kind);
    text(&mut out, "description");
    map(&mut out, 0);
    text(&mut out, "languages");
    // An array is an extended type: 11 is 7 + 4.
    out.extend_from_slice(&[0, 4]);
    out
}

#[derive(Clone, Copy)]
enum Next {
    Nothing,
    Node(usize),
    Data(usize),
}

fn map(out: &mut Vec<u8>, pairs: u8) {
    out.push(7 << 5 | pairs);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let len = u8::try_from(text.len()).unwrap_or(u8::MAX);
    if len < 29 {
        out.push(2 << 5 | len);
    } else {
        out.extend_from_slice(&[2 << 5 | 29, len - 29]);
    }
    out.extend_from_slice(text.as_bytes());
}

/// An unsigned number: type 5 has 16 bits, 6 has 32, 9 has 64.
fn number(out: &mut Vec<u8>, kind: u8, value: u64) {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    let len = u8::try_from(bytes.len()).unwrap_or(0);
    if kind < 8 {
        out.push(kind << 5 | len);
    } else {
        out.extend_from_slice(&[len, kind - 7]);
    }
    out.extend_from_slice(&bytes);
}
