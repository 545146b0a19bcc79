"""What the demo refuses."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot run, or a part of it ended early. The message says what to do."""
