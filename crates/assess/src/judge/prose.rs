//! Sentences that may be published: likelihood and confidence never stand in one (Intelligence Community Directive 203, D.6.e.(2)(a)).

use creance_model::Likelihood;
use thiserror::Error;

/// A sentence that says both.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("likelihood and confidence stand in one sentence: {0}")]
pub struct Both(pub String);

/// The other row of the directive's table, and the words by which likelihood is named.
const LIKELIHOODS: [&str; 21] = [
    "remote chance",
    "highly improbable",
    "improbable",
    "improbably",
    "roughly even odds",
    "even odds",
    "probable",
    "probably",
    "highly probable",
    "nearly certain",
    "almost certainly",
    "likely",
    "unlikely",
    "likelihood",
    "probability",
    "likeliest",
    "likelier",
    "probabilities",
    "likelihoods",
    "high chance",
    "low chance",
];

/// Text in which no sentence says both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prose(String);

impl Prose {
    /// Checks every sentence. What stands between “ and ” is another's word, and is not looked at.
    pub fn new(text: impl Into<String>) -> Result<Self, Both> {
        let text = text.into();
        match sentences(&without_quotes(&text))
            .into_iter()
            .find(|sentence| says_likelihood(sentence) && says_confidence(sentence))
        {
            Some(both) => Err(Both(both.trim().to_owned())),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether a degree of likelihood is named.
pub fn says_likelihood(text: &str) -> bool {
    Likelihood::ALL.iter().map(|band| band.name()).chain(LIKELIHOODS).any(|word| holds(text, word))
}

/// Whether confidence is named.
pub fn says_confidence(text: &str) -> bool {
    ["confidence", "confident", "confidently"].into_iter().any(|word| holds(text, word))
}

/// Another's words, quoted: they cannot end the quotation.
pub(super) fn quoted(text: &str) -> String {
    let inner: String =
        text.chars().filter(|c| !matches!(c, '“' | '”') && !c.is_control()).take(MOST_QUOTED).collect();
    format!("“{inner}”")
}

/// Characters of a quotation.
const MOST_QUOTED: usize = 160;

/// Whether these words stand in the text as words, whatever space is between them.
fn holds(text: &str, words: &str) -> bool {
    let seen = text.to_lowercase();
    let seen: String = seen.chars().filter(|c| !is_unseen(*c)).collect();
    let text = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + words.len()..).and_then(|text| text.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// What no reader sees within a word: soft hyphens, joiners, marks of direction.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The text without what is quoted; all of it, where a quotation is not ended.
fn without_quotes(text: &str) -> String {
    let marks = |mark: char| text.chars().filter(|c| *c == mark).count();
    if marks('“') != marks('”') {
        return text.to_owned();
    }
    let mut depth = 0_usize;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '“' => depth += 1,
            '”' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// Sentences end with a stop before a space and what begins another: no small letter, which goes on after an abbreviation. Nor
/// does the stop of an abbreviation end one, nor a semicolon, a colon or the end of a line.
fn sentences(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_end_matches(['"', '\'', ')', ']', '’', '»', '*', '_']);
        let goes_on = words.peek().is_some_and(|next| next.starts_with(char::is_lowercase));
        if let Some(last) = all.last_mut() {
            last.push_str(word);
            last.push(' ');
        }
        if bare.ends_with(['.', '!', '?', '…']) && !goes_on && !is_abbreviation(bare) {
            all.push(String::new());
        }
    }
    all
}

/// Words with a stop that ends no sentence: one letter (`R.`), stops within (`e.g.`), and some that are common.
fn is_abbreviation(word: &str) -> bool {
    let Some(name) = word.strip_suffix('.') else { return false };
    let name = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    let letters =
        name.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic));
    letters || COMMON.contains(&name.to_lowercase().as_str())
}

const COMMON: [&str; 14] =
    ["approx", "art", "cf", "ca", "dr", "etc", "fig", "mr", "mrs", "ms", "no", "prof", "resp", "vs"];

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Confidence;
    use proptest::prelude::*;

    #[test]
    fn both_in_one_sentence_are_refused_and_in_two_are_not() {
        for (text, fine) in [
            ("It is likely that data left. Confidence in this is low.", true),
            ("We assess with moderate confidence that it is likely.", false),
            ("It is likely; confidence is low.", false),
            ("Highly Probable, said with HIGH confidence", false),
            ("It says “very likely, with high confidence” of itself, and confidence is low.", true),
            ("Unlikelihoods of confidence are no words of the table.", true),
            ("It is very\u{a0}likely\nwith high confidence.", false),
            ("It is almost  no chance (e.g. by SNI), and confidence is low.", false),
            ("It is likely (Fig. 3) with high confidence.", false),
            ("R. Okafor says it is likely. J. Doe has low confidence.", true),
            ("It is likely.\nConfidence in the basis is low.", true),
            ("It is likely. confidence is low", false),
            ("It is “very likely, with high confidence.", false),
            ("It is unlike\u{ad}ly, with high confi\u{200b}dence.", false),
            ("It is likely (by the names). “Low confidence” is another's word. Confidence is low.", true),
        ] {
            assert_eq!(Prose::new(text).is_ok(), fine, "{text}");
        }
        assert_eq!(quoted("a”b“c\n"), "“abc”");
    }

    proptest! {
        #[test]
        fn every_pair_is_refused_wherever_it_stands(
            band in 0..Likelihood::ALL.len(), level in 0..Confidence::ALL.len(), between in "[a-z ,;:\n]{0,20}", first in any::<bool>()
        ) {
            let (band, level) = (Likelihood::ALL[band].name(), format!("{} confidence", Confidence::ALL[level].name()));
            let text = if first { format!("{band} {between} {level}") } else { format!("{level} {between} {band}") };
            prop_assert!(Prose::new(text).is_err());
        }

        #[test]
        fn a_quotation_never_leaks(text in any::<String>()) {
            let quoted = quoted(&text);
            prop_assert!(without_quotes(&quoted).is_empty());
        }
    }
}
