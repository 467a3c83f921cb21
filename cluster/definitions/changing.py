"""A definition that is put, replaced or deleted by what the store has of it at one moment.

The change is a function of what there is. Where others were faster it is asked again, with what
they made. So two nodes that change different limits of one user keep both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cluster.definitions.creating import Missing
from cluster.definitions.inquiry import (
    ATTEMPTS_MAX,
    ContendedError,
    Inquiry,
    looking_up,
    transacting,
)
from cluster.definitions.references import References
from cluster.definitions.removing import Along, deletion, nothing
from cluster.metadata.port import (
    Absent,
    Comparison,
    CreateRevision,
    Delete,
    Done,
    Item,
    ModRevision,
    Put,
    Transaction,
)

Change: TypeAlias = Callable[[Item | None], Put | Delete | None]
"""Takes what holds of a key now, None if nothing does; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What there was before; ``revision`` is the one that has the change, or what was left so.

    0: there was nothing, and is nothing.
    """

    before: Item | None
    revision: int


def changing(
    references: References, key: bytes, change: Change, *, along_ended: Along = nothing
) -> Inquiry[Changed | Missing]:
    """Change a definition.

    Args:
        references: what needs what.
        key: of the definition.
        change: says what becomes of it; it may be asked several times, and may raise.
        along_ended: what is changed where one that ended stands in the way and is deleted.

    Raises:
        ContendedError: others were always faster.
    """
    needed = references.needed_by(key)
    for _ in range(ATTEMPTS_MAX):
        found = yield from looking_up((*needed, key))
        item = found[key]
        if item is not None and not references.holds(item, found.get):
            yield from transacting(deletion(item, along_ended(item)))
            continue
        missing = references.first_missing(key, found.get)
        if missing is not None:
            return Missing(missing)
        operation = change(item)
        if operation is None:
            return Changed(item, 0 if item is None else item.mod_revision)
        at: Comparison = Absent(key) if item is None else ModRevision(key, item.mod_revision)
        compared = tuple(
            CreateRevision(each, there.create_revision)
            for each in needed
            if (there := found[each]) is not None
        )
        answer = yield from transacting(Transaction((at, *compared), (operation,)))
        if isinstance(answer, Done):
            return Changed(item, answer.revision)
    raise ContendedError(key)
