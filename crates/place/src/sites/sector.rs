//! Sectors of protected places, as registers call them and as they are called together (`knowledge/sectors.toml`).

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

const TEXT: &str = include_str!("../../../../knowledge/sectors.toml");

#[derive(Deserialize)]
struct Table {
    sector: Vec<Sector>,
}

#[derive(Deserialize)]
struct Sector {
    name: String,
    words: Vec<String>,
}

static SECTORS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    // A test reads the bundled table; one that cannot be read knows no word.
    let table = toml::from_str(TEXT).unwrap_or(Table { sector: Vec::new() });
    let each = table.sector.into_iter().flat_map(|sector| {
        let words: Vec<String> = sector.words.into_iter().chain([sector.name.to_lowercase()]).collect();
        words.into_iter().map(move |word| (word, sector.name.clone()))
    });
    each.collect()
});

/// The name of the sector that a register's word means; the word itself, where it is not known.
pub(super) fn named(word: &str) -> String {
    let plain = word.trim().to_lowercase().replace(['_', '-'], " ");
    let plain = plain.strip_suffix(" sector").unwrap_or(&plain);
    SECTORS.get(plain).cloned().unwrap_or_else(|| word.trim().to_owned())
}

/// Whether a sector is one of those names.
pub(super) fn is_known(sector: &str) -> bool {
    SECTORS.values().any(|known| known == sector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_seventeen_and_no_word_means_two() {
        let table: Table = toml::from_str(TEXT).unwrap();
        assert_eq!(table.sector.len(), 17);
        let words = table.sector.iter().map(|sector| sector.words.len() + 1).sum::<usize>();
        assert_eq!(SECTORS.len(), words, "a word stands twice");
        for sector in &table.sector {
            assert!(sector.words.iter().all(|word| *word == word.to_lowercase()), "{}", sector.name);
            assert_eq!(named(&sector.name), sector.name);
        }
    }

    #[test]
    fn words_of_registers_and_of_the_bulletin_are_known() {
        for (word, sector) in [
            ("ENRG", "Energy"),
            ("Hydro", "Energy"),
            ("railroad", "Transportation Systems"),
            ("Drinking Water", "Water and Wastewater Systems"),
            ("weapons storage", "Defense Industrial Base"),
            ("federal law enforcement", "Law Enforcement"),
            ("farming", "Food and Agriculture"),
            ("education", "Government Services and Facilities"),
            ("media", "Commercial Facilities"),
            ("Dams Sector", "Dams"),
            ("emergency_services", "Emergency Services"),
            (" lighthouse ", "lighthouse"),
        ] {
            assert_eq!(named(word), sector);
            assert_eq!(is_known(&named(word)), word != " lighthouse ");
        }
    }
}
