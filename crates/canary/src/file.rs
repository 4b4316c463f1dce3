//! The canary file that is written: with every value, what it is to be and how much chance is in it.

use std::fmt::Write;

use data_encoding::HEXLOWER;

use crate::{Made, MadeValue};

pub(crate) fn text(made: &Made, seed: Option<u64>) -> String {
    let mut text = format!(
        "# Canaries of one run, made by creance {}. Plant them: creance canary plant THIS DIR. Look for them:\n\
         # creance canary find THIS INPUT, or creance audit --canaries THIS. Use them for no other run.\n",
        env!("CARGO_PKG_VERSION"),
    );
    // Writing to a string does not fail.
    if let Some(seed) = seed {
        let _ = writeln!(
            text,
            "# Made from the seed {seed}: whoever knows it knows them. Not for a run that is to prove something."
        );
    }
    let _ = writeln!(text, "run = {}", quoted(&made.run));
    for one in &made.values {
        value(one, &mut text);
    }
    for picture in &made.pictures {
        let _ = write!(
            text,
            "\n# A picture: its pixels are of this run alone; place and serial number in it are those above.\n\
             [[picture]]\nfile = {}\nbytes = {}\nsha256 = \"{}\"\nsha1 = \"{}\"\nmd5 = \"{}\"\n",
            quoted(&picture.file),
            picture.bytes,
            HEXLOWER.encode(&picture.sha256),
            HEXLOWER.encode(&picture.sha1),
            HEXLOWER.encode(&picture.md5),
        );
    }
    text
}

fn value(one: &MadeValue, text: &mut String) {
    let decoy = if one.decoy { "decoy: plant it nowhere. " } else { "" };
    let few = if one.bits < crate::ENOUGH { ", too few to prove anything alone" } else { "" };
    let _ = write!(
        text,
        "\n# {decoy}{}: {} bits{few}\n[[canary]]\nclass = \"{}\"\nvalue = {}\n",
        one.what,
        one.bits,
        one.class,
        quoted(&one.value),
    );
    if one.decoy {
        text.push_str("decoy = true\n");
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
