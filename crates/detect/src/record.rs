//! Lists of things with fields, in whatever format: rows of a table, objects in an array, arrays in an array.
//!
//! ```text
//! {"contacts": [{"name": …, "phone": …}, …]}      list: `contacts`; record: `{…}`; fields: `name`, `phone`
//! ```

use crate::View;

/// Fields of a record that are looked at: those of longer ones are no few things of one entry.
const MOST_FIELDS: usize = 64;

impl View<'_> {
    /// What lies below a record. Parts come in the order of the document, so that all below one follows it.
    pub(crate) fn below(&self, record: usize) -> impl Iterator<Item = usize> {
        (record + 1..self.parts().len())
            .take_while(move |index| self.parent(*index).is_some_and(|parent| parent >= record))
            .take(MOST_FIELDS)
    }

    /// The fields of a record: what lies right below it.
    pub(crate) fn record(&self, record: usize) -> impl Iterator<Item = usize> {
        self.below(record).filter(move |index| self.parent(*index) == Some(record))
    }

    /// Whether a list, or something around it, is called by one of these names.
    pub(crate) fn is_called(&self, list: usize, names: &[&str]) -> bool {
        let path = self.path(list);
        let words = path.iter().flat_map(|step| step.split(['/', ':', ' ']));
        words.rev().any(|word| {
            let word: String =
                word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            names.contains(&&*word)
        })
    }
}

#[cfg(test)]
mod tests {
    use creance_model::Carrier;

    use crate::{View, fixture::parts};

    #[test]
    fn the_fields_of_a_record_are_those_right_below_it() {
        let message = parts(&[
            (Carrier::Body, None, "request body", None, b""),
            (Carrier::Body, Some(0), "json:/friends", None, b""),
            (Carrier::Body, Some(1), "json:/friends/0", None, b""),
            (Carrier::Body, Some(2), "json:/friends/0/a", Some("a"), b"1"),
            (Carrier::Body, Some(2), "json:/friends/0/b", None, b""),
            (Carrier::Body, Some(4), "json:/friends/0/b/c", Some("c"), b"1"),
            (Carrier::Body, Some(2), "json:/friends/0/d", Some("d"), b"1"),
            (Carrier::Body, Some(1), "json:/friends/1", None, b""),
        ]);
        let view = View::new(&message, 6);
        assert_eq!(view.record(2).collect::<Vec<_>>(), [3, 4, 6]);
        assert!(view.is_called(1, &["friends"]) && !view.is_called(0, &["friends"]));
    }
}
