//! An audit's JSON, read back.

use super::evidence::{Evidence, Measured};
use super::facts::{Facts, OWN, Things, add};
use super::{CertificateOf, ItemKind, Side};
use crate::units::parse_iso;
use crate::{Activity, Bin, SCHEMA_VERSION, Traffic, WEEK_HOURS};
use sekisho_finding::{Confidence, Severity};
use sekisho_types::{Addr, Interval, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why a text is no audit that can be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of something else.
    #[error("JSON, but not of sekisho audit --json")]
    Foreign,
    /// Of another version.
    #[error(
        "written by another version of sekisho audit --json (schema_version {0}, not {SCHEMA_VERSION}): audit the capture again"
    )]
    Version(u64),
    /// From before audits told of devices.
    #[error("written by an older sekisho audit --json, which did not tell of devices: audit the capture again")]
    Older,
    /// A member is not what it should be.
    #[error("damaged: member {0:?} is missing or no {1}")]
    Member(&'static str, &'static str),
}

/// An audit as comparisons need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub(super) side: Side,
    /// Sentences about damage.
    pub(super) damage: u64,
    pub(super) drops: u64,
    pub(super) cut_packets: u64,
    pub(super) gap_bytes: u64,
    pub(super) one_sided: u64,
    /// Devices or entries of their lists were left off.
    pub(super) left_off: bool,
    pub(super) devices: Vec<Facts>,
    /// Findings about hosts that are no devices.
    pub(super) others: Things,
    /// Findings that no mute hides.
    pub(super) findings: Vec<Evidence>,
    /// Judgements that could not be made at all on what was captured.
    pub(super) blind: BTreeSet<String>,
}

/// Dispersion of what comes independently, in thousandths.
const POISSON: u64 = 1_000;

type Result<T> = std::result::Result<T, ReadError>;

impl Snapshot {
    /// Of an audit's JSON.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, not an audit, of another version, or damaged.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let page = Obj(value.as_object().ok_or(ReadError::Foreign)?);
        let Some(version) = page.0.get("schema_version").and_then(Value::as_u64) else {
            return Err(ReadError::Foreign);
        };
        if !["capture", "completeness", "totals", "hosts"].iter().all(|m| page.0.contains_key(*m)) {
            return Err(ReadError::Foreign);
        }
        if version != u64::from(SCHEMA_VERSION) {
            return Err(ReadError::Version(version));
        }
        if !page.0.contains_key("devices") {
            return Err(ReadError::Older);
        }
        let (capture, complete, totals) =
            (page.object("capture")?, page.object("completeness")?, page.object("totals")?);
        let (first, last) = (capture.time("first")?, capture.time("last")?);
        let mut devices: Vec<Facts> = page.list("devices")?.map(|d| device(d?)).collect::<Result<_>>()?;
        let mut others = Things::new();
        let findings = findings(page, &mut devices, &mut others)?;
        let inputs: Vec<String> = capture.strings("inputs")?.collect::<Result<_>>()?;
        // Both came later than the rest.
        let reading = if capture.0.contains_key("reading") {
            capture.strings("reading")?.collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let blind = if page.0.contains_key("coverage") { blind(page)? } else { BTreeSet::new() };
        let activity = if page.0.contains_key("activity") { activity(page.object("activity")?)? } else { None };
        let more = page.object("more")?;
        Ok(Self {
            side: Side {
                captures: inputs.clone(),
                inputs,
                reading,
                from_json: false,
                first,
                last,
                observed: first.zip(last).map_or(Interval(0), |(a, b)| b - a),
                packets: totals.number("packets")?,
                bytes: totals.number("bytes")?,
                flows: totals.number("flows")?,
                devices: devices.len() as u64,
                findings: findings.len() as u64,
                complete: complete.flag("complete")?,
                activity,
            },
            damage: complete.strings("damage")?.count() as u64,
            drops: complete.optional("capture_drops")?.unwrap_or(0),
            cut_packets: complete.number("cut_packets")?,
            gap_bytes: complete.number("gap_bytes")?,
            one_sided: complete.number("one_sided_flows")?,
            left_off: page.number("device_entries_forgotten")? > 0 || more.0.contains_key("devices"),
            devices,
            others,
            findings,
            blind,
        })
    }

    /// Of a page at hand: as [`Snapshot::from_json`] of its JSON, so that both ways give the same comparison.
    ///
    /// # Errors
    ///
    /// None that a page could cause.
    pub fn of(page: &crate::Page) -> Result<Self> {
        Self::from_json(&crate::to_json(page))
    }

    /// The audit was read from a file of that name.
    #[must_use]
    pub fn named(mut self, file: &str) -> Self {
        self.side.inputs = vec![file.to_owned()];
        self.side.from_json = true;
        self
    }

    /// Flows by hour of the week, each flow of the capture counted once.
    pub(super) fn week(&self) -> Option<&[u64]> {
        self.side.activity.as_ref().map(|a| &a.week[..]).filter(|w| w.len() == WEEK_HOURS)
    }

    /// Has it a device of that address, hardware address or name?
    pub fn has(&self, who: &str) -> bool {
        self.devices.iter().any(|d| is(d, who))
    }
}

/// Is the device known by that address, hardware address or name?
pub(super) fn is(device: &Facts, who: &str) -> bool {
    let same = |own: &Option<String>| own.as_ref().is_some_and(|o| o.eq_ignore_ascii_case(who));
    let dashes = who.replace('-', ":");
    let mac = device.mac.as_ref().is_some_and(|m| m.eq_ignore_ascii_case(&dashes));
    mac || same(&device.name) || who.parse().is_ok_and(|a: Addr| device.addrs.contains(&a))
}

fn device(d: Obj) -> Result<Facts> {
    let addr = d.addr("address")?;
    let mut facts = Facts {
        addrs: vec![addr],
        mac: d.text_or_null("mac")?,
        name: d.text_or_null("name")?,
        opened: traffic(d.object("opened")?)?,
        accepted: traffic(d.object("accepted")?)?,
        outside: traffic(d.object("outside")?)?,
        one_sided: d.number("one_sided_flows")?,
        tcp_packets: d.number("tcp_packets")?,
        retransmitted: d.number("retransmitted_packets")?,
        ..Facts::default()
    };
    let speeds: Vec<u64> = d.numbers("speeds_bits_per_second")?;
    facts.speeds = speeds.into_iter().zip(d.numbers("speeds_flows")?).collect();
    facts.speeds.sort_unstable();
    let names = [
        ("connect_microseconds", "connect_flows"),
        ("response_microseconds", "response_flows"),
        ("answer_microseconds", "answer_flows"),
    ];
    for ((micros, flows), times) in names.into_iter().zip(&mut facts.times) {
        // They came later than the rest.
        if d.0.contains_key(micros) {
            *times = d.numbers(micros)?.into_iter().zip(d.numbers(flows)?).collect();
            times.sort_unstable();
        }
    }
    facts.hours = d.numbers("flows_by_hour_of_week")?;
    facts.hours.resize(WEEK_HOURS, 0);
    for (kind, list) in ItemKind::ALL.into_iter().zip(&mut facts.lists) {
        things(d, kind, list)?;
    }
    facts.cut = [
        d.number("more_destinations")? > 0,
        d.number("more_names")? > 0,
        false,
        false,
        d.number("more_certificates")? > 0,
        false,
    ];
    Ok(facts)
}

/// Reads one of a device's lists.
fn things(d: Obj, kind: ItemKind, list: &mut Things) -> Result<()> {
    match kind {
        ItemKind::Destination => {
            for item in d.list("destinations")? {
                let item = item?;
                let addresses: Vec<String> = item.strings("addresses")?.collect::<Result<_>>()?;
                let services: Vec<String> = item.strings("services")?.collect::<Result<_>>()?;
                let name = item.text_or_null("name")?;
                let mut detail = services.join(", ");
                if name.is_some() {
                    detail = format!("{}{}{detail}", addresses.join(", "), if services.is_empty() { "" } else { "; " });
                }
                let key = name.or_else(|| addresses.first().cloned()).unwrap_or_default();
                put(list, key, detail, &traffic(item)?);
            }
        }
        ItemKind::Name => {
            for item in d.list("names")? {
                let item = item?;
                put(list, item.text("name")?, String::new(), &times(item, None)?);
            }
        }
        ItemKind::Used | ItemKind::Offered => {
            let member = if kind == ItemKind::Used { "services_used" } else { "services_offered" };
            for item in d.list(member)? {
                let item = item?;
                put(list, item.text("service")?, String::new(), &traffic(item)?);
            }
        }
        ItemKind::Certificate => {
            for item in d.list("certificates")? {
                let item = item?;
                let (issuer, subject) = (item.text("issuer")?, item.text("subject")?);
                let by = if issuer.is_empty() { item.text("fingerprint")? } else { issuer.clone() };
                let whose = if item.flag("own")? { OWN } else { "" };
                let mut detail = if subject == issuer { "self-signed".to_owned() } else { subject };
                if let Some(end) = item.time("not_after")? {
                    detail = format!("{detail}; until {}", crate::units::date(end));
                }
                let server = item.text("server")?;
                let key = format!("{whose}{server} by {by}");
                put(list, key.clone(), detail, &times(item, None)?);
                if let Some(thing) = list.get_mut(&key) {
                    thing.certificate = Some(CertificateOf { own: !whose.is_empty(), server, issuer: by });
                }
            }
        }
        // Those stand in a list of their own.
        ItemKind::Finding => {}
    }
    Ok(())
}

fn put(list: &mut Things, key: String, detail: String, traffic: &Traffic) {
    let thing = list.entry(key).or_default();
    add(&mut thing.traffic, traffic);
    // Several certificates, one name: the details of the one that ends last are told, whatever their order.
    thing.detail = std::mem::take(&mut thing.detail).max(detail);
}

/// What is counted without bytes.
fn times(item: Obj, dispersion: Option<u64>) -> Result<Traffic> {
    let dispersion = dispersion.map_or_else(|| item.thousandths("dispersion"), Ok)?;
    Ok(Traffic {
        flows: item.number("count")?,
        dispersion,
        first: item.time("first")?,
        last: item.time("last")?,
        ..Traffic::default()
    })
}

/// Gives findings to the devices that they are about; those that no mute hides, with their evidence.
fn findings(page: Obj, devices: &mut [Facts], others: &mut Things) -> Result<Vec<Evidence>> {
    let mut open = Vec::new();
    for finding in page.list("findings")? {
        let finding = finding?;
        if finding.text_or_null("muted")?.is_some() {
            continue;
        }
        let evidence = evidence(finding)?;
        let device = devices.iter_mut().find(|d| d.addrs.contains(&evidence.subject));
        let detail = format!("{}: {}", evidence.severity.name(), evidence.title);
        let key = format!("{}/{}", evidence.id, evidence.reason);
        // When the signs came is not told: in bursts as the device's flows.
        let dispersion = device.as_ref().map_or(POISSON, |d| d.opened.dispersion);
        let list = match device {
            Some(Facts { lists: [.., list], .. }) => list,
            None => &mut *others,
        };
        put(list, key, detail, &times(finding, Some(dispersion))?);
        open.push(evidence);
    }
    Ok(open)
}

fn evidence(f: Obj) -> Result<Evidence> {
    let severity = f.text("severity")?;
    let peers: Vec<String> = f.strings("peers")?.collect::<Result<_>>()?;
    let (flows, packets) = (f.object("flows")?, f.object("packets")?);
    let confidence = u16::try_from(f.thousandths("confidence")?).unwrap_or(u16::MAX);
    Ok(Evidence {
        id: f.text("id")?,
        reason: f.text("reason")?,
        code: f.text("code")?,
        title: f.text("title")?,
        means: f.text("means")?,
        severity: Severity::ALL
            .into_iter()
            .find(|s| s.name() == severity)
            .ok_or(ReadError::Member("severity", "severity"))?,
        confidence: Confidence::new(confidence),
        subject: f.addr("subject")?,
        key: f.text("key")?,
        peers: peers.iter().filter_map(|p| p.parse().ok()).collect(),
        more_peers: f.flag("more_peers")?,
        first: f.time("first")?,
        last: f.time("last")?,
        count: f.number("count")?,
        uids: flows.strings("samples")?.collect::<Result<_>>()?,
        flows: flows.number("count")?,
        packets: packets.numbers("samples")?,
        packet_count: packets.number("count")?,
        measures: f
            .list("measures")?
            .map(|m| {
                let m = m?;
                Ok(Measured {
                    name: m.text("name")?,
                    value: m.signed("value")?.unwrap_or(0),
                    threshold: m.signed("threshold")?,
                    unit: m.text("unit")?,
                    origin: m.text("origin")?,
                })
            })
            .collect::<Result<_>>()?,
        quotes: f
            .list("quotes")?
            .map(|q| {
                let q = q?;
                Ok((q.text("label")?, q.text("text")?, q.optional("packet")?.unwrap_or(0)))
            })
            .collect::<Result<_>>()?,
        benign: f
            .list("benign")?
            .map(|b| {
                let b = b?;
                Ok((b.text("explanation")?, b.text("result")?))
            })
            .collect::<Result<_>>()?,
        quality: f.strings("quality")?.collect::<Result<_>>()?,
    })
}

fn blind(page: Obj) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for judgement in page.list("coverage")? {
        let judgement = judgement?;
        if judgement.text("sight")? == "blind" {
            all.insert(judgement.text("judgement")?);
        }
    }
    Ok(all)
}

/// `None` if nothing went on.
fn activity(a: Obj) -> Result<Option<Activity>> {
    let Some(start) = a.time("start")? else { return Ok(None) };
    let (flows, bytes) = (a.numbers("flows")?, a.numbers("bytes")?);
    Ok(Some(Activity {
        start: Some(start),
        width: Interval::from_millis(i64::try_from(a.thousandths("step_seconds")?).unwrap_or(i64::MAX / 1_000_000)),
        bins: flows.into_iter().zip(bytes).map(|(flows, bytes)| Bin { flows, bytes }).collect(),
        week: a.numbers("flows_by_hour_of_week")?,
    }))
}

fn traffic(t: Obj) -> Result<Traffic> {
    Ok(Traffic {
        flows: t.number("flows")?,
        failed: t.number("failed")?,
        sent: t.number("sent_bytes")?,
        received: t.number("received_bytes")?,
        sent_spread: t.number("sent_spread")?,
        received_spread: t.number("received_spread")?,
        dispersion: t.thousandths("dispersion")?,
        first: t.time("first")?,
        last: t.time("last")?,
    })
}

/// A JSON object whose members have to be there.
#[derive(Clone, Copy)]
struct Obj<'a>(&'a Map<String, Value>);

impl<'a> Obj<'a> {
    fn member(self, name: &'static str, kind: &'static str) -> Result<&'a Value> {
        self.0.get(name).ok_or(ReadError::Member(name, kind))
    }

    fn object(self, name: &'static str) -> Result<Self> {
        let value = self.member(name, "object")?;
        value.as_object().map(Obj).ok_or(ReadError::Member(name, "object"))
    }

    fn array(self, name: &'static str) -> Result<&'a [Value]> {
        let value = self.member(name, "list")?;
        value.as_array().map(Vec::as_slice).ok_or(ReadError::Member(name, "list"))
    }

    fn list(self, name: &'static str) -> Result<impl Iterator<Item = Result<Self>>> {
        let items = self.array(name)?.iter();
        Ok(items.map(move |v| v.as_object().map(Obj).ok_or(ReadError::Member(name, "list of objects"))))
    }

    fn strings(self, name: &'static str) -> Result<impl Iterator<Item = Result<String>>> {
        let items = self.array(name)?.iter();
        Ok(items.map(move |v| v.as_str().map(str::to_owned).ok_or(ReadError::Member(name, "list of strings"))))
    }

    fn numbers(self, name: &'static str) -> Result<Vec<u64>> {
        let items = self.array(name)?.iter();
        items.map(|v| v.as_u64().ok_or(ReadError::Member(name, "list of numbers"))).collect()
    }

    fn number(self, name: &'static str) -> Result<u64> {
        self.member(name, "number")?.as_u64().ok_or(ReadError::Member(name, "number"))
    }

    fn optional(self, name: &'static str) -> Result<Option<u64>> {
        let value = self.member(name, "number or null")?;
        if value.is_null() { Ok(None) } else { self.number(name).map(Some) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    fn thousandths(self, name: &'static str) -> Result<u64> {
        let value = self.member(name, "number")?.as_f64().ok_or(ReadError::Member(name, "number"))?;
        Ok((value * 1000.0).round() as u64)
    }

    /// In thousandths.
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    fn signed(self, name: &'static str) -> Result<Option<i64>> {
        let value = self.member(name, "number or null")?;
        if value.is_null() {
            return Ok(None);
        }
        let value = value.as_f64().ok_or(ReadError::Member(name, "number or null"))?;
        Ok(Some((value * 1000.0).round() as i64))
    }

    fn flag(self, name: &'static str) -> Result<bool> {
        self.member(name, "flag")?.as_bool().ok_or(ReadError::Member(name, "flag"))
    }

    fn text(self, name: &'static str) -> Result<String> {
        let value = self.member(name, "text")?;
        value.as_str().map(str::to_owned).ok_or(ReadError::Member(name, "text"))
    }

    fn text_or_null(self, name: &'static str) -> Result<Option<String>> {
        if self.member(name, "text or null")?.is_null() { Ok(None) } else { self.text(name).map(Some) }
    }

    fn time(self, name: &'static str) -> Result<Option<Timestamp>> {
        match self.text_or_null(name)? {
            None => Ok(None),
            Some(text) => parse_iso(&text).map(Some).ok_or(ReadError::Member(name, "time")),
        }
    }

    fn addr(self, name: &'static str) -> Result<Addr> {
        self.text(name)?.parse().map_err(|_| ReadError::Member(name, "address"))
    }
}
