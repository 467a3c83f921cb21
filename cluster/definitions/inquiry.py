"""Questions to the metadata store, and the answers, as a generator goes through them.

    question = next(inquiry)           a transaction, or a range to be read
    question = inquiry.send(answer)    settled: done or refused, or a page
    …
    StopIteration                      its value is what came of it

Whoever runs an inquiry has each transaction carried out once, see ``cluster.definitions.lane``.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from cluster.metadata.errors import MetadataError
from cluster.metadata.port import Done, Item, Page, Read, Refused, Transaction

ATTEMPTS_MAX: Final = 64
"""How often an inquiry begins anew, since others changed what it compared."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """Asks for the first keys of a range."""

    start: bytes
    end: bytes


Question: TypeAlias = Transaction | Range
Answer: TypeAlias = Done | Refused | Page
Inquiry: TypeAlias = Generator[Question, Answer, T]
Found: TypeAlias = Mapping[bytes, Item | None]


class ContendedError(MetadataError):
    """Others changed the same again and again; nothing was done."""

    def __init__(self, key: bytes) -> None:
        super().__init__(f"others change {key!r:.200} all the time")


def transacting(transaction: Transaction) -> Inquiry[Done | Refused]:
    """Return what came of a transaction."""
    answer = yield transaction
    assert isinstance(answer, Done | Refused), answer
    return answer


def reading(start: bytes, end: bytes) -> Inquiry[Page]:
    """Return the first keys of a range."""
    answer = yield Range(start, end)
    assert isinstance(answer, Page), answer
    return answer


def looking_up(keys: Sequence[bytes]) -> Inquiry[Found]:
    """Return keys as they are at one moment."""
    answer = yield from transacting(Transaction(then=tuple(map(Read, keys))))
    return dict(zip(keys, answer.reads, strict=True))
