//! Likelihood and confidence never stand in one sentence: not in any format, of hypotheses of one's own, of reviews that name
//! either, and of comparisons and sources that speak for and against.

use std::{fs, path::Path};

use creance_assess::judge::{Prose, says_confidence, says_likelihood};
use creance_model::Report;
use creance_tests::run;
use serde_json::Value;

use crate::reports;

/// A claim that names a likelihood, and one that names confidence.
const OURS: &str = r#"
name = "ours"
source = "the fleet"
date = "2026-11"

[[alternative]]
id = "backup"
says = "It is a backup that somebody asked for."

[[hypothesis]]
id = "ours-likely"
claim = "It is most likely that mail addresses leave; a remote chance is left that none does."
says = "mail addresses were sent out"
settled_by = "Content."
never_claimed = "Who reads them."
alternatives = ["backup"]
[[hypothesis.evidence]]
says = "Mail addresses"
bears = "for"
absence = true
all = [{ class = ["email"] }]

[[hypothesis]]
id = "ours-sure"
claim = "We have high confidence that nothing leaves."
says = "nothing of the phone was sent out"
settled_by = "Content."
never_claimed = "Who reads it."
[[hypothesis.evidence]]
says = "Data of the phone"
bears = "against"
absence = true
all = [{ class = ["contacts", "messages", "installed-apps"] }]
"#;

const SOURCES: &str = r#"
[[source]]
name = "statement"
kind = "vendor-statement"
grade = "E4"
citation = "newsroom"
[[source.says]]
hypothesis = "ours-likely"
bears = "against"
words = "It is highly unlikely, we say with high confidence."
"#;

/// Elements that stand within a sentence.
const INLINE: [&str; 11] = ["a", "abbr", "b", "code", "em", "i", "kbd", "mark", "q", "span", "strong"];

/// The texts between the marks of HTML, XML and SVG, cut where an element begins or ends that is none of a sentence.
fn of_marks(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for part in text.split('<') {
        let (mark, said) = part.split_once('>').unwrap_or(("", part));
        let name = mark.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
        if INLINE.contains(&name) {
            all.last_mut().unwrap().push_str(said);
        } else {
            all.push(said.to_owned());
        }
        // What stands in attributes is read to some.
        all.extend(
            mark.split('"').skip(1).step_by(2).map(str::to_owned).filter(|one| one.contains(' ')).take(4),
        );
    }
    all.into_iter()
        .map(|one| one.replace("&quot;", "\"").replace("&amp;", "&").replace("&#10;", " "))
        .collect()
}

fn of_json(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.extend(text.split("\n\n").map(str::to_owned)),
        Value::Array(all) => all.iter().for_each(|one| of_json(one, texts)),
        Value::Object(all) => all.values().for_each(|one| of_json(one, texts)),
        _ => {}
    }
}

/// The texts of a report, each of which is a paragraph, a cell or a value.
fn texts(path: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut texts = Vec::new();
    match name.rsplit('.').next().unwrap() {
        "json" | "sarif" | "geojson" => of_json(&serde_json::from_str(&text).unwrap(), &mut texts),
        "jsonl" => {
            text.lines().for_each(|line| of_json(&serde_json::from_str(line).unwrap(), &mut texts));
        }
        "html" | "kml" => texts = of_marks(&text),
        "csv" => {
            let mut rows =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            texts = rows
                .records()
                .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                .collect();
        }
        // A cell may hold several strings; commas within one are written as their number.
        "log" => texts = text.split(['\t', '\n', ',']).map(|one| one.replace("\\x2c", ",")).collect(),
        "md" => texts = text.split("\n\n").flat_map(cells).collect(),
        // A paragraph for people is a label and lines behind it.
        "txt" => texts = paragraphs(&text),
        // Comments of packets.
        "pcapng" => {
            let of = crate::tshark(path, &["frame.comment"]);
            texts = of
                .into_iter()
                .flatten()
                .flat_map(|one| one.split(',').map(str::to_owned).collect::<Vec<_>>())
                .collect();
            texts.extend(crate::tshark(path, &["frame.comment"]).into_iter().flatten());
        }
        other => unreachable!("a format without a reader here: {other}"),
    }
    texts
}

/// The cells of a table, its lines apart; else the paragraph.
fn cells(paragraph: &str) -> Vec<String> {
    if !paragraph.contains('|') {
        return vec![paragraph.to_owned()];
    }
    paragraph.split(['|', '\n']).map(str::to_owned).collect()
}

/// Lines that go on are indented as far as the text before them.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines() {
        let goes_on = line.starts_with("           ") && !line.trim().is_empty();
        match all.last_mut().filter(|_| goes_on) {
            Some(last) => *last = format!("{last} {}", line.trim()),
            None => all.push(line.trim().to_owned()),
        }
    }
    all
}

#[test]
fn no_format_says_both_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    reports(folder.path(), false);
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("ours.toml"), OURS).unwrap();
    fs::write(path("sources.toml"), SOURCES).unwrap();
    let (case, ours, sources) = (path("case"), path("ours.toml"), path("sources.toml"));
    let said = run(["assess", &case, "--hypotheses", &ours, "--sources", &sources]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    fs::create_dir(path("all")).unwrap();
    fs::write(path("all/assess.txt"), said.stdout).unwrap();

    let report = Report::read(&fs::read(path("case/findings.json")).unwrap()).unwrap();
    let id = |of: &str| report.judgements.iter().find(|one| one.hypothesis == of).unwrap().id.clone();
    let review = |id: &str, how: &[&str], reason: &str| {
        let by = ["--examiner", "R. Okafor", "--reason", reason];
        run([&["review", case.as_str(), id], how, &by].concat())
    };
    // Reasons that name one of the two, on judgements of the same findings, in the order in which they are joined.
    assert!(review(&id("identity"), &["--accept"], "it is unlikely to be a backup").status.success());
    assert!(
        review(&id("ours-likely"), &["--reject"], "my confidence in the address table is low")
            .status
            .success()
    );
    assert!(
        review(
            &id("ours-sure"),
            &["--reword", "It is improbable that nothing left."],
            "no confidence is stated"
        )
        .status
        .success()
    );
    let both = review(&id("identity"), &["--reject"], "it is unlikely,\nand confidence is low");
    assert_eq!(both.status.code(), Some(2), "an end of a line ends no sentence");
    for (examiner, reason) in [
        ("Likely Ltd", "confidence is low"),
        ("R. Okafor", "it is likely that it is of Kestrel Ltd. Confidence is low"),
        ("R. Okafor", "“it is likely, with low confidence”"),
    ] {
        let by = ["--reject", "--examiner", examiner, "--reason", reason];
        let said = run([&["review", case.as_str(), &id("identity")], &by[..]].concat());
        assert_eq!(said.status.code(), Some(2), "{examiner}: {reason}");
    }

    let all = run(["report", &case, "--format", "all", "-o", &path("again")]);
    assert!(all.status.success(), "{}", String::from_utf8_lossy(&all.stderr));
    assert!(run(["report", &case, "--format", "pcapng", "-o", &path("all/report.pcapng")]).status.success());
    for (name, arguments) in [
        ("review.txt", &["review", case.as_str()][..]),
        ("judged.json", &["assess", &case, "--hypotheses", &ours, "--dry-run", "--format", "json"]),
        ("judged.html", &["assess", &case, "--hypotheses", &ours, "--dry-run", "--format", "html"]),
        ("remedies.txt", &["remedies", &case]),
        ("log.txt", &["case", "log", &case]),
    ] {
        fs::write(folder.path().join("all").join(name), run(arguments).stdout).unwrap();
    }
    let (mut files, mut likely, mut sure) = (0, 0, 0);
    for entry in ["again", "all", "case"].iter().flat_map(|name| fs::read_dir(path(name)).unwrap()) {
        let path = entry.unwrap().path();
        for text in texts(&path) {
            if let Err(both) = Prose::new(&text) {
                unreachable!("{}: {both}", path.display());
            }
            likely += usize::from(says_likelihood(&text));
            sure += usize::from(says_confidence(&text));
        }
        files += 1;
    }
    assert!(
        files >= 21 && likely > 300 && sure > 300,
        "{files} files, {likely} of likelihood, {sure} of confidence"
    );
}

#[test]
fn hypotheses_of_ones_own_that_say_both_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    reports(folder.path(), false);
    let case = folder.path().join("case").display().to_string();
    let file = folder.path().join("ours.toml");
    for (from, to, field) in [
        (
            "mail addresses were sent out",
            "it is likely that mail addresses were sent out",
            "hypothesis[0].says",
        ),
        ("most likely that mail", "most likely, with high confidence, that mail", "hypothesis[0].claim"),
        ("It is a backup", "With low confidence it is a backup", "alternative[0].says"),
        ("says = \"Mail addresses\"", "says = \"Probable addresses\"", "hypothesis[0].evidence[0].says"),
    ] {
        assert!(OURS.contains(from), "{from}");
        fs::write(&file, OURS.replacen(from, to, 1)).unwrap();
        let said = run(["assess", &case, "--hypotheses", &file.display().to_string()]);
        let told = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(3) && told.contains(&format!("`{field}`")), "{told}");
    }
}
