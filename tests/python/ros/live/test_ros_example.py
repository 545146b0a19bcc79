"""The example with one camera and four readers, at its smallest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from ros_support import rclpy
from support import HANG_S, REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "ros_camera_bridge"


@pytest.fixture
def compared(tmp_path: Any) -> dict[str, Any]:
    assert rclpy
    subprocess.run(
        [
            *(sys.executable, str(EXAMPLE / "compare.py"), "--size", "64x48", "--rate", "20"),
            *("--seconds", "3", "--json", str(tmp_path / "out.json")),
            *("--plot", str(tmp_path / "out.png")),
        ],
        check=True,
        timeout=3 * HANG_S,
        stdout=(tmp_path / "table").open("w"),
        env=os.environ,
    )
    return {
        "table": (tmp_path / "table").read_text(),
        "plot": (tmp_path / "out.png").read_bytes(),
        **json.loads((tmp_path / "out.json").read_text()),
    }


def test_both_kinds_of_readers_see_the_camera(compared: dict[str, Any]) -> None:
    for way in ("rclpy", "bridge"):
        readers = compared[way]["readers"]
        assert len(readers) == 4
        for reader in readers:
            assert reader["frames"] > 0
            assert 100 < reader["brightness"] < 155  # of noise
            assert reader["has_ros"] is (way == "rclpy")
    assert "| one bridge, readers without ROS |" in compared["table"]
    assert compared["plot"].startswith(b"\x89PNG")


def test_bridge_of_the_example_is_what_its_file_says() -> None:
    yaml = pytest.importorskip("yaml")

    (entry,) = yaml.safe_load((EXAMPLE / "bridge.yaml").read_text())["topics"]

    assert (entry["topic"], entry["pool"]) == ("/camera/image_raw", "camera")
