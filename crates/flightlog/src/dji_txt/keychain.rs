//! The keys of records from version 13 on, which the vendor holds: what to ask for, and what the answer says.
//!
//! Nothing here asks anybody. Whoever may and wants to sends the request of [`export_key_request`] to the vendor, and gives
//! the answer to [`Keychain::parse`].

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    layout::{self, Layout},
    unlock::unscrambled,
    walk::{Item, Walk},
};

/// Kinds of records: the app began anew, with new keys; and a key, wrapped for the vendor.
pub(super) const RECOVER: u8 = 50;
pub(super) const KEY: u8 = 56;

/// The keys of a flight record, as its vendor gave them.
#[derive(Clone, Default)]
pub struct Keychain(Vec<BTreeMap<u16, Key>>);

/// A key, and the block before the first ciphertext.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) key: [u8; 32],
    pub(super) iv: [u8; 16],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: usize = self.0.iter().map(BTreeMap::len).sum();
        write!(f, "Keychain({keys} keys)")
    }
}

/// A key as the answer writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    feature_point: Value,
    aes_key: String,
    aes_iv: String,
}

impl Keychain {
    /// Reads the vendor's answer, or its `data` alone: lists of lists of `{featurePoint, aesKey, aesIv}`.
    ///
    /// # Errors
    ///
    /// What is not of that shape, as a fragment that reads well after "cannot read the keychain: ".
    pub fn parse(json: &str) -> Result<Self, String> {
        let mut answer: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if let Some(data) = answer.get_mut("data") {
            answer = data.take();
        }
        let groups: Vec<Vec<Given>> = serde_json::from_value(answer)
            .map_err(|error| format!("expected lists of lists of featurePoint, aesKey, aesIv: {error}"))?;
        let groups: Result<Vec<_>, String> = groups
            .into_iter()
            .map(|group| group.into_iter().map(|given| given.key()).collect::<Result<BTreeMap<_, _>, _>>())
            .collect();
        Ok(Self(groups?))
    }

    /// The keys of each part of the log, by feature point.
    pub(super) fn groups(&self) -> &Vec<BTreeMap<u16, Key>> {
        &self.0
    }
}

impl Given {
    fn key(&self) -> Result<(u16, Key), String> {
        let feature = match &self.feature_point {
            Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
            Value::String(name) => name.rsplit('_').next().and_then(|number| number.parse().ok()),
            _ => None,
        };
        let feature = feature.ok_or_else(|| format!("{} is no feature point", self.feature_point))?;
        let bytes = |text: &str, what: &str, length: usize| {
            let bytes = STANDARD.decode(text).map_err(|error| format!("{what}: {error}"))?;
            let wrong =
                || format!("{what} of feature point {feature} has {} bytes, expected {length}", bytes.len());
            if bytes.len() == length { Ok(bytes) } else { Err(wrong()) }
        };
        let mut key = Key { key: [0; 32], iv: [0; 16] };
        key.key.copy_from_slice(&bytes(&self.aes_key, "aesKey", 32)?);
        key.iv.copy_from_slice(&bytes(&self.aes_iv, "aesIv", 16)?);
        Ok((feature, key))
    }
}

/// A wrapped key, as the request writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped {
    feature_point: String,
    aes_ciphertext: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    version: u16,
    department: u8,
    keychains_array: Vec<Vec<Wrapped>>,
}

/// What the vendor must be asked, as JSON, to get the keys of a DJI flight record of version 13 or later: wrapped keys, which
/// the vendor alone can open, and which app wrote the log. Nothing is sent.
///
/// # Errors
///
/// That no keys are needed, or none are asked for in it.
pub fn export_key_request(bytes: &[u8]) -> Result<String, String> {
    let layout =
        Layout::of(bytes).map_err(|malformed| format!("not a readable flight record: {malformed}"))?;
    if layout.version < layout::ENCRYPTED {
        return Err(format!("a flight record of version {} is read without keys", layout.version));
    }
    let (version, department) =
        layout.app.ok_or("the block that names the app and the version of its keys is damaged")?;
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    for (_, item) in Walk::new(bytes, &layout) {
        match item {
            Item::Record { kind: KEY, payload } => group.extend(wrapped(&unscrambled(KEY, payload))),
            Item::Record { kind: RECOVER, .. } => groups.push(std::mem::take(&mut group)),
            _ => {}
        }
    }
    groups.push(group);
    if groups.iter().all(Vec::is_empty) {
        return Err("no wrapped keys found in it".to_owned());
    }
    // Of apps that the published list does not know, the one most in use is asked for, as other readers do.
    let department = if (1..=8).contains(&department) { department } else { 3 };
    let request = Request { version, department, keychains_array: groups };
    serde_json::to_string_pretty(&request).map_err(|error| error.to_string())
}

/// A wrapped key: feature point u16, length u16, ciphertext.
fn wrapped(content: &[u8]) -> Option<Wrapped> {
    let mut cursor = creance_cursor::Cursor::new(content);
    let feature = cursor.u16_le("feature point").ok()?;
    let length = cursor.u16_le("length").ok()?;
    let ciphertext = cursor.take("ciphertext", usize::from(length)).ok()?;
    let name = FEATURES.get(usize::from(feature).checked_sub(1)?)?;
    Some(Wrapped {
        feature_point: format!("FR_Standardization_Feature_{name}_{feature}"),
        aes_ciphertext: STANDARD.encode(ciphertext),
    })
}

/// The feature points from 1 on, as the vendor names them.
const FEATURES: &[&str] = &[
    "Base",
    "Vision",
    "Waypoint",
    "Agriculture",
    "AirLink",
    "AfterSales",
    "DJIFlyCustom",
    "Plaintext",
    "FlightHub",
    "Gimbal",
    "RC",
    "Camera",
    "Battery",
    "FlySafe",
    "Security",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn given(key: &str) -> String {
        format!(
            r#"[[{{"featurePoint":"FR_Standardization_Feature_RC_11","aesKey":"{key}","aesIv":"{}"}}]]"#,
            STANDARD.encode([2; 16])
        )
    }

    #[test]
    fn an_answer_is_read_with_and_without_its_wrapping() {
        let bare = given(&STANDARD.encode([1; 32]));
        for json in [bare.clone(), format!(r#"{{"data":{bare},"result":{{"code":0,"msg":"ok"}}}}"#)] {
            let keychain = Keychain::parse(&json).unwrap();
            let key = &keychain.groups()[0][&11];
            assert_eq!((key.key, key.iv), ([1; 32], [2; 16]));
            assert_eq!(format!("{keychain:?}"), "Keychain(1 keys)", "keys are never shown");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_by_name() {
        let short = Keychain::parse(&given(&STANDARD.encode([1; 31]))).unwrap_err();
        assert_eq!(short, "aesKey of feature point 11 has 31 bytes, expected 32");
        assert!(Keychain::parse("{}").unwrap_err().contains("featurePoint"));
        assert!(Keychain::parse("").is_err());
    }
}
