"""scrubadub with its default detectors."""
from importlib.metadata import version

import scrubadub

NAME = f"scrubadub {version('scrubadub')}"
CLASSES = {"email": "email", "phone": "phone", "credential": "credential", "name": "person-name", "twitter": "account-id", "skype": "account-id"}


def find(material):
    scrubber = scrubadub.Scrubber(locale="en_US")
    for _, source, text in material.texts():
        for filth in scrubber.iter_filth(text):
            for one in getattr(filth, "filths", [filth]):
                if one.type in CLASSES:
                    yield CLASSES[one.type], one.text, source
