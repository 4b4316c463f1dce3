"""Labelled captures below a folder: `truth.json` beside `capture*.pcapng`, or `labels/NAME.json` below the capture NAME."""
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Labelled:
    """One capture and its truth, with what an examiner has beside it."""
    name: str
    capture: Path
    truth: Path
    keys: Path | None

    def beside(self, name: str) -> Path | None:
        path = self.truth.with_name(name)
        return path if self.truth.name == "truth.json" and path.exists() else None


def labelled(folder: Path) -> list[Labelled]:
    """All of them, in the order of their names."""
    found = []
    for truth in sorted(folder.rglob("truth.json")):
        for capture in sorted(truth.parent.glob("capture*.pcapng")):
            keys = truth.with_name("capture.keys")
            name = "-".join([*truth.parent.relative_to(folder).parts, capture.stem]).lstrip("-")
            found.append(Labelled(name, capture, truth, keys if keys.exists() else None))
    for truth in sorted(folder.glob("labels/*.json")):
        capture = folder / truth.stem
        keys = folder / (truth.stem + ".keys")
        found.append(Labelled(truth.stem, capture, truth, keys if keys.exists() else None))
    return found
