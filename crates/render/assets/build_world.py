#!/usr/bin/env python3
"""Makes world.tsv: one line a country: ISO 3166-1 alpha-2, x and y of its label, SVG path.

    pip install pycountry; npm pack world-atlas@2.0.2; build_world.py package/countries-110m.json > world.tsv

Source: Natural Earth 1:110m (public domain), as TopoJSON by the npm package world-atlas 2.0.2 (ISC).
Projection: equirectangular, x = (lon + 180) * 2.5, y = (83 - lat) * 2.5, cut at 83 N and 57 S; one decimal.
Small places that the scale lacks get a point from the table below.
"""
import json
import sys

import pycountry

SMALL = {"HK": (114.17, 22.32), "MO": (113.55, 22.16), "SG": (103.82, 1.35), "MT": (14.4, 35.9), "BH": (50.55, 26.07), "MU": (57.55, -20.28),
         "SC": (55.45, -4.62), "MV": (73.22, 3.2), "BB": (-59.54, 13.19), "KY": (-81.25, 19.31), "LI": (9.55, 47.16), "MC": (7.42, 43.74),
         "AD": (1.52, 42.5), "SM": (12.45, 43.94), "GI": (-5.35, 36.14), "VG": (-64.62, 18.42), "BM": (-64.75, 32.3), "JE": (-2.13, 49.21), "IM": (-4.55, 54.23)}


def x(lon):
    return (lon + 180) * 2.5


def y(lat):
    return (83 - max(-57, min(83, lat))) * 2.5


def main():
    topo = json.load(open(sys.argv[1], encoding="utf8"))
    sx, sy = topo["transform"]["scale"]
    tx, ty = topo["transform"]["translate"]
    arcs = []
    for arc in topo["arcs"]:
        px = py = 0
        line = []
        for dx, dy in arc:
            px, py = px + dx, py + dy
            line.append((px * sx + tx, py * sy + ty))
        arcs.append(line)

    def ring(indices):
        points = []
        for index in indices:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            points += arc[1:] if points else arc
        # Rings that cross the date line go on beyond the edge of the map, where they are cut.
        turn, line = 0, points[:1]
        for (before, _), (lon, lat) in zip(points, points[1:]):
            turn += 360 if lon - before < -180 else -360 if lon - before > 180 else 0
            line.append((lon + turn, lat))
        return line

    rows = {}
    for shape in topo["objects"]["countries"]["geometries"]:
        country = pycountry.countries.get(numeric=shape.get("id", "")) if shape.get("id") else None
        code = country.alpha_2 if country else "--"
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [ring(one) for polygon in polygons for one in polygon]
        rings = [one for one in rings if max(lat for _, lat in one) > -57]
        if not rings:
            continue
        largest = max(rings, key=lambda one: (max(p[0] for p in one) - min(p[0] for p in one)) * (max(p[1] for p in one) - min(p[1] for p in one)))
        label = (sum(p[0] for p in largest) / len(largest), sum(p[1] for p in largest) / len(largest))
        path = ""
        for one in rings:
            cells, last = [], None
            for lon, lat in one:
                cell = f"{x(lon):.1f} {y(lat):.1f}"
                if cell != last:
                    cells.append(cell)
                last = cell
            path += "M" + "L".join(cells) + "Z"
        rows.setdefault(code, []).append((label, path))
    for code in sorted(rows):
        label = rows[code][0][0]
        print(f"{code}\t{x(label[0]):.1f}\t{y(label[1]):.1f}\t{''.join(path for _, path in rows[code])}")
    for code, (lon, lat) in sorted(SMALL.items()):
        if code not in rows:
            print(f"{code}\t{x(lon):.1f}\t{y(lat):.1f}\t")


main()
