//! The truth of a capture: what left, and what only looks like it (docs/corpus.md).

use std::net::IpAddr;

use serde::Deserialize;

/// A truth file. Members that no rule uses are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Truth {
    /// The name of the capture.
    pub(crate) scenario: String,
    /// Whether everything that left is listed. If not, what is not listed is not wrong.
    #[serde(default = "yes")]
    pub(crate) exhaustive: bool,
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) benign: Vec<Trap>,
}

/// One value that went to one destination.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) data_class: String,
    #[serde(flatten)]
    pub(crate) place: Place,
    /// How the value was written.
    #[serde(default)]
    pub(crate) encoding: Option<String>,
    #[serde(default)]
    pub(crate) protocol: Option<String>,
    #[serde(default)]
    pub(crate) must_find: bool,
    /// The file of the device that it is, if it is one.
    #[serde(default)]
    pub(crate) file: Option<Named>,
    /// Of a picture, how many faces it shows.
    #[serde(default)]
    pub(crate) faces: Option<u64>,
}

/// What is not sensitive, whatever it looks like.
#[derive(Debug, Deserialize)]
pub(crate) struct Trap {
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(flatten)]
    pub(crate) place: Place,
}

/// Where bytes went, in which packets, and what they said.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    pub(crate) dst_ip: Option<IpAddr>,
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// The first and the last packet, counted from 1.
    #[serde(default)]
    pub(crate) frames: Option<[u64; 2]>,
    #[serde(default)]
    pub(crate) value: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) name: Option<String>,
}

impl Truth {
    /// # Errors
    ///
    /// What is no truth file, with line and column.
    pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_truth_is_read() {
        let truth = Truth::parse(
            br#"{"scenario": "s", "events": [{"id": "1", "data_class": "email", "dst_ip": "2001:db8::1",
                "frames": [1, 2], "extra": [], "must_find": true}]}"#,
        )
        .unwrap();
        let event = &truth.events[0];
        assert!(truth.exhaustive && event.must_find && truth.benign.is_empty());
        assert_eq!((event.place.frames, event.place.host.as_deref()), (Some([1, 2]), None));
    }

    #[test]
    fn a_wrong_address_is_told_with_its_line() {
        let told = Truth::parse(
            b"{\"scenario\": \"s\", \"events\": [\n{\"id\": \"1\", \"data_class\": \"email\", \"dst_ip\": \"x\"}]}",
        );
        assert!(told.unwrap_err().to_string().contains("line 2"));
    }
}
