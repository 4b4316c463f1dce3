//! The shape of the tree, held true.
//!
//! `members` in the workspace manifest is written in the order data flows: a crate may depend only on the crates above
//! it. The lists that recipes tell people to extend (`ALL`) hold every file that belongs in them.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file longer than this has outgrown a sitting: it gets a folder of its own name.
const LONGEST_FILE: usize = 600;

#[test]
fn each_crate_depends_only_on_crates_above_it() {
    let mut above = Vec::new();
    for member in members() {
        let manifest = manifest(&member);
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        for dependency in dependencies(&manifest) {
            assert!(
                above.contains(&dependency),
                "{member} depends on {dependency}, which does not stand above it in Cargo.toml",
            );
        }
        above.push(name);
    }
}

#[test]
fn every_crate_is_a_member_and_inherits_the_lints() {
    let members = members();
    for folder in entries(&root().join("crates")) {
        let name = format!("crates/{}", name(&folder));
        assert!(members.contains(&name), "{name} is not in members of Cargo.toml");
    }
    for member in members {
        let lints = manifest(&member).get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(lints, Some(true), "{member} does not inherit the lints of the workspace");
    }
}

#[test]
fn no_source_file_outgrows_a_sitting() {
    for path in sources(&root().join("crates")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{} has {lines} lines: give it a folder of its own name",
            path.display()
        );
    }
}

#[test]
fn every_source_file_opens_by_saying_what_it_is() {
    for path in sources(&root().join("crates")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with //! and what it is", path.display());
        let name = name(&path);
        let vague = ["mod.rs", "util.rs", "utils.rs", "common.rs", "helpers.rs", "misc.rs"];
        assert!(!vague.contains(&name.as_str()), "{} has a name that says nothing", path.display());
    }
}

#[test]
fn every_protocol_detector_and_output_is_listed() {
    for (folder, kind) in [("wire", "Protocol"), ("detect", "Detector"), ("render", "Output")] {
        let source = root().join("crates").join(folder).join("src");
        let list = all(&fs::read_to_string(source.join("lib.rs")).unwrap());
        for path in sources(&source) {
            let text = fs::read_to_string(&path).unwrap();
            for implementor in implementors(&text, kind) {
                assert!(
                    list.iter().any(|listed| listed == &implementor),
                    "add {implementor} of {} to ALL in crates/{folder}/src/lib.rs",
                    path.display(),
                );
            }
        }
    }
}

/// The types named in `ALL`, without their modules.
fn all(text: &str) -> Vec<String> {
    let from = text.find("const ALL").or_else(|| text.find("static ALL")).expect("lib.rs has a list ALL");
    let list = &text[from..from + text[from..].find(';').unwrap()];
    list.split(|c: char| !c.is_alphanumeric() && c != '_').map(ToOwned::to_owned).collect()
}

/// The types for which `text` implements the trait `kind`, tests left out.
fn implementors(text: &str, kind: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let pattern = format!("impl {kind} for ");
    code.lines()
        .filter_map(|line| line.strip_prefix(&pattern))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

fn dependencies(manifest: &toml::Table) -> Vec<String> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .flat_map(|table| table.keys())
        .filter(|name| name.starts_with("creance"))
        .cloned()
        .collect()
}

fn members() -> Vec<String> {
    let manifest = manifest(".");
    let members = manifest["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

fn manifest(member: &str) -> toml::Table {
    fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// Every `.rs` file in a `src` folder at or below `folder`, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.components().any(|part| part.as_os_str() == "src")
        {
            found.push(path);
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
