"""What one who watches gets: copies of messages that pass, as many as are wanted in a second.

A tap never grows: what is too fast, too much or too large is counted as lost, or cut. So a watcher
that takes nothing costs the publisher a comparison for each run.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from persistence.record import Run

RATE_MAX: Final = 1_000
"""Most messages that a tap copies in a second."""

BURST_PARTS: Final = 10
"""A tap copies a tenth of its rate at once."""

WAITING_MAX: Final = 1_000
"""Copies that wait to be taken, at most."""

WAITING_BYTES_MAX: Final = 256 << 10
"""And the octets of their payloads and headers."""

_SECOND_MS: Final = 1_000


class Passed(NamedTuple):
    """A message that passed.

    Attributes:
        at_ms: when (instant).
        header: payload of its content header.
        payload: its body, up to where it is cut.
        payload_bytes: size of the whole body.
    """

    at_ms: int
    exchange: str
    routing_key: str
    header: bytes
    payload: bytes
    payload_bytes: int


class Tap:
    """The copies for one watcher.

    Attributes:
        is_ended: its queue is gone; nothing more will come.

    Args:
        rate: copies in a second; at most ``RATE_MAX``.
        truncate_bytes: where payloads are cut.
        wake: called when something waits that was not there, or the end has come. It must not
            raise, and only notes it.
    """

    def __init__(self, rate: int, truncate_bytes: int, wake: Callable[[], None]) -> None:
        self._rate = max(1, min(rate, RATE_MAX))
        self._truncate_bytes = truncate_bytes
        self._wake = wake
        self._burst = max(self._rate // BURST_PARTS, 1)
        self._credit_ms = self._burst * _SECOND_MS
        self._seen_ms = 0
        self._waiting: list[Passed] = []
        self._waiting_bytes = 0
        self._lost_count = 0
        self.is_ended = False

    def pass_by(self, run: Run, now_ms: int) -> None:
        """Copy messages of a run, as many as there is room for; the others are lost."""
        full_ms = self._burst * _SECOND_MS
        grown_ms = self._credit_ms + (now_ms - self._seen_ms) * self._rate
        self._credit_ms, self._seen_ms = min(grown_ms, full_ms), now_ms
        was_quiet = not self._waiting and not self._lost_count
        count = min(len(run), self._credit_ms // _SECOND_MS, WAITING_MAX - len(self._waiting))
        self._credit_ms -= count * _SECOND_MS
        for copied, record in enumerate(run[:count]):
            if self._waiting_bytes >= WAITING_BYTES_MAX:
                count = copied
                break
            payload = bytes(record.body[: self._truncate_bytes])
            self._waiting_bytes += len(payload) + len(record.header)
            self._waiting.append(
                Passed(
                    now_ms,
                    record.exchange,
                    record.routing_key,
                    bytes(record.header),
                    payload,
                    len(record.body),
                )
            )
        self._lost_count += len(run) - count
        if was_quiet:
            self._wake()

    def take(self) -> tuple[list[Passed], int]:
        """Take the copies that wait; return them, and how many messages were lost meanwhile."""
        taken = self._waiting, self._lost_count
        self._waiting, self._waiting_bytes, self._lost_count = [], 0, 0
        return taken

    def end(self) -> None:
        """Note that nothing more will come."""
        self.is_ended = True
        self._wake()
