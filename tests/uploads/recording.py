"""What passes over the loopback interface, recorded with dumpcap from the first packet to the last."""

import pathlib
import re
import signal
import socket
import subprocess
import time

PATIENCE = 30.0


class Recording:
    """Records what goes to and from some addresses into a file."""

    def __init__(self, file, addresses):
        self.file = pathlib.Path(file)
        # Datagrams to here stand in the recording where it began and where it ends; nobody listens.
        self.mark_at = (addresses[0], 9)
        wanted = " or ".join(f"host {address}" for address in addresses)
        self.errors = open(self.file.with_suffix(".log"), "w+b")
        # Promiscuous mode says nothing on loopback; the buffer is large because the machine may be busy.
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-p", "-i", "lo", "-B", "128", "-s", "0", "-f", wanted, "-w", str(self.file)],
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
        )
        try:
            self.mark(b"the recording begins")
        except BaseException:
            self.process.kill()
            raise

    def mark(self, words):
        """Sends a datagram until it is seen in the file: all that was sent before it then is there too."""
        deadline = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
            while not self.holds(words):
                if self.process.poll() is not None:
                    raise SystemExit(f"dumpcap ended: {self.told()}")
                if time.monotonic() > deadline:
                    raise SystemExit(f"dumpcap recorded nothing in {PATIENCE} s: {self.told()}")
                mark.sendto(words, self.mark_at)
                time.sleep(0.1)

    def holds(self, words):
        if not self.file.exists():
            return False
        with self.file.open("rb") as recorded:
            # The mark is the last thing that was sent.
            recorded.seek(max(0, self.file.stat().st_size - (1 << 16)))
            return words in recorded.read()

    def told(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def end(self):
        """Ends the recording; fails if packets were lost."""
        self.mark(b"the recording ends")
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        counted = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", self.told())
        if counted is None or counted[2] != "0":
            raise SystemExit(f"packets were lost, or not counted: {self.told()}")
