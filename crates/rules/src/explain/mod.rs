//! A rule in words, condition by condition.

mod conditions;
mod effects;
mod numbers;
mod reach;
mod steps;

pub use reach::explain_reach;

use crate::ir::{Action, Arrow, BufferMatch, Header, Protocol, Rule, RuleSet};
use crate::syntax::tree;
use std::fmt::Write;

/// What a rule looks for, and what it does then: lines of plain text. `set` is the one that `rule` is of.
pub fn explain(rule: &Rule, set: &RuleSet) -> String {
    let mut text = String::new();
    let gid = if rule.gid == 1 { String::new() } else { format!(" of generator {}", rule.gid) };
    let _ = writeln!(text, "Rule {}{gid}, revision {}: {}", rule.sid, rule.rev, title(rule));
    about(&mut text, rule);
    text.push('\n');
    let _ = writeln!(text, "It looks at {}{}", protocol(&rule.header), ends(rule));
    let _ = writeln!(
        text,
        "and {} when {}:",
        action(rule),
        if count(rule) == 1 { "this holds" } else { "all of this holds" }
    );
    let mut n = 0;
    for condition in &rule.conditions {
        n += 1;
        let _ = writeln!(text, "{n:4}. {}", conditions::say(condition, set));
    }
    for entry in &rule.matches {
        n += 1;
        let _ = writeln!(text, "{n:4}. {}", place(entry));
        for line in steps::say(entry, set) {
            let _ = writeln!(text, "        - {line}");
        }
    }
    if n == 0 {
        let _ = writeln!(text, "      nothing else is asked");
    }
    let mut then: Vec<String> = rule.effects.iter().map(|effect| effects::say(effect, set)).collect();
    then.extend(rule.thresholds.iter().map(effects::threshold));
    if rule.silent {
        then.push("no alert is shown (noalert)".into());
    }
    if !then.is_empty() {
        let _ = writeln!(text, "\nThen:");
        for line in then {
            let _ = writeln!(text, "      - {line}");
        }
    }
    text
}

fn title(rule: &Rule) -> &str {
    if rule.msg().is_empty() { "(no message)" } else { rule.msg() }
}

fn count(rule: &Rule) -> usize {
    rule.conditions.len() + rule.matches.len()
}

/// Class, priority, target, references.
fn about(text: &mut String, rule: &Rule) {
    let meta = &rule.meta;
    let class = match (&*meta.classtype, &*meta.category) {
        ("", _) => "no class".to_owned(),
        (name, "") => format!("class {name}"),
        (name, category) => format!("class {name} ({category})"),
    };
    let _ = writeln!(text, "  {class}, priority {}", meta.priority);
    if let Some(src) = meta.target_is_src {
        let _ = writeln!(text, "  its target is the {}", if src { "source" } else { "destination" });
    }
    for (system, id) in rule.references() {
        let _ = writeln!(text, "  see {system}: {id}");
    }
}

fn action(rule: &Rule) -> &'static str {
    match rule.action {
        Action::Pass => "lets pass, so that no rule alerts,",
        Action::Drop => "alerts (a gate would drop)",
        Action::Reject => "alerts (a gate would reject)",
        Action::Alert => "alerts",
        Action::Config => "changes how it is treated",
    }
}

fn protocol(header: &Header) -> String {
    let what = match header.protocol {
        Protocol::Ip => "IP packets".to_owned(),
        Protocol::Ipv4 => "IPv4 packets".into(),
        Protocol::Ipv6 => "IPv6 packets".into(),
        Protocol::Tcp => "TCP packets and streams".into(),
        Protocol::TcpPkt => "TCP packets".into(),
        Protocol::TcpStream => "TCP streams".into(),
        Protocol::Udp => "UDP packets".into(),
        Protocol::Icmp => "ICMP packets".into(),
        Protocol::Icmpv4 => "ICMPv4 packets".into(),
        Protocol::Icmpv6 => "ICMPv6 packets".into(),
        Protocol::Igmp => "IGMP packets".into(),
        Protocol::Sctp => "SCTP packets".into(),
        Protocol::Ether => "Ethernet frames".into(),
        Protocol::Arp => "ARP packets".into(),
        Protocol::Pkthdr => "every packet, also with broken headers".into(),
        Protocol::App(name) => format!("{name} traffic"),
    };
    match &header.hook {
        Some(hook) => format!("{what} at {hook}"),
        None => what,
    }
}

/// Who with whom, in the rule's own words.
fn ends(rule: &Rule) -> String {
    let header = &rule.header;
    let all = header.src.is_any() && header.dst.is_any() && header.src_ports.is_any() && header.dst_ports.is_any();
    if all {
        return String::new();
    }
    let Ok(tree) = tree(&rule.text) else { return String::new() };
    let end = |addresses: &str, ports: &str, any_port: bool| {
        let ports = if any_port { String::new() } else { format!(" port {ports}") };
        format!("{addresses}{ports}")
    };
    let from = end(tree.src.text, tree.src_ports.text, header.src_ports.is_any());
    let to = end(tree.dst.text, tree.dst_ports.text, header.dst_ports.is_any());
    match header.arrow {
        Arrow::To => format!(" from {from} to {to}"),
        Arrow::Both => format!(" between {from} and {to}"),
        Arrow::Exchange => format!(" asked from {from} and answered by {to}"),
    }
}

fn place(entry: &BufferMatch) -> String {
    let mut text = steps::buffer(entry.buffer);
    match entry.request {
        Some(true) => text.push_str(" of the request"),
        Some(false) => text.push_str(" of the response"),
        None => {}
    }
    for (n, transform) in entry.transforms.iter().enumerate() {
        text.push_str(if n == 0 { ", " } else { ", then " });
        text.push_str(&steps::transform(transform));
    }
    text.push(':');
    text
}

#[cfg(test)]
mod tests;
