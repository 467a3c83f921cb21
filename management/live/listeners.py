"""Who listens: as many as may at a time, each with its events that were not sent yet.

A client that reads too slowly loses events, and is told so. It never makes the node keep more than
``BUFFER_BYTES`` for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from management.http.errors import UNAVAILABLE, HttpError
from management.http.event_stream import BEAT, BEAT_S, event

LISTENERS_MAX: Final = 64
"""Streams of events at a time, in a node."""

BUFFER_BYTES: Final = 256 * 1024
"""What may wait for one client."""


class Listener:
    """A client's stream.

    Attributes:
        lost_count: events that were dropped so far; where it has grown, a source that sends changes
            must begin anew.

    Args:
        may_listen: whether its user still may; asked at each beat.
        beat_s: how often it beats without events.
    """

    def __init__(self, may_listen: Callable[[], bool], beat_s: float = BEAT_S) -> None:
        self._may_listen = may_listen
        self._beat_s = beat_s
        self._events: list[bytes] = []
        self._bytes = 0
        self.lost_count = 0
        self._told_count = 0
        self._is_ended = False
        self._woken = asyncio.Event()

    def put(self, octets: bytes) -> None:
        """Have an event sent; the oldest ones are dropped where too much waits."""
        self._events.append(octets)
        self._bytes += len(octets)
        if self._bytes > BUFFER_BYTES:
            self._drop_oldest()
        self._woken.set()

    def _drop_oldest(self) -> None:
        count = 0
        while self._bytes > BUFFER_BYTES and count < len(self._events):
            self._bytes -= len(self._events[count])
            count += 1
        del self._events[:count]
        self.lost_count += count

    def end(self) -> None:
        """End the stream after what waits."""
        self._is_ended = True
        self._woken.set()

    async def sent(self) -> AsyncIterator[bytes]:
        """Yield what waits, as it comes, and a beat where nothing does; until it is ended."""
        while True:
            await self._wait()
            if not self._may_listen():
                return
            if self._events or self._is_late:
                yield self._taken()
            elif self._is_ended:
                return
            else:
                yield BEAT

    async def _wait(self) -> None:
        """Wait for an event or the end, but not longer than for the next beat."""
        self._woken.clear()
        if self._events or self._is_late or self._is_ended:
            return
        try:
            async with asyncio.timeout(self._beat_s):
                await self._woken.wait()
        except TimeoutError:
            return

    @property
    def _is_late(self) -> bool:
        """Whether the client has lost events that it was not told of."""
        return self.lost_count > self._told_count

    def _taken(self) -> bytes:
        lost = self.lost_count - self._told_count
        octets = (event({"lost": lost}, "lag") if lost else b"") + b"".join(self._events)
        self._events.clear()
        self._bytes, self._told_count = 0, self.lost_count
        return octets


class Listeners:
    """The streams of a node, of all kinds."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def require_room(self) -> None:
        """Refuse one more where there are as many as may be.

        Raises:
            HttpError: 503.
        """
        if len(self._listeners) >= LISTENERS_MAX:
            raise HttpError(UNAVAILABLE, "unavailable", "too many streams of events at a time")

    async def serve(
        self,
        listener: Listener,
        begin: Callable[[Listener], None] | None = None,
        end: Callable[[Listener], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield the events of a listener, for as long as its client stays.

        Args:
            listener: nobody else's.
            begin: called once the client is there: subscribes the listener to its source.
            end: called once it is gone, if ``begin`` was.
        """
        if len(self._listeners) >= LISTENERS_MAX:
            return
        self._listeners.add(listener)
        try:
            if begin is not None:
                begin(listener)
            async for octets in listener.sent():
                yield octets
        finally:
            self._listeners.discard(listener)
            if end is not None:
                end(listener)

    def end(self) -> None:
        """End all streams: the node stops."""
        for listener in tuple(self._listeners):
            listener.end()
