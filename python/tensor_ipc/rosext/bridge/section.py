"""Reading a configuration: every key is checked, and errors say where it stands."""

from __future__ import annotations

import difflib
from typing import Any, NoReturn, Sequence

from tensor_ipc.errors import BridgeConfigError

_REQUIRED = object()


class Section:
    """One mapping of a configuration. Keys that nobody takes are errors.

    Parameters
    ----------
    content
        What was found there.
    source, keys
        File, and the keys that lead here, for errors.
    """

    def __init__(self, content: object, source: str, keys: str = "") -> None:
        self._source = source
        self._keys = keys
        self._known: list[str] = []
        if not isinstance(content, dict):
            where = f"{source}: {keys}" if keys else source
            msg = f"{where}: expected keys and values, found {_shown(content)}"
            raise BridgeConfigError(msg)
        self._content = content

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise the error of a key."""
        msg = f"{self._source}: {self._path(key)}: {reason}"
        raise BridgeConfigError(msg)

    def section(self, key: str, content: object) -> Section:
        """Return what was found at a key, as a mapping of its own."""
        return Section(content, self._source, self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._keys}.{key}" if self._keys else key

    def value(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return what a key has, of whatever type. A key without a value counts as left out."""
        self._known.append(key)
        found = self._content.get(key)
        if found is not None:
            return found
        if default is _REQUIRED:
            self.refuse(key, "missing")
        return default

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a text that is not empty."""
        found = self.value(key, default)
        if found is not default and not _is_text(found):
            self.refuse(key, f"expected a text, found {_shown(found)}")
        return found

    def choice(self, key: str, among: Sequence[str], default: Any = _REQUIRED) -> Any:
        """Return one of some texts."""
        found = self.value(key, default)
        if found is not default and found not in among:
            self.refuse(key, f"expected {' or '.join(among)}, found {_shown(found)}")
        return found

    def flag(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return true or false."""
        found = self.value(key, default)
        if found is not default and not isinstance(found, bool):
            self.refuse(key, f"expected true or false, found {_shown(found)}")
        return found

    def integer(self, key: str, least: int, most: int, default: Any = _REQUIRED) -> Any:
        """Return an integer of a range."""
        found = self.value(key, default)
        if found is not default and not (_is_integer(found) and least <= found <= most):
            self.refuse(
                key, f"expected an integer from {least} to {most}, found {_shown(found)}"
            )
        return found

    def positive(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a number above zero."""
        found = self.value(key, default)
        if found is default:
            return found
        if not (_is_integer(found) or isinstance(found, float)) or not 0 < found < 1e9:
            self.refuse(key, f"expected a number above 0, found {_shown(found)}")
        return float(found)

    def integers(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a tuple of positive integers."""
        found = self.value(key, default)
        if found is default:
            return found
        if not isinstance(found, list) or not all(_is_integer(n) and n > 0 for n in found):
            self.refuse(key, f"expected a list of positive integers, found {_shown(found)}")
        return tuple(found)

    def texts(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a tuple of texts, at least one."""
        found = self.value(key, default)
        if found is default:
            return found
        if not isinstance(found, list) or not found or not all(map(_is_text, found)):
            self.refuse(key, f"expected a list of texts, found {_shown(found)}")
        return tuple(found)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._content:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                reason = f"unknown key{hint} Known here: {', '.join(sorted(self._known))}"
                self.refuse(str(key), reason)


def _is_text(found: object) -> bool:
    return isinstance(found, str) and bool(found)


def _is_integer(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
