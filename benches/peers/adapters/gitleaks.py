"""gitleaks over the files, decoding up to five layers as it does by default. Everything it reports is a credential."""
from adapters import programs

PROGRAM = programs.tool("venv/bin/gitleaks")
NAME = "gitleaks " + programs.version([PROGRAM, "version"])


def find(material):
    for one in programs.output([PROGRAM, "dir", material.folder, "-f", "json", "-r", "-", "--no-banner", "-l", "error", "--exit-code", "0",
                                "--max-archive-depth", "3"]):
        yield "credential", one["Secret"], programs.source(material, one["File"])
