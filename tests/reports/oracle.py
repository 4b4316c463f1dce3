#!/usr/bin/env python3
"""Reports of a case, judged by what others made for their formats.

    oracle.py FOLDER       FOLDER is what `creance report CASE --format all` wrote; prints a line for each format, or fails

STIX: the validator of OASIS, strict, and the ids that its library gives to observables. KML: the schema of OGC, in fastkml.
GeoJSON: shapely. CSV and Zeek: Python's own readers.
"""

import csv
import json
import sys
from pathlib import Path

import shapely
import stix2
import stix2validator
from fastkml import kml
from fastkml.validator import validate

OBSERVABLES = {"ipv4-addr", "ipv6-addr", "domain-name", "autonomous-system", "network-traffic", "software"}


def stix(folder):
    bundle = json.loads((folder / "report.stix.json").read_text())
    # 272: protocols of drones have no name in the registry of IANA. 301: findings of several connections have no one port of ours.
    options = stix2validator.ValidationOptions(strict=True, version="2.1", disabled=["272", "301"])
    results = stix2validator.validate_instance(bundle, options)
    assert results.is_valid, [str(error) for error in results.errors]
    parsed = stix2.parse(bundle, allow_custom=False)
    assert len(parsed.objects) == len(bundle["objects"])
    checked = 0
    for one in bundle["objects"]:
        if one["type"] in OBSERVABLES:
            given = {key: value for key, value in one.items() if key != "id"}
            assert stix2.parse(given, version="2.1").id == one["id"], one
            checked += 1
    known = {one["id"] for one in bundle["objects"]}
    for one in bundle["objects"]:
        for key, value in one.items():
            refs = value if key.endswith("_refs") else [value] if key.endswith("_ref") else []
            assert set(refs) <= known, (one["id"], key)
    return f"{len(known)} objects, {checked} ids"


def maps(folder):
    assert validate(file_to_validate=folder / "report.kml")
    marks = [mark for document in kml.KML.parse(folder / "report.kml").features for mark in document.features]
    document = json.loads((folder / "report.geojson").read_text())
    for feature in document["features"]:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        for polygon in [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]:
            assert shapely.is_ccw(polygon.exterior), feature
    assert len(marks) == len(document["features"])
    return f"{len(marks)} places"


def tables(folder):
    findings = json.loads((folder / "report.json").read_text())["findings"]
    with open(folder / "report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [finding["id"] for finding in findings]
    lines = (folder / "report.log").read_text().splitlines()
    fields = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    types = next(line for line in lines if line.startswith("#types")).split("\t")[1:]
    assert len(fields) == len(types)
    logged = [dict(zip(fields, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]
    written = [json.loads(line) for line in (folder / "report.zeek.jsonl").read_text().splitlines()]
    for finding, row, log, line in zip(findings, rows, logged, written, strict=True):
        assert row["digest"] == log["digest"] == line["digest"] == finding["digest"]
        assert log["id.resp_p"] == str(finding["destination"]["port"]) if finding["destination"]["ip"] else "-"
        assert abs(float(log["ts"]) - line["ts"]) < 1e-5
    return f"{len(findings)} rows"


folder = Path(sys.argv[1])
for check in (stix, maps, tables):
    print(check.__name__, check(folder))
