"""secretlint with its recommended rules. Everything it reports is a credential."""
import json

from adapters import programs

PROGRAM = programs.tool("npm/node_modules/.bin/secretlint")
NAME = "secretlint " + programs.version([PROGRAM, "--version"])


def find(material):
    rules = programs.TOOLS / "npm/.secretlintrc.json"
    rules.write_text(json.dumps({"rules": [{"id": "@secretlint/secretlint-rule-preset-recommend"}]}))
    if not material.sources:
        return
    report = material.folder.with_name(material.folder.name + ".secretlint.json")
    report.unlink(missing_ok=True)
    files = [material.folder / name for name in material.sources]
    # Reports are written only if there is something to report.
    told = programs.output([PROGRAM, "--secretlintrc", rules, "--format", "json", "--no-glob", "--no-maskSecrets", "--output", report, *files],
                           report, cwd=programs.TOOLS / "npm")
    for file in told:
        for message in file["messages"]:
            start, end = message["range"]
            content = file.get("sourceContent") or ""
            yield "credential", content[start:end] or message["message"], programs.source(material, file["filePath"])
