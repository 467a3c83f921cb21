"""A watch of etcd: one HTTP answer that goes on, a JSON object on each line.

etcd itself says something only every ten minutes, and a cut link says nothing at all. So in a
silence the member is asked for a sign of life. Without one the watch is over, and another member is
asked next: else a node would hear of the end of a lease when the cut is over. After a long silence
the watch is begun anew, on another connection and behind what was told.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cluster.metadata.errors import (
    AnswerTooLongError,
    CompactedError,
    RequestRefusedError,
    StoreAwayError,
)
from cluster.metadata.etcd.faults import Meaning, fault_in
from cluster.metadata.etcd.http import Http, Lines, Times
from cluster.metadata.etcd.messages import (
    Fields,
    change_in,
    fields_of,
    list_in,
    number_in,
    object_in,
    revision_in,
    text_in,
    watch_request,
)
from cluster.metadata.etcd.requests import Requests, error_of
from cluster.metadata.port import Change, Changes, Progress, Told

EVENTS_OF_REVISION_MAX: Final = 100_000
"""Events of one revision, in as many fragments as they come."""

EVENTS_PER_STEP: Final = 500
"""Events that are decoded before others have the loop."""


@dataclass(slots=True)
class _Place:
    """The revision to tell next, and what came of those that are not whole yet.

    An answer that is too long for etcd comes in fragments, and a revision may begin in one and end
    in another. One answer may hold several revisions.
    """

    revision: int
    begun: dict[int, list[Change]] = field(default_factory=dict)

    async def take(self, events: Sequence[object]) -> None:
        """Decode events, in steps."""
        for index, event in enumerate(events):
            revision, change = change_in(event)
            self.begun.setdefault(revision, []).append(change)
            if index % EVENTS_PER_STEP == EVENTS_PER_STEP - 1:
                await asyncio.sleep(0)

    def whole(self, *, more_follows: bool) -> list[Changes]:
        """Return the revisions that are whole and were not told; the last one may go on."""
        last = max(self.begun, default=0) if more_follows else 0
        begun, self.begun = self.begun, {}
        if last:
            self.begun[last] = begun.pop(last)
            if len(self.begun[last]) > EVENTS_OF_REVISION_MAX:
                raise AnswerTooLongError(f"revision {last} has too many events")
        return [
            Changes(revision, tuple(changes))
            for revision, changes in sorted(begun.items())
            if revision >= self.revision
        ]


async def watch_etcd(
    http: Http, requests: Requests, span: tuple[bytes, bytes], from_revision: int
) -> AsyncGenerator[Told]:
    """Tell what changes in a range; see the port.

    Args:
        http: the connections.
        requests: which member is asked, and as whom.
        span: start and end of the range.
        from_revision: the first to tell.
    """
    place = _Place(from_revision)
    while True:
        place.begun.clear()
        url, headers = await requests.stream_headers()
        request = watch_request(*span, place.revision)
        try:
            async with http.stream(f"{url}watch", request, headers) as lines:
                listening = _Listening(lines, http.times, requests, url)
                async for told in _told(listening, requests, place):
                    yield told
        except AnswerTooLongError as error:
            raise CompactedError(0) from error  # pages can be read where this cannot
        except StoreAwayError as error:
            requests.stream_failed(url)
            raise StoreAwayError(f"the watch broke: {error}") from error


class _Listening:
    """The lines of a watch, and what tells a member with nothing to tell from one that is gone."""

    def __init__(self, lines: Lines, times: Times, requests: Requests, url: str) -> None:
        self.status = lines.status
        self._lines = lines
        self._times = times
        self._requests = requests
        self._url = url
        self._has_begun = False

    async def next(self) -> bytes | None:
        """Return the next line; None after a silence in which the member was there.

        Raises:
            StoreAwayError: the watch did not begin in time, or the member is gone.
        """
        if not self._has_begun:
            self._has_begun = True
            if (first := await self._lines.next(self._times.answer)) is None:
                raise StoreAwayError("the watch did not begin in time")
            return first
        left_ms, quiet_ms = self._times.silence, self._times.quiet
        while left_ms > quiet_ms:
            if (line := await self._lines.next(quiet_ms)) is not None:
                return line
            left_ms -= quiet_ms
            if (line := await self._line_or_sign()) is not None:
                return line
        return await self._lines.next(left_ms)

    async def _line_or_sign(self) -> bytes | None:
        """Ask the member for a sign of life; return the line that comes before one, None: no line.

        Raises:
            StoreAwayError: the stream ended; or neither came, and what else the member was asked is
                given up.
        """
        sign = asyncio.ensure_future(self._requests.require_sign(self._url))
        reading = asyncio.ensure_future(self._lines.next(self._times.silence))
        try:
            await asyncio.wait((sign, reading), return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and (line := reading.result()) is not None:
                return line
            try:
                await sign
            except StoreAwayError:
                self._requests.give_up(self._url)
                raise
        finally:
            for each in (sign, reading):
                each.cancel()
            await asyncio.gather(sign, reading, return_exceptions=True)
        return None


async def _told(listening: _Listening, requests: Requests, place: _Place) -> AsyncGenerator[Told]:
    """Yield what a stream tells, until it is silent."""
    while (line := await listening.next()) is not None:
        if not line:
            continue
        fields = fields_of(line)
        result = _result(listening.status, fields)
        requests.require_same_store(result)
        events = list_in(result.get("events"))
        await place.take(events)
        for changes in place.whole(more_follows=result.get("fragment") is True):
            place.revision = changes.revision + 1
            yield changes
        if not events:
            yield Progress(revision_in(result))


def _result(status: int, fields: Fields) -> Fields:
    """Return what a line says, unless it says that the watch is over."""
    fault = fault_in(status, fields)
    if fault is not None:
        error = None if fault.meaning is Meaning.LOGIN else error_of(fault)
        raise error or StoreAwayError(fault.text)
    result = object_in(fields.get("result"))
    if result.get("canceled") is True:
        compacted_revision = number_in(result.get("compact_revision"))
        if compacted_revision:
            raise CompactedError(compacted_revision)
        reason = text_in(result.get("cancel_reason"))
        if "permission denied" in reason:
            raise RequestRefusedError(reason)
        raise StoreAwayError(f"etcd ended the watch: {reason}")
    return result
