//! What differs between runs of two settings, written: for people, as a page. (The JSON form is the comparison itself.)

mod html;
mod many;
mod text;

pub use html::html;
pub use many::{html_of_many, text_of_many};
pub use text::text;

use creance_assess::{Comparison, Observed, Row, Verdict};

use crate::words::shown;

/// A verdict in a word, or what is shown instead of one.
const fn verdict(row: &Row) -> &'static str {
    match row.verdict {
        Some(Verdict::Stopped) => "stopped",
        Some(Verdict::Stayed) => "stayed",
        Some(Verdict::Appeared) => "appeared",
        Some(Verdict::Changed) => "changed",
        None => "not told",
    }
}

/// Why there is no verdict, and what these runs show.
fn remark(row: &Row) -> Option<String> {
    let seen = match row.observed {
        Observed::Stopped => ": seen before only",
        Observed::Appeared => ": seen after only",
        Observed::Stayed | Observed::Changed | Observed::Mixed | Observed::Hidden => "",
    };
    row.why.map(|why| format!("{why}{seen}"))
}

/// A sentence with names from the evidence in it.
fn sentence(text: &str) -> String {
    text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

/// A probability: `0.031`.
fn probability(number: f64) -> String {
    if number < 0.001 { "under 0.001".to_owned() } else { format!("{number:.3}") }
}

/// How much of it there is a minute, before and after; by what was seen in each run and for how long.
fn rates(of: &Comparison, amounts: &[u64]) -> [f64; 2] {
    of.groups.each_ref().map(|group| {
        let sum: u64 = group
            .cases
            .iter()
            .filter_map(|index| amounts.get(*index))
            .fold(0, |sum, amount| sum.saturating_add(*amount));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let sum = sum as f64;
        sum / group.minutes.max(f64::MIN_POSITIVE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_assess::{Group, Host, Plan, Run, Seen, campaign, compare};
    use creance_model::DataClass;

    fn run(name: &str, found: &[(&str, DataClass)]) -> Run {
        let mut run = Run { name: name.to_owned(), flying: 4.0, bytes: 1000, opaque: 410, ..Run::default() };
        for (host, data_class) in found {
            run.hosts.insert((*host).to_owned(), Host { up: 500, ..Host::default() });
            run.seen.push(Seen {
                host: (*host).to_owned(),
                data_class: *data_class,
                digest: String::new(),
                count: 1,
            });
        }
        run
    }

    fn compared() -> Comparison {
        let off = run("off", &[("a.test", DataClass::Serial), ("<b>\u{202e}.test", DataClass::Location)]);
        let on = run("on", &[("a.test", DataClass::Serial)]);
        let group = |name: &str, run: &Run| Group { name: name.to_owned(), runs: vec![run.clone(); 3] };
        compare(&Plan { groups: [group("mode <off>", &off), group("mode on", &on)], level: 0.05 })
    }

    #[test]
    fn people_read_verdicts_with_their_strength_and_what_was_opaque() {
        let written = text(&compared());
        for part in [
            "mode on: 1 of 2 destinations remain: a.test was seen; 41 % of bytes opaque.",
            "<b>⟨U+202E⟩.test",
            "stopped   0.031",
            "stayed",
        ] {
            assert!(written.contains(part), "{part} is not in:\n{written}");
        }
        assert!(written.lines().all(|line| line.chars().count() <= 110), "{written}");
        assert!(!written.contains('\u{202e}'));
    }

    #[test]
    fn many_settings_stand_on_one_page() {
        let off = run("off", &[("a.test", DataClass::Serial), ("<b>\u{202e}.test", DataClass::Location)]);
        let on = run("on", &[("a.test", DataClass::Serial)]);
        let group = |name: &str, run: &Run| Group { name: name.to_owned(), runs: vec![run.clone(); 4] };
        let of = campaign(&[group("mode <off>", &off), group("mode on", &on), group("later", &off)], 0.05);
        let written = text_of_many(&of);
        for part in [
            "3 settings, 12 runs",
            "══ mode on beside mode <off>",
            "══ later beside",
            "4 of 4       0 of 4       4 of 4",
        ] {
            assert!(written.contains(part), "{part} is not in:\n{written}");
        }
        let page = html_of_many(&of);
        assert!(
            page.contains("mode on beside mode &lt;off&gt;")
                && !page.contains("<b>")
                && !page.contains('\u{202e}')
        );
        assert_eq!(page.matches("class=\"bars\"").count(), 4);
    }

    #[test]
    fn the_page_holds_no_markup_of_the_evidence() {
        let page = html(&compared());
        assert!(page.contains("&lt;b&gt;⟨U+202E⟩.test") && page.contains("mode &lt;off&gt;"));
        assert!(!page.contains("<b>") && !page.contains('\u{202e}') && !page.contains("<script"));
        assert!(page.contains("41 % of bytes opaque") && page.contains("class=\"bars\""));
    }
}
