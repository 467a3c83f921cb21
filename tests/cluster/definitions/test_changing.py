"""A definition that is changed by what there is of it: nobody's change is lost."""

from collections.abc import Callable

import pytest

from cluster.definitions.changing import Change, Changed, changing
from cluster.definitions.creating import Missing
from cluster.definitions.inquiry import ContendedError
from cluster.definitions.references import References
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change as StoreChange
from cluster.metadata.port import Delete, Item, Put
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
REFERENCES = References(KEYS)
VHOST, USER = KEYS.key("vhost", "/"), KEYS.key("user", "u")
RIGHTS = KEYS.key("perm", "/", "u")


def adding(key: bytes, value: bytes) -> Change:
    """Return what puts a value behind the one that is there."""
    return lambda item: Put(key, (b"" if item is None else item.value) + value)


def contents() -> Contents:
    made = Contents()
    put(made, VHOST)
    put(made, USER)
    return made


def value_of(there: Contents, key: bytes) -> bytes | None:
    item = there.now(key)
    return None if item is None else item.value


def test_it_is_created_replaced_and_deleted() -> None:
    there = contents()
    first = run(there, changing(REFERENCES, RIGHTS, adding(RIGHTS, b"1")))
    assert first == Changed(None, there.revision)
    second = run(there, changing(REFERENCES, RIGHTS, adding(RIGHTS, b"2")))
    assert isinstance(second, Changed)
    assert (value_of(there, RIGHTS), second.before and second.before.value) == (b"12", b"1")
    third = run(there, changing(REFERENCES, RIGHTS, lambda _item: Delete(RIGHTS)))
    assert isinstance(third, Changed)
    assert (value_of(there, RIGHTS), third.revision) == (None, there.revision)


def test_what_stays_as_it_is_changes_no_revision() -> None:
    there = contents()
    before = there.revision
    assert run(there, changing(REFERENCES, RIGHTS, lambda _item: None)) == Changed(None, 0)
    created = put(there, RIGHTS, b"1")
    changed = run(there, changing(REFERENCES, RIGHTS, lambda _item: None))
    assert isinstance(changed, Changed)
    assert (changed.revision, there.revision) == (created, before + 1)


def test_what_it_needs_is_named() -> None:
    there = contents()
    there.apply((StoreChange(USER, None),))
    assert run(there, changing(REFERENCES, RIGHTS, adding(RIGHTS, b"1"))) == Missing(USER)


def test_what_ended_is_not_what_there_is() -> None:
    there = contents()
    put(there, RIGHTS, b"old")
    there.apply((StoreChange(USER, None),))
    put(there, USER)
    changed = run(there, changing(REFERENCES, RIGHTS, adding(RIGHTS, b"new")))
    assert isinstance(changed, Changed)
    assert (changed.before, value_of(there, RIGHTS)) == (None, b"new")


def test_two_at_once_keep_the_changes_of_both() -> None:
    there = contents()
    runs = [Run(changing(REFERENCES, RIGHTS, adding(RIGHTS, each))) for each in (b"1", b"2")]
    while not all(each.is_over for each in runs):
        for each in runs:
            if not each.is_over:
                each.step(there)
    assert value_of(there, RIGHTS) == b"12"


def test_what_the_change_raises_is_the_answer() -> None:
    def refusing(_item: Item | None) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(contents(), changing(REFERENCES, RIGHTS, refusing))


def test_others_that_are_always_faster_end_it() -> None:
    there = contents()
    asked = Run(changing(REFERENCES, RIGHTS, adding(RIGHTS, b"1")))
    faster: Callable[[], int] = lambda: put(there, RIGHTS, b"x")  # noqa: E731
    while not asked.is_over:
        asked.step(there)
        faster()
    assert isinstance(asked.error, ContendedError)
