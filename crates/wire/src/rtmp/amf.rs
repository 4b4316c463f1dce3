//! AMF0: the values of commands and metadata (Adobe's specification of December 2007), as a list of names and values.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Part};

/// A value that says something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
}

impl Value {
    /// As content of a message.
    pub(super) fn part(&self, key: &str) -> Part {
        let bytes = match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        };
        let name = Some(key).filter(|key| !key.is_empty());
        Part::new(Carrier::Field, None, format!("amf:{key}"), name, bytes)
    }
}

/// Values of one message.
const MOST_VALUES: usize = 256;

/// Deepest nesting of objects.
const DEEPEST: u8 = 8;

/// Values with the names that they have in their objects; those outside have none. What follows damage is not read.
pub(super) fn read(bytes: &[u8]) -> Vec<(String, Value)> {
    let (mut cursor, mut found) = (Cursor::new(bytes), Vec::new());
    while !cursor.is_empty() {
        if value(&mut cursor, String::new(), DEEPEST, &mut found).is_err() {
            break;
        }
    }
    found
}

fn value(
    cursor: &mut Cursor<'_>,
    key: String,
    deeper: u8,
    found: &mut Vec<(String, Value)>,
) -> Result<(), Malformed> {
    let at = cursor.at();
    let kind = cursor.u8("AMF type")?;
    let refused = || Malformed::Unexpected {
        field: "AMF type",
        at,
        found: u64::from(kind),
        expected: "a type of AMF0, few values, and little nesting",
    };
    if found.len() >= MOST_VALUES || deeper == 0 {
        return Err(refused());
    }
    match kind {
        0 => found.push((key, Value::Number(f64::from_be_bytes(cursor.array("number")?)))),
        1 => drop(cursor.u8("boolean")?),
        2 => found.push((key, Value::Text(short(cursor)?))),
        12 => {
            let length = cursor.u32_be("text length")? as usize;
            let text = cursor.take("text", length)?;
            found.push((key, Value::Text(String::from_utf8_lossy(text).into_owned())));
        }
        3 => object(cursor, deeper, found)?,
        8 => {
            cursor.u32_be("array length")?;
            object(cursor, deeper, found)?;
        }
        10 => {
            for _ in 0..cursor.u32_be("array length")? {
                value(cursor, key.clone(), deeper - 1, found)?;
            }
        }
        11 => drop(cursor.take("date", 10)?),
        5 | 6 => {}
        _ => return Err(refused()),
    }
    Ok(())
}

/// Names and values, up to an empty name with the mark of the end.
fn object(cursor: &mut Cursor<'_>, deeper: u8, found: &mut Vec<(String, Value)>) -> Result<(), Malformed> {
    loop {
        let key = short(cursor)?;
        if key.is_empty() && cursor.rest().first() == Some(&9) {
            cursor.u8("end of object")?;
            return Ok(());
        }
        value(cursor, key, deeper - 1, found)?;
    }
}

fn short(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let length = usize::from(cursor.u16_be("text length")?);
    Ok(String::from_utf8_lossy(cursor.take("text", length)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_names_of_their_objects() {
        let bytes = b"\x02\0\x01a\x05\x03\0\x01b\x02\0\x01c\0\x01d\0\x40\0\0\0\0\0\0\0\0\0\x09\x01\x01";
        let text = |text: &str| Value::Text(text.to_owned());
        let expected =
            [(String::new(), text("a")), ("b".to_owned(), text("c")), ("d".to_owned(), Value::Number(2.0))];
        assert_eq!(read(bytes), expected);
        for cut in 0..bytes.len() {
            assert!(read(bytes.get(..cut).unwrap_or_default()).len() <= 3);
        }
    }

    #[test]
    fn arrays_without_end_and_deep_objects_end() {
        let many = [[10, 0xff, 0xff, 0xff, 0xff].as_slice(), &[5; 100]].concat();
        assert!(read(&many).is_empty());
        assert!(read(&b"\x03\0\x01a".repeat(1000)).is_empty());
    }
}
