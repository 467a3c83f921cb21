"""Runs inquiries against a store, several at a time; each change is carried out once."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from cluster.definitions.inquiry import Answer, Inquiry, Question, Range
from cluster.definitions.lane import Lane
from cluster.metadata.errors import OutcomeUnknownError, StoreAwayError
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import MetadataStore, Outcome, Unknown

T = TypeVar("T")

LANES: Final = 8
"""Changes of one node that are under way at a time."""

RETRY_MS: Final = 100
SETTLED_WITHIN_MS: Final = 30_000


class Desk:
    """Asks a metadata store for this node.

    Args:
        store: that is asked.
        keys: of the cluster.
        node: the name of this node.
        life: of this process; no other one has the same.
        now_ms: the own monotonic clock.
    """

    def __init__(
        self,
        store: MetadataStore,
        keys: KeySpace,
        node: str,
        life: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._lanes: asyncio.Queue[Lane] = asyncio.Queue()
        for number in range(LANES):
            self._lanes.put_nowait(Lane(keys.lane(node, number), life))

    async def run(self, inquiry: Inquiry[T]) -> T:
        """Return what comes of an inquiry.

        Raises:
            OutcomeUnknownError: the store went away before it was certain.
            MetadataError: nothing was done after the last change that was answered.
        """
        lane = await self._lanes.get()
        try:
            question = next(inquiry)
            while True:
                question = inquiry.send(await self._answer(lane, question))
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            self._lanes.put_nowait(lane)

    async def _answer(self, lane: Lane, question: Question) -> Answer:
        if isinstance(question, Range):
            return await self._store.read_range(question.start, question.end)
        settling = lane.carrying_out(question)
        try:
            asked = next(settling)
            gives_up_at_ms: int | None = None
            while True:
                outcome: Outcome
                try:
                    outcome = await self._store.transact(asked)
                except StoreAwayError as error:
                    if gives_up_at_ms is None:
                        raise
                    outcome = Unknown(str(error))
                if isinstance(outcome, Unknown):
                    now_ms = self._now_ms()
                    if gives_up_at_ms is None:
                        gives_up_at_ms = now_ms + SETTLED_WITHIN_MS
                    elif now_ms >= gives_up_at_ms:
                        raise OutcomeUnknownError(outcome.reason)
                    else:
                        await asyncio.sleep(RETRY_MS / 1000)
                asked = settling.send(outcome)
        except StopIteration as end:
            settled: Answer = end.value
            return settled
