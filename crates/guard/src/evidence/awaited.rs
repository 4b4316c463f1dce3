//! Whose voice is missed. Whatever was heard and is so no more could have told of a flight: what is open closes then, a
//! release as well, and who opens is told.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Who says nothing for so long is not heard any more: interfaces, files and lines are told of each second, as is a heartbeat.
const SILENT: Duration = Duration::from_secs(5);

/// All that are heard, or should be.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    voices: BTreeMap<String, Voice>,
    /// Where so much comes in that some of it is lost, and when that was so last.
    floods: BTreeMap<String, Instant>,
    missed: Vec<Missed>,
}

#[derive(Debug)]
struct Voice {
    last: Instant,
    /// Whether it was ever heard.
    heard: bool,
    is_aircraft: bool,
    /// Why it says nothing, where that is known.
    why: Option<String>,
}

/// One that is not heard any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Missed {
    /// Who, and why.
    pub(crate) why: String,
    /// No alarm unless something was open: aircraft are silent as well when they are switched off, and a flood goes on.
    pub(crate) quiet: bool,
}

impl Awaited {
    /// One that is to be missed even if it is never heard.
    pub(super) fn expect(&mut self, who: String, now: Instant) {
        self.voices.insert(who, Voice { last: now, heard: false, is_aircraft: false, why: None });
    }

    pub(super) fn heard(&mut self, who: &str, is_aircraft: bool, now: Instant) {
        let voice = Voice { last: now, heard: true, is_aircraft, why: None };
        match self.voices.get_mut(who) {
            Some(before) => *before = voice,
            None => drop(self.voices.insert(who.to_owned(), voice)),
        }
    }

    /// It says nothing, which may be over soon: a file is written anew.
    pub(super) fn silent(&mut self, who: &str, why: String) {
        if let Some(voice) = self.voices.get_mut(who) {
            voice.why = Some(why);
        }
    }

    /// It is not heard any more, and that is no matter of time.
    pub(super) fn gone(&mut self, who: &str, why: String) {
        self.silent(who, why);
        if self.voices.get(who).is_some_and(|voice| voice.heard) {
            self.miss(who);
        }
    }

    /// Looks who has been silent for long; after all was taken that waited.
    pub(super) fn look(&mut self, now: Instant) {
        let is_old = |voice: &Voice| now.saturating_duration_since(voice.last) > SILENT;
        let old = self.voices.iter().filter(|(_, voice)| is_old(voice)).map(|(who, _)| who.clone());
        for who in old.collect::<Vec<_>>() {
            self.miss(&who);
        }
    }

    fn miss(&mut self, who: &str) {
        let Some(Voice { is_aircraft, why, .. }) = self.voices.remove(who) else { return };
        let otherwise = if is_aircraft { "is not heard any more" } else { "does not answer" };
        let why = format!("{who} {}", why.as_deref().unwrap_or(otherwise));
        self.missed.push(Missed { why, quiet: is_aircraft });
    }

    /// Something is lost there: whoever said it is not heard.
    pub(super) fn flooded(&mut self, who: &str, now: Instant) {
        let before = self.floods.insert(who.to_owned(), now);
        let quiet = before.is_some_and(|before| now.saturating_duration_since(before) <= SILENT);
        self.missed.push(Missed { why: format!("{who}: there is too much to hear all of it"), quiet });
    }

    /// Those that are missed: each once.
    pub(super) fn missed(&mut self) -> Vec<Missed> {
        std::mem::take(&mut self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn missed(awaited: &mut Awaited, now: Instant) -> Vec<String> {
        awaited.look(now);
        awaited.missed().into_iter().map(|missed| missed.why).collect()
    }

    #[test]
    fn who_falls_silent_is_missed_once() {
        let (mut awaited, now) = (Awaited::default(), Instant::now());
        awaited.heard("skylark", true, now);
        awaited.heard("tower (file)", false, now);
        awaited.heard("switch (line)", false, now + S);
        awaited.silent("tower (file)", "says nothing".to_owned());
        assert!(missed(&mut awaited, now + 5 * S).is_empty());
        let two = ["skylark is not heard any more", "tower (file) says nothing"];
        assert_eq!(missed(&mut awaited, now + 5 * S + S / 2), two);
        assert_eq!(missed(&mut awaited, now + 7 * S), ["switch (line) does not answer"]);
        assert!(missed(&mut awaited, now + 99 * S).is_empty());
        awaited.heard("skylark", true, now + 99 * S);
        assert_eq!(missed(&mut awaited, now + 105 * S), two[..1]);
    }

    #[test]
    fn a_flood_is_told_once() {
        let (mut awaited, now) = (Awaited::default(), Instant::now());
        let quiet = [(0, false), (4, true), (8, true), (14, false)];
        for (seconds, quiet) in quiet {
            awaited.flooded("lan0", now + seconds * S);
            assert_eq!(awaited.missed().iter().map(|missed| missed.quiet).collect::<Vec<_>>(), [quiet]);
        }
    }

    #[test]
    fn silence_that_is_soon_over_is_none() {
        let (mut awaited, now) = (Awaited::default(), Instant::now());
        awaited.heard("tower (file)", false, now);
        awaited.silent("tower (file)", "says nothing".to_owned());
        awaited.heard("tower (file)", false, now + S);
        assert!(missed(&mut awaited, now + 6 * S).is_empty());
        assert_eq!(missed(&mut awaited, now + 7 * S), ["tower (file) does not answer"]);
    }

    #[test]
    fn who_is_gone_is_missed_at_once_and_who_never_came_after_a_while() {
        let (mut awaited, now) = (Awaited::default(), Instant::now());
        awaited.expect("mon0 (monitor)".to_owned(), now);
        awaited.gone("mon0 (monitor)", "hears nothing".to_owned());
        awaited.gone("lan0 (links of clients)", "hears nothing".to_owned());
        assert!(missed(&mut awaited, now).is_empty());
        assert_eq!(missed(&mut awaited, now + 6 * S), ["mon0 (monitor) hears nothing"]);
        awaited.heard("mon0 (monitor)", false, now + 7 * S);
        awaited.gone("mon0 (monitor)", "hears nothing".to_owned());
        assert_eq!(missed(&mut awaited, now + 7 * S), ["mon0 (monitor) hears nothing"]);
    }
}
