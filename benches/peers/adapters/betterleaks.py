"""betterleaks over the files, without asking any provider. Everything it reports is a credential."""
from adapters import programs

PROGRAM = programs.tool("venv/bin/betterleaks")
NAME = "betterleaks " + programs.version([PROGRAM, "--version"])


def find(material):
    report = material.folder.with_name(material.folder.name + ".betterleaks.json")
    told = programs.output([PROGRAM, material.folder, "-s", "--no-banner", "--exit-code", "0", "-l", "error", "-o", report], report)
    for one in told["findings"] or []:
        yield "credential", one["match"]["value"], programs.source(material, one["location"]["path"])
