"""What several inquiries ask for at a time, as one transaction of the store.

    questions in line ─▶ joined: the first, and those that may go with it ─▶ one transaction
                                 answers: of each ◀───────────────────────── its outcome

Questions that go together do not know of each other. A transaction that is refused reads all that
it compares, at one revision. So it is known whose comparisons did not hold: these are refused, and
the others are asked for again. Whoever changes a key that another one in the group compares or
changes stays in line, as one of them would come before the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cluster.definitions.inquiry import Question
from cluster.metadata.grouping import Group, group_of
from cluster.metadata.port import (
    OPERATIONS_MAX,
    Done,
    Empty,
    Read,
    Refused,
    Transaction,
)

CHANGES_MAX: Final = 16
"""Questions that change something, in one transaction. Each node applies its changes at once, and
takes up a replica for each new queue: more of them would hold its loop."""

KEYS_CHANGED_MAX: Final = 2 * CHANGES_MAX
"""Of a group: a question may be for several things itself (``in_order``)."""

READS_MAX: Final = 64
"""Questions that only read, in one transaction."""

LOOKED_AT_MAX: Final = 256
"""Questions in line that are looked at for one transaction."""

_WITHOUT_LANE: Final = OPERATIONS_MAX - 1
"""Whoever carries it out adds the key of a lane."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Questions that are asked for together.

    Attributes:
        numbers: which of those in line they are; the first is always among them.
        question: all of them.
    """

    numbers: tuple[int, ...]
    question: Question
    _group: Group | None = None

    def answers(self, outcome: Done | Refused) -> list[Done | Refused | None]:
        """Return the answer to each; None: it is to be asked again, nothing was done."""
        group = self._group
        if group is None:
            return [outcome]
        transaction = group.transaction
        if isinstance(outcome, Done):
            if not transaction.compare:
                return _parted(group, outcome)
            return [Done(outcome.revision) for _ in group.parts]
        holding, seen = group.holding(outcome), group.seen(outcome)
        if all(holding):
            holding = [False] * len(holding)  # The store contradicts itself.
        return [
            None if held else Refused(outcome.revision, tuple(seen[k.key] for k in part.otherwise))
            for part, held in zip(group.parts, holding, strict=True)
        ]


def joined(line: Iterable[Question]) -> Joined:
    """Return the first in line, with those behind it that may be asked for with it."""
    questions = list(islice(line, LOOKED_AT_MAX))
    first = questions[0]
    if not isinstance(first, Transaction) or not _may_be_joined(first):
        return Joined((0,), first)
    reads = only_reads(first)
    count_max = READS_MAX if reads else CHANGES_MAX
    numbers: list[int] = []
    parts: list[Transaction] = []
    compared: set[bytes] = set()
    changed: set[bytes] = set()
    for number, each in enumerate(questions):
        if not isinstance(each, Transaction) or only_reads(each) is not reads:
            continue
        if not _may_be_joined(each):
            continue
        compares = {part.key for part in each.compare}
        changes = {part.key for part in each.then if not isinstance(part, Read)}
        is_apart = changes & (changed | compared) or compares & changed
        if is_apart or (parts and len(changed) + len(changes) > KEYS_CHANGED_MAX):
            # What it asks for comes behind: whoever is behind it in line may need that.
            compared |= compares
            changed |= changes
            continue
        compared |= compares
        changed |= changes
        numbers.append(number)
        parts.append(each)
        if len(parts) == count_max:
            break
    if len(parts) == 1:
        return Joined((0,), first)
    group = group_of(parts, _WITHOUT_LANE)
    count = len(group.parts)
    if count == 1:
        return Joined((0,), first)
    return Joined(tuple(numbers[:count]), group.transaction, group)


def _parted(group: Group, done: Done) -> list[Done | Refused | None]:
    """Return of each part what it has read."""
    keys = [each.key for each in group.transaction.then]
    found = dict(zip(keys, done.reads, strict=True))
    return [
        Done(done.revision, tuple(found[each.key] for each in part.then)) for part in group.parts
    ]


def only_reads(question: Question) -> bool:
    """Return whether nothing is changed, whatever there is."""
    if not isinstance(question, Transaction):
        return True
    return not question.compare and all(isinstance(each, Read) for each in question.then)


def _may_be_joined(transaction: Transaction) -> bool:
    """Return whether it is known from the answer to a group what this one would have got."""
    if any(isinstance(each, Empty) for each in transaction.compare):
        return False
    if not transaction.compare:
        return only_reads(transaction) and not transaction.otherwise
    compared = {each.key for each in transaction.compare}
    return not any(isinstance(each, Read) for each in transaction.then) and all(
        isinstance(each, Read) and each.key in compared for each in transaction.otherwise
    )
