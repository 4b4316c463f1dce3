//! What is made up: one function for each kind of value.
//!
//! Nothing here is anybody's: names are of no language, domains and telephone numbers are kept free by those who give
//! them out, hardware addresses are locally administered, the maker of serial numbers has no code of ICAO that is known
//! here, and IMEIs are of the reporting body for tests.

use creance_model::DataClass;
use data_encoding::HEXLOWER;

use crate::Random;

/// Makes a value, and says how many bits of chance are in it. Places lie near one that is given.
type Make = fn(&mut Random, Option<(f64, f64)>) -> (String, u32);

/// A kind of value.
pub(crate) struct Kind {
    pub(crate) class: DataClass,
    /// What it is to be, in words.
    pub(crate) what: &'static str,
    pub(crate) make: Make,
}

/// Every kind.
pub(crate) const ALL: &[Kind] = &[
    Kind { class: DataClass::PersonName, what: "name of the owner", make: person },
    Kind { class: DataClass::Email, what: "e-mail address", make: email },
    Kind { class: DataClass::Phone, what: "telephone number, United Kingdom", make: phone_gb },
    Kind { class: DataClass::Phone, what: "telephone number, United States", make: phone_us },
    Kind { class: DataClass::Phone, what: "telephone number, Australia", make: phone_au },
    Kind { class: DataClass::Credential, what: "password or token", make: token },
    Kind { class: DataClass::AccountId, what: "account", make: account },
    Kind { class: DataClass::DeviceId, what: "UUID", make: uuid },
    Kind { class: DataClass::DeviceId, what: "IMEI", make: imei },
    Kind { class: DataClass::Serial, what: "serial number of an aircraft", make: serial },
    Kind { class: DataClass::Location, what: "point of interest", make: place },
    Kind { class: DataClass::FlightLog, what: "name of a mission", make: mission },
    Kind { class: DataClass::NetworkInfo, what: "name of a Wi-Fi network", make: ssid },
    Kind { class: DataClass::NetworkInfo, what: "hardware address of its access point", make: bssid },
    Kind { class: DataClass::Contacts, what: "name of a contact", make: person },
    Kind { class: DataClass::Contacts, what: "telephone number of a contact", make: phone_au },
    Kind { class: DataClass::Messages, what: "text of a message", make: message },
];

/// Bits of a syllable: sixteen consonants and four vowels.
const SYLLABLE: u32 = 6;

/// Bits of a letter of [`Random::letters`].
const LETTER: u32 = 5;

/// So many syllables, the first letter a capital.
fn word(random: &mut Random, syllables: usize) -> String {
    let mut word = String::new();
    for _ in 0..syllables {
        word.push(char::from(random.of(b"bdfghjklmnprstvz")));
        word.push(char::from(random.of(b"aeio")));
    }
    let rest = word.split_off(word.len().min(1));
    word.to_uppercase() + &rest
}

fn person(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("{} {}", word(random, 3), word(random, 4)), 7 * SYLLABLE)
}

/// A domain that nobody can register (RFC 2606 §2, RFC 6761 §6.5).
fn email(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("{}@canary.example", random.letters(12)), 12 * LETTER)
}

/// A mobile number for drama (Ofcom, "Telephone numbers for use in TV and radio drama programmes"): 07700 900000–900999.
fn phone_gb(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("+447700900{}", random.digits(3)), 9)
}

/// A number for fiction (NANPA, 555 line numbers): 555-0100 to 555-0199 in every area.
fn phone_us(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let areas =
        [201, 202, 206, 212, 213, 214, 303, 305, 312, 404, 412, 415, 503, 512, 602, 612, 617, 702, 713, 808];
    (format!("+1{}55501{}", random.of(&areas), random.digits(2)), 10)
}

/// A number for creative works (ACMA, "Phone numbers for use in TV shows, films and creative works"): 5550 xxxx and
/// 7010 xxxx in the areas 2, 3, 7, 8.
fn phone_au(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let (area, block) = (random.of(&[2, 3, 7, 8]), random.of(&["5550", "7010"]));
    (format!("+61{area}{block}{}", random.digits(4)), 16)
}

fn token(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (random.letters(24), 24 * LETTER)
}

fn account(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("acc-{}", random.letters(12)), 12 * LETTER)
}

/// Version 4 (RFC 9562 §5.4).
fn uuid(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let mut bytes = random.bytes::<16>();
    (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
    let hex = HEXLOWER.encode(&bytes);
    let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    ([piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-"), 122)
}

/// Fifteen digits (3GPP TS 23.003 §6.2.1) of the reporting body 00, under which test devices go (GSMA TS.06), with the
/// check digit of Luhn (TS 23.003 annex B).
fn imei(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let digits = format!("00{}", random.digits(12));
    let check = luhn(&digits);
    (format!("{digits}{check}"), 39)
}

/// The digit that makes the sum of all a multiple of ten, every second from it doubled.
fn luhn(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { doubled(digit) } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

/// ANSI/CTA-2063-A: a maker, the length of the rest (F: fifteen), the rest without I and O. No maker is known under 9ZZZ.
fn serial(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let rest: String =
        (0..15).map(|_| char::from(random.of(b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"))).collect();
    (format!("9ZZZF{rest}"), 76)
}

/// The point of the sea farthest from any land, in degrees north and east.
const AT_SEA: (f64, f64) = (-48.876_667, -123.393_333);

/// Degrees each way from there, and from a place that was given.
const AROUND: [f64; 2] = [1.0, 0.05];

/// Six decimals. Bits are those of places that are told apart: two hundred-thousandths of a degree.
fn place(random: &mut Random, near: Option<(f64, f64)>) -> (String, u32) {
    let ((lat, lon), around, bits) = match near {
        Some(near) => (near, AROUND[1], 24),
        None => (AT_SEA, AROUND[0], 33),
    };
    let mut degrees = |middle: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "degrees are few")]
        let [middle, around] = [middle, around].map(|degrees| (degrees * 1e6) as i64);
        loop {
            let moved = random.below(2 * around.unsigned_abs()).cast_signed() - around;
            // A last zero would be lost where numbers are written short.
            if (middle + moved) % 10 != 0 {
                return written(middle + moved);
            }
        }
    };
    (format!("{},{}", degrees(lat), degrees(lon)), bits)
}

/// Millionths of a degree as a decimal number.
fn written(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let all = millionths.unsigned_abs();
    format!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000)
}

fn mission(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("Mission {} {}", word(random, 2), random.letters(6)), 2 * SYLLABLE + 6 * LETTER)
}

fn ssid(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    (format!("{}-{}", word(random, 3).to_lowercase(), random.letters(6)), 3 * SYLLABLE + 6 * LETTER)
}

/// Locally administered, of one station (IEEE 802-2014 §8.2.2).
fn bssid(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let mut octets = random.bytes::<6>();
    octets[0] = octets[0] & 0xfc | 0x02;
    (octets.map(|octet| format!("{octet:02x}")).join(":"), 46)
}

fn message(random: &mut Random, _: Option<(f64, f64)>) -> (String, u32) {
    let (who, letters) = (word(random, 3), random.letters(8));
    (format!("{who} waits at gate {letters} until nine"), 3 * SYLLABLE + 8 * LETTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_luhns() {
        // The example of 3GPP TS 23.003, annex B.2.
        assert_eq!(luhn("26053179311383"), 7);
    }

    #[test]
    fn values_have_the_shape_of_their_kind() {
        let mut random = Random::seeded(3);
        for _ in 0..200 {
            for (make, number) in [(phone_gb as Make, "+447700900"), (phone_us, "+1"), (phone_au, "+61")] {
                let (phone, _) = make(&mut random, None);
                assert!(phone.starts_with(number) && (12..=13).contains(&phone.len()), "{phone}");
            }
            let (imei, _) = imei(&mut random, None);
            assert!(imei.len() == 15 && imei.starts_with("00"), "{imei}");
            let (serial, _) = serial(&mut random, None);
            assert!(serial.len() == 20 && !serial.contains(['I', 'O']), "{serial}");
            let (bssid, _) = bssid(&mut random, None);
            assert!(bssid.len() == 17 && "26ae".contains(&bssid[1..2]), "{bssid}");
            let (name, _) = person(&mut random, None);
            assert!(name.len() == 15 && name.split(' ').count() == 2, "{name}");
            assert!(ssid(&mut random, None).0.len() <= 32);
        }
    }

    #[test]
    fn places_are_near_what_was_given_and_have_six_decimals() {
        let mut random = Random::seeded(4);
        for near in [None, Some((24.8, 120.97)), Some((-0.01, 0.02))] {
            let (lat, lon) = near.unwrap_or(AT_SEA);
            for _ in 0..200 {
                let (place, _) = place(&mut random, near);
                let (first, second) = place.split_once(',').unwrap();
                for (text, middle) in [(first, lat), (second, lon)] {
                    assert!(text.split_once('.').unwrap().1.len() == 6 && !text.ends_with('0'), "{place}");
                    let away = (text.parse::<f64>().unwrap() - middle).abs();
                    assert!(away <= if near.is_some() { AROUND[1] } else { AROUND[0] }, "{place}");
                }
            }
        }
    }
}
