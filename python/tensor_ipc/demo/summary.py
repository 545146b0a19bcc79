"""The outcome of a run of the demo."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensor_ipc.demo.messages import Published, Received


@dataclass(frozen=True)
class DemoSummary:
    """What was published, and what each consumer received of it.

    The same form serves for the figures while the demo runs.
    """

    pool: str
    source: str
    width: int
    height: int
    frame_bytes: int
    published: Published
    newest: Received
    history: Received
    picture: str | None = None

    @property
    def checksum_failures(self) -> int:
        """Wrong frames, of both consumers."""
        return self.newest.failures + self.history.failures

    @property
    def ok(self) -> bool:
        """Both consumers received frames, and every one was whole."""
        received = self.newest.frames > 0 and self.history.frames > 0
        return received and self.checksum_failures == 0

    @property
    def copied_bytes(self) -> int:
        """Bytes that had to be copied for the consumers, as the library counts them."""
        return self.newest.copied_bytes + self.history.copied_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        document = asdict(self)
        for name, figures in (
            ("published", self.published),
            ("newest", self.newest),
            ("history", self.history),
        ):
            document[name]["rate_hz"] = round(figures.rate_hz, 2)
        document.update(
            ok=self.ok,
            checksum_failures=self.checksum_failures,
            copied_bytes=self.copied_bytes,
        )
        return document
