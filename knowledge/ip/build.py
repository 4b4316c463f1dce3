#!/usr/bin/env python3
"""Makes countries.bin.zst and asn.bin.zst from downloaded packages. Python's standard library and the `zstd` program.

The packages, by name, with the ordinary clients (nothing here opens a connection):

    mkdir packages && cd packages
    npm pack @ip-location-db/geo-whois-asn-country @ip-location-db/dbip-country @ip-location-db/asn
    apt-get download tor-geoipdb            # or from any Debian mirror
    cd .. && python3 knowledge/ip/build.py packages knowledge/ip

Equal packages give equal bytes. Licences and known faults of each: knowledge/SOURCES.toml.

The layout, all of it one zstd frame:

    magic    8 bytes  "creance" and the version, 1
    kind     u8       1 countries, 2 autonomous systems
    entries  LEB128   how many values there are; the ranges name them by number
             kind 1: per value 3 country codes of 2 ASCII bytes each (tor-geoip, whois, dbip); two zero bytes: no answer
             kind 2: per value the AS number (LEB128; 0: none), the length of the holder's name (LEB128), the name (UTF-8)
    IPv4, then IPv6 (the upper 64 bits of the address), each as:
    ranges   LEB128   how many; each begins where the one before ends; the first begins at address 0
    shifts   u8 ...   per range: how many zero bits end the distance to the start of the range before
    odds     LEB128   per range: that distance without those bits, 0 for the first range
    values   LEB128   per range: the number of its value

Distances are nearly always powers of two, so `shifts` and `odds` pack far better than the starts themselves.
"""

import csv
import io
import ipaddress
import pathlib
import subprocess
import sys
import tarfile

MAGIC = b"creance\x01"
# Not countries: unknown, "Europe", "Asia/Pacific", anonymous proxies, satellites, Tor.
NO_COUNTRY = {"ZZ", "XX", "EU", "AP", "A1", "A2", "A3", "T1"}


def leb128(number):
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def country(text):
    ok = len(text) == 2 and text.isascii() and text.isalpha() and text.isupper() and text not in NO_COUNTRY
    return text if ok else None


def from_tarball(folder, package, member):
    found = sorted(folder.glob(f"ip-location-db-{package}-[0-9]*.tgz"))
    if not found:
        sys.exit(f"no {package} package in {folder}")
    with tarfile.open(found[-1]) as tar:
        return io.TextIOWrapper(tar.extractfile(f"package/{member}"), encoding="utf-8").read()


def from_deb(folder, member):
    found = sorted(folder.glob("tor-geoipdb_*.deb"))
    if not found:
        sys.exit(f"no tor-geoipdb package in {folder}")
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(found[-1])], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.extractfile(member).read().decode("ascii")


def address(text):
    return int(text) if text.isdigit() else int(ipaddress.ip_address(text))


def rows(text, version, value):
    """(first, last, value) of a CSV; IPv6 cut to its upper half; ranges narrower than a /64 are left out."""
    for row in csv.reader(line for line in text.splitlines() if line and not line.startswith("#")):
        first, last = address(row[0]), address(row[1])
        if version == 6:
            if last - first + 1 < 1 << 64:
                continue
            first, last = first >> 64, last >> 64
        yield first, last, value(row)


def starts(ranges, end):
    """Ranges as a list of (start, value) that covers the whole space, gaps as None."""
    out, free = [(0, None)], 0
    for first, last, value in sorted(ranges, key=lambda range: (range[0], -range[1])):
        if first > free:
            out.append((free, None))
        if last >= free:
            out.append((max(first, free), value))
            free = last + 1
    if free < end:
        out.append((free, None))
    return merged(out)


def merged(pairs):
    out = []
    for start, value in pairs:
        if out and out[-1][0] == start:
            out.pop()
        if not out or out[-1][1] != value:
            out.append((start, value))
    return out


def joined(tables):
    """Several tables as one whose values are tuples."""
    events = sorted({start for table in tables for start, _ in table})
    at, now, out = [0] * len(tables), [None] * len(tables), []
    for start in events:
        for number, table in enumerate(tables):
            while at[number] < len(table) and table[at[number]][0] <= start:
                now[number] = table[at[number]][1]
                at[number] += 1
        out.append((start, tuple(now)))
    return merged(out)


def column(table, number_of):
    shifts, odds, values, before = bytearray(), bytearray(), bytearray(), 0
    for start, value in table:
        distance, shift = start - before, 0
        if distance:
            shift = (distance & -distance).bit_length() - 1
        shifts.append(shift)
        odds += leb128(distance >> shift)
        values += leb128(number_of[value])
        before = start
    return leb128(len(table)) + bytes(shifts) + bytes(odds) + bytes(values)


def write(path, kind, four, six, encode):
    # Most frequent first: small numbers pack best. Ties by value, so that the order is always the same.
    count = {}
    for _, value in four + six:
        count[value] = count.get(value, 0) + 1
    order = sorted(count, key=lambda value: (-count[value], repr(value)))
    number_of = {value: number for number, value in enumerate(order)}
    body = MAGIC + bytes([kind]) + leb128(len(order)) + b"".join(map(encode, order))
    body += column(four, number_of) + column(six, number_of)
    packed = subprocess.run(["zstd", "--ultra", "-22", "-c", "-q"], input=body, check=True, capture_output=True).stdout
    path.write_bytes(packed)
    print(f"{path}: {len(four)} + {len(six)} ranges, {len(order)} values, {len(body)} bytes, packed {len(packed)}")


def main():
    folder, target = map(pathlib.Path, sys.argv[1:3])
    tables = {}
    for version, end in ((4, 1 << 32), (6, 1 << 64)):
        tor = from_deb(folder, "./usr/share/tor/geoip" + ("6" if version == 6 else ""))
        whois = from_tarball(folder, "geo-whois-asn-country", f"geo-whois-asn-country-ipv{version}-num.csv")
        dbip = from_tarball(folder, "dbip-country", f"dbip-country-ipv{version}-num.csv")
        tables[version] = joined(
            [starts(rows(text, version, lambda row: country(row[2])), end) for text in (tor, whois, dbip)]
        )
    write(
        target / "countries.bin.zst", 1, tables[4], tables[6],
        lambda triple: b"".join((code or "\0\0").encode() for code in triple),
    )
    names = {}
    for version, end in ((4, 1 << 32), (6, 1 << 64)):
        text = from_tarball(folder, "asn", f"asn-ipv{version}-num.csv")

        def holder(row):
            names.setdefault(int(row[2]), row[3].strip())
            return int(row[2]) or None

        tables[version] = starts(rows(text, version, holder), end)

    def encode(asn):
        name = names.get(asn, "").encode() if asn else b""
        return leb128(asn or 0) + leb128(len(name)) + name

    write(target / "asn.bin.zst", 2, tables[4], tables[6], encode)


main()
