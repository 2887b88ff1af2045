//! How bad, how sure, which part of an intrusion.

use std::fmt;

/// How soon somebody should look (`detections.md` §1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A fact worth listing; never alarms by itself.
    #[default]
    Info,
    /// Hygiene or a weak hint.
    Low,
    /// Should be looked at this week.
    Medium,
    /// Should be looked at today.
    High,
    /// Act now: a step of an attack succeeded, or data is leaving.
    Critical,
}

impl Severity {
    /// From the worst down.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// In lower case, as in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Points of the risk score (`detections.md` §14.4).
    pub const fn points(self) -> u32 {
        match self {
            Self::Info => 1,
            Self::Low => 5,
            Self::Medium => 15,
            Self::High => 40,
            Self::Critical => 80,
        }
    }

    /// `steps` lower, at least [`Severity::Info`].
    #[must_use]
    pub const fn lowered(self, steps: u32) -> Self {
        let mut severity = self;
        let mut left = steps;
        while left > 0 {
            severity = match severity {
                Self::Info | Self::Low => Self::Info,
                Self::Medium => Self::Low,
                Self::High => Self::Medium,
                Self::Critical => Self::High,
            };
            left -= 1;
        }
        severity
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure it is, in thousandths: whole numbers, so that equal captures give equal findings on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u16);

impl Confidence {
    /// The most that a statistic alone can give; more needs a fact of the protocol (`detections.md` §1.6).
    pub const STATISTIC: Self = Self(800);

    /// `thousandths` of certainty, at most 1000.
    pub const fn new(thousandths: u16) -> Self {
        Self(if thousandths > 1000 { 1000 } else { thousandths })
    }

    /// `percent` of certainty, at most 100.
    pub const fn percent(percent: u8) -> Self {
        Self::new(percent as u16 * 10)
    }

    /// In thousandths.
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// From 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// The word for it: `possible` below 0.5, `likely` to 0.8, then `seen on the wire`.
    pub const fn word(self) -> &'static str {
        match self.0 {
            ..500 => "possible",
            500..=800 => "likely",
            _ => "seen on the wire",
        }
    }

    /// Changed by `thousandths`, within 0 and 1.
    #[must_use]
    pub fn plus(self, thousandths: i16) -> Self {
        let sum = i32::from(self.0) + i32::from(thousandths);
        Self(u16::try_from(sum.clamp(0, 1000)).unwrap_or(1000))
    }

    /// Times `thousandths`/1000: what contradicting or missing evidence leaves of it.
    #[must_use]
    pub fn times(self, thousandths: u16) -> Self {
        let product = u32::from(self.0) * u32::from(thousandths) / 1000;
        Self::new(u16::try_from(product).unwrap_or(1000))
    }

    /// Independent hints together, at most 0.95 (`detections.md` P13).
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let doubt = u32::from(1000 - self.0) * u32::from(1000 - other.0) / 1000;
        Self::new(u16::try_from(1000 - doubt).unwrap_or(0).min(950))
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

/// Which part of an intrusion a finding belongs to, in the order of the table of `detections.md` §14.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Preparation outside.
    Recon,
    /// The first way in.
    Initial,
    /// Code of the attacker runs.
    Foothold,
    /// It is commanded from outside.
    C2,
    /// Credentials are taken.
    Credential,
    /// The surroundings are explored.
    Discovery,
    /// Further machines are taken.
    Lateral,
    /// Data is collected and leaves.
    Exfil,
    /// Data or work is destroyed.
    Impact,
    /// No attack: something that should be put in order.
    Hygiene,
    /// No attack: how services run.
    Operations,
}

impl Stage {
    /// In the table's order.
    pub const ALL: [Self; 11] = [
        Self::Recon,
        Self::Initial,
        Self::Foothold,
        Self::C2,
        Self::Credential,
        Self::Discovery,
        Self::Lateral,
        Self::Exfil,
        Self::Impact,
        Self::Hygiene,
        Self::Operations,
    ];

    /// In lower case, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recon => "recon",
            Self::Initial => "initial",
            Self::Foothold => "foothold",
            Self::C2 => "c2",
            Self::Credential => "credential",
            Self::Discovery => "discovery",
            Self::Lateral => "lateral",
            Self::Exfil => "exfil",
            Self::Impact => "impact",
            Self::Hygiene => "hygiene",
            Self::Operations => "operations",
        }
    }

    /// In plain words, for a story.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Recon => "preparation",
            Self::Initial => "way in",
            Self::Foothold => "foothold",
            Self::C2 => "commanded from outside",
            Self::Credential => "logins taken",
            Self::Discovery => "looking around",
            Self::Lateral => "on to another machine",
            Self::Exfil => "data taken",
            Self::Impact => "damage",
            Self::Hygiene => "hygiene",
            Self::Operations => "operations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_and_named() {
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Info);
        for severity in Severity::ALL {
            assert_eq!(Severity::named(severity.name()), Some(severity));
        }
        assert_eq!(Severity::named("HIGH"), None);
        assert_eq!(Severity::High.lowered(2), Severity::Low);
        assert_eq!(Severity::Low.lowered(9), Severity::Info);
    }

    #[test]
    fn confidence_keeps_within_its_bounds() {
        assert_eq!(Confidence::percent(60).plus(150), Confidence::new(750));
        assert_eq!(Confidence::percent(95).plus(150), Confidence::new(1000));
        assert_eq!(Confidence::percent(10).plus(-150), Confidence::new(0));
        assert_eq!(Confidence::percent(80).times(500), Confidence::percent(40));
        assert_eq!(Confidence::percent(50).and(Confidence::percent(50)), Confidence::percent(75));
        assert_eq!(Confidence::percent(90).and(Confidence::percent(90)), Confidence::percent(95));
        assert_eq!(Confidence::percent(85).to_string(), "0.85");
        let words = [499, 500, 800, 801].map(|c| Confidence::new(c).word());
        assert_eq!(words, ["possible", "likely", "likely", "seen on the wire"]);
    }
}
