"""trufflehog3, expressions and entropy. Everything it reports is a credential."""
from adapters import programs

PROGRAM = programs.tool("trufflehog3/bin/trufflehog3")
NAME = "trufflehog3 " + programs.version([PROGRAM, "--version"])


def find(material):
    for one in programs.output([PROGRAM, "--zero", "--no-history", "-f", "JSON", material.folder]):
        yield "credential", one["secret"], programs.source(material, one["path"])
