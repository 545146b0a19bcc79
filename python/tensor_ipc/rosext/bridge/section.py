"""Reading a configuration: every key is checked, and errors say where it stands."""

from __future__ import annotations

import difflib
from typing import Any, Sequence

from tensor_ipc.errors import BridgeConfigError

_REQUIRED = object()


class Section:
    """One mapping of a configuration. Keys that nobody takes are errors.

    Parameters
    ----------
    content
        What was found there.
    where
        File and keys that lead here, for errors.
    """

    def __init__(self, content: object, where: str) -> None:
        if not isinstance(content, dict):
            msg = f"{where}: expected keys and values, found {_shown(content)}"
            raise BridgeConfigError(msg)
        self._content = content
        self._where = where
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """Return where a key stands."""
        return f"{self._where}.{key}" if self._where.endswith("]") else f"{self._where}: {key}"

    def refuse(self, key: str, reason: str) -> BridgeConfigError:
        """Return the error of a key."""
        return BridgeConfigError(f"{self.at(key)}: {reason}")

    def value(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return what a key has, of whatever type. A key without a value counts as left out."""
        self._known.append(key)
        found = self._content.get(key)
        if found is not None:
            return found
        if default is _REQUIRED:
            raise self.refuse(key, "missing")
        return default

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a text that is not empty."""
        found = self.value(key, default)
        if found is not default and not _is_text(found):
            raise self.refuse(key, f"expected a text, found {_shown(found)}")
        return found

    def choice(self, key: str, among: Sequence[str], default: Any = _REQUIRED) -> Any:
        """Return one of some texts."""
        found = self.value(key, default)
        if found is not default and found not in among:
            raise self.refuse(key, f"expected {' or '.join(among)}, found {_shown(found)}")
        return found

    def flag(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return true or false."""
        found = self.value(key, default)
        if found is not default and not isinstance(found, bool):
            raise self.refuse(key, f"expected true or false, found {_shown(found)}")
        return found

    def integer(self, key: str, least: int, most: int, default: Any = _REQUIRED) -> Any:
        """Return an integer of a range."""
        found = self.value(key, default)
        if found is not default and not (_is_integer(found) and least <= found <= most):
            raise self.refuse(
                key, f"expected an integer from {least} to {most}, found {_shown(found)}"
            )
        return found

    def positive(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a number above zero."""
        found = self.value(key, default)
        if found is default:
            return found
        if not (_is_integer(found) or isinstance(found, float)) or not 0 < found < 1e9:
            raise self.refuse(key, f"expected a number above 0, found {_shown(found)}")
        return float(found)

    def integers(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a tuple of positive integers."""
        found = self.value(key, default)
        if found is default:
            return found
        if not isinstance(found, list) or not all(_is_integer(n) and n > 0 for n in found):
            raise self.refuse(
                key, f"expected a list of positive integers, found {_shown(found)}"
            )
        return tuple(found)

    def texts(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return a tuple of texts, at least one."""
        found = self.value(key, default)
        if found is default:
            return found
        if not isinstance(found, list) or not found or not all(map(_is_text, found)):
            raise self.refuse(key, f"expected a list of texts, found {_shown(found)}")
        return tuple(found)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._content:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                reason = f"unknown key{hint} Known here: {', '.join(sorted(self._known))}"
                raise self.refuse(str(key), reason)


def _is_text(found: object) -> bool:
    return isinstance(found, str) and bool(found)


def _is_integer(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
