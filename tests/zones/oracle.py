#!/usr/bin/env python3
"""Zones and positions whose answers shapely and pyproj know, and the comparison with what creance says.

    oracle.py make FOLDER POSITIONS [FILE…]   writes straight.geojson, unsaid.json (ED-269) and positions.csv; positions lie about the
                                              zones of the FILEs as well
    oracle.py compare ZONES ROWS POSITIONS    ROWS: what `zones check --format jsonl` said; exits with 1 where an answer is wrong
    oracle.py legs FOLDER COUNT               writes legs.csv beside straight.geojson: legs about its zones, most of them short
    oracle.py compare-legs FOLDER ROWS        ROWS: for each leg and zone its number, the zone, the answer

Positions are told apart by their time: one a second from 2026-01-01. Of an answer only what it says of the ground is compared, and no leg:
margin below 0 is within. Polygons are tested in degrees, unrolled; those around a pole on a polar map; circles by geodesics. Where
an answer differs, the distance to the edge is measured on a map about the position; within a metre either is right. ED-269 does not
say how edges run: there a position between the straight edge and the geodesic has to be uncertain.
"""

import json
import math
import random
import sys

import numpy
import pyproj
import shapely

START = 1767225600
BAND = 1.0
GEOD = pyproj.Geod(ellps="WGS84")


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    elif sys.argv[1] == "legs":
        make_legs(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "compare-legs":
        sys.exit(compare_legs(*sys.argv[2:4]))
    else:
        sys.exit(compare(*sys.argv[2:5]))


def feature(name, geometry):
    return {"type": "Feature", "id": name, "properties": {"name": name}, "geometry": geometry}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in [*ring, ring[0]]] for ring in rings]}


def blob(chance, lon, lat, reach, corners):
    ring = []
    for at in range(corners):
        far = reach * chance.uniform(0.4, 1.0)
        angle = 2 * math.pi * at / corners
        east = lon + far * math.cos(angle) / max(math.cos(math.radians(lat)), 0.02)
        ring.append((round((east + 180) % 360 - 180, 7), round(max(-89.9, min(89.9, lat + far * math.sin(angle))), 7)))
    return ring


def around_pole(chance, lat, corners, jagged):
    step = 360 / corners
    ring = [(round((-180 + step * at + chance.uniform(0, step / 3) + 180) % 360 - 180, 7), round(lat + chance.uniform(-jagged, jagged), 7)) for at in range(corners)]
    return ring


def make(folder, count, files):
    chance = random.Random(11)
    straight = [
        feature("north", polygon(around_pole(chance, 84, 40, 1.5))),
        feature("south", polygon(list(reversed(around_pole(chance, -80, 25, 3))))),
        feature("cap", polygon([(-180, 88), (-90, 88), (0, 88), (90, 88), (180, 88), (180, 90), (-180, 90)])),
        feature("line", polygon([(179.5, -17), (-179.5, -17), (-179.5, -16), (179.5, -16)])),
        feature("cut", {"type": "MultiPolygon", "coordinates": [
            polygon([(179, 51), (180, 51), (180, 52), (179, 52)])["coordinates"], polygon([(-180, 51), (-179, 51), (-179, 52), (-180, 52)])["coordinates"]]}),
        feature("ring", polygon([(8, 47), (9, 47), (9, 48), (8, 48)], [(8.3, 47.3), (8.3, 47.7), (8.7, 47.7), (8.7, 47.3)])),
    ]
    circles = []
    for number in range(300):
        lon, lat = chance.uniform(-180, 180), math.degrees(math.asin(chance.uniform(-0.999, 0.999)))
        if number % 5 == 0:
            lon = chance.choice([-180, 180]) + chance.uniform(-0.3, 0.3)
            lon = (lon + 180) % 360 - 180
        straight.append(feature(f"blob {number}", polygon(blob(chance, lon, lat, math.exp(chance.uniform(-5, 1)), chance.randint(3, 60)))))
    unsaid = []
    for number in range(300):
        lon, lat = chance.uniform(-180, 180), math.degrees(math.asin(chance.uniform(-0.9999, 0.9999)))
        if number % 6 == 0:
            lon = chance.choice([-179.95, 179.95])
        if number % 2:
            shape = {"type": "Circle", "center": [round(lon, 7), round(lat, 7)], "radius": round(math.exp(chance.uniform(3, 12)), 2)}
            circles.append(shape)
        else:
            shape = polygon(blob(chance, lon, max(-80, min(80, lat)), math.exp(chance.uniform(-5, 1)), chance.randint(3, 12)))
        unsaid.append({"identifier": f"E{number}", "country": "XXX", "restriction": "PROHIBITED", "applicability": [{"permanent": "YES"}],
                       "geometry": [{"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "horizontalProjection": shape}]})
    with open(f"{folder}/straight.geojson", "w") as out:
        json.dump({"type": "FeatureCollection", "features": straight}, out)
    with open(f"{folder}/unsaid.json", "w") as out:
        json.dump({"features": unsaid}, out)
    near = []
    for file in [f"{folder}/straight.geojson", f"{folder}/unsaid.json", *files]:
        near.append([corners for shape in read(file) for corners in outlines(shape)])
    lon, lat = [], []
    for at in range(count):
        if at % 10 == 0:
            lon.append(chance.uniform(-180, 180))
            lat.append(math.degrees(math.asin(chance.uniform(-1, 1))))
            continue
        ring = chance.choice(chance.choice(near))
        (x, y), (to_x, to_y) = chance.choice(list(zip(ring, [*ring[1:], ring[0]])))
        to_x = x + (to_x - x + 180) % 360 - 180
        along, size = chance.random(), abs(to_x - x) + abs(to_y - y) + 1e-4
        # About an edge, by little or by as much as it is long.
        by = size * chance.gauss(0, 1) * chance.choice([1, 1, 0.5, 0.2, 0.1, 0.03, 1e-3])
        turn = chance.uniform(0, 2 * math.pi)
        lon.append(x + along * (to_x - x) + by * math.cos(turn))
        lat.append(y + along * (to_y - y) + by * math.sin(turn))
    with open(f"{folder}/positions.csv", "w") as out:
        out.write("time,lat,lon\n")
        for at, (x, y) in enumerate(zip(lon, lat)):
            out.write(f"{START + at},{max(-90, min(90, y)):.8f},{(x + 180) % 360 - 180:.8f}\n")


class Shape:
    """A circle, or rings; `edges`: straight, or unsaid."""

    def __init__(self, name, edges, circle=None, rings=None):
        self.name, self.edges, self.circle, self.rings = name, edges, circle, rings


def read(file):
    with open(file, encoding="utf-8-sig") as text:
        document = json.load(text)
    shapes = []
    for number, zone in enumerate(document.get("UASZoneList") or document["features"]):
        geometry = zone["geometry"]
        periods = zone.get("applicability") or (zone.get("properties") or {}).get("limitedApplicability") or []
        if any(period.get("permanent") != "YES" for period in periods):
            # What holds at times is not compared here.
            continue
        if isinstance(geometry, list):
            name = zone["identifier"]
            for volume in geometry:
                shape = volume["horizontalProjection"]
                if shape["type"] == "Circle":
                    shapes.append(Shape(name, "unsaid", circle=(shape["center"], shape["radius"])))
                else:
                    shapes.append(Shape(name, "unsaid", rings=shape["coordinates"]))
            continue
        says = zone.get("properties") or {}
        name = str(zone.get("id") or says.get("identifier") or says.get("GLOBALID") or says.get("OBJECTID") or says.get("name") or says.get("title"))
        if says.get("title") and "identifier" not in says and "id" not in zone and "typeId" in says:
            name = says["title"]
        for one in geometry.get("geometries", [geometry]):
            coordinates = one.get("coordinates")
            if one["type"] == "Polygon":
                shapes.append(Shape(name, "straight", rings=coordinates))
            elif one["type"] == "MultiPolygon":
                shapes.extend(Shape(name, "straight", rings=rings) for rings in coordinates)
            elif one["type"] == "Point" and one.get("extent"):
                shapes.append(Shape(name, "straight", circle=(coordinates, one["extent"]["radius"])))
    return shapes


def outlines(shape):
    if shape.circle:
        (lon, lat), radius = shape.circle
        ends = [GEOD.fwd(lon, lat, azimuth, radius)[:2] for azimuth in range(0, 360, 10)]
        return [ends]
    return [[corner[:2] for corner in ring] for ring in shape.rings]


def unrolled(ring, geodesic):
    """Corners whose longitudes go on without a jump."""
    ring = [tuple(corner[:2]) for corner in ring]
    if ring[0] == ring[-1]:
        ring = ring[:-1]
    out = [ring[0]]
    for (lon, lat), (to_lon, to_lat) in zip(ring, [*ring[1:], ring[0]]):
        step = to_lon - lon
        if abs(step) != 360:
            step = (step + 180) % 360 - 180
        x, y = out[-1]
        if geodesic and abs(step) < 360:
            metres = GEOD.inv(lon, lat, to_lon, to_lat)[2]
            pieces = min(4000, max(1, int(metres / 200)))
            for middle_lon, middle_lat in GEOD.npts(lon, lat, to_lon, to_lat, pieces - 1) if pieces > 1 else []:
                out.append((out[-1][0] + (middle_lon - out[-1][0] + 180) % 360 - 180, middle_lat))
        out.append((x + step, to_lat))
    return out


def holds(shape, lon, lat, geodesic):
    """Which of the places lie within the shape."""
    if shape.circle:
        (x, y), radius = shape.circle
        return GEOD.inv(numpy.full_like(lon, x), numpy.full_like(lat, y), lon, lat)[2] <= radius
    within = None
    for ring in shape.rings:
        corners = unrolled(ring, geodesic)
        turned = corners[-1][0] - corners[0][0]
        if abs(turned) > 180:
            # Around a pole: on a polar map, edges followed closely.
            north = sum(y for _, y in corners) > 0
            project = pyproj.Transformer.from_crs(4326, 3413 if north else 3031, always_xy=True)
            dense = shapely.segmentize(shapely.LineString(corners), 0.002)
            edge = shapely.Polygon(numpy.column_stack(project.transform(*shapely.get_coordinates(dense).T)))
            side = lat > 30 if north else lat < -30
            one = numpy.zeros(len(lon), bool)
            x, y = project.transform(lon[side], lat[side])
            shapely.prepare(edge)
            one[side] = shapely.contains_xy(edge, x, y)
        else:
            edge = shapely.Polygon(corners)
            shapely.prepare(edge)
            one = numpy.zeros(len(lon), bool)
            for by in (-360, 0, 360):
                one |= shapely.contains_xy(edge, lon + by, lat)
        within = one if within is None else within & ~one
    return within


def from_edge(shape, lon, lat, geodesic):
    """Metres from a place to the edge."""
    if shape.circle:
        (x, y), radius = shape.circle
        return abs(GEOD.inv(x, y, lon, lat)[2] - radius)
    least = math.inf
    project = pyproj.Transformer.from_crs(4326, pyproj.CRS.from_proj4(f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84"), always_xy=True)
    for ring in shape.rings:
        corners = shapely.LineString(unrolled(ring, geodesic))
        for by in (-360, 0, 360):
            part = shapely.intersection(corners, shapely.box(lon + by - 3, lat - 0.05, lon + by + 3, lat + 0.05))
            for piece in shapely.get_parts(part):
                if piece.is_empty or piece.geom_type != "LineString":
                    continue
                near = shapely.get_coordinates(shapely.segmentize(piece, 1e-3))
                line = shapely.LineString(numpy.column_stack(project.transform(*near.T)))
                least = min(least, line.distance(shapely.Point(0, 0)))
    return least


def compare(file, rows, positions):
    table = numpy.loadtxt(positions, delimiter=",", skiprows=1)
    lat, lon = table[:, 1], table[:, 2]
    said, unsure = {}, {}
    with open(rows) as lines:
        for line in lines:
            row = json.loads(line)
            if row["answer"] == "outside" or row["from_lat"] is not None:
                continue
            at = int(numpy.datetime64(row["time"].rstrip("Z"), "s").astype(int)) - START
            (said if row["margin_m"] <= 0 else {}).setdefault(row["zone"], set()).add(at)
            if "straight edge" in row["why"]:
                unsure.setdefault(row["zone"], set()).add(at)
    by_name = {}
    for shape in read(file):
        by_name.setdefault(shape.name, []).append(shape)
    wrong = checked = banded = between = 0
    for name, shapes in by_name.items():
        sure = numpy.zeros(len(lon), bool)
        possible = numpy.zeros(len(lon), bool)
        for shape in shapes:
            straight = holds(shape, lon, lat, False)
            followed = holds(shape, lon, lat, True) if shape.edges == "unsaid" and shape.rings else straight
            sure |= straight & followed
            possible |= straight | followed
        told = numpy.zeros(len(lon), bool)
        told[list(said.get(name, ()))] = True
        doubted = numpy.zeros(len(lon), bool)
        doubted[list(unsure.get(name, ()))] = True
        checked += int(possible.sum())
        between += int((possible & ~sure & doubted).sum())
        for at in numpy.flatnonzero((told != possible) | (possible & ~sure & ~doubted) | (sure & doubted)):
            if any(from_edge(shape, lon[at], lat[at], way) <= BAND for shape in shapes for way in (False, True)):
                banded += 1
                continue
            wrong += 1
            if wrong <= 20:
                print(f"{name}: {lat[at]:.8f}, {lon[at]:.8f}: within {possible[at]}, surely {sure[at]}; creance {told[at]}, doubts {doubted[at]}")
    print(f"{file}: {len(lon)} positions, {len(by_name)} zones, {checked} pairs within, {between} between two edges, {banded} differ within {BAND} m of an edge, {wrong} wrong")
    return 1 if wrong or not checked else 0


def plain(folder):
    """Zones that a map in degrees shows whole."""
    for shape in read(f"{folder}/straight.geojson"):
        rings = [unrolled(ring, False) for ring in shape.rings]
        lats = [lat for _, lat in rings[0]]
        if abs(rings[0][-1][0] - rings[0][0][0]) <= 180 and max(map(abs, lats)) < 75 and shape.name != "cut":
            yield shape.name, shapely.Polygon(rings[0], rings[1:])


def make_legs(folder, count):
    chance = random.Random(12)
    zones = [zone for _, zone in plain(folder)]
    with open(f"{folder}/legs.csv", "w") as out:
        for _ in range(count):
            zone = chance.choice(zones)
            west, south, east, north = zone.bounds
            size = max(east - west, north - south)
            # About a corner, or through the middle of it.
            x, y = chance.choice([chance.choice(zone.exterior.coords), (chance.uniform(west, east), chance.uniform(south, north))])
            along = min(2, size * math.exp(chance.uniform(-4, 0.5)))
            turn = chance.uniform(0, 2 * math.pi)
            by = along * chance.uniform(0.1, 1), along * chance.uniform(0.1, 1)
            ends = [(x + part * math.cos(turn), max(-80, min(80, y + part * math.sin(turn)))) for part in (-by[0], by[1])]
            out.write(",".join(f"{lat:.8f},{(lon + 180) % 360 - 180:.8f}" for lon, lat in ends) + "\n")


def compare_legs(folder, rows):
    said = {}
    with open(rows) as lines:
        for line in lines:
            leg, zone, answer = line.rstrip("\n").split("\t")
            said[int(leg), zone] = answer
    zones = list(plain(folder))
    tree = shapely.STRtree([zone for _, zone in zones])
    met = wrong = near = 0
    legs = numpy.loadtxt(f"{folder}/legs.csv", delimiter=",", ndmin=2)
    for number, (lat, lon, to_lat, to_lon) in enumerate(legs):
        metres = GEOD.inv(lon, lat, to_lon, to_lat)[2]
        band = BAND + 0.25 + metres**2 * math.tan(math.radians(max(abs(lat), abs(to_lat)))) / (8 * 6371009)
        points = [(lon, lat)]
        for x, y in [*GEOD.npts(lon, lat, to_lon, to_lat, max(1, int(metres / 500))), (to_lon, to_lat)]:
            points.append((points[-1][0] + (x - points[-1][0] + 180) % 360 - 180, y))
        for by in (-360, 0, 360):
            way = shapely.LineString([(x + by, y) for x, y in points])
            scale = 111_000 * math.cos(math.radians(min(79, max(abs(lat), abs(to_lat)))))
            for at in tree.query(way.buffer(band / scale)):
                name, zone = zones[at]
                if zone.intersects(shapely.Point(way.coords[0])) or zone.intersects(shapely.Point(way.coords[-1])):
                    continue
                answer = said.get((number, name), "outside")
                inner = shapely.intersection(way, zone)
                met += not inner.is_empty
                expected = "outside" if inner.is_empty else "inside"
                if answer == expected:
                    continue
                # On a map about the leg: how far within it is at most, or how far it keeps.
                middle = way.interpolate(0.5, normalized=True)
                project = pyproj.Transformer.from_crs(4326, pyproj.CRS.from_proj4(f"+proj=aeqd +lat_0={middle.y} +lon_0={middle.x} +ellps=WGS84"), always_xy=True)
                flat = lambda shape: shapely.transform(shapely.segmentize(shape, 1e-3), lambda one: numpy.column_stack(project.transform(*one.T)))
                edge = shapely.intersection(zone.boundary, shapely.box(*way.buffer(0.1).bounds))
                edge, inner, line = flat(edge), flat(inner), flat(way)
                if inner.is_empty:
                    off = line.distance(edge)
                else:
                    off = max(shapely.Point(point).distance(edge) for point in shapely.get_coordinates(shapely.segmentize(inner, max(0.2, inner.length / 100))))
                # Where an end is uncertain, that says as much.
                unsure = answer == "uncertain" or min(shapely.Point(line.coords[at]).distance(edge) for at in (0, -1)) <= BAND
                if unsure and off <= band + 0.05:
                    near += 1
                    continue
                wrong += 1
                if wrong <= 20:
                    print(f"leg {number} and {name}: {answer}, expected {expected}, off by {off:.2f} m of {band:.2f} m")
    print(f"{len(legs)} legs, {met} through a zone, {near} uncertain within the band, {wrong} wrong")
    return 1 if wrong or not met else 0


main()
