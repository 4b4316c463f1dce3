//! Flows of the shared captures beside what tshark counted: informative, only panics and lost flows fail.
#![expect(clippy::print_stdout, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use creance_capture::{Capture, Options as CaptureOptions};
use creance_flow::{Assembler, Chunk, Gap, Handler, Options, Totals};
use creance_model::{Flow, Transport};

#[derive(Default)]
struct Count {
    open: i64,
    tcp: u64,
    udp: u64,
    bytes: u64,
    lost: u64,
    conflicts: u64,
}

impl Handler for Count {
    type State = [u64; 4];

    fn open(&mut self, flow: &Flow) -> Self::State {
        self.open += 1;
        match flow.transport {
            Transport::Tcp => self.tcp += 1,
            Transport::Udp => self.udp += 1,
            Transport::Other(_) | Transport::Wifi | Transport::Bluetooth => {}
        }
        [0; 4]
    }

    fn data(&mut self, _: &Flow, [client, server, ..]: &mut Self::State, chunk: &Chunk<'_>) {
        *if chunk.from.index() == 0 { client } else { server } += chunk.bytes.len() as u64;
    }

    fn gap(&mut self, _: &Flow, [.., client, server]: &mut Self::State, gap: &Gap) {
        *if gap.from.index() == 0 { client } else { server } += gap.bytes;
    }

    fn close(&mut self, flow: &Flow, [a, b, c, d]: Self::State, totals: &Totals) {
        self.open -= 1;
        assert_eq!(totals.bytes, [a, b], "what was handed over is what is summed");
        if flow.transport == Transport::Tcp {
            assert_eq!(totals.lost, [c, d], "gaps are what is lost");
        }
        self.bytes += a + b;
        self.lost += totals.lost.iter().sum::<u64>();
        self.conflicts += totals.conflicts;
    }
}

#[test]
fn shared_captures_give_the_flows_that_tshark_counts() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures"));
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let oracle = fs::read(folder.join("oracle").join(format!("{name}.json")));
        let Ok(mut capture) = Capture::open(std::slice::from_ref(&path), &CaptureOptions::default()) else {
            continue;
        };
        // Silence ends no flow for tshark.
        let options = Options { tcp_idle: i64::MAX, udp_idle: i64::MAX, ..Options::default() };
        let mut assembler = Assembler::new(Count::default(), options);
        while let Some(packet) = capture.next_packet() {
            assembler.packet(&packet);
        }
        let (count, _) = assembler.finish();
        assert_eq!(count.open, 0, "{name}: every flow that opens closes");
        let Some(oracle) =
            oracle.ok().and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok())
        else {
            continue;
        };
        let theirs = |key: &str| oracle.get(key).and_then(serde_json::Value::as_u64).unwrap_or_default();
        let (tcp, udp) = (theirs("tcp_streams"), theirs("udp_streams"));
        let differs = (tcp, udp) != (count.tcp, count.udp);
        if differs || count.lost + count.conflicts > 0 {
            let mark = if differs { "differs" } else { "same" };
            println!(
                "{name}: {mark}: tcp {} of {tcp}, udp {} of {udp}; {} bytes, {} lost, {} conflicts",
                count.tcp, count.udp, count.bytes, count.lost, count.conflicts
            );
        }
    }
}
