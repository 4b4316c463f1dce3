//! Protocol buffers without their schema (protobuf.dev/programming-guides/encoding).
//!
//! ```text
//! field    tag (varint: number << 3 | type), then
//!   type 0   varint
//!   type 1   8 bytes, least significant first
//!   type 2   length (varint), bytes: text, a message, packed numbers
//!   type 5   4 bytes, least significant first
//! ```
//!
//! The wire does not say what a number is: where more than one reading is likely, each is a part of its own. The number of
//! a field is its name; fields that repeat have the same step. Groups (types 3 and 4, out of use since 2008) are left out.

use super::{DEEPEST, Stop, Tree, nested, path::Path, shape};

/// Numbers of fields that are believed where a schema is not known: their tags take two bytes.
const MOST_NUMBER: u64 = 2047;

/// Depth to which a value is first looked at as CBOR or `MessagePack`: each look may read all of it.
const OTHERS: usize = 4;

impl Tree<'_> {
    /// Takes a part apart as a message. False if it begins with no field. What comes before damage is kept.
    pub(super) fn protobuf(&mut self, part: usize) -> bool {
        if Fields::new(self.bytes(part)).next().is_err() {
            return false;
        }
        // A limit has been noted, and damage leaves nothing to say.
        let _ = self.lend(part, |tree, bytes| tree.message(part, bytes, &mut Path::new("protobuf"), 0));
        true
    }

    fn message(&mut self, parent: usize, bytes: &[u8], path: &mut Path, depth: usize) -> Result<(), Stop> {
        if depth > DEEPEST {
            self.reached("depth of parts");
            return Err(Stop::Limit);
        }
        let message = self.child(parent, &*path.step(), b"".as_slice(), None);
        let mut fields = Fields::new(bytes);
        while !fields.rest.is_empty() {
            if self.full() {
                return Err(Stop::Limit);
            }
            let Field { number, value, .. } = fields.next()?;
            let name = number.to_string();
            let back = path.enter(&name);
            let readings = readings(&value);
            match value {
                Value::Bytes(bytes) if is_message(bytes, depth) => {
                    self.message(message, bytes, path, depth + 1)?;
                }
                Value::Bytes(bytes) if readings.is_empty() => {
                    let leaf = self.child(message, &*path.step(), bytes, Some(&name));
                    self.open(leaf);
                }
                _ => {
                    for (suffix, text) in readings {
                        if self.full() {
                            return Err(Stop::Limit);
                        }
                        self.child(message, &path.step_with(suffix), text, Some(&name));
                    }
                }
            }
            path.leave(back);
        }
        Ok(())
    }
}

/// What a whole buffer is worth as a message (see [`shape`]). None if it is none.
pub(super) fn worth(bytes: &[u8], depth: usize) -> Option<u32> {
    let mut fields = Fields::new(bytes);
    let (mut worth, mut before) = (0_u32, 0);
    while !fields.rest.is_empty() {
        let Field { number, value, length } = fields.next().ok()?;
        // Encoders write fields in the order of their numbers.
        if number < before || number > MOST_NUMBER {
            return None;
        }
        before = number;
        worth += if number <= 15 { 4 * 2 } else { 4 };
        worth += match value {
            Value::Varint(number) if negative(number).is_some() => shape::of_length(16),
            Value::Varint(_) => 0,
            Value::Four(bytes) => shape::of_number(f32::from_le_bytes(bytes).into(), false),
            Value::Eight(bytes) => shape::of_number(f64::from_le_bytes(bytes), true),
            Value::Bytes(bytes) => {
                let end = if fields.rest.is_empty() { shape::of_length(7 * length) } else { 0 };
                end + shape::of_text(bytes).unwrap_or_else(|| shape::of_bytes(bytes, depth))
            }
        };
        worth = worth.min(1 << 20);
    }
    Some(worth)
}

/// Whether the bytes of a field are a message. Text is text, even where it could be one.
fn is_message(bytes: &[u8], depth: usize) -> bool {
    // A line feed is also the tag of a string in field 1, which often is all that a message holds.
    if bytes.is_empty()
        || (bytes.first() != Some(&b'\n') && shape::is_text(bytes))
        || nested::has_magic(bytes)
    {
        return false;
    }
    let mut fields = Fields::new(bytes);
    while !fields.rest.is_empty() {
        if !fields.next().is_ok_and(|field| field.number <= MOST_NUMBER) {
            return false;
        }
    }
    depth > OTHERS || !shape::is_items(bytes)
}

struct Fields<'b> {
    rest: &'b [u8],
}

struct Field<'b> {
    number: u64,
    value: Value<'b>,
    /// Bytes that the length took, if it has one.
    length: u32,
}

#[derive(Clone, Copy)]
enum Value<'b> {
    Varint(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(&'b [u8]),
}

impl<'b> Fields<'b> {
    const fn new(rest: &'b [u8]) -> Self {
        Self { rest }
    }

    fn next(&mut self) -> Result<Field<'b>, Stop> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(Stop::Wrong);
        }
        let mut length = 0;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Eight(self.array()?),
            2 => {
                let before = self.rest.len();
                let bytes = usize::try_from(self.varint()?).map_err(|_| Stop::Cut)?;
                length = u32::try_from(before - self.rest.len()).unwrap_or(0);
                let (bytes, rest) = self.rest.split_at_checked(bytes).ok_or(Stop::Cut)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Four(self.array()?),
            _ => return Err(Stop::Wrong),
        };
        Ok(Field { number, value, length })
    }

    /// Seven bits in each byte, the least significant first. Encoders write no zeros in front.
    fn varint(&mut self) -> Result<u64, Stop> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Stop::Cut)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let canonical = (*byte != 0 || shift == 0) && (shift < 63 || *byte == 1);
                return if canonical { Ok(number) } else { Err(Stop::Wrong) };
            }
        }
        Err(Stop::Wrong)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// The likely readings of a number or of packed ones, each with what its step ends in.
fn readings(value: &Value<'_>) -> Vec<(&'static str, String)> {
    let mut readings = Vec::new();
    match value {
        Value::Varint(number) => {
            readings
                .push(("", negative(*number).map_or_else(|| number.to_string(), |less| less.to_string())));
            let zigzag = (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
            if is_degrees(zigzag) {
                readings.push((" zigzag", zigzag.to_string()));
            }
        }
        Value::Four(bytes) => {
            let (float, signed) = (f32::from_le_bytes(*bytes), i32::from_le_bytes(*bytes));
            readings.push(("", u32::from_le_bytes(*bytes).to_string()));
            if signed < 0 && is_degrees(signed.into()) {
                readings.push((" signed", signed.to_string()));
            }
            if float != 0.0 && shape::is_sane(float.into()) {
                readings.push((" float", float.to_string()));
            }
        }
        Value::Eight(bytes) => {
            let (double, number) = (f64::from_le_bytes(*bytes), u64::from_le_bytes(*bytes));
            if double != 0.0 && shape::is_sane(double) {
                readings.push((" double", double.to_string()));
            } else {
                readings
                    .push(("", negative(number).map_or_else(|| number.to_string(), |less| less.to_string())));
            }
        }
        Value::Bytes(bytes) => readings.extend(packed(bytes).into_iter().flatten()),
    }
    readings
}

/// A number that is a negative `int32`: its sign fills the upper half.
fn negative(number: u64) -> Option<i32> {
    i32::try_from(number.cast_signed()).ok().filter(|number| *number < 0)
}

/// Whether a whole number may be degrees times 10^7 or 10^6.
const fn is_degrees(number: i64) -> bool {
    let size = number.unsigned_abs();
    1_000_000 <= size && size <= 1_800_000_000
}

/// Two packed doubles or floats that may be degrees.
fn packed(bytes: &[u8]) -> Option<[(&'static str, String); 2]> {
    let degrees = |number: f64| (1e-3..=180.0).contains(&number.abs());
    if let Ok([a, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(bytes) {
        let pair = [[a, b, c, d], [e, f, g, h]].map(f32::from_le_bytes);
        let [first, second] = pair.map(|number| number.to_string());
        return pair
            .iter()
            .all(|number| degrees((*number).into()))
            .then_some([(" float/0", first), (" float/1", second)]);
    }
    let (first, second) = bytes.split_first_chunk::<8>()?;
    let pair = [*first, second.try_into().ok()?].map(f64::from_le_bytes);
    let [first, second] = pair.map(|number| number.to_string());
    pair.into_iter().all(degrees).then_some([(" double/0", first), (" double/1", second)])
}

#[cfg(test)]
mod tests {
    use crate::{Limits, expand};

    const KIND: Option<&str> = Some("application/x-protobuf");

    fn leaves(bytes: &[u8], kind: Option<&str>) -> Vec<String> {
        expand(bytes, kind, &Limits::default())
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect()
    }

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let (low, high) = (bytes.len() & 0x7f, bytes.len() >> 7);
        let length = [low | if high > 0 { 0x80 } else { 0 }, high].map(|part| u8::try_from(part).unwrap());
        let length = if high > 0 { &length[..] } else { &length[..1] };
        [&[number << 3 | 2][..], length, bytes].concat()
    }

    #[test]
    fn a_number_of_several_readings_stays_within_the_bound() {
        // sint32 -1210420000 stands for two parts.
        let numbers = [0x08, 0xbf, 0xac, 0xac, 0x82, 0x09].repeat(9);
        for parts in 3..20 {
            let limits = Limits { parts, ..Limits::default() };
            let told = expand(&numbers, Some("application/x-protobuf"), &limits);
            assert!(told.len() <= parts, "{} of {parts}", told.len());
        }
    }

    #[test]
    fn fields_are_named_by_their_numbers_and_messages_nest() {
        let inner = [&[0x08, 0x96, 0x01][..], &field(2, b"a@b.example")].concat();
        let bytes = [field(1, &inner), field(3, b"x"), field(3, b"y")].concat();
        let told = ["protobuf:/1/1=150", "protobuf:/1/2=a@b.example", "protobuf:/3=x", "protobuf:/3=y"];
        assert_eq!(leaves(&bytes, KIND), told);
        assert_eq!(leaves(&bytes, None), told);
    }

    #[test]
    fn numbers_have_each_likely_reading() {
        // sint32 -1210420000, int32 -7, fixed32 24.745, sfixed32 -247450000, double 121.042, fixed64 7.
        let mut bytes = vec![0x08, 0xbf, 0xac, 0xac, 0x82, 0x09, 0x10];
        bytes.extend([0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x1d]);
        bytes.extend(24.745_f32.to_le_bytes());
        bytes.push(0x25);
        bytes.extend((-247_450_000_i32).to_le_bytes());
        bytes.push(0x29);
        bytes.extend(121.042_f64.to_le_bytes());
        bytes.push(0x31);
        bytes.extend(7_u64.to_le_bytes());
        let told = [
            "protobuf:/1=2420839999",
            "protobuf:/1 zigzag=-1210420000",
            "protobuf:/2=-7",
            "protobuf:/3=1103492547",
            "protobuf:/3 float=24.745",
            "protobuf:/4=4047517296",
            "protobuf:/4 signed=-247450000",
            "protobuf:/5 double=121.042",
            "protobuf:/6=7",
        ];
        assert_eq!(leaves(&bytes, KIND), told);
    }

    #[test]
    fn packed_degrees_are_a_pair_and_bytes_are_opened() {
        let pair = [24.745_f64.to_le_bytes(), 121.042_f64.to_le_bytes()].concat();
        let bytes = [field(4, &pair), field(5, br#"{"lat":24.7}"#)].concat();
        let told = [
            "protobuf:/4 double/0=24.745",
            "protobuf:/4 double/1=121.042",
            "protobuf:/5={\"lat\":24.7}",
            "json:/lat=24.7",
        ];
        assert_eq!(leaves(&bytes, KIND), told);
    }

    #[test]
    fn what_comes_before_damage_is_kept_and_text_is_no_message() {
        let good = field(1, b"serial 1581F6SKYJU4JF3AN3");
        assert_eq!(leaves(&[&good[..], &[0x0f, 1]].concat(), KIND).len(), 1);
        assert!(leaves(b"serial 1581F6SKYJU4JF3AN3", None).is_empty());
        assert!(leaves(b"{\"a\":1}", KIND) == ["json:/a=1"]);
        assert_eq!(leaves(&field(1, &field(1, b"0123456789abcdef0123456789abcdef")), KIND).len(), 1);
    }

    #[test]
    fn huge_lengths_and_deep_messages_end() {
        assert!(leaves(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1], None).is_empty());
        let mut deep = vec![0x08, 1];
        while deep.len() < 15_000 {
            deep = field(1, &deep);
        }
        let told = leaves(&[field(1, b"the begin"), field(2, &deep)].concat(), KIND);
        assert_eq!(told, ["protobuf:/1=the begin"]);
        assert!(expand(&deep, KIND, &Limits::default()).len() < 200);
    }
}
