//! The same ways past something else that stands in the gateway's place, for comparison.

use std::{path::Path, process::Command, thread, time::Duration};

use anyhow::Context;

use super::{Lab, SETTLE, command, name};
use crate::frames::ways;

/// Longer than a program needs to begin to serve.
const BEGIN: Duration = Duration::from_secs(1);

/// What makes the kernel track connections.
const TRACKED: &str = "table inet tracked {
chain forward {
type filter hook forward priority -1
ct state new accept
}
}";

/// A way, and frames seen outside.
#[derive(Clone, Debug)]
pub struct Passed {
    /// What was tried.
    pub name: &'static str,
    /// While the script's rules and programs are in force.
    pub in_force: usize,
    /// After its programs were killed.
    pub killed: usize,
    /// After nftables was emptied.
    pub emptied: usize,
}

/// Runs a script by `sh` in the gateway, which forwards and knows nothing of a guard, and tries all ways. It finds clients at
/// `lan0` and the outside at `wan0`; what it starts is ended.
pub fn against(script: &Path) -> anyhow::Result<Vec<Passed>> {
    // None is started.
    let mut lab = Lab::new(Path::new("creance-guard"))?;
    let ways = ways();
    // A gateway tracks connections, for it translates addresses; some are open when the block begins.
    Lab::inside("gateway", &["nft", TRACKED])?;
    lab.send(&ways)?;
    thread::sleep(SETTLE);
    Lab::speak_from_outside()?;
    let script = script.to_str().context("the script's name is not Unicode")?;
    // What it started before it failed is ended as well.
    let begun = Lab::inside("gateway", &["sh", script]);
    if begun.is_err() {
        end_all()?;
    }
    begun?;
    thread::sleep(BEGIN);
    let each = |lab: &mut Lab| -> anyhow::Result<Vec<usize>> {
        ways.iter().map(|way| lab.seen_of(|lab| lab.send(std::slice::from_ref(way)))).collect()
    };
    let in_force = each(&mut lab);
    let left = end_all();
    thread::sleep(SETTLE);
    let killed = each(&mut lab)?;
    Lab::inside("gateway", &["nft", "flush", "ruleset"])?;
    let emptied = each(&mut lab)?;
    left?;
    let rows = ways.iter().zip(in_force?).zip(killed.into_iter().zip(emptied));
    Ok(rows
        .map(|((way, in_force), (killed, emptied))| Passed { name: way.name, in_force, killed, emptied })
        .collect())
}

/// Ends what runs in the gateway's namespace.
fn end_all() -> anyhow::Result<()> {
    let said = Command::new("ip").args(["netns", "pids", &name("gateway")]).output()?;
    for id in String::from_utf8_lossy(&said.stdout).split_whitespace() {
        // It may have ended by itself.
        let _ = command(&["kill", "-9", id]);
    }
    Ok(())
}
