"""A watch of etcd: one HTTP answer that goes on, a JSON object on each line.

After a silence it is begun anew, on another connection and behind what was told, as etcd itself
says something only every ten minutes and a cut link says nothing at all.
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
from cluster.metadata.etcd.http import Http, Lines
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
                async for told in _told(lines, requests, place):
                    yield told
        except AnswerTooLongError as error:
            raise CompactedError(0) from error  # pages can be read where this cannot
        except StoreAwayError as error:
            requests.stream_failed(url)
            raise StoreAwayError(f"the watch broke: {error}") from error


async def _told(lines: Lines, requests: Requests, place: _Place) -> AsyncGenerator[Told]:
    """Yield what a stream tells, until it is silent."""
    first = True
    while (line := await lines.next(first=first)) is not None:
        if not line:
            continue
        fields = fields_of(line)
        result = _result(lines.status, fields)
        requests.require_same_store(result)
        events = list_in(result.get("events"))
        await place.take(events)
        for changes in place.whole(more_follows=result.get("fragment") is True):
            place.revision = changes.revision + 1
            yield changes
        if not events:
            yield Progress(revision_in(result))
        first = False
    if first:
        raise StoreAwayError("the watch did not begin in time")


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
