//! What `rules` takes.

use super::{Common, When};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const RULES_AFTER: &str = "\
Exit codes: 0 all rules can be used, 1 some are refused (explain: there is no such rule), 2 wrong usage or no input.

Examples:
  sekisho rules check local.rules
  sekisho rules check --suricata-config /etc/suricata/suricata.yaml --all '/var/lib/suricata/rules/suricata.rules'
  zcat emerging-all.rules.gz | sekisho rules check --json - | jq '.remarks[] | select(.verdict == \"refused\")'
  sekisho rules explain 2019401 emerging-all.rules
  sekisho rules test --rules local.rules office.pcapng
  sekisho rules profile --rules emerging-all.rules office.pcapng";

const RULES_TEST_AFTER: &str = "\
Each rule asked for is told of: on which packets it matched, with the bytes that did on the first of them, or what was
missing where it came furthest. A packet
number is that of the packet at hand when the rule was looked at: for what lies in streams and exchanges the one that
acknowledged the bytes, - at a flow's end. Matches are counted before thresholds.

Exit codes: 0 each rule asked for matched, 1 one did not or cannot be used, 2 wrong usage or no input, 3 one did not
match and a capture is damaged.

Examples:
  sekisho rules test --rules local.rules office.pcapng
  sekisho rules test --rules local.rules --sid 1000001 --sid 1000002 'captures/*.pcap.gz'
  sekisho rules test --rules local.rules --format json office.pcapng | jq '.[] | select(.matches == 0)'";

const RULES_PROFILE_AFTER: &str = "\
Counted, not timed: equal input gives equal figures on every machine, with any number of threads.
  checks   times that the rule was a candidate: its literal was seen, or it has none
  looks    times that its head fitted, so that conditions and buffers were looked at
  steps    steps of its buffers that were tried; an expression counts one more for each 64 bytes
  matches  before thresholds
  share    of the steps of all rules
The costliest come first: by steps, then looks, then checks, then number.

Exit codes: 0 done, 1 a capture is damaged, 2 wrong usage or no input.

Examples:
  sekisho rules profile --rules emerging-all.rules office.pcapng
  sekisho rules profile --rules emerging-all.rules --limit 100 --format json 'captures/*.pcap' | jq '.[0]'";

/// `sekisho rules`.
#[derive(Args, Debug)]
#[command(after_help = RULES_AFTER, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Rules {
    /// What to do.
    #[command(subcommand)]
    pub verb: RulesVerb,
}

/// The verbs of `sekisho rules`.
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// Say which rules can be used, and of each other one why not and what to do
    Check(RulesCheck),
    /// Say in words what a rule looks for, condition by condition
    Explain(RulesExplain),
    /// Run rules over captures: which match, and of the others what was missing
    Test(RulesTest),
    /// Run rules over captures: which cost most
    Profile(RulesProfile),
}

/// `sekisho rules check`.
#[derive(Args, Debug)]
#[command(after_help = RULES_AFTER)]
pub struct RulesCheck {
    /// Files of rules; - for standard input
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// A suricata.yaml: variables, classes, thresholds
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub suricata_config: Option<PathBuf>,

    /// Show every remark, not only why rules are refused
    #[arg(long)]
    pub all: bool,

    /// One object with the counts and every remark
    #[arg(long)]
    pub json: bool,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `sekisho rules explain`.
#[derive(Args, Debug)]
#[command(after_help = RULES_AFTER)]
pub struct RulesExplain {
    /// The rule's number
    #[arg(value_name = "SID")]
    pub sid: u32,

    /// Files of rules, - for standard input [default: /var/lib/suricata/rules/suricata.rules]
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// A suricata.yaml: variables, classes
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub suricata_config: Option<PathBuf>,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// What the verbs that run rules over captures share.
#[derive(Args, Debug)]
pub struct RulesRun {
    /// Flags of every reading verb.
    #[command(flatten)]
    pub common: Common,

    /// Rules in Suricata's language; may be repeated
    #[arg(short, long, required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub rules: Vec<PathBuf>,

    /// A suricata.yaml: variables, classes, and how streams are followed
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub suricata_config: Option<PathBuf>,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Shape::Text)]
    pub format: Shape,
}

/// How a page is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// For people.
    Text,
    /// A list of objects.
    Json,
}

/// `sekisho rules test`.
#[derive(Args, Debug)]
#[command(after_help = RULES_TEST_AFTER)]
pub struct RulesTest {
    /// What the verbs that run rules share.
    #[command(flatten)]
    pub run: RulesRun,

    /// Ask for this rule alone; may be repeated
    #[arg(long, value_name = "N")]
    pub sid: Vec<u32>,

    /// Colours: auto uses them on a terminal unless NO_COLOR is set; without them «» stand around what matched
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `sekisho rules profile`.
#[derive(Args, Debug)]
#[command(after_help = RULES_PROFILE_AFTER)]
pub struct RulesProfile {
    /// What the verbs that run rules share.
    #[command(flatten)]
    pub run: RulesRun,

    /// Rules that are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}
