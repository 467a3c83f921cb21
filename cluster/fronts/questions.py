"""What a front half has asked the leader, and who waits for the answer.

A question that a leader has not answered when its leadership ends is asked again: what was got goes
back with the old one, and to purge or to count twice does no harm.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Counts, Got, Purged, Question

Answer: TypeAlias = Got | Purged | Counts

Then: TypeAlias = Callable[[Answer | None], None]
"""Takes the answer, in a turn of its own or at once; None where there was none in time."""

_ANSWERS: Final = {Question.GET: Got, Question.PURGE: Purged, Question.COUNTS: Counts}


class _Asked(NamedTuple):
    question: Question
    then: Then
    asked_at_ms: int


class Questions:
    """The open questions of one front half, by number: they are asked in this order.

    Attributes:
        has_unasked: some wait for the way, and for the publishes before them.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._open: dict[int, _Asked] = {}
        self._unasked: dict[int, None] = {}
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, question: Question, then: Then, now_ms: int) -> int:
        """Note a question; return its number."""
        self._last_number += 1
        self._open[self._last_number] = _Asked(question, then, now_ms)
        self._unasked[self._last_number] = None
        return self._last_number

    @property
    def has_unasked(self) -> bool:
        """Whether some wait to be asked."""
        return bool(self._unasked)

    def unasked(self) -> list[tuple[int, Question]]:
        """Return what waits to be asked, which counts as asked from now on."""
        unasked, self._unasked = self._unasked, {}
        return [(number, self._open[number].question) for number in unasked]

    def way_ended(self) -> None:
        """All that is not answered is to be asked again."""
        self._unasked = dict.fromkeys(self._open)

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
            self._unasked.pop(number, None)
            self._open.pop(number).then(None)

    def end(self) -> None:
        """The queue is gone: nothing is answered."""
        open_ones, self._open, self._unasked = self._open, {}, {}
        for asked in open_ones.values():
            asked.then(None)
