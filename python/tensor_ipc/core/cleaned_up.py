"""What producers, consumers and the like have in common: they end with `cleanup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class CleanedUp:
    """A context manager that calls its own `cleanup` at the end of the block."""

    def cleanup(self) -> None:
        """End what this object does. Calling it again does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Call `cleanup`."""
        self.cleanup()
