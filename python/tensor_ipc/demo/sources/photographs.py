"""Finding photographs: in a folder, or those that come with scikit-image."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.opencv import INSTALL_HINT

_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}

#: These are files of the package itself. Others of its data sets would be downloaded on use.
_BUNDLED = ("coffee.png", "rocket.jpg", "astronaut.png", "chelsea.png", "hubble_deep_field.jpg")

#: More would only cost memory: all pictures of a pan are held scaled up.
_MAX_PICTURES = 12


def is_picture(path: Path) -> bool:
    """Tell by its name whether `path` is a picture."""
    return path.suffix.lower() in _SUFFIXES


def pictures_in(folder: Path) -> list[Path]:
    """Return the first twelve pictures of `folder`, by name.

    Raises
    ------
    DemoError
        There is none.
    """
    found = sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())
    if not found:
        msg = f"no pictures in {str(folder)!r} (looked for {', '.join(sorted(_SUFFIXES))})"
        raise DemoError(msg)
    return found[:_MAX_PICTURES]


def bundled_photographs() -> list[Path]:
    """Return the photographs that come with scikit-image, without importing it.

    Raises
    ------
    DemoError
        It is not installed.
    """
    package = importlib.util.find_spec("skimage")
    folders = package.submodule_search_locations if package else None
    if not folders:
        msg = f"the demo's photographs come with scikit-image: {INSTALL_HINT}, or give --source"
        raise DemoError(msg)
    data = Path(next(iter(folders))) / "data"
    found = [data / name for name in _BUNDLED if (data / name).is_file()]
    if not found:
        msg = f"none of {', '.join(_BUNDLED)} in {str(data)!r}: give --source"
        raise DemoError(msg)
    return found
