//! How it stands, in OpenMetrics.

use std::fmt::Write as _;

use serde_json::Value;

/// What the text is, for HTTP.
pub const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATES: [&str; 5] = ["unknown", "grounded", "airborne", "stale", "released"];

/// The text; of no status, that it is not enforcing, and nothing else.
pub fn text(status: Option<&Value>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = tell(status, &mut out);
    out
}

/// A row of `sources`, in words.
pub fn source(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let vouches = if row["vouches"] == true { "" } else { ", can only cut" };
    let says = match row["says"].as_str() {
        Some(says) => format!("{says}, {} s ago", row["seconds"]),
        None => "nothing yet".to_owned(),
    };
    format!("{} ({}{vouches}): {says}", text("name"), text("kind"))
}

fn tell(status: Option<&Value>, out: &mut String) -> std::fmt::Result {
    let is = |key: &str| u8::from(status.is_some_and(|status| status[key] == true));
    let number = |status: &Value, key: &str| status[key].as_u64().unwrap_or_default();
    writeln!(out, "# TYPE creance_guard_enforcing gauge")?;
    writeln!(out, "# HELP creance_guard_enforcing Whether an engine answers and its rules stand.")?;
    writeln!(out, "creance_guard_enforcing {}", is("enforcing"))?;
    if let Some(status) = status {
        writeln!(out, "# TYPE creance_guard_open gauge")?;
        writeln!(out, "# HELP creance_guard_open Whether clients may reach the outside.")?;
        writeln!(out, "creance_guard_open {}", is("open"))?;
        let by_name = status["by_name"] == true && status["open"] != true;
        writeln!(out, "# TYPE creance_guard_by_name gauge")?;
        writeln!(
            out,
            "# HELP creance_guard_by_name Whether clients may reach by name what the policy permits, and no more."
        )?;
        writeln!(out, "creance_guard_by_name {}", u8::from(by_name))?;
        writeln!(out, "# TYPE creance_guard_state stateset")?;
        writeln!(out, "# HELP creance_guard_state What is believed of flight.")?;
        for state in STATES {
            writeln!(
                out,
                "creance_guard_state{{creance_guard_state=\"{state}\"}} {}",
                u8::from(status["state"] == state)
            )?;
        }
        for (key, help) in
            [("alarms", "Alarms since the engine began."), ("cuts", "Cuts since the engine began.")]
        {
            writeln!(out, "# TYPE creance_guard_{key} counter\n# HELP creance_guard_{key} {help}")?;
            writeln!(out, "creance_guard_{key}_total {}", number(status, key))?;
        }
        if let Some(micros) = status["last_cut"]["us_to_routes"].as_u64() {
            writeln!(
                out,
                "# TYPE creance_guard_last_cut_seconds gauge\n# UNIT creance_guard_last_cut_seconds seconds"
            )?;
            writeln!(out, "# HELP creance_guard_last_cut_seconds From evidence to the last cut.")?;
            writeln!(out, "creance_guard_last_cut_seconds {}.{:06}", micros / 1_000_000, micros % 1_000_000)?;
        }
        sources(status, out)?;
        for unit in ["packets", "bytes"] {
            writeln!(out, "# TYPE creance_guard_{unit} counter\n# UNIT creance_guard_{unit} {unit}")?;
            writeln!(
                out,
                "# HELP creance_guard_{unit} By counter of the rules, since they were put in force."
            )?;
            for (name, count) in status["counters"].as_object().into_iter().flatten() {
                writeln!(out, "creance_guard_{unit}_total{{counter=\"{name}\"}} {}", number(count, unit))?;
            }
        }
    }
    writeln!(out, "# EOF")
}

/// Each source of evidence: how often it was heard, how long ago, and how often what bore its name was refused.
fn sources(status: &Value, out: &mut String) -> std::fmt::Result {
    let rows = || status["sources"].as_array().into_iter().flatten();
    let labels = |row: &Value| {
        let text = |key: &str| escaped(row[key].as_str().unwrap_or_default());
        format!(
            "source=\"{}\",kind=\"{}\",vouches=\"{}\"",
            text("name"),
            text("kind"),
            row["vouches"] == true
        )
    };
    for (key, help) in [
        ("heard", "What was heard of a source of evidence."),
        ("refused", "What bore the name of an aircraft and was not taken for its own, for its signature."),
    ] {
        writeln!(out, "# TYPE creance_guard_source_{key} counter\n# HELP creance_guard_source_{key} {help}")?;
        for row in rows() {
            let number = row[key].as_u64().unwrap_or_default();
            writeln!(out, "creance_guard_source_{key}_total{{{}}} {number}", labels(row))?;
        }
    }
    writeln!(
        out,
        "# TYPE creance_guard_source_age_seconds gauge\n# UNIT creance_guard_source_age_seconds seconds"
    )?;
    writeln!(
        out,
        "# HELP creance_guard_source_age_seconds Since a source was heard last; none, where it never was."
    )?;
    for row in rows() {
        if let Some(seconds) = row["seconds"].as_u64() {
            writeln!(out, "creance_guard_source_age_seconds{{{}}} {seconds}", labels(row))?;
        }
    }
    Ok(())
}

/// A value of a label: names come from the configuration, and from whoever is heard.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn by_name_is_neither_cut_nor_open() {
        for (open, by_name, told) in [(false, true, 1), (true, true, 0), (false, false, 0)] {
            let text = text(Some(&json!({"enforcing": true, "open": open, "by_name": by_name})));
            assert!(text.contains(&format!("\ncreance_guard_by_name {told}\n")), "{text}");
        }
    }

    #[test]
    fn it_is_openmetrics() {
        let status = json!({
            "enforcing": true, "open": false, "state": "airborne", "alarms": 2, "cuts": 1,
            "last_cut": {"us_to_routes": 17_003}, "counters": {"cut": {"packets": 3, "bytes": 99}},
        });
        let text = text(Some(&status));
        for line in [
            "creance_guard_enforcing 1",
            "creance_guard_open 0",
            "creance_guard_by_name 0",
            "creance_guard_state{creance_guard_state=\"airborne\"} 1",
            "creance_guard_state{creance_guard_state=\"grounded\"} 0",
            "creance_guard_alarms_total 2",
            "creance_guard_last_cut_seconds 0.017003",
            "creance_guard_bytes_total{counter=\"cut\"} 99",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        let status = json!({"sources": [
            {"name": "sky\"\\\nlark", "kind": "mavlink, signed by its key", "vouches": true, "says": "armed", "seconds": 3, "heard": 70, "refused": 2},
            {"name": "tower", "kind": "file", "vouches": true, "heard": 0, "refused": 0},
        ]});
        let text = super::text(Some(&status));
        let sky = r#"{source="sky\"\\\nlark",kind="mavlink, signed by its key",vouches="true"}"#;
        for line in [
            format!("creance_guard_source_heard_total{sky} 70"),
            format!("creance_guard_source_refused_total{sky} 2"),
            format!("creance_guard_source_age_seconds{sky} 3"),
            r#"creance_guard_source_heard_total{source="tower",kind="file",vouches="true"} 0"#.to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(!text.contains(r#"age_seconds{source="tower""#), "{text}");
        let row = json!({"name": "a", "kind": "file", "vouches": true, "says": "flying", "seconds": 2});
        assert_eq!(source(&row), "a (file): flying, 2 s ago");
        let row = json!({"name": "b", "kind": "duml", "vouches": false});
        assert_eq!(source(&row), "b (duml, can only cut): nothing yet");
        let none = super::text(None);
        assert!(none.contains("creance_guard_enforcing 0\n") && !none.contains("state"));
    }
}
