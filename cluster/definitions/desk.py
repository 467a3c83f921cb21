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
        patience_ms: how long an inquiry may wait for a store that is away, from its begin; 0: not
            at all.
    """

    def __init__(
        self,
        store: MetadataStore,
        keys: KeySpace,
        node: str,
        life: str,
        now_ms: Callable[[], int],
        patience_ms: int = 0,
    ) -> None:
        self._patience_ms = patience_ms
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
        patient_until_ms = self._now_ms() + self._patience_ms
        lane = await self._free_lane()
        try:
            question = next(inquiry)
            while True:
                question = inquiry.send(await self._answer(lane, question, patient_until_ms))
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            self._lanes.put_nowait(lane)

    async def _free_lane(self) -> Lane:
        """Return a lane that nobody uses; those of a store that is away come free in the end.

        Raises:
            StoreAwayError: none came free in time.
        """
        if not self._patience_ms:
            return await self._lanes.get()
        try:
            async with asyncio.timeout(self._patience_ms / 1000):
                return await self._lanes.get()
        except TimeoutError:
            raise StoreAwayError("all changes that are under way wait for the store") from None

    async def _answer(self, lane: Lane, question: Question, patient_until_ms: int) -> Answer:
        while True:
            try:
                return await self._answer_once(lane, question)
            except StoreAwayError:  # nothing was done, and never will be
                if self._now_ms() >= patient_until_ms:
                    raise
                await asyncio.sleep(RETRY_MS / 1000)

    async def _answer_once(self, lane: Lane, question: Question) -> Answer:
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
