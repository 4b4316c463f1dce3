//! Moments of a scenario: how long after its beginning, and what the clocks say then.

use std::time::Duration;

use creance_model::Timestamp;

/// When the scenario began, by the clock of the people in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    begun: Timestamp,
    zero: Option<tokio::time::Instant>,
}

impl Clock {
    /// A clock of a scenario that begins at a time.
    pub(crate) const fn new(begun: Timestamp) -> Self {
        Self { begun, zero: None }
    }

    /// It runs from now on.
    pub(crate) fn started(self) -> Self {
        Self { zero: Some(tokio::time::Instant::now()), ..self }
    }

    /// When it began.
    pub(crate) const fn begun(&self) -> Timestamp {
        self.begun
    }

    /// The time so long after the beginning.
    pub(crate) fn at(&self, moment: Duration) -> Timestamp {
        self.begun.plus_nanos(i64::try_from(moment.as_nanos()).unwrap_or(i64::MAX))
    }

    /// RFC 3339 with milliseconds.
    pub(crate) fn text(&self, moment: Duration) -> String {
        self.of(moment).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// In a pattern of `strftime`.
    pub(crate) fn format(&self, moment: Duration, pattern: &str) -> String {
        self.of(moment).strftime(pattern).to_string()
    }

    /// What the time is now, as HTTP writes it (RFC 9110 §5.6.7).
    pub(crate) fn http_date(&self) -> String {
        let since = self.zero.map(|zero| zero.elapsed()).unwrap_or_default();
        self.of(since).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn of(&self, moment: Duration) -> jiff::Timestamp {
        let nanos = i128::from(self.at(moment).as_nanos());
        jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}
