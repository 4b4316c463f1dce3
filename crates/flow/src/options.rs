//! The bounds within which flows are followed. Leaves out those of fragments, which are fixed.

use crate::inside::IpNet;

/// Bounds, and what is known of our side.
#[derive(Clone, Debug)]
pub struct Options {
    /// Networks that are ours.
    pub inside: Vec<IpNet>,
    /// Flows followed at one time.
    pub max_flows: usize,
    /// Bytes that may wait for missing segments in one direction of a flow.
    pub max_buffered_per_flow: usize,
    /// Bytes that may wait in all flows.
    pub max_buffered: usize,
    /// Silence after which a TCP flow is over, in nanoseconds.
    pub tcp_idle: i64,
    /// Silence after which other flows are over, in nanoseconds.
    pub udp_idle: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inside: Vec::new(),
            max_flows: 200_000,
            max_buffered_per_flow: 4 << 20,
            max_buffered: 64 << 20,
            tcp_idle: 600 * 1_000_000_000,
            udp_idle: 120 * 1_000_000_000,
        }
    }
}
