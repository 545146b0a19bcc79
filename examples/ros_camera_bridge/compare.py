"""One camera and four readers: as four ROS nodes, and as four processes beside one bridge.

    python compare.py --size 1920x1080 --rate 30 --seconds 10 --plot comparison.png

Needs ROS 2 (rclpy, sensor_msgs), tensor-ipc with its extra [ros], and matplotlib for the plot.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

HERE = Path(__file__).resolve().parent
_TICKS = os.sysconf("SC_CLK_TCK")
_HANG_S = 20


class Options(NamedTuple):
    """What is compared."""

    size: str = "1920x1080"
    rate: float = 30.0
    seconds: float = 10.0
    readers: int = 4


class Process:
    """A program of this folder, or the bridge, and the CPU time it took."""

    def __init__(self, name: str, *command: str, environment: dict[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=HERE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        """Return the next line it prints."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = f"{self.name} ended with {self._process.wait()}"
            raise RuntimeError(msg)
        return line

    def ask(self) -> dict[str, Any]:
        """Return what a reader saw since the last question."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.read())
        return answer

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def end(self) -> None:
        """Ask it to end, and do not ask for long."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=_HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # a ROS node does not always end when it should
            self._process.communicate()


def main() -> None:
    """Measure both, print a table, draw the plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT of the images")
    parser.add_argument("--rate", type=float, default=30.0, help="images a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each half")
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--plot", type=Path, help="file for the plot")
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    options = Options(arguments.size, arguments.rate, arguments.seconds, arguments.readers)

    found = {"rclpy": measure(options, bridged=False), "bridge": measure(options, bridged=True)}
    print(table(options, found))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({**options._asdict(), **found}, indent=1) + "\n")
    if arguments.plot is not None:
        plot(options, found, arguments.plot)
        print(f"plot: {arguments.plot}")


_BRIDGE = ("-m", "tensor_ipc.cli", "ros-bridge", "--config", "bridge.yaml")


def measure(
    options: Options, *, bridged: bool, bridge: tuple[str, ...] = _BRIDGE
) -> dict[str, Any]:
    """Return frames, ages and CPU of all processes of one half."""
    environment = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_DEFAULT_PROFILES_FILE": str(HERE / "fastdds.xml"),
        **os.environ,
        "TENSOR_IPC_NAMESPACE": f"example{uuid4().hex[:8]}",  # away from pools of that name
    }
    running: list[Process] = []

    def start(name: str, *command: str) -> Process:
        running.append(Process(name, *command, environment=environment))
        return running[-1]

    try:
        start("camera", "camera.py", options.size, str(options.rate))
        if bridged:
            start("bridge", *bridge)
        program = "pool_reader.py" if bridged else "ros_reader.py"
        readers = [start(f"reader {index}", program) for index in range(options.readers)]
        for reader in readers:
            reader.read()
        while not all(reader.ask()["frames"] for reader in readers):
            time.sleep(0.2)  # until the first images have come to everyone

        for reader in readers:
            reader.ask()
        before_s = {process.name: process.cpu_s() for process in running}
        begin_s = time.monotonic()
        time.sleep(options.seconds)
        elapsed_s = time.monotonic() - begin_s
        answers = [reader.ask() for reader in readers]
        cpu_s = {process.name: process.cpu_s() - before_s[process.name] for process in running}
    finally:
        for process in reversed(running):
            process.end()
    return {
        "elapsed_s": elapsed_s,
        "readers": answers,
        "frames_per_s": [answer["frames"] / elapsed_s for answer in answers],
        "cpu_percent": {name: 100 * spent / elapsed_s for name, spent in cpu_s.items()},
    }


def table(options: Options, found: dict[str, Any]) -> str:
    """Return both halves side by side."""
    lines = [
        f"camera {options.size} rgb8 at {options.rate:g} Hz, {options.readers} readers",
        "",
        "| | frames/s of each reader | age p50 | age p99 | CPU readers | CPU bridge | CPU camera |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    names = {"rclpy": "each reader a ROS node", "bridge": "one bridge, readers without ROS"}
    for key, name in names.items():
        half = found[key]
        cpu = half["cpu_percent"]
        rates = half["frames_per_s"]
        lines.append(
            f"| {name} | {min(rates):.1f} to {max(rates):.1f} | {_worst(half, 'age_ms_p50')} | "
            f"{_worst(half, 'age_ms_p99')} | {_of_readers(cpu):.0f} % | "
            f"{cpu.get('bridge', 0):.0f} % | {cpu['camera']:.0f} % |"
        )
    lines += ["", "Ages are the worst of all readers; 100 % is one core."]
    return "\n".join(lines)


def plot(options: Options, found: dict[str, Any], path: Path) -> None:
    """Draw frames per second and CPU of both halves."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the plot

    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    labels = ["rclpy nodes", "bridge + pool"]
    halves = [found["rclpy"], found["bridge"]]
    left.bar(
        labels, [sum(half["frames_per_s"]) / options.readers for half in halves], width=0.5
    )
    left.axhline(options.rate, linestyle="--", linewidth=1)
    left.set(title="frames/s of a reader (dashed: camera)", ylim=(0, None))
    bottom = [0.0, 0.0]
    parts = {
        "readers": [_of_readers(half["cpu_percent"]) for half in halves],
        "bridge": [half["cpu_percent"].get("bridge", 0.0) for half in halves],
        "camera": [half["cpu_percent"]["camera"] for half in halves],
    }
    for name, values in parts.items():
        right.bar(labels, values, bottom=bottom, width=0.5, label=name)
        bottom = [low + value for low, value in zip(bottom, values)]
    right.set(title="CPU, % of one core")
    right.legend()
    figure.suptitle(f"{options.size} at {options.rate:g} Hz, {options.readers} readers")
    figure.savefig(path)
    plt.close(figure)


def _of_readers(cpu: dict[str, float]) -> float:
    return sum(percent for name, percent in cpu.items() if name.startswith("reader"))


def _worst(half: dict[str, Any], key: str) -> str:
    ages = [answer[key] for answer in half["readers"] if answer[key] is not None]
    return f"{max(ages):.1f} ms" if ages else "none came"


if __name__ == "__main__":
    main()
