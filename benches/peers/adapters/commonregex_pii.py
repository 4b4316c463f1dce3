"""CommonRegex: a collection of expressions on PyPI. Links, dates, times, prices and the like are of no class here."""
from importlib.metadata import version

from commonregex import CommonRegex

NAME = f"CommonRegex {version('commonregex')}"

# Its expressions take time that grows with the square of a text: minutes for a picture's printable runs.
LARGEST = 20_000


def find(material):
    for _, source, text in material.texts():
        if not text:  # of nothing it makes no lists
            continue
        parsed = CommonRegex(text[:LARGEST])
        for data_class, values in (("email", parsed.emails), ("phone", parsed.phones)):
            for value in values:
                yield data_class, value if isinstance(value, str) else value[0], source
