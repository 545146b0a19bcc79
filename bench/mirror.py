"""What a mirror gets through a link, beside iperf3 over the same: ``bench/mirror.py [SECONDS]``.

Needs root (network namespaces) and iperf3. Prints megabytes of payload a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "tests/python"), str(REPOSITORY / "tests/python/mirror")]

from links import MIRROR_ADDRESS, Link
from sides import Command, Producer

FULL_HD = (1080, 1920, 3)
DOMAIN = "59"
LINKS: dict[str, dict[str, float] | None] = {
    "veth": None,
    "20 MB/s, 10 ms": {"bytes_per_s": 20e6, "delay_s": 0.01},
    "20 MB/s, 10 ms, 0.1 % loss": {"bytes_per_s": 20e6, "delay_s": 0.01, "loss": 0.001},
}


def iperf3(link: Link, seconds: float) -> float:
    """Return what one TCP stream gets through, in MB/s."""
    server = subprocess.Popen(
        ["ip", "netns", "exec", link.mirror, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL
    )
    command = ["ip", "netns", "exec", link.source, "iperf3", "-c", MIRROR_ADDRESS, "-J"]
    try:
        while True:
            done = subprocess.run(
                [*command, "-t", str(int(seconds))], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                report: Any = json.loads(done.stdout)
                return float(report["end"]["sum_received"]["bits_per_second"]) / 8e6
            time.sleep(0.1)  # it does not listen yet
    finally:
        server.kill()
        server.wait()


def mirrored(link: Link, seconds: float, *words: str) -> tuple[float, dict[str, Any]]:
    """Return what a mirror of a fast 1080p pool gets, in MB/s, and what it says at the end."""
    name = f"bench-{os.getpid()}"
    far, near = f"far-{os.getpid()}", f"near-{os.getpid()}"
    producer = Producer(far, name, FULL_HD, 100)
    server = Command(link.source, far, "--serve", name, *link.options(link.source))
    mirror = Command(
        link.mirror, near, name, "--from", "any", *link.options(link.mirror), *words
    )
    try:
        first = mirror.wait_for(lambda facts: facts["received"] > 0)
        begin_s = time.monotonic()
        last = mirror.wait_for(lambda _: time.monotonic() - begin_s > seconds)
        rate = (last["received_bytes"] - first["received_bytes"]) / 1e6
        return rate / (time.monotonic() - begin_s), last
    finally:
        for each in (mirror, server, producer):
            each.kill()
        for path in Path("/dev/shm").glob(f"tensoripc_*{os.getpid()}=*"):
            path.unlink()


def main() -> None:
    """Measure each link."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    os.environ["TENSOR_IPC_DDS_DOMAIN"] = DOMAIN
    print(f"{'link':28} {'iperf3 TCP':>10} {'reliable':>10} {'1300 B':>10} {'best effort':>12}")
    for title, relay in LINKS.items():
        link = Link(relay)
        try:
            tcp = iperf3(link, seconds)
            reliable, _ = mirrored(link, seconds)
            small, _ = mirrored(link, seconds, "--piece-bytes", "1300")
            paced = ["--bandwidth", "15000000"] if relay else []
            best, _ = mirrored(link, seconds, "--best-effort", *paced)
        finally:
            link.remove()
        print(f"{title:28} {tcp:10.1f} {reliable:10.1f} {small:10.1f} {best:12.1f}", flush=True)


if __name__ == "__main__":
    main()
