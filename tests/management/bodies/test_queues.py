"""A queue as an object."""

from collections.abc import Iterator
from typing import Any

import pytest

from amqp_server.broker.views import QueueCounts, QueueView
from management.bodies.queues import (
    queue_body,
    queue_definition_body,
    sampled_number,
    totals_of,
)
from management.identity import Identity
from management.lists.columns import tree_to
from management.lists.ranges import NO_RANGES
from management.samples import series
from management.samples.details import Looks
from management.samples.history import History

IDENTITY = Identity("rabbit@here", "cluster", "3.13.7", "HareMQ", "1")


def _view(kind: str) -> QueueView:
    counts = QueueCounts(ready_count=3, unacked_count=2, ready_bytes=30, unacked_bytes=20)
    return QueueView(
        name="q",
        vhost="/",
        kind=kind,
        durable=True,
        auto_delete=False,
        exclusive=False,
        arguments={},
        owner_number=None,
        policy=None,
        operator_policy=None,
        effective_policy={},
        counts=counts,
        single_active_tag=None,
        exclusive_tag=None,
        may_deliver=True,
    )


def test_messages_are_ready_or_unacknowledged() -> None:
    body = queue_body(_view("classic"), IDENTITY, None, Looks(), NO_RANGES)
    assert totals_of(_view("classic")) == {
        "messages": 5,
        "messages_ready": 3,
        "messages_unacknowledged": 2,
    }
    assert (body["messages"], body["message_bytes"], body["message_bytes_ready"]) == (5, 50, 30)
    assert "messages_dlx" not in body


def test_members_are_those_of_replicated_kinds() -> None:
    for kind in ("quorum", "stream"):
        body = queue_definition_body(_view(kind), IDENTITY)
        assert (body["leader"], body["members"]) == ("rabbit@here", ["rabbit@here"])
    assert "leader" not in queue_definition_body(_view("classic"), IDENTITY)
    assert queue_body(_view("quorum"), IDENTITY, None, Looks(), NO_RANGES)["messages_dlx"] == 0


def test_what_is_on_disk_is_not_in_memory() -> None:
    view = _view("classic")._replace(spilled_count=2, spilled_bytes=15)
    body = queue_body(view, IDENTITY, None, Looks(), NO_RANGES)
    assert (body["messages_ram"], body["messages_ready_ram"], body["messages_paged_out"]) == (
        3,
        1,
        2,
    )
    assert (body["message_bytes_ram"], body["message_bytes_paged_out"]) == (35, 15)
    assert (body["messages_persistent"], body["message_bytes_persistent"]) == (5, 50)
    transient = queue_body(view._replace(durable=False), IDENTITY, None, Looks(), NO_RANGES)
    assert transient["messages_persistent"] == 0


def test_a_queue_is_idle_since_its_last_change() -> None:
    history, view = History(10, found_ms=1_000), _view("classic")
    history.note(6_000, (1,) * 10)
    busy = queue_body(view, IDENTITY, history, Looks(6_000, 1_000, 0), NO_RANGES)
    idle = queue_body(view, IDENTITY, history, Looks(11_000, 6_000, 0), NO_RANGES)
    assert "idle_since" not in busy
    assert idle["idle_since"] == "1970-01-01T00:00:06.000+00:00"


def _paths(body: dict[str, Any], *outer: str) -> Iterator[tuple[str, ...]]:
    for name, value in body.items():
        yield (*outer, name)
        if isinstance(value, dict):
            yield from _paths(value, *outer, name)


def _value(body: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    for name in path:
        body = body[name]
    return body


def _busy_history() -> History:
    history = History(10, found_ms=1_000)
    history.note(6_000, tuple(range(1, 11)))
    history.note(11_000, (3, 2, *range(5, 21, 2)))
    return history


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_a_part_of_a_queue_has_what_is_wanted_as_the_whole_has_it(kind: str) -> None:
    given = (_view(kind), IDENTITY, _busy_history(), Looks(11_000, 6_000, 0), NO_RANGES)
    whole = queue_body(*given)
    for path in _paths(whole):
        assert _value(queue_body(*given, tree_to(path)), path) == _value(whole, path), path


def test_a_part_of_a_queue_leaves_out_what_takes_long() -> None:
    given = (_view("classic"), IDENTITY, _busy_history(), Looks(11_000, 6_000, 0), NO_RANGES)
    part = queue_body(*given, tree_to(("messages",)))
    assert part.keys().isdisjoint({"message_stats", "messages_ready", "memory"})
    stats = queue_body(*given, tree_to(("message_stats", "ack_details", "rate")))["message_stats"]
    assert stats.keys() == {"ack", "ack_details"}


def test_numbers_of_the_last_look_are_those_of_the_whole_body() -> None:
    history, looks = _busy_history(), Looks(11_000, 6_000, 0)
    whole = queue_body(_view("classic"), IDENTITY, history, looks, NO_RANGES)
    found = 0
    for path in _paths(whole):
        number = sampled_number(path)
        if number is None:
            continue
        found += 1
        # The view has the lengths of the last look, and no counts of what passed.
        if path[-1] == "rate" or path[0] != "message_stats":
            assert number(history, looks) == _value(whole, path), path
    assert found == 2 * (len(series.LENGTHS) + len(series.QUEUE_STATS))
    assert sampled_number(("memory",)) is None
    assert sampled_number(("message_stats",)) is None
    assert sampled_number(("messages_details",)) is None
    assert sampled_number(("messages", "rate")) is None
