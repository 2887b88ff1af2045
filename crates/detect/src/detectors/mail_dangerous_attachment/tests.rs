use crate::testing::{Cell, Line, TestMail, judge, of};
use sekisho_finding::{Finding, Severity};

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "mail-dangerous-attachment")
}

fn codes(mail: TestMail) -> Vec<(String, Severity)> {
    let mut all: Vec<_> = found(&[mail.line()]).iter().map(|f| (f.code(), f.severity)).collect();
    all.sort();
    all
}

fn mail() -> TestMail {
    TestMail::inbound("a@shop.test")
}

#[test]
fn each_reason() {
    use Severity::{High, Medium};
    let cases = [
        (mail().part(0, 0, "setup.exe", "pe", "application/octet-stream", ""), "executable", High),
        (mail().part(0, 0, "scan.js", "text", "text/javascript", ""), "executable", High),
        (
            mail().part(0, 0, "a.zip", "zip", "application/zip", "").part(0, 1, "run.lnk", "lnk", "", ""),
            "container",
            High,
        ),
        (mail().part(0, 0, "a.iso", "iso", "application/octet-stream", ""), "container", Medium),
        (
            mail().part(0, 0, "b.xlsm", "xlsx", "x/y", "").part(0, 1, "xl/vbaProject.bin", "ole", "", ""),
            "macro",
            Medium,
        ),
        (mail().part(0, 0, "b.docx", "docx", "x/y", "external-template"), "macro", Medium),
        (mail().part(0, 0, "b.xls", "xls", "x/y", "macro-sheet"), "macro", Medium),
        (mail().part(0, 0, "p.htm", "html", "text/html", "form"), "html-form", High),
        (mail().part(0, 0, "p.htm", "html", "text/html", "script-decode data-large"), "html-form", Medium),
        (
            mail().text("text", "The password is 1234").part(0, 0, "a.7z", "7z", "x/y", "encrypted"),
            "encrypted-archive",
            Medium,
        ),
        (mail().part(0, 0, "a.pdf", "html", "application/pdf", ""), "type-mismatch", Medium),
    ];
    for (mail, code, severity) in cases {
        assert_eq!(codes(mail), [(format!("mail-dangerous-attachment/{code}"), severity)]);
    }
    let both = codes(mail().part(0, 0, "invoice.pdf.exe", "pe", "application/pdf", ""));
    let want = ["double-ext", "executable", "type-mismatch"].map(|c| format!("mail-dangerous-attachment/{c}"));
    assert_eq!(both.into_iter().map(|b| b.0).collect::<Vec<_>>(), want);
    let turned = codes(mail().part(0, 0, "invoice\u{202e}fdp.exe", "pe", "x/y", ""));
    assert!(turned.iter().any(|t| t.0.ends_with("double-ext")), "{turned:?}");
}

#[test]
fn nearly() {
    let harmless = mail()
        .text("text", "Here is the password policy")
        .part(0, 0, "invoice.pdf", "pdf", "application/pdf", "")
        .part(1, 0, "photos.zip", "zip", "application/zip", "")
        .part(1, 1, "a.jpg", "jpeg", "", "")
        .part(2, 0, "page.html", "html", "text/html", "data-large")
        .part(3, 0, "minutes.v2.docx", "docx", "x/y", "")
        .part(4, 0, "logo.png", "png", "image/png", "");
    assert_eq!(codes(harmless), []);
    // Encrypted, but no password told; on its way out.
    assert_eq!(codes(mail().part(0, 0, "a.7z", "7z", "x/y", "encrypted")), []);
    let out = TestMail::between("10.30.0.25", "198.51.100.1", "a@office.test", "b@c.test");
    assert_eq!(codes(out.part(0, 0, "setup.exe", "pe", "x/y", "")), []);
}

#[test]
fn who_sends_and_who_fetches() {
    let fetched = mail().set("to_client", Cell::Flag(true)).set("protocol", Cell::Word("pop3"));
    let all = codes(fetched.part(0, 0, "setup.exe", "pe", "x/y", ""));
    assert_eq!(all, [("mail-dangerous-attachment/executable/fetched".to_owned(), Severity::Critical)]);
    // The sixth mail of a domain.
    let mut lines: Vec<Line> = (0..5).map(|_| mail().line()).collect();
    lines.push(mail().part(0, 0, "setup.exe", "pe", "x/y", "").line());
    assert_eq!(found(&lines)[0].severity, Severity::Medium);
}

#[test]
fn the_same_to_many() {
    let to = |n: u32| {
        mail()
            .set("rcptto", Cell::Texts(vec![format!("u{n}@office.test")]))
            .part(0, 0, "a.docx", "docx", "x/y", "")
            .line()
    };
    let all = found(&(0..10).map(to).collect::<Vec<_>>());
    assert_eq!(all.iter().map(Finding::code).collect::<Vec<_>>(), ["mail-dangerous-attachment/outbreak"]);
    assert_eq!(found(&(0..9).map(to).collect::<Vec<_>>()).len(), 0);
}

#[test]
fn limits_state() {
    let lines: Vec<Line> =
        (0..12_000u32).map(|n| mail().part(0, 0, &format!("{n}.docx"), "docx", "x/y", "").line()).collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "mail-dangerous-attachment").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 8 << 20, "{spent:?}");
}
