"""Presidio's recognisers that need no model: patterns, checksums, telephone numbers."""
from importlib.metadata import version

import tldextract

from presidio_analyzer import predefined_recognizers as known

NAME = f"presidio-analyzer {version('presidio-analyzer')}, patterns"
CLASSES = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "MAC_ADDRESS": "network-info", "PERSON": "person-name", "LOCATION": "location"}

# It would fetch the list of public suffixes; the one that comes with the library will do.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())

# By default it knows eight regions; these are the ones of the corpora as well.
REGIONS = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR", "CN", "TW", "HK", "JP")


def recognisers():
    yield known.EmailRecognizer()
    yield known.PhoneRecognizer(supported_regions=REGIONS)
    if hasattr(known, "MacAddressRecognizer"):
        yield known.MacAddressRecognizer()


def find(material):
    all_of_them = list(recognisers())
    for _, source, text in material.texts():
        for recogniser in all_of_them:
            for result in recogniser.analyze(text, recogniser.supported_entities, None) or []:
                if result.entity_type in CLASSES:
                    yield CLASSES[result.entity_type], text[result.start:result.end], source
