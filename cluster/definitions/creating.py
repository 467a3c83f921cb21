"""A definition that is created unless it is there: one transaction decides, against the store.

The first attempt compares with what this node's copy has. Where the store differs, its answer says
what there is, all of one moment, and the decision is made on that alone. So of two nodes that
declare the same one creates it, and the other one is told what the first one created.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cluster.definitions.inquiry import (
    ATTEMPTS_MAX,
    ContendedError,
    Found,
    Inquiry,
    looking_up,
    transacting,
)
from cluster.definitions.references import References
from cluster.definitions.removing import Along, deletion, nothing
from cluster.metadata.port import (
    Absent,
    CreateRevision,
    Done,
    Item,
    Operation,
    Put,
    Read,
    Transaction,
)


@dataclass(frozen=True, slots=True)
class Created:
    """It was not there, and is since this revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class Exists:
    """It was there already, as this."""

    item: Item


@dataclass(frozen=True, slots=True)
class Missing:
    """It needs what is not there."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """What it needs is there, and will not have it."""

    reason: Exception


Creation = Created | Exists | Missing | Rejected
Copy = Callable[[bytes], Item | None]
Check = Callable[[Found], Exception | None]


def no_check(_found: Found) -> None:
    """Return that all is well."""
    return


def creating(
    references: References,
    put: Put,
    copy: Copy,
    *,
    along: tuple[Operation, ...] = (),
    along_ended: Along = nothing,
    check: Check = no_check,
) -> Inquiry[Creation]:
    """Create a definition, unless there is one that holds.

    Args:
        references: what needs what.
        put: its key and value.
        copy: what this node has of a key; it may be old.
        along: what is changed in the same transaction.
        along_ended: what is changed where one that ended stands in the way and is deleted.
        check: whether what it needs will have it; None: yes.

    Raises:
        ContendedError: others were always faster.
    """
    key = put.key
    needed = references.needed_by(key)
    keys = (*needed, key)
    found: Found = {each: copy(each) for each in keys}
    is_fresh = False
    for _ in range(ATTEMPTS_MAX):
        missing = references.first_missing(key, found.get)
        rejected = None if missing is not None else check(found)
        existing = found[key]
        ended = existing is not None and not references.holds(existing, found.get)
        if is_fresh and missing is not None:
            return Missing(missing)
        if is_fresh and existing is not None and not ended:
            return Exists(existing)
        if is_fresh and rejected is not None:
            return Rejected(rejected)
        if missing is not None or rejected is not None or (existing is not None and not is_fresh):
            found = yield from looking_up(keys)
        elif existing is not None:
            yield from transacting(deletion(existing, along_ended(existing)))
            found = yield from looking_up(keys)
        else:
            compared = tuple(CreateRevision(each, _created(found[each])) for each in needed)
            answer = yield from transacting(
                Transaction((Absent(key), *compared), (put, *along), tuple(map(Read, keys)))
            )
            if isinstance(answer, Done):
                return Created(answer.revision)
            found = dict(zip(keys, answer.reads, strict=True))
        is_fresh = True
    raise ContendedError(key)


def _created(item: Item | None) -> int:
    assert item is not None, "it is missing"
    return item.create_revision
