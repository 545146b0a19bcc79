"""The demo as a whole: three processes, as a user starts them."""

import json
import os
import signal

import numpy as np
import pytest

from tensor_ipc import list_pools

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of small pictures that are all different."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(3)
    for number in range(3):
        picture = random.integers(0, 256, (90, 160, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


@pytest.fixture
def demo(start, tmp_path):
    def run(*args, **options):
        picture = tmp_path / "sheet.png"
        return start(
            "-m", "tensor_ipc.cli", "demo", "--picture", picture, *args, cwd=tmp_path, **options
        )

    return run


@pytest.fixture
def endless(demo, pictures):
    """Return a demo that runs until it is ended, and has reported frames at both consumers."""
    process = demo("--source", pictures, "--size", "160x90", "--seconds", "0")
    line = process.stdout.readline()
    while line and line.count(" 0 received") > 0:
        line = process.stdout.readline()
    assert line, process.stderr.read()
    return process


def test_pictures_of_a_folder_arrive_whole(demo, pictures, tmp_path, segments):
    process = demo("--source", pictures, "--size", "160x90", "--seconds", "2", "--json")
    output, errors = process.communicate()

    assert process.returncode == 0, errors
    summary = json.loads(output)
    assert summary["ok"] is True
    assert summary["published"]["frames"] > 0
    for consumer in (summary["newest"], summary["history"]):
        assert consumer["failures"] == 0
        assert consumer["frames"] + consumer["missed"] == summary["published"]["frames"]
        assert consumer["latency_p99_us"] >= consumer["latency_p50_us"] > 0
    assert summary["newest"]["verified"] == summary["newest"]["frames"]
    assert summary["history"]["verified"] > summary["newest"]["verified"]
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (900, 1280, 3)
    assert segments() == []


def test_photographs_arrive_whole_by_default(demo, tmp_path):
    pytest.importorskip("skimage")
    process = demo("--seconds", "2")
    output, errors = process.communicate()

    assert process.returncode == 0, errors
    assert "OK: every frame received was whole" in output
    assert "1920x1080 RGB" in output
    assert (tmp_path / "sheet.png").is_file()


def test_corrupted_frames_are_noticed_by_both_consumers(demo, pictures):
    process = demo(
        "--source", pictures, "--size", "160x90", "--seconds", "2", "--corrupt", "3", "--json"
    )
    output, errors = process.communicate()

    assert process.returncode == 1, errors
    summary = json.loads(output)
    assert summary["ok"] is False
    assert summary["newest"]["failures"] > 0
    assert summary["history"]["failures"] > 0
    assert summary["newest"]["failures"] < summary["newest"]["verified"]


def test_source_that_is_not_there_is_refused(demo, tmp_path):
    process = demo("--source", tmp_path / "missing.mp4")
    output, errors = process.communicate()

    assert process.returncode == 1
    assert output == ""
    assert errors.startswith("DemoError: no such source")


@pytest.mark.parametrize("path", ["missing/sheet.png", "sheet.txt"])
def test_picture_that_cannot_be_written_is_refused_at_once(start, tmp_path, path):
    process = start("-m", "tensor_ipc.cli", "demo", "--picture", tmp_path / path)
    output, errors = process.communicate()

    assert process.returncode == 1
    assert output == ""
    assert errors.startswith("DemoError: ")


def test_interrupt_ends_the_demo_with_its_summary(endless):
    endless.send_signal(signal.SIGINT)
    output, errors = endless.communicate()

    assert endless.returncode == 0
    assert "OK: every frame received was whole" in output
    assert errors == ""


def test_interrupt_of_the_whole_terminal_is_as_good(demo, pictures):
    """Ctrl-C reaches the children too: they must leave the ending to the parent."""
    process = demo(
        "--source", pictures, "--size", "160x90", "--seconds", "0", start_new_session=True
    )
    while " 0 received" in process.stdout.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate()

    assert process.returncode == 0
    assert "OK: every frame received was whole" in output
    assert errors == ""


def test_children_end_and_remove_the_pool_when_the_parent_is_killed(endless, segments):
    assert len(segments()) == 1

    endless.kill()
    endless.stdout.read()  # ends when the last child has closed its end

    assert segments() == []


def test_killed_producer_is_reported_and_its_pool_removed(endless, segments):
    (pool,) = list_pools()
    os.kill(pool.producer_pid, signal.SIGKILL)
    _, errors = endless.communicate()

    assert endless.returncode == 1
    assert errors.startswith("DemoError: the producer process ended early")
    assert segments() == []
