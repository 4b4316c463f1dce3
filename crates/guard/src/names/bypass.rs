//! Names by which clients go round this resolver: canaries, relays, encrypted resolvers; and names that
//! mean something in this house alone. Data: `knowledge/resolvers.toml`.

use foldhash::{HashSet, HashSetExt};
use serde::Deserialize;

const TEXT: &str = include_str!("../../../../knowledge/resolvers.toml");

/// The names, each with all below it.
#[derive(Debug)]
pub(super) struct Bypasses(HashSet<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for people, and checked to be there")]
struct File {
    source: String,
    date: String,
    bypass: Vec<Bypass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for people, and checked to be there")]
struct Bypass {
    what: String,
    by: String,
    names: Vec<String>,
}

impl Bypasses {
    /// Those that are bundled.
    pub(super) fn bundled() -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(TEXT)?;
        let mut names = HashSet::new();
        names.extend(file.bypass.into_iter().flat_map(|one| one.names));
        Ok(Self(names))
    }

    /// Whether a name, in lower case, is one of them or below one.
    pub(super) fn has(&self, name: &str) -> bool {
        std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, above)| above))
            .any(|name| self.0.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_relays_and_resolvers_are_known_and_nothing_else() {
        let all = Bypasses::bundled().unwrap();
        for name in [
            "use-application-dns.net",
            "mask.icloud.com",
            "dns.google",
            "x.cloudflare-dns.com",
            "_dns.resolver.arpa",
            "nas.local",
            "1.0.0.10.in-addr.arpa",
        ] {
            assert!(all.has(name), "{name}");
        }
        for name in ["icloud.com", "google", "google.com", "xdns.google.example", "example"] {
            assert!(!all.has(name), "{name}");
        }
        assert!(all.0.iter().all(|name| *name == name.to_lowercase()));
    }
}
