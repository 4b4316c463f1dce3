"""One file for each peer: NAME with its version, and find(material), which gives (class, value, source)."""
from pathlib import Path

# Where `run` installs what the peers are.
TOOLS = Path(__file__).resolve().parents[3] / "target/peers"
