"""What a front half has asked the leader, and who waits for the answer.

A question that a leader has not answered when its leadership ends is asked again: what was got goes
back with the old one, and to purge or to count twice does no harm. While a leader on this node may
deliver nothing, only counts are asked for: a get would be told that there is nothing.
"""

from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple, Protocol, TypeAlias

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Counts, Got, Purged, Question

Answer: TypeAlias = Got | Purged | Counts

Then: TypeAlias = Callable[[Answer | None], None]
"""Takes the answer, in a turn of its own or at once; None where there was none in time."""

ASKED_AT_ONCE_MAX: Final = 500
"""Questions that are asked in one go, where many wait: a leader on this node answers at once."""

_ANSWERS: Final = {Question.GET: Got, Question.PURGE: Purged, Question.COUNTS: Counts}


class Way(Protocol):
    """The way that questions go."""

    @property
    def gives_messages(self) -> bool:
        """Whether a get or a purge may be asked for now."""

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        """Ask."""


class _Asked(NamedTuple):
    question: Question
    then: Then
    asked_at_ms: int


class Questions:
    """The open questions of one front half, by number.

    They are asked in this order, but for counts, which come first.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._open: dict[int, _Asked] = {}
        self._uncounted: dict[int, None] = {}
        self._untaken: dict[int, None] = {}
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, question: Question, then: Then, now_ms: int) -> int:
        """Note a question; return its number."""
        self._last_number += 1
        self._open[self._last_number] = _Asked(question, then, now_ms)
        self._wait(self._last_number, question)
        return self._last_number

    def _wait(self, number: int, question: Question) -> None:
        line = self._uncounted if question is Question.COUNTS else self._untaken
        line[number] = None

    def ask_over(self, way: Way, now_ms: int) -> bool:
        """Ask what waits, as far as it may be asked now; return whether there is more."""
        for number in list(islice(self._uncounted, ASKED_AT_ONCE_MAX)):
            del self._uncounted[number]
            way.ask(number, Question.COUNTS, now_ms)
        if self._untaken and way.gives_messages:
            for number in list(islice(self._untaken, ASKED_AT_ONCE_MAX)):
                del self._untaken[number]
                way.ask(number, self._open[number].question, now_ms)
            return bool(self._untaken or self._uncounted)
        return bool(self._uncounted)

    def way_ended(self) -> None:
        """All that is not answered is to be asked again."""
        self._uncounted, self._untaken = {}, {}
        for number, asked in self._open.items():
            self._wait(number, asked.question)

    def answer(self, answer: Answer) -> bool:
        """Hand an answer on; return False where nobody waits for it any more.

        Raises:
            FrontError: it is no answer to this question.
        """
        asked = self._open.get(answer.number)
        if asked is None:
            if answer.number > self._last_number:
                raise FrontError(f"answers question {answer.number}, which was not asked")
            return False
        if not isinstance(answer, _ANSWERS[asked.question]):
            raise FrontError(f"answers {asked.question.name} with {type(answer).__name__}")
        del self._open[answer.number]
        asked.then(answer)
        return True

    def deadline_ms(self, hold_ms: int) -> int | None:
        """Return when the oldest has waited for so long; None where there is none."""
        for asked in self._open.values():
            return asked.asked_at_ms + hold_ms
        return None

    def expire(self, hold_ms: int, now_ms: int) -> None:
        """Answer those with None that have waited for so long."""
        while (due_ms := self.deadline_ms(hold_ms)) is not None and due_ms <= now_ms:
            number = next(iter(self._open))
            self._uncounted.pop(number, None)
            self._untaken.pop(number, None)
            self._open.pop(number).then(None)

    def end(self) -> None:
        """The queue is gone: nothing is answered."""
        open_ones, self._open = self._open, {}
        self._uncounted, self._untaken = {}, {}
        for asked in open_ones.values():
            asked.then(None)
