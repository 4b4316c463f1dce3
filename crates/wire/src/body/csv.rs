//! Tables with a header row, separated by commas, semicolons or tabs (RFC 4180, leniently): a part for each row, and under
//! it one for each cell, named as its column.

use super::{Tree, path, path::Path};

/// Columns of one table; what has more is no table of records.
const MOST_COLUMNS: usize = 512;

impl Tree<'_> {
    /// Takes a part apart as a table. False if it is none: it has no header of words, or no rows as long as that.
    pub(super) fn csv(&mut self, part: usize) -> bool {
        self.lend(part, |tree, bytes| tree.rows(part, bytes))
    }

    fn rows(&mut self, part: usize, bytes: &[u8]) -> bool {
        let Some(separator) = separator(bytes) else { return false };
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(bytes);
        let header: Vec<String> = match reader.byte_headers() {
            Ok(header) => {
                header.iter().map(|cell| path::key(String::from_utf8_lossy(cell).trim()).to_owned()).collect()
            }
            Err(_) => return false,
        };
        if !(2..=MOST_COLUMNS).contains(&header.len()) || !header.iter().all(|name| is_name(name)) {
            return false;
        }
        let before = self.mark();
        let mut way = Path::new("csv");
        let mut row = csv::ByteRecord::new();
        for number in 1_usize.. {
            match reader.read_byte_record(&mut row) {
                Ok(true) => {}
                // What stands before damage is kept.
                Ok(false) | Err(_) => break,
            }
            if number == 1 && row.len() < 2 {
                break;
            }
            if self.full() {
                return true;
            }
            let back = way.enter_index(number);
            let record = self.child(part, &*way.step(), b"".as_slice(), None);
            for (name, cell) in header.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty()) {
                if self.full() {
                    return true;
                }
                let back = way.enter(name);
                let leaf = self.child(record, &*way.step(), cell, Some(name));
                way.leave(back);
                self.open(leaf);
            }
            way.leave(back);
        }
        self.mark() != before
    }
}

/// What separates the columns of the first line.
fn separator(bytes: &[u8]) -> Option<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let count = |separator: u8| memchr::memchr_iter(separator, first).count();
    [b',', b';', b'\t']
        .into_iter()
        .filter(|separator| count(*separator) > 0)
        .max_by_key(|separator| count(*separator))
}

/// Whether a cell of a header is a name, not a value.
fn is_name(cell: &str) -> bool {
    let cell = cell.trim_start_matches('\u{feff}');
    (1..=80).contains(&cell.len())
        && cell.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
        && !cell.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use crate::{Limits, body::expand};

    fn cells(text: &str) -> Vec<(String, String)> {
        let parts = expand(text.as_bytes(), Some("text/csv"), &Limits::default());
        let named = parts.iter().filter(|part| part.is_named());
        named
            .map(|part| (part.step().into_owned(), String::from_utf8_lossy(part.bytes()).into_owned()))
            .collect()
    }

    #[test]
    fn rows_have_cells_named_as_their_columns() {
        let told = cells("number;type\n+886900775550;missed\n\"a;b\";\n");
        let pair = |step: &str, text: &str| (step.to_owned(), text.to_owned());
        assert_eq!(
            told,
            [
                pair("csv:/1/number", "+886900775550"),
                pair("csv:/1/type", "missed"),
                pair("csv:/2/number", "a;b")
            ]
        );
    }

    #[test]
    fn what_has_no_header_of_names_is_no_table() {
        for text in ["1,2\n3,4\n", "one line, of prose", "a\nb\n", "", ",\n,\n"] {
            assert!(cells(text).is_empty(), "{text}: {:?}", cells(text));
        }
    }
}
