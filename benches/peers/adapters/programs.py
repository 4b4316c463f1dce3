"""Scanners that are programs: what they print, by the file that it is about."""
import json
import subprocess
from pathlib import Path

from adapters import TOOLS


def version(command: list[str]) -> str:
    told = subprocess.run(command, capture_output=True, text=True)
    return next(word for word in (told.stdout + told.stderr).split() if word.lstrip("v")[:1].isdigit()).lstrip("v")


def output(command: list, report: Path | None = None, cwd: Path | None = None):
    """The JSON that a program prints, or writes to a report; exit codes say that something was found, not that something is wrong."""
    told = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", cwd=cwd)
    printed = told.stdout if report is None else report.read_text() if report.exists() else ""
    try:
        return json.loads(printed or "[]")
    except json.JSONDecodeError as error:
        raise SystemExit(f"{command[0]}: {error}: {printed[:200]} {told.stderr[-500:]}") from None


def source(material, path: str):
    """The source of a file of the material."""
    return material.sources.get(Path(path).name)


def tool(name: str) -> Path:
    return TOOLS / name
