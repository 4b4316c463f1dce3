//! Words, each kept once: the names of fields, which come again and again.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// Words and their numbers.
#[derive(Clone, Default)]
pub(super) struct Words {
    /// All of them, run together.
    text: String,
    each: Vec<Word>,
    /// The numbers of all, by what they say.
    known: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// The word that came last.
    last: u32,
}

/// Words of most messages.
const USUAL: usize = 48;

#[derive(Clone, Copy)]
struct Word {
    start: u32,
    end: u32,
    /// The word that came after it the last time.
    next: u32,
}

impl Words {
    /// A word by its number.
    pub(super) fn get(&self, number: u32) -> &str {
        self.each.get(number as usize).map_or("", |word| said(&self.text, *word))
    }

    /// The number of a word, which is kept if it is new.
    #[inline]
    pub(super) fn number(&mut self, word: &str) -> u32 {
        let next = self.each.get(self.last as usize).map_or(0, |last| last.next);
        // Objects of one kind have the same fields in the same order, and the elements of an array have one name.
        for usual in [next, self.last] {
            if self.is(usual, word) {
                self.follow(usual);
                return usual;
            }
        }
        let number = self.find(word);
        self.follow(number);
        number
    }

    fn is(&self, number: u32, word: &str) -> bool {
        let Some(Word { start, end, .. }) = self.each.get(number as usize) else { return false };
        let said = self.text.as_bytes().get(*start as usize..*end as usize);
        (end - start) as usize == word.len() && said == Some(word.as_bytes())
    }

    /// Notes that a word came behind the last one, if it is another.
    fn follow(&mut self, number: u32) {
        if number == self.last {
            return;
        }
        if let Some(last) = self.each.get_mut(self.last as usize) {
            last.next = number;
        }
        self.last = number;
    }

    /// The number of a word that is known.
    pub(super) fn known(&self, word: &str) -> Option<u32> {
        self.known.find(self.hasher.hash_one(word), |number| self.is(*number, word)).copied()
    }

    /// As [`Self::number`], for a word that says nothing of which one comes next.
    pub(super) fn find(&mut self, word: &str) -> u32 {
        if let Some(number) = self.known(word) {
            return number;
        }
        let Self { text, each, known, hasher, .. } = self;
        if known.is_empty() {
            known.reserve(USUAL, |_| 0);
            each.reserve(USUAL);
        }
        let of = |number: &u32| each.get(*number as usize).map_or("", |word| said(text, *word));
        let number = narrow(each.len());
        known.insert_unique(hasher.hash_one(word), number, |number| hasher.hash_one(of(number)));
        let start = narrow(text.len());
        text.push_str(word);
        each.push(Word { start, end: narrow(text.len()), next: number });
        number
    }

    /// How many words there are.
    pub(super) const fn len(&self) -> usize {
        self.each.len()
    }

    /// What they take, in bytes.
    pub(super) fn held(&self) -> usize {
        self.text.capacity()
            + self.each.capacity() * size_of::<Word>()
            + self.known.capacity() * size_of::<u32>()
    }
}

fn said(text: &str, word: Word) -> &str {
    text.get(word.start as usize..word.end as usize).unwrap_or_default()
}

/// A number of bytes or of things in memory as it is kept. What is beyond is no longer told apart.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_word_has_one_number_and_no_two_share_one(list in prop::collection::vec("[ab]{0,3}|\\PC{0,3}", 0..60)) {
            let mut words = Words::default();
            let numbers: Vec<u32> = list.iter().map(|word| words.number(word)).collect();
            for (word, number) in list.iter().zip(&numbers) {
                prop_assert_eq!(words.get(*number), word);
                prop_assert_eq!(words.find(word), *number);
            }
            let different: std::collections::BTreeSet<&String> = list.iter().collect();
            prop_assert_eq!(words.len(), different.len());
        }
    }
}
