use super::*;

fn pcre(pattern: &str, flags: &str) -> Pcre {
    Pcre {
        pattern: pattern.into(),
        negated: false,
        nocase: flags.contains('i'),
        dot_all: flags.contains('s'),
        multi_line: flags.contains('m'),
        extended: flags.contains('x'),
        anchored: flags.contains('A'),
        dollar_end: flags.contains('E'),
        ungreedy: flags.contains('G'),
        relative: false,
        captures: Vec::new(),
    }
}

#[track_caller]
fn check(pattern: &str, flags: &str, hay: &[u8], expected: Option<(usize, usize)>) {
    let source = pcre(pattern, flags);
    let tree = parse::parse(&source).unwrap();
    let found = Regex::new(source.clone()).find(hay, 0).unwrap().map(|m| (m.start, m.end));
    assert_eq!(found, expected, "{pattern}");
    // The machine finds the same in what is regular too.
    if !pattern.ends_with('$') {
        let back = backtrack::Program::new(&tree).unwrap();
        assert_eq!(
            back.find(hay, 0, source.anchored).unwrap().map(|m| (m.start, m.end)),
            expected,
            "{pattern} (machine)"
        );
    }
}

#[test]
fn finds_what_perl_finds() {
    check("a+b", "", b"xaaab", Some((1, 5)));
    check("A[b-d]{2,3}?", "i", b"xaBCD", Some((1, 4)));
    check("^b", "", b"a\nb", None);
    check("^b", "m", b"a\nb", Some((2, 3)));
    check("a$", "", b"a\n", Some((0, 2)));
    check("a$", "E", b"a\n", None);
    check(r"\x61\.\d\h\r?\n", "", b"..a.1 \n", Some((2, 7)));
    check(r"(?:GET|POST)\s", "", b"POST x", Some((0, 5)));
    check(r"(?i)ab(?-i)C", "", b"ABc ABC", Some((4, 7)));
    check(r"a (?# comment) b # tail", "x", b"ab", Some((0, 2)));
    check(r"[[:alpha:]_-]+\]", "", b"a-b_]", Some((0, 5)));
    check(r"a{,3}", "", b"a{,3}", Some((0, 5)));
    check(r"\Qa.b\E+", "", b"axb a.b", Some((4, 7)));
    check(r"[^\r\n]{3}", "", b"a\nbcd", Some((2, 5)));
}

#[test]
fn finds_what_is_not_regular() {
    check(r"(?<=User=)\w+(?=;)", "", b"User=joe;", Some((5, 8)));
    check(r"(?<!a)b", "", b"ab cb", Some((4, 5)));
    check(r"^(?!.*evil)\w+$", "", b"good", Some((0, 4)));
    check(r"^(?!.*evil)\w+", "", b"evil", None);
    check(r"(\w)\1", "", b"abccd", Some((2, 4)));
    check(r"(?P<q>['x])a(?P=q)", "", b"'ax xax", Some((4, 7)));
    check(r"a++b", "", b"aaab", Some((0, 4)));
    check(r"a++a", "", b"aaa", None);
    check(r"(?>a|ab)c", "", b"abc", None);
    check(r"a\Kb", "", b"ab", Some((1, 2)));
    check(r"(a)?(?(1)b|c)", "", b"ab", Some((0, 2)));
    check(r"(?<=ab|c)d", "", b"xd cd", Some((4, 5)));
    check(r"\R", "", b"a\r\n", Some((1, 3)));
}

#[test]
fn limits_steps_and_refuses_what_it_does_not_know() {
    let bomb = Regex::new(pcre(r"(a*)*(?=b)\1c", ""));
    assert_eq!(bomb.find(&[b'a'; 3000], 0), Err(GaveUp));
    assert!(check_text(r"(a*)*").is_ok());
    for wrong in ["a)", "(a", "[a", "*a", r"(?R)", r"\p{L}", "a{3,2}", "(?<n", r"\x{1ff}", "(*FAIL)", "[z-a]"] {
        assert!(check_text(wrong).is_err(), "{wrong}");
    }
}

fn check_text(pattern: &str) -> Result<(), Unsupported> {
    super::check(&pcre(pattern, ""))
}

#[test]
fn what_begins_at_the_start_is_looked_for_nowhere_else() {
    let at_start = |pattern: &str, flags: &str| {
        let program = backtrack::Program::new(&parse::parse(&pcre(pattern, flags)).unwrap()).unwrap();
        program.at_start()
    };
    for (pattern, flags, want) in [
        (r"^(.)\1", "", true),
        (r"\A(?:a|b)", "", true),
        (r"(?=a)^a", "", true),
        (r"(?:^a|^(b)\1)", "", true),
        (r"(^a)+", "", true),
        (r"^(.)\1", "m", false),
        (r"(?:^a|b)", "", false),
        (r"(^a)?b", "", false),
        (r"a^b", "", false),
        (r"(a)\1", "", false),
    ] {
        assert_eq!(at_start(pattern, flags), want, "{pattern}");
    }
    let twice = Regex::new(pcre(r"^\s*(\w)\1", ""));
    assert_eq!(twice.find(b" aab", 0).unwrap().map(|m| (m.start, m.end)), Some((0, 3)));
    assert_eq!(twice.find(b"x aab", 0).unwrap(), None);
    assert_eq!(twice.find(b" aab", 1).unwrap(), None, "not at the start of the text");
    assert_eq!((twice.step_count(6_400), Regex::new(pcre("a", "")).step_count(6_400)), (1, 101));
}
