//! The seal: the demonstration sends no packet to any interface, and live packets stay in a namespace of their own.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that is skipped says so"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    time::Instant,
};

const RANGE: &str = env!("CARGO_BIN_EXE_creance-range");
const TOOLS: [&str; 4] = ["unshare", "ip", "tcpdump", "bash"];

/// Whether namespaces and captures can be made here. Under CI they must be.
fn possible() -> bool {
    let there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    let sealed =
        Command::new("unshare").args(["--net", "ip", "link", "add", "way", "type", "bridge"]).output();
    let possible = TOOLS.iter().all(there) && sealed.is_ok_and(|done| done.status.success());
    assert!(possible || std::env::var("CI").as_deref() != Ok("true"), "needs root and {TOOLS:?}");
    if !possible {
        eprintln!("skipped: needs root and {TOOLS:?}");
    }
    possible
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a capture holds, a line for each packet, without times.
fn packets(capture: &Path, filter: &str) -> Vec<String> {
    let output = done(Command::new("tcpdump").args(["-nn", "-t", "-q", "-x", "-r"]).arg(capture).arg(filter));
    let text = String::from_utf8(output.stdout).unwrap();
    // Bytes stand in lines of their own that begin with a tab.
    let mut packets: Vec<String> = text.replace("\n\t", " ").lines().map(ToOwned::to_owned).collect();
    packets.sort();
    packets
}

/// As a newcomer would run it, beside an interface that leads everywhere: all that leaves there is one packet of ours,
/// which shows that others would be seen.
#[test]
fn the_demonstration_sends_nothing_and_opens_its_page() {
    if !possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let opener = folder.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$(dirname \"$0\")/opened\"\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!(
        "set -e; cd {0}
         ip link add wire type veth peer name away
         for link in lo wire away; do ip link set $link addrgenmode none; ip link set $link up; done
         ip addr add 192.0.2.1/24 dev wire; ip route add default via 192.0.2.2
         ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wire
         tcpdump -i any -Q out -n -U -w seen.pcap 2> told & eye=$!
         until grep -q listening told; do sleep 0.05; done
         {RANGE} demo -o demo
         echo seen > /dev/udp/192.0.2.2/9
         sleep 2; kill $eye; wait $eye || true",
        folder.path().display()
    );
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let begun = Instant::now();
    let mut command = Command::new("unshare");
    done(
        command
            .args(["--net", "bash", "-c", &script])
            .env("PATH", path)
            .env("DISPLAY", ":9")
            .env_remove("CI"),
    );
    assert!(begun.elapsed().as_secs() < 180, "{:?}", begun.elapsed());

    let seen = packets(&folder.path().join("seen.pcap"), "");
    assert!(seen.len() == 1 && seen[0].contains("192.0.2.2.9"), "{seen:?}");
    assert_eq!(fs::read_to_string(folder.path().join("opened")).unwrap(), "demo/index.html\n");
    assert!(fs::metadata(folder.path().join("demo/index.html")).unwrap().len() > 10_000);
}

/// The flight of a bundled scenario whose packets are neither lost nor overtaken.
fn calm(folder: &Path, scenario: &str) -> std::path::PathBuf {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}.toml"));
    let text =
        fs::read_to_string(bundled).unwrap().replace("lost = 4", "lost = 0").replace("late = 6", "late = 0");
    let path = folder.join("calm.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_tcpdump_sees_of_a_live_flight_is_its_capture() {
    if !possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [case, seen] = ["case", "seen.pcap"].map(|name| folder.path().join(name));
    let mut command = Command::new(RANGE);
    command.arg("run").arg(calm(folder.path(), "as-claimed")).arg("--live").arg("-o").arg(&case);
    let output = done(command.args(["--", "tcpdump", "-i", "tablet", "-U", "-w"]).arg(&seen));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("kept back"));
    // Aircraft and tablet talk beside it.
    let world = "not host 192.168.42.1";
    let (live, told) = (packets(&seen, world), packets(&case.join("capture.pcapng"), world));
    assert!(live.len() > 300, "{}", live.len());
    assert!(live == told, "{} on the device, {} in the capture", live.len(), told.len());
}

#[test]
fn what_a_firewall_keeps_back_is_in_no_truth() {
    if !possible() || Command::new("nft").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let rules = "nft add table bridge cut; \
        nft 'add chain bridge cut way { type filter hook forward priority 0; }'; \
        nft add rule bridge cut way ip daddr { 120.78.0.0/16, 121.40.0.0/16 } drop";
    let mut command = Command::new(RANGE);
    command.arg("run").arg(calm(folder.path(), "as-alleged")).arg("--live").arg("-o").arg(&case);
    let output = done(command.args(["--", "sh", "-c", rules]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("kept back"), "{output:?}");
    let truth: serde_json::Value =
        serde_json::from_slice(&fs::read(case.join("truth.json")).unwrap()).unwrap();
    let events = truth["events"].as_array().unwrap();
    let to = |country: &str| events.iter().filter(|event| event["country"] == country).count();
    assert!(to("CN") == 0 && to("HK") > 0, "{} {}", to("CN"), to("HK"));
}
