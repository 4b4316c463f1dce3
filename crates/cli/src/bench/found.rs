//! What a tool says that it found: JSON lines that any program can write, or `creance.findings/1` (docs/corpus.md).

use std::net::IpAddr;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

/// A list of findings.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The name of the tool, where the list says it.
    pub(crate) tool: Option<String>,
    pub(crate) findings: Vec<Finding>,
}

/// One value of one class that went to one destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finding {
    /// As the vocabulary writes it: small letters, words joined by hyphens.
    pub(crate) data_class: String,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) host: Option<String>,
    /// Ascending, each once. Empty if the tool cites none.
    pub(crate) packets: Vec<u64>,
    pub(crate) value: Option<String>,
    pub(crate) file: Option<String>,
}

impl Found {
    /// Reads a stream of JSON values: each is a finding, a list of findings, or a document with `findings`.
    ///
    /// # Errors
    ///
    /// What is not JSON, with its line; what is no finding, with its number; a second tool in one list.
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut found = Self::default();
        for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
            match value? {
                Value::Array(list) => list.into_iter().try_for_each(|one| found.push(one))?,
                Value::Object(mut document) if document.contains_key("findings") => {
                    found.named(document.get("case").and_then(|case| case.get("tool")))?;
                    let Some(Value::Array(list)) = document.remove("findings") else {
                        bail!("`findings` is no list");
                    };
                    list.into_iter().try_for_each(|one| found.push(one))?;
                }
                one => found.push(one)?,
            }
        }
        Ok(found)
    }

    fn push(&mut self, one: Value) -> anyhow::Result<()> {
        let number = self.findings.len() + 1;
        self.named(one.get("tool")).with_context(|| format!("finding {number}"))?;
        let told: Told = serde_json::from_value(one).with_context(|| format!("finding {number}"))?;
        self.findings.push(told.into());
        Ok(())
    }

    /// A list is of one tool: that of two would be scored as if it were one.
    fn named(&mut self, tool: Option<&Value>) -> anyhow::Result<()> {
        let Some(name) = tool.and_then(Value::as_str) else { return Ok(()) };
        match &self.tool {
            Some(known) if known != name => bail!("of the tool `{name}` in the list of `{known}`"),
            Some(_) => {}
            None => self.tool = Some(name.to_owned()),
        }
        Ok(())
    }
}

/// A finding as it is written. Members that no rule uses are ignored.
#[derive(Deserialize)]
struct Told {
    data_class: String,
    #[serde(default)]
    destination: Option<Destination>,
    #[serde(default)]
    packets: Vec<u64>,
    #[serde(default)]
    evidence: Evidence,
    #[serde(default)]
    occurrences: Vec<Evidence>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    file: Option<String>,
}

#[derive(Default, Deserialize)]
struct Destination {
    #[serde(default)]
    ip: Option<IpAddr>,
    #[serde(default)]
    host: Option<String>,
}

#[derive(Default, Deserialize)]
struct Evidence {
    #[serde(default)]
    packets: Vec<u64>,
}

impl From<Told> for Finding {
    fn from(told: Told) -> Self {
        let destination = told.destination.unwrap_or_default();
        let mut packets = told.packets;
        packets.extend(told.evidence.packets);
        packets.extend(told.occurrences.into_iter().flat_map(|one| one.packets));
        packets.sort_unstable();
        packets.dedup();
        Self {
            data_class: told.data_class.trim().to_lowercase().replace(['_', ' '], "-"),
            ip: destination.ip,
            host: destination.host.filter(|host| !host.is_empty()).map(|host| host.to_lowercase()),
            packets,
            value: told.value,
            file: told.file,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"tool": "grep", "data_class": "Flight_Log", "packets": [9, 3, 9],
        "destination": {"ip": "203.0.113.7", "port": 443, "host": "A.example"}, "value": "v", "bytes": 12}"#;

    #[test]
    fn lines_lists_and_documents_are_read() {
        let document = r#"{"schema": "creance.findings/1", "case": {"tool": "creance 1"}, "findings": [{"data_class": "email",
            "destination": {"ip": null, "host": null}, "file": null, "evidence": {"packets": [2]},
            "occurrences": [{"packets": [2]}, {"packets": [5, 6]}]}]}"#;
        let line = Found::parse(LINE.as_bytes()).unwrap();
        let one = &line.findings[0];
        assert_eq!((line.tool.as_deref(), one.data_class.as_str()), (Some("grep"), "flight-log"));
        assert_eq!((&*one.packets, one.host.as_deref()), (&[3, 9][..], Some("a.example")));
        assert_eq!(Found::parse(format!("{LINE}\n{LINE}\n").as_bytes()).unwrap().findings.len(), 2);
        assert_eq!(Found::parse(format!("[{LINE},{LINE}]").as_bytes()).unwrap().findings.len(), 2);
        let whole = Found::parse(document.as_bytes()).unwrap();
        assert_eq!((whole.tool.as_deref(), &*whole.findings[0].packets), (Some("creance 1"), &[2, 5, 6][..]));
        assert!(Found::parse(b"").unwrap().findings.is_empty());
    }

    #[test]
    fn a_list_that_is_cut_is_an_error_or_a_shorter_list() {
        let list = format!("{LINE}\n{LINE}\n");
        for end in 0..list.len() {
            let whole = Found::parse(&list.as_bytes()[..end]).map(|found| found.findings.len());
            assert!(whole.is_err() || whole.is_ok_and(|length| length == end / LINE.len()), "{end}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let told = |text: &str| format!("{:#}", Found::parse(text.as_bytes()).unwrap_err());
        assert!(told(&format!("{LINE}\n{{")).contains("line 3"), "{}", told(&format!("{LINE}\n{{")));
        assert!(told(&format!("{LINE}\n{{}}")).contains("finding 2"));
        assert!(told("{\"findings\": 1}").contains("no list"));
        let other = LINE.replace("grep", "sed");
        assert!(told(&format!("{LINE}{other}")).contains("`sed` in the list of `grep`"));
        assert!(told(r#"{"data_class": "email", "destination": {"ip": "x"}}"#).contains("finding 1"));
    }
}
