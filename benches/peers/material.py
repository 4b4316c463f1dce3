"""What every peer is given of a capture: all that its clients say, decrypted, as files, with destination and packets of each.

Bodies come from `creance extract --all` (decrypted with the same keys, content encodings undone, uploads joined); heads
(request lines, headers, topics, names of users, commands of mail) from tshark, since scanners read no packets. Answers
of servers are left out: nothing in them left.
"""
import base64
import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_plus

from corpus import Labelled


@dataclass
class Source:
    """Where a file of the material was in the capture."""
    ip: str | None
    host: str | None
    port: int | None
    packets: list[int]


@dataclass
class Material:
    """The files of one capture, in a folder of their own, by name."""
    of: Labelled
    folder: Path
    sources: dict[str, Source] = field(default_factory=dict)
    tshark: list[dict] = field(default_factory=list)

    def texts(self):
        """Each file as text: as it is, or of binary ones the printable runs, as strings(1) shows them."""
        for name, source in self.sources.items():
            yield name, source, text((self.folder / name).read_bytes()[:LARGEST])


LARGEST = 2_000_000

# Fields of tshark that hold what clients say.
FIELDS = """frame.number ip.dst ipv6.dst tcp.dstport udp.dstport http.request.method http.request.uri http.request.full_uri http.host
http.request.line http.content_type http.file_data http.authbasic http2.headers.method http2.headers.authority http2.header.name
http2.header.value http2.data.data http2.body.reassembled.data json.member_with_value json.path_with_value urlencoded-form.key
urlencoded-form.value mqtt.clientid mqtt.username mqtt.passwd mqtt.topic mqtt.msg mqtt.msg_text websocket.payload.text smtp.req.parameter
smtp.auth.username smtp.auth.password smtp.auth.username_password dns.qry.name xml.cdata tcp.payload""".split()

# Servers have the lower port, or nearly always.
SAYS = ("(tcp.dstport < tcp.srcport and (http.request or http2 or mqtt or smtp or websocket or (tcp.dstport in {25, 587} and tcp.len > 0))) "
        "or (udp.dstport < udp.srcport and (dns or http3 or http.request))")


def make(labelled: Labelled, folder: Path, creance: str) -> Material:
    """Makes the material of a capture anew."""
    shutil.rmtree(folder, ignore_errors=True)
    keys = ["--keys", str(labelled.keys)] if labelled.keys else []
    extracted = folder.with_name(folder.name + ".extract")
    shutil.rmtree(extracted, ignore_errors=True)
    done = subprocess.run([creance, "extract", str(labelled.capture), *keys, "--all", "--reveal", "-q", "-o", str(extracted)],
                          stdout=subprocess.DEVNULL)
    if done.returncode not in (0, 4):
        raise SystemExit(f"creance extract {labelled.capture}: {done.returncode}")
    folder.mkdir(parents=True)
    made = Material(labelled, folder)
    for line in (extracted / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["direction"] == "inbound" or row["kind"] in ("response", "server"):
            continue
        shutil.copy(extracted / row["file"], folder / row["file"])
        to = row["destination"]
        made.sources[row["file"]] = Source(to["ip"], row["fields"].get("host"), to["port"], row["packets"])
    shutil.rmtree(extracted)
    made.tshark = _tshark(labelled)
    for layers in made.tshark:
        lines = _head(layers)
        if lines:
            name = f"head-{one(layers, 'frame.number'):0>6}.txt"
            (folder / name).write_text("\n".join(lines) + "\n")
            made.sources[name] = source(layers)
    return made


def one(layers: dict, *names: str) -> str | None:
    """The innermost of the first of these fields that is there."""
    return next((layers[name][-1] for name in names if layers.get(name)), None)


def source(layers: dict) -> Source:
    """Destination and packet of what tshark shows."""
    port = one(layers, "tcp.dstport", "udp.dstport")
    host = one(layers, "http.host", "http2.headers.authority")
    return Source(one(layers, "ip.dst", "ipv6.dst"), host, int(port) if port else None, [int(one(layers, "frame.number"))])


def _tshark(labelled: Labelled) -> list[dict]:
    if labelled.capture.suffix == ".har":
        return []
    command = ["tshark", "-n", "-r", str(labelled.capture), "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", SAYS, "-T", "json"]
    if labelled.keys:
        command += ["-o", f"tls.keylog_file:{labelled.keys}"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    told = done.stdout
    if not told and "neither a field nor" in done.stderr:
        raise SystemExit(done.stderr)
    return [packet["_source"]["layers"] for packet in json.loads(told or "[]")]


def _head(layers: dict) -> list[str]:
    """What a message says beside its body, a line each, with percent signs and Basic authentication undone as well."""
    lines = []
    if one(layers, "http.request.method"):
        lines.append(f"{one(layers, 'http.request.method')} {one(layers, 'http.request.uri') or ''}")
    lines += [line.strip() for line in layers.get("http.request.line", [])]
    if one(layers, "http2.headers.method"):
        lines += map(": ".join, zip(layers.get("http2.header.name", []), layers.get("http2.header.value", [])))
    lines += [unquote_plus(line) for line in lines if "%" in line]
    lines += [f"Authorization: {pair}" for pair in layers.get("http.authbasic", [])]
    lines += [f"Authorization: {base64.b64decode(pair).decode(errors='replace')}"
              for line in lines for pair in re.findall(r"(?i)^authorization: basic ([\w+/]+=*)$", line) if len(pair) % 4 == 0]
    for name, label in (("mqtt.clientid", "client id"), ("mqtt.username", "username"), ("mqtt.passwd", "password"), ("mqtt.topic", "topic"),
                        ("smtp.auth.username", "username"), ("smtp.auth.password", "password"), ("smtp.auth.username_password", "login"),
                        ("dns.qry.name", "query")):
        lines += [f"{label}: {value}" for value in layers.get(name, [])]
    # Multipart bodies, of which `extract` writes the files alone, and mail.
    if "multipart" in (one(layers, "http.content_type") or "") or "multipart" in " ".join(layers.get("http2.header.value", [])):
        lines += layers.get("http.file_data", [])
    if one(layers, "tcp.dstport") in ("25", "587"):
        lines += [text(bytes.fromhex(payload.replace(":", ""))) for payload in layers.get("tcp.payload", [])]
    for payload in [*layers.get("http2.data.data", []), *layers.get("http2.body.reassembled.data", [])]:
        content = bytes.fromhex(payload.replace(":", ""))
        if b"Content-Disposition: form-data" in content:
            lines.append(text(content))
    return [line for line in lines if line.strip()]


def text(content: bytes) -> str:
    """Text as it is, of anything else the printable runs."""
    try:
        decoded = content.decode()
        if decoded.isprintable() or sum(c.isprintable() or c in "\r\n\t" for c in decoded) > 0.95 * len(decoded):
            return decoded
    except UnicodeDecodeError:
        pass
    return "\n".join(run.decode() for run in re.findall(rb"[\x20-\x7e]{6,}", content))
