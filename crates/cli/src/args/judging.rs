//! What `audit`, `diff` and `explain` take.

use super::{Common, When};
use clap::{Args, ValueEnum};
use sekisho_detect::Watched;
use sekisho_finding::Severity;
use sekisho_types::Subnet;
use std::path::PathBuf;

/// Severities, for `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Facts worth listing
    Info,
    /// Hygiene and weak hints
    Low,
    /// To be looked at this week
    Medium,
    /// To be looked at today
    High,
    /// Act now
    Critical,
}

impl FailOn {
    /// As findings have it.
    pub fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

const EXPLAIN_AFTER: &str = "\
Examples:
  sekisho explain
  sekisho explain dns-rebinding";

/// `sekisho explain`.
#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_AFTER)]
pub struct Explain {
    /// Judgements, as findings name them; all are listed unless some are named
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

/// Ways to tell what can be seen of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoverageFormat {
    /// For reading
    Text,
    /// One object with a list of techniques
    Json,
    /// Layers for the ATT&CK Navigator
    Navigator,
}

const COVERAGE_AFTER: &str = "\
What is said follows from what each judgement of `audit` says that it needs:
  seen from the wire             whether the traffic is encrypted or not
  seen in clear or with keys only  the content has to be readable, or its keys given (--keylog)
  seen with an option only       a list, rules or a map of addresses has to be given
  some of its parts are seen     only sub-techniques
  not seen                       with the reason
What one capture did not let be seen is in `sekisho audit`, in its JSON as `techniques`.

Names and tactics are those of ATT&CK 18.1. (c) 2025 The MITRE Corporation. This work is reproduced and
distributed with the permission of The MITRE Corporation.

Examples:
  sekisho coverage
  sekisho coverage T1071.004 T1021
  sekisho coverage --all | less
  sekisho coverage --format navigator > coverage-layer.json
  sekisho coverage --format json | jq -r '.techniques[] | select(.reach == \"wire\") | .id'";

/// `sekisho coverage`.
#[derive(Args, Debug)]
#[command(after_help = COVERAGE_AFTER)]
pub struct Coverage {
    /// Techniques to tell all about, with their sub-techniques: T1071, T1071.004; all are listed unless some are named
    #[arg(value_name = "TECHNIQUE")]
    pub techniques: Vec<String>,

    /// In which form
    #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
    pub format: CoverageFormat,

    /// List also the techniques that cannot be seen, instead of counting them
    #[arg(long)]
    pub all: bool,
}

/// A language that HTML pages are written in.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Language {
    /// English
    #[default]
    En,
    /// Japanese
    Ja,
}

/// What findings are made from, besides captures and rules: flags of `audit`, `diff` and `logs`.
#[derive(Args, Clone, Debug, Default)]
pub struct Given {
    /// A list of addresses, networks, names, URLs, digests or TLS clients (JA3, JA4) with a bad name: plain, hosts file, CSV,
    /// Zeek intel or MISP; contact with them is a finding; may be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub intel: Vec<PathBuf>,

    /// Certificates of authorities to trust as well as Mozilla's roots, PEM or DER, such as a company's own. Unlike
    /// curl's --cacert this adds: a capture has both, and public sites would all seem false without Mozilla's
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub roots: Option<PathBuf>,

    /// A file of countries or network operators (ASN) of addresses, in MaxMind's format; may be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub geoip: Vec<PathBuf>,

    /// With --geoip: countries and operators whose contact is a finding, such as KP,AS64500
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "geoip")]
    pub watch: Vec<Watched>,

    /// Days on which people are off, a line each as YYYY-MM-DD, for judgements on when devices are active
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub holidays: Option<PathBuf>,

    /// A domain that mail is exchanged with: senders and links made to look like it are findings; may be repeated
    #[arg(long, value_name = "DOMAIN", value_parser = crate::given::domain)]
    pub known_domain: Vec<String>,

    /// What was agreed to live with: findings that are counted and shown as muted, with the reason; see below
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub mutes: Option<PathBuf>,

    /// Resolvers outside that hosts may ask; those at home, and those that DHCP gives, may be asked anyway
    #[arg(long, value_name = "CIDR", value_delimiter = ',', num_args = 1)]
    pub resolver: Vec<Subnet>,

    /// Where chains of DNSSEC begin, instead of the root's keys of 2017 and 2024: DS or DNSKEY records, one a line, as in
    /// unbound's root.key
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub trust_anchors: Option<PathBuf>,
}

impl Given {
    /// Was any of these given?
    pub fn is_any(&self) -> bool {
        let files = [&self.roots, &self.holidays, &self.mutes, &self.trust_anchors];
        files.iter().any(|f| f.is_some())
            || [&self.intel, &self.geoip].iter().any(|l| !l.is_empty())
            || !(self.watch.is_empty() && self.known_domain.is_empty() && self.resolver.is_empty())
    }
}

/// What findings are made from, besides the captures: flags of `audit` and `diff`.
#[derive(Args, Clone, Debug, Default)]
pub struct Judging {
    /// What judges know.
    #[command(flatten)]
    pub given: Given,

    /// Rules in Suricata's language: what they alert on are findings, too; may be repeated
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub rules: Vec<PathBuf>,

    /// A suricata.yaml: variables, classes and thresholds for rules
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub suricata_config: Option<PathBuf>,
}

impl Judging {
    /// Was any of these given?
    pub fn is_any(&self) -> bool {
        self.given.is_any() || self.suricata_config.is_some() || !self.rules.is_empty()
    }
}

const AUDIT_AFTER: &str = "\
In place of captures, or beside them, mails can be given: a file with one mail or a mailbox (mbox), told by
content, or - alone for standard input. They are judged as those on the wire are.

Mutes, one a line; # begins a comment:
  JUDGEMENT[/REASON[/FORM]] [host=NET|any] [peer=NET|NAME] [key=PATTERN]
      [below=SEVERITY] [most=N] [kind=KIND] [from=DAY] until=DAY reason=WHY
  JUDGEMENT and key may have * for any characters; values with spaces stand in quotation
  marks. A peer that begins with a dot is all names below. A finding with a stronger form
  (.../accepted, .../used) is muted only if FORM is given. most: no more than N signs a day.
  KIND: accepted-risk, expected, false-positive, maintenance or owned-elsewhere.
  until is needed, and so are ten characters of reason. Days are the packets'.

State: with --state, what is new is held against all runs that had the same file, up to 90 days back, so that
  captures of an hour are judged as if they were one. Facts have the packets' times: a capture given twice finds the
  same twice and counts once; an older one is judged by what was known then. A file holds 500,000 facts in 64 MiB at
  most; the oldest leave first, and the page says how many. A file that is damaged, of something else or of a newer
  sekisho is an error and is left as it is. Of two runs at once the later one's state stands. A state is of one
  network: what one knows for weeks says nothing about another.

Examples:
  sekisho audit office.pcapng
  sekisho audit --html report.html office.pcapng
  sekisho audit --html report.html --lang ja 'captures/*.pcap.gz'
  sekisho audit --roots company-ca.pem office.pcapng
  sekisho audit --geoip country.mmdb --geoip asn.mmdb --watch KP,AS64500 office.pcapng
  sekisho audit --intel bad-hosts.txt --intel intel.csv --json - office.pcapng
  sekisho audit --json - office.pcapng | jq '.findings[] | select(.muted == null) | .code'
  sekisho audit --csv findings.csv --navigator layer.json --stix bundle.json office.pcapng
  echo 'tls-cert-dates host=192.0.2.7 until=2027-03-31 reason=Replaced in March' > mutes
  sekisho audit --mutes mutes --fail-on medium office.pcapng
  sekisho audit --state office.state monday.pcap && sekisho audit --state office.state tuesday.pcap
  sekisho audit suspicious.eml
  sekisho audit --known-domain partner.example office.pcapng inbox.mbox";

/// `sekisho audit`.
#[derive(Args, Debug)]
#[command(after_help = AUDIT_AFTER)]
pub struct Audit {
    /// Flags of every reading verb.
    #[command(flatten)]
    pub common: Common,

    /// Also write the same facts as JSON; - for standard output instead of the page
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Also write the page as one HTML file with plots, which loads nothing; - for standard output instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub html: Option<PathBuf>,

    /// Language of the HTML page
    #[arg(long, value_name = "LANGUAGE", value_enum, default_value_t = Language::En)]
    pub lang: Language,

    /// Also write the findings as a table (RFC 4180), a line each, with the incident of which it is a step; - for standard
    /// output instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub csv: Option<PathBuf>,

    /// Also write what was found as a layer for the ATT&CK Navigator (format 4.5); - for standard output instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub navigator: Option<PathBuf>,

    /// Also write what was found as a STIX 2.1 bundle: observed data, sightings, indicators, incidents; - for standard output
    /// instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub stix: Option<PathBuf>,

    /// What findings are made from, besides the captures.
    #[command(flatten)]
    pub judging: Judging,

    /// History carried from run to run, for what is new or usual: known paths, places, servers. A new file begins one; it is
    /// written anew when the run is over, whole or not at all; see below
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub state: Option<PathBuf>,

    /// End with exit code 3 if there are findings of this severity or worse that are not muted
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub fail_on: Option<FailOn>,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

const DIFF_AFTER: &str = "\
BEFORE and AFTER are captures (a file, a folder, a quoted glob, or - for one of them) or what `sekisho audit --json FILE`
wrote; which it is shows from the content. Capture and audit of it compare alike, if both were read with the same flags.

Devices are hosts of the home networks (--home-net; private addresses unless given). A device with another address
afterwards is found by its hardware address or name, where the captures show these. Destinations go by name
where one is known. Figures are compared by the hour observed; if both sides last a week or more, hour of
the week by hour of the week. A difference is told as one only if it is three standard deviations or more and at most
5 % of those told are to be expected by chance; what came or went too rarely to say stands apart.

Exit codes: 0 done, 1 a capture is damaged (what could be read was compared), 2 wrong usage or no input;
with --exit-code: 4 something changed.

Examples:
  sekisho diff before.pcap after.pcap
  sekisho diff --html difference.html before.pcap after.pcap
  sekisho diff --html difference.html --lang ja before.pcap after.pcap
  sekisho diff --host 192.168.1.50 before.pcap after.pcap
  sekisho diff --mutes mutes --roots company-ca.pem before.pcap after.pcap
  sekisho audit --json monday.json monday.pcap
  sekisho diff monday.json tuesday.pcap
  sekisho diff --json - 'before/*.pcap.gz' 'after/*.pcap.gz' | jq -r .verdict
  tcpdump -w - | sekisho diff --exit-code reference.json -";

/// `sekisho diff`.
#[derive(Args, Debug)]
#[command(after_help = DIFF_AFTER, override_usage = "sekisho diff [OPTIONS] <BEFORE> <AFTER>")]
pub struct Diff {
    /// Flags of every reading verb; the captures are the two sides.
    #[command(flatten)]
    pub common: Common,

    /// Also write the comparison as JSON; - for standard output instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub json: Option<PathBuf>,

    /// Also write the comparison as one HTML file with plots, which loads nothing; - for standard output instead of the page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub html: Option<PathBuf>,

    /// Language of the HTML page
    #[arg(long, value_name = "LANGUAGE", value_enum, default_value_t = Language::En)]
    pub lang: Language,

    /// Compare only the device of this address, hardware address or name
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// What findings are made from, of both sides alike.
    #[command(flatten)]
    pub judging: Judging,

    /// End with exit code 4 if anything changed beyond chance
    #[arg(long)]
    pub exit_code: bool,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}
