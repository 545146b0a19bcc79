"""For libraries that deliver frames on a thread of their own: the newest, to who waits for it."""

from __future__ import annotations

import threading
from typing import Any


class Handover:
    """Holds one item. Putting another replaces it, as a subscriber of cameras wants it."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._item: Any = None

    def put(self, item: Any) -> None:
        """Give `item` to who waits, or to the next who does."""
        with self._news:
            self._item = item
            self._news.notify()

    def take(self, timeout_s: float) -> Any:
        """Return the item, once; ``None`` after `timeout_s`."""
        with self._news:
            self._news.wait_for(lambda: self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item
