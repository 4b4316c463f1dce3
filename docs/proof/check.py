#!/usr/bin/env python3
"""Checks a bundle of docs/proof/SPEC.md without creance: Python's standard library, and `cryptography` for TLS.

check.py BUNDLE [--finding ID] [--value VALUE] [--file FILE] [--show]     exit code 0: proved, 1: refused
"""
import argparse, base64, hashlib, ipaddress, json, pathlib, re, struct, sys, urllib.parse, zipfile, zlib

class Refused(Exception): pass
def sha256(data): return hashlib.sha256(data).hexdigest()
def need(true, why):
    if not true: raise Refused(why)

# Files
def load(path):
    if path.is_dir(): files = {file.name: file.read_bytes() for file in path.iterdir()}
    else:
        archive = zipfile.ZipFile(path)
        files = {name: archive.read(name) for name in archive.namelist()}
    document, told = files.pop("bundle.json"), files.pop("bundle.sha256")
    need(told == f"{sha256(document)}  bundle.json\n".encode(), "bundle.json: not what bundle.sha256 says")
    bundle = json.loads(document)
    need(bundle["schema"] == "creance.proof/1", "bundle.json: another schema")
    need(sorted(files) == sorted(file["path"] for file in bundle["files"]), "not the files that bundle.json names")
    for file in bundle["files"]:
        data = files[file["path"]]
        need((len(data), sha256(data)) == (file["bytes"], file["sha256"]), f"{file['path']}: not what bundle.json says")
    return bundle, files, sha256(document)

# Packets
def frames(pcap, numbers):
    magic, link = struct.unpack_from("<I16xI", pcap)
    at, found = 24, []
    while at < len(pcap):
        start, at = at + 16, at + 16 + struct.unpack_from("<I", pcap, at + 8)[0]
        found.append(segment(link, pcap[start:at]))
    whole = magic == 0xA1B23C4D and at == len(pcap) and len(found) == len(numbers) and numbers == sorted(set(numbers))
    need(whole, "packets.pcap: no pcap of nanoseconds, or cut, or not a number for each packet")
    return [(number, *one) for number, one in zip(numbers, found) if one]
def segment(link, f):
    """Transport, from, to, sequence number, SYN, payload; None for what is no packet of a flow."""
    try:
        at = {1: 14, 101: 0, 0: 4, 113: 16, 276: 20}[link]
        while link == 1 and f[at - 2:at] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"): at += 4
        if link == 1 and f[at - 2:at] not in (b"\x08\x00", b"\x86\xdd"): return None
        p = f[at:]
        if p[0] >> 4 == 4:
            total, fragment = struct.unpack_from(">HxxH", p, 2)
            if fragment & 0x3FFF: return None
            kind, a, b, p = p[9], p[12:16], p[16:20], p[(p[0] & 15) * 4:total or None]
        elif p[0] >> 4 == 6:
            length, kind, at = *struct.unpack_from(">HB", p, 4), 40
            while kind in (0, 43, 60): kind, at = p[at], at + 8 + 8 * p[at + 1]
            a, b, p = p[8:24], p[24:40], p[at:40 + length if length else None]
        else: return None
        source, target = struct.unpack_from(">HH", p)
        ends = (ipaddress.ip_address(a), source), (ipaddress.ip_address(b), target)
        if kind == 17: return "udp", *ends, 0, 0, p[8:max(8, struct.unpack_from(">H", p, 4)[0])]
        if kind == 6: return "tcp", *ends, struct.unpack_from(">I", p, 4)[0], p[13] >> 1 & 1, p[(p[12] >> 4) * 4:]
    except (IndexError, KeyError, struct.error): return None
def stream(packets, a, b):
    base, pieces, out = None, [], b""
    for *_, sequence, syn, payload in (packet for packet in packets if packet[2:4] == (a, b)):
        base = sequence + 1 if syn else sequence if payload and base is None else base
        if payload: pieces.append(((sequence + syn - base + 2**31) % 2**32 - 2**31, payload))
    for place, payload in sorted(pieces, key=lambda piece: piece[0]):
        if place > len(out): break
        out += payload[len(out) - place:]
    return out

# TLS 1.3
def expand(hash, secret, label, length):
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
    return HKDFExpand(hash, length, struct.pack(">HB", length, 6 + len(label)) + b"tls13 " + label + b"\0").derive(secret)
def records(data):
    at = 0
    while at + 5 <= len(data) and (end := at + 5 + int.from_bytes(data[at + 3:at + 5], "big")) <= len(data):
        yield data[at:at + 5], data[at + 5:end]
        at = end
def tls(client, server, keys):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384
    header, hello = next(records(client), (b"\0", b""))
    answer = next((body for header, body in records(server) if header[0] == 22 and body[:1] == b"\x02"), None)
    need(header[0] == 22 and hello[:1] == b"\x01" and answer, "tls: a hello is missing")
    suites = {"1301": (AESGCM, 16, SHA256()), "1302": (AESGCM, 32, SHA384()), "1303": (ChaCha20Poly1305, 32, SHA256())}
    cipher, size, hash = suites[answer[39 + answer[38]:41 + answer[38]].hex()]
    lines = [line.split() for line in keys.decode().splitlines()]
    secret = next((s for label, r, s in lines if (label, r) == ("CLIENT_TRAFFIC_SECRET_0", hello[6:38].hex())), None)
    need(secret is not None, "tls: no secret of this connection in keys.log")
    secret, number, begun, out = bytes.fromhex(secret), 0, False, b""
    for header, body in (record for record in records(client) if record[0][0] == 23):
        nonce = int.from_bytes(expand(hash, secret, b"iv", 12), "big") ^ number
        try: plain = cipher(expand(hash, secret, b"key", size)).decrypt(nonce.to_bytes(12, "big"), body, header)
        except InvalidTag:
            need(not begun, "tls: a record does not open")
            continue
        plain, number, begun = plain.rstrip(b"\0"), number + 1, True
        if plain[-1:] == b"\x17": out += plain[:-1]
        elif plain[-1:] == b"\x16" and plain[:1] == b"\x18":
            secret, number = expand(hash, secret, b"traffic upd", hash.digest_size), 0
    return out

# Steps
def http1(data, wanted, what, name=None):
    while (end := data.find(b"\r\n\r\n")) >= 0:
        first, *lines = data[:end].split(b"\n")
        data, headers, body, size = data[end + 4:], {}, b"", 1
        for key, colon, value in (line.partition(b":") for line in lines):
            if colon: headers.setdefault(key.strip().lower().decode(), value.strip())
        if headers.get("transfer-encoding", b"").lower() == b"chunked":
            while size and (line := re.match(rb"\s*([0-9A-Fa-f]+)[^\r\n]*\r\n", data)):
                size = int(line[1], 16)
                body, data = body + data[line.end():line.end() + size], data[line.end() + size + 2:]
        else:
            length = int(headers.get("content-length", b"0"))
            body, data = data[:length], data[length:]
        if wanted == 0: return headers[name] if what == "header" else {"body": body, "uri": first.split(b" ")[1].strip()}[what]
        wanted -= 1
    raise Refused("http/1: no such request")
def http2(data, wanted):
    need(data.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "http/2: no preface")
    at, out = 24, b""
    while at + 9 <= len(data) and (end := at + 9 + int.from_bytes(data[at:at + 3], "big")) <= len(data):
        payload = data[at + 9:end]
        if data[at + 3] == 0 and int.from_bytes(data[at + 5:at + 9], "big") % 2**31 == wanted:
            out += payload[1:len(payload) - payload[0]] if data[at + 4] & 8 else payload
        at = end
    return out
def dns(message, at=12, labels=()):
    while message[at]:
        need(message[at] < 64, "dns: a name that is compressed")
        labels, at = (*labels, message[at + 1:at + 1 + message[at]]), at + 1 + message[at]
    return b".".join(labels)
def pointer(data, path):
    value = json.loads(data, parse_int=str, parse_float=str)
    for key in path.split("/")[1:]:
        value = value[int(key) if isinstance(value, list) else key.replace("~1", "/").replace("~0", "~")]
    need(isinstance(value, str), "json: no string and no number")
    return value.encode()
def form(data, name):
    fields = (field.partition(b"=") for field in data.partition(b"?")[2 * (b"?" in data)].split(b"&"))
    decoded = [[urllib.parse.unquote_to_bytes(part.replace(b"+", b" ")) for part in (key, value)] for key, e, value in fields if e]
    return next(value for key, value in decoded if key == name.encode())
def inflate(data, bits, out=b""):
    while data:
        one = zlib.decompressobj(bits)
        out, data = out + one.decompress(data), one.unused_data if bits == 31 else b""
        need(one.eof, "compressed data that is cut")
    return out
def padded(data, to): return (data := re.sub(rb"[\s=]", b"", data)) + b"=" * (-len(data) % to)
STEPS = {
    "http/1": http1, "http/2": http2, "dns": dns, "json": pointer, "form": form, "percent": urllib.parse.unquote_to_bytes,
    "gzip": lambda d: inflate(d, 31), "zlib": lambda d: inflate(d, 15), "deflate": lambda d: inflate(d, -15),
    "base64": lambda d: base64.b64decode(padded(d, 4).translate(bytes.maketrans(b"-_", b"+/")), validate=True),
    "base32": lambda d: base64.b32decode(padded(d, 8), casefold=True), "hex": lambda d: bytes.fromhex(d.decode()),
    "labels": lambda d, a, b: b"".join(d.split(b".")[a:b]), "range": lambda d, a, b: d[a:b] if b <= len(d) else None,
}
def replay(claim, packets, keys):
    flow = claim["flow"]
    a, b = ((ipaddress.ip_address(flow[end]), flow[end + "_port"]) for end in ("from", "to"))
    mine = [p for p in packets if p[1] == flow["transport"] and flow["first"] <= p[0] <= flow["last"] and {p[2], p[3]} == {a, b}]
    tcp = flow["transport"] == "tcp"
    data = stream(mine, a, b) if tcp else next(p[6] for p in mine if p[0] == flow["last"] and p[2] == a)
    for step, *rest in claim["steps"]:
        data = tls(data, stream(mine, b, a), keys) if step == "tls" else STEPS[step](data, *rest)
    need((len(data), sha256(bytes.fromhex(claim["salt"]) + data)) == (claim["bytes"], claim["sha256"]), "not what is committed to")
    need(claim.get("value", "").encode() in (b"", data), "not the value that is told")
    return data
def check(finding, packets, keys, options):
    pieces = [(claim.get("offset", 0), replay(claim, packets, keys)) for claim in finding["claims"]]
    flow, value, file = finding["claims"][0]["flow"], pieces[0][1], finding.get("file")
    print(f"{finding['id']} ({finding['spelling']}): {flow['from']} sent to {flow['to']} port {flow['to_port']} what is committed to")
    if file is None:
        need(options.value in (None, value.decode("utf-8", "replace")), "the value is not the one given")
        same = "  no value to compare with was given (--value)" if options.value is None else "  and that is the value given"
        return print(same, ascii(value) if options.show else "")
    known = pathlib.Path(options.file).read_bytes() if options.file else None
    whole, covered = bytearray(known or bytes(file["bytes"])), bytearray(file["bytes"])
    for at, piece in pieces:
        need(known is None or known[at:at + len(piece)] == piece, "no piece of the file")
        whole[at:at + len(piece)], covered[at:at + len(piece)] = piece, b"\1" * len(piece)
    need(known or all(covered), f"{sum(covered)} of {len(covered)} bytes of a file: the file itself is needed (--file)")
    need(len(whole) == file["bytes"] and sha256(whole) == file["sha256"], "not the file that is told")
    print(f"  {sum(covered)} of {len(covered)} bytes, in {len(pieces)} pieces, of the file of SHA-256 {file['sha256']}")
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=pathlib.Path)
    for name in ("--finding", "--value", "--file"): parser.add_argument(name)
    parser.add_argument("--show", action="store_true", help="print the value")
    options = parser.parse_args()
    try:
        bundle, files, own = load(options.bundle)
        packets = frames(files["packets.pcap"], bundle["numbers"])
        wanted = [finding for finding in bundle["findings"] if options.finding in (None, finding["id"])]
        need(wanted, "no such finding")
        for finding in wanted: check(finding, packets, files.get("keys.log", b""), options)
        print(f"proved: bundle {own}, of captures {', '.join(bundle['captures'])}")
    except Exception as why:  # whatever is wrong with a bundle, it proves nothing
        sys.exit(print(f"refused: {why if isinstance(why, Refused) else repr(why)}") or 1)
