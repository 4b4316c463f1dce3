"""A set of regular expressions over bodies and heads, as in an analyst's notebook."""
import platform

import patterns

NAME = f"regular expressions (Python {platform.python_version()})"


def find(material):
    for _, source, text in material.texts():
        for data_class, value in patterns.search(text):
            yield data_class, value, source
