//! Sentences that may be published: likelihood and confidence never stand in one (Intelligence Community Directive 203, D.6.e.(2)(a)).

use creance_model::Likelihood;
use thiserror::Error;

/// A sentence that says both.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "likelihood and confidence stand in one sentence: {0}\nEnd the first of two sentences with a plain word and a stop: after a name, a number or an abbreviation it may go on."
)]
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
        apart(&without_quotes(&text)).map(|()| Self(text))
    }

    /// Checks every sentence of one who could put words of their own in quotation marks: those are looked at too.
    pub fn own(text: impl Into<String>) -> Result<Self, Both> {
        let text = text.into();
        apart(&text).map(|()| Self(text))
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// That no sentence says both.
fn apart(text: &str) -> Result<(), Both> {
    let both = |sentence: &String| says_likelihood(sentence) && says_confidence(sentence);
    sentences(text).into_iter().find(both).map_or(Ok(()), |both| Err(Both(both.trim().to_owned())))
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

/// The text without what is quoted; all of it, where it cannot be told what is: a quotation in another, not begun or not ended.
fn without_quotes(text: &str) -> String {
    let mut quoting = false;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match (c, quoting) {
            ('“', false) => quoting = true,
            ('”', true) => quoting = false,
            ('“' | '”', _) => return text.to_owned(),
            (_, true) => {}
            (_, false) => kept.push(c),
        }
    }
    if quoting { text.to_owned() } else { kept }
}

/// Sentences. One ends with a stop only where no doubt is left: after a plain word, and before a word with a capital letter. In doubt
/// it goes on, for what is refused can be said in other words, and what is let through cannot be taken back.
fn sentences(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let begins = words.peek().is_none_or(|next| {
            next.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase)
        });
        if let Some(last) = all.last_mut() {
            last.push_str(word);
            last.push(' ');
        }
        if begins && is_end(word) {
            all.push(String::new());
        }
    }
    all
}

/// Whether a sentence ends with this word: it has a stop, and is no name, number or abbreviation, which have stops within sentences.
fn is_end(word: &str) -> bool {
    const CLOSING: [char; 9] = ['"', '\'', ')', ']', '’', '”', '»', '*', '_'];
    let bare = word.trim_end_matches(CLOSING);
    let Some(bare) = bare.strip_suffix(['.', '!', '?']) else { return false };
    let plain = bare.trim_end_matches(CLOSING).trim_start_matches(|c: char| !c.is_alphanumeric());
    plain.chars().all(|c| c.is_lowercase() || matches!(c, '-' | '’' | '\''))
        && plain.chars().count() > 2
        && plain.contains(['a', 'e', 'i', 'o', 'u', 'y'])
        && !ABBREVIATIONS.contains(&plain)
}

/// Abbreviations in small letters, of three and more with a vowel: all others are no plain words anyway.
const ABBREVIATIONS: [&str; 52] = [
    "abbr", "acc", "alt", "approx", "apr", "art", "assoc", "aug", "ave", "avg", "calc", "cert", "conf",
    "corp", "dec", "def", "dept", "diff", "dist", "eds", "eqs", "esp", "est", "etc", "ext", "feb", "fig",
    "figs", "freq", "gov", "ibid", "inc", "incl", "jan", "lat", "max", "min", "mins", "misc", "oct", "orig",
    "prob", "prof", "rec", "ref", "refs", "resp", "sec", "sect", "sep", "temp", "univ",
];

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
            ("It is likely that Kestrel Ltd. High confidence is due.", false),
            ("It is likely that it is of Kestrel Inc. Confidence is low.", false),
            ("It is likely that Corp. Kestrel has it with low confidence.", false),
            ("It is likely by Kestrel & Co. High confidence.", false),
            ("It is likely (No. 4, with high confidence).", false),
            ("It is likely, approx. High confidence.", false),
            ("It is likely in the U.S. Confidence is low.", false),
            ("It is likely, e.g. Confidence of ours is low.", false),
            ("It is likely, of 5. Confidence is low.", false),
            ("It is likely… Confidence is low.", false),
            ("It is likely. 5 of us have low confidence.", false),
            ("It is likely that they left. (Confidence is low.)", true),
            ("Is it likely? Confidence is low.", true),
            // Marks that are crossed, within others or turned round quote nothing.
            ("It is ”likely“ with high confidence.", false),
            ("“It says “yes” and is likely with high confidence.”", false),
            ("”It is likely with “ high confidence, ” it says “.", false),
        ] {
            assert_eq!(Prose::new(text).is_ok(), fine, "{text}");
        }
        assert_eq!(quoted("a”b“c\n"), "“abc”");
    }

    #[test]
    fn an_examiner_cannot_quote_a_sentence_into_being() {
        for text in ["“It is likely, with high confidence.”", "It is “likely” with high confidence."]
        {
            assert_eq!((Prose::new(text).is_ok(), Prose::own(text).is_ok()), (true, false), "{text}");
        }
        assert!(Prose::own("It is likely that data left. Confidence in this is “low”.").is_ok());
    }

    proptest! {
        #[test]
        fn every_pair_is_refused_wherever_it_stands(
            band in 0..Likelihood::ALL.len(), level in 0..Confidence::ALL.len(), first in any::<bool>(),
            between in "([a-z ,;:\n]{0,20}|([A-Z][a-z]{1,8}|[A-Za-z]\\.[A-Za-z]|[0-9]{1,3})\\. ([A-Z][a-z]{1,8})?)"
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
