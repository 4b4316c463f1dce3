"""Labelled captures below a folder: `truth.json` beside `capture*.pcapng`, or `labels/NAME.json` below the capture NAME."""
import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Labelled:
    """One capture and its truth, with what an examiner has beside it."""
    name: str
    capture: Path
    truth: Path
    keys: Path | None

    def beside(self, name: str) -> Path | None:
        path = self.truth.with_name(name)
        return path if self.truth.name == "truth.json" and path.exists() else None


def labelled(folder: Path) -> list[Labelled]:
    """All of them, in the order of their names."""
    found = []
    for truth in sorted(folder.rglob("truth.json")):
        for capture in sorted(truth.parent.glob("capture*.pcapng")):
            keys = truth.with_name("capture.keys")
            name = "-".join([*truth.parent.relative_to(folder).parts, capture.stem]).lstrip("-")
            found.append(Labelled(name, capture, truth, keys if keys.exists() else None))
    for truth in sorted(folder.glob("labels/*.json")):
        capture = folder / truth.stem
        keys = folder / (truth.stem + ".keys")
        found.append(Labelled(truth.stem, capture, truth, keys if keys.exists() else None))
    return found


def clients(capture: Path) -> list[str]:
    """Private addresses that open connections and that nobody opens one to: what an examiner would call ours. None of a recording."""
    if capture.suffix == ".har":
        return []
    command = ["tshark", "-n", "-r", str(capture), "-Y", "tcp.flags.syn == 1 and tcp.flags.ack == 0", "-T", "fields", "-E", "occurrence=l"]
    for name in ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst"):
        command += ["-e", name]
    sources, destinations = set(), set()
    for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines():
        ip4_from, ip6_from, ip4_to, ip6_to = line.split("\t")
        sources.add(ipaddress.ip_address(ip4_from or ip6_from))
        destinations.add(ipaddress.ip_address(ip4_to or ip6_to))
    return sorted(str(address) for address in sources - destinations if address.is_private and not address.is_loopback)
