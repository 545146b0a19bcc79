"""What both kinds of child process do alike."""

from __future__ import annotations

import contextlib
import multiprocessing
from typing import TYPE_CHECKING, Iterator

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.messages import Failed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@contextlib.contextmanager
def reporting_failure(link: Connection) -> Iterator[None]:
    """Send what goes wrong to the parent, which shows it, and end without a traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the parent decides what it means
        with contextlib.suppress(OSError):
            link.send(Failed(_reason(error)))
    finally:
        link.close()


def _reason(error: Exception) -> str:
    if isinstance(error, DemoError):
        return str(error)
    name = multiprocessing.current_process().name
    return f"the process '{name}' failed: {type(error).__name__}: {error}"
