"""kingfisher over the files with rules of every confidence, without asking any provider. Everything it reports is a credential."""
from adapters import programs

PROGRAM = programs.tool("venv/bin/kingfisher")
NAME = "kingfisher " + programs.version([PROGRAM, "--version"])


def find(material):
    told = programs.output([PROGRAM, "scan", material.folder, "--no-validate", "--no-update-check", "--confidence", "low", "--no-dedup",
                            "--git-history", "none", "--format", "json", "-q"])
    for one in told.get("findings", []) if isinstance(told, dict) else told:
        finding = one["finding"]
        yield "credential", finding["snippet"], programs.source(material, finding["path"])
