"""Which queues are moved, and which are left."""

import re
from typing import Any

import pytest

from amqp_server.migrating.listing import Name, choice_of, kind_of


def queue(name: str, **more: object) -> dict[str, Any]:
    return {"vhost": "/", "name": name, "durable": True, "type": "classic", **more}


def test_durable_queues_that_the_target_has_are_moved_in_order() -> None:
    both = [queue("b"), queue("a", type="quorum"), queue("c", vhost="v")]
    choice = choice_of(both, both)
    assert choice.moved == (Name("/", "a"), Name("/", "b"), Name("v", "c"))
    assert not choice.left


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (queue("q", type="stream"), queue("q"), "a stream is not moved"),
        (queue("q", arguments={"x-queue-type": "stream"}, type=None), None, "a stream"),
        (queue("q", exclusive=True), queue("q"), "it is exclusive"),
        (queue("q", durable=False), queue("q"), "it is not durable"),
        (queue("q", auto_delete=True), queue("q"), "it is auto-delete"),
        (queue("q"), None, "the target has no queue of this name"),
        (queue("q"), queue("q", vhost="v"), "the target has no queue of this name"),
        (queue("q"), queue("q", type="stream"), "the target has a stream"),
        (queue("q"), queue("q", durable=False), "the target has a queue .* that is not durable"),
    ],
)
def test_others_are_left_with_the_reason(
    one: dict[str, Any], other: dict[str, Any] | None, reason: str
) -> None:
    choice = choice_of([one], [other] if other else [])
    assert not choice.moved
    (told,) = choice.left.values()
    assert re.match(reason, told)


def test_what_is_left_with_messages_is_known() -> None:
    left = [queue("a", durable=False, messages=3), queue("b", durable=False, messages=0)]
    assert choice_of(left, []).full == {Name("/", "a")}
    # A node that does not answer says nothing of its queues.
    assert choice_of([queue("a", durable=False)], []).full == {Name("/", "a")}
    # A stream keeps what was read; its numbers do not matter.
    assert choice_of([queue("s", type="stream", messages=0)], []).full == {Name("/", "s")}


def test_a_name_is_told_with_its_vhost_where_that_is_another() -> None:
    assert Name("/", "q").text() == "q"
    assert Name("v", "q").text() == "q in v"
    assert kind_of({}) == "classic"
