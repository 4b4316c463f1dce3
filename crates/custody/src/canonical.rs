//! The one way to write a document: what is hashed or signed has no second spelling.
//!
//! The canonical form is that of RFC 8785 without numbers that are not whole: UTF-8, no white space, members of objects
//! sorted by name, no escape but those that JSON demands, each the shortest.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A document, written. Nothing, if it holds a number that is not whole.
pub fn write(document: &impl Serialize) -> Option<String> {
    let value = serde_json::to_value(document).ok()?;
    whole(&value).then(|| sorted(value).to_string())
}

/// Members of objects sorted by name, whatever order the library keeps: a feature of it that another crate asks for
/// (`preserve_order`, by cedar-policy) has it keep the order in which they were written.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, member)| (name, sorted(member))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

/// A document, read; nothing if it is written in another way than [`write`] would, or is none of its kind.
pub(crate) fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let document = serde_json::from_slice(bytes).ok()?;
    (write(&document)?.as_bytes() == bytes).then_some(document)
}

fn whole(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_u64() || number.is_i64(),
        Value::Array(items) => items.iter().all(whole),
        Value::Object(members) => members.values().all(whole),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn there_is_no_second_spelling() {
        let read = |text: &str| read::<BTreeMap<String, Value>>(text.as_bytes());
        assert!(read(r#"{"a":[1,"é"],"b":null}"#).is_some());
        for other in [
            r#"{"b":null,"a":[1,"é"]}"#,
            r#"{"a":[1, "é"],"b":null}"#,
            r#"{"a":[1,"\u00e9"],"b":null}"#,
            r#"{"a":0,"a":[1,"é"],"b":null}"#,
            r#"{"a":[1.0,"é"],"b":null}"#,
            r#"{"a":[1e0,"é"],"b":null}"#,
            "{\"a\":[1,\"é\"],\"b\":null}\n",
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
