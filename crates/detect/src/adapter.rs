//! Described endpoints: what a field of a request means, where somebody has said so. Data: `knowledge/endpoints`.

mod endpoint;

use std::sync::LazyLock;

use creance_model::{DataClass, Match, Part, Value};

use crate::{Card, Context, Detector, Sighting, Sink, View};
use endpoint::{Endpoint, Means, Target};

pub use endpoint::Purpose;

/// All that are bundled. A file that cannot be read would fail its test.
static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| endpoint::bundled().unwrap_or_default());

/// What is said of a host, by the narrowest entry that names it; `None`: nobody has said what it is for.
pub fn purpose(host: &str) -> Option<&'static Purpose> {
    let of_host = ENDPOINTS.iter().filter_map(|endpoint| Some((endpoint.host(host)?, endpoint)));
    of_host.max_by_key(|(narrow, _)| *narrow).map(|(_, endpoint)| &endpoint.purpose)
}

/// Fields of described endpoints.
pub(crate) struct Adapter;

const ID: &str = "adapter";

/// Bytes of the longest value.
const LONGEST: usize = 1024;

impl Detector for Adapter {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "a field of a request to an endpoint whose meaning is documented or was found out by others (knowledge/endpoints, each entry with its source)",
            why: "A number under a short name is told for what it is, and a purpose that is known is said.",
            wrong: "An endpoint may have changed since it was described; another service may use the same path.",
            classes: DataClass::ALL,
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let text = |name: &str| match message.field(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let (target, host) = match (text("topic"), text("uri")) {
            (Some(topic), _) => (topic, None),
            (None, Some(uri)) => (uri, text("host")),
            (None, None) => return,
        };
        let of_endpoints = Target::of(target);
        for endpoint in ENDPOINTS.iter() {
            let Some(captured) = endpoint.takes(host, of_endpoints) else { continue };
            let tell =
                |part: usize, class: DataClass, value: &str, range: Option<[u64; 2]>, sink: &mut Sink<'_>| {
                    if !value.is_empty() && value.len() <= LONGEST {
                        sink.sight(Sighting {
                            range,
                            basis: Some(endpoint.purpose.to_string()),
                            ..Sighting::whole(class, Match::Adapter, ID, part, value)
                        });
                    }
                };
            // What stands in the path or topic itself.
            if let Some(part) = message.parts().iter().find(|part| part.is("topic") || part.is("uri")) {
                for (class, [start, end]) in captured {
                    if let Some(value) = target.get(start..end) {
                        tell(part.index(), class, value, Some([start as u64, end as u64]), sink);
                    }
                }
            }
            for means in &endpoint.means {
                for (part, value) in values(message, means) {
                    tell(part, means.class, &value, None, sink);
                }
            }
        }
    }
}

/// What a message says at the steps of a meaning: of a place, latitude and longitude that stand side by side.
fn values(message: &View<'_>, means: &Means) -> Vec<(usize, String)> {
    let text = |part: Part<'_>| String::from_utf8_lossy(part.bytes()).trim().to_owned();
    let at = |step: &str| {
        let of_message = message.parts().iter().filter(|part| part.is_named());
        of_message.filter(|part| endpoint::fits(step, &part.step())).take(MOST).collect::<Vec<_>>()
    };
    let first = at(&means.at);
    let Some(beside) = &means.beside else {
        return first.into_iter().map(|part| (part.index(), text(part))).collect();
    };
    let second = at(beside);
    let pair = |lat: Part<'_>| {
        let lon = second.iter().find(|lon| lon.parent() == lat.parent())?;
        let (lat_text, lon_text) = (text(lat), text(*lon));
        let place = lat_text.parse().ok().zip(lon_text.parse().ok());
        place
            .is_some_and(|(lat, lon)| crate::location::believable(lat, lon))
            .then(|| (lat.index(), format!("{lat_text},{lon_text}")))
    };
    first.into_iter().filter_map(pair).collect()
}

/// Values of one meaning in a message.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use creance_model::{Carrier, Field, Message, Side, Timestamp, Visibility};

    use super::{endpoint::Example, *};
    use crate::look;

    /// The request of an example, its body taken apart as that of any.
    fn request(example: &Example) -> Message {
        let limits = creance_wire::Limits::default();
        let mut parts = creance_wire::expand(example.body.as_bytes(), Some("application/json"), &limits);
        let field = |name: &'static str, text: &str| Field { name, value: Value::Text(text.to_owned()) };
        let (fields, protocol) = if let Some(topic) = &example.topic {
            parts.add(Carrier::Field, None, "topic", None, topic.as_str());
            (vec![field("topic", topic)], "mqtt")
        } else {
            let path = example.path.as_deref().unwrap_or_default();
            parts.add(Carrier::Uri, None, "uri", None, path);
            let host = example.host.as_deref().unwrap_or("cloud.netzwacht.example");
            (vec![field("host", host), field("uri", path)], "http/1")
        };
        for (name, value) in &example.headers {
            parts.add(
                Carrier::Header,
                None,
                creance_model::Step::Of("header", name),
                Some(name),
                value.as_str(),
            );
        }
        Message {
            time: Timestamp::default(),
            protocol,
            kind: if protocol == "mqtt" { "publish" } else { "request" },
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: 1,
            fields,
            parts,
        }
    }

    #[test]
    fn every_endpoint_that_says_what_fields_mean_has_an_example_that_shows_it() {
        let endpoints = endpoint::bundled().unwrap();
        assert!(endpoints.len() > 30, "{}", endpoints.len());
        for endpoint in &endpoints {
            let Some(example) = &endpoint.example else {
                assert!(endpoint.means.is_empty() && endpoint.path.is_none(), "{}", endpoint.purpose);
                continue;
            };
            let message = request(example);
            let told: BTreeSet<_> = look(&message, &Context::default())
                .sightings
                .into_iter()
                .filter(|one| one.basis.as_deref() == Some(&*endpoint.purpose.to_string()))
                .map(|one| (one.data_class.name().to_owned(), one.value))
                .collect();
            assert_eq!(told, example.told.iter().cloned().collect(), "{}", endpoint.purpose);
        }
    }

    #[test]
    fn another_path_says_nothing() {
        let endpoints = endpoint::bundled().unwrap();
        for example in endpoints.iter().filter_map(|endpoint| endpoint.example.as_ref()) {
            let mut other = example.clone();
            other.topic = example.topic.as_ref().map(|topic| format!("x/{topic}"));
            other.path = example.path.as_ref().map(|path| format!("/x{path}"));
            let told = look(&request(&other), &Context::default()).sightings;
            assert!(told.iter().all(|one| one.matched != Match::Adapter), "{other:?}: {told:?}");
        }
    }

    #[test]
    fn the_narrowest_entry_says_what_a_host_is_for() {
        assert!(purpose("flysafe-api.dji.com").is_some_and(|said| said.what.contains("no-fly")));
        assert!(purpose("x.oss-cn-hongkong.aliyuncs.com").is_some_and(|said| said.what.contains("OSS")));
        assert!(purpose("us.djiservice.org").is_none(), "nobody has said what for");
        assert!(purpose("flysafe-api.dji.com.example").is_none());
    }
}
