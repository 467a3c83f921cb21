"""Runs inquiries on the contents of a store, step by step, so that a test may mix several."""

from collections.abc import Callable
from typing import Generic, TypeVar

from cluster.definitions.inquiry import Answer, Inquiry, Question, Range
from cluster.metadata.contents import Contents
from cluster.metadata.port import PAGE_KEYS_MAX, Done, Put, Refused, Transaction

T = TypeVar("T")

Asked = Callable[[Question], Answer]


def answer_of(contents: Contents, question: Question) -> Answer:
    """Return what a store answers at once."""
    if isinstance(question, Range):
        return contents.read_range(question.start, question.end, PAGE_KEYS_MAX)
    evaluation = contents.evaluate(question)
    revision = contents.apply(evaluation.changes)
    kind = Done if evaluation.succeeded else Refused
    return kind(revision, evaluation.reads)


def put(contents: Contents, key: bytes, value: bytes = b"") -> int:
    """Change a key, and return the revision."""
    contents.apply(contents.evaluate(Transaction(then=(Put(key, value),))).changes)
    return contents.revision


class Run(Generic[T]):
    """An inquiry on its way.

    Attributes:
        is_over: whether it has come to its end, by ``result`` or ``error``.
        asked_count: questions so far.
    """

    def __init__(self, inquiry: Inquiry[T]) -> None:
        self._inquiry = inquiry
        self._question: Question | None = None
        self.is_over = False
        self.asked_count = 0
        self.error: Exception | None = None
        self.result: T | None = None
        self._advance(lambda: next(inquiry))

    def step(self, contents: Contents) -> None:
        """Have one question answered."""
        question = self._question
        assert question is not None, "it is over"
        answer = answer_of(contents, question)
        self.asked_count += 1
        self._advance(lambda: self._inquiry.send(answer))

    def _advance(self, move: Callable[[], Question]) -> None:
        self._question = None
        try:
            self._question = move()
        except StopIteration as end:
            self.is_over, self.result = True, end.value
        except Exception as error:  # noqa: BLE001 - what a client would be told
            self.is_over, self.error = True, error


def run(contents: Contents, inquiry: Inquiry[T]) -> T:
    """Return what comes of an inquiry that nobody comes between."""
    asked = Run(inquiry)
    while not asked.is_over:
        asked.step(contents)
    if asked.error is not None:
        raise asked.error
    return asked.result  # type: ignore[return-value]
