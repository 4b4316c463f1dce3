"""ripsecrets over the files. It prints `path:line:`; everything it reports is a credential."""
import re
import subprocess

from adapters import programs

PROGRAM = programs.tool("cargo/bin/ripsecrets")
NAME = "ripsecrets " + programs.version([PROGRAM, "--version"])


def find(material):
    told = subprocess.run([PROGRAM, material.folder], capture_output=True, text=True, errors="replace").stdout
    for line in told.splitlines():
        match = re.match(r"(?P<path>[^:]+):(?:\d+:)?(?P<text>.*)", line)
        if match and (source := programs.source(material, match["path"])):
            yield "credential", match["text"].strip(), source
