"""Writes findings as docs/corpus.md has them: one value of one class to one destination is one finding."""
import json
import re
from pathlib import Path

from material import Source

MOST_PACKETS = 256


def write(path: Path, tool: str, found) -> int:
    """Folds (class, value, source) and writes a line for each. Gives the number of lines."""
    folded: dict[tuple, dict] = {}
    for data_class, value, source in found:
        assert isinstance(source, Source)
        value = str(value)
        key = (data_class, re.sub(r"\s+", " ", value).strip().casefold(), source.ip, source.host if source.ip is None else None)
        one = folded.setdefault(key, {"value": value, "source": source, "packets": set()})
        one["packets"].update(source.packets)
    with path.open("w") as out:
        for (data_class, _, _, _), one in folded.items():
            to = one["source"]
            line = {"tool": tool, "data_class": data_class, "destination": {"ip": to.ip, "port": to.port, "host": to.host},
                    "packets": sorted(one["packets"])[:MOST_PACKETS], "value": one["value"][:500], "bytes": len(one["value"].encode())}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    return len(folded)
