"""Runs inquiries against a store, several at a time; each change is carried out once.

    inquiries ── questions ─▶ line ─▶ lanes ── a request of one question, or of many ─▶ store

While there is little to do, a question is a request of its own. Where many clients ask, those that
wait for a lane share a request (``joining``).
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from cluster.definitions.inquiry import Answer, Inquiry, Question, Range
from cluster.definitions.joining import Joined, joined
from cluster.definitions.lane import Lane
from cluster.metadata.errors import OutcomeUnknownError, StoreAwayError
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Done, MetadataStore, Outcome, Refused, Unknown

T = TypeVar("T")

LANES: Final = 2
"""Requests of one node that are under way at a time. More of them would have fewer questions each,
and a request costs the store and all nodes more than another question in it does."""

RETRY_MS: Final = 100
SETTLED_WITHIN_MS: Final = 30_000


@dataclass(slots=True, eq=False)
class _Asked:
    """A question in line, or under way.

    Attributes:
        answer: set with what came of it.
        patient_until_ms: how long it waits for a store that is away.
        is_alone: it shares no request any more.
    """

    question: Question
    answer: asyncio.Future[Answer]
    patient_until_ms: int
    is_alone: bool = False


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
        self._lanes = [Lane(keys.lane(node, number), life) for number in range(LANES)]
        self._line: dict[_Asked, None] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_begin_due = False

    async def run(self, inquiry: Inquiry[T]) -> T:
        """Return what comes of an inquiry.

        Raises:
            OutcomeUnknownError: the store went away before it was certain.
            MetadataError: nothing was done after the last change that was answered.
        """
        patient_until_ms = self._now_ms() + self._patience_ms
        try:
            question = next(inquiry)
            while True:
                question = inquiry.send(await self._answer(question, patient_until_ms))
        except StopIteration as end:
            value: T = end.value
            return value

    async def stop(self) -> None:
        """End what is under way, and leave it open what came of it."""
        under_way = tuple(self._under_way)
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    # -- the line ---------------------------------------------------------------------------------

    async def _answer(self, question: Question, patient_until_ms: int) -> Answer:
        """Stand in line until it is answered.

        Raises:
            StoreAwayError: no lane came free in time; those of a store that is away do in the end.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(question, loop.create_future(), patient_until_ms)
        self._line[asked] = None
        self._begin_soon()
        timer = None
        if self._patience_ms:
            timer = loop.call_later(self._patience_ms / 1000, self._give_up, asked)
        try:
            return await asked.answer
        finally:
            self._line.pop(asked, None)
            if timer is not None:
                timer.cancel()

    def _give_up(self, asked: _Asked) -> None:
        if asked in self._line:
            text = "all changes that are under way wait for the store"
            asked.answer.set_exception(StoreAwayError(text))

    def _begin_soon(self) -> None:
        """Let those that are asked at one moment stand in line before a lane takes them."""
        if not self._is_begin_due:
            self._is_begin_due = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Have each free lane take what it can of the line."""
        self._is_begin_due = False
        while self._line and self._lanes:
            lane = self._lanes.pop()
            taken, request = self._take()
            task = asyncio.get_running_loop().create_task(self._carry_out(lane, taken, request))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def _take(self) -> tuple[list[_Asked], Joined]:
        """Take the first off the line, with those that go with it."""
        line = [next(iter(self._line))]
        if not line[0].is_alone:
            line = [each for each in self._line if not each.is_alone]
        request = joined(each.question for each in line)
        taken = [line[number] for number in request.numbers]
        for each in taken:
            del self._line[each]
        return taken, request

    def _put_back(self, again: Iterable[_Asked]) -> None:
        """Have some stand first in line again, but for those whose asker is gone."""
        first = {each: None for each in again if not each.answer.done()}
        self._line = first | self._line

    # -- a lane -----------------------------------------------------------------------------------

    async def _carry_out(self, lane: Lane, taken: list[_Asked], request: Joined) -> None:
        try:
            await self._settle(lane, taken, request)
        finally:
            for each in taken:
                if each not in self._line and not each.answer.done():
                    each.answer.cancel()  # it was ended itself
            self._lanes.append(lane)
            self._begin()

    async def _settle(self, lane: Lane, taken: list[_Asked], request: Joined) -> None:
        """Answer those that were taken, or put them back."""
        try:
            answer = await self._answer_once(lane, request.question)
        except StoreAwayError as error:  # nothing was done, and never will be
            now_ms = self._now_ms()
            _fail((each for each in taken if now_ms >= each.patient_until_ms), error)
            if not all(each.answer.done() for each in taken):
                await asyncio.sleep(RETRY_MS / 1000)
                self._put_back(taken)
        except OutcomeUnknownError as error:
            _fail(taken, error)
        except Exception as error:  # noqa: BLE001 - the asker is told
            if len(taken) == 1:
                _fail(taken, error)
                return
            for each in taken:
                each.is_alone = True
            self._put_back(taken)
        else:
            self._hand_on(answer, taken, request)

    def _hand_on(self, answer: Answer, taken: list[_Asked], request: Joined) -> None:
        if not isinstance(answer, Done | Refused):
            _give(taken[0], answer)
            return
        again = []
        for each, its in zip(taken, request.answers(answer), strict=True):
            if its is None:
                again.append(each)
            else:
                _give(each, its)
        self._put_back(again)

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


def _give(asked: _Asked, answer: Answer) -> None:
    if not asked.answer.done():
        asked.answer.set_result(answer)


def _fail(some: Iterable[_Asked], error: Exception) -> None:
    for each in some:
        if not each.answer.done():
            each.answer.set_exception(error)
