//! STIX 2.1 (OASIS): a bundle for platforms of threat intelligence.
//!
//! Ids follow from content, so that equal cases give equal bundles: those of observables as the standard has it (2.9), the
//! others from the case. Times are those of the evidence: nothing here reads a clock. `confidence` is on the scale None, Low,
//! Medium, High of appendix A; an examiner's verdict on a judgement is an opinion.

use std::{collections::BTreeMap, io, net::IpAddr};

use creance_model::{
    Confidence, Destination, Finding, Judgement, Match, Report, ReviewState, Timestamp, Tlp, Traffic,
};
use serde_json::{Map, Value, json};
use uuid::{Uuid, uuid};

use crate::{
    Options, Output,
    headline::headline,
    words::{known_country, shown, shown_whole},
};

/// A bundle.
pub(crate) struct Stix;

impl Output for Stix {
    fn name(&self) -> &'static str {
        "stix"
    }

    fn extension(&self) -> &'static str {
        "stix.json"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &bundle(report))?;
        out.write_all(b"\n")
    }
}

/// The namespace of observables (STIX 2.1, 2.9).
const OBSERVABLES: Uuid = uuid!("00abedb4-aa42-466c-9c01-fed23315a9b7");

/// Ours: version 5 of the address of the schema of findings, in the namespace of addresses (RFC 9562, 6.6).
const OURS: Uuid = uuid!("cc95650d-7840-5da2-946d-9153209a2b86");

/// The objects of TLP 2.0 for STIX, and the extension that defines them (OASIS, FIRST).
const fn marking(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}
const TLP_2: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

fn bundle(report: &Report) -> Value {
    let mut bundle = Bundle::new(report);
    for traffic in &report.destinations {
        bundle.destination(traffic);
    }
    for finding in &report.findings {
        bundle.finding(finding);
    }
    for judgement in &report.judgements {
        bundle.judgement(judgement);
    }
    bundle.done()
}

/// Objects by their ids, each once.
struct Bundle<'r> {
    report: &'r Report,
    /// When everything that has no time of its own was made: at the end of the evidence.
    made: String,
    identity: String,
    objects: BTreeMap<String, Value>,
}

impl<'r> Bundle<'r> {
    fn new(report: &'r Report) -> Self {
        let made = time(report.case.last.or(report.case.first).unwrap_or_default());
        let identity = format!("identity--{}", Uuid::new_v5(&OURS, b"creance"));
        let mut bundle = Self { report, made, identity: identity.clone(), objects: BTreeMap::new() };
        let tool = json!({"name": report.case.tool, "identity_class": "system", "description": "The program that made this bundle."});
        bundle.add_as(identity, "identity", report.tlp, tool);
        bundle
    }

    /// An object of the domain that is no portion with a mark of its own.
    fn add(&mut self, kind: &str, key: &str, content: Value) -> String {
        self.add_marked(kind, key, self.report.tlp, content)
    }

    /// An object of the domain, under an id that follows from the case and the key.
    fn add_marked(&mut self, kind: &str, key: &str, tlp: Tlp, content: Value) -> String {
        let id = format!(
            "{kind}--{}",
            Uuid::new_v5(&OURS, format!("{}\n{kind}\n{key}", self.report.case.id).as_bytes())
        );
        self.add_as(id.clone(), kind, tlp, content);
        id
    }

    fn add_as(&mut self, id: String, kind: &str, tlp: Tlp, content: Value) {
        let mark = self.mark(tlp);
        let mut object = object(content);
        object.insert("type".to_owned(), kind.into());
        object.insert("spec_version".to_owned(), "2.1".into());
        object.insert("id".to_owned(), id.clone().into());
        object.insert("created".to_owned(), self.made.clone().into());
        object.insert("modified".to_owned(), self.made.clone().into());
        object.insert("object_marking_refs".to_owned(), json!([mark]));
        if kind != "identity" {
            object.insert("created_by_ref".to_owned(), self.identity.clone().into());
        }
        object.retain(|_, value| !value.is_null());
        self.objects.insert(id, Value::Object(object));
    }

    /// The object of a mark, which stands in the bundle once.
    fn mark(&mut self, tlp: Tlp) -> &'static str {
        let id = marking(tlp);
        self.objects.entry(id.to_owned()).or_insert_with(|| {
            json!({
                "type": "marking-definition",
                "spec_version": "2.1",
                "id": id,
                "created": "2022-10-01T00:00:00.000Z",
                "name": tlp.label(),
                "extensions": {TLP_2: {"extension_type": "property-extension", "tlp_2_0": tlp.name()}},
            })
        });
        id
    }

    /// An observable: `named` are the properties that its id follows from, `rest` the others.
    fn observe(&mut self, kind: &str, named: Value, rest: Value) -> String {
        let mut named = object(named);
        named.retain(|_, value| !value.is_null());
        // Members are sorted and there is no space: RFC 8785, for what stands here.
        let canonical = serde_json::to_vec(&named.iter().collect::<BTreeMap<_, _>>()).unwrap_or_default();
        let id = format!("{kind}--{}", Uuid::new_v5(&OBSERVABLES, &canonical));
        let mark = self.mark(self.report.tlp);
        let mut object = named;
        object.extend(self::object(rest).into_iter().filter(|(_, value)| !value.is_null()));
        object.insert("type".to_owned(), kind.into());
        object.insert("spec_version".to_owned(), "2.1".into());
        object.insert("id".to_owned(), id.clone().into());
        object.insert("object_marking_refs".to_owned(), json!([mark]));
        self.objects.entry(id.clone()).or_insert(Value::Object(object));
        id
    }

    /// What is no address, in a case that somebody wrote by hand, is left out.
    fn address(&mut self, ip: &str) -> Option<String> {
        let kind = match ip.parse().ok()? {
            IpAddr::V4(_) => "ipv4-addr",
            IpAddr::V6(_) => "ipv6-addr",
        };
        Some(self.observe(kind, json!({"value": ip}), json!({})))
    }

    fn related(&mut self, from: &str, how: &str, to: &str) {
        let content = json!({"relationship_type": how, "source_ref": from, "target_ref": to});
        self.add("relationship", &format!("{from} {how} {to}"), content);
    }

    /// What answers at a host: an infrastructure, where it is, who runs it, and its observables.
    fn infrastructure(&mut self, to: &Destination) -> Option<(String, Vec<String>)> {
        let name = to.host.as_deref().or(to.ip.as_deref())?;
        let run_by =
            to.organization.as_deref().map(|who| format!("Run by {}. ", shown(who))).unwrap_or_default();
        let law = to.control.as_deref().map(|law| format!("Under the law of {law}. ")).unwrap_or_default();
        let basis = to.country_basis.as_deref().unwrap_or("nothing");
        let content = json!({
            "name": shown(name),
            "infrastructure_types": ["unknown"],
            "description": format!("{run_by}{law}The country is by {basis}, with {} confidence.", to.country_confidence),
        });
        let id = self.add("infrastructure", name, content);
        let mut observed = Vec::new();
        // A masked host is no name of a domain.
        if let Some(host) =
            to.host.as_deref().filter(|host| host.is_ascii() && !host.contains(char::is_whitespace))
        {
            observed.push(self.observe("domain-name", json!({"value": host}), json!({})));
        }
        if let Some(ip) = &to.ip {
            observed.extend(self.address(ip));
        }
        for one in &observed {
            self.related(&id, "consists-of", one);
        }
        if let Some(number) = to.asn {
            let name = to.as_name.as_deref().map(shown);
            let system = self.observe("autonomous-system", json!({"number": number}), json!({"name": name}));
            self.related(&id, "consists-of", &system);
        }
        if let Some((code, name)) = to.country.as_deref().and_then(|code| Some((code, known_country(code)?)))
        {
            let content = json!({"country": code, "name": name});
            let there = self.add("location", code, content);
            self.related(&id, "located-at", &there);
        }
        Some((id, observed))
    }

    fn destination(&mut self, traffic: &Traffic) {
        let Some((_, observed)) = self.infrastructure(&traffic.destination) else { return };
        let Some(there) = observed.last() else { return };
        let protocols = protocols(&traffic.transport.to_string(), &traffic.protocols);
        let named = json!({
            "start": shortest(traffic.first), "end": shortest(traffic.last.max(traffic.first)),
            "dst_ref": there, "dst_port": port(traffic.destination.port), "protocols": protocols,
        });
        let (up, down) = (traffic.bytes_up, traffic.bytes_down);
        let flow = self.observe(
            "network-traffic",
            named,
            json!({"src_byte_count": up, "dst_byte_count": down, "is_active": false}),
        );
        let content = json!({
            "first_observed": time(traffic.first), "last_observed": time(traffic.last.max(traffic.first)),
            "number_observed": traffic.flows.clamp(1, 999_999_999), "object_refs": [flow.as_str(), there.as_str()],
        });
        self.add("observed-data", &flow, content);
    }

    fn finding(&mut self, finding: &Finding) {
        let to = &finding.destination;
        let ours = finding.source.ip.as_deref().and_then(|ip| self.address(ip));
        let theirs = self.infrastructure(to);
        let there = theirs.as_ref().and_then(|(_, observed)| observed.last().cloned());
        let mut seen: Vec<String> = theirs.iter().flat_map(|(_, observed)| observed.clone()).collect();
        if ours.is_some() || there.is_some() {
            let named = json!({
                "start": shortest(finding.time), "end": shortest(finding.last_time.max(finding.time)),
                "src_ref": ours, "dst_ref": there, "dst_port": there.as_ref().and_then(|_| port(to.port)),
                "protocols": protocols(&finding.transport.to_string(), &[finding.protocol.to_string()]),
            });
            seen.push(self.observe("network-traffic", named, json!({"is_active": false})));
            seen.extend(ours);
        } else {
            seen.push(self.observe(
                "software",
                json!({"name": "a transmitter that names no address"}),
                json!({}),
            ));
        }
        let content = json!({
            "first_observed": time(finding.time), "last_observed": time(finding.last_time.max(finding.time)),
            "number_observed": finding.count.clamp(1, 999_999_999), "object_refs": seen,
        });
        let observed = self.add_marked("observed-data", &finding.id, finding.tlp, content);
        let content = json!({
            "abstract": format!("{} {}: {} left, {}", finding.id, finding.severity, finding.data_class, crate::words::state(finding.flight_state)),
            "content": format!(
                "Value {} (digest {}). Known by {}. Path: {}. Packets {} of {}. Trigger {}, app {}.",
                shown(&finding.value), finding.digest, crate::words::matched(finding.matched),
                shown(&finding.decode_path.join(" > ")),
                finding.evidence.packets.iter().take(16).map(u64::to_string).collect::<Vec<_>>().join(", "),
                finding.evidence.input, finding.trigger, finding.app_state,
            ),
            "labels": [finding.data_class.name(), finding.severity.name(), finding.matched.name()],
            "confidence": confidence_of(finding.matched),
            "object_refs": theirs.map(|(id, _)| id).into_iter().chain([observed]).collect::<Vec<_>>(),
        });
        self.add_marked("note", &finding.id, finding.tlp, content);
    }

    fn judgement(&mut self, of: &Judgement) {
        let about: Vec<String> = of
            .evidence
            .iter()
            .flat_map(|one| &one.findings)
            .map(|finding| {
                format!(
                    "note--{}",
                    Uuid::new_v5(&OURS, format!("{}\nnote\n{finding}", self.report.case.id).as_bytes())
                )
            })
            .filter(|id| self.objects.contains_key(id))
            .collect();
        let about = if about.is_empty() { vec![self.identity.clone()] } else { about };
        let basis = if of.basis.is_empty() { String::new() } else { format!("\n\n{}", of.basis.join(" ")) };
        let content = json!({
            "abstract": format!("{} {} ({})", of.id, shown(&of.claim), of.review.state),
            "content": format!("{}{basis}", of.stands()),
            "labels": ["judgement", of.review.state.name()],
            "confidence": of.confidence.map(|confidence| match confidence {
                Confidence::Low => 15,
                Confidence::Moderate => 50,
                Confidence::High => 85,
            }),
            "external_references": cited(of),
            "object_refs": about,
        });
        let note = self.add_marked("note", &of.id, of.tlp, content);
        let opinion = match of.review.state {
            ReviewState::Draft => return,
            ReviewState::Accepted => "agree",
            ReviewState::Rejected => "disagree",
            ReviewState::Reworded => "neutral",
        };
        let content = json!({
            "opinion": opinion,
            "explanation": of.review.reason,
            "authors": of.review.examiner.iter().collect::<Vec<_>>(),
            "object_refs": [note],
        });
        self.add_marked("opinion", &of.id, of.tlp, content);
    }

    /// The report that holds all, and the bundle.
    fn done(mut self) -> Value {
        let [first, second] = headline(self.report);
        let refs: Vec<String> =
            self.objects.keys().filter(|id| !id.starts_with("marking-definition")).cloned().collect();
        let content = json!({
            "name": format!("creance case {}", self.report.case.id),
            "description": format!("{first} {second} Confidence is on the scale None, Low, Medium, High of STIX 2.1, appendix A."),
            "report_types": ["observed-data"],
            "published": self.made,
            "object_refs": refs,
        });
        self.add_marked("report", "report", self.report.banner(), content);
        let id = format!("bundle--{}", Uuid::new_v5(&OURS, self.report.case.id.as_bytes()));
        json!({"type": "bundle", "id": id, "objects": self.objects.into_values().collect::<Vec<_>>()})
    }
}

/// The sources of a judgement: those that it weighs, with their grades, and those that it cites and does not weigh.
fn cited(of: &Judgement) -> Option<Vec<Value>> {
    let weighed = of.evidence.iter().filter_map(|line| {
        let source = line.cited.as_deref()?;
        Some(json!({"source_name": shown(source), "description": format!("Graded {}. {}", line.grade, shown_whole(&line.says))}))
    });
    let beside = of.cites.iter().map(|text| {
        // Laws end with where they can be read; sites are of the case.
        let source =
            text.rsplit_once("Source: ").map_or("the case", |(_, source)| source.trim_end_matches('.'));
        json!({"source_name": shown(source), "description": shown_whole(text)})
    });
    let all: Vec<Value> = weighed.chain(beside).collect();
    (!all.is_empty()).then_some(all)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// To the millisecond, as bundles have it.
fn time(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.trim_end_matches('Z');
    let (seconds, decimals) = whole.split_once('.').unwrap_or((whole, ""));
    let millis: String = decimals.chars().chain("000".chars()).take(3).collect();
    format!("{seconds}.{millis}Z")
}

/// The same without needless zeros: ids follow from this text.
fn shortest(at: Timestamp) -> String {
    let text = time(at);
    let (seconds, decimals) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    match decimals.trim_end_matches('0') {
        "" => format!("{seconds}Z"),
        decimals => format!("{seconds}.{decimals}Z"),
    }
}

/// 0 stands where there is none.
fn port(port: u16) -> Option<u16> {
    (port != 0).then_some(port)
}

/// From the outermost inwards, by their names in the registry of services where they have one.
fn protocols(transport: &str, above: &[String]) -> Vec<String> {
    let named = above.iter().map(|name| if name.starts_with("http/") { "http" } else { name.as_str() });
    let mut all: Vec<String> = [transport].into_iter().chain(named).map(str::to_lowercase).collect();
    all.dedup();
    all
}

/// How far a finding may be trusted by how it is known: High 85, Medium 50, Low 15.
const fn confidence_of(matched: Match) -> u8 {
    match matched {
        Match::Canary | Match::Device | Match::Track => 85,
        Match::Adapter | Match::Structured => 50,
        Match::Pattern | Match::Size => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals() {
        for (nanos, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_500_000_000, "1970-01-01T00:00:01.500Z"),
            (1_234_567_891, "1970-01-01T00:00:01.234Z"),
        ] {
            assert_eq!(time(Timestamp::from_nanos(nanos)), written);
        }
        for (nanos, written) in
            [(1_500_000_000, "1970-01-01T00:00:01.5Z"), (10_000_000_000, "1970-01-01T00:00:10Z")]
        {
            assert_eq!(shortest(Timestamp::from_nanos(nanos)), written);
        }
    }

    #[test]
    fn an_address_has_the_id_that_the_standard_gives_it() {
        let canonical = br#"{"value":"198.51.100.3"}"#;
        // So says the library of OASIS, stix2.
        assert_eq!(Uuid::new_v5(&OBSERVABLES, canonical).to_string(), "28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    }
}
