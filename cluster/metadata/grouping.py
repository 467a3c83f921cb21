"""Changes of several queues in one transaction: a store with a slow disk pays for each request.

    part, part, part ─▶ group ─▶ store ─▶ Done: all of it was carried out
                                       └▶ Refused: nothing was; ``holding`` says which parts would
                                          have been, and these are asked for again by themselves

A refused group reads every key that it compares, at one revision. So one answer says whose
comparisons did not hold, and a queue that somebody else has changed costs the others one request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cluster.metadata.port import (
    OPERATIONS_MAX,
    TRANSACTION_BYTES_MAX,
    Comparison,
    Empty,
    Item,
    Operation,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
    holds,
)

GROUP_BYTES_MAX: Final = TRANSACTION_BYTES_MAX // 2
"""Of keys and values in a group of more than one; reads of the keys come to it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that are carried out together or not at all.

    Attributes:
        parts: which it has; at least one.
        transaction: all of them.
    """

    parts: tuple[Transaction, ...]
    transaction: Transaction

    def seen(self, refused: Refused) -> Mapping[bytes, Item | None]:
        """Return each key that is compared, as it was when the group was refused."""
        keys = [each.key for each in self.transaction.otherwise]
        return dict(zip(keys, refused.reads, strict=True))

    def holding(self, refused: Refused) -> list[bool]:
        """Return of each part whether all that it compares held when the group was refused."""
        seen = self.seen(refused)
        return [
            all(
                not isinstance(each, Empty) and holds(each, seen[each.key]) for each in part.compare
            )
            for part in self.parts
        ]


def group_of(parts: Iterable[Transaction], operations_max: int = OPERATIONS_MAX) -> Group:
    """Return as many of the first parts as one transaction may have; one at least.

    Args:
        parts: no two of them change the same key, and none compares a range. What several compare
            or read is asked for once. Their own ``otherwise`` is left out.
        operations_max: of a group of more than one.
    """
    compare: dict[Comparison, None] = {}
    then: dict[Operation, None] = {}
    taken: list[Transaction] = []
    total_bytes = 0
    for part in parts:
        more = [each for each in part.compare if each not in compare]
        work = [each for each in part.then if each not in then]
        total_bytes += sum(map(_bytes_of, (*more, *work)))
        count = max(len(compare) + len(more), len(then) + len(work))
        if taken and (count > operations_max or total_bytes > GROUP_BYTES_MAX):
            break
        compare.update(dict.fromkeys(more))
        then.update(dict.fromkeys(work))
        taken.append(part)
    reads = dict.fromkeys(Read(each.key) for each in compare)
    return Group(tuple(taken), Transaction(tuple(compare), tuple(then), tuple(reads)))


def _bytes_of(part: Comparison | Operation) -> int:
    return len(part.key) + (len(part.value) if isinstance(part, Put | Value) else 0)
