#!/usr/bin/env python3
"""Makes time-zones.tsv from an installed tzdata (public domain): python3 time-zones.py /usr/share/zoneinfo > time-zones.tsv

Each row: a zone's name, and the countries that keep it: the one that zone.tab gives it to, then those that zone1970.tab
names besides. Other names of a zone (links) have the countries of what they point to."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
rows = lambda name: (line.split("\t") for line in (folder / name).read_text().splitlines() if line[:1] not in "#")
own = {row[2]: row[0] for row in rows("zone.tab")}
shared = {row[2]: row[0].split(",") for row in rows("zone1970.tab")}
links = {}
for line in (folder / "tzdata.zi").read_text().splitlines():
    if line.startswith("L "):
        _, target, name = line.split()
        links[name] = target
    if line.startswith("# version"):
        version = line.split()[-1]


def countries(name):
    first = [own[name]] if name in own else []
    if not first and name in links:
        return countries(links[name])
    return first + [code for code in shared.get(name, []) if code not in first]


print(f"# tzdata {version}, public domain; made by time-zones.py")
for name in sorted(own.keys() | links.keys()):
    found = countries(name)
    if found:
        print(f"{name}\t{' '.join(found)}")
