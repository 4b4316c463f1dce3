//! JSON as files of zones and registers of sites hold it: millions of coordinates, and little else. A pair of numbers is kept as a place, a list of
//! places in one piece, so that ten million corners take as many times sixteen bytes.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::zones::Position;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Two to four numbers: the first two.
    Place(Position),
    /// Places alone.
    Line(Vec<Position>),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Values of a document, and bytes of its texts.
const MOST: u64 = 60_000_000;

/// Reads a document. Errors say what is wrong and where, for people.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, String> {
    let left = Cell::new(MOST);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Seed(&left).deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

impl Json {
    /// A value of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(pairs) => pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
        .filter(|value| **value != Self::Null)
    }

    /// The first of these keys that the object has, whatever the case of its letters.
    pub(crate) fn any(&self, keys: &[&str]) -> Option<&Self> {
        let Self::Object(pairs) = self else { return None };
        keys.iter().find_map(|key| {
            let mut named =
                pairs.iter().filter(|(name, value)| name.eq_ignore_ascii_case(key) && *value != Self::Null);
            named.next().map(|(_, value)| value)
        })
    }

    /// Text that is not blank.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }

    /// Text, or a number as text.
    pub(crate) fn label(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            other => other.text().map(str::to_owned),
        }
    }

    /// Text in one of several languages, English first: a text, or a list of `{"text": …, "lang": …}`.
    pub(crate) fn said(&self) -> Option<String> {
        if let Some(text) = self.text() {
            return Some(text.to_owned());
        }
        let said =
            |one: &Self| one.get("text").and_then(Self::text).or_else(|| one.text()).map(str::to_owned);
        let english =
            |one: &&Self| one.get("lang").and_then(Self::text).is_some_and(|lang| lang.starts_with("en"));
        self.items().iter().find(english).and_then(said).or_else(|| self.items().iter().find_map(said))
    }

    /// A number, also one that is written as text.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// The values of a list; nothing of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A value as a list: itself where it is none.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Null => &[],
            other => std::slice::from_ref(other),
        }
    }

    /// What it is, in a word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Place(_) | Self::Line(_) | Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads one value, and counts it.
#[derive(Clone, Copy)]
struct Seed<'a>(&'a Cell<u64>);

impl Seed<'_> {
    fn spend<E: serde::de::Error>(self, units: usize) -> Result<(), E> {
        let left =
            self.0.get().checked_sub(units as u64).ok_or_else(|| {
                E::custom(format!("more than {MOST} values: split the file into smaller ones"))
            })?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "degrees, metres, identifiers below 2^53")]
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "degrees, metres, identifiers below 2^53")]
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Json, E> {
        self.spend(1 + value.len() / 16)?;
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut line: Vec<Position> = Vec::new();
        let mut items: Vec<Json> = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            match item {
                Json::Place(place) if items.is_empty() => {
                    self.spend(1)?;
                    line.push(place);
                }
                other => {
                    self.spend(4)?;
                    items.extend(line.drain(..).map(Json::Place));
                    items.push(other);
                }
            }
        }
        if !line.is_empty() {
            return Ok(Json::Line(line));
        }
        Ok(match items.as_slice() {
            [Json::Number(x), Json::Number(y)]
            | [Json::Number(x), Json::Number(y), _]
            | [Json::Number(x), Json::Number(y), _, _] => {
                self.0.set(self.0.get().saturating_add(4 * items.len() as u64));
                Json::Place([*x, *y])
            }
            _ => Json::List(items),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            self.spend(4 + key.len() / 16)?;
            let value = map.next_value_seed(self)?;
            pairs.push((key, value));
            if pairs.len() > 1_000_000 {
                return Err(A::Error::custom("an object has more than a million keys"));
            }
        }
        Ok(Json::Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_lines_are_kept_in_one_piece() {
        let value =
            parse(br#"{"a": [[[8, 47], [9.5, 47, 400]], []], "b": [1, 2, 3, 4, 5], "n": null, "t": " 12 "}"#)
                .unwrap();
        let line = Json::Line(vec![[8.0, 47.0], [9.5, 47.0]]);
        assert_eq!(value.get("a").unwrap().items(), [line, Json::List(Vec::new())]);
        assert_eq!(value.get("b").unwrap().items().len(), 5);
        assert_eq!((value.get("n"), value.any(&["x", "T"]).and_then(Json::number)), (None, Some(12.0)));
    }

    #[test]
    fn languages_are_chosen() {
        let text = br#"[{"text": "Parc", "lang": "fr-BE"}, {"text": "Park", "lang": "en-GB"}]"#;
        assert_eq!(parse(text).unwrap().said().as_deref(), Some("Park"));
        assert_eq!(parse(b"\"Park\"").unwrap().said().as_deref(), Some("Park"));
    }

    #[test]
    fn nesting_and_what_is_no_json_are_refused() {
        assert!(parse(&b"[".repeat(1_000_000)).unwrap_err().contains("recursion"));
        assert!(parse(b"{\"a\": 1} x").is_err());
        assert!(parse(b"").is_err());
    }
}
