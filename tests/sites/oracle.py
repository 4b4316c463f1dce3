#!/usr/bin/env python3
"""Protected places and flights with gimbals, and which places each flight shows, by casting rays.

    oracle.py make FOLDER       writes sites.geojson, flights.json and a file for each flight: captions or a table
    oracle.py judge FOLDER      prints for each flight {name: [views that show it, views that are too close to call]}

A view is a list: latitude, longitude, height in metres, yaw, pitch, roll, width in degrees, or null where captions tell of a
zoom, so that how wide it is is not known. Films are nine sixteenths as high as wide. Rays are cast through the edge of the
picture; those that meet the ground within 5 km are corners of what is seen, others end there. Of a site that stands above the
ground, rays are followed while they are no higher than it.
"""

import json
import math
import random
import sys

import numpy
import shapely
from pyproj import Proj

SITES, FLIGHTS, VIEWS = 10_000, 500, 10
# Where flights are, so that each sees some sites: towns at all latitudes, one across the antimeridian.
TOWNS = [(47.4, 8.5), (24.8, 121.0), (-33.9, 151.2), (64.1, -21.9), (0.1, 0.1), (-17.0, 179.98), (41.6, -93.7), (71.3, -156.8)]
FARTHEST = 5_000.0
EDGE = 200


def offset(lat, lon, east, north):
    lon = lon + east / (111_195 * math.cos(math.radians(lat)))
    return lat + north / 111_195, (lon + 540) % 360 - 180


def make(folder):
    chance = random.Random(20261127)
    features = []
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
        features.append({"type": "Feature", "geometry": geometry, "properties": {"name": f"S{number}", "sector": "ENRG", "buffer_m": chance.choice([0.5, 10, 50, 200]), "height_m": chance.choice([0, 0, 8, 60, 180])}})
    flights = []
    for flight in range(FLIGHTS):
        lat, lon = offset(*TOWNS[flight % len(TOWNS)], chance.uniform(-9_000, 9_000), chance.uniform(-9_000, 9_000))
        captions = flight % 2 == 0
        height, yaw, pitch, lens = chance.uniform(5, 400), chance.uniform(-180, 180), chance.uniform(-60, 0), chance.choice([22, 24, 28, 47.5])
        views = []
        for _ in range(VIEWS):
            lat, lon = offset(lat, lon, chance.uniform(-80, 80), chance.uniform(-80, 80))
            height = max(height + chance.uniform(-10, 10), 2)
            yaw, pitch = (yaw + chance.uniform(-60, 60) + 180) % 360 - 180, chance.choice([-90, *[pitch + chance.uniform(-20, 20)] * 4])
            pitch = min(max(pitch, -90), 10)
            roll = chance.choice([0, chance.uniform(-20, 20)])
            # As the file has them.
            width = 2 * math.degrees(math.atan(18 / lens)) if captions else round(chance.uniform(20, 90), 2)
            views.append([round(lat, 7), round(lon, 7), round(height, 3), round(yaw, 1), round(pitch, 1), round(roll, 1), width])
            if captions and chance.random() < 0.1:
                views[-1][6] = None
        name = f"flight{flight}.{'srt' if captions else 'csv'}"
        with open(f"{folder}/{name}", "w") as file:
            file.write(as_captions(views, lens) if captions else as_table(views))
        flights.append([name, views])
    with open(f"{folder}/sites.geojson", "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)
    with open(f"{folder}/flights.json", "w") as file:
        json.dump(flights, file)


def as_captions(views, lens):
    cues = []
    for number, (lat, lon, height, yaw, pitch, roll, width) in enumerate(views):
        zoom = "1.00" if width else "2.00"
        cues.append(
            f"{number + 1}\n00:00:{number:02},000 --> 00:00:{number + 1:02},000\nFrameCnt: {number} 2026-05-01 10:00:{number:02}.000\n"
            f"[iso: 100] [focal_len: {lens:.2f}] [dzoom_ratio: {zoom}], [latitude: {lat:.7f}] [longitude: {lon:.7f}] "
            f"[rel_alt: {height:.3f} abs_alt: {height + 431:.3f}] [gb_yaw: {yaw:.1f} gb_pitch: {pitch:.1f} gb_roll: {roll:.1f}]\n"
        )
    return "\n".join(cues)


def as_table(views):
    rows = ["time,latitude,longitude,ascent(feet),gimbal_heading(degrees),gimbal_pitch(degrees),gimbal_roll(degrees),hfov"]
    for number, (lat, lon, height, yaw, pitch, roll, width) in enumerate(views):
        rows.append(f"{1_777_600_000 + number},{lat:.7f},{lon:.7f},{height / 0.3048:.6f},{yaw % 360:.1f},{pitch:.1f},{roll:.1f},{width:.2f}")
    return "\n".join(rows) + "\n"


def turned(vector, axis, degrees):
    """A vector turned about an axis (Rodrigues)."""
    angle = math.radians(degrees)
    return vector * math.cos(angle) + numpy.cross(axis, vector) * math.sin(angle) + axis * numpy.dot(axis, vector) * (1 - math.cos(angle))


def axes(yaw, pitch, roll):
    up = numpy.array([0.0, 0.0, 1.0])
    forward, right = turned(numpy.array([0.0, 1.0, 0.0]), up, -yaw), turned(numpy.array([1.0, 0.0, 0.0]), up, -yaw)
    forward = turned(forward, right, pitch)
    right = turned(right, forward, roll)
    return forward, right, numpy.cross(right, forward)


def edges(yaw, pitch, roll, width, tall):
    """Rays through the edge of the picture, one after the other."""
    forward, right, above = axes(yaw, pitch, roll)
    wide, high = math.tan(math.radians(width / 2)), math.tan(math.radians(tall / 2))
    steps = numpy.linspace(-1, 1, EDGE)
    edge = [(s, -1) for s in steps] + [(1, s) for s in steps] + [(-s, 1) for s in steps] + [(-1, -s) for s in steps]
    return [forward + right * (x * wide) + above * (y * high) for x, y in edge]


def standing(height, yaw, pitch, roll, width, tall, top):
    """The ground below what the picture shows of all that is no higher than `top`."""
    rays = numpy.array(edges(yaw, pitch, roll, width, tall))
    with numpy.errstate(divide="ignore", invalid="ignore"):
        at = numpy.sort(numpy.stack([-height / rays[:, 2], (top - height) / rays[:, 2]]), axis=0)
        ends = FARTHEST / numpy.hypot(rays[:, 0], rays[:, 1])
    begin, end = numpy.clip(at[0], 0, None), numpy.minimum(at[1], ends)
    kept = begin <= end
    points = [rays[kept, :2] * begin[kept, None], rays[kept, :2] * end[kept, None]]
    # How far one sees: around the camera, at some heights, what lies in the picture.
    forward, right, above = axes(yaw, pitch, roll)
    wide, high = math.tan(math.radians(width / 2)), math.tan(math.radians(tall / 2))
    around = numpy.radians(numpy.arange(0, 360, 0.1))
    for level in [*numpy.linspace(0, top, 5), *([height] if height < top else [])]:
        far = numpy.stack([numpy.sin(around) * FARTHEST, numpy.cos(around) * FARTHEST, numpy.full_like(around, level - height)], axis=1)
        depth = far @ forward
        shown = (depth > 0) & (numpy.abs(far @ right) <= depth * wide) & (numpy.abs(far @ above) <= depth * high)
        points.append(far[shown, :2])
    points = numpy.concatenate(points + ([numpy.zeros((1, 2))] if height <= top else []))
    return shapely.convex_hull(shapely.MultiPoint(points)) if len(points) > 2 else None


def footprint(height, yaw, pitch, roll, width, tall):
    rays = edges(yaw, pitch, roll, width, tall)
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
    flights = json.load(open(f"{folder}/flights.json"))
    shapes = numpy.array([shapely.from_geojson(json.dumps(site["geometry"])) for site in sites])
    names = numpy.array([site["properties"]["name"] for site in sites])
    buffers = numpy.array([site["properties"]["buffer_m"] for site in sites])
    tops = numpy.array([site["properties"]["height_m"] for site in sites])
    corner = numpy.array([shapely.get_coordinates(shape)[0] for shape in shapes])
    answers = []
    for flight, (_, views) in enumerate(flights):
        town = numpy.arange(flight % len(TOWNS), SITES, len(TOWNS))
        counts = {}
        for lat, lon, height, *angles, width in views:
            tall = width and 2 * math.degrees(math.atan(math.tan(math.radians(width / 2)) * 9 / 16))
            if not width:
                continue
            plane = Proj(proj="aeqd", lat_0=lat, lon_0=lon, datum="WGS84")
            # Those whose first corner lies within 7 km: shapes are 850 m long at most.
            east = ((corner[town, 0] - lon + 540) % 360 - 180) * math.cos(math.radians(lat))
            around = town[numpy.hypot(east, corner[town, 1] - lat) * 111.2 < 7]
            flat = shapely.transform(shapes[around], lambda points: numpy.column_stack(plane(points[:, 0], points[:, 1])))
            away = shapely.distance(flat, shapely.Point(0, 0))
            apart = numpy.full(len(flat), numpy.inf)
            for top in numpy.unique(tops[around]):
                seen = standing(height, *angles, width, tall, top) if top else footprint(height, *angles, width, tall)
                if seen is not None:
                    tall_ones = tops[around] == top
                    apart[tall_ones] = shapely.distance(flat[tall_ones], seen) - buffers[around][tall_ones]
            # A sphere for an ellipsoid: six thousandths of the way; and where 5 km end a polygon of 48 corners for a circle.
            close = numpy.abs(apart) <= 1.0 + 0.006 * away + numpy.where(away > FARTHEST - 900, 11.0, 0.0)
            for kind, which in enumerate([(apart < 0) & ~close, close]):
                for name in names[around][which]:
                    counts.setdefault(name, [0, 0])[kind] += 1
        answers.append(counts)
    json.dump(answers, sys.stdout)


{"make": make, "judge": judge}[sys.argv[1]](sys.argv[2])
