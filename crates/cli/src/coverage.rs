//! `sekisho coverage`: which techniques of ATT&CK can be seen from the wire, by which judgements, and which cannot, and why.

use crate::args::{Coverage, CoverageFormat};
use anyhow::{Result, bail};
use sekisho_detect::{Manual, manual};
use sekisho_finding::{ATTACK_VERSION, About, Covered, Marks, Matrix, Reach, TACTICS, Tactic, covered};
use sekisho_report::{Cell, Layer, layers_to_json};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Judgements and what they see.
struct Matrices {
    manual: Manual,
    techniques: Vec<Covered>,
}

/// The exit code.
pub fn run(args: &Coverage) -> Result<u8> {
    let manual = manual();
    let abouts: Vec<&'static About> = manual.entries.iter().map(|e| e.about).collect();
    let mut all = Matrices { techniques: covered(&abouts), manual };
    if !args.techniques.is_empty() {
        let wanted: Vec<String> = args.techniques.iter().map(|t| t.to_ascii_uppercase()).collect();
        let is = |c: &Covered, id: &String| c.technique.id == *id || c.technique.whole() == Some(id);
        if let Some(unknown) = wanted.iter().find(|id| !all.techniques.iter().any(|c| is(c, id))) {
            bail!("{unknown}: no technique of ATT&CK {ATTACK_VERSION}; they are formed like T1071 or T1071.004");
        }
        all.techniques.retain(|c| wanted.iter().any(|id| is(c, id)));
    }
    let text = match args.format {
        CoverageFormat::Text if args.techniques.is_empty() => all.overview(args.all)?,
        CoverageFormat::Text => all.details()?,
        CoverageFormat::Json => all.json()?,
        CoverageFormat::Navigator => all.layers(),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(0)
}

/// A short word for lists.
fn word(reach: Reach) -> &'static str {
    match reach {
        Reach::Wire => "wire",
        Reach::Keys => "keys",
        Reach::Option => "option",
        Reach::Parts => "parts",
        Reach::No => "no",
    }
}

/// Why what has these marks is not seen, in a few words.
fn reason(marks: Marks) -> &'static str {
    match marks {
        Marks::Wire => "on the wire, but no judgement looks for them",
        Marks::Alike => "like ordinary use",
        Marks::Provider => "within a provider's services",
        Marks::Elsewhere => "where nothing is captured",
        Marks::Inside => "within a machine",
    }
}

impl Matrices {
    fn of<'a>(&'a self, tactic: &'static Tactic) -> impl Iterator<Item = &'a Covered> {
        self.techniques.iter().filter(move |c| c.technique.tactics().any(|t| t == tactic))
    }

    /// All techniques by tactic; those that are not seen are counted, unless all are wanted.
    fn overview(&self, all: bool) -> Result<String> {
        let mut out = String::new();
        let number = |matrix| self.techniques.iter().filter(|c| c.technique.matrix() == matrix).count();
        writeln!(
            out,
            "ATT&CK {ATTACK_VERSION}: {} techniques and sub-techniques of Enterprise, {} of ICS that judgements name.\n",
            number(Matrix::Enterprise),
            number(Matrix::Ics)
        )?;
        for reach in Reach::ALL.into_iter().filter(|r| *r != Reach::No) {
            let of = self.techniques.iter().filter(|c| c.reach == reach).count();
            writeln!(out, "{of:5}  {} ({})", reach.name(), word(reach))?;
        }
        for marks in Marks::ALL {
            let of = self.unseen(marks).count();
            writeln!(out, "{of:5}  not seen: {}", reason(marks))?;
        }
        for tactic in TACTICS {
            let ics = if tactic.matrix == Matrix::Ics { ", ICS" } else { "" };
            writeln!(out, "\n{} ({}{ics})", tactic.name, tactic.id)?;
            for c in self.of(tactic).filter(|c| c.reach != Reach::No) {
                let by = match c.reach {
                    Reach::Parts => c.parts.iter().map(|t| t.id).collect::<Vec<_>>().join(", "),
                    _ => c.by.iter().map(|(about, _)| about.id).collect::<Vec<_>>().join(", "),
                };
                writeln!(out, "  {:6}  {:9}  {}: {by}", word(c.reach), c.technique.id, c.technique.name)?;
            }
            for marks in Marks::ALL {
                let of: Vec<&Covered> =
                    self.of(tactic).filter(|c| c.reach == Reach::No && c.technique.marks == marks).collect();
                if all {
                    for c in of {
                        let (t, why) = (c.technique, reason(marks));
                        writeln!(out, "  {:6}  {:9}  {}: {why}", word(c.reach), t.id, t.name)?;
                    }
                } else if !of.is_empty() {
                    writeln!(out, "  {:6}  {} more: {}", word(Reach::No), of.len(), reason(marks))?;
                }
            }
        }
        Ok(out)
    }

    fn unseen(&self, marks: Marks) -> impl Iterator<Item = &Covered> {
        self.techniques.iter().filter(move |c| c.reach == Reach::No && c.technique.marks == marks)
    }

    /// Everything about each technique.
    fn details(&self) -> Result<String> {
        let mut out = String::new();
        for (i, c) in self.techniques.iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            let tactics: Vec<&str> = c.technique.tactics().map(|t| t.name).collect();
            writeln!(
                out,
                "{} {}\n  {}\n  {}",
                c.technique.id,
                c.technique.name,
                c.technique.url(),
                tactics.join(", ")
            )?;
            let why = c.why().map_or_else(String::new, |why| format!(": {why}"));
            writeln!(out, "  {}{why}", c.reach.name())?;
            if c.reach == Reach::Parts {
                writeln!(out, "  parts: {}", c.parts.iter().map(|t| t.id).collect::<Vec<_>>().join(", "))?;
            }
            for (about, reach) in &c.by {
                writeln!(out, "\n  {} ({}): {}", about.id, about.title, reach.name())?;
                let (vital, useful) = needs(about);
                for (words, list) in [("needs", vital), ("sees more with", useful)] {
                    if !list.is_empty() {
                        writeln!(out, "    {words}: {}", list.join("; "))?;
                    }
                }
                writeln!(out, "    blind spots:")?;
                for line in self.blind(about).lines() {
                    writeln!(out, "      {line}")?;
                }
            }
        }
        Ok(out)
    }

    /// What a judgement's page says that it cannot see.
    fn blind(&self, about: &About) -> &str {
        self.manual.entry(about.id).map_or("", |e| e.section("Blind"))
    }

    fn json(&self) -> Result<String> {
        let techniques: Vec<Value> = self.techniques.iter().map(|c| self.technique(c)).collect();
        let whole = json!({ "attack_version": ATTACK_VERSION, "techniques": techniques });
        Ok(serde_json::to_string_pretty(&whole)? + "\n")
    }

    fn technique(&self, c: &Covered) -> Value {
        let tactics: Vec<Value> = c.technique.tactics().map(|t| json!({ "id": t.id, "name": t.name })).collect();
        let judgement = |(about, reach): &(&'static About, Reach)| {
            let (vital, useful) = needs(about);
            json!({
                "id": about.id,
                "title": about.title,
                "reach": reach.code(),
                "needs": vital,
                "useful": useful,
                "blind": self.blind(about),
            })
        };
        json!({
            "id": c.technique.id,
            "name": c.technique.name,
            "url": c.technique.url(),
            "matrix": c.technique.matrix().domain(),
            "tactics": tactics,
            "marks": c.technique.marks.code(),
            "reach": c.reach.code(),
            "why_not": c.why(),
            "judgements": c.by.iter().map(judgement).collect::<Vec<_>>(),
            "parts": c.parts.iter().map(|t| t.id).collect::<Vec<_>>(),
        })
    }

    /// A layer of each matrix of which there is something.
    fn layers(&self) -> String {
        let layer = |matrix: Matrix| Layer {
            matrix,
            name: "Sekisho coverage",
            description: format!(
                "What sekisho {} can see of ATT&CK {ATTACK_VERSION} in network traffic. 4: from the wire; 3: in clear or with keys \
                 only; 2: with an option only; 1: some sub-techniques; 0: it leaves marks, but no judgement looks for them; \
                 greyed out: it cannot be told from the wire.",
                env!("CARGO_PKG_VERSION")
            ),
            cells: self.techniques.iter().filter(|c| c.technique.matrix() == matrix).map(cell).collect(),
            colors: ["#ffffff", "#6baed6", "#08519c"],
            most: 4,
            legend: vec![
                ("#ffffff", "no judgement looks for it"),
                ("#6baed6", "with an option only"),
                ("#08519c", "from the wire"),
            ],
        };
        let mut layers: Vec<Layer> = [Matrix::Enterprise, Matrix::Ics].map(layer).into();
        layers.retain(|l| !l.cells.is_empty());
        layers_to_json(&layers) + "\n"
    }
}

/// What a judgement cannot do without, and what it sees more with.
fn needs(about: &About) -> (Vec<String>, Vec<String>) {
    let words = |vital: bool| about.needs.iter().filter(|n| n.vital == vital).map(|n| n.what.words()).collect();
    (words(true), words(false))
}

fn cell(c: &Covered) -> Cell {
    let score = match c.reach {
        Reach::Wire => 4,
        Reach::Keys => 3,
        Reach::Option => 2,
        Reach::Parts => 1,
        Reach::No => 0,
    };
    let mut lines = vec![c.why().unwrap_or(c.reach.name()).to_owned()];
    lines.extend(c.by.iter().map(|(about, reach)| format!("{} ({}): {}", about.id, about.title, reach.name())));
    Cell {
        id: c.technique.id.to_owned(),
        score,
        comment: lines.join("\n"),
        metadata: Vec::new(),
        enabled: c.reach != Reach::No || c.is_open(),
    }
}
