"""exiftool over the files: what each is, and the position, serial number and person inside it."""
from adapters import programs

NAME = "exiftool " + programs.version(["exiftool", "-ver"])
KINDS = {"image": "imagery", "video": "video", "audio": "audio"}
TAGS = {"SerialNumber": "serial", "CameraSerialNumber": "serial", "BodySerialNumber": "serial", "InternalSerialNumber": "serial",
        "Artist": "person-name", "OwnerName": "person-name", "CameraOwnerName": "person-name", "Creator": "person-name"}


def find(material):
    if not material.sources:
        return
    for one in programs.output(["exiftool", "-j", "-n", "-q", "-r", material.folder]):
        source = programs.source(material, one["SourceFile"])
        kind = KINDS.get(one.get("MIMEType", "").split("/")[0])
        if kind:
            yield kind, f"{one.get('FileType')} {one.get('ImageSize', '')} {one['SourceFile'].rsplit('/', 1)[-1]}", source
        if "GPSLatitude" in one and "GPSLongitude" in one:
            yield "location", f"{one['GPSLatitude']},{one['GPSLongitude']}", source
        for tag, data_class in TAGS.items():
            if tag in one:
                yield data_class, one[tag], source
