"""Each change is carried out once, although an answer may be lost: a lane of numbered changes.

A lane is a key that one node alone writes. Every change compares the lane's revision and puts the
next number into it. So a change whose outcome is unknown is settled by one more write of the lane,
compared with the same revision (R7): where that is done, the change was not carried out and never
will be; where it is refused, the lane's number says which write was. A late request finds the
lane moved, and does nothing.

A lane has one change under way at a time; a node has several lanes.
"""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from cluster.metadata.port import (
    Done,
    Item,
    ModRevision,
    Outcome,
    Put,
    Read,
    Refused,
    Transaction,
    Unknown,
)

T = TypeVar("T")

Settling: TypeAlias = Generator[Transaction, Outcome, T]


class Lane:
    """A lane, and how far it is.

    Args:
        key: of the lane; of this node alone, and below no prefix that is followed.
        life: of this process: no other one, before or after, has the same.
    """

    def __init__(self, key: bytes, life: str) -> None:
        self._key = key
        self._life = life
        self._revision: int | None = None
        self._count = 0

    def carrying_out(self, transaction: Transaction) -> Settling[Done | Refused]:
        """Yield what to ask the store for, until what came of a transaction is certain.

        A transaction that changes something reads nothing where its comparisons hold, and only
        reads where they do not. Who gives up before the end leaves it open what came of it.
        """
        branches = (transaction.then, transaction.otherwise)
        if all(isinstance(each, Read) for branch in branches for each in branch):
            return (yield from _asking(transaction))
        assert not any(isinstance(each, Read) for each in transaction.then), transaction
        assert all(isinstance(each, Read) for each in transaction.otherwise), transaction
        while True:
            revision = yield from self._reading()
            self._revision = None  # until it is certain
            number = self._next()
            answer = yield Transaction(
                (ModRevision(self._key, revision), *transaction.compare),
                (*transaction.then, Put(self._key, number)),
                (*transaction.otherwise, Read(self._key)),
            )
            if isinstance(answer, Unknown):
                answer = yield from self._settling(revision, number)
            if isinstance(answer, Done):
                self._revision = answer.revision
                return answer
            *reads, lane = answer.reads
            self._revision = _revision_of(lane)
            if self._revision == revision:
                return Refused(answer.revision, tuple(reads))

    def _reading(self) -> Settling[int]:
        if self._revision is None:
            answer = yield from _asking(Transaction(then=(Read(self._key),)))
            self._revision = _revision_of(answer.reads[0])
        return self._revision

    def _settling(self, revision: int, number: bytes) -> Settling[Done | Refused]:
        """Return what came of a write of the lane: done, or refused with the lane as it is."""
        while True:
            touch = Put(self._key, self._next())
            compared = (ModRevision(self._key, revision),)
            answer = yield Transaction(compared, (touch,), (Read(self._key),))
            match answer:
                case Unknown():
                    continue
                case Done():
                    lane = Item(self._key, touch.value, 0, answer.revision)
                    return Refused(answer.revision, (lane,))
                case Refused(reads=(Item() as lane,)) if lane.value == number:
                    return Done(lane.mod_revision)
                case _:
                    return answer

    def _next(self) -> bytes:
        self._count += 1
        return f"{self._life}/{self._count}".encode()


def _asking(transaction: Transaction) -> Settling[Done | Refused]:
    """Ask again and again what changes nothing."""
    while True:
        answer = yield transaction
        if not isinstance(answer, Unknown):
            return answer


def _revision_of(lane: Item | None) -> int:
    return 0 if lane is None else lane.mod_revision
