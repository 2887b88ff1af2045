//! `audit --html`: the page's file, its commands, its languages. What a browser makes of it is seen by `cargo xtask page`.

mod common;

use common::root;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const OFFICE: &str = "examples/office.pcapng";

fn sekisho(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).current_dir(root()).output().unwrap()
}

fn page(args: &[&str]) -> String {
    let out = sekisho(&[&["audit", "-q", "--html", "-"], args].concat());
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn every_judgement_is_told_in_japanese() {
    let abouts = sekisho_detect::abouts();
    assert!(abouts.len() > 20);
    let missing: Vec<String> = abouts
        .iter()
        .flat_map(|about| sekisho_report::untranslated(about))
        .map(|(key, english)| format!("{key} = {english}"))
        .collect();
    assert!(missing.is_empty(), "to be translated in crates/report/src/html/ja.txt:\n{}", missing.join("\n"));
}

#[test]
fn a_page_goes_to_a_file_or_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let out = sekisho(&["audit", "-q", "--color", "never", "--html", file.to_str().unwrap(), OFFICE]);
    assert!(out.status.success());
    assert!(String::from_utf8(out.stdout).unwrap().contains("Completeness"), "the text goes on");
    let html = fs::read_to_string(file).unwrap();
    assert_eq!(html, page(&[OFFICE]), "equal input gives equal pages");
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    for section in ["completeness", "glance", "findings", "talkers", "week", "hosts", "services", "names", "files"] {
        assert!(html.contains(&format!("<section id=\"{section}\"")), "{section}");
    }
    let both = sekisho(&["audit", "--html", "-", "--json", "-", OFFICE]);
    assert_eq!(both.status.code(), Some(2));
    let nowhere = sekisho(&["audit", "-q", "--html", "/nowhere/x.html", OFFICE]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot write /nowhere/x.html"));
}

#[test]
fn threads_change_nothing() {
    assert_eq!(page(&["--jobs", "1", "--memory", "512M", OFFICE]), page(&["--jobs", "3", "--memory", "512M", OFFICE]));
}

#[test]
fn japanese_is_a_choice() {
    let html = page(&["--lang", "ja", OFFICE]);
    assert!(html.contains("<html lang=\"ja\">") && html.contains("検出事項"));
    assert_eq!(sekisho(&["audit", "--lang", "xx", OFFICE]).status.code(), Some(2));
}

/// What stands in the element after `label`, unescaped.
fn commands(html: &str) -> Vec<String> {
    html.split("<code translate=\"no\">sekisho packets")
        .skip(1)
        .map(|rest| {
            let line = rest.split("</code>").next().unwrap();
            let plain = line.replace("&#39;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
            format!("sekisho packets{}", plain.replace("&amp;", "&"))
        })
        .collect()
}

#[test]
fn commands_cut_the_packets_of_their_findings() {
    let folder = tempfile::tempdir().unwrap();
    // A name that a shell would take apart.
    let name = "it's $(id) `x` & \"y\"\u{202e}.pcapng";
    fs::copy(root().join(OFFICE), folder.path().join(name)).unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).current_dir(folder.path()).output().unwrap()
    };
    let out = run(&["audit", "-q", "--seed", "7", "--html", "-", name]);
    let html = String::from_utf8(out.stdout).unwrap();
    let commands = commands(&html);
    assert!(!commands.is_empty(), "no finding in {OFFICE}");
    for (i, command) in commands.iter().enumerate() {
        let bin = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap().to_str().unwrap().to_owned();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        // bash knows $'…' since ever; dash does not yet.
        let out =
            Command::new("bash").args(["-c", command]).env("PATH", path).current_dir(folder.path()).output().unwrap();
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(said.contains("packets") && !said.contains(" 0 packets"), "{command}: {said}");
        assert!(folder.path().join(format!("finding-{}.pcapng", i + 1)).exists(), "{command}");
    }
}
