#!/usr/bin/env python3
"""Zones and points for the comparison with shapely, and shapely's side of it: an STRtree of prepared geometries, asked for
all points in one call.

    peer.py make FOLDER ZONES POINTS     writes zones.geojson and points.csv
    peer.py ask FOLDER                   loads and asks them
"""

import json
import math
import random
import sys
import time


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        ask(sys.argv[2])


def make(folder, zones, points):
    """Zones of 4 to 24 corners and some kilometres, crowded as they are around cities; a point in two lies near one."""
    chance = random.Random(7)
    cities = [(chance.uniform(-175, 175), chance.uniform(-60, 70)) for _ in range(400)]
    features, centres = [], []
    for number in range(zones):
        lon, lat = chance.choice(cities)
        lon, lat = lon + chance.gauss(0, 1.2), lat + chance.gauss(0, 0.8)
        centres.append((lon, lat))
        reach = math.exp(chance.gauss(math.log(0.02), 0.7))
        corners = chance.randint(4, 24)
        ring = []
        for at in range(corners):
            angle = 2 * math.pi * at / corners
            far = reach * chance.uniform(0.6, 1.0)
            ring.append([round(lon + far * math.cos(angle) / math.cos(math.radians(lat)), 7), round(lat + far * math.sin(angle), 7)])
        ring.append(ring[0])
        features.append({"type": "Feature", "properties": {"name": f"Z{number}"}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    with open(f"{folder}/zones.geojson", "w") as out:
        json.dump({"type": "FeatureCollection", "features": features}, out)
    with open(f"{folder}/points.csv", "w") as out:
        for number in range(points):
            if number % 2:
                lon, lat = chance.uniform(-179, 179), chance.uniform(-75, 75)
            else:
                lon, lat = chance.choice(centres)
                lon, lat = lon + chance.gauss(0, 0.03), lat + chance.gauss(0, 0.03)
            out.write(f"{lon:.7f},{lat:.7f}\n")


def ask(folder):
    import numpy
    import shapely

    points = numpy.loadtxt(f"{folder}/points.csv", delimiter=",")
    start = time.perf_counter()
    with open(f"{folder}/zones.geojson") as file:
        zones = shapely.get_parts(shapely.from_geojson(file.read()))
    tree = shapely.STRtree(zones)
    shapely.prepare(zones)
    print(f"shapely {shapely.__version__}: {len(zones)} zones loaded in {time.perf_counter() - start:.2f} s")
    for name, predicate in (("intersects", "intersects"), ("within", "within")):
        start = time.perf_counter()
        pairs = tree.query(shapely.points(points), predicate=predicate)
        seconds = time.perf_counter() - start
        print(f"shapely, {name}: {len(points)} points in {seconds:.2f} s: {len(points) / seconds:.0f} a second; {pairs.shape[1]} pairs inside")
    # Trees of points asked by prepared zones: the other way round, which prepares what is prepared.
    start = time.perf_counter()
    made = shapely.points(points)
    pairs = shapely.STRtree(made).query(zones, predicate="intersects")
    seconds = time.perf_counter() - start
    print(f"shapely, tree of points, prepared zones: {len(points)} points in {seconds:.2f} s: {len(points) / seconds:.0f} a second; {pairs.shape[1]} pairs inside")


main()
