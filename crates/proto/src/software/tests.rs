use super::MAX_TEXT_LEN;
use super::version::{Product, Version, parse};
use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::Dir;

fn check(text: &str, name: &str, numbers: &[u64], addl: Option<&str>) {
    let mut version = Version { addl: addl.map(|a| a.as_bytes().to_vec()), ..Version::default() };
    version.numbers.iter_mut().zip(numbers).for_each(|(place, n)| *place = Some(*n));
    assert_eq!(parse(text.as_bytes()), Product { name: name.into(), version }, "{text}");
}

#[test]
fn parses_names_and_numbers() {
    check("nginx/1.18.0", "nginx", &[1, 18, 0], None);
    check("nginx", "nginx", &[], None);
    check("OpenSSH_9.6", "OpenSSH", &[9, 6], None);
    check("OpenSSH_8.9p1 Ubuntu-3", "OpenSSH", &[8, 9], Some("p1"));
    check("dropbear_2022.83", "dropbear", &[2022, 83], None);
    check("Cisco-1.25", "Cisco", &[1, 25], None);
    check("aiohttp/3.8.1.2", "aiohttp", &[3, 8, 1, 2], None);
    check("product/10,2,153,1", "product", &[10, 2, 153, 1], None);
    check("python-requests/2.31.0", "python-requests", &[2, 31, 0], None);
    check("Java1.8.0_292", "Java", &[1, 8, 0, 292], None);
    check("kettle v12b", "kettle", &[12], Some("b"));
    check("Two Words", "Two Words", &[], None);
    check("(ftpd 3.0.5)", "ftpd", &[3, 0, 5], None);
    check("", "", &[], None);
}

#[test]
fn parses_what_follows_the_numbers() {
    check("Apache/2.4.41 (Ubuntu)", "Apache", &[2, 4, 41], Some("Ubuntu"));
    check("Apache/2.4.6 (CentOS) OpenSSL/1.0.2k-fips PHP/5.4.16", "Apache", &[2, 4, 6], Some("CentOS"));
    check("Wget/1.21+git-3 (linux-gnu)", "Wget", &[1, 21], Some("+git"));
    check("mail (4.2.0 RC1) Home", "mail", &[4, 2, 0], Some("RC1"));
    check("mail (v2.00.9) Home", "mail", &[2, 0, 9], Some("Home"));
    check("Tunes/9.0 (Macintosh; Intel)", "Tunes", &[9, 0], Some("Macintosh"));
    check("wu-2.4.2-academ[BETA]", "wu", &[2, 4, 2], Some("academ"));
    check("Phone v4.3.1 Weather v1.0", "Phone", &[4, 3, 1], Some("Weather"));
    check("x/1.2;y", "x", &[1, 2], Some("y"));
    check("x/1.2;;;y", "x", &[1, 2], Some(";;;y"));
}

#[test]
fn parses_escapes() {
    check("My%20App/128 CFNetwork/760.2.6", "My App", &[128], Some("CFNetwork/760"));
    check("My\\x20App/1.5", "My App", &[1, 5], None);
    check("Flash%20Player/26.0.0.137 CFNetwork/8", "Flash", &[26, 0, 0, 137], Some("CFNetwork/8"));
    check("100%/1.5", "", &[100], Some("%/1"));
}

#[test]
fn parses_strange_separators_as_zeek_does() {
    check("foo//1.0", "foo", &[1, 0], None);
    // The first separator goes, not the last.
    check("foo-bar//1.0", "foobar/", &[1, 0], None);
    // A single digit is no version.
    check("foo/3", "foo/3", &[], None);
    check("foo 3", "foo", &[3], None);
    check("1.0", "", &[1, 0], None);
    check("a/99999999999999999999999.1", "a", &[u64::MAX, 1], None);
}

#[test]
fn parses_android_services() {
    check("A/8.1.0/Google/Pixel#2/walleye/-", "Android (Google Pixel)", &[8, 1, 0], None);
    check("A/9/Google/Pixel#2/walleye/-", "Android (Google Pixel)", &[9], None);
}

#[test]
fn parses_browsers() {
    let webkit = "AppleWebKit/533.17.9 (KHTML, like Gecko)";
    let mozilla = |rest: &str| format!("Mozilla/5.0 (X; Y) {rest}");
    let gecko = mozilla("Gecko/20100101 Firefox/115.0");
    check(&gecko, "Firefox", &[115, 0], None);
    check(&mozilla("Gecko/20101013 Lightning/1.0b2 Thunderbird/3.1.5"), "Thunderbird", &[3, 1, 5], None);
    check(&mozilla("Gecko/20040804 Netscape/7.2 (ax)"), "Netscape", &[7, 2], None);
    check(&mozilla(&format!("{webkit} Version/5.0.2 Safari/6533.18.5")), "Safari", &[5, 0, 2], None);
    check(&mozilla(&format!("{webkit} Version/5.0.2 Mobile/8H7 Safari/6533")), "Safari", &[5, 0, 2], Some("Mobile"));
    check(&mozilla(&format!("{webkit} Version/4.0 Mobile Safari/533.1")), "Safari", &[4, 0], Some("Mobile"));
    check(&mozilla(&format!("{webkit} Chrome/120.0.6099.71 Safari/537.36")), "Chrome", &[120, 0, 6099, 71], None);
    check(&mozilla(&format!("{webkit} Chrome/52.0 Safari/537.36 Edge/15.15063")), "Edge", &[15, 15063], None);
    check(&mozilla(webkit), "Unspecified WebKit", &[533, 17, 9], None);
    check(&mozilla(&format!("{webkit} AdobeAIR/1.0")), "AdobeAIR", &[1, 0], None);
    check("Mozilla/4.0 (Linux 5.4) Java/1.7.0_80", "Java", &[1, 7, 0, 80], None);
    check("Mozilla/5.0 (Unknown)", "<unknown browser>", &[], None);
}

#[test]
fn parses_explorer_by_its_engine() {
    check("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "MSIE", &[6, 0], None);
    check("Mozilla/4.0 (compatible; MSIE 7.0b; Windows NT 5.1)", "MSIE", &[7, 0], Some("b"));
    check("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/5.0)", "MSIE", &[9, 0], None);
    check("Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko", "MSIE", &[11, 0], None);
    check("Mozilla/4.0 (compatible; MSIE x; MSIE 5.5)", "MSIE", &[5, 5], None);
}

#[test]
fn parses_opera() {
    check("Opera/9.80 (Windows; U; sv) Presto/2.7.62 Version/11.01", "Opera", &[11, 1], None);
    check("Opera/9.80 (J2ME; Opera Mini/5.0.18741/18.794; U) Presto/2.4.15", "Opera Mini", &[5, 0, 18741], None);
    check("Opera/9.80 (NT 5.1; Opera Mobi/49; U) Presto/2.4.18 Version/10.00", "Opera Mobi", &[10, 0], None);
    check("Mozilla/4.0 (compatible; MSIE 8.0; Linux; Opera Mobi/ADR) Opera 11.00", "Opera", &[11, 0], None);
}

/// Whatever comes, it ends and does not panic.
#[test]
fn limits_nothing_but_time() {
    let words =
        ["Mozilla/5.", "Opera ", "/", " (", "v", "1.", "MSIE ", "%", "\\x", "Java/", "A/", "/Google/Pixel", "\0"];
    let mut seed = 1u64;
    for _ in 0..5_000 {
        let mut text = Vec::new();
        for _ in 0..seed % 9 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.extend_from_slice(words[(seed >> 33) as usize % words.len()].as_bytes());
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(7);
        parse(&text);
    }
}

fn told(local: (bool, bool), agents: &[&str]) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    (bench.flow.local_orig, bench.flow.local_resp) = local;
    for agent in agents {
        let ask = format!("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n");
        let answer = format!("HTTP/1.1 204 No Content\r\nServer: {agent}\r\n\r\n");
        bench.data(Dir::Orig, ask.as_bytes()).data(Dir::Resp, answer.as_bytes());
    }
    bench.end();
    bench.rows("software")
}

#[test]
fn a_version_is_told_of_once_by_host_and_kind() {
    let rows = told((true, true), &["a/1.0", "a/1.0", "a/1.0 ", "a/1.1", "a/1.0"]);
    let of = |kind: &str| rows.iter().filter(|r| r.contains(kind)).count();
    assert_eq!((of("HTTP::BROWSER"), of("HTTP::SERVER"), rows.len()), (2, 2, 4), "{rows:?}");
    assert!(
        rows[0].starts_with("host=Addr(10.0.0.1) software_type=Enum(HTTP::BROWSER) name=Str(\"a\")"),
        "{}",
        rows[0]
    );
    assert!(rows[1].starts_with("host=Addr(10.0.0.2) host_p=Port(80) software_type=Enum(HTTP::SERVER)"), "{}", rows[1]);
}

#[test]
fn rejects_strangers() {
    assert!(told((false, false), &["a/1.0"]).is_empty());
    assert_eq!(told((false, true), &["a/1.0"]).len(), 1);
}

#[test]
fn limits_texts() {
    let row = told((true, false), &["x".repeat(MAX_TEXT_LEN + 7).as_str()]).remove(0);
    assert_eq!(row.matches('x').count(), 2 * MAX_TEXT_LEN);
}
