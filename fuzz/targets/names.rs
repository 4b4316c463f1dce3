//! Any bytes as a question of a client and, behind its length, as what a resolver outside answers to it.
#![no_main]

use std::time::Instant;

use creance_guard::names::{Found, Question, Read, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first() else { return };
    let (asked, said) = rest.split_at(usize::from(*length).min(rest.len()));
    let question = match Question::read(asked) {
        Read::Ask(question) => question,
        Read::Tell(told) => {
            // A complaint is an answer, and nobody answers that.
            assert!(told.len() <= asked.len() + 11 && Question::read(&told) == Read::Drop);
            return;
        }
        Read::Drop => return,
    };
    let settings: Settings = toml::from_str("listen = ['10.0.0.1']\nupstream = ['9.9.9.9']").unwrap();
    let now = Instant::now();
    let Ok(found) = Found::read(said, &question, &settings, now) else { return };
    let addresses = found.addresses.clone();
    for ip in &addresses {
        assert_eq!(creance_place::Scope::of(*ip), creance_place::Scope::Public);
    }
    let Some(written) = found.written(&question, |ip| addresses.first() == Some(&ip)) else { return };
    for largest in [512, 1232, 65_535] {
        let answer = written.answer(&question, now, largest);
        assert!(answer.len() <= largest.max(asked.len() + 11) && Question::read(&answer) == Read::Drop);
    }
});
