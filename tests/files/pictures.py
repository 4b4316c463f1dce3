#!/usr/bin/env python3
"""Pictures of every format with invented values, and whether two pictures show the same.

    pictures.py make FOLDER          writes pictures and truth.json
    pictures.py notes FOLDER         writes pictures with notes of makers of cameras that hold a serial number, and notes.json: name to number
    pictures.py same A B [A B ...]   says for each pair whether all pixels and the mode are equal: a JSON list
    pictures.py shown A [B ...]      says for each a digest of what it shows, or null where it does not open: a JSON list
"""

import hashlib
import json
import struct
import subprocess
import sys

import pillow_heif
from PIL import Image, PngImagePlugin

pillow_heif.register_heif_opener()

SERIAL, LENS, OWNER, ARTIST = "TESTBODY4711", "TESTLENS0815", "Ada Example", "Grace Sample"
DRONE, CAPTURE, SSID = "1TESTAB00C0042", "b0e6f3c2-1111-4222-8333-c0ffee123456", "ntrip.example"
LAT, LON, ALT = -33.856784, 151.215297, 58.25
TARGET = (-33.857111, 151.214222)

XMP = f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GpsLatitude="{LAT:+.7f}" drone-dji:GpsLongtitude="{LON:+.7f}"
 drone-dji:AbsoluteAltitude="+58.25" drone-dji:RelativeAltitude="+80.00" drone-dji:GimbalYawDegree="+12.5" drone-dji:GimbalPitchDegree="-45.0"
 drone-dji:GimbalRollDegree="+0.00" drone-dji:DroneSerialNumber="{DRONE}" drone-dji:CaptureUUID="{CAPTURE}"
 drone-dji:NTRIPHost="{SSID}" drone-dji:LRFTargetLat="{TARGET[0]:.6f}" drone-dji:LRFTargetLon="{TARGET[1]:.6f}"/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def dms(value):
    value = abs(value)
    degrees = int(value)
    minutes = int((value - degrees) * 60)
    return (degrees, minutes, round(((value - degrees) * 60 - minutes) * 60, 6))


def exif(orientation):
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0131], tags[0x0112] = "DJI", "FC9999", "01.02.03", orientation
    tags[0x013B], tags[0x0132], tags[0x9C9D] = ARTIST, "2026:06:11 08:00:00", ARTIST.encode("utf-16-le")
    inner = tags.get_ifd(0x8769)
    inner[0xA431], inner[0xA435], inner[0xA430], inner[0x9003] = SERIAL, LENS, OWNER, "2026:06:11 08:00:00"
    inner[0xA405] = 24
    gps = tags.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4], gps[5], gps[6] = "S", dms(LAT), "E", dms(LON), b"\0", ALT
    return tags


def picture(mode, size=(96, 64)):
    image = Image.new("RGB", size)
    image.putdata([((x * 7 + y) % 256, (x * y) % 256, (x * 3 + y * 5) % 256) for y in range(size[1]) for x in range(size[0])])
    return image.convert(mode)


def make(folder):
    names = []

    def save(name, image, **options):
        image.save(f"{folder}/{name}", **options)
        names.append(name)

    tags = exif(6)
    save("baseline.jpg", picture("RGB"), exif=tags, xmp=XMP, quality=88, comment=OWNER.encode())
    save("progressive.jpg", picture("RGB"), exif=tags, xmp=XMP, quality=88, progressive=True)
    save("grey.jpg", picture("L"), exif=tags)
    save("cmyk.jpg", picture("CMYK"), exif=tags)
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", OWNER)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=False)
    text.add_text("Comment", SERIAL, zip=True)
    save("truecolour.png", picture("RGB"), exif=tags, pnginfo=text)
    save("palette.png", picture("P"), exif=tags, pnginfo=text)
    save("alpha.png", picture("RGBA"), exif=tags)
    save("lossy.webp", picture("RGB"), exif=tags.tobytes(), xmp=XMP, quality=80)
    save("lossless.webp", picture("RGBA"), exif=tags.tobytes(), lossless=True)
    # Pillow writes no EXIF into TIFF: ExifTool copies it, XMP and all.
    save("lzw.tif", picture("RGB"), compression="tiff_lzw")
    save("plain.tif", picture("RGB"))
    save("jpeg.tif", picture("RGB"), compression="jpeg")
    tiffs = [f"{folder}/{name}" for name in names if name.endswith(".tif")]
    copy = ["exiftool", "-q", "-overwrite_original", "-tagsFromFile", f"{folder}/baseline.jpg", "-exif:all", "-gps:all", "-xmp"]
    subprocess.run(copy + tiffs, check=True)
    # Two frames, each for a tenth of a second; Pillow writes the comment, ExifTool the XMP.
    first, second = picture("P"), picture("P").transpose(Image.Transpose.ROTATE_180)
    first.save(f"{folder}/moving.gif", save_all=True, append_images=[second], duration=100, loop=0, comment=OWNER.encode())
    sets = [f"-xmp-tiff:Make=DJI", "-xmp-tiff:Model=FC9999", f"-xmp-aux:SerialNumber={SERIAL}", f"-xmp-aux:OwnerName={OWNER}", f"-xmp-aux:LensSerialNumber={LENS}", f"-xmp-dc:Creator={ARTIST}"]
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-tagsFromFile", f"{folder}/baseline.jpg", "-xmp", f"{folder}/moving.gif"], check=True)
    subprocess.run(["exiftool", "-q", "-overwrite_original"] + sets + [f"{folder}/moving.gif"], check=True)
    names.append("moving.gif")
    # The same with words in a part behind the last letter, before the zero that ends the parts and the last byte.
    with open(f"{folder}/moving.gif", "rb") as file:
        moving = file.read()
    with open(f"{folder}/hiding.gif", "wb") as file:
        file.write(moving[:-2] + b"\x06SECRET\0;")
    names.append("hiding.gif")
    # A TIFF that says nothing but where its only strip is, which is a JPEG that says all.
    with open(f"{folder}/baseline.jpg", "rb") as file:
        strip = file.read()
    values = [(0x100, 3, 96), (0x101, 3, 64), (0x102, 3, 0), (0x103, 3, 7), (0x106, 3, 6), (0x111, 4, 0), (0x115, 3, 3), (0x116, 3, 64), (0x117, 4, len(strip)), (0x212, 3, 2 | 2 << 16)]
    behind = 8 + 2 + 12 * len(values) + 4
    places = {0x102: (3, behind), 0x111: (1, behind + 8), 0x212: (2, 2 | 2 << 16)}
    entries = b"".join(struct.pack("<HHII", tag, kind, *places.get(tag, (1, value))) for tag, kind, value in values)
    with open(f"{folder}/strip.tif", "wb") as file:
        file.write(b"II*\0\x08\0\0\0" + struct.pack("<H", len(values)) + entries + bytes(4) + struct.pack("<4H", 8, 8, 8, 0) + strip)
    names.append("strip.tif")
    save("new.heic", picture("RGB"), exif=tags.tobytes(), xmp=XMP)
    with open(f"{folder}/truth.json", "w") as file:
        json.dump({"files": names, "serials": [SERIAL, LENS], "people": [OWNER, ARTIST], "lat": LAT, "lon": LON,
                   "alt": ALT, "make": "DJI", "model": "FC9999", "drone": DRONE, "capture": CAPTURE, "network": SSID,
                   "target": TARGET}, file)


def notes(folder):
    """Notes in the layouts that ExifTool documents: each begins at 72 in its block of EXIF, and holds one entry."""
    start = 72
    entry = lambda tag, kind, count, value: struct.pack("<HHII", tag, kind, count, value)

    def directory(head, base, tag, kind, value):
        """One entry behind the head, whose offset counts from `base` bytes before it."""
        return head + struct.pack("<H", 1) + entry(tag, kind, len(value), base + 18) + bytes(4) + value

    def segment(marker, content):
        return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

    number = b"KT7000124\0"
    of_makers = {
        "pentax": ("PENTAX", directory(b"PENTAX \0II", 10, 0x229, 2, number)),
        "gr": ("RICOH", directory(b"RICOH\0II", 8, 0x229, 2, number)),
        "ricoh": ("RICOH", directory(b"Ricoh\0\0\0", start + 8, 5, 7, b"KT00000012345678")),
        "sigma": ("SIGMA", directory(b"SIGMA\0\0\0\1\0", start + 10, 2, 2, number)),
        "phaseone": ("Phase One", b"IIIITwaR" + struct.pack("<11I", 12, 2, 0, 0x100, 4, 4, 1, 0x102, 1, len(number), 52) + number),
    }
    numbers = {}
    with open(f"{folder}/plain.jpg", "wb") as file:
        picture("RGB").save(file, "jpeg")
    with open(f"{folder}/plain.jpg", "rb") as file:
        plain = file.read()
    for name, (make, note) in of_makers.items():
        block = b"II*\0" + struct.pack("<IH", 8, 2) + entry(0x10F, 2, len(make) + 1, 56) + entry(0x8769, 4, 1, 38) + bytes(4)
        block += struct.pack("<H", 1) + entry(0x927C, 7, len(note), start) + bytes(4) + make.encode().ljust(16, b"\0") + note
        with open(f"{folder}/{name}.jpg", "wb") as file:
            file.write(plain[:2] + segment(0xE1, b"Exif\0\0" + block) + plain[2:])
        copies = [f"{folder}/{name}.{end}" for end in ("tif", "png", "webp")]
        for copy in copies:
            picture("RGB").save(copy)
        copied = ["exiftool", "-q", "-q", "-overwrite_original", "-tagsFromFile", f"{folder}/{name}.jpg", "-makernotes", "-make"]
        subprocess.run(copied + copies, check=True)
        for end in ("jpg", "tif", "png", "webp"):
            numbers[f"{name}.{end}"] = "KT00000012345678" if name == "ricoh" else "KT7000124"
    sensors = bytearray(0x300)
    sensors[0x0C0:0x0C9] = b"KT7000124"
    with open(f"{folder}/infiray.jpg", "wb") as file:
        file.write(plain[:2] + segment(0xE2, bytes(4) + b"IJPEG\0" + bytes(20)) + segment(0xE9, bytes(sensors)) + plain[2:])
    numbers["infiray.jpg"] = "KT7000124"
    with open(f"{folder}/notes.json", "w") as file:
        json.dump(numbers, file)


def same(paths):
    answers = []
    for one, other in zip(paths[::2], paths[1::2]):
        with Image.open(one) as one, Image.open(other) as other:
            answers.append(one.mode == other.mode and one.size == other.size and one.tobytes() == other.tobytes())
    print(json.dumps(answers))


def shown(paths):
    answers = []
    for path in paths:
        try:
            with Image.open(path) as image:
                frames = hashlib.sha256()
                # Of a JPEG with an index of previews ("MPO") the picture itself.
                for frame in range(1 if image.format == "MPO" else getattr(image, "n_frames", 1)):
                    image.seek(frame)
                    frames.update(f"{image.mode} {image.size}".encode() + image.tobytes())
                answers.append(frames.hexdigest())
        except (OSError, SyntaxError, ValueError):
            answers.append(None)
    print(json.dumps(answers))


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    {"make": lambda: make(paths[0]), "notes": lambda: notes(paths[0]), "same": lambda: same(paths), "shown": lambda: shown(paths)}[command]()
