"""The messages that a policy may have dropped, and others."""

import json

from tests.crash.history import Action, Kind, Row, Value
from tests.crash.policies import LENGTH_MAX, POLICIES, definitions_of, not_droppable


def published(counter: int, *, is_confirmed: bool = True) -> list[Row]:
    """Return the rows of a publish."""
    kinds = (Kind.INVOKE, Kind.OK) if is_confirmed else (Kind.INVOKE,)
    return [Row(counter, 1, kind, Action.ENQUEUE, Value(1, counter)) for kind in kinds]


def test_the_newest_messages_that_the_length_allows_cannot_have_been_dropped() -> None:
    counters = range(1, LENGTH_MAX + 11)
    history = [row for counter in counters for row in published(counter)]
    values = [Value(1, counter) for counter in counters]
    assert not_droppable(history, values) == tuple(values[10:])


def test_what_was_not_confirmed_yet_may_be_behind() -> None:
    history = [
        row
        for counter in range(1, LENGTH_MAX + 1)
        for row in published(counter, is_confirmed=False)
    ]
    history += published(LENGTH_MAX + 1)
    assert not_droppable(history, [Value(1, LENGTH_MAX + 1)]) == ()


def test_a_message_alone_is_never_dropped() -> None:
    assert not_droppable(published(1), [Value(1, 1)]) == (Value(1, 1),)


def test_each_vhost_gets_the_policy() -> None:
    for policy in POLICIES:
        loaded = json.loads(definitions_of(["/", "other"], policy))
        found = {one["vhost"]: one["definition"] for one in loaded["policies"]}
        assert found == {"/": policy.definition, "other": policy.definition}
