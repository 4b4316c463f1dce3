//! Entries of `knowledge/endpoints`: TOML with a `source` and `date`, and `[[endpoint]]` tables.
//!
//! | key | what |
//! |---|---|
//! | `purpose` | what it is for, as the source states it |
//! | `hosts` | names; `*.` before one takes those below it, `*` within a label any letters. Without: any host |
//! | `path`, `topic` | segments; `*` is any one, `{class}` any one that is of that data class. Without: any |
//! | `means` | steps to fields, as a decode path names them (`*` for a key or index), and the class of each. A place is `latitude, longitude` |
//! | `example` | what a test sends (`path` or `topic`, `host`, `headers`, `body`), and what must be told of it |

use std::{collections::BTreeMap, fmt};

use creance_model::DataClass;
use serde::Deserialize;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/endpoints.rs"));

/// What an endpoint is for, and who says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Purpose {
    /// What it is for.
    pub what: String,
    /// Who says so.
    pub source: String,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.source)
    }
}

/// A described endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) purpose: Purpose,
    hosts: Vec<String>,
    pub(super) path: Option<Vec<Segment>>,
    topic: bool,
    pub(super) means: Vec<Means>,
    #[cfg_attr(not(test), expect(dead_code, reason = "what the tests send"))]
    pub(super) example: Option<Example>,
}

/// A segment of a path or topic.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Segment {
    Is(String),
    Any,
    Of(DataClass),
}

/// What a field is.
#[derive(Debug)]
pub(super) struct Means {
    /// The step to it; of a place, to its latitude.
    pub(super) at: String,
    /// Of a place, the step to its longitude.
    pub(super) beside: Option<String>,
    pub(super) class: DataClass,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    #[serde(rename = "date")]
    _date: String,
    endpoint: Vec<Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    purpose: String,
    source: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    path: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    means: BTreeMap<String, String>,
    example: Option<Example>,
}

/// What the tests send, and what must be told of it: class and value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "what the tests send"))]
pub(super) struct Example {
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
    pub(super) topic: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: String,
    pub(super) told: Vec<(String, String)>,
}

/// All that are bundled.
pub(super) fn bundled() -> Result<Vec<Endpoint>, String> {
    let mut all = Vec::new();
    for (name, text) in FILES {
        let file: File = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        for table in file.endpoint {
            all.push(Endpoint::new(table, &file.source).map_err(|why| format!("{name}: {why}"))?);
        }
    }
    Ok(all)
}

impl Endpoint {
    fn new(table: Table, source: &str) -> Result<Self, String> {
        let class = |name: &str| DataClass::from_name(name).ok_or_else(|| format!("no class {name}"));
        let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => class(name).map(Segment::Of),
            None if text == "*" => Ok(Segment::Any),
            None => Ok(Segment::Is(text.to_owned())),
        };
        let topic = table.topic.is_some();
        let path = table
            .topic
            .or(table.path)
            .map(|path| path.trim_start_matches('/').split('/').map(segment).collect::<Result<Vec<_>, _>>());
        let means = table.means.iter().map(|(at, name)| {
            let (at, beside) =
                at.split_once(',').map_or((at.as_str(), None), |(at, beside)| (at, Some(beside)));
            Ok(Means {
                at: at.trim().to_owned(),
                beside: beside.map(|step| step.trim().to_owned()),
                class: class(name)?,
            })
        });
        Ok(Self {
            purpose: Purpose {
                what: table.purpose,
                source: table.source.unwrap_or_else(|| source.to_owned()),
            },
            hosts: table.hosts,
            path: path.transpose()?,
            topic,
            means: means.collect::<Result<_, String>>()?,
            example: table.example,
        })
    }

    /// How narrowly it names a host; `None` where it does not, or is but a part of what a host does.
    pub(super) fn host(&self, host: &str) -> Option<usize> {
        if self.path.is_some() {
            return None;
        }
        self.hosts.iter().filter(|pattern| is_host(pattern, host)).map(String::len).max()
    }

    /// Whether a request is for this endpoint: what its path or topic holds, each with its class and where it stands.
    pub(super) fn takes(
        &self,
        host: Option<&str>,
        target: Target<'_>,
    ) -> Option<Vec<(DataClass, [usize; 2])>> {
        let path = self.path.as_ref()?;
        if self.topic != host.is_none() {
            return None;
        }
        let mut at = target.at;
        let mut captured = Vec::new();
        let mut wanted = path.iter();
        for segment in target.path.get(at..)?.split('/') {
            match wanted.next()? {
                Segment::Is(text) if text == segment => {}
                Segment::Is(_) => return None,
                Segment::Any => {}
                Segment::Of(class) => captured.push((*class, [at, at + segment.len()])),
            }
            at += segment.len() + 1;
        }
        let named = || self.hosts.iter().any(|pattern| host.is_some_and(|host| is_host(pattern, host)));
        (wanted.next().is_none() && (self.hosts.is_empty() || named())).then_some(captured)
    }
}

/// The target of a request, or a topic, as endpoints are compared with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'t> {
    /// Without query and fragment.
    path: &'t str,
    /// Where its first segment begins.
    at: usize,
}

impl<'t> Target<'t> {
    pub(super) fn of(target: &'t str) -> Self {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        // RFC 9112 §3.2.2: a target may be absolute.
        let begin = path.find("://").and_then(|at| path.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
        let at = begin.unwrap_or(0);
        let slash = path.get(at..).is_some_and(|rest| rest.starts_with('/'));
        Self { path, at: at + usize::from(slash) }
    }
}

/// Whether a host is one that a pattern names.
fn is_host(pattern: &str, host: &str) -> bool {
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    if let Some(root) = pattern.strip_prefix("*.") {
        // The labels of the pattern are the last ones of the host, and there are more before them.
        let labels = root.split('.').count();
        let below: Vec<&str> = host.rsplitn(labels + 1, '.').collect();
        return below.len() == labels + 1
            && root.rsplit('.').zip(&below).all(|(pattern, label)| is_label(pattern, label));
    }
    pattern.split('.').count() == host.split('.').count()
        && pattern.split('.').zip(host.split('.')).all(|(pattern, label)| is_label(pattern, label))
}

/// Whether a label fits one in which a star is any letters.
fn is_label(pattern: &str, label: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(label),
        Some((first, last)) => {
            let label = label.to_ascii_lowercase();
            label.len() >= first.len() + last.len() && label.starts_with(first) && label.ends_with(last)
        }
    }
}

/// Whether a step is one that a pattern names: `json:/sub_devices/*/sn` is `json:/sub_devices/0/sn`.
pub(super) fn fits(pattern: &str, step: &str) -> bool {
    let mut steps = step.split('/');
    pattern.split('/').all(|part| steps.next().is_some_and(|step| part == "*" || part == step))
        && steps.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_steps_are_told_from_those_like_them() {
        assert!(
            is_host("flysafe-api.dji.com", "FLYSAFE-API.dji.com:443") && !is_host("dji.com", "a.dji.com")
        );
        assert!(is_host("*.oss-*.aliyuncs.com", "bucket.oss-cn-hangzhou.aliyuncs.com"));
        assert!(!is_host("*.oss-*.aliyuncs.com", "oss-cn-hangzhou.aliyuncs.com"));
        assert!(!is_host("*.oss-*.aliyuncs.com", "a.oss-x.aliyuncs.com.example"));
        assert!(fits("json:/a/*/sn", "json:/a/0/sn") && !fits("json:/a/*/sn", "json:/a/0/b/sn"));
        assert!(!fits("json:/a", "json:/a/b") && !fits("json:/a/b", "json:/a"));
    }

    #[test]
    fn a_path_is_taken_as_a_whole_and_its_segments_are_captured() {
        let text = "purpose = 'x'\npath = '/v1/{serial}/*/state'";
        let endpoint = Endpoint::new(toml::from_str(text).unwrap(), "y").unwrap();
        let takes = |target| endpoint.takes(Some("a.example"), Target::of(target));
        assert_eq!(takes("/v1/AB/x/state?a=/b"), Some(vec![(DataClass::Serial, [4, 6])]));
        assert_eq!(takes("http://a.example/v1/AB/x/state"), Some(vec![(DataClass::Serial, [20, 22])]));
        assert!(
            takes("/v1/AB/x/state/more").is_none() && takes("/v1/AB/x").is_none() && takes("/").is_none()
        );
        assert!(endpoint.takes(None, Target::of("v1/AB/x/state")).is_none(), "no topic");
    }
}
