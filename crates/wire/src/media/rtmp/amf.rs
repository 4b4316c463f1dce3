//! AMF0: the values of commands and metadata (Adobe's specification of December 2007), as a list of names and values.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Parts, Step};

/// A value that says something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
}

impl Value {
    /// Adds it to the content of a message.
    pub(super) fn tell(&self, key: &str, parts: &mut Parts) {
        let bytes = match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        };
        let name = Some(key).filter(|key| !key.is_empty());
        parts.add(Carrier::Field, None, Step::Of("amf", key), name, bytes);
    }
}

/// Values of one message.
const MOST_VALUES: usize = 256;

/// Deepest nesting of objects.
const DEEPEST: u8 = 8;

/// Values with the names that they have in their objects; those outside have none. What follows damage or a limit is not
/// read: it is given as it stands, from the last outermost value on.
pub(super) fn read(bytes: &[u8]) -> (Vec<(String, Value)>, &[u8]) {
    let (mut cursor, mut found, mut left) = (Cursor::new(bytes), Vec::new(), MOST_VALUES);
    let mut rest = bytes;
    while !cursor.is_empty() && value(&mut cursor, "", DEEPEST, &mut left, &mut found).is_ok() {
        rest = cursor.rest();
    }
    (found, rest)
}

fn value(
    cursor: &mut Cursor<'_>,
    key: &str,
    deeper: u8,
    left: &mut usize,
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
    if *left == 0 || deeper == 0 {
        return Err(refused());
    }
    *left -= 1;
    let mut push = |value| found.push((key.to_owned(), value));
    match kind {
        0 => push(Value::Number(f64::from_be_bytes(cursor.array("number")?))),
        1 => drop(cursor.u8("boolean")?),
        2 => push(Value::Text(short(cursor)?)),
        12 => {
            let length = cursor.u32_be("text length")? as usize;
            let text = cursor.take("text", length)?;
            push(Value::Text(String::from_utf8_lossy(text).into_owned()));
        }
        3 => object(cursor, deeper, left, found)?,
        8 => {
            cursor.u32_be("array length")?;
            object(cursor, deeper, left, found)?;
        }
        10 => {
            for _ in 0..cursor.u32_be("array length")? {
                value(cursor, key, deeper - 1, left, found)?;
            }
        }
        11 => drop(cursor.take("date", 10)?),
        5 | 6 => {}
        _ => return Err(refused()),
    }
    Ok(())
}

/// Names and values, up to an empty name with the mark of the end.
fn object(
    cursor: &mut Cursor<'_>,
    deeper: u8,
    left: &mut usize,
    found: &mut Vec<(String, Value)>,
) -> Result<(), Malformed> {
    loop {
        let key = short(cursor)?;
        if key.is_empty() && cursor.rest().first() == Some(&9) {
            cursor.u8("end of object")?;
            return Ok(());
        }
        value(cursor, &key, deeper - 1, left, found)?;
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
        assert_eq!(read(bytes), (expected.to_vec(), &[][..]));
        for cut in 0..bytes.len() {
            assert!(read(bytes.get(..cut).unwrap_or_default()).0.len() <= 3);
        }
    }

    #[test]
    fn arrays_without_end_and_deep_objects_end() {
        let many = [[10, 0xff, 0xff, 0xff, 0xff].as_slice(), &[5; 100]].concat();
        assert_eq!(read(&many), (Vec::new(), many.as_slice()));
        assert!(read(&b"\x03\0\x01a".repeat(1000)).0.is_empty());
    }
}
