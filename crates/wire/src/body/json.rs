//! JSON (RFC 8259) and JSON lines: a part for each object, and under it one for each value that is no object.

use std::borrow::Cow;

use serde_json::Value;

use super::Tree;

impl Tree<'_> {
    /// Takes a part apart as JSON. False if it is none.
    pub(super) fn json(&mut self, part: usize) -> bool {
        let bytes = self.bytes(part).trim_ascii();
        if !matches!(bytes.first(), Some(b'{' | b'[')) {
            return false;
        }
        // A copy, for the tree grows while it is read. serde_json limits the nesting to 128.
        let bytes = bytes.to_vec();
        let mut read = false;
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
            let Ok(value) = value else { break };
            read = true;
            self.value(part, "", None, &value, true);
        }
        read
    }

    fn value(&mut self, parent: usize, path: &str, name: Option<&str>, value: &Value, top: bool) {
        if self.full() {
            return;
        }
        let step = |path: &str| Cow::Owned(format!("json:{}", if path.is_empty() { "/" } else { path }));
        let text = match value {
            Value::Object(fields) => {
                let object = if top || !fields.is_empty() {
                    self.child(parent, step(path), Vec::new(), None)
                } else {
                    parent
                };
                for (key, value) in fields {
                    self.value(
                        object,
                        &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                        Some(key),
                        value,
                        false,
                    );
                }
                return;
            }
            Value::Array(items) => {
                let array = self.child(parent, step(path), Vec::new(), None);
                for (index, item) in items.iter().enumerate() {
                    self.value(array, &format!("{path}/{index}"), name, item, false);
                }
                return;
            }
            Value::Null => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let leaf =
            self.child(parent, step(path), text.into_bytes(), Some(name.unwrap_or_default().to_owned()));
        if value.is_string() {
            self.open(leaf);
        }
    }
}
