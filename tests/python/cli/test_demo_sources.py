import sys

import numpy as np
import pytest

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.opencv import opencv
from tensor_ipc.demo.sources import open_source
from tensor_ipc.demo.sources.photographs import bundled_photographs

cv2 = pytest.importorskip("cv2")

_RED, _GREEN, _BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(colour, height=60, width=80):
    """Return an RGB picture of one colour, in OpenCV's order."""
    return np.full((height, width, 3), colour[::-1], np.uint8)


@pytest.fixture
def video(tmp_path):
    """Return a video of three pictures: red, green, blue."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (80, 60))
    assert writer.isOpened()
    for colour in (_RED, _GREEN, _BLUE):
        writer.write(picture(colour))
    writer.release()
    return path


def drawn(source, index, size=(24, 32)):
    frame = np.zeros((*size, 3), np.uint8)
    source.draw(frame, index)
    return frame


def test_picture_is_drawn_as_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), picture(_RED))

    source = open_source(str(tmp_path / "red.png"), 32, 24)

    np.testing.assert_array_equal(drawn(source, 0)[0, 0], _RED)
    source.close()


def test_folder_is_moved_over_in_the_order_of_names(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), picture(_RED))
    cv2.imwrite(str(tmp_path / "2.png"), picture(_BLUE))
    (tmp_path / "notes.txt").write_text("no picture")

    source = open_source(str(tmp_path), 32, 24)

    np.testing.assert_array_equal(drawn(source, 0)[0, 0], _RED)
    np.testing.assert_array_equal(drawn(source, 5)[0, 0], _BLUE)
    source.close()


def test_pan_starts_over_when_the_picture_is_narrower_than_the_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "narrow.png"), picture(_GREEN, height=60, width=5))

    source = open_source(str(tmp_path / "narrow.png"), 32, 24)

    for index in range(50):
        np.testing.assert_array_equal(drawn(source, index)[0, -1], _GREEN)
    source.close()


def test_pan_moves(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)

    source = open_source(str(tmp_path / "noise.png"), 32, 24)

    assert not np.array_equal(drawn(source, 0), drawn(source, 1))
    source.close()


def test_video_is_played_over_and_over(video):
    source = open_source(str(video), 32, 24)

    played = [drawn(source, index)[12, 16] for index in range(6)]

    for pixel, colour in zip(played, [_RED, _GREEN, _BLUE] * 2):
        assert np.argmax(pixel) == np.argmax(colour)
    source.close()


def test_video_of_another_shape_fills_the_frame(video):
    source = open_source(str(video), 100, 20)

    frame = drawn(source, 0, size=(20, 100))

    assert (frame[..., 0] > 200).all()
    source.close()


def test_video_of_the_frame_size_is_drawn_unscaled(video):
    source = open_source(str(video), 80, 60)

    assert (drawn(source, 0, size=(60, 80))[..., 0] > 200).all()
    source.close()


def test_photographs_are_there_without_a_download():
    pytest.importorskip("skimage")

    assert len(bundled_photographs()) >= 4


@pytest.mark.parametrize("name", ["missing.mp4", "missing", "/dev/video999"])
def test_missing_source_is_refused(name):
    with pytest.raises(DemoError, match="no such source"):
        open_source(name, 32, 24)


def test_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DemoError, match="no pictures in"):
        open_source(str(tmp_path), 32, 24)


@pytest.mark.parametrize("name", ["broken.png", "broken.mp4"])
def test_broken_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"not what the name says")

    with pytest.raises(DemoError, match="cannot be"):
        open_source(str(tmp_path / name), 32, 24)


def test_missing_opencv_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(DemoError, match=r'pip install "tensor-ipc\[demo\]"'):
        opencv()


def test_missing_photographs_say_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(DemoError, match=r'pip install "tensor-ipc\[demo\]"'):
        bundled_photographs()
