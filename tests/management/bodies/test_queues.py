"""A queue as an object."""

from amqp_server.broker.views import QueueCounts, QueueView
from management.bodies.queues import queue_body, queue_definition_body, totals_of
from management.identity import Identity
from management.lists.ranges import NO_RANGES
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
