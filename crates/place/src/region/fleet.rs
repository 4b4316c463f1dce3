//! A fleet's list held against the duties: serial numbers, registrations, operators' numbers.
//!
//! CSV with a header; columns by name, in any order: `serial`, `registration`, `operator` (its number), `country` (where it
//! flies), `mass_g`, and `name`. Others are passed over.

use std::collections::HashMap;

use crate::Error;
use crate::country::Country;
use crate::region::duties::{self, FleetRule, Registered};

/// Rows that are checked.
const MOST_ROWS: usize = 100_000;
/// Bytes that a list may have.
pub const LARGEST: usize = 32 << 20;

/// Something that a row lacks or has wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Counted from 1, the header being 1.
    pub row: u64,
    /// Which column.
    pub column: &'static str,
    /// What is wrong. No value is repeated in it.
    pub why: String,
    /// Where the rule is from; nothing for what no rule of a country asks.
    pub source: Option<String>,
}

/// What came of a check.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// Rows checked.
    pub rows: u64,
    /// What is wrong with them.
    pub faults: Vec<Fault>,
    /// Rows that could not be read, or were beyond the limit.
    pub unread: u64,
    /// Rows whose remote identification was not checked: their country asks for it, and the list has no column of it.
    pub remote_id_unchecked: u64,
}

/// Checks a list. `usual` is the country of rows that name none. Errors: the list is larger than [`LARGEST`].
pub fn check(text: &[u8], usual: Option<Country>) -> Result<Checked, Error> {
    if text.len() > LARGEST {
        let why = format!("more than {LARGEST} bytes: split it into smaller lists");
        return Err(Error::Packed { file: "the fleet's list", why });
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let columns: Vec<String> = match reader.headers() {
        Ok(header) => {
            header.iter().map(|name| name.trim_start_matches('\u{feff}').to_ascii_lowercase()).collect()
        }
        Err(_) => Vec::new(),
    };
    let at = |names: &[&str]| columns.iter().position(|column| names.contains(&column.as_str()));
    let (serial, registration) =
        (at(&["serial", "sn", "serial_number"]), at(&["registration", "registration_number", "mark"]));
    let (operator, country) = (at(&["operator", "operator_id"]), at(&["country", "iso"]));
    let mass = at(&["mass_g", "weight_g", "mass"]);
    let remote_id = at(&["remote_id", "remote_identification", "rid"]);
    let mut checked = Checked::default();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for record in reader.records() {
        let Ok(record) = record else {
            checked.unread += 1;
            continue;
        };
        if checked.rows >= MOST_ROWS as u64 {
            checked.unread += 1;
            continue;
        }
        checked.rows += 1;
        let value = |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default();
        let mut row = Row { number: checked.rows + 1, faults: &mut checked.faults };
        row.serial(value(serial), &mut seen);
        let there = Country::new(&value(country).to_ascii_uppercase()).or(usual);
        let Some(there) = there else {
            row.fault("country", "no country, so no rule to check against".to_owned(), None);
            continue;
        };
        let Some(pack) = duties::of(there)? else {
            row.fault("country", format!("there is no file of the duties in {there}"), None);
            continue;
        };
        if let Some(rule) = &pack.fleet {
            let told = value(mass);
            let mass: Option<f64> = told.parse().ok();
            if mass.is_none() && !told.is_empty() {
                let told: String = told.chars().take(40).collect();
                row.fault("mass_g", format!("`{told}` is no number of grams"), None);
            }
            row.registered(rule, mass, value(registration), value(operator));
            row.identified(rule, value(serial));
            if rule.remote_id_from_g.is_some_and(|from| mass.is_none_or(|mass| mass >= f64::from(from))) {
                match remote_id {
                    Some(_) => row.sends(rule, value(remote_id), pack.remote_id_source()),
                    None => checked.remote_id_unchecked += 1,
                }
            }
        }
    }
    Ok(checked)
}

struct Row<'a> {
    number: u64,
    faults: &'a mut Vec<Fault>,
}

impl Row<'_> {
    fn fault(&mut self, column: &'static str, why: String, source: Option<&str>) {
        self.faults.push(Fault { row: self.number, column, why, source: source.map(str::to_owned) });
    }

    fn serial(&mut self, serial: &str, seen: &mut HashMap<String, u64>) {
        if serial.is_empty() {
            self.fault("serial", "no serial number".to_owned(), None);
        } else if let Some(first) = seen.insert(serial.to_ascii_uppercase(), self.number) {
            self.fault("serial", format!("the serial number of row {first} again"), None);
        }
    }

    fn registered(&mut self, rule: &FleetRule, mass_g: Option<f64>, registration: &str, operator: &str) {
        if mass_g.is_some_and(|mass| mass < f64::from(rule.from_g)) {
            return;
        }
        let source = Some(rule.forms_source.as_str());
        let (column, number) = match rule.registration {
            Registered::Aircraft => ("registration", registration),
            Registered::Operator => ("operator", operator),
        };
        if number.is_empty() {
            let why = match rule.from_g {
                0 => "no number, which is needed".to_owned(),
                from => format!("no number, which is needed from {from} g on"),
            };
            self.fault(column, why, source);
            return;
        }
        if rule.forms.is_empty() || rule.forms.iter().any(|form| fits(form, number)) {
            return;
        }
        let plain: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
        let cut = plain.len().checked_sub(rule.secret).and_then(|length| plain.get(..length));
        if rule.secret > 0 && cut.is_some_and(|cut| rule.forms.iter().any(|form| fits(form, cut))) {
            self.fault(
                column,
                "the secret characters are written in the list, where they do not belong".to_owned(),
                source,
            );
        } else {
            self.fault(column, format!("does not look like {}", rule.forms.join(" or ")), source);
        }
    }

    /// Whether it sends remote identification: built in, by a module, or where none is needed.
    fn sends(&mut self, rule: &FleetRule, told: &str, source: Option<&str>) {
        let word = told.to_ascii_lowercase();
        let is = |words: &[&str]| words.contains(&word.as_str());
        if is(&[
            "yes",
            "true",
            "1",
            "standard",
            "built-in",
            "direct",
            "broadcast",
            "module",
            "add-on",
            "fria",
            "exempt",
        ]) {
            return;
        }
        if is(&["", "no", "none", "false", "0", "-"]) {
            let from = rule.remote_id_from_g.unwrap_or_default();
            let from = if from == 0 { String::new() } else { format!(" from {from} g on") };
            self.fault("remote_id", format!("no remote identification, which is asked for{from}"), source);
        } else if !is_cta_2063(told) {
            let why =
                "neither yes, no, standard, module, exempt, nor the serial number of a module (CTA-2063-A)";
            self.fault("remote_id", why.to_owned(), Some("ANSI/CTA-2063-A"));
        }
    }

    fn identified(&mut self, rule: &FleetRule, serial: &str) {
        if rule.serial && !serial.is_empty() && !is_cta_2063(serial) {
            let why = "no serial number of CTA-2063-A (four characters of the maker, one for the length, the rest so long), as remote identification sends it";
            self.fault("serial", why.to_owned(), Some("ANSI/CTA-2063-A"));
        }
    }
}

/// Whether a number looks like a form.
fn fits(form: &str, number: &str) -> bool {
    let mut signs = number.chars();
    for wanted in form.chars() {
        let fair = match (wanted, signs.next()) {
            ('*', rest) => return rest.is_some() && signs.all(|sign| sign.is_ascii_alphanumeric()),
            ('A', Some(sign)) => sign.is_ascii_uppercase(),
            ('#', Some(sign)) => sign.is_ascii_alphanumeric(),
            (wanted, Some(sign)) => wanted == sign,
            (_, None) => false,
        };
        if !fair {
            return false;
        }
    }
    signs.next().is_none()
}

/// Whether it is a serial number of ANSI/CTA-2063-A: digits and capitals without I and O; the fifth says the length of the
/// rest, 1 to 9 and A to F.
pub fn is_cta_2063(serial: &str) -> bool {
    let fair = serial
        .bytes()
        .all(|sign| sign.is_ascii_digit() || sign.is_ascii_uppercase() && !matches!(sign, b'I' | b'O'));
    let length = serial.chars().nth(4).and_then(|sign| sign.to_digit(16));
    fair && length.is_some_and(|length| length > 0 && serial.len() == 5 + length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faults(text: &str) -> Vec<(u64, &'static str)> {
        check(text.as_bytes(), None).unwrap().faults.iter().map(|fault| (fault.row, fault.column)).collect()
    }

    #[test]
    fn good_rows_pass() {
        let text = "serial,registration,operator,country,mass_g\n\
            1581F5BKD225D00BP891,FA3ABCDEFG,,US,900\n\
            1581F5BKD225D00BP892,,DEU87astrdge12k8,DE,900\n\
            1581F5BKD225D00BP893,,GBR-OP-ABCDEFGH1234,GB,900\n\
            1581F5BKD225D00BP894,any,,HK,900\n";
        assert_eq!(faults(text), []);
    }

    #[test]
    fn faults_name_row_and_column() {
        let text = "Serial,Registration,Operator,Country,mass_g\n\
            1581F5BKD225D00BP891,,,US,900\n\
            1581F5BKD225D00BP891,FA3ABCDEFG,,US,900\n\
            SHORT,FA3ABCDEFG,,US,900\n\
            1581F5BKD225D00BP892,,DEU87astrdge12k8-xyz,DE,900\n\
            1581F5BKD225D00BP893,,,,\n\
            1581F5BKD225D00BP894,,,CA,200\n\
            1581F5BKD225D00BP895,,,ZA,900\n\
            ,x,,TW,900\n\
            1581F5BKD225D00BP896,,,US,200\n\
            1581F5BKD225D00BP897,,,DE,249\n";
        let found = faults(text);
        let wanted = [
            (2, "registration"),
            (3, "serial"),
            (4, "serial"),
            (5, "operator"),
            (6, "country"),
            (8, "country"),
            (9, "serial"),
            (10, "registration"),
            (11, "operator"),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn remote_identification_is_asked_for_where_the_law_does() {
        let text = "serial,registration,operator,country,mass_g,remote_id\n\
            1581F5BKD225D00BP891,FA3ABCDEFG,,US,900,standard\n\
            1581F5BKD225D00BP892,FA3ABCDEFH,,US,900,MFR1C123456789ABC\n\
            1581F5BKD225D00BP893,FA3ABCDEFJ,,US,900,\n\
            1581F5BKD225D00BP894,FA3ABCDEFK,,US,900,perhaps\n\
            1581F5BKD225D00BP895,,DEU87astrdge12k8,DE,240,no\n\
            1581F5BKD225D00BP896,,DEU87astrdge12k8,DE,250,no\n\
            1581F5BKD225D00BP897,C-1234567890,,CA,900,no\n";
        assert_eq!(faults(text), [(4, "remote_id"), (5, "remote_id"), (7, "remote_id")]);
        let checked = check(text.as_bytes(), None).unwrap();
        assert!(checked.faults[2].why.ends_with("from 250 g on") && checked.remote_id_unchecked == 0);
        assert!(checked.faults.iter().all(|fault| fault.source.is_some()));
        let silent = text.replace(",remote_id", ",notes");
        let checked = check(silent.as_bytes(), None).unwrap();
        assert_eq!((checked.faults.len(), checked.remote_id_unchecked), (0, 5));
    }

    #[test]
    fn a_mass_is_a_number_and_unions_have_duties() {
        let text = "serial,registration,operator,country,mass_g\n\
            1581F5BKD225D00BP891,FA3ABCDEFG,,US,heavy\n\
            1581F5BKD225D00BP895,,DEU87astrdge12k8,EU,900\n";
        assert_eq!(faults(text), [(2, "mass_g")]);
    }

    #[test]
    fn a_list_that_is_too_large_is_refused() {
        let mut list = b"serial\n".to_vec();
        list.resize(LARGEST, b'\n');
        assert_eq!(check(&list, None).unwrap(), Checked::default());
        list.push(b'\n');
        assert!(check(&list, None).is_err());
    }

    #[test]
    fn serial_numbers_of_the_standard_are_known() {
        for good in ["1581F5BKD225D00BP891", "MFR1C123456789ABC", "ABCD1X"] {
            assert!(is_cta_2063(good), "{good}");
        }
        for bad in ["", "1581F", "0K1CHAB1234567", "1581f5BKD225D00BP891", "MFR1C12345678ABCI"] {
            assert!(!is_cta_2063(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = check(&bytes, Some(Country::CN));
            let mut list = b"serial,registration,operator,country,mass_g\n".to_vec();
            list.extend(bytes);
            let _ = check(&list, None);
        }
    }
}
