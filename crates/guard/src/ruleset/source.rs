//! Whether a packet of a connection that goes on came from where it says.

use super::OURS;
use crate::Config;

/// The rule that asks that of IPv6, where clients are on several interfaces and one could speak for another's. IPv4 has the
/// kernel's own filter (`rp_filter`); of a single interface there is nobody else.
pub(super) fn asked(config: &Config, lan: &str) -> String {
    if config.lan.len() < 2 {
        return String::new();
    }
    format!(
        "\t\tmeta nfproto ipv6 iifname {lan} ct mark and {OURS:#x} @begun fib saddr . iif oif missing counter name spoofed drop\n"
    )
}
