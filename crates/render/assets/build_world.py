#!/usr/bin/env python3
"""Makes world.tsv: one line a country: ISO 3166-1 alpha-2, x and y of its label, SVG path.

    pip install pycountry; npm pack world-atlas@2.0.2; tar xf world-atlas-2.0.2.tgz
    build_world.py package/countries-110m.json > world.tsv

Source: Natural Earth 1:110m (public domain), as TopoJSON by the npm package world-atlas 2.0.2 (ISC).
Projection: Equal Earth (Šavrič, Patterson and Jenny, 2018); `html/map.rs` holds the same formula. Cut at 57 S.
Paths are relative and in tenths. Places that the scale lacks get a point, without outline, from the table below.
Lines whose code is `--` are land that has no code of ISO 3166-1.
"""
import json
import math
import sys

import pycountry

WIDTH, TOP, SOUTH = 960.0, 8.0, -57.0
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796

POINTS = {
    "HK": (22.32, 114.17), "MO": (22.16, 113.55), "SG": (1.35, 103.82), "MT": (35.9, 14.4), "BH": (26.07, 50.55), "MU": (-20.28, 57.55),
    "SC": (-4.62, 55.45), "MV": (3.2, 73.22), "BB": (13.19, -59.54), "KY": (19.31, -81.25), "LI": (47.16, 9.55), "MC": (43.74, 7.42),
    "AD": (42.5, 1.52), "SM": (43.94, 12.45), "VA": (41.9, 12.45), "GI": (36.14, -5.35), "VG": (18.42, -64.62), "BM": (32.3, -64.75),
    "JE": (49.21, -2.13), "GG": (49.45, -2.58), "IM": (54.23, -4.55), "FO": (62.0, -6.8), "AX": (60.2, 20.0), "CV": (15.1, -23.6),
    "ST": (0.2, 6.6), "KM": (-11.9, 43.4), "RE": (-21.1, 55.5), "YT": (-12.8, 45.2), "AG": (17.1, -61.8), "AI": (18.2, -63.1),
    "AW": (12.5, -70.0), "CW": (12.2, -69.0), "BQ": (12.2, -68.3), "DM": (15.4, -61.4), "GD": (12.1, -61.7), "GP": (16.2, -61.5),
    "MQ": (14.6, -61.0), "KN": (17.3, -62.7), "LC": (13.9, -61.0), "VC": (13.2, -61.2), "SX": (18.05, -63.05), "MF": (18.1, -63.05),
    "BL": (17.9, -62.8), "TC": (21.8, -71.8), "VI": (18.3, -64.9), "MS": (16.7, -62.2), "GF": (4.0, -53.1), "SH": (-15.9, -5.7),
    "PM": (46.9, -56.3), "AS": (-14.3, -170.7), "GU": (13.4, 144.8), "MP": (15.2, 145.7), "PW": (7.5, 134.6), "FM": (6.9, 158.2),
    "MH": (7.1, 171.2), "NR": (-0.5, 166.9), "KI": (1.4, 173.0), "TV": (-8.5, 179.2), "TO": (-21.2, -175.2), "WS": (-13.8, -172.1),
    "CK": (-21.2, -159.8), "PF": (-17.6, -149.4), "NU": (-19.1, -169.9), "WF": (-13.3, -176.2), "TK": (-9.2, -171.8), "IO": (-7.3, 72.4),
}
LABELS = {"US": (39.5, -98.5), "CA": (58.0, -106.0), "RU": (61.0, 97.0), "NO": (61.5, 9.0), "FR": (46.6, 2.5), "CL": (-33.0, -71.0), "VN": (16.0, 107.8)}


def project(lat, lon):
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(lat)))
    t2 = theta * theta
    t6 = t2**3
    x = 2 * math.sqrt(3) * math.radians(lon) * math.cos(theta) / (3 * (9 * A4 * t6 * t2 + 7 * A3 * t6 + 3 * A2 * t2 + A1))
    return x, theta * (A4 * t6 * t2 + A3 * t6 + A2 * t2 + A1)


SCALE = WIDTH / 2 / project(0, 180)[0]
NORTH = project(83.7, 0)[1]


def place(lat, lon):
    x, y = project(lat, lon)
    return WIDTH / 2 + x * SCALE, TOP + (NORTH - y) * SCALE


def area_and_middle(ring):
    area = x = y = 0.0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1]):
        cross = x0 * y1 - x1 * y0
        area, x, y = area + cross, x + (x0 + x1) * cross, y + (y0 + y1) * cross
    return abs(area / 2), ((x / (3 * area), y / (3 * area)) if area else ring[0])


def outline(ring):
    """`Mx yldx dy…z` in tenths; every step is taken from the rounded point before, so errors do not add up."""
    points = []
    for x, y in ring:
        point = (round(x * 10), round(y * 10))
        if not points or point != points[-1]:
            points.append(point)
    if points[0] == points[-1]:
        points.pop()
    if len(points) < 3:
        return ""
    text = f"M{points[0][0]} {points[0][1]}l"
    numbers = [n for before, after in zip(points, points[1:]) for n in (after[0] - before[0], after[1] - before[1])]
    for index, number in enumerate(numbers):
        text += (" " if index and number >= 0 else "") + str(number)
    return text + "z"


def main():
    topo = json.load(open(sys.argv[1], encoding="utf8"))
    (sx, sy), (tx, ty) = topo["transform"]["scale"], topo["transform"]["translate"]
    arcs = []
    for arc in topo["arcs"]:
        px = py = 0
        line = []
        for dx, dy in arc:
            px, py = px + dx, py + dy
            line.append((max(SOUTH, py * sy + ty), px * sx + tx))
        arcs.append(line)

    def ring(indices):
        points = []
        for index in indices:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            points += arc[1:] if points else arc
        # A ring that crosses the date line goes on beyond it, so that no line runs across the map.
        turn, line = 0, points[:1]
        for (_, before), (lat, lon) in zip(points, points[1:]):
            turn += 360 if lon - before < -180 else -360 if lon - before > 180 else 0
            line.append((lat, lon + turn))
        return line

    rows = []
    for shape in topo["objects"]["countries"]["geometries"]:
        country = pycountry.countries.get(numeric=shape.get("id") or "")
        code = country.alpha_2 if country else "--"
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [ring(one) for polygon in polygons for one in polygon]
        rings = [one for one in rings if code != "AQ" and max(lat for lat, _ in one) > SOUTH]
        drawn = [[place(lat, lon) for lat, lon in one] for one in rings]
        path = "".join(outline(one) for one in drawn)
        if not path:
            continue
        _, label = max((area_and_middle(one) for one in drawn), key=lambda one: one[0])
        rows.append((code, place(*LABELS[code]) if code in LABELS else label, path))
    known = {code for code, _, _ in rows}
    rows += [(code, place(*point), "") for code, point in POINTS.items() if code not in known]
    for code, (x, y), path in sorted(rows):
        print(f"{code}\t{x:.1f}\t{y:.1f}\t{path}")


main()
