#!/usr/bin/env python3
"""Protected places and the views of flights, and which places each view shows, by casting rays.

    oracle.py make FOLDER       writes sites.geojson and views.json
    oracle.py judge FOLDER      prints for each view [names that it shows, names that are too close to call]

A view is a list: flight, latitude, longitude, height in metres, yaw, pitch, roll, width, height in degrees. Rays are cast
through the edge of the picture; those that meet the ground within 5 km are corners of what is seen, others end there.
"""

import json
import math
import random
import sys

import numpy
import shapely
from pyproj import Proj

SITES, FLIGHTS, VIEWS = 10_000, 500, 8
# Where flights are, so that each sees some sites: towns at all latitudes, one across the antimeridian.
TOWNS = [(47.4, 8.5), (24.8, 121.0), (-33.9, 151.2), (64.1, -21.9), (0.1, 0.1), (-17.0, 179.98), (41.6, -93.7), (71.3, -156.8)]
FARTHEST = 5_000.0
EDGE = 200


def offset(lat, lon, east, north):
    lon = lon + east / (111_195 * math.cos(math.radians(lat)))
    return lat + north / 111_195, (lon + 540) % 360 - 180


def make(folder):
    chance = random.Random(20261127)
    features, views = [], []
    for number in range(SITES):
        town = TOWNS[number % len(TOWNS)]
        lat, lon = offset(*town, chance.uniform(-12_000, 12_000), chance.uniform(-12_000, 12_000))
        around = lambda: (lambda at: [at[1], at[0]])(offset(lat, lon, chance.uniform(-300, 300), chance.uniform(-300, 300)))
        shape = number % 4
        if shape == 1:
            geometry = {"type": "LineString", "coordinates": [around() for _ in range(4)]}
        elif shape == 2:
            corners = sorted((around() for _ in range(6)), key=lambda at: math.atan2(at[1] - lat, (at[0] - lon + 540) % 360 - 180))
            geometry = {"type": "Polygon", "coordinates": [corners + corners[:1]]}
        else:
            geometry = {"type": "Point", "coordinates": [lon, lat]}
        features.append({"type": "Feature", "geometry": geometry, "properties": {"name": f"S{number}", "sector": "ENRG", "buffer_m": chance.choice([0.5, 10, 50, 200])}})
    for flight in range(FLIGHTS):
        lat, lon = offset(*TOWNS[flight % len(TOWNS)], chance.uniform(-9_000, 9_000), chance.uniform(-9_000, 9_000))
        for _ in range(VIEWS):
            lat, lon = offset(lat, lon, chance.uniform(-80, 80), chance.uniform(-80, 80))
            width = chance.uniform(20, 90)
            views.append([flight, lat, lon, chance.uniform(5, 400), chance.uniform(-180, 360), chance.choice([-90, chance.uniform(-90, 10)]), chance.choice([0, chance.uniform(-20, 20)]), width, width * 0.75])
    with open(f"{folder}/sites.geojson", "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)
    with open(f"{folder}/views.json", "w") as file:
        json.dump(views, file)


def turned(vector, axis, degrees):
    """A vector turned about an axis (Rodrigues)."""
    angle = math.radians(degrees)
    return vector * math.cos(angle) + numpy.cross(axis, vector) * math.sin(angle) + axis * numpy.dot(axis, vector) * (1 - math.cos(angle))


def footprint(height, yaw, pitch, roll, width, tall):
    up = numpy.array([0.0, 0.0, 1.0])
    forward, right = turned(numpy.array([0.0, 1.0, 0.0]), up, -yaw), turned(numpy.array([1.0, 0.0, 0.0]), up, -yaw)
    forward = turned(forward, right, pitch)
    right = turned(right, forward, roll)
    above = numpy.cross(right, forward)
    wide, high = math.tan(math.radians(width / 2)), math.tan(math.radians(tall / 2))
    steps = numpy.linspace(-1, 1, EDGE)
    edge = [(s, -1) for s in steps] + [(1, s) for s in steps] + [(-s, 1) for s in steps] + [(-1, -s) for s in steps]
    rays = [forward + right * (x * wide) + above * (y * high) for x, y in edge]
    # Parts of the edge that are above the horizon show no ground: the ground ends where rays become level.
    ground, far = [], FARTHEST
    for ray, following in zip(rays, rays[1:] + rays[:1]):
        if ray[2] < 0:
            reach = -height / ray[2]
            ground.append((ray[0] * reach, ray[1] * reach))
        if (ray[2] < 0) != (following[2] < 0):
            share = ray[2] / (ray[2] - following[2])
            level = ray + share * (following - ray)
            level = level / math.hypot(level[0], level[1])
            ground.append((level[0] * 1e7, level[1] * 1e7))
    if len(ground) < 3:
        return None
    shape = shapely.convex_hull(shapely.MultiPoint(ground))
    return shape.intersection(shapely.Point(0, 0).buffer(far, quad_segs=256))


def judge(folder):
    sites = json.load(open(f"{folder}/sites.geojson"))["features"]
    views = json.load(open(f"{folder}/views.json"))
    shapes = numpy.array([shapely.from_geojson(json.dumps(site["geometry"])) for site in sites])
    names = numpy.array([site["properties"]["name"] for site in sites])
    buffers = numpy.array([site["properties"]["buffer_m"] for site in sites])
    answers = []
    for flight, lat, lon, height, *angles in views:
        seen = footprint(height, *angles)
        if seen is None:
            answers.append([[], []])
            continue
        town = slice(flight % len(TOWNS), None, len(TOWNS))
        plane = Proj(proj="aeqd", lat_0=lat, lon_0=lon, datum="WGS84")
        flat = shapely.transform(shapes[town], lambda points: numpy.column_stack(plane(points[:, 0], points[:, 1])))
        away = shapely.distance(flat, shapely.Point(0, 0))
        apart = shapely.distance(flat, seen) - buffers[town]
        # A sphere for an ellipsoid: six thousandths of the way; and the far edge, where 5 km end.
        close = (numpy.abs(apart) <= 1.0 + 0.006 * away) | (away + 600 > FARTHEST)
        answers.append([list(names[town][(apart < 0) & ~close]), list(names[town][close & (away < 2 * FARTHEST)])])
    json.dump(answers, sys.stdout)


{"make": make, "judge": judge}[sys.argv[1]](sys.argv[2])
